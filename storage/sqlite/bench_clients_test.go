package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// shelf is an account that keeps so many clients, of whom each has one site of
// 500, and another connection to the same file for statements written by hand.
type shelf struct {
	testing.TB

	st   *ours.Store
	n    int
	hand *sql.DB
}

// made is when the i-th client was made.
func made(i int) time.Time { return noon.Add(time.Duration(i) * time.Millisecond) }

func clientName(i int) accounts.ClientID { return accounts.ClientID(fmt.Sprintf("c%06d", i)) }

// one picks as chance has it, the same for each client in each run.
func one(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

func benchClient(i int) accounts.Client {
	rnd := rand.New(rand.NewPCG(uint64(i), 7))
	r := accounts.Client{CreatedAt: made(i), UpdatedAt: made(i)}
	r.Account, r.ID = "agency", clientName(i)
	r.FirstName = one(rnd, "Anna", "Bernd", "Carla", "Dieter", "Eva", "Felix", "Gina", "Hans", "Ines", "Jonas", "Karin", "Lukas", "Maria", "Nils", "Olga", "Peter")
	r.LastName = one(rnd, "Schmidt", "Müller", "Weber", "Becker", "Hoffmann", "Koch", "Richter", "Klein", "Wolf", "Neumann", "Schwarz", "Zimmermann")
	r.Address = fmt.Sprintf("%s.%s%d@example.com", r.FirstName, r.LastName, i)
	r.Email = accounts.Email(accounts.NameKey(r.Address))
	r.Company = fmt.Sprintf("%s Bakery %d GmbH", r.LastName, i%1000)
	r.Phone = fmt.Sprintf("+49 30 %07d", i*7919%10_000_000)
	r.Postal = fmt.Sprintf("%s %d\n%05d %s", one(rnd, "Main Street", "Park Avenue", "Hauptstraße", "Gartenweg"), rnd.IntN(300), rnd.IntN(99_999),
		one(rnd, "Berlin", "Hamburg", "München", "Köln", "Leipzig", "Essen"))
	switch {
	case i%100 == 0:
		r.SuspendedAt = noon
	case i%3 == 0:
		r.ActiveAt = noon
	case i%3 == 1:
		r.InvitedAt = noon
	}
	return r
}

func newShelf(b *testing.B, n int) *shelf {
	b.Helper()
	return stocked(b, n, func(i int) (accounts.Client, int) {
		r := benchClient(i)
		if i == n/2 {
			r.User, r.SuspendedAt = "client", time.Time{}
			return r, 10
		}
		return r, 1
	})
}

// stocked is a shelf with clients who come as of says, each with so many sites.
func stocked(b *testing.B, n int, of func(i int) (accounts.Client, int)) *shelf {
	b.Helper()
	st, path := fresh(b, nil)
	apply(b, st, change("seed", func(c *access.Change) {
		c.Accounts = []accounts.Account{account("agency")}
		c.Users = []accounts.User{user("staff"), user("client")}
		c.Memberships = []accounts.Membership{member("agency", "staff")}
		for _, who := range []string{"staff", "client"} {
			c.Sessions = append(c.Sessions, access.Session{
				SessionState: access.SessionState{ID: accounts.SessionID(who), User: accounts.UserID(who), CreatedAt: noon, AuthAt: noon, SeenAt: noon},
				Hash:         token.Hash(sha256.Sum256([]byte(who))),
			})
		}
		for i := range 500 {
			s := accounts.Site{Name: fmt.Sprint("Site ", i), Domain: fmt.Sprintf("site%d.example", i), CreatedAt: made(i)}
			s.Account, s.ID = "agency", accounts.SiteID(fmt.Sprintf("s%03d", i))
			c.Sites = append(c.Sites, s)
		}
	}))
	for from := 0; from < n; from += 500 {
		apply(b, st, change(fmt.Sprint("seed", from), func(c *access.Change) {
			for i := from; i < min(from+500, n); i++ {
				r, given := of(i)
				c.Clients = append(c.Clients, r)
				for k := range given {
					x := accounts.SiteAccess{Permissions: []roles.Permission{"site.view", "site.edit", "blog.edit"}, CreatedAt: noon, UpdatedAt: noon}
					x.Account, x.Client, x.Site = r.Account, r.ID, accounts.SiteID(fmt.Sprintf("s%03d", (i+k)%500))
					c.SiteAccess = append(c.SiteAccess, x)
				}
			}
		}))
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=cache_size(-16384)")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	return &shelf{TB: b, st: st, n: n, hand: db}
}

// byHand prepares a statement that returns lines of the list of clients, and
// returns how to read them.
func (s *shelf) byHand(where, order string) func(ctx context.Context, args ...any) (int, error) {
	s.Helper()
	stmt, err := s.hand.PrepareContext(s.Context(), `SELECT f.id, f.version, f.epoch, f.suspended_at, f.first_name, f.last_name, f.email, f.address, f.company, f.postal, f.phone, f.notes, f.locale,
			f.invited_at, f.active_at, f.created_at, f.updated_at,
			(SELECT json_group_array(json_array(b.site_id, j.name, b.permissions)) FROM chatelaine_site_access b JOIN chatelaine_sites j ON j.account_id = b.account_id AND j.id = b.site_id
				WHERE b.account_id = f.account_id AND b.client_id = f.id AND b.ended_at = 0 AND j.removed_at = 0)
		FROM `+where+` ORDER BY `+order+` LIMIT 50`)
	require.NoError(s, err)
	s.Cleanup(func() { require.NoError(s, stmt.Close()) })
	return func(ctx context.Context, args ...any) (int, error) {
		rows, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return 0, err
		}
		defer func() { _ = rows.Close() }()
		var all []accounts.ClientEntry
		var at [5]int64
		var sites, email string
		for rows.Next() {
			var e accounts.ClientEntry
			r := &e.Client
			if err := rows.Scan((*string)(&r.ID), &r.Version, &r.Epoch, &at[0], &r.FirstName, &r.LastName, &email, &r.Address, &r.Company, &r.Postal, &r.Phone, &r.Notes, &r.Locale,
				&at[1], &at[2], &at[3], &at[4], &sites); err != nil {
				return 0, err
			}
			r.SuspendedAt, r.InvitedAt, r.ActiveAt = time.UnixMicro(at[0]), time.UnixMicro(at[1]), time.UnixMicro(at[2])
			r.CreatedAt, r.UpdatedAt = time.UnixMicro(at[3]), time.UnixMicro(at[4])
			all = append(all, e)
		}
		return len(all), rows.Err()
	}
}

const listed = `chatelaine_clients f WHERE f.account_id = 'agency' AND f.deleted_at = 0 AND (f.created_at, f.id) < (?1, ?2)`

// BenchmarkClients is a page of 50 of an account's clients: the first, one in
// the middle and the last; of a status; and of searches, common and rare. By
// hand all are walked by the index of the list.
func BenchmarkClients(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newShelf(b, n)
			list := s.byHand(listed, `f.created_at DESC, f.id DESC`)
			active := s.byHand(listed+` AND f.status = 3`, `f.created_at DESC, f.id DESC`)
			fits := s.byHand(listed+` AND instr(f.search, ?3) > 0`, `f.created_at DESC, f.id DESC`)
			last := accounts.ClientCursor{CreatedAt: made(50), ID: clientName(50)}
			middle := accounts.ClientCursor{CreatedAt: made(n / 2), ID: clientName(n / 2)}
			for _, tt := range []struct {
				name string
				q    accounts.ClientRecordQuery
				hand func(ctx context.Context, args ...any) (int, error)
				arg  []any
				some int // how many entries, if not a page
			}{
				{"first", accounts.ClientRecordQuery{}, list, nil, 50},
				{"middle", accounts.ClientRecordQuery{Before: middle}, list, nil, 50},
				{"last", accounts.ClientRecordQuery{Before: last}, list, nil, 50},
				{"status", accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientActive}}, active, nil, 50},
				{"status/middle", accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientActive}, Before: middle}, active, nil, 50},
				{"search/common", accounts.ClientRecordQuery{Search: "example"}, fits, []any{"example"}, 50},
				{"search/common/middle", accounts.ClientRecordQuery{Search: "example", Before: middle}, fits, []any{"example"}, 50},
				{"search/letters", accounts.ClientRecordQuery{Search: "an"}, fits, []any{"Wan"}, 50},
				{"search/letter", accounts.ClientRecordQuery{Search: "a"}, fits, []any{"Wa"}, 50},
				{"search/name", accounts.ClientRecordQuery{Search: "anna schmidt"}, fits, []any{"anna Wschmidt"}, 0},
				{"search/words", accounts.ClientRecordQuery{Search: "müller bakery 12"}, fits, []any{"müller Wbakery W12"}, 0},
				{"search/rare", accounts.ClientRecordQuery{Search: "7919"}, fits, []any{"7919"}, 0},
				{"search/rarest", accounts.ClientRecordQuery{Search: fmt.Sprintf("%d@exam", n-7)}, fits, []any{fmt.Sprintf("%dW@Wexam", n-7)}, 0},
				{"search/none", accounts.ClientRecordQuery{Search: "xyzzy"}, fits, []any{"xyzzy"}, 0},
				{"search/status", accounts.ClientRecordQuery{Search: "example", Statuses: []accounts.ClientStatus{accounts.ClientSuspended}}, fits, []any{"example"}, 0},
			} {
				b.Run(tt.name, func(b *testing.B) {
					tt.q.Account = "agency"
					at, id := int64(1)<<62, ""
					if tt.q.Before.ID != "" {
						at, id = tt.q.Before.CreatedAt.UnixMicro(), string(tt.q.Before.ID)
					}
					args := append([]any{at, id}, tt.arg...)
					versus(b, func(int) error {
						all, err := s.st.ClientRecords(b.Context(), tt.q)
						if tt.some == 0 {
							return err
						}
						return want(len(all), tt.some, err)
					}, func(int) error {
						_, err := tt.hand(b.Context(), args...)
						return err
					})
				})
			}
			for _, who := range []string{"staff", "client"} {
				b.Run("principal/"+who, func(b *testing.B) { s.admission(b, who) })
			}
		})
	}
}

