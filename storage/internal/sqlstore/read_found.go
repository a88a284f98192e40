package sqlstore

import (
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// The rows that fit a search, where there are tables of words: those that came
// in the order of the list, as the index has them; those that wait to be put
// there; and those that came late, whom the index has behind all others, out of
// order. Each part ends with the page. {more} are the list's own conditions.
//
// The first part begins at the place of the row behind the cursor: what came in
// order and is behind the cursor, too, came before that one.
//
// How these are found differs, and whatever the LIMIT of is 0 is not begun. Rows
// that came late are walked by the list, how 0, unless there are many of them and
// few have the words: then those are sorted, 1. And where few rows have the
// statuses that are looked for, all of them are compared, 2.
const (
	foundIn = `WITH {best}v (place) AS MATERIALIZED (SELECT w.rowid - ` + top + ` FROM {words}({late_pieces}) w
		WHERE w.rowid > ` + top + ` LIMIT ` + wordsFew + `),
	g (how) AS MATERIALIZED (SELECT CASE {narrow}WHEN (SELECT count(*) FROM (SELECT 1 FROM {rows_} o {by_late}
			WHERE o.account_id = $1 AND o.late > 0 AND o.{gone} = 0 LIMIT ` + lateFew + `) s) < ` + lateFew + ` THEN 0
		ELSE (SELECT count(*) FROM v) < ` + wordsFew + ` END)
	SELECT * FROM (` + pageFrom + `{words}({pieces}) w CROSS JOIN {rows_} o` + pageOf + `{more} AND o.late = 0
			AND o.place = ` + top + ` - w.rowid AND w.rowid < ` + top + `
			AND w.rowid >= ` + top + ` - COALESCE((SELECT x.place FROM {rows_} x
				WHERE x.account_id = $1 AND x.{gone} = 0 AND x.late < 2 AND (x.created_at, x.id) < ($2, $3)
				ORDER BY x.created_at DESC, x.id DESC LIMIT 1), 0)` + pageFits + `
		ORDER BY w.rowid LIMIT {page}) x
	UNION SELECT * FROM (` + pageFrom + `{fresh} w CROSS JOIN {rows_} o` + pageOf + `{more} AND o.place = w.place` + pageFits + pageEnd + `) y
	UNION SELECT * FROM (` + pageFrom + `{rows_} o {by_late}` + pageOf + `{more} AND o.late > 0` + pageFits + pageIf + `0 THEN $4 ELSE 0 END) z
	UNION SELECT * FROM (` + pageFrom + `{rows_} o NOT INDEXED` + pageOf + `{more} AND o.late > 0 AND o.place IN (SELECT place FROM v)` + pageFits + pageIf + `1 THEN $4 ELSE 0 END) v{compared}` + pageAll

	pageIf = ` ORDER BY o.created_at DESC, o.id DESC LIMIT CASE WHEN (SELECT how FROM g) = `

	// What is added where statuses are looked for.
	narrow = `WHEN (SELECT count(*) FROM (SELECT 1 FROM {rows_} o {by_status} WHERE o.account_id = $1{more} LIMIT ` + narrowFew + `) s) < ` + narrowFew + ` THEN 2
		`
	unlessNarrow = `CASE WHEN (SELECT how FROM g) = 2 THEN 0 ELSE $4 END`
	compared     = `
	UNION SELECT * FROM (` + pageFrom + `{rows_} o {by_status}` + pageOf + `{more}` + pageFits + pageIf + `2 THEN $4 ELSE 0 END) n`

	// lateFew is one more than how many rows that came late are few, and wordsFew
	// one more than how many of them are few that have the words.
	lateFew  = `201`
	wordsFew = `2001`

	// narrowFew is one more than how many rows of some statuses are few.
	narrowFew = `1001`
)

// How the index is asked: for $6 as it stands, or for two of the pieces in it.
// Each piece more is a walk through the rows that have it, and one that nearly
// all have tells nothing. So of the rows in order these are the two that the
// fewest have; of those that came late, that piece and the one that the fewest
// have with it, since the index is asked for all of them.
const (
	askPieces  = `$6`
	bestPieces = `(SELECT pieces FROM p)`
	latePieces = `(SELECT pieces FROM q)`
	best       = `p (pieces) AS MATERIALIZED (SELECT (SELECT string_agg(piece, ' AND ')
		FROM (SELECT value AS piece FROM json_each($6) ORDER BY ` + rarity + `{words}(value) WHERE rowid < ` + top + rarityEnd + `, value LIMIT 2) r) || $7),
	q (pieces) AS MATERIALIZED (SELECT piece || COALESCE((SELECT ' AND ' || value FROM json_each($6) WHERE value <> piece
			ORDER BY ` + rarity + `{words}(piece || ' AND ' || value) WHERE rowid > ` + top + rarityEnd + `, value LIMIT 1), '') || $7
		FROM (SELECT value AS piece FROM json_each($6) ORDER BY ` + rarity + `{words}(value) WHERE rowid > ` + top + rarityEnd + `, value LIMIT 1) r), `

	// rarity is how many rows have the pieces. If many have, it is less the further
	// they lie apart.
	rarity = `(SELECT CASE WHEN count(*) < ` + few + ` THEN count(*) ELSE ` + top + ` - max(number) + min(number) END
			FROM (SELECT rowid AS number FROM `
	rarityEnd = ` LIMIT ` + few + `) s)`

	// few is how many rows may have a piece that is in few.
	few = `200`
)

// foundWords returns the text that searches a list for a wanted text at an account,
// where rows have one of some statuses, and its last arguments.
func foundWords(
	l *layout, more string, some []accounts.ClientStatus, account accounts.AccountID, wanted string,
) (text string, args []any) {
	gate, limit, also := ``, `$4 + 0`, ``
	var signs []string
	if len(some) > 0 {
		gate, limit, also = narrow, unlessNarrow, compared
		var in []string
		for _, s := range some {
			in = append(in, number(listed(s)))
			if sign := staged(stage(s)); !slices.Contains(signs, sign) {
				signs = append(signs, sign)
			}
		}
		more += ` AND o.status IN (` + strings.Join(in, `, `) + `)`
	}
	all, and := asked(account, wanted, signs...)
	with, pieces, late, args := ``, askPieces, askPieces, []any{wanted, strings.Join(all, ` AND `) + and}
	if len(all) > 2 {
		with, pieces, late, args = best, bestPieces, latePieces, []any{wanted, `["` + strings.Join(all, `","`) + `"]`, and}
	}
	index, fresh := words(l)
	text = strings.NewReplacer("{best}", with, "{narrow}", gate, "{page}", limit, "{compared}", also).Replace(foundIn)
	return strings.NewReplacer("{pieces}", pieces, "{late_pieces}", late, "{words}", index, "{fresh}", fresh, "{rows_}", "{p}"+l.name,
		"{gone}", l.gone, "{by_late}", "{by "+l.name+"_late}",
		"{by_status}", "{by "+l.name+"_status}", "{more}", more).Replace(text), args
}
