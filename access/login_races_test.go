package access_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// beforeWrite runs another operation once, between everything that an operation
// read and its n-th write. The other operation's own calls pass.
func beforeWrite(n int, other func()) hook {
	inside := false
	return func(call string, do func() error) error {
		if writes(call) && !inside {
			if n--; n == 0 {
				inside = true
				other()
				inside = false
			}
		}
		return do()
	}
}

// interleavings are by chance, and the worst one.
func interleavings(n int) map[string]hook {
	return map[string]hook{"by chance": nil, "all having read before the first writes": gate(n)}
}

// Of many who sign up with one address at once one is a user, and all others
// are told the same (A21, I-03).
func TestRace_SignUp(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(4) {
		e := newEntrance(t)
		e.st.on(h)
		users := make([]accounts.User, 4)
		do := make([]func() error, 4)
		for i := range do {
			do[i] = func() (err error) {
				users[i], err = e.logins.SignUp(t.Context(), access.SignUp{
					ID: persons[i], Email: []string{"new@example.com", "New@Example.COM"}[i%2], Password: fmt.Sprintf("%s %d", words, i),
				}, access.Device{Source: "192.0.2.1"})
				return err
			}
		}
		for _, err := range together(do...) {
			require.NoError(t, err, name)
		}
		e.st.on(nil)
		made := 0
		for i, u := range users {
			if u.ID != "" {
				made++
				require.True(t, e.knows("new@example.com", fmt.Sprintf("%s %d", words, i)), name)
				require.Equal(t, u.ID, e.entering("new@example.com", "").Means.User.ID)
			}
		}
		require.Equal(t, 1, made, name)
		require.Equal(t, 1, e.count(accounts.EventUserCreated)-11, name)
		require.Equal(t, 3, e.count(access.EventSignUpRepeated), name)
		require.Equal(t, 4, e.entering("new@example.com", "").Links, name)
		require.Equal(t, 4, e.entering("new@example.com", "192.0.2.1").Tries, name)
		require.Len(t, e.kinds("new@example.com"), 4, name)
	}
}

// Of many who sign up under one id with addresses of their own one is a user.
func TestRace_SignUp_oneID(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(4) {
		e := newEntrance(t)
		e.st.on(h)
		do := make([]func() error, 4)
		for i := range do {
			do[i] = func() error {
				_, err := e.logins.SignUp(t.Context(), access.SignUp{ID: "nora", Email: mailboxes[i], Password: words}, access.Device{})
				return err
			}
		}
		won := 0
		for _, err := range together(do...) {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, accounts.ErrTaken, name)
		}
		require.Equal(t, 1, won, name)
	}
}

// One link resets one password: of all who hold it at once one wins, and the
// password is theirs (A01, I-04).
func TestRace_ResetPassword(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(8) {
		e := newEntrance(t)
		e.newcomer("nora")
		link := e.resetLink("nora")
		e.st.on(h)
		do := make([]func() error, 8)
		for i := range do {
			do[i] = func() error {
				_, err := e.logins.ResetPassword(t.Context(), link, fmt.Sprintf("%s %d", others, i))
				return err
			}
		}
		errs := together(do...)
		e.st.on(nil)
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				require.True(t, e.knows("nora@example.com", fmt.Sprintf("%s %d", others, i)), name)
				continue
			}
			require.Equal(t, accounts.ErrNotFound, err, name)
		}
		require.Equal(t, 1, won, name)
		require.Equal(t, 1, e.count(access.EventPasswordReset), name)
		require.EqualValues(t, 2, e.stored("nora").Epoch, name)
	}
}

