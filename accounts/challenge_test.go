package accounts_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// confirming is a user who has identity confirmation on.
func confirming(id string) accounts.User {
	u := user(id)
	u.Confirms, u.Phone = true, "+491701234567"
	return u
}

// passed is the challenge that a user of the tests has passed just now, with
// the session of [world.as].
func passed(id string, action accounts.EventKind, account accounts.AccountID) accounts.Challenge {
	return accounts.Challenge{
		ChallengeKey: accounts.ChallengeKey{
			User: accounts.UserID(id), Session: accounts.SessionID("session-" + id), Action: action, Account: account,
		},
		Epoch: 1, Hash: [32]byte{1}, To: "+491701234567", Tries: 1,
		CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute), PassedAt: start,
	}
}

// stored is a challenge as a store returns it.
func stored(c accounts.Challenge) accounts.Challenge {
	c.Version = 2
	return c
}

// askedFor is the error that asks for a code.
func askedFor(action accounts.EventKind, account accounts.AccountID) error {
	return &accounts.CodeError{Action: action, Account: account}
}

// What cannot be undone wants a login younger than 10 minutes or, from a user
// with identity confirmation on, a code that they passed for this action, at
// this account, with this login, and have not used (B3, A71, I-07).
func TestOperation_Fresh(t *testing.T) {
	t.Parallel()

	const action = accounts.EventAccountClosed
	want := askedFor(action, "acme")
	vary := func(change func(*accounts.Challenge)) accounts.Challenge {
		c := stored(passed("ann", action, "acme"))
		change(&c)
		return c
	}
	on := confirming("ann").UserState
	for _, tt := range []struct {
		name  string
		given accounts.UserState
		actor accounts.Actor
		when  accounts.Challenge
		want  error
	}{
		{"a fresh login does without confirmation", user("ann").UserState, ann(), accounts.Challenge{}, nil},
		{"a login of 10 minutes ago does not", user("ann").UserState, admitted("ann", start.Add(-10*time.Minute)), accounts.Challenge{}, accounts.ErrStepUp},
		{
			"a code is no login for somebody without confirmation", user("ann").UserState, admitted("ann", start.Add(-time.Hour)),
			stored(passed("ann", action, "acme")), accounts.ErrStepUp,
		},
		{"a fresh login is no code for somebody with confirmation", on, ann(), accounts.Challenge{}, want},
		{"a code that was passed does", on, ann(), stored(passed("ann", action, "acme")), nil},
		{"it does however old the login is", on, admitted("ann", time.Time{}), stored(passed("ann", action, "acme")), nil},
		{"a moment before it expires it does", on, ann(), vary(func(c *accounts.Challenge) { c.ExpiresAt = start.Add(time.Microsecond) }), nil},
		{"at the moment of its expiry it does not", on, ann(), vary(func(c *accounts.Challenge) { c.ExpiresAt = start }), want},
		{"one that was not passed does not", on, ann(), vary(func(c *accounts.Challenge) { c.PassedAt = time.Time{} }), want},
		{"one that was used does not", on, ann(), vary(func(c *accounts.Challenge) { c.UsedAt = start }), want},
		{"one that is not stored does not", on, ann(), passed("ann", action, "acme"), want},
		{"one of another action does not", on, ann(), vary(func(c *accounts.Challenge) { c.Action = accounts.EventOwnershipTransferred }), want},
		{"one of another account does not", on, ann(), vary(func(c *accounts.Challenge) { c.Account = "nova" }), want},
		{"one of no account does not", on, ann(), vary(func(c *accounts.Challenge) { c.Account = "" }), want},
		{"one of another session does not", on, ann(), vary(func(c *accounts.Challenge) { c.Session = "session-other" }), want},
		{"one of no session does not", on, ann(), vary(func(c *accounts.Challenge) { c.Session = "" }), want},
		{"one of another user does not", on, ann(), vary(func(c *accounts.Challenge) { c.User = "bob" }), want},
		{"one of before all sessions ended does not", on, ann(), vary(func(c *accounts.Challenge) { c.Epoch = 0 }), want},
		{"one of an epoch to come does not", on, ann(), vary(func(c *accounts.Challenge) { c.Epoch = 2 }), want},
		{"one that somebody else passed is not lent to them", confirming("bob").UserState, ann(), stored(passed("ann", action, "acme")), want},
		{"nobody passes for a user who is not known", accounts.UserState{Confirms: true, Epoch: 1}, accounts.Actor{}, accounts.Challenge{}, want},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			op := given(t, tt.actor).op
			op.Challenge = tt.when
			err := op.Fresh(tt.given, action, "acme")
			require.Equal(t, tt.want, err)
			if tt.want != nil {
				require.ErrorIs(t, err, accounts.ErrStepUp)
				require.NotErrorIs(t, err, accounts.ErrNotFound)
			}
			if tt.given.Confirms {
				require.Equal(t, tt.want, op.Confirmed(tt.given, action, "acme"))
			} else {
				require.NoError(t, op.Confirmed(tt.given, action, "acme"), "nobody else is asked for a code")
			}
		})
	}
}

