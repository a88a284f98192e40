package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestSessions_Start(t *testing.T) {
	t.Parallel()

	t.Run("a user's login opens a session, whose secret is told once and kept as a hash", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		secret, s, err := w.sessions.Start(t.Context(), accounts.Login{User: "mia", Method: "password"}, access.Device{
			UserAgent: "Fire\r\nfox\x00" + strings.Repeat("é", 300), Source: strings.Repeat("1", 70),
		})
		require.NoError(t, err)
		hash, err := token.Parse(token.Session, secret.Reveal())
		require.NoError(t, err)
		stored, err := w.mem.Session(t.Context(), access.SessionKey{ID: s.ID})
		require.NoError(t, err)
		require.Equal(t, hash, stored.Hash)
		stored.Hash = token.Hash{}
		require.Equal(t, stored, s, "what is returned is what is stored, and nothing of the secret")
		require.NotContains(t, w.dump(), secret.Reveal())
		require.Equal(t, "Firefox"+strings.Repeat("é", 249), s.UserAgent, "256 characters on one line")
		require.Equal(t, strings.Repeat("1", 64), s.Source)
		require.Equal(t, "password", s.Method)
		require.Equal(t, start(), s.CreatedAt)

		p := w.principal(secret.Reveal(), "")
		require.Equal(t, accounts.UserID("mia"), p.User)
		require.Equal(t, "Mia", p.UserName)
		require.Equal(t, start(), p.AuthAt)
		require.Equal(t, start().Add(day), p.ExpiresAt)
		require.Empty(t, p.Account)
		require.True(t, p.None(), "without an account there is no right")
		require.Empty(t, p.Route())
	})

	t.Run("each login has a number of its own", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for want := int64(1); want < 4; want++ {
			_, s, err := w.sessions.Start(t.Context(), accounts.Login{User: "mia"}, access.Device{})
			require.NoError(t, err)
			require.Equal(t, want, s.Login)
		}
	})

	t.Run("a login by identity finds the user who was put with it, and nobody else", func(t *testing.T) { // A24
		t.Parallel()
		w := newWorld(t)
		key := accounts.IdentityKey{Issuer: "https://id.example", Subject: "s-1"}
		_, err := w.svc.PutUser(t.Context(), job, accounts.PutUser{
			ID: "mia", Name: "Mia", Email: "mia@example.com", Proven: true, Identities: []accounts.IdentityKey{key},
		})
		require.NoError(t, err)
		_, s, err := w.sessions.Start(t.Context(), accounts.Login{Identity: key, Method: "oidc"}, access.Device{})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("mia"), s.User)
		for _, bad := range []accounts.IdentityKey{
			{Issuer: "https://id.example", Subject: "S-1"},
			{Issuer: "https://id.example/", Subject: "s-1"},
			{Issuer: "https://id.example", Subject: "mia@example.com"},
			{Issuer: "https://other.example", Subject: "s-1"},
		} {
			secret, none, err := w.sessions.Start(t.Context(), accounts.Login{Identity: bad}, access.Device{})
			require.ErrorIs(t, err, accounts.ErrNotFound)
			require.True(t, secret.IsZero())
			require.Zero(t, none)
		}
	})

	for _, tt := range []struct {
		name  string
		given accounts.Login
		want  error
	}{
		{"an unknown user", accounts.Login{User: "nobody"}, accounts.ErrNotFound},
		{"nobody", accounts.Login{}, accounts.ErrInvalid},
		{"an id with a space", accounts.Login{User: "a b"}, accounts.ErrInvalid},
		{"an identity without a subject", accounts.Login{Identity: accounts.IdentityKey{Issuer: "x"}}, accounts.ErrInvalid},
		{"an identity without an issuer", accounts.Login{Identity: accounts.IdentityKey{Subject: "x"}}, accounts.ErrInvalid},
		{"a user and an identity that is not theirs", accounts.Login{User: "mia", Identity: accounts.IdentityKey{Issuer: "x", Subject: "y"}}, accounts.ErrNotFound},
		{"a method of two lines", accounts.Login{User: "mia", Method: "a\nb"}, accounts.ErrInvalid},
		{"a suspended user", accounts.Login{User: "eve"}, roles.ErrDenied}, // A25
	} {
		t.Run("no session opens for "+tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.svc.SuspendUser(t.Context(), accounts.Operator("help", "abuse"), "eve"))
			was := w.dump()
			secret, s, err := w.sessions.Start(t.Context(), tt.given, access.Device{})
			require.ErrorIs(t, err, tt.want)
			require.True(t, secret.IsZero())
			require.Zero(t, s)
			require.Equal(t, was, w.dump())
		})
	}
}

