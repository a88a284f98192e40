package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// faults is who kills.
type faults struct {
	c       config
	fleet   *fleet
	ledger  *ledger
	cluster *pgtest.Cluster // of -kill server
	rnd     *rand.Rand
	log     io.Writer

	kills  int
	fewest int // operations that were acknowledged between two faults
}

// run kills until it is enough, and verifies now and then.
func (f *faults) run(ctx context.Context, verify func(final bool) error) error {
	begun := time.Now()
	f.fewest = -1
	acked := 0
	checked := 0
	for {
		if err := f.until(ctx, acked+f.c.least); err != nil {
			return err
		}
		if f.c.kill == killNone {
			return f.idle(ctx, begun)
		}
		rest(ctx, time.Duration(f.rnd.Int64N(int64(f.c.every))))
		if f.fewest < 0 || f.ledger.acknowledged()-acked < f.fewest {
			f.fewest = f.ledger.acknowledged() - acked
		}
		if err := f.kill(ctx); err != nil {
			return err
		}
		acked = f.ledger.acknowledged()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.c.length > 0 && time.Since(begun) >= f.c.length || f.c.n > 0 && f.kills >= f.c.n {
			// What is left goes on for a moment: the last kill is one like the others.
			return f.until(ctx, acked+f.c.least)
		}
		if f.kills >= checked+f.c.check {
			checked = f.kills
			if err := f.pause(ctx, verify); err != nil {
				return err
			}
			acked = f.ledger.acknowledged()
		}
	}
}

// until waits until so many operations were acknowledged.
func (f *faults) until(ctx context.Context, n int) error {
	end := time.Now().Add(f.c.patience)
	for f.ledger.acknowledged() < n {
		if err := f.fleet.failed(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(end) {
			return fmt.Errorf("within %v of a fault fewer than %d operations were acknowledged: this shows nothing", f.c.patience, f.c.least)
		}
		rest(ctx, time.Millisecond)
	}
	return nil
}

// idle waits while somebody else makes faults, or nobody.
func (f *faults) idle(ctx context.Context, begun time.Time) error {
	for time.Since(begun) < f.c.length && ctx.Err() == nil {
		if err := f.fleet.failed(); err != nil {
			return err
		}
		rest(ctx, 20*time.Millisecond)
	}
	f.ledger.rested()
	return nil // an interrupt ends the load, and what was done is verified
}

// kill makes one fault, and has everything work again.
func (f *faults) kill(ctx context.Context) error {
	f.kills++
	if f.c.kill == killApp {
		place := f.rnd.IntN(f.c.workers)
		if f.c.verbose {
			_, _ = fmt.Fprintf(f.log, "kill %d: a worker, after %d acknowledged\n", f.kills, f.ledger.acknowledged())
		}
		if err := f.fleet.end(place, true); err != nil {
			return err
		}
		return f.fleet.start(ctx, place)
	}
	if f.c.verbose {
		_, _ = fmt.Fprintf(f.log, "kill %d: the server, after %d acknowledged\n", f.kills, f.ledger.acknowledged())
	}
	if err := f.cluster.Kill(); err != nil {
		return err
	}
	rest(ctx, time.Duration(f.rnd.Int64N(int64(200*time.Millisecond))))
	return f.cluster.Run(ctx)
}

// pause ends all workers, so that nothing moves, verifies, and goes on. Where
// processes are killed, these are.
func (f *faults) pause(ctx context.Context, verify func(final bool) error) error {
	app := f.c.kill == killApp
	if err := f.fleet.endAll(app); err != nil {
		return err
	}
	if app {
		f.kills += f.c.workers
	}
	if err := verify(false); err != nil {
		return err
	}
	f.ledger.working()
	return f.fleet.startAll(ctx)
}
