package main

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// How what was given ends: invitations, sessions, a password, ownership, a user.

func (t *team) cameToNothing(ctx context.Context) error {
	t.chapter("Invitations that come to nothing")
	const bensMail, kimsMail = "ben@mail.example", "kim@mail.example"
	asRavi, err := t.visit(ctx, t.ravi, shop)
	if err != nil {
		return err
	}
	if _, err := t.invitations.Invite(ctx, asRavi, invites.Invite{Account: shop, Email: bensMail, Role: roles.Viewer}); err != nil {
		return err
	}
	toKim, err := t.invitations.Invite(ctx, asRavi, invites.Invite{Account: shop, Email: kimsMail, Role: roles.Viewer})
	if err != nil {
		return err
	}
	if _, err := t.deliver(ctx); err != nil {
		return err
	}
	t.say("Ravi, who is Admin, invites Ben and Kim as Viewers.")
	asHanna, err := t.visit(ctx, t.hanna, shop)
	if err != nil {
		return err
	}
	toTom := invites.Invite{Account: shop, Email: "tom@mail.example", Role: roles.Viewer}
	_, err = t.invitations.Invite(ctx, asHanna, toTom)
	if err := t.refused(err, accounts.ErrSeats, "Hanna invites Tom"); err != nil {
		return err
	}
	if err := t.invitations.Revoke(ctx, asHanna, shop, toKim.ID); err != nil {
		return err
	}
	t.say("Hanna revokes Kim's invitation.")
	link, err := t.link(kimsMail, invitationPage)
	if err != nil {
		return err
	}
	_, err = t.invitations.Peek(ctx, link)
	if err := t.refused(err, accounts.ErrNotFound, "Kim opens the link"); err != nil {
		return err
	}
	t.say("A dead link says no more than one that never was.")
	if err := t.accounts.ChangeRole(ctx, asHanna, shop, ravi, roles.Author); err != nil {
		return err
	}
	t.say("Hanna makes Ravi Author. Authors may not invite, so what he sent and nobody answered is void.")
	if err := t.tooLate(ctx, bensMail); err != nil {
		return err
	}
	if _, err := t.invitations.Invite(ctx, asHanna, toTom); err != nil {
		return err
	}
	t.say("What is revoked or void holds no seat: Hanna invites Tom. The list says what became of each invitation:")
	list, err := t.invitations.List(ctx, asHanna, shop, invites.Page{})
	if err != nil {
		return err
	}
	for _, e := range list {
		t.say("  %-20s %-7s by %-11s %s", e.Address, accounts.RoleName(e.Role), e.Inviter, e.State)
	}
	return same("invitations", len(list), 5)
}

// tooLate has Ben make a login, and accept an invitation that is void. Whoever
// only holds its link learns less.
func (t *team) tooLate(ctx context.Context, bensMail string) error {
	ben, err := t.newcomer(ctx, access.SignUp{Email: bensMail, Name: "Ben", Password: bensWords})
	if err != nil {
		return err
	}
	asBen, err := t.visit(ctx, ben, "")
	if err != nil {
		return err
	}
	link, err := t.link(bensMail, invitationPage)
	if err != nil {
		return err
	}
	_, err = t.invitations.Accept(ctx, asBen, invites.Answer{Link: link})
	return t.refused(err, invites.ErrVoid, "Ben, who has signed up and proven his address, accepts")
}

func (t *team) reset(ctx context.Context) error {
	t.chapter("A forgotten password")
	t.clock.Add(24 * time.Hour)
	t.say("It is %s, and yesterday's sessions have ended.", t.env.Now().Format("2 Jan 15:04 UTC"))
	onPhone, err := t.logIn(ctx, lucysMail, lucysWords, phone)
	if err != nil {
		return err
	}
	onTill, err := t.logIn(ctx, lucysMail, lucysWords, till)
	if err != nil {
		return err
	}
	t.say("Lucy logs in on the till and on her phone. The phone is stolen, and she has forgotten her password.")
	const mistyped = "lucie@reads.example"
	if err := t.logins.AskReset(ctx, mistyped, laptop); err != nil {
		return err
	}
	t.say("She asks for a new one, and mistypes her address. The page says what it always says.")
	if err := t.told(ctx, mistyped, mistyped); err != nil {
		return err
	}
	if err := t.logins.AskReset(ctx, lucysMail, laptop); err != nil {
		return err
	}
	t.say("She asks with the right one.")
	if err := t.told(ctx, lucysMail, lucysMail); err != nil {
		return err
	}
	link, err := t.link(lucysMail, resetPage)
	if err != nil {
		return err
	}
	login, err := t.logins.ResetPassword(ctx, link, "ten patient copper lanterns")
	if err != nil {
		return err
	}
	secret, _, err := t.sessions.Start(ctx, login, laptop)
	if err != nil {
		return err
	}
	t.lucy = secret.Reveal()
	t.say("The link sets a new password and signs her in. Every older session is over:")
	_, err = t.sessions.Principal(ctx, onPhone, shop)
	if err := t.refused(err, access.ErrNoSession, "The thief goes on with her phone"); err != nil {
		return err
	}
	_, err = t.sessions.Principal(ctx, onTill, shop)
	if err := t.refused(err, access.ErrNoSession, "Somebody goes on at the till"); err != nil {
		return err
	}
	_, err = t.logins.ResetPassword(ctx, link, "eleven quiet marble harbours")
	if err := t.refused(err, accounts.ErrNotFound, "Somebody uses the link once more"); err != nil {
		return err
	}
	_, err = t.logIn(ctx, lucysMail, lucysWords, phone)
	return t.refused(err, access.ErrCredentials, "The thief, who saw the old password on a note, logs in")
}

