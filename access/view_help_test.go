package access_test

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

const viewPage = "https://app.example/view-as/"

// device is where views are opened.
var device = access.Device{UserAgent: "Firefox", Source: "192.0.2.7"}

// gallery is a world in which Northlight has sites and clients.
//
//	shop  a site of Northlight's; blog, another; old, one that was removed
//	bella a client who never came in: on shop STATS_TAB and PUBLISH, on blog nothing, and old
//	bruno a client who came in, as the user bruno: on shop STATS_TAB
//	stan  a client who is suspended, as the user stan; dora, one who was deleted
//	bella of Southbank, another record: on Southbank's shop everything
type gallery struct {
	*codes
	views   *access.Views
	clients *accounts.Clients
}

func newGallery(t tester, set ...func(*accounts.EnvOptions)) *gallery {
	t.Helper()
	g := &gallery{codes: newCodes(t, set...)}
	g.views = must(access.NewViews(g.doors, g.env))(t)
	g.clients = must(accounts.NewClients(g.st, g.env))(t)
	g.user("bruno")
	g.user("stan")
	now := g.env.Now()
	site := func(account accounts.AccountID, id accounts.SiteID) accounts.Site {
		return accounts.Site{SiteKey: accounts.SiteKey{Account: account, ID: id}, Name: "The " + string(id), CreatedAt: now, UpdatedAt: now}
	}
	old := site("north", "old")
	old.RemovedAt = now
	record := func(account accounts.AccountID, id accounts.ClientID, user accounts.UserID) accounts.Client {
		email := string(id) + "@client.example"
		return accounts.Client{
			ClientState: accounts.ClientState{ClientKey: accounts.ClientKey{Account: account, ID: id}, User: user, Epoch: 1},
			FirstName:   strings.ToUpper(string(id[:1])) + string(id[1:]), LastName: "Brown",
			Email: accounts.Email(email), Address: email, CreatedAt: now, UpdatedAt: now,
		}
	}
	stan, dora := record("north", "stan", "stan"), record("north", "dora", "")
	stan.SuspendedAt, dora.DeletedAt, dora.Epoch = now, now, 2
	dora.Email, dora.Address, dora.FirstName, dora.LastName = "", "", "", ""
	given := func(account accounts.AccountID, client accounts.ClientID, site accounts.SiteID, what ...roles.Permission) accounts.SiteAccess {
		return accounts.SiteAccess{
			SiteAccessKey: accounts.SiteAccessKey{Account: account, Client: client, Site: site}, Permissions: what, CreatedAt: now, UpdatedAt: now,
		}
	}
	g.put(access.Change{Change: accounts.Change{
		Sites:   []accounts.Site{site("north", "shop"), site("north", "blog"), old, site("south", "shop")},
		Clients: []accounts.Client{record("north", "bella", ""), record("north", "bruno", "bruno"), stan, dora, record("south", "bella", "")},
		SiteAccess: []accounts.SiteAccess{
			given("north", "bella", "shop", "STATS_TAB", "PUBLISH"), given("north", "bella", "blog"), given("north", "bella", "old", "STATS_TAB"),
			given("north", "bruno", "shop", "STATS_TAB"), given("north", "stan", "shop", "STATS_TAB"), given("south", "bella", "shop", "STATS_TAB"),
		},
	}})
	return g
}

func as(account accounts.AccountID, id accounts.ClientID) access.StartView {
	return access.StartView{ClientKey: accounts.ClientKey{Account: account, ID: id}}
}

// start has somebody start a view, and returns the secret of its link.
func (g *gallery) start(a accounts.Actor, in access.StartView) (string, access.ViewAs) {
	g.Helper()
	link, v, err := g.views.Start(g.Context(), a, in)
	require.NoError(g, err)
	secret, ok := strings.CutPrefix(link.Reveal(), viewPage)
	require.True(g, ok, "the link's page is the host's")
	return secret, v
}

// open opens a view.
func (g *gallery) open(link string) (string, access.Viewed) {
	g.Helper()
	secret, v, err := g.views.Open(g.Context(), link, device)
	require.NoError(g, err)
	return secret.Reveal(), v
}

// viewing has adam, an Admin of Northlight, view as a client of it.
func (g *gallery) viewing(client accounts.ClientID) (secret string, v access.Viewed) {
	g.Helper()
	link, _ := g.start(g.as("adam", "north"), as("north", client))
	return g.open(link)
}

