package access_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

func TestNewLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := access.NewLogins(nil, w.env, nil)
	var bad *accounts.InvalidError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "store", bad.Field)

	// With every default, the product's name is part of no password, and a burst
	// of tries from one network ends.
	env := must(accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", Clock: w.clock}))(t)
	logins := must(access.NewLogins(w.mem, env, nil))(t)
	_, err = logins.SignUp(t.Context(), access.SignUp{Email: "nora@example.com", Password: "letterbird 2026 letterbird"}, access.Device{})
	require.ErrorIs(t, err, accounts.ErrInvalid)
	must(logins.SignUp(t.Context(), access.SignUp{Email: "nora@example.com", Password: words}, access.Device{}))(t)
	for range 50 {
		err = logins.AskReset(t.Context(), "a@example.com", access.Device{Source: "192.0.2.1"})
	}
	require.NoError(t, err, "whether or not a mail goes out")
	require.ErrorContains(t, logins.AskReset(t.Context(), "a@example.com", access.Device{Source: "192.0.2.1"}), "too many")
	require.NoError(t, logins.AskReset(t.Context(), "a@example.com", access.Device{Source: "192.0.2.2"}))

	must(access.NewLogins(w.mem, nil, nil))(t)
}

func TestLogins_SignUp(t *testing.T) {
	t.Parallel()

	t.Run("whoever signs up is a user with an unproven address, and gets one mail with a link", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		u, err := e.logins.SignUp(t.Context(), access.SignUp{
			Email: " Nora@Example.COM ", Name: "Nora", Password: words, Locale: "de",
		}, access.Device{})
		require.NoError(t, err)
		require.Equal(t, e.stored(u.ID), u, "what is returned is what is stored")
		require.Equal(t, accounts.Email("nora@example.com"), u.Email)
		require.Equal(t, "Nora@Example.COM", u.Address, "as it was typed, for display")
		require.False(t, u.Proven)
		require.False(t, u.Kept)
		require.Equal(t, 1, e.count(accounts.EventUserCreated)-11)
		e.flush()
		require.Len(t, e.inbox.Messages(), 1)
		m := e.inbox.Messages()[0]
		require.Equal(t, mail.AddressProof, m.Kind)
		require.Equal(t, "nora@example.com", m.To)
		require.NotContains(t, m.Text+m.ToName, "Nora", "a stranger may have chosen the name")
		require.Equal(t, start().Add(day), m.NotAfter)
		list, err := e.sessions.List(t.Context(), job, u.ID, access.SessionPage{})
		require.NoError(t, err)
		require.Empty(t, list, "signing up logs nobody in")
	})

	t.Run("an id of the host's choice is kept, and one that anybody has or had is taken", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		require.NoError(t, e.svc.EraseUser(t.Context(), operator, "nora"))
		e.clock.Add(day) // for the mails of another day
		was := e.all()
		for _, id := range []accounts.UserID{"nora", "mia"} {
			u, err := e.logins.SignUp(t.Context(), access.SignUp{ID: id, Email: "new@example.com", Password: words}, access.Device{})
			var taken *accounts.TakenError
			require.ErrorAs(t, err, &taken)
			require.Equal(t, "id", taken.Field)
			require.Zero(t, u)
		}
		require.Equal(t, was, e.all())
	})

	t.Run("whoever was erased and signs up again is somebody new, with nothing of before", func(t *testing.T) { // A77
		t.Parallel()
		e := newEntrance(t)
		secret, actor := e.newcomer("nora")
		require.NoError(t, e.svc.AddMember(t.Context(), job, "willow", "nora", "admin"))
		reset := e.resetLink("nora")
		require.False(t, e.knows("nora@example.com", "wrong"))
		require.NoError(t, e.svc.EraseUser(t.Context(), operator, "nora"))
		e.inbox.Reset()

		u, err := e.logins.SignUp(t.Context(), access.SignUp{Email: "nora@example.com", Password: others}, access.Device{})
		require.NoError(t, err)
		require.NotEqual(t, accounts.UserID("nora"), u.ID)
		require.False(t, e.knows("nora@example.com", words))
		require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
		require.ErrorIs(t, e.reset(reset, strange), accounts.ErrNotFound)
		fresh, _, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: others}, access.Device{})
		require.NoError(t, err)
		require.ErrorIs(t, e.try(fresh.Reveal(), "willow"), accounts.ErrNotFound)
		require.Error(t, e.logins.AskProof(t.Context(), actor), "an actor of before is nobody")
		require.False(t, e.stored(u.ID).Proven)
	})

	t.Run("an address that has a login, in whatever spelling, makes no second user", func(t *testing.T) { // A21
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		must(e.logins.SignUp(t.Context(), access.SignUp{ID: "otto", Email: "otto@bücher.example", Password: words}, access.Device{}))(t)
		e.flush()
		e.inbox.Reset()
		was := e.stored("nora")
		for typed, to := range map[string]string{
			"NORA@EXAMPLE.COM": "nora@example.com", "nora@ｅxample.com": "nora@example.com", "\tnora@Example.com\n": "nora@example.com",
			"otto@XN--BCHER-KVA.example": "otto@xn--bcher-kva.example", "Otto@BÜCHER.example": "otto@xn--bcher-kva.example",
			"otto@bu\u0308cher.example": "otto@xn--bcher-kva.example",
		} {
			e.clock.Add(day)
			u, err := e.logins.SignUp(t.Context(), access.SignUp{Email: typed, Name: "Mallory", Password: others}, access.Device{})
			require.NoError(t, err, typed)
			require.Zero(t, u, typed)
			require.Equal(t, []string{mail.SignUpKnown}, e.kinds(to), typed)
		}
		require.Equal(t, was, e.stored("nora"))
		require.True(t, e.knows("nora@example.com", words))
		require.False(t, e.knows("nora@example.com", others))
		require.False(t, e.knows("otto@bücher.example", others))
		require.Equal(t, 6, e.count(access.EventSignUpRepeated))
	})

	t.Run("addresses that only look alike are two", func(t *testing.T) { // A21
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		for _, other := range []string{"nora@example.co", "nora@exarnple.com", "n.ora@example.com", "nora+x@example.com", "nora@еxample.com"} {
			u, err := e.logins.SignUp(t.Context(), access.SignUp{Email: other, Password: others}, access.Device{})
			require.NoError(t, err, other)
			require.NotEmpty(t, u.ID, other)
		}
		require.True(t, e.knows("nora@example.com", words))
	})

	t.Run("what breaks a rule is refused by its name, and writes nothing", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		was := e.all()
		for _, tt := range []struct {
			name  string
			given access.SignUp
			want  string
		}{
			{"no address", access.SignUp{Password: words}, "email"},
			{"two addresses", access.SignUp{Email: "a@example.com,b@example.com", Password: words}, "email"},
			{"a name with an address", access.SignUp{Email: "Nora <nora@example.com>", Password: words}, "email"},
			{"an address with a line break", access.SignUp{Email: "nora@example.com\r\nBcc: x@example.com", Password: words}, "email"},
			{"a quoted local part", access.SignUp{Email: `"nora"@example.com`, Password: words}, "email"},
			{"a local part that is not ASCII", access.SignUp{Email: "nöra@example.com", Password: words}, "email"},
			{"no password", access.SignUp{Email: "nora@example.com"}, "password"},
			{"a name too long", access.SignUp{Email: "nora@example.com", Name: strings.Repeat("n", 101), Password: words}, "name"},
			{"a name with a line break", access.SignUp{Email: "nora@example.com", Name: "No\nra", Password: words}, "name"},
			{"a language that is none", access.SignUp{Email: "nora@example.com", Locale: "!!", Password: words}, "locale"},
			{"an id with a space", access.SignUp{ID: "no ra", Email: "nora@example.com", Password: words}, "id"},
		} {
			u, err := e.logins.SignUp(t.Context(), tt.given, access.Device{})
			var bad *accounts.InvalidError
			require.ErrorAs(t, err, &bad, tt.name)
			require.Equal(t, tt.want, bad.Field, tt.name)
			require.Zero(t, u, tt.name)
		}
		require.Equal(t, was, e.all())
	})

	t.Run("an address gets five mails about its login a day, whatever they are about", func(t *testing.T) {
		t.Parallel()
		for _, email := range []string{"nora@example.com", "nobody@example.com"} {
			e := newEntrance(t)
			e.signUp("nora")
			e.signUp("otto")
			e.clock.Add(day)
			e.kinds(email)
			up := func() error {
				_, err := e.logins.SignUp(t.Context(), access.SignUp{Email: email, Password: words}, access.Device{})
				return err
			}
			ask := func() error { return e.logins.AskReset(t.Context(), email, access.Device{}) }
			address := func() error { return e.logins.AskAddress(t.Context(), e.self(e.in("otto", words)), email) }
			for _, do := range []func() error{ask, up, ask, address, ask} {
				require.NoError(t, do())
			}
			require.Len(t, e.kinds(email), 5-len(e.canceled()))
			require.NoError(t, ask(), "the same answer, and no mail")
			for _, do := range []func() error{up, address} {
				err := do()
				var quota *accounts.QuotaError
				require.ErrorAs(t, err, &quota)
				require.Equal(t, accounts.QuotaLinks, quota.Kind)
				require.Equal(t, start().Add(2*day).Truncate(day), quota.ResetAt)
			}
			require.Empty(t, e.kinds(email))
			e.clock.Set(start().Add(2 * day).Truncate(day))
			require.NoError(t, ask(), "another day")
		}
	})
}

