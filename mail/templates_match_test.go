package mail_test

import (
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// language is a whole language of a host's: the English templates, their subjects marked with its name.
func language(tb testing.TB, name string) fstest.MapFS {
	tb.Helper()
	all := fstest.MapFS{}
	for _, kind := range mail.Kinds() {
		b, err := os.ReadFile("templates/en/" + kind + ".txt")
		require.NoError(tb, err)
		all[name+"/"+kind+".txt"] = file(strings.Replace(string(b), "Subject: ", "Subject: "+name+" ", 1))
	}
	return all
}

func together(all ...fstest.MapFS) fstest.MapFS {
	one := fstest.MapFS{}
	for _, f := range all {
		maps.Copy(one, f)
	}
	return one
}

func TestTemplates_Render_language(t *testing.T) {
	t.Parallel()
	ts := templates(t, together(language(t, "de"), language(t, "es"), language(t, "sr"), language(t, "nl"), language(t, "zh-Hant"), fstest.MapFS{
		"de-AT/no-login.txt": file("Subject: de-AT own\n\nServus\n"),
		"en-GB/no-login.txt": file("Subject: en-GB own\n\nx\n"),
	}))
	for _, tc := range []struct{ name, given, want string }{
		{"a language is itself", "de", "de"},
		{"a region of a language is the language", "de-CH", "de"},
		{"a region that there is is used", "de-AT", "de-AT"},
		{"case and underscores make no difference", "DE_at", "de-AT"},
		{"a variant is its region", "de-AT-1996", "de-AT"},
		{"a script that is that of the language makes no difference", "de-Latn-AT", "de-AT"},
		{"an extension makes no difference", "de-u-co-phonebk", "de"},
		{"a locale of POSIX is its language", "de_DE.UTF-8", "de"},
		{"a group of countries is its language", "es-419", "es"},
		{"a country of such a group is its language", "es-MX", "es"},
		{"a dialect is the language that its speakers read", "gsw", "de"},
		{"a script that the reader may not know is English", "sr-Latn", "en"},
		{"the language's own script is itself", "sr-Cyrl-RS", "sr"},
		{"a language of another script is English", "zh", "en"},
		{"a country's script is known", "zh-TW", "zh-Hant"},
		{"another language is English", "pt-BR", "en"},
		{"a language is one that its speakers read", "af", "nl"},
		{"an unknown language is English", "tlh", "en"},
		{"no language is English", "", "en"},
		{"no language in particular is English", "und", "en"},
		{"many languages are English", "mul", "en"},
		{"garbage is English", "--../-", "en"},
		{"what is none is English", "*", "en"},
		{"bytes that are no text are English", "\xff\x00", "en"},
		{"endless locales are English", strings.Repeat("x-", 1<<12), "en"},
		{"a private language is English", "x-klingon", "en"},
		{"English of a region that there is is used", "en-GB", "en-GB"},
		{"other English is English", "en-US", "en"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{mail.NoLogin, mail.PasswordChanged} {
				want := tc.want
				if kind == mail.PasswordChanged { // what the region does not have is that of its language
					want = strings.TrimSuffix(strings.TrimSuffix(want, "-AT"), "-GB")
				}
				subject, text, err := ts.Render(kind, tc.given, data())
				require.NoError(t, err)
				got, _, _ := strings.Cut(subject, " ")
				if got == "Your" || got == "There" {
					got = "en"
				}
				require.Equal(t, want, got)
				page, err := ts.HTML(mail.Message{Kind: kind, Locale: tc.given, Subject: subject, Text: text, Data: data()})
				require.NoError(t, err)
				require.Contains(t, page, `<html lang="`+tc.want+`" dir="ltr">`, "the page is in the language of the words")
			}
		})
	}
	t.Run("the languages are English and the others by name", func(t *testing.T) {
		t.Parallel()
		got := ts.Languages()
		require.Equal(t, "en", got[0])
		require.IsIncreasing(t, got[1:])
		require.Subset(t, got, []string{"de", "de-AT", "en-GB", "es", "nl", "sr", "zh-Hant"})
		got[0] = "x"
		require.Equal(t, "en", ts.Languages()[0], "it is a copy")
	})
}

