package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// desk is two files with the same in them: one that the services run on, and
// one for the statements of somebody who writes just this by hand: prepared
// once on one connection, the same rows read and written, no more than it needs.
type desk struct {
	testing.TB

	st       *ours.Store
	env      *accounts.Env
	sessions *access.Sessions
	logins   *access.Logins
	invites  *invites.Service
	hasher   *password.Hasher
	conn     *sql.Conn
}

// people of the desk. Each is asked once in so many rounds.
const crowd = 2_000

func newDesk(b *testing.B) *desk {
	b.Helper()
	hasher, err := password.New(&password.Options{Memory: 8, Time: 1})
	require.NoError(b, err)
	hash, err := hasher.Hash(b.Context(), "six wandering llamas eat")
	require.NoError(b, err)
	path := filepath.Join(b.TempDir(), "hand.db")
	hand, err := ours.Open(b.Context(), path, nil)
	require.NoError(b, err)
	st, _ := fresh(b, nil)
	for _, s := range []*ours.Store{st, hand} {
		seedDesk(b, s, hash)
	}
	require.NoError(b, hand.Close())
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	d := &desk{TB: b, st: st, hasher: hasher}
	d.conn, err = db.Conn(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, d.conn.Close()) })
	d.serve()
	return d
}

type unlimited struct{}

func (unlimited) Allow(string) error { return nil }

// serve makes the services, on a clock that stands still at noon.
func (d *desk) serve() {
	d.Helper()
	var err error
	d.env, err = accounts.NewEnv(&accounts.EnvOptions{
		Clock: stopped{}, Burst: unlimited{}, Limits: accounts.Limits{InvitationsPerDay: 100},
		Policy: accounts.PlanTable{Plans: map[string]accounts.Plan{"": {Roles: []roles.Role{roles.Viewer}}}},
	})
	require.NoError(d, err)
	policy, err := password.NewPolicy(nil)
	require.NoError(d, err)
	d.sessions, err = access.NewSessions(d.st, d.env)
	require.NoError(d, err)
	d.logins, err = access.NewLogins(d.st, d.env, &access.LoginOptions{Hasher: d.hasher, Passwords: policy})
	require.NoError(d, err)
	d.invites, err = invites.New(d.st, d.env, &invites.Options{Hasher: d.hasher, Passwords: policy})
	require.NoError(d, err)
}

// as is somebody who has just logged in with the host.
func (d *desk) as(ctx context.Context, u accounts.UserID) (accounts.Actor, error) {
	p, err := d.sessions.ForUser(ctx, accounts.Login{User: u, At: noon}, "")
	return p.Actor(), err
}

// seedDesk puts in people with a password and an account of their own each, and
// two who are members of 10 and of 5,000 accounts.
func seedDesk(b *testing.B, st *ours.Store, hash string) {
	b.Helper()
	for from := 0; from < crowd; from += 500 {
		apply(b, st, change(fmt.Sprint("crowd", from), func(c *access.Change) {
			for i := from; i < from+500; i++ {
				u := user(fmt.Sprintf("u%05d", i))
				u.Proven = true
				c.Users = append(c.Users, u)
				c.Credentials = append(c.Credentials, accounts.Credential{User: u.ID, Hash: hash, CreatedAt: noon, UpdatedAt: noon})
				c.Accounts = append(c.Accounts, account("of-"+string(u.ID)))
				c.Memberships = append(c.Memberships, member("of-"+string(u.ID), string(u.ID)))
			}
		}))
	}
	for _, n := range []int{10, 5_000} {
		who := fmt.Sprint("holder-", n)
		apply(b, st, change(who, func(c *access.Change) { c.Users = []accounts.User{user(who)} }))
		for from := 0; from < n; from += 500 {
			apply(b, st, change(fmt.Sprint(who, from), func(c *access.Change) {
				for i := from; i < min(n, from+500); i++ {
					id := fmt.Sprintf("%s-%04d", who, i)
					c.Accounts = append(c.Accounts, account(id))
					c.Memberships = append(c.Memberships, member(id, who))
				}
			}))
		}
	}
}

func (d *desk) prepare(text string) *sql.Stmt {
	d.Helper()
	s, err := d.conn.PrepareContext(d.Context(), text)
	require.NoError(d, err)
	d.Cleanup(func() { require.NoError(d, s.Close()) })
	return s
}

