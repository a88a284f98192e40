package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// envBreak names what breaks the stores of workers.
const envBreak = "CHATELAINE_CRASH_BREAK"

// The processes that the program starts are this test binary.
func TestMain(m *testing.M) {
	if os.Getenv(envChild) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, breakers()[os.Getenv(envBreak)]))
	}
	os.Exit(m.Run())
}

// crash runs the program, and returns what it said.
func crash(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	code = run(ctx, append([]string{"-workers", "2", "-lanes", "3", "-every", "100ms"}, args...), nil, &out, &out, nil)
	return code, out.String()
}

// What was acknowledged is there after kill -9, and what was not is there as a
// whole or not at all (A98, I-29).
func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("processes that use SQLite are killed", func(t *testing.T) {
		t.Parallel()
		code, said := crash(t, "-sqlite", filepath.Join(t.TempDir(), "crash.db"), "-n", "8", "-check", "5")
		require.Equal(t, 0, code, said)
		require.Contains(t, said, "kills (app)")
	})
	t.Run("processes that use PostgreSQL are killed", func(t *testing.T) {
		t.Parallel()
		pgtest.Need(t)
		code, said := crash(t, "-postgres", "-n", "5", "-check", "9")
		require.Equal(t, 0, code, said)
	})
	t.Run("the server is killed", func(t *testing.T) {
		t.Parallel()
		pgtest.Need(t)
		code, said := crash(t, "-postgres", "-kill", "server", "-n", "2", "-check", "9")
		require.Equal(t, 0, code, said)
		require.Contains(t, said, "faults:        2 kills (server)")
	})
	t.Run("two runs load one database at once", func(t *testing.T) {
		t.Parallel()
		c := pgtest.Own(t, nil)
		other := make(chan string, 1)
		go func() {
			code, said := crash(t, "-load", "-dsn", c.DSN("postgres"), "-for", "3s", "-name", "other")
			other <- map[bool]string{true: "well\n", false: "ill\n"}[code == 0] + said
		}()
		code, said := crash(t, "-load", "-dsn", c.DSN("postgres"), "-for", "2s", "-name", "one")
		require.Equal(t, 0, code, said)
		require.Contains(t, said, "longest time without an acknowledged operation")
		require.True(t, strings.HasPrefix(<-other, "well\n"))
		code, said = crash(t, "-load", "-dsn", c.DSN("postgres"), "-for", "2s", "-name", "one")
		require.Equal(t, 1, code)
		require.Contains(t, said, "was used on this database")
	})
}

// A store that loses, halves or doubles what it was given is found out: the
// program is worth nothing if it says that all is well.
func TestRun_broken(t *testing.T) {
	for _, test := range []struct{ name, how, finds string }{
		{"a store that acknowledges before it commits is found out", "early", "was acknowledged, and there is nothing of it"},
		{"a store that loses mail is found out", "mail", "  mail: "},
		{"a store that loses the last event of a change is found out", "event", "  events: "},
		{"a store that tells of another row than it wrote is found out", "other", "  events: "},
		{"a store that makes one change of two commits is found out", "half", "  answers: "},
		{"a store that counts no quota is found out", "quota", "  quotas: "},
		{"a store that forgets answers to idempotency keys is found out", "reply", "  replies: "},
		{"a store that keeps mail queued that was settled is found out", "settle", "  sending: "},
		{"a store that gives events back that were taken is found out", "taken", "  handing over: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(envBreak, test.how)
			ledger := filepath.Join(t.TempDir(), "ledger")
			code, said := crash(t, "-sqlite", filepath.Join(t.TempDir(), "crash.db"), "-kill", "none", "-for", "2s", "-ledger", ledger)
			require.Equal(t, 1, code, said)
			require.Contains(t, said, test.finds)
		})
	}
	t.Run("a server that commits later than it says is found out", func(t *testing.T) {
		t.Setenv(envBreak, "none")
		pgtest.Need(t)
		code, said := crash(t, "-postgres", "-kill", "server", "-n", "2", "-set", "synchronous_commit=off", "-set", "wal_writer_delay=10s",
			"-allow-loss", "-least", "60", "-ledger", filepath.Join(t.TempDir(), "ledger"))
		require.Equal(t, 1, code, said)
		require.Contains(t, said, errWrong.Error())
	})
	t.Run("a server that may lose what it acknowledged is refused", func(t *testing.T) {
		t.Setenv(envBreak, "none")
		pgtest.Need(t)
		code, said := crash(t, "-postgres", "-n", "2", "-set", "synchronous_commit=off")
		require.Equal(t, 1, code, said)
		require.Contains(t, said, "synchronous_commit is off")
	})
	t.Run("a store that does nothing shows nothing", func(t *testing.T) {
		t.Setenv(envBreak, "deaf")
		code, said := crash(t, "-sqlite", filepath.Join(t.TempDir(), "crash.db"), "-n", "2", "-patience", "2s")
		require.Equal(t, 1, code, said)
		require.Contains(t, said, "this shows nothing")
	})
	for _, args := range [][]string{
		{},
		{"-postgres", "-sqlite", "x"},
		{"-sqlite", "x", "-kill", "server"},
		{"-load", "-for", "1s", "-sqlite", "x"},
		{"-sqlite", "x", "-kill", "none"},
		{"-sqlite", "x", "-n", "1", "-for", "1s"},
		{"-sqlite", "x", "-name", "Ann"},
		{"-sqlite", "x", "left"},
	} {
		t.Run("a wrong command line is refused", func(t *testing.T) {
			code, _ := crash(t, args...)
			require.Equal(t, 2, code)
		})
	}
}

