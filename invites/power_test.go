package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// deed is something that happens to members of acme.
type deed = func(w *world) error

func asOlga(f func(s *accounts.Service, w *world, olga accounts.Actor) error) deed {
	return func(w *world) error { return f(w.graph, w, w.as("olga")) }
}

func toRole(who accounts.UserID, role roles.Role) deed {
	return asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
		return s.ChangeRole(w.Context(), olga, "acme", who, role)
	})
}

func removed(who accounts.UserID) deed {
	return asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
		return s.RemoveMember(w.Context(), olga, "acme", who)
	})
}

func suspended(who accounts.UserID) deed {
	return asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
		return s.SuspendMember(w.Context(), olga, "acme", who)
	})
}

func reactivated(who accounts.UserID) deed {
	return asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
		return s.ReactivateMember(w.Context(), olga, "acme", who)
	})
}

func left(who accounts.UserID) deed {
	return func(w *world) error { return w.graph.Leave(w.Context(), w.as(who), "acme") }
}

func added(who accounts.UserID, role roles.Role) deed {
	return func(w *world) error { return w.graph.AddMember(w.Context(), job, "acme", who, role) }
}

func userSuspended(who accounts.UserID) deed {
	return func(w *world) error { return w.graph.SuspendUser(w.Context(), staff, who) }
}

func userReactivated(who accounts.UserID) deed {
	return func(w *world) error { return w.graph.ReactivateUser(w.Context(), staff, who) }
}

func erased(who accounts.UserID) deed {
	return func(w *world) error { return w.graph.EraseUser(w.Context(), staff, who) }
}

