package token_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
)

const (
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	text     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST"
)

func fixed() string { return text }

func purposes() []token.Purpose { return []token.Purpose{token.Request, token.Session} }

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("a token is its purpose's prefix and the text, and its hash is what Parse finds", func(t *testing.T) {
		t.Parallel()
		for _, p := range purposes() {
			s, h, err := token.New(p, fixed)
			require.NoError(t, err)
			require.Equal(t, string(p)+text, s.Reveal())
			parsed, err := token.Parse(p, s.Reveal())
			require.NoError(t, err)
			require.Equal(t, h, parsed)
		}
	})

	t.Run("the hash is SHA-256 over the purpose, a zero byte and the token, for ever", func(t *testing.T) {
		t.Parallel()
		_, h, err := token.New(token.Request, fixed)
		require.NoError(t, err)
		require.Equal(t, token.Hash(sha256.Sum256([]byte("creq_\x00creq_"+text))), h)
		require.Equal(t, "6201732219248b9c4ba9c95af09ec395f20faf7bbdb9666220191bce5279e5f1", hex.EncodeToString(h[:]))
	})

	for name, bad := range map[string]string{
		"nothing":              "",
		"one character less":   text[1:],
		"one character more":   text + "A",
		"lower case":           strings.ToLower(text),
		"a digit outside":      text[1:] + "1",
		"padding":              text[1:] + "=",
		"a byte outside ASCII": text[2:] + "é",
	} {
		t.Run("a source that yields "+name+" makes no token", func(t *testing.T) {
			t.Parallel()
			s, h, err := token.New(token.Session, func() string { return bad })
			require.ErrorIs(t, err, token.ErrSource)
			require.True(t, s.IsZero())
			require.Zero(t, h)
		})
	}

	for _, p := range []token.Purpose{"", "_", "a_", "creq", "CREQ_", "creq-", "c1eq_", "creq__", "creq_ ", "cr\x00q_", "abcdefghijklmnop_"} {
		t.Run(fmt.Sprintf("the purpose %q is refused", string(p)), func(t *testing.T) {
			t.Parallel()
			_, _, err := token.New(p, fixed)
			require.ErrorIs(t, err, token.ErrPurpose)
			_, err = token.Parse(p, string(p)+text)
			require.ErrorIs(t, err, token.ErrPurpose)
		})
	}

	t.Run("the longest and the shortest purpose work", func(t *testing.T) {
		t.Parallel()
		for _, p := range []token.Purpose{"ab_", "abcdefghijklmno_"} {
			_, h, err := token.New(p, fixed)
			require.NoError(t, err)
			require.Equal(t, token.Hash(sha256.Sum256([]byte(string(p)+"\x00"+string(p)+text))), h)
		}
	})
}

// A hundred thousand tokens are 5.2 million characters: each of the 32 is expected 162,500 times with a standard
// deviation of 397, so that five deviations are 1.2 %.
func TestNew_Statistics(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var (
		seen  = make(map[token.Hash]struct{}, n)
		count [256]int
		first [256]int
	)
	for range n {
		s, h, err := token.New(token.Session, nil)
		require.NoError(t, err)
		body, ok := strings.CutPrefix(s.Reveal(), string(token.Session))
		if !ok || len(body) != 52 {
			t.Fatal("a token has another form")
		}
		seen[h] = struct{}{}
		first[body[0]]++
		for i := range len(body) {
			count[body[i]]++
		}
	}
	require.Len(t, seen, n, "tokens must be unique")
	total := 0
	for _, c := range []byte(alphabet) {
		total += count[c]
		within(t, "anywhere", c, count[c], n*52)
		within(t, "in first place", c, first[c], n)
	}
	require.Equal(t, n*52, total, "a character outside the alphabet")
}

func within(t *testing.T, where string, c byte, got, draws int) {
	t.Helper()
	want := float64(draws) / 32
	bound := 6 * math.Sqrt(want*31/32)
	require.InDelta(t, want, float64(got), bound, "%q %s", c, where)
}

