package access_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// A password that is set or changed ends all other sessions and every other link
// about the login, sent or not, also those of hosts with sessions of their own;
// the address on file is told. The session that changed it goes on with a new
// secret (A14, A60, A87).
func TestPasswords_whatEnds(t *testing.T) {
	t.Parallel()
	change := func(old string) func(e *entrance, secret, _ string) string {
		return func(e *entrance, secret, _ string) string {
			fresh, err := e.logins.ChangePassword(e.Context(), e.self(secret), old, others, access.Device{})
			require.NoError(e, err)
			return fresh.Reveal()
		}
	}
	for _, tt := range []struct {
		name  string
		given func(e *entrance)
		do    func(e *entrance, secret, reset string) string // the secret that goes on, if any
		kind  accounts.EventKind
	}{
		{"changed", func(*entrance) {}, change(words), access.EventPasswordChanged},
		{"set, beside another way to log in", func(e *entrance) {
			cred := e.means("nora").Credential
			cred.Hash = ""
			e.put(access.Change{Change: accounts.Change{Credentials: []accounts.Credential{cred}}})
		}, change(""), access.EventPasswordChanged},
		{"reset", func(*entrance) {}, func(e *entrance, _, reset string) string {
			require.NoError(e, e.reset(reset, others))
			return ""
		}, access.EventPasswordReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			_, actor := e.newcomer("nora")
			google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "1"}
			require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
			own := e.in("nora", words)
			sessions := []string{e.in("nora", words), e.login("nora")}
			loggedIn := e.env.Now()
			reset := e.resetLink("nora")
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
			link := e.mailed("new@example.com", changePage)
			tt.given(e)
			e.clock.Add(time.Minute)
			e.kinds("nora@example.com")
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "otto@example.com"), "and this mail is not sent yet")

			next := tt.do(e, own, reset)
			for _, dead := range append(sessions, own) {
				require.ErrorIs(t, e.try(dead, ""), access.ErrNoSession)
			}
			_, err := e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: loggedIn}, "")
			require.ErrorIs(t, err, access.ErrNoSession)
			require.ErrorIs(t, e.logins.AskProof(t.Context(), actor), accounts.ErrStepUp, "what somebody had begun")
			require.ErrorIs(t, e.reset(reset, strange), accounts.ErrNotFound)
			secret := e.in("nora", others)
			require.False(t, e.knows("nora@example.com", words))
			for _, link := range []string{link, "cadr_" + strings.Repeat("A", 52)} {
				require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), e.self(secret), link), accounts.ErrNotFound)
			}
			e.flush()
			require.Empty(t, e.inbox.To("otto@example.com"), "the link would lead nowhere")
			require.Equal(t, []string{mail.AddressChangeAsked, mail.PasswordChanged}, e.kinds("nora@example.com"))
			require.Equal(t, 1, e.count(tt.kind))
			if next == "" {
				return
			}
			require.NotEqual(t, own, next)
			p := e.principal(next, "")
			require.NoError(t, e.logins.AskAddress(t.Context(), p.Actor(), "pia@example.com"), "it goes on")
			list, err := e.sessions.List(t.Context(), p.Actor(), "nora", access.SessionPage{})
			require.NoError(t, err)
			require.Len(t, list, 2, "that one, and the login since")
		})
	}
}

