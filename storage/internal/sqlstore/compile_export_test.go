package sqlstore

import "github.com/chatelaine-go/chatelaine/accounts"

// Change is everything that a change of any package can carry.
type Change = change

// Unknown names the fields of a kind of change that compile knows nothing of.
func Unknown[C any]() []string { return unknown[C]() }

// Refuse refuses what a change has in fields that would be lost.
func Refuse[C any](c C) error { return refuse(&c, unknown[C]()) }

// Texts returns the statements of a change, in their order.
func Texts(w *Writes, c Change, park bool) ([]string, error) {
	p, err := w.compile(c, park)
	list := make([]string, len(p.steps))
	for i := range p.steps {
		list[i] = p.steps[i].Stmt.Text
	}
	return list, err
}

// Values returns how many values a statement has places for, and gets.
func Values(w *Writes, c Change, park bool) (places, gets []int, err error) {
	p, err := w.compile(c, park)
	for _, s := range p.steps {
		n := 0
		for _, b := range s.Stmt.Text {
			if b == '?' {
				n++
			}
		}
		places, gets = append(places, n), append(gets, len(s.Args))
	}
	return places, gets, err
}

// Marked marks the beginnings of words in a text.
func Marked(text string) string { return marked(text) }

// Wanted returns what a marked text has to contain to fit a search.
func Wanted(search string) string { return wanted(search) }

// Grams returns the pieces of a marked text.
func Grams(account accounts.AccountID, text string, signs ...string) string {
	return grams(account, text, signs...)
}

// Asked returns the pieces by which a wanted text is found.
func Asked(account accounts.AccountID, wanted string, signs ...string) (list []string, and string) {
	return asked(account, wanted, signs...)
}

// Grants reads the sites of a client as the database writes them.
func Grants(text string) ([]accounts.SiteGrant, error) {
	var g asGrants
	err := g.Scan(text)
	return g, err
}
