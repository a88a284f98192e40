package customstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// by returns the row that an id names or else a hash; nil if there is none, or
// if the hash is that of no secret.
func by[R any](t *table[R], id string, own string, h token.Hash) *R {
	switch {
	case id != "":
		return t.get(own)
	case h != token.Hash{}:
		return t.find("hash", key(h))
	}
	return nil
}

// mails returns how many mails with a link an address got on a day.
func (x *txn) mails(email accounts.Email, day accounts.Day) int {
	return x.spent(accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: day})
}

// Drafting implements [access.RequestStore].
func (s *Store) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	return ask(ctx, s, func(x *txn) access.Drafting {
		d := access.Drafting{
			Agency: found(x, x.accounts.get(accountKey(q.Agency))),
			Used:   x.spent(accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(q.Agency), Day: q.Day}),
		}
		for _, email := range q.Emails {
			r := access.Recipient{Email: email, Mails: x.mails(email, q.Day)}
			for asked := range x.requests.up("to", key(email, q.Agency), "") {
				switch {
				case asked.State == access.Pending:
					r.Pending = *asked
				case x.client(asked).StateAt(asked.CreatedAt) == access.ClientConnected: // for which no moment matters
					r.Connected = true
				}
			}
			if u := x.users.find("email", key(email)); u != nil {
				r.Own = x.membership(accounts.StandingKey{User: u.ID, Account: q.Agency}).Active()
			}
			d.Recipients = append(d.Recipients, r)
		}
		return d
	})
}

// Deciding implements [access.RequestStore].
func (s *Store) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	return ask(ctx, s, func(x *txn) (d access.Deciding) {
		r := found(x, by(&x.requests, string(q.ID), key(q.Agency, q.ID), q.Hash))
		if x.err != nil {
			return d
		}
		d = access.Deciding{
			Request: r, Agency: *x.accounts.need(accountKey(r.Agency)), AgencyOwners: x.owners(r.Agency, q.Top),
			Mails:     x.mails(r.Email, q.Day),
			Requester: orKey(x.users.get(userKey(r.Requester)), accounts.User{}),
		}
		if m := x.members.get(memberKey(r.Agency, r.Requester)); m != nil {
			d.Member = m.Row
		}
		d.Decider.User = orKey(x.users.get(userKey(q.User)), accounts.User{})
		if q.Client != "" {
			pair := accounts.ConnectionKey{Client: q.Client, Agency: r.Agency}
			d.Decider.Membership = x.membership(accounts.StandingKey{User: q.User, Account: q.Client})
			d.Client = orKey(x.accounts.get(accountKey(q.Client)), accounts.Account{})
			d.Connection, d.Assignment = x.connection(pair), x.assignment(pair, r.Requester)
		}
		return d
	})
}

// client returns a request with what came of it.
func (x *txn) client(r *access.Request) access.Client {
	c := access.Client{Request: *r, Agency: x.accounts.need(accountKey(r.Agency)).AccountState}
	if r.State != access.Approved {
		return c
	}
	c.Account = orKey(x.accounts.get(accountKey(r.Client)), accounts.Account{}).AccountState
	if made := x.connection(accounts.ConnectionKey{Client: r.Client, Agency: r.Agency}); made.Request == r.ID {
		c.Connection = made.ConnectionState
	}
	return c
}

