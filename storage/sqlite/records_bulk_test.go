package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// A search finds what fits where thousands of clients came in any order, some in
// order after them, and few or many of either have the words or the statuses:
// it is answered in different ways, and always the same.
func TestStore_ClientRecords_imported(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, nil)
	db := handle(t, "file:"+path+hostDSN, 0)
	w := newRecords(t, st, rand.New(rand.NewPCG(3, 1)))
	var all []accounts.Client // newest first
	put := func(n int, at func() time.Time) {
		apply(t, st, change(fmt.Sprint("put", len(all)), func(c *access.Change) {
			for range n {
				r := accounts.Client{FirstName: w.word(), LastName: w.word(), Company: w.word() + " " + w.word(), CreatedAt: at()}
				r.Account, r.ID = "a", accounts.ClientID(fmt.Sprintf("c%05d", len(all)))
				r.Email = accounts.Email(fmt.Sprintf("%s@example.com", r.ID))
				r.Address = string(r.Email)
				switch w.rnd.IntN(10) {
				case 0:
					r.InvitedAt = noon
				case 1, 2, 3, 4:
					r.ActiveAt = noon
				}
				c.Clients = append(c.Clients, r)
				all = append(all, r)
			}
		}))
		for i := len(all) - n; i < len(all); i++ {
			all[i].Version = 1
		}
	}
	before := func() time.Time { return noon.Add(-time.Duration(w.rnd.IntN(1_000)) * time.Hour) }
	after := func() time.Time { return noon.Add(time.Duration(len(all)) * time.Second) }
	check := func() {
		t.Helper()
		slices.SortFunc(all, func(a, b accounts.Client) int {
			if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
				return n
			}
			return strings.Compare(string(b.ID), string(a.ID))
		})
		for range 150 {
			q := accounts.ClientRecordQuery{
				Account: "a", Limit: 1 + w.rnd.IntN(60),
				Search: w.one("example", "example.com", "@exam", w.word(), w.word()+" "+w.word(), w.word()+" "+w.word(), "a", "an", "anna anton", "nna", string(all[w.rnd.IntN(len(all))].Email[2:]), "xyzzy"),
			}
			if w.rnd.IntN(2) == 0 {
				q.Before = accounts.ClientEntry{Client: all[w.rnd.IntN(len(all))]}.Cursor()
			}
			for range w.rnd.IntN(4) {
				q.Statuses = append(q.Statuses, accounts.ClientStatuses()[w.rnd.IntN(4)])
			}
			want := []accounts.ClientID{}
			for _, r := range all {
				behind := q.Before.ID == "" || r.CreatedAt.Before(q.Before.CreatedAt) || r.CreatedAt.Equal(q.Before.CreatedAt) && r.ID < q.Before.ID
				if behind && r.There() && accounts.SearchFits(r.SearchText(), q.Search) && len(want) < q.Limit &&
					(len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.Status(false))) {
					want = append(want, r.ID)
				}
			}
			got, err := st.ClientRecords(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, want, idsOf(got), "%+v", q)
		}
	}
	for range 5 {
		put(700, before)
	}
	check() // of the late rows more have some words than are few, and fewer others
	for range 3 {
		put(700, after)
	}
	check()
	apply(t, st, change("moved", func(c *access.Change) {
		for i := range all {
			if w.rnd.IntN(10) != 0 {
				continue
			}
			r := all[i]
			switch w.rnd.IntN(3) {
			case 0:
				r.CreatedAt = before()
			case 1:
				r.LastName = w.word()
			case 2:
				r.DeletedAt = noon
			}
			c.Clients = append(c.Clients, r)
			all[i] = r
			all[i].Version++
		}
	}))
	check()
	var late, ordered, settled int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE late > 0), count(*) FILTER (WHERE late = 0) FROM chatelaine_clients WHERE deleted_at = 0`).Scan(&late, &ordered))
	require.Greater(t, late, 2_100, "more than are looked up by their words")
	require.Greater(t, ordered, 1_000)
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM chatelaine_client_words`).Scan(&settled))
	require.Greater(t, settled, late)
}
