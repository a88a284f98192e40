package storagetest

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// accessReaderChecks prove the answers about requests and sessions.
func accessReaderChecks() []check {
	const wrong = "services decide on what a reader answers, and on nothing else"
	return []check{
		{
			"a batch is told what this agency has to do with each address, in the order asked, and nothing else",
			"answers must not disclose what the agency has no part in (A54), nor lose an address (A82)", checkDrafting,
		},
		{"a request is found by agency and id, or by the hash of its newest link", "an older link must be dead (A03)", checkDecidingKeys},
		{"what decides a request is read with it", wrong, checkDeciding},
		{"an agency's clients are its requests with the connections they made, newest first", wrong, checkClients},
		{
			"an address sees its pending requests while they are alive and their agency stands behind them",
			"an expired or ended request that is shown is an offer that will be refused", checkAddressed,
		},
		{"what would end with an agency's client access is named in full", "people confirm what they were shown (A55)", checkEnding},
		{
			"an admission is the session, its user and the standing at the account, or zero",
			"this is the check on every page; an unknown secret must prove nothing (A61)", checkAdmission,
		},
		{"a user's sessions are those that have not ended, newest first", wrong, checkSessions},
	}
}

func checkDrafting(e *env) {
	st := e.open()
	pending, expired, declined := request("g", "r1", "pending@example.com", "u"), request("g", "r2", "expired@example.com", "u"),
		request("g", "r3", "declined@example.com", "u")
	expired.ExpiresAt, declined.State = minutes(-1), access.Declined
	made := func(id, to, client string) access.Request {
		r := request("g", id, accounts.Email(to), "u")
		r.State, r.Client = access.Approved, accounts.AccountID(client)
		return r
	}
	by := func(client, request string) accounts.Connection {
		c := connection(client, "g", roles.Admin)
		c.Request = accounts.RequestID(request)
		return c
	}
	ended := by("c2", "r5")
	ended.EndedAt = minutes(1)
	closed := account("c4")
	closed.ClosedAt = minutes(1)
	gone, left := member("g", "susp", roles.Viewer), member("g", "left", roles.Viewer)
	gone.SuspendedAt, left.EndedAt = minutes(1), minutes(1)
	e.put(st, user("u"), user("susp"), user("left"), user("stranger"), agency("g"), agency("f"),
		account("c1"), account("c2"), account("c3"), member("g", "u", roles.Owner), member("f", "stranger", roles.Owner), gone, left,
		pending, expired, declined, made("r4", "connected@example.com", "c1"), made("r5", "ended@example.com", "c2"),
		made("r6", "replaced@example.com", "c3"), by("c1", "r4"), ended, by("c3", "r99"),
		closed, made("r7", "closed@example.com", "c4"), by("c4", "r7"),
		request("f", "r1", "elsewhere@example.com", "stranger"),
		spend(accounts.QuotaRequests, "g", 7, 35), spend(accounts.QuotaRequests, "f", 3, 35),
		spend(accounts.QuotaRecipient, "pending@example.com", 2, 5), spend(accounts.QuotaRecipient, "elsewhere@example.com", 1, 5))
	emails := []accounts.Email{
		"replaced@example.com", "pending@example.com", "expired@example.com", "unknown@example.com", "declined@example.com",
		"connected@example.com", "ended@example.com", "elsewhere@example.com", "u@example.com", "susp@example.com",
		"left@example.com", "stranger@example.com", "closed@example.com",
	}
	g := agency("g")
	g.Version, pending.Version, expired.Version = 1, 1, 1
	want := access.Drafting{Agency: g, Used: 7}
	for _, email := range emails {
		r := access.Recipient{Email: email}
		switch email {
		case "pending@example.com":
			r.Pending, r.Mails = pending, 2
		case "expired@example.com":
			r.Pending = expired
		case "connected@example.com": // one to an account that was closed is no live one
			r.Connected = true
		case "elsewhere@example.com":
			r.Mails = 1
		case "u@example.com":
			r.Own = true
		}
		want.Recipients = append(want.Recipients, r)
	}
	got, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Emails: emails, Day: accounts.DayOf(start)})
	e.ok(err, "Drafting")
	e.same(got, want, "Drafting")
	got, err = st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Emails: emails[1:2], Day: accounts.DayOf(start) + 1})
	e.ok(err, "Drafting of the next day")
	e.same(got, access.Drafting{
		Agency: g, Recipients: []access.Recipient{{Email: emails[1], Pending: pending}},
	}, "Drafting of the next day, with its own counters")

	many := make([]accounts.Email, 1000)
	for i := range many {
		many[i] = accounts.Email("many" + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + string(rune('a'+i/676)) + "@example.com")
	}
	many[500] = "connected@example.com"
	got, err = st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Emails: many, Day: accounts.DayOf(start)})
	e.ok(err, "Drafting of 1,000 addresses")
	e.holds(len(got.Recipients) == len(many), "1,000 addresses have %d answers", len(got.Recipients))
	for i, r := range got.Recipients {
		e.holds(r.Email == many[i] && r.Connected == (i == 500), "the %d-th of 1,000 answers is %s", i+1, text(r))
	}
}

