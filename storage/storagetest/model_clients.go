package storagetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// applyClients applies client records and what belongs to them.
func (w *world) applyClients(c change) bool {
	ok := true
	for _, r := range c.Clients {
		ok = ok && fits(r.Version, w.clients[r.ClientKey].Version)
		r.Version++
		w.clients[r.ClientKey] = r
	}
	for _, r := range c.Sites {
		ok = ok && fits(r.Version, w.sites[r.SiteKey].Version)
		r.Version++
		w.sites[r.SiteKey] = r
	}
	for _, r := range c.SiteAccess {
		ok = ok && fits(r.Version, w.siteAccess[r.SiteAccessKey].Version)
		r.Version++
		r.Permissions = slices.Clone(r.Permissions)
		w.siteAccess[r.SiteAccessKey] = r
	}
	for _, r := range c.SetupLinks {
		ok = ok && fits(r.Version, w.setupLinks[r.ClientKey].Version)
		r.Version++
		w.setupLinks[r.ClientKey] = r
	}
	for _, r := range c.Views {
		ok = ok && fits(r.Version, w.views[r.ID].Version)
		r.Version++
		w.views[r.ID] = r
	}
	return ok
}

// uniqueClients reports whether no address and no user is a client of one
// account twice, and no secret names two rows.
func (w *world) uniqueClients() bool {
	type (
		address struct {
			account accounts.AccountID
			email   accounts.Email
		}
		person struct {
			account accounts.AccountID
			user    accounts.UserID
		}
		setup token.Hash
		link  token.Hash
		view  token.Hash
	)
	seen, ok := map[any]bool{}, true
	once := func(key any) {
		ok = ok && !seen[key]
		seen[key] = true
	}
	for _, c := range w.clients {
		if !c.There() {
			continue
		}
		once(address{c.Account, c.Email})
		if c.User != "" {
			once(person{c.Account, c.User})
		}
	}
	none := token.Hash{}
	for _, l := range w.setupLinks {
		if l.Hash != none {
			once(setup(l.Hash))
		}
	}
	for _, v := range w.views {
		if v.Link != none {
			once(link(v.Link))
		}
		if v.Hash != none {
			once(view(v.Hash))
		}
	}
	return ok
}

// clientOf returns the record that is there and has the address, or else whose
// user it is.
func (w *world) clientOf(account accounts.AccountID, email accounts.Email, user accounts.UserID) accounts.ClientState {
	var of accounts.ClientState
	for key, c := range w.clients {
		switch {
		case key.Account != account || !c.There():
		case email != "" && c.Email == email:
			return c.ClientState
		case user != "" && c.User == user:
			of = c.ClientState
		}
	}
	return of
}

// grants returns the live sites of a client that is there.
func (w *world) grants(c accounts.ClientState) []accounts.SiteGrant {
	var all []accounts.SiteGrant
	for key, a := range w.siteAccess {
		site := w.sites[accounts.SiteKey{Account: key.Account, ID: key.Site}]
		if c.There() && key.Account == c.Account && key.Client == c.ID && a.EndedAt.IsZero() && site.Live() {
			all = append(all, accounts.SiteGrant{Site: site.ID, Name: site.Name, Permissions: slices.Clone(a.Permissions)})
		}
	}
	slices.SortFunc(all, func(a, b accounts.SiteGrant) int { return cmp.Compare(a.Site, b.Site) })
	return all
}

