package mail

import (
	"context"
	"errors"
	"time"
)

// Mailer hands one message to a mail server, or to whatever else takes mail.
//
// Send returns
//   - nil when the message has been accepted: it is then recorded as sent and its body erased;
//   - [Permanent] when it can never be accepted (the address does not exist, the message is refused):
//     it is dead, and nobody tries again;
//   - [RetryAfter] when the server said how long to wait;
//   - any other error when it is worth trying again: with growing pauses, a bounded number of times.
//
// Send must come back soon after ctx is done; ctx carries the time limit of this one attempt. It must be
// safe for concurrent use. It must address the envelope to Message.To and nobody else, and derive the
// Message-ID from Message.ID alone: when an answer is lost, the same message is sent again, and only an
// equal Message-ID lets mailboxes recognise the copy.
//
// An error's text is stored and logged after [Dispatcher] has taken out links and addresses; it is still
// better not to put them in.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// MailerFunc is a function that is a [Mailer].
type MailerFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f MailerFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Permanent marks err as one that trying again cannot mend. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err, or an error that it wraps, was marked with [Permanent].
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryAfter marks err as one to be followed by a pause of at least d. A shorter pause than the
// back-off would make anyway has no effect, and more than 24 hours counts as 24 hours. RetryAfter(nil, d) is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryError{err, d}
}

// RetryDelay returns the pause that err, or an error that it wraps, was given with [RetryAfter].
func RetryDelay(err error) (time.Duration, bool) {
	var r *retryError
	if !errors.As(err, &r) {
		return 0, false
	}
	return r.after, true
}

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }
