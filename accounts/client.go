package accounts

import (
	"strings"
	"time"
)

// Client is a client record: an account's own contact, with a restricted login
// that sees the sites it was given and nothing else of the account. It belongs
// to the account that keeps it. Another account's record of the same person is
// another record, and neither touches the other.
type Client struct {
	ClientState
	Version int64 // 0 inserts; any other must still be the stored one

	FirstName string
	LastName  string

	// Email is the login name, in its canonical form: once in an account, over
	// its clients and members. The account can never change it. Address is how it
	// was typed.
	Email   Email
	Address string

	Company string
	Postal  string // the postal address, of any number of lines
	Phone   string // as it was typed: it is for people to call, and no code goes there
	Notes   string // the account's own; the client never sees them
	Locale  string // a BCP 47 language tag, or "" for the account's

	// InvitedAt is when a setup link was last made, and ActiveAt when the client
	// first came in; zero: never.
	InvitedAt time.Time
	ActiveAt  time.Time

	CreatedAt time.Time
	UpdatedAt time.Time
}

// ClientState is the part of a client record that decides what its user may
// do.
type ClientState struct {
	ClientKey
	User UserID // who logs in as this client; "" until somebody has

	// Epoch moves when the client is suspended or deleted. Setup links and
	// sessions that view as the client remember it, and end with it.
	Epoch int64

	// After is how often the user had logged in when the client was
	// reactivated: only later logins count here. AfterAt is that moment, for
	// hosts that know only login times.
	After   int64
	AfterAt time.Time

	SuspendedAt time.Time // zero: not suspended
	DeletedAt   time.Time // deleted for good; the personal fields are gone
}

// ClientKey names a client record. The id is unique within the account.
type ClientKey struct {
	Account AccountID
	ID      ClientID
}

// Name returns the first and the last name.
func (c Client) Name() string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// Contact returns how to write to the client.
func (c Client) Contact() Contact {
	return Contact{User: c.User, Name: c.Name(), Email: c.Email, Locale: c.Locale}
}

// There reports whether the record exists and was not deleted.
func (c ClientState) There() bool { return c.ID != "" && c.DeletedAt.IsZero() }

// Active reports whether the record is there and not suspended.
func (c ClientState) Active() bool { return c.There() && c.SuspendedAt.IsZero() }

// Counts reports whether the record lets its user in with a login.
func (c ClientState) Counts(p Proof) bool { return c.User != "" && c.why(p) == "" }

// why names what keeps the record from letting its user in; "" is nothing.
func (c ClientState) why(p Proof) Why {
	switch {
	case !c.There():
		return WhyNoClient
	case !c.SuspendedAt.IsZero():
		return WhyClientSuspended
	case !p.later(c.After, c.AfterAt):
		return WhyLoginTooOld
	}
	return ""
}

// ClientStatus says how far an account has come with a client. It is derived
// from facts, and never set.
type ClientStatus string

// The statuses, of which the first that fits holds.
const (
	ClientSuspended    ClientStatus = "suspended"
	ClientActive       ClientStatus = "active"        // has logged in
	ClientInvited      ClientStatus = "invited"       // a setup link was made
	ClientSiteAssigned ClientStatus = "site-assigned" // has a site
	ClientLead         ClientStatus = "lead"

	// ClientDeleted is what a call that is repeated with an idempotency key can
	// answer with. Nothing lists such a client, and nothing brings one back.
	ClientDeleted ClientStatus = "deleted"
)

// ClientStatuses returns every status that a list shows, from the beginning.
func ClientStatuses() []ClientStatus {
	return []ClientStatus{ClientLead, ClientSiteAssigned, ClientInvited, ClientActive, ClientSuspended}
}

// Status returns the status of a client that has some sites or none.
func (c Client) Status(sites bool) ClientStatus {
	switch {
	case !c.DeletedAt.IsZero():
		return ClientDeleted
	case !c.SuspendedAt.IsZero():
		return ClientSuspended
	case !c.ActiveAt.IsZero():
		return ClientActive
	case !c.InvitedAt.IsZero():
		return ClientInvited
	case sites:
		return ClientSiteAssigned
	}
	return ClientLead
}

// Client limits, in characters.
const (
	maxCompany = 200
	maxPostal  = 500
	maxPhone   = 50
	maxNotes   = 10_000
)

// SearchText returns what a search for a client looks into: name, address,
// phone, postal address and company, each as its [NameKey], one a line; see
// [SearchFits]. A store's index is made of it.
func (c Client) SearchText() string {
	return searchText(c.Name(), c.Address, c.Phone, digits(c.Phone), c.Postal, c.Company)
}
