package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// The statements around a change in a host's transaction. Both databases spell
// them so.
var (
	Savepoint = &Statement{Text: "SAVEPOINT chatelaine"}             //nolint:gochecknoglobals // constant
	Release   = &Statement{Text: "RELEASE SAVEPOINT chatelaine"}     //nolint:gochecknoglobals // constant
	Back      = &Statement{Text: "ROLLBACK TO SAVEPOINT chatelaine"} //nolint:gochecknoglobals // constant
)

// Host runs statements in a host's transaction of database/sql, one at a time and
// each change under a savepoint. It implements [Querier] and [Runner].
type Host struct {
	tx        *sql.Tx
	translate func(error) error
	ready     func(ctx context.Context, tx *sql.Tx) error
}

// NewHost returns what runs in a transaction. Errors of the driver are
// translated, and ready, if any, is asked before the first change.
func NewHost(tx *sql.Tx, translate func(error) error, ready func(ctx context.Context, tx *sql.Tx) error) *Host {
	return &Host{tx: tx, translate: translate, ready: ready}
}

// Query implements [Querier]. A context that ended is told at once; one that ends
// meanwhile does not interrupt the statement, which would cost the host its
// transaction.
func (h *Host) Query(ctx context.Context, text string, args ...any) (Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := h.tx.QueryContext(context.WithoutCancel(ctx), text, args...) //nolint:rowserrcheck // the caller reads and closes
	if err != nil {
		return nil, Repeat(h.translate(err))
	}
	return hostRows{rows, h.translate}, nil
}

// hostRows are an answer in a transaction that only the host can run again.
type hostRows struct {
	*sql.Rows
	translate func(error) error
}

// Err implements [Rows].
func (r hostRows) Err() error { return Repeat(r.translate(r.Rows.Err())) }

// Apply implements [Runner].
func (h *Host) Apply(ctx context.Context, steps []Step) (counts []int64, err error) {
	err = h.do(ctx, func(ctx context.Context) error {
		counts, err = Run(ctx, h, steps)
		return err
	})
	return counts, err
}

// Ask implements [Runner].
func (h *Host) Ask(ctx context.Context, s *Statement, args []any) (rows [][]any, err error) {
	err = h.do(ctx, func(ctx context.Context) error {
		rows, err = h.values(ctx, s, args)
		return err
	})
	return rows, err
}

// do runs a unit under a savepoint.
func (h *Host) do(ctx context.Context, unit func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if h.ready != nil {
		if err := h.ready(ctx, h.tx); err != nil {
			return err
		}
		h.ready = nil
	}
	if _, err := h.Exec(ctx, Savepoint, nil); err != nil {
		return Repeat(err)
	}
	err := unit(ctx)
	if err != nil {
		if _, berr := h.Exec(ctx, Back, nil); berr != nil {
			return Lost(berr, err)
		}
	}
	if _, rerr := h.Exec(ctx, Release, nil); rerr != nil {
		return Lost(rerr, err)
	}
	return Repeat(err)
}

// Lost says that a change in a host's transaction could not be undone, or ended.
func Lost(undo, err error) error {
	if err == nil {
		return fmt.Errorf("chatelaine: roll the transaction back, the change could not be ended: %w", undo)
	}
	return fmt.Errorf("chatelaine: roll the transaction back, the change could not be undone: %w (%w)", undo, Repeat(err))
}

// Repeat tells that a conflict in a host's transaction is one of the whole of it.
func Repeat(err error) error {
	if errors.Is(err, accounts.ErrConflict) || errors.Is(err, ErrUnique) {
		return fmt.Errorf("%w: %w (%w)", accounts.ErrConflict, accounts.ErrRepeat, err)
	}
	return err
}

// Exec implements [Tx].
func (h *Host) Exec(ctx context.Context, s *Statement, args []any) (int64, error) {
	if s.Asks {
		rows, err := h.values(ctx, s, args)
		return int64(len(rows)), err
	}
	r, err := h.tx.ExecContext(ctx, s.Text, args...)
	if err != nil {
		return 0, h.translate(err)
	}
	return r.RowsAffected()
}

// values runs a statement that returns rows.
func (h *Host) values(ctx context.Context, s *Statement, args []any) ([][]any, error) {
	rows, err := h.tx.QueryContext(ctx, s.Text, args...)
	if err != nil {
		return nil, h.translate(err)
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
	return list, h.translate(rows.Err())
}
