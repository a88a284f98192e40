package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// A store keeps the whole contract of package storage (A99, I-30) when it opened
// its file itself.
func TestStore(t *testing.T) {
	t.Parallel()
	conforms(t, func(t *testing.T) (*sqlite.Store, *sql.DB) {
		t.Helper()
		st, path := fresh(t, nil)
		return st, handle(t, "file:"+path+hostDSN, 0)
	})
}

// And so does one that was given the handle of a host.
func TestStore_hostsHandle(t *testing.T) {
	t.Parallel()
	conforms(t, func(t *testing.T) (*sqlite.Store, *sql.DB) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "host.db")
		migrated(t, path)
		db := handle(t, "file:"+path+hostDSN, 0)
		return on(t, db), db
	})
}

func conforms(t *testing.T, open func(t *testing.T) (*sqlite.Store, *sql.DB)) {
	t.Helper()
	storagetest.Test(t, storagetest.Harness{
		Open: func(t *testing.T) storage.Storage {
			t.Helper()
			st, db := open(t)
			t.Cleanup(func() { sitedIsRight(t, db) })
			return opened{st, db}
		},
		Begin: func(t *testing.T, st storage.Storage) storagetest.Tx {
			t.Helper()
			o := st.(opened)
			tx, err := o.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			return joined{o.JoinSQL(tx), tx}
		},
	})
}

// opened is a store with the handle by which the host reaches its database.
type opened struct {
	*sqlite.Store
	db *sql.DB
}

// sitedIsRight finds each client row to say whether the client has a live site.
// It is kept, and nothing else tells when it is not what it is derived from.
func sitedIsRight(t *testing.T, db *sql.DB) {
	t.Helper()
	var wrong string
	ctx := context.WithoutCancel(t.Context()) // a cleanup's has ended
	require.NoError(t, db.QueryRowContext(ctx, `SELECT coalesce(group_concat(account_id || '/' || id || ' ' || sited), '') FROM chatelaine_clients f
		WHERE sited <> EXISTS (SELECT 1 FROM chatelaine_site_access b JOIN chatelaine_sites j ON j.account_id = b.account_id AND j.id = b.site_id
			WHERE b.account_id = f.account_id AND b.client_id = f.id AND b.ended_at = 0 AND j.removed_at = 0)`).Scan(&wrong))
	require.Empty(t, wrong)
}

// joined is a host's transaction.
type joined struct {
	st *sqlite.Joined
	*sql.Tx
}

func (j joined) Store() storage.Storage { return j.st }

func handle(t *testing.T, dsn string, size int) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(size)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func on(t *testing.T, db *sql.DB) *sqlite.Store {
	t.Helper()
	st, err := sqlite.New(t.Context(), db, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}
