package accounts

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SearchFits reports whether a text that [Client.SearchText] or
// [Site.SearchText] returned fits what somebody looks for. From three
// characters on it has to contain them; one or two have to stand where a word
// begins, since they would be found nearly everywhere. "" fits everything.
//
// It is the rule for stores, which answer by an index.
func SearchFits(text, search string) bool {
	term := NameKey(search)
	if utf8.RuneCountInString(term) > 2 || term == "" {
		return strings.Contains(text, term)
	}
	for at := 0; ; {
		i := strings.Index(text[at:], term)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		if at == 0 || !IsWord(before) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
}

// IsWord reports whether a rune is part of a word: a letter, a digit or a mark.
// What is none parts words.
func IsWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// searchText joins the name keys of fields that are filled, one a line.
func searchText(fields ...string) string {
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		if key := NameKey(f); key != "" {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, "\n")
}

// digits returns the digits of a phone number, which people look for without
// the signs that part them.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, phone)
}
