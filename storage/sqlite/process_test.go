package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// childJob tells the test binary, run again, what to do instead of testing.
const childJob = "CHATELAINE_SQLITE_CHILD"

// child does what a parent test asked for and reports whether it was one.
func child() bool {
	job := os.Getenv(childJob)
	if job == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := work(ctx, job, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:revive // the child process ends here
	}
	return true
}

func work(ctx context.Context, job, path, name string) error {
	st, err := sqlite.Open(ctx, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	switch job {
	case "migrate":
		return st.Check(ctx)
	case "spend":
		for i := range 20 {
			err := st.ApplyAccess(ctx, spendOne(fmt.Sprintf("%s-%d", name, i), "agency", 35))
			switch {
			case err == nil:
				fmt.Println("spent")
			case !errors.Is(err, accounts.ErrConflict):
				return err
			}
		}
		return nil
	case "busy":
		// Applies until it is killed, and says what was answered with success.
		for i := 0; ; i++ {
			op := fmt.Sprintf("%s-%d", name, i)
			if err := st.ApplyAccess(ctx, change(op, nil)); err != nil {
				return err
			}
			fmt.Println(op)
		}
	case "send", "approve", "look":
		return serve(ctx, st, job, name)
	case "join", "accept", "guess":
		return receive(ctx, st, job, name)
	case "dispatch":
		return dispatch(ctx, st, mail.Channel(name))
	case "set-up", "watch":
		return attend(ctx, st, job, name)
	}
	return fmt.Errorf("no such job: %s", job)
}

func start(t *testing.T, job, path, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, path, name)
	cmd.Env = append(os.Environ(), childJob+"="+job)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// Several processes start at once on a file that is not there yet: the schema
// is complete for each of them (A103).
func TestStore_Migrate_processes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	var cmds []*exec.Cmd
	for i := range 8 {
		cmd, _ := start(t, "migrate", path, fmt.Sprint(i))
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		require.NoError(t, cmd.Wait())
	}
	sound(t, path)
}

// A process is killed while it migrates: the schema is untouched or complete,
// and the next process finishes the work (A103).
func TestStore_Migrate_killed(t *testing.T) {
	t.Parallel()
	untouched := 0
	for i := range 12 {
		path := filepath.Join(t.TempDir(), "app.db")
		cmd, _ := start(t, "migrate", path, "x")
		time.Sleep(time.Duration(i) * 7 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()

		st, err := sqlite.Open(t.Context(), path, &sqlite.Options{NoMigrate: true})
		require.NoError(t, err)
		db := handle(t, "file:"+path, 0)
		tables := count(t, db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'chatelaine_%'")
		plan, err := st.Plan(t.Context())
		require.NoError(t, err)
		if len(plan) > 0 {
			untouched++
			require.Zero(t, tables)
		} else {
			require.NoError(t, st.Check(t.Context()))
		}
		require.NoError(t, st.Migrate(t.Context()))
		require.NoError(t, st.Check(t.Context()))
		require.NoError(t, st.Close())
		sound(t, path)
	}
	t.Logf("%d of 12 were killed before the schema was there", untouched)
}

// A quota of 35 gives 35 to eight processes that spend it together, not one
// more and not one less (A79).
func TestStore_ApplyAccess_processes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), path, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	spent := make(chan int)
	for i := range 8 {
		cmd, out := start(t, "spend", path, fmt.Sprint(i))
		go func() {
			n := 0
			for out.Scan() {
				n++
			}
			if cmd.Wait() != nil {
				n = 1000
			}
			spent <- n
		}()
	}
	total := 0
	for range 8 {
		total += <-spent
	}
	require.Equal(t, 35, total)
	require.ErrorIs(t, st.ApplyAccess(t.Context(), spendOne("last", "agency", 35)), accounts.ErrConflict)
	sound(t, path)
}

// Processes are killed while they write: everything that was answered with
// success is there, and the file is whole (A98, I-29).
func TestStore_ApplyAccess_killed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	acked := make(chan []string)
	for i := range 4 {
		cmd, out := start(t, "busy", path, fmt.Sprint(i))
		go func() {
			var ops []string
			for out.Scan() {
				if ops = append(ops, out.Text()); len(ops) == 20+10*i {
					_ = cmd.Process.Kill()
				}
			}
			_ = cmd.Wait()
			acked <- ops
		}()
	}
	var ops []string
	for range 4 {
		ops = append(ops, <-acked...)
	}
	sound(t, path)
	st, err := sqlite.Open(t.Context(), path, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	require.GreaterOrEqual(t, len(ops), 4*20)
	for _, op := range ops {
		mustApplied(t, st, op, true)
	}
}
