package postgres_test

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// bulk are the tables that an engine spreads over machines, and the column by which
// it does; everywhere are those that it has on each machine, and one those that stay
// on one. Every table is in one of the three.
var (
	bulk = map[string]string{
		"clients": "account_id", "sites": "account_id", "site_access": "account_id", "setup_links": "account_id", "views": "account_id",
		"requests": "agency_id", "invitations": "account_id", "events": "account_id", "replies": "account_id", "quotas": "subject",
	}
	everywhere = []string{
		"schema", "users", "identities", "credentials", "challenges", "tickets", "guesses", "accounts", "memberships", "connections", "assignments",
	}
	local = []string{"sessions", "mails"}
)

// The schema needs nothing that an engine which spreads rows over machines lacks,
// whether it is made for one or not (A106).
func TestMigrations_catalog(t *testing.T) {
	t.Parallel()
	p := pooled(t, pgtest.Database(t), nil)
	for _, spread := range []bool{false, true} {
		o := &postgres.Options{Schema: fmt.Sprint("spread_", spread), Distributed: spread}
		_, err := postgres.New(t.Context(), p, o)
		require.NoError(t, err)
		require.Empty(t, breaches(t, p, o.Schema, spread))
	}
	require.NotEqual(t, described(t, p, "spread_true"), described(t, p, "spread_false"))
}

// Each rule finds what breaks it.
func TestMigrations_catalog_broken(t *testing.T) {
	t.Parallel()
	p := pooled(t, pgtest.Database(t), nil)
	_, err := postgres.New(t.Context(), p, &postgres.Options{Schema: "broken", Distributed: true})
	require.NoError(t, err)
	run(t, p, "CREATE EXTENSION IF NOT EXISTS citext")
	for _, tt := range []struct{ name, given, want string }{ //nolint:paralleltest // one after the other, each in a transaction
		{"a sequence", "CREATE SEQUENCE s", "relation s is a sequence"},
		{"an identity", "ALTER TABLE chatelaine_users ADD n BIGINT GENERATED ALWAYS AS IDENTITY", "is a sequence"},
		{"a serial", "ALTER TABLE chatelaine_users ADD n BIGSERIAL", "default of chatelaine_users.n"},
		{"a view", "CREATE VIEW v AS SELECT 1", "relation v is a view"},
		{"a partitioned table", "CREATE TABLE part (a INT) PARTITION BY LIST (a)", "relation part is"},
		{"an unlogged table", "ALTER TABLE chatelaine_guesses SET UNLOGGED", "chatelaine_guesses is not logged"},
		{"a table in no group", "CREATE TABLE chatelaine_more (id TEXT PRIMARY KEY)", "chatelaine_more is in no group"},
		{"an enum", "CREATE TYPE e AS ENUM ('a')", "type e"},
		{"a domain", "CREATE DOMAIN d AS TEXT", "type d"},
		{"a type of several values", "CREATE TYPE c AS (a TEXT)", "type c"},
		{"a column of a type of an extension", "ALTER TABLE chatelaine_users ADD x public.citext", "chatelaine_users.x is a public.citext"},
		{"a column of the server's words", "ALTER TABLE chatelaine_users ADD x TEXT", "chatelaine_users.x has no collation"},
		{"a column of the server's times", "ALTER TABLE chatelaine_users ADD x TIMESTAMPTZ", "chatelaine_users.x is a timestamp with time zone"},
		{"a function", "CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'", "function f"},
		{
			"a trigger", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON chatelaine_users EXECUTE FUNCTION f()",
			"trigger tr",
		},
		{"a rule", "CREATE RULE r AS ON INSERT TO chatelaine_guesses DO INSTEAD NOTHING", "rule r"},
		{"a policy", "CREATE POLICY po ON chatelaine_users", "policy po"},
		{
			"a deferrable constraint", "ALTER TABLE chatelaine_credentials ADD CONSTRAINT late FOREIGN KEY (user_id) REFERENCES chatelaine_users (id) DEFERRABLE",
			"constraint late of chatelaine_credentials is deferrable",
		},
		{"an exclusion", "ALTER TABLE chatelaine_guesses ADD CONSTRAINT ex EXCLUDE USING btree (tries WITH =)", "constraint ex of chatelaine_guesses is of kind x"},
		{"a check by a function", "ALTER TABLE chatelaine_guesses ADD CONSTRAINT ch CHECK (length(email) > 0)", "calls length("},
		{"a default by the clock", "ALTER TABLE chatelaine_users ALTER created_at SET DEFAULT extract(epoch FROM now())", "default of chatelaine_users.created_at"},
		{"a default by the clock's word", "ALTER TABLE chatelaine_users ALTER name SET DEFAULT CURRENT_TIMESTAMP", "default of chatelaine_users.name"},
		{"a default by chance", "ALTER TABLE chatelaine_users ALTER id SET DEFAULT gen_random_uuid()", "default of chatelaine_users.id"},
		{"an index by a function", "CREATE INDEX x ON chatelaine_users (lower(name))", "calls lower("},
		{
			"a key that another column leads", "ALTER TABLE chatelaine_replies DROP CONSTRAINT chatelaine_replies_pkey; ALTER TABLE chatelaine_replies ADD PRIMARY KEY (key, account_id)",
			"the key of chatelaine_replies does not begin with account_id",
		},
		{"a table without a key", "ALTER TABLE chatelaine_replies DROP CONSTRAINT chatelaine_replies_pkey", "the key of chatelaine_replies does not begin"},
		{"what is unique beyond an account", "CREATE UNIQUE INDEX u ON chatelaine_requests (hash)", "u is unique without agency_id"},
		{
			"a reference beyond the account", "ALTER TABLE chatelaine_requests ADD CONSTRAINT fk FOREIGN KEY (client_id, id) REFERENCES chatelaine_clients (account_id, id)",
			"fk of chatelaine_requests does not refer by agency_id",
		},
		{
			"a reference of what is everywhere to what is spread", "ALTER TABLE chatelaine_memberships ADD CONSTRAINT fk FOREIGN KEY (account_id, user_id) REFERENCES chatelaine_clients (account_id, id)",
			"fk of chatelaine_memberships refers to chatelaine_clients",
		},
		{
			"a reference to what stays on one machine", "ALTER TABLE chatelaine_views ADD CONSTRAINT fk FOREIGN KEY (session_id) REFERENCES chatelaine_sessions (id)",
			"fk of chatelaine_views refers to chatelaine_sessions",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tx, err := p.Begin(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
			_, err = tx.Exec(t.Context(), "SET LOCAL search_path = broken; "+tt.given)
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), "SET LOCAL search_path = ''")
			require.NoError(t, err)
			require.Contains(t, strings.Join(breaches(t, tx, "broken", true), "\n"), tt.want)
		})
	}
	require.Empty(t, breaches(t, p, "broken", true))
}

