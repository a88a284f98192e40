package accounts

import "time"

// User is a person with one login, who may belong to any number of accounts.
type User struct {
	UserState
	Version int64 // 0 inserts; any other must still be the stored one

	// Logins counts the user's logins; each session remembers its number.
	Logins int64

	// Handle is the optional user name: unique, not an address. It is shown
	// as typed and compared by [NameKey].
	Handle string

	Email   Email  // the canonical address, unique; "" when the host keeps none
	Address string // the address as it was typed, for display
	Proven  bool   // the mailbox was proven to be the user's, here or by the host
	Locale  string // a BCP 47 language tag, or "" for the account's
	Kept    bool   // the host keeps this user's login; no link and no reset ever sets a password
	Phone   string // where codes go, in the form of [ParsePhone]; verified, or ""

	// Suspensions counts how often the user was suspended. Invitations remember
	// it: the power that they rest on must not have been taken away in between.
	Suspensions int64

	CreatedAt time.Time
	UpdatedAt time.Time
}

// UserState is the part of a user that decides what the user may do.
type UserState struct {
	ID   UserID
	Name string

	// Epoch moves when the user is suspended, reactivated or erased, when all
	// their sessions are ended at once, when their password is set, and when the
	// host or an invitation changes what their login here rests on.
	// Sessions, codes and links about the login remember it, and end with it.
	// EpochAt is when it last moved, zero if never; it serves hosts that keep
	// their own sessions and know only login times.
	Epoch   int64
	EpochAt time.Time

	SuspendedAt time.Time // zero: not suspended
	DeletedAt   time.Time // zero: not deleted

	// Confirms is whether identity confirmation is on: what wants a fresh
	// login wants a code from this user instead.
	Confirms bool
}

// Active reports whether the user is neither suspended nor deleted.
func (u UserState) Active() bool { return u.SuspendedAt.IsZero() && u.DeletedAt.IsZero() }

// Label is what people are shown: the name, else the user name, else the
// address.
func (u User) Label() string {
	switch {
	case u.Name != "":
		return u.Name
	case u.Handle != "":
		return u.Handle
	}
	return u.Address
}

// Contact returns how to write to the user.
func (u User) Contact() Contact {
	return Contact{User: u.ID, Name: u.Label(), Email: u.Email, Locale: u.Locale}
}

// Identity is a login that somebody else vouches for: the subject at an
// issuer. A pair belongs to one user and is never found by an address.
type Identity struct {
	Issuer    string
	Subject   string
	User      UserID
	CreatedAt time.Time
}

// Key returns what names the identity.
func (i Identity) Key() IdentityKey { return IdentityKey{Issuer: i.Issuer, Subject: i.Subject} }

// Contact is a person to write to.
type Contact struct {
	User   UserID
	Name   string
	Email  Email
	Locale string
}
