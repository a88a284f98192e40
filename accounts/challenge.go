package accounts

import (
	"strings"
	"time"
)

// Challenge is a code that a user was asked for before one action. Whoever
// passes it may do that action once, with the same login, until it expires.
type Challenge struct {
	ChallengeKey
	Version int64

	// Epoch is the user's at the asking: what ends sessions ends challenges.
	Epoch int64

	// Hash is over the secret that the asker was given and the code that was
	// sent, so that a copy of the database does not tell the code.
	Hash [32]byte

	To    string // the phone number that the code went to
	Tries int    // answers so far, the right one included

	CreatedAt time.Time
	ExpiresAt time.Time
	PassedAt  time.Time // zero: not passed
	UsedAt    time.Time // zero: not used
}

// ChallengeKey names a challenge: there is one at a time for each, and a new
// one takes its place.
type ChallengeKey struct {
	User    UserID
	Session SessionID // "" for hosts with sessions of their own
	Action  EventKind // what the code is for, such as [EventOwnershipTransferred]
	Account AccountID // where; "" for what concerns the user alone
}

// Open reports whether the challenge can still be answered at a moment, of as
// many answers as [Limits.CodeTries] allows.
func (c Challenge) Open(at time.Time, tries int) bool {
	return c.Version != 0 && c.PassedAt.IsZero() && c.UsedAt.IsZero() && c.Tries < tries && at.Before(c.ExpiresAt)
}

// passed reports whether the challenge was passed and neither used nor
// expired, for a user in that epoch.
func (c Challenge) passed(at time.Time, epoch int64) bool {
	return c.Version != 0 && !c.PassedAt.IsZero() && c.UsedAt.IsZero() && at.Before(c.ExpiresAt) && c.Epoch == epoch
}

// ParsePhone returns a phone number in the international form of E.164: a plus
// and 8 to 15 digits, the first of them not 0. Spaces, dots, dashes and
// parentheses are left out. Anything else is an [*InvalidError] for the field
// "phone".
func ParsePhone(s string) (string, error) {
	bad := func(reason string) (string, error) { return "", &InvalidError{Field: "phone", Reason: reason} }
	if len(s) > 64 {
		return bad("is too long")
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return bad("is missing")
	}
	if s[0] != '+' {
		return bad("does not begin with + and the country's code")
	}
	out := []byte{'+'}
	for _, r := range s[1:] {
		switch {
		case r >= '0' && r <= '9':
			out = append(out, byte(r))
		case strings.ContainsRune(" .-()\u00a0", r):
		default:
			return bad("has a character that a phone number cannot have")
		}
	}
	if len(out) < 9 || len(out) > 16 {
		return bad("does not have 8 to 15 digits")
	}
	if out[1] == '0' {
		return bad("has a country's code that begins with 0")
	}
	return string(out), nil
}
