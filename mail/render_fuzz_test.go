package mail_test

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/text/unicode/runenames"

	"github.com/chatelaine-go/chatelaine/mail"
)

// hostileSeeds are what a fuzz target of rendered mail begins with, for each kind.
func hostileSeeds(f *testing.F) {
	f.Helper()
	for i := range kinds {
		kind := byte(i)
		f.Add(kind, unseen(), unseen(), unseen(), unseen())
		f.Add(kind, "Northlight", "Jonas", "Hello\nworld", "ada@willow.example")
		f.Add(kind, "http://evil", "x\r\nSubject: y", "\n> \u2028www.x\u202e", "a@b.example\r\nBcc: c@d.example")
		f.Add(kind, strings.Repeat("w", 200), "\u200b", strings.Repeat("\n", 50)+strings.Repeat("a b", 400), strings.Repeat("https://a@", 40))
		f.Add(kind, "", "> y", "", "\r\n\r\nwww.b.example")
		f.Add(kind, strings.Repeat("x", 71)+" > y", strings.Repeat("> ", 40), ">", strings.Repeat("x", 72)+">y")
		f.Add(kind, strings.Repeat("x", 68)+" > x", "?", "? ?", "?") // a name whose end reads like the first quoted line
		f.Add(kind, "<b>x</b>{{.Link}}", `"><script>alert(1)</script>`, "-- \n--\n<!-- </blockquote>\n{{.Link}}", `"onload=x@b.example`)
		f.Add(kind, "-- \n", "javascript:alert(1)", "a\n-- \nb\n\n\n> > c\n>\n"+strings.Repeat("word ", 30)+"\nx", "mailto:a@b.example")
		f.Add(kind, "\u3164", "\u2800\u115f", "\uffa0\n\u034f\ufe0f", "a\u17b4@\U000E0100")
		f.Add(kind, "&amp;&lt;", "[[LINK]]", strings.Repeat("𝔘", 75)+"\n"+strings.Repeat("é ", 50), "904718")
	}
}

// hostile is data with what users wrote in each place where they can.
func hostile(name, person, words, address string) mail.Data {
	return data(func(d *mail.Data) {
		d.Agency, d.Client, d.Account, d.Product = cmp.Or(name, "N"), "C"+person, cmp.Or(name, "A"), cmp.Or(person, "P")
		d.Sender, d.Recipient, d.Role, d.Address = cmp.Or(person, "J"), name, cmp.Or(person, "M"), cmp.Or(address, "a")
		d.Message, d.Reason = words, words
	})
}

// inkless matches the names that Unicode gives to signs without ink. The fillers that are punctuation are seen.
var inkless = regexp.MustCompile(` (BLANK|FILLER)$|^MUSICAL SYMBOL NULL `)

// acts reports what is not shown, and acts or fills a place: no text has any of it but for its ends of lines.
func acts(r rune) bool {
	switch {
	case unicode.In(r, unicode.Properties["Other_Default_Ignorable_Code_Point"], unicode.Properties["Variation_Selector"]):
		return true
	case unicode.IsGraphic(r):
		return r > unicode.MaxLatin1 && !unicode.IsPunct(r) && inkless.MatchString(runenames.Name(r))
	default: // what is not assigned yet stays, since it may be a letter tomorrow
		return !unicode.Is(unicode.Cn, r)
	}
}

// unseen is everything that acts, but for what is not assigned and what is private.
var unseen = sync.OnceValue(func() string {
	var b strings.Builder
	for r := range unicode.MaxRune {
		if acts(r) && !unicode.In(r, unicode.Cn, unicode.Co, unicode.Cs) {
			b.WriteRune(r)
		}
	}
	return b.String()
})

// canBeSeen reports whether anything of s can be seen.
func canBeSeen(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !acts(r) })
}

// isQuoted reports whether a paragraph is a quotation, and fails if that cannot be told.
func isQuoted(t require.TestingT, paragraph string) bool {
	n := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(paragraph, "\n"), "\n") {
		if strings.HasPrefix(line, ">") {
			n++
		}
	}
	if n > 0 {
		require.Equal(t, strings.Count(strings.TrimSuffix(paragraph, "\n"), "\n")+1, n, "a quotation is a paragraph: %q", paragraph)
	}
	return n > 0
}

