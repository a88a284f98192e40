package storagetest

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// storyChecks walk through the whole of it once.
func storyChecks() []check {
	return []check{
		{
			"from a sign-up to a member who leaves, each step finds what the one before it wrote",
			"what each part keeps has to be enough for the next one (B1–B10)", storyMember,
		},
	}
}

// signsUp signs somebody up, logs them in and proves their address.
func (o *office) signsUp(email, name string) (secret string) {
	o.Helper()
	u, err := o.logins.SignUp(o.ctx, access.SignUp{Email: email, Name: name, Password: words}, access.Device{Source: "192.0.2.1"})
	o.ok(err, "SignUp")
	o.people = append(o.people, u.ID)
	secret = o.logsIn(email, words)
	o.ok(o.logins.Prove(o.ctx, o.at(secret, "").Actor(), o.link(u.Email, token.Proof)), "Prove")
	return secret
}

// logsIn opens a session and returns its secret.
func (o *office) logsIn(email, given string) string {
	o.Helper()
	secret, _, err := o.logins.LogIn(o.ctx, access.LogIn{Email: email, Password: given}, access.Device{UserAgent: "browser", Source: "192.0.2.1"})
	o.ok(err, "LogIn")
	return secret.Reveal()
}

// at is who holds a session, at an account.
func (o *office) at(secret string, account accounts.AccountID) access.Principal {
	o.Helper()
	p, err := o.sessions.Principal(o.ctx, secret, account)
	o.ok(err, "Principal")
	return p
}

func storyMember(e *env) {
	o := newOffice(e)

	// Ann signs up, opens an account, and invites Ben, who is nobody yet.
	ann := o.signsUp("Ann@Example.com", "Ann")
	a, err := o.graph.CreateAccount(o.ctx, o.at(ann, "").Actor(), accounts.CreateAccount{Name: "Acme"})
	o.ok(err, "CreateAccount")
	o.places = append(o.places, a.ID)
	i, err := o.invites.Invite(o.ctx, o.at(ann, a.ID).Actor(), invites.Invite{Account: a.ID, Email: "Ben@Example.com", Role: roles.Admin, Message: "Join us!"})
	o.ok(err, "Invite")
	old := o.link("ben@example.com", token.Invitation)
	o.wait(time.Hour) // as long as sending it again has to wait, and a session lasts without use
	_, err = o.sessions.Principal(o.ctx, ann, a.ID)
	o.is(err, access.ErrNoSession, "a session of an hour ago")
	ann = o.logsIn("ann@example.com", words)
	_, err = o.invites.Resend(o.ctx, o.at(ann, a.ID).Actor(), invites.Resend{Account: a.ID, Invitation: i.ID})
	o.ok(err, "Resend")
	link := o.link("ben@example.com", token.Invitation)
	_, err = o.invites.Peek(o.ctx, old)
	o.is(err, accounts.ErrNotFound, "the older of two links")
	v, err := o.invites.Peek(o.ctx, link)
	o.ok(err, "Peek")
	o.holds(v.AccountName == "Acme" && v.Inviter == "Ann" && v.Role == roles.Admin && v.Message == "Join us!", "the page of the link shows %s", text(v))

	// He joins with a new login, and logs in with it.
	j, err := o.invites.AcceptNew(o.ctx, invites.NewLogin{Link: link, Name: "Ben", Password: others})
	o.ok(err, "AcceptNew")
	o.people = append(o.people, j.Login.User)
	opened, _, err := o.sessions.Start(o.ctx, j.Login, access.Device{})
	o.ok(err, "Start")
	o.holds(o.at(opened.Reveal(), a.ID).Role() == roles.Admin, "ben is %s", o.at(opened.Reveal(), a.ID).Role())
	_, _, err = o.logins.LogIn(o.ctx, access.LogIn{Email: "ben@example.com", Password: words}, access.Device{})
	o.is(err, access.ErrCredentials, "another password than ben's")
	ben := o.logsIn("BEN@example.com", others)

	// Cas has a login, and accepts what ben sent without a link.
	cas := o.signsUp("cas@example.com", "Cas")
	_, err = o.invites.Invite(o.ctx, o.at(ben, a.ID).Actor(), invites.Invite{Account: a.ID, Email: "cas@example.com", Role: roles.Viewer})
	o.ok(err, "Invite")
	mine, err := o.invites.Mine(o.ctx, o.at(cas, "").Actor())
	o.ok(err, "Mine")
	o.holds(len(mine) == 1, "cas sees %s", text(mine))
	_, err = o.invites.Accept(o.ctx, o.at(ben, "").Actor(), invites.Answer{Account: mine[0].Account, Invitation: mine[0].ID})
	o.is(err, accounts.ErrNotFound, "ben accepts what is for cas")
	m, err := o.invites.Accept(o.ctx, o.at(cas, "").Actor(), invites.Answer{Account: mine[0].Account, Invitation: mine[0].ID})
	o.ok(err, "Accept")
	o.same(m, o.member(m.User, a.ID), "the membership that an acceptance returned")
	choices, err := o.sessions.Chooser(o.ctx, o.at(cas, "").Actor(), access.ChoicePage{})
	o.ok(err, "Chooser")
	o.holds(len(choices) == 1 && choices[0].Account == a.ID && choices[0].Effective == roles.Viewer, "cas chooses from %s", text(choices))
	list, err := o.invites.List(o.ctx, o.at(ann, a.ID).Actor(), a.ID, invites.Page{})
	o.ok(err, "List")
	o.holds(len(list) == 2 && list[0].State == invites.Accepted && list[0].Inviter == "Ben" && list[1].State == invites.Accepted, "the list is %s", text(list))

	// Ann forgot her password, gives the account to ben, and is erased.
	o.ok(o.logins.AskReset(o.ctx, "ann@example.com", access.Device{}), "AskReset")
	_, err = o.logins.ResetPassword(o.ctx, o.link("ann@example.com", token.Reset), others)
	o.ok(err, "ResetPassword")
	_, err = o.sessions.Principal(o.ctx, ann, "")
	o.is(err, access.ErrNoSession, "a session from before the password was set")
	ann = o.logsIn("ann@example.com", others)
	o.is(o.graph.EraseUser(o.ctx, o.at(ann, "").Actor(), o.people[0]), accounts.ErrLastOwner, "the erasure of the only owner")
	o.ok(o.graph.TransferOwnership(o.ctx, o.at(ann, a.ID).Actor(), a.ID, j.Login.User), "TransferOwnership")
	o.ok(o.graph.EraseUser(o.ctx, o.at(ann, "").Actor(), o.people[0]), "EraseUser")
	_, err = o.sessions.Principal(o.ctx, ann, "")
	o.is(err, access.ErrNoSession, "the session of somebody who was erased")
	o.ok(o.graph.Leave(o.ctx, o.at(cas, a.ID).Actor(), a.ID), "Leave")
	_, err = o.sessions.Principal(o.ctx, cas, a.ID)
	o.is(err, accounts.ErrNotFound, "cas at the account that they left")
	o.holds(o.at(ben, a.ID).Role() == roles.Owner, "ben is %s", o.at(ben, a.ID).Role())
	o.sound()
}
