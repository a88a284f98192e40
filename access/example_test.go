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
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// What a program makes at start-up: a store, an environment, the services on
// both, and a dispatcher for the mail. The environment tells the dispatcher the
// time, so that links and mail end by one clock.
func Example_wiring() {
	store := memory.New() // or storage/sqlite
	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://app.letterbird.example"})
	check(err)

	graph, err := accounts.New(store, env)
	check(err)
	requests, err := access.NewRequests(store, env)
	check(err)
	sessions, err := access.NewSessions(store, env)
	check(err)
	post, err := mail.NewDispatcher(store, &mailtest.Recorder{}, env.DispatcherOptions(mail.Email)) // your mail server: one method
	check(err)

	fmt.Println(graph != nil, requests != nil, sessions != nil, post != nil)
	// Output: true true true true
}

// Nora of Northlight pastes addresses; every one of them gets an answer.
func Example_request() {
	h := newHost()
	nora := h.signIn("nora", "northlight")

	answer, err := h.requests.Send(h.ctx, nora, access.Batch{
		Agency: "northlight", Addresses: "carla@bakery.example; Carla@Bakery.example, nora@northlight.example, oops",
		Message: "Hello Carla, may we look after your newsletter?", Level: roles.Manager,
	})
	check(err)
	for _, a := range answer.Answers {
		fmt.Println(a.Input, "-", a.Outcome)
	}
	fmt.Println(answer.Left, "more today")
	// Output:
	// carla@bakery.example - sent
	// Carla@Bakery.example - repeated
	// nora@northlight.example - own address
	// oops - invalid
	// 34 more today
}

// Carla follows the link in her mail, signs in, and lets Northlight into the
// account that she picks, as Author at most.
func Example_approval() {
	h := newHost()
	link := h.ask("carla@bakery.example")

	page, err := h.requests.Peek(h.ctx, link) // the page of the link; nothing changes
	check(err)
	fmt.Println(page.AgencyName, "asks for access")

	carla := h.signIn("carla", "bakery")
	_, err = h.requests.Approve(h.ctx, carla, access.Decision{Link: link, Account: "bakery"}, roles.Author)
	check(err)

	nora, err := h.sessions.Principal(h.ctx, h.logIn("nora"), "bakery")
	check(err)
	fmt.Println(nora.UserName, "enters", nora.AccountName, "as", nora.Role(), "through", nora.AgencyName)
	// Output:
	// Northlight asks for access
	// Nora enters Bakery as author through Northlight
}

// A request lives seven days. A resend gives it a new link and seven more; the
// old link is dead.
func Example_sevenDays() {
	h := newHost()
	old := h.ask("carla@bakery.example")
	h.clock.Add(7 * 24 * time.Hour)
	_, err := h.requests.Peek(h.ctx, old)
	fmt.Println("after seven days:", errors.Is(err, accounts.ErrNotFound))

	check(h.requests.Resend(h.ctx, h.signIn("nora", "northlight"), access.Resend{Agency: "northlight", Request: h.request}))
	fresh := h.newest("carla@bakery.example")
	page, err := h.requests.Peek(h.ctx, fresh)
	fmt.Println("resent, until", page.ExpiresAt.Format("2 January"), err)
	_, err = h.requests.Peek(h.ctx, old)
	fmt.Println("the old link:", err)
	// Output:
	// after seven days: true
	// resent, until 16 March <nil>
	// the old link: chatelaine: not found
}

// host is the program of the examples: Nora owns the agency Northlight, Carla
// the account Bakery.
type host struct {
	ctx      context.Context //nolint:containedctx // examples have one
	clock    *clock.Mock
	inbox    *mailtest.Recorder
	post     *mail.Dispatcher
	sessions *access.Sessions
	requests *access.Requests
	request  accounts.RequestID
}

func newHost() *host {
	h := &host{ctx: context.Background(), clock: clock.NewMock(), inbox: &mailtest.Recorder{}}
	h.clock.Set(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	store := memory.New()
	env := get(accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", Clock: h.clock}))
	graph := get(accounts.New(store, env))
	h.requests, h.sessions = get(access.NewRequests(store, env)), get(access.NewSessions(store, env))
	h.post = get(mail.NewDispatcher(store, h.inbox, &mail.DispatcherOptions{Clock: h.clock}))

	job := accounts.System("example")
	get(graph.PutUser(h.ctx, job, accounts.PutUser{ID: "nora", Name: "Nora", Email: "nora@northlight.example", Proven: true}))
	get(graph.PutUser(h.ctx, job, accounts.PutUser{ID: "carla", Name: "Carla", Email: "carla@bakery.example", Proven: true}))
	get(graph.CreateAccount(h.ctx, job, accounts.CreateAccount{ID: "northlight", Name: "Northlight", Kind: accounts.KindAgency, Owner: "nora"}))
	get(graph.CreateAccount(h.ctx, job, accounts.CreateAccount{ID: "bakery", Name: "Bakery", Owner: "carla"}))
	nora := h.signIn("nora", "northlight")
	check(graph.JoinProgramme(h.ctx, nora, "northlight"))
	check(graph.EnableClientAccess(h.ctx, nora, "northlight"))
	return h
}

// logIn returns what the host puts into the user's cookie.
func (h *host) logIn(user accounts.UserID) string {
	secret, _, err := h.sessions.Start(h.ctx, accounts.Login{User: user}, access.Device{})
	check(err)
	return secret.Reveal()
}

func (h *host) signIn(user accounts.UserID, account accounts.AccountID) accounts.Actor {
	return get(h.sessions.Principal(h.ctx, h.logIn(user), account)).Actor()
}

// ask sends a request and returns the link's secret from the mail.
func (h *host) ask(address string) string {
	answer := get(h.requests.Send(h.ctx, h.signIn("nora", "northlight"), access.Batch{Agency: "northlight", Addresses: address}))
	h.request = answer.Answers[0].Request
	return h.newest(address)
}

func (h *host) newest(address string) string {
	get(h.post.Flush(h.ctx))
	m, _ := h.inbox.Last(address)
	const page = "http://localhost:8080/access-requests/"
	link, _ := mailtest.Link(m, page)
	return strings.TrimPrefix(link, page)
}

func get[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
