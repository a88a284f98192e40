package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// loginChecks prove the answers that decide who gets in.
func loginChecks() []check {
	const wrong = "services decide on what a reader answers, and on nothing else"
	return []check{
		{
			"how somebody can log in is found by id, address, user name or identity, and of a deleted user by id alone",
			"a link that sets a first credential must see every way to log in that there is (A12)", checkMeans,
		},
		{"a challenge is found by its whole key, and is its key alone if there is none", wrong, checkChallenge},
		{
			"a try to get in is decided by who has the address, the guesses at it, and two counters of the day",
			"guesses are counted whether or not anybody has the address (A28, A31)", checkEntering,
		},
		{
			"a counter tells what was taken from it, and nothing of another's",
			"a limit is told to people before it is met (A79)", checkSpent,
		},
		{
			"a ticket is found by its key or by the hash of its newest link, whatever its state",
			"an older link must be dead, and a used one must be seen to be used (A01, A03)", checkTicket,
		},
		{
			"a standing tells whether the user confirms who they are",
			"what wants a fresh login wants a code instead, on the same page (B3)", checkConfirms,
		},
	}
}

func checkMeans(e *env) {
	st := e.open()
	u, gone, bare := user("u"), user("gone"), user("bare")
	u.Handle, gone.Handle, gone.DeletedAt, bare.Email, bare.SuspendedAt = "The Ünïted", "Gone", minutes(1), "", minutes(1)
	at := func(issuer, subject string) accounts.Identity {
		return accounts.Identity{Issuer: issuer, Subject: subject, User: "u", CreatedAt: minutes(len(subject))}
	}
	e.put(st, u, gone, bare, user("w"), credential("u"), credential("gone"), identity("g", "gone"), identity("w", "w"),
		at("https://b", "1"), at("https://a", "2"), at("https://B", "3"), at("https://a", "10"), at("https://a", "A"))
	u.Version, gone.Version, bare.Version = 1, 1, 1
	mine, theirs := credential("u"), credential("gone")
	mine.Version, theirs.Version = 1, 1
	want := accounts.Means{User: u, Credential: mine, Identities: []accounts.Identity{
		at("https://B", "3"), at("https://a", "10"), at("https://a", "2"), at("https://a", "A"), at("https://b", "1"),
	}}
	for _, key := range []accounts.UserKey{
		{ID: "u"}, {Email: "u@example.com"}, {Handle: "the ünïted"}, {Identity: at("https://a", "2").Key()},
	} {
		got, err := st.Means(e.ctx, key)
		e.ok(err, "Means(%+v)", key)
		e.same(got, want, "Means(%+v)", key)
	}
	for id, want := range map[accounts.UserID]accounts.Means{
		"gone": {User: gone, Credential: theirs, Identities: []accounts.Identity{identity("g", "gone")}},
		"bare": {User: bare, Credential: accounts.Credential{User: "bare"}},
	} {
		got, err := st.Means(e.ctx, accounts.UserKey{ID: id})
		e.ok(err, "Means(id %s)", id)
		e.same(got, want, "Means(id %s)", id)
	}
	for _, key := range []accounts.UserKey{
		{ID: "nobody"},
		{ID: "U"},
		{Email: "gone@example.com"},
		{Email: "nobody@example.com"},
		{Handle: "gone"},
		{Handle: "nobody"},
		{Identity: identity("g", "gone").Key()},
		{Identity: accounts.IdentityKey{Issuer: "https://a"}},
		{Identity: accounts.IdentityKey{Issuer: "https://a", Subject: "1"}},
		{},
	} {
		got, err := st.Means(e.ctx, key)
		e.is(err, accounts.ErrNotFound, "Means(%+v)", key)
		e.same(got, accounts.Means{}, "Means beside an error")
	}
}

func checkChallenge(e *env) {
	st := e.open()
	c, alone := challenge("u", "a"), challenge("u", "")
	alone.Session = ""
	e.put(st, user("u"), user("w"), c, alone)
	c.Version, alone.Version = 1, 1
	ask := func(key accounts.ChallengeKey) accounts.Challenge {
		got, err := st.Challenge(e.ctx, key)
		e.ok(err, "Challenge")
		return got
	}
	e.same(ask(c.ChallengeKey), c, "a challenge")
	e.same(ask(alone.ChallengeKey), alone, "a challenge without session and account")
	for _, change := range []func(k *accounts.ChallengeKey){
		func(k *accounts.ChallengeKey) { k.User = "w" },
		func(k *accounts.ChallengeKey) { k.Session = "" },
		func(k *accounts.ChallengeKey) { k.Session = "SESSION-of-u" },
		func(k *accounts.ChallengeKey) { k.Action = accounts.EventAccountClosed },
		func(k *accounts.ChallengeKey) { k.Action = "" },
		func(k *accounts.ChallengeKey) { k.Account = "" },
		func(k *accounts.ChallengeKey) {
			k.Session, k.Account = accounts.SessionID(k.Account), accounts.AccountID(k.Session)
		},
	} {
		key := c.ChallengeKey
		change(&key)
		e.same(ask(key), accounts.Challenge{ChallengeKey: key}, "a challenge that is not there: its key alone")
	}
	c.Hash, c.Tries, c.PassedAt, c.UsedAt = hash("another code"), 1, minutes(1), minutes(2)
	e.put(st, c)
	c.Version = 2
	e.same(ask(c.ChallengeKey), c, "a challenge that was passed, used and long expired is still told about")
}

