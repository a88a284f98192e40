package accounts_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Addresses that differ only by case, Unicode form or domain encoding have one
// canonical form (A21).
func TestParseEmail_canonical(t *testing.T) {
	t.Parallel()

	label63 := strings.Repeat("a", 63)
	for _, test := range []struct{ name, given, want string }{
		{"a plain address stays", "ann@acme.example", "ann@acme.example"},
		{"the local part is in lower case", "Ann.O'Hara+Tag@acme.example", "ann.o'hara+tag@acme.example"},
		{"the domain is in lower case", "ann@ACME.Example", "ann@acme.example"},
		{"spaces around it are no part of it", " \t\r\nann@acme.example \n", "ann@acme.example"},
		{"tags and dots tell mailboxes apart", "a.n.n+x@acme.example", "a.n.n+x@acme.example"},
		{"every character of a plain local part is kept", "!#$%&'*+-/=?^_`{|}~@acme.example", "!#$%&'*+-/=?^_`{|}~@acme.example"},
		{"a Unicode domain is in ASCII", "ann@bücher.example", "ann@xn--bcher-kva.example"},
		{"a decomposed domain is the same", "ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"},
		{"an upper-case Unicode domain is the same", "ann@BÜCHER.example", "ann@xn--bcher-kva.example"},
		{"punycode in capitals is the same", "ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"},
		{"a sharp s is a letter of its own", "ann@straße.example", "ann@xn--strae-oqa.example"},
		{"a full-width domain is the plain one", "ann@ａｃｍｅ．ｅｘａｍｐｌｅ", "ann@acme.example"},
		{"an ideographic dot is a dot", "ann@acme。example", "ann@acme.example"},
		{"a soft hyphen in a domain is nothing", "ann@ac\u00adme.example", "ann@acme.example"},
		{"a Kelvin sign in a domain is a k", "ann@\u212Aiwi.example", "ann@kiwi.example"},
		{"a digit may begin a label", "ann@3m.example", "ann@3m.example"},
		{"64 characters before the @", strings.Repeat("x", 64) + "@acme.example", strings.Repeat("x", 64) + "@acme.example"},
		{"labels of 63 characters", "a@" + label63 + ".example", "a@" + label63 + ".example"},
		{"254 characters", longest(254), longest(254)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := accounts.ParseEmail(test.given)
			require.NoError(t, err)
			require.Equal(t, accounts.Email(test.want), got)
			again, err := accounts.ParseEmail(string(got))
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

// longest returns an address of n characters, 4 of them before the @.
func longest(n int) string {
	label := strings.Repeat("b", 61) + "."
	s := "anna@" + label + label + label
	return s + strings.Repeat("c", n-len(s)-4) + ".exa"
}

// Anything but exactly one plain mailbox within the lengths of the RFCs is
// refused, and the reason says why without repeating the input (A23).
func TestParseEmail_refused(t *testing.T) {
	t.Parallel()

	for _, test := range []struct{ name, given, want string }{
		{"nothing", "", "is missing"},
		{"nothing but spaces", " \t\n", "is missing"},
		{"no @", "ann", "has no @"},
		{"only an @", "@", "has nothing before the @"},
		{"no local part", "@acme.example", "has nothing before the @"},
		{"no domain", "ann@", "has nothing after the @"},
		{"two addresses", "ann@acme.example, bob@acme.example", "before the @ that a plain address cannot have"},
		{"two @", "ann@bob@acme.example", "before the @ that a plain address cannot have"},
		{"a display name", "Ann <ann@acme.example>", "before the @ that a plain address cannot have"},
		{"angle brackets", "<ann@acme.example>", "before the @ that a plain address cannot have"},
		{"a comment", "ann(work)@acme.example", "before the @ that a plain address cannot have"},
		{"a quoted local part", `"ann b"@acme.example`, "before the @ that a plain address cannot have"},
		{"a space inside", "an n@acme.example", "before the @ that a plain address cannot have"},
		{"a line break inside", "ann\r\nBcc: eve@evil.example", "before the @ that a plain address cannot have"},
		{"a NUL inside", "ann\x00@acme.example", "before the @ that a plain address cannot have"},
		{"a colon", "mailto:ann@acme.example", "before the @ that a plain address cannot have"},
		{"a dotless i", "m\u0131ke@acme.example", "not plain ASCII"},
		{"a Kelvin sign before the @", "\u212Aim@acme.example", "not plain ASCII"},
		{"a full-width letter before the @", "ａnn@acme.example", "not plain ASCII"},
		{"bytes that are no text", "\xff@acme.example", "is not valid UTF-8"},
		{"a dot at the beginning", ".ann@acme.example", "misplaced dot"},
		{"a dot at the end", "ann.@acme.example", "misplaced dot"},
		{"two dots", "an..n@acme.example", "misplaced dot"},
		{"65 characters before the @", strings.Repeat("x", 65) + "@acme.example", "more than 64 characters"},
		{"255 characters", longest(255), "longer than 254"},
		{"a label of 64 characters", "a@" + strings.Repeat("a", 64) + ".example", "domain"},
		{"far too long", strings.Repeat("x", 5000), "is too long"},
		{"a domain without a dot", "ann@localhost", "without a dot"},
		{"a trailing dot", "ann@acme.example.", "ends with a dot"},
		{"an ideographic trailing dot", "ann@acme.example。", "domain that is not valid"},
		{"an empty label", "ann@acme..example", "domain that is not valid"},
		{"a leading dot", "ann@.example", "domain that is not valid"},
		{"a domain literal", "ann@[192.0.2.1]", "domain that is not valid"},
		{"an IPv4 address", "ann@192.0.2.1", "number where a domain's name"},
		{"an underscore in the domain", "ann@ac_me.example", "domain that is not valid"},
		{"a hyphen at the edge of a label", "ann@-acme.example", "domain that is not valid"},
		{"a space in the domain", "ann@acme. example", "domain that is not valid"},
		{"a tab in the domain", "ann@acme\t.example", "domain that is not valid"},
		{"a bad punycode label", "ann@xn--zzzzzz999999.example", "domain that is not valid"},
		{"punycode of plain ASCII", "ann@xn--acme-.example", "domain that is not valid"},
		{"bytes that are no text in the domain", "ann@ac\xffme.example", "is not valid UTF-8"},
		{"a replacement character in the domain", "ann@ac\ufffdme.example", "domain that is not valid"},
		{"a replacement character in punycode", "ann@xn--acme-w70y.example", "domain that is not valid"},
		{"a right-to-left override", "ann@ac\u202eme.example", "domain that is not valid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := accounts.ParseEmail(test.given)
			require.Empty(t, got)
			require.Equal(t, "email", field(t, err))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A canonical form is its own canonical form, and whatever changes only case
// or the spaces around an address does not change it (A21).
func TestParseEmail_idempotent(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringMatching(`[A-Za-z0-9!#$%&'*+/=?^_{|}~-]{1,20}(\.[a-zA-Z0-9]{1,5})?`).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"Acme.example", "bücher.example", "BÜCHER.Example", "例え.テスト.example", "xn--bcher-kva.example"}).Draw(t, "domain")
		got, err := accounts.ParseEmail(local + "@" + domain)
		require.NoError(t, err)
		for _, same := range []string{string(got), strings.ToUpper(local) + "@" + domain, local + "@" + strings.ToUpper(domain), "\t" + local + "@" + domain + " "} {
			again, err := accounts.ParseEmail(same)
			require.NoError(t, err)
			require.Equal(t, got, again)
		}
	})
}

// Whatever comes in, the canonical form is short, plain ASCII in lower case,
// with exactly one @, and its own canonical form (I-03).
func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"ann@acme.example", "Ann@BÜCHER.example", "a@b", "a@xn--a.com", "\xff@\xfe", "a@b.c1", `"q"@x.y`, "a@xn--zca.de", "a@\u200db.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := accounts.ParseEmail(s)
		if err != nil {
			require.Empty(t, got)
			require.Equal(t, "email", field(t, err))
			return
		}
		require.LessOrEqual(t, len(got), accounts.MaxEmail)
		require.Equal(t, 1, strings.Count(string(got), "@"))
		for i := range len(got) {
			require.True(t, got[i] > ' ' && got[i] < 0x7f && (got[i] < 'A' || got[i] > 'Z'), "%q", got)
		}
		again, err := accounts.ParseEmail(string(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

// Names that people take for the same have one key, and a key is its own.
func TestNameKey(t *testing.T) {
	t.Parallel()

	for given, want := range map[string]string{
		"":                     "",
		"  Ann \t\n Lee ":      "ann lee",
		"ANN":                  "ann",
		"Ａｎｎ":                  "ann",
		"Jose\u0301":           "josé",
		"ﬁne":                  "fine",
		"Ann\u00a0Lee":         "ann lee",
		"\u212Aim":             "kim",
		"ÅNGSTRÖM":             "ångström",
		"x²":                   "x2",
		"Ann\u3000\u2003 Lee ": "ann lee",
	} {
		require.Equal(t, want, accounts.NameKey(given), "%q", given)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		key := accounts.NameKey(s)
		require.Equal(t, key, accounts.NameKey(key), "%q", s)
		require.Equal(t, key, accounts.NameKey("  "+s+"\t"))
		require.True(t, utf8.ValidString(key) || !utf8.ValidString(s))
	})
}
