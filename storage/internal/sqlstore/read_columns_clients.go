package sqlstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

const (
	clientStateF = `f.account_id, f.id, f.user_id, f.epoch, f.after_login, f.after_at, f.suspended_at, f.deleted_at`
	clientStateO = `o.account_id, o.id, o.user_id, o.epoch, o.after_login, o.after_at, o.suspended_at, o.deleted_at`
)

func bindClientState(d []any, c *accounts.ClientState) []any {
	return append(d, (*asText)(&c.Account), (*asText)(&c.ID), (*asText)(&c.User), (*asInt)(&c.Epoch), (*asInt)(&c.After),
		(*asTime)(&c.AfterAt), (*asTime)(&c.SuspendedAt), (*asTime)(&c.DeletedAt))
}

const clientF = clientStateF + `, f.version, f.first_name, f.last_name, f.email, f.address, f.company, f.postal, f.phone,
	f.notes, f.locale, f.invited_at, f.active_at, f.created_at, f.updated_at`

const clientO = clientStateO + `, o.version, o.first_name, o.last_name, o.email, o.address, o.company, o.postal, o.phone,
	o.notes, o.locale, o.invited_at, o.active_at, o.created_at, o.updated_at`

func bindRecorded(d []any, c *accounts.Client) []any {
	return append(bindClientState(d, &c.ClientState), (*asInt)(&c.Version), (*asText)(&c.FirstName), (*asText)(&c.LastName),
		(*asText)(&c.Email), (*asText)(&c.Address), (*asText)(&c.Company), (*asText)(&c.Postal), (*asText)(&c.Phone),
		(*asText)(&c.Notes), (*asText)(&c.Locale), (*asTime)(&c.InvitedAt), (*asTime)(&c.ActiveAt), (*asTime)(&c.CreatedAt),
		(*asTime)(&c.UpdatedAt))
}

const siteJ = `j.account_id, j.id, j.version, j.name, j.alias, j.url, j.domain, j.removed_at, j.created_at, j.updated_at`

func bindSite(d []any, s *accounts.Site) []any {
	return append(d, (*asText)(&s.Account), (*asText)(&s.ID), (*asInt)(&s.Version), (*asText)(&s.Name), (*asText)(&s.Alias),
		(*asText)(&s.URL), (*asText)(&s.Domain), (*asTime)(&s.RemovedAt), (*asTime)(&s.CreatedAt), (*asTime)(&s.UpdatedAt))
}

const siteAccessB = `b.account_id, b.client_id, b.site_id, b.version, b.permissions, b.ended_at, b.created_at, b.updated_at`

func bindSiteAccess(d []any, s *accounts.SiteAccess) []any {
	return append(d, (*asText)(&s.Account), (*asText)(&s.Client), (*asText)(&s.Site), (*asInt)(&s.Version),
		(*asLines)(&s.Permissions), (*asTime)(&s.EndedAt), (*asTime)(&s.CreatedAt), (*asTime)(&s.UpdatedAt))
}

const setupLinkD = `d.account_id, d.client_id, d.version, d.hash, d.epoch, d.maker_id, d.tenure, d.suspensions, d.mailed, d.proves, d.created_at, d.expires_at,
	d.used_at`

func bindSetupLink(d []any, l *invites.SetupLink) []any {
	return append(d, (*asText)(&l.Account), (*asText)(&l.ID), (*asInt)(&l.Version), (*asHash)(&l.Hash), (*asInt)(&l.Epoch),
		(*asText)(&l.Maker), (*asInt)(&l.Tenure), (*asInt)(&l.Suspensions), (*asBool)(&l.Mailed), (*asBool)(&l.Proves), (*asTime)(&l.CreatedAt), (*asTime)(&l.ExpiresAt), (*asTime)(&l.UsedAt))
}

const viewH = `h.id, h.account_id, h.client_id, h.version, h.link, h.hash, h.client_epoch, h.user_epoch, h.client_logins, h.viewer_id,
	h.viewer_epoch, h.tenure, h.login, h.login_at, h.session_id, h.writes, h.user_agent, h.source, h.created_at, h.link_until,
	h.opened_at, h.expires_at, h.ended_at`

