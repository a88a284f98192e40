package password_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each kind of piece has the price that the package comment tells, and the cheapest reading is the one that counts.
func TestPolicy_Price(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, nil)
	for _, tt := range []struct {
		name  string
		given string
		want  int
	}{
		{"nothing", "", 0},
		{"a letter", "q", 17},
		{"a letter with an accent", "q\u0301", 17},
		{"a digit between letters", "q7z", 17 + 10 + 17},
		{"a character of the Far East", "駅", 30},
		{"a sign", "#", 5},
		{"a sign again", "#q#", 5 + 17},
		{"two signs", "#q%", 5 + 17 + 15},
		{"a sign behind another one", "#q%z#%", 5 + 17 + 15 + 17 + 0 + 10},
		{"a word of the first", "dragon", 23},
		{"a word of 3 letters", "owl", 23},
		{"a word", "strawberry", 30},
		{"a name", "ottoNOEMI", 60},
		{"a phrase", "correct horse battery staple", 5 + 30},
		{"capitals, leet and accents are no other word", "$Tr4wBÉrrÿ", 30},
		{"signs in a word cost what a sign costs", "straw-ber-ry", 5 + 30},
		{"a word from its end", "yrrebwarts", 30 + 15},
		{"a word from its end is known from 5 letters on", "drib", 4 * 17},
		{"a word again", "strawberrystrawberry", 30 + 5},
		{"what was there before, and again", "zqjwzqjwzqjw", 4*17 + 5},
		{"3 characters that were there before are nothing", "zqj7zqj", 86},
		{"3 keys of a row", "jhg", 30},
		{"4 keys of a row", "jhgf", 20},
		{"4 keys held long", "jjjhhggggfff", 20},
		{"a row and back is two", "jhgfghj", 20 + 30},
		{"two rows in turn", "m1n2o3p4", 20},
		{"two rows in turn, the second from its end", "t9u8v7w6", 20},
		{"an alphabet", "ijklmnop", 20},
		{"an alphabet of Russia", "клмнопрст", 20},
		{"one character", "§§§§§§§§", 5},
		{"one letter", "jjjjjjjj", 20},
		{"digits that go round", "78901234", 20},
		{"a column of keys", "7ujm", 20},
		{"a number at the end", "strawberry8264", 30 + 20},
		{"a number at the beginning", "8264strawberry", 20 + 30},
		{"a number before the last sign", "strawberry8264!", 30 + 20 + 5},
		{"a number inside", "dragon826dragon", 23 + 3*10 + 5},
		{"five digits at the end", "strawberry82642", 30 + 20 + 10},
		{"a year inside", "dragon1987dragon", 23 + 20 + 5},
		{"1899 and 2050 are no years", "dragon1899dragon", 23 + 4*10 + 5},
		{"a day, a month and a year", "dragon25121987dragon", 23 + 40 + 5},
		{"a month, a day and a year", "dragon12251987dragon", 23 + 40 + 5},
		{"a year, a month and a day", "dragon19871225dragon", 23 + 40 + 5},
		{"a date of 6 digits", "dragon251287dragon", 23 + 45 + 5},
		{"a date with signs", "dragon25-12-87dragon", 5 + 23 + 45 + 5},
		{"the 32nd is no date", "dragon321387dragon", 86},
		{"digits are no letters by themselves", "q800z", 17 + 30 + 17}, // not boo
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, p.Price(tt.given), "%q", tt.given)
		})
	}

	t.Run("the context is cheaper than any word, and only where it is given", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, 10+20, p.Price("qwvkzj84", "Qwvkzj Ltd"))
		require.Equal(t, 10, p.Price("qwvkzj.xyzzyg", "qwvkzj xyzzyg")-5, "both together are one")
		require.Equal(t, 86, p.Price("qwvkzj84"))
		require.Equal(t, 10, p.Price("qwvkzj", "q.w.v@qwvkzj.example"))
		require.Equal(t, 3*17, p.Price("qwv", "qwv"), "3 letters are too few")
		require.Equal(t, 10+6*10+5, p.Price("qwvkzj919879qwvkzj", "qwvkzj"), "within digits there is no year")
	})
}
