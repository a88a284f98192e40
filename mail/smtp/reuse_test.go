package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

func TestMailer_Reuse(t *testing.T) {
	t.Parallel()

	t.Run("a burst goes over as many connections as are allowed, and no more", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t, func(o *smtp.Options) { o.MaxConnections = 3 })
		var all sync.WaitGroup
		for w := range 12 {
			all.Go(func() {
				for i := range 10 {
					if err := m.Send(t.Context(), message(fmt.Sprintf("m%d.%d", w, i))); err != nil {
						t.Errorf("%v", err)
					}
				}
			})
		}
		all.Wait()
		require.Len(t, s.messages(), 120)
		require.LessOrEqual(t, s.connections(), 3)
	})

	t.Run("one after the other goes over one connection", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		for i := range 20 {
			require.NoError(t, m.Send(t.Context(), message(fmt.Sprint("m", i))))
		}
		require.Equal(t, 1, s.connections())
		require.Len(t, s.messages(), 20)
	})

	t.Run("a connection takes its number of messages and says goodbye", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("", ""))
		m := s.mailer(t, func(o *smtp.Options) { o.MaxMessages = 3 })
		for i := range 7 {
			require.NoError(t, m.Send(t.Context(), message(fmt.Sprint("m", i))))
		}
		require.Equal(t, 3, s.connections())
		require.NoError(t, m.Close())
		quits := 0
		for _, line := range s.said() {
			if line == "QUIT" {
				quits++
			}
		}
		require.Equal(t, 3, quits)
		require.Len(t, s.taken(), 7)
	})

	t.Run("a connection that rested too long is closed, though nobody sends", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("", ""))
		m := s.mailer(t, func(o *smtp.Options) { o.IdleTimeout = 30 * time.Millisecond })
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.Eventually(t, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.open) == 0
		}, 5*time.Second, 5*time.Millisecond)
		require.Contains(t, s.said(), "QUIT")
		require.NoError(t, m.Send(t.Context(), message("m2")))
		require.Equal(t, 2, s.connections())
	})

	t.Run("when the server closed what rested, the message goes out on a new connection", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		for i := range 5 {
			require.NoError(t, m.Send(t.Context(), message(fmt.Sprint("m", i))))
			s.hangUp()
		}
		require.Len(t, s.messages(), 5)
		require.Equal(t, 5, s.connections())
	})

	for name, answer := range map[string]string{"421": "421 4.4.2 idle for too long", "503": "503 5.5.1 who are you", "530": "530 5.7.0 who are you", "the end": hangup} {
		t.Run("a MAIL on a rested connection that is answered with "+name+" is tried once on a new one", func(t *testing.T) {
			t.Parallel()
			mails := 0
			s := play(t, func(step string, _ int) string {
				if step == "MAIL" {
					if mails++; mails == 2 {
						return answer
					}
				}
				return ""
			})
			m := s.mailer(t)
			require.NoError(t, m.Send(t.Context(), message("m1")))
			require.NoError(t, m.Send(t.Context(), message("m2")))
			require.Equal(t, 2, s.connections())
			require.Len(t, s.taken(), 2)
		})
	}

	t.Run("and only once", func(t *testing.T) {
		t.Parallel()
		mails := 0
		s := play(t, func(step string, _ int) string {
			if step == "MAIL" {
				if mails++; mails > 1 {
					return "421 4.4.2 closing"
				}
			}
			return ""
		})
		m := s.mailer(t)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		err := m.Send(t.Context(), message("m2"))
		require.ErrorContains(t, err, "421")
		require.False(t, mail.IsPermanent(err))
		require.Equal(t, 3, mails)
	})

	for _, step := range []string{"RCPT", "DATA", "."} {
		t.Run("what breaks at "+step+" is not tried again at once, even on a rested connection", func(t *testing.T) {
			t.Parallel()
			seen := 0
			s := play(t, func(at string, _ int) string {
				if at == step {
					if seen++; seen >= 2 {
						return hangup
					}
				}
				return ""
			})
			m := s.mailer(t)
			require.NoError(t, m.Send(t.Context(), message("m1")))
			err := m.Send(t.Context(), message("m2"))
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err))
			require.Equal(t, 1, s.connections())
		})
	}

	t.Run("a server that spoke out of turn while a connection rested is not believed", func(t *testing.T) {
		t.Parallel()
		s := play(t, func(step string, conn int) string {
			if step == "." && conn == 1 {
				return "250 2.0.0 queued\r\n250 2.0.0 and the next, too"
			}
			return ""
		})
		m := s.mailer(t)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.NoError(t, m.Send(t.Context(), message("m2")))
		require.Equal(t, 2, s.connections())
		require.Len(t, s.taken(), 2)
	})

	t.Run("a message whose context ends once its connection rests takes nothing from the next", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, m.Send(ctx, message("m1")))
		cancel()
		require.NoError(t, m.Send(t.Context(), message("m2")))
		require.Equal(t, 1, s.connections())
	})

	t.Run("a message whose context ended as the answer came counts as sent", func(t *testing.T) {
		t.Parallel()
		s := play(t, at(".", "250 2.0.0 queued"))
		ctx, cancel := context.WithCancel(t.Context())
		m := s.mailer(t, func(o *smtp.Options) {
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				return &endsAt{Conn: c, words: "queued", end: cancel, cut: make(chan struct{})}, err
			}
		})
		require.NoError(t, m.Send(ctx, message("m1")))
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		require.Len(t, s.taken(), 1)
	})

	t.Run("a message whose context ends before the answer is sent, or goes out again as the same", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.with(func() { s.onEnd = func(net.Conn, string) error { cancel(); return nil } })
		copies := 1
		if err := m.Send(ctx, message("m1")); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			require.False(t, mail.IsPermanent(err))
			copies++
			require.NoError(t, m.Send(t.Context(), message("m1")))
		}
		require.Eventually(t, func() bool { return len(s.messages()) >= copies }, 20*time.Second, time.Millisecond)
		all := s.messages()
		require.Len(t, all, copies)
		for _, g := range all {
			require.Equal(t, smtp.MessageID("m1", "willow.example"), parse(t, g.data).header.Get("Message-ID"))
			require.Equal(t, all[0], g)
		}
		require.NoError(t, m.Send(t.Context(), message("m2")))
	})

	t.Run("a Send whose context is over takes no connection from the others", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 5 {
			require.ErrorIs(t, m.Send(ctx, message("m2")), context.Canceled)
		}
		require.NoError(t, m.Send(t.Context(), message("m3")))
		require.Equal(t, 1, s.connections())
	})

	t.Run("a dropped RSET after acceptance is no failure, as none is sent", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("RSET", hangup))
		m := s.mailer(t)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.NoError(t, m.Send(t.Context(), message("m2")))
		require.NotContains(t, s.said(), "RSET")
		require.NotContains(t, s.said(), "NOOP")
		require.Len(t, s.taken(), 2)
	})
}

