package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// reach merges two branches that an index keeps in the order of the page, the
// user's memberships and the user's assignments, and a third of the accounts
// whose client the user is. Each stops after a page of its own, so the cost
// follows the page and not what the user can reach.
//
// $5 and $6 are the proof, $7 the search, $8 the length of the page.
const (
	reachMember = `SELECT m.account_key AS place, a.id AS account, '' AS agency, a.name, '' AS agency_name, m.role, '' AS cap, '' AS client
		FROM {p}memberships m
		JOIN {p}accounts a ON a.id = m.account_id
		WHERE m.user_id = $1 AND (m.account_key, m.account_id) > ($2, $3)
			AND ` + activeM + ` AND m.after_login < $5 AND m.after_at < $6 AND ` + openA + ` AND ` + unbarredF + ` AND ` + reachUser

	reachDelegate = `SELECT s.client_key AS place, a.id AS account, g.id AS agency, a.name, g.name AS agency_name, s.role, c.cap, '' AS client
		FROM {p}assignments s
		JOIN {p}accounts a ON a.id = s.client_id
		JOIN {p}connections c ON c.client_id = s.client_id AND c.agency_id = s.agency_id
		JOIN {p}accounts g ON g.id = s.agency_id
		JOIN {p}memberships w ON w.account_id = s.agency_id AND w.user_id = s.user_id
		LEFT JOIN {p}memberships m ON m.account_id = s.client_id AND m.user_id = s.user_id
		WHERE s.user_id = $1 AND (s.client_key, s.client_id, s.agency_id) > ($2, $3, $4)
			AND ` + countsS + ` AND ` + countsC + ` AND ` + activeW + ` AND w.after_login < $5 AND w.after_at < $6
			AND ` + openA + ` AND ` + unbarredM + ` AND ` + unbarredF + ` AND ` + reachUser

	// reachClient sorts: people are clients of few accounts.
	reachClient = `SELECT a.name_key AS place, a.id AS account, '' AS agency, a.name, '' AS agency_name, '' AS role, '' AS cap, f.id AS client
		FROM {p}clients f
		JOIN {p}accounts a ON a.id = f.account_id
		LEFT JOIN {p}memberships m ON m.account_id = f.account_id AND m.user_id = f.user_id
		WHERE f.user_id = $1 AND (a.name_key, a.id, '') > ($2, $3, $4) AND f.deleted_at = 0 AND f.suspended_at = 0
			AND f.after_login < $5 AND f.after_at < $6 AND ` + openA + ` AND ` + unbarredM + ` AND ` + reachUser

	// unbarredM is that the user's own membership in the client account, if
	// there ever was one, bars no route.
	unbarredM = `(m.user_id IS NULL OR (m.role = '' OR m.suspended_at = 0)
			AND m.after_login < $5 AND m.after_at < $6)`

	// unbarredF is the same of the user's client record there. Most users are
	// nobody's client, which is found out once.
	unbarredF = `((SELECT 1 FROM {p}clients f WHERE f.user_id = $1 AND f.deleted_at = 0 LIMIT 1) IS NULL OR (SELECT f.suspended_at = 0 AND f.after_login < $5 AND f.after_at < $6 FROM {p}clients f
			WHERE f.user_id = $1 AND f.account_id = a.id AND f.deleted_at = 0) IS NOT FALSE)`

	// reachUser compares a value instead of asking for existence: SQLite turns
	// EXISTS into a join and would find the user again for each entry.
	reachUser = `1 = (SELECT 1 FROM {p}users u WHERE u.id = $1 AND u.suspended_at = 0 AND u.deleted_at = 0)`

	reachMemberFits   = ` AND ($7 = '' OR m.account_key LIKE $7 || '' ESCAPE '!')`
	reachClientFits   = ` AND ($7 = '' OR a.name_key LIKE $7 || '' ESCAPE '!')`
	reachDelegateFits = ` AND ($7 = '' OR s.client_key LIKE $7 || '' ESCAPE '!')`

	reach = `SELECT * FROM (` + reachMember + reachMemberFits + ` ORDER BY m.account_key, m.account_id LIMIT $8 + 0) x
	UNION ALL
	SELECT * FROM (` + reachDelegate + reachDelegateFits + ` ORDER BY s.client_key, s.client_id, s.agency_id LIMIT $8 + 0) y
	UNION ALL
	SELECT * FROM (` + reachClient + reachClientFits + ` ORDER BY a.name_key, a.id LIMIT $8 + 0) z
	ORDER BY 1, 2, 3 LIMIT $8 + 0`
)

