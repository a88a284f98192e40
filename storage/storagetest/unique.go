package storagetest

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// uniqueChecks prove that what may be there once is there once.
func uniqueChecks() []check {
	const twice = "two rows under one key are two answers to one question (I-02, I-03, I-16)"
	var checks []check
	for _, k := range append(uniqueKeys(), uniqueClientKeys()...) {
		checks = append(checks, check{"there is one " + k.name, twice, func(e *env) {
			st := e.open()
			e.uniqueFixture(st)
			e.uniqueClientFixture(st)
			e.refused(st, "a second "+k.name, k.second...)
			for _, other := range k.fine {
				e.put(st, other)
			}
		}})
	}
	return append(checks, []check{
		{
			"a deleted user frees address and user name",
			"a new person must be able to use them, as a new identity (A77)", checkDeletedFrees,
		},
		{
			"a deleted client frees address and user",
			"a contact who comes back is a new record, and the old one stays as a tombstone (C8)", checkDeletedClientFrees,
		},
		{
			"a successor is accepted together with its predecessor's end",
			"an expired request must never block the next one; so updates come before inserts", checkSuccessor,
		},
		{
			"an invitation that expired is ended and followed in one change",
			"an expired or void invitation must never block the next one (B1); so updates come before inserts", checkInvitationSuccessor,
		},
		{
			"rows may exchange what is unique with each other in one change",
			"uniqueness is judged on what is stored once the change is made, not on the way there", checkExchange,
		},
		{
			"an identity is taken out by whoever knows that it is there, and may go to another user in the same change",
			"a login that leads to two users, or to nobody that was told, is a way in (A24)", checkUnlink,
		},
		{
			"a message that is in the outbox already is not written again, and is no conflict",
			"a change that is applied again, or a key that is used again, must send one copy (A85, I-21)", checkMailOnce,
		},
		{
			"a reply is replaced by a successor once it has expired, and not before",
			"an idempotency key is good for a day: not for less, and not for ever (A97)", checkReplyReplaced,
		},
	}...)
}

// uniqueKey is a key of the contract: rows that break it, and rows that look
// like it and do not.
type uniqueKey struct {
	name   string
	second []any
	fine   []any
}

// uniqueFixture is what the rows of uniqueKeys run into.
func (e *env) uniqueFixture(st storage.Storage) {
	e.Helper()
	u := user("u")
	u.Handle = "The Handle"
	e.put(st, u, user("w"), account("a"), account("b"), agency("g"), agency("h"), member("a", "u", roles.Owner),
		member("g", "u", roles.Owner), member("g", "w", roles.Owner), connection("a", "g", roles.Admin),
		assignment("a", "g", "u", roles.Admin), request("g", "r", "to@example.com", "u"), session("s", "u"),
		accounts.Identity{Issuer: "https://i", Subject: "1", User: "u", CreatedAt: start}, credential("u"), challenge("u", "a"),
		ticket("u", token.Reset), guesses(address("u")), invitation("a", "i", "to@example.com", "u"),
		event("first", 1, "a", start), reply("user/u", "a", "k"))
}

