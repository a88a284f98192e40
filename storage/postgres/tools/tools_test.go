// Package tools_test runs the SQL that storage/postgres exports by the tools that
// hosts migrate with, and compares what they make with what Migrate makes. It is a
// module of its own, so that nobody who uses the library sees these tools.
package tools_test

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Whoever runs the exported SQL, and for whichever schema, prefix and kind of engine,
// has what Migrate makes: the same dump, a store whose Check is content, and services
// that work. A second run does nothing.
func TestMigrations(t *testing.T) {
	t.Parallel()
	for _, tool := range []struct {
		name string
		run  func(t *testing.T, dsn string, files fs.FS)
	}{
		{"psql", byPsql},
		{"goose", byGoose},
		{"golang-migrate", byMigrate},
	} {
		for _, o := range []*postgres.Options{
			nil,
			{Schema: "letterbird", Prefix: "keys_"},
			{Schema: `Odd "na$1me`, Distributed: true},
		} {
			name := tool.name
			if o != nil {
				name += " in " + o.Schema
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				files, err := postgres.Migrations(o)
				require.NoError(t, err)
				dsn := database(t, o)
				tool.run(t, dsn, files)

				own := postgres.Options{}
				if o != nil {
					own = *o
				}
				own.NoMigrate = true
				st, err := postgres.New(t.Context(), pool(t, dsn), &own)
				require.NoError(t, err)
				require.NoError(t, st.Check(t.Context()))
				plan, err := st.Plan(t.Context())
				require.NoError(t, err)
				require.Empty(t, plan)
				works(t, st)

				made := database(t, o)
				_, err = postgres.New(t.Context(), pool(t, made), o)
				require.NoError(t, err)
				require.Equal(t, dump(t, made), dump(t, dsn))
			})
		}
	}
}

// psql runs the files in one transaction each.
func byPsql(t *testing.T, dsn string, files fs.FS) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, files))
	list, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, file := range list {
		psql := func() ([]byte, error) {
			return exec.CommandContext(t.Context(), "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--file="+file, dsn).CombinedOutput()
		}
		out, err := psql()
		require.NoError(t, err, string(out))
		require.Empty(t, string(out))
		out, err = psql()
		require.Error(t, err, "psql does not know what it ran")
		require.Contains(t, string(out), "already exists")
	}
}

// goose counts what it ran in a table of its own.
func byGoose(t *testing.T, dsn string, files fs.FS) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("tool_versions"))
	require.NoError(t, err)
	done, err := p.Up(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, done)
	done, err = p.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, done)
	drop(t, dsn, "tool_versions")
}

// golang-migrate does too.
func byMigrate(t *testing.T, dsn string, files fs.FS) {
	t.Helper()
	from, err := iofs.New(files, ".")
	require.NoError(t, err)
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	into, err := migratepgx.WithInstance(db, &migratepgx.Config{MigrationsTable: "tool_versions"})
	require.NoError(t, err)
	m, err := migrate.NewWithInstance("iofs", from, "pgx5", into)
	require.NoError(t, err)
	require.NoError(t, m.Up())
	require.ErrorIs(t, m.Up(), migrate.ErrNoChange)
	serr, derr := m.Close()
	require.NoError(t, serr)
	require.NoError(t, derr)
	drop(t, dsn, "tool_versions")
}

// database makes a database with the schema of the options and nothing in it.
func database(t *testing.T, o *postgres.Options) string {
	t.Helper()
	dsn := pgtest.Database(t)
	if o != nil && o.Schema != "" {
		_, err := pool(t, dsn).Exec(t.Context(), "CREATE SCHEMA "+pgx.Identifier{o.Schema}.Sanitize())
		require.NoError(t, err)
	}
	return dsn
}

func pool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(context.WithoutCancel(t.Context()), dsn)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// drop takes away what a tool keeps for itself.
func drop(t *testing.T, dsn, table string) {
	t.Helper()
	_, err := pool(t, dsn).Exec(t.Context(), "DROP TABLE "+table)
	require.NoError(t, err)
}

// works has a service do something.
func works(t *testing.T, st *postgres.Store) {
	t.Helper()
	graph, err := accounts.New(st, nil)
	require.NoError(t, err)
	job := accounts.System("test")
	_, err = graph.PutUser(t.Context(), job, accounts.PutUser{ID: "42", Name: "Nora"})
	require.NoError(t, err)
	_, err = graph.CreateAccount(t.Context(), job, accounts.CreateAccount{ID: "studio", Name: "Studio", Kind: accounts.KindAgency, Owner: "42"})
	require.NoError(t, err)
}

// dump is what pg_dump says of a database's schema, and what it holds in its table
// of versions.
func dump(t *testing.T, dsn string) string {
	t.Helper()
	var bin string
	require.NoError(t, pool(t, dsn).QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&bin))
	var text strings.Builder
	for _, what := range [][]string{{"--schema-only"}, {"--data-only", "--inserts", "--table=*.*_schema"}} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "pg_dump"), append(what, "--dbname="+dsn)...).Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, `\`) { // \restrict has another word each time
				text.WriteString(line)
			}
		}
	}
	require.Contains(t, text.String(), "CREATE TABLE")
	require.Contains(t, text.String(), "INSERT INTO")
	return text.String()
}
