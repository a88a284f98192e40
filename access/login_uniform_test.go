package access_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// sort is a sort of address that somebody may try from outside.
type sort struct {
	name  string
	email string // in the canonical form
	given string // the password that is tried; for one who has none, any
	make  func(e *entrance)
}

// sorts are all there are. Where there is a password, it is the right one, but
// for the first.
func sorts() []sort {
	nora := func(e *entrance) { e.newcomer("nora") }
	return []sort{
		{"a user, and another password", "nora@example.com", others, nora},
		{"nobody", "nobody@example.com", words, func(*entrance) {}},
		{"somebody who is suspended", "nora@example.com", words, func(e *entrance) {
			nora(e)
			require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
		}},
		{"somebody who was erased", "nora@example.com", words, func(e *entrance) {
			nora(e)
			require.NoError(e, e.svc.EraseUser(e.Context(), operator, "nora"))
		}},
		{"somebody who has no password", "nora@example.com", words, func(e *entrance) {
			_, err := e.logins.Arrive(e.Context(), access.HostLogin{
				ID: "nora", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "nora@example.com", Verified: true,
			})
			require.NoError(e, err)
		}},
		{"somebody whom the host keeps", "mia@example.com", words, func(*entrance) {}},
		{"somebody whom the host keeps since, with a password of before", "nora@example.com", words, func(e *entrance) {
			nora(e)
			_, err := e.svc.PutUser(e.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true})
			require.NoError(e, err)
		}},
		{"somebody whose stored password is unreadable", "nora@example.com", words, func(e *entrance) {
			nora(e)
			e.imported("nora", "$argon2id$v=19$m=4294967295,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA")
		}},
	}
}

// seen is all that somebody outside could see, or measure, of a call.
type seen struct {
	err    string
	calls  string // to the store, in their order
	writes int
	hashes int
	events int
	mails  int
}

// see runs a call and counts what it does. Hashes are counted by the memory
// that each takes, not by a clock.
func (e *entrance) see(memory int, call func() error) seen {
	e.Helper()
	mails := func() int { return len(must(e.mem.Mails(e.Context(), mail.Query{Limit: 1000}))(e)) }
	events, letters := len(e.events()), mails()
	var s seen
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	calls := e.calls(func() {
		if err := call(); err != nil {
			s.err = err.Error()
		}
	})
	runtime.ReadMemStats(&after)
	s.hashes = int(after.TotalAlloc-before.TotalAlloc+uint64(memory)/2) / memory
	for _, c := range calls {
		if writes(c) {
			s.writes++
		}
	}
	s.calls = strings.Join(calls, " ")
	s.events, s.mails = len(e.events())-events, mails()-letters
	return s
}

// Whatever an address is, whoever tries it sees one error, and the library does
// one thing: the same questions and writes in the same order, the same number
// of hashes, records and mails (A28).
//
//nolint:paralleltest // it counts what the program allocates
func TestLogins_oneAnswer(t *testing.T) {
	const memory = 4 << 20
	slow := &access.LoginOptions{
		Hasher: hasher(&password.Options{Memory: memory >> 10, Time: 1}), Passwords: rules(),
	}
	from := access.Device{Source: "192.0.2.1"}
	for _, tt := range []struct {
		name string
		call func(e *entrance, l *access.Logins, s sort) error
		want seen
	}{
		{"LogIn", func(e *entrance, l *access.Logins, s sort) error {
			secret, session, err := l.LogIn(e.Context(), access.LogIn{Email: s.email, Password: s.given}, from)
			require.True(e, secret.IsZero())
			require.Zero(e, session)
			return err
		}, seen{
			err: access.ErrCredentials.Error(), calls: "Entering ApplyAccess ApplyAccess", writes: 2, hashes: 1, events: 1,
		}},
		{"LogIn without a password", func(e *entrance, l *access.Logins, s sort) error {
			_, _, err := l.LogIn(e.Context(), access.LogIn{Email: s.email}, from)
			return err
		}, seen{
			err: access.ErrCredentials.Error(), calls: "Entering ApplyAccess ApplyAccess", writes: 2, events: 1,
		}},
		{"Verify", func(e *entrance, l *access.Logins, s sort) error {
			login, err := l.Verify(e.Context(), access.LogIn{Email: s.email, Password: s.given}, from)
			require.Zero(e, login)
			return err
		}, seen{
			err: access.ErrCredentials.Error(), calls: "Entering ApplyAccess ApplyAccess", writes: 2, hashes: 1, events: 1,
		}},
		{"AskReset", func(e *entrance, l *access.Logins, s sort) error {
			return l.AskReset(e.Context(), s.email, from)
		}, seen{
			calls: "Entering Ticket ApplyAccess", writes: 1, events: 1, mails: 1,
		}},
		{"SignUp", func(e *entrance, l *access.Logins, s sort) error {
			_, err := l.SignUp(e.Context(), access.SignUp{Email: s.email, Password: others}, from)
			return err
		}, seen{
			calls: "Entering Entering ApplyAccess", writes: 1, hashes: 1, events: 1, mails: 1,
		}},
		{"SignUp with an id", func(e *entrance, l *access.Logins, s sort) error {
			_, err := l.SignUp(e.Context(), access.SignUp{ID: "fresh", Email: s.email, Password: others}, from)
			return err
		}, seen{
			calls: "Entering Entering User ApplyAccess", writes: 1, hashes: 1, events: 1, mails: 1,
		}},
	} {
		for _, s := range sorts() {
			e := newEntrance(t)
			e.logins = e.restart(slow)
			s.make(e)
			e.clock.Add(day)
			got := e.see(memory, func() error { return tt.call(e, e.logins, s) })
			require.Equal(t, tt.want, got, "%s by %s", tt.name, s.name)
			require.Equal(t, tt.want.err != "", e.entering(s.email, "").Guesses.Count > 0)
			require.Equal(t, 1, e.entering(s.email, "192.0.2.1").Tries)
			require.Equal(t, tt.want.mails, e.entering(s.email, "").Links)
		}
	}

	// The scale weighs: a wrong password of before takes 8 KiB, and a right one
	// the hash that replaces it.
	e := newEntrance(t)
	e.signUp("nora")
	logins := e.restart(slow)
	try := func(given string) int {
		return e.see(memory, func() error {
			_, _, err := logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: given}, access.Device{})
			return err
		}).hashes
	}
	require.Equal(t, []int{0, 1, 1}, []int{try(others), try(words), try(words)})
}

