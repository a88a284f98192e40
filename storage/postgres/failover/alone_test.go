// Package failover_test tells what is acknowledged while no standby answers.
package failover_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// primary is a server whose commits have to wait for a standby, when there is
// none: what is committed is on one disk alone, and a failover loses it.
type primary struct {
	*pgtest.Cluster

	graph *accounts.Service
	admin *pgx.Conn // its own commits wait for nobody
}

const owner accounts.UserID = "42"

func newPrimary(t *testing.T) *primary {
	t.Helper()
	c := pgtest.Own(t, nil)
	pool, err := pgxpool.New(t.Context(), c.DSN("postgres"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	p := &primary{Cluster: c}
	store, err := postgres.New(t.Context(), pool, nil)
	require.NoError(t, err)
	p.graph, err = accounts.New(store, nil)
	require.NoError(t, err)
	_, err = p.graph.PutUser(t.Context(), accounts.System("test"), accounts.PutUser{ID: owner, Email: "ann@example.com", Name: "Ann"})
	require.NoError(t, err)
	p.admin, err = pgx.Connect(t.Context(), c.DSN("postgres"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.admin.Close(context.Background()) })
	p.run(t, "SET synchronous_commit = local")
	require.NoError(t, p.SetStandbys(t.Context(), "*"))
	return p
}

func (p *primary) run(t *testing.T, text string, args ...any) {
	t.Helper()
	_, err := p.admin.Exec(t.Context(), text, args...)
	require.NoError(t, err)
}

// waiting returns a backend, another than one, whose commit waits for a standby.
func (p *primary) waiting(t *testing.T, other int) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		pid = p.first(t, other)
		return pid != 0
	}, 20*time.Second, 5*time.Millisecond, "no commit waits for a standby")
	return pid
}

// calm returns when no commit waits any more.
func (p *primary) calm(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return p.first(t, 0) == 0 }, 20*time.Second, 5*time.Millisecond, "commits still wait for a standby")
}

func (p *primary) first(t *testing.T, other int) (pid int) {
	t.Helper()
	const ask = "SELECT COALESCE(max(pid), 0) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> $1"
	require.NoError(t, p.admin.QueryRow(t.Context(), ask, other).Scan(&pid))
	return pid
}

// create makes an account, in the background, for a caller who leaves when leave is
// called.
func (p *primary) create(t *testing.T, id accounts.AccountID, key string) (done <-chan error, leave func()) {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(leave)
	told := make(chan error, 1)
	go func() {
		in := accounts.CreateAccount{ID: id, Name: "Studio", Kind: accounts.KindAgency, Owner: owner, Key: key}
		_, err := p.graph.CreateAccount(ctx, accounts.System("test"), in)
		told <- err
	}()
	return told, leave
}

// A change that is committed on the primary, and on no standby, is not
// acknowledged: a failover would lose it (A98, I-29). That the primary itself has
// it, and shows it, is no answer to what became of it.
func TestStore_aloneWithoutItsStandby(t *testing.T) {
	t.Parallel()
	p := newPrimary(t)

	t.Run("a call that is left while it waits is unknown", func(t *testing.T) { //nolint:paralleltest // one server, one after the other
		done, leave := p.create(t, "left", "")
		p.waiting(t, 0)
		leave()
		require.ErrorIs(t, <-done, accounts.ErrUnknown)
		p.calm(t)
	})

	t.Run("one whose connection is ended while it waits is unknown, though the primary shows it", func(t *testing.T) { //nolint:paralleltest // one server, one after the other
		done, leave := p.create(t, "ended", "")
		ended := p.waiting(t, 0)
		p.run(t, "SELECT pg_terminate_backend($1)", ended)
		p.waiting(t, ended) // it looks for what became of it
		leave()
		err := <-done
		var shown int
		require.NoError(t, p.admin.QueryRow(t.Context(), "SELECT count(*) FROM chatelaine_accounts WHERE id = 'ended'").Scan(&shown))
		require.Equal(t, 1, shown, "it was not committed: the test has tested nothing")
		require.ErrorIs(t, err, accounts.ErrUnknown, "no standby has it")
		p.calm(t)
	})

	t.Run("it is acknowledged when a standby has what the primary shows", func(t *testing.T) { //nolint:paralleltest // one server, one after the other
		done, _ := p.create(t, "late", "")
		ended := p.waiting(t, 0)
		p.run(t, "SELECT pg_terminate_backend($1)", ended)
		p.waiting(t, ended)
		select {
		case err := <-done:
			require.Fail(t, "it was answered", "%v", err)
		case <-time.After(100 * time.Millisecond):
		}
		require.NoError(t, p.SetStandbys(t.Context(), "")) // those that wait go on, as when the standby is there
		require.NoError(t, <-done)
	})
}

// An answer that is kept for an idempotency key is given again only when a
// standby has it (A98, I-29).
func TestStore_aloneWithAKey(t *testing.T) {
	t.Parallel()
	p := newPrimary(t)
	left := func() error {
		done, leave := p.create(t, "keyed", "k")
		p.waiting(t, 0)
		leave()
		err := <-done
		p.calm(t)
		return err
	}
	require.ErrorIs(t, left(), accounts.ErrUnknown)
	require.ErrorIs(t, left(), context.Canceled, "no standby has it")
	require.NoError(t, p.SetStandbys(t.Context(), ""))
	done, _ := p.create(t, "keyed", "k")
	require.NoError(t, <-done)
}
