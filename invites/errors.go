package invites

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

var (
	// ErrUsed says that an invitation was accepted, declined, revoked or
	// replaced already.
	ErrUsed = errors.New("chatelaine: the invitation is settled already")
	// ErrVoid says that whoever made the invitation has lost the right to
	// invite since, be it for a moment. Somebody who has that right can send it
	// again.
	ErrVoid = errors.New("chatelaine: the invitation is void, since its inviter may not invite any more")
	// ErrOtherAddress says that an invitation is for another address than that
	// of the user who is signed in. Sign in as the invited person.
	ErrOtherAddress = errors.New("chatelaine: the invitation is for another address; sign in with the login that has it")
	// ErrUnproven says that the user has the invited address and has not
	// proven it. Prove it first.
	ErrUnproven = errors.New("chatelaine: prove your address first, then accept the invitation")
	// ErrHasLogin says that the invited person has a login already, which no
	// link replaces. Log in to accept.
	ErrHasLogin = errors.New("chatelaine: there is a login for this address; log in to accept the invitation")
)

// The events of this package.
const (
	EventInvited            accounts.EventKind = "invitation.sent"
	EventInvitationResent   accounts.EventKind = "invitation.resent"
	EventInvitationRevoked  accounts.EventKind = "invitation.revoked"
	EventInvitationAccepted accounts.EventKind = "invitation.accepted"
	EventInvitationDeclined accounts.EventKind = "invitation.declined"
)

// PendingError says that an invitation to the address is pending already, and
// which: resend that one, or revoke it. It matches accounts.ErrTaken.
type PendingError struct{ Invitation accounts.InvitationID }

func (e *PendingError) Error() string {
	return "chatelaine: an invitation to this address is pending already; send that one again, or revoke it"
}

// Is reports whether target is accounts.ErrTaken.
func (e *PendingError) Is(target error) bool { return target == accounts.ErrTaken }
