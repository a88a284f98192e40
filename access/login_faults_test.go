package access_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// hall is an entrance in which every operation on logins can be done once.
type hall struct {
	*entrance
	secret                string
	actor, otto           accounts.Actor
	proof, reset, change  string
	linked, other, google accounts.IdentityKey
}

func newHall(t tester) *hall {
	t.Helper()
	h := &hall{
		entrance: newEntrance(t), linked: accounts.IdentityKey{Issuer: "i", Subject: "1"},
		other: accounts.IdentityKey{Issuer: "i", Subject: "2"}, google: accounts.IdentityKey{Issuer: "i", Subject: "3"},
	}
	h.secret, h.actor = h.newcomer("nora")
	require.NoError(t, h.logins.Link(t.Context(), h.actor, access.HostLogin{Identity: h.linked, Email: "nora@example.com", Verified: true}))
	h.reset = h.resetLink("nora")
	require.NoError(t, h.logins.AskAddress(t.Context(), h.actor, "new@example.com"))
	h.change = h.mailed("new@example.com", changePage)
	h.signUp("otto")
	h.otto = h.self(h.in("otto", words))
	h.proof = h.mailed("otto@example.com", proofPage)
	h.blocked("pia@example.com", 3)
	return h
}

// salted are the hashes of passwords, which no second run makes again.
var salted = regexp.MustCompile(`\$argon2id\$[^ }]+`)

func (h *hall) state() string { return salted.ReplaceAllString(h.all(), "[hash]") }

// loginOperations are all that write, by every way that they take.
func loginOperations() []operation[*hall] {
	nora := access.LogIn{Email: "nora@example.com", Password: words}
	from := access.Device{Source: "192.0.2.1"}
	return []operation[*hall]{
		{"SignUp", nil, func(h *hall) (any, error) {
			return h.logins.SignUp(h.Context(), access.SignUp{ID: "quin", Email: "quin@example.com", Password: words}, from)
		}},
		{"SignUp, known", nil, func(h *hall) (any, error) {
			_, err := h.logins.SignUp(h.Context(), access.SignUp{ID: "quin", Email: "nora@example.com", Password: others}, from)
			return only(err)
		}},
		{"LogIn", nil, func(h *hall) (any, error) {
			a, b, err := h.logins.LogIn(h.Context(), nora, from)
			return two(a, b, err)
		}},
		{"LogIn, wrong", access.ErrCredentials, func(h *hall) (any, error) {
			a, b, err := h.logins.LogIn(h.Context(), access.LogIn{Email: "nora@example.com", Password: others}, from)
			return two(a, b, err)
		}},
		{"LogIn, unknown", access.ErrCredentials, func(h *hall) (any, error) {
			a, b, err := h.logins.LogIn(h.Context(), access.LogIn{Email: "nobody@example.com", Password: others}, from)
			return two(a, b, err)
		}},
		{"Verify", nil, func(h *hall) (any, error) { return h.logins.Verify(h.Context(), nora, from) }},
		{"Lift", nil, func(h *hall) (any, error) { return only(h.logins.Lift(h.Context(), operator, "pia@example.com")) }},
		{"AskReset", nil, func(h *hall) (any, error) { return only(h.logins.AskReset(h.Context(), "nora@example.com", from)) }},
		{"AskReset, unknown", nil, func(h *hall) (any, error) {
			return only(h.logins.AskReset(h.Context(), "nobody@example.com", from))
		}},
		{"ResetPassword", nil, func(h *hall) (any, error) { return h.logins.ResetPassword(h.Context(), h.reset, others) }},
		{"ChangePassword", nil, func(h *hall) (any, error) {
			return h.logins.ChangePassword(h.Context(), h.actor, words, others, from)
		}},
		{"AskProof", nil, func(h *hall) (any, error) { return only(h.logins.AskProof(h.Context(), h.otto)) }},
		{"Prove", nil, func(h *hall) (any, error) { return only(h.logins.Prove(h.Context(), h.otto, h.proof)) }},
		{"AskAddress", nil, func(h *hall) (any, error) {
			return only(h.logins.AskAddress(h.Context(), h.actor, "quin@example.com"))
		}},
		{"AskAddress, taken", nil, func(h *hall) (any, error) {
			return only(h.logins.AskAddress(h.Context(), h.actor, "otto@example.com"))
		}},
		{"ConfirmAddress", nil, func(h *hall) (any, error) { return only(h.logins.ConfirmAddress(h.Context(), h.actor, h.change)) }},
		{"Arrive", nil, func(h *hall) (any, error) {
			return h.logins.Arrive(h.Context(), access.HostLogin{Identity: h.other, ID: "quin", Email: "quin@example.com", Verified: true})
		}},
		{"Arrive, known", nil, func(h *hall) (any, error) {
			return h.logins.Arrive(h.Context(), access.HostLogin{Identity: h.linked})
		}},
		{"Link", nil, func(h *hall) (any, error) {
			return only(h.logins.Link(h.Context(), h.actor, access.HostLogin{Identity: h.google, Email: "nora@example.com", Verified: true}))
		}},
		{"Unlink", nil, func(h *hall) (any, error) { return only(h.logins.Unlink(h.Context(), h.actor, h.linked)) }},
		{"Renew", nil, func(h *hall) (any, error) {
			return h.sessions.Renew(h.Context(), h.secret, accounts.Login{User: "nora"})
		}},
	}
}

