package invites_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// plans are those of Mailchimp: what each offers besides its owners, and how
// many people it has room for.
func plans() accounts.PlanTable {
	return accounts.PlanTable{Plans: map[string]accounts.Plan{
		"free":       {Seats: 1},
		"essentials": {Seats: 3, Roles: []roles.Role{roles.Admin}},
		"standard":   {Seats: 5, Roles: []roles.Role{roles.Admin, roles.Author, roles.Viewer}},
		"premium":    {Roles: []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer}},
	}}
}

// shop is a world with the account shop, which olga alone is in, on a plan.
func shop(t testing.TB, plan string) *world {
	t.Helper()
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Policy = plans() })
	a := account("shop")
	a.Plan = plan
	w.put(a, member("shop", "olga", roles.Owner))
	return w
}

func (w *world) plan(name string) {
	w.Helper()
	require.NoError(w, w.graph.UpdateAccount(w.Context(), job, accounts.UpdateAccount{ID: "shop", Plan: &name}))
}

func (w *world) shopInvite(email string, role roles.Role) (invites.Invitation, error) {
	w.Helper()
	return w.inv.Invite(w.Context(), w.as("olga"), invites.Invite{Account: "shop", Email: email, Role: role})
}

func noSeat(t testing.TB, err error, limit, members, invited int) {
	t.Helper()
	var s *accounts.SeatsError
	require.ErrorAs(t, err, &s)
	require.ErrorIs(t, err, accounts.ErrSeats)
	require.Equal(t, accounts.SeatsError{Limit: limit, Seats: accounts.Seats{Members: members, Invited: invited}}, *s)
}

// Each plan gives the roles and the seats of its line in the table, and owners
// beside; pending invitations hold a seat (B8).
func TestPlans_Table(t *testing.T) {
	t.Parallel()
	all := []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin}
	for name, p := range plans().Plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, role := range all {
				w := shop(t, name)
				_, err := w.shopInvite("new@example.com", role)
				offered := false
				for _, r := range p.Roles {
					offered = offered || r == role
				}
				if !offered {
					require.Equal(t, "role", field(t, err), "a plan without %s", role)
					continue
				}
				require.NoError(t, err)
			}
			w := shop(t, name)
			for n := 1; n < 9; n++ {
				_, err := w.shopInvite(fmt.Sprintf("p%d@example.com", n), roles.Owner)
				if p.Seats > 0 && n >= p.Seats {
					noSeat(t, err, p.Seats, 1, p.Seats-1)
					continue
				}
				require.NoError(t, err, "every plan has owners")
			}
		})
	}
	t.Run("a plan that is not in the table", func(t *testing.T) {
		t.Parallel()
		w := shop(t, "gold")
		for _, role := range all {
			require.Equal(t, "plan", field(t, ignore(w.shopInvite("new@example.com", role))))
		}
	})
}

// A pending invitation holds a seat; one that is revoked, declined, expired or
// void holds none, and an accepted one is a member (B5, B8).
func TestSeats_Held(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(w *world, i invites.Invitation, link string) error
		want accounts.Seats
	}{
		{"a pending one", func(*world, invites.Invitation, string) error { return nil }, accounts.Seats{Members: 1, Invited: 2}},
		{"a revoked one", func(w *world, i invites.Invitation, _ string) error {
			return w.inv.Revoke(w.Context(), w.as("olga"), "shop", i.ID)
		}, accounts.Seats{Members: 1, Invited: 1}},
		{"a declined one", func(w *world, _ invites.Invitation, link string) error {
			return w.inv.Decline(w.Context(), accounts.Actor{}, invites.Answer{Link: link})
		}, accounts.Seats{Members: 1, Invited: 1}},
		{"an accepted one", func(w *world, _ invites.Invitation, link string) error { return ignore(w.joinNew(link)) }, accounts.Seats{Members: 2, Invited: 1}},
		{"one that expires together with the other", func(w *world, _ invites.Invitation, _ string) error {
			w.clock.Add(week)
			return nil
		}, accounts.Seats{Members: 1}},
		{"one forgotten with its address", func(w *world, _ invites.Invitation, _ string) error {
			return w.graph.ForgetAddress(w.Context(), staff, "new@example.com")
		}, accounts.Seats{Members: 1, Invited: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t, "essentials")
			i := must(w.shopInvite("new@example.com", roles.Admin))(t)
			require.NoError(t, ignore(w.shopInvite("other@example.com", roles.Admin)))
			noSeat(t, ignore(w.shopInvite("third@example.com", roles.Admin)), 3, 1, 2)
			require.NoError(t, tt.end(w, i, w.link("new@example.com")))
			require.Equal(t, tt.want, w.seats("shop"))
			if err := ignore(w.shopInvite("third@example.com", roles.Admin)); tt.want.Taken() < 3 {
				require.NoError(t, err)
			} else {
				noSeat(t, err, 3, tt.want.Members, tt.want.Invited)
			}
		})
	}
}

