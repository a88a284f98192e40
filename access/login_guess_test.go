package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// tally verifies hashes of its own form, which hold the password, and counts
// how often it is asked.
type tally struct{ compared atomic.Int64 }

func (v *tally) Handles(stored string) bool { return strings.HasPrefix(stored, "tally:") }

func (v *tally) Verify(stored, given string) (bool, error) {
	v.compared.Add(1)
	return stored == "tally:"+given, nil
}

// counting gives nora a password whose every comparison is counted.
func counting(e *entrance) *tally {
	e.Helper()
	e.signUp("nora")
	e.imported("nora", "tally:"+words)
	v := &tally{}
	e.logins = e.restart(&access.LoginOptions{
		Hasher:    hasher(&password.Options{Memory: 8, Time: 1, Queue: 1000, Verifiers: []password.Verifier{v}}),
		Passwords: rules(),
	})
	return v
}

// guess tries a wrong password of nora's and returns how long she has to wait:
// 0 if it was compared.
func (e *entrance) guess(from string) time.Duration {
	e.Helper()
	return e.attempt(others, from)
}

func (e *entrance) attempt(given, from string) time.Duration {
	e.Helper()
	_, _, err := e.logins.LogIn(e.Context(), access.LogIn{Email: "nora@example.com", Password: given}, access.Device{Source: from})
	var limited *limit.LimitedError
	if errors.As(err, &limited) {
		return limited.RetryAfter
	}
	if given == words {
		require.NoError(e, err)
	} else {
		require.ErrorIs(e, err, access.ErrCredentials)
	}
	return 0
}

// Of fifty guesses at once no more than five are compared, whatever network
// they come from and through however many services, and all others are told to
// wait (A31).
func TestGuesses_fiftyAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		hook func() hook
	}{
		{"by chance", func() hook { return nil }},
		{"all having read before the first is counted", func() hook { return gate(50) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			v := counting(e)
			second := e.restart(&access.LoginOptions{
				Hasher:    hasher(&password.Options{Memory: 8, Time: 1, Queue: 1000, Verifiers: []password.Verifier{v}}),
				Passwords: rules(),
			})
			e.st.on(tt.hook())
			var do []func() error
			for i := range 50 {
				logins := []*access.Logins{e.logins, second}[i%2]
				do = append(do, func() error {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					in := access.LogIn{Email: "nora@example.com", Password: fmt.Sprint("guess number ", i)}
					_, _, err := logins.LogIn(ctx, in, access.Device{Source: fmt.Sprintf("192.0.2.%d", i)})
					return err
				})
			}
			errs := together(do...)
			e.st.on(nil)
			require.EqualValues(t, 5, v.compared.Load())
			require.Equal(t, 5, e.entering("nora@example.com", "").Guesses.Count)
			refused := 0
			for _, err := range errs {
				if errors.Is(err, limit.ErrLimited) {
					refused++
					continue
				}
				require.ErrorIs(t, err, access.ErrCredentials)
			}
			require.Equal(t, 45, refused)
			require.Equal(t, 5, e.count(access.EventLoginFailed))
		})
	}
}

// The first five tries are free; then the wait is a second, doubled each time,
// up to 15 minutes; after 100 it is a day. Whoever has to wait is told how long,
// is not compared with anything, and makes the wait no longer (A31).
func TestGuesses_schedule(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	v := counting(e)
	want := make([]time.Duration, 101)
	for n := 5; n < 100; n++ {
		want[n] = min(time.Second<<min(n-5, 20), 15*time.Minute)
	}
	want[100] = day
	var waited time.Duration
	for n, pause := range want {
		require.EqualValues(t, n, v.compared.Load())
		if pause > 0 {
			was := e.entering("nora@example.com", "192.0.2.1")
			require.Equal(t, pause, e.guess("192.0.2.1"), "after %d tries", n)
			require.Equal(t, pause, e.attempt(words, "192.0.2.2"), "the right one waits as well")
			require.Equal(t, was, e.entering("nora@example.com", "192.0.2.1"), "waiting changes nothing")
			e.clock.Add(pause - time.Microsecond)
			require.Equal(t, time.Microsecond, e.guess("192.0.2.1"))
			e.clock.Add(time.Microsecond)
		}
		waited += pause
		require.Zero(t, e.guess("192.0.2.1"), "after %d tries and the wait", n)
	}
	require.Greater(t, waited, 20*time.Hour, "a hundred guesses take the better part of a day, and one more a day of its own")
	require.EqualValues(t, 101, v.compared.Load())
	require.Equal(t, day, e.guess("192.0.2.1"), "still, and for each further one")
}

