package sqlstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Whether a client has a site that is live stands in the client's row, so that
// a list of those who have one is read by an index. It is kept right by whatever
// writes who has which site, and which sites are live.
const (
	siteClients = `(SELECT b.client_id FROM {p}site_access b {by site_access_site}
		WHERE b.account_id = $2 AND b.site_id = $3 AND b.ended_at = 0)`
	siteBack = `UPDATE {p}clients SET sited = 1 WHERE account_id = $1 AND sited = 0 AND id IN ` + siteClients + `
		AND EXISTS (SELECT 1 FROM {p}sites s WHERE s.account_id = $4 AND s.id = $5 AND s.removed_at <> 0)`

	sitedAgain = ` AND sited <> CASE WHEN EXISTS (SELECT 1` + givenTo + `({p}clients.account_id, {p}clients.id)) THEN 1 ELSE 0 END`
	resite     = `UPDATE {p}clients SET sited = 1 - sited WHERE account_id = $1 AND id IN `
)

// lockSited locks the sites that are removed or come back and whoever has them, and
// the sites and clients of each access that is written, where others write at the
// same time. Whether a client has a live site is found out by looking at all of
// these, and what others are about to write cannot be seen: of a client's two last
// sites, each would be removed beside the other that is still there. Sites come
// first.
func (b *builder) lockSited(c *change) {
	if !b.t.d.Beside {
		return
	}
	var list []siteLock
	add := func(text string, account accounts.AccountID, id string) {
		if n := len(list); n == 0 || list[n-1].text != text || list[n-1].account != account {
			list = append(list, siteLock{text: text, account: account})
		}
		last := &list[len(list)-1]
		last.ids = append(last.ids, id) // twice is no harm
	}
	for i := range c.Sites {
		if s := &c.Sites[i]; s.Version != 0 {
			add(lockSites, s.Account, string(s.ID))
		}
	}
	for i := range c.SiteAccess {
		add(shareSites, c.SiteAccess[i].Account, string(c.SiteAccess[i].Site))
	}
	for i := range c.Clients {
		if x := &c.Clients[i]; x.Version != 0 && len(c.SiteAccess) > 0 {
			add(lockClients, x.Account, string(x.ID))
		}
	}
	for i := range c.SiteAccess {
		add(lockClients, c.SiteAccess[i].Account, string(c.SiteAccess[i].Client))
	}
	clients := false
	for _, l := range list {
		if l.text == lockClients && !clients {
			clients = true
			b.lockHolders(c.Sites)
		}
		b.add(b.t.asking(l.text), AnyRows, string(l.account), array(slices.Values(l.ids)))
	}
	if !clients {
		b.lockHolders(c.Sites)
	}
}

// lockHolders locks the clients of each site that is about to be removed or to come
// back. It comes after the sites themselves, so that nobody is given one meanwhile.
func (b *builder) lockHolders(list []accounts.Site) {
	for i := range list {
		if s := &list[i]; s.Version != 0 {
			account, id := string(s.Account), string(s.ID)
			b.add(b.t.asking(lockHolders), AnyRows, account, account, id, account, id, flag(s.RemovedAt.IsZero()))
		}
	}
}

type siteLock struct {
	text    string
	account accounts.AccountID
	ids     []any
}

const (
	lockSites   = `SELECT 1 FROM {p}sites WHERE account_id = $1 AND id = ANY ($2::text[]) ORDER BY id FOR NO KEY UPDATE`
	shareSites  = `SELECT 1 FROM {p}sites WHERE account_id = $1 AND id = ANY ($2::text[]) ORDER BY id FOR SHARE`
	lockClients = `SELECT 1 FROM {p}clients WHERE account_id = $1 AND id = ANY ($2::text[]) ORDER BY id FOR NO KEY UPDATE`

	lockHolders = `SELECT 1 FROM {p}clients WHERE account_id = $1 AND id IN ` + siteClients + `
		AND EXISTS (SELECT 1 FROM {p}sites s WHERE s.account_id = $4 AND s.id = $5
			AND CASE WHEN s.removed_at = 0 THEN 0 ELSE 1 END = $6)
		ORDER BY id FOR NO KEY UPDATE`
)

// sitesBack has whoever has a site that was removed, and comes back, have a live
// one. It comes before the sites are written, and [builder.sited] after.
func (b *builder) sitesBack(list []accounts.Site) {
	for i := range list {
		if s := &list[i]; s.Version != 0 && s.RemovedAt.IsZero() {
			account, id := string(s.Account), string(s.ID)
			b.add(b.t.plain(siteBack), AnyRows, account, account, id, account, id)
		}
	}
}

// sited looks anew which clients have a live site: those who were given one, or
// from whom one was taken, and those of sites that were removed.
func (b *builder) sited(c *change) {
	for i := range c.Sites {
		if s := &c.Sites[i]; s.Version != 0 && !s.RemovedAt.IsZero() {
			b.add(b.t.plain(resite+siteClients+sitedAgain), AnyRows, string(s.Account), string(s.Account), string(s.ID))
		}
	}
	var ids []any // of one account, each once: the list is in order
	for i := range c.SiteAccess {
		x := &c.SiteAccess[i]
		if len(ids) == 0 || ids[len(ids)-1] != string(x.Client) {
			ids = append(ids, string(x.Client))
		}
		if i == len(c.SiteAccess)-1 || c.SiteAccess[i+1].Account != x.Account {
			for len(ids) > 0 {
				n := b.chunk(len(ids))
				if b.t.d.Together {
					b.add(b.t.plain(resite+unnested+sitedAgain), AnyRows, string(x.Account), array(slices.Values(ids)))
				} else {
					b.add(b.t.plain(resite+marks(2, n)+sitedAgain), AnyRows, append([]any{string(x.Account)}, ids[:n]...)...)
				}
				ids = ids[n:]
			}
		}
	}
}

// unnested is a list of parameters that is one array.
const unnested = `(SELECT pg_catalog.unnest($2::text[]))`

// marks writes a list of so many parameters, from one on.
func marks(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return "(" + strings.Join(list, ", ") + ")"
}
