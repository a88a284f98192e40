package memory

import (
	"cmp"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// letter is a message and how far its delivery has come. The message's Due is
// when it is tried (again).
type letter struct {
	mail.Message
	state    mail.State
	leased   time.Time // until when
	settled  time.Time
	attempts int
	fence    int64
	err      string
}

func byLetterID(a, b *letter) int { return cmp.Compare(a.ID, b.ID) }

func byDue(a, b *letter) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}

func byReason(a, b *letter) int {
	return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.ID, b.ID))
}

// putLetter puts a message into the outbox, unless its id is there already.
func (s *state) putLetter(l letter) {
	if s.letters[l.ID] != nil {
		return
	}
	trim(&l.Due, &l.NotAfter, &l.CreatedAt, &l.leased, &l.settled)
	x := &l
	s.letters[x.ID] = x
	s.ids.insert(x, byLetterID)
	s.enqueue(x)
}

// enqueue puts a letter into the indexes that its state decides; dequeue takes
// it out, before its state or its due time changes.
func (s *state) enqueue(x *letter) {
	if x.state == mail.Queued {
		s.queue.insert(x, byDue)
	}
	if x.cancellable() {
		s.reasons.insert(x, byReason)
	}
}

func (s *state) dequeue(x *letter) {
	if x.state == mail.Queued {
		s.queue.remove(x, byDue)
	}
	if x.cancellable() {
		s.reasons.remove(x, byReason)
	}
}

// cancellable reports whether the message can still go out, now or when it is
// queued again, because of a reason that can go.
func (x *letter) cancellable() bool {
	return x.Reason != "" && (x.state == mail.Queued || x.state == mail.Dead)
}

// cancel takes back what a reason covers.
func (s *state) cancel(r mail.Reason, at time.Time) {
	var covered []*letter
	find := func(from, before string) {
		for x := range s.reasons.from(func(x *letter) bool { return string(x.Reason) < from }) {
			if string(x.Reason) >= before {
				break
			}
			covered = append(covered, x)
		}
	}
	if r != "" {
		find(string(r), string(r)+"\x00") // the reason itself
		find(r.Range())
	}
	for _, x := range covered {
		s.cancelLetter(x, at)
	}
}

// cancelLetter takes back a message that is queued or dead.
func (s *state) cancelLetter(x *letter, at time.Time) {
	s.dequeue(x)
	x.state, x.leased, x.settled = mail.Cancelled, time.Time{}, at
	x.fence++
	x.erase()
}

func (x *letter) erase() { x.Subject, x.Text = "", "" }

func (s *state) claimMail(c mail.Claim) []mail.Delivery {
	var claimed []mail.Delivery
	// The due ones of a priority come first in it, the others are passed over.
	for priority := 0; len(claimed) < c.Limit; priority++ {
		passed := false
		for x := range s.queue.from(func(x *letter) bool { return int(x.Priority) < priority }) {
			if passed = true; int(x.Priority) > priority {
				priority = int(x.Priority)
			}
			if x.Due.After(c.At) {
				break
			}
			if x.leased.After(c.At) {
				continue
			}
			x.leased = c.At.Add(c.Lease)
			trim(&x.leased)
			x.attempts++
			x.fence++
			claimed = append(claimed, mail.Delivery{Message: x.Message, Attempt: x.attempts, Fence: x.fence})
			if len(claimed) == c.Limit {
				break
			}
		}
		if !passed {
			break
		}
	}
	return claimed
}

func (s *state) settleMail(o mail.Outcome) error {
	if o.State != mail.Sent && o.State != mail.Dead && o.State != mail.Queued {
		return fault("a delivery ends sent, dead or queued, not %q", o.State)
	}
	x := s.letters[o.ID]
	if x == nil || x.state != mail.Queued || x.fence != o.Fence {
		return mail.ErrFenced
	}
	trim(&o.At, &o.Next)
	s.dequeue(x)
	x.state, x.leased = o.State, time.Time{}
	x.fence++
	if o.State == mail.Queued {
		x.Due = o.Next
	} else {
		x.settled = o.At
	}
	if o.State == mail.Sent || o.State == mail.Dead && x.Expired(o.At) {
		x.erase()
	}
	if o.State != mail.Queued || o.Error != "" {
		x.err = o.Error
	}
	s.enqueue(x)
	return nil
}

func (s *state) records(q mail.Query) []mail.Record {
	var page []mail.Record
	for x := range s.ids.from(func(x *letter) bool { return x.ID <= q.After && q.After != "" }) {
		if q.ID != "" && q.ID != x.ID || q.State != "" && q.State != x.state || q.Account != "" && q.Account != x.Account ||
			q.To != "" && q.To != x.To || q.Reason != "" && !q.Reason.Covers(x.Reason) {
			continue
		}
		if page = append(page, x.record()); len(page) == q.PageSize() {
			break
		}
	}
	return page
}

func (x *letter) record() mail.Record {
	return mail.Record{
		ID: x.ID, Kind: x.Kind, Account: x.Account, To: x.To, Reason: x.Reason, Priority: x.Priority,
		State: x.state, Attempts: x.attempts, Due: x.Due, NotAfter: x.NotAfter, CreatedAt: x.CreatedAt,
		SettledAt: x.settled, Error: x.err,
	}
}

func (s *state) requeueMail(ids []string, at time.Time) int {
	trim(&at)
	n := 0
	for _, id := range ids {
		x := s.letters[id]
		if x == nil || x.state != mail.Dead || x.Expired(at) {
			continue
		}
		s.dequeue(x)
		x.state, x.Due, x.attempts, x.settled = mail.Queued, at, 0, time.Time{}
		x.fence++
		s.enqueue(x)
		n++
	}
	return n
}

// decidedAt returns the moment of a change, which is that of its events.
func decidedAt(events []accounts.Event) (at time.Time) {
	if len(events) > 0 {
		at = events[0].At
		trim(&at)
	}
	return at
}
