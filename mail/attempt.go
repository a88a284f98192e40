package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// maxRetryAfter bounds what a server can ask for with RetryAfter.
const maxRetryAfter = 24 * time.Hour

var errUnanswered = errors.New("the mailer did not come back within its time limit")

// prepare opens a message, as far as it comes, and makes its page. Whatever goes wrong costs this message an attempt, and
// no other.
func (d *Dispatcher) prepare(m *Message) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the message could not be prepared: %v", v)
		}
	}()
	open, err := d.o.Keys.Open(*m)
	if err != nil {
		return err
	}
	*m = open
	if m.Channel != SMS {
		m.HTML, err = d.o.Templates.HTML(open)
	}
	return err
}

// send makes one attempt. It comes back soon after the time limit even if the Mailer does not: a client library that
// hangs on one message must not keep the others from going out.
func (d *Dispatcher) send(ctx context.Context, m Message) error {
	// The end of the caller's context ends the attempt only after a grace: what is cut off may have been accepted.
	sending, end := outliving(ctx, d.o.Grace)
	defer end()
	sending, cancel := context.WithTimeout(sending, d.o.SendTimeout)
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
	late, cancelLate := context.WithTimeout(context.WithoutCancel(ctx), d.late)
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
			d.o.Logger.LogAttrs(late, slog.LevelWarn, "mail was accepted after its time limit; a second copy may follow", about(m)...)
		}
	}()
	return errUnanswered
}

// judge says what follows from the Mailer's answer.
func (d *Dispatcher) judge(x Delivery, err error) (string, Outcome) {
	at := stamp(d.o.Clock.Now())
	if err == nil {
		return "sent", Outcome{State: Sent, At: at}
	}
	f := understand(err, x.Message)
	if f.permanent {
		return "dead", Outcome{State: Dead, At: at, Error: f.text}
	}
	next, dead := d.o.Backoff.Next(x.Attempt, at, d.o.Jitter())
	if dead {
		return "dead", Outcome{State: Dead, At: at, Error: cut(fmt.Sprintf("gave up after attempt %d: %s", x.Attempt, f.text), maxError)}
	}
	if asked := at.Add(min(f.pause, maxRetryAfter)); asked.After(next) {
		next = asked
	}
	next = stamp(next)
	if x.Message.Expired(next) {
		return "dead", Outcome{State: Dead, At: at, Error: cut("no time left for another attempt: "+f.text, maxError)}
	}
	return "retried", Outcome{State: Queued, At: at, Next: next, Error: f.text}
}

// failure is what an error of a Mailer says.
type failure struct {
	text      string
	permanent bool
	pause     time.Duration
}

// understand reads an error. One that panics when it is read, such as a nil pointer in an interface, is worth another
// attempt like any other.
func understand(err error, m Message) (f failure) {
	defer func() {
		if recover() != nil {
			f = failure{text: "the mailer returned an error that cannot be read"}
		}
	}()
	f.permanent = IsPermanent(err)
	f.pause, _ = RetryDelay(err)
	f.text = describe(err, m)
	return f
}

// about are the attributes of a message in the log.
func about(m Message) []slog.Attr { return m.LogValue().Group() }

// outliving returns a context that ends that long after ctx has.
func outliving(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		wait(out, by, nil)
		cancel()
	})
	return out, func() {
		stop()
		cancel()
	}
}

// answered returns what f does, or the error of ctx if that is done first: an outbox that hangs must not hold up the end.
func answered[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := f()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("the outbox did not answer: %w", ctx.Err())
	}
}