// What a process is started with can be seen by everybody on the machine, and has no
// password in it; what it finds in its environment cannot.
func TestConfig_command(t *testing.T) {
	t.Parallel()
	const dsn = "postgres://ann:secret@db/app"
	c := config{dsn: dsn, name: "x"}
	cmd, err := c.command(t.Context(), roleWorker)
	require.NoError(t, err)
	require.NotContains(t, strings.Join(cmd.Args, " "), "secret")
	require.Contains(t, cmd.Env, envDSN+"="+dsn)
}

// broken is a store that does something else than it was asked.
type broken struct {
	storage.Storage
	// change returns what is applied in the place of a change, and whether the
	// caller hears of it only when it is durable.
	change func(c accounts.Change) (accounts.Change, bool)
	claims func(ctx context.Context, st storage.Storage, o mail.Outcome) error
	taken  func(ctx context.Context, st storage.Storage, r []accounts.EventReceipt) (int, error)
}

func (b broken) apply(c accounts.Change, run func(ctx context.Context, c accounts.Change) error, ctx context.Context) error { //nolint:revive // it is the last step
	if b.change == nil {
		return run(ctx, c)
	}
	c, waits := b.change(c)
	if waits {
		return run(ctx, c)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = run(context.Background(), c)
	}()
	return nil
}

func (b broken) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return b.apply(c, b.Storage.ApplyAccounts, ctx)
}

func (b broken) ApplyAccess(ctx context.Context, c access.Change) error {
	return b.apply(c.Change, func(ctx context.Context, own accounts.Change) error {
		c.Change = own
		return b.Storage.ApplyAccess(ctx, c)
	}, ctx)
}

func (b broken) ApplyInvites(ctx context.Context, c invites.Change) error {
	return b.apply(c.Change, func(ctx context.Context, own accounts.Change) error {
		c.Change = own
		return b.Storage.ApplyInvites(ctx, c)
	}, ctx)
}

func (b broken) SettleMail(ctx context.Context, o mail.Outcome) error {
	if b.claims != nil {
		return b.claims(ctx, b.Storage, o)
	}
	return b.Storage.SettleMail(ctx, o)
}

func (b broken) SettleEvents(ctx context.Context, r []accounts.EventReceipt) (int, error) {
	if b.taken != nil {
		return b.taken(ctx, b.Storage, r)
	}
	return b.Storage.SettleEvents(ctx, r)
}

var errDeaf = errors.New("deaf")

// breakers are the ways to break a store, by name.
func breakers() map[string]wrapper {
	edited := func(edit func(c *accounts.Change)) wrapper {
		return func(st storage.Storage) storage.Storage {
			return broken{Storage: st, change: func(c accounts.Change) (accounts.Change, bool) {
				edit(&c)
				return c, true
			}}
		}
	}
	return map[string]wrapper{
		"early": func(st storage.Storage) storage.Storage {
			return broken{Storage: st, change: func(c accounts.Change) (accounts.Change, bool) {
				return c, len(c.Sites) == 0 // a site may come later
			}}
		},
		"mail": edited(func(c *accounts.Change) {
			if len(c.Mail) > 0 {
				c.Mail = c.Mail[1:]
			}
		}),
		"event": edited(func(c *accounts.Change) {
			if n := len(c.Events); n > 1 {
				c.Events = c.Events[:n-1]
			}
		}),
		"other": edited(func(c *accounts.Change) {
			if len(c.Sites) > 0 {
				c.Events[0].Site = "another"
			}
		}),
		"quota": edited(func(c *accounts.Change) { c.Spend = nil }),
		"reply": edited(func(c *accounts.Change) { c.Replies = nil }),
		"half": func(st storage.Storage) storage.Storage {
			return halved{broken{Storage: st}}
		},
		"settle": func(st storage.Storage) storage.Storage {
			return broken{Storage: st, claims: func(context.Context, storage.Storage, mail.Outcome) error { return nil }}
		},
		"taken": func(st storage.Storage) storage.Storage {
			return broken{Storage: st, taken: func(_ context.Context, _ storage.Storage, r []accounts.EventReceipt) (int, error) { return len(r), nil }}
		},
		"deaf": func(st storage.Storage) storage.Storage {
			return deaf{st}
		},
	}
}

// halved commits the members of an account, and fails before the rest.
type halved struct{ broken }

func (h halved) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	if len(c.Sites) == 0 || len(c.Events) == 0 {
		return h.Storage.ApplyAccounts(ctx, c)
	}
	if err := h.Storage.ApplyAccounts(ctx, c); err != nil {
		return err
	}
	return errDeaf // and says that nothing happened
}

// deaf applies nothing.
type deaf struct{ storage.Storage }

func (deaf) ApplyAccounts(context.Context, accounts.Change) error { return errDeaf }
