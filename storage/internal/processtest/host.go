package processtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// host is what each process of a host has.
type host struct {
	st       storage.Storage
	env      *accounts.Env
	tally    *tally
	graph    *accounts.Service
	clients  *accounts.Clients
	requests *access.Requests
	sessions *access.Sessions
	logins   *access.Logins
	views    *access.Views
	invites  *invites.Service
	setups   *invites.SetupLinks
}

type unlimited struct{}

// Allow implements accounts.BurstLimiter.
func (unlimited) Allow(string) error { return nil }

// tally verifies hashes of its own form, which hold the password, and counts
// how often it is asked.
type tally struct{ compared atomic.Int64 }

const tallied = "tally:"

// Handles implements password.Verifier.
func (*tally) Handles(stored string) bool { return strings.HasPrefix(stored, tallied) }

// Verify implements password.Verifier.
func (v *tally) Verify(stored, given string) (bool, error) {
	v.compared.Add(1)
	return stored == tallied+given, nil
}

// plenty is a limit that no race comes to.
const plenty = 10_000

// planTen is a plan with ten seats; the others have any number.
const planTen = "ten"

func newHost(st storage.Storage) (*host, error) {
	h := &host{st: st, tally: &tally{}}
	all := []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer}
	var errs [11]error
	h.env, errs[0] = accounts.NewEnv(&accounts.EnvOptions{
		Clock: still{}, Burst: unlimited{},
		Policy: accounts.PlanTable{Plans: map[string]accounts.Plan{"": {Roles: all}, planTen: {Roles: all, Seats: 10}}},
		Limits: accounts.Limits{InvitationsPerDay: plenty, MailsPerRecipient: plenty, LinksPerDay: plenty},
	})
	var hasher *password.Hasher
	var policy *password.Policy
	hasher, errs[1] = password.New(&password.Options{Memory: 8, Time: 1, Verifiers: []password.Verifier{h.tally}})
	policy, errs[2] = password.NewPolicy(nil)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	entry := &invites.Options{Hasher: hasher, Passwords: policy}
	h.graph, errs[3] = accounts.New(st, h.env)
	h.clients, errs[4] = accounts.NewClients(st, h.env)
	h.requests, errs[5] = access.NewRequests(st, h.env)
	h.sessions, errs[6] = access.NewSessions(st, h.env)
	h.logins, errs[7] = access.NewLogins(st, h.env, &access.LoginOptions{Hasher: hasher, Passwords: policy})
	h.views, errs[8] = access.NewViews(st, h.env)
	h.invites, errs[9] = invites.New(st, h.env, entry)
	h.setups, errs[10] = invites.NewSetupLinks(st, h.env, entry)
	return h, errors.Join(errs[:]...)
}

// host opens the place and makes the services.
func (p *process) host() (*host, error) {
	st, err := p.open()
	if err != nil {
		return nil, err
	}
	return newHost(st)
}

// as is somebody who has just logged in with the host, at one of their accounts.
func (h *host) as(ctx context.Context, u accounts.UserID, at accounts.AccountID) (accounts.Actor, error) {
	p, err := h.sessions.ForUser(ctx, accounts.Login{User: u, At: noon}, at)
	return p.Actor(), err
}

// scene is a place with a host on it, in the parent.
type scene struct {
	*env
	*host

	place string
}

// scene makes a place and opens it.
func (e *env) scene() *scene {
	e.Helper()
	s := &scene{env: e, place: e.Place(e.TB)}
	var err error
	s.host, err = newHost(e.open(s.place))
	e.ok(err, "the services")
	return s
}

// crew starts children on the scene's place.
func (s *scene) crew(jobs ...string) *crew {
	s.Helper()
	return s.env.crew(s.place, jobs...)
}

// crowd is a crew of eight who do the same.
func (s *scene) crowd(job string) *crew {
	s.Helper()
	return s.env.crowd(s.place, job)
}

// who is somebody who has just logged in.
func (s *scene) who(u accounts.UserID, at accounts.AccountID) accounts.Actor {
	s.Helper()
	a, err := s.as(s.ctx, u, at)
	s.ok(err, "logging %s in", u)
	return a
}

// put makes users, whose addresses are proven.
func (s *scene) put(people ...accounts.UserID) {
	s.Helper()
	for _, id := range people {
		_, err := s.graph.PutUser(s.ctx, accounts.System("test"), accounts.PutUser{ID: id, Name: string(id), Email: address(id), Proven: true})
		s.ok(err, "PutUser %s", id)
	}
}

// found makes an account and its owner.
func (s *scene) found(id accounts.AccountID, owner accounts.UserID) {
	s.Helper()
	s.put(owner)
	_, err := s.graph.CreateAccount(s.ctx, accounts.System("test"), accounts.CreateAccount{ID: id, Name: string(id), Owner: owner})
	s.ok(err, "CreateAccount %s", id)
}

// join makes somebody a member of an account.
func (s *scene) join(at accounts.AccountID, id accounts.UserID, role roles.Role) {
	s.Helper()
	s.put(id)
	s.ok(s.graph.AddMember(s.ctx, accounts.System("test"), at, id, role), "AddMember %s", id)
}

func address(id accounts.UserID) string { return string(id) + "@example.com" }

// told counts the events of a kind in an account.
func (s *scene) told(at accounts.AccountID, kind accounts.EventKind) int {
	s.Helper()
	list, err := s.st.Events(s.ctx, accounts.EventQuery{Account: at, Kinds: []accounts.EventKind{kind}, Limit: 500})
	s.ok(err, "Events")
	return len(list)
}

// mails counts the mails to somebody.
func (s *scene) mails(to string) int {
	s.Helper()
	list, err := s.st.Mails(s.ctx, mail.Query{To: to, Limit: 1000})
	s.ok(err, "Mails")
	return len(list)
}

// post sends what waits, and returns what somebody got last.
func (s *scene) post(to string) mail.Message {
	s.Helper()
	inbox := new(mailtest.Recorder)
	d, err := mail.NewDispatcher(s.st, inbox, s.host.env.DispatcherOptions(mail.Email))
	s.ok(err, "NewDispatcher")
	_, err = d.Flush(s.ctx)
	s.ok(err, "Flush")
	m, ok := inbox.Last(to)
	s.holds(ok, "%s got no mail", to)
	return m
}

// link is the secret in the mail that somebody got last, which begins with its
// purpose.
func (s *scene) link(to, purpose string) string {
	s.Helper()
	text := s.post(to).Text
	at := strings.Index(text, purpose)
	s.holds(at >= 0, "no link %s in the mail to %s", purpose, to)
	return strings.Fields(text[at:])[0]
}

// account is a row of an account.
func account(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: "Account " + id},
		Kind:         accounts.KindStandard, CreatedAt: noon, UpdatedAt: noon,
	}
}

// change is a change that does what is asked and leaves an event.
func change(op string, fill func(c *access.Change)) access.Change {
	c := access.Change{Change: accounts.Change{Op: accounts.OpID(op), Events: []accounts.Event{{Op: accounts.OpID(op), Seq: 1, At: noon, Kind: "test"}}}}
	if fill != nil {
		fill(&c)
	}
	return c
}
