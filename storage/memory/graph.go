package memory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// limited returns how many entries a page has.
func limited(limit int) int {
	if limit <= 0 {
		return 50
	}
	return limit
}

func (s *state) user(key accounts.UserKey) (accounts.User, error) {
	u := s.named(key)
	if u == nil {
		return accounts.User{}, accounts.ErrNotFound
	}
	return u.User, nil
}

// named returns the user that the one filled field of a key names, nil if there
// is none.
func (s *state) named(key accounts.UserKey) *user {
	var u *user
	switch {
	case key.ID != "":
		u = s.users[key.ID]
	case key.Email != "":
		u = s.emails[key.Email]
	case key.Handle != "":
		u = s.handles[key.Handle]
	case key.Identity != accounts.IdentityKey{}:
		if i := s.identities[key.Identity]; i != nil && s.users[i.User].DeletedAt.IsZero() {
			u = s.users[i.User]
		}
	}
	return u
}

func (s *state) account(id accounts.AccountID) (accounts.Account, error) {
	a := s.accounts[id]
	if a == nil {
		return accounts.Account{}, accounts.ErrNotFound
	}
	return a.Account, nil
}

func (s *state) standing(key accounts.StandingKey, into *accounts.Standing) {
	s.standingOf(s.users[key.User], s.accounts[key.Account], into)
}

// standingOf fills in a standing; either end may be missing.
func (s *state) standingOf(u *user, a *account, into *accounts.Standing) {
	if u != nil {
		into.User = u.UserState
	}
	if a != nil {
		into.Account = a.AccountState
	}
	if u == nil || a == nil {
		return
	}
	if m := a.member(u); m != nil {
		into.Member = m.state()
	}
	if x := u.record(a); x != nil {
		into.Client = x.ClientState
	}
	into.Routes = a.routes(u)
}

// routes returns the user's routes to a client account, by agency id, in one
// piece of memory.
func (a *account) routes(u *user) []accounts.Route {
	first := a.assigned.walk(func(x *assignment) bool { return x.member.user != u && x.member.user.ID < u.ID })
	n := 0
	for up := first; ; n++ {
		if x, ok := up.next(); !ok || x.member.user != u {
			break
		}
	}
	if n == 0 {
		return nil
	}
	routes := make([]accounts.Route, n)
	for i := range routes {
		x, _ := first.next()
		routes[i] = x.route()
	}
	return routes
}

func (s *state) reachers(q accounts.ReachersQuery) []accounts.Standing {
	a := s.accounts[q.Account]
	if a == nil {
		return nil
	}
	behind := func(u *user) bool { return u.ID > q.After }
	members := a.members.walk(func(m *member) bool { return !behind(m.user) })
	assigned := a.assigned.walk(func(x *assignment) bool { return !behind(x.member.user) })
	limit := limited(q.Limit)
	var page []accounts.Standing
	m, isMember := members.next()
	if q.Agency != "" {
		isMember = false
	}
	x, isAssigned := assigned.next()
	for (isMember || isAssigned) && len(page) < limit {
		var u *user
		if isMember && (!isAssigned || m.user.ID <= x.member.user.ID) {
			u = m.user
			m, isMember = members.next()
		}
		if isAssigned && (u == nil || u == x.member.user) {
			next := x.member.user
			for isAssigned && x.member.user == next {
				if q.Agency == "" || q.Agency == x.conn.agency.ID {
					u = next
				}
				x, isAssigned = assigned.next()
			}
		}
		if u != nil {
			page = append(page, accounts.Standing{})
			s.standingOf(u, a, &page[len(page)-1])
		}
	}
	return page
}

