package accounts

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Attempt is one try of an operation: it reads facts, decides, and returns how
// to apply the decision, or a refusal. It is called again after a conflict,
// with the same moment and the same operation id.
type Attempt func(ctx context.Context) (apply func(context.Context) error, err error)

// Applier is the part of a store that tells whether an operation is durable.
type Applier interface {
	// Applied reports whether an operation's change is durable.
	Applied(ctx context.Context, op OpID) (bool, error)
}

// Operate runs an operation to its end: it tries again with full jitter while
// others change the same things, until the context's deadline or, without one,
// for [Limits.Retry]; and when the answer of a commit was lost it finds out
// what became of it and applies the same change again if nothing did. Most
// hosts won't need this; packages that add their own changes do.
func Operate(ctx context.Context, env *Env, st Applier, op OpID, try Attempt) error {
	if _, ok := ctx.Deadline(); ok {
		return operate(ctx, st, op, try)
	}
	own, cancel := context.WithTimeout(ctx, env.Limits().Retry)
	defer cancel()
	err := operate(own, st, op, try)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknown) {
		// The caller set no deadline: what ran out is the time for trying.
		err = fmt.Errorf("%w (%w)", ErrConflict, err)
	}
	return err
}

func operate(ctx context.Context, st Applier, op OpID, try Attempt) error {
	for n := 0; ; n++ {
		apply, err := try(ctx)
		switch {
		case err == nil && apply == nil:
			return nil // there was nothing to change
		case n > 0 && err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
			// Time ran out while reading anew after a conflict.
			return fmt.Errorf("%w (%w)", ErrConflict, err)
		}
		// A conflict in the reading, of two questions that were answered at
		// different moments, is tried again like one in the writing.
		if err == nil {
			err = apply(ctx)
		}
		if errors.Is(err, ErrUnknown) && apply != nil {
			err = settle(ctx, st, op, apply, err)
		}
		if !errors.Is(err, ErrConflict) || errors.Is(err, ErrRepeat) {
			return err
		}
		if werr := pause(ctx, n); werr != nil {
			return fmt.Errorf("%w (%w)", ErrConflict, werr)
		}
	}
}

// Repeat runs a transaction of the host again, from its beginning, while it conflicts
// with others: while it fails with [ErrRepeat], or with an error of the database that
// says so by its SQLSTATE, a serialization failure (40001) or a deadlock (40P01). It
// waits a random time between two tries, longer each time, until the context's deadline
// or, without one, for [Limits.Retry]; then it returns the last error. Any other error
// is returned at once.
//
//	err := accounts.Repeat(ctx, env, func(ctx context.Context) error {
//		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
//			… // the host's own statements
//			_, err := graph.With(store.JoinTx(tx)).CreateAccount(ctx, actor, in)
//			return err
//		})
//	})
func Repeat(ctx context.Context, env *Env, do func(ctx context.Context) error) error {
	if _, ok := ctx.Deadline(); !ok {
		own, cancel := context.WithTimeout(ctx, env.Limits().Retry)
		defer cancel()
		ctx = own
	}
	for n := 0; ; n++ {
		err := do(ctx)
		if err == nil || !repeats(err) || pause(ctx, n) != nil {
			return err
		}
	}
}

// repeats tells that a transaction may succeed when it is run again.
func repeats(err error) bool {
	if errors.Is(err, ErrRepeat) {
		return true
	}
	var coded interface{ SQLState() string }
	return errors.As(err, &coded) && (coded.SQLState() == "40001" || coded.SQLState() == "40P01")
}

// settle finds out what became of a change whose answer was lost. The same
// change is applied, not a new decision: its keys make it once.
func settle(ctx context.Context, st Applier, op OpID, apply func(context.Context) error, unknown error) error {
	for n := 0; ; n++ {
		done, err := st.Applied(ctx, op)
		if err == nil && done {
			return nil
		}
		if err == nil {
			switch err = apply(ctx); {
			case err == nil:
				return nil
			case errors.Is(err, ErrBusy) && !errors.Is(err, ErrRepeat):
				// Somebody holds the locks, and it may be the lost change itself.
			case errors.Is(err, ErrConflict):
				// Either the lost commit arrived in between, or others did.
				if done, aerr := st.Applied(ctx, op); aerr == nil && done {
					return nil
				} else if aerr == nil {
					return err
				}
			case !errors.Is(err, ErrUnknown):
				return fmt.Errorf("%w: %w", unknown, err)
			}
		}
		if pause(ctx, n) != nil {
			return unknown
		}
	}
}

// pause waits for a random part of a doubling span: 1 ms at first, 64 ms at
// most.
func pause(ctx context.Context, n int) error {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	span := time.Millisecond << min(n, 6)
	wait := time.Duration(binary.LittleEndian.Uint64(b[:]) % uint64(span)) //nolint:gosec // both are far below 2^63
	t := time.NewTimer(wait)                                               //nolint:forbidigo // a wait between tries is real time, whatever clock decides
	defer t.Stop()
	if err := ctx.Err(); err != nil {
		return err // even when the wait is none
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
