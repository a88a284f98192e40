package access_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

var closing = access.Ask{Action: accounts.EventAccountClosed, Account: "willow"}

// careful is a world in which cleo, who owns willow, has confirmation on.
func careful(t tester, set ...func(*accounts.EnvOptions)) (*codes, accounts.Actor) {
	t.Helper()
	c := newCodes(t, set...)
	c.confirmed("cleo")
	return c, c.as("cleo", "willow")
}

// A code can be answered for 10 minutes, and what it opens can be done in that
// time: at exactly 10 minutes neither (B3, A02).
func TestConfirmations_tenMinutes(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Minute
	for _, tt := range []struct {
		name           string
		answered, used time.Duration // after it was sent
		answer, use    bool          // it is good
	}{
		{"at once", 0, 0, true, true},
		{"answered at the last moment", life - time.Microsecond, life - time.Microsecond, true, true},
		{"answered too late", life, life, false, false},
		{"used at the last moment", time.Minute, life - time.Microsecond, true, true},
		{"used too late", time.Minute, life, true, false},
		{"used much too late", 0, 23 * time.Hour, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCodes(t)
			c.confirmed("cleo")
			cleo := c.own("cleo", "willow")
			page, digits := c.ask(cleo, closing)
			c.clock.Set(start().Add(tt.answered))
			err := c.conf.Answer(t.Context(), cleo, closing, page, digits)
			if !tt.answer {
				require.Equal(t, accounts.ErrNotFound, err)
			} else {
				require.NoError(t, err)
			}
			c.clock.Set(start().Add(tt.used))
			if err = c.svc.CloseAccount(t.Context(), cleo, "willow"); tt.use {
				require.NoError(t, err)
			} else {
				c.wants(err, accounts.EventAccountClosed, "willow")
			}
		})
	}
}

// Five answers are judged, the right one included: a fifth that is right passes,
// a sixth is not looked at, and a new code begins anew (B3, A31).
func TestConfirmations_fiveTries(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	answer := func(page, digits string) error { return c.conf.Answer(t.Context(), cleo, closing, page, digits) }
	page, digits := c.ask(cleo, closing)
	for i := 1; i < 5; i++ {
		err := answer(page, miss(digits, i))
		c.wrong(err, 5-i)
		require.ErrorContains(t, err, "try again")
	}
	require.NoError(t, answer(page, digits))

	page, digits = c.ask(cleo, closing)
	for i := 1; i <= 5; i++ {
		c.wrong(answer(page, miss(digits, i)), 5-i)
	}
	require.ErrorContains(t, &access.WrongCodeError{}, "ask for a new one")
	for range 3 {
		require.Equal(t, accounts.ErrNotFound, answer(page, digits), "the right code comes too late")
	}
	require.Equal(t, 5, c.challenge(cleo, closing).Tries)
	require.Equal(t, 9, c.count(access.EventCodeFailed))

	for _, odd := range []string{"", " " + digits, digits + " ", digits[:5], digits + "0", "١٢٣٤٥٦", "+12345", "\x00"} {
		page, digits := c.ask(cleo, closing)
		if odd == digits {
			continue
		}
		c.wrong(answer(page, odd), 4)
	}
}

// However many answers come at once, no more than five are judged (A31).
func TestConfirmations_fiveTriesAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("fifty wrong ones by chance", func(t *testing.T) {
		t.Parallel()
		c, cleo := careful(t)
		page, digits := c.ask(cleo, closing)
		do := make([]func() error, 50)
		for i := range do {
			do[i] = func() error { return c.conf.Answer(t.Context(), cleo, closing, page, miss(digits, i+1)) }
		}
		lefts := map[int]int{}
		for _, err := range together(do...) {
			var wrong *access.WrongCodeError
			if errors.As(err, &wrong) {
				lefts[wrong.Left]++
			} else {
				require.Equal(t, accounts.ErrNotFound, err)
			}
		}
		require.Equal(t, map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 1}, lefts, "each try is told once")
		require.Equal(t, 5, c.challenge(cleo, closing).Tries)
		require.Equal(t, 5, c.count(access.EventCodeFailed))
		require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), cleo, closing, page, digits))
	})
	t.Run("fifty right ones by chance", func(t *testing.T) {
		t.Parallel()
		c, cleo := careful(t)
		page, digits := c.ask(cleo, closing)
		do := make([]func() error, 50)
		for i := range do {
			do[i] = func() error { return c.conf.Answer(t.Context(), cleo, closing, page, digits) }
		}
		right := 0
		for _, err := range together(do...) {
			if err == nil {
				right++
			} else {
				require.Equal(t, accounts.ErrNotFound, err)
			}
		}
		require.Equal(t, 1, right)
		require.Equal(t, 1, c.challenge(cleo, closing).Tries)
	})
	t.Run("all having read before the first writes", func(t *testing.T) {
		t.Parallel()
		c, cleo := careful(t)
		page, digits := c.ask(cleo, closing)
		for i := range 4 {
			c.wrong(c.conf.Answer(t.Context(), cleo, closing, page, miss(digits, i+1)), 4-i)
		}
		c.st.on(gate(3)) // each sees one try left
		errs := together(
			func() error { return c.conf.Answer(t.Context(), cleo, closing, page, miss(digits, 5)) },
			func() error { return c.conf.Answer(t.Context(), cleo, closing, page, miss(digits, 6)) },
			func() error { return c.conf.Answer(t.Context(), cleo, closing, page, digits) },
		)
		c.st.on(nil)
		judged := 0
		for _, err := range errs {
			if !errors.Is(err, accounts.ErrNotFound) {
				judged++
			}
		}
		require.Equal(t, 1, judged, "%v", errs)
		require.Equal(t, 5, c.challenge(cleo, closing).Tries)
	})
}

