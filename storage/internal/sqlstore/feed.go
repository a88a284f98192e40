package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

const (
	claimEvents = `UPDATE {p}events SET due_at = $1, attempts = attempts + 1, fence = fence + 1
		WHERE (op, seq) IN (
			SELECT op, seq FROM {p}events {by events_feed} WHERE taken = 0 AND due_at <= $2
			ORDER BY at, op, seq LIMIT $3 + 0)
		` + claimedEvents

	claimedEvents = `RETURNING op, seq, at, kind, account_id, agency_id, user_id, request_id, invitation_id, session_id, client_id,
			site_id, view_id, mail_id, role, was, action, refusal, by_user, by_session, by_client, by_system, by_operator,
			by_reason, by_request, attempts, fence`

	// claimEventsBeside is claimEvents where claims run side by side: what another one
	// has chosen is passed over, and not waited for. $1 is the end of the lease, $2 the
	// moment and $3 how many.
	claimEventsBeside = `WITH due AS MATERIALIZED (
			SELECT op, seq FROM {p}events WHERE taken = 0 AND due_at <= $2
			ORDER BY at, op, seq LIMIT $3 + 0 FOR UPDATE SKIP LOCKED)
		UPDATE {p}events SET due_at = $1, attempts = attempts + 1, fence = fence + 1
		WHERE (op, seq) IN (SELECT op, seq FROM due) AND taken = 0 AND due_at <= $2
		` + claimedEvents

	takeEvent = `UPDATE {p}events SET taken = 1, fence = fence + 1
		WHERE op = $1 AND seq = $2 AND fence = $3 AND taken = 0`

	returnEvent = `UPDATE {p}events SET due_at = $1, fence = fence + 1
		WHERE op = $2 AND seq = $3 AND fence = $4 AND taken = 0`

	// applied locks what it finds, where that makes it a write: its own commit then
	// waits for a standby where commits have to, and so tells that the standby has
	// the operation too. A server shows what is committed on its own disk alone
	// once the connection that waited is gone.
	applied = `SELECT 1 FROM {p}events WHERE op = $1 LIMIT 1{share}`
)

// ClaimEvents implements accounts.Store.
func (w *Writes) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	if c.Limit < 1 {
		return nil, ctx.Err()
	}
	text := claimEvents
	if w.texts.d.Beside {
		text = claimEventsBeside
	}
	rows, err := w.ask(ctx, w.texts.asking(text), []any{micros(c.At.Add(c.Lease)), micros(c.At), atMost(c.Limit)})
	if err != nil {
		return nil, err
	}
	list := make([]accounts.EventDelivery, len(rows))
	for i, v := range rows {
		r := row(v)
		list[i] = accounts.EventDelivery{Event: r.event(), Attempt: int(r.number(25)), Fence: r.number(26)}
	}
	// RETURNING promises no order.
	slices.SortFunc(list, func(a, b accounts.EventDelivery) int {
		return cmp.Or(
			a.Event.At.Compare(b.Event.At),
			cmp.Compare(a.Event.Op, b.Event.Op),
			cmp.Compare(a.Event.Seq, b.Event.Seq))
	})
	return list, nil
}

// event reads the columns of an event, from op to by_request.
func (r row) event() accounts.Event {
	return accounts.Event{
		Op: accounts.OpID(r.text(0)), Seq: int(r.number(1)), At: moment(r.number(2)),
		Kind:    accounts.EventKind(r.text(3)),
		Account: accounts.AccountID(r.text(4)), Agency: accounts.AccountID(r.text(5)),
		User: accounts.UserID(r.text(6)), Request: accounts.RequestID(r.text(7)),
		Invitation: accounts.InvitationID(r.text(8)), Session: accounts.SessionID(r.text(9)),
		Client: accounts.ClientID(r.text(10)), Site: accounts.SiteID(r.text(11)), View: accounts.ViewID(r.text(12)),
		Mail: r.text(13), Role: roles.Role(r.text(14)), Was: roles.Role(r.text(15)),
		Action: accounts.EventKind(r.text(16)), Refusal: r.text(17),
		By: accounts.By{
			User: accounts.UserID(r.text(18)), Session: accounts.SessionID(r.text(19)), Client: accounts.ClientID(r.text(20)),
			System: r.text(21), Operator: r.text(22), Reason: r.text(23), RequestID: r.text(24),
		},
	}
}

// SettleEvents implements accounts.Store. The fence moves, so that a delivery
// is settled once.
func (w *Writes) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	if len(receipts) == 0 {
		return 0, ctx.Err()
	}
	receipts = slices.Clone(receipts)
	slices.SortFunc(receipts, func(a, b accounts.EventReceipt) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Seq, b.Seq))
	})
	steps := make([]Step, len(receipts))
	for i, r := range receipts {
		text, args := takeEvent, []any{string(r.Op), int64(r.Seq), r.Fence}
		if !r.Taken {
			text, args = returnEvent, []any{micros(r.Next), string(r.Op), int64(r.Seq), r.Fence}
		}
		steps[i] = Step{Stmt: w.texts.plain(text), Args: args, Want: AnyRows}
	}
	return w.count(ctx, steps)
}

// Applied implements accounts.Applier: an operation has at least one event,
// and events stay.
func (r *Reads) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	rows, err := r.query(ctx, applied, string(op))
	if err != nil {
		return false, err
	}
	found := rows.Next()
	if err := rows.Err(); err != nil {
		_ = rows.Close()
		return false, err
	}
	return found, rows.Close()
}
