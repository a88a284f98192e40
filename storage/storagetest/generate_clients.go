package storagetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// recordID is one of few, so that an account has some and most changes meet.
func (g *game) recordID() string { return g.pick("c", 6) }

// phrase is a name that a search can be after.
func (g *game) phrase() string {
	return []string{"Ana", "ana maría", "Bo's 100%", "Bakery", "bak_ery", "日本 shop", "anabel", "O'Neil", "x", ""}[g.r.IntN(10)]
}

func (g *game) phraseTerm() string {
	return []string{"", "", "an", "ana", "a", "b", "%", "%", "100%", "_er", "日", "日本", "o'n", "'", "na", "abel", "x", "maría b", "e3"}[g.r.IntN(19)]
}

func (g *game) someRecord(w *world) (accounts.Client, bool) {
	for range 20 {
		if c, found := w.clients[recordKey(g.pick("a", 8), g.recordID())]; found {
			return c, true
		}
	}
	return accounts.Client{}, false
}

// putRecord never makes a user of a member who has not ended: nobody is both
// at one account.
func (g *game) putRecord(w *world) []any {
	a, ok := g.someAccount(w)
	if !ok {
		return nil
	}
	c := record(string(a.ID), g.recordID())
	old := w.clients[c.ClientKey]
	c.Version, c.CreatedAt = g.version(old.Version), g.now.Truncate(12*time.Hour)
	if old.Version > 0 && g.r.IntN(5) > 0 {
		c.CreatedAt = old.CreatedAt
	}
	c.FirstName, c.LastName, c.Company, c.Notes = g.phrase(), g.phrase(), g.phrase(), g.pick("n", 5)
	c.Email = g.email()
	c.Address, c.UpdatedAt, c.Epoch = "As.Typed@"+g.pick("e", 9)+".example", g.now, g.epoch()
	c.After, c.AfterAt, c.InvitedAt, c.ActiveAt = int64(g.r.IntN(3)), g.sometimes(3), g.sometimes(3), g.sometimes(3)
	c.SuspendedAt, c.DeletedAt = g.sometimes(5), g.sometimes(8)
	if u, found := g.someUser(w); found && g.r.IntN(3) > 0 {
		if m := w.memberships[accounts.StandingKey{User: u.ID, Account: a.ID}]; m.Version == 0 || !m.EndedAt.IsZero() {
			c.User = u.ID
		}
	}
	if g.r.IntN(2) == 0 {
		return []any{c}
	}
	return []any{c, accounts.Guard{Account: a.ID, Version: g.version(a.Version), Move: g.r.IntN(2) == 0}}
}

func (g *game) putSite(w *world) []any {
	a, ok := g.someAccount(w)
	if !ok {
		return nil
	}
	s := site(string(a.ID), g.pick("p", 4))
	old := w.sites[s.SiteKey]
	s.Version, s.CreatedAt = g.version(old.Version), g.now.Truncate(12*time.Hour)
	if old.Version > 0 && g.r.IntN(5) > 0 {
		s.CreatedAt = old.CreatedAt
	}
	s.Name, s.Alias, s.RemovedAt, s.UpdatedAt = g.phrase(), g.pick("alias", 9), g.sometimes(5), g.now
	return []any{s}
}

func (g *game) putSiteAccess(w *world) []any {
	c, ok := g.someRecord(w)
	if !ok {
		return nil
	}
	s, found := w.sites[siteKey(string(c.Account), g.pick("p", 4))]
	if !found {
		return nil
	}
	x := given(string(c.Account), string(c.ID), string(s.ID), slices.Clone([]roles.Permission{"site.see", "site.edit", "site.stats"}[:g.r.IntN(4)])...)
	x.EndedAt, x.UpdatedAt = g.sometimes(4), g.now
	x.Version = g.version(w.siteAccess[x.SiteAccessKey].Version)
	return []any{x}
}

