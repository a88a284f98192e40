package access_test

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

const (
	day     = 24 * time.Hour
	week    = 7 * day
	linkTop = "https://app.example/access-requests/"
)

// start is a Monday morning with digits below the second.
func start() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 123456000, time.UTC) }

var job = accounts.System("test")

// tester is what a test and a run of rapid have in common.
type tester interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// world is a host with two agencies and some clients, on a store in memory and
// a clock that stands still.
//
//	north  Northlight, an agency: ann owns it, adam is Admin, mia Manager, max Manager, vic Author
//	south  Southbank, an agency: sue owns it
//	willow Willow Bakery: cleo owns it, carl is Admin, cora Manager
//	rose   Rose Garden: rick owns it, cleo is Admin
//	elm    Elm Books: eve owns it
//
// Every user's address is their id at example.com, and proven.
type world struct {
	tester
	clock    *clock.Mock
	mem      *memory.Store
	st       *spy // what the services run on
	env      *accounts.Env
	svc      *accounts.Service
	requests *access.Requests
	sessions *access.Sessions
	inbox    *mailtest.Recorder
	post     *mail.Dispatcher
	ids      *counter
}

func newWorld(t tester, set ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := &world{tester: t, clock: clock.NewMock(), mem: memory.New(), inbox: &mailtest.Recorder{}, ids: &counter{}}
	w.clock.Set(start())
	w.st = &spy{Storage: w.mem}
	o := &accounts.EnvOptions{
		Product: "Letterbird", BaseURL: "https://app.example", Clock: w.clock, IDs: w.ids, Secrets: w.ids.secret, Burst: noBurst{},
		Templates: templates(),
	}
	for _, f := range set {
		f(o)
	}
	w.env = must(accounts.NewEnv(o))(t)
	w.svc = must(accounts.New(w.st, w.env))(t)
	w.requests = must(access.NewRequests(w.st, w.env))(t)
	w.sessions = must(access.NewSessions(w.st, w.env))(t)
	w.post = must(mail.NewDispatcher(w.mem, w.inbox, &mail.DispatcherOptions{Templates: templates(), Clock: w.clock, Workers: 1}))(t)

	w.account("north", "Northlight", accounts.KindAgency, "ann")
	w.account("south", "Southbank", accounts.KindAgency, "sue")
	w.account("willow", "Willow Bakery", accounts.KindStandard, "cleo")
	w.account("rose", "Rose Garden", accounts.KindStandard, "rick")
	w.account("elm", "Elm Books", accounts.KindStandard, "eve")
	for _, m := range []struct {
		account accounts.AccountID
		user    accounts.UserID
		role    roles.Role
	}{
		{"north", "adam", roles.Admin},
		{"north", "mia", roles.Manager},
		{"north", "max", roles.Manager},
		{"north", "vic", roles.Author},
		{"willow", "carl", roles.Admin},
		{"willow", "cora", roles.Manager},
		{"rose", "cleo", roles.Admin},
	} {
		w.user(m.user)
		require.NoError(t, w.svc.AddMember(w.Context(), job, m.account, m.user, m.role))
	}
	w.enable("north", "ann")
	w.enable("south", "sue")
	return w
}

// templates are parsed once for all worlds.
var templates = sync.OnceValue(func() *mail.Templates {
	t, err := mail.NewTemplates(nil)
	if err != nil {
		panic(err)
	}
	return t
})

// must lets a call with two results be one expression.
func must[T any](v T, err error) func(tester) T {
	return func(t tester) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// user puts a user, again if need be.
func (w *world) user(id accounts.UserID) {
	w.Helper()
	name := strings.ToUpper(string(id[:1])) + string(id[1:])
	_, err := w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: id, Name: name, Email: string(id) + "@example.com", Proven: true})
	require.NoError(w, err)
}

func (w *world) account(id accounts.AccountID, name string, kind accounts.Kind, owner accounts.UserID) {
	w.Helper()
	w.user(owner)
	_, err := w.svc.CreateAccount(w.Context(), job, accounts.CreateAccount{ID: id, Name: name, Kind: kind, Owner: owner})
	require.NoError(w, err)
}

// enable makes an account an agency.
func (w *world) enable(account accounts.AccountID, by accounts.UserID) {
	w.Helper()
	actor := w.as(by, account)
	require.NoError(w, w.svc.JoinProgramme(w.Context(), actor, account))
	require.NoError(w, w.svc.EnableClientAccess(w.Context(), actor, account))
}

