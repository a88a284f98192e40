package customstore

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// What follows describes every noun: its key, what it refers to, what is unique,
// and for each question and each list the entries under which it finds its
// rows, in the order in which it wants them. An index is named for what it
// finds, and its parts are what comes first, then what it sorts by, then what
// is left of the row's key.

func (x *txn) describePeople() {
	x.users = table[accounts.User]{
		x: x, name: "users",
		key:     func(r *accounts.User) string { return userKey(r.ID) },
		version: func(r *accounts.User) *int64 { return &r.Version },
		indexes: []index[accounts.User]{
			{"email", true, func(r *accounts.User) []string { return one(r.DeletedAt.IsZero() && r.Email != "", r.Email) }},
			{"handle", true, func(r *accounts.User) []string {
				handle := accounts.NameKey(r.Handle)
				return one(r.DeletedAt.IsZero() && handle != "", handle)
			}},
		},
		moved: x.userMoved,
	}
	x.accounts = table[accounts.Account]{
		x: x, name: "accounts",
		key:     func(r *accounts.Account) string { return accountKey(r.ID) },
		version: func(r *accounts.Account) *int64 { return &r.Version },
		moved:   x.accountMoved,
	}
	x.members = table[member]{
		x: x, name: "members",
		key:     func(r *member) string { return memberKey(r.Row.Account, r.Row.User) },
		version: func(r *member) *int64 { return &r.Row.Version },
		refs:    func(r *member) []ref { return []ref{userOf(r.Row.User), accountOf(r.Row.Account)} },
		indexes: []index[member]{
			{"user", false, func(r *member) []string { return one(true, r.Row.User, r.Row.Account) }},
			{"label", false, func(r *member) []string {
				return one(r.Row.EndedAt.IsZero(), r.Row.Account, r.User, r.Row.User)
			}},
			{"seat", false, func(r *member) []string {
				return one(r.Row.EndedAt.IsZero() && !r.Gone, r.Row.Account, r.Row.User)
			}},
			{"role", false, func(r *member) []string {
				return one(r.Row.Active(), r.Row.Account, r.Row.Role, r.Row.User)
			}},
			{"owned", false, func(r *member) []string {
				return one(r.Row.Active(), r.Row.User, r.Row.Role, r.Row.Account)
			}},
			{"reach", false, func(r *member) []string {
				return one(r.Row.EndedAt.IsZero(), r.Row.User, r.Account, r.Row.Account)
			}},
		},
		fill: func(r *member) {
			u := x.users.need(userKey(r.Row.User))
			r.User, r.Gone = accounts.NameKey(u.Label()), !u.DeletedAt.IsZero()
			r.Account = x.nameKey(r.Row.Account)
		},
	}
	x.connections = table[connection]{
		x: x, name: "connections",
		key:     func(r *connection) string { return connectionKey(r.Row.ConnectionKey) },
		version: func(r *connection) *int64 { return &r.Row.Version },
		refs:    func(r *connection) []ref { return []ref{accountOf(r.Row.Client), accountOf(r.Row.Agency)} },
		indexes: []index[connection]{
			{"agencies", false, func(r *connection) []string {
				return one(true, r.Row.Client, r.Agency, r.Row.Agency)
			}},
			{"clients", false, func(r *connection) []string {
				return one(true, r.Row.Agency, r.Client, r.Row.Client)
			}},
		},
		fill: func(r *connection) { r.Client, r.Agency = x.nameKey(r.Row.Client), x.nameKey(r.Row.Agency) },
	}
	x.assignments = table[assignment]{
		x: x, name: "assignments",
		key:     func(r *assignment) string { return assignmentKey(r.Row.ConnectionKey, r.Row.User) },
		version: func(r *assignment) *int64 { return &r.Row.Version },
		refs: func(r *assignment) []ref {
			return []ref{connectedBy(r.Row.ConnectionKey), {"members", memberKey(r.Row.Agency, r.Row.User)}}
		},
		indexes: []index[assignment]{
			{"user", false, func(r *assignment) []string {
				return one(true, r.Row.User, r.Row.Client, r.Row.Agency)
			}},
			{"reach", false, func(r *assignment) []string {
				return one(true, r.Row.User, r.Client, r.Row.Client, r.Row.Agency)
			}},
		},
		fill: func(r *assignment) { r.Client = x.nameKey(r.Row.Client) },
	}
}

