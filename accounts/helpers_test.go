package accounts_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// No test leaves a goroutine behind (I-32).
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden compares a text with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if the change is meant, run: go test ./accounts -update")
}

var start = time.Date(2026, time.March, 2, 10, 0, 0, 123456000, time.UTC)

// world is a service on a store in memory, with a clock that stands still and
// ids that count.
type world struct {
	t     testing.TB
	st    *memory.Store
	clock *clock.Mock
	env   *accounts.Env
	svc   *accounts.Service
	recs  *accounts.Clients
	rows  int
}

// templates are read once for all worlds.
var templates = sync.OnceValues(func() (*mail.Templates, error) { return mail.NewTemplates(nil) })

// counting makes the ids id-00001, id-00002, and so on.
type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) NewID(time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return fmt.Sprintf("id-%05d", c.n)
}

func newWorld(t testing.TB, change ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := &world{t: t, st: memory.New(), clock: clock.NewMock()}
	w.clock.Set(start)
	texts, err := templates()
	require.NoError(t, err)
	o := accounts.EnvOptions{Clock: w.clock, IDs: &counting{}, BaseURL: "https://app.example", Templates: texts}
	for _, f := range change {
		f(&o)
	}
	w.env, err = accounts.NewEnv(&o)
	require.NoError(t, err)
	w.svc, err = accounts.New(w.st, w.env)
	require.NoError(t, err)
	w.recs, err = accounts.NewClients(w.st, w.env)
	require.NoError(t, err)
	return w
}

// put stores rows.
func (w *world) put(rows ...any) {
	w.t.Helper()
	w.rows++
	c := accounts.Change{Op: accounts.OpID(fmt.Sprintf("put-%03d", w.rows))}
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.User:
			c.Users = append(c.Users, r)
		case accounts.Account:
			c.Accounts = append(c.Accounts, r)
		case accounts.Membership:
			c.Memberships = append(c.Memberships, r)
		case accounts.Connection:
			c.Connections = append(c.Connections, r)
		case accounts.Assignment:
			c.Assignments = append(c.Assignments, r)
		case accounts.Credential:
			c.Credentials = append(c.Credentials, r)
		case accounts.Identity:
			c.Identities = append(c.Identities, r)
		case accounts.Challenge:
			c.Challenges = append(c.Challenges, r)
		case accounts.Client:
			c.Clients = append(c.Clients, r)
		case accounts.Site:
			c.Sites = append(c.Sites, r)
		case accounts.SiteAccess:
			c.SiteAccess = append(c.SiteAccess, r)
		case mail.Message:
			c.Mail = append(c.Mail, r)
		default:
			w.t.Fatalf("%T is no row", row)
		}
	}
	c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: "put", By: accounts.By{System: "test"}}}
	require.NoError(w.t, w.st.ApplyAccounts(w.t.Context(), c))
}

func user(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: "Ms " + id, Epoch: 1},
		Logins:    1, Email: accounts.Email(id + "@people.example"), Address: id + "@people.example", Proven: true,
		CreatedAt: start, UpdatedAt: start,
	}
}

func account(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: strings.ToUpper(id), Epoch: 1},
		Kind:         accounts.KindStandard, CreatedAt: start, UpdatedAt: start,
	}
}

func agency(id string) accounts.Account {
	a := account(id)
	a.Kind, a.ProgrammeAt, a.ClientAccessAt = accounts.KindAgency, start, start
	return a
}

func member(account, user string, role roles.Role) accounts.Membership {
	return accounts.Membership{
		Account: accounts.AccountID(account), User: accounts.UserID(user),
		MemberState: accounts.MemberState{Role: role, Epoch: 1}, CreatedAt: start, UpdatedAt: start,
	}
}

func pair(client, agency string) accounts.ConnectionKey {
	return accounts.ConnectionKey{Client: accounts.AccountID(client), Agency: accounts.AccountID(agency)}
}

func connection(client, agency string, limit roles.Role) accounts.Connection {
	return accounts.Connection{
		ConnectionKey:   pair(client, agency),
		ConnectionState: accounts.ConnectionState{Cap: limit, Epoch: 1, AgencyEpoch: 1},
		CreatedAt:       start, UpdatedAt: start,
	}
}

