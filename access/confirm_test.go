package access_test

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

var turningOn = access.Ask{Action: access.EventConfirmationOn}

// Without a store, or without anywhere to send codes, there is no service.
func TestNewConfirmations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for want, made := range map[string]error{
		"store":  refuses(access.NewConfirmations(nil, w.env, &pocket{})),
		"sender": refuses(access.NewConfirmations(w.mem, w.env, nil)),
	} {
		var bad *accounts.InvalidError
		require.ErrorAs(t, made, &bad)
		require.Equal(t, want, bad.Field)
	}
	s, err := access.NewConfirmations(w.mem, nil, &pocket{})
	require.NoError(t, err)
	require.NotNil(t, s)
}

func refuses[T any](_ T, err error) error { return err }

// A user turns identity confirmation on with a code that goes to the phone that
// they name, written in one form: until the answer is right nothing is on, and
// the right one is on record, told by mail, and good once (B3, A01, D1).
func TestConfirmations_TurnOn(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	secret, nora := c.newcomer("nora")
	c.kinds("nora@example.com")
	events := len(c.events())

	page := must(c.conf.TurnOn(t.Context(), nora, "+49 (170) 123-456.78"))(t)
	sent := c.phone.codes[0]
	digits := sent.Digits.Reveal()
	sent.Digits = token.Secret{}
	require.Equal(t, access.Code{
		User: "nora", Phone: phone, Address: "nora@example.com", Product: "Letterbird", Action: access.EventConfirmationOn, ExpiresAt: start().Add(10 * time.Minute),
	}, sent)
	require.Regexp(t, `^[0-9]{6}$`, digits)
	require.False(t, c.stored("nora").Confirms)
	require.Empty(t, c.stored("nora").Phone)

	c.wrong(c.conf.Answer(t.Context(), nora, turningOn, page.Reveal(), miss(digits, 1)), 4)
	require.False(t, c.stored("nora").Confirms)
	require.NoError(t, c.conf.Answer(t.Context(), nora, turningOn, page.Reveal(), digits))
	require.True(t, c.stored("nora").Confirms)
	require.Equal(t, phone, c.stored("nora").Phone)
	require.Equal(t, c.env.Now(), c.challenge(nora, turningOn).UsedAt)
	require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), nora, turningOn, page.Reveal(), digits), "a code is good once")

	var kinds []accounts.EventKind
	for _, e := range c.events()[events:] {
		kinds = append(kinds, e.Kind)
		require.Equal(t, []accounts.UserID{"nora", "nora"}, []accounts.UserID{e.User, e.By.User})
	}
	require.ElementsMatch(t, []accounts.EventKind{
		access.EventCodeAsked, access.EventCodeFailed, access.EventCodePassed, access.EventConfirmationOn,
	}, kinds)
	require.Equal(t, []string{mail.ConfirmationOn}, c.kinds("nora@example.com"))
	require.NoError(t, c.try(secret, ""), "the session goes on")
}

// Who turns it on has proven their address, logged in within the last 10
// minutes, and acts for themselves; the phone is a phone (A27, A71).
func TestConfirmations_TurnOn_refused(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	_, nora := c.newcomer("nora")
	c.signUp("otto")
	otto := c.self(c.in("otto", words))
	before := c.everything("nora", "otto")
	on := func(a accounts.Actor, number string) error { return refuses(c.conf.TurnOn(t.Context(), a, number)) }
	for name, tt := range map[string]struct {
		err   error
		field string
	}{
		"an unproven address": {on(otto, phone), "user"},
		"no phone":            {on(nora, ""), "phone"},
		"a short one":         {on(nora, "+49170"), "phone"},
		"one with a letter":   {on(nora, "+49170x2345678"), "phone"},
	} {
		var bad *accounts.InvalidError
		require.ErrorAs(t, tt.err, &bad, name)
		require.Equal(t, tt.field, bad.Field, name)
	}
	for _, a := range []accounts.Actor{job, operator, {}} {
		require.Equal(t, accounts.ErrNotFound, on(a, phone))
	}
	stale := accounts.Admitted(accounts.Admission{User: "nora", Epoch: 0, Session: nora.Session(), AuthAt: c.env.Now()})
	require.Equal(t, accounts.ErrStepUp, on(stale, phone))
	require.Equal(t, before, c.everything("nora", "otto"), "nothing happened, and no code was spent")
	require.Zero(t, c.phone.count())

	c.clock.Add(10*time.Minute - time.Microsecond)
	require.NoError(t, on(nora, phone))
	c.clock.Add(time.Microsecond)
	require.Equal(t, accounts.ErrStepUp, on(nora, phone))
	require.Equal(t, 1, c.phone.count())
}

