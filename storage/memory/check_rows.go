package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// graph checks the nouns of package accounts.
func (k *checker) graph(c *change) error {
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

// logins checks how people log in.
func (k *checker) logins(c *change) error {
	s := k.state
	challenge := func(r *accounts.Challenge) int64 { return r.Version }
	ticket := func(r *access.Ticket) int64 { return r.Version }
	return cmp.Or(
		versions("credential", c.Credentials, k.credentials, func(r *accounts.Credential) int64 { return r.Version },
			func(id accounts.UserID) int64 { return s.credentials[id].Version }),
		versions("challenge", c.Challenges, k.challenges, challenge,
			func(key accounts.ChallengeKey) int64 { return held(s.challenges[key], challenge) }),
		versions("ticket", c.Tickets, k.tickets, ticket,
			func(key access.TicketKey) int64 { return held(s.tickets[key], ticket) }),
		versions("count of tries", c.Guesses, k.guesses, func(r *access.Guesses) int64 { return r.Version },
			func(email accounts.Email) int64 { return s.guesses[email].Version }),
		unique("mailed link", c.Tickets, s.mailed,
			func(x *access.Ticket) bool { return k.tickets[x.TicketKey] != nil },
			func(r *access.Ticket) (token.Hash, bool) { return r.Hash, true }),
	)
}

// access checks the nouns of package access.
func (k *checker) access(c *change) error {
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

// invites checks the nouns of package invites.
func (k *checker) invites(c *change) error {
	s := k.state
	written := func(x *invitation) bool { return k.invitations[x.key()] != nil }
	return cmp.Or(
		versions("invitation", c.Invitations, k.invitations, func(r *invites.Invitation) int64 { return r.Version },
			func(key invitationKey) int64 { return s.invitations[key].held() }),
		unique("invitation's link", c.Invitations, s.offers, written,
			func(r *invites.Invitation) (token.Hash, bool) { return r.Hash, true }),
		unique("pending invitation to an address", c.Invitations, s.invited, written,
			func(r *invites.Invitation) (invitedKey, bool) {
				return invitedKey{r.Account, r.Email}, r.State == invites.Pending
			}),
	)
}

// references checks that what rows point at is there, or comes with them.
func (k *checker) references(c *change) error {
	for i := range c.Identities {
		if r := &c.Identities[i]; !k.hasUser(r.User) {
			return missing("identity", "user", r.User)
		}
	}
	for i := range c.Credentials {
		if r := &c.Credentials[i]; !k.hasUser(r.User) {
			return missing("credential", "user", r.User)
		}
	}
	for i := range c.Challenges {
		if r := &c.Challenges[i]; !k.hasUser(r.User) {
			return missing("challenge", "user", r.User)
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
	for i := range c.Tickets {
		if r := &c.Tickets[i]; !k.hasUser(r.User) {
			return missing("ticket", "user", r.User)
		}
	}
	for i := range c.Invitations {
		if r := &c.Invitations[i]; !k.hasAccount(r.Account) {
			return missing("invitation", "account", r.Account)
		}
	}
	return nil
}

func missing(row, what string, id any) error {
	return fault("the %s names the %s %q, which does not exist", row, what, id)
}

func (k *checker) hasUser(id accounts.UserID) bool {
	return k.users[id] != nil || k.state.users[id] != nil
}

func (k *checker) hasAccount(id accounts.AccountID) bool {
	return k.accounts[id] != nil || k.state.accounts[id] != nil
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

func (x *invitation) held() int64 {
	if x == nil {
		return 0
	}
	return x.Version
}

func held[R any](row *R, version func(*R) int64) int64 {
	if row == nil {
		return 0
	}
	return version(row)
}