// step is a statement with its arguments, and how many rows it must change: 0
// is any number.
type step struct {
	stmt *sql.Stmt
	args []any
	rows int64
}

func run(ctx context.Context, steps ...step) error {
	for i, s := range steps {
		res, err := s.stmt.ExecContext(ctx, s.args...)
		if err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if n, err := res.RowsAffected(); err != nil || s.rows != 0 && n != s.rows {
			return fmt.Errorf("step %d changed %d rows, want %d (%w)", i, n, s.rows, err)
		}
	}
	return nil
}

// versus runs the two in turns, and reports their medians and how many times
// longer ours takes, by the median and by the mean.
func versus(b *testing.B, mine, hand func(i int) error) {
	b.Helper()
	var took [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		for k, do := range []func(int) error{mine, hand} {
			began := time.Now()
			if err := do(i); err != nil {
				b.Fatal(k, err)
			}
			took[k] = append(took[k], time.Since(began))
		}
	}
	var p50, mean [2]float64
	for k := range took {
		for _, t := range took[k] {
			mean[k] += float64(t.Nanoseconds()) / 1000 / float64(len(took[k]))
		}
		slices.Sort(took[k])
		p50[k] = float64(took[k][len(took[k])/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(p50[0], "ours-p50-µs")
	b.ReportMetric(p50[1], "hand-p50-µs")
	b.ReportMetric(p50[0]/p50[1], "ratio")
	b.ReportMetric(mean[0]/mean[1], "mean-ratio")
}

// insertEvent takes op, at, kind, account,
// user, session, invitation, role, by.
const insertEvent = "INSERT INTO chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, session_id, mail_id, role, was, action, refusal, by_user, by_session, by_system, by_operator, by_reason, by_request, invitation_id, client_id, site_id, view_id, by_client, taken, due_at, attempts, fence) VALUES (?1, 1, ?2, ?3, ?4, '', ?5, '', ?6, '', ?8, '', '', '', ?9, '', '', '', '', '', ?7, '', '', '', '', 0, 0, 0, 0)"

// insertMail takes id, kind, account, recipient, name, body, reason, at.
const insertMail = "INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority, due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error) VALUES (?1, 'email', ?2, ?3, '', '', ?4, ?5, '', '', 'Subject', ?6, '', NULL, ?7, 1, ?8, 0, ?8, 'queued', 0, 0, 0, 0, '')"

// BenchmarkChooser is the first page of 50 of all ways in that count for a
// login: the user's memberships, and the assignments through agencies. By hand
// there is no search and no page but the first.
func BenchmarkChooser(b *testing.B) {
	d := newDesk(b)
	who := d.prepare("SELECT epoch, suspended_at, deleted_at FROM chatelaine_users WHERE id = ?")
	page := d.prepare(`SELECT * FROM (
			SELECT a.id, '', a.name, '', m.role, '', m.account_key FROM chatelaine_memberships m JOIN chatelaine_accounts a ON a.id = m.account_id
			WHERE m.user_id = ?1 AND m.role <> '' AND m.suspended_at = 0 AND m.ended_at = 0 AND m.after_at < ?2 AND a.suspended_at = 0 AND a.closed_at = 0
			ORDER BY m.account_key, m.account_id LIMIT 50)
		UNION ALL SELECT * FROM (
			SELECT a.id, g.id, a.name, g.name, s.role, c.cap, s.client_key FROM chatelaine_assignments s
			JOIN chatelaine_accounts a ON a.id = s.client_id JOIN chatelaine_accounts g ON g.id = s.agency_id
			JOIN chatelaine_connections c ON c.client_id = s.client_id AND c.agency_id = s.agency_id
			JOIN chatelaine_memberships w ON w.account_id = s.agency_id AND w.user_id = s.user_id
			LEFT JOIN chatelaine_memberships m ON m.account_id = s.client_id AND m.user_id = s.user_id
			WHERE s.user_id = ?1 AND s.ended_at = 0 AND s.connection_epoch = c.epoch AND s.member_epoch = w.epoch
				AND c.ended_at = 0 AND c.agency_epoch = g.epoch AND g.suspended_at = 0 AND g.closed_at = 0 AND g.client_access_at <> 0
				AND w.role <> '' AND w.suspended_at = 0 AND w.ended_at = 0 AND w.after_at < ?2
				AND a.suspended_at = 0 AND a.closed_at = 0 AND coalesce(m.suspended_at, 0) = 0
			ORDER BY s.client_key, s.client_id, s.agency_id LIMIT 50)
		ORDER BY 7, 1, 2 LIMIT 50`)
	for _, n := range []int{10, 5_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			id := fmt.Sprint("holder-", n)
			actor, err := d.as(b.Context(), accounts.UserID(id))
			require.NoError(b, err)
			versus(b, func(int) error {
				list, err := d.sessions.Chooser(b.Context(), actor, access.ChoicePage{})
				return want(len(list), min(50, n), err)
			}, func(int) error {
				var epoch, suspended, deleted int64
				if err := who.QueryRowContext(b.Context(), id).Scan(&epoch, &suspended, &deleted); err != nil {
					return err
				}
				rows, err := page.QueryContext(b.Context(), id, noon.UnixMicro())
				if err != nil {
					return err
				}
				defer func() { _ = rows.Close() }()
				var list []access.Choice
				for rows.Next() {
					var c access.Choice
					var key string
					if err := rows.Scan(&c.Account, &c.Agency, &c.Name, &c.AgencyName, &c.Role, &c.Cap, &key); err != nil {
						return err
					}
					list = append(list, c)
				}
				return want(len(list), min(50, n), rows.Err())
			})
		})
	}
}

func want(got, want int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%d entries, want %d", got, want)
	}
	return err
}

