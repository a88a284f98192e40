package invites_test

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// No test leaves a goroutine behind (I-32).
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	day     = 24 * time.Hour
	week    = 7 * day
	linkTop = "https://app.example/invitations/"
	good    = "seven purple mountain goats"
)

// start is a Monday morning with digits below the second.
func start() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 123456000, time.UTC) }

var (
	job   = accounts.System("sync")
	staff = accounts.Operator("kim", "ticket 7")
)

// world is a host with two accounts, on a store in memory and a clock that
// stands still.
//
//	acme  olga owns it, amy and adam are Admins, max Manager, vic Viewer
//	nova  nick owns it
//	ben and eve are users and members of nothing
//	cleo and dora are clients of acme, without a user
//
// Every user's address is their id at example.com, and proven, and each has a
// password.
type world struct {
	testing.TB
	clock *clock.Mock
	mem   *memory.Store
	st    *spy // what the invitations run on
	env   *accounts.Env
	graph *accounts.Service
	inv   *invites.Service
	links *invites.SetupLinks
	ids   *counter
	rows  int
}

func newWorld(t testing.TB, set ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := &world{TB: t, clock: clock.NewMock(), mem: memory.New(), ids: &counter{}}
	w.clock.Set(start())
	w.st = &spy{Storage: w.mem}
	o := &accounts.EnvOptions{
		Product: "Letterbird", BaseURL: "https://app.example", Clock: w.clock, IDs: w.ids, Secrets: w.ids.secret,
		Burst: noBurst{}, Templates: templates(),
	}
	for _, f := range set {
		f(o)
	}
	var err error
	w.env, err = accounts.NewEnv(o)
	require.NoError(t, err)
	w.graph, err = accounts.New(w.mem, w.env)
	require.NoError(t, err)
	w.inv, err = invites.New(w.st, w.env, &invites.Options{Hasher: hasher(), Passwords: policy()})
	require.NoError(t, err)
	w.links, err = invites.NewSetupLinks(w.st, w.env, &invites.Options{Hasher: hasher(), Passwords: policy()})
	require.NoError(t, err)

	var rows []any
	for _, id := range []string{"olga", "amy", "adam", "max", "vic", "nick", "ben", "eve"} {
		rows = append(rows, user(id), credential(id))
	}
	w.put(append(rows, account("acme"), account("nova"),
		member("acme", "olga", roles.Owner), member("acme", "amy", roles.Admin), member("acme", "adam", roles.Admin),
		member("acme", "max", roles.Manager), member("acme", "vic", roles.Viewer), member("nova", "nick", roles.Owner),
		client("acme", "cleo", "Cleo@Example.com"), client("acme", "dora", "dora@example.com"))...)
	return w
}

// What is made once for all worlds: it is slow to make, and never changes.
var (
	templates = sync.OnceValue(func() *mail.Templates { return sure(mail.NewTemplates(nil)) })
	policy    = sync.OnceValue(func() *password.Policy { return sure(password.NewPolicy(nil)) })
	hasher    = sync.OnceValue(func() *password.Hasher {
		return sure(password.New(&password.Options{Memory: 8, Time: 1, Queue: 1000}))
	})
)

func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func user(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: strings.ToUpper(id[:1]) + id[1:], Epoch: 1},
		Logins:    1, Email: accounts.Email(id + "@example.com"), Address: id + "@example.com", Proven: true,
		CreatedAt: start(), UpdatedAt: start(),
	}
}

func credential(id string) accounts.Credential {
	return accounts.Credential{User: accounts.UserID(id), Hash: "hash-of-" + id, CreatedAt: start(), UpdatedAt: start()}
}

func account(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: strings.ToUpper(id[:1]) + id[1:], Epoch: 1},
		Kind:         accounts.KindStandard, CreatedAt: start(), UpdatedAt: start(),
	}
}

func member(account, user string, role roles.Role) accounts.Membership {
	return accounts.Membership{
		Account: accounts.AccountID(account), User: accounts.UserID(user),
		MemberState: accounts.MemberState{Role: role, Epoch: 1}, CreatedAt: start(), UpdatedAt: start(),
	}
}

