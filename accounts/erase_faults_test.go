package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// Whichever call of the store fails, before it took effect or after, the caller
// gets the store's error or, of a change whose answer was lost, the outcome; the
// state is the one before or the one after, and no failing call reads as a
// decision (A93, A95, A96, I-31).
func TestService_Erase_everyFault(t *testing.T) {
	t.Parallel()

	// pia has identity confirmation on and passed every code that is asked for.
	given := func(t testing.TB) *world {
		t.Helper()
		w := estate(t)
		u := person("pia")
		u.Version, u.Confirms = 1, true
		m := w.membership("acme", "pia")
		m.Role = roles.Owner
		w.put(u, m, passed("pia", accounts.EventUserErased, ""), passed("pia", accounts.EventUserExported, ""),
			passed("pia", accounts.EventMemberRoleChanged, "acme"), passed("pia", accounts.EventOwnershipTransferred, "acme"))
		return w
	}
	for _, tt := range []struct {
		name string
		when func(ctx context.Context, w *world, s *accounts.Service) error
		want error
	}{
		{name: "PlanErase", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return ignore(s.PlanErase(ctx, w.as("pia"), "pia"))
		}},
		{name: "EraseUser", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.EraseUser(ctx, w.as("pia"), "pia")
		}},
		{name: "EraseUser, refused", want: accounts.ErrLastOwner, when: func(ctx context.Context, _ *world, s *accounts.Service) error {
			return s.EraseUser(ctx, staff(), "ann")
		}},
		{name: "ExportUser", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.ExportUser(ctx, w.as("pia"), "pia", func(accounts.HeldKind, any) error { return nil })
		}},
		{name: "ForgetAddress", when: func(ctx context.Context, _ *world, s *accounts.Service) error {
			return s.ForgetAddress(ctx, staff(), "client-pia@else.example")
		}},
		{name: "AddMember", when: func(ctx context.Context, _ *world, s *accounts.Service) error {
			return s.AddMember(ctx, job(), "nova", "pia", roles.Viewer)
		}},
		{name: "ChangeRole, with a code", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.ChangeRole(ctx, w.as("pia"), "acme", "zoe", roles.Owner)
		}},
		{name: "TransferOwnership, with a code", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.TransferOwnership(ctx, w.as("pia"), "acme", "zoe")
		}},
		{name: "CloseAccount, without its code", want: accounts.ErrStepUp, when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.CloseAccount(ctx, w.as("pia"), "acme")
		}},
		{name: "ReactivateMember", when: func(ctx context.Context, w *world, s *accounts.Service) error {
			return s.ReactivateMember(ctx, w.as("ann"), "rest", "pia")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ref := given(t)
			before := ref.text()
			f := storagetest.Faults(ref.st)
			require.ErrorIs(t, tt.when(t.Context(), ref, ref.svc.With(f)), tt.want)
			after, calls := ref.text(), f.Calls()
			require.NotEmpty(t, calls)
			for k, call := range calls {
				w := given(t)
				f := storagetest.Faults(w.st)
				f.FailBefore(k+1, nil)
				err := tt.when(t.Context(), w, w.svc.With(f))
				require.ErrorIs(t, err, storagetest.ErrInjected, "%d %s", k, call)
				require.False(t, tt.want != nil && errors.Is(err, tt.want), "a fault is no decision: %v", err)
				require.Contains(t, []string{before, after}, w.text(), "%d %s", k, call)

				w = given(t)
				f = storagetest.Faults(w.st)
				f.FailAfter(k+1, nil)
				if err = tt.when(t.Context(), w, w.svc.With(f)); call == "ApplyAccounts" {
					require.ErrorIs(t, err, tt.want, "a lost answer is found out about")
					require.Equal(t, after, w.text())
				} else {
					require.ErrorIs(t, err, storagetest.ErrInjected, "%d %s", k, call)
					require.Contains(t, []string{before, after}, w.text(), "%d %s", k, call)
				}
			}
			w := given(t)
			ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
			defer cancel()
			require.ErrorIs(t, tt.when(ctx, w, w.svc), context.DeadlineExceeded)
			require.Equal(t, before, w.text())
		})
	}
}
