package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestSessions_Renew(t *testing.T) {
	t.Parallel()

	t.Run("whoever proves anew who they are has a fresh session, with a new secret, and the old one is dead", func(t *testing.T) { // A60, I-18
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		before := e.principal(secret, "")
		e.clock.Add(45 * time.Minute)
		login := must(e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{}))(t)
		next := must(e.sessions.Renew(t.Context(), secret, login))(t)
		require.NotEqual(t, secret, next.Reveal())
		require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
		_, err := e.sessions.Renew(t.Context(), secret, login)
		require.ErrorIs(t, err, access.ErrNoSession)
		p := e.principal(next.Reveal(), "")
		require.Equal(t, before.Session, p.Session)
		require.Equal(t, e.env.Now(), p.AuthAt)
		require.Equal(t, before.ExpiresAt, p.ExpiresAt)
		require.True(t, p.Actor().Fresh(e.env.Now(), 10*time.Minute))
		require.NoError(t, e.logins.AskAddress(t.Context(), p.Actor(), "new@example.com"))
		list, err := e.sessions.List(t.Context(), p.Actor(), "nora", access.SessionPage{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		renewed := 0
		for _, ev := range e.events() {
			if ev.Kind == access.EventSessionRenewed {
				renewed++
				require.Equal(t, accounts.By{User: "nora", Session: p.Session}, ev.By)
			}
		}
		require.Equal(t, 1, renewed)
	})

	t.Run("it moves the idle limit on, and the absolute one never", func(t *testing.T) { // A62
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		login := accounts.Login{User: "nora", Method: "test"}
		for range 28 { // 23 hours and 20 minutes
			e.clock.Add(50 * time.Minute)
			secret = must(e.sessions.Renew(t.Context(), secret, login))(t).Reveal()
		}
		e.clock.Add(40*time.Minute - time.Microsecond)
		require.NoError(t, e.try(secret, ""))
		secret = must(e.sessions.Renew(t.Context(), secret, login))(t).Reveal()
		e.clock.Add(time.Microsecond)
		require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
		_, err := e.sessions.Renew(t.Context(), secret, login)
		require.ErrorIs(t, err, access.ErrNoSession)
	})

	t.Run("a session that ended, by whatever, is not renewed", func(t *testing.T) { // A61, A74
		t.Parallel()
		for _, tt := range []struct {
			name string
			end  func(e *entrance, secret string, actor accounts.Actor)
		}{
			{"signed out", func(e *entrance, secret string, _ accounts.Actor) {
				require.NoError(e, e.sessions.SignOut(e.Context(), secret))
			}},
			{"ended from another", func(e *entrance, secret string, _ accounts.Actor) {
				require.NoError(e, e.sessions.End(e.Context(), e.self(e.in("nora", words)), e.principal(secret, "").Session))
			}},
			{"all ended", func(e *entrance, _ string, actor accounts.Actor) {
				require.NoError(e, e.sessions.EndAll(e.Context(), actor, "nora"))
			}},
			{"idle for an hour", func(e *entrance, _ string, _ accounts.Actor) { e.clock.Add(time.Hour) }},
			{"suspended and reactivated", func(e *entrance, _ string, _ accounts.Actor) {
				require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
				require.NoError(e, e.svc.ReactivateUser(e.Context(), operator, "nora"))
			}},
			{"erased", func(e *entrance, _ string, actor accounts.Actor) {
				require.NoError(e, e.svc.EraseUser(e.Context(), actor, "nora"))
			}},
			{"the password changed elsewhere", func(e *entrance, _ string, _ accounts.Actor) {
				must(e.logins.ChangePassword(e.Context(), e.self(e.in("nora", words)), words, others, access.Device{}))(e)
			}},
			{"replaced by a switch", func(e *entrance, secret string, _ accounts.Actor) {
				require.NoError(e, e.svc.AddMember(e.Context(), job, "willow", "nora", roles.Viewer))
				_, _, err := e.sessions.Switch(e.Context(), secret, "willow")
				require.NoError(e, err)
			}},
		} {
			e := newEntrance(t)
			secret, actor := e.newcomer("nora")
			tt.end(e, secret, actor)
			next, err := e.sessions.Renew(t.Context(), secret, accounts.Login{User: "nora"})
			require.ErrorIs(t, err, access.ErrNoSession, tt.name)
			require.True(t, next.IsZero())
		}
	})

	t.Run("somebody else's login, a mailed link, or none renews nothing", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		google := accounts.IdentityKey{Issuer: "i", Subject: "s"}
		must(e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, ID: "otto"}))(t)
		was := e.all()
		for _, tt := range []struct {
			login accounts.Login
			want  error
		}{
			{accounts.Login{User: "otto"}, accounts.ErrInvalid},
			{accounts.Login{Identity: google}, accounts.ErrInvalid},
			{accounts.Login{User: "nora", ByLink: true}, accounts.ErrInvalid},
			{accounts.Login{User: "nora", Identity: google}, accounts.ErrNotFound},
			{accounts.Login{}, accounts.ErrInvalid},
			{accounts.Login{User: "nobody"}, accounts.ErrNotFound},
			{accounts.Login{Identity: accounts.IdentityKey{Issuer: "i", Subject: "S"}}, accounts.ErrNotFound},
			{accounts.Login{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s\x00"}}, accounts.ErrInvalid},
			{accounts.Login{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s\xff"}}, accounts.ErrInvalid},
			{accounts.Login{User: "nora", Method: strings.Repeat("m", 33)}, accounts.ErrInvalid},
		} {
			next, err := e.sessions.Renew(t.Context(), secret, tt.login)
			require.ErrorIs(t, err, tt.want, "%+v", tt.login)
			require.True(t, next.IsZero())
		}
		for _, bad := range []string{"", "cses_", strings.ToLower(secret), secret + "A", "cses_" + strings.Repeat("A", 52), strings.Repeat("A", 1<<20)} {
			_, err := e.sessions.Renew(t.Context(), bad, accounts.Login{User: "nora"})
			require.Equal(t, access.ErrNoSession, err)
		}
		require.Equal(t, was, e.all())
	})

	t.Run("a login at an issuer renews the session of the user whom it means", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, actor := e.newcomer("nora")
		google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "1"}
		require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
		e.clock.Add(20 * time.Minute)
		next := must(e.sessions.Renew(t.Context(), secret, accounts.Login{Identity: google, Method: "oidc"}))(t)
		require.NoError(t, e.logins.Unlink(t.Context(), e.self(next.Reveal()), google))
	})

	t.Run("it opens somebody else's account again, that was left idle or whose login is too old", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.connect("willow", roles.Manager)
		login := accounts.Login{User: "mia"}
		secret := e.login("mia")
		e.clock.Add(30 * time.Minute)
		require.ErrorIs(t, e.try(secret, "willow"), accounts.ErrStepUp)
		secret = must(e.sessions.Renew(t.Context(), secret, login))(t).Reveal()
		for range 36 { // 12 hours
			require.NoError(t, e.try(secret, "willow"))
			e.clock.Add(20 * time.Minute)
		}
		require.ErrorIs(t, e.try(secret, "willow"), accounts.ErrStepUp)
		require.NoError(t, e.try(secret, "north"))
		secret = must(e.sessions.Renew(t.Context(), secret, login))(t).Reveal()
		require.NoError(t, e.try(secret, "willow"))
	})

	t.Run("a membership that was reactivated since wants a login, and not a renewal", func(t *testing.T) { // A74
		t.Parallel()
		e := newEntrance(t)
		secret := e.login("cora")
		cleo := e.as("cleo", "willow")
		require.NoError(t, e.svc.SuspendMember(t.Context(), cleo, "willow", "cora"))
		require.NoError(t, e.svc.ReactivateMember(t.Context(), cleo, "willow", "cora"))
		secret = must(e.sessions.Renew(t.Context(), secret, accounts.Login{User: "cora"}))(t).Reveal()
		require.ErrorIs(t, e.try(secret, "willow"), accounts.ErrNotFound)
		require.NoError(t, e.try(e.login("cora"), "willow"))
	})

	t.Run("in a transaction of the host it is worth what the transaction is", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		tx := e.mem.Begin()
		next := must(e.sessions.With(tx.Store()).Renew(t.Context(), secret, accounts.Login{User: "nora"}))(t)
		require.NoError(t, tx.Rollback())
		require.NoError(t, e.try(secret, ""))
		require.ErrorIs(t, e.try(next.Reveal(), ""), access.ErrNoSession)
	})
}

