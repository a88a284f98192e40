package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/internal/processtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// TestMain runs the tests, or what a child does that shares a database with them.
func TestMain(m *testing.M) {
	if processtest.Child(func() processtest.Adapter { return processes(nil) }) {
		return
	}
	os.Exit(pgtest.Main(m))
}

// pooled opens a pool of the host. Edit, if any, changes how it connects.
func pooled(t testing.TB, dsn string, edit func(c *pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	c.MaxConns = 16
	if edit != nil {
		edit(c)
	}
	p, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), c)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// spaces are schemas of one database with a store in each, that are used again
// once they are empty: to make one takes twenty times as long as to empty one.
type spaces struct {
	pool *pgxpool.Pool
	open func(ctx context.Context, opts *postgres.Options) (*postgres.Store, error)
	name string // begins the names of the schemas

	mu   sync.Mutex
	free []*space
	n    int
}

type space struct {
	*postgres.Store
	schema string
}

// newSpaces returns spaces in a database of their own.
func newSpaces(t *testing.T, edit func(c *pgxpool.Config)) *spaces {
	t.Helper()
	return spacesOn(pooled(t, pgtest.Database(t), edit))
}

// spacesOn returns spaces in the database of a pool, which nobody else has any in
// whose schemas are called alike.
func spacesOn(p *pgxpool.Pool) *spaces {
	s := &spaces{pool: p, name: "space"}
	s.open = func(ctx context.Context, opts *postgres.Options) (*postgres.Store, error) {
		return postgres.New(ctx, s.pool, opts)
	}
	return s
}

// take lends an empty store for the length of a test.
func (s *spaces) take(t testing.TB) *space {
	t.Helper()
	s.mu.Lock()
	var x *space
	if n := len(s.free); n > 0 {
		x, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.n++
		x = &space{schema: fmt.Sprintf("%s_%d", s.name, s.n)}
	}
	s.mu.Unlock()
	var err error
	if x.Store == nil {
		x.Store, err = s.open(t.Context(), &postgres.Options{Schema: x.schema})
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		sitedIsRight(ctx, t, s.pool, x.schema)
		_, err := s.pool.Exec(ctx, emptied(x.schema))
		require.NoError(t, err)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free = append(s.free, x)
	})
	return x
}

// emptied is a script that erases every row, those that refer to others first.
func emptied(schema string) string {
	var b strings.Builder
	for _, table := range strings.Fields(`mails events replies quotas guesses tickets challenges credentials identities views setup_links
		site_access sites clients invitations requests sessions assignments connections memberships accounts users`) {
		fmt.Fprintf(&b, "DELETE FROM %s.chatelaine_%s;", pgx.Identifier{schema}.Sanitize(), table)
	}
	return b.String()
}

// sitedIsRight finds each client row to say whether the client has a live site.
// It is kept, and nothing else tells when it is not what it is derived from.
func sitedIsRight(ctx context.Context, t testing.TB, p *pgxpool.Pool, schema string) {
	t.Helper()
	var wrong string
	in := pgx.Identifier{schema}.Sanitize() + ".chatelaine_"
	require.NoError(t, p.QueryRow(ctx, `SELECT coalesce(string_agg(account_id || '/' || id || ' ' || sited, ' '), '') FROM `+in+`clients f
		WHERE (sited <> 0) <> EXISTS (SELECT 1 FROM `+in+`site_access b JOIN `+in+`sites j ON j.account_id = b.account_id AND j.id = b.site_id
			WHERE b.account_id = f.account_id AND b.client_id = f.id AND b.ended_at = 0 AND j.removed_at = 0)`).Scan(&wrong))
	require.Empty(t, wrong)
}

// joined is a host's transaction.
type joined struct {
	storage.Storage
	commit, rollback func() error
}

func (j joined) Store() storage.Storage { return j.Storage }
func (j joined) Commit() error          { return j.commit() }
func (j joined) Rollback() error        { return j.rollback() }
