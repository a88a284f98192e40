package memory_test

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

func BenchmarkServices(b *testing.B) {
	storagetest.Bench(b, func(*testing.B) storage.Storage { return memory.New() })
}
