package password_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

// A29: what people choose first is refused at any length, however it is dressed up.
func TestPolicy_Check_Common(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, nil)
	for name, given := range map[string][]string{
		"one word again": {
			"passwordpassword", "iloveyouiloveyou", "Sunshine Sunshine", "dragon-dragon-dragon", "monkeymonkeymonkey1",
			"tiger tiger dragon dragon tiger", "пароль пароль пароль", "senhasenhasenha", "passwortpasswort",
		},
		"a word and what everybody adds": {
			"Password123456789!", "password12345678", "Welcome2024!!!!", "Summer2024Summer2024", "administrator123",
			"sunshinesunshine2841", "football19051984", "Liverpool-FC-2024!", "letmeinletmein99", "qwerty1234567890",
			"P@ssw0rd20242025", "Password1Password1", "!!!password2024!!!",
		},
		"two words": {
			"michaeljordan1998", "Michael-Jordan-1998!", "strawberry mountain", "butterflykisses", "princess and dragon",
			"adminpasswordwelcome", "chocolatecookies", "football-champion", "elizabethandrew1",
		},
		"in other signs": {
			"p@ssw0rdp@ssw0rd2024", "P4$$w0rdP4$$w0rd", "1l0v3y0u1l0v3y0u", "p.a.s.s.w.o.r.d.1.2.3", "pässwörtpässwört",
			"ＰａｓｓｗｏｒｄＰａｓｓｗｏｒｄ", "drowssapdrowssap", "passworddrowssap", "5un5h1n3 5un5h1n3", "PaSsWoRdPaSsWoRd",
		},
		"along a keyboard or an alphabet": {
			"qwertyuiopasdfgh", "123456789012345", "098765432109876", "abcdefghijklmnop", "zyxwvutsrqponmlk", "qazwsxedcrfvtgb",
			"1q2w3e4r5t6y7u8i", "1qaz2wsx3edc4rfv5tgb", "aabbccddeeffgghh", "112233445566778899", "!@#$%^&*()_+!@#$",
			"a1b2c3d4e5f6g7h8", "azertyuiopqsdfgh", "qwertzuiopasdfgh", "йцукенгшщзфывапр", "147258369147258369", "qweasdzxcqweasdzxc",
			"poiuytrewqlkjhgf", "asdfghjkl;'asdfg", "абвгдежзийклмноп",
		},
		"one thing again and again": {
			"aaaaaaaaaaaaaaaa", "abababababababab", "xk7xk7xk7xk7xk7", "xk7pmq2zxk7pmq2z", "vRk8qWzvRk8qWzvRk8qWz", "                    ",
			"ha ha ha ha ha ha", "🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎🐎", "🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎", "-----------------",
		},
		"dates": {"14021985 23091990", "1402198523091990", "michael14021985", "1985-02-14-1990-09-23", "02/14/1985 - 02/14/1985"},
		"sentences that are known to all": {
			"correcthorsebatterystaple", "Correct Horse Battery Staple!", "to be or not to be", "iloveyousomuch123", "jesusismysavior1",
			"maytheforcebewithyou", "thequickbrownfox", "letmeinletmeinplease", "MyPasswordIsPassword", "ichliebedichsosehr", "je t'aime mon amour",
			"teamomiamor2024", "supercalifragilisticexpialidocious", "hakuna matata 123", "314159265358979",
		},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			t.Parallel()
			for _, g := range given {
				err := p.Check(t.Context(), g)
				require.Error(t, err, "%q passes", g)
				requireRefused(t, err, password.RuleCommon)
				require.NotContains(t, err.Error(), g)
			}
		})
	}

	t.Run("a passphrase of four words or more and random text pass", func(t *testing.T) {
		t.Parallel()
		for _, given := range []string{
			"london tiger velvet piano", "coffee bridge winter lamp", "horse-planet-guitar-cheese", "mountainriverforestocean",
			"password dragon monkey shadow", "thecatsatonmywarmlap", "why do ducks wear purple socks", "Der Hund frisst gern Käse",
			"my aunt sells 40 umbrellas", "klaxon mulch riddance", "vRk8qWzj2TmXc5Y", "x7!kQ2#vLp9$wZt", "zkqjxwvbhgfnmtp", "8391746205839174x!qz",
			"f3a9c07be1d8462", "ナマステ東京タワー横浜ねこ犬山", "мойкотлюбитсметануиджаз",
		} {
			require.NoError(t, p.Check(t.Context(), given), "%q is refused at %d", given, p.Price(given))
		}
	})

	t.Run("with a second factor one word is refused and eight random characters pass", func(t *testing.T) {
		t.Parallel()
		p := newPolicy(t, &password.PolicyOptions{Least: 8})
		for _, given := range []string{
			"password", "Passw0rd!", "sunshine1", "football", "12345678", "87654321", "qwertyui", "abcd1234", "Summer24!", "iloveyou2",
			"michael1985", "14021985", "aaaaaaaa", "abcabcabc", "dragonxq", "77391034", "trustno1!", "1q2w3e4r", "changeme!!", "admin@2024",
		} {
			requireRefused(t, p.Check(t.Context(), given), password.RuleCommon)
		}
		for _, given := range []string{"vRk8qWzj", "k7#Qz!2p", "zqxwvkjm", "Lm$8vRq%"} {
			require.NoError(t, p.Check(t.Context(), given), given)
		}
	})
}

