package customstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// User implements [accounts.Reader].
func (s *Store) User(ctx context.Context, k accounts.UserKey) (accounts.User, error) {
	return ask(ctx, s, func(x *txn) accounts.User { return found(x, x.user(k)) })
}

// user returns the user that the one filled field of a key names, nil if there
// is none.
func (x *txn) user(k accounts.UserKey) *accounts.User {
	switch {
	case k.ID != "":
		return x.users.get(userKey(k.ID))
	case k.Email != "":
		return x.users.find("email", key(k.Email))
	case k.Handle != "":
		return x.users.find("handle", key(k.Handle))
	}
	if i := x.identities.get(identityKey(k.Identity)); i != nil {
		if u := x.users.get(userKey(i.User)); u != nil && u.DeletedAt.IsZero() {
			return u
		}
	}
	return nil
}

// Account implements [accounts.Reader].
func (s *Store) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return ask(ctx, s, func(x *txn) accounts.Account { return found(x, x.accounts.get(accountKey(id))) })
}

// Standings implements [accounts.Reader].
func (s *Store) Standings(ctx context.Context, keys []accounts.StandingKey) ([]accounts.Standing, error) {
	return ask(ctx, s, func(x *txn) []accounts.Standing {
		all := make([]accounts.Standing, len(keys))
		for i, k := range keys {
			all[i] = x.standing(k)
		}
		return all
	})
}

func (x *txn) standing(k accounts.StandingKey) (s accounts.Standing) {
	u, a := x.users.get(userKey(k.User)), x.accounts.get(accountKey(k.Account))
	if u != nil {
		s.User = u.UserState
	}
	if a != nil {
		s.Account = a.AccountState
	}
	if u != nil && a != nil {
		x.atAccount(&s, k)
		for r := range x.assignments.up("", key(k.Account, k.User), "") { // which are by agency
			s.Routes = append(s.Routes, x.route(r))
		}
	}
	return s
}

// atAccount fills in what can bar a user from an account: their membership, and
// the client record as which they are there.
func (x *txn) atAccount(s *accounts.Standing, k accounts.StandingKey) {
	if m := x.members.get(memberKey(k.Account, k.User)); m != nil {
		s.Member = m.Row.MemberState
	}
	if c := x.clients.find("user", key(k.Account, k.User)); c != nil {
		s.Client = c.Row.ClientState
	}
}

// route returns the way into the client account that an assignment is.
func (x *txn) route(r *assignment) accounts.Route {
	return accounts.Route{
		Agency:     x.accounts.need(accountKey(r.Row.Agency)).AccountState,
		Connection: x.connections.need(connectionKey(r.Row.ConnectionKey)).Row.ConnectionState,
		Member:     x.members.need(memberKey(r.Row.Agency, r.Row.User)).Row.MemberState,
		Assignment: r.Row.AssignmentState,
	}
}

// Reach implements [accounts.Reader]. There are three ways into an account, each
// with an index in the order of the page: a page of each holds the page of all.
func (s *Store) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	return ask(ctx, s, func(x *txn) []accounts.Reached {
		u := x.users.get(userKey(q.User))
		if u == nil {
			return nil
		}
		part, own := accounts.NameKey(q.Search), userKey(q.User)
		direct := past(key(q.User, q.After.NameKey, q.After.Account))
		through := past(key(q.User, q.After.NameKey, q.After.Account, q.After.Agency))
		barred := func(a *accounts.Account) bool {
			st := accounts.Standing{User: u.UserState, Account: a.AccountState}
			x.atAccount(&st, accounts.StandingKey{User: q.User, Account: a.ID})
			return st.Barred(q.Proof)
		}
		var all []accounts.Reached
		n := 0 // of one way
		add := func(a *accounts.Account, r accounts.Reached) bool {
			r.Account, r.Name = a.ID, a.Name
			all = append(all, r)
			n++
			return n < page(q.Limit)
		}
		for m := range x.members.up("reach", own, direct) {
			if !strings.Contains(m.Account, part) || m.Row.Role == "" {
				continue
			}
			a := x.accounts.need(accountKey(m.Row.Account))
			if !barred(a) && !add(a, accounts.Reached{Kind: accounts.RouteMember, Role: m.Row.Role}) {
				break
			}
		}
		n = 0
		for c := range x.clients.up("reach", own, direct) {
			if !strings.Contains(c.Account, part) || !c.Row.Counts(q.Proof) {
				continue
			}
			a := x.accounts.need(accountKey(c.Row.Account))
			if !barred(a) && !add(a, accounts.Reached{Kind: accounts.RouteClient, Client: c.Row.ID}) {
				break
			}
		}
		n = 0
		for r := range x.assignments.up("reach", own, through) {
			if !strings.Contains(r.Client, part) {
				continue
			}
			route, a := x.route(r), x.accounts.need(accountKey(r.Row.Client))
			if route.Counts(q.Proof) && !barred(a) && !add(a, accounts.Reached{
				Kind: accounts.RouteDelegate, Agency: r.Row.Agency, AgencyName: route.Agency.Name, Role: r.Row.Role,
				Cap: route.Connection.Cap,
			}) {
				break
			}
		}
		slices.SortStableFunc(all, func(a, b accounts.Reached) int {
			return cmp.Or(cmp.Compare(accounts.NameKey(a.Name), accounts.NameKey(b.Name)), cmp.Compare(a.Account, b.Account),
				cmp.Compare(a.Agency, b.Agency))
		})
		return all[:min(page(q.Limit), len(all))]
	})
}

