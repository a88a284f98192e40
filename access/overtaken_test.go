package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// google is an identity that nora has linked in the worlds of this file.
var google = accounts.IdentityKey{Issuer: "https://id.example", Subject: "1"}

// returned are the calls that return a login of nora's.
func returned() map[string]func(e *entrance) accounts.Login {
	return map[string]func(e *entrance) accounts.Login{
		"a password that was checked": func(e *entrance) accounts.Login {
			return must(e.logins.Verify(e.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{}))(e)
		},
		"a login at an issuer": func(e *entrance) accounts.Login {
			return must(e.logins.Arrive(e.Context(), access.HostLogin{Identity: google}))(e)
		},
		"a reset": func(e *entrance) accounts.Login {
			return must(e.logins.ResetPassword(e.Context(), e.resetLink("nora"), words))(e)
		},
	}
}

// overtakings are whatever ends nora's sessions and leaves her active. None
// moves the clock.
func overtakings() map[string]func(e *entrance, secret string) {
	return map[string]func(e *entrance, secret string){
		"she ended all sessions": func(e *entrance, secret string) {
			require.NoError(e, e.sessions.EndAll(e.Context(), e.self(secret), "nora"))
		},
		"an operator ended all sessions": func(e *entrance, _ string) {
			require.NoError(e, e.sessions.EndAll(e.Context(), operator, "nora"))
		},
		"the password was changed": func(e *entrance, secret string) {
			must(e.logins.ChangePassword(e.Context(), e.self(secret), words, others, access.Device{}))(e)
		},
		"the password was reset": func(e *entrance, _ string) {
			require.NoError(e, e.reset(e.resetLink("nora"), others))
		},
		"she was suspended and came back": func(e *entrance, _ string) {
			require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
			require.NoError(e, e.svc.ReactivateUser(e.Context(), operator, "nora"))
		},
	}
}

// A login that a call returned, and nobody had used when its user's sessions
// were ended, is none: it opens no session, makes none fresh and admits to
// nothing, also at the very same moment. One of since does all three (A14, A25,
// A74, I-09).
func TestLogin_overtaken(t *testing.T) {
	t.Parallel()
	for by, get := range returned() {
		for what, overtake := range overtakings() {
			t.Run(by+", and then "+what, func(t *testing.T) {
				t.Parallel()
				e := newEntrance(t)
				_, actor := e.newcomer("nora")
				require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
				login := get(e)
				require.Equal(t, e.stored("nora").Epoch, login.Epoch)
				secret := e.login("nora")
				must(e.sessions.ForUser(t.Context(), login, ""))(t)

				overtake(e, secret)
				again, _, err := e.sessions.Start(t.Context(), accounts.Login{User: "nora"}, access.Device{})
				require.NoError(t, err, "a login of the host's own, of since")
				was := e.all()

				got, s, err := e.sessions.Start(t.Context(), login, access.Device{})
				require.ErrorIs(t, err, accounts.ErrStepUp)
				require.True(t, got.IsZero())
				require.Zero(t, s)
				login.ByLink = false // else that alone would refuse it
				got, err = e.sessions.Renew(t.Context(), again.Reveal(), login)
				require.ErrorIs(t, err, accounts.ErrStepUp)
				require.True(t, got.IsZero())
				for _, at := range []time.Time{login.At, e.env.Now(), e.env.Now().Add(time.Hour)} {
					e.clock.Set(at)
					login.At = at
					p, err := e.sessions.ForUser(t.Context(), login, "")
					require.ErrorIs(t, err, access.ErrNoSession, "whatever the host says of its time")
					require.Equal(t, access.Principal{}, p)
				}
				e.clock.Set(start())
				require.Equal(t, was, e.all(), "and nothing is written")

				login.Epoch, login.At = e.stored("nora").Epoch, start()
				require.NoError(t, e.try(again.Reveal(), ""), "the session is as it was")
				must(e.sessions.Renew(t.Context(), again.Reveal(), login))(t)
				_, _, err = e.sessions.Start(t.Context(), login, access.Device{})
				require.NoError(t, err)
				must(e.sessions.ForUser(t.Context(), login, ""))(t)
			})
		}
	}
}

// A login that a call returned counts from its own moment on, also where it was
// itself what ended all others at that moment; a host's own login of that moment
// cannot be told from one of before, and is none (A14).
func TestLogin_ofTheSameMoment(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	e.newcomer("nora")
	login := must(e.logins.ResetPassword(t.Context(), e.resetLink("nora"), others))(t)
	require.Equal(t, login.At, e.stored("nora").EpochAt)
	p := must(e.sessions.ForUser(t.Context(), login, ""))(t)
	require.True(t, p.AuthAt.IsZero(), "it came by a mailed link")
	proven := must(e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: others}, access.Device{}))(t)
	p = must(e.sessions.ForUser(t.Context(), proven, ""))(t)
	require.NoError(t, e.logins.AskAddress(t.Context(), p.Actor(), "new@example.com"))
	_, err := e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: login.At}, "")
	require.ErrorIs(t, err, access.ErrNoSession)
}

// What ends a user's sessions between the reading and the writing of a login
// that is opened, or renews a session, counts: that login was overtaken (A25,
// I-09).
func TestRace_overtaken(t *testing.T) {
	t.Parallel()
	for what, overtake := range overtakings() {
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		login := must(e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{}))(t)
		before := e.stored("nora").Logins
		e.st.on(beforeWrite(1, func() { overtake(e, secret) }))
		got, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		e.st.on(nil)
		require.ErrorIs(t, err, accounts.ErrStepUp, what)
		require.True(t, got.IsZero())
		require.Equal(t, before, e.stored("nora").Logins, what)
		list, err := e.sessions.List(t.Context(), job, "nora", access.SessionPage{})
		require.NoError(t, err)
		if what != "the password was changed" { // whose own session goes on
			require.Empty(t, list, what)
		}
	}
}

// An issuer's login that was taken away opens nothing any more, also where a
// call returned the login before; sessions that it opened go on until all are
// ended (A24).
func TestLogin_unlinkedSince(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	own, actor := e.newcomer("nora")
	require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
	login := must(e.logins.Arrive(t.Context(), access.HostLogin{Identity: google}))(t)
	opened, _, err := e.sessions.Start(t.Context(), login, access.Device{})
	require.NoError(t, err)

	require.NoError(t, e.logins.Unlink(t.Context(), actor, google))
	_, _, err = e.sessions.Start(t.Context(), login, access.Device{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	_, err = e.sessions.Renew(t.Context(), own, login)
	require.ErrorIs(t, err, accounts.ErrNotFound)
	require.NoError(t, e.try(opened.Reveal(), ""), "what it opened before")
	require.NoError(t, e.sessions.EndAll(t.Context(), actor, "nora"))
	require.ErrorIs(t, e.try(opened.Reveal(), ""), access.ErrNoSession)
}
