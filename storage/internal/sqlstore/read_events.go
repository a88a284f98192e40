package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// An account's audit is what happened there, and what happened elsewhere with
// the account as the agency: two branches, each in the order of its index, and
// no event in both.
const (
	eventsThere = `{hidden}SELECT * FROM (SELECT ` + eventE + ` FROM {p}events e
		WHERE e.account_id = $1 AND (e.at, e.op, e.seq) < ($2, $3, $4) AND ($6 = '' OR e.user_id = $6 OR e.by_user = $6)`
	eventsElsewhere = `SELECT * FROM (SELECT ` + eventE + ` FROM {p}events e
		WHERE e.agency_id = $1 AND e.agency_id <> '' AND e.account_id <> $1
			AND (e.at, e.op, e.seq) < ($2, $3, $4) AND ($6 = '' OR e.user_id = $6 OR e.by_user = $6)`
	eventsBranch = ` ORDER BY e.at DESC, e.op DESC, e.seq DESC LIMIT $5 + 0) `
	eventsMerged = ` ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT $5 + 0`

	eventsAll = eventsThere + eventsBranch + `x UNION ALL ` + eventsElsewhere + eventsBranch + `y` + eventsMerged
)

// Events implements accounts.Store.
func (r *Reads) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	if q.Account == "" {
		return nil, nil // events of no account are in nobody's audit
	}
	at := lastMoment
	if q.Before != (accounts.EventCursor{}) {
		at = micros(q.Before.At)
	}
	text := eventsAll
	args := []any{string(q.Account), at, string(q.Before.Op), int64(q.Before.Seq), limit(q.Limit), string(q.User)}
	if len(q.Kinds) > 0 {
		var in string
		in, args = oneOf(args, q.Kinds)
		kinds := ` AND e.kind IN (` + in + `)` + eventsBranch
		text = eventsThere + kinds + `x UNION ALL ` + eventsElsewhere + kinds + `y` + eventsMerged
	}
	return list(ctx, r, bindEvent, text, args...)
}