// Nobody is locked out for good: time, a reset by mail, an operator, and of
// course the right password end it (A31).
func TestGuesses_end(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(e *entrance)
		used string // the password afterwards
		free int    // tries without a wait afterwards
	}{
		{"a day later one try is free, and the right one ends it", func(e *entrance) {
			e.clock.Add(day)
			require.Zero(e, e.attempt(words, ""))
		}, words, 5},
		{"30 days without a try", func(e *entrance) { e.clock.Add(30 * day) }, words, 5},
		{"30 days but a moment", func(e *entrance) { e.clock.Add(30*day - time.Microsecond) }, words, 1},
		{"a reset", func(e *entrance) { require.NoError(e, e.reset(e.resetLink("nora"), strange)) }, strange, 5},
		{"an operator", func(e *entrance) { require.NoError(e, e.logins.Lift(e.Context(), operator, "NORA@example.com")) }, words, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			counting(e)
			e.blocked("nora@example.com", 100)
			require.Equal(t, day, e.guess(""))
			tt.end(e)
			for i := range tt.free {
				require.Zero(t, e.guess(""), "try %d", i+1)
			}
			require.NotZero(t, e.guess(""))
			e.clock.Add(day)
			require.True(t, e.knows("nora@example.com", tt.used))
		})
	}

	t.Run("only an operator lifts a wait, for whatever address, and it is on record", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		counting(e)
		for _, email := range []string{"nora@example.com", "nobody@example.com"} {
			e.blocked(email, 100)
			require.NoError(t, e.logins.Lift(t.Context(), operator, email))
			require.Zero(t, e.entering(email, "").Guesses.Count)
		}
		require.Equal(t, 2, e.count(access.EventLoginLifted))
		require.NoError(t, e.logins.Lift(t.Context(), operator, "nora@example.com"), "once more changes nothing")
		require.Equal(t, 2, e.count(access.EventLoginLifted))
		e.blocked("nora@example.com", 100)
		for _, actor := range []accounts.Actor{{}, job, e.as("ann", "north")} {
			require.Error(t, e.logins.Lift(t.Context(), actor, "nora@example.com"))
		}
		require.ErrorIs(t, e.logins.Lift(t.Context(), operator, "nora"), accounts.ErrInvalid)
		require.Equal(t, 100, e.entering("nora@example.com", "").Guesses.Count)
	})
}

// blocked writes down that an address was tried n times until now.
func (e *entrance) blocked(email string, n int) {
	e.Helper()
	g := e.entering(email, "").Guesses
	g.Count, g.LastAt = n, e.env.Now()
	e.put(access.Change{Guesses: []access.Guesses{g}})
}

// Whatever others do neither helps whoever guesses nor hurts whom they guess at
// (A31).
func TestGuesses_others(t *testing.T) {
	t.Parallel()

	t.Run("another user's right password, or another network, wins no further try", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		v := counting(e)
		e.signUp("otto")
		for i := range 200 {
			e.guess(fmt.Sprintf("2001:db8:%x::1", i))
			if i%10 == 0 {
				require.True(t, e.knows("otto@example.com", words))
			}
		}
		require.EqualValues(t, 5, v.compared.Load())
	})

	t.Run("whoever is guessed at holds up nobody else, and keeps the sessions they have", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		counting(e)
		e.signUp("otto")
		secret := e.in("nora", words)
		e.blocked("nora@example.com", 100)
		require.NotZero(t, e.guess("192.0.2.1"))
		require.True(t, e.knows("otto@example.com", words))
		require.NoError(t, e.try(secret, ""))
	})

	t.Run("a network that used up its tries holds up no other, and no address", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t, func(o *accounts.EnvOptions) { o.Limits.TriesPerSource = 3 })
		counting(e)
		for i := range 3 {
			_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: fmt.Sprintf("x%d@example.com", i), Password: words}, access.Device{Source: "192.0.2.1"})
			require.ErrorIs(t, err, access.ErrCredentials)
		}
		require.Equal(t, e.env.Now().Truncate(day).Add(day).Sub(e.env.Now()), e.attempt(words, "192.0.2.1"), "until midnight UTC")
		require.Zero(t, e.entering("nora@example.com", "").Guesses.Count, "what is refused is not counted")
		require.Zero(t, e.attempt(words, "192.0.2.2"))
		require.Zero(t, e.attempt(words, ""))
		e.clock.Set(e.env.Now().Truncate(day).Add(day))
		require.Zero(t, e.attempt(words, "192.0.2.1"))
	})
}

