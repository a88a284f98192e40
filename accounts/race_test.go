package accounts_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// deed is an operation of a race, on whatever store it is given.
type deed func(ctx context.Context, w *world, st storage.Storage) error

// crossing is a store that lets another operation pass, from its first read to
// its last write, before one of its own calls.
type crossing struct {
	storage.Storage
	pass  func()
	at, n int // before which call, counted from 1, and how many there were; 0: none
}

func (s *crossing) call() {
	if s.n++; s.n == s.at {
		s.pass()
	}
}

func (s *crossing) User(ctx context.Context, k accounts.UserKey) (accounts.User, error) {
	s.call()
	return s.Storage.User(ctx, k)
}

func (s *crossing) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	s.call()
	return s.Storage.Account(ctx, id)
}

func (s *crossing) Standings(ctx context.Context, k []accounts.StandingKey) ([]accounts.Standing, error) {
	s.call()
	return s.Storage.Standings(ctx, k)
}

func (s *crossing) Owned(ctx context.Context, u accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	s.call()
	return s.Storage.Owned(ctx, u, top)
}

func (s *crossing) Owners(ctx context.Context, a accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	s.call()
	return s.Storage.Owners(ctx, a, top)
}

func (s *crossing) Membership(ctx context.Context, k accounts.StandingKey) (accounts.Membership, error) {
	s.call()
	return s.Storage.Membership(ctx, k)
}

func (s *crossing) Seats(ctx context.Context, a accounts.AccountID, at time.Time) (accounts.Seats, error) {
	s.call()
	return s.Storage.Seats(ctx, a, at)
}

func (s *crossing) Means(ctx context.Context, k accounts.UserKey) (accounts.Means, error) {
	s.call()
	return s.Storage.Means(ctx, k)
}

func (s *crossing) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	s.call()
	return s.Storage.Held(ctx, q)
}

func (s *crossing) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	s.call()
	return s.Storage.Recording(ctx, q)
}

func (s *crossing) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	s.call()
	return s.Storage.ClientRecords(ctx, q)
}

func (s *crossing) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	s.call()
	return s.Storage.Accepting(ctx, q)
}

func (s *crossing) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	s.call()
	return s.Storage.Deciding(ctx, q)
}

func (s *crossing) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	s.call()
	return s.Storage.Entering(ctx, q)
}

func (s *crossing) Session(ctx context.Context, k access.SessionKey) (access.Session, error) {
	s.call()
	return s.Storage.Session(ctx, k)
}

func (s *crossing) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	s.call()
	return s.Storage.ApplyAccounts(ctx, c)
}

func (s *crossing) ApplyAccess(ctx context.Context, c access.Change) error {
	s.call()
	return s.Storage.ApplyAccess(ctx, c)
}

func (s *crossing) ApplyInvites(ctx context.Context, c invites.Change) error {
	s.call()
	return s.Storage.ApplyInvites(ctx, c)
}

// race runs two operations on the same facts: each wholly before every single
// call of the other, and several times both at once. Then looks at what became
// of it; the errors are in the order of the operations.
func race(t *testing.T, given func(t testing.TB) *world, one, two deed, then func(t *testing.T, w *world, errs [2]error)) {
	t.Helper()
	acts := [2]deed{one, two}
	for i, name := range []string{"the second inside the first", "the first inside the second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k := 1; ; k++ {
				w := given(t)
				var errs [2]error
				st := &crossing{Storage: w.st, at: k, pass: func() { errs[1-i] = acts[1-i](t.Context(), w, w.st) }}
				errs[i] = acts[i](t.Context(), w, st)
				if st.n < k {
					require.Greater(t, k, 2, "it reads, and writes")
					return // it makes fewer calls
				}
				then(t, w, errs)
			}
		})
	}
	t.Run("both at once", func(t *testing.T) {
		t.Parallel()
		for range 5 {
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
