package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func seats(t *testing.T, st storage.Storage, account string, at time.Time) accounts.Seats {
	t.Helper()
	n, err := st.Seats(t.Context(), accounts.AccountID(account), at)
	require.NoError(t, err)
	return n
}

func invited(t *testing.T, st storage.Storage, q invites.InvitingQuery) invites.Invitation {
	t.Helper()
	i, err := st.Inviting(t.Context(), q)
	require.NoError(t, err)
	return i.Invitation
}

func invitationIDs(list []invites.Listed) (ids []string) {
	for _, l := range list {
		ids = append(ids, string(l.Invitation.ID))
	}
	return ids
}

// The members' seats are a count that is kept, so every way in which a
// membership or its user changes must move it.
func TestStore_Seats_members(t *testing.T) {
	t.Parallel()
	stored := func(t *testing.T, st storage.Storage, id string) (accounts.User, accounts.Membership) {
		t.Helper()
		u, err := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
		require.NoError(t, err)
		m, err := st.Membership(t.Context(), accounts.StandingKey{User: u.ID, Account: "c"})
		require.NoError(t, err)
		return u, m
	}
	end := func(_ *accounts.User, m *accounts.Membership) { m.EndedAt = start }
	back := func(_ *accounts.User, m *accounts.Membership) { m.EndedAt = time.Time{} }
	suspend := func(u *accounts.User, m *accounts.Membership) { u.SuspendedAt, m.SuspendedAt = start, start }
	erase := func(u *accounts.User, _ *accounts.Membership) { u.DeletedAt = start }
	revive := func(u *accounts.User, _ *accounts.Membership) { u.DeletedAt = time.Time{} }
	rename := func(u *accounts.User, _ *accounts.Membership) { u.Name += "x" }
	for _, c := range []struct {
		name  string
		steps []func(*accounts.User, *accounts.Membership)
		want  int
	}{
		{"a member takes a seat", nil, 1},
		{"a suspended member keeps the seat", []func(*accounts.User, *accounts.Membership){suspend}, 1},
		{"who leaves gives the seat back once", []func(*accounts.User, *accounts.Membership){end, end, rename}, 0},
		{"who comes back takes it again", []func(*accounts.User, *accounts.Membership){end, back, back}, 1},
		{"a deleted user takes none", []func(*accounts.User, *accounts.Membership){erase, rename}, 0},
		{"a deleted user whose membership ends takes none", []func(*accounts.User, *accounts.Membership){erase, end}, 0},
		{"a deleted user whose membership starts takes none", []func(*accounts.User, *accounts.Membership){end, erase, back}, 0},
		{"a user who is no longer deleted takes the seat again", []func(*accounts.User, *accounts.Membership){erase, revive}, 1},
		{"an ended membership takes none when its user comes back", []func(*accounts.User, *accounts.Membership){end, erase, revive}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			put(t, st, "setup", user("u"), user("v"), account("c", "C"), account("d", "D"),
				member("c", "u", roles.Owner), member("d", "u", roles.Owner), member("c", "v", roles.Viewer))
			for n, step := range c.steps {
				u, m := stored(t, st, "u")
				step(&u, &m)
				put(t, st, fmt.Sprint("step ", n), u, m)
				require.Equal(t, seats(t, st, "c", start), seats(t, st.Begin().Store(), "c", start), "a copy counts anew")
			}
			require.Equal(t, 1+c.want, seats(t, st, "c", start).Members)
		})
	}
	t.Run("a change that deletes the user and ends the membership gives one seat back", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", user("u"), user("v"), account("c", "C"), member("c", "u", roles.Owner), member("c", "v", roles.Viewer))
		u, m := stored(t, st, "u")
		u.DeletedAt, m.EndedAt = start, start
		put(t, st, "both", u, m)
		require.Equal(t, accounts.Seats{Members: 1}, seats(t, st, "c", start))
	})
	t.Run("a membership that is over when it is stored takes none", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		ended, of := member("c", "u", roles.Owner), user("v")
		ended.EndedAt, of.DeletedAt = start, start
		put(t, st, "setup", user("u"), of, account("c", "C"), ended, member("c", "v", roles.Viewer))
		require.Zero(t, seats(t, st, "c", start))
	})
}