// canceled returns the ids of mail that was taken back.
func (e *entrance) canceled() []string {
	e.Helper()
	var list []string
	for _, r := range must(e.mem.Mails(e.Context(), mail.Query{Limit: 1000}))(e) {
		if r.State == mail.Cancelled {
			list = append(list, r.ID)
		}
	}
	return list
}

// A password is judged with what is known of its owner, wherever it is chosen,
// and the reason is told; nothing changes for one that is refused (A29).
func TestLogins_passwordsAreJudged(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	_, actor := e.newcomer("nora")
	u := e.stored("nora")
	u.Name, u.Handle, u.UpdatedAt = "Winnifred Abernathy", "queenofspades", e.env.Now()
	e.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
	link := e.resetLink("nora")
	for _, tt := range []struct {
		given string
		want  string
	}{
		{"fourteen chars", "fewer than 15"},
		{"passwordpassword", "common"},
		{"Winnifred 2026 Winnifred", "about you"},
		{"abernathy-password-1", "about you"},
		{"queenofspades12!", "about you"},
		{"Letterbird 2026 nora", "about you"},
		{strings.Repeat("ab cd ef gh ", 100), "256 characters"},
		{"no\x00controls in here please", "control"},
	} {
		refused := func(err error) {
			t.Helper()
			var bad *accounts.InvalidError
			require.ErrorAs(t, err, &bad, tt.given)
			require.Equal(t, "password", bad.Field)
			require.Contains(t, bad.Reason, tt.want, tt.given)
			require.NotContains(t, err.Error(), tt.given)
		}
		was := e.all()
		_, err := e.logins.SignUp(t.Context(), access.SignUp{
			Email: "queenofspades@abernathy.example", Name: "Winnifred Abernathy", Password: tt.given,
		}, access.Device{})
		refused(err)
		_, err = e.logins.ResetPassword(t.Context(), link, tt.given)
		refused(err)
		require.Equal(t, was, e.all(), tt.given)
		_, err = e.logins.ChangePassword(t.Context(), actor, words, tt.given, access.Device{})
		refused(err)
	}
	require.True(t, e.knows("nora@example.com", words))

	// None is cut: what differs in the last of many characters is another one.
	long := "correct zebra lamp ocean " + strings.Repeat("xq7 ", 50)
	require.NoError(t, e.reset(link, long+"a"))
	require.False(t, e.knows("nora@example.com", long+"b"))
	require.False(t, e.knows("nora@example.com", long))
	require.True(t, e.knows("nora@example.com", long+"a"))
}