// A code is named by who acts, with which session, for what and where; the
// session is empty for hosts that keep their own.
func TestOperation_ChallengeKey(t *testing.T) {
	t.Parallel()

	op := given(t, ann()).op
	require.Equal(t, accounts.ChallengeKey{User: "ann", Session: "session-ann", Action: "a", Account: "acme"}, op.ChallengeKey("a", "acme"))
	op.Actor = accounts.Admitted(accounts.Admission{User: "ann", Epoch: 1, AuthAt: start})
	require.Equal(t, accounts.ChallengeKey{User: "ann", Action: "b"}, op.ChallengeKey("b", ""))
	op.Actor = job()
	require.Equal(t, accounts.ChallengeKey{Action: "b"}, op.ChallengeKey("b", ""))
}

// The change of an act fails if its user is suspended meanwhile, and uses up
// the code that was passed for it, and nothing else.
func TestOperation_Relying(t *testing.T) {
	t.Parallel()

	op := given(t, ann()).op
	c := op.Relying()
	require.Equal(t, accounts.Change{Op: op.ID, Guards: []accounts.Guard{{User: "ann", Epoch: 1}}}, c)

	op.Challenge = stored(passed("ann", accounts.EventAccountClosed, "acme"))
	want := op.Challenge
	want.UsedAt = start
	require.Equal(t, []accounts.Challenge{want}, op.Relying().Challenges)
	require.Zero(t, op.Challenge.UsedAt, "the operation serves the next attempt as well")

	for name, change := range map[string]func(*accounts.Challenge){
		"not passed":      func(c *accounts.Challenge) { c.PassedAt = time.Time{} },
		"used":            func(c *accounts.Challenge) { c.UsedAt = start },
		"expired":         func(c *accounts.Challenge) { c.ExpiresAt = start },
		"of other epochs": func(c *accounts.Challenge) { c.Epoch = 2 },
		"not stored":      func(c *accounts.Challenge) { c.Version = 0 },
	} {
		op := op
		change(&op.Challenge)
		require.Empty(t, op.Relying().Challenges, name)
	}
	require.Equal(t, accounts.Change{Op: "op"}, given(t, job()).op.Relying(), "a job is no user")
}

// A challenge can be answered until it is passed, used or expired, and only so
// often.
func TestChallenge_Open(t *testing.T) {
	t.Parallel()

	open := stored(passed("ann", accounts.EventAccountClosed, "acme"))
	open.PassedAt, open.Tries = time.Time{}, 4
	require.True(t, open.Open(start, 5))
	require.True(t, open.Open(start.Add(10*time.Minute-time.Microsecond), 5))
	require.False(t, open.Open(start.Add(10*time.Minute), 5))
	require.False(t, open.Open(start, 4))
	for name, change := range map[string]func(*accounts.Challenge){
		"passed": func(c *accounts.Challenge) { c.PassedAt = start }, "used": func(c *accounts.Challenge) { c.UsedAt = start },
		"not stored": func(c *accounts.Challenge) { c.Version = 0 }, "tried": func(c *accounts.Challenge) { c.Tries = 5 },
	} {
		c := open
		change(&c)
		require.False(t, c.Open(start, 5), name)
	}
}

// Every act that wants a fresh login wants a code from a user with identity
// confirmation on: without one it changes nothing and is not on record, one for
// another account does not do, and the right one is used up with the act
// (B3, A01, A71).
func TestService_codes(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name    string
		action  accounts.EventKind
		account accounts.AccountID
		act     func(w *world) error
	}{
		{"transferring the ownership", accounts.EventOwnershipTransferred, "acme", func(w *world) error {
			return w.svc.TransferOwnership(t.Context(), w.as("ann"), "acme", "bob")
		}},
		{"making an owner", accounts.EventMemberRoleChanged, "acme", func(w *world) error {
			return w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Owner)
		}},
		{"closing an account", accounts.EventAccountClosed, "acme", func(w *world) error {
			return w.svc.CloseAccount(t.Context(), w.as("ann"), "acme")
		}},
		{"erasing oneself", accounts.EventUserErased, "", func(w *world) error {
			return w.svc.EraseUser(t.Context(), w.as("ann"), "ann")
		}},
		{"exporting oneself", accounts.EventUserExported, "", func(w *world) error {
			return w.svc.ExportUser(t.Context(), w.as("ann"), "ann", func(accounts.HeldKind, any) error { return nil })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := office(t)
			u := confirming("ann")
			u.Version = 1
			w.put(u, account("spare"), member("acme", "dan", roles.Owner))
			require.Equal(t, askedFor(tt.action, tt.account), tt.act(w))
			w.put(passed("ann", tt.action, "spare"), passed("ann", "another.action", tt.account))
			require.Equal(t, askedFor(tt.action, tt.account), tt.act(w))
			require.Empty(t, w.feed(), "who is asked for a code has not been refused yet")

			right := passed("ann", tt.action, tt.account)
			w.put(right)
			require.NoError(t, tt.act(w))
			got, err := w.st.Challenge(t.Context(), right.ChallengeKey)
			require.NoError(t, err)
			if tt.action == accounts.EventUserErased {
				require.Equal(t, accounts.Challenge{ChallengeKey: right.ChallengeKey}, got, "gone with everything else")
				return
			}
			require.Equal(t, start, got.UsedAt)
			other, err := w.st.Challenge(t.Context(), passed("ann", tt.action, "spare").ChallengeKey)
			require.NoError(t, err)
			require.Zero(t, other.UsedAt)
		})
	}
}