// Of random text next to nothing is refused, and of passphrases of four listed words neither: the odds of the package
// comment, with a margin.
func TestPolicy_Check_Odds(t *testing.T) {
	t.Parallel()
	const tries = 1_000
	lower := "abcdefghijklmnopqrstuvwxyz"
	all := lower + strings.ToUpper(lower) + "0123456789!#$%&*-_"
	for _, tt := range []struct {
		name  string
		given string
		when  int
		least int
		want  int // of 1,000
	}{
		{"15 letters", lower, 15, 15, 0},
		{"15 of everything", all, 15, 15, 0},
		{"15 signs", "!\"#$%&/()=?+*~'-_.:,;<>|@", 15, 15, 0},
		{"15 hexadecimal digits", "0123456789abcdef", 15, 15, 3},
		{"15 digits", "0123456789", 15, 15, 100},
		{"8 letters", lower, 8, 8, 20},
		{"8 of everything", all, 8, 8, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			p := newPolicy(t, &password.PolicyOptions{Least: tt.least})
			refused := 0
			for range tries {
				b := make([]byte, tt.when)
				for i := range b {
					b[i] = tt.given[r.IntN(len(tt.given))]
				}
				if p.Check(t.Context(), string(b)) != nil {
					refused++
				}
			}
			t.Logf("%d of %d refused", refused, tries)
			require.LessOrEqual(t, refused*1_000, tt.want*tries)
		})
	}

	for _, tt := range []struct {
		name      string
		given     int
		from, to  int // of 1,000
		separator string
	}{
		{"two words", 2, 1_000, 1_000, ""},
		{"two words and a space", 2, 1_000, 1_000, " "},
		{"three words", 3, 20, 250, ""},
		{"four words", 4, 0, 3, ""},
		{"four words and spaces", 4, 0, 3, " "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			p := newPolicy(t, nil)
			words := slices.DeleteFunc(password.Lists()["words"], func(w string) bool { return len(w) < 4 || len(w) > 9 })
			refused := 0
			for range tries {
				text := ""
				for utf8.RuneCountInString(text) < 15 {
					var chosen []string
					for range tt.given {
						chosen = append(chosen, words[r.IntN(len(words))])
					}
					text = strings.Join(chosen, tt.separator)
				}
				if p.Check(t.Context(), text) != nil {
					refused++
				}
			}
			t.Logf("%d of %d refused", refused, tries)
			require.GreaterOrEqual(t, refused*1_000, tt.from*tries)
			require.LessOrEqual(t, refused*1_000, tt.to*tries)
		})
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	lists := password.Lists()
	least := map[string]int{"first": 150, "words": 1_500, "names": 500, "phrases": 500}
	require.Len(t, lists, len(least))
	seen := map[string]string{}
	long := 0
	for _, name := range []string{"first", "words", "names", "phrases"} {
		list := lists[name]
		require.GreaterOrEqual(t, len(list), least[name], name)
		require.True(t, slices.IsSorted(list), "%s is sorted by bytes", name)
		for _, w := range list {
			k := password.Key(w)
			require.GreaterOrEqual(t, utf8.RuneCountInString(k), 3, "%s: %s is never looked up", name, w)
			require.Empty(t, seen[k], "%s: %s is there already", name, w)
			require.Equal(t, strings.ToLower(w), w, name)
			seen[k] = name + ": " + w
			if utf8.RuneCountInString(strings.ReplaceAll(w, " ", "")) >= 15 {
				long++
			}
		}
	}
	require.Greater(t, long, 500, "of 15 characters and more, which a policy's length alone lets pass")
}