// endsAt is a connection on which a context ends with certain words of the server's: they are read only once the Mailer
// has closed the connection for it.
type endsAt struct {
	net.Conn

	words string
	end   context.CancelFunc
	cut   chan struct{}
	once  sync.Once
}

func (c *endsAt) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if strings.Contains(string(p[:n]), c.words) {
		c.end()
		<-c.cut
	}
	return n, err
}

func (c *endsAt) Close() error {
	c.once.Do(func() { close(c.cut) })
	return c.Conn.Close()
}

// No connection is left behind, whatever happened (I-32); that no goroutine is, TestMain sees.
func TestMailer_Leaks(t *testing.T) {
	t.Parallel()
	phases := map[string]smtp.Phase{
		"connect": smtp.Connect, "EHLO": smtp.Connect, "MAIL": smtp.MailFrom, "RCPT": smtp.RcptTo, "DATA": smtp.Data, ".": smtp.Content,
	}
	for _, step := range append([]string{"none"}, steps...) {
		for _, answer := range []string{"421 4.0.0 no", "550 5.0.0 no", hangup, stall, "nonsense"} {
			var end atomic.Pointer[context.CancelFunc] // of the message under way
			usual := at(step, answer)
			s := play(t, func(step string, conn int) string {
				a := usual(step, conn)
				if a == stall { // the context ends there, and not where a clock finds the two
					(*end.Load())()
				}
				return a
			})
			opened := &countingDialer{}
			m, err := smtp.New("127.0.0.1", &smtp.Options{
				From: mail.Sender{Address: "no-reply@willow.example"}, Port: s.port, Security: smtp.InsecurePlaintext, Dial: opened.dial,
				Timeout: time.Minute, IdleTimeout: time.Hour,
			})
			require.NoError(t, err)
			for i := range 2 {
				ctx, cancel := context.WithCancel(t.Context())
				end.Store(&cancel)
				err := m.Send(ctx, message(fmt.Sprint("m", i)))
				cancel()
				if step == "none" {
					require.NoError(t, err)
					continue
				}
				var e *smtp.Error
				require.ErrorAs(t, err, &e, "%s %s", step, answer)
				require.Equal(t, phases[step], e.Phase, "%s %s", step, answer)
			}
			require.NoError(t, m.Close())
			require.Zero(t, opened.open(), "%s %s", step, answer)
		}
	}
}

