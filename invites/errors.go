package invites

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

var (
	// ErrUsed says that an invitation was accepted, declined, revoked or
	// replaced already, or that a setup link was used.
	ErrUsed = errors.New("chatelaine: the link is settled already")
	// ErrVoid says that whoever made the invitation has lost the right to
	// invite since, be it for a moment. Somebody who has that right can send it
	// again.
	ErrVoid = errors.New("chatelaine: the invitation is void, since its inviter may not invite any more")
	// ErrOtherAddress says that an invitation or a setup link is for another
	// address than that of the user who is signed in. Sign in as the person whom
	// it is for.
	ErrOtherAddress = errors.New("chatelaine: this is for another address; sign in with the login that has it")
	// ErrUnproven says that the user has the address that an invitation or a
	// setup link is for, and has not proven it. Prove it first.
	ErrUnproven = errors.New("chatelaine: prove your address first, then join")
	// ErrHasLogin says that the person has a login already, which no link
	// replaces. Log in to join.
	ErrHasLogin = errors.New("chatelaine: there is a login for this address; log in to join")
	// ErrSetUp says that a client needs no setup link: they have come in already,
	// and log in as they always do.
	ErrSetUp = errors.New("chatelaine: the client has come in already, and needs no setup link")
	// ErrStale says that a setup link is too old to come in with
	// (accounts.Limits.SetupStrict). It is good for one thing: to have a fresh
	// one mailed to the client.
	ErrStale = errors.New("chatelaine: the setup link is too old; ask for a fresh one by mail")
)

// The events of this package.
const (
	EventInvited            accounts.EventKind = "invitation.sent"
	EventInvitationResent   accounts.EventKind = "invitation.resent"
	EventInvitationRevoked  accounts.EventKind = "invitation.revoked"
	EventInvitationAccepted accounts.EventKind = "invitation.accepted"
	EventInvitationDeclined accounts.EventKind = "invitation.declined"
	EventSetupGenerated     accounts.EventKind = "setup-link.generated" // and shown to who made it
	EventSetupSent          accounts.EventKind = "setup-link.sent"
	EventSetupRefreshed     accounts.EventKind = "setup-link.refreshed" // a fresh one was mailed for one too old
	EventClientJoined       accounts.EventKind = "client.joined"        // came in for the first time, by a setup link
)

// PendingError says that an invitation to the address is pending already, and
// which: resend that one, or revoke it. It matches accounts.ErrTaken.
type PendingError struct{ Invitation accounts.InvitationID }

func (e *PendingError) Error() string {
	return "chatelaine: an invitation to this address is pending already; send that one again, or revoke it"
}

// Is reports whether target is accounts.ErrTaken.
func (e *PendingError) Is(target error) bool { return target == accounts.ErrTaken }
