package smtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		host       string
		given      func(*smtp.Options)
	}{
		{name: "no host", host: "-", want: "host"},
		{name: "a host with a port", host: "smtp.example:587", want: "Options.Port"},
		{name: "a socket", host: "unix:///tmp/x", want: "host"},
		{name: "no sender", given: func(o *smtp.Options) { o.From.Address = "" }, want: "From.Address is missing"},
		{name: "a sender with a name in the address", given: func(o *smtp.Options) { o.From.Address = "A <a@b.example>" }, want: "From.Address"},
		{name: "a sender with a line", given: func(o *smtp.Options) { o.From.Address = "a@b.example\r\nBcc: x@y.example" }, want: "From.Address"},
		{name: "a sender beyond ASCII", given: func(o *smtp.Options) { o.From.Address = "a@köln.example" }, want: "From.Address"},
		{name: "a bad ReplyTo", given: func(o *smtp.Options) { o.ReplyTo = "x" }, want: "ReplyTo"},
		{name: "bad Bounces", given: func(o *smtp.Options) { o.Bounces = "a@b@c" }, want: "Bounces"},
		{name: "a bad Domain", given: func(o *smtp.Options) { o.Domain = "a b" }, want: "Domain"},
		{name: "a bad HELO", given: func(o *smtp.Options) { o.HELO = "x\r\nMAIL" }, want: "HELO"},
		{name: "a bad Port", given: func(o *smtp.Options) { o.Port = 70000 }, want: "Port"},
		{name: "STARTTLS where TLS is awaited", given: func(o *smtp.Options) { o.Port = 465 }, want: "set Security: ImplicitTLS"},
		{name: "clear text where TLS is awaited", given: func(o *smtp.Options) { o.Port, o.Security = 465, smtp.InsecurePlaintext }, want: "ImplicitTLS"},
		{name: "TLS at once at the port of submission", given: func(o *smtp.Options) { o.Port, o.Security = 587, smtp.ImplicitTLS }, want: "set Security: STARTTLS"},
		{name: "TLS at once at the port of relays", given: func(o *smtp.Options) { o.Port, o.Security = 25, smtp.ImplicitTLS }, want: "Port is 25"},
		{name: "an unknown Security", given: func(o *smtp.Options) { o.Security = 9 }, want: "Security"},
		{name: "a password in clear", given: func(o *smtp.Options) { o.Security = smtp.InsecurePlaintext; o.Username, o.Password = "u", "p" }, want: "Username"},
		{name: "a certificate that nobody checks", given: func(o *smtp.Options) { o.TLSConfig = &tls.Config{InsecureSkipVerify: true} }, want: "TLSConfig.InsecureSkipVerify"},
		{name: "an old TLS", given: func(o *smtp.Options) { o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS10} }, want: "TLSConfig.MinVersion"},
		{name: "a password of nobody", given: func(o *smtp.Options) { o.Password = "p" }, want: "Username is missing"},
		{name: "a user without a password", given: func(o *smtp.Options) { o.Username = "u" }, want: "Password is missing"},
		{name: "a password and a token", given: func(o *smtp.Options) { o.Username, o.Password, o.Token = "u", "p", noToken }, want: "Token"},
		{name: "a token with a mechanism", given: func(o *smtp.Options) { o.Username, o.Mechanism, o.Token = "u", "PLAIN", noToken }, want: "Mechanism"},
		{name: "an unknown mechanism", given: func(o *smtp.Options) { o.Username, o.Password, o.Mechanism = "u", "p", "PLAIN-NOENC" }, want: "Mechanism"},
		{name: "a token's mechanism without a token", given: func(o *smtp.Options) { o.Username, o.Password, o.Mechanism = "u", "p", "xoauth2" }, want: "set Token"},
		{name: "a Timeout without its unit", given: func(o *smtp.Options) { o.Timeout = 30 }, want: "Timeout is 30ns; it needs its unit"},
		{name: "an IdleTimeout without its unit", given: func(o *smtp.Options) { o.IdleTimeout = 15 }, want: "IdleTimeout is 15ns"},
		{name: "a negative Timeout", given: func(o *smtp.Options) { o.Timeout = -1 }, want: "Timeout"},
		{name: "a negative IdleTimeout", given: func(o *smtp.Options) { o.IdleTimeout = -1 }, want: "IdleTimeout is negative"},
		{name: "a negative MaxMessages", given: func(o *smtp.Options) { o.MaxMessages = -1 }, want: "MaxMessages"},
		{name: "a negative MaxConnections", given: func(o *smtp.Options) { o.MaxConnections = -1 }, want: "MaxConnections"},
	} {
		t.Run(c.name+" is refused by its name", func(t *testing.T) {
			t.Parallel()
			o := &smtp.Options{From: mail.Sender{Address: "no-reply@willow.example"}}
			if c.given != nil {
				c.given(o)
			}
			host := "smtp.example"
			if c.host != "" {
				host = c.host
			}
			_, err := smtp.New(host, o)
			require.ErrorContains(t, err, c.want)
		})
	}
	t.Run("no options are refused", func(t *testing.T) {
		t.Parallel()
		_, err := smtp.New("smtp.example", nil)
		require.ErrorContains(t, err, "From.Address")
	})
	for name, given := range map[string]func(*smtp.Options){
		"STARTTLS at the port of submission": func(o *smtp.Options) { o.Port = 587 },
		"STARTTLS at the port of relays":     func(o *smtp.Options) { o.Port = 25 },
		"STARTTLS at a port of its own":      func(o *smtp.Options) { o.Port = 2525 },
		"TLS at once at its port":            func(o *smtp.Options) { o.Port, o.Security = 465, smtp.ImplicitTLS },
		"TLS at once at a port of its own":   func(o *smtp.Options) { o.Port, o.Security = 2465, smtp.ImplicitTLS },
		"a token with its mechanism":         func(o *smtp.Options) { o.Username, o.Mechanism, o.Token = "u", "XOAUTH2", noToken },
		"a mechanism in small letters":       func(o *smtp.Options) { o.Username, o.Password, o.Mechanism = "u", "p", "scram-sha-256" },
		"a Timeout of no more than a moment": func(o *smtp.Options) { o.Timeout = time.Millisecond },
		"a server elsewhere, named in clear": func(o *smtp.Options) { o.Security = smtp.InsecurePlaintext },
	} {
		t.Run(name+" is accepted", func(t *testing.T) {
			t.Parallel()
			o := &smtp.Options{From: mail.Sender{Address: "no-reply@willow.example"}}
			given(o)
			m, err := smtp.New("smtp.example", o)
			require.NoError(t, err)
			require.NoError(t, m.Close())
		})
	}
	t.Run("Options that are printed or logged have no password in them", func(t *testing.T) {
		t.Parallel()
		o := smtp.Options{Username: "u", Password: "hunter2-hunter2"}
		var b bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			slog.New(h).Info("x", "by value", o, "by pointer", &o)
		}
		require.Contains(t, b.String(), `"by value":"smtp options","by pointer":"smtp options"`)
		host := struct{ SMTP smtp.Options }{o}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&b, verb+verb+verb, o, &o, host)
		}
		require.NotContains(t, b.String(), "hunter2")
		require.NotContains(t, b.String(), "68756e746572", "nor in hexadecimal")
		require.Equal(t, "smtp options", fmt.Sprint(o))
	})
	t.Run("a Mailer that is printed has no password in it", func(t *testing.T) {
		t.Parallel()
		m, err := smtp.New("smtp.example", &smtp.Options{
			From: mail.Sender{Address: "no-reply@willow.example"}, Username: "u", Password: "hunter2-hunter2",
		})
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", m, m, m, m), "hunter2")
		require.NoError(t, m.Close())
	})
}

