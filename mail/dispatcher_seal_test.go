package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func TestDispatcher_channels(t *testing.T) {
	t.Parallel()
	o := newOutbox(message("code", byText), message("m1"))
	for _, tc := range []struct {
		channel mail.Channel
		want    string
		html    bool
	}{{"", "m1", true}, {mail.SMS, "code", false}} {
		r := &mailtest.Recorder{}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Channel: tc.channel})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		require.Equal(t, []string{tc.want}, ids(r.Messages()), "a dispatcher sends what is on its channel")
		require.Equal(t, tc.html, r.Messages()[0].HTML != "", "a text message has no page")
	}
}

func TestDispatcher_sealed(t *testing.T) {
	t.Parallel()

	t.Run("what was sealed is sent as it was, with its page", func(t *testing.T) {
		t.Parallel()
		k := keys(t, key(1))
		m := message("m1", secret)
		o, r := newOutbox(sealedWith(t, k, m)), &mailtest.Recorder{}
		ts := templates(t, fstest.MapFS{"layout.html": file(strings.Replace(builtInLayout(t), "<h1", "<hr><h1", 1))})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Keys: k, Templates: ts})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		got := r.Messages()[0]
		require.Contains(t, got.HTML, "<hr><h1", "the page is that of the host's templates")
		require.Contains(t, got.HTML, `href="`+m.Data.Link+`"`)
		got.HTML = ""
		require.Equal(t, m, got)
		require.Empty(t, o.row("m1").m.Sealed)
	})

	t.Run("what no key opens is tried until a process with the key comes", func(t *testing.T) {
		t.Parallel()
		newer := keys(t, key(2), key(1))
		o, r := newOutbox(sealedWith(t, newer, message("m1", secret)), message("m2")), &mailtest.Recorder{}
		d, c := dispatcher(t, o, r, mail.DispatcherOptions{Keys: keys(t, key(1))})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1, Retried: 1}, rep, "it holds up nothing else")
		require.Equal(t, mail.ErrSealed.Error(), o.row("m1").err)
		require.Contains(t, o.row("m1").err, "give the dispatcher the key that sealed it")
		require.Equal(t, start.Add(5*time.Second), o.row("m1").m.Due)

		d, err = mail.NewDispatcher(o, r, &mail.DispatcherOptions{Clock: c, Keys: newer})
		require.NoError(t, err)
		c.Add(5 * time.Second)
		rep, err = d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		require.Equal(t, "Secret subject", r.Messages()[1].Subject)
	})

	t.Run("it dies when patience ends, an hour and more later, and keeps its words to be queued again", func(t *testing.T) {
		t.Parallel()
		o := newOutbox(sealedWith(t, keys(t, key(2)), message("m1", secret)))
		d, c := dispatcher(t, o, &mailtest.Recorder{}, mail.DispatcherOptions{})
		for o.row("m1").state == mail.Queued {
			_, err := d.Flush(t.Context())
			require.NoError(t, err)
			c.Set(o.row("m1").m.Due)
		}
		require.Equal(t, mail.Dead, o.row("m1").state)
		require.Regexp(t, "^gave up after attempt 12: mail: no key opens the message", o.row("m1").err)
		require.Greater(t, o.row("m1").settled.Sub(start), time.Hour)
		require.NotEmpty(t, o.row("m1").m.Sealed)
		require.Equal(t, mail.Report{Retried: 11, Dead: 1}, d.Totals())
	})
}

// One bad message is one bad message: whatever it does to a Mailer, the others go out.
func TestDispatcher_badMessages(t *testing.T) {
	t.Parallel()
	// A layout that fails with one message passes every check.
	broken := strings.Replace(builtInLayout(t), "{{.Subject}}", `{{if eq .Subject "Broken"}}{{index .Body 99}}{{end}}{{.Subject}}`, 1)
	ts := templates(t, fstest.MapFS{"layout.html": file(broken)})
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		o := newOutbox(
			message("0", func(m *mail.Message) { m.Subject = "Broken" }), message("1"), message("2"), message("3"), message("4"),
			sealedWith(t, keys(t, key(1)), message("5", secret)), message("6"), message("7"), message("8", notice), message("9", notice),
		)
		r := &mailtest.Recorder{}
		r.FailWith(func(m mail.Message) error {
			switch m.ID {
			case "1":
				panic(errors.New("oh no"))
			case "2":
				<-hang
			case "3":
				return (*badError)(nil)
			case "4":
				return mail.Permanent(errors.New("no such user"))
			case "6":
				return errors.Join(badError{})
			}
			return nil
		})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Templates: ts})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 3, Retried: 6, Dead: 1}, rep)
		require.Equal(t, rep, d.Totals())
		require.ElementsMatch(t, []string{"7", "8", "9"}, ids(r.Messages()))
		require.Contains(t, o.row("0").err, "the page of k")
		require.Equal(t, "mailer panicked: oh no", o.row("1").err)
		require.Contains(t, o.row("2").err, "did not come back")
		require.Equal(t, "the mailer returned an error that cannot be read", o.row("3").err)
		require.Equal(t, "the mailer returned an error that cannot be read", o.row("6").err)
	})
}