func checkEntering(e *env) {
	st := e.open()
	u, gone, bare, out := user("u"), user("gone"), user("bare"), user("out")
	gone.DeletedAt, bare.Email, out.SuspendedAt = minutes(1), "", minutes(1)
	const source, next = "192.0.2.1", accounts.Day(1)
	at := func(kind accounts.QuotaKind, subject string, n int, day accounts.Day) accounts.Spend {
		s := spend(kind, subject, n, 1000)
		s.Day += day
		return s
	}
	e.put(st, u, gone, bare, out, credential("u"), credential("bare"), identity("1", "u"), guesses(address("u")), guesses("nobody@example.com"),
		at(accounts.QuotaSource, source, 7, 0), at(accounts.QuotaSource, source, 2, next), at(accounts.QuotaSource, "", 5, 0),
		at(accounts.QuotaSource, "192.0.2.10", 3, 0), at(accounts.QuotaLinks, source, 9, 0),
		at(accounts.QuotaLinks, "u@example.com", 4, 0), at(accounts.QuotaLinks, "nobody@example.com", 1, next),
		at(accounts.QuotaRecipient, "u@example.com", 6, 0), at(accounts.QuotaSource, "u@example.com", 8, 0))
	u.Version, out.Version = 1, 1
	means := accounts.Means{User: u, Credential: credential("u"), Identities: []accounts.Identity{identity("1", "u")}}
	means.Credential.Version = 1
	mine, theirs := guesses(address("u")), guesses("nobody@example.com")
	mine.Version, theirs.Version = 1, 1
	none := func(email accounts.Email) access.Guesses { return access.Guesses{Email: email} }
	for _, x := range []struct {
		what   string
		email  accounts.Email
		source string
		day    accounts.Day
		want   access.Entering
	}{
		{"somebody, from somewhere", "u@example.com", source, 0, access.Entering{Means: means, Guesses: mine, Tries: 7, Links: 4}},
		{"without a source", "u@example.com", "", 0, access.Entering{Means: means, Guesses: mine, Links: 4}},
		{"the next day, with its own counters", "u@example.com", source, next, access.Entering{Means: means, Guesses: mine, Tries: 2}},
		{"an address that nobody has", "nobody@example.com", source, next, access.Entering{Guesses: theirs, Tries: 2, Links: 1}},
		{"an address that nobody tried", "new@example.com", "198.51.100.1", 0, access.Entering{Guesses: none("new@example.com")}},
		{"a deleted user's address", "gone@example.com", source, 0, access.Entering{Guesses: none("gone@example.com"), Tries: 7}},
		{"a suspended user's address", "out@example.com", "", 0, access.Entering{
			Means: accounts.Means{User: out, Credential: accounts.Credential{User: "out"}}, Guesses: none("out@example.com"),
		}},
		{"other letters", "U@example.com", source, 0, access.Entering{Guesses: none("U@example.com"), Tries: 7}},
		{"no address, which is nobody's", "", source, 0, access.Entering{Tries: 7}},
	} {
		got, err := st.Entering(e.ctx, access.EnteringQuery{Email: x.email, Source: x.source, Day: accounts.DayOf(start) + x.day})
		e.ok(err, "Entering, %s", x.what)
		e.same(got, x.want, "Entering, %s", x.what)
	}
	heir := user("heir")
	heir.Email = gone.Email
	e.put(st, heir)
	got, err := st.Entering(e.ctx, access.EnteringQuery{Email: gone.Email, Day: accounts.DayOf(start)})
	e.ok(err, "Entering")
	e.holds(got.Means.User.ID == "heir", "the address of a deleted user that was given to another leads to %q", got.Means.User.ID)
}

