package mail

import (
	"context"
	"errors"
	"time"
)

// ErrFenced is returned by [Outbox.SettleMail] when the delivery is no longer the caller's: the mail was
// cancelled or settled meanwhile, was leased again by somebody else, or is gone.
var ErrFenced = errors.New("mail: delivery was cancelled, settled or leased again meanwhile")

// State is where a message in the outbox stands. Stores keep the string.
type State string

const (
	// Queued is waiting: for its time, for a dispatcher, or under the lease of one that is sending it.
	Queued State = "queued"
	// Sent was accepted by the mail server. What it said is erased.
	Sent State = "sent"
	// Bounced was accepted, and came back later: the mail server that took it could not deliver it.
	Bounced State = "bounced"
	// Dead was given up: refused for good, tried too often, or too late. It keeps what it says so that it can be queued
	// again, but no longer than its NotAfter, which for a message with a link is the end of the link. One that dies at
	// or after its NotAfter is erased at once, the others when the store is swept after that moment.
	Dead State = "dead"
	// Cancelled lost its reason while it was queued or dead. What it said is erased.
	Cancelled State = "cancelled"
)

// Claim asks for work.
type Claim struct {
	Channel Channel       // messages of this one, and no other
	At      time.Time     // the time now, by the caller's clock
	Lease   time.Duration // how long the deliveries belong to the caller, from At on
	Limit   int           // at most this many; below 1 is none
}

// Delivery is one attempt to send one message, leased to whoever claimed it.
type Delivery struct {
	Message Message
	// Attempt counts the claims of this message, this one included, since it was queued or requeued: from 1.
	Attempt int
	// Fence moves with every claim, settlement, requeue and cancellation, and never returns to an old value.
	Fence int64
}

// Outcome is how a delivery ended.
type Outcome struct {
	ID    string // of the message
	Fence int64  // of the delivery
	// State is Sent, Dead, or Queued to try again at Next.
	State State
	// At is the time now; Next is only for Queued, and zero otherwise.
	At   time.Time
	Next time.Time
	// Untried is only for Queued: the attempt was not begun, and does not count.
	Untried bool
	// Error is why the message was not sent, on one line of at most 200 characters; empty when it was.
	Error string
}

// Bounce is the late word that a message which was sent did not arrive: a provider's webhook, or a mail that came back.
type Bounce struct {
	ID string    // of the message; see MessageID of package smtp for the one in a header
	At time.Time // when it was reported
	// Error is why, on one line of at most 200 characters.
	Error string
}

// Record is what can be seen of a message in the outbox: never what it says, whatever its state.
type Record struct {
	ID       string
	Channel  Channel
	Kind     string
	Account  string
	To       string
	Reason   Reason
	Priority Priority
	State    State
	// Attempts counts the claims since the message was queued or requeued.
	Attempts int
	// Due is when a queued message is tried (again). SettledAt is when it was sent, given up, cancelled or reported as
	// bounced; zero while it is queued.
	Due, NotAfter, CreatedAt, SettledAt time.Time
	// Error is that of the last attempt that failed, or why the message came back.
	Error string
}

// Progress is how far a message has come, for those who caused it to be sent: what went wrong at a mail server, and
// where, is for the host's staff.
type Progress struct {
	State State
	// Attempts counts those so far, and Due is when a queued message is tried (again).
	Attempts int
	Due      time.Time
	// At is when the message was queued, or came to its State if that is another.
	At time.Time
}

// Progress returns how far the message has come.
func (r Record) Progress() Progress {
	p := Progress{State: r.State, Attempts: r.Attempts, At: r.SettledAt}
	if r.State == Queued {
		p.Due, p.At = r.Due, r.CreatedAt
	}
	return p
}

// Query selects records. Fields left empty do not restrict it.
type Query struct {
	ID      string // exactly this one
	State   State
	Account string
	To      string // canonical address, compared exactly
	Reason  Reason // this one and everything below it
	// After is a cursor: the ID of the last record already seen. Records come in the order of their IDs, by bytes.
	After string
	// Limit is the most records to return; stores use [Query.PageSize].
	Limit int
}

// PageSize returns the limit that holds: 100 when none is set, and never more than 1,000.
func (q Query) PageSize() int {
	switch {
	case q.Limit < 1:
		return 100
	case q.Limit > 1000:
		return 1000
	default:
		return q.Limit
	}
}

// Outbox is the queue of mail that committed changes have promised. A store implements it; messages enter it
// and are cancelled as part of the store's own changes, never through this interface.
//
// Messages are requeued by a change as well, in the words of RequeueMail. Cancelling a reason makes every Queued message
// that it covers Cancelled, leased or not, and every Dead one too: what has lost its reason must not come back by
// requeueing. It erases what they say, sets SettledAt, ends the lease and moves the fence. Messages that are Sent or
// Bounced stay as they are. A [Bounce] in a change makes a Sent message Bounced, with its At as SettledAt and its Error;
// with one that is not Sent the change is a conflict, so that of two reports one is recorded. A message whose ID is in the outbox already is not written again, whatever its
// state.
//
// What a message says is its Subject, Text, Data and Sealed, and is erased as a whole: see [Message.Erase]. HTML is
// never stored.
//
// Each method is atomic, may be called by any number of processes at once, and returns copies. An error that is
// not named here is a fault of the store: whether the call had an effect is then unknown.
type Outbox interface {
	// ClaimMail leases up to c.Limit messages of the channel to the caller and returns them ordered by Priority, then Due,
	// then ID. It takes messages that are Queued, due (Due <= c.At), and not leased (no lease, or one that ended at or
	// before c.At). Each gets a lease until c.At + c.Lease, a new fence, and one attempt more.
	//
	// Messages past their NotAfter are returned as well, so that whoever claims them settles them as Dead. A
	// cancelled message is never returned. No message is in two answers while the first one's lease runs. With
	// nothing to do it returns no deliveries and a nil error.
	ClaimMail(ctx context.Context, c Claim) ([]Delivery, error)

	// SettleMail records how a delivery ended, ends its lease and moves the fence. It returns [ErrFenced], and
	// changes nothing, when the message is not Queued any more, its fence is not o.Fence, or there is none with that
	// ID; a delivery is settled once. A lease that has run out still settles if nobody claimed the message since:
	// a late word that it was sent spares the recipient a second copy.
	//
	//   - Sent: what the message says is erased.
	//   - Dead: it is erased if the message has a NotAfter and o.At is not before it; see [Dead].
	//   - Queued: the message is due at o.Next. Its attempts stay, or become one less if the attempt is Untried.
	//
	// o.Error replaces the record's error, except that Queued with an empty one leaves it.
	SettleMail(ctx context.Context, o Outcome) error

	// Mails returns records in the order of their IDs, at most q.PageSize() of them. Fewer than that means
	// that there are no more.
	Mails(ctx context.Context, q Query) ([]Record, error)

	// Newest returns for each reason the record that was created last with exactly this reason, by CreatedAt and then ID,
	// in the order asked; a zero Record stands for none, and the empty reason has none. It answers for at most 1,000
	// reasons and refuses more.
	Newest(ctx context.Context, reasons []Reason) ([]Record, error)

	// RequeueMail queues dead messages again: due at once (at), attempts from 0, the fence moved, SettledAt
	// cleared; the last error stays to be read. It returns how many it queued. IDs of messages that are unknown, not
	// Dead, or past their NotAfter at that moment are passed over, and an ID given twice counts once.
	RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error)
}
