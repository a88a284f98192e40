package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

func checkSetupKeys(e *env) {
	st := e.open()
	l := setup("a", "c")
	e.put(st, user("u"), account("a"), account("b"), record("a", "c"), record("a", "d"), record("a", "bare"), record("b", "c"))
	e.put(st, l, setup("a", "d"), setup("b", "c"))
	old := l.Hash
	l.Version, l.Hash = 1, hash("newer")
	e.put(st, l)
	l.Version = 2
	for _, change := range []func(l *invites.SetupLink){
		func(*invites.SetupLink) {}, func(l *invites.SetupLink) { l.UsedAt = minutes(1) }, func(l *invites.SetupLink) { l.ExpiresAt = minutes(-9) },
	} {
		for _, q := range []invites.SettingUpQuery{{ClientKey: recordKey("a", "c")}, {Hash: hash("newer")}} {
			got, err := st.SettingUp(e.ctx, q)
			e.ok(err, "SettingUp")
			e.same(got.Link, l, "the setup link")
			e.holds(got.Client.ClientKey == recordKey("a", "c"), "the link is that of %s", text(got.Client))
		}
		change(&l)
		e.put(st, l)
		l.Version++
	}
	got, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: recordKey("a", "bare")})
	e.ok(err, "SettingUp")
	e.same(got.Link, invites.SetupLink{ClientKey: recordKey("a", "bare")}, "the link of a client that never had one")
	for _, q := range []invites.SettingUpQuery{
		{ClientKey: recordKey("a", "nobody")},
		{ClientKey: recordKey("nowhere", "c")},
		{ClientKey: recordKey("b", "d")},
		{ClientKey: recordKey("a", "C")},
		{ClientKey: recordKey("", "c")},
		{ClientKey: recordKey("a", "")},
		{Hash: old},
		{Hash: hash("guess")},
		{User: "u"},
		{},
	} {
		got, err := st.SettingUp(e.ctx, q)
		e.is(err, accounts.ErrNotFound, "SettingUp(%s)", text(q))
		e.same(got, invites.SettingUp{}, "SettingUp beside an error")
	}
}

