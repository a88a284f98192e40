package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer

	require.NoError(t, run(t.Context(), &out))

	require.Equal(t, `Nora is user 41 of the host, has badge 1, and has invited Ben to her studio.
  the host     users: 41 Nora; badges: 1 for user 41
  the library  users: 41 Nora; members: 41 owner; the invitation is pending, and its link works

Ben registers, and is given badge 1 by mistake. Everything is rolled back:
  constraint failed: UNIQUE constraint failed: badges.number (1555)
  the host     users: 41 Nora; badges: 1 for user 41
  the library  users: 41 Nora; members: 41 owner; the invitation is pending, and its link works

He registers again, with badge 2. Everything is committed:
  the host     users: 41 Nora, 42 Ben; badges: 1 for user 41, 2 for user 42
  the library  users: 41 Nora, 42 Ben; members: 41 owner, 42 author; the invitation is accepted, and its link leads nowhere

Ben is signed in at Northlight Studio, as author.
`, out.String())
}

// What both sides hold before Ben registers, and after.
var (
	before = tables{
		Users: "41 Nora", Badges: "1 for user 41", Known: "41 Nora", Members: "41 owner", Invitation: invites.Pending, Link: true,
	}
	after = tables{
		Users: "41 Nora, 42 Ben", Badges: "1 for user 41, 2 for user 42", Known: "41 Nora, 42 Ben", Members: "41 owner, 42 author",
		Invitation: invites.Accepted,
	}
)

// begun returns a host on a new file, where Nora has invited Ben.
func begun(t *testing.T) (h *host, file, link string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "app.db")
	h, err := open(t.Context(), file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.close()) })
	link, err = h.begin(t.Context())
	require.NoError(t, err)
	h.require(t, link, before)
	return h, file, link
}

// require fails unless both sides hold what is wanted.
func (h *host) require(t *testing.T, link string, want tables) {
	t.Helper()
	got, err := h.look(t.Context(), link)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func ben(badge int) person { return person{ID: "42", Name: "Ben", Email: bensMail, Badge: badge} }

// The host's row and the library's are there together or not at all (D1, B11),
// and a link brings one person in (A01).
func TestHost_register(t *testing.T) {
	t.Parallel()

	t.Run("what fails after the invitation was accepted takes both sides back, and the link still works", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		_, err := h.register(t.Context(), link, ben(1))
		require.ErrorContains(t, err, "badges.number")
		h.require(t, link, before)

		joined, err := h.register(t.Context(), link, ben(2))
		require.NoError(t, err)
		require.Equal(t, roles.Author, joined.Membership.Role)
		h.require(t, link, after)
	})

	t.Run("an invitation that is not accepted leaves no row of the host's", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		_, err := h.register(t.Context(), "cinv_nonsense", ben(2))
		require.ErrorIs(t, err, accounts.ErrNotFound)
		h.require(t, link, before)
	})

	t.Run("the user is kept by the host, so the library sets no password for them", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		_, err := h.register(t.Context(), link, ben(2))
		require.NoError(t, err)
		u, err := h.accounts.FindUser(t.Context(), accounts.System("test"), "42")
		require.NoError(t, err)
		require.True(t, u.Kept)
		require.True(t, u.Proven, "the link was mailed to the address")
		logins, err := access.NewLogins(h.store, nil, nil)
		require.NoError(t, err)
		require.NoError(t, logins.AskReset(t.Context(), bensMail, access.Device{}))
		_, err = h.post.Flush(t.Context())
		require.NoError(t, err)
		m, _ := h.mailbox.Last(bensMail)
		require.Equal(t, "login-elsewhere", m.Kind)
	})

	t.Run("one of several who use the link at once gets in, and the others leave no row", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		errs := make(chan error)
		const n = 4
		for i := range n {
			go func() {
				p := ben(2)
				p.ID, p.Email = fmt.Sprint(42+i), fmt.Sprintf("ben%d@mail.example", i)
				_, err := h.register(t.Context(), link, p)
				errs <- err
			}()
		}
		refused := 0
		for range n {
			if err := <-errs; err != nil {
				require.ErrorIs(t, err, accounts.ErrNotFound)
				refused++
			}
		}
		require.Equal(t, n-1, refused)
		got, err := h.look(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, got.Users, got.Known, "the same two people on both sides")
		require.Equal(t, 1, strings.Count(got.Users, ","))
		require.Equal(t, invites.Accepted, got.Invitation)
	})
}

func TestInTx(t *testing.T) {
	t.Parallel()

	// The handle is one that begins transactions without a lock, so that
	// somebody can write between its first read and its first write.
	t.Run("a transaction that was overtaken is repeated as a whole", func(t *testing.T) {
		t.Parallel()
		h, file, link := begun(t)
		db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		runs := 0
		var first error
		lazy := *h
		lazy.db = db
		require.NoError(t, lazy.inTx(t.Context(), func(tx *sql.Tx) error {
			if runs++; runs > 1 {
				_, err := h.registerIn(t.Context(), tx, link, ben(2))
				return err
			}
			joined := h.store.JoinSQL(tx)
			_, err := joined.Account(t.Context(), studio)
			require.NoError(t, err)
			_, err = h.accounts.PutUser(t.Context(), accounts.System("other"), accounts.PutUser{ID: "41", Name: "Nora", Handle: "nora", Email: "nora@studio.example", Proven: true})
			require.NoError(t, err)
			_, first = h.invitations.With(joined).AcceptNew(t.Context(), invites.NewLogin{Link: link, ID: "42", Kept: true})
			return first
		}))
		require.ErrorIs(t, first, accounts.ErrRepeat)
		require.ErrorIs(t, first, accounts.ErrConflict)
		require.Equal(t, 2, runs)
		h.require(t, link, after)
	})

	t.Run("what the host wrote before the conflict is taken back with the rest", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		runs := 0
		require.NoError(t, h.inTx(t.Context(), func(tx *sql.Tx) error {
			runs++
			if _, err := h.registerIn(t.Context(), tx, link, ben(2)); err != nil || runs > 2 {
				return err
			}
			return errors.Join(accounts.ErrConflict, accounts.ErrRepeat)
		}))
		require.Equal(t, 3, runs)
		h.require(t, link, after)
	})

	t.Run("it gives up when the caller's time is over, or the caller does", func(t *testing.T) {
		t.Parallel()
		h, _, link := begun(t)
		runs := 0
		never := func(*sql.Tx) error { runs++; return accounts.ErrRepeat }
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.Error(t, h.inTx(ctx, never))
		require.Greater(t, runs, 1)

		runs = 0
		ctx, cancel = context.WithCancel(t.Context())
		require.ErrorIs(t, h.inTx(ctx, func(*sql.Tx) error { cancel(); runs++; return accounts.ErrRepeat }), accounts.ErrRepeat)
		require.Equal(t, 1, runs)
		h.require(t, link, before)
	})

	t.Run("any other error is not repeated", func(t *testing.T) {
		t.Parallel()
		h, _, _ := begun(t)
		runs := 0
		require.ErrorIs(t, h.inTx(t.Context(), func(*sql.Tx) error { runs++; return accounts.ErrConflict }), accounts.ErrConflict)
		require.Equal(t, 1, runs)
	})
}
