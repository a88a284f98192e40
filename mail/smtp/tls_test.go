package smtp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

func login(o *smtp.Options) { o.Username, o.Password = "willow", "hunter2-hunter2" }

func withLogin(s *server) { s.user, s.pass = "willow", "hunter2-hunter2" }

// unread fails if anything of a message or a login was sent that somebody on the way could read (A91).
func unread(t *testing.T, wire string) {
	t.Helper()
	for _, secret := range []string{
		"hunter2", "creq_SECRET", "ada@", "A subject", "MAIL", "AUTH",
		base64.StdEncoding.EncodeToString([]byte("\x00willow\x00hunter2-hunter2")), base64.StdEncoding.EncodeToString([]byte("hunter2-hunter2")),
	} {
		require.NotContains(t, wire, secret)
	}
}

// Without TLS, and with a server that cannot prove its name, nothing leaves: no password, no link, no recipient (A91). The
// mail waits, since it is the host's or somebody's doing and not the message's.
func TestMailer_TLS(t *testing.T) {
	t.Parallel()

	for name, set := range map[string]func(*server){"STARTTLS": func(*server) {}, "implicit TLS": implicit} {
		t.Run("a message and a password go over "+name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, set, withLogin)
			m := s.mailer(t, login, func(o *smtp.Options) {
				if name != "STARTTLS" {
					o.Security = smtp.ImplicitTLS
				}
			})
			require.NoError(t, m.Send(t.Context(), message("m1")))
			require.NoError(t, m.Send(t.Context(), message("m2")))
			require.Len(t, s.messages(), 2)
			require.Equal(t, 1, s.auths)
			unread(t, string(s.wire()))
		})
	}

	for name, set := range map[string]func(*server){
		"with a certificate for another name": func(s *server) {
			c, pool := certificates(t, "other.example", time.Hour)
			s.TLSConfig, s.ca = &tls.Config{Certificates: []tls.Certificate{c}}, pool
		},
		"with a certificate that has expired": func(s *server) {
			c, pool := certificates(t, "127.0.0.1", -time.Hour)
			s.TLSConfig, s.ca = &tls.Config{Certificates: []tls.Certificate{c}}, pool
		},
		"with a certificate of nobody's": func(s *server) { s.ca = x509.NewCertPool() },
		"that offers no STARTTLS":        func(s *server) { s.TLSConfig = nil; s.AllowInsecureAuth = true },
		"that only knows an old TLS":     func(s *server) { s.TLSConfig.MaxVersion = tls.VersionTLS11; s.TLSConfig.MinVersion = tls.VersionTLS10 },
	} {
		for _, mode := range []smtp.Security{smtp.STARTTLS, smtp.ImplicitTLS} {
			if mode == smtp.ImplicitTLS && name == "that offers no STARTTLS" {
				continue
			}
			t.Run("a server "+name+" gets nothing", func(t *testing.T) {
				t.Parallel()
				s := serve(t, set, withLogin, func(s *server) {
					if mode == smtp.ImplicitTLS {
						implicit(s)
					}
				})
				err := s.mailer(t, login, func(o *smtp.Options) { o.Security = mode }).Send(t.Context(), message("m1"))
				require.Error(t, err)
				require.False(t, mail.IsPermanent(err))
				require.NotContains(t, err.Error(), "hunter2")
				require.Empty(t, s.messages())
				require.Zero(t, s.auths)
				unread(t, string(s.wire()))
			})
		}
	}

	t.Run("a server that offers no STARTTLS gets nothing, though it wants no login", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(s *server) { s.TLSConfig = nil })
		err := s.mailer(t).Send(t.Context(), message("m1"))
		require.EqualError(t, err, "smtp: connecting: the server offers no STARTTLS, which Options.Security asks for; nothing was sent")
		require.False(t, mail.IsPermanent(err))
		require.Empty(t, s.messages())
		unread(t, string(s.wire()))
	})

	t.Run("a server that refuses STARTTLS gets nothing", func(t *testing.T) {
		t.Parallel()
		c, pool := certificates(t, "127.0.0.1", time.Hour)
		for _, answer := range []string{"454 4.7.0 not now", "500 what", "250 no", hangup} {
			s := play(t, at("STARTTLS", answer))
			s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
			m := s.mailer(t, login, func(o *smtp.Options) { o.Security, o.TLSConfig = smtp.STARTTLS, &tls.Config{RootCAs: pool} })
			err := m.Send(t.Context(), message("m1"))
			require.Error(t, err)
			require.False(t, mail.IsPermanent(err))
			unread(t, strings.Join(s.said(), "\n"))
		}
	})

	t.Run("a TLS handshake that never ends holds Send up no longer than its context", func(t *testing.T) {
		t.Parallel()
		s := play(t, at("connect", stall))
		for _, mode := range []smtp.Security{smtp.STARTTLS, smtp.ImplicitTLS} {
			m := s.mailer(t, func(o *smtp.Options) { o.Security = mode })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, m.Send(ctx, message("m1")), context.DeadlineExceeded)
		}
	})

	t.Run("words slipped in before the handshake are not taken for the server's", func(t *testing.T) {
		t.Parallel()
		// CVE-2011-0411 in a client: what stands behind the 220 came in clear, from whoever is on the way.
		c, pool := certificates(t, "127.0.0.1", time.Hour)
		s := play(t, func(step string, _ int) string {
			switch step {
			case "STARTTLS":
				return "220 go ahead\r\n250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued"
			case "RCPT":
				return "550 5.1.1 nobody here" // what the server itself says, over TLS
			}
			return ""
		})
		s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
		m := s.mailer(t, login, func(o *smtp.Options) { o.Security, o.TLSConfig = smtp.STARTTLS, &tls.Config{RootCAs: pool} })
		var e *smtp.Error
		require.ErrorAs(t, m.Send(t.Context(), message("m1")), &e)
		require.Equal(t, smtp.RcptTo, e.Phase)
		require.Equal(t, 550, e.Code)
		said := s.said()
		require.Greater(t, len(said), 2)
		require.Equal(t, "STARTTLS", said[1])
		unread(t, strings.Join(said[:2], "\n"))
	})

	t.Run("in clear only what was asked for by name", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(s *server) { s.TLSConfig = nil })
		require.NoError(t, s.mailer(t, insecure).Send(t.Context(), message("m1")))
		require.Contains(t, string(s.wire()), "MAIL FROM:<no-reply@willow.example>")
	})
}