// Tries to log in, to sign up, to reset and to check count together for one
// network, in whatever way its address is written: a version 6 network is 64
// bits, and a port or a zone makes no other (A31, A83).
func TestGuesses_networks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		same  []string
		other string
	}{
		{"version 4", []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:4711", "[::ffff:192.0.2.1]:80", " 192.0.2.1\r\n"}, "192.0.2.2"},
		{"version 6", []string{"2001:db8::1", "2001:db8:0:0:ffff::2", "[2001:db8::3]:443", "2001:DB8::4%eth0", "2001:0db8::5"}, "2001:db8:0:1::1"},
		{"a host's own name for it", []string{"unix", "unix", "unix", "unix", "unix\x00"}, "pipe"},
		{"one too long", []string{strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 1<<16), strings.Repeat("a", 99), strings.Repeat("a", 70)}, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t, func(o *accounts.EnvOptions) { o.Limits.TriesPerSource = 5 })
			_, actor := e.newcomer("nora")
			calls := func(from access.Device) []func() error {
				return []func() error{
					func() error {
						_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "otto@example.com", Password: words}, from)
						return err
					},
					func() error {
						_, err := e.logins.Verify(t.Context(), access.LogIn{Email: "otto@example.com", Password: words}, from)
						return err
					},
					func() error { return e.logins.AskReset(t.Context(), "pia@example.com", from) },
					func() error {
						_, err := e.logins.SignUp(t.Context(), access.SignUp{Email: "quin@example.com", Password: words}, from)
						return err
					},
					func() error {
						_, err := e.logins.ChangePassword(t.Context(), actor, others, strange, from)
						return err
					},
				}
			}
			for i, from := range tt.same {
				require.NotErrorIs(t, calls(access.Device{Source: from})[i](), limit.ErrLimited, from)
			}
			for _, from := range tt.same {
				for i, call := range calls(access.Device{Source: from}) {
					require.ErrorIs(t, call(), limit.ErrLimited, "%s, call %d", from, i)
				}
			}
			for i, call := range calls(access.Device{Source: tt.other}) {
				require.NotErrorIs(t, call(), limit.ErrLimited, "call %d", i)
			}
		})
	}
}

// A burst from one network is refused before anything is read, for that network
// alone.
func TestGuesses_burst(t *testing.T) {
	t.Parallel()
	burst := burstOf{"login/192.0.2.1"}
	e := newEntrance(t, func(o *accounts.EnvOptions) { o.Burst = burst })
	e.signUp("nora")
	calls := e.calls(func() {
		from := access.Device{Source: "192.0.2.1:99"}
		_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, from)
		require.ErrorIs(t, err, limit.ErrLimited)
		_, err = e.logins.SignUp(t.Context(), access.SignUp{Email: "otto@example.com", Password: words}, from)
		require.ErrorIs(t, err, limit.ErrLimited)
		require.ErrorIs(t, e.logins.AskReset(t.Context(), "nora@example.com", from), limit.ErrLimited)
	})
	require.Empty(t, calls)
	_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{Source: "192.0.2.2"})
	require.NoError(t, err)
}

// burstOf refuses the keys in it.
type burstOf []string

func (b burstOf) Allow(key string) error {
	if slices.Contains(b, key) {
		return &limit.LimitedError{RetryAfter: time.Second}
	}
	return nil
}

// The count is in the store: another service, another process and a start anew
// know it (A31).
func TestGuesses_surviveARestart(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	v := counting(e)
	for range 5 {
		require.Zero(t, e.guess(""))
		env := must(accounts.NewEnv(&accounts.EnvOptions{Clock: e.clock}))(t)
		e.logins = must(access.NewLogins(e.mem, env, &access.LoginOptions{
			Hasher: hasher(&password.Options{Memory: 8, Time: 1, Verifiers: []password.Verifier{v}}), Passwords: rules(),
		}))(t)
	}
	require.Equal(t, time.Second, e.guess(""))
	require.EqualValues(t, 5, v.compared.Load())
}

