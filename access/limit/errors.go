package limit

import (
	"errors"
	"fmt"
	"time"
)

// ErrLimited says that an event is refused for now. The error that matches it is a [*LimitedError].
var ErrLimited = errors.New("limit: too many events")

// LimitedError refuses an event that may be allowed later. It matches [ErrLimited].
type LimitedError struct {
	// RetryAfter is how long to wait, above 0. After it the same event is allowed, if nobody spent on the same key or
	// took the freed place in between. Round it up where whole seconds are needed, as in HTTP's Retry-After.
	RetryAfter time.Duration
}

// Error tells the wait. It never holds the key.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("limit: too many events, retry after %v", e.RetryAfter)
}

// Unwrap returns [ErrLimited].
func (e *LimitedError) Unwrap() error { return ErrLimited }

// CountError refuses a number of events that can never be allowed at once, now or later. It does not match
// [ErrLimited]: waiting does not help, asking for 1 to Burst events does.
type CountError struct {
	N     int // what was asked for
	Burst int // the most that can be allowed at once
}

// Error tells both numbers.
func (e *CountError) Error() string {
	return fmt.Sprintf("limit: %d events at once can never be allowed, ask for 1 to %d", e.N, e.Burst)
}

// OptionError refuses a bad option.
type OptionError struct {
	Field  string // the name of the field of Options
	Reason string // what it must be
}

// Error names the field and the reason.
func (e *OptionError) Error() string { return "limit: option " + e.Field + " " + e.Reason }
