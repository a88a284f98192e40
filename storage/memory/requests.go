package memory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

type request struct {
	access.Request
	agency *account
}

type requestKey struct {
	agency accounts.AccountID
	id     accounts.RequestID
}

type askedKey struct {
	agency accounts.AccountID
	email  accounts.Email
}

func byMade(a, b *request) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func byRequestID(a, b *request) int { return cmp.Compare(a.ID, b.ID) }

func (s *state) putRequest(r access.Request) {
	trim(&r.SentAt, &r.ExpiresAt, &r.DecidedAt, &r.CreatedAt, &r.UpdatedAt)
	r.Level = s.role(r.Level)
	key := requestKey{r.Agency, r.ID}
	x := s.requests[key]
	if x == nil {
		x = &request{agency: s.accounts[r.Agency]}
		s.requests[key] = x
	} else {
		s.unlist(x)
	}
	x.Request = r
	s.links[x.Hash] = x
	asked := askedKey{x.Agency, x.Email}
	s.asked[asked] = append(s.asked[asked], x)
	x.agency.requests.insert(x, byMade)
	if x.State == access.Pending {
		s.addressed[x.Email] = append(s.addressed[x.Email], x)
		x.agency.pending.insert(x, byRequestID)
	}
}

// unlist takes a request out of the indexes that its columns decide.
func (s *state) unlist(x *request) {
	if s.links[x.Hash] == x {
		delete(s.links, x.Hash)
	}
	asked := askedKey{x.Agency, x.Email}
	drop(s.asked, asked, x)
	x.agency.requests.remove(x, byMade)
	if x.State == access.Pending {
		drop(s.addressed, x.Email, x)
		x.agency.pending.remove(x, byRequestID)
	}
}

// drop takes a row out of the list of a key.
func drop[K, R comparable](lists map[K][]R, key K, row R) {
	list := slices.DeleteFunc(lists[key], func(other R) bool { return other == row })
	if len(list) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = list
}

func (s *state) drafting(q access.DraftingQuery) (access.Drafting, error) {
	agency := s.accounts[q.Agency]
	if agency == nil {
		return access.Drafting{}, accounts.ErrNotFound
	}
	d := access.Drafting{
		Agency:     agency.Account,
		Used:       s.quotas[accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(q.Agency), Day: q.Day}],
		Recipients: make([]access.Recipient, 0, len(q.Emails)),
	}
	for _, email := range q.Emails {
		r := access.Recipient{Email: email, Mails: s.mails(email, q.Day)}
		for _, x := range s.asked[askedKey{q.Agency, email}] {
			if x.State == access.Pending {
				r.Pending = x.Request
			}
			// The state of an approved request does not depend on the moment.
			if x.State == access.Approved && s.client(x).StateAt(x.CreatedAt) == access.ClientConnected {
				r.Connected = true
			}
		}
		if u := s.emails[email]; u != nil {
			m := agency.member(u)
			r.Own = m != nil && m.state().Active()
		}
		d.Recipients = append(d.Recipients, r)
	}
	return d, nil
}

// made returns the connection that a request made, unless a later one took
// its place.
func (s *state) made(r *request) *connection {
	c := s.connection(accounts.ConnectionKey{Client: r.Client, Agency: r.Agency})
	if c == nil || c.request != r.ID {
		return nil
	}
	return c
}

// mails returns how many mails with a link an address got on a day.
func (s *state) mails(email accounts.Email, day accounts.Day) int {
	return s.quotas[accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: day}]
}

