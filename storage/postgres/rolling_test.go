package postgres_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// futureMigrations are those of this release and two more: one whose schema still
// serves this release, and one whose schema serves no other.
func futureMigrations(t testing.TB) fstest.MapFS {
	t.Helper()
	set := ownMigrations(t)
	n := len(set)
	add := func(name, text string, serves int) {
		text += fmt.Sprintf("\nINSERT INTO {p}schema (version, serves) VALUES (%d, %d);\n", len(set)+1, serves)
		set[fmt.Sprintf("%04d_%s.sql", len(set)+1, name)] = &fstest.MapFile{Data: []byte(text)}
	}
	add("colour", `ALTER TABLE {p}accounts ADD COLUMN colour TEXT COLLATE "C" NOT NULL DEFAULT 'blue';
		CREATE INDEX {i}accounts_colour ON {p}accounts (colour);`, n)
	add("hue", `ALTER TABLE {p}accounts RENAME COLUMN colour TO hue;`, n+2)
	return set
}

// firstOf returns the first migrations of a set.
func firstOf(set fstest.MapFS, n int) fstest.MapFS {
	few := fstest.MapFS{}
	for _, name := range slices.Sorted(maps.Keys(set))[:n] {
		few[name] = set[name]
	}
	return few
}

// A database of any earlier schema, with rows in every table, becomes what a new one
// is, and loses nothing of what it had.
func TestStore_Migrate_upgrade(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		set  fstest.MapFS
	}{
		{"of this release", ownMigrations(t)},
		{"of releases to come", futureMigrations(t)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pooled(t, pgtest.Database(t), nil)
			newest, err := bare(t, p, postgres.Options{Schema: "newest"}).Migrating(tt.set)
			require.NoError(t, err)
			require.NoError(t, newest.Migrate(t.Context()))
			for version := 1; version < len(tt.set); version++ {
				upgraded(t, p, tt.set, version)
			}
		})
	}
}

func upgraded(t *testing.T, p *pgxpool.Pool, set fstest.MapFS, version int) {
	t.Helper()
	schema := fmt.Sprint("from_", version)
	old, err := bare(t, p, postgres.Options{Schema: schema}).Migrating(firstOf(set, version))
	require.NoError(t, err)
	require.NoError(t, old.Migrate(t.Context()))
	require.NoError(t, old.Check(t.Context()))
	columns := fill(t, p, schema, 3)
	before := contents(t, p, schema, columns)

	st, err := bare(t, p, postgres.Options{Schema: schema}).Migrating(set)
	require.NoError(t, err)
	require.ErrorContains(t, st.Check(t.Context()), fmt.Sprintf("has schema %d and this release needs %d; run Migrate", version, len(set)))
	plan, err := st.Plan(t.Context())
	require.NoError(t, err)
	require.Len(t, plan, len(set)-version)
	require.NoError(t, st.Migrate(t.Context()))
	require.NoError(t, st.Check(t.Context()))

	require.Equal(t, inOrder(described(t, p, "newest")), inOrder(described(t, p, schema)), "the schema from %d and a new one", version)
	left := contents(t, p, schema, kept(t, p, schema, columns))
	require.NotEmpty(t, left)
	for column, values := range left {
		require.Equal(t, before[column], values, column)
	}
	a, err := st.Account(t.Context(), "x1")
	require.NoError(t, err)
	require.Equal(t, accounts.AccountID("x1"), a.ID)
	_, err = st.User(t.Context(), accounts.UserKey{ID: "x2"})
	require.NoError(t, err)
	works(t, st)
}

// inOrder sorts what is said of a schema: columns that came later stand last.
func inOrder(text string) []string { return slices.Sorted(slices.Values(strings.Split(text, "\n"))) }

// fill writes rows into every table of a schema of any version, and returns the
// columns of each. Row n has "xn" in each text, so that whatever refers to another
// row finds it.
func fill(t *testing.T, p *pgxpool.Pool, schema string, rows int) map[string][]string {
	t.Helper()
	columns, values := map[string][]string{}, map[string][]string{}
	list, err := p.Query(t.Context(), `SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname = $1 AND c.relkind = 'r' AND a.attgenerated = '' AND c.relname <> 'chatelaine_schema' ORDER BY a.attnum`, schema)
	require.NoError(t, err)
	var table, column, kind string
	_, err = pgx.ForEachRow(list, []any{&table, &column, &kind}, func() error {
		v, ok := map[string]string{
			"text": "'x' || n", "bigint": "n", "integer": "n", "bytea": "decode(lpad(to_hex(n), 64, '0'), 'hex')", "integer[]": "ARRAY[n]",
		}[kind]
		require.True(t, ok, "nothing is known to write into a %s", kind)
		columns[table], values[table] = append(columns[table], column), append(values[table], v)
		return nil
	})
	require.NoError(t, err)
	tx, err := p.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), "SET LOCAL session_replication_role = replica") // in any order
	require.NoError(t, err)
	for table, cols := range columns {
		_, err = tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) n",
			pgx.Identifier{schema, table}.Sanitize(), strings.Join(cols, ", "), strings.Join(values[table], ", "), rows))
		require.NoError(t, err, table)
	}
	require.NoError(t, tx.Commit(t.Context()))
	return columns
}

// kept leaves out columns that are there no more.
func kept(t *testing.T, p *pgxpool.Pool, schema string, columns map[string][]string) map[string][]string {
	t.Helper()
	left := map[string][]string{}
	for table, cols := range columns {
		for _, c := range cols {
			if one[int](t, p, `SELECT count(*) FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2
				AND column_name = $3`, schema, table, c) > 0 {
				left[table] = append(left[table], c)
			}
		}
	}
	return left
}

// contents are the values in each of the columns that are named.
func contents(t *testing.T, p *pgxpool.Pool, schema string, columns map[string][]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for table, cols := range columns {
		for _, c := range cols {
			all[table+"."+c] = one[string](t, p, fmt.Sprintf("SELECT string_agg(%[1]s::text, ' ' ORDER BY %[1]s) FROM %[2]s",
				pgx.Identifier{c}.Sanitize(), pgx.Identifier{schema, table}.Sanitize()))
		}
	}
	return all
}

// Releases work side by side on one database while it is as new as the newest of
// them, and an older one only if the schema still serves it.
func TestStore_rollingDeploy(t *testing.T) {
	t.Parallel()
	set := futureMigrations(t)
	n := len(set)
	of := func(p *pgxpool.Pool, version int) *postgres.Store {
		st, err := bare(t, p, postgres.Options{}).Migrating(firstOf(set, version))
		require.NoError(t, err)
		return st
	}
	for _, tt := range []struct {
		name           string
		database, code int
		want           string
	}{
		{"the release before on a schema that serves it", n - 1, n - 2, ""},
		{"the release before on a schema that serves it no more", n, n - 1, "update the program"},
		{"two releases before", n, n - 2, "update the program"},
		{"the newest on its own schema", n, n, ""},
		{"the newest on an older schema", n - 1, n, "run Migrate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pooled(t, pgtest.Database(t), nil)
			require.NoError(t, of(p, tt.database).Migrate(t.Context()))
			st := of(p, tt.code)
			err := st.Check(t.Context())
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, st.Migrate(t.Context()), "nothing to do")
			works(t, st)
		})
	}
}