// At every account a principal has exactly the rights of this moment; what
// cannot be reached does not exist (A64).
func TestSessions_Principal_Routes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Author)
	mia := w.login("mia")

	own := w.principal(mia, "north")
	require.Equal(t, accounts.RouteMember, own.Route())
	require.Equal(t, roles.Manager, own.Direct())
	require.Empty(t, own.Agency)
	require.True(t, own.Can(roles.ManageRequests))

	there := w.principal(mia, "willow")
	require.Equal(t, accounts.RouteDelegate, there.Route())
	require.Equal(t, roles.Author, there.Delegated())
	require.Equal(t, accounts.AccountID("north"), there.Agency)
	require.Equal(t, "Northlight", there.AgencyName)
	require.Equal(t, "Willow Bakery", there.AccountName)
	require.False(t, there.Can(roles.ManageRequests))
	require.Equal(t, accounts.AccountID("willow"), there.Actor().Account())

	for _, account := range []accounts.AccountID{"rose", "nowhere", "no such id", accounts.AccountID(strings.Repeat("x", 65))} {
		require.ErrorIs(t, w.try(mia, account), accounts.ErrNotFound)
	}
	op := accounts.Operator("help", "abuse")
	require.NoError(t, w.svc.SuspendAccount(t.Context(), op, "willow"))
	require.ErrorIs(t, w.try(mia, "willow"), accounts.ErrNotFound)
	require.NoError(t, w.svc.ReactivateAccount(t.Context(), op, "willow"))
	require.Equal(t, roles.Author, w.principal(mia, "willow").Role(), "a pause ages nothing")
	require.NoError(t, w.svc.CloseAccount(t.Context(), w.as("cleo", "willow"), "willow"))
	require.ErrorIs(t, w.try(mia, "willow"), accounts.ErrNotFound)
}

// Whatever ends below a delegate's route ends the route at the next check, and
// the smaller of cap and assignment holds (A37, A49, A50, A53, I-09, I-15).
func TestSessions_Principal_RouteEnds(t *testing.T) {
	t.Parallel()
	key := accounts.ConnectionKey{Client: "willow", Agency: "north"}
	for name, end := range map[string]func(w *world) error{
		"is unassigned": func(w *world) error {
			_, err := w.svc.Unassign(w.Context(), w.as("ann", "north"), accounts.ConnectionKey{Client: "willow", Agency: "north"}, "mia")
			return err
		},
		"is removed from the agency": func(w *world) error {
			return w.svc.RemoveMember(w.Context(), w.as("ann", "north"), "north", "mia")
		},
		"is suspended in the agency": func(w *world) error {
			return w.svc.SuspendMember(w.Context(), w.as("ann", "north"), "north", "mia")
		},
		"loses the connection to the client": func(w *world) error {
			return w.svc.EndConnection(w.Context(), w.as("cleo", "willow"), "willow", key)
		},
		"loses the connection to the agency": func(w *world) error {
			return w.svc.EndConnection(w.Context(), w.as("ann", "north"), "north", key)
		},
		"loses the agency": func(w *world) error {
			return w.svc.CloseAccount(w.Context(), w.as("ann", "north"), "north")
		},
		"loses the programme": func(w *world) error { w.disable(); return nil },
	} {
		t.Run("a delegate who "+name+" is out at the next check", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("willow", roles.Admin)
			mia := w.login("mia")
			require.Equal(t, roles.Admin, w.principal(mia, "willow").Role())
			require.NoError(t, end(w))
			require.ErrorIs(t, w.try(mia, "willow"), accounts.ErrNotFound)
			require.NoError(t, w.try(mia, ""), "they are still signed in")
		})
	}

	t.Run("a lower cap limits at the next check, and raising it gives back what an assignment allows", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connect("willow", roles.Admin)
		mia := w.login("mia")
		require.NoError(t, w.svc.ChangeCap(t.Context(), w.as("cleo", "willow"), accounts.ConnectionKey{Client: "willow", Agency: "north"}, roles.Viewer))
		require.Equal(t, roles.Viewer, w.principal(mia, "willow").Role())
		require.NoError(t, w.svc.ChangeCap(t.Context(), w.as("cleo", "willow"), accounts.ConnectionKey{Client: "willow", Agency: "north"}, roles.Admin))
		require.Equal(t, roles.Admin, w.principal(mia, "willow").Role())
	})
}

