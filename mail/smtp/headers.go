package smtp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// The greatest lengths of a header of the host's. They are not folded, since not every provider puts them together again.
const (
	maxName  = 60
	maxValue = 200
)

// extra returns the lines that Options.Headers adds, in the order of their names.
func (s *Mailer) extra(m mail.Message) (string, error) {
	if s.o.Headers == nil {
		return "", nil
	}
	all := s.o.Headers(m)
	var b strings.Builder
	seen := make(map[string]bool, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lower := strings.ToLower(name)
		switch {
		case !isExtra(lower):
			return "", fmt.Errorf("smtp: Headers has the name %.*q, which is neither X-... nor Feedback-ID", maxName, name)
		case seen[lower]:
			return "", fmt.Errorf("smtp: Headers has %s twice", name)
		case !isValue(all[name]):
			return "", fmt.Errorf("smtp: Headers has a value for %s that is empty, longer than %d, or not printable ASCII with no space around it", name, maxValue)
		}
		seen[lower] = true
		b.WriteString(name + ": " + all[name] + "\r\n")
	}
	return b.String(), nil
}

// isExtra reports whether a header with that name in lower case is one that a host may add: none of ours is.
func isExtra(lower string) bool {
	if lower == "feedback-id" {
		return true
	}
	rest, ok := strings.CutPrefix(lower, "x-")
	if !ok || rest == "" || len(lower) > maxName {
		return false
	}
	for i := range len(rest) {
		if !isAlphanumeric(rest[i]) && rest[i] != '-' && rest[i] != '_' {
			return false
		}
	}
	return true
}

// isValue reports whether s can stand in a header as it is.
func isValue(s string) bool {
	if s == "" || len(s) > maxValue || strings.Trim(s, " ") != s {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