// BenchmarkLogin compares a right password with the cheapest hash there is, on
// both sides: what is measured is the rest, three questions and two commits.
func BenchmarkLogin(b *testing.B) {
	d := newDesk(b)
	entering := d.prepare("SELECT u.id, u.version, u.epoch, u.logins, u.suspended_at, u.kept, c.hash, coalesce(g.version, 0), coalesce(g.tries, 0), coalesce(g.last_at, 0) FROM chatelaine_users u JOIN chatelaine_credentials c ON c.user_id = u.id LEFT JOIN chatelaine_guesses g ON g.email = u.email WHERE u.email = ? AND u.email <> '' AND u.deleted_at = 0")
	open := d.prepare("SELECT count(*) FROM chatelaine_sessions WHERE user_id = ? AND ended_at = 0")
	begin, commit := d.prepare("BEGIN IMMEDIATE"), d.prepare("COMMIT")
	first := d.prepare("INSERT INTO chatelaine_guesses (email, version, tries, last_at) VALUES (?, 1, ?, ?)")
	next := d.prepare("UPDATE chatelaine_guesses SET version = version + 1, tries = ?1, last_at = ?2 WHERE email = ?3 AND version = ?4")
	users := d.prepare("UPDATE chatelaine_users SET version = version + 1, logins = ?1, updated_at = ?2 WHERE id = ?3 AND version = ?4")
	sessions := d.prepare("INSERT INTO chatelaine_sessions (id, version, hash, user_id, user_epoch, login, method, created_at, auth_at, seen_at, ended_at, account_id, from_id, user_agent, source) VALUES (?1, 1, ?2, ?3, ?4, ?5, 'password', ?6, ?6, ?6, 0, '', '', '', '')")
	events := d.prepare(insertEvent)
	at := noon.UnixMicro()
	versus(b, func(i int) error {
		_, _, err := d.logins.LogIn(b.Context(), access.LogIn{Email: email(i), Password: "six wandering llamas eat"}, access.Device{})
		return err
	}, func(i int) error {
		type row struct {
			id, hash                                                   string
			version, epoch, logins, suspended, kept, guess, tries, try int64
		}
		read := func() (r row, err error) {
			err = entering.QueryRowContext(b.Context(), email(i)).Scan(&r.id, &r.version, &r.epoch, &r.logins, &r.suspended, &r.kept, &r.hash, &r.guess, &r.tries, &r.try)
			return r, err
		}
		r, err := read()
		if err != nil {
			return err
		}
		count := step{first, []any{email(i), r.tries + 1, at}, 1}
		if r.guess > 0 {
			count = step{next, []any{r.tries + 1, at, email(i), r.guess}, 1}
		}
		if err := run(b.Context(), step{stmt: begin}, count, step{stmt: commit}); err != nil {
			return err
		}
		if m, err := d.hasher.Verify(b.Context(), r.hash, "six wandering llamas eat"); err != nil || !m.OK {
			return fmt.Errorf("%v %w", m, err)
		}
		if r, err = read(); err != nil {
			return err
		}
		var n int
		if err := open.QueryRowContext(b.Context(), r.id).Scan(&n); err != nil {
			return err
		}
		id := d.env.NewID(noon)
		return run(
			b.Context(), step{stmt: begin},
			step{next, []any{0, at, email(i), r.guess}, 1},
			step{users, []any{r.logins + 1, at, r.id, r.version}, 1},
			step{sessions, []any{id, hashOf(id), r.id, r.epoch, r.logins + 1, at}, 1},
			step{events, []any{id, at, "session.started", "", r.id, id, "", "", r.id}, 1},
			step{stmt: commit},
		)
	})
}