func TestParse(t *testing.T) {
	t.Parallel()
	megabyte := strings.Repeat("A", 1<<20)
	for name, in := range map[string]string{
		"nothing":                        "",
		"a NUL":                          "\x00",
		"one character":                  "A",
		"a megabyte":                     megabyte,
		"a megabyte after the prefix":    "creq_" + megabyte,
		"the prefix alone":               "creq_",
		"the text alone":                 text,
		"a prefix cut short":             "creq" + text,
		"another prefix":                 "cses_" + text,
		"an unknown prefix":              "cxyz_" + text,
		"an upper-case prefix":           "CREQ_" + text,
		"two prefixes":                   "creq_creq_" + text,
		"lower case":                     "creq_" + strings.ToLower(text),
		"one lower-case letter":          "creq_a" + text[1:],
		"the digit 0":                    "creq_0" + text[1:],
		"the digit 1":                    "creq_1" + text[1:],
		"the digit 8":                    "creq_8" + text[1:],
		"the character before A":         "creq_@" + text[1:],
		"the character after Z":          "creq_[" + text[1:],
		"a NUL inside":                   "creq_" + text[:20] + "\x00" + text[21:],
		"one character less":             "creq_" + text[1:],
		"one character more":             "creq_" + text + "A",
		"a trailing newline":             "creq_" + text + "\n",
		"a newline as the last of 52":    "creq_" + text[1:] + "\n",
		"a leading space":                " creq_" + text,
		"padding":                        "creq_" + text + "====",
		"percent encoding":               "creq%5F" + text,
		"letters that look alike":        "creq_" + strings.Replace(text, "A", "А", 1),
		"full-width letters, same bytes": "creq_" + text[:49] + "Ａ",
		"the word redacted":              "[redacted]",
	} {
		t.Run(name+" is refused without being quoted", func(t *testing.T) {
			t.Parallel()
			h, err := token.Parse(token.Request, in)
			require.ErrorIs(t, err, token.ErrMalformed)
			require.Equal(t, "token: malformed", err.Error())
			require.Zero(t, h)
		})
	}

	t.Run("a token of one purpose is refused for another, and shares no hash where its text is moved there", func(t *testing.T) {
		t.Parallel()
		hashes := map[token.Hash]token.Purpose{}
		for _, p := range append(purposes(), "cinv_", "cset_") {
			s, h, err := token.New(p, fixed)
			require.NoError(t, err)
			require.NotContains(t, hashes, h)
			hashes[h] = p
			for _, other := range purposes() {
				if other == p {
					continue
				}
				_, err := token.Parse(other, s.Reveal())
				require.ErrorIs(t, err, token.ErrMalformed)
			}
		}
	})

	t.Run("altering any character gives another hash or a refusal", func(t *testing.T) {
		t.Parallel()
		s, h, err := token.New(token.Session, nil)
		require.NoError(t, err)
		seen := map[token.Hash]struct{}{h: {}}
		for i := range s.Reveal() {
			for c := range 256 {
				b := []byte(s.Reveal())
				if b[i] == byte(c) {
					continue
				}
				b[i] = byte(c)
				got, err := token.Parse(token.Session, string(b))
				if i < len(token.Session) || !strings.ContainsRune(alphabet, rune(c)) {
					require.ErrorIs(t, err, token.ErrMalformed)
					continue
				}
				require.NoError(t, err)
				require.NotContains(t, seen, got)
				seen[got] = struct{}{}
			}
		}
		require.Len(t, seen, 1+52*31)
	})
}

//nolint:paralleltest // allocations are counted for the whole process
func TestParse_Work(t *testing.T) {
	megabyte := "cses_" + strings.Repeat("A", 1<<20)
	whole := "cses_" + text

	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = token.Parse(token.Session, megabyte) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = token.Parse(token.Session, whole) }))

	// Reading all of a thousand megabytes takes seconds; refusing them by their
	// length takes microseconds, also on a machine that does much else.
	start := time.Now()
	for range 1000 {
		_, _ = token.Parse(token.Session, megabyte)
	}
	require.Less(t, time.Since(start), time.Second, "a thousand megabytes were read")
}

func TestHash_String(t *testing.T) {
	t.Parallel()
	_, h, err := token.New(token.Request, fixed)
	require.NoError(t, err)
	full := hex.EncodeToString(h[:])

	t.Run("it is plainly abbreviated", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, full[:8]+"…", h.String())
		require.Equal(t, h.String(), fmt.Sprintf("%v", h))
	})

	t.Run("%x writes all of it", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, full, fmt.Sprintf("%x", h))
		require.Equal(t, strings.ToUpper(full), fmt.Sprintf("%X", h))
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "\x00", "A", "creq_", "creq_" + text, "cses_" + text, "creq_" + text + "\n", "creq_" + strings.ToLower(text)} {
		f.Add("creq_", s)
		f.Add("cses_", s)
	}
	form := regexp.MustCompile(`\A[a-z]{2,15}_[A-Z2-7]{52}\z`)
	f.Fuzz(func(t *testing.T, purpose, s string) {
		p := token.Purpose(purpose)
		h, err := token.Parse(p, s)
		want := form.MatchString(s) && strings.HasPrefix(s, purpose) && strings.HasSuffix(purpose, "_")
		if want != (err == nil) {
			t.Fatalf("Parse(%q, %q): %v", purpose, s, err)
		}
		if err != nil {
			if h != (token.Hash{}) {
				t.Fatal("a refusal carries a hash")
			}
			return
		}
		if sum := sha256.Sum256([]byte(purpose + "\x00" + s)); !bytes.Equal(sum[:], h[:]) {
			t.Fatal("another hash")
		}
	})
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = token.New(token.Session, nil)
	}
}

func BenchmarkParse(b *testing.B) {
	s := "cses_" + text
	b.ReportAllocs()
	for b.Loop() {
		_, _ = token.Parse(token.Session, s)
	}
}

func BenchmarkParse_Megabyte(b *testing.B) {
	s := "cses_" + strings.Repeat("A", 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = token.Parse(token.Session, s)
	}
}
