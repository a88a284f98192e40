package access_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Sessions are listed and ended, one by one or all, by their user, a job or an
// operator; to anybody else they do not exist (A71).
//
//nolint:paralleltest // its subtests are steps of one story
func TestSessions_ListAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var secrets []string
	for range 5 {
		w.clock.Add(time.Second)
		secrets = append(secrets, w.login("mia"))
	}
	mia := w.principal(secrets[4], "").Actor()
	list, err := w.sessions.List(t.Context(), mia, "mia", access.SessionPage{})
	require.NoError(t, err)
	require.Len(t, list, 5)
	require.Equal(t, int64(5), list[0].Login, "newest first")
	page, err := w.sessions.List(t.Context(), mia, "mia", access.SessionPage{Before: list[1].ID, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, list[2:4], page)

	for _, actor := range []accounts.Actor{{}, w.as("ann", "north"), w.as("eve", "elm")} {
		_, err := w.sessions.List(t.Context(), actor, "mia", access.SessionPage{})
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.ErrorIs(t, w.sessions.End(t.Context(), actor, list[0].ID), accounts.ErrNotFound)
		require.ErrorIs(t, w.sessions.End(t.Context(), actor, "id-unknown"), accounts.ErrNotFound)
		require.ErrorIs(t, w.sessions.EndAll(t.Context(), actor, "mia"), accounts.ErrNotFound)
	}

	require.NoError(t, w.sessions.End(t.Context(), mia, list[4].ID))
	require.NoError(t, w.sessions.End(t.Context(), mia, list[4].ID), "ending it again changes nothing")
	require.ErrorIs(t, w.try(secrets[0], ""), access.ErrNoSession)
	op := accounts.Operator("help", "lost a phone")
	require.NoError(t, w.sessions.End(t.Context(), op, list[3].ID))
	require.ErrorIs(t, w.try(secrets[1], ""), access.ErrNoSession)
	require.NoError(t, w.try(secrets[2], ""))
	require.Equal(t, 2, w.count(access.EventSessionEnded))
	list, err = w.sessions.List(t.Context(), op, "mia", access.SessionPage{})
	require.NoError(t, err)
	require.Len(t, list, 3)

	require.NoError(t, w.sessions.EndAll(t.Context(), mia, "mia"))
	for _, s := range secrets {
		require.ErrorIs(t, w.try(s, ""), access.ErrNoSession)
	}
	list, err = w.sessions.List(t.Context(), job, "mia", access.SessionPage{})
	require.NoError(t, err)
	require.Empty(t, list, "ended sessions are not listed")
	require.Equal(t, 1, w.count(access.EventSessionsEnded))

	t.Run("an actor of before the end tends nothing any more", func(t *testing.T) { // I-09
		again := w.login("mia")
		id := w.principal(again, "").Session
		_, err := w.sessions.List(t.Context(), mia, "mia", access.SessionPage{})
		require.ErrorIs(t, err, accounts.ErrStepUp)
		require.ErrorIs(t, w.sessions.End(t.Context(), mia, id), accounts.ErrStepUp)
		require.ErrorIs(t, w.sessions.EndAll(t.Context(), mia, "mia"), accounts.ErrStepUp)
		require.NoError(t, w.try(again, ""))
	})

	t.Run("sessions that have outlived themselves are not listed", func(t *testing.T) {
		w.login("mia")
		w.clock.Add(time.Hour)
		list, err := w.sessions.List(t.Context(), job, "mia", access.SessionPage{})
		require.NoError(t, err)
		require.Empty(t, list)
	})

	t.Run("somebody who does not exist has none", func(t *testing.T) {
		_, err := w.sessions.List(t.Context(), job, "nobody", access.SessionPage{})
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.ErrorIs(t, w.sessions.EndAll(t.Context(), job, "nobody"), accounts.ErrNotFound)
		require.ErrorIs(t, w.sessions.EndAll(t.Context(), job, ""), accounts.ErrInvalid)
		require.ErrorIs(t, w.sessions.End(t.Context(), job, ""), accounts.ErrInvalid)
	})
}

// Suspending a user ends their sessions at the next check, and reactivating
// revives none, in whichever way the host keeps sessions (A74, I-19).
func TestSessions_SuspendedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := accounts.Operator("help", "abuse")
	own := w.login("mia")
	actor := w.principal(own, "north").Actor()
	loginAt := w.env.Now()
	w.clock.Add(time.Second)
	require.NoError(t, w.svc.SuspendUser(t.Context(), op, "mia"))
	out := func() {
		t.Helper()
		require.ErrorIs(t, w.try(own, "north"), access.ErrNoSession)
		_, err := w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: loginAt}, "north")
		require.ErrorIs(t, err, access.ErrNoSession)
		_, err = w.requests.Send(t.Context(), actor, access.Batch{Agency: "north", Addresses: "a@example.com"})
		require.ErrorIs(t, err, accounts.ErrStepUp)
		_, err = w.requests.Clients(t.Context(), actor, "north", access.ClientPage{})
		require.ErrorIs(t, err, accounts.ErrStepUp)
	}
	out()
	_, err := w.sessions.Chooser(t.Context(), actor, access.ChoicePage{})
	require.ErrorIs(t, err, accounts.ErrStepUp)
	w.clock.Add(time.Second)
	require.NoError(t, w.svc.ReactivateUser(t.Context(), op, "mia"))
	out()
	_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: loginAt.Add(2 * time.Second)}, "north")
	require.ErrorIs(t, err, access.ErrNoSession, "a login at the moment of the reactivation is none either")
	w.clock.Add(time.Microsecond)
	require.NoError(t, w.try(w.login("mia"), "north"))
	_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: w.env.Now()}, "north")
	require.NoError(t, err)
}

