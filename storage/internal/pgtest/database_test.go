package pgtest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// Each test has a database of its own, which is empty and ends with the test, also
// while somebody is connected.
func TestDatabase(t *testing.T) {
	t.Parallel()
	pgtest.Database(t) // starts the server
	var dsn string
	t.Run("a database is empty, and dropped under a connection", func(t *testing.T) {
		before := time.Now()
		dsn = pgtest.Database(t)
		t.Logf("made in %v", time.Since(before))
		left, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(func() { require.False(t, left.IsClosed()) })
		require.Zero(t, number(t, left, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
		require.Equal(t, 1, number(t, left, "SELECT count(*) FROM pg_database WHERE datname = current_database() AND encoding = 6"))
		do(t, left, "CREATE TABLE mine (n int)")
		require.NotEqual(t, dsn, pgtest.Database(t))
	})
	_, err := pgx.Connect(t.Context(), dsn)
	require.ErrorContains(t, err, "does not exist")
}

// Schemas of several tests are in one database, apart from each other, and end
// with their tests.
func TestSchema(t *testing.T) {
	t.Parallel()
	pgtest.Schema(t)
	var dsn, first string
	t.Run("a schema is empty, and dropped with what is in it", func(t *testing.T) {
		before := time.Now()
		dsn, first = pgtest.Schema(t)
		t.Logf("made in %v", time.Since(before))
		again, second := pgtest.Schema(t)
		require.Equal(t, dsn, again)
		require.NotEqual(t, first, second)
		c := connect(t, dsn)
		do(t, c, "CREATE TABLE "+first+".mine (n int)")
		do(t, c, "CREATE TABLE "+second+".mine (n int)")
		require.Equal(t, 1, number(t, c, "SELECT count(*) FROM pg_tables WHERE schemaname = $1", first))
	})
	c := connect(t, dsn)
	require.Zero(t, number(t, c, "SELECT count(*) FROM pg_namespace WHERE nspname = $1", first))
}

func TestShared(t *testing.T) {
	t.Parallel()
	pgtest.Schema(t)
	dsn, err := pgtest.Shared(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, number(t, connect(t, dsn), "SELECT 1"))
}

// fakeTB takes note of how a test would end.
type fakeTB struct {
	pgtest.TB

	skipped, failed string
}

func (*fakeTB) Helper() {}

func (f *fakeTB) Skipf(format string, args ...any) { f.skipped = fmt.Sprintf(format, args...) }

func (f *fakeTB) Fatalf(format string, args ...any) { f.failed = fmt.Sprintf(format, args...) }

// A missing server skips a test with one line; one that does not work fails it.
func TestDatabase_without(t *testing.T) {
	t.Parallel()

	t.Run("no server is a reason to skip, and the line says what to do", func(t *testing.T) {
		t.Parallel()
		f := &fakeTB{}
		pgtest.Excuse(f, fmt.Errorf("wrapped: %w", pgtest.ErrNotInstalled))
		require.Empty(t, f.failed)
		require.Contains(t, f.skipped, "apt-get install postgresql")
		require.Contains(t, f.skipped, "CHATELAINE_POSTGRES")
		require.NotContains(t, f.skipped, "\n")
	})

	t.Run("a server that does not start fails the test", func(t *testing.T) {
		t.Parallel()
		f := &fakeTB{}
		pgtest.Excuse(f, errors.New("broken"))
		require.Empty(t, f.skipped)
		require.Equal(t, "broken", f.failed)
	})

	for _, test := range []struct{ name, given, want string }{
		{"a named server that does not answer fails the test", "fail", "the server of CHATELAINE_POSTGRES does not answer"},
		{"a package without Main is told so", "mainless", "the package needs func TestMain"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := child(t, test.given, "^TestSchema$", "")
			require.Error(t, err, out)
			require.Contains(t, out, test.want)
			require.NotContains(t, out, "SKIP")
		})
	}
}

// child runs the test binary again.
func child(t *testing.T, job, run, server string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", run, "-test.v")
	cmd.Env = append(os.Environ(), childJob+"="+job, "CHATELAINE_POSTGRES="+server)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The tests run on a server that somebody else runs, and leave nothing on it.
func TestDatabase_named(t *testing.T) {
	t.Parallel()
	pgtest.Need(t)
	c := start(t, &pgtest.Options{TCP: true})
	for _, dsn := range []string{
		c.DSN("postgres"),
		"host=127.0.0.1 user=postgres dbname=postgres port=" + strings.TrimPrefix(c.TCPAddr(), "127.0.0.1:"),
	} {
		out, err := child(t, "", "^(TestSchema|TestDatabase|TestShared)$", dsn)
		require.NoError(t, err, out)
		require.NotContains(t, out, "SKIP")
		require.Equal(t, 3, number(t, connect(t, c.DSN("postgres")), "SELECT count(*) FROM pg_database"))
	}
}

func TestDSN(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, given, database, address string }{
		{
			name: "a URL", given: "postgres://u:p%20q@db:5432/old?sslmode=require&application_name=a",
			database: "postgres://u:p%20q@db:5432/new?application_name=a&sslmode=require",
			address:  "postgres://u:p%20q@127.0.0.1:7/old?application_name=a&sslmode=disable",
		},
		{
			name: "a URL of a socket", given: "postgres:///old?host=%2Frun&port=5&user=u",
			database: "postgres:///new?host=%2Frun&port=5&user=u",
			address:  "postgres://127.0.0.1:7/old?user=u&sslmode=disable",
		},
		{
			name: "keywords", given: "host=/run user=u",
			database: "host=/run user=u dbname=new", address: "host=/run user=u host=127.0.0.1 port=7 sslmode=disable",
		},
		{name: "nothing", given: "", database: "dbname=new", address: "host=127.0.0.1 port=7 sslmode=disable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.database, pgtest.WithDatabase(test.given, "new"))
			require.Equal(t, test.address, pgtest.WithAddress(test.given, "127.0.0.1:7"))
		})
	}
}