// A login that a mailed link brought opens a session like any other, that is
// not fresh for anything (A71).
func TestSessions_Start_byLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, s, err := w.sessions.Start(t.Context(), accounts.Login{User: "ann", Method: "link", ByLink: true}, access.Device{})
	require.NoError(t, err)
	require.True(t, s.AuthAt.IsZero())
	p := w.principal(secret.Reveal(), "north")
	require.True(t, p.AuthAt.IsZero())
	require.Equal(t, roles.Owner, p.Role())
	require.ErrorIs(t, w.svc.CloseAccount(t.Context(), p.Actor(), "north"), accounts.ErrStepUp)
	require.ErrorIs(t, w.svc.TransferOwnership(t.Context(), p.Actor(), "north", "adam"), accounts.ErrStepUp)
	next, _, err := w.sessions.Switch(t.Context(), secret.Reveal(), "north")
	require.NoError(t, err)
	require.ErrorIs(t, w.svc.CloseAccount(t.Context(), w.principal(next.Reveal(), "north").Actor(), "north"), accounts.ErrStepUp, "moving makes it no fresher")
}

// A user has at most so many sessions at a time: the oldest ends for a new one,
// on record, whatever way the login took; other users' sessions stay (A71).
func TestSessions_limit(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t, func(o *accounts.EnvOptions) { o.Limits.Sessions = most })
			e.signUp("nora")
			other := e.login("mia")
			var secrets []string
			for i := range 12 {
				e.clock.Add(time.Second)
				if i%2 == 0 {
					secrets = append(secrets, e.in("nora", words))
				} else {
					secrets = append(secrets, e.login("nora"))
				}
				for j, secret := range secrets {
					if alive := len(secrets)-j <= most; alive {
						require.NoError(t, e.try(secret, ""))
					} else {
						require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
					}
				}
			}
			list, err := e.sessions.List(t.Context(), job, "nora", access.SessionPage{})
			require.NoError(t, err)
			require.Len(t, list, most)
			require.Equal(t, 12-most, e.count(access.EventSessionEnded))
			require.NoError(t, e.try(other, ""))
		})
	}

	t.Run("a hundred unless it is set", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		first := w.login("mia")
		for range 99 {
			w.login("mia")
		}
		require.NoError(t, w.try(first, ""))
		w.login("mia")
		require.ErrorIs(t, w.try(first, ""), access.ErrNoSession)
		list, err := w.sessions.List(t.Context(), job, "mia", access.SessionPage{Limit: 500})
		require.NoError(t, err)
		require.Len(t, list, 100)
	})

	t.Run("signing out makes room", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.Sessions = 2 })
		a, b := w.login("mia"), w.login("mia")
		require.NoError(t, w.sessions.SignOut(t.Context(), b))
		w.login("mia")
		require.NoError(t, w.try(a, ""))
	})

	t.Run("of many logins at once no more stay", func(t *testing.T) {
		t.Parallel()
		for name, h := range map[string]hook{"by chance": nil, "all having read first": gate(8)} {
			w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.Sessions = 3 })
			w.st.on(h)
			var do []func() error
			for range 8 {
				do = append(do, func() error {
					_, _, err := w.sessions.Start(t.Context(), accounts.Login{User: "mia"}, access.Device{})
					return err
				})
			}
			for _, err := range together(do...) {
				require.NoError(t, err, name)
			}
			w.st.on(nil)
			list, err := w.sessions.List(t.Context(), job, "mia", access.SessionPage{})
			require.NoError(t, err)
			require.Len(t, list, 3, name)
		}
	})
}

