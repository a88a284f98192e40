package accounts

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// maxName is the greatest length of a name in characters.
const maxName = 100

// CheckText returns an [*InvalidError] that names field unless s is valid text
// of at most most characters on one line. Most hosts won't need this.
func CheckText(field, s string, most int) error { return checkText(field, s, 0, most) }

// CheckMessage is [CheckText] for text that may have several lines.
func CheckMessage(field, s string, most int) error {
	return checkRunes(field, s, 0, most, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' })
}

func checkText(field, s string, least, most int) error {
	return checkRunes(field, s, least, most, func(rune) bool { return false })
}

func checkRunes(field, s string, least, most int, allowed func(rune) bool) error {
	if len(s) > most*utf8.UTFMax {
		return &InvalidError{Field: field, Reason: fmt.Sprintf("is longer than %d characters", most)}
	}
	if !utf8.ValidString(s) {
		return &InvalidError{Field: field, Reason: "is not valid UTF-8"}
	}
	n, blank := 0, true
	for _, r := range s {
		if n++; unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) && !allowed(r) {
			return &InvalidError{Field: field, Reason: "has a control character"}
		}
		blank = blank && (unicode.IsSpace(r) || !unicode.IsGraphic(r))
	}
	switch {
	case n > most:
		return &InvalidError{Field: field, Reason: fmt.Sprintf("is longer than %d characters", most)}
	case least > 0 && blank:
		return &InvalidError{Field: field, Reason: "is missing"}
	}
	return nil
}

// CheckLocale returns an [*InvalidError] for the field "locale" unless tag is
// empty or a BCP 47 language tag.
func CheckLocale(tag string) error {
	if tag == "" {
		return nil
	}
	if len(tag) > 35 {
		return &InvalidError{Field: "locale", Reason: "is longer than 35 characters"}
	}
	if _, err := language.Parse(tag); err != nil {
		return &InvalidError{Field: "locale", Reason: "is not a language tag such as de or pt-BR"}
	}
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
