package invites_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// chances are the two ways in which a race of n is run: by chance, and with
// all having read before the first writes.
func chances(n int) map[string]func() hook {
	return map[string]func() hook{
		"by chance": func() hook { return nil },
		"all having read before the first writes": func() hook { return gate(n) },
	}
}

func times(n int, f func(i int) error) []func() error {
	out := make([]func() error, n)
	for i := range out {
		out[i] = func() error { return f(i) }
	}
	return out
}

// Fifty acceptances of one invitation, by the link and by the id, make one
// membership, one event and one mail, and all answer the same (A01, B4, I-04).
func TestRace_AcceptFiftyTimes(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(50) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx := patient(t)
			i, link := w.invited("amy", "ben@example.com", roles.Admin)
			ben := w.as("ben")
			got := make([]accounts.Membership, 50)
			w.st.on(chance())
			for n, err := range together(times(50, func(n int) (err error) {
				in := byID(i)
				if n%2 == 0 {
					in = invites.Answer{Link: link}
				}
				got[n], err = w.inv.Accept(ctx, ben, in)
				return err
			})...) {
				require.NoError(t, err)
				require.Equal(t, got[0], got[n])
			}
			require.Equal(t, w.membership("ben"), got[0])
			require.Equal(t, int64(1), got[0].Version)
			require.Equal(t, 1, w.count(invites.EventInvitationAccepted))
			require.Equal(t, []string{mail.InvitationAccepted}, mailKinds(w.letters()))
			require.Equal(t, accounts.Seats{Members: 6}, w.seats("acme"))
			require.Empty(t, w.refusals())
		})
	}
}

// Fifty new logins by one link make one user, one membership, one event and one
// mail; the others are refused as by a link that never was (A01).
func TestRace_AcceptNewFiftyTimes(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(50) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx := patient(t)
			_, link := w.invited("amy", "new@example.com", roles.Admin)
			w.st.on(chance())
			won := 0
			for n, err := range together(times(50, func(n int) error {
				in := invites.NewLogin{Link: link, ID: accounts.UserID(fmt.Sprintf("u%d", n)), Kept: true}
				if n%2 == 0 {
					in = invites.NewLogin{Link: link, Identity: accounts.IdentityKey{Issuer: "i", Subject: fmt.Sprint(n)}}
				}
				return ignore(w.inv.AcceptNew(ctx, in))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrNotFound, n)
			}
			require.Equal(t, 1, won)
			require.Equal(t, 1, w.count(accounts.EventUserCreated))
			require.Equal(t, 1, w.count(invites.EventInvitationAccepted))
			require.Equal(t, []string{mail.InvitationAccepted}, mailKinds(w.letters()))
			require.Equal(t, accounts.Seats{Members: 6}, w.seats("acme"))
		})
	}
}

// Fifty invitations of one address at once, in different spellings and by
// different people, are one pending invitation, one mail and one of the day
// (I-02, I-05).
func TestRace_InviteFiftyTimes(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"nothing", "an expired one", "a void one"} {
		for name, chance := range chances(50) {
			t.Run("after "+before+", "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				ctx := patient(t)
				switch before {
				case "an expired one":
					w.invite("amy", "new@example.com", roles.Viewer)
					w.clock.Add(week)
				case "a void one":
					w.invite("amy", "new@example.com", roles.Viewer)
					require.NoError(t, toRole("amy", roles.Viewer)(w))
					require.NoError(t, toRole("amy", roles.Admin)(w))
				}
				sent, day := w.count(invites.EventInvited), w.used(accounts.QuotaInvitations, "acme")
				actors := []accounts.Actor{w.as("amy"), w.as("adam"), w.as("olga")}
				emails := []string{"new@example.com", "NEW@example.com", " New@Example.COM "}
				w.st.on(chance())
				won := 0
				var winner, named accounts.InvitationID
				for _, err := range together(times(50, func(n int) error {
					_, err := w.inv.Invite(ctx, actors[n%3], invites.Invite{Account: "acme", Email: emails[n%len(emails)], Role: roles.Viewer})
					return err
				})...) {
					var pending *invites.PendingError
					if err == nil {
						won++
						continue
					}
					require.ErrorAs(t, err, &pending)
					named = pending.Invitation
				}
				w.st.on(nil)
				require.Equal(t, 1, won)
				list := must(w.inv.List(ctx, w.as("adam"), "acme", invites.Page{States: []invites.State{invites.Pending}}))(t)
				require.Len(t, list, 1)
				winner = list[0].ID
				require.Equal(t, winner, named)
				require.Equal(t, sent+1, w.count(invites.EventInvited))
				require.Equal(t, day+1, w.used(accounts.QuotaInvitations, "acme"))
				require.Len(t, w.mails(mail.Invited, mail.Queued), 1)
				require.Equal(t, accounts.Seats{Members: 5, Invited: 1}, w.seats("acme"))
			})
		}
	}
}

