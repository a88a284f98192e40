package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// RequestState says what became of an access request.
type RequestState string

// The states of a request. Expired and Ended follow from facts: a pending
// request expires by time, and ends when its agency disables client access.
// They hold whether or not they are written down, which happens when the
// agency disables client access, or when a successor for the same address
// finds them so.
const (
	Pending   RequestState = "pending"
	Approved  RequestState = "approved"
	Declined  RequestState = "declined"
	Withdrawn RequestState = "withdrawn"
	Expired   RequestState = "expired"
	Ended     RequestState = "ended"
)

// Request is an agency's request for access to a client's account, addressed
// to an e-mail. It belongs to the agency and outlives the user who sent it.
type Request struct {
	ID      accounts.RequestID
	Version int64
	Agency  accounts.AccountID

	// AgencyEpoch is the agency's epoch when the request was last sent; the
	// request counts only while it is the same.
	AgencyEpoch int64

	Email     accounts.Email
	Address   string // as it was typed
	Requester accounts.UserID
	Message   string
	Level     roles.Role // the level the agency would like; it binds nobody
	Locale    string

	Hash token.Hash // of the link's secret: only the newest link works

	State     RequestState
	SentAt    time.Time // when it was last sent
	ExpiresAt time.Time
	ResendDay accounts.Day // the day that Resends counts
	Resends   int

	Client    accounts.AccountID // for which account it was approved, or by which declined
	Decider   accounts.UserID
	DecidedAt time.Time
	Reason    string // why it was declined, in the client's words

	CreatedAt time.Time
	UpdatedAt time.Time
}

// StateAt returns the state at a moment: a stored state, or what follows from
// the time and from the agency's epoch.
func (r Request) StateAt(at time.Time, agency accounts.AccountState) RequestState {
	switch {
	case r.State != Pending:
		return r.State
	case r.AgencyEpoch != agency.Epoch || !agency.ClosedAt.IsZero():
		return Ended
	case !at.Before(r.ExpiresAt):
		return Expired
	}
	return Pending
}
