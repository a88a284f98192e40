package password_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

const bcryptU = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

// The hashes are the test vectors of jBCrypt and of crypt_blowfish.
func TestBcrypt(t *testing.T) {
	t.Parallel()
	v := password.Bcrypt()

	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, tt := range []struct {
		name  string
		given string
		when  string
	}{
		{"crypt_blowfish", bcryptU, "U*U"},
		{"$2b$", "$2b" + bcryptU[3:], "U*U"},
		{"$2y$ with bytes that are no text", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xff\xff\xa3"},
		{"a letter", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"},
		{"an alphabet", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC", "abcdefghijklmnopqrstuvwxyz"},
		{"signs", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO", "~!@#$%^&*()      ~!@#$%^&*()PNBFRD"},
		{"72 bytes", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", digits},
		{"more than 72 bytes", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", digits + "chars after 72 are ignored"},
	} {
		t.Run(tt.name+" match their password and no other", func(t *testing.T) {
			t.Parallel()
			require.True(t, v.Handles(tt.given))
			ok, err := v.Verify(tt.given, tt.when)
			require.NoError(t, err)
			require.True(t, ok)
			ok, err = v.Verify(tt.given, "x"+tt.when)
			require.NoError(t, err)
			require.False(t, ok)
		})
	}

	for _, tt := range []struct {
		name  string
		given string
	}{
		{"a cost of 3", "$2a$03" + bcryptU[6:]},
		{"a cost of 16", "$2a$16" + bcryptU[6:]},
		{"a cost of 99", "$2a$99" + bcryptU[6:]},
		{"a cost with a sign", "$2a$+5" + bcryptU[6:]},
		{"a cost of one digit", "$2a$5$" + bcryptU[6:]},
		{"a cost of three digits", "$2a$005" + bcryptU[6:]},
		{"one character less", bcryptU[:59]},
		{"one character more", bcryptU + "W"},
		{"a character that is none of its base 64", bcryptU[:59] + "="},
		{"a space at the end", bcryptU[:59] + " "},
		{"a NUL in the salt", bcryptU[:10] + "\x00" + bcryptU[11:]},
		{"nothing but its head", "$2a$"},
		{"a megabyte", "$2a$05$" + strings.Repeat("C", 1<<20)},
	} {
		t.Run(tt.name+" is an error, not a match", func(t *testing.T) {
			t.Parallel()
			require.True(t, v.Handles(tt.given))
			ok, err := v.Verify(tt.given, "U*U")
			require.False(t, ok)
			require.Error(t, err)
			require.Less(t, len(err.Error()), 100)
		})
	}

	for _, given := range []string{"", "$2", "$2$05$x", "$2x$" + bcryptU[4:], "$1$salt$hash", " " + bcryptU, refCheap} {
		t.Run("other forms are not handled", func(t *testing.T) {
			t.Parallel()
			require.False(t, v.Handles(given))
		})
	}
}

// A30: somebody with an imported hash logs in with what they always typed, and gets a hash of ours.
func TestBcrypt_Rehash(t *testing.T) {
	t.Parallel()
	h := newHasher(t, cheap())
	require.Equal(t, none, verify(t, h, bcryptU, "U*V"))
	require.Equal(t, stale, verify(t, h, bcryptU, "U*U"))
	require.Equal(t, match, verify(t, h, hash(t, h, "U*U"), "U*U"))
}