// Two tabs on two accounts do not move each other: an actor acts at the
// account it was admitted to or is refused, and when that ends it is denied
// there, not moved elsewhere (A63, A65).
func TestSessions_TwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Admin)
	mia := w.login("mia")
	left, right := w.principal(mia, "north"), w.principal(mia, "willow")
	require.Equal(t, accounts.AccountID("north"), left.Account)
	require.Equal(t, accounts.AccountID("willow"), right.Account)

	_, err := w.requests.Send(t.Context(), right.Actor(), access.Batch{Agency: "north", Addresses: "a@example.com"})
	require.ErrorIs(t, err, accounts.ErrInvalid, "the actor of one account is refused at the other")
	require.Zero(t, w.count(access.EventRequestSent)-1, "beside the one that connected")
	_, err = w.requests.Send(t.Context(), left.Actor(), access.Batch{Agency: "north", Addresses: "a@example.com"})
	require.NoError(t, err)

	next, there, err := w.sessions.Switch(t.Context(), mia, "willow")
	require.NoError(t, err)
	require.Equal(t, accounts.AccountID("willow"), there.Account)
	require.Equal(t, accounts.AccountID("north"), w.principal(next.Reveal(), "north").Account, "the other tab stays where it is")

	require.NoError(t, w.svc.EndConnection(t.Context(), w.as("cleo", "willow"), "willow", accounts.ConnectionKey{Client: "willow", Agency: "north"}))
	require.ErrorIs(t, w.try(next.Reveal(), "willow"), accounts.ErrNotFound)
	require.Equal(t, roles.Manager, w.principal(next.Reveal(), "north").Role())
}

