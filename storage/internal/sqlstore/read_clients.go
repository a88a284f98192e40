package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// clients walks the agency's requests backwards by when they were made. Each
// part is one condition more, so that a page without a search or a filter
// carries neither.
const (
	clients = clientsLines + `{p}requests r` + clientsJoins + `
	WHERE r.agency_id = $1 AND (r.created_at, r.id) < ($2, $3)`

	clientsPage = ` ORDER BY r.created_at DESC, r.id DESC LIMIT $4 + 0`

	// clientsFit asks the request alone and finds the account's name itself, so
	// that the tables of the page are joined only to lines that fit.
	clientsFit = ` AND (r.email LIKE $5 || '' ESCAPE '!' OR r.state = 'approved'
		AND (SELECT b.name_key FROM {p}accounts b WHERE b.id = r.client_id) LIKE $5 || '' ESCAPE '!')`

	// clientsIn compares what access.Client.StateAt says.
	clientsIn = ` AND CASE
		WHEN r.state = 'pending' AND (r.agency_epoch <> g.epoch OR g.closed_at <> 0) THEN 'ended'
		WHEN r.state = 'pending' AND r.expires_at <= {at} THEN 'expired'
		WHEN r.state IN ('pending', 'declined', 'withdrawn', 'expired') THEN r.state
		WHEN r.state = 'approved' AND ` + openA + ` AND ` + countsC + ` THEN 'connected'
		ELSE 'ended' END IN (`
)

// clientsFirst and clientsAlong are clients for a database that chooses its own way,
// and counts wrong how many lines fit: it would sort them all. Without a search or a
// filter each request is a line, and a page of requests is read first. Else the list
// is walked a block at a time until the page is full: w has what fits in each block,
// and where it ended, which is NULL if the list did.
const (
	clientsLines = `SELECT ` + requestR + `, ` + accountStateG + `, ` + connectionStateC + `, ` + accountStateA + ` FROM `
	clientsBlock = `SELECT r.* FROM {p}requests r WHERE r.agency_id = $1 AND (r.created_at, r.id) < `
	clientsOrder = ` ORDER BY r.created_at DESC, r.id DESC`
	clientsJoins = `
	JOIN {p}accounts g ON g.id = r.agency_id
	LEFT JOIN {p}connections c ON c.client_id = r.client_id AND c.agency_id = r.agency_id AND c.request_id = r.id
	LEFT JOIN {p}accounts a ON a.id = r.client_id AND r.state = 'approved'`

	clientsFirst = `{hidden}` + clientsLines + `(` + clientsBlock + `($2, $3)` + clientsPage + `) r` + clientsJoins + clientsPage

	clientsAlong = `{hidden}WITH RECURSIVE w (created_at, id, ids, n) AS (
		SELECT CAST($2 AS bigint), CAST($3 AS text) COLLATE "C", CAST(NULL AS text[]) COLLATE "C", CAST(0 AS bigint)
		UNION ALL
		SELECT b.created_at, b.id, b.ids, w.n + b.n FROM w CROSS JOIN LATERAL (
			SELECT (pg_catalog.array_agg(r.created_at` + clientsOrder + `))[` + headOf + `] AS created_at,
				(pg_catalog.array_agg(r.id` + clientsOrder + `))[` + headOf + `] AS id,
				pg_catalog.array_agg(r.id) FILTER (WHERE r.fits) AS ids, count(*) FILTER (WHERE r.fits) AS n
			FROM (SELECT r.created_at, r.id, x.fits FROM (` + clientsBlock + `(w.created_at, w.id)` + clientsOrder + ` LIMIT ` + headOf + `) r
				CROSS JOIN LATERAL (SELECT TRUE{fits} AS fits FROM (SELECT 1 AS one) o` + clientsJoins + ` LIMIT 1) x) r) b
		WHERE w.id IS NOT NULL AND w.n < $4)
	SELECT x.* FROM (SELECT pg_catalog.unnest(ids) AS id FROM w) k
	CROSS JOIN LATERAL (` + clientsLines + `{p}requests r` + clientsJoins + ` WHERE r.agency_id = $1 AND r.id = k.id LIMIT 1) x
	ORDER BY x.created_at DESC, k.id DESC LIMIT $4 + 0`
)

func bindClient(d []any, c *access.Client) []any {
	d = bindAccountState(bindRequest(d, &c.Request), &c.Agency)
	return bindAccountState(bindConnectionState(d, &c.Connection), &c.Account)
}

// Clients implements access.RequestStore.
func (r *Reads) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	at := lastMoment
	if q.Before != (access.ClientCursor{}) {
		at = micros(q.Before.CreatedAt)
	}
	args := append(make([]any, 0, 14), string(q.Agency), at, string(q.Before.ID), limit(q.Limit))
	search := contains(q.Search)
	fits := ""
	if search != "" {
		fits, args = clientsFit, append(args, search)
	}
	if len(q.States) > 0 {
		args = append(args, micros(q.At))
		p := "$" + strconv.Itoa(len(args))
		var in string
		in, args = oneOf(args, q.States)
		fits += strings.Replace(clientsIn, "{at}", p, 1) + in + `)`
	}
	text := clients + fits + clientsPage
	switch {
	case r.d.Together && fits == "":
		text = clientsFirst
	case r.d.Together:
		text = strings.Replace(clientsAlong, "{fits}", fits, 1)
	}
	return list(ctx, r, bindClient, text, args...)
}

const addressed = `SELECT ` + requestR + `, ` + accountStateG + `
	FROM {p}requests r
	JOIN {p}accounts g ON g.id = r.agency_id AND g.epoch = r.agency_epoch AND ` + actsG + `
	WHERE r.email = $1 AND r.state = 'pending' AND r.expires_at > $2
	ORDER BY r.created_at DESC, r.id DESC, r.agency_id DESC LIMIT $3 + 0`

func bindAddressed(d []any, c *access.Client) []any {
	return bindAccountState(bindRequest(d, &c.Request), &c.Agency)
}

// Addressed implements access.RequestStore.
func (r *Reads) Addressed(ctx context.Context, email accounts.Email, at time.Time, n int) ([]access.Client, error) {
	return list(ctx, r, bindAddressed, addressed, string(email), micros(at), limit(n))
}
