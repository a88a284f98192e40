package sqlstore

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// members is sorted by the label of each member, which belongs to the user and
// stands in no index of an account: a page reads the members of one account
// and keeps its own share. A match fits by any of $6 to $9 that is filled.
const members = `SELECT ` + membershipM + `, ` + userU + `
	FROM {p}memberships m
	JOIN {p}users u ON u.id = m.user_id
	WHERE m.account_id = $1 AND m.ended_at = 0 AND (u.label_key, u.id) > ($2, $3)
		AND ($4 = '' OR u.label_key LIKE $4 || '' ESCAPE '!' OR u.handle_key LIKE $4 || '' ESCAPE '!' OR u.email LIKE $4 || '' ESCAPE '!')
		AND ($5 = 0 OR u.id = $6 AND $6 <> '' OR u.email = $7 AND $7 <> '' OR u.handle_key = $8 AND $8 <> ''
			OR u.label_key = $9 AND $9 <> '' AND u.name <> '')
	ORDER BY u.label_key, u.id LIMIT $10 + 0`

func bindMember(d []any, m *accounts.Member) []any {
	return bindUser(bindMembership(d, &m.Membership), &m.User)
}

// Members implements accounts.Store.
func (r *Reads) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return list(ctx, r, bindMember, members,
		string(q.Account), q.After.NameKey, string(q.After.User), contains(q.Search), flag(q.Match != accounts.MemberRef{}),
		string(q.Match.ID), string(q.Match.Email), q.Match.Handle, q.Match.NameKey, limit(q.Limit))
}

// The connections of an agency come in the order of an index. Those of a
// client, which has a handful of agencies in its life, are sorted.
const (
	connectionsOfClient = `SELECT ` + connectionC + `, ` + accountStateG + `
	FROM {p}connections c
	JOIN {p}accounts g ON g.id = c.agency_id
	WHERE c.client_id = $1 AND (c.agency_key, c.agency_id) > ($2, $3)
		AND ` + countsC + ` AND ($4 = '' OR c.agency_key LIKE $4 || '' ESCAPE '!')
	ORDER BY c.agency_key, c.agency_id LIMIT $5 + 0`

	connectionsOfAgency = `SELECT ` + connectionC + `, ` + accountStateA + `
	FROM {p}connections c
	JOIN {p}accounts g ON g.id = c.agency_id
	JOIN {p}accounts a ON a.id = c.client_id
	WHERE c.agency_id = $1 AND (c.client_key, c.client_id) > ($2, $3)
		AND ` + countsC + ` AND ($4 = '' OR c.client_key LIKE $4 || '' ESCAPE '!')
	ORDER BY c.client_key, c.client_id LIMIT $5 + 0`

	// connectionsAlong is the same for a database that chooses its own way, as
	// reachAlong is.
	connectionsAlong = `{hidden}SELECT ` + connectionC + `, x.*
	FROM {p}connections c
	CROSS JOIN LATERAL (SELECT ` + accountStateA + ` FROM {p}accounts a JOIN {p}accounts g ON g.id = c.agency_id
		WHERE a.id = c.client_id AND ` + countsC + ` LIMIT 1) x
	WHERE c.agency_id = $1 AND (c.client_key, c.client_id) > ($2, $3)
		AND CASE WHEN $4 = '' OR c.client_key LIKE $4 || '' ESCAPE '!' THEN 1 ELSE 0 END > 0
	ORDER BY c.client_key, c.client_id LIMIT $5 + 0`
)

var errSide = errors.New("sqlstore: a query for connections names exactly one of client and agency")

func bindConnected(d []any, c *accounts.Connected) []any {
	return bindAccountState(bindConnection(d, &c.Connection), &c.Other)
}

// Connections implements accounts.Store.
func (r *Reads) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	if (q.Client == "") == (q.Agency == "") {
		return nil, errSide
	}
	text, account := connectionsOfClient, q.Client
	if account == "" {
		text, account = connectionsOfAgency, q.Agency
		if r.d.Together {
			text = connectionsAlong
		}
	}
	return list(ctx, r, bindConnected, text,
		string(account), q.After.NameKey, string(q.After.Account), contains(q.Search), limit(q.Limit))
}