// viewed returns why a view does not count.
func (g *gallery) viewed(secret string) error {
	g.Helper()
	v, err := g.views.Viewed(g.Context(), secret)
	if err != nil {
		require.Equal(g, access.Viewed{}, v, "no answer comes with an error")
	}
	return err
}

// dead requires that a view does not count.
func (g *gallery) dead(secret string, why ...any) {
	g.Helper()
	require.ErrorIs(g, g.viewed(secret), access.ErrNoSession, why...)
}

// unopened requires that a link opens nothing.
func (g *gallery) unopened(link string, why ...any) {
	g.Helper()
	secret, v, err := g.views.Open(g.Context(), link, device)
	require.ErrorIs(g, err, accounts.ErrNotFound, why...)
	require.True(g, secret.IsZero(), why...)
	require.Equal(g, access.Viewed{}, v, why...)
}

// row is what is stored of a view.
func (g *gallery) row(id accounts.ViewID) access.ViewAs {
	g.Helper()
	return must(g.mem.Viewing(g.Context(), access.ViewKey{ID: id}))(g).View
}

// record is what is stored of a client.
func (g *gallery) record(account accounts.AccountID, id accounts.ClientID) accounts.Client {
	g.Helper()
	return must(g.mem.Recording(g.Context(), accounts.RecordingQuery{Account: account, Client: id}))(g).Client
}

// change writes a client record as another operation would.
func (g *gallery) change(account accounts.AccountID, id accounts.ClientID, edit func(c *accounts.Client)) {
	g.Helper()
	c := g.record(account, id)
	edit(&c)
	g.put(access.Change{Change: accounts.Change{Clients: []accounts.Client{c}}})
}

// suspend, reactivate and remove are ann's doing, who owns Northlight.
func (g *gallery) suspend(id accounts.ClientID) {
	g.Helper()
	require.NoError(g, g.clients.Suspend(g.Context(), g.as("ann", "north"), accounts.ClientKey{Account: "north", ID: id}))
}

func (g *gallery) reactivate(id accounts.ClientID) {
	g.Helper()
	require.NoError(g, g.clients.Reactivate(g.Context(), g.as("ann", "north"), accounts.ClientKey{Account: "north", ID: id}))
}

func (g *gallery) remove(id accounts.ClientID) {
	g.Helper()
	require.NoError(g, g.clients.Delete(g.Context(), g.as("ann", "north"), accounts.ClientKey{Account: "north", ID: id}))
}

// comesIn has a user come in as a client for the first time.
func (g *gallery) comesIn(id accounts.ClientID, user accounts.UserID) {
	g.Helper()
	g.change("north", id, func(c *accounts.Client) { c.User, c.ActiveAt = user, g.env.Now() })
}

// give gives a client other permissions on a site of Northlight's.
func (g *gallery) give(client accounts.ClientID, site accounts.SiteID, what ...roles.Permission) {
	g.Helper()
	q := accounts.RecordingQuery{Account: "north", Client: client, Site: site}
	row := must(g.mem.Recording(g.Context(), q))(g).Access
	row.Permissions = what
	g.put(access.Change{Change: accounts.Change{SiteAccess: []accounts.SiteAccess{row}}})
}

// hung tells everything that is stored, with views and clients.
func (g *gallery) hung() string {
	g.Helper()
	var b strings.Builder
	b.WriteString(g.everything("ann", "adam", "mia", "bruno"))
	for _, id := range []accounts.UserID{"ann", "adam", "mia", "bruno", "stan"} {
		for _, kind := range []accounts.HeldKind{accounts.HeldView, accounts.HeldClient} {
			fmt.Fprintf(&b, "%s %+v\n", id, must(g.mem.Held(g.Context(), accounts.HeldQuery{Kind: kind, User: id, Limit: 1000}))(g))
		}
	}
	for _, a := range []accounts.AccountID{"north", "south"} {
		fmt.Fprintf(&b, "%+v\n", must(g.mem.ClientRecords(g.Context(), accounts.ClientRecordQuery{Account: a, Limit: 1000}))(g))
	}
	return b.String()
}

// since returns the events since there were n.
func (g *gallery) since(n int) []accounts.Event {
	g.Helper()
	return g.events()[n:]
}