func TestTemplates_Render_files(t *testing.T) {
	t.Parallel()
	const names = "{{.Agency}} {{.Client}}"
	ts := templates(t, together(language(t, "nl"), language(t, "ar"), fstest.MapFS{
		"en/access-approved.txt":    file("Subject: Own words\r\n\r\nIn English, " + names + " {{utc .At}}\r\n"),
		"nl/access-approved.txt":    file("Subject: Toegang\n\nNederlands, " + names + " {{.Role}} {{utc .At}}"),
		"nl-BE/access-declined.txt": file("Subject: Geweigerd\n\nVlaams, " + names + " {{utc .At}}\n"),
		"nl-BE/words.txt":           file("# Alleen dit.\nmonths: jan feb maart april mei juni juli aug sept okt nov dec\ntime: {day} {month} {year}, {clock} u. UTC\nrole Manager: Beheerder\n"),
		"nl-SR/words.txt":           file("role manager: Leider\n"),
		"en-GB/words.txt":           file("time: {clock} UTC on {day} {month} {year}\n"),
		"ar/words.txt":              file("direction: rtl\nrole Manager: \u0645\u062f\u06cc\u0631\u200c\u0647\u0627\n"),
		"en/of-the-host.txt":        file("Subject: Ours\n\n{{.Product}}{{if .Sender}} {{.Sender}}{{end}}\n"),
		"nl/of-the-host.txt":        file("Subject: Onze\n\n{{.Product}} {{utc .At}}\n\n-- \nclosing\n"),
	}))
	for _, tc := range []struct{ name, kind, locale, want string }{
		{"a host's file replaces the built-in one", mail.AccessApproved, "en", "In English, Northlight Studio Willow Bakery 5 March 2026, 14:00 UTC\n"},
		{"the others stay built in", mail.Assigned, "en", "Hello Ada Berg,"},
		{"a language without words shows times that nobody misreads, and roles as they are", mail.AccessApproved, "nl", "Nederlands, Northlight Studio Willow Bakery Manager 2026-03-05 14:00 UTC\n"},
		{"a region's template has the region's words", mail.AccessDeclined, "nl-BE", "Vlaams, Northlight Studio Willow Bakery 5 maart 2026, 14:00 u. UTC\n"},
		{"a language's template has the region's words too", mail.AccessApproved, "nl-BE", "Nederlands, Northlight Studio Willow Bakery Beheerder 5 maart 2026,\n14:00 u. UTC\n"},
		{"a region may have nothing but a word", mail.AccessApproved, "nl-SR", "Nederlands, Northlight Studio Willow Bakery Leider 2026-03-05 14:00 UTC\n"},
		{"a region's line is laid over that of its language", mail.PasswordChanged, "en-GB", "Changed on 14:00 UTC on 5 March 2026."},
		{"the joiners of a script stay in its words", mail.AccessApproved, "ar", "\u0645\u062f\u06cc\u0631\u200c\u0647\u0627"},
		{"a host's own kind is rendered", "of-the-host", "en", "Letterbird Jonas Weber\n"},
		{"a host's own kind has its languages", "of-the-host", "nl-BE", "Letterbird 5 maart 2026, 14:00 u. UTC\n\n-- \nclosing\n"},
		{"a host's own kind that a language lacks is English", "of-the-host", "ar", "Letterbird Jonas Weber\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, text, err := ts.Render(tc.kind, tc.locale, data())
			require.NoError(t, err)
			require.Contains(t, text, tc.want)
		})
	}
	t.Run("a host's line of words is laid over the built-in ones", func(t *testing.T) {
		t.Parallel()
		ts := templates(t, fstest.MapFS{"en/words.txt": file("role Manager: Steward\n")})
		_, text, err := ts.Render(mail.AccessApproved, "en", data())
		require.NoError(t, err)
		require.Contains(t, text, "is\nSteward.")
		require.Contains(t, text, "5 March 2026, 14:00 UTC")
	})
	t.Run("mail that is written from right to left says so", func(t *testing.T) {
		t.Parallel()
		d := data()
		subject, text, err := ts.Render(mail.AccessRequested, "ar-EG", d)
		require.NoError(t, err)
		page, err := ts.HTML(mail.Message{Kind: mail.AccessRequested, Locale: "ar-EG", Subject: subject, Text: text, Data: d})
		require.NoError(t, err)
		require.Contains(t, page, `<html lang="ar" dir="rtl">`)
		require.Contains(t, page, "border-right-width:4px")
	})
	t.Run("an unknown kind is an error", func(t *testing.T) {
		t.Parallel()
		_, _, err := ts.Render("no-such", "en", data())
		require.ErrorContains(t, err, "no-such")
	})
	t.Run("a time that is missing in a host's own kind is an error, and not the year 1", func(t *testing.T) {
		t.Parallel()
		_, _, err := ts.Render("of-the-host", "nl", data(func(d *mail.Data) { d.At = time.Time{}.In(time.FixedZone("", 3600)) }))
		require.ErrorContains(t, err, "there is no time to show")
	})
	t.Run("a time is shown in UTC, whatever the zone, at the turn of a year too", func(t *testing.T) {
		t.Parallel()
		_, text, err := ts.Render(mail.PasswordChanged, "en", data(func(d *mail.Data) { d.At = time.Date(2027, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) }))
		require.NoError(t, err)
		require.Contains(t, text, "31 December 2026, 23:30 UTC")
	})
	t.Run("spaces that do not break stay where a template has them", func(t *testing.T) {
		t.Parallel()
		ts := templates(t, fstest.MapFS{"en/no-login.txt": file("Subject: Bonjour\u00a0!\n\n" + strings.Repeat("a ", 35) + "b\u202f: c\n")})
		subject, text, err := ts.Render(mail.NoLogin, "en", data())
		require.NoError(t, err)
		require.Equal(t, "Bonjour\u00a0!", subject)
		require.Equal(t, strings.Repeat("a ", 34)+"a\nb\u202f: c\n", text)
	})
}
