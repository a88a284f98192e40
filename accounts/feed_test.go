package accounts_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// busy is a world with n events that the host has not taken.
func busy(t testing.TB, n int) *world {
	t.Helper()
	w := office(t)
	f := w.newFeed(func(accounts.Event) error { return nil }, nil)
	_, err := f.Flush(t.Context())
	require.NoError(t, err)
	for i := range n {
		w.clock.Add(time.Second)
		role := []roles.Role{roles.Author, roles.Manager}[i%2]
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "cid", role))
	}
	return w
}

func (w *world) newFeed(handle func(accounts.Event) error, o *accounts.FeedOptions) *accounts.Feed {
	w.t.Helper()
	f, err := accounts.NewFeed(w.st, w.env, func(_ context.Context, e accounts.Event) error { return handle(e) }, o)
	require.NoError(w.t, err)
	return f
}

// taken collects what a handler was given.
type taken struct {
	mu   sync.Mutex
	seen map[string]int
	list []accounts.Event
}

func (s *taken) handle(e accounts.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[fmt.Sprint(e.Op, e.Seq)]++
	s.list = append(s.list, e)
	return nil
}

// The host receives every event, in the order of time, once when nothing goes
// wrong (D3 of the product).
func TestFeed_flush(t *testing.T) {
	t.Parallel()

	w := busy(t, 7)
	var got taken
	f := w.newFeed(got.handle, &accounts.FeedOptions{Batch: 3})
	n, err := f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 7, n)
	for i, e := range got.list {
		require.Equal(t, start.Add(time.Duration(i+1)*time.Second), e.At)
	}
	n, err = f.Flush(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

// An event whose handler fails or panics is offered again later, and holds up
// no other (I-22 for events).
func TestFeed_handlerFails(t *testing.T) {
	t.Parallel()

	for name, fail := range map[string]func() error{
		"an error": func() error { return errBroken },
		"a panic":  func() error { panic("secret") },
	} {
		w := busy(t, 5)
		var got taken
		bad := true
		f := w.newFeed(func(e accounts.Event) error {
			if e.At.Equal(start.Add(2*time.Second)) && bad {
				return fail()
			}
			return got.handle(e)
		}, &accounts.FeedOptions{Batch: 2, Retry: time.Minute})
		n, err := f.Flush(t.Context())
		require.NoError(t, err, name)
		require.Equal(t, 4, n, name)
		bad = false
		w.clock.Add(time.Minute - time.Microsecond)
		n, err = f.Flush(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "%s: not before its time", name)
		w.clock.Add(time.Microsecond)
		n, err = f.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n, name)
		require.Len(t, got.seen, 5)
	}
}

// Two processes share the work: what one has leased the other does not get,
// until the lease has run out.
func TestFeed_lease(t *testing.T) {
	t.Parallel()

	w := busy(t, 4)
	var mine, others taken
	other := w.newFeed(others.handle, &accounts.FeedOptions{Lease: time.Minute})
	var f *accounts.Feed
	f = w.newFeed(func(e accounts.Event) error {
		n, err := other.Flush(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "leased to somebody else")
		return mine.handle(e)
	}, &accounts.FeedOptions{Lease: time.Minute})
	n, err := f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)

	w = busy(t, 4)
	mine, others = taken{}, taken{}
	other = w.newFeed(others.handle, nil)
	f = w.newFeed(func(e accounts.Event) error {
		w.clock.Add(time.Minute) // slower than the lease
		return mine.handle(e)
	}, &accounts.FeedOptions{Lease: time.Minute})
	_, err = f.Flush(t.Context())
	require.NoError(t, err)
	require.Len(t, mine.list, 1, "it stops when the lease of the rest has run out")
	n, err = other.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n, "the rest is another's, and nothing is lost")
}

// A lost answer of the store, and a caller who leaves, lose no event: at least
// once, not at most.
func TestFeed_atLeastOnce(t *testing.T) {
	t.Parallel()

	w := busy(t, 3)
	var got taken
	fails := 1
	st := &tap{Store: w.st, hook: func(method string, after bool) error {
		if method == "SettleEvents" && !after && fails > 0 {
			fails--
			return errBroken
		}
		return nil
	}}
	f, err := accounts.NewFeed(st, w.env, func(_ context.Context, e accounts.Event) error { return got.handle(e) }, nil)
	require.NoError(t, err)
	_, err = f.Flush(t.Context())
	require.ErrorIs(t, err, errBroken)
	w.clock.Add(time.Minute)
	n, err := f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	for _, times := range got.seen {
		require.Equal(t, 2, times)
	}

	w = busy(t, 3)
	got = taken{}
	ctx, cancel := context.WithCancel(t.Context())
	f = w.newFeed(func(e accounts.Event) error { cancel(); return got.handle(e) }, nil)
	n, err = f.Flush(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n, "what was handed over is settled")
	w.clock.Add(time.Minute)
	n, err = f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Len(t, got.seen, 3)
	for _, times := range got.seen {
		require.Equal(t, 1, times)
	}
}

// An event of a transaction that commits late is not missed, though newer ones
// were taken before.
func TestFeed_lateCommit(t *testing.T) {
	t.Parallel()

	w := busy(t, 0)
	var got taken
	f := w.newFeed(got.handle, nil)
	tx := w.st.Begin()
	require.NoError(t, w.svc.With(tx.Store()).SuspendUser(t.Context(), staff(), "dan"))
	w.clock.Add(time.Hour)
	require.NoError(t, w.svc.SuspendMember(t.Context(), w.as("ann"), "acme", "cid"))
	n, err := f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, tx.Commit())
	n, err = f.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, accounts.EventUserSuspended, got.list[1].Kind)
	require.True(t, got.list[1].At.Before(got.list[0].At))
}

// Run hands over what comes, outlives a failing store, and ends with its
// context, leaving nothing behind (I-32).
func TestFeed_run(t *testing.T) {
	t.Parallel()

	w := busy(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	fails, n := 2, 0
	st := &tap{Store: w.st, hook: func(method string, after bool) error {
		mu.Lock()
		defer mu.Unlock()
		if method == "ClaimEvents" && !after && fails > 0 {
			fails--
			return errBroken
		}
		return nil
	}}
	f, err := accounts.NewFeed(st, w.env, func(context.Context, accounts.Event) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	}, &accounts.FeedOptions{Poll: time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, f.Run(ctx))
	require.Equal(t, 3, n)
}

// A feed with a bad option is refused by its name.
func TestNewFeed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	handle := func(context.Context, accounts.Event) error { return nil }
	for want, build := range map[string]func() (*accounts.Feed, error){
		"store":  func() (*accounts.Feed, error) { return accounts.NewFeed(nil, w.env, handle, nil) },
		"handle": func() (*accounts.Feed, error) { return accounts.NewFeed(w.st, w.env, nil, nil) },
		"lease": func() (*accounts.Feed, error) {
			return accounts.NewFeed(w.st, w.env, handle, &accounts.FeedOptions{Lease: -1})
		},
		"poll": func() (*accounts.Feed, error) {
			return accounts.NewFeed(w.st, w.env, handle, &accounts.FeedOptions{Poll: -1})
		},
		"retry": func() (*accounts.Feed, error) {
			return accounts.NewFeed(w.st, w.env, handle, &accounts.FeedOptions{Retry: -1})
		},
		"batch": func() (*accounts.Feed, error) {
			return accounts.NewFeed(w.st, w.env, handle, &accounts.FeedOptions{Batch: -1})
		},
	} {
		_, err := build()
		require.Equal(t, want, field(t, err))
	}
}
