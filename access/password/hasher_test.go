package password_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

// Hashes of the reference implementation's command argon2 (20171227), with the salt "somesaltsomesalt".
const (
	refDefault  = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k9ohroejZy1PN5E1SbHNPug6vB8eQAahb5SOAp6iGF4"
	refRFC      = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$7YbYS2w24dSTBgFeLZ/Pp5pFxLjWTXyOMrr1Ld8BcEI"
	refCheap    = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$bIKRw3Ua1pluirFy81fnppmR01EnUxY3hLEBwbWxBG8"
	refLanes    = "$argon2id$v=19$m=128,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$25UlacQT78mgtNma39C4Ki7Hfa2xdTagunXUBiCGYRM"
	refUmlaut   = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$BQMPV4jyHNBRwlQMT5VJ4+n1T2HXdgUGu4prxXEA07o"
	refPeppered = "$argon2id$v=19$m=64,t=2,p=1,keyid=k1$c29tZXNhbHRzb21lc2FsdA$bdfGVMgWztg6OaGhMwBq1ET+NJAse5rp08nV2+mGkEo"

	refPassword = "correct horse"
)

// refPepper keyed refPeppered, by openssl dgst -mac HMAC over the raw output of the command argon2.
func refPepper() password.Pepper {
	return password.Pepper{ID: "k1", Key: []byte("0123456789abcdef0123456789abcdef")}
}

func TestHasher_Verify(t *testing.T) {
	t.Parallel()
	plain, err := password.New(nil)
	require.NoError(t, err)
	peppered := newHasher(t, password.Options{Time: 2, Pepper: []password.Pepper{refPepper()}})

	for _, tt := range []struct {
		name  string
		given *password.Hasher
		when  string
		typed string
		want  password.Match
	}{
		{"the reference's hash with today's parameters matches", plain, refDefault, refPassword, match},
		{"RFC 9106's second choice matches and is stale", plain, refRFC, refPassword, stale},
		{"one with less memory matches and is stale", plain, refCheap, refPassword, stale},
		{"one of two lanes matches and is stale", plain, refLanes, refPassword, stale},
		{"another password does not match", plain, refDefault, "correct horsf", none},
		{"another password is not stale", plain, refRFC, "correct horsf", none},
		{"a password that goes on does not match", plain, refCheap, refPassword + " ", none},
		{"no password matches nothing", plain, refCheap, "", none},
		{"umlauts match composed", plain, refUmlaut, "p\u00e4ssw\u00f6rd", stale},
		{"umlauts match decomposed", plain, refUmlaut, "pa\u0308sswo\u0308rd", stale},
		{"letters of full width match", plain, refUmlaut, "ｐ\u00e4ｓｓｗ\u00f6ｒｄ", stale},
		{"capitals do not match", plain, refUmlaut, "P\u00e4ssw\u00f6rd", none},
		{"bytes that are no text match nothing, not even their hash", plain, refCheap[:51] + "VJ7ku3/o7Iqewbga5dlFdrh93nDWLJF9iRAUuzrxSUU", "pass\xffword", none},
		{"a control character matches nothing", plain, refCheap[:51] + "PjA9i0hnfMwh+d6XYXcqOqPabqHapMoHlC1kltjpr0Y", "a\tb", none},
		{"a peppered hash matches", peppered, refPeppered, refPassword, match},
		{"a peppered hash does not match another password", peppered, refPeppered, refPassword + "x", none},
		{"a hash from before the pepper matches and is stale", peppered, refCheap, refPassword, stale},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, verify(t, tt.given, tt.when, tt.typed))
		})
	}
}

// A30: a hash with old parameters, of an old pepper or of none is replaced after it matched, and the new one is not stale.
func TestHasher_Verify_Rehash(t *testing.T) {
	t.Parallel()
	old, young := refPepper(), password.Pepper{ID: "k2", Key: bytes.Repeat([]byte("2"), 32)}
	rotated := newHasher(t, password.Options{Memory: 72, Pepper: []password.Pepper{young, old}})
	for _, tt := range []struct {
		name  string
		given password.Options
	}{
		{"less memory", password.Options{Memory: 64, Pepper: []password.Pepper{young}}},
		{"more memory", password.Options{Memory: 80, Pepper: []password.Pepper{young}}},
		{"more passes", password.Options{Memory: 72, Time: 2, Pepper: []password.Pepper{young}}},
		{"more lanes", password.Options{Memory: 72, Threads: 2, Pepper: []password.Pepper{young}}},
		{"the old pepper", password.Options{Memory: 72, Pepper: []password.Pepper{old}}},
		{"no pepper", password.Options{Memory: 72}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stored := hash(t, newHasher(t, tt.given), refPassword)
			require.Equal(t, none, verify(t, rotated, stored, refPassword+"!"), "a wrong one replaces nothing")
			require.Equal(t, stale, verify(t, rotated, stored, refPassword))
			again := hash(t, rotated, refPassword)
			require.Contains(t, again, ",keyid=k2$")
			require.Equal(t, match, verify(t, rotated, again, refPassword))
		})
	}

	t.Run("another key under the same id does not match", func(t *testing.T) {
		t.Parallel()
		other := newHasher(t, password.Options{Time: 2, Pepper: []password.Pepper{{ID: "k1", Key: young.Key}}})
		require.Equal(t, none, verify(t, other, refPeppered, refPassword))
	})
}