func checkSettingUp(e *env) {
	st := e.open()
	gone, left := user("gone"), member("a", "left", roles.Admin)
	gone.DeletedAt, left.EndedAt = minutes(1), minutes(1)
	theirs, paused := recordOf("a", "theirs", "w"), record("a", "paused")
	paused.SuspendedAt = minutes(1)
	next := spend(accounts.QuotaRecipient, "known@example.com", 2, 5)
	next.Day++
	e.put(st, user("known"), user("left"), user("w"), user("m"), gone, account("a"), account("b"), left, member("a", "m", roles.Viewer),
		credential("known"), identity("2", "known"), identity("1", "known"), credential("gone"),
		record("a", "known"), record("a", "nobody"), record("a", "gone"), theirs, paused, recordOf("b", "c", "known"),
		site("a", "p"), site("a", "q"), given("a", "known", "p", "site.see"), given("a", "known", "q"),
		spend(accounts.QuotaRecipient, "known@example.com", 3, 5), spend(accounts.QuotaLinks, "known@example.com", 4, 5), next)
	e.put(st, setup("a", "known"), setup("a", "nobody"), setup("a", "gone"), setup("a", "theirs"), setup("a", "paused"))

	a, known := account("a"), user("known")
	a.Version, known.Version, theirs.Version, paused.Version, gone.Version = 1, 1, 1, 1, 1
	c := credential("known")
	c.Version = 1
	holder := accounts.Means{User: known, Credential: c, Identities: []accounts.Identity{identity("1", "known"), identity("2", "known")}}
	joiner := func(id string) accounts.User { u := user(id); u.Version = 1; return u }
	client := func(id string) accounts.Client { c := record("a", id); c.Version = 1; return c }
	w := accounts.Means{User: joiner("w"), Credential: accounts.Credential{User: "w"}}
	theirs.Email = address("theirs")
	for _, x := range []struct {
		client string
		user   accounts.UserID
		want   invites.SettingUp
	}{
		{"known", "", invites.SettingUp{Client: client("known"), Assigned: 2, Mails: 3, Holder: holder}},
		{"known", "known", invites.SettingUp{Client: client("known"), Assigned: 2, Mails: 3, Holder: holder, Joiner: known}},
		{"known", "left", invites.SettingUp{
			Client: client("known"), Assigned: 2, Mails: 3, Holder: holder, Joiner: joiner("left"), Member: left.MemberState,
		}},
		{"known", "m", invites.SettingUp{
			Client: client("known"), Assigned: 2, Mails: 3, Holder: holder, Joiner: joiner("m"), Member: member("a", "m", roles.Viewer).MemberState,
		}},
		{"known", "w", invites.SettingUp{
			Client: client("known"), Assigned: 2, Mails: 3, Holder: holder, Joiner: w.User, As: theirs.ClientState,
		}},
		{"known", "stranger", invites.SettingUp{Client: client("known"), Assigned: 2, Mails: 3, Holder: holder}},
		{"nobody", "", invites.SettingUp{Client: client("nobody")}},
		{"nobody", "known", invites.SettingUp{Client: client("nobody"), Joiner: known}},
		{"nobody", "gone", invites.SettingUp{Client: client("nobody"), Joiner: gone}},
		{"gone", "", invites.SettingUp{Client: client("gone")}},
		{"theirs", "", invites.SettingUp{Client: theirs}},
		{"theirs", "w", invites.SettingUp{Client: theirs, Joiner: w.User, As: theirs.ClientState}},
		{"paused", "", invites.SettingUp{Client: paused}},
	} {
		l := setup("a", x.client)
		l.Version = 1
		x.want.Link, x.want.Account = l, a
		for _, q := range []invites.SettingUpQuery{{ClientKey: recordKey("a", x.client)}, {Hash: l.Hash}} {
			q.User, q.Day = x.user, accounts.DayOf(start)
			got, err := st.SettingUp(e.ctx, q)
			e.ok(err, "SettingUp %s as %q", x.client, x.user)
			e.same(got, x.want, "SettingUp %s as %q", x.client, x.user)
		}
	}
	got, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: recordKey("a", "known"), Day: accounts.DayOf(start) + 1})
	e.ok(err, "SettingUp")
	e.holds(got.Mails == 2, "the next day's counter says %d, want 2", got.Mails)
	deleted := client("known")
	deleted.DeletedAt, deleted.Email, deleted.Address, deleted.Epoch = minutes(5), "", "", 3
	e.put(st, deleted)
	deleted.Version = 2
	got, err = st.SettingUp(e.ctx, invites.SettingUpQuery{Hash: setup("a", "known").Hash, Day: accounts.DayOf(start)})
	e.ok(err, "SettingUp")
	e.same(got.Client, deleted, "a client that was deleted since")
	e.same(got.Holder, accounts.Means{}, "who has the address of a deleted client, which is none")
	e.holds(got.Assigned == 0 && got.Mails == 0, "a deleted client has %d sites and %d mails", got.Assigned, got.Mails)
}

func checkViewKeys(e *env) {
	st := e.open()
	v := unopened("v", "a", "c", "u")
	e.put(st, user("u"), account("a"), record("a", "c"), record("a", "d"), v, unopened("other", "a", "d", "u"))
	v.Version = 1
	is := func(what string, keys ...access.ViewKey) {
		e.Helper()
		for _, key := range keys {
			got, err := st.Viewing(e.ctx, key)
			e.ok(err, "Viewing, %s, by %s", what, text(key))
			e.same(got.View, v, "%s, by %s", what, text(key))
		}
	}
	none := func(keys ...access.ViewKey) {
		e.Helper()
		for _, key := range keys {
			got, err := st.Viewing(e.ctx, key)
			e.is(err, accounts.ErrNotFound, "Viewing by %s", text(key))
			e.same(got, access.Viewing{}, "Viewing beside an error")
		}
	}
	id, link := access.ViewKey{ID: "v"}, access.ViewKey{Link: v.Link}
	is("a link that was not used", id, link)
	none(access.ViewKey{}, access.ViewKey{Hash: v.Link}, access.ViewKey{ID: "V"}, access.ViewKey{Link: hash("view v")}, access.ViewKey{Hash: hash("view v")})
	v.OpenedAt, v.Hash = minutes(1), hash("view v")
	e.put(st, v)
	v.Version = 2
	secret := access.ViewKey{Hash: v.Hash}
	is("a view that was opened", id, link, secret)
	none(access.ViewKey{Link: v.Hash}, access.ViewKey{Hash: v.Link})
	v.EndedAt = minutes(2)
	e.put(st, v)
	v.Version = 3
	is("a view that ended", id, link, secret)
	v.Link = [32]byte{}
	e.put(st, v)
	v.Version = 4
	is("a view without its link", id, secret)
	none(link, access.ViewKey{})
}