// Under a clock that stands still, counters tell what came first: of two
// sessions with one time, only the later login survives a reactivation.
func TestSessions_ReactivatedMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.login("mia")
	ann := w.as("ann", "north")
	require.NoError(t, w.svc.SuspendMember(t.Context(), ann, "north", "mia"))
	require.ErrorIs(t, w.try(old, "north"), accounts.ErrNotFound)
	during := w.login("mia")
	require.NoError(t, w.svc.ReactivateMember(t.Context(), ann, "north", "mia"))
	later := w.login("mia")
	require.ErrorIs(t, w.try(old, "north"), accounts.ErrNotFound)
	require.ErrorIs(t, w.try(during, "north"), accounts.ErrNotFound)
	require.NoError(t, w.try(later, "north"))
	require.NoError(t, w.try(old, ""), "it was the account's suspension, not the person's (D6)")

	_, err := w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: w.env.Now()}, "north")
	require.ErrorIs(t, err, accounts.ErrNotFound, "a login time that is not later proves nothing")
	w.clock.Add(time.Microsecond)
	_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: w.env.Now()}, "north")
	require.NoError(t, err)
}

// A host with sessions of its own asks with the time of the login.
func TestSessions_ForUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Author)
	now := w.env.Now()
	p, err := w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: now.In(time.FixedZone("x", 3600))}, "willow")
	require.NoError(t, err)
	require.Equal(t, accounts.AccountID("north"), p.Agency)
	require.Equal(t, roles.Author, p.Role())
	require.Empty(t, p.Session)
	require.Zero(t, p.ExpiresAt)
	require.Equal(t, now, p.AuthAt)
	p, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: now}, "north")
	require.NoError(t, err)
	_, err = w.requests.Send(t.Context(), p.Actor(), access.Batch{Agency: "north", Addresses: "a@example.com"})
	require.NoError(t, err)

	for _, tt := range []struct {
		name    string
		user    accounts.UserID
		loginAt time.Time
		account accounts.AccountID
		want    error
	}{
		{"nobody", "", now, "", accounts.ErrInvalid},
		{"an unknown user", "nobody", now, "", access.ErrNoSession},
		{"no login", "mia", time.Time{}, "", access.ErrNoSession},
		{"a login in the future", "mia", now.Add(time.Microsecond), "", access.ErrNoSession},
		{"an account out of reach", "mia", now, "rose", accounts.ErrNotFound},
		{"an account that is none", "mia", now, "nowhere", accounts.ErrNotFound},
		{"an account with a bad id", "mia", now, "no where", accounts.ErrNotFound},
		{"somebody else's account with a login of twelve hours ago", "mia", now.Add(-12 * time.Hour), "willow", accounts.ErrStepUp},
	} {
		p, err := w.sessions.ForUser(t.Context(), accounts.Login{User: tt.user, At: tt.loginAt}, tt.account)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Equal(t, access.Principal{}, p, tt.name)
	}
	_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "mia", At: now.Add(-12*time.Hour + time.Microsecond)}, "willow")
	require.NoError(t, err)

	t.Run("moments that are stored as one are not told apart", func(t *testing.T) {
		w.clock.Set(start().Add(700 * time.Nanosecond))
		_, err := w.sessions.ForUser(t.Context(), accounts.Login{User: "eve", At: w.clock.Now()}, "elm")
		require.NoError(t, err, "a login of this very moment is not in the future")
		require.NoError(t, w.sessions.EndAll(t.Context(), job, "eve"))
		_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "eve", At: start().Add(600 * time.Nanosecond)}, "elm")
		require.ErrorIs(t, err, access.ErrNoSession, "a login of before the end is none, however little before")
		w.clock.Add(time.Microsecond)
		_, err = w.sessions.ForUser(t.Context(), accounts.Login{User: "eve", At: w.clock.Now()}, "elm")
		require.NoError(t, err)
	})
}

