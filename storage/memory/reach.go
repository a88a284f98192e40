package memory

import (
	"cmp"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// reach walks the user's memberships, client records and assignments at once,
// each in the order of the page.
func (s *state) reach(q accounts.ReachQuery) []accounts.Reached {
	u := s.users[q.User]
	if u == nil {
		return nil
	}
	behind := func(a *account, agency accounts.AccountID) bool {
		return cmp.Or(cmp.Compare(a.key, q.After.NameKey), cmp.Compare(a.ID, q.After.Account),
			cmp.Compare(agency, q.After.Agency)) > 0
	}
	members := u.memberships.walk(func(m *member) bool { return !behind(m.account, "") })
	records := u.records.walk(func(x *record) bool { return !behind(x.account, "") })
	assigned := u.assignments.walk(func(x *assignment) bool { return !behind(x.conn.client, x.conn.agency.ID) })
	m, isMember := members.next()
	r, isClient := records.next()
	x, isAssigned := assigned.next()
	part, limit := accounts.NameKey(q.Search), limited(q.Limit)
	var page []accounts.Reached
	for (isMember || isClient || isAssigned) && len(page) < limit {
		// At one account the direct routes come before those through agencies.
		var a *account
		switch {
		case isMember && (!isClient || upTo(m.account, r.account)) && (!isAssigned || upTo(m.account, x.conn.client)):
			if a = m.account; strings.Contains(a.key, part) && m.role != "" && m.ended == 0 && !u.barred(a, m, q.Proof) {
				page = append(page, accounts.Reached{
					Account: a.ID, Name: a.Name, Kind: accounts.RouteMember, Role: m.role,
				})
			}
			m, isMember = members.next()
		case isClient && (!isAssigned || upTo(r.account, x.conn.client)):
			if a = r.account; strings.Contains(a.key, part) && !u.barred(a, a.member(u), q.Proof) && r.Counts(q.Proof) {
				page = append(page, accounts.Reached{
					Account: a.ID, Name: a.Name, Kind: accounts.RouteClient, Client: r.ID,
				})
			}
			r, isClient = records.next()
		default:
			if a = x.conn.client; strings.Contains(a.key, part) && !u.barred(a, a.member(u), q.Proof) && x.route().Counts(q.Proof) {
				page = append(page, accounts.Reached{
					Account: a.ID, Name: a.Name, Kind: accounts.RouteDelegate, Agency: x.conn.agency.ID,
					AgencyName: x.conn.agency.Name, Role: x.role, Cap: x.conn.limit,
				})
			}
			x, isAssigned = assigned.next()
		}
	}
	return page
}

// upTo reports whether an account is another, or comes before it.
func upTo(a, b *account) bool {
	return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.ID, b.ID)) <= 0
}

// barred reports whether the user is kept out of an account by every route.
// The membership may be missing.
func (u *user) barred(a *account, m *member, p accounts.Proof) bool {
	s := accounts.Standing{User: u.UserState, Account: a.AccountState}
	if m != nil {
		s.Member = m.state()
	}
	if x := u.record(a); x != nil {
		s.Client = x.ClientState
	}
	return s.Barred(p)
}