// badError panics when it is read.
type badError struct{ text *string }

func (e badError) Error() string { return *e.text }

func TestDispatcher_attempts(t *testing.T) {
	t.Parallel()
	t.Run("a message whose attempts never came back dies", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1"), message("m2")), &mailtest.Recorder{}
		o.rows["m1"].attempts, o.rows["m2"].attempts = 12, 11
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Dead: 1, Sent: 1}, rep)
		require.Equal(t, "gave up after 12 attempts that never came back", o.row("m1").err)
		require.Equal(t, []string{"m2"}, ids(r.Messages()), "it kills no thirteenth process")
	})
	t.Run("an attempt that was not begun does not count", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		o, r := newOutbox(message("m1"), message("m2"), message("m3")), &mailtest.Recorder{}
		r.FailWith(func(mail.Message) error { cancel(); return nil })
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		_, err := d.Flush(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, o.row("m2").attempts+o.row("m3").attempts)
		for _, s := range o.settle {
			require.Equal(t, s.State == mail.Queued, s.Untried)
		}
	})
	t.Run("an attempt that failed counts", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1")), &mailtest.Recorder{}
		r.FailWith(failing(errors.New("boom")))
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		_, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, o.row("m1").attempts)
		require.False(t, o.settle[0].Untried)
	})
}

// hidden matches what of hiddenWords, and of whom it is for, must be in no record.
const hidden = `(?i)ada|secret|creq_|abcdabcd|904718|49 ?176|jonas|letterbird|willow`

func hiddenWords(m *mail.Message) {
	secret(m)
	m.ToName = "Ada Berg"
	m.Text = "Dear Ada Berg, this is secret as well.\n\n> Jonas's own secret words\n\n" + data().Link + "\n\n904718\n"
}

