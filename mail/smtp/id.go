package smtp

import (
	"strings"
)

// maxID is the greatest length of a message's ID in bytes. Escaped, and with a domain, it stays below the 998 bytes of a
// line of a header.
const maxID = 200

// MessageID returns the Message-ID of the message with that ID, in angle brackets. Every byte of the ID that is not an
// ASCII letter, a digit, "-", "_", or a dot between two of these is written as a percent sign and two hexadecimal digits, so
// different IDs have different Message-IDs. The domain is a host name in ASCII.
func MessageID(id, domain string) string {
	return "<" + escape(id) + "@" + domain + ">"
}

// ParseMessageID returns the message's ID from a Message-ID that [MessageID] made, and whether it is one. It takes what a
// header of a report has: with or without angle brackets, and spaces around them. It does not look at the domain.
func ParseMessageID(header string) (id string, ok bool) {
	s := strings.Trim(header, " \t\r\n")
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		s = s[1 : len(s)-1]
	}
	left, domain, found := strings.Cut(s, "@")
	if !found || !isDomain(domain) {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(left); i++ {
		if left[i] != '%' {
			b.WriteByte(left[i])
			continue
		}
		if i+2 >= len(left) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, left[i+1]), strings.IndexByte(hexDigits, left[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low)) //nolint:gosec // both are below 16
		i += 2
	}
	id = b.String()
	if id == "" || escape(id) != left { // one spelling, and nothing that a header cannot have
		return "", false
	}
	return id, true
}

const hexDigits = "0123456789ABCDEF"

func escape(id string) string {
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		dot := c == '.' && i > 0 && i < len(id)-1 && id[i-1] != '.'
		if isAlphanumeric(c) || c == '-' || c == '_' || dot {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
