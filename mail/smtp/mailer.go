package smtp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Mailer is a [mail.Mailer] that sends through one SMTP server. It is safe for concurrent use.
type Mailer struct {
	host      string
	o         Options
	mechanism gomail.SMTPAuthType
	password  func(context.Context) (string, error)

	sending chan struct{} // one for each Send that has, or may open, a connection

	mu      sync.Mutex
	resting []*conn // the one used last at the end
	closed  bool
	leaving sync.WaitGroup // connections whose rest was over and that are being closed
}

var _ mail.Mailer = (*Mailer)(nil)

// New returns a Mailer for the server of that name, or IP address. It connects to nothing. An option that makes no sense
// is refused with an error that names it.
func New(host string, opts *Options) (*Mailer, error) {
	if opts == nil {
		return nil, errors.New("smtp: From.Address is missing")
	}
	s := &Mailer{host: host, o: *opts}
	if err := s.o.settle(host); err != nil {
		return nil, err
	}
	s.mechanism = gomail.SMTPAuthAutoDiscover
	if s.o.Mechanism != "" {
		s.mechanism = gomail.SMTPAuthType(s.o.Mechanism)
	}
	s.password = s.o.Token
	if s.password != nil {
		s.mechanism = gomail.SMTPAuthXOAUTH2
	} else {
		password := s.o.Password // in a function, so that no printed Mailer has it
		s.password = func(context.Context) (string, error) { return password, nil }
	}
	s.o.Password = ""
	s.sending = make(chan struct{}, s.o.MaxConnections)
	return s, nil
}

// String names the server, and nothing that is secret.
func (s *Mailer) String() string { return "smtp " + s.host }

// Send hands the message to the server. It returns nil once the server has accepted it, an error marked with
// [mail.Permanent] if it never will, and any other error where trying again may help: see the package comment. Each
// is an [*Error] or [ErrClosed], unless the message could not be built: then nobody was asked. Once the context is done,
// the Error wraps what the context says.
func (s *Mailer) Send(ctx context.Context, m mail.Message) error {
	l, err := s.compose(m)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return &Error{Phase: Connect, Err: err}
	}
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
	case <-ctx.Done():
		return &Error{Phase: Connect, Err: ctx.Err()}
	}
	c, err := s.take(ctx)
	if err != nil {
		return err
	}
	rested := c.used > 0
	failure := s.hand(ctx, c, l)
	if failure != nil && rested && failure.stale() && ctx.Err() == nil {
		// The server closed the connection while it rested, and the others as well, perhaps. Nothing of this message
		// was accepted.
		s.forget()
		if c, err = s.take(ctx); err != nil {
			return err
		}
		failure = s.hand(ctx, c, l)
	}
	if failure != nil {
		return failure.marked()
	}
	return nil
}

// hand gives one letter to the server over c, and puts c back or closes it.
func (s *Mailer) hand(ctx context.Context, c *conn, l letter) *Error {
	uncut := context.AfterFunc(ctx, func() { _ = c.wire.Close() })
	usable, answered, failure := c.hand(l)
	switch alive := uncut(); {
	case !alive:
		_ = c.wire.Close()
		if failure != nil && failure.Code == 0 {
			failure.Err = ctx.Err()
		}
	case usable:
		s.rest(c)
	case answered:
		c.quit()
	default:
		_ = c.wire.Close()
	}
	return failure
}

// take returns a connection: one that rests, or a new one.
func (s *Mailer) take(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	if last := len(s.resting) - 1; last >= 0 {
		c := s.resting[last]
		s.resting = s.resting[:last]
		c.expiry.Stop()
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	c, failure := s.dial(ctx)
	if failure != nil {
		return nil, failure.marked()
	}
	return c, nil
}

// rest keeps a connection for the next message.
func (s *Mailer) rest(c *conn) {
	s.mu.Lock()
	if s.closed || c.used >= s.o.MaxMessages {
		s.mu.Unlock()
		c.quit()
		return
	}
	// A timer of the system's: how long a connection rests decides nothing.
	c.expiry = time.AfterFunc(s.o.IdleTimeout, func() { s.expire(c) }) //nolint:forbidigo // see above
	s.resting = append(s.resting, c)
	s.mu.Unlock()
}

// expire closes a connection that has rested for too long.
func (s *Mailer) expire(c *conn) {
	s.mu.Lock()
	i := slices.Index(s.resting, c)
	if i < 0 { // it was taken at the last moment
		s.mu.Unlock()
		return
	}
	s.resting = slices.Delete(s.resting, i, i+1)
	s.leaving.Add(1)
	s.mu.Unlock()
	defer s.leaving.Done()
	c.quit()
}

// forget closes every connection that rests, without a word.
func (s *Mailer) forget() {
	for _, c := range s.empty(false) {
		_ = c.wire.Close()
	}
}

// Close closes the connections that rest and returns when they are closed, after a second at the latest. A Send under way
// goes on, and closes its own at its end; call Close after the dispatcher has stopped. Later calls of Send return
// [ErrClosed]. It always returns nil, and can be called again.
func (s *Mailer) Close() error {
	var quits sync.WaitGroup
	for _, c := range s.empty(true) {
		quits.Go(c.quit)
	}
	quits.Wait()
	s.leaving.Wait()
	return nil
}

// empty takes out every connection that rests.
func (s *Mailer) empty(forEver bool) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = s.closed || forEver
	out := s.resting
	s.resting = nil
	for _, c := range out {
		c.expiry.Stop()
	}
	return out
}
