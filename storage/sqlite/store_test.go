package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

// noon is the moment at which everything happens.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC)

// hostDSN is how a host opens its own handle.
const hostDSN = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=foreign_keys(1)&_txlock=immediate"

// fresh opens a store in a new file, and looks at the file when the test ends.
// A database is whole and refers to nothing that is missing after whatever was
// done to it (I-33).
func fresh(t testing.TB, opts *sqlite.Options) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	if opts == nil {
		migrated(t, path)
	}
	st, err := sqlite.Open(t.Context(), path, opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, st.Close())
		sound(t, path)
	})
	return st, path
}

// schemaFile is a database with the schema and nothing else. It is made once:
// hundreds of tests need it, and few are about migrating.
var schemaFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "app.db")
	st, err := sqlite.Open(context.Background(), path, nil)
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrated puts a database with the schema where there is none.
func migrated(t testing.TB, path string) {
	t.Helper()
	b, err := schemaFile()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b, 0o600))
}

func sound(t testing.TB, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var answer string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&answer))
	require.Equal(t, "ok", answer)
	var broken int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken))
	require.Zero(t, broken)
}

func event(op accounts.OpID, seq int) accounts.Event {
	return accounts.Event{Op: op, Seq: seq, At: noon, Kind: "test"}
}

// change is a change that does what is asked and leaves an event.
func change(op string, fill func(c *access.Change)) access.Change {
	c := access.Change{Change: accounts.Change{Op: accounts.OpID(op), Events: []accounts.Event{event(accounts.OpID(op), 1)}}}
	if fill != nil {
		fill(&c)
	}
	return c
}

func user(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: "Name of " + id},
		Email:     accounts.Email(id + "@example.com"), Address: id + "@example.com", CreatedAt: noon, UpdatedAt: noon,
	}
}

func account(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: "Account " + id},
		Kind:         accounts.KindStandard, CreatedAt: noon, UpdatedAt: noon,
	}
}

func spendOne(op, subject string, limit int) access.Change {
	return change(op, func(c *access.Change) {
		c.Spend = []accounts.Spend{{
			QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: subject, Day: accounts.DayOf(noon)},
			N:        1, Limit: limit,
		}}
	})
}

func message(id, reason string) mail.Message {
	return mail.Message{
		ID: id, Channel: mail.Email, Kind: "test", Account: "a", To: "x@example.com", Subject: "Subject", Text: "Text",
		Reason: mail.Reason(reason), Due: noon, CreatedAt: noon,
	}
}

func apply(t testing.TB, st interface {
	ApplyAccess(ctx context.Context, c access.Change) error
}, c access.Change,
) {
	t.Helper()
	require.NoError(t, st.ApplyAccess(t.Context(), c))
}

