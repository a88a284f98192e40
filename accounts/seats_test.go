package accounts_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// planned is an office on a plan of Mailchimp's: ann owns acme, bob is Admin,
// cid Viewer, and dan nothing yet.
func planned(t testing.TB, plan string) *world {
	t.Helper()
	w := office(t, func(o *accounts.EnvOptions) { o.Policy = mailchimp })
	a := w.account("acme")
	a.Plan = plan
	w.put(a)
	return w
}

// Members and pending invitations together take the seats of the plan: whoever
// comes when there is none is refused with what is taken, and nothing is on
// record (B8).
func TestService_AddMember_seats(t *testing.T) {
	t.Parallel()

	ctx := t.Context()
	add := func(w *world, id string) error {
		return w.svc.AddMember(ctx, job(), "acme", accounts.UserID(id), roles.Viewer)
	}
	full := func(t *testing.T) *world {
		t.Helper()
		w := planned(t, "standard")
		w.put(user("eve"))
		require.NoError(t, add(w, "dan"))
		_, err := w.invitations(w.st).Invite(ctx, w.as("bob"), invites.Invite{Account: "acme", Email: "new@people.example", Role: roles.Viewer})
		require.NoError(t, err)
		return w
	}
	onPlan := func(w *world, plan string) {
		require.NoError(w.t, w.svc.UpdateAccount(ctx, job(), accounts.UpdateAccount{ID: "acme", Plan: &plan}))
	}
	taken := &accounts.SeatsError{Limit: 5, Seats: accounts.Seats{Members: 4, Invited: 1}}
	for _, tt := range []struct {
		name  string
		given func(w *world)
		want  *accounts.SeatsError
	}{
		{"all five are taken", func(*world) {}, taken},
		{"a suspended member keeps the seat", func(w *world) {
			require.NoError(w.t, w.svc.SuspendMember(ctx, w.as("bob"), "acme", "cid"))
		}, taken},
		{"a smaller plan has none either", func(w *world) {
			onPlan(w, "free")
			require.Equal(w.t, "role", field(w.t, add(w, "eve")), "and first of all it does not offer the role")
			onPlan(w, "essentials")
			require.ErrorIs(w.t, w.svc.AddMember(ctx, job(), "acme", "eve", roles.Admin), accounts.ErrSeats)
			onPlan(w, "standard")
		}, taken},
		{"an invitation a moment before it expires keeps it", func(w *world) { w.clock.Add(7*24*time.Hour - time.Microsecond) }, taken},
		{"one that expires gives it back, at that moment", func(w *world) { w.clock.Add(7 * 24 * time.Hour) }, nil},
		{"a void one does", func(w *world) { require.NoError(w.t, w.svc.Leave(ctx, w.as("bob"), "acme")) }, nil},
		{"a member who left does", func(w *world) { require.NoError(w.t, w.svc.Leave(ctx, w.as("cid"), "acme")) }, nil},
		{"a user who was erased does", func(w *world) { require.NoError(w.t, w.svc.EraseUser(ctx, staff(), "cid")) }, nil},
		{"a greater plan has room", func(w *world) { onPlan(w, "premium") }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := full(t)
			tt.given(w)
			before := len(w.feed())
			err := add(w, "eve")
			if tt.want == nil {
				require.NoError(t, err)
				require.Equal(t, roles.Viewer, w.membership("acme", "eve").Role)
				return
			}
			require.Equal(t, tt.want, err)
			require.ErrorIs(t, err, accounts.ErrSeats)
			require.ErrorContains(t, err, "all 5 seats of the account are taken, 1 of them by pending invitations")
			require.Len(t, w.feed(), before)
			require.Zero(t, w.membership("acme", "eve").Role)
			require.NoError(t, add(w, "dan"), "who is there already takes no other seat")
		})
	}
}

// Whoever comes beside others gets a seat only if one is left, and the last one
// goes to one of them (A100, B8).
func TestService_AddMember_lastSeat(t *testing.T) {
	t.Parallel()

	add := func(id accounts.UserID) deed {
		return func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).AddMember(ctx, job(), "acme", id, roles.Viewer)
		}
	}
	invite := func(ctx context.Context, w *world, st storage.Storage) error {
		return ignore(w.invitations(st).Invite(ctx, w.as("bob"), invites.Invite{Account: "acme", Email: "new@people.example", Role: roles.Viewer}))
	}
	one := func(t testing.TB) *world {
		t.Helper()
		w := planned(t, "standard")
		w.put(user("eve"), user("fay"))
		require.NoError(t, w.svc.AddMember(t.Context(), job(), "acme", "fay", roles.Author))
		return w
	}
	then := func(t *testing.T, w *world, errs [2]error) {
		t.Helper()
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(t, err, accounts.ErrSeats)
			}
		}
		taken, err := w.st.Seats(t.Context(), "acme", w.env.Now())
		require.NoError(t, err)
		require.Equal(t, 5, taken.Taken())
	}
	t.Run("two jobs", func(t *testing.T) { t.Parallel(); race(t, one, add("dan"), add("eve"), then) })
	t.Run("a job and an invitation", func(t *testing.T) { t.Parallel(); race(t, one, add("dan"), invite, then) })
	t.Run("twelve for two seats", func(t *testing.T) {
		t.Parallel()
		w := planned(t, "standard")
		var all sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			id := fmt.Sprintf("user-%d", i)
			w.put(user(id))
			all.Go(func() { errs[i] = add(accounts.UserID(id))(t.Context(), w, w.st) })
		}
		all.Wait()
		n := 0
		for _, err := range errs {
			if err == nil {
				n++
			} else {
				require.ErrorIs(t, err, accounts.ErrSeats)
			}
		}
		require.Equal(t, 2, n)
	})
}
