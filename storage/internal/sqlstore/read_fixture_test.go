package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// now is the moment of the fixtures, in whole microseconds.
var now = time.Date(2026, 3, 1, 12, 0, 0, 123_000, time.UTC)

// us is how a moment is stored.
func us(t time.Time) int64 { return t.UnixMicro() }

// ago is the stored moment of some hours before now.
func ago(hours int) int64 { return us(now.Add(-time.Duration(hours) * time.Hour)) }

// fixture is a database of rows put in by hand, and the reads under test.
type fixture struct {
	*sqlstore.Reads
	Q      sqlstore.Querier
	D      sqlstore.Dialect
	db     *sql.DB
	types  map[string][][2]string // by table: name and type of each column
	tables sync.Mutex
}

// querier keeps prepared statements by text, as the adapters do.
type querier struct {
	db    *sql.DB
	mu    sync.Mutex
	known map[string]*sql.Stmt
}

func (q *querier) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	q.mu.Lock()
	stmt, ok := q.known[text]
	if !ok {
		var err error
		if stmt, err = q.db.PrepareContext(ctx, text); err != nil {
			q.mu.Unlock()
			return nil, fmt.Errorf("%w in %s", err, text)
		}
		q.known[text] = stmt
	}
	q.mu.Unlock()
	return stmt.QueryContext(ctx, args...) //nolint:rowserrcheck // the reads check it
}

// last remembers the statement that went by, and how many did.
type last struct {
	sqlstore.Querier
	text  string
	args  []any
	asked int
}

func (l *last) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	l.text, l.args = text, args
	l.asked++
	return l.Querier.Query(ctx, text, args...)
}

// newFixture opens an empty database in a file, with a prefix that a statement
// must not forget.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db")+
		"?_pragma=foreign_keys(0)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-65536)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	schema, err := os.ReadFile("../../sqlite/migrations/0001_base.sql")
	require.NoError(t, err)
	d := sqlstore.SQLite("ch_")
	_, err = db.ExecContext(t.Context(), d.SQL(string(schema)))
	require.NoError(t, err)
	q := &querier{db: db, known: map[string]*sql.Stmt{}}
	return &fixture{Reads: sqlstore.NewReads(q, d), Q: q, D: d, db: db, types: map[string][][2]string{}}
}

// columns returns the columns of a table.
func (f *fixture) columns(t testing.TB, table string) [][2]string {
	t.Helper()
	f.tables.Lock()
	defer f.tables.Unlock()
	if f.types[table] == nil {
		rows, err := f.db.QueryContext(t.Context(), `SELECT name, type FROM pragma_table_info(?)`, "ch_"+table)
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		for rows.Next() {
			var c [2]string
			require.NoError(t, rows.Scan(&c[0], &c[1]))
			f.types[table] = append(f.types[table], c)
		}
		require.NoError(t, rows.Err())
		require.NotEmpty(t, f.types[table], table)
	}
	return f.types[table]
}

// row is what a row has besides zero values.
type row map[string]any

// put inserts a row. Columns that are not named hold the zero of their type.
func (f *fixture) put(t testing.TB, table string, r row) {
	t.Helper()
	var names, marks []string
	var args []any
	left := len(r)
	for _, c := range f.columns(t, table) {
		v, named := r[c[0]]
		switch {
		case named:
			left--
		case c[1] == "TEXT":
			v = ""
		case c[1] == "BLOB":
			v = []byte{}
		default:
			v = 0
		}
		names, marks, args = append(names, c[0]), append(marks, "?"), append(args, v)
	}
	require.Zero(t, left, "%s has no such column: %v", table, r)
	_, err := f.db.ExecContext(t.Context(), "INSERT INTO ch_"+table+" ("+strings.Join(names, ", ")+") VALUES ("+
		strings.Join(marks, ", ")+")", args...)
	require.NoError(t, err, "%s %v", table, r)
}

// set changes rows: f.set(t, "users SET suspended_at = 1 WHERE id = ?", "ann").
func (f *fixture) set(t testing.TB, text string, args ...any) {
	t.Helper()
	res, err := f.db.ExecContext(t.Context(), "UPDATE ch_"+text, args...)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.NotZero(t, n, text)
}

// with returns the row with some columns more.
func (r row) with(more row) row {
	all := row{}
	for _, m := range []row{r, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// user puts in an active user.
func (f *fixture) user(t testing.TB, id string, more row) {
	t.Helper()
	name := "The " + id
	f.put(t, "users", row{
		"id": id, "version": 1, "epoch": 1, "name": name, "label_key": accounts.NameKey(name),
		"email": id + "@example.com", "address": id + "@Example.com", "created_at": ago(100), "updated_at": ago(50),
	}.with(more))
}

// account puts in an open account.
func (f *fixture) account(t testing.TB, id string, more row) {
	t.Helper()
	name := "Firm " + id
	f.put(t, "accounts", row{
		"id": id, "version": 1, "epoch": 1, "kind": "standard", "name": name, "name_key": accounts.NameKey(name),
		"created_at": ago(100), "updated_at": ago(50),
	}.with(more))
}

// agency puts in an account that acts as one.
func (f *fixture) agency(t testing.TB, id string, more row) {
	t.Helper()
	f.account(t, id, row{"kind": "agency", "epoch": 3, "programme_at": ago(90), "client_access_at": ago(80)}.with(more))
}

// member puts in an active membership.
func (f *fixture) member(t testing.TB, account, user, role string, more row) {
	t.Helper()
	f.put(t, "memberships", row{
		"account_id": account, "user_id": user, "version": 1, "role": role, "epoch": 2,
		"account_key": accounts.NameKey("Firm " + account), "created_at": ago(70), "updated_at": ago(60),
	}.with(more))
}

// connect puts in a connection that counts.
func (f *fixture) connect(t testing.TB, client, agency, limit string, more row) {
	t.Helper()
	f.put(t, "connections", row{
		"client_id": client, "agency_id": agency, "version": 1, "cap": limit, "epoch": 5, "agency_epoch": 3,
		"client_key": accounts.NameKey("Firm " + client), "agency_key": accounts.NameKey("Firm " + agency),
		"created_at": ago(40), "updated_at": ago(30),
	}.with(more))
}

// assign puts in an assignment that counts on such a connection.
func (f *fixture) assign(t testing.TB, client, agency, user, role string, more row) {
	t.Helper()
	f.put(t, "assignments", row{
		"client_id": client, "user_id": user, "agency_id": agency, "version": 1, "role": role,
		"connection_epoch": 5, "member_epoch": 2, "client_key": accounts.NameKey("Firm " + client),
		"created_at": ago(20), "updated_at": ago(10),
	}.with(more))
}

// request puts in a pending request that has not expired.
func (f *fixture) request(t testing.TB, agency, id, email string, more row) {
	t.Helper()
	f.put(t, "requests", row{
		"agency_id": agency, "id": id, "version": 1, "agency_epoch": 3, "email": email, "address": email,
		"requester_id": "ann", "level": "admin", "hash": hashOf(id), "state": "pending", "sent_at": ago(24),
		"expires_at": us(now) + 1, "created_at": ago(24), "updated_at": ago(24),
	}.with(more))
}

// hashOf makes a hash of 32 bytes that is different for each id.
func hashOf(id string) []byte {
	h := make([]byte, 32)
	copy(h, id)
	return h
}