// countingDialer counts the connections that are open.
type countingDialer struct {
	mu    sync.Mutex
	conns map[*countedConn]bool
}

type countedConn struct {
	net.Conn

	d *countingDialer
}

func (d *countingDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		d.conns = map[*countedConn]bool{}
	}
	counted := &countedConn{c, d}
	d.conns[counted] = true
	return counted, nil
}

func (d *countingDialer) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
}

func (c *countedConn) Close() error {
	c.d.mu.Lock()
	delete(c.d.conns, c)
	c.d.mu.Unlock()
	return c.Conn.Close()
}

// Many goroutines, faults and ends of contexts at once: each Send tells the truth, and Close in the middle is safe.
func TestMailer_Race(t *testing.T) {
	t.Parallel()
	s := serve(t)
	m := s.mailer(t, func(o *smtp.Options) { o.MaxConnections, o.MaxMessages, o.IdleTimeout = 4, 7, 2*time.Millisecond })
	require.NoError(t, m.Send(t.Context(), message("first")))
	sent := map[string]bool{"first": true}
	var ends sync.Map // of contexts, by recipient
	end := func(to string) {
		if cancel, ok := ends.Load(to); ok {
			cancel.(context.CancelFunc)()
		}
	}
	middle := make(chan struct{})
	var recipients, letters atomic.Int64
	s.with(func() {
		s.onRcpt = func(to string) error {
			k := recipients.Add(1)
			if k == 100 {
				close(middle)
			}
			switch k % 11 {
			case 1:
				end(to)
			case 3:
				return reply(450)
			case 5:
				return reply(550)
			case 7:
				s.hangUp()
			}
			return nil
		}
		s.onEnd = func(_ net.Conn, to string) error {
			if letters.Add(1)%7 == 3 {
				end(to)
			}
			return nil
		}
	})
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 1000 { // far more than there are before Close
				id := fmt.Sprintf("m%d.%d", w, i)
				to := id + "@willow.example"
				ctx, cancel := context.WithCancel(t.Context())
				ends.Store(to, cancel)
				err := m.Send(ctx, message(id, func(m *mail.Message) { m.To = to }))
				cancel()
				if errors.Is(err, smtp.ErrClosed) {
					return
				}
				if err == nil {
					mu.Lock()
					sent[id] = true
					mu.Unlock()
				}
			}
			t.Error("Close was not seen")
		})
	}
	all.Go(func() {
		select {
		case <-middle:
		case <-t.Context().Done():
		}
		_ = m.Close()
	})
	all.Wait()
	arrived := map[string]bool{}
	for _, g := range s.messages() {
		id, ok := smtp.ParseMessageID(parse(t, g.data).header.Get("Message-ID"))
		require.True(t, ok)
		arrived[id] = true
	}
	require.Greater(t, len(sent), 1)
	for id := range sent {
		require.True(t, arrived[id], "what counts as sent has arrived")
	}
}
