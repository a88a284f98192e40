package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

type verdict bool

// verdicts are what an ID token's email_verified may have been decoded to.
func verdicts() map[string]any {
	yes, text := true, "true"
	return map[string]any{
		"true": true, "false": false, "nil": nil, `"true"`: "true", `"TRUE"`: "TRUE", "1": 1, "1.0": 1.0, "uint8 1": uint8(1),
		"json.Number 1": json.Number("1"), "json.Number true": json.Number("true"), "raw true": json.RawMessage("true"), "[]byte true": []byte("true"),
		"*bool": &yes, "*string": &text, "a type of its own": verdict(true), "a map": map[string]any{"true": true}, "a slice": []any{true},
		"a function": func() bool { return true }, "an error": errors.New("true"), "an array": [1]bool{true},
	}
}

// A login at an issuer is its issuer and subject, and nothing else: no address,
// domain, name or flag finds anybody. Somebody new gets the address that comes
// with it only if the flag is literally true and nobody has the address (A24).
func TestLogins_Arrive_table(t *testing.T) {
	t.Parallel()
	for name, verified := range verdicts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, email := range []string{"", "new@example.com", "NEW@Example.com", "nora@example.com", "Nora@EXAMPLE.com", "mia@example.com", "nora", "nöra@example.com"} {
				for _, issuer := range []string{"https://id.example", "https://id.example/", "HTTPS://id.example", "https://evil.example"} {
					for _, subject := range []string{"s-1", "S-1", "nora", "nora@example.com", "s-1 "} {
						e := newEntrance(t)
						_, actor := e.newcomer("nora")
						known := accounts.IdentityKey{Issuer: "https://id.example", Subject: "s-1"}
						require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: known, Email: "nora@example.com", Verified: true}))
						was := e.means("nora")
						in := access.HostLogin{Identity: accounts.IdentityKey{Issuer: issuer, Subject: subject}, Email: email, Verified: verified}
						what := fmt.Sprintf("%q %q %q", issuer, subject, email)
						login, err := e.logins.Arrive(t.Context(), in)
						require.Equal(t, was, e.means("nora"), what)
						canonical, bad := accounts.ParseEmail(email)
						taken := bad == nil && canonical != "new@example.com"
						switch {
						case in.Identity == known:
							require.NoError(t, err, what)
							require.Equal(t, accounts.Login{User: "nora", Identity: known, Method: accounts.MethodIdentity, At: e.env.Now(), Epoch: 1}, login, what)
						case name == "true" && taken:
							require.Equal(t, access.ErrLinkFirst, err, what)
							require.Zero(t, login)
						case name == "true" && email != "" && bad != nil:
							require.ErrorIs(t, err, accounts.ErrInvalid, what)
							require.Zero(t, login)
						default:
							require.NoError(t, err, what)
							require.NotContains(t, []accounts.UserID{"nora", "mia"}, login.User, what)
							m := e.means(login.User)
							require.Equal(t, []accounts.Identity{{Issuer: issuer, Subject: subject, User: login.User, CreatedAt: e.env.Now()}}, m.Identities)
							want := accounts.Email("")
							if name == "true" {
								want = canonical
							}
							require.Equal(t, want, m.User.Email, what)
							require.Equal(t, want != "", m.User.Proven, what)
						}
					}
				}
				if name != "true" && name != "nil" && name != `"true"` {
					break // one address is enough to see that the flag does not count
				}
			}
		})
	}
}

