package access_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestNewViews(t *testing.T) {
	t.Parallel()
	_, err := access.NewViews(nil, nil)
	require.ErrorIs(t, err, accounts.ErrInvalid)
	g := newGallery(t)
	views := must(access.NewViews(g.mem, nil))(t)
	_, err = views.Viewed(t.Context(), "")
	require.ErrorIs(t, err, access.ErrNoSession)
	tx := g.mem.Begin()
	link, _, err := g.views.With(tx.Store()).Start(t.Context(), g.as("adam", "north"), as("north", "bella"))
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	g.unopened(link.Reveal()[len(viewPage):], "the host rolled back")
}

// An Admin views as a client who never came in: with a link that opens once and
// a secret of its own, to look only, for 30 minutes at most; and both people are
// in every event, which each change has (A60, A67, A69, I-17).
func TestViews_story(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	ctx := t.Context()
	was, own := len(g.events()), g.login("adam")
	was++ // the login
	adam := g.principal(own, "north").Actor()
	link, v := g.start(adam, as("north", "bella"))
	require.Regexp(t, `^cvwl_[A-Z2-7]{52}$`, link)
	require.Equal(t, access.ViewAsState{
		ID: v.ID, ClientKey: accounts.ClientKey{Account: "north", ID: "bella"}, ClientEpoch: 1, ClientLogins: -1,
		Viewer: "adam", ViewerEpoch: 1, Proof: adam.Proof(), Session: adam.Session(),
		CreatedAt: start(), LinkUntil: start().Add(time.Minute), ExpiresAt: start().Add(30 * time.Minute),
	}, v.ViewAsState)
	require.Equal(t, token.Hash{}, v.Link)
	stored := g.row(v.ID)
	require.NotEqual(t, token.Hash{}, stored.Link)
	v.Link = stored.Link
	require.Equal(t, v, stored)

	g.clock.Add(59 * time.Second)
	secret, seen := g.open(link)
	require.Regexp(t, `^cvas_[A-Z2-7]{52}$`, secret)
	require.Equal(t, must(g.views.Viewed(ctx, secret))(t), seen)
	require.Equal(t, []any{
		v.ID, accounts.UserID("adam"), "Adam", accounts.AccountID("north"), "Northlight", accounts.ClientID("bella"), "Bella Brown",
		true, start().Add(30 * time.Minute),
	}, []any{seen.ID, seen.Viewer, seen.ViewerName, seen.Account, seen.AccountName, seen.Client, seen.ClientName, seen.ReadOnly, seen.ExpiresAt})
	require.Equal(t, []accounts.SiteGrant{
		{Site: "blog", Name: "The blog"}, {Site: "shop", Name: "The shop", Permissions: []roles.Permission{"STATS_TAB", "PUBLISH"}},
	}, seen.Sites())
	require.Empty(t, g.calls(func() {
		require.True(t, seen.CanSite("shop", "PUBLISH"))
		require.False(t, seen.CanSite("shop", "BLOG"))
		require.False(t, seen.CanSite("blog", "STATS_TAB"))
		require.False(t, seen.CanSite("old", "STATS_TAB"))
	}))
	seen.Sites()[1].Permissions[0] = "BLOG"
	require.False(t, seen.CanSite("shop", "BLOG"), "what is handed out is a copy")
	stored = g.row(seen.ID)
	require.Equal(t, "Firefox", stored.UserAgent)
	require.Equal(t, "192.0.2.7", stored.Source)
	require.Equal(t, []string{"Viewing"}, g.calls(func() { must(g.views.Viewed(ctx, secret))(t) }), "one statement, and no write")

	require.Equal(t, accounts.UserID(""), seen.Actor().User())
	require.Equal(t, "adam bella", fmt.Sprint(seen.Actor().By().User, " ", seen.Actor().By().Client))
	require.NoError(t, g.try(own, "north"), "the viewer's own session goes on")
	require.ErrorIs(t, g.try(secret, "north"), access.ErrNoSession, "and the view is none")
	require.Len(t, must(g.sessions.List(ctx, adam, "adam", access.SessionPage{}))(t), 1)

	require.NoError(t, g.views.Stop(ctx, secret))
	g.dead(secret, "it was stopped")
	require.NoError(t, g.views.Stop(ctx, secret), "once more changes nothing")
	var kinds []accounts.EventKind
	for _, e := range g.since(was) {
		kinds = append(kinds, e.Kind)
		require.Equal(t, []any{accounts.AccountID("north"), accounts.ClientID("bella"), seen.ID}, []any{e.Account, e.Client, e.View})
		require.Equal(t, []any{accounts.UserID("adam"), adam.Session()}, []any{e.By.User, e.By.Session})
		if e.Kind != access.EventViewStarted {
			require.Equal(t, accounts.ClientID("bella"), e.By.Client)
		}
	}
	require.Equal(t, []accounts.EventKind{access.EventViewStarted, access.EventViewOpened, access.EventViewEnded}, kinds)
	audit := must(g.svc.Events(ctx, adam, accounts.EventQuery{Account: "north", Kinds: []accounts.EventKind{access.EventViewStarted}}))(t)
	require.Len(t, audit, 1, "the audit lists views")
}

