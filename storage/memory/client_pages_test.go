package memory_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// keeping is a store with clients and sites of two accounts, and what was put
// there last.
type keeping struct {
	st      *memory.Store
	op      int
	records map[accounts.ClientKey]accounts.Client
	sites   map[accounts.SiteKey]accounts.Site
	access  map[accounts.SiteAccessKey]accounts.SiteAccess
}

// words are what names are made of and what is looked for: short ones, ones
// within others, and ones that a search treats in a way of their own.
func words() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "a", "b", "an", "ann", "Anna", "annabel", "ANN B", "é", "e\u0301", "日本", "日本語", "x-y", "@", "a@b.ex", "%", "_",
			"Straße", "b\nc", "'", " ", "İ", "ab", "0123", "555 01-23", "\x00ab", "\xff\xfeab", "b.e",
		}),
		rapid.StringOfN(rapid.SampledFrom([]rune("ab .é日")), 0, 8, -1),
	)
}

func (k *keeping) change(t *rapid.T) {
	k.op++
	var c access.Change
	account := rapid.SampledFrom([]string{"c", "c2"}).Draw(t, "account")
	client := fmt.Sprint("r", rapid.IntRange(0, 400).Draw(t, "client"))
	place := fmt.Sprint("s", rapid.IntRange(0, 5).Draw(t, "site"))
	at := start.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "at")) * time.Second)
	never := func() time.Time { return rapid.SampledFrom([]time.Time{{}, {}, {}, start}).Draw(t, "never") }
	op := fmt.Sprint("op", k.op)
	r, s := record(account, client), site(account, place)
	a := siteAccess(account, client, place)
	switch rapid.SampledFrom([]string{"client", "client", "client", "site", "access"}).Draw(t, "kind") {
	case "client":
		old := k.records[r.ClientKey]
		r.Version, r.CreatedAt = old.Version, cmpTime(old.CreatedAt, at)
		if rapid.IntRange(0, 5).Draw(t, "moves") == 0 {
			r = old
			r.ClientKey, r.Email, r.CreatedAt = clientKey(account, client), accounts.Email(client), at
		} else {
			r.FirstName, r.LastName = words().Draw(t, "first"), words().Draw(t, "last")
			r.Company, r.Postal, r.Phone = words().Draw(t, "company"), words().Draw(t, "postal"), words().Draw(t, "phone")
		}
		r.SuspendedAt, r.DeletedAt, r.InvitedAt, r.ActiveAt = never(), never(), never(), never()
		c = change(op, r)
		r.Version++
		k.records[r.ClientKey] = r
	case "site":
		old := k.sites[s.SiteKey]
		s.Version, s.CreatedAt = old.Version, at
		s.Name, s.Domain, s.RemovedAt = words().Draw(t, "name"), words().Draw(t, "domain"), never()
		c = change(op, s)
		s.Version++
		k.sites[s.SiteKey] = s
	case "access":
		if k.records[r.ClientKey].Version == 0 || k.sites[s.SiteKey].Version == 0 {
			return
		}
		a.Version, a.EndedAt = k.access[a.SiteAccessKey].Version, never()
		c = change(op, a)
		a.Version++
		k.access[a.SiteAccessKey] = a
	}
	require.NoError(t, k.st.ApplyAccess(t.Context(), c))
}

func cmpTime(old, fresh time.Time) time.Time {
	if old.IsZero() {
		return fresh
	}
	return old
}

// status works the status out from everything that was put.
func (k *keeping) status(r accounts.Client) accounts.ClientStatus {
	for _, a := range k.access {
		s := k.sites[accounts.SiteKey{Account: a.Account, ID: a.Site}]
		if a.Account == r.Account && a.Client == r.ID && a.EndedAt.IsZero() && s.RemovedAt.IsZero() {
			return r.Status(true)
		}
	}
	return r.Status(false)
}

// Clients and sites come newest first, in pages that leave nothing out and
// repeat nothing, with exactly those that fit a search and a status, and none
// of another account, however often they are changed, deleted and moved. The
// reference looks at everything each time (A104).
func TestStore_client_pages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := &keeping{
			st: memory.New(), records: map[accounts.ClientKey]accounts.Client{},
			sites: map[accounts.SiteKey]accounts.Site{}, access: map[accounts.SiteAccessKey]accounts.SiteAccess{},
		}
		c := change("setup", account("c", "C"), account("c2", "C2"))
		for n := range rapid.IntRange(0, 400).Draw(t, "clients") { // lists of several pieces
			r := record("c", fmt.Sprint("r", n))
			r.FirstName, r.CreatedAt = words().Draw(t, "first"), start.Add(time.Duration(n%10)*time.Second)
			c.Clients = append(c.Clients, r)
			r.Version = 1
			k.records[r.ClientKey] = r
		}
		require.NoError(t, k.st.ApplyAccess(t.Context(), c))
		for range rapid.IntRange(1, 400).Draw(t, "changes") {
			k.change(t)
		}
		var st storage.Storage = k.st
		if rapid.Bool().Draw(t, "in a copy") {
			st = k.st.Begin().Store()
		}
		for range 5 {
			q := accounts.ClientRecordQuery{Account: "c", Search: words().Draw(t, "search"), Limit: rapid.IntRange(1, 20).Draw(t, "limit")}
			q.Statuses = rapid.SliceOfN(rapid.SampledFrom(accounts.ClientStatuses()), 0, 3).Draw(t, "statuses")
			k.checkRecords(t, st, q)
			k.checkSites(t, st, accounts.SiteQuery{Account: "c", Search: q.Search, Limit: q.Limit})
		}
	})
}

func (k *keeping) checkRecords(t *rapid.T, st storage.Storage, q accounts.ClientRecordQuery) {
	type entry struct {
		id     accounts.ClientID
		status accounts.ClientStatus
	}
	var all []accounts.Client
	for _, r := range k.records {
		if r.Account == q.Account && r.There() && accounts.SearchFits(r.SearchText(), q.Search) &&
			(len(q.Statuses) == 0 || slices.Contains(q.Statuses, k.status(r))) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b accounts.Client) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	var want, got []entry
	for _, r := range all {
		want = append(want, entry{r.ID, k.status(r)})
	}
	got = drain(t, q.Limit, func(ctx context.Context) ([]accounts.ClientEntry, error) {
		page, err := st.ClientRecords(ctx, q)
		if len(page) > 0 {
			q.Before = page[len(page)-1].Cursor()
		}
		return page, err
	}, func(e accounts.ClientEntry) entry { return entry{e.Client.ID, e.Status()} })
	require.Equal(t, want, got)
}

func (k *keeping) checkSites(t *rapid.T, st storage.Storage, q accounts.SiteQuery) {
	var all []accounts.Site
	for _, s := range k.sites {
		if s.Account == q.Account && s.Live() && accounts.SearchFits(s.SearchText(), q.Search) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b accounts.Site) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	got := drain(t, q.Limit, func(ctx context.Context) ([]accounts.Site, error) {
		page, err := st.Sites(ctx, q)
		if len(page) > 0 {
			q.Before = page[len(page)-1].Cursor()
		}
		return page, err
	}, func(s accounts.Site) accounts.Site { return s })
	require.Equal(t, all, got)
}

// drain reads a list to its end, page by page.
func drain[E, V any](t *rapid.T, limit int, next func(context.Context) ([]E, error), of func(E) V) []V {
	var all []V
	for {
		page, err := next(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		for _, e := range page {
			all = append(all, of(e))
		}
		if len(page) < limit {
			return all
		}
	}
}