func email(i int) string { return fmt.Sprintf("u%05d@example.com", i%crowd) }

func hashOf(s string) []byte { h := hash(s); return h[:] }

// BenchmarkAccept is an acceptance by somebody who has a login. Nobody renders
// the mail by hand: it is as long as the library's.
func BenchmarkAccept(b *testing.B) {
	d := newDesk(b)
	facts := d.prepare(`SELECT v.version, v.email, v.role, v.tenure, v.suspensions, v.expires_at, v.state, a.version, a.name, a.suspended_at, a.closed_at,
		q.epoch, q.suspensions, q.email, q.name, w.role, w.tenure, u.version, u.epoch, u.email, u.proven, u.confirms, coalesce(m.version, 0),
		(SELECT count(*) FROM chatelaine_memberships x JOIN chatelaine_users y ON y.id = x.user_id AND y.deleted_at = 0 WHERE x.account_id = v.account_id AND x.ended_at = 0)
		FROM chatelaine_invitations v JOIN chatelaine_accounts a ON a.id = v.account_id JOIN chatelaine_users q ON q.id = v.inviter_id
		JOIN chatelaine_memberships w ON w.account_id = v.account_id AND w.user_id = v.inviter_id
		JOIN chatelaine_users u ON u.id = ?3 LEFT JOIN chatelaine_memberships m ON m.account_id = v.account_id AND m.user_id = u.id
		WHERE v.account_id = ?1 AND v.id = ?2`)
	begin, commit := d.prepare("BEGIN IMMEDIATE"), d.prepare("COMMIT")
	moved := d.prepare("UPDATE chatelaine_accounts SET version = version + 1 WHERE id = ?1 AND version = ?2")
	held := d.prepare("UPDATE chatelaine_users SET version = version WHERE id = ?1 AND epoch = ?2")
	users := d.prepare("UPDATE chatelaine_users SET version = version + 1, updated_at = ?1 WHERE id = ?2 AND version = ?3 AND epoch = ?4")
	members := d.prepare("INSERT INTO chatelaine_memberships (account_id, user_id, version, role, epoch, after_login, after_at, suspended_at, ended_at, tenure, reign, account_key, created_at, updated_at) VALUES (?1, ?2, 1, ?3, 1, 0, 0, 0, 0, 0, 0, ?4, ?5, ?5)")
	offers := d.prepare("UPDATE chatelaine_invitations SET version = version + 1, state = 'accepted', user_id = ?1, given = ?2, decided_at = ?3, updated_at = ?3 WHERE account_id = ?4 AND id = ?5 AND version = ?6")
	events := d.prepare(insertEvent)
	cancel := d.prepare("UPDATE chatelaine_mails INDEXED BY chatelaine_mails_unsent SET state = 'cancelled', subject = '', body = '', data = '', sealed = NULL, fence = fence + 1 WHERE state IN ('queued', 'dead') AND reason = ?")
	letters := d.prepare(insertMail)
	seeded := 0
	seed := func(upTo int) { // an invitation of each one to the next, again and again
		for ; seeded < upTo; seeded++ {
			i := seeded
			_, err := d.conn.ExecContext(b.Context(), `INSERT INTO chatelaine_invitations (account_id, id, version, email, address, role, message, locale, inviter_id, tenure, reign, suspensions, hash, state, sent_at, expires_at, resend_day, resends, user_id, given, decided_at, created_at, updated_at)
				VALUES (?1, ?2, 1, ?3, ?3, 'viewer', '', '', ?4, 0, 0, 0, ?5, 'pending', ?6, ?7, 0, 0, '', '', 0, ?6, ?6)`,
				home(i), fmt.Sprint("i", i), email(guestOf(i)), userOf(i), hashOf(fmt.Sprint("i", i)), noon.UnixMicro(), noon.Add(time.Hour).UnixMicro())
			require.NoError(b, err)
			offer := invitation(fmt.Sprint("i", i), email(guestOf(i)))
			offer.Account, offer.Inviter, offer.Role = accounts.AccountID(home(i)), accounts.UserID(userOf(i)), roles.Viewer
			require.NoError(b, d.st.ApplyInvites(b.Context(), inviting(fmt.Sprint("offer", i), offer)))
		}
	}
	seed(max(b.N, 2_000))
	actors := make([]accounts.Actor, crowd)
	for i := range actors {
		var err error
		actors[i], err = d.as(b.Context(), accounts.UserID(userOf(i)))
		require.NoError(b, err)
	}
	at := noon.UnixMicro()
	versus(b, func(i int) error {
		seed(i + 1)
		_, err := d.invites.Accept(b.Context(), actors[guestOf(i)], invites.Answer{Account: accounts.AccountID(home(i)), Invitation: accounts.InvitationID(fmt.Sprint("i", i))})
		return err
	}, func(i int) error {
		var f struct {
			version, tenure, suspensions, expires, account, suspended, closed, epoch, times, holds int64
			user, userEpoch, proven, confirms, member, seats                                       int64
			to, role, state, name, boss, bossName, bossRole, mine                                  string
		}
		id, guest := fmt.Sprint("i", i), userOf(guestOf(i))
		if err := facts.QueryRowContext(b.Context(), home(i), id, guest).Scan(&f.version, &f.to, &f.role, &f.tenure, &f.suspensions, &f.expires, &f.state, &f.account,
			&f.name, &f.suspended, &f.closed, &f.epoch, &f.times, &f.boss, &f.bossName, &f.bossRole, &f.holds, &f.user, &f.userEpoch, &f.mine, &f.proven, &f.confirms, &f.member, &f.seats); err != nil {
			return err
		}
		op := d.env.NewID(noon)
		return run(
			b.Context(), step{stmt: begin},
			step{moved, []any{home(i), f.account}, 1},
			step{held, []any{userOf(i), f.epoch}, 1},
			step{users, []any{at, guest, f.user, f.userEpoch}, 1},
			step{members, []any{home(i), guest, f.role, accounts.NameKey(f.name), at}, 1},
			step{offers, []any{guest, f.role, at, home(i), id, f.version}, 1},
			step{events, []any{op, at, "invitation.accepted", home(i), guest, "", id, f.role, guest}, 1},
			step{cancel, []any{"account/" + home(i) + "/invitation/" + id}, 0},
			step{letters, []any{op, "invitation-accepted", home(i), f.boss, f.bossName, body, "account/" + home(i), at}, 1},
			step{stmt: commit},
		)
	})
}

