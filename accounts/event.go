package accounts

import (
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// EventKind says what happened.
type EventKind string

// What can happen. Packages access and invites add their own.
const (
	EventRefused              EventKind = "refused" // a known actor was refused; see Event.Action and Event.Refusal
	EventUserCreated          EventKind = "user.created"
	EventUserUpdated          EventKind = "user.updated"
	EventUserSuspended        EventKind = "user.suspended"
	EventUserReactivated      EventKind = "user.reactivated"
	EventAccountCreated       EventKind = "account.created"
	EventAccountUpdated       EventKind = "account.updated"
	EventAccountSuspended     EventKind = "account.suspended"
	EventAccountReactivated   EventKind = "account.reactivated"
	EventAccountClosed        EventKind = "account.closed"
	EventProgrammeJoined      EventKind = "programme.joined"
	EventAccessEnabled        EventKind = "client-access.enabled"
	EventMemberAdded          EventKind = "member.added"
	EventMemberRoleChanged    EventKind = "member.role-changed"
	EventMemberRemoved        EventKind = "member.removed"
	EventMemberLeft           EventKind = "member.left"
	EventMemberSuspended      EventKind = "member.suspended"
	EventMemberReactivated    EventKind = "member.reactivated"
	EventOwnershipTransferred EventKind = "ownership.transferred"
	EventCapChanged           EventKind = "connection.cap-changed"
	EventConnectionEnded      EventKind = "connection.ended"
	EventConnectionImported   EventKind = "connection.imported"
	EventAssigned             EventKind = "colleague.assigned"
	EventUnassigned           EventKind = "colleague.unassigned"
	EventMailRequeued         EventKind = "mail.requeued"
	EventMailBounced          EventKind = "mail.bounced"
	EventUserErased           EventKind = "user.erased"
	EventUserExported         EventKind = "user.exported"
	EventAddressForgotten     EventKind = "address.forgotten"
	EventClientCreated        EventKind = "client.created"
	EventClientUpdated        EventKind = "client.updated"
	EventClientSuspended      EventKind = "client.suspended"
	EventClientReactivated    EventKind = "client.reactivated"
	EventClientDeleted        EventKind = "client.deleted"
	EventClientsExported      EventKind = "clients.exported"
	EventSiteCreated          EventKind = "site.created"
	EventSiteUpdated          EventKind = "site.updated"
	EventSiteRemoved          EventKind = "site.removed"
	EventSiteAssigned         EventKind = "site.assigned" // or its permissions changed
	EventSiteUnassigned       EventKind = "site.unassigned"
)

// Event is the audit record of one change or one refusal. It holds ids and
// roles, never names, addresses or messages, so that it can stay when a person
// is forgotten. The one free text is an operator's reason.
type Event struct {
	Op  OpID
	Seq int // from 1 within the operation; Op and Seq are the event's key
	At  time.Time

	Kind EventKind
	By   By

	// Account is where it happened, and Agency the other party, if any. Both
	// read it in their audit, and nobody else does.
	Account AccountID
	Agency  AccountID

	// What it was about; empty where it does not apply.
	User       UserID
	Request    RequestID
	Invitation InvitationID
	Session    SessionID
	Client     ClientID   // of the account
	Site       SiteID     // of the account
	View       ViewID     // a session that views as the client
	Mail       string     // the id of a message
	Role       roles.Role // the role now: given, requested, or the cap
	Was        roles.Role // the role before

	// A refusal names what was tried and which rule refused it.
	Action  EventKind
	Refusal string
}

// By says who acted.
type By struct {
	User      UserID
	Session   SessionID
	Client    ClientID // the client that the user views as; "": acts as themselves
	System    string   // the name of the host's job
	Operator  string   // the host's staff member
	Reason    string   // the operator's reason
	RequestID string   // the host's id of the HTTP request
}

// EventQuery asks for a page of an account's audit, newest first: what
// happened there, and what happened elsewhere with the account as the agency.
type EventQuery struct {
	Account AccountID
	Kinds   []EventKind // any of these; empty: all
	User    UserID      // about or by this user; "": all
	Before  EventCursor // the page ends before this event; zero: from the newest
	Limit   int         // through Service.Events: 0 is 50, at most 500
}

// EventCursor is the place of an event in the order of time.
type EventCursor struct {
	At  time.Time
	Op  OpID
	Seq int
}

// Cursor returns the event's place in the order of time.
func (e Event) Cursor() EventCursor { return EventCursor{At: e.At, Op: e.Op, Seq: e.Seq} }

// EventClaim asks for events that the host has not taken yet.
type EventClaim struct {
	At    time.Time
	Lease time.Duration
	Limit int
}

// EventDelivery is one event on its way to the host. Fence moves with every
// claim; Attempt counts them from 1.
type EventDelivery struct {
	Event   Event
	Attempt int
	Fence   int64
}

// EventReceipt settles a delivery: taken for good, or to be offered again at
// Next.
type EventReceipt struct {
	Op    OpID
	Seq   int
	Fence int64
	Taken bool
	Next  time.Time
}
