package main

import (
	"context"
	"errors"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// How people join an account, and find their way among those that they have.

func (t *team) existingLogin(ctx context.Context) error {
	t.chapter("Joining with the login that one has")
	if err := t.ravisLife(ctx); err != nil {
		return err
	}
	t.say("Ravi Patel has a login already. He owns Patel Prints, an agency that works for Calla Bakery.")
	if err := t.confirmIdentity(ctx); err != nil {
		return err
	}
	t.say("He has turned identity confirmation on: to join an account he needs a code from his phone.")
	link, err := t.link(ravisMail, invitationPage)
	if err != nil {
		return err
	}
	asHanna, err := t.visit(ctx, t.hanna, "")
	if err != nil {
		return err
	}
	_, err = t.invitations.Accept(ctx, asHanna, invites.Answer{Link: link})
	if err := t.refused(err, invites.ErrOtherAddress, "He accepts in a browser where Hanna is signed in"); err != nil {
		return err
	}
	_, err = t.invitations.AcceptNew(ctx, invites.NewLogin{Link: link, Name: "Ravi", Password: hannasWords})
	if err := t.refused(err, invites.ErrHasLogin, "Somebody who saw the link accepts with a new password for Ravi"); err != nil {
		return err
	}
	asRavi, err := t.visit(ctx, t.ravi, "")
	if err != nil {
		return err
	}
	_, err = t.invitations.Accept(ctx, asRavi, invites.Answer{Link: link})
	if err := t.refused(err, accounts.ErrStepUp, "Ravi, signed in as himself, accepts"); err != nil {
		return err
	}
	if err := t.enterCode(ctx, asRavi, err); err != nil {
		return err
	}
	m, err := t.invitations.Accept(ctx, asRavi, invites.Answer{Link: link})
	if err != nil {
		return err
	}
	t.say("He accepts again, and is %s of Tansy Books.", accounts.RoleName(m.Role))
	if err := t.told(ctx, "Hanna", hannasMail); err != nil {
		return err
	}
	again, err := t.invitations.Accept(ctx, asRavi, invites.Answer{Link: link})
	if err != nil {
		return err
	}
	t.say("He presses the button once more: the same answer, and nothing changes.")
	return same("the membership", again.Version, m.Version)
}

// ravisLife makes what Ravi had before: a login, an agency, and a client.
func (t *team) ravisLife(ctx context.Context) error {
	var err error
	if t.ravi, err = t.newcomer(ctx, access.SignUp{ID: ravi, Email: ravisMail, Name: "Ravi Patel", Password: ravisWords}); err != nil {
		return err
	}
	asRavi, err := t.visit(ctx, t.ravi, "")
	if err != nil {
		return err
	}
	if _, err := t.accounts.CreateAccount(ctx, asRavi, accounts.CreateAccount{
		ID: prints, Name: "Patel Prints", Kind: accounts.KindAgency, Plan: "premium",
	}); err != nil {
		return err
	}
	if asRavi, err = t.visit(ctx, t.ravi, prints); err != nil {
		return err
	}
	if err := t.accounts.JoinProgramme(ctx, asRavi, prints); err != nil {
		return err
	}
	if err := t.accounts.EnableClientAccess(ctx, asRavi, prints); err != nil {
		return err
	}
	return t.connect(ctx, asRavi)
}

// connect lets Ravi's agency into the bakery: he asks, and Carla, whose login
// the host keeps, approves.
func (t *team) connect(ctx context.Context, asRavi accounts.Actor) error {
	job := accounts.System("quickstart")
	const carlasMail = "carla@bakery.example"
	if _, err := t.accounts.PutUser(ctx, job, accounts.PutUser{ID: carla, Name: "Carla Rossi", Email: carlasMail, Proven: true}); err != nil {
		return err
	}
	if _, err := t.accounts.CreateAccount(ctx, job, accounts.CreateAccount{ID: bakery, Name: "Calla Bakery", Plan: "free", Owner: carla}); err != nil {
		return err
	}
	if _, err := t.requests.Send(ctx, asRavi, access.Batch{Agency: prints, Addresses: carlasMail}); err != nil {
		return err
	}
	if _, err := t.deliver(ctx); err != nil {
		return err
	}
	link, err := t.link(carlasMail, requestPage)
	if err != nil {
		return err
	}
	secret, _, err := t.sessions.Start(ctx, accounts.Login{User: carla, Method: "host"}, laptop)
	if err != nil {
		return err
	}
	asCarla, err := t.visit(ctx, secret.Reveal(), bakery)
	if err != nil {
		return err
	}
	_, err = t.requests.Approve(ctx, asCarla, access.Decision{Link: link, Account: bakery}, roles.Manager)
	return err
}

// confirmIdentity turns identity confirmation on for Ravi, by a code that goes
// to his phone.
func (t *team) confirmIdentity(ctx context.Context) error {
	asRavi, err := t.visit(ctx, t.ravi, "")
	if err != nil {
		return err
	}
	page, err := t.codes.TurnOn(ctx, asRavi, "+44 7700 900123")
	if err != nil {
		return err
	}
	code, err := t.code(ctx)
	if err != nil {
		return err
	}
	return t.codes.Answer(ctx, asRavi, access.Ask{Action: access.EventConfirmationOn}, page.Reveal(), code.Data.Code)
}

// enterCode does what a refusal asks for: a code is sent, mistyped, and typed.
func (t *team) enterCode(ctx context.Context, asRavi accounts.Actor, refusal error) error {
	var need *accounts.CodeError
	if !errors.As(refusal, &need) {
		return refusal
	}
	ask := access.Ask{Action: need.Action, Account: need.Account}
	page, err := t.codes.Ask(ctx, asRavi, ask)
	if err != nil {
		return err
	}
	code, err := t.code(ctx)
	if err != nil {
		return err
	}
	digits := code.Data.Code
	t.say("Six digits go to his phone, %s, good until %s.", code.To, code.Data.ExpiresAt.Format("15:04 UTC"))
	mistyped := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, digits)
	err = t.codes.Answer(ctx, asRavi, ask, page.Reveal(), mistyped)
	if err := t.refused(err, access.ErrCode, "He mistypes them"); err != nil {
		return err
	}
	if err := t.codes.Answer(ctx, asRavi, ask, page.Reveal(), digits); err != nil {
		return err
	}
	t.say("He types them as they are.")
	return nil
}