// Ending all sessions of a user ends the links about their login with them, and
// those not sent yet are not sent (A14, A87).
func TestSessions_EndAll_links(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	_, actor := e.newcomer("nora")
	reset := e.resetLink("nora")
	require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
	require.NoError(t, e.sessions.EndAll(t.Context(), actor, "nora"))
	require.Empty(t, e.kinds("new@example.com"))
	require.ErrorIs(t, e.reset(reset, others), accounts.ErrNotFound)
	require.NoError(t, e.reset(e.resetLink("nora"), others), "one that was asked for since is good")
}

// A login makes a session as fresh as it is itself, however late it is handed in:
// one that was kept for a while, or that claims to come from the future, opens
// nothing that wants a fresh one for longer (A71).
func TestSessions_freshAsTheLogin(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name string
		at   func(now time.Time) time.Time
		want func(now time.Time) time.Time
	}{
		{"a login without a moment is one of now", func(time.Time) time.Time { return time.Time{} }, func(now time.Time) time.Time { return now }},
		{"one of eleven minutes ago is not fresh", func(now time.Time) time.Time { return now.Add(-11 * time.Minute) }, func(now time.Time) time.Time { return now.Add(-11 * time.Minute) }},
		{"one of another time zone is kept in UTC", func(now time.Time) time.Time {
			return now.Add(-time.Minute).In(time.FixedZone("", 3600))
		}, func(now time.Time) time.Time { return now.Add(-time.Minute) }},
		{"one from the future is one of now", func(now time.Time) time.Time { return now.Add(time.Hour) }, func(now time.Time) time.Time { return now }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.user("ann")
			now := w.env.Now()
			login := accounts.Login{User: "ann", At: tt.at(now)}
			secret, s, err := w.sessions.Start(t.Context(), login, access.Device{})
			require.NoError(t, err)
			require.Equal(t, tt.want(now), s.AuthAt)

			w.clock.Add(30 * time.Minute)
			later := w.env.Now()
			login.At = tt.at(later)
			secret, err = w.sessions.Renew(t.Context(), secret.Reveal(), login)
			require.NoError(t, err)
			p, err := w.sessions.Principal(t.Context(), secret.Reveal(), "")
			require.NoError(t, err)
			require.Equal(t, tt.want(later), p.AuthAt)

			login.At = now.Add(-time.Hour)
			secret, err = w.sessions.Renew(t.Context(), secret.Reveal(), login)
			require.NoError(t, err)
			p, err = w.sessions.Principal(t.Context(), secret.Reveal(), "")
			require.NoError(t, err)
			require.Equal(t, tt.want(later), p.AuthAt, "an older login takes nothing away")
		})
	}
}
