package memory

import (
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// A gram is three runes of a text that follow each other on a line, or the one
// or two at which a word begins. Whatever fits a search by
// accounts.SearchFits holds every gram of the search.
type gram uint64

// beginning stands in the place of the first rune of a gram that begins a word.
// It is no rune.
const beginning = 1<<21 - 1

func gramOf(a, b, c rune) gram {
	return gram(a)<<42 | gram(b)<<21 | gram(c) //nolint:gosec // a rune has 21 bits, and no sign
}

// grams returns the grams of a text that accounts.Client.SearchText or its like
// returned, in order, each once.
func grams(text string) []gram {
	if text == "" {
		return nil
	}
	all := make([]gram, 0, len(text)+len(text)/2)
	for line := range strings.SplitSeq(text, "\n") {
		runes := []rune(line)
		for i, c := range runes {
			if i == 0 || !accounts.IsWord(runes[i-1]) {
				all = append(all, gramOf(beginning, c, 0))
				if i+1 < len(runes) {
					all = append(all, gramOf(beginning, c, runes[i+1]))
				}
			}
			if i > 1 {
				all = append(all, gramOf(runes[i-2], runes[i-1], c))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sought returns the grams of a search that is no name key yet; none if
// everything fits it.
func sought(search string) []gram {
	term := []rune(accounts.NameKey(search))
	switch len(term) {
	case 0:
		return nil
	case 1:
		return []gram{gramOf(beginning, term[0], 0)}
	case 2:
		return []gram{gramOf(beginning, term[0], term[1])}
	}
	all := make([]gram, 0, len(term)-2)
	for i := range len(term) - 2 {
		all = append(all, gramOf(term[i], term[i+1], term[i+2]))
	}
	return all
}

// changed returns the grams under which a row is not found any more, and under
// which it newly is. A row that changes its place in the order leaves all of
// them and comes back.
func changed(was, is string, inPlace bool) (gone, come []gram) {
	if was == is && inPlace {
		return nil, nil
	}
	gone, come = grams(was), grams(is)
	if !inPlace {
		return gone, come
	}
	stays := func(in []gram) func(gram) bool {
		return func(g gram) bool {
			_, found := slices.BinarySearch(in, g)
			return found
		}
	}
	left := slices.DeleteFunc(slices.Clone(gone), stays(come))
	return left, slices.DeleteFunc(come, stays(gone))
}

// finder finds the rows of one account by what their text holds: for each gram
// it has the rows that hold it, in the order of the list.
type finder[T any] struct {
	rows map[gram]*ordered[T]
}

func (f *finder[T]) insert(row T, under []gram, order func(a, b T) int) {
	if f.rows == nil {
		f.rows = map[gram]*ordered[T]{}
	}
	for _, g := range under {
		list := f.rows[g]
		if list == nil {
			list = &ordered[T]{}
			f.rows[g] = list
		}
		list.insert(row, order)
	}
}

func (f *finder[T]) remove(row T, under []gram, order func(a, b T) int) {
	for _, g := range under {
		list := f.rows[g]
		if list.remove(row, order); list.size() == 0 {
			delete(f.rows, g)
		}
	}
}

// find returns the shortest list that has every row which fits a search; nil
// if none does. Of everything, it returns all.
func (f *finder[T]) find(search string, all *ordered[T]) *ordered[T] {
	for _, g := range sought(search) {
		list := f.rows[g]
		if list == nil {
			return nil
		}
		if list.size() < all.size() {
			all = list
		}
	}
	return all
}
