package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

const (
	claimMail = `UPDATE {p}mails SET leased_until = $1, attempts = attempts + 1, fence = fence + 1
		WHERE id IN (
			SELECT id FROM {p}mails {by mails_due} WHERE state = 'queued' AND due_at <= $2 AND leased_until <= $3
			ORDER BY priority, due_at, id LIMIT $4 + 0)
		RETURNING id, kind, account_id, recipient, recipient_name, locale, subject, body, reason, priority, due_at,
			not_after, created_at, attempts, fence, sender_name, sender`

	settleSent = `UPDATE {p}mails SET state = 'sent', subject = '', body = '', settled_at = $1, leased_until = 0,
		fence = fence + 1, error = $2
		WHERE id = $3 AND state = 'queued' AND fence = $4`

	settleDead = `UPDATE {p}mails SET state = 'dead', settled_at = $1, leased_until = 0, fence = fence + 1, error = $2,
		subject = CASE WHEN not_after > 0 AND not_after <= $3 THEN '' ELSE subject END,
		body = CASE WHEN not_after > 0 AND not_after <= $4 THEN '' ELSE body END
		WHERE id = $5 AND state = 'queued' AND fence = $6`

	settleLater = `UPDATE {p}mails SET due_at = $1, leased_until = 0, fence = fence + 1,
		error = CASE WHEN $2 = '' THEN error ELSE $3 END
		WHERE id = $4 AND state = 'queued' AND fence = $5`

	requeueMail = `UPDATE {p}mails SET state = 'queued', due_at = $1, attempts = 0, fence = fence + 1, settled_at = 0,
		leased_until = 0
		WHERE id = $2 AND state = 'dead' AND (not_after = 0 OR not_after > $3)`
)

// ClaimMail implements mail.Outbox.
func (w *Writes) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if c.Limit < 1 {
		return nil, ctx.Err()
	}
	var list []mail.Delivery
	err := w.r.Run(ctx, func(ctx context.Context, tx Tx) error {
		at := micros(c.At)
		rows, err := tx.Query(ctx, w.texts.asking(claimMail), []any{micros(c.At.Add(c.Lease)), at, at, int64(c.Limit)})
		if err != nil {
			return err
		}
		list = make([]mail.Delivery, len(rows))
		for i, v := range rows {
			r := row(v)
			list[i] = mail.Delivery{
				Message: mail.Message{
					ID: r.text(0), Kind: r.text(1), Account: r.text(2), From: mail.Sender{Name: r.text(15), Address: r.text(16)},
					To: r.text(3), ToName: r.text(4),
					Locale: r.text(5), Subject: r.text(6), Text: r.text(7), Reason: mail.Reason(r.text(8)),
					Priority: mail.Priority(r.number(9)), //nolint:gosec // it was written from a Priority
					Due:      moment(r.number(10)), NotAfter: moment(r.number(11)), CreatedAt: moment(r.number(12)),
				},
				Attempt: int(r.number(13)), Fence: r.number(14),
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// RETURNING promises no order.
	slices.SortFunc(list, func(a, b mail.Delivery) int {
		return cmp.Or(
			cmp.Compare(a.Message.Priority, b.Message.Priority),
			a.Message.Due.Compare(b.Message.Due),
			cmp.Compare(a.Message.ID, b.Message.ID))
	})
	return list, nil
}

// SettleMail implements mail.Outbox.
func (w *Writes) SettleMail(ctx context.Context, o mail.Outcome) error {
	at := micros(o.At)
	var text string
	var args []any
	switch o.State {
	case mail.Sent:
		text, args = settleSent, []any{at, o.Error, o.ID, o.Fence}
	case mail.Dead:
		text, args = settleDead, []any{at, o.Error, at, at, o.ID, o.Fence}
	case mail.Queued:
		text, args = settleLater, []any{micros(o.Next), o.Error, o.Error, o.ID, o.Fence}
	case mail.Cancelled:
		fallthrough
	default:
		return fmt.Errorf("chatelaine: a delivery cannot end as %q", o.State)
	}
	return w.r.Run(ctx, func(ctx context.Context, tx Tx) error {
		n, err := tx.Exec(ctx, w.texts.plain(text), args)
		if err == nil && n == 0 {
			err = mail.ErrFenced
		}
		return err
	})
}

// RequeueMail implements mail.Outbox.
func (w *Writes) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	if len(ids) == 0 {
		return 0, ctx.Err()
	}
	return w.count(ctx, func(ctx context.Context, tx Tx, count *int64) error {
		for _, id := range ids {
			n, err := tx.Exec(ctx, w.texts.plain(requeueMail), []any{micros(at), id, micros(at)})
			if err != nil {
				return err
			}
			*count += n
		}
		return nil
	})
}

// count runs a unit that counts rows.
func (w *Writes) count(ctx context.Context, unit func(ctx context.Context, tx Tx, count *int64) error) (int, error) {
	var n int64
	err := w.r.Run(ctx, func(ctx context.Context, tx Tx) error {
		n = 0
		return unit(ctx, tx, &n)
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

// row is one row of an answer, value by value.
type row []any

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) number(i int) int64 {
	n, _ := r[i].(int64)
	return n
}
