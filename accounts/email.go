package accounts

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Email is an address in the one canonical form: local part in lower case,
// domain in ASCII by the IDNA lookup profile. Only [ParseEmail] makes one, and
// everything that compares addresses compares its bytes. The address as it was
// typed is kept beside it for display.
type Email string

// The greatest lengths of an address, and of what stands before its @, in bytes
// (RFC 5321, section 4.5.3.1, and erratum 1690 to RFC 3696).
const (
	MaxEmail      = 254
	maxEmailLocal = 64
)

// ParseEmail returns the canonical form of exactly one plain mailbox, or an
// [*InvalidError] for the field "email". Spaces around it are left out. Quoted
// local parts, domain literals, display names and comments are refused, and so
// is anything but ASCII before the @: two people must never share one canonical
// form, and mail systems do not agree on that of such addresses.
func ParseEmail(s string) (Email, error) {
	bad := func(reason string) (Email, error) { return "", &InvalidError{Field: "email", Reason: reason} }
	s = strings.Trim(s, " \t\r\n")
	switch {
	case s == "":
		return bad("is missing")
	case len(s) > 4*MaxEmail:
		return bad("is too long")
	case !utf8.ValidString(s):
		return bad("is not valid UTF-8")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return bad("has no @")
	}
	local, domain := s[:at], s[at+1:]
	switch {
	case local == "":
		return bad("has nothing before the @")
	case len(local) > maxEmailLocal:
		return bad("has more than 64 characters before the @")
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return bad("has a misplaced dot before the @")
	}
	for i := range len(local) {
		if c := local[i]; c >= 0x80 {
			return bad("has a character before the @ that is not plain ASCII")
		} else if !isAtext(c) && c != '.' {
			return bad("has a character before the @ that a plain address cannot have")
		}
	}
	if domain == "" {
		return bad("has nothing after the @")
	}
	if strings.HasSuffix(domain, ".") {
		return bad("ends with a dot")
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return bad("has a domain that is not valid")
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return bad("has a domain without a dot")
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return bad("has a domain that is not valid")
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return bad("has a number where a domain's name should be")
	}
	if len(local)+1+len(ascii) > MaxEmail {
		return bad("is longer than 254 characters")
	}
	return Email(strings.ToLower(local) + "@" + ascii), nil
}

// isAtext reports whether c may stand in an unquoted local part, as dots may too
// (RFC 5322, section 3.2.3).
func isAtext(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// NameKey returns the form of a name by which it is sorted, searched and, for
// user names, told apart: Unicode NFKC, lower case, single spaces.
func NameKey(name string) string {
	for i := range len(name) {
		if name[i] >= 0x80 {
			name = norm.NFKC.String(name)
			break
		}
	}
	return strings.Join(strings.Fields(strings.ToLower(name)), " ")
}
