package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

// random is 80 characters that no list holds. Tests cut from it.
const random = "vRk8qWzj2TmXc5Ynb9GhLdF3wPs7eKtQ4uVaZx6CrJmN1yBoHpIiDgMfSlEU0OkAqTzXwRvYcLnHbJdG"

func TestNewPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given password.PolicyOptions
		want  string
	}{
		{"a least length below 8", password.PolicyOptions{Least: 7}, "Least"},
		{"a negative least length", password.PolicyOptions{Least: -1}, "Least"},
		{"a least length above 64", password.PolicyOptions{Least: 65}, "Least"},
		{"a word that is no UTF-8", password.PolicyOptions{Words: []string{"acme\xff"}}, "Words"},
		{"a word of 1,025 bytes", password.PolicyOptions{Words: []string{strings.Repeat("a", 1_025)}}, "Words"},
		{"a blocked word that is no UTF-8", password.PolicyOptions{Blocked: []string{"\xc0\x80"}}, "Blocked"},
		{"a blocked megabyte", password.PolicyOptions{Blocked: []string{strings.Repeat("a", 1<<20)}}, "Blocked"},
	} {
		t.Run(tt.name+" is refused by its field", func(t *testing.T) {
			t.Parallel()
			p, err := password.NewPolicy(&tt.given)
			var bad *password.OptionError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tt.want, bad.Field)
			require.NotEmpty(t, bad.Reason)
			require.Nil(t, p)
		})
	}

	t.Run("the caller's lists are not kept", func(t *testing.T) {
		t.Parallel()
		words, blocked := []string{"Chatelaine"}, []string{"blackcurrant"}
		p := newPolicy(t, &password.PolicyOptions{Words: words, Blocked: blocked})
		words[0], blocked[0] = "", ""
		requireRefused(t, p.Check(t.Context(), "chatelaine-2024-one"), password.RuleContext)
		requireRefused(t, p.Check(t.Context(), "blackcurrant 2024"), password.RuleCommon)
	})
}

// A29: 15 code points where the password is alone, 8 where a second factor is sure; at least 64 are taken, and up to 256;
// what is longer is refused and not cut; a reason is given.
func TestPolicy_Check_Length(t *testing.T) {
	t.Parallel()
	alone := newPolicy(t, nil)
	second := newPolicy(t, &password.PolicyOptions{Least: 8})
	const ok = password.Rule("")

	for _, tt := range []struct {
		name  string
		given *password.Policy
		when  string
		want  password.Rule
	}{
		{"nothing", alone, "", password.RuleShort},
		{"14 characters", alone, random[:14], password.RuleShort},
		{"15 characters", alone, random[:15], ok},
		{"64 characters", alone, random[:64], ok},
		{"256 characters", alone, random + random + random + random[:16], ok},
		{"257 characters", alone, random + random + random + random[:17], password.RuleLong},
		{"a megabyte", alone, strings.Repeat(random, 1<<14), password.RuleLong},
		{"7 characters with a second factor", second, random[:7], password.RuleShort},
		{"8 characters with a second factor", second, random[:8], ok},
		{"14 characters of two code points that become one", alone, strings.ReplaceAll("vRkqWzjTmXcYnb", "n", "n\u0303"), password.RuleShort},
		{"15 code points that become 14", alone, "vRkqWzjTmXcYna\u0308", password.RuleShort},
		{"1 code point that becomes 18", alone, "\ufdfa", password.RuleShort},
		{"14 code points that become 15", alone, "vRkqWzjTmXcYg\ufb01", password.RuleShort},
		{"15 letters of four bytes each", alone, "𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎", ok},
		{"15 emoji", alone, "🐎🔋📎🌋🎷🧦🥨🚲🦉🪁🧊🎣🪴🛶🔭", ok},
		{"spaces inside", alone, "a vRk8 qWzj 2Tm", ok},
		{"spaces around", alone, " vRk8qWzj2TmXc ", ok},
		{"a control character", alone, random[:15] + "\t", password.RuleNotText},
		{"broken UTF-8", alone, random[:15] + "\xc3", password.RuleNotText},
		{"15 accents on nothing", alone, strings.Repeat("\u0301\u0300\u0302", 5), password.RuleCommon},
		{"15 characters that nobody sees", alone, strings.Repeat("\u200b\u200d\u2060", 5), password.RuleCommon},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.given.Check(t.Context(), tt.when)
			if tt.want == ok {
				require.NoError(t, err)
				return
			}
			requireRefused(t, err, tt.want)
			require.NotContains(t, err.Error(), "vRk")
		})
	}

	t.Run("the reason tells the least length that holds", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, alone.Check(t.Context(), "short"), "fewer than 15")
		require.ErrorContains(t, second.Check(t.Context(), "short"), "fewer than 8")
	})
}

