package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// What an error says of a change that was sent: that it conflicts with others, that
// nothing was done, or that nobody knows (A93, A96).
func TestOutcome(t *testing.T) {
	t.Parallel()
	says := func(severity, code string) error { return &pgconn.PgError{Severity: severity, Code: code} }
	const conflict, fault, unknown = "conflict", "fault", "unknown"
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"a check of ours that did not hold", says("ERROR", "22012"), conflict},
		{"a serialization failure", says("ERROR", "40001"), conflict},
		{"a deadlock", says("ERROR", "40P01"), conflict},
		{"a lock that was not free in time", says("ERROR", "55P03"), conflict},
		{"a statement that took too long", says("ERROR", "57014"), fault},
		{"a reference to nothing", says("ERROR", "23503"), fault},
		{"a full disk", says("ERROR", "53100"), fault},
		{"a server that is read-only", says("ERROR", "25006"), fault},
		{"a server that shuts down", says("FATAL", "57P01"), unknown},
		{"a server that shuts down, in another language", &pgconn.PgError{Severity: "FATAL ERROR", SeverityUnlocalized: "FATAL", Code: "57P01"}, unknown},
		{"a server that crashed", says("PANIC", "XX000"), unknown},
		{"a pooler whose server is gone", says("ERROR", "08P01"), unknown},
		{"a connection that failed, as a gateway says", says("ERROR", "08006"), unknown},
		{"an engine that does not know", says("ERROR", "40003"), unknown},
		{"a connection that ended", io.ErrUnexpectedEOF, unknown},
		{"a network that is down", &net.OpError{Op: "read", Err: io.EOF}, unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Outcome(t.Context(), fmt.Errorf("wrapped: %w", test.err))
			require.Error(t, err)
			require.Equal(t, test.want == conflict, errors.Is(err, accounts.ErrConflict), "%v", err)
			require.Equal(t, test.want == unknown, errors.Is(err, accounts.ErrUnknown), "%v", err)
		})
	}
	require.NoError(t, postgres.Outcome(t.Context(), nil))
}

// A server, or a pooler before it, that answers every statement of a change and then
// breaks off where it would say that the change is committed, has left it unknown:
// never is it told that nothing was done.
func TestOutcome_brokenOff(t *testing.T) {
	t.Parallel()
	for _, m := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec} {
		for name, last := range map[string]pgproto3.BackendMessage{
			"with a word":    &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08P01", Message: "server conn crashed?"},
			"without a word": nil,
		} {
			t.Run(m.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				c, err := pgx.ParseConfig("host=127.0.0.1 user=u dbname=d sslmode=disable")
				require.NoError(t, err)
				c.DefaultQueryExecMode = m
				c.DialFunc = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go breaksOff(theirs, last)
					return ours, nil
				}
				conn, err := pgx.ConnectConfig(t.Context(), c)
				require.NoError(t, err)
				defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
				err = postgres.Send(t.Context(), conn, "UPDATE one", "UPDATE two")
				require.ErrorIs(t, err, accounts.ErrUnknown)
			})
		}
	}
}

// breaksOff is a server that runs everything and ends, with a last word or none, where
// it would say that what it ran is committed.
func breaksOff(c net.Conn, last pgproto3.BackendMessage) {
	defer func() { _ = c.Close() }()
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	ran := false
	for b.Flush() == nil {
		for said := false; !said; {
			m, err := b.Receive()
			if err != nil {
				return
			}
			switch m := m.(type) {
			case *pgproto3.Parse:
				b.Send(&pgproto3.ParseComplete{})
			case *pgproto3.Bind:
				b.Send(&pgproto3.BindComplete{})
			case *pgproto3.Describe:
				if m.ObjectType == 'S' {
					b.Send(&pgproto3.ParameterDescription{})
				}
				b.Send(&pgproto3.NoData{})
			case *pgproto3.Execute:
				ran = true
				b.Send(&pgproto3.CommandComplete{CommandTag: []byte("UPDATE 1")})
			case *pgproto3.Sync:
				said = true
			}
		}
		if !ran {
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			continue
		}
		if last != nil {
			b.Send(last)
		}
		_ = b.Flush()
		return
	}
}

