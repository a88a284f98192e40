package storagetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Applied implements [accounts.Applier].
func (m *model) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	w, err := m.read(ctx)
	if err != nil {
		return false, err
	}
	for key := range w.events {
		if key.Op == op {
			return true, nil
		}
	}
	return false, nil
}

// User implements [accounts.Reader].
func (m *model) User(ctx context.Context, key accounts.UserKey) (accounts.User, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.User{}, err
	}
	u, found := w.user(key)
	return u, missing(!found)
}

func (w *world) user(key accounts.UserKey) (accounts.User, bool) {
	if u, found := w.users[key.ID]; found && key.ID != "" {
		return u, true
	}
	for _, u := range w.users {
		owner := w.identities[key.Identity].User
		if u.DeletedAt.IsZero() && (key.Email != "" && u.Email == key.Email ||
			key.Handle != "" && accounts.NameKey(u.Handle) == key.Handle || owner != "" && owner == u.ID) {
			return u, true
		}
	}
	return accounts.User{}, false
}

// Account implements [accounts.Reader].
func (m *model) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Account{}, err
	}
	a, found := w.accounts[id]
	return a, missing(!found)
}

func missing(is bool) error {
	if is {
		return accounts.ErrNotFound
	}
	return nil
}

// Standings implements [accounts.Reader].
func (m *model) Standings(ctx context.Context, keys []accounts.StandingKey) ([]accounts.Standing, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Standing
	for _, key := range keys {
		all = append(all, w.standing(key))
	}
	return all, nil
}

func (w *world) standing(key accounts.StandingKey) accounts.Standing {
	s := accounts.Standing{
		User: w.users[key.User].UserState, Account: w.accounts[key.Account].AccountState,
		Member: w.memberships[key].MemberState, Client: w.clientOf(key.Account, "", key.User),
	}
	for k, a := range w.assignments {
		if k.User == key.User && k.Client == key.Account {
			s.Routes = append(s.Routes, accounts.Route{
				Agency:     w.accounts[k.Agency].AccountState,
				Connection: w.connections[k.ConnectionKey].ConnectionState,
				Member:     w.memberships[accounts.StandingKey{User: k.User, Account: k.Agency}].MemberState,
				Assignment: a.AssignmentState,
			})
		}
	}
	slices.SortFunc(s.Routes, func(a, b accounts.Route) int { return cmp.Compare(a.Agency.ID, b.Agency.ID) })
	return s
}

// Reach implements [accounts.Reader].
func (m *model) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Reached
	for id, a := range w.accounts {
		s := w.standing(accounts.StandingKey{User: q.User, Account: id})
		e := s.Explain(roles.Standard(), q.Proof)
		if e.Barred != "" || !strings.Contains(accounts.NameKey(a.Name), accounts.NameKey(q.Search)) {
			continue
		}
		if e.Direct.Why == "" {
			all = append(all, accounts.Reached{Account: id, Name: a.Name, Kind: accounts.RouteMember, Role: s.Member.Role})
		}
		if e.Client != "" {
			all = append(all, accounts.Reached{Account: id, Name: a.Name, Kind: accounts.RouteClient, Client: e.Client})
		}
		for i, r := range e.Through {
			if r.Why == "" {
				all = append(all, accounts.Reached{
					Account: id, Name: a.Name, Kind: accounts.RouteDelegate, Agency: r.Agency.ID, AgencyName: r.Agency.Name,
					Role: s.Routes[i].Assignment.Role, Cap: s.Routes[i].Connection.Cap,
				})
			}
		}
	}
	return sortedPage(all, q.After, q.Limit, accounts.Reached.Cursor, func(a, b accounts.ReachCursor) int {
		return cmp.Or(cmp.Compare(a.NameKey, b.NameKey), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Agency, b.Agency))
	}), nil
}