// Reachers implements [accounts.Reader]: users by id, out of two indexes.
func (s *Store) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Standing) {
		from, own := past(key(q.Account, q.After)), accountKey(q.Account)
		var ids []accounts.UserID
		if q.Agency == "" {
			for m := range x.members.up("", own, from) {
				if ids = append(ids, m.Row.User); len(ids) == page(q.Limit) {
					break
				}
			}
		}
		n := 0
		for r := range x.assignments.up("", own, from) {
			if id := r.Row.User; (q.Agency == "" || q.Agency == r.Row.Agency) && (n == 0 || ids[len(ids)-1] != id) {
				if n++; n > page(q.Limit) {
					break
				}
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		for _, id := range ids[:min(page(q.Limit), len(ids))] {
			list = append(list, x.standing(accounts.StandingKey{User: id, Account: q.Account}))
		}
		return list
	})
}

// Owned implements [accounts.Reader].
func (s *Store) Owned(ctx context.Context, user accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Account) {
		if u := x.users.get(userKey(user)); u == nil || !u.DeletedAt.IsZero() {
			return nil
		}
		for m := range x.members.up("owned", key(user, top), "") {
			if a := x.accounts.need(accountKey(m.Row.Account)); a.Open() {
				list = append(list, *a)
			}
		}
		return list
	})
}

// Owners implements [accounts.Reader].
func (s *Store) Owners(ctx context.Context, account accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return ask(ctx, s, func(x *txn) []accounts.Contact { return x.owners(account, top) })
}

func (x *txn) owners(account accounts.AccountID, top roles.Role) (list []accounts.Contact) {
	for m := range x.members.up("role", key(account, top), "") {
		if u := x.users.need(userKey(m.Row.User)); u.DeletedAt.IsZero() {
			list = append(list, u.Contact())
		}
	}
	return list
}

// Membership implements [accounts.Reader].
func (s *Store) Membership(ctx context.Context, k accounts.StandingKey) (accounts.Membership, error) {
	return ask(ctx, s, func(x *txn) accounts.Membership { return x.membership(k) })
}

func (x *txn) membership(k accounts.StandingKey) accounts.Membership {
	if m := x.members.get(memberKey(k.Account, k.User)); m != nil {
		return m.Row
	}
	return accounts.Membership{Account: k.Account, User: k.User}
}

// Seats implements [accounts.Reader]. It counts entries of members, and reads
// each pending invitation with its inviter, since whether one holds a seat is
// for StateAt to say.
func (s *Store) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	return ask(ctx, s, func(x *txn) accounts.Seats { return x.seats(account, at) })
}

func (x *txn) seats(account accounts.AccountID, at time.Time) accounts.Seats {
	n := accounts.Seats{Members: x.members.count("seat", accountKey(account))}
	for i := range x.invitations.up("pending", accountKey(account), "") {
		if i.StateAt(at, x.maker(account, i.Inviter)) == invites.Pending {
			n.Invited++
		}
	}
	return n
}

// Spent implements [accounts.Reader].
func (s *Store) Spent(ctx context.Context, k accounts.QuotaKey) (int, error) {
	return ask(ctx, s, func(x *txn) int { return x.spent(k) })
}

func (x *txn) spent(k accounts.QuotaKey) int {
	if c := x.counters.get(quotaKey(k)); c != nil {
		return c.Used
	}
	return 0
}

// Means implements [accounts.Reader].
func (s *Store) Means(ctx context.Context, k accounts.UserKey) (accounts.Means, error) {
	return ask(ctx, s, func(x *txn) accounts.Means { u := found(x, x.user(k)); return x.means(&u) })
}

// means returns how a user can log in; nobody cannot.
func (x *txn) means(u *accounts.User) (m accounts.Means) {
	if u == nil {
		return m
	}
	m.User, m.Credential.User = *u, u.ID
	if r := x.credentials.get(userKey(u.ID)); r != nil {
		m.Credential = *r
	}
	for i := range x.identities.up("user", userKey(u.ID), "") {
		m.Identities = append(m.Identities, *i)
	}
	return m
}

// Challenge implements [accounts.Reader].
func (s *Store) Challenge(ctx context.Context, k accounts.ChallengeKey) (accounts.Challenge, error) {
	return ask(ctx, s, func(x *txn) accounts.Challenge {
		return orKey(x.challenges.get(challengeKey(k)), accounts.Challenge{ChallengeKey: k})
	})
}

// orKey returns a row, or if there is none the one with its key alone.
func orKey[R any](r *R, keyAlone R) R {
	if r == nil {
		return keyAlone
	}
	return *r
}

// Linked implements [accounts.Reader].
func (s *Store) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	return ask(ctx, s, func(x *txn) accounts.Linked {
		l := accounts.Linked{
			Client: found(x, x.accounts.get(accountKey(q.Client))), Agency: found(x, x.accounts.get(accountKey(q.Agency))),
			ClientOwners: x.owners(q.Client, q.Top), AgencyOwners: x.owners(q.Agency, q.Top),
			Connection: x.connection(q.ConnectionKey),
		}
		if q.User != "" {
			l.Member = x.membership(accounts.StandingKey{User: q.User, Account: q.Agency})
			l.Assignment = x.assignment(q.ConnectionKey, q.User)
		}
		return l
	})
}

// connection and assignment return what never was with its key alone.

func (x *txn) connection(k accounts.ConnectionKey) accounts.Connection {
	if c := x.connections.get(connectionKey(k)); c != nil {
		return c.Row
	}
	return accounts.Connection{ConnectionKey: k}
}

func (x *txn) assignment(k accounts.ConnectionKey, user accounts.UserID) accounts.Assignment {
	if a := x.assignments.get(assignmentKey(k, user)); a != nil {
		return a.Row
	}
	return accounts.Assignment{ConnectionKey: k, User: user}
}
