package invites_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// What a program makes at start-up. The service of logins and that of
// invitations share one hasher, and so one bound on the memory that hashing
// takes.
func Example_wiring() {
	store := memory.New() // or storage/sqlite
	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://app.letterbird.example"})
	check(err)

	options := &invites.Options{Hasher: hasher(), Passwords: policy()}
	invitations, err := invites.New(store, env, options)
	check(err)
	logins, err := access.NewLogins(store, env, &access.LoginOptions{Hasher: options.Hasher, Passwords: options.Passwords})
	check(err)

	fmt.Println(invitations != nil, logins != nil)
	// Output: true true
}

// Ann of the bakery invites Ben by his address, and Ben gets a mail.
func Example_invite() {
	h := newHost()
	sent, err := h.invitations.Invite(h.ctx, h.signIn("ann", "bakery"), invites.Invite{
		Account: "bakery", Email: "Ben@Example.com", Role: roles.Author, Message: "Join us!",
	})
	check(err)
	fmt.Println(sent.Email, "as", sent.Role, "until", sent.ExpiresAt.Format("2 January"))

	m := h.letter("ben@example.com")
	fmt.Println(m.Subject)
	// Output:
	// ben@example.com as author until 9 March
	// You are invited to join Bakery on Letterbird
}

// The page of the link shows what it leads to. Opening it changes nothing, so
// that a mail scanner that opens it first does no harm.
func Example_page() {
	h := newHost()
	link := h.invite("ben@example.com", roles.Author)

	view, err := h.invitations.Peek(h.ctx, link)
	check(err)
	fmt.Printf("%s invites %s to %s as %s\n", view.Inviter, view.Address, view.AccountName, accounts.RoleName(view.Role))

	_, err = h.invitations.Peek(h.ctx, strings.ToLower(link))
	fmt.Println(errors.Is(err, accounts.ErrNotFound))
	// Output:
	// Ann invites ben@example.com to Bakery as Author
	// true
}

// "Use your existing login to join this account": Ben is signed in. Somebody
// else who is signed in is told so, and nothing changes.
func Example_existingLogin() {
	h := newHost()
	link := h.invite("ben@example.com", roles.Author)

	_, err := h.invitations.Accept(h.ctx, h.signIn("eve", ""), invites.Answer{Link: link})
	fmt.Println(errors.Is(err, invites.ErrOtherAddress))

	member, err := h.invitations.Accept(h.ctx, h.signIn("ben", ""), invites.Answer{Link: link})
	check(err)
	fmt.Println(member.User, "is", member.Role, "of", member.Account)
	// Output:
	// true
	// ben is author of bakery
}

// A new login: user, password, proven address and membership come together.
// The answer is what opens a session.
func Example_newLogin() {
	h := newHost()
	link := h.invite("new@example.com", roles.Viewer)

	joined, err := h.invitations.AcceptNew(h.ctx, invites.NewLogin{Link: link, Name: "Nell", Password: "seven purple mountain goats"})
	check(err)
	secret, _, err := h.sessions.Start(h.ctx, joined.Login, access.Device{})
	check(err)
	p, err := h.sessions.Principal(h.ctx, secret.Reveal(), "bakery")
	check(err)
	fmt.Println(p.UserName, "is signed in as", p.Role(), "of", p.AccountName)

	_, err = h.invitations.AcceptNew(h.ctx, invites.NewLogin{Link: link, Password: "eight yellow submarine cats"})
	fmt.Println("again:", err)
	// Output:
	// Nell is signed in as viewer of Bakery
	// again: chatelaine: not found
}

// A host that keeps its own users gives AcceptNew the id of its own row, and
// makes both in one transaction: they become durable together, or not at all.
func Example_ownUsers() {
	h := newHost()
	link := h.invite("new@example.com", roles.Viewer)

	tx := h.store.Begin() // a host with SQL joins its own transaction here
	_, err := h.invitations.With(tx.Store()).AcceptNew(h.ctx, invites.NewLogin{Link: link, ID: "42", Name: "Nell", Kept: true})
	check(err)
	// insert into users (id, name) values (42, 'Nell')
	check(tx.Commit())

	login := accounts.Login{User: "42", Method: "host"}
	_, session, err := h.sessions.Start(h.ctx, login, access.Device{})
	check(err)
	fmt.Println(session.User)
	// Output: 42
}