// sortedPage sorts everything by its cursors and returns what lies behind one.
func sortedPage[T any, C comparable](all []T, after C, limit int, cursor func(T) C, by func(a, b C) int) []T {
	var none C
	slices.SortFunc(all, func(a, b T) int { return by(cursor(a), cursor(b)) })
	if after != none {
		all = slices.DeleteFunc(all, func(v T) bool { return by(cursor(v), after) <= 0 })
	}
	if limit <= 0 {
		limit = 50
	}
	return all[:min(limit, len(all))]
}

// Reachers implements [accounts.Reader].
func (m *model) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Standing
	for id := range w.users {
		key := accounts.StandingKey{User: id, Account: q.Account}
		s := w.standing(key)
		_, tied := w.memberships[key]
		tied = (tied && q.Agency == "") || slices.ContainsFunc(s.Routes, func(r accounts.Route) bool {
			return q.Agency == "" || r.Agency.ID == q.Agency
		})
		if tied {
			all = append(all, s)
		}
	}
	return sortedPage(all, q.After, q.Limit, func(s accounts.Standing) accounts.UserID { return s.User.ID },
		cmp.Compare), nil
}

// Owned implements [accounts.Reader].
func (m *model) Owned(ctx context.Context, user accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Account
	for id, a := range w.accounts {
		if a.Open() && w.owns(user, id, top) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b accounts.Account) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

func (w *world) owns(user accounts.UserID, account accounts.AccountID, top roles.Role) bool {
	m := w.memberships[accounts.StandingKey{User: user, Account: account}]
	return m.Active() && m.Role == top && w.users[user].DeletedAt.IsZero()
}

// Owners implements [accounts.Reader].
func (m *model) Owners(ctx context.Context, account accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	return w.owners(account, top), nil
}

func (w *world) owners(account accounts.AccountID, top roles.Role) []accounts.Contact {
	var all []accounts.Contact
	for id, u := range w.users {
		if w.owns(id, account, top) {
			all = append(all, u.Contact())
		}
	}
	slices.SortFunc(all, func(a, b accounts.Contact) int { return cmp.Compare(a.User, b.User) })
	return all
}

// Linked implements [accounts.Reader].
func (m *model) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Linked{}, err
	}
	client, known := w.accounts[q.Client]
	agency, both := w.accounts[q.Agency]
	if !known || !both {
		return accounts.Linked{}, accounts.ErrNotFound
	}
	l := accounts.Linked{
		Connection: w.connections[q.ConnectionKey], Client: client, Agency: agency,
		ClientOwners: w.owners(q.Client, q.Top), AgencyOwners: w.owners(q.Agency, q.Top),
	}
	l.Connection.ConnectionKey = q.ConnectionKey
	if q.User != "" {
		l.Member = w.membership(accounts.StandingKey{User: q.User, Account: q.Agency})
		l.Assignment = w.assignments[assignmentKey{q.ConnectionKey, q.User}]
		l.Assignment.ConnectionKey, l.Assignment.User = q.ConnectionKey, q.User
	}
	return l, nil
}

// Membership implements [accounts.Reader].
func (m *model) Membership(ctx context.Context, key accounts.StandingKey) (accounts.Membership, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Membership{}, err
	}
	return w.membership(key), nil
}

func (w *world) membership(key accounts.StandingKey) accounts.Membership {
	m := w.memberships[key]
	m.Account, m.User = key.Account, key.User
	return m
}

// Members implements [accounts.Store].
func (m *model) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Member
	for key, m := range w.memberships {
		u := w.users[key.User]
		handle := accounts.NameKey(u.Handle)
		part := accounts.NameKey(q.Search)
		found := strings.Contains(accounts.NameKey(u.Label()), part) || strings.Contains(handle, part) ||
			strings.Contains(string(u.Email), part)
		match := q.Match == accounts.MemberRef{} || u.ID == q.Match.ID || u.Email != "" && u.Email == q.Match.Email ||
			handle != "" && handle == q.Match.Handle || u.Name != "" && accounts.NameKey(u.Name) == q.Match.NameKey
		if key.Account == q.Account && m.EndedAt.IsZero() && found && match {
			all = append(all, accounts.Member{Membership: m, User: u})
		}
	}
	return sortedPage(all, q.After, q.Limit, accounts.Member.Cursor, func(a, b accounts.MemberCursor) int {
		return cmp.Or(cmp.Compare(a.NameKey, b.NameKey), cmp.Compare(a.User, b.User))
	}), nil
}