// login logs a user in and returns the session's secret.
func (w *world) login(user accounts.UserID) string {
	w.Helper()
	secret, _, err := w.sessions.Start(w.Context(), accounts.Login{User: user, Method: "test"}, access.Device{})
	require.NoError(w, err)
	return secret.Reveal()
}

// as logs a user in and returns the actor that they are at an account.
func (w *world) as(user accounts.UserID, account accounts.AccountID) accounts.Actor {
	w.Helper()
	return w.principal(w.login(user), account).Actor()
}

func (w *world) principal(secret string, account accounts.AccountID) access.Principal {
	w.Helper()
	p, err := w.sessions.Principal(w.Context(), secret, account)
	require.NoError(w, err)
	return p
}

// try returns why a session may not enter an account.
func (w *world) try(secret string, account accounts.AccountID) error {
	w.Helper()
	p, err := w.sessions.Principal(w.Context(), secret, account)
	if err != nil {
		require.Equal(w, access.Principal{}, p, "no answer comes with an error")
	}
	return err
}

// send has mia of Northlight ask one address for access.
func (w *world) send(address string) accounts.RequestID {
	w.Helper()
	out := w.batch("mia", "north", address)
	require.Equal(w, access.Sent, out.Answers[0].Outcome)
	return out.Answers[0].Request
}

func (w *world) batch(user accounts.UserID, agency accounts.AccountID, addresses string) access.BatchAnswer {
	w.Helper()
	out, err := w.requests.Send(w.Context(), w.as(user, agency), access.Batch{Agency: agency, Addresses: addresses})
	require.NoError(w, err)
	return out
}

// link returns the secret of the newest link that an address got by mail.
func (w *world) link(address string) string {
	w.Helper()
	w.flush()
	for _, m := range slices.Backward(w.inbox.To(address)) {
		if url, ok := mailtest.Link(m, linkTop); ok {
			return strings.TrimPrefix(url, linkTop)
		}
	}
	require.Fail(w, "no mail with a link", address)
	return ""
}

// flush delivers what is due.
func (w *world) flush() mail.Report {
	w.Helper()
	r, err := w.post.Flush(w.Context())
	require.NoError(w, err)
	return r
}

// byLink and byID name a request to be decided for an account.
func byLink(link string, account accounts.AccountID) access.Decision {
	return access.Decision{Link: link, Account: account}
}

func byID(id accounts.RequestID, account accounts.AccountID) access.Decision {
	return access.Decision{Agency: "north", Request: id, Account: account}
}

// connect has cleo let Northlight into an account of hers, and mia in with it.
func (w *world) connect(account accounts.AccountID, highest roles.Role) accounts.Connection {
	w.Helper()
	out, err := w.requests.Send(w.Context(), w.as("mia", "north"), access.Batch{Agency: "north", Addresses: "cleo@example.com", Another: true})
	require.NoError(w, err)
	require.Equal(w, access.Sent, out.Answers[0].Outcome)
	c, err := w.requests.Approve(w.Context(), w.as("cleo", account), byID(out.Answers[0].Request, account), highest)
	require.NoError(w, err)
	return c
}

// state returns the state of a request of Northlight now.
func (w *world) state(id accounts.RequestID) access.RequestState {
	w.Helper()
	return w.stored(id).Request.StateAt(w.env.Now(), w.stored(id).Agency.AccountState)
}

func (w *world) stored(id accounts.RequestID) access.Deciding {
	w.Helper()
	d, err := w.mem.Deciding(w.Context(), access.DecidingQuery{
		Agency: "north", ID: id, Client: "willow", Day: accounts.DayOf(w.env.Now()), Top: roles.Owner,
	})
	require.NoError(w, err)
	return d
}

// used returns how many requests Northlight has sent today.
func (w *world) used() int {
	w.Helper()
	d, err := w.mem.Drafting(w.Context(), access.DraftingQuery{Agency: "north", Day: accounts.DayOf(w.env.Now())})
	require.NoError(w, err)
	return d.Used
}

// connected reports whether an agency is let into an account now.
func (w *world) connected(client, agency accounts.AccountID) bool {
	w.Helper()
	l, err := w.mem.Linked(w.Context(), accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: client, Agency: agency}, Top: roles.Owner})
	require.NoError(w, err)
	return l.Counts()
}

// role returns what a user may be at an account now, with any login.
func (w *world) role(user accounts.UserID, account accounts.AccountID) roles.Role {
	w.Helper()
	list, err := w.mem.Standings(w.Context(), []accounts.StandingKey{{User: user, Account: account}})
	require.NoError(w, err)
	return list[0].Rights(w.env.Ladder(), accounts.AnyLogin()).Role()
}

