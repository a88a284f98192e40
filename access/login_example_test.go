package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// Olga signs up, logs in, and proves her address with the link in her mail.
func Example_signUp() {
	d := newDesk()
	from := access.Device{UserAgent: "Firefox", Source: "192.0.2.1"} // of the request

	_, err := d.logins.SignUp(d.ctx, access.SignUp{Email: "Olga@example.com", Name: "Olga", Password: "six wandering llamas eat"}, from)
	check(err)
	fmt.Println("Look into your mail.") // in every case, so that nobody learns who has a login

	_, _, err = d.logins.LogIn(d.ctx, access.LogIn{Email: "olga@example.com", Password: "six wandering llamas"}, from)
	fmt.Println(err)
	cookie, session, err := d.logins.LogIn(d.ctx, access.LogIn{Email: "olga@example.com", Password: "six wandering llamas eat"}, from)
	check(err)
	fmt.Println("logged in by", session.Method, "-", cookie) // a secret does not print

	// The page of the link, and each one after it, asks who is signed in.
	olga, err := d.sessions.Principal(d.ctx, cookie.Reveal(), "")
	check(err)
	check(d.logins.Prove(d.ctx, olga.Actor(), d.link("olga@example.com", "/address/prove/")))
	fmt.Println(olga.UserName, "has proven her address")
	// Output:
	// Look into your mail.
	// chatelaine: the address or the password is wrong
	// logged in by password - [redacted]
	// Olga has proven her address
}

// Olga logs in through an issuer as well. Nobody is found by an address, so the
// first time she is asked to log in as she is used to, and then links the two.
func Example_issuer() {
	d := newDesk()
	d.signUp("olga@example.com")
	in := access.HostLogin{ // an ID token that the host has checked
		Identity: accounts.IdentityKey{Issuer: "https://id.example", Subject: "248289761001"},
		Email:    "olga@example.com", Verified: true, // email_verified as it was decoded
		Name: "Olga",
	}
	_, err := d.logins.Arrive(d.ctx, in)
	fmt.Println(errors.Is(err, access.ErrLinkFirst))

	cookie, _, err := d.logins.LogIn(d.ctx, access.LogIn{Email: "olga@example.com", Password: "six wandering llamas eat"}, access.Device{})
	check(err)
	check(d.logins.Link(d.ctx, get(d.sessions.Principal(d.ctx, cookie.Reveal(), "")).Actor(), in))

	login, err := d.logins.Arrive(d.ctx, in)
	check(err)
	_, session, err := d.sessions.Start(d.ctx, login, access.Device{UserAgent: "Safari"})
	check(err)
	fmt.Println("logged in by", session.Method)
	// Output:
	// true
	// logged in by identity
}

// Olga has forgotten her password. The link in her mail sets a new one; all her
// sessions end, and the one that follows is not fresh.
func Example_reset() {
	d := newDesk()
	d.signUp("olga@example.com")
	check(d.logins.AskReset(d.ctx, "olga@example.com", access.Device{}))
	fmt.Println("Look into your mail.") // in every case

	link := d.link("olga@example.com", "/password/reset/")
	_, err := d.logins.ResetPassword(d.ctx, link, "olga")
	fmt.Println(err)
	login, err := d.logins.ResetPassword(d.ctx, link, "seven purple mountain goats")
	check(err)
	_, err = d.logins.ResetPassword(d.ctx, link, "eight yellow submarine cats")
	fmt.Println("again:", err)

	cookie, _, err := d.sessions.Start(d.ctx, login, access.Device{})
	check(err)
	olga := get(d.sessions.Principal(d.ctx, cookie.Reveal(), ""))
	fmt.Println("another address:", d.logins.AskAddress(d.ctx, olga.Actor(), "olga@work.example"))

	// With her password the same session is fresh, and has another secret.
	login, err = d.logins.Verify(d.ctx, access.LogIn{Email: "olga@example.com", Password: "seven purple mountain goats"}, access.Device{})
	check(err)
	cookie, err = d.sessions.Renew(d.ctx, cookie.Reveal(), login)
	check(err)
	olga = get(d.sessions.Principal(d.ctx, cookie.Reveal(), ""))
	fmt.Println("another address:", d.logins.AskAddress(d.ctx, olga.Actor(), "olga@work.example"))
	// Output:
	// Look into your mail.
	// chatelaine: password has fewer than 15 characters
	// again: chatelaine: not found
	// another address: chatelaine: log in again to do this
	// another address: <nil>
}

// desk is the program of these examples: a host that leaves logins to the
// library.
type desk struct {
	ctx      context.Context //nolint:containedctx // examples have one
	inbox    *mailtest.Recorder
	post     *mail.Dispatcher
	sessions *access.Sessions
	logins   *access.Logins
}

func newDesk() *desk {
	d := &desk{ctx: context.Background(), inbox: &mailtest.Recorder{}}
	at := clock.NewMock()
	at.Set(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	store := memory.New()
	env := get(accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://letterbird.example", Clock: at}))
	d.sessions, d.logins = get(access.NewSessions(store, env)), get(access.NewLogins(store, env, nil))
	d.post = get(mail.NewDispatcher(store, d.inbox, env.DispatcherOptions(mail.Email)))
	return d
}

// signUp makes somebody who has proven their address.
func (d *desk) signUp(email string) {
	get(d.logins.SignUp(d.ctx, access.SignUp{Email: email, Password: "six wandering llamas eat"}, access.Device{}))
	cookie, _, err := d.logins.LogIn(d.ctx, access.LogIn{Email: email, Password: "six wandering llamas eat"}, access.Device{})
	check(err)
	check(d.logins.Prove(d.ctx, get(d.sessions.Principal(d.ctx, cookie.Reveal(), "")).Actor(), d.link(email, "/address/prove/")))
}

// link returns the secret of the newest link of a kind that an address got.
func (d *desk) link(email, page string) string {
	get(d.post.Flush(d.ctx))
	m, _ := d.inbox.Last(email)
	link, _ := mailtest.Link(m, "https://letterbird.example"+page)
	return strings.TrimPrefix(link, "https://letterbird.example"+page)
}
