package sqlstore

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// page is how many entries a page has when none are asked for.
const page = 50

func limit(n int) int64 {
	if n <= 0 {
		return page
	}
	return atMost(n)
}

// atMost returns a number of rows that a database can count to.
func atMost(n int) int64 { return min(int64(n), math.MaxInt32) }

// lastID is behind every id, and lastMoment behind every moment: pages that
// run backwards begin there.
const (
	lastID     = "\x7f"
	lastMoment = int64(math.MaxInt64)
)

// maxPattern is the longest pattern that SQLite compares with LIKE.
const maxPattern = 50_000

// contains returns the pattern for LIKE … ESCAPE '!' that finds a part of a
// key; nothing in the search text is a wildcard. "" finds everything. Keys are
// in lower case and so is what comes out here, so it does not matter that one
// database's LIKE folds the case of ASCII letters and another's does not.
//
// Statements give LIKE and LIMIT an expression, such as LIMIT $1 + 0, and no
// bare parameter. SQLite plans by the value of a bare one, and so plans again
// each time a value is bound, which costs several times a page.
//
// A text that no key is long enough to contain becomes a pattern that fits
// none, instead of one that the database refuses to run.
func contains(search string) string {
	if key := accounts.NameKey(search); key != "" {
		return pattern(key)
	}
	return ""
}

// pattern is contains for a text that is made already.
func pattern(key string) string {
	var b strings.Builder
	b.Grow(len(key) + 8)
	b.WriteByte('%')
	for i := range len(key) {
		if c := key[i]; c == '%' || c == '_' || c == '!' {
			b.WriteByte('!')
		}
		b.WriteByte(key[i])
	}
	b.WriteByte('%')
	if b.Len() > maxPattern {
		return "\x7f"
	}
	return b.String()
}

// proof returns the two numbers with which accounts.Proof is compared: a
// membership counts if its after_login is less than the first and its after_at
// less than the second. The one that the proof does not speak of is out of
// reach, and a proof that proves nothing is 0 and 0, which nothing is less
// than.
func proof(p accounts.Proof) (login, at int64) {
	switch {
	case p.Login > 0:
		return p.Login, math.MaxInt64
	case p.At.IsZero():
		return 0, 0
	}
	at = p.At.UnixMicro()
	if p.At.Nanosecond()%int(time.Microsecond) != 0 {
		at++ // stored moments are whole microseconds: "after" is "not before the next one"
	}
	return math.MaxInt64, max(at, 1)
}

// sizes are the lengths that lists of values are rendered in. A list is filled
// up to the next one, so that few different statements are ever prepared.
func size(n int) int {
	for _, s := range [...]int{1, 2, 4, 8, 16, 40, 100, 250, 500, 1000} {
		if n <= s {
			return s
		}
	}
	return (n + 999) / 1000 * 1000
}

// keys is a table k of values for a statement, in the order given: k.n is the
// place. There is one place at least, and those that are only there to fill up
// hold NULL. The values are the
// first parameters, written as the dialect writes those that stand in order:
// numbered ones have names, and SQLite looks for a name among all of them each
// time it binds a value. The statement's other parameters come behind.
type keys struct {
	text string // "VALUES (0,?,?),(1,?,?)"
	args []any
}

// newKeys makes n rows of the given width.
func newKeys(d Dialect, n, width int, row func(a []any, i int) []any) keys {
	if d.Together {
		return newArrays(n, width, row)
	}
	rows := size(n)
	args := make([]any, 0, rows*width+2)
	text := append(make([]byte, 0, rows*(8+6*width)), "VALUES "...)
	for i, p := 0, 0; i < rows; i++ {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(append(text, '('), int64(i), 10)
		for range width {
			p++
			text = append(append(text, ','), d.bind(p)...)
		}
		text = append(text, ')')
		if i < n {
			args = row(args, i)
		} else {
			for range width {
				args = append(args, nil)
			}
		}
	}
	return keys{text: string(text), args: args}
}

// newArrays is newKeys with an array for each column, so that there is one text
// for any number of rows.
func newArrays(n, width int, row func(a []any, i int) []any) keys {
	all := make([]any, 0, max(n, 1)*width)
	for i := range n {
		all = row(all, i)
	}
	for n == 0 && len(all) < width {
		all = append(all, nil)
	}
	names, lists := make([]string, width), make([]string, width)
	for i := range width {
		names[i] = "c" + strconv.Itoa(i)
		lists[i] = "(SELECT $" + strconv.Itoa(i+1) + "::text[])" // or a plan is made for how many there are
	}
	cols := strings.Join(names, ", ")
	unnest := "unnest" // of several it is part of the language
	if width == 1 {
		unnest = "pg_catalog.unnest"
	}
	return keys{
		text: "SELECT n - 1, " + cols + " FROM " + unnest + "(" + strings.Join(lists, ", ") + ") WITH ORDINALITY x (" + cols + ", n)",
		args: arrays(all, width),
	}
}

// and adds a parameter and returns how it is written.
func (k *keys) and(arg any) string {
	k.args = append(k.args, arg)
	return "$" + strconv.Itoa(len(k.args))
}

// oneOf appends values to the arguments and returns their placeholders for
// IN (…), filled up with the last of them.
func oneOf[T ~string](args []any, values []T) (string, []any) {
	n := size(len(values))
	text := make([]byte, 0, 6*n)
	for i := range n {
		if i > 0 {
			text = append(text, ',')
		}
		args = append(args, string(values[min(i, len(values)-1)]))
		text = strconv.AppendInt(append(text, '$'), int64(len(args)), 10)
	}
	return string(text), args
}
