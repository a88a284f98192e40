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

// since is a clock that stands at start when it is made, and goes on with the time of a bubble.
type since time.Time

func (c since) Now() time.Time { return start.Add(time.Since(time.Time(c))) }

// mortal is the outbox as a process sees it that can be killed: from then on nothing of it reaches the store.
type mortal struct {
	*outbox
	killed atomic.Bool
}

func (m *mortal) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if m.killed.Load() {
		return nil, errors.New("killed")
	}
	return m.outbox.ClaimMail(ctx, c)
}

func (m *mortal) SettleMail(ctx context.Context, o mail.Outcome) error {
	if m.killed.Load() {
		return nil
	}
	return m.outbox.SettleMail(ctx, o)
}

// life is one process that dispatches until its context ends or a message kills it. It returns which ones were begun. Its
// number is that of its draws, so that they are the same in each run of the test.
func life(t *testing.T, number int, o *outbox, c since, workers int, dispatch func(*mail.Dispatcher, context.Context)) (begun []string) {
	t.Helper()
	var mu sync.Mutex
	draws := rand.New(rand.NewPCG(1, uint64(number)))
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	p := &mortal{outbox: o}
	all := make(chan string, 10_000)
	d, err := mail.NewDispatcher(p, mail.MailerFunc(func(ctx context.Context, m mail.Message) error {
		all <- m.ID
		if m.ID != "poison" {
			time.Sleep(100 * time.Millisecond)
			return nil
		}
		time.Sleep(10*time.Millisecond + 7*time.Microsecond) // at no moment when another one ends
		p.killed.Store(true)
		kill()
		return nil
	}), &mail.DispatcherOptions{Clock: c, Workers: workers, Jitter: func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return draws.Float64()
	}})
	require.NoError(t, err)
	dispatch(d, ctx)
	close(all)
	for id := range all {
		begun = append(begun, id)
	}
	return begun
}

// A message that kills the process dies of its own attempts, and nothing dies with it: what was not begun loses no attempt,
// and what was under way beside it is not beside it each time. With one worker nothing is beside it; once all leases are
// over it comes first and goes alone, so that what was beside it the first time loses that one attempt. Both are so whatever
// is drawn. When a process comes back at once it is chance whose lease ends next to that of the message: the draws are fixed,
// and no moment has two events whose order is open, so that each run has the same course.
func TestDispatcher_killed(t *testing.T) {
	t.Parallel()
	run := func(d *mail.Dispatcher, ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		_ = d.Run(ctx)
	}
	flush := func(d *mail.Dispatcher, ctx context.Context) { _, _ = d.Flush(ctx) }
	for _, tc := range []struct {
		name     string
		workers  int
		dispatch func(*mail.Dispatcher, context.Context)
		pause    time.Duration // until the next process
		more     int           // messages that come meanwhile
		most     int           // attempts that another message loses, at most
	}{
		{"by Run with one worker, restarted at once", 1, run, time.Second, 0, 0},
		{"by Run, restarted at once", 4, run, time.Second, 0, 2},
		{"by Run, restarted at once, while others come", 4, run, time.Second, 2000, 2},
		{"by Run, restarted when all leases are over", 4, run, 5 * time.Minute, 0, 1},
		{"by Flush with one worker, from a cron job", 1, flush, 5 * time.Minute, 0, 0},
		{"by Flush, from a cron job", 4, flush, 5 * time.Minute, 0, 1},
		{"by Flush, from a job queue in a hurry", 4, flush, time.Second, 0, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := since(time.Now())
				o := newOutbox(message("first", dueAt(start.Add(-2*time.Minute))), message("poison", dueAt(start.Add(-time.Minute))))
				for i := range 20 {
					o.put(message(fmt.Sprintf("sibling-%02d", i)))
				}
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
				for i := range tc.more {
					time.AfterFunc(time.Duration(i)*900*time.Millisecond+333*time.Microsecond, func() { o.put(message(fmt.Sprintf("later-%04d", i))) })
				}
				begun := map[string]int{}
				for lives := 0; open() > 0; lives++ {
					require.Less(t, lives, 5000, "%d are open", open())
					for _, id := range life(t, lives, o, c, tc.workers, tc.dispatch) {
						begun[id]++
					}
					synctest.Wait()
					time.Sleep(tc.pause)
				}
				for id := range o.rows {
					x := o.row(id)
					if id == "poison" {
						require.Equal(t, mail.Dead, x.state)
						require.Equal(t, "gave up after 12 attempts that never came back", x.err)
						require.Equal(t, 12, begun[id])
						continue
					}
					require.Equal(t, mail.Sent, x.state, "%s: %s", id, x.err)
					require.LessOrEqual(t, x.attempts, 1+tc.most, id)
					require.Equal(t, x.attempts, begun[id], "only what was begun loses an attempt: %s", id)
				}
			})
		})
	}
}
