package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// DispatcherOptions changes how a [Dispatcher] works. The zero value of each field is its default. Env.DispatcherOptions
// of package accounts fills Clock, Keys, Templates and Logger with those of the services: begin with these, so that they
// cannot differ.
type DispatcherOptions struct {
	// Channel is the way that this dispatcher serves: [Email] if empty. A host that sends codes by text message runs a
	// second dispatcher for [SMS], with a Mailer that takes them to its provider.
	Channel Channel

	// Keys open what was sealed. They are the ones that the environment of the services seals with.
	Keys *Keys
	// Templates make the HTML of a message out of its text: the built-in ones if nil. They do nothing on the channel [SMS],
	// whose messages have no page.
	Templates *Templates

	// Clock tells the time: the system's clock if nil.
	Clock interface{ Now() time.Time }

	// Lease is how long a claimed message belongs to this dispatcher: 2 minutes, and up to half as long again, drawn for
	// each. If the process dies, the message waits that long for another one. Clocks of processes that differ by more than
	// Lease less SendTimeout can make two of them send it.
	Lease time.Duration
	// SendTimeout is the time limit of one attempt: 30 seconds, or half of Lease if that is shorter. It must be
	// shorter than Lease, since no attempt begins that could outlive it.
	SendTimeout time.Duration
	// Workers is how many messages are sent at the same time: 4. No more are claimed than are being sent, so that one that is
	// awaited waits for none but those, and that many at most lose an attempt when the process is killed.
	Workers int
	// Poll is how long Run waits when nothing is due: a second.
	Poll time.Duration
	// Grace is how long attempts under way may go on once the context has ended: 5 seconds. After it they see their own
	// context end. An attempt that is cut off may have been accepted, and is repeated.
	Grace time.Duration

	// Backoff says when a failed attempt is repeated, and how often.
	Backoff Backoff
	// Jitter draws a number in [0, 1) for Backoff and Lease: at random if nil. It must be safe for concurrent use.
	Jitter func() float64

	// Logger gets one record for each attempt, with ID, channel, kind, account, attempt and outcome; never the recipient,
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
//
// A Mailer that panics costs its message an attempt. One that ends the process with a message, as by running out of
// memory, costs an attempt of each that is under way, at most Workers, and an attempt that never came back counts. The
// message itself is dead after Backoff.Attempts of them. So that the others are not with it each time, leases end at
// different moments, and the first message of a call of Run or Flush goes alone until it is sent or a second has passed.
type Dispatcher struct {
	outbox Outbox
	mailer Mailer
	o      DispatcherOptions
	late   time.Duration // how long a send that outlived its time limit is waited for
	wake   chan struct{}
	stuck  atomic.Int64 // sends that outlived their time limit and have not come back

	mu     sync.Mutex
	totals Report
}

// Report counts what was done. Each delivery is counted once.
type Report struct {
	Sent    int // accepted by the mailer
	Retried int // failed, and put off
	Dead    int // failed, and given up
	Expired int // never sent, since NotAfter had passed
	// Fenced were cancelled or claimed by somebody else while they were under way; they may have been sent.
	Fenced int
	// Returned were claimed but not begun, because the context ended or their lease would have. They are due at once.
	Returned int
	// Unrecorded ended in a way that the outbox did not take. They come back when their lease ends, those that were sent
	// too.
	Unrecorded int
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
	d.late = min(d.o.SendTimeout, settleTime)
	return d, nil
}

// Totals counts what this dispatcher has done since it was made, over all calls of Run and Flush: for a page of
// metrics, say. More is always false.
func (d *Dispatcher) Totals() Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.totals
}

// Flush sends what is due now and returns when nothing is due any more. No message is tried twice in one call:
// when the first of those that failed comes due again, Flush stops and sets Report.More, so that it ends even while a
// server refuses everything. Run it from a cron job, a job queue or a test, or use [Dispatcher.Run].
//
// It returns ctx.Err() when ctx is done before the work is: attempts under way may go on for the Grace, what they
// brought is recorded, and the rest is left as it was. A fault of the outbox is returned after what is under way. The
// report is right in each case. A Mailer's errors are no errors of Flush; they are in the report and the records.
func (d *Dispatcher) Flush(ctx context.Context) (Report, error) {
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	w := d.begin(ctx)
	more, err := w.flush() //nolint:contextcheck // what has ended is recorded after ctx has
	w.finish()
	if err == nil {
		_, err = w.fault()
	}
	w.report.More = more
	return w.report, err
}

