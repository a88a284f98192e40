package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
)

// clientUniverse is the part of a universe that client records bring.
type clientUniverse struct {
	records    set[accounts.ClientKey]
	addresses  set[accountEmail] // of client records
	recordsOf  set[accounts.StandingKey]
	sites      set[accounts.SiteKey]
	siteAccess set[accounts.SiteAccessKey]
	setups     set[token.Hash]
	views      set[accounts.ViewID]
	viewLinks  set[token.Hash]
	viewHashes set[token.Hash]
}

type accountEmail struct {
	Account accounts.AccountID
	Email   accounts.Email
}

func (u *clientUniverse) add(c change) {
	for _, r := range c.Clients {
		u.records.add(r.ClientKey)
		if r.Email != "" {
			u.addresses.add(accountEmail{r.Account, r.Email})
		}
		if r.User != "" {
			u.recordsOf.add(accounts.StandingKey{User: r.User, Account: r.Account})
		}
	}
	for _, r := range c.Sites {
		u.sites.add(r.SiteKey)
	}
	for _, r := range c.SiteAccess {
		u.siteAccess.add(r.SiteAccessKey)
	}
	for _, r := range c.SetupLinks {
		u.records.add(r.ClientKey)
		u.setups.add(r.Hash)
	}
	for _, r := range c.Views {
		u.views.add(r.ID)
		u.viewLinks.add(r.Link)
		u.viewHashes.add(r.Hash)
	}
}

func (e *env) dumpClients(st storage.Storage, ask asker) {
	u := &e.seen.clients
	for _, id := range ordered(e.seen.accounts) {
		list, err := st.ClientRecords(e.ctx, accounts.ClientRecordQuery{Account: id, Limit: all})
		ask(list, err, "ClientRecords(%s)", id)
		sites, err := st.Sites(e.ctx, accounts.SiteQuery{Account: id, Limit: all})
		ask(sites, err, "Sites(%s)", id)
	}
	for _, key := range orderedBy(u.records) {
		r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: key.Account, Client: key.ID})
		ask(recordingWithoutKeys(r), err, "Recording(%s, the client %s)", key.Account, key.ID)
		s, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: key, Day: accounts.DayOf(start)})
		ask(s, err, "SettingUp(%s, %s)", key.Account, key.ID)
	}
	for _, key := range orderedBy(u.addresses) {
		r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: key.Account, Email: key.Email})
		ask(recordingWithoutKeys(r), err, "Recording(%s, the address %s)", key.Account, key.Email)
	}
	for _, key := range orderedBy(u.recordsOf) {
		r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: key.Account, User: key.User})
		ask(recordingWithoutKeys(r), err, "Recording(%s, the user %s)", key.Account, key.User)
	}
	for _, key := range orderedBy(u.sites) {
		r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: key.Account, Site: key.ID})
		ask(r.Site, err, "Recording(%s, the site %s)", key.Account, key.ID)
	}
	for _, key := range orderedBy(u.siteAccess) {
		r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: key.Account, Client: key.Client, Site: key.Site})
		ask(r.Access, err, "Recording(%s, what %s may do on %s)", key.Account, key.Client, key.Site)
	}
	for _, h := range orderedBy(u.setups) {
		s, err := st.SettingUp(e.ctx, invites.SettingUpQuery{Hash: h, User: "u", Day: accounts.DayOf(start)})
		ask(s, err, "SettingUp(hash %s)", h)
	}
	for _, id := range ordered(u.views) {
		v, err := st.Viewing(e.ctx, access.ViewKey{ID: id})
		ask(v, err, "Viewing(%s)", id)
	}
	for _, h := range orderedBy(u.viewLinks) {
		v, err := st.Viewing(e.ctx, access.ViewKey{Link: h})
		ask(v.View.ID, err, "Viewing(link %s)", h)
	}
	for _, h := range orderedBy(u.viewHashes) {
		v, err := st.Viewing(e.ctx, access.ViewKey{Hash: h})
		ask(v.View.ID, err, "Viewing(hash %s)", h)
	}
}

// recordingWithoutKeys blanks the keys of what is not there, where only one
// half of them was asked for: a store may give them or not.
func recordingWithoutKeys(r accounts.Recording) accounts.Recording {
	if r.Access.Version == 0 {
		r.Access = accounts.SiteAccess{}
	}
	return r
}