func TestHasher_Hash(t *testing.T) {
	t.Parallel()
	h := newHasher(t, cheap())

	t.Run("each has a salt of its own, and its own password matches", func(t *testing.T) {
		t.Parallel()
		a, b := hash(t, h, refPassword), hash(t, h, refPassword)
		require.NotEqual(t, a, b)
		require.Regexp(t, `\A\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}\z`, a)
		require.Equal(t, match, verify(t, h, a, refPassword))
		require.Equal(t, match, verify(t, h, b, refPassword))
	})

	// A29: nothing is cut, so that every character counts, also the last of the longest.
	t.Run("the last character of the longest password counts", func(t *testing.T) {
		t.Parallel()
		for _, longest := range []string{
			strings.Repeat("a", 256),
			strings.Repeat("\U0001d11e", 256), // 1,024 bytes
			strings.Repeat("a\u0308", 128),    // 256 code points that become 128
		} {
			stored := hash(t, h, longest)
			require.Equal(t, match, verify(t, h, stored, longest))
			runes := []rune(longest)
			require.Equal(t, none, verify(t, h, stored, string(runes[:len(runes)-1])))
			runes[255] = 'b'
			require.Equal(t, none, verify(t, h, stored, string(runes)))
			require.Equal(t, none, verify(t, h, stored, longest+"a"))
		}
	})

	for _, tt := range []struct {
		name  string
		given string
		want  password.Rule
	}{
		{"an empty password", "", password.RuleShort},
		{"257 code points", strings.Repeat("a", 257), password.RuleLong},
		{"1,025 bytes", strings.Repeat("\U0001d11e", 256) + "a", password.RuleLong},
		{"a megabyte", strings.Repeat("a", 1<<20), password.RuleLong},
		{"one that normalising makes too long", strings.Repeat("\ufdfa", 15), password.RuleLong}, // 18 each
		{"one that normalising takes apart", strings.Repeat("\U0001d15e", 129), password.RuleLong},
		{"broken UTF-8", "kitten\xffbasket", password.RuleNotText},
		{"half a surrogate", "kitten\xed\xa0\x80basket", password.RuleNotText},
		{"an overlong NUL", "kitten\xc0\x80basket", password.RuleNotText},
		{"a NUL", "kitten\x00basket", password.RuleNotText},
		{"the end of a line", "basket\n", password.RuleNotText},
		{"a control character of C1", "kitten\u0085basket", password.RuleNotText},
		{"what a decoder lost", "kitten\ufffdbasket", password.RuleNotText},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			stored, err := h.Hash(t.Context(), tt.given)
			require.Empty(t, stored)
			requireRefused(t, err, tt.want)
			require.NotContains(t, err.Error(), "basket")
			require.Less(t, len(err.Error()), 200)
			require.Equal(t, none, verify(t, h, hash(t, h, "some other one"), tt.given))
		})
	}
}

// A30: extreme and malformed hashes are refused, as an error for the log, and like an unknown name they cost one hash with
// the parameters of new ones: a clock tells neither from a wrong password.
func TestHasher_Verify_SameWork(t *testing.T) {
	t.Parallel()
	o := cheap()
	o.Pepper = []password.Pepper{refPepper()}
	h := newHasher(t, o)
	var work []uint32
	h.Derived(func(memory, time uint32, threads uint8) { work = append(work, memory, time, uint32(threads)) })
	stored := hash(t, h, refPassword)
	work = nil

	megabyte := "$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 1<<20)
	for _, tt := range []struct {
		name  string
		given string
		when  string
		want  password.Match
		wrong string
	}{
		{"the right password", stored, refPassword, match, ""},
		{"a wrong password", stored, "another password", none, ""},
		{"no stored hash", "", refPassword, none, ""},
		{"the dummy, guessed", h.Dummy(), refPassword, none, ""},
		{"a password that is no text", stored, "pass\xffword", none, ""},
		{"a password of too many code points", stored, strings.Repeat("a", 300), none, ""},
		{"no stored hash and a password that is no text", "", "pass\xffword", none, ""},
		{"a pepper that is not known", strings.Replace(stored, "keyid=k1", "keyid=k0", 1), refPassword, none, "pepper"},
		{"more than 256 MiB", "$argon2id$v=19$m=262145,t=1,p=1" + refCheap[27:], refPassword, none, "outside"},
		{"all memory", "$argon2id$v=19$m=4294967295,t=1,p=1" + refCheap[27:], refPassword, none, "malformed"},
		{"more than 10 passes", "$argon2id$v=19$m=64,t=11,p=1" + refCheap[27:], refPassword, none, "outside"},
		{"more than 8 lanes", "$argon2id$v=19$m=128,t=1,p=9" + refCheap[27:], refPassword, none, "outside"},
		{"another version", strings.Replace(stored, "v=19", "v=16", 1), refPassword, none, "no verifier"},
		{"argon2i", strings.Replace(stored, "argon2id", "argon2i", 1), refPassword, none, "no verifier"},
		{"a password in the clear", refPassword, refPassword, none, "no verifier"},
		{"a bcrypt of cost 31", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", none, "cost"},
		{"a bcrypt cut short", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", "U*U", none, "malformed"},
		{"a megabyte", megabyte, refPassword, none, "longer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			work = nil
			m, err := h.Verify(t.Context(), tt.given, tt.when)
			require.Equal(t, tt.want, m)
			require.Equal(t, []uint32{64, 1, 1}, work)
			if tt.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, password.ErrStored)
			require.ErrorContains(t, err, tt.wrong)
			require.NotContains(t, err.Error(), refPassword)
			require.NotContains(t, err.Error(), "U*U")
			require.NotContains(t, err.Error(), "AAAA")
			require.NotContains(t, err.Error(), "c29t")
		})
	}

	//nolint:paralleltest // they share the hasher that counts
	for _, typed := range []string{"", strings.Repeat("a", 1_025), strings.Repeat("a", 1<<20)} {
		t.Run("what no password can be is no work for any stored hash", func(t *testing.T) {
			work = nil
			for _, stored := range []string{stored, "", "$argon2id$", "nonsense"} {
				require.Equal(t, none, verify(t, h, stored, typed))
			}
			require.Empty(t, work)
		})
	}
}

