package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// far is a store behind a network that can fail.
type far struct {
	*postgres.Store
	proxy *pgtest.Proxy
	near  *pgxpool.Pool // around it
	table string        // begins the names of the tables
}

func newFar(t *testing.T) far {
	t.Helper()
	dsn, schema := pgtest.Schema(t)
	proxy := pgtest.NewProxy(t, dsn)
	st, err := postgres.New(t.Context(), pooled(t, proxy.DSN(dsn), nil), &postgres.Options{Schema: schema})
	require.NoError(t, err)
	return far{st, proxy, pooled(t, dsn, nil), schema + ".chatelaine_"}
}

func (f far) count(t *testing.T, from string) int {
	t.Helper()
	return one[int](t, f.near, "SELECT count(*) FROM "+f.table+from)
}

// A change whose answer is lost is durable, once, and said to be unknown; one that was
// lost before it arrived is not there, and is said to be unknown as well; whoever asks
// Applied learns which it was (A93, A96). What settles and claims is no different: the
// next one finds it done, or not done.
func TestStore_lost(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	put(t, f, someAccount("a"), someUser("u"), someMail("m0", "r"), someMail("m1", "r"), someMail("m2", "r"), someMail("m3", "r"))
	kinds := []struct {
		name  string
		apply func(ctx context.Context, st storage.Storage, c access.Change) error
	}{
		{"ApplyAccounts", func(ctx context.Context, st storage.Storage, c access.Change) error {
			return st.ApplyAccounts(ctx, c.Change)
		}},
		{"ApplyAccess", func(ctx context.Context, st storage.Storage, c access.Change) error { return st.ApplyAccess(ctx, c) }},
		{"ApplyInvites", func(ctx context.Context, st storage.Storage, c access.Change) error {
			return st.ApplyInvites(ctx, invites.Change{Change: c.Change})
		}},
	}
	for _, k := range kinds { //nolint:paralleltest // one proxy, one fault at a time
		t.Run(k.name+" whose answer is lost is there", func(t *testing.T) {
			c := of(someUser(k.name+"-lost"), someMail(k.name, "x"))
			f.loses(t, f.proxy.LoseAnswers, func() error { return k.apply(t.Context(), f, c) })
			f.applied(t, c.Op, true)
			require.ErrorIs(t, k.apply(t.Context(), f, c), accounts.ErrConflict, "the same change once more")
			require.Equal(t, 1, f.count(t, "users WHERE id = '"+k.name+"-lost'"))
			require.Equal(t, 1, f.count(t, "mails WHERE id = '"+k.name+"'"))
		})
		t.Run(k.name+" that never arrives is not there", func(t *testing.T) {
			c := of(someUser(k.name+"-never"), someMail(k.name+"-never", "x"))
			f.loses(t, f.proxy.LoseChanges, func() error { return k.apply(t.Context(), f, c) })
			f.applied(t, c.Op, false)
			require.Zero(t, f.count(t, "users WHERE id = '"+k.name+"-never'"))
			require.Zero(t, f.count(t, "mails WHERE id = '"+k.name+"-never'"))
			require.NoError(t, k.apply(t.Context(), f, c), "the same change once more")
			require.Equal(t, 1, f.count(t, "users WHERE id = '"+k.name+"-never'"))
		})
	}

	claim := func(at time.Time) ([]mail.Delivery, error) {
		return f.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: at, Lease: time.Hour, Limit: 1})
	}
	t.Run("a claim of mail whose answer is lost comes back when its lease is over", func(t *testing.T) { //nolint:paralleltest // as above
		f.loses(t, f.proxy.LoseAnswers, func() error { _, err := claim(dawn); return err })
		require.Equal(t, 1, f.count(t, "mails WHERE attempts = 1"))
		list, err := claim(later(2))
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
	t.Run("a settlement of mail whose answer is lost counts, and is made once", func(t *testing.T) { //nolint:paralleltest // as above
		list, err := claim(later(4))
		require.NoError(t, err)
		o := mail.Outcome{ID: list[0].Message.ID, Fence: list[0].Fence, State: mail.Sent, At: later(4)}
		f.loses(t, f.proxy.LoseAnswers, func() error { return f.SettleMail(t.Context(), o) })
		require.Equal(t, 1, f.count(t, "mails WHERE state = 'sent'"))
		require.ErrorIs(t, f.SettleMail(t.Context(), o), mail.ErrFenced)
	})
	take := func(at time.Time) ([]accounts.EventDelivery, error) {
		return f.ClaimEvents(t.Context(), accounts.EventClaim{At: at, Lease: time.Hour, Limit: 1})
	}
	t.Run("a claim of events whose answer is lost comes back when its lease is over", func(t *testing.T) { //nolint:paralleltest // as above
		f.loses(t, f.proxy.LoseAnswers, func() error { _, err := take(dawn); return err })
		require.Equal(t, 1, f.count(t, "events WHERE attempts = 1"))
		list, err := take(later(2))
		require.NoError(t, err)
		require.Len(t, list, 1)
		receipt := []accounts.EventReceipt{{Op: list[0].Event.Op, Seq: list[0].Event.Seq, Fence: list[0].Fence, Taken: true}}
		f.loses(t, f.proxy.LoseAnswers, func() error { _, err := f.SettleEvents(t.Context(), receipt); return err })
		n, err := f.SettleEvents(t.Context(), receipt)
		require.NoError(t, err)
		require.Zero(t, n, "settled twice")
	})
}

// loses has a call meet a fault, and tell that nobody knows.
func (f far) loses(t *testing.T, arm func(n int), call func() error) {
	t.Helper()
	before := f.proxy.Fired()
	arm(1)
	require.ErrorIs(t, call(), accounts.ErrUnknown)
	require.Equal(t, before+1, f.proxy.Fired(), "nothing was lost")
}

func (f far) applied(t *testing.T, op accounts.OpID, want bool) {
	t.Helper()
	if !want { // the server may not have noticed yet
		require.Eventually(t, func() bool { return waiters(t, f.near) == 0 }, 10*time.Second, time.Millisecond)
	}
	got, err := f.Applied(t.Context(), op)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Whoever calls a service has the answer, however often the answer of a commit is lost
// on its way, and the effect is one (A93, A97).
func TestService_lost(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	env, err := accounts.NewEnv(&accounts.EnvOptions{Clock: clockAt{dawn}})
	require.NoError(t, err)
	service, err := accounts.New(f, env)
	require.NoError(t, err)
	accountsOf := 0
	for name, arm := range map[string]func(n int){"answers": f.proxy.LoseAnswers, "changes": f.proxy.LoseChanges} {
		for times := range 3 {
			owner := someUser(fmt.Sprintf("u-%s-%d", name, times))
			put(t, f, owner)
			before, events := f.proxy.Fired(), f.count(t, "events")
			arm(times)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			a, err := service.CreateAccount(ctx, accounts.System("test"), accounts.CreateAccount{
				Name: "Name", Owner: owner.ID, Key: fmt.Sprint(name, times),
			})
			cancel()
			require.NoError(t, err, "%d %s lost", times, name)
			require.Equal(t, before+min(times, fires(name)), f.proxy.Fired())
			f.proxy.Disarm()
			accountsOf++
			require.Equal(t, 1, f.count(t, "accounts WHERE id = '"+string(a.ID)+"'"))
			require.Equal(t, accountsOf, f.count(t, "accounts"))
			require.Equal(t, 1, one[int](t, f.near, "SELECT count(DISTINCT op) FROM "+f.table+"events WHERE account_id = $1", string(a.ID)))
			require.Greater(t, f.count(t, "events"), events)
		}
	}
}

// fires tells how often a fault can meet one change: an answer is lost once, since what
// was lost is there; a change on its way is lost each time.
func fires(what string) int {
	if what == "answers" {
		return 1
	}
	return 100
}

// A server that is shut down while changes run, and comes back, has each of them once
// or not at all, and each caller of a service has the answer when it is back in time.
func TestStore_shutDown(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a server is started of its own")
	}
	c := pgtest.Own(t, &pgtest.Options{TCP: true})
	p := pooled(t, c.DSN("postgres"), nil)
	st, err := postgres.New(t.Context(), p, nil)
	require.NoError(t, err)
	type sent struct {
		op  accounts.OpID
		err error
	}
	told := make(chan sent, 4)
	for n := range 4 {
		go func() {
			for i := 0; ; i++ {
				x := of(someUser(fmt.Sprintf("u-%d-%d", n, i)))
				if err := st.ApplyAccess(t.Context(), x); err != nil {
					told <- sent{x.Op, err}
					return
				}
			}
		}()
	}
	require.Eventually(t, func() bool { return one[int](t, p, "SELECT count(*) FROM chatelaine_users") > 20 }, 20*time.Second, time.Millisecond)
	require.NoError(t, c.Halt())
	var failed []sent
	for range 4 {
		failed = append(failed, <-told)
	}
	require.NoError(t, c.Run(t.Context()))
	p.Reset()
	for _, f := range failed {
		done, err := st.Applied(t.Context(), f.op)
		require.NoError(t, err)
		if !errors.Is(f.err, accounts.ErrUnknown) {
			require.False(t, done, "it is there, and the caller was told that nothing was done: %v", f.err)
		}
	}
	require.Equal(t, one[int](t, p, "SELECT count(*) FROM chatelaine_users"), one[int](t, p, "SELECT count(*) FROM chatelaine_events"))
}

// A change whose answer is lost while it still waits for a standby holds its locks.
// Whoever finds out what became of it waits for it, also where a lock_timeout ends
// each wait, and does not decide anew beside it: that would find its own effect, and
// refuse what succeeded (A93, A98).
func TestOperate_standby(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t, nil)
	set := func(name, value string) func(c *pgxpool.Config) {
		return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
	}
	admin := pooled(t, c.DSN("postgres"), set("synchronous_commit", "local"))
	near, err := postgres.New(t.Context(), admin, nil)
	require.NoError(t, err)
	require.NoError(t, c.SetStandbys(t.Context(), "nobody"))
	free := func() { require.NoError(t, c.SetStandbys(t.Context(), "")) }
	defer free() // nothing else ends what waits
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	env, err := accounts.NewEnv(nil)
	require.NoError(t, err)

	timeouts := []string{"0", "100ms"}
	told := make([]chan error, len(timeouts))
	ops := make([]accounts.OpID, len(timeouts))
	for i, timeout := range timeouts {
		st := bare(t, pooled(t, c.DSN("postgres"), set("lock_timeout", timeout)), postgres.Options{})
		id := "u-" + timeout
		put(t, near, someUser(id))
		change := of(withVersion(someUser(id), 1))
		change.Users[0].Name = "renamed"
		again := make(chan error, 1000)
		told[i], ops[i] = make(chan error, 2), change.Op
		decided, lost := false, false
		go func() {
			told[i] <- accounts.Operate(ctx, env, st, change.Op, func(context.Context) (func(context.Context) error, error) {
				if decided {
					return nil, errors.New("it was decided anew")
				}
				decided = true
				return func(ctx context.Context) error {
					if lost {
						err := st.ApplyAccess(ctx, change)
						again <- err
						return err
					}
					lost = true
					go func() { told[i] <- st.ApplyAccess(context.WithoutCancel(ctx), change) }()
					return errors.Join(accounts.ErrUnknown, comes(ctx, admin, i+1, "wait_event = 'SyncRep'"))
				}, nil
			})
		}()
		if timeout == "0" {
			require.NoError(t, comes(ctx, admin, 1, "wait_event_type = 'Lock'"))
		} else {
			require.ErrorIs(t, <-again, accounts.ErrBusy)
		}
	}

	free()
	for i, timeout := range timeouts {
		require.NoError(t, <-told[i])
		require.NoError(t, <-told[i])
		u, err := near.User(ctx, accounts.UserKey{ID: accounts.UserID("u-" + timeout)})
		require.NoError(t, err)
		require.Equal(t, "renamed", u.Name)
		require.EqualValues(t, 2, u.Version)
		require.Equal(t, 1, one[int](t, admin, "SELECT count(*) FROM chatelaine_events WHERE op = $1", string(ops[i])))
	}
}

// comes waits until so many backends are in a state.
func comes(ctx context.Context, p *pgxpool.Pool, n int, state string) error {
	for {
		var are int
		if err := p.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE "+state).Scan(&are); err != nil || are >= n {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}
