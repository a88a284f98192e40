// Command crash proves that what a store acknowledged survives kill -9, of the
// processes that use it and of the database itself, and that what was not
// acknowledged is there as a whole or not at all.
//
//	go run ./storage/storagetest/crash -postgres -kill app            # 200 processes killed
//	go run ./storage/storagetest/crash -postgres -kill server         # 30 kills of all of PostgreSQL
//	go run ./storage/storagetest/crash -sqlite /tmp/crash.db          # 200 processes killed
//	go run ./storage/storagetest/crash -load -dsn "$DSN" -for 60s     # somebody else makes the faults
//
// It ends with 0 when everything holds, with 2 when the command line is wrong, and
// with 1 otherwise: also when no fault was made, or too little was acknowledged
// between two, since then nothing was shown.
//
// # How it goes
//
// The program starts workers, which are processes of itself. Each runs the
// library's services, the dispatcher of mail and the feed of events, in several
// goroutines, on the one database. It tells its parent, through a pipe and not
// through the database, of each operation before it begins, and of the answer
// once it has come. Whatever the worker was told before it died is in the pipe.
// That is the ledger; -ledger keeps it in a file.
//
// Operations get their ids from the ledger: what one writes carries its id, in
// the keys of its events, mail and rows. So it can be told of every operation, and
// of every row, event and message, whether they belong together.
//
// # What is looked at
//
// A process of its own reads the database after each -check kills, and at the
// end:
//
//   - an operation that was acknowledged is there: its events, one after the other,
//     its mail, and the state that it led to, asked through the ports;
//   - one that was refused, or failed with anything but accounts.ErrUnknown, has
//     left nothing but the record of a refusal;
//   - one without an answer is there like an acknowledged one, or has left nothing:
//     no event, mail or row;
//   - each row was written as often as events tell (by its version), and each
//     message belongs to an operation that has events;
//   - mail that was settled is settled, was settled as sent once, and is not sent
//     again after that; in the end none is left queued, and each that is sent was
//     given to the mailer; events that were taken stay so, and in the end each was
//     handed over;
//   - what must hold of any state: owners, uniqueness, canonical addresses, requests
//     and connections, counters of quotas, sessions, nothing alive of what was
//     deleted, and the database's own checks of tables, indexes and references.
//
// Several runs may work on one database at a time, of different releases too: each
// has a -name of its own, verifies its own operations, and what must hold of all.
// With a DSN, mail and events may have gone to others, so that only what was
// settled here is followed.
//
// # What it does not show
//
// A killed process, or server, leaves what it has written with the kernel. Only a
// machine that loses its power shows whether a disk keeps what it acknowledged.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/chatelaine-go/chatelaine/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(code)
}

// wrapper puts something between the services and the store: tests break stores
// with one, to see that it is noticed.
type wrapper func(storage.Storage) storage.Storage

// What -kill says.
const (
	killApp    = "app"
	killServer = "server"
	killNone   = "none"
)

// config is the command line. Workers and verifiers are given the parent's.
type config struct {
	role string // "", "worker" or "verify"

	postgres  bool
	dsn       string
	sqlite    string
	settings  settings
	allowLoss bool

	name     string
	kill     string
	load     bool
	n        int
	length   time.Duration
	seed     uint64
	workers  int
	lanes    int
	every    time.Duration
	least    int
	check    int
	deadline time.Duration
	patience time.Duration
	ledger   string
	verbose  bool

	// Of workers and verifiers.
	worker int  // its number
	agency int  // the first agency that it works for
	alone  bool // nobody else has ever worked on the database
	final  bool // nothing comes after this verification
}

// settings are name=value, of a throwaway server.
type settings []string

func (s *settings) String() string { return strings.Join(*s, " ") }

func (s *settings) Set(text string) error {
	if name, _, found := strings.Cut(text, "="); !found || name == "" {
		return errors.New("want name=value")
	}
	*s = append(*s, text)
	return nil
}

