package storagetest

import (
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// apply reports whether everything in the change held. The world is spoilt
// when it did not.
func (w *world) apply(c change) bool {
	eachTime(reflect.ValueOf(&c).Elem(), keptTime)
	ok := !doubled(c)
	for _, g := range c.Guards {
		if (g.Account == "") == (g.User == "") {
			continue // a mistake, which sensible finds
		}
		if g.User != "" {
			u, found := w.users[g.User]
			ok = ok && found && u.Epoch == g.Epoch
			continue
		}
		a, found := w.accounts[g.Account]
		ok = ok && found && a.Version == g.Version
		if g.Move {
			a.Version++
		}
		w.accounts[g.Account] = a
	}
	for _, r := range c.Users {
		ok = ok && fits(r.Version, w.users[r.ID].Version)
		r.Version++
		w.users[r.ID] = r
	}
	for _, key := range c.Unlink {
		_, found := w.identities[key]
		ok = ok && found
		delete(w.identities, key)
	}
	for _, r := range c.Identities {
		_, found := w.identities[r.Key()]
		ok = ok && !found
		w.identities[r.Key()] = r
	}
	for _, r := range c.Credentials {
		ok = ok && fits(r.Version, w.credentials[r.User].Version)
		r.Version++
		w.credentials[r.User] = r
	}
	for _, r := range c.Challenges {
		ok = ok && fits(r.Version, w.challenges[r.ChallengeKey].Version)
		r.Version++
		w.challenges[r.ChallengeKey] = r
	}
	for _, r := range c.Accounts {
		ok = ok && fits(r.Version, w.accounts[r.ID].Version)
		r.Version++
		w.accounts[r.ID] = r
	}
	for _, r := range c.Memberships {
		key := accounts.StandingKey{User: r.User, Account: r.Account}
		ok = ok && fits(r.Version, w.memberships[key].Version)
		r.Version++
		w.memberships[key] = r
	}
	for _, r := range c.Connections {
		ok = ok && fits(r.Version, w.connections[r.ConnectionKey].Version)
		r.Version++
		w.connections[r.ConnectionKey] = r
	}
	for _, r := range c.Assignments {
		key := assignmentKey{r.ConnectionKey, r.User}
		ok = ok && fits(r.Version, w.assignments[key].Version)
		r.Version++
		w.assignments[key] = r
	}
	ok = w.applyClients(c) && ok
	for _, s := range c.Spend {
		w.quotas[s.QuotaKey] += s.N
		ok = ok && w.quotas[s.QuotaKey] <= s.Limit
	}
	for _, r := range c.Replies {
		old, found := w.replies[r.ReplyKey]
		ok = ok && (!found || !r.CreatedAt.Before(old.ExpiresAt))
		r.Answer = slices.Clone(r.Answer)
		w.replies[r.ReplyKey] = r
	}
	ok = w.applyRows(c) && ok
	for _, t := range c.Touches {
		if s, found := w.sessions[t.Session]; found && t.At.After(s.SeenAt) {
			s.SeenAt = t.At
			w.sessions[t.Session] = s
		}
	}
	for _, ev := range c.Events {
		_, found := w.events[eventKey{ev.Op, ev.Seq}]
		ok = ok && !found
		w.events[eventKey{ev.Op, ev.Seq}] = modelEvent{Event: ev}
	}
	for _, reason := range c.CancelMail {
		w.cancel(reason, c.Events)
	}
	w.requeue(c.Requeue, c.Events)
	for _, b := range c.Bounced {
		ok = w.bounce(b) && ok
	}
	for _, m := range c.Mail {
		if _, found := w.mails[m.ID]; !found {
			m.HTML, m.Sealed = "", slices.Clone(m.Sealed)
			w.mails[m.ID] = modelMail{Message: m, state: mail.Queued, due: m.Due}
		}
	}
	ok = w.unique() && ok
	for _, f := range c.Forget { // it makes no room for what clashes
		w.forget(f, c.Events)
	}
	return ok
}

// applyRows applies the rows that are no part of an accounts.Change.
func (w *world) applyRows(c change) bool {
	ok := true
	for _, r := range c.Requests {
		key := requestKey{r.Agency, r.ID}
		ok = ok && fits(r.Version, w.requests[key].Version)
		r.Version++
		w.requests[key] = r
	}
	for _, r := range c.Invitations {
		key := invitationKey{r.Account, r.ID}
		ok = ok && fits(r.Version, w.invitations[key].Version)
		r.Version++
		w.invitations[key] = r
	}
	for _, r := range c.Sessions {
		ok = ok && fits(r.Version, w.sessions[r.ID].Version)
		r.Version++
		w.sessions[r.ID] = r
	}
	for _, r := range c.Tickets {
		ok = ok && fits(r.Version, w.tickets[r.TicketKey].Version)
		r.Version++
		w.tickets[r.TicketKey] = r
	}
	for _, r := range c.Guesses {
		ok = ok && fits(r.Version, w.guesses[r.Email].Version)
		r.Version++
		w.guesses[r.Email] = r
	}
	return ok
}

// fits reports whether a row's version lets it take the place of the stored
// one, of which the version is 0 if there is none.
func fits(given, stored int64) bool { return given == stored }

// cancel takes back the mail of a reason. The moment is that of the change's
// events.
func (w *world) cancel(reason mail.Reason, events []accounts.Event) {
	for id, m := range w.mails {
		if reason.Covers(m.Reason) {
			w.mails[id] = m.cancelled(events)
		}
	}
}

// cancelled returns the message as it is once its reason has gone.
func (m modelMail) cancelled(events []accounts.Event) modelMail {
	if m.state != mail.Queued && m.state != mail.Dead {
		return m
	}
	m.state, m.leased = mail.Cancelled, time.Time{}
	m.Erase()
	m.fence++
	if len(events) > 0 {
		m.settledAt = events[0].At
	}
	return m
}

// unique reports whether everything that may be there once is there once.
func (w *world) unique() bool {
	seen := map[any]bool{}
	once := func(key any) bool {
		again := seen[key]
		seen[key] = true
		return !again
	}
	type (
		handle  string
		pending struct {
			agency accounts.AccountID
			email  accounts.Email
		}
		invited        pending
		requestHash    [32]byte
		invitationHash [32]byte
		sessionHash    [32]byte
		ticketHash     [32]byte
	)
	for _, u := range w.users {
		if !u.DeletedAt.IsZero() {
			continue
		}
		if u.Email != "" && !once(u.Email) {
			return false
		}
		if key := accounts.NameKey(u.Handle); key != "" && !once(handle(key)) {
			return false
		}
	}
	for _, r := range w.requests {
		if !once(requestHash(r.Hash)) || (r.State == access.Pending && !once(pending{r.Agency, r.Email})) {
			return false
		}
	}
	for _, i := range w.invitations {
		if !once(invitationHash(i.Hash)) || (i.State == invites.Pending && !once(invited{i.Account, i.Email})) {
			return false
		}
	}
	for _, s := range w.sessions {
		if !once(sessionHash(s.Hash)) {
			return false
		}
	}
	for _, t := range w.tickets {
		if !once(ticketHash(t.Hash)) {
			return false
		}
	}
	return w.uniqueClients()
}