func TestLogins_ChangePassword(t *testing.T) {
	t.Parallel()

	t.Run("the old one is asked for, and a wrong one changes nothing but the count", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, actor := e.newcomer("nora")
		was := e.means("nora")
		for _, old := range []string{others, "", strings.ToUpper(words)} {
			fresh, err := e.logins.ChangePassword(t.Context(), actor, old, strange, access.Device{})
			require.ErrorIs(t, err, access.ErrCredentials)
			require.True(t, fresh.IsZero())
		}
		require.Equal(t, was, e.means("nora"))
		require.NoError(t, e.try(secret, ""))
		require.Equal(t, 2, e.entering("nora@example.com", "").Guesses.Count)
	})

	t.Run("the old one is a proof of who they are, however old the login is", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		e.clock.Add(59 * time.Minute)
		actor := e.self(secret)
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"), accounts.ErrStepUp)
		next := must(e.logins.ChangePassword(t.Context(), actor, words, others, access.Device{}))(t)
		p := e.principal(next.Reveal(), "")
		require.Equal(t, e.env.Now(), p.AuthAt)
		require.Equal(t, start().Add(day), p.ExpiresAt, "and the session ends when it would have (A62)")
		require.NoError(t, e.logins.AskAddress(t.Context(), p.Actor(), "new@example.com"))
	})

	t.Run("a first password wants a fresh login, and makes none fresher", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		arrives := func() accounts.Login {
			return must(e.logins.Arrive(t.Context(), access.HostLogin{
				ID: "nora", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "nora@example.com", Verified: true,
			}))(t)
		}
		secret, _, err := e.sessions.Start(t.Context(), arrives(), access.Device{})
		require.NoError(t, err)
		actor := e.self(secret.Reveal())
		_, err = e.logins.ChangePassword(t.Context(), actor, "anything at all", words, access.Device{})
		require.ErrorIs(t, err, access.ErrCredentials)
		e.clock.Add(10 * time.Minute)
		_, err = e.logins.ChangePassword(t.Context(), actor, "", words, access.Device{})
		require.ErrorIs(t, err, accounts.ErrStepUp)
		renewed := must(e.sessions.Renew(t.Context(), secret.Reveal(), arrives()))(t)
		e.clock.Add(10*time.Minute - time.Microsecond)
		next := must(e.logins.ChangePassword(t.Context(), e.self(renewed.Reveal()), "", words, access.Device{}))(t)
		require.True(t, e.knows("nora@example.com", words))
		require.Equal(t, e.env.Now().Add(-10*time.Minute+time.Microsecond), e.principal(next.Reveal(), "").AuthAt)
		e.clock.Add(time.Microsecond)
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), e.self(next.Reveal()), "new@example.com"), accounts.ErrStepUp)
	})

	t.Run("without an address there is no password, and for a login that the host keeps none either", func(t *testing.T) { // A12
		t.Parallel()
		e := newEntrance(t)
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "nora", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		for _, actor := range []accounts.Actor{e.self(secret.Reveal()), e.self(e.login("mia"))} {
			_, err = e.logins.ChangePassword(t.Context(), actor, "", words, access.Device{})
			require.ErrorIs(t, err, accounts.ErrInvalid)
		}
		require.Empty(t, e.means("mia").Credential.Hash)
		require.False(t, e.knows("mia@example.com", words))
	})

	t.Run("a session that ended, or timed out, is not brought back", func(t *testing.T) { // A61
		t.Parallel()
		for _, tt := range []struct {
			name string
			end  func(e *entrance, secret string)
		}{
			{"signed out", func(e *entrance, secret string) { require.NoError(e, e.sessions.SignOut(e.Context(), secret)) }},
			{"idle for an hour", func(e *entrance, _ string) { e.clock.Add(time.Hour) }},
			{"a day old", func(e *entrance, _ string) { e.clock.Add(day) }},
		} {
			e := newEntrance(t)
			secret, actor := e.newcomer("nora")
			tt.end(e, secret)
			next, err := e.logins.ChangePassword(t.Context(), actor, words, others, access.Device{})
			require.ErrorIs(t, err, accounts.ErrStepUp, tt.name)
			require.True(t, next.IsZero())
			require.True(t, e.knows("nora@example.com", words))
		}
	})

	t.Run("a host with sessions of its own gets no secret, and starts its own anew", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		e.clock.Add(time.Minute)
		at := e.env.Now()
		p := must(e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: at}, ""))(t)
		e.clock.Add(time.Minute)
		secret, err := e.logins.ChangePassword(t.Context(), p.Actor(), words, others, access.Device{})
		require.NoError(t, err)
		require.True(t, secret.IsZero())
		_, err = e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: at}, "")
		require.ErrorIs(t, err, access.ErrNoSession)
		e.clock.Add(time.Microsecond)
		must(e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: e.env.Now()}, ""))(t)
	})
}

