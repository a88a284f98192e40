package postgres_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// bouncer starts PgBouncer before the server of a DSN and returns the DSN that leads
// through it. It lends a connection of the server for the length of a transaction, and
// has so few of them that clients do meet.
func bouncer(t testing.TB, dsn string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("PgBouncer is not installed: apt-get install pgbouncer")
	}
	server, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	to := server.ConnConfig
	port, err := pgtest.FreePort(t.Context())
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "chatelaine-bouncer-") //nolint:usetesting // another user has to get there
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) // PgBouncer's user reads there
	ini := filepath.Join(dir, "ini")
	require.NoError(t, os.WriteFile(ini, []byte(fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = 6
query_wait_timeout = 60
`, to.Host, to.Port, to.User, port)), 0o644))
	args := []string{"-q"} // it tells of every client else
	if os.Geteuid() == 0 {
		args = append(args, "-u", "nobody") // it does not run as root
	}
	// The shell ends PgBouncer when this process does, however that ends.
	cmd := exec.Command("sh", "-c", `"$@" & trap 'kill $!' TERM; read -r _; kill $!; wait`, "sh", program)
	cmd.Args = append(append(cmd.Args, args...), ini)
	said := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = said, said
	hold, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = hold.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	require.Eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 20*time.Second, 20*time.Millisecond, "PgBouncer does not answer")
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable", port, to.User, to.Database)
}

// pooledModes are the modes of pgx that work behind a pooler which lends a connection
// for the length of a transaction.
var pooledModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

// A store keeps the contract behind PgBouncer in transaction mode (A104), in the modes
// of pgx that name nothing on a connection which the next statement may not get.
func TestStore_bouncer(t *testing.T) {
	t.Parallel()
	dsn := bouncer(t, hasty(t))
	for i, m := range pooledModes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := spacesOn(pooled(t, dsn, inMode(m)))
			s.name = fmt.Sprintf("by_%d", i)
			agrees(t, s.harness())
		})
	}
}

// What a pooler says of a server that it lost is no answer: a change that was committed
// then is unknown, and is found to be there (A93, A96).
func TestStore_bouncer_lost(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	proxy := pgtest.NewProxy(t, dsn)
	p := pooled(t, bouncer(t, proxy.DSN(dsn)), inMode(pgx.QueryExecModeExec))
	st, err := postgres.New(t.Context(), p, nil)
	require.NoError(t, err)
	put(t, st, someAccount("a"))
	c := of(someUser("u"))
	proxy.LoseAnswers(1)
	require.ErrorIs(t, st.ApplyAccess(t.Context(), c), accounts.ErrUnknown)
	require.Equal(t, 1, proxy.Fired())
	done, err := st.Applied(t.Context(), c.Op)
	require.NoError(t, err)
	require.True(t, done)
}
