package password_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/access/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cheap is what tests hash with: 64 KiB, one pass.
func cheap() password.Options { return password.Options{Memory: 64, Time: 1} }

// newHasher returns a hasher that is cheap where o says nothing.
func newHasher(tb testing.TB, o password.Options) *password.Hasher {
	tb.Helper()
	if o.Memory == 0 {
		o.Memory = 64
	}
	if o.Time == 0 {
		o.Time = 1
	}
	h, err := password.New(&o)
	require.NoError(tb, err)
	return h
}

func newPolicy(tb testing.TB, o *password.PolicyOptions) *password.Policy {
	tb.Helper()
	p, err := password.NewPolicy(o)
	require.NoError(tb, err)
	return p
}

func hash(tb testing.TB, h *password.Hasher, text string) string {
	tb.Helper()
	stored, err := h.Hash(tb.Context(), text)
	require.NoError(tb, err)
	return stored
}

func verify(tb testing.TB, h *password.Hasher, stored, text string) password.Match {
	tb.Helper()
	m, err := h.Verify(tb.Context(), stored, text)
	require.NoError(tb, err)
	return m
}

func requireRefused(tb testing.TB, err error, want password.Rule) {
	tb.Helper()
	var refused *password.RefusedError
	require.ErrorIs(tb, err, password.ErrRefused)
	require.ErrorAs(tb, err, &refused)
	require.Equal(tb, want, refused.Rule)
	require.NotEmpty(tb, refused.Reason)
}

var (
	match = password.Match{OK: true}
	stale = password.Match{OK: true, Stale: true}
	none  = password.Match{}
)
