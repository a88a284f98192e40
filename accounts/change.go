package accounts

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Change is everything that one operation makes durable: as a whole, or not
// at all. A decision returns one, a service hands it to the store, and nobody
// else writes. Audit and mail are part of it, so neither can be forgotten.
//
// A row with Version 0 is inserted, and must not be there yet. Any other
// Version must still be the stored one. Stored rows get the next version.
type Change struct {
	// Op names the operation. Applying a change twice makes it once: the keys
	// of its events are already there, and the second answer is ErrConflict.
	Op OpID

	// Guards are the accounts and users that the decision relied on. An account
	// that is written is its own guard, and named nowhere here.
	Guards []Guard

	// Rows to insert or to replace, whole.
	Users       []User
	Identities  []Identity    // inserted only
	Unlink      []IdentityKey // identities taken away; each must be there
	Credentials []Credential
	Challenges  []Challenge
	Accounts    []Account
	Memberships []Membership
	Connections []Connection
	Assignments []Assignment
	Clients     []Client
	Sites       []Site
	SiteAccess  []SiteAccess

	// Spend is taken from durable quotas, or the whole change fails.
	Spend []Spend

	// Replies are the answers kept for idempotency keys. They hold no secret, and
	// name nobody but by ids.
	Replies []Reply

	// Events are the audit of this change. An operation has at least one.
	Events []Event

	// CancelMail ends unsent mail whose reason has gone, before the change's
	// own mail is queued.
	CancelMail []mail.Reason

	// Requeue names dead mail to send again: due at the moment of the events,
	// attempts from 0. What is not dead, or past its NotAfter, is passed over.
	Requeue []string

	// Bounced is the late word that sent mail did not arrive. Mail that is not sent,
	// or has come back meanwhile, makes the change fail with ErrConflict.
	Bounced []mail.Bounce

	// Mail to queue.
	Mail []mail.Message

	// Forget erases what is kept about people, after everything else, in every
	// table: a user's identities, credential, challenges and tickets go, and
	// their sessions lose where they came from; what was sent to an address, or
	// for the user (mail.Message.User), ends and loses where it went and the words, and
	// such mail that is not sent is cancelled. Users, memberships and client records are left: they end as rows
	// of this change. Events stay: they name nobody.
	Forget []Forget
}

// Guard makes a change fail with ErrConflict unless an account still has the
// version, or a user the epoch, that the decision saw. It names exactly one of
// the two.
type Guard struct {
	Account AccountID
	Version int64

	// User is held by the epoch: suspending the user, or ending their
	// sessions, stops what they have begun. It never moves.
	User  UserID
	Epoch int64

	// Move also moves the version. A decision that changes what others rely
	// on (members, roles, owners) moves; one that only relies on it does not,
	// and runs beside others of its sort.
	Move bool
}

// Reply is the answer that was given to an idempotency key. It is inserted;
// one that has expired by its successor's CreatedAt is replaced.
type Reply struct {
	ReplyKey
	Input     [32]byte // SHA-256 over the operation and its input
	Answer    []byte   // JSON, without secrets
	CreatedAt time.Time
	ExpiresAt time.Time
}

// ReplyKey names an idempotency key: the same key of another actor or at
// another account is another key.
type ReplyKey struct {
	Actor   string
	Account AccountID
	Key     string
}

// Sorted returns the change with every list in the order of its keys. Stores
// write in this order, one kind after the other as the fields stand, so that
// two changes never wait for each other in a circle. The events keep their
// order: Seq is their key.
func (c Change) Sorted() Change {
	c.Guards = sorted(c.Guards, func(a, b Guard) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Account, b.Account)) })
	c.Users = sorted(c.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	c.Identities = sorted(c.Identities, func(a, b Identity) int { return a.Key().compare(b.Key()) })
	c.Unlink = sorted(c.Unlink, IdentityKey.compare)
	c.Credentials = sorted(c.Credentials, func(a, b Credential) int { return cmp.Compare(a.User, b.User) })
	c.Challenges = sorted(c.Challenges, func(a, b Challenge) int { return a.compare(b.ChallengeKey) })
	c.Accounts = sorted(c.Accounts, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	c.Memberships = sorted(c.Memberships, func(a, b Membership) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.User, b.User))
	})
	c.Connections = sorted(c.Connections, func(a, b Connection) int { return a.compare(b.ConnectionKey) })
	c.Assignments = sorted(c.Assignments, func(a, b Assignment) int {
		return cmp.Or(a.compare(b.ConnectionKey), cmp.Compare(a.User, b.User))
	})
	c.Clients = sorted(c.Clients, func(a, b Client) int { return a.compare(b.ClientKey) })
	c.Sites = sorted(c.Sites, func(a, b Site) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID))
	})
	c.SiteAccess = sorted(c.SiteAccess, func(a, b SiteAccess) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Site, b.Site))
	})
	c.Spend = sorted(c.Spend, func(a, b Spend) int { return a.compare(b.QuotaKey) })
	c.Replies = sorted(c.Replies, func(a, b Reply) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Key, b.Key))
	})
	c.CancelMail = sorted(c.CancelMail, func(a, b mail.Reason) int { return cmp.Compare(a, b) })
	c.Requeue = sorted(c.Requeue, strings.Compare)
	c.Bounced = sorted(c.Bounced, func(a, b mail.Bounce) int { return strings.Compare(a.ID, b.ID) })
	c.Mail = sorted(c.Mail, func(a, b mail.Message) int { return strings.Compare(a.ID, b.ID) })
	c.Forget = sorted(c.Forget, func(a, b Forget) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Email, b.Email))
	})
	return c
}

func (k IdentityKey) compare(o IdentityKey) int {
	return cmp.Or(cmp.Compare(k.Issuer, o.Issuer), cmp.Compare(k.Subject, o.Subject))
}

func (k ChallengeKey) compare(o ChallengeKey) int {
	return cmp.Or(cmp.Compare(k.User, o.User), cmp.Compare(k.Session, o.Session),
		cmp.Compare(k.Account, o.Account), cmp.Compare(k.Action, o.Action))
}

func (k ClientKey) compare(o ClientKey) int {
	return cmp.Or(cmp.Compare(k.Account, o.Account), cmp.Compare(k.ID, o.ID))
}

func (k ConnectionKey) compare(o ConnectionKey) int {
	return cmp.Or(cmp.Compare(k.Client, o.Client), cmp.Compare(k.Agency, o.Agency))
}

// sorted leaves the caller's slice as it was.
func sorted[T any](list []T, by func(a, b T) int) []T {
	if slices.IsSortedFunc(list, by) {
		return list
	}
	list = slices.Clone(list)
	slices.SortFunc(list, by)
	return list
}
