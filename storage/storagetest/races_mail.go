package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	sent      map[string]int   // how many outcomes that it was sent were recorded
	back      map[string]int   // how many reports that it came back were recorded
	cancelled set[mail.Reason] // taken back before anybody who looks now began
}

// claimed is a message that a dispatcher was given, and until when it is theirs:
// the end of the lease, or zero once they gave it back.
type claimed struct {
	mail.Delivery

	from, until time.Time
}

const (
	postLease = 5 * time.Minute
	postLate  = 1_000_000 // the minute in which the last messages are due, far behind the last lease
	postSent  = 6         // the way to end a delivery that is not one of those that deliver knows
)

func (p *postOffice) now() time.Time { return minutes(int(p.clock.Load())) }

// claim claims on a channel. What is claimed must be the channel's, with a reason
// that was there when the claim began.
func (p *postOffice) claim(channel mail.Channel, at time.Time, limit int) ([]mail.Delivery, error) {
	p.mu.Lock()
	gone := maps.Clone(p.cancelled)
	p.mu.Unlock()
	var got []mail.Delivery
	err := until(p.ctx, func() (err error) {
		got, err = p.st.ClaimMail(p.ctx, mail.Claim{Channel: channel, At: at, Lease: postLease, Limit: limit})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range got {
		if d.Message.Channel != channel || gone[d.Message.Reason] {
			return nil, fmt.Errorf("%s of the channel %s, whose reason is gone: %v, was claimed on %s", d.Message.ID, d.Message.Channel, gone[d.Message.Reason], channel)
		}
	}
	return got, nil
}

// dispatch claims and settles until nothing is left. It gives some back as not
// begun, puts some off, and forgets some, as a dispatcher that dies does.
func (p *postOffice) dispatch(channel mail.Channel, worker int) error {
	for idle, n := 0, worker; idle < 3; n++ {
		at := p.now()
		got, err := p.claim(channel, at, 1+n%4)
		if err != nil {
			return err
		}
		if idle++; len(got) > 0 {
			idle = 0
		}
		p.clock.Add(1)
		for i, d := range got {
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
	err := until(p.ctx, func() error { return p.st.SettleMail(p.ctx, o) })
	// Nobody holds the lock while they settle: settlements meet in the store. What
	// was told is read when all are done.
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && o.State == mail.Sent {
		p.sent[o.ID]++
	} else if err == nil {
		p.claimed[mine].until = time.Time{}
	}
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

// drain sends what is left, when no lease and no wait is left.
func (p *postOffice) drain() {
	p.Helper()
	p.clock.Store(postLate)
	for _, channel := range channels() {
		got, err := p.claim(channel, p.now(), all)
		p.ok(err, "the last claim on %s", channel)
		for _, d := range got {
			p.ok(p.deliver(d, p.now(), postSent), "the last deliveries on %s", channel)
		}
	}
}

func channels() []mail.Channel { return []mail.Channel{mail.Email, mail.SMS} }

func racePost(e *env) {
	const reasons, workers = 12, 4 // workers for each channel
	p := &postOffice{env: e, st: e.open(), sent: map[string]int{}, back: map[string]int{}, cancelled: set[mail.Reason]{}}
	var rows []any
	var messages []mail.Message
	early := 96 / min(slowly, 2)
	for i := range early + reasons {
		m := letter(fmt.Sprintf("m%03d", i), mail.ReasonFor("post", fmt.Sprint(i%reasons)))
		m.Channel = channels()[i%2]
		if i >= early {
			// One of each reason waits until the dispatchers are done: some of them
			// are cancelled, sent and reported however fast anybody is.
			m.Due = minutes(postLate)
		}
		messages, rows = append(messages, m), append(rows, m)
	}
	e.put(p.st, rows...)
	first, err := p.claim(mail.Email, start, 4)
	e.ok(err, "the first claim")
	for _, err := range together(len(first), func(i int) error { return p.deliver(first[i], start, postSent) }) {
		e.ok(err, "settlements at once")
	}
	errs := together(2*workers+3, func(i int) error {
		switch i {
		case 2 * workers:
			return p.takeBack(e.ctx, reasons)
		case 2*workers + 1:
			return p.report(2, messages)
		case 2*workers + 2:
			return p.report(3, messages)
		}
		return p.dispatch(channels()[i%2], i)
	})
	for _, err := range errs {
		e.ok(err, "a dispatcher, a change that cancels, or one that reports what came back")
	}
	for _, channel := range channels() {
		n := 0
		for _, c := range p.claimed[len(first):] {
			if c.Message.Channel == channel {
				n++
			}
		}
		e.holds(n > 0, "the dispatchers were given nothing on %s", channel)
	}
	p.drain()
	p.exclusive()
	for _, err := range together(3, func(i int) error { return p.report(i+1, messages) }) {
		e.ok(err, "the last words of what came back")
	}
	list, err := p.st.Mails(e.ctx, mail.Query{Limit: all})
	e.ok(err, "Mails")
	e.holds(len(list) == len(messages), "%d records of %d messages", len(list), len(messages))
	ended := map[mail.State]int{}
	for _, r := range list {
		ended[r.State]++
		e.holds((r.State == mail.Bounced) == (p.sent[r.ID] == 1), "%s is %s, and that it was sent was recorded %d times", r.ID, r.State, p.sent[r.ID])
		e.holds((r.State == mail.Bounced) == (p.back[r.ID] == 1), "%s is %s, and that it came back was recorded %d times", r.ID, r.State, p.back[r.ID])
		e.holds(r.State == mail.Bounced || p.cancelled[r.Reason] && r.State == mail.Cancelled,
			"%s is %s in the end, and that it lost its reason is %v", r.ID, r.State, p.cancelled[r.Reason])
	}
	e.holds(len(p.sent) > 0 && ended[mail.Bounced] > 0 && ended[mail.Cancelled] > 0, "%d were sent, and the messages ended as %v", len(p.sent), ended)
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
