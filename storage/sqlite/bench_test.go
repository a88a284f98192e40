package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// body is a mail as long as the library's own.
var body = strings.Repeat("The quick brown fox jumps over the lazy dog.\n", 20)

// seedAgency makes an agency with an owner, and so many client accounts with
// one owner each and a pending request to each.
func seedAgency(b testing.TB, st *ours.Store, clients int) {
	b.Helper()
	agency := account("agency")
	agency.ProgrammeAt, agency.ClientAccessAt = noon, noon
	apply(b, st, change("seed", func(c *access.Change) {
		c.Users = []accounts.User{user("staff")}
		c.Accounts = []accounts.Account{agency}
		c.Memberships = []accounts.Membership{member("agency", "staff")}
	}))
	for from := 0; from < clients; from += 500 {
		apply(b, st, change(fmt.Sprint("seed", from), func(c *access.Change) {
			for i := from; i < min(from+500, clients); i++ {
				id := fmt.Sprintf("client-%06d", i)
				c.Users = append(c.Users, user("owner-"+id))
				c.Accounts = append(c.Accounts, account(id))
				c.Memberships = append(c.Memberships, member(id, "owner-"+id))
				c.Requests = append(c.Requests, request(fmt.Sprintf("request-%06d", i), "owner-"+id+"@example.com"))
			}
		}))
	}
}

func member(acc, usr string) accounts.Membership {
	m := accounts.Membership{Account: accounts.AccountID(acc), User: accounts.UserID(usr), CreatedAt: noon, UpdatedAt: noon}
	m.Role = "owner"
	return m
}

func request(id, email string) access.Request {
	return access.Request{
		ID: accounts.RequestID(id), Agency: "agency", Email: accounts.Email(email), Address: email, Requester: "staff",
		Message: "We would like to help you with your campaigns.", Level: "admin", Hash: token.Hash(sha256.Sum256([]byte(id))),
		State: access.Pending, SentAt: noon, ExpiresAt: noon.Add(7 * 24 * time.Hour), CreatedAt: noon, UpdatedAt: noon,
	}
}

// approval is what approving a request makes durable.
func approval(i int) access.Change {
	client := accounts.AccountID(fmt.Sprintf("client-%06d", i))
	id := fmt.Sprintf("request-%06d", i)
	return change(fmt.Sprintf("approve-%06d", i), func(c *access.Change) {
		r := request(id, "owner-"+string(client)+"@example.com")
		r.Version, r.State, r.Client, r.Decider, r.DecidedAt = 1, access.Approved, client, "x", noon
		key := accounts.ConnectionKey{Client: client, Agency: "agency"}
		c.Guards = []accounts.Guard{{Account: "agency", Version: 1}, {Account: client, Version: 1, Move: true}}
		c.Requests = []access.Request{r}
		c.Connections = []accounts.Connection{{
			ConnectionKey: key, ConnectionState: accounts.ConnectionState{Cap: "admin", Epoch: 1},
			Request: r.ID, Approver: "x", CreatedAt: noon, UpdatedAt: noon,
		}}
		c.Assignments = []accounts.Assignment{{
			ConnectionKey: key, User: "staff", AssignmentState: accounts.AssignmentState{Role: "admin", ConnectionEpoch: 1},
			CreatedAt: noon, UpdatedAt: noon,
		}}
		c.Events = []accounts.Event{event(c.Op, 1), event(c.Op, 2)}
		c.CancelMail = []mail.Reason{mail.ReasonFor("agency", "agency", "request", id)}
		m := message("approved-"+id, "")
		m.Text = body
		c.Mail = []mail.Message{m}
	})
}

func BenchmarkApproval(b *testing.B) {
	b.Run("write", func(b *testing.B) {
		approvals(b, func(st *ours.Store, i int) error { return st.ApplyAccess(b.Context(), approval(i)) })
	})
	b.Run("read and write", func(b *testing.B) {
		approvals(b, func(st *ours.Store, i int) error {
			id := fmt.Sprintf("%06d", i)
			d, err := st.Deciding(b.Context(), access.DecidingQuery{
				Hash: token.Hash(sha256.Sum256([]byte("request-" + id))), User: accounts.UserID("owner-client-" + id),
				Client: accounts.AccountID("client-" + id), Day: accounts.DayOf(noon), Top: "owner",
			})
			if err != nil {
				return err
			}
			if d.Decider.User.ID == "" || d.Client.ID == "" || len(d.AgencyOwners) != 1 {
				return fmt.Errorf("approval %d read too little", i)
			}
			return st.ApplyAccess(b.Context(), approval(i))
		})
	})
}

// approvals runs one for each round, from eight goroutines.
func approvals(b *testing.B, one func(st *ours.Store, i int) error) {
	b.Helper()
	st, _ := fresh(b, nil)
	seedAgency(b, st, b.N)
	times := fromEight(b, func(i int) error { return one(st, i) })
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*50/100].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// fromEight runs one for each round, from eight goroutines, and returns how
// long each took.
func fromEight(b *testing.B, one func(i int) error) []time.Duration {
	b.Helper()
	var next atomic.Int64
	times := make([]time.Duration, b.N)
	b.ResetTimer()
	began := time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				t := time.Now()
				if err := one(i); err != nil {
					b.Error(err)
					return
				}
				times[i] = time.Since(t)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "approvals/s")
	return times
}