// admission is what a request of a page reads: of a member, and of a client
// with ten sites.
func (s *shelf) admission(b *testing.B, who string) {
	b.Helper()
	stmt, err := s.hand.PrepareContext(b.Context(), `SELECT x.id, x.user_epoch, x.login, x.created_at, x.auth_at, x.seen_at, x.ended_at, u.id, u.name, u.epoch, u.suspended_at, u.deleted_at,
			a.id, a.name, a.suspended_at, a.closed_at, coalesce(m.role, ''), coalesce(m.after_login, 0), coalesce(m.suspended_at, 0), coalesce(m.ended_at, 0),
			coalesce(f.id, ''), coalesce(f.epoch, 0), coalesce(f.after_login, 0), coalesce(f.suspended_at, 0), s.role,
			CASE WHEN f.id <> '' THEN (SELECT json_group_array(json_array(b.site_id, j.name, b.permissions)) FROM chatelaine_site_access b JOIN chatelaine_sites j ON j.account_id = b.account_id AND j.id = b.site_id
				WHERE b.account_id = f.account_id AND b.client_id = f.id AND b.ended_at = 0 AND j.removed_at = 0) ELSE '' END
		FROM chatelaine_sessions x JOIN chatelaine_users u ON u.id = x.user_id JOIN chatelaine_accounts a ON a.id = ?2
		LEFT JOIN chatelaine_memberships m ON m.account_id = a.id AND m.user_id = u.id
		LEFT JOIN chatelaine_clients f ON f.user_id = u.id AND f.account_id = a.id AND f.deleted_at = 0
		LEFT JOIN chatelaine_assignments s ON s.client_id = a.id AND s.user_id = u.id
		WHERE x.hash = ?1`)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, stmt.Close()) })
	hash := token.Hash(sha256.Sum256([]byte(who)))
	versus(b, func(int) error {
		a, err := s.st.Admission(b.Context(), hash, "agency")
		if err == nil && len(a.Sites) == 0 && a.Standing.Member.Role == "" {
			err = fmt.Errorf("%s is not admitted", who)
		}
		return err
	}, func(int) error {
		var d [26]any
		p := make([]any, len(d))
		for i := range d {
			p[i] = &d[i]
		}
		return stmt.QueryRowContext(b.Context(), hash[:], "agency").Scan(p...)
	})
}

