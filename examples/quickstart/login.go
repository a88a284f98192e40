package main

import (
	"context"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The people and accounts of the story, under ids of the host's choice.
const (
	shop   accounts.AccountID = "tansy"  // a bookshop
	prints accounts.AccountID = "prints" // Ravi's own business, an agency

	hanna accounts.UserID = "hanna" // owns the bookshop
	ravi  accounts.UserID = "ravi"  // joins with the login that he has
	lucy  accounts.UserID = "lucy"  // joins with a new one

	hannasMail = "hanna@tansy.example"
	ravisMail  = "ravi@prints.example"
	lucysMail  = "lucy@reads.example"

	hannasWords = "six wandering llamas eat"
	ravisWords  = "seven purple mountain goats"
	lucysWords  = "eight yellow submarine cats"
	bensWords   = "nine grey elephants dancing"
)

// Where people log in. The library shows it in the list of sessions, and counts
// wrong passwords by network.
var (
	laptop = access.Device{UserAgent: "Firefox on a laptop", Source: "198.51.100.7"}
	phone  = access.Device{UserAgent: "Safari on a phone", Source: "203.0.113.20"}
	till   = access.Device{UserAgent: "Chrome on the till", Source: "192.0.2.44"}
)

// team is who is signed in during the story.
type team struct {
	*host
	hanna, ravi, lucy string // the secrets of their sessions, as cookies hold them
}

// loginStory tells how people come to an account, and go, each with one login.
func loginStory(ctx context.Context, h *host) error {
	h.title("Many accounts, one login")
	t := &team{host: h}
	for _, chapter := range []func(context.Context) error{
		t.signUp, t.plan, t.invite, t.existingLogin, t.newLogin, t.chooser,
		t.cameToNothing, t.reset, t.signedIn, t.handOver, t.leave,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(h.w, "\nEverything went as told.")
	return nil
}

func (t *team) signUp(ctx context.Context) error {
	t.chapter("Signing up")
	const obvious = "tansyhannatansy"
	in := access.SignUp{ID: hanna, Email: hannasMail, Name: "Hanna Berg", Password: obvious}
	_, err := t.logins.SignUp(ctx, in, laptop)
	if err := t.refused(err, accounts.ErrInvalid, fmt.Sprintf("Hanna Berg signs up with the password %q", obvious)); err != nil {
		return err
	}
	in.Password = hannasWords
	if _, err := t.logins.SignUp(ctx, in, laptop); err != nil {
		return err
	}
	t.say("She takes four words instead. Her address counts as unproven for now.")
	if err := t.told(ctx, "She", hannasMail); err != nil {
		return err
	}
	_, err = t.logIn(ctx, hannasMail, "four words forgotten", laptop)
	if err := t.refused(err, access.ErrCredentials, "Hanna logs in with a wrong password"); err != nil {
		return err
	}
	_, err = t.logIn(ctx, "nobody@tansy.example", "four words forgotten", laptop)
	if err := t.refused(err, access.ErrCredentials, "Somebody logs in with an address that nobody has"); err != nil {
		return err
	}
	if t.hanna, err = t.logIn(ctx, hannasMail, hannasWords, laptop); err != nil {
		return err
	}
	if err := t.prove(ctx, t.hanna, hannasMail); err != nil {
		return err
	}
	t.say("Hanna logs in and opens the link of the mail: the address is proven.")
	again, err := t.logins.SignUp(ctx, access.SignUp{Email: hannasMail, Password: ravisWords}, phone)
	if err != nil {
		return err
	}
	if err := same("the user of a repeated sign-up", again.ID, ""); err != nil {
		return err
	}
	t.say("Somebody else signs up with her address. The page says what it said to her, and nothing changes.")
	return t.told(ctx, "Hanna", hannasMail)
}

func (t *team) plan(ctx context.Context) error {
	t.chapter("An account, and what its plan offers")
	t.say("Letterbird has four plans. Each has its seats, and roles that can be given:")
	t.sayPlans()
	asHanna, err := t.visit(ctx, t.hanna, "")
	if err != nil {
		return err
	}
	if _, err := t.accounts.CreateAccount(ctx, asHanna, accounts.CreateAccount{ID: shop, Name: "Tansy Books", Plan: "essentials"}); err != nil {
		return err
	}
	t.say(`Hanna opens Tansy Books, on the plan "essentials", and owns it.`)
	_, err = t.accounts.CreateAccount(ctx, asHanna, accounts.CreateAccount{Name: "Tansy Tea Room", Plan: "free"})
	return t.refused(err, accounts.ErrInvalid, "She opens Tansy Tea Room beside it")
}

func (t *team) invite(ctx context.Context) error {
	t.chapter("Two invitations")
	asHanna, err := t.visit(ctx, t.hanna, shop)
	if err != nil {
		return err
	}
	toRavi := invites.Invite{Account: shop, Email: ravisMail, Role: roles.Admin}
	if _, err := t.invitations.Invite(ctx, asHanna, toRavi); err != nil {
		return err
	}
	t.say("Hanna invites Ravi as Admin.")
	toLucy := invites.Invite{
		Account: shop, Email: lucysMail, Role: roles.Author,
		Message: "Dear Lucy,\nthe newsletter is yours if you still want it.",
	}
	_, err = t.invitations.Invite(ctx, asHanna, toLucy)
	if err := t.refused(err, accounts.ErrInvalid, "Hanna invites Lucy as Author"); err != nil {
		return err
	}
	standard := "standard"
	billing := accounts.System("billing")
	if err := t.accounts.UpdateAccount(ctx, billing, accounts.UpdateAccount{ID: shop, Plan: &standard}); err != nil {
		return err
	}
	t.say(`Hanna pays for "standard", and the product's billing says so.`)
	if _, err := t.invitations.Invite(ctx, asHanna, toLucy); err != nil {
		return err
	}
	t.say("Hanna invites Lucy as Author. Each invitation holds a seat until it is answered.")
	_, err = t.invitations.Invite(ctx, asHanna, toLucy)
	if err := t.refused(err, accounts.ErrTaken, "Hanna invites Lucy once more"); err != nil {
		return err
	}
	if _, err := t.deliver(ctx); err != nil {
		return err
	}
	m, _ := t.mailbox.Last(lucysMail)
	t.say("This is what Lucy gets:")
	t.letter(m)
	return nil
}

// logIn returns what the cookie of somebody holds who logs in.
func (t *team) logIn(ctx context.Context, email, words string, from access.Device) (string, error) {
	secret, _, err := t.logins.LogIn(ctx, access.LogIn{Email: email, Password: words}, from)
	return secret.Reveal(), err
}

// newcomer signs somebody up who then logs in and proves the address, and
// returns what their cookie holds.
func (t *team) newcomer(ctx context.Context, in access.SignUp) (string, error) {
	if _, err := t.logins.SignUp(ctx, in, phone); err != nil {
		return "", err
	}
	if _, err := t.deliver(ctx); err != nil {
		return "", err
	}
	secret, err := t.logIn(ctx, in.Email, in.Password, phone)
	if err != nil {
		return "", err
	}
	return secret, t.prove(ctx, secret, in.Email)
}

// prove opens the link that was mailed to somebody who signed up, signed in.
func (t *team) prove(ctx context.Context, secret, address string) error {
	link, err := t.link(address, proofPage)
	if err != nil {
		return err
	}
	self, err := t.visit(ctx, secret, "")
	if err != nil {
		return err
	}
	return t.logins.Prove(ctx, self, link)
}

// told delivers the mail and tells the subject of what somebody got.
func (t *team) told(ctx context.Context, who, address string) error {
	before := len(t.mailbox.To(address))
	if _, err := t.deliver(ctx); err != nil {
		return err
	}
	got := t.mailbox.To(address)
	if len(got) != before+1 {
		return fmt.Errorf("%s got %d mails, and not one as told", who, len(got)-before)
	}
	t.say("%s gets a mail: %q", who, got[before].Subject)
	return nil
}