// The dummy is of no password: nobody gets in with it, even knowing what it holds, and no two processes share it.
func TestHasher_Verify_Dummy(t *testing.T) {
	t.Parallel()
	a, b := newHasher(t, cheap()), newHasher(t, cheap())
	require.NotEqual(t, a.Dummy(), b.Dummy())
	for _, typed := range []string{"", "a", refPassword, a.Dummy()} {
		require.Equal(t, none, verify(t, a, "", typed))
	}
}

type verifier struct {
	prefix string
	answer bool
	err    error
	asked  *[]string
}

func (v verifier) Handles(stored string) bool { return strings.HasPrefix(stored, v.prefix) }

func (v verifier) Verify(stored, typed string) (bool, error) {
	*v.asked = append(*v.asked, v.prefix+" "+typed)
	return v.answer, v.err
}

func TestHasher_Verify_Imported(t *testing.T) {
	t.Parallel()
	var asked []string
	broken := errors.New("row 7 is broken")
	h := newHasher(t, password.Options{Verifiers: []password.Verifier{
		verifier{"md5:", true, nil, &asked},
		verifier{"md", false, nil, &asked},
		verifier{"bad:", true, broken, &asked},
		verifier{"$argon2id$", false, nil, &asked},
	}})
	work := 0
	h.Derived(func(uint32, uint32, uint8) { work++ })

	//nolint:paralleltest // they share the verifiers that count
	for _, tt := range []struct {
		name  string
		given string
		when  string
		want  password.Match
		asked []string
		work  int
		err   error
	}{
		{"the first that handles it is asked, with what was typed", "md5:x", "pa\u0308ss", stale, []string{"md5: pa\u0308ss"}, 0, nil},
		{"what is no text is no less asked", "md5:x", "p\xe4ss", stale, []string{"md5: p\xe4ss"}, 0, nil},
		{"a refusal is no match", "md4:x", "pass", none, []string{"md pass"}, 0, nil},
		{"a failure is no match and costs a hash", "bad:x", "pass", none, []string{"bad: pass"}, 1, broken},
		{"nobody is asked of our own", refCheap, refPassword, match, nil, 1, nil},
		{"argon2id of another form is asked for", refCheap + "AAAA", refPassword, none, []string{"$argon2id$ correct horse"}, 0, nil},
		{"nobody handles it", "sha1:x", "pass", none, nil, 1, password.ErrStored},
		{"nobody is asked of what is too long", "md5:" + strings.Repeat("x", 1_021), "pass", none, nil, 1, password.ErrStored},
		{"nobody is asked for an empty password", "md5:x", "", none, nil, 0, nil},
		{"nobody is asked for a password that is too long", "md5:x", strings.Repeat("x", 1_025), none, nil, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked, work = nil, 0
			m, err := h.Verify(t.Context(), tt.given, tt.when)
			require.Equal(t, tt.want, m)
			require.Equal(t, tt.asked, asked)
			require.Equal(t, tt.work, work)
			require.ErrorIs(t, err, tt.err)
			if tt.err != nil {
				require.ErrorIs(t, err, password.ErrStored)
			}
		})
	}

	t.Run("without verifiers nothing imported matches", func(t *testing.T) {
		t.Parallel()
		h := newHasher(t, password.Options{Verifiers: []password.Verifier{}})
		m, err := h.Verify(t.Context(), bcryptU, "U*U")
		require.Equal(t, none, m)
		require.ErrorIs(t, err, password.ErrStored)
	})
}
