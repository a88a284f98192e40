package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// Joined is the store inside a transaction of the host. It implements
// storage.Storage; rebind services to it with their With methods.
//
// Each change runs under a savepoint, so one that fails leaves the rest of the
// transaction as it was. What it reads is what the transaction sees, its own
// changes included; others see them when the host commits. Until then
// everything it returns, secrets included, is provisional.
//
// A conflict matches both accounts.ErrConflict and accounts.ErrRepeat: what
// the transaction sees does not change by trying again, so the host rolls back
// and repeats the whole of it. A context that ends while a change runs does not
// interrupt it: SQLite would undo the host's transaction.
//
// It serves one goroutine at a time, as the transaction does, and ends with it.
type Joined struct {
	*reads
	*writes
}

// JoinSQL returns the store inside a transaction on the same database: of the
// handle given to [New], or of any other on the file given to [Open]. The
// connection needs foreign_keys on; the first change is refused otherwise. Join
// last and commit soon: a transaction that writes keeps all other writers out.
//
// Begin the transaction with _txlock=immediate in the handle's DSN. One that
// reads first and writes later fails with a conflict when others wrote in
// between.
//
// Ask Principal before you begin, or on the joined store: a note of last use
// would wait for your own transaction.
func (s *Store) JoinSQL(tx *sql.Tx) *Joined {
	j := &joint{tx: tx}
	return &Joined{reads: sqlstore.ReadsBy(j, s.reads), writes: sqlstore.WritesBy(j, s.writes)}
}

// joint runs statements in the host's transaction.
type joint struct {
	tx      *sql.Tx
	checked bool
}

// Query implements sqlstore.Querier.
func (j *joint) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return answer(j.tx.QueryContext(ctx, text, args...)) // the caller reads and closes
}

// Run implements sqlstore.Runner.
func (j *joint) Run(ctx context.Context, unit func(ctx context.Context, tx sqlstore.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	t := jointTx{j.tx}
	if !j.checked {
		var on int
		if err := j.tx.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&on); err != nil {
			return err
		}
		if on != 1 {
			return errors.New(errRefused + "foreign_keys is 0: open the transaction's handle with _pragma=foreign_keys(1)")
		}
		j.checked = true
	}
	if _, err := t.Exec(ctx, stmtSavepoint, nil); err != nil {
		return repeat(err)
	}
	err := unit(ctx, t)
	if err != nil {
		if _, berr := t.Exec(ctx, stmtBack, nil); berr != nil {
			return fmt.Errorf("chatelaine: roll the transaction back, the change could not be undone: %w (%w)", berr, err)
		}
	}
	if _, rerr := t.Exec(ctx, stmtRelease, nil); rerr != nil {
		return errors.Join(err, rerr)
	}
	return repeat(err)
}

// repeat tells that a conflict is one of the whole transaction.
func repeat(err error) error {
	if errors.Is(err, accounts.ErrConflict) || errors.Is(err, sqlstore.ErrUnique) {
		return fmt.Errorf("%w: %w (%w)", accounts.ErrConflict, accounts.ErrRepeat, err)
	}
	return err
}

// jointTx implements sqlstore.Tx on a transaction of database/sql.
type jointTx struct{ tx *sql.Tx }

// Exec implements sqlstore.Tx.
func (t jointTx) Exec(ctx context.Context, s *sqlstore.Statement, args []any) (int64, error) {
	if s.Asks {
		rows, err := t.Query(ctx, s, args)
		return int64(len(rows)), err
	}
	r, err := t.tx.ExecContext(ctx, s.Text, args...)
	if err != nil {
		return 0, translate(err)
	}
	return r.RowsAffected()
}

// Query implements sqlstore.Tx.
func (t jointTx) Query(ctx context.Context, s *sqlstore.Statement, args []any) ([][]any, error) {
	rows, err := t.tx.QueryContext(ctx, s.Text, args...)
	if err != nil {
		return nil, translate(err)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list [][]any
	for rows.Next() {
		values := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		list = append(list, values)
	}
	return list, translate(rows.Err())
}
