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
	// waiting are messages of a channel that nobody has a lease of. The index
	// keeps them by priority and due time, so that of each priority there is
	// only what is asked for is read, however much is put off.
	waiting = `{p}mails {by mails_due} WHERE state = 'queued' AND leased_until = 0 AND channel = `

	claimMail = `UPDATE {p}mails SET leased_until = $1, attempts = attempts + 1, fence = fence + 1
		WHERE id IN (
			WITH RECURSIVE ranks (priority) AS (
				SELECT min(priority) FROM ` + waiting + `$2
				UNION ALL
				SELECT (SELECT min(priority) FROM ` + waiting + `$3 AND priority > ranks.priority)
				FROM ranks WHERE ranks.priority IS NOT NULL)
			SELECT id FROM (
				SELECT l.id, l.priority, l.due_at FROM ranks CROSS JOIN {p}mails l WHERE l.id IN (
					SELECT id FROM ` + waiting + `$4 AND priority = ranks.priority AND due_at <= $5
					ORDER BY due_at, id LIMIT $6 + 0)
				UNION ALL
				SELECT id, priority, due_at FROM {p}mails {by mails_leased}
				WHERE state = 'queued' AND channel = $7 AND leased_until > 0 AND leased_until <= $8 AND due_at <= $9) AS due
			ORDER BY priority, due_at, id LIMIT $10 + 0)
		` + claimed

	// claimMailBeside is claimMail where claims run side by side: what another one
	// has chosen is passed over, and not waited for. What is chosen of each priority
	// and of the leases that are over is locked until the claim is done, and may be
	// more than is claimed. $1 is the end of the lease, $2 the channel, $3 the moment
	// and $4 how many.
	claimMailBeside = `WITH RECURSIVE ranks (priority) AS (
			SELECT min(priority) FROM ` + waiting + `$2
			UNION ALL
			SELECT (SELECT min(priority) FROM ` + waiting + `$2 AND priority > ranks.priority)
			FROM ranks WHERE ranks.priority IS NOT NULL),
		ready AS MATERIALIZED (
			SELECT l.id, l.priority, l.due_at FROM ranks CROSS JOIN LATERAL (
				SELECT id, priority, due_at FROM ` + waiting + `$2 AND priority = ranks.priority AND due_at <= $3
				ORDER BY due_at, id LIMIT $4 + 0 FOR UPDATE SKIP LOCKED) l),
		late AS MATERIALIZED (
			SELECT id, priority, due_at FROM {p}mails
			WHERE state = 'queued' AND channel = $2 AND leased_until > 0 AND leased_until <= $3 AND due_at <= $3
			ORDER BY priority, due_at, id LIMIT $4 + 0 FOR UPDATE SKIP LOCKED),
		due AS MATERIALIZED (
			SELECT id FROM (SELECT * FROM ready UNION ALL SELECT * FROM late) x ORDER BY priority, due_at, id LIMIT $4 + 0)
		UPDATE {p}mails SET leased_until = $1, attempts = attempts + 1, fence = fence + 1
		WHERE id = ANY (ARRAY(SELECT id FROM due))
		` + claimed

	claimed = `RETURNING id, kind, account_id, recipient, recipient_name, locale, subject, body, reason, priority, due_at,
			not_after, created_at, attempts, fence, sender_name, sender, channel, data, sealed, user_id`

	// noWords erases what a message says.
	noWords = `subject = '', body = '', data = '', sealed = NULL`

	settleSent = `UPDATE {p}mails SET state = 'sent', settled_at = $1, leased_until = 0, fence = fence + 1, error = $2,
		` + noWords + `
		WHERE id = $3 AND state = 'queued' AND fence = $4`

	settleDead = `UPDATE {p}mails SET state = 'dead', settled_at = $1, leased_until = 0, fence = fence + 1, error = $2,
		subject = CASE WHEN not_after > 0 AND not_after <= $3 THEN '' ELSE subject END,
		body = CASE WHEN not_after > 0 AND not_after <= $4 THEN '' ELSE body END,
		data = CASE WHEN not_after > 0 AND not_after <= $5 THEN '' ELSE data END,
		sealed = CASE WHEN not_after > 0 AND not_after <= $6 THEN NULL ELSE sealed END
		WHERE id = $7 AND state = 'queued' AND fence = $8`

	settleLater = `UPDATE {p}mails SET due_at = $1, leased_until = 0, fence = fence + 1,
		error = CASE WHEN $2 = '' THEN error ELSE $3 END,
		attempts = CASE WHEN attempts > $4 THEN attempts - $5 ELSE 0 END
		WHERE id = $6 AND state = 'queued' AND fence = $7`

	// cancelMail takes back what a reason covers. The reasons below one lie
	// between two keys of the index, with a few neighbours that the last
	// condition leaves alone.
	cancelMail = `UPDATE {p}mails {by mails_unsent} SET state = 'cancelled', settled_at = $1, leased_until = 0,
		fence = fence + 1, ` + noWords + `
		WHERE state IN ('queued', 'dead') AND reason >= $2 AND reason < $3 AND (reason = $4 OR reason >= $5)`

	bounceMail = `UPDATE {p}mails SET state = 'bounced', settled_at = $1, error = $2 WHERE id = $3 AND state = 'sent'`

	requeueMail = `UPDATE {p}mails SET state = 'queued', due_at = $1, attempts = 0, fence = fence + 1, settled_at = 0,
		leased_until = 0
		WHERE id = $2 AND state = 'dead' AND (not_after = 0 OR not_after > $3)`
)

