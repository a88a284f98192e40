package acceptance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// What is wrong with a page is found: each broken copy of the layout is refused for what is broken, and the layout as it is
// for nothing.
func TestBrokenLayouts(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	p := <-b.tabs
	src, err := os.ReadFile(filepath.Join("..", "templates", "layout.html"))
	require.NoError(t, err)
	for _, broken := range []struct { //nolint:paralleltest // they share a tab
		name string
		// css is added to the style sheet, for programs that keep it; what old matches is replaced wherever it is.
		css, old, fresh string
		want            string // "": nothing is wrong
	}{
		{name: "as it is"},
		{name: "a table that is too wide", css: `.page table { min-width: 500px }`, want: "light-360: it is"},
		{name: "a row that does not wrap", css: `p { white-space: nowrap }`, want: "light-360: it is"},
		{name: "words that stand out of their block", css: `p { width: 40px; white-space: nowrap }`, want: "stands out of p"},
		{name: "long words that wrap by the style sheet alone", css: `td { overflow-wrap: anywhere }`, old: `(overflow-wrap|word-break):[a-z-]+;`, want: "without a style sheet: "},
		{name: "grey on grey", css: `.closing p { color: #8c959f !important }`, want: "light-640: contrast"},
		{
			name: "grey on grey in the dark", css: `@media (prefers-color-scheme: dark) { .closing p { color: #60666e !important } }`,
			want: "dark-640: contrast",
		},
		{
			name: "a ground from the style sheet alone", css: `.card { background-color: #ffffff !important }`,
			old: `(class="card" style="[^"]*)"`, fresh: `$1;background-color:#33383f"`, want: "without a style sheet: contrast",
		},
		{name: "no words for lists of mail", old: `\{\{if .Preview\}\}`, fresh: `{{if eq .Lang "tlh"}}`, want: "a list of mail shows"},
		{name: "more that is hidden", old: `<h1 `, fresh: `<p hidden>{{.Subject}}</p><h1 `, want: "p is hidden"},
		{name: "a background image", css: `.card { background-image: url(https://tracker.example/b.png) }`, want: "has a background image"},
		{name: "no button", css: `.button, .face { background-color: transparent !important; color: #0b57d0 !important }`, want: "there are 0 buttons"},
		{name: "two buttons", css: `.link { display: block; background-color: #0b57d0; color: #ffffff !important }`, want: "buttons, and not one"},
		{name: "a button for the nimble", css: `.button { padding: 4px !important }`, want: "44 at least"},
		{
			name: "a button that counts who presses it", old: `(class="button" href=")\{\{.URL\}\}`, fresh: `${1}https://tracker.example/?to={{.URL}}`,
			want: "the links are",
		},
		{name: "a link that is not shown", old: `\{\{.URL\}\}</a>`, fresh: `here<!-- {{.URL}} --></a><i hidden>{{.URL}}</i>`, want: "the links are"},
		{name: "a link more", old: `\{\{.Product\}\}`, fresh: `<a href="https://example.com/">$0</a>`, want: "the links are"},
		{
			name: "a picture", old: `\{\{.Product\}\}`, fresh: `$0<img src="https://tracker.example/open.gif" width="1" height="1" alt="">`,
			want: "asked for https://tracker.example/open.gif",
		},
		{name: "a font from elsewhere", old: `<style>`, fresh: `<style>@import "https://fonts.example/f.css";`, want: "asked for https://fonts.example/f.css"},
		{name: "a script", old: `</body>`, fresh: `<script>1</script></body>`, want: "script is there"},
		{name: "another language", old: `lang="[^"]*"`, fresh: `lang="tlh"`, want: `the language is "tlh"`},
		{name: "another title", old: `<title>[^<]*`, fresh: `<title>Mail`, want: `the title "Mail"`},
		{name: "two headings", old: `\{\{.Product\}\}`, fresh: `<h1>$0</h1>`, want: "the headings are"},
		{name: "words that the text does not have", old: `\{\{.Product\}\}`, fresh: `$0 rocks`, want: "it does not say what the text says"},
		{name: "words that are hidden", css: `.closing { display: none }`, want: "it does not say what the text says"},
		{name: "words that nobody sees", css: `.closing { opacity: 0 }`, want: "td.closing is hidden"},
		{name: "words that are too small", css: `.closing p { font-size: 11px !important }`, want: "text of 11 pixels"},
		{name: "words of others as if ours", old: `blockquote`, fresh: `div`, want: "what is quoted"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			layout := string(src)
			layout = strings.Replace(layout, "</style>", broken.css+"</style>", 1)
			if broken.old != "" {
				layout = regexp.MustCompile(broken.old).ReplaceAllString(layout, broken.fresh)
			}
			require.Equal(t, broken.want == "", layout == string(src), "the layout does not have what is to be broken")
			list, err := mail.NewTemplates(fstest.MapFS{"layout.html": {Data: []byte(layout)}})
			require.NoError(t, err)
			m := mail.Message{Kind: mail.AccessRequested, Locale: "en", Data: sample()}
			m.Subject, m.Text, err = list.Render(m.Kind, m.Locale, m.Data)
			require.NoError(t, err)
			m.HTML, err = list.HTML(m)
			require.NoError(t, err)
			button, err := buttonOf("en", m.Kind)
			require.NoError(t, err)
			wrong, err := subject{m, "en", button}.examine(p, "", nil)
			require.NoError(t, err)
			if broken.want == "" {
				require.Empty(t, wrong)
				return
			}
			require.Contains(t, strings.Join(wrong, "\n"), broken.want)
		})
	}
}

func sample() mail.Data {
	w := ordinary("en")
	return mail.Data{
		Product: product, Agency: w.agency, Sender: w.mia, Message: w.message, Role: "Manager", Guide: guide,
		Link: domain + "access-requests/creq_" + strings.Repeat("ABCDEFGHIJKLM", 4), ExpiresAt: start, At: start,
	}
}
