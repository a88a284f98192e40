package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Means are one row for each identity, and one if there is none: the rows
// differ only in i.
const (
	meansColumns = userU + `, ` + credentialY + `, ` + identityI

	// meansJoins adds to a user u, if there is one, what they log in with.
	meansJoins = `
	LEFT JOIN {p}credentials y ON y.user_id = u.id
	LEFT JOIN {p}identities i ON i.user_id = u.id`

	meansOf         = `SELECT ` + meansColumns + ` FROM {p}users u`
	meansByID       = meansOf + meansJoins + whoByID
	meansByEmail    = meansOf + meansJoins + whoByEmail
	meansByHandle   = meansOf + meansJoins + whoByHandle
	meansByIdentity = meansOf + identified + meansJoins + whoByIdentity
)

// meansRow is what one row of somebody's means is scanned into.
type meansRow struct {
	user       accounts.User
	credential accounts.Credential
	identity   accounts.Identity
}

func (w *meansRow) bind(d []any) []any {
	return bindIdentity(bindCredential(bindUser(d, &w.user), &w.credential), &w.identity)
}

// into adds the row to the means.
func (w *meansRow) into(m *accounts.Means) {
	m.User, m.Credential = w.user, w.credential
	m.Credential.User = w.user.ID
	if w.identity.User != "" {
		m.Identities = append(m.Identities, w.identity)
	}
}

// byIssuer puts identities in order, in which no database promises to find
// them.
func byIssuer(all []accounts.Identity) {
	slices.SortFunc(all, func(a, b accounts.Identity) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject))
	})
}

// Means implements accounts.Reader.
func (r *Reads) Means(ctx context.Context, key accounts.UserKey) (accounts.Means, error) {
	text, args := named(key, meansByID, meansByEmail, meansByHandle, meansByIdentity)
	var m accounts.Means
	var row meansRow
	err := r.each(ctx, text, args, row.bind(make([]any, 0, 28)), func() { row.into(&m) })
	switch {
	case err != nil:
		return accounts.Means{}, err
	case m.User.ID == "":
		return accounts.Means{}, accounts.ErrNotFound
	}
	byIssuer(m.Identities)
	return m, nil
}

const challengeByKey = `SELECT ` + challengeZ + ` FROM {p}challenges z
	WHERE z.user_id = $1 AND z.session_id = $2 AND z.account_id = $3 AND z.action = $4`

// Challenge implements accounts.Reader.
func (r *Reads) Challenge(ctx context.Context, key accounts.ChallengeKey) (accounts.Challenge, error) {
	var c accounts.Challenge
	args := []any{string(key.User), string(key.Session), string(key.Account), string(key.Action)}
	if err := r.each(ctx, challengeByKey, args, bindChallenge(nil, &c), func() {}); err != nil {
		return accounts.Challenge{}, err
	}
	c.ChallengeKey = key
	return c, nil
}

// entering has rows as means have them, also for an address that nobody has.
// $1 is the address, $2 the source, $3 the day.
const entering = `WITH k (n) AS (VALUES (0))
	SELECT ` + meansColumns + `, ` + guessesN + `, d.used, h.used
	FROM k
	LEFT JOIN {p}users u ON u.email = $1 AND u.email <> '' AND u.deleted_at = 0` + meansJoins + `
	LEFT JOIN {p}guesses n ON n.email = $1
	LEFT JOIN {p}quotas d ON d.subject = $2 AND d.subject <> '' AND d.kind = 'source' AND d.day = $3
	LEFT JOIN {p}quotas h ON h.subject = $1 AND h.kind = 'links' AND h.day = $3`

// Entering implements access.LoginStore.
func (r *Reads) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	var v access.Entering
	var row meansRow
	d := bindGuesses(row.bind(make([]any, 0, 34)), &v.Guesses)
	d = append(d, (*asCount)(&v.Tries), (*asCount)(&v.Links))
	err := r.each(ctx, entering, []any{string(q.Email), q.Source, int64(q.Day)}, d, func() { row.into(&v.Means) })
	if err != nil {
		return access.Entering{}, err
	}
	v.Guesses.Email = q.Email
	byIssuer(v.Means.Identities)
	return v, nil
}

const (
	ticketByKey  = `SELECT ` + ticketT + ` FROM {p}tickets t WHERE t.user_id = $1 AND t.purpose = $2`
	ticketByHash = `SELECT ` + ticketT + ` FROM {p}tickets t WHERE t.hash = $1`
)

// Ticket implements access.LoginStore.
func (r *Reads) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	switch {
	case q.TicketKey != access.TicketKey{}:
		return get(ctx, r, bindTicket, ticketByKey, string(q.User), string(q.Purpose))
	case q.Hash != token.Hash{}:
		return get(ctx, r, bindTicket, ticketByHash, q.Hash[:])
	}
	return access.Ticket{}, accounts.ErrNotFound
}
