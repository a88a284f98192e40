package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// host opens a host's handle on a new file, with a table of the host's, and a
// store on it.
func host(t *testing.T) (*sqlite.Store, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "host.db")
	db, err := sql.Open("sqlite", "file:"+path+hostDSN)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE theirs (x TEXT PRIMARY KEY)")
	require.NoError(t, err)
	st, err := sqlite.New(t.Context(), db, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, st.Close())
		require.NoError(t, db.Close())
		sound(t, path)
	})
	return st, db
}

func count(t *testing.T, db *sql.DB, text string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow(text).Scan(&n))
	return n
}

func TestStore_JoinSQL(t *testing.T) {
	t.Parallel()

	t.Run("what the host commits is there with the host's own rows, and not before", func(t *testing.T) {
		t.Parallel()
		st, db := host(t)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO theirs VALUES ('x')")
		require.NoError(t, err)
		j := st.JoinSQL(tx)
		apply(t, j, change("op", func(c *access.Change) {
			c.Users = []accounts.User{user("u")}
			c.Mail = []mail.Message{message("m", "r")}
		}))
		mustApplied(t, j, "op", true)
		mustApplied(t, st, "op", false)
		require.NoError(t, tx.Commit())
		mustApplied(t, st, "op", true)
		got, err := st.ClaimEvents(t.Context(), accounts.EventClaim{At: noon, Lease: 1, Limit: 10})
		require.NoError(t, err)
		require.Len(t, got, 1, "the event of a late commit is not missed")
	})

	t.Run("what the host rolls back was never there", func(t *testing.T) {
		t.Parallel()
		st, db := host(t)
		tx, err := db.Begin()
		require.NoError(t, err)
		apply(t, st.JoinSQL(tx), change("op", func(c *access.Change) { c.Mail = []mail.Message{message("m", "r")} }))
		require.NoError(t, tx.Rollback())
		mustApplied(t, st, "op", false)
		require.Zero(t, count(t, db, "SELECT count(*) FROM chatelaine_mails"))
	})

	t.Run("a conflict leaves the host's transaction as it was and asks to repeat it", func(t *testing.T) {
		t.Parallel()
		st, db := host(t)
		apply(t, st, change("seed", func(c *access.Change) { c.Users = []accounts.User{user("u")} }))
		tx, err := db.Begin()
		require.NoError(t, err)
		j := st.JoinSQL(tx)
		apply(t, j, change("first", nil))
		for i, c := range []access.Change{
			change("again", func(c *access.Change) { c.Users = []accounts.User{user("v"), user("u")} }),
			change("stale", func(c *access.Change) {
				u := user("u")
				u.Version = 9
				c.Users = []accounts.User{user("v"), u}
			}),
			change("dear", func(c *access.Change) {
				*c = spendOne("dear", "agency", 0)
			}),
			change("taken", func(c *access.Change) {
				u, v := user("u"), user("v")
				u.Version, v.Email = 1, u.Email
				c.Users = []accounts.User{v, u}
			}),
		} {
			err := j.ApplyAccess(t.Context(), c)
			require.ErrorIs(t, err, accounts.ErrConflict, i)
			require.ErrorIs(t, err, accounts.ErrRepeat, i)
		}
		err = j.ApplyAccess(t.Context(), change("fault", func(c *access.Change) {
			c.Users = []accounts.User{user("v")}
			c.Memberships = []accounts.Membership{{Account: "nowhere", User: "u"}}
		}))
		require.Error(t, err)
		require.NotErrorIs(t, err, accounts.ErrConflict)
		_, err = tx.Exec("INSERT INTO theirs VALUES ('x')")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		mustApplied(t, st, "first", true)
		require.Equal(t, 1, count(t, db, "SELECT count(*) FROM theirs"))
		require.Equal(t, 1, count(t, db, "SELECT count(*) FROM chatelaine_users"))
	})

	t.Run("a context that ended changes nothing and leaves the transaction alone", func(t *testing.T) {
		t.Parallel()
		st, db := host(t)
		tx, err := db.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO theirs VALUES ('x')")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, st.JoinSQL(tx).ApplyAccess(ctx, change("op", nil)), context.Canceled)
		require.NoError(t, tx.Commit())
		mustApplied(t, st, "op", false)
		require.Equal(t, 1, count(t, db, "SELECT count(*) FROM theirs"))
	})

	t.Run("a deferred transaction that others overtook is a conflict", func(t *testing.T) {
		t.Parallel()
		st, path := fresh(t, nil)
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)")
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		tx, err := db.Begin()
		require.NoError(t, err)
		j := st.JoinSQL(tx)
		mustApplied(t, j, "other", false)
		apply(t, st, change("other", nil))
		err = j.ApplyAccess(t.Context(), change("op", nil))
		require.ErrorIs(t, err, accounts.ErrConflict)
		require.ErrorIs(t, err, accounts.ErrRepeat)
		require.NoError(t, tx.Rollback())
	})

	t.Run("a connection without foreign keys is refused", func(t *testing.T) {
		t.Parallel()
		st, path := fresh(t, nil)
		db, err := sql.Open("sqlite", "file:"+path)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		tx, err := db.Begin()
		require.NoError(t, err)
		require.ErrorContains(t, st.JoinSQL(tx).ApplyAccess(t.Context(), change("op", nil)), "foreign_keys")
		require.NoError(t, tx.Rollback())
	})

	t.Run("mail and events are claimed inside, and given back by a rollback", func(t *testing.T) {
		t.Parallel()
		st, db := host(t)
		for i := range 3 {
			apply(t, st, change(fmt.Sprint("op", i), func(c *access.Change) {
				c.Mail = []mail.Message{message(fmt.Sprint("m", 2-i), "r")}
			}))
		}
		tx, err := db.Begin()
		require.NoError(t, err)
		got, err := st.JoinSQL(tx).ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: noon, Lease: 1e9, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, []string{"m0", "m1"}, []string{got[0].Message.ID, got[1].Message.ID})
		require.NoError(t, tx.Rollback())
		again, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: noon, Lease: 1e9, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
