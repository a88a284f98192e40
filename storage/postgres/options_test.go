package postgres_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// An option that cannot be is refused by its name before anything is asked of a
// server, and what its name is for is never run.
func TestOptions_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given postgres.Options
		want  string
	}{
		{"a schema of 64 bytes", postgres.Options{Schema: strings.Repeat("s", 64)}, "schema"},
		{"a schema with a zero byte", postgres.Options{Schema: "a\x00b"}, "schema"},
		{"a schema that is not UTF-8", postgres.Options{Schema: "a\xffb"}, "schema"},
		{"a schema of the server's own", postgres.Options{Schema: "pg_mine"}, "schema"},
		{"a prefix with a capital letter", postgres.Options{Prefix: "App_"}, "prefix"},
		{"a prefix of 33 bytes", postgres.Options{Prefix: strings.Repeat("p", 33)}, "prefix"},
		{"a prefix that begins with a digit", postgres.Options{Prefix: "1_"}, "prefix"},
		{"a prefix with a quote", postgres.Options{Prefix: `a"b`}, "prefix"},
		{"a prefix that is a statement", postgres.Options{Prefix: "x; DROP TABLE y; --"}, "prefix"},
		{"a prefix that is not ASCII", postgres.Options{Prefix: "é_"}, "prefix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := pgxpool.New(t.Context(), "host=/nowhere")
			require.NoError(t, err)
			defer p.Close()
			_, err = postgres.New(t.Context(), p, &tt.given)
			require.ErrorIs(t, err, accounts.ErrInvalid)
			var invalid *accounts.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, tt.want, invalid.Field)
			_, err = postgres.Migrations(&tt.given)
			require.ErrorIs(t, err, accounts.ErrInvalid)
		})
	}

	t.Run("no pool and no handle", func(t *testing.T) {
		t.Parallel()
		_, err := postgres.New(t.Context(), nil, nil)
		require.ErrorContains(t, err, "pool")
		_, err = postgres.NewSQL(t.Context(), nil, nil)
		require.ErrorContains(t, err, "db")
	})
}

// Whatever a schema is called, its tables are made there, found there and used, and
// so is what a host runs of Migrations. Dollars, braces and quotes in it are no part
// of any statement.
func TestOptions_Schema_odd(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	p := pooled(t, dsn, nil)
	for _, schema := range []string{
		`Capital`, `with space`, `quo"te`, `"`, `it's`, `naïve ☂`, `a.b`, `a$1`, `a$99`, `$$`, `{p}`, `{i}x`, `select`, `;--`, `back\slash`, `%s%d`, `?`, `@x`,
		strings.Repeat("ß", 31), strings.Repeat("l", 63),
	} {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			o := &postgres.Options{Schema: schema}
			st, err := postgres.New(t.Context(), p, o)
			require.NoError(t, err)
			works(t, st)
			require.Equal(t, whole(t), tables(t, p, schema))
			require.Equal(t, 1, one[int](t, p, "SELECT count(*) FROM "+pgx.Identifier{schema}.Sanitize()+".chatelaine_accounts"))
			batch(t, st)
			made := described(t, p, schema)

			for _, how := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
				again := pooled(t, dsn, inMode(how))
				st, err := postgres.New(t.Context(), again, o)
				require.NoError(t, err)
				_, err = st.Account(t.Context(), "works")
				require.NoError(t, err)
				run(t, p, "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE", "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize())
				script(t, p, o)
				batch(t, bare(t, again, *o))
				require.Equal(t, made, described(t, p, schema))
				works(t, bare(t, again, *o))
			}
		})
	}
}

// batch applies a change of several rows of a kind, which go out as arrays with a
// number behind them.
func batch(t *testing.T, st *postgres.Store) {
	t.Helper()
	c := accounts.Change{Op: "batch", Events: []accounts.Event{{Op: "batch", Seq: 1, Kind: "test", Account: "many 1", At: moment}}}
	for _, id := range []string{"many 1", "many 2", "many 3"} {
		c.Users = append(c.Users, accounts.User{UserState: accounts.UserState{ID: accounts.UserID(id), Name: id}, CreatedAt: moment, UpdatedAt: moment})
	}
	require.NoError(t, st.ApplyAccounts(t.Context(), c))
	for _, u := range c.Users {
		_, err := st.User(t.Context(), accounts.UserKey{ID: u.ID})
		require.NoError(t, err)
	}
	require.ErrorIs(t, st.ApplyAccounts(t.Context(), c), accounts.ErrConflict)
}

// script runs the files of Migrations as a host does, each in a transaction.
func script(t *testing.T, p *pgxpool.Pool, o *postgres.Options) {
	t.Helper()
	files, err := postgres.Migrations(o)
	require.NoError(t, err)
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	require.Equal(t, "0001_base.up.sql", names[0])
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		run(t, p, "BEGIN;\n"+string(text)+"COMMIT;")
	}
	require.NoError(t, bare(t, p, *o).Check(t.Context()))
}

