package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// A refusal is told as what it is (A86): for good only where the server speaks of this message, and without the
// recipient, the subject or a link in the text (A106).
func TestMailer_Refusals(t *testing.T) {
	t.Parallel()
	const says = " ada@willow.example ADA@WILLOW.EXAMPLE A subject https://app.example/l/creq_SECRET"
	for _, c := range []struct {
		step      string
		code      string
		phase     smtp.Phase
		permanent bool
	}{
		{"connect", "421 4.3.2", smtp.Connect, false},
		{"connect", "554 5.7.1", smtp.Connect, false},
		{"MAIL", "451 4.3.0", smtp.MailFrom, false},
		{"MAIL", "550 5.7.1", smtp.MailFrom, false},
		{"MAIL", "550 5.1.8", smtp.MailFrom, false},
		{"MAIL", "550 5.4.5", smtp.MailFrom, false},
		{"MAIL", "552", smtp.MailFrom, false},
		{"MAIL", "421 4.3.0", smtp.MailFrom, false},
		{"MAIL", "503 5.5.1", smtp.MailFrom, false},
		{"MAIL", "530 5.7.0", smtp.MailFrom, false},
		{"MAIL", "534 5.7.9", smtp.MailFrom, false},
		{"MAIL", "535 5.7.8", smtp.MailFrom, false},
		{"MAIL", "538 5.7.11", smtp.MailFrom, false},
		{"RCPT", "450 4.2.0", smtp.RcptTo, false},
		{"RCPT", "452 4.2.2", smtp.RcptTo, false},
		{"RCPT", "550 5.1.1", smtp.RcptTo, true},
		{"RCPT", "550 4.1.1", smtp.RcptTo, false},
		{"RCPT", "530 5.7.0", smtp.RcptTo, false},
		{"RCPT", "550", smtp.RcptTo, true},
		{"RCPT", "552 5.2.2", smtp.RcptTo, true},
		{"RCPT", "550 5.3.2", smtp.RcptTo, false},
		{"RCPT", "550 5.4.1", smtp.RcptTo, true},
		{"RCPT", "550 5.4.5", smtp.RcptTo, false},
		{"RCPT", "550 5.5.3", smtp.RcptTo, false},
		{"RCPT", "550 5.1.8", smtp.RcptTo, false},
		{"RCPT", "554 5.7.1", smtp.RcptTo, true},
		{"RCPT", "550 5.7.25", smtp.RcptTo, false},
		{"DATA", "451 4.3.0", smtp.Data, false},
		{"DATA", "554 5.6.0", smtp.Data, true},
		{"DATA", "550 5.4.5", smtp.Data, false},
		{"DATA", "550 5.7.13", smtp.Data, false},
		{".", "451 4.3.0", smtp.Content, false},
		{".", "452 4.3.1", smtp.Content, false},
		{".", "550 5.7.1", smtp.Content, true},
		{".", "554", smtp.Content, true},
		{".", "552 5.3.4", smtp.Content, true},
		{".", "554 5.3.0", smtp.Content, false},
		{".", "550 5.4.5", smtp.Content, false},
		{".", "550 5.7.0", smtp.Content, true},
		{".", "550 5.7.17", smtp.Content, true},
		{".", "550 5.7.26", smtp.Content, false},
		{".", "550 5.7.28", smtp.Content, false},
	} {
		t.Run(c.step+" refused with "+c.code, func(t *testing.T) {
			t.Parallel()
			words := says
			if c.step == "connect" {
				words = " not now"
			}
			s := play(t, at(c.step, c.code+words))
			m := s.mailer(t)
			err := m.Send(t.Context(), message("m1"))
			require.Error(t, err)
			require.Equal(t, c.permanent, mail.IsPermanent(err), "%v", err)
			var e *smtp.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.phase, e.Phase)
			code, status, _ := strings.Cut(c.code, " ")
			require.Equal(t, code, fmt.Sprint(e.Code))
			require.Equal(t, status, e.Status)
			require.Contains(t, err.Error(), code)
			require.NotContains(t, strings.ToLower(err.Error()), "ada@")
			require.NotContains(t, err.Error(), "A subject")
			require.NotContains(t, err.Error(), "SECRET")
			require.NoError(t, m.Close())
		})
	}

	t.Run("after a refusal the connection goes on with the next message", func(t *testing.T) {
		t.Parallel()
		for _, step := range []string{"MAIL", "RCPT"} {
			refuse := true
			s := play(t, func(at string, _ int) string {
				if at == step && refuse {
					refuse = false
					return "550 5.1.1 no"
				}
				return ""
			})
			m := s.mailer(t)
			require.Equal(t, step == "RCPT", mail.IsPermanent(m.Send(t.Context(), message("m1"))))
			require.NoError(t, m.Send(t.Context(), message("m2")))
			require.Equal(t, 1, s.connections())
			require.Contains(t, s.said(), "RSET")
			require.Len(t, s.taken(), 1)
		}
	})

	t.Run("after a refusal of the data it does not", func(t *testing.T) {
		t.Parallel()
		s := play(t, func(at string, conn int) string {
			if at == "." && conn == 1 {
				return "550 5.6.0 no"
			}
			return ""
		})
		m := s.mailer(t)
		require.True(t, mail.IsPermanent(m.Send(t.Context(), message("m1"))))
		require.NoError(t, m.Send(t.Context(), message("m2")))
		require.Equal(t, 2, s.connections())
	})
}

