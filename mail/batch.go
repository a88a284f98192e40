package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// settleTime is how long it may take to record an outcome, also after the caller's context has ended, and at most
	// how long a Mailer that overran its limit is given to come back.
	settleTime = 5 * time.Second
	// maxRetryAfter bounds what a server can ask for with RetryAfter.
	maxRetryAfter = 24 * time.Hour
	// stuckPerWorker times the workers is how many sends that never came back are put up with before no more are begun.
	stuckPerWorker = 4
)

var (
	errUnanswered = errors.New("the mailer did not come back within its time limit")
	errStuck      = errors.New("mail: too many sends have not come back; the Mailer ignores its context")
)

// batch is the work on the deliveries of one claim.
type batch struct {
	d     *Dispatcher
	begun time.Time // when they were claimed, with the monotonic reading of the clock if it has one

	mu     sync.Mutex
	report Report
	again  time.Time
	err    error
}

// run sends the deliveries in their order, a bounded number at a time, and returns when each is settled.
func (b *batch) run(ctx context.Context, deliveries []Delivery) {
	queue := make(chan Delivery, len(deliveries))
	for _, x := range deliveries {
		queue <- x
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(b.d.o.Workers, len(deliveries)) {
		workers.Go(func() {
			for x := range queue {
				b.one(ctx, x)
			}
		})
	}
	workers.Wait()
}

// one brings one delivery to an outcome.
func (b *batch) one(ctx context.Context, x Delivery) {
	d, m := b.d, x.Message
	now := d.o.Clock.Now()
	switch {
	case m.Expired(now):
		b.settle(ctx, x, "expired", Outcome{State: Dead, At: stamp(now), Error: "not sent before its time limit"})
		return
	case ctx.Err() != nil, now.Sub(b.begun) > d.o.Lease-d.o.SendTimeout:
		// An attempt that outlives its lease could meet a second one of somebody else's.
		b.settle(ctx, x, "returned", Outcome{State: Queued, At: stamp(now), Next: m.Due})
		return
	case d.stuck.Load() >= int64(stuckPerWorker*d.o.Workers):
		b.fail(errStuck)
		b.settle(ctx, x, "returned", Outcome{State: Queued, At: stamp(now), Next: m.Due})
		return
	}
	err := d.send(ctx, m)
	label, o := d.judge(x, err)
	b.settle(ctx, x, label, o)
}

// judge says what follows from the Mailer's answer.
func (d *Dispatcher) judge(x Delivery, err error) (string, Outcome) {
	at := stamp(d.o.Clock.Now())
	if err == nil {
		return "sent", Outcome{State: Sent, At: at}
	}
	text := describe(err, x.Message)
	if IsPermanent(err) {
		return "dead", Outcome{State: Dead, At: at, Error: text}
	}
	next, dead := d.o.Backoff.Next(x.Attempt, at, d.o.Jitter())
	if dead {
		return "dead", Outcome{State: Dead, At: at, Error: cut(fmt.Sprintf("gave up after attempt %d: %s", x.Attempt, text), maxError)}
	}
	if pause, ok := RetryDelay(err); ok {
		if asked := at.Add(min(pause, maxRetryAfter)); asked.After(next) {
			next = asked
		}
	}
	next = stamp(next)
	if x.Message.Expired(next) {
		return "dead", Outcome{State: Dead, At: at, Error: cut("no time left for another attempt: "+text, maxError)}
	}
	return "retried", Outcome{State: Queued, At: at, Next: next, Error: text}
}

// send makes one attempt. It comes back soon after the time limit even if the Mailer does not: a client library that
// hangs on one message must not keep the others from going out.
func (d *Dispatcher) send(ctx context.Context, m Message) error {
	sending, cancel := context.WithTimeout(ctx, d.o.SendTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := errors.New("the mailer ended its goroutine")
		defer func() {
			if v := recover(); v != nil {
				err = recovered(v)
			}
			done <- err
		}()
		err = d.mailer.Send(sending, m)
	}()
	select {
	case err := <-done:
		return err
	case <-sending.Done():
	}
	late, cancelLate := context.WithTimeout(context.WithoutCancel(ctx), d.grace)
	defer cancelLate()
	select {
	case err := <-done:
		return err
	case <-late.Done():
	}
	d.stuck.Add(1)
	go func() {
		err := <-done
		d.stuck.Add(-1)
		if err == nil { // the message has been put off already: tell that its copy was sent
			d.o.Logger.LogAttrs(late, slog.LevelWarn, "mail was accepted after its time limit; a second copy may follow",
				slog.String("id", m.ID), slog.String("kind", m.Kind), slog.String("account", m.Account))
		}
	}()
	return errUnanswered
}

// settle records an outcome, also when the caller's context has ended: what has been sent must not be sent again. It
// tries a few times, since an outcome that is lost costs the recipient a second copy; what was not begun costs only a wait.
func (b *batch) settle(ctx context.Context, x Delivery, label string, o Outcome) {
	o.ID, o.Fence = x.Message.ID, x.Fence
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	err := b.d.outbox.SettleMail(ctx, o)
	for pause := 50 * time.Millisecond; label != "returned" && err != nil && !errors.Is(err, ErrFenced) && pause < time.Second && ctx.Err() == nil; pause *= 4 {
		wait(ctx, pause, nil)
		err = b.d.outbox.SettleMail(ctx, o)
	}
	level := slog.LevelInfo
	switch {
	case errors.Is(err, ErrFenced):
		label = "fenced"
	case err != nil:
		b.fail(fmt.Errorf("mail: recording that %s was %s: %w", x.Message.ID, label, err))
		label, level = "unrecorded", slog.LevelError
	case o.State == Dead:
		level = slog.LevelError
	case label == "retried":
		level = slog.LevelWarn
	}
	b.count(label, o.Next)
	attrs := []slog.Attr{
		slog.String("id", x.Message.ID), slog.String("kind", x.Message.Kind), slog.String("account", x.Message.Account),
		slog.Int("attempt", x.Attempt), slog.String("outcome", label),
	}
	if o.Error != "" {
		attrs = append(attrs, slog.String("error", o.Error))
	}
	b.d.o.Logger.LogAttrs(ctx, level, "mail", attrs...)
}

func (b *batch) count(label string, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch label {
	case "sent":
		b.report.Sent++
	case "dead":
		b.report.Dead++
	case "expired":
		b.report.Expired++
	case "fenced":
		b.report.Fenced++
	case "returned":
		b.report.Returned++
	case "retried":
		b.report.Retried++
		if b.again.IsZero() || next.Before(b.again) {
			b.again = next
		}
	}
}

// fail keeps the first fault; the batch goes on, since each delivery must be settled.
func (b *batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}
