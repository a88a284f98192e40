package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// benchBatch is 35 requests, of which each has an event, a mail and a count of
// its recipient: what is written alone, beside six statements in one flight, first
// of multi-row inserts and then with arrays of what differs; and the whole of Send, with its two questions, beside the same two sent
// bare, and that flight. By hand nobody writes 35 letters.
func benchBatch(b *testing.B, s *stage) {
	b.Helper()
	for name, byHand := range map[string]func(context.Context, batcher, access.Change) error{"rows": rowsByHand, "arrays": batchByHand} {
		b.Run("write/"+name, func(b *testing.B) {
			s.against(b, func(int) error {
				return s.st.ApplyAccess(b.Context(), batchOf("agency", s.serial.Add(1)))
			}, func(int) error {
				return byHand(b.Context(), s.pool, batchOf("agency", s.serial.Add(1)))
			})
		})
	}
	b.Run("send", func(b *testing.B) {
		actor := s.actor(b, "manager")
		// Each client works for an agency of its own, as in a day's work.
		agency := func(i int) accounts.AccountID { return accounts.AccountID(fmt.Sprintf("rival-0%d", i/8%s.clients)) }
		var emails []accounts.Email
		for i := range 35 {
			emails = append(emails, accounts.Email(fmt.Sprintf("to-%d@example.com", i)))
		}
		standing := s.bare(b, func(st *postgres.Store) error {
			return drop(st.Standings(b.Context(), []accounts.StandingKey{{User: "manager", Account: agency(0)}}))
		})
		drafting := s.bare(b, func(st *postgres.Store) error {
			return drop(st.Drafting(b.Context(), access.DraftingQuery{Agency: agency(0), Emails: emails, Day: 1}))
		})
		s.against(b, func(i int) error {
			pasted := make([]string, 35)
			n := s.serial.Add(1)
			for i := range pasted {
				pasted[i] = fmt.Sprintf("to-%d-%d@example.com", n, i)
			}
			sent, err := s.requests.Send(b.Context(), actor, access.Batch{Agency: agency(i), Addresses: strings.Join(pasted, ","), Level: roles.Manager})
			return got(sent.Sent, 35, err)
		}, func(i int) error {
			if n, err := standing(); err != nil || n != 1 {
				return got(n, 1, err)
			}
			if n, err := drafting(); err != nil || n != 35 {
				return got(n, 35, err)
			}
			c := batchOf(agency(i), s.serial.Add(1))
			c.Guards[0].Move = true
			return batchByHand(b.Context(), s.pool, c)
		})
	})
}

// letter is as long as the library's own.
var letter = strings.Repeat("The quick brown fox jumps over the lazy dog.\n", 20)

func batchOf(agency accounts.AccountID, n int64) access.Change {
	c := access.Change{Change: accounts.Change{Op: accounts.OpID(fmt.Sprint("batch-", n))}}
	c.Guards = []accounts.Guard{{Account: agency, Version: 1}}
	c.Spend = []accounts.Spend{{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(agency), Day: 2}, N: 35, Limit: 1 << 30}}
	for i := range 35 {
		id := fmt.Sprintf("%d-%02d", n, i)
		email := id + "@example.com"
		c.Requests = append(c.Requests, access.Request{
			ID: accounts.RequestID(id), Agency: agency, Email: accounts.Email(email), Address: email, Requester: "manager",
			Message: "We would like to help you with your campaigns.", Level: roles.Manager, Hash: hashed(id),
			State: access.Pending, SentAt: opened, ExpiresAt: opened.Add(7 * 24 * time.Hour), CreatedAt: opened, UpdatedAt: opened,
		})
		c.Events = append(c.Events, accounts.Event{
			Op: c.Op, Seq: i + 1, At: opened, Kind: access.EventRequestSent, Account: agency, Request: accounts.RequestID(id), By: accounts.By{User: "manager"},
		})
		c.Mail = append(c.Mail, mail.Message{
			ID: "mail-" + id, Channel: mail.SMS, Kind: "access-requested", Account: string(agency), To: email, Subject: "Subject", Text: letter,
			Reason: mail.ReasonFor("agency", string(agency), "request", id), Priority: 1, Due: opened, CreatedAt: opened,
		})
		c.Spend = append(c.Spend, accounts.Spend{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: email, Day: 2}, N: 1, Limit: 5})
	}
	return c
}

