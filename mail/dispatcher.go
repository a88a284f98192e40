package mail

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// DispatcherOptions changes how a [Dispatcher] works. The zero value of each field is its default.
type DispatcherOptions struct {
	// Clock tells the time: the system's clock if nil.
	Clock interface{ Now() time.Time }

	// Lease is how long a claimed message belongs to this dispatcher: 2 minutes. If the process dies, the
	// message waits that long for another one.
	Lease time.Duration
	// SendTimeout is the time limit of one attempt: 30 seconds, or half of Lease if that is shorter. It must be
	// shorter than Lease, since no attempt begins that could outlive it.
	SendTimeout time.Duration
	// Batch is how many messages are claimed at once: 20. A message that is awaited goes before all notices
	// except those of the batch under way, so keep it small.
	Batch int
	// Workers is how many messages are sent at the same time: 4.
	Workers int
	// Poll is how long Run waits when nothing is due: a second.
	Poll time.Duration

	// Backoff says when a failed attempt is repeated, and how often.
	Backoff Backoff
	// Jitter draws a number in [0, 1) for Backoff: at random if nil. It must be safe for concurrent use.
	Jitter func() float64

	// Logger gets one record for each attempt, with ID, kind, account, attempt and outcome; never the recipient,
	// the subject or the text. Nothing is logged if it is nil.
	Logger *slog.Logger
}

// Dispatcher takes due messages from an [Outbox] and gives them to a [Mailer]. It starts nothing by
// itself: call [Dispatcher.Run] from a goroutine of the host's, or [Dispatcher.Flush] from its job queue.
// Any number may work on one outbox, in one process or many; leases and fences keep them apart. Its methods are safe
// for concurrent use.
//
// Delivery is at least once: when a process dies between the server's answer and the outbox, or the answer is
// lost, the recipient gets a second copy with the same Message-ID.
type Dispatcher struct {
	outbox Outbox
	mailer Mailer
	o      DispatcherOptions
	grace  time.Duration
	wake   chan struct{}
	stuck  atomic.Int64 // sends that outlived their time limit and have not come back
}

// Report counts what a Flush did. Each delivery is counted once.
type Report struct {
	Sent    int // accepted by the mailer
	Retried int // failed, and put off
	Dead    int // failed, and given up
	Expired int // never sent, since NotAfter had passed
	// Fenced were cancelled or claimed by somebody else while they were under way; they may have been sent.
	Fenced int
	// Returned were claimed but not begun, because the context ended or their lease would have. They are due at once.
	Returned int
	// More is true when Flush stopped although messages may be due: call it again. See [Dispatcher.Flush].
	More bool
}

// NewDispatcher makes a dispatcher that sends the mail of o through m. Nil opts are the defaults. An option that
// makes no sense is refused with an error that names it.
func NewDispatcher(o Outbox, m Mailer, opts *DispatcherOptions) (*Dispatcher, error) {
	if o == nil {
		return nil, errors.New("mail: NewDispatcher needs an Outbox")
	}
	if m == nil {
		return nil, errors.New("mail: NewDispatcher needs a Mailer")
	}
	d := &Dispatcher{outbox: o, mailer: m, wake: make(chan struct{}, 1)}
	if opts != nil {
		d.o = *opts
	}
	if err := d.o.settle(); err != nil {
		return nil, err
	}
	d.grace = min(d.o.SendTimeout, settleTime)
	return d, nil
}

