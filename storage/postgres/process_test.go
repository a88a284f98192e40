package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/processtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// Processes that share a server keep what the store promises.
func TestProcesses(t *testing.T) {
	t.Parallel()
	processtest.Test(t, processes(newSpaces(t, nil)))
}

// processes share a database. A place in it is a schema, and the DSN behind it. A
// child has no spaces: it opens what its parent made, on the parent's server.
func processes(s *spaces) processtest.Adapter {
	var n atomic.Int64
	place := func(schema string) string { return schema + " " + s.pool.Config().ConnString() }
	return processtest.Adapter{
		Empty:  func(testing.TB) string { return place(fmt.Sprint("empty_", n.Add(1))) },
		Place:  func(t testing.TB) string { t.Helper(); return place(s.take(t).schema) },
		Open:   openPlace,
		Sound:  func(t testing.TB, place string) { t.Helper(); validated(t, s.pool, schemaOf(place)) },
		Tables: func(t testing.TB, place string) int { t.Helper(); return tablesOf(t, s.pool, schemaOf(place)) },
		Migrating: func(t testing.TB, place string) bool {
			t.Helper()
			return one[int](t, s.pool, `SELECT count(*) FROM pg_stat_activity
				WHERE application_name = $1 AND state = 'active' AND query LIKE '%CREATE TABLE%'`, nameOf(schemaOf(place))) > 0
		},
	}
}

func schemaOf(place string) string {
	schema, _, _ := strings.Cut(place, " ")
	return schema
}

// nameOf is what the connections to a schema are called.
func nameOf(schema string) string { return "process on " + schema }

func openPlace(ctx context.Context, place string) (processtest.Store, func() error, error) {
	schema, dsn, _ := strings.Cut(place, " ")
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, nil, err
	}
	c.MaxConns = 2 // there are many of us
	c.ConnConfig.RuntimeParams["application_name"] = nameOf(schema)
	p, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), c)
	if err != nil {
		return nil, nil, err
	}
	st, err := postgres.New(ctx, p, &postgres.Options{Schema: schema})
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return st, func() error { p.Close(); return nil }, nil
}

// validated fails the test if the server has a doubt about a constraint or an index
// of the schema (I-33).
func validated(t testing.TB, p *pgxpool.Pool, schema string) {
	t.Helper()
	var constraints, indexes int
	require.NoError(t, p.QueryRow(context.WithoutCancel(t.Context()), `SELECT
		(SELECT count(*) FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = $1 AND NOT c.convalidated),
		(SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND NOT (i.indisvalid AND i.indisready AND i.indislive))`, schema).Scan(&constraints, &indexes))
	require.Zero(t, constraints)
	require.Zero(t, indexes)
	sitedIsRight(context.WithoutCancel(t.Context()), t, p, schema)
}

// tablesOf counts the tables of a schema, once nobody else is connected to it: the
// server goes on for a moment with what a process asked that was killed.
func tablesOf(t testing.TB, p *pgxpool.Pool, schema string) (n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var others int
		err := p.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", nameOf(schema)).Scan(&others)
		return err == nil && others == 0
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, p.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1", schema).Scan(&n))
	return n
}