// Both limits end a session exactly when they are reached; use moves the idle
// one and never the absolute one (A61, A62).
func TestSessions_Limits(t *testing.T) {
	t.Parallel()

	t.Run("an hour without use ends it, and not a microsecond earlier", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		used, idle := w.login("mia"), w.login("mia")
		w.clock.Add(time.Hour - time.Microsecond)
		w.principal(used, "north")
		w.clock.Add(time.Microsecond)
		require.ErrorIs(t, w.try(idle, "north"), access.ErrNoSession)
		require.ErrorIs(t, w.try(idle, ""), access.ErrNoSession)
		w.principal(used, "north")
		w.clock.Add(-time.Hour)
		w.principal(used, "north")
	})

	t.Run("twenty-four hours end it whatever is done", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		secret := w.login("mia")
		for w.env.Now().Before(start().Add(day - 30*time.Minute)) {
			w.clock.Add(30 * time.Minute)
			next, p, err := w.sessions.Switch(t.Context(), secret, "north") // switching is use, and no more
			require.NoError(t, err)
			require.Equal(t, start().Add(day), p.ExpiresAt)
			secret = next.Reveal()
		}
		w.clock.Set(start().Add(day - time.Microsecond))
		w.principal(secret, "north")
		w.clock.Set(start().Add(day))
		require.ErrorIs(t, w.try(secret, "north"), access.ErrNoSession)
		_, _, err := w.sessions.Switch(t.Context(), secret, "north")
		require.ErrorIs(t, err, access.ErrNoSession)
		_, _, err = w.sessions.Return(t.Context(), secret)
		require.ErrorIs(t, err, access.ErrNoSession)
	})

	t.Run("somebody else's account wants use within the last half hour", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connect("willow", roles.Author)
		mia := w.login("mia")
		w.clock.Add(30*time.Minute - time.Microsecond)
		idle := w.login("mia")
		require.Equal(t, roles.Author, w.principal(mia, "willow").Role())
		w.clock.Add(30 * time.Minute)
		for range 3 { // asking again and again is no use that counts
			require.ErrorIs(t, w.try(idle, "willow"), accounts.ErrStepUp)
			_, _, err := w.sessions.Switch(t.Context(), idle, "willow")
			require.ErrorIs(t, err, accounts.ErrStepUp)
			w.clock.Add(time.Minute)
		}
		require.Equal(t, roles.Manager, w.principal(idle, "north").Role(), "one's own is open")
	})

	t.Run("somebody else's account wants a login of the last twelve hours", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connect("willow", roles.Author)
		mia := w.login("mia")
		for range 12*60/20 - 1 {
			w.clock.Add(20 * time.Minute)
			w.principal(mia, "north")
		}
		w.clock.Set(start().Add(12*time.Hour - time.Microsecond))
		require.Equal(t, roles.Author, w.principal(mia, "willow").Role())
		w.clock.Set(start().Add(12 * time.Hour))
		require.ErrorIs(t, w.try(mia, "willow"), accounts.ErrStepUp)
		require.NoError(t, w.try(mia, "north"))
		require.Equal(t, roles.Author, w.principal(w.login("mia"), "willow").Role(), "a new login mends it")
	})

	t.Run("who is a member too keeps that, and loses what is delegated", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connect("willow", roles.Admin)
		require.NoError(t, w.svc.AddMember(t.Context(), job, "willow", "mia", roles.Viewer))
		mia := w.login("mia")
		both := w.principal(mia, "willow")
		require.Equal(t, []roles.Role{roles.Viewer, roles.Admin}, []roles.Role{both.Direct(), both.Delegated()})
		require.Equal(t, accounts.RouteMember, both.Route())
		require.Equal(t, accounts.AccountID("north"), both.Agency)
		w.clock.Add(31 * time.Minute)
		old := w.principal(mia, "willow")
		require.Equal(t, roles.Viewer, old.Role())
		require.Empty(t, old.Agency)
	})
}

// Use is written down at most once a minute, forward only, and costs no answer
// when it cannot be.
func TestSessions_Touch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.login("mia")
	touches := 0
	w.st.on(func(call string, do func() error) error {
		if writes(call) {
			touches++
		}
		return do()
	})
	for range 100 {
		w.principal(secret, "north")
	}
	require.Zero(t, touches)
	for i := range 10 {
		w.clock.Add(time.Minute - time.Microsecond)
		w.principal(secret, "north")
		require.Equal(t, i, touches)
		w.clock.Add(time.Microsecond)
		w.principal(secret, "north")
		w.principal(secret, "")
		require.Equal(t, i+1, touches)
	}
	events := len(w.events())
	w.clock.Add(-5 * time.Minute)
	w.principal(secret, "north")
	require.Equal(t, 10, touches, "a clock that goes back writes nothing")
	require.Len(t, w.events(), events, "a touch is no event")

	w.clock.Add(10 * time.Minute)
	w.st.on(func(call string, do func() error) error {
		if writes(call) {
			return errBroken
		}
		return do()
	})
	w.principal(secret, "north")
}

