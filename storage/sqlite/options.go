package sqlite

import (
	"log/slog"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
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
	if err := prefixError(f.Prefix); err != nil {
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

// prefixError refuses what cannot begin the name of a table. SQLite keeps names
// that begin with "sqlite_" for itself.
func prefixError(p string) error {
	ok := len(p) <= 32 && !strings.HasPrefix(strings.ToLower(p), "sqlite_")
	for i := range len(p) {
		c := p[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		ok = ok && (letter || i > 0 && '0' <= c && c <= '9')
	}
	if !ok {
		return &accounts.InvalidError{
			Field:  "prefix",
			Reason: "cannot begin the name of a table: use a letter, then letters, digits and underscores, at most 32 together, and not sqlite_",
		}
	}
	return nil
}
