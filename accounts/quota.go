package accounts

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrQuota says that a durable limit of a UTC day is used up; see
// [*QuotaError].
var ErrQuota = errors.New("chatelaine: daily limit reached")

// QuotaError tells which limit is used up and when it opens again. It matches
// [ErrQuota].
type QuotaError struct {
	Kind    QuotaKind
	Limit   int
	Used    int
	ResetAt time.Time // the next midnight UTC
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("chatelaine: daily limit of %d reached; it opens again at %s", e.Limit, e.ResetAt.UTC().Format("2006-01-02 15:04 UTC"))
}

// Is reports whether target is ErrQuota.
func (e *QuotaError) Is(target error) bool { return target == ErrQuota }

// QuotaKind names a durable limit.
type QuotaKind string

// The durable limits.
const (
	// QuotaRequests counts the access requests that an agency account sends.
	// Its subject is the account's id.
	QuotaRequests QuotaKind = "requests"
	// QuotaRecipient counts the mails with a link that one address gets, from
	// everybody together. Its subject is the canonical address.
	QuotaRecipient QuotaKind = "recipient"
	// QuotaResends counts the mails of one access request or invitation after
	// the first. It is kept with them.
	QuotaResends QuotaKind = "resends"
	// QuotaInvitations counts the invitations that an account sends. Its
	// subject is the account's id.
	QuotaInvitations QuotaKind = "invitations"
	// QuotaSetupMails counts the setup links that an account mails to its clients.
	// Its subject is the account's id.
	QuotaSetupMails QuotaKind = "setup-mails"
	// QuotaLinks counts the mails that one address gets about its own login:
	// proofs, resets and changes of the address. Its subject is the canonical
	// address.
	QuotaLinks QuotaKind = "links"
	// QuotaAsks counts the other addresses that one user asks for, since their own
	// gets a mail about each. Its subject is the user's id.
	QuotaAsks QuotaKind = "asks"
	// QuotaSource counts the tries to log in, to sign up and to reset a
	// password from one network. Its subject is the network's address.
	QuotaSource QuotaKind = "source"
	// QuotaCodes counts the codes sent to one user. Its subject is the user's
	// id.
	QuotaCodes QuotaKind = "codes"
)

// Day is a UTC day, counted from 1 January 1970.
type Day int32

// DayOf returns the UTC day of a moment.
func DayOf(at time.Time) Day {
	s := at.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d) //nolint:gosec // a day counter reaches its limit in the year 5,881,580
}

// End returns the first moment of the next UTC day.
func (d Day) End() time.Time { return time.Unix((int64(d)+1)*86400, 0).UTC() }

// QuotaKey names one counter: a kind of limit, whom it limits, and the day.
type QuotaKey struct {
	Kind    QuotaKind
	Subject string
	Day     Day
}

func (k QuotaKey) compare(o QuotaKey) int {
	return cmp.Or(cmp.Compare(k.Subject, o.Subject), cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Day, o.Day))
}

// Spend adds N to a counter if the sum stays within Limit; otherwise the
// change that carries it fails with ErrConflict, and the decision on the next
// read says what can still be done. What was spent never comes back.
type Spend struct {
	QuotaKey
	N     int
	Limit int
}

// Quota is a counter as a decision sees it. It is a value: spending returns
// what is left.
type Quota struct {
	Key   QuotaKey
	Used  int
	Limit int
}

// Left returns how much can still be spent today.
func (q Quota) Left() int { return max(0, q.Limit-q.Used) }

// ResetAt returns when the counter starts again.
func (q Quota) ResetAt() time.Time { return q.Key.Day.End() }

// Err returns the error that says that nothing is left.
func (q Quota) Err() *QuotaError {
	return &QuotaError{Kind: q.Key.Kind, Limit: q.Limit, Used: q.Used, ResetAt: q.ResetAt()}
}

// Spend returns what a change must carry to take n.
func (q Quota) Spend(n int) Spend { return Spend{QuotaKey: q.Key, N: n, Limit: q.Limit} }