// group tells of which kind a table is.
func group(table string) string {
	switch {
	case bulk[table] != "":
		return "bulk"
	case slices.Contains(everywhere, table):
		return "everywhere"
	case slices.Contains(local, table):
		return "local"
	}
	return ""
}

// lines asks the catalogue for lines of text. $1 is the schema.
func lines(t *testing.T, q interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}, schema, text string,
) [][]string {
	t.Helper()
	rows, err := q.Query(t.Context(), text, schema)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]string, error) {
		var v []string
		err := r.Scan(&v)
		return v, err
	})
	require.NoError(t, err)
	return list
}

var (
	calls = regexp.MustCompile(`(?i)\b[a-z_]+\(|\bcurrent_\w+|\blocaltime\w*`)
	notFn = regexp.MustCompile(`(?i)^(in|and|or|not|any|when|then|else|key|using|unique|with)\($`)
)

// called returns the function that an expression calls, if it does.
func called(expression string) string {
	for _, f := range calls.FindAllString(expression, -1) {
		if !notFn.MatchString(f) {
			return f
		}
	}
	return ""
}

// breaches lists what a schema has that it must not have.
func breaches(t *testing.T, q interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}, schema string, spread bool,
) (list []string) {
	t.Helper()
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	short := func(table string) string { return strings.TrimPrefix(table, "chatelaine_") }
	kinds := map[string]string{"S": "sequence", "v": "view", "m": "view", "f": "foreign table", "p": "partitioned table", "c": "type"}
	const of = ` FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1 `

	for _, v := range lines(t, q, schema, `SELECT ARRAY[c.relname, c.relkind, c.relpersistence, c.relhassubclass]::text[]`+of) {
		name, kind := v[0], v[1]
		switch {
		case kind == "i" && v[2] == "p":
		case kind != "r" && kind != "i" && kind != "t":
			say("relation %s is a %s", name, kinds[kind])
		case v[2] != "p":
			say("%s is not logged", name)
		case kind == "r" && group(short(name)) == "":
			say("%s is in no group", name)
		}
	}
	for _, v := range lines(t, q, schema, `SELECT ARRAY[y.typname]::text[] FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
			LEFT JOIN pg_catalog.pg_type e ON e.oid = y.typelem LEFT JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN y.typelem <> 0 THEN e.typrelid ELSE y.typrelid END
			WHERE n.nspname = $1 AND c.relkind IS DISTINCT FROM 'r'`) {
		say("type %s", v[0])
	}
	for _, v := range lines(t, q, schema, `SELECT ARRAY['function', p.proname] FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1
			UNION ALL SELECT ARRAY['trigger', x.tgname]`+of+`JOIN pg_catalog.pg_trigger x ON x.tgrelid = c.oid AND NOT x.tgisinternal
			UNION ALL SELECT ARRAY['rule', x.rulename]`+of+`JOIN pg_catalog.pg_rewrite x ON x.ev_class = c.oid
			UNION ALL SELECT ARRAY['policy', x.polname]`+of+`JOIN pg_catalog.pg_policy x ON x.polrelid = c.oid`) {
		say("%s %s", v[0], v[1])
	}

	for _, v := range lines(t, q, schema, `SELECT ARRAY[c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(l.collname, ''),
			coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated]::text[]`+of+`
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
			LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind = 'r'`) {
		name := v[0] + "." + v[1]
		if !slices.Contains([]string{"text", "bigint", "bytea", "integer[]"}, v[2]) {
			say("%s is a %s", name, v[2])
		}
		if v[2] == "text" && v[3] != "C" {
			say("%s has no collation of its own", name)
		}
		if f := called(v[4]); f != "" {
			say("the default of %s calls %s", name, f)
		}
	}

	for _, v := range lines(t, q, schema, `SELECT ARRAY[c.relname, i.relname, x.indisunique, x.indisprimary,
			coalesce((SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = x.indkey[0]), ''),
			coalesce((SELECT pg_catalog.string_agg(a.attname, ' ') FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (x.indkey)), ''),
			coalesce(pg_catalog.pg_get_expr(x.indexprs, c.oid), '') || ' ' || coalesce(pg_catalog.pg_get_expr(x.indpred, c.oid), '')]::text[]`+of+`
			JOIN pg_catalog.pg_index x ON x.indrelid = c.oid JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid WHERE c.relkind = 'r'`) {
		lead := bulk[short(v[0])]
		if v[2] == "true" && spread && lead != "" && !slices.Contains(strings.Fields(v[5]), lead) {
			say("%s is unique without %s", v[1], lead)
		}
		if f := called(v[6]); f != "" {
			say("%s calls %s", v[1], f)
		}
	}
	for table, lead := range bulk {
		first := lines(t, q, schema, `SELECT ARRAY[c.relname, a.attname]`+of+`JOIN pg_catalog.pg_index x ON x.indrelid = c.oid AND x.indisprimary
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]`)
		if !slices.ContainsFunc(first, func(v []string) bool { return short(v[0]) == table && v[1] == lead }) {
			say("the key of chatelaine_%s does not begin with %s", table, lead)
		}
	}

	for _, v := range lines(t, q, schema, `SELECT ARRAY[c.relname, x.conname, x.contype, x.condeferrable, coalesce(r.relname, ''),
			coalesce((SELECT pg_catalog.string_agg(a.attname || '=' || b.attname, ' ') FROM pg_catalog.unnest(x.conkey) WITH ORDINALITY k (n, i)
				JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n
				JOIN pg_catalog.pg_attribute b ON b.attrelid = r.oid AND b.attnum = x.confkey[k.i]), ''),
			coalesce(pg_catalog.pg_get_expr(x.conbin, x.conrelid), '')]::text[]`+of+`
			JOIN pg_catalog.pg_constraint x ON x.conrelid = c.oid LEFT JOIN pg_catalog.pg_class r ON r.oid = x.confrelid`) {
		table, name, to := short(v[0]), v[1]+" of "+v[0], short(v[4])
		if v[3] == "true" {
			say("constraint %s is deferrable", name)
		}
		if !strings.Contains("pufcn", v[2]) {
			say("constraint %s is of kind %s", name, v[2])
		}
		if f := called(v[6]); f != "" {
			say("constraint %s calls %s", name, f)
		}
		switch {
		case v[2] != "f" || group(to) == "everywhere":
		case group(table) == "bulk" && group(to) == "bulk":
			if !slices.Contains(strings.Fields(v[5]), bulk[table]+"="+bulk[to]) {
				say("%s does not refer by %s", name, bulk[table])
			}
		default:
			say("%s refers to %s", name, v[4])
		}
	}
	slices.Sort(list)
	return list
}