// steps are all at which a server can fail.
var steps = []string{"connect", "EHLO", "MAIL", "RCPT", "DATA", "."}

// patient leaves the time to the context: a test that waits for the Timeout instead sees it.
func patient(o *smtp.Options) { o.Timeout = time.Minute }

// Send comes back soon after its context is done, at whatever step the server stops talking.
func TestMailer_Stalls(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run("a server that says nothing to "+step+" holds Send up no longer than its context", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			s := play(t, func(at string, _ int) string {
				if at != step {
					return ""
				}
				cancel() // there, however long the way was
				return stall
			})
			m := s.mailer(t, patient)
			begun := time.Now()
			err := m.Send(ctx, message("m1"))
			require.Less(t, time.Since(begun), 20*time.Second)
			require.ErrorIs(t, err, context.Canceled)
			require.False(t, mail.IsPermanent(err))
			require.Equal(t, 1, s.connections())
		})
		t.Run("a server that says nothing to "+step+" holds Send up no longer than the Timeout", func(t *testing.T) {
			t.Parallel()
			s := play(t, at(step, stall))
			m := s.mailer(t, func(o *smtp.Options) { o.Timeout = 500 * time.Millisecond })
			begun := time.Now()
			err := m.Send(t.Context(), message("m1"))
			require.Less(t, time.Since(begun), 20*time.Second)
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err))
		})
	}
	t.Run("a server that does not say goodbye holds nothing up", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("QUIT", stall))
		m := s.mailer(t, patient)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		begun := time.Now()
		require.NoError(t, m.Close())
		require.Less(t, time.Since(begun), 20*time.Second)
	})
	t.Run("a dialer that waits for its context ends with it", func(t *testing.T) {
		t.Parallel()
		m, err := smtp.New("smtp.example", &smtp.Options{
			From: mail.Sender{Address: "no-reply@willow.example"},
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, m.Send(ctx, message("m1")), context.DeadlineExceeded)
	})
	t.Run("a Send that waits for a free connection ends with its context", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("MAIL", stall))
		m := s.mailer(t, patient, func(o *smtp.Options) { o.MaxConnections = 1 })
		holding, release := context.WithCancel(t.Context())
		held := make(chan error, 1)
		go func() { held <- m.Send(holding, message("m1")) }()
		require.Eventually(t, func() bool { return len(s.said()) > 1 }, 20*time.Second, time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		begun := time.Now()
		require.ErrorIs(t, m.Send(ctx, message("m2")), context.DeadlineExceeded)
		require.Less(t, time.Since(begun), 20*time.Second)
		require.Equal(t, 1, s.connections())
		release()
		require.ErrorIs(t, <-held, context.Canceled)
	})
}