// However many invite at once, an account sends 25 in a day, exactly (A79).
func TestRace_PerDay(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(40) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx := patient(t)
			actors := []accounts.Actor{w.as("amy"), w.as("adam"), w.as("olga")}
			w.st.on(chance())
			won := 0
			for _, err := range together(times(40, func(n int) error {
				return ignore(w.inv.Invite(ctx, actors[n%3], invites.Invite{Account: "acme", Email: fmt.Sprintf("p%d@example.com", n), Role: roles.Viewer}))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrQuota)
			}
			require.Equal(t, 25, won)
			require.Equal(t, 25, w.used(accounts.QuotaInvitations, "acme"))
			require.Len(t, w.letters(), 25)
			require.Equal(t, 25, w.seats("acme").Invited)
		})
	}
}

// However many accounts write to one address at once, it gets 5 mails in a day,
// exactly (A81).
func TestRace_Recipient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := patient(t)
	var rows []any
	for n := range 12 {
		id := fmt.Sprintf("a%02d", n)
		rows = append(rows, account(id), member(id, "olga", roles.Owner))
	}
	w.put(rows...)
	olga := w.as("olga")
	w.st.on(gate(12))
	won := 0
	for _, err := range together(times(12, func(n int) error {
		return ignore(w.inv.Invite(ctx, olga, invites.Invite{Account: accounts.AccountID(fmt.Sprintf("a%02d", n)), Email: "new@example.com", Role: roles.Viewer}))
	})...) {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, accounts.ErrQuota)
	}
	require.Equal(t, 5, won)
	require.Equal(t, 5, w.used(accounts.QuotaRecipient, "new@example.com"))
	require.Len(t, w.letters(), 5)
}

// However many are invited or join at once, an account has as many people as
// its plan has seats, and no seat is lost (B8).
func TestRace_Seats(t *testing.T) {
	t.Parallel()
	seats := func(n int) func(*accounts.EnvOptions) {
		return plan(accounts.Plan{Roles: []roles.Role{roles.Viewer}, Seats: n})
	}
	for name, chance := range chances(12) {
		t.Run("inviting "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seats(9))
			ctx, amy := patient(t), w.as("amy")
			w.st.on(chance())
			won := 0
			for _, err := range together(times(12, func(n int) error {
				return ignore(w.inv.Invite(ctx, amy, invites.Invite{Account: "acme", Email: fmt.Sprintf("p%d@example.com", n), Role: roles.Viewer}))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrSeats)
			}
			require.Equal(t, 4, won)
			require.Equal(t, accounts.Seats{Members: 5, Invited: 4}, w.seats("acme"))
		})
		t.Run("joining after the plan has shrunk, "+name, func(t *testing.T) {
			t.Parallel()
			table := accounts.PlanTable{Plans: map[string]accounts.Plan{
				"": {Roles: []roles.Role{roles.Viewer}}, "small": {Roles: []roles.Role{roles.Viewer}, Seats: 8},
			}}
			w := newWorld(t, func(o *accounts.EnvOptions) { o.Policy = table })
			ctx := patient(t)
			links := make([]string, 12)
			for n := range links {
				_, links[n] = w.invited("amy", fmt.Sprintf("p%d@example.com", n), roles.Viewer)
			}
			small := "small"
			require.NoError(t, w.graph.UpdateAccount(ctx, job, accounts.UpdateAccount{ID: "acme", Plan: &small}))
			w.st.on(chance())
			won := 0
			for _, err := range together(times(12, func(n int) error {
				return ignore(w.inv.AcceptNew(ctx, invites.NewLogin{Link: links[n], ID: accounts.UserID(fmt.Sprintf("u%d", n)), Kept: true}))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrSeats)
			}
			require.Equal(t, 3, won)
			require.Equal(t, accounts.Seats{Members: 8, Invited: 9}, w.seats("acme"))
		})
	}
}

// Of many resends at once one goes out, and one link is alive (A03, I-05).
func TestRace_Resend(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(16) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx := patient(t)
			i, old := w.invited("amy", "new@example.com", roles.Viewer)
			w.clock.Add(time.Hour)
			actors := []accounts.Actor{w.as("amy"), w.as("adam"), w.as("olga")}
			w.st.on(chance())
			won := 0
			for _, err := range together(times(16, func(n int) error {
				return ignore(w.inv.Resend(ctx, actors[n%3], invites.Resend{Account: "acme", Invitation: i.ID}))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, limit.ErrLimited)
			}
			require.Equal(t, 1, won)
			require.Equal(t, 1, w.stored(i.ID).Invitation.Resends)
			require.Len(t, w.letters(), 1)
			w.dead(old)
			require.NoError(t, ignore(w.inv.Peek(ctx, w.link("new@example.com"))))
		})
	}
}

// Somebody who is made an owner of two accounts at once comes to own one, where
// the host's policy lets them own one (B8).
func TestRace_OwnTwo(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(2) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx := patient(t)
			i := w.invite("olga", "ben@example.com", roles.Owner)
			j := must(w.inv.Invite(ctx, w.as("nick"), invites.Invite{Account: "nova", Email: "ben@example.com", Role: roles.Owner}))(t)
			ben := w.as("ben")
			w.st.on(chance())
			errs := together(
				func() error { return ignore(w.inv.Accept(ctx, ben, byID(i))) },
				func() error { return ignore(w.inv.Accept(ctx, ben, byID(j))) },
			)
			require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
			require.Len(t, must(w.mem.Owned(ctx, "ben", roles.Owner))(t), 1)
		})
	}
}