// Somebody who becomes a member in another way while they are invited takes a
// seat of their own; the invitation keeps the one that it holds until it is
// revoked or expires, gives nothing any more, and cannot be sent again (B8).
func TestSeats_MemberOtherwise(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, i invites.Invitation) error{
		"a revocation": func(w *world, i invites.Invitation) error {
			return w.inv.Revoke(w.Context(), w.as("olga"), "shop", i.ID)
		},
		"the end of its time": func(w *world, _ invites.Invitation) error {
			w.clock.Add(week - time.Hour)
			return nil
		},
	} {
		t.Run(name+" frees the seat", func(t *testing.T) {
			t.Parallel()
			w := shop(t, "essentials")
			i := must(w.shopInvite("ben@example.com", roles.Admin))(t)
			require.NoError(t, w.graph.AddMember(t.Context(), job, "shop", "ben", roles.Admin))
			require.Equal(t, accounts.Seats{Members: 2, Invited: 1}, w.seats("shop"))
			noSeat(t, ignore(w.shopInvite("third@example.com", roles.Admin)), 3, 2, 1)
			require.ErrorIs(t, ignore(w.acceptID("ben", i)), accounts.ErrTaken)
			w.clock.Add(time.Hour)
			_, err := w.inv.Resend(t.Context(), w.as("olga"), invites.Resend{Account: "shop", Invitation: i.ID})
			require.ErrorIs(t, err, accounts.ErrTaken)
			require.NoError(t, end(w, i))
			require.Equal(t, accounts.Seats{Members: 2}, w.seats("shop"))
			require.NoError(t, ignore(w.shopInvite("third@example.com", roles.Admin)))
		})
	}
}

// Resending an expired invitation takes a seat again, if there is one; one that
// is pending keeps the seat that it has (B5).
func TestSeats_Resend(t *testing.T) {
	t.Parallel()
	w := shop(t, "essentials")
	resend := func(i invites.Invitation) error {
		return ignore(w.inv.Resend(t.Context(), w.as("olga"), invites.Resend{Account: "shop", Invitation: i.ID}))
	}
	old := must(w.shopInvite("old@example.com", roles.Admin))(t)
	w.clock.Add(week)
	require.Equal(t, accounts.Seats{Members: 1}, w.seats("shop"))
	second := must(w.shopInvite("second@example.com", roles.Admin))(t)
	require.NoError(t, ignore(w.shopInvite("third@example.com", roles.Admin)))
	w.clock.Add(time.Hour)
	noSeat(t, resend(old), 3, 1, 2)
	require.NoError(t, resend(second), "its own seat is enough")
	require.NoError(t, w.inv.Revoke(t.Context(), w.as("olga"), "shop", second.ID))
	require.NoError(t, resend(old))
	require.Equal(t, accounts.Seats{Members: 1, Invited: 2}, w.seats("shop"))
}

// The plan is asked again when somebody joins. When it has shrunk, there is
// room for as many members as it has seats, whoever comes first; who finds none
// is told so, and the invitation stays pending for the day on which there is
// (B4).
func TestSeats_PlanShrinks(t *testing.T) {
	t.Parallel()
	w := shop(t, "standard")
	links := map[string]string{}
	for _, who := range []string{"a", "b", "c", "d"} {
		require.NoError(t, ignore(w.shopInvite(who+"@example.com", roles.Admin)))
		links[who] = w.link(who + "@example.com")
	}
	w.plan("essentials")
	require.NoError(t, ignore(w.joinNew(links["a"])))
	require.NoError(t, ignore(w.joinNew(links["b"])))
	out, err := w.joinNew(links["c"])
	noSeat(t, err, 3, 3, 0)
	require.Zero(t, out)
	_, err = w.mem.User(t.Context(), accounts.UserKey{Email: "c@example.com"})
	require.ErrorIs(t, err, accounts.ErrNotFound, "no user, no login, no membership")
	require.NoError(t, ignore(w.inv.Peek(t.Context(), links["c"])), "it stays pending")
	w.plan("standard")
	require.NoError(t, ignore(w.joinNew(links["c"])))
	require.NoError(t, ignore(w.joinNew(links["d"])))
	require.Equal(t, accounts.Seats{Members: 5}, w.seats("shop"))
}

// A role that the plan has no more is not given, and the invitation stays
// pending (B4).
func TestPlans_RoleGone(t *testing.T) {
	t.Parallel()
	w := shop(t, "premium")
	require.NoError(t, ignore(w.shopInvite("ben@example.com", roles.Manager)))
	link := w.link("ben@example.com")
	w.plan("standard")
	_, err := w.accept("ben", link)
	require.Equal(t, "role", field(t, err))
	require.Len(t, must(w.inv.Mine(t.Context(), w.as("ben")))(t), 1)
	w.plan("premium")
	require.NoError(t, ignore(w.accept("ben", link)))
}

// Whether somebody may own one account more is decided when they join, by what
// they own then (B8).
func TestPlans_Owning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("olga", "nick@example.com", roles.Owner)
	_, err := w.accept("nick", link)
	require.Equal(t, "kind", field(t, err), "nick owns nova, and neither is an agency")
	franchise := accounts.KindFranchise
	require.NoError(t, w.graph.UpdateAccount(t.Context(), job, accounts.UpdateAccount{ID: "nova", Kind: &franchise}))
	m, err := w.accept("nick", link)
	require.NoError(t, err)
	require.Equal(t, roles.Owner, m.Role)
	_, link = w.invited("olga", "ben@example.com", roles.Owner)
	require.NoError(t, ignore(w.accept("ben", link)), "a first account is nobody's question")
}
