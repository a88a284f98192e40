package accounts_test

import (
	"context"
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// An agency writes down a client, gives them a site with some permissions, and
// takes it away again. How far it has come with them follows from what was done.
func Example_clients() {
	ctx, s := context.Background(), newShop(nil)
	s.owner("nora", "northlight")
	clients := got(accounts.NewClients(s.store, s.env))
	nora := got(s.sessions.ForUser(ctx, accounts.Login{User: "nora", At: s.env.Now()}, "northlight")).Actor()

	carla := got(clients.Create(ctx, nora, accounts.CreateClient{
		Account: "northlight", FirstName: "Carla", LastName: "Conti", Email: "carla@bakery.example", Phone: "+39 06 1234",
	}))
	fmt.Println(carla.Client.Name(), "is a", carla.Status())

	site := got(clients.CreateSite(ctx, nora, accounts.CreateSite{Account: "northlight", Name: "Bakery", Domain: "bakery.example"}))
	given := got(clients.Assign(ctx, nora, accounts.AssignSite{
		ClientKey:  carla.Client.ClientKey,
		SiteChoice: accounts.SiteChoice{Site: site.ID, Permissions: []roles.Permission{"EDIT"}}, // needs two others
	}))
	fmt.Println(given.Status, given.Permissions)

	for _, e := range got(clients.List(ctx, nora, "northlight", accounts.ClientPage{Search: "0612"})) {
		fmt.Println("found:", e.Client.Name(), "with", e.Sites[0].Name)
	}
	left := got(clients.Unassign(ctx, nora, accounts.SiteAccessKey{Account: "northlight", Client: carla.Client.ID, Site: site.ID}))
	fmt.Println(left.Status, "sees", left.Seen, "sites")
	// Output:
	// Carla Conti is a lead
	// site-assigned [EDIT BLOG LIMITED_EDITING]
	// found: Carla Conti with Bakery
	// lead sees 0 sites
}