// A check of passwords that fails lets no password be chosen, and is an error
// that is no refusal (A29, A95).
func TestLogins_breachCheck(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	_, actor := e.newcomer("nora")
	link := e.resetLink("nora")
	was := e.all()
	down := errors.New("the list is down")
	answer, fault := false, down
	policy := must(password.NewPolicy(&password.PolicyOptions{Breached: func(context.Context, string) (bool, error) { return answer, fault }}))(t)
	logins := e.restart(&access.LoginOptions{Hasher: cheap(), Passwords: policy})
	tries := func(want error) {
		t.Helper()
		u, err := logins.SignUp(t.Context(), access.SignUp{Email: "new@example.com", Password: others}, access.Device{})
		require.ErrorIs(t, err, want)
		require.Zero(t, u)
		login, err := logins.ResetPassword(t.Context(), link, others)
		require.ErrorIs(t, err, want)
		require.Zero(t, login)
	}
	tries(down)
	answer, fault = true, nil
	tries(accounts.ErrInvalid)
	require.Equal(t, was, e.all())
	_, err := logins.ChangePassword(t.Context(), actor, words, others, access.Device{})
	require.ErrorIs(t, err, accounts.ErrInvalid)
	require.True(t, e.knows("nora@example.com", words))
}

func TestLogins_LogIn(t *testing.T) {
	t.Parallel()

	t.Run("a right password opens a session from that device, which is fresh", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		from := access.Device{UserAgent: "Fire\r\nfox" + strings.Repeat("é", 300), Source: " 192.0.2.1\x00" + strings.Repeat("1", 70)}
		secret, s, err := e.logins.LogIn(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, from)
		require.NoError(t, err)
		stored, err := e.mem.Session(t.Context(), access.SessionKey{ID: s.ID})
		require.NoError(t, err)
		stored.Hash = token.Hash{}
		require.Equal(t, stored, s, "what is returned is what is stored, and nothing of the secret")
		require.Equal(t, accounts.MethodPassword, s.Method)
		require.Equal(t, "Firefox"+strings.Repeat("é", 249), s.UserAgent)
		require.Equal(t, "192.0.2.1"+strings.Repeat("1", 55), s.Source)
		require.Equal(t, start(), e.principal(secret.Reveal(), "").AuthAt)
		last := e.events()[len(e.events())-1]
		require.Equal(t, access.EventSessionStarted, last.Kind)
		require.Equal(t, accounts.By{User: "nora", Session: s.ID}, last.By)
	})

	t.Run("each login gets a secret and a number of its own, and leaves the others alive", func(t *testing.T) { // A60
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		a, b := e.in("nora", words), e.in("nora", words)
		require.NotEqual(t, a, b)
		require.NoError(t, e.try(a, ""))
		require.NoError(t, e.try(b, ""))
		require.EqualValues(t, 2, e.stored("nora").Logins)
	})

	t.Run("the address counts in its canonical form, and the password as it is", func(t *testing.T) { // A21
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		for _, typed := range []string{"NORA@example.com", " nora@EXAMPLE.com\n", "nora@ｅxample.com"} {
			require.True(t, e.knows(typed, words), typed)
		}
		for _, wrong := range []string{"nora", "mx nora", "nora@example.com.", "nora@example.com@example.com", "nora@example.co", "", "@", "nora@example.com\x00"} {
			require.False(t, e.knows(wrong, words), wrong)
		}
		for _, wrong := range []string{strings.ToUpper(words), " " + words, words + " ", words[:15], ""} {
			e.clock.Add(day)
			require.False(t, e.knows("nora@example.com", wrong), wrong)
		}
	})

	t.Run("a wrong password is counted and on record, and changes nothing else", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		was, events := e.means("nora"), len(e.events())
		require.False(t, e.knows("nora@example.com", others))
		require.Equal(t, was, e.means("nora"))
		require.Equal(t, 1, e.entering("nora@example.com", "").Guesses.Count)
		list := e.events()[events:]
		require.Len(t, list, 1)
		require.Equal(t, access.EventLoginFailed, list[0].Kind)
		require.Equal(t, accounts.UserID("nora"), list[0].User)
		require.Equal(t, accounts.By{}, list[0].By, "nobody has shown who they are")
		require.False(t, e.knows("nobody@example.com", others))
		require.Empty(t, e.events()[events+1].User)
	})

	t.Run("checking a password opens no session, forgives as a login does, and is on record", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		for range 5 {
			login, err := e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: others}, access.Device{})
			require.ErrorIs(t, err, access.ErrCredentials)
			require.Zero(t, login)
		}
		e.clock.Add(day)
		login, err := e.logins.Verify(t.Context(), access.LogIn{Email: "Nora@example.com", Password: words}, access.Device{})
		require.NoError(t, err)
		require.Equal(t, accounts.Login{User: "nora", Method: accounts.MethodPassword, At: e.env.Now(), Epoch: 1}, login)
		require.Zero(t, e.entering("nora@example.com", "").Guesses.Count)
		list, err := e.mem.Sessions(t.Context(), access.SessionsQuery{User: "nora", Limit: 10})
		require.NoError(t, err)
		require.Empty(t, list)
		require.Zero(t, e.stored("nora").Logins)
		require.Equal(t, 1, e.count(access.EventPasswordChecked))
	})
}

