package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plain returns text in lower case and without accents, the way people vary a word without making it another.
func plain(text string) []rune {
	var out []rune
	for _, r := range norm.NFKD.String(text) {
		if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// bare returns s without what is neither a letter nor a digit.
func bare(s []rune) []rune {
	var out []rune
	for _, r := range s {
		if isSign(r) {
			continue
		}
		out = append(out, r)
	}
	return out
}

func isSign(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// fold returns the letter that r stands for, in words and in what imitates them: p4$$w0rd and password are one, and so
// are l, i, 1 and !. It is not meant to be read.
func fold(r rune) rune {
	switch r {
	case '0', 'ø':
		return 'o'
	case '1', '!', '|', 'l', 'ı', 'ł', '£':
		return 'i'
	case '2':
		return 'z'
	case '3', '€', 'æ', 'œ':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$', 'ß', '§':
		return 's'
	case '6', '9':
		return 'g'
	case '7', '+':
		return 't'
	case '8':
		return 'b'
	case '(', '<', '©':
		return 'c'
	case 'ð', 'đ':
		return 'd'
	}
	return r
}

// key returns what a word is looked up by: its letters and digits alone, folded unless there are only digits, since
// nobody reads 800 as boo.
func key(word string) string {
	s := bare(plain(word))
	if !slices.ContainsFunc(s, func(r rune) bool { return !isDigit(r) }) {
		return string(s)
	}
	for i, r := range s {
		s[i] = fold(r)
	}
	return string(s)
}

// reversed returns s from its end.
func reversed(s string) string {
	b := make([]byte, 0, len(s))
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		b = utf8.AppendRune(b, r)
		s = s[:len(s)-size]
	}
	return string(b)
}

// contextKeys returns the keys of what a text is known by: its parts between signs, and all of them joined, each of at
// least 4 letters or digits. An address has those of its local part and those of its domain.
func contextKeys(text string) []string {
	local, domain, isAddress := strings.Cut(text, "@")
	keys := parts(local)
	if isAddress {
		keys = append(keys, parts(domain)...)
	}
	return keys
}

func parts(text string) []string {
	var keys []string
	add := func(word string) {
		if k := key(word); utf8.RuneCountInString(k) >= minContext {
			keys = append(keys, k)
		}
	}
	for _, part := range strings.FieldsFunc(norm.NFKC.String(text), isSign) {
		add(part)
	}
	add(text)
	return keys
}