// An open invitation is worth what its inviter could give at the moment of
// joining, and only if they held the right without a break since they made it.
// Whoever lost it, in any way, and however they came back, gives nothing: lists
// say so, the seat is free, and the link is dead (A15, D1, I-06, I-07).
func TestPower(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		by    accounts.UserID // "": amy, an Admin
		role  roles.Role      // promised; "": Admin
		after []deed
		want  roles.Role // "": void
	}{
		{name: "an Admin who stays one", want: roles.Admin},
		{name: "an Admin who becomes an owner", after: []deed{toRole("amy", roles.Owner)}, want: roles.Admin},
		{name: "an Admin who becomes a Manager", after: []deed{toRole("amy", roles.Manager)}},
		{name: "an Admin who becomes a Viewer", role: roles.Viewer, after: []deed{toRole("amy", roles.Viewer)}},
		{name: "an Admin who becomes a Manager and an Admin again", after: []deed{toRole("amy", roles.Manager), toRole("amy", roles.Admin)}},
		{name: "an Admin who becomes a Manager and an owner", after: []deed{toRole("amy", roles.Manager), toRole("amy", roles.Owner)}},
		{name: "an Admin who is removed", after: []deed{removed("amy")}},
		{name: "an Admin who leaves", after: []deed{left("amy")}},
		{name: "an Admin who is removed and added again", after: []deed{removed("amy"), added("amy", roles.Admin)}},
		{name: "an Admin who is suspended", after: []deed{suspended("amy")}},
		{name: "an Admin who is suspended and reactivated", after: []deed{suspended("amy"), reactivated("amy")}},
		{name: "an Admin who is suspended, removed and added again", after: []deed{suspended("amy"), removed("amy"), added("amy", roles.Admin)}},
		{name: "an Admin whose user is suspended", after: []deed{userSuspended("amy")}},
		{name: "an Admin whose user is suspended and reactivated", after: []deed{userSuspended("amy"), userReactivated("amy")}},
		{name: "an Admin who is erased", after: []deed{erased("amy")}},
		{name: "an owner who makes an owner", by: "olga", role: roles.Owner, want: roles.Owner},
		{
			name: "an owner who becomes an Admin", by: "olga", role: roles.Owner, want: roles.Admin,
			after: []deed{toRole("amy", roles.Owner), toRole("olga", roles.Admin)},
		},
		{
			name: "an owner who becomes an Admin and an owner again", by: "olga", role: roles.Owner, want: roles.Admin,
			after: []deed{toRole("amy", roles.Owner), toRole("olga", roles.Admin), func(w *world) error {
				return w.graph.ChangeRole(w.Context(), w.as("amy"), "acme", "olga", roles.Owner)
			}},
		},
		{
			name: "an owner who hands the account over", by: "olga", role: roles.Owner, want: roles.Admin,
			after: []deed{asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
				return s.TransferOwnership(w.Context(), olga, "acme", "amy")
			})},
		},
		{
			name: "an owner who hands the account over and gets it back", by: "olga", role: roles.Owner, want: roles.Admin,
			after: []deed{
				asOlga(func(s *accounts.Service, w *world, olga accounts.Actor) error {
					return s.TransferOwnership(w.Context(), olga, "acme", "amy")
				}),
				func(w *world) error { return w.graph.TransferOwnership(w.Context(), w.as("amy"), "acme", "olga") },
			},
		},
		{
			name: "an owner who becomes an Admin and promised a Viewer", by: "olga", role: roles.Viewer, want: roles.Viewer,
			after: []deed{toRole("amy", roles.Owner), toRole("olga", roles.Admin)},
		},
		{
			name: "an owner who leaves and is made one again", by: "olga",
			after: []deed{toRole("amy", roles.Owner), left("olga"), added("olga", roles.Admin), func(w *world) error {
				return w.graph.ChangeRole(w.Context(), w.as("amy"), "acme", "olga", roles.Owner)
			}},
		},
		{name: "an inviter whose sessions end loses nothing", after: []deed{func(w *world) error {
			u := w.user("amy")
			u.Epoch++ // as with another password
			w.put(u)
			return nil
		}}, want: roles.Admin},
		{name: "an account that was suspended in between loses nothing", after: []deed{
			func(w *world) error { return w.graph.SuspendAccount(w.Context(), staff, "acme") },
			func(w *world) error { return w.graph.ReactivateAccount(w.Context(), staff, "acme") },
		}, want: roles.Admin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			by, promised := tt.by, tt.role
			if by == "" {
				by = "amy"
			}
			if promised == "" {
				promised = roles.Admin
			}
			i, link := w.invited(by, "ben@example.com", promised)
			fresh, freshLink := w.invited(by, "new@example.com", promised)
			for _, do := range tt.after {
				w.clock.Add(time.Minute)
				require.NoError(t, do(w))
			}
			if tt.want != "" {
				require.Equal(t, invites.Pending, w.state(i.ID))
				m, err := w.accept("ben", link)
				require.NoError(t, err)
				require.Equal(t, tt.want, m.Role)
				require.Equal(t, tt.want, w.role("ben"))
				out, err := w.joinNew(freshLink)
				require.NoError(t, err)
				require.Equal(t, tt.want, out.Membership.Role)
				return
			}
			require.Equal(t, invites.Void, w.state(i.ID))
			require.Zero(t, w.seats("acme").Invited, "what is void holds no seat (B5)")
			w.dead(link)
			w.dead(freshLink)
			require.ErrorIs(t, ignore(w.accept("ben", link)), invites.ErrVoid)
			require.ErrorIs(t, ignore(w.acceptID("ben", i)), invites.ErrVoid)
			require.Empty(t, must(w.inv.Mine(t.Context(), w.as("ben")))(t))
			require.Equal(t, roles.Role(""), w.role("ben"))
			list, err := w.inv.List(t.Context(), w.as("adam"), "acme", invites.Page{States: []invites.State{invites.Void}})
			require.NoError(t, err)
			require.Len(t, list, 2)

			// It is in nobody's way, and somebody who has the right brings it
			// back by sending it again.
			w.clock.Add(time.Hour)
			require.NoError(t, w.resend("adam", i.ID))
			w.dead(link)
			m, err := w.accept("ben", w.link("ben@example.com"))
			require.NoError(t, err)
			require.Equal(t, promised, m.Role)
			next := w.invite("adam", "new@example.com", roles.Viewer)
			require.Equal(t, invites.Void, w.stored(fresh.ID).Invitation.State, "its end is written before its successor begins")
			require.Equal(t, invites.Pending, w.state(next.ID))
		})
	}
}

