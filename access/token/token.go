package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Purpose is what a token is good for, written as the prefix of the token itself: 2 to 15 lower-case letters and an
// underscore.
type Purpose string

// The purposes of this library.
const (
	Request    Purpose = "creq_" // an access request, mailed to the client
	Session    Purpose = "cses_" // a session, in the browser's cookie
	Invitation Purpose = "cinv_" // an invitation, mailed to the invited person
	Proof      Purpose = "cprf_" // the proof of a user's own address, mailed to it
	Reset      Purpose = "crst_" // a new password, mailed to the user
	Address    Purpose = "cadr_" // another address for a user, mailed to that address
	Setup      Purpose = "cset_" // a client's first login, mailed or handed to them
	ViewLink   Purpose = "cvwl_" // the link that opens a view as a client, once
	ViewAs     Purpose = "cvas_" // a view as a client, in a cookie of its own
	Challenge  Purpose = "ccha_" // a code that was asked for, kept by the page that asks for it
)

const (
	maxPrefix  = 16
	textLength = 52
)

var (
	// ErrMalformed says that a string cannot be a token of the purpose asked for. Answer it exactly as an unknown token.
	ErrMalformed = errors.New("token: malformed")

	// ErrSource says that a source of text yielded something other than 52 characters of A–Z and 2–7.
	ErrSource = errors.New("token: the source of text must yield 52 characters of A-Z and 2-7")

	// ErrPurpose says that a purpose is not a prefix of 2 to 15 lower-case letters and an underscore: a mistake in code.
	ErrPurpose = errors.New("token: a purpose must be 2 to 15 lower-case letters and an underscore")
)

// Hash is what is stored of a token: SHA-256 over the purpose, a zero byte and the whole token, prefix included.
//
// It is comparable and can key a map. Store h[:]; String is abbreviated.
type Hash [sha256.Size]byte

// New returns a new token and its hash. The 52 characters after the prefix come from text; nil means crypto/rand.
//
// It returns [ErrSource] when text yields another length or alphabet, so that no weak token is ever made of a broken
// source, and [ErrPurpose] when p cannot be a prefix. Pass a text only in tests, to know the token in advance: a source
// that repeats itself repeats its tokens.
func New(p Purpose, text func() string) (Secret, Hash, error) {
	if text == nil {
		text = random
	}
	s := string(p) + text()
	h, err := Parse(p, s)
	switch {
	case errors.Is(err, ErrMalformed):
		return Secret{}, Hash{}, ErrSource
	case err != nil:
		return Secret{}, Hash{}, err
	}
	return Wrap(s), h, nil
}

// Parse returns the hash of s if s has the form of a token of purpose p; whether it was ever issued, the store knows.
//
// It returns [ErrMalformed], and no hash, unless s is exactly the prefix and 52 characters of A–Z and 2–7, and
// [ErrPurpose] when p cannot be a prefix. Neither says anything about s. It allocates nothing, and looks at no character
// of a string of another length.
func Parse(p Purpose, s string) (Hash, error) {
	if !p.valid() {
		return Hash{}, ErrPurpose
	}
	if len(s) != len(p)+textLength || s[:len(p)] != string(p) {
		return Hash{}, ErrMalformed
	}
	for i := len(p); i < len(s); i++ {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return Hash{}, ErrMalformed
		}
	}
	var b [maxPrefix + 1 + maxPrefix + textLength]byte
	n := copy(b[:], p) + 1 // the byte between the two stays 0
	n += copy(b[n:], s)
	return sha256.Sum256(b[:n]), nil
}

// String returns the first eight hexadecimal digits of h and an ellipsis: enough to follow a token through a log, and
// plainly not enough to store.
func (h Hash) String() string { return hex.EncodeToString(h[:4]) + "…" }

// Format implements [fmt.Formatter]: %x and %X write all 64 digits, every other verb what String returns.
func (h Hash) Format(f fmt.State, verb rune) {
	switch verb {
	case 'x':
		_, _ = fmt.Fprintf(f, "%x", h[:])
	case 'X':
		_, _ = fmt.Fprintf(f, "%X", h[:])
	default:
		_, _ = f.Write([]byte(h.String()))
	}
}

func (p Purpose) valid() bool {
	n := len(p) - 1
	if n < 2 || n >= maxPrefix || p[n] != '_' {
		return false
	}
	for i := range n {
		if p[i] < 'a' || p[i] > 'z' {
			return false
		}
	}
	return true
}

// random yields 260 bits in 52 characters. A later Go may make rand.Text longer; each of its characters holds 5 bits.
func random() string {
	s := rand.Text() + rand.Text()
	return s[:min(len(s), textLength)]
}
