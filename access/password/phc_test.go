package password_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

const (
	salt = "c29tZXNhbHRzb21lc2FsdA"
	tag  = "bIKRw3Ua1pluirFy81fnppmR01EnUxY3hLEBwbWxBG8"
	ends = "$" + salt + "$" + tag
)

// A30: a stored hash has one spelling and bounded cost; whatever else is stored is refused before anything is allocated.
func TestParsePHC(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		refDefault, refRFC, refCheap, refLanes, refPeppered,
		"$argon2id$v=19$m=262144,t=10,p=8,keyid=ABCxyz0189.-0123" + ends,
		"$argon2id$v=19$m=8,t=1,p=1" + ends,
	} {
		t.Run("a canonical hash is read and written again as it was", func(t *testing.T) {
			t.Parallel()
			again, _, _, _, wrong := password.ParsePHC(given)
			require.Empty(t, wrong)
			require.Equal(t, given, again)
		})
	}

	for _, tt := range []struct {
		name  string
		given string
	}{
		{"nothing", ""},
		{"the head alone", "$argon2id$v=19$m="},
		{"another version", "$argon2id$v=16$m=64,t=1,p=1" + ends},
		{"no version", "$argon2id$m=64,t=1,p=1" + ends},
		{"argon2i", "$argon2i$v=19$m=64,t=1,p=1" + ends},
		{"capitals", "$ARGON2ID$v=19$m=64,t=1,p=1" + ends},
		{"a space before it", " " + refCheap},
		{"a space behind it", refCheap + " "},
		{"the end of a line behind it", refCheap + "\n"},
		{"another field behind it", refCheap + "$"},
		{"no memory", "$argon2id$v=19$m=,t=1,p=1" + ends},
		{"memory of 0", "$argon2id$v=19$m=0,t=1,p=1" + ends},
		{"memory below 8 KiB", "$argon2id$v=19$m=7,t=1,p=1" + ends},
		{"memory below 8 KiB for each lane", "$argon2id$v=19$m=15,t=1,p=2" + ends},
		{"memory above 256 MiB", "$argon2id$v=19$m=262145,t=1,p=1" + ends},
		{"memory that overflows 32 bits", "$argon2id$v=19$m=4294967360,t=1,p=1" + ends},
		{"memory that overflows 64 bits", "$argon2id$v=19$m=18446744073709551680,t=1,p=1" + ends},
		{"memory with a leading zero", "$argon2id$v=19$m=064,t=1,p=1" + ends},
		{"memory with a sign", "$argon2id$v=19$m=+64,t=1,p=1" + ends},
		{"negative memory", "$argon2id$v=19$m=-64,t=1,p=1" + ends},
		{"memory in hexadecimal", "$argon2id$v=19$m=0x64,t=1,p=1" + ends},
		{"digits of another script", "$argon2id$v=19$m=٦٤,t=1,p=1" + ends},
		{"no passes", "$argon2id$v=19$m=64,t=0,p=1" + ends},
		{"11 passes", "$argon2id$v=19$m=64,t=11,p=1" + ends},
		{"no lanes", "$argon2id$v=19$m=64,t=1,p=0" + ends},
		{"9 lanes", "$argon2id$v=19$m=128,t=1,p=9" + ends},
		{"257 lanes, which are 1 in a byte", "$argon2id$v=19$m=128,t=1,p=257" + ends},
		{"another order", "$argon2id$v=19$t=1,m=64,p=1" + ends},
		{"a parameter twice", "$argon2id$v=19$m=64,m=64,t=1,p=1" + ends},
		{"an unknown parameter", "$argon2id$v=19$m=64,t=1,p=1,data=AA" + ends},
		{"an empty key id", "$argon2id$v=19$m=64,t=1,p=1,keyid=" + ends},
		{"a long key id", "$argon2id$v=19$m=64,t=1,p=1,keyid=" + strings.Repeat("a", 17) + ends},
		{"a key id of other characters", "$argon2id$v=19$m=64,t=1,p=1,keyid=a b" + ends},
		{"no salt", "$argon2id$v=19$m=64,t=1,p=1$$" + tag},
		{"a salt of 15 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt[:20] + "$" + tag},
		{"a salt of 17 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "A" + "$" + tag},
		{"a salt with spare bits", "$argon2id$v=19$m=64,t=1,p=1$" + salt[:21] + "B$" + tag},
		{"a padded salt", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + tag},
		{"a salt with an end of line in it", "$argon2id$v=19$m=64,t=1,p=1$" + salt[:10] + "\n" + salt[11:] + "$" + tag},
		{"no tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt},
		{"an empty tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$"},
		{"a tag of 16 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + salt},
		{"a tag of 31 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag[:42]},
		{"a tag with spare bits", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag[:42] + "9"},
		{"a tag of the URL alphabet", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$_" + tag[1:]},
		{"a megabyte of tag", refCheap + strings.Repeat("A", 1<<20)},
		{"a megabyte of digits", "$argon2id$v=19$m=" + strings.Repeat("6", 1<<20)},
	} {
		t.Run(tt.name+" is refused, and the reason quotes nothing", func(t *testing.T) {
			t.Parallel()
			_, _, _, _, wrong := password.ParsePHC(tt.given)
			require.NotEmpty(t, wrong)
			require.Less(t, len(wrong), 80)
			require.NotContains(t, wrong, salt[:8])
			if len(tt.given) > 1_024 {
				require.Contains(t, wrong, "longer", "nothing of it is looked at")
			}
		})
	}
}

// A hostile row takes neither memory nor time.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestParsePHC_Work(t *testing.T) {
	for _, given := range []string{
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255" + ends,
		"$argon2id$v=19$m=64,t=1,p=1,keyid=" + strings.Repeat("a", 1<<20),
		"$argon2id$v=19$m=" + strings.Repeat("9", 1<<20),
		strings.Repeat("$", 1<<20),
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _, _, _ = password.ParsePHC(given) }))
	}

	h := newHasher(t, cheap())
	megabyte := strings.Repeat("a", 1<<20)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = h.Verify(t.Context(), refCheap, megabyte) }))
	start := time.Now()
	for range 1_000 {
		_, _ = h.Verify(t.Context(), refCheap, megabyte)
		_, _ = h.Hash(t.Context(), megabyte)
	}
	require.Less(t, time.Since(start), time.Second, "thousands of megabytes were read")
}

