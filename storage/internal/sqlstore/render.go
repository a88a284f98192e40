package sqlstore

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Statement is a text as the database spells it. There is one for each text,
// so that a connection can keep what it has prepared by the pointer.
type Statement struct {
	Text string

	// Checked is the same, of a dialect whose statements go out together, as one
	// that divides by zero unless it affects, or returns, exactly one row; and
	// Counted unless that is as many as its last parameter says, which is one
	// more than Text has.
	Checked, Counted string

	// Asks is true for a statement that returns rows: the rows it returns are
	// counted, not those it affected.
	Asks bool
}

// form says what a rendered statement does with its table.
type form uint8

const (
	insertNew     form = iota // new rows; those whose key is there are left out
	insertReply               // new rows; an expired one gives way
	updateVersion             // one row, if it has a version still
	updateSteady              // the same, if some of its columns stay too
	spend                     // counters under one limit
	plain                     // a text of its own
	asking                    // a text of its own that returns rows
)

// texts renders statements and keeps them.
type texts struct {
	d  Dialect
	mu sync.RWMutex
	m  map[textKey]*Statement
}

type textKey struct {
	form form
	name string // of the table, or the text itself
	rows int
}

func (t *texts) get(k textKey, render func() string) *Statement {
	t.mu.RLock()
	s := t.m[k]
	t.mu.RUnlock()
	if s != nil {
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s = t.m[k]; s == nil {
		if t.m == nil {
			t.m = make(map[textKey]*Statement)
		}
		s = &Statement{Text: render(), Asks: k.form == asking}
		if t.d.Together {
			s.check(t.d.Prefix)
		}
		t.m[k] = s
	}
	return s
}

// check renders what aborts a transaction when its number of rows is wrong. The
// number is known only when it runs, so that nothing is folded away before.
func (s *Statement) check(prefix string) {
	n := 1
	for part := range strings.SplitSeq(strings.ReplaceAll(s.Text, prefix, ""), "$") { // which may be the name of a schema
		last := 0
		for i := 0; i < len(part) && digit(part[i]); i++ {
			last = last*10 + int(part[i]-'0')
		}
		n = max(n, last+1)
	}
	returning := " RETURNING 1"
	if s.Asks {
		returning = ""
	}
	begin := "WITH u AS (" + s.Text + returning + ") SELECT 1/(count(*) = "
	s.Checked = begin + "1)::int FROM u"
	s.Counted = begin + "$" + strconv.Itoa(n) + ")::int FROM u"
}

// plain returns a statement that is written with {p} and $1 … in the order in
// which they stand.
func (t *texts) plain(text string) *Statement {
	return t.get(textKey{form: plain, name: text}, func() string { return t.d.bare(text) })
}

// asking is plain for a statement that returns rows.
func (t *texts) asking(text string) *Statement {
	return t.get(textKey{form: asking, name: text}, func() string { return t.d.bare(text) })
}

// insert renders an insert of so many rows, like that one. Where several are
// arrays, their number is no part of the text.
func (t *texts) insert(l *layout, rows int, like func() []any) *Statement {
	if t.d.Together {
		rows = min(rows, 2)
	}
	return t.get(textKey{insertNew, l.name, rows}, func() string {
		if t.d.Together && rows > 1 {
			return t.d.insertAll(l, like()) + " ON CONFLICT DO NOTHING"
		}
		return t.d.insert(l, rows) + " ON CONFLICT DO NOTHING"
	})
}

// reply renders an insert of one reply that replaces an expired one.
func (t *texts) reply() *Statement {
	l := &replies.layout
	return t.get(textKey{insertReply, l.name, 1}, func() string {
		var b strings.Builder
		b.WriteString(t.d.insert(l, 1))
		b.WriteString(" ON CONFLICT (" + strings.Join(l.key, ", ") + ") DO UPDATE SET ")
		for i, c := range l.cols {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(c + " = excluded." + c)
		}
		b.WriteString(" WHERE " + t.d.Prefix + "replies.expires_at <= excluded.created_at")
		return b.String()
	})
}

// update renders a compare-and-swap of one row: its columns, then its key,
// then the version it must have.
func (t *texts) update(l *layout) *Statement {
	return t.get(textKey{updateVersion, l.name, 1}, func() string { return t.d.update(l, nil) })
}

// updateSteady is update for a row whose steady columns stay as they are: they
// are compared where update writes them, last.
func (t *texts) updateSteady(l *layout) *Statement {
	return t.get(textKey{updateSteady, l.name, 1}, func() string { return t.d.update(l, l.steady) })
}

// spend renders an addition to so many counters that share one limit: their
// keys and amounts, then the limit. A row that would pass it is not affected.
func (t *texts) spend(rows int) *Statement {
	limit := rows*4 + 1
	if t.d.Together && rows > 1 {
		rows, limit = 2, 5
	}
	return t.get(textKey{spend, "quotas", rows}, func() string {
		l := layout{name: "quotas", key: []string{"subject", "kind", "day"}, cols: []string{"used"}}
		text := t.d.insert(&l, rows)
		if t.d.Together && rows > 1 {
			text = t.d.insertAll(&l, []any{"", "", int64(0), int64(0)})
		}
		return text + " ON CONFLICT (subject, kind, day) DO UPDATE SET used = " + t.d.Prefix +
			"quotas.used + excluded.used WHERE " + t.d.Prefix + "quotas.used <= " +
			t.d.bind(limit) + " - excluded.used" // a sum could be too large for a number
	})
}

func (d Dialect) update(l *layout, steady []string) string {
	var b strings.Builder
	n := 0
	bind := func() string { n++; return d.bind(n) }
	b.WriteString("UPDATE " + d.Prefix + l.name + " SET ")
	for _, c := range l.cols {
		if !slices.Contains(steady, c) {
			b.WriteString(c + " = " + bind() + arrayed(c) + ", ")
		}
	}
	b.WriteString("version = version + 1 WHERE ")
	for _, c := range l.key {
		b.WriteString(c + " = " + bind() + " AND ")
	}
	b.WriteString("version = " + bind())
	for _, c := range l.cols {
		if slices.Contains(steady, c) {
			b.WriteString(" AND " + c + " = " + bind())
		}
	}
	return b.String()
}

// named writes the columns of an insert, up to the opening of its values.
func (d Dialect) named(l *layout) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + d.Prefix + l.name + " (" + strings.Join(l.key, ", "))
	if l.versioned {
		b.WriteString(", version")
	}
	for _, c := range l.cols {
		b.WriteString(", " + c)
	}
	for _, f := range l.fixed {
		b.WriteString(", " + f.col)
	}
	for _, c := range l.derived {
		b.WriteString(", " + c.col)
	}
	if d.late(l) {
		b.WriteString(", late")
	}
	b.WriteString(") ")
	return b.String()
}

