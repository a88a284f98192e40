package customstore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// maxNewest is the most reasons that Newest answers for.
const maxNewest = 1000

// says reports whether the message has words.
func (l *letter) says() bool {
	return l.Row.Subject != "" || l.Row.Text != "" || l.Row.Data != (mail.Data{}) || len(l.Row.Sealed) > 0
}

func (l *letter) erase() { (*mail.Message)(&l.Row).Erase() }

func (l *letter) expired(at time.Time) bool { return mail.Message(l.Row).Expired(at) }

// record is what can be seen of a message.
func (l *letter) record() mail.Record {
	m := &l.Row
	return mail.Record{
		ID: m.ID, Channel: m.Channel, Kind: m.Kind, Account: m.Account, To: m.To, Reason: m.Reason, Priority: m.Priority,
		State: l.State, Attempts: l.Attempts, Due: m.Due, NotAfter: m.NotAfter, CreatedAt: m.CreatedAt,
		SettledAt: l.Settled, Error: l.Error,
	}
}

// end gives a message its last state, takes it from whoever has a lease, and
// erases what it says.
func (l *letter) end(state mail.State, at time.Time) {
	l.State, l.Leased, l.Settled = state, time.Time{}, at
	l.Fence++
	l.erase()
}

// cancel ends a message that can still go out, now or when it is queued again.
func (l *letter) cancel(at time.Time) {
	if l.State == mail.Queued || l.State == mail.Dead {
		l.end(mail.Cancelled, at)
	}
}

// enqueue puts a message into the outbox, unless its id is there already.
func (x *txn) enqueue(m mail.Message) {
	m.HTML = ""
	if x.letters.get(key(m.ID)) == nil {
		x.letters.put(letter{Row: words(m), State: mail.Queued})
	}
}

// cancel takes back what a reason covers: the messages with that reason, and
// those with one that goes on behind a slash. The second prefix is one of a
// part, and so has no mark.
func (x *txn) cancel(r mail.Reason, at time.Time) {
	if r == "" {
		return
	}
	below, _ := r.Range()
	for _, l := range slices.Concat(x.letters.list("reason", key(r)), x.letters.list("reason", below)) {
		l.cancel(at)
		x.letters.put(*l)
	}
}

func (x *txn) requeue(ids []string, at time.Time) (n int) {
	for _, id := range ids {
		l := x.letters.get(key(id))
		if l == nil || l.State != mail.Dead || l.expired(at) || l.Torn != nil {
			continue
		}
		l.State, l.Row.Due, l.Attempts, l.Settled = mail.Queued, at, 0, time.Time{}
		l.Fence++
		x.letters.put(*l)
		n++
	}
	return n
}

// ClaimMail implements [mail.Outbox].
func (s *Store) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	return do(ctx, s, func(x *txn) (claimed []mail.Delivery) {
		due := x.due(c)
		for torn := (*tornError)(nil); errors.As(x.err, &torn); due = x.due(c) {
			x.err = nil
			x.bury(torn.key, c)
		}
		slices.SortFunc(due, func(a, b *letter) int {
			return cmp.Or(cmp.Compare(a.Row.Priority, b.Row.Priority), a.Row.Due.Compare(b.Row.Due), cmp.Compare(a.Row.ID, b.Row.ID))
		})
		for _, l := range due[:min(max(c.Limit, 0), len(due))] {
			l.Leased = c.At.Add(c.Lease)
			l.Attempts++
			l.Fence++
			x.letters.put(*l)
			claimed = append(claimed, mail.Delivery{Message: mail.Message(l.Row), Attempt: l.Attempts, Fence: l.Fence})
		}
		return claimed
	})
}

// due returns what can be claimed, and perhaps more. It seeks, for each priority
// there is, what is due and nobody's, and beside that what is leased no more.
func (x *txn) due(c mail.Claim) (due []*letter) {
	of := key(c.Channel)
	for from := of; ; {
		first := firstOf(x.letters.up("queue", of, from)) // of the next priority
		if first == nil {
			break
		}
		n, priority := 0, key(c.Channel, first.Row.Priority)
		for l := range x.letters.up("queue", priority, "") {
			if n >= c.Limit || l.Row.Due.After(c.At) {
				break
			}
			due = append(due, l)
			n++
		}
		from = past(priority)
	}
	for l := range x.letters.up("leased", of, "") {
		if l.Leased.After(c.At) {
			break
		}
		if !l.Row.Due.After(c.At) {
			due = append(due, l)
		}
	}
	return due
}

// bury puts a dead message in the place of one that cannot be read, so that it
// holds up no other. It keeps what was there: who mends it writes the row anew.
func (x *txn) bury(torn string, c mail.Claim) {
	id, _, _ := strings.Cut(torn, mark)
	x.letters.put(letter{
		Row: words{ID: strings.ReplaceAll(id, zero, "\x00"), Channel: c.Channel}, State: mail.Dead, Settled: c.At,
		Error: "what the message says cannot be read", Torn: x.letters.tear(torn),
	})
}

// firstOf returns the first row of a walk, nil if there is none.
func firstOf[R any](walk iter.Seq[*R]) *R {
	for r := range walk {
		return r
	}
	return nil
}