func noToken(context.Context) (string, error) { return "", nil }

// The conformance suite of Mailers (A85, A86, A88, I-23) on a server that is there, over STARTTLS.
func TestMailer_Conformance(t *testing.T) {
	t.Parallel()
	s := serve(t)
	mailtest.Test(t, harness(s, s.mailer(t)))
}

// harness lets the suite see what arrived, and tell the server how to answer.
func harness(s *server, m mail.Mailer) mailtest.Harness {
	return mailtest.Harness{
		Mailer: m,
		Arrived: func(t testing.TB, to string) []mailtest.Arrival {
			t.Helper()
			var out []mailtest.Arrival
			for _, g := range s.messages() {
				if g.to[0] == to {
					p := parse(t, g.data)
					out = append(out, mailtest.Arrival{
						Recipients: g.to, Key: p.header.Get("Message-ID"), From: p.from, Subject: p.subject, Text: p.text, HTML: p.html,
					})
				}
			}
			return out
		},
		Answer: func(_ testing.TB, a mailtest.Answer) bool {
			s.with(func() {
				s.onRcpt, s.onEnd = nil, nil
				switch a {
				case mailtest.Accept:
				case mailtest.Refuse:
					s.onRcpt = func(string) error { return reply(550) }
				case mailtest.Defer:
					s.onRcpt = func(string) error { return reply(451) }
				case mailtest.Hang:
					s.onRcpt = func(string) error { <-s.over; return reply(451) }
				case mailtest.Lose:
					s.onEnd = func(c net.Conn, _ string) error { _ = c.Close(); return errLost }
				}
			})
			return true
		},
	}
}

