package storagetest_test

import (
	"context"
	"testing"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// The operations on clients, their links and views show what a store breaks.
func TestTest_ClientServiceMutants(t *testing.T) {
	t.Parallel()
	const read = ", also when all have read before the first writes"
	caught(t, []mutation{
		{"a store that ignores guards", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.Guards = nil })}
		}, "services", []string{
			"of a client and a member whom the host adds with one address one comes in",
			"of a client and a member whom the host imports with one address one comes in",
			"of a client and a member who accepts with one address one comes in",
			"of a client and somebody new who accepts with one address one comes in",
			"nobody accepts an invitation whose address was recorded as a client's meanwhile",
			"of a set-up and the account's suspension each sees which was first",
			"of a join by a setup link and the account's end each sees which was first",
		}, false},
		{"a store where the last to write a client wins", overwriting(overwriteClients), "services", []string{
			"of a set-up and the client's suspension each sees which was first",
			"of a join by a setup link and the client's deletion each sees which was first",
			"of many sites that a client is given at once as many are theirs as they can have" + read,
			"of a site that is given and the client's deletion each sees which was first",
			"a client who is deleted beside the erasure of their person is deleted once",
		}, false},
		{"a store where the last to use a setup link wins", overwriting(func(ctx context.Context, st storage.Storage, c *storagetest.Change) {
			c.Guards = nil
			overwriteUsers(ctx, st, c)
			overwriteClients(ctx, st, c)
			overwriteSetupLinks(ctx, st, c)
		}), "services", []string{
			"of a set-up and a join by one link one comes in",
			"of a set-up and a newer link to hand over each sees which was first",
			"many joins by one setup link are one" + read,
		}, false},
		{"a store where the last to open a view wins", overwriting(overwriteViews), "services", []string{
			"of many who open one view by its link one opens it" + read,
			"no view as a client shows a site after the view's end",
		}, false},
	})
}
