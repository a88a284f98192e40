package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	gomail "github.com/wneessen/go-mail"
	gosmtp "github.com/wneessen/go-mail/smtp"
)

const (
	// maxReplies is how many bytes a server may say while a connection is opened, and again for each message.
	maxReplies = 1 << 20
	// goodbye is how long a server may take to answer QUIT. Nothing depends on it.
	goodbye = time.Second
)

// wire is a connection that a context can cut, and on which a server cannot talk for ever: go-mail looks at neither.
type wire struct {
	net.Conn

	left atomic.Int64 // how many bytes may still come
}

func (w *wire) Read(p []byte) (int, error) {
	left := w.left.Load()
	if left <= 0 {
		return 0, errFlood
	}
	n, err := w.Conn.Read(p[:min(int64(len(p)), left)])
	w.left.Add(-int64(n))
	return n, err
}

// conn is one session with the server. One Send at a time uses it.
type conn struct {
	wire   *wire
	smtp   *gosmtp.Client
	used   int           // messages that were tried over it
	limit  time.Duration // of one message
	expiry *time.Timer   // while it rests
}

// dial opens a session, ready for a message. Whatever goes wrong, nothing is left open.
func (s *Mailer) dial(ctx context.Context) (_ *conn, failure *Error) {
	opening, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	var w *wire
	uncut := func() bool { return true }
	defer func() {
		if v := recover(); v != nil {
			failure = &Error{Phase: Connect, Err: errPanicked}
		}
		if whole := uncut(); failure == nil && whole {
			return
		}
		if w != nil { // go-mail leaves it open
			_ = w.Close()
		}
		if err := opening.Err(); err != nil || failure == nil {
			failure = &Error{Phase: Connect, Err: cmp.Or(err, errBroken)}
		}
	}()

	client, err := s.client(opening, func(c *wire) {
		w, uncut = c, context.AfterFunc(opening, func() { _ = c.Close() })
	})
	if err != nil {
		return nil, failed(Connect, err)
	}
	session, err := client.DialToSMTPClientWithContext(opening)
	if err != nil {
		return nil, failed(Connect, err)
	}
	return &conn{wire: w, smtp: session, limit: s.o.Timeout}, nil
}

// client sets go-mail up for one connection, which is given to opened. Each has its own: a client of go-mail's has one
// password and one lock.
func (s *Mailer) client(ctx context.Context, opened func(*wire)) (*gomail.Client, error) {
	opts := []gomail.Option{
		gomail.WithPort(s.o.Port), gomail.WithHELO(s.o.HELO), gomail.WithTimeout(s.o.Timeout), gomail.WithTLSConfig(s.o.TLSConfig),
		gomail.WithoutSMTPUTF8(), gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) {
			return s.open(ctx, opened)
		}),
	}
	switch s.o.Security {
	case STARTTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		// The handshake is ours; with its own WithSSL and our dialer go-mail believes that a password would go in clear.
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case InsecurePlaintext:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.o.Username != "" {
		password, err := s.password(ctx)
		if err != nil {
			return nil, err
		}
		opts = append(opts, gomail.WithSMTPAuth(s.mechanism), gomail.WithUsername(s.o.Username), gomail.WithPassword(password))
	}
	return gomail.NewClient(s.host, opts...)
}

// open makes the connection itself.
func (s *Mailer) open(ctx context.Context, opened func(*wire)) (net.Conn, error) {
	raw, err := s.o.Dial(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.o.Port)))
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: raw}
	w.left.Store(maxReplies)
	opened(w)
	if s.o.Security != ImplicitTLS {
		return w, nil
	}
	secured := tls.Client(w, s.o.TLSConfig)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// hand gives the server one letter. The connection can take another one when usable is true; it is in an unknown state
// otherwise, unless answered is true, and then it can still be left politely.
func (c *conn) hand(l letter) (usable, answered bool, failure *Error) {
	phase := MailFrom
	defer func() {
		if v := recover(); v != nil {
			usable, answered, failure = false, false, &Error{Phase: phase, Err: errPanicked}
		}
	}()
	if c.spoken() {
		return false, false, &Error{Phase: phase, Err: errEarly}
	}
	c.used++
	c.wire.left.Store(maxReplies)
	if err := c.smtp.UpdateDeadline(c.limit); err != nil {
		return false, false, failed(phase, err)
	}
	// No NOOP before, no RSET after: MAIL finds out as well whether the server is there, and begins anew after a message.
	err := c.smtp.Mail("<" + l.from + ">")
	if err == nil {
		phase = RcptTo
		err = c.smtp.Rcpt("<" + l.to + ">")
	}
	if err != nil {
		f := failed(phase, err)
		if !f.refused() {
			return false, f.Code != 0, f
		}
		return c.smtp.Reset() == nil, false, f
	}
	phase = Data
	w, err := c.smtp.Data()
	if err != nil {
		f := failed(phase, err)
		return false, f.Code != 0, f
	}
	if c.spoken() { // what is there already cannot be the answer to what has not been sent
		return false, false, &Error{Phase: phase, Err: errEarly}
	}
	phase = Content
	if _, err = w.Write(l.raw); err == nil {
		err = w.Close()
	}
	if err != nil {
		f := failed(phase, err)
		return false, f.Code != 0, f
	}
	return true, true, nil
}

// spoken reports whether the server has said something that nobody asked for.
func (c *conn) spoken() bool { return c.smtp.Text.R.Buffered() > 0 }

// quit says goodbye and closes.
func (c *conn) quit() {
	defer func() {
		_ = recover()
		_ = c.wire.Close()
	}()
	if c.smtp.UpdateDeadline(goodbye) == nil {
		_ = c.smtp.Quit()
	}
}
