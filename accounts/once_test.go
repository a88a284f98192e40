package accounts_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The same idempotency key and input have the same answer and one effect;
// other input is an error without effect; another actor's key is another key;
// after 24 hours it is free again (A96, A97, I-27).
func TestOnce_createAccount(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(user("ann"), user("bob"))
	ctx := t.Context()
	in := accounts.CreateAccount{Name: "Acme", Kind: accounts.KindAgency, Key: "k1"}
	first, err := w.svc.CreateAccount(ctx, w.as("ann"), in)
	require.NoError(t, err)
	w.clock.Add(24*time.Hour - time.Microsecond)
	again, err := w.svc.CreateAccount(ctx, w.as("ann"), in)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, w.feed(), 1)

	other := in
	other.Name = "Another"
	_, err = w.svc.CreateAccount(ctx, w.as("ann"), other)
	require.Equal(t, accounts.ErrKeyReused, err)
	withID := in
	withID.ID = first.ID
	_, err = w.svc.CreateAccount(ctx, w.as("ann"), withID)
	require.Equal(t, accounts.ErrKeyReused, err, "naming an id is other input")
	require.Len(t, w.feed(), 1)

	bobs, err := w.svc.CreateAccount(ctx, w.as("bob"), other)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, bobs.ID)
	in.Owner = "ann"
	jobs, err := w.svc.CreateAccount(ctx, job(), in)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, jobs.ID)
	in.Owner = ""

	w.clock.Add(time.Microsecond)
	fresh, err := w.svc.CreateAccount(ctx, w.as("ann"), other)
	require.NoError(t, err, "after 24 hours the key is free")
	require.NotEqual(t, first.ID, fresh.ID)
	_, err = w.svc.CreateAccount(ctx, w.as("ann"), in)
	require.Equal(t, accounts.ErrKeyReused, err)
}

// One key used by many at once makes one account, and everybody gets its id
// (A97).
func TestOnce_atOnce(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(user("ann"))
	const n = 16
	var wg sync.WaitGroup
	got, errs := make([]accounts.AccountID, n), make([]error, n)
	for i := range n {
		wg.Go(func() {
			var a accounts.Account
			a, errs[i] = w.svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{Name: "Acme", Kind: accounts.KindAgency, Key: "k"})
			got[i] = a.ID
		})
	}
	wg.Wait()
	for i := range n {
		require.NoError(t, errs[i])
		require.Equal(t, got[0], got[i])
	}
	require.Len(t, w.feed(), 1)
}

// A repeated assignment mails once; keys are apart by agency and operation.
func TestOnce_assign(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx := t.Context()
	w.put(member("nova", "olga", roles.Admin), member("nova", "oda", roles.Viewer))
	in := accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Author, Key: "k"}
	for range 3 {
		id, err := w.svc.Assign(ctx, w.as("olga"), in)
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("oda"), id)
	}
	require.Len(t, w.feed(), 1)
	require.Len(t, w.letters(mail.Assigned, ""), 1)
	_, err := w.svc.Unassign(ctx, w.as("olga"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, "oda")
	require.NoError(t, err)
	_, err = w.svc.Assign(ctx, w.as("olga"), in)
	require.NoError(t, err)
	require.True(t, w.rights("oda", "acme").None(), "the answer is repeated, the effect is not")
	in.Role = roles.Viewer
	require.Equal(t, accounts.ErrKeyReused, ignore(w.svc.Assign(ctx, w.as("olga"), in)))
	in.Agency = "nova"
	require.NoError(t, ignore(w.svc.Assign(ctx, w.as("olga"), in)), "the same key at another account is another key")
	in.Key = "\n"
	require.Equal(t, "key", field(t, ignore(w.svc.Assign(ctx, w.as("olga"), in))))
	require.ErrorIs(t, ignore(w.svc.Assign(ctx, accounts.Actor{}, accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Author, Key: "k"})), roles.ErrDenied)
}

// A refused call leaves no answer behind: the key can be used again.
func TestOnce_refusedKeepsNothing(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	in := accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Author, Key: "k"}
	require.ErrorIs(t, ignore(w.svc.Assign(t.Context(), w.as("otto"), in)), roles.ErrDenied)
	require.NoError(t, w.assign("olga", "otto", roles.Manager))
	require.NoError(t, ignore(w.svc.Assign(t.Context(), w.as("otto"), in)))
	require.Equal(t, roles.Author, w.rights("oda", "acme").Delegated())
}
