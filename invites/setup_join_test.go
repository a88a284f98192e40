package invites_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// With the link a client sets a first password, or comes in by another way of
// their own, and can open a session at once, which sees the account as a client
// and with no role. A link that was mailed proves the mailbox, and one that
// somebody was shown does not; who made it and who used it is on record (A13, D7,
// C7, B11).
func TestSetUp(t *testing.T) {
	t.Parallel()
	key := accounts.IdentityKey{Issuer: "https://idp.example", Subject: "cleo"}
	for name, in := range map[string]invites.NewLogin{
		"a password":               {ID: "42", Password: good},
		"a login at an issuer":     {ID: "42", Name: "C. Park", Identity: key},
		"a login of the host's":    {ID: "42", Locale: "fr", Kept: true},
		"a password and a new id":  {Password: good},
		"an identity and a new id": {Identity: key},
	} {
		for _, mailed := range []bool{false, true} {
			t.Run(name+", "+map[bool]string{true: "mailed", false: "generated"}[mailed], func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.change("cleo", func(c *accounts.Client) { c.Locale = "de" })
				in := in
				if in.Link = w.generate("cleo"); mailed {
					in.Link = w.send("cleo")
				}
				w.clock.Add(time.Minute)
				out, err := w.links.SetUp(t.Context(), in)
				require.NoError(t, err)
				u := w.user(out.Login.User)
				want := accounts.User{
					UserState: accounts.UserState{ID: u.ID, Name: "Cleo Park", Epoch: 1}, Version: 1, Email: "cleo@example.com",
					Address: "Cleo@Example.com", Proven: mailed, Kept: in.Kept, Locale: "de", CreatedAt: w.env.Now(), UpdatedAt: w.env.Now(),
				}
				if in.ID != "" {
					require.Equal(t, in.ID, u.ID)
				}
				if in.Name != "" {
					want.Name = in.Name
				}
				if in.Locale != "" {
					want.Locale = in.Locale
				}
				require.Equal(t, want, u)
				m := must(w.mem.Means(t.Context(), accounts.UserKey{ID: u.ID}))(t)
				require.True(t, m.HasLogin())
				if in.Password != "" {
					match := must(hasher().Verify(t.Context(), m.Credential.Hash, good))(t)
					require.True(t, match.OK)
				}

				c := w.client("cleo")
				require.Equal(t, c.ClientState, out.Client)
				require.Equal(t, u.ID, c.User)
				require.Equal(t, w.env.Now(), c.ActiveAt)
				require.Equal(t, accounts.ClientActive, c.Status(false))
				require.Equal(t, w.env.Now(), w.setting("cleo").Link.UsedAt)
				require.Equal(t, "pays late", c.Notes, "the record is otherwise as it was")
				require.Empty(t, w.letters(), "mail with the link that waits is useless now")

				list := w.events()
				last := list[len(list)-2:]
				require.Equal(t, []accounts.EventKind{accounts.EventUserCreated, invites.EventClientJoined}, kinds(last))
				require.Equal(t, accounts.By{User: u.ID}, last[1].By)
				require.Equal(t, u.ID, last[1].User)
				require.Equal(t, accounts.ClientID("cleo"), last[1].Client)
				require.Equal(t, accounts.UserID("max"), list[0].By.User)
				require.Equal(t, accounts.ClientID("cleo"), list[0].Client)

				sessions := must(access.NewSessions(w.mem, w.env))(t)
				_, s, err := sessions.Start(t.Context(), out.Login, access.Device{})
				require.NoError(t, err)
				require.Equal(t, u.ID, s.User)
				require.Equal(t, in.Password != "", out.Login.ByLink, "a password that came by a link is no fresh login")
				require.True(t, w.asClient(u.ID))
				require.Equal(t, roles.Role(""), w.role(u.ID), "a client has no role")
			})
		}
	}
}

// A link is good for one success with one effect, and exactly 30 days: then it is
// dead, though nothing was cleaned up (A01, A02, I-04).
func TestSetUp_Once(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.send("cleo")
	require.NoError(t, ignore(w.setUp(link)))
	w.deadSetup(link)
	require.Equal(t, 1, w.count(invites.EventClientJoined))

	old, last := w.generate("dora"), w.env.Now().Add(30*day)
	w.clock.Set(last.Add(-time.Microsecond))
	require.NoError(t, ignore(w.links.Peek(t.Context(), old)))
	w.clock.Set(last)
	w.deadSetup(old)
	require.NoError(t, ignore(w.setUp(w.generate("dora"))))
}

