package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// pool runs statements on the connections of a pgxpool.
type pool struct{ *pgxpool.Pool }

// Query implements sqlstore.Querier.
func (p pool) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return answer(p.Pool.Query(ctx, text, args...)) // the caller reads and closes
}

// Apply implements sqlstore.Runner.
func (p pool) Apply(ctx context.Context, steps []sqlstore.Step) (counts []int64, err error) {
	err = p.on(ctx, func(c *pgx.Conn) error {
		counts, err = send(ctx, c, steps)
		return err
	})
	return counts, err
}

// Ask implements sqlstore.Runner.
func (p pool) Ask(ctx context.Context, s *sqlstore.Statement, args []any) (rows [][]any, err error) {
	err = p.on(ctx, func(c *pgx.Conn) error {
		rows, err = ask(ctx, c, s, args)
		return err
	})
	return rows, err
}

// on lends a connection. A failure to get one left nothing behind.
func (p pool) on(ctx context.Context, use func(c *pgx.Conn) error) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return waited(ctx, err)
	}
	defer c.Release()
	return use(c.Conn())
}

// sender sends several statements at once: a connection, or a transaction.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// send sends the steps of a change in one flight and one transaction, which the
// server commits when the last of them held: there is one Sync, behind them all.
func send(ctx context.Context, c sender, steps []sqlstore.Step) ([]int64, error) {
	counts, err := flight(ctx, c, steps, nil, nil)
	return counts, outcome(ctx, err)
}

// flight sends steps, with statements before and after them. The error is the
// server's or the connection's own.
func flight(ctx context.Context, c sender, steps []sqlstore.Step, before, after []*sqlstore.Statement) ([]int64, error) {
	b := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(steps)+2)}
	for _, s := range before {
		b.Queue(s.Text)
	}
	for i := range steps {
		s := &steps[i]
		switch s.Want {
		case sqlstore.AnyRows:
			b.Queue(s.Stmt.Text, s.Args...)
		case 1:
			b.Queue(s.Stmt.Checked, s.Args...)
		default:
			b.Queue(s.Stmt.Counted, append(s.Args[:len(s.Args):len(s.Args)], s.Want)...)
		}
	}
	for _, s := range after {
		b.Queue(s.Text)
	}
	r := c.SendBatch(ctx, b)
	counts := make([]int64, len(steps))
	var first error
	for i := range b.QueuedQueries {
		tag, err := r.Exec()
		if err != nil {
			first = err
			break
		}
		if i -= len(before); i >= 0 && i < len(steps) {
			counts[i] = tag.RowsAffected()
		}
	}
	// Only the end of the flight tells that it was committed.
	if err := r.Close(); err != nil && first == nil {
		first = err
	}
	if first != nil {
		return nil, first
	}
	return counts, nil
}

// asker runs one statement that returns rows.
type asker interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

// ask runs a statement that writes and returns rows, in a transaction of its own.
func ask(ctx context.Context, c asker, s *sqlstore.Statement, args []any) ([][]any, error) {
	list, err := values(ctx, c, s.Text, args)
	return list, outcome(ctx, err)
}

// values reads rows of whatever type.
func values(ctx context.Context, c asker, text string, args []any) ([][]any, error) {
	rows, err := c.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list [][]any
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