// A88, A89: whatever users wrote, in each language a kind is one message of the same paragraphs with the same links and
// the same closing, and what users wrote adds no controls, no links and no lines outside its quotation.
func FuzzRender(f *testing.F) {
	ts := templates(f, nil)
	hostileSeeds(f)
	linkLike := regexp.MustCompile(`(?i)://|www\.\S`)
	f.Fuzz(func(t *testing.T, kind byte, name, person, words, address string) {
		k, languages := kinds[int(kind)%len(kinds)], ts.Languages()
		lang := languages[int(kind)/len(kinds)%len(languages)]
		d := hostile(name, person, words, address)
		subject, text, err := ts.Render(k.kind, lang, d)
		require.NoError(t, err)
		require.LessOrEqual(t, utf8.RuneCountInString(subject), 150)
		require.NotEmpty(t, subject)
		require.True(t, utf8.ValidString(subject+text))
		require.Equal(t, "\n", text[len(text)-1:])
		for _, r := range subject + strings.ReplaceAll(text, "\n", "") {
			if acts(r) {
				require.Failf(t, "a control", "%U", r)
			}
		}

		// The same mail with harmless words in each place has the same paragraphs.
		harmless := data(func(h *mail.Data) {
			if h.Message, h.Reason = "x", "x"; !canBeSeen(words) {
				h.Message, h.Reason = "", ""
			}
			if d.Recipient == "" {
				h.Recipient = ""
			}
		})
		_, plain, err := ts.Render(k.kind, lang, harmless)
		require.NoError(t, err)
		// And the same mail with a harmless message differs in nothing but its quotation.
		quiet := d
		quiet.Message, quiet.Reason = harmless.Message, harmless.Reason
		_, other, err := ts.Render(k.kind, lang, quiet)
		require.NoError(t, err)

		body, closing := mail.SplitClosing(text)
		plainBody, plainClosing := mail.SplitClosing(plain)
		otherBody, otherClosing := mail.SplitClosing(other)
		require.Equal(t, otherClosing, closing)
		require.Equal(t, plainClosing == "", closing == "")
		require.Equal(t, strings.Count(plainClosing, "\n\n"), strings.Count(closing, "\n\n"))
		require.False(t, isQuoted(t, closing))
		require.NotContains(t, body+closing, " \n", "no line but that above the closing ends with a space")

		have, want, same := strings.Split(body, "\n\n"), strings.Split(plainBody, "\n\n"), strings.Split(otherBody, "\n\n")
		require.Len(t, have, len(want), "the paragraphs are the template's")
		require.Len(t, same, len(want))
		for i, paragraph := range have {
			quoted := isQuoted(t, want[i])
			require.Equal(t, quoted, isQuoted(t, paragraph))
			if !quoted {
				require.Equal(t, same[i], paragraph, "the words stay in their quotation")
			}
			link := strings.TrimSuffix(want[i], "\n")
			if link == d.Link || link == d.Guide {
				require.Equal(t, want[i], paragraph, "the links are the template's")
				continue
			}
			require.NotRegexp(t, linkLike, paragraph)
			for line := range strings.SplitSeq(paragraph, "\n") {
				require.LessOrEqual(t, utf8.RuneCountInString(line), 72, line)
				require.LessOrEqual(t, len(line), 998)
			}
		}
		require.NotRegexp(t, linkLike, subject+"\n"+closing)
		for line := range strings.SplitSeq(closing, "\n") {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 72, line)
		}
	})
}

// readPage is what somebody sees of an HTML mail, and where its links lead.
type readPage struct {
	preview []string // the words that only lists of mail show
	words   []string // all others, in their order
	quoted  []string // those in quotations
	links   []string
	tags    map[string]bool // each element with its attributes, but for the target of a link, the language and the direction
}