func (t *team) signedIn(ctx context.Context) error {
	t.chapter("Where am I signed in?")
	var err error
	if t.hanna, err = t.logIn(ctx, hannasMail, hannasWords, laptop); err != nil {
		return err
	}
	t.clock.Add(5 * time.Minute)
	onTill, err := t.logIn(ctx, hannasMail, hannasWords, till)
	if err != nil {
		return err
	}
	asHanna, err := t.visit(ctx, t.hanna, "")
	if err != nil {
		return err
	}
	list, err := t.sessions.List(ctx, asHanna, hanna, access.SessionPage{})
	if err != nil {
		return err
	}
	t.say("Hanna looks at her sessions:")
	for _, s := range list {
		own := ""
		if s.ID == asHanna.Session() {
			own = ", this one"
		}
		t.say("  since %s, %s, from %s%s", s.CreatedAt.Format("15:04"), s.UserAgent, s.Source, own)
	}
	if err := same("sessions", len(list), 2); err != nil {
		return err
	}
	if err := t.sessions.End(ctx, asHanna, list[0].ID); err != nil {
		return err
	}
	t.say("She ends the one on the till.")
	_, err = t.sessions.Principal(ctx, onTill, shop)
	return t.refused(err, access.ErrNoSession, "Somebody goes on at the till")
}

func (t *team) handOver(ctx context.Context) error {
	t.chapter("Handing over")
	asHanna, err := t.visit(ctx, t.hanna, shop)
	if err != nil {
		return err
	}
	t.say("Hanna has sold the shop to Lucy, and wants to go.")
	err = t.accounts.EraseUser(ctx, asHanna, hanna)
	if err := t.refused(err, accounts.ErrLastOwner, "She asks to be erased"); err != nil {
		return err
	}
	t.clock.Add(10 * time.Minute)
	err = t.accounts.TransferOwnership(ctx, asHanna, shop, lucy)
	if err := t.refused(err, accounts.ErrStepUp, "She makes Lucy the owner, 15 minutes after her login"); err != nil {
		return err
	}
	login, err := t.logins.Verify(ctx, access.LogIn{Email: hannasMail, Password: hannasWords}, laptop)
	if err != nil {
		return err
	}
	secret, err := t.sessions.Renew(ctx, t.hanna, login)
	if err != nil {
		return err
	}
	t.hanna = secret.Reveal()
	if asHanna, err = t.visit(ctx, t.hanna, shop); err != nil {
		return err
	}
	if err := t.accounts.TransferOwnership(ctx, asHanna, shop, lucy); err != nil {
		return err
	}
	t.say("She enters her password again and makes Lucy the owner. The members now:")
	members, err := t.accounts.Members(ctx, asHanna, shop, accounts.MemberPage{})
	if err != nil {
		return err
	}
	for _, m := range members {
		t.say("  %-10s  %s", m.User.Name, accounts.RoleName(m.Membership.Role))
	}
	return same("members", len(members), 3)
}

func (t *team) leave(ctx context.Context) error {
	t.chapter("A user is erased")
	asHanna, err := t.visit(ctx, t.hanna, "")
	if err != nil {
		return err
	}
	plan, err := t.accounts.PlanErase(ctx, asHanna, hanna)
	if err != nil {
		return err
	}
	t.say("Hanna is shown what would end:")
	for _, m := range plan.Members {
		t.say("  her place at %s, as %s", m.Name, accounts.RoleName(m.Role))
	}
	if plan.Password {
		t.say("  her login by password")
	}
	if err := same("accounts that only she owns", len(plan.Alone), 0); err != nil {
		return err
	}
	if err := t.accounts.EraseUser(ctx, asHanna, hanna); err != nil {
		return err
	}
	t.say("She confirms. Her name, her address and her password are erased.")
	_, err = t.sessions.Principal(ctx, t.hanna, "")
	if err := t.refused(err, access.ErrNoSession, "She opens another page"); err != nil {
		return err
	}
	_, err = t.logIn(ctx, hannasMail, hannasWords, laptop)
	if err := t.refused(err, access.ErrCredentials, "She logs in"); err != nil {
		return err
	}
	again, err := t.logins.SignUp(ctx, access.SignUp{Email: hannasMail, Password: hannasWords}, laptop)
	if err != nil {
		return err
	}
	if again.ID == "" || again.ID == hanna {
		return errors.New("who signs up with the address of an erased user is not somebody new")
	}
	reach, err := t.accounts.Reach(ctx, accounts.System("quickstart"), again.ID, accounts.ReachPage{})
	if err != nil {
		return err
	}
	if err := same("accounts of somebody new", len(reach), 0); err != nil {
		return err
	}
	t.say("She signs up anew, and is somebody new, who belongs to nothing.")
	t.say("The audit stays. It names people by their ids alone: \"hanna\" is hers. Its last lines about her:")
	asLucy, err := t.visit(ctx, t.lucy, shop)
	if err != nil {
		return err
	}
	events, err := t.accounts.Events(ctx, asLucy, accounts.EventQuery{Account: shop, User: hanna, Limit: 4})
	if err != nil {
		return err
	}
	for i := len(events) - 1; i >= 0; i-- {
		t.event(events[i])
	}
	return same("events", len(events), 4)
}
