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

// What forgetting does to mail, whoever it is found by: what was not sent is
// taken back first.
const (
	blankMail = `UPDATE {p}mails SET recipient = '', recipient_name = '', user_id = '', error = '', ` + noWords + `
		WHERE `

	unsendMail = `UPDATE {p}mails SET state = 'cancelled', settled_at = $1, leased_until = 0, fence = fence + 1
		WHERE state IN ('queued', 'dead') AND `

	mailOfUser, mailTo = `user_id <> '' AND user_id = `, `recipient = `
)

// forget erases what is kept about people. It reads whole tables, but for mail of a
// user: there is no index by which somebody is found who shall not be found any
// more, and people are rarely forgotten.
func (b *builder) forget(c *change) {
	mails := func(theirs, key string) {
		b.add(b.t.plain(unsendMail+theirs+`$2`), anyRows, micros(c.Events[0].At), key)
		b.add(b.t.plain(blankMail+theirs+`$1`), anyRows, key)
	}
	for _, f := range c.Forget {
		if f.User != "" {
			for _, text := range forgetUser {
				b.add(b.t.plain(text), anyRows, string(f.User))
			}
			mails(mailOfUser, string(f.User))
		}
		if f.Email != "" {
			for _, text := range forgetEmail {
				b.add(b.t.plain(text), anyRows, string(f.Email))
			}
			mails(mailTo, string(f.Email))
		}
	}
}