// Every call that compares a password counts at the same place: checking one,
// and changing it (A31).
func TestGuesses_everyCallCounts(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	v := counting(e)
	actor := e.self(e.in("nora", words))
	e.imported("nora", "tally:"+words) // the login replaced it
	v.compared.Store(0)
	var err error
	for i := range 30 {
		if i%2 == 0 {
			_, err = e.logins.ChangePassword(t.Context(), actor, others, strange, access.Device{})
		} else {
			_, err = e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: others}, access.Device{})
		}
	}
	require.ErrorIs(t, err, limit.ErrLimited)
	require.EqualValues(t, 5, v.compared.Load())
	_, err = e.logins.ChangePassword(t.Context(), actor, words, "short", access.Device{})
	require.ErrorIs(t, err, accounts.ErrInvalid, "a new password that is no good uses up no try")
	e.clock.Add(time.Second)
	must(e.logins.ChangePassword(t.Context(), actor, words, strange, access.Device{}))(t)
	require.Zero(t, e.entering("nora@example.com", "").Guesses.Count)
}

// A clock that goes wrong neither frees whoever guesses nor locks anybody out
// for longer than it was wrong, and never for more than a block and a day
// (A31, A102).
func TestGuesses_clocks(t *testing.T) {
	t.Parallel()
	const year = 365 * day
	for _, tt := range []struct {
		name  string
		count int
		moved time.Duration
		want  time.Duration
	}{
		{"back by a second after the sixth try", 6, -time.Second, 3 * time.Second},
		{"back by an hour after the sixth try", 6, -time.Hour, time.Hour + 2*time.Second},
		{"back by an hour within the free tries", 4, -time.Hour, 0},
		{"back by an hour when blocked", 100, -time.Hour, 25 * time.Hour},
		{"back by a day when blocked", 100, -day, 48 * time.Hour},
		{"back by more than any wait is long", 100, -year, 0},
		{"on by a day less a moment when blocked", 100, day - time.Microsecond, time.Microsecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			v := counting(e)
			e.blocked("nora@example.com", tt.count)
			e.clock.Set(e.env.Now().Add(tt.moved))
			require.Equal(t, tt.want, e.guess(""))
			if tt.want > 0 {
				require.Zero(t, v.compared.Load())
				return
			}
			require.Equal(t, tt.count+1, e.entering("nora@example.com", "").Guesses.Count, "the count is kept")
			require.EqualValues(t, 1, v.compared.Load())
			if tt.count >= 6 {
				require.NotZero(t, e.guess(""), "one try, and not one each time")
			}
		})
	}
}

// A busy hasher is an error and no decision: no session, no answer about the
// password, and the try stays counted (A30).
func TestGuesses_busy(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	e.signUp("nora")
	actor := e.self(e.in("nora", words))
	e.imported("nora", "stuck:")
	v := &stuck{inside: make(chan struct{}, 2), open: make(chan struct{})}
	e.logins = e.restart(&access.LoginOptions{
		Hasher: hasher(&password.Options{Memory: 8, Time: 1, Parallel: 1, Queue: 1, Verifiers: []password.Verifier{v}}), Passwords: rules(),
	})
	done := make(chan error, 1)
	go func() {
		_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
		done <- err
	}()
	<-v.inside
	ctx, leave := context.WithCancel(t.Context())
	waits := make(chan error, 2)
	for range 2 {
		go func() {
			_, _, err := e.logins.LogIn(ctx, access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
			waits <- err
		}()
	}
	require.ErrorIs(t, <-waits, password.ErrBusy, "the other one waits")
	failed := e.count(access.EventLoginFailed)
	secret, s, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
	require.ErrorIs(t, err, password.ErrBusy)
	require.NotErrorIs(t, err, access.ErrCredentials)
	require.True(t, secret.IsZero())
	require.Zero(t, s)
	_, err = e.logins.ChangePassword(t.Context(), actor, words, others, access.Device{})
	require.ErrorIs(t, err, password.ErrBusy)
	_, err = e.logins.SignUp(t.Context(), access.SignUp{Email: "pia@example.com", Password: others}, access.Device{})
	require.ErrorIs(t, err, password.ErrBusy)
	require.Equal(t, failed, e.count(access.EventLoginFailed))
	require.Equal(t, 5, e.entering("nora@example.com", "").Guesses.Count)
	leave()
	require.ErrorIs(t, <-waits, context.Canceled)
	close(v.open)
	require.NoError(t, <-done)
}

// stuck holds up every comparison until it is opened.
type stuck struct{ inside, open chan struct{} }

func (v *stuck) Handles(stored string) bool { return stored == "stuck:" }

func (v *stuck) Verify(string, string) (bool, error) {
	v.inside <- struct{}{}
	<-v.open
	return true, nil
}
