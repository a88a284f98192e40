package mail

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxName    = 100  // characters of a name
	maxAddress = 254  // characters of an address
	maxWords   = 1000 // characters of a message or reason
	maxSubject = 150  // characters of a subject
	lineWidth  = 72   // characters of a line of text
)

// view is Data made inert: what templates see.
type view struct {
	Product, Agency, Client, Account, Recipient, Sender, Role, Address string

	Message, Reason string // quoted already
	Link, Guide     string
	ExpiresAt, At   time.Time
}

func (d Data) view() (view, error) {
	if err := checkLink("Link", d.Link); err != nil {
		return view{}, err
	}
	if err := checkLink("Guide", d.Guide); err != nil {
		return view{}, err
	}
	return view{
		Product: inert(d.Product, maxName), Agency: inert(d.Agency, maxName), Client: inert(d.Client, maxName),
		Account: inert(d.Account, maxName), Recipient: inert(d.Recipient, maxName), Sender: inert(d.Sender, maxName),
		Role: inert(d.Role, maxName), Address: inert(d.Address, maxAddress),
		Message: quote(d.Message), Reason: quote(d.Reason),
		Link: d.Link, Guide: d.Guide, ExpiresAt: d.ExpiresAt, At: d.At,
	}, nil
}

// missing returns the first field that the kind needs and that is empty.
func (v view) missing(kind string) string {
	filled := map[string]bool{
		"Product": v.Product != "", "Agency": v.Agency != "", "Client": v.Client != "", "Account": v.Account != "",
		"Sender": v.Sender != "", "Role": v.Role != "", "Address": v.Address != "", "Link": v.Link != "",
		"ExpiresAt": !v.ExpiresAt.IsZero(), "At": !v.At.IsZero(),
	}
	for _, field := range needs(kind) {
		if !filled[field] {
			return field
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

// quote puts "> " before each line of what somebody wrote, after wrapping it.
func quote(s string) string {
	s = cut(strings.TrimSpace(lines(s)), maxWords)
	if s == "" {
		return ""
	}
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		line = unlink(strings.Join(strings.Fields(line), " "))
		if line == "" {
			if out[len(out)-1] != ">" { // the first line is never empty
				out = append(out, ">")
			}
			continue
		}
		for _, part := range fold(line, lineWidth-2) {
			out = append(out, "> "+part)
		}
	}
	return strings.Join(out, "\n")
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

// wrap folds long lines, drops spaces at their ends, and leaves at most one blank line between paragraphs.
func wrap(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case line == "" && (len(out) == 0 || out[len(out)-1] == ""):
		case utf8.RuneCountInString(line) <= lineWidth:
			out = append(out, line)
		default:
			for i, part := range fold(line, lineWidth) {
				// A ">" within a name must not begin a line, which would then be a quotation.
				if rest, ok := strings.CutPrefix(part, ">"); ok && i > 0 {
					part = "›" + rest
				}
				out = append(out, part)
			}
		}
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// fold breaks a line into lines of at most width characters, between words where it can. A link is never broken.
func fold(line string, width int) []string {
	var out []string
	var b strings.Builder
	n := 0
	flush := func() {
		if n > 0 {
			out = append(out, b.String())
			b.Reset()
			n = 0
		}
	}
	for word := range strings.FieldsSeq(line) {
		size := utf8.RuneCountInString(word)
		if n > 0 && n+1+size > width {
			flush()
		}
		for ; size > width && !strings.Contains(word, "://"); size -= width {
			runes := []rune(word)
			out = append(out, string(runes[:width]))
			word = string(runes[width:])
		}
		if n > 0 {
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	flush()
	return out
}
