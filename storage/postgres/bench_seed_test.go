package postgres_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// opened is when everything in a town was made, and its clock begins.
var opened = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// town is a database in which an agency has n client accounts, all of which its
// manager can enter, and n client records; a hundred others have n more together.
// Behind the n client accounts are more that have been asked and not connected.
type town struct {
	dsn  string
	pool *pgxpool.Pool
	st   *postgres.Store
	n    int
	all  int // accounts, with those that are not connected

	serial atomic.Int64 // of what benchmarks make
}

// townSizes are how large towns are: a run of a few rounds shows only that the
// benchmarks work.
func townSizes() []int {
	f := flag.Lookup("test.benchtime")
	if f == nil {
		return []int{1_000}
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(f.Value.String(), "x")); err == nil && n < 20 {
		return []int{1_000}
	}
	return []int{1_000, 100_000}
}

func newTown(t testing.TB, n int) *town {
	t.Helper()
	dsn := pgtest.Database(t)
	x := &town{dsn: dsn, pool: pooled(t, dsn, nil), n: n}
	var err error
	x.st, err = postgres.New(t.Context(), x.pool, nil)
	require.NoError(t, err)
	// What is put in by the hundred thousand is indexed at once.
	x.exec(t, `DROP INDEX chatelaine_clients_grams`)
	x.ask(t, n)
	x.script(t, seeding, "{n}", n)
	x.records(t)
	x.exec(t, `CREATE INDEX chatelaine_clients_grams ON chatelaine_clients USING gin (grams) WITH (gin_pending_list_limit = 256)`)
	x.exec(t, `ANALYZE`)
	return x
}

func (x *town) exec(t testing.TB, text string, args ...any) {
	t.Helper()
	_, err := x.pool.Exec(context.WithoutCancel(t.Context()), text, args...)
	require.NoError(t, err, text)
}

// asking makes accounts from {from} to {to}, each with an owner who has been asked for
// access to it. {at} is when. Nothing refers to what is not there, and so that is not
// looked for.
const asking = `
SET LOCAL session_replication_role = replica;
CREATE TEMPORARY VIEW i AS SELECT k, lpad(k::text, 6, '0') i FROM generate_series({from}, {to} - 1) k;
INSERT INTO chatelaine_users SELECT 'owner-' || i, 1, 0, 0, 0, 'The Owner ' || i, '', '', 'the owner ' || i, 'owner-' || i || '@example.com', 'owner-' || i || '@example.com', 1, '', 0, '', 0, 0, 0, 0, {at}, {at} FROM i;
INSERT INTO chatelaine_accounts SELECT 'client-' || i, 1, 0, 'standard', 'Client ' || i, 'client ' || i, '', '', 0, 0, 0, 0, {at}, {at} FROM i;
INSERT INTO chatelaine_memberships SELECT 'client-' || i, 'owner-' || i, 1, 'owner', 0, 0, 0, 0, 0, 0, 0, 'client ' || i, {at}, {at} FROM i;
INSERT INTO chatelaine_requests SELECT 'agency', 'request-' || i, 1, 0, 'owner-' || i || '@example.com', 'owner-' || i || '@example.com', 'manager',
		'We would like to help you with your campaigns.', 'manager', '', sha256(('request-' || i)::bytea), 'pending',
		{at}, {at} + 360000000000000, 0, 0, '', '', 0, '', {at} + k, {at} + k FROM i;
DROP VIEW i`

