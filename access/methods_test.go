package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// How a user logs in is told as it is, with no secret in it: no hash of a
// password, and of the phone the last two digits (A18). To others there is no
// such user (A36).
func TestLogins_Methods(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	secret, actor := c.newcomer("nora")
	of := func(a accounts.Actor, id accounts.UserID) access.Methods {
		c.Helper()
		return must(c.logins.Methods(t.Context(), a, id))(c)
	}
	require.Equal(t, access.Methods{Password: true}, of(actor, "nora"))

	require.NoError(t, c.logins.Link(t.Context(), actor, access.HostLogin{Identity: google, Email: "nora@example.com", Verified: true}))
	c.confirmed("nora")
	want := access.Methods{
		Password: true, Confirms: true, Phone: "••••••••••••78",
		Identities: []accounts.Identity{{Issuer: google.Issuer, Subject: google.Subject, User: "nora", CreatedAt: start()}},
	}
	for _, a := range []accounts.Actor{actor, job, operator, c.own("nora", "")} {
		require.Equal(t, want, of(a, "nora"))
	}
	printed := text(want, of(actor, "nora"))
	require.NotContains(t, printed, c.means("nora").Credential.Hash)
	require.NotContains(t, printed, strings.TrimPrefix(phone, "+")[:8])

	must(c.logins.Arrive(t.Context(), access.HostLogin{ID: "otto", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}))(t)
	require.False(t, of(job, "otto").Password)
	require.Len(t, of(job, "otto").Identities, 1)
	require.Equal(t, access.Methods{Kept: true}, of(job, "mia"))
	must(c.svc.PutUser(t.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true}))(t)
	require.True(t, of(job, "nora").Kept)
	require.False(t, of(job, "nora").Password, "one of before opens nothing")

	otto, _, err := c.sessions.Start(t.Context(), accounts.Login{User: "otto"}, access.Device{})
	require.NoError(t, err)
	c.clock.Add(time.Microsecond) // later than the host's taking over
	nora := c.own("nora", "")
	require.NoError(t, c.sessions.EndAll(t.Context(), operator, "nora"))
	was := c.all()
	for _, tt := range []struct {
		name string
		by   accounts.Actor
		user accounts.UserID
		want error
	}{
		{"another user", c.self(otto.Reveal()), "nora", accounts.ErrNotFound},
		{"another user, of nobody", c.self(otto.Reveal()), "nobody", accounts.ErrNotFound},
		{"nobody", accounts.Actor{}, "nora", accounts.ErrNotFound},
		{"a job, of nobody", job, "nobody", accounts.ErrNotFound},
		{"a job, of what is no id", job, "no id", accounts.ErrInvalid},
		{"a login that was ended", nora, "nora", accounts.ErrStepUp},
	} {
		got, err := c.logins.Methods(t.Context(), tt.by, tt.user)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Zero(t, got, tt.name)
	}
	require.ErrorIs(t, c.try(secret, ""), access.ErrNoSession)
	require.Equal(t, was, c.all(), "looking changes nothing")
	stranger := c.self(otto.Reveal())
	require.Empty(t, c.calls(func() { _, _ = c.logins.Methods(t.Context(), stranger, "nora") }), "nobody measures who is there")
}

// loginLinks are the links about nora's login, and how each is used.
func loginLinks() []loginLink {
	return []loginLink{
		{token.Proof, 24 * time.Hour, "nora@example.com", func(e *entrance, a accounts.Actor) string {
			u := e.stored("nora")
			u.Proven = false
			e.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
			require.NoError(e, e.logins.AskProof(e.Context(), a))
			return e.mailed("nora@example.com", proofPage)
		}, func(e *entrance, a accounts.Actor, link string) error { return e.logins.Prove(e.Context(), a, link) }},
		{token.Reset, 30 * time.Minute, "nora@example.com", func(e *entrance, _ accounts.Actor) string {
			return e.resetLink("nora")
		}, func(e *entrance, _ accounts.Actor, link string) error { return e.reset(link, others) }},
		{token.Address, 24 * time.Hour, "New@example.com", func(e *entrance, a accounts.Actor) string {
			require.NoError(e, e.logins.AskAddress(e.Context(), a, " New@Example.com "))
			return e.mailed("new@example.com", changePage)
		}, func(e *entrance, a accounts.Actor, link string) error {
			return e.logins.ConfirmAddress(e.Context(), a, link)
		}},
	}
}

type loginLink struct {
	purpose token.Purpose
	ttl     time.Duration
	to      string
	ask     func(e *entrance, a accounts.Actor) string
	use     func(e *entrance, a accounts.Actor, link string) error
}