// SettleMail implements [mail.Outbox].
func (s *Store) SettleMail(ctx context.Context, o mail.Outcome) error {
	_, err := do(ctx, s, func(x *txn) struct{} {
		l := x.letters.get(key(o.ID))
		switch {
		case o.State != mail.Sent && o.State != mail.Dead && o.State != mail.Queued:
			x.fail(fault("a delivery ends sent, dead or queued, not %q", o.State))
		case l == nil || l.State != mail.Queued || l.Fence != o.Fence:
			x.fail(mail.ErrFenced)
		default:
			l.settle(o)
			x.letters.put(*l)
		}
		return struct{}{}
	})
	return err
}

func (l *letter) settle(o mail.Outcome) {
	l.State, l.Leased = o.State, time.Time{}
	l.Fence++
	if o.State == mail.Queued {
		l.Row.Due = o.Next
		if o.Untried {
			l.Attempts = max(0, l.Attempts-1)
		}
	} else {
		l.Settled = o.At
	}
	if o.State == mail.Sent || o.State == mail.Dead && l.expired(o.At) {
		l.erase()
	}
	if o.State != mail.Queued || o.Error != "" {
		l.Error = o.Error
	}
}

// Mails implements [mail.Outbox]. Of one address it reads only that one's
// messages, and of one id only that message; else it walks the outbox from the
// cursor on.
func (s *Store) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	return ask(ctx, s, func(x *txn) (page []mail.Record) {
		walk := x.letters.up("", "", past(key(q.After)))
		switch {
		case q.ID != "":
			walk = x.letters.up("", key(q.ID), past(key(q.After)))
		case q.To != "":
			walk = x.letters.up("to", key(q.To), past(key(q.To, q.After)))
		}
		for l := range walk {
			m := &l.Row
			if q.State != "" && q.State != l.State || q.Account != "" && q.Account != m.Account ||
				q.To != "" && q.To != m.To || q.Reason != "" && !q.Reason.Covers(m.Reason) {
				continue
			}
			if page = append(page, l.record()); len(page) == q.PageSize() {
				break
			}
		}
		return page
	})
}

// Newest implements [mail.Outbox].
func (s *Store) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	return ask(ctx, s, func(x *txn) []mail.Record {
		if len(reasons) > maxNewest {
			x.fail(fault("Newest answers for at most %d reasons, and not for %d", maxNewest, len(reasons)))
			return nil
		}
		list := make([]mail.Record, len(reasons))
		for i, r := range reasons {
			if l := firstOf(x.letters.down("reason", key(r), "")); l != nil {
				list[i] = l.record()
			}
		}
		return list
	})
}

// RequeueMail implements [mail.Outbox].
func (s *Store) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	return do(ctx, s, func(x *txn) int { return x.requeue(ids, at) })
}

// Sweep implements [storage.Storage]. Every kind has an index by the moment
// from which on it is old, so it reads nothing that stays.
func (s *Store) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	if limit <= 0 {
		limit = 1000
	}
	return do(ctx, s, func(x *txn) (n int) {
		sweep(&n, limit, &x.sessions, "over", before.Sessions, nil)
		sweep(&n, limit, &x.sessions, "source", before.Sources, blankSession)
		sweep(&n, limit, &x.views, "over", before.Views, nil)
		sweep(&n, limit, &x.tickets, "over", before.Tickets, nil)
		sweep(&n, limit, &x.challenges, "over", before.Tickets, nil)
		sweep(&n, limit, &x.guesses, "last", before.Guesses, nil)
		sweep(&n, limit, &x.replies, "over", before.Replies, nil)
		for _, r := range x.counters.until("day", key(before.Quotas), limit-n) {
			x.counters.drop(quotaKey(r.QuotaKey))
			n++
		}
		sweep(&n, limit, &x.letters, "settled", before.Mail, nil)
		x.sweepTexts(&n, limit, before.Texts)
		return n
	})
}

// sweep drops what is older than a moment, or blanks it.
func sweep[R any](n *int, limit int, t *table[R], by string, before time.Time, blank func(r *R)) {
	if before.IsZero() {
		return
	}
	for _, r := range t.until(by, key(micros(before)), limit-*n) {
		if *n++; blank == nil {
			t.drop(t.key(r))
			continue
		}
		blank(r)
		t.put(*r)
	}
}

// sweepTexts erases what mail says that must not be sent any more, and ends
// what waits in vain. What somebody still has a lease of is passed over, and
// stays in the index.
func (x *txn) sweepTexts(n *int, limit int, at time.Time) {
	if at.IsZero() {
		return
	}
	var late []*letter
	for l := range x.letters.up("late", "", "") {
		if !l.expired(at) || *n+len(late) == limit {
			break
		}
		if l.State == mail.Dead || !l.Leased.After(at) {
			late = append(late, l)
		}
	}
	for _, l := range late {
		if *n++; l.State == mail.Queued {
			l.end(mail.Dead, at)
			l.Error = storage.TooLate
		} else {
			l.erase()
		}
		x.letters.put(*l)
	}
}
