package access

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// RequestStore is what [Requests] needs from a store, beside the graph.
type RequestStore interface {
	accounts.Store

	// Drafting returns what decides a batch: one answer for each address, in
	// the order given, and the counters, all read at one moment.
	// accounts.ErrNotFound if the agency does not exist.
	Drafting(ctx context.Context, q DraftingQuery) (Drafting, error)

	// Deciding returns what decides one request: by agency and id, or by the
	// hash of its link. accounts.ErrNotFound if there is none.
	Deciding(ctx context.Context, q DecidingQuery) (Deciding, error)

	// Clients returns a page of an agency's requests with the connections
	// that they made, newest first.
	Clients(ctx context.Context, q ClientsQuery) ([]Client, error)

	// Addressed returns the pending requests to an address that have not
	// expired and whose agency still stands behind them, newest first, at
	// most limit.
	Addressed(ctx context.Context, email accounts.Email, at time.Time, limit int) ([]Client, error)

	// Ending returns everything that disabling an agency's client access
	// would end, read at one moment. accounts.ErrNotFound if the agency does
	// not exist.
	Ending(ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role) (Ending, error)

	// Newest is that of [mail.Outbox].
	Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error)

	// ApplyAccess is [accounts.Store.ApplyAccounts] for a change of this
	// package.
	ApplyAccess(ctx context.Context, c Change) error
}

// SessionStore is what [Sessions] needs from a store, beside the graph.
type SessionStore interface {
	accounts.Store

	// Admission answers the hot path with one statement: the session with the
	// hash, its user, and the standing at an account ("": none). A hash that
	// names nothing, or an account that does not exist, gives zero values and
	// no error.
	Admission(ctx context.Context, hash token.Hash, account accounts.AccountID) (Admission, error)

	// Session returns a session by id or by hash, with everything kept of it.
	// accounts.ErrNotFound if there is none.
	Session(ctx context.Context, key SessionKey) (Session, error)

	// Sessions returns a page of a user's sessions that have not ended,
	// newest first, by id.
	Sessions(ctx context.Context, q SessionsQuery) ([]Session, error)

	// Viewing returns a view by the one filled field of the key, with all that
	// decides about it. accounts.ErrNotFound if there is none.
	Viewing(ctx context.Context, key ViewKey) (Viewing, error)

	// ApplyAccess is [accounts.Store.ApplyAccounts] for a change of this
	// package.
	ApplyAccess(ctx context.Context, c Change) error
}

// LoginStore is what [Logins] needs from a store, beside the graph and the
// sessions.
type LoginStore interface {
	SessionStore

	// Entering returns what decides a try to get in by an address, read at one
	// moment. An address that nobody has is no error.
	Entering(ctx context.Context, q EnteringQuery) (Entering, error)

	// Ticket returns a ticket by its key or by its hash, whatever its state.
	// accounts.ErrNotFound if there is none.
	Ticket(ctx context.Context, q TicketQuery) (Ticket, error)
}

// EnteringQuery asks about an address, and about where somebody comes from.
type EnteringQuery struct {
	Email  accounts.Email
	Source string // the subject of accounts.QuotaSource; "": none
	Day    accounts.Day
}

// Entering is what decides a try to get in by an address.
type Entering struct {
	Means   accounts.Means // zero if nobody has the address
	Guesses Guesses        // of which only the address is filled when there is none
	Tries   int            // from the source, today
	Links   int            // mails about its own login sent to the address today
}

// TicketQuery names a ticket by its key, or else by its hash.
type TicketQuery struct {
	TicketKey
	Hash token.Hash
}

// DraftingQuery asks what decides a batch of addresses.
type DraftingQuery struct {
	Agency accounts.AccountID
	Emails []accounts.Email // without repeats
	Day    accounts.Day
}

// Drafting is what decides a batch.
type Drafting struct {
	Agency     accounts.Account
	Used       int // access requests sent today
	Recipients []Recipient
}

// Recipient is what an agency's batch needs to know about one address. It
// tells nothing about accounts that the agency has no part in.
type Recipient struct {
	Email   accounts.Email
	Pending Request // the stored pending request of this agency, zero if none; it may have expired

	// Connected tells that a request of this agency to this address is
	// [ClientConnected]: it made a connection that counts, to an open account.
	Connected bool
	Own       bool // an active member of the agency has this address
	Mails     int  // mails with a link sent to the address today
}

