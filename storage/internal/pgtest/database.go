package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// TB is the part of testing.TB that this package needs.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Cleanup(f func())
}

// Main runs the tests of a package and stops what they shared. It returns the exit
// code. Write it in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m interface{ Run() int }) int {
	shared.open()
	code := m.Run()
	if err := shared.close(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) //nolint:forbidigo // a test binary says here what is wrong
		code = max(code, 1)
	}
	return code
}

// Shared returns the DSN of the server that tests share, and starts it at the
// first need. Its database is no test's own: make others, or use [Database].
// It matches [ErrNotInstalled] when there is no server, and fails outside Main.
func Shared(ctx context.Context) (string, error) {
	if err := shared.start(ctx); err != nil {
		return "", err
	}
	return shared.admin.dsn, nil
}

// Database returns the DSN of a new, empty database, which is dropped when the
// test ends, whoever is connected. Its encoding is UTF-8, and its locale the
// server's. The test is skipped when no server is installed.
func Database(tb TB) string {
	tb.Helper()
	excuse(tb, shared.start(tb.Context()))
	name := freshName()
	err := shared.admin.exec(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	if err != nil {
		tb.Fatalf("pgtest: create a database: %v", err)
	}
	cleanup(tb, shared.admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return withDatabase(shared.admin.dsn, name)
}

// Schema returns the name of a new, empty schema, and the DSN of the database it is
// in, where other tests have theirs. The search path of the DSN does not lead to
// it. It is dropped, with all there is in it, when the test ends; a test that
// leaves a transaction open fails for it then.
//
// It is much faster than [Database]. What a database has but once is shared:
// extensions, publications, advisory locks, and what pg_catalog shows.
func Schema(tb TB) (dsn, schema string) {
	tb.Helper()
	excuse(tb, shared.start(tb.Context()))
	schemas, err := shared.schemas(tb.Context())
	if err != nil {
		tb.Fatalf("pgtest: create the database of the schemas: %v", err)
	}
	name := freshName()
	if err := schemas.exec(tb.Context(), "CREATE SCHEMA "+name); err != nil {
		tb.Fatalf("pgtest: create a schema: %v", err)
	}
	cleanup(tb, schemas, "DROP SCHEMA IF EXISTS "+name+" CASCADE")
	return schemas.dsn, name
}

// Own starts a cluster for one test alone, to be killed, halted or set up in another
// way, and stops it when the test ends. nil options are fine. The test is skipped when
// no server is installed, whatever server CHATELAINE_POSTGRES names: that one is not
// ours to kill.
func Own(tb TB, o *Options) *Cluster {
	tb.Helper()
	c, err := Start(tb.Context(), o)
	excuse(tb, err)
	stopped(tb, c)
	return c
}

// Need skips a test when no server is installed that could be started, for a program
// that starts one.
func Need(tb TB) {
	tb.Helper()
	_, err := installed(tb.Context(), "")
	if err == nil {
		_, err = serverIdentity()
	}
	excuse(tb, err)
}

// OwnStandby is [Cluster.Standby] for the length of a test.
func OwnStandby(tb TB, primary *Cluster) *Cluster {
	tb.Helper()
	c, err := primary.Standby(tb.Context())
	excuse(tb, err)
	stopped(tb, c)
	return c
}

func stopped(tb TB, c *Cluster) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Errorf("%v", err)
		}
	})
}

// excuse ends a test when there is no server for it.
func excuse(tb TB, err error) {
	tb.Helper()
	switch {
	case errors.Is(err, ErrNotInstalled):
		tb.Skipf("%v", err)
	case err != nil:
		tb.Fatalf("%v", err)
	}
}

func cleanup(tb TB, on *admin, sql string) {
	tb.Helper()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), cleanupLimit)
		defer cancel()
		if err := on.exec(ctx, sql); err != nil {
			tb.Errorf("pgtest: %s: %v", sql, err)
		}
	})
}

func freshName() string { return "chatelaine_test_" + strings.ToLower(rand.Text()) }

// shared is the server of this process's tests.
//
//nolint:gochecknoglobals // there is one a process, for whoever asks first
var shared sharedServer

type sharedServer struct {
	mu      sync.Mutex
	inMain  bool
	started bool
	err     error // why there is none; it is looked for once
	cluster *Cluster
	admin   *admin
	schemed *admin // in the database of the schemas; nil until somebody needs it
	name    string // of that database
}

func (s *sharedServer) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inMain = true
}

func (s *sharedServer) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.inMain {
		return errors.New("pgtest: the package needs func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }")
	}
	if !s.started {
		s.started = true
		// The server is everybody's: it does not depend on the test that came first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
		defer cancel()
		s.err = s.find(ctx)
	}
	return s.err
}

func (s *sharedServer) find(ctx context.Context) error {
	if dsn := env(envServer); dsn != "" {
		s.admin = newAdmin(dsn)
		if err := s.admin.exec(ctx, ""); err != nil {
			return fmt.Errorf("pgtest: the server of %s does not answer: %w", envServer, err)
		}
		return nil
	}
	c, err := Start(ctx, nil)
	if err != nil {
		return err
	}
	s.cluster, s.admin = c, newAdmin(c.DSN(superuser))
	return nil
}

// schemas returns who makes schemas.
func (s *sharedServer) schemas(ctx context.Context) (*admin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.schemed != nil {
		return s.schemed, nil
	}
	name := freshName()
	if err := s.admin.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return nil, err
	}
	s.name, s.schemed = name, newAdmin(withDatabase(s.admin.dsn, name))
	return s.schemed, nil
}

func (s *sharedServer) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit) //nolint:forbidigo // the process is at its end
	defer cancel()
	var err error
	if s.schemed != nil {
		s.schemed.close(ctx)
		if s.cluster == nil {
			err = s.admin.exec(ctx, "DROP DATABASE IF EXISTS "+s.name+" WITH (FORCE)")
		}
	}
	if s.admin != nil {
		s.admin.close(ctx)
	}
	if s.cluster != nil {
		err = errors.Join(err, s.cluster.Stop())
	}
	s.inMain, s.started, s.err = false, false, nil
	s.cluster, s.admin, s.schemed = nil, nil, nil
	return err
}

// admin runs statements in one database on connections that it keeps.
type admin struct {
	dsn  string
	idle chan *pgconn.PgConn
}

// keptConns is how many connections stay open: most tests come one by one.
const keptConns = 2

func newAdmin(dsn string) *admin { return &admin{dsn: dsn, idle: make(chan *pgconn.PgConn, keptConns)} }

func (a *admin) exec(ctx context.Context, sql string) error {
	c, err := a.conn(ctx)
	if err != nil {
		return err
	}
	if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
		_ = c.Close(ctx)
		return err
	}
	select {
	case a.idle <- c:
		return nil
	default:
		return c.Close(ctx)
	}
}

func (a *admin) conn(ctx context.Context) (*pgconn.PgConn, error) {
	for {
		select {
		case c := <-a.idle:
			if c.Ping(ctx) == nil {
				return c, nil
			}
			_ = c.Close(ctx)
		default:
			return pgconn.Connect(ctx, a.dsn)
		}
	}
}

func (a *admin) close(ctx context.Context) {
	for {
		select {
		case c := <-a.idle:
			_ = c.Close(ctx)
		default:
			return
		}
	}
}
