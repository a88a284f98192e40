package mail_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

// running starts Run, and returns what stops it and tells how long that took. It is stopped as well when an assertion
// fails before: the time of a bubble ends with its test, and Run would never.
func running(t *testing.T, d *mail.Dispatcher) (stop func() time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		done <- d.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return func() time.Duration {
		t.Helper()
		begun := time.Now()
		cancel()
		require.NoError(t, <-done)
		return time.Since(begun)
	}
}

// These run in a bubble, where time is that of the bubble and five seconds take none.
func TestDispatcher_Run_stop(t *testing.T) {
	t.Parallel()

	t.Run("attempts under way go on for the grace, are recorded, and nothing new begins", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox(message("m1"), message("m2"), message("m3"))
			var begun atomic.Int64
			d, _ := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, _ mail.Message) error {
				begun.Add(1)
				select {
				case <-time.After(4 * time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}), mail.DispatcherOptions{})
			stop := running(t, d)
			synctest.Wait()
			time.Sleep(time.Second)
			require.Equal(t, 3*time.Second, stop())
			require.EqualValues(t, 1, begun.Load())
			require.Equal(t, mail.Sent, o.row("m1").state)
			for _, id := range []string{"m2", "m3"} {
				require.Equal(t, mail.Queued, o.row(id).state)
				require.Zero(t, o.row(id).leased, "another process can take it at once")
				require.Zero(t, o.row(id).attempts)
			}
			require.Equal(t, mail.Report{Sent: 1}, d.Totals())
		})
	})

	t.Run("what no worker is free for is not claimed, and has no lease when the context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox(message("m1"), message("m2"))
			d, _ := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, _ mail.Message) error {
				<-ctx.Done()
				return ctx.Err()
			}), mail.DispatcherOptions{Grace: time.Minute, SendTimeout: 20 * time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = d.Run(ctx)
			}()
			defer func() {
				cancel()
				<-ended
			}()
			synctest.Wait()
			require.NotZero(t, o.row("m1").leased, "it is under way")
			require.Zero(t, o.row("m2").leased)
			cancel()
			synctest.Wait()
			require.Zero(t, o.row("m2").leased)
		})
	})

	t.Run("after the grace an attempt sees its context end, and is repeated", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox(message("m1"))
			d, _ := dispatcher(t, o, mail.MailerFunc(func(ctx context.Context, _ mail.Message) error {
				<-ctx.Done()
				return ctx.Err()
			}), mail.DispatcherOptions{Grace: 2 * time.Second})
			stop := running(t, d)
			synctest.Wait()
			require.Equal(t, 2*time.Second, stop())
			require.Equal(t, mail.Report{Retried: 1}, d.Totals())
		})
	})

	t.Run("it returns in time whatever ignores its context: the mailer, the outbox, or both", func(t *testing.T) {
		t.Parallel()
		for _, hangs := range []struct {
			mailer     bool
			outbox     string
			want       time.Duration
			unrecorded int
		}{
			{mailer: true, want: 10 * time.Second},
			{mailer: true, outbox: "settle", want: 15 * time.Second, unrecorded: 1},
			{outbox: "claim", want: 5 * time.Second},
		} {
			synctest.Test(t, func(t *testing.T) {
				free := make(chan struct{})
				defer close(free) // whoever hangs comes back at last, and is in nobody's way
				o := newOutbox(message("m1"), message("m2"), message("m3"), message("m4"), message("m5"), message("m6"))
				o.fault = func(op string) error {
					if op == hangs.outbox {
						<-free
					}
					return nil
				}
				d, _ := dispatcher(t, o, mail.MailerFunc(func(context.Context, mail.Message) error {
					if hangs.mailer {
						<-free
					}
					return nil
				}), mail.DispatcherOptions{})
				stop := running(t, d)
				synctest.Wait()
				require.Equal(t, hangs.want, stop(), "%+v", hangs)
				require.Equal(t, hangs.unrecorded, d.Totals().Unrecorded)
			})
		}
	})

	t.Run("a claim that hangs is given up when a lease has passed, and tried again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var claims atomic.Int64
			o, r := newOutbox(message("m1")), &mailtest.Recorder{}
			hung := make(chan struct{})
			defer close(hung)
			o.fault = func(op string) error {
				if op == "claim" && claims.Add(1) == 1 {
					<-hung
					return errors.New("connection lost")
				}
				return nil
			}
			d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
			stop := running(t, d)
			time.Sleep(2*time.Minute + 10*time.Second)
			require.Len(t, r.Messages(), 1)
			stop()
		})
	})
}

// A message that takes its time holds up no other as long as a worker is free: what is promised meanwhile is claimed and
// sent.
func TestDispatcher_Run_slowMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, r := newOutbox(message("slow", notice)), &mailtest.Recorder{}
		r.FailWith(func(m mail.Message) error {
			if m.ID == "slow" {
				time.Sleep(25 * time.Second)
			}
			return nil
		})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{Workers: 2})
		stop := running(t, d)
		synctest.Wait()
		o.put(message("link"))
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"link"}, ids(r.Messages()))
		time.Sleep(30 * time.Second)
		require.Equal(t, []string{"link", "slow"}, ids(r.Messages()))
		stop()
	})
}

// Awaited mail goes before all notices that are not under way.
func TestDispatcher_Run_awaitedFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, r := newOutbox(), &mailtest.Recorder{}
		for _, id := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
			o.put(message(id, notice, dueAt(start.Add(-time.Hour))))
		}
		o.put(message("a1"), message("a2"))
		var once sync.Once
		r.FailWith(func(m mail.Message) error {
			time.Sleep(time.Second)
			if m.ID == "n1" {
				once.Do(func() { o.put(message("a3")) })
			}
			return nil
		})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		stop := running(t, d)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"a1", "a2", "n1", "a3", "n2", "n3", "n4", "n5", "n6"}, ids(r.Messages()))
		stop()
	})
}

// Totals are what a page of metrics shows: they grow while Run works.
func TestDispatcher_Totals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, r := newOutbox(message("m1"), message("m2"), message("m3", notAfter(start))), &mailtest.Recorder{}
		r.FailWith(func(m mail.Message) error {
			if m.ID == "m2" {
				return mail.Permanent(errors.New("no"))
			}
			return nil
		})
		d, _ := dispatcher(t, o, r, mail.DispatcherOptions{})
		require.Zero(t, d.Totals())
		stop := running(t, d)
		synctest.Wait()
		require.Equal(t, mail.Report{Sent: 1, Dead: 1, Expired: 1}, d.Totals())
		o.put(message("m4"))
		time.Sleep(2 * time.Second)
		require.Equal(t, mail.Report{Sent: 2, Dead: 1, Expired: 1}, d.Totals())
		stop()
	})
}
