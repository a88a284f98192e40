package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/mail"
)

// bodyOf returns what stands in the card of a page, without the styles.
func bodyOf(t *testing.T, ts *mail.Templates, m mail.Message) string {
	t.Helper()
	page, err := ts.HTML(m)
	require.NoError(t, err)
	_, page, _ = strings.Cut(page, "</h1>\n")
	var b strings.Builder
	for part := range strings.SplitSeq(page, "<") {
		tag, rest, _ := strings.Cut(part, ">")
		name, _, _ := strings.Cut(tag, " ")
		switch name {
		case "p", "/p", "br", "blockquote", "/blockquote":
			b.WriteString("<" + name + ">")
		case "a":
			_, href, _ := strings.Cut(tag, `href="`)
			href, _, _ = strings.Cut(href, `"`)
			b.WriteString("<a " + href + ">")
		case "/a":
			b.WriteString("</a>")
		}
		b.WriteString(strings.TrimSpace(rest))
	}
	return b.String()
}

func TestTemplates_HTML(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	d := data(func(d *mail.Data) { d.Link = "https://a.example/x?a=1&b=2" })
	for _, tc := range []struct{ name, kind, given, want string }{
		{"a paragraph is one, without the breaks of wrapping", mail.AccessRequested, strings.Repeat("word ", 14) + "w\n" + strings.Repeat("word ", 3), "<p>" + strings.Repeat("word ", 14) + "w word word word</p>"},
		{"a line break that was meant stays", mail.AccessRequested, "Yours\nJonas\n", "<p>Yours<br>Jonas</p>"},
		{"a line break stays where the next word would just have had room", mail.AccessRequested, strings.Repeat("x", 70) + "\ny\n", "<p>" + strings.Repeat("x", 70) + "<br>y</p>"},
		{"a line break goes where the next word had none", mail.AccessRequested, strings.Repeat("x", 70) + "\nyy\n", "<p>" + strings.Repeat("x", 70) + " yy</p>"},
		{"a link is on a button and below it", mail.AccessRequested, "a\n\n" + d.Link + "\n\nb\n", "<p>a</p><a https://a.example/x?a=1&amp;b=2>Read the request</a><p><a https://a.example/x?a=1&amp;b=2>https://a.example/x?a=1&amp;b=2</a></p><p>b</p>"},
		{"a guide is a link", mail.AccessRequested, d.Guide + "\n", "<p><a " + d.Guide + ">" + d.Guide + "</a></p>"},
		{"any other link is text", mail.AccessRequested, "https://evil.example/\n", "<p>https://evil.example/</p>"},
		{"a link of another scheme is text", mail.AccessRequested, "javascript:alert(1)\n", "<p>javascript:alert(1)</p>"},
		{"a link within words is text", mail.AccessRequested, "see " + d.Guide + "\n", "<p>see " + d.Guide + "</p>"},
		{"a code stands out", mail.Code, "904718\n\nGive it to nobody.\n", "<p>904718</p><p>Give it to nobody.</p>"},
		{"markup is text", mail.AccessRequested, "<b onclick=x>y</b> {{.Link}} &lt;\n", "<p>&lt;b onclick=x&gt;y&lt;/b&gt; {{.Link}} &amp;lt;</p>"},
		{"a quotation is one, with its paragraphs and breaks", mail.AccessRequested, "Jonas wrote:\n\n> a\n> b\n>\n> c\n\nd\n", "<p>Jonas wrote:</p><blockquote><p>a<br>b</p><p>c</p></blockquote><p>d</p>"},
		{"a quotation of a quotation shows the second sign", mail.AccessRequested, "> > a\n", "<blockquote><p>&gt; a</p></blockquote>"},
		{"a quotation ends where its lines end", mail.AccessRequested, "a\n> b\nc\n", "<p>a</p><blockquote><p>b</p></blockquote><p>c</p>"},
		{"a quotation of nothing is nothing", mail.AccessRequested, "a\n\n>\n> \n\nb\n", "<p>a</p><p>b</p>"},
		{"the closing is below", mail.AccessRequested, "a\n\n-- \nWho sends this.\n", "<p>a</p><p>Who sends this.</p>"},
		{"mail of a kind that nobody knows has its words", "of-yesterday", "a\n\n" + d.Link + "\n", "<p>a</p><p><a https://a.example/x?a=1&amp;b=2>https://a.example/x?a=1&amp;b=2</a></p>"},
		{"a text of nothing is an empty page", mail.AccessRequested, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, bodyOf(t, ts, mail.Message{Kind: tc.kind, Subject: "S", Text: tc.given, Data: d}))
		})
	}

	t.Run("mail whose data was lost has its words and no links", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "<p>a</p><p>"+d.Guide+"</p>", bodyOf(t, ts, mail.Message{Kind: mail.AccessRequested, Text: "a\n\n" + d.Guide + "\n"}))
	})
	t.Run("a user's line breaks stay, also where wrapping could have made them", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("x", 69)
		d := data(func(d *mail.Data) {
			d.Message = long + "\nshort\n" + long + " and more\n\n\n" + strings.Repeat("y", 75) + "\nhttps://z"
		})
		_, text, err := ts.Render(mail.AccessRequested, "", d)
		require.NoError(t, err)
		require.Contains(t, bodyOf(t, ts, mail.Message{Kind: mail.AccessRequested, Text: text, Data: d}),
			"<blockquote><p>"+long+"<br>short<br>"+long+" and more</p><p>"+strings.Repeat("y", 70)+" yyyyy<br>https: //z</p></blockquote>")
	})
}

