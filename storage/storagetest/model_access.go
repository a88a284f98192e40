package storagetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Drafting implements [access.RequestStore].
func (m *model) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Drafting{}, err
	}
	agency, found := w.accounts[q.Agency]
	if !found {
		return access.Drafting{}, accounts.ErrNotFound
	}
	d := access.Drafting{
		Agency: agency,
		Used:   w.quotas[accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(q.Agency), Day: q.Day}],
	}
	for _, email := range q.Emails {
		r := access.Recipient{
			Email: email,
			Mails: w.quotas[accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: q.Day}],
		}
		for key, req := range w.requests {
			if key.Agency != q.Agency || req.Email != email {
				continue
			}
			if req.State == access.Pending {
				r.Pending = req
			}
			if req.State == access.Approved && w.client(req).StateAt(start) == access.ClientConnected {
				r.Connected = true
			}
		}
		for key, m := range w.memberships {
			u := w.users[key.User]
			if key.Account == q.Agency && m.Active() && u.DeletedAt.IsZero() && u.Email == email {
				r.Own = true
			}
		}
		d.Recipients = append(d.Recipients, r)
	}
	return d, nil
}

// Deciding implements [access.RequestStore].
func (m *model) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Deciding{}, err
	}
	for key, r := range w.requests {
		if q.ID != "" && (key != requestKey{q.Agency, q.ID}) || q.ID == "" && r.Hash != q.Hash {
			continue
		}
		d := access.Deciding{
			Request: r, Agency: w.accounts[r.Agency], AgencyOwners: w.owners(r.Agency, q.Top),
			Requester: w.users[r.Requester],
			Member:    w.memberships[accounts.StandingKey{User: r.Requester, Account: r.Agency}],
			Mails:     w.quotas[accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(r.Email), Day: q.Day}],
			Decider:   accounts.Member{User: w.users[q.User]},
		}
		if q.Client != "" {
			pair := accounts.ConnectionKey{Client: q.Client, Agency: r.Agency}
			d.Decider.Membership = w.membership(accounts.StandingKey{User: q.User, Account: q.Client})
			d.Client = w.accounts[q.Client]
			d.Connection = w.connections[pair]
			d.Connection.ConnectionKey = pair
			d.Assignment = w.assignments[assignmentKey{pair, r.Requester}]
			d.Assignment.ConnectionKey, d.Assignment.User = pair, r.Requester
		}
		return d, nil
	}
	return access.Deciding{}, accounts.ErrNotFound
}

// withoutKeys blanks the keys of what is not there, and of what only repeats
// the question: a store may give them or not.
func withoutKeys(d access.Deciding) access.Deciding {
	if d.Member.Version == 0 {
		d.Member = accounts.Membership{}
	}
	if d.Decider.User.Version == 0 {
		d.Decider.User = accounts.User{}
	}
	if d.Decider.Membership.Version == 0 {
		d.Decider.Membership = accounts.Membership{}
	}
	if d.Client.Version == 0 {
		d.Client = accounts.Account{}
	}
	if d.Connection.Version == 0 {
		d.Connection = accounts.Connection{}
	}
	if d.Assignment.Version == 0 {
		d.Assignment = accounts.Assignment{}
	}
	return d
}

// Clients implements [access.RequestStore].
func (m *model) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []access.Client
	part := accounts.NameKey(q.Search)
	for key, r := range w.requests {
		c := w.client(r)
		if key.Agency == q.Agency && (len(q.States) == 0 || slices.Contains(q.States, c.StateAt(q.At))) &&
			(strings.Contains(string(r.Email), part) || strings.Contains(accounts.NameKey(c.Account.Name), part)) {
			all = append(all, c)
		}
	}
	return sortedPage(all, q.Before, q.Limit, access.Client.Cursor, newestClient), nil
}

func newestClient(a, b access.ClientCursor) int {
	return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func (w *world) client(r access.Request) access.Client {
	c := access.Client{Request: r, Agency: w.accounts[r.Agency].AccountState}
	if r.State == access.Approved {
		c.Account = w.accounts[r.Client].AccountState
		if conn := w.connections[accounts.ConnectionKey{Client: r.Client, Agency: r.Agency}]; conn.Request == r.ID {
			c.Connection = conn.ConnectionState
		}
	}
	return c
}

// Addressed implements [access.RequestStore].
func (m *model) Addressed(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]access.Client, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []access.Client
	for _, r := range w.requests {
		if c := w.client(r); r.Email == email && r.StateAt(at, c.Agency) == access.Pending && c.Agency.ActsAsAgency() {
			all = append(all, c)
		}
	}
	return sortedPage(all, access.ClientCursor{}, limit, access.Client.Cursor, newestClient), nil
}

// Ending implements [access.RequestStore].
func (m *model) Ending(
	ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role,
) (access.Ending, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Ending{}, err
	}
	a, found := w.accounts[agency]
	if !found {
		return access.Ending{}, accounts.ErrNotFound
	}
	e := access.Ending{Agency: a}
	for key, c := range w.connections {
		if key.Agency != agency || !w.counts(key) {
			continue
		}
		ending := access.EndingClient{
			Client: w.accounts[key.Client].AccountState, Locale: w.accounts[key.Client].Locale, Cap: c.Cap,
			Owners: w.owners(key.Client, top),
		}
		for k, x := range w.assignments {
			m := w.memberships[accounts.StandingKey{User: k.User, Account: agency}]
			if k.ConnectionKey == key && x.Role != "" && x.EndedAt.IsZero() && x.ConnectionEpoch == c.Epoch &&
				m.Active() && x.MemberEpoch == m.Epoch {
				ending.Assigned++
			}
		}
		e.Clients = append(e.Clients, ending)
	}
	for key, r := range w.requests {
		if key.Agency == agency && r.StateAt(at, a.AccountState) == access.Pending {
			e.Requests = append(e.Requests, r)
		}
	}
	slices.SortFunc(e.Clients, func(a, b access.EndingClient) int { return cmp.Compare(a.Client.ID, b.Client.ID) })
	slices.SortFunc(e.Requests, func(a, b access.Request) int { return cmp.Compare(a.ID, b.ID) })
	return e, nil
}

// Admission implements [access.SessionStore].
func (m *model) Admission(
	ctx context.Context, hash token.Hash, account accounts.AccountID,
) (access.Admission, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Admission{}, err
	}
	for _, s := range w.sessions {
		if s.Hash == hash {
			standing := w.standing(accounts.StandingKey{User: s.User, Account: account})
			return access.Admission{Session: s.SessionState, Standing: standing, Sites: w.grants(standing.Client)}, nil
		}
	}
	return access.Admission{}, nil
}

// Session implements [access.SessionStore].
func (m *model) Session(ctx context.Context, key access.SessionKey) (access.Session, error) {
	w, err := m.read(ctx)
	if err != nil {
		return access.Session{}, err
	}
	for _, s := range w.sessions {
		if key.ID != "" && s.ID == key.ID || key.ID == "" && s.Hash == key.Hash {
			return s, nil
		}
	}
	return access.Session{}, accounts.ErrNotFound
}

// Sessions implements [access.SessionStore].
func (m *model) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []access.Session
	for _, s := range w.sessions {
		if s.User == q.User && s.EndedAt.IsZero() {
			all = append(all, s)
		}
	}
	return sortedPage(all, q.Before, q.Limit, func(s access.Session) accounts.SessionID { return s.ID },
		func(a, b accounts.SessionID) int { return -cmp.Compare(a, b) }), nil
}
