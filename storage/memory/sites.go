package memory

import (
	"cmp"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

type site struct {
	accounts.Site
	book     *book
	text     string               // what a search looks into; "" once it is removed
	accesses ordered[*siteAccess] // all that were ever given, by id of the client
}

// siteAccess is what a client may do on a site. Its permissions are never
// written to.
type siteAccess struct {
	accounts.SiteAccess
	client *record
	site   *site
}

// live reports whether the site is among those that the client has.
func (y *siteAccess) live() bool { return y.EndedAt.IsZero() && y.site.Live() }

func bySited(a, b *site) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func bySiteID(a, b *siteAccess) int { return cmp.Compare(a.site.ID, b.site.ID) }

func byClientID(a, b *siteAccess) int { return cmp.Compare(a.client.ID, b.client.ID) }

// site returns the site of a key, removed ones included; nil if there is none.
func (s *state) site(key accounts.SiteKey) *site {
	if a := s.accounts[key.Account]; a != nil && a.book != nil {
		return a.book.sites[key.ID]
	}
	return nil
}

func (s *state) siteAccess(key accounts.SiteAccessKey) *siteAccess {
	x := s.record(accounts.ClientKey{Account: key.Account, ID: key.Client})
	if x == nil {
		return nil
	}
	y, _ := x.accesses.find(func(y *siteAccess) int { return cmp.Compare(y.site.ID, key.Site) })
	return y
}

func (s *state) putSite(r accounts.Site) {
	trim(&r.RemovedAt, &r.CreatedAt, &r.UpdatedAt)
	b := s.accounts[r.Account].kept()
	x := b.sites[r.ID]
	if x == nil {
		x = &site{book: b}
		b.sites[r.ID] = x
	}
	was, text := x.Live(), ""
	if was {
		b.live.remove(x, bySited)
	}
	if r.Live() {
		text = r.SearchText()
	}
	gone, come := changed(x.text, text, x.CreatedAt.Equal(r.CreatedAt))
	b.names.remove(x, gone, bySited)
	x.Site, x.text = r, text
	b.names.insert(x, come, bySited)
	if x.Live() {
		b.live.insert(x, bySited)
	}
	if was != x.Live() {
		x.flip()
	}
}

// flip tells the clients that were given a site that it is live now, or is not
// any more.
func (x *site) flip() {
	n := -1
	if x.Live() {
		n = 1
	}
	for y := range x.accesses.all() {
		if y.EndedAt.IsZero() {
			y.client.grant(n)
		}
	}
}

func (s *state) putSiteAccess(r accounts.SiteAccess) {
	trim(&r.EndedAt, &r.CreatedAt, &r.UpdatedAt)
	r.Permissions = append([]roles.Permission(nil), r.Permissions...)
	y := s.siteAccess(r.SiteAccessKey)
	n := 0
	if y == nil {
		y = &siteAccess{
			client: s.record(accounts.ClientKey{Account: r.Account, ID: r.Client}),
			site:   s.site(accounts.SiteKey{Account: r.Account, ID: r.Site}),
		}
		y.client.accesses.insert(y, bySiteID)
		y.site.accesses.insert(y, byClientID)
	} else if y.live() {
		n--
	}
	r.Client, r.Site = y.client.ID, y.site.ID
	if y.SiteAccess = r; y.live() {
		n++
	}
	y.client.grant(n)
}

// row returns a copy.
func (y *siteAccess) row() accounts.SiteAccess {
	r := y.SiteAccess
	r.Permissions = slices.Clone(r.Permissions)
	return r
}