func uniqueKeys() []uniqueKey {
	sameEmail, sameHandle, freeHandle := user("v"), user("v"), user("x")
	sameEmail.Email = address("u")
	sameHandle.Handle, freeHandle.Handle = "  THE handle ", "The Handle 2"
	noEmail, noEmailEither := user("y"), user("z")
	noEmail.Email, noEmailEither.Email = "", ""
	taken := user("w")
	taken.Version, taken.Email = 1, address("u")
	login := func(issuer, subject, user string) accounts.Identity {
		return accounts.Identity{Issuer: issuer, Subject: subject, User: accounts.UserID(user), CreatedAt: start}
	}
	changed := func(r access.Request, change func(r *access.Request)) access.Request {
		change(&r)
		return r
	}
	sameHash := func(s access.Session) access.Session {
		s.Hash = hash("session s")
		return s
	}
	linked := func(t access.Ticket) access.Ticket {
		t.Hash = ticket("u", token.Reset).Hash
		return t
	}
	offer := func(account, id, to, secret string, state invites.State) invites.Invitation {
		i := invitation(account, id, accounts.Email(to), "u")
		i.Hash, i.State = hash(secret), state
		return i
	}
	asked := func(change func(c *accounts.Challenge)) accounts.Challenge {
		c := challenge("u", "a")
		change(&c)
		return c
	}
	declined := changed(request("g", "r3", "to@example.com", "u"), func(r *access.Request) { r.State = access.Declined })
	return []uniqueKey{
		{"user of an id", []any{changedUser(user("u"), "other@example.com")}, []any{user("U")}},
		{"user of an address", []any{sameEmail}, []any{noEmail, noEmailEither}},
		{"user of an address, also when a user changes theirs", []any{taken}, nil},
		{"user of a user name", []any{sameHandle}, []any{freeHandle, user("v")}},
		{"identity of an issuer and subject", []any{login("https://i", "1", "w")}, []any{
			login("https://i", "2", "u"), login("https://j", "1", "w"), login("https://", "i1", "w"),
		}},
		{"account of an id", []any{account("a")}, []any{account("A")}},
		{"membership of a user in an account", []any{member("a", "u", roles.Viewer)}, []any{
			member("b", "u", roles.Viewer), member("a", "w", roles.Viewer),
		}},
		{"connection of a client and an agency", []any{connection("a", "g", roles.Viewer)}, []any{
			connection("b", "g", roles.Viewer), connection("a", "h", roles.Viewer), connection("g", "a", roles.Viewer),
		}},
		{"assignment of a user on a connection", []any{assignment("a", "g", "u", roles.Viewer)}, []any{
			assignment("a", "g", "w", roles.Viewer),
		}},
		{"request of an agency and id", []any{request("g", "r", "x@example.com", "u")}, []any{request("g", "R", "x@example.com", "u")}},
		{
			"request of a link",
			[]any{changed(request("h", "r2", "x@example.com", "u"), func(r *access.Request) { r.Hash = hash("request g/r") })},
			[]any{request("h", "r2", "x@example.com", "u")},
		},
		{
			"pending request of an agency to an address",
			[]any{request("g", "r2", "to@example.com", "u")},
			[]any{request("h", "r2", "to@example.com", "u"), request("g", "r2", "to2@example.com", "u"), declined},
		},
		{"session of an id", []any{session("s", "w")}, []any{session("S", "w")}},
		{"session of a secret", []any{sameHash(session("t", "w"))}, []any{session("t", "w")}},
		{"credential of a user", []any{credential("u")}, []any{credential("w")}},
		{"challenge of a user, session, action and account", []any{challenge("u", "a")}, []any{
			asked(func(c *accounts.Challenge) { c.User = "w" }), asked(func(c *accounts.Challenge) { c.Session = "" }),
			asked(func(c *accounts.Challenge) { c.Action = "another" }), asked(func(c *accounts.Challenge) { c.Account = "" }),
		}},
		{"ticket of a user and purpose", []any{ticket("u", token.Reset)}, []any{ticket("u", token.Proof), ticket("w", token.Reset)}},
		{"ticket of a link", []any{linked(ticket("u", token.Proof))}, []any{ticket("u", token.Proof)}},
		{"count of guesses for an address", []any{guesses(address("u"))}, []any{guesses(address("w")), guesses("U@example.com")}},
		{"invitation of an account and id", []any{offer("a", "i", "x@example.com", "new", invites.Pending)}, []any{
			invitation("a", "I", "x@example.com", "u"), invitation("b", "i", "x@example.com", "u"),
		}},
		{"invitation of a link", []any{offer("b", "i", "x@example.com", "invitation a/i", invites.Declined)}, []any{
			offer("b", "i", "x@example.com", "other", invites.Declined),
		}},
		{
			"pending invitation of an account to an address",
			[]any{invitation("a", "i2", "to@example.com", "w")},
			[]any{
				invitation("b", "i2", "to@example.com", "u"), invitation("a", "i2", "to2@example.com", "u"),
				offer("a", "i3", "to@example.com", "3", invites.Declined), offer("a", "i4", "to@example.com", "4", invites.Accepted),
				offer("a", "i5", "to@example.com", "5", invites.Void), offer("a", "i6", "to@example.com", "6", invites.Expired),
				offer("a", "i7", "to@example.com", "7", invites.Revoked),
			},
		},
		{"event of an operation and number", []any{event("first", 1, "b", minutes(5))}, []any{event("first", 2, "b", minutes(5))}},
		{"answer of an idempotency key, while it lasts", []any{reply("user/u", "a", "k")}, []any{
			reply("user/w", "a", "k"), reply("user/u", "b", "k"), reply("user/u", "a", "K"),
		}},
	}
}

