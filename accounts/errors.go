package accounts

import (
	"errors"
	"fmt"
	"time"
)

// What a call can answer besides success; the package comment has a table of
// them. Match them with errors.Is, and take what there is to tell with errors.As.
// [ErrQuota] and roles.ErrDenied belong to them.
var (
	// ErrNotFound says that there is no such thing, or that it is not the
	// asker's to know about: the two are one answer.
	ErrNotFound = errors.New("chatelaine: not found")
	// ErrInvalid says that the input breaks a rule; see [*InvalidError].
	ErrInvalid = errors.New("chatelaine: invalid input")
	// ErrTaken says that an id, address, user name or identity belongs to somebody
	// already; see [*TakenError].
	ErrTaken = errors.New("chatelaine: already taken")
	// ErrLastOwner says that the change would leave an account without an
	// active owner. Make somebody else an owner first. [*SoleOwnerError] names the
	// accounts where there can be several.
	ErrLastOwner = errors.New("chatelaine: an account keeps at least one active owner")
	// ErrSeats says that the plan's seats are taken; see [*SeatsError].
	ErrSeats = errors.New("chatelaine: no seat left")
	// ErrExpired says that the thing's time is over; see [*ExpiredError].
	ErrExpired = errors.New("chatelaine: expired")
	// ErrStepUp says that the actor's login is not enough: the operation wants one
	// younger than [Limits.FreshLogin], the session is too old for work in
	// somebody else's account, or the login has ended. Ask the user to log in
	// again, then repeat the call. A [*CodeError] matches it too and asks for a
	// code instead, so look for that first.
	ErrStepUp = errors.New("chatelaine: log in again to do this")
	// ErrConflict says that others changed the same things until time ran
	// out, and nothing was changed. The call may be repeated.
	ErrConflict = errors.New("chatelaine: others changed this at the same time; try again")
	// ErrRepeat accompanies ErrConflict in a joined transaction: roll the
	// whole transaction back and run it again from its start.
	ErrRepeat = errors.New("chatelaine: repeat the whole transaction")
	// ErrBusy accompanies ErrConflict when the database gave up waiting for others: a
	// lock that was not to be had in time, a deadlock, a serialization failure. It says
	// that nothing was done, and nothing of what others do.
	ErrBusy = errors.New("chatelaine: the database was busy")
	// ErrUnknown says that a change was sent and its answer was lost: it is
	// there as a whole or not at all. Services resolve it themselves; it
	// reaches a caller only when the store stays out of reach.
	ErrUnknown = errors.New("chatelaine: the outcome of the change is unknown")
	// ErrKeyReused says that an idempotency key came again with other input.
	ErrKeyReused = errors.New("chatelaine: this idempotency key was used with other input")
)

// InvalidError names the field that breaks a rule, and the rule. It matches
// [ErrInvalid]. Field is a parameter's name, or a field's of the input or
// options, beginning in lower case: "name", "baseURL"; one inside another
// follows a dot: "identities.issuer", "limits.requestTTL". Its text never
// repeats the input.
type InvalidError struct {
	Field  string
	Reason string
}

func (e *InvalidError) Error() string { return "chatelaine: " + e.Field + " " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// CodeError says that the user has identity confirmation on and must enter a
// code first: ask for one with this action and account, have it answered, and
// repeat the call. It matches [ErrStepUp].
type CodeError struct {
	Action  EventKind
	Account AccountID
}

func (e *CodeError) Error() string { return "chatelaine: enter a code to do this" }

// Is reports whether target is ErrStepUp.
func (e *CodeError) Is(target error) bool { return target == ErrStepUp }

// SeatsError says that an account has no seat left. It matches [ErrSeats].
type SeatsError struct {
	Limit int
	Seats Seats
}

func (e *SeatsError) Error() string {
	return fmt.Sprintf("chatelaine: all %d seats of the account are taken, %d of them by pending invitations; revoke one, remove a member, or change the plan",
		e.Limit, e.Seats.Invited)
}

// Is reports whether target is ErrSeats.
func (e *SeatsError) Is(target error) bool { return target == ErrSeats }

// SoleOwnerError names the accounts that would be left without an owner. It
// matches [ErrLastOwner].
type SoleOwnerError struct{ Accounts []AccountID }

func (e *SoleOwnerError) Error() string {
	what := "an account; make somebody else an owner there, or close it"
	if n := len(e.Accounts); n != 1 {
		what = fmt.Sprintf("%d accounts; make somebody else an owner there, or close them", n)
	}
	return "chatelaine: the user is the only owner of " + what
}

// Is reports whether target is ErrLastOwner.
func (e *SoleOwnerError) Is(target error) bool { return target == ErrLastOwner }

// ExpiredError tells what expired, and when. It matches [ErrExpired].
type ExpiredError struct {
	What string
	At   time.Time
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("chatelaine: the %s expired on %s", e.What, e.At.UTC().Format("2 January 2006 15:04 UTC"))
}

// Is reports whether target is ErrExpired.
func (e *ExpiredError) Is(target error) bool { return target == ErrExpired }

// TakenError names the field whose value belongs to somebody else. It matches
// [ErrTaken].
type TakenError struct{ Field string }

func (e *TakenError) Error() string { return "chatelaine: " + e.Field + " is already taken" }

// Is reports whether target is ErrTaken.
func (e *TakenError) Is(target error) bool { return target == ErrTaken }

func taken(field string) error { return &TakenError{Field: field} }

// AmbiguousError says that a name fits several people, and which. It matches
// [ErrInvalid]; ask for the user's id, address or user name instead.
type AmbiguousError struct {
	Field      string
	Candidates []Candidate
}

// Candidate is one of the people whom an ambiguous name fits.
type Candidate struct {
	User    UserID
	Name    string
	Handle  string
	Address string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("chatelaine: %s fits %d people; name one by id, address or user name", e.Field, len(e.Candidates))
}

// Is reports whether target is ErrInvalid.
func (e *AmbiguousError) Is(target error) bool { return target == ErrInvalid }
