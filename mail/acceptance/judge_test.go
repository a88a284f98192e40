package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// subject is a mail whose page is judged.
type subject struct {
	mail.Message

	lang   string
	button string // the words on its button, as its template has them
}

// judge returns what is wrong with how a page looks.
func (m subject) judge(s sight) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if s.Lang != m.lang || s.Dir != "ltr" || s.Title != m.Subject {
		say("the language is %q, the direction %q and the title %q", s.Lang, s.Dir, s.Title)
	}
	if !slices.Equal(s.Headings, []string{m.Subject}) {
		say("the headings are %q", s.Headings)
	}
	return append(wrong, m.judgeBody(s)...)
}

// judgeBody is judge for what mail programs show that keep nothing but the body.
func (m subject) judgeBody(s sight) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if s.Scroll > s.Width {
		say("it is %v wide in a window of %v", s.Scroll, s.Width)
	}
	for _, o := range s.Outside {
		say("%s", o)
	}
	for _, f := range s.Faint {
		say("contrast %s", f)
	}
	for _, l := range s.Loads {
		say("%s", l)
	}
	if s.Smallest < 13 {
		say("there is text of %v pixels", s.Smallest)
	}
	if got, want := strings.Fields(s.Text), m.shown(); !slices.Equal(got, want) {
		say("it does not say what the text says: %s", difference(got, want))
	}
	begins := strings.Join(strings.Fields(strings.TrimSuffix(s.Preview, "…")), " ")
	if rest := strings.Join(m.said(), " "); begins == "" && m.begins() || !strings.HasPrefix(rest, begins) {
		say("a list of mail shows %q of it", s.Preview)
	}
	if got, want := strings.Fields(strings.Join(s.Quotes, "\n")), m.quoted(); !slices.Equal(got, want) {
		say("what is quoted is not what is quoted in the text: %s", difference(got, want))
	}
	m.judgeLinks(s, say)
	return wrong
}

func (m subject) judgeLinks(s sight, say func(string, ...any)) {
	var want []target
	if m.has(m.Data.Link) {
		want = append(want, target{Href: m.Data.Link, Text: m.button}, target{Href: m.Data.Link, Text: m.Data.Link})
	}
	if m.has(m.Data.Guide) {
		want = append(want, target{Href: m.Data.Guide, Text: m.Data.Guide})
	}
	if !slices.Equal(s.Links, want) {
		say("the links are %v, and not %v", s.Links, want)
	}
	switch {
	case !m.has(m.Data.Link) && len(s.Buttons) > 0:
		say("there is a button, and no link for it")
	case m.has(m.Data.Link) && len(s.Buttons) != 1:
		say("there are %d buttons, and not one", len(s.Buttons))
	}
	for _, b := range s.Buttons {
		if b.Height < 44 || b.Width < 44 {
			say("the button is %v by %v pixels, and not 44 at least", b.Width, b.Height)
		}
		if b.Text != m.button || b.Href != m.Data.Link {
			say("the button %q leads to %s", b.Text, b.Href)
		}
	}
}

// has tells whether the text has a link, in a line of its own.
func (m subject) has(link string) bool {
	return link != "" && slices.Contains(strings.Split(m.Text, "\n"), link)
}

// shown are the words that a page has: the product, the subject, and those of the text, with a button above its link.
func (m subject) shown() []string {
	return slices.Concat(strings.Fields(m.Data.Product), strings.Fields(m.Subject), m.said())
}

// begins tells whether the text begins with words of its template.
func (m subject) begins() bool {
	first, _, _ := strings.Cut(m.Text, "\n")
	return first != m.Data.Code && first != m.Data.Link && !strings.HasPrefix(first, ">")
}

// said are the words of the text, with a button above its link.
func (m subject) said() []string {
	var out []string
	for line := range strings.SplitSeq(m.Text, "\n") {
		switch {
		case line == "-- ":
			continue
		case line == m.Data.Link && line != "":
			out = append(out, strings.Fields(m.button)...)
		case strings.HasPrefix(line, ">"):
			line = line[1:]
		}
		out = append(out, strings.Fields(line)...)
	}
	return out
}

// quoted are the words of the text that somebody else wrote.
func (m subject) quoted() []string {
	var out []string
	for line := range strings.SplitSeq(m.Text, "\n") {
		if rest, ok := strings.CutPrefix(line, ">"); ok {
			out = append(out, strings.Fields(rest)...)
		}
	}
	return out
}

func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			end := func(s []string) []string { return s[min(max(i-3, 0), len(s)):min(i+4, len(s))] }
			return fmt.Sprintf("%q, and not %q", end(got), end(want))
		}
	}
	return "none"
}

var (
	styles = regexp.MustCompile(`(?is)<style.*?</style>`)
	images = regexp.MustCompile(`(?is)<img[^>]*>`)
	inside = regexp.MustCompile(`(?is)<body[^>]*>(.*)</body>`)
)

// stripped is what mail programs keep of a page that take out style sheets and images, and put the body into a page of
// their own.
func stripped(html, lang, theme string) string {
	html = images.ReplaceAllString(styles.ReplaceAllString(html, ""), "")
	body := ""
	if m := inside.FindStringSubmatch(html); m != nil {
		body = m[1]
	}
	host := "background:#ffffff;color:#202124"
	if theme == "dark" {
		host = "background:#121212;color:#e8eaed"
	}
	return `<!DOCTYPE html><html lang="` + lang + `"><head><meta name="viewport" content="width=device-width"></head><body style="margin:0;` +
		host + `"><div>` + body + `</div></body></html>`
}

// buttonOf reads the words on the button of a kind, in the template's own file.
func buttonOf(lang, kind string) (string, error) {
	src, err := os.ReadFile(filepath.Join("..", "templates", lang, kind+".txt"))
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(string(src), "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		if words, ok := strings.CutPrefix(line, "Button:"); ok {
			return strings.TrimSpace(words), nil
		}
	}
	return "", nil
}
