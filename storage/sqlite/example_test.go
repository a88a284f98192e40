package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// A host that keeps its own tables in the same database changes them together
// with the graph: in one transaction, both are there or neither is.
func Example_joinYourTransaction() {
	ctx, job := context.Background(), accounts.System("signup")
	file, done := tempFile("app.db")
	defer done()
	db := must(sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)"+
		"&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate"))
	defer func() { _ = db.Close() }()
	store := must(sqlite.New(ctx, db, nil))
	defer func() { _ = store.Close() }()
	graph := must(accounts.New(store, nil))
	must(db.ExecContext(ctx, "CREATE TABLE invoices (account TEXT)"))
	must(graph.PutUser(ctx, job, accounts.PutUser{ID: "42", Name: "Nora"}))

	signUp := func(account accounts.AccountID, paid bool) {
		tx := must(db.BeginTx(ctx, nil))
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		must(tx.ExecContext(ctx, "INSERT INTO invoices VALUES (?)", account))
		in := accounts.CreateAccount{ID: account, Name: "Studio", Kind: accounts.KindAgency, Owner: "42"}
		must(graph.With(store.JoinSQL(tx)).CreateAccount(ctx, job, in))
		if paid {
			must(0, tx.Commit())
		}
	}
	signUp("first", true)
	signUp("second", false)

	for _, account := range []accounts.AccountID{"first", "second"} {
		var invoices int
		must(0, db.QueryRowContext(ctx, "SELECT count(*) FROM invoices WHERE account = ?", account).Scan(&invoices))
		_, err := graph.Account(ctx, job, account)
		fmt.Println(account, "- invoices:", invoices, "- account:", !errors.Is(err, accounts.ErrNotFound))
	}
	// Output:
	// first - invoices: 1 - account: true
	// second - invoices: 0 - account: false
}

// tempFile returns the path of a file in a folder of its own, and what removes
// the folder.
func tempFile(name string) (path string, done func()) {
	dir := must(os.MkdirTemp("", "chatelaine"))
	return filepath.Join(dir, name), func() { must(0, os.RemoveAll(dir)) }
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
