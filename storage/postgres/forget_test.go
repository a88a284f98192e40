package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// Whoever erases a person waits for what others write about them at that moment, and
// then erases that too (A89): mail comes last, as in every change.
func TestStore_Forget_order(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	put(t, st, someAccount("a"), someUser("u"))
	offer := invites.Invitation{
		ID: "i", Account: "a", Email: "u@example.com", Address: "u@example.com", Inviter: "u", Hash: secret("i"),
		State: invites.Pending, CreatedAt: dawn, ExpiresAt: later(99),
	}
	require.NoError(t, st.ApplyInvites(t.Context(), invites.Change{Change: of().Change, Invitations: []invites.Invitation{offer}}))
	offer.Version = 1
	text := someMail("m", "r")
	text.User, text.Channel, text.To = "u", mail.SMS, "+34600000001"
	forget := of()
	forget.Forget = []accounts.Forget{{User: "u", Email: "u@example.com"}}
	waited, err := beside(t, s, st, func(ctx context.Context, st storage.Storage) error {
		return st.ApplyInvites(ctx, invites.Change{Change: of(text).Change, Invitations: []invites.Invitation{offer}})
	}, applies(forget))
	require.NoError(t, err)
	require.True(t, waited, "they did not meet")
	in := st.schema + ".chatelaine_"
	require.Equal(t, "cancelled to ''", one[string](t, s.pool, "SELECT state || ' to ''' || recipient || '''' FROM "+in+"mails"))
	require.Equal(t, "revoked for ''", one[string](t, s.pool, "SELECT state || ' for ''' || email || '''' FROM "+in+"invitations"))
}

// Mail that is put while an erasure waits is refused when it relies on the person, and
// comes after it, whole, when it does not: none is left without its words (A89).
func TestStore_Forget_meanwhile(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	mailFor := func(user, id string) mail.Message { m := someMail(id, "r"); m.User = user; return m }
	put(t, st, someAccount("a"), someUser("u"), mailFor("u", "before"))
	gone := withVersion(withAddress(someUser("u"), ""), 1)
	gone.Name, gone.Epoch, gone.DeletedAt = "", 1, later(1)
	forget := of(gone)
	forget.Forget = []accounts.Forget{{User: "u", Email: "u@example.com"}}
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = st.JoinTx(tx).ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: 1})
	require.NoError(t, err)
	waits := func(n int, c access.Change) <-chan error {
		told := make(chan error, 1)
		go func() { told <- st.ApplyAccess(t.Context(), c) }()
		require.Eventually(t, func() bool { return waiters(t, s.pool) == n }, 10*time.Second, time.Millisecond)
		return told
	}
	erased := waits(1, forget)
	put(t, st, mailFor("u", "loose"))
	behind := waits(2, of(accounts.Guard{User: "u"}, mailFor("u", "behind")))
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-erased)
	require.ErrorIs(t, <-behind, accounts.ErrConflict)
	list, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: later(9), Lease: time.Hour, Limit: 9})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, mailFor("u", "loose"), list[0].Message)
}
