package password

import "unicode/utf8"

// Prices are tenths of a power of ten of the guesses that somebody needs who tries first what people choose first: 10 is
// a factor of ten. A password costs what its cheapest reading costs, the sum of its pieces.
const (
	priceAgain    = 5  // 4 or more characters that were there before
	priceContext  = 10 // a word about the person or the product
	priceFirst    = 23 // one of the two hundred words that people choose first, or any of 3 letters
	priceWord     = 30 // any other listed word, name or phrase
	priceReversed = 15 // more for a listed word from its end, of 5 letters on
	priceRun      = 20 // 4 or more along a keyboard or an alphabet, or of one character
	priceRun3     = 30 // 3 of them
	priceNumber   = 20 // up to 4 digits, the first or the last characters
	priceYear     = 20 // 1900 to 2049
	priceDate     = 40 // 8 digits
	priceDate6    = 45 // 6 digits

	// What lies between the pieces.
	priceDigit  = 10
	priceLetter = 17
	priceFar    = 30 // a character of a script with thousands

	// A sign costs little where it is the only one, as between words, and what a character costs where there are more.
	priceSign      = 5
	priceOtherSign = 15
	priceSignAgain = 10 // behind another sign

	// priceEnough is the most that is refused: 3 × 10^8 guesses, which at the default cost of a hash are some hundred
	// days of one processor.
	priceEnough = 85
)

const (
	minAgain  = 4
	minRun    = 3
	minWord   = 3
	maxNumber = 4
)

// cheapest returns what s costs, at most priceEnough+1, for somebody who knows l and the keys in known.
//
// It is read twice: with its signs, which may stand for letters, and without.
func (l *lexicon) cheapest(s []rune, known map[string]struct{}) int {
	signs := signPrices(s)
	price := newReading(l, known, s, signs, 0).price()
	if b := bare(s); len(b) < len(s) {
		all := 0
		for _, p := range signs {
			all += p
		}
		price = min(price, newReading(l, known, b, make([]int, len(b)), all).price())
	}
	return price
}

// signPrices returns what each sign of s costs where it stands between the pieces.
func signPrices(s []rune) []int {
	prices := make([]int, len(s))
	seen := map[rune]struct{}{}
	for i, r := range s {
		if !isSign(r) {
			continue
		}
		_, again := seen[r]
		switch {
		case !again && len(seen) == 0:
			prices[i] = priceSign
		case !again:
			prices[i] = priceOtherSign
		case s[i-1] != r && isSign(s[i-1]):
			prices[i] = priceSignAgain
		}
		seen[r] = struct{}{}
	}
	return prices
}

// reading finds the cheapest way to cut a text into pieces.
type reading struct {
	lexicon *lexicon
	known   map[string]struct{}
	text    []rune
	signs   []int  // prices
	folded  string // text
	offset  []int  // in folded, of each character and of the end
	again   []int  // how much of what begins here has begun before
	first   int    // where the first character that is no sign begins
	last    int    // where the last one ends
	best    []int  // what the text before here costs
}

func newReading(l *lexicon, known map[string]struct{}, text []rune, signs []int, begun int) *reading {
	r := &reading{lexicon: l, known: known, text: text, signs: signs, again: longestAgain(text)}
	b := make([]byte, 0, 2*len(text))
	r.offset = make([]int, 0, len(text)+1)
	for _, c := range text {
		r.offset = append(r.offset, len(b))
		b = utf8.AppendRune(b, fold(c))
	}
	r.offset = append(r.offset, len(b))
	r.folded = string(b)
	for r.last = len(text); r.last > 0 && isSign(text[r.last-1]); r.last-- {
	}
	for r.first < r.last && isSign(text[r.first]) {
		r.first++
	}
	r.best = make([]int, len(text)+1)
	for i := range r.best {
		r.best[i] = priceEnough + 1
	}
	r.best[0] = min(begun, priceEnough+1)
	return r
}

// price goes through the text once and adds, to the cheapest way up to each place, every piece that begins there.
//
// The work is bounded by the square of the length. Where a place costs too much nothing is added, so that for a good
// password all of it is in the first few characters.
func (r *reading) price() int {
	for i := range r.text {
		if r.best[i] > priceEnough {
			continue
		}
		r.single(i)
		r.repeats(i)
		r.words(i)
		r.digits(i)
	}
	return r.best[len(r.text)]
}

// piece offers text[i:end] at a price.
func (r *reading) piece(i, end, price int) { r.best[end] = min(r.best[end], r.best[i]+price) }

func (r *reading) single(i int) {
	c := r.text[i]
	switch {
	case isSign(c):
		r.piece(i, i+1, r.signs[i])
	case isDigit(c):
		r.piece(i, i+1, priceDigit)
	case c < 0x2E80: // the alphabets; above are the scripts of East Asia, and rare ones
		r.piece(i, i+1, priceLetter)
	default:
		r.piece(i, i+1, priceFar)
	}
}

// repeats offers what was there before and what lies along a row.
func (r *reading) repeats(i int) {
	for n := minAgain; n <= r.again[i]; n++ {
		r.piece(i, i+n, priceAgain)
	}
	run := r.lexicon.run(r.text[i:])
	for n := minRun; n <= run; n++ {
		price := priceRun
		if n == minRun {
			price = priceRun3
		}
		r.piece(i, i+n, price)
	}
}

// words offers what is listed and what is known.
func (r *reading) words(i int) {
	longest := r.lexicon.longest
	digits := true
	for end := i + 1; end < len(r.offset); end++ {
		word := r.folded[r.offset[i]:r.offset[end]]
		if len(word) > longest && len(r.known) == 0 {
			return
		}
		if digits = digits && isDigit(r.text[end-1]); digits {
			word = string(r.text[i:end]) // as in key
		}
		if price, ok := r.lexicon.prices[word]; ok {
			r.piece(i, end, price)
		}
		if _, ok := r.known[word]; ok {
			r.piece(i, end, priceContext)
		}
	}
}

// digits offers numbers, years and dates. They count where digits begin or end, since any long number has years in it.
func (r *reading) digits(i int) {
	end := i
	for end < len(r.text) && isDigit(r.text[end]) {
		end++
	}
	begins := i == 0 || !isDigit(r.text[i-1])
	for n := 1; n <= 8 && i+n <= end; n++ {
		if n <= maxNumber && (i == r.first || i+n == r.last) {
			r.piece(i, i+n, priceNumber)
		}
		if !begins && i+n != end {
			continue
		}
		if price, ok := datePrice(r.text[i : i+n]); ok {
			r.piece(i, i+n, price)
		}
	}
}

// longestAgain returns for each place of s how much of what begins there has begun before, also where the two overlap.
func longestAgain(s []rune) []int {
	longest := make([]int, len(s))
	same := make([]int, len(s)+1) // same[j] is how much s[i:] and s[j:] have in common
	for i := len(s) - 1; i > 0; i-- {
		for j := range i {
			// same[j+1] is still that of i+1.
			if fold(s[i]) == fold(s[j]) {
				same[j] = same[j+1] + 1
			} else {
				same[j] = 0
			}
			longest[i] = max(longest[i], same[j])
		}
	}
	return longest
}
