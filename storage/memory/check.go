package memory

import (
	"cmp"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
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
func (s *state) check(c *access.Change) error {
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
		requests: byKey(c.Requests, func(r *access.Request) requestKey { return requestKey{r.Agency, r.ID} }),
		sessions: byKey(c.Sessions, func(r *access.Session) accounts.SessionID { return r.ID }),
	}
	// What others did comes first: a caller who reads again and decides anew
	// makes another change, which may well be sound.
	for _, part := range []func(*access.Change) error{
		k.guards, k.graph, k.access, k.counters, k.keys, k.references,
	} {
		if err := part(c); err != nil {
			return err
		}
	}
	return nil
}

// wellFormed refuses what no store could make sense of, whatever it holds.
func wellFormed(c *access.Change) error {
	switch {
	case c.Op == "" && !onlyTouches(c):
		return fault("the change has no operation; only touches go without")
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
	return nil
}

// onlyTouches reports whether the change has nothing but touches.
func onlyTouches(c *access.Change) bool {
	return len(c.Guards)+len(c.Users)+len(c.Identities)+len(c.Accounts)+len(c.Memberships)+len(c.Connections)+
		len(c.Assignments)+len(c.Spend)+len(c.Replies)+len(c.Events)+len(c.CancelMail)+len(c.Requeue)+len(c.Mail)+
		len(c.Requests)+len(c.Sessions) == 0
}

// checker has the rows of a change by their keys.
type checker struct {
	*state
	users       map[accounts.UserID]*accounts.User
	accounts    map[accounts.AccountID]*accounts.Account
	memberships map[accounts.StandingKey]*accounts.Membership
	connections map[accounts.ConnectionKey]*accounts.Connection
	assignments map[assignmentKey]*accounts.Assignment
	requests    map[requestKey]*access.Request
	sessions    map[accounts.SessionID]*access.Session
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

func (k *checker) guards(c *access.Change) error {
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

// graph checks the nouns of package accounts.
func (k *checker) graph(c *access.Change) error {
	s := k.state
	return cmp.Or(
		versions("user", c.Users, k.users, func(r *accounts.User) int64 { return r.Version },
			func(id accounts.UserID) int64 { return s.users[id].held() }),
		versions("account", c.Accounts, k.accounts, func(r *accounts.Account) int64 { return r.Version },
			func(id accounts.AccountID) int64 { return s.accounts[id].held() }),
		versions("membership", c.Memberships, k.memberships, func(r *accounts.Membership) int64 { return r.Version },
			func(key accounts.StandingKey) int64 { return s.member(key.Account, key.User).held() }),
		versions("connection", c.Connections, k.connections, func(r *accounts.Connection) int64 { return r.Version },
			func(key accounts.ConnectionKey) int64 { return s.connection(key).held() }),
		versions("assignment", c.Assignments, k.assignments, func(r *accounts.Assignment) int64 { return r.Version },
			func(key assignmentKey) int64 { return s.assignment(key.ConnectionKey, key.user).held() }),
		unique("address", c.Users, s.emails, func(u *user) bool { return k.users[u.ID] != nil },
			func(r *accounts.User) (accounts.Email, bool) { return r.Email, r.Email != "" && r.DeletedAt.IsZero() }),
		unique("user name", c.Users, s.handles, func(u *user) bool { return k.users[u.ID] != nil },
			func(r *accounts.User) (string, bool) {
				key := accounts.NameKey(r.Handle)
				return key, key != "" && r.DeletedAt.IsZero()
			}),
	)
}

// access checks the nouns of package access.
func (k *checker) access(c *access.Change) error {
	s := k.state
	return cmp.Or(
		versions("request", c.Requests, k.requests, func(r *access.Request) int64 { return r.Version },
			func(key requestKey) int64 { return s.requests[key].held() }),
		versions("session", c.Sessions, k.sessions, func(r *access.Session) int64 { return r.Version },
			func(id accounts.SessionID) int64 { return s.sessions[id].held() }),
		unique("link", c.Requests, s.links,
			func(x *request) bool { return k.requests[requestKey{x.Agency, x.ID}] != nil },
			func(r *access.Request) (token.Hash, bool) { return r.Hash, true }),
		unique("session secret", c.Sessions, s.secrets,
			func(x *session) bool { return k.sessions[x.ID] != nil },
			func(r *access.Session) (token.Hash, bool) { return r.Hash, true }),
		k.pending(c.Requests),
	)
}

// pending checks that an agency has one stored pending request to an address.
func (k *checker) pending(rows []access.Request) error {
	seen := map[askedKey]bool{}
	for i := range rows {
		key := askedKey{rows[i].Agency, rows[i].Email}
		if rows[i].State != access.Pending {
			continue
		}
		if seen[key] {
			return conflict("the pending request to an address")
		}
		seen[key] = true
		for _, x := range k.asked[key] {
			if x.State == access.Pending && k.requests[requestKey{x.Agency, x.ID}] == nil {
				return conflict("the pending request to an address")
			}
		}
	}
	return nil
}

// counters checks what the change spends.
func (k *checker) counters(c *access.Change) error {
	spent := make(map[accounts.QuotaKey]int, len(c.Spend))
	for _, p := range c.Spend {
		spent[p.QuotaKey] += p.N
		if k.quotas[p.QuotaKey]+spent[p.QuotaKey] > p.Limit {
			return conflict("a counter")
		}
	}
	return nil
}

// keys checks the rows that are only ever inserted.
func (k *checker) keys(c *access.Change) error {
	identities := map[accounts.IdentityKey]bool{}
	for _, r := range c.Identities {
		key := accounts.IdentityKey{Issuer: r.Issuer, Subject: r.Subject}
		if _, ok := k.identities[key]; ok || identities[key] {
			return conflict("an identity")
		}
		identities[key] = true
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

// references checks that what rows point at is there, or comes with them.
func (k *checker) references(c *access.Change) error {
	missing := func(row, what string, id any) error {
		return fault("the %s names the %s %q, which does not exist", row, what, id)
	}
	for i := range c.Identities {
		if r := &c.Identities[i]; !k.hasUser(r.User) {
			return missing("identity", "user", r.User)
		}
	}
	for i := range c.Memberships {
		switch r := &c.Memberships[i]; {
		case !k.hasUser(r.User):
			return missing("membership", "user", r.User)
		case !k.hasAccount(r.Account):
			return missing("membership", "account", r.Account)
		}
	}
	for i := range c.Connections {
		switch r := &c.Connections[i]; {
		case !k.hasAccount(r.Client):
			return missing("connection", "client account", r.Client)
		case !k.hasAccount(r.Agency):
			return missing("connection", "agency account", r.Agency)
		}
	}
	for i := range c.Assignments {
		r := &c.Assignments[i]
		if k.connections[r.ConnectionKey] == nil && k.connection(r.ConnectionKey) == nil {
			return missing("assignment", "connection", r.ConnectionKey)
		}
		member := accounts.StandingKey{User: r.User, Account: r.Agency}
		if k.memberships[member] == nil && k.member(r.Agency, r.User) == nil {
			return missing("assignment", "membership", member)
		}
	}
	for i := range c.Requests {
		if r := &c.Requests[i]; !k.hasAccount(r.Agency) {
			return missing("request", "agency account", r.Agency)
		}
	}
	for i := range c.Sessions {
		if r := &c.Sessions[i]; !k.hasUser(r.User) {
			return missing("session", "user", r.User)
		}
	}
	return nil
}

func (k *checker) hasUser(id accounts.UserID) bool {
	return k.users[id] != nil || k.state.users[id] != nil
}

func (k *checker) hasAccount(id accounts.AccountID) bool {
	return k.accounts[id] != nil || k.state.accounts[id] != nil
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

// The versions of what may not be there.

func (u *user) held() int64 {
	if u == nil {
		return 0
	}
	return u.Version
}

func (a *account) held() int64 {
	if a == nil {
		return 0
	}
	return a.Version
}

func (m *member) held() int64 {
	if m == nil {
		return 0
	}
	return m.version
}

func (c *connection) held() int64 {
	if c == nil {
		return 0
	}
	return c.version
}

func (a *assignment) held() int64 {
	if a == nil {
		return 0
	}
	return a.version
}

func (r *request) held() int64 {
	if r == nil {
		return 0
	}
	return r.Version
}

func (s *session) held() int64 {
	if s == nil {
		return 0
	}
	return s.Version
}