func (g *game) putSetupLink(w *world) []any {
	c, ok := g.someRecord(w)
	for range 4 { // mostly one that had a link before
		if w.setupLinks[c.ClientKey].Version == 0 {
			c, ok = g.someRecord(w)
		}
	}
	if !ok {
		return nil
	}
	l := setup(string(c.Account), string(c.ID))
	l.Hash, l.Epoch, l.Mailed, l.ExpiresAt, l.UsedAt = secret(g.r.IntN(60)), g.epoch(), g.r.IntN(2) == 0, g.soon(), g.sometimes(4)
	l.Maker, l.Proves = accounts.UserID(g.pick("u", 10)), g.r.IntN(2) == 0
	l.Version = g.version(w.setupLinks[l.ClientKey].Version)
	return []any{l}
}

func (g *game) putView(w *world) []any {
	c, ok := g.someRecord(w)
	u, found := g.someUser(w)
	if !ok || !found {
		return nil
	}
	v := unopened(g.pick("v", 12), string(c.Account), string(c.ID), string(u.ID))
	old, exists := w.views[v.ID]
	if exists && g.r.IntN(4) > 0 { // it is opened, or it ends
		v = old
	} else {
		v.Link, v.CreatedAt, v.ExpiresAt, v.Session = secret(g.r.IntN(40)), g.now, g.soon(), accounts.SessionID(g.pick("s", 12))
	}
	v.Version = g.version(old.Version)
	if g.r.IntN(2) == 0 {
		v.Hash, v.OpenedAt, v.Source, v.UserAgent = secret(g.r.IntN(40)), g.now, "192.0.2.1", "Browser"
	}
	v.EndedAt = g.sometimes(4)
	return []any{v}
}

// alone leaves out a client whose user the same change makes a member.
func alone(c change) change {
	both := func(r accounts.Client) bool {
		return slices.ContainsFunc(c.Memberships, func(m accounts.Membership) bool { return m.Account == r.Account && m.User == r.User })
	}
	c.Clients = slices.DeleteFunc(c.Clients, both)
	return c
}

// isClient reports whether somebody is a client of an account, in which case
// they become no member of it.
func isClient(w *world, account accounts.AccountID, user accounts.UserID) bool {
	return w.clientOf(account, "", user).There()
}

// readClients are questions about client records.
func (g *game) readClients() []question {
	user, account, email, id, limit := accounts.UserID(g.pick("u", 11)), accounts.AccountID(g.pick("a", 9)), g.email(), g.recordID(), 1+g.r.IntN(6)
	client, at, search := recordKey(string(account), id), g.now, g.phraseTerm()
	before := accounts.ClientCursor{CreatedAt: at.Truncate(time.Hour).Add(-time.Duration(limit%4) * time.Hour), ID: accounts.ClientID(id)}
	siteID := accounts.SiteID(g.pick("p", 4))
	if c, found := g.someRecord(g.m.shared.now()); found && g.r.IntN(4) > 0 {
		account, client, email = c.Account, c.ClientKey, c.Email
		before = accounts.ClientEntry{Client: c}.Cursor()
	}
	states := slices.Clone(accounts.ClientStatuses()[g.r.IntN(5):][:g.r.IntN(2)])
	if g.r.IntN(2) == 0 {
		before = accounts.ClientCursor{}
	}
	records := accounts.ClientRecordQuery{Account: account, Statuses: states, Search: search, Before: before, Limit: limit}
	if g.r.IntN(8) == 0 {
		records.Client = client.ID
	}
	sites := accounts.SiteQuery{Account: account, Search: search, Limit: limit, Before: accounts.SiteCursor{CreatedAt: before.CreatedAt, ID: siteID}}
	recording := accounts.RecordingQuery{Account: account, Email: email, User: only(limit%2 == 0, user), Client: only(limit%3 > 0, client.ID), Site: only(limit%5 > 0, siteID)}
	setup := invites.SettingUpQuery{ClientKey: client, User: only(limit%2 == 0, user), Day: accounts.DayOf(at)}
	if g.r.IntN(2) == 0 {
		setup.ClientKey, setup.Hash = accounts.ClientKey{}, secret(g.r.IntN(60))
	}
	view := []access.ViewKey{{ID: accounts.ViewID(g.pick("v", 12))}, {Link: secret(g.r.IntN(40))}, {Hash: secret(g.r.IntN(40))}}[g.r.IntN(3)]
	return []question{
		{"ClientRecords " + text(records), func(ctx context.Context, st storage.Storage) (any, error) { return st.ClientRecords(ctx, records) }},
		{"ClientRecords " + text(records), func(ctx context.Context, st storage.Storage) (any, error) { return st.ClientRecords(ctx, records) }},
		{"ClientRecords, all", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: account, Limit: all})
		}},
		{"Sites " + text(sites), func(ctx context.Context, st storage.Storage) (any, error) { return st.Sites(ctx, sites) }},
		{"Recording " + text(recording), func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Recording(ctx, recording)
			if recording.Client == "" || recording.Site == "" {
				got = recordingWithoutKeys(got)
			}
			return got, err
		}},
		{"SettingUp " + text(setup), func(ctx context.Context, st storage.Storage) (any, error) { return st.SettingUp(ctx, setup) }},
		{"Viewing " + text(view), func(ctx context.Context, st storage.Storage) (any, error) { return st.Viewing(ctx, view) }},
	}
}