// DecidingQuery names one request, and whose decision it is.
type DecidingQuery struct {
	Agency accounts.AccountID // with ID
	ID     accounts.RequestID
	Hash   token.Hash // instead of both

	User   accounts.UserID    // who would decide
	Client accounts.AccountID // the account that they picked; "": none
	Day    accounts.Day       // for the counters
	Top    roles.Role         // the ladder's top role: the agency's owners
}

// Deciding is what decides one request.
type Deciding struct {
	Request      Request
	Agency       accounts.Account
	AgencyOwners []accounts.Contact  // active owners, by user id
	Requester    accounts.User       // who sent it
	Member       accounts.Membership // the requester's membership in the agency, zero if none
	Mails        int                 // mails with a link sent to the address today

	// Who would decide, and with a client account picked: their membership
	// there, the account, its connection to the agency, and the requester's
	// assignment on it. Zero, but for the keys, when there is none.
	Decider    accounts.Member
	Client     accounts.Account
	Connection accounts.Connection
	Assignment accounts.Assignment
}

// ClientsQuery asks for a page of an agency's clients.
type ClientsQuery struct {
	Agency accounts.AccountID
	At     time.Time
	States []ClientState // any of these; empty: all
	Search string        // a part of the canonical address or of the client account's name key; "": all
	Before ClientCursor  // the page starts behind this entry; zero: at the newest
	Limit  int
}

// ClientState says how an agency stands with a client.
type ClientState string

// The states of a client: those of its request, and of its connection.
const (
	ClientPending   ClientState = "pending"
	ClientExpired   ClientState = "expired"
	ClientDeclined  ClientState = "declined"
	ClientWithdrawn ClientState = "withdrawn"
	ClientConnected ClientState = "connected"
	ClientEnded     ClientState = "ended" // the connection ended, or the request with the agency's client access
)

// Client is one line of an agency's list: a request, and the connection that
// it made. An address that was asked twice has two lines.
type Client struct {
	Request    Request
	Agency     accounts.AccountState
	Connection accounts.ConnectionState // zero unless this request's connection is the stored one
	Account    accounts.AccountState    // the client account, zero unless approved
}

// StateAt returns how the agency stands with the client at a moment.
func (c Client) StateAt(at time.Time) ClientState {
	switch c.Request.StateAt(at, c.Agency) {
	case Pending:
		return ClientPending
	case Declined:
		return ClientDeclined
	case Withdrawn:
		return ClientWithdrawn
	case Expired:
		return ClientExpired
	case Ended:
		return ClientEnded
	case Approved:
	}
	if c.Account.Open() && c.Connection.Counts(c.Agency) {
		return ClientConnected
	}
	return ClientEnded
}

// ClientCursor is the place of a line: by when the request was made, then id.
type ClientCursor struct {
	CreatedAt time.Time
	ID        accounts.RequestID
}

// Cursor returns the line's place.
func (c Client) Cursor() ClientCursor {
	return ClientCursor{CreatedAt: c.Request.CreatedAt, ID: c.Request.ID}
}

// Ending is everything that ends with an agency's client access.
type Ending struct {
	Agency   accounts.Account
	Clients  []EndingClient // connections that count, by client id
	Requests []Request      // pending and not expired, by id
}

// EndingClient is one connection that ends, and who is to be told.
type EndingClient struct {
	Client   accounts.AccountState
	Locale   string
	Cap      roles.Role
	Assigned int // assignments that count
	Owners   []accounts.Contact
}

// Admission is what the hot path reads at one moment.
type Admission struct {
	Session  SessionState
	Standing accounts.Standing // without an account, of the user alone

	// Sites are the live sites that the client record of the standing was given,
	// by id.
	Sites []accounts.SiteGrant
}

// SessionKey names a session by exactly one of its fields.
type SessionKey struct {
	ID   accounts.SessionID
	Hash token.Hash
}

// SessionsQuery asks for a page of a user's sessions.
type SessionsQuery struct {
	User   accounts.UserID
	Before accounts.SessionID // the page starts behind this one; "": at the newest
	Limit  int
}
