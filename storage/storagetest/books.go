package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// books keeps account of what committed changes promised, apart from the
// model, so that the invariants do not rest on it alone.
type books struct {
	spent    map[accounts.QuotaKey]int
	promised set[string]
	events   set[eventKey]
	secrets  map[accounts.SessionID]token.Hash
	dead     set[token.Hash]                    // secrets that a rotation ended
	links    map[access.TicketKey]access.Ticket // the newest of each
	stale    set[token.Hash]                    // links that a newer one ended
	last     change
}

func newBooks() books {
	return books{
		spent: map[accounts.QuotaKey]int{}, promised: set[string]{}, events: set[eventKey]{},
		secrets: map[accounts.SessionID]token.Hash{}, dead: set[token.Hash]{},
		links: map[access.TicketKey]access.Ticket{}, stale: set[token.Hash]{},
	}
}

// applied notes a change that is durable.
func (b *books) applied(c change) {
	b.last = c
	for _, s := range c.Spend {
		b.spent[s.QuotaKey] += s.N
	}
	for _, m := range c.Mail {
		b.promised.add(m.ID)
	}
	for _, ev := range c.Events {
		b.events.add(eventKey{ev.Op, ev.Seq})
	}
	for _, s := range c.Sessions {
		if old, found := b.secrets[s.ID]; found && old != s.Hash {
			b.dead.add(old)
		}
		b.secrets[s.ID] = s.Hash
		delete(b.dead, s.Hash)
	}
	b.linked(c)
}

// linked notes which links a change made, replaced and erased.
func (b *books) linked(c change) {
	for _, t := range c.Tickets {
		if old, found := b.links[t.TicketKey]; found {
			b.stale.add(old.Hash)
		}
		b.links[t.TicketKey] = t
	}
	for _, f := range c.Forget {
		for key, t := range b.links {
			if key.User == f.User || t.Email == f.Email && f.Email != "" {
				b.stale.add(t.Hash)
				delete(b.links, key)
			}
		}
	}
	for _, t := range b.links {
		delete(b.stale, t.Hash) // a hash may come back, in another row
	}
}

// swept forgets what a sweep may erase.
func (b *books) swept(w *world, today accounts.Day) {
	for key := range b.spent {
		if key.Day < today {
			delete(b.spent, key)
		}
	}
	for id := range b.promised {
		if _, found := w.mails[id]; !found {
			delete(b.promised, id)
		}
	}
	for id, h := range b.secrets {
		if _, found := w.sessions[id]; !found {
			b.dead.add(h)
			delete(b.secrets, id)
		}
	}
	for key, t := range b.links {
		if _, found := w.tickets[key]; !found {
			b.stale.add(t.Hash)
			delete(b.links, key)
		}
	}
}

// invariants checks after each operation what must hold whatever was done:
// on the store for what the last change touched, and on the whole world of
// the model, with which the store agrees.
func (g *game) invariants(w *world) {
	e, b := g.e, &g.books
	e.Helper()
	// I-02, I-03, I-05, I-16: one live user an address, one pending request an
	// agency and address, one pending invitation an account and address, one
	// session a secret, one ticket a link.
	e.holds(w.unique(), "operation %d left two rows under one key", g.n)
	// I-14: counters are the sum of what was spent, and never above the limit.
	for key, n := range b.spent {
		e.holds(w.quotas[key] == n && n <= limitOf(key.Kind), "operation %d: the counter %s is %d, spent were %d of %d",
			g.n, text(key), w.quotas[key], n, limitOf(key.Kind))
	}
	// I-21: the outbox is what committed changes promised. I-25: so is the audit.
	e.holds(len(w.mails) == len(b.promised), "operation %d: %d messages, promised were %d", g.n, len(w.mails), len(b.promised))
	e.holds(len(w.events) == len(b.events), "operation %d: %d events, committed were %d", g.n, len(w.events), len(b.events))

	for _, s := range b.last.Spend {
		n, err := g.st.Spent(e.ctx, s.QuotaKey)
		e.ok(err, "Spent")
		e.holds(n == b.spent[s.QuotaKey], "operation %d: the counter %s says %d, spent were %d", g.n, text(s.QuotaKey), n, b.spent[s.QuotaKey])
	}
	for _, m := range b.last.Mail {
		list, err := g.st.Mails(e.ctx, mail.Query{ID: m.ID})
		e.ok(err, "Mails")
		e.holds(!b.promised[m.ID] || len(list) == 1, "operation %d: %s is in the outbox %d times", g.n, m.ID, len(list))
	}
	// I-18: a rotation leaves one living secret.
	for _, s := range b.last.Sessions {
		for h := range b.dead {
			a, err := g.st.Admission(e.ctx, h, "")
			e.ok(err, "Admission")
			e.holds(a.Session.ID == "", "operation %d: a secret lives after it was replaced", g.n)
		}
		if b.secrets[s.ID] == s.Hash {
			a, err := g.st.Admission(e.ctx, s.Hash, "")
			e.ok(err, "Admission")
			e.holds(a.Session.ID == s.ID, "operation %d: the newest secret of %s leads to %q", g.n, s.ID, a.Session.ID)
		}
	}
	g.loginInvariants()
	b.last = change{}
}

