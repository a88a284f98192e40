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
	// alone is how long the first message of a call has to itself at most: one that kills the process, and comes first
	// each time, kills no others with it.
	alone = time.Second
	// stuckPerWorker times the workers is how many sends that never came back are put up with before no more are begun.
	stuckPerWorker = 4
)

var (
	errStuck = errors.New("mail: too many sends have not come back; the Mailer ignores its context")
	errAgain = errors.New("mail: what failed is due again")
)

// work is what one call of Flush or Run has under way.
type work struct {
	d       *Dispatcher
	ctx     context.Context //nolint:containedctx // that of the one call that this belongs to
	record  context.Context //nolint:containedctx // outlives ctx, so that what has ended can be recorded
	end     context.CancelFunc
	slots   chan struct{} // one for each worker that has something to do
	workers sync.WaitGroup
	begun   bool // the first message is; only who claims asks

	mu       sync.Mutex
	report   Report
	again    time.Time // the first moment at which something that failed here is due again
	err      error
	recorded bool
}

func (d *Dispatcher) begin(ctx context.Context) *work {
	w := &work{d: d, ctx: ctx, slots: make(chan struct{}, d.o.Workers)}
	w.record, w.end = outliving(ctx, d.o.Grace+d.late+settleTime)
	return w
}

// finish waits for the attempts under way.
func (w *work) finish() {
	w.workers.Wait()
	w.end()
}

// claimed is when something was claimed: by the host's clock, which others compare with the lease, and by one that nobody
// can set.
type claimed struct{ at, steady time.Time }

// claim takes the first message that is due and hands it to a worker, and reports whether there was one. It waits for a
// worker and claims no more than that one begins at once: a claim counts as an attempt, and a process that is killed gives
// nothing back. A worker that hangs holds up nothing but its own message: the others go on with what is claimed next. With
// once it returns errAgain when something that failed here could be claimed again.
func (w *work) claim(once bool) (bool, error) {
	if !w.worker() {
		return false, w.ctx.Err()
	}
	d, now := w.d, w.d.now()
	switch {
	case d.stuck.Load() >= int64(stuckPerWorker*d.o.Workers):
		<-w.slots
		return false, errStuck
	case once && w.mayRepeat(now.at):
		<-w.slots
		return false, errAgain
	}
	asking, cancel := context.WithTimeout(w.ctx, d.o.Lease) // what is claimed later than that is of no use
	defer cancel()
	waiting, cancelWaiting := outliving(asking, settleTime)
	defer cancelWaiting()
	deliveries, err := answered(waiting, func() ([]Delivery, error) {
		return d.outbox.ClaimMail(asking, Claim{Channel: d.o.Channel, At: stamp(now.at), Lease: d.lease(), Limit: 1})
	})
	switch {
	case err != nil && w.ctx.Err() != nil:
		err = w.ctx.Err()
	case err != nil:
		err = fmt.Errorf("mail: claiming: %w", err)
	}
	if err != nil || len(deliveries) == 0 {
		<-w.slots
		return false, err
	}
	if d.tooLate(now) {
		w.fail(errors.New("mail: claiming took so long that no attempt fits into the Lease, or the clock was set back meanwhile"))
	}
	done := make(chan struct{})
	w.workers.Go(func() {
		defer func() {
			<-w.slots
			close(done)
		}()
		w.one(deliveries[0], now)
	})
	if !w.begun {
		w.begun = true
		wait(w.ctx, alone, done)
	}
	return true, nil
}

// lease is how long the next claim holds. Messages that were under way when a process died must not come back at the same
// moment, or one that kills processes would take the same others with it each time.
func (d *Dispatcher) lease() time.Duration {
	return d.o.Lease + time.Duration(float64(d.o.Lease/2)*within(d.o.Jitter()))
}

func (d *Dispatcher) now() claimed { return claimed{d.o.Clock.Now(), systemClock{}.Now()} }

// mayRepeat reports whether what is due then can be something that failed here.
func (w *work) mayRepeat(at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.again.IsZero() && !stamp(at).Before(w.again)
}

