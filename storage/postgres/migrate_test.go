package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// bare opens a store and leaves its schema as it is.
func bare(t testing.TB, p *pgxpool.Pool, o postgres.Options) *postgres.Store {
	t.Helper()
	o.NoMigrate = true
	st, err := postgres.New(t.Context(), p, &o)
	require.NoError(t, err)
	return st
}

// works has a service do something with the store.
func works(t testing.TB, st *postgres.Store) {
	t.Helper()
	graph, err := accounts.New(st, nil)
	require.NoError(t, err)
	job := accounts.System("test")
	_, err = graph.PutUser(t.Context(), job, accounts.PutUser{ID: "works", Name: "Nora"})
	require.NoError(t, err)
	_, err = graph.CreateAccount(t.Context(), job, accounts.CreateAccount{ID: "works", Name: "Studio", Kind: accounts.KindAgency, Owner: "works"})
	require.NoError(t, err)
	a, err := graph.Account(t.Context(), job, "works")
	require.NoError(t, err)
	require.Equal(t, "Studio", a.Name)
}

// run executes statements of a test.
func run(t testing.TB, p *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, s := range statements {
		_, err := p.Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
}

// one reads a single value.
func one[T any](t testing.TB, p *pgxpool.Pool, text string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, p.QueryRow(t.Context(), text, args...).Scan(&v))
	return v
}

// described tells what a schema has: columns, with types, collations and
// expressions, constraints and indexes. Its own name is left out.
func described(t testing.TB, p *pgxpool.Pool, schema string) string {
	t.Helper()
	text := one[string](t, p, `SELECT coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM (
		SELECT c.relname || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attgenerated::text
			|| ' ' || coalesce(l.collname, '') || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') line
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
		UNION ALL SELECT c.relname || ' kind ' || c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = $1
		UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c
			JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = $1) x`, schema)
	return strings.ReplaceAll(strings.ReplaceAll(text, pgx.Identifier{schema}.Sanitize()+".", ""), schema+".", "")
}

// tables counts the tables of a schema.
func tables(t testing.TB, p *pgxpool.Pool, schema string) int {
	t.Helper()
	return one[int](t, p, `SELECT count(*) FROM pg_tables WHERE schemaname = $1`, schema)
}

// whole is how many tables a schema has once it is made.
func whole(t testing.TB) int {
	t.Helper()
	n := 0
	for _, m := range ownMigrations(t) {
		n += strings.Count(string(m.Data), "CREATE TABLE {p}") - strings.Count(string(m.Data), "DROP TABLE {p}")
	}
	return n
}

// ownMigrations are those of this release, as they are written.
func ownMigrations(t testing.TB) fstest.MapFS {
	t.Helper()
	files, err := postgres.Embedded()
	require.NoError(t, err)
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	all := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		all[name] = &fstest.MapFile{Data: text}
	}
	return all
}

// A host that migrates with a tool of its own writes the SQL into a folder of
// migrations, once for each release that has more of them, or hands the files to the
// tool as they are. psql runs each with --single-transaction. Give goose and
// golang-migrate a table of versions of its own for them, beside the one for the
// host's migrations, and make the schema first, if it is not public.
func ExampleMigrations() {
	folder, err := os.MkdirTemp("", "migrations")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()

	files, err := postgres.Migrations(&postgres.Options{Schema: "letterbird"})
	if err != nil {
		log.Fatal(err)
	}
	if err := os.CopyFS(folder, files); err != nil {
		log.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		fmt.Println(filepath.Base(name))
	}
	// Output: 0001_base.up.sql
}

