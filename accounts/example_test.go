package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// A host has users already. A job puts each of them, under the host's own id,
// as often as it likes.
func Example_existingUsers() {
	ctx, graph := context.Background(), newShop(nil).graph
	job := accounts.System("sync")
	nora := accounts.PutUser{ID: "42", Name: "Nora", Email: "Nora@studio.example", Proven: true}

	first := got(graph.PutUser(ctx, job, nora))
	again := got(graph.PutUser(ctx, job, nora)) // the same again changes nothing
	fmt.Println(first.ID, first.Email, "unchanged:", again == first)

	_, err := graph.PutUser(ctx, job, accounts.PutUser{ID: "43", Email: "nora@studio.example"})
	if taken, ok := errors.AsType[*accounts.TakenError](err); ok {
		fmt.Println("43 is refused:", taken.Field, "belongs to somebody else")
	}
	// Output:
	// 42 nora@studio.example unchanged: true
	// 43 is refused: email belongs to somebody else
}

// The host hears of everything that happened, at least once. A server runs the
// feed in a goroutine; a job flushes it.
func Example_feed() {
	ctx, s := context.Background(), newShop(nil)
	feed := got(accounts.NewFeed(s.store, s.env, func(_ context.Context, e accounts.Event) error {
		fmt.Println(e.At.Format("15:04"), e.Kind)
		return nil // an error: offered again later
	}, nil))

	s.owner("carla", "bakery")
	s.clock.Add(30 * time.Minute)
	verify(s.graph.SuspendAccount(ctx, accounts.Operator("kim", "ticket 7"), "bakery"))

	fmt.Println(got(feed.Flush(ctx)), "events") // a server: go feed.Run(ctx)
	// Output:
	// 09:00 user.created
	// 09:00 account.created
	// 09:30 account.suspended
	// 3 events
}

// Support staff act as operators, with a reason that goes into the audit.
func Example_support() {
	ctx, s := context.Background(), newShop(nil)
	s.connect("nora", "northlight", "carla", "bakery")
	kim := accounts.Operator("kim", "ticket 7")

	user := got(s.graph.FindUser(ctx, kim, "carla@shop.example"))
	verify(s.graph.SuspendUser(ctx, kim, user.ID))
	_, err := s.sessions.ForUser(ctx, accounts.Login{User: user.ID, At: s.env.Now()}, "bakery")
	fmt.Println(user.Name, "is out:", err)

	got(s.post.Flush(ctx)) // the mail server of this example refuses everything
	desk := got(accounts.NewDesk(s.store, s.env))
	for _, m := range got(desk.Mails(ctx, kim, mail.Query{State: mail.Dead})) {
		fmt.Println("dead:", m.Kind, "-", m.Error)
		verify(desk.Requeue(ctx, kim, m.ID))
	}
	// Output:
	// Carla is out: chatelaine: not signed in
	// dead: access-approved - mailbox full
}

// Why can Nora see the bakery? Every route is told, with what limits it.
func Example_explain() {
	ctx, s := context.Background(), newShop(nil)
	s.connect("nora", "northlight", "carla", "bakery")
	s.owner("otto", "florist")

	for _, e := range got(s.graph.Explain(ctx, accounts.Operator("kim", "ticket 7"),
		accounts.StandingKey{User: "nora", Account: "bakery"},
		accounts.StandingKey{User: "otto", Account: "bakery"},
	)) {
		fmt.Println(e)
	}
	// Output:
	// Nora can reach Bakery as author
	//   directly: no, never was a member
	//   through Northlight: author, the smaller of the cap author and the assignment author
	// Otto cannot reach Bakery
	//   directly: no, never was a member
}

// A key makes a call that is sent twice happen once.
func Example_once() {
	ctx, graph := context.Background(), newShop(nil).graph
	job := accounts.System("signup")
	got(graph.PutUser(ctx, job, accounts.PutUser{ID: "42", Name: "Nora"}))

	in := accounts.CreateAccount{Name: "Studio", Owner: "42", Key: "form-7"}
	first := got(graph.CreateAccount(ctx, job, in))
	second := got(graph.CreateAccount(ctx, job, in)) // the answer was lost; the client asks again
	fmt.Println("one account:", first.ID == second.ID)

	in.Name = "Another Studio"
	_, err := graph.CreateAccount(ctx, job, in)
	fmt.Println("other input:", errors.Is(err, accounts.ErrKeyReused))
	// Output:
	// one account: true
	// other input: true
}

