package accounts_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
)

// deed is an operation of a race, on whatever store it is given.
type deed func(ctx context.Context, w *world, st storage.Storage) error

// crossing is a store that lets another operation pass, from its first read to
// its last write, before the first write of its own.
type crossing struct {
	storage.Storage
	pass func()
}

func cross(st storage.Storage, other func()) *crossing {
	return &crossing{Storage: st, pass: sync.OnceFunc(other)}
}

func (s *crossing) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	s.pass()
	return s.Storage.ApplyAccounts(ctx, c)
}

func (s *crossing) ApplyAccess(ctx context.Context, c access.Change) error {
	if len(c.Events) > 0 { // the count of a try at a password is no operation yet
		s.pass()
	}
	return s.Storage.ApplyAccess(ctx, c)
}

func (s *crossing) ApplyInvites(ctx context.Context, c invites.Change) error {
	s.pass()
	return s.Storage.ApplyInvites(ctx, c)
}

// race runs two operations on the same facts in each order in which both have
// read before one writes, and then several times at once. Then looks at what
// became of it; the errors are in the order of the operations.
func race(t *testing.T, given func(t testing.TB) *world, one, two deed, then func(t *testing.T, w *world, errs [2]error)) {
	t.Helper()
	acts := [2]deed{one, two}
	for i, name := range []string{"the second between the first one's reading and writing", "the first between the second one's reading and writing"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := given(t)
			var errs [2]error
			passed := false
			errs[i] = acts[i](t.Context(), w, cross(w.st, func() {
				passed = true
				errs[1-i] = acts[1-i](t.Context(), w, w.st)
			}))
			require.True(t, passed, "the other came in between")
			then(t, w, errs)
		})
	}
	t.Run("both at once", func(t *testing.T) {
		t.Parallel()
		for range 8 {
			w := given(t)
			var errs [2]error
			var all sync.WaitGroup
			for i, do := range acts {
				all.Go(func() { errs[i] = do(t.Context(), w, w.st) })
			}
			all.Wait()
			then(t, w, errs)
		}
	})
}

// graph returns the graph's service on a store.
func (w *world) graph(st storage.Storage) *accounts.Service {
	w.t.Helper()
	return w.svc.With(st)
}

// invitations returns the service of invitations on a store.
func (w *world) invitations(st storage.Storage) *invites.Service {
	w.t.Helper()
	s, err := invites.New(st, w.env, nil)
	require.NoError(w.t, err)
	return s
}