func TestLogins_Arrive(t *testing.T) {
	t.Parallel()
	google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "s-1"}

	t.Run("whoever is new becomes a user under the host's id, once", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		in := access.HostLogin{Identity: google, Email: " Nora@Example.com", Verified: true, ID: "nora", Name: "Nora", Locale: "de"}
		for range 3 {
			login := must(e.logins.Arrive(t.Context(), in))(t)
			require.Equal(t, accounts.Login{User: "nora", Identity: google, Method: accounts.MethodIdentity, At: e.env.Now(), Epoch: 1}, login)
		}
		u := e.stored("nora")
		require.Equal(t, "Nora@Example.com", u.Address)
		require.Equal(t, "Nora", u.Name)
		require.Equal(t, "de", u.Locale)
		require.False(t, u.Kept)
		require.EqualValues(t, 1, u.Version)
		require.Equal(t, 12, e.count(accounts.EventUserCreated))
		require.Empty(t, e.kinds("nora@example.com"))
	})

	t.Run("an id that anybody has or had is taken", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		require.NoError(t, e.svc.EraseUser(t.Context(), operator, "nora"))
		was := e.all()
		for _, id := range []accounts.UserID{"nora", "mia"} {
			_, err := e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, ID: id})
			require.ErrorIs(t, err, accounts.ErrTaken)
		}
		require.Equal(t, was, e.all())
	})

	t.Run("what a token says beside who it is does not keep out whoever is known", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		must(e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, ID: "nora"}))(t)
		was := e.all()
		for _, in := range []access.HostLogin{
			{Email: "nöra@example.com"},
			{Email: "nora@localhost", Verified: true},
			{Name: strings.Repeat("n", 101)},
			{Name: "a\nb"},
			{Locale: "not a language"},
			{ID: "no ra"},
			{ID: "mia"},
			{Email: "mia@example.com", Verified: true},
		} {
			in.Identity = google
			require.Equal(t, accounts.UserID("nora"), must(e.logins.Arrive(t.Context(), in))(t).User)
		}
		require.Equal(t, was, e.all(), "and changes nothing")
	})

	t.Run("of somebody new, what breaks a rule is refused by its name", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		was := e.all()
		for field, in := range map[string]access.HostLogin{
			"identity.issuer":  {Identity: accounts.IdentityKey{Subject: "s"}},
			"identity.subject": {Identity: accounts.IdentityKey{Issuer: "i", Subject: strings.Repeat("s", 256)}},
			"email":            {Identity: google, Email: "nora@localhost", Verified: true},
			"name":             {Identity: google, Name: strings.Repeat("n", 101)},
			"locale":           {Identity: google, Locale: "not a language"},
			"id":               {Identity: google, ID: "no ra"},
		} {
			login, err := e.logins.Arrive(t.Context(), in)
			var bad *accounts.InvalidError
			require.ErrorAs(t, err, &bad, field)
			require.Equal(t, field, bad.Field)
			require.Zero(t, login)
		}
		_, err := e.logins.Arrive(t.Context(), access.HostLogin{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s\x00"}})
		require.ErrorIs(t, err, accounts.ErrInvalid)
		require.Equal(t, was, e.all())
	})

	t.Run("a subject of an erased user is somebody new", func(t *testing.T) { // A77
		t.Parallel()
		e := newEntrance(t)
		in := access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}
		first := must(e.logins.Arrive(t.Context(), in))(t).User
		require.NoError(t, e.svc.EraseUser(t.Context(), operator, first))
		second := must(e.logins.Arrive(t.Context(), in))(t).User
		require.NotEqual(t, first, second)
	})
}

// Linking takes all of these: a fresh login of the user's own, an address that
// they have proven here, and the same address from the issuer with the literal
// true (A24).
func TestLogins_Link(t *testing.T) {
	t.Parallel()
	google := accounts.IdentityKey{Issuer: "https://id.example", Subject: "s-1"}

	t.Run("only the literal true counts, and only the user's own address", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("otto")
		_, actor := e.newcomer("nora")
		e.kinds("nora@example.com")
		was := e.all()
		for name, verified := range verdicts() {
			for _, email := range []string{"", "nora", "nora@example.co", "otto@example.com", "x@example.com", "nora@EXAMPLE.com.evil.example", "nora@example.com, nora@example.com"} {
				require.ErrorIs(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: email, Verified: verified}), accounts.ErrInvalid, "%s %s", name, email)
			}
			if verified == true {
				continue
			}
			require.ErrorIs(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: verified}), accounts.ErrInvalid, name)
		}
		require.Equal(t, was, e.all())
		in := access.HostLogin{Identity: google, Email: "NORA@example.com", Verified: true}
		require.NoError(t, e.logins.Link(t.Context(), actor, in))
		require.Equal(t, []string{mail.IdentityLinked}, e.kinds("nora@example.com"))
		require.Equal(t, accounts.UserID("nora"), must(e.logins.Arrive(t.Context(), in))(t).User)
		was = e.all()
		require.NoError(t, e.logins.Link(t.Context(), actor, in), "again changes nothing")
		require.Equal(t, was, e.all())
	})

	t.Run("an address that is not proven, or none, is linked with nothing", func(t *testing.T) { // A26
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		in := access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}
		require.ErrorIs(t, e.logins.Link(t.Context(), e.self(e.in("nora", words)), in), accounts.ErrInvalid)
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "otto", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		for _, email := range []string{"", "otto@example.com"} {
			in.Email = email
			require.ErrorIs(t, e.logins.Link(t.Context(), e.self(secret.Reveal()), in), accounts.ErrInvalid)
		}
		require.ErrorIs(t, e.logins.Link(t.Context(), e.self(e.login("mia")), access.HostLogin{Identity: google, Email: "mia@example.com", Verified: true}), accounts.ErrInvalid,
			"the host keeps mia's login")
	})

	t.Run("a login that is not fresh, or nobody's, links nothing", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		e.clock.Add(10 * time.Minute)
		in := access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}
		require.ErrorIs(t, e.logins.Link(t.Context(), actor, in), accounts.ErrStepUp)
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, google), accounts.ErrNotFound)
		for _, nobody := range []accounts.Actor{{}, job, operator} {
			require.ErrorIs(t, e.logins.Link(t.Context(), nobody, in), accounts.ErrNotFound)
			require.ErrorIs(t, e.logins.Unlink(t.Context(), nobody, google), accounts.ErrNotFound)
		}
	})

	t.Run("an identity that somebody has stays theirs", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		must(e.logins.Arrive(t.Context(), access.HostLogin{Identity: google, ID: "otto"}))(t)
		_, actor := e.newcomer("nora")
		err := e.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true})
		var taken *accounts.TakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, "identity", taken.Field)
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, google), accounts.ErrNotFound)
		require.Equal(t, accounts.UserID("otto"), must(e.logins.Arrive(t.Context(), access.HostLogin{Identity: google}))(t).User)
	})
}

