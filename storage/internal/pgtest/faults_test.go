package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// ways are how a client makes a change: each inserts one row and returns what the
// client was told.
func ways(b *bench) map[string]func(ctx context.Context, c *pgx.Conn, n int) error {
	insert := "INSERT INTO " + b.table + " VALUES ($1)"
	inTx := func(ctx context.Context, c *pgx.Conn, f func(tx pgx.Tx) error) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
	one := func(mode pgx.QueryExecMode) func(context.Context, *pgx.Conn, int) error {
		return func(ctx context.Context, c *pgx.Conn, n int) error {
			_, err := c.Exec(ctx, insert, mode, n)
			return err
		}
	}
	return map[string]func(context.Context, *pgx.Conn, int) error{
		"a prepared statement":      one(pgx.QueryExecModeCacheStatement),
		"a described statement":     one(pgx.QueryExecModeCacheDescribe),
		"an executed statement":     one(pgx.QueryExecModeExec),
		"a statement that is text":  one(pgx.QueryExecModeSimpleProtocol),
		"a statement in two rounds": one(pgx.QueryExecModeDescribeExec),
		"a batch": func(ctx context.Context, c *pgx.Conn, n int) error {
			var q pgx.Batch
			q.Queue("SELECT 1")
			q.Queue("WITH i AS ("+insert+" RETURNING 1) SELECT 1/(count(*)=1)::int FROM i", n)
			q.Queue("SELECT 1")
			return c.SendBatch(ctx, &q).Close()
		},
		"a transaction": func(ctx context.Context, c *pgx.Conn, n int) error {
			return inTx(ctx, c, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, insert, n)
				return err
			})
		},
		"a transaction with a savepoint": func(ctx context.Context, c *pgx.Conn, n int) error {
			return inTx(ctx, c, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, insert, n); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, "SAVEPOINT s"); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, "SELECT 1/0"); err == nil {
					return pgx.ErrNoRows
				}
				_, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT s")
				return err
			})
		},
		"a transaction that is a batch": func(ctx context.Context, c *pgx.Conn, n int) error {
			var q pgx.Batch
			q.Queue("BEGIN")
			q.Queue(insert, n)
			q.Queue("COMMIT")
			return c.SendBatch(ctx, &q).Close()
		},
		"a transaction that is a text": func(ctx context.Context, c *pgx.Conn, n int) error {
			_, err := c.Exec(ctx, "BEGIN; INSERT INTO "+b.table+" SELECT count(*)+1 FROM "+b.table+"; COMMIT")
			return err
		},
	}
}

// The lost answer of a commit: the row is there, and the client was told an error
// of the network. A commit that never arrives: the same error, and no row. Only
// what is a change meets them, whatever the client reads before and after.
func TestProxy_LoseAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		arm  func(*pgtest.Proxy)
		want int
	}{
		{"the answer is lost", func(p *pgtest.Proxy) { p.LoseAnswers(1) }, 1},
		{"the change is lost", func(p *pgtest.Proxy) { p.LoseChanges(1) }, 0},
	} {
		for name := range ways(&bench{}) {
			t.Run(test.name+" of "+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				way := ways(b)[name]
				c := connect(t, b.dsn)
				b.proxy.SetDelay(100 * time.Microsecond)
				test.arm(b.proxy)

				require.Zero(t, number(t, c, "SELECT count(*) FROM "+b.table))
				require.Zero(t, number(t, c, "SELECT count(*) FROM "+b.table+" WHERE n = $1", 1))
				do(t, c, "BEGIN")
				require.Equal(t, 1, number(t, c, "SELECT 1 FROM (SELECT 1) x FOR UPDATE"))
				do(t, c, "COMMIT")
				require.Zero(t, b.proxy.Fired())

				err := way(t.Context(), c, 1)
				require.Error(t, err)
				var told *pgconn.PgError
				require.NotErrorAs(t, err, &told, "the server's answer came through")
				require.Equal(t, 1, b.proxy.Fired())
				require.Equal(t, test.want, b.rows(t))

				c = connect(t, b.dsn)
				require.NoError(t, way(t.Context(), c, 2), "the fault is over")
				require.Equal(t, 1, b.proxy.Fired())
				require.Equal(t, test.want+1, b.rows(t))
			})
		}
	}
}

// A change that the server refuses is answered, and does not count as one whose
// answer was lost; so is a commit that is a rollback.
func TestProxy_LoseAnswers_refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	do(t, b.direct, "INSERT INTO "+b.table+" VALUES (1)")
	b.proxy.LoseAnswers(1)
	for name, way := range ways(b) {
		if name == "a transaction that is a text" {
			continue // it takes a number that is free
		}
		var told *pgconn.PgError
		require.ErrorAs(t, way(t.Context(), connect(t, b.dsn), 1), &told, name)
		require.Equal(t, "23505", told.Code, name)
	}
	c := connect(t, b.dsn)
	do(t, c, "BEGIN")
	do(t, c, "INSERT INTO "+b.table+" VALUES (7)")
	_, err := c.Exec(t.Context(), "SELECT 1/0")
	require.ErrorContains(t, err, "division by zero")
	tag, err := c.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.Equal(t, "ROLLBACK", tag.String())
	require.Zero(t, b.proxy.Fired())

	_, err = c.Exec(t.Context(), "INSERT INTO "+b.table+" VALUES (7)")
	require.Error(t, err)
	require.Equal(t, 1, b.proxy.Fired())
	require.Equal(t, 2, b.rows(t))
}

