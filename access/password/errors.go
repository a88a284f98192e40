package password

import (
	"errors"
	"fmt"
)

var (
	// ErrBusy says that Parallel hashes are running and Queue callers wait for their turn. Nothing was hashed or
	// compared; over HTTP it is a 503.
	ErrBusy = errors.New("password: too many hashes at once, try again")

	// ErrStored says that a stored hash cannot be used: malformed, outside the limits, of a form no [Verifier] handles,
	// or made with a pepper that is not configured. Log it, and answer as to a wrong password: what it says is about the
	// row, never about the password, and none of the row is in it.
	ErrStored = errors.New("password: the stored hash cannot be used")

	// ErrRefused says that a password may not be chosen. The error that matches it is a [*RefusedError].
	ErrRefused = errors.New("password: refused")

	// ErrUnavailable says that [PolicyOptions].Breached failed, so that nothing is known of the password and it may not
	// be chosen now. It wraps the hook's error. Over HTTP it is a 503; the same password may be tried again.
	ErrUnavailable = errors.New("password: cannot be checked against breaches now, try again")
)

// Rule names why a password was refused, for a host that has its own words or languages.
type Rule string

// The rules, in the order in which they are applied.
const (
	RuleLong     Rule = "long"     // above MaxCodePoints or MaxBytes
	RuleNotText  Rule = "not text" // invalid UTF-8, a control character, or U+FFFD
	RuleShort    Rule = "short"    // below the policy's Least; or empty
	RuleCommon   Rule = "common"   // made of what people choose first
	RuleContext  Rule = "context"  // made of words about the person or the product
	RuleBreached Rule = "breached" // known to the host's breach check
)

// RefusedError refuses a password that may not be chosen. It matches [ErrRefused].
type RefusedError struct {
	Rule   Rule
	Reason string // in English, to follow "the password"; holds nothing of the password
}

// Error tells the reason.
func (e *RefusedError) Error() string { return "password: refused: it " + e.Reason }

// Unwrap returns [ErrRefused].
func (e *RefusedError) Unwrap() error { return ErrRefused }

// OptionError refuses a bad option.
type OptionError struct {
	Field  string // the name of the field of Options or PolicyOptions
	Reason string // what it must be
}

// Error names the field and the reason.
func (e *OptionError) Error() string { return "password: option " + e.Field + " " + e.Reason }

// unusable returns an error that matches ErrStored.
func unusable(reason string) error { return fmt.Errorf("%w: %s", ErrStored, reason) }
