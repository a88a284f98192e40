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

// script is an operation whose every step is written down beforehand: what an
// attempt to apply answers, and what Applied answers.
type script struct {
	tries, applies, asked int
	apply                 []error
	applied               []any // bool or error
}

func (s *script) Applied(context.Context, accounts.OpID) (bool, error) {
	s.asked++
	answer := s.applied[min(s.asked, len(s.applied))-1]
	if err, ok := answer.(error); ok {
		return false, err
	}
	return answer == true, nil
}

func (s *script) try(context.Context) (func(context.Context) error, error) {
	s.tries++
	return func(context.Context) error {
		s.applies++
		return s.apply[min(s.applies, len(s.apply))-1]
	}, nil
}

// Conflicts are decided anew, lost answers are resolved by asking and then by
// applying the same change, and nothing else is repeated (A96, A100).
func TestOperate_answers(t *testing.T) {
	t.Parallel()

	conflict := fmt.Errorf("%w (a version)", accounts.ErrConflict)
	busy := fmt.Errorf("%w: %w", accounts.ErrConflict, accounts.ErrBusy)
	repeat := fmt.Errorf("%w: %w", accounts.ErrConflict, accounts.ErrRepeat)
	unknown, fault := accounts.ErrUnknown, errors.New("fault")
	for _, test := range []struct {
		name                  string
		apply                 []error
		applied               []any
		want                  error
		tries, applies, asked int
	}{
		{"success", []error{nil}, nil, nil, 1, 1, 0},
		{"a fault", []error{fault}, nil, fault, 1, 1, 0},
		{"a quota is no conflict", []error{accounts.ErrTaken}, nil, accounts.ErrTaken, 1, 1, 0},
		{"two conflicts", []error{conflict, conflict, nil}, nil, nil, 3, 3, 0},
		{"a conflict, then a fault", []error{conflict, fault}, nil, fault, 2, 2, 0},
		{"a conflict in a joined transaction is the host's", []error{repeat}, nil, accounts.ErrRepeat, 1, 1, 0},
		{"lost, and it was applied", []error{unknown}, []any{true}, nil, 1, 1, 1},
		{"lost, and it was not", []error{unknown, nil}, []any{false}, nil, 1, 2, 1},
		{"lost twice, applied the second time", []error{unknown, unknown}, []any{false, true}, nil, 1, 2, 2},
		{"lost, and it arrived while it was applied again", []error{unknown, conflict}, []any{false, true}, nil, 1, 2, 2},
		{"lost, and it held its own locks until it arrived", []error{unknown, busy}, []any{false, true}, nil, 1, 2, 2},
		{"lost, and others held the locks until it was applied", []error{unknown, busy, nil}, []any{false, false}, nil, 1, 3, 2},
		{"lost, not applied, and others were faster", []error{unknown, conflict, nil}, []any{false, false}, nil, 2, 3, 2},
		{"lost, and the store cannot tell at first", []error{unknown}, []any{fault, fault, true}, nil, 1, 1, 3},
		{"lost, not applied, then a fault", []error{unknown, fault}, []any{false}, fault, 1, 2, 1},
		{"lost in a joined transaction, then a conflict", []error{unknown, repeat}, []any{false, false}, accounts.ErrRepeat, 1, 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &script{apply: test.apply, applied: test.applied}
			err := accounts.Operate(t.Context(), newWorld(t).env, s, "op", s.try)
			require.ErrorIs(t, err, test.want)
			require.Equal(t, []int{test.tries, test.applies, test.asked}, []int{s.tries, s.applies, s.asked}, "tries, applies, questions")
		})
	}
}

// What an attempt refuses is final, unless it could not read facts that fit
// together; having nothing to change is success.
func TestOperate_attempts(t *testing.T) {
	t.Parallel()

	env, s := newWorld(t).env, &script{}
	run := func(answers ...error) (int, error) {
		n := 0
		err := accounts.Operate(t.Context(), env, s, "op", func(context.Context) (func(context.Context) error, error) {
			n++
			return nil, answers[n-1]
		})
		return n, err
	}
	for _, final := range []error{accounts.ErrNotFound, accounts.ErrStepUp, roles.ErrDenied, accounts.ErrLastOwner, errBroken, nil} {
		n, err := run(final)
		require.Equal(t, final, err)
		require.Equal(t, 1, n)
	}
	n, err := run(accounts.ErrConflict, accounts.ErrConflict, accounts.ErrNotFound)
	require.Equal(t, accounts.ErrNotFound, err)
	require.Equal(t, 3, n)
	n, err = run(accounts.ErrRepeat)
	require.Equal(t, accounts.ErrRepeat, err)
	require.Equal(t, 1, n)
}

// coded is an error of a database.
type coded string

func (c coded) Error() string    { return string(c) }
func (c coded) SQLState() string { return string(c) }

