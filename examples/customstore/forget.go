package customstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// forget erases what is kept about a person. What is not there is passed over.
func (x *txn) forget(f accounts.Forget, at time.Time) {
	if f.User != "" {
		x.forgetUser(f.User)
		for _, l := range x.letters.list("user", key(f.User)) {
			x.forgetLetter(l, at)
		}
	}
	if f.Email != "" {
		x.forgetEmail(f.Email)
		for _, l := range x.letters.list("to", key(f.Email)) {
			x.forgetLetter(l, at)
		}
	}
}

func (x *txn) forgetUser(id accounts.UserID) {
	own := userKey(id)
	x.credentials.drop(own)
	for _, r := range x.identities.list("user", own) {
		x.identities.drop(x.identities.key(r))
	}
	for _, r := range x.challenges.list("", own) {
		x.challenges.drop(x.challenges.key(r))
	}
	for _, r := range x.tickets.list("", own) {
		x.tickets.drop(x.tickets.key(r))
	}
	for _, r := range x.sessions.list("user", own) {
		if r.UserAgent+r.Source != "" {
			blankSession(r)
			r.Version++
			x.sessions.put(*r)
		}
	}
	for _, r := range x.views.list("viewer", own) {
		if r.Row.UserAgent+r.Row.Source != "" {
			r.Row.UserAgent, r.Row.Source = "", ""
			r.Row.Version++
			x.views.put(*r)
		}
	}
}

func blankSession(r *access.Session) { r.UserAgent, r.Source = "", "" }

func (x *txn) forgetEmail(email accounts.Email) {
	x.guesses.drop(key(email))
	for _, r := range x.tickets.list("email", key(email)) {
		x.tickets.drop(x.tickets.key(r))
	}
	for _, r := range x.requests.list("to", key(email)) {
		r.Version++
		r.Email, r.Address, r.Message, r.Reason = "", "", "", ""
		if r.State == access.Pending {
			r.State = access.Ended
		}
		x.requests.put(*r)
	}
	for _, r := range x.invitations.list("to", key(email)) {
		r.Version++
		r.Email, r.Address, r.Message = "", "", ""
		if r.State == invites.Pending {
			r.State = invites.Revoked
		}
		x.invitations.put(*r)
	}
}

// forgetLetter takes a message back, and all that it says of its recipient.
// Servers repeat addresses in what they answer, so the error goes too.
func (x *txn) forgetLetter(l *letter, at time.Time) {
	l.cancel(at)
	l.erase()
	l.Row.To, l.Row.ToName, l.Row.User, l.Error = "", "", "", ""
	x.letters.put(*l)
}

// Held implements [accounts.Store]. By a user it looks in an index where there
// is one; of the rest it reads every row, which the contract allows.
func (s *Store) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	return ask(ctx, s, func(x *txn) []accounts.Held {
		all := x.held(q)
		slices.SortFunc(all, func(a, b accounts.Held) int { return strings.Compare(a.Key, b.Key) })
		all = slices.DeleteFunc(all, func(h accounts.Held) bool { return q.After != "" && h.Key <= q.After })
		return all[:min(page(q.Limit), len(all))]
	})
}

// held returns everything that is kept of one kind. Hashes of secrets are left
// out.
func (x *txn) held(q accounts.HeldQuery) (all []accounts.Held) {
	own := userKey(q.User)
	by := func(id accounts.UserID) bool { return q.User != "" && id == q.User }
	to := func(email accounts.Email) bool { return q.Email != "" && email == q.Email }
	offer := func(row any, parts ...string) {
		all = append(all, accounts.Held{Key: strings.Join(parts, "\n"), Row: row})
	}
	switch q.Kind {
	case accounts.HeldUser:
		if u := x.users.get(own); u != nil {
			offer(*u, string(u.ID))
		}
	case accounts.HeldCredential:
		if r := x.credentials.get(own); r != nil {
			r.Hash = ""
			offer(*r, string(r.User))
		}
	case accounts.HeldIdentity:
		for r := range x.identities.up("user", own, "") {
			offer(*r, r.Issuer, r.Subject)
		}
	case accounts.HeldChallenge:
		for r := range x.challenges.up("", own, "") {
			r.Hash = [32]byte{}
			offer(*r, string(r.Session), string(r.Account), string(r.Action))
		}
	case accounts.HeldMembership:
		for r := range x.members.up("user", own, "") {
			offer(r.Row, string(r.Row.Account))
		}
	case accounts.HeldAssignment:
		for r := range x.assignments.up("user", own, "") {
			offer(r.Row, string(r.Row.Client), string(r.Row.Agency))
		}
	case accounts.HeldSession:
		for r := range x.sessions.up("user", own, "") {
			r.Hash = token.Hash{}
			offer(*r, string(r.ID))
		}
	case accounts.HeldView:
		for r := range x.views.up("viewer", own, "") {
			v := r.read()
			v.Link, v.Hash = token.Hash{}, token.Hash{}
			offer(v, string(v.ID))
		}
	case accounts.HeldClient:
		for r := range x.clients.up("", "", "") {
			if to(r.Row.Email) || by(r.Row.User) {
				offer(r.Row, string(r.Row.Account), string(r.Row.ID))
			}
		}
	case accounts.HeldRequest:
		for r := range x.requests.up("", "", "") {
			if to(r.Email) || by(r.Requester) {
				r.Hash = token.Hash{}
				offer(*r, string(r.Agency), string(r.ID))
			}
		}
	case accounts.HeldInvitation:
		for r := range x.invitations.up("", "", "") {
			if to(r.Email) || by(r.Inviter) {
				r.Hash = token.Hash{}
				offer(*r, string(r.Account), string(r.ID))
			}
		}
	case accounts.HeldMail:
		for r := range x.letters.up("", "", "") {
			if to(accounts.Email(r.Row.To)) || by(accounts.UserID(r.Row.User)) {
				offer(r.record(), r.Row.ID)
			}
		}
	case accounts.HeldEvent:
		for r := range x.events.up("", "", "") {
			if e := r.Row; by(e.User) || by(e.By.User) {
				offer(e, string(e.Op), fmt.Sprintf("%010d", e.Seq))
			}
		}
	default:
		x.fail(fault("nothing is kept of the kind %q", q.Kind))
	}
	return all
}