// A newer code takes the place of the older, whose page is of no use any more,
// and neither is that of another code (A03).
func TestConfirmations_newest(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	answer := func(page, digits string) error { return c.conf.Answer(t.Context(), cleo, closing, page, digits) }
	first, old := c.ask(cleo, closing)
	second, digits := c.ask(cleo, closing)
	other, its := c.ask(cleo, access.Ask{Action: accounts.EventAccountClosed, Account: "rose"})
	c.wrong(answer(first, old), 4)
	c.wrong(answer(first, digits), 3)
	c.wrong(answer(other, its), 2)
	c.wrong(answer(other, digits), 1)
	for _, page := range []string{"", "x", string(token.Challenge), second + "A", " " + second, string(token.Session) + second[len(token.Challenge):]} {
		require.Equal(t, accounts.ErrNotFound, answer(page, digits), "what is no page's secret is no try")
	}
	require.NoError(t, answer(second, digits))

	c.ask(cleo, closing)
	c.wants(c.svc.CloseAccount(t.Context(), cleo, "willow"), accounts.EventAccountClosed, "willow")
	require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), cleo, access.Ask{Action: "never.asked"}, second, digits))
}

// A code is good for the user, the action, the account and the session that it
// was asked with: with any other it can neither be answered, nor tried, nor
// does it open anything (A05, A10, A63).
func TestConfirmations_bound(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	c.confirmed("carl", "rick")
	again, own := c.as("cleo", "willow"), c.own("cleo", "willow")
	page, digits := c.ask(cleo, closing)
	for name, try := range map[string]struct {
		actor accounts.Actor
		given access.Ask
	}{
		"another session":             {again, closing},
		"a session of the host's own": {own, closing},
		"another user":                {c.as("carl", "willow"), closing},
		"another action":              {cleo, access.Ask{Action: accounts.EventOwnershipTransferred, Account: "willow"}},
		"another account":             {cleo, access.Ask{Action: accounts.EventAccountClosed, Account: "rose"}},
		"no account":                  {cleo, access.Ask{Action: accounts.EventAccountClosed}},
	} {
		require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), try.actor, try.given, page, digits), name)
	}
	require.Zero(t, c.challenge(cleo, closing).Tries, "nobody else uses up the tries")
	require.NoError(t, c.conf.Answer(t.Context(), cleo, closing, page, digits))

	for name, act := range map[string]func() error{
		"another session":             func() error { return c.svc.CloseAccount(t.Context(), again, "willow") },
		"a session of the host's own": func() error { return c.svc.CloseAccount(t.Context(), own, "willow") },
		"another action":              func() error { return c.svc.TransferOwnership(t.Context(), cleo, "willow", "carl") },
		"making an owner":             func() error { return c.svc.ChangeRole(t.Context(), cleo, "willow", "carl", roles.Owner) },
		"turning it off":              func() error { return c.conf.TurnOff(t.Context(), cleo, "cleo") },
		"another phone":               func() error { return refuses(c.conf.TurnOn(t.Context(), cleo, otherPhone)) },
		"another account": func() error {
			rick := c.as("rick", "rose")
			return c.svc.CloseAccount(t.Context(), rick, "rose")
		},
	} {
		var code *accounts.CodeError
		require.ErrorAs(t, act(), &code, name)
	}
	require.NoError(t, c.svc.CloseAccount(t.Context(), cleo, "willow"), "the code still opens what it was for")
}

