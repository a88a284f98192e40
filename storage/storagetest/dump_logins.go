package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
)

func (e *env) dumpLogins(st storage.Storage, ask asker) {
	u, day := &e.seen, accounts.DayOf(start)
	for _, key := range orderedBy(u.challenges) {
		got, err := st.Challenge(e.ctx, key)
		ask(got, err, "Challenge(%v)", key)
	}
	for _, key := range orderedBy(u.tickets) {
		got, err := st.Ticket(e.ctx, access.TicketQuery{TicketKey: key})
		ask(got, err, "Ticket(%s, %s)", key.User, key.Purpose)
		got, err = st.Ticket(e.ctx, access.TicketQuery{Hash: got.Hash})
		ask(got, err, "Ticket(by the hash of that of %s, %s)", key.User, key.Purpose)
	}
	for _, email := range ordered(u.emails) {
		got, err := st.Entering(e.ctx, access.EnteringQuery{Email: email, Day: day})
		ask(got, err, "Entering(%s)", email)
	}
	for _, source := range ordered(u.sources) {
		got, err := st.Entering(e.ctx, access.EnteringQuery{Source: source, Day: day})
		ask(got, err, "Entering(from %s)", source)
	}
}

func (e *env) dumpInvites(st storage.Storage, ask asker) {
	u, at := &e.seen, minutes(3)
	for _, id := range ordered(u.accounts) {
		seats, err := st.Seats(e.ctx, id, at)
		ask(seats, err, "Seats(%s)", id)
		list, err := st.Invitations(e.ctx, invites.ListQuery{Account: id, At: at, Limit: all})
		ask(listedWithoutKeys(list), err, "Invitations(%s)", id)
		inviting, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: id, At: at})
		ask(inviting, err, "Inviting(%s, nobody)", id)
	}
	emails := set[accounts.Email]{}
	for _, key := range orderedBy(u.invited) {
		got, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: key.Account, ID: key.ID, At: at})
		got.Inviter = memberWithoutKeys(got.Inviter)
		emails.add(got.Invitation.Email)
		ask(got, err, "Inviting(%s, %s)", key.Account, key.ID)
		a, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: key.Account, ID: key.ID, At: at})
		ask(acceptingWithoutKeys(a), err, "Accepting(%s, %s)", key.Account, key.ID)
		a, err = st.Accepting(e.ctx, invites.AcceptingQuery{Hash: a.Invitation.Hash, User: "u", At: at})
		ask(acceptingWithoutKeys(a), err, "Accepting(by the hash of that of %s, %s)", key.Account, key.ID)
		got, err = st.Inviting(e.ctx, invites.InvitingQuery{Account: key.Account, Email: got.Invitation.Email, At: at})
		got.Inviter = memberWithoutKeys(got.Inviter)
		ask(got, err, "Inviting(%s, the address of %s)", key.Account, key.ID)
	}
	for _, email := range ordered(emails) {
		list, err := st.InvitationsTo(e.ctx, email, at, all)
		ask(listedWithoutKeys(list), err, "InvitationsTo(%s)", email)
	}
}

// dumpHeld asks what is kept about everybody. It is apart, since a store may
// be slow to answer.
func (e *env) dumpHeld(st storage.Storage) dump {
	e.Helper()
	var d dump
	ask, u := e.asker(&d), &e.seen
	for _, kind := range accounts.HeldKinds() {
		for _, id := range ordered(u.users) {
			got, err := st.Held(e.ctx, accounts.HeldQuery{Kind: kind, User: id, Limit: all})
			ask(got, err, "Held(%s of the user %s)", kind, id)
		}
	}
	for _, kind := range []accounts.HeldKind{accounts.HeldUser, accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldClient, accounts.HeldMail} {
		for _, email := range ordered(u.emails) {
			got, err := st.Held(e.ctx, accounts.HeldQuery{Kind: kind, Email: email, Limit: all})
			ask(got, err, "Held(%s of the address %s)", kind, email)
		}
	}
	return d
}

// memberWithoutKeys blanks the keys of what is not there: a store may give
// them or not.
func memberWithoutKeys(m accounts.Member) accounts.Member {
	if m.Membership.Version == 0 {
		m.Membership = accounts.Membership{}
	}
	if m.User.Version == 0 {
		m.User = accounts.User{}
	}
	return m
}

func listedWithoutKeys(list []invites.Listed) []invites.Listed {
	for i := range list {
		list[i].Inviter = memberWithoutKeys(list[i].Inviter)
	}
	return list
}

func acceptingWithoutKeys(a invites.Accepting) invites.Accepting {
	a.Inviter = memberWithoutKeys(a.Inviter)
	return a
}
