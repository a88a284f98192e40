package pgtest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

func start(t *testing.T, o *pgtest.Options) *pgtest.Cluster {
	t.Helper()
	before := time.Now()
	c := pgtest.Own(t, o)
	t.Logf("started in %v", time.Since(before).Round(time.Millisecond))
	return c
}

// needProc skips where nobody can look for what a server leaves.
func needProc(t *testing.T) {
	t.Helper()
	pgtest.Need(t)
	if runtime.GOOS != "linux" {
		t.Skip("processes and shared memory are looked for in /proc")
	}
}

// family returns the processes of a server, itself among them.
func family(t *testing.T, pid int) []int {
	t.Helper()
	pids := []int{pid}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(after)
		if len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			require.NoError(t, err)
			pids = append(pids, child)
		}
	}
	return pids
}

// running reports whether a process is there and not dead.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// segments lists the shared memory that a server's folder names.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	require.NoError(t, err)
	lines := strings.Split(string(b), "\n")
	require.Greater(t, len(lines), 6)
	return strings.Fields(lines[6])
}

func hasSegment(t *testing.T, s []string) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/sysvipc/shm")
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[1] == s[1] {
			return true
		}
	}
	return false
}

// A server that is killed keeps what it has answered, and comes back under the
// same DSN; what nobody committed is gone.
func TestCluster_Kill(t *testing.T) {
	t.Parallel()
	needProc(t)
	c := start(t, &pgtest.Options{TCP: true, Settings: map[string]string{"max_connections": "17"}})
	require.Regexp(t, `^\d+(\.\d+)?`, c.Version())

	conn := connect(t, c.DSN("postgres"))
	var setting string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW max_connections").Scan(&setting))
	require.Equal(t, "17", setting)
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW "+name).Scan(&setting))
		require.Equal(t, "on", setting, name)
	}
	do(t, conn, "CREATE TABLE kept (n int)")
	do(t, conn, "INSERT INTO kept VALUES (1), (2)")
	do(t, conn, "BEGIN")
	do(t, conn, "INSERT INTO kept VALUES (3)")

	pids := family(t, c.Pid())
	require.Greater(t, len(pids), 3, "a server has children")
	addr, dsn, segment := c.TCPAddr(), c.DSN("postgres"), segments(t, c.Dir())
	require.NoError(t, c.Kill())
	for _, pid := range pids {
		require.False(t, running(pid), "process %d", pid)
	}
	require.Zero(t, c.Pid())
	require.True(t, hasSegment(t, segment), "a crash tidies nothing up")

	require.NoError(t, c.Run(t.Context()))
	require.NoError(t, c.Run(t.Context()), "a server that runs is left alone")
	require.Equal(t, addr, c.TCPAddr())
	require.Equal(t, dsn, c.DSN("postgres"))
	require.Contains(t, c.Log(), "automatic recovery in progress")
	require.Equal(t, 2, number(t, connect(t, c.DSN("postgres")), "SELECT count(*) FROM kept"))
	require.Equal(t, 2, number(t, connect(t, c.TCPDSN("postgres")), "SELECT count(*) FROM kept"))
}

// A server that is halted writes everything and starts without recovery, and
// connections do not keep it from stopping.
func TestCluster_Halt(t *testing.T) {
	t.Parallel()
	pgtest.Need(t)
	c := start(t, nil)
	require.Empty(t, c.TCPAddr())
	require.Empty(t, c.TCPDSN("postgres"))
	do(t, connect(t, c.DSN("postgres")), "CREATE TABLE kept (n int)")
	require.NoError(t, c.Halt())
	require.NoError(t, c.Run(t.Context()))
	require.NotContains(t, c.Log(), "recovery in progress")
	require.Zero(t, number(t, connect(t, c.DSN("postgres")), "SELECT count(*) FROM kept"))
}

