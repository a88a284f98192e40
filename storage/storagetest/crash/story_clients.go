package main

import (
	"context"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// served is what a customer does for a client of theirs.
func (l *lane) served(ctx context.Context, c customer) error {
	op := l.op()
	site := accounts.SiteID(part(op, "s"))
	if err := l.do(ctx, op, "create-site", sets{stateOf("site", c.account, site): "Site", "=key": op}, func(ctx context.Context) error {
		_, err := l.clients.CreateSite(ctx, c.actor, accounts.CreateSite{Account: c.account, ID: site, Name: "Site", Key: op})
		return err
	}); err != nil {
		return err
	}
	all := l.env.Catalog().Entries()
	one, two := all[0].Permission, all[1].Permission
	op = l.op()
	key := accounts.ClientKey{Account: c.account, ID: accounts.ClientID(part(op, 1))}
	email := "client." + op + "@example.com"
	state, grant := stateOf("client", key.Account, key.ID), stateOf("grant", key.Account, key.ID, site)
	if err := l.do(ctx, op, "create-client", sets{state: "Last", grant: l.set(one), "=key": op}, func(ctx context.Context) error {
		_, err := l.clients.Create(ctx, c.actor, accounts.CreateClient{
			Account: c.account, FirstName: "First", LastName: "Last", Email: email, Key: op,
			Sites: []accounts.SiteChoice{{Site: site, Permissions: []roles.Permission{one}}},
		})
		return err
	}); err != nil {
		return err
	}
	steps := []func() error{
		func() error {
			name := "Last of " + op
			return l.do(ctx, l.op(), "edit", sets{state: name}, func(ctx context.Context) error {
				_, err := l.clients.Edit(ctx, c.actor, accounts.EditClient{ClientKey: key, LastName: &name})
				return err
			})
		},
		func() error {
			return l.do(ctx, l.op(), "give", sets{grant: l.set(two)}, func(ctx context.Context) error {
				_, err := l.clients.Assign(ctx, c.actor, accounts.AssignSite{ClientKey: key, SiteChoice: accounts.SiteChoice{Site: site, Permissions: []roles.Permission{two}}})
				return err
			})
		},
		func() error { return l.comesIn(ctx, c, key, email) },
		func() error {
			return l.do(ctx, l.op(), "take", sets{grant: "ended"}, func(ctx context.Context) error {
				_, err := l.clients.Unassign(ctx, c.actor, accounts.SiteAccessKey{Account: key.Account, Client: key.ID, Site: site})
				return err
			})
		},
		func() error {
			return l.do(ctx, l.op(), "suspend-client", sets{state: "Last of " + op + " suspended"}, func(ctx context.Context) error {
				return l.clients.Suspend(ctx, c.actor, key)
			})
		},
		func() error {
			return l.do(ctx, l.op(), "reactivate-client", sets{state: "Last of " + op}, func(ctx context.Context) error {
				return l.clients.Reactivate(ctx, c.actor, key)
			})
		},
		func() error {
			return l.do(ctx, l.op(), "delete-client", sets{state: "deleted"}, func(ctx context.Context) error {
				return l.clients.Delete(ctx, c.actor, key)
			})
		},
	}
	return inTurn(steps[:l.rnd.IntN(len(steps)+1)]...)
}

// set is how a state names permissions: completed, as they are kept.
func (l *lane) set(p roles.Permission) string {
	list, err := l.env.Catalog().Choose(nil, p)
	if err != nil {
		return err.Error()
	}
	return joined(list)
}

// comesIn hands a setup link over, or mails it, and has the client use it.
func (l *lane) comesIn(ctx context.Context, c customer, key accounts.ClientKey, email string) error {
	var link string
	if err := l.do(ctx, l.op(), "hand-over", sets{"=client": string(key.ID)}, func(ctx context.Context) error {
		h, err := l.setups.Generate(ctx, c.actor, invites.GenerateSetup{ClientKey: key})
		if err == nil {
			link = h.Secret.Reveal()
		}
		return err
	}); err != nil {
		return err
	}
	op := l.op()
	guest := accounts.UserID(part(op, "u"))
	return l.do(ctx, op, "set-up", sets{stateOf("user", guest): email}, func(ctx context.Context) error {
		_, err := l.setups.SetUp(ctx, invites.NewLogin{Link: link, ID: guest, Kept: true})
		return err
	})
}
