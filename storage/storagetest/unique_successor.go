package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

func checkSuccessor(e *env) {
	st := e.open()
	u, r := user("u"), request("g", "z-first", "to@example.com", "u")
	u.Handle = "Handle"
	s := session("z-first", "u")
	e.put(st, u, agency("g"), r, s)
	r.Version, r.State = 1, access.Expired
	next := request("g", "a-next", "to@example.com", "u") // it sorts before its predecessor
	e.put(st, r, next)
	d, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Emails: []accounts.Email{"to@example.com"}})
	e.ok(err, "Drafting")
	next.Version = 1
	e.same(d.Recipients[0].Pending, next, "the pending request after the first one's end")

	u.Version, u.Email, u.Handle = 1, "new@example.com", "New"
	heir := user("a-heir")
	heir.Email, heir.Handle = address("u"), "Handle"
	e.put(st, u, heir)

	s.Version, s.Hash = 1, hash("rotated")
	heirs := session("a-next", "u")
	heirs.Hash = hash("session z-first")
	e.put(st, s, heirs)

	t, other := ticket("u", token.Reset), ticket("a-heir", token.Reset)
	e.put(st, t)
	t.Version, t.Hash = 1, hash("resent")
	other.Hash = ticket("u", token.Reset).Hash
	e.put(st, t, other)
}

func checkInvitationSuccessor(e *env) {
	for _, end := range []invites.State{invites.Expired, invites.Void, invites.Revoked} {
		for _, id := range []string{"a-next", "zz-next"} { // before and behind its predecessor
			st := e.open()
			first := invitation("a", "z-first", "to@example.com", "u")
			first.ExpiresAt = minutes(1)
			e.put(st, user("u"), account("a"), manages("a", "u"))
			e.put(st, first)
			next := invitation("a", id, "to@example.com", "u")
			e.refused(st, "an invitation beside one that expired and was not ended", next)
			first.Version, first.State = 1, end
			e.put(st, first, next)
			got, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: "a", Email: "to@example.com", At: minutes(2)})
			e.ok(err, "Inviting")
			next.Version = 1
			e.same(got.Invitation, next, "the pending invitation after the first one's end as %s", end)
			first.Version, first.State = 2, invites.Pending
			e.refused(st, "the return of an invitation that has a successor", first)
		}
	}
}

// exchanged applies two rows, and then the same rows with each other's value,
// and back. In the end each value has to lead to the row that has it: a store
// that takes the one row out of an index after it put the other in loses one.
func exchanged[T any](e *env, what string, first, second T, version func(*T) *int64, exchange func(a, b *T), before ...any) {
	st, m := e.open(), newModel()
	put := func(what string, rows ...any) {
		e.Helper()
		c := e.change(rows...)
		e.ok(applyAll(e.ctx, m, c), "the model")
		e.ok(applyAll(e.ctx, st, c), "%s", what)
	}
	put("the rows that are referred to", before...)
	put("two rows", first, second)
	exchange(&first, &second)
	*version(&first), *version(&second) = 1, 1
	put(what+" in one change", first, second)
	e.agrees(st, m)
	exchange(&first, &second)
	*version(&first), *version(&second) = 2, 2
	stale := second
	*version(&stale) = 77
	e.refusedEach(st, attempt{what + ", back again, one of them alone", []any{first}},
		attempt{what + ", back again, one of them stale", []any{first, stale}})
	put(what+", back again, named in the other order", second, first)
	e.agrees(st, m)
}

