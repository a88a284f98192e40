package storagetest

import (
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func checkMembers(e *env) {
	st := e.open()
	u, v, w := user("u"), user("v"), user("w")
	u.Name, u.Handle = "Beate  BERG", "bea"
	v.Name, v.Handle = "", "Adam"
	w.Name, w.Address = "", "w@Example.com"
	suspended, ended, elsewhere := member("a", "susp", roles.Admin), member("a", "ended", roles.Admin), member("b", "u", roles.Owner)
	suspended.SuspendedAt, ended.EndedAt = minutes(1), minutes(1)
	e.put(st, u, v, w, user("susp"), user("ended"), account("a"), account("b"), elsewhere, suspended, ended,
		member("a", "u", roles.Owner), member("a", "v", roles.Viewer), member("a", "w", roles.Viewer))
	ids := func(q accounts.MemberQuery) []accounts.UserID {
		q.Account, q.Limit = "a", all
		got, err := st.Members(e.ctx, q)
		e.ok(err, "Members")
		list := []accounts.UserID{}
		for _, m := range got {
			e.holds(m.Membership.User == m.User.ID && m.Membership.Account == "a", "a member with another's membership: %s", text(m))
			list = append(list, m.User.ID)
		}
		return list
	}
	e.same(ids(accounts.MemberQuery{}), []accounts.UserID{"v", "u", "susp", "w"},
		"members by the name key of what they are shown as: name, else user name, else address")
	for _, x := range []struct {
		match accounts.MemberRef
		want  []accounts.UserID
	}{
		{accounts.MemberRef{ID: "u"}, []accounts.UserID{"u"}},
		{accounts.MemberRef{Email: "v@example.com"}, []accounts.UserID{"v"}},
		{accounts.MemberRef{Handle: "adam"}, []accounts.UserID{"v"}},
		{accounts.MemberRef{NameKey: "beate berg"}, []accounts.UserID{"u"}},
		{accounts.MemberRef{ID: "w", Email: "v@example.com", Handle: "bea", NameKey: "name of susp"}, []accounts.UserID{"v", "u", "susp", "w"}},
		{accounts.MemberRef{ID: "ended"}, nil},
		{accounts.MemberRef{NameKey: "beate"}, nil},
		{accounts.MemberRef{Handle: "be"}, nil},
		{accounts.MemberRef{ID: "nobody"}, nil},
	} {
		e.same(ids(accounts.MemberQuery{Match: x.match}), x.want, "members that match %s", text(x.match))
	}
	for _, x := range []struct {
		search string
		want   []accounts.UserID
	}{
		{"beate b", []accounts.UserID{"u"}},
		{"bea", []accounts.UserID{"u"}},
		{"adam", []accounts.UserID{"v"}},
		{"v@example", []accounts.UserID{"v"}},
		{"example.com", []accounts.UserID{"v", "u", "susp", "w"}},
		{"nothing of the sort", nil},
	} {
		e.same(ids(accounts.MemberQuery{Search: x.search}), x.want, "members found by %q", x.search)
	}
	e.same(ids(accounts.MemberQuery{Search: "e", Match: accounts.MemberRef{ID: "u"}}), []accounts.UserID{"u"},
		"search and match together")
	e.same(ids(accounts.MemberQuery{Search: "adam", Match: accounts.MemberRef{ID: "u"}}), nil, "search and match together")
}

func checkConnections(e *env) {
	st := e.open()
	rows := []any{account("client")}
	var want []accounts.AccountID
	for _, x := range []struct {
		id     string
		counts bool
		change func(g *accounts.Account, c *accounts.Connection)
	}{
		{"alive", true, func(*accounts.Account, *accounts.Connection) {}},
		{"Bold", true, func(*accounts.Account, *accounts.Connection) {}},
		{"ended", false, func(_ *accounts.Account, c *accounts.Connection) { c.EndedAt = minutes(1) }},
		{"old-epoch", false, func(_ *accounts.Account, c *accounts.Connection) { c.AgencyEpoch-- }},
		{"no-programme", false, func(g *accounts.Account, _ *accounts.Connection) { g.ProgrammeAt = account("x").ClosedAt }},
		{"no-access", false, func(g *accounts.Account, _ *accounts.Connection) { g.ClientAccessAt = account("x").ClosedAt }},
		{"suspended", false, func(g *accounts.Account, _ *accounts.Connection) { g.SuspendedAt = minutes(1) }},
		{"closed", false, func(g *accounts.Account, _ *accounts.Connection) { g.ClosedAt = minutes(1) }},
	} {
		g, c := agency(x.id), connection("client", x.id, roles.Admin)
		x.change(&g, &c)
		rows = append(rows, g, c)
		if x.counts {
			want = append(want, g.ID)
		}
	}
	e.put(st, rows...)
	got, err := st.Connections(e.ctx, accounts.ConnectionQuery{Client: "client", Limit: all})
	e.ok(err, "Connections of a client")
	var ids []accounts.AccountID
	for _, c := range got {
		ids = append(ids, c.Other.ID)
		e.holds(c.Connection.Agency == c.Other.ID && c.Connection.Version == 1, "a connection beside another account: %s", text(c))
	}
	e.same(ids, want, "connections of a client, by the agency's name key")
	for _, row := range rows {
		g, ok := row.(accounts.Account)
		if !ok || g.ID == "client" {
			continue
		}
		got, err := st.Connections(e.ctx, accounts.ConnectionQuery{Agency: g.ID, Limit: all})
		e.ok(err, "Connections of an agency")
		e.holds((len(got) == 1) == slices.Contains(want, g.ID), "the agency %s lists %s", g.ID, text(got))
		if len(got) == 1 {
			e.holds(got[0].Other.ID == "client", "the agency %s sees itself as the other account: %s", g.ID, text(got))
		}
	}
}

func checkEvents(e *env) {
	st := e.open()
	first, second, third := event("o1", 1, "a", minutes(1)), event("o1", 2, "a", minutes(1)), event("o2", 1, "b", minutes(2))
	fourth, fifth := event("o3", 1, "g", minutes(1)), event("o4", 1, "a", minutes(0))
	second.Kind, third.Agency, third.User = accounts.EventRefused, "a", "u"
	fourth.Agency, fifth.By.User, fifth.User = "b", "u", "v"
	e.put(st, account("a"), account("b"), account("g"), second, first)
	for _, ev := range []accounts.Event{third, fourth, fifth} {
		e.put(st, ev)
	}
	for _, x := range []struct {
		what string
		q    accounts.EventQuery
		want []accounts.Event
	}{
		{"of an account", accounts.EventQuery{Account: "a"}, []accounts.Event{third, second, first, fifth}},
		{"of another", accounts.EventQuery{Account: "b"}, []accounts.Event{third, fourth}},
		{"of an agency that is only the place", accounts.EventQuery{Account: "g"}, []accounts.Event{fourth}},
		{"of a kind", accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{accounts.EventRefused}}, []accounts.Event{second}},
		{
			"of two kinds", accounts.EventQuery{
				Account: "a", Kinds: []accounts.EventKind{accounts.EventRefused, accounts.EventMemberAdded},
			}, []accounts.Event{third, second, first, fifth},
		},
		{"about or by a user", accounts.EventQuery{Account: "a", User: "u"}, []accounts.Event{third, fifth}},
		{
			"about or by a user, of a kind",
			accounts.EventQuery{Account: "a", User: "u", Kinds: []accounts.EventKind{accounts.EventRefused}},
			nil,
		},
		{"of a kind that never happened", accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{"x"}}, nil},
		{"of nowhere", accounts.EventQuery{Account: "nowhere"}, nil},
	} {
		x.q.Limit = all
		got, err := st.Events(e.ctx, x.q)
		e.ok(err, "Events %s", x.what)
		e.same(got, x.want, "events %s", x.what)
	}
}

