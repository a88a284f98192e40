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

// Without a store there is no service.
func TestNewConfirmations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var bad *accounts.InvalidError
	require.ErrorAs(t, refuses(access.NewConfirmations(nil, w.env)), &bad)
	require.Equal(t, "store", bad.Field)
	s, err := access.NewConfirmations(w.mem, nil)
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
	require.Equal(t, phone, c.phone.look()[0].To)
	digits := c.phone.digits()
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

// A code is a text message: to the phone, in the user's language, for no account,
// under their login, good as long as the code is, and before every notice. It
// tells nothing but the code, until when it works and, for a host that writes
// there instead, the address that the user has proven (B3, A18).
func TestConfirmations_letter(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	u := c.stored("cleo")
	u.Name, u.Locale = "Cleo Baker", "de-AT"
	c.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
	c.ask(cleo, closing)
	m := c.phone.look()[0]
	require.Regexp(t, `^[0-9]{6}$`, m.Data.Code)
	require.Contains(t, m.Text, m.Data.Code)
	require.Equal(t, 1, strings.Count(m.Subject+m.Text, m.Data.Code))
	end := c.env.Now().Add(10 * time.Minute)
	require.Equal(t, mail.Message{
		ID: m.ID, Channel: mail.SMS, Kind: mail.Code, To: phone, User: "cleo", Locale: "de-AT", Subject: m.Subject, Text: m.Text,
		Data:   mail.Data{Product: "Letterbird", Address: "cleo@example.com", Code: m.Data.Code, ExpiresAt: end, At: c.env.Now()},
		Reason: mail.ReasonFor("login", "cleo", "code", string(cleo.Session()), string(closing.Action), "willow"), Priority: mail.Awaited,
		Due: c.env.Now(), NotAfter: end, CreatedAt: c.env.Now(),
	}, m)
	require.NotContains(t, m.ID, "cleo")

	u = c.stored("cleo")
	u.Proven = false
	c.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
	c.ask(cleo, closing)
	require.Empty(t, c.phone.look()[1].Data.Address, "an unproven address may be a stranger's")
}

// The code of a question takes the place of the one before, which is not sent
// any more; codes for something else stay (A84).
func TestConfirmations_superseded(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	ask := func(in access.Ask) string { return must(c.conf.Ask(t.Context(), cleo, in))(t).Reveal() }
	ask(closing)
	ask(access.Ask{Action: closing.Action, Account: "rose"})
	ask(access.Ask{Action: closing.Action})
	page := ask(closing)
	require.Len(t, c.phone.written(mail.Cancelled), 1)
	got := c.phone.look()
	require.Len(t, got, 3)
	require.NoError(t, c.conf.Answer(t.Context(), cleo, closing, page, got[2].Data.Code))
	ask(closing)
	require.Len(t, c.phone.written(mail.Sent), 3, "what was sent was sent")
}

// What ends a login, and what gives the user another phone, takes back the codes
// that wait: all of them, or those that were asked for with the session that ends
// (A84, D8).
func TestConfirmations_takenBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		when func(c *codes, cleo accounts.Actor, cookie string)
		left int // of three: two with this session, one with another
	}{
		"nothing": {func(*codes, accounts.Actor, string) {}, 3},
		"signing out": {func(c *codes, _ accounts.Actor, cookie string) {
			require.NoError(c, c.sessions.SignOut(c.Context(), cookie))
		}, 1},
		"ending the session": {func(c *codes, a accounts.Actor, _ string) {
			require.NoError(c, c.sessions.End(c.Context(), job, a.Session()))
		}, 1},
		"ending all sessions": {func(c *codes, a accounts.Actor, _ string) {
			require.NoError(c, c.sessions.EndAll(c.Context(), a, "cleo"))
		}, 0},
		"a suspension": {func(c *codes, _ accounts.Actor, _ string) {
			require.NoError(c, c.svc.SuspendUser(c.Context(), operator, "cleo"))
		}, 0},
		"turning it off": {func(c *codes, _ accounts.Actor, _ string) {
			require.NoError(c, c.conf.TurnOff(c.Context(), operator, "cleo"))
		}, 0},
		"too many sessions": {func(c *codes, _ accounts.Actor, _ string) { c.login("cleo"); c.login("cleo") }, 0},
		"somebody else's ends": {func(c *codes, _ accounts.Actor, _ string) {
			require.NoError(c, c.sessions.EndAll(c.Context(), job, "carl"))
		}, 3},
		"another phone": {func(c *codes, a accounts.Actor, _ string) {
			c.pass(a, access.Ask{Action: access.EventConfirmationOff})
			page := must(c.conf.TurnOn(c.Context(), a, otherPhone))(c)
			digits := c.phone.digits()
			must(c.conf.Ask(c.Context(), a, closing))(c) // looking took those of before
			require.NoError(c, c.conf.Answer(c.Context(), a, turningOn, page.Reveal(), digits))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCodes(t, func(o *accounts.EnvOptions) { o.Limits.Sessions = 2 })
			c.confirmed("cleo")
			other, cookie := c.as("cleo", "willow"), c.login("cleo")
			cleo := c.self(cookie)
			for _, in := range []access.Ask{closing, {Action: "an.action"}} {
				must(c.conf.Ask(t.Context(), cleo, in))(t)
			}
			must(c.conf.Ask(t.Context(), other, closing))(t)
			tt.when(c, cleo, cookie)
			require.Len(t, c.phone.written(mail.Queued), tt.left)
			for _, r := range c.phone.written(mail.Cancelled) {
				require.True(t, accounts.LoginReason("cleo").Covers(r.Reason))
			}
		})
	}
}

