package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// Two claims of mail at once share out what is due, each message to one of them (A57),
// without waiting for each other.
func TestStore_ClaimMail_beside(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	put(t, st, someAccount("a"), someMail("m1", "r"), someMail("m2", "r"))
	put(t, st, someMail("m3", "r"))
	var first, second []mail.Delivery
	claim := func(into *[]mail.Delivery, limit int) writer {
		return func(ctx context.Context, st storage.Storage) (err error) {
			*into, err = st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: limit})
			return err
		}
	}
	waited, err := beside(t, s, st, claim(&first, 2), claim(&second, 2))
	require.NoError(t, err)
	require.False(t, waited, "a claim waited for another")
	require.Len(t, first, 2)
	require.Len(t, second, 1)
	require.NotContains(t, []string{first[0].Message.ID, first[1].Message.ID}, second[0].Message.ID)
}

// Several who claim mail at once share out all of it, what is new and what was leased
// before, each message to one of them (A57).
func TestStore_ClaimMail_together(t *testing.T) {
	t.Parallel()
	const all = 120
	s, deadlocks := newCountedSpaces(t)
	st := s.take(t)
	rows := []any{someAccount("a")}
	for i := range all {
		m := someMail(fmt.Sprint("m", i), "r")
		m.Priority = mail.Priority(i % 3)
		rows = append(rows, m)
	}
	put(t, st, rows...)
	old, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: all / 2})
	require.NoError(t, err)
	require.Len(t, old, all/2)

	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for n := 0; n < all; { // one who finds nothing may have come beside others who are about to leave some
				list, err := st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: later(2), Lease: time.Hour, Limit: 7})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, d := range list {
					seen[d.Message.ID]++
				}
				n = len(seen)
				mu.Unlock()
			}
		})
	}
	g.Wait()
	require.Len(t, seen, all)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
	require.Zero(t, deadlocks.Load())
}

// A claim of events that is open leaves the other events to others, who do not wait, and
// none of its own (A57).
func TestStore_ClaimEvents_beside(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	for i := range 6 {
		put(t, st, someUser(fmt.Sprint("u", i)))
	}
	seen := map[accounts.OpID]int{}
	claim := func(limit, want int) writer {
		return func(ctx context.Context, st storage.Storage) error {
			list, err := st.ClaimEvents(ctx, accounts.EventClaim{At: later(1), Lease: time.Hour, Limit: limit})
			for _, d := range list {
				seen[d.Event.Op]++
			}
			if len(list) != want {
				return fmt.Errorf("there were %d (%w)", len(list), err)
			}
			return err
		}
	}
	waited, err := beside(t, s, st, claim(1, 1), claim(10, 5))
	require.NoError(t, err)
	require.False(t, waited, "a claim waited for another")
	require.Len(t, seen, 6)
}