func TestLogins_Unlink(t *testing.T) {
	t.Parallel()
	first, second := accounts.IdentityKey{Issuer: "i", Subject: "1"}, accounts.IdentityKey{Issuer: "i", Subject: "2"}

	t.Run("what is taken away opens nothing any more, and the user is told", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		in := access.HostLogin{Identity: first, Email: "nora@example.com", Verified: true}
		require.NoError(t, e.logins.Link(t.Context(), actor, in))
		e.kinds("nora@example.com")
		require.NoError(t, e.logins.Unlink(t.Context(), actor, first))
		require.Equal(t, []string{mail.IdentityUnlinked}, e.kinds("nora@example.com"))
		_, err := e.logins.Arrive(t.Context(), in)
		require.ErrorIs(t, err, access.ErrLinkFirst)
		_, _, err = e.sessions.Start(t.Context(), accounts.Login{Identity: first}, access.Device{})
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, first), accounts.ErrNotFound, "once")
	})

	t.Run("one way in stays", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "nora", Identity: first, Email: "nora@example.com", Verified: true}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		actor := e.self(secret.Reveal())
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, first), accounts.ErrInvalid)
		require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: second, Email: "nora@example.com", Verified: true}))
		require.NoError(t, e.logins.Unlink(t.Context(), actor, first))
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, second), accounts.ErrInvalid)
		secret = must(e.logins.ChangePassword(t.Context(), actor, "", words, access.Device{}))(t)
		require.NoError(t, e.logins.Unlink(t.Context(), e.self(secret.Reveal()), second), "a password is a way in")
	})

	t.Run("a user whom an issuer's login made comes back by it, as long as it is the only way", func(t *testing.T) { // A24
		t.Parallel()
		e := newEntrance(t)
		in := access.HostLogin{Identity: first, Email: "nora@example.com", Verified: true}
		login := must(e.logins.Arrive(t.Context(), in))(t)
		comes := func(by access.HostLogin) accounts.Actor {
			e.Helper()
			again := must(e.logins.Arrive(t.Context(), by))(t)
			require.Equal(t, login.User, again.User, "the same user")
			secret, _, err := e.sessions.Start(t.Context(), again, access.Device{})
			require.NoError(t, err)
			return e.self(secret.Reveal())
		}
		actor := comes(in)
		was := e.means(login.User)
		var bad *accounts.InvalidError
		require.ErrorAs(t, e.logins.Unlink(t.Context(), actor, first), &bad)
		require.Equal(t, "identity", bad.Field)
		require.Equal(t, was, e.means(login.User))
		actor = comes(in)

		other := access.HostLogin{Identity: second, Email: "nora@example.com", Verified: true}
		require.NoError(t, e.logins.Link(t.Context(), actor, other))
		require.NoError(t, e.logins.Unlink(t.Context(), actor, first))
		actor = comes(other)
		_, err := e.logins.Arrive(t.Context(), in)
		require.ErrorIs(t, err, access.ErrLinkFirst)
		require.NoError(t, e.logins.Link(t.Context(), actor, in), "and it may be linked anew")
		comes(in)
		require.Equal(t, 1, e.count(accounts.EventUserCreated)-11)
	})

	t.Run("it wants a fresh login", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		require.NoError(t, e.logins.Link(t.Context(), actor, access.HostLogin{Identity: first, Email: "nora@example.com", Verified: true}))
		e.clock.Add(10 * time.Minute)
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, first), accounts.ErrStepUp)
		require.ErrorIs(t, e.logins.Unlink(t.Context(), actor, accounts.IdentityKey{}), accounts.ErrInvalid)
	})
}
