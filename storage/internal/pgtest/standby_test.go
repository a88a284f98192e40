package pgtest_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// A replica has what its cluster had, takes no writes, follows, and ends by itself; so
// does the cluster of a test.
func TestCluster_Standby(t *testing.T) {
	t.Parallel()
	var dirs []string
	t.Run("a replica follows", func(t *testing.T) {
		c := pgtest.Own(t, &pgtest.Options{Settings: map[string]string{"max_connections": "17"}})
		do(t, connect(t, c.DSN("postgres")), "CREATE TABLE kept (n int)")
		s := pgtest.OwnStandby(t, c)
		dirs = append(dirs, c.Dir(), s.Dir())
		replica := connect(t, s.DSN("postgres"))
		require.Equal(t, 1, number(t, replica, "SELECT count(*) FROM pg_settings WHERE name = 'transaction_read_only' AND setting = 'on'"))
		require.Equal(t, 17, number(t, replica, "SELECT setting::int FROM pg_settings WHERE name = 'max_connections'"))
		require.Zero(t, number(t, replica, "SELECT count(*) FROM kept"))
		do(t, connect(t, c.DSN("postgres")), "INSERT INTO kept VALUES (1)")
		require.Eventually(t, func() bool { return number(t, replica, "SELECT count(*) FROM kept") == 1 }, time.Minute, 10*time.Millisecond)
	})
	for _, dir := range dirs {
		require.NoDirExists(t, dir)
	}
}

// Once a standby is named commits do wait for it, and once none is they do not: not only
// is it so in the settings.
func TestCluster_SetStandbys(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t, nil)
	local := connect(t, c.DSN("postgres")+"&synchronous_commit=local")
	do(t, local, "CREATE TABLE kept (n int)")
	for n := range 3 {
		require.NoError(t, c.SetStandbys(t.Context(), "nobody"))
		told := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		writer, err := pgx.Connect(ctx, c.DSN("postgres"))
		require.NoError(t, err)
		go func() {
			_, err := writer.Exec(ctx, "INSERT INTO kept VALUES (1)")
			told <- err
		}()
		require.Eventually(t, func() bool {
			return number(t, local, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 1
		}, time.Minute, time.Millisecond)
		require.Empty(t, told)
		require.NoError(t, c.SetStandbys(ctx, ""))
		require.NoError(t, <-told)
		_, err = writer.Exec(ctx, "INSERT INTO kept VALUES (1)")
		require.NoError(t, err)
		require.NoError(t, writer.Close(ctx))
		require.Equal(t, 2*n+2, number(t, local, "SELECT count(*) FROM kept"))
	}
}

// As long as the checkpointer has not seen the setting, commits do not wait, and
// SetStandbys does.
func TestCluster_SetStandbys_late(t *testing.T) {
	t.Parallel()
	needProc(t)
	c := pgtest.Own(t, nil)
	local := connect(t, c.DSN("postgres")+"&synchronous_commit=local")
	checkpointer := strconv.Itoa(number(t, local, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"))
	signal := func(name string) {
		out, err := exec.CommandContext(t.Context(), "kill", name, checkpointer).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	signal("-STOP")
	defer signal("-CONT") // or it could not be stopped
	told := make(chan error, 1)
	go func() { told <- c.SetStandbys(t.Context(), "nobody") }()
	require.Eventually(t, func() bool {
		return number(t, local, "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'") == 1
	}, time.Minute, time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	require.Empty(t, told)
	signal("-CONT")
	require.NoError(t, <-told)
	require.NoError(t, c.SetStandbys(t.Context(), ""))
}

// Scripts find the server that tests find.
func TestFindBin_script(t *testing.T) {
	pgtest.Need(t)
	same := func() {
		t.Helper()
		want, err := pgtest.FindBin(t.Context(), "")
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), "./bin").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, want, strings.TrimSpace(string(out)))
	}
	same()
	bin, err := pgtest.FindBin(t.Context(), "")
	require.NoError(t, err)
	t.Setenv("CHATELAINE_POSTGRES_BIN", bin+"/../bin")
	same()
	t.Setenv("CHATELAINE_POSTGRES_BIN", t.TempDir())
	out, err := exec.CommandContext(t.Context(), "./bin").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "no initdb and postgres in")
}
