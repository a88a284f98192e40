package memory

import (
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// state is everything that is stored. It knows no lock: whoever holds one of
// its store's asks it. Its put methods store a row as it is, new or in the
// place of the one with the same key, and keep every index right; that the
// change holds has been checked before.
type state struct {
	users    map[accounts.UserID]*user
	emails   map[accounts.Email]*user // of users not deleted
	handles  map[string]*user         // by name key, of users not deleted
	accounts map[accounts.AccountID]*account
	roles    map[roles.Role]roles.Role // one text for each role

	identities  map[accounts.IdentityKey]*accounts.Identity
	credentials map[accounts.UserID]accounts.Credential
	challenges  map[accounts.ChallengeKey]*accounts.Challenge
	tickets     map[access.TicketKey]*access.Ticket
	mailed      map[token.Hash]*access.Ticket
	guesses     map[accounts.Email]access.Guesses

	requests  map[requestKey]*request
	links     map[token.Hash]*request
	asked     map[askedKey][]*request       // every request of an agency to an address
	addressed map[accounts.Email][]*request // the stored pending ones to an address

	invitations map[invitationKey]*invitation
	offers      map[token.Hash]*invitation
	invited     map[invitedKey]*invitation       // the stored pending one of an account to an address
	offeredTo   map[accounts.Email][]*invitation // the stored pending ones to an address

	recorded   map[clientAddress]*record // client records that are there
	setups     map[accounts.ClientKey]*invites.SetupLink
	setupLinks map[token.Hash]*invites.SetupLink

	views       map[accounts.ViewID]*view
	viewLinks   map[token.Hash]*view
	viewSecrets map[token.Hash]*view

	sessions map[accounts.SessionID]*session
	secrets  map[token.Hash]*session

	quotas  map[accounts.QuotaKey]int
	replies map[accounts.ReplyKey]accounts.Reply

	ops   map[accounts.OpID][]*event
	audit map[accounts.AccountID]*ordered[*event] // by time
	feed  ordered[*event]                         // those that the host has not taken, by time

	letters map[string]*letter
	ids     ordered[*letter] // all, by id
	queue   ordered[*letter] // the queued ones without a lease, by channel, priority, due time and id
	leased  ordered[*letter] // the others, by channel, until when, and id
	reasons ordered[*letter] // those that have one, by reason, when they were made, and id
}

func newState() *state {
	return &state{
		users:       map[accounts.UserID]*user{},
		emails:      map[accounts.Email]*user{},
		handles:     map[string]*user{},
		accounts:    map[accounts.AccountID]*account{},
		roles:       map[roles.Role]roles.Role{},
		identities:  map[accounts.IdentityKey]*accounts.Identity{},
		credentials: map[accounts.UserID]accounts.Credential{},
		challenges:  map[accounts.ChallengeKey]*accounts.Challenge{},
		tickets:     map[access.TicketKey]*access.Ticket{},
		mailed:      map[token.Hash]*access.Ticket{},
		guesses:     map[accounts.Email]access.Guesses{},
		requests:    map[requestKey]*request{},
		links:       map[token.Hash]*request{},
		asked:       map[askedKey][]*request{},
		addressed:   map[accounts.Email][]*request{},
		invitations: map[invitationKey]*invitation{},
		offers:      map[token.Hash]*invitation{},
		invited:     map[invitedKey]*invitation{},
		offeredTo:   map[accounts.Email][]*invitation{},
		recorded:    map[clientAddress]*record{},
		setups:      map[accounts.ClientKey]*invites.SetupLink{},
		setupLinks:  map[token.Hash]*invites.SetupLink{},
		views:       map[accounts.ViewID]*view{},
		viewLinks:   map[token.Hash]*view{},
		viewSecrets: map[token.Hash]*view{},
		sessions:    map[accounts.SessionID]*session{},
		secrets:     map[token.Hash]*session{},
		quotas:      map[accounts.QuotaKey]int{},
		replies:     map[accounts.ReplyKey]accounts.Reply{},
		ops:         map[accounts.OpID][]*event{},
		audit:       map[accounts.AccountID]*ordered[*event]{},
		letters:     map[string]*letter{},
	}
}

// clone returns a copy that shares nothing that can change. It takes a time
// that grows with everything stored.
func (s *state) clone() *state {
	c := newState()
	for _, u := range s.users {
		c.putUser(u.User)
	}
	for _, i := range s.identities {
		c.putIdentity(*i)
	}
	for _, r := range s.credentials {
		c.putCredential(r)
	}
	for _, x := range s.challenges {
		c.putChallenge(*x)
	}
	for _, x := range s.tickets {
		c.putTicket(*x)
	}
	for _, r := range s.guesses {
		c.putGuesses(r)
	}
	for _, a := range s.accounts {
		c.putAccount(a.Account)
	}
	for _, a := range s.accounts {
		for m := range a.members.all() {
			c.putMembership(m.row())
		}
	}
	for _, a := range s.accounts {
		for x := range a.clients.all() {
			c.putConnection(x.row())
		}
	}
	for _, a := range s.accounts {
		for x := range a.assigned.all() {
			c.putAssignment(x.row())
		}
	}
	for _, r := range s.requests {
		c.putRequest(r.Request)
	}
	for _, x := range s.invitations {
		c.putInvitation(x.Invitation)
	}
	for _, a := range s.accounts {
		if a.book != nil {
			c.copyBook(a.book)
		}
	}
	for _, x := range s.setups {
		c.putSetupLink(*x)
	}
	for _, x := range s.sessions {
		c.putSession(x.Session)
	}
	for _, x := range s.views {
		c.putView(x.ViewAs)
	}
	for key, used := range s.quotas {
		c.quotas[key] = used
	}
	for key, r := range s.replies {
		c.replies[key] = r // its bytes are never written to
	}
	for _, events := range s.ops {
		for _, e := range events {
			c.putEvent(*e)
		}
	}
	for _, l := range s.letters {
		c.putLetter(*l)
	}
	return c
}

// role returns the one text of a role.
func (s *state) role(r roles.Role) roles.Role {
	if known, ok := s.roles[r]; ok {
		return known
	}
	r = roles.Role(strings.Clone(string(r)))
	s.roles[r] = r
	return r
}

// requestID returns the text of a stored request's id, if there is such a one.
func (s *state) requestID(agency accounts.AccountID, id accounts.RequestID) accounts.RequestID {
	if r := s.requests[requestKey{agency, id}]; r != nil {
		return r.ID
	}
	return id
}

// userID returns the text of a stored user's id, if there is such a one.
func (s *state) userID(id accounts.UserID) accounts.UserID {
	if u := s.users[id]; u != nil {
		return u.ID
	}
	return id
}

func (s *state) member(account accounts.AccountID, user accounts.UserID) *member {
	a, u := s.accounts[account], s.users[user]
	if a == nil || u == nil {
		return nil
	}
	return a.member(u)
}

// member returns the user's membership, nil if there is none.
func (a *account) member(u *user) *member {
	if len(a.members.few) <= 8 && a.members.many == nil {
		// Of few, looking at each is quicker than comparing ids, for which
		// the other members' rows would be read.
		for _, m := range a.members.few {
			if m.user == u {
				return m
			}
		}
		return nil
	}
	m, _ := a.members.find(func(m *member) int { return strings.Compare(string(m.user.ID), string(u.ID)) })
	return m
}

func (s *state) connection(key accounts.ConnectionKey) *connection {
	client, agency := s.accounts[key.Client], s.accounts[key.Agency]
	if client == nil || agency == nil {
		return nil
	}
	probe := connection{agency: agency}
	c, _ := client.agencies.find(func(c *connection) int { return byAgency(c, &probe) })
	return c
}

func (s *state) assignment(key accounts.ConnectionKey, user accounts.UserID) *assignment {
	client := s.accounts[key.Client]
	if client == nil {
		return nil
	}
	a, _ := client.assigned.find(func(a *assignment) int {
		if by := strings.Compare(string(a.member.user.ID), string(user)); by != 0 {
			return by
		}
		return strings.Compare(string(a.conn.agency.ID), string(key.Agency))
	})
	return a
}

func (s *state) putUser(r accounts.User) {
	trim(&r.EpochAt, &r.SuspendedAt, &r.DeletedAt, &r.CreatedAt, &r.UpdatedAt)
	u := s.users[r.ID]
	if u == nil {
		u = &user{}
		s.users[r.ID] = u
	} else {
		// The change may give what this user leaves to another user, whose
		// row may have been put first.
		if s.emails[u.Email] == u {
			delete(s.emails, u.Email)
		}
		if s.handles[u.handle] == u {
			delete(s.handles, u.handle)
		}
	}
	label := accounts.NameKey(r.Label())
	var moving []*member
	if label != u.label {
		moving = u.memberships.rows()
	}
	for _, m := range moving {
		m.account.labels.remove(m, byLabel)
	}
	flips := u.DeletedAt.IsZero() != r.DeletedAt.IsZero()
	if flips {
		u.sit(-1)
	}
	u.User, u.label, u.handle = r, label, accounts.NameKey(r.Handle)
	if flips {
		u.sit(+1)
	}
	for _, m := range moving {
		m.account.labels.insert(m, byLabel)
	}
	if u.DeletedAt.IsZero() && u.Email != "" {
		s.emails[u.Email] = u
	}
	if u.DeletedAt.IsZero() && u.handle != "" {
		s.handles[u.handle] = u
	}
}

// sit adds the user's seats to the accounts' counts, or takes them off.
func (u *user) sit(sign int) {
	for m := range u.memberships.all() {
		m.account.seated += sign * m.seats()
	}
}

func (s *state) putAccount(r accounts.Account) {
	trim(&r.ProgrammeAt, &r.ClientAccessAt, &r.SuspendedAt, &r.ClosedAt, &r.CreatedAt, &r.UpdatedAt)
	key := accounts.NameKey(r.Name)
	a := s.accounts[r.ID]
	switch {
	case a == nil:
		a = &account{key: key}
		s.accounts[r.ID] = a
	case a.key != key:
		a.rename(key)
	}
	a.Account = r
}

// rename moves the account to its new place in the lists of everybody who has
// a tie to it.
func (a *account) rename(key string) {
	members, assigned, agencies, clients := a.members.rows(), a.assigned.rows(), a.agencies.rows(), a.clients.rows()
	records := a.joined()
	for _, m := range members {
		m.user.memberships.remove(m, byAccount)
	}
	for _, x := range assigned {
		x.member.user.assignments.remove(x, byPlace)
	}
	for _, c := range agencies {
		c.agency.clients.remove(c, byClient)
	}
	for _, c := range clients {
		c.client.agencies.remove(c, byAgency)
	}
	for _, x := range records {
		x.user.records.remove(x, byKeeper)
	}
	a.key = key
	for _, m := range members {
		m.user.memberships.insert(m, byAccount)
	}
	for _, x := range assigned {
		x.member.user.assignments.insert(x, byPlace)
	}
	for _, c := range agencies {
		c.agency.clients.insert(c, byClient)
	}
	for _, c := range clients {
		c.client.agencies.insert(c, byAgency)
	}
	for _, x := range records {
		x.user.records.insert(x, byKeeper)
	}
}

func (s *state) putMembership(r accounts.Membership) {
	r.Role = s.role(r.Role)
	m := s.member(r.Account, r.User)
	if m != nil {
		m.account.seated -= m.seats()
		m.set(r)
		m.account.seated += m.seats()
		return
	}
	m = &member{account: s.accounts[r.Account], user: s.users[r.User]}
	m.set(r)
	m.account.seated += m.seats()
	m.account.members.insert(m, byUser)
	m.account.labels.insert(m, byLabel)
	m.user.memberships.insert(m, byAccount)
}

func (s *state) putConnection(r accounts.Connection) {
	r.Cap, r.Request, r.Approver = s.role(r.Cap), s.requestID(r.Agency, r.Request), s.userID(r.Approver)
	c := s.connection(r.ConnectionKey)
	if c != nil {
		c.set(r)
		return
	}
	c = &connection{client: s.accounts[r.Client], agency: s.accounts[r.Agency]}
	c.set(r)
	c.client.agencies.insert(c, byAgency)
	c.agency.clients.insert(c, byClient)
}

func (s *state) putAssignment(r accounts.Assignment) {
	r.Role = s.role(r.Role)
	a := s.assignment(r.ConnectionKey, r.User)
	if a != nil {
		a.set(r)
		return
	}
	a = &assignment{conn: s.connection(r.ConnectionKey), member: s.member(r.Agency, r.User)}
	a.set(r)
	a.conn.client.assigned.insert(a, byAssigned)
	a.member.user.assignments.insert(a, byPlace)
}

// putSpend takes from a counter.
func (s *state) putSpend(r accounts.Spend) { s.quotas[r.QuotaKey] += r.N }

func (s *state) putReply(r accounts.Reply) {
	trim(&r.CreatedAt, &r.ExpiresAt)
	r.Answer = append([]byte(nil), r.Answer...)
	s.replies[r.ReplyKey] = r
}