func checkDecidingKeys(e *env) {
	st := e.open()
	r := request("g", "r", "to@example.com", "u")
	e.put(st, user("u"), agency("g"), agency("f"), r, request("g", "r2", "other@example.com", "u"))
	old := r.Hash
	r.Version, r.Hash = 1, hash("newer")
	e.put(st, r)
	r.Version = 2
	for _, q := range []access.DecidingQuery{{Agency: "g", ID: "r"}, {Hash: hash("newer")}} {
		got, err := st.Deciding(e.ctx, q)
		e.ok(err, "Deciding")
		e.same(got.Request, r, "the request")
	}
	for _, q := range []access.DecidingQuery{{Agency: "f", ID: "r"}, {Agency: "g", ID: "R"}, {Hash: old}, {}, {Agency: "g"}} {
		_, err := st.Deciding(e.ctx, q)
		e.is(err, accounts.ErrNotFound, "Deciding(%s)", text(q))
	}
}

func checkDeciding(e *env) {
	st := e.open()
	r := request("g", "r", "to@example.com", "sender")
	e.put(st, user("sender"), user("owner"), user("client"), user("stranger"), agency("g"), account("c"), account("d"), account("x"),
		member("g", "owner", roles.Owner), member("g", "sender", roles.Manager), member("c", "client", roles.Owner),
		connection("c", "g", roles.Admin), assignment("c", "g", "sender", roles.Author),
		r, request("g", "r2", "second@example.com", "stranger"), spend(accounts.QuotaRecipient, "to@example.com", 4, 5))
	u := func(id string) accounts.User {
		u := user(id)
		u.Version = 1
		return u
	}
	a := func(a accounts.Account) accounts.Account {
		a.Version = 1
		return a
	}
	m := func(m accounts.Membership) accounts.Membership {
		m.Version = 1
		return m
	}
	c, x := connection("c", "g", roles.Admin), assignment("c", "g", "sender", roles.Author)
	r.Version, c.Version, x.Version = 1, 1, 1
	base := access.Deciding{
		Request: r, Agency: a(agency("g")), Requester: u("sender"), Member: m(member("g", "sender", roles.Manager)), Mails: 4,
		AgencyOwners: []accounts.Contact{{User: "owner", Name: "Name of owner", Email: address("owner")}},
	}
	ask := func(q access.DecidingQuery) access.Deciding {
		q.Day, q.Top = accounts.DayOf(start), roles.Owner
		got, err := st.Deciding(e.ctx, q)
		e.ok(err, "Deciding")
		return got
	}
	e.same(withoutKeys(ask(access.DecidingQuery{Agency: "g", ID: "r"})), base, "without a decider")
	want := base
	want.Decider.User = u("client")
	e.same(withoutKeys(ask(access.DecidingQuery{Hash: r.Hash, User: "client"})), want, "with a decider")
	want.Decider.Membership, want.Client = m(member("c", "client", roles.Owner)), a(account("c"))
	want.Connection, want.Assignment = c, x
	e.same(ask(access.DecidingQuery{Hash: r.Hash, User: "client", Client: "c"}), want, "with a client account")
	got := ask(access.DecidingQuery{Hash: r.Hash, User: "client", Client: "d"})
	e.same(got.Client, a(account("d")), "an account that is not connected")
	e.same(got.Connection, accounts.Connection{ConnectionKey: pair("d", "g")}, "its connection: the key alone")
	e.same(got.Assignment, accounts.Assignment{ConnectionKey: pair("d", "g"), User: "sender"}, "its assignment: the keys alone")
	e.same(got.Decider.Membership, accounts.Membership{Account: "d", User: "client"}, "no membership there: the keys alone")
	got = ask(access.DecidingQuery{Hash: r.Hash, User: "client", Client: "nowhere"})
	e.same(withoutKeys(got).Client, accounts.Account{}, "an account that is not there")
	got = ask(access.DecidingQuery{Agency: "g", ID: "r2", User: "nobody", Client: "c"})
	e.holds(got.Member.Version == 0 && got.Member.Role == "", "a requester who never was a member has a membership: %s", text(got.Member))
	e.holds(got.Decider.User.CreatedAt.IsZero() && got.Decider.Membership.Role == "", "a decider who is not there: %s", text(got.Decider))
	e.holds(got.Mails == 0, "another address's counter was read")
}

