package invites_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Fifty uses of one link at once make one user and one event; the others are
// refused as by a link that never was (A01, I-04).
func TestRace_SetUpFiftyTimes(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(50) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, link := patient(t), w.send("cleo")
			w.st.on(chance())
			won := 0
			for n, err := range together(times(50, func(n int) error {
				in := invites.NewLogin{Link: link, ID: accounts.UserID(fmt.Sprintf("u%d", n)), Kept: true}
				if n%2 == 0 {
					in = invites.NewLogin{Link: link, Identity: accounts.IdentityKey{Issuer: "i", Subject: fmt.Sprint(n)}}
				}
				return ignore(w.links.SetUp(ctx, in))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrNotFound, n)
			}
			require.Equal(t, 1, won)
			require.Equal(t, 1, w.count(accounts.EventUserCreated))
			require.Equal(t, 1, w.count(invites.EventClientJoined))
			require.True(t, w.asClient(w.client("cleo").User))
		})
	}
}

// Fifty joins with one login are one, and all answer the same (A01).
func TestRace_JoinFiftyTimes(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(50) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(client("acme", "b", "ben@example.com"))
			ctx, link, ben := patient(t), w.generate("b"), w.as("ben")
			got := make([]accounts.ClientState, 50)
			w.st.on(chance())
			for n, err := range together(times(50, func(n int) (err error) {
				got[n], err = w.links.Join(ctx, ben, link)
				return err
			})...) {
				require.NoError(t, err)
				require.Equal(t, got[0], got[n])
			}
			require.Equal(t, 1, w.count(invites.EventClientJoined))
			require.Empty(t, w.refusals())
		})
	}
}

// However many mail links to one client at once, the address gets 5 in a day,
// exactly, and one link is alive (A81, I-05).
func TestRace_Send(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(12) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, actors := patient(t), []accounts.Actor{w.as("max"), w.as("amy"), w.as("olga")}
			w.st.on(chance())
			won := 0
			for _, err := range together(times(12, func(n int) error {
				return ignore(w.links.Send(ctx, actors[n%3], invites.SendSetup{ClientKey: mailed}))
			})...) {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, accounts.ErrQuota)
			}
			require.Equal(t, 5, won)
			require.Equal(t, 5, w.used(accounts.QuotaRecipient, "cleo@example.com"))
			require.Len(t, w.letters(), 1)
			require.Len(t, w.mails(mail.SetupInvitation, mail.Cancelled), 4)
			require.NoError(t, ignore(w.links.Peek(ctx, w.setupLink("cleo"))))
		})
	}
}

