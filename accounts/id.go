package accounts

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Ids are strings of distinct types, so that one cannot be passed for another
// and a host can keep the ids it already has. Each is 1 to 64 printable ASCII
// characters without spaces, compared byte by byte.
type (
	// UserID names a user, for ever: ids are never given to anybody else.
	UserID string
	// AccountID names an account.
	AccountID string
	// RequestID names an access request.
	RequestID string
	// InvitationID names an invitation.
	InvitationID string
	// ClientID names a client record within its account.
	ClientID string
	// SiteID names a site within its account.
	SiteID string
	// ViewID names a session that views as a client; it is no secret.
	ViewID string
	// SessionID names a session; it is no secret.
	SessionID string
	// OpID names one operation, not one attempt at it: every event and mail of
	// the operation carries it.
	OpID string
)

// MaxID is the greatest length of an id in bytes.
const MaxID = 64

// CheckID returns an [*InvalidError] that names field unless id is 1 to 64
// printable ASCII characters without spaces.
func CheckID[T ~string](field string, id T) error {
	if id == "" {
		return &InvalidError{Field: field, Reason: "is missing"}
	}
	if len(id) > MaxID {
		return &InvalidError{Field: field, Reason: fmt.Sprintf("is longer than %d bytes", MaxID)}
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return &InvalidError{Field: field, Reason: "has a character that is not printable ASCII"}
		}
	}
	return nil
}

// IDs makes fresh ids. Implementations are safe for concurrent use and never
// repeat themselves; ids that sort by the moment they were made keep an
// index's inserts together.
type IDs interface {
	// NewID returns an id that was never returned before. The moment is the
	// operation's, taken from the injected clock.
	NewID(at time.Time) string
}

// uuids makes UUIDs of version 7 whose time comes from the caller, which
// uuid.NewV7 does not allow. Within a process they ascend, even while the
// clock stands still.
type uuids struct {
	mu   sync.Mutex
	last int64 // milliseconds << 12 | sequence
}

// NewID returns a UUID of version 7.
func (u *uuids) NewID(at time.Time) string {
	next := at.UnixMilli()<<12 | int64(at.Nanosecond()/1000%1000)<<2
	u.mu.Lock()
	if next <= u.last {
		next = u.last + 1
	}
	u.last = next
	u.mu.Unlock()

	var id uuid.UUID
	_, _ = rand.Read(id[8:]) // crypto/rand.Read never fails: it ends the program instead
	ms := next >> 12
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // one byte of six is wanted
	}
	id[6] = 0x70 | byte(next>>8)&0x0f //nolint:gosec // the four bits above the lowest byte
	id[7] = byte(next)                //nolint:gosec // the lowest byte
	id[8] = 0x80 | id[8]&0x3f
	return id.String()
}