func changedUser(u accounts.User, email accounts.Email) accounts.User {
	u.Email = email
	return u
}

func checkDeletedFrees(e *env) {
	st := e.open()
	u := user("u")
	u.Handle = "Handle"
	e.put(st, u)
	second := user("second")
	second.Email, second.Handle = u.Email, "handle"
	u.Version, u.SuspendedAt = 1, minutes(1)
	e.put(st, u)
	e.refused(st, "the address of a suspended user", second)
	u.Version, u.DeletedAt = 2, minutes(2)
	e.put(st, u)
	e.put(st, second)
	for _, key := range []accounts.UserKey{{Email: u.Email}, {Handle: "handle"}} {
		got, err := st.User(e.ctx, key)
		e.ok(err, "User")
		e.holds(got.ID == "second", "the address or user name still leads to the deleted user: %s", text(got))
	}
	u.Version, u.DeletedAt = 3, time.Time{}
	e.refused(st, "the return of a deleted user whose address was taken", u)
	third := user("third")
	third.Email = u.Email
	second.Version, second.DeletedAt = 1, minutes(3)
	e.put(st, second, third)
}

func checkMailOnce(e *env) {
	st := e.open()
	m := letter("m", "r")
	e.put(st, m)
	claim := func(at time.Time) []mail.Delivery {
		got, err := st.ClaimMail(e.ctx, mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: all})
		e.ok(err, "ClaimMail")
		return got
	}
	again := m
	again.Subject, again.Text, again.To, again.Due = "other", "other", "other@example.com", minutes(-9)
	e.put(st, again)
	got := claim(start)
	e.holds(len(got) == 1, "two messages of one id: %s", text(got))
	e.same(got[0].Message, m, "the message after another one of its id")
	e.ok(st.SettleMail(e.ctx, mail.Outcome{ID: "m", Fence: got[0].Fence, State: mail.Sent, At: start}), "SettleMail")
	e.put(st, again)
	e.holds(len(claim(minutes(60))) == 0, "a message that was sent was queued a second time")
	e.put(st, letter("n", "gone"))
	e.put(st, mail.Reason("gone"))
	e.put(st, letter("n", "gone"))
	e.holds(len(claim(minutes(60))) == 0, "a message that was cancelled was queued a second time")
}

func checkReplyReplaced(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	e.put(st, account("a"), r)
	next := r
	next.Answer, next.Input, next.CreatedAt = []byte("next"), [32]byte{1}, r.ExpiresAt.Add(-time.Microsecond)
	next.ExpiresAt = next.CreatedAt.Add(24 * time.Hour)
	e.refused(st, "a reply a microsecond before the first one's end", next)
	next.CreatedAt = r.ExpiresAt
	e.put(st, next)
	got, err := st.Reply(e.ctx, r.ReplyKey)
	e.ok(err, "Reply")
	e.same(got, next, "the reply after its successor")
	e.refused(st, "the same reply again", next)
}