// A link that is looked at shows what it is for, where it went and until when,
// and nothing changes however often it is (A11). One that leads nowhere any
// more, for whatever reason, is one answer (A02, A03, A05, A09).
func TestLogins_PeekLink(t *testing.T) {
	t.Parallel()
	for _, l := range loginLinks() {
		t.Run(fmt.Sprintf("a link %s is looked at as often as one likes", l.purpose), func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			_, actor := e.newcomer("nora")
			link := l.ask(e, actor)
			was := e.all()
			for range 3 {
				calls := e.calls(func() {
					v := must(e.logins.PeekLink(t.Context(), link))(t)
					require.Equal(t, l.purpose, v.Purpose)
					require.True(t, strings.EqualFold(l.to, v.Address), v.Address)
					require.Equal(t, start().Add(l.ttl), v.ExpiresAt)
				})
				require.Equal(t, []string{"Ticket", "Means"}, calls)
			}
			require.Equal(t, was, e.all())
			require.NoError(t, l.use(e, actor, link), "and it still works")
		})

		for name, end := range map[string]func(e *entrance, a accounts.Actor, link string){
			"was used":     func(e *entrance, a accounts.Actor, link string) { require.NoError(e, l.use(e, a, link)) },
			"was replaced": func(e *entrance, a accounts.Actor, _ string) { l.ask(e, a) },
			"expired":      func(e *entrance, _ accounts.Actor, _ string) { e.clock.Add(l.ttl) },
			"ended with all": func(e *entrance, _ accounts.Actor, _ string) {
				require.NoError(e, e.sessions.EndAll(e.Context(), job, "nora"))
			},
			"is of one changed": func(e *entrance, _ accounts.Actor, _ string) {
				require.NoError(e, e.reset(e.resetLink("nora"), strange))
			},
			"is of one suspended": func(e *entrance, _ accounts.Actor, _ string) {
				require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
			},
			"is of one who came back": func(e *entrance, _ accounts.Actor, _ string) {
				require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "nora"))
				require.NoError(e, e.svc.ReactivateUser(e.Context(), operator, "nora"))
			},
			"is of one erased": func(e *entrance, _ accounts.Actor, _ string) {
				require.NoError(e, e.svc.EraseUser(e.Context(), operator, "nora"))
			},
		} {
			t.Run(fmt.Sprintf("a link %s that %s is none", l.purpose, name), func(t *testing.T) {
				t.Parallel()
				e := newEntrance(t)
				_, actor := e.newcomer("nora")
				link := l.ask(e, actor)
				must(e.logins.PeekLink(t.Context(), link))(t)
				end(e, actor, link)
				v, err := e.logins.PeekLink(t.Context(), link)
				require.Equal(t, accounts.ErrNotFound, err)
				require.Zero(t, v)
				require.Error(t, l.use(e, actor, link))
			})
		}
	}

	t.Run("a moment before it ends a link is one", func(t *testing.T) {
		t.Parallel()
		for _, l := range loginLinks() {
			e := newEntrance(t)
			_, actor := e.newcomer("nora")
			link := l.ask(e, actor)
			e.clock.Add(l.ttl - time.Microsecond)
			must(e.logins.PeekLink(t.Context(), link))(t)
		}
	})

	t.Run("a reset of somebody whom the host keeps since is none", func(t *testing.T) { // A12
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("nora")
		link := e.resetLink("nora")
		u := e.stored("nora")
		u.Kept = true
		e.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
		_, err := e.logins.PeekLink(t.Context(), link)
		require.Equal(t, accounts.ErrNotFound, err)
	})

	t.Run("what is no link, or one of something else, is none", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, _ := e.newcomer("nora")
		link := e.resetLink("nora")
		e.send("cleo@example.com")
		body := link[strings.IndexByte(link, '_')+1:]
		for _, bad := range []string{
			"", "\x00", "c", body, link + "A", link[:len(link)-1], strings.ToLower(link), secret, e.link("cleo@example.com"),
			string(token.Proof) + body, string(token.Address) + body, string(token.Reset) + strings.Repeat("A", 52), strings.Repeat("A", 1<<20),
		} {
			v, err := e.logins.PeekLink(t.Context(), bad)
			require.Equal(t, accounts.ErrNotFound, err)
			require.Zero(t, v)
		}
	})
}

// The host's staff and jobs see how an address waits, alike whether or not
// anybody has it; the wait is the one that a try meets, and lifting it ends it
// (A31).
func TestLogins_Block(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"nora@example.com", "nobody@example.com"} {
		t.Run("of "+email, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			e.newcomer("nora")
			e.clock.Add(time.Minute)
			at := e.env.Now()
			block := func(a accounts.Actor) access.Block {
				e.Helper()
				return must(e.logins.Block(t.Context(), a, strings.ToUpper(email)))(e)
			}
			try := func() error {
				_, err := e.logins.Verify(t.Context(), access.LogIn{Email: email, Password: strange}, access.Device{})
				return err
			}
			none := block(job)
			require.Zero(t, none.Wrong)
			require.True(t, none.Until.IsZero())

			for range 4 {
				require.ErrorIs(t, try(), access.ErrCredentials)
			}
			require.Equal(t, access.Block{Wrong: 4, Last: at}, block(job), "nobody waits yet")
			require.ErrorIs(t, try(), access.ErrCredentials)
			require.Equal(t, access.Block{Wrong: 5, Last: at, Until: at.Add(time.Second)}, block(operator))
			was := e.all()
			require.Equal(t, block(job), block(operator))
			require.Equal(t, was, e.all(), "looking changes nothing")
			var wait *limit.LimitedError
			require.ErrorAs(t, try(), &wait)
			require.Equal(t, block(job).Until, e.env.Now().Add(wait.RetryAfter), "what a try is told")
			e.clock.Add(time.Second)
			require.Equal(t, access.Block{Wrong: 5, Last: at}, block(job), "exactly then it is over")

			e.blocked(email, 100)
			require.Equal(t, access.Block{Wrong: 100, Last: e.env.Now(), Until: e.env.Now().Add(day)}, block(job))
			require.NoError(t, e.logins.Lift(t.Context(), operator, email))
			require.Zero(t, block(job).Wrong)
			require.True(t, block(job).Until.IsZero())
			require.ErrorIs(t, try(), access.ErrCredentials, "and a try is let through")
		})
	}

	t.Run("users do not see it, not even of themselves, and what is no address waits for nothing", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		for _, a := range []accounts.Actor{actor, e.as("ann", "north"), {}} {
			b, err := e.logins.Block(t.Context(), a, "nora@example.com")
			require.ErrorIs(t, err, roles.ErrDenied)
			require.Zero(t, b)
		}
		_, err := e.logins.Block(t.Context(), operator, "nora")
		require.ErrorIs(t, err, accounts.ErrInvalid)
	})
}