// reachAlong is reach for a database that chooses its own way, and counts wrong how
// many assignments count: it would sort them all. What an entry needs is looked up
// behind the entry, which nothing can be done before.
const (
	alongMember = `SELECT m.account_key AS place, m.account_id AS account, '' AS agency, x.name, '' AS agency_name, m.role, '' AS cap, '' AS client
		FROM {p}memberships m
		CROSS JOIN LATERAL (SELECT a.name FROM {p}accounts a WHERE a.id = m.account_id AND ` + openA + ` AND ` + unbarredF + ` LIMIT 1) x
		WHERE m.user_id = $1 AND (m.account_key, m.account_id) > ($2, $3)
			AND ` + activeM + ` AND m.after_login < $5 AND m.after_at < $6 AND ` + reachUser

	alongDelegate = `SELECT s.client_key AS place, s.client_id AS account, s.agency_id AS agency, x.name, x.agency_name, s.role, x.cap, '' AS client
		FROM {p}assignments s
		CROSS JOIN LATERAL (SELECT a.name, g.name AS agency_name, c.cap
			FROM {p}connections c
			JOIN {p}accounts a ON a.id = c.client_id
			JOIN {p}accounts g ON g.id = c.agency_id
			JOIN {p}memberships w ON w.account_id = c.agency_id AND w.user_id = $1
			LEFT JOIN {p}memberships m ON m.account_id = c.client_id AND m.user_id = $1
			WHERE c.client_id = s.client_id AND c.agency_id = s.agency_id
				AND ` + countsS + ` AND ` + countsC + ` AND ` + activeW + ` AND w.after_login < $5 AND w.after_at < $6
				AND ` + openA + ` AND ` + unbarredM + ` AND ` + unbarredF + ` LIMIT 1) x
		WHERE s.user_id = $1 AND (s.client_key, s.client_id, s.agency_id) > ($2, $3, $4) AND ` + reachUser

	alongClient = `SELECT x.name_key AS place, f.account_id AS account, '' AS agency, x.name, '' AS agency_name, '' AS role, '' AS cap, f.id AS client
		FROM {p}clients f
		CROSS JOIN LATERAL (SELECT a.name_key, a.name
			FROM {p}accounts a
			LEFT JOIN {p}memberships m ON m.account_id = a.id AND m.user_id = $1
			WHERE a.id = f.account_id AND (a.name_key, a.id, '') > ($2, $3, $4) AND ` + openA + ` AND ` + unbarredM + ` LIMIT 1) x
		WHERE f.user_id = $1 AND f.deleted_at = 0 AND f.suspended_at = 0 AND f.after_login < $5 AND f.after_at < $6 AND ` + reachUser

	// It would believe that next to nothing fits a pattern. Of this, it takes a third.
	alongMemberFits   = ` AND CASE WHEN m.account_key LIKE $8 || '' ESCAPE '!' THEN 1 ELSE 0 END > 0`
	alongClientFits   = ` AND CASE WHEN x.name_key LIKE $8 || '' ESCAPE '!' THEN 1 ELSE 0 END > 0`
	alongDelegateFits = ` AND CASE WHEN s.client_key LIKE $8 || '' ESCAPE '!' THEN 1 ELSE 0 END > 0`

	alongMemberEnd   = ` ORDER BY m.account_key, m.account_id LIMIT $7 + 0) x UNION ALL SELECT * FROM (`
	alongDelegateEnd = ` ORDER BY s.client_key, s.client_id, s.agency_id LIMIT $7 + 0) y UNION ALL SELECT * FROM (`
	alongClientEnd   = ` ORDER BY x.name_key, f.account_id LIMIT $7 + 0) z ORDER BY 1, 2, 3 LIMIT $7 + 0`

	reachAlong = `{hidden}SELECT * FROM (` + alongMember + alongMemberEnd + alongDelegate + alongDelegateEnd + alongClient + alongClientEnd
	reachFits  = `{hidden}SELECT * FROM (` + alongMember + alongMemberFits + alongMemberEnd + alongDelegate + alongDelegateFits + alongDelegateEnd +
		alongClient + alongClientFits + alongClientEnd
)

// Reach implements accounts.Reader.
func (r *Reads) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	login, at := proof(q.Proof)
	var all []accounts.Reached
	var v accounts.Reached
	var place string
	d := []any{(*asText)(&place), (*asText)(&v.Account), (*asText)(&v.Agency), (*asText)(&v.Name), (*asText)(&v.AgencyName), (*asText)(&v.Role), (*asText)(&v.Cap), (*asText)(&v.Client)}
	text, search := reach, contains(q.Search)
	args := []any{string(q.User), q.After.NameKey, string(q.After.Account), string(q.After.Agency), login, at, search, limit(q.Limit)}
	if r.d.Together {
		text, args = reachAlong, append(args[:6], limit(q.Limit))
		if search != "" {
			text, args = reachFits, append(args, search)
		}
	}
	err := r.each(ctx, text, args, d, func() {
		v.Kind = accounts.RouteMember
		switch {
		case v.Agency != "":
			v.Kind = accounts.RouteDelegate
		case v.Client != "":
			v.Kind = accounts.RouteClient
		}
		all = append(all, v)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
