package mail_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC)

func message(id string, change ...func(*mail.Message)) mail.Message {
	m := mail.Message{
		ID: id, Channel: mail.Email, Kind: "k", Account: "a1", To: "ada@willow.example", Subject: "A subject", Text: "Some text\n",
		Reason: mail.ReasonFor("test", id), Due: start, CreatedAt: start,
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

func dueAt(at time.Time) func(*mail.Message)       { return func(m *mail.Message) { m.Due = at } }
func notAfter(at time.Time) func(*mail.Message)    { return func(m *mail.Message) { m.NotAfter = at } }
func notice(m *mail.Message)                       { m.Priority = mail.Notice }
func byText(m *mail.Message)                       { m.Channel, m.To = mail.SMS, "+4917612345678" }
func failing(err error) func(m mail.Message) error { return func(mail.Message) error { return err } }

// dispatcher has a clock that stands at start, one worker, and no jitter, unless opts say otherwise.
func dispatcher(t *testing.T, o mail.Outbox, m mail.Mailer, opts mail.DispatcherOptions) (*mail.Dispatcher, *clock.Mock) {
	t.Helper()
	c := clock.NewMock()
	c.Set(start)
	opts.Clock = c
	opts.Jitter = func() float64 { return 0 }
	if opts.Workers == 0 {
		opts.Workers = 1
	}
	d, err := mail.NewDispatcher(o, m, &opts)
	require.NoError(t, err)
	return d, c
}

func ids(ms []mail.Message) []string {
	var out []string
	for _, m := range ms {
		out = append(out, m.ID)
	}
	return out
}

func TestNewDispatcher(t *testing.T) {
	t.Parallel()
	t.Run("no options are the defaults", func(t *testing.T) {
		t.Parallel()
		o := newOutbox()
		d, err := mail.NewDispatcher(o, &mailtest.Recorder{}, nil)
		require.NoError(t, err)
		_, err = d.Flush(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, o.claims[0].Lease, 2*time.Minute)
		require.LessOrEqual(t, o.claims[0].Lease, 3*time.Minute)
		require.Equal(t, 1, o.claims[0].Limit)
		require.WithinDuration(t, time.Now(), o.claims[0].At, time.Minute)
		require.Equal(t, time.UTC, o.claims[0].At.Location())
		require.Zero(t, o.claims[0].At.Nanosecond()%1000, "stores get microseconds")
	})
	for name, given := range map[string]mail.DispatcherOptions{
		"Lease":            {Lease: -1},
		"SendTimeout":      {SendTimeout: 2 * time.Minute},
		"Workers":          {Workers: -1},
		"Poll":             {Poll: -1},
		"Grace":            {Grace: -1},
		"Channel":          {Channel: "pigeon"},
		"Backoff.First":    {Backoff: mail.Backoff{First: -1}},
		"Backoff.Max":      {Backoff: mail.Backoff{Max: -1}},
		"Backoff.Attempts": {Backoff: mail.Backoff{Attempts: -1}},
	} {
		t.Run("a bad "+name+" is refused by its name", func(t *testing.T) {
			t.Parallel()
			_, err := mail.NewDispatcher(newOutbox(), &mailtest.Recorder{}, &given)
			require.ErrorContains(t, err, name)
		})
	}
	t.Run("a missing outbox and a missing mailer are refused", func(t *testing.T) {
		t.Parallel()
		_, err := mail.NewDispatcher(nil, &mailtest.Recorder{}, nil)
		require.ErrorContains(t, err, "Outbox")
		_, err = mail.NewDispatcher(newOutbox(), nil, nil)
		require.ErrorContains(t, err, "Mailer")
	})
}

func TestDispatcher_Flush(t *testing.T) {
	t.Parallel()

	t.Run("what is due is sent once and erased, what is not yet due waits", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m1"), message("m2", dueAt(start.Add(time.Minute)))), &mailtest.Recorder{}
		d, c := dispatcher(t, o, r, mail.DispatcherOptions{})
		for range 2 {
			_, err := d.Flush(t.Context())
			require.NoError(t, err)
		}
		require.Len(t, r.Messages(), 1)
		got := r.Messages()[0]
		require.Contains(t, got.HTML, "<p style=\"margin:0 0 20px;\">Some text</p>")
		got.HTML = ""
		require.Equal(t, message("m1"), got)
		require.Equal(t, mail.Sent, o.row("m1").state)
		require.Empty(t, o.row("m1").m.Text)
		c.Add(time.Minute)
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Sent: 1}, rep)
		require.Equal(t, []string{"m1", "m2"}, ids(r.Messages()))
	})

	t.Run("awaited mail that arrives meanwhile goes before the notices that remain", func(t *testing.T) {
		t.Parallel()
		o := newOutbox(message("n1", notice), message("n2", notice), message("n3", notice))
		r := &mailtest.Recorder{}
		r.FailWith(func(m mail.Message) error {
			if m.ID == "n1" {
				o.put(message("link"))
			}
			return nil
		})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		_, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"n1", "link", "n2", "n3"}, ids(r.Messages()))
	})

	t.Run("no message is tried twice in one flush, however long it takes", func(t *testing.T) {
		t.Parallel()
		var tries atomic.Int64
		o := newOutbox(message("m1"), message("m2"), message("m3"))
		var c *clock.Mock
		d, c := dispatcher(t, o, mail.MailerFunc(func(context.Context, mail.Message) error {
			tries.Add(1)
			c.Add(4 * time.Second) // the first pause is 5 seconds
			return io.EOF
		}), mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Retried: 3, More: true}, rep)
		require.EqualValues(t, 3, tries.Load())
	})

	t.Run("as many messages as there are Workers are under way, and no more", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox()
			for _, id := range "abcdefghijkl" {
				o.put(message(string(id)))
			}
			var mu sync.Mutex
			var now, most, sum int
			d, _ := dispatcher(t, o, mail.MailerFunc(func(context.Context, mail.Message) error {
				mu.Lock()
				now, sum = now+1, sum+1
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				now--
				return nil
			}), mail.DispatcherOptions{Workers: 3})
			_, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, 3, most)
			require.Equal(t, 12, sum)
		})
	})

	t.Run("many dispatchers on one outbox send each message once", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(), &mailtest.Recorder{}
		for a := range 200 {
			o.put(message(string(rune('A'+a/26)) + string(rune('a'+a%26))))
		}
		var wg sync.WaitGroup
		for range 3 {
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Workers: 4})
			wg.Go(func() { _, _ = d.Flush(t.Context()) })
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, id := range ids(r.Messages()) {
			require.False(t, seen[id], "%s came twice", id)
			seen[id] = true
		}
		require.Len(t, seen, 200)
	})
}