func FuzzParsePHC(f *testing.F) {
	for _, s := range []string{"", refDefault, refRFC, refPeppered, refCheap, bcryptU, refCheap + "\n", "$argon2id$v=19$m=064,t=1,p=1" + ends} {
		f.Add(s)
	}
	form := regexp.MustCompile(`\A\$argon2id\$v=19\$m=[1-9][0-9]{0,5},t=([1-9]|10),p=[1-8](,keyid=[A-Za-z0-9.-]{1,16})?\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		again, memory, passes, lanes, wrong := password.ParsePHC(s)
		if wrong != "" {
			return
		}
		if again != s || !form.MatchString(s) {
			t.Fatalf("%q is read as %q", s, again)
		}
		if memory < 8*uint32(lanes) || memory > 256<<10 || passes < 1 || passes > 10 || lanes < 1 || lanes > 8 {
			t.Fatalf("%q costs %d KiB, %d passes, %d lanes", s, memory, passes, lanes)
		}
	})
}

// Whatever is stored and typed, nothing panics, no error comes with a match, and only the hash of a password matches.
func FuzzHasher_Verify(f *testing.F) {
	h := newHasher(f, password.Options{Verifiers: []password.Verifier{}})
	f.Add(refCheap, refPassword)
	f.Add("", "pass\xffword")
	f.Add("$argon2id$v=19$m=8,t=1,p=1"+ends, "\u1e9b\u0323")
	f.Fuzz(func(t *testing.T, stored, typed string) {
		if _, memory, passes, _, wrong := password.ParsePHC(stored); wrong == "" && memory*passes > 4_096 {
			return // slow, and no other code
		}
		m, err := h.Verify(t.Context(), stored, typed)
		if m != (password.Match{}) && (err != nil || !m.OK || stored == "") {
			t.Fatalf("Verify(%q, %q): %v, %v", stored, typed, m, err)
		}
		own, err := h.Hash(t.Context(), typed)
		if err != nil {
			if m.OK {
				t.Fatalf("%q matches and cannot be hashed: %v", typed, err)
			}
			return
		}
		if m, err := h.Verify(t.Context(), own, typed); err != nil || m != match {
			t.Fatalf("%q does not match its own hash: %v, %v", typed, m, err)
		}
		if m, _ := h.Verify(t.Context(), own, typed+"x"); m.OK {
			t.Fatalf("%q matches with an x", typed)
		}
	})
}
