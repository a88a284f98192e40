package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// childJob tells the test binary, run again, what to do instead of testing.
const childJob = "CHATELAINE_PGTEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childJob) {
	case "serve", "crash":
		if err := serve(os.Getenv(childJob)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "fail":
		_ = os.Setenv("CHATELAINE_POSTGRES", "host=127.0.0.1 port=1 user=nobody connect_timeout=5")
		os.Exit(pgtest.Main(m))
	case "mainless":
		os.Exit(m.Run())
	default:
		os.Exit(pgtest.Main(m))
	}
}

// serve starts a cluster, says where it is, and waits to be killed; before that it
// may crash the server.
func serve(job string) error {
	c, err := pgtest.Start(context.Background(), nil)
	if err != nil {
		return err
	}
	fmt.Println(c.Pid())
	if job == "crash" {
		if err := c.Kill(); err != nil {
			return err
		}
	}
	fmt.Println(c.Dir())
	time.Sleep(time.Minute)
	return c.Stop()
}

// connect connects to a database until the test ends.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

// number asks for one.
func number(t testing.TB, c *pgx.Conn, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, c.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func do(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	_, err := c.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}