// What is stored after a fault can be a count without a session, but never a
// session without the count.
func TestLoginFaults(t *testing.T) {
	t.Parallel()
	breakEach(t, loginOperations(), newHall, func(h *hall) *spy { return h.st }, (*hall).state)
}

// When a commit's answer is lost, the operation finds out what became of it and
// is done once, and conflicts leave no second effect (A96, A100). A try whose
// count was lost may count twice: never not at all.
func TestLoginFaults_unknown(t *testing.T) {
	t.Parallel()
	for _, o := range loginOperations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t)
			n := 0
			h.st.on(func(call string, do func() error) error {
				if writes(call) {
					n++
				}
				return do()
			})
			_, err := o.run(h)
			h.st.on(nil)
			require.ErrorIs(t, err, o.refuse)
			after := h.state()
			for k := range n {
				for name, lose := range map[string]func(i int, do func() error) error{
					"with its effect": func(i int, do func() error) error {
						if i > 0 {
							return do()
						}
						require.NoError(t, do())
						return accounts.ErrUnknown
					},
					"without": func(i int, do func() error) error {
						if i == 0 {
							return accounts.ErrUnknown
						}
						return do()
					},
					"after three conflicts": func(i int, do func() error) error {
						if i < 3 {
							return accounts.ErrConflict
						}
						return do()
					},
				} {
					h, i := newHall(t), -1
					h.st.on(func(call string, do func() error) error {
						if !writes(call) {
							return do()
						}
						if i++; i < k {
							return do()
						}
						return lose(i-k, do)
					})
					_, err := o.run(h)
					h.st.on(nil)
					what := fmt.Sprintf("write %d, %s", k+1, name)
					require.ErrorIs(t, err, o.refuse, what)
					if counted := n > 1 && k == 0; counted && name == "with its effect" {
						require.GreaterOrEqual(t, h.entering("nora@example.com", "192.0.2.1").Tries, 1, what)
						continue
					}
					require.Equal(t, after, h.state(), what)
				}
			}
		})
	}
}

// A caller that has gone leaves no trace (A101).
func TestLoginFaults_cancelled(t *testing.T) {
	t.Parallel()
	for _, o := range loginOperations() {
		h := newHall(t)
		was := h.state()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		h.tester = elsewhere{h.tester, gone}
		v, err := o.run(h)
		h.tester = t
		require.ErrorIs(t, err, context.Canceled, o.name)
		require.True(t, zero(v), o.name)
		require.Equal(t, was, h.state(), o.name)
	}
}

// elsewhere is a test with another context.
type elsewhere struct {
	tester
	ctx context.Context //nolint:containedctx // it stands for the test's own
}

func (e elsewhere) Context() context.Context { return e.ctx }
