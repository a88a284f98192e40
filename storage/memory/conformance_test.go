package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func begin(t *testing.T, st storage.Storage) *memory.Tx {
	t.Helper()
	s, ok := st.(*memory.Store)
	require.True(t, ok)
	return s.Begin()
}

// The store keeps the contract that every store keeps.
func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Test(t, storagetest.Harness{
		Open:  func(*testing.T) storage.Storage { return memory.New() },
		Begin: func(t *testing.T, st storage.Storage) storagetest.Tx { t.Helper(); return begin(t, st) },
	})
}
