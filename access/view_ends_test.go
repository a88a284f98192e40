package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// viewEnd is something that a view does not outlive, and how it comes back, if
// it can.
type viewEnd struct {
	name   string
	end    func(g *gallery, own string)
	undo   func(g *gallery)
	pauses bool // it ages nothing: what comes back is as it was
}

func viewEnds() []viewEnd {
	ctx := func(g *gallery) accounts.Actor { return g.as("ann", "north") }
	role := func(to roles.Role) func(g *gallery) {
		return func(g *gallery) { require.NoError(g, g.svc.ChangeRole(g.Context(), ctx(g), "north", "adam", to)) }
	}
	return []viewEnd{
		{name: "the viewer signs out", end: func(g *gallery, own string) { require.NoError(g, g.sessions.SignOut(g.Context(), own)) }},
		{name: "the viewer's session is ended", end: func(g *gallery, own string) {
			require.NoError(g, g.sessions.End(g.Context(), operator, g.self(own).Session()))
		}},
		{name: "the viewer ends all sessions", end: func(g *gallery, own string) {
			require.NoError(g, g.sessions.EndAll(g.Context(), g.self(own), "adam"))
		}, undo: func(g *gallery) { g.login("adam") }},
		{name: "the viewer is suspended everywhere", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.SuspendUser(g.Context(), operator, "adam"))
		}, undo: func(g *gallery) { require.NoError(g, g.svc.ReactivateUser(g.Context(), operator, "adam")) }},
		{name: "the viewer is erased", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.EraseUser(g.Context(), operator, "adam"))
		}},
		{name: "the viewer's role is lowered", end: func(g *gallery, _ string) { role(roles.Manager)(g) }, undo: role(roles.Admin)},
		{name: "the viewer is suspended in the account", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.SuspendMember(g.Context(), ctx(g), "north", "adam"))
		}, undo: func(g *gallery) { require.NoError(g, g.svc.ReactivateMember(g.Context(), ctx(g), "north", "adam")) }},
		{name: "the viewer is removed", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.RemoveMember(g.Context(), ctx(g), "north", "adam"))
		}, undo: func(g *gallery) {
			require.NoError(g, g.svc.AddMember(g.Context(), job, "north", "adam", roles.Admin))
		}},
		{name: "the viewer leaves", end: func(g *gallery, own string) {
			require.NoError(g, g.svc.Leave(g.Context(), g.principal(own, "north").Actor(), "north"))
		}, undo: func(g *gallery) { require.NoError(g, g.svc.AddMember(g.Context(), job, "north", "adam", roles.Admin)) }},
		{name: "the account is closed", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.CloseAccount(g.Context(), ctx(g), "north"))
		}},
		{name: "the account is suspended", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.SuspendAccount(g.Context(), operator, "north"))
		}, undo: func(g *gallery) { require.NoError(g, g.svc.ReactivateAccount(g.Context(), operator, "north")) }, pauses: true},
		{name: "the client is suspended", end: func(g *gallery, _ string) { g.suspend("bruno") }, undo: func(g *gallery) { g.reactivate("bruno") }},
		{name: "the client is deleted", end: func(g *gallery, _ string) { g.remove("bruno") }},
		{name: "the client's record says suspended", end: func(g *gallery, _ string) {
			g.change("north", "bruno", func(c *accounts.Client) { c.SuspendedAt = g.env.Now() })
		}},
		{name: "the client's record says deleted", end: func(g *gallery, _ string) {
			g.change("north", "bruno", func(c *accounts.Client) { c.DeletedAt = g.env.Now() })
		}},
		{name: "the client's record is the viewer's", end: func(g *gallery, _ string) {
			u := g.stored("bruno") // with as many logins, so that nothing else tells
			u.Logins = g.stored("adam").Logins
			row := g.row(g.onlyView())
			row.ClientLogins = u.Logins
			g.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}, Views: []access.ViewAs{row}})
			g.change("north", "bruno", func(c *accounts.Client) { c.User = "adam" })
		}},
		{name: "the client logs in", end: func(g *gallery, _ string) { g.login("bruno") }},
		{name: "the client's user is suspended everywhere", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.SuspendUser(g.Context(), operator, "bruno"))
		}, undo: func(g *gallery) { require.NoError(g, g.svc.ReactivateUser(g.Context(), operator, "bruno")) }},
		{name: "the client's user is erased", end: func(g *gallery, _ string) {
			require.NoError(g, g.svc.EraseUser(g.Context(), operator, "bruno"))
		}},
		{name: "it is ended by a colleague", end: func(g *gallery, _ string) {
			require.NoError(g, g.views.End(g.Context(), ctx(g), "north", g.onlyView()))
		}},
		{name: "it is ended by an operator", end: func(g *gallery, _ string) {
			require.NoError(g, g.views.End(g.Context(), operator, "north", g.onlyView()))
		}},
	}
}

// onlyView is the view of adam's.
func (g *gallery) onlyView() accounts.ViewID {
	g.Helper()
	list := must(g.mem.Held(g.Context(), accounts.HeldQuery{Kind: accounts.HeldView, User: "adam", Limit: 10}))(g)
	require.Len(g, list, 1)
	return list[0].Row.(access.ViewAs).ID
}

