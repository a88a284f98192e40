package customstore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/chatelaine-go/chatelaine/examples/customstore"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// open returns a store in a file that is not synced: the suite proves nothing
// about crashes, and makes some 10,000 commits.
func open(t *testing.T) storage.Storage {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "test.db"), 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	st, err := customstore.New(db)
	require.NoError(t, err)
	return store{st, db}
}

// store remembers its database, in which a host would begin.
type store struct {
	*customstore.Store
	db *bbolt.DB
}

type tx struct {
	*bbolt.Tx
	joined storage.Storage
}

func (t tx) Store() storage.Storage { return t.joined }

func begin(t *testing.T, st storage.Storage) storagetest.Tx {
	t.Helper()
	s := st.(store)
	host, err := s.db.Begin(true)
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Rollback() }) // of a test that failed, or Close would wait for ever
	return tx{host, s.Join(host)}
}

// The store keeps the contract that every store keeps.
func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Test(t, storagetest.Harness{Open: open, Begin: begin})
}