func userOf(i int) string { return fmt.Sprintf("u%05d", i%crowd) }
func home(i int) string   { return "of-" + userOf(i) }

// guestOf is whom the i-th invitation is for: nobody gets two to one account.
func guestOf(i int) int { return (i + 1 + i/crowd) % crowd }

// BenchmarkInvite is an invitation of somebody who is nobody yet.
func BenchmarkInvite(b *testing.B) {
	d := newDesk(b)
	facts := d.prepare(`SELECT a.version, a.name, a.suspended_at, a.closed_at, u.epoch, u.name, u.suspensions, m.role, m.tenure, m.reign,
		(SELECT count(*) FROM chatelaine_memberships x JOIN chatelaine_users y ON y.id = x.user_id AND y.deleted_at = 0 WHERE x.account_id = a.id AND x.ended_at = 0),
		(SELECT count(*) FROM chatelaine_invitations v INDEXED BY chatelaine_invitations_pending WHERE v.account_id = a.id AND v.state = 'pending' AND v.expires_at > ?4),
		EXISTS (SELECT 1 FROM chatelaine_users y JOIN chatelaine_memberships x ON x.user_id = y.id AND x.account_id = a.id AND x.ended_at = 0 WHERE y.email = ?3 AND y.email <> '' AND y.deleted_at = 0),
		EXISTS (SELECT 1 FROM chatelaine_invitations v WHERE v.account_id = a.id AND v.email = ?3 AND v.state = 'pending'),
		coalesce((SELECT used FROM chatelaine_quotas WHERE subject = a.id AND kind = 'invitations' AND day = ?5), 0),
		coalesce((SELECT used FROM chatelaine_quotas WHERE subject = ?3 AND kind = 'recipient' AND day = ?5), 0)
		FROM chatelaine_accounts a JOIN chatelaine_users u ON u.id = ?2 JOIN chatelaine_memberships m ON m.account_id = a.id AND m.user_id = u.id WHERE a.id = ?1`)
	begin, commit := d.prepare("BEGIN IMMEDIATE"), d.prepare("COMMIT")
	moved := d.prepare("UPDATE chatelaine_accounts SET version = version + 1 WHERE id = ?1 AND version = ?2")
	held := d.prepare("UPDATE chatelaine_users SET version = version WHERE id = ?1 AND epoch = ?2")
	spend := d.prepare("INSERT INTO chatelaine_quotas (subject, kind, day, used) VALUES (?1, ?2, ?3, 1) ON CONFLICT DO UPDATE SET used = used + 1 WHERE used < ?4")
	offers := d.prepare(`INSERT INTO chatelaine_invitations (account_id, id, version, email, address, role, message, locale, inviter_id, tenure, reign, suspensions, hash, state, sent_at, expires_at, resend_day, resends, user_id, given, decided_at, created_at, updated_at)
		VALUES (?1, ?2, 1, ?3, ?3, 'viewer', '', '', ?4, ?5, ?6, ?7, ?8, 'pending', ?9, ?10, ?11, 0, '', '', 0, ?9, ?9)`)
	events := d.prepare(insertEvent)
	letters := d.prepare(insertMail)
	actors := make([]accounts.Actor, crowd)
	for i := range actors {
		var err error
		actors[i], err = d.as(b.Context(), accounts.UserID(userOf(i)))
		require.NoError(b, err)
	}
	at, day := noon.UnixMicro(), int64(accounts.DayOf(noon))
	to := func(i int) string { return fmt.Sprintf("to-%d@example.com", i) }
	versus(b, func(i int) error {
		_, err := d.invites.Invite(b.Context(), actors[i%crowd], invites.Invite{Account: accounts.AccountID(home(i)), Email: to(i), Role: roles.Viewer})
		return err
	}, func(i int) error {
		var f struct {
			version, suspended, closed, epoch, suspensions, tenure, reign, members, pending, member, again, used, mails int64
			account, name, role                                                                                         string
		}
		if err := facts.QueryRowContext(b.Context(), home(i), userOf(i), to(i), at, day).Scan(&f.version, &f.account, &f.suspended, &f.closed, &f.epoch, &f.name,
			&f.suspensions, &f.role, &f.tenure, &f.reign, &f.members, &f.pending, &f.member, &f.again, &f.used, &f.mails); err != nil {
			return err
		}
		id := d.env.NewID(noon)
		return run(
			b.Context(), step{stmt: begin},
			step{moved, []any{home(i), f.version}, 1},
			step{held, []any{userOf(i), f.epoch}, 1},
			step{spend, []any{home(i), "invitations", day, 100}, 1},
			step{spend, []any{to(i), "recipient", day, 5}, 1},
			step{offers, []any{home(i), id, to(i), userOf(i), f.tenure, f.reign, f.suspensions, hashOf(id), at, noon.Add(7 * 24 * time.Hour).UnixMicro(), day}, 1},
			step{events, []any{id, at, "invitation.sent", home(i), "", "", id, "viewer", userOf(i)}, 1},
			step{letters, []any{id, "invited", home(i), to(i), "", body, "account/" + home(i) + "/invitation/" + id, at}, 1},
			step{stmt: commit},
		)
	})
}