// The chooser shows exactly what can be entered, by every route, with the role
// that holds there, paged and searched (A64).
func TestSessions_Chooser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Author)
	w.connect("rose", roles.Admin)
	require.NoError(t, w.svc.AddMember(t.Context(), job, "willow", "mia", roles.Viewer))
	mia := w.as("mia", "north")
	list := func(page access.ChoicePage) []string {
		t.Helper()
		got, err := w.sessions.Chooser(t.Context(), mia, page)
		require.NoError(t, err)
		var out []string
		for _, c := range got {
			out = append(out, fmt.Sprintf("%s as %s %s %s", c.Name, c.Kind, c.Effective, c.AgencyName))
		}
		return out
	}
	all := []string{
		"Northlight as member manager ", "Rose Garden as delegate admin Northlight",
		"Willow Bakery as member viewer ", "Willow Bakery as delegate author Northlight",
	}
	require.Equal(t, all, list(access.ChoicePage{}))
	require.Equal(t, all[2:], list(access.ChoicePage{Search: "wILLOW"}))
	require.Empty(t, list(access.ChoicePage{Search: "elm"}))
	var paged []string
	var at accounts.ReachCursor
	for {
		page, err := w.sessions.Chooser(t.Context(), mia, access.ChoicePage{After: at, Limit: 1})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		at = page[0].Cursor()
		paged = append(paged, fmt.Sprintf("%s as %s %s %s", page[0].Name, page[0].Kind, page[0].Effective, page[0].AgencyName))
	}
	require.Equal(t, all, paged)

	require.NoError(t, w.svc.ChangeCap(t.Context(), w.as("cleo", "rose"), accounts.ConnectionKey{Client: "rose", Agency: "north"}, roles.Viewer))
	require.NoError(t, w.svc.SuspendMember(t.Context(), w.as("cleo", "willow"), "willow", "mia"))
	require.Equal(t, []string{all[0], "Rose Garden as delegate viewer Northlight"}, list(access.ChoicePage{}), "a suspended membership bars every route")
	require.NoError(t, w.svc.SuspendAccount(t.Context(), accounts.Operator("help", "abuse"), "rose"))
	require.Equal(t, all[:1], list(access.ChoicePage{}))

	_, err := w.sessions.Chooser(t.Context(), job, access.ChoicePage{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	_, err = w.sessions.Chooser(t.Context(), mia, access.ChoicePage{Search: "a\x00"})
	require.ErrorIs(t, err, accounts.ErrInvalid)
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := access.NewRequests(nil, w.env)
	require.ErrorIs(t, err, accounts.ErrInvalid)
	_, err = access.NewSessions(nil, w.env)
	require.ErrorIs(t, err, accounts.ErrInvalid)
	r, err := access.NewRequests(w.mem, nil)
	require.NoError(t, err)
	_, err = r.Peek(t.Context(), "x")
	require.ErrorIs(t, err, accounts.ErrNotFound)
	s, err := access.NewSessions(w.mem, nil)
	require.NoError(t, err)
	_, _, err = s.Start(t.Context(), accounts.Login{User: "mia"}, access.Device{})
	require.NoError(t, err)

	t.Run("services join the host's transaction, and what they did is gone with it", func(t *testing.T) {
		was := w.dump()
		tx := w.mem.Begin()
		secret, _, err := w.sessions.With(tx.Store()).Start(t.Context(), accounts.Login{User: "mia"}, access.Device{})
		require.NoError(t, err)
		p, err := w.sessions.With(tx.Store()).Principal(t.Context(), secret.Reveal(), "north")
		require.NoError(t, err)
		_, err = w.requests.With(tx.Store()).Send(t.Context(), p.Actor(), access.Batch{Agency: "north", Addresses: "a@example.com"})
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		require.Equal(t, was, w.dump())
		require.Zero(t, w.flush(), "and no mail goes out (A84)")
	})
}

// A session that is too old for work in somebody else's account does no such
// work through any door: not by asking for the account, not by an actor that
// was admitted to none, and not from the agency (A62).
func TestSessions_TooOldForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Admin)
	secret := w.login("mia")
	for range 29 { // in use all the time
		w.clock.Add(25 * time.Minute)
		w.principal(secret, "north")
	}
	require.ErrorIs(t, w.try(secret, "willow"), accounts.ErrStepUp)
	_, err := w.svc.Account(t.Context(), w.principal(secret, "").Actor(), "willow")
	require.ErrorIs(t, err, accounts.ErrStepUp)
	for _, account := range []accounts.AccountID{"", "north"} {
		_, err = w.svc.Assign(t.Context(), w.principal(secret, account).Actor(), accounts.Assign{Agency: "north", Client: "willow", User: "max", Role: roles.Viewer})
		require.ErrorIs(t, err, accounts.ErrStepUp)
	}
	_, err = w.svc.Account(t.Context(), w.principal(secret, "").Actor(), "north")
	require.NoError(t, err, "in one's own account it goes on")
}

// Whoever signs out is signed out, although the session got another secret by
// a switch at the same moment (A61).
func TestRace_SignOutAgainstSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.login("mia")
	var fresh string
	w.st.on(before(func() {
		s, _, err := w.sessions.Switch(t.Context(), secret, "north")
		require.NoError(t, err)
		fresh = s.Reveal()
	}))
	err := w.sessions.SignOut(t.Context(), secret)
	w.st.on(nil)
	require.NoError(t, err)
	require.ErrorIs(t, w.try(fresh, ""), access.ErrNoSession)
}
