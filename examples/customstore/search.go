package customstore

import (
	"strings"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Clients and sites are found by signs. A sign stands for a piece of the text
// that a search looks into, for a status, or for everything that is there; and
// under each sign of an account its rows lie in the order of the list. What is
// looked for are the rows that lie under several signs at once.

// everything is the sign of every row that is there.
const everything = "*"

// ofStatus is the sign of a status.
func ofStatus(s accounts.ClientStatus) string { return "=" + string(s) }

// signs returns those of a text that accounts.Client.SearchText or its like
// returned: all that are three runes of a line, and the one or two runes at
// which a word begins. Whatever fits a search by accounts.SearchFits has every
// sign of the search.
func signs(text string) (all []string) {
	for line := range strings.SplitSeq(text, "\n") {
		runes := []rune(line)
		for i := range runes {
			if i == 0 || !accounts.IsWord(runes[i-1]) {
				all = append(all, "^"+string(runes[i:i+1]), "^"+string(runes[i:min(i+2, len(runes))]))
			}
			if i > 1 {
				all = append(all, "~"+string(runes[i-2:i+1]))
			}
		}
	}
	return all
}

// sought returns the signs of a search; none if everything fits it.
func sought(search string) (all []string) {
	term := []rune(accounts.NameKey(search))
	if n := len(term); n == 1 || n == 2 {
		return []string{"^" + string(term)}
	}
	for i := 2; i < len(term); i++ {
		all = append(all, "~"+string(term[i-2:i+1]))
	}
	return all
}

// entries returns a row's entries under several signs of an account.
func entries(account accounts.AccountID, under []string, place string) []string {
	for i, sign := range under {
		under[i] = key(account, sign) + place
	}
	return under
}

// common yields the rows of an account that lie under all of some signs, the
// newest first, from before a place on; "" is the end.
//
// It goes down all the lists at once. Whenever one has nothing at the place
// where another is, all leap to where that one goes on, by a seek. So it never
// takes more steps than the shortest list has entries, times the signs, and
// it stops at the end of the page.
func (t *table[R]) common(account accounts.AccountID, under []string, before string) func(yield func(*R) bool) {
	return func(yield func(*R) bool) {
		cursors := make([]*bbolt.Cursor, len(under))
		for i := range cursors {
			cursors[i] = t.bucket("found").Cursor()
		}
		if before == "" {
			before = "\xff" // behind every moment
		}
		for agreed := 0; ; {
			for i := 0; agreed < len(under); i = (i + 1) % len(under) {
				prefix := key(account, under[i])
				k, _ := last(cursors[i], prefix+before)
				if !begins(k, prefix) {
					return
				}
				if at := string(k[len(prefix):]) + "\x00"; at != before { // up to there, and it included
					before, agreed = at, 0
				}
				agreed++
			}
			before, agreed = strings.TrimSuffix(before, "\x00"), 0
			r := t.find("found", key(account, under[0])+before)
			if r == nil || !yield(r) {
				return
			}
		}
	}
}