func checkClients(e *env) {
	st := e.open()
	at := minutes(10)
	var rows []any
	var want []access.Client
	g := agency("g")
	g.Version = 1
	add := func(id string, state access.ClientState, change func(r *access.Request, c *accounts.Connection, a *accounts.Account)) {
		r, c, a := request("g", id, accounts.Email(id+"@example.com"), "u"), accounts.Connection{}, account("c-"+id)
		r.CreatedAt = minutes(-len(want))
		change(&r, &c, &a)
		rows = append(rows, r, a)
		if c.Version = 0; c.Cap != "" {
			rows = append(rows, c)
		}
		r.Version, a.Version = 1, 1
		line := access.Client{Request: r, Agency: g.AccountState}
		if r.State == access.Approved {
			line.Account = a.AccountState
			if c.Request == r.ID {
				line.Connection = c.ConnectionState
			}
		}
		e.holds(line.StateAt(at) == state, "the fixture's %s is %s", id, line.StateAt(at))
		want = append(want, line)
	}
	approve := func(made string) func(*access.Request, *accounts.Connection, *accounts.Account) {
		return func(r *access.Request, c *accounts.Connection, a *accounts.Account) {
			r.State, r.Client, r.Decider = access.Approved, a.ID, "u"
			*c = connection(string(a.ID), "g", roles.Admin)
			if c.Request = accounts.RequestID(made); made == "ended" {
				c.EndedAt = minutes(1)
			}
		}
	}
	add("pending", access.ClientPending, func(*access.Request, *accounts.Connection, *accounts.Account) {})
	add("expired", access.ClientExpired, func(r *access.Request, _ *accounts.Connection, _ *accounts.Account) { r.ExpiresAt = at })
	add("stored-expired", access.ClientExpired, func(r *access.Request, _ *accounts.Connection, _ *accounts.Account) {
		r.State = access.Expired
	})
	add("declined", access.ClientDeclined, func(r *access.Request, _ *accounts.Connection, a *accounts.Account) {
		r.State, r.Client, r.Reason = access.Declined, a.ID, "no"
	})
	add("withdrawn", access.ClientWithdrawn, func(r *access.Request, _ *accounts.Connection, _ *accounts.Account) {
		r.State = access.Withdrawn
	})
	add("disabled", access.ClientEnded, func(r *access.Request, _ *accounts.Connection, _ *accounts.Account) { r.AgencyEpoch-- })
	add("connected", access.ClientConnected, approve("connected"))
	add("ended", access.ClientEnded, approve("ended"))
	add("superseded", access.ClientEnded, approve("another"))
	add("old-epoch", access.ClientEnded, func(r *access.Request, c *accounts.Connection, a *accounts.Account) {
		approve("old-epoch")(r, c, a)
		c.AgencyEpoch--
	})
	add("closed", access.ClientEnded, func(r *access.Request, c *accounts.Connection, a *accounts.Account) {
		approve("closed")(r, c, a)
		a.ClosedAt = minutes(1)
	})
	add("paused", access.ClientEnded, func(r *access.Request, c *accounts.Connection, a *accounts.Account) {
		approve("paused")(r, c, a)
		a.SuspendedAt = minutes(1)
	})
	e.put(st, append(rows, user("u"), agency("g"), agency("f"), request("f", "pending", "pending@example.com", "u"))...)
	ask := func(states ...access.ClientState) []access.Client {
		got, err := st.Clients(e.ctx, access.ClientsQuery{Agency: "g", At: at, States: states, Limit: all})
		e.ok(err, "Clients")
		return got
	}
	e.same(ask(), want, "an agency's clients, newest first")
	states := []access.ClientState{
		access.ClientPending, access.ClientExpired, access.ClientDeclined, access.ClientWithdrawn,
		access.ClientConnected, access.ClientEnded,
	}
	for i, s := range states {
		for _, list := range [][]access.ClientState{{s}, {s, states[(i+1)%len(states)]}} {
			some := slices.DeleteFunc(slices.Clone(want), func(c access.Client) bool { return !slices.Contains(list, c.StateAt(at)) })
			e.same(ask(list...), some, "clients in the states %v", list)
		}
	}
}

