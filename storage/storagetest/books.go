package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// books keeps account of what committed changes promised, apart from the
// model, so that the invariants do not rest on it alone.
type books struct {
	spent    map[accounts.QuotaKey]int
	promised set[string]
	events   set[eventKey]
	secrets  map[accounts.SessionID]token.Hash
	dead     set[token.Hash] // secrets that a rotation ended
	last     access.Change
}

func newBooks() books {
	return books{
		spent: map[accounts.QuotaKey]int{}, promised: set[string]{}, events: set[eventKey]{},
		secrets: map[accounts.SessionID]token.Hash{}, dead: set[token.Hash]{},
	}
}

// applied notes a change that is durable.
func (b *books) applied(c access.Change) {
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
}

// invariants checks after each operation what must hold whatever was done:
// on the store for what the last change touched, and on the whole world of
// the model, with which the store agrees.
func (g *game) invariants(w *world) {
	e, b := g.e, &g.books
	e.Helper()
	// I-02, I-03, I-05, I-16: one live user an address, one pending request an
	// agency and address, one session a secret.
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
		if s.Kind == accounts.QuotaRequests && b.spent[s.QuotaKey] > 0 {
			d, err := g.st.Drafting(e.ctx, access.DraftingQuery{Agency: accounts.AccountID(s.Subject), Day: s.Day})
			e.ok(err, "Drafting")
			e.holds(d.Used == b.spent[s.QuotaKey], "operation %d: the counter says %d, spent were %d", g.n, d.Used, b.spent[s.QuotaKey])
		}
	}
	for _, m := range b.last.Mail {
		list, err := g.st.Mails(e.ctx, mail.Query{To: m.To})
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
	b.last = access.Change{}
}
