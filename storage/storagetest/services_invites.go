package storagetest

import (
	"fmt"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// inviteChecks run invitations from many goroutines.
func inviteChecks() []check {
	const once = "an invitation that is accepted twice is two memberships or two mails for one promise (A01, I-04)"
	const one = "an address has at most one live invitation in an account (I-02, I-05)"
	const seats = "the plan's seats are a limit that concurrency must not get past (B4, B8)"
	const iff = "somebody is a member by an invitation if and only if it says accepted (A04, A45, I-05)"
	return slices.Concat(
		raced("many acceptances of one invitation are one membership, one event and one mail", once, acceptMany),
		raced("of many who join by one link with new logins one does", once, joinMany),
		raced("many invitations of one address are one that is pending", one, inviteMany),
		raced("of many who accept as many join as there are seats", seats, acceptSeats),
		[]check{
			{"of a sign-up and a join by a link of one address one makes the user", "an address is never two users, and no link replaces a login (A12, A21, I-03)", joinSignUp},
			{"of an acceptance and a decline one wins, over many rounds", iff, acceptDecline},
			{"of an acceptance and a revocation one wins, over many rounds", iff, acceptRevoke},
		},
	)
}

func acceptMany(o *office, meet meeting) {
	s, many := o.stage(), crowd()
	i := o.invite(s, string(s.ben)+"@example.com", roles.Author)
	link := o.link(address(string(s.ben)), token.Invitation)
	ben := o.actor(s.ben)
	at := meet(o, many)
	got := make([]accounts.Membership, many)
	errs := together(many, func(n int) (err error) {
		in := invites.Answer{Link: link}
		if n%2 == 1 {
			in = invites.Answer{Account: i.Account, Invitation: i.ID}
		}
		got[n], err = at.invites.Accept(o.ctx, ben, in)
		return err
	})
	o.holds(o.only(errs) == many, "accepting again with the same login was refused")
	m := o.member(s.ben, s.account)
	o.holds(m.Active() && m.Role == roles.Author && m.Epoch == 1 && m.Version == 1, "want one membership in its first life, got %s", text(m))
	for _, g := range got {
		o.same(g, m, "the membership that an acceptance returned")
	}
	o.acceptedOnce(s, i)
	o.sound()
}

// acceptedOnce ends the check unless an invitation of amy's was accepted by one
// person, and everybody told once.
func (o *office) acceptedOnce(s stage, i invites.Invitation) {
	o.Helper()
	o.holds(o.events(s.account, invites.EventInvitationAccepted) == 1, "%d events tell of one acceptance", o.events(s.account, invites.EventInvitationAccepted))
	o.holds(o.mails(address(string(s.amy)), mail.InvitationAccepted) == 1, "amy got %d mails of one acceptance", o.mails(address(string(s.amy)), mail.InvitationAccepted))
	f := o.offer(i)
	o.holds(f.Invitation.State == invites.Accepted, "the invitation says %s", f.Invitation.State)
	o.same(f.Seats, accounts.Seats{Members: 3}, "the seats after one acceptance")
}

// newcomer comes in by a link with one of the three sorts of login.
func newcomer(link string, id accounts.UserID, n int) invites.NewLogin {
	in := invites.NewLogin{Link: link, ID: id}
	switch n % 3 {
	case 0:
		in.Kept = true
	case 1:
		in.Password = words
	default:
		in.Identity = accounts.IdentityKey{Issuer: issuer, Subject: fmt.Sprint(n)}
	}
	return in
}

func joinMany(o *office, meet meeting) {
	s, many := o.stage(), crowd()
	i := o.invite(s, "new@example.com", roles.Author)
	link := o.link("new@example.com", token.Invitation)
	at := meet(o, many)
	joined := make([]invites.Joined, many)
	errs := together(many, func(n int) (err error) {
		joined[n], err = at.invites.AcceptNew(o.ctx, newcomer(link, accounts.UserID(fmt.Sprint("new-", n)), n))
		return err
	})
	o.holds(o.only(errs, accounts.ErrNotFound) == 1, "%d of %d joined by one link, want 1", o.only(errs, accounts.ErrNotFound), many)
	for n, err := range errs {
		id := accounts.UserID(fmt.Sprint("new-", n))
		o.people = append(o.people, id)
		if err == nil {
			u, err := o.st.User(o.ctx, accounts.UserKey{Email: "new@example.com"})
			o.ok(err, "User")
			o.holds(u.ID == id && joined[n].Login.User == id && u.Proven, "%s joined, and the address is of %s", id, text(u))
			o.same(joined[n].Membership, o.member(id, s.account), "the membership that an acceptance returned")
			continue
		}
		_, err := o.st.User(o.ctx, accounts.UserKey{ID: id})
		o.is(err, accounts.ErrNotFound, "%s did not join, and is a user", id)
	}
	o.acceptedOnce(s, i)
	o.sound()
}

func joinSignUp(e *env) {
	o := newOffice(e)
	three := times(6)
	for n, g := range o.guestsApart(2 + three) {
		email := fmt.Sprintf("new-%d@example.com", n)
		o.invite(g.stage, email, roles.Author)
		link := o.link(accounts.Email(email), token.Invitation)
		made := make([]accounts.UserID, 2)
		join := func(at *office) error {
			j, err := at.invites.AcceptNew(o.ctx, invites.NewLogin{Link: link, Password: others})
			made[0] = j.Login.User
			return err
		}
		signUp := func(at *office) error {
			u, err := at.logins.SignUp(o.ctx, access.SignUp{Email: email, Password: words}, access.Device{})
			made[1] = u.ID
			return err
		}
		var errs []error
		switch n {
		case 0:
			errs = []error{join(o.interrupted(1, func() { o.ok(signUp(o), "SignUp") })), nil}
			o.holds(made[0] == "", "somebody joined with a new login who had signed up")
		case 1:
			errs = []error{nil, signUp(o.interrupted(1, func() { o.ok(join(o), "AcceptNew") }))}
			o.holds(made[1] == "", "somebody signed up whose address had joined")
		default:
			errs = together(2, func(k int) error { return []func(*office) error{join, signUp}[k](o) })
		}
		o.ok(errs[1], "a sign-up: whoever signs up is told the same")
		if errs[0] != nil {
			o.is(errs[0], invites.ErrHasLogin, "a join with a new login by somebody who has one")
		}
		u, err := o.st.User(o.ctx, accounts.UserKey{Email: accounts.Email(email)})
		o.ok(err, "User")
		o.holds(made[0] != made[1] && (made[0] == u.ID) == (errs[0] == nil) && (made[1] == u.ID) == (errs[0] != nil),
			"%s has the address; joining made %q and was answered %v, signing up made %q", u.ID, made[0], errs[0], made[1])
		o.holds(o.member(u.ID, g.account).Active() == (errs[0] == nil) && u.Proven == (errs[0] == nil),
			"joining was answered %v, and the user is %s", errs[0], text(u))
		o.people = append(o.people, u.ID)
	}
	o.sound()
}

func inviteMany(o *office, meet meeting) {
	s, many := o.stage(), crowd()
	by := []accounts.Actor{o.actor(s.amy), o.actor(s.olga)}
	spelled := []string{"new@example.com", "NEW@example.com", " New@Example.COM "}
	at := meet(o, many)
	made := make([]invites.Invitation, many)
	errs := together(many, func(n int) (err error) {
		made[n], err = at.invites.Invite(o.ctx, by[n%2], invites.Invite{Account: s.account, Email: spelled[n%3], Role: roles.Viewer})
		return err
	})
	o.holds(o.only(errs, accounts.ErrTaken) == 1, "%d of %d invited one address, want 1", o.only(errs, accounts.ErrTaken), many)
	list, err := o.st.Invitations(o.ctx, invites.ListQuery{Account: s.account, At: o.clock.Now(), Limit: 100})
	o.ok(err, "Invitations")
	o.holds(len(list) == 1, "%d invitations of one address are stored, want 1", len(list))
	for n, err := range errs {
		o.holds((err == nil) == (made[n].ID == list[0].Invitation.ID), "the invitation that is stored is not the winner's")
	}
	o.holds(o.events(s.account, invites.EventInvited) == 1, "%d events tell of one invitation", o.events(s.account, invites.EventInvited))
	o.holds(o.mails("new@example.com", mail.Invited) == 1, "%d mails of one invitation are in the outbox", o.mails("new@example.com", mail.Invited))
	spent, err := o.st.Spent(o.ctx, accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: string(s.account), Day: accounts.DayOf(o.clock.Now())})
	o.ok(err, "Spent")
	o.holds(spent == 1, "one invitation counts as %d of the day", spent)
	seats, err := o.st.Seats(o.ctx, s.account, o.clock.Now())
	o.ok(err, "Seats")
	o.same(seats, accounts.Seats{Members: 2, Invited: 1}, "the seats after one invitation")
	o.sound()
}

