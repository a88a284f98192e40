package mail_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// translation is what is particular to a language.
type translation struct {
	lang string
	// begins is the first line of mail to somebody whose name is known.
	begins string
	// foreign are words that belong to English, or to the other way of addressing somebody.
	foreign *regexp.Regexp
	// declined matches a name that the words before it would have to be changed for.
	declined *regexp.Regexp
	march    string
	months   string
	roles    []string // in the order of ladder
}

// ladder is the standard ladder of roles, as mail names them.
func ladder() []string { return []string{"Viewer", "Author", "Manager", "Admin", "Owner"} }

const (
	englishWords = `the|and|you|your|this|that|with|from|have|not|been|it|of|to|is|if|by|for|who|will|access|account|request|log|` +
		`hello|please|password|address|works|until|somebody|anyone|asked|open|phone|owner`
	anyName = `(?:Illuminata|Ybbs|Étoile|Hôtel|Oona|Letterbird)`
)

func translations() []translation {
	words := func(own string) *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:^|[^\pL@.-])(` + englishWords + `|` + own + `)(?:[^\pL@-]|$)`)
	}
	return []translation{
		{
			"de", "Guten Tag Oona Ibarra,", words("du|dich|dir|dein|deine|deinen|deiner|euch|mails"),
			// After the comma of the greeting a sentence begins in lower case, unless its first word never does (the "m" is that
			// of the sample's address).
			regexp.MustCompile(`(?m)^Guten Tag .*,\n\n(?:[^A-ZÄÖÜÉm]|(?:Der|Die|Das|Den|Dem|Ein|Eine|Bitte|Jemand|Wenn|Für|Um|Zum|Aus|Mit|Es|Wir|Diese[rs]?)\s)` +
				`|(?i:\s(?:des|eines|zum|zur|beim|vom|im)\s` + anyName + `)`),
			"12. März 2026, 14:07 Uhr UTC", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
			[]string{"Betrachter", "Autor", "Manager", "Administrator", "Inhaber"}, //nolint:misspell // it is German
		},
		{
			"es", "Hola, Oona Ibarra:", words("tú|tu|tus|te|ti|contigo|has|puedes|tienes|vosotros|os"),
			// "y" and "o" are other words before some sounds, and "a" and "de" melt with an article.
			regexp.MustCompile(`(?i:\s(?:y|e|o|u|al|del|el|la)\s` + anyName + `)`),
			"12 de marzo de 2026, 14:07 UTC", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
			[]string{"Lector", "Autor", "Gestor", "Administrador", "Propietario"}, //nolint:misspell // it is Spanish
		},
		{
			"fr", "Bonjour Oona Ibarra,", words("tu|te|ton|ta|tes|toi"),
			// Some words lose their last letter before a vowel, and "à" and "de" melt with an article.
			regexp.MustCompile(`(?i:[\s’](?:de|que|jusque|lorsque|puisque|le|la|ce|au|aux|du|des|d’|qu’|l’)\s?` + anyName + `)`),
			"12 mars 2026 à 14:07 UTC", "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
			[]string{"Lecteur", "Auteur", "Gestionnaire", "Administrateur", "Propriétaire"},
		},
	}
}

// sample is mail whose every field can be told from the others, with names that begin with the sounds that matter.
func sample() mail.Data {
	return mail.Data{
		Product: "Letterbird", Agency: "Étoile Conseil", Client: "Hôtel Ada", Account: "Illuminata & Söhne", Recipient: "Oona Ibarra",
		Sender: "Ybbs Weber", Role: "Zookeeper", Address: "maya.lund@juniper.example", Code: "123456", Message: "Kestrel", Reason: "Otter",
		Link: "https://app.letterbird.example/x/creq_" + strings.Repeat("ABCD", 13), Guide: "https://letterbird.example/help",
		ExpiresAt: time.Date(2026, 3, 12, 14, 7, 0, 0, time.UTC), At: time.Date(2026, 12, 1, 9, 31, 0, 0, time.UTC),
	}
}

// variants are the ways in which mail of a kind can differ: with everything, without what is optional, and from nobody in
// particular.
func variants() map[string]mail.Data {
	all := map[string]mail.Data{}
	add := func(name string, change func(*mail.Data)) {
		d := sample()
		change(&d)
		all[name] = d
	}
	without := map[string]func(*mail.Data){
		"recipient": func(d *mail.Data) { d.Recipient = "" }, "sender": func(d *mail.Data) { d.Sender = "" },
		"role": func(d *mail.Data) { d.Role = "" }, "message": func(d *mail.Data) { d.Message = "" },
		"reason": func(d *mail.Data) { d.Reason = "" }, "link": func(d *mail.Data) { d.Link = "" }, "guide": func(d *mail.Data) { d.Guide = "" },
	}
	add("with all fields", func(*mail.Data) {})
	for name, empty := range without {
		add("without "+name, empty)
	}
	add("without words, names and guide", func(d *mail.Data) { d.Recipient, d.Message, d.Reason, d.Guide = "", "", "", "" })
	add("from the agency itself", func(d *mail.Data) { d.Sender = d.Agency })
	add("from the account itself", func(d *mail.Data) { d.Sender = d.Account })
	add("about the product's own account", func(d *mail.Data) { d.Account = d.Product })
	add("from the product's own account itself", func(d *mail.Data) { d.Account, d.Sender = d.Product, d.Product })
	return all
}

// flat is a text as it reads, whatever its lines and spaces.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// repeats reports whether a name stands next to itself, with a short word between.
func repeats(text, name string) bool {
	parts := strings.Split(flat(text), name)
	return len(parts) > 2 && slices.ContainsFunc(parts[1:len(parts)-1], func(between string) bool { return len(between) < 8 })
}

// shows returns which fields can be read in a text, and which of them stand alone in a paragraph.
func shows(d mail.Data, text string) (fields, alone []string) {
	values := map[string]string{
		"Product": d.Product, "Agency": d.Agency, "Client": d.Client, "Account": d.Account, "Recipient": d.Recipient, "Sender": d.Sender,
		"Role": d.Role, "Address": d.Address, "Code": d.Code, "Message": "> " + d.Message, "Reason": "> " + d.Reason, "Link": d.Link,
		"Guide": d.Guide, "ExpiresAt": d.ExpiresAt.Format("15:04"), "At": d.At.Format("15:04"),
	}
	line := flat(text)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if v == "" || v == "> " || !strings.Contains(line, v) {
			continue
		}
		fields = append(fields, name)
		if strings.Contains("\n\n"+text+"\n", "\n\n"+v+"\n\n") {
			alone = append(alone, name)
		}
	}
	return fields, alone
}

// conditions are those of a template, in any order.
func conditions(tb testing.TB, lang, kind string) []string {
	tb.Helper()
	src, err := os.ReadFile(filepath.Join("templates", lang, kind+".txt"))
	require.NoError(tb, err)
	all := regexp.MustCompile(`{{(?:if|else)[^}]*}}`).FindAllString(string(src), -1)
	slices.Sort(all)
	return all
}

// head reads one line of the head of a template's file.
func head(tb testing.TB, lang, kind, name string) string {
	tb.Helper()
	src, err := os.ReadFile(filepath.Join("templates", lang, kind+".txt"))
	require.NoError(tb, err)
	lines, _, _ := strings.Cut(string(src), "\n\n")
	for line := range strings.SplitSeq(lines, "\n") {
		if words, ok := strings.CutPrefix(line, name+": "); ok {
			return words
		}
	}
	return ""
}

// D4: mail speaks English, Spanish, German and French, and says the same in each of them.
func TestLanguages_say_the_same(t *testing.T) {
	t.Parallel()
	ts, err := mail.NewTemplates(nil)
	require.NoError(t, err)
	for _, l := range translations() {
		for _, kind := range mail.Kinds() {
			t.Run(l.lang+" "+kind+" shows what English shows", func(t *testing.T) {
				t.Parallel()
				seen := map[string]bool{}
				for name, d := range variants() {
					subjectEn, textEn, errEn := ts.Render(kind, "en", d)
					subject, text, err := ts.Render(kind, l.lang, d)
					require.Equal(t, errEn, err, name)
					if err != nil || seen[textEn+text] {
						continue
					}
					seen[textEn+text] = true
					require.NotEqual(t, subjectEn, subject)
					bodyEn, closingEn := mail.SplitClosing(textEn)
					body, closing := mail.SplitClosing(text)
					for part, texts := range map[string][2]string{
						"all of it": {subjectEn + "\n\n" + textEn, subject + "\n\n" + text}, "the body": {bodyEn, body}, "the closing": {closingEn, closing},
					} {
						want, wantAlone := shows(d, texts[0])
						have, haveAlone := shows(d, texts[1])
						require.Equal(t, want, have, "%s, %s", name, part)
						require.Equal(t, wantAlone, haveAlone, "%s, %s", name, part)
					}
					for _, link := range []string{d.Link, d.Guide} {
						if link != "" {
							require.Equal(t, strings.Count(textEn, link), strings.Count(text, link), "%s: as often", name)
						}
					}
					require.GreaterOrEqual(t, strings.Count(text, "\n\n"), strings.Count(textEn, "\n\n"), "%s: each thing is introduced", name)
					for _, twice := range []string{d.Agency, d.Account} {
						if twice != d.Product {
							require.Equal(t, repeats(textEn, twice), repeats(text, twice), "%s: who writes for themselves is named once", name)
						}
					}
				}
			})
		}
	}
}

// D4: nothing is left in English, one form of address is held, and no name has to be changed to fit.
func TestLanguages_read_well(t *testing.T) {
	t.Parallel()
	ts, err := mail.NewTemplates(nil)
	require.NoError(t, err)
	unfinished := regexp.MustCompile(`  | [.,]|,,|\.\.|<no value>|["„“”]`)
	for _, l := range translations() {
		for _, kind := range mail.Kinds() {
			t.Run(l.lang+" "+kind+" is whole and native", func(t *testing.T) {
				t.Parallel()
				seen := map[string]bool{}
				for name, d := range variants() {
					subject, text, err := ts.Render(kind, l.lang, d)
					whole := subject + "\n\n" + text
					if err != nil || seen[whole] {
						continue // TestLanguages_say_the_same judges errors
					}
					seen[whole] = true
					words := flat(whole)
					require.NotRegexp(t, l.foreign, words, name)
					require.NotRegexp(t, l.declined, whole, name)
					require.NotRegexp(t, l.declined, words, name)
					require.NotRegexp(t, unfinished, strings.ReplaceAll(whole, "-- \n", ""), name)
					require.NotContains(t, words, "'", "a typewriter's apostrophe")
					require.LessOrEqual(t, utf8.RuneCountInString(subject), 78, subject)
					require.False(t, strings.HasSuffix(subject, "."), subject)
				}
			})
			t.Run(l.lang+" "+kind+" greets, and closes with who sends it and why", func(t *testing.T) {
				t.Parallel()
				_, english, err := ts.Render(kind, "en", sample())
				require.NoError(t, err)
				_, text, err := ts.Render(kind, l.lang, sample())
				require.NoError(t, err)
				require.Equal(t, strings.HasPrefix(english, "Hello Oona Ibarra,\n\n"), strings.HasPrefix(text, l.begins+"\n\n"))
				_, closing := mail.SplitClosing(text)
				require.Equal(t, kind == mail.Code, closing == "", "only a code, which has to be short, has none")
				if closing != "" {
					require.Contains(t, closing, "Letterbird")
					require.Greater(t, len(strings.Fields(closing)), 7)
				}
			})
			t.Run(l.lang+" "+kind+" has the conditions of English", func(t *testing.T) {
				t.Parallel()
				require.Equal(t, conditions(t, "en", kind), conditions(t, l.lang, kind))
			})
			t.Run(l.lang+" "+kind+" has short words on its button", func(t *testing.T) {
				t.Parallel()
				button, english := head(t, l.lang, kind, "Button"), head(t, "en", kind, "Button")
				require.Equal(t, english == "", button == "")
				require.LessOrEqual(t, utf8.RuneCountInString(button), 28, button)
				if english != "" {
					require.NotEqual(t, english, button)
				}
			})
		}
	}
	t.Run("French sets its colons apart, with a space at which no line breaks", func(t *testing.T) {
		t.Parallel()
		for _, kind := range mail.Kinds() {
			d := sample()
			_, text, err := ts.Render(kind, "fr", d)
			require.NoError(t, err)
			require.NotRegexp(t, `[^\x{a0}]:\s|[^\x{a0}\x{202f}][;!?»]|«[^\x{a0}\x{202f}]`, text, kind)
			require.NotRegexp(t, `(?m)^[\s\x{a0}]*[:;!?»]|\x{a0}$`, text, kind)
			page, err := ts.HTML(mail.Message{Kind: kind, Locale: "fr", Text: text, Data: d})
			require.NoError(t, err)
			_, shown, _ := strings.Cut(page, "</h1>") // what a list of mail shows has some of it again
			require.Equal(t, strings.Count(text, "\u00a0"), strings.Count(shown, "\u00a0"), kind)
		}
	})
}

