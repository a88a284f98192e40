package mail

import (
	"fmt"
	htmltemplate "html/template"
	"strings"
)

const layoutName = "layout.html"

// newLayout reads a layout and checks that it shows all that a mail can have.
func newLayout(src string) (*htmltemplate.Template, error) {
	t, err := htmltemplate.New(layoutName).Parse(src)
	if err != nil {
		return nil, err
	}
	const link, guide = "https://example.com/link-1", "https://example.com/guide-2"
	full := Page{
		Lang: english, Direction: "ltr", Product: "Product-3", Subject: "Subject-4", Preview: "Preview-13",
		Body: []Block{
			{Lines: []string{"line-5", "line-6"}},
			{Quote: [][]string{{"quoted-7", "quoted-8"}, {"quoted-9"}}},
			{Button: "Button-10", URL: link},
			{URL: guide},
			{Code: "904718"},
			{Name: "address-11@example.com"},
		},
		Closing: []Block{{Lines: []string{"closing-12"}}},
	}
	short := Page{Lang: english, Direction: "rtl", Subject: "Subject-4", Body: []Block{{Lines: []string{"line-5"}}}}
	for _, page := range []Page{full, short} {
		var b strings.Builder
		if err := t.Execute(&b, page); err != nil {
			return nil, err
		}
		all := b.String()
		for _, want := range page.words() {
			if !strings.Contains(all, want) {
				return nil, fmt.Errorf("it does not show all of a page: %q is missing", want)
			}
		}
		for _, block := range page.Body {
			if block.URL != "" && !strings.Contains(all, `href="`+block.URL+`"`) {
				return nil, fmt.Errorf(`it does not link all of a page: href=%q is missing`, block.URL)
			}
		}
	}
	return t, nil
}

// words are all that a page has to show.
func (p Page) words() []string {
	all := []string{p.Product, p.Subject}
	for _, list := range [][]Block{p.Body, p.Closing} {
		for _, b := range list {
			all = append(all, b.Lines...)
			for _, q := range b.Quote {
				all = append(all, q...)
			}
			all = append(all, b.Button, b.URL, b.Code, b.Name)
		}
	}
	return all
}
