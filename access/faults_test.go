package access_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

var errBroken = errors.New("the store is broken")

// stage is a world in which every operation can be done once.
type stage struct {
	*world
	ann, mia, max, vic, cleo, carl, none accounts.Actor
	pending, other                       accounts.RequestID
	link, secret, spare                  string
	session                              accounts.SessionID
	plan                                 access.Plan
}

func newStage(t tester) *stage {
	t.Helper()
	s := &stage{world: newWorld(t)}
	s.connect("rose", roles.Admin)
	s.pending, s.other = s.send("carl@example.com"), s.send("b@example.com")
	s.link = s.world.link("carl@example.com")
	s.clock.Add(time.Hour)
	s.ann, s.mia, s.max, s.vic = s.as("ann", "north"), s.as("mia", "north"), s.as("max", "north"), s.as("vic", "north")
	s.cleo, s.carl, s.none = s.as("cleo", "willow"), s.as("carl", "willow"), s.as("eve", "elm")
	s.secret, s.spare = s.login("mia"), s.login("mia")
	next, _, err := s.sessions.Switch(t.Context(), s.secret, "north")
	require.NoError(t, err)
	next, _, err = s.sessions.Switch(t.Context(), next.Reveal(), "rose")
	require.NoError(t, err)
	s.secret = next.Reveal()
	s.session = s.principal(s.spare, "").Session
	s.plan, err = s.requests.PlanDisableClientAccess(t.Context(), s.ann, "north")
	require.NoError(t, err)
	return s
}

// operation is a call in a world W.
type operation[W any] struct {
	name   string
	refuse error // what it answers when nothing is broken
	run    func(w W) (any, error)
}

// two and only are the answer of a call with two values, and with none.
func two(a, b any, err error) (any, error) { return [2]any{a, b}, err }

func only(err error) (any, error) { return nil, err }