// A link whose client is suspended or deleted, or whose account is suspended or
// closed, is dead at once; what comes back revives none, except an account that
// was paused (A04, A17, A74, A76, C9, C10).
func TestSetUp_Ended(t *testing.T) {
	t.Parallel()
	t.Run("a client who is suspended and reactivated", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		link := w.send("cleo")
		w.suspendClient("cleo")
		w.deadSetup(link)
		w.change("cleo", func(c *accounts.Client) { c.SuspendedAt, c.AfterAt = time.Time{}, w.env.Now() })
		w.deadSetup(link)
		out, err := w.setUp(w.generate("cleo"))
		require.NoError(t, err)
		require.True(t, w.asClient(out.Login.User), "a new link lets them in, with the login that they make")
	})
	t.Run("a client who is deleted, and made again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		link := w.send("cleo")
		w.deleteClient("cleo")
		w.deadSetup(link)
		w.put(client("acme", "cleo2", "cleo@example.com"))
		w.deadSetup(link)
	})
	t.Run("an account that is suspended", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		link := w.send("cleo")
		require.NoError(t, w.graph.SuspendAccount(t.Context(), staff, "acme"))
		w.deadSetup(link)
		require.NoError(t, w.graph.ReactivateAccount(t.Context(), staff, "acme"))
		require.NoError(t, ignore(w.setUp(link)))
	})
	t.Run("an account that is closed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		link := w.send("cleo")
		require.NoError(t, w.graph.CloseAccount(t.Context(), w.as("olga"), "acme"))
		w.deadSetup(link)
	})
}

// A link never sets or replaces anything for somebody who has a login, whatever
// sort of login it is and whoever saw the link; they log in to join. By a link
// that somebody was shown, nobody becomes a user who is there: what else they have
// would be whoever's who saw it (A12, A13, D7).
func TestSetUp_HasLogin(t *testing.T) {
	t.Parallel()
	cleo := user("cleo")
	cleo.Email, cleo.Address = "cleo@example.com", "cleo@example.com"
	unproven, kept, confirms := cleo, cleo, cleo
	unproven.Proven, kept.Kept = false, true
	confirms.Confirms, confirms.Phone, confirms.Proven = true, "+491701234567", false
	noHash := credential("cleo")
	noHash.Hash = ""
	for _, tt := range []struct {
		name          string
		rows          []any
		shown, mailed error
	}{
		{"a password", []any{cleo, credential("cleo")}, invites.ErrHasLogin, invites.ErrHasLogin},
		{"a password, and an address that is not proven", []any{unproven, credential("cleo")}, invites.ErrHasLogin, invites.ErrHasLogin},
		{"a login at an issuer", []any{unproven, accounts.Identity{Issuer: "i", Subject: "s", User: "cleo", CreatedAt: start()}}, invites.ErrHasLogin, invites.ErrHasLogin},
		{"a login that the host keeps", []any{kept}, invites.ErrHasLogin, invites.ErrHasLogin},
		{"identity confirmation on", []any{confirms}, invites.ErrHasLogin, invites.ErrHasLogin},
		{"no login, and a proven address", []any{cleo, noHash}, invites.ErrHasLogin, nil},
		{"no login at all", []any{unproven}, invites.ErrHasLogin, nil},
	} {
		for way, link := range map[string]func(w *world) string{
			"generated": func(w *world) string { return w.generate("cleo") },
			"mailed":    func(w *world) string { return w.send("cleo") },
		} {
			t.Run("by a link that was "+way+", to a user with "+tt.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.put(tt.rows...)
				secret, want := link(w), tt.mailed
				if way == "generated" {
					want = tt.shown
				}
				was := w.dump()
				for _, in := range []invites.NewLogin{
					{Password: good}, {Identity: accounts.IdentityKey{Issuer: "j", Subject: "t"}}, {ID: "cleo", Kept: true},
				} {
					in.Link = secret
					out, err := w.links.SetUp(t.Context(), in)
					require.ErrorIs(t, err, want)
					if want == nil {
						u := w.user("cleo")
						require.Equal(t, accounts.UserID("cleo"), out.Login.User)
						require.Equal(t, int64(2), u.Epoch, "who was here before is out (A26)")
						require.Equal(t, "Cleo", u.Name, "a link renames nobody")
						require.True(t, u.Proven)
						require.True(t, w.asClient("cleo"))
						return
					}
					require.Zero(t, out)
				}
				require.Equal(t, was, w.dump())
				_, err := w.links.Peek(t.Context(), secret)
				require.NoError(t, err, "the page does not tell who has a login")
			})
		}
	}
}

