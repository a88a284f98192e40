package sqlite_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

const (
	burst    = 20 // messages that are claimed and settled together
	pageRows = 50 // rows of a page
)

// heap fills an outbox with n messages: a tenth is due, and of the others most
// were sent, or with busy, are put off or leased to somebody. Each has a reason
// of its own but for every tenth, which shares that of the one before it.
func heap(b *testing.B, db *sql.DB, n int, busy bool) {
	b.Helper()
	tx, err := db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	insert, err := tx.PrepareContext(b.Context(), `INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient,
		recipient_name, user_id, locale, subject, body, data, sealed, reason, priority, due_at, not_after, created_at, state, leased_until, attempts, fence,
		settled_at, error) VALUES (?, 'email', 'access-requested', 'agency', '', '', 'to@example.com', 'To', '', 'en', 'Subject', ?, '', NULL, ?, ?, ?, 0, ?,
		?, ?, 0, 0, ?, '')`)
	require.NoError(b, err)
	at := noon.UnixMicro()
	for i := range n {
		state, due, leased, settled, priority := "sent", at, int64(0), at, 1
		switch {
		case i%10 == 0:
			state, settled = "queued", 0
		case busy && i%2 == 0: // put off, and would go first
			state, due, settled, priority = "queued", at+int64(time.Hour/time.Microsecond), 0, 0
		case busy:
			state, leased, settled, priority = "queued", at+int64(time.Hour/time.Microsecond), 0, 0
		}
		reason := fmt.Sprintf("account/agency/request/%d", i-i%10/9)
		_, err := insert.ExecContext(b.Context(), fmt.Sprintf("m%07d", i), body, reason, priority, due+int64(i%1000), at+int64(i), state, leased, settled)
		require.NoError(b, err)
	}
	require.NoError(b, insert.Close())
	require.NoError(b, tx.Commit())
}

// postHand is what somebody writes who knows just one queue of one channel: the
// first that are due and not leased, by an index.
type postHand struct {
	db *sql.DB

	begin, commit, claim, settle, newest, page *sql.Stmt

	claims []time.Duration
}

func newPostHand(b *testing.B, path string) *postHand {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	prepare := func(text string) *sql.Stmt {
		s, err := db.PrepareContext(b.Context(), text)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, s.Close()) })
		return s
	}
	const due = `SELECT id FROM chatelaine_mails INDEXED BY chatelaine_mails_due WHERE state = 'queued' AND leased_until = 0 AND channel = 'email'
		AND due_at <= ? ORDER BY priority, due_at, id LIMIT ? + 0`
	return &postHand{
		db: db, begin: prepare("BEGIN IMMEDIATE"), commit: prepare("COMMIT"),
		claim: prepare(`UPDATE chatelaine_mails SET leased_until = ?, attempts = attempts + 1, fence = fence + 1 WHERE id IN (` + due + `)
			RETURNING id, kind, account_id, recipient, recipient_name, locale, subject, body, data, sealed, reason, priority, due_at, not_after, created_at, attempts, fence`),
		settle: prepare(`UPDATE chatelaine_mails SET state = 'sent', subject = '', body = '', data = '', sealed = NULL, leased_until = 0, fence = fence + 1,
			settled_at = ? WHERE id = ? AND state = 'queued' AND fence = ?`),
		newest: prepare(`SELECT id, channel, kind, account_id, recipient, reason, priority, state, attempts, due_at, not_after, created_at, settled_at, error
			FROM chatelaine_mails WHERE reason = ? ORDER BY created_at DESC, id DESC LIMIT 1`),
		page: prepare(`WITH k (reason) AS (VALUES ` + strings.TrimSuffix(strings.Repeat("(?), ", pageRows), ", ") + `)
			SELECT id, channel, kind, account_id, recipient, l.reason, priority, state, attempts, due_at, not_after, created_at, settled_at, error
			FROM k JOIN chatelaine_mails l ON l.id = (SELECT x.id FROM chatelaine_mails x WHERE x.reason = k.reason
				ORDER BY x.created_at DESC, x.id DESC LIMIT 1)`),
	}
}

// send claims a burst and records each message as sent.
func (h *postHand) send(b *testing.B) {
	b.Helper()
	ctx, at := b.Context(), noon.Add(time.Minute).UnixMicro()
	exec := func(s *sql.Stmt, args ...any) {
		_, err := s.ExecContext(ctx, args...)
		require.NoError(b, err)
	}
	var got []mail.Delivery
	began := time.Now()
	exec(h.begin)
	rows, err := h.claim.QueryContext(ctx, at+60_000_000, at, burst)
	require.NoError(b, err)
	for rows.Next() {
		var d mail.Delivery
		var data string
		var due, notAfter, created int64
		m := &d.Message
		require.NoError(b, rows.Scan(&m.ID, &m.Kind, &m.Account, &m.To, &m.ToName, &m.Locale, &m.Subject, &m.Text, &data, &m.Sealed, &m.Reason,
			&m.Priority, &due, &notAfter, &created, &d.Attempt, &d.Fence))
		m.Due, m.CreatedAt = time.UnixMicro(due), time.UnixMicro(created)
		got = append(got, d)
	}
	require.NoError(b, rows.Err())
	require.NoError(b, rows.Close())
	exec(h.commit)
	h.claims = append(h.claims, time.Since(began))
	require.Len(b, got, burst)
	for _, d := range got {
		exec(h.begin)
		exec(h.settle, at, d.Message.ID, d.Fence)
		exec(h.commit)
	}
}