// operations are all there are of this package, and those of the graph that
// withdraw a right.
func operations() []operation[*stage] {
	pair := accounts.ConnectionKey{Client: "rose", Agency: "north"}
	return []operation[*stage]{
		{"Send", nil, func(s *stage) (any, error) {
			return s.requests.Send(s.Context(), s.mia, access.Batch{Agency: "north", Addresses: "a@example.com, c@example.com, oops", Key: "key"})
		}},
		{"Send, refused", roles.ErrDenied, func(s *stage) (any, error) {
			return s.requests.Send(s.Context(), s.vic, access.Batch{Agency: "north", Addresses: "a@example.com"})
		}},
		{"Preview", nil, func(s *stage) (any, error) {
			return s.requests.Preview(s.Context(), s.mia, access.Batch{Agency: "north", Addresses: "a@example.com"})
		}},
		{"Resend", nil, func(s *stage) (any, error) {
			return only(s.requests.Resend(s.Context(), s.mia, access.Resend{Agency: "north", Request: s.pending}))
		}},
		{"Withdraw", nil, func(s *stage) (any, error) { return only(s.requests.Withdraw(s.Context(), s.mia, "north", s.pending)) }},
		{"Peek", nil, func(s *stage) (any, error) { return s.requests.Peek(s.Context(), s.link) }},
		{"Approve by link", nil, func(s *stage) (any, error) {
			return s.requests.Approve(s.Context(), s.cleo, byLink(s.link, "willow"), roles.Manager)
		}},
		{"Approve by id", nil, func(s *stage) (any, error) {
			return s.requests.Approve(s.Context(), s.carl, byID(s.pending, "willow"), roles.Manager)
		}},
		{"Approve, unknown", accounts.ErrNotFound, func(s *stage) (any, error) {
			return s.requests.Approve(s.Context(), s.carl, byID("id-unknown", "willow"), roles.Manager)
		}},
		{"Decline", nil, func(s *stage) (any, error) {
			return only(s.requests.Decline(s.Context(), s.carl, byID(s.pending, "willow"), "no"))
		}},
		{"Addressed", nil, func(s *stage) (any, error) { return s.requests.Addressed(s.Context(), s.carl) }},
		{"Clients", nil, func(s *stage) (any, error) {
			return s.requests.Clients(s.Context(), s.mia, "north", access.ClientPage{})
		}},
		{"Progress", nil, func(s *stage) (any, error) {
			return s.requests.Progress(s.Context(), s.mia, "north", s.pending, s.other)
		}},
		{"Progress, refused", roles.ErrDenied, func(s *stage) (any, error) {
			return s.requests.Progress(s.Context(), s.vic, "north", s.pending)
		}},
		{"PlanDisable", nil, func(s *stage) (any, error) { return s.requests.PlanDisableClientAccess(s.Context(), s.ann, "north") }},
		{"Disable", nil, func(s *stage) (any, error) {
			return only(s.requests.DisableClientAccess(s.Context(), s.ann, "north", s.plan.Confirm))
		}},
		{"Start", nil, func(s *stage) (any, error) {
			a, b, err := s.sessions.Start(s.Context(), accounts.Login{User: "mia"}, access.Device{})
			return two(a, b, err)
		}},
		{"Principal", nil, func(s *stage) (any, error) { return s.sessions.Principal(s.Context(), s.secret, "rose") }},
		{"ForUser", nil, func(s *stage) (any, error) {
			return s.sessions.ForUser(s.Context(), accounts.Login{User: "mia", At: s.env.Now()}, "rose")
		}},
		{"Switch", nil, func(s *stage) (any, error) {
			a, b, err := s.sessions.Switch(s.Context(), s.secret, "north")
			return two(a, b, err)
		}},
		{"Return", nil, func(s *stage) (any, error) {
			a, b, err := s.sessions.Return(s.Context(), s.secret)
			return two(a, b, err)
		}},
		{"Chooser", nil, func(s *stage) (any, error) { return s.sessions.Chooser(s.Context(), s.mia, access.ChoicePage{}) }},
		{"List", nil, func(s *stage) (any, error) { return s.sessions.List(s.Context(), s.mia, "mia", access.SessionPage{}) }},
		{"SignOut", nil, func(s *stage) (any, error) { return only(s.sessions.SignOut(s.Context(), s.secret)) }},
		{"End", nil, func(s *stage) (any, error) { return only(s.sessions.End(s.Context(), s.mia, s.session)) }},
		{"EndAll", nil, func(s *stage) (any, error) { return only(s.sessions.EndAll(s.Context(), s.mia, "mia")) }},
		{"EndConnection", nil, func(s *stage) (any, error) {
			return only(s.svc.EndConnection(s.Context(), s.ann, "north", pair))
		}},
		{"Assign", nil, func(s *stage) (any, error) {
			return s.svc.Assign(s.Context(), s.ann, accounts.Assign{Agency: "north", Client: "rose", User: "max", Role: roles.Viewer, Key: "key"})
		}},
		{"RemoveMember", nil, func(s *stage) (any, error) { return only(s.svc.RemoveMember(s.Context(), s.ann, "north", "mia")) }},
		{"SuspendUser", nil, func(s *stage) (any, error) {
			return only(s.svc.SuspendUser(s.Context(), accounts.Operator("help", "abuse"), "mia"))
		}},
		{"CloseAccount", nil, func(s *stage) (any, error) { return only(s.svc.CloseAccount(s.Context(), s.ann, "north")) }},
	}
}

// zero reports whether a value holds no answer.
func zero(v any) bool {
	if list, ok := v.([2]any); ok {
		return zero(list[0]) && zero(list[1])
	}
	return v == nil || reflect.ValueOf(v).IsZero()
}

// sound runs an operation and returns the names of its calls to the store, and
// what was stored before and after each of those that write.
func sound[W any](t *testing.T, o operation[W], world func(tester) W, st func(W) *spy, state func(W) string) (calls, states []string) {
	t.Helper()
	w := world(t)
	states = []string{state(w)}
	st(w).on(func(call string, do func() error) error {
		calls = append(calls, call)
		err := do()
		if writes(call) {
			states = append(states, state(w))
		}
		return err
	})
	v, err := o.run(w)
	st(w).on(nil)
	require.ErrorIs(t, err, o.refuse)
	require.Equal(t, err != nil, err != nil && zero(v))
	require.NotEmpty(t, calls)
	return calls, states
}