// An id, an identity or an address that somebody has stays theirs, and what the
// input lacks is refused before anything is looked at.
func TestSetUp_Input(t *testing.T) {
	t.Parallel()
	unproven, gone := user("cleo"), user("cleo")
	unproven.Proven = false
	gone.Proven, gone.SuspendedAt = false, start()
	key := accounts.IdentityKey{Issuer: "i", Subject: "s"}
	for _, tt := range []struct {
		name string
		rows []any
		in   invites.NewLogin
		want error
		what string
	}{
		{"no way to log in", nil, invites.NewLogin{}, accounts.ErrInvalid, "password"},
		{"two ways to log in", nil, invites.NewLogin{ID: "42", Password: good, Kept: true}, accounts.ErrInvalid, "password"},
		{"a kept login without an id", nil, invites.NewLogin{Kept: true}, accounts.ErrInvalid, "id"},
		{"a bad id", nil, invites.NewLogin{ID: "a\nb", Password: good}, accounts.ErrInvalid, "id"},
		{"a bad language", nil, invites.NewLogin{Password: good, Locale: "!"}, accounts.ErrInvalid, "locale"},
		{"a long name", nil, invites.NewLogin{Password: good, Name: strings.Repeat("x", 101)}, accounts.ErrInvalid, "name"},
		{"a short password", nil, invites.NewLogin{Password: "short"}, accounts.ErrInvalid, "password"},
		{"a password made of the account and the client", nil, invites.NewLogin{Password: "acme cleo park cleo acme"}, accounts.ErrInvalid, "password"},
		{"an id of somebody", nil, invites.NewLogin{ID: "ben", Kept: true}, accounts.ErrTaken, "id"},
		{"an identity of somebody", []any{accounts.Identity{Issuer: "i", Subject: "s", User: "ben", CreatedAt: start()}}, invites.NewLogin{Identity: key}, accounts.ErrTaken, "identity"},
		{"another id for a user who is there", []any{unproven}, invites.NewLogin{ID: "42", Kept: true}, accounts.ErrTaken, "email"},
		{"a user who is suspended everywhere (A25)", []any{gone}, invites.NewLogin{Password: good}, accounts.ErrNotFound, ""},
		{"a user who is a member", []any{unproven, member("acme", "cleo", roles.Viewer)}, invites.NewLogin{Password: good}, accounts.ErrTaken, "user"},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(tt.rows...)
			tt.in.Link = w.send("cleo")
			was := w.dump()
			out, err := w.links.SetUp(t.Context(), tt.in)
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, out)
			var taken *accounts.TakenError
			switch {
			case errors.As(err, &taken):
				require.Equal(t, tt.what, taken.Field)
			case tt.what != "":
				require.Equal(t, tt.what, field(t, err))
			}
			require.Equal(t, was, w.dump())
		})
	}
}

