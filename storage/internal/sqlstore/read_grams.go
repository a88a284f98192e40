package sqlstore

import (
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// The rows that fit a search, where an index has the pieces of each row. No one way
// is good for all: a common text is soon found by walking the list, and a rare one
// by its pieces. So the head of the list, h, is looked through first, and then how is
//
//	0  if that fills the page, or is all there is
//	1  if a page is likely to be found in a few thousand rows: then the list is walked
//	2  else: then the rows that have the pieces, c, are read and sorted, and the list
//	   is walked only if these are too many
//
// The walk, w, goes a block at a time, so that each is read by the index of the list
// whatever the database believes of the rest: what the block had, and where it ended,
// which is NULL if the list did. $4 is the length of the page, $5 the pattern, $6 the pieces.
const (
	gramsIn = `{hidden}WITH RECURSIVE h (created_at, id, fits) AS MATERIALIZED (
			SELECT o.created_at, o.id, ` + gramsFit + ` FROM ({head}) o),
	g (how) AS MATERIALIZED (SELECT CASE WHEN count(*) < ` + headOf + ` OR count(*) FILTER (WHERE fits) >= $4 THEN 0
		WHEN count(*) FILTER (WHERE fits) * ` + dense + ` >= $4 THEN 1 ELSE 2 END FROM h),
	c (created_at, id, fits) AS MATERIALIZED (
		SELECT o.created_at, o.id, o.account_id = $1 AND (o.created_at, o.id) < ($2, $3){more}{in} AND ` + gramsFit + `
		FROM (SELECT o.* FROM {rows_} o WHERE (SELECT how FROM g) = 2{shard}
			AND o.grams OPERATOR(pg_catalog.@>) $6::integer[] LIMIT ` + gramsFew + `) o),
	f (few) AS MATERIALIZED (SELECT count(*) < ` + gramsFew + ` FROM c),
	w (created_at, id, moments, ids, n) AS (
		SELECT CAST($2 AS bigint), CAST($3 AS text) COLLATE "C", CAST(NULL AS bigint[]), CAST(NULL AS text[]) COLLATE "C", CAST(0 AS bigint)
		FROM g WHERE how = 1 OR how = 2 AND NOT (SELECT few FROM f)
		UNION ALL
		SELECT b.created_at, b.id, b.moments, b.ids, w.n + b.n FROM w CROSS JOIN LATERAL (
			SELECT (pg_catalog.array_agg(o.created_at))[` + blockOf + `] AS created_at, (pg_catalog.array_agg(o.id))[` + blockOf + `] AS id,
				pg_catalog.array_agg(o.created_at) FILTER (WHERE o.fits) AS moments, pg_catalog.array_agg(o.id) FILTER (WHERE o.fits) AS ids,
				count(*) FILTER (WHERE o.fits) AS n
			FROM (SELECT o.created_at, o.id, ` + gramsFit + ` AS fits FROM ({block}) o) o) b
		WHERE w.id IS NOT NULL AND w.n < $4)
	SELECT created_at, id FROM (
		SELECT created_at, id FROM h WHERE fits AND (SELECT how FROM g) = 0
		UNION ALL SELECT created_at, id FROM c WHERE fits AND (SELECT few FROM f)
		UNION ALL SELECT pg_catalog.unnest(moments), pg_catalog.unnest(ids) FROM w) x` + pageAll

	gramsFit  = `o.search LIKE $5 || '' ESCAPE '!'`
	gramsPart = `SELECT o.created_at, o.id, o.search FROM {rows_} o WHERE o.account_id = $1 AND (o.created_at, o.id) < {from}{more}`
	gramsEnd  = ` ORDER BY created_at DESC, id DESC LIMIT `

	// headOf and blockOf are how many rows are looked through at once. Where one in
	// dense of a page is found in the head, all of it is in headOf times dense rows.
	headOf  = `200`
	blockOf = `500`
	dense   = `12`

	// gramsFew is one more than how many rows are few that have the pieces.
	gramsFew = `10001`
)

// foundGrams returns the text that searches a list for a wanted text at an account,
// where rows have one of some statuses, and its last arguments.
func foundGrams(
	l *layout, more string, some []accounts.ClientStatus, account accounts.AccountID, wanted string,
) (text string, args []any) {
	in := ``
	if len(some) > 0 {
		each := make([]string, len(some))
		for i, s := range some {
			each[i] = number(listed(s))
		}
		in = ` AND o.status IN (` + strings.Join(each, `, `) + `)`
	}
	text = strings.NewReplacer("{in}", in,
		"{head}", gramsBlock(some, headOf, `($2, $3)`), "{block}", gramsBlock(some, blockOf, `(w.created_at, w.id)`),
	).Replace(gramsIn)
	text = strings.NewReplacer("{more}", more, "{rows_}", "{p}"+l.name).Replace(text)
	return text, []any{pattern(wanted), wantedNumbers(account, wanted)}
}

// gramsBlock is so many rows of a list from a place on, of which the rows of each
// status have an index.
func gramsBlock(some []accounts.ClientStatus, n, from string) string {
	part := strings.Replace(gramsPart, "{from}", from, 1)
	if len(some) == 0 {
		return part + gramsEnd + n
	}
	each := make([]string, len(some))
	for i, s := range some {
		each[i] = `SELECT * FROM (` + part + ` AND o.status = ` + number(listed(s)) + gramsEnd + n + `) x` + strconv.Itoa(i)
	}
	return strings.Join(each, ` UNION ALL `) + gramsEnd + n
}