func assignment(client, agency, user string, role roles.Role) accounts.Assignment {
	return accounts.Assignment{
		ConnectionKey: pair(client, agency), User: accounts.UserID(user),
		AssignmentState: accounts.AssignmentState{Role: role, ConnectionEpoch: 1, MemberEpoch: 1},
		CreatedAt:       start, UpdatedAt: start,
	}
}

// as returns the actor of a user who logged in just now, in their first epoch.
func (w *world) as(id string) accounts.Actor { return admitted(id, w.env.Now()) }

func admitted(id string, authAt time.Time) accounts.Actor {
	return accounts.Admitted(accounts.Admission{
		User: accounts.UserID(id), Epoch: 1, Proof: accounts.Proof{Login: 1},
		Session: accounts.SessionID("session-" + id), AuthAt: authAt,
	})
}

func job() accounts.Actor   { return accounts.System("sync") }
func staff() accounts.Actor { return accounts.Operator("kim", "ticket 7") }

// rights returns what a user may do at an account now, by any login.
func (w *world) rights(user, account string) roles.Rights {
	w.t.Helper()
	return w.standing(user, account).Rights(w.env.Ladder(), accounts.AnyLogin())
}

func (w *world) standing(user, account string) accounts.Standing {
	w.t.Helper()
	list, err := w.st.Standings(w.t.Context(), []accounts.StandingKey{{User: accounts.UserID(user), Account: accounts.AccountID(account)}})
	require.NoError(w.t, err)
	return list[0]
}

func (w *world) membership(account, user string) accounts.Membership {
	w.t.Helper()
	m, err := w.st.Membership(w.t.Context(), accounts.StandingKey{User: accounts.UserID(user), Account: accounts.AccountID(account)})
	require.NoError(w.t, err)
	return m
}

func (w *world) account(id string) accounts.Account {
	w.t.Helper()
	a, err := w.st.Account(w.t.Context(), accounts.AccountID(id))
	require.NoError(w.t, err)
	return a
}

func (w *world) linked(client, agency, user string) accounts.Linked {
	w.t.Helper()
	l, err := w.st.Linked(w.t.Context(), accounts.LinkedQuery{
		ConnectionKey: pair(client, agency), User: accounts.UserID(user), Top: roles.Owner,
	})
	require.NoError(w.t, err)
	return l
}

// feed returns every event that the services wrote, in the order of time and
// operation, by claiming them from a copy of the store.
func (w *world) feed() []accounts.Event {
	w.t.Helper()
	tx := w.st.Begin()
	defer func() { require.NoError(w.t, tx.Rollback()) }()
	list, err := tx.Store().ClaimEvents(w.t.Context(), accounts.EventClaim{At: start.AddDate(10, 0, 0), Lease: time.Hour, Limit: 10000})
	require.NoError(w.t, err)
	var all []accounts.Event
	for _, d := range list {
		if d.Event.Kind != "put" {
			all = append(all, d.Event)
		}
	}
	return all
}

// last returns the one event written since n.
func (w *world) one(n int) accounts.Event {
	w.t.Helper()
	all := w.feed()
	require.Len(w.t, all, n+1, "exactly one event")
	return all[n]
}

func (w *world) mails(state mail.State) []mail.Record {
	w.t.Helper()
	list, err := w.st.Mails(w.t.Context(), mail.Query{State: state, Limit: 1000})
	require.NoError(w.t, err)
	return list
}

// dump writes down everything that the graph and the outbox hold of the given
// ids, audit included.
func (w *world) dump(users, all []string) string {
	w.t.Helper()
	ctx := w.t.Context()
	var b strings.Builder
	for _, id := range users {
		u, err := w.st.User(ctx, accounts.UserKey{ID: accounts.UserID(id)})
		fmt.Fprintf(&b, "%+v %v\n", u, err)
	}
	for _, id := range all {
		a, err := w.st.Account(ctx, accounts.AccountID(id))
		fmt.Fprintf(&b, "%+v %v\n", a, err)
		for _, u := range users {
			fmt.Fprintf(&b, "  %+v\n", w.membership(id, u))
		}
		for _, other := range all {
			for _, u := range users {
				l, err := w.st.Linked(ctx, accounts.LinkedQuery{ConnectionKey: pair(id, other), User: accounts.UserID(u)})
				fmt.Fprintf(&b, "    %+v %+v %v\n", l.Connection, l.Assignment, err)
			}
		}
	}
	fmt.Fprintf(&b, "%+v\n%+v\n", w.feed(), w.mails(""))
	return b.String()
}

