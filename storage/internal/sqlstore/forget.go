package sqlstore

// What forgetting does to what is kept under a user, and to what was sent to an
// address: each text with that user or address alone. Nothing is found by an
// address that was forgotten before, so no version moves twice.
var (
	forgetUser = [...]string{ //nolint:gochecknoglobals // a constant list
		`DELETE FROM {p}identities WHERE user_id = $1`,
		`DELETE FROM {p}credentials WHERE user_id = $1`,
		`DELETE FROM {p}challenges WHERE user_id = $1`,
		`DELETE FROM {p}tickets WHERE user_id = $1`,
		`UPDATE {p}sessions SET user_agent = '', source = '', version = version + 1
			WHERE user_id = $1 AND (user_agent <> '' OR source <> '')`,
		`UPDATE {p}views SET user_agent = '', source = '', version = version + 1
			WHERE viewer_id = $1 AND (user_agent <> '' OR source <> '')`,
	}

	forgetEmail = [...]string{ //nolint:gochecknoglobals // a constant list
		`DELETE FROM {p}guesses WHERE email = $1`,
		`DELETE FROM {p}tickets WHERE email = $1`,
		`UPDATE {p}requests SET state = CASE WHEN state = 'pending' THEN 'ended' ELSE state END, email = '', address = '',
			message = '', reason = '', version = version + 1
			WHERE email = $1`,
		`UPDATE {p}invitations SET state = CASE WHEN state = 'pending' THEN 'revoked' ELSE state END, email = '',
			address = '', message = '', version = version + 1
			WHERE email = $1`,
	}
)

// What forgetting does to mail, whoever it is found by: what was not sent is taken
// back, and all of it is blanked, in one statement, since what is queued in between
// would be blanked and sent.
const (
	forgetMail = `UPDATE {p}mails SET fence = CASE WHEN ` + unsent + ` THEN fence + 1 ELSE fence END,
			leased_until = CASE WHEN ` + unsent + ` THEN 0 ELSE leased_until END,
			settled_at = CASE WHEN ` + unsent + ` THEN $1 ELSE settled_at END,
			state = CASE WHEN ` + unsent + ` THEN 'cancelled' ELSE state END,
			recipient = '', recipient_name = '', user_id = '', error = '', ` + noWords + `
		WHERE `
	unsent = `state IN ('queued', 'dead')`

	mailOfUser, mailTo = `user_id <> '' AND user_id = $2`, `recipient = $2`
)

// forget erases what is kept about people. It reads whole tables, but for mail of a
// user: there is no index by which somebody is found who shall not be found any
// more, and people are rarely forgotten. Mail comes last, when nobody can write any
// that rests on what was erased.
func (b *builder) forget(c *change) {
	for _, f := range c.Forget {
		if f.User != "" {
			for _, text := range forgetUser {
				b.add(b.t.plain(text), AnyRows, string(f.User))
			}
		}
		if f.Email != "" {
			for _, text := range forgetEmail {
				b.add(b.t.plain(text), AnyRows, string(f.Email))
			}
		}
	}
	for _, f := range c.Forget {
		at := micros(c.Events[0].At)
		if f.User != "" {
			b.add(b.t.plain(forgetMail+mailOfUser), AnyRows, at, string(f.User))
		}
		if f.Email != "" {
			b.add(b.t.plain(forgetMail+mailTo), AnyRows, at, string(f.Email))
		}
	}
}
