package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// serviceChecks run the library's own services on the store, at once and from
// many goroutines: what the parts before prove rule by rule has to hold for the
// real operations as well.
func serviceChecks() []check {
	const once = "a request approved twice is two connections or two mails for one decision (A01, A45, I-12)"
	const quotas = "a limit that concurrency gets past is no limit (A79, I-14)"
	const owners = "an account must keep an active owner at every commit (A35, I-01)"
	const ends = "what was ended must be ended for everybody, at once (A55, I-09)"
	requests := []check{
		{"of sixteen approvals of one request one connects", once, serviceApprove},
		{"of an approval and a withdrawal one wins", once, serviceWithdraw},
		{"batches from many goroutines send exactly a day's limit", quotas, serviceQuota},
		{"two owners who demote each other leave one", owners, serviceOwners},
		{"an approval beside disabling connects nobody afterwards", ends, serviceDisable},
		{"of many switches of one session one wins", "each rotation must leave exactly one living secret (A60, I-18)", serviceSwitch},
		{"of many calls with one idempotency key one takes effect", "a repeated call has one effect and one answer (A97, I-27)", serviceOnce},
	}
	return slices.Concat(requests, inviteChecks(), rivalChecks(), ownerChecks(), eraseChecks(), loginServiceChecks(), storyChecks(), clientServiceChecks())
}

// tick is a clock that stands still until it is moved.
type tick struct{ at atomic.Pointer[time.Time] }

// Now returns where the clock stands.
func (c *tick) Now() time.Time { return *c.at.Load() }

// nextDay moves the clock by 24 hours.
func (c *tick) nextDay() { at := c.Now().Add(24 * time.Hour); c.at.Store(&at) }

// house is a program on the store: an agency with an owner and a manager, and
// a client with two owners.
type house struct {
	*env
	st       storage.Storage
	clock    *tick
	rules    *accounts.Env
	graph    *accounts.Service
	requests *access.Requests
	sessions *access.Sessions
}

const (
	theAgency = accounts.AccountID("agency")
	theClient = accounts.AccountID("client")
)

// newHouse wires the services on a store; inhabit fills it.
func newHouse(e *env, st storage.Storage) *house {
	e.Helper()
	return furnish(e, st, accounts.EnvOptions{})
}

// furnish is newHouse with rules of the host's.
func furnish(e *env, st storage.Storage, o accounts.EnvOptions) *house {
	e.Helper()
	h := &house{env: e, st: st, clock: new(tick)}
	at := start
	h.clock.at.Store(&at)
	o.Clock, o.Burst = h.clock, unlimited{}
	var err error
	h.rules, err = accounts.NewEnv(&o)
	e.ok(err, "NewEnv")
	h.graph, err = accounts.New(st, h.rules)
	e.ok(err, "accounts.New")
	h.requests, err = access.NewRequests(st, h.rules)
	e.ok(err, "NewRequests")
	h.sessions, err = access.NewSessions(st, h.rules)
	e.ok(err, "NewSessions")
	return h
}

// unlimited keeps a limiter of bursts out of what is about durable limits.
type unlimited struct{}

// Allow lets everything pass.
func (unlimited) Allow(string) error { return nil }

func (h *house) inhabit() *house {
	h.Helper()
	job := accounts.System("storagetest")
	for _, id := range []accounts.UserID{"boss", "manager", "owner", "partner"} {
		_, err := h.graph.PutUser(h.ctx, job, accounts.PutUser{ID: id, Name: "The " + string(id), Email: string(id) + "@example.com", Proven: true})
		h.ok(err, "PutUser")
	}
	for id, owner := range map[accounts.AccountID]accounts.UserID{theAgency: "boss", theClient: "owner"} {
		_, err := h.graph.CreateAccount(h.ctx, job, accounts.CreateAccount{ID: id, Name: "The " + string(id), Kind: accounts.KindAgency, Owner: owner})
		h.ok(err, "CreateAccount")
	}
	h.ok(h.graph.AddMember(h.ctx, job, theAgency, "manager", roles.Manager), "AddMember")
	h.ok(h.graph.AddMember(h.ctx, job, theClient, "partner", roles.Admin), "AddMember")
	h.ok(h.graph.ChangeRole(h.ctx, h.as("owner", theClient), theClient, "partner", roles.Owner), "ChangeRole")
	h.ok(h.graph.JoinProgramme(h.ctx, h.as("boss", theAgency), theAgency), "JoinProgramme")
	h.ok(h.graph.EnableClientAccess(h.ctx, h.as("boss", theAgency), theAgency), "EnableClientAccess")
	return h
}

// as signs a user in and returns the actor at an account.
func (h *house) as(user accounts.UserID, account accounts.AccountID) accounts.Actor {
	h.Helper()
	p, err := h.sessions.Principal(h.ctx, h.signIn(user), account)
	h.ok(err, "Principal of %s at %s", user, account)
	return p.Actor()
}

