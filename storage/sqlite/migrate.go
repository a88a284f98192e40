package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

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

// Migrations returns the SQL of all migrations for tables with a prefix (""
// means the default, "chatelaine_"), as files named "0001_base.sql" in the
// order in which they run. It is for hosts that migrate with a tool of their
// own; each file runs in one transaction and writes down that it ran, so that
// [Store.Check] knows.
//
// It returns no files when the prefix is not valid; [Options] tells what is.
func Migrations(prefix string) fs.FS {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	var list []sqlstore.Migration
	if prefixError(prefix) == nil {
		list, _ = migrations(sqlstore.SQLite(prefix))
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

// Migrate brings the schema up to this release: all that is missing in one
// transaction, so that the database has the old schema or the new one, whatever
// happens on the way. Any number of processes may call it at once; one does the
// work and the others wait for it. It does nothing to a schema that is up to
// date, or newer.
func (s *Store) Migrate(ctx context.Context) error {
	var done []sqlstore.Migration
	err := s.writer.Run(ctx, func(ctx context.Context, tx sqlstore.Tx) error {
		c, ok := tx.(*conn)
		if !ok {
			return errDriver
		}
		found, err := s.schemaIn(ctx, tx)
		if err != nil {
			return err
		}
		done = found.Pending(s.migrations)
		for _, m := range done {
			if err := c.script(ctx, m.SQL); err != nil {
				return fmt.Errorf("chatelaine: migration %d (%s): %w", m.Version, m.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range done {
		s.log.LogAttrs(ctx, slog.LevelInfo, "sqlite: migrated", slog.Int("version", m.Version), slog.String("name", m.Name))
	}
	return nil
}

// Plan returns the migrations that [Store.Migrate] would run now, none when
// the schema is up to date.
func (s *Store) Plan(ctx context.Context) ([]Migration, error) {
	found, err := s.schema(ctx)
	if err != nil {
		return nil, err
	}
	var list []Migration
	for _, m := range found.Pending(s.migrations) {
		list = append(list, Migration(m))
	}
	return list, nil
}

// Check returns an error that says what to do when this release cannot work
// with the schema: there is none, it is too old, or it is so new that it does
// not serve this release any more.
func (s *Store) Check(ctx context.Context) error {
	found, err := s.schema(ctx)
	if err != nil {
		return err
	}
	return found.Check(s.migrations)
}

const schemaThere = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{p}schema'`

// schema reads what the database says about its tables.
func (s *Store) schema(ctx context.Context) (found sqlstore.Schema, err error) {
	err = s.writer.Run(ctx, func(ctx context.Context, tx sqlstore.Tx) error {
		found, err = s.schemaIn(ctx, tx)
		return err
	})
	return found, err
}

func (s *Store) schemaIn(ctx context.Context, tx sqlstore.Tx) (found sqlstore.Schema, err error) {
	rows, err := tx.Query(ctx, s.there, nil)
	if err != nil || len(rows) == 0 || rows[0][0] == int64(0) {
		return found, err
	}
	rows, err = tx.Query(ctx, s.newest, nil)
	if err != nil || len(rows) == 0 {
		return found, err
	}
	version, _ := rows[0][0].(int64)
	serves, _ := rows[0][1].(int64)
	return sqlstore.Schema{Version: int(version), Serves: int(serves)}, nil
}
