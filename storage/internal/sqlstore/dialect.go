package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Dialect is what tells one database's SQL from another's.
type Dialect struct {
	Name string

	// Placeholder writes the n-th parameter, counted from 1: "?1" or "$1".
	Placeholder func(n int) string

	// InOrder, if any, is a shorter spelling for parameters that stand in
	// order, each once, as those of the writes do.
	InOrder string

	// Hint, if any, writes which index a statement goes by, for a database
	// that has no statistics to find it by.
	Hint func(index string) string

	// Words tells that what is looked for is found by tables of words, which
	// the writes keep, and not by an index that the database keeps itself.
	Words bool

	// Together tells that the statements of a change go out together, and
	// several rows of a table in one of them, as arrays. None can depend on what
	// another one answered, so each says itself what it wants: see
	// [Statement.Checked].
	Together bool

	// Beside tells that others write at the same time: what a change relies on is
	// locked in one order, and claims and sweeps pass over what others hold.
	Beside bool

	// Prefix stands before the name of every table, with the schema and its
	// dot where there is one, and Own before that of an index, which has none.
	Prefix, Own string

	// more are other marks in braces, and what is written for each.
	more map[string]string
}

// SQLite is the dialect of SQLite with a prefix.
func SQLite(prefix string) Dialect {
	return Dialect{
		Name:        "sqlite",
		Placeholder: func(n int) string { return "?" + strconv.Itoa(n) },
		// A numbered parameter has a name, which the driver looks up each
		// time a value is bound.
		InOrder: "?",
		Hint:    func(index string) string { return "INDEXED BY " + prefix + index },
		Words:   true,
		Prefix:  prefix,
		Own:     prefix,
		more: map[string]string{
			"share": "", "sys": "", "place": "o.place, ", "same client": "f.place = k.place", "same site": "j.place = k.place",
			"hidden": "", "each": "", "one client": "", "one site": "",
		},
	}
}

// Postgres is the dialect of PostgreSQL with a schema, which stands before
// every name so that no search_path decides, and a prefix. Distributed is for
// engines that keep the rows of an account together and each on another machine:
// there what is unique is so within an account.
func Postgres(schema, prefix string, distributed bool) Dialect {
	d := Dialect{
		Name:        "postgres",
		Placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
		Together:    true,
		Beside:      true,
		Prefix:      `"` + strings.ReplaceAll(schema, `"`, `""`) + `".` + prefix,
		Own:         prefix,
		more: map[string]string{
			"share": " FOR SHARE", "sys": "pg_catalog.", "place": "", "same client": "f.account_id = $1 AND f.id = k.id",
			"same site": "j.account_id = $1 AND j.id = k.id", "account": "", "agency": "", "shard": "",
			"hidden": "", // see spelling
			// One look-up a line, whatever the database believes of how many there are.
			"each": "LATERAL (SELECT * FROM ", "one client": " OFFSET 0) f", "one site": " OFFSET 0) j",
		},
	}
	if distributed {
		d.more["shard"] = " AND o.account_id = $1"
		d.more["account"], d.more["agency"] = ", account_id", ", agency_id"
	}
	return d
}

// CheckPrefix refuses what cannot begin the name of a table. SQLite keeps names
// that begin with "sqlite_" for itself.
func CheckPrefix(p string) error {
	ok := len(p) <= 32 && !strings.HasPrefix(strings.ToLower(p), "sqlite_")
	for i := range len(p) {
		c := p[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		ok = ok && (letter || i > 0 && digit(c))
	}
	if !ok {
		return &accounts.InvalidError{
			Field:  "prefix",
			Reason: "cannot begin the name of a table: use a letter, then letters, digits and underscores, at most 32 together, and not sqlite_",
		}
	}
	return nil
}

// fit replaces what a database refuses to have in a text, in values on their way to
// it: PostgreSQL keeps neither a NUL nor what is not UTF-8. What is looked for is
// written as what is kept, so that it is found.
func (d Dialect) fit(args []any) {
	if !d.Together {
		return
	}
	for i, a := range args {
		if s, ok := a.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			args[i] = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
		}
	}
}

// bind writes the n-th parameter of a statement whose parameters stand in
// order, each once.
func (d Dialect) bind(n int) string {
	if d.InOrder != "" {
		return d.InOrder
	}
	return d.Placeholder(n)
}

// bare renders a statement whose parameters stand in order, each once.
func (d Dialect) bare(text string) string {
	if d.InOrder != "" {
		d.Placeholder = d.bind
	}
	return d.SQL(text)
}

// SQL renders a statement: {p} becomes the prefix of a table and {i} that of an
// index, {by mails_due} after a table a hint to its index of that name, or nothing,
// {sys} what stands before a function that takes values of any type, so that nobody
// else's fits better, other words in braces what the dialect has for them, and $1, $2 … its
// placeholders. A dollar sign before anything but a digit stays.
func (d Dialect) SQL(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 8*len(d.Prefix))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '{':
			mark, _, _ := strings.Cut(text[i+1:], "}")
			i += len(mark) + 1
			b.WriteString(d.marked(mark))
		case text[i] == '$' && i+1 < len(text) && digit(text[i+1]):
			n := 0
			for ; i+1 < len(text) && digit(text[i+1]); i++ {
				n = n*10 + int(text[i+1]-'0')
			}
			b.WriteString(d.Placeholder(n))
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// marked returns what is written for a mark in braces.
func (d Dialect) marked(mark string) string {
	switch index, by := strings.CutPrefix(mark, "by "); {
	case by && d.Hint != nil:
		return d.Hint(index)
	case by:
		return ""
	case mark == "p":
		return d.Prefix
	case mark == "i":
		return d.Own
	}
	if written, ok := d.more[mark]; ok {
		return written
	}
	return "{" + mark + "}"
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// Rows is an answer being read. *sql.Rows satisfies it.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Querier runs one reading statement, as the database spells it. There are
// few texts and they come again and again, so an implementation may keep
// prepared statements by text.
type Querier interface {
	Query(ctx context.Context, text string, args ...any) (Rows, error)
}

// Reads answers every question of the ports with one statement each. Its
// statements are written once for all dialects.
type Reads struct {
	q Querier
	d Dialect

	texts  sync.Map  // text as written → its *spelling
	others *sync.Map // somebody else's texts, used instead
}

// NewReads returns the reads in a dialect.
func NewReads(q Querier, d Dialect) *Reads { return &Reads{q: q, d: d} }

// ReadsBy returns the same reads asked of another Querier.
func ReadsBy(q Querier, r *Reads) *Reads { return &Reads{q: q, d: r.d, others: r.cache()} }

func (r *Reads) cache() *sync.Map {
	if r.others != nil {
		return r.others
	}
	return &r.texts
}

// query runs a statement that is written with {p} and $n. The text is a
// constant, or one of a few variants of one.
func (r *Reads) query(ctx context.Context, text string, args ...any) (Rows, error) {
	texts := r.cache()
	known, _ := texts.Load(text)
	spelt, ok := known.(*spelling)
	if !ok {
		spelt = r.d.spell(text)
		texts.Store(text, spelt)
	}
	own, args := spelt.with(args)
	r.d.fit(args)
	return r.q.Query(ctx, own, args...)
}
