package smtp_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// What a script answers besides SMTP.
const (
	stall  = "\x00stall"  // nothing, for ever
	hangup = "\x00hangup" // the end of the connection
	swamp  = "\x00swamp"  // words without end
)

// script is a server that does what it is told at each step, politely or not.
type script struct {
	answer func(step string, conn int) string // "" is the usual answer

	tls   *tls.Config
	port  int
	mu    sync.Mutex
	lines []string
	mail  []string
	conns int
	open  map[net.Conn]bool
}

// play starts a scripted server. The steps are "connect", the commands in capitals, and "." for the end of the data.
func play(t testing.TB, answer func(step string, conn int) string) *script {
	t.Helper()
	s := &script{answer: answer, open: map[net.Conn]bool{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.port = listener.Addr().(*net.TCPAddr).Port
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			n := s.conns
			s.open[c] = true
			s.mu.Unlock()
			all.Go(func() { s.talk(c, n) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.mu.Lock()
		for c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		all.Wait()
	})
	return s
}

// at makes a script that answers one step in one way.
func at(step, answer string) func(string, int) string {
	return func(s string, _ int) string {
		if s == step || (s == "HELO" && step == "EHLO") {
			return answer
		}
		return ""
	}
}

func (s *script) talk(c net.Conn, n int) {
	raw := c
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.open, raw)
		s.mu.Unlock()
	}()
	r := bufio.NewReader(c)
	say := func(a, usual string) bool {
		switch {
		case a == stall:
			_, _ = io.Copy(io.Discard, r) // until somebody closes it
			return false
		case a == hangup:
			return false
		case strings.HasSuffix(a, swamp):
			junk := strings.TrimSuffix(a, swamp)
			if junk == "" {
				junk = strings.Repeat("250-more and more\r\n", 100)
			}
			for {
				if _, err := c.Write([]byte(junk)); err != nil {
					return false
				}
			}
		case a == "":
			a = usual
		}
		_, err := c.Write([]byte(a + "\r\n"))
		return err == nil
	}
	if !say(s.answer("connect", n), "220 mx.example ESMTP") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		usual := "250 2.0.0 ok"
		switch verb {
		case "EHLO":
			usual = "250-mx.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES"
			if s.tls != nil && c == raw {
				usual = "250-mx.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"
			} else if s.tls != nil {
				usual = "250-mx.example\r\n250 AUTH PLAIN"
			}
		case "AUTH":
			usual = "235 2.7.0 welcome"
		case "STARTTLS":
			usual = "220 2.0.0 go ahead"
		case "DATA":
			usual = "354 go ahead"
		case "QUIT":
			usual = "221 2.0.0 bye"
		}
		a := s.answer(verb, n)
		if !say(a, usual) || verb == "QUIT" {
			return
		}
		switch verb {
		case "STARTTLS":
			if a != "" && !strings.HasPrefix(a, "220") {
				continue
			}
			secured := tls.Server(c, s.tls)
			if secured.Handshake() != nil {
				return
			}
			c, r = secured, bufio.NewReader(secured)
		case "DATA":
			if a != "" && !strings.HasPrefix(a, "354") {
				continue
			}
			var data strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(line)
				if strings.HasPrefix(line, "Subject:") && s.answer("inside", n) == hangup {
					return
				}
			}
			if a = s.answer(".", n); a == "" || strings.HasPrefix(a, "250") || a == hangup || a == stall {
				s.mu.Lock()
				s.mail = append(s.mail, data.String())
				s.mu.Unlock()
			}
			if !say(a, "250 2.0.0 queued") {
				return
			}
		}
	}
}

func (s *script) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func (s *script) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mail...)
}

func (s *script) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// mailer returns one for the scripted server, in clear unless set.
func (s *script) mailer(t testing.TB, set ...func(*smtp.Options)) *smtp.Mailer {
	t.Helper()
	o := &smtp.Options{
		From: mail.Sender{Name: "Willow", Address: "no-reply@willow.example"}, Port: s.port, Security: smtp.InsecurePlaintext,
		Timeout: 20 * time.Second,
	}
	for _, f := range set {
		f(o)
	}
	m, err := smtp.New("127.0.0.1", o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}