// Coming in against whatever else happens at the same moment: whichever comes
// first, nobody comes in by what has ended, nobody is a client and a member of one
// account, nobody is created for nothing, and there is one login for one address
// (A01, A03, A04, A17, A74, A76, I-06, C1).
func TestRace_ComingInAgainst(t *testing.T) {
	t.Parallel()
	suspend := func(_ context.Context, w *world, c accounts.Client, a accounts.Account, _ string) error {
		c.SuspendedAt, c.Epoch = w.env.Now(), c.Epoch+1
		return w.raw(accounts.Change{Clients: []accounts.Client{c}, Guards: []accounts.Guard{{Account: a.ID, Version: a.Version}}})
	}
	remove := func(_ context.Context, w *world, c accounts.Client, a accounts.Account, _ string) error {
		c.ClientState = accounts.ClientState{ClientKey: c.ClientKey, Epoch: c.Epoch + 1, DeletedAt: w.env.Now()}
		c.Email, c.Address = "", ""
		return w.raw(accounts.Change{Clients: []accounts.Client{c}, Guards: []accounts.Guard{{Account: a.ID, Version: a.Version}}})
	}
	in := func(t *testing.T, w *world) bool {
		t.Helper()
		return w.client("b").User != "" && w.asClient(w.client("b").User)
	}
	for _, tt := range []struct {
		name  string
		rival func(ctx context.Context, w *world, c accounts.Client, a accounts.Account, link string) error
		after func(t *testing.T, w *world, came, rival error)
	}{
		{"the client's suspension", suspend, func(t *testing.T, w *world, _, rival error) {
			t.Helper()
			require.Equal(t, rival == nil, !in(t, w), "either the suspension holds, or it was not made and is tried again")
		}},
		{"the client's deletion", remove, func(t *testing.T, w *world, _, rival error) {
			t.Helper()
			require.Equal(t, rival == nil, !in(t, w))
		}},
		{"a newer link", func(ctx context.Context, w *world, _ accounts.Client, _ accounts.Account, _ string) error {
			return ignore(w.links.With(w.mem).Generate(ctx, w.as("amy"), invites.GenerateSetup{ClientKey: accounts.ClientKey{Account: "acme", ID: "b"}}))
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.NotEqual(t, came == nil, rival == nil, "%v, %v", came, rival)
			if rival != nil {
				require.ErrorIs(t, rival, invites.ErrSetUp)
			}
		}},
		{"the account's suspension", func(ctx context.Context, w *world, _ accounts.Client, _ accounts.Account, _ string) error {
			return w.graph.SuspendAccount(ctx, staff, "acme")
		}, func(t *testing.T, w *world, _, rival error) {
			t.Helper()
			require.NoError(t, rival)
			require.False(t, in(t, w))
		}},
		{"somebody else's coming in by the same link", func(ctx context.Context, w *world, _ accounts.Client, _ accounts.Account, link string) error {
			_, err := w.links.With(w.mem).SetUp(ctx, invites.NewLogin{Link: link, ID: "rival", Kept: true})
			return err
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.NotEqual(t, came == nil, rival == nil, "%v, %v", came, rival)
			require.Equal(t, 1, w.count(invites.EventClientJoined))
		}},
		{"a sign-up under the address", func(_ context.Context, w *world, c accounts.Client, _ accounts.Account, _ string) error {
			u := user("rival")
			u.Email, u.Address, u.Proven = c.Email, c.Address, false
			return w.raw(accounts.Change{Users: []accounts.User{u}, Credentials: []accounts.Credential{credential("rival")}})
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.NotEqual(t, came == nil, rival == nil, "one user for one address (I-03): %v, %v", came, rival)
			if rival == nil {
				require.ErrorIs(t, came, invites.ErrHasLogin)
				require.Equal(t, "hash-of-rival", must(w.mem.Means(t.Context(), accounts.UserKey{ID: "rival"}))(t).Credential.Hash)
			}
		}},
	} {
		for order, run := range orders() {
			t.Run(tt.name+", "+order, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.put(client("acme", "b", "bea@example.com"))
				ctx, link := patient(t), w.send("b")
				c, a := w.client("b"), w.account("acme")
				came, rival := run(w, func() error {
					return ignore(w.links.SetUp(ctx, invites.NewLogin{Link: link, ID: "new", Kept: true}))
				}, func() error { return tt.rival(ctx, w, c, a, link) })
				tt.after(t, w, came, rival)
				if rival == nil && order == between {
					require.Error(t, came, "what was decided on before the other happened is not done")
				}
				if came != nil {
					_, err := w.mem.User(ctx, accounts.UserKey{ID: "new"})
					require.ErrorIs(t, err, accounts.ErrNotFound, "nobody was created for nothing")
				}
			})
		}
	}
	for _, tt := range []struct {
		name  string
		rival func(ctx context.Context, w *world) error
		after func(t *testing.T, w *world, came, rival error)
	}{
		{"being added as a member", func(ctx context.Context, w *world) error {
			return w.graph.AddMember(ctx, job, "acme", "ben", roles.Viewer)
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.True(t, came == nil || rival == nil)
			require.False(t, w.client("b").User == "ben" && w.membership("ben").Active(), "nobody is both: %v, %v", came, rival)
		}},
		{"accepting an invitation", func(ctx context.Context, w *world) error {
			list, err := w.inv.With(w.mem).Mine(ctx, w.as("ben"))
			if err != nil {
				return err
			}
			_, err = w.inv.With(w.mem).Accept(ctx, w.as("ben"), invites.Answer{Account: "acme", Invitation: list[0].ID})
			return err
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.ErrorIs(t, rival, accounts.ErrTaken, "the address is a client's")
			require.NoError(t, came)
		}},
		{"a suspension of the user", func(ctx context.Context, w *world) error { return w.graph.SuspendUser(ctx, staff, "ben") }, func(t *testing.T, w *world, _, rival error) {
			t.Helper()
			require.NoError(t, rival)
			require.False(t, w.asClient("ben"))
		}},
		{"the user's erasure", func(ctx context.Context, w *world) error { return w.graph.EraseUser(ctx, staff, "ben") }, func(t *testing.T, w *world, _, rival error) {
			t.Helper()
			require.NoError(t, rival)
			require.NotEqual(t, accounts.UserID("ben"), w.client("b").User, "nothing live refers to a deleted user (I-20)")
		}},
		{"their address becoming another one", func(_ context.Context, w *world) error {
			u := w.user("ben")
			u.Email, u.Address = "spare@example.com", "spare@example.com"
			return w.raw(accounts.Change{Users: []accounts.User{u}})
		}, func(t *testing.T, w *world, came, rival error) {
			t.Helper()
			require.True(t, came == nil || rival == nil)
			if came != nil {
				require.ErrorIs(t, came, invites.ErrOtherAddress)
			}
		}},
	} {
		for order, run := range orders() {
			t.Run("joining against "+tt.name+", "+order, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.invite("amy", "ben@example.com", roles.Viewer)
				w.put(client("acme", "b", "ben@example.com"))
				ctx, link, ben := patient(t), w.generate("b"), w.as("ben")
				came, rival := run(w, func() error { return ignore(w.links.Join(ctx, ben, link)) }, func() error { return tt.rival(ctx, w) })
				tt.after(t, w, came, rival)
			})
		}
	}
}

