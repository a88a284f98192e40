package mail_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// jumpy is a clock that several processes share, and that somebody sets forward.
type jumpy struct{ since atomic.Int64 }

func (c *jumpy) Now() time.Time       { return start.Add(time.Duration(c.since.Load())) }
func (c *jumpy) jump(d time.Duration) { c.since.Add(int64(d)) }

var errLuck = errors.New("out of luck")

// ledger is a Mailer that knows what really arrived, and how often an answer was lost.
type ledger struct {
	mu       sync.Mutex
	arrived  map[string]int
	excused  map[string]int // why one more may arrive: nobody could know that it had
	underWay map[string]time.Time
	together []string // those that were sent twice at once although a lease ran
}

func (l *ledger) excuse(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.excused[id]++
}

func (l *ledger) begin(id string, claimed string) {
	mine, err := time.Parse(time.RFC3339Nano, claimed)
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, ok := l.underWay[id]; err != nil || ok && mine.Sub(other).Abs() < 2*time.Minute {
		l.together = append(l.together, id)
	}
	l.underWay[id] = mine
}

func (l *ledger) end(id string, arrived bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.underWay, id)
	if arrived {
		l.arrived[id]++
	}
}

func (l *ledger) Send(ctx context.Context, m mail.Message) error {
	l.begin(m.ID, string(m.Reason))
	arrived := false
	defer func() { l.end(m.ID, arrived) }()
	luck := rand.IntN(100)
	if luck < 30 {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	}
	switch {
	case luck < 4:
		<-ctx.Done() // cut off before anything was handed over
		return ctx.Err()
	case luck < 8: // the server took it, and its answer was lost
		arrived = true
		l.excuse(m.ID)
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
	arrived = true
	return nil
}

// shaky is an outbox whose answers get lost, before and after it did what it was asked.
type shaky struct{ *outbox }

func (s shaky) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	luck := rand.IntN(100)
	if luck < 10 {
		return nil, errLuck
	}
	all, err := s.outbox.ClaimMail(ctx, c)
	for i := range all {
		all[i].Message.Reason = mail.Reason(c.At.Format(time.RFC3339Nano)) // for the ledger
	}
	if err == nil && luck < 15 {
		return nil, errLuck // they are leased, and nobody knows
	}
	return all, err
}

func (s shaky) SettleMail(ctx context.Context, o mail.Outcome) error {
	luck := rand.IntN(100)
	if luck < 8 {
		return errLuck
	}
	err := s.outbox.SettleMail(ctx, o)
	if err == nil && luck < 12 {
		return errLuck
	}
	return err
}

// A85: four dispatchers on each channel of one outbox, with Mailers and an outbox that fail in every way, contexts that
// end at any moment, and a clock that jumps past leases. Each message ends Sent or Dead; one that arrived more than once
// had an answer lost or a lease that ran out; none is sent twice at once while a lease runs; and each has its own channel.
func TestDispatcher_race(t *testing.T) {
	t.Parallel()
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
	l := &ledger{arrived: map[string]int{}, excused: map[string]int{}, underWay: map[string]time.Time{}}
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
	var totals [8]mail.Report
	var all sync.WaitGroup
	limit, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for i := range totals {
		d, err := mail.NewDispatcher(shaky{o}, l, &mail.DispatcherOptions{
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
			totals[i] = d.Totals()
		})
	}
	all.Wait()
	require.NoError(t, limit.Err(), "%d messages have no end", open())

	// A message that was handed over, and whose outcome could not be recorded in time, is excused as well: the claims tell.
	var sum mail.Report
	for _, r := range totals {
		sum.Sent, sum.Dead, sum.Unrecorded, sum.Fenced = sum.Sent+r.Sent, sum.Dead+r.Dead, sum.Unrecorded+r.Unrecorded, sum.Fenced+r.Fenced
	}
	states, twice := map[mail.State]int{}, 0
	for id, x := range o.rows {
		states[x.state]++
		arrived := l.arrived[id]
		if x.state == mail.Sent {
			require.Positive(t, arrived, "%s is recorded as sent, and was not", id)
			require.Empty(t, x.m.Sealed)
		}
		if arrived > 1+l.excused[id] {
			twice++
			require.Positive(t, leasesRanOut(x.claimed), "%s arrived %d times, and no answer was lost", id, arrived)
		}
		require.LessOrEqual(t, x.attempts, 13)
	}
	require.Equal(t, 2*each, states[mail.Sent]+states[mail.Dead], "%v", states)
	require.Greater(t, states[mail.Sent], each, "%v", states)
	require.Empty(t, l.together, "sent twice at once while a lease ran")
	require.LessOrEqual(t, twice, sum.Unrecorded+sum.Fenced, "only what could not be recorded is sent again")
	require.Positive(t, sum.Unrecorded+sum.Fenced)
}

// leasesRanOut counts the claims of a message that came when the lease of the one before had run out.
func leasesRanOut(claimed []time.Time) (n int) {
	for i := 1; i < len(claimed); i++ {
		if claimed[i].Sub(claimed[i-1]) >= 2*time.Minute {
			n++
		}
	}
	return n
}