func (x *txn) describeClients() {
	x.clients = table[client]{
		x: x, name: "clients",
		key:     func(r *client) string { return clientKey(r.Row.ClientKey) },
		version: func(r *client) *int64 { return &r.Row.Version },
		refs: func(r *client) []ref {
			if r.Row.User == "" {
				return []ref{accountOf(r.Row.Account)}
			}
			return []ref{accountOf(r.Row.Account), userOf(r.Row.User)}
		},
		indexes: []index[client]{
			{"email", true, func(r *client) []string {
				return one(r.Row.There(), r.Row.Account, r.Row.Email)
			}},
			{"user", true, func(r *client) []string {
				return one(r.Row.There() && r.Row.User != "", r.Row.Account, r.Row.User)
			}},
			{"reach", false, func(r *client) []string {
				return one(r.Row.There() && r.Row.User != "", r.Row.User, r.Account, r.Row.Account, r.Row.ID)
			}},
			{"found", false, func(r *client) []string {
				if !r.Row.There() {
					return nil
				}
				under := append(signs(r.Row.SearchText()), everything, ofStatus(r.Row.Status(r.Sites > 0)))
				return entries(r.Row.Account, under, key(r.Row.CreatedAt, r.Row.ID))
			}},
		},
		fill: func(r *client) { r.Account, r.Sites = x.nameKey(r.Row.Account), len(x.grants(r.Row.ClientKey)) },
	}
	x.sites = table[accounts.Site]{
		x: x, name: "sites",
		key:     func(r *accounts.Site) string { return siteKey(r.SiteKey) },
		version: func(r *accounts.Site) *int64 { return &r.Version },
		refs:    func(r *accounts.Site) []ref { return []ref{accountOf(r.Account)} },
		indexes: []index[accounts.Site]{{"found", false, func(r *accounts.Site) []string {
			if !r.Live() {
				return nil
			}
			return entries(r.Account, append(signs(r.SearchText()), everything), key(r.CreatedAt, r.ID))
		}}},
		moved: x.siteMoved,
	}
	x.accesses = table[accounts.SiteAccess]{
		x: x, name: "accesses",
		key:     func(r *accounts.SiteAccess) string { return accessKey(r.SiteAccessKey) },
		version: func(r *accounts.SiteAccess) *int64 { return &r.Version },
		refs: func(r *accounts.SiteAccess) []ref {
			return []ref{
				clientOf(accounts.ClientKey{Account: r.Account, ID: r.Client}),
				{"sites", siteKey(accounts.SiteKey{Account: r.Account, ID: r.Site})},
			}
		},
		indexes: []index[accounts.SiteAccess]{{"site", false, func(r *accounts.SiteAccess) []string {
			return one(true, r.Account, r.Site, r.Client)
		}}},
		moved: x.accessMoved,
	}
	x.setups = table[invites.SetupLink]{
		x: x, name: "setups",
		key:     func(r *invites.SetupLink) string { return clientKey(r.ClientKey) },
		version: func(r *invites.SetupLink) *int64 { return &r.Version },
		refs:    func(r *invites.SetupLink) []ref { return []ref{clientOf(r.ClientKey)} },
		indexes: []index[invites.SetupLink]{
			{"hash", true, func(r *invites.SetupLink) []string { return secret(r.Hash, false) }},
		},
	}
	x.views = table[view]{
		x: x, name: "views",
		key:     func(r *view) string { return key(r.Row.ID) },
		version: func(r *view) *int64 { return &r.Row.Version },
		refs:    func(r *view) []ref { return []ref{clientOf(r.Of), userOf(r.Row.Viewer)} },
		indexes: []index[view]{
			{"link", true, func(r *view) []string { return secret(r.Row.Link, false) }},
			{"hash", true, func(r *view) []string { return secret(r.Row.Hash, false) }},
			{"viewer", false, func(r *view) []string { return one(true, r.Row.Viewer, r.Row.ID) }},
			{"over", false, func(r *view) []string {
				over := earliest(r.Row.EndedAt, r.Row.ExpiresAt)
				return one(!over.IsZero(), over, r.Row.ID)
			}},
		},
	}
}

