package customstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Admission implements [access.SessionStore].
func (s *Store) Admission(ctx context.Context, hash token.Hash, account accounts.AccountID) (access.Admission, error) {
	return ask(ctx, s, func(x *txn) (a access.Admission) {
		r := by(&x.sessions, "", "", hash)
		if r == nil {
			return a
		}
		a.Session = r.SessionState
		a.Standing = x.standing(accounts.StandingKey{User: r.User, Account: account})
		if a.Standing.Client.ID != "" {
			a.Sites = x.grants(a.Standing.Client.ClientKey)
		}
		return a
	})
}

// Session implements [access.SessionStore].
func (s *Store) Session(ctx context.Context, k access.SessionKey) (access.Session, error) {
	return ask(ctx, s, func(x *txn) access.Session { return found(x, by(&x.sessions, string(k.ID), key(k.ID), k.Hash)) })
}

// Sessions implements [access.SessionStore].
func (s *Store) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	return ask(ctx, s, func(x *txn) (list []access.Session) {
		before := ""
		if q.Before != "" {
			before = key(q.User, q.Before)
		}
		for r := range x.sessions.down("live", key(q.User), before) {
			if list = append(list, *r); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// Viewing implements [access.SessionStore].
func (s *Store) Viewing(ctx context.Context, k access.ViewKey) (access.Viewing, error) {
	return ask(ctx, s, func(x *txn) (f access.Viewing) {
		r := by(&x.views, string(k.ID), key(k.ID), k.Hash)
		if k.ID == "" && k.Link != (token.Hash{}) {
			r = x.views.find("link", key(k.Link))
		}
		if r == nil {
			x.fail(accounts.ErrNotFound)
			return f
		}
		f.View = r.read()
		if session := x.sessions.get(key(f.View.Session)); session != nil {
			f.Session = session.SessionState
		}
		viewer := accounts.StandingKey{User: f.View.Viewer, Account: f.View.Account}
		f.Standing, f.Tenure = x.standing(viewer), x.membership(viewer).Tenure
		f.Client = x.clients.need(clientKey(r.Of)).Row
		if f.Client.There() {
			f.Sites = x.grants(r.Of)
		}
		if u := x.users.get(userKey(f.Client.User)); u != nil {
			f.User, f.Logins = u.UserState, u.Logins
		}
		return f
	})
}

// Entering implements [access.LoginStore].
func (s *Store) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	return ask(ctx, s, func(x *txn) access.Entering {
		e := access.Entering{
			Means:   x.means(x.users.find("email", key(q.Email))),
			Guesses: orKey(x.guesses.get(key(q.Email)), access.Guesses{Email: q.Email}),
			Links:   x.spent(accounts.QuotaKey{Kind: accounts.QuotaLinks, Subject: string(q.Email), Day: q.Day}),
		}
		if q.Source != "" {
			e.Tries = x.spent(accounts.QuotaKey{Kind: accounts.QuotaSource, Subject: q.Source, Day: q.Day})
		}
		return e
	})
}

// Ticket implements [access.LoginStore].
func (s *Store) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	return ask(ctx, s, func(x *txn) access.Ticket {
		return found(x, by(&x.tickets, string(q.User), ticketKey(q.TicketKey), q.Hash))
	})
}