// Who has a login joins with it, if their own proven address is the client's;
// doing so again changes nothing and answers the same. Nothing about their login
// changes (C7, A06, A07, A12).
func TestJoin(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"generated", "mailed"} {
		w := newWorld(t)
		w.put(client("acme", "b", "Ben@example.com"))
		link := w.generate("b")
		if way == "mailed" {
			link = w.send("b")
		}
		w.change("b", func(c *accounts.Client) { c.After, c.AfterAt = 7, start() }) // as left by a reactivation before anybody came in
		was := must(w.mem.Means(t.Context(), accounts.UserKey{ID: "ben"}))(t)
		out, err := w.joinAs("ben", link)
		require.NoError(t, err)
		require.Equal(t, w.client("b").ClientState, out)
		require.Equal(t, accounts.UserID("ben"), out.User)
		require.Equal(t, w.env.Now(), w.client("b").ActiveAt)
		require.Zero(t, out.After)
		require.True(t, w.asClient("ben"))
		now := must(w.mem.Means(t.Context(), accounts.UserKey{ID: "ben"}))(t)
		was.User.Version++
		require.Equal(t, was, now, "the login is as it was")
		require.Empty(t, w.letters())

		before := w.dump()
		again, err := w.joinAs("ben", link)
		require.NoError(t, err)
		require.Equal(t, out, again)
		require.Equal(t, before, w.dump())
		require.Equal(t, 1, w.count(invites.EventClientJoined))
		w.deadSetup2(link, "eve")
	}
}

// deadSetup2 is deadSetup for a user whom the link is not for.
func (w *world) deadSetup2(link string, who accounts.UserID) {
	w.Helper()
	require.ErrorIs(w, ignore(w.joinAs(who, link)), accounts.ErrNotFound)
	require.ErrorIs(w, ignore(w.setUp(link)), accounts.ErrNotFound)
	require.ErrorIs(w, ignore(w.links.Peek(w.Context(), link)), accounts.ErrNotFound)
}

// Everybody else is refused by name, on record, and the link stays as it is.
func TestJoin_Refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		given   func(w *world)
		want    error
		refusal string
	}{
		{"another user", func(w *world) {
			w.put(user("cleo"), credential("cleo"))
			w.change("b", func(c *accounts.Client) { c.Email, c.Address = "other@example.com", "other@example.com" })
		}, invites.ErrOtherAddress, "token"},
		{"a user who has not proven the address", func(w *world) {
			u := w.user("ben")
			u.Proven = false
			w.put(u)
		}, invites.ErrUnproven, "token"},
		{"a member", func(w *world) { w.put(member("acme", "ben", roles.Viewer)) }, accounts.ErrTaken, ""},
		{"a suspended member", func(w *world) {
			m := member("acme", "ben", roles.Viewer)
			m.SuspendedAt = start()
			w.put(m)
		}, roles.ErrDenied, "denied"},
		{"a member who was removed while suspended, which bars them", func(w *world) {
			m := member("acme", "ben", roles.Viewer)
			m.SuspendedAt, m.EndedAt = start(), start()
			w.put(m)
		}, roles.ErrDenied, "denied"},
		{"a client of the account already", func(w *world) {
			c := client("acme", "c", "old@example.com")
			c.User = "ben"
			w.put(c)
		}, accounts.ErrTaken, ""},
		{"a user with identity confirmation on, without a code", func(w *world) {
			u := w.user("ben")
			u.Confirms, u.Phone = true, "+491701234567"
			w.put(u)
		}, accounts.ErrStepUp, ""},
		{"the client, after the link expired", func(w *world) { w.clock.Add(30 * day) }, accounts.ErrExpired, "token"},
		{"the client, after they were suspended", func(w *world) { w.suspendClient("b") }, accounts.ErrNotFound, "token"},
		{"the client, after somebody else came in as them", func(w *world) {
			w.change("b", func(c *accounts.Client) { c.User = "eve" })
		}, invites.ErrUsed, "token"},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(client("acme", "b", "ben@example.com"))
			link := w.send("b")
			tt.given(w)
			was := w.without(accounts.EventRefused)
			out, err := w.joinAs("ben", link)
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, out)
			require.Equal(t, was, w.without(accounts.EventRefused))
			if tt.refusal == "" {
				require.Empty(t, w.refusals())
				return
			}
			require.Equal(t, []string{"client.joined at acme by ben: " + tt.refusal}, w.refusals())
		})
	}
}