// Whoever is suspended or deleted comes in by no way that there is, and no way
// makes them active again (A25, A74).
func TestLogins_suspendedAndDeleted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(e *entrance)
		back bool
	}{
		{"suspended", func(e *entrance) { require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora")) }, false},
		{"deleted", func(e *entrance) { require.NoError(e, e.svc.EraseUser(e.Context(), operator, "nora")) }, false},
		{"suspended and reactivated, for what was opened before", func(e *entrance) {
			require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
			require.NoError(e, e.svc.ReactivateUser(e.Context(), operator, "nora"))
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			secret, actor := e.newcomer("nora")
			google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "1"}
			require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
			reset := e.resetLink("nora")
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
			change := e.mailed("new@example.com", changePage)
			tt.end(e)
			was := e.stored("nora")
			e.inbox.Reset()

			require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
			_, err := e.sessions.Renew(t.Context(), secret, accounts.Login{User: "nora"})
			require.ErrorIs(t, err, access.ErrNoSession)
			require.ErrorIs(t, e.reset(reset, strange), accounts.ErrNotFound)
			for _, err := range []error{
				e.logins.Prove(t.Context(), actor, reset), e.logins.ConfirmAddress(t.Context(), actor, change), e.logins.AskProof(t.Context(), actor),
				e.logins.AskAddress(t.Context(), actor, "otto@example.com"), e.logins.Unlink(t.Context(), actor, google),
				e.logins.Link(t.Context(), actor, access.HostLogin{Identity: accounts.IdentityKey{Issuer: "x", Subject: "y"}, Email: "nora@example.com", Verified: true}),
			} {
				require.Error(t, err)
				require.True(t, errors.Is(err, accounts.ErrStepUp) || errors.Is(err, accounts.ErrNotFound), err)
			}
			_, err = e.logins.ChangePassword(t.Context(), actor, words, others, access.Device{})
			require.Error(t, err)
			require.Equal(t, was, e.stored("nora"), "nothing of this changed anything")
			if tt.back {
				return
			}
			require.False(t, e.knows("nora@example.com", words))
			_, err = e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
			require.ErrorIs(t, err, access.ErrCredentials)
			_, _, err = e.sessions.Start(t.Context(), accounts.Login{User: "nora"}, access.Device{})
			require.Error(t, err)
			_, _, err = e.sessions.Start(t.Context(), accounts.Login{User: "nora", ByLink: true}, access.Device{})
			require.Error(t, err)
			_, _, err = e.sessions.Start(t.Context(), accounts.Login{Identity: google}, access.Device{})
			require.Error(t, err)
			_, err = e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: e.env.Now()}, "")
			require.ErrorIs(t, err, access.ErrNoSession)
			require.NoError(t, e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}))
			require.Equal(t, []string{mail.NoLogin}, e.kinds("nora@example.com"))
			if tt.name == "suspended" {
				login, err := e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true})
				require.NoError(t, err)
				_, _, err = e.sessions.Start(t.Context(), login, access.Device{})
				require.Error(t, err)
				u, err := e.logins.SignUp(t.Context(), access.SignUp{Email: "nora@example.com", Password: others}, access.Device{})
				require.NoError(t, err)
				require.Zero(t, u)
			}
			require.Equal(t, was, e.stored("nora"), "nothing of this changed anything")
		})
	}
}

