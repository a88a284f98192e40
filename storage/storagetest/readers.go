package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// readerChecks prove the answers about the graph.
func readerChecks() []check {
	const wrong = "services decide on what a reader answers, and on nothing else"
	return []check{
		{
			"what is not there is ErrNotFound, and comes without an answer",
			"a storage error or a half-filled answer must never read as a decision (I-31)", checkNotFound,
		},
		{"lists about what is not there are empty, without an error", wrong, checkEmptyLists},
		{"a user is found by id, address, user name or identity, and a deleted one by id alone", wrong, checkUserKeys},
		{
			"standings come in the order of the keys, repeats included, with zero states for what is not there",
			"bulk checks answer each item as if it were alone (A40)", checkStandings,
		},
		{"owned accounts are the open ones where the user is an active owner", wrong, checkOwned},
		{
			"owners are the active ones by user id, whatever an operator suspended",
			"an account must keep an active owner, and an operator's suspension takes none away (I-01)", checkOwners,
		},
		{"a pair that never was connected has a connection with its key alone", wrong, checkLinked},
		{"members are those who are not ended, and a match is exact", wrong, checkMembers},
		{
			"connections are those that count, seen from either side",
			"an ended connection that is listed reads as access (A55)", checkConnections,
		},
		{
			"an account's audit holds what happened there and what it did as the agency, newest first, filtered",
			"agencies read only their own (A108)", checkEvents,
		},
		{"a reply is kept until it expires and after, until it is replaced", "a repeated call gets the first answer (A97)", checkReply},
		{"ids and keys are compared and ordered byte by byte", "the same operations give the same order on every store (A99)", checkBytes},
	}
}

func checkNotFound(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"))
	for _, key := range []accounts.UserKey{
		{ID: "nobody"},
		{Email: "nobody@example.com"},
		{Handle: "nobody"},
		{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}},
		{ID: "U"},
		{Email: "U@example.com"},
		{Handle: "u"},
	} {
		got, err := st.User(e.ctx, key)
		e.is(err, accounts.ErrNotFound, "User(%+v)", key)
		e.same(got, accounts.User{}, "User beside an error")
	}
	a, err := st.Account(e.ctx, "A")
	e.is(err, accounts.ErrNotFound, "Account")
	e.same(a, accounts.Account{}, "Account beside an error")
	for _, key := range []accounts.ConnectionKey{pair("a", "b"), pair("b", "a"), pair("b", "c")} {
		l, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: key, User: "u", Top: roles.Owner})
		e.is(err, accounts.ErrNotFound, "Linked(%v)", key)
		e.same(l, accounts.Linked{}, "Linked beside an error")
	}
	r, err := st.Reply(e.ctx, accounts.ReplyKey{Actor: "a", Account: "a", Key: "k"})
	e.is(err, accounts.ErrNotFound, "Reply")
	e.same(r, accounts.Reply{}, "Reply beside an error")
	d, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "b"})
	e.is(err, accounts.ErrNotFound, "Drafting")
	e.same(d, access.Drafting{}, "Drafting beside an error")
	for _, q := range []access.DecidingQuery{{Agency: "a", ID: "r"}, {Hash: hash("r")}} {
		got, err := st.Deciding(e.ctx, q)
		e.is(err, accounts.ErrNotFound, "Deciding")
		e.same(got, access.Deciding{}, "Deciding beside an error")
	}
	x, err := st.Ending(e.ctx, "b", start, roles.Owner)
	e.is(err, accounts.ErrNotFound, "Ending")
	e.same(x, access.Ending{}, "Ending beside an error")
	for _, key := range []access.SessionKey{{ID: "s"}, {Hash: hash("s")}} {
		s, err := st.Session(e.ctx, key)
		e.is(err, accounts.ErrNotFound, "Session")
		e.same(s, access.Session{}, "Session beside an error")
	}
	for _, key := range []accounts.StandingKey{{User: "u", Account: "a"}, {User: "nobody", Account: "nowhere"}} {
		m, err := st.Membership(e.ctx, key)
		e.ok(err, "Membership")
		e.same(m, accounts.Membership{Account: key.Account, User: key.User}, "a membership that never was: its key alone")
	}
	applied, err := st.Applied(e.ctx, "never")
	e.ok(err, "Applied")
	e.holds(!applied, "an operation that nobody applied is said to be durable")
}

