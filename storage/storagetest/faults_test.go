package storagetest_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

func change(op string) access.Change {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return access.Change{Change: accounts.Change{
		Op:     accounts.OpID(op),
		Users:  []accounts.User{{UserState: accounts.UserState{ID: accounts.UserID(op)}, CreatedAt: at}},
		Events: []accounts.Event{{Op: accounts.OpID(op), Seq: 1, At: at}},
		Mail:   []mail.Message{{ID: op, Channel: mail.Email, Due: at, Text: "text"}},
	}}
}

// The wrapper fails the k-th call exactly, and no other, before its effect or
// after it (A93): everything that rests on it is only as true as this.
func TestFaulty_Fail(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	boom := errors.New("boom")
	const calls = 6
	for _, after := range []bool{false, true} {
		for k := 1; k <= calls+1; k++ {
			t.Run(fmt.Sprintf("call %d fails, after its effect: %v", k, after), func(t *testing.T) {
				t.Parallel()
				below := storagetest.ModelHarness().Open(t)
				f := storagetest.Faults(below)
				if after {
					f.FailAfter(k, boom)
				} else {
					f.FailBefore(k, boom)
				}
				for n := 1; n <= calls; n++ {
					op := fmt.Sprint("op-", n)
					var err error
					if n%2 == 0 {
						err = f.ApplyAccess(ctx, change(op))
					} else {
						err = f.ApplyAccounts(ctx, change(op).Change)
					}
					there, aerr := below.Applied(ctx, accounts.OpID(op))
					require.NoError(t, aerr)
					if n != k {
						require.NoError(t, err, "call %d", n)
						require.True(t, there)
						continue
					}
					require.ErrorIs(t, err, boom)
					require.Equal(t, after, there, "the effect is there when the call failed after it")
					require.Equal(t, after, errors.Is(err, accounts.ErrUnknown), "a lost answer is unknown, one that never came about is not")
				}
				require.Equal(t, k <= calls, f.Fired())
				require.Len(t, f.Calls(), calls)
			})
		}
	}
}

// A call that fails after its effect returns no answer with its error (I-31).
func TestFaulty_AnswerLost(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := storagetest.Faults(storagetest.ModelHarness().Open(t))
	require.NoError(t, f.ApplyAccess(ctx, change("op")))
	f.FailAfter(2, nil)
	f.FailAfter(4, nil)
	at := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	claim := mail.Claim{Channel: mail.Email, At: at, Lease: time.Hour, Limit: 9}
	got, err := f.ClaimMail(ctx, claim)
	require.ErrorIs(t, err, storagetest.ErrInjected)
	require.NotErrorIs(t, err, accounts.ErrUnknown)
	require.Empty(t, got)
	got, err = f.ClaimMail(ctx, claim)
	require.NoError(t, err)
	require.Empty(t, got, "the lost claim has leased the message")
	u, err := f.User(ctx, accounts.UserKey{ID: "op"})
	require.ErrorIs(t, err, storagetest.ErrInjected)
	require.Zero(t, u)
	require.Equal(t, []string{"ApplyAccess", "ClaimMail", "ClaimMail", "User"}, f.Calls())
}

// After a reset the count begins anew and nothing that was planned happens.
func TestFaulty_Reset(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := storagetest.Faults(storagetest.ModelHarness().Open(t))
	f.FailBefore(1, nil)
	f.FailBefore(2, nil)
	require.ErrorIs(t, f.ApplyAccess(ctx, change("op")), storagetest.ErrInjected)
	require.True(t, f.Fired())
	f.Reset()
	require.False(t, f.Fired())
	require.Empty(t, f.Calls())
	require.NoError(t, f.ApplyAccess(ctx, change("op")))
	require.NoError(t, f.ApplyAccess(ctx, change("op2")))
	f.FailBefore(3, nil)
	_, err := f.Applied(ctx, "op")
	require.ErrorIs(t, err, storagetest.ErrInjected)
}

// Every method is counted under its own name, once, and fails when it is told
// to; while nothing is planned the wrapper keeps the whole contract.
func TestFaulty_Methods(t *testing.T) {
	t.Parallel()
	plain := storagetest.ModelHarness()
	every := storagetest.Every()
	f := storagetest.Faults(plain.Open(t))
	var names []string
	for i, c := range every {
		f.FailBefore(i+1, nil)
		require.ErrorIs(t, c.Call(t.Context(), f), storagetest.ErrInjected, c.Name)
		names = append(names, c.Name)
	}
	require.Equal(t, names, f.Calls())
	require.True(t, slices.IsSorted(names))

	if testing.Short() {
		return
	}
	storagetest.Test(t, storagetest.Harness{
		Open: func(t *testing.T) storage.Storage { t.Helper(); return storagetest.Faults(plain.Open(t)) },
		Begin: func(t *testing.T, st storage.Storage) storagetest.Tx {
			t.Helper()
			f, _ := st.(*storagetest.Faulty)
			tx := plain.Begin(t, f.Below())
			return mutantTx{tx, storagetest.Faults(tx.Store())}
		},
	})
}

// Of calls at once exactly the planned number fails.
func TestFaulty_Concurrent(t *testing.T) {
	t.Parallel()
	f := storagetest.Faults(storagetest.ModelHarness().Open(t))
	f.FailBefore(10, nil)
	f.FailAfter(20, nil)
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wg.Go(func() { _, errs[i] = f.Applied(t.Context(), "op") })
	}
	wg.Wait()
	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	require.Len(t, failed, 2)
	require.Len(t, f.Calls(), 32)
}
