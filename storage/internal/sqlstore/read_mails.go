package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// mailsWhere never mentions what mail says. A reason covers itself and the
// range of those below it.
const (
	mailsWhere = ` FROM {p}mails l
	WHERE l.id > $1 AND ($3 = '' OR l.account_id = $3) AND ($4 = '' OR l.recipient = $4)
		AND ($5 = '' OR l.reason = $5 OR l.reason >= $6 AND l.reason < $7)`

	mailsByID    = `SELECT ` + recordL + mailsWhere + ` AND l.id = $8 ORDER BY l.id LIMIT $2 + 0`
	mailsAll     = `SELECT ` + recordL + mailsWhere + ` ORDER BY l.id LIMIT $2 + 0`
	mailsByState = `SELECT ` + recordL + mailsWhere + ` AND l.state = $8 ORDER BY l.id LIMIT $2 + 0`
)

// Mails implements mail.Outbox.
func (r *Reads) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	if r.d.Together {
		return r.mailsOf(ctx, q)
	}
	from, before := q.Reason.Range()
	args := append(make([]any, 0, 8), q.After, atMost(q.PageSize()), q.Account, q.To, string(q.Reason), from, before)
	if q.ID != "" {
		page, err := list(ctx, r, bindRecord, mailsByID, append(args, q.ID)...)
		if len(page) > 0 && q.State != "" && page[0].State != q.State {
			page = nil
		}
		return page, err
	}
	if q.State == "" {
		return list(ctx, r, bindRecord, mailsAll, args...)
	}
	return list(ctx, r, bindRecord, mailsByState, append(args, string(q.State))...)
}

// mailsOf is Mails with no more conditions than are asked for, each with an index of
// its own where it has one: a plan that is kept for all of them goes by none.
func (r *Reads) mailsOf(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	text, args := `SELECT `+recordL+` FROM {p}mails l WHERE l.id > $1`, []any{q.After}
	and := func(condition string, values ...string) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		text += condition
	}
	if q.ID != "" {
		and(` AND l.id = ?`, q.ID)
	}
	switch q.State {
	case "":
	case mail.Queued, mail.Sent, mail.Bounced, mail.Dead, mail.Cancelled:
		text += ` AND l.state = '` + string(q.State) + `'` // some states are rare, and known to be
	default:
		and(` AND l.state = ?`, string(q.State))
	}
	if q.Account != "" {
		and(` AND l.account_id = ?`, q.Account)
	}
	if q.To != "" {
		and(` AND l.recipient = ?`, q.To)
	}
	if q.Reason != "" {
		from, before := q.Reason.Range()
		and(` AND (l.reason = ? OR l.reason >= ? AND l.reason < ?)`, string(q.Reason), from, before)
	}
	args = append(args, atMost(q.PageSize()))
	return list(ctx, r, bindRecord, text+` ORDER BY l.id LIMIT $`+strconv.Itoa(len(args))+` + 0`, args...)
}

// newestAtMost is the most reasons that Newest answers for.
const newestAtMost = 1000

// Newest implements mail.Outbox. Each reason is one look-up in an index.
func (r *Reads) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	switch {
	case len(reasons) > newestAtMost:
		return nil, fmt.Errorf("sqlstore: Newest answers for at most %d reasons, and not for %d", newestAtMost, len(reasons))
	case len(reasons) == 0:
		return nil, ctx.Err()
	}
	k := newKeys(r.d, len(reasons), 1, func(a []any, i int) []any { return append(a, string(reasons[i])) })
	text := `WITH k (n, reason) AS (` + k.text + `)
	SELECT k.n, ` + recordL + ` FROM k JOIN {p}mails l ON l.id = (
		SELECT x.id FROM {p}mails x {by mails_reason} WHERE x.reason = k.reason AND x.reason <> ''
		ORDER BY x.created_at DESC, x.id DESC LIMIT 1)`
	var n int64
	var m mail.Record
	list := make([]mail.Record, len(reasons))
	d := bindRecord([]any{(*asInt)(&n)}, &m)
	if err := r.each(ctx, text, k.args, d, func() { list[n] = m }); err != nil {
		return nil, err
	}
	return list, nil
}
