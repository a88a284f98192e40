package invites_test

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Whoever joins with a new login is a user with that way in, a proven address
// and a membership, and can open a session at once. A password that came with a
// mailed link is no fresh login, and a way of one's own is (A13, B2, B11).
func TestAcceptNew(t *testing.T) {
	t.Parallel()
	key := accounts.IdentityKey{Issuer: "https://idp.example", Subject: "ben"}
	for _, tt := range []struct {
		name  string
		in    invites.NewLogin
		login accounts.Login
		check func(t *testing.T, m accounts.Means)
	}{
		{
			"with a password",
			invites.NewLogin{ID: "42", Name: "Ben", Password: good},
			accounts.Login{User: "42", Method: accounts.MethodPassword, At: start(), Epoch: 1, ByLink: true},
			func(t *testing.T, m accounts.Means) {
				t.Helper()
				match, err := hasher().Verify(t.Context(), m.Credential.Hash, good)
				require.NoError(t, err)
				require.Equal(t, password.Match{OK: true}, match)
				require.False(t, m.User.Kept)
				require.Empty(t, m.Identities)
			},
		},
		{
			"with a login at an issuer",
			invites.NewLogin{ID: "42", Name: "Ben", Identity: key},
			accounts.Login{User: "42", Method: accounts.MethodIdentity, At: start(), Epoch: 1},
			func(t *testing.T, m accounts.Means) {
				t.Helper()
				require.Empty(t, m.Credential.Hash)
				require.Equal(t, []accounts.Identity{{Issuer: key.Issuer, Subject: key.Subject, User: "42", CreatedAt: start()}}, m.Identities)
			},
		},
		{
			"with a login that the host keeps",
			invites.NewLogin{ID: "42", Name: "Ben", Kept: true},
			accounts.Login{User: "42", Method: "host", At: start(), Epoch: 1},
			func(t *testing.T, m accounts.Means) {
				t.Helper()
				require.True(t, m.User.Kept)
				require.Empty(t, m.Credential.Hash)
				require.Empty(t, m.Identities)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, tt.in.Link = w.invited("amy", "New@Example.com", roles.Author)
			out, err := w.inv.AcceptNew(t.Context(), tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.login, out.Login)
			require.Equal(t, w.membership("42"), out.Membership)
			require.Equal(t, roles.Author, w.role("42"))

			m := must(w.mem.Means(t.Context(), accounts.UserKey{Email: "new@example.com"}))(t)
			require.True(t, m.HasLogin())
			require.Equal(t, accounts.User{
				UserState: accounts.UserState{ID: "42", Name: "Ben", Epoch: 1}, Version: 1, Email: "new@example.com", Address: "New@Example.com",
				Proven: true, Kept: tt.in.Kept, CreatedAt: start(), UpdatedAt: start(),
			}, m.User)
			tt.check(t, m)

			sessions := must(access.NewSessions(w.mem, w.env))(t)
			secret, _, err := sessions.Start(t.Context(), out.Login, access.Device{})
			require.NoError(t, err)
			p, err := sessions.Principal(t.Context(), secret.Reveal(), "acme")
			require.NoError(t, err)
			require.Equal(t, roles.Author, p.Role())
			require.Equal(t, !tt.login.ByLink, p.Actor().Fresh(w.env.Now(), w.env.Limits().FreshLogin), "fresh, if by a way of their own")
		})
	}
}

// The password of a new login is one with which the user logs in.
func TestAcceptNew_LogIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "new@example.com", roles.Author)
	require.NoError(t, ignore(w.joinNew(link)))
	logins, err := access.NewLogins(w.mem, w.env, &access.LoginOptions{Hasher: hasher(), Passwords: policy()})
	require.NoError(t, err)
	_, s, err := logins.LogIn(t.Context(), access.LogIn{Email: "NEW@example.com", Password: good}, access.Device{})
	require.NoError(t, err)
	require.Equal(t, roles.Author, w.role(s.User))
}

// A new user gets an id of their own, the language of the invitation unless
// they say another, and no more.
func TestAcceptNew_Defaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ invited, said, want string }{{"de", "", "de"}, {"de", "fr", "fr"}, {"", "", ""}, {"", "es", "es"}} {
		w := newWorld(t)
		_, err := w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer, Locale: tt.invited})
		require.NoError(t, err)
		out, err := w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: w.link("new@example.com"), Password: good, Locale: tt.said})
		require.NoError(t, err)
		u := w.user(out.Login.User)
		require.Equal(t, tt.want, u.Locale)
		require.NoError(t, accounts.CheckID("id", u.ID))
		require.Empty(t, u.Name)
		require.Equal(t, "new@example.com", u.Label())
	}
}

