package postgres

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// Migrating returns the store with other migrations than those of this release.
func (s *Store) Migrating(files fs.FS) (*Store, error) {
	list, err := sqlstore.Migrations(files, s.d)
	other := *s
	other.migrations = list
	return &other, err
}

// Embedded are the migrations as they are written, with {p} before each table.
func Embedded() (fs.FS, error) { return fs.Sub(embedded, "migrations") }

// Outcome is what becomes known of statements that were sent to be committed.
func Outcome(ctx context.Context, err error) error { return outcome(ctx, err) }

// Old tells that a server is too old, by its number.
func Old(version string) bool { return old(version) }

// Send sends statements as those of a change are sent.
func Send(ctx context.Context, c *pgx.Conn, texts ...string) error {
	var steps []sqlstore.Step
	for _, text := range texts {
		steps = append(steps, sqlstore.Step{Stmt: &sqlstore.Statement{Text: text}, Want: sqlstore.AnyRows})
	}
	_, err := send(ctx, c, steps)
	return err
}
