package access_test

import (
	"context"
	"fmt"
	"path"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// Olga looks at what Bella, a client of her studio, will see, before Bella has
// ever come in.
func Example_viewAs() {
	ctx, host := context.Background(), accounts.System("host")
	store, env := memory.New(), get(accounts.NewEnv(nil))
	svc, clients := get(accounts.New(store, env)), get(accounts.NewClients(store, env))
	sessions, views := get(access.NewSessions(store, env)), get(access.NewViews(store, env))
	get(svc.PutUser(ctx, host, accounts.PutUser{ID: "olga", Name: "Olga", Email: "olga@example.com", Proven: true}))
	get(svc.CreateAccount(ctx, host, accounts.CreateAccount{ID: "studio", Name: "Studio", Kind: accounts.KindAgency, Owner: "olga"}))
	get(clients.PutSite(ctx, host, accounts.PutSite{Account: "studio", ID: "bakery", Name: "Bakery"}))
	cookie, _, err := sessions.Start(ctx, accounts.Login{User: "olga"}, access.Device{}) // she logged in to the host
	check(err)
	olga := get(sessions.Principal(ctx, cookie.Reveal(), "studio"))
	bella := get(clients.Create(ctx, olga.Actor(), accounts.CreateClient{
		Account: "studio", FirstName: "Bella", LastName: "Brown", Email: "bella@example.com",
		Sites: []accounts.SiteChoice{{Site: "bakery", Permissions: []roles.Permission{"STATS_TAB"}}},
	}))

	// A button on Olga's page leads her browser to the domain where the clients
	// log in. The page there posts what came in its address.
	link, _, err := views.Start(ctx, olga.Actor(), access.StartView{ClientKey: bella.Client.ClientKey})
	check(err)
	secret, _, err := views.Open(ctx, path.Base(link.Reveal()), access.Device{UserAgent: "Firefox"})
	check(err)

	// Each page there asks who views as whom, by a cookie of its own.
	v := get(views.Viewed(ctx, secret.Reveal()))
	fmt.Printf("%s views as %s of %s, to look only: %t\n", v.ViewerName, v.ClientName, v.AccountName, v.ReadOnly)
	fmt.Println("statistics:", v.CanSite("bakery", "STATS_TAB"), "- publish:", v.CanSite("bakery", "PUBLISH"))
	_, err = clients.List(ctx, v.Actor(), "studio", accounts.ClientPage{})
	fmt.Println(err)

	check(views.Stop(ctx, secret.Reveal()))
	_, err = views.Viewed(ctx, secret.Reveal())
	fmt.Println(err)
	// Output:
	// Olga views as Bella Brown of Studio, to look only: true
	// statistics: true - publish: false
	// roles: denied: "clients.list"; whoever views as a client only looks; go back to your own session
	// chatelaine: not signed in
}