func checkSpent(e *env) {
	st := e.open()
	key := quota(accounts.QuotaCodes, "u")
	asked := func(key accounts.QuotaKey) int {
		n, err := st.Spent(e.ctx, key)
		e.ok(err, "Spent")
		return n
	}
	e.holds(asked(key) == 0, "a counter that nobody took from says %d", asked(key))
	e.put(st, accounts.Spend{QuotaKey: key, N: 2, Limit: 5})
	e.put(st, accounts.Spend{QuotaKey: key, N: 1, Limit: 5})
	e.refused(st, "a spend over the limit", accounts.Spend{QuotaKey: key, N: 3, Limit: 5})
	e.holds(asked(key) == 3, "after 2 and 1 were taken the counter says %d", asked(key))
	for _, other := range []accounts.QuotaKey{
		{Kind: accounts.QuotaLinks, Subject: "u", Day: key.Day},
		{Kind: key.Kind, Subject: "U", Day: key.Day},
		{Kind: key.Kind, Subject: "", Day: key.Day},
		{Kind: key.Kind, Subject: "u", Day: key.Day + 1},
		{},
	} {
		e.holds(asked(other) == 0, "the counter %s says %d", text(other), asked(other))
	}
}

func checkTicket(e *env) {
	st := e.open()
	t, other := ticket("u", token.Reset), ticket("w", token.Reset)
	e.put(st, user("u"), user("w"), t, other)
	ask := func(q access.TicketQuery, want access.Ticket, what string) {
		e.Helper()
		got, err := st.Ticket(e.ctx, q)
		e.ok(err, "Ticket, %s", what)
		e.same(got, want, "Ticket, %s", what)
	}
	old := t.Hash
	t.Version, other.Version = 1, 1
	ask(access.TicketQuery{TicketKey: t.TicketKey}, t, "by its key")
	ask(access.TicketQuery{Hash: t.Hash}, t, "by its hash")
	ask(access.TicketQuery{TicketKey: other.TicketKey, Hash: t.Hash}, other, "by its key, beside another's hash")
	t.Hash, t.ExpiresAt, t.Email = hash("newer"), minutes(-5), "other@example.com"
	e.put(st, t)
	t.Version = 2
	ask(access.TicketQuery{Hash: hash("newer")}, t, "an expired one")
	e.noTicket(st, access.TicketQuery{Hash: old})
	t.UsedAt = minutes(3)
	e.put(st, t)
	t.Version = 3
	ask(access.TicketQuery{Hash: hash("newer")}, t, "a used one")
	ask(access.TicketQuery{TicketKey: t.TicketKey}, t, "a used one")
	u := user("u")
	u.Version, u.DeletedAt = 1, minutes(4)
	e.put(st, u)
	ask(access.TicketQuery{Hash: hash("newer")}, t, "one of a deleted user")
	for _, q := range []access.TicketQuery{
		{},
		{Hash: hash("guess")},
		{TicketKey: ticketKey("u", token.Proof)},
		{TicketKey: ticketKey("U", token.Reset)},
		{TicketKey: ticketKey("u", "")},
		{TicketKey: access.TicketKey{Purpose: token.Reset}},
		{TicketKey: ticketKey("u", token.Proof), Hash: hash("newer")},
	} {
		e.noTicket(st, q)
	}
}

func (e *env) noTicket(st storage.Storage, q access.TicketQuery) {
	e.Helper()
	got, err := st.Ticket(e.ctx, q)
	e.is(err, accounts.ErrNotFound, "Ticket(%s)", text(q))
	e.same(got, access.Ticket{}, "Ticket beside an error")
}

func checkConfirms(e *env) {
	st := e.open()
	u := user("u")
	e.put(st, u, user("w"), account("a"), manages("a", "u"), session("s", "u"))
	for version, confirms := range []bool{true, false, true} {
		u.Version, u.Confirms, u.Phone = int64(version+1), confirms, "+34600000001"
		e.put(st, u)
		standings, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "u", Account: "a"}, {User: "w", Account: "a"}, {User: "u"}})
		e.ok(err, "Standings")
		admission, err := st.Admission(e.ctx, hash("session s"), "a")
		e.ok(err, "Admission")
		bare, err := st.Admission(e.ctx, hash("session s"), "")
		e.ok(err, "Admission")
		reachers, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: "a", Limit: all})
		e.ok(err, "Reachers")
		for what, got := range map[string]accounts.UserState{
			"Standings": standings[0].User, "Standings without an account": standings[2].User,
			"Admission": admission.Standing.User, "Admission without an account": bare.Standing.User, "Reachers": reachers[0].User,
		} {
			e.same(got, u.UserState, "the user's state in %s", what)
		}
		e.holds(!standings[1].User.Confirms, "another user's standing says that they confirm who they are")
	}
}
