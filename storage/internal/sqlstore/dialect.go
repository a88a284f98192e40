package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"sync"
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

	// Prefix stands before the name of every table, with the schema and its
	// dot where there is one.
	Prefix string
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

// SQL renders a statement: {p} becomes the prefix, {by mails_due} after a table
// a hint to its index of that name, or nothing, and $1, $2 … the placeholders of
// the dialect. A dollar sign before anything but a digit stays.
func (d Dialect) SQL(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 8*len(d.Prefix))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '{' && strings.HasPrefix(text[i:], "{p}"):
			b.WriteString(d.Prefix)
			i += 2
		case text[i] == '{' && strings.HasPrefix(text[i:], "{by "):
			index, _, _ := strings.Cut(text[i+len("{by "):], "}")
			i += len("{by }") + len(index) - 1
			if d.Hint != nil {
				b.WriteString(d.Hint(index))
			}
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

	texts  sync.Map  // text as written → text as the database spells it
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
	spelt, _ := texts.Load(text)
	own, ok := spelt.(string)
	if !ok {
		own = r.d.SQL(text)
		texts.Store(text, own)
	}
	return r.q.Query(ctx, own, args...)
}
