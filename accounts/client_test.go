package accounts_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The status follows from facts, over all their combinations: suspended, else
// active, else invited, else with a site, else a lead. Sites do not matter once
// somebody was invited, and nothing else does at all (C3).
func TestClient_Status(t *testing.T) {
	t.Parallel()

	table := map[string]accounts.ClientStatus{ // suspended, active, invited, site
		"----": accounts.ClientLead, "---s": accounts.ClientSiteAssigned,
		"--i-": accounts.ClientInvited, "--is": accounts.ClientInvited,
		"-a--": accounts.ClientActive, "-a-s": accounts.ClientActive, "-ai-": accounts.ClientActive, "-ais": accounts.ClientActive,
		"x---": accounts.ClientSuspended, "x--s": accounts.ClientSuspended, "x-i-": accounts.ClientSuspended, "x-is": accounts.ClientSuspended,
		"xa--": accounts.ClientSuspended, "xa-s": accounts.ClientSuspended, "xai-": accounts.ClientSuspended, "xais": accounts.ClientSuspended,
	}
	require.Len(t, table, 16)
	seen := map[accounts.ClientStatus]bool{}
	for facts, want := range table {
		for _, user := range []accounts.UserID{"", "carl"} {
			c := client("studio", "c")
			c.User = user
			if facts[0] == 'x' {
				c.SuspendedAt = start
			}
			if facts[1] == 'a' {
				c.ActiveAt = start
			}
			if facts[2] == 'i' {
				c.InvitedAt = start
			}
			require.Equal(t, want, c.Status(facts[3] == 's'), facts)
			e := accounts.ClientEntry{Client: c}
			if facts[3] == 's' {
				e.Sites = []accounts.SiteGrant{{Site: "one"}}
			}
			require.Equal(t, want, e.Status(), "also with a site that shows nothing")
		}
		seen[want] = true
	}
	require.Len(t, seen, len(accounts.ClientStatuses()))
	for _, s := range accounts.ClientStatuses() {
		require.True(t, seen[s], s)
	}
}

// How a client is written to, and what a grant allows.
func TestClient_values(t *testing.T) {
	t.Parallel()

	c := joined("studio", "in", "carl")
	require.Equal(t, "First in Last in", c.Name())
	require.Equal(t, accounts.Contact{User: "carl", Name: "First in Last in", Email: "in@clients.example", Locale: "de"}, c.Contact())
	require.Equal(t, mail.Reason("account/studio/record/in"), accounts.RecordReason(c.ClientKey))
	require.True(t, accounts.AccountReason("studio").Covers(accounts.RecordReason(c.ClientKey)))
	require.False(t, accounts.RecordReason(record("studio", "i")).Covers(accounts.RecordReason(c.ClientKey)))
	g := accounts.SiteGrant{Permissions: []roles.Permission{"SEO"}}
	require.Equal(t, []bool{true, false, false}, []bool{g.Can("SEO"), g.Can("EDIT"), g.Can("")})
	require.False(t, accounts.SiteGrant{}.Can(""))
	require.Contains(t, c.SearchText(), "\n4930")
	require.NotContains(t, strings.ToLower(c.SearchText()), "notes on")
}

// clientFacts are those of the account acme of version 4 and of a client that is
// there, decided by ann, who owns it.
func clientGiven(t testing.TB, actor accounts.Actor) (accounts.Operation, accounts.ClientFacts) {
	t.Helper()
	g := given(t, actor)
	c := joined("acme", "rec", "carl")
	c.Version = 6
	carl := user("carl")
	carl.Version, carl.Logins = 8, 3
	one := site("acme", "one")
	one.Version = 1
	return g.op, accounts.ClientFacts{
		Actor: g.actor, Recording: accounts.Recording{Account: g.acme, Client: c, User: carl, Site: one, Access: accounts.SiteAccess{
			SiteAccessKey: accounts.SiteAccessKey{Account: "acme", Client: "rec", Site: "one"},
		}},
	}
}

