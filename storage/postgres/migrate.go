package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version int    // from 1, without gaps
	Name    string // what it is about, in a word
	SQL     string // several statements, for one transaction
}

// Migrations returns the SQL of all migrations under the schema, the prefix and
// the kind of engine in the options, as files named "0001_base.up.sql" in the order
// in which they run. It is for hosts that migrate with a tool of their own, such as
// psql, goose or golang-migrate; each file runs in one transaction and writes down
// that it ran, so that [Store.Check] knows. The schema itself must be there.
//
// These three take the files as they are: the example has what each needs beside.
//
// An option that is not valid is refused by its name.
func Migrations(opts *Options) (fs.FS, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	list, err := migrations(o.dialect())
	if err != nil {
		return nil, err
	}
	return sqlstore.Files(list)
}

func migrations(d sqlstore.Dialect) ([]sqlstore.Migration, error) {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return nil, err
	}
	return sqlstore.Migrations(files, d)
}

// work is a transaction that migrates. It is READ COMMITTED whatever the host has
// chosen: what others did is looked at again behind the lock.
type work interface {
	sqlstore.Querier
	exec(ctx context.Context, script string) error
	commit(ctx context.Context) error
	rollback(ctx context.Context)
}

// migrateTries is how often a migration begins anew when another process came
// first. Each time but the last it finds that process's work done, or waits for it.
const migrateTries = 8

// Migrate brings the schema up to this release: all that is missing in one
// transaction, so that the database has the old schema or the new one, whatever
// happens on the way. Any number of processes may call it at once; one does the
// work and the others wait for it, by the lock of a row. It does nothing to a schema
// that is up to date, or newer.
//
// It needs the right to create tables in the schema, and to create the schema if
// that is missing. It makes nothing on a server that [Store.Check] refuses.
func (s *Store) Migrate(ctx context.Context) error {
	found, err := s.schema(ctx, s.src)
	if err != nil || len(found.Pending(s.migrations)) == 0 {
		return err // as a rule there is nothing to do, and nobody to wait for
	}
	if err := s.settings(ctx); err != nil {
		return err
	}
	for n := 1; ; n++ {
		done, err := s.migrate(ctx)
		if err == nil {
			for _, m := range done {
				s.log.LogAttrs(ctx, slog.LevelInfo, "postgres: migrated", slog.Int("version", m.Version), slog.String("name", m.Name))
			}
			return nil
		}
		if !raced(err) || n == migrateTries || ctx.Err() != nil {
			return err
		}
		if err := breathe(ctx, n); err != nil {
			return err
		}
	}
}

// raced tells that another process made the same thing at the same time, or was
// waited for as long as the server is set to wait.
func raced(err error) bool {
	return slices.Contains([]string{
		uniqueViolation, duplicateTable, duplicateSchema, duplicateObject, deadlockDetected, serializationFailure,
		lockNotAvailable,
	}, state(err))
}

// right adds what to do to an error that says that the user may not.
func (s *Store) right(err error) error {
	if state(err) != insufficientPrivilege {
		return translate(err)
	}
	schema := pgx.Identifier{s.o.Schema}.Sanitize()
	return fmt.Errorf("chatelaine: the user of the pool lacks a right in the schema %[1]s: GRANT USAGE, CREATE ON SCHEMA %[1]s to "+
		"who migrates, and USAGE, with SELECT, INSERT, UPDATE, DELETE on its tables, to who works with them; a schema that is not "+
		"there needs CREATE on the database, or somebody else to make it: %[2]w", schema, err)
}

// breathe waits for some milliseconds.
func breathe(ctx context.Context, n int) error {
	var b [1]byte
	_, _ = rand.Read(b[:])                                             // never fails
	wait := time.NewTimer(time.Duration(b[0]) * time.Millisecond >> 2) //nolint:forbidigo // a wait between tries is real time
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("chatelaine: migrating, try %d: %w", n, ctx.Err())
	case <-wait.C:
		return nil
	}
}