// Recording implements [accounts.Reader].
func (m *model) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Recording{}, err
	}
	account, found := w.accounts[q.Account]
	if !found {
		return accounts.Recording{}, accounts.ErrNotFound
	}
	r := accounts.Recording{
		Account: account, Client: w.clients[accounts.ClientKey{Account: q.Account, ID: q.Client}],
		Taken: w.clientOf(q.Account, q.Email, q.User), Site: w.sites[accounts.SiteKey{Account: q.Account, ID: q.Site}],
	}
	r.User = w.users[r.Client.User]
	r.Assigned = len(w.grants(r.Client.ClientState))
	if u, found := w.user(accounts.UserKey{Email: q.Email}); found {
		m, tied := w.memberships[accounts.StandingKey{User: u.ID, Account: q.Account}]
		r.Member = tied && m.EndedAt.IsZero()
	}
	if q.Client != "" && q.Site != "" {
		key := accounts.SiteAccessKey{Account: q.Account, Client: q.Client, Site: q.Site}
		r.Access = w.siteAccess[key]
		r.Access.SiteAccessKey = key
		r.Access.Permissions = slices.Clone(r.Access.Permissions)
	}
	return r, nil
}

// ClientRecords implements [accounts.Store].
func (m *model) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.ClientEntry
	for key, c := range w.clients {
		e := accounts.ClientEntry{Client: c, Sites: w.grants(c.ClientState)}
		if key.Account == q.Account && c.There() && (q.Client == "" || key.ID == q.Client) &&
			(len(q.Statuses) == 0 || slices.Contains(q.Statuses, e.Status())) &&
			accounts.SearchFits(c.SearchText(), q.Search) {
			all = append(all, e)
		}
	}
	return sortedPage(all, q.Before, q.Limit, accounts.ClientEntry.Cursor, func(a, b accounts.ClientCursor) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}), nil
}

// Sites implements [accounts.Store].
func (m *model) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Site
	for key, s := range w.sites {
		if key.Account == q.Account && s.Live() && accounts.SearchFits(s.SearchText(), q.Search) {
			all = append(all, s)
		}
	}
	return sortedPage(all, q.Before, q.Limit, accounts.Site.Cursor, func(a, b accounts.SiteCursor) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}), nil
}

// SettingUp implements [invites.Store].
func (m *model) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	w, err := m.read(ctx)
	if err != nil {
		return invites.SettingUp{}, err
	}
	for key, c := range w.clients {
		link := w.setupLinks[key]
		if q.ID != "" && key != q.ClientKey || q.ID == "" && (q.Hash == token.Hash{} || link.Hash != q.Hash) {
			continue
		}
		link.ClientKey = key
		s := invites.SettingUp{
			Link: link, Client: c, Account: w.accounts[key.Account], Assigned: len(w.grants(c.ClientState)),
			Mails:  w.quotas[accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(c.Email), Day: q.Day}],
			Holder: w.means(accounts.UserKey{Email: c.Email}), Joiner: w.users[q.User],
			Maker: accounts.Member{
				Membership: w.memberships[accounts.StandingKey{User: link.Maker, Account: key.Account}], User: w.users[link.Maker],
			},
		}
		s.Member = w.memberships[accounts.StandingKey{User: s.Joiner.ID, Account: key.Account}].MemberState
		s.As = w.clientOf(key.Account, "", s.Joiner.ID)
		return s, nil
	}
	return invites.SettingUp{}, accounts.ErrNotFound
}

// Viewing implements [access.SessionStore].
func (m *model) Viewing(ctx context.Context, key access.ViewKey) (access.Viewing, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Viewing{}, err
	}
	for _, v := range w.views {
		if key.ID != "" && v.ID != key.ID || key.ID == "" && (key.Link == token.Hash{} || v.Link != key.Link) &&
			(key.Hash == token.Hash{} || v.Hash != key.Hash) {
			continue
		}
		c := w.clients[v.ClientKey]
		return access.Viewing{
			View: v, Session: w.sessions[v.Session].SessionState, Client: c, Sites: w.grants(c.ClientState),
			Standing: w.standing(accounts.StandingKey{User: v.Viewer, Account: v.Account}),
			Tenure:   w.memberships[accounts.StandingKey{User: v.Viewer, Account: v.Account}].Tenure,
			User:     w.users[c.User].UserState, Logins: w.users[c.User].Logins,
		}, nil
	}
	return access.Viewing{}, accounts.ErrNotFound
}