func checkAddressed(e *env) {
	st := e.open()
	at := minutes(10)
	to := accounts.Email("to@example.com")
	rows := []any{user("u")}
	var want []accounts.RequestID
	for i, x := range []struct {
		id     string
		change func(r *access.Request, g *accounts.Account)
	}{
		{"alive", func(*access.Request, *accounts.Account) {}},
		{"last-moment", func(r *access.Request, _ *accounts.Account) { r.ExpiresAt = at.Add(time.Microsecond) }},
		{"expired", func(r *access.Request, _ *accounts.Account) { r.ExpiresAt = at }},
		{"approved", func(r *access.Request, _ *accounts.Account) { r.State = access.Approved }},
		{"declined", func(r *access.Request, _ *accounts.Account) { r.State = access.Declined }},
		{"withdrawn", func(r *access.Request, _ *accounts.Account) { r.State = access.Withdrawn }},
		{"disabled", func(_ *access.Request, g *accounts.Account) { g.Epoch++ }},
		{"closed", func(_ *access.Request, g *accounts.Account) { g.ClosedAt = minutes(1) }},
		{"paused", func(_ *access.Request, g *accounts.Account) { g.SuspendedAt = minutes(1) }},
		{"elsewhere", func(r *access.Request, _ *accounts.Account) { r.Email = "other@example.com" }},
	} {
		r, g := request("g-"+x.id, x.id, to, "u"), agency("g-"+x.id)
		r.CreatedAt = minutes(i)
		x.change(&r, &g)
		rows = append(rows, r, g)
		if i < 2 {
			want = append([]accounts.RequestID{r.ID}, want...)
		}
	}
	e.put(st, rows...)
	ids := func(limit int) []accounts.RequestID {
		got, err := st.Addressed(e.ctx, to, at, limit)
		e.ok(err, "Addressed")
		var ids []accounts.RequestID
		for _, c := range got {
			ids = append(ids, c.Request.ID)
			e.holds(c.Agency.ID == c.Request.Agency && c.Agency.Name != "", "a request without its agency: %s", text(c))
			e.same(c.Connection, accounts.ConnectionState{}, "the connection of a pending request")
			e.same(c.Account, accounts.AccountState{}, "the account of a pending request")
		}
		return ids
	}
	e.same(ids(all), want, "pending requests to an address, newest first")
	e.same(ids(1), want[:1], "at most one of them")
}

