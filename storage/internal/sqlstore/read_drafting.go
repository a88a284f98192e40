package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// drafting has one row for each address. The agency and its counter are only
// in the first, which is there even without an address.
const drafting = `WITH k (n, email) AS ({keys})
	SELECT k.n, ` + accountG + `, h.used, d.used, ` + requestR + `,
		CASE WHEN EXISTS (SELECT 1 FROM {p}requests o
			JOIN {p}connections c ON c.client_id = o.client_id AND c.agency_id = o.agency_id AND c.request_id = o.id
			JOIN {p}accounts g ON g.id = c.agency_id
			JOIN {p}accounts a ON a.id = c.client_id
			WHERE o.agency_id = {agency} AND o.email = k.email AND o.state = 'approved' AND ` + openA + ` AND ` + countsC + `)
			THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM {p}users u
			JOIN {p}memberships m ON m.account_id = {agency} AND m.user_id = u.id
			WHERE u.email = k.email AND u.email <> '' AND u.deleted_at = 0 AND ` + activeM + `)
			THEN 1 ELSE 0 END
	FROM k
	LEFT JOIN {p}accounts g ON g.id = {agency} AND k.n = 0
	LEFT JOIN {p}quotas h ON h.subject = {agency} AND h.kind = 'requests' AND h.day = {day} AND k.n = 0
	LEFT JOIN {p}quotas d ON d.subject = k.email AND d.kind = 'recipient' AND d.day = {day}
	LEFT JOIN {p}requests r ON r.agency_id = {agency} AND r.email = k.email AND r.state = 'pending'
	WHERE k.n = 0 OR k.email IS NOT NULL`

// Drafting implements access.RequestStore. It returns an error for more than
// 32,000 addresses, which no one statement could answer.
func (r *Reads) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	if len(q.Emails) > 2*maxKeys {
		return access.Drafting{}, fmt.Errorf("sqlstore: %d addresses at once; the most is %d", len(q.Emails), 2*maxKeys)
	}
	k := newKeys(r.d, len(q.Emails), 1, func(a []any, i int) []any { return append(a, string(q.Emails[i])) })
	text := strings.NewReplacer("{keys}", k.text, "{agency}", k.and(string(q.Agency)), "{day}", k.and(int64(q.Day))).Replace(drafting)
	var n int64
	var used int
	var agency accounts.Account
	var v access.Recipient
	d := bindRequest(append(bindAccount([]any{(*asInt)(&n)}, &agency), (*asCount)(&used), (*asCount)(&v.Mails)), &v.Pending)
	d = append(d, (*asBool)(&v.Connected), (*asBool)(&v.Own))

	var found access.Drafting
	if len(q.Emails) > 0 {
		found.Recipients = make([]access.Recipient, len(q.Emails))
	}
	err := r.each(ctx, text, k.args, d, func() {
		if n == 0 {
			found.Agency, found.Used = agency, used
		}
		if int(n) < len(q.Emails) {
			v.Email = q.Emails[n]
			found.Recipients[n] = v
		}
	})
	switch {
	case err != nil:
		return access.Drafting{}, err
	case found.Agency.ID == "":
		return access.Drafting{}, accounts.ErrNotFound
	}
	return found, nil
}
