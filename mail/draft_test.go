package mail_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

const draftLink = "https://app.letterbird.example/set-up/cset_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST"

// A draft of the library's own text is the text itself, with the placeholder where the link stood, and filling it in
// gives the very text back.
func TestDraftOf(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	subject, text, err := ts.Render(mail.SetupInvitation, "", data())
	require.NoError(t, err)
	text, closing := mail.SplitClosing(text)
	require.Contains(t, closing, "This mail was sent by Juniper Press")
	d, err := mail.DraftOf(subject, text, data().Link)
	require.NoError(t, err)
	require.Equal(t, subject, d.Subject)
	require.Contains(t, d.Text, "\n\n"+mail.Placeholder+"\n\n")
	require.NotContains(t, d.Text, "://")
	require.Equal(t, text, d.Fill(data().Link))

	for name, link := range map[string]string{"no link": "", "another link": "https://other.example/"} {
		_, err := mail.DraftOf(subject, text, link)
		require.EqualError(t, err, "mail: the text does not have its link exactly once", name)
	}
	_, err = mail.DraftOf(subject, text+data().Link, data().Link)
	require.Error(t, err, "the link twice")
}

func TestDraft_Clean(t *testing.T) {
	t.Parallel()
	const p = mail.Placeholder
	long := strings.Repeat("word ", 20) + "end"
	for _, tt := range []struct {
		name            string
		subject, text   string
		want, wantTitle string
	}{
		{"plain words stay", "Hello", "Hello,\n\n" + p + "\n\nBye", "Hello,\n\n" + p + "\n\nBye\n", "Hello"},
		{"the placeholder gets a paragraph of its own", "Hello", "Open (" + p + "), please", "Open (\n\n" + p + "\n\n), please\n", "Hello"},
		{"the placeholder may be all there is", "Hello", p, p + "\n", "Hello"},
		{"the line ends of a browser's form are those of a mail", "Hello", "a\r\nb\r\n\r\n" + p, "a\nb\n\n" + p + "\n", "Hello"},
		{"web addresses are no links", "See www.evil.example", "https://evil.example or WWW.evil.example " + p, "https: //evil.example or WWW .evil.example\n\n" + p + "\n", "See www .evil.example"},
		{"a web address that hides is none", "Hello", "ht\u200btps:/\u200b/evil.example " + p, "https: //evil.example\n\n" + p + "\n", "Hello"},
		{"controls end lines, and are spaces in the subject", "He\x00llo\r\nBcc: x@y.example", "a\x00b\u2028c " + p, "a\nb\nc\n\n" + p + "\n", "He llo Bcc: x@y.example"},
		{"template syntax is text", "{{.Product}}", "{{.Link}} " + p, "{{.Link}}\n\n" + p + "\n", "{{.Product}}"},
		{"long lines are wrapped", "Hello", long + "\n" + p, strings.Repeat("word ", 13) + "word\n" + strings.Repeat("word ", 6) + "end\n\n" + p + "\n", "Hello"},
		{"a line that looks like the one above a closing is none", "Hello", "a\n-- \nb\n" + p, "a\n--\nb\n\n" + p + "\n", "Hello"},
		{"a long line of a quotation stays one", "Hello", "> " + long + "\n" + p, "> " + strings.Repeat("word ", 13) + "word\n> " + strings.Repeat("word ", 6) + "end\n\n" + p + "\n", "Hello"},
		{"spaces that do not break stay", "Hello", "a\u00a0: b\n" + p, "a\u00a0: b\n\n" + p + "\n", "Hello"},
		{"a placeholder with something invisible in it is one", "Hello", "a [[LI\u200bNK]] b", "a\n\n" + p + "\n\nb\n", "Hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := mail.Draft{Subject: tt.subject, Text: tt.text}.Clean()
			require.NoError(t, err)
			require.Equal(t, mail.Draft{Subject: tt.wantTitle, Text: tt.want}, d)
			again, err := d.Clean()
			require.NoError(t, err)
			require.Equal(t, d, again)
			require.Equal(t, strings.Replace(tt.want, p, draftLink, 1), d.Fill(draftLink))
		})
	}
	for _, tt := range []struct{ name, subject, text, field string }{
		{"no subject", "", p, "subject"},
		{"a subject that shows nothing", " \u200b\n", p, "subject"},
		{"a subject of 151 characters", strings.Repeat("ä", 151), p, "subject"},
		{"a subject that grows to 151", strings.Repeat("a", 146) + "www.", p, "subject"},
		{"an endless subject", strings.Repeat("\u200b", 1<<20), p, "subject"},
		{"a subject with the placeholder", "a " + p, p, "subject"},
		{"no text", "Hello", "", "text"},
		{"a text without the placeholder", "Hello", "Hello", "text"},
		{"a text with the placeholder twice", "Hello", p + " and " + p, "text"},
		{"a text with the placeholder twice, once in hiding", "Hello", p + " and [[LINK\u200b]]", "text"},
		{"a placeholder in lower case", "Hello", strings.ToLower(p), "text"},
		{"a text of more than 5,000 characters", "Hello", strings.Repeat("a\n", 2500) + p, "text"},
		{"an endless text", "Hello", strings.Repeat("\u200b", 1<<20) + p, "text"},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			d, err := mail.Draft{Subject: tt.subject, Text: tt.text}.Clean()
			var bad *mail.DraftError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tt.field, bad.Field)
			require.Equal(t, "mail: the "+bad.Field+" "+bad.Reason, err.Error())
			require.Zero(t, d)
		})
	}
	t.Run("5,000 characters and a subject of 150 are accepted", func(t *testing.T) {
		t.Parallel()
		text := strings.Repeat("ä\n", (mail.MaxDraft-len(p)-2)/2) + "\n" + p + "\n"
		d, err := mail.Draft{Subject: strings.Repeat("ä", 150), Text: text}.Clean()
		require.NoError(t, err)
		require.Equal(t, mail.MaxDraft, utf8.RuneCountInString(d.Text))
	})
}