// Of several clients at once, exactly as many lose their answer as were armed.
func TestProxy_LoseAnswers_many(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.proxy.LoseAnswers(3)
	lost := make(chan bool)
	for i := range 8 {
		go func() {
			c, err := pgx.Connect(context.Background(), b.dsn)
			if err != nil {
				lost <- false
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			_, err = c.Exec(context.Background(), "INSERT INTO "+b.table+" VALUES ($1)", i)
			lost <- err != nil
		}()
	}
	n := 0
	for range 8 {
		if <-lost {
			n++
		}
	}
	require.Equal(t, 3, n)
	require.Equal(t, 3, b.proxy.Fired())
	require.Equal(t, 8, b.rows(t))

	b.proxy.LoseAnswers(1)
	b.proxy.Disarm()
	do(t, connect(t, b.dsn), "INSERT INTO "+b.table+" VALUES (100)")
	require.Equal(t, 3, b.proxy.Fired())
}

// A test chooses the message itself: what goes before it arrives, and with
// CutAfter the message as well.
func TestProxy_CutBefore(t *testing.T) {
	t.Parallel()
	insert := func(b *bench) func(m pgtest.Message) bool {
		return func(m pgtest.Message) bool { return m.Type == 'Q' && m.SQL == "INSERT INTO "+b.table+" VALUES (2)" }
	}

	t.Run("the message does not arrive", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.proxy.CutBefore(insert(b))
		c := connect(t, b.dsn)
		do(t, c, "INSERT INTO "+b.table+" VALUES (1)")
		_, err := c.Exec(t.Context(), "INSERT INTO "+b.table+" VALUES (2)")
		require.Error(t, err)
		require.Equal(t, 1, b.proxy.Fired())
		require.Equal(t, 1, b.rows(t))
	})

	t.Run("the message arrives and its answer does not", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.proxy.CutAfter(insert(b))
		c := connect(t, b.dsn)
		do(t, c, "INSERT INTO "+b.table+" VALUES (1)")
		_, err := c.Exec(t.Context(), "INSERT INTO "+b.table+" VALUES (2)")
		require.Error(t, err)
		require.Equal(t, 1, b.proxy.Fired())
		require.Equal(t, 2, b.rows(t))
	})

	t.Run("an answer that is an error is lost too", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.proxy.CutAfter(func(m pgtest.Message) bool { return m.SQL == "SELECT 1/0" })
		_, err := connect(t, b.dsn).Exec(t.Context(), "SELECT 1/0")
		require.Error(t, err)
		require.NotContains(t, err.Error(), "division")
		require.Equal(t, 1, b.proxy.Fired())
	})
}

// What commits is seen in what the client says, through quotes and comments.
func TestMessage_Commits(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	p := pgtest.NewProxy(t, dsn)
	said := make(chan pgtest.Message, 100)
	p.CutBefore(func(m pgtest.Message) bool {
		if m.Type == 'Q' {
			said <- m
		}
		return false
	})
	c, err := pgconn.Connect(t.Context(), p.DSN(dsn))
	require.NoError(t, err)
	defer func() { _ = c.Close(context.Background()) }()
	for _, test := range []struct {
		given string
		want  bool
	}{
		{"CREATE TABLE " + schema + ".t (n int); SET search_path = " + schema, true},
		{"SELECT 'a;insert into t values (1)' -- ; delete from t", false},
		{"/* update t */ SELECT $a$ delete $a$, $$;delete from t;$$ FROM \"t\" FOR NO KEY UPDATE", false},
		{"WITH x AS (SELECT 1) SELECT * FROM x, t FOR UPDATE OF t", false},
		{"WITH x AS (delete from t returning 1) SELECT * FROM x", true},
		{"-- reads\n INSERT INTO t VALUES (1)", true},
		{"BEGIN", false},
		{"UPDATE t SET n = 2", false},
		{"SAVEPOINT a", false},
		{"ROLLBACK TO a", false},
		{"RELEASE SAVEPOINT a", false},
		{"END", true},
		{"START TRANSACTION READ WRITE; SELECT 1", false},
		{"COMMIT", false},
		{"BEGIN; DELETE FROM t", false},
		{"ROLLBACK", false},
		{"SELECT 1; COMMIT", false},
		{"", false},
		{"BEGIN; INSERT INTO t VALUES (1); COMMIT; BEGIN", true},
		{"ABORT", false},
		{"TRUNCATE t", true},
	} {
		_, err := c.Exec(t.Context(), test.given).ReadAll()
		require.NoError(t, err, test.given)
		m := <-said
		require.Equal(t, test.given, m.SQL)
		require.Equal(t, test.want, m.Commits, test.given)
	}
}