// With identity confirmation on, the code that was asked for lets the user in
// once, and is used up (B3).
func TestJoin_Code(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(client("acme", "b", "ben@example.com"))
	link := w.send("b")
	u := w.user("ben")
	u.Confirms, u.Phone = true, "+491701234567"
	w.put(u)
	var code *accounts.CodeError
	require.ErrorAs(t, ignore(w.joinAs("ben", link)), &code)
	require.Equal(t, &accounts.CodeError{Action: invites.EventClientJoined, Account: "acme"}, code)
	key := accounts.ChallengeKey{User: "ben", Session: "session-ben", Action: code.Action, Account: code.Account}
	w.put(accounts.Challenge{ChallengeKey: key, Epoch: 1, To: u.Phone, CreatedAt: start(), ExpiresAt: start().Add(day), PassedAt: start()})
	require.NoError(t, ignore(w.joinAs("ben", link)))
	require.Equal(t, start(), must(w.mem.Challenge(t.Context(), key))(t).UsedAt)
}

// Links of every other purpose, and what has not the form of a link, are refused
// at every door of setup links as unknown; and a setup link opens no door of
// invitations (A05, A09, A10).
func TestSetup_Strings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.send("cleo")
	_, invitation := w.invited("amy", "new@example.com", roles.Viewer)
	body := strings.TrimPrefix(link, "cset_")
	for _, bad := range []string{
		"", "c", "\x00", "cset_", invitation, strings.ToLower(link), " " + link, link + " ", link + "A", link[:len(link)-1], link + "\x00",
		"CSET_" + body, body, strings.Repeat("A", 1<<20), "cset_" + secretOf("another"), strings.Replace(link, body[:1], "é", 1),
	} {
		w.deadSetup(bad)
	}
	for i := range len(body) {
		other := byte('A')
		if body[i] == other {
			other = 'B'
		}
		require.ErrorIs(t, ignore(w.links.Peek(t.Context(), "cset_"+body[:i]+string(other)+body[i+1:])), accounts.ErrNotFound)
	}
	for _, p := range []token.Purpose{token.Request, token.Session, token.Invitation, token.Proof, token.Reset, token.Address, token.ViewLink, token.ViewAs, token.Challenge} {
		w.deadSetup(string(p) + body)
	}
	w.dead(link)
	require.NoError(t, ignore(w.setUp(link)), "none of it was for nothing else")
}

// The secret of a link is in the mail and where it was shown, and nowhere else
// (A18, I-26).
func TestSetup_Plaintext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shown := w.generate("dora")
	sent := w.send("cleo")
	text := w.dump()
	require.Equal(t, 1, strings.Count(text, sent[5:]), "in the mail alone")
	require.NotContains(t, text, shown[5:])
	require.NoError(t, ignore(w.setUp(sent)))
	require.NotContains(t, w.dump(), sent[5:], "the mail that was not sent is empty now")
}

// Somebody who views as a client looks, and does nothing by any link, on record;
// both people are named (A68, A69).
func TestViewing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.send("cleo")
	i, invitation := w.invited("amy", "ben@example.com", roles.Viewer)
	viewing := accounts.Viewing("max", "view-1", "acme", "dora")
	ctx, was := t.Context(), w.without(accounts.EventRefused)
	for name, do := range map[string]func() error{
		"Join":             func() error { return ignore(w.links.Join(ctx, viewing, link)) },
		"Generate":         func() error { return ignore(w.links.Generate(ctx, viewing, invites.GenerateSetup{ClientKey: shown})) },
		"Send":             func() error { return ignore(w.links.Send(ctx, viewing, invites.SendSetup{ClientKey: shown})) },
		"Accept":           func() error { return ignore(w.inv.Accept(ctx, viewing, invites.Answer{Link: invitation})) },
		"Decline":          func() error { return w.inv.Decline(ctx, viewing, invites.Answer{Link: invitation}) },
		"Decline by id":    func() error { return w.inv.Decline(ctx, viewing, byID(i)) },
		"Revoke":           func() error { return w.inv.Revoke(ctx, viewing, "acme", i.ID) },
		"Invite somewhere": func() error { return ignore(w.inv.Offer(ctx, viewing, "acme")) },
	} {
		before := len(w.events())
		require.ErrorIs(t, do(), roles.ErrDenied, name)
		list := w.events()
		require.Len(t, list, before+1, name)
		e := list[before]
		require.Equal(t, accounts.RefusedViewing, e.Refusal, name)
		require.Equal(t, accounts.By{User: "max", Session: "view-1", Client: "dora"}, e.By)
	}
	require.Equal(t, was, w.without(accounts.EventRefused))
}