// Every link of every purpose, in every other place: there is one answer (A05,
// A09, A10).
func TestLogins_links(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	e.signUp("nora")
	secret := e.in("nora", words)
	actor := e.self(secret)
	proof, reset := e.mailed("nora@example.com", proofPage), e.resetLink("nora")
	require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
	change := e.mailed("new@example.com", changePage)
	e.send("cleo@example.com")
	request := e.link("cleo@example.com")

	uses := map[token.Purpose]func(link string) error{
		token.Proof:   func(link string) error { return e.logins.Prove(t.Context(), actor, link) },
		token.Address: func(link string) error { return e.logins.ConfirmAddress(t.Context(), actor, link) },
		token.Reset:   func(link string) error { return e.reset(link, strange) },
	}
	flip := func(s string, i int) string {
		b := []byte(s)
		if b[i] == 'A' {
			b[i] = 'B'
		} else {
			b[i] = 'A'
		}
		return string(b)
	}
	was := e.all()
	links := map[token.Purpose]string{token.Proof: proof, token.Address: change, token.Reset: reset, token.Request: request, token.Session: secret}
	for purpose, use := range uses {
		var wrong []string
		for p, link := range links {
			if p == purpose {
				continue
			}
			body := link[strings.IndexByte(link, '_')+1:]
			wrong = append(wrong, link, string(purpose)+body)
		}
		own := links[purpose]
		for i := len(purpose); i < len(own); i++ {
			wrong = append(wrong, flip(own, i))
		}
		body := own[len(purpose):]
		wrong = append(wrong, "", "\x00", "A", body, string(purpose), own+"A", own[:len(own)-1], strings.ToLower(own), own+"\x00", own+"\n", " "+own,
			strings.Repeat("A", 1<<20), string(purpose)+strings.Repeat("A", 52), string(purpose)+strings.Repeat("a", 52), string(purpose)+strings.Repeat("é", 26))
		for _, link := range wrong {
			require.Equal(t, accounts.ErrNotFound, use(link), "%s with %.60q", purpose, link)
		}
	}
	require.Equal(t, was, e.all())
}

