package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// comings are the two ways in which a host asks who somebody is: with sessions
// of the library, and with its own.
func comings(g *gallery, user accounts.UserID) map[string]func(account accounts.AccountID) (access.Principal, error) {
	g.Helper()
	secret, login := g.login(user), accounts.Login{User: user, At: g.env.Now()}
	return map[string]func(account accounts.AccountID) (access.Principal, error){
		"a session": func(account accounts.AccountID) (access.Principal, error) {
			return g.sessions.Principal(g.Context(), secret, account)
		},
		"a session of the host's": func(account accounts.AccountID) (access.Principal, error) {
			return g.sessions.ForUser(g.Context(), login, account)
		},
	}
}

// A client has the sites that they were given and nothing else of the account:
// no role, no permission of it, and no method that acts there, which goes on
// record. What they were given is asked without I/O (A32, A36).
func TestPrincipal_client(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	for how, ask := range comings(g, "bruno") {
		p := must(ask("north"))(t)
		require.True(t, p.None(), how)
		require.Empty(t, p.Permissions(), how)
		require.False(t, p.Can(roles.SeeAccount), how)
		require.Equal(t, accounts.ClientID("bruno"), p.Client, how)
		require.Equal(t, accounts.RouteClient, p.Route(), how)
		require.Equal(t, "Northlight", p.AccountName, how)
		require.Empty(t, p.Agency, how)
		require.Equal(t, []accounts.SiteGrant{{Site: "shop", Name: "The shop", Permissions: []roles.Permission{"STATS_TAB"}}}, p.Sites(), how)
		require.Empty(t, g.calls(func() {
			require.True(t, p.CanSite("shop", "STATS_TAB"), how)
			require.False(t, p.CanSite("shop", "PUBLISH"), how)
			require.False(t, p.CanSite("blog", "STATS_TAB"), how)
			require.False(t, p.CanSite("old", "STATS_TAB"), how)
			require.False(t, p.CanSite("", ""), how)
		}), how)
		p.Sites()[0].Permissions[0] = "PUBLISH"
		require.False(t, p.CanSite("shop", "PUBLISH"), "%s: what is handed out is a copy", how)

		for _, elsewhere := range []accounts.AccountID{"south", "willow", "nowhere"} {
			p, err := ask(elsewhere)
			require.ErrorIs(t, err, accounts.ErrNotFound, how)
			require.Equal(t, access.Principal{}, p, how)
		}
		self := must(ask(""))(t)
		require.Empty(t, self.Client, how)
		require.Empty(t, self.Sites(), how)

		was := len(g.events())
		_, err := g.requests.Send(t.Context(), p.Actor(), access.Batch{Agency: "north", Addresses: "x@example.com"})
		require.ErrorIs(t, err, roles.ErrDenied, how)
		require.Len(t, g.since(was), 1, how)
		require.Equal(t, accounts.UserID("bruno"), g.since(was)[0].By.User, how)
	}
	secret := g.login("bruno")
	require.Equal(t, []string{"Admission"}, g.calls(func() { g.principal(secret, "north") }), "one statement answers")
}

// On the sites of their account those may do everything who manage its clients:
// they hand it out. Other members, delegates of whatever role, and people
// without a route there may do nothing (A32, A52).
func TestPrincipal_CanSite(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	g.connect("rose", roles.Admin) // mia of Northlight is an Admin of Rose Garden, as a delegate
	for _, tt := range []struct {
		name    string
		user    accounts.UserID
		account accounts.AccountID
		want    bool
	}{
		{"an Owner", "ann", "north", true},
		{"an Admin", "adam", "north", true},
		{"a Manager", "mia", "north", true},
		{"an Author", "vic", "north", false},
		{"a delegate who is an Admin", "mia", "rose", false},
		{"an Admin of the account that is reached through an agency", "cleo", "rose", true},
	} {
		for how, ask := range comings(g, tt.user) {
			p := must(ask(tt.account))(t)
			require.Equal(t, tt.want, p.CanSite("shop", "PUBLISH"), "%s, %s", tt.name, how)
			require.Empty(t, p.Sites(), "%s, %s", tt.name, how)
			require.Empty(t, p.Client, "%s, %s", tt.name, how)
			require.False(t, must(ask(""))(t).CanSite("shop", "PUBLISH"), "%s, %s: at no account", tt.name, how)
		}
	}
	require.False(t, access.Principal{}.CanSite("shop", "STATS_TAB"))
}

