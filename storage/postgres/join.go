package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// Joined is the store inside a transaction of the host. It implements
// storage.Storage; rebind services to it with their With methods.
//
// Each change runs under a savepoint, so one that fails leaves the rest of the
// transaction as it was; a question does not, and one that fails ends it. What it reads is what the transaction sees, its own
// changes included; others see them when the host commits. Until then
// everything it returns, secrets included, is provisional.
//
// A conflict matches both accounts.ErrConflict and accounts.ErrRepeat: the host
// rolls back and repeats the whole transaction. A context that ends while a
// statement runs does not interrupt it, since the connection, and the host's
// transaction with it, would be lost; a lock_timeout of the transaction bounds how
// long it waits for others.
//
// The transaction must be READ COMMITTED. At a stricter level it goes on with what it saw
// before it got a lock, and the stricter level of one transaction alone does not tell it
// that others wrote meanwhile: a change in it is refused. A store of the library reads
// what it relies on again when it has the lock.
//
// It serves one goroutine at a time, as the transaction does, and ends with it.
type Joined struct {
	*reads
	*writes
}

// JoinTx returns the store inside a transaction on the same database. Each change
// is one flight of statements. Join last and commit soon: what a change locked
// stays locked until then.
func (s *Store) JoinTx(tx pgx.Tx) *Joined {
	j := joint{tx}
	return &Joined{reads: sqlstore.ReadsBy(j, s.reads), writes: sqlstore.WritesBy(j, s.writes)}
}

// JoinSQL is [Store.JoinTx] for a transaction of database/sql, of any driver for
// PostgreSQL. Each statement of a change is a round trip, since database/sql sends
// one at a time.
func (s *Store) JoinSQL(tx *sql.Tx) *Joined {
	h := sqlstore.NewHost(tx, translate, func(ctx context.Context, tx *sql.Tx) error {
		var level string
		err := tx.QueryRowContext(ctx, "SELECT pg_catalog.current_setting('transaction_isolation')").Scan(&level)
		if err == nil && level != readCommitted {
			return errors.New("chatelaine: " + levelHint)
		}
		return translate(err)
	})
	return &Joined{reads: sqlstore.ReadsBy(h, s.reads), writes: sqlstore.WritesBy(h, s.writes)}
}

const readCommitted = "read committed"

// level fails, with a code that nothing else has, in a transaction of another level,
// whose name is no number. It goes out with the change, and costs no round trip.
var level = &sqlstore.Statement{ //nolint:gochecknoglobals // constant
	Text: `SELECT CASE pg_catalog.current_setting('transaction_isolation') WHEN '` + readCommitted + `' THEN 0
		ELSE pg_catalog.current_setting('transaction_isolation')::integer END`,
}

// joint runs statements in the host's transaction.
type joint struct{ tx pgx.Tx }

// Query implements sqlstore.Querier.
func (j joint) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := j.tx.Query(context.WithoutCancel(ctx), text, args...)
	if err != nil {
		return nil, sqlstore.Repeat(translate(err))
	}
	return joinedAnswers{answers{rows}}, nil // the caller reads and closes
}

// joinedAnswers are answers in a transaction that only the host can run again.
type joinedAnswers struct{ answers }

// Close implements sqlstore.Rows.
func (a joinedAnswers) Close() error { return sqlstore.Repeat(a.answers.Close()) }

// Err implements sqlstore.Rows.
func (a joinedAnswers) Err() error { return sqlstore.Repeat(a.answers.Err()) }

// Apply implements sqlstore.Runner.
func (j joint) Apply(ctx context.Context, steps []sqlstore.Step) (counts []int64, err error) {
	err = j.do(ctx, func(ctx context.Context) error {
		counts, err = flight(ctx, j.tx, steps, []*sqlstore.Statement{sqlstore.Savepoint, level}, []*sqlstore.Statement{sqlstore.Release})
		return err
	})
	return counts, err
}

// Ask implements sqlstore.Runner.
func (j joint) Ask(ctx context.Context, s *sqlstore.Statement, args []any) (rows [][]any, err error) {
	err = j.do(ctx, func(ctx context.Context) error {
		for _, s := range []*sqlstore.Statement{sqlstore.Savepoint, level} {
			if _, err := j.tx.Exec(ctx, s.Text); err != nil {
				return err
			}
		}
		if rows, err = values(ctx, j.tx, s.Text, args); err != nil {
			return err
		}
		_, err := j.tx.Exec(ctx, sqlstore.Release.Text)
		return err
	})
	return rows, err
}

// do runs what begins with a savepoint and releases it, and undoes it if it
// fails.
func (j joint) do(ctx context.Context, unit func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	err := unit(ctx)
	if err == nil {
		return nil
	}
	for _, s := range []*sqlstore.Statement{sqlstore.Back, sqlstore.Release} {
		if _, berr := j.tx.Exec(ctx, s.Text); berr != nil {
			return sqlstore.Lost(berr, translate(err))
		}
	}
	return sqlstore.Repeat(translate(err))
}