// What is decided between the reading and the writing of somebody who comes in
// or changes how they do counts: nobody comes in with a password, a session or
// an address that was none any more when they were done (A14, A25, I-09).
func TestRace_inBetween(t *testing.T) {
	t.Parallel()
	type who struct {
		*entrance
		secret string
		actor  accounts.Actor
		link   string // to reset
	}
	logIn := func(w *who) error {
		secret, s, err := w.logins.LogIn(w.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
		if err != nil {
			require.True(w, secret.IsZero())
			require.Zero(w, s)
		}
		return err
	}
	verify := func(w *who) error {
		login, err := w.logins.Verify(w.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
		require.Equal(w, err != nil, login == accounts.Login{})
		return err
	}
	start := func(w *who) error {
		_, _, err := w.sessions.Start(w.Context(), accounts.Login{User: "nora"}, access.Device{})
		return err
	}
	renew := func(w *who) error {
		secret, err := w.sessions.Renew(w.Context(), w.secret, accounts.Login{User: "nora"})
		require.Equal(w, err != nil, secret.IsZero())
		return err
	}
	changePassword := func(w *who) error {
		secret, err := w.logins.ChangePassword(w.Context(), w.actor, words, others, access.Device{})
		require.Equal(w, err != nil, secret.IsZero())
		return err
	}
	askAddress := func(w *who) error { return w.logins.AskAddress(w.Context(), w.actor, "new@example.com") }
	reset := func(w *who) error {
		login, err := w.logins.ResetPassword(w.Context(), w.link, strange)
		require.Equal(w, err != nil, login == accounts.Login{})
		return err
	}
	google := access.HostLogin{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "nora@example.com", Verified: true}
	link := func(w *who) error { return w.logins.Link(w.Context(), w.actor, google) }

	suspend := func(w *who) { require.NoError(w, w.svc.SuspendUser(w.Context(), operator, "nora")) }
	erase := func(w *who) { require.NoError(w, w.svc.EraseUser(w.Context(), operator, "nora")) }
	endAll := func(w *who) { require.NoError(w, w.sessions.EndAll(w.Context(), operator, "nora")) }
	keep := func(w *who) {
		must(w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true}))(w)
	}
	changed := func(w *who) { require.NoError(w, w.reset(w.resetLink("nora"), others)) }
	moved := func(w *who) {
		u := w.stored("nora")
		u.Email, u.Address = "pia@example.com", "pia@example.com"
		w.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
	}
	signOut := func(w *who) { require.NoError(w, w.sessions.SignOut(w.Context(), w.secret)) }
	switched := func(w *who) {
		require.NoError(w, w.svc.AddMember(w.Context(), job, "willow", "nora", "viewer"))
		_, _, err := w.sessions.Switch(w.Context(), w.secret, "willow")
		require.NoError(w, err)
	}
	for _, tt := range []struct {
		name  string
		do    func(*who) error
		write int // which write of it
		other func(*who)
		want  error
	}{
		{"a login beside a suspension", logIn, 2, suspend, access.ErrCredentials},
		{"a login beside the erasure", logIn, 2, erase, access.ErrCredentials},
		{"a login with the old password beside its change", logIn, 2, changed, access.ErrCredentials},
		{"a login beside the host's taking over", logIn, 2, keep, access.ErrCredentials},
		{"a login at an address that goes elsewhere meanwhile", logIn, 2, moved, access.ErrCredentials},
		{"a login whose count is not written yet, beside a suspension", logIn, 1, suspend, access.ErrCredentials},
		{"a login whose count is not written yet, beside a change", logIn, 1, changed, access.ErrCredentials},
		{"a check beside a suspension", verify, 2, suspend, access.ErrCredentials},
		{"a check of the old password beside its change", verify, 2, changed, access.ErrCredentials},
		{"a start beside a suspension", start, 1, suspend, roles.ErrDenied},
		{"a start beside the erasure", start, 1, erase, accounts.ErrNotFound},
		{"a renewal beside a suspension", renew, 1, suspend, access.ErrNoSession},
		{"a renewal beside the end of all", renew, 1, endAll, access.ErrNoSession},
		{"a renewal beside a change of the password", renew, 1, changed, access.ErrNoSession},
		{"a renewal beside signing out", renew, 1, signOut, access.ErrNoSession},
		{"a renewal beside a switch", renew, 1, switched, access.ErrNoSession},
		{"a change beside a suspension", changePassword, 2, suspend, accounts.ErrStepUp},
		{"a change beside a reset", changePassword, 2, changed, accounts.ErrStepUp},
		{"a change beside the end of all", changePassword, 2, endAll, accounts.ErrStepUp},
		{"a change beside signing out", changePassword, 2, signOut, accounts.ErrStepUp},
		{"a change beside the host's taking over", changePassword, 2, keep, accounts.ErrStepUp},
		{"a change beside the erasure", changePassword, 2, erase, accounts.ErrStepUp},
		{"asking for an address beside a suspension", askAddress, 1, suspend, accounts.ErrStepUp},
		{"asking for an address beside the end of all", askAddress, 1, endAll, accounts.ErrStepUp},
		{"a reset beside a suspension", reset, 1, suspend, accounts.ErrNotFound},
		{"a reset beside the end of all", reset, 1, endAll, accounts.ErrNotFound},
		{"a reset beside a newer link", reset, 1, func(w *who) { w.resetLink("nora") }, accounts.ErrNotFound},
		{"a reset beside another", reset, 1, func(w *who) { require.NoError(w, w.reset(w.link, others)) }, accounts.ErrNotFound},
		{"a reset beside a change of the address", reset, 1, moved, accounts.ErrNotFound},
		{"a reset beside the host's taking over", reset, 1, keep, accounts.ErrNotFound},
		{"linking beside a change of the address", link, 1, moved, accounts.ErrInvalid},
		{"linking beside a suspension", link, 1, suspend, accounts.ErrStepUp},
		{"linking beside somebody new with that login", link, 1, func(w *who) {
			in := google
			in.ID, in.Verified = "otto", nil
			must(w.logins.Arrive(w.Context(), in))(w)
		}, accounts.ErrTaken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &who{entrance: newEntrance(t)}
			w.secret, w.actor = w.newcomer("nora")
			w.link = w.resetLink("nora")
			before := w.stored("nora")
			done := false
			w.st.on(beforeWrite(tt.write, func() { tt.other(w); done = true }))
			err := tt.do(w)
			w.st.on(nil)
			require.True(t, done)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, before.Logins, w.stored("nora").Logins, "no login opened")
			if u := w.stored("nora"); !u.Active() || u.Epoch != before.Epoch {
				list, err := w.sessions.List(t.Context(), job, "nora", access.SessionPage{})
				require.NoError(t, err)
				require.Empty(t, list)
			}
		})
	}
}