func (x *txn) describeLogins() {
	x.identities = table[accounts.Identity]{
		x: x, name: "identities",
		key:  func(r *accounts.Identity) string { return identityKey(r.Key()) },
		refs: func(r *accounts.Identity) []ref { return []ref{userOf(r.User)} },
		indexes: []index[accounts.Identity]{{"user", false, func(r *accounts.Identity) []string {
			return one(true, r.User, r.Issuer, r.Subject)
		}}},
	}
	x.credentials = table[accounts.Credential]{
		x: x, name: "credentials",
		key:     func(r *accounts.Credential) string { return userKey(r.User) },
		version: func(r *accounts.Credential) *int64 { return &r.Version },
		refs:    func(r *accounts.Credential) []ref { return []ref{userOf(r.User)} },
	}
	x.challenges = table[accounts.Challenge]{
		x: x, name: "challenges",
		key:     func(r *accounts.Challenge) string { return challengeKey(r.ChallengeKey) },
		version: func(r *accounts.Challenge) *int64 { return &r.Version },
		refs:    func(r *accounts.Challenge) []ref { return []ref{userOf(r.User)} },
		indexes: []index[accounts.Challenge]{{"over", false, func(r *accounts.Challenge) []string {
			return one(!r.ExpiresAt.IsZero(), r.ExpiresAt, challengeKey(r.ChallengeKey))
		}}},
	}
	x.tickets = table[access.Ticket]{
		x: x, name: "tickets",
		key:     func(r *access.Ticket) string { return ticketKey(r.TicketKey) },
		version: func(r *access.Ticket) *int64 { return &r.Version },
		refs:    func(r *access.Ticket) []ref { return []ref{userOf(r.User)} },
		indexes: []index[access.Ticket]{
			{"hash", true, func(r *access.Ticket) []string { return secret(r.Hash, true) }},
			{"email", false, func(r *access.Ticket) []string { return one(r.Email != "", r.Email, ticketKey(r.TicketKey)) }},
			{"over", false, func(r *access.Ticket) []string {
				return one(!r.ExpiresAt.IsZero(), r.ExpiresAt, ticketKey(r.TicketKey))
			}},
		},
	}
	x.guesses = table[access.Guesses]{
		x: x, name: "guesses",
		key:     func(r *access.Guesses) string { return key(r.Email) },
		version: func(r *access.Guesses) *int64 { return &r.Version },
		indexes: []index[access.Guesses]{{"last", false, func(r *access.Guesses) []string {
			return one(!r.LastAt.IsZero(), r.LastAt, r.Email)
		}}},
	}
	x.sessions = table[access.Session]{
		x: x, name: "sessions",
		key:     func(r *access.Session) string { return key(r.ID) },
		version: func(r *access.Session) *int64 { return &r.Version },
		refs:    func(r *access.Session) []ref { return []ref{userOf(r.User)} },
		indexes: []index[access.Session]{
			{"hash", true, func(r *access.Session) []string { return secret(r.Hash, true) }},
			{"user", false, func(r *access.Session) []string { return one(true, r.User, r.ID) }},
			{"live", false, func(r *access.Session) []string { return one(r.EndedAt.IsZero(), r.User, r.ID) }},
			{"over", false, func(r *access.Session) []string {
				over := earliest(r.EndedAt, r.CreatedAt)
				return one(!over.IsZero(), over, r.ID)
			}},
			{"source", false, func(r *access.Session) []string {
				return one(r.UserAgent+r.Source != "" && !r.CreatedAt.IsZero(), r.CreatedAt, r.ID)
			}},
		},
	}
}