// batch is 35 requests with their events, mails and counters.
func batch(n int) access.Change {
	return change(fmt.Sprintf("batch-%06d", n), func(c *access.Change) {
		c.Guards = []accounts.Guard{{Account: "agency", Version: 1}}
		c.Events = nil
		day := accounts.DayOf(noon) + accounts.Day(n)
		c.Spend = append(c.Spend, accounts.Spend{
			QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "agency", Day: day}, N: 35, Limit: 35,
		})
		for i := range 35 {
			id := fmt.Sprintf("%06d-%02d", n, i)
			email := id + "@example.com"
			c.Requests = append(c.Requests, request(id, email))
			c.Events = append(c.Events, event(c.Op, i+1))
			m := message("mail-"+id, string(mail.ReasonFor("agency", "agency", "request", id)))
			m.Text = body
			c.Mail = append(c.Mail, m)
			c.Spend = append(c.Spend, accounts.Spend{
				QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: email, Day: day}, N: 1, Limit: 5,
			})
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	st, _ := fresh(b, nil)
	seedAgency(b, st, 1)
	hand := byHand(b)
	var mine, theirs time.Duration
	n := 0
	for b.Loop() {
		c := batch(n)
		t := time.Now()
		require.NoError(b, st.ApplyAccess(b.Context(), c))
		mine += time.Since(t)
		t = time.Now()
		hand(b.Context(), c)
		theirs += time.Since(t)
		n++
	}
	b.ReportMetric(float64(mine.Microseconds())/float64(n), "ours-µs")
	b.ReportMetric(float64(theirs.Microseconds())/float64(n), "hand-µs")
	b.ReportMetric(mine.Seconds()/theirs.Seconds(), "ratio")
}

// byHand writes a batch as somebody would who knows just this batch: five
// prepared statements of 35 rows each, bare on the driver's connection.
func byHand(b testing.TB) func(ctx context.Context, c access.Change) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "hand.db")
	st, err := ours.Open(b.Context(), path, nil)
	require.NoError(b, err)
	seedAgency(b, st, 1)
	require.NoError(b, st.Close())
	cn, err := sqlite.NewConnector("file:" + path + "?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)")
	require.NoError(b, err)
	db := sql.OpenDB(cn)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	sc, err := db.Conn(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, sc.Close()) })

	multi := func(head string, width int, tail string) string {
		row := "(" + strings.TrimSuffix(strings.Repeat("?, ", width), ", ") + ")"
		return head + strings.TrimSuffix(strings.Repeat(row+", ", 35), ", ") + tail
	}
	texts := []string{
		"BEGIN IMMEDIATE", "COMMIT",
		multi("INSERT INTO chatelaine_quotas (subject, kind, day, used) VALUES ", 4, " ON CONFLICT DO UPDATE SET used = used + excluded.used WHERE used + excluded.used <= 5"),
		multi("INSERT INTO chatelaine_requests (agency_id, id, version, agency_epoch, email, address, requester_id, message, level, locale, hash, state, sent_at, expires_at, resend_day, resends, client_id, decider_id, decided_at, reason, created_at, updated_at) VALUES ", 22, ""),
		multi("INSERT INTO chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, session_id, role, was, action, refusal, by_user, by_session, by_system, by_operator, by_reason, by_request, mail_id, invitation_id, client_id, site_id, view_id, by_client, taken, due_at, attempts, fence) VALUES ", 29, ""),
		multi("INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority, due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error) VALUES ", 25, ""),
	}
	var stmts []driver.StmtExecContext
	require.NoError(b, sc.Raw(func(raw any) error {
		for _, text := range texts {
			st, err := raw.(driver.Conn).Prepare(text)
			if err != nil {
				return err
			}
			b.Cleanup(func() { _ = st.Close() })
			stmts = append(stmts, st.(driver.StmtExecContext))
		}
		return nil
	}))
	return func(ctx context.Context, c access.Change) {
		ctx = context.WithoutCancel(ctx)
		args := [6][]driver.NamedValue{}
		add := func(k int, values ...any) {
			for _, v := range values {
				args[k] = append(args[k], driver.NamedValue{Ordinal: len(args[k]) + 1, Value: v})
			}
		}
		for _, s := range c.Spend[1:] {
			add(2, s.Subject, string(s.Kind), int64(s.Day), int64(s.N))
		}
		for _, r := range c.Requests {
			add(3, string(r.Agency), string(r.ID), int64(1), r.AgencyEpoch, string(r.Email), r.Address, string(r.Requester), r.Message, string(r.Level), r.Locale, r.Hash[:], string(r.State), r.SentAt.UnixMicro(), r.ExpiresAt.UnixMicro(), int64(r.ResendDay), int64(r.Resends), string(r.Client), string(r.Decider), int64(0), r.Reason, r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro())
		}
		for _, e := range c.Events {
			add(4, string(e.Op), int64(e.Seq), e.At.UnixMicro(), string(e.Kind), string(e.Account), string(e.Agency), string(e.User), string(e.Request), string(e.Session), string(e.Role), string(e.Was), string(e.Action), e.Refusal, string(e.By.User), string(e.By.Session), e.By.System, e.By.Operator, e.By.Reason, e.By.RequestID, e.Mail, string(e.Invitation), string(e.Client), string(e.Site), string(e.View), string(e.By.Client), int64(0), int64(0), int64(0), int64(0))
		}
		for _, m := range c.Mail {
			add(5, m.ID, string(m.Channel), m.Kind, m.Account, m.From.Name, m.From.Address, m.To, m.ToName, m.User, m.Locale, m.Subject, m.Text, "", nil, string(m.Reason), int64(m.Priority), m.Due.UnixMicro(), int64(0), m.CreatedAt.UnixMicro(), "queued", int64(0), int64(0), int64(0), int64(0), "")
		}
		require.NoError(b, sc.Raw(func(any) error {
			for _, i := range []int{0, 2, 3, 4, 5, 1} {
				if _, err := stmts[i].ExecContext(ctx, args[i]); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
