package sqlite

import (
	"log/slog"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// DefaultPrefix begins the names of the tables and indexes.
const DefaultPrefix = "chatelaine_"

// DefaultBusyTimeout is how long a change waits while another process writes.
const DefaultBusyTimeout = 5 * time.Second

// Options are what a host may choose. The zero value is fine.
type Options struct {
	// Prefix begins the names of the tables and indexes, so that they can
	// live beside a host's own: a letter or underscore, then letters, digits
	// and underscores, at most 32 together. "" is [DefaultPrefix].
	Prefix string

	// BusyTimeout is how long a change waits while another process writes,
	// and its context allows it; then it fails with accounts.ErrConflict. 0
	// is [DefaultBusyTimeout].
	BusyTimeout time.Duration

	// NoMigrate leaves the schema as it is. The host calls [Store.Migrate]
	// itself, or runs the SQL of [Migrations] and calls [Store.Check].
	NoMigrate bool

	// Logger hears of migrations, and of connections that were given up. nil
	// is none.
	Logger *slog.Logger
}

func (o *Options) filled() (Options, error) {
	var f Options
	if o != nil {
		f = *o
	}
	if f.Prefix == "" {
		f.Prefix = DefaultPrefix
	}
	if err := sqlstore.CheckPrefix(f.Prefix); err != nil {
		return f, err
	}
	switch {
	case f.BusyTimeout < 0:
		return f, &accounts.InvalidError{Field: "busyTimeout", Reason: "is negative"}
	case f.BusyTimeout == 0:
		f.BusyTimeout = DefaultBusyTimeout
	}
	if f.Logger == nil {
		f.Logger = slog.New(slog.DiscardHandler)
	}
	return f, nil
}