func (h *house) signIn(user accounts.UserID) string {
	h.Helper()
	secret, _, err := h.sessions.Start(h.ctx, accounts.Login{User: user, Method: "test"}, access.Device{})
	h.ok(err, "Start")
	return secret.Reveal()
}

// ask sends a request to the client's owner and returns it with its link.
func (h *house) ask() (accounts.RequestID, string) {
	h.Helper()
	sent, err := h.requests.Send(h.ctx, h.as("manager", theAgency), access.Batch{Agency: theAgency, Addresses: "owner@example.com"})
	h.ok(err, "Send")
	h.holds(sent.Sent == 1, "the request was not sent: %+v", sent)
	due, err := h.st.ClaimMail(h.ctx, mail.Claim{Channel: mail.Email, At: h.clock.Now(), Lease: time.Minute, Limit: 100})
	h.ok(err, "ClaimMail")
	for _, d := range due {
		if i := strings.Index(d.Message.Text, "creq_"); i >= 0 {
			return sent.Answers[0].Request, strings.Fields(d.Message.Text[i:])[0]
		}
	}
	h.failf("the request's mail with its link is not in the outbox")
	return "", ""
}

// events counts the client's events of a kind.
func (h *house) events(account accounts.AccountID, kind accounts.EventKind) int {
	h.Helper()
	list, err := h.st.Events(h.ctx, accounts.EventQuery{Account: account, Kinds: []accounts.EventKind{kind}, Limit: 500})
	h.ok(err, "Events")
	return len(list)
}

// only ends the check unless every error is nil or matches one of those named,
// and returns how many are nil.
func (h *house) only(errs []error, allowed ...error) int {
	h.Helper()
	won := 0
next:
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		for _, a := range allowed {
			if errors.Is(err, a) {
				continue next
			}
		}
		h.failf("an unexpected error: %v", err)
	}
	return won
}

func serviceApprove(e *env) {
	h := newHouse(e, e.open()).inhabit()
	_, link := h.ask()
	owner := h.as("owner", theClient)
	errs := together(16, func(int) error {
		_, err := h.requests.Approve(h.ctx, owner, access.Decision{Link: link, Account: theClient}, roles.Manager)
		return err
	})
	h.holds(h.only(errs, accounts.ErrNotFound) == 1, "16 approvals of one request succeeded %d times", h.only(errs, accounts.ErrNotFound))
	h.holds(h.events(theClient, access.EventRequestApproved) == 1, "%d events tell of one approval", h.events(theClient, access.EventRequestApproved))
	list, err := h.st.Connections(h.ctx, accounts.ConnectionQuery{Client: theClient, Limit: 10})
	h.ok(err, "Connections")
	h.holds(len(list) == 1 && list[0].Connection.Epoch == 1, "want one connection in its first life, got %s", text(list))
	told, err := h.st.Mails(h.ctx, mail.Query{To: "boss@example.com", Limit: 10})
	h.ok(err, "Mails")
	h.holds(len(told) == 1, "the agency's owner got %d mails of one approval", len(told))
}

func serviceWithdraw(e *env) {
	h := newHouse(e, e.open()).inhabit()
	for round := range 10 {
		id, link := h.ask()
		owner, manager := h.as("owner", theClient), h.as("manager", theAgency)
		errs := together(2, func(i int) error {
			if i == 0 {
				_, err := h.requests.Approve(h.ctx, owner, access.Decision{Link: link, Account: theClient}, roles.Viewer)
				return err
			}
			return h.requests.Withdraw(h.ctx, manager, theAgency, id)
		})
		h.holds(h.only(errs, accounts.ErrNotFound, access.ErrDecided) == 1, "round %d: approving answered %v and withdrawing %v", round, errs[0], errs[1])
		l, err := h.st.Linked(h.ctx, accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: theClient, Agency: theAgency}, Top: roles.Owner})
		h.ok(err, "Linked")
		h.holds(l.Counts() == (errs[0] == nil), "round %d: approving answered %v and the connection counts: %v", round, errs[0], l.Counts())
		if l.Counts() {
			h.ok(h.graph.EndConnection(h.ctx, owner, theClient, l.Connection.ConnectionKey), "EndConnection")
		}
		h.clock.nextDay()
	}
}

func serviceQuota(e *env) {
	h := newHouse(e, e.open()).inhabit()
	manager := h.as("manager", theAgency)
	var sent atomic.Int64
	errs := together(8, func(i int) error {
		for n := range 3 {
			var pasted []string
			for k := range 5 {
				pasted = append(pasted, fmt.Sprintf("to-%d-%d-%d@example.com", i, n, k))
			}
			answer, err := h.requests.Send(h.ctx, manager, access.Batch{Agency: theAgency, Addresses: strings.Join(pasted, ",")})
			if err != nil {
				return err
			}
			sent.Add(int64(answer.Sent))
		}
		return nil
	})
	h.holds(h.only(errs) == 8, "a batch failed")
	h.holds(sent.Load() == 35, "120 addresses from 8 goroutines: %d sent, want exactly 35", sent.Load())
	h.holds(h.events(theAgency, access.EventRequestSent) == 35, "%d events of requests sent, want 35", h.events(theAgency, access.EventRequestSent))
	d, err := h.st.Drafting(h.ctx, access.DraftingQuery{Agency: theAgency, Day: accounts.DayOf(h.clock.Now())})
	h.ok(err, "Drafting")
	h.holds(d.Used == 35, "the counter says %d, want 35", d.Used)
}

