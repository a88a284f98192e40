package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// deciding has one row for each owner's membership in the agency, and one if
// there is none: the rows differ only in o and p. $1 is who would decide, $2
// the client account, $3 the day, $4 the top role.
const (
	deciding = `SELECT ` + requestR + `, ` + accountG + `, ` + userQ + `, ` + membershipW + `, d.used, ` +
		userU + `, ` + membershipM + `, ` + accountA + `, ` + connectionC + `, ` + assignmentS + `,
		` + contactP + `
	FROM {p}requests r
	JOIN {p}accounts g ON g.id = r.agency_id
	LEFT JOIN {p}users q ON q.id = r.requester_id
	LEFT JOIN {p}memberships w ON w.account_id = r.agency_id AND w.user_id = r.requester_id
	LEFT JOIN {p}quotas d ON d.subject = r.email AND d.kind = 'recipient' AND d.day = $3
	LEFT JOIN {p}users u ON u.id = $1
	LEFT JOIN {p}accounts a ON a.id = $2
	LEFT JOIN {p}memberships m ON m.account_id = $2 AND m.user_id = $1
	LEFT JOIN {p}connections c ON c.client_id = $2 AND c.agency_id = r.agency_id
	LEFT JOIN {p}assignments s ON s.client_id = $2 AND s.user_id = r.requester_id AND s.agency_id = r.agency_id
	LEFT JOIN {p}memberships o ON o.account_id = r.agency_id AND o.role = $4 AND o.suspended_at = 0 AND o.ended_at = 0
	LEFT JOIN {p}users p ON p.id = o.user_id AND p.deleted_at = 0
	WHERE `

	decidingByID   = deciding + `r.agency_id = $5 AND r.id = $6`
	decidingByHash = deciding + `r.hash = $5`
)

// Deciding implements access.RequestStore.
func (r *Reads) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	args := append(make([]any, 0, 6), string(q.User), string(q.Client), int64(q.Day), string(q.Top))
	text := decidingByID
	switch {
	case q.ID != "":
		args = append(args, string(q.Agency), string(q.ID))
	case q.Hash != token.Hash{}:
		text, args = decidingByHash, append(args, q.Hash[:])
	default:
		return access.Deciding{}, accounts.ErrNotFound
	}
	var v access.Deciding
	var owner accounts.Contact
	d := make([]any, 0, 138)
	d = bindMembership(bindUser(bindAccount(bindRequest(d, &v.Request), &v.Agency), &v.Requester), &v.Member)
	d = bindMembership(bindUser(append(d, (*asCount)(&v.Mails)), &v.Decider.User), &v.Decider.Membership)
	d = bindAssignment(bindConnection(bindAccount(d, &v.Client), &v.Connection), &v.Assignment)
	d = bindContact(d, &owner)
	err := r.each(ctx, text, args, d, func() {
		if owner.User != "" {
			v.AgencyOwners = append(v.AgencyOwners, owner)
		}
	})
	switch {
	case err != nil:
		return access.Deciding{}, err
	case v.Request.ID == "":
		return access.Deciding{}, accounts.ErrNotFound
	}
	byUser(v.AgencyOwners)
	if q.Client != "" {
		v.Connection.ConnectionKey = accounts.ConnectionKey{Client: q.Client, Agency: v.Request.Agency}
		v.Assignment.ConnectionKey, v.Assignment.User = v.Connection.ConnectionKey, v.Request.Requester
		v.Decider.Membership.Account, v.Decider.Membership.User = q.Client, q.User
	}
	return v, nil
}
