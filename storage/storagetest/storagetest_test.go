package storagetest_test

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// The plain model keeps the contract that it is compared by.
func TestTest_Model(t *testing.T) {
	t.Parallel()
	storagetest.Test(t, storagetest.ModelHarness())
}

// The memory store keeps the contract.
func TestTest_Memory(t *testing.T) {
	t.Parallel()
	storagetest.Test(t, storagetest.Harness{
		Open: func(*testing.T) storage.Storage { return memory.New() },
		Begin: func(_ *testing.T, st storage.Storage) storagetest.Tx {
			return st.(*memory.Store).Begin()
		},
	})
}