func serviceOwners(e *env) {
	h := newHouse(e, e.open()).inhabit()
	for round := range 10 {
		actors := []accounts.Actor{h.as("owner", theClient), h.as("partner", theClient)}
		others := []accounts.UserID{"partner", "owner"}
		errs := together(2, func(i int) error {
			return h.graph.ChangeRole(h.ctx, actors[i], theClient, others[i], roles.Viewer)
		})
		h.holds(h.only(errs, roles.ErrDenied, accounts.ErrLastOwner) == 1, "round %d: the answers were %v and %v, want one success", round, errs[0], errs[1])
		owners, err := h.st.Owners(h.ctx, theClient, roles.Owner)
		h.ok(err, "Owners")
		h.holds(len(owners) == 1, "round %d: %d owners are left, want 1", round, len(owners))
		lost := accounts.UserID("owner")
		if owners[0].User == "owner" {
			lost = "partner"
		}
		h.ok(h.graph.ChangeRole(h.ctx, h.as(owners[0].User, theClient), theClient, lost, roles.Owner), "ChangeRole")
	}
}

func serviceDisable(e *env) {
	h := newHouse(e, e.open()).inhabit()
	for round := range 6 {
		_, link := h.ask()
		owner, boss := h.as("owner", theClient), h.as("boss", theAgency)
		errs := together(2, func(i int) error {
			if i == 0 {
				_, err := h.requests.Approve(h.ctx, owner, access.Decision{Link: link, Account: theClient}, roles.Viewer)
				return err
			}
			for {
				plan, err := h.requests.PlanDisableClientAccess(h.ctx, boss, theAgency)
				if err != nil {
					return err
				}
				if err := h.requests.DisableClientAccess(h.ctx, boss, theAgency, plan.Confirm); !errors.Is(err, access.ErrPlanChanged) {
					return err
				}
			}
		})
		h.ok(errs[1], "Disable")
		h.only(errs[:1], accounts.ErrNotFound)
		p, err := h.sessions.Principal(h.ctx, h.signIn("manager"), theClient)
		h.is(err, accounts.ErrNotFound, "round %d: after disabling the manager reaches the client as %s", round, p.Role())
		// Coming back brings nothing back.
		boss = h.as("boss", theAgency)
		h.ok(h.graph.JoinProgramme(h.ctx, boss, theAgency), "JoinProgramme")
		h.ok(h.graph.EnableClientAccess(h.ctx, boss, theAgency), "EnableClientAccess")
		_, err = h.sessions.Principal(h.ctx, h.signIn("manager"), theClient)
		h.is(err, accounts.ErrNotFound, "round %d: enabling again brought the connection back", round)
		h.clock.nextDay()
	}
}

func serviceSwitch(e *env) {
	h := newHouse(e, e.open()).inhabit()
	secret := h.signIn("owner")
	fresh := make([]string, 8)
	errs := together(8, func(i int) error {
		s, _, err := h.sessions.Switch(h.ctx, secret, theClient)
		fresh[i] = s.Reveal()
		return err
	})
	h.holds(h.only(errs, access.ErrNoSession) == 1, "8 switches of one secret succeeded %d times", h.only(errs, access.ErrNoSession))
	alive := 0
	for _, s := range append([]string{secret}, fresh...) {
		if _, err := h.sessions.Principal(h.ctx, s, theClient); err == nil {
			alive++
		}
	}
	h.holds(alive == 1, "%d secrets of one session are alive, want 1", alive)
}

func serviceOnce(e *env) {
	h := newHouse(e, e.open()).inhabit()
	manager := h.as("manager", theAgency)
	answers := make([]string, 8)
	errs := together(8, func(i int) error {
		a, err := h.requests.Send(h.ctx, manager, access.Batch{Agency: theAgency, Addresses: "one@example.com, two@example.com", Key: "key-1"})
		answers[i] = text(a)
		return err
	})
	h.holds(h.only(errs) == 8, "a repeated call failed")
	for _, a := range answers {
		h.holds(a == answers[0], "one key got two answers:\n%s", differ(answers[0], a))
	}
	h.holds(h.events(theAgency, access.EventRequestSent) == 2, "%d requests were sent by repeating one call, want 2", h.events(theAgency, access.EventRequestSent))
	_, err := h.requests.Send(h.ctx, manager, access.Batch{Agency: theAgency, Addresses: "three@example.com", Key: "key-1"})
	h.is(err, accounts.ErrKeyReused, "the key with other input")
}