func checkEmptyLists(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"))
	empty := func(n int, err error, what string) {
		e.ok(err, "%s", what)
		e.holds(n == 0, "%s has %d entries, want none", what, n)
	}
	for _, id := range []string{"u", "nobody"} {
		reach, err := st.Reach(e.ctx, accounts.ReachQuery{User: accounts.UserID(id), Proof: accounts.AnyLogin(), Limit: all})
		empty(len(reach), err, "Reach")
		owned, err := st.Owned(e.ctx, accounts.UserID(id), roles.Owner)
		empty(len(owned), err, "Owned")
		sessions, err := st.Sessions(e.ctx, access.SessionsQuery{User: accounts.UserID(id), Limit: all})
		empty(len(sessions), err, "Sessions")
	}
	for _, id := range []accounts.AccountID{"a", "nowhere"} {
		reachers, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: id, Limit: all})
		empty(len(reachers), err, "Reachers")
		owners, err := st.Owners(e.ctx, id, roles.Owner)
		empty(len(owners), err, "Owners")
		members, err := st.Members(e.ctx, accounts.MemberQuery{Account: id, Limit: all})
		empty(len(members), err, "Members")
		connected, err := st.Connections(e.ctx, accounts.ConnectionQuery{Client: id, Limit: all})
		empty(len(connected), err, "Connections of a client")
		connected, err = st.Connections(e.ctx, accounts.ConnectionQuery{Agency: id, Limit: all})
		empty(len(connected), err, "Connections of an agency")
		events, err := st.Events(e.ctx, accounts.EventQuery{Account: id, Limit: all})
		empty(len(events), err, "Events")
		clients, err := st.Clients(e.ctx, access.ClientsQuery{Agency: id, At: start, Limit: all})
		empty(len(clients), err, "Clients")
	}
	addressed, err := st.Addressed(e.ctx, address("u"), start, all)
	empty(len(addressed), err, "Addressed")
	standings, err := st.Standings(e.ctx, nil)
	empty(len(standings), err, "Standings of no keys")
	records, err := st.Mails(e.ctx, mail.Query{})
	empty(len(records), err, "Mails")
	newest, err := st.Newest(e.ctx, nil)
	empty(len(newest), err, "Newest of no reasons")
	n, err := st.RequeueMail(e.ctx, []string{"m"}, start)
	empty(n, err, "RequeueMail")
	n, err = st.SettleEvents(e.ctx, []accounts.EventReceipt{{Op: "o", Seq: 1, Fence: 1, Taken: true}})
	empty(n, err, "SettleEvents")
	deliveries, err := st.ClaimMail(e.ctx, mail.Claim{Channel: mail.Email, At: start, Lease: 1, Limit: all})
	empty(len(deliveries), err, "ClaimMail")
}

func checkUserKeys(e *env) {
	st := e.open()
	u, gone := user("u"), user("gone")
	u.Handle, gone.Handle = "  The  Ünïted ", "Gone"
	gone.DeletedAt = minutes(1)
	id := func(subject, user string) accounts.Identity {
		return accounts.Identity{Issuer: "https://i", Subject: subject, User: accounts.UserID(user), CreatedAt: start}
	}
	e.put(st, u, gone, id("1", "u"), id("2", "u"), id("3", "gone"), user("without-handle"))
	u.Version, gone.Version = 1, 1
	identity := func(subject string) accounts.UserKey {
		return accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "https://i", Subject: subject}}
	}
	for _, key := range []accounts.UserKey{
		{ID: "u"}, {Email: "u@example.com"}, {Handle: "the ünïted"}, identity("1"), identity("2"),
	} {
		got, err := st.User(e.ctx, key)
		e.ok(err, "User(%+v)", key)
		e.same(got, u, "User")
	}
	got, err := st.User(e.ctx, accounts.UserKey{ID: "gone"})
	e.ok(err, "a deleted user by id")
	e.same(got, gone, "a deleted user by id")
	for _, key := range []accounts.UserKey{
		{Email: "gone@example.com"},
		{Handle: "gone"},
		identity("3"),
		{Handle: "The  Ünïted"},
		{Identity: accounts.IdentityKey{Issuer: "1", Subject: "https://i"}},
		{Identity: accounts.IdentityKey{Issuer: "https://i"}},
	} {
		_, err := st.User(e.ctx, key)
		e.is(err, accounts.ErrNotFound, "User(%+v)", key)
	}
}