func checkReply(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	e.put(st, account("a"), r)
	for _, key := range []accounts.ReplyKey{
		{Actor: "user/v", Account: "a", Key: "k"}, {Actor: "user/u", Account: "b", Key: "k"}, {Actor: "user/u", Account: "a", Key: "K"},
	} {
		_, err := st.Reply(e.ctx, key)
		e.is(err, accounts.ErrNotFound, "the same key of another actor, at another account, or in other letters: %v", key)
	}
	got, err := st.Reply(e.ctx, r.ReplyKey)
	e.ok(err, "Reply")
	e.same(got, r, "Reply")
}

func checkBytes(e *env) {
	st := e.open()
	ids := []string{"-", "0", "10", "2", "A", "Z", "_", "a", "aB", "aa", "~"} // in the order of their bytes
	rows := []any{account("a")}
	for _, id := range ids {
		u := user(id)
		u.Name, u.Email, u.Address = "One Name", "", ""
		rows = append(rows, u, member("a", id, roles.Owner))
	}
	e.put(st, rows...)
	standings, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: "a", Limit: all})
	e.ok(err, "Reachers")
	owners, err := st.Owners(e.ctx, "a", roles.Owner)
	e.ok(err, "Owners")
	members, err := st.Members(e.ctx, accounts.MemberQuery{Account: "a", Limit: all})
	e.ok(err, "Members")
	var got [3][]string
	for _, s := range standings {
		got[0] = append(got[0], string(s.User.ID))
	}
	for _, o := range owners {
		got[1] = append(got[1], string(o.User))
	}
	for _, m := range members {
		got[2] = append(got[2], string(m.User.ID))
	}
	e.same(got, [3][]string{ids, ids, ids}, "reachers, owners and members of one name")

	names := []string{"Zebra", "apple", "Äpfel", "b", "Ωmega", "日本", "\U0001f600"} // by their name keys: ASCII, then code points
	rows = []any{user("reader")}
	for i, name := range names {
		a := account("n" + string(rune('9'-i))) // ids run the other way
		a.Name = name
		rows = append(rows, a, member(string(a.ID), "reader", roles.Viewer))
	}
	e.put(st, rows...)
	reach, err := st.Reach(e.ctx, accounts.ReachQuery{User: "reader", Proof: accounts.AnyLogin(), Limit: all})
	e.ok(err, "Reach")
	var order []string
	for _, r := range reach {
		order = append(order, r.Name)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return slices.Compare([]byte(accounts.NameKey(a)), []byte(accounts.NameKey(b)))
	})
	e.same(order, names, "accounts by the bytes of their name keys")
}
