package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// statementsAtMost is the greatest number of reading statements kept prepared.
// There are far fewer texts; the limit holds if one ever varies without end.
const statementsAtMost = 256

// pool reads. It keeps a prepared statement for each text.
type pool struct {
	db    *sql.DB
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

// Query implements sqlstore.Querier.
func (p *pool) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	s, err := p.prepare(ctx, text) //nolint:sqlclosecheck // the pool keeps it
	if err != nil {
		return nil, err
	}
	if s == nil {
		return answer(p.db.QueryContext(ctx, text, args...)) // the caller reads and closes
	}
	return answer(s.QueryContext(ctx, args...)) // the caller reads and closes
}

// prepare returns the statement for a text, or none when there are too many.
func (p *pool) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	s, n := p.stmts[text], len(p.stmts)
	p.mu.RUnlock()
	if s != nil || n >= statementsAtMost {
		return s, nil
	}
	s, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.stmts[text]; other != nil {
		_ = s.Close() //nolint:sqlclosecheck // the one that is not kept
		return other, nil
	}
	if p.stmts == nil {
		p.stmts = make(map[string]*sql.Stmt)
	}
	p.stmts[text] = s
	return s, nil
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	p.stmts = nil
	return errors.Join(errs...)
}

// answer keeps a nil *sql.Rows from becoming an interface that is not nil.
func answer(rows *sql.Rows, err error) (sqlstore.Rows, error) {
	if err != nil {
		return nil, err
	}
	return rows, nil
}
