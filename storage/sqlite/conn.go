package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// The statements around units of work.
var (
	stmtBegin    = &sqlstore.Statement{Text: "BEGIN IMMEDIATE"}
	stmtCommit   = &sqlstore.Statement{Text: "COMMIT"}
	stmtRollback = &sqlstore.Statement{Text: "ROLLBACK"}
)

var errDriver = errors.New("chatelaine: the handle's driver is not modernc.org/sqlite, nor does it behave like it")

// conn is the driver's own connection. Statements are prepared on it once and
// run bare: through database/sql a transaction prepares them again each time.
// It serves one goroutine at a time.
//
// It is a driver.Conn itself: pools of the store's own hold it, and keep its
// statements as long as the connection.
type conn struct {
	dc    driver.Conn
	stmts map[*sqlstore.Statement]*prepared
	named []driver.NamedValue // arguments on their way to the driver, which keeps none

	// checked tells that the connection is as the store needs it.
	checked bool

	// broken tells that nobody knows what state the connection is in.
	broken bool
}

type prepared struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

func newConn(dc driver.Conn) *conn {
	return &conn{dc: dc, stmts: make(map[*sqlstore.Statement]*prepared)}
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(text string) (driver.Stmt, error) { return c.dc.Prepare(text) }

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) {
	return c.dc.Begin() //nolint:staticcheck // nothing else is in the interface
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	c.forget()
	return c.dc.Close()
}

// connector makes connections that keep their statements.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	dc, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, translate(err)
	}
	return newConn(dc), nil
}

// forget finalizes the prepared statements; a connection with any stays open
// for ever.
func (c *conn) forget() {
	for k, s := range c.stmts {
		_ = s.Close()
		delete(c.stmts, k)
	}
}

func (c *conn) prepare(ctx context.Context, s *sqlstore.Statement) (*prepared, error) {
	if p := c.stmts[s]; p != nil {
		return p, nil
	}
	p, err := c.prepareText(ctx, s.Text)
	if err != nil {
		return nil, err
	}
	c.stmts[s] = p
	return p, nil
}

func (c *conn) prepareText(ctx context.Context, text string) (*prepared, error) {
	var st driver.Stmt
	var err error
	if pc, ok := c.dc.(driver.ConnPrepareContext); ok {
		st, err = pc.PrepareContext(ctx, text)
	} else {
		st, err = c.dc.Prepare(text)
	}
	if err != nil {
		return nil, translate(err)
	}
	p := &prepared{Stmt: st}
	var execs, queries bool
	p.exec, execs = st.(driver.StmtExecContext)
	p.query, queries = st.(driver.StmtQueryContext)
	if !execs || !queries {
		_ = st.Close()
		return nil, errDriver
	}
	return p, nil
}

// Exec implements sqlstore.Tx.
func (c *conn) Exec(ctx context.Context, s *sqlstore.Statement, args []any) (int64, error) {
	p, err := c.prepare(ctx, s)
	if err != nil {
		return 0, err
	}
	if s.Asks {
		var n int64
		err := c.each(ctx, p, args, func([]driver.Value) { n++ })
		return n, err
	}
	r, err := p.exec.ExecContext(ctx, c.bind(args))
	if err != nil {
		return 0, translate(err)
	}
	return r.RowsAffected()
}

// Query runs a statement that returns rows.
func (c *conn) Query(ctx context.Context, s *sqlstore.Statement, args []any) ([][]any, error) {
	p, err := c.prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	err = c.each(ctx, p, args, func(v []driver.Value) {
		row := make([]any, len(v))
		for i := range v {
			row[i] = v[i]
		}
		rows = append(rows, row)
	})
	return rows, err
}

// one runs a statement that is needed once and returns the first value of its
// first row, or nil.
func (c *conn) one(ctx context.Context, text string) (any, error) {
	p, err := c.prepareText(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	var first any
	n := 0
	err = c.each(ctx, p, nil, func(v []driver.Value) {
		if n == 0 && len(v) > 0 {
			first = v[0]
		}
		n++
	})
	return first, err
}

// script runs several statements.
func (c *conn) script(ctx context.Context, text string) error {
	p, err := c.prepareText(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	_, err = p.exec.ExecContext(ctx, nil)
	return translate(err)
}

func (c *conn) each(ctx context.Context, p *prepared, args []any, f func([]driver.Value)) error {
	rows, err := p.query.QueryContext(ctx, c.bind(args))
	if err != nil {
		return translate(err)
	}
	values := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(values)
		if err == nil {
			f(values)
			continue
		}
		cerr := rows.Close()
		if !errors.Is(err, io.EOF) {
			return translate(err)
		}
		return translate(cerr)
	}
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.named = c.named[:0]
	for i, a := range args {
		c.named = append(c.named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.named
}

// rollback leaves the transaction, if there still is one. A connection that
// cannot is broken.
func (c *conn) rollback(ctx context.Context) {
	_, err := c.Exec(ctx, stmtRollback, nil)
	if err != nil && code(err) != codeError { // SQLITE_ERROR: no transaction is active
		c.broken = true
	}
}

// The result codes of SQLite that mean something to this package.
const (
	codeError      = 1
	codeBusy       = 5
	codeLocked     = 6
	codeUnique     = 2067
	codePrimaryKey = 1555
	codeRowID      = 2579
)

// busyError is SQLITE_BUSY or SQLITE_LOCKED: somebody else is at it, and
// nothing happened.
type busyError struct{ err error }

func (e busyError) Error() string { return e.err.Error() }
func (e busyError) Unwrap() error { return e.err }

// Is makes a busy database a conflict.
func (e busyError) Is(target error) bool {
	return target == accounts.ErrConflict || target == accounts.ErrBusy
}

func isBusy(err error) bool {
	var b busyError
	return errors.As(err, &b)
}

// coded is an error of the driver.
type coded interface {
	error
	Code() int
}

func code(err error) int {
	var c coded
	if errors.As(err, &c) {
		return c.Code()
	}
	return 0
}

// translate says what the writes know of the driver's errors.
func translate(err error) error {
	if err == nil {
		return nil
	}
	switch n := code(err); {
	case n == codeUnique, n == codePrimaryKey, n == codeRowID:
		return fmt.Errorf("%w: %w", sqlstore.ErrUnique, err)
	case n&0xff == codeBusy, n&0xff == codeLocked:
		return busyError{err}
	}
	return err
}
