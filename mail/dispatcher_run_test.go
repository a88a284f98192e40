package mail_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func TestDispatcher_Flush_leases(t *testing.T) {
	t.Parallel()

	// A claim that takes its time leaves no room for an attempt, whichever of two clocks has seen that: the host's can be set
	// back, and has no other reading if it comes from the environment of the services.
	for _, tc := range []struct {
		name         string
		host, steady time.Duration // by how much the clocks move during the claim
		want         mail.Report
	}{
		{"an attempt begins when it ends before its lease", 90 * time.Second, 89 * time.Second, mail.Report{Sent: 1}},
		{"no attempt begins that could outlive its lease", 90*time.Second + 1, 0, mail.Report{Returned: 1}},
		{"none begins when the host's clock stands still", 0, 90*time.Second + 1, mail.Report{Returned: 1}},
		{"none begins when the host's clock was set back", -10 * time.Minute, 90*time.Second + 1, mail.Report{Returned: 1}},
		{"none begins when the host's clock was set back, and nobody knows when", -1, 0, mail.Report{Returned: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, r := newOutbox(message("m1")), &mailtest.Recorder{}
				d, c := dispatcher(t, o, r, mail.DispatcherOptions{})
				var once sync.Once
				o.fault = func(op string) error {
					if op == "claim" {
						once.Do(func() {
							c.Set(c.Now().Add(tc.host))
							time.Sleep(tc.steady)
						})
					}
					return nil
				}
				rep, err := d.Flush(t.Context())
				require.Equal(t, tc.want, rep)
				require.Len(t, r.Messages(), tc.want.Sent)
				if tc.want.Returned > 0 {
					require.ErrorContains(t, err, "Lease")
					require.Zero(t, o.row("m1").attempts)
					return
				}
				require.NoError(t, err)
			})
		})
	}

	t.Run("a message that somebody else has leased meanwhile is left to them", func(t *testing.T) {
		t.Parallel()
		o := newOutbox(message("m1"), message("m2"))
		var c *clock.Mock
		var sent []string
		d, c := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, m mail.Message) error {
			sent = append(sent, m.ID)
			c.Add(3 * time.Minute)
			_, err := o.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: c.Now(), Lease: time.Hour, Limit: 9})
			return err
		}), mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Fenced: 1}, rep)
		require.Equal(t, []string{"m1"}, sent)
	})

	t.Run("an outbox slower than the lease is an error and not a loop", func(t *testing.T) {
		t.Parallel()
		o := newOutbox(message("m1"))
		d, c := dispatcher(t, o, &mailtest.Recorder{}, mail.DispatcherOptions{})
		o.fault = func(op string) error {
			if op == "claim" {
				c.Add(2 * time.Minute)
			}
			return nil
		}
		rep, err := d.Flush(t.Context())
		require.ErrorContains(t, err, "Lease")
		require.Equal(t, mail.Report{Returned: 1}, rep)
	})
}

func TestDispatcher_Flush_endings(t *testing.T) {
	t.Parallel()
	down := errors.New("database is down")

	t.Run("when the context ends, what was sent is recorded and the rest left to others", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		o, r := newOutbox(message("m1"), message("m2")), &mailtest.Recorder{}
		r.FailWith(func(mail.Message) error { cancel(); return nil })
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		require.Equal(t, mail.Sent, o.row("m1").state)
		require.Equal(t, mail.Queued, o.row("m2").state)
		require.Zero(t, o.row("m2").leased, "another process can take it at once")
		require.Equal(t, start, o.row("m2").m.Due)
		require.Equal(t, []string{"m1"}, ids(r.Messages()))
	})

	t.Run("when the context ends during the claim, what was claimed is given back", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		o.fault = func(op string) error {
			if op == "claim" {
				cancel()
			}
			return nil
		}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, mail.Report{Returned: 1}, rep)
		require.Zero(t, o.row("m1").leased, "another process can take it at once")
		require.Zero(t, o.row("m1").attempts, "an attempt that was not begun does not count")
		require.True(t, o.settle[0].Untried)
		require.Empty(t, r.Messages())
	})

	t.Run("an attempt broken off by the context is tried again", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		o := newOutbox(message("m1"))
		d, _ := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, _ mail.Message) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}), mail.DispatcherOptions{Grace: time.Millisecond})
		rep, err := d.Flush(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, mail.Report{Retried: 1}, rep)
		require.Equal(t, mail.Queued, o.row("m1").state)
	})

	t.Run("an outcome that the outbox does not take at first is offered again", func(t *testing.T) {
		t.Parallel()
		var faults atomic.Int64
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		o.fault = func(op string) error {
			if op == "settle" && faults.Add(1) <= 2 {
				return down
			}
			return nil
		}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		require.Len(t, r.Messages(), 1)
	})

	t.Run("an outcome that the outbox never takes is an error, and what is under way is recorded", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1"), message("m2")), &mailtest.Recorder{}
		o.fault = func(op string) error {
			if op == "settle" && len(r.Messages()) == 1 {
				return down
			}
			return nil
		}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.ErrorIs(t, err, down)
		require.Equal(t, mail.Report{Sent: 1, Unrecorded: 1}, rep)
		require.Len(t, r.Messages(), 2)
	})

	t.Run("a failing claim is an error", func(t *testing.T) {
		t.Parallel()
		o := newOutbox()
		o.fault = failingOp("claim", down)
		d, _ := dispatcher(t, o, &mailtest.Recorder{}, mail.DispatcherOptions{})
		_, err := d.Flush(t.Context())
		require.ErrorIs(t, err, down)
	})
}