func TestStore_Migrate(t *testing.T) {
	t.Parallel()

	t.Run("a schema that is missing is planned, checked and made", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, pgtest.Database(t), nil)
		st := bare(t, p, postgres.Options{Schema: "letterbird"})
		require.ErrorContains(t, st.Check(t.Context()), "run Migrate")
		plan, err := st.Plan(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, plan[0].Version)
		require.Equal(t, "base", plan[0].Name)
		require.Contains(t, plan[0].SQL, `CREATE TABLE "letterbird".chatelaine_users`)
		require.Zero(t, one[int](t, p, `SELECT count(*) FROM pg_namespace WHERE nspname = 'letterbird'`), "a plan changes nothing")

		require.NoError(t, st.Migrate(t.Context()))
		require.Equal(t, whole(t), tables(t, p, "letterbird"))
		require.NoError(t, st.Migrate(t.Context()), "and again does nothing")
		require.NoError(t, st.Check(t.Context()))
		plan, err = st.Plan(t.Context())
		require.NoError(t, err)
		require.Empty(t, plan)
		works(t, st)
	})

	t.Run("a handle of database/sql makes the same", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		db, err := sql.Open("pgx", dsn)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		st, err := postgres.NewSQL(t.Context(), db, &postgres.Options{Schema: "one"})
		require.NoError(t, err)
		works(t, st)
		p := pooled(t, dsn, nil)
		_, err = postgres.New(t.Context(), p, &postgres.Options{Schema: "two"})
		require.NoError(t, err)
		require.NotEmpty(t, described(t, p, "one"))
		require.Equal(t, described(t, p, "one"), described(t, p, "two"))
	})

	t.Run("who migrated is told once", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, pgtest.Database(t), nil)
		var told strings.Builder
		o := &postgres.Options{Logger: slog.New(slog.NewTextHandler(&told, nil))}
		for range 2 {
			_, err := postgres.New(t.Context(), p, o)
			require.NoError(t, err)
		}
		require.Equal(t, len(ownMigrations(t)), strings.Count(told.String(), `msg="postgres: migrated" version=`), told.String())
	})

	for _, tt := range []struct {
		name, given, want string
	}{
		{"a newer schema that serves this release is fine", "INSERT INTO chatelaine_schema VALUES (99, 1)", ""},
		{"a schema that is too new is refused", "INSERT INTO chatelaine_schema VALUES (99, 98)", "update the program"},
		{"a table without a row is a schema that is missing", "DELETE FROM chatelaine_schema", "run Migrate"},
		{"a table of somebody else's is no schema", "ALTER TABLE chatelaine_schema RENAME version TO mine", `"version" does not exist`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pooled(t, pgtest.Database(t), nil)
			st, err := postgres.New(t.Context(), p, nil)
			require.NoError(t, err)
			run(t, p, tt.given)
			if tt.want == "" {
				require.NoError(t, st.Check(t.Context()))
				require.NoError(t, st.Migrate(t.Context()), "nothing to do")
				works(t, st)
				return
			}
			require.ErrorContains(t, st.Check(t.Context()), tt.want)
			before := described(t, p, "public")
			_, err = postgres.New(t.Context(), p, nil)
			require.Error(t, err)
			require.Equal(t, before, described(t, p, "public"), "nothing is mended by guesses")
		})
	}

	// A migration that fails midway leaves what was there before (A103).
	t.Run("a migration that fails leaves nothing behind", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, pgtest.Database(t), nil)
		run(t, p, "CREATE TABLE chatelaine_quotas (x INTEGER)") // in the way of the base schema
		before := described(t, p, "public")
		_, err := postgres.New(t.Context(), p, nil)
		require.ErrorContains(t, err, "migration 1 (base)")
		require.ErrorContains(t, err, `"chatelaine_quotas" already exists`)
		require.Equal(t, before, described(t, p, "public"))

		run(t, p, "DROP TABLE chatelaine_quotas")
		st, err := postgres.New(t.Context(), p, nil)
		require.NoError(t, err)
		works(t, st)
	})

	t.Run("a context that ended makes nothing", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, pgtest.Database(t), nil)
		st := bare(t, p, postgres.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, st.Migrate(ctx), context.Canceled)
		require.Zero(t, tables(t, p, "public"))
	})
}

