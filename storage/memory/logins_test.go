package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func means(t *testing.T, st storage.Storage, id string) accounts.Means {
	t.Helper()
	m, err := st.Means(t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
	require.NoError(t, err)
	return m
}

func identity(issuer, subject, user string) accounts.Identity {
	return accounts.Identity{Issuer: issuer, Subject: subject, User: accounts.UserID(user), CreatedAt: start}
}

// An identity is found among its user's and by its key, or by neither.
func TestStore_identities(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		put(t, st, "setup", user("u"), user("v"), identity("b", "1", "u"), identity("a", "2", "u"), identity("a", "1", "u"))
		return st
	}
	t.Run("a user's identities come by issuer and subject", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		require.Equal(t, []accounts.Identity{identity("a", "1", "u"), identity("a", "2", "u"), identity("b", "1", "u")},
			means(t, st, "u").Identities)
		require.Nil(t, means(t, st, "v").Identities)
	})
	t.Run("one that is taken away is nobody's, and can be somebody else's in the same change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		put(t, st, "moved", identity("a", "1", "v"), accounts.IdentityKey{Issuer: "a", Subject: "1"},
			accounts.IdentityKey{Issuer: "b", Subject: "1"})
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Equal(t, []accounts.Identity{identity("a", "2", "u")}, means(t, st, "u").Identities)
			require.Equal(t, []accounts.Identity{identity("a", "1", "v")}, means(t, st, "v").Identities)
			m, err := st.Means(t.Context(), accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "a", Subject: "1"}})
			require.NoError(t, err)
			require.EqualValues(t, "v", m.User.ID)
			_, err = st.Means(t.Context(), accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "b", Subject: "1"}})
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
	})
	for _, c := range []struct {
		name string
		rows []any
	}{
		{"taking away what is not there is a conflict", []any{accounts.IdentityKey{Issuer: "x", Subject: "1"}}},
		{"taking away what only comes with the change is a conflict", []any{
			accounts.IdentityKey{Issuer: "x", Subject: "1"}, identity("x", "1", "u"),
		}},
		{"taking one away twice is a conflict", []any{
			accounts.IdentityKey{Issuer: "a", Subject: "1"}, accounts.IdentityKey{Issuer: "a", Subject: "1"},
		}},
		{"inserting one twice is a conflict, also when the old one is taken away", []any{
			accounts.IdentityKey{Issuer: "a", Subject: "1"}, identity("a", "1", "u"), identity("a", "1", "v"),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := setup(t)
			before := means(t, st, "u")
			require.ErrorIs(t, st.ApplyAccess(t.Context(), change("op", c.rows...)), accounts.ErrConflict)
			require.Equal(t, before, means(t, st, "u"))
		})
	}
	t.Run("what is returned is a copy", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		m := means(t, st, "u")
		m.Identities[0].Subject = "x"
		require.Equal(t, "1", means(t, st, "u").Identities[0].Subject)
	})
}

// Only the newest link about somebody's login is found (A03, I-05).
func TestStore_tickets(t *testing.T) {
	t.Parallel()
	find := func(t *testing.T, st storage.Storage, secret string) accounts.UserID {
		t.Helper()
		x, err := st.Ticket(t.Context(), access.TicketQuery{Hash: hash(secret)})
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
		return x.User
	}
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		put(t, st, "setup", user("u"), user("v"), ticket("u", token.Reset, "1"), ticket("v", token.Reset, "2"))
		return st
	}
	t.Run("a newer one takes the place of the older, whose link finds nothing", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x := ticket("u", token.Reset, "3")
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("insert", x)), accounts.ErrConflict)
		x.Version = 1
		put(t, st, "newer", x)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Empty(t, find(t, st, "1"))
			require.EqualValues(t, "u", find(t, st, "3"))
		}
	})
	t.Run("two exchange their links in one change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x, y := ticket("u", token.Reset, "2"), ticket("v", token.Reset, "1")
		x.Version, y.Version = 1, 1
		put(t, st, "swap", x, y)
		require.EqualValues(t, "u", find(t, st, "2"))
		require.EqualValues(t, "v", find(t, st, "1"))
	})
	t.Run("a stored hash is a conflict, and one that was swept is free", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x := ticket("u", token.Proof, "2")
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("op", x)), accounts.ErrConflict)
		n, err := st.Sweep(t.Context(), storage.SweepBefore{Tickets: start.Add(time.Hour)}, 0)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		put(t, st, "free", x)
		require.EqualValues(t, "u", find(t, st, "2"))
	})
	t.Run("the zero hash names nothing", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		x := ticket("u", token.Proof, "")
		x.Hash = token.Hash{}
		put(t, st, "zero", x)
		_, err := st.Ticket(t.Context(), access.TicketQuery{})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	})
}