type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// counted begins a batch with its guard and its counts.
func counted(c access.Change, emails []string) *pgx.Batch {
	b, agency := new(pgx.Batch), string(c.Guards[0].Account)
	if c.Guards[0].Move {
		b.Queue(`WITH u AS (UPDATE chatelaine_accounts SET version = version + 1 WHERE id = $1 AND version >= $2 RETURNING 1) SELECT 1/count(*) FROM u`, agency, 1)
	} else {
		b.Queue(`SELECT 1/count(*) FROM (SELECT 1 FROM chatelaine_accounts WHERE id = $1 AND version = $2 FOR SHARE) u`, agency, 1)
	}
	b.Queue(`WITH u AS (INSERT INTO chatelaine_quotas (subject, kind, day, used) VALUES ($2, 'requests', 2, 35)
		ON CONFLICT (subject, kind, day) DO UPDATE SET used = chatelaine_quotas.used + 35 WHERE chatelaine_quotas.used + 35 <= $1 RETURNING 1) SELECT 1/count(*) FROM u`, 1<<30, agency)
	b.Queue(`WITH u AS (INSERT INTO chatelaine_quotas (subject, kind, day, used) SELECT u, 'recipient', 2, 1 FROM unnest($1::text[]) u
		ON CONFLICT (subject, kind, day) DO UPDATE SET used = chatelaine_quotas.used + 1 WHERE chatelaine_quotas.used + 1 <= 5 RETURNING 1) SELECT 1/(count(*) = 35)::int FROM u`, emails)
	return b
}

// rowsByHand writes a batch as most write one: every row with its columns.
func rowsByHand(ctx context.Context, p batcher, c access.Change) error {
	at := opened.UnixMicro()
	var emails []string
	var requests, events, mails [][]any
	for i := range c.Requests {
		r, e, m := &c.Requests[i], &c.Events[i], &c.Mail[i]
		emails = append(emails, r.Address)
		requests = append(requests, []any{
			string(r.Agency), string(r.ID), 1, 0, string(r.Email), r.Address, string(r.Requester), r.Message, string(r.Level), r.Locale, r.Hash[:], string(r.State),
			at, r.ExpiresAt.UnixMicro(), 0, 0, "", "", 0, "", at, at,
		})
		events = append(events, []any{
			string(e.Op), e.Seq, at, string(e.Kind), string(e.Account), "", "", string(e.Request), "", "", "", "", "", "", "", "",
			"", "", string(e.By.User), "", "", "", "", "", "", 0, 0, 0, 0,
		})
		mails = append(mails, []any{
			m.ID, string(m.Channel), m.Kind, m.Account, "", "", m.To, "", "", "", m.Subject, m.Text, "", nil, string(m.Reason), int(m.Priority), at, 0, at,
			"queued", 0, 0, 0, 0, "",
		})
	}
	b := counted(c, emails)
	for _, t := range []struct {
		columns string
		rows    [][]any
	}{
		{`chatelaine_requests (agency_id, id, version, agency_epoch, email, address, requester_id, message, level, locale, hash, state, sent_at, expires_at,
			resend_day, resends, client_id, decider_id, decided_at, reason, created_at, updated_at)`, requests},
		{`chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, invitation_id, session_id, client_id, site_id, view_id, mail_id, role, was,
			action, refusal, by_user, by_session, by_client, by_system, by_operator, by_reason, by_request, taken, due_at, attempts, fence)`, events},
		{`chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority,
			due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error)`, mails},
	} {
		var text strings.Builder
		var args []any
		text.WriteString("INSERT INTO " + t.columns + " VALUES ")
		for i, row := range t.rows {
			text.WriteString(map[bool]string{true: "(", false: ", ("}[i == 0])
			for j := range row {
				fmt.Fprintf(&text, "%s$%d", map[bool]string{true: "", false: ", "}[j == 0], len(args)+j+1)
			}
			text.WriteString(")")
			args = append(args, row...)
		}
		b.Queue(text.String(), args...)
	}
	return p.SendBatch(ctx, b).Close()
}