// Whatever a server or a connection does instead of SMTP, it costs one attempt, which is worth repeating, and no more.
func TestMailer_Breakages(t *testing.T) {
	t.Parallel()
	for _, step := range append([]string{"inside"}, steps...) {
		t.Run("a connection that ends at "+step+" is worth another try", func(t *testing.T) {
			t.Parallel()
			s := play(t, at(step, hangup))
			err := s.mailer(t).Send(t.Context(), message("m1"))
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err), "%v", err)
			require.Equal(t, 1, s.connections(), "a first message on a new connection is not tried again at once")
		})
	}
	for name, words := range map[string]string{
		"is no SMTP":           "hello there ada@willow.example",
		"has no code":          "",
		"has a code alone":     "250",
		"has a strange code":   "999 what",
		"is a lie":             "2xx fine",
		"has a NUL":            "25\x00 ok",
		"never ends its lines": strings.Repeat("250-x\r\n", 10) + "garbage",
		"goes on for ever":     swamp,
		"is one line for ever": strings.Repeat("x", 4096) + swamp,
	} {
		for _, step := range steps {
			if words == "" || (words == "250" && step != "connect" && step != "DATA") {
				continue
			}
			t.Run("an answer to "+step+" that "+name, func(t *testing.T) {
				t.Parallel()
				s := play(t, at(step, words))
				var read atomic.Int64
				m := s.mailer(t, func(o *smtp.Options) {
					if !strings.HasSuffix(words, swamp) {
						o.Timeout = 300 * time.Millisecond
					}
					o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
						c, err := new(net.Dialer).DialContext(ctx, network, address)
						return &reader{c, &read}, err
					}
				})
				err := m.Send(t.Context(), message("m1"))
				require.Error(t, err)
				require.False(t, mail.IsPermanent(err), "%v", err)
				require.NotContains(t, err.Error(), "ada@")
				require.Less(t, len(err.Error()), 500)
				require.LessOrEqual(t, read.Load(), int64(most), "its memory is bounded, and not only its time")
				if words == swamp {
					require.ErrorContains(t, err, "too much")
				}
			})
		}
	}
	t.Run("a word too many before the data is no answer to the data", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("DATA", "354 go ahead\r\n250 2.0.0 queued already"))
		err := s.mailer(t).Send(t.Context(), message("m1"))
		require.Error(t, err)
		require.False(t, mail.IsPermanent(err))
		require.Empty(t, s.taken())
	})
	for _, step := range []string{"dial", "read", "write"} {
		t.Run("an error without words at "+step+" is an error like any other", func(t *testing.T) {
			t.Parallel()
			m, err := smtp.New("smtp.example", &smtp.Options{
				From: mail.Sender{Address: "no-reply@willow.example"}, Security: smtp.InsecurePlaintext,
				Dial: func(context.Context, string, string) (net.Conn, error) {
					if step == "dial" {
						return nil, errors.New("")
					}
					return &wordless{step: step}, nil
				},
			})
			require.NoError(t, err)
			err = m.Send(t.Context(), message("m1"))
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err))
			if step != "write" { // go-mail wraps that one in words of its own
				require.ErrorContains(t, err, "the connection broke")
			}
		})
	}
	t.Run("a panic costs one attempt, and its connection", func(t *testing.T) {
		t.Parallel()
		for _, after := range []int{0, 3} {
			c := &wordless{step: "panic", after: after}
			m, err := smtp.New("smtp.example", &smtp.Options{
				From: mail.Sender{Address: "no-reply@willow.example"}, Security: smtp.InsecurePlaintext,
				Dial: func(context.Context, string, string) (net.Conn, error) { return c, nil },
			})
			require.NoError(t, err)
			require.ErrorContains(t, m.Send(t.Context(), message("m1")), "panicked")
			require.True(t, c.closed)
		}
	})
}

// most is what a Mailer may read while it opens a connection and sends a message.
const most = 2 << 20

// reader counts the bytes that were read, and ends where they are too many.
type reader struct {
	net.Conn

	n *atomic.Int64
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	if r.n.Add(int64(n)) > most {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// wordless is a connection whose errors say nothing, or which panics.
type wordless struct {
	net.Conn

	step   string
	after  int
	reads  int
	closed bool
}

func (c *wordless) Read(p []byte) (int, error) {
	c.reads++
	if c.step == "read" {
		return 0, errors.New("")
	}
	if c.step == "panic" && c.reads > c.after {
		panic("ada@willow.example")
	}
	if c.reads == 1 {
		return copy(p, "220 hi\r\n"), nil
	}
	return copy(p, "250 hi\r\n"), nil
}

func (c *wordless) Write(p []byte) (int, error) {
	if c.step == "write" {
		return 0, errors.New("")
	}
	return len(p), nil
}

func (c *wordless) Close() error                { c.closed = true; return nil }
func (c *wordless) SetDeadline(time.Time) error { return nil }