func (s *state) owned(id accounts.UserID, top roles.Role) []accounts.Account {
	u := s.users[id]
	if u == nil || !u.DeletedAt.IsZero() {
		return nil
	}
	var all []accounts.Account
	for m := range u.memberships.all() {
		if m.role == top && m.state().Active() && m.account.Open() {
			all = append(all, m.account.Account)
		}
	}
	slices.SortFunc(all, func(a, b accounts.Account) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// owners returns the active owners, by user id.
func (a *account) owners(top roles.Role) []accounts.Contact {
	var all []accounts.Contact
	for m := range a.members.all() {
		if m.role == top && m.state().Active() && m.user.DeletedAt.IsZero() {
			all = append(all, m.user.Contact())
		}
	}
	return all
}

func (s *state) membership(key accounts.StandingKey) accounts.Membership {
	if m := s.member(key.Account, key.User); m != nil {
		return m.row()
	}
	return accounts.Membership{Account: key.Account, User: key.User}
}

func (s *state) linked(q accounts.LinkedQuery) (accounts.Linked, error) {
	client, agency := s.accounts[q.Client], s.accounts[q.Agency]
	if client == nil || agency == nil {
		return accounts.Linked{}, accounts.ErrNotFound
	}
	l := accounts.Linked{
		Connection: accounts.Connection{ConnectionKey: q.ConnectionKey}, Client: client.Account, Agency: agency.Account,
		ClientOwners: client.owners(q.Top), AgencyOwners: agency.owners(q.Top),
	}
	if c := s.connection(q.ConnectionKey); c != nil {
		l.Connection = c.row()
	}
	if q.User == "" {
		return l, nil
	}
	l.Member = s.membership(accounts.StandingKey{User: q.User, Account: q.Agency})
	l.Assignment = accounts.Assignment{ConnectionKey: q.ConnectionKey, User: q.User}
	if a := s.assignment(q.ConnectionKey, q.User); a != nil {
		l.Assignment = a.row()
	}
	return l, nil
}

func (s *state) members(q accounts.MemberQuery) []accounts.Member {
	a := s.accounts[q.Account]
	if a == nil {
		return nil
	}
	notBehind := func(m *member) bool {
		return cmp.Or(cmp.Compare(m.user.label, q.After.NameKey), cmp.Compare(m.user.ID, q.After.User)) <= 0
	}
	part, limit := accounts.NameKey(q.Search), limited(q.Limit)
	var page []accounts.Member
	for m := range a.labels.from(notBehind) {
		u := m.user
		if m.ended != 0 || !strings.Contains(u.label, part) && !strings.Contains(u.handle, part) &&
			!strings.Contains(string(u.Email), part) {
			continue
		}
		if (q.Match != accounts.MemberRef{}) && !u.fits(q.Match) {
			continue
		}
		if page = append(page, accounts.Member{Membership: m.row(), User: u.User}); len(page) == limit {
			break
		}
	}
	return page
}

// fits reports whether any filled field of the reference is the user's.
func (u *user) fits(ref accounts.MemberRef) bool {
	return ref.ID != "" && ref.ID == u.ID || ref.Email != "" && ref.Email == u.Email ||
		ref.Handle != "" && ref.Handle == u.handle || ref.NameKey != "" && ref.NameKey == accounts.NameKey(u.Name)
}

func (s *state) connections(q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	if (q.Client == "") == (q.Agency == "") {
		return nil, fault("a query for connections names exactly one of client and agency")
	}
	a := s.accounts[cmp.Or(q.Client, q.Agency)]
	if a == nil {
		return nil, nil
	}
	list, other := &a.clients, func(c *connection) *account { return c.client }
	if q.Client != "" {
		list, other = &a.agencies, func(c *connection) *account { return c.agency }
	}
	notBehind := func(c *connection) bool {
		return cmp.Or(cmp.Compare(other(c).key, q.After.NameKey), cmp.Compare(other(c).ID, q.After.Account)) <= 0
	}
	part, limit := accounts.NameKey(q.Search), limited(q.Limit)
	var page []accounts.Connected
	for c := range list.from(notBehind) {
		o := other(c)
		if !c.counts() || !strings.Contains(o.key, part) {
			continue
		}
		if page = append(page, accounts.Connected{Connection: c.row(), Other: o.AccountState}); len(page) == limit {
			break
		}
	}
	return page, nil
}
