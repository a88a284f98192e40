package mail_test

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// outbox is the contract of mail.Outbox in its simplest form.
type outbox struct {
	mu     sync.Mutex
	rows   map[string]*row
	claims []mail.Claim
	settle []mail.Outcome
	fault  func(op string) error // called without the lock before each operation
}

type row struct {
	m        mail.Message
	state    mail.State
	attempts int
	fence    int64
	leased   time.Time
	settled  time.Time
	err      string
	claimed  []time.Time // when, by the caller's clock
}

func newOutbox(ms ...mail.Message) *outbox {
	o := &outbox{rows: map[string]*row{}}
	o.put(ms...)
	return o
}

func (o *outbox) put(ms ...mail.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range ms {
		if o.rows[m.ID] == nil {
			o.rows[m.ID] = &row{m: m, state: mail.Queued}
		}
	}
}

func (o *outbox) cancel(r mail.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.rows {
		if r.Covers(x.m.Reason) && (x.state == mail.Queued || x.state == mail.Dead) {
			x.state, x.leased = mail.Cancelled, time.Time{}
			x.fence++
			x.m.Erase()
		}
	}
}

func (o *outbox) row(id string) row {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *o.rows[id]
}

func (o *outbox) faulty(op string) error {
	o.mu.Lock()
	f := o.fault
	o.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(op)
}

func (o *outbox) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.faulty("claim"); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = append(o.claims, c)
	var due []*row
	for _, x := range o.rows {
		if x.state == mail.Queued && x.m.Channel == c.Channel && !x.m.Due.After(c.At) && !x.leased.After(c.At) {
			due = append(due, x)
		}
	}
	sort.Slice(due, func(i, j int) bool {
		a, b := due[i].m, due[j].m
		if a.Priority != b.Priority {
			return a.Priority < b.Priority
		}
		if !a.Due.Equal(b.Due) {
			return a.Due.Before(b.Due)
		}
		return a.ID < b.ID
	})
	var out []mail.Delivery
	for _, x := range due[:min(len(due), max(c.Limit, 0))] {
		x.attempts++
		x.fence++
		x.leased = c.At.Add(c.Lease)
		x.claimed = append(x.claimed, c.At)
		out = append(out, mail.Delivery{Message: x.m, Attempt: x.attempts, Fence: x.fence})
	}
	return out, nil
}

func (o *outbox) SettleMail(ctx context.Context, s mail.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := o.faulty("settle"); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	x := o.rows[s.ID]
	if x == nil || x.state != mail.Queued || x.fence != s.Fence {
		return mail.ErrFenced
	}
	o.settle = append(o.settle, s)
	x.fence++
	x.state, x.leased = s.State, time.Time{}
	if s.State != mail.Queued || s.Error != "" {
		x.err = s.Error
	}
	switch s.State {
	case mail.Queued:
		x.m.Due = s.Next
		if s.Untried {
			x.attempts--
		}
		return nil
	case mail.Dead:
		if x.m.Expired(s.At) {
			x.m.Erase()
		}
	case mail.Sent, mail.Cancelled, mail.Bounced:
		x.m.Erase()
	}
	x.settled = s.At
	return nil
}

func (o *outbox) Newest(context.Context, []mail.Reason) ([]mail.Record, error) {
	panic("not needed here")
}

func (o *outbox) Mails(context.Context, mail.Query) ([]mail.Record, error) { panic("not needed here") }

func (o *outbox) RequeueMail(context.Context, []string, time.Time) (int, error) {
	panic("not needed here")
}