func TestLogins_ResetPassword(t *testing.T) {
	t.Parallel()

	t.Run("the link sets a password once, within 30 minutes, and proves the address", func(t *testing.T) { // A01, A02
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		link := e.resetLink("nora")
		m, _ := e.inbox.Last("nora@example.com")
		require.Equal(t, start().Add(30*time.Minute), m.NotAfter)
		e.clock.Add(30*time.Minute - time.Microsecond)
		login, err := e.logins.ResetPassword(t.Context(), link, others)
		require.NoError(t, err)
		require.Equal(t, accounts.Login{User: "nora", Method: accounts.MethodPassword, At: e.env.Now(), Epoch: 2, ByLink: true}, login)
		require.True(t, e.stored("nora").Proven)
		require.ErrorIs(t, e.reset(link, strange), accounts.ErrNotFound)
		require.True(t, e.knows("nora@example.com", others))

		link = e.resetLink("nora")
		e.clock.Add(30 * time.Minute)
		require.ErrorIs(t, e.reset(link, strange), accounts.ErrNotFound)
		require.True(t, e.knows("nora@example.com", others))
	})

	t.Run("the session that follows is not fresh, and becomes so by the password", func(t *testing.T) { // A71
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("nora")
		login := must(e.logins.ResetPassword(t.Context(), e.resetLink("nora"), others))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		p := e.principal(secret.Reveal(), "")
		require.True(t, p.AuthAt.IsZero())
		google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "1"}
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), p.Actor(), "new@example.com"), accounts.ErrStepUp)
		require.ErrorIs(t, e.logins.Link(t.Context(), p.Actor(), access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}), accounts.ErrStepUp)
		require.ErrorIs(t, e.svc.EraseUser(t.Context(), p.Actor(), "nora"), accounts.ErrStepUp)
		_, err = e.sessions.Renew(t.Context(), secret.Reveal(), login)
		require.ErrorIs(t, err, accounts.ErrInvalid, "the link proves nothing anew")
		proven := must(e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: others}, access.Device{}))(t)
		renewed := must(e.sessions.Renew(t.Context(), secret.Reveal(), proven))(t)
		require.NoError(t, e.logins.AskAddress(t.Context(), e.self(renewed.Reveal()), "new@example.com"))
	})

	t.Run("only the newest link works, and the mail with an older one is not sent any more", func(t *testing.T) { // A03, A87, I-05
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("nora")
		first := e.resetLink("nora")
		require.NoError(t, e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}))
		e.inbox.Reset()
		third := e.resetLink("nora")
		require.Len(t, e.inbox.To("nora@example.com"), 1, "of two that were queued")
		require.ErrorIs(t, e.reset(first, others), accounts.ErrNotFound)
		require.NoError(t, e.reset(third, others))
	})

	t.Run("a password that is refused leaves the link alive", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("nora")
		link := e.resetLink("nora")
		require.ErrorIs(t, e.reset(link, "short"), accounts.ErrInvalid)
		require.NoError(t, e.reset(link, others))
	})

	t.Run("a link dies with the address that it was sent to", func(t *testing.T) { // A03, A27
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		link := e.resetLink("nora")
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), actor, e.mailed("new@example.com", changePage)))
		require.ErrorIs(t, e.reset(link, others), accounts.ErrNotFound)
	})

	t.Run("a login elsewhere, or one that the host keeps, gets no password by mail", func(t *testing.T) { // A12
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("nora")
		link := e.resetLink("nora")
		must(e.svc.PutUser(t.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true}))(t)
		require.ErrorIs(t, e.reset(link, others), accounts.ErrNotFound, "the host keeps her since the link was sent")
		must(e.logins.Arrive(t.Context(), access.HostLogin{
			ID: "otto", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}, Email: "otto@example.com", Verified: true,
		}))(t)
		for _, who := range []string{"nora@example.com", "otto@example.com", "mia@example.com"} {
			e.kinds(who)
			require.NoError(t, e.logins.AskReset(t.Context(), who, access.Device{}))
			require.Equal(t, []string{mail.LoginElsewhere}, e.kinds(who))
		}
		for _, id := range []accounts.UserID{"otto", "mia"} {
			_, err := e.mem.Ticket(t.Context(), access.TicketQuery{TicketKey: access.TicketKey{User: id, Purpose: token.Reset}})
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
	})

	t.Run("who has no login at all gets the first one", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.put(access.Change{Change: accounts.Change{Users: []accounts.User{{
			UserState: accounts.UserState{ID: "nora", Epoch: 1}, Email: "nora@example.com", Address: "nora@example.com", CreatedAt: start(),
		}}}})
		require.NoError(t, e.reset(e.resetLink("nora"), words))
		require.True(t, e.knows("nora@example.com", words))
	})
}

