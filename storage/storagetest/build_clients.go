package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// record returns a client record in its second epoch, as which nobody has
// come in yet.
func record(account, id string) accounts.Client {
	return accounts.Client{
		ClientState: accounts.ClientState{ClientKey: recordKey(account, id), Epoch: 2},
		FirstName:   "First", LastName: "Name of " + id, Email: address(id), Address: id + "@Example.com",
		CreatedAt: start, UpdatedAt: start,
	}
}

func recordKey(account, id string) accounts.ClientKey {
	return accounts.ClientKey{Account: accounts.AccountID(account), ID: accounts.ClientID(id)}
}

// recordOf returns the client record of somebody who has come in.
func recordOf(account, id, user string) accounts.Client {
	c := record(account, id)
	c.User, c.InvitedAt, c.ActiveAt = accounts.UserID(user), start, minutes(1)
	return c
}

// site returns a live site.
func site(account, id string) accounts.Site {
	return accounts.Site{
		SiteKey: siteKey(account, id), Name: "Site " + id, Domain: id + ".example", CreatedAt: start, UpdatedAt: start,
	}
}

func siteKey(account, id string) accounts.SiteKey {
	return accounts.SiteKey{Account: accounts.AccountID(account), ID: accounts.SiteID(id)}
}

// given lets a client do something on a site.
func given(account, client, site string, permissions ...roles.Permission) accounts.SiteAccess {
	return accounts.SiteAccess{
		SiteAccessKey: accounts.SiteAccessKey{
			Account: accounts.AccountID(account), Client: accounts.ClientID(client), Site: accounts.SiteID(site),
		},
		Permissions: permissions, CreatedAt: start, UpdatedAt: start,
	}
}

// grantOf is what a list tells of a site that was given.
func grantOf(s accounts.Site, permissions ...roles.Permission) accounts.SiteGrant {
	return accounts.SiteGrant{Site: s.ID, Name: s.Name, Permissions: permissions}
}

// setup returns a mailed link that counts for thirty days while its client is
// as [record] makes it.
func setup(account, client string) invites.SetupLink {
	return invites.SetupLink{
		ClientKey: recordKey(account, client), Hash: hash("setup " + account + "/" + client), Epoch: 2, Maker: "u",
		Tenure: 3, Suspensions: 4, Mailed: true, Proves: true,
		CreatedAt: start, ExpiresAt: start.AddDate(0, 0, 30),
	}
}

// view returns a view that was opened, from a browser.
func view(id, account, client, viewer string) access.ViewAs {
	return access.ViewAs{
		ViewAsState: access.ViewAsState{
			ID: accounts.ViewID(id), ClientKey: recordKey(account, client), ClientEpoch: 2, UserEpoch: 5, Viewer: accounts.UserID(viewer),
			Proof: accounts.Proof{Login: 1}, Session: accounts.SessionID("of-" + viewer),
			CreatedAt: start, LinkUntil: minutes(1), OpenedAt: start, ExpiresAt: minutes(30),
		},
		Link: hash("view link " + id), Hash: hash("view " + id), UserAgent: "Browser", Source: "192.0.2.1",
	}
}

// unopened returns a view whose link was not used yet.
func unopened(id, account, client, viewer string) access.ViewAs {
	v := view(id, account, client, viewer)
	v.Hash, v.UserAgent, v.Source, v.OpenedAt = [32]byte{}, "", "", v.EndedAt
	return v
}