// Somebody who is a client of an account and a delegate there has what both
// give. A session that is too old for somebody else's account leaves them what
// they have as a client.
func TestPrincipal_clientAndDelegate(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	now := g.env.Now()
	key := accounts.ClientKey{Account: "rose", ID: "mia"}
	g.put(access.Change{Change: accounts.Change{
		Sites: []accounts.Site{{SiteKey: accounts.SiteKey{Account: "rose", ID: "beds"}, Name: "Beds", CreatedAt: now, UpdatedAt: now}},
		Clients: []accounts.Client{{
			ClientState: accounts.ClientState{ClientKey: key, User: "mia", Epoch: 1}, Email: "m@client.example", Address: "m@client.example",
		}},
		SiteAccess: []accounts.SiteAccess{{
			SiteAccessKey: accounts.SiteAccessKey{Account: "rose", Client: "mia", Site: "beds"}, Permissions: []roles.Permission{"BLOG"},
		}},
	}})
	g.connect("rose", roles.Manager)
	asks := comings(g, "mia")
	for how, ask := range asks {
		p := must(ask("rose"))(t)
		require.Equal(t, accounts.RouteDelegate, p.Route(), how)
		require.Equal(t, accounts.ClientID("mia"), p.Client, how)
		require.Equal(t, roles.Manager, p.Delegated(), how)
		require.True(t, p.CanSite("beds", "BLOG"), how)
		require.False(t, p.CanSite("beds", "PUBLISH"), how)
	}
	lines := must(g.sessions.Chooser(t.Context(), g.self(g.login("mia")), access.ChoicePage{Search: "rose"}))(t)
	require.Len(t, lines, 2, "a line for each way in")

	for range 13 { // too old for a delegate, and in use all the time
		g.clock.Add(59 * time.Minute)
		for _, ask := range asks {
			must(ask(""))(t)
		}
	}
	for how, ask := range asks {
		p := must(ask("rose"))(t)
		require.True(t, p.None(), how)
		require.Equal(t, accounts.RouteClient, p.Route(), how)
		require.True(t, p.CanSite("beds", "BLOG"), how)
	}
}

// The chooser has a line for each account of which somebody is a client, with no
// role, and none any more once the record is suspended or deleted (A64).
func TestSessions_Chooser_client(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	choices := func() []access.Choice {
		return must(g.sessions.Chooser(t.Context(), g.self(g.login("bruno")), access.ChoicePage{}))(t)
	}
	list := choices()
	require.Len(t, list, 1)
	require.Equal(t, access.Choice{Reached: accounts.Reached{
		Account: "north", Name: "Northlight", Kind: accounts.RouteClient, Client: "bruno",
	}}, list[0])
	require.NoError(t, g.svc.AddMember(t.Context(), job, "elm", "bruno", roles.Viewer))
	require.Len(t, choices(), 2)
	g.suspend("bruno")
	require.Len(t, choices(), 1)
	g.reactivate("bruno")
	require.Len(t, choices(), 2)
	g.remove("bruno")
	require.Len(t, choices(), 1)
}

// A client switches between the accounts that they can reach, and Return leads
// back to their own: where they are a member, or else where they came from
// (A60).
func TestSessions_Switch_client(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	ctx := t.Context()
	g.change("south", "bella", func(c *accounts.Client) { c.User = "bruno" })
	secret := g.login("bruno")
	to := func(account accounts.AccountID) {
		t.Helper()
		fresh, p, err := g.sessions.Switch(ctx, secret, account)
		require.NoError(t, err)
		require.Equal(t, account, p.Account)
		require.ErrorIs(t, g.try(secret, ""), access.ErrNoSession, "the old secret is dead")
		secret = fresh.Reveal()
	}
	back := func() accounts.AccountID {
		t.Helper()
		fresh, p, err := g.sessions.Return(ctx, secret)
		require.NoError(t, err)
		secret = fresh.Reveal()
		return p.Account
	}
	to("north")
	to("south")
	require.Equal(t, accounts.AccountID("north"), back())
	require.NoError(t, g.svc.AddMember(ctx, job, "elm", "bruno", roles.Viewer))
	to("elm")
	to("north")
	to("south")
	require.Equal(t, accounts.AccountID("elm"), back(), "however many clients' accounts come in between")

	g.suspend("bruno")
	was := secret
	_, p, err := g.sessions.Switch(ctx, secret, "north")
	require.ErrorIs(t, err, accounts.ErrNotFound)
	require.Equal(t, access.Principal{}, p)
	require.NoError(t, g.try(was, "elm"), "the session stays as it was")
}

