package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
)

var errBroken = errors.New("the disk is on fire")

// drilled is one call of a service S. A refused one ends in the error named.
type drilled[S any] struct {
	call func(ctx context.Context, s S, w *world) error
	want error
	// reads is for a call that puts on record that it reads, and then reads: it can
	// fail after its change is there.
	reads bool
}

// drill breaks the store below the calls of a service S, in every way.
type drill[S any] struct {
	ops    map[string]drilled[S]
	world  func(testing.TB) *world
	state  func(*world) string
	on     func(*world, accounts.Store) S
	tapped func(w *world, hook func(method string, after bool) error) S
}

func (d drill[S]) run(t *testing.T) {
	t.Helper()
	for name, op := range d.ops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := d.world(t)
			before, calls := d.state(ref), []string{}
			require.ErrorIs(t, op.call(t.Context(), d.tapped(ref, func(method string, after bool) error {
				calls = append(calls, fmt.Sprint(method, after))
				return nil
			}), ref), op.want)
			after := d.state(ref)
			require.NotEmpty(t, calls)
			d.faults(t, op, calls, before, after)
			d.lostAnswers(t, op, after)
			d.cancellations(t, op, len(calls), before, after)
			d.joined(t, op, before, after)
		})
	}
}

// faults breaks each call of the store, before it takes effect or after: the
// caller gets the store's own error and no decision, and the state is the one
// before or the one after (A93, A94, A95, I-31).
func (d drill[S]) faults(t *testing.T, op drilled[S], calls []string, before, after string) {
	t.Helper()
	applied := false
	for k, call := range calls {
		w, n := d.world(t), 0
		err := op.call(t.Context(), d.tapped(w, func(string, bool) error {
			if n++; n == k+1 {
				return errBroken
			}
			return nil
		}), w)
		require.ErrorIs(t, err, errBroken, "%s", call)
		if op.want != nil {
			require.NotErrorIs(t, err, op.want, "a fault is no decision")
		}
		want := before
		if applied = call == "ApplyAccountstrue" || op.reads && applied; applied {
			want = after
		}
		require.Equal(t, want, d.state(w), "%s", call)
	}
}

// lostAnswers loses the answer of the commit, with and without its effect: the
// call ends as if nothing had happened, with one effect (A96).
func (d drill[S]) lostAnswers(t *testing.T, op drilled[S], after string) {
	t.Helper()
	for _, lost := range []bool{false, true} { // false: before the effect
		w, done := d.world(t), false
		err := op.call(t.Context(), d.tapped(w, func(method string, after bool) error {
			if method == "ApplyAccounts" && after == lost && !done {
				done = true
				return accounts.ErrUnknown
			}
			return nil
		}), w)
		require.ErrorIs(t, err, op.want)
		require.Equal(t, after, d.state(w), "the effect was there: %v", lost)
	}
}

// cancellations ends the context at each call: there is the state before or the
// state after, and no success without effect (A101).
func (d drill[S]) cancellations(t *testing.T, op drilled[S], calls int, before, after string) {
	t.Helper()
	for k := range calls {
		w, n := d.world(t), 0
		ctx, cancel := context.WithCancel(t.Context())
		err := op.call(ctx, d.tapped(w, func(string, bool) error {
			if n++; n == k+1 {
				cancel()
			}
			return nil
		}), w)
		cancel()
		if err == nil || op.want != nil && errors.Is(err, op.want) {
			require.Equal(t, after, d.state(w), "call %d: an answer without its effect", k)
			continue
		}
		require.ErrorIs(t, err, context.Canceled)
		if op.reads {
			require.Contains(t, []string{before, after}, d.state(w), "call %d", k)
		} else {
			require.Equal(t, before, d.state(w), "call %d", k)
		}
	}
	w := d.world(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	require.ErrorIs(t, op.call(ctx, d.on(w, w.st), w), context.DeadlineExceeded)
	require.Equal(t, before, d.state(w))
}

// joined makes the call in a transaction of the host: what it does is there when
// the host commits, with its event and its mail, and never was if the host rolls
// back (D1 of the product, A84).
func (d drill[S]) joined(t *testing.T, op drilled[S], before, after string) {
	t.Helper()
	for _, commit := range []bool{false, true} {
		w := d.world(t)
		tx := w.st.Begin()
		require.ErrorIs(t, op.call(t.Context(), d.on(w, tx.Store()), w), op.want)
		require.Equal(t, before, d.state(w), "nothing is seen before the commit")
		if commit {
			require.NoError(t, tx.Commit())
			require.Equal(t, after, d.state(w))
		} else {
			require.NoError(t, tx.Rollback())
			require.Equal(t, before, d.state(w))
		}
	}
}