// What somebody prepared under an address that was not theirs is void once its
// owner proves the mailbox: the password, the sessions, the links to other
// addresses, the logins at issuers, and the phone; the notice carries no words
// of theirs (A26).
func TestLogins_ResetPassword_prepared(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	must(e.logins.SignUp(t.Context(), access.SignUp{ID: "nora", Email: "nora@example.com", Name: "Call 555 now", Password: words}, access.Device{}))(t)
	secret := e.in("nora", words)
	actor := e.self(secret)
	proof := e.mailed("nora@example.com", proofPage)
	require.NoError(t, e.logins.AskAddress(t.Context(), actor, "otto@example.com"))
	change := e.mailed("otto@example.com", changePage)
	google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "mallory"}
	require.ErrorIs(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}), accounts.ErrInvalid,
		"an address that is not proven is linked with nothing")
	u := e.stored("nora")
	u.Confirms, u.Phone = true, "+4917012345678"
	e.put(access.Change{Change: accounts.Change{ // as an import, or an earlier release, may have left them
		Users:      []accounts.User{u},
		Identities: []accounts.Identity{{Issuer: google.Issuer, Subject: google.Subject, User: "nora"}, {Issuer: "i", Subject: "2", User: "nora"}},
	}})
	e.kinds("nora@example.com")

	login := must(e.logins.ResetPassword(t.Context(), e.resetLink("nora"), others))(t)
	e.flush()
	m, _ := e.inbox.Last("nora@example.com")
	require.Equal(t, mail.PasswordChanged, m.Kind)
	require.NotContains(t, m.ToName+m.Subject+m.Text, "555")
	got := e.means("nora")
	require.Empty(t, got.Identities)
	require.True(t, got.User.Proven)
	require.False(t, got.User.Confirms)
	require.Empty(t, got.User.Phone)
	require.False(t, e.knows("nora@example.com", words))
	require.ErrorIs(t, e.try(secret, ""), access.ErrNoSession)
	require.ErrorIs(t, e.logins.Prove(t.Context(), actor, proof), accounts.ErrStepUp)
	require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), actor, change), accounts.ErrStepUp)
	fresh, _, err := e.sessions.Start(t.Context(), login, access.Device{})
	require.NoError(t, err)
	require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), e.self(fresh.Reveal()), change), accounts.ErrNotFound)
	require.Equal(t, accounts.Email("nora@example.com"), e.stored("nora").Email)
	_, err = e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true})
	require.ErrorIs(t, err, access.ErrLinkFirst)

	t.Run("of an address that was proven before, nothing of this goes", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
		u := e.stored("nora")
		u.Confirms, u.Phone = true, "+4917012345678"
		e.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
		require.NoError(t, e.reset(e.resetLink("nora"), others))
		got := e.means("nora")
		require.Len(t, got.Identities, 1)
		require.True(t, got.User.Confirms)
		require.NotEmpty(t, got.User.Phone)
		e.flush()
		m, _ := e.inbox.Last("nora@example.com")
		require.Equal(t, "Mx nora", m.ToName)
	})
}