func checkStandings(e *env) {
	st := e.open()
	e.put(st, user("u"), user("v"), account("a"), account("b"), agency("g"), agency("f"),
		member("a", "u", roles.Owner), member("g", "u", roles.Admin), member("f", "u", roles.Admin),
		connection("b", "g", roles.Admin), connection("b", "f", roles.Viewer),
		assignment("b", "g", "u", roles.Author), assignment("b", "f", "u", roles.Manager))
	keys := []accounts.StandingKey{
		{User: "u", Account: "b"},
		{User: "v", Account: "a"},
		{User: "u", Account: "a"},
		{User: "u", Account: "b"},
		{User: "nobody", Account: "a"},
		{User: "u", Account: "nowhere"},
		{User: "nobody", Account: "nowhere"},
		{User: "u"},
		{Account: "a"},
		{},
		{User: "u", Account: "a"},
	}
	got, err := st.Standings(e.ctx, keys)
	e.ok(err, "Standings")
	state := func(a accounts.Account) accounts.AccountState {
		a.Version = 1
		return a.AccountState
	}
	u, v, a, b := user("u").UserState, user("v").UserState, state(account("a")), state(account("b"))
	route := func(agency accounts.Account, limit, role roles.Role) accounts.Route {
		id := string(agency.ID)
		return accounts.Route{
			Agency: state(agency), Connection: connection("b", id, limit).ConnectionState,
			Member: member(id, "u", roles.Admin).MemberState, Assignment: assignment("b", id, "u", role).AssignmentState,
		}
	}
	through := accounts.Standing{User: u, Account: b, Routes: []accounts.Route{
		route(agency("f"), roles.Viewer, roles.Manager), route(agency("g"), roles.Admin, roles.Author),
	}}
	direct := accounts.Standing{User: u, Account: a, Member: member("a", "u", roles.Owner).MemberState}
	e.same(got, []accounts.Standing{
		through,
		{User: v, Account: a},
		direct, through,
		{Account: a},
		{User: u},
		{},
		{User: u},
		{Account: a},
		{},
		direct,
	}, "Standings")

	many := make([]accounts.StandingKey, 0, 3000)
	for range 3000 / len(keys) {
		many = append(many, keys...)
	}
	repeated, err := st.Standings(e.ctx, many)
	e.ok(err, "Standings of %d keys", len(many))
	e.holds(len(repeated) == len(many), "%d keys have %d standings", len(many), len(repeated))
	for i, s := range repeated {
		e.same(s, got[i%len(keys)], "the %d-th of %d standings", i+1, len(many))
	}
}

// ownersFixture has owners of every sort in account a, and accounts of every
// sort owned by u.
func (e *env) ownersFixture() storage.Storage {
	st := e.open()
	rows := []any{}
	for _, id := range []string{"u", "z", "nameless", "suspended-user", "deleted-user", "suspended", "ended", "admin", "B"} {
		u, m := user(id), member("a", id, roles.Owner)
		u.Locale = "de"
		switch id {
		case "nameless":
			u.Name, u.Handle = "", "Handle"
		case "suspended-user":
			u.SuspendedAt = minutes(1)
		case "deleted-user":
			u.DeletedAt = minutes(1)
		case "suspended":
			m.SuspendedAt = minutes(1)
		case "ended":
			m.EndedAt = minutes(1)
		case "admin":
			m.Role = roles.Admin
		}
		rows = append(rows, u, m)
	}
	for _, id := range []string{"a", "z-open", "paused", "closed", "B-open", "other", "left"} {
		a := account(id)
		switch id {
		case "paused":
			a.SuspendedAt = minutes(1)
		case "closed":
			a.ClosedAt = minutes(1)
		}
		m := member(id, "u", roles.Owner)
		switch id {
		case "other":
			m.Role = roles.Admin
		case "left":
			m.EndedAt = minutes(1)
		}
		rows = append(rows, a)
		if id != "a" {
			rows = append(rows, m)
		}
	}
	e.put(st, rows...)
	return st
}