func TestMailer_Login(t *testing.T) {
	t.Parallel()

	t.Run("a wrong password is the host's to mend, and kills no mail", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withLogin)
		err := s.mailer(t, func(o *smtp.Options) { o.Username, o.Password = "willow", "wrong-wrong" }).Send(t.Context(), message("m1"))
		var e *smtp.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, smtp.Connect, e.Phase)
		require.Equal(t, 535, e.Code)
		require.False(t, mail.IsPermanent(err))
		require.NotContains(t, err.Error(), "wrong-wrong")
	})

	t.Run("a server that repeats the login in its refusal is not repeated", func(t *testing.T) {
		t.Parallel()
		c, pool := certificates(t, "127.0.0.1", time.Hour)
		s := play(t, at("AUTH", "535 5.7.8 no hunter2-hunter2"))
		s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
		m := s.mailer(t, login, func(o *smtp.Options) { o.Security, o.TLSConfig = smtp.STARTTLS, &tls.Config{RootCAs: pool} })
		err := m.Send(t.Context(), message("m1"))
		require.ErrorContains(t, err, "535 5.7.8")
		require.NotContains(t, err.Error(), "hunter2")
		var e *smtp.Error
		require.ErrorAs(t, err, &e)
		require.NotContains(t, e.Reply, "hunter2")
	})

	for name, challenge := range map[string]string{
		"asks a third time":       "334 " + base64.StdEncoding.EncodeToString([]byte("so it was hunter2-hunter2")),
		"asks what is no base64":  "334 hunter2-hunter2!",
		"answers what is no SMTP": "hunter2-hunter2",
	} {
		t.Run("a server that "+name+" in a login is not repeated either", func(t *testing.T) {
			t.Parallel()
			c, pool := certificates(t, "127.0.0.1", time.Hour)
			s := play(t, func(step string, _ int) string {
				switch step {
				case "EHLO":
					return "250-mx.example\r\n250-STARTTLS\r\n250 AUTH LOGIN"
				case "STARTTLS", "QUIT", "connect":
					return ""
				default: // AUTH, and each answer to a challenge
					return challenge
				}
			})
			s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
			m := s.mailer(t, login, func(o *smtp.Options) { o.Security, o.TLSConfig = smtp.STARTTLS, &tls.Config{RootCAs: pool} })
			err := m.Send(t.Context(), message("m1"))
			var e *smtp.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, smtp.Connect, e.Phase)
			require.False(t, mail.IsPermanent(err))
			require.EqualError(t, err, "smtp: connecting: the login failed, without an answer that says why")
			require.NotContains(t, fmt.Sprintf("%+v %+v", *e, errors.Unwrap(e)), "hunter2")
		})
	}

	t.Run("a server that offers no login gets no mail either", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		err := s.mailer(t, login).Send(t.Context(), message("m1"))
		require.Error(t, err)
		require.False(t, mail.IsPermanent(err))
		require.Empty(t, s.messages())
	})

	t.Run("without a login a server that wants one puts the mail off", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withLogin)
		err := s.mailer(t).Send(t.Context(), message("m1"))
		require.ErrorContains(t, err, "530 5.7.0")
		require.False(t, mail.IsPermanent(err))
	})

	t.Run("the mechanism that was asked for is the one used", func(t *testing.T) {
		t.Parallel()
		s := serve(t, withLogin, func(s *server) { s.mechs = []string{"CRAM-MD5", "PLAIN"} })
		m := s.mailer(t, login, func(o *smtp.Options) { o.Mechanism = "PLAIN" })
		require.NoError(t, m.Send(t.Context(), message("m1")))
		m = s.mailer(t, login, func(o *smtp.Options) { o.Mechanism = "plain" })
		require.NoError(t, m.Send(t.Context(), message("m1")))
		err := s.mailer(t, login, func(o *smtp.Options) { o.Mechanism = "LOGIN" }).Send(t.Context(), message("m2"))
		require.Error(t, err)
		require.False(t, mail.IsPermanent(err))
	})

	t.Run("a token is asked for at each connection", func(t *testing.T) {
		t.Parallel()
		c, pool := certificates(t, "127.0.0.1", time.Hour)
		s := play(t, func(step string, _ int) string {
			if step == "EHLO" {
				return "250-mx.example\r\n250-STARTTLS\r\n250 AUTH XOAUTH2"
			}
			return ""
		})
		s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
		asked := 0
		m := s.mailer(t, func(o *smtp.Options) {
			o.Security, o.TLSConfig, o.Username, o.MaxMessages = smtp.STARTTLS, &tls.Config{RootCAs: pool}, "willow", 1
			o.Token = func(context.Context) (string, error) { asked++; return "token", nil }
		})
		for _, id := range []string{"m1", "m2"} {
			require.NoError(t, m.Send(t.Context(), message(id)))
		}
		require.Equal(t, 2, asked)
		want := "AUTH XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=willow\x01auth=Bearer token\x01\x01"))
		require.Contains(t, s.said(), want)
	})
}