// batchByHand writes a batch as somebody would who knows just this: what is the same
// in all rows is written once, the rest are arrays.
func batchByHand(ctx context.Context, p batcher, c access.Change) error {
	const n = 35
	at := opened.UnixMicro()
	ids, emails, reasons, hashes, seqs, mails := make([]string, n), make([]string, n), make([]string, n), make([][]byte, n), make([]int64, n), make([]string, n)
	for i := range c.Requests {
		r := &c.Requests[i]
		ids[i], emails[i], hashes[i], seqs[i] = string(r.ID), r.Address, r.Hash[:], int64(i+1)
		reasons[i], mails[i] = string(c.Mail[i].Reason), c.Mail[i].ID
	}
	b, agency := counted(c, emails), string(c.Guards[0].Account)
	b.Queue(`INSERT INTO chatelaine_requests (agency_id, id, version, agency_epoch, email, address, requester_id, message, level, locale, hash, state, sent_at, expires_at,
			resend_day, resends, client_id, decider_id, decided_at, reason, created_at, updated_at)
		SELECT $7, u.id, 1, 0, u.email, u.email, 'manager', $4, 'manager', '', u.hash, 'pending', $5, $6, 0, 0, '', '', 0, '', $5, $5
		FROM unnest($1::text[], $2::text[], $3::bytea[]) u (id, email, hash)`, ids, emails, hashes, c.Requests[0].Message, at, c.Requests[0].ExpiresAt.UnixMicro(), agency)
	b.Queue(`INSERT INTO chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, invitation_id, session_id, client_id, site_id, view_id, mail_id, role, was,
			action, refusal, by_user, by_session, by_client, by_system, by_operator, by_reason, by_request, taken, due_at, attempts, fence)
		SELECT $1, u.seq, $2, $3, $6, '', '', u.id, '', '', '', '', '', '', '', '', '', '', 'manager', '', '', '', '', '', '', 0, 0, 0, 0
		FROM unnest($4::bigint[], $5::text[]) u (seq, id)`, string(c.Op), at, string(c.Events[0].Kind), seqs, ids, agency)
	b.Queue(`INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority,
			due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error)
		SELECT u.id, 'sms', 'access-requested', $6, '', '', u.email, '', '', '', 'Subject', u.body, '', NULL, u.reason, 1, $5, 0, $5, 'queued', 0, 0, 0, 0, ''
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) u (id, email, reason, body)`, mails, emails, reasons, bodies(c.Mail), at, agency)
	return p.SendBatch(ctx, b).Close()
}

func bodies(list []mail.Message) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i] = list[i].Text
	}
	return all
}

// asked is a request that waits for its answer.
type asked struct {
	owner accounts.Actor
	i     int
}

func (a asked) client() string { return fmt.Sprintf("client-%06d", a.i) }
func (a asked) user() string   { return fmt.Sprintf("owner-%06d", a.i) }
func (a asked) id() string     { return fmt.Sprintf("request-%06d", a.i) }

// benchApproval is Approve by the owner of the account, beside the same question
// and seven statements in one flight. By hand nobody writes a letter.
func benchApproval(b *testing.B, s *stage) {
	b.Helper()
	near := s.stage(b, s.dsn)
	var ready []asked
	var next atomic.Int64
	s.before = func() {
		next.Store(0)
		ready = ready[:0]
		from, n := s.all, 2*s.clients
		if s.clients > 1 {
			n *= 8
		}
		s.ask(b, n)
		for i := from; i < s.all; i++ {
			ready = append(ready, asked{near.actor(b, accounts.UserID(fmt.Sprintf("owner-%06d", i))), i})
		}
	}
	read := s.bare(b, func(st *postgres.Store) error {
		return drop(st.Deciding(b.Context(), access.DecidingQuery{Agency: "agency", ID: "request-000000", User: "owner-000000", Client: "client-000000", Day: 1, Top: roles.Owner}))
	})
	s.against(b, func(int) error {
		a := ready[next.Add(1)-1]
		_, err := s.requests.Approve(b.Context(), a.owner, access.Decision{Account: accounts.AccountID(a.client()), Agency: "agency", Request: accounts.RequestID(a.id())}, roles.Manager)
		return err
	}, func(int) error {
		a := ready[next.Add(1)-1]
		if _, err := read(); err != nil {
			return err
		}
		return approveByHand(b.Context(), s, a)
	})
}

