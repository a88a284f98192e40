package storage

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Storage is the ports together: what an adapter implements once, and what
// every service can be built on.
type Storage interface {
	accounts.Store
	access.RequestStore
	access.SessionStore
	mail.Outbox

	// Sweep erases what no rule needs any more and returns how many rows that
	// were, at most limit in one call (0 means 1,000): sessions that ended or
	// outlived their absolute limit, network addresses and user agents of
	// sessions, idempotency keys, counters of past days, settled mail. It
	// changes no decision. The audit stays.
	Sweep(ctx context.Context, before SweepBefore, limit int) (int, error)
}

// SweepBefore says how old each kind of row must be. A zero time spares the
// kind.
type SweepBefore struct {
	Sessions time.Time    // ended, or begun, before this
	Sources  time.Time    // addresses and user agents of sessions begun before this are blanked
	Replies  time.Time    // expired before this
	Quotas   accounts.Day // days before this one; 0 spares them
	Mail     time.Time    // settled before this
}