// What a server refuses while others hold a lock: a lock_timeout and a deadlock are
// conflicts, a statement_timeout and a request to cancel are not; after each nothing is
// there, and the pool goes on.
func TestStore_refusals(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	put(t, st, someAccount("a"), someAccount("b"))
	moves := func(id string) accounts.Guard {
		return accounts.Guard{Account: accounts.AccountID(id), Version: 1, Move: true}
	}
	other := func(t *testing.T, edit func(c *pgxpool.Config)) *postgres.Store {
		t.Helper()
		c := s.pool.Config()
		c.MaxConns = 2
		edit(c)
		p, err := pgxpool.NewWithConfig(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(p.Close)
		x, err := postgres.New(t.Context(), p, &postgres.Options{Schema: st.schema})
		require.NoError(t, err)
		return x
	}
	setting := func(name, value string) func(c *pgxpool.Config) {
		return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
	}
	leaves := func(_ *testing.T, leave func()) { leave() }
	for _, test := range []struct { //nolint:paralleltest // one after the other: waiters are counted
		name  string
		edit  func(c *pgxpool.Config)
		while func(t *testing.T, leave func()) // it waits
		want  []error
		not   []error
	}{
		{"a lock_timeout is a conflict", setting("lock_timeout", "50"), nil, []error{accounts.ErrConflict}, nil},
		{"a statement_timeout is a fault", setting("statement_timeout", "50"), nil, nil, []error{accounts.ErrConflict, accounts.ErrUnknown}},
		{"a caller who leaves knows nothing", func(*pgxpool.Config) {}, leaves, []error{accounts.ErrUnknown, context.Canceled}, nil},
		{"a caller who leaves where pgx cancels what runs knows that nothing was done", func(c *pgxpool.Config) {
			c.ConnConfig.BuildContextWatcherHandler = func(p *pgconn.PgConn) ctxwatch.Handler {
				return &pgconn.CancelRequestContextWatcherHandler{Conn: p, DeadlineDelay: 5 * time.Second}
			}
		}, leaves, []error{context.Canceled}, []error{accounts.ErrUnknown, accounts.ErrConflict}},
		{"a backend that is ended while it waits leaves it unknown", func(*pgxpool.Config) {}, func(t *testing.T, _ func()) {
			t.Helper()
			run(t, s.pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		}, []error{accounts.ErrUnknown}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := other(t, test.edit)
			tx, err := s.pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
			require.NoError(t, st.JoinTx(tx).ApplyAccess(t.Context(), of(moves("a"))))
			c := of(moves("a"), someUser("never"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			told := make(chan error, 1)
			go func() { told <- x.ApplyAccess(ctx, c) }()
			if test.while != nil {
				require.Eventually(t, func() bool { return waiters(t, s.pool) > 0 }, 20*time.Second, time.Millisecond)
				test.while(t, cancel)
			}
			err = <-told
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorIs(t, err, want)
			}
			for _, not := range test.not {
				require.NotErrorIs(t, err, not)
			}
			require.Eventually(t, func() bool { return waiters(t, s.pool) == 0 }, 10*time.Second, time.Millisecond,
				"it goes on waiting, and would be done when the lock is free")
			require.NoError(t, tx.Rollback(t.Context()))
			done, err := x.Applied(t.Context(), c.Op)
			require.NoError(t, err)
			require.False(t, done)
		})
	}

	t.Run("of two who wait for each other one has a conflict", func(t *testing.T) {
		one, err := s.pool.Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = one.Rollback(context.WithoutCancel(t.Context())) }()
		two, err := s.pool.Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = two.Rollback(context.WithoutCancel(t.Context())) }()
		first, second := st.JoinTx(one), st.JoinTx(two)
		require.NoError(t, first.ApplyAccess(t.Context(), of(moves("a"))))
		require.NoError(t, second.ApplyAccess(t.Context(), of(moves("b"))))
		told := make(chan error, 2)
		ends := func(j storage.Storage, tx pgx.Tx, want string) {
			err := j.ApplyAccess(t.Context(), of(moves(want)))
			told <- errors.Join(err, tx.Rollback(t.Context())) // at once: the other one waits
		}
		go ends(first, one, "b")
		go ends(second, two, "a")
		err = errors.Join(<-told, <-told) // of one of them
		require.ErrorIs(t, err, accounts.ErrConflict)
		require.ErrorIs(t, err, accounts.ErrRepeat)
	})
}
