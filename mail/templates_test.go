package mail_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

func data(change ...func(*mail.Data)) mail.Data {
	d := mail.Data{
		Product: "Letterbird", Agency: "Northlight Studio", Client: "Willow Bakery", Account: "Juniper Press", Recipient: "Ada Berg",
		Sender: "Jonas Weber", Role: "Manager", Address: "maya.lund@juniper.example",
		Message: "Hello!\n\nJonas", Reason: "We do it ourselves.", Link: "https://app.letterbird.example/x/creq_" + strings.Repeat("ABCD", 13),
		Guide: "https://letterbird.example/help", Code: "904718", ExpiresAt: start.AddDate(0, 0, 7), At: start.In(time.FixedZone("", 3600)),
	}
	for _, c := range change {
		c(&d)
	}
	return d
}

func templates(tb testing.TB, fsys fs.FS) *mail.Templates {
	tb.Helper()
	ts, err := mail.NewTemplates(fsys)
	require.NoError(tb, err)
	return ts
}

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestTemplates_Render_links(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	for _, tc := range []struct{ name, given string }{
		{"a link without a host is refused", "https:///x"},
		{"a relative link is refused", "/requests/creq_X"},
		{"a link of another scheme is refused", "javascript://x.example/%0aalert(1)"},
		{"a link with a space is refused", "https://x.example/a b"},
		{"a link with a line break is refused", "https://x.example/a\nb"},
		{"a link that turns the direction is refused", "https://x.example/\u202e"},
		{"a link with markup that ends an attribute is refused", "https://x.example\"onclick=alert(1)/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Link = tc.given }))
			require.EqualError(t, err, "mail: access-requested: Link is not an absolute http or https URL")
			_, _, err = ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Guide = tc.given }))
			require.ErrorContains(t, err, "Guide")
		})
	}
}

// RFC 5322, 2.1.1: no line is longer than 998 bytes, and a link is never broken.
func TestTemplates_Render_longLinks(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	long := "https://x.example/" + strings.Repeat("x", 980)
	_, text, err := ts.Render(mail.PasswordReset, "", data(func(d *mail.Data) { d.Link = long }))
	require.NoError(t, err)
	require.Contains(t, text, "\n\n"+long+"\n\n")
	_, _, err = ts.Render(mail.PasswordReset, "", data(func(d *mail.Data) { d.Link = long + "x" }))
	require.EqualError(t, err, "mail: password-reset: Link is longer than 998 bytes")
}

func TestTemplates_Render_accessRequested(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	t.Run("it says who asks for what, with the link on a line of its own", func(t *testing.T) {
		t.Parallel()
		d := data()
		subject, text, err := ts.Render(mail.AccessRequested, "", d)
		require.NoError(t, err)
		require.Equal(t, "Northlight Studio asks for access to your Letterbird account", subject)
		for _, want := range []string{
			"Jonas Weber at Northlight Studio", "Manager", "Jonas Weber wrote:\n\n> Hello!\n>\n> Jonas\n\n", "\n\n" + d.Link + "\n\n",
			"12 March 2026, 14:00 UTC", "\n\n" + d.Guide + "\n\n", "If you don't know Northlight Studio, ignore this mail.",
		} {
			require.Contains(t, text, want)
		}
	})
	t.Run("it does not depend on whether the address is known", func(t *testing.T) {
		t.Parallel()
		_, known, err := ts.Render(mail.AccessRequested, "", data())
		require.NoError(t, err)
		_, unknown, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Recipient, d.Client = "", "" }))
		require.NoError(t, err)
		require.Equal(t, known, unknown)
	})
	t.Run("it has no guide and no quotation when there is none", func(t *testing.T) {
		t.Parallel()
		_, text, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Guide, d.Message = "", " \n " }))
		require.NoError(t, err)
		require.NotRegexp(t, "guide|wrote", text)
	})
}

