package mail

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
)

const (
	maxName    = 100  // characters of a name
	maxAddress = 254  // characters of an address
	maxWords   = 1000 // characters of a message or reason
	maxPreview = 140  // characters for a list of mail
	maxSubject = 150  // characters of a subject
	maxLink    = 998  // bytes of a link, which stands on a line of its own: the most that RFC 5322 allows for one
)

// view is Data made inert: what templates see.
type view struct {
	Product, Agency, Client, Account, Recipient, Sender, Role, Address, Code string

	Message, Reason string // quoted already
	Link, Guide     string
	ExpiresAt, At   time.Time
}

func (d Data) view(w words) (view, error) {
	if err := checkLink("Link", d.Link); err != nil {
		return view{}, err
	}
	if err := checkLink("Guide", d.Guide); err != nil {
		return view{}, err
	}
	return view{
		Product: inert(d.Product, maxName), Agency: inert(d.Agency, maxName), Client: inert(d.Client, maxName),
		Account: inert(d.Account, maxName), Recipient: inert(d.Recipient, maxName), Sender: inert(d.Sender, maxName),
		Role: w.role(d.Role), Address: inert(d.Address, maxAddress), Code: inert(d.Code, maxName),
		Message: quote(d.Message), Reason: quote(d.Reason),
		Link: d.Link, Guide: d.Guide, ExpiresAt: d.ExpiresAt.UTC(), At: d.At.UTC(),
	}, nil
}

// missing returns the first field that the kind needs and that is empty.
func (v view) missing(kind string) string {
	f, ok := fields[kind]
	if !ok {
		return ""
	}
	if v.Product == "" {
		return "Product"
	}
	for _, name := range f.needs {
		if reflect.ValueOf(v).FieldByName(name).IsZero() {
			return name
		}
	}
	return ""
}

var (
	schemeLike = regexp.MustCompile(`://`)
	wwwLike    = regexp.MustCompile(`(?i)(www)\.`)
)

// unlink keeps mail programs from making links of what users wrote. A space is enough for that, and the reader still sees
// what was written.
func unlink(s string) string {
	return wwwLike.ReplaceAllString(schemeLike.ReplaceAllString(s, ": //"), "$1 .")
}

// inert makes one line of at most that many characters of a name or an address. Leading ">" go, since a line that begins
// with one is a quotation, and so does what would stand for the link of a [Draft].
func inert(s string, most int) string {
	if s == "" {
		return ""
	}
	n := cut(unlink(strings.TrimLeft(strings.ReplaceAll(oneLine(s), Placeholder, "[ [LINK]]"), "> ")), most)
	if n == "" {
		return "?" // there is something, but nothing of it can be shown
	}
	return n
}

// lines takes out of words what acts without being seen, and makes one kind of end of all ends of lines, and of
// controls.
func lines(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case breaks(r):
			return '\n'
		default:
			return r
		}
	}, strings.ReplaceAll(visible(s), "\r\n", "\n"))
}

// checkLink refuses what is not one absolute URL for a browser.
func checkLink(name, s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxLink {
		return fmt.Errorf("%s is longer than %d bytes", name, maxLink)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || oneLine(s) != s || strings.ContainsAny(s, " \"<>\\`") {
		return fmt.Errorf("%s is not an absolute http or https URL", name) // not quoted: it can hold a secret
	}
	return nil
}
