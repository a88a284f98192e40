package memory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// heldPage gathers the rows behind a cursor with the least keys, in whatever
// order they come.
type heldPage struct {
	after string
	limit int
	rows  []accounts.Held
}

// offer puts a row into the page, if it belongs there. It copies the row.
func offer[R any](p *heldPage, row *R, key ...string) {
	k := strings.Join(key, "\n")
	if k <= p.after && p.after != "" {
		return
	}
	i, _ := slices.BinarySearchFunc(p.rows, k, func(h accounts.Held, k string) int { return strings.Compare(h.Key, k) })
	if i == p.limit {
		return
	}
	if len(p.rows) == p.limit {
		p.rows = p.rows[:p.limit-1]
	}
	p.rows = slices.Insert(p.rows, i, accounts.Held{Key: k, Row: *row})
}

// heldOf returns a page of what is kept of one kind about a person. An empty
// user or address is nobody's.
func (s *state) heldOf(q accounts.HeldQuery) ([]accounts.Held, error) {
	p := &heldPage{after: q.After, limit: limited(q.Limit)}
	u := s.users[q.User]
	if u == nil {
		u = &user{}
	}
	byUser := func(id accounts.UserID) bool { return q.User != "" && id == q.User }
	to := func(email accounts.Email) bool { return q.Email != "" && email == q.Email }
	switch q.Kind {
	case accounts.HeldUser:
		if u.ID != "" {
			offer(p, &u.User, string(u.ID))
		}
	case accounts.HeldCredential:
		if r, ok := s.credentials[u.ID]; ok {
			r.Hash = ""
			offer(p, &r, string(r.User))
		}
	case accounts.HeldIdentity:
		for i := range u.identities.all() {
			offer(p, i, i.Issuer, i.Subject)
		}
	case accounts.HeldChallenge:
		for x := range u.challenges.all() {
			r := *x
			r.Hash = [32]byte{}
			offer(p, &r, string(r.Session), string(r.Account), string(r.Action))
		}
	case accounts.HeldMembership:
		for m := range u.memberships.all() {
			r := m.row()
			offer(p, &r, string(r.Account))
		}
	case accounts.HeldAssignment:
		for a := range u.assignments.all() {
			r := a.row()
			offer(p, &r, string(r.Client), string(r.Agency))
		}
	case accounts.HeldSession:
		for x := range u.sessions.all() {
			r := x.Session
			r.Hash = token.Hash{}
			offer(p, &r, string(r.ID))
		}
	case accounts.HeldView:
		for x := range u.views.all() {
			r := x.ViewAs
			r.Link, r.Hash = token.Hash{}, token.Hash{}
			offer(p, &r, string(r.ID))
		}
	case accounts.HeldClient:
		for _, a := range s.accounts {
			if a.book == nil {
				continue
			}
			for _, x := range a.book.records {
				if to(x.Email) || byUser(x.User) {
					offer(p, &x.Client, string(x.Account), string(x.ID))
				}
			}
		}
	case accounts.HeldRequest:
		for _, x := range s.requests {
			if r := x.Request; to(r.Email) || byUser(r.Requester) {
				r.Hash = token.Hash{}
				offer(p, &r, string(r.Agency), string(r.ID))
			}
		}
	case accounts.HeldInvitation:
		for _, x := range s.invitations {
			if r := x.Invitation; to(r.Email) || byUser(r.Inviter) {
				r.Hash = token.Hash{}
				offer(p, &r, string(r.Account), string(r.ID))
			}
		}
	case accounts.HeldMail:
		for _, x := range s.letters {
			if to(accounts.Email(x.To)) || byUser(accounts.UserID(x.User)) {
				r := x.record()
				offer(p, &r, r.ID)
			}
		}
	case accounts.HeldEvent:
		for _, events := range s.ops {
			for _, e := range events {
				if byUser(e.User) || byUser(e.By.User) {
					offer(p, &e.Event, string(e.Op), fmt.Sprintf("%010d", e.Seq))
				}
			}
		}
	default:
		return nil, fault("nothing is kept of the kind %q", q.Kind)
	}
	return p.rows, nil
}
