package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

const admission = `SELECT ` + sessionStateX + `, ` + standingColumns + `, ` + grantsF + `
	FROM {p}sessions x
	JOIN {p}users u ON u.id = x.user_id
	LEFT JOIN {p}accounts a ON a.id = $2` + standingJoins + `
	WHERE x.hash = $1`

// Admission implements access.SessionStore. No secret has the zero hash, so
// nothing is found by it, whatever a row may hold.
func (r *Reads) Admission(ctx context.Context, hash token.Hash, account accounts.AccountID) (access.Admission, error) {
	var found access.Admission
	if hash == (token.Hash{}) {
		return found, nil
	}
	var row standingRow
	d := row.bind(bindSessionState(make([]any, 0, 58), &found.Session))
	d = append(d, (*asGrants)(&found.Sites))
	err := r.each(ctx, admission, []any{hash[:], string(account)}, d, func() { row.into(&found.Standing) })
	if err != nil {
		return access.Admission{}, err
	}
	byAgency(found.Standing.Routes)
	return found, nil
}

const (
	sessionByID   = `SELECT ` + sessionX + ` FROM {p}sessions x WHERE x.id = $1`
	sessionByHash = `SELECT ` + sessionX + ` FROM {p}sessions x WHERE x.hash = $1`
)

// Session implements access.SessionStore.
func (r *Reads) Session(ctx context.Context, key access.SessionKey) (access.Session, error) {
	switch {
	case key.ID != "":
		return get(ctx, r, bindSession, sessionByID, string(key.ID))
	case key.Hash != token.Hash{}:
		return get(ctx, r, bindSession, sessionByHash, key.Hash[:])
	}
	return access.Session{}, accounts.ErrNotFound
}

const sessionsOf = `SELECT ` + sessionX + ` FROM {p}sessions x
	WHERE x.user_id = $1 AND x.id < $2 AND x.ended_at = 0
	ORDER BY x.id DESC LIMIT $3 + 0`

// Sessions implements access.SessionStore.
func (r *Reads) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	before := string(q.Before)
	if before == "" {
		before = lastID
	}
	return list(ctx, r, bindSession, sessionsOf, string(q.User), before, limit(q.Limit))
}
