package storage

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Storage is the ports together: what an adapter implements once, and what
// every service can be built on.
type Storage interface {
	accounts.Store
	access.RequestStore
	access.LoginStore
	invites.Store
	mail.Outbox

	// Sweep erases what no rule needs any more and returns how many rows that
	// were, at most limit in one call (0 means 1,000): sessions that ended or
	// outlived their absolute limit, network addresses and user agents of
	// sessions, views that are over, tickets and challenges whose time is over,
	// counts of tries that are forgotten, idempotency keys, counters of past days,
	// settled mail, and what mail says that must not be sent any more. It changes no
	// decision. The audit stays.
	Sweep(ctx context.Context, before SweepBefore, limit int) (int, error)
}

// SweepBefore says how old each kind of row must be. A zero time spares the
// kind.
type SweepBefore struct {
	Sessions time.Time    // ended, or begun, before this
	Sources  time.Time    // addresses and user agents of sessions begun before this are blanked
	Views    time.Time    // sessions that viewed as a client: ended, or expired, before this
	Replies  time.Time    // expired before this
	Quotas   accounts.Day // days before this one; 0 spares them
	Mail     time.Time    // settled before this
	Tickets  time.Time    // tickets and challenges that expired before this
	Guesses  time.Time    // counts whose last try was before this

	// Texts is of mail whose NotAfter is at or before it. What such mail says is erased if it is dead. If it is queued,
	// and nobody has a lease of it at that moment, it becomes dead then, with the error [TooLate], and is erased:
	// a queue that no dispatcher serves keeps no codes.
	Texts time.Time
}

// TooLate is the error of mail that a sweep found waiting after its NotAfter.
const TooLate = "not sent before its time limit"

// SweepAt returns what a regular sweep at a moment erases under the limits in
// force. Run it in a job, now and then, until it erases nothing:
//
//	n, err := store.Sweep(ctx, storage.SweepAt(env.Now(), env.Limits()), 0)
func SweepAt(at time.Time, l accounts.Limits) SweepBefore {
	kept := at.Add(-l.KeepSources)
	return SweepBefore{
		Sessions: kept, Sources: kept, Views: kept, Replies: at, Tickets: at, Guesses: at.Add(-l.KeepGuesses),
		Quotas: accounts.DayOf(at) - 1, // processes whose clocks differ may still count yesterday
		Mail:   kept, Texts: at,
	}
}
