package storagetest

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// invitationChecks prove the answers about offers and seats.
func invitationChecks() []check {
	const wrong = "services decide on what a reader answers, and on nothing else"
	const void = "an invitation must not outlive the power of whoever made it, nor hold a seat (D1, A15)"
	return []check{
		{"seats are taken by members, and by invitations that are pending at that moment", void, checkSeats},
		{"an account's invitations are listed newest first, with who made them, in any of the states asked for", void, checkInvitations},
		{
			"an address sees the invitations that are pending, of accounts that are open",
			"an offer that is shown and then refused tempts; one of a paused account waits", checkInvitationsTo,
		},
		{
			"an offer to an address is decided by the stored pending invitation, whether or not it still counts",
			"whoever makes a successor has to write the end of what is there", checkInviting,
		},
		{"an invitation is found by account and id, or by the hash of its newest link", "an older link must be dead (A03)", checkAcceptingKeys},
		{"an answer is decided by who would join: the user named, or whoever has the address now", wrong, checkAccepting},
	}
}

// offer is an invitation in one of its states at [offersAt]. Each has an
// inviter of its own.
type offer struct {
	id     string
	state  invites.State
	change func(i *invites.Invitation, m *accounts.Membership, u *accounts.User)
}

// offersAt is the moment of which the states in offers are.
//
//nolint:gochecknoglobals // a constant in all but name
var offersAt = minutes(10)

func offers() []offer {
	type (
		I = invites.Invitation
		M = accounts.Membership
		U = accounts.User
	)
	list := []offer{
		{"alive", invites.Pending, func(*I, *M, *U) {}},
		{"last-moment", invites.Pending, func(i *I, _ *M, _ *U) { i.ExpiresAt = offersAt.Add(time.Microsecond) }},
		{"expired", invites.Expired, func(i *I, _ *M, _ *U) { i.ExpiresAt = offersAt }},
		{"long-expired", invites.Expired, func(i *I, _ *M, _ *U) { i.ExpiresAt = minutes(-1000) }},
		{"expired-and-void", invites.Expired, func(i *I, m *M, _ *U) { i.ExpiresAt, m.EndedAt = offersAt, minutes(1) }},
		{"tenure-moved", invites.Void, func(_ *I, m *M, _ *U) { m.Tenure++ }},
		{"tenure-before", invites.Void, func(_ *I, m *M, _ *U) { m.Tenure-- }},
		{"was-suspended", invites.Void, func(_ *I, _ *M, u *U) { u.Suspensions++ }},
		{"suspended-user", invites.Void, func(_ *I, _ *M, u *U) { u.SuspendedAt = minutes(1) }},
		{"deleted-user", invites.Void, func(_ *I, _ *M, u *U) { u.DeletedAt = minutes(1) }},
		{"suspended", invites.Void, func(_ *I, m *M, _ *U) { m.SuspendedAt = minutes(1) }},
		{"removed", invites.Void, func(_ *I, m *M, _ *U) { m.EndedAt = minutes(1) }},
		{"suspended-and-removed", invites.Void, func(_ *I, m *M, _ *U) { m.SuspendedAt, m.EndedAt = minutes(1), minutes(2) }},
		{"no-inviter", invites.Void, func(i *I, _ *M, _ *U) { i.Inviter = "nobody" }},
		{"stranger", invites.Void, func(i *I, _ *M, _ *U) { i.Inviter = "stranger" }},
		{"lower-role", invites.Pending, func(_ *I, m *M, _ *U) { m.Role = roles.Viewer }},
		{"reign-moved", invites.Pending, func(_ *I, m *M, _ *U) { m.Reign++ }},
		{"epochs-moved", invites.Pending, func(_ *I, m *M, u *U) { m.Epoch, u.Epoch, m.After = m.Epoch+1, u.Epoch+1, 9 }},
		{"both-counted", invites.Pending, func(i *I, m *M, u *U) { i.Tenure, m.Tenure, i.Suspensions, u.Suspensions = 9, 9, 3, 3 }},
		{"not-suspended-enough", invites.Void, func(i *I, _ *M, u *U) { i.Suspensions, u.Suspensions = 3, 2 }},
	}
	for _, s := range []invites.State{invites.Accepted, invites.Declined, invites.Revoked, invites.Expired, invites.Void} {
		list = append(list, offer{"stored-" + string(s), s, func(i *I, _ *M, _ *U) { i.State = s }})
		list = append(list, offer{"late-" + string(s), s, func(i *I, m *M, _ *U) { i.State, i.ExpiresAt, m.EndedAt = s, minutes(1), minutes(1) }})
	}
	return list
}

