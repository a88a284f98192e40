package smtp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// outbox is a queue in memory, as short as the contract of mail.Outbox lets it be.
type outbox struct {
	mail.Outbox // what is not needed here

	mu   sync.Mutex
	rows map[string]*row
}

type row struct {
	m      mail.Message
	state  mail.State
	tries  int
	fence  int64
	leased time.Time
	err    string
}

func (o *outbox) ClaimMail(_ context.Context, c mail.Claim) ([]mail.Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []mail.Delivery
	for _, x := range o.rows {
		if len(out) < c.Limit && x.state == mail.Queued && !x.m.Due.After(c.At) && !x.leased.After(c.At) {
			x.tries++
			x.fence++
			x.leased = c.At.Add(c.Lease)
			out = append(out, mail.Delivery{Message: x.m, Attempt: x.tries, Fence: x.fence})
		}
	}
	return out, nil
}

func (o *outbox) SettleMail(_ context.Context, s mail.Outcome) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	x := o.rows[s.ID]
	if x.state != mail.Queued || x.fence != s.Fence {
		return mail.ErrFenced
	}
	x.fence++
	x.state, x.m.Due, x.leased, x.err = s.State, s.Next, time.Time{}, s.Error
	return nil
}

func (o *outbox) count(state mail.State) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, x := range o.rows {
		if x.state == state {
			n++
		}
	}
	return n
}

// Under a server that refuses, breaks and hangs up at every step, each message arrives or is dead where it was refused for
// good; a second copy comes only after an answer was lost, and it is the first one to the byte (A85, A86, I-22, I-23).
func TestMailer_Outbox(t *testing.T) {
	t.Parallel()
	const many = 150
	o := &outbox{rows: map[string]*row{}}
	for i := range many {
		id := fmt.Sprintf("op.%d", i)
		o.rows[id] = &row{state: mail.Queued, m: message(id, func(m *mail.Message) { m.To = fmt.Sprintf("r%d@willow.example", i) })}
	}
	s := serve(t)
	lost := map[string]int{} // answers to the end of the data that the client may not have seen, by recipient
	var mu sync.Mutex
	seed := rand.Uint64()
	t.Logf("the dice have the seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n)
	}
	s.with(func() {
		s.onMail = func(string) error { return []error{nil, nil, nil, nil, nil, reply(421), reply(451)}[roll(7)] }
		s.onRcpt = func(to string) error {
			if to == "r7@willow.example" || to == "r77@willow.example" {
				return reply(550)
			}
			return []error{nil, nil, nil, nil, nil, reply(450)}[roll(6)]
		}
		s.onEnd = func(c net.Conn, to string) error {
			switch roll(8) {
			case 0: // taken, and nobody told
				mu.Lock()
				lost[to]++
				mu.Unlock()
				_ = c.Close()
				return errLost
			case 1:
				return reply(452)
			default:
				return nil
			}
		}
		s.onData = func(string) error { return []error{nil, nil, nil, nil, nil, reply(451)}[roll(6)] }
	})
	m := s.mailer(t, func(o *smtp.Options) { o.MaxConnections, o.MaxMessages, o.IdleTimeout = 3, 9, 20*time.Millisecond })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range 2 {
		d, err := mail.NewDispatcher(o, m, &mail.DispatcherOptions{
			Backoff: mail.Backoff{First: time.Millisecond, Max: 5 * time.Millisecond, Attempts: 100}, Lease: 20 * time.Second,
		})
		require.NoError(t, err)
		all.Go(func() {
			for o.count(mail.Queued) > 0 && ctx.Err() == nil {
				if _, err := d.Flush(ctx); err != nil {
					t.Errorf("flush: %v", err)
					cancel()
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Wait()
	require.NoError(t, ctx.Err(), "the queue is not empty in time, or nobody could empty it")
	require.Equal(t, many-2, o.count(mail.Sent))
	require.Equal(t, 2, o.count(mail.Dead))
	for _, x := range o.rows {
		require.NotContains(t, x.err, "@willow.example")
	}
	arrived := map[string][]got{}
	for _, g := range s.messages() {
		require.Len(t, g.to, 1)
		arrived[g.to[0]] = append(arrived[g.to[0]], g)
	}
	copies := 0
	for i := range many {
		to := fmt.Sprintf("r%d@willow.example", i)
		if i == 7 || i == 77 {
			require.Empty(t, arrived[to])
			continue
		}
		require.NotEmpty(t, arrived[to], "nothing is lost")
		require.LessOrEqual(t, len(arrived[to]), 1+lost[to], "a copy comes only after an answer was lost")
		for _, g := range arrived[to] {
			require.Equal(t, arrived[to][0], g, "the copy is the same")
		}
		require.Contains(t, string(arrived[to][0].data), fmt.Sprintf("Message-ID: <op.%d@willow.example>\r\n", i))
		copies += len(arrived[to]) - 1
	}
	require.NotZero(t, copies, "the test has to have lost answers")
}
