package mail

import (
	"cmp"
	"errors"
	"strings"
	"text/template"
	"time"
)

// page is the template of one kind in one language.
type page struct {
	subject, body, closing *template.Template
	button                 string
}

// parsePage reads a template: a head of lines "Name: words", a blank line, and the body with its closing.
func parsePage(w words, src string) (page, error) {
	head, body, ok := strings.Cut(strings.ReplaceAll(src, "\r\n", "\n"), "\n\n")
	if !ok {
		return page{}, errors.New("there is no blank line between the head and the body")
	}
	known := map[string]string{}
	for line := range strings.SplitSeq(head, "\n") {
		name, value, _ := strings.Cut(line, ":")
		if value = squeeze(value); value == "" || known[name] != "" || name != "Subject" && name != "Button" {
			return page{}, errors.New(`the head has one line "Subject: …", one "Button: …" if there is a link, and no other`)
		}
		known[name] = value
	}
	p := page{button: known["Button"]}
	switch {
	case known["Subject"] == "":
		return page{}, errors.New(`the head has no line "Subject: …"`)
	case strings.Contains(p.button, "{{"):
		return page{}, errors.New("the words on the button are the same in each mail")
	}
	body, closing, ok := strings.Cut("\n"+body+"\n", "\n--\n")
	if !ok {
		body, closing, _ = strings.Cut(body, "\n"+closingLine+"\n") // as mail programs write it
	}
	compile := func(name, src string) (*template.Template, error) {
		return template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"utc": func(t time.Time) (string, error) {
			if t.IsZero() {
				return "", errors.New("there is no time to show")
			}
			return w.moment(t), nil
		}}).Parse(src)
	}
	var errs [3]error
	p.subject, errs[0] = compile("subject", known["Subject"])
	p.body, errs[1] = compile("body", body)
	p.closing, errs[2] = compile("closing", closing)
	return p, cmp.Or(errs[0], errs[1], errs[2])
}

// fill returns the words of a mail.
func (p page) fill(v view) (subject, text string, err error) {
	var s, b, c strings.Builder
	for _, part := range []struct {
		t *template.Template
		w *strings.Builder
	}{{p.subject, &s}, {p.body, &b}, {p.closing, &c}} {
		if err := part.t.Execute(part.w, v); err != nil {
			return "", "", err
		}
	}
	subject, text = cut(squeeze(s.String()), maxSubject), wrap(b.String())
	switch {
	case subject == "":
		return "", "", errors.New("the subject is empty")
	case text == "\n":
		return "", "", errors.New("the body is empty")
	}
	if closing := wrap(c.String()); closing != "\n" {
		text = JoinClosing(text, closing)
	}
	return subject, text, nil
}
