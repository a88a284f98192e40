package token

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a token that does not print. Its text leaves through Reveal alone.
//
// It marshals to JSON and text as [redacted] and cannot be unmarshalled, so what was redacted never returns as a token.
// Secrets cannot be compared, nor can structs that hold them: compare hashes, which takes the same time whatever the
// difference. The zero Secret holds nothing.
type Secret struct {
	// A function, unlike a string or a pointer to one, cannot be read by printers that work by reflection.
	text func() string
}

// Wrap returns s as a Secret, unchecked, for a token received from a cookie or a form; [Parse] checks it later. An empty
// s gives the zero Secret.
func Wrap(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{text: func() string { return s }}
}

// Reveal returns the token itself, or an empty string from the zero Secret. Nothing protects what it returns.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return s.text()
}

// IsZero reports whether s holds nothing.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns [redacted], also for the zero Secret.
func (s Secret) String() string { return redacted }

// GoString returns [redacted].
func (s Secret) GoString() string { return redacted }

// Format writes [redacted] whatever the verb, its flags and its width.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted] and no error.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" and no error.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
