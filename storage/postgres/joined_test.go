package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// A host's transaction that commits late, behind changes that were made after it, loses
// nothing: its event and its mail are handed over once each, and so are the others'
// (A94, I-25). The host's own row and ours are there together, or not at all.
func TestJoined_late(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	db := handle(t, s.pool, nil)
	run(t, s.pool, "CREATE TABLE orders (id text PRIMARY KEY)")
	type host struct {
		st       storage.Storage
		exec     func(text string, args ...any) error
		commit   func() error
		rollback func() error
	}
	begins := map[string]func(t *testing.T, st *space) host{
		"JoinTx": func(t *testing.T, st *space) host {
			t.Helper()
			tx, err := s.pool.Begin(t.Context())
			require.NoError(t, err)
			return host{
				st.JoinTx(tx), func(text string, args ...any) error { _, err := tx.Exec(t.Context(), text, args...); return err },
				func() error { return tx.Commit(t.Context()) }, func() error { return tx.Rollback(t.Context()) },
			}
		},
		"JoinSQL": func(t *testing.T, st *space) host {
			t.Helper()
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{})
			require.NoError(t, err)
			return host{
				st.JoinSQL(tx), func(text string, args ...any) error { _, err := tx.ExecContext(t.Context(), text, args...); return err },
				tx.Commit, tx.Rollback,
			}
		},
	}
	for name, begin := range begins { //nolint:paralleltest // one database
		t.Run(name, func(t *testing.T) {
			st := s.take(t)
			put(t, st, someAccount("a"))
			env, err := accounts.NewEnv(&accounts.EnvOptions{Clock: clockAt{later(5)}})
			require.NoError(t, err)
			seen := map[accounts.OpID]int{}
			feed, err := accounts.NewFeed(st, env, func(_ context.Context, e accounts.Event) error { seen[e.Op]++; return nil }, nil)
			require.NoError(t, err)
			flush := func() {
				t.Helper()
				_, err := feed.Flush(t.Context())
				require.NoError(t, err)
			}
			flush()
			clear(seen)
			mails := func() (ids []string) {
				list, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: later(5), Lease: time.Hour, Limit: 10})
				require.NoError(t, err)
				for _, d := range list {
					ids = append(ids, d.Message.ID)
				}
				return ids
			}
			orders := func() int { return one[int](t, s.pool, "SELECT count(*) FROM orders WHERE id = $1", name) }

			h := begin(t, st)
			require.NoError(t, h.exec("INSERT INTO orders VALUES ($1)", name))
			early := at(later(1), someUser("early"), someMail("early", "r"))
			require.NoError(t, h.st.ApplyAccess(t.Context(), early))
			after := at(later(2), someUser("after"), someMail("after", "r"))
			require.NoError(t, st.ApplyAccess(t.Context(), after))
			flush()
			require.Equal(t, map[accounts.OpID]int{after.Op: 1}, seen)
			require.Equal(t, []string{"after"}, mails())
			require.Zero(t, orders())

			require.NoError(t, h.commit())
			flush()
			flush()
			require.Equal(t, map[accounts.OpID]int{after.Op: 1, early.Op: 1}, seen)
			require.Equal(t, []string{"early"}, mails())
			require.Equal(t, 1, orders())

			h = begin(t, st)
			require.NoError(t, h.exec("DELETE FROM orders"))
			require.NoError(t, h.st.ApplyAccess(t.Context(), at(later(3), someUser("gone"), someMail("gone", "r"))))
			require.NoError(t, h.rollback())
			flush()
			require.Len(t, seen, 2)
			require.Empty(t, mails())
			require.Equal(t, 1, orders())

			// What fails in the host's own words takes ours along, and is no conflict of ours.
			h = begin(t, st)
			require.NoError(t, h.st.ApplyAccess(t.Context(), at(later(3), someUser("taken"))))
			require.Error(t, h.exec("INSERT INTO orders VALUES ($1)", name))
			err = h.st.ApplyAccess(t.Context(), at(later(3), someUser("behind")))
			require.Error(t, err)
			require.NotErrorIs(t, err, accounts.ErrConflict)
			if err := h.commit(); err == nil || errors.Is(err, pgx.ErrTxCommitRollback) {
				_ = h.rollback()
			}
			_, err = st.User(t.Context(), accounts.UserKey{ID: "taken"})
			require.ErrorIs(t, err, accounts.ErrNotFound)
		})
	}
}

// A transaction of a stricter level goes on with what it saw before it got a lock, so
// no change joins it. It is left as it was.
func TestJoined_level(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	st := s.take(t)
	put(t, st, someAccount("a"))
	db := handle(t, s.pool, nil)
	for _, level := range []string{"REPEATABLE READ", "SERIALIZABLE"} {
		set := "SET TRANSACTION ISOLATION LEVEL " + level
		t.Run("pgx, "+level, func(t *testing.T) {
			t.Parallel()
			tx, err := s.pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
			_, err = tx.Exec(t.Context(), set)
			require.NoError(t, err)
			refusesLevel(t, st.JoinTx(tx))
			require.NoError(t, tx.Commit(t.Context()))
		})
		t.Run("database/sql, "+level, func(t *testing.T) {
			t.Parallel()
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = tx.ExecContext(t.Context(), set)
			require.NoError(t, err)
			refusesLevel(t, st.JoinSQL(tx))
			require.NoError(t, tx.Commit())
		})
	}
}

func refusesLevel(t *testing.T, joined storage.Storage) {
	t.Helper()
	a, err := joined.Account(t.Context(), "a")
	require.NoError(t, err)
	err = joined.ApplyAccounts(t.Context(), of(accounts.Guard{Account: "a", Version: a.Version, Move: true}).Change)
	require.ErrorContains(t, err, "READ COMMITTED")
	require.NotErrorIs(t, err, accounts.ErrConflict)
	_, err = joined.Account(t.Context(), "a")
	require.NoError(t, err, "the transaction goes on")
}
