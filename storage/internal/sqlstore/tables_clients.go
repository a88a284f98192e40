package sqlstore

import (
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The stages of a client: how far its status follows from its own row. One that
// is new is a lead, or has sites.
const (
	stageNew = iota
	stageInvited
	stageActive
	stageSuspended
)

// stage returns what accounts.Client.Status makes of the client's own row.
func stage(s accounts.ClientStatus) int64 {
	switch s {
	case accounts.ClientSuspended:
		return stageSuspended
	case accounts.ClientActive:
		return stageActive
	case accounts.ClientInvited:
		return stageInvited
	case accounts.ClientLead, accounts.ClientSiteAssigned, accounts.ClientDeleted: // the last is in no list
	}
	return stageNew
}

// listed returns the number by which the index of the list knows a status. Of
// the clients who are new, those with sites have another than those without.
func listed(s accounts.ClientStatus) int64 {
	switch at := stage(s); {
	case at > stageNew:
		return at + 1
	case s == accounts.ClientSiteAssigned:
		return 1
	}
	return 0
}

// The tables of client management, each in the order of its columns.
var (
	clientRows = table[accounts.Client]{ //nolint:gochecknoglobals // constant, as the other tables
		layout: layout{
			name: "clients", key: []string{"account_id", "id"}, versioned: true,
			steady: []string{"email", "deleted_at", "created_at", "stage"}, gone: "deleted_at",
			parked: `UPDATE {p}clients SET email = ' ' || id, user_id = NULL WHERE account_id = $1 AND id = $2`,
			cols: []string{
				"user_id", "epoch", "after_login", "after_at", "suspended_at", "deleted_at", "first_name", "last_name",
				"email", "address", "company", "postal", "phone", "notes", "locale", "invited_at", "active_at", "stage",
				"search", "created_at", "updated_at",
			},
			fixed: []fixed{{"sited", "0"}},
		},
		keyOf:   func(a []any, c *accounts.Client) []any { return append(a, string(c.Account), string(c.ID)) },
		version: func(c *accounts.Client) int64 { return c.Version },
		rowOf: func(a []any, c *accounts.Client) []any {
			return append(a,
				text(c.User), c.Epoch, c.After, micros(c.AfterAt), micros(c.SuspendedAt), micros(c.DeletedAt), c.FirstName,
				c.LastName, string(c.Email), c.Address, c.Company, c.Postal, c.Phone, c.Notes, c.Locale,
				micros(c.InvitedAt), micros(c.ActiveAt), stage(c.Status(false)), marked(c.SearchText()),
				micros(c.CreatedAt), micros(c.UpdatedAt))
		},
	}

	sites = table[accounts.Site]{ //nolint:gochecknoglobals // constant, as the other tables
		layout: layout{
			name: "sites", key: []string{"account_id", "id"}, versioned: true,
			steady: []string{"removed_at", "created_at"}, gone: "removed_at",
			cols: []string{
				"name", "alias", "url", "domain", "search", "removed_at", "created_at", "updated_at",
			},
		},
		keyOf:   func(a []any, s *accounts.Site) []any { return append(a, string(s.Account), string(s.ID)) },
		version: func(s *accounts.Site) int64 { return s.Version },
		rowOf: func(a []any, s *accounts.Site) []any {
			return append(a,
				s.Name, s.Alias, s.URL, s.Domain, marked(s.SearchText()), micros(s.RemovedAt), micros(s.CreatedAt),
				micros(s.UpdatedAt))
		},
	}

	siteAccess = table[accounts.SiteAccess]{ //nolint:gochecknoglobals // constant, as the other tables
		layout: layout{
			name: "site_access", key: []string{"account_id", "client_id", "site_id"}, versioned: true,
			cols: []string{"permissions", "ended_at", "created_at", "updated_at"},
		},
		keyOf: func(a []any, s *accounts.SiteAccess) []any {
			return append(a, string(s.Account), string(s.Client), string(s.Site))
		},
		version: func(s *accounts.SiteAccess) int64 { return s.Version },
		rowOf: func(a []any, s *accounts.SiteAccess) []any {
			return append(a, lines(s.Permissions), micros(s.EndedAt), micros(s.CreatedAt), micros(s.UpdatedAt))
		},
	}

	setupLinks = table[invites.SetupLink]{ //nolint:gochecknoglobals // constant, as the other tables
		layout: layout{
			name: "setup_links", key: []string{"account_id", "client_id"}, versioned: true, bytes: []string{"hash"},
			parked: `UPDATE {p}setup_links SET hash = NULL WHERE account_id = $1 AND client_id = $2`,
			cols:   []string{"hash", "epoch", "maker_id", "tenure", "suspensions", "mailed", "proves", "created_at", "expires_at", "used_at"},
		},
		keyOf:   func(a []any, l *invites.SetupLink) []any { return append(a, string(l.Account), string(l.ID)) },
		version: func(l *invites.SetupLink) int64 { return l.Version },
		rowOf: func(a []any, l *invites.SetupLink) []any {
			return append(a,
				digest(l.Hash), l.Epoch, string(l.Maker), l.Tenure, l.Suspensions, flag(l.Mailed), flag(l.Proves), micros(l.CreatedAt), micros(l.ExpiresAt),
				micros(l.UsedAt))
		},
	}

	views = table[access.ViewAs]{ //nolint:gochecknoglobals // constant, as the other tables
		layout: layout{
			name: "views", key: []string{"id"}, versioned: true,
			steady: []string{"account_id", "created_at"}, bytes: []string{"link", "hash"},
			parked: `UPDATE {p}views SET link = NULL, hash = NULL WHERE id = $1`,
			cols: []string{
				"account_id", "client_id", "link", "hash", "client_epoch", "user_epoch", "client_logins", "viewer_id", "viewer_epoch",
				"tenure", "login", "login_at", "session_id", "writes", "user_agent", "source", "created_at", "link_until",
				"opened_at", "expires_at", "ended_at",
			},
		},
		keyOf:   func(a []any, v *access.ViewAs) []any { return append(a, string(v.ID)) },
		version: func(v *access.ViewAs) int64 { return v.Version },
		rowOf: func(a []any, v *access.ViewAs) []any {
			return append(a,
				string(v.Account), string(v.ClientKey.ID), digest(v.Link), digest(v.Hash), v.ClientEpoch, v.UserEpoch, v.ClientLogins,
				string(v.Viewer), v.ViewerEpoch, v.Tenure, v.Proof.Login, micros(v.Proof.At), string(v.Session), flag(v.Writes),
				v.UserAgent, v.Source, micros(v.CreatedAt), micros(v.LinkUntil), micros(v.OpenedAt), micros(v.ExpiresAt),
				micros(v.EndedAt))
		},
	}
)

// Tables returns the names of the tables that changes write, without their prefix.
func Tables() []string {
	return []string{
		users.name, identities.name, credentials.name, challenges.name, tickets.name, guesses.name, accountRows.name,
		memberships.name, connections.name, assignments.name, clientRows.name, sites.name, siteAccess.name, setupLinks.name,
		views.name, requests.name, invitations.name, sessions.name, "quotas", replies.name, events.name, mails.name,
	}
}

// lines returns permissions as they are stored, one a line.
func lines(all []roles.Permission) string {
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(p))
	}
	return b.String()
}

// permissions returns what [lines] stored.
func permissions(stored string) []roles.Permission {
	if stored == "" {
		return nil
	}
	all := make([]roles.Permission, 0, strings.Count(stored, "\n")+1)
	for p := range strings.SplitSeq(stored, "\n") {
		all = append(all, roles.Permission(p))
	}
	return all
}
