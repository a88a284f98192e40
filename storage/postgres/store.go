package postgres

import (
	"context"
	"database/sql"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

type (
	reads  = sqlstore.Reads
	writes = sqlstore.Writes
)

// Store keeps everything in one PostgreSQL database. It implements
// storage.Storage and is safe for concurrent use, by any number of goroutines
// and processes. It holds nothing, and so needs no closing: the pool is the
// host's.
type Store struct {
	*reads
	*writes
	src        source
	o          Options
	log        *slog.Logger
	d          sqlstore.Dialect
	migrations []sqlstore.Migration
}

var (
	_ storage.Storage = (*Store)(nil)
	_ storage.Storage = (*Joined)(nil)
)

// source is where statements run: a pool, or a handle.
type source interface {
	sqlstore.Querier
	sqlstore.Runner

	// begin begins a transaction for a migration.
	begin(ctx context.Context) (work, error)
}

// New works on the host's pool, which stays the host's: it is never closed. It
// brings the schema up to date and runs [Store.Check], unless opts says otherwise;
// nil options are fine.
//
// It refuses an option by its name, and a pool that may lead to a replica: a
// decision must rest on what the primary knows.
func New(ctx context.Context, p *pgxpool.Pool, opts *Options) (*Store, error) {
	if p == nil {
		return nil, &accounts.InvalidError{Field: "pool", Reason: "is missing"}
	}
	if err := onePrimary(p.Config().ConnConfig); err != nil {
		return nil, err
	}
	return open(ctx, pool{p}, opts)
}

// NewSQL is [New] for a handle of database/sql that was opened with the driver of
// pgx (github.com/jackc/pgx/v5/stdlib); another driver's is refused.
func NewSQL(ctx context.Context, db *sql.DB, opts *Options) (*Store, error) {
	if db == nil {
		return nil, &accounts.InvalidError{Field: "db", Reason: "is missing"}
	}
	d := database{db}
	if err := d.on(ctx, inspect); err != nil {
		return nil, err
	}
	return open(ctx, d, opts)
}

func open(ctx context.Context, src source, opts *Options) (*Store, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	d := o.dialect()
	list, err := migrations(d)
	if err != nil {
		return nil, err
	}
	s := &Store{
		reads: sqlstore.NewReads(src, d), writes: sqlstore.NewWrites(src, d),
		src: src, o: o, log: o.Logger, d: d, migrations: list,
	}
	if o.NoMigrate {
		return s, nil
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
