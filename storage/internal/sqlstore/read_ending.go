package sqlstore

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ending has three parts: a row for the agency itself, a row for each owner's
// membership in each client whose connection counts (one if there is none),
// and a row for each request.
const ending = `WITH k (part) AS (VALUES (0), (1), (2))
	SELECT ` + accountG + `, ` + accountStateA + `, a.locale, c.cap,
		CASE WHEN c.client_id IS NULL THEN 0 ELSE (SELECT count(*) FROM {p}assignments s
			JOIN {p}memberships w ON w.account_id = s.agency_id AND w.user_id = s.user_id
			WHERE s.client_id = c.client_id AND s.agency_id = c.agency_id AND ` + countsS + ` AND ` + activeW + `) END,
		` + contactU + `, ` + requestR + `
	FROM k
	JOIN {p}accounts g ON g.id = $1
	LEFT JOIN {p}connections c ON k.part = 1 AND c.agency_id = g.id AND ` + countsC + `
	LEFT JOIN {p}accounts a ON a.id = c.client_id
	LEFT JOIN {p}memberships m ON m.account_id = c.client_id AND m.role = $3 AND ` + activeM + `
	LEFT JOIN {p}users u ON u.id = m.user_id AND u.deleted_at = 0
	LEFT JOIN {p}requests r {by requests_pending} ON k.part = 2 AND r.agency_id = g.id AND r.state = 'pending'
		AND r.expires_at > $2 AND r.agency_epoch = g.epoch AND g.closed_at = 0
	ORDER BY k.part, a.id, m.user_id, r.id`

// Ending implements access.RequestStore.
func (r *Reads) Ending(ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role) (access.Ending, error) {
	var v access.Ending
	var client access.EndingClient
	var owner accounts.Contact
	var request access.Request
	d := bindAccountState(bindAccount(nil, &v.Agency), &client.Client)
	d = append(d, (*asText)(&client.Locale), (*asText)(&client.Cap), (*asCount)(&client.Assigned))
	d = bindRequest(bindContact(d, &owner), &request)
	err := r.each(ctx, ending, []any{string(agency), micros(at), string(top)}, d, func() {
		if request.ID != "" {
			v.Requests = append(v.Requests, request)
		}
		if client.Client.ID == "" {
			return
		}
		if n := len(v.Clients); n == 0 || v.Clients[n-1].Client.ID != client.Client.ID {
			v.Clients = append(v.Clients, client)
		}
		if owner.User != "" {
			last := &v.Clients[len(v.Clients)-1]
			last.Owners = append(last.Owners, owner)
		}
	})
	switch {
	case err != nil:
		return access.Ending{}, err
	case v.Agency.ID == "":
		return access.Ending{}, accounts.ErrNotFound
	}
	return v, nil
}