func TestLanguages_words(t *testing.T) {
	t.Parallel()
	ts, err := mail.NewTemplates(nil)
	require.NoError(t, err)
	t.Run("each language has a file for each kind, and one for its words", func(t *testing.T) {
		t.Parallel()
		want := []string{"words.txt"}
		for _, kind := range mail.Kinds() {
			want = append(want, kind+".txt")
		}
		for _, l := range translations() {
			files, err := os.ReadDir(filepath.Join("templates", l.lang))
			require.NoError(t, err)
			var have []string
			for _, f := range files {
				have = append(have, f.Name())
			}
			require.ElementsMatch(t, want, have, l.lang)
		}
	})
	for _, l := range translations() {
		t.Run(l.lang+" has a word for every role of the ladder", func(t *testing.T) {
			t.Parallel()
			for i, role := range ladder() {
				d := sample()
				d.Role = role
				subject, text, err := ts.Render(mail.CapChanged, l.lang, d)
				require.NoError(t, err)
				require.True(t, strings.HasSuffix(subject, " "+l.roles[i]), subject)
				require.GreaterOrEqual(t, strings.Count(flat(text), l.roles[i]), 2)
			}
		})
		t.Run(l.lang+" tells a time in its own words", func(t *testing.T) {
			t.Parallel()
			_, text, err := ts.Render(mail.PasswordReset, l.lang, sample())
			require.NoError(t, err)
			require.Contains(t, flat(text), " "+l.march+".")
			for i, month := range strings.Fields(l.months) {
				d := sample()
				d.ExpiresAt = time.Date(2026, time.Month(i+1), 12, 14, 7, 0, 0, time.UTC)
				_, text, err := ts.Render(mail.PasswordReset, l.lang, d)
				require.NoError(t, err)
				require.Contains(t, flat(text), strings.ReplaceAll(l.march, strings.Fields(l.months)[2], month))
			}
		})
	}
}

// gsm are the letters of a text message that has room for 160. With any other there is room for 70 a part, less 3
// where there are several.
const gsm = "\n @£$¥èéùìòÇØøÅåÄÖÑÜ§¿äöñüàÆæßÉ!\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func TestLanguages_codes(t *testing.T) {
	t.Parallel()
	ts, err := mail.NewTemplates(nil)
	require.NoError(t, err)
	for _, tc := range []struct {
		lang string
		most int
	}{{"en", 160}, {"de", 160}, {"fr", 160}, {"es", 2 * 67}} {
		t.Run(tc.lang+" has a code that fits a text message", func(t *testing.T) {
			t.Parallel()
			d := sample()
			d.ExpiresAt = time.Date(2026, 9, 30, 14, 7, 0, 0, time.UTC) // the longest name of a month
			_, text, err := ts.Render(mail.Code, tc.lang, d)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(text, "123456\n\n"))
			require.LessOrEqual(t, utf8.RuneCountInString(text), tc.most)
			if tc.most == 160 {
				for _, r := range text {
					require.True(t, strings.ContainsRune(gsm, r), "%q takes the room of the others", r)
				}
			}
		})
	}
}
