package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// kept returns a store with an agency of n clients: one in a thousand has a
// rare name, and all have a site.
func kept(tb testing.TB, n int) *memory.Store {
	tb.Helper()
	st := memory.New()
	c := change("setup", agency("ag"), user("u"), session("s", "u"), site("ag", "s"))
	first := []string{"Anna", "Ben", "Carla", "David", "Elif", "Frank", "Grete", "Hakan", "Ida", "Jonas"}
	last := []string{"Albrecht", "Becker", "Conrad", "Dietrich", "Engel", "Fischer", "Gruber"}
	for i := range n {
		r := record("ag", fmt.Sprintf("client-%029d", i))
		r.FirstName, r.LastName = first[i%len(first)], last[i%len(last)]
		r.Address = fmt.Sprintf("%s.%s.%d@example.com", r.FirstName, r.LastName, i)
		r.Phone, r.CreatedAt = fmt.Sprintf("+49 30 %06d", i), start.Add(time.Duration(i)*time.Second)
		if i%1000 == 500 {
			r.Company = "Quince & Xylophone"
		}
		if i%1000 == 7 {
			r.SuspendedAt = start
		}
		if i == n/2 {
			r = joined(r, "u")
		}
		c.Clients = append(c.Clients, r)
		c.SiteAccess = append(c.SiteAccess, siteAccess("ag", string(r.ID), "s", "stats", "edit"))
	}
	require.NoError(tb, st.ApplyAccess(tb.Context(), c))
	return st
}

// A client's standing takes one allocation, and their admission those of the
// sites and of the permissions.
//
//nolint:paralleltest // testing.AllocsPerRun does not run beside others
func TestStore_clients_allocations(t *testing.T) {
	st := kept(t, 100)
	keys := []accounts.StandingKey{{User: "u", Account: "ag"}}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		list, err := st.Standings(t.Context(), keys)
		if err != nil || !list[0].Client.Active() {
			t.Error("no standing", err)
		}
	}), 1.0)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		a, err := st.Admission(t.Context(), hash("session s"), "ag")
		if err != nil || len(a.Sites) != 1 {
			t.Error("no admission", err)
		}
	}), 2.0)
}

// No search and no filter walks all clients, however rare what it looks for: a
// page takes less than a thirtieth of reading everything, page by page, where
// looking at each client would take a tenth.
//
//nolint:paralleltest // others would be measured too
func TestStore_clients_cost(t *testing.T) {
	const n = 30_000
	st := kept(t, n)
	took := func(do func()) time.Duration {
		best := time.Hour
		for range 5 {
			begin := time.Now()
			do()
			best = min(best, time.Since(begin))
		}
		return best
	}
	read := func(q accounts.ClientRecordQuery) []accounts.ClientEntry {
		page, err := st.ClientRecords(t.Context(), q)
		require.NoError(t, err)
		return page
	}
	all := took(func() {
		q := accounts.ClientRecordQuery{Account: "ag", Limit: 500}
		for seen := 0; seen < n; seen += 500 {
			page := read(q)
			require.Len(t, page, 500)
			q.Before = page[499].Cursor()
		}
	})
	for name, q := range clientQueries(n) {
		one := took(func() { read(q) })
		t.Logf("%s: %s of %s", name, one, all)
		require.Less(t, one, all/30, name)
	}
}

func clientQueries(n int) map[string]accounts.ClientRecordQuery {
	list := map[string]accounts.ClientRecordQuery{
		"first page":           {},
		"last page":            {Before: accounts.ClientCursor{CreatedAt: start.Add(60 * time.Second)}},
		"search of a common":   {Search: "anna"},
		"search of a rare":     {Search: "xylophone"},
		"search of one":        {Search: fmt.Sprintf(".%d@", n/3)},
		"search of none":       {Search: "nowhere at all"},
		"search of two":        {Search: "xy"},
		"suspended":            {Statuses: []accounts.ClientStatus{accounts.ClientSuspended}},
		"none of a status":     {Statuses: []accounts.ClientStatus{accounts.ClientLead}},
		"rare of a rare":       {Search: "anna", Statuses: []accounts.ClientStatus{accounts.ClientSuspended}},
		"common of all others": {Search: "anna", Statuses: []accounts.ClientStatus{accounts.ClientSiteAssigned, accounts.ClientActive}},
	}
	for name, q := range list {
		q.Account = "ag"
		list[name] = q
	}
	return list
}

func BenchmarkStore_clients(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		before := heap()
		st := kept(b, n)
		b.Logf("%d bytes for each client with an access", (int64(heap())-int64(before))/int64(n))
		for name, q := range clientQueries(n) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := st.ClientRecords(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("Admission/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := st.Admission(b.Context(), hash("session s"), "ag"); err != nil {
					b.Fatal(err)
				}
			}
		})
		serial := 0
		b.Run(fmt.Sprintf("Apply new client/%d", n), func(b *testing.B) {
			for b.Loop() {
				serial++
				r := record("ag", fmt.Sprint("new-", serial))
				r.CreatedAt = start.Add(time.Duration(n+serial) * time.Second)
				c := change(fmt.Sprint("new ", serial), r)
				if err := st.ApplyAccess(b.Context(), access.Change{Change: c.Change}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