// Clients implements [access.RequestStore].
func (s *Store) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	return ask(ctx, s, func(x *txn) (list []access.Client) {
		part, before := accounts.NameKey(q.Search), ""
		if (q.Before != access.ClientCursor{}) {
			before = key(q.Agency, q.Before.CreatedAt, q.Before.ID)
		}
		for r := range x.requests.down("made", key(q.Agency), before) {
			c := x.client(r)
			if !strings.Contains(string(r.Email), part) && !strings.Contains(accounts.NameKey(c.Account.Name), part) ||
				len(q.States) > 0 && !slices.Contains(q.States, c.StateAt(q.At)) {
				continue
			}
			if list = append(list, c); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// Addressed implements [access.RequestStore].
func (s *Store) Addressed(ctx context.Context, email accounts.Email, at time.Time, limit int) ([]access.Client, error) {
	return ask(ctx, s, func(x *txn) (list []access.Client) {
		for r := range x.requests.down("waiting", key(email), "") {
			c := x.client(r)
			if r.StateAt(at, c.Agency) != access.Pending || !c.Agency.ActsAsAgency() {
				continue
			}
			if list = append(list, c); len(list) == page(limit) {
				break
			}
		}
		return list
	})
}

// Ending implements [access.RequestStore].
func (s *Store) Ending(ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role) (access.Ending, error) {
	return ask(ctx, s, func(x *txn) access.Ending {
		e := access.Ending{Agency: found(x, x.accounts.get(accountKey(agency)))}
		for c := range x.connections.up("clients", key(agency), "") {
			if !c.Row.Counts(e.Agency.AccountState) {
				continue
			}
			a := x.accounts.need(accountKey(c.Row.Client))
			end := access.EndingClient{Client: a.AccountState, Locale: a.Locale, Cap: c.Row.Cap, Owners: x.owners(a.ID, top)}
			for r := range x.assignments.up("", accountKey(a.ID), "") {
				if r.Row.Agency == agency && x.route(r).Counts(accounts.AnyLogin()) {
					end.Assigned++
				}
			}
			e.Clients = append(e.Clients, end)
		}
		slices.SortFunc(e.Clients, func(a, b access.EndingClient) int { return cmp.Compare(a.Client.ID, b.Client.ID) })
		for r := range x.requests.up("pending", key(agency), "") {
			if r.StateAt(at, e.Agency.AccountState) == access.Pending {
				e.Requests = append(e.Requests, *r)
			}
		}
		slices.SortFunc(e.Requests, func(a, b access.Request) int { return cmp.Compare(a.ID, b.ID) })
		return e
	})
}

// maker returns a user and their membership in an account, as they are now.
func (x *txn) maker(account accounts.AccountID, id accounts.UserID) (by accounts.Member) {
	if u := x.users.get(userKey(id)); u != nil {
		by.User = *u
		if m := x.members.get(memberKey(account, id)); m != nil {
			by.Membership = m.Row
		}
	}
	return by
}

// Inviting implements [invites.Store].
func (s *Store) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	return ask(ctx, s, func(x *txn) invites.Inviting {
		email, day := q.Email, accounts.DayOf(q.At)
		r := x.invitations.find("pending", key(q.Account, q.Email))
		if q.ID != "" {
			r = x.invitations.get(key(q.Account, q.ID))
			email = found(x, r).Email
		}
		i := invites.Inviting{
			Account: found(x, x.accounts.get(accountKey(q.Account))), Seats: x.seats(q.Account, q.At), Mails: x.mails(email, day),
			Used:   x.spent(accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: string(q.Account), Day: day}),
			Client: x.taken(q.Account, email, "").There(),
		}
		if r != nil {
			i.Invitation, i.Inviter = *r, x.maker(q.Account, r.Inviter)
		}
		if u := x.users.find("email", key(email)); u != nil {
			i.Member = x.membership(accounts.StandingKey{User: u.ID, Account: q.Account}).MemberState
		}
		return i
	})
}

// Accepting implements [invites.Store].
func (s *Store) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	return ask(ctx, s, func(x *txn) (a invites.Accepting) {
		i := found(x, by(&x.invitations, string(q.ID), key(q.Account, q.ID), q.Hash))
		if x.err != nil {
			return a
		}
		u := x.users.get(userKey(q.User))
		if q.User == "" {
			u = x.users.find("email", key(i.Email))
		}
		a = invites.Accepting{
			Invitation: i, Account: *x.accounts.need(accountKey(i.Account)), Inviter: x.maker(i.Account, i.Inviter),
			Seats: x.seats(i.Account, q.At), Joiner: x.means(u),
			Member: accounts.Membership{Account: i.Account, User: q.User},
		}
		if u != nil {
			a.Member = x.membership(accounts.StandingKey{User: u.ID, Account: i.Account})
		}
		a.Client = x.taken(i.Account, cmp.Or(a.Joiner.User.Email, i.Email), a.Joiner.User.ID)
		return a
	})
}

func (x *txn) listed(i *invites.Invitation) invites.Listed {
	return invites.Listed{
		Invitation: *i, Account: x.accounts.need(accountKey(i.Account)).AccountState, Inviter: x.maker(i.Account, i.Inviter),
	}
}

// Invitations implements [invites.Store].
func (s *Store) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	return ask(ctx, s, func(x *txn) (list []invites.Listed) {
		part, before := accounts.NameKey(q.Search), ""
		if (q.Before != invites.Cursor{}) {
			before = key(q.Account, q.Before.CreatedAt, q.Before.ID)
		}
		for i := range x.invitations.down("made", key(q.Account), before) {
			l := x.listed(i)
			if !strings.Contains(string(i.Email), part) || len(q.States) > 0 && !slices.Contains(q.States, l.StateAt(q.At)) {
				continue
			}
			if list = append(list, l); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// InvitationsTo implements [invites.Store].
func (s *Store) InvitationsTo(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]invites.Listed, error) {
	return ask(ctx, s, func(x *txn) (list []invites.Listed) {
		for i := range x.invitations.down("waiting", key(email), "") {
			l := x.listed(i)
			if !l.Account.Open() || l.StateAt(at) != invites.Pending {
				continue
			}
			if list = append(list, l); len(list) == page(limit) {
				break
			}
		}
		return list
	})
}

// SettingUp implements [invites.Store].
func (s *Store) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	return ask(ctx, s, func(x *txn) (f invites.SettingUp) {
		k := q.ClientKey
		if q.ID == "" {
			k = found(x, by(&x.setups, "", "", q.Hash)).ClientKey
		}
		c := x.clients.get(clientKey(k))
		if c == nil {
			x.fail(accounts.ErrNotFound)
			return f
		}
		f = invites.SettingUp{
			Link: orKey(x.setups.get(clientKey(k)), invites.SetupLink{ClientKey: k}), Client: c.Row,
			Account: *x.accounts.need(accountKey(k.Account)), Assigned: c.assigned(), Mails: x.mails(c.Row.Email, q.Day),
			Holder: x.means(x.users.find("email", key(c.Row.Email))),
			Joiner: orKey(x.users.get(userKey(q.User)), accounts.User{}),
		}
		f.Maker = x.maker(k.Account, f.Link.Maker)
		if q.User != "" {
			f.Member = x.membership(accounts.StandingKey{User: q.User, Account: k.Account}).MemberState
			f.As = x.taken(k.Account, "", q.User)
		}
		return f
	})
}