// What a view may do is what the client and the viewer both may at this moment:
// a permission that either loses or gets works at the next question (A67, I-17).
func TestViewed_rightsNow(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	secret, _ := g.viewing("bella")
	can := func(site accounts.SiteID, p roles.Permission) bool {
		return must(g.views.Viewed(t.Context(), secret))(t).CanSite(site, p)
	}
	require.True(t, can("shop", "PUBLISH"))
	g.give("bella", "shop", "STATS_TAB")
	require.False(t, can("shop", "PUBLISH"))
	require.True(t, can("shop", "STATS_TAB"))
	g.give("bella", "blog", "BLOG")
	require.True(t, can("blog", "BLOG"))
	must(g.clients.Unassign(t.Context(), g.as("mia", "north"), accounts.SiteAccessKey{Account: "north", Client: "bella", Site: "blog"}))(t)
	require.False(t, can("blog", "BLOG"))
	require.NoError(t, g.clients.RemoveSite(t.Context(), job, accounts.SiteKey{Account: "north", ID: "shop"}))
	require.False(t, can("shop", "STATS_TAB"))
	require.Empty(t, must(g.views.Viewed(t.Context(), secret))(t).Sites())
}

// Who views but does not manage the account's clients could do nothing on the
// sites themselves, and so can do nothing there in a view (A67, I-17).
func TestViewed_viewerWithoutSites(t *testing.T) {
	t.Parallel()
	// A ladder that lets Authors view, below those who manage clients.
	g := newGallery(t, func(o *accounts.EnvOptions) { o.Ladder = lookers(t) })
	link, _ := g.start(g.as("vic", "north"), as("north", "bella"))
	secret, v := g.open(link)
	require.Len(t, v.Sites(), 2)
	require.False(t, v.CanSite("shop", "STATS_TAB"))
	require.NoError(t, g.svc.ChangeRole(t.Context(), g.as("ann", "north"), "north", "vic", roles.Manager))
	require.True(t, must(g.views.Viewed(t.Context(), secret))(t).CanSite("shop", "STATS_TAB"))
}

// A right to view that was lost and given back does not bring the view back, on
// any ladder (A70).
func TestViewed_rightLostForAMoment(t *testing.T) {
	t.Parallel()
	g := newGallery(t, func(o *accounts.EnvOptions) { o.Ladder = lookers(t) })
	link, _ := g.start(g.as("vic", "north"), as("north", "bella"))
	secret, _ := g.open(link)
	for _, role := range []roles.Role{roles.Viewer, roles.Author} {
		require.NoError(t, g.svc.ChangeRole(t.Context(), g.as("ann", "north"), "north", "vic", role))
		_, err := g.views.Viewed(t.Context(), secret)
		require.ErrorIs(t, err, access.ErrNoSession, role)
	}
}

// lookers is the standard ladder, but that Authors view as clients.
func lookers(t tester) *roles.Ladder {
	t.Helper()
	return must(roles.New(
		roles.Level{Role: roles.Viewer, Permissions: []roles.Permission{roles.SeeAccount}},
		roles.Level{Role: roles.Author, DirectOnly: []roles.Permission{roles.ViewAs}},
		roles.Level{Role: roles.Manager, Permissions: []roles.Permission{roles.AssignColleagues}, DirectOnly: []roles.Permission{roles.ManageRequests, roles.ManageClients}},
		roles.Level{Role: roles.Admin, DirectOnly: []roles.Permission{
			roles.ManageMembers, roles.ManageProgramme, roles.DecideRequests, roles.ManageConnections, roles.AssignAnyone, roles.EndClients, roles.ReadAudit,
		}},
		roles.Level{Role: roles.Owner, DirectOnly: []roles.Permission{roles.GrantOwner, roles.TransferOwnership, roles.CloseAccount}},
	))(t)
}

// A view is to look only unless it was asked for otherwise.
func TestViews_Start_writes(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	in := as("north", "bella")
	in.Writes = true
	link, v := g.start(g.as("adam", "north"), in)
	require.True(t, v.Writes)
	_, seen := g.open(link)
	require.False(t, seen.ReadOnly)
	_, seen = g.viewing("bella")
	require.True(t, seen.ReadOnly)
}

