package accounts

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Reader answers questions about the graph. Each method answers from one
// moment, and what it returns is the caller's to change. Every method returns
// the store's own error when it cannot answer; no error ever comes with an
// answer.
type Reader interface {
	// User returns the user that the one filled field of the key names.
	// Deleted users are found by id alone. ErrNotFound if there is none.
	User(ctx context.Context, key UserKey) (User, error)

	// Account returns an account, whatever its state. ErrNotFound if there is
	// none.
	Account(ctx context.Context, id AccountID) (Account, error)

	// Standings returns the standing for each key, in the order of the keys,
	// repeats included, all read at one moment. A user or account that does
	// not exist has the zero state; it is no error.
	Standings(ctx context.Context, keys []StandingKey) ([]Standing, error)

	// Reach returns a page of the accounts that a user can enter now, one
	// entry for each route that counts.
	Reach(ctx context.Context, q ReachQuery) ([]Reached, error)

	// Reachers returns a page of the standings of everybody who is or ever
	// was a member or an assigned user of the account, by user id.
	Reachers(ctx context.Context, q ReachersQuery) ([]Standing, error)

	// Owned returns the open accounts of which the user is an active owner,
	// by id. The ladder's top role is in the query.
	Owned(ctx context.Context, user UserID, top roles.Role) ([]Account, error)

	// Owners returns the active owners of an account, by user id: membership
	// active with the role top, user not deleted. An operator's suspension of
	// the user does not count.
	Owners(ctx context.Context, account AccountID, top roles.Role) ([]Contact, error)

	// Membership returns the row of an account and a user, ended ones
	// included; one with its key alone if there never was any.
	Membership(ctx context.Context, key StandingKey) (Membership, error)

	// Seats returns how many seats of an account are taken at a moment. An
	// account that does not exist has none.
	Seats(ctx context.Context, account AccountID, at time.Time) (Seats, error)

	// Spent returns how much was taken from a counter; 0 if nothing was.
	Spent(ctx context.Context, key QuotaKey) (int, error)

	// Means returns how the user that the one filled field of the key names
	// can log in. ErrNotFound if there is no such user.
	Means(ctx context.Context, key UserKey) (Means, error)

	// Challenge returns the challenge of a key, whatever its state; one with
	// its key alone if there is none.
	Challenge(ctx context.Context, key ChallengeKey) (Challenge, error)

	// Linked returns the connection of a pair with both accounts and their
	// active owners, and with a user named in the query also that user's
	// membership in the agency and assignment on the connection. What never
	// was there has its key alone. ErrNotFound if an account does not exist.
	Linked(ctx context.Context, q LinkedQuery) (Linked, error)

	// Recording returns what decides about a client record or a site, read at
	// one moment. ErrNotFound if the account does not exist; what else is not
	// there is zero.
	Recording(ctx context.Context, q RecordingQuery) (Recording, error)
}

// Store is what the services of this package need from a store. Package
// storage puts it together with the other ports and tells the contract in
// prose; storagetest proves an implementation.
type Store interface {
	Reader

	// Members returns a page of an account's members that are not ended, by
	// the name key of the user's label and then by id.
	Members(ctx context.Context, q MemberQuery) ([]Member, error)

	// Connections returns a page of an account's connections that count, as
	// the client or as the agency, by the name key of the other account and
	// then by its id.
	Connections(ctx context.Context, q ConnectionQuery) ([]Connected, error)

	// ClientRecords returns a page of an account's client records that are
	// there, newest first, each with the live sites that it was given, by id.
	ClientRecords(ctx context.Context, q ClientRecordQuery) ([]ClientEntry, error)

	// Sites returns a page of an account's live sites, newest first.
	Sites(ctx context.Context, q SiteQuery) ([]Site, error)

	// Events returns a page of an account's audit, newest first.
	Events(ctx context.Context, q EventQuery) ([]Event, error)

	// Held returns a page of what is kept about a person, of one kind, by its
	// key. Hashes of secrets are left out.
	Held(ctx context.Context, q HeldQuery) ([]Held, error)

	// ClaimEvents leases events that the host has not taken, oldest first,
	// and moves their fences. Events become visible with the transaction that
	// wrote them and are found by their state, never by a position in an
	// order: a late commit is not missed.
	ClaimEvents(ctx context.Context, c EventClaim) ([]EventDelivery, error)

	// SettleEvents settles those deliveries whose fence is still the stored
	// one and returns how many these were.
	SettleEvents(ctx context.Context, receipts []EventReceipt) (int, error)

	// Reply returns the answer kept for an idempotency key, expired or not.
	// ErrNotFound if there is none.
	Reply(ctx context.Context, key ReplyKey) (Reply, error)

	// ApplyAccounts makes a change durable as a whole or not at all: nil,
	// ErrConflict when a guard, a version, a key or a spend does not hold,
	// ErrUnknown when the commit's answer was lost, or a fault.
	ApplyAccounts(ctx context.Context, c Change) error

	Applier
}

