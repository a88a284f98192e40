package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// book checks client records, their sites, and what belongs to them.
func (k *checker) book(c *change) error {
	s := k.state
	link := func(r *invites.SetupLink) int64 { return r.Version }
	viewed := func(x *view) bool { return k.views[x.ID] != nil }
	none := token.Hash{}
	return cmp.Or(
		versions("client record", c.Clients, k.clients, func(r *accounts.Client) int64 { return r.Version },
			func(key accounts.ClientKey) int64 { return s.record(key).held() }),
		versions("site", c.Sites, k.sites, func(r *accounts.Site) int64 { return r.Version },
			func(key accounts.SiteKey) int64 { return s.site(key).held() }),
		versions("access to a site", c.SiteAccess, k.accesses, func(r *accounts.SiteAccess) int64 { return r.Version },
			func(key accounts.SiteAccessKey) int64 { return s.siteAccess(key).held() }),
		versions("setup link", c.SetupLinks, k.setups, link,
			func(key accounts.ClientKey) int64 { return held(s.setups[key], link) }),
		versions("view", c.Views, k.views, func(r *access.ViewAs) int64 { return r.Version },
			func(id accounts.ViewID) int64 { return s.views[id].held() }),
		unique("address of a client", c.Clients, s.recorded,
			func(x *record) bool { return k.clients[x.ClientKey] != nil },
			func(r *accounts.Client) (clientAddress, bool) {
				return clientAddress{r.Account, r.Email}, r.There()
			}),
		k.joined(c.Clients),
		unique("setup link", c.SetupLinks, s.setupLinks,
			func(x *invites.SetupLink) bool { return k.setups[x.ClientKey] != nil },
			func(r *invites.SetupLink) (token.Hash, bool) { return r.Hash, r.Hash != none }),
		unique("link of a view", c.Views, s.viewLinks, viewed,
			func(r *access.ViewAs) (token.Hash, bool) { return r.Link, r.Link != none }),
		unique("secret of a view", c.Views, s.viewSecrets, viewed,
			func(r *access.ViewAs) (token.Hash, bool) { return r.Hash, r.Hash != none }),
	)
}

// joined checks that nobody is two clients of one account.
func (k *checker) joined(rows []accounts.Client) error {
	seen := map[accounts.StandingKey]bool{}
	for i := range rows {
		r := &rows[i]
		if r.User == "" || !r.There() {
			continue
		}
		key := accounts.StandingKey{User: r.User, Account: r.Account}
		if seen[key] {
			return conflict("the client record of a user")
		}
		seen[key] = true
		u, a := k.state.users[r.User], k.state.accounts[r.Account]
		if u == nil || a == nil {
			continue
		}
		if x := u.record(a); x != nil && k.clients[x.ClientKey] == nil {
			return conflict("the client record of a user")
		}
	}
	return nil
}

// bookReferences checks what these rows point at.
func (k *checker) bookReferences(c *change) error {
	for i := range c.Clients {
		switch r := &c.Clients[i]; {
		case !k.hasAccount(r.Account):
			return missing("client record", "account", r.Account)
		case r.User != "" && !k.hasUser(r.User):
			return missing("client record", "user", r.User)
		}
	}
	for i := range c.Sites {
		if r := &c.Sites[i]; !k.hasAccount(r.Account) {
			return missing("site", "account", r.Account)
		}
	}
	for i := range c.SiteAccess {
		r := &c.SiteAccess[i]
		site := accounts.SiteKey{Account: r.Account, ID: r.Site}
		switch {
		case !k.hasRecord(accounts.ClientKey{Account: r.Account, ID: r.Client}):
			return missing("access to a site", "client record", r.Client)
		case k.sites[site] == nil && k.site(site) == nil:
			return missing("access to a site", "site", r.Site)
		}
	}
	for i := range c.SetupLinks {
		if r := &c.SetupLinks[i]; !k.hasRecord(r.ClientKey) {
			return missing("setup link", "client record", r.ID)
		}
	}
	for i := range c.Views {
		switch r := &c.Views[i]; {
		case !k.hasRecord(r.ClientKey):
			return missing("view", "client record", r.ClientKey.ID)
		case !k.hasUser(r.Viewer):
			return missing("view", "viewer", r.Viewer)
		}
	}
	return nil
}

func (k *checker) hasRecord(key accounts.ClientKey) bool {
	return k.clients[key] != nil || k.record(key) != nil
}

func (x *record) held() int64 {
	if x == nil {
		return 0
	}
	return x.Version
}

func (x *site) held() int64 {
	if x == nil {
		return 0
	}
	return x.Version
}

func (y *siteAccess) held() int64 {
	if y == nil {
		return 0
	}
	return y.Version
}

func (x *view) held() int64 {
	if x == nil {
		return 0
	}
	return x.Version
}
