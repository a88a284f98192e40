package postgres

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// DefaultSchema is the schema of the tables, and DefaultPrefix begins their
// names and those of their indexes.
const (
	DefaultSchema = "public"
	DefaultPrefix = "chatelaine_"
)

// Options are what a host may choose. The zero value is fine.
type Options struct {
	// Schema is where the tables are: at most 63 bytes, and not pg_ in front. It
	// stands before each name in each statement, so that no search_path decides
	// which tables are meant. "" is [DefaultSchema]. [Store.Migrate] makes one that
	// is not there.
	Schema string

	// Prefix begins the names of the tables and indexes, so that they can live
	// beside a host's own: a lower-case letter or underscore, then such letters,
	// digits and underscores, at most 32 together, and not sqlite_ in front. "" is [DefaultPrefix].
	Prefix string

	// Distributed makes the schema for an engine that spreads rows over machines
	// by their account, such as Citus: there a hash, or the number of an event,
	// is unique within its account. It must be the same for all processes, and is
	// not changed later. Package storage tells what to distribute how.
	Distributed bool

	// NoMigrate leaves the schema as it is, and does not look at it. The host calls
	// [Store.Migrate] itself, or runs the SQL of [Migrations], and then calls
	// [Store.Check].
	NoMigrate bool

	// AllowLoss accepts a server that may lose what it acknowledged, which
	// [Store.Check] refuses otherwise. It is for throwaway databases of tests.
	AllowLoss bool

	// Logger hears of migrations. nil is none.
	Logger *slog.Logger
}

func (o *Options) filled() (Options, error) {
	var f Options
	if o != nil {
		f = *o
	}
	if f.Schema == "" {
		f.Schema = DefaultSchema
	}
	if f.Prefix == "" {
		f.Prefix = DefaultPrefix
	}
	switch {
	case len(f.Schema) > 63 || strings.ContainsRune(f.Schema, 0) || !utf8.ValidString(f.Schema):
		return f, &accounts.InvalidError{Field: "schema", Reason: "is no name of a schema: at most 63 bytes of UTF-8"}
	case strings.HasPrefix(f.Schema, "pg_"):
		return f, &accounts.InvalidError{Field: "schema", Reason: "begins with pg_, which PostgreSQL keeps for itself"}
	case strings.ToLower(f.Prefix) != f.Prefix:
		return f, &accounts.InvalidError{Field: "prefix", Reason: "has capital letters, which PostgreSQL folds: use small ones"}
	}
	if err := sqlstore.CheckPrefix(f.Prefix); err != nil {
		return f, err
	}
	if f.Logger == nil {
		f.Logger = slog.New(slog.DiscardHandler)
	}
	return f, nil
}

func (o *Options) dialect() sqlstore.Dialect {
	return sqlstore.Postgres(o.Schema, o.Prefix, o.Distributed)
}