// migrate makes one try.
func (s *Store) migrate(ctx context.Context) (done []sqlstore.Migration, err error) {
	tx, err := s.src.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	if err := s.space(ctx, tx); err != nil {
		return nil, err
	}
	if found, err := s.schema(ctx, tx); err != nil {
		return nil, err
	} else if found.Version > 0 {
		// Whoever has this row migrates; what is pending shows behind it.
		if _, err := number(ctx, tx, s.d.SQL(`SELECT version FROM {p}schema WHERE version = 1 FOR UPDATE`)); err != nil {
			return nil, err
		}
	}
	found, err := s.schema(ctx, tx)
	if err != nil {
		return nil, err
	}
	done = found.Pending(s.migrations)
	for _, m := range done {
		if err := tx.exec(ctx, m.SQL); err != nil {
			return nil, fmt.Errorf("chatelaine: migration %d (%s): %w", m.Version, m.Name, s.right(err))
		}
	}
	return done, tx.commit(ctx)
}

// space makes the schema if it is not there.
func (s *Store) space(ctx context.Context, tx work) error {
	n, err := number(ctx, tx, `SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1`, s.o.Schema)
	if err != nil || n > 0 {
		return err
	}
	if err := tx.exec(ctx, `CREATE SCHEMA `+pgx.Identifier{s.o.Schema}.Sanitize()); err != nil {
		return fmt.Errorf("chatelaine: the schema %q is not there, and cannot be made: %w", s.o.Schema, s.right(err))
	}
	return nil
}

// Plan returns the migrations that [Store.Migrate] would run now, none when
// the schema is up to date.
func (s *Store) Plan(ctx context.Context) ([]Migration, error) {
	found, err := s.schema(ctx, s.src)
	if err != nil {
		return nil, err
	}
	var list []Migration
	for _, m := range found.Pending(s.migrations) {
		list = append(list, Migration(m))
	}
	return list, nil
}

// schema reads what the database says about its tables.
func (s *Store) schema(ctx context.Context, q sqlstore.Querier) (found sqlstore.Schema, err error) {
	n, err := number(ctx, q, `SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`, s.o.Schema, s.o.Prefix+"schema")
	if err != nil || n == 0 {
		return found, err
	}
	rows, err := q.Query(ctx, s.d.SQL(sqlstore.SchemaQuery))
	if err != nil {
		return found, s.right(err)
	}
	if rows.Next() {
		err = rows.Scan(&found.Version, &found.Serves)
	}
	// The first one tells; those after repeat it.
	return found, s.right(cmp.Or(err, rows.Err(), rows.Close()))
}

// number returns the number that a statement answers with, 0 without a row.
func number(ctx context.Context, q sqlstore.Querier, text string, args ...any) (n int64, err error) {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		err = rows.Scan(&n)
	}
	return n, errors.Join(err, rows.Err())
}

// begin implements source.
func (p pool) begin(ctx context.Context) (work, error) {
	tx, err := p.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return nil, waited(ctx, err)
	}
	return poolWork{tx}, nil
}

// poolWork is a transaction of pgx.
type poolWork struct{ tx pgx.Tx }

// Query implements sqlstore.Querier.
func (w poolWork) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return answer(w.tx.Query(ctx, text, args...)) // the caller reads and closes
}

func (w poolWork) exec(ctx context.Context, script string) error {
	_, err := w.tx.Exec(ctx, script)
	return err
}

func (w poolWork) commit(ctx context.Context) error { return w.tx.Commit(ctx) }
func (w poolWork) rollback(ctx context.Context)     { _ = w.tx.Rollback(ctx) }

// begin implements source.
func (d database) begin(ctx context.Context) (work, error) {
	tx, err := d.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, waited(ctx, err)
	}
	return sqlWork{tx}, nil
}

// sqlWork is a transaction of database/sql.
type sqlWork struct{ tx *sql.Tx }

// Query implements sqlstore.Querier.
func (w sqlWork) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return answered(w.tx.QueryContext(ctx, text, args...)) // the caller reads and closes
}

func (w sqlWork) exec(ctx context.Context, script string) error {
	_, err := w.tx.ExecContext(ctx, script)
	return err
}

func (w sqlWork) commit(context.Context) error { return w.tx.Commit() }
func (w sqlWork) rollback(context.Context)     { _ = w.tx.Rollback() }