// offers returns a store in which "u" may invite to "c" and "d".
func offers(t *testing.T) *memory.Store {
	t.Helper()
	st := memory.New()
	put(t, st, "setup", user("u"), account("c", "C"), account("d", "D"),
		member("c", "u", roles.Owner), member("d", "u", roles.Owner))
	return st
}

// What a replaced invitation was found by finds it no more, and what it is
// found by now does, also when two of one change exchange it: only the newest
// link works (A03, I-05).
func TestStore_ApplyInvites_indexes(t *testing.T) {
	t.Parallel()
	ends := start.Add(7 * 24 * time.Hour)
	byHash := func(t *testing.T, st storage.Storage, h token.Hash) accounts.InvitationID {
		t.Helper()
		a, err := st.Accepting(t.Context(), invites.AcceptingQuery{Hash: h, At: start})
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
		return a.Invitation.ID
	}
	to := func(t *testing.T, st storage.Storage, email string) []string {
		t.Helper()
		list, err := st.InvitationsTo(t.Context(), accounts.Email(email), start, 0)
		require.NoError(t, err)
		return invitationIDs(list)
	}
	t.Run("two invitations exchange link, address and place", func(t *testing.T) {
		t.Parallel()
		st := offers(t)
		a, b := invitation("c", "a", "a@example.com"), invitation("c", "b", "b@example.com")
		b.CreatedAt = start.Add(time.Second)
		invite(t, st, "two", a, b)
		a.Version, b.Version = 1, 1
		a.Hash, b.Hash, a.Email, b.Email, a.CreatedAt, b.CreatedAt = b.Hash, a.Hash, b.Email, a.Email, b.CreatedAt, a.CreatedAt
		invite(t, st, "swap", a, b)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.EqualValues(t, "a", byHash(t, st, a.Hash))
			require.EqualValues(t, "b", byHash(t, st, b.Hash))
			require.Equal(t, []string{"a"}, to(t, st, "b@example.com"))
			require.Equal(t, []string{"b"}, to(t, st, "a@example.com"))
			require.EqualValues(t, "a", invited(t, st, invites.InvitingQuery{Account: "c", Email: a.Email}).ID)
			require.EqualValues(t, "b", invited(t, st, invites.InvitingQuery{Account: "c", Email: b.Email}).ID)
			list, err := st.Invitations(t.Context(), invites.ListQuery{Account: "c", At: start})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b"}, invitationIDs(list))
			require.Equal(t, 2, seats(t, st, "c", start).Invited)
		}
	})
	t.Run("a resent invitation is not found by its old link", func(t *testing.T) {
		t.Parallel()
		st := offers(t)
		a := invitation("c", "a", "a@example.com")
		invite(t, st, "one", a)
		old := a.Hash
		a.Version, a.Hash = 1, hash("newer")
		invite(t, st, "again", a)
		require.Empty(t, byHash(t, st, old))
		require.EqualValues(t, "a", byHash(t, st, a.Hash))
		invite(t, st, "other", func() invites.Invitation {
			b := invitation("c", "b", "b@example.com")
			b.Hash = old
			return b
		}())
		require.EqualValues(t, "b", byHash(t, st, old))
	})
	t.Run("an end and its successor are one change, in either order", func(t *testing.T) {
		t.Parallel()
		st := offers(t)
		a := invitation("c", "a", "a@example.com")
		invite(t, st, "one", a)
		require.ErrorIs(t, st.ApplyInvites(t.Context(), offer("two", []invites.Invitation{invitation("c", "b", "a@example.com")})),
			accounts.ErrConflict)
		a.Version, a.State = 1, invites.Expired
		invite(t, st, "first", invitation("c", "b", "a@example.com"), a)
		require.Equal(t, []string{"b"}, to(t, st, "a@example.com"))
		require.Equal(t, 1, seats(t, st, "c", start).Invited)
		b := invitation("c", "b", "a@example.com")
		b.Version, b.State = 1, invites.Accepted
		invite(t, st, "then", b, invitation("c", "d", "a@example.com"))
		require.EqualValues(t, "d", invited(t, st, invites.InvitingQuery{Account: "c", Email: "a@example.com"}).ID)
		require.Equal(t, accounts.Seats{Members: 1, Invited: 1}, seats(t, st, "c", start))
		require.Equal(t, accounts.Seats{Members: 1}, seats(t, st, "c", ends))
	})
	t.Run("the hash of another invitation is a conflict, also in another account", func(t *testing.T) {
		t.Parallel()
		st := offers(t)
		a, b := invitation("c", "a", "a@example.com"), invitation("d", "b", "b@example.com")
		invite(t, st, "one", a)
		b.Hash = a.Hash
		require.ErrorIs(t, st.ApplyInvites(t.Context(), offer("two", []invites.Invitation{b})), accounts.ErrConflict)
	})
	t.Run("the zero hash names nothing", func(t *testing.T) {
		t.Parallel()
		st := offers(t)
		a := invitation("c", "a", "a@example.com")
		a.Hash = token.Hash{}
		invite(t, st, "one", a)
		require.Empty(t, byHash(t, st, token.Hash{}))
	})
}