// An id or an identity that somebody has, or had, is theirs (A77, I-20).
func TestAcceptNew_Taken(t *testing.T) {
	t.Parallel()
	key := accounts.IdentityKey{Issuer: "https://idp.example", Subject: "s"}
	for _, tt := range []struct {
		name  string
		given func(w *world)
		in    invites.NewLogin
		field string
	}{
		{"the id of a user", nil, invites.NewLogin{ID: "eve", Kept: true}, "id"},
		{"the id of the inviter", nil, invites.NewLogin{ID: "amy", Password: good}, "id"},
		{"the id of a user who was erased", func(w *world) { require.NoError(w, w.graph.EraseUser(w.Context(), staff, "eve")) }, invites.NewLogin{ID: "eve", Kept: true}, "id"},
		{"the identity of a user", func(w *world) {
			w.put(accounts.Identity{Issuer: key.Issuer, Subject: key.Subject, User: "eve", CreatedAt: start()})
		}, invites.NewLogin{Identity: key}, "identity"},
	} {
		t.Run(tt.name+" is taken", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.given != nil {
				tt.given(w)
			}
			_, tt.in.Link = w.invited("amy", "new@example.com", roles.Viewer)
			was := w.dump()
			out, err := w.inv.AcceptNew(t.Context(), tt.in)
			var taken *accounts.TakenError
			require.ErrorAs(t, err, &taken)
			require.Equal(t, tt.field, taken.Field)
			require.Zero(t, out)
			require.Equal(t, was, w.dump())
		})
	}
}

// A user without any way to log in gets a first one; the row stays theirs, with
// its id, and whoever gives another id is refused. Somebody who has a way, of
// whatever sort, keeps it as it is (A12, D7).
func TestAcceptNew_KnownUser(t *testing.T) {
	t.Parallel()
	t.Run("a user without a login gets one", func(t *testing.T) {
		t.Parallel()
		for _, id := range []accounts.UserID{"", "lea"} {
			w := newWorld(t)
			u := user("lea")
			u.Proven = false
			w.put(u)
			old := w.as("lea")
			_, link := w.invited("amy", "lea@example.com", roles.Viewer)
			_, err := w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: link, ID: "42", Name: "Other", Password: good})
			require.ErrorIs(t, err, accounts.ErrTaken)
			out, err := w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: link, ID: id, Name: "Other", Password: good})
			require.NoError(t, err)
			require.Equal(t, accounts.UserID("lea"), out.Login.User)
			got := w.user("lea")
			require.Equal(t, "Lea", got.Name, "a link renames nobody")
			require.True(t, got.Proven, "the link was mailed there")
			require.Equal(t, roles.Viewer, w.role("lea"))
			require.Zero(t, w.count(accounts.EventUserCreated))
			require.ErrorIs(t, ignore(w.inv.Mine(t.Context(), old)), accounts.ErrStepUp, "who was here before the proof is out (A26)")
			require.NoError(t, ignore(w.inv.Mine(t.Context(), w.as("lea"))))
		}
	})
	t.Run("who has a login keeps it, and joins by it", func(t *testing.T) {
		t.Parallel()
		for name, given := range map[string]func(w *world){
			"a password": func(w *world) { w.put(credential("lea")) },
			"an identity": func(w *world) {
				w.put(accounts.Identity{Issuer: "i", Subject: "s", User: "lea", CreatedAt: start()})
			},
			"a login at the host": func(w *world) {
				u := w.user("lea")
				u.Kept = true
				w.put(u)
			},
		} {
			w := newWorld(t)
			w.put(user("lea"))
			given(w)
			_, link := w.invited("amy", "lea@example.com", roles.Viewer)
			was := w.dump()
			means := must(w.mem.Means(t.Context(), accounts.UserKey{ID: "lea"}))(t)
			for _, in := range []invites.NewLogin{
				{Link: link, Password: good},
				{Link: link, ID: "lea", Kept: true},
				{Link: link, Identity: accounts.IdentityKey{Issuer: "i", Subject: "mine"}},
			} {
				require.ErrorIs(t, ignore(w.inv.AcceptNew(t.Context(), in)), invites.ErrHasLogin, name)
			}
			require.Equal(t, was, w.dump())
			require.Equal(t, means, must(w.mem.Means(t.Context(), accounts.UserKey{ID: "lea"}))(t))
			require.NoError(t, ignore(w.accept("lea", link)))
		}
	})
}

