package mail

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"text/template"
	"time"
)

// Data is what templates are filled with.
//
// Everything but the links may come from users, and Render makes it inert; see [Templates.Render].
type Data struct {
	// Product is the name of the host's product.
	Product string
	// Agency and Client are the names of the two accounts, and Account is that of the one somebody is invited to; Recipient
	// and Sender are people, as they are shown; Role is the name of a role, as it is shown. 100 characters of each are used.
	Agency, Client, Account, Recipient, Sender, Role string
	// Address is an e-mail address that the mail tells about, and not where it goes. It is plain text without line
	// breaks, of which 254 characters are used, the most that an address can have.
	Address string
	// Message and Reason are words of the other side, on any number of lines. 1,000 characters of each are used.
	Message, Reason string
	// Link and Guide are absolute http or https URLs that the host made. They are the only links in a mail.
	Link, Guide string
	// ExpiresAt is when Link stops working; At is when what the mail tells of happened. Both are shown in UTC.
	ExpiresAt, At time.Time
}

//go:embed templates
var builtIn embed.FS

// Templates renders mail from text/template files, one for each kind and language. It never changes and is safe for
// concurrent use.
//
// A file is called <language>/<kind>.txt, such as en/access-requested.txt or pt-BR/access-requested.txt. Its first line is
// "Subject: " and the subject, its second line is blank, and the rest is the body. It writes each paragraph on one line:
// lines longer than 72 characters are wrapped after rendering. A link stands alone on its line and is never wrapped.
// Besides what text/template brings there is the function utc, which shows a time: {{utc .ExpiresAt}}.
type Templates struct {
	kinds map[string]map[string]page // by language in lower case, then by kind
}

type page struct{ subject, body *template.Template }

// NewTemplates reads and checks the templates of fsys, and the built-in English ones for whatever it does not have. With a nil
// fsys there are only these. A host replaces single files, adds languages, or adds kinds of its own.
//
// Every template is filled with samples here, once with all fields and once without the optional ones. One that cannot be
// parsed, names a field that [Data] does not have, or lacks its subject is an error that begins with the file's name: a mistake shows when
// the program starts and not when somebody waits for a link.
func NewTemplates(fsys fs.FS) (*Templates, error) {
	base, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	t := &Templates{kinds: map[string]map[string]page{}}
	for _, source := range []fs.FS{base, fsys} {
		if source == nil {
			continue
		}
		if err := t.read(source); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Render fills the template of that kind in the best language there is: for "de-AT" that is de-AT, else de, else en. The
// subject is one line of at most 150 characters. The text ends each line with "\n".
//
// It is an error if the kind is unknown, a field that the kind needs is empty, or a link is not an absolute http or https URL.
//
// What users wrote is inert. In names and addresses, line breaks and controls become spaces; everywhere, characters that
// are not shown but act (zero-width ones, those that turn the direction of writing) are taken out. "://" becomes ": //" and "www." becomes "www .", so that
// mail programs do not make links of them; bare names such as example.com stay, since companies are called like that. Message
// and Reason keep their line breaks, and each of their lines begins with "> ", whatever the template does with them. No
// other line begins with ">": where a name has one just there, it becomes "›".
func (t *Templates) Render(kind, locale string, d Data) (subject, text string, err error) {
	p, err := t.find(kind, locale)
	if err != nil {
		return "", "", err
	}
	v, err := d.view()
	if err != nil {
		return "", "", fmt.Errorf("mail: %s: %w", kind, err)
	}
	if missing := v.missing(kind); missing != "" {
		return "", "", fmt.Errorf("mail: %s needs %s", kind, missing)
	}
	return p.fill(v)
}

func (t *Templates) find(kind, locale string) (page, error) {
	lang := strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
	for lang != "" {
		if p, ok := t.kinds[lang][kind]; ok {
			return p, nil
		}
		lang = lang[:max(0, strings.LastIndexByte(lang, '-'))]
	}
	if p, ok := t.kinds["en"][kind]; ok {
		return p, nil
	}
	return page{}, fmt.Errorf("mail: there is no template for %q", kind)
}

func (t *Templates) read(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "*/*.txt")
	if err != nil {
		return fmt.Errorf("mail: listing templates: %w", err)
	}
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		dir, kind := path.Dir(name), strings.TrimSuffix(path.Base(name), ".txt")
		lang := strings.ToLower(dir)
		p, err := parse(lang, string(src))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := p.try(kind); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if t.kinds[lang] == nil {
			t.kinds[lang] = map[string]page{}
		}
		t.kinds[lang][kind] = p
	}
	return nil
}

func parse(lang, src string) (page, error) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	first, body, _ := strings.Cut(src, "\n")
	subject, ok := strings.CutPrefix(first, "Subject: ")
	if !ok || strings.TrimSpace(subject) == "" {
		return page{}, errors.New(`the first line must be "Subject: " and a subject`)
	}
	blank, body, _ := strings.Cut(body, "\n")
	if strings.TrimSpace(blank) != "" {
		return page{}, errors.New("the second line must be blank")
	}
	compile := func(name, src string) (*template.Template, error) {
		return template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"utc": moment(lang)}).Parse(src)
	}
	s, err := compile("subject", subject)
	if err != nil {
		return page{}, err
	}
	b, err := compile("body", body)
	return page{s, b}, err
}

// try fills the page with samples.
func (p page) try(kind string) error {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	full := Data{
		Product: "Product", Agency: "Agency", Client: "Client", Account: "Account", Recipient: "Recipient", Sender: "Sender",
		Role: "Role", Address: "address@example.com",
		Message: "Message", Reason: "Reason", Link: "https://example.com/link", Guide: "https://example.com/guide",
		ExpiresAt: at, At: at,
	}
	bare := full
	bare.Recipient, bare.Sender, bare.Role, bare.Message, bare.Reason, bare.Link, bare.Guide = "", "", "", "", "", "", ""
	for _, d := range []Data{full, bare} {
		v, err := d.view()
		if err != nil {
			return err
		}
		_, text, err := p.fill(v)
		if err != nil {
			return err
		}
		if kind == SetupInvitation && d.Link != "" && strings.Count(text, d.Link) != 1 {
			return errors.New("the text must have {{.Link}} exactly once")
		}
	}
	return nil
}

func (p page) fill(v view) (subject, text string, err error) {
	var s, b strings.Builder
	if err := p.subject.Execute(&s, v); err != nil {
		return "", "", err
	}
	if err := p.body.Execute(&b, v); err != nil {
		return "", "", err
	}
	return cut(oneLine(s.String()), maxSubject), wrap(b.String()), nil
}

// moment shows a time in words of the language. Languages whose months are not known here get the form of ISO 8601,
// which nobody misreads.
func moment(lang string) func(time.Time) string {
	layout := "2006-01-02 15:04 UTC"
	if lang == "en" || strings.HasPrefix(lang, "en-") {
		layout = "2 January 2006, 15:04 UTC"
	}
	return func(t time.Time) string { return t.UTC().Format(layout) }
}

// checkLink refuses what is not one absolute URL for a browser.
func checkLink(name, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || oneLine(s) != s || strings.Contains(s, " ") {
		return fmt.Errorf("%s is not an absolute http or https URL", name) // not quoted: it can hold a secret
	}
	return nil
}
