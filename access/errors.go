package access

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

var (
	// ErrNoSession says that there is no such session, or none any more. Send
	// the user to log in.
	ErrNoSession = errors.New("chatelaine: not signed in")
	// ErrCredentials says that the address or the password is wrong. It does
	// not say which, nor whether the user may not log in at all.
	ErrCredentials = errors.New("chatelaine: the address or the password is wrong")
	// ErrLinkFirst says that somebody has the address of a login at an issuer
	// that is not known here. Nobody is found by an address: ask them to log in
	// as they are used to, then link the two.
	ErrLinkFirst = errors.New("chatelaine: log in as you are used to, then link this login")
	// ErrCode says that a code is wrong; see [*WrongCodeError].
	ErrCode = errors.New("chatelaine: the code is wrong")
	// ErrDecided says that a request was approved, declined, withdrawn or
	// replaced already.
	ErrDecided = errors.New("chatelaine: the request is settled already")
	// ErrPlanChanged says that more or other things would end than were
	// confirmed; see [*PlanChangedError].
	ErrPlanChanged = errors.New("chatelaine: what would end has changed; confirm again")
)

// PlanChangedError carries what would end now. It matches [ErrPlanChanged].
type PlanChangedError struct{ Plan Plan }

func (e *PlanChangedError) Error() string { return ErrPlanChanged.Error() }

// Is reports whether target is ErrPlanChanged.
func (e *PlanChangedError) Is(target error) bool { return target == ErrPlanChanged }

// WrongCodeError tells how often a code may still be tried; 0 asks for a new
// one. It matches [ErrCode].
type WrongCodeError struct{ Left int }

func (e *WrongCodeError) Error() string {
	if e.Left == 0 {
		return ErrCode.Error() + "; ask for a new one"
	}
	return ErrCode.Error() + "; try again"
}

// Is reports whether target is ErrCode.
func (e *WrongCodeError) Is(target error) bool { return target == ErrCode }

// The events of access requests, and of an agency's client access.
const (
	EventRequestSent      accounts.EventKind = "request.sent"
	EventRequestResent    accounts.EventKind = "request.resent"
	EventRequestApproved  accounts.EventKind = "request.approved"
	EventRequestDeclined  accounts.EventKind = "request.declined"
	EventRequestWithdrawn accounts.EventKind = "request.withdrawn"
	EventRequestEnded     accounts.EventKind = "request.ended"
	EventAccessDisabled   accounts.EventKind = "client-access.disabled"
)

// The events of sessions. Sessions that a new password or a suspension ends have
// no event of their own: what ended them has one.
const (
	EventSessionStarted  accounts.EventKind = "session.started"
	EventSessionSwitched accounts.EventKind = "session.switched"
	EventSessionReturned accounts.EventKind = "session.returned"
	EventSessionEnded    accounts.EventKind = "session.ended"
	EventSessionsEnded   accounts.EventKind = "sessions.ended"
	EventSessionRenewed  accounts.EventKind = "session.renewed"
)

// The events of sessions that view as a client. Each names the client and their
// user, and who views; views that end because something below them ended have no
// event of their own. EventViewStarted is also what a code for it is asked for.
const (
	EventViewStarted accounts.EventKind = "view.started"
	EventViewOpened  accounts.EventKind = "view.opened"
	EventViewEnded   accounts.EventKind = "view.ended"
)

// The events of logins: tries at a password, passwords, and how they are reset.
// EventPasswordChecked is a right one that opened no session. Events of an
// address that nobody has name no user.
const (
	EventLoginFailed     accounts.EventKind = "login.failed"
	EventLoginLifted     accounts.EventKind = "login.block-lifted"
	EventSignUpRepeated  accounts.EventKind = "sign-up.repeated"
	EventResetAsked      accounts.EventKind = "password.reset-asked"
	EventPasswordReset   accounts.EventKind = "password.reset"
	EventPasswordChanged accounts.EventKind = "password.changed"
	EventPasswordChecked accounts.EventKind = "password.checked"
)

// The events of addresses and of logins at issuers. What a user is asked for a
// code for, such as EventIdentityUnlinked, is named by its event.
const (
	EventProofAsked       accounts.EventKind = "address.proof-asked"
	EventAddressProven    accounts.EventKind = "address.proven"
	EventAddressAsked     accounts.EventKind = "address.change-asked"
	EventAddressChanged   accounts.EventKind = "address.changed"
	EventIdentityLinked   accounts.EventKind = "identity.linked"
	EventIdentityUnlinked accounts.EventKind = "identity.unlinked"
)

// The events of identity confirmation. A code that was answered right has
// passed; what it was for has an event of its own once it is done.
const (
	EventCodeAsked       accounts.EventKind = "code.asked"
	EventCodePassed      accounts.EventKind = "code.passed"
	EventCodeFailed      accounts.EventKind = "code.failed"
	EventConfirmationOn  accounts.EventKind = "confirmation.on"
	EventConfirmationOff accounts.EventKind = "confirmation.off"
)