// breakEach breaks each call to the store below each operation, before or after it
// took effect: that is an error that reads as no decision, nobody gets an answer,
// and what is stored is what was written until then (A93, A94, A95, I-31).
func breakEach[W any](t *testing.T, ops []operation[W], world func(tester) W, st func(W) *spy, state func(W) string) {
	t.Helper()
	for _, o := range ops {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			calls, states := sound(t, o, world, st, state)
			written := 0
			for k := range calls {
				for _, effect := range []bool{false, true} {
					what := fmt.Sprintf("call %d, %s, with effect: %t", k+1, calls[k], effect)
					w, n := world(t), -1
					st(w).on(func(_ string, do func() error) error {
						if n++; n != k {
							return do()
						}
						if effect {
							_ = do()
						}
						return errBroken
					})
					v, err := o.run(w)
					st(w).on(nil)
					require.ErrorIs(t, err, errBroken, what)
					require.True(t, zero(v), what)
					for _, decision := range []error{
						roles.ErrDenied, accounts.ErrNotFound, accounts.ErrTaken, accounts.ErrConflict, accounts.ErrStepUp, access.ErrNoSession,
						access.ErrDecided, access.ErrCredentials, access.ErrLinkFirst,
					} {
						require.NotErrorIs(t, err, decision, "a fault never reads as a decision: "+what)
					}
					want := states[written]
					if effect && writes(calls[k]) {
						want = states[written+1]
					}
					require.Equal(t, want, state(w), what)
				}
				if writes(calls[k]) {
					written++
				}
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	breakEach(t, operations(), newStage, func(s *stage) *spy { return s.st }, func(s *stage) string { return s.dump() })
}

// When a commit's answer is lost, the operation finds out what became of it
// and is done once: same answer, one effect (A96). Conflicts are tried again
// and leave no second effect (A100).
func TestFaults_Unknown(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		if o.refuse != nil {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			_, states := sound(t, o, newStage, func(s *stage) *spy { return s.st }, func(s *stage) string { return s.dump() })
			after := states[len(states)-1]
			if states[0] == after {
				return // it changes nothing
			}
			for name, lose := range map[string]func(n int, do func() error) error{
				"with its effect": func(_ int, do func() error) error {
					require.NoError(t, do())
					return accounts.ErrUnknown
				},
				"without": func(n int, do func() error) error {
					if n == 0 {
						return accounts.ErrUnknown
					}
					return do()
				},
				"without, twice": func(n int, do func() error) error {
					if n < 2 {
						return fmt.Errorf("%w: gone", accounts.ErrUnknown)
					}
					return do()
				},
				"after three conflicts": func(n int, do func() error) error {
					if n < 3 {
						return accounts.ErrConflict
					}
					return do()
				},
			} {
				s := newStage(t)
				n := -1
				s.st.on(func(call string, do func() error) error {
					if !writes(call) {
						return do()
					}
					n++
					return lose(n, do)
				})
				v, err := o.run(s)
				require.NoError(t, err, name)
				require.True(t, v == nil || !zero(v), name)
				require.Equal(t, after, s.dump(), name)
			}
		})
	}

	t.Run("a store that stays out of reach leaves the outcome unknown, and no answer", func(t *testing.T) {
		t.Parallel()
		s, tries := newStage(t), 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.st.on(func(call string, do func() error) error {
			if writes(call) || call == "Applied" {
				if tries++; tries == 4 {
					cancel()
				}
				return accounts.ErrUnknown
			}
			return do()
		})
		c, err := s.requests.Approve(ctx, s.cleo, byLink(s.link, "willow"), roles.Viewer)
		require.ErrorIs(t, err, accounts.ErrUnknown)
		require.Zero(t, c)
	})

	t.Run("conflicts that do not end are an error that says to try again, and change nothing", func(t *testing.T) {
		t.Parallel()
		s, tries := newStage(t), 0
		was := s.dump()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.st.on(func(call string, do func() error) error {
			if writes(call) {
				if tries++; tries == 4 {
					cancel()
				}
				return accounts.ErrConflict
			}
			return do()
		})
		require.ErrorIs(t, s.requests.Withdraw(ctx, s.mia, "north", s.pending), accounts.ErrConflict)
		require.Equal(t, was, s.dump())
	})
}

// A caller that goes away leaves no part of anything (A101).
func TestFaults_Cancelled(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	was := s.dump()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.requests.Approve(ctx, s.cleo, byLink(s.link, "willow"), roles.Viewer)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.sessions.Principal(ctx, s.secret, "rose")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.requests.Send(ctx, s.mia, access.Batch{Agency: "north", Addresses: "a@example.com"})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, was, s.dump())
}