func checkViewing(e *env) {
	st := e.open()
	c, s, v := recordOf("a", "c", "w"), session("of-u", "u"), view("v", "a", "c", "u")
	boss := manages("a", "u")
	theirs := user("w")
	theirs.Logins = 4
	bare, alone := view("bare", "a", "bare", "u"), view("alone", "a", "c", "u")
	bare.Session, alone.Session = "", "gone"
	far := view("far", "b", "c", "u")
	e.put(st, user("u"), theirs, account("a"), account("b"), boss, s, session("of-w", "w"), c, record("a", "bare"), recordOf("b", "c", "w"),
		site("a", "p"), site("b", "p"), given("a", "c", "p", "site.see"), v, bare, alone, far)
	ask := func(id accounts.ViewID) access.Viewing {
		e.Helper()
		got, err := st.Viewing(e.ctx, access.ViewKey{ID: id})
		e.ok(err, "Viewing")
		return got
	}
	standing := func(account accounts.AccountID) accounts.Standing {
		list, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "u", Account: account}})
		e.ok(err, "Standings")
		return list[0]
	}
	v.Version, bare.Version, alone.Version, far.Version, c.Version, theirs.Version = 1, 1, 1, 1, 1, 1
	want := access.Viewing{
		View: v, Session: s.SessionState, Standing: standing("a"), Tenure: 4, Client: c, User: theirs.UserState, Logins: 4,
		Sites: []accounts.SiteGrant{grantOf(site("a", "p"), "site.see")},
	}
	e.same(ask("v"), want, "a view")
	e.holds(want.Standing.Member.Role == roles.Admin, "the viewer's standing is %s", text(want.Standing))
	without := want
	without.View, without.Session = alone, access.SessionState{}
	e.same(ask("alone"), without, "a view of a session that is gone")
	nobody := record("a", "bare")
	nobody.Version = 1
	e.same(ask("bare"), access.Viewing{View: bare, Standing: standing("a"), Tenure: 4, Client: nobody}, "a view of a client who never came in")
	other := recordOf("b", "c", "w")
	other.Version = 1
	e.same(ask("far"), access.Viewing{
		View: far, Session: s.SessionState, Standing: standing("b"), Client: other, User: theirs.UserState, Logins: 4,
	}, "a view at an account of which the viewer is no member")

	s.Version, s.EndedAt = 1, minutes(2)
	theirs.Logins = 5
	c.SuspendedAt, c.Epoch = minutes(2), 3
	boss.Version, boss.EndedAt, boss.Tenure = 1, minutes(2), 5
	e.put(st, s, theirs, c, boss)
	c.Version, theirs.Version = 2, 2
	want.Session, want.Standing, want.Tenure, want.Client, want.Logins = s.SessionState, standing("a"), 5, c, 5
	e.same(ask("v"), want, "a view of which everything ended")
	c.DeletedAt, c.User = minutes(3), ""
	e.put(st, c)
	c.Version = 3
	want.Client, want.User, want.Logins, want.Sites = c, accounts.UserState{}, 0, nil
	e.same(ask("v"), want, "a view of a client who was deleted")
}