// The same by chance: a login that finishes after the password was changed, or
// after its user was suspended, opens no session, and what it opened before is
// over (A14, A25).
func TestRace_LogInAndEnd(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		e := newEntrance(t)
		e.newcomer("nora")
		link := e.resetLink("nora")
		secrets := make([]string, 4)
		do := []func() error{func() error {
			if n%2 == 0 {
				return e.svc.SuspendUser(t.Context(), operator, "nora")
			}
			_, err := e.logins.ResetPassword(t.Context(), link, others)
			return err
		}}
		for i := range secrets {
			do = append(do, func() error {
				secret, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
				if errors.Is(err, access.ErrCredentials) || errors.Is(err, limit.ErrLimited) {
					err = nil
				}
				secrets[i] = secret.Reveal()
				return err
			})
		}
		for _, err := range together(do...) {
			require.NoError(t, err)
		}
		for _, secret := range secrets {
			require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
		}
		list, err := e.sessions.List(t.Context(), job, "nora", access.SessionPage{})
		require.NoError(t, err)
		require.Empty(t, list)
	}
}

// Of two logins at issuers that are taken away at once one stays, where there
// is no other way in.
func TestRace_Unlink(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(2) {
		e := newEntrance(t)
		keys := []accounts.IdentityKey{{Issuer: "i", Subject: "1"}, {Issuer: "i", Subject: "2"}}
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "nora", Identity: keys[0], Email: "nora@example.com", Verified: true}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		actor := e.self(secret.Reveal())
		require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: keys[1], Email: "nora@example.com", Verified: true}))
		e.st.on(h)
		errs := together(
			func() error { return e.logins.Unlink(t.Context(), actor, keys[0]) },
			func() error { return e.logins.Unlink(t.Context(), actor, keys[1]) },
		)
		e.st.on(nil)
		require.Len(t, e.means("nora").Identities, 1, name)
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, name)
		require.ErrorIs(t, errors.Join(errs...), accounts.ErrInvalid, name)
	}
}

// Somebody who arrives twice at once by a login that is new is one user.
func TestRace_Arrive(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(4) {
		e := newEntrance(t)
		e.st.on(h)
		out := make([]accounts.Login, 4)
		do := make([]func() error, 4)
		for i := range do {
			do[i] = func() (err error) {
				out[i], err = e.logins.Arrive(t.Context(), access.HostLogin{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "new@example.com", Verified: true})
				return err
			}
		}
		for _, err := range together(do...) {
			require.NoError(t, err, name)
		}
		for _, l := range out {
			require.Equal(t, out[0], l, name)
		}
		require.Equal(t, 1, e.count(accounts.EventUserCreated)-11, name)
	}
}