// What ends sessions ends codes, those that wait for an answer and those that
// were passed (A14, A74).
func TestConfirmations_epoch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		given func(c *codes, secret string, nora accounts.Actor)
		same  bool // the session goes on
	}{
		"all sessions end": {given: func(c *codes, _ string, nora accounts.Actor) {
			require.NoError(c, c.sessions.EndAll(c.Context(), nora, "nora"))
		}},
		"the password is changed": {same: true, given: func(c *codes, _ string, nora accounts.Actor) {
			c.pass(nora, access.Ask{Action: access.EventPasswordChanged})
			must(c.logins.ChangePassword(c.Context(), nora, words, others, access.Device{}))(c)
		}},
		"the user is suspended and let in again": {given: func(c *codes, _ string, _ accounts.Actor) {
			require.NoError(c, c.svc.SuspendUser(c.Context(), operator, "nora"))
			require.NoError(c, c.svc.ReactivateUser(c.Context(), operator, "nora"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCodes(t)
			secret, nora := c.newcomer("nora")
			c.confirmed("nora")
			open, off := access.Ask{Action: "an.action"}, access.Ask{Action: access.EventConfirmationOff}
			page, digits := c.ask(nora, open)
			c.pass(nora, off)
			tt.given(c, secret, nora)
			// The same session in the user's new epoch, as after a change of the
			// password by it, or as a session that was made again would be.
			after := accounts.Admitted(accounts.Admission{
				User: "nora", Epoch: c.stored("nora").Epoch, Proof: accounts.AnyLogin(), Session: nora.Session(), AuthAt: c.env.Now(),
			})
			require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), after, open, page, digits))
			c.wants(c.conf.TurnOff(t.Context(), after, "nora"), access.EventConfirmationOff, "")
			require.Equal(t, accounts.ErrStepUp, c.conf.Answer(t.Context(), nora, open, page, digits), "nor with an actor of before")
			require.Equal(t, accounts.ErrStepUp, c.conf.TurnOff(t.Context(), nora, "nora"))
			require.True(t, c.stored("nora").Confirms)
			if tt.same {
				c.pass(after, off)
				require.NoError(t, c.conf.TurnOff(t.Context(), after, "nora"))
			}
		})
	}
}

// Sessions that end while a code is asked for, or answered, end it all the same:
// none is sent, and none is passed (A37, I-09).
func TestConfirmations_epochMeanwhile(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	page, digits := c.ask(cleo, closing)
	end := func() { require.NoError(t, c.sessions.EndAll(t.Context(), operator, "cleo")) }
	c.st.on(before(end))
	require.Equal(t, accounts.ErrStepUp, c.conf.Answer(t.Context(), cleo, closing, page, digits))
	c.st.on(nil)
	require.Zero(t, c.challenge(cleo, closing).Tries)

	cleo = c.as("cleo", "willow")
	c.st.on(before(end))
	require.Equal(t, accounts.ErrStepUp, refuses(c.conf.Ask(t.Context(), cleo, closing)))
	c.st.on(nil)
	require.Equal(t, 1, c.phone.count())
	require.Zero(t, c.challenge(cleo, closing).Version)
}

// A user gets ten codes in a UTC day, whatever they are for and with whichever
// session, those to a new phone and those that did not arrive included
// (A79, A80).
func TestConfirmations_tenADay(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	c.confirmed("carl")
	full := &accounts.QuotaError{Kind: accounts.QuotaCodes, Limit: 10, Used: 10, ResetAt: time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC)}
	c.pass(cleo, access.Ask{Action: access.EventConfirmationOff})
	must(c.conf.TurnOn(t.Context(), cleo, otherPhone))(t)
	must(c.conf.Ask(t.Context(), cleo, closing))(t)
	for _, d := range must(c.mem.ClaimMail(t.Context(), mail.Claim{Channel: mail.SMS, At: c.env.Now(), Lease: time.Minute, Limit: 9}))(t) {
		require.NoError(t, c.mem.SettleMail(t.Context(), mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Dead, At: c.env.Now()}))
	}
	for range 3 {
		c.clock.Add(time.Hour)
		cleo = c.as("cleo", "willow")
		c.ask(cleo, closing)
		c.ask(c.as("cleo", "rose"), access.Ask{Action: "an.action"})
	}
	page, digits := c.ask(cleo, closing)
	require.Equal(t, 10, c.phone.count())
	for range 3 {
		require.Equal(t, full, refuses(c.conf.Ask(t.Context(), cleo, closing)))
	}
	require.Equal(t, full, refuses(c.conf.Ask(t.Context(), c.own("cleo", "willow"), closing)))
	require.Equal(t, 10, c.phone.count())
	require.NoError(t, c.conf.Answer(t.Context(), cleo, closing, page, digits), "one that was sent can be answered")
	c.ask(c.as("carl", "willow"), closing)

	c.clock.Set(time.Date(2026, time.March, 2, 23, 59, 59, 999999000, time.UTC))
	require.Equal(t, full, refuses(c.conf.Ask(t.Context(), c.as("cleo", "willow"), closing)))
	c.clock.Add(time.Microsecond)
	c.ask(c.as("cleo", "willow"), closing)
}