func TestMailer_Send(t *testing.T) {
	t.Parallel()

	t.Run("the envelope goes from the product's address to the one recipient", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		require.NoError(t, s.mailer(t).Send(t.Context(), message("m1")))
		require.Len(t, s.messages(), 1)
		g := s.messages()[0]
		require.Equal(t, "no-reply@willow.example", g.from)
		require.Equal(t, []string{"ada@willow.example"}, g.to)
		p := parse(t, g.data)
		require.Equal(t, mail.Sender{Name: "Willow", Address: "no-reply@willow.example"}, p.from)
		require.Equal(t, "<m1@willow.example>", p.header.Get("Message-ID"))
		require.Equal(t, "Thu, 05 Mar 2026 14:00:00 +0000", p.header.Get("Date"))
		require.Equal(t, "auto-generated", p.header.Get("Auto-Submitted"))
		for _, absent := range []string{"User-Agent", "X-Mailer", "Reply-To", "Sender", "Content-Language", "Bcc", "Cc", "DKIM-Signature"} {
			require.Empty(t, p.header[absent], absent)
		}
	})

	for _, c := range []struct {
		name  string
		from  mail.Sender
		given func(*smtp.Options)
		want  mail.Sender
		back  string
		reply string
	}{
		{
			name: "a name alone stands before the product's address", from: mail.Sender{Name: "Elm"},
			want: mail.Sender{Name: "Elm", Address: "no-reply@willow.example"}, back: "no-reply@willow.example",
		},
		{
			name: "an account's own address is the sender and gets the bounces", from: mail.Sender{Name: "Elm", Address: "hi@elm.example"},
			want: mail.Sender{Name: "Elm", Address: "hi@elm.example"}, back: "hi@elm.example",
		},
		{
			name: "an account's own address has neither the product's name nor its ReplyTo", from: mail.Sender{Address: "hi@elm.example"},
			given: func(o *smtp.Options) { o.ReplyTo = "help@willow.example" },
			want:  mail.Sender{Address: "hi@elm.example"}, back: "hi@elm.example",
		},
		{
			name: "bounces go where the option says", from: mail.Sender{Address: "hi@elm.example"},
			given: func(o *smtp.Options) { o.Bounces = "bounces@willow.example" },
			want:  mail.Sender{Address: "hi@elm.example"}, back: "bounces@willow.example",
		},
		{
			name: "answers go where the option says", given: func(o *smtp.Options) { o.ReplyTo = "help@willow.example" },
			want: mail.Sender{Name: "Willow", Address: "no-reply@willow.example"}, back: "no-reply@willow.example", reply: "help@willow.example",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			var set []func(*smtp.Options)
			if c.given != nil {
				set = append(set, c.given)
			}
			require.NoError(t, s.mailer(t, set...).Send(t.Context(), message("m1", func(m *mail.Message) { m.From = c.from })))
			g := s.messages()[0]
			require.Equal(t, c.back, g.from)
			p := parse(t, g.data)
			require.Equal(t, c.want, p.from)
			require.Equal(t, c.reply, p.header.Get("Reply-To"))
			require.Equal(t, "<m1@willow.example>", p.header.Get("Message-ID"), "the ID alone decides")
		})
	}

	for name, change := range map[string]func(*mail.Message){
		"for a phone":                      func(m *mail.Message) { m.Channel, m.To = mail.SMS, "+4915112345678" },
		"sealed":                           func(m *mail.Message) { m.Text, m.HTML, m.Sealed = "", "", []byte{1} },
		"without an ID":                    func(m *mail.Message) { m.ID = "" },
		"with an endless ID":               func(m *mail.Message) { m.ID = string(make([]byte, 201)) },
		"without a recipient":              func(m *mail.Message) { m.To = "" },
		"with a recipient that has a line": func(m *mail.Message) { m.To = "a@b.example>\r\nRCPT TO:<eve@b.example" },
		"with two recipients":              func(m *mail.Message) { m.To = "a@b.example,c@d.example" },
		"with a recipient beyond ASCII":    func(m *mail.Message) { m.To = "a@köln.example" },
		"with a quoted recipient":          func(m *mail.Message) { m.To = `"a b"@b.example` },
		"without a time":                   func(m *mail.Message) { m.CreatedAt = time.Time{} },
		"from no mailbox":                  func(m *mail.Message) { m.From.Address = "x\r\nBcc: y@z.example" },
	} {
		t.Run("a message "+name+" is refused for good, and nobody is asked", func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			err := s.mailer(t).Send(t.Context(), message("m1", change))
			require.True(t, mail.IsPermanent(err), "%v", err)
			require.NotContains(t, err.Error(), "ada@")
			require.Zero(t, s.connections())
		})
	}

	t.Run("after Close nothing is sent", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t)
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
		err := m.Send(t.Context(), message("m2"))
		require.ErrorIs(t, err, smtp.ErrClosed)
		require.False(t, mail.IsPermanent(err))
		require.Len(t, s.messages(), 1)
	})
}
