package postgres_test

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// A store keeps the whole contract of package storage (A99, I-30) on a pool of
// pgx, and so does what is joined to a transaction of pgx.
func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Test(t, newSpaces(t, nil).harness())
}
