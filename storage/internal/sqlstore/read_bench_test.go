package sqlstore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// fill puts in an agency whose user ann can enter n client accounts, with a
// request and a connection for each, and sessions of hers and of n others.
func fill(b *testing.B, f *fixture, n int) {
	b.Helper()
	_, err := f.db.ExecContext(b.Context(), "BEGIN")
	require.NoError(b, err)
	f.agency(b, "agency", nil)
	f.user(b, "ann", nil)
	f.member(b, "agency", "ann", "admin", nil)
	for i := range n {
		id := fmt.Sprintf("c%06d", i)
		f.account(b, id, nil)
		f.connect(b, id, "agency", "admin", row{"request_id": id})
		f.assign(b, id, "agency", "ann", "manager", nil)
		f.request(b, "agency", id, fmt.Sprintf("owner%d@shop%d.example", i, i), row{
			"state": "approved", "client_id": id, "created_at": int64(i), "message": "May we look after your campaigns?",
		})
		f.put(b, "sessions", row{
			"id": id, "version": 1, "hash": hashOf(id), "user_id": "ann", "user_epoch": 1, "login": 1, "method": "oidc",
			"created_at": ago(1), "auth_at": ago(1), "seen_at": ago(0),
		})
	}
	fillOffice(b, f, n)
	fillClient(b, f)
	_, err = f.db.ExecContext(b.Context(), "COMMIT")
	require.NoError(b, err)
}

// fillOffice puts in an account with ten members and ten pending invitations
// among n that were decided, and all that ann can log in with.
func fillOffice(b *testing.B, f *fixture, n int) {
	b.Helper()
	f.account(b, "office", nil)
	f.member(b, "office", "ann", "owner", row{"tenure": 2})
	for i := range 9 {
		id := fmt.Sprint("member", i)
		f.user(b, id, nil)
		f.member(b, "office", id, "author", nil)
	}
	for i := range n {
		f.invite(b, "office", fmt.Sprint("old", i), fmt.Sprintf("old%d@example.com", i), row{"state": "accepted"})
	}
	for i := range 10 {
		f.invite(b, "office", fmt.Sprint("new", i), fmt.Sprintf("new%d@example.com", i), nil)
	}
	f.user(b, "new", row{"email": "new5@example.com"})
	for _, id := range []string{"ann", "new"} {
		f.put(b, "credentials", row{"user_id": id, "version": 1, "hash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"})
		f.put(b, "identities", row{"issuer": "https://id.example", "subject": id, "user_id": id})
	}
	f.put(b, "guesses", row{"email": "ann@example.com", "version": 1, "tries": 1})
	f.put(b, "quotas", row{"subject": "192.0.2.1", "kind": string(accounts.QuotaSource), "day": 1, "used": 5})
}

// fillClient puts in a client of the office with ten sites, and a session of
// theirs.
func fillClient(b *testing.B, f *fixture) {
	b.Helper()
	f.user(b, "zoe", nil)
	f.put(b, "clients", row{"account_id": "office", "id": "zoe", "user_id": "zoe", "version": 1, "active_at": ago(1), "stage": 2})
	for i := range 10 {
		id := fmt.Sprint("site", i)
		f.put(b, "sites", row{"account_id": "office", "id": id, "version": 1, "place": i, "name": "The site of " + id})
		f.put(b, "site_access", row{"account_id": "office", "client_id": "zoe", "site_id": id, "version": 1, "permissions": "site.view\nsite.edit\nblog.edit"})
	}
	f.put(b, "sessions", row{
		"id": "zoe", "version": 1, "hash": hashOf("zoe"), "user_id": "zoe", "user_epoch": 1, "login": 1, "method": "oidc",
		"created_at": ago(1), "auth_at": ago(1), "seen_at": ago(0),
	})
}

// bare runs the statement that ask sends as database/sql users do who write it
// by hand: prepared once, every column scanned into a plain value.
func bare(b *testing.B, f *fixture, ask func(r *sqlstore.Reads)) {
	b.Helper()
	q := &last{Querier: f.Q}
	ask(sqlstore.NewReads(q, f.D))
	stmt, err := f.db.PrepareContext(b.Context(), q.text)
	require.NoError(b, err)
	defer func() { require.NoError(b, stmt.Close()) }()
	rows, err := stmt.QueryContext(b.Context(), q.args...)
	require.NoError(b, err)
	names, err := rows.Columns()
	require.NoError(b, err)
	require.True(b, rows.Next())
	sample := make([]any, len(names))
	dest := make([]any, len(names))
	for i := range sample {
		dest[i] = &sample[i]
	}
	require.NoError(b, rows.Scan(dest...))
	require.NoError(b, rows.Err())
	require.NoError(b, rows.Close())
	for i, v := range sample {
		switch v.(type) {
		case int64:
			dest[i] = new(sql.NullInt64)
		case []byte:
			dest[i] = new([]byte)
		default:
			dest[i] = new(sql.NullString)
		}
	}
	median(b, func() {
		rows, err := stmt.QueryContext(b.Context(), q.args...)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			if err := rows.Scan(dest...); err != nil {
				b.Fatal(err)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			b.Fatal(err)
		}
	})
}

