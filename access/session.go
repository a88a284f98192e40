package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Session is proof of a login. The secret changes at login, switch and return;
// only the hash of the newest is kept.
type Session struct {
	SessionState
	Version int64
	Hash    token.Hash

	// Account is the account that the user last switched to, and From the last
	// one of their own that they left, to which Return leads. Both are hints
	// for pages: what a call acts on is named in the call.
	Account accounts.AccountID
	From    accounts.AccountID

	UserAgent string // as the browser named itself, at most 256 characters
	Source    string // the network address it came from, at most 64 characters
}

// SessionState is the part of a session that decides whether it counts.
type SessionState struct {
	ID        accounts.SessionID
	User      accounts.UserID
	UserEpoch int64 // the user's epoch at login; the session ends when it moves
	Login     int64 // the number of the login among the user's

	Method    string    // how the user logged in, in the host's words, such as "oidc"
	CreatedAt time.Time // the login; the absolute limit counts from here
	AuthAt    time.Time // when the user last proved who they are
	SeenAt    time.Time // last use, written down at most once a minute
	EndedAt   time.Time
}

// Touch notes a session's use. It moves SeenAt forward, never back.
type Touch struct {
	Session accounts.SessionID
	At      time.Time
}
