package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// Leases are short, so that what a killed process had is soon another's.
const (
	leaseOfMail   = 3 * time.Second
	leaseOfEvents = 2 * time.Second
)

// journal is the pipe to the parent. Lines are shorter than what a pipe takes
// at once, so that a kill cuts none in two.
type journal struct {
	mu  sync.Mutex
	out io.Writer
}

// tell writes a line. When nobody reads any more there is nothing left to do:
// the process ends itself, like one that is killed.
func (j *journal) tell(x line) error {
	x.At = time.Now().UnixMicro()
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err = j.out.Write(append(text, '\n'))
	return err
}

// shared is what the lanes of a worker have in common.
type shared struct {
	c       config
	st      storage.Storage
	journal *journal
	hasher  *password.Hasher
	words   *mail.Templates
	agency  atomic.Int64
}

// work is a worker: it works until its input ends.
func work(ctx context.Context, c config, in io.Reader, out io.Writer, wrap wrapper) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	st, err := c.open(ctx, c.lanes+6)
	if err != nil {
		return err
	}
	defer st.close()
	s := &shared{c: c, st: st.Storage, journal: &journal{out: out}}
	if wrap != nil {
		s.st = wrap(s.st)
	}
	s.agency.Store(int64(max(1, c.agency)))
	// Whether a password is dear to compare is of no interest here.
	if s.hasher, err = password.New(&password.Options{Memory: 8, Time: 1}); err != nil {
		return err
	}
	if s.words, err = mail.NewTemplates(nil); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(in))
		stop()
	}()
	var wait sync.WaitGroup
	failed := make(chan error, c.lanes+2)
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	for i := range c.lanes {
		l, err := newLane(s, i)
		if err != nil {
			return err
		}
		wait.Go(func() { failed <- l.run(ctx) })
	}
	for _, run := range []func(context.Context) error{s.post, s.feed} {
		wait.Go(func() { failed <- run(background) })
	}
	var all error
	for range c.lanes {
		all = errors.Join(all, <-failed)
	}
	end()
	wait.Wait()
	close(failed)
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}

// env returns what services are built with.
func (s *shared) env(ids accounts.IDs, secrets func() string) (*accounts.Env, error) {
	return accounts.NewEnv(&accounts.EnvOptions{
		IDs: ids, Secrets: secrets, Templates: s.words, Burst: unbounded{},
		Limits: accounts.Limits{
			ResendEvery: time.Millisecond, TriesPerSource: 1 << 30, MailsPerRecipient: 20,
			SitesPerClient: 10, FreshLogin: time.Hour,
		},
	})
}

// unbounded lets every burst pass.
type unbounded struct{}

func (unbounded) Allow(string) error { return nil }

// post sends mail: to the ledger.
func (s *shared) post(ctx context.Context) error {
	d, err := newDispatcher(s.st, s.journal.tell)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// newDispatcher returns a dispatcher whose mailer, and whose outbox, tell of what
// they do.
func newDispatcher(st mail.Outbox, tell func(line) error) (*mail.Dispatcher, error) {
	mailer := mail.MailerFunc(func(_ context.Context, m mail.Message) error {
		return tell(line{Tell: lineCopy, Mail: m.ID})
	})
	return mail.NewDispatcher(outbox{st, tell}, mailer, &mail.DispatcherOptions{
		Lease: leaseOfMail, SendTimeout: time.Second / 2, Workers: 2, Poll: 50 * time.Millisecond,
		Backoff: mail.Backoff{First: 10 * time.Millisecond, Max: 100 * time.Millisecond, Attempts: 1000},
	})
}

// outbox tells of what was settled.
type outbox struct {
	mail.Outbox
	tell func(line) error
}

func (o outbox) SettleMail(ctx context.Context, x mail.Outcome) error {
	if err := o.Outbox.SettleMail(ctx, x); err != nil {
		return err
	}
	return o.tell(line{Tell: lineSettled, Mail: x.ID, State: string(x.State)})
}

// feed takes events: into the ledger.
func (s *shared) feed(ctx context.Context) error {
	f, err := newFeed(s.st, s.journal.tell)
	if err != nil {
		return err
	}
	return f.Run(ctx)
}

func newFeed(st storage.Storage, tell func(line) error) (*accounts.Feed, error) {
	handle := func(_ context.Context, e accounts.Event) error {
		return tell(line{Tell: lineHanded, Op: string(e.Op), N: e.Seq})
	}
	return accounts.NewFeed(events{st, tell}, nil, handle, &accounts.FeedOptions{Lease: leaseOfEvents, Poll: 50 * time.Millisecond, Retry: 10 * time.Millisecond})
}

// events tells of what was taken.
type events struct {
	storage.Storage
	tell func(line) error
}

func (o events) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	n, err := o.Storage.SettleEvents(ctx, receipts)
	if err != nil || n != len(receipts) {
		return n, err // of some of them another process has the lease: nobody knows of which
	}
	for _, r := range receipts {
		if r.Taken {
			if err := o.tell(line{Tell: lineTaken, Op: string(r.Op), N: r.Seq}); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// draw returns what a lane draws by chance.
func (s *shared) draw(lane int) *rand.Rand {
	return rand.New(rand.NewPCG(s.c.seed, uint64(s.c.worker)<<16|uint64(lane))) //nolint:gosec // a run must be repeatable by its seed
}

// laneName begins the ids of a lane's operations.
func (s *shared) laneName(lane int) string {
	return fmt.Sprintf("%s-%d-%d", s.c.name, s.c.worker, lane)
}