// A host's transaction is run again while others are in its way, and for nothing else
// (A100).
func TestRepeat(t *testing.T) {
	t.Parallel()
	env := newWorld(t).env
	run := func(ctx context.Context, answers ...error) (n int, err error) {
		err = accounts.Repeat(ctx, env, func(context.Context) error {
			n++
			return answers[min(n, len(answers))-1]
		})
		return n, err
	}
	for _, again := range []error{
		fmt.Errorf("%w: %w", accounts.ErrConflict, accounts.ErrRepeat), fmt.Errorf("commit: %w", coded("40001")), coded("40P01"),
	} {
		n, err := run(t.Context(), again, again, nil)
		require.NoError(t, err)
		require.Equal(t, 3, n)
	}
	for _, final := range []error{nil, accounts.ErrConflict, accounts.ErrUnknown, errBroken, coded("23505")} {
		n, err := run(t.Context(), final)
		require.Equal(t, final, err)
		require.Equal(t, 1, n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	n, err := run(ctx, accounts.ErrRepeat)
	require.Equal(t, accounts.ErrRepeat, err)
	require.Greater(t, n, 1)
}

// A conflict that does not end is a conflict for the caller once time has run
// out: the context's, or the limit's without one. So is running out of time
// while reading anew (A100).
func TestOperate_deadline(t *testing.T) {
	t.Parallel()

	w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.Retry = 30 * time.Millisecond })
	for name, with := range map[string]time.Duration{"the context's": 20 * time.Millisecond, "the limit": 0} {
		ctx := t.Context()
		if with > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, with)
			defer cancel()
		}
		s := &script{apply: []error{accounts.ErrConflict}}
		err := accounts.Operate(ctx, w.env, s, "op", s.try)
		require.ErrorIs(t, err, accounts.ErrConflict, name)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		require.Greater(t, s.tries, 1, name)

		n := 0
		err = accounts.Operate(ctx, w.env, s, "op", func(ctx context.Context) (func(context.Context) error, error) {
			if n++; n == 1 && ctx.Err() == nil {
				return nil, accounts.ErrConflict
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		require.Equal(t, n > 1, errors.Is(err, accounts.ErrConflict), name)
	}
	s := &script{apply: []error{accounts.ErrUnknown}, applied: []any{errBroken}}
	err := accounts.Operate(t.Context(), w.env, s, "op", s.try)
	require.Equal(t, accounts.ErrUnknown, err, "a store that stays out of reach")
	require.Equal(t, 1, s.applies, "nothing is applied again before it is known what became of it")
	require.Greater(t, s.asked, 1)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = &script{apply: []error{accounts.ErrConflict}}
	err = accounts.Operate(ctx, w.env, s, "op", s.try)
	require.ErrorIs(t, err, accounts.ErrConflict)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, s.tries)
}

// An attempt that is repeated has the same operation id and the same moment,
// though the clock went on.
func TestOperate_oneMoment(t *testing.T) {
	t.Parallel()

	w := office(t)
	n := 0
	svc := w.tapped(func(method string, after bool) error {
		if method == "ApplyAccounts" && !after {
			if n++; n < 4 {
				w.clock.Add(time.Minute)
				return accounts.ErrConflict
			}
		}
		return nil
	})
	require.NoError(t, svc.TransferOwnership(t.Context(), w.as("ann"), "acme", "bob"))
	events := w.feed()
	require.Equal(t, accounts.OpID("id-00001"), events[0].Op)
	require.Equal(t, start, events[0].At)
	require.Equal(t, start, w.membership("acme", "bob").UpdatedAt)
}

// A refusal that cannot be put on record is a fault and no decision (I-31,
// A105); one whose write met a conflict, or whose answer was lost, is on record
// once.
func TestRun_refusalOnRecord(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		answers []error
		after   bool
		want    error
		events  int
	}{
		"written":                    {nil, false, roles.ErrDenied, 1},
		"after a conflict":           {[]error{accounts.ErrConflict, accounts.ErrConflict}, false, roles.ErrDenied, 1},
		"lost before":                {[]error{accounts.ErrUnknown}, false, roles.ErrDenied, 1},
		"lost after":                 {[]error{accounts.ErrUnknown}, true, roles.ErrDenied, 1},
		"a fault":                    {[]error{errBroken}, false, errBroken, 0},
		"the host's transaction":     {[]error{errors.Join(accounts.ErrConflict, accounts.ErrRepeat)}, false, accounts.ErrRepeat, 0},
		"a fault after a lost write": {[]error{accounts.ErrUnknown, errBroken}, false, errBroken, 0},
	} {
		w := office(t)
		n := 0
		svc := w.tapped(func(method string, after bool) error {
			if method == "ApplyAccounts" && after == test.after {
				if n++; n <= len(test.answers) {
					return test.answers[n-1]
				}
			}
			return nil
		})
		err := svc.RemoveMember(t.Context(), w.as("bob"), "acme", "ann")
		require.ErrorIs(t, err, test.want, name)
		require.Len(t, w.feed(), test.events, name)
		if test.events == 1 {
			e := w.feed()[0]
			require.Equal(t, accounts.Event{
				Op: "id-00001", Seq: 1, At: start, Kind: accounts.EventRefused, By: accounts.By{User: "bob", Session: "session-bob"},
				Account: "acme", Action: accounts.EventMemberRemoved, Refusal: accounts.RefusedDenied,
			}, e, name)
			var denied *roles.DeniedError
			require.ErrorAs(t, err, &denied)
			require.Equal(t, error(denied), err, "the caller gets the error without its mark")
		}
	}
}

// The mark of a refusal can be taken off, and other errors stay as they are.
func TestPlain(t *testing.T) {
	t.Parallel()

	w := office(t)
	op := w.env.Begin(w.as("bob"))
	marked := op.Refuse("acme", accounts.RefusedQuota, errBroken)
	require.NotEqual(t, errBroken, marked)
	require.Equal(t, errBroken.Error(), marked.Error())
	require.Equal(t, errBroken, accounts.Plain(marked))
	require.Equal(t, errBroken, accounts.Plain(errBroken))
	require.NoError(t, accounts.Plain(nil))
	require.Equal(t, errBroken, op.Refuse("", accounts.RefusedQuota, errBroken), "at no known account")
	require.Equal(t, errBroken, w.env.Begin(accounts.Actor{}).Refuse("acme", accounts.RefusedQuota, errBroken), "of nobody")
}
