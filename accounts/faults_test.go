package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

var errBroken = errors.New("the disk is on fire")

// operations are calls of every shape in the world of agencies; refused ones
// end in the error named.
func operations() map[string]struct {
	call func(ctx context.Context, s *accounts.Service, w *world) error
	want error
} {
	type op = struct {
		call func(ctx context.Context, s *accounts.Service, w *world) error
		want error
	}
	return map[string]op{
		"JoinProgramme": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.JoinProgramme(ctx, w.as("ann"), "acme")
		}},
		"CloseAccount": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.CloseAccount(ctx, w.as("olga"), "orbit")
		}},
		"SuspendAccount": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.SuspendAccount(ctx, staff(), "orbit")
		}},
		"SuspendUser": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.SuspendUser(ctx, staff(), "oda")
		}},
		"CreateAccount": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.CreateAccount(ctx, w.as("oda"), accounts.CreateAccount{ID: "new", Name: "New", Key: "k"}))
		}},
		"PutUser": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return ignore(s.PutUser(ctx, job(), accounts.PutUser{
				ID: "oda", Name: "Oda", Handle: "oda", Email: "oda@new.example",
				Identities: []accounts.IdentityKey{{Issuer: "i", Subject: "s"}},
			}))
		}},
		"AddMember": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.AddMember(ctx, job(), "acme", "oda", roles.Viewer)
		}},
		"ChangeRole": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.ChangeRole(ctx, w.as("ann"), "acme", "amy", roles.Owner)
		}},
		"RemoveMember": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.RemoveMember(ctx, w.as("ann"), "acme", "amy")
		}},
		"SuspendMember": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.SuspendMember(ctx, w.as("ann"), "acme", "amy")
		}},
		"TransferOwnership": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.TransferOwnership(ctx, w.as("ann"), "acme", "amy")
		}},
		"ChangeCap": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.ChangeCap(ctx, w.as("ann"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer)
		}},
		"EndConnection": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.EndConnection(ctx, w.as("olga"), "orbit", pair("acme", "orbit"))
		}},
		"Assign": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Assign(ctx, w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "Ms oda", Role: roles.Author, Key: "k"}))
		}},
		"Members": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Members(ctx, w.as("amy"), "acme", accounts.MemberPage{}))
		}},
		"Explain": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Explain(ctx, w.as("amy"), accounts.StandingKey{User: "ann", Account: "acme"}))
		}},
		"Account, refused": {want: accounts.ErrNotFound, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Account(ctx, w.as("nick"), "acme"))
		}},
		"RemoveMember, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.RemoveMember(ctx, w.as("amy"), "acme", "ann")
		}},
		"Assign, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Assign(ctx, w.as("oda"), accounts.Assign{Agency: "orbit", Client: "acme", User: "otto", Role: roles.Author}))
		}},
	}
}

func (w *world) all() string {
	return w.dump([]string{"ann", "amy", "olga", "otto", "oda", "nick"}, []string{"acme", "orbit", "nova", "new"})
}

// Whichever call of the store fails, before it took effect or after, the
// caller gets the store's own error and no decision, and the state is the one
// before or the one after (A93, A94, A95, I-31).
func TestService_everyFault(t *testing.T) {
	t.Parallel()

	for name, op := range operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := agencies(t)
			before := ref.all()
			calls := []string{}
			err := op.call(t.Context(), ref.tapped(func(method string, after bool) error {
				calls = append(calls, fmt.Sprint(method, after))
				return nil
			}), ref)
			require.ErrorIs(t, err, op.want)
			after := ref.all()
			for k, call := range calls {
				w := agencies(t)
				n := 0
				err := op.call(t.Context(), w.tapped(func(string, bool) error {
					n++
					if n == k+1 {
						return errBroken
					}
					return nil
				}), w)
				require.ErrorIs(t, err, errBroken, "%s", call)
				if op.want != nil {
					require.NotErrorIs(t, err, op.want, "a fault is no decision")
				}
				got := w.all()
				if call == "ApplyAccountstrue" {
					require.Equal(t, after, got, "%s", call)
				} else {
					require.Equal(t, before, got, "%s", call)
				}
			}
		})
	}
}

// Whichever commit's answer is lost, with and without the effect, the call
// ends as if nothing had happened, with one effect (A96).
func TestService_everyLostAnswer(t *testing.T) {
	t.Parallel()

	for name, op := range operations() {
		ref := agencies(t)
		require.ErrorIs(t, op.call(t.Context(), ref.svc, ref), op.want)
		for _, lost := range []bool{false, true} { // false: before the effect
			w := agencies(t)
			done := false
			err := op.call(t.Context(), w.tapped(func(method string, after bool) error {
				if method == "ApplyAccounts" && after == lost && !done {
					done = true
					return accounts.ErrUnknown
				}
				return nil
			}), w)
			require.ErrorIs(t, err, op.want, "%s", name)
			require.Equal(t, ref.all(), w.all(), "%s, the effect was there: %v", name, lost)
		}
	}
}

// A context that ends at any moment leaves the state before or the state
// after, and no success without effect (A101).
func TestService_everyCancellation(t *testing.T) {
	t.Parallel()

	for name, op := range operations() {
		ref := agencies(t)
		before, calls := ref.all(), 0
		require.ErrorIs(t, op.call(t.Context(), ref.tapped(func(string, bool) error { calls++; return nil }), ref), op.want)
		after := ref.all()
		for k := range calls {
			w := agencies(t)
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			err := op.call(ctx, w.tapped(func(string, bool) error {
				if n++; n == k+1 {
					cancel()
				}
				return nil
			}), w)
			cancel()
			got := w.all()
			if err == nil || op.want != nil && errors.Is(err, op.want) {
				require.Equal(t, after, got, "%s, call %d: an answer without its effect", name, k)
			} else {
				require.ErrorIs(t, err, context.Canceled, name)
				require.Equal(t, before, got, "%s, call %d", name, k)
			}
		}
		w := agencies(t)
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		require.ErrorIs(t, op.call(ctx, w.svc, w), context.DeadlineExceeded, name)
		cancel()
		require.Equal(t, before, w.all())
	}
}

// A change in a transaction of the host is there when the host commits, with
// its event and its mail, and never was if the host rolls back (D1 of the
// product, A84).
func TestService_joined(t *testing.T) {
	t.Parallel()

	for name, op := range operations() {
		w := agencies(t)
		before := w.all()
		tx := w.st.Begin()
		require.ErrorIs(t, op.call(t.Context(), w.svc.With(tx.Store()), w), op.want, name)
		require.Equal(t, before, w.all(), "%s: nothing is seen before the commit", name)
		require.NoError(t, tx.Rollback())
		require.Equal(t, before, w.all(), name)

		ref := agencies(t)
		require.ErrorIs(t, op.call(t.Context(), ref.svc, ref), op.want)
		w = agencies(t)
		tx = w.st.Begin()
		require.ErrorIs(t, op.call(t.Context(), w.svc.With(tx.Store()), w), op.want, name)
		require.NoError(t, tx.Commit())
		require.Equal(t, ref.all(), w.all(), name)
	}
}
