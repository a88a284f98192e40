package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/text/language"
)

//go:embed templates
var builtIn embed.FS

// Templates renders mail from text/template files, one for each kind and language. It never changes and is safe for
// concurrent use.
//
// # The files
//
// A file is called <language>/<kind>.txt, such as en/access-requested.txt or pt-BR/access-requested.txt:
//
//	Subject: {{.Agency}} asks for access to your {{.Product}} account
//	Button: Read the request
//
//	{{.Sender}} at {{.Agency}} asks for access to your account.
//
//	{{.Link}}
//
//	--
//	{{.Product}} sends this mail because {{.Agency}} gave this address.
//
// It begins with its subject and, if it has a link, the words on the button that leads there; then a blank line, the
// body, and below a line of two hyphens the closing: who sends this and why. Each paragraph is written on one line: lines
// longer than 72 characters are wrapped after rendering. A link, a code and what users wrote ({{.Message}}, {{.Reason}})
// stand alone in their paragraphs, and an address may. Besides what text/template brings there is the function utc,
// which shows a time: {{utc .ExpiresAt}}.
//
// A language can have a file words.txt, with what its templates share. Each of its lines can be left out:
//
//	# Months and time go together: without them a time is 2026-03-05 14:00 UTC.
//	months: Januar Februar März April Mai Juni Juli August September Oktober November Dezember
//	time: {day}. {month} {year}, {clock} Uhr UTC
//	role Owner: Inhaber
//	direction: ltr
//
// The roles are those of the host's own ladder, so that any word can be one: the line of a role that there is not does
// nothing.
//
// And layout.html is the page of every mail in every language, an html/template filled with a [Page].
//
// # Languages
//
// Built in are English, Spanish, German and French. A language has all built-in kinds. A region of one, such as de-AT,
// has only what is different there, be it one template or a few lines of words.txt; the rest is that of the
// language. English has every kind, also those of the host, since it is what everybody falls back to.
//
// # Kinds of the host's own
//
// A kind that is not built in is for mail that the host sends itself: [Templates.Render] makes its subject and text,
// [Templates.HTML] its page, and the host gives a [Message] of these to its [Mailer]. The services of the library
// enqueue mail of the built-in kinds alone. Every field of [Data] can be in such a template.
type Templates struct {
	langs  map[string]*lang // by tag, such as "en"
	order  []string         // English first
	layout *htmltemplate.Template
	match  map[string]matcher // by kind
}

// matcher finds the best language of a kind.
type matcher struct {
	language.Matcher
	langs []string // English first
}

// NewTemplates reads and checks the templates of fsys, and the built-in ones for whatever it does not have. With a nil
// fsys there are only these. A host replaces single files, adds languages and regions, or adds kinds of its own. The lines
// of its words.txt are laid over the built-in ones. At the top of fsys are the folders of languages and layout.html: from an
// embed.FS, hand over fs.Sub of the folder that has them.
//
// Every mistake is an error here, and not when somebody waits for a link; it begins with the name of the file. Each
// template is filled with samples: with all fields, without each of those that its kind can do without, and with names
// that are short or all the same. Refused are a template that cannot be parsed or filled; one that names a field that
// [Data] or its kind does not have; one that does not show what its kind needs shown (a
// link, exactly once and in a paragraph of its own, with a button; names of accounts; addresses; codes); a language
// without one of the built-in kinds, unless it is a region of one that has it; a kind that English lacks; a layout that
// does not show all of a page; and a file system with nothing in it. Refused as well is what would be read by nobody: files
// and folders of other names, and a kind that is a slip or two away from a built-in one. Names that begin with "." or "_"
// and README.md are left alone.
func NewTemplates(fsys fs.FS) (*Templates, error) {
	if fsys == nil {
		return onlyBuiltIn()
	}
	return newTemplates(fsys)
}

// onlyBuiltIn makes the built-in ones once, since they never change.
//
//nolint:gochecknoglobals // nobody can see that it is one
var onlyBuiltIn = sync.OnceValues(func() (*Templates, error) { return newTemplates(nil) })

func newTemplates(fsys fs.FS) (*Templates, error) {
	base, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	r := reader{langs: map[string]*source{}}
	for _, part := range []fs.FS{base, fsys} {
		if part == nil {
			continue
		}
		if err := r.read(part); err != nil {
			return nil, err
		}
	}
	return r.settle()
}

// Languages returns the languages that there is mail in, as BCP 47 names them: English first, the others in the order of
// their names, for a page where people choose theirs. What they choose is a locale for [Templates.Render].
func (t *Templates) Languages() []string { return slices.Clone(t.order) }

// Render fills the template of that kind in the language that fits the locale best, as golang.org/x/text/language judges:
// for "de-AT" that is de-AT if there is one, else de. What fits less than well, what is no locale and an empty one is
// English. The subject is one line of at most 150 characters. The text ends each line with "\n", and none but a link is
// longer than 72 characters; below a line "-- " stands the closing, see [SplitClosing].
//
// It is an error if the kind is unknown, a field that the kind needs is empty, or a link is not an absolute http or https
// URL of at most 998 bytes.
//
// What users wrote is inert. In names and addresses, line breaks and controls become spaces; everywhere, characters that
// are not shown but act (zero-width ones, those that turn the direction of writing) are taken out. "://" becomes ": //"
// and "www." becomes "www .", so that mail programs do not make links of them; bare names such as example.com stay, since
// companies are called like that. Message and Reason keep their line breaks, and each of their lines begins with "> ",
// whatever the template does with them. No other line begins with ">": where a name has one just there, it becomes "›".
// And no line of theirs is the one above the closing.
func (t *Templates) Render(kind, locale string, d Data) (subject, text string, err error) {
	l, p, err := t.find(kind, locale)
	if err != nil {
		return "", "", err
	}
	v, err := d.view(l.words)
	if err != nil {
		return "", "", fmt.Errorf("mail: %s: %w", kind, err)
	}
	if missing := v.missing(kind); missing != "" {
		return "", "", fmt.Errorf("mail: %s needs %s", kind, missing)
	}
	if subject, text, err = p.fill(v); err != nil {
		return "", "", fmt.Errorf("mail: %s: %w", kind, err)
	}
	return subject, text, nil
}

// find returns the best template of a kind.
func (t *Templates) find(kind, locale string) (*lang, page, error) {
	m, ok := t.match[kind]
	if !ok {
		return nil, page{}, fmt.Errorf("mail: there is no template for %q", kind)
	}
	best := 0 // English
	// What cannot be parsed whole, such as "de-DE@euro", is what could be: Make is Parse that forgives.
	if _, i, confidence := m.Match(language.Make(locale)); confidence >= language.High {
		best = i
	}
	l := t.langs[m.langs[best]]
	return l, l.pages[kind], nil
}