// plans is a policy with one rule of its own: who is on the free plan has
// owners and viewers.
type plans struct{ accounts.DefaultPolicy }

func (plans) MayHold(account accounts.Account, role roles.Role) error {
	if account.Plan == "free" && role != roles.Viewer {
		return errors.New("upgrade to Premium to work together")
	}
	return nil
}

// A host's rules on plans are a policy: embed the default and change one rule.
func Example_policy() {
	ctx, graph := context.Background(), newShop(plans{}).graph
	job := accounts.System("sync")
	got(graph.PutUser(ctx, job, accounts.PutUser{ID: "carla", Name: "Carla"}))
	got(graph.PutUser(ctx, job, accounts.PutUser{ID: "otto", Name: "Otto"}))
	got(graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: "bakery", Name: "Bakery", Plan: "free", Owner: "carla"}))

	fmt.Println("author:", graph.AddMember(ctx, job, "bakery", "otto", roles.Author))
	premium := "premium"
	verify(graph.UpdateAccount(ctx, job, accounts.UpdateAccount{ID: "bakery", Plan: &premium}))
	fmt.Println("author:", graph.AddMember(ctx, job, "bakery", "otto", roles.Author))
	// Output:
	// author: upgrade to Premium to work together
	// author: <nil>
}

// shop is the program of the examples, with a clock that stands still and a
// mail server that refuses everything.
type shop struct {
	clock    *clock.Mock
	store    *memory.Store
	env      *accounts.Env
	graph    *accounts.Service
	requests *access.Requests
	sessions *access.Sessions
	post     *mail.Dispatcher
}

func newShop(p accounts.Policy) *shop {
	s := &shop{clock: clock.NewMock(), store: memory.New()}
	s.clock.Set(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	s.env = got(accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", Clock: s.clock, Policy: p}))
	s.graph = got(accounts.New(s.store, s.env))
	s.requests, s.sessions = got(access.NewRequests(s.store, s.env)), got(access.NewSessions(s.store, s.env))
	full := &mailtest.Recorder{}
	full.FailWith(func(mail.Message) error { return mail.Permanent(errors.New("mailbox full")) })
	s.post = got(mail.NewDispatcher(s.store, full, s.env.DispatcherOptions(mail.Email)))
	return s
}

// owner makes a user with an account.
func (s *shop) owner(user accounts.UserID, account accounts.AccountID) {
	ctx, job := context.Background(), accounts.System("example")
	name := map[string]string{"nora": "Nora", "carla": "Carla", "otto": "Otto"}[string(user)]
	got(s.graph.PutUser(ctx, job, accounts.PutUser{ID: user, Name: name, Email: string(user) + "@shop.example", Proven: true}))
	title := map[string]string{"northlight": "Northlight", "bakery": "Bakery", "florist": "Florist"}[string(account)]
	got(s.graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: account, Name: title, Owner: user}))
}

// connect makes two owners with their accounts, and lets the agency's into the
// client's account as Author at most.
func (s *shop) connect(agent accounts.UserID, agency accounts.AccountID, owner accounts.UserID, client accounts.AccountID) {
	ctx := context.Background()
	s.owner(agent, agency)
	s.owner(owner, client)
	s.clock.Add(time.Second) // they log in after they were made
	as := func(user accounts.UserID, account accounts.AccountID) accounts.Actor {
		return got(s.sessions.ForUser(ctx, accounts.Login{User: user, At: s.env.Now()}, account)).Actor()
	}
	verify(s.graph.JoinProgramme(ctx, as(agent, agency), agency))
	verify(s.graph.EnableClientAccess(ctx, as(agent, agency), agency))
	sent := got(s.requests.Send(ctx, as(agent, agency), access.Batch{Agency: agency, Addresses: string(owner) + "@shop.example"}))
	got(s.requests.Approve(ctx, as(owner, client), access.Decision{Agency: agency, Request: sent.Answers[0].Request, Account: client}, roles.Author))
}

func got[T any](v T, err error) T {
	verify(err)
	return v
}

func verify(err error) {
	if err != nil {
		panic(err)
	}
}
