package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Whatever changes how a user logs in wants a code of a user who has identity
// confirmation on, however old their login is: it asks for it by name, changes
// nothing until it was passed, is opened by no other code, and uses it up (A01,
// A27, A71).
func TestConfirmations_ownLogin(t *testing.T) {
	t.Parallel()
	second := accounts.IdentityKey{Issuer: "https://id.example", Subject: "2"}
	change := func(old string) func(c *codes, a accounts.Actor) error {
		return func(c *codes, a accounts.Actor) error {
			return refuses(c.logins.ChangePassword(c.Context(), a, old, others, access.Device{}))
		}
	}
	for _, tt := range []struct {
		name   string
		action accounts.EventKind
		act    func(c *codes, a accounts.Actor) error
		first  bool // for somebody without a password
	}{
		{"changing the password", access.EventPasswordChanged, change(words), false},
		{"setting a first password", access.EventPasswordChanged, change(""), true},
		{"asking for another address", access.EventAddressAsked, func(c *codes, a accounts.Actor) error {
			return c.logins.AskAddress(c.Context(), a, "new@example.com")
		}, false},
		{"linking a login at an issuer", access.EventIdentityLinked, func(c *codes, a accounts.Actor) error {
			return c.logins.Link(c.Context(), a, access.HostLogin{Identity: second, Email: "nora@example.com", Verified: true})
		}, false},
		{"taking a login at an issuer away", access.EventIdentityUnlinked, func(c *codes, a accounts.Actor) error {
			return c.logins.Unlink(c.Context(), a, google)
		}, false},
	} {
		for _, host := range []bool{false, true} {
			name := tt.name + ", with a session of the library"
			if host {
				name = tt.name + ", with a session of the host"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newCodes(t)
				in := access.HostLogin{ID: "nora", Identity: google, Email: "nora@example.com", Verified: true}
				if tt.first {
					must(c.logins.Arrive(t.Context(), in))(t)
				} else {
					_, actor := c.newcomer("nora")
					require.NoError(t, c.logins.Link(t.Context(), actor, in))
				}
				c.confirmed("nora")
				actor := c.self(c.login("nora"))
				elsewhere := c.self(c.login("nora"))
				if host {
					actor = c.own("nora", "")
				}
				c.clock.Add(20 * time.Minute) // no login is fresh by now

				before := c.everything("nora")
				ask := c.wants(tt.act(c, actor), tt.action, "")
				require.Equal(t, before, c.everything("nora"), "whoever is asked for a code has changed nothing")
				c.pass(elsewhere, ask)
				c.pass(actor, access.Ask{Action: tt.action, Account: "willow"})
				c.pass(actor, access.Ask{Action: access.EventConfirmationOff})
				c.wants(tt.act(c, actor), tt.action, "")
				c.pass(actor, ask)
				require.NoError(t, tt.act(c, actor))
				require.Equal(t, 1, c.count(tt.action)-c.given(tt.action, tt.first))
				require.Equal(t, c.env.Now(), c.challenge(actor, ask).UsedAt)
			})
		}
	}
}

// given is how often an action was done before the test's own.
func (c *codes) given(action accounts.EventKind, first bool) int {
	if action == access.EventIdentityLinked && !first {
		return 1
	}
	return 0
}

// Whoever has to enter a code before a password is compared, or to think of
// another new one, has used up no try and learned nothing of the old one. A
// wrong old one is a try and leaves the code; none where there is one is a wrong
// one, and no try, for nothing is compared (A31, A71).
func TestLogins_ChangePassword_confirming(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	secret, _ := c.newcomer("nora")
	other := c.in("nora", words)
	c.confirmed("nora")
	actor := c.self(secret)
	change := func(old, fresh string) error {
		s, err := c.logins.ChangePassword(t.Context(), actor, old, fresh, access.Device{Source: "192.0.2.1"})
		require.Equal(t, err != nil, s.IsZero())
		return err
	}
	tries := func() [2]int {
		f := c.entering("nora@example.com", "192.0.2.1")
		return [2]int{f.Guesses.Count, f.Tries}
	}
	was := c.everything("nora")
	for _, old := range []string{words, strange, ""} {
		c.wants(change(old, others), access.EventPasswordChanged, "")
	}
	require.Equal(t, was, c.everything("nora"))
	require.Equal(t, [2]int{}, tries())

	ask := access.Ask{Action: access.EventPasswordChanged}
	c.pass(actor, ask)
	var bad *accounts.InvalidError
	require.ErrorAs(t, change(strange, "short"), &bad)
	require.Equal(t, "password", bad.Field)
	require.Equal(t, access.ErrCredentials, change("", others))
	require.Equal(t, [2]int{}, tries(), "nothing was compared")
	require.Equal(t, access.ErrCredentials, change(strange, others))
	require.Equal(t, [2]int{1, 1}, tries())
	require.True(t, c.challenge(actor, ask).UsedAt.IsZero(), "the code is for the change, which was none")
	require.NoError(t, c.try(other, ""))

	fresh := must(c.logins.ChangePassword(t.Context(), actor, words, others, access.Device{}))(t)
	require.ErrorIs(t, c.try(other, ""), access.ErrNoSession)
	require.Equal(t, c.env.Now(), c.challenge(actor, ask).UsedAt)
	actor = c.self(fresh.Reveal())
	c.wants(change(others, strange), access.EventPasswordChanged, "")
}

// Somebody who turns identity confirmation on while their password is compared
// is asked for a code all the same, and nothing changes without (A71, I-09).
func TestRace_ChangePassword_confirmationOn(t *testing.T) {
	t.Parallel()
	for write := 1; write <= 2; write++ {
		c := newCodes(t)
		secret, actor := c.newcomer("nora")
		was := c.means("nora").Credential
		c.st.on(beforeWrite(write, func() { c.confirmed("nora") }))
		next, err := c.logins.ChangePassword(t.Context(), actor, words, others, access.Device{})
		c.st.on(nil)
		c.wants(err, access.EventPasswordChanged, "")
		require.True(t, next.IsZero())
		require.Equal(t, was, c.means("nora").Credential)
		require.NoError(t, c.try(secret, ""))
	}
}
