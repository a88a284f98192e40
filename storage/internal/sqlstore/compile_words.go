package sqlstore

import (
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// freshAtMost is how many written rows wait before their words are put into the
// index. One at a time costs it several times the row; as many as these, a part
// of it. A search looks through those that wait.
const freshAtMost = "64"

// top parts the numbers of the index of words. Below it they fall as places
// grow, so that the newest rows come first; above it are the rows that came late,
// whose places tell nothing.
const top = "1099511627776"

// worded is what a search finds a row by.
type worded struct {
	account accounts.AccountID
	id      string
	made    int64
	text    string // marked
	stage   int64  // noStage: the table has none
	gone    bool   // out of its list
}

const noStage = -1

func clientText(c *accounts.Client) worded {
	return worded{
		account: c.Account, id: string(c.ID), made: micros(c.CreatedAt), text: marked(c.SearchText()),
		stage: stage(c.Status(false)), gone: !c.DeletedAt.IsZero(),
	}
}

func siteText(s *accounts.Site) worded {
	return worded{
		account: s.Account, id: string(s.ID), made: micros(s.CreatedAt), text: marked(s.SearchText()), stage: noStage,
		gone: !s.RemovedAt.IsZero(),
	}
}

// words are the names of a table's words.
func words(l *layout) (index, fresh string) {
	one := l.name[:len(l.name)-1]
	return "{p}" + one + "_words", "{p}" + one + "_fresh"
}

// insertWorded is insert for a table whose rows are looked for by words. Each
// row is a statement: the next one has to know whether it comes late.
func insertWorded[T any](b *builder, t *table[T], rows []T, of func(r *T) worded) {
	if !b.t.d.Words {
		insert(b, withGrams(t, of), rows, 1)
		return
	}
	waits := false
	for i := range rows {
		r := &rows[i]
		if t.version(r) != 0 {
			continue
		}
		w := of(r)
		args := t.values(make([]any, 0, len(t.key)+len(t.cols)+3), r)
		b.add(b.t.insert(&t.layout, 1, t.like), 1, append(args, string(w.account), w.made, w.id)...)
		if !w.gone {
			b.fresh(&t.layout, w)
			waits = true
		}
	}
	if waits {
		b.settle(&t.layout)
	}
}

// updateWorded is update for such a table, and finds out first whether a search
// finds the row as before: most updates leave that. A row that was made at
// another moment, or comes back into its list, is out of place from then on.
func updateWorded[T any](b *builder, t *table[T], rows []T, of func(r *T) worded, parked bool) {
	if !b.t.d.Words {
		update(b, withGrams(t, of), rows, parked)
		return
	}
	waits := false
	for i := range rows {
		r := &rows[i]
		if t.version(r) == 0 {
			continue
		}
		w := of(r)
		if w.gone {
			b.unword(&t.layout, w)
			continue
		}
		same := `SELECT 1 FROM {p}` + t.name + ` WHERE account_id = $1 AND id = $2 AND created_at = $3 AND ` + t.gone +
			` = 0 AND search = $4`
		args := []any{string(w.account), w.id, w.made, w.text}
		if w.stage != noStage {
			same, args = same+` AND stage = $5`, append(args, w.stage)
		}
		b.add(b.t.asking(same), AnyRows, args...)
		b.skip(2, 1)
		b.add(b.t.plain(`UPDATE {p}`+t.name+` SET late = 2 WHERE account_id = $1 AND id = $2 AND (created_at <> $3 OR `+
			t.gone+` <> 0)`), AnyRows, string(w.account), w.id, w.made)
		b.fresh(&t.layout, w)
		waits = true
	}
	update(b, t, rows, parked)
	if waits {
		b.settle(&t.layout)
	}
}

// gramsColumn holds the pieces of a row's words as numbers, in a database that
// has an index for arrays.
const gramsColumn = "grams"

// withGrams adds that column to a table whose rows are looked for by words.
func withGrams[T any](t *table[T], of func(r *T) worded) *table[T] {
	own := *t
	own.cols = append(slices.Clone(t.cols), gramsColumn)
	own.rowOf = func(a []any, r *T) []any {
		w := of(r)
		if w.gone {
			return append(t.rowOf(a, r), "{}")
		}
		return append(t.rowOf(a, r), gramNumbers(w.account, w.text))
	}
	return &own
}

// logsIn takes the users out of client records that are updated, where they
// are new themselves, and returns the records with them. Rows are updated before
// others are inserted, and no row may name one that is not there.
func logsIn(c *change) []accounts.Client {
	var first []accounts.Client
	for i := range c.Clients {
		r := c.Clients[i]
		fresh := func(u accounts.User) bool { return u.ID == r.User && u.Version == 0 }
		if r.Version == 0 || r.User == "" || !slices.ContainsFunc(c.Users, fresh) {
			continue
		}
		if first == nil {
			c.Clients = slices.Clone(c.Clients) // the list is the caller's
		}
		first = append(first, r)
		c.Clients[i].User = ""
	}
	return first
}

// logIn writes who logs in as a client, once they are there.
func (b *builder) logIn(list []accounts.Client) {
	for i := range list {
		r := &list[i]
		b.add(b.t.plain(`UPDATE {p}clients SET user_id = $1 WHERE account_id = $2 AND id = $3`), 1,
			string(r.User), string(r.Account), string(r.ID))
	}
}

// fresh has the words of a row wait.
func (b *builder) fresh(l *layout, w worded) {
	_, fresh := words(l)
	var signs []string
	if w.stage != noStage {
		signs = []string{staged(w.stage)}
	}
	b.add(b.t.plain(`INSERT INTO `+fresh+` (place, grams) SELECT place, $1 FROM {p}`+l.name+`
		WHERE account_id = $2 AND id = $3 ON CONFLICT (place) DO UPDATE SET grams = excluded.grams`), AnyRows,
		grams(w.account, w.text, signs...), string(w.account), w.id)
}

// settle puts what waits into the index, when it is enough.
func (b *builder) settle(l *layout) {
	index, fresh := words(l)
	b.add(b.t.asking(`SELECT 1 FROM `+fresh+` WHERE n >= `+freshAtMost+` LIMIT 1`), AnyRows)
	b.skip(3, 0)
	b.add(b.t.plain(`DELETE FROM `+index+` WHERE rowid IN (SELECT `+top+` - place FROM `+fresh+` UNION ALL SELECT `+
		top+` + place FROM `+fresh+`)`), AnyRows)
	b.add(b.t.plain(`INSERT INTO `+index+` (rowid, grams) SELECT `+top+` + CASE WHEN o.late > 0 THEN w.place ELSE -w.place END,
		w.grams FROM `+fresh+` w CROSS JOIN {p}`+l.name+` o WHERE o.place = w.place ORDER BY 1`), AnyRows)
	b.add(b.t.plain(`DELETE FROM `+fresh), AnyRows)
}

// unword takes the words of a row out of the index, and of what waits. One that
// waits may still be in the index as one that came in order.
func (b *builder) unword(l *layout, w worded) {
	const which = `account_id = $1 AND id = $2`
	index, fresh := words(l)
	for _, number := range [...]string{`- place`, `+ place`} {
		b.add(b.t.plain(`DELETE FROM `+index+` WHERE rowid IN (SELECT `+top+` `+number+` FROM {p}`+l.name+` WHERE `+which+`)`),
			AnyRows, string(w.account), w.id)
	}
	b.add(b.t.plain(`DELETE FROM `+fresh+` WHERE place IN (SELECT place FROM {p}`+l.name+` WHERE `+which+`)`),
		AnyRows, string(w.account), w.id)
}