// An address that one user confirms while somebody signs up with it, or arrives
// with it, is one user's, and never two users' (A21, I-03).
func TestRace_ConfirmAddress(t *testing.T) {
	t.Parallel()
	rivals := map[string]func(e *entrance) error{
		"signing up": func(e *entrance) error {
			_, err := e.logins.SignUp(e.Context(), access.SignUp{ID: "otto", Email: "New@example.com", Password: others}, access.Device{})
			return err
		},
		"arriving": func(e *entrance) error {
			_, err := e.logins.Arrive(e.Context(), access.HostLogin{
				ID: "otto", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "new@example.com", Verified: true,
			})
			if errors.Is(err, access.ErrLinkFirst) {
				err = nil
			}
			return err
		},
	}
	for name, rival := range rivals {
		for how, order := range map[string]func(e *entrance, confirm, rival func() error) []error{
			"by chance": func(_ *entrance, confirm, rival func() error) []error { return together(confirm, rival) },
			"both having read": func(e *entrance, confirm, rival func() error) []error {
				e.st.on(gate(2))
				return together(confirm, rival)
			},
			"the rival in between": func(e *entrance, confirm, rival func() error) []error {
				errs := make([]error, 2)
				e.st.on(before(func() { errs[1] = rival() }))
				errs[0] = confirm()
				return errs
			},
			"the confirmation in between": func(e *entrance, confirm, rival func() error) []error {
				errs := make([]error, 2)
				e.st.on(before(func() { errs[0] = confirm() }))
				errs[1] = rival()
				return errs
			},
		} {
			e := newEntrance(t)
			_, actor := e.newcomer("nora")
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
			link := e.mailed("new@example.com", changePage)
			errs := order(e, func() error { return e.logins.ConfirmAddress(t.Context(), actor, link) }, func() error { return rival(e) })
			e.st.on(nil)
			require.NoError(t, errs[1], "%s, %s", name, how)
			holder := e.entering("new@example.com", "").Means.User
			switch errs[0] {
			case nil:
				require.Equal(t, accounts.UserID("nora"), holder.ID, "%s, %s", name, how)
				require.True(t, holder.Proven)
			default:
				require.ErrorIs(t, errs[0], accounts.ErrTaken, "%s, %s", name, how)
				require.Equal(t, accounts.UserID("otto"), holder.ID, "%s, %s", name, how)
				require.Equal(t, accounts.Email("nora@example.com"), e.stored("nora").Email)
			}
		}
	}
}

// Of many who ask for a reset at once each spends its mail, no more than five
// are sent, and of their links one works (A03, A81).
func TestRace_AskReset(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(8) {
		e := newEntrance(t)
		e.newcomer("nora")
		e.clock.Add(day)
		e.kinds("nora@example.com")
		e.st.on(h)
		do := make([]func() error, 8)
		for i := range do {
			do[i] = func() error { return e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}) }
		}
		for _, err := range together(do...) {
			require.NoError(t, err, name)
		}
		e.st.on(nil)
		require.Equal(t, 5, e.entering("nora@example.com", "").Links, name)
		require.Equal(t, []string{mail.PasswordReset}, e.kinds("nora@example.com"), "%s: the others were taken back", name)
	}
}

// No more tries of one network are let through in a day than its limit, however
// many come at once and at whatever addresses (A31, A83).
func TestRace_oneNetwork(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(30) {
		e := newEntrance(t, func(o *accounts.EnvOptions) { o.Limits.TriesPerSource = 10 })
		e.st.on(h)
		do := make([]func() error, 30)
		for i := range do {
			do[i] = func() error {
				_, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: fmt.Sprintf("x%d@example.com", i), Password: words}, access.Device{Source: "192.0.2.1"})
				return err
			}
		}
		passed := 0
		for _, err := range together(do...) {
			if errors.Is(err, access.ErrCredentials) {
				passed++
				continue
			}
			require.ErrorIs(t, err, limit.ErrLimited, name)
		}
		e.st.on(nil)
		require.Equal(t, 10, passed, name)
		require.Equal(t, 10, e.entering("x@example.com", "192.0.2.1").Tries, name)
	}
}
