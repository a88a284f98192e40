package storagetest

import (
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// invitingFixture has an invitation in each state, members of every sort, and
// counters.
func (e *env) invitingFixture() storage.Storage {
	st := e.open()
	gone, out, bare := user("gone"), user("out"), user("bare")
	gone.DeletedAt, out.SuspendedAt, bare.Email = minutes(1), minutes(1), ""
	suspended, left := member("a", "suspended", roles.Viewer), member("a", "left", roles.Viewer)
	suspended.SuspendedAt, left.EndedAt = minutes(1), minutes(1)
	next := func(s accounts.Spend) accounts.Spend { s.Day++; return s }
	e.put(st, user("boss"), user("v"), gone, out, bare, user("suspended"), user("left"), user("elsewhere"), user("was"),
		account("a"), account("b"), manages("a", "boss"), manages("b", "boss"), member("a", "v", roles.Viewer),
		member("a", "gone", roles.Viewer), member("a", "out", roles.Viewer), member("a", "bare", roles.Viewer), suspended, left,
		member("b", "elsewhere", roles.Viewer),
		spend(accounts.QuotaInvitations, "a", 5, 25), spend(accounts.QuotaInvitations, "b", 2, 25),
		spend(accounts.QuotaRequests, "a", 9, 35), spend(accounts.QuotaRecipient, "pending@example.com", 3, 5),
		spend(accounts.QuotaLinks, "pending@example.com", 4, 5), spend(accounts.QuotaRecipient, "declined@example.com", 1, 5),
		next(spend(accounts.QuotaInvitations, "a", 1, 25)), next(spend(accounts.QuotaRecipient, "pending@example.com", 2, 5)))
	pending, expired := invitation("a", "pending", "pending@example.com", "boss"), invitation("a", "expired", "expired@example.com", "boss")
	void, declined := invitation("a", "void", "void@example.com", "was"), invitation("a", "declined", "declined@example.com", "boss")
	again, other := invitation("a", "declined-before", "pending@example.com", "boss"), invitation("b", "other", "other@example.com", "boss")
	theirs := invitation("a", "to-v", address("v"), "boss")
	expired.ExpiresAt, declined.State, again.State, theirs.State = minutes(1), invites.Declined, invites.Declined, invites.Accepted
	e.put(st, pending, expired, void, declined, again, other, theirs)
	return st
}

func checkInviting(e *env) {
	st := e.invitingFixture()
	at := minutes(10)
	a, boss, bossOf := account("a"), user("boss"), manages("a", "boss")
	a.Version, boss.Version, bossOf.Version = 1, 1, 1
	inviter := accounts.Member{Membership: bossOf, User: boss}
	was := user("was")
	was.Version = 1
	stored := func(id, to string, change func(i *invites.Invitation)) invites.Invitation {
		i := invitation("a", id, accounts.Email(to), "boss")
		i.Version = 1
		change(&i)
		return i
	}
	pending := stored("pending", "pending@example.com", func(*invites.Invitation) {})
	expired := stored("expired", "expired@example.com", func(i *invites.Invitation) { i.ExpiresAt = minutes(1) })
	void := stored("void", "void@example.com", func(i *invites.Invitation) { i.Inviter = "was" })
	declined := stored("declined", "declined@example.com", func(i *invites.Invitation) { i.State = invites.Declined })
	theirs := stored("to-v", "v@example.com", func(i *invites.Invitation) { i.State = invites.Accepted })
	base := invites.Inviting{Account: a, Seats: accounts.Seats{Members: 5, Invited: 1}, Used: 5}
	with := func(change func(x *invites.Inviting)) invites.Inviting {
		x := base
		change(&x)
		return x
	}
	ask := func(q invites.InvitingQuery, want invites.Inviting, what string) {
		e.Helper()
		q.Account = "a"
		if q.At.IsZero() {
			q.At = at
		}
		got, err := st.Inviting(e.ctx, q)
		e.ok(err, "Inviting, %s", what)
		got.Inviter = memberWithoutKeys(got.Inviter)
		e.same(got, want, "Inviting, %s", what)
	}
	same := with(func(*invites.Inviting) {})
	viewer := member("a", "v", roles.Viewer).MemberState
	isPending := with(func(x *invites.Inviting) { x.Invitation, x.Inviter, x.Mails = pending, inviter, 3 })
	ask(invites.InvitingQuery{Email: "pending@example.com"}, isPending, "an address with a pending invitation")
	ask(invites.InvitingQuery{ID: "pending"}, isPending, "a pending invitation")
	ask(invites.InvitingQuery{ID: "pending", Email: "v@example.com"}, isPending, "a pending invitation beside another address")
	isExpired := with(func(x *invites.Inviting) { x.Invitation, x.Inviter = expired, inviter })
	ask(invites.InvitingQuery{Email: "expired@example.com"}, isExpired, "an address with a stored pending one that expired")
	ask(invites.InvitingQuery{ID: "expired"}, isExpired, "one that expired")
	isVoid := with(func(x *invites.Inviting) { x.Invitation, x.Inviter.User = void, was })
	ask(invites.InvitingQuery{Email: "void@example.com"}, isVoid, "an address with a stored pending one that is void")
	ask(invites.InvitingQuery{ID: "void"}, isVoid, "one that is void")
	ask(invites.InvitingQuery{Email: "declined@example.com"}, with(func(x *invites.Inviting) { x.Mails = 1 }), "an address that declined")
	ask(invites.InvitingQuery{ID: "declined"}, with(func(x *invites.Inviting) { x.Invitation, x.Inviter, x.Mails = declined, inviter, 1 }),
		"one that was declined")
	ask(invites.InvitingQuery{Email: "other@example.com"}, same, "an address with an invitation of another account")
	ask(invites.InvitingQuery{Email: "nobody@example.com"}, same, "an address that nobody has")
	suspended, left := viewer, viewer
	suspended.SuspendedAt, left.EndedAt = minutes(1), minutes(1)
	for id, m := range map[string]accounts.MemberState{"v": viewer, "out": viewer, "suspended": suspended, "left": left} {
		ask(invites.InvitingQuery{Email: address(id)}, with(func(x *invites.Inviting) { x.Member = m }), "the address of a member: "+id)
	}
	for _, id := range []string{"gone", "elsewhere", "was"} {
		ask(invites.InvitingQuery{Email: address(id)}, same, "the address of nobody who was a member here: "+id)
	}
	ask(invites.InvitingQuery{}, same, "no address, which is no member's")
	ask(invites.InvitingQuery{ID: "to-v"}, with(func(x *invites.Inviting) { x.Invitation, x.Inviter, x.Member = theirs, inviter, viewer }),
		"an invitation to somebody who is a member by now")
	tomorrow := with(func(x *invites.Inviting) { x.Invitation, x.Inviter, x.Used, x.Mails = pending, inviter, 1, 2 })
	ask(invites.InvitingQuery{Email: "pending@example.com", At: days(1)}, tomorrow, "the next day, with its own counters")
	for _, q := range []invites.InvitingQuery{
		{Account: "nowhere", Email: "pending@example.com"},
		{Account: "nowhere"},
		{Account: "nowhere", ID: "pending"},
		{Account: "a", ID: "other"},
		{Account: "b", ID: "pending"},
		{Account: "a", ID: "PENDING"},
		{Account: "a", ID: "missing", Email: "pending@example.com"},
	} {
		got, err := st.Inviting(e.ctx, q)
		e.is(err, accounts.ErrNotFound, "Inviting(%s)", text(q))
		e.same(got, invites.Inviting{}, "Inviting beside an error")
	}
}

func checkAcceptingKeys(e *env) {
	st := e.open()
	i := invitation("a", "i", "to@example.com", "u")
	e.put(st, user("u"), account("a"), account("b"), manages("a", "u"))
	e.put(st, i, invitation("a", "i2", "other@example.com", "u"), invitation("b", "i3", "to@example.com", "u"))
	old := i.Hash
	i.Version, i.Hash = 1, hash("newer")
	e.put(st, i)
	i.Version = 2
	for _, state := range []invites.State{invites.Pending, invites.Declined, invites.Expired, invites.Void} {
		for _, q := range []invites.AcceptingQuery{{Account: "a", ID: "i"}, {Hash: hash("newer")}} {
			got, err := st.Accepting(e.ctx, q)
			e.ok(err, "Accepting")
			e.same(got.Invitation, i, "the invitation, %s", state)
		}
		i.State = state
		e.put(st, i)
		i.Version++
	}
	for _, q := range []invites.AcceptingQuery{
		{Account: "b", ID: "i"},
		{Account: "a", ID: "I"},
		{Account: "a", ID: "i3"},
		{Account: "nowhere", ID: "i"},
		{ID: "i"},
		{Hash: old},
		{Hash: hash("guess")},
		{},
		{Account: "a"},
		{User: "u"},
	} {
		got, err := st.Accepting(e.ctx, q)
		e.is(err, accounts.ErrNotFound, "Accepting(%s)", text(q))
		e.same(got, invites.Accepting{}, "Accepting beside an error")
	}
}

func checkAccepting(e *env) {
	st := e.open()
	closed, gone, out, bare := account("c"), user("gone"), user("out"), user("bare")
	closed.ClosedAt, gone.DeletedAt, out.SuspendedAt, bare.Email = minutes(1), minutes(1), minutes(1), ""
	left := member("a", "left", roles.Admin)
	left.EndedAt, left.Tenure, left.Reign = minutes(1), 7, 2
	rows := []any{
		user("boss"), user("known"), user("left"), gone, out, bare, account("a"), closed, manages("a", "boss"), left,
		credential("known"), credential("gone"), identity("2", "known"), identity("1", "known"), identity("3", "gone"),
	}
	var list []any
	for _, id := range []string{"known", "left", "gone", "out", "nobody"} {
		list = append(list, invitation("a", "to-"+id, address(id), "boss"))
	}
	blanked := invitation("a", "to-", "", "boss")
	blanked.State = invites.Revoked
	e.put(st, rows...)
	e.put(st, append(list, blanked, invitation("c", "late", address("known"), "retired"))...)

	means := func(u accounts.User, ids ...string) accounts.Means {
		u.Version = 1
		m := accounts.Means{User: u, Credential: accounts.Credential{User: u.ID}}
		for _, subject := range ids {
			m.Identities = append(m.Identities, identity(subject, string(u.ID)))
		}
		if len(ids) > 0 {
			m.Credential = credential(string(u.ID))
			m.Credential.Version = 1
		}
		return m
	}
	none := func(user accounts.UserID) accounts.Membership { return accounts.Membership{Account: "a", User: user} }
	boss, bossOf, a := user("boss"), manages("a", "boss"), account("a")
	boss.Version, bossOf.Version, left.Version, a.Version, closed.Version = 1, 1, 1, 1, 1
	known := means(user("known"), "1", "2")
	for _, x := range []struct {
		id     accounts.InvitationID
		user   accounts.UserID
		joiner accounts.Means
		member accounts.Membership
	}{
		{"to-known", "", known, none("known")},
		{"to-known", "known", known, none("known")},
		{"to-known", "left", means(user("left")), left}, // signed in as somebody else
		{"to-known", "boss", means(boss), bossOf},
		{"to-known", "bare", means(bare), none("bare")},
		{"to-known", "gone", means(gone, "3"), none("gone")},
		{"to-known", "stranger", accounts.Means{}, none("stranger")},
		{"to-left", "", means(user("left")), left},
		{"to-out", "", means(out), none("out")},
		{"to-gone", "", accounts.Means{}, none("")},
		{"to-nobody", "", accounts.Means{}, none("")},
		{"to-nobody", "known", known, none("known")},
		{"to-", "", accounts.Means{}, none("")}, // it was forgotten: no address is nobody's
	} {
		stored := invitation("a", string(x.id), accounts.Email(x.id[3:]+"@example.com"), "boss")
		if stored.Version = 1; x.id == "to-" {
			stored = blanked
			stored.Version = 1
		}
		for _, q := range []invites.AcceptingQuery{{Account: "a", ID: x.id}, {Hash: stored.Hash}} {
			q.User, q.At = x.user, minutes(10)
			got, err := st.Accepting(e.ctx, q)
			e.ok(err, "Accepting %s as %q", x.id, x.user)
			e.same(got, invites.Accepting{
				Invitation: stored, Account: a, Inviter: accounts.Member{Membership: bossOf, User: boss},
				Seats: accounts.Seats{Members: 1, Invited: 5}, Joiner: x.joiner, Member: x.member,
			}, "Accepting %s as %q", x.id, x.user)
		}
	}
	got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "c", ID: "late", At: minutes(10)})
	e.ok(err, "Accepting")
	e.same(got.Account, closed, "an account that was closed since")
	e.same(memberWithoutKeys(got.Inviter), accounts.Member{}, "an inviter who is not there")
	e.same(got.Seats, accounts.Seats{}, "the seats beside an invitation that is void")
	got, err = st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: "to-known", At: start.AddDate(0, 0, 7)})
	e.ok(err, "Accepting")
	e.same(got.Seats, accounts.Seats{Members: 1}, "the seats at the moment when every invitation expires")
}
