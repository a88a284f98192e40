package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// A secret of a view finds that view alone, as a link or as a cookie and never
// as the other, and only while it is the stored one (A01, A05, I-05).
func TestStore_views(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		x, y := viewAs("x", "c", "r", "v"), viewAs("y", "c", "r", "v")
		x.Hash, y.Hash = token.Hash{}, token.Hash{}
		m := member("c", "v", roles.Admin)
		m.Tenure = 4
		put(t, st, "setup", user("u"), user("v"), account("c", "C"), m, session("s", "v"),
			joined(record("c", "r"), "u"), site("c", "s"), siteAccess("c", "r", "s", "stats"), x, y)
		return st
	}
	find := func(t *testing.T, st storage.Storage, key access.ViewKey) access.Viewing {
		t.Helper()
		v, err := st.Viewing(t.Context(), key)
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
		return v
	}
	opened := func(id, secret string, version int64) access.ViewAs {
		v := viewAs(id, "c", "r", "v")
		v.Version, v.OpenedAt, v.Link, v.Hash = version, start, token.Hash{}, hash(secret)
		return v
	}
	t.Run("it comes with the viewer's session and standing, and the client with their sites", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			v := find(t, st, access.ViewKey{Link: hash("link x")})
			require.EqualValues(t, "x", v.View.ID)
			require.Equal(t, v, find(t, st, access.ViewKey{ID: "x"}))
			require.Equal(t, []any{accounts.SessionID("s"), roles.Admin, int64(4), accounts.ClientID("r"), accounts.UserID("u")},
				[]any{v.Session.ID, v.Standing.Member.Role, v.Tenure, v.Client.ID, v.User.ID})
			require.Equal(t, []accounts.SiteGrant{{Site: "s", Name: "Site s", Permissions: []roles.Permission{"stats"}}}, v.Sites)
		}
	})
	t.Run("the link is gone once it is opened, and the secret finds it", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		put(t, st, "open", opened("x", "secret", 1))
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("again", opened("x", "other", 1))), accounts.ErrConflict)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Empty(t, find(t, st, access.ViewKey{Link: hash("link x")}).View.ID)
			require.EqualValues(t, "x", find(t, st, access.ViewKey{Hash: hash("secret")}).View.ID)
			require.Empty(t, find(t, st, access.ViewKey{Link: hash("secret")}).View.ID)
			require.Empty(t, find(t, st, access.ViewKey{Hash: hash("other")}).View.ID)
			require.EqualValues(t, "y", find(t, st, access.ViewKey{Link: hash("link y")}).View.ID)
		}
	})
	t.Run("the zero hash names nothing, and any number of views have it", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		put(t, st, "third", opened("x", "secret", 1), opened("y", "secret 2", 1))
		require.Empty(t, find(t, st, access.ViewKey{}).View.ID)
	})
	t.Run("a stored link or secret is a conflict", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x := viewAs("z", "c", "r", "v")
		x.Link = hash("link x")
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("link", x)), accounts.ErrConflict)
		put(t, st, "open", opened("x", "secret", 1))
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("secret", opened("y", "secret", 1))), accounts.ErrConflict)
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("two", opened("z", "new", 0), opened("y", "new", 1))), accounts.ErrConflict)
	})
	t.Run("two exchange their secrets in one change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		put(t, st, "open", opened("x", "1", 1), opened("y", "2", 1))
		put(t, st, "swap", opened("x", "2", 2), opened("y", "1", 2))
		require.EqualValues(t, "x", find(t, st, access.ViewKey{Hash: hash("2")}).View.ID)
		require.EqualValues(t, "y", find(t, st, access.ViewKey{Hash: hash("1")}).View.ID)
	})
	t.Run("those that ended or expired are swept, and their secrets are free", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x := opened("x", "secret", 1)
		x.EndedAt = start.Add(time.Minute)
		put(t, st, "end", x)
		sweep := func(before time.Time) int {
			n, err := st.Sweep(t.Context(), storage.SweepBefore{Views: before}, 0)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, sweep(time.Time{}))
		require.Zero(t, sweep(x.EndedAt))
		require.Equal(t, 1, sweep(x.ExpiresAt))
		require.Empty(t, find(t, st, access.ViewKey{Hash: hash("secret")}).View.ID)
		require.EqualValues(t, "y", find(t, st, access.ViewKey{ID: "y"}).View.ID)
		require.Equal(t, 1, sweep(x.ExpiresAt.Add(time.Microsecond)))
		require.Empty(t, find(t, st, access.ViewKey{ID: "y"}).View.ID)
		list, err := st.Held(t.Context(), accounts.HeldQuery{Kind: accounts.HeldView, User: "v"})
		require.NoError(t, err)
		require.Empty(t, list)
		put(t, st, "anew", opened("x", "secret", 0))
	})
}

// A newer setup link takes the place of the older, which finds nothing (A03).
func TestStore_setupLinks(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		put(t, st, "setup", account("c", "C"), record("c", "a"), record("c", "b"))
		setUp(t, st, "links", setupLink("c", "a", "1"), setupLink("c", "b", "2"))
		return st
	}
	apply := func(t *testing.T, st storage.Storage, op string, links ...invites.SetupLink) error {
		t.Helper()
		c := offer(op, nil)
		c.SetupLinks = links
		return st.ApplyInvites(t.Context(), c)
	}
	find := func(t *testing.T, st storage.Storage, secret string) accounts.ClientID {
		t.Helper()
		f, err := st.SettingUp(t.Context(), invites.SettingUpQuery{Hash: hash(secret)})
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
		require.Equal(t, f.Link.ID, f.Client.ID)
		return f.Link.ID
	}
	link := func(client, secret string, version int64) invites.SetupLink {
		l := setupLink("c", client, secret)
		l.Version = version
		return l
	}
	t.Run("the newest alone is found", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		require.ErrorIs(t, apply(t, st, "insert", link("a", "3", 0)), accounts.ErrConflict)
		require.NoError(t, apply(t, st, "newer", link("a", "3", 1)))
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Empty(t, find(t, st, "1"))
			require.EqualValues(t, "a", find(t, st, "3"))
			require.EqualValues(t, "b", find(t, st, "2"))
		}
	})
	t.Run("another's secret is a conflict, and two exchange theirs in one change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		require.ErrorIs(t, apply(t, st, "stolen", link("a", "2", 1)), accounts.ErrConflict)
		require.NoError(t, apply(t, st, "swap", link("a", "2", 1), link("b", "1", 1)))
		require.EqualValues(t, "a", find(t, st, "2"))
		require.EqualValues(t, "b", find(t, st, "1"))
	})
	t.Run("the zero hash names nothing, and any number of links have it", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		a, b := link("a", "", 1), link("b", "", 1)
		a.Hash, b.Hash = token.Hash{}, token.Hash{}
		require.NoError(t, apply(t, st, "zero", a, b))
		_, err := st.SettingUp(t.Context(), invites.SettingUpQuery{})
		require.ErrorIs(t, err, accounts.ErrNotFound)
		f, err := st.SettingUp(t.Context(), invites.SettingUpQuery{ClientKey: clientKey("c", "a")})
		require.NoError(t, err)
		require.EqualValues(t, 2, f.Link.Version)
		_, err = st.SettingUp(t.Context(), invites.SettingUpQuery{ClientKey: clientKey("c", "x")})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	})
}
