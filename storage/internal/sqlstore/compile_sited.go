package sqlstore

import (
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
	siteBack = `UPDATE {p}clients SET sited = 1 WHERE account_id = $1 AND sited = 0 AND id IN ` + siteClients

	sitedAgain = ` AND sited <> CASE WHEN EXISTS (SELECT 1` + givenTo + `({p}clients.account_id, {p}clients.id)) THEN 1 ELSE 0 END`
	resite     = `UPDATE {p}clients SET sited = 1 - sited WHERE account_id = $1 AND id IN `
)

// sitesBack has whoever has a site that was removed, and comes back, have a live
// one. It comes before the sites are written, and [builder.sited] after.
func (b *builder) sitesBack(list []accounts.Site) {
	for i := range list {
		if s := &list[i]; s.Version != 0 && s.RemovedAt.IsZero() {
			b.add(b.t.asking(`SELECT 1 FROM {p}sites WHERE account_id = $1 AND id = $2 AND removed_at <> 0`), anyRows,
				string(s.Account), string(s.ID))
			b.skip(1, 0)
			b.add(b.t.plain(siteBack), anyRows, string(s.Account), string(s.Account), string(s.ID))
		}
	}
}

// sited looks anew which clients have a live site: those who were given one, or
// from whom one was taken, and those of sites that were removed.
func (b *builder) sited(c *change) {
	for i := range c.Sites {
		if s := &c.Sites[i]; s.Version != 0 && !s.RemovedAt.IsZero() {
			b.add(b.t.plain(resite+siteClients+sitedAgain), anyRows, string(s.Account), string(s.Account), string(s.ID))
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
				n := chunk(len(ids))
				b.add(b.t.plain(resite+marks(2, n)+sitedAgain), anyRows, append([]any{string(x.Account)}, ids[:n]...)...)
				ids = ids[n:]
			}
		}
	}
}

// marks writes a list of so many parameters, from one on.
func marks(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return "(" + strings.Join(list, ", ") + ")"
}