// forbidden is what an engine that spreads rows, or a pool between the store and the
// server, has none of, or has one of for each session or machine. Locale, too, is
// each machine's own.
var forbidden = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	`now\s*\(`, `current_(timestamp|date|time)`, `localtime(stamp)?`, `(clock|statement|transaction)_timestamp`, `timeofday`, `random\s*\(`, `gen_random_uuid`,
	`uuid_generate\w*`, `(next|curr|set|last)val`, `listen`, `unlisten`, `(pg_)?notify`, `\w*advisory\w*`, `lock\s+(table|\")`, `set_config`, `(set|reset|discard)\s+(session|local|all|search_path)`,
	`lower\s*\(`, `upper\s*\(`, `initcap`, `i?like_regex`, `ilike`, `citext`, `temp(orary)?`, `pg_temp`, `declare`, `prepare`, `copy`, `truncate`, `vacuum`, `nextval`,
}, `|`) + `)`)

var (
	quoted    = regexp.MustCompile(`'[^']*'|--[^\n]*`)
	unlocated = regexp.MustCompile(`(^|[^.\w])chatelaine_\w+`)
	indexes   = regexp.MustCompile(`(?i)INDEX chatelaine_\w+ ON`)
	session   = regexp.MustCompile(`(?i)(^|;)\s*(SET|RESET|DISCARD|LOCK|LISTEN|NOTIFY|DO)\b`)
)

