package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// BenchmarkApproval_byHand is what somebody writes who knows just approvals:
// one transaction for each, statements prepared once on the one connection
// that writes, the same rows as the store's. Compare it with
// BenchmarkApproval/write in the same run.
func BenchmarkApproval_byHand(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hand.db")
	st, err := ours.Open(b.Context(), path, nil)
	require.NoError(b, err)
	seedAgency(b, st, b.N)
	require.NoError(b, st.Close())
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_pragma=cache_size(-16384)")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, conn.Close()) })

	prepare := func(text string) *sql.Stmt {
		s, err := conn.PrepareContext(b.Context(), text)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, s.Close()) })
		return s
	}
	begin, commit := prepare("BEGIN IMMEDIATE"), prepare("COMMIT")
	guard := prepare("SELECT count(*) FROM chatelaine_accounts WHERE id IN ('agency', ?) AND version = 1")
	request := prepare("UPDATE chatelaine_requests SET version = 2, state = 'approved', client_id = ?, decider_id = 'x', decided_at = ?, updated_at = ? WHERE agency_id = 'agency' AND id = ? AND version = 1")
	connection := prepare("INSERT INTO chatelaine_connections (client_id, agency_id, version, cap, epoch, agency_epoch, ended_at, request_id, approver_id, client_key, agency_key, created_at, updated_at) VALUES (?, 'agency', 1, 'admin', 1, 0, 0, ?, 'x', ?, 'agency', ?, ?)")
	assignment := prepare("INSERT INTO chatelaine_assignments (client_id, user_id, agency_id, version, role, connection_epoch, member_epoch, ended_at, client_key, created_at, updated_at) VALUES (?, 'staff', 'agency', 1, 'admin', 1, 0, 0, ?, ?, ?)")
	events := prepare("INSERT INTO chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, session_id, mail_id, role, was, action, refusal, by_user, by_session, by_system, by_operator, by_reason, by_request, invitation_id, client_id, site_id, view_id, by_client, taken, due_at, attempts, fence) VALUES (?, 1, ?, 'k', ?, 'agency', '', ?, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 0, 0, 0, 0), (?, 2, ?, 'k', ?, 'agency', '', ?, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 0, 0, 0, 0)")
	cancel := prepare("UPDATE chatelaine_mails INDEXED BY chatelaine_mails_unsent SET state = 'cancelled', subject = '', body = '', data = '', sealed = NULL, fence = fence + 1 WHERE state IN ('queued', 'dead') AND reason = ?")
	letter := prepare("INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority, due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error) VALUES (?, 'email', 'k', 'agency', '', '', 'to@example.com', '', '', '', 'Subject', ?, '', NULL, '', 1, ?, 0, ?, 'queued', 0, 0, 0, 0, '')")

	var mu sync.Mutex
	at := noon.UnixMicro()
	approve := func(i int) error {
		client, id, op := fmt.Sprintf("client-%06d", i), fmt.Sprintf("request-%06d", i), fmt.Sprintf("approve-%06d", i)
		mu.Lock()
		defer mu.Unlock()
		if _, err := begin.ExecContext(b.Context()); err != nil {
			return err
		}
		var held int
		if err := guard.QueryRowContext(b.Context(), client).Scan(&held); err != nil || held != 2 {
			return fmt.Errorf("the guards hold %d: %w", held, err)
		}
		for _, s := range []struct {
			stmt *sql.Stmt
			args []any
		}{
			{request, []any{client, at, at, id}},
			{connection, []any{client, id, client, at, at}},
			{assignment, []any{client, client, at, at}},
			{events, []any{op, at, client, id, op, at, client, id}},
			{cancel, []any{"agency/agency/request/" + id}},
			{letter, []any{"approved-" + id, body, at, at}},
			{commit, nil},
		} {
			if _, err := s.stmt.ExecContext(b.Context(), s.args...); err != nil {
				return err
			}
		}
		return nil
	}
	fromEight(b, approve)
}
