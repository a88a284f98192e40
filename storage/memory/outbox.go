package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// maxNewest is the most reasons that Newest answers for.
const maxNewest = 1000

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
	return cmp.Or(
		cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Priority, b.Priority), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}

func byLease(a, b *letter) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), a.leased.Compare(b.leased), cmp.Compare(a.ID, b.ID))
}

func byReason(a, b *letter) int {
	return cmp.Or(cmp.Compare(a.Reason, b.Reason), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// putLetter puts a message into the outbox, unless its id is there already.
func (s *state) putLetter(l letter) {
	if s.letters[l.ID] != nil {
		return
	}
	trim(&l.Due, &l.NotAfter, &l.CreatedAt, &l.Data.ExpiresAt, &l.Data.At, &l.leased, &l.settled)
	l.HTML = ""
	l.Sealed = slices.Clone(l.Sealed) // and never written to from here on
	x := &l
	s.letters[x.ID] = x
	s.ids.insert(x, byLetterID)
	if x.Reason != "" {
		s.reasons.insert(x, byReason)
	}
	s.enqueue(x)
}

// dropLetter takes a settled message out.
func (s *state) dropLetter(x *letter) {
	s.ids.remove(x, byLetterID)
	if x.Reason != "" {
		s.reasons.remove(x, byReason)
	}
	delete(s.letters, x.ID)
}

// enqueue puts a letter where its state and its lease say; dequeue takes it out,
// before these or its due time change.
func (s *state) enqueue(x *letter) {
	switch {
	case x.state != mail.Queued:
	case x.leased.IsZero():
		s.queue.insert(x, byDue)
	default:
		s.leased.insert(x, byLease)
	}
}

func (s *state) dequeue(x *letter) {
	switch {
	case x.state != mail.Queued:
	case x.leased.IsZero():
		s.queue.remove(x, byDue)
	default:
		s.leased.remove(x, byLease)
	}
}

// covered returns the messages that a reason covers.
func (s *state) covered(r mail.Reason) (list []*letter) {
	if r == "" {
		return nil
	}
	find := func(from, before string) {
		for x := range s.reasons.from(func(x *letter) bool { return string(x.Reason) < from }) {
			if string(x.Reason) >= before {
				break
			}
			list = append(list, x)
		}
	}
	find(string(r), string(r)+"\x00") // the reason itself
	find(r.Range())
	return list
}

// cancel takes back what a reason covers.
func (s *state) cancel(r mail.Reason, at time.Time) {
	for _, x := range s.covered(r) {
		s.cancelLetter(x, at)
	}
}

// cancelLetter takes a message back if it can still go out, now or when it is
// queued again.
func (s *state) cancelLetter(x *letter, at time.Time) {
	if x.state != mail.Queued && x.state != mail.Dead {
		return
	}
	s.dequeue(x)
	x.state, x.leased, x.settled = mail.Cancelled, time.Time{}, at
	x.fence++
	x.Erase()
}

// bounce records that a message which was sent has come back. It is there: that
// was checked.
func (s *state) bounce(b mail.Bounce) {
	trim(&b.At)
	x := s.letters[b.ID]
	x.state, x.settled, x.err = mail.Bounced, b.At, b.Error
}

// expire ends a message that waits for somebody who comes too late.
func (s *state) expire(x *letter, at time.Time) {
	trim(&at)
	s.dequeue(x)
	x.state, x.leased, x.settled, x.err = mail.Dead, time.Time{}, at, storage.TooLate
	x.fence++
	x.Erase()
}

// says reports whether the message has words.
func (x *letter) says() bool {
	return x.Subject != "" || x.Text != "" || x.Data != (mail.Data{}) || len(x.Sealed) > 0
}

// claimMail leases what is due: the first of each priority that nobody has, and
// those whose lease has run out.
func (s *state) claimMail(c mail.Claim) []mail.Delivery {
	if c.Limit < 1 {
		return nil
	}
	var due []*letter
	for priority, more := 0, true; more; priority++ {
		more = false
		n := 0
		for x := range s.queue.from(func(x *letter) bool {
			return x.Channel < c.Channel || x.Channel == c.Channel && int(x.Priority) < priority
		}) {
			if x.Channel != c.Channel {
				break
			}
			if !more {
				more, priority = true, int(x.Priority)
			}
			if int(x.Priority) > priority || x.Due.After(c.At) || n == c.Limit {
				break
			}
			due = append(due, x)
			n++
		}
	}
	for x := range s.leased.from(func(x *letter) bool { return x.Channel < c.Channel }) {
		if x.Channel != c.Channel || x.leased.After(c.At) {
			break
		}
		if !x.Due.After(c.At) {
			due = append(due, x)
		}
	}
	slices.SortFunc(due, byDue)
	due = due[:min(c.Limit, len(due))]
	claimed := make([]mail.Delivery, len(due))
	for i, x := range due {
		s.dequeue(x)
		x.leased = c.At.Add(c.Lease)
		trim(&x.leased)
		x.attempts++
		x.fence++
		s.enqueue(x)
		claimed[i] = mail.Delivery{Message: x.Message, Attempt: x.attempts, Fence: x.fence}
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
		if o.Untried {
			x.attempts = max(0, x.attempts-1)
		}
	} else {
		x.settled = o.At
	}
	if o.State == mail.Sent || o.State == mail.Dead && x.Expired(o.At) {
		x.Erase()
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

// newest returns for each reason what was written last because of it.
func (s *state) newest(reasons []mail.Reason) ([]mail.Record, error) {
	if len(reasons) > maxNewest {
		return nil, fault("Newest answers for at most %d reasons, and not for %d", maxNewest, len(reasons))
	}
	list := make([]mail.Record, len(reasons))
	for i, r := range reasons {
		for x := range s.reasons.down(func(x *letter) bool { return x.Reason <= r }) {
			if x.Reason == r {
				list[i] = x.record()
			}
			break
		}
	}
	return list, nil
}

func (x *letter) record() mail.Record {
	return mail.Record{
		ID: x.ID, Channel: x.Channel, Kind: x.Kind, Account: x.Account, To: x.To, Reason: x.Reason, Priority: x.Priority,
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
