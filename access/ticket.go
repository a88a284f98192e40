package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Ticket is a link that was mailed to a user about their own login: to prove
// an address, to change it, or to reset the password. Only the hash of its
// secret is kept. There is one for each user and purpose, and a newer one takes
// its place, so only the newest link works.
type Ticket struct {
	TicketKey
	Version int64
	Hash    token.Hash

	Email   accounts.Email // where it was sent
	Address string         // the same as it was typed
	Epoch   int64          // the user's: what ends sessions ends tickets

	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not used
}

// TicketKey names a ticket: token.Proof, token.Reset or token.Address, of a
// user.
type TicketKey struct {
	User    accounts.UserID
	Purpose token.Purpose
}

// Counts reports whether the ticket still opens anything at a moment, for its
// user as they are now. A proof or a reset goes with the address that it was
// sent to.
func (t Ticket) Counts(at time.Time, u accounts.User) bool {
	return t.Version != 0 && t.UsedAt.IsZero() && at.Before(t.ExpiresAt) && u.ID == t.User && u.Active() &&
		u.Epoch == t.Epoch && (t.Purpose == token.Address || t.Email == u.Email)
}

// Guesses counts tries at the password of an address since the last right one,
// whether or not anybody has that address. It is written before a password is
// looked at.
type Guesses struct {
	Email   accounts.Email
	Version int64
	Count   int
	LastAt  time.Time // the last try
}
