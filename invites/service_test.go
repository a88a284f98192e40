package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("a store is all that is needed", func(t *testing.T) {
		t.Parallel()
		s, err := invites.New(memory.New(), nil, nil)
		require.NoError(t, err)
		_, err = s.Peek(t.Context(), theLink())
		require.ErrorIs(t, err, accounts.ErrNotFound)
	})
	t.Run("without one there is no service", func(t *testing.T) {
		t.Parallel()
		s, err := invites.New(nil, nil, nil)
		require.Equal(t, "store", field(t, err))
		require.Nil(t, s)
	})
}

// A service on another store leaves the one that it came from as it is.
func TestService_With(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	_, err := w.inv.With(memory.New()).Peek(t.Context(), link)
	require.ErrorIs(t, err, accounts.ErrNotFound)
	require.NoError(t, ignore(w.inv.Peek(t.Context(), link)))
}

// The whole life of an invitation, as the two people see it (B1, B2, B4, B5).
func TestService_Story(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	i := w.invite("amy", "ben@example.com", roles.Author)
	require.Equal(t, accounts.Seats{Members: 5, Invited: 1}, w.seats("acme"))

	// A week passes, and nobody came.
	w.clock.Add(week)
	require.Equal(t, invites.Expired, w.state(i.ID))
	require.Equal(t, accounts.Seats{Members: 5}, w.seats("acme"))
	again := must(w.inv.Resend(ctx, w.as("adam"), invites.Resend{Account: "acme", Invitation: i.ID}))(t)
	require.Equal(t, i.ID, again.ID)
	require.Equal(t, w.env.Now().Add(week), again.ExpiresAt)
	require.Equal(t, i.CreatedAt, again.CreatedAt)

	// Ben has the link, and is signed in as he is used to.
	link := w.link("ben@example.com")
	view := must(w.inv.Peek(ctx, link))(t)
	require.Equal(t, "Adam", view.Inviter)
	m, err := w.accept("ben", link)
	require.NoError(t, err)
	require.Equal(t, roles.Author, m.Role)
	require.Equal(t, m, w.membership("ben"))
	require.Equal(t, accounts.Seats{Members: 6}, w.seats("acme"))

	// A double click changes nothing. Once he has left it is no way back.
	was := w.dump()
	require.Equal(t, m, must(w.accept("ben", link))(t))
	require.Equal(t, was, w.dump())
	require.NoError(t, w.graph.Leave(ctx, w.as("ben"), "acme"))
	require.ErrorIs(t, ignore(w.accept("ben", link)), invites.ErrUsed)
	require.Equal(t, roles.Role(""), w.role("ben"))

	// But another one is.
	w.clock.Add(time.Hour)
	_, link = w.invited("olga", "ben@example.com", roles.Viewer)
	m, err = w.accept("ben", link)
	require.NoError(t, err)
	require.Equal(t, roles.Viewer, m.Role)
	require.Equal(t, int64(3), m.Epoch, "a new life, in which nothing of the old one counts")
}

// The answer to an offer is the row as it is stored, but for its hash.
func TestService_Answers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stored := func(id accounts.InvitationID) invites.Invitation {
		i := w.stored(id).Invitation
		i.Hash = invites.Invitation{}.Hash
		return i
	}
	i := w.invite("amy", "ben@example.com", roles.Author)
	require.Equal(t, stored(i.ID), i)
	w.clock.Add(time.Hour)
	i = must(w.inv.Resend(t.Context(), w.as("adam"), invites.Resend{Account: "acme", Invitation: i.ID}))(t)
	require.Equal(t, stored(i.ID), i)
	list := must(w.inv.List(t.Context(), w.as("adam"), "acme", invites.Page{}))(t)
	require.Equal(t, i, list[0].Invitation)
}

// Two accounts invite one person: the invitations are strangers to each other,
// and so are two people of one account (A36, A40).
func TestService_Strangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("amy", "ben@example.com", roles.Viewer)
	j := must(w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: "nova", Email: "ben@example.com", Role: roles.Admin}))(t)
	other := w.invite("adam", "eve@example.com", roles.Manager)
	require.NoError(t, w.inv.Revoke(t.Context(), w.as("nick"), "nova", j.ID))
	require.Equal(t, invites.Pending, w.state(i.ID))
	require.NoError(t, ignore(w.accept("ben", link)))
	require.Equal(t, invites.Pending, w.state(other.ID))
	require.NoError(t, ignore(w.acceptID("eve", other)))
	require.Equal(t, [2]roles.Role{roles.Viewer, roles.Manager}, [2]roles.Role{w.role("ben"), w.role("eve")})
}

// A declined invitation is no obstacle to another one, and nobody who was not
// asked can decline.
func TestService_Decline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("amy", "ben@example.com", roles.Viewer)
	require.NoError(t, w.inv.Decline(t.Context(), w.as("ben"), invites.Answer{Link: link}))
	require.Equal(t, invites.Declined, w.state(i.ID))
	require.ErrorIs(t, ignore(w.acceptID("ben", i)), invites.ErrUsed, "that was final")
	require.ErrorIs(t, w.inv.Decline(t.Context(), w.as("ben"), byID(i)), invites.ErrUsed)
	w.clock.Add(time.Hour)
	require.ErrorIs(t, w.resend("amy", i.ID), invites.ErrUsed)
	next := w.invite("amy", "ben@example.com", roles.Viewer)
	require.NotEqual(t, i.ID, next.ID)
	require.NoError(t, ignore(w.acceptID("ben", next)))
}
