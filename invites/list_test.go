package invites_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// full is a world with an invitation of acme in every state.
func full(t testing.TB) (w *world, by map[invites.State]accounts.InvitationID) {
	t.Helper()
	w, by = newWorld(t), map[invites.State]accounts.InvitationID{}
	by[invites.Expired] = w.invite("olga", "expired@example.com", roles.Viewer).ID
	w.clock.Add(week - time.Hour)
	by[invites.Void] = w.invite("amy", "void@example.com", roles.Viewer).ID
	by[invites.Revoked] = w.invite("adam", "revoked@example.com", roles.Viewer).ID
	require.NoError(t, w.revoke("adam", by[invites.Revoked]))
	i, link := w.invited("adam", "declined@example.com", roles.Viewer)
	by[invites.Declined] = i.ID
	require.NoError(t, w.inv.Decline(t.Context(), accounts.Actor{}, invites.Answer{Link: link}))
	w.clock.Add(time.Minute)
	i, link = w.invited("adam", "ben@example.com", roles.Viewer)
	by[invites.Accepted] = i.ID
	require.NoError(t, ignore(w.accept("ben", link)))
	by[invites.Pending] = w.invite("adam", "Pending@Example.com", roles.Admin).ID
	require.NoError(t, removed("amy")(w))
	w.clock.Add(time.Hour)
	return w, by
}

// Lists show what became of each invitation at the moment of the question, the
// states that nobody wrote down included, and nothing leaves the list (B5).
func TestList_States(t *testing.T) {
	t.Parallel()
	w, by := full(t)
	list := func(page invites.Page) []invites.Entry {
		t.Helper()
		return must(w.inv.List(t.Context(), w.as("adam"), "acme", page))(t)
	}
	all := list(invites.Page{})
	require.Len(t, all, 6)
	for n, e := range all {
		require.Equal(t, by[e.State], e.ID, e.State)
		require.Zero(t, e.Hash)
		if n > 0 {
			require.False(t, e.CreatedAt.After(all[n-1].CreatedAt), "the newest first")
		}
	}
	for state, id := range by {
		one := list(invites.Page{States: []invites.State{state}})
		require.Len(t, one, 1, state)
		require.Equal(t, id, one[0].ID)
	}
	require.Len(t, list(invites.Page{States: []invites.State{invites.Pending, invites.Void, invites.Pending}}), 2)
	pending := list(invites.Page{States: []invites.State{invites.Pending}})[0]
	require.Equal(t, "Adam", pending.Inviter)
	require.Equal(t, "Pending@Example.com", pending.Address)
	require.Equal(t, accounts.Email("pending@example.com"), pending.Email)
	require.Equal(t, roles.Admin, pending.Role)
	accepted := list(invites.Page{States: []invites.State{invites.Accepted}})[0]
	require.Equal(t, accounts.UserID("ben"), accepted.User)
	require.Equal(t, roles.Viewer, accepted.Given)
	w.clock.Add(week)
	require.Len(t, list(invites.Page{States: []invites.State{invites.Expired}}), 3, "void ones expire as well")
}