// seeding makes all but client records, whose pieces SQL cannot make: {n} of each. The
// first accounts are connected.
const seeding = `
SET LOCAL session_replication_role = replica;
CREATE TEMPORARY VIEW i AS SELECT k, lpad(k::text, 6, '0') i FROM generate_series(0, {n} - 1) k;
INSERT INTO chatelaine_users SELECT id, 1, 0, 0, 0, 'The ' || id, '', '', 'the ' || id, id || '@example.com', id || '@example.com', 1, '', 0, '', 0, 0, 0, 0, {at}, {at}
	FROM unnest(ARRAY['boss', 'manager', 'customer']) id;
INSERT INTO chatelaine_credentials SELECT id, 1, '$argon2id$', {at}, {at} FROM chatelaine_users;
INSERT INTO chatelaine_identities SELECT 'https://issuer.example', id, id, {at} FROM chatelaine_users;
INSERT INTO chatelaine_accounts SELECT id, 1, 0, 'agency', 'Agency ' || id, 'agency ' || id, '', '', {at}, {at}, 0, 0, {at}, {at}
	FROM (SELECT 'agency' id UNION ALL SELECT 'rival-' || lpad(i::text, 2, '0') FROM generate_series(0, 99) i) x;
INSERT INTO chatelaine_memberships VALUES
	('agency', 'boss', 1, 'owner', 0, 0, 0, 0, 0, 0, 0, 'agency agency', {at}, {at}),
	('agency', 'manager', 1, 'manager', 0, 0, 0, 0, 0, 0, 0, 'agency agency', {at}, {at});
INSERT INTO chatelaine_memberships SELECT 'rival-0' || k, 'manager', 1, 'manager', 0, 0, 0, 0, 0, 0, 0, 'agency rival-0' || k, {at}, {at} FROM generate_series(0, 7) k;
INSERT INTO chatelaine_connections SELECT 'client-' || i, 'agency', 1, 'manager', 0, 0, 0, 'request-' || i, 'owner-' || i, 'client ' || i, 'agency agency', {at}, {at} FROM i;
INSERT INTO chatelaine_assignments SELECT 'client-' || i, 'manager', 'agency', 1, 'author', 0, 0, 0, 'client ' || i, {at}, {at} FROM i;
UPDATE chatelaine_requests SET state = 'approved', client_id = replace(id, 'request', 'client');
INSERT INTO chatelaine_invitations SELECT 'client-' || i, 'offer-' || i, 1, 'guest-' || i || '@example.com', 'guest-' || i || '@example.com', 'author', '', '',
		'owner-' || i, 0, 0, 0, sha256(('offer-' || i)::bytea), 'pending', {at}, {at} + 360000000000000, 0, 0, '', '', 0, {at}, {at} FROM i;
INSERT INTO chatelaine_sessions SELECT id, 1, sha256(id::bytea), who, 0, 0, '', {at}, {at}, {at}, 0, '', '', '', ''
	FROM (SELECT 'session-' || i id, 'owner-' || i who FROM i UNION ALL SELECT id, id FROM unnest(ARRAY['boss', 'manager', 'customer']) id) x;
INSERT INTO chatelaine_guesses SELECT 'owner-' || i || '@example.com', 1, 1, {at} FROM i;
INSERT INTO chatelaine_events SELECT 'event-' || k, 1, {at} + k, 'request.approved', CASE WHEN k % 2 = 0 THEN 'agency' ELSE 'client-' || i END, CASE WHEN k % 2 = 0 THEN '' ELSE 'agency' END,
		'', 'request-' || i, '', '', '', '', '', '', 'manager', '', '', '', 'owner-' || i, '', '', '', '', '', '', CASE WHEN k % 100 = 0 THEN 0 ELSE 1 END, 0, 0, 0 FROM i;
INSERT INTO chatelaine_mails SELECT 'mail-' || i, 'email', 'access-requested', 'agency', '', '', 'owner-' || i || '@example.com', '', '', 'en', CASE WHEN due THEN 'Subject' ELSE '' END,
		CASE WHEN due THEN repeat('The quick brown fox jumps over the lazy dog. ', 20) ELSE '' END, '', NULL,
		'agency/agency/request/request-' || i, 1, {at} + k % 1000, 0, {at} + k, CASE WHEN due THEN 'queued' ELSE 'sent' END, 0, 0, 0, CASE WHEN due THEN 0 ELSE {at} END, ''
	FROM (SELECT *, k % 10 = 0 OR {n} < 10000 due FROM i) x;
INSERT INTO chatelaine_quotas SELECT 'owner-' || i || '@example.com', 'recipient', 1, 1 FROM i;
INSERT INTO chatelaine_sites SELECT 'agency', 's' || i, 1, 'Site ' || k, '', '', 'site' || k || '.example', '', 0, {at} + k, {at} + k, ARRAY[k % 100, k % 1000, k] FROM i;
DROP VIEW i`

// script runs statements with numbers in the place of marks.
func (x *town) script(t testing.TB, text string, marks ...any) {
	t.Helper()
	text = strings.ReplaceAll(text, "{at}", strconv.FormatInt(opened.UnixMicro(), 10))
	for i := 0; i < len(marks); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprint(marks[i]), fmt.Sprint(marks[i+1]))
	}
	x.exec(t, text, pgx.QueryExecModeSimpleProtocol)
}

// ask makes n accounts more, whose owners have been asked for access.
func (x *town) ask(t testing.TB, n int) {
	t.Helper()
	x.script(t, asking, "{from}", x.all, "{to}", x.all+n)
	x.all += n
}

