package invites_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// stuck is a verifier of imported hashes that takes until it is let go.
type stuck struct{ held chan struct{} }

func (stuck) Handles(stored string) bool { return stored == "stuck" }

func (s stuck) Verify(string, string) (bool, error) {
	<-s.held
	return false, nil
}

// A password that cannot be hashed or judged now is no decision: nobody joins,
// the caller is told to come again, and the same form works then (A30, A94).
func TestAcceptNew_LaterAgain(t *testing.T) {
	t.Parallel()
	t.Run("too many hashes at once are refused, and bounded", func(t *testing.T) {
		t.Parallel()
		hold := stuck{held: make(chan struct{})}
		h := must(password.New(&password.Options{Memory: 8, Time: 1, Parallel: 1, Queue: 1, Verifiers: []password.Verifier{hold}}))(t)
		answers := make(chan error)
		for range 3 { // one runs, one waits, and one finds no place
			go func() { answers <- ignore(h.Verify(t.Context(), "stuck", good)) }()
		}
		require.ErrorIs(t, <-answers, password.ErrBusy)
		w, join := laterAgain(t, &invites.Options{Hasher: h, Passwords: policy()})
		was := w.dump()
		require.ErrorIs(t, join(), password.ErrBusy)
		require.Equal(t, was, w.dump())
		close(hold.held)
		require.NoError(t, <-answers)
		require.NoError(t, <-answers)
		require.NoError(t, join())
	})
	t.Run("a breach hook that fails lets no password pass", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("no answer")
		var answer error
		p := must(password.NewPolicy(&password.PolicyOptions{
			Breached: func(context.Context, string) (bool, error) { return false, answer },
		}))(t)
		w, join := laterAgain(t, &invites.Options{Hasher: hasher(), Passwords: p})
		was := w.dump()
		answer = broken
		err := join()
		require.ErrorIs(t, err, password.ErrUnavailable)
		require.ErrorIs(t, err, broken)
		require.Equal(t, was, w.dump())
		answer = nil
		require.NoError(t, join())
	})
}

// laterAgain is a world, and what joins by a link in it at a service with the
// given options.
func laterAgain(t *testing.T, o *invites.Options) (w *world, join func() error) {
	t.Helper()
	w = newWorld(t)
	_, link := w.invited("amy", "new@example.com", roles.Viewer)
	inv := must(invites.New(w.st, w.env, o))(t)
	return w, func() error {
		out, err := inv.AcceptNew(t.Context(), invites.NewLogin{Link: link, Password: good})
		if err != nil {
			require.Zero(t, out)
		}
		return err
	}
}