func checkOwned(e *env) {
	st := e.ownersFixture()
	got, err := st.Owned(e.ctx, "u", roles.Owner)
	e.ok(err, "Owned")
	ids := []accounts.AccountID{}
	for _, a := range got {
		ids = append(ids, a.ID)
	}
	e.same(ids, []accounts.AccountID{"B-open", "a", "z-open"}, "Owned, by id")
	want := account("B-open")
	want.Version = 1
	e.same(got[0], want, "an owned account")
	admin, err := st.Owned(e.ctx, "u", roles.Admin)
	e.ok(err, "Owned with another top role")
	e.holds(len(admin) == 1 && admin[0].ID == "other", "the top role is the query's: got %s", text(admin))
}

func checkOwners(e *env) {
	st := e.ownersFixture()
	got, err := st.Owners(e.ctx, "a", roles.Owner)
	e.ok(err, "Owners")
	contact := func(id string) accounts.Contact {
		return accounts.Contact{User: accounts.UserID(id), Name: "Name of " + id, Email: address(id), Locale: "de"}
	}
	nameless := contact("nameless")
	nameless.Name = "Handle"
	e.same(got, []accounts.Contact{contact("B"), nameless, contact("suspended-user"), contact("u"), contact("z")}, "Owners")
	top, err := st.Owners(e.ctx, "a", roles.Admin)
	e.ok(err, "Owners with another top role")
	e.same(top, []accounts.Contact{contact("admin")}, "the top role is the query's")
}

func checkLinked(e *env) {
	st := e.open()
	e.put(st, user("u"), user("v"), account("a"), agency("g"), agency("f"), member("a", "u", roles.Owner),
		member("g", "v", roles.Owner), member("g", "u", roles.Owner), connection("a", "g", roles.Admin))
	contact := func(id string) accounts.Contact {
		return accounts.Contact{User: accounts.UserID(id), Name: "Name of " + id, Email: address(id)}
	}
	a, g, f, c := account("a"), agency("g"), agency("f"), connection("a", "g", roles.Admin)
	a.Version, g.Version, f.Version, c.Version = 1, 1, 1, 1
	got, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "g"), Top: roles.Owner})
	e.ok(err, "Linked")
	e.same(got, accounts.Linked{
		Connection: c, Client: a, Agency: g,
		ClientOwners: []accounts.Contact{contact("u")}, AgencyOwners: []accounts.Contact{contact("u"), contact("v")},
	}, "Linked")
	got, err = st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "f"), Top: roles.Owner})
	e.ok(err, "Linked of a pair that never was connected")
	e.same(got, accounts.Linked{
		Connection: accounts.Connection{ConnectionKey: pair("a", "f")}, Client: a, Agency: f,
		ClientOwners: []accounts.Contact{contact("u")},
	}, "Linked of a pair that never was connected")
	got, err = st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "g"), User: "v", Top: roles.Owner})
	e.ok(err, "Linked with a user")
	m := member("g", "v", roles.Owner)
	m.Version = 1
	e.same(got.Member, m, "the user's membership in the agency")
	e.same(got.Assignment, accounts.Assignment{ConnectionKey: pair("a", "g"), User: "v"}, "no assignment: the keys alone")
	got, err = st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "f"), User: "u", Top: roles.Owner})
	e.ok(err, "Linked with a stranger")
	e.same(got.Member, accounts.Membership{Account: "f", User: "u"}, "no membership: the keys alone")
	got, err = st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("g", "a"), Top: roles.Owner})
	e.ok(err, "Linked the other way round")
	e.holds(got.Connection.Version == 0, "a connection was found with its sides exchanged")
}
