package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// errClosed is the answer of a store that was closed.
var errClosed = errors.New("chatelaine: the store is closed")

// groupAtMost is the greatest number of units in one transaction. It bounds
// how long the first of them waits for the last.
const groupAtMost = 64

// writer makes units of work durable, several in one transaction: while one
// group is being committed, the next one gathers. There is no goroutine for it.
// The first who waits leads: it runs every unit that is waiting, each under a
// savepoint, commits once, answers all of them, and hands the lead to the first
// that came meanwhile.
type writer struct {
	src      *source
	patience time.Duration // how long a leader waits for other processes

	mu      sync.Mutex
	queue   []*unit // the leader, if there is one and it has not begun, is the first
	leading bool
	closed  bool
	idle    sync.Cond // leading became false
}

// unit is one caller's work.
type unit struct {
	ctx  context.Context //nolint:containedctx // each unit waits, and leaves, by its own caller's
	run  func(ctx context.Context, c *conn) error
	err  error
	lead bool      // it was handed the lead; guarded by writer.mu
	wake chan bool // true: lead; false: done, see err
}

func newWriter(src *source, patience time.Duration) *writer {
	w := &writer{src: src, patience: patience}
	w.idle.L = &w.mu
	return w
}

// Apply implements sqlstore.Runner.
func (w *writer) Apply(ctx context.Context, steps []sqlstore.Step) (counts []int64, err error) {
	err = w.do(ctx, func(ctx context.Context, c *conn) error {
		counts, err = sqlstore.Run(ctx, c, steps)
		return err
	})
	return counts, err
}

// Ask implements sqlstore.Runner.
func (w *writer) Ask(ctx context.Context, s *sqlstore.Statement, args []any) (rows [][]any, err error) {
	err = w.do(ctx, func(ctx context.Context, c *conn) error {
		rows, err = c.Query(ctx, s, args)
		return err
	})
	return rows, err
}

// do makes a unit durable as a whole or not at all. A caller whose context ends
// while its unit waits leaves, and nothing happens. Once the unit was taken up, the
// caller waits for the outcome and learns it: the unit's own context does not end.
func (w *writer) do(ctx context.Context, run func(ctx context.Context, c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u := &unit{ctx: ctx, run: run, wake: make(chan bool, 1)}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.queue = append(w.queue, u)
	lead := !w.leading
	w.leading, u.lead = true, lead
	w.mu.Unlock()

	if !lead {
		select {
		case lead = <-u.wake:
		case <-ctx.Done():
			if w.leave(u) {
				return ctx.Err()
			}
			lead = <-u.wake
		}
	}
	if lead {
		w.lead(u) //nolint:contextcheck // a leader works for others too, whose contexts are their own
	}
	return u.err
}

// leave takes a unit out of the queue, unless it was taken up or leads.
func (w *writer) leave(u *unit) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, u)
	if i < 0 || u.lead {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// take returns the next unit that waits, or nil.
func (w *writer) take() *unit {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	u := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	return u
}

// pass hands the lead to the first unit that waits.
func (w *writer) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.queue = nil
		w.leading = false
		w.idle.Broadcast()
		return
	}
	w.queue[0].lead = true
	w.queue[0].wake <- true
}

// lead runs a group. The group is never without an answer, and the lead never
// without a successor, whatever happens on the way.
func (w *writer) lead(u *unit) {
	var group []*unit
	outcome := fmt.Errorf("%w: the writer stopped", accounts.ErrUnknown)
	defer func() {
		if len(group) == 0 { // it never began: only the leader gives up
			w.take()
			u.err = outcome
		}
		for _, x := range group {
			if x.err == nil {
				x.err = outcome
			}
		}
		w.pass()
		for _, x := range group {
			if x != u {
				x.wake <- false
			}
		}
	}()
	outcome = w.src.use(u.ctx, func(c *conn) error {
		if err := w.begin(u.ctx, c); err != nil {
			return err
		}
		ctx := context.WithoutCancel(u.ctx)
		for len(group) < groupAtMost {
			x := w.take()
			if x == nil {
				break
			}
			group = append(group, x)
			if err := savepoint(x, c); err != nil {
				// The transaction is lost, and with it the whole group.
				c.rollback(ctx)
				return err
			}
		}
		return w.commit(ctx, c)
	})
}

// begin opens the transaction. It waits while other processes write, until the
// caller's context ends or patience does.
func (w *writer) begin(ctx context.Context, c *conn) error {
	return w.persist(ctx, func() error {
		_, err := c.Exec(context.WithoutCancel(ctx), stmtBegin, nil)
		return err
	})
}

// commit ends the transaction. A database that stays busy is a conflict and
// leaves nothing behind; after any other failure nobody knows.
func (w *writer) commit(ctx context.Context, c *conn) error {
	err := w.persist(ctx, func() error {
		_, err := c.Exec(ctx, stmtCommit, nil)
		return err
	})
	if err == nil {
		return nil
	}
	c.rollback(ctx)
	if isBusy(err) && !c.broken {
		return err
	}
	return fmt.Errorf("%w: %w", accounts.ErrUnknown, err)
}

// persist tries again while the database is busy.
func (w *writer) persist(ctx context.Context, try func() error) error {
	err := try()
	if !isBusy(err) {
		return err
	}
	limit := time.NewTimer(w.patience) //nolint:forbidigo // waiting for another process is real time, whatever clock decides
	defer limit.Stop()
	for n := 0; isBusy(err); n++ {
		var b [1]byte
		_, _ = rand.Read(b[:])                                                       // never fails
		wait := time.NewTimer(time.Duration(b[0]) * (time.Microsecond << min(n, 5))) //nolint:forbidigo // as above
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-limit.C:
			wait.Stop()
			return cmp.Or(ctx.Err(), err)
		case <-wait.C:
		}
		err = try()
	}
	return err
}

// savepoint runs one unit. What it returns is fatal to the transaction; the
// unit's own error is kept in the unit, and undone.
func savepoint(u *unit, c *conn) error {
	ctx := context.WithoutCancel(u.ctx)
	if _, err := c.Exec(ctx, sqlstore.Savepoint, nil); err != nil {
		return err
	}
	u.err = u.run(ctx, c)
	if u.err != nil {
		if _, err := c.Exec(ctx, sqlstore.Back, nil); err != nil {
			return err
		}
	}
	_, err := c.Exec(ctx, sqlstore.Release, nil)
	return err
}

// close lets no more units in and waits for those that are in.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for w.leading {
		w.idle.Wait()
	}
}