// A29: words about the person and the product are no password, alone or with what everybody adds; a passphrase that
// happens to hold one is.
func TestPolicy_Check_Context(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, &password.PolicyOptions{Words: []string{"Chatelaine", "Zwölfelf Ltd"}})
	about := []string{"Ottilie Krähenbühl", "otti.k@brzeczyk.example.com", "Acme Fabrik GmbH", "Ｈｖｗｑｚ", "Ann"}

	for _, tt := range []struct {
		name  string
		given string
		want  password.Rule
	}{
		{"the account and a year", "acme fabrik 2024", password.RuleContext},
		{"the account again and again and a year", "acmeacmeacme2024", password.RuleContext},
		{"the account in other signs", "4cm3-F@br1k-4cm3", password.RuleContext},
		{"the account with a word and a number", "AcmeSunshine2841", password.RuleContext},
		{"the account with two words", "acmesunshinedragon", password.RuleContext},
		{"the person", "OttilieKrahenbuhl", password.RuleContext},
		{"the person with her accents", "ottilie krähenbühl!", password.RuleContext},
		{"the person twice", "krähenbühlkrähenbühl", password.RuleCommon}, // as anything twice is
		{"the local part, joined", "ottik ottik 1984!", password.RuleContext},
		{"the account in full width", "ａｃｍｅ　ａｃｍｅ　２０２４！", password.RuleContext},
		{"a name given in full width", "hvwqz-hvwqz 2024", password.RuleContext},
		{"the domain", "Brzeczyk.Example1", password.RuleContext},
		{"the product", "chatelaine-admin", password.RuleContext},
		{"the product and the person", "OttilieChatelaine", password.RuleContext},
		{"the product's second word", "zwolfelf Zwölfelf 12", password.RuleContext},
		{"the product with five random letters", "chatelaineqhwvk", ""},
		{"a passphrase with the account in it", "acme pickles brew tonight twice", ""},
		{"a passphrase with the person in it", "why ottilie paints velvet gears", ""},
		{"a name of 3 letters counts no more than its letters", "Annvqxzjkwpfbg7", ""},
		{"random text", random[:16], ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := p.Check(t.Context(), tt.given, about...)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			requireRefused(t, err, tt.want)
		})
	}

	t.Run("the same is no context for somebody else", func(t *testing.T) {
		t.Parallel()
		for _, given := range []string{"OttilieKrahenbuhl", "Brzeczyk.Example1", "ottilie krähenbühl!"} {
			require.NoError(t, p.Check(t.Context(), given, "Somebody Else"), given)
			requireRefused(t, p.Check(t.Context(), given, about...), password.RuleContext)
		}
	})

	t.Run("a context of megabytes, of no text or of nothing is harmless", func(t *testing.T) {
		t.Parallel()
		huge := strings.Repeat("acme ", 1<<20)
		require.NoError(t, p.Check(t.Context(), random[:15], huge, "", "\xff\xfe", "@", "@@", " "))
		requireRefused(t, p.Check(t.Context(), "acmeacmeacme2024", huge), password.RuleContext)
		require.NoError(t, p.Check(t.Context(), "Brzeczyk.Example1", strings.Repeat("x ", 512)+"brzeczyk example"), "1,024 bytes are read")
	})
}

// A29: the hook is asked of what passes the rest, refuses what it knows, and where it fails nothing passes.
func TestPolicy_Check_Breached(t *testing.T) {
	t.Parallel()
	down := errors.New("no route to host")
	type key struct{}
	var asked []string
	p := newPolicy(t, &password.PolicyOptions{Breached: func(ctx context.Context, typed string) (bool, error) {
		asked = append(asked, typed)
		if ctx.Value(key{}) != "value" {
			return false, errors.New("another context")
		}
		switch typed {
		case random[:16]:
			return true, nil
		case random[:17]:
			return false, down
		case random[:18]:
			return true, down
		}
		return false, nil
	}})
	ctx := context.WithValue(t.Context(), key{}, "value")

	require.NoError(t, p.Check(ctx, random[:15]))
	requireRefused(t, p.Check(ctx, random[:16]), password.RuleBreached)
	for _, given := range []string{random[:17], random[:18]} {
		err := p.Check(ctx, given)
		require.ErrorIs(t, err, password.ErrUnavailable)
		require.ErrorIs(t, err, down)
		require.NotErrorIs(t, err, password.ErrRefused, "it may be chosen later")
		require.NotContains(t, err.Error(), "vRk")
	}
	require.Len(t, asked, 4)

	require.NoError(t, p.Check(ctx, "ｖRk8qWzj2TmXc5Yu\u0308"))
	require.Equal(t, "vRk8qWzj2TmXc5Yü", asked[4], "it is asked of what is hashed")

	for _, given := range []string{"short", "passwordpassword", random[:15] + "\n", strings.Repeat("a", 257)} {
		require.ErrorIs(t, p.Check(ctx, given), password.ErrRefused)
	}
	require.Len(t, asked, 5, "it is not asked of what is refused already")
}

func TestPolicy_Check_Blocked(t *testing.T) {
	t.Parallel()
	usual := newPolicy(t, &password.PolicyOptions{Least: 8})
	p := newPolicy(t, &password.PolicyOptions{Least: 8, Blocked: []string{"Blackcurrant", "tr0mbenik", "salainen sana on tämä", "xyz", "", "7739103"}})
	for _, tt := range []struct {
		name  string
		given string
	}{
		{"a word", "blackcurrant-2024!"},
		{"a word in other signs", "Tr0mben1k 2024"},
		{"a word from its end", "tnarrucKcalb 19"},
		{"a sentence", "SalainenSanaOnTama"},
		{"a sentence with signs", "salainen-sana-on-tämä"},
		{"a number", "x 7739103 7739103 y"},
		{"two words", "trombenik blackcurrant"},
	} {
		t.Run(tt.name+" is as common as a built-in one", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, usual.Check(t.Context(), tt.given))
			requireRefused(t, p.Check(t.Context(), tt.given), password.RuleCommon)
		})
	}
	require.NoError(t, p.Check(t.Context(), "xyzqhwvkbjmxyzf"), "words of 3 letters are left out")
}
