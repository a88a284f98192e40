package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/processtest"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// Processes that share a file keep what the store promises.
func TestProcesses(t *testing.T) {
	t.Parallel()
	processtest.Test(t, processes())
}

// child does what a parent test asked for and reports whether it was one.
func child() bool { return processtest.Child(processes) }

// processes share a file. Its place is its path.
func processes() processtest.Adapter {
	return processtest.Adapter{
		Empty: func(t testing.TB) string { t.Helper(); return filepath.Join(t.TempDir(), "app.db") },
		Place: func(t testing.TB) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "app.db")
			migrated(t, path)
			return path
		},
		Open: func(ctx context.Context, path string) (processtest.Store, func() error, error) {
			st, err := sqlite.Open(ctx, path, nil)
			if err != nil {
				return nil, nil, err
			}
			return st, st.Close, nil
		},
		Sound: sound,
		Tables: func(t testing.TB, path string) int {
			t.Helper()
			db, err := sql.Open("sqlite", "file:"+path)
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			var n int
			require.NoError(t, db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'chatelaine_%'").Scan(&n))
			return n
		},
	}
}