func TestTemplates_Render_inert(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	for _, tc := range []struct{ name, given, want string }{
		{"line breaks and controls in a name become spaces", "Evil\r\nBcc: x\x00\t\u2028y", "Evil Bcc: x y"},
		{"characters that turn the direction are taken out", "a\u202eb\u2066c\u2069", "abc"},
		{"zero-width characters are taken out", "w\u200bw\ufeffw", "www"},
		{"bytes that are no text are replaced", "a\xffb", "a\uFFFDb"},
		{"a URL is no link", "HTTPS://evil.example and WWW.evil.example", "HTTPS: //evil.example and WWW .evil.example"},
		{"a URL hidden by zero-width characters is no link", "http:\u200b//evil.example", "http: //evil.example"},
		{"template syntax is text", "{{.Link}}", "{{.Link}}"},
		{"markup is text", "<b>x</b>", "<b>x</b>"},
		{"a name is no quotation", "> > x", "x"},
		{"a name of nothing visible is a question mark", "\u200b \u202e", "?"},
		{"a name of letters that fill a place with nothing is one too", "\u3164\u115f\u1160\uffa0 \u17b4\u17b5", "?"},
		{"a name of signs without ink is one too", "\u2800 \U0001D159\U00016FE4\U00013441\U00013442", "?"},
		{"a name of joiners and selectors is one too", "\u034f\u2065\ufe0f\U000E0100\u180b\U000E0001", "?"},
		{"letters that fill a place are taken out", "\u3164 Jo\u3164nas\u2800", "Jonas"},
		{"what is beside a joiner or a selector stays", "A\u034fB ❤\ufe0f 葛\U000E0100", "AB ❤ 葛"},
		{"a long name is cut to 100 characters", strings.Repeat("é", 101), strings.Repeat("é", 99) + "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			subject, _, err := ts.Render(mail.ConnectionEnded, "", data(func(d *mail.Data) { d.Agency, d.Client = tc.given, "C" }))
			require.NoError(t, err)
			require.Equal(t, tc.want+" no longer has access to C", subject)
		})
	}
	for _, tc := range []struct{ name, given, want string }{
		{"line breaks and controls in an address become spaces", "a@b.example\r\n\r\n> c\x00d", "a@b.example > c d"},
		{"characters of an address that act and are not shown are taken out", "a\u202e@\u200bb.example", "a@b.example"},
		{"an address is no quotation", "> a@b.example", "a@b.example"},
		{"an address is no link", "http://www.b.example/@c", "http: //www .b.example/@c"},
		{"an address of nothing visible is a question mark", "\u200b", "?"},
		{"an address of 254 characters is whole", strings.Repeat("ab ", 84) + "cd", strings.Repeat("ab ", 84) + "cd"},
		{"a longer one is cut to 254 characters", strings.Repeat("ab ", 84) + "cde", strings.Repeat("ab ", 84) + "c…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, text, err := ts.Render(mail.InvitationDeclined, "", data(func(d *mail.Data) { d.Address = tc.given }))
			require.NoError(t, err)
			require.Contains(t, strings.ReplaceAll(text, "\n", " "), "  "+tc.want+" declined your invitation")
		})
	}
	for _, tc := range []struct{ name, given, want string }{
		{"no line begins as a quotation where a name is wrapped", strings.Repeat("x", 71) + " > y", "\n› y declined"},
		{"no line begins as a quotation where a word is broken", strings.Repeat("x", 72) + ">y", "\n›y declined"},
		{"elsewhere the sign stays", "x > y", "\nx > y declined"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, text, err := ts.Render(mail.AccessDeclined, "", data(func(d *mail.Data) { d.Client = tc.given }))
			require.NoError(t, err)
			require.Contains(t, text, tc.want)
		})
	}
	for _, tc := range []struct{ name, given, want string }{
		{"every line of a message is quoted", "a\nb\r\nc\rd\u2028e\vf", "> a\n> b\n> c\n> d\n> e\n> f"},
		{"blank lines are quoted, and few", "\n\na\n\n\n \nb\n\n", "> a\n>\n> b"},
		{"a URL in a message is no link", "see https://evil.example", "> see https: //evil.example"},
		{"a quotation in a message is quoted", "> x", "> > x"},
		{"long lines of a message are wrapped and quoted", strings.Repeat("word ", 15), "> " + strings.Repeat("word ", 13) + "word\n> word"},
		{"a word without end is broken", strings.Repeat("x", 71), "> " + strings.Repeat("x", 70) + "\n> x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, text, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Message = tc.given }))
			require.NoError(t, err)
			require.Contains(t, text, "wrote:\n\n"+tc.want+"\n\nTo read")
			_, text, err = ts.Render(mail.AccessDeclined, "", data(func(d *mail.Data) { d.Reason = tc.given }))
			require.NoError(t, err)
			require.Contains(t, text, "wrote:\n\n"+tc.want+"\n\nThis request")
		})
	}
	t.Run("a long message is cut to 1,000 characters", func(t *testing.T) {
		t.Parallel()
		_, text, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Message = strings.Repeat("Ж", 3000) }))
		require.NoError(t, err)
		require.Equal(t, 999, strings.Count(text, "Ж"))
	})
	t.Run("a long subject is cut to 150 characters", func(t *testing.T) {
		t.Parallel()
		subject, _, err := ts.Render(mail.AccessRequested, "", data(func(d *mail.Data) { d.Agency, d.Product = strings.Repeat("a", 100), strings.Repeat("b", 100) }))
		require.NoError(t, err)
		require.Equal(t, 150, utf8.RuneCountInString(subject))
	})
}
