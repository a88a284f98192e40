package memory

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// fault returns an error that says that a caller, and not the moment, is wrong.
func fault(format string, args ...any) error {
	return fmt.Errorf("memory: "+format, args...)
}

// conflict returns an error that matches accounts.ErrConflict and names what
// did not hold.
func conflict(what string) error { return fmt.Errorf("%w (%s)", accounts.ErrConflict, what) }

// check decides whether a change holds, and writes nothing. Everything that
// can be wrong is found here, so that what comes afterwards cannot fail.
func (s *state) check(c *change) error {
	if err := wellFormed(c); err != nil {
		return err
	}
	k := checker{
		state:       s,
		users:       byKey(c.Users, func(r *accounts.User) accounts.UserID { return r.ID }),
		accounts:    byKey(c.Accounts, func(r *accounts.Account) accounts.AccountID { return r.ID }),
		memberships: byKey(c.Memberships, membershipKey),
		connections: byKey(c.Connections, connectionKey),
		assignments: byKey(c.Assignments, func(r *accounts.Assignment) assignmentKey {
			return assignmentKey{r.ConnectionKey, r.User}
		}),
		credentials: byKey(c.Credentials, func(r *accounts.Credential) accounts.UserID { return r.User }),
		challenges:  byKey(c.Challenges, func(r *accounts.Challenge) accounts.ChallengeKey { return r.ChallengeKey }),
		requests:    byKey(c.Requests, func(r *access.Request) requestKey { return requestKey{r.Agency, r.ID} }),
		sessions:    byKey(c.Sessions, func(r *access.Session) accounts.SessionID { return r.ID }),
		tickets:     byKey(c.Tickets, func(r *access.Ticket) access.TicketKey { return r.TicketKey }),
		guesses:     byKey(c.Guesses, func(r *access.Guesses) accounts.Email { return r.Email }),
		invitations: byKey(c.Invitations, func(r *invites.Invitation) invitationKey { return invitationKey{r.Account, r.ID} }),
		clients:     byKey(c.Clients, func(r *accounts.Client) accounts.ClientKey { return r.ClientKey }),
		sites:       byKey(c.Sites, func(r *accounts.Site) accounts.SiteKey { return r.SiteKey }),
		accesses:    byKey(c.SiteAccess, func(r *accounts.SiteAccess) accounts.SiteAccessKey { return r.SiteAccessKey }),
		setups:      byKey(c.SetupLinks, func(r *invites.SetupLink) accounts.ClientKey { return r.ClientKey }),
		views:       byKey(c.Views, func(r *access.ViewAs) accounts.ViewID { return r.ID }),
	}
	// What others did comes first: a caller who reads again and decides anew
	// makes another change, which may well be sound.
	for _, part := range []func(*change) error{
		k.guards, k.graph, k.logins, k.access, k.invites, k.book, k.counters, k.keys, k.references, k.bookReferences,
	} {
		if err := part(c); err != nil {
			return err
		}
	}
	return nil
}

// wellFormed refuses what no store could make sense of, whatever it holds.
func wellFormed(c *change) error {
	switch {
	case c.Op == "" && !onlyNotes(c):
		return fault("the change has no operation; only touches, guesses and counters go without")
	case c.Op != "" && len(c.Events) == 0:
		return fault("the operation %q has no event", c.Op)
	}
	for i := range c.Events {
		if c.Events[i].Op != c.Op {
			return fault("an event of the operation %q carries another's id, %q", c.Op, c.Events[i].Op)
		}
	}
	for _, g := range c.Guards {
		if (g.Account == "") == (g.User == "") {
			return fault("a guard names an account or a user, and not both or neither")
		}
		for i := range c.Accounts {
			if c.Accounts[i].ID == g.Account {
				return fault("the change guards the account %q and writes it too; its own version is its guard", g.Account)
			}
		}
	}
	for _, p := range c.Spend {
		if p.N < 0 {
			return fault("a counter never falls: the change spends %d", p.N)
		}
	}
	for i := range c.Mail {
		if c.Mail[i].Channel == "" {
			return fault("the message %q has no channel, so nobody would ever send it", c.Mail[i].ID)
		}
	}
	return nil
}

// onlyNotes reports whether the change has nothing but notes and counts, which
// nobody decided.
func onlyNotes(c *change) bool {
	return len(c.Guards)+len(c.Users)+len(c.Identities)+len(c.Unlink)+len(c.Credentials)+len(c.Challenges)+
		len(c.Accounts)+len(c.Memberships)+len(c.Connections)+len(c.Assignments)+len(c.Replies)+len(c.Events)+
		len(c.CancelMail)+len(c.Requeue)+len(c.Bounced)+len(c.Mail)+len(c.Forget)+
		len(c.Clients)+len(c.Sites)+len(c.SiteAccess)+len(c.SetupLinks)+len(c.Views)+
		len(c.Requests)+len(c.Sessions)+len(c.Tickets)+len(c.Invitations) == 0
}

