package sqlstore

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// spelling is a text as the database spells it.
//
// A database that keeps one plan for whatever the arguments are, and weighs it
// against what a plan for these ones would cost, needs two kinds of help. It takes a
// page's length that it does not know for a tenth of the list, and so reads and sorts
// a list of which a page was asked: there the length stands in the text. And it plans
// again for each question, which takes longer than to answer it, while it believes
// that the arguments are better than others: in a text with {hidden} it cannot look
// at them.
type spelling struct {
	d       Dialect
	written string
	hidden  bool
	page    int // which argument is the length of a page, counted from 1; 0 is none

	long  atomic.Pointer[string]
	short [shortPage]atomic.Pointer[string] // by the length, if it is less than that
}

// shortPage is one more than the longest page whose length is written into a text.
// Longer ones are for exports; each text more is one that a connection keeps.
const shortPage = 129

var pageLength = regexp.MustCompile(`LIMIT \$(\d+) \+ 0`)

func (d Dialect) spell(text string) *spelling {
	s := &spelling{d: d, written: text}
	if !d.Together {
		return s
	}
	s.hidden = strings.Contains(text, "{hidden}")
	if m := pageLength.FindStringSubmatch(text); m != nil {
		s.page, _ = strconv.Atoi(m[1])
	}
	return s
}

// with returns the text for some arguments, and those that it takes. The types of
// the arguments are always the same.
func (s *spelling) with(args []any) (string, []any) {
	known, inline := &s.long, int64(0)
	if s.page > 0 {
		if n, ok := args[s.page-1].(int64); ok && n > 0 && n < shortPage {
			known, inline = &s.short[n], n
		}
	}
	text := known.Load()
	if text == nil {
		own := s.d.SQL(s.fill(args, inline))
		text = &own
		known.Store(text)
	}
	if inline > 0 {
		args = slices.Delete(args, s.page-1, s.page)
	}
	return *text, args
}

// fill writes the page's length, if any, in the place of its parameter; those behind
// it move up. Others are hidden.
func (s *spelling) fill(args []any, inline int64) string {
	if inline == 0 && !s.hidden {
		return s.written
	}
	var b strings.Builder
	for i := 0; i < len(s.written); i++ {
		if s.written[i] != '$' || i+1 == len(s.written) || !digit(s.written[i+1]) {
			b.WriteByte(s.written[i])
			continue
		}
		k := 0
		for ; i+1 < len(s.written) && digit(s.written[i+1]); i++ {
			k = k*10 + int(s.written[i+1]-'0')
		}
		number := k
		if inline > 0 && k > s.page {
			number--
		}
		switch {
		case k == s.page && inline > 0:
			b.WriteString(strconv.FormatInt(inline, 10))
		case k == s.page || !s.hidden:
			b.WriteString("$" + strconv.Itoa(number))
		default:
			b.WriteString("(SELECT $" + strconv.Itoa(number) + "::" + typeOf(args[k-1]) + ")")
		}
	}
	return b.String()
}

// typeOf returns the type of a column that has such a value.
func typeOf(value any) string {
	switch value.(type) {
	case int64:
		return "bigint"
	case []byte:
		return "bytea"
	}
	return "text"
}
