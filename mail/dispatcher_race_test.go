package mail_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// jumpy is a clock that several processes share, and that somebody sets forward.
type jumpy struct{ since atomic.Int64 }

func (c *jumpy) Now() time.Time       { return start.Add(time.Duration(c.since.Load())) }
func (c *jumpy) jump(d time.Duration) { c.since.Add(int64(d)) }

var errLuck = errors.New("out of luck")

// try is one claim of one message: what may be sent once, until its lease ends.
type try struct {
	id          string
	from, until time.Time // its lease, by the clock that all share

	begun, arrived int
	underWay       bool
	cut            func() error // not nil once the attempt's time was over
	lost           bool         // nobody could know how it ended, so that the message may arrive once more
	recorded       bool         // as sent
}

// ledger is a Mailer that knows what really arrived, and of which of it the answer or the outcome was lost.
type ledger struct {
	mu       sync.Mutex
	tries    map[mail.Reason]*try
	together []string // those that were sent twice for one claim, or at once although a lease ran
}

// name is what a claim is known by: a Mailer sees it as the reason of the message.
func name(id string, fence int64) mail.Reason { return mail.Reason(fmt.Sprintf("%s#%d", id, fence)) }

func (l *ledger) claim(x *mail.Delivery, c mail.Claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x.Message.Reason = name(x.Message.ID, x.Fence)
	l.tries[x.Message.Reason] = &try{id: x.Message.ID, from: c.At, until: c.At.Add(c.Lease)}
}

func (l *ledger) begin(ctx context.Context, m mail.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.tries[m.Reason]
	for _, other := range l.tries {
		if other.id == m.ID && other.underWay && other.cut() == nil && mine.from.Before(other.until) && other.from.Before(mine.until) {
			l.together = append(l.together, m.ID)
		}
	}
	if mine.begun++; mine.begun > 1 {
		l.together = append(l.together, m.ID)
	}
	mine.underWay, mine.cut = true, ctx.Err
}

func (l *ledger) end(m mail.Message, arrived, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.tries[m.Reason]
	mine.underWay = false
	if arrived {
		mine.arrived++
		mine.lost = mine.lost || !told || mine.cut() != nil
	}
}

// settled takes down what became of an outcome.
func (l *ledger) settled(o mail.Outcome, recorded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.tries[name(o.ID, o.Fence)]
	if !recorded {
		x.lost = true
	} else if o.State == mail.Sent {
		x.recorded = true
	}
}

func (l *ledger) Send(ctx context.Context, m mail.Message) error {
	l.begin(ctx, m)
	arrived, told := false, false
	defer func() { l.end(m, arrived, told) }()
	luck := rand.IntN(100)
	if luck < 30 {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	}
	switch {
	case luck < 3:
		<-ctx.Done() // cut off before anything was handed over
		return ctx.Err()
	case luck < 4:
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // whatever its context says
	case luck < 8: // the server took it, and its answer was lost
		arrived = true
		return errLuck
	case luck < 20:
		return errLuck
	case luck < 22:
		return mail.RetryAfter(errLuck, time.Hour)
	case luck < 24:
		return mail.Permanent(errLuck)
	case luck < 26:
		panic("out of luck")
	}
	arrived, told = true, true
	return nil
}

// shaky is an outbox whose answers get lost, before and after it did what it was asked.
type shaky struct {
	*outbox
	l *ledger
}

func (s shaky) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	luck := rand.IntN(100)
	if luck < 10 {
		return nil, errLuck
	}
	all, err := s.outbox.ClaimMail(ctx, c)
	for i := range all {
		s.l.claim(&all[i], c)
	}
	if err == nil && luck < 15 {
		return nil, errLuck // they are leased, and nobody knows
	}
	return all, err
}

func (s shaky) SettleMail(ctx context.Context, o mail.Outcome) error {
	luck := rand.IntN(100)
	if luck < 8 {
		s.l.settled(o, false)
		return errLuck
	}
	err := s.outbox.SettleMail(ctx, o) // refused if its lease ran out meanwhile, and somebody else has claimed it
	s.l.settled(o, err == nil)
	if err == nil && luck < 12 {
		return errLuck
	}
	return err
}

// A85: four dispatchers on each channel of one outbox, with Mailers and an outbox that fail in every way, contexts that
// end at any moment, and a clock that jumps past leases. Each message ends Sent or Dead; each arrives once, and once more
// for each time that its answer or its outcome was lost or its lease ran out; none is sent twice for one claim, or at once
// while a lease runs; and each has its own channel. Time is that of a bubble, so that a busy machine makes nothing late.
func TestDispatcher_race(t *testing.T) {
	t.Parallel()
	synctest.Test(t, race)
}

func race(t *testing.T) {
	const each = 150
	c := &jumpy{}
	o := newOutbox()
	for i := range each {
		o.put(message(fmt.Sprintf("mail-%03d", i), secret), message(fmt.Sprintf("text-%03d", i), byText))
	}
	k := keys(t, key(1))
	for _, x := range o.rows {
		x.m = sealedWith(t, k, x.m)
	}
	l := &ledger{tries: map[mail.Reason]*try{}}
	open := func() (n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, x := range o.rows {
			if x.state == mail.Queued {
				n++
			}
		}
		return n
	}
	ts := templates(t, nil)
	var all sync.WaitGroup
	limit, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	for i := range 8 {
		d, err := mail.NewDispatcher(shaky{o, l}, l, &mail.DispatcherOptions{
			Channel: []mail.Channel{mail.Email, mail.SMS}[i%2], Keys: k, Templates: ts, Clock: c,
			SendTimeout: 20 * time.Millisecond, Grace: 3 * time.Millisecond, Poll: time.Millisecond,
		})
		require.NoError(t, err)
		all.Go(func() {
			for open() > 0 && limit.Err() == nil {
				ctx, cancel := context.WithTimeout(limit, time.Duration(1+rand.IntN(60))*time.Millisecond)
				if rand.IntN(2) == 0 {
					_ = d.Run(ctx)
				} else {
					_, _ = d.Flush(ctx)
				}
				cancel()
				c.jump(time.Duration(rand.IntN(20)) * time.Second)
				if rand.IntN(10) == 0 {
					c.jump(3 * time.Minute)
				}
			}
		})
	}
	all.Wait()
	time.Sleep(time.Second) // until those have come back that nobody waited for
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, limit.Err(), "%d messages have no end", open())
	require.Empty(t, l.together, "sent twice for one claim, or at once while a lease ran")
	arrived, excused, lost := map[string]int{}, map[string]int{}, 0
	for _, x := range l.tries {
		arrived[x.id] += x.arrived
		if x.recorded {
			require.Equal(t, 1, x.arrived, "%s is recorded as sent, and was not", x.id)
		} else if x.lost && x.arrived > 0 {
			excused[x.id]++
			lost++
		}
	}
	states := map[mail.State]int{}
	for id, x := range o.rows {
		states[x.state]++
		if x.state == mail.Sent {
			require.Positive(t, arrived[id], "%s is recorded as sent, and was not", id)
			require.Empty(t, x.m.Sealed)
		}
		require.LessOrEqual(t, arrived[id], 1+excused[id], "%s arrived again although all was known of it", id)
		require.LessOrEqual(t, x.attempts, 13)
	}
	require.Equal(t, 2*each, states[mail.Sent]+states[mail.Dead], "%v", states)
	require.Greater(t, states[mail.Sent], each, "%v", states)
	require.Positive(t, lost)
}
