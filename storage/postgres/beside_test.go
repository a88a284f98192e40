package postgres_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Where writers run side by side, a statement sees what others committed before it
// began, and nothing of what they are about to commit. Each of these is two writers,
// the first of which has written and not committed when the second comes: what is
// derived from rows of both comes out as if one had come after the other.
func TestStore_beside(t *testing.T) {
	t.Parallel()
	live := func(id string) accounts.Site { s := someSite(id); s.Version = 1; return s }
	removed := func(id string) accounts.Site { s := live(id); s.RemovedAt = later(1); return s }
	ended := func(client, site string) accounts.SiteAccess {
		x := someAccess(client, site)
		x.Version, x.EndedAt = 1, later(1)
		return x
	}
	renamed := someAccount("a")
	renamed.Name, renamed.Version = "Another name", 1
	back := live("p")
	back.Version = 2
	tests := []struct {
		name          string
		given         []any
		more          []any // on top, as a change of its own
		first, second []any
		want          error // what the second is told
	}{
		{
			name: "a site is given to a client while it is removed", given: []any{someClient("c"), someSite("p")},
			first: []any{removed("p")}, second: []any{someAccess("c", "p")},
		},
		{
			name: "a site is removed while it is given to a client", given: []any{someClient("c"), someSite("p")},
			first: []any{someAccess("c", "p")}, second: []any{removed("p")},
		},
		{
			name: "a site is given to a client while it comes back", given: []any{someClient("c"), someSite("p")},
			more: []any{removed("p")}, first: []any{back}, second: []any{someAccess("c", "p")},
		},
		{
			name: "a site comes back while it is given to a client", given: []any{someClient("c"), someSite("p")},
			more: []any{removed("p")}, first: []any{someAccess("c", "p")}, second: []any{back},
		},
		{
			name:  "the two last sites of a client are removed at once",
			given: []any{someClient("c"), someSite("p"), someSite("q"), someAccess("c", "p"), someAccess("c", "q")},
			first: []any{removed("p")}, second: []any{removed("q")},
		},
		{
			name:  "the two last sites of a client are taken away at once",
			given: []any{someClient("c"), someSite("p"), someSite("q"), someAccess("c", "p"), someAccess("c", "q")},
			first: []any{ended("c", "p")}, second: []any{ended("c", "q")},
		},
		{
			name:  "a site is removed while a client's other one is taken away",
			given: []any{someClient("c"), someSite("p"), someSite("q"), someAccess("c", "p"), someAccess("c", "q")},
			first: []any{ended("c", "p")}, second: []any{removed("q")},
		},
		{
			name:  "a client's other site is taken away while one comes back",
			given: []any{someClient("c"), someSite("p"), someSite("q"), someAccess("c", "p"), someAccess("c", "q")},
			more:  []any{removed("p")}, first: []any{back}, second: []any{ended("c", "q")},
		},
		{
			name:  "a site comes back while a client's other one is taken away",
			given: []any{someClient("c"), someSite("p"), someSite("q"), someAccess("c", "p"), someAccess("c", "q")},
			more:  []any{removed("p")}, first: []any{ended("c", "q")}, second: []any{back},
		},
		{
			name: "a member comes while the account is renamed", given: []any{someUser("u")},
			first: []any{renamed}, second: []any{someMember("a", "u")},
		},
		{
			name: "the account is renamed while a member comes", given: []any{someUser("u")},
			first: []any{someMember("a", "u")}, second: []any{renamed},
		},
		{
			name:  "mail is cancelled while it is queued by who relies on the same",
			first: []any{accounts.Guard{Account: "a", Version: 1}, someMail("m", "account/a/x")}, second: []any{accounts.Guard{Account: "a", Version: 1, Move: true}, mail.Reason("account/a")},
		},
		{
			name:  "mail is queued while what it relies on goes",
			first: []any{accounts.Guard{Account: "a", Version: 1, Move: true}, mail.Reason("account/a")}, second: []any{accounts.Guard{Account: "a", Version: 1}, someMail("m", "account/a/x")},
			want: accounts.ErrConflict,
		},
		{
			name:  "an account is moved while it is held",
			first: []any{accounts.Guard{Account: "a", Version: 1}, someUser("v")}, second: []any{accounts.Guard{Account: "a", Version: 1, Move: true}},
		},
		{
			name:  "an account is held while it is moved",
			first: []any{accounts.Guard{Account: "a", Version: 1, Move: true}}, second: []any{accounts.Guard{Account: "a", Version: 1}, someUser("v")},
			want: accounts.ErrConflict,
		},
		{
			name:  "two users take one address",
			first: []any{withAddress(someUser("u"), "one@example.com")}, second: []any{withAddress(someUser("v"), "one@example.com")},
			want: accounts.ErrConflict,
		},
		{
			name: "a user takes the address that another one leaves", given: []any{someUser("u")},
			first:  []any{withVersion(withAddress(someUser("u"), "new@example.com"), 1)},
			second: []any{withAddress(someUser("v"), "u@example.com")},
		},
		{
			name: "two who are there take one address", given: []any{someUser("u"), someUser("v")},
			first:  []any{withVersion(withAddress(someUser("u"), "new@example.com"), 1)},
			second: []any{withVersion(withAddress(someUser("v"), "new@example.com"), 1)},
			want:   accounts.ErrConflict,
		},
		{
			name:   "two spend the last of a quota",
			first:  []any{accounts.Spend{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "a", Day: accounts.DayOf(dawn)}, N: 20, Limit: 35}},
			second: []any{accounts.Spend{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "a", Day: accounts.DayOf(dawn)}, N: 16, Limit: 35}},
			want:   accounts.ErrConflict,
		},
	}
	s := newSpaces(t, nil)
	for _, test := range tests { //nolint:paralleltest // one after the other: waiters are counted
		t.Run(test.name, func(t *testing.T) {
			st := s.take(t) // which looks whether what is derived is right, when the test ends
			put(t, st, append([]any{someAccount("a")}, test.given...)...)
			if test.more != nil {
				put(t, st, test.more...)
			}
			waited, err := beside(t, s, st, applies(of(test.first...)), applies(of(test.second...)))
			require.True(t, waited, "they did not meet")
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			} else {
				require.NoError(t, err)
			}
			keysAreRight(t, s, st)
			var queued int
			in := pgx.Identifier{st.schema}.Sanitize()
			require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+in+".chatelaine_mails WHERE state = 'queued'").Scan(&queued))
			require.Zero(t, queued, "mail is queued whose reason is gone")
		})
	}
}

