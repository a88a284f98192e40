package sqlstore

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// $1 is the account, $2 the client, $3 the address, $4 the user, $5 the site.
const recording = `SELECT ` + accountA + `, ` + clientF + `, ` + userU + `, ` + clientStateO + `,
		CASE WHEN EXISTS (SELECT 1 FROM {p}users q
			JOIN {p}memberships m ON m.account_id = $1 AND m.user_id = q.id
			WHERE q.email = $3 AND q.email <> '' AND q.deleted_at = 0 AND m.ended_at = 0)
			THEN 1 ELSE 0 END,
		` + assignedF + `, ` + siteJ + `, ` + siteAccessB + `
	FROM {p}accounts a
	LEFT JOIN {p}clients f ON f.account_id = a.id AND f.id = $2
	LEFT JOIN {p}users u ON u.id = f.user_id
	LEFT JOIN {p}clients o ON o.account_id = a.id AND o.id = COALESCE(
		(SELECT x.id FROM {p}clients x WHERE x.account_id = $1 AND x.email = $3 AND x.email <> '' AND x.deleted_at = 0),
		(SELECT x.id FROM {p}clients x WHERE x.account_id = $1 AND x.user_id = $4 AND x.deleted_at = 0))
	LEFT JOIN {p}sites j ON j.account_id = a.id AND j.id = $5
	LEFT JOIN {p}site_access b ON b.account_id = a.id AND b.client_id = $2 AND b.site_id = $5
	WHERE a.id = $1`

func bindRecording(d []any, v *accounts.Recording) []any {
	d = bindClientState(bindUser(bindRecorded(bindAccount(d, &v.Account), &v.Client), &v.User), &v.Taken)
	return bindSiteAccess(bindSite(append(d, (*asBool)(&v.Member), (*asCount)(&v.Assigned)), &v.Site), &v.Access)
}

// Recording implements accounts.Reader.
func (r *Reads) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	v, err := get(ctx, r, bindRecording, recording,
		string(q.Account), string(q.Client), string(q.Email), string(q.User), string(q.Site))
	if err == nil && q.Client != "" && q.Site != "" {
		v.Access.SiteAccessKey = accounts.SiteAccessKey{Account: q.Account, Client: q.Client, Site: q.Site}
	}
	return v, err
}

// pageOf says how a list of rows is read that is walked backwards by when they
// were made, and searched: of the rows o, with $1 the account, $2 and $3 the
// cursor and $4 the length of the page.
const (
	pageFrom = `SELECT {place}o.created_at, o.id FROM `
	pageOf   = ` WHERE o.account_id = $1 AND (o.created_at, o.id) < ($2, $3)`
	pageEnd  = ` ORDER BY o.created_at DESC, o.id DESC LIMIT $4 + 0`
	pageAll  = ` ORDER BY created_at DESC, id DESC LIMIT $4 + 0`

	// pageFits compares with what is wanted, $5; pageLike with a pattern for it,
	// where the database finds that by an index of its own.
	pageFits = ` AND instr(o.search, $5) > 0`
	pageLike = ` AND o.search LIKE $5 || '' ESCAPE '!'`
)

// fitting has a list walked for what fits.
func (r *Reads) fitting(text string, args []any, wanted string) (string, []any) {
	if r.d.Words {
		return text + pageFits, append(args, wanted)
	}
	return text + pageLike, append(args, pattern(wanted))
}

// found has a list searched by the index that the database has for it. The
// arguments come behind those of a page.
func (r *Reads) found(
	l *layout, more string, some []accounts.ClientStatus, account accounts.AccountID, wanted string,
) (text string, args []any) {
	if r.d.Words {
		return foundWords(l, more, some, account, wanted)
	}
	return foundGrams(l, more, some, account, wanted)
}

const (
	entriesOf  = `SELECT ` + clientF + `, ` + grantsF + ` FROM (`
	entriesEnd = `) k CROSS JOIN {each}{p}clients f WHERE {same client}{one client} ORDER BY k.created_at DESC, k.id DESC`

	thereO = ` AND o.deleted_at = 0`
)

func bindEntry(d []any, e *accounts.ClientEntry) []any {
	return append(bindRecorded(d, &e.Client), (*asGrants)(&e.Sites))
}

// ClientRecords implements accounts.Store.
func (r *Reads) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	at := lastMoment
	if q.Before != (accounts.ClientCursor{}) {
		at = micros(q.Before.CreatedAt)
	}
	args := append(make([]any, 0, 7), string(q.Account), at, string(q.Before.ID), limit(q.Limit))
	some, all := statuses(q.Statuses)
	if len(some) == 0 && !all {
		return nil, ctx.Err()
	}
	search := wanted(q.Search)
	if search != "" && q.Client == "" {
		text, last := r.found(&clientRows.layout, thereO, some, q.Account, search)
		return list(ctx, r, bindEntry, entriesOf+text+entriesEnd, append(args, last...)...)
	}
	text := pageFrom + `{p}clients o` + pageOf + thereO
	if search != "" {
		text, args = r.fitting(text, args, search)
	}
	if q.Client != "" {
		args = append(args, string(q.Client))
		text += ` AND o.id = $` + strconv.Itoa(len(args))
	}
	return list(ctx, r, bindEntry, entriesOf+eachStatus(text, some)+entriesEnd, args...)
}

// eachStatus is a page of a list, of which the rows of each status have an index.
func eachStatus(text string, some []accounts.ClientStatus) string {
	if len(some) == 0 {
		return text + pageEnd
	}
	each := make([]string, len(some))
	for i, s := range some {
		each[i] = `SELECT * FROM (` + text + ` AND o.status = ` + number(listed(s)) + pageEnd + `) x` + strconv.Itoa(i)
	}
	if len(some) == 1 {
		return each[0]
	}
	return strings.Join(each, ` UNION ALL `) + pageAll
}

// statuses returns each status that is named once, in one order, or that all
// are.
func statuses(of []accounts.ClientStatus) (some []accounts.ClientStatus, all bool) {
	every := accounts.ClientStatuses()
	for _, s := range every {
		if slices.Contains(of, s) {
			some = append(some, s)
		}
	}
	if len(of) == 0 || len(some) == len(every) {
		return nil, true
	}
	return some, false
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

const (
	sitesOf  = `SELECT ` + siteJ + ` FROM (`
	sitesEnd = `) k CROSS JOIN {each}{p}sites j WHERE {same site}{one site} ORDER BY k.created_at DESC, k.id DESC`
	liveO    = ` AND o.removed_at = 0`
)

// Sites implements accounts.Store.
func (r *Reads) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	at := lastMoment
	if q.Before != (accounts.SiteCursor{}) {
		at = micros(q.Before.CreatedAt)
	}
	args := append(make([]any, 0, 6), string(q.Account), at, string(q.Before.ID), limit(q.Limit))
	text := pageFrom + `{p}sites o` + pageOf + liveO
	search := wanted(q.Search)
	if search == "" {
		text += pageEnd
	} else {
		var last []any
		text, last = r.found(&sites.layout, liveO, nil, q.Account, search)
		args = append(args, last...)
	}
	return list(ctx, r, bindSite, sitesOf+text+sitesEnd, args...)
}