// Many who ask at once get ten codes together (A79).
func TestConfirmations_tenADayAtOnce(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(6) {
		c, cleo := careful(t)
		for range 7 {
			c.ask(cleo, closing)
		}
		c.st.on(h)
		do := make([]func() error, 12)
		actions := []accounts.EventKind{"a", "b", "c", "d", "e", "f"}
		for i := range do {
			do[i] = func() error {
				return refuses(c.conf.Ask(t.Context(), cleo, access.Ask{Action: actions[i%len(actions)]}))
			}
		}
		sent := 0
		for _, err := range together(do...) {
			if err == nil {
				sent++
			} else {
				require.ErrorIs(t, err, accounts.ErrQuota, name)
			}
		}
		c.st.on(nil)
		require.Equal(t, 3, sent, name)
		require.Equal(t, 10, c.phone.count(), name)
	}
}

// Changing the phone wants a code to the old one; the new one is stored when its
// own code is answered (A27).
func TestConfirmations_anotherPhone(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	off := access.Ask{Action: access.EventConfirmationOff}
	on := func() (token.Secret, error) { return c.conf.TurnOn(t.Context(), cleo, otherPhone) }
	for range 2 { // a fresh login is no code
		require.Equal(t, off, c.wants(refuses(on()), access.EventConfirmationOff, ""))
	}
	page, digits := c.ask(cleo, off)
	require.Equal(t, phone, c.phone.look()[0].To)
	require.NoError(t, c.conf.Answer(t.Context(), cleo, off, page, digits))
	secret := must(on())(t)
	require.Equal(t, otherPhone, c.phone.look()[1].To)
	c.wants(refuses(on()), access.EventConfirmationOff, "")
	require.Equal(t, phone, c.stored("cleo").Phone, "until the new one is proven the old one stays")
	require.NoError(t, c.conf.Answer(t.Context(), cleo, turningOn, secret.Reveal(), c.phone.digits()))
	require.Equal(t, otherPhone, c.stored("cleo").Phone)
	require.True(t, c.stored("cleo").Confirms)
	c.ask(cleo, closing)
	require.Equal(t, otherPhone, c.phone.look()[2].To)

	// One code to the old phone lets one new phone in, also of two at once.
	c.pass(cleo, off)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, number := range []string{phone, "+3312345678"} {
		all.Go(func() { errs[i] = refuses(c.conf.TurnOn(t.Context(), cleo, number)) })
	}
	all.Wait()
	require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
}

// A code goes with the phone that the user had when it was asked for: when that
// is another by now, none that is still open fits, so nobody who began first
// replaces it unasked, and a lost phone is of no more use (A26, A03).
func TestConfirmations_phoneChanged(t *testing.T) {
	t.Parallel()
	t.Run("a change that somebody prepared before confirmation was on", func(t *testing.T) {
		t.Parallel()
		c := newCodes(t)
		_, nora := c.newcomer("nora")
		thief := c.self(c.in("nora", words))
		prepared := must(c.conf.TurnOn(t.Context(), thief, "+3312345678"))(t)
		theirs := c.phone.digits()
		page := must(c.conf.TurnOn(t.Context(), nora, phone))(t)
		require.NoError(t, c.conf.Answer(t.Context(), nora, turningOn, page.Reveal(), c.phone.digits()))
		require.Error(t, c.conf.Answer(t.Context(), thief, turningOn, prepared.Reveal(), theirs))
		require.Equal(t, phone, c.stored("nora").Phone)
	})
	t.Run("a code that went to the phone of before", func(t *testing.T) {
		t.Parallel()
		c, cleo := careful(t)
		page, digits := c.ask(cleo, closing)
		require.NoError(t, c.conf.TurnOff(t.Context(), operator, "cleo"))
		require.Error(t, c.conf.Answer(t.Context(), cleo, closing, page, digits))
		on := must(c.conf.TurnOn(t.Context(), cleo, otherPhone))(t)
		require.NoError(t, c.conf.Answer(t.Context(), cleo, turningOn, on.Reveal(), c.phone.digits()))
		require.Error(t, c.conf.Answer(t.Context(), cleo, closing, page, digits))
		c.wants(c.svc.CloseAccount(t.Context(), cleo, "willow"), accounts.EventAccountClosed, "willow")
	})
}