func parsePage(t require.TestingT, s string) readPage {
	root, err := html.Parse(strings.NewReader(s))
	require.NoError(t, err)
	page := readPage{tags: map[string]bool{}}
	var walk func(n *html.Node, quoted bool)
	walk = func(n *html.Node, quoted bool) {
		switch n.Type {
		case html.TextNode:
			page.words = append(page.words, strings.Fields(n.Data)...)
			if quoted {
				page.quoted = append(page.quoted, strings.Fields(n.Data)...)
			}
		case html.CommentNode:
			require.Fail(t, "a comment", n.Data)
		case html.ElementNode:
			tag := n.Data
			for _, a := range n.Attr {
				switch {
				case n.Data == "a" && a.Key == "href":
					page.links = append(page.links, a.Val)
				case n.Data == "html":
				default:
					tag += " " + a.Key + "=" + a.Val
				}
			}
			page.tags[tag] = true
			if n.Data == "head" {
				return
			}
			if strings.Contains(tag, " hidden=") {
				page.preview = strings.Fields(n.FirstChild.Data)
				return
			}
			quoted = quoted || n.Data == "blockquote"
		case html.ErrorNode, html.DocumentNode, html.DoctypeNode, html.RawNode:
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, quoted)
		}
	}
	walk(root, false)
	return page
}

// buttons are the words on the buttons of a language's templates, by kind.
func buttons(tb testing.TB, lang string) map[string]string {
	tb.Helper()
	all := map[string]string{}
	for _, kind := range mail.Kinds() {
		b, err := os.ReadFile("templates/" + lang + "/" + kind + ".txt")
		require.NoError(tb, err)
		head, _, _ := strings.Cut(string(b), "\n\n")
		if _, words, ok := strings.Cut(head, "\nButton: "); ok {
			all[kind] = words
		}
	}
	return all
}

// A89: whatever users wrote, the page of a mail has the words of its text in their order, and nothing else; what is quoted
// in the one is quoted in the other; the links are the Link, on the button and below it, and the Guide; and no element
// and no attribute comes from users.
func FuzzHTML(f *testing.F) {
	ts := templates(f, fstest.MapFS{"en/whose.txt": file("Subject: {{.Product}}\n\n{{.Product}}\n")})
	hostileSeeds(f)
	labels, tags := map[string]map[string]string{}, map[string]bool{}
	for _, lang := range ts.Languages() {
		labels[lang] = buttons(f, lang)
		for _, k := range kinds {
			d := data(func(d *mail.Data) { d.Message, d.Reason = "a\nb\n\nc", "a\nb\n\nc" })
			subject, text, err := ts.Render(k.kind, lang, d)
			require.NoError(f, err)
			page, err := ts.HTML(mail.Message{Kind: k.kind, Locale: lang, Subject: subject, Text: text, Data: d})
			require.NoError(f, err)
			for tag := range parsePage(f, page).tags {
				tags[tag] = true
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, name, person, words, address string) {
		k, languages := kinds[int(kind)%len(kinds)], ts.Languages()
		lang := languages[int(kind)/len(kinds)%len(languages)]
		d := hostile(name, person, words, address)
		subject, text, err := ts.Render(k.kind, lang, d)
		require.NoError(t, err)
		src, err := ts.HTML(mail.Message{Kind: k.kind, Locale: lang, Subject: subject, Text: text, Data: d})
		require.NoError(t, err)

		product, _, err := ts.Render("whose", "en", mail.Data{Product: d.Product})
		require.NoError(t, err)
		want := readPage{words: append(strings.Fields(product), strings.Fields(subject)...)}
		for line := range strings.Lines(text) {
			switch line = strings.TrimSuffix(line, "\n"); {
			case line == "-- ":
			case strings.HasPrefix(line, ">"):
				said := strings.Fields(strings.TrimPrefix(line, ">"))
				want.words, want.quoted = append(want.words, said...), append(want.quoted, said...)
			case line == d.Link:
				want.words = append(append(want.words, strings.Fields(labels[lang][k.kind])...), line)
				want.links = append(want.links, line, line)
			default:
				if line == d.Guide {
					want.links = append(want.links, line)
				}
				want.words = append(want.words, strings.Fields(line)...)
			}
		}
		have := parsePage(t, src)
		require.Equal(t, want.words, have.words)
		require.Equal(t, want.quoted, have.quoted)
		require.Equal(t, want.links, have.links)
		rest := strings.Join(want.words[len(strings.Fields(product))+len(strings.Fields(subject)):], " ")
		begins := strings.TrimRight(strings.Join(have.preview, " "), "…")
		require.True(t, strings.HasPrefix(rest, begins), "a list of mail shows the body's first words: %q, %q", begins, rest)
		for tag := range have.tags {
			require.True(t, tags[tag], "<%s> is in no mail with harmless words", tag)
		}
	})
}