// A burst of twenty is claimed and recorded as sent, one after the other, at
// 100,000 messages: beside statements by hand, and then with 90,000 in front
// that are put off or leased. A minute passes unless -benchtime is short.
func BenchmarkOutboxBurst(b *testing.B) {
	const n = 100_000
	for _, busy := range []bool{false, true} {
		name := map[bool]string{false: "of 100,000 most sent", true: "of 100,000 most put off or leased"}[busy]
		b.Run(name, func(b *testing.B) {
			st, path := fresh(b, nil)
			hand := newPostHand(b, path)
			heap(b, hand.db, n, busy)
			again := func() {
				_, err := hand.db.ExecContext(b.Context(), "UPDATE chatelaine_mails SET state = 'queued', settled_at = 0, body = ? WHERE state = 'sent' AND priority = 1 AND id LIKE '%0'", body)
				require.NoError(b, err)
			}
			var mine, theirs, claims []time.Duration
			for i := 0; b.Loop(); i++ {
				if i%200 == 199 {
					again()
				}
				began := time.Now()
				send(b, st, &claims)
				mine = append(mine, time.Since(began))
				if !busy || i < 5 { // by hand it walks
					began = time.Now()
					hand.send(b)
					theirs = append(theirs, time.Since(began))
				}
			}
			reportMedian(b, mine, "ours-µs")
			reportMedian(b, claims, "claim-µs")
			reportMedian(b, theirs, "hand-µs")
			reportMedian(b, hand.claims, "hand-claim-µs")
			b.ReportMetric(median(mine).Seconds()/median(theirs).Seconds(), "ratio")
		})
	}
}

func send(b *testing.B, st *sqlite.Store, claims *[]time.Duration) {
	b.Helper()
	at := noon.Add(time.Minute)
	began := time.Now()
	got, err := st.ClaimMail(b.Context(), mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: burst})
	*claims = append(*claims, time.Since(began))
	require.NoError(b, err)
	require.Len(b, got, burst)
	for _, d := range got {
		require.NoError(b, st.SettleMail(b.Context(), mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: at}))
	}
}

// A page of fifty rows asks how far the mail of each has come, at 100,000
// messages: beside the same statement bare, and beside fifty.
func BenchmarkOutboxNewest(b *testing.B) {
	st, path := fresh(b, nil)
	hand := newPostHand(b, path)
	heap(b, hand.db, 100_000, false)
	var mine, theirs, bare []time.Duration
	reasons := make([]mail.Reason, pageRows)
	for i := 0; b.Loop(); i++ {
		for j := range reasons {
			reasons[j] = mail.ReasonFor("account", "agency", "request", fmt.Sprint((i*970+j*10+8)%100_000))
		}
		began := time.Now()
		got, err := st.Newest(b.Context(), reasons)
		mine = append(mine, time.Since(began))
		require.NoError(b, err)
		began = time.Now()
		list := make([]mail.Record, len(reasons))
		for j, r := range reasons {
			hand.find(b, r, &list[j])
		}
		theirs = append(theirs, time.Since(began))
		began = time.Now()
		same := hand.all(b, reasons)
		bare = append(bare, time.Since(began))
		for j := range list {
			require.Equal(b, list[j].ID, got[j].ID)
			require.Equal(b, list[j].ID, same[j].ID)
		}
	}
	reportMedian(b, mine, "ours-µs")
	reportMedian(b, theirs, "hand-µs")
	reportMedian(b, bare, "bare-µs")
	b.ReportMetric(median(mine).Seconds()/median(bare).Seconds(), "ratio")
}

// find reads the newest record of one reason.
func (h *postHand) find(b *testing.B, reason mail.Reason, r *mail.Record) {
	b.Helper()
	require.NoError(b, scanned(h.newest.QueryRowContext(b.Context(), string(reason)), r))
}

// all reads the newest record of each reason.
func (h *postHand) all(b *testing.B, reasons []mail.Reason) []mail.Record {
	b.Helper()
	args := make([]any, len(reasons))
	for i, r := range reasons {
		args[i] = string(r)
	}
	rows, err := h.page.QueryContext(b.Context(), args...)
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	list := make([]mail.Record, 0, len(reasons))
	for rows.Next() {
		var r mail.Record
		require.NoError(b, scanned(rows, &r))
		list = append(list, r)
	}
	require.NoError(b, rows.Err())
	return list
}

func scanned(from interface{ Scan(dest ...any) error }, r *mail.Record) error {
	var due, notAfter, created, settled int64
	err := from.Scan(&r.ID, &r.Channel, &r.Kind, &r.Account, &r.To, &r.Reason, &r.Priority, &r.State,
		&r.Attempts, &due, &notAfter, &created, &settled, &r.Error)
	r.Due, r.CreatedAt, r.SettledAt = time.UnixMicro(due), time.UnixMicro(created), time.UnixMicro(settled)
	return err
}

func median(list []time.Duration) time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

func reportMedian(b *testing.B, list []time.Duration, unit string) {
	b.Helper()
	b.ReportMetric(float64(median(list).Nanoseconds())/1000, unit)
}