// checker has the rows of a change by their keys.
type checker struct {
	*state
	users       map[accounts.UserID]*accounts.User
	accounts    map[accounts.AccountID]*accounts.Account
	memberships map[accounts.StandingKey]*accounts.Membership
	connections map[accounts.ConnectionKey]*accounts.Connection
	assignments map[assignmentKey]*accounts.Assignment
	credentials map[accounts.UserID]*accounts.Credential
	challenges  map[accounts.ChallengeKey]*accounts.Challenge
	requests    map[requestKey]*access.Request
	sessions    map[accounts.SessionID]*access.Session
	tickets     map[access.TicketKey]*access.Ticket
	guesses     map[accounts.Email]*access.Guesses
	invitations map[invitationKey]*invites.Invitation
	clients     map[accounts.ClientKey]*accounts.Client
	sites       map[accounts.SiteKey]*accounts.Site
	accesses    map[accounts.SiteAccessKey]*accounts.SiteAccess
	setups      map[accounts.ClientKey]*invites.SetupLink
	views       map[accounts.ViewID]*access.ViewAs
}

type assignmentKey struct {
	accounts.ConnectionKey
	user accounts.UserID
}

func membershipKey(r *accounts.Membership) accounts.StandingKey {
	return accounts.StandingKey{User: r.User, Account: r.Account}
}

func connectionKey(r *accounts.Connection) accounts.ConnectionKey { return r.ConnectionKey }

func byKey[K comparable, R any](rows []R, key func(*R) K) map[K]*R {
	if len(rows) == 0 {
		return nil
	}
	m := make(map[K]*R, len(rows))
	for i := range rows {
		m[key(&rows[i])] = &rows[i]
	}
	return m
}

func (k *checker) guards(c *change) error {
	moved := map[accounts.AccountID]int64{}
	for _, g := range c.Guards {
		if g.User != "" {
			if u := k.state.users[g.User]; u == nil || u.Epoch != g.Epoch {
				return conflict("the epoch of a guarded user")
			}
			continue
		}
		a := k.state.accounts[g.Account]
		if a == nil || a.Version+moved[g.Account] != g.Version {
			return conflict("the version of a guarded account")
		}
		if g.Move {
			moved[g.Account]++
		}
	}
	return nil
}

// counters checks what the change spends.
func (k *checker) counters(c *change) error {
	spent := make(map[accounts.QuotaKey]int, len(c.Spend))
	for _, p := range c.Spend {
		spent[p.QuotaKey] += p.N
		if k.quotas[p.QuotaKey]+spent[p.QuotaKey] > p.Limit {
			return conflict("a counter")
		}
	}
	return nil
}

// keys checks the rows that have no version.
func (k *checker) keys(c *change) error {
	unlinked := map[accounts.IdentityKey]bool{}
	for _, key := range c.Unlink {
		if k.identities[key] == nil || unlinked[key] {
			return conflict("an identity that is taken away")
		}
		unlinked[key] = true
	}
	identities := map[accounts.IdentityKey]bool{}
	for i := range c.Identities {
		key := c.Identities[i].Key()
		if k.identities[key] != nil && !unlinked[key] || identities[key] {
			return conflict("an identity")
		}
		identities[key] = true
	}
	bounced := map[string]bool{}
	for _, b := range c.Bounced {
		if x := k.letters[b.ID]; x == nil || x.state != mail.Sent || bounced[b.ID] {
			return conflict("a message that came back")
		}
		bounced[b.ID] = true
	}
	replies := map[accounts.ReplyKey]bool{}
	for i := range c.Replies {
		r := &c.Replies[i]
		if old, ok := k.replies[r.ReplyKey]; ok && micros(old.ExpiresAt) > micros(r.CreatedAt) || replies[r.ReplyKey] {
			return conflict("an idempotency key")
		}
		replies[r.ReplyKey] = true
	}
	events := make(map[eventKey]bool, len(c.Events))
	for i := range c.Events {
		key := eventKey{c.Events[i].Op, c.Events[i].Seq}
		if events[key] || k.event(key) != nil {
			return conflict("an event")
		}
		events[key] = true
	}
	return nil
}

// versions checks that each row is given once, and with the stored version,
// which is 0 if there is none.
func versions[K comparable, R any](
	what string, rows []R, given map[K]*R, version func(*R) int64, stored func(K) int64,
) error {
	if len(given) != len(rows) {
		return conflict("one " + what + " twice")
	}
	for key, r := range given {
		if version(r) != stored(key) {
			return conflict("the version of the " + what)
		}
	}
	return nil
}

// unique checks that no two rows hold one key once the change is made. A
// stored holder that the change writes counts as what it becomes, and that is
// among the rows.
func unique[K comparable, R, S any](
	what string, rows []R, holders map[K]*S, written func(*S) bool, key func(*R) (K, bool),
) error {
	if len(rows) == 0 {
		return nil
	}
	seen := make(map[K]bool, len(rows))
	for i := range rows {
		v, holds := key(&rows[i])
		if !holds {
			continue
		}
		if holder := holders[v]; seen[v] || holder != nil && !written(holder) {
			return conflict("one " + what + " twice")
		}
		seen[v] = true
	}
	return nil
}