// Switching and returning give a new secret, and the old one is dead at once
// (A60, I-18).
func TestSessions_SwitchAndReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Author)
	first := w.login("mia")
	seen := []string{first}
	step := func(secret token.Secret, p access.Principal, err error) access.Principal {
		t.Helper()
		require.NoError(t, err)
		for _, old := range seen {
			require.NotEqual(t, old, secret.Reveal())
			require.ErrorIs(t, w.try(old, ""), access.ErrNoSession)
			_, _, err := w.sessions.Switch(t.Context(), old, "north")
			require.ErrorIs(t, err, access.ErrNoSession)
			require.ErrorIs(t, w.sessions.SignOut(t.Context(), old), access.ErrNoSession)
		}
		seen = append(seen, secret.Reveal())
		require.Equal(t, p, w.principal(secret.Reveal(), p.Account), "the answer is what the next request sees")
		return p
	}
	latest := func() string { return seen[len(seen)-1] }

	_, _, err := w.sessions.Return(t.Context(), first)
	require.ErrorIs(t, err, accounts.ErrNotFound, "there is nothing to return to")
	require.Equal(t, roles.Manager, step(w.sessions.Switch(t.Context(), latest(), "north")).Role())
	require.Equal(t, roles.Author, step(w.sessions.Switch(t.Context(), latest(), "willow")).Role())
	require.Equal(t, accounts.AccountID("north"), step(w.sessions.Return(t.Context(), latest())).Account)
	_, _, err = w.sessions.Return(t.Context(), latest())
	require.ErrorIs(t, err, accounts.ErrNotFound, "one step, once")

	w.connect("rose", roles.Author)
	step(w.sessions.Switch(t.Context(), latest(), "willow"))
	step(w.sessions.Switch(t.Context(), latest(), "rose"))
	require.Equal(t, accounts.AccountID("north"), step(w.sessions.Return(t.Context(), latest())).Account,
		"however many clients' accounts come in between, the way back is to one's own")

	for _, account := range []accounts.AccountID{"lost", "nowhere"} { // A64
		_, _, err := w.sessions.Switch(t.Context(), latest(), account)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		w.principal(latest(), "north") // and the session stays as it was
	}
	_, _, err = w.sessions.Switch(t.Context(), latest(), "")
	require.ErrorIs(t, err, accounts.ErrInvalid)

	step(w.sessions.Switch(t.Context(), latest(), "willow"))
	require.NoError(t, w.svc.RemoveMember(t.Context(), w.as("ann", "north"), "north", "mia"))
	_, _, err = w.sessions.Return(t.Context(), latest())
	require.ErrorIs(t, err, accounts.ErrNotFound, "what was left is left for good when the way is gone")
	w.principal(latest(), "")
	require.Equal(t, 5, w.count(access.EventSessionSwitched))
	require.Equal(t, 2, w.count(access.EventSessionReturned))
}

// Anything that is no live session secret is one answer (A09, A10, A61).
func TestSessions_Principal_BadSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("cleo@example.com")
	good := w.login("mia")
	request := w.link("cleo@example.com")
	ended := w.login("mia")
	require.NoError(t, w.sessions.SignOut(t.Context(), ended))
	require.NoError(t, w.sessions.SignOut(t.Context(), ended), "signing out again changes nothing")
	last := "A"
	if strings.HasSuffix(good, "A") {
		last = "B"
	}
	was := w.dump()
	for name, secret := range map[string]string{
		"nothing":                             "",
		"a NUL":                               "\x00",
		"one character":                       "A",
		"a megabyte":                          strings.Repeat("A", 1<<20),
		"a prefix alone":                      "cses_",
		"another alphabet":                    "cses_" + strings.Repeat("a", 52),
		"a well-formed one never issued":      "cses_" + strings.Repeat("A", 52),
		"one with its last character changed": good[:len(good)-1] + last,
		"one with a space":                    good + " ",
		"one in lower case":                   strings.ToLower(good),
		"the link of an access request":       request, // A05
		"a link with a session's prefix":      "cses_" + strings.TrimPrefix(request, "creq_"),
		"one that was signed out":             ended,
	} {
		p, err := w.sessions.Principal(t.Context(), secret, "north")
		require.Equal(t, access.ErrNoSession, err, name)
		require.Equal(t, access.Principal{}, p, name)
		_, _, err = w.sessions.Switch(t.Context(), secret, "north")
		require.Equal(t, access.ErrNoSession, err, name)
		_, _, err = w.sessions.Return(t.Context(), secret)
		require.Equal(t, access.ErrNoSession, err, name)
		if secret != ended {
			require.Equal(t, access.ErrNoSession, w.sessions.SignOut(t.Context(), secret), name)
		}
	}
	for name, link := range map[string]string{
		"nothing": "", "a megabyte": strings.Repeat("A", 1<<20), "a session's secret": good,
		"a secret with a link's prefix": "creq_" + strings.TrimPrefix(good, "cses_"), "one never issued": "creq_" + strings.Repeat("A", 52),
	} {
		_, err := w.requests.Peek(t.Context(), link)
		require.Equal(t, accounts.ErrNotFound, err, name)
	}
	require.Equal(t, was, w.dump())
}
