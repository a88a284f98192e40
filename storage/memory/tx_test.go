package memory_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func has(t *testing.T, st storage.Storage, id string) bool {
	t.Helper()
	_, err := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
	if err != nil {
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	return err == nil
}

func nameOf(t *testing.T, st storage.Storage, id string) string {
	t.Helper()
	u, err := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
	require.NoError(t, err)
	return u.Name
}

func renamed(t *testing.T, st storage.Storage, id, name string) accounts.User {
	t.Helper()
	u, err := st.User(t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
	require.NoError(t, err)
	u.Name = name
	return u
}

// What is done in a transaction of the host becomes visible with its commit,
// all at once, or never (A84, A93).
func TestTx(t *testing.T) {
	t.Parallel()
	t.Run("others see nothing before the commit and everything after it", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		tx := st.Begin()
		put(t, tx.Store(), "one", user("a"))
		put(t, tx.Store(), "two", user("b"), letter("m", ""))
		require.True(t, has(t, tx.Store(), "a"), "the transaction sees its own changes")
		require.False(t, has(t, st, "a"))
		require.NoError(t, tx.Commit())
		require.True(t, has(t, st, "a"))
		require.True(t, has(t, st, "b"))
	})
	t.Run("a rollback leaves nothing", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		tx := st.Begin()
		put(t, tx.Store(), "one", user("a"))
		require.NoError(t, tx.Rollback())
		require.False(t, has(t, st, "a"))
		require.Error(t, tx.Commit())
		require.False(t, has(t, st, "a"))
	})
	t.Run("a joined store fails once its transaction is over, and leaves the committed rows alone", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		tx := st.Begin()
		put(t, tx.Store(), "one", user("a"))
		require.NoError(t, tx.Commit())
		require.Error(t, tx.Store().ApplyAccess(t.Context(), change("two", user("b"))))
		require.Error(t, tx.Commit())
		_, err := tx.Store().User(t.Context(), accounts.UserKey{ID: "a"})
		require.Error(t, err)
		require.NotErrorIs(t, err, accounts.ErrNotFound)
		require.NoError(t, tx.Rollback())
		require.True(t, has(t, st, "a"))
		require.False(t, has(t, st, "b"))
	})
	t.Run("a change that fails leaves the earlier ones of the transaction", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		tx := st.Begin()
		put(t, tx.Store(), "one", user("a"))
		err := tx.Store().ApplyAccess(t.Context(), change("two", user("b"), user("a")))
		require.ErrorIs(t, err, accounts.ErrConflict)
		require.ErrorIs(t, err, accounts.ErrRepeat)
		err = tx.Store().ApplyAccess(t.Context(), change("three", member("x", "a", roles.Admin)))
		require.ErrorContains(t, err, "names the account")
		put(t, tx.Store(), "four", user("c"))
		require.NoError(t, tx.Commit())
		require.Equal(t, []bool{true, false, true}, []bool{has(t, st, "a"), has(t, st, "b"), has(t, st, "c")})
	})
	t.Run("a commit after others changed something else keeps both", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", user("a"), user("b"))
		tx := st.Begin()
		put(t, tx.Store(), "mine", renamed(t, tx.Store(), "a", "mine"))
		put(t, st, "theirs", renamed(t, st, "b", "theirs"))
		require.NoError(t, tx.Commit())
		require.Equal(t, "mine", nameOf(t, st, "a"))
		require.Equal(t, "theirs", nameOf(t, st, "b"))
	})
	t.Run("a commit after others changed the same is a conflict and leaves theirs alone", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", user("a"), user("b"))
		tx := st.Begin()
		put(t, tx.Store(), "mine", renamed(t, tx.Store(), "a", "mine"))
		put(t, tx.Store(), "more", user("c"))
		put(t, st, "theirs", renamed(t, st, "a", "theirs"))
		err := tx.Commit()
		require.ErrorIs(t, err, accounts.ErrConflict)
		require.ErrorIs(t, err, accounts.ErrRepeat)
		require.False(t, has(t, st, "c"), "half a transaction became visible")
		require.Equal(t, "theirs", nameOf(t, st, "a"))
	})
	t.Run("a change that rests on what others changed meanwhile is refused at once", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", agency("ag"))
		tx := st.Begin()
		put(t, tx.Store(), "mine", user("a"))
		put(t, st, "theirs", accounts.Guard{Account: "ag", Version: 1, Move: true})
		err := tx.Store().ApplyAccess(t.Context(), change("two", accounts.Guard{Account: "ag", Version: 1}))
		require.ErrorIs(t, err, accounts.ErrConflict)
		require.ErrorIs(t, err, accounts.ErrRepeat)
		put(t, tx.Store(), "three", accounts.Guard{Account: "ag", Version: 2})
		require.NoError(t, tx.Commit())
		require.True(t, has(t, st, "a"))
	})
	t.Run("a transaction on a joined store becomes part of the outer one", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		outer := st.Begin()
		put(t, outer.Store(), "one", user("a"))
		inner := begin(t, outer.Store())
		put(t, inner.Store(), "two", user("b"))
		require.NoError(t, inner.Commit())
		require.True(t, has(t, outer.Store(), "b"))
		require.False(t, has(t, st, "b"))
		put(t, st, "else", user("c"))
		require.NoError(t, outer.Commit())
		require.Equal(t, []bool{true, true, true}, []bool{has(t, st, "a"), has(t, st, "b"), has(t, st, "c")})
	})
	t.Run("mail that was claimed in a transaction and meanwhile by another is a conflict", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", letter("m", ""))
		tx := st.Begin()
		claim := mail.Claim{Channel: mail.Email, At: start, Lease: time.Minute, Limit: 1}
		got, err := tx.Store().ClaimMail(t.Context(), claim)
		require.NoError(t, err)
		require.Len(t, got, 1)
		got[0].Fence = 99 // the caller's to change
		_, err = st.ClaimMail(t.Context(), claim)
		require.NoError(t, err)
		require.ErrorIs(t, tx.Commit(), accounts.ErrConflict)
	})
	t.Run("a caller may go on using what it handed in", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		tx := st.Begin()
		m := letter("m", "")
		m.Sealed = []byte("mine")
		c := change("one", user("a"), m, accounts.Reply{ReplyKey: accounts.ReplyKey{Key: "k"}, Answer: []byte("mine")})
		require.NoError(t, tx.Store().ApplyAccess(t.Context(), c))
		c.Users[0].ID, c.Replies[0].Answer[0] = "z", 'x'
		c.Mail[0].Sealed[0] = 'x'
		put(t, st, "else", user("b")) // so that the commit does everything again
		require.NoError(t, tx.Commit())
		require.Equal(t, []bool{true, false}, []bool{has(t, st, "a"), has(t, st, "z")})
		r, err := st.Reply(t.Context(), accounts.ReplyKey{Key: "k"})
		require.NoError(t, err)
		require.Equal(t, "mine", string(r.Answer))
		require.Equal(t, "mine", string(memory.Letter(st, "m").Sealed))
	})
}

// Of transactions that do the same at once, one commits; the others are told
// to repeat, and no update is lost.
func TestTx_races(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", user("a"))
	var committed atomic.Int64
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := range 25 {
				tx := st.Begin()
				u, err := tx.Store().User(t.Context(), accounts.UserKey{ID: "a"})
				if err != nil {
					panic(err)
				}
				u.Logins++
				err = tx.Store().ApplyAccess(t.Context(), change(fmt.Sprint(worker, n), u))
				if err == nil {
					err = tx.Commit()
				}
				if err == nil {
					committed.Add(1)
				}
				_ = tx.Rollback()
			}
		})
	}
	wg.Wait()
	u, err := st.User(t.Context(), accounts.UserKey{ID: "a"})
	require.NoError(t, err)
	require.Equal(t, committed.Load(), u.Logins)
	require.Equal(t, committed.Load()+1, u.Version)
	require.Positive(t, committed.Load())
}
