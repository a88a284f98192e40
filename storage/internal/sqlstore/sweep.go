package sqlstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/chatelaine-go/chatelaine/storage"
)

// sweepAtMost is the number of rows that a sweep touches when nobody says.
const sweepAtMost = 1000

// erasure is one kind of what a sweep erases: what is done, to the rows with which
// key, and which they are, the oldest first. The moment, if there is one, is $1 and
// stands so many times in all.
type erasure struct {
	moment, times int64
	do, key, rows string
}

// erasures are what a sweep erases. A session that ended before a moment began before
// it.
func erasures(b storage.SweepBefore) []erasure {
	sources, tickets, texts := micros(b.Sources), micros(b.Tickets), micros(b.Texts)
	return []erasure{
		{micros(b.Sessions), 1, `DELETE FROM {p}sessions`, `id`, `{p}sessions WHERE created_at < $1 ORDER BY created_at`},
		{
			sources, 1, `UPDATE {p}sessions SET user_agent = '', source = ''`, `id`,
			`{p}sessions WHERE created_at < $1 AND (user_agent <> '' OR source <> '') ORDER BY created_at`,
		},
		{
			tickets, 1, `DELETE FROM {p}tickets`, `user_id, purpose`,
			`{p}tickets WHERE expires_at < $1 ORDER BY expires_at`,
		},
		{
			tickets, 1, `DELETE FROM {p}challenges`, `user_id, session_id, account_id, action`,
			`{p}challenges WHERE expires_at < $1 ORDER BY expires_at`,
		},
		{micros(b.Guesses), 1, `DELETE FROM {p}guesses`, `email`, `{p}guesses WHERE last_at < $1 ORDER BY last_at`},
		{micros(b.Views), 1, `DELETE FROM {p}views`, `id`, `{p}views WHERE ` + overH + ` < $1 ORDER BY ` + overH},
		{
			micros(b.Replies), 1, `DELETE FROM {p}replies`, `account_id, actor, key`,
			`{p}replies WHERE expires_at < $1 ORDER BY expires_at`,
		},
		{int64(b.Quotas), 1, `DELETE FROM {p}quotas`, `subject, kind, day`, `{p}quotas WHERE day < $1 ORDER BY day`},
		{
			micros(b.Mail), 1, `DELETE FROM {p}mails`, `id`,
			`{p}mails WHERE settled_at > 0 AND settled_at < $1 ORDER BY settled_at`,
		},
		{
			texts, 1, `UPDATE {p}mails SET ` + noWords, `id`,
			`{p}mails {by mails_words} WHERE state = 'dead' AND not_after > 0 AND not_after <= $1
				AND (subject <> '' OR body <> '' OR data <> '' OR sealed IS NOT NULL) ORDER BY not_after`,
		},
		{
			texts, 3, `UPDATE {p}mails SET state = 'dead', settled_at = $1, leased_until = 0, fence = fence + 1,
				error = '` + storage.TooLate + `', ` + noWords, `id`,
			`{p}mails {by mails_waiting} WHERE state = 'queued' AND not_after > 0 AND not_after <= $2 AND leased_until <= $3
				ORDER BY not_after`,
		},
	}
}

// text is the statement. Where others write at the same time it locks what it
// chooses, as it is by then, and leaves what they hold to the next sweep.
func (e erasure) text(beside bool) string {
	chosen := `SELECT ` + e.key + ` FROM ` + e.rows + ` LIMIT $` + strconv.FormatInt(e.times+1, 10) + ` + 0`
	if !beside {
		return e.do + ` WHERE (` + e.key + `) IN (` + chosen + `)`
	}
	return `WITH chosen AS MATERIALIZED (` + chosen + ` FOR UPDATE SKIP LOCKED) ` +
		e.do + ` WHERE (` + e.key + `) IN (SELECT ` + e.key + ` FROM chosen)`
}

// overH is when a view was over, in the words of its index.
const overH = `CASE WHEN ended_at > 0 AND ended_at < expires_at THEN ended_at ELSE expires_at END`

// Sweep implements storage.Storage.
func (w *Writes) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	if limit < 1 {
		limit = sweepAtMost
	}
	most := atMost(limit)
	count := int64(0)
	for _, e := range erasures(before) {
		left := most - count
		if e.moment == 0 || left == 0 {
			continue
		}
		args := append(slices.Repeat([]any{e.moment}, int(e.times)), left)
		n, err := w.one(ctx, w.texts.plain(e.text(w.texts.d.Beside)), args)
		if err != nil {
			return 0, err
		}
		count += n
	}
	return int(count), ctx.Err()
}