func (c *config) flags(errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("crash", flag.ContinueOnError)
	f.SetOutput(errs)
	f.BoolVar(&c.postgres, "postgres", false, "on PostgreSQL: a throwaway server, or that of -dsn")
	f.StringVar(&c.dsn, "dsn", "", "connection string of a PostgreSQL server; it may name several hosts, with target_session_attrs=read-write (with -load default: $"+envDSN+", which nobody else sees)")
	f.StringVar(&c.sqlite, "sqlite", "", "on SQLite: the path of the database")
	f.Var(&c.settings, "set", "name=value: a setting of the throwaway server; may be repeated")
	f.BoolVar(&c.allowLoss, "allow-loss", false, "accept a server that may lose what it acknowledged, to see that it is noticed")
	f.StringVar(&c.name, "name", "", "begins the ids of this run: 1 to 12 small letters and digits, used once on a database (default: random)")
	f.StringVar(&c.kill, "kill", "", "app: processes that use the store; server: the throwaway server; none (default: app; with -load: none)")
	f.BoolVar(&c.load, "load", false, "work while somebody else makes the faults, and verify; needs -for")
	f.IntVar(&c.n, "n", 0, "how many kills (default 200 of processes, 30 of the server)")
	f.DurationVar(&c.length, "for", 0, "how long, instead of -n")
	f.Uint64Var(&c.seed, "seed", 0, "of what is drawn by chance (default: random); it repeats the choices, not the timing")
	f.IntVar(&c.workers, "workers", 3, "processes at a time")
	f.IntVar(&c.lanes, "lanes", 4, "goroutines that work in each")
	f.DurationVar(&c.every, "every", 700*time.Millisecond, "how long to wait for a kill at most, once enough was acknowledged")
	f.IntVar(&c.least, "least", 5, "operations that have to be acknowledged between two kills")
	f.IntVar(&c.check, "check", 0, "verify after each so many kills too (default: a third of the kills)")
	f.DurationVar(&c.deadline, "deadline", 10*time.Second, "of one operation")
	f.DurationVar(&c.patience, "patience", time.Minute, "how long to wait for -least operations before the run fails")
	f.StringVar(&c.ledger, "ledger", "", "keep the ledger in this file (default: one that is removed when all is well)")
	f.BoolVar(&c.verbose, "v", false, "tell of each fault")

	f.StringVar(&c.role, "role", "", "of the processes that the program starts")
	f.IntVar(&c.worker, "worker", 0, "of the processes that the program starts")
	f.IntVar(&c.agency, "agency", 0, "of the processes that the program starts")
	f.BoolVar(&c.alone, "alone", false, "of the processes that the program starts")
	f.BoolVar(&c.final, "final", false, "of the processes that the program starts")
	return f
}

// fill checks the command line and fills in what is left out.
func (c *config) fill() error {
	if c.sqlite == "" && c.dsn == "" && (c.load || c.role != "") {
		c.dsn = os.Getenv(envDSN)
	}
	if c.dsn != "" {
		c.postgres = true
	}
	if c.kill == "" {
		if c.kill = killApp; c.load {
			c.kill = killNone
		}
	}
	switch {
	case c.postgres == (c.sqlite != ""):
		return errors.New("name one of -postgres, -dsn and -sqlite")
	case c.kill != killApp && c.kill != killServer && c.kill != killNone:
		return errors.New("-kill is app, server or none")
	case c.kill == killServer && (c.sqlite != "" || c.dsn != ""):
		return errors.New("-kill server kills a throwaway server of PostgreSQL: without -dsn and -sqlite")
	case c.load && (c.kill != killNone || c.dsn == ""):
		return errors.New("-load wants -dsn, and makes no faults itself")
	case c.kill == killNone && c.length <= 0:
		return errors.New("without faults the run needs -for")
	case c.n != 0 && c.length != 0:
		return errors.New("-n or -for, not both")
	case c.n < 0, c.length < 0, c.workers < 1, c.lanes < 1, c.least < 1, c.check < 0, c.every <= 0, c.deadline <= 0, c.patience <= 0:
		return errors.New("a number is too small")
	case len(c.settings) > 0 && (!c.postgres || c.dsn != ""):
		return errors.New("-set is for a throwaway server")
	}
	if c.name == "" {
		c.name = "c" + freshName()
	}
	if !regexp.MustCompile(`^[a-z0-9]{1,12}$`).MatchString(c.name) {
		return errors.New("-name is 1 to 12 small letters and digits")
	}
	if c.seed == 0 {
		c.seed = freshSeed()
	}
	if c.n == 0 && c.length == 0 {
		if c.n = 200; c.kill == killServer {
			c.n = 30
		}
	}
	if c.check == 0 {
		c.check = max(1, (c.n+2)/3)
		if c.n == 0 {
			c.check = 1 << 30
		}
	}
	return nil
}

// run is the program.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer, wrap wrapper) int {
	var c config
	f := c.flags(errs)
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case f.NArg() > 0:
		_, _ = fmt.Fprintln(errs, "crash: there are no arguments, only flags")
		return 2
	}
	if err := c.fill(); err != nil {
		_, _ = fmt.Fprintln(errs, "crash:", err)
		return 2
	}
	var err error
	switch c.role {
	case "":
		err = lead(ctx, c, out, errs)
	case roleWorker:
		err = work(ctx, c, in, out, wrap)
	case roleVerify:
		err = verify(ctx, c, out)
	default:
		err = errors.New("-role is not for people")
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "crash:", err)
		return 1
	}
	return 0
}
