package access

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

var (
	// ErrNoSession says that there is no such session, or none any more. Send
	// the user to log in.
	ErrNoSession = errors.New("chatelaine: not signed in")
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

// The events of this package.
const (
	EventRequestSent      accounts.EventKind = "request.sent"
	EventRequestResent    accounts.EventKind = "request.resent"
	EventRequestApproved  accounts.EventKind = "request.approved"
	EventRequestDeclined  accounts.EventKind = "request.declined"
	EventRequestWithdrawn accounts.EventKind = "request.withdrawn"
	EventRequestEnded     accounts.EventKind = "request.ended"
	EventAccessDisabled   accounts.EventKind = "client-access.disabled"
	EventSessionStarted   accounts.EventKind = "session.started"
	EventSessionSwitched  accounts.EventKind = "session.switched"
	EventSessionReturned  accounts.EventKind = "session.returned"
	EventSessionEnded     accounts.EventKind = "session.ended"
	EventSessionsEnded    accounts.EventKind = "sessions.ended"
)