// A week passes, and nobody came. Resending gives the same invitation a new
// link and another week; the old link stays dead.
func Example_resend() {
	h := newHost()
	old := h.invite("ben@example.com", roles.Author)
	h.clock.Add(7 * 24 * time.Hour)

	ann := h.signIn("ann", "bakery")
	list, err := h.invitations.List(h.ctx, ann, "bakery", invites.Page{})
	check(err)
	fmt.Println(list[0].Address, "is", list[0].State)

	_, err = h.invitations.Resend(h.ctx, ann, invites.Resend{Account: "bakery", Invitation: list[0].ID})
	check(err)
	_, err = h.invitations.Peek(h.ctx, old)
	fmt.Println("the old link:", err)
	_, err = h.invitations.Peek(h.ctx, h.link("ben@example.com"))
	fmt.Println("the new link:", err)
	// Output:
	// ben@example.com is expired
	// the old link: chatelaine: not found
	// the new link: <nil>
}

// Who is signed in with a proven address sees what is pending for it, and
// answers without a link.
func Example_mine() {
	h := newHost()
	h.invite("ben@example.com", roles.Author)

	ben := h.signIn("ben", "")
	mine, err := h.invitations.Mine(h.ctx, ben)
	check(err)
	for _, v := range mine {
		fmt.Println(v.AccountName, "-", v.Role)
		check(h.invitations.Decline(h.ctx, ben, invites.Answer{Account: v.Account, Invitation: v.ID}))
	}
	fmt.Println(h.letter("ann@example.com").Subject)
	// Output:
	// Bakery - author
	// Your invitation to Bakery was declined
}

// host is a program on a store in memory: ann owns the account bakery, ben and
// eve are users of the product.
type host struct {
	ctx         context.Context //nolint:containedctx // it is as short-lived as the example
	clock       *clock.Mock
	store       *memory.Store
	invitations *invites.Service
	sessions    *access.Sessions
	post        *mail.Dispatcher
	inbox       *mailtest.Recorder
}

func newHost() *host {
	h := &host{ctx: context.Background(), clock: clock.NewMock(), store: memory.New(), inbox: &mailtest.Recorder{}}
	h.clock.Set(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://app.example", Clock: h.clock, Templates: templates()})
	check(err)
	graph, err := accounts.New(h.store, env)
	check(err)
	h.invitations, err = invites.New(h.store, env, &invites.Options{Hasher: hasher(), Passwords: policy()})
	check(err)
	h.sessions, err = access.NewSessions(h.store, env)
	check(err)
	h.post, err = mail.NewDispatcher(h.store, h.inbox, env.DispatcherOptions(mail.Email))
	check(err)
	for _, u := range []accounts.PutUser{
		{ID: "ann", Name: "Ann", Email: "ann@example.com", Proven: true},
		{ID: "ben", Name: "Ben", Email: "ben@example.com", Proven: true},
		{ID: "eve", Name: "Eve", Email: "eve@example.com", Proven: true},
	} {
		_, err := graph.PutUser(h.ctx, job, u)
		check(err)
	}
	_, err = graph.CreateAccount(h.ctx, job, accounts.CreateAccount{ID: "bakery", Name: "Bakery", Owner: "ann"})
	check(err)
	return h
}

func (h *host) signIn(user accounts.UserID, account accounts.AccountID) accounts.Actor {
	secret, _, err := h.sessions.Start(h.ctx, accounts.Login{User: user}, access.Device{})
	check(err)
	p, err := h.sessions.Principal(h.ctx, secret.Reveal(), account)
	check(err)
	return p.Actor()
}

// invite has ann invite somebody and returns the secret of the link.
func (h *host) invite(email string, role roles.Role) string {
	_, err := h.invitations.Invite(h.ctx, h.signIn("ann", "bakery"), invites.Invite{Account: "bakery", Email: email, Role: role})
	check(err)
	return h.link(email)
}

func (h *host) letter(to string) mail.Message {
	_, err := h.post.Flush(h.ctx)
	check(err)
	m, _ := h.inbox.Last(to)
	return m
}

func (h *host) link(to string) string {
	url, _ := mailtest.Link(h.letter(to), linkTop)
	return strings.TrimPrefix(url, linkTop)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