// BenchmarkClientWrite is a client that is made, and one whose name changes: the
// row with its event, and its words. By hand there is no index of words.
func BenchmarkClientWrite(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		s := newShelf(b, n)
		path := filepath.Join(b.TempDir(), "hand.db")
		other, err := ours.Open(b.Context(), path, nil)
		require.NoError(b, err)
		apply(b, other, change("seed", func(c *access.Change) { c.Accounts = []accounts.Account{account("agency")} }))
		require.NoError(b, other.Close())
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)")
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, db.Close()) })
		db.SetMaxOpenConns(1)
		d := &desk{TB: b}
		d.conn, err = db.Conn(b.Context())
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, d.conn.Close()) })
		begin, commit, events := d.prepare("BEGIN IMMEDIATE"), d.prepare("COMMIT"), d.prepare(insertEvent)
		clients := d.prepare(`INSERT INTO chatelaine_clients (account_id, id, version, user_id, epoch, after_login, after_at, suspended_at, deleted_at, first_name, last_name, email, address, company, postal, phone, notes, locale, invited_at, active_at, stage, sited, search, late, created_at, updated_at)
			VALUES ('agency', ?1, 1, NULL, 0, 0, 0, 0, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', '', 0, 0, 0, 0, '', 0, ?9, ?9)`)
		next := n
		b.Run(fmt.Sprintf("%d/create", n), func(b *testing.B) {
			versus(b, func(int) error {
				next++
				return s.st.ApplyAccounts(b.Context(), change(fmt.Sprint("new", next), func(c *access.Change) {
					c.Clients = []accounts.Client{benchClient(next)}
				}).Change)
			}, func(int) error {
				r := benchClient(next)
				op := fmt.Sprint("new", next)
				return run(b.Context(), step{stmt: begin},
					step{clients, []any{string(r.ID), r.FirstName, r.LastName, string(r.Email), r.Address, r.Company, r.Postal, r.Phone, r.CreatedAt.UnixMicro()}, 1},
					step{events, []any{op, noon.UnixMicro(), "client.created", "agency", "", "", "", "", "staff"}, 1},
					step{stmt: commit})
			})
		})
	}
}