// That an invitation is void is computed, so nothing is written to it when its
// inviter loses the right, and its mail still goes out; the link in it is dead.
// Coming back revives neither (A15, A74).
func TestPower_VoidMail(t *testing.T) {
	t.Parallel()
	for name, deeds := range map[string][2]deed{
		"an inviter who is demoted":              {toRole("amy", roles.Manager), toRole("amy", roles.Admin)},
		"an inviter who is suspended":            {suspended("amy"), reactivated("amy")},
		"an inviter who is removed":              {removed("amy"), added("amy", roles.Admin)},
		"an inviter who is suspended everywhere": {userSuspended("amy"), userReactivated("amy")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i, link := w.invited("amy", "ben@example.com", roles.Viewer)
			stored := w.stored(i.ID).Invitation
			for _, do := range deeds {
				require.NoError(t, do(w))
				require.Equal(t, invites.Void, w.state(i.ID))
				require.Equal(t, stored, w.stored(i.ID).Invitation)
				require.Equal(t, []string{mail.Invited}, mailKinds(w.letters()))
				w.dead(link)
			}
		})
	}
}

// Nobody gives more than they have, on any path, and it is on record (A16,
// A33).
func TestPower_AboveOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	_, err := w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Owner})
	require.ErrorIs(t, err, roles.ErrDenied)
	var denied *roles.DeniedError
	require.ErrorAs(t, err, &denied)
	require.Equal(t, roles.Admin, denied.Have)

	i, link := w.invited("olga", "ben@example.com", roles.Owner)
	w.clock.Add(time.Hour)
	require.ErrorIs(t, w.resend("amy", i.ID), roles.ErrDenied, "who resends becomes the inviter, and could not give it")
	require.ErrorIs(t, w.revoke("amy", i.ID), roles.ErrDenied)
	for _, who := range []accounts.UserID{"max", "vic"} {
		_, err := w.inv.Invite(ctx, w.as(who), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer})
		require.ErrorIs(t, err, roles.ErrDenied, who)
	}
	require.Equal(t, []string{
		"invitation.sent at acme by amy: denied", "invitation.resent at acme by amy: denied", "invitation.revoked at acme by amy: denied",
		"invitation.sent at acme by max: denied", "invitation.sent at acme by vic: denied",
	}, w.refusals())
	require.Equal(t, 1, w.used(accounts.QuotaInvitations, "acme"), "what is refused spends nothing")
	m, err := w.accept("ben", link)
	require.NoError(t, err)
	require.Equal(t, roles.Owner, m.Role)
}

// To make an owner somebody has just proven who they are, when inviting and
// when resending: by a login younger than 10 minutes (I-07).
func TestPower_FreshLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invite := func(age time.Duration) error {
		return ignore(w.inv.Invite(t.Context(), w.since("olga", w.env.Now().Add(-age)), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Owner}))
	}
	resend := func(id accounts.InvitationID, age time.Duration) error {
		return ignore(w.inv.Resend(t.Context(), w.since("olga", w.env.Now().Add(-age)), invites.Resend{Account: "acme", Invitation: id}))
	}
	require.ErrorIs(t, invite(10*time.Minute), accounts.ErrStepUp)
	require.NoError(t, invite(10*time.Minute-time.Microsecond))
	var pending *invites.PendingError
	require.ErrorAs(t, invite(0), &pending)
	w.clock.Add(time.Hour)
	require.ErrorIs(t, resend(pending.Invitation, 10*time.Minute), accounts.ErrStepUp)
	require.NoError(t, resend(pending.Invitation, time.Minute))
	require.Empty(t, w.refusals(), "a login that is too old is nothing for the record")
}

// Whoever resends becomes the inviter: what the first one loses is of no
// consequence any more, and what they lose is.
func TestPower_Resender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.invite("amy", "ben@example.com", roles.Viewer)
	w.clock.Add(time.Hour)
	require.NoError(t, w.resend("adam", i.ID))
	require.NoError(t, removed("amy")(w))
	require.Equal(t, invites.Pending, w.state(i.ID))
	require.NoError(t, removed("adam")(w))
	require.Equal(t, invites.Void, w.state(i.ID))
}

// Coming back as an owner by one's own invitation is not possible: an inviter
// who leaves takes the right along.
func TestPower_OwnInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "spare@example.com", roles.Admin)
	require.NoError(t, removed("amy")(w))
	u := w.user("amy")
	u.Email, u.Address = "spare@example.com", "spare@example.com"
	w.put(u)
	require.ErrorIs(t, ignore(w.accept("amy", link)), invites.ErrVoid)
	require.Equal(t, roles.Role(""), w.role("amy"))
}
