package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// faulty is a driver that fails where it is told to.
type faulty struct {
	driver.Connector
	f *faults
}

type faults struct {
	// on decides what becomes of a statement: run it first or not, then
	// answer with the error.
	on atomic.Pointer[func(text string) (run bool, err error)]
}

func (f *faults) set(on func(text string) (run bool, err error)) {
	if on == nil {
		f.on.Store(nil)
		return
	}
	f.on.Store(&on)
}

func (c faulty) Connect(ctx context.Context) (driver.Conn, error) {
	dc, err := c.Connector.Connect(ctx)
	return faultyConn{dc, c.f}, err
}

type faultyConn struct {
	driver.Conn
	f *faults
}

func (c faultyConn) Prepare(text string) (driver.Stmt, error) {
	st, err := c.Conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	return faultyStmt{st, st.(driver.StmtExecContext), st.(driver.StmtQueryContext), text, c.f}, nil
}

type faultyStmt struct {
	driver.Stmt
	exec driver.StmtExecContext
	driver.StmtQueryContext
	text string
	f    *faults
}

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if on := s.f.on.Load(); on != nil {
		run, err := (*on)(s.text)
		if run {
			if _, rerr := s.exec.ExecContext(ctx, args); rerr != nil {
				return nil, rerr
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return s.exec.ExecContext(ctx, args)
}

func onFaulty(t *testing.T) (*ours.Store, *faults) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	cn, err := sqlite.NewConnector("file:" + path + hostDSN)
	require.NoError(t, err)
	f := &faults{}
	db := sql.OpenDB(faulty{cn, f})
	st, err := ours.New(t.Context(), db, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		f.set(nil)
		require.NoError(t, st.Close())
		require.NoError(t, db.Close())
		sound(t, path)
	})
	return st, f
}

// When the answer of a commit is lost, the change is there as a whole or not at
// all, nobody is told that it failed, and the store goes on (A96).
func TestStore_ApplyAccess_unknown(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprintf("a commit whose answer was lost, arrived %v", arrived), func(t *testing.T) {
			t.Parallel()
			st, f := onFaulty(t)
			f.set(func(text string) (bool, error) {
				if text == "COMMIT" {
					return arrived, errors.New("the disk went away")
				}
				return false, nil
			})
			err := st.ApplyAccess(t.Context(), change("op", func(c *access.Change) { c.Users = []accounts.User{user("u")} }))
			require.ErrorIs(t, err, accounts.ErrUnknown)
			require.NotErrorIs(t, err, accounts.ErrConflict)
			f.set(nil)
			mustApplied(t, st, "op", arrived)
			apply(t, st, change("next", nil))
			mustApplied(t, st, "op", arrived)
			mustApplied(t, st, "next", true)
		})
	}
}

// A statement that fails leaves nothing of its change, wherever it stands, and
// the store goes on (A93).
func TestStore_ApplyAccess_faults(t *testing.T) {
	t.Parallel()
	lost := errors.New("the disk went away")
	for k := range 9 {
		t.Run(fmt.Sprintf("statement %d fails", k), func(t *testing.T) {
			t.Parallel()
			st, f := onFaulty(t)
			var n atomic.Int64
			f.set(func(string) (bool, error) {
				if int(n.Add(1)) == k+1 {
					return false, lost
				}
				return false, nil
			})
			err := st.ApplyAccess(t.Context(), change("op", func(c *access.Change) {
				c.Users = []accounts.User{user("u")}
				c.Accounts = []accounts.Account{account("a")}
				c.Memberships = []accounts.Membership{member("a", "u")}
			}))
			f.set(nil)
			done, aerr := st.Applied(t.Context(), "op")
			require.NoError(t, aerr)
			_, uerr := st.User(t.Context(), accounts.UserKey{ID: "u"})
			require.Equal(t, done, uerr == nil, "all or nothing")
			if err == nil {
				require.True(t, done)
			} else if !errors.Is(err, accounts.ErrUnknown) {
				require.ErrorIs(t, err, lost)
				require.False(t, done)
			}
			apply(t, st, change("next", nil))
		})
	}
}

// Whatever happens to the one who leads, the others get their answers and the
// store goes on (I-32).
func TestStore_ApplyAccess_panic(t *testing.T) {
	t.Parallel()
	st, f := onFaulty(t)
	var once sync.Once
	f.set(func(text string) (bool, error) {
		if strings.HasPrefix(text, "INSERT INTO chatelaine_events") {
			once.Do(func() { panic("a driver with a fault") })
		}
		return false, nil
	})
	var wg sync.WaitGroup
	var panics, unknown, done atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					panics.Add(1)
				}
			}()
			switch err := st.ApplyAccess(t.Context(), change(fmt.Sprint("op", i), nil)); {
			case err == nil:
				done.Add(1)
			case errors.Is(err, accounts.ErrUnknown):
				unknown.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, panics.Load())
	require.EqualValues(t, 15, unknown.Load()+done.Load())
	apply(t, st, change("next", nil))
}