// What somebody made of a setup mail is a page by the same rules: one button with the link, the closing below, and
// nothing of what they typed acts, also where it repeats the address or the guide.
func TestTemplates_HTML_edited(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	d := data(func(d *mail.Data) { d.Link = draftLink })
	_, text, err := ts.Render(mail.SetupInvitation, "", d)
	require.NoError(t, err)
	_, closing := mail.SplitClosing(text)
	edited, err := mail.Draft{Subject: "Hello", Text: "Dear Ada,\nwelcome!\n\n> Our plan:\n> we start\n\n-- \n" + mail.Placeholder + "\n\n" + d.Address + "\n\n" +
		"I repeat:\n\n" + d.Address + "\n\n" + d.Guide + "\n\n> " + strings.Repeat("word ", 20) + "\n\n<script>x</script>\n"}.Clean()
	require.NoError(t, err)
	name := "<p>" + d.Address + "</p>"
	require.Equal(t, "<p>Dear Ada,<br>welcome!</p><blockquote><p>Our plan:<br>we start</p></blockquote><p>--</p>"+
		"<a "+d.Link+">Set up your login</a><p><a "+d.Link+">"+d.Link+"</a></p>"+name+
		"<p>I repeat:</p>"+name+"<p>https: //letterbird.example/help</p>"+
		"<blockquote><p>"+strings.TrimSpace(strings.Repeat("word ", 20))+"</p></blockquote><p>&lt;script&gt;x&lt;/script&gt;</p>"+
		"<p>This mail was sent by Juniper Press through Letterbird. If you don't know Juniper Press, ignore it. Nothing changes then.</p>",
		strings.ReplaceAll(bodyOf(t, ts, mail.Message{Kind: mail.SetupInvitation, Text: mail.JoinClosing(edited.Fill(d.Link), closing), Data: d}), "&#39;", "'"))
}

// The page tells lists of mail how the body begins, and stops before links and other people's words.
func TestTemplates_HTML_preview(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	d := data(func(*mail.Data) {})
	for _, tc := range []struct{ name, text, want string }{
		{"the first paragraphs are joined", "Hello Ada,\n\nso it\nbegins.\n\n" + d.Link + "\n\nand ends\n", "Hello Ada, so it begins."},
		{"somebody's words are no part of it", "Hello\n\n> you\n", "Hello"},
		{"a mail that begins with its link has none", d.Link + "\n\na\n", ""},
		{"it is short", strings.Repeat("word ", 200), strings.Repeat("word ", 27) + "word…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			page, err := ts.HTML(mail.Message{Kind: mail.AccessRequested, Text: tc.text, Data: d})
			require.NoError(t, err)
			require.Equal(t, tc.want, strings.Join(parsePage(t, page).preview, " "))
		})
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, closing string }{
		{"a text and its closing", "a\n\nb\n", "c\n"},
		{"a closing with the line of another", "a\n", "c\n\n-- \nd\n"},
		{"a text with two hyphens", "a\n--\n", "c\n"},
	} {
		body, closing := mail.SplitClosing(mail.JoinClosing(tc.body, tc.closing))
		require.Equal(t, tc.body, body, tc.name)
		require.Equal(t, tc.closing, closing, tc.name)
	}
	body, closing := mail.SplitClosing("a\n-- not a closing\n")
	require.Equal(t, "a\n-- not a closing\n", body)
	require.Empty(t, closing)
}

// Unwrapping is the inverse of wrapping: a text of paragraphs that were each written on one line comes back as it was, a
// quotation and the closing stay, and no word is lost.
func TestUnwrap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abcdé›𝔘.")), 1, 20, -1)
		paragraph := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(word, 1, 40).Draw(t, "words"), " ") })
		all := strings.Join(rapid.SliceOfN(paragraph, 1, 5).Draw(t, "paragraphs"), "\n\n")
		d, err := mail.Draft{Subject: "S", Text: all + "\n\n" + mail.Placeholder}.Clean()
		if err != nil {
			t.Skip("too long")
		}
		want := all + "\n\n" + mail.Placeholder + "\n"
		require.Equal(t, want, mail.UnwrapLines(d.Text))
		require.Equal(t, mail.JoinClosing(want, all+"\n"), mail.UnwrapLines(mail.JoinClosing(d.Text, strings.TrimSuffix(d.Text, "\n\n"+mail.Placeholder+"\n")+"\n")))
		require.Equal(t, mail.UnwrapLines(d.Text), mail.UnwrapLines(mail.UnwrapLines(d.Text)))
	})
	quoted := "> " + strings.Repeat("x", 70) + "\n> y\n"
	require.Equal(t, "a\n\n"+quoted, mail.UnwrapLines("a\n\n"+quoted))
	require.Empty(t, mail.UnwrapLines(""))
}
