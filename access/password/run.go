package password

import "math"

// run returns how many characters of s, from its beginning, lie along one row, in one direction, each as often as
// somebody held the key: qwerty, 4321, aaaa, aabbcc. Or along two rows in turn: 1q2w3e, a1b2c3.
func (l *lexicon) run(s []rune) int {
	longest := l.along(s, 1)
	if len(s) >= 2*minRun {
		a, b := l.along(s, 2), l.along(s[1:], 2)
		if two := min(2*a, 2*b+1); two >= 2*minRun {
			longest = max(longest, two)
		}
	}
	return longest
}

// along returns how many of every stride-th character of s lie along one row.
func (l *lexicon) along(s []rune, stride int) int {
	longest := 1
	for stride*longest < len(s) && s[stride*longest] == s[0] {
		longest++
	}
	for _, from := range l.rows[s[0]] {
		for _, direction := range [2]int{1, -1} {
			at, n := from, 1
			for ; stride*n < len(s); n++ {
				if s[stride*n] == s[stride*(n-1)] {
					continue
				}
				at.column += direction
				if !l.stands(s[stride*n], at) {
					break
				}
			}
			longest = max(longest, n)
		}
	}
	return longest
}

// stands reports whether r has its place at p.
func (l *lexicon) stands(r rune, p place) bool {
	for _, q := range l.rows[r] {
		if q == p {
			return true
		}
	}
	return false
}

// datePrice returns what the digits s cost if they are a year, or a date in one of the orders people write it in.
func datePrice(s []rune) (int, bool) {
	switch len(s) {
	case 4:
		return priceYear, isYear(s)
	case 6:
		return priceDate6, isDay(s[0:2], s[2:4]) || isDay(s[2:4], s[0:2]) || isDay(s[4:6], s[2:4])
	case 8:
		return priceDate, isYear(s[4:]) && (isDay(s[0:2], s[2:4]) || isDay(s[2:4], s[0:2])) ||
			isYear(s[:4]) && isDay(s[6:8], s[4:6])
	}
	return 0, false
}

func isYear(s []rune) bool {
	y := 100*two(s[:2]) + two(s[2:])
	return 1900 <= y && y < 2050
}

func isDay(day, month []rune) bool {
	d, m := two(day), two(month)
	return 1 <= d && d <= 31 && 1 <= m && m <= 12
}

// two returns the number that two digits are.
func two(s []rune) int { return 10*int(s[0]-'0') + int(s[1]-'0') }

// period returns how many characters s says again and again until its end, at least twice; math.MaxInt where it does
// not.
func period(s []rune) int {
	// border[i] is how long the longest proper beginning of s[:i+1] is that is its end too.
	border := make([]int, len(s))
	for i := 1; i < len(s); i++ {
		k := border[i-1]
		for k > 0 && fold(s[i]) != fold(s[k]) {
			k = border[k-1]
		}
		if fold(s[i]) == fold(s[k]) {
			k++
		}
		border[i] = k
	}
	if n := len(s); n > 0 && 2*(n-border[n-1]) <= n {
		return n - border[n-1]
	}
	return math.MaxInt
}
