package accounts

import (
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Membership is a user in an account, with a role. There is one row for each
// account and user, for ever; somebody who comes back starts the next epoch.
type Membership struct {
	Account AccountID
	User    UserID
	MemberState
	Version int64

	// Tenure moves when the member loses the right to manage members or clients,
	// or to view as clients: with a lower role, and whenever they are suspended,
	// removed or leave. Reign moves when an owner's role is lowered; the other ways
	// move Tenure. Invitations remember both, views and setup links the first: what
	// was lost since cannot be given, and does not come back.
	Tenure int64
	Reign  int64

	CreatedAt time.Time
	UpdatedAt time.Time
}

// MemberState is the part of a membership that decides what the member may do.
// The zero value is somebody who never was a member.
type MemberState struct {
	Role roles.Role

	// Epoch moves when the member is suspended, removed or leaves, and when
	// somebody comes back. Assignments remember it, and end with it.
	Epoch int64

	// After is how often the user had logged in when the membership was
	// reactivated: only later logins count here. AfterAt is that moment, for
	// hosts that know only login times.
	After   int64
	AfterAt time.Time

	// SuspendedAt is when the member was suspended; zero: is not. It outlives the
	// membership, and bars every route until the user is a member again.
	SuspendedAt time.Time
	EndedAt     time.Time // removed or left; zero: not ended
}

// Active reports whether the membership exists and is neither suspended nor
// ended.
func (m MemberState) Active() bool {
	return m.Role != "" && m.SuspendedAt.IsZero() && m.EndedAt.IsZero()
}

// Member is a membership with its user, as lists show them.
type Member struct {
	Membership Membership
	User       User
}