// raw stores a change as somebody else's decision: it may be a conflict.
func (w *world) raw(c accounts.Change) error {
	op := accounts.Operation{ID: accounts.OpID("raw-" + w.ids.NewID(time.Time{})), At: w.env.Now(), Actor: job}
	c.Op = op.ID
	op.Record(&c, accounts.Event{Kind: "put"})
	return w.mem.ApplyAccounts(w.Context(), c)
}

const between = "which happens between reading and writing"

// orders are the ways in which two things can happen at the same moment: at
// once, and the second between the reads of the first and its write.
func orders() map[string]func(w *world, first, second func() error) (error, error) {
	return map[string]func(w *world, first, second func() error) (error, error){
		"by chance": func(_ *world, first, second func() error) (error, error) {
			errs := together(first, second)
			return errs[0], errs[1]
		},
		between: func(w *world, first, second func() error) (error, error) {
			var rival error
			w.st.on(before(func() { rival = second() }))
			came := first()
			w.st.on(nil)
			return came, rival
		},
	}
}

// Who loses the right between any two reads of making a link, or before its
// write, makes none (A15, A37, I-07).
func TestRace_SetupRightLost(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"User", "SettingUp", "ApplyInvites"} {
		w := newWorld(t)
		manager, was := w.as("max"), w.setting("cleo")
		w.st.on(beforeCall(func(c string) bool { return c == call }, func() {
			require.NoError(w, w.graph.ChangeRole(w.Context(), w.as("olga"), "acme", "max", roles.Viewer))
		}))
		require.ErrorIs(t, ignore(w.links.Generate(t.Context(), manager, invites.GenerateSetup{ClientKey: mailed})), roles.ErrDenied, call)
		w.st.on(nil)
		require.Equal(t, was.Link, w.setting("cleo").Link)
		require.Equal(t, was.Client, w.client("cleo"))
	}
}