func (t *team) newLogin(ctx context.Context) error {
	t.chapter("Joining with a new login")
	link, err := t.link(lucysMail, invitationPage)
	if err != nil {
		return err
	}
	view, err := t.invitations.Peek(ctx, link)
	if err != nil {
		return err
	}
	t.say("Lucy opens her link: %s invites her to %s, as %s.", view.Inviter, view.AccountName, accounts.RoleName(view.Role))
	joined, err := t.invitations.AcceptNew(ctx, invites.NewLogin{Link: link, ID: lucy, Name: "Lucy Tan", Password: lucysWords})
	if err != nil {
		return err
	}
	secret, _, err := t.sessions.Start(ctx, joined.Login, phone)
	if err != nil {
		return err
	}
	t.lucy = secret.Reveal()
	t.say("She makes a login with a password. In one step she is %s there and signed in;", accounts.RoleName(joined.Membership.Role))
	t.say("the link was mailed to her address, so it proves the address too.")
	_, err = t.invitations.AcceptNew(ctx, invites.NewLogin{Link: link, Name: "Lou", Password: hannasWords})
	return t.refused(err, accounts.ErrNotFound, "Somebody uses the link once more")
}

func (t *team) chooser(ctx context.Context) error {
	t.chapter("Which account?")
	for _, who := range []struct {
		name, email, words string
		cookie             *string
		accounts           int
	}{
		{"Lucy", lucysMail, lucysWords, &t.lucy, 1},
		{"Ravi", ravisMail, ravisWords, &t.ravi, 3},
	} {
		var err error
		if *who.cookie, err = t.logIn(ctx, who.email, who.words, phone); err != nil {
			return err
		}
		choices, err := t.choices(ctx, *who.cookie)
		if err != nil {
			return err
		}
		if err := same("the accounts of "+who.name, len(choices), who.accounts); err != nil {
			return err
		}
		if len(choices) == 1 {
			if err := t.goTo(ctx, who.cookie, choices[0].Account); err != nil {
				return err
			}
			t.say("%s logs in. There is nothing to ask: she is at %s, as %s.", who.name, choices[0].Name, accounts.RoleName(choices[0].Effective))
			continue
		}
		t.say("%s logs in, and is asked:", who.name)
		for _, c := range choices {
			way := "as a member"
			if c.Kind == accounts.RouteDelegate {
				way = "through " + c.AgencyName
			}
			t.say("  %-13s %-8s %s", c.Name, accounts.RoleName(c.Effective), way)
		}
	}
	if err := t.goTo(ctx, &t.ravi, prints); err != nil {
		return err
	}
	before := t.ravi
	if err := t.goTo(ctx, &t.ravi, shop); err != nil {
		return err
	}
	t.say("He picks Patel Prints, and later goes on to Tansy Books without another login.")
	_, err := t.sessions.Principal(ctx, before, prints)
	if err := t.refused(err, access.ErrNoSession, "Somebody replays the cookie that he had before"); err != nil {
		return err
	}
	secret, p, err := t.sessions.Return(ctx, t.ravi)
	if err != nil {
		return err
	}
	t.ravi = secret.Reveal()
	t.say("He returns to %s in one step.", p.AccountName)
	return nil
}

// choices is what somebody who just logged in can enter.
func (t *team) choices(ctx context.Context, cookie string) ([]access.Choice, error) {
	self, err := t.visit(ctx, cookie, "")
	if err != nil {
		return nil, err
	}
	return t.sessions.Chooser(ctx, self, access.ChoicePage{})
}

// goTo switches a session to an account, and sets the cookie again.
func (t *team) goTo(ctx context.Context, cookie *string, account accounts.AccountID) error {
	secret, _, err := t.sessions.Switch(ctx, *cookie, account)
	*cookie = secret.Reveal()
	return err
}