// Whatever somebody makes of the text, what they are shown is what is sent but for the link, again and again; it has one
// link, which stands alone, a subject of one line, and nothing that acts without being seen (A88, A89).
func FuzzDraft(f *testing.F) {
	const p = mail.Placeholder
	for _, s := range []string{
		"Hello", "a\r\nb", "https://x www.y", ">q\n> r", strings.Repeat("w", 200), strings.Repeat("a b", 400), "\u202e\u200b://", ":://www.www.",
		"\u2028\u00a0 \t \v", "{{.Link}}", "[[[[LINK]]", strings.Repeat("x", 71) + " > y", "\xff\xfe", "  indented\n\n\n\n\nfar",
	} {
		f.Add(s, s+p+s)
		f.Add(s, p+s)
		f.Add(s+p, s+p)
	}
	linkLike := regexp.MustCompile(`(?i)://|www\.\S`)
	f.Fuzz(func(t *testing.T, subject, text string) {
		d, err := mail.Draft{Subject: subject, Text: text}.Clean()
		if err != nil {
			require.Zero(t, d)
			return
		}
		again, err := d.Clean()
		require.NoError(t, err)
		require.Equal(t, d, again)
		require.Equal(t, 1, strings.Count(d.Text, p))
		require.Contains(t, "\n\n"+d.Text+"\n", "\n\n"+p+"\n\n")
		require.NotContains(t, d.Subject, p)
		require.NotEmpty(t, d.Subject)
		require.LessOrEqual(t, utf8.RuneCountInString(d.Subject), 150)
		require.LessOrEqual(t, utf8.RuneCountInString(d.Text), mail.MaxDraft)
		require.NotRegexp(t, linkLike, d.Subject)
		require.NotRegexp(t, linkLike, d.Text)
		for _, r := range d.Subject + strings.ReplaceAll(d.Text, "\n", "") {
			require.False(t, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp), "%U", r)
		}
		for line := range strings.Lines(d.Text) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 73)
			require.NotEqual(t, "-- \n", line, "nobody can make a closing")
		}
		sent := d.Fill(draftLink)
		require.Equal(t, 1, strings.Count(sent, "://"))
		require.Equal(t, d.Text, strings.Replace(sent, draftLink, p, 1))
		require.True(t, utf8.ValidString(sent))
	})
}