func acceptSeats(o *office, meet meeting) {
	s := o.stage()
	const seats = 10
	guests := min(30, crowd())
	actors := make([]accounts.Actor, guests)
	offers := make([]invites.Invitation, guests)
	for n := range guests {
		id := accounts.UserID(fmt.Sprint("guest-", n))
		if n%2 == 0 { // every other one is a user already
			o.settled(person(id))
			actors[n] = o.actor(id)
		} else {
			o.people = append(o.people, id)
		}
		offers[n] = o.invite(s, string(address(string(id))), roles.Viewer)
	}
	links := o.links(token.Invitation)
	small := planTen
	o.ok(o.graph.UpdateAccount(o.ctx, accounts.System("billing"), accounts.UpdateAccount{ID: s.account, Plan: &small}), "UpdateAccount")
	at := meet(o, guests)
	errs := together(guests, func(n int) error {
		if n%2 == 0 {
			_, err := at.invites.Accept(o.ctx, actors[n], invites.Answer{Account: s.account, Invitation: offers[n].ID})
			return err
		}
		id := fmt.Sprint("guest-", n)
		_, err := at.invites.AcceptNew(o.ctx, invites.NewLogin{Link: links[string(address(id))], ID: accounts.UserID(id), Kept: true})
		return err
	})
	o.holds(o.only(errs, accounts.ErrSeats) == seats-2, "%d of %d joined, want %d", o.only(errs, accounts.ErrSeats), guests, seats-2)
	got, err := o.st.Seats(o.ctx, s.account, o.clock.Now())
	o.ok(err, "Seats")
	o.same(got, accounts.Seats{Members: seats, Invited: guests - seats + 2}, "the seats after all have tried")
	for n, err := range errs {
		o.holds((err == nil) == o.member(accounts.UserID(fmt.Sprint("guest-", n)), s.account).Active(), "guest-%d was answered %v, and is a member or not", n, err)
	}
	o.holds(o.events(s.account, invites.EventInvitationAccepted) == seats-2, "%d events tell of %d acceptances",
		o.events(s.account, invites.EventInvitationAccepted), seats-2)
	o.sound()
}