// offered is an offer as it is stored, to an address of its own unless one is
// given.
func (o offer) offered(account string, to accounts.Email) invites.Listed {
	by := "by-" + o.id
	if to == "" {
		to = address("to-" + o.id)
	}
	l := invites.Listed{
		Invitation: invitation(account, o.id, to, by),
		Inviter:    accounts.Member{Membership: manages(account, by), User: user(by)},
	}
	o.change(&l.Invitation, &l.Inviter.Membership, &l.Inviter.User)
	return l
}

// offersFixture makes every offer in account a, each one older than the one
// before, and returns them as a store lists them.
func (e *env) offersFixture(st storage.Storage) []invites.Listed {
	e.Helper()
	rows := []any{account("a"), account("b"), user("stranger"), manages("b", "stranger")}
	var list []any
	var want []invites.Listed
	stranger := user("stranger")
	stranger.Version = 1
	for i, o := range offers() {
		l := o.offered("a", "")
		l.Invitation.CreatedAt = minutes(-i)
		rows = append(rows, l.Inviter.User, l.Inviter.Membership)
		list = append(list, l.Invitation)
		l.Invitation.Version, l.Inviter.Membership.Version, l.Inviter.User.Version = 1, 1, 1
		switch l.Invitation.Inviter {
		case "nobody":
			l.Inviter = accounts.Member{}
		case "stranger":
			l.Inviter = accounts.Member{User: stranger}
		}
		l.Account = account("a").AccountState
		l.Account.Version = 1
		e.holds(l.StateAt(offersAt) == o.state, "the fixture's %s is %s", o.id, l.StateAt(offersAt))
		want = append(want, l)
	}
	e.put(st, rows...)
	e.put(st, list...)
	return want
}

func checkSeats(e *env) {
	st := e.open()
	ask := func(id accounts.AccountID, at time.Time) accounts.Seats {
		got, err := st.Seats(e.ctx, id, at)
		e.ok(err, "Seats")
		return got
	}
	e.same(ask("a", offersAt), accounts.Seats{}, "the seats of an account that does not exist")
	want := accounts.Seats{}
	list := e.offersFixture(st)
	for i, l := range list {
		if l.StateAt(offersAt) == invites.Pending {
			want.Invited++
		}
		own := offers()[i].offered("a", "") // of the two who invite for others too
		if own.Inviter.Membership.EndedAt.IsZero() && own.Inviter.User.DeletedAt.IsZero() {
			want.Members++
		}
	}
	e.same(ask("a", offersAt), want, "the seats of an account")
	e.same(ask("b", offersAt), accounts.Seats{Members: 1}, "the seats of another account")
	later := want
	later.Invited--
	e.same(ask("a", offersAt.Add(time.Microsecond)), later, "the seats a microsecond later, when one more has expired")
	earlier := want
	earlier.Invited++
	e.same(ask("a", offersAt.Add(-time.Microsecond)), earlier, "the seats a microsecond before, when one more counted")
	later.Invited = 0
	e.same(ask("a", start.AddDate(0, 0, 7)), later, "the seats when every invitation has expired")
	for _, change := range []func(a *accounts.Account){
		func(a *accounts.Account) { a.SuspendedAt = minutes(1) }, func(a *accounts.Account) { a.ClosedAt = minutes(1) },
	} {
		a := account("a")
		stored, err := st.Account(e.ctx, "a")
		e.ok(err, "Account")
		a.Version = stored.Version
		change(&a)
		e.put(st, a)
		e.same(ask("a", offersAt), want, "the seats of an account that is paused or closed")
	}
}