func TestDispatcher_Flush_failures(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")

	for _, tc := range []struct {
		name    string
		given   mail.Message
		attempt int
		when    error
		want    mail.Report
		state   mail.State
		next    time.Duration
		err     string
	}{
		{"a passing error is tried again after a pause", message("m"), 1, boom, mail.Report{Retried: 1}, mail.Queued, 5 * time.Second, "boom"},
		{"the pause grows", message("m"), 3, boom, mail.Report{Retried: 1}, mail.Queued, 20 * time.Second, "boom"},
		{"the last attempt is the end", message("m"), 12, boom, mail.Report{Dead: 1}, mail.Dead, 0, "gave up after attempt 12: boom"},
		{"a permanent error is the end at once", message("m"), 1, mail.Permanent(boom), mail.Report{Dead: 1}, mail.Dead, 0, "boom"},
		{"a permanent error wins over a pause", message("m"), 1, mail.RetryAfter(mail.Permanent(boom), time.Hour), mail.Report{Dead: 1}, mail.Dead, 0, "boom"},
		{"a server's longer pause is kept", message("m"), 1, mail.RetryAfter(boom, time.Hour), mail.Report{Retried: 1}, mail.Queued, time.Hour, "boom"},
		{"a server's shorter pause does not hurry", message("m"), 1, mail.RetryAfter(boom, 0), mail.Report{Retried: 1}, mail.Queued, 5 * time.Second, "boom"},
		{"a server's endless pause is a day", message("m"), 1, mail.RetryAfter(boom, 1<<62), mail.Report{Retried: 1}, mail.Queued, 24 * time.Hour, "boom"},
		{"with no time left for another attempt it is the end", message("m", notAfter(start.Add(5*time.Second))), 1, boom, mail.Report{Dead: 1}, mail.Dead, 0, "no time left for another attempt: boom"},
		{"with just enough time it is tried again", message("m", notAfter(start.Add(5*time.Second+1))), 1, boom, mail.Report{Retried: 1}, mail.Queued, 5 * time.Second, "boom"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, r := newOutbox(tc.given), &mailtest.Recorder{}
			o.rows["m"].attempts = tc.attempt - 1
			r.FailWith(failing(tc.when))
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
			rep, err := d.Flush(t.Context())
			require.NoError(t, err, "a mailer's error is no error of Flush")
			require.Equal(t, tc.want, rep)
			require.Equal(t, tc.state, o.row("m").state)
			require.Equal(t, tc.err, o.row("m").err)
			require.NotEmpty(t, o.row("m").m.Text, "it can be sent later")
			if tc.state == mail.Queued {
				require.Equal(t, start.Add(tc.next), o.row("m").m.Due)
			}
		})
	}

	t.Run("a message past its limit is dead without being sent", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m", notAfter(start))), &mailtest.Recorder{}
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Expired: 1}, rep)
		require.Empty(t, r.Messages())
		require.Equal(t, mail.Dead, o.row("m").state)
		require.Equal(t, "not sent before its time limit", o.row("m").err)
		require.Empty(t, o.row("m").m.Text)
	})

	t.Run("a message cancelled while it is under way stays cancelled", func(t *testing.T) {
		t.Parallel()
		o, r := newOutbox(message("m"), message("m2")), &mailtest.Recorder{}
		r.FailWith(func(mail.Message) error { o.cancel(mail.ReasonFor("test", "m")); return boom })
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		rep, err := d.Flush(t.Context())
		require.NoError(t, err)
		require.Equal(t, mail.Report{Fenced: 1, Retried: 1}, rep)
		require.Equal(t, mail.Cancelled, o.row("m").state)
	})

	for name, bad := range map[string]func(){
		"a mailer that panics costs one attempt":             func() { panic("oh\nno") },
		"a mailer that ends its goroutine costs one attempt": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, r := newOutbox(message("m1"), message("m2")), &mailtest.Recorder{}
			r.FailWith(func(m mail.Message) error {
				if m.ID == "m1" {
					bad()
				}
				return nil
			})
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
			rep, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, mail.Report{Sent: 1, Retried: 1}, rep)
			require.Contains(t, []string{"mailer panicked: oh no", "the mailer ended its goroutine"}, o.row("m1").err)
		})
	}

	t.Run("a mailer that hangs on one message does not keep the others", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			hang := make(chan struct{})
			defer close(hang)
			o, r := newOutbox(message("m1"), message("m2"), message("m3")), &mailtest.Recorder{}
			r.FailWith(func(m mail.Message) error {
				if m.ID == "m1" {
					<-hang
				}
				return nil
			})
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
			rep, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, mail.Report{Sent: 2, Retried: 1}, rep)
			require.Contains(t, o.row("m1").err, "did not come back")
		})
	})

	t.Run("each attempt has its own time limit", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox(message("m1"))
			d, _ := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, _ mail.Message) error {
				<-ctx.Done()
				return ctx.Err()
			}), mail.DispatcherOptions{})
			begun := time.Now()
			rep, err := d.Flush(t.Context())
			require.NoError(t, err)
			require.Equal(t, 30*time.Second, time.Since(begun))
			require.Equal(t, mail.Report{Retried: 1}, rep)
			require.Equal(t, context.DeadlineExceeded.Error(), o.row("m1").err)
		})
	})

	t.Run("when nothing ever comes back no more is begun", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			hang := make(chan struct{})
			defer close(hang)
			o := newOutbox()
			for _, id := range []string{"1", "2", "3", "4", "5", "6"} {
				o.put(message(id))
			}
			var begun atomic.Int64
			d, _ := dispatcher(t, o, mail.MailerFunc(func(context.Context, mail.Message) error {
				begun.Add(1)
				<-hang
				return nil
			}), mail.DispatcherOptions{})
			rep, err := d.Flush(t.Context())
			require.ErrorContains(t, err, "ignores its context")
			require.Equal(t, mail.Report{Retried: 4}, rep)
			require.EqualValues(t, 4, begun.Load())
		})
	})
}