// records makes the client records of the agency, each with a site of 500, and as
// many of a hundred others: the same with pieces of their own.
func (x *town) records(t testing.TB) {
	t.Helper()
	for from := 0; from < x.n; from += 1000 {
		c := accounts.Change{Op: accounts.OpID(fmt.Sprint("clients-", from))}
		c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: opened, Kind: "seeded", Account: "agency", By: accounts.By{System: "test"}}}
		for i := from; i < min(from+1000, x.n); i++ {
			c.Clients = append(c.Clients, x.record(i))
			a := accounts.SiteAccess{Permissions: []roles.Permission{"site.view", "site.edit", "blog.edit"}, CreatedAt: opened, UpdatedAt: opened}
			a.Account, a.Client, a.Site = "agency", recordID(i), accounts.SiteID(fmt.Sprintf("s%06d", i%500))
			c.SiteAccess = append(c.SiteAccess, a)
		}
		require.NoError(t, x.st.ApplyAccounts(t.Context(), c))
	}
	x.exec(t, `SET LOCAL session_replication_role = replica; INSERT INTO chatelaine_clients (account_id, id, version, user_id, epoch, after_login, after_at, suspended_at, deleted_at, first_name, last_name, email,
			address, company, postal, phone, notes, locale, invited_at, active_at, stage, sited, search, created_at, updated_at, grams)
		SELECT 'rival-' || right(id, 2), id, version, NULL, epoch, after_login, after_at, suspended_at, deleted_at, first_name, last_name, email,
			address, company, postal, phone, notes, locale, invited_at, active_at, stage, 0, search, created_at, updated_at,
			ARRAY(SELECT g # (right(id, 2)::int * 7919 + 1) FROM unnest(grams) g)
		FROM chatelaine_clients`, pgx.QueryExecModeSimpleProtocol)
	x.script(t, `SET LOCAL session_replication_role = replica;
		INSERT INTO chatelaine_views SELECT 'agency', 'view-' || id, id, 1, NULL, sha256(id::bytea), 0, 0, 0, 'boss', 0, 0, 0, 0, '', 0, '', '', created_at, 0, created_at, created_at, 0
		FROM chatelaine_clients WHERE account_id = 'agency';
		INSERT INTO chatelaine_setup_links SELECT account_id, id, 1, sha256(id::bytea), 0, 'manager', 0, 0, 1, 1, created_at, created_at, 0
		FROM chatelaine_clients WHERE account_id = 'agency'`)
}

func recordID(i int) accounts.ClientID { return accounts.ClientID(fmt.Sprintf("c%06d", i)) }

// recorded is when the i-th client record was made.
func recorded(i int) time.Time { return opened.Add(time.Duration(i) * time.Millisecond) }

func hashed(id string) [32]byte { return sha256.Sum256([]byte(id)) }

// record is the i-th client record. The last thousandth shares a word that nobody
// else has, all in a row; the word is as rare as it is far from the first page.
func (x *town) record(i int) accounts.Client {
	rnd := rand.New(rand.NewPCG(uint64(i), 7))
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	r := accounts.Client{CreatedAt: recorded(i), UpdatedAt: recorded(i)}
	r.Account, r.ID = "agency", recordID(i)
	r.FirstName = pick("Anna", "Bernd", "Carla", "Dieter", "Eva", "Felix", "Gina", "Hans", "Ines", "Jonas", "Karin", "Lukas", "Maria", "Nils", "Olga", "Peter")
	r.LastName = pick("Schmidt", "Müller", "Weber", "Becker", "Hoffmann", "Koch", "Richter", "Klein", "Wolf", "Neumann", "Schwarz", "Zimmermann")
	r.Address = fmt.Sprintf("%s.%s%d@example.com", r.FirstName, r.LastName, i)
	r.Email = accounts.Email(accounts.NameKey(r.Address))
	r.Company = fmt.Sprintf("%s Bakery %d GmbH", r.LastName, i%1000)
	if i < x.n/50 {
		r.Company = "Kontor Vogelsang" // the oldest fiftieth, all in a row
	}
	r.Phone = fmt.Sprintf("+49 30 %07d", i*7919%10_000_000)
	r.Postal = fmt.Sprintf("%s %d\n%05d %s", pick("Main Street", "Park Avenue", "Hauptstraße", "Gartenweg"), rnd.IntN(300), rnd.IntN(99_999),
		pick("Berlin", "Hamburg", "München", "Köln", "Leipzig", "Essen"))
	switch {
	case i == x.n/2:
		r.User = "customer"
	case i%100 == 0:
		r.SuspendedAt = opened
	case i%3 == 0:
		r.ActiveAt = opened
	case i%3 == 1:
		r.InvitedAt = opened
	}
	return r
}
