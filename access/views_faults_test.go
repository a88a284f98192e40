package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// hanging is a gallery in which everything about views and clients can be done
// once.
type hanging struct {
	*gallery
	adam, mia           accounts.Actor
	link, secret, bruno string
	view                accounts.ViewID
}

func newHanging(t tester) *hanging {
	t.Helper()
	h := &hanging{gallery: newGallery(t)}
	h.confirmed("adam")
	h.adam, h.mia, h.bruno = h.as("adam", "north"), h.as("mia", "north"), h.login("bruno")
	for _, into := range []*string{&h.link, &h.secret} {
		h.pass(h.adam, access.Ask{Action: access.EventViewStarted, Account: "north"})
		var v access.ViewAs
		*into, v = h.start(h.adam, as("north", "bella"))
		h.view = v.ID
	}
	h.secret, _ = h.open(h.secret)
	h.pass(h.adam, access.Ask{Action: access.EventViewStarted, Account: "north"})
	return h
}

func viewOperations() []struct {
	name   string
	refuse error
	run    func(h *hanging) (any, error)
} {
	two := func(a, b any, err error) (any, error) { return [2]any{a, b}, err }
	only := func(err error) (any, error) { return nil, err }
	return []struct {
		name   string
		refuse error
		run    func(h *hanging) (any, error)
	}{
		{"Start", nil, func(h *hanging) (any, error) {
			a, b, err := h.views.Start(h.Context(), h.adam, as("north", "bella"))
			return two(a, b, err)
		}},
		{"Start, refused", roles.ErrDenied, func(h *hanging) (any, error) {
			a, b, err := h.views.Start(h.Context(), h.mia, as("north", "bella"))
			return two(a, b, err)
		}},
		{"Start, of nobody", accounts.ErrNotFound, func(h *hanging) (any, error) {
			a, b, err := h.views.Start(h.Context(), h.adam, as("north", "nobody"))
			return two(a, b, err)
		}},
		{"Start, out of a view", roles.ErrDenied, func(h *hanging) (any, error) {
			a, b, err := h.views.Start(h.Context(), accounts.Viewing("adam", "", "north", "bella"), as("north", "bruno"))
			return two(a, b, err)
		}},
		{"Open", nil, func(h *hanging) (any, error) {
			a, b, err := h.views.Open(h.Context(), h.link, device)
			return two(a, b, err)
		}},
		{"Viewed", nil, func(h *hanging) (any, error) { return h.views.Viewed(h.Context(), h.secret) }},
		{"Stop", nil, func(h *hanging) (any, error) { return only(h.views.Stop(h.Context(), h.secret)) }},
		{"End", nil, func(h *hanging) (any, error) { return only(h.views.End(h.Context(), h.adam, "north", h.view)) }},
		{"Principal", nil, func(h *hanging) (any, error) { return h.sessions.Principal(h.Context(), h.bruno, "north") }},
		{"ForUser", nil, func(h *hanging) (any, error) {
			return h.sessions.ForUser(h.Context(), accounts.Login{User: "bruno", At: h.env.Now()}, "north")
		}},
		{"Switch", nil, func(h *hanging) (any, error) {
			a, b, err := h.sessions.Switch(h.Context(), h.bruno, "north")
			return two(a, b, err)
		}},
	}
}

// Whichever call to the store fails, before or after it took effect, the
// operation is an error that reads as no decision, nobody gets an answer, and
// what is stored is what was before or what is after (A93, A94, A95, I-31).
func TestViewFaults(t *testing.T) {
	t.Parallel()
	for _, o := range viewOperations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			var calls []string
			h := newHanging(t)
			states := []string{h.hung()} // after each write
			h.st.on(func(call string, do func() error) error {
				calls = append(calls, call)
				err := do()
				if writes(call) {
					states = append(states, h.hung())
				}
				return err
			})
			v, err := o.run(h)
			h.st.on(nil)
			require.ErrorIs(t, err, o.refuse)
			require.Equal(t, err != nil, err != nil && zero(v))
			require.NotEmpty(t, calls)
			written := 0
			for k := range calls {
				for _, effect := range []bool{false, true} {
					what := fmt.Sprintf("call %d, %s, with effect: %t", k+1, calls[k], effect)
					h, n := newHanging(t), -1
					h.st.on(func(_ string, do func() error) error {
						if n++; n != k {
							return do()
						}
						if effect {
							_ = do()
						}
						return errBroken
					})
					v, err := o.run(h)
					h.st.on(nil)
					require.ErrorIs(t, err, errBroken, what)
					require.True(t, zero(v), what)
					for _, decision := range []error{access.ErrNoSession, roles.ErrDenied, accounts.ErrNotFound, accounts.ErrStepUp, accounts.ErrConflict} {
						require.NotErrorIs(t, err, decision, what)
					}
					want := states[written]
					if effect && writes(calls[k]) {
						want = states[written+1]
					}
					require.Equal(t, want, h.hung(), what)
				}
				if writes(calls[k]) {
					written++
				}
			}
		})
	}
}

// When a commit's answer is lost, the operation finds out what became of it and
// is done once; what is returned then works (A96, A100).
func TestViewFaults_unknown(t *testing.T) {
	t.Parallel()
	for _, o := range viewOperations() {
		for _, effect := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with effect: %t", o.name, effect), func(t *testing.T) {
				t.Parallel()
				h := newHanging(t)
				_, err := o.run(h)
				require.ErrorIs(t, err, o.refuse)
				after := h.hung()

				h = newHanging(t)
				lost := false
				h.st.on(func(call string, do func() error) error {
					if !writes(call) || lost {
						return do()
					}
					lost = true
					if effect {
						require.NoError(t, do())
					}
					return accounts.ErrUnknown
				})
				v, err := o.run(h)
				h.st.on(nil)
				require.ErrorIs(t, err, o.refuse)
				require.Equal(t, after, h.hung())
				if o.name == "Open" {
					secret := v.([2]any)[0].(interface{ Reveal() string }).Reveal()
					require.NoError(t, h.viewed(secret))
				}
			})
		}
	}
}
