package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// postOffice is a store that several dispatchers of both channels work on, and
// what each of them was told.
type postOffice struct {
	*env

	st    storage.Storage
	clock atomic.Int64 // minutes since the start; it only moves forward

	mu        sync.Mutex
	claimed   []claimed
	sent      set[string]
	back      map[string]int   // how many reports that it came back were recorded
	cancelled set[mail.Reason] // taken back before anybody who looks now began
}

// claimed is a message that a dispatcher was given, and until when it is theirs:
// the end of the lease, or zero once they gave it back.
type claimed struct {
	mail.Delivery

	from, until time.Time
}

const postLease = 5 * time.Minute

func (p *postOffice) now() time.Time { return minutes(int(p.clock.Load())) }

// dispatch claims and settles until nothing is left. It gives some back as not
// begun, puts some off, and forgets some, as a dispatcher that dies does.
func (p *postOffice) dispatch(channel mail.Channel, worker int) error {
	for idle, n := 0, worker; idle < 3; n++ {
		p.mu.Lock()
		gone := make(set[mail.Reason], len(p.cancelled))
		for r := range p.cancelled {
			gone.add(r)
		}
		p.mu.Unlock()
		at := p.now()
		var got []mail.Delivery
		err := until(p.ctx, func() (err error) {
			got, err = p.st.ClaimMail(p.ctx, mail.Claim{Channel: channel, At: at, Lease: postLease, Limit: 1 + n%4})
			return err
		})
		if err != nil {
			return err
		}
		if idle++; len(got) > 0 {
			idle = 0
		}
		p.clock.Add(1)
		for i, d := range got {
			if d.Message.Channel != channel || gone[d.Message.Reason] {
				return fmt.Errorf("%s of the channel %s, whose reason is gone: %v, was claimed on %s", d.Message.ID, d.Message.Channel, gone[d.Message.Reason], channel)
			}
			if err := p.deliver(d, at, (n+i)%7); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver takes a delivery down and ends it.
func (p *postOffice) deliver(d mail.Delivery, at time.Time, how int) error {
	p.mu.Lock()
	mine := len(p.claimed)
	p.claimed = append(p.claimed, claimed{d, at, at.Add(postLease)})
	p.mu.Unlock()
	o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: p.now()}
	switch how {
	case 0:
		return nil // and never comes back
	case 1:
		o.State, o.Next, o.Untried = mail.Queued, d.Message.Due, true
	case 2:
		o.State, o.Next = mail.Queued, p.now().Add(time.Minute)
	}
	err := until(p.ctx, func() error {
		p.mu.Lock() // with what it is told: nobody is to see the one without the other
		defer p.mu.Unlock()
		err := p.st.SettleMail(p.ctx, o)
		if err == nil && o.State == mail.Sent {
			p.sent.add(o.ID)
		} else if err == nil {
			p.claimed[mine].until = time.Time{}
		}
		return err
	})
	if errors.Is(err, mail.ErrFenced) {
		return nil
	}
	return err
}

// report reports messages as come back that are sent.
func (p *postOffice) report(each int, messages []mail.Message) error {
	for i, m := range messages {
		if i%each > 0 {
			continue
		}
		op := accounts.OpID(fmt.Sprintf("back-%d-%d", each, i))
		if err := until(p.ctx, func() error {
			list, err := p.st.Mails(p.ctx, mail.Query{ID: m.ID})
			if err != nil || list[0].State != mail.Sent {
				return err
			}
			err = apply(p.ctx, p.st, build(op, mail.Bounce{ID: m.ID, At: minutes(999), Error: "no such mailbox"}))
			if err == nil {
				p.mu.Lock()
				p.back[m.ID]++
				p.mu.Unlock()
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// takeBack cancels every third reason.
func (p *postOffice) takeBack(ctx context.Context, reasons int) error {
	for i := 0; i < reasons; i += 3 {
		r := mail.ReasonFor("post", fmt.Sprint(i))
		if err := until(ctx, func() error { return apply(ctx, p.st, build(accounts.OpID("cancel-"+r), r)) }); err != nil {
			return err
		}
		p.mu.Lock()
		p.cancelled.add(r)
		p.mu.Unlock()
	}
	return nil
}

func racePost(e *env) {
	const reasons, workers = 12, 4 // workers for each channel
	p := &postOffice{env: e, st: e.open(), sent: set[string]{}, back: map[string]int{}, cancelled: set[mail.Reason]{}}
	var rows []any
	var messages []mail.Message
	for i := range 96 / slowly {
		m := letter(fmt.Sprintf("m%03d", i), mail.ReasonFor("post", fmt.Sprint(i%reasons)))
		m.Channel = []mail.Channel{mail.Email, mail.SMS}[i%2]
		messages, rows = append(messages, m), append(rows, m)
	}
	e.put(p.st, rows...)
	errs := together(2*workers+3, func(i int) error {
		switch i {
		case 2 * workers:
			return p.takeBack(e.ctx, reasons)
		case 2*workers + 1:
			return p.report(2, messages)
		case 2*workers + 2:
			return p.report(3, messages)
		}
		return p.dispatch([]mail.Channel{mail.Email, mail.SMS}[i%2], i)
	})
	for _, err := range errs {
		e.ok(err, "a dispatcher, a change that cancels, or one that reports what came back")
	}
	p.exclusive()
	e.ok(p.report(1, messages), "the last word of what came back")
	list, err := p.st.Mails(e.ctx, mail.Query{Limit: all})
	e.ok(err, "Mails")
	e.holds(len(list) == len(messages), "%d records of %d messages", len(list), len(messages))
	for _, r := range list {
		e.holds((r.State == mail.Bounced) == p.sent[r.ID], "%s is %s, and that it was sent was recorded: %v", r.ID, r.State, p.sent[r.ID])
		e.holds(p.back[r.ID] <= 1, "%d reports that %s came back were recorded, each with an event of its own", p.back[r.ID], r.ID)
		e.holds(r.State != mail.Sent, "%s came back and is sent", r.ID)
		e.holds(!p.cancelled[r.Reason] || r.State == mail.Bounced || r.State == mail.Cancelled, "%s lost its reason and is %s", r.ID, r.State)
	}
}

// exclusive proves that no message was two dispatchers' at one moment, and that
// fences only grow.
func (p *postOffice) exclusive() {
	p.Helper()
	byFence := slices.Clone(p.claimed)
	slices.SortFunc(byFence, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.Message.ID, b.Message.ID), cmp.Compare(a.Fence, b.Fence))
	})
	for i := range byFence[:max(0, len(byFence)-1)] {
		a, b := byFence[i], byFence[i+1]
		if a.Message.ID != b.Message.ID {
			continue
		}
		p.holds(a.Fence < b.Fence, "%s was given out twice with the fence %d", a.Message.ID, a.Fence)
		p.holds(!b.from.Before(a.until), "%s was given out at %s while it was somebody's from %s until %s", a.Message.ID, b.from, a.from, a.until)
	}
}