// guest is somebody who was invited, and can say yes.
type guest struct {
	stage

	id    accounts.UserID
	actor accounts.Actor
	offer invites.Invitation
	link  string
}

// accept makes the guest a member.
func (g guest) accept(o *office) error {
	_, err := o.invites.Accept(o.ctx, g.actor, invites.Answer{Account: g.account, Invitation: g.offer.ID})
	return err
}

// guests invites n people, who are users, to a stage.
func (o *office) guests(n int) []guest {
	o.Helper()
	s := o.stage()
	list := make([]guest, n)
	var rows []any
	for k := range list {
		list[k] = guest{stage: s, id: accounts.UserID(fmt.Sprintf("%s-%d", s.ben, k))}
		rows = append(rows, person(list[k].id))
	}
	o.settled(rows...)
	for k, g := range list {
		list[k].offer, list[k].actor = o.invite(s, string(address(string(g.id))), roles.Author), o.actor(g.id)
	}
	links := o.links(token.Invitation)
	for k, g := range list {
		list[k].link = links[string(address(string(g.id)))]
	}
	return list
}

// acceptAgainst lets guests accept beside somebody else who settles the
// invitation. Round counts them; late is what the other is told who was late.
func acceptAgainst(e *env, end invites.State, other func(o *office, g guest, round int) error, late ...error) {
	o := newOffice(e)
	const party = 20
	most := times(200)
	for round := 0; round < most; round += party {
		for n, g := range o.guests(min(party, most-round)) {
			errs := together(2, func(k int) error {
				if k == 0 {
					return g.accept(o)
				}
				return other(o, g, n)
			})
			joined := errs[0] == nil
			o.holds(joined != (errs[1] == nil), "round %d: accepting was answered %v, and the other %v", round+n, errs[0], errs[1])
			if joined {
				o.lost(errs[1], "whoever came late", late...)
			} else {
				o.lost(errs[0], "an acceptance that came late", invites.ErrUsed)
				o.holds(o.offer(g.offer).Invitation.State == end, "the invitation says %s, and not %s", o.offer(g.offer).Invitation.State, end)
			}
			o.holds(o.member(g.id, g.account).Active() == joined && (o.offer(g.offer).Invitation.State == invites.Accepted) == joined,
				"round %d: accepting was answered %v, the invitation says %s, and the guest is a member: %v",
				round+n, errs[0], o.offer(g.offer).Invitation.State, o.member(g.id, g.account).Active())
		}
	}
	o.sound()
}

func acceptDecline(e *env) {
	acceptAgainst(e, invites.Declined, func(o *office, g guest, round int) error {
		if round%2 == 0 { // whoever holds the link may decline, signed in or not
			return o.invites.Decline(o.ctx, accounts.Actor{}, invites.Answer{Link: g.link})
		}
		return o.invites.Decline(o.ctx, g.actor, invites.Answer{Account: g.account, Invitation: g.offer.ID})
	}, accounts.ErrNotFound, invites.ErrUsed)
}

func acceptRevoke(e *env) {
	acceptAgainst(e, invites.Revoked, func(o *office, g guest, round int) error {
		by := []accounts.UserID{g.amy, g.olga}[round%2]
		return o.invites.Revoke(o.ctx, o.actor(by), g.account, g.offer.ID)
	}, invites.ErrUsed)
}