// Erasing a user, and the whole of what is kept of them, takes their phone numbers
// out of the outbox: of codes that wait, that were sent, and that were taken back
// (A76, A97).
func TestConfirmations_erased(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	_, nora := c.newcomer("nora")
	c.confirmed("carl")
	number := func() int {
		n := 0
		for _, r := range c.phone.written("") {
			if r.To == phone || r.To == otherPhone {
				n++
			}
		}
		return n
	}
	must(c.conf.TurnOn(t.Context(), nora, phone))(t)
	c.phone.look()
	must(c.conf.TurnOn(t.Context(), nora, otherPhone))(t)
	must(c.conf.TurnOn(t.Context(), nora, phone))(t)
	must(c.conf.Ask(t.Context(), c.as("carl", "willow"), closing))(t)
	require.Equal(t, 4, number())
	require.NoError(t, c.svc.EraseUser(t.Context(), nora, "nora"))
	require.Equal(t, 1, number(), "carl's stays")
	require.Len(t, c.phone.written(mail.Queued), 1)
	require.Len(t, c.phone.look(), 2)
	require.NotContains(t, c.dump(), otherPhone)
}

// A code is durable together with its challenge, or neither of them is: where the
// store fails, none is sent that could not be answered, and none is spent (A84).
func TestConfirmations_durable(t *testing.T) {
	t.Parallel()
	c, cleo := careful(t)
	before := c.everything("cleo")
	c.st.on(func(call string, do func() error) error {
		if writes(call) {
			return errBroken
		}
		return do()
	})
	secret, err := c.conf.Ask(t.Context(), cleo, closing)
	require.ErrorIs(t, err, errBroken)
	require.True(t, secret.IsZero())
	c.st.on(nil)
	require.Zero(t, c.phone.count())
	require.Equal(t, before, c.everything("cleo"))
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
	all := c.everything("cleo") + text(ch, c.phone.written(""))
	for _, spelling := range append(spellings(page), page, miss(digits, 7)) {
		require.NotContains(t, all, spelling)
	}
	require.NotContains(t, all, digits, "what was sent says nothing any more")

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

// A code that was asked for in the host's transaction is sent once that commits,
// and not at all if the host rolls back (D1 of the product, A84).
func TestConfirmations_With(t *testing.T) {
	t.Parallel()
	for name, commits := range map[string]bool{"commits": true, "rolls back": false} {
		c, cleo := careful(t)
		before := c.everything("cleo")
		tx := c.mem.Begin()
		page := must(c.conf.With(tx.Store()).Ask(t.Context(), cleo, closing))(t)
		require.Equal(t, before, c.everything("cleo"), "nothing is seen before the commit")
		require.Empty(t, c.phone.look())
		if commits {
			require.NoError(t, tx.Commit())
			require.NoError(t, c.conf.Answer(t.Context(), cleo, closing, page.Reveal(), c.phone.digits()), name)
			continue
		}
		require.NoError(t, tx.Rollback())
		require.Empty(t, c.phone.look())
		require.Equal(t, accounts.ErrNotFound, c.conf.Answer(t.Context(), cleo, closing, page.Reveal(), "123456"), name)
		require.Equal(t, before, c.everything("cleo"))
	}
}