// After a whole story no secret and no password is in any table, event, export,
// log, error or printed answer, in any encoding (A18, A106).
func TestLogins_secretsAreNowhere(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	e.signUp("nora")
	secret := e.in("nora", words)
	actor := e.self(secret)
	secrets := []string{secret, e.mailed("nora@example.com", proofPage), e.resetLink("nora")}
	require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
	secrets = append(secrets, e.mailed("new@example.com", changePage))
	renewed, err := e.sessions.Renew(t.Context(), secret, accounts.Login{User: "nora"})
	require.NoError(t, err)
	changed, err := e.logins.ChangePassword(t.Context(), e.self(renewed.Reveal()), words, others, access.Device{})
	require.NoError(t, err)
	again := e.resetLink("nora")
	require.NoError(t, e.reset(again, strange))
	e.flush()
	secrets = append(secrets, renewed.Reveal(), changed.Reveal(), again)

	said := e.all() + renewed.String() + changed.GoString()
	require.NoError(t, e.svc.ExportUser(t.Context(), operator, "nora", func(kind accounts.HeldKind, row any) error {
		said += text(kind, row)
		return nil
	}))
	require.Contains(t, said, "nora@example.com")
	for _, s := range secrets {
		for _, spelling := range spellings(s) {
			require.NotContains(t, said, spelling)
		}
	}
	for _, s := range []string{words, others, strange} {
		require.NotContains(t, said, s)
	}
}