func failingOp(op string, err error) func(string) error {
	return func(got string) error {
		if got == op {
			return err
		}
		return nil
	}
}

func TestDispatcher_Flush_log(t *testing.T) {
	t.Parallel()
	link := "https://app.example/x/" + "creq_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST"
	m := message("m1", func(m *mail.Message) {
		m.To, m.ToName, m.Subject = "ada@willow.example", "Ada Berg", "Secret plans of ours"
		m.Text = "Dear Ada Berg, somebody asks for access.\n\n" + link + "\n\nhttps://other.example/s?key=0123456789abcdef0123\n\n> We adore your work.\n\n904718\n"
		m.Data.Code, m.Data.Link, m.Data.Address = "904718", link, "lina.ada@willow.example"
	})
	for _, tc := range []struct{ name, given, want string }{
		{"a quoted link", "550 refused: " + link + " is spam", "550 refused: [redacted] is spam"},
		{"a token alone", "bad token creq_ABCDEFGHIJ2345", "bad token [redacted]"},
		{"a token that hides characters", "bad token creq_AB\u200bCDEFGHIJ2345", "bad token [redacted]"},
		{"a secret of the host's own form", "bad key 0123456789abcdef0123!", "bad key [redacted]!"},
		{"the recipient in any case", "no such user <Ada@Willow.Example>", "no such user <[recipient]>"},
		{"the recipient with the end of a sentence", "no such user Ada@willow.example.", "no such user [recipient]."},
		{"the recipient's name", "no Ada Berg here", "no [recipient] here"},
		{"another address", "554 5.7.1 mx.juniper.example: <eve@elm.example> is not ours", "554 5.7.1 mx.juniper.example: <[address]> is not ours"},
		{"an address in the sender of a bounce", "from bounce+ada=willow.example@post.example", "from [address]"},
		{"an address in a URL", `Get "https://api.example/v1/send?to=ada%40willow.example&n=1": EOF`, `Get "https://api.example/v1/send?to=[address]&n=1": EOF`},
		{"the address that the mail is about", "no such user <Lina.Ada@willow.example>", "no such user <[address]>"},
		{"an address in a path", "https://api.example/eve%40elm.example/mails: 404", "https://api.example/[address]/mails: 404"},
		{"the subject", `rejected "Secret plans of ours"`, `rejected "[redacted]"`},
		{"a line of the text", "rejected Dear Ada Berg, somebody asks for access.", "rejected [redacted]"},
		{"what a user wrote", "rejected (We adore your work.)", "rejected ([redacted])"},
		{"a code", "rejected 904718.", "rejected [redacted]."},
		{"a link as quoted-printable breaks it", "rejected " + link[:50] + "=\r\n" + link[50:] + " here", "rejected https://app.example/x/[redacted] here"},
		{"more than one line", "450\r\n\tlater\x00\u2028please\xff", "450 later please\uFFFD"},
	} {
		t.Run(tc.name+" in a mailer's error is neither stored nor logged", func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			o, r := newOutbox(m), &mailtest.Recorder{}
			r.FailWith(failing(errors.New(tc.given)))
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Logger: slog.New(slog.NewTextHandler(&b, nil))})
			_, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, tc.want, o.row("m1").err)
			require.Regexp(t, `level=WARN msg=mail id=m1 channel=email kind=k account=a1 attempt=1 outcome=retried error=.*\n$`, b.String())
			require.NotRegexp(t, `(?i)ada|secret|creq_|0123456789`, b.String())
		})
	}
	// A host without text messages sends codes to the proven address in Data: then a server's words are about that.
	code := message("m1", byText, func(m *mail.Message) {
		m.Data = mail.Data{Code: "904718", Address: "o'ada@willow.example"}
	})
	for _, tc := range []struct{ name, given, want string }{
		{"the address that it was mailed to", "550 5.1.1 <O'Ada@Willow.example> on mx1.willow.example: no such user", "550 5.1.1 <[address]> on mx1.willow.example: no such user"},
		{"a part of it", "421 4.7.28 too much for o'ada@willow.example.", "421 4.7.28 too much for [address]."},
		{"the phone", "+49 176 12345678 is no phone of willow.example", "[number] is no phone of willow.example"},
		{"the phone behind a status", "550 5.1.1 017612345678 and (0176) 12345678", "550 5.1.1 [number] and ([number]"},
	} {
		t.Run(tc.name+" in an error about a code is neither stored nor logged", func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			o, r := newOutbox(code), &mailtest.Recorder{}
			r.FailWith(failing(errors.New(tc.given)))
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Channel: mail.SMS, Logger: slog.New(slog.NewTextHandler(&b, nil))})
			_, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, tc.want, o.row("m1").err)
			require.NotRegexp(t, `(?i)ada|12345|904718`, b.String())
		})
	}
	t.Run("an error is cut to 200 characters", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(m), &mailtest.Recorder{}
		r.FailWith(failing(errors.New(string(bytes.Repeat([]byte("é"), 50_000)))))
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Backoff: mail.Backoff{Attempts: 1}})
		_, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Len(t, []rune(o.row("m1").err), 200)
	})
}