func checkInvitations(e *env) {
	st := e.open()
	want := e.offersFixture(st)
	e.put(st, invitation("b", "elsewhere", "to-alive@example.com", "stranger"))
	ask := func(q invites.ListQuery) []invites.Listed {
		q.Account, q.Limit = "a", all
		if q.At.IsZero() {
			q.At = offersAt
		}
		got, err := st.Invitations(e.ctx, q)
		e.ok(err, "Invitations")
		return listedWithoutKeys(got)
	}
	e.same(ask(invites.ListQuery{}), want, "an account's invitations, newest first")
	states := []invites.State{
		invites.Pending, invites.Accepted, invites.Declined, invites.Revoked, invites.Expired, invites.Void, "nonsense",
	}
	at := func(at time.Time, states ...invites.State) []invites.Listed {
		return slices.DeleteFunc(slices.Clone(want), func(l invites.Listed) bool { return !slices.Contains(states, l.StateAt(at)) })
	}
	for i, s := range states {
		for _, list := range [][]invites.State{{s}, {s, states[(i+1)%len(states)]}} {
			e.same(ask(invites.ListQuery{States: list}), at(offersAt, list...), "invitations in the states %v", list)
		}
		far := start.AddDate(0, 0, 7)
		e.same(ask(invites.ListQuery{States: []invites.State{s}, At: far}), at(far, s), "invitations in the state %s after a week", s)
	}
	found := at(offersAt, invites.Void)
	found = slices.DeleteFunc(found, func(l invites.Listed) bool { return l.Invitation.ID != "was-suspended" })
	e.same(ask(invites.ListQuery{States: []invites.State{invites.Void}, Search: " TO-WAS"}), found, "state and search together")
	got, err := st.Invitations(e.ctx, invites.ListQuery{Account: "nowhere", At: offersAt, Limit: all})
	e.ok(err, "Invitations")
	e.same(got, []invites.Listed{}, "the invitations of an account that does not exist")
}

func checkInvitationsTo(e *env) {
	st := e.open()
	const to = accounts.Email("to@example.com")
	rows, list := []any{user("stranger")}, []any{}
	var want []accounts.InvitationID
	add := func(i int, o offer, change func(a *accounts.Account)) {
		id := "in-" + o.id
		l, a := o.offered(id, to), account(id)
		l.Invitation.CreatedAt = minutes(i / 2) // two of a moment
		change(&a)
		rows, list = append(rows, a, l.Inviter.User, l.Inviter.Membership), append(list, l.Invitation)
		if o.state == invites.Pending && a.Open() {
			want = append(want, l.Invitation.ID)
		}
	}
	for i, o := range offers() {
		add(i, o, func(*accounts.Account) {})
	}
	alive := offers()[0]
	for _, id := range []string{"paused", "closed"} {
		alive.id = id
		add(1, alive, func(a *accounts.Account) {
			if id == "paused" {
				a.SuspendedAt = minutes(1)
			} else {
				a.ClosedAt = minutes(1)
			}
		})
	}
	e.put(st, rows...)
	e.put(st, append(list, invitation("in-alive", "other", "other@example.com", "by-alive"))...)
	of := map[accounts.InvitationID]time.Time{}
	for _, row := range list {
		i, _ := row.(invites.Invitation)
		of[i.ID] = i.CreatedAt
	}
	slices.SortFunc(want, func(a, b accounts.InvitationID) int {
		return newestInvitation(invites.Cursor{CreatedAt: of[a], ID: a}, invites.Cursor{CreatedAt: of[b], ID: b})
	})
	ids := func(email accounts.Email, at time.Time, limit int) []accounts.InvitationID {
		got, err := st.InvitationsTo(e.ctx, email, at, limit)
		e.ok(err, "InvitationsTo")
		var ids []accounts.InvitationID
		for _, l := range got {
			ids = append(ids, l.Invitation.ID)
			e.holds(l.Account.ID == l.Invitation.Account && l.Account.Name != "", "an invitation without its account: %s", text(l))
			e.holds(l.Inviter.User.ID == l.Invitation.Inviter && l.Inviter.Membership.Account == l.Account.ID &&
				l.Inviter.Membership.Version == 1, "an invitation without who made it: %s", text(l))
		}
		return ids
	}
	e.same(ids(to, offersAt, all), want, "pending invitations to an address, newest first")
	e.same(ids(to, offersAt, 2), want[:2], "at most two of them")
	e.same(ids("TO@example.com", offersAt, all), nil, "an address in other letters")
	e.same(ids("", offersAt, all), nil, "no address")
	e.same(ids("other@example.com", offersAt, all), []accounts.InvitationID{"other"}, "another address")
	e.same(ids(to, start.AddDate(0, 0, 7), all), nil, "when every invitation has expired")
}
