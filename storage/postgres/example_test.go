package postgres_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// The store on the pool that the host has. The tables are made if they are not
// there.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.New(ctx, pool, &postgres.Options{Schema: "letterbird"})
	if err != nil {
		log.Fatal(err) // it says what to do
	}
	graph, err := accounts.New(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = graph
}

// A host that keeps its own tables in the same database changes them together
// with the graph: in one transaction, both are there or neither is.
func Example_joinYourTransaction() {
	ctx := context.Background()
	var pool *pgxpool.Pool // the host's
	var store *postgres.Store
	var graph *accounts.Service
	var env *accounts.Env

	signUp := func(ctx context.Context, account accounts.AccountID) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO invoices (account) VALUES ($1)", account); err != nil {
				return err
			}
			in := accounts.CreateAccount{ID: account, Name: "Studio", Kind: accounts.KindAgency, Owner: "42"}
			_, err := graph.With(store.JoinTx(tx)).CreateAccount(ctx, accounts.System("signup"), in)
			return err
		})
	}

	// What others changed meanwhile is seen by a new transaction alone.
	err := accounts.Repeat(ctx, env, func(ctx context.Context) error { return signUp(ctx, "studio") })
	if err != nil {
		log.Print(err)
	}
}