// Who lacks a right is told which, and by which words it is granted.
func TestStore_Migrate_rights(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	admin := pooled(t, dsn, nil)
	role := func(t *testing.T) (name string, p *pgxpool.Pool) {
		t.Helper()
		name = "chatelaine_test_" + strings.ToLower(one[string](t, admin, "SELECT md5(random()::text)"))
		run(t, admin, "CREATE ROLE "+name+" LOGIN")
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			for _, s := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
				_, err := admin.Exec(ctx, s)
				require.NoError(t, err)
			}
		})
		return name, pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.User = name })
	}
	run(t, admin, "REVOKE CREATE ON SCHEMA public FROM PUBLIC") // as it is from PostgreSQL 15 on

	t.Run("a schema that may not be made", func(t *testing.T) {
		t.Parallel()
		_, p := role(t)
		_, err := postgres.New(t.Context(), p, &postgres.Options{Schema: "no"})
		require.ErrorContains(t, err, `the schema "no" is not there, and cannot be made`)
		require.ErrorContains(t, err, `needs CREATE on the database`)
	})

	t.Run("a schema in which no table may be made", func(t *testing.T) {
		t.Parallel()
		name, p := role(t)
		run(t, admin, "CREATE SCHEMA closed")
		o := &postgres.Options{Schema: "closed"}
		_, err := postgres.New(t.Context(), p, o)
		require.ErrorContains(t, err, `GRANT USAGE, CREATE ON SCHEMA "closed"`)
		run(t, admin, "GRANT USAGE, CREATE ON SCHEMA closed TO "+name)
		st, err := postgres.New(t.Context(), p, o)
		require.NoError(t, err)
		works(t, st)
	})

	t.Run("one who migrates and another one who works", func(t *testing.T) {
		t.Parallel()
		name, p := role(t)
		o := &postgres.Options{Schema: "parted"}
		_, err := postgres.New(t.Context(), admin, o)
		require.NoError(t, err)
		_, err = postgres.New(t.Context(), p, o)
		require.ErrorContains(t, err, `SELECT, INSERT, UPDATE, DELETE on its tables`)
		run(t, admin, "GRANT USAGE ON SCHEMA parted TO "+name,
			"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA parted TO "+name)
		st, err := postgres.New(t.Context(), p, o)
		require.NoError(t, err)
		works(t, st)
	})
}

// Goroutines run several migrations at once, from any version on.
func TestStore_Migrate_together(t *testing.T) {
	t.Parallel()
	p := pooled(t, pgtest.Database(t), nil)
	set := futureMigrations(t)
	for version := 1; version <= len(set); version++ {
		all := make([]error, 8)
		var group sync.WaitGroup
		for i := range all {
			st, err := bare(t, p, postgres.Options{}).Migrating(firstOf(set, version))
			require.NoError(t, err)
			group.Go(func() { all[i] = st.Migrate(t.Context()) })
		}
		group.Wait()
		for _, err := range all {
			require.NoError(t, err, "to version %d", version)
		}
		require.Equal(t, version, one[int](t, p, "SELECT count(*) FROM chatelaine_schema"))
	}
}

