package customstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/examples/customstore"
	"github.com/chatelaine-go/chatelaine/roles"
)

// A service does not know on what it runs.
func Example() {
	ctx, job := context.Background(), accounts.System("import")
	file, done := tempFile()
	defer done()
	store := must(customstore.Open(file))
	graph := must(accounts.New(store, nil))

	must(graph.PutUser(ctx, job, accounts.PutUser{ID: "nora", Name: "Nora"}))
	must(graph.PutUser(ctx, job, accounts.PutUser{ID: "ben", Name: "Ben"}))
	must(graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: "studio", Name: "Studio", Kind: accounts.KindAgency, Owner: "nora"}))
	must(0, graph.AddMember(ctx, job, "studio", "ben", roles.Author))
	must(0, store.Close())

	store = must(customstore.Open(file)) // what was said to be done is there
	defer func() { must(0, store.Close()) }()
	for _, m := range must(store.Members(ctx, accounts.MemberQuery{Account: "studio"})) {
		fmt.Println(m.User.Name, "is", m.Membership.Role)
	}
	// Output:
	// Ben is author
	// Nora is owner
}

// A host that keeps its own rows in the same file writes them together with
// those of the library: in one transaction, both are there or neither is.
func ExampleStore_Join() {
	ctx, job := context.Background(), accounts.System("signup")
	file, done := tempFile()
	defer done()
	db := must(bbolt.Open(file, 0o600, nil))
	defer func() { must(0, db.Close()) }()
	store := must(customstore.New(db))
	graph := must(accounts.New(store, nil))
	must(graph.PutUser(ctx, job, accounts.PutUser{ID: "nora", Name: "Nora"}))

	signUp := func(account accounts.AccountID, paid bool) {
		tx := must(db.Begin(true))
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		must(0, must(tx.CreateBucketIfNotExists([]byte("invoices"))).Put([]byte(account), []byte("12.00")))
		in := accounts.CreateAccount{ID: account, Name: "Studio", Kind: accounts.KindAgency, Owner: "nora"}
		must(graph.With(store.Join(tx)).CreateAccount(ctx, job, in))
		if paid {
			must(0, tx.Commit())
		}
	}
	signUp("first", true)
	signUp("second", false)

	for _, account := range []accounts.AccountID{"first", "second"} {
		_, err := graph.Account(ctx, job, account)
		must(0, db.View(func(tx *bbolt.Tx) error {
			invoice := tx.Bucket([]byte("invoices")).Get([]byte(account))
			fmt.Println(account, "- invoice:", invoice != nil, "- account:", !errors.Is(err, accounts.ErrNotFound))
			return nil
		}))
	}
	// Output:
	// first - invoice: true - account: true
	// second - invoice: false - account: false
}

func tempFile() (path string, done func()) {
	dir := must(os.MkdirTemp("", "customstore"))
	return filepath.Join(dir, "app.db"), func() { must(0, os.RemoveAll(dir)) }
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