func (x *txn) describeOffers() {
	x.requests = table[access.Request]{
		x: x, name: "requests",
		key:     func(r *access.Request) string { return key(r.Agency, r.ID) },
		version: func(r *access.Request) *int64 { return &r.Version },
		refs:    func(r *access.Request) []ref { return []ref{accountOf(r.Agency)} },
		indexes: []index[access.Request]{
			{"hash", true, func(r *access.Request) []string { return secret(r.Hash, true) }},
			{"pending", true, func(r *access.Request) []string {
				return one(r.State == access.Pending, r.Agency, r.Email)
			}},
			{"to", false, func(r *access.Request) []string {
				return one(true, r.Email, r.Agency, r.ID)
			}},
			{"waiting", false, func(r *access.Request) []string {
				return one(r.State == access.Pending, r.Email, r.CreatedAt, r.ID, r.Agency)
			}},
			{"made", false, func(r *access.Request) []string {
				return one(true, r.Agency, r.CreatedAt, r.ID)
			}},
		},
	}
	x.invitations = table[invites.Invitation]{
		x: x, name: "invitations",
		key:     func(r *invites.Invitation) string { return key(r.Account, r.ID) },
		version: func(r *invites.Invitation) *int64 { return &r.Version },
		refs:    func(r *invites.Invitation) []ref { return []ref{accountOf(r.Account)} },
		indexes: []index[invites.Invitation]{
			{"hash", true, func(r *invites.Invitation) []string { return secret(r.Hash, true) }},
			{"pending", true, func(r *invites.Invitation) []string {
				return one(r.State == invites.Pending, r.Account, r.Email)
			}},
			{"to", false, func(r *invites.Invitation) []string {
				return one(true, r.Email, r.Account, r.ID)
			}},
			{"waiting", false, func(r *invites.Invitation) []string {
				return one(r.State == invites.Pending, r.Email, r.CreatedAt, r.ID, r.Account)
			}},
			{"made", false, func(r *invites.Invitation) []string {
				return one(true, r.Account, r.CreatedAt, r.ID)
			}},
		},
	}
}

func (x *txn) describeRest() {
	x.counters = table[counter]{
		x: x, name: "counters",
		key: func(r *counter) string { return quotaKey(r.QuotaKey) },
		indexes: []index[counter]{{"day", false, func(r *counter) []string {
			return one(true, r.Day, quotaKey(r.QuotaKey))
		}}},
	}
	x.replies = table[accounts.Reply]{
		x: x, name: "replies",
		key: func(r *accounts.Reply) string { return replyKey(r.ReplyKey) },
		indexes: []index[accounts.Reply]{{"over", false, func(r *accounts.Reply) []string {
			return one(!r.ExpiresAt.IsZero(), r.ExpiresAt, replyKey(r.ReplyKey))
		}}},
	}
	x.events = table[event]{
		x: x, name: "events",
		key: func(r *event) string { return eventKey(r.Row.Op, r.Row.Seq) },
		indexes: []index[event]{
			{"audit", false, func(r *event) []string {
				at := []any{r.Row.At, r.Row.Op, r.Row.Seq}
				read := one(r.Row.Account != "", append([]any{r.Row.Account}, at...)...)
				return append(read, one(r.Row.Agency != "" && r.Row.Agency != r.Row.Account, append([]any{r.Row.Agency}, at...)...)...)
			}},
			{"feed", false, func(r *event) []string {
				return one(!r.Taken, r.Due, r.Row.At, r.Row.Op, r.Row.Seq)
			}},
		},
	}
	x.letters = table[letter]{
		x: x, name: "letters",
		key: func(r *letter) string { return key(r.Row.ID) },
		indexes: []index[letter]{
			{"queue", false, func(r *letter) []string {
				return one(r.State == mail.Queued && r.Leased.IsZero(),
					r.Row.Channel, r.Row.Priority, r.Row.Due, r.Row.ID)
			}},
			{"leased", false, func(r *letter) []string {
				return one(r.State == mail.Queued && !r.Leased.IsZero(), r.Row.Channel, r.Leased, r.Row.ID)
			}},
			{"reason", false, func(r *letter) []string {
				return one(r.Row.Reason != "", r.Row.Reason, r.Row.CreatedAt, r.Row.ID)
			}},
			{"to", false, func(r *letter) []string { return one(r.Row.To != "", r.Row.To, r.Row.ID) }},
			{"user", false, func(r *letter) []string { return one(r.Row.User != "", r.Row.User, r.Row.ID) }},
			{"settled", false, func(r *letter) []string { return one(!r.Settled.IsZero(), r.Settled, r.Row.ID) }},
			{"late", false, func(r *letter) []string {
				waits := r.State == mail.Queued || r.State == mail.Dead && r.says()
				return one(waits && !r.Row.NotAfter.IsZero(), r.Row.NotAfter, r.Row.ID)
			}},
		},
	}
}
