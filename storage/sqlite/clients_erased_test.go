package sqlite_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Somebody who was a client, and somebody who was written down and never came,
// are in no column of any table once they are erased and forgotten, and neither is
// a piece of their words in the index of searches; what is left is counters that
// the next sweeps erase, and the audit, which names nobody (D7, A76). Before that
// they are found, so the search is one that can find them.
func TestClients_erasedEverywhere(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, nil)
	ctx, job := t.Context(), accounts.System("sync")
	now := clock.NewMock()
	now.Set(noon)
	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", BaseURL: "https://app.example", Clock: now})
	require.NoError(t, err)
	graph, err := accounts.New(st, env)
	require.NoError(t, err)
	clients, err := accounts.NewClients(st, env)
	require.NoError(t, err)
	hasher, err := password.New(&password.Options{Memory: 8, Time: 1})
	require.NoError(t, err)
	links, err := invites.NewSetupLinks(st, env, &invites.Options{Hasher: hasher})
	require.NoError(t, err)
	views, err := access.NewViews(st, env)
	require.NoError(t, err)
	sessions, err := access.NewSessions(st, env)
	require.NoError(t, err)
	inbox := &mailtest.Recorder{}
	post, err := mail.NewDispatcher(st, inbox, &mail.DispatcherOptions{Clock: now})
	require.NoError(t, err)

	_, err = graph.PutUser(ctx, job, accounts.PutUser{ID: "olga", Name: "Olga", Email: "olga@example.com", Proven: true})
	require.NoError(t, err)
	_, err = graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: "studio", Name: "Studio", Owner: "olga"})
	require.NoError(t, err)
	own, _, err := sessions.Start(ctx, accounts.Login{User: "olga"}, access.Device{})
	require.NoError(t, err)
	olga, err := sessions.Principal(ctx, own.Reveal(), "studio")
	require.NoError(t, err)
	_, err = clients.CreateSite(ctx, olga.Actor(), accounts.CreateSite{Account: "studio", ID: "shop", Name: "Shop"})
	require.NoError(t, err)

	people := map[string]accounts.ClientKey{}
	for _, first := range []string{"Quillon", "Vaxley"} {
		e, err := clients.Create(ctx, olga.Actor(), accounts.CreateClient{
			Account: "studio", FirstName: first, LastName: "Of" + first, Email: first + "@there.example", Company: first + " Works",
			Postal: first + " Street 1", Phone: first + " 555", Notes: "likes " + first, Key: "create-" + strings.ToUpper(first)[:2],
			Sites: []accounts.SiteChoice{{Site: "shop", Permissions: []roles.Permission{"PUBLISH"}}},
		})
		require.NoError(t, err)
		people[first] = e.Client.ClientKey
		_, err = links.Send(ctx, olga.Actor(), invites.SendSetup{
			ClientKey: e.Client.ClientKey, Subject: "For " + first, Text: "Dear " + first + "\n\n" + mail.Placeholder, Key: "send-" + strings.ToUpper(first)[:2],
		})
		require.NoError(t, err)
	}
	_, err = post.Flush(ctx)
	require.NoError(t, err)
	m, _ := inbox.Last("quillon@there.example")
	url, found := mailtest.Link(m, "https://app.example/set-up/")
	require.True(t, found)
	in, err := links.SetUp(ctx, invites.NewLogin{Link: strings.TrimPrefix(url, "https://app.example/set-up/"), Password: "four grey elephants sang"})
	require.NoError(t, err)
	_, _, err = sessions.Start(ctx, in.Login, access.Device{UserAgent: "Quillon's phone"})
	require.NoError(t, err)
	page, _, err := views.Start(ctx, olga.Actor(), access.StartView{ClientKey: people["Quillon"]})
	require.NoError(t, err)
	_, _, err = views.Open(ctx, strings.TrimPrefix(page.Reveal(), "https://app.example/view-as/"), access.Device{})
	require.NoError(t, err)

	words := []string{"Quillon", "quillon", "Vaxley", "vaxley"}
	for _, piece := range []string{"Wqu", "uil", "Wva", "xle"} { // as the index of words has them
		words = append(words, hex.EncodeToString([]byte(piece)))
	}
	for _, word := range words {
		require.NotEmpty(t, holding(t, path, word), word)
	}
	require.NoError(t, graph.EraseUser(ctx, accounts.Operator("kim", "asked to"), in.Login.User))
	require.NoError(t, graph.ForgetAddress(ctx, accounts.Operator("kim", "asked to"), "vaxley@there.example"))
	for _, word := range words {
		left := holding(t, path, word)
		delete(left, "chatelaine_quotas.subject")
		require.Empty(t, left, word)
	}
	found2, err := clients.List(ctx, olga.Actor(), "studio", accounts.ClientPage{Search: "quillon"})
	require.NoError(t, err)
	require.Empty(t, found2)
	events, err := graph.Events(ctx, olga.Actor(), accounts.EventQuery{Account: "studio", Limit: 100})
	require.NoError(t, err)
	ended := 0
	for _, e := range events {
		if e.Kind == accounts.EventClientDeleted {
			ended++
		}
	}
	require.Equal(t, 2, ended, "each record's end is on record once")
}