// worker waits until one is free, and reports false if the context ended before.
func (w *work) worker() bool {
	select {
	case w.slots <- struct{}{}:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// tooLate reports that an attempt which begins now could outlive the lease of what was claimed then. It could meet a
// second one of somebody else's. A clock that was set back tells nothing, so both have to say that there is time.
func (d *Dispatcher) tooLate(then claimed) bool {
	now, most := d.now(), d.o.Lease-d.o.SendTimeout
	age := now.at.Sub(then.at)
	return age < 0 || age > most || now.steady.Sub(then.steady) > most
}

// one brings one delivery to an outcome.
func (w *work) one(x Delivery, then claimed) {
	d, m := w.d, x.Message
	now := d.o.Clock.Now()
	switch {
	case m.Expired(now):
		w.settle(x, "expired", Outcome{State: Dead, At: stamp(now), Error: "not sent before its time limit"})
		return
	case x.Attempt > d.o.Backoff.Attempts:
		// Every attempt before this one ended without an answer, as when a process dies of the message.
		w.settle(x, "dead", Outcome{State: Dead, At: stamp(now), Error: fmt.Sprintf("gave up after %d attempts that never came back", x.Attempt-1)})
		return
	case w.ctx.Err() != nil, d.tooLate(then):
		w.settle(x, "returned", Outcome{State: Queued, At: stamp(now), Next: m.Due, Untried: true})
		return
	}
	err := d.prepare(&m)
	if err == nil {
		err = d.send(w.ctx, m)
	}
	x.Message = m // its words are known now, and kept out of what is recorded
	label, o := d.judge(x, err)
	w.settle(x, label, o)
}

// settle records an outcome, also when the caller's context has ended: what has been sent must not be sent again. It
// tries a few times, since an outcome that is lost costs the recipient a second copy; what was not begun costs only a wait.
func (w *work) settle(x Delivery, label string, o Outcome) {
	o.ID, o.Fence = x.Message.ID, x.Fence
	ctx, cancel := context.WithTimeout(w.record, settleTime)
	defer cancel()
	settle := func() error {
		_, err := answered(ctx, func() (struct{}, error) { return struct{}{}, w.d.outbox.SettleMail(ctx, o) })
		return err
	}
	if label == "retried" { // known before anybody can claim it again
		w.mu.Lock()
		if w.again.IsZero() || o.Next.Before(w.again) {
			w.again = o.Next
		}
		w.mu.Unlock()
	}
	err := settle()
	for pause := 50 * time.Millisecond; label != "returned" && err != nil && !errors.Is(err, ErrFenced) && pause < time.Second && ctx.Err() == nil; pause *= 4 {
		wait(ctx, pause, nil)
		err = settle()
	}
	level := slog.LevelInfo
	switch {
	case errors.Is(err, ErrFenced):
		label = "fenced"
	case err != nil:
		w.fail(fmt.Errorf("mail: recording that %s was %s: %w", x.Message.ID, label, err))
		label, level = "unrecorded", slog.LevelError
	case o.State == Dead:
		level = slog.LevelError
	case label == "retried":
		level = slog.LevelWarn
	}
	w.count(label)
	attrs := append(about(x.Message), slog.Int("attempt", x.Attempt), slog.String("outcome", label))
	if o.Error != "" {
		attrs = append(attrs, slog.String("error", o.Error))
	}
	w.d.o.Logger.LogAttrs(ctx, level, "mail", attrs...)
}

func (w *work) count(label string) {
	var r Report
	switch label {
	case "sent":
		r.Sent = 1
	case "dead":
		r.Dead = 1
	case "expired":
		r.Expired = 1
	case "fenced":
		r.Fenced = 1
	case "returned":
		r.Returned = 1
	case "retried":
		r.Retried = 1
	default:
		r.Unrecorded = 1
	}
	w.mu.Lock()
	w.report = w.report.plus(r)
	w.recorded = w.recorded || r.Unrecorded == 0
	w.mu.Unlock()
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	w.d.totals = w.d.totals.plus(r)
}

// fail keeps the first fault; the work goes on, since each delivery must be settled.
func (w *work) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

func (w *work) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err != nil
}

// fault returns the first fault since it was asked last, and whether anything was recorded meanwhile.
func (w *work) fault() (recorded bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	recorded, err = w.recorded, w.err
	w.recorded, w.err = false, nil
	return recorded, err
}