// tap is a store whose calls can be watched, held and made to fail. Hook is
// asked before each call and after it; an error takes the answer's place.
type tap struct {
	accounts.Store
	hook func(method string, after bool) error
}

// tapped returns the service on the tapped store.
func (w *world) tapped(hook func(method string, after bool) error) *accounts.Service {
	return w.svc.With(&tap{Store: w.st, hook: hook})
}

func via[T any](s *tap, method string, call func() (T, error)) (v T, err error) {
	var none T
	if err := s.hook(method, false); err != nil {
		return none, err
	}
	if v, err = call(); err != nil {
		return none, err
	}
	if err := s.hook(method, true); err != nil {
		return none, err
	}
	return v, nil
}

func (s *tap) User(ctx context.Context, k accounts.UserKey) (accounts.User, error) {
	return via(s, "User", func() (accounts.User, error) { return s.Store.User(ctx, k) })
}

func (s *tap) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return via(s, "Account", func() (accounts.Account, error) { return s.Store.Account(ctx, id) })
}

func (s *tap) Standings(ctx context.Context, k []accounts.StandingKey) ([]accounts.Standing, error) {
	return via(s, "Standings", func() ([]accounts.Standing, error) { return s.Store.Standings(ctx, k) })
}

func (s *tap) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	return via(s, "Reachers", func() ([]accounts.Standing, error) { return s.Store.Reachers(ctx, q) })
}

func (s *tap) Owned(ctx context.Context, u accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return via(s, "Owned", func() ([]accounts.Account, error) { return s.Store.Owned(ctx, u, top) })
}

func (s *tap) Owners(ctx context.Context, a accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return via(s, "Owners", func() ([]accounts.Contact, error) { return s.Store.Owners(ctx, a, top) })
}

func (s *tap) Membership(ctx context.Context, k accounts.StandingKey) (accounts.Membership, error) {
	return via(s, "Membership", func() (accounts.Membership, error) { return s.Store.Membership(ctx, k) })
}

func (s *tap) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	return via(s, "Linked", func() (accounts.Linked, error) { return s.Store.Linked(ctx, q) })
}

func (s *tap) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	return via(s, "Recording", func() (accounts.Recording, error) { return s.Store.Recording(ctx, q) })
}

func (s *tap) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	return via(s, "ClientRecords", func() ([]accounts.ClientEntry, error) { return s.Store.ClientRecords(ctx, q) })
}

func (s *tap) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	return via(s, "Sites", func() ([]accounts.Site, error) { return s.Store.Sites(ctx, q) })
}

func (s *tap) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return via(s, "Members", func() ([]accounts.Member, error) { return s.Store.Members(ctx, q) })
}

func (s *tap) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	return via(s, "Connections", func() ([]accounts.Connected, error) { return s.Store.Connections(ctx, q) })
}

func (s *tap) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	return via(s, "Events", func() ([]accounts.Event, error) { return s.Store.Events(ctx, q) })
}

func (s *tap) Reply(ctx context.Context, k accounts.ReplyKey) (accounts.Reply, error) {
	return via(s, "Reply", func() (accounts.Reply, error) { return s.Store.Reply(ctx, k) })
}

func (s *tap) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	return via(s, "Applied", func() (bool, error) { return s.Store.Applied(ctx, op) })
}

func (s *tap) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	return via(s, "ClaimEvents", func() ([]accounts.EventDelivery, error) { return s.Store.ClaimEvents(ctx, c) })
}

func (s *tap) SettleEvents(ctx context.Context, r []accounts.EventReceipt) (int, error) {
	return via(s, "SettleEvents", func() (int, error) { return s.Store.SettleEvents(ctx, r) })
}

func (s *tap) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	_, err := via(s, "ApplyAccounts", func() (struct{}, error) { return struct{}{}, s.Store.ApplyAccounts(ctx, c) })
	return err
}

// field returns the field that an input error names.
func field(t testing.TB, err error) string {
	t.Helper()
	var bad *accounts.InvalidError
	require.ErrorAs(t, err, &bad)
	require.ErrorIs(t, err, accounts.ErrInvalid)
	return bad.Field
}
