package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/storage"
)

// sweepAtMost is the number of rows that a sweep touches when nobody says.
const sweepAtMost = 1000

// What a sweep erases, each text with the moment and the number of rows. A
// session that ended before a moment began before it.
const (
	sweepSessions = `DELETE FROM {p}sessions WHERE id IN (
		SELECT id FROM {p}sessions WHERE created_at < $1 ORDER BY created_at LIMIT $2 + 0)`
	sweepSources = `UPDATE {p}sessions SET user_agent = '', source = '' WHERE id IN (
		SELECT id FROM {p}sessions WHERE created_at < $1 AND (user_agent <> '' OR source <> '')
		ORDER BY created_at LIMIT $2 + 0)`
	sweepTickets = `DELETE FROM {p}tickets WHERE (user_id, purpose) IN (
		SELECT user_id, purpose FROM {p}tickets WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 + 0)`
	sweepChallenges = `DELETE FROM {p}challenges WHERE (user_id, session_id, account_id, action) IN (
		SELECT user_id, session_id, account_id, action FROM {p}challenges WHERE expires_at < $1
		ORDER BY expires_at LIMIT $2 + 0)`
	sweepGuesses = `DELETE FROM {p}guesses WHERE email IN (
		SELECT email FROM {p}guesses WHERE last_at < $1 ORDER BY last_at LIMIT $2 + 0)`
	sweepViews = `DELETE FROM {p}views WHERE id IN (
		SELECT id FROM {p}views WHERE ` + overH + ` < $1 ORDER BY ` + overH + ` LIMIT $2 + 0)`
	sweepReplies = `DELETE FROM {p}replies WHERE (account_id, actor, key) IN (
		SELECT account_id, actor, key FROM {p}replies WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 + 0)`
	sweepQuotas = `DELETE FROM {p}quotas WHERE (subject, kind, day) IN (
		SELECT subject, kind, day FROM {p}quotas WHERE day < $1 ORDER BY day LIMIT $2 + 0)`
	sweepTexts = `UPDATE {p}mails SET ` + noWords + ` WHERE id IN (
		SELECT id FROM {p}mails {by mails_words} WHERE state = 'dead' AND not_after > 0 AND not_after <= $1
			AND (subject <> '' OR body <> '' OR data <> '' OR sealed IS NOT NULL)
		ORDER BY not_after LIMIT $2 + 0)`
	sweepLate = `UPDATE {p}mails SET state = 'dead', settled_at = $1, leased_until = 0, fence = fence + 1,
		error = '` + storage.TooLate + `', ` + noWords + ` WHERE id IN (
		SELECT id FROM {p}mails {by mails_waiting} WHERE state = 'queued' AND not_after > 0 AND not_after <= $2
			AND leased_until <= $3
		ORDER BY not_after LIMIT $4 + 0)`
	sweepMail = `DELETE FROM {p}mails WHERE id IN (
		SELECT id FROM {p}mails WHERE settled_at > 0 AND settled_at < $1 ORDER BY settled_at LIMIT $2 + 0)`
)

// overH is when a view was over, in the words of its index.
const overH = `CASE WHEN ended_at > 0 AND ended_at < expires_at THEN ended_at ELSE expires_at END`

// Sweep implements storage.Storage.
func (w *Writes) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	if limit < 1 {
		limit = sweepAtMost
	}
	kinds := []struct {
		text string
		mark int64
		more int // how often the moment stands in the text beside the first time
	}{
		{sweepSessions, micros(before.Sessions), 0},
		{sweepSources, micros(before.Sources), 0},
		{sweepTickets, micros(before.Tickets), 0},
		{sweepChallenges, micros(before.Tickets), 0},
		{sweepGuesses, micros(before.Guesses), 0},
		{sweepViews, micros(before.Views), 0},
		{sweepReplies, micros(before.Replies), 0},
		{sweepQuotas, int64(before.Quotas), 0},
		{sweepMail, micros(before.Mail), 0},
		{sweepTexts, micros(before.Texts), 0},
		{sweepLate, micros(before.Texts), 2},
	}
	return w.count(ctx, func(ctx context.Context, tx Tx, count *int64) error {
		for _, k := range kinds {
			left := int64(limit) - *count
			if k.mark == 0 || left == 0 {
				continue
			}
			args := []any{k.mark}
			for range k.more {
				args = append(args, k.mark)
			}
			n, err := tx.Exec(ctx, w.texts.plain(k.text), append(args, left))
			if err != nil {
				return err
			}
			*count += n
		}
		return nil
	})
}
