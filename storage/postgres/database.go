package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

var errDriver = errors.New("chatelaine: the handle's driver is not pgx: open it with sql.Open(\"pgx\", …) of github.com/jackc/pgx/v5/stdlib, or give New a pgxpool.Pool")

// database runs statements on a handle of database/sql, on the connections of
// pgx below it.
type database struct{ *sql.DB }

// Query implements sqlstore.Querier.
func (d database) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return answered(d.QueryContext(ctx, text, args...)) // the caller reads and closes
}

func answered(rows *sql.Rows, err error) (sqlstore.Rows, error) {
	if err != nil {
		return nil, translate(err)
	}
	return lines{rows}, nil
}

// lines is an answer of database/sql as the reads take it.
type lines struct{ *sql.Rows }

// Err implements sqlstore.Rows.
func (l lines) Err() error { return translate(l.Rows.Err()) }

// Apply implements sqlstore.Runner.
func (d database) Apply(ctx context.Context, steps []sqlstore.Step) (counts []int64, err error) {
	err = d.on(ctx, func(c *pgx.Conn) error {
		counts, err = send(ctx, c, steps)
		return err
	})
	return counts, err
}

// Ask implements sqlstore.Runner.
func (d database) Ask(ctx context.Context, s *sqlstore.Statement, args []any) (rows [][]any, err error) {
	err = d.on(ctx, func(c *pgx.Conn) error {
		rows, err = ask(ctx, c, s, args)
		return err
	})
	return rows, err
}

// on lends a connection of pgx, and has the handle throw it away when it broke.
func (d database) on(ctx context.Context, use func(c *pgx.Conn) error) error {
	conn, err := d.Conn(ctx)
	if err != nil {
		return waited(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	result := errDriver
	err = conn.Raw(func(dc any) error {
		own, ok := dc.(*stdlib.Conn)
		if !ok {
			return nil
		}
		if result = use(own.Conn()); own.Conn().IsClosed() {
			return driver.ErrBadConn
		}
		return nil
	})
	if errors.Is(err, driver.ErrBadConn) {
		return result
	}
	return cmp.Or(err, result)
}
