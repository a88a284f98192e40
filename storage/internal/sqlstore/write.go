package sqlstore

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// ErrUnique is what an adapter returns, wrapped or bare, when a statement would
// have broken the uniqueness of a key or an index.
var ErrUnique = errors.New("sqlstore: not unique")

// AnyRows is how many rows a [Step] wants that may affect none or several.
const AnyRows = -1

// Step is one statement of a change. Its values are int64, string, []byte and
// nil.
type Step struct {
	Stmt *Statement
	Args []any

	// Want is how many rows it affects or, if it asks, returns. Any other
	// number is a conflict.
	Want int64

	// Over is how many of the following steps are passed over when this one
	// affects as many rows as When says. Dialects whose statements go out
	// together have no such steps.
	Over int
	When int64
}

// Runner makes statements durable.
type Runner interface {
	// Apply runs steps in order, in one transaction of their own, as a whole or
	// not at all, and returns how many rows each affected or returned. Of a step
	// that has a number to want, and of one that was passed over, it may tell
	// what it likes.
	//
	// It returns accounts.ErrConflict when a step does not hold or the database
	// was too busy, ErrUnique, accounts.ErrUnknown when the answer of the commit
	// was lost, or the error of a context that ended before anything was begun.
	Apply(ctx context.Context, steps []Step) ([]int64, error)

	// Ask runs one statement that writes and returns rows, each with as many
	// values as the statement has columns. Its errors are those of Apply.
	Ask(ctx context.Context, s *Statement, args []any) ([][]any, error)
}

// Tx is a transaction that is under way, and runs one statement at a time.
type Tx interface {
	// Exec runs a statement and returns how many rows it affected or, if it
	// asks, returned.
	Exec(ctx context.Context, s *Statement, args []any) (int64, error)
}

// Run runs steps one after the other, and stops at the first that does not
// hold: what an adapter does that cannot send them together.
func Run(ctx context.Context, tx Tx, steps []Step) ([]int64, error) {
	counts := make([]int64, len(steps))
	for i := 0; i < len(steps); i++ {
		s := &steps[i]
		n, err := tx.Exec(ctx, s.Stmt, s.Args)
		counts[i] = n
		switch {
		case err != nil:
			return nil, err
		case s.Want != AnyRows && n != s.Want:
			return nil, accounts.ErrConflict
		case s.Over > 0 && n == s.When:
			i += s.Over
		}
	}
	return counts, nil
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

// one runs a statement by itself.
func (w *Writes) one(ctx context.Context, s *Statement, args []any) (int64, error) {
	counts, err := w.do(ctx, []Step{{Stmt: s, Args: args, Want: AnyRows}})
	return sum(counts), err
}

// do has steps run.
func (w *Writes) do(ctx context.Context, steps []Step) ([]int64, error) {
	for i := range steps {
		w.texts.d.fit(steps[i].Args)
	}
	return w.r.Apply(ctx, steps)
}

// ask has a statement run that returns rows.
func (w *Writes) ask(ctx context.Context, s *Statement, args []any) ([][]any, error) {
	w.texts.d.fit(args)
	return w.r.Ask(ctx, s, args)
}

// sum returns how many rows a list of steps affected.
func sum(counts []int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}