func mustApplied(t testing.TB, st interface {
	Applied(ctx context.Context, op accounts.OpID) (bool, error)
}, op string, want bool,
) {
	t.Helper()
	got, err := st.Applied(t.Context(), accounts.OpID(op))
	require.NoError(t, err)
	require.Equal(t, want, got, "operation %s", op)
}

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("a store opened again has what was applied", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "a b%20?#.db")
		st, err := sqlite.Open(t.Context(), path, nil)
		require.NoError(t, err)
		apply(t, st, change("op", func(c *access.Change) { c.Users = []accounts.User{user("u")} }))
		require.NoError(t, st.Close())
		require.FileExists(t, path)

		st, err = sqlite.Open(t.Context(), path, nil)
		require.NoError(t, err)
		got, err := st.User(t.Context(), accounts.UserKey{ID: "u"})
		require.NoError(t, err)
		want := user("u")
		want.Version = 1
		require.Equal(t, want, got)
		require.NoError(t, st.Close())
		require.NoError(t, st.Close(), "closing again does nothing")
		require.Error(t, st.ApplyAccess(t.Context(), change("late", nil)))
		_, err = st.Applied(t.Context(), "op")
		require.Error(t, err)
	})

	t.Run("a database in memory serves readers and writers at once", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), ":memory:", nil)
		require.NoError(t, err)
		other, err := sqlite.Open(t.Context(), ":memory:", nil)
		require.NoError(t, err)
		done := make(chan error)
		for g := range 4 {
			go func() {
				for i := range 50 {
					op := fmt.Sprintf("op-%d-%d", g, i)
					if err := st.ApplyAccess(t.Context(), change(op, nil)); err != nil {
						done <- err
						return
					}
					if ok, err := st.Applied(t.Context(), accounts.OpID(op)); err != nil || !ok {
						done <- fmt.Errorf("%s: %v %w", op, ok, err)
						return
					}
				}
				done <- nil
			}()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		mustApplied(t, other, "op-0-0", false)
		require.NoError(t, st.Close())
		require.NoError(t, other.Close())
	})

	t.Run("a context that ended leaves a database in memory as it was", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), ":memory:", nil)
		require.NoError(t, err)
		defer func() { require.NoError(t, st.Close()) }()
		apply(t, st, change("op", nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = st.Applied(ctx, "op")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, st.ApplyAccess(ctx, change("other", nil)), context.Canceled)
		mustApplied(t, st, "op", true)
		mustApplied(t, st, "other", false)
	})

	for _, tt := range []struct {
		name string
		path string
		opts *sqlite.Options
		want string
	}{
		{"a missing path is refused", "", nil, "path"},
		{"a URI is refused", "file:x.db?mode=ro", nil, "URI"},
		{"a path with a zero byte is refused", "a\x00b", nil, "path"},
		{"a prefix that is no name is refused", ":memory:", &sqlite.Options{Prefix: `a"; DROP TABLE x; --`}, "prefix"},
		{"a prefix of SQLite's own is refused", ":memory:", &sqlite.Options{Prefix: "SQLite_x"}, "prefix"},
		{"a prefix that begins with a digit is refused", ":memory:", &sqlite.Options{Prefix: "1a"}, "prefix"},
		{"a negative wait is refused", ":memory:", &sqlite.Options{BusyTimeout: -1}, "busyTimeout"},
		{"a directory that is not there is an error", filepath.Join("no", "such", "directory", "x.db"), nil, "open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, err := sqlite.Open(t.Context(), tt.path, tt.opts)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, st)
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("the host's handle is used and stays the host's", func(t *testing.T) {
		t.Parallel()
		for _, size := range []int{0, 1, 4} {
			path := filepath.Join(t.TempDir(), "host.db")
			db, err := sql.Open("sqlite", "file:"+path+hostDSN)
			require.NoError(t, err)
			db.SetMaxOpenConns(size)
			_, err = db.Exec("CREATE TABLE theirs (x)")
			require.NoError(t, err)
			st, err := sqlite.New(t.Context(), db, &sqlite.Options{Prefix: "key_"})
			require.NoError(t, err)
			for i := range 3 {
				apply(t, st, change(fmt.Sprint("op", i), nil))
				_, err = db.Exec("INSERT INTO theirs VALUES (1)")
				require.NoError(t, err)
			}
			mustApplied(t, st, "op2", true)
			require.NoError(t, st.Close())

			var n, wait int
			require.NoError(t, db.QueryRow("SELECT count(*) FROM key_events, theirs").Scan(&n))
			require.Equal(t, 9, n)
			require.Zero(t, db.Stats().InUse, "every connection was given back")
			require.NoError(t, db.QueryRow("PRAGMA busy_timeout").Scan(&wait))
			require.Equal(t, 5000, wait, "and as it was")
			require.NoError(t, db.Close())
			sound(t, path)
		}
	})

	t.Run("a database in memory with one connection is fine", func(t *testing.T) {
		t.Parallel()
		db, err := sql.Open("sqlite", ":memory:?_pragma=foreign_keys(1)")
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		db.SetMaxOpenConns(1)
		st, err := sqlite.New(t.Context(), db, nil)
		require.NoError(t, err)
		apply(t, st, change("op", nil))
		mustApplied(t, st, "op", true)
		require.NoError(t, st.Close())
	})

	for _, tt := range []struct{ name, given, want string }{
		{"foreign keys off are refused", "?_pragma=foreign_keys(0)", "foreign_keys"},
		{"commits that may be lost are refused", "?_pragma=foreign_keys(1)&_pragma=synchronous(normal)", "synchronous"},
		{"changes that cannot be undone are refused", "?_pragma=foreign_keys(1)&_pragma=journal_mode(memory)", "journal_mode"},
		{"a handle that cannot write is refused", "?_pragma=foreign_keys(1)&_pragma=query_only(1)", "query_only"},
		{"another encoding is refused", "?_pragma=encoding('UTF-16')&_pragma=foreign_keys(1)", "encoding"},
		{"several databases in memory are refused", ":memory:?_pragma=foreign_keys(1)", "SetMaxOpenConns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dsn := tt.given
			if dsn[0] == '?' {
				dsn = "file:" + filepath.Join(t.TempDir(), "host.db") + dsn
			}
			db, err := sql.Open("sqlite", dsn)
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			st, err := sqlite.New(t.Context(), db, nil)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, st)
			require.Zero(t, db.Stats().InUse)
		})
	}

	t.Run("a missing handle is refused", func(t *testing.T) {
		t.Parallel()
		_, err := sqlite.New(t.Context(), nil, nil)
		require.ErrorIs(t, err, accounts.ErrInvalid)
	})
}