// unfit lists what a statement, or a script, has that it must not have.
func unfit(text string) (list []string) {
	bare := indexes.ReplaceAllString(quoted.ReplaceAllString(text, "''"), "INDEX ON")
	list = append(forbidden.FindAllString(bare, -1), session.FindAllString(bare, -1)...)
	return append(list, unlocated.FindAllString(bare, -1)...)
}

// Each rule of texts finds what breaks it, and nothing else.
func TestStatements_broken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`SELECT now()`, `SELECT CURRENT_TIMESTAMP`, `UPDATE "s".chatelaine_users SET at = clock_timestamp()`, `SELECT random()`, `SELECT nextval('s')`,
		`LISTEN x`, `NOTIFY x`, `SELECT pg_notify('a', 'b')`, `SELECT pg_advisory_xact_lock(1)`, `LOCK TABLE "s".chatelaine_users`, `LOCK "s".chatelaine_users`,
		`SET statement_timeout = 0`, `SELECT 1; SET x = 1`, `SELECT set_config('a', 'b', false)`, `SELECT lower(x)`, `SELECT a ILIKE b`, `SELECT a::citext`,
		`SELECT 1 FROM chatelaine_users`, `INSERT INTO chatelaine_users (id) VALUES ($1)`, `SELECT 1 FROM "s".chatelaine_users u, chatelaine_mails m`,
		`CREATE TEMP TABLE x (a INT)`, `SELECT gen_random_uuid()`,
	} {
		require.NotEmpty(t, unfit(text), text)
	}
	for _, text := range []string{
		`UPDATE "s".chatelaine_users SET name = $1, version = version + 1 WHERE id = $2`, `SELECT 1 FROM "s".chatelaine_users FOR SHARE`, `SELECT 'now() chatelaine_users'`,
		`SAVEPOINT chatelaine`, `CREATE INDEX chatelaine_users_name ON "s".chatelaine_users (name)`, `SELECT follower, snow FROM "s".chatelaine_users`,
	} {
		require.Empty(t, unfit(text), text)
	}
	for _, spread := range []bool{false, true} {
		files, err := postgres.Migrations(&postgres.Options{Schema: "s", Distributed: spread})
		require.NoError(t, err)
		names, err := fs.Glob(files, "*.sql")
		require.NoError(t, err)
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			require.Empty(t, unfit(string(text)), name)
		}
	}
}
