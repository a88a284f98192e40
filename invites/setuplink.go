package invites

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// SetupLink is how a client comes in for the first time: with it they set a
// first password, or join with the login that they have. There is one row for
// each client record, for ever; a newer link takes the place of the older,
// which is dead.
type SetupLink struct {
	accounts.ClientKey
	Version int64

	Hash  token.Hash      // zero in what calls return
	Epoch int64           // the client's when it was made; the link ends when it moves
	Maker accounts.UserID // who made it; "" for one that the client asked for anew

	// Tenure is that of the maker's membership when it was made, and Suspensions
	// how often they had been suspended. A link that its maker was shown counts
	// only while both stay: who kept a copy and lost the right comes in by none.
	Tenure      int64
	Suspensions int64

	// Mailed tells that it was mailed to the client's address and shown to
	// nobody. Proves tells that its page is the product's own besides, so that
	// nobody but the mailbox's owner can have seen it: using it proves the
	// mailbox. Others may have been used by anybody.
	Mailed bool
	Proves bool

	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not used
}

// Counts reports whether the link can be used at a moment, for the client and
// its maker as they are now. Exactly at ExpiresAt it is expired.
func (l SetupLink) Counts(at time.Time, c accounts.ClientState, by accounts.Member) bool {
	return l.Version != 0 && l.UsedAt.IsZero() && at.Before(l.ExpiresAt) && c.Active() && c.User == "" && l.Epoch == c.Epoch &&
		(l.Mailed || l.stands(by))
}

// stands reports whether the maker has held the right to make links without a
// break.
func (l SetupLink) stands(by accounts.Member) bool {
	return by.User.Active() && by.Membership.Active() && by.Membership.Tenure == l.Tenure && by.User.Suspensions == l.Suspensions
}

// SettingUpQuery asks about the setup link of a client, by the client or by
// the hash of the link, and about who would join by it.
type SettingUpQuery struct {
	accounts.ClientKey
	Hash token.Hash // instead of the key

	// User is who would join with the login that they have; "": nobody.
	User accounts.UserID
	Day  accounts.Day // for the counter
}

// SettingUp is what decides about a setup link.
type SettingUp struct {
	Link     SetupLink       // with its key alone if there never was one
	Maker    accounts.Member // who made it: user and membership in the account, also when deleted or ended
	Client   accounts.Client
	Account  accounts.Account
	Assigned int // live sites that the client has
	Mails    int // mails with a link sent to the client's address today

	Holder accounts.Means // who has the client's address; zero if nobody

	// Who would join, by the query; zero if nobody. Member is their membership
	// in the account, and As the record that is there as which they are a client of
	// it already.
	Joiner accounts.User
	Member accounts.MemberState
	As     accounts.ClientState
}