// admitted asks for the admission of a client's user, if they have a session.
func (g *game) admitted(r accounts.Client, add func(string, func(ctx context.Context, st storage.Storage) (any, error))) {
	w := g.m.shared.now()
	for _, id := range slices.Sorted(maps.Keys(w.sessions)) {
		if s := w.sessions[id]; r.User != "" && s.User == r.User {
			add("Admission", func(ctx context.Context, st storage.Storage) (any, error) {
				return st.Admission(ctx, s.Hash, r.Account)
			})
			return
		}
	}
}

// touchedClients are the questions about the clients that a change named.
func (g *game) touchedClients(c change) []question {
	var list []question
	add := func(what string, call func(ctx context.Context, st storage.Storage) (any, error)) {
		list = append(list, question{what, call})
	}
	for _, r := range c.Clients {
		q := accounts.RecordingQuery{Account: r.Account, Client: r.ID, Email: r.Email, User: r.User}
		add("Recording", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Recording(ctx, q)
			return recordingWithoutKeys(got), err
		})
		g.admitted(r, add)
		term := r.FirstName
		add(fmt.Sprintf("ClientRecords, search %q", term), func(ctx context.Context, st storage.Storage) (any, error) {
			return st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: r.Account, Search: term, Limit: all})
		})
	}
	for _, r := range c.Sites {
		add("Sites", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Sites(ctx, accounts.SiteQuery{Account: r.Account, Limit: all})
		})
	}
	for _, r := range c.SiteAccess {
		q := accounts.RecordingQuery{Account: r.Account, Client: r.Client, Site: r.Site}
		add("Recording", func(ctx context.Context, st storage.Storage) (any, error) { return st.Recording(ctx, q) })
		g.admitted(g.m.shared.now().clients[recordKey(string(r.Account), string(r.Client))], add)
	}
	for _, r := range c.SetupLinks {
		for _, q := range []invites.SettingUpQuery{{ClientKey: r.ClientKey}, {Hash: r.Hash}} {
			add("SettingUp", func(ctx context.Context, st storage.Storage) (any, error) { return st.SettingUp(ctx, q) })
		}
	}
	for _, r := range c.Views {
		for _, key := range []access.ViewKey{{ID: r.ID}, {Link: r.Link}, {Hash: r.Hash}} {
			add("Viewing", func(ctx context.Context, st storage.Storage) (any, error) { return st.Viewing(ctx, key) })
		}
	}
	return list
}