// Each outcome is one record in the log, and none of them says to whom, what, or which link or code: also after the
// message was opened, and when the Mailer's error quotes all of it.
func TestDispatcher_log(t *testing.T) {
	t.Parallel()
	k := keys(t, key(1))
	link := data().Link
	quoting := func(m mail.Message) error {
		wrapped := link[:60] + "=\r\n" + link[60:] // as a server quotes a line of quoted-printable
		return fmt.Errorf("554 <%s> %s %s (%s) %q %s %s code %s Jonas's own secret words %s %s", strings.ToUpper(m.To), m.ToName, m.Subject, m.Text, m.Text, link, wrapped,
			m.Data.Code, link[len(link)-30:], m.HTML)
	}
	for _, tc := range []struct {
		name  string
		given mail.Message
		when  func(o *outbox, m mail.Message) error
		want  string // outcome and level
	}{
		{"sent", message("m1", hiddenWords), func(*outbox, mail.Message) error { return nil }, "INFO sent"},
		{"failed", message("m1", hiddenWords), func(_ *outbox, m mail.Message) error { return quoting(m) }, "WARN retried"},
		{"given up", message("m1", hiddenWords), func(_ *outbox, m mail.Message) error { return mail.Permanent(quoting(m)) }, "ERROR dead"},
		{"past its limit", message("m1", hiddenWords, notAfter(start)), nil, "ERROR expired"},
		{"cancelled under way", message("m1", hiddenWords), func(o *outbox, m mail.Message) error { o.cancel(m.Reason); return quoting(m) }, "INFO fenced"},
		{"refused with a panic", message("m1", hiddenWords), func(_ *outbox, m mail.Message) error { panic(quoting(m)) }, "WARN retried"},
		{"a code that failed", message("m1", hiddenWords, byText), func(_ *outbox, m mail.Message) error {
			return fmt.Errorf("cannot reach %s, that is +49 176 1234-5678, with %s", m.To, m.Data.Code)
		}, "WARN retried"},
		{"a code that was sent", message("m1", hiddenWords, byText), func(*outbox, mail.Message) error { return nil }, "INFO sent"},
		{"not recorded", message("m1", hiddenWords), func(o *outbox, m mail.Message) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.fault = failingOp("settle", errors.New("database is down"))
			return quoting(m)
		}, "ERROR unrecorded"},
	} {
		for name, m := range map[string]mail.Message{"": tc.given, " and sealed": sealedWith(t, k, tc.given)} {
			t.Run("a message that is "+tc.name+name, func(t *testing.T) {
				t.Parallel()
				var b bytes.Buffer
				o := newOutbox(m)
				d, _ := dispatcher(t, o, mail.MailerFunc(func(_ context.Context, m mail.Message) error { return tc.when(o, m) }), mail.DispatcherOptions{
					Channel: m.Channel, Keys: k, Logger: slog.New(slog.NewTextHandler(&b, nil)),
				})
				_, err := d.Flush(t.Context())
				if err != nil {
					require.NotRegexp(t, hidden, err.Error())
				}
				level, outcome, _ := strings.Cut(tc.want, " ")
				require.Regexp(t, `^time=\S+ level=`+level+` msg=mail id=m1 channel=`+string(m.Channel)+` kind=access-requested account=a1 attempt=1 outcome=`+outcome+`( error=.*)?\n$`, b.String())
				require.NotRegexp(t, hidden, b.String())
				require.NotRegexp(t, hidden, o.row("m1").err)
			})
		}
	}
}

// What the Mailer accepts after it was given up is told: it has been put off already, and a second copy may follow.
func TestDispatcher_acceptedLate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given error
		want  string
	}{
		{"accepted", nil, `time=\S+ level=WARN msg="mail was accepted after its time limit; a second copy may follow" id=m1 channel=email kind=access-requested account=a1\n`},
		{"refused", errors.New("no"), ``},
	} {
		t.Run("a message that is "+tc.name+" after its time limit", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				k := keys(t, key(1))
				o := newOutbox(sealedWith(t, k, message("m1", hiddenWords)))
				d, _ := dispatcher(t, o, mail.MailerFunc(func(context.Context, mail.Message) error {
					time.Sleep(30*time.Second + 5*time.Second + time.Millisecond)
					return tc.given
				}), mail.DispatcherOptions{Keys: k, Logger: slog.New(slog.NewTextHandler(&b, nil))})
				rep, err := d.Flush(t.Context())
				time.Sleep(time.Second) // until the Mailer has come back
				synctest.Wait()
				require.NoError(t, err)
				require.Equal(t, mail.Report{Retried: 1}, rep)
				require.Regexp(t, `^time=\S+ level=WARN msg=mail id=m1 .* outcome=retried error=.*\n`+tc.want+`$`, b.String())
				require.NotRegexp(t, hidden, b.String())
			})
		})
	}
}

// The clock of a dispatcher is the host's; a pause within one flush is never waited for.
func TestDispatcher_patience(t *testing.T) {
	t.Parallel()
	for name, jitter := range map[string]float64{"with the shortest pauses": 0, "with the longest": 1, "with jitter out of its range": 7} {
		t.Run(name+" a message is tried for an hour at least, and for four at most", func(t *testing.T) {
			t.Parallel()
			o, r, c := newOutbox(message("m1")), &mailtest.Recorder{}, clock.NewMock()
			c.Set(start)
			r.FailWith(failing(errors.New("greylisted")))
			d, err := mail.NewDispatcher(o, r, &mail.DispatcherOptions{Clock: c, Jitter: func() float64 { return jitter }})
			require.NoError(t, err)
			for range 20 {
				_, err := d.Flush(t.Context())
				require.NoError(t, err)
				c.Set(o.row("m1").m.Due)
			}
			require.Equal(t, mail.Dead, o.row("m1").state)
			require.Len(t, o.row("m1").claimed, 12)
			last := o.row("m1").claimed[11].Sub(start)
			require.Greater(t, last, time.Hour)
			require.Less(t, last, 4*time.Hour)
		})
	}
}
