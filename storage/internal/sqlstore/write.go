package sqlstore

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// ErrUnique is what a [Tx] returns, wrapped or bare, when a statement would
// have broken the uniqueness of a key or an index.
var ErrUnique = errors.New("sqlstore: not unique")

// Tx is a transaction that is under way. It runs one statement at a time.
type Tx interface {
	// Exec runs a statement and returns how many rows it affected or, if it
	// asks, returned.
	Exec(ctx context.Context, s *Statement, args []any) (int64, error)

	// Query runs a statement that returns rows, each with as many values as
	// the statement has columns: int64, string, []byte or nil.
	Query(ctx context.Context, s *Statement, args []any) ([][]any, error)
}

// Runner makes a unit of work durable as a whole or not at all. The unit's
// context is not the caller's: it does not end while the unit runs. A unit may
// be run again after an attempt that had no effect.
//
// Run returns the unit's error; accounts.ErrConflict when the database was too
// busy, accounts.ErrUnknown when the answer of the commit was lost; or the
// error of a context that ended before the unit was begun.
type Runner interface {
	Run(ctx context.Context, unit func(ctx context.Context, tx Tx) error) error
}

// Writes has the writing methods of the ports, for any Runner.
type Writes struct {
	r     Runner
	texts *texts
}

// NewWrites returns the writes in a dialect.
func NewWrites(r Runner, d Dialect) *Writes { return &Writes{r: r, texts: &texts{d: d}} }

// WritesBy returns the same writes run by another Runner.
func WritesBy(r Runner, w *Writes) *Writes { return &Writes{r: r, texts: w.texts} }

// run runs the steps, and stops at the first that does not hold.
func (p plan) run(ctx context.Context, tx Tx) error {
	if p.lost {
		return accounts.ErrConflict
	}
	for i := 0; i < len(p.steps); i++ {
		s := &p.steps[i]
		n, err := tx.Exec(ctx, s.stmt, s.args)
		switch {
		case err != nil:
			return err
		case s.want != anyRows && n != s.want:
			return accounts.ErrConflict
		case n == s.when:
			i += s.over
		}
	}
	return nil
}