// Flush sends what is due now and returns when nothing is due any more. No message is tried twice in one call:
// when the first of those that failed comes due again, Flush stops and sets Report.More, so that it ends even while a
// server refuses everything. Run it from a cron job or a job queue, or use [Dispatcher.Run].
//
// It returns ctx.Err() when ctx is done before the work is: attempts under way see their context end, what they
// brought is recorded, and the rest is given back. A fault of the outbox is returned after the batch under way. The
// report is right in each case. A Mailer's errors are no errors of Flush; they are in the report and the records.
func (d *Dispatcher) Flush(ctx context.Context) (Report, error) {
	var total Report
	var again time.Time // the first moment at which something that failed in this call is due again
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		begun := d.o.Clock.Now()
		if !again.IsZero() && !stamp(begun).Before(again) {
			total.More = true
			return total, nil
		}
		deliveries, err := d.outbox.ClaimMail(ctx, Claim{At: stamp(begun), Lease: d.o.Lease, Limit: d.o.Batch})
		switch {
		case err != nil && ctx.Err() != nil:
			return total, ctx.Err()
		case err != nil:
			return total, fmt.Errorf("mail: claiming: %w", err)
		}
		if len(deliveries) == 0 {
			return total, nil
		}
		b := batch{d: d, begun: begun, again: again}
		b.run(ctx, deliveries)
		total, again = total.plus(b.report), b.again
		switch {
		case b.err != nil:
			return total, b.err
		case b.report.Returned == len(deliveries) && ctx.Err() == nil:
			return total, errors.New("mail: claiming took so long that no attempt fits into the Lease")
		}
	}
}

// Run sends mail until ctx is done, and then returns nil: it flushes, waits for the poll interval or a [Dispatcher.Wake],
// and begins again. While the outbox fails it waits longer each time, up to a minute, and goes on when
// it is back. It returns as soon as the attempts under way have come back and are recorded. A Mailer that ignores its
// context holds that up by at most five seconds, an outbox that does not answer by five seconds for each message of the batch.
func (d *Dispatcher) Run(ctx context.Context) error {
	pause := d.o.Poll
	for ctx.Err() == nil {
		r, err := d.Flush(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			pause = min(2*pause, max(d.o.Poll, time.Minute))
			d.o.Logger.LogAttrs(ctx, slog.LevelError, "mail is not being sent",
				slog.String("error", describe(err, Message{})), slog.Duration("pause", pause))
			wait(ctx, pause, nil) // not woken: whoever enqueues mail must not hammer an outbox in trouble
		case r.More:
		default:
			pause = d.o.Poll
			wait(ctx, pause, d.wake)
		}
	}
	return nil
}

// Wake makes a Run that is waiting look at once, for instance after a change that promised mail has been committed. It
// never blocks; without it mail goes out at the next poll.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // somebody has woken it already
	}
}

// wait returns after d, when woken, or when ctx is done. A timer of the system and not the injected clock ends it: how
// long a goroutine rests decides nothing, and a clock that stands still in a test must not stop mail.
func wait(ctx context.Context, d time.Duration, woken <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-woken:
	}
}

func (r Report) plus(o Report) Report {
	return Report{
		Sent: r.Sent + o.Sent, Retried: r.Retried + o.Retried, Dead: r.Dead + o.Dead, Expired: r.Expired + o.Expired,
		Fenced: r.Fenced + o.Fenced, Returned: r.Returned + o.Returned, More: r.More || o.More,
	}
}

// settle checks the options and fills in the defaults.
func (o *DispatcherOptions) settle() error {
	for name, n := range map[string]int64{
		"Lease": int64(o.Lease), "SendTimeout": int64(o.SendTimeout), "Batch": int64(o.Batch), "Workers": int64(o.Workers),
		"Poll": int64(o.Poll), "Backoff.First": int64(o.Backoff.First), "Backoff.Max": int64(o.Backoff.Max),
		"Backoff.Attempts": int64(o.Backoff.Attempts),
	} {
		if n < 0 {
			return fmt.Errorf("mail: %s is negative", name)
		}
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	orDefault(&o.Lease, 2*time.Minute)
	orDefault(&o.SendTimeout, min(30*time.Second, o.Lease/2))
	orDefault(&o.Batch, 20)
	orDefault(&o.Workers, 4)
	orDefault(&o.Poll, time.Second)
	if o.SendTimeout >= o.Lease {
		return fmt.Errorf("mail: SendTimeout of %v is not shorter than the Lease of %v", o.SendTimeout, o.Lease)
	}
	o.Backoff = o.Backoff.withDefaults()
	if o.Jitter == nil {
		o.Jitter = jitter
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

func orDefault[T ~int | ~int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// jitter draws a number in [0, 1).
func jitter() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

type systemClock struct{}

// Now is the only place where this package asks the system for the time.
func (systemClock) Now() time.Time {
	return time.Now() //nolint:forbidigo // this is the clock that is injected when the host gives none
}

// stamp is the form of a time in stores: UTC, in microseconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
