package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// A standing is one row for each route, and one if there is none: the rows
// differ only in what belongs to the route.
const (
	standingColumns = userStateU + `, ` + accountStateA + `, ` + memberStateM + `, ` +
		`f.id, f.epoch, f.after_login, f.after_at, f.suspended_at, ` + accountStateG + `, ` + connectionStateC + `, ` + memberStateW + `, ` + assignmentStateS

	// standingJoins adds to a user u and an account a what ties them.
	standingJoins = `
	LEFT JOIN {p}memberships m ON m.account_id = a.id AND m.user_id = u.id
	LEFT JOIN {p}clients f ON f.user_id = u.id AND f.account_id = a.id AND f.deleted_at = 0
	LEFT JOIN {p}assignments s ON s.client_id = a.id AND s.user_id = u.id
	LEFT JOIN {p}connections c ON c.client_id = s.client_id AND c.agency_id = s.agency_id
	LEFT JOIN {p}accounts g ON g.id = s.agency_id
	LEFT JOIN {p}memberships w ON w.account_id = s.agency_id AND w.user_id = s.user_id`
)

// standingRow is what one row of a standing is scanned into.
type standingRow struct {
	standing accounts.Standing
	route    accounts.Route
}

func (w *standingRow) bind(d []any) []any {
	d = slices.Grow(d, 48)
	d = bindMemberState(bindAccountState(bindUserState(d, &w.standing.User), &w.standing.Account), &w.standing.Member)
	f := &w.standing.Client
	d = append(d, (*asText)(&f.ID), (*asInt)(&f.Epoch), (*asInt)(&f.After), (*asTime)(&f.AfterAt), (*asTime)(&f.SuspendedAt))
	d = bindConnectionState(bindAccountState(d, &w.route.Agency), &w.route.Connection)
	return bindAssignmentState(bindMemberState(d, &w.route.Member), &w.route.Assignment)
}

// into adds the row to its standing.
func (w *standingRow) into(s *accounts.Standing) {
	s.User, s.Account, s.Member = w.standing.User, w.standing.Account, w.standing.Member
	if w.standing.Client.ID != "" {
		s.Client = w.standing.Client
		s.Client.Account, s.Client.User = s.Account.ID, s.User.ID
	}
	if w.route.Agency.ID != "" {
		s.Routes = append(s.Routes, w.route)
	}
}

// byAgency puts routes in order. They come in the order of the primary key
// where the database walks it, which none promises without being asked to
// sort.
func byAgency(routes []accounts.Route) {
	slices.SortFunc(routes, func(a, b accounts.Route) int {
		return strings.Compare(string(a.Agency.ID), string(b.Agency.ID))
	})
}

// maxKeys is how many keys one statement can carry: SQLite binds no more than
// 32,766 values.
const maxKeys = 16_000

// Standings implements accounts.Reader. It returns an error for more than
// 16,000 keys, which no one statement could answer.
func (r *Reads) Standings(ctx context.Context, all []accounts.StandingKey) ([]accounts.Standing, error) {
	switch {
	case len(all) == 0:
		return nil, nil
	case len(all) > maxKeys:
		return nil, fmt.Errorf("sqlstore: %d standings at once; the most is %d", len(all), maxKeys)
	}
	k := newKeys(r.d, len(all), 2, func(a []any, i int) []any {
		return append(a, string(all[i].User), string(all[i].Account))
	})
	found := make([]accounts.Standing, len(all))
	var n int64
	var row standingRow
	err := r.each(ctx, `WITH k (n, user_id, account_id) AS (`+k.text+`)
	SELECT k.n, `+standingColumns+` FROM k
	LEFT JOIN {p}users u ON u.id = k.user_id
	LEFT JOIN {p}accounts a ON a.id = k.account_id`+standingJoins+`
	WHERE k.user_id IS NOT NULL`, k.args, row.bind([]any{(*asInt)(&n)}), func() { row.into(&found[n]) })
	if err != nil {
		return nil, err
	}
	for i := range found {
		byAgency(found[i].Routes)
	}
	return found, nil
}

const (
	reachers = `WITH k (user_id) AS (
		SELECT user_id FROM (SELECT m.user_id FROM {p}memberships m
			WHERE m.account_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3 + 0) x
		UNION
		SELECT user_id FROM (SELECT DISTINCT s.user_id FROM {p}assignments s
			WHERE s.client_id = $1 AND s.user_id > $2 ORDER BY s.user_id LIMIT $3 + 0) y
		ORDER BY user_id LIMIT $3 + 0)` + reachersOf

	reachersThrough = `WITH k (user_id) AS (SELECT s.user_id FROM {p}assignments s
		WHERE s.client_id = $1 AND s.user_id > $2 AND s.agency_id = $4 ORDER BY s.user_id LIMIT $3 + 0)` + reachersOf

	reachersOf = `
	SELECT ` + standingColumns + ` FROM k
	JOIN {p}users u ON u.id = k.user_id
	JOIN {p}accounts a ON a.id = $1` + standingJoins + `
	ORDER BY u.id, g.id`
)

// Reachers implements accounts.Reader.
func (r *Reads) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	text, args := reachers, []any{string(q.Account), string(q.After), limit(q.Limit)}
	if q.Agency != "" {
		text, args = reachersThrough, append(args, string(q.Agency))
	}
	var found []accounts.Standing
	var row standingRow
	err := r.each(ctx, text, args, row.bind(nil), func() {
		if n := len(found); n == 0 || found[n-1].User.ID != row.standing.User.ID {
			found = append(found, accounts.Standing{})
		}
		row.into(&found[len(found)-1])
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