// Stores of other prefixes in one schema, and of other schemas in one database, know
// nothing of each other.
func TestOptions_beside(t *testing.T) {
	t.Parallel()
	p := pooled(t, pgtest.Database(t), nil)
	longest := strings.Repeat("p", 32)
	all := []*postgres.Options{
		nil,
		{Prefix: "a_"},
		{Prefix: "_"},
		{Prefix: longest},
		{Prefix: longest[1:] + "q"},
		{Schema: "other"},
		{Schema: "other", Prefix: "a_"},
		{Schema: "Other"},
		{Schema: "spread", Distributed: true},
	}
	for i, o := range all {
		st, err := postgres.New(t.Context(), p, o)
		require.NoError(t, err)
		_, err = st.Account(t.Context(), "works")
		require.ErrorIs(t, err, accounts.ErrNotFound, "store %d", i)
		works(t, st)
	}
	for _, o := range all {
		st, err := postgres.New(t.Context(), p, o)
		require.NoError(t, err)
		list, err := st.Owners(t.Context(), "works", "owner")
		require.NoError(t, err)
		require.Len(t, list, 1)
	}
	require.Equal(t, 5*whole(t), tables(t, p, "public"))
}

// No search_path leads a statement to another table, or to a function or operator
// that fits better than PostgreSQL's own. Anybody who may create something in a
// schema of the path could make one.
func TestOptions_Schema_hostilePath(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	admin := pooled(t, dsn, nil)
	run(t, admin, "CREATE SCHEMA hostile")
	_, err := postgres.New(t.Context(), admin, &postgres.Options{Schema: "hostile"})
	require.NoError(t, err)
	before := fill(t, admin, "hostile", 2)
	written := contents(t, admin, "hostile", before)
	run(t, admin, hostile...)

	through := pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = "hostile, public" })
	st, err := postgres.New(t.Context(), through, &postgres.Options{Schema: "ours"})
	require.NoError(t, err)
	require.Equal(t, whole(t), tables(t, admin, "ours"))
	_, err = st.Account(t.Context(), "x1")
	require.ErrorIs(t, err, accounts.ErrNotFound)
	works(t, st)
	batch(t, st)
	require.Equal(t, written, contents(t, admin, "hostile", before))
	require.NotContains(t, described(t, admin, "ours"), "hostile")

	t.Run("a path with a schema before pg_catalog is refused", func(t *testing.T) {
		t.Parallel()
		for _, schema := range []string{"ours", "not_there"} {
			before := pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = "hostile, pg_catalog" })
			_, err := postgres.New(t.Context(), before, &postgres.Options{Schema: schema})
			require.ErrorContains(t, err, "search_path names a schema before pg_catalog")
			require.Zero(t, tables(t, admin, "not_there"))
		}
	})

	t.Run("one with tables of the session before it is not", func(t *testing.T) {
		t.Parallel()
		p := pooled(t, dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
		run(t, p, "CREATE TEMPORARY TABLE chatelaine_accounts (id TEXT)", "CREATE TEMPORARY TABLE chatelaine_schema (version TEXT)")
		st, err := postgres.New(t.Context(), p, &postgres.Options{Schema: "ours"})
		require.NoError(t, err)
		_, err = st.Account(t.Context(), "works")
		require.NoError(t, err)
	})
}

// hostile makes functions and operators that fit the types of the store's values
// better than those of pg_catalog do, which take any type, and what does not.
var hostile = func() (all []string) {
	all = []string{`CREATE FUNCTION hostile.bad() RETURNS INTEGER LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hostile''; END'`}
	for _, f := range []string{
		"unnest(text[]) RETURNS SETOF text", "unnest(bigint[]) RETURNS SETOF bigint", "unnest(bytea[]) RETURNS SETOF bytea",
		"array_agg(text) RETURNS text[]", "array_agg(bigint) RETURNS bigint[]", "count(text) RETURNS bigint", "count(bigint) RETURNS bigint", "count() RETURNS bigint", "min(bigint) RETURNS bigint", "max(bigint) RETURNS bigint",
		"octet_length(text) RETURNS integer", "octet_length(bytea) RETURNS integer", "string_agg(text, text) RETURNS text",
		"concat(integer, text, integer, text, integer, text, text, text, text) RETURNS text",
		"pg_is_in_recovery() RETURNS boolean", "current_setting(text, boolean) RETURNS text",
	} {
		name, returns, _ := strings.Cut(f, " RETURNS ")
		all = append(all, `CREATE FUNCTION hostile.`+name+` RETURNS `+returns+` LANGUAGE plpgsql AS 'BEGIN PERFORM hostile.bad(); END'`)
	}
	for _, o := range []string{
		"@> integer[] integer[]", "= text text", "= bigint bigint", "= bytea bytea", "<> text text", "< text text", "> text text", "<= bigint bigint",
		"~~ text text", "+ bigint bigint", "- bigint bigint", "|| text text", "= text[] text[]", "+ bigint integer", "= bigint integer", "> bigint integer",
	} {
		f := strings.Fields(o)
		name := strings.NewReplacer("@", "at", ">", "gt", "<", "lt", "=", "eq", "~", "like", "+", "plus", "-", "minus", "|", "or").Replace(f[0]) + "_" +
			strings.NewReplacer("[]", "s").Replace(f[1]+"_"+f[2])
		returns := "boolean"
		if strings.ContainsAny(f[0], "+-") {
			returns = "bigint"
		} else if f[0] == "||" {
			returns = "text"
		}
		all = append(all, `CREATE FUNCTION hostile.`+name+`(a `+f[1]+`, b `+f[2]+`) RETURNS `+returns+` LANGUAGE plpgsql AS 'BEGIN PERFORM hostile.bad(); END'`,
			`CREATE OPERATOR hostile.`+f[0]+` (FUNCTION = hostile.`+name+`, LEFTARG = `+f[1]+`, RIGHTARG = `+f[2]+`)`)
	}
	return all
}()
