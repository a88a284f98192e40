package customstore

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Most nouns are kept as they are. The rows of these have more: what a list is
// sorted by and stands in another row, such as a name, and what only the store
// knows. The noun is a named field and never embedded. JSON flattens what is
// embedded, and of two fields with one name keeps the outer without a word; and
// a method that is embedded is the row's own, so that MarshalJSON of a message,
// which tells nothing of it, would take the whole row along.
type (
	member struct {
		Row           accounts.Membership
		Account, User string // name keys
		Gone          bool   // the user is deleted
	}

	connection struct {
		Row            accounts.Connection
		Client, Agency string // name keys
	}

	assignment struct {
		Row    accounts.Assignment
		Client string // name key
	}

	client struct {
		Row     accounts.Client
		Account string // name key
		Sites   int    // live ones that it was given
	}

	// view has the client's key twice: in the row, the id of the view takes the
	// place of the client's when JSON flattens it. The suite finds that.
	view struct {
		Row access.ViewAs // see read
		Of  accounts.ClientKey
	}

	event struct {
		Row      accounts.Event
		Taken    bool
		Due      time.Time // zero: never claimed
		Attempts int
		Fence    int64
	}

	// letter has a message without its methods.
	letter struct {
		Row      words
		State    mail.State
		Leased   time.Time // until when; zero: it is not
		Settled  time.Time
		Attempts int
		Fence    int64
		Error    string
		Torn     []byte `json:",omitempty"` // the row as it was found, when it could not be read
	}
	words mail.Message

	counter struct {
		accounts.QuotaKey
		Used int
	}
)

// read returns the noun as it was handed in.
func (r *view) read() access.ViewAs {
	v := r.Row
	v.ClientKey = r.Of
	return v
}

// tables are the nouns within one transaction.
type tables struct {
	users       table[accounts.User]
	accounts    table[accounts.Account]
	members     table[member]
	connections table[connection]
	assignments table[assignment]

	clients  table[client]
	sites    table[accounts.Site]
	accesses table[accounts.SiteAccess]
	setups   table[invites.SetupLink]
	views    table[view]

	identities  table[accounts.Identity]
	credentials table[accounts.Credential]
	challenges  table[accounts.Challenge]
	tickets     table[access.Ticket]
	guesses     table[access.Guesses]
	sessions    table[access.Session]

	requests    table[access.Request]
	invitations table[invites.Invitation]

	counters table[counter]
	replies  table[accounts.Reply]
	events   table[event]
	letters  table[letter]
}

// names returns the buckets of every table. One that is missing here fails the
// first test that touches it.
func (t *tables) names() (all []string) {
	for _, of := range []interface{ buckets() []string }{
		&t.users, &t.accounts, &t.members, &t.connections, &t.assignments,
		&t.clients, &t.sites, &t.accesses, &t.setups, &t.views,
		&t.identities, &t.credentials, &t.challenges, &t.tickets, &t.guesses, &t.sessions,
		&t.requests, &t.invitations, &t.counters, &t.replies, &t.events, &t.letters,
	} {
		all = append(all, of.buckets()...)
	}
	return all
}

// The keys of the nouns, from what questions name them by.

func userKey(id accounts.UserID) string       { return key(id) }
func accountKey(id accounts.AccountID) string { return key(id) }
func memberKey(account accounts.AccountID, user accounts.UserID) string {
	return key(account, user)
}
func connectionKey(k accounts.ConnectionKey) string { return key(k.Client, k.Agency) }
func assignmentKey(k accounts.ConnectionKey, user accounts.UserID) string {
	return key(k.Client, user, k.Agency) // so that a user's routes are together
}
func clientKey(k accounts.ClientKey) string { return key(k.Account, k.ID) }
func siteKey(k accounts.SiteKey) string     { return key(k.Account, k.ID) }
func accessKey(k accounts.SiteAccessKey) string {
	return key(k.Account, k.Client, k.Site)
}
func identityKey(k accounts.IdentityKey) string { return key(k.Issuer, k.Subject) }
func challengeKey(k accounts.ChallengeKey) string {
	return key(k.User, k.Session, k.Account, k.Action)
}
func ticketKey(k access.TicketKey) string { return key(k.User, k.Purpose) }
func quotaKey(k accounts.QuotaKey) string {
	return key(k.Kind, k.Subject, k.Day)
}
func replyKey(k accounts.ReplyKey) string       { return key(k.Account, k.Actor, k.Key) }
func eventKey(op accounts.OpID, seq int) string { return key(op, seq) }
func hashKey(h token.Hash) string               { return key(h) }

// one is the entry of a row that is in an index on a condition.
func one(in bool, parts ...any) []string {
	if !in {
		return nil
	}
	return []string{key(parts...)}
}

// secret is the entry of a hash; where zero is no secret, it has none.
func secret(h token.Hash, zeroToo bool) []string {
	if h == (token.Hash{}) && !zeroToo {
		return nil
	}
	return []string{hashKey(h)}
}

func userOf(id accounts.UserID) ref            { return ref{"users", userKey(id)} }
func accountOf(id accounts.AccountID) ref      { return ref{"accounts", accountKey(id)} }
func clientOf(k accounts.ClientKey) ref        { return ref{"clients", clientKey(k)} }
func connectedBy(k accounts.ConnectionKey) ref { return ref{"connections", connectionKey(k)} }
