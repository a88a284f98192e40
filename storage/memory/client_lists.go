package memory

import (
	"cmp"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// clientRecords walks the shorter of two ways: the records that hold the rarest
// part of the search, or those of the statuses that are asked for. Both are in
// the order of the page.
func (s *state) clientRecords(q accounts.ClientRecordQuery) []accounts.ClientEntry {
	a := s.accounts[q.Account]
	if a == nil || a.book == nil {
		return nil
	}
	b := a.book
	before := func(x *record) bool {
		return q.Before == accounts.ClientCursor{} ||
			cmp.Or(x.CreatedAt.Compare(q.Before.CreatedAt), cmp.Compare(x.ID, q.Before.ID)) < 0
	}
	var ways []*ordered[*record]
	switch way := b.words.find(q.Search, &b.listed); {
	case way == nil:
		return nil
	case q.Client != "":
		x := b.records[q.Client]
		if x == nil || !x.There() {
			return nil
		}
		ways = []*ordered[*record]{{few: []*record{x}}}
	default:
		ways = []*ordered[*record]{way}
		if shelves := b.shelved(q.Statuses); len(q.Statuses) > 0 && together(shelves) < way.size() {
			ways = shelves
		}
	}
	limit := limited(q.Limit)
	var page []accounts.ClientEntry
	for down := merge(ways, byRecorded, before); len(page) < limit; {
		x, ok := down.next()
		if !ok {
			break
		}
		if len(q.Statuses) > 0 && !slices.Contains(q.Statuses, x.shelf) ||
			q.Search != "" && !accounts.SearchFits(x.text, q.Search) {
			continue
		}
		page = append(page, accounts.ClientEntry{Client: x.Client, Sites: x.grants()})
	}
	return page
}

// shelved returns the records of some statuses, each status once.
func (b *book) shelved(statuses []accounts.ClientStatus) []*ordered[*record] {
	var sets []*ordered[*record]
	for i, status := range statuses {
		if set := b.shelves[status]; set != nil && !slices.Contains(statuses[:i], status) {
			sets = append(sets, set)
		}
	}
	return sets
}

func together(sets []*ordered[*record]) int {
	n := 0
	for _, set := range sets {
		n += set.size()
	}
	return n
}

func (s *state) sitesOf(q accounts.SiteQuery) []accounts.Site {
	a := s.accounts[q.Account]
	if a == nil || a.book == nil {
		return nil
	}
	way := a.book.names.find(q.Search, &a.book.live)
	if way == nil {
		return nil
	}
	before := func(x *site) bool {
		return q.Before == accounts.SiteCursor{} ||
			cmp.Or(x.CreatedAt.Compare(q.Before.CreatedAt), cmp.Compare(x.ID, q.Before.ID)) < 0
	}
	limit := limited(q.Limit)
	var page []accounts.Site
	for x := range way.down(before) {
		if q.Search != "" && !accounts.SearchFits(x.text, q.Search) {
			continue
		}
		if page = append(page, x.Site); len(page) == limit {
			break
		}
	}
	return page
}

func (s *state) recording(q accounts.RecordingQuery) (accounts.Recording, error) {
	a := s.accounts[q.Account]
	if a == nil {
		return accounts.Recording{}, accounts.ErrNotFound
	}
	r := accounts.Recording{Account: a.Account, Taken: s.clientOf(a, q.Email, s.users[q.User])}
	if x := s.record(accounts.ClientKey{Account: q.Account, ID: q.Client}); x != nil {
		r.Client, r.Assigned = x.Client, x.assigned()
		if u := s.users[x.User]; u != nil {
			r.User = u.User
		}
	}
	if u := s.emails[q.Email]; u != nil {
		m := a.member(u)
		r.Member = m != nil && m.ended == 0
	}
	if x := s.site(accounts.SiteKey{Account: q.Account, ID: q.Site}); x != nil {
		r.Site = x.Site
	}
	if q.Client == "" || q.Site == "" {
		return r, nil
	}
	r.Access.SiteAccessKey = accounts.SiteAccessKey{Account: q.Account, Client: q.Client, Site: q.Site}
	if y := s.siteAccess(r.Access.SiteAccessKey); y != nil {
		r.Access = y.row()
	}
	return r, nil
}
