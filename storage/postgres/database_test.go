package postgres_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// handle opens a handle of database/sql on the server of a pool.
func handle(t testing.TB, p *pgxpool.Pool, edit func(c *pgx.ConnConfig)) *sql.DB {
	t.Helper()
	c := p.Config().ConnConfig.Copy()
	if edit != nil {
		edit(c)
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(16)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// newSQLSpaces are spaces whose stores, and whose host's transactions, are those of
// database/sql.
func newSQLSpaces(t *testing.T, edit func(c *pgx.ConnConfig)) (*spaces, *sql.DB) {
	t.Helper()
	s := spacesOn(pooled(t, hasty(t), nil))
	db := handle(t, s.pool, edit)
	s.open = func(ctx context.Context, opts *postgres.Options) (*postgres.Store, error) {
		return postgres.NewSQL(ctx, db, opts)
	}
	return s, db
}

// A store on a handle of database/sql keeps the contract (A99, I-30), and so does what
// is joined to a transaction of it (A84, A93).
func TestStore_database(t *testing.T) {
	t.Parallel()
	for _, m := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s, db := newSQLSpaces(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = m })
			agrees(t, storagetest.Harness{
				Open: func(t *testing.T) storage.Storage { t.Helper(); return s.take(t) },
				Begin: func(t *testing.T, st storage.Storage) storagetest.Tx {
					t.Helper()
					tx, err := db.BeginTx(t.Context(), nil)
					require.NoError(t, err)
					return joined{Storage: st.(*space).JoinSQL(tx), commit: tx.Commit, rollback: tx.Rollback}
				},
			})
		})
	}
}

// A handle that is full lets callers go whose time is over, and serves those that
// wait when a connection is free.
func TestNewSQL_full(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	db := handle(t, pooled(t, dsn, nil), nil)
	db.SetMaxOpenConns(1)
	st, err := postgres.NewSQL(t.Context(), db, &postgres.Options{Schema: schema})
	require.NoError(t, err)
	busy, err := db.Conn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan error, 1)
	go func() { told <- st.ApplyAccess(ctx, of(someAccount("a"))) }()
	cancel()
	require.ErrorIs(t, <-told, context.Canceled)
	require.NoError(t, busy.Close())
	put(t, st, someAccount("a"))
}