func withAddress(u accounts.User, address string) accounts.User {
	u.Email, u.Address = accounts.Email(address), address
	return u
}

func withVersion(u accounts.User, version int64) accounts.User { u.Version = version; return u }

// keysAreRight finds what repeats an account's name to repeat it.
func keysAreRight(t *testing.T, s *spaces, st *space) {
	t.Helper()
	in := pgx.Identifier{st.schema}.Sanitize() + ".chatelaine_"
	var wrong int
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+in+`memberships m JOIN `+in+`accounts a ON a.id = m.account_id
		WHERE m.account_key <> a.name_key`).Scan(&wrong))
	require.Zero(t, wrong, "a membership has another name for its account")
}

// beside has one transaction write and stay open while another writer comes, commits
// it once that one waits or is done, and returns what the second was told and whether
// it waited.
func beside(t *testing.T, s *spaces, st *space, first, second writer) (waited bool, err error) {
	t.Helper()
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, first(t.Context(), st.JoinTx(tx)))
	told := make(chan error, 1)
	go func() { told <- second(t.Context(), st) }()
	require.Eventually(t, func() bool {
		waited = waiters(t, s.pool) > 0
		return waited || len(told) > 0
	}, 20*time.Second, time.Millisecond, "the second neither waits nor is done")
	require.NoError(t, tx.Commit(t.Context()))
	return waited, <-told
}

// meet has a host's transaction stand in the way of several writers until each of them
// waits or is done, undoes it, and returns what they were told. Each then has what it
// could lock before it came to the host, so that two whose locks are in another order
// have each other's.
func meet(t *testing.T, s *spaces, st *space, host writer, writers ...writer) []error {
	t.Helper()
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, host(t.Context(), st.JoinTx(tx)))
	told := make([]error, len(writers))
	var done atomic.Int64
	var g sync.WaitGroup
	for i, w := range writers {
		g.Go(func() {
			told[i] = w(t.Context(), st)
			done.Add(1)
		})
	}
	require.Eventually(t, func() bool { return int(done.Load())+waiters(t, s.pool) == len(writers) }, 20*time.Second, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	g.Wait()
	return told
}

// waiters counts who waits for a lock in the database of a pool.
func waiters(t testing.TB, p *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, p.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
	return n
}
