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
	clients = `SELECT ` + requestR + `, ` + accountStateG + `, ` + connectionStateC + `, ` + accountStateA + `
	FROM {p}requests r
	JOIN {p}accounts g ON g.id = r.agency_id
	LEFT JOIN {p}connections c ON c.client_id = r.client_id AND c.agency_id = r.agency_id AND c.request_id = r.id
	LEFT JOIN {p}accounts a ON a.id = r.client_id AND r.state = 'approved'
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
	text := clients
	if search != "" {
		text, args = text+clientsFit, append(args, search)
	}
	if len(q.States) > 0 {
		args = append(args, micros(q.At))
		p := "$" + strconv.Itoa(len(args))
		var in string
		in, args = oneOf(args, q.States)
		text += strings.Replace(clientsIn, "{at}", p, 1) + in + `)`
	}
	return list(ctx, r, bindClient, text+clientsPage, args...)
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