// refusedStarts are whom nobody views as, and who does not view.
func refusedStarts() []struct {
	name   string
	actor  func(g *gallery) accounts.Actor
	in     access.StartView
	want   error
	record string // how the refusal is recorded; "": it is not
} {
	by := func(user accounts.UserID, account accounts.AccountID) func(*gallery) accounts.Actor {
		return func(g *gallery) accounts.Actor { return g.as(user, account) }
	}
	adam, bella := by("adam", "north"), as("north", "bella")
	return []struct {
		name   string
		actor  func(g *gallery) accounts.Actor
		in     access.StartView
		want   error
		record string
	}{
		{"a client who is suspended", adam, as("north", "stan"), roles.ErrDenied, accounts.RefusedDenied},
		{"a client who was deleted", adam, as("north", "dora"), accounts.ErrNotFound, ""},
		{"a client who never was", adam, as("north", "nobody"), accounts.ErrNotFound, ""},
		{"a client of another account, there", adam, as("south", "bella"), accounts.ErrInvalid, ""},
		{
			"a client of another account, from no account", func(g *gallery) accounts.Actor { return g.self(g.login("adam")) },
			as("south", "bella"), accounts.ErrNotFound, accounts.RefusedOutsider,
		},
		{
			"a client of an account that is not there", func(g *gallery) accounts.Actor { return g.self(g.login("adam")) },
			as("nowhere", "bella"), accounts.ErrNotFound, "",
		},
		{"a user who is no client", adam, as("north", "mia"), accounts.ErrNotFound, ""},
		{"no id", adam, as("north", "no id"), accounts.ErrInvalid, ""},
		{"no account", adam, as("", "bella"), accounts.ErrInvalid, ""},
		{"themselves", func(g *gallery) accounts.Actor {
			g.change("north", "bella", func(c *accounts.Client) { c.User = "adam" })
			return g.as("adam", "north")
		}, bella, roles.ErrDenied, accounts.RefusedDenied},
		{"a client whose user is suspended everywhere", func(g *gallery) accounts.Actor {
			require.NoError(g, g.svc.SuspendUser(g.Context(), operator, "bruno"))
			return g.as("adam", "north")
		}, as("north", "bruno"), roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by a Manager", by("mia", "north"), bella, roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by an Author", by("vic", "north"), bella, roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by another client", by("bruno", "north"), bella, roles.ErrDenied, accounts.RefusedDenied},
		{"bruno, by bruno", by("bruno", "north"), as("north", "bruno"), roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by a job", func(*gallery) accounts.Actor { return job }, bella, roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by an operator", func(*gallery) accounts.Actor { return operator }, bella, roles.ErrDenied, accounts.RefusedDenied},
		{"bella, by nobody", func(*gallery) accounts.Actor { return accounts.Actor{} }, bella, roles.ErrDenied, ""},
		{"bella, out of a view", func(g *gallery) accounts.Actor {
			_, v := g.viewing("bruno")
			return v.Actor()
		}, bella, roles.ErrDenied, accounts.RefusedViewing},
		{"bella, by a login 10 minutes ago", func(g *gallery) accounts.Actor {
			a := g.as("adam", "north")
			g.clock.Add(10 * time.Minute)
			return a
		}, bella, accounts.ErrStepUp, ""},
		{"bella, by a mailed link", func(g *gallery) accounts.Actor {
			secret, _, err := g.sessions.Start(g.Context(), accounts.Login{User: "adam", ByLink: true}, access.Device{})
			require.NoError(g, err)
			return g.principal(secret.Reveal(), "north").Actor()
		}, bella, accounts.ErrStepUp, ""},
		{"bella, by a login that was ended", func(g *gallery) accounts.Actor {
			a := g.as("adam", "north")
			require.NoError(g, g.sessions.EndAll(g.Context(), a, "adam"))
			return a
		}, bella, accounts.ErrStepUp, ""},
		{"bella, without the code", func(g *gallery) accounts.Actor {
			g.confirmed("adam")
			return g.as("adam", "north")
		}, bella, accounts.ErrStepUp, ""},
		{"a client of a delegate's", func(g *gallery) accounts.Actor {
			g.connect("rose", roles.Admin)
			g.put(access.Change{Change: accounts.Change{Clients: []accounts.Client{{
				ClientState: accounts.ClientState{ClientKey: accounts.ClientKey{Account: "rose", ID: "r"}, Epoch: 1}, Email: "r@client.example",
			}}}})
			return g.as("mia", "rose")
		}, as("rose", "r"), roles.ErrDenied, accounts.RefusedDenied},
	}
}

// Nobody views as themselves, as a client who is suspended, deleted or somebody
// else's, out of a view, with a role that is too low or through an agency, nor
// without a fresh login: it changes nothing but the record of the refusal, which
// names who it was (A32, A36, A66, A68, A105).
func TestViews_Start_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedStarts() {
		t.Run("views as "+tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGallery(t)
			a := tt.actor(g)
			was := len(g.events())
			link, v, err := g.views.Start(t.Context(), a, tt.in)
			require.ErrorIs(t, err, tt.want)
			require.True(t, link.IsZero())
			require.Equal(t, access.ViewAs{}, v)
			var recorded []string
			for _, e := range g.since(was) {
				require.Equal(t, access.EventViewStarted, e.Action)
				require.Equal(t, a.By(), e.By)
				recorded = append(recorded, string(e.Account)+" "+e.Refusal)
			}
			if tt.record == "" {
				require.Empty(t, recorded)
			} else {
				require.Equal(t, []string{string(tt.in.Account) + " " + tt.record}, recorded)
			}
		})
	}
}