// loginInvariants checks what the last change did to links, seats and people,
// by the store's own answers.
func (g *game) loginInvariants() {
	e, b := g.e, &g.books
	e.Helper()
	// I-05: at most one live link for each user and purpose, and an older one is dead.
	for _, t := range b.last.Tickets {
		for h := range b.stale {
			_, err := g.st.Ticket(e.ctx, access.TicketQuery{Hash: h})
			e.is(err, accounts.ErrNotFound, "operation %d: a link that was replaced or erased", g.n)
		}
		if b.links[t.TicketKey].Hash == t.Hash {
			got, err := g.st.Ticket(e.ctx, access.TicketQuery{Hash: t.Hash})
			e.ok(err, "Ticket")
			e.holds(got.TicketKey == t.TicketKey, "operation %d: the newest link of %v leads to %v", g.n, t.TicketKey, got.TicketKey)
		}
	}
	touched := set[accounts.AccountID]{}
	for _, m := range b.last.Memberships {
		touched.add(m.Account)
	}
	for _, i := range b.last.Invitations {
		touched.add(i.Account)
	}
	for id := range touched {
		g.seats(id)
	}
	// What was forgotten is held no more, and lets nobody in.
	for _, f := range b.last.Forget {
		for _, kind := range []accounts.HeldKind{accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldMail} {
			got, err := g.st.Held(e.ctx, accounts.HeldQuery{Kind: kind, Email: f.Email, Limit: all})
			e.ok(err, "Held")
			e.holds(len(got) == 0, "operation %d: the address %s was forgotten, and still there is %s", g.n, f.Email, text(got))
		}
		for _, kind := range []accounts.HeldKind{accounts.HeldCredential, accounts.HeldIdentity, accounts.HeldChallenge} {
			got, err := g.st.Held(e.ctx, accounts.HeldQuery{Kind: kind, User: f.User, Limit: all})
			e.ok(err, "Held")
			e.holds(len(got) == 0, "operation %d: the user %s was forgotten, and still there is %s", g.n, f.User, text(got))
		}
	}
}

// seats compares what a decision is told about an account's seats with what
// the lists show, and finds a second live invitation to one address (I-02).
func (g *game) seats(id accounts.AccountID) {
	e := g.e
	e.Helper()
	var want accounts.Seats
	members, err := g.st.Members(e.ctx, accounts.MemberQuery{Account: id, Limit: all})
	e.ok(err, "Members")
	for _, m := range members {
		if m.User.DeletedAt.IsZero() {
			want.Members++
		}
	}
	list, err := g.st.Invitations(e.ctx, invites.ListQuery{Account: id, At: g.now, Limit: all})
	e.ok(err, "Invitations")
	pending := set[accounts.Email]{}
	for _, l := range list {
		if l.StateAt(g.now) == invites.Pending {
			want.Invited++
		}
		if l.Invitation.State == invites.Pending {
			e.holds(!pending[l.Invitation.Email], "operation %d left two pending invitations of %s to %s", g.n, id, l.Invitation.Email)
			pending.add(l.Invitation.Email)
		}
	}
	got, err := g.st.Seats(e.ctx, id, g.now)
	e.ok(err, "Seats")
	e.holds(got == want, "operation %d: %s has the seats %s, and the lists show %s", g.n, id, text(got), text(want))
}
