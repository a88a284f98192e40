package mail

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxError is how many characters of a Mailer's error are kept.
const maxError = 200

// tokenLike matches the secrets of links by their form: four letters of purpose and base32.
var tokenLike = regexp.MustCompile(`c[a-z]{3}_[A-Z2-7]{10,}`)

// describe makes of an error what may be stored and logged: one line, bounded, without the recipient, the subject,
// or anything of the text that is long enough to matter. Servers like to quote what they refuse.
func describe(err error, m Message) string {
	const most = 16 << 10
	s := err.Error()
	if len(s) > most {
		s = s[:most]
	}
	s = oneLine(s)
	var old []string
	for line := range strings.Lines(m.Text) {
		line = oneLine(line)
		old = append(old, line)
		for word := range strings.FieldsSeq(line) {
			if !strings.Contains(word, "://") {
				continue
			}
			old = append(old, word)
			old = append(old, strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("/?&=#", r) })...)
		}
	}
	old = append(old, oneLine(m.Subject))
	for _, o := range old {
		if len(o) >= 16 {
			s = strings.ReplaceAll(s, o, "[redacted]")
		}
	}
	s = tokenLike.ReplaceAllString(s, "[redacted]")
	if m.To != "" {
		s = replaceFold(s, m.To, "[recipient]")
	}
	if len(m.ToName) > 3 {
		s = strings.ReplaceAll(s, m.ToName, "[recipient]")
	}
	return cut(s, maxError)
}

// recovered makes an error of what a Mailer panicked with. A Mailer's bug costs one attempt, not the process.
func recovered(v any) error { return fmt.Errorf("mailer panicked: %v", v) }

// oneLine makes one line of s: characters that act without being seen are taken out, and every run of spaces, line
// breaks and controls becomes one space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(visible(s), func(r rune) bool { return unicode.IsSpace(r) || breaks(r) }), " ")
}

// visible takes out what is not shown but acts: zero-width characters, those that turn the direction of writing, tags,
// and private ones. Bytes that are no UTF-8 become U+FFFD. Line breaks and controls stay.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) {
			return -1
		}
		return r
	}, s)
}

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
