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

func viewOperations() []operation[*hanging] {
	return []operation[*hanging]{
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

func TestViewFaults(t *testing.T) {
	t.Parallel()
	breakEach(t, viewOperations(), newHanging, func(h *hanging) *spy { return h.st }, func(h *hanging) string { return h.hung() })
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
