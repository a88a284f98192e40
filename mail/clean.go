package mail

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxError = 200      // how many characters of a Mailer's error are kept
	maxRaw   = 16 << 10 // how many bytes of it are read
)

// tokenLike matches the secrets of links by their form: four letters of purpose and base32, also as quoted-printable
// shows them, with a line end in their midst.
var tokenLike = regexp.MustCompile(`c[a-z]{3}(?:_|=5F)(?:(?:=\s)?[A-Z2-7]){10,}`)

// addressLike and phoneLike match what a server or provider could mean by a recipient: an address also as a URL has it, and
// phones in whatever way they are written, which is seven digits and more of any script with little between them. What the
// status of a mail server or of HTTP and a moment look like, such as "550 5.1.1", is in the group: it is no phone, and the
// first thing that the host's staff asks for.
var (
	addressLike = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]*[^\s<>"'(),;:.]|[^\s<>"'(),;:/?&=]+%40[^\s<>"'(),;:/?&=]*[^\s<>"'(),;:/?&=.]`)
	phoneLike   = regexp.MustCompile(`(\b[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3}\b|(?i:\b(?:http(?:/[\d.]+)?|status(?: code)?):? [1-5]\d\d\b)` +
		`|\b20\d\d(?:-[01]\d-[0-3]\d)?[T ][0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?\b|\b20\d\d-[01]\d-[0-3]\d\b)` +
		`|[+＋]?\p{Nd}(?:(?:[^\pL\p{Nd}]{0,2}| [\p{Pd}/.|] )\p{Nd}){6,}`)
)

// describe makes of an error what may be stored and logged: one line, bounded, without the recipient or another address,
// the subject, a code, or anything of the text that is long enough to matter. Servers like to quote what they refuse. Their
// own names and their codes stay.
func describe(err error, m Message) string {
	s := err.Error()
	s = oneLine(s[:min(len(s), maxRaw)])
	for _, o := range telling(m) {
		s = strings.ReplaceAll(s, o, "[redacted]")
	}
	s = tokenLike.ReplaceAllString(s, "[redacted]")
	s = anonymous(s, m.Channel, m.To, m.Data.Address)
	if len(m.ToName) > 3 {
		s = strings.ReplaceAll(s, m.ToName, "[recipient]")
	}
	return cut(s, maxError)
}

// anonymous takes the recipient out of s, the address that the message is about, which for a code is where a host
// without text messages mails it, and every other address; on the channel [SMS] phones as well.
func anonymous(s string, c Channel, to, about string) string {
	known := []struct{ address, name string }{{to, "[recipient]"}, {about, "[address]"}}
	if len(about) > len(to) { // a part of it could be the other
		slices.Reverse(known)
	}
	for _, k := range known {
		if k.address != "" {
			s = replaceFold(s, k.address, k.name)
		}
	}
	s = addressLike.ReplaceAllString(s, "[address]")
	if c == SMS {
		s = phoneLike.ReplaceAllStringFunc(s, func(number string) string {
			if status := phoneLike.FindStringSubmatch(number)[1]; status != "" {
				return status
			}
			return "[number]"
		})
	}
	return s
}

// telling returns what of a message must not be told, the longest first: each line of it, its links and the parts of them,
// its code. Short words are none: they are in every text.
func telling(m Message) []string {
	var all []string
	tell := func(s string, least int) {
		if len(s) >= least {
			all = append(all, s)
		}
	}
	tell(oneLine(m.Subject), 8)
	for line := range strings.Lines(m.Text + "\n" + m.Data.Link) {
		line = oneLine(line)
		tell(line, 16)
		tell(strings.TrimLeft(line, "> "), 16)
		for word := range strings.FieldsSeq(line) {
			if !strings.Contains(word, "://") {
				continue
			}
			tell(word, 16)
			for _, part := range strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("/?&=#", r) }) {
				tell(part, 16)
			}
		}
	}
	tell(oneLine(m.Data.Code), 4)
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// CleanReason makes of somebody's words about a message, such as those of a provider's webhook, what may be kept of them: one
// line of at most 200 characters, without addresses, phone numbers where it went to a phone, and what looks like the
// secret of a link. Of a message whose recipient was forgotten nothing is kept.
func CleanReason(why string, r Record) string {
	if r.To == "" {
		return ""
	}
	return describe(errors.New(why), Message{Channel: r.Channel, To: r.To})
}

// recovered makes an error of what a Mailer panicked with. A Mailer's bug costs one attempt, not the process.
func recovered(v any) error { return fmt.Errorf("mailer panicked: %v", v) }

// oneLine makes one line of s: characters that act without being seen are taken out, and every run of spaces, line
// breaks and controls becomes one space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(visible(s), func(r rune) bool { return unicode.IsSpace(r) || breaks(r) }), " ")
}

// squeeze makes one line of what a template says. Its own characters stay, such as the spaces of French that do not break
// and the joiners of Persian.
func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || breaks(r) }), " ")
}

// visible takes out what is not shown but acts: zero-width characters, those that turn the direction of writing, tags,
// and private ones; and what fills a place with nothing, such as the letter U+3164, since a name must not look empty. The
// selectors that choose between forms of the character before them go too: what is left is its usual form. Bytes that are
// no UTF-8 become U+FFFD. Line breaks and controls stay.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || strings.ContainsRune(blank, r) {
			return -1
		}
		return r
	}, s)
}

// blank are the signs without ink that Unicode does not call ignorable: of Braille, of music, of the Khitan and of the
// Egyptians.
const blank = "\u2800\U0001D159\U00016FE4\U00013441\U00013442"

// breaks reports controls, and what some programs take for the end of a line.
func breaks(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

// cut shortens s to at most n characters, the last of which is then an ellipsis.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:n-1]), " ") + "…"
}

// replaceFold replaces old in s whatever the case of its ASCII letters.
func replaceFold(s, old, with string) string {
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(old)).ReplaceAllLiteralString(s, with)
}