// A view, opened or not, ends at once with whatever it rests on: the viewer's
// session, login, membership and right; the account; the client record, and the
// client's own login. Nothing that comes back brings it back, but for an account
// that was paused. Nothing else of the viewer's ends with it (A37, A66, A70, A74,
// I-09, I-16, I-19, I-20).
func TestViewed_ends(t *testing.T) {
	t.Parallel()
	for _, tt := range viewEnds() {
		for _, opened := range []bool{true, false} {
			name := "a link dies when " + tt.name
			if opened {
				name = "a view ends when " + tt.name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newGallery(t)
				own := g.login("adam")
				link, _ := g.start(g.principal(own, "north").Actor(), as("north", "bruno"))
				var secret string
				if opened {
					secret, _ = g.open(link)
				}
				gone := func(why string) {
					t.Helper()
					if opened {
						g.dead(secret, why)
					} else {
						g.unopened(link, why)
					}
				}
				g.clock.Add(time.Second)
				tt.end(g, own)
				gone("at once")
				if tt.undo == nil {
					return
				}
				tt.undo(g)
				if !tt.pauses {
					gone("for good")
				} else if opened {
					require.NoError(t, g.viewed(secret))
				} else {
					g.open(link)
				}
			})
		}
	}
}

// A view as a client who never came in ends when somebody does, whoever it is
// and also before they have logged in here, and when it is the viewer: nobody
// views as themselves. It is so for hosts with sessions of their own (A70).
func TestViewed_firstComing(t *testing.T) {
	t.Parallel()
	for _, user := range []accounts.UserID{"fresh", "cleo", "adam"} {
		g := newGallery(t)
		g.user("fresh")
		secret, _ := g.viewing("bella")
		own := g.own("adam", "north")
		link, v := g.start(own, as("north", "bella"))
		require.Empty(t, v.Session)
		other, _ := g.open(link)
		require.NoError(t, g.viewed(other))
		g.comesIn("bella", user)
		g.dead(secret, user)
		g.dead(other, user)
	}
}

// What another account does with its record of the same person, and what a
// client's site becomes, ends no view (A75).
func TestViewed_goesOn(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	own := g.login("adam")
	link, _ := g.start(g.principal(own, "north").Actor(), as("north", "bruno"))
	secret, _ := g.open(link)
	g.change("south", "bella", func(c *accounts.Client) { c.User, c.SuspendedAt, c.Epoch = "bruno", g.env.Now(), 2 })
	require.NoError(t, g.viewed(secret))
	_, _, err := g.sessions.Switch(t.Context(), own, "north")
	require.NoError(t, err)
	require.NoError(t, g.viewed(secret), "the session goes on with another secret")
	must(g.clients.Edit(t.Context(), g.as("mia", "north"), accounts.EditClient{ClientKey: accounts.ClientKey{Account: "north", ID: "bruno"}, Notes: new(string)}))(t)
	g.give("bruno", "shop")
	require.NoError(t, g.viewed(secret))
	require.NoError(t, g.svc.ChangeRole(t.Context(), g.as("ann", "north"), "north", "adam", roles.Owner))
	require.NoError(t, g.viewed(secret), "a higher role takes nothing away")
}

// A viewer with a session of the host's own: the view ends with all their
// sessions, and is bound to no row (A70).
func TestViewed_ownSessions(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	login := accounts.Login{User: "adam", At: g.env.Now()}
	link, _ := g.start(must(g.sessions.ForUser(t.Context(), login, "north"))(t).Actor(), as("north", "bruno"))
	secret, _ := g.open(link)
	g.clock.Add(29 * time.Minute)
	require.NoError(t, g.viewed(secret))
	require.NoError(t, g.sessions.EndAll(t.Context(), operator, "adam"))
	g.dead(secret)
}

// Who may end a view of an account: whoever may view there, a job and an
// operator. A view of another account is none (A36), and ending it again changes
// nothing.
func TestViews_End(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	secret, v := g.viewing("bella")
	ctx := t.Context()
	g.connect("rose", roles.Admin)
	for _, tt := range []struct {
		name    string
		by      accounts.Actor
		account accounts.AccountID
		view    accounts.ViewID
		want    error
	}{
		{"a Manager", g.as("mia", "north"), "north", v.ID, roles.ErrDenied},
		{"a client", g.as("bruno", "north"), "north", v.ID, roles.ErrDenied},
		{"the view itself", v.Actor(), "north", v.ID, roles.ErrDenied},
		{"an owner of another account, there", g.as("sue", "south"), "south", v.ID, accounts.ErrNotFound},
		{"an owner of another account, here", g.self(g.login("sue")), "north", v.ID, accounts.ErrNotFound},
		{"a delegate", g.as("mia", "rose"), "rose", v.ID, roles.ErrDenied},
		{"an operator, elsewhere", operator, "south", v.ID, accounts.ErrNotFound},
		{"an Admin, of none", g.as("adam", "north"), "north", "nothing", accounts.ErrNotFound},
		{"an Admin, of no id", g.as("adam", "north"), "north", "no id", accounts.ErrInvalid},
		{"an Admin, of no account", g.as("adam", "north"), "", v.ID, accounts.ErrInvalid},
		{"nobody", accounts.Actor{}, "north", v.ID, roles.ErrDenied},
	} {
		require.ErrorIs(t, g.views.End(ctx, tt.by, tt.account, tt.view), tt.want, tt.name)
		require.NoError(t, g.viewed(secret), tt.name)
	}
	require.NoError(t, g.views.End(ctx, job, "north", v.ID))
	g.dead(secret)
	was := len(g.events())
	require.NoError(t, g.views.End(ctx, operator, "north", v.ID))
	require.NoError(t, g.views.Stop(ctx, secret))
	require.Len(t, g.events(), was)
}