// late tells that rows of a table know whether they came late.
func (d Dialect) late(l *layout) bool { return d.Words && l.gone != "" }

// insert renders the insert itself, without what happens on a conflict.
func (d Dialect) insert(l *layout, rows int) string {
	var b strings.Builder
	b.WriteString(d.named(l) + "VALUES ")
	n := 0
	list := func(cols []string) {
		for i, c := range cols {
			if i > 0 {
				b.WriteString(", ")
			}
			n++
			b.WriteString(d.bind(n) + arrayed(c))
		}
	}
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		list(l.key)
		if l.versioned {
			b.WriteString(", 1")
		}
		if len(l.cols) > 0 {
			b.WriteString(", ")
			list(l.cols)
		}
		for _, f := range l.fixed {
			b.WriteString(", " + f.literal)
		}
		for range l.derived {
			n++
			b.WriteString(", (SELECT name_key FROM " + d.Prefix + "accounts WHERE id = " + d.bind(n) + d.more["share"] + ")")
		}
		if d.late(l) {
			b.WriteString(", EXISTS (SELECT 1 FROM " + d.Prefix + l.name + " WHERE account_id = " + d.bind(n+1) + " AND " +
				l.gone + " = 0 AND (created_at, id) > (" + d.bind(n+2) + ", " + d.bind(n+3) + "))")
			n += 3
		}
		b.WriteByte(')')
	}
	return b.String()
}

// insertAll renders an insert of any number of rows: each parameter is an array,
// written as text, with the values of a column. The rows are inserted, and
// locked, in the order of the arrays.
func (d Dialect) insertAll(l *layout, like []any) string {
	var arrays, names, values []string
	for i, c := range append(slices.Clone(l.key), l.cols...) {
		kind := "text"
		switch like[i].(type) {
		case int64:
			kind = "bigint"
		case []byte:
			kind = "bytea"
		}
		if slices.Contains(l.bytes, c) {
			kind = "bytea" // none is NULL, which does not tell
		}
		arrays = append(arrays, d.Placeholder(i+1)+"::"+kind+"[]")
		names = append(names, c)
		values = append(values, "u."+c+arrayed(c))
		if l.versioned && i == len(l.key)-1 {
			values = append(values, "1")
		}
	}
	for _, f := range l.fixed {
		values = append(values, f.literal)
	}
	for _, x := range l.derived {
		values = append(values, "(SELECT name_key FROM "+d.Prefix+"accounts WHERE id = u."+l.key[x.account]+d.more["share"]+")")
	}
	return d.named(l) + "SELECT " + strings.Join(values, ", ") + " FROM unnest(" + strings.Join(arrays, ", ") + ") u (" +
		strings.Join(names, ", ") + ")"
}

// arrayed is how a column that is an array itself is made of its text.
func arrayed(col string) string {
	if col == gramsColumn {
		return "::integer[]"
	}
	return ""
}
