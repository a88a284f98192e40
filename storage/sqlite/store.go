package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	driver "modernc.org/sqlite"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

type (
	reads  = sqlstore.Reads
	writes = sqlstore.Writes
)

// Store keeps everything in one SQLite database. It implements
// storage.Storage and is safe for concurrent use, by any number of goroutines
// and processes.
type Store struct {
	*reads
	*writes
	writer     *writer
	pool       *pool
	log        *slog.Logger
	migrations []sqlstore.Migration
	there      string          // is there a table of schemas
	newest     string          // its newest row
	own        []*sql.DB       // closed with the store
	restore    string          // pragma for a pinned connection that is given back
	quiet      context.Context //nolint:containedctx // the constructor's, without its end: Close has none
}

var (
	_ storage.Storage = (*Store)(nil)
	_ storage.Storage = (*Joined)(nil)
)

// Open opens the database in a file, which is made if it is not there, and
// brings its schema up to date unless opts says otherwise; nil options are
// fine. It sets what the store rests on: WAL, synchronous=FULL and foreign
// keys. The directory must be on a local file system, since SQLite's locks and
// its shared memory need one. The path ":memory:" is a database that lives as
// long as the store, with one connection for all.
//
// It returns an error that names the option or path it refuses, the context's
// error, or SQLite's own. Close the store when it is not needed any more.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	switch {
	case path == "":
		return nil, &accounts.InvalidError{Field: "path", Reason: "is missing"}
	case strings.HasPrefix(path, "file:"), strings.ContainsRune(path, 0):
		return nil, &accounts.InvalidError{Field: "path", Reason: "is a URI, and not the path of a file; open a *sql.DB and give it to New"}
	}
	wait := fmt.Sprintf("?_pragma=busy_timeout(%d)", o.BusyTimeout.Milliseconds())
	const writing = "&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)"
	const reading = "&_pragma=query_only(1)&_pragma=cache_size(-8192)"
	base := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	if path == ":memory:" {
		base = "file::memory:"
	}

	wdb, err := open(base+wait+writing, 1, true)
	if err != nil {
		return nil, err
	}
	own := []*sql.DB{wdb}
	rdb := wdb
	if path != ":memory:" {
		n := max(4, 2*runtime.GOMAXPROCS(0))
		if rdb, err = open(base+wait+reading, n, false); err != nil {
			_ = wdb.Close()
			return nil, err
		}
		own = append(own, rdb)
	}
	s, err := assemble(o, &source{db: wdb, log: o.Logger}, rdb, own)
	if err != nil {
		return nil, err
	}
	s.writer.src.check = func(ctx context.Context, c *conn) error {
		_, err := impatient(ctx, c)
		return err
	}
	return s.ready(ctx, o)
}

// open makes a pool of the store's own.
func open(dsn string, size int, keep bool) (*sql.DB, error) {
	cn, err := driver.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	if keep {
		cn = connector{cn}
	}
	db := sql.OpenDB(cn)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// New works on a handle that the host has opened with modernc.org/sqlite, and
// that stays the host's: it is never closed. The schema is brought up to date
// unless opts says otherwise; nil options are fine.
//
// It refuses, by name and with what to do, a handle whose pragmas would break a
// promise: foreign_keys off, synchronous below FULL, journal_mode off or memory,
// query_only, another encoding than UTF-8, and a database in memory with more
// than one connection. Give pragmas in the DSN, so that every connection has
// them. This is a complete one:
//
//	file:app.db?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate
//
// For speed add temp_store(memory) and wal_autocheckpoint(4000), which [Open]
// sets too.
//
// The store keeps one of the handle's connections for writing until it is
// closed. If SetMaxOpenConns(1) was called it takes the only one for each
// write instead, and gives it back: then nobody may write while holding a
// transaction or rows of the same handle, except through [Store.JoinSQL].
func New(ctx context.Context, db *sql.DB, opts *Options) (*Store, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	if db == nil {
		return nil, &accounts.InvalidError{Field: "db", Reason: "is missing"}
	}
	one := db.Stats().MaxOpenConnections == 1
	s, err := assemble(o, &source{db: db, log: o.Logger, pin: !one}, db, nil)
	if err != nil {
		return nil, err
	}
	s.writer.src.check = func(ctx context.Context, c *conn) (err error) {
		if err = inspect(ctx, c, one); err == nil && !one {
			s.restore, err = impatient(ctx, c)
		}
		return err
	}
	return s.ready(ctx, o)
}

func assemble(o Options, src *source, rdb *sql.DB, own []*sql.DB) (*Store, error) {
	d := sqlstore.SQLite(o.Prefix)
	list, err := migrations(d)
	if err != nil {
		return nil, err
	}
	s := &Store{
		writer:     newWriter(src, o.BusyTimeout),
		pool:       &pool{db: rdb},
		log:        o.Logger,
		migrations: list,
		there:      d.SQL(schemaThere),
		newest:     d.SQL(sqlstore.SchemaQuery),
		own:        own,
	}
	s.reads = sqlstore.NewReads(s.pool, d)
	s.writes = sqlstore.NewWrites(s.writer, d)
	return s, nil
}

// ready makes the first use of the database, or closes the store.
func (s *Store) ready(ctx context.Context, o Options) (*Store, error) {
	s.quiet = context.WithoutCancel(ctx)
	// Several processes may find the file without WAL at once, and one of them
	// turns it on.
	err := s.writer.persist(ctx, func() error {
		return s.writer.src.use(ctx, func(*conn) error { return nil })
	})
	if err == nil && !o.NoMigrate {
		err = s.Migrate(ctx)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Close waits for the changes that are under way and gives back what the store
// holds: a database that [Open] opened is closed, a handle given to [New] is
// not. Afterwards every method fails. Closing again does nothing.
func (s *Store) Close() error {
	s.writer.close()
	s.writer.src.close(s.quiet, s.restore)
	errs := []error{s.pool.close()}
	for _, db := range s.own {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