// Connections implements [accounts.Store].
func (m *model) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Connected
	for key, c := range w.connections {
		other := key.Agency
		if q.Agency != "" {
			other = key.Client
		}
		c := accounts.Connected{Connection: c, Other: w.accounts[other].AccountState}
		if (key.Client == q.Client || key.Agency == q.Agency) && w.counts(key) &&
			strings.Contains(accounts.NameKey(c.Other.Name), accounts.NameKey(q.Search)) {
			all = append(all, c)
		}
	}
	return sortedPage(all, q.After, q.Limit, accounts.Connected.Cursor, func(a, b accounts.ConnectionCursor) int {
		return cmp.Or(cmp.Compare(a.NameKey, b.NameKey), cmp.Compare(a.Account, b.Account))
	}), nil
}

func (w *world) counts(key accounts.ConnectionKey) bool {
	return w.connections[key].Counts(w.accounts[key.Agency].AccountState)
}

// Events implements [accounts.Store].
func (m *model) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []accounts.Event
	for _, ev := range w.events {
		if (ev.Account == q.Account || ev.Agency == q.Account) &&
			(len(q.Kinds) == 0 || slices.Contains(q.Kinds, ev.Kind)) &&
			(q.User == "" || ev.User == q.User || ev.By.User == q.User) {
			all = append(all, ev.Event)
		}
	}
	return sortedPage(all, q.Before, q.Limit, accounts.Event.Cursor, func(a, b accounts.EventCursor) int {
		return -byTime(a, b)
	}), nil
}

func byTime(a, b accounts.EventCursor) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Seq, b.Seq))
}

// ClaimEvents implements [accounts.Store].
func (m *model) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	var claimed []accounts.EventDelivery
	err := m.write(ctx, func(w *world) error {
		var due []modelEvent
		for _, ev := range w.events {
			if !ev.taken && !ev.due.After(c.At) {
				due = append(due, ev)
			}
		}
		slices.SortFunc(due, func(a, b modelEvent) int { return byTime(a.Cursor(), b.Cursor()) })
		for _, ev := range due[:min(max(c.Limit, 0), len(due))] {
			ev.due = c.At.Add(c.Lease)
			ev.attempts++
			ev.fence++
			w.events[eventKey{ev.Op, ev.Seq}] = ev
			claimed = append(claimed, accounts.EventDelivery{Event: ev.Event, Attempt: ev.attempts, Fence: ev.fence})
		}
		return nil
	})
	return claimed, err
}

// SettleEvents implements [accounts.Store].
func (m *model) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	n := 0
	err := m.write(ctx, func(w *world) error {
		for _, r := range receipts {
			ev, found := w.events[eventKey{r.Op, r.Seq}]
			if !found || ev.taken || ev.fence != r.Fence {
				continue
			}
			ev.taken, ev.due = r.Taken, r.Next
			ev.fence++ // a delivery is settled once
			if r.Taken {
				ev.due = time.Time{}
			}
			w.events[eventKey{r.Op, r.Seq}] = ev
			n++
		}
		return nil
	})
	return n, err
}

// Reply implements [accounts.Store].
func (m *model) Reply(ctx context.Context, key accounts.ReplyKey) (accounts.Reply, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Reply{}, err
	}
	r, found := w.replies[key]
	r.Answer = slices.Clone(r.Answer)
	return r, missing(!found)
}
