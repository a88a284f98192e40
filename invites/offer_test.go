package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The form shows what Invite would allow at this moment, and nothing else: each
// role that it names can be given, each other cannot, and the numbers are those
// by which Invite decides (A16, B8).
func TestOffer(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		plan string
		role roles.Role
		want invites.Offer
	}{
		{"free", roles.Owner, invites.Offer{Roles: []roles.Role{roles.Owner}, Limit: 1}},
		{"essentials", roles.Owner, invites.Offer{Roles: []roles.Role{roles.Owner, roles.Admin}, Limit: 3}},
		{"standard", roles.Owner, invites.Offer{Roles: []roles.Role{roles.Owner, roles.Admin, roles.Author, roles.Viewer}, Limit: 5}},
		{"standard", roles.Admin, invites.Offer{Roles: []roles.Role{roles.Admin, roles.Author, roles.Viewer}, Limit: 5}},
		{"premium", roles.Admin, invites.Offer{Roles: []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer}}},
		{"gold", roles.Admin, invites.Offer{}},
	} {
		t.Run(tt.plan+" for an "+string(tt.role), func(t *testing.T) {
			t.Parallel()
			w := shop(t, tt.plan)
			if tt.role != roles.Owner {
				w.put(member("shop", "amy", tt.role))
			}
			who, members := accounts.UserID("olga"), 1
			if tt.role != roles.Owner {
				who, members = "amy", 2
			}
			tt.want.Seats, tt.want.Left, tt.want.Reset = accounts.Seats{Members: members}, 25, midnight
			was := w.dump()
			got, err := w.inv.Offer(t.Context(), w.as(who), "shop")
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Equal(t, was, w.dump(), "it reserves nothing")

			for _, role := range roles.Standard().Roles() {
				w := shop(t, tt.plan)
				w.put(member("shop", "amy", tt.role))
				_, err := w.inv.Invite(t.Context(), w.as(who), invites.Invite{Account: "shop", Email: "new@example.com", Role: role})
				offered := false
				for _, r := range got.Roles {
					offered = offered || r == role
				}
				if offered {
					require.True(t, err == nil || tt.want.Limit == 1, "%s: %v", role, err)
					continue
				}
				require.Error(t, err, role)
			}
		})
	}
}

// What is left goes down with each invitation, and the seats with what is
// pending.
func TestOffer_Left(t *testing.T) {
	t.Parallel()
	w := shop(t, "essentials")
	i := must(w.shopInvite("new@example.com", roles.Admin))(t)
	ask := func() invites.Offer { return must(w.inv.Offer(t.Context(), w.as("olga"), "shop"))(t) }
	require.Equal(t, accounts.Seats{Members: 1, Invited: 1}, ask().Seats)
	require.Equal(t, 24, ask().Left)
	require.NoError(t, w.inv.Revoke(t.Context(), w.as("olga"), "shop", i.ID))
	require.Equal(t, accounts.Seats{Members: 1}, ask().Seats)
	require.Equal(t, 24, ask().Left, "nothing comes back (A80)")
	w.clock.Set(ask().Reset)
	require.Equal(t, 25, ask().Left)
	for _, account := range []accounts.AccountID{"acme", "none", ""} {
		out, err := w.inv.Offer(t.Context(), w.as("eve"), account)
		require.Error(t, err)
		require.Zero(t, out)
	}
	require.Equal(t, []string{"invitations.offer at acme by eve: outsider"}, w.refusals())
}

// The host takes an invitation back whatever it promises, and is on record with
// it; it does nothing else with invitations (D8 of the product).
func TestRevoke_ByHost(t *testing.T) {
	t.Parallel()
	for name, actor := range map[string]accounts.Actor{"sync": job, "kim": staff} {
		w := newWorld(t)
		i, link := w.invited("olga", "new@example.com", roles.Owner)
		require.NoError(t, w.inv.Revoke(t.Context(), actor, "acme", i.ID))
		w.dead(link)
		require.Empty(t, w.letters())
		last := w.events()[1]
		require.Equal(t, invites.EventInvitationRevoked, last.Kind)
		require.Equal(t, name, last.By.System+last.By.Operator)
		require.ErrorIs(t, w.inv.Revoke(t.Context(), actor, "acme", i.ID), invites.ErrUsed)
		require.ErrorIs(t, w.inv.Revoke(t.Context(), actor, "nova", i.ID), accounts.ErrNotFound)
		require.ErrorIs(t, w.inv.Revoke(t.Context(), actor, "none", i.ID), accounts.ErrNotFound)
		require.ErrorIs(t, ignore(w.inv.Resend(t.Context(), actor, invites.Resend{Account: "acme", Invitation: i.ID})), roles.ErrDenied)
		require.ErrorIs(t, ignore(w.inv.Offer(t.Context(), actor, "acme")), roles.ErrDenied)
	}
}