// No text of 256 code points takes long, least of all one that was made to.
func TestPolicy_Check_Work(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, &password.PolicyOptions{Blocked: []string{strings.Repeat("acme", 60)}})
	worst := map[string]string{
		"one letter":         strings.Repeat("a", 256),
		"one digit":          strings.Repeat("0", 256),
		"digits":             strings.Repeat("1234567890", 25) + "12456",
		"words":              strings.Repeat("password", 31) + "x2y",
		"the context":        strings.Repeat("acme", 63) + "x2y",
		"the context, twice": strings.Repeat("acmeFabrik", 25) + "x2y9!",
		"imitated letters":   strings.Repeat("il1!|", 51),
		"syllables":          strings.Repeat("비밀번호", 64),
		"marks":              strings.Repeat("a\u0301\u0323\u0308", 64),
		"signs":              strings.Repeat("!@#$%^&*", 32),
	}
	start := time.Now()
	for name, given := range worst {
		for range 5 {
			_ = p.Check(t.Context(), given, "Acme Fabrik", "acme@acme.example")
		}
		require.LessOrEqual(t, utf8.RuneCountInString(given), 256, name)
	}
	require.Less(t, time.Since(start), 5*time.Second, "50 checks that take a millisecond each")
}

// Whatever is typed, nothing panics, one password has one answer, and what passes can be hashed and is long enough.
func FuzzPolicy_Check(f *testing.F) {
	p := newPolicy(f, &password.PolicyOptions{Least: 8, Words: []string{"Chatelaine"}})
	h := newHasher(f, cheap())
	for _, s := range []string{
		"", "passwordpassword", "p@ssw0rd 2024!", random[:15], "\xff", "\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "ﷺ", "1q2w3e4r5t",
		"14021985 23091990", "비밀번호비밀번호", "🐎🔋🐎🔋🐎🔋🐎🔋", "qwertyuiop[]asdfghjkl;'", "acme\u200bacme2024", strings.Repeat("ab1!", 64),
	} {
		f.Add(s, "Acme Fabrik")
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, typed, about string) {
		start := time.Now()
		err := p.Check(t.Context(), typed, about)
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("%q took %v", typed, took)
		}
		if again := p.Check(t.Context(), typed, about); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Fatalf("%q: %v, then %v", typed, err, again)
		}
		if err != nil {
			return
		}
		if n := utf8.RuneCountInString(typed); n < 8 || n > 256 {
			t.Fatalf("%q passes with %d code points", typed, n)
		}
		if _, err := h.Hash(t.Context(), typed); err != nil {
			t.Fatalf("%q passes and cannot be hashed: %v", typed, err)
		}
		if err := p.Check(t.Context(), typed); err != nil {
			t.Fatalf("%q passes for somebody and not for nobody: %v", typed, err)
		}
	})
}