func checkExchange(e *env) {
	u, v := user("u"), user("v")
	u.Handle, v.Handle = "One", "Two"
	exchanged(e, "two users who exchange address and user name", u, v, func(u *accounts.User) *int64 { return &u.Version },
		func(a, b *accounts.User) { a.Email, b.Email, a.Handle, b.Handle = b.Email, a.Email, b.Handle, a.Handle })
	v.Email, v.Handle, v.DeletedAt = u.Email, u.Handle, minutes(1)
	exchanged(e, "a user who comes back and one who goes, of one address", u, v, func(u *accounts.User) *int64 { return &u.Version },
		func(a, b *accounts.User) { a.DeletedAt, b.DeletedAt = b.DeletedAt, a.DeletedAt })

	r, q := request("g", "r", "to@example.com", "u"), request("g", "q", "other@example.com", "u")
	exchanged(e, "two requests that exchange address and link", r, q, func(r *access.Request) *int64 { return &r.Version },
		func(a, b *access.Request) { a.Email, b.Email, a.Hash, b.Hash = b.Email, a.Email, b.Hash, a.Hash }, user("u"), agency("g"))
	q.Email, q.State = r.Email, access.Expired
	exchanged(e, "two requests to one address that exchange their states", r, q, func(r *access.Request) *int64 { return &r.Version },
		func(a, b *access.Request) { a.State, b.State = b.State, a.State }, user("u"), agency("g"))

	i, j := invitation("a", "i", "to@example.com", "u"), invitation("a", "j", "other@example.com", "u")
	version := func(i *invites.Invitation) *int64 { return &i.Version }
	exchanged(e, "two invitations that exchange address and link", i, j, version, func(a, b *invites.Invitation) {
		a.Email, b.Email, a.Hash, b.Hash = b.Email, a.Email, b.Hash, a.Hash
	}, user("u"), account("a"))
	j.Email, j.State = i.Email, invites.Expired
	exchanged(e, "two invitations to one address that exchange their states", i, j, version, func(a, b *invites.Invitation) {
		a.State, b.State = b.State, a.State
	}, user("u"), account("a"))

	exchanged(e, "two sessions that exchange secrets", session("s", "u"), session("t", "u"),
		func(s *access.Session) *int64 { return &s.Version },
		func(a, b *access.Session) { a.Hash, b.Hash = b.Hash, a.Hash }, user("u"))
	exchanged(e, "two tickets that exchange links", ticket("u", token.Proof), ticket("u", token.Reset),
		func(t *access.Ticket) *int64 { return &t.Version },
		func(a, b *access.Ticket) { a.Hash, b.Hash = b.Hash, a.Hash }, user("u"))
	exchangeClients(e)
	checkRing(e)
}

// checkRing hands a value on in a ring of three, and in a row.
func checkRing(e *env) {
	st := e.open()
	list := []accounts.User{user("a"), user("b"), user("c")}
	turn := func(version int64, emails ...accounts.Email) []any {
		var rows []any
		for i := range list {
			list[i].Version, list[i].Email = version, emails[i]
			rows = append(rows, list[i])
		}
		return rows
	}
	e.put(st, turn(0, "1@example.com", "2@example.com", "3@example.com")...)
	e.put(st, turn(1, "2@example.com", "3@example.com", "1@example.com")...)
	e.put(st, turn(2, "3@example.com", "1@example.com", "4@example.com")...)
	e.refused(st, "a ring in which two have one address at the end", turn(3, "1@example.com", "4@example.com", "4@example.com")...)
	d := user("d")
	d.Email = "3@example.com"
	e.put(st, append(turn(3, "1@example.com", "4@example.com", "")[:3], d)...)
}

func checkUnlink(e *env) {
	st := e.open()
	e.put(st, user("u"), user("w"), identity("1", "u"), identity("2", "u"), identity("3", "w"))
	ids := func(user accounts.UserID) []accounts.Identity {
		m, err := st.Means(e.ctx, accounts.UserKey{ID: user})
		e.ok(err, "Means")
		return m.Identities
	}
	one := identity("1", "u").Key()
	wrong := []attempt{
		{"taking out an identity twice", []any{one, one}},
		{"taking out an identity that the same change puts in", []any{identity("4", "u"), identity("4", "u").Key()}},
	}
	for _, key := range []accounts.IdentityKey{
		{Issuer: issuer, Subject: "4"}, {Issuer: "https://other", Subject: "1"}, {Issuer: issuer, Subject: ""},
	} {
		wrong = append(wrong, attempt{"taking out an identity that is not there", []any{key}},
			attempt{"taking out an identity that is there and one that is not", []any{one, key}})
	}
	e.refusedEach(st, wrong...)
	e.put(st, one)
	e.same(ids("u"), []accounts.Identity{identity("2", "u")}, "the identities after one was taken out")
	e.refused(st, "taking out an identity that was taken out", one)
	_, err := st.User(e.ctx, accounts.UserKey{Identity: one})
	e.is(err, accounts.ErrNotFound, "a user by an identity that was taken out")
	e.put(st, identity("1", "u"))

	moved := identity("2", "w")
	moved.CreatedAt = minutes(1)
	e.put(st, identity("2", "u").Key(), moved)
	e.same(ids("u"), []accounts.Identity{identity("1", "u")}, "the identities of the user from whom one was taken")
	e.same(ids("w"), []accounts.Identity{moved, identity("3", "w")}, "the identities of the user to whom it went")
	u, err := st.User(e.ctx, accounts.UserKey{Identity: moved.Key()})
	e.ok(err, "User")
	e.holds(u.ID == "w", "the identity leads to %q, want w", u.ID)
	e.put(st, identity("1", "u").Key(), identity("3", "w").Key(), identity("1", "w"), identity("3", "u"))
	e.same(ids("u"), []accounts.Identity{identity("3", "u")}, "after an exchange")
}
