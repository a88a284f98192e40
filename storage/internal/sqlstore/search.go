package sqlstore

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// mark stands in a stored text before each rune at which a word begins. Keys
// are in lower case, so it is in none of them.
const mark = 'W'

// marked returns a text that accounts.Client.SearchText or its like returned
// with the beginnings of words marked. In it, whatever accounts.SearchFits fits
// is one piece: the one that [wanted] returns.
func marked(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	word := false
	for _, r := range text {
		if !word && r != '\n' {
			b.WriteByte(mark)
		}
		word = accounts.IsWord(r)
		b.WriteRune(r)
	}
	return b.String()
}

// wanted returns what a marked text has to contain to fit a search; "" is
// nothing. From three characters on that may begin anywhere, and so lacks the
// mark at its beginning.
func wanted(search string) string {
	key := accounts.NameKey(search)
	text := marked(key)
	if utf8.RuneCountInString(key) > 2 {
		return strings.TrimPrefix(text, string(mark))
	}
	return text
}

// gram is how many runes of a marked text make a piece of it. The mark and the
// first rune of a word are a piece as well.
const gram = 3

// grams returns the pieces of a marked text, each once, as the index of words
// has them: begun by the account's sign, and with a space behind. More are
// signs that stand beside them.
func grams(account accounts.AccountID, text string, more ...string) string {
	var b strings.Builder
	b.Grow(16 * (len(text) + len(more)))
	own := sign(account)
	for _, m := range more {
		b.WriteString(own + m + " ")
	}
	known := make(map[string]struct{}, len(text))
	put := func(piece string) {
		if _, twice := known[piece]; !twice {
			known[piece] = struct{}{}
			b.WriteString(own)
			b.WriteString(hex.EncodeToString([]byte(piece)))
			b.WriteByte(' ')
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		eachPiece(line, put)
	}
	return b.String()
}

// gramNumbers returns the pieces of a marked text as an array of numbers: an
// account's own number for each piece, as [gramNumber] has it.
func gramNumbers(account accounts.AccountID, text string) string {
	known := make(map[int32]struct{}, len(text))
	b := []byte{'{'}
	put := func(piece string) {
		n := gramNumber(account, piece)
		if _, twice := known[n]; !twice {
			if known[n] = struct{}{}; len(b) > 1 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		eachPiece(line, put)
	}
	return string(append(b, '}'))
}

// wantedNumbers returns a few of the pieces that cover a wanted text, as
// [gramNumbers] writes them.
func wantedNumbers(account accounts.AccountID, wanted string) string {
	return array(func(yield func(any) bool) {
		for _, piece := range covering(wanted) {
			if !yield(int64(gramNumber(account, piece))) {
				return
			}
		}
	})
}

// gramNumber stands for a piece at an account. Other pieces, and other accounts,
// may share it: what is found is compared once more.
func gramNumber(account accounts.AccountID, piece string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account)) // never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(piece))
	return int32(h.Sum32()) //nolint:gosec // all 32 bits are the number
}

// eachPiece calls f with each piece of a line, in order.
func eachPiece(line string, f func(piece string)) {
	var at [gram]int // where the last runes began, the newest last
	n := 0
	for i, r := range line {
		at = [gram]int{at[1], at[2], i}
		n++
		end := i + utf8.RuneLen(r)
		if n > 1 && line[at[1]] == mark {
			f(line[at[1]:end])
		}
		if n > 2 {
			f(line[at[0]:end])
		}
	}
}

// sign returns what stands for an account before each of its pieces, so that
// the index has the pieces of each account together. Two accounts may share
// one: what is found is compared once more.
func sign(account accounts.AccountID) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(account)) // never fails
	return strconv.FormatUint(h.Sum64()|1<<63, 36)[:9]
}

// staged is the sign of a client's stage.
func staged(stage int64) string { return "s" + strconv.FormatInt(stage, 10) }

// covering returns a few pieces that cover a wanted text.
func covering(wanted string) (few []string) {
	var all []string
	runes := 0
	eachPiece(wanted, func(piece string) {
		if n := utf8.RuneCountInString(piece); n >= runes { // none of two runes where there is one of three
			if n > runes {
				all, runes = all[:0], n
			}
			all = append(all, piece)
		}
	})
	for i, piece := range all {
		if (i%gram == 0 || i == len(all)-1) && len(few) < matchAtMost {
			few = append(few, piece)
		}
	}
	return few
}

// matchAtMost is how many pieces of a search are looked up. What has them is
// compared with the whole of it.
const matchAtMost = 8

// asked returns for which pieces the index of words is asked, as it has them,
// to find what contains a wanted text: a few that cover it. And is what is asked
// besides, any of some signs.
func asked(account accounts.AccountID, wanted string, some ...string) (list []string, and string) {
	own := sign(account)
	for _, piece := range covering(wanted) {
		list = append(list, own+hex.EncodeToString([]byte(piece)))
	}
	if len(some) > 0 {
		and = ` AND (` + own + strings.Join(some, ` OR `+own) + `)`
	}
	return list, and
}