// A hash of old parameters, or of another system, is replaced when its owner
// logs in, and only then; one that asks for too much is not looked at (A30).
func TestPasswords_rehash(t *testing.T) {
	t.Parallel()
	imported := must(bcrypt.GenerateFromPassword([]byte(words), bcrypt.MinCost))(t)
	tooLong := strings.Repeat("a legacy password ", 30) // 540 code points: bcrypt saw 72 bytes of them
	legacy := must(bcrypt.GenerateFromPassword([]byte(tooLong[:72]), bcrypt.MinCost))(t)
	weak := must(hasher(&password.Options{Memory: 16, Time: 1}).Hash(t.Context(), words))(t)
	strong := must(hasher(&password.Options{Memory: 8, Time: 2}).Hash(t.Context(), words))(t)
	for _, tt := range []struct {
		name     string
		stored   string
		given    string
		replaced bool
	}{
		{"today's parameters", must(cheap().Hash(t.Context(), words))(t), words, false},
		{"another memory", weak, words, true},
		{"another number of passes", strong, words, true},
		{"imported from bcrypt", string(imported), words, true},
		{"imported, and not to be chosen today", string(legacy), tooLong, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			e.signUp("nora")
			e.imported("nora", tt.stored)
			require.False(t, e.knows("nora@example.com", others))
			require.Equal(t, tt.stored, e.means("nora").Credential.Hash)
			secret := e.in("nora", tt.given)
			got := e.means("nora").Credential
			require.Equal(t, tt.replaced, got.Hash != tt.stored)
			require.NoError(t, e.try(secret, ""), "it ends no session")
			require.True(t, e.knows("nora@example.com", tt.given), "and means the same password")
			require.Equal(t, got, e.means("nora").Credential, "once is enough")
			if tt.replaced {
				m := must(cheap().Verify(t.Context(), got.Hash, words))(t)
				require.Equal(t, password.Match{OK: true}, m)
			}
			_, err := e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: tt.given}, access.Device{})
			require.NoError(t, err)
		})
	}

	t.Run("a stored hash that asks for too much, or is none, is a wrong password, and nothing of it is logged", func(t *testing.T) {
		t.Parallel()
		var logged log
		e := newEntrance(t, func(o *accounts.EnvOptions) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
		e.signUp("nora")
		for _, stored := range []string{
			strings.Replace(weak, "m=16", "m=4194304", 1), strings.Replace(weak, "t=1", "t=4294967295", 1), "$2b$31$" + string(imported)[7:],
			words, "md5:5f4dcc3b5aa765d61d8327deb882cf99", weak + " ", "$argon2id$",
		} {
			e.clock.Add(30 * day)
			e.imported("nora", stored)
			require.False(t, e.knows("nora@example.com", words), stored)
			require.False(t, e.knows("nora@example.com", stored), stored)
			require.Equal(t, stored, e.means("nora").Credential.Hash)
		}
		require.Contains(t, logged.String(), "nora")
		require.NotContains(t, logged.String(), words)
		require.NotContains(t, logged.String(), weak[len(weak)-20:])
	})

	t.Run("a caller that goes away while waiting for its turn is no wrong password", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		ctx, leave := context.WithCancel(t.Context())
		e.st.on(func(call string, do func() error) error {
			defer leave() // after the count
			return do()
		})
		_, _, err := e.logins.LogIn(ctx, access.LogIn{Email: "nora@example.com", Password: words}, access.Device{})
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, e.count(access.EventLoginFailed))
	})
}
