package sqlite

import (
	"context"
	"database/sql/driver"
	"embed"
	"errors"
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
// means the default, "chatelaine_"), as files named "0001_base.up.sql" in the
// order in which they run. It is for hosts that migrate with a tool of their
// own; each file runs in one transaction and writes down that it ran, so that
// [Store.Check] knows.
//
// A prefix that is not valid is refused; [Options] tells what is.
func Migrations(prefix string) (fs.FS, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if err := sqlstore.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	list, err := migrations(sqlstore.SQLite(prefix))
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

// Migrate brings the schema up to this release: all that is missing in one
// transaction, so that the database has the old schema or the new one, whatever
// happens on the way. Any number of processes may call it at once; one does the
// work and the others wait for it. It does nothing to a schema that is up to
// date, or newer.
func (s *Store) Migrate(ctx context.Context) error {
	found, err := s.schema(ctx, s.pool)
	if err != nil || len(found.Pending(s.migrations)) == 0 {
		return err // as a rule there is nothing to do, and nobody to wait for
	}
	var done []sqlstore.Migration
	err = s.writer.do(ctx, func(ctx context.Context, c *conn) error {
		found, err := s.schema(ctx, asker{c})
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
	found, err := s.schema(ctx, s.pool)
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
	found, err := s.schema(ctx, s.pool)
	if err != nil {
		return err
	}
	return found.Check(s.migrations)
}

const schemaThere = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{p}schema'`

// schema reads what the database says about its tables.
func (s *Store) schema(ctx context.Context, q interface {
	ask(ctx context.Context, text string) ([]int64, error)
},
) (found sqlstore.Schema, err error) {
	n, err := q.ask(ctx, s.there)
	if err != nil || len(n) == 0 || n[0] == 0 {
		return found, err
	}
	if n, err = q.ask(ctx, s.newest); err != nil || len(n) < 2 {
		return found, err
	}
	return sqlstore.Schema{Version: int(n[0]), Serves: int(n[1])}, nil
}

// ask returns the numbers in the first row of an answer, none without a row.
func (p *pool) ask(ctx context.Context, text string) ([]int64, error) {
	rows, err := p.db.QueryContext(ctx, text)
	if err != nil {
		return nil, translate(err)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil || !rows.Next() {
		return nil, errors.Join(err, translate(rows.Err()))
	}
	n := make([]int64, len(cols))
	dest := make([]any, len(cols))
	for i := range dest {
		dest[i] = &n[i]
	}
	return n, rows.Scan(dest...)
}

// asker asks within the writer's transaction.
type asker struct{ c *conn }

func (a asker) ask(ctx context.Context, text string) ([]int64, error) {
	p, err := a.c.prepareText(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	var n []int64
	err = a.c.each(ctx, p, nil, func(values []driver.Value) {
		for _, v := range values {
			i, _ := v.(int64)
			n = append(n, i)
		}
	})
	return n, err
}