// median runs an operation and reports its median beside the mean, which tells
// more of the machine's other work than of the operation.
func median(b *testing.B, run func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		run()
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
}

// Each path at two sizes, beside its own statement run bare through
// database/sql: what is above that is what scanning and putting together cost.
func BenchmarkReads(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		f := newFixture(b)
		fill(b, f, n)
		middle := fmt.Sprintf("c%06d", n/2)
		hash := token.Hash(hashOf(middle))
		asks := []struct {
			name string
			ask  func(r *sqlstore.Reads) (int, error)
		}{
			{"Admission/direct", func(r *sqlstore.Reads) (int, error) {
				a, err := r.Admission(b.Context(), hash, "agency")
				return min(1, len(a.Session.ID)), err
			}},
			{"Admission/delegate", func(r *sqlstore.Reads) (int, error) {
				a, err := r.Admission(b.Context(), hash, accounts.AccountID(middle))
				return len(a.Standing.Routes), err
			}},
			{"Admission/client", func(r *sqlstore.Reads) (int, error) {
				a, err := r.Admission(b.Context(), token.Hash(hashOf("zoe")), "office")
				return len(a.Sites) - 9, err
			}},
			{"Standings/one", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Standings(b.Context(), []accounts.StandingKey{{User: "ann", Account: accounts.AccountID(middle)}})
				return len(all[0].Routes), err
			}},
			{"Entering", func(r *sqlstore.Reads) (int, error) {
				e, err := r.Entering(b.Context(), access.EnteringQuery{Email: "ann@example.com", Source: "192.0.2.1", Day: 1})
				return len(e.Means.Identities) * e.Guesses.Count * e.Tries, err
			}},
			{"Inviting", func(r *sqlstore.Reads) (int, error) {
				i, err := r.Inviting(b.Context(), invites.InvitingQuery{Account: "office", Email: "new5@example.com", At: now})
				return i.Seats.Invited * len(i.Invitation.ID), err
			}},
			{"Accepting", func(r *sqlstore.Reads) (int, error) {
				a, err := r.Accepting(b.Context(), invites.AcceptingQuery{Hash: token.Hash(hashOf("officenew5")), At: now})
				return a.Seats.Invited * len(a.Joiner.Identities), err
			}},
			{"Invitations", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Invitations(b.Context(), invites.ListQuery{Account: "office", At: now})
				return len(all), err
			}},
			{"Reach", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Reach(b.Context(), accounts.ReachQuery{User: "ann", Proof: accounts.AnyLogin(), After: accounts.ReachCursor{
					NameKey: "firm " + middle, Account: accounts.AccountID(middle), Agency: "agency",
				}})
				return len(all), err
			}},
			{"Clients/first", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Clients(b.Context(), access.ClientsQuery{Agency: "agency", At: now})
				return len(all), err
			}},
			{"Clients/late", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Clients(b.Context(), access.ClientsQuery{Agency: "agency", At: now, Before: access.ClientCursor{
					CreatedAt: time.UnixMicro(100).UTC(), ID: "c000100",
				}})
				return len(all), err
			}},
			{"Clients/search-rare", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Clients(b.Context(), access.ClientsQuery{Agency: "agency", At: now, Search: "shop77.ex"})
				return 50 * len(all), err
			}},
			{"Clients/search-common", func(r *sqlstore.Reads) (int, error) {
				all, err := r.Clients(b.Context(), access.ClientsQuery{Agency: "agency", At: now, Search: "example"})
				return len(all), err
			}},
		}
		for _, a := range asks {
			b.Run(fmt.Sprintf("%s/%d/ours", a.name, n), func(b *testing.B) {
				b.ReportAllocs()
				median(b, func() {
					if got, err := a.ask(f.Reads); err != nil || got == 0 {
						b.Fatal(got, err)
					}
				})
			})
			b.Run(fmt.Sprintf("%s/%d/bare", a.name, n), func(b *testing.B) {
				b.ReportAllocs()
				bare(b, f, func(r *sqlstore.Reads) { _, _ = a.ask(r) })
			})
		}
	}
}