// What becomes of a message that cannot be read, so that it holds up no other: how
// many are given up at most in one claim, and the error that they die of.
const (
	unreadAtMost = 1000
	unread       = "what the message says cannot be read"
)

// ClaimMail implements mail.Outbox.
func (w *Writes) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if c.Limit < 1 {
		return nil, ctx.Err()
	}
	var list []mail.Delivery
	for dead, more := 0, true; more; {
		left := c
		left.Limit -= len(list)
		got, given, err := w.claim(ctx, left)
		if err != nil {
			return nil, err // what was leased before comes back when its lease ends
		}
		list, dead = append(list, got...), dead+given
		// Others take the places of those given up; a lease of nothing would give out the first ones again.
		more = given > 0 && dead < unreadAtMost && len(list) < c.Limit && c.Lease >= time.Microsecond
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

// claim leases what is due, and gives up what cannot be read. It returns the
// deliveries, and how many were given up.
func (w *Writes) claim(ctx context.Context, c mail.Claim) (list []mail.Delivery, dead int, err error) {
	at, way, most := micros(c.At), string(c.Channel), atMost(c.Limit)
	text, args := claimMail, []any{micros(c.At.Add(c.Lease)), way, way, way, at, most, way, at, at, most}
	if w.texts.d.Beside {
		text, args = claimMailBeside, []any{micros(c.At.Add(c.Lease)), way, at, most}
	}
	rows, err := w.ask(ctx, w.texts.asking(text), args)
	if err != nil {
		return nil, 0, err
	}
	list = make([]mail.Delivery, 0, len(rows))
	var unreadable []Step
	for _, v := range rows {
		r := row(v)
		said, err := data(r.text(18))
		if err != nil {
			unreadable = append(unreadable, Step{
				Stmt: w.texts.plain(settleDead), Args: []any{at, unread, at, at, at, at, r.text(0), r.number(14)}, Want: AnyRows,
			})
			continue
		}
		list = append(list, mail.Delivery{
			Message: mail.Message{
				ID: r.text(0), Channel: mail.Channel(r.text(17)), Kind: r.text(1), Account: r.text(2), From: mail.Sender{Name: r.text(15), Address: r.text(16)},
				To: r.text(3), ToName: r.text(4), User: r.text(20),
				Locale: r.text(5), Subject: r.text(6), Text: r.text(7), Data: said, Sealed: r.bytes(19),
				Reason:   mail.Reason(r.text(8)),
				Priority: mail.Priority(r.number(9)), //nolint:gosec // it was written from a Priority
				Due:      moment(r.number(10)), NotAfter: moment(r.number(11)), CreatedAt: moment(r.number(12)),
			},
			Attempt: int(r.number(13)), Fence: r.number(14),
		})
	}
	if len(unreadable) > 0 {
		_, err = w.do(ctx, unreadable)
	}
	return list, len(unreadable), err
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
		text, args = settleDead, []any{at, o.Error, at, at, at, at, o.ID, o.Fence}
	case mail.Queued:
		text, args = settleLater, []any{micros(o.Next), o.Error, o.Error, flag(o.Untried), flag(o.Untried), o.ID, o.Fence}
	case mail.Cancelled, mail.Bounced:
		fallthrough
	default:
		return fmt.Errorf("chatelaine: a delivery cannot end as %q", o.State)
	}
	n, err := w.one(ctx, w.texts.plain(text), args)
	if err == nil && n == 0 {
		err = mail.ErrFenced
	}
	return err
}

// RequeueMail implements mail.Outbox.
func (w *Writes) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	if len(ids) == 0 {
		return 0, ctx.Err()
	}
	steps := make([]Step, len(ids))
	for i, id := range slices.Sorted(slices.Values(ids)) {
		steps[i] = Step{Stmt: w.texts.plain(requeueMail), Args: []any{micros(at), id, micros(at)}, Want: AnyRows}
	}
	return w.count(ctx, steps)
}

// count runs steps and returns how many rows they affected.
func (w *Writes) count(ctx context.Context, steps []Step) (int, error) {
	counts, err := w.do(ctx, steps)
	if err != nil {
		return 0, err
	}
	return int(sum(counts)), nil
}

// covered appends the arguments with which a statement finds what a reason
// covers.
func covered(args []any, r mail.Reason) []any {
	from, before := r.Range()
	return append(args, string(r), before, string(r), from)
}

// row is one row of an answer, value by value.
type row []any

func (r row) text(i int) string {
	if b, ok := r[i].([]byte); ok {
		return string(b) // as some drivers have it
	}
	s, _ := r[i].(string)
	return s
}

func (r row) number(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) bytes(i int) []byte {
	b, _ := r[i].([]byte)
	return b
}
