package password

import (
	_ "embed" // the lists
	"strings"
	"unicode/utf8"
)

// The lists hold a word or a phrase a line; a line that begins with # is a comment.
var (
	//go:embed lists/first.txt
	listFirst string
	//go:embed lists/words.txt
	listWords string
	//go:embed lists/names.txt
	listNames string
	//go:embed lists/phrases.txt
	listPhrases string
)

// minReversed is from how many letters on a word is also known backwards.
const minReversed = 5

// lexicon knows what people choose first. It is not changed once it is made.
type lexicon struct {
	prices  map[string]int // by key
	longest int            // key, in bytes
	rows    map[rune][]place
}

// place is where a character stands in a row that people run along.
type place struct{ row, column int }

// newLexicon returns the built-in lists and what a host blocks besides.
func newLexicon(blocked []string) *lexicon {
	l := &lexicon{prices: map[string]int{}, rows: map[rune][]place{}}
	for _, w := range lines(listFirst) {
		l.add(w, priceFirst)
	}
	for _, list := range []string{listWords, listNames, listPhrases} {
		for _, w := range lines(list) {
			l.add(w, priceWord)
		}
	}
	for _, w := range blocked {
		if utf8.RuneCountInString(key(w)) >= minContext {
			l.add(w, priceWord)
		}
	}
	for i, row := range rows() {
		for column, r := range plain(row) {
			l.rows[r] = append(l.rows[r], place{row: i, column: column})
		}
	}
	return l
}

func lines(list string) []string {
	var words []string
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			words = append(words, line)
		}
	}
	return words
}

// add makes word known at a price, or at the lower one it has already.
func (l *lexicon) add(word string, price int) {
	k := key(word)
	n := utf8.RuneCountInString(k)
	if n < minWord {
		return // as cheap as their letters
	}
	if n == minWord {
		price = min(price, priceFirst) // there are few of them
	}
	l.set(k, price)
	if n >= minReversed {
		l.set(reversed(k), price+priceReversed)
	}
}

func (l *lexicon) set(k string, price int) {
	if old, ok := l.prices[k]; !ok || price < old {
		l.prices[k] = price
	}
	l.longest = max(l.longest, len(k))
}

// rows are what people run along: rows and columns of keyboards, plain and shifted, and alphabets. A digit is on several.
func rows() []string {
	return []string{
		"12345678901234567890",
		"abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω",
		// QWERTY, QWERTZ, AZERTY, ЙЦУКЕН
		"qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./",
		"qwertzuiopü+", "asdfghjklöä", "yxcvbnm,.-",
		"azertyuiop", "qsdfghjklm", "wxcvbn,;:!",
		"йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
		"!@#$%^&*()_+", "!\"£$%^&*()_+",
		// columns
		"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/",
		"!qaz", "@wsx", "#edc", "$rfv", "%tgb", "^yhn", "&ujm",
		"1aqw", "2zsx", "1qay",
		// the block of digits
		"147", "258", "369", "159", "357",
	}
}
