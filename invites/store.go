package invites

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Store is what [Service] and [SetupLinks] need from a store, beside the graph.
type Store interface {
	accounts.Store

	// Inviting returns what decides an offer: the account with what it used up
	// and the invitation that the query means, all read at one moment.
	// accounts.ErrNotFound if the account does not exist, or has no invitation
	// with the id that was asked for.
	Inviting(ctx context.Context, q InvitingQuery) (Inviting, error)

	// Accepting returns what decides an answer, by account and id or by the
	// hash of a link, all read at one moment. accounts.ErrNotFound if there is
	// no such invitation.
	Accepting(ctx context.Context, q AcceptingQuery) (Accepting, error)

	// Invitations returns a page of an account's invitations with those who
	// made them, newest first.
	Invitations(ctx context.Context, q ListQuery) ([]Listed, error)

	// InvitationsTo returns the pending invitations to an address whose
	// account is open, newest first, at most limit.
	InvitationsTo(ctx context.Context, email accounts.Email, at time.Time, limit int) ([]Listed, error)

	// SettingUp returns what decides about a setup link, by client or by the
	// hash of the link, all read at one moment. accounts.ErrNotFound if there is
	// no such client record, or no link with the hash.
	SettingUp(ctx context.Context, q SettingUpQuery) (SettingUp, error)

	// Newest is that of [mail.Outbox].
	Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error)

	// ApplyInvites is [accounts.Store.ApplyAccounts] for a change of this
	// package.
	ApplyInvites(ctx context.Context, c Change) error
}

// InvitingQuery asks about one address, or about one invitation.
type InvitingQuery struct {
	Account accounts.AccountID
	Email   accounts.Email        // the stored pending invitation to this address
	ID      accounts.InvitationID // instead: that invitation, whatever its state
	At      time.Time             // for the seats, and the day of the counters
}

// Inviting is what decides an offer.
type Inviting struct {
	Account    accounts.Account
	Invitation Invitation      // zero if none is pending for the address; it may have expired
	Inviter    accounts.Member // who made that invitation: user and membership in the account
	Client     bool            // a client record that is there has the address

	// Member is the membership of whoever has the address; zero if there never
	// was one.
	Member accounts.MemberState

	Seats accounts.Seats
	Used  int // invitations that the account sent today
	Mails int // mails with a link sent to the address today
}

// AcceptingQuery asks about an invitation, and about who would accept it.
type AcceptingQuery struct {
	Account accounts.AccountID // with ID
	ID      accounts.InvitationID
	Hash    token.Hash // instead of both

	// User is who would accept. Without one, it is whoever has the address
	// that was invited.
	User accounts.UserID
	At   time.Time // for the seats
}

// Accepting is what decides an answer to an invitation.
type Accepting struct {
	Invitation Invitation
	Account    accounts.Account
	Inviter    accounts.Member // user and membership in the account
	Seats      accounts.Seats

	// Who would join: how they log in, and their membership in the account.
	// Zero, but for the membership's keys, when there is nobody.
	Joiner accounts.Means
	Member accounts.Membership

	// Client is the record that is there with the joiner's address (of nobody: the
	// invitation's), or as which they are a client already; zero if none.
	Client accounts.ClientState
}

// ListQuery asks for a page of an account's invitations.
type ListQuery struct {
	Account accounts.AccountID
	At      time.Time
	States  []State // any of these; empty: all
	Search  string  // a part of the canonical address; "": all
	Before  Cursor  // the page starts behind this entry; zero: at the newest
	Limit   int
}

// Listed is an invitation in a list, with its account and who made it.
type Listed struct {
	Invitation Invitation
	Account    accounts.AccountState
	Inviter    accounts.Member
}

// StateAt returns the invitation's state at a moment.
func (l Listed) StateAt(at time.Time) State { return l.Invitation.StateAt(at, l.Inviter) }

// Cursor is the place of an invitation in a list: by when it was made, then id.
type Cursor struct {
	CreatedAt time.Time
	ID        accounts.InvitationID
}

// Cursor returns the entry's place.
func (l Listed) Cursor() Cursor {
	return Cursor{CreatedAt: l.Invitation.CreatedAt, ID: l.Invitation.ID}
}
