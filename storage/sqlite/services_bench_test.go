package sqlite_test

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// BenchmarkServices measures the services on a file with synchronous=FULL. Use
// -benchtime=500x or so: approvals use accounts up.
func BenchmarkServices(b *testing.B) {
	storagetest.Bench(b, func(b *testing.B) storage.Storage {
		b.Helper()
		st, _ := fresh(b, nil)
		return st
	})
}