func bindView(d []any, v *access.ViewAs) []any {
	return append(d, (*asText)(&v.ID), (*asText)(&v.Account), (*asText)(&v.ClientKey.ID), (*asInt)(&v.Version),
		(*asHash)(&v.Link), (*asHash)(&v.Hash), (*asInt)(&v.ClientEpoch), (*asInt)(&v.UserEpoch), (*asInt)(&v.ClientLogins), (*asText)(&v.Viewer),
		(*asInt)(&v.ViewerEpoch), (*asInt)(&v.Tenure), (*asInt)(&v.Proof.Login), (*asTime)(&v.Proof.At), (*asText)(&v.Session), (*asBool)(&v.Writes),
		(*asText)(&v.UserAgent), (*asText)(&v.Source), (*asTime)(&v.CreatedAt), (*asTime)(&v.LinkUntil), (*asTime)(&v.OpenedAt),
		(*asTime)(&v.ExpiresAt), (*asTime)(&v.EndedAt))
}

// What follows is of the client record f, or o. Its sites are one value, so that
// they make no row more; without a record nothing is looked for.
const (
	grantsF = `CASE WHEN f.deleted_at = 0 THEN (SELECT ` + grantsB + givenTo + `(f.account_id, f.id)) END`
	grantsO = `CASE WHEN o.deleted_at = 0 THEN (SELECT ` + grantsB + givenTo + `(o.account_id, o.id)) END`

	// grantsB writes sites behind each other, each value behind how many bytes it
	// has: whatever is in a name needs no escape.
	grantsB = `string_agg({sys}concat(octet_length(b.site_id), ' ', octet_length(j.name), ' ', octet_length(b.permissions), ' ',
		b.site_id, j.name, b.permissions), '')`

	// assignedF counts the sites.
	assignedF = `CASE WHEN f.deleted_at = 0 THEN (SELECT count(*)` + givenTo + `(f.account_id, f.id)) END`

	// givenTo names the sites second: a client has few, and an account many.
	givenTo = ` FROM {p}site_access b CROSS JOIN {p}sites j
		WHERE b.ended_at = 0 AND j.account_id = b.account_id AND j.id = b.site_id AND j.removed_at = 0
			AND (b.account_id, b.client_id) = `
)

// asGrants takes what grantsF makes.
type asGrants []accounts.SiteGrant

// Scan implements sql.Scanner.
func (d *asGrants) Scan(src any) error {
	*d = nil
	var text asText
	if err := text.Scan(src); err != nil || text == "" {
		return err
	}
	var all asGrants
	for left := string(text); left != ""; {
		var row [3]string
		var ok bool
		if left, ok = cut(left, &row); !ok {
			return fmt.Errorf("sqlstore: the sites of a client are not to be read from byte %d on", len(text)-len(left))
		}
		all = append(all, accounts.SiteGrant{Site: accounts.SiteID(row[0]), Name: row[1], Permissions: permissions(row[2])})
	}
	slices.SortFunc(all, func(a, b accounts.SiteGrant) int { return strings.Compare(string(a.Site), string(b.Site)) })
	*d = all
	return nil
}

// cut takes the values off a text that begins with how many bytes each has, and
// returns what is left.
func cut(text string, row *[3]string) (left string, ok bool) {
	var size [len(row)]int
	at := text
	for i := range size {
		number, behind, found := strings.Cut(at, " ")
		n, err := strconv.Atoi(number)
		if !found || err != nil || n < 0 {
			return text, false
		}
		size[i], at = n, behind
	}
	for i, n := range size {
		if n > len(at) {
			return text, false
		}
		row[i], at = at[:n], at[n:]
	}
	return at, true
}

// asLines takes permissions, one a line.
type asLines []roles.Permission

// Scan implements sql.Scanner.
func (d *asLines) Scan(src any) error {
	var text asText
	err := text.Scan(src)
	*d = permissions(string(text))
	return err
}