// A client who is active in two tabs and is suspended is refused at the next
// request of both, and nowhere else. Reactivating revives neither tab: a new
// login counts. Deleting is final (A37, A63, A74, A75, I-19).
func TestPrincipal_clientSuspended(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	require.NoError(t, g.svc.AddMember(t.Context(), job, "elm", "bruno", roles.Viewer))
	one, two, own := g.login("bruno"), g.login("bruno"), accounts.Login{User: "bruno", At: g.env.Now()}
	tabs := func() []error {
		p, err := g.sessions.ForUser(t.Context(), own, "north")
		if err != nil {
			require.Equal(t, access.Principal{}, p)
		}
		return []error{g.try(one, "north"), g.try(two, "north"), err}
	}
	dead := func(why string) {
		t.Helper()
		for _, err := range tabs() {
			require.ErrorIs(t, err, accounts.ErrNotFound, why)
		}
		require.NoError(t, g.try(one, "elm"), why)
		require.NoError(t, g.try(two, ""), why)
	}
	for _, err := range tabs() {
		require.NoError(t, err)
	}
	g.suspend("bruno")
	dead("suspended")
	require.ErrorIs(t, g.try(g.login("bruno"), "north"), accounts.ErrNotFound, "a new login is none either")
	g.reactivate("bruno")
	dead("reactivated, but not for the tabs of before")
	g.clock.Add(time.Microsecond)
	one, two, own = g.login("bruno"), g.login("bruno"), accounts.Login{User: "bruno", At: g.env.Now()}
	for _, err := range tabs() {
		require.NoError(t, err)
	}
	g.remove("bruno")
	dead("deleted")
}

// Whatever ends a client's record between the two reads of a host's own session
// counts, and what they may do is what was read last (A37, I-09).
func TestSessions_ForUser_client(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(g *gallery){
		"suspended": func(g *gallery) { g.suspend("bruno") },
		"deleted":   func(g *gallery) { g.remove("bruno") },
		"suspended and reactivated": func(g *gallery) {
			g.suspend("bruno")
			g.reactivate("bruno")
		},
		"handed to another user": func(g *gallery) { g.change("north", "bruno", func(c *accounts.Client) { c.User = "stan2" }) },
	} {
		t.Run("a client who is "+name+" in between is not let in", func(t *testing.T) {
			t.Parallel()
			g := newGallery(t)
			g.user("stan2")
			login := accounts.Login{User: "bruno", At: g.env.Now()}
			g.clock.Add(time.Second)
			between(g, "ClientRecords", func() { end(g) })
			p, err := g.sessions.ForUser(t.Context(), login, "north")
			g.st.on(nil)
			require.ErrorIs(t, err, accounts.ErrNotFound)
			require.Equal(t, access.Principal{}, p)
		})
	}
	g := newGallery(t)
	login := accounts.Login{User: "bruno", At: g.env.Now()}
	between(g, "ClientRecords", func() { g.give("bruno", "shop") })
	p := must(g.sessions.ForUser(t.Context(), login, "north"))(t)
	require.False(t, p.CanSite("shop", "STATS_TAB"))
	require.Len(t, p.Sites(), 1)

	g.st.on(func(call string, do func() error) error {
		if call == "ClientRecords" {
			return errBroken
		}
		return do()
	})
	p, err := g.sessions.ForUser(t.Context(), login, "north")
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, access.Principal{}, p)
}

// between runs something once, before a call to the store.
func between(g *gallery, call string, other func()) {
	done := false
	g.st.on(func(c string, do func() error) error {
		if c == call && !done {
			done = true
			other()
		}
		return do()
	})
}