// Each decision holds the account that it relied on, and the acting user; making
// a client moves it, since members and clients share addresses. What changes what
// a client has, or may do, writes the client's row at the version it was read
// (I-08, I-09).
func TestOperation_clientGuards(t *testing.T) {
	t.Parallel()

	held := []accounts.Guard{{User: "ann", Epoch: 1}, {Account: "acme", Version: 4}}
	moved := []accounts.Guard{{User: "ann", Epoch: 1}, {Account: "acme", Version: 4, Move: true}}
	name := "New"
	has := func(f *accounts.ClientFacts) {
		f.Access.Version, f.Access.Permissions = 2, []roles.Permission{"SEO"}
	}
	for _, tt := range []struct {
		name   string
		given  func(f *accounts.ClientFacts)
		when   func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error)
		guards []accounts.Guard
		rows   []int64 // versions of the client, the user, the access
	}{
		{"create", func(f *accounts.ClientFacts) { f.Client = accounts.Client{} }, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			c, _, err := o.CreateClient(f, client("acme", "new"), nil)
			return c, err
		}, moved, []int64{0, -1, -1}},
		{"edit", nil, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			c, _, err := o.EditClient(f, accounts.EditClient{FirstName: &name})
			return c, err
		}, held, []int64{6, -1, -1}},
		{"suspend", nil, accounts.Operation.SuspendClient, held, []int64{6, -1, -1}},
		{"reactivate", func(f *accounts.ClientFacts) { f.Client.SuspendedAt = start }, accounts.Operation.ReactivateClient, held, []int64{6, 8, -1}},
		{"delete", nil, accounts.Operation.DeleteClient, held, []int64{6, -1, -1}},
		{"assign", nil, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			c, _, err := o.AssignSite(f, []roles.Permission{"SEO"})
			return c, err
		}, held, []int64{6, -1, 0}},
		{"assign again", has, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			c, _, err := o.AssignSite(f, nil)
			return c, err
		}, held, []int64{6, -1, 2}},
		{"unassign", has, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			c, _, err := o.UnassignSite(f)
			return c, err
		}, held, []int64{6, -1, 2}},
		{"create a site", func(f *accounts.ClientFacts) { f.Site = accounts.Site{} }, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			return o.CreateSite(f, site("acme", "new"))
		}, held, []int64{-1, -1, -1}},
		{"export", nil, func(o accounts.Operation, f accounts.ClientFacts) (accounts.Change, error) {
			return o.ExportClients(f.Actor, f.Account)
		}, held, []int64{-1, -1, -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, f := clientGiven(t, ann())
			if tt.given != nil {
				tt.given(&f)
			}
			c, err := tt.when(o, f)
			require.NoError(t, err)
			require.Equal(t, tt.guards, c.Guards)
			rows := []int64{-1, -1, -1}
			if len(c.Clients) > 0 {
				rows[0] = c.Clients[0].Version
				require.Equal(t, o.At, c.Clients[0].UpdatedAt)
			}
			if len(c.Users) > 0 {
				rows[1] = c.Users[0].Version
			}
			if len(c.SiteAccess) > 0 {
				rows[2] = c.SiteAccess[0].Version
			}
			require.Equal(t, tt.rows, rows)
			require.Len(t, c.Events, 1)
			require.Empty(t, c.Mail)

			// Whoever may not do it is told so, and nothing is decided: each role
			// below, a delegate, a client, somebody who views, a job, an operator.
			for _, low := range []accounts.Standing{
				{User: f.Actor.User, Account: f.Actor.Account, Member: accounts.MemberState{Role: roles.Author, Epoch: 1}},
				{User: f.Actor.User, Account: f.Actor.Account, Routes: []accounts.Route{liveRoute("orbit", roles.Admin, roles.Admin)}},
				{User: f.Actor.User, Account: f.Actor.Account, Client: accounts.ClientState{ClientKey: record("acme", "own"), User: "ann", Epoch: 1}},
			} {
				g := f
				g.Actor = low
				c, err := tt.when(o, g)
				require.ErrorIs(t, err, roles.ErrDenied)
				require.Empty(t, c)
			}
			for _, actor := range []accounts.Actor{accounts.Viewing("ann", "s", "acme", "rec"), {}} {
				o := o
				o.Actor = actor
				c, err := tt.when(o, f)
				require.ErrorIs(t, err, roles.ErrDenied)
				require.Empty(t, c)
			}
			if tt.name != "export" {
				for _, actor := range []accounts.Actor{job(), staff()} {
					o := o
					o.Actor = actor
					_, err := tt.when(o, f)
					require.ErrorIs(t, err, roles.ErrDenied)
				}
			}
		})
	}
}

// Ending a client moves the epoch, which links and views remember, and takes
// back unsent mail; reactivating moves nothing, and wants a later login (A74).
func TestOperation_clientEnds(t *testing.T) {
	t.Parallel()

	o, f := clientGiven(t, ann())
	reason := []mail.Reason{accounts.RecordReason(f.Client.ClientKey)}
	c, err := o.SuspendClient(f)
	require.NoError(t, err)
	require.Equal(t, []any{int64(2), start, reason}, []any{c.Clients[0].Epoch, c.Clients[0].SuspendedAt, c.CancelMail})
	f.Client = c.Clients[0]
	again, err := o.SuspendClient(f)
	require.NoError(t, err)
	require.Empty(t, again)
	o.At = start.Add(time.Hour)
	c, err = o.ReactivateClient(f)
	require.NoError(t, err)
	require.Equal(t, []any{int64(2), true, int64(3), o.At}, []any{c.Clients[0].Epoch, c.Clients[0].SuspendedAt.IsZero(), c.Clients[0].After, c.Clients[0].AfterAt})
	require.Equal(t, o.At, c.Users[0].UpdatedAt)
	o.Actor = admitted("ann", o.At)
	c, err = o.DeleteClient(f)
	require.NoError(t, err)
	require.Equal(t, []any{int64(3), o.At, reason}, []any{c.Clients[0].Epoch, c.Clients[0].DeletedAt, c.CancelMail})
	require.Equal(t, start, c.Clients[0].SuspendedAt, "what was, was")
	require.False(t, c.Clients[0].There())
	f.Client = c.Clients[0]
	for _, decide := range []func(accounts.Operation, accounts.ClientFacts) (accounts.Change, error){
		accounts.Operation.SuspendClient, accounts.Operation.ReactivateClient, accounts.Operation.DeleteClient,
	} {
		_, err := decide(o, f)
		require.Equal(t, accounts.ErrNotFound, err, "it is final (I-20)")
	}
}

// Nothing of a change shares memory with what it was decided from.
func TestOperation_clientCopies(t *testing.T) {
	t.Parallel()

	o, f := clientGiven(t, ann())
	set := []roles.Permission{"SEO"}
	c, out, err := o.AssignSite(f, set)
	require.NoError(t, err)
	want := slices.Clone(c.SiteAccess[0].Permissions)
	set[0], out.Permissions[0] = "X", "Y"
	require.Equal(t, want, c.SiteAccess[0].Permissions)
}