// put stores rows as they are.
func (w *world) put(rows ...any) {
	w.Helper()
	w.rows++
	c := accounts.Change{Op: accounts.OpID(fmt.Sprintf("put-%04d", w.rows))}
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.User:
			c.Users = append(c.Users, r)
		case accounts.Credential:
			c.Credentials = append(c.Credentials, r)
		case accounts.Identity:
			c.Identities = append(c.Identities, r)
		case accounts.Account:
			c.Accounts = append(c.Accounts, r)
		case accounts.Membership:
			c.Memberships = append(c.Memberships, r)
		case accounts.Connection:
			c.Connections = append(c.Connections, r)
		case accounts.Assignment:
			c.Assignments = append(c.Assignments, r)
		case accounts.Client:
			c.Clients = append(c.Clients, r)
		case accounts.Challenge:
			c.Challenges = append(c.Challenges, r)
		default:
			w.Fatalf("%T is no row", row)
		}
	}
	c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start(), Kind: "put", By: accounts.By{System: "test"}}}
	require.NoError(w, w.mem.ApplyAccounts(w.Context(), c))
}

// as returns the actor of a user who logged in just now.
func (w *world) as(id accounts.UserID) accounts.Actor {
	w.Helper()
	return w.since(id, w.env.Now())
}

// since returns the actor of a user who logged in at a moment.
func (w *world) since(id accounts.UserID, authAt time.Time) accounts.Actor {
	w.Helper()
	u := w.user(id)
	return accounts.Admitted(accounts.Admission{
		User: id, Epoch: u.Epoch, Proof: accounts.Proof{Login: u.Logins + 1}, Session: accounts.SessionID("session-" + id), AuthAt: authAt,
	})
}

// must lets a call with two results be one expression.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func ignore[T any](_ T, err error) error { return err }

// invite has a member of acme invite an address.
func (w *world) invite(by accounts.UserID, email string, role roles.Role) invites.Invitation {
	w.Helper()
	return must(w.inv.Invite(w.Context(), w.as(by), invites.Invite{Account: "acme", Email: email, Role: role}))(w)
}

// invited is invite together with the secret of its link.
func (w *world) invited(by accounts.UserID, email string, role roles.Role) (invites.Invitation, string) {
	w.Helper()
	i := w.invite(by, email, role)
	return i, w.link(email)
}

func (w *world) resend(by accounts.UserID, id accounts.InvitationID) error {
	w.Helper()
	return ignore(w.inv.Resend(w.Context(), w.as(by), invites.Resend{Account: "acme", Invitation: id}))
}

func (w *world) revoke(by accounts.UserID, id accounts.InvitationID) error {
	w.Helper()
	return w.inv.Revoke(w.Context(), w.as(by), "acme", id)
}

// accept has a user accept by a link.
func (w *world) accept(who accounts.UserID, link string) (accounts.Membership, error) {
	w.Helper()
	return w.inv.Accept(w.Context(), w.as(who), invites.Answer{Link: link})
}

// acceptID has a user accept by the ids that their list shows.
func (w *world) acceptID(who accounts.UserID, i invites.Invitation) (accounts.Membership, error) {
	w.Helper()
	return w.inv.Accept(w.Context(), w.as(who), byID(i))
}

func byID(i invites.Invitation) invites.Answer {
	return invites.Answer{Account: i.Account, Invitation: i.ID}
}

// joinNew has whoever holds a link join with a new password.
func (w *world) joinNew(link string) (invites.Joined, error) {
	w.Helper()
	return w.inv.AcceptNew(w.Context(), invites.NewLogin{Link: link, Name: "New", Password: good})
}

// letters returns the mail that waits to be sent, the oldest first.
func (w *world) letters() []mail.Message {
	w.Helper()
	return w.waiting(mail.Email)
}

