package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// locked holds the write lock of a file until unlock is called, as another
// process would.
func locked(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+hostDSN)
	require.NoError(t, err)
	tx, err := db.Begin()
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.Close())
	}
}

// Changes that wait together become one transaction. One that conflicts and one
// that is a fault are undone alone and answered alone; the others are durable
// (A93, A100).
func TestStore_ApplyAccess_group(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, nil)
	apply(t, st, change("seed", func(c *access.Change) { c.Users = []accounts.User{user("u")} }))

	unlock := locked(t, path)
	const n = 30
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = st.ApplyAccess(t.Context(), change(fmt.Sprint("op", i), func(c *access.Change) {
				// A row of its own first, so that there is something to undo.
				c.Users = []accounts.User{user(fmt.Sprint("a", i))}
				switch i % 3 {
				case 1:
					lost := user("u")
					lost.Version = 7
					c.Users = append(c.Users, lost)
				case 2:
					c.Sessions = []access.Session{{SessionState: access.SessionState{ID: "s", User: "nobody"}}}
				}
			}))
		})
	}
	time.Sleep(50 * time.Millisecond) // all wait for the lock, and so for each other
	unlock()
	wg.Wait()
	for i, err := range errs {
		switch i % 3 {
		case 0:
			require.NoError(t, err)
		case 1:
			require.ErrorIs(t, err, accounts.ErrConflict)
		case 2:
			require.Error(t, err)
			require.NotErrorIs(t, err, accounts.ErrConflict, "a missing user is a fault")
		}
		mustApplied(t, st, fmt.Sprint("op", i), i%3 == 0)
		_, err := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(fmt.Sprint("a", i))})
		require.Equal(t, i%3 != 0, errors.Is(err, accounts.ErrNotFound))
	}
}

// While another process writes, a change waits as long as it was told to, then
// answers that others were at it; a context that ends first takes the change
// back. Neither has an effect, then or later (A100, A101).
func TestStore_ApplyAccess_busy(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, &sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	unlock := locked(t, path)

	require.ErrorIs(t, st.ApplyAccess(t.Context(), change("patient", nil)), accounts.ErrConflict)

	calm, err := sqlite.Open(t.Context(), path, &sqlite.Options{BusyTimeout: time.Hour}) // whoever gives up early does so by their context
	require.NoError(t, err, "a store opens beside a writer")
	defer func() { require.NoError(t, calm.Close()) }()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			err := calm.ApplyAccess(ctx, change(fmt.Sprint("hasty", i), nil))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a hasty change was answered with %v", err)
			}
		})
	}
	wg.Wait()
	mustApplied(t, st, "patient", false) // a reader never waits
	unlock()
	apply(t, calm, change("next", nil))
	for i := range 4 {
		mustApplied(t, st, fmt.Sprint("hasty", i), false)
	}
}

// Contexts end at scattered moments while many write. Whoever is answered with
// success finds the change, whoever is answered with the end of the context
// does not, and the store goes on as before: no transaction stays open, no
// change is mixed with another's (A101, I-32).
func TestStore_ApplyAccess_cancelled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		open func(t *testing.T) *sqlite.Store
	}{
		{"in a file", func(t *testing.T) *sqlite.Store {
			t.Helper()
			st, _ := fresh(t, nil)
			return st
		}},
		{"in memory", func(t *testing.T) *sqlite.Store {
			t.Helper()
			st, err := sqlite.Open(t.Context(), ":memory:", nil)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, st.Close()) })
			return st
		}},
		{"on a host's handle", func(t *testing.T) *sqlite.Store {
			t.Helper()
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "h.db")+hostDSN)
			require.NoError(t, err)
			st, err := sqlite.New(t.Context(), db, nil)
			require.NoError(t, err)
			t.Cleanup(func() {
				require.NoError(t, st.Close())
				require.NoError(t, db.Close())
			})
			return st
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := tt.open(t)
			var cancelled, done atomic.Int64
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 60 {
						op := fmt.Sprintf("op-%d-%d", g, i)
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration((i*7919+g*104729)%2000)*time.Microsecond)
						if g < 2 { // these have time
							ctx = t.Context()
						}
						err := st.ApplyAccess(ctx, change(op, func(c *access.Change) {
							c.Users = []accounts.User{user(op)}
						}))
						ended := ctx.Err() != nil
						_, _ = st.Applied(ctx, accounts.OpID(op)) // readers are cut short as well
						cancel()
						switch {
						case err == nil:
							done.Add(1)
						case errors.Is(err, context.DeadlineExceeded) && ended:
							cancelled.Add(1)
						default: // the end of another's context among them
							t.Errorf("%s: %v", op, err)
						}
						got, aerr := st.Applied(t.Context(), accounts.OpID(op))
						_, uerr := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(op)})
						if aerr != nil || got != (err == nil) || (uerr == nil) != (err == nil) {
							t.Errorf("%s: answered %v, found %v %v %v", op, err, got, aerr, uerr)
						}
					}
				})
			}
			wg.Wait()
			t.Logf("%d done, %d cancelled", done.Load(), cancelled.Load())
			apply(t, st, change("last", nil))
			mustApplied(t, st, "last", true)
		})
	}
}

// Closing waits for what is under way, and lets nothing in afterwards (I-32).
func TestStore_Close(t *testing.T) {
	t.Parallel()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"), nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	var applied atomic.Int64
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				if st.ApplyAccess(context.WithoutCancel(t.Context()), change(fmt.Sprintf("op-%d-%d", g, i), nil)) != nil {
					return
				}
				applied.Add(1)
			}
		})
	}
	for applied.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, st.Close())
	wg.Wait()
}

// A store on the host's handle stops writing when it is closed, although the
// handle goes on.
func TestStore_Close_hostsHandle(t *testing.T) {
	t.Parallel()
	db := handle(t, "file:"+filepath.Join(t.TempDir(), "host.db")+hostDSN, 0)
	st, err := sqlite.New(t.Context(), db, nil)
	require.NoError(t, err)
	apply(t, st, change("before", nil))
	require.NoError(t, st.Close())
	require.Error(t, st.ApplyAccess(t.Context(), change("after", nil)))
	require.NoError(t, db.PingContext(t.Context()), "the handle is the host's")
	var found int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM chatelaine_events WHERE op = 'after'").Scan(&found))
	require.Zero(t, found)
}