// Somebody who passed a code to make an owner keeps it while they give members
// lower roles, for which no code is asked.
func TestService_ChangeRole_keepsTheCode(t *testing.T) {
	t.Parallel()

	w := office(t)
	u := confirming("ann")
	u.Version = 1
	w.put(u, passed("ann", accounts.EventMemberRoleChanged, "acme"))
	require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "cid", roles.Author))
	require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Owner))
	require.Equal(t, askedFor(accounts.EventMemberRoleChanged, "acme"), w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "cid", roles.Owner))
}

// One code opens one act, also when two come at the same moment: whoever writes
// second is asked for another (A01).
func TestService_codeOnce(t *testing.T) {
	t.Parallel()

	w := office(t)
	u := confirming("ann")
	u.Version = 1
	w.put(u, passed("ann", accounts.EventMemberRoleChanged, "acme"))
	other := false
	err := w.tapped(func(method string, after bool) error {
		if method == "ApplyAccounts" && !after && !other {
			other = true
			require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Owner))
		}
		return nil
	}).ChangeRole(t.Context(), w.as("ann"), "acme", "cid", roles.Owner)
	require.Equal(t, askedFor(accounts.EventMemberRoleChanged, "acme"), err)
	require.Equal(t, roles.Viewer, w.membership("acme", "cid").Role)
}

// A phone number has one form, whatever people put between the digits.
func TestParsePhone(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name, given, want, reason string
	}{
		{"the plain form", "+491701234567", "+491701234567", ""},
		{"with spaces, dots, dashes and parentheses", " +49 (170) 12.34-567 ", "+491701234567", ""},
		{"with a space that does not break", "+49\u00a0170\u00a01234567", "+491701234567", ""},
		{"of 8 digits", "+12345678", "+12345678", ""},
		{"of 15 digits", "+123456789012345", "+123456789012345", ""},
		{"of 7 digits", "+1234567", "", "does not have 8 to 15 digits"},
		{"of 16 digits", "+1234567890123456", "", "does not have 8 to 15 digits"},
		{"of no digits", "+", "", "does not have 8 to 15 digits"},
		{"none", "", "", "is missing"},
		{"nothing but spaces", " \t ", "", "is missing"},
		{"without a country", "0170 1234567", "", "does not begin with + and the country's code"},
		{"with the international prefix of a country", "0049 170 1234567", "", "does not begin with + and the country's code"},
		{"with a country that begins with 0", "+0491701234567", "", "has a country's code that begins with 0"},
		{"with letters", "+49 170 CALLME", "", "has a character that a phone number cannot have"},
		{"with an extension", "+491701234567;ext=5", "", "has a character that a phone number cannot have"},
		{"with a second plus", "++491701234567", "", "has a character that a phone number cannot have"},
		{"with digits of another script", "+٤٩١٧٠١٢٣٤٥٦٧", "", "has a character that a phone number cannot have"},
		{"with a line break", "+4917012\r\n34567", "", "has a character that a phone number cannot have"},
		{"with a zero byte", "+4917012\x0034567", "", "has a character that a phone number cannot have"},
		{"with broken UTF-8", "+4917012\xff34567", "", "has a character that a phone number cannot have"},
		{"a very long one", "+" + strings.Repeat(" ", 64) + "12345678", "", "is too long"},
	} {
		got, err := accounts.ParsePhone(tt.given)
		require.Equal(t, tt.want, got, tt.name)
		if tt.reason == "" {
			require.NoError(t, err, tt.name)
			continue
		}
		require.Equal(t, &accounts.InvalidError{Field: "phone", Reason: tt.reason}, err, tt.name)
	}
}

// Whatever is given, the answer is a number in the one form, with the digits
// that were given, or an error for the field; and the form of a form is itself
// (A09).
func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"+491701234567", "+49 (170) 12.34-567", "+", "++1", "+0123456789", "\xff", "+1\u00a02345678"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := accounts.ParsePhone(s)
		if err != nil {
			require.Empty(t, got)
			require.Equal(t, "phone", field(t, err))
			return
		}
		require.Regexp(t, form, got)
		digits := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r < '0' || r > '9' {
					return -1
				}
				return r
			}, s)
		}
		require.Equal(t, digits(s), digits(got), "no digit is lost and none is made up")
		again, err := accounts.ParsePhone(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