func approveByHand(ctx context.Context, s *stage, a asked) error {
	at, op := opened.UnixMicro(), fmt.Sprint("hand-", s.serial.Add(1))
	client, id := a.client(), a.id()
	b := new(pgx.Batch)
	b.Queue(`SELECT 1/(count(*) = 2)::int FROM (SELECT 1 FROM chatelaine_accounts WHERE id IN ('agency', $1) AND version = $2 ORDER BY id FOR SHARE) u`, client, 1)
	b.Queue(`WITH u AS (UPDATE chatelaine_requests SET state = 'approved', client_id = $1, decider_id = $2, decided_at = $3, updated_at = $3, version = version + 1
		WHERE agency_id = 'agency' AND id = $4 AND version = 1 RETURNING 1) SELECT 1/count(*) FROM u`, client, a.user(), at, id)
	b.Queue(`INSERT INTO chatelaine_connections (client_id, agency_id, version, cap, epoch, agency_epoch, ended_at, request_id, approver_id, client_key, agency_key, created_at, updated_at)
		VALUES ($1, 'agency', 1, 'manager', 1, 0, 0, $2, $3, (SELECT name_key FROM chatelaine_accounts WHERE id = $1), (SELECT name_key FROM chatelaine_accounts WHERE id = 'agency'), $4, $4)`, client, id, a.user(), at)
	b.Queue(`INSERT INTO chatelaine_assignments (client_id, user_id, agency_id, version, role, connection_epoch, member_epoch, ended_at, client_key, created_at, updated_at)
		VALUES ($1, 'manager', 'agency', 1, 'manager', 1, 0, 0, (SELECT name_key FROM chatelaine_accounts WHERE id = $1), $2, $2)`, client, at)
	b.Queue(`INSERT INTO chatelaine_events (op, seq, at, kind, account_id, agency_id, user_id, request_id, invitation_id, session_id, client_id, site_id, view_id, mail_id, role, was,
			action, refusal, by_user, by_session, by_client, by_system, by_operator, by_reason, by_request, taken, due_at, attempts, fence)
		VALUES ($1, 1, $2, 'request.approved', $3, 'agency', '', $4, '', '', '', '', '', '', 'manager', '', '', '', $5, '', '', '', '', '', '', 0, 0, 0, 0),
			($1, 2, $2, 'assignment.added', $3, 'agency', 'manager', $4, '', '', '', '', '', '', 'manager', '', '', '', $5, '', '', '', '', '', '', 0, 0, 0, 0)`, op, at, client, id, a.user())
	b.Queue(`UPDATE chatelaine_mails SET state = 'cancelled', settled_at = $1, leased_until = 0, fence = fence + 1, subject = '', body = '', data = '', sealed = NULL
		WHERE state IN ('queued', 'dead') AND reason = $2`, at, "agency/agency/request/"+id)
	b.Queue(`INSERT INTO chatelaine_mails (id, channel, kind, account_id, sender_name, sender, recipient, recipient_name, user_id, locale, subject, body, data, sealed, reason, priority,
			due_at, not_after, created_at, state, leased_until, attempts, fence, settled_at, error)
		VALUES ($1, 'email', 'access-approved', 'agency', '', '', 'boss@example.com', '', 'boss', '', 'Subject', $2, '', NULL, '', 1, $3, 0, $3, 'queued', 0, 0, 0, 0, '')`, op, letter, at)
	return s.pool.SendBatch(ctx, b).Close()
}

// benchMail is a message that is claimed and recorded as sent, and as many as a
// dispatcher of twenty workers claims at once, beside what somebody writes who has
// one queue of one channel.
func benchMail(b *testing.B, s *stage) {
	b.Helper()
	many := 20
	if s.n < 10_000 {
		many = 5
	}
	for _, n := range []int{1, many} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s.before = func() {
				s.exec(b, `UPDATE chatelaine_mails SET state = 'queued', leased_until = 0, settled_at = 0, subject = 'Subject', body = $1
						WHERE settled_at > $2 OR leased_until > 0`, letter, opened.UnixMicro())
			}
			at := opened.Add(time.Minute)
			s.against(b, func(int) error {
				list, err := s.st.ClaimMail(b.Context(), mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: n})
				if err := got(len(list), n, err); err != nil {
					return err
				}
				for _, d := range list {
					if err := s.st.SettleMail(b.Context(), mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: at}); err != nil {
						return err
					}
				}
				return nil
			}, func(int) error { return mailByHand(b, s, at.UnixMicro(), n) })
		})
	}
}

func mailByHand(b *testing.B, s *stage, at int64, n int) error {
	b.Helper()
	rows, err := s.pool.Query(b.Context(), `UPDATE chatelaine_mails SET leased_until = $1, attempts = attempts + 1, fence = fence + 1 WHERE id IN (
			SELECT id FROM chatelaine_mails WHERE state = 'queued' AND leased_until = 0 AND channel = 'email' AND due_at <= $2
			ORDER BY priority, due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING id, kind, account_id, recipient, recipient_name, locale, subject, body, reason, priority, due_at, not_after, created_at, attempts, fence,
			sender_name, sender, channel, data, sealed, user_id`, at+60_000_000, at, n)
	require.NoError(b, err)
	var list []mail.Delivery
	for rows.Next() {
		var d mail.Delivery
		m := &d.Message
		var priority, due, notAfter, created int64
		var reason, channel, data string
		if err := rows.Scan(&m.ID, &m.Kind, &m.Account, &m.To, &m.ToName, &m.Locale, &m.Subject, &m.Text, &reason, &priority, &due, &notAfter, &created, &d.Attempt, &d.Fence,
			&m.From.Name, &m.From.Address, &channel, &data, &m.Sealed, &m.User); err != nil {
			return err
		}
		m.Due, m.CreatedAt = time.UnixMicro(due), time.UnixMicro(created)
		list = append(list, d)
	}
	if err := got(len(list), n, rows.Err()); err != nil {
		return err
	}
	for _, d := range list {
		tag, err := s.pool.Exec(b.Context(), `UPDATE chatelaine_mails SET state = 'sent', settled_at = $1, leased_until = 0, fence = fence + 1, error = '', subject = '', body = '',
			data = '', sealed = NULL WHERE id = $2 AND state = 'queued' AND fence = $3`, at, d.Message.ID, d.Fence)
		if err := got(int(tag.RowsAffected()), 1, err); err != nil {
			return err
		}
	}
	return nil
}