// A caller who leaves while somebody else migrates is not kept, on a pool and on a
// handle, and has changed nothing.
func TestStore_Migrate_left(t *testing.T) {
	t.Parallel()
	set := futureMigrations(t)
	for name, open := range map[string]func(p *pgxpool.Pool) (*postgres.Store, error){
		"pgxpool": func(p *pgxpool.Pool) (*postgres.Store, error) {
			return postgres.New(t.Context(), p, &postgres.Options{NoMigrate: true})
		},
		"database/sql": func(p *pgxpool.Pool) (*postgres.Store, error) {
			return postgres.NewSQL(t.Context(), handle(t, p, nil), &postgres.Options{NoMigrate: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pooled(t, pgtest.Database(t), nil)
			st, err := open(p)
			require.NoError(t, err)
			old, err := st.Migrating(firstOf(set, 1))
			require.NoError(t, err)
			require.NoError(t, old.Migrate(t.Context()))
			newer, err := st.Migrating(set)
			require.NoError(t, err)
			tx, err := p.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
			_, err = tx.Exec(t.Context(), "SELECT version FROM chatelaine_schema WHERE version = 1 FOR UPDATE") // as who migrates
			require.NoError(t, err)

			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			told := make(chan error, 1)
			go func() { told <- newer.Migrate(ctx) }()
			require.Eventually(t, func() bool { return waiters(t, p) == 1 }, 20*time.Second, time.Millisecond)
			leave()
			select {
			case err := <-told:
				require.ErrorIs(t, err, context.Canceled)
			case <-time.After(5 * time.Second): // a busy machine; at once on another
				require.Fail(t, "it goes on waiting")
			}
			require.NoError(t, tx.Rollback(t.Context()))
			require.Equal(t, 1, one[int](t, p, "SELECT count(*) FROM chatelaine_schema"))
			require.NoError(t, newer.Migrate(t.Context()))
			require.Equal(t, len(set), one[int](t, p, "SELECT count(*) FROM chatelaine_schema"))
		})
	}
}

// slowMigrations are those of this release with a pause behind each statement.
func slowMigrations(t testing.TB) fstest.MapFS {
	t.Helper()
	set := ownMigrations(t)
	for _, m := range set {
		m.Data = []byte(strings.ReplaceAll(string(m.Data), ";\n", ";\nSELECT pg_sleep(0.003);\n"))
	}
	return set
}

// Whatever is killed while a migration runs, the schema is as it was or as it shall
// be, and the next one who comes makes it (A103). TestProcesses kills the process.
func TestStore_Migrate_killed(t *testing.T) {
	t.Parallel()

	t.Run("its connection, before any message", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		p := pooled(t, dsn, nil)
		proxy := pgtest.NewProxy(t, dsn)
		untouched := 0
		for n := 1; ; n++ {
			schema := fmt.Sprint("s", n)
			through := pooled(t, proxy.DSN(dsn), nil)
			st := bare(t, through, postgres.Options{Schema: schema})
			fired, left := proxy.Fired(), n
			proxy.CutBefore(func(pgtest.Message) bool { left--; return left == 0 })
			err := st.Migrate(t.Context())
			through.Close()
			proxy.Disarm()
			untouched += again(t, p, schema)
			if proxy.Fired() == fired {
				require.NoError(t, err)
				require.Greater(t, n, 10, "there were messages to cut before")
				break
			}
		}
		require.Greater(t, untouched, 10)
	})

	t.Run("the answer to its commit", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		proxy := pgtest.NewProxy(t, dsn)
		st := bare(t, pooled(t, proxy.DSN(dsn), nil), postgres.Options{})
		proxy.LoseAnswers(1)
		require.Error(t, st.Migrate(t.Context()))
		require.Equal(t, 1, proxy.Fired())
		require.NoError(t, st.Migrate(t.Context()))
		works(t, st)
	})

	t.Run("its backend", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, pgtest.Database(t), nil)
		midway := 0
		for n := range 6 {
			schema := fmt.Sprint("s", n)
			done := begun(t, p, schema)
			time.Sleep(time.Duration(n) * 30 * time.Millisecond)
			killed := one[int](t, p, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "+migrating)
			<-done
			midway += min(killed, again(t, p, schema))
		}
		require.Greater(t, midway, 1, "none was killed midway")
	})

	t.Run("the whole server", func(t *testing.T) {
		t.Parallel()
		c := pgtest.Own(t, nil)
		p := pooled(t, c.DSN("postgres"), nil)
		midway := 0
		for n := range 3 {
			schema := fmt.Sprint("s", n)
			done := begun(t, p, schema)
			time.Sleep(time.Duration(n) * 60 * time.Millisecond)
			seen := one[int](t, p, "SELECT count(*) FROM pg_stat_activity WHERE "+migrating)
			require.NoError(t, c.Kill())
			<-done
			require.NoError(t, c.Run(t.Context()))
			p.Reset()
			midway += min(seen, again(t, p, schema))
		}
		require.Positive(t, midway, "none was killed midway")
	})
}

// migrating finds the backend that runs slow migrations at this moment.
const migrating = `datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(0.003)%' AND pid <> pg_backend_pid()`

// begun begins to make a schema, slowly, and returns once the server is seen to do it.
func begun(t *testing.T, p *pgxpool.Pool, schema string) <-chan error {
	t.Helper()
	st, err := bare(t, p, postgres.Options{Schema: schema}).Migrating(slowMigrations(t))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- st.Migrate(t.Context()) }()
	require.Eventually(t, func() bool { return one[int](t, p, "SELECT count(*) FROM pg_stat_activity WHERE "+migrating) == 1 }, 20*time.Second, time.Millisecond)
	return done
}

// again looks at a schema in which somebody was killed, and migrates it once more.
// It returns 1 if there was nothing, and 0 if there was all.
func again(t *testing.T, p *pgxpool.Pool, schema string) (untouched int) {
	t.Helper()
	n := tables(t, p, schema)
	require.Contains(t, []int{0, whole(t)}, n, "half of a schema")
	st, err := postgres.New(t.Context(), p, &postgres.Options{Schema: schema})
	require.NoError(t, err)
	works(t, st)
	run(t, p, "DROP SCHEMA "+schema+" CASCADE")
	if n == 0 {
		return 1
	}
	return 0
}
