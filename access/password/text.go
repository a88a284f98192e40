package password

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a password may be at most. Longer ones are refused, never cut.
const (
	MaxCodePoints = 256   // before and after normalising
	MaxBytes      = 1_024 // of UTF-8: so many code points take no more
)

// normalise returns the NFKC form of password: what is counted, checked and hashed. Otherwise it returns a
// *RefusedError. It looks at nothing of a password above MaxBytes, so that a megabyte costs as little as a letter.
func normalise(password string) (string, error) {
	if len(password) > MaxBytes {
		return "", refuseLong()
	}
	if password == "" {
		return "", &RefusedError{Rule: RuleShort, Reason: "is empty"}
	}
	n := 0
	for i, r := range password {
		// U+FFFD stands for what a decoder lost: encoding/json writes it for every invalid byte, and so gives different
		// passwords the same text.
		if r == utf8.RuneError || unicode.IsControl(r) {
			return "", &RefusedError{Rule: RuleNotText, Reason: notText(password[i:], r)}
		}
		n++
	}
	if n > MaxCodePoints {
		return "", refuseLong()
	}
	// One code point becomes 18 at most, so this is bounded too.
	text := norm.NFKC.String(password)
	if utf8.RuneCountInString(text) > MaxCodePoints {
		return "", refuseLong()
	}
	return text, nil
}

func refuseLong() error {
	return &RefusedError{Rule: RuleLong, Reason: "has more than 256 characters or 1,024 bytes"}
}

// notText says why r, at the beginning of rest, is no text.
func notText(rest string, r rune) string {
	if r != utf8.RuneError {
		return "has a control character, such as a tab or the end of a line"
	}
	if _, size := utf8.DecodeRuneInString(rest); size == 1 {
		return "is not valid UTF-8"
	}
	return "has a character that was lost on its way here, U+FFFD"
}