// With identity confirmation on, a view wants a code for exactly that, which it
// uses up; without, a login younger than 10 minutes.
func TestViews_Start_code(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	g.confirmed("adam")
	adam := g.as("adam", "north")
	g.clock.Add(10 * time.Minute)
	_, _, err := g.views.Start(t.Context(), adam, as("north", "bella"))
	ask := g.wants(err, access.EventViewStarted, "north")
	g.pass(adam, ask)
	link, _ := g.start(adam, as("north", "bella"))
	g.open(link)
	_, _, err = g.views.Start(t.Context(), adam, as("north", "bella"))
	g.wants(err, access.EventViewStarted, "north")

	g.pass(adam, ask)
	_, _, err = g.views.Start(t.Context(), adam, as("north", "stan"))
	require.ErrorIs(t, err, roles.ErrDenied)
	g.start(adam, as("north", "bella")) // a code is not spent on what is refused
}

// A link opens its view once, within 60 seconds, exactly; and what is no link,
// or one for something else, is the same answer and changes nothing (A01, A02,
// A05, A09, A10).
func TestViews_Open(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	adam := g.as("adam", "north")
	link, v := g.start(adam, as("north", "bella"))
	other, _ := g.start(adam, as("north", "bruno"))
	g.clock.Add(time.Minute - time.Microsecond)
	secret, _ := g.open(link)
	bruno := g.login("bruno")
	was := g.hung()
	g.unopened(link, "a second time")
	g.clock.Add(time.Microsecond)
	g.unopened(other, "at 60 seconds")
	for _, bad := range []string{
		"", "cvwl_", link[:len(link)-1], link + "A", "cvas_" + link[5:], "cses_" + link[5:], "cset_" + link[5:], "\x00",
		link[:len(link)-1] + map[bool]string{true: "B", false: "A"}[link[len(link)-1] == 'A'],
		string(make([]byte, 1<<20)), string(v.ID), bruno,
	} {
		g.unopened(bad)
		g.dead(bad)
		require.ErrorIs(t, g.views.Stop(t.Context(), bad), access.ErrNoSession)
	}
	g.unopened(secret, "a secret is no link")
	g.dead(link, "and a link no secret")
	require.NoError(t, g.viewed(secret))
	require.Equal(t, was, g.hung(), "and nothing changed")
}

// A view ends 30 minutes after it was started, exactly, however much it is used,
// and with the viewer's own session if that is sooner; using it keeps nothing
// alive (A62, I-16, I-34).
func TestViewed_time(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	secret, _ := g.viewing("bella")
	for range 29 {
		g.clock.Add(time.Minute)
		require.NoError(t, g.viewed(secret))
	}
	g.clock.Add(time.Minute - time.Microsecond)
	require.NoError(t, g.viewed(secret))
	g.clock.Add(time.Microsecond)
	g.dead(secret)
	g.clock.Add(-time.Microsecond)
	require.NoError(t, g.viewed(secret), "nothing but the clock ended it")

	h := newGallery(t, func(o *accounts.EnvOptions) { o.Limits.SessionTTL = 20 * time.Minute })
	own := h.login("adam")
	h.clock.Add(5 * time.Minute)
	link, _ := h.start(h.principal(own, "north").Actor(), as("north", "bella"))
	secret, v := h.open(link)
	require.Equal(t, start().Add(20*time.Minute), v.ExpiresAt)
	h.clock.Add(15*time.Minute - time.Microsecond)
	require.NoError(t, h.viewed(secret))
	h.clock.Add(time.Microsecond)
	h.dead(secret)
}
