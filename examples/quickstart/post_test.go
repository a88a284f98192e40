package main

import (
	"bytes"
	"io"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// catcher is a mail server that keeps what it is sent.
type catcher struct {
	mu    sync.Mutex
	got   []caught
	serve *smtp.Server
}

type caught struct {
	from, to string
	*netmail.Message
}

// catch starts a mail catcher and returns where it listens.
func catch(t *testing.T, refuse error) (*catcher, string) {
	t.Helper()
	c := new(catcher)
	c.serve = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{catcher: c, refuse: refuse}, nil
	}))
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- c.serve.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, c.serve.Close())
		<-done
	})
	return c, listener.Addr().String()
}

func (c *catcher) all() []caught {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

type session struct {
	*catcher
	refuse error
	letter caught
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.letter.from = from; return s.refuse }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.letter.to = to; return nil }
func (s *session) Reset()                                      { s.letter = caught{} }
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	letter := s.letter
	if letter.Message, err = netmail.ReadMessage(bytes.NewReader(body)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, letter)
	return nil
}

func TestRun_smtp(t *testing.T) {
	t.Parallel()

	t.Run("every mail of a story goes to its recipient, from the sender that the account has", func(t *testing.T) {
		t.Parallel()
		c, addr := catch(t, nil)
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, false, "clients", posting{server: addr}), "%s", &out)

		brand := 0
		for _, m := range c.all() {
			require.Contains(t, m.Header.Get("To"), m.to)
			if strings.Contains(m.Header.Get("From"), "Juniper") {
				brand++
			}
		}
		require.Positive(t, brand)
	})

	t.Run("all of it goes to one mailbox, from one sender, when that is asked for", func(t *testing.T) {
		t.Parallel()
		c, addr := catch(t, nil)
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, false, "", posting{server: addr, from: "us@own.example", to: "me@own.example"}), "%s", &out)

		require.Greater(t, len(c.all()), 30)
		for _, m := range c.all() {
			require.Equal(t, "me@own.example", m.to)
			require.Equal(t, "us@own.example", m.from)
		}
	})

	t.Run("a story ends with what the server said when it takes no mail", func(t *testing.T) {
		t.Parallel()
		_, addr := catch(t, &smtp.SMTPError{Code: 550, Message: "not from you"})
		err := run(t.Context(), new(bytes.Buffer), false, "agency", posting{server: addr})
		require.ErrorContains(t, err, addr)
		require.ErrorContains(t, err, "not from you")
	})

	for _, bad := range []string{"nowhere", "host:port", ":25"} {
		t.Run("-smtp "+bad+" is refused", func(t *testing.T) {
			t.Parallel()
			require.Error(t, run(t.Context(), new(bytes.Buffer), false, "agency", posting{server: bad}))
		})
	}
}