// waiting returns what waits on a channel, the oldest first.
func (w *world) waiting(channel mail.Channel) []mail.Message {
	w.Helper()
	tx := w.mem.Begin() // looked at on a copy, so that nothing is taken
	defer func() { _ = tx.Rollback() }()
	list, err := tx.Store().ClaimMail(w.Context(), mail.Claim{Channel: channel, At: w.env.Now(), Lease: time.Hour, Limit: 10_000})
	require.NoError(w, err)
	out := make([]mail.Message, len(list))
	for i, d := range list {
		out[i] = d.Message
	}
	slices.SortStableFunc(out, func(a, b mail.Message) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// link returns the secret of the newest link in unsent mail to an address.
func (w *world) link(address string) string {
	w.Helper()
	email := must(accounts.ParseEmail(address))(w)
	for _, m := range slices.Backward(w.letters()) {
		if url, ok := mailtest.Link(m, linkTop); ok && m.To == string(email) {
			return strings.TrimPrefix(url, linkTop)
		}
	}
	require.Fail(w, "no mail with a link", address)
	return ""
}

// mails returns what the outbox holds, of a kind and in a state.
func (w *world) mails(kind string, state mail.State) []mail.Record {
	w.Helper()
	list := must(w.mem.Mails(w.Context(), mail.Query{State: state, Limit: 1000}))(w)
	return slices.DeleteFunc(list, func(r mail.Record) bool { return r.Kind != kind })
}

func (w *world) user(id accounts.UserID) accounts.User {
	w.Helper()
	return must(w.mem.User(w.Context(), accounts.UserKey{ID: id}))(w)
}

func (w *world) account(id accounts.AccountID) accounts.Account {
	w.Helper()
	return must(w.mem.Account(w.Context(), id))(w)
}

func (w *world) membership(user accounts.UserID) accounts.Membership {
	w.Helper()
	return must(w.mem.Membership(w.Context(), accounts.StandingKey{User: user, Account: "acme"}))(w)
}

// role returns what a user is at acme now, with any login.
func (w *world) role(user accounts.UserID) roles.Role {
	w.Helper()
	list := must(w.mem.Standings(w.Context(), []accounts.StandingKey{{User: user, Account: "acme"}}))(w)
	return list[0].Rights(w.env.Ladder(), accounts.AnyLogin()).Role()
}

// stored returns an invitation of acme as the store holds it.
func (w *world) stored(id accounts.InvitationID) invites.Accepting {
	w.Helper()
	return must(w.mem.Accepting(w.Context(), invites.AcceptingQuery{Account: "acme", ID: id, At: w.env.Now()}))(w)
}

// state returns the state of an invitation of acme now.
func (w *world) state(id accounts.InvitationID) invites.State {
	w.Helper()
	f := w.stored(id)
	return f.Invitation.StateAt(w.env.Now(), f.Inviter)
}

// seats returns which seats of an account are taken now.
func (w *world) seats(account accounts.AccountID) accounts.Seats {
	w.Helper()
	return must(w.mem.Seats(w.Context(), account, w.env.Now()))(w)
}

// used returns how much of a limit is used up today.
func (w *world) used(kind accounts.QuotaKind, subject string) int {
	w.Helper()
	return must(w.mem.Spent(w.Context(), accounts.QuotaKey{Kind: kind, Subject: subject, Day: accounts.DayOf(w.env.Now())}))(w)
}

// events returns what the services wrote down, the oldest first.
func (w *world) events() []accounts.Event {
	w.Helper()
	tx := w.mem.Begin()
	defer func() { _ = tx.Rollback() }()
	list, err := tx.Store().ClaimEvents(w.Context(), accounts.EventClaim{At: w.env.Now().Add(100 * 365 * day), Lease: time.Hour, Limit: 100_000})
	require.NoError(w, err)
	var out []accounts.Event
	for _, d := range list {
		if d.Event.Kind != "put" {
			out = append(out, d.Event)
		}
	}
	return out
}

// count returns how many events of a kind there are.
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

// counter makes ids and secrets that a second run makes again.
type counter struct{ n atomic.Int64 }

func (c *counter) NewID(time.Time) string { return fmt.Sprintf("id-%06d", c.n.Add(1)) }

func (c *counter) secret() string { return secretOf(fmt.Sprintf("secret %d", c.n.Add(1))) }

// secretOf returns 52 characters of a token's alphabet.
func secretOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
}

// noBurst lets everything pass.
type noBurst struct{}

func (noBurst) Allow(string) error { return nil }

// field returns the field that an input error names.
func field(t testing.TB, err error) string {
	t.Helper()
	var bad *accounts.InvalidError
	require.ErrorAs(t, err, &bad)
	require.ErrorIs(t, err, accounts.ErrInvalid)
	return bad.Field
}

// together runs functions at once and returns their errors in their order.
func together(do ...func() error) []error {
	errs := make([]error, len(do))
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i, f := range do {
		all.Go(func() {
			<-begin
			errs[i] = f()
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// patient returns a context that outlives many conflicts.
func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