// UserKey names a user by exactly one of its fields.
type UserKey struct {
	ID       UserID
	Email    Email
	Handle   string // a name key; see NameKey
	Identity IdentityKey
}

// IdentityKey names a login at an issuer.
type IdentityKey struct {
	Issuer  string
	Subject string
}

// Seats is how many seats of an account are taken: by members, suspended ones
// included and deleted users not, and by invitations that are pending, neither
// expired nor void.
type Seats struct {
	Members int
	Invited int
}

// Taken returns how many there are together.
func (s Seats) Taken() int { return s.Members + s.Invited }

// Check returns an [*InvalidError] unless issuer and subject have 1 to 255
// characters on one line.
func (k IdentityKey) Check() error { return k.check("identity.") }

func (k IdentityKey) check(prefix string) error {
	if err := checkText(prefix+"issuer", k.Issuer, 1, 255); err != nil {
		return err
	}
	return checkText(prefix+"subject", k.Subject, 1, 255)
}

// RouteKind says by what a user enters an account.
type RouteKind string

// The routes.
const (
	RouteMember   RouteKind = "member"
	RouteDelegate RouteKind = "delegate"
	RouteClient   RouteKind = "client"
)

// ReachQuery asks for a page of what a user can enter.
type ReachQuery struct {
	User   UserID
	Proof  Proof
	Search string      // a part of the account's name key; "": all
	After  ReachCursor // the page starts behind this entry; zero: at the first
	Limit  int
}

// ReachCursor is the place of an entry: by name key, then account, then the
// agency's id ("" for a member or a client; nobody is both at one account).
type ReachCursor struct {
	NameKey string
	Account AccountID
	Agency  AccountID
}

// Reached is one way into one account. For a delegate, Role is the
// assignment's and Cap the connection's; the smaller is what counts. A client
// has no role: they see the sites that they were given.
type Reached struct {
	Account    AccountID
	Name       string
	Kind       RouteKind
	Agency     AccountID // "" for a member and a client
	AgencyName string
	Client     ClientID // the record, for a client
	Role       roles.Role
	Cap        roles.Role // "" for a member and a client
}

// Cursor returns the entry's place.
func (r Reached) Cursor() ReachCursor {
	return ReachCursor{NameKey: NameKey(r.Name), Account: r.Account, Agency: r.Agency}
}

// LinkedQuery asks for the connection of a pair, and for how one user of the
// agency stands on it.
type LinkedQuery struct {
	ConnectionKey
	User UserID     // of the agency; "": nobody
	Top  roles.Role // the ladder's top role: owners
}

// ReachersQuery asks for a page of those with any tie to an account.
type ReachersQuery struct {
	Account AccountID
	Agency  AccountID // only those who have an assignment through this agency; "": all
	After   UserID
	Limit   int
}

// MemberQuery asks for a page of an account's members.
type MemberQuery struct {
	Account AccountID
	Search  string    // a part of the name key of label or handle, or of the canonical address; "": all
	Match   MemberRef // only members whom any filled field fits exactly; zero: all
	After   MemberCursor
	Limit   int
}

// MemberRef fits a member by any of its filled fields.
type MemberRef struct {
	ID      UserID
	Email   Email
	Handle  string // a name key
	NameKey string // the name key of the display name
}

// MemberCursor is the place of a member: by the name key of the label, then id.
type MemberCursor struct {
	NameKey string
	User    UserID
}

// Cursor returns the member's place.
func (m Member) Cursor() MemberCursor {
	return MemberCursor{NameKey: NameKey(m.User.Label()), User: m.User.ID}
}

// ConnectionQuery asks for a page of connections, of one side.
type ConnectionQuery struct {
	Client AccountID // exactly one of Client and Agency is filled
	Agency AccountID
	Search string // a part of the other account's name key; "": all
	After  ConnectionCursor
	Limit  int
}

// ConnectionCursor is the place of a connection: by the name key of the other
// account, then its id.
type ConnectionCursor struct {
	NameKey string
	Account AccountID
}

// Connected is a connection with the other account's name.
type Connected struct {
	Connection Connection
	Other      AccountState
}

// Cursor returns the connection's place.
func (c Connected) Cursor() ConnectionCursor {
	return ConnectionCursor{NameKey: NameKey(c.Other.Name), Account: c.Other.ID}
}