// events returns what happened so far, the oldest first.
func (w *world) events() []accounts.Event {
	w.Helper()
	tx := w.mem.Begin() // looked at on a copy, so that nothing is taken
	defer func() { _ = tx.Rollback() }()
	list, err := tx.Store().ClaimEvents(w.Context(), accounts.EventClaim{At: w.env.Now().Add(100 * 365 * day), Lease: time.Hour, Limit: 100_000})
	require.NoError(w, err)
	out := make([]accounts.Event, len(list))
	for i, d := range list {
		out[i] = d.Event
	}
	return out
}

// count returns how many events of a kind happened.
func (w *world) count(kind accounts.EventKind) int {
	w.Helper()
	n := 0
	for _, e := range w.events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// refusals lists what was refused, where and why, the oldest first.
func (w *world) refusals() []string {
	w.Helper()
	var out []string
	for _, e := range w.events() {
		if e.Kind == accounts.EventRefused {
			out = append(out, fmt.Sprintf("%s at %s by %s: %s", e.Action, e.Account, e.By.User, e.Refusal))
		}
	}
	return out
}

// dump tells everything that is stored, line by line.
func (w *world) dump() string {
	w.Helper()
	tx := w.mem.Begin()
	defer func() { _ = tx.Rollback() }()
	st, ctx, now := tx.Store(), w.Context(), w.env.Now()
	var b strings.Builder
	all := []accounts.AccountID{"north", "south", "willow", "rose", "elm", "fresh"}
	users := []accounts.UserID{"ann", "adam", "mia", "max", "vic", "sue", "cleo", "carl", "cora", "rick", "eve", "fresh"}
	line := func(v any, err error) {
		if err == nil {
			fmt.Fprintf(&b, "%+v\n", v)
		}
	}
	for _, u := range users {
		line(st.User(ctx, accounts.UserKey{ID: u}))
		line(st.Sessions(ctx, access.SessionsQuery{User: u, Limit: 1000}))
		for _, a := range all {
			line(st.Membership(ctx, accounts.StandingKey{User: u, Account: a}))
			line(st.Reply(ctx, accounts.ReplyKey{Actor: "user/" + string(u), Account: a, Key: "key"}))
		}
	}
	emails := make([]accounts.Email, 0, 8)
	for _, s := range []string{"cleo", "carl", "rick", "eve", "a", "b", "c", "d"} {
		emails = append(emails, accounts.Email(s+"@example.com"))
	}
	for _, a := range all {
		line(st.Account(ctx, a))
		line(st.Drafting(ctx, access.DraftingQuery{Agency: a, Emails: emails, Day: accounts.DayOf(now)}))
		line(st.Clients(ctx, access.ClientsQuery{Agency: a, At: now, Limit: 1000}))
		for _, c := range all {
			q := accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: c, Agency: a}, Top: roles.Owner}
			if l, err := st.Linked(ctx, q); err != nil || l.Connection.Version == 0 {
				continue
			}
			for _, q.User = range users {
				line(st.Linked(ctx, q))
			}
		}
	}
	line(st.Mails(ctx, mail.Query{Limit: 1000}))
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		for _, d := range must(st.ClaimMail(ctx, mail.Claim{Channel: channel, At: now.Add(100 * 365 * day), Lease: time.Hour, Limit: 1000}))(w) {
			m := d.Message
			line := fmt.Sprintf("%s to %s %q %q %s\n", m.ID, m.To, m.Subject, m.Text, must(json.Marshal(m.Data))(w))
			if m.Data.Code != "" { // no two runs draw the same
				line = strings.ReplaceAll(line, m.Data.Code, "a code")
			}
			b.WriteString(line)
		}
	}
	for _, e := range w.events() {
		line(e, nil)
	}
	return b.String()
}

// counter makes ids and secrets that a second run makes again.
type counter struct{ n atomic.Int64 }

func (c *counter) NewID(time.Time) string { return fmt.Sprintf("id-%06d", c.n.Add(1)) }

func (c *counter) secret() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "secret %d", c.n.Add(1)))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
}

// noBurst lets everything pass.
type noBurst struct{}

func (noBurst) Allow(string) error { return nil }

func TestWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := w.dump()
	require.Equal(t, was, w.dump(), "looking changes nothing")
	require.Equal(t, w.dump(), newWorld(t).dump(), "a world is the same each time")
	require.Equal(t, roles.Admin, w.role("cleo", "rose"))
}