func TestDispatcher_Run(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, d *mail.Dispatcher) (stop func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		return func() {
			t.Helper()
			cancel()
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(time.Minute):
				require.Fail(t, "Run does not return")
			}
		}
	}
	arrives := func(t *testing.T, r *mailtest.Recorder, n int) {
		t.Helper()
		require.Eventually(t, func() bool { return len(r.Messages()) == n }, time.Minute, time.Millisecond)
	}

	t.Run("it sends what comes, and returns nil when its context is done", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Poll: time.Millisecond})
		stop := run(t, d)
		arrives(t, r, 1)
		o.put(message("m2"))
		arrives(t, r, 2)
		stop()
	})

	t.Run("waking it skips the wait", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Poll: time.Hour})
		stop := run(t, d)
		arrives(t, r, 1)
		o.put(message("m2"))
		for range 3 { // more often than anybody listens: it never blocks
			d.Wake()
		}
		arrives(t, r, 2)
		stop()
	})

	t.Run("it goes on when the outbox is back, and does not hammer it meanwhile", func(t *testing.T) {
		t.Parallel()
		var claims atomic.Int64
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		o.fault = func(string) error {
			if claims.Add(1) <= 4 {
				return errors.New("database is down")
			}
			return nil
		}
		var b bytes.Buffer
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Poll: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&b, nil))})
		begun := time.Now()
		stop := run(t, d)
		arrives(t, r, 1)
		require.GreaterOrEqual(t, time.Since(begun), 30*time.Millisecond, "2, 4, 8 and 16 times the poll interval")
		stop()
		require.Contains(t, b.String(), "database is down")
	})

	t.Run("it flushes again at once when a flush has stopped early", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1"), message("m2")), &mailtest.Recorder{}
		var tries atomic.Int64
		var c *clock.Mock
		r.FailWith(func(m mail.Message) error {
			if tries.Add(1) == 1 {
				return errors.New("later")
			}
			if m.ID == "m2" {
				c.Add(time.Minute)
			}
			return nil
		})
		d, c := dispatcher(t, o, r, mail.DispatcherOptions{Poll: time.Hour})
		stop := run(t, d)
		arrives(t, r, 2)
		stop()
	})
}
