package sqlite_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

func TestStore_Migrate(t *testing.T) {
	t.Parallel()

	t.Run("a schema that is missing is planned, checked and made", func(t *testing.T) {
		t.Parallel()
		st, _ := fresh(t, &sqlite.Options{NoMigrate: true})
		require.ErrorContains(t, st.Check(t.Context()), "run Migrate")
		plan, err := st.Plan(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, plan)
		require.Equal(t, 1, plan[0].Version)
		require.NoError(t, st.Migrate(t.Context()))
		require.NoError(t, st.Migrate(t.Context()), "and again does nothing")
		require.NoError(t, st.Check(t.Context()))
		plan, err = st.Plan(t.Context())
		require.NoError(t, err)
		require.Empty(t, plan)
		apply(t, st, change("op", nil))
	})

	t.Run("a host may run the SQL itself", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "host.db")
		db, err := sql.Open("sqlite", "file:"+path+hostDSN)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		files, err := sqlite.Migrations("keys_")
		require.NoError(t, err)
		names, err := fs.Glob(files, "*.sql")
		require.NoError(t, err)
		require.Equal(t, "0001_base.up.sql", names[0])
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			require.NotContains(t, string(text), "{p}")
			_, err = db.Exec("BEGIN IMMEDIATE;" + string(text) + ";COMMIT")
			require.NoError(t, err)
		}
		st, err := sqlite.New(t.Context(), db, &sqlite.Options{Prefix: "keys_", NoMigrate: true})
		require.NoError(t, err)
		require.NoError(t, st.Check(t.Context()))
		apply(t, st, change("op", nil))
		require.NoError(t, st.Close())
	})

	t.Run("a prefix that is no name has no SQL", func(t *testing.T) {
		t.Parallel()
		_, err := sqlite.Migrations("x; DROP TABLE y; --")
		require.ErrorIs(t, err, accounts.ErrInvalid)
	})

	for _, tt := range []struct {
		name, given, want string
	}{
		{"a newer schema that serves this release is fine", "INSERT INTO chatelaine_schema VALUES (99, 1)", ""},
		{"a schema that is too new is refused", "INSERT INTO chatelaine_schema VALUES (99, 98)", "update the program"},
		{"a table without a row is a schema that is missing", "DELETE FROM chatelaine_schema", "run Migrate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, path := fresh(t, nil)
			db, err := sql.Open("sqlite", "file:"+path+hostDSN)
			require.NoError(t, err)
			_, err = db.Exec(tt.given)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			err = st.Check(t.Context())
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, st.Migrate(t.Context()), "nothing to do")
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}

	// A migration that fails midway leaves what was there before (A103).
	t.Run("a migration that fails leaves nothing behind", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "host.db")
		db, err := sql.Open("sqlite", "file:"+path+hostDSN)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		_, err = db.Exec("CREATE TABLE chatelaine_quotas (x)") // in the way of the base schema
		require.NoError(t, err)
		_, err = sqlite.New(t.Context(), db, nil)
		require.ErrorContains(t, err, "migration 1 (base)")
		var names string
		require.NoError(t, db.QueryRow("SELECT group_concat(name) FROM sqlite_schema").Scan(&names))
		require.Equal(t, "chatelaine_quotas", strings.TrimSpace(names))

		_, err = db.Exec("DROP TABLE chatelaine_quotas")
		require.NoError(t, err)
		st, err := sqlite.New(t.Context(), db, nil)
		require.NoError(t, err)
		require.NoError(t, st.Check(t.Context()))
		require.NoError(t, st.Close())
	})
}
