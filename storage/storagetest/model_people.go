package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// forget erases what is kept about a person. The moment is that of the change's
// events.
func (w *world) forget(f accounts.Forget, events []accounts.Event) {
	if f.User != "" {
		w.forgetUser(f.User)
		w.forgetMail(events, func(m modelMail) bool { return m.User == string(f.User) })
	}
	if f.Email != "" {
		w.forgetAddress(f.Email, events)
	}
}

func (w *world) forgetUser(id accounts.UserID) {
	delete(w.credentials, id)
	for key, i := range w.identities {
		if i.User == id {
			delete(w.identities, key)
		}
	}
	for key := range w.challenges {
		if key.User == id {
			delete(w.challenges, key)
		}
	}
	for key := range w.tickets {
		if key.User == id {
			delete(w.tickets, key)
		}
	}
	for key, s := range w.sessions {
		if s.User == id && s.UserAgent+s.Source != "" {
			s.UserAgent, s.Source = "", ""
			s.Version++
			w.sessions[key] = s
		}
	}
	for key, v := range w.views {
		if v.Viewer == id && v.UserAgent+v.Source != "" {
			v.UserAgent, v.Source = "", ""
			v.Version++
			w.views[key] = v
		}
	}
}

func (w *world) forgetAddress(email accounts.Email, events []accounts.Event) {
	delete(w.guesses, email)
	for key, t := range w.tickets {
		if t.Email == email {
			delete(w.tickets, key)
		}
	}
	for key, r := range w.requests {
		if r.Email != email {
			continue
		}
		if r.State == access.Pending {
			r.State = access.Ended
		}
		r.Email, r.Address, r.Message, r.Reason = "", "", "", ""
		r.Version++
		w.requests[key] = r
	}
	for key, i := range w.invitations {
		if i.Email != email {
			continue
		}
		if i.State == invites.Pending {
			i.State = invites.Revoked
		}
		i.Email, i.Address, i.Message = "", "", ""
		i.Version++
		w.invitations[key] = i
	}
	w.forgetMail(events, func(m modelMail) bool { return m.To == string(email) })
}

func (w *world) forgetMail(events []accounts.Event, theirs func(modelMail) bool) {
	for id, m := range w.mails {
		if theirs(m) {
			m = m.cancelled(events)
			m.Erase()
			m.To, m.ToName, m.User, m.err = "", "", "", ""
			w.mails[id] = m
		}
	}
}

// Held implements [accounts.Store].
func (m *model) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(accounts.HeldKinds(), q.Kind) {
		return nil, errMistake
	}
	return sortedPage(w.held(q), q.After, q.Limit, func(h accounts.Held) string { return h.Key }, strings.Compare), nil
}

// held returns everything of a kind.
func (w *world) held(q accounts.HeldQuery) []accounts.Held {
	var all []accounts.Held
	add := func(row any, key ...string) { all = append(all, accounts.Held{Key: strings.Join(key, "\n"), Row: row}) }
	is := func(id accounts.UserID) bool { return id != "" && id == q.User }
	to := func(email accounts.Email) bool { return email != "" && email == q.Email }
	switch q.Kind {
	case accounts.HeldUser:
		if u, found := w.users[q.User]; found {
			add(u, string(u.ID))
		}
	case accounts.HeldIdentity:
		for _, r := range w.identities {
			if is(r.User) {
				add(r, r.Issuer, r.Subject)
			}
		}
	case accounts.HeldCredential:
		if r, found := w.credentials[q.User]; found {
			r.Hash = ""
			add(r, string(r.User))
		}
	case accounts.HeldChallenge:
		for _, r := range w.challenges {
			if is(r.User) {
				r.Hash = [32]byte{}
				add(r, string(r.Session), string(r.Account), string(r.Action))
			}
		}
	case accounts.HeldMembership:
		for _, r := range w.memberships {
			if is(r.User) {
				add(r, string(r.Account))
			}
		}
	case accounts.HeldAssignment:
		for _, r := range w.assignments {
			if is(r.User) {
				add(r, string(r.Client), string(r.Agency))
			}
		}
	case accounts.HeldSession:
		for _, r := range w.sessions {
			if is(r.User) {
				r.Hash = token.Hash{}
				add(r, string(r.ID))
			}
		}
	case accounts.HeldView:
		for _, r := range w.views {
			if is(r.Viewer) {
				r.Link, r.Hash = token.Hash{}, token.Hash{}
				add(r, string(r.ID))
			}
		}
	case accounts.HeldClient:
		for _, r := range w.clients {
			if to(r.Email) || is(r.User) {
				add(r, string(r.Account), string(r.ID))
			}
		}
	case accounts.HeldRequest:
		for _, r := range w.requests {
			if to(r.Email) || is(r.Requester) {
				r.Hash = token.Hash{}
				add(r, string(r.Agency), string(r.ID))
			}
		}
	case accounts.HeldInvitation:
		for _, r := range w.invitations {
			if to(r.Email) || is(r.Inviter) {
				r.Hash = token.Hash{}
				add(r, string(r.Account), string(r.ID))
			}
		}
	case accounts.HeldMail:
		for _, m := range w.mails {
			if to(accounts.Email(m.To)) || is(accounts.UserID(m.User)) {
				add(m.record(), m.ID)
			}
		}
	case accounts.HeldEvent:
		for _, ev := range w.events {
			if is(ev.User) || is(ev.By.User) {
				add(ev.Event, string(ev.Op), fmt.Sprintf("%010d", ev.Seq))
			}
		}
	}
	return all
}
