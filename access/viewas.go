package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// ViewAs is a session in which somebody of an account sees what a client sees:
// separate from their own session, short, and marked. It begins with a link
// that opens it once.
type ViewAs struct {
	ViewAsState
	Version int64

	Link token.Hash // of the link that opens it
	Hash token.Hash // of the session's secret; zero until it was opened

	UserAgent string // as the browser named itself, at most 256 characters
	Source    string // the network address it came from, at most 64 characters
}

// ViewAsState is the part of a view that decides whether it counts. It rests on
// the viewer's own session and rights, and on the client as they were: whatever
// of these ends, ends the view, and it is the end of the view, too, when the
// client logs in themselves.
type ViewAsState struct {
	ID accounts.ViewID

	accounts.ClientKey
	ClientEpoch  int64 // the client record's when it began
	UserEpoch    int64 // that of the client's user; 0 without one
	ClientLogins int64 // how often the client's user had logged in then; -1: nobody had ever come in as the client

	Viewer      accounts.UserID
	ViewerEpoch int64              // the user's
	Tenure      int64              // of the viewer's membership; see accounts.Membership
	Proof       accounts.Proof     // the viewer's login
	Session     accounts.SessionID // the viewer's session; "" when the host keeps its own

	Writes bool // may change something; asked for explicitly

	CreatedAt time.Time
	LinkUntil time.Time // when the link is dead
	OpenedAt  time.Time // zero: not opened yet
	ExpiresAt time.Time // when the view ends at the latest
	EndedAt   time.Time
}

// ViewKey names a view by exactly one of its fields.
type ViewKey struct {
	ID   accounts.ViewID
	Link token.Hash
	Hash token.Hash
}

// Viewing is what decides about a view, read at one moment.
type Viewing struct {
	View     ViewAs
	Session  SessionState      // the viewer's; zero without one
	Standing accounts.Standing // the viewer's, at the account
	Tenure   int64             // of the viewer's membership there; 0 without one
	Client   accounts.Client
	User     accounts.UserState   // the client's; zero without one
	Logins   int64                // of that user
	Sites    []accounts.SiteGrant // live sites that the client was given, by id
}