// A search finds a part of the address, in whatever case, and what somebody
// types is no pattern (A104).
func TestList_Search(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, email := range []string{"under_score@example.com", "per%cent@example.com", "underxscore@example.com", "back-slash@example.com"} {
		w.invite("amy", email, roles.Viewer)
	}
	for search, want := range map[string]int{
		"": 4, "example": 4, "UNDER": 2, "under_score": 1, "_": 1, "%": 1, "per%": 1, `\`: 0, "'": 0, "back-": 1, "nobody": 0, "*": 0,
	} {
		list, err := w.inv.List(t.Context(), w.as("amy"), "acme", invites.Page{Search: search})
		require.NoError(t, err)
		require.Len(t, list, want, search)
	}
	for name, page := range map[string]invites.Page{
		"search": {Search: "a\nb"}, "states": {States: []invites.State{"lost"}},
	} {
		_, err := w.inv.List(t.Context(), w.as("amy"), "acme", page)
		require.Equal(t, name, field(t, err))
	}
	_, err := w.inv.List(t.Context(), w.as("amy"), "acme", invites.Page{Search: strings.Repeat("a", accounts.MaxEmail+1)})
	require.Equal(t, "search", field(t, err))
	_, err = w.inv.List(t.Context(), w.as("amy"), "", invites.Page{})
	require.Equal(t, "account", field(t, err))
}

// Pages follow each other without gap or repetition, also where many were made
// at one moment, and a cursor of another account leads nowhere else (A104,
// I-28).
func TestList_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []accounts.InvitationID
	for n := range 23 {
		if n%5 == 0 {
			w.clock.Add(time.Second)
		}
		want = append([]accounts.InvitationID{w.invite("amy", fmt.Sprintf("p%02d@example.com", n), roles.Viewer).ID}, want...)
	}
	other := must(w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: "nova", Email: "new@example.com", Role: roles.Viewer}))(t)
	for _, limit := range []int{1, 4, 5, 22, 23, 24} {
		var got []accounts.InvitationID
		var page invites.Page
		for page.Limit = limit; ; {
			list := must(w.inv.List(t.Context(), w.as("amy"), "acme", page))(t)
			require.LessOrEqual(t, len(list), limit)
			for _, e := range list {
				got = append(got, e.ID)
			}
			if len(list) < limit {
				break
			}
			page.Before = list[len(list)-1].Cursor()
		}
		require.Equal(t, want, got, limit)
	}
	for _, e := range must(w.inv.List(t.Context(), w.as("amy"), "acme", invites.Page{
		Before: invites.Cursor{CreatedAt: other.CreatedAt.Add(time.Hour), ID: other.ID},
	}))(t) {
		require.Equal(t, accounts.AccountID("acme"), e.Account)
	}
}

// A page has 50 entries unless somebody asks for more, and never more than 500.
func TestList_PageSize(t *testing.T) {
	t.Parallel()
	asked := 0
	w := newWorld(t)
	f := &limited{spy: w.st, asked: &asked}
	inv := w.inv.With(f)
	for limit, want := range map[int]int{0: 50, -1: 50, 7: 7, 500: 500, 501: 500, 1 << 30: 500} {
		require.NoError(t, ignore(inv.List(t.Context(), w.as("amy"), "acme", invites.Page{Limit: limit})))
		require.Equal(t, want, asked)
	}
}

// Whoever proved an address sees what is pending for it, at every account that
// is open, the newest first; nobody else does (A07).
func TestMine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := func(who accounts.UserID) []accounts.AccountID {
		t.Helper()
		var out []accounts.AccountID
		for _, v := range must(w.inv.Mine(t.Context(), w.as(who)))(t) {
			out = append(out, v.Account)
		}
		return out
	}
	i := w.invite("amy", "ben@example.com", roles.Viewer)
	w.clock.Add(time.Minute)
	j := must(w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: "nova", Email: "ben@example.com", Role: roles.Admin, Message: "Hi"}))(t)
	require.Equal(t, []accounts.AccountID{"nova", "acme"}, mine("ben"))
	require.Equal(t, invites.View{
		Account: "nova", ID: j.ID, AccountName: "Nova", Inviter: "Nick", Address: "ben@example.com", Email: "ben@example.com", Role: roles.Admin, Message: "Hi",
		ExpiresAt: j.ExpiresAt,
	}, must(w.inv.Mine(t.Context(), w.as("ben")))(t)[0])
	require.Empty(t, mine("eve"))
	require.NoError(t, w.graph.SuspendAccount(t.Context(), staff, "nova"))
	require.Equal(t, []accounts.AccountID{"acme"}, mine("ben"))
	require.NoError(t, w.graph.ReactivateAccount(t.Context(), staff, "nova"))
	require.NoError(t, ignore(w.acceptID("ben", j)))
	require.Equal(t, []accounts.AccountID{"acme"}, mine("ben"))
	w.clock.Set(i.ExpiresAt)
	require.Empty(t, mine("ben"))

	for name, actor := range map[string]accounts.Actor{"nobody": {}, "a job": job, "staff": staff} {
		require.ErrorIs(t, ignore(w.inv.Mine(t.Context(), actor)), accounts.ErrNotFound, name)
	}
	old := w.as("ben")
	require.NoError(t, w.graph.SuspendUser(t.Context(), staff, "ben"))
	require.ErrorIs(t, ignore(w.inv.Mine(t.Context(), old)), accounts.ErrStepUp)
	require.ErrorIs(t, ignore(w.inv.Mine(t.Context(), w.as("ben"))), accounts.ErrStepUp)
}