func checkEnding(e *env) {
	st := e.open()
	at := minutes(10)
	ended, old := connection("ended", "g", roles.Admin), connection("old", "g", roles.Admin)
	ended.EndedAt, old.AgencyEpoch = minutes(1), 2
	x := assignment("c", "g", "x-ended", roles.Viewer)
	x.EndedAt = minutes(1)
	y := assignment("c", "g", "x-epoch", roles.Viewer)
	y.ConnectionEpoch--
	z := assignment("c", "g", "x-member", roles.Viewer)
	z.MemberEpoch--
	left := member("g", "x-left", roles.Viewer)
	left.EndedAt = minutes(1)
	expired, decided := request("g", "r2", "two@example.com", "u"), request("g", "r3", "three@example.com", "u")
	expired.ExpiresAt, decided.State = at, access.Declined
	c := account("c")
	c.Locale = "fr"
	e.put(st, user("u"), user("v"), user("owner"), user("x-ended"), user("x-epoch"), user("x-member"), user("x-left"),
		agency("g"), agency("f"), c, account("b"), account("ended"), account("old"),
		member("g", "u", roles.Owner), member("g", "v", roles.Viewer), member("g", "x-ended", roles.Viewer),
		member("g", "x-epoch", roles.Viewer), member("g", "x-member", roles.Viewer), left, member("c", "owner", roles.Owner),
		member("f", "u", roles.Owner), ended, old,
		connection("c", "g", roles.Manager), connection("b", "g", roles.Viewer), connection("c", "f", roles.Admin),
		assignment("c", "g", "u", roles.Viewer), assignment("c", "g", "v", roles.Viewer), x, y, z,
		assignment("c", "g", "x-left", roles.Viewer), assignment("c", "f", "u", roles.Viewer),
		request("g", "r9", "nine@example.com", "u"), request("g", "r1", "one@example.com", "u"), expired, decided,
		request("f", "r4", "four@example.com", "u"))
	state := func(id string) accounts.AccountState {
		s := account(id).AccountState
		s.Version = 1
		return s
	}
	one, nine := request("g", "r1", "one@example.com", "u"), request("g", "r9", "nine@example.com", "u")
	g := agency("g")
	g.Version, one.Version, nine.Version = 1, 1, 1
	got, err := st.Ending(e.ctx, "g", at, roles.Owner)
	e.ok(err, "Ending")
	e.same(got, access.Ending{
		Agency: g,
		Clients: []access.EndingClient{
			{Client: state("b"), Cap: roles.Viewer},
			{
				Client: state("c"), Locale: "fr", Cap: roles.Manager, Assigned: 2,
				Owners: []accounts.Contact{{User: "owner", Name: "Name of owner", Email: address("owner")}},
			},
		},
		Requests: []access.Request{one, nine},
	}, "Ending")
}

func checkAdmission(e *env) {
	st := e.open()
	s := session("s", "u")
	e.put(st, user("u"), user("v"), account("a"), account("b"), member("a", "u", roles.Admin), s, session("t", "v"))
	u, a := user("u").UserState, account("a").AccountState
	a.Version = 1
	b := account("b").AccountState
	b.Version = 1
	ask := func(h [32]byte, account accounts.AccountID) access.Admission {
		got, err := st.Admission(e.ctx, h, account)
		e.ok(err, "Admission")
		return got
	}
	e.same(ask(s.Hash, "a"), access.Admission{Session: s.SessionState, Standing: accounts.Standing{
		User: u, Account: a, Member: member("a", "u", roles.Admin).MemberState,
	}}, "at an account of the user's")
	e.same(ask(s.Hash, "b"), access.Admission{Session: s.SessionState, Standing: accounts.Standing{User: u, Account: b}}, "at another account")
	alone := access.Admission{Session: s.SessionState, Standing: accounts.Standing{User: u}}
	e.same(ask(s.Hash, ""), alone, "without an account")
	e.same(ask(s.Hash, "nowhere"), alone, "at an account that does not exist")
	e.same(ask(hash("guess"), "a"), access.Admission{}, "with a secret that is nobody's")
	e.same(ask([32]byte{}, "a"), access.Admission{}, "with a zero hash")
	s.Version, s.EndedAt = 1, minutes(1)
	e.put(st, s)
	alone.Session.EndedAt = minutes(1)
	e.same(ask(s.Hash, ""), alone, "with a session that has ended: its end is told")
	old := s.Hash
	s.Version, s.Hash, s.EndedAt = 2, hash("rotated"), time.Time{}
	e.put(st, s)
	e.same(ask(old, "a"), access.Admission{}, "with the secret before the newest")
}

func checkSessions(e *env) {
	st := e.open()
	ended := session("s2", "u")
	ended.EndedAt = minutes(1)
	e.put(st, user("u"), user("v"), session("s1", "u"), ended, session("s3", "u"), session("s4", "v"))
	got, err := st.Sessions(e.ctx, access.SessionsQuery{User: "u", Limit: all})
	e.ok(err, "Sessions")
	s1, s3 := session("s1", "u"), session("s3", "u")
	s1.Version, s3.Version = 1, 1
	e.same(got, []access.Session{s3, s1}, "a user's sessions")
	for _, key := range []access.SessionKey{{ID: "s2"}, {Hash: ended.Hash}} {
		got, err := st.Session(e.ctx, key)
		e.ok(err, "Session")
		ended.Version = 1
		e.same(got, ended, "an ended session is still told about")
	}
}