// A code has six digits, the leading ones included, and no page has the secret
// of another.
func TestConfirmations_sixDigits(t *testing.T) {
	t.Parallel()
	c := newCodes(t, func(o *accounts.EnvOptions) { o.Limits.CodesPerDay = 1000 })
	c.confirmed("cleo")
	cleo := c.as("cleo", "willow")
	form := regexp.MustCompile(`^[0-9]{6}$`)
	pages, zeros, all := map[string]bool{}, 0, map[string]bool{}
	for range 250 {
		page, digits := c.ask(cleo, access.Ask{Action: "an.action", Account: "willow"})
		require.Regexp(t, form, digits)
		require.True(t, strings.HasPrefix(page, string(token.Challenge)))
		require.False(t, pages[page])
		pages[page], all[digits] = true, true
		if digits[0] == '0' {
			zeros++
		}
	}
	require.Positive(t, zeros, "one in ten begins with 0")
	require.Greater(t, len(all), 200, "they are not alike")
}

// Somebody without identity confirmation is asked for no code, and turning it on
// has a door of its own.
func TestConfirmations_Ask_refused(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	c.confirmed("cleo")
	cleo, carl := c.as("cleo", "willow"), c.as("carl", "willow")
	before := c.everything("cleo", "carl")
	for name, tt := range map[string]struct {
		actor accounts.Actor
		given access.Ask
		field string
	}{
		"without confirmation":    {carl, access.Ask{Action: accounts.EventAccountClosed, Account: "willow"}, "user"},
		"to turn it on":           {cleo, turningOn, "action"},
		"to turn it on somewhere": {cleo, access.Ask{Action: access.EventConfirmationOn, Account: "willow"}, "action"},
		"for nothing":             {cleo, access.Ask{}, "action"},
		"for what has a space":    {cleo, access.Ask{Action: "a b"}, "action"},
		"for what is too long":    {cleo, access.Ask{Action: accounts.EventKind(strings.Repeat("a", 65))}, "action"},
		"at no account at all":    {cleo, access.Ask{Action: "a", Account: "a\nb"}, "account"},
	} {
		var bad *accounts.InvalidError
		require.ErrorAs(t, refuses(c.conf.Ask(t.Context(), tt.actor, tt.given)), &bad, name)
		require.Equal(t, tt.field, bad.Field, name)
		if tt.field != "user" && tt.given != turningOn && tt.given.Action != access.EventConfirmationOn {
			require.ErrorAs(t, c.conf.Answer(t.Context(), tt.actor, tt.given, "", ""), &bad, name)
			require.Equal(t, tt.field, bad.Field, name)
		}
	}
	stale := accounts.Admitted(accounts.Admission{User: "cleo", Epoch: 9, AuthAt: c.env.Now()})
	require.Equal(t, accounts.ErrStepUp, refuses(c.conf.Ask(t.Context(), stale, access.Ask{Action: "a"})))
	for _, a := range []accounts.Actor{job, operator, {}} {
		require.Equal(t, accounts.ErrNotFound, refuses(c.conf.Ask(t.Context(), a, access.Ask{Action: "a"})))
		require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), a, access.Ask{Action: "a"}, string(token.Challenge)+strings.Repeat("A", 52), "1"))
	}
	require.Equal(t, before, c.everything("cleo", "carl"))
	require.Zero(t, c.phone.count())
}

// The code is sent once it is stored, and a sender that fails is told to whoever
// asked: they have no page, so the code is worth nothing, and it is spent.
func TestConfirmations_sender(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	c.confirmed("cleo")
	cleo, in := c.as("cleo", "willow"), access.Ask{Action: "an.action", Account: "willow"}
	c.phone.look = func(code access.Code) {
		ch := c.challenge(cleo, in)
		require.Equal(t, code.ExpiresAt, ch.ExpiresAt, "it is stored by then")
		require.Equal(t, phone, ch.To)
	}
	c.ask(cleo, in)
	c.phone.err = errBroken
	secret, err := c.conf.Ask(t.Context(), cleo, in)
	require.ErrorIs(t, err, errBroken)
	require.ErrorContains(t, err, "ask for another")
	require.NotContains(t, err.Error(), c.phone.digits())
	require.True(t, secret.IsZero())
	require.Equal(t, 2, must(c.mem.Spent(t.Context(), accounts.QuotaKey{Kind: accounts.QuotaCodes, Subject: "cleo", Day: accounts.DayOf(start())}))(t))

	c.phone.err, c.phone.look = nil, nil
	c.st.on(func(call string, do func() error) error {
		if writes(call) {
			return errBroken
		}
		return do()
	})
	n := c.phone.count()
	require.ErrorIs(t, refuses(c.conf.Ask(t.Context(), cleo, in)), errBroken)
	require.Equal(t, n, c.phone.count(), "a code that is not stored is not sent")
}

