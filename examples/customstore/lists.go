package customstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Members implements [accounts.Store].
func (s *Store) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Member) {
		part := accounts.NameKey(q.Search)
		for m := range x.members.up("label", key(q.Account), past(key(q.Account, q.After.NameKey, q.After.User))) {
			u := x.users.need(userKey(m.Row.User))
			handle := accounts.NameKey(u.Handle)
			if !strings.Contains(m.User, part) && !strings.Contains(handle, part) && !strings.Contains(string(u.Email), part) ||
				(q.Match != accounts.MemberRef{}) && !fits(q.Match, u, handle) {
				continue
			}
			if list = append(list, accounts.Member{Membership: m.Row, User: *u}); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// fits reports whether any filled field of the reference is the user's.
func fits(ref accounts.MemberRef, u *accounts.User, handle string) bool {
	return ref.ID != "" && ref.ID == u.ID || ref.Email != "" && ref.Email == u.Email ||
		ref.Handle != "" && ref.Handle == handle || ref.NameKey != "" && ref.NameKey == accounts.NameKey(u.Name)
}

// Connections implements [accounts.Store].
func (s *Store) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Connected) {
		if (q.Client == "") == (q.Agency == "") {
			x.fail(fault("a query for connections names exactly one of client and agency"))
			return nil
		}
		index, own := "agencies", q.Client
		if q.Client == "" {
			index, own = "clients", q.Agency
		}
		part := accounts.NameKey(q.Search)
		for c := range x.connections.up(index, key(own), past(key(own, q.After.NameKey, q.After.Account))) {
			client, agency := x.accounts.need(accountKey(c.Row.Client)), x.accounts.need(accountKey(c.Row.Agency))
			other, name := agency, c.Agency
			if q.Client == "" {
				other, name = client, c.Client
			}
			if !c.Row.Counts(agency.AccountState) || !strings.Contains(name, part) {
				continue
			}
			if list = append(list, accounts.Connected{Connection: c.Row, Other: other.AccountState}); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// placed returns where a page begins in the lists of newest entries: before a
// cursor's place, and with a zero cursor ("", for callers) at the end.
func placed[ID ~string](at time.Time, id ID) string {
	if at.IsZero() && id == "" {
		return ""
	}
	return key(at, id)
}

// ClientRecords implements [accounts.Store]. Of several statuses it takes a page
// each, in which the page of all is.
func (s *Store) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.ClientEntry) {
		under := []string{everything}
		if len(q.Statuses) > 0 {
			under = nil
			for _, status := range q.Statuses {
				under = append(under, ofStatus(status))
			}
			slices.Sort(under)
			under = slices.Compact(under)
		}
		var all []*client
		for _, sign := range under {
			all = append(all, x.recorded(q, sign)...)
		}
		slices.SortFunc(all, func(a, b *client) int {
			return cmp.Or(b.Row.CreatedAt.Compare(a.Row.CreatedAt), cmp.Compare(b.Row.ID, a.Row.ID))
		})
		for _, c := range all[:min(page(q.Limit), len(all))] {
			list = append(list, accounts.ClientEntry{Client: c.Row, Sites: x.grants(c.Row.ClientKey)})
		}
		return list
	})
}

// recorded returns a page of the client records under a sign.
func (x *txn) recorded(q accounts.ClientRecordQuery, sign string) (list []*client) {
	walk := x.clients.common(q.Account, append(sought(q.Search), sign), placed(q.Before.CreatedAt, q.Before.ID))
	if q.Client != "" {
		walk = x.oneClient(q, sign)
	}
	for c := range walk {
		if !accounts.SearchFits(c.Row.SearchText(), q.Search) {
			continue
		}
		if list = append(list, c); len(list) == page(q.Limit) {
			break
		}
	}
	return list
}

// oneClient is the walk to one client, who is there, behind the cursor and under
// the sign, or nobody.
func (x *txn) oneClient(q accounts.ClientRecordQuery, sign string) func(yield func(*client) bool) {
	return func(yield func(*client) bool) {
		c := x.clients.get(clientKey(accounts.ClientKey{Account: q.Account, ID: q.Client}))
		if c == nil {
			return
		}
		place, before := key(c.Row.CreatedAt, c.Row.ID), placed(q.Before.CreatedAt, q.Before.ID)
		if (before == "" || place < before) && x.clients.find("found", key(q.Account, sign)+place) != nil {
			yield(c)
		}
	}
}

// Sites implements [accounts.Store].
func (s *Store) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Site) {
		under := append(sought(q.Search), everything)
		for r := range x.sites.common(q.Account, under, placed(q.Before.CreatedAt, q.Before.ID)) {
			if !accounts.SearchFits(r.SearchText(), q.Search) {
				continue
			}
			if list = append(list, *r); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// grants returns the live sites of a client who is there, by site id.
func (x *txn) grants(k accounts.ClientKey) (list []accounts.SiteGrant) {
	for a := range x.accesses.up("", clientKey(k), "") {
		if !a.EndedAt.IsZero() {
			continue
		}
		if r := x.sites.need(siteKey(accounts.SiteKey{Account: a.Account, ID: a.Site})); r.Live() {
			list = append(list, accounts.SiteGrant{Site: r.ID, Name: r.Name, Permissions: a.Permissions})
		}
	}
	return list
}

// assigned returns how many live sites a client has who is there.
func (c *client) assigned() int {
	if !c.Row.There() {
		return 0
	}
	return c.Sites
}

// taken returns the state of the client record that is there and has an
// address, or else of the one as which a user is a client; zero if none.
func (x *txn) taken(account accounts.AccountID, email accounts.Email, user accounts.UserID) (none accounts.ClientState) {
	if c := x.clients.find("email", key(account, email)); c != nil && email != "" {
		return c.Row.ClientState
	}
	if c := x.clients.find("user", key(account, user)); c != nil {
		return c.Row.ClientState
	}
	return none
}

// Recording implements [accounts.Reader].
func (s *Store) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	return ask(ctx, s, func(x *txn) accounts.Recording {
		r := accounts.Recording{Account: found(x, x.accounts.get(accountKey(q.Account))), Taken: x.taken(q.Account, q.Email, q.User)}
		if c := x.clients.get(clientKey(accounts.ClientKey{Account: q.Account, ID: q.Client})); c != nil {
			r.Client, r.Assigned = c.Row, c.assigned()
			r.User = orKey(x.users.get(userKey(c.Row.User)), accounts.User{})
		}
		if u := x.users.find("email", key(q.Email)); u != nil {
			m := x.members.get(memberKey(q.Account, u.ID))
			r.Member = m != nil && m.Row.EndedAt.IsZero()
		}
		r.Site = orKey(x.sites.get(siteKey(accounts.SiteKey{Account: q.Account, ID: q.Site})), accounts.Site{})
		if q.Client != "" && q.Site != "" {
			k := accounts.SiteAccessKey{Account: q.Account, Client: q.Client, Site: q.Site}
			r.Access = orKey(x.accesses.get(accessKey(k)), accounts.SiteAccess{SiteAccessKey: k})
		}
		return r
	})
}
