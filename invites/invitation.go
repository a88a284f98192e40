package invites

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// State says what became of an invitation.
type State string

// The states. Expired and Void are derived: an invitation is expired once its
// time is over, and void once the inviter lost the right to invite. A stored
// row says so only where a successor took its place. Nothing is written when an
// inviter loses the right, so that it takes effect at once however many
// invitations they made; for the same reason the mail of a void invitation that
// has not gone out yet still does. Its link leads nowhere.
const (
	Pending  State = "pending"
	Accepted State = "accepted"
	Declined State = "declined"
	Revoked  State = "revoked"
	Expired  State = "expired"
	Void     State = "void"
)

// Invitation is an offer to a person to join an account with a role. It holds
// a seat while it is pending.
type Invitation struct {
	Account accounts.AccountID
	ID      accounts.InvitationID // unique within the account
	Version int64

	Email   accounts.Email // the canonical address; only its proven owner joins
	Address string         // the address as it was typed, for display
	Role    roles.Role     // the most that it can give
	Message string         // the inviter's words, at most 1,000 characters
	Locale  string         // the language of its mail; "" for the account's

	// Inviter is who made it or sent it last, and the numbers are theirs at
	// that moment: Tenure and Reign of the membership, Suspensions of the user.
	Inviter     accounts.UserID
	Tenure      int64
	Reign       int64
	Suspensions int64

	Hash      token.Hash // of the newest link; zero in what calls return
	State     State      // as it is stored; see [Invitation.StateAt]
	SentAt    time.Time  // when it was last mailed; not after ExpiresAt
	ExpiresAt time.Time
	ResendDay accounts.Day // the UTC day that Resends counts
	Resends   int

	// User is who accepted, or declined while signed in, and Given the role
	// that came of it.
	User      accounts.UserID
	Given     roles.Role
	DecidedAt time.Time

	CreatedAt time.Time
	UpdatedAt time.Time
}

// StateAt returns the invitation's state at a moment, beside its inviter as
// they are now. Exactly at ExpiresAt it is expired.
func (i Invitation) StateAt(at time.Time, by accounts.Member) State {
	switch {
	case i.State != Pending:
		return i.State
	case !at.Before(i.ExpiresAt):
		return Expired
	case !i.stands(by):
		return Void
	}
	return Pending
}

// unnamed returns the invitation without what names the invited person, and
// without the words to them.
func (i Invitation) unnamed() Invitation {
	i.Email, i.Address, i.Message = "", "", ""
	return i
}

// stands reports whether the inviter has held the right to invite without a
// break.
func (i Invitation) stands(by accounts.Member) bool {
	return by.User.Active() && by.Membership.Active() &&
		by.Membership.Tenure == i.Tenure && by.User.Suspensions == i.Suspensions
}