// Nothing is left of a server that is stopped: no process, no file, no shared
// memory, whether it ran or was killed.
func TestCluster_Stop(t *testing.T) {
	t.Parallel()
	needProc(t)
	for _, killed := range []bool{false, true} {
		c := start(t, nil)
		connect(t, c.DSN("postgres"))
		pids, segment, home := family(t, c.Pid()), segments(t, c.Dir()), filepath.Dir(c.Dir())
		require.True(t, hasSegment(t, segment))
		if killed {
			require.NoError(t, c.Kill())
		}
		before := time.Now()
		require.NoError(t, c.Stop())
		t.Logf("stopped in %v", time.Since(before).Round(time.Millisecond))
		for _, pid := range pids {
			require.False(t, running(pid), "process %d", pid)
		}
		require.NoDirExists(t, home)
		require.False(t, hasSegment(t, segment))
		require.NoError(t, c.Stop(), "stopping twice does nothing")
		require.Error(t, c.Run(t.Context()))
		require.Empty(t, c.Log())
	}
}

// A server does not outlive the process that started it, however that ends, and
// the next Start removes what it left, also of one that had crashed before; what
// belongs to those that live stays.
func TestStart_killed(t *testing.T) {
	t.Parallel()
	needProc(t)
	alive := start(t, nil)
	for _, job := range []string{"serve", "crash"} {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), childJob+"="+job)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		says := bufio.NewScanner(out)
		require.True(t, says.Scan())
		pid, err := strconv.Atoi(says.Text())
		require.NoError(t, err)
		require.True(t, says.Scan())
		dir := says.Text()
		pids, segment := family(t, pid), segments(t, dir)
		if job == "serve" {
			require.Greater(t, len(pids), 3)
		}
		require.True(t, hasSegment(t, segment))

		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		for _, pid := range pids {
			require.Eventually(t, func() bool { return !running(pid) }, 20*time.Second, 10*time.Millisecond)
		}
		start(t, nil)
		require.NoDirExists(t, filepath.Dir(dir))
		require.False(t, hasSegment(t, segment))
	}
	require.DirExists(t, alive.Dir())
	require.Equal(t, 1, number(t, connect(t, alive.DSN("postgres")), "SELECT 1"))
}

// What keeps a server from starting is told in its own words.
func TestStart_refused(t *testing.T) {
	t.Parallel()
	pgtest.Need(t)

	t.Run("a setting that the server does not know is told", func(t *testing.T) {
		t.Parallel()
		_, err := pgtest.Start(t.Context(), &pgtest.Options{Settings: map[string]string{"no_such_setting": "1"}})
		require.ErrorContains(t, err, `unrecognized configuration parameter "no_such_setting"`)
	})

	t.Run("a folder without a server is an error and no reason to skip", func(t *testing.T) {
		t.Parallel()
		_, err := pgtest.Start(t.Context(), &pgtest.Options{Bin: t.TempDir()})
		require.ErrorContains(t, err, "no initdb and postgres in")
		require.NotErrorIs(t, err, pgtest.ErrNotInstalled)
	})
}

// A temporary folder with a path too long for a socket, or one that the server's
// user cannot enter, does not matter.
func TestStart_folders(t *testing.T) {
	pgtest.Need(t)
	long, err := os.MkdirTemp("/tmp", strings.Repeat("long-", 20)) //nolint:usetesting // long, and open to all
	require.NoError(t, err)
	defer func() { require.NoError(t, os.RemoveAll(long)) }()
	require.NoError(t, os.Chmod(long, 0o755))

	t.Setenv("TMPDIR", long)
	c := start(t, nil)
	require.Contains(t, c.Dir(), long)
	conn := connect(t, c.DSN("postgres"))
	require.Equal(t, 1, number(t, conn, "SELECT 1"))
	socket := filepath.Dir(conn.Config().Host)
	require.DirExists(t, socket)
	require.NoError(t, c.Stop())
	require.NoDirExists(t, socket)
	left, err := filepath.Glob(filepath.Join(long, "*"))
	require.NoError(t, err)
	require.Empty(t, left)

	require.NoError(t, os.Chmod(long, 0o700))
	c = start(t, nil)
	require.Equal(t, 1, number(t, connect(t, c.DSN("postgres")), "SELECT 1"))
}
