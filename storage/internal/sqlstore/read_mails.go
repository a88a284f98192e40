package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/mail"
)

// mailsWhere never mentions subject and body. A reason covers itself and the
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
	from, before := q.Reason.Range()
	args := append(make([]any, 0, 8), q.After, int64(q.PageSize()), q.Account, q.To, string(q.Reason), from, before)
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
