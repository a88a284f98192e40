package storagetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// ClaimMail implements [mail.Outbox].
func (m *model) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	var claimed []mail.Delivery
	err := m.write(ctx, func(w *world) error {
		var due []modelMail
		for _, x := range w.mails {
			if x.Channel == c.Channel && x.state == mail.Queued && !x.due.After(c.At) && !x.leased.After(c.At) {
				due = append(due, x)
			}
		}
		slices.SortFunc(due, func(a, b modelMail) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.due.Compare(b.due), cmp.Compare(a.ID, b.ID))
		})
		for _, x := range due[:min(max(c.Limit, 0), len(due))] {
			x.leased = c.At.Add(c.Lease)
			x.attempts++
			x.fence++
			w.mails[x.ID] = x
			d := mail.Delivery{Message: x.Message, Attempt: x.attempts, Fence: x.fence}
			d.Message.Due, d.Message.Sealed = x.due, slices.Clone(x.Sealed)
			claimed = append(claimed, d)
		}
		return nil
	})
	return claimed, err
}

// SettleMail implements [mail.Outbox].
func (m *model) SettleMail(ctx context.Context, o mail.Outcome) error {
	return m.write(ctx, func(w *world) error {
		x, found := w.mails[o.ID]
		if !found || x.state != mail.Queued || x.fence != o.Fence {
			return mail.ErrFenced
		}
		x.state, x.leased = o.State, time.Time{}
		x.fence++
		if o.State == mail.Queued {
			x.due = o.Next
			if o.Untried && x.attempts > 0 {
				x.attempts--
			}
		} else {
			x.settledAt = o.At
		}
		if o.State == mail.Sent || o.State == mail.Dead && x.Expired(o.At) {
			x.Erase()
		}
		if o.State != mail.Queued || o.Error != "" {
			x.err = o.Error
		}
		w.mails[o.ID] = x
		return nil
	})
}

// Mails implements [mail.Outbox].
func (m *model) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []mail.Record
	for _, x := range w.mails {
		if (q.ID == "" || q.ID == x.ID) && (q.State == "" || q.State == x.state) && (q.Account == "" || q.Account == x.Account) &&
			(q.To == "" || q.To == x.To) && (q.Reason == "" || q.Reason.Covers(x.Reason)) {
			all = append(all, x.record())
		}
	}
	return sortedPage(all, q.After, q.PageSize(), func(r mail.Record) string { return r.ID }, cmp.Compare), nil
}

// Newest implements [mail.Outbox].
func (m *model) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	w, err := m.read(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(reasons) > 1000:
		return nil, errMistake
	}
	list := make([]mail.Record, len(reasons))
	for i, r := range reasons {
		for _, x := range w.mails {
			later := cmp.Or(x.CreatedAt.Compare(list[i].CreatedAt), cmp.Compare(x.ID, list[i].ID)) > 0
			if r != "" && x.Reason == r && (list[i].ID == "" || later) {
				list[i] = x.record()
			}
		}
	}
	return list, nil
}

// record returns what can be seen of the message.
func (m modelMail) record() mail.Record {
	return mail.Record{
		ID: m.ID, Channel: m.Channel, Kind: m.Kind, Account: m.Account, To: m.To, Reason: m.Reason, Priority: m.Priority,
		State: m.state, Attempts: m.attempts, Due: m.due, NotAfter: m.NotAfter, CreatedAt: m.CreatedAt,
		SettledAt: m.settledAt, Error: m.err,
	}
}

// RequeueMail implements [mail.Outbox].
func (m *model) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	n := 0
	err := m.write(ctx, func(w *world) error {
		n = w.again(ids, at)
		return nil
	})
	return n, err
}

// requeue is the part of a change; the moment is that of its events.
func (w *world) requeue(ids []string, events []accounts.Event) {
	if len(ids) > 0 && len(events) > 0 { // without, it is a mistake
		w.again(ids, events[0].At)
	}
}

func (w *world) again(ids []string, at time.Time) int {
	n := 0
	for _, id := range ids {
		x, found := w.mails[id]
		if !found || x.state != mail.Dead || x.Expired(at) {
			continue
		}
		x.state, x.due, x.attempts, x.settledAt = mail.Queued, at, 0, time.Time{}
		x.fence++
		w.mails[id] = x
		n++
	}
	return n
}

// bounce is the late word that a message did not arrive. It reports whether the
// message was sent.
func (w *world) bounce(b mail.Bounce) bool {
	x, found := w.mails[b.ID]
	if !found || x.state != mail.Sent {
		return false
	}
	x.state, x.settledAt, x.err = mail.Bounced, b.At, b.Error
	w.mails[b.ID] = x
	return true
}

// says reports whether anything of what the message says is there.
func (m modelMail) says() bool {
	return m.Subject+m.Text != "" || len(m.Sealed) > 0 || m.Data != mail.Data{}
}

// Sweep implements [storage.Storage].
func (m *model) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	n := 0
	if limit == 0 {
		limit = 1000
	}
	err := m.write(ctx, func(w *world) error {
		old := func(at, than time.Time) bool { return !at.IsZero() && at.Before(than) && n < limit }
		for id, s := range w.sessions {
			if old(s.EndedAt, before.Sessions) || old(s.CreatedAt, before.Sessions) {
				delete(w.sessions, id)
				n++
			} else if (s.Source != "" || s.UserAgent != "") && old(s.CreatedAt, before.Sources) {
				s.Source, s.UserAgent = "", ""
				w.sessions[id] = s
				n++
			}
		}
		for id, v := range w.views {
			if old(v.EndedAt, before.Views) || old(v.ExpiresAt, before.Views) {
				delete(w.views, id)
				n++
			}
		}
		for key, r := range w.replies {
			if old(r.ExpiresAt, before.Replies) {
				delete(w.replies, key)
				n++
			}
		}
		for key := range w.quotas {
			if key.Day < before.Quotas && n < limit {
				delete(w.quotas, key)
				n++
			}
		}
		for key, t := range w.tickets {
			if old(t.ExpiresAt, before.Tickets) {
				delete(w.tickets, key)
				n++
			}
		}
		for key, c := range w.challenges {
			if old(c.ExpiresAt, before.Tickets) {
				delete(w.challenges, key)
				n++
			}
		}
		for key, g := range w.guesses {
			if old(g.LastAt, before.Guesses) {
				delete(w.guesses, key)
				n++
			}
		}
		for id, x := range w.mails {
			if old(x.settledAt, before.Mail) {
				delete(w.mails, id)
				n++
			} else if n < limit && x.state == mail.Dead && x.says() && !before.Texts.IsZero() && x.Expired(before.Texts) {
				x.Erase()
				w.mails[id] = x
				n++
			} else if n < limit && x.state == mail.Queued && !before.Texts.IsZero() && x.Expired(before.Texts) && !x.leased.After(before.Texts) {
				x.state, x.leased, x.settledAt, x.err = mail.Dead, time.Time{}, before.Texts, storage.TooLate
				x.fence++
				x.Erase()
				w.mails[id] = x
				n++
			}
		}
		return nil
	})
	return n, err
}