// What others began under the address of a user without a login ends when the
// invited person joins: mailed links about the login are dead, and those that
// have not gone out do not. The same form sent twice joins once, and meets an
// unknown link the second time, though there is a login by then (A01, A26, A87).
func TestAcceptNew_Prepared(t *testing.T) {
	t.Parallel()
	for _, in := range []invites.NewLogin{
		{Name: "Lea", Password: good},
		{ID: "lea", Kept: true},
		{Identity: accounts.IdentityKey{Issuer: "https://idp.example", Subject: "lea"}},
	} {
		w := newWorld(t)
		ctx := t.Context()
		u := user("lea")
		u.Proven = false
		w.put(u)
		logins, err := access.NewLogins(w.mem, w.env, &access.LoginOptions{Hasher: hasher(), Passwords: policy()})
		require.NoError(t, err)
		before := w.as("lea")
		require.NoError(t, logins.AskProof(ctx, before))
		require.NoError(t, logins.AskReset(ctx, "lea@example.com", access.Device{}))
		require.Len(t, w.mails(mail.AddressProof, mail.Queued), 1)
		require.Len(t, w.mails(mail.PasswordReset, mail.Queued), 1)
		var proof, reset string
		for _, m := range w.letters() {
			if url, ok := mailtest.Link(m, "https://app.example/address/prove/"); ok {
				proof = path.Base(url)
			}
			if url, ok := mailtest.Link(m, "https://app.example/password/reset/"); ok {
				reset = path.Base(url)
			}
		}
		_, in.Link = w.invited("amy", "lea@example.com", roles.Viewer)

		require.NoError(t, ignore(w.inv.AcceptNew(ctx, in)))
		require.Len(t, w.mails(mail.AddressProof, mail.Cancelled), 1)
		require.Len(t, w.mails(mail.PasswordReset, mail.Cancelled), 1)
		require.Equal(t, []string{mail.InvitationAccepted}, mailKinds(w.letters()))
		require.ErrorIs(t, ignore(logins.ResetPassword(ctx, reset, "eight yellow submarine cats")), accounts.ErrNotFound)
		require.ErrorIs(t, logins.Prove(ctx, before, proof), accounts.ErrStepUp)
		if !in.Kept { // whose address is the host's to prove
			require.ErrorIs(t, logins.Prove(ctx, w.as("lea"), proof), accounts.ErrNotFound)
		}

		was := w.dump()
		_, err = w.inv.AcceptNew(ctx, in)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.Equal(t, accounts.ErrNotFound.Error(), err.Error())
		require.Equal(t, was, w.dump())
		w.dead(in.Link)
	}
}

// What is missing, or too much, is refused before the link is looked at, so
// that the answer says nothing about it.
func TestAcceptNew_Input(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("amy", "new@example.com", roles.Viewer)
	unknown := "cinv_" + secretOf("unknown")
	was := w.dump()
	key := accounts.IdentityKey{Issuer: "i", Subject: "s"}
	for name, tt := range map[string]struct {
		in    invites.NewLogin
		field string
	}{
		"no way to log in":        {invites.NewLogin{}, "password"},
		"two ways":                {invites.NewLogin{Password: good, Kept: true, ID: "42"}, "password"},
		"two other ways":          {invites.NewLogin{Password: good, Identity: key}, "password"},
		"all ways":                {invites.NewLogin{Password: good, Identity: key, Kept: true, ID: "42"}, "password"},
		"kept under no id":        {invites.NewLogin{Kept: true}, "id"},
		"an id that is none":      {invites.NewLogin{Kept: true, ID: "4 2"}, "id"},
		"an id that is too long":  {invites.NewLogin{Kept: true, ID: accounts.UserID(strings.Repeat("4", 65))}, "id"},
		"a name of two lines":     {invites.NewLogin{Password: good, Name: "Ben\nBcc: x"}, "name"},
		"a name that is too long": {invites.NewLogin{Password: good, Name: strings.Repeat("b", 101)}, "name"},
		"a language that is none": {invites.NewLogin{Password: good, Locale: "!"}, "locale"},
		"no issuer":               {invites.NewLogin{Identity: accounts.IdentityKey{Subject: "s"}}, "identity.issuer"},
		"no subject":              {invites.NewLogin{Identity: accounts.IdentityKey{Issuer: "i"}}, "identity.subject"},
	} {
		for _, tt.in.Link = range []string{link, unknown} {
			require.Equal(t, tt.field, field(t, ignore(w.inv.AcceptNew(t.Context(), tt.in))), name)
		}
	}
	// A password is judged for somebody who may set one, and no sooner: a link
	// that is dead is as unknown as one that never was.
	passwords := map[string]string{
		"short": "seven goats", "common": "passwordpassword", "the account and the address": "acmeacmenew@example.com", "no UTF-8": "\xff\xfe" + good,
	}
	for name, bad := range passwords {
		_, err := w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: link, Password: bad})
		require.Equal(t, "password", field(t, err), name)
		require.NotContains(t, err.Error(), bad)
		_, err = w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: unknown, Password: bad})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	require.Equal(t, was, w.dump())
	require.NoError(t, w.revoke("amy", i.ID))
	for name, bad := range passwords {
		require.ErrorIs(t, ignore(w.inv.AcceptNew(t.Context(), invites.NewLogin{Link: link, Password: bad})), accounts.ErrNotFound, name)
	}
}

// The host's own user and ours come with one transaction, or not at all, and
// nobody sees either before it is committed (D1 of the product, B11).
func TestAcceptNew_Joined(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{false, true} {
		w := newWorld(t)
		_, link := w.invited("amy", "new@example.com", roles.Viewer)
		was := w.dump()
		tx := w.mem.Begin()
		out, err := w.inv.With(tx.Store()).AcceptNew(t.Context(), invites.NewLogin{Link: link, ID: "42", Name: "Ben", Kept: true})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("42"), out.Login.User)
		require.Equal(t, was, w.dump())
		if !commit {
			require.NoError(t, tx.Rollback())
			require.Equal(t, was, w.dump())
			require.NoError(t, ignore(w.inv.Peek(t.Context(), link)))
			continue
		}
		require.NoError(t, tx.Commit())
		require.Equal(t, roles.Viewer, w.role("42"))
		w.dead(link)
	}
}