// Lists of more entries than one slice of an index holds are whole, newest
// first, page by page, and after entries were replaced.
func TestStore_Invitations_pages(t *testing.T) {
	t.Parallel()
	st := offers(t)
	var all []invites.Invitation
	for n := range 300 {
		i := invitation("c", fmt.Sprintf("i%03d", n*7919%300), fmt.Sprintf("p%03d@example.com", n))
		i.CreatedAt = start.Add(time.Duration(n/3) * time.Second)
		all = append(all, i)
	}
	invite(t, st, "all", all...)
	pages := func(q invites.ListQuery) (ids []string) {
		for {
			page, err := st.Invitations(t.Context(), q)
			require.NoError(t, err)
			if len(page) == 0 {
				return ids
			}
			require.LessOrEqual(t, len(page), q.Limit)
			ids = append(ids, invitationIDs(page)...)
			q.Before = page[len(page)-1].Cursor()
		}
	}
	ids := pages(invites.ListQuery{Account: "c", At: start, Limit: 7})
	require.Len(t, ids, 300)
	place := map[string]time.Time{}
	for _, i := range all {
		place[string(i.ID)] = i.CreatedAt
	}
	for n := range ids[1:] {
		a, b := ids[n], ids[n+1]
		require.True(t, place[a].After(place[b]) || place[a].Equal(place[b]) && a > b, "%s before %s", a, b)
	}
	var ended []invites.Invitation
	for _, i := range all[:150] {
		i.Version, i.State = 1, invites.Declined
		ended = append(ended, i)
	}
	invite(t, st, "ended", ended...)
	require.Equal(t, ids, pages(invites.ListQuery{Account: "c", At: start, Limit: 50}))
	require.Len(t, pages(invites.ListQuery{Account: "c", At: start, Limit: 50, States: []invites.State{invites.Pending}}), 150)
	require.Len(t, pages(invites.ListQuery{Account: "c", At: start, Limit: 9, Search: "P01"}), 10)
	require.Equal(t, 150, seats(t, st, "c", start).Invited)
}

// What is handed in is copied.
func TestStore_ApplyInvites_shares(t *testing.T) {
	t.Parallel()
	st := offers(t)
	tx := st.Begin()
	list := []invites.Invitation{invitation("c", "a", "a@example.com")}
	require.NoError(t, tx.Store().ApplyInvites(t.Context(), offer("one", list)))
	list[0] = invitation("c", "b", "b@example.com")
	put(t, st, "meanwhile", user("x")) // so that the commit does it again
	require.NoError(t, tx.Commit())
	require.EqualValues(t, "a", invited(t, st, invites.InvitingQuery{Account: "c", ID: "a"}).ID)
	page, err := st.Invitations(t.Context(), invites.ListQuery{Account: "c"})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, invitationIDs(page))
	page[0].Invitation.Email = "x"
	require.EqualValues(t, "a@example.com", invited(t, st, invites.InvitingQuery{Account: "c", ID: "a"}).Email)
}
