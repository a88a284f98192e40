package smtp

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLine is the length of a line that nothing on the way has to break (RFC 2045, section 6.7; RFC 2047, section 2).
	maxLine = 76
	// maxWord is the length of one encoded word: with the longest name of a header before it, it fits on a line.
	maxWord  = 66
	wordHead = len("=?utf-8?q?") + len("?=")
)

// oneLine makes words fit for a header: what is no UTF-8 becomes U+FFFD, and controls and ends of lines become spaces. No
// other character changes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// unstructured returns the value of a header such as Subject, folded: plain words as they are, all others encoded (RFC 2047).
func unstructured(name, s string) string {
	s = oneLine(s)
	if !isPlain(s) {
		return encode(s)
	}
	return fold(name, s)
}

// fold breaks the value of a header at its spaces, so that no line is too long. A word that is stays whole.
func fold(name, s string) string {
	var b strings.Builder
	room := maxLine - len(name) - len(": ")
	for i, word := range strings.Split(s, " ") {
		switch {
		case i == 0:
			room++ // no space before the first
		case room < 1+len(word):
			b.WriteString("\r\n ")
			room = maxLine
		default:
			b.WriteByte(' ')
		}
		b.WriteString(word)
		room -= 1 + len(word)
	}
	return b.String()
}

// mailbox returns the value of a header such as To: a name for display, if there is one, and the address.
func mailbox(header, name, address string) string {
	name = oneLine(name)
	if strings.TrimSpace(name) == "" {
		return address
	}
	const most = 60
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	if !isPlain(name) || len(quoted) > most {
		quoted = encode(name)
	}
	last := len(header) + len(": ") + len(quoted)
	if i := strings.LastIndex(quoted, "\r\n"); i >= 0 {
		last = len(quoted) - i - len("\r\n")
	}
	if last+len(" <>")+len(address) > maxLine {
		return quoted + "\r\n <" + address + ">"
	}
	return quoted + " <" + address + ">"
}

// isPlain reports whether s can stand in a header as it is and be read as it is: printable ASCII with single spaces
// inside, no word too long for a line, and nothing that looks encoded.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	if strings.Contains(s, "=?") {
		return false
	}
	for word := range strings.SplitSeq(s, " ") {
		if (word == "" && s != "") || len(word) > maxWord {
			return false
		}
	}
	return true
}

// encode returns s as encoded words of UTF-8, each on a line of its own; what readers put together is s again. It takes
// the shorter of the two encodings, both of which may also stand in a name (RFC 2047, section 5, rule 3).
func encode(s string) string {
	quoted := 0
	for i := range len(s) {
		quoted += len(quote(s[i]))
	}
	inBase64 := base64.StdEncoding.EncodedLen(len(s)) < quoted
	var words []string
	var word strings.Builder
	flush := func() {
		switch {
		case word.Len() == 0:
		case inBase64:
			words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(word.String()))+"?=")
		default:
			words = append(words, "=?utf-8?q?"+word.String()+"?=")
		}
		word.Reset()
	}
	for s != "" {
		_, n := utf8.DecodeRuneInString(s) // a character is never split between two words
		piece := s[:n]
		if !inBase64 {
			var q strings.Builder
			for i := range n {
				q.WriteString(quote(s[i]))
			}
			piece = q.String()
		}
		size := word.Len() + len(piece)
		if inBase64 {
			size = base64.StdEncoding.EncodedLen(size)
		}
		if size > maxWord-wordHead {
			flush()
		}
		word.WriteString(piece)
		s = s[n:]
	}
	flush()
	return strings.Join(words, "\r\n ")
}

// quote returns a byte in the Q encoding.
func quote(c byte) string {
	switch {
	case c == ' ':
		return "_"
	case isAlphanumeric(c) || strings.IndexByte("!*+-/", c) >= 0:
		return string(rune(c))
	default:
		return string([]byte{'=', hexDigits[c>>4], hexDigits[c&15]})
	}
}
