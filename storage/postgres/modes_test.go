package postgres_test

import (
	"flag"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// wholeFlag has every way to connect pass the whole suite. Where nothing is prepared
// the server plans each statement anew, which takes it ten times as long as running
// it, so that each way takes minutes.
var wholeFlag = flag.Bool("postgres.whole", false, "run the whole of storagetest on every way to connect: half an hour")

// sampleOps is how many random operations a sample of storagetest makes.
const sampleOps = 200

// agrees runs the suite on one of several ways to connect.
func agrees(t *testing.T, h storagetest.Harness) {
	t.Helper()
	if *wholeFlag {
		storagetest.Test(t, h)
		return
	}
	storagetest.Sample(t, h, sampleOps)
}

// harness opens stores in spaces and begins transactions of pgx.
func (s *spaces) harness() storagetest.Harness {
	return storagetest.Harness{
		Open: func(t *testing.T) storage.Storage { t.Helper(); return s.take(t) },
		Begin: func(t *testing.T, st storage.Storage) storagetest.Tx {
			t.Helper()
			tx, err := s.pool.Begin(t.Context())
			require.NoError(t, err)
			ctx := t.Context()
			return joined{
				Storage:  st.(*space).JoinTx(tx),
				commit:   func() error { return tx.Commit(ctx) },
				rollback: func() error { return tx.Rollback(ctx) },
			}
		},
	}
}

// inMode has pgx send statements in another way than the one that it chooses itself.
func inMode(m pgx.QueryExecMode) func(c *pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = m }
}

// hasty returns the DSN of a database whose server does not think long about a plan,
// and not again about one that it has: that is most of what a test of the whole suite
// waits for. What is asked and answered is the same; how others are waited for may
// depend on the plan, and is for tests with plans as they are.
func hasty(t testing.TB) string {
	t.Helper()
	dsn := pgtest.Database(t)
	p := pooled(t, dsn, nil)
	name := pgx.Identifier{p.Config().ConnConfig.Database}.Sanitize()
	for _, set := range []string{"join_collapse_limit = 1", "from_collapse_limit = 1", "plan_cache_mode = force_generic_plan"} {
		run(t, p, "ALTER DATABASE "+name+" SET "+set)
	}
	p.Close()
	return dsn
}

// A store keeps the contract in whichever way the host has pgx send statements (A99).
// The way that pgx takes itself, with prepared statements that it keeps, is TestStore's;
// those that work behind a pooler are TestStore_bouncer's, where there is one.
func TestStore_modes(t *testing.T) {
	t.Parallel()
	modes := []pgx.QueryExecMode{pgx.QueryExecModeDescribeExec}
	if _, err := exec.LookPath("pgbouncer"); err != nil || *wholeFlag {
		modes = append(modes, pooledModes...)
	}
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			agrees(t, spacesOn(pooled(t, hasty(t), inMode(m))).harness())
		})
	}
}