// flush claims until nothing is due, and reports whether it stopped before.
func (w *work) flush() (more bool, err error) {
	for {
		if w.failed() {
			return false, nil // the fault is what Flush returns
		}
		idle := len(w.slots) == 0
		found, err := w.claim(true)
		switch {
		case errors.Is(err, errAgain):
			return true, nil
		case err != nil:
			return false, err
		case !found && idle:
			return false, w.ctx.Err()
		case !found:
			w.workers.Wait() // who is under way may have waited for something to come due
		}
	}
}

// Run sends mail until ctx is done, and then returns nil: it sends what is due, waits for the poll interval or a
// [Dispatcher.Wake], and begins again. An attempt that takes its time holds up nothing but its own message, as long as a
// worker is free. While the outbox fails Run waits longer each time, up to a minute, and goes on when it is back.
//
// Once ctx is done nothing more is begun, what was just claimed is given back, and Run returns as soon as the attempts
// under way have come back and are recorded: at the latest after the Grace and ten seconds more, whatever a Mailer or an
// outbox that ignores its context does.
func (d *Dispatcher) Run(ctx context.Context) error {
	w := d.begin(ctx)
	defer w.finish()
	pause := d.o.Poll
	for ctx.Err() == nil {
		idle := len(w.slots) == 0
		found, err := w.claim(false) //nolint:contextcheck // what has ended is recorded after ctx has
		recorded, fault := w.fault()
		if recorded || err == nil && !found && idle {
			pause = d.o.Poll
		}
		switch err = cmp.Or(err, fault); {
		case ctx.Err() != nil:
		case err != nil:
			pause = min(2*pause, max(d.o.Poll, time.Minute))
			d.o.Logger.LogAttrs(ctx, slog.LevelError, "mail is not being sent",
				slog.String("error", describe(err, Message{})), slog.Duration("pause", pause))
			wait(ctx, pause, nil) // not woken: whoever enqueues mail must not hammer an outbox in trouble
		case !found:
			wait(ctx, d.o.Poll, d.wake)
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
		Fenced: r.Fenced + o.Fenced, Returned: r.Returned + o.Returned, Unrecorded: r.Unrecorded + o.Unrecorded,
	}
}

// settle checks the options and fills in the defaults.
func (o *DispatcherOptions) settle() error {
	for name, n := range map[string]int64{
		"Lease": int64(o.Lease), "SendTimeout": int64(o.SendTimeout), "Workers": int64(o.Workers),
		"Poll": int64(o.Poll), "Grace": int64(o.Grace), "Backoff.First": int64(o.Backoff.First), "Backoff.Max": int64(o.Backoff.Max),
		"Backoff.Attempts": int64(o.Backoff.Attempts),
	} {
		if n < 0 {
			return fmt.Errorf("mail: %s is negative", name)
		}
	}
	switch o.Channel {
	case "":
		o.Channel = Email
	case Email, SMS:
	default:
		return fmt.Errorf("mail: Channel is %q, which is neither Email nor SMS", o.Channel)
	}
	if o.Templates == nil {
		var err error
		if o.Templates, err = NewTemplates(nil); err != nil {
			return err
		}
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	orDefault(&o.Lease, 2*time.Minute)
	orDefault(&o.SendTimeout, min(30*time.Second, o.Lease/2))
	orDefault(&o.Workers, 4)
	orDefault(&o.Poll, time.Second)
	orDefault(&o.Grace, settleTime)
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

// Now is the only place where this package asks the system for the time. It keeps the reading that nobody can set, which a
// host's clock need not have.
func (systemClock) Now() time.Time {
	return time.Now() //nolint:forbidigo // the clock when the host gives none, and beside it for how much of a lease is left
}

// stamp is the form of a time in stores: UTC, in microseconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