func (s *state) deciding(q access.DecidingQuery) (access.Deciding, error) {
	r := s.requests[requestKey{q.Agency, q.ID}]
	if q.ID == "" && q.Hash != (token.Hash{}) { // no secret has the zero hash
		r = s.links[q.Hash]
	}
	if r == nil {
		return access.Deciding{}, accounts.ErrNotFound
	}
	d := access.Deciding{
		Request: r.Request, Agency: r.agency.Account, AgencyOwners: r.agency.owners(q.Top),
		Mails: s.mails(r.Email, q.Day),
	}
	if u := s.users[r.Requester]; u != nil {
		d.Requester = u.User
	}
	if m := s.member(r.Agency, r.Requester); m != nil {
		d.Member = m.row()
	}
	if u := s.users[q.User]; u != nil {
		d.Decider.User = u.User
	}
	if q.Client == "" {
		return d, nil
	}
	pair := accounts.ConnectionKey{Client: q.Client, Agency: r.Agency}
	d.Decider.Membership = s.membership(accounts.StandingKey{User: q.User, Account: q.Client})
	if a := s.accounts[q.Client]; a != nil {
		d.Client = a.Account
	}
	d.Connection = accounts.Connection{ConnectionKey: pair}
	if c := s.connection(pair); c != nil {
		d.Connection = c.row()
	}
	d.Assignment = accounts.Assignment{ConnectionKey: pair, User: r.Requester}
	if a := s.assignment(pair, r.Requester); a != nil {
		d.Assignment = a.row()
	}
	return d, nil
}

func (s *state) client(r *request) access.Client {
	c := access.Client{Request: r.Request, Agency: r.agency.AccountState}
	if r.State != access.Approved {
		return c
	}
	if a := s.accounts[r.Client]; a != nil {
		c.Account = a.AccountState
	}
	if conn := s.made(r); conn != nil {
		c.Connection = conn.state()
	}
	return c
}

func (s *state) clients(q access.ClientsQuery) []access.Client {
	agency := s.accounts[q.Agency]
	if agency == nil {
		return nil
	}
	before := func(r *request) bool {
		return q.Before == access.ClientCursor{} ||
			cmp.Or(r.CreatedAt.Compare(q.Before.CreatedAt), cmp.Compare(r.ID, q.Before.ID)) < 0
	}
	part := accounts.NameKey(q.Search)
	var page []access.Client
	limit := limited(q.Limit)
	for r := range agency.requests.down(before) {
		if !strings.Contains(string(r.Email), part) && !s.clientNamed(r, part) {
			continue
		}
		c := s.client(r)
		if len(q.States) == 0 || slices.Contains(q.States, c.StateAt(q.At)) {
			page = append(page, c)
		}
		if len(page) == limit {
			break
		}
	}
	return page
}

// clientNamed reports whether the name of the account for which a request was
// approved has a part.
func (s *state) clientNamed(r *request, part string) bool {
	if r.State != access.Approved {
		return part == ""
	}
	a := s.accounts[r.Client]
	return a != nil && strings.Contains(a.key, part)
}

func (s *state) addressedTo(email accounts.Email, at time.Time, limit int) []access.Client {
	var open []*request
	for _, r := range s.addressed[email] {
		if r.StateAt(at, r.agency.AccountState) == access.Pending && r.agency.ActsAsAgency() {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(a, b *request) int { return cmp.Or(byMade(b, a), cmp.Compare(b.Agency, a.Agency)) })
	var page []access.Client
	for _, r := range open[:min(limited(limit), len(open))] {
		page = append(page, s.client(r))
	}
	return page
}

func (s *state) ending(agency accounts.AccountID, at time.Time, top roles.Role) (access.Ending, error) {
	a := s.accounts[agency]
	if a == nil {
		return access.Ending{}, accounts.ErrNotFound
	}
	e := access.Ending{Agency: a.Account}
	for c := range a.clients.all() {
		if !c.counts() {
			continue
		}
		end := access.EndingClient{
			Client: c.client.AccountState, Locale: c.client.Locale, Cap: c.limit, Owners: c.client.owners(top),
		}
		for x := range c.client.assigned.all() {
			if x.conn == c && x.route().Counts(accounts.AnyLogin()) {
				end.Assigned++
			}
		}
		e.Clients = append(e.Clients, end)
	}
	slices.SortFunc(e.Clients, func(a, b access.EndingClient) int { return cmp.Compare(a.Client.ID, b.Client.ID) })
	for r := range a.pending.all() {
		if r.StateAt(at, a.AccountState) == access.Pending {
			e.Requests = append(e.Requests, r.Request)
		}
	}
	return e, nil
}