// What is stored does not tell the code: neither it nor the page's secret is
// anywhere, and no hash of the code with whatever else is stored (A18, A92).
func TestConfirmations_stored(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	c.confirmed("cleo")
	cleo, in := c.as("cleo", "willow"), access.Ask{Action: "an.action", Account: "willow"}
	page, digits := c.ask(cleo, in)
	c.wrong(c.conf.Answer(t.Context(), cleo, in, page, miss(digits, 7)), 4)
	ch := c.challenge(cleo, in)
	require.NotZero(t, ch.Hash)
	parts := []string{
		"", "cleo", string(cleo.Session()), "willow", string(in.Action), phone, fmt.Sprint(ch.Epoch), fmt.Sprint(ch.Version),
		fmt.Sprint(ch.CreatedAt.UnixMicro()), fmt.Sprint(ch.ExpiresAt.UnixMicro()), string(token.Challenge),
	}
	for _, a := range parts {
		for _, b := range parts {
			for _, s := range []string{digits + a + b, a + digits + b, a + b + digits} {
				require.NotEqual(t, sha256.Sum256([]byte(s)), ch.Hash)
			}
		}
	}
	all := c.everything("cleo") + text(ch, c.phone.codes)
	for _, spelling := range append(spellings(page), page, miss(digits, 7)) {
		require.NotContains(t, all, spelling)
	}
	require.NotContains(t, text(c.phone.codes), digits)
	require.Contains(t, all, "[redacted]")

	second, _ := c.ask(cleo, in)
	require.NotEqual(t, ch.Hash, c.challenge(cleo, in).Hash)
	require.NotEqual(t, page, second)
}

// Whoever has confirmation on turns it off with a code, and an operator does it
// for somebody who lost their phone; the phone is forgotten and the user told.
// Off again is nothing new (B3, D8).
func TestConfirmations_TurnOff(t *testing.T) {
	t.Parallel()
	turningOff := access.Ask{Action: access.EventConfirmationOff}
	for name, off := range map[string]func(c *codes, cleo accounts.Actor) accounts.By{
		"by the user": func(c *codes, cleo accounts.Actor) accounts.By {
			require.Equal(t, turningOff, c.wants(c.conf.TurnOff(t.Context(), cleo, "cleo"), access.EventConfirmationOff, ""))
			c.pass(cleo, access.Ask{Action: accounts.EventAccountClosed, Account: "willow"})
			c.wants(c.conf.TurnOff(t.Context(), cleo, "cleo"), access.EventConfirmationOff, "")
			c.pass(cleo, turningOff)
			require.NoError(t, c.conf.TurnOff(t.Context(), cleo, "cleo"))
			require.Equal(t, c.env.Now(), c.challenge(cleo, turningOff).UsedAt)
			return cleo.By()
		},
		"by an operator": func(c *codes, _ accounts.Actor) accounts.By {
			require.NoError(t, c.conf.TurnOff(t.Context(), operator, "cleo"))
			return operator.By()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCodes(t)
			c.confirmed("cleo")
			cleo := c.as("cleo", "")
			c.clock.Add(20 * time.Minute)
			by := off(c, cleo)
			u := c.stored("cleo")
			require.False(t, u.Confirms)
			require.Empty(t, u.Phone)
			require.Equal(t, []string{mail.ConfirmationOff}, c.kinds("cleo@example.com"))
			n := c.count(access.EventConfirmationOff)
			require.Equal(t, 1, n)
			for _, e := range c.events() {
				if e.Kind == access.EventConfirmationOff {
					require.Equal(t, by, e.By)
				}
			}
			require.NoError(t, c.conf.TurnOff(t.Context(), cleo, "cleo"))
			require.NoError(t, c.conf.TurnOff(t.Context(), operator, "cleo"))
			require.Equal(t, n, c.count(access.EventConfirmationOff))
		})
	}
	c := newCodes(t)
	c.confirmed("cleo")
	for _, a := range []accounts.Actor{job, c.as("carl", "willow"), {}} {
		require.Equal(t, accounts.ErrNotFound, c.conf.TurnOff(t.Context(), a, "cleo"))
		require.Equal(t, accounts.ErrNotFound, c.conf.TurnOff(t.Context(), a, "nobody"))
	}
	require.Equal(t, accounts.ErrNotFound, c.conf.TurnOff(t.Context(), operator, "nobody"))
	require.ErrorIs(t, c.conf.TurnOff(t.Context(), operator, ""), accounts.ErrInvalid)
	require.True(t, c.stored("cleo").Confirms)
}

// A code that was asked for in the host's transaction is sent before that
// commits: it can be answered afterwards, and is worth nothing if the host rolls
// back (D1 of the product, A84).
func TestConfirmations_With(t *testing.T) {
	t.Parallel()
	for name, commits := range map[string]bool{"commits": true, "rolls back": false} {
		c, cleo := careful(t)
		before := c.everything("cleo")
		tx := c.mem.Begin()
		page := must(c.conf.With(tx.Store()).Ask(t.Context(), cleo, closing))(t)
		require.Equal(t, 1, c.phone.count())
		require.Equal(t, before, c.everything("cleo"), "nothing is seen before the commit")
		if commits {
			require.NoError(t, tx.Commit())
			require.NoError(t, c.conf.Answer(t.Context(), cleo, closing, page.Reveal(), c.phone.digits()), name)
			continue
		}
		require.NoError(t, tx.Rollback())
		require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), cleo, closing, page.Reveal(), c.phone.digits()), name)
		require.Equal(t, before, c.everything("cleo"))
	}
}