// Once somebody has to wait, or no mail goes out any more, that too is one
// answer and one amount of work, without a hash; and nothing is written but that
// a reset was asked for (A28, A31).
//
//nolint:paralleltest // it counts what the program allocates
func TestLogins_oneRefusal(t *testing.T) {
	const memory = 4 << 20
	slow := &access.LoginOptions{Hasher: hasher(&password.Options{Memory: memory >> 10, Time: 1}), Passwords: rules()}
	for _, s := range sorts() {
		e := newEntrance(t)
		s.make(e)
		e.clock.Add(day)
		for range 5 {
			require.NoError(t, e.logins.AskReset(t.Context(), s.email, access.Device{}))
			_, err := e.logins.Verify(t.Context(), access.LogIn{Email: s.email, Password: strange}, access.Device{})
			require.ErrorIs(t, err, access.ErrCredentials)
		}
		logins := e.restart(slow)
		was := e.all()
		require.Equal(t, seen{err: "limit: too many events, retry after 1s", calls: "Entering"}, e.see(memory, func() error {
			_, _, err := logins.LogIn(t.Context(), access.LogIn{Email: s.email, Password: s.given}, access.Device{Source: "192.0.2.1"})
			return err
		}), s.name)
		require.Equal(t, seen{err: "chatelaine: daily limit of 5 reached; it opens again at 2026-03-04 00:00 UTC", calls: "Entering"}, e.see(memory, func() error {
			_, err := logins.SignUp(t.Context(), access.SignUp{Email: s.email, Password: others}, access.Device{Source: "192.0.2.1"})
			return err
		}), s.name)
		require.Equal(t, was, e.all(), s.name)
		require.Equal(t, seen{calls: "Entering Ticket ApplyAccess", writes: 1, events: 1}, e.see(memory, func() error {
			return logins.AskReset(t.Context(), s.email, access.Device{Source: "192.0.2.1"})
		}), s.name)

		// An hour later somebody may get a mail, and no more than that differs.
		e.clock.Add(time.Hour)
		got := e.see(memory, func() error {
			return logins.AskReset(t.Context(), s.email, access.Device{Source: "192.0.2.1"})
		})
		got.mails = 0
		require.Equal(t, seen{calls: "Entering Ticket ApplyAccess", writes: 1, events: 1}, got, s.name)
	}
}

// Mail about somebody who exists goes to their address as it is stored, in
// whatever spelling it was asked for; mail for nobody goes to the one address
// that the canonical form names (A22, A23).
func TestLogins_mailGoesToTheStoredAddress(t *testing.T) {
	t.Parallel()
	for _, s := range sorts() {
		e := newEntrance(t)
		s.make(e)
		e.clock.Add(day)
		e.flush()
		e.inbox.Reset()
		typed := "  " + strings.ToUpper(s.email[:1]) + strings.ReplaceAll(s.email[1:], "example.com", "ＥXAMPLE.com") + "\r\n"
		require.NoError(t, e.logins.AskReset(t.Context(), typed, access.Device{}))
		_, err := e.logins.SignUp(t.Context(), access.SignUp{Email: typed, Password: others}, access.Device{})
		require.NoError(t, err)
		secret, _, err := e.sessions.Start(t.Context(), accounts.Login{User: "ann"}, access.Device{})
		require.NoError(t, err)
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), e.self(secret.Reveal()), typed), accounts.ErrInvalid, "the host keeps ann's login")
		e.flush()
		require.Len(t, e.inbox.Messages(), 2, s.name)
		for _, m := range e.inbox.Messages() {
			require.Equal(t, s.email, m.To, s.name)
		}
		for _, two := range []string{"a@example.com,b@example.com", "a@example.com\nb@example.com", "a@example.com b@example.com", "<a@example.com>", ""} {
			require.ErrorIs(t, e.logins.AskReset(t.Context(), two, access.Device{}), accounts.ErrInvalid)
		}
	}
}
