package access_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// viewerActors are everybody who could want to view as a client of Northlight,
// or to end a view.
func viewerActors() []struct {
	name string
	make func(g *gallery) accounts.Actor
} {
	by := func(user accounts.UserID, account accounts.AccountID) func(*gallery) accounts.Actor {
		return func(g *gallery) accounts.Actor { return g.as(user, account) }
	}
	is := func(a accounts.Actor) func(*gallery) accounts.Actor {
		return func(*gallery) accounts.Actor { return a }
	}
	return []struct {
		name string
		make func(g *gallery) accounts.Actor
	}{
		{"Owner", by("ann", "north")},
		{"Admin", by("adam", "north")},
		{"Admin, admitted to no account", by("adam", "")},
		{"Admin, with a session of the host's", func(g *gallery) accounts.Actor { return g.own("adam", "north") }},
		{"Admin, logged in 10 minutes ago", func(g *gallery) accounts.Actor {
			a := g.as("adam", "north")
			g.clock.Add(10 * time.Minute)
			return a
		}},
		{"Admin with identity confirmation on, and no code", func(g *gallery) accounts.Actor {
			g.confirmed("adam")
			return g.as("adam", "north")
		}},
		{"Admin of an ended epoch", func(g *gallery) accounts.Actor {
			a := g.as("adam", "north")
			require.NoError(g, g.sessions.EndAll(g.Context(), a, "adam"))
			return a
		}},
		{"Admin, suspended here", func(g *gallery) accounts.Actor {
			a := g.as("adam", "north")
			require.NoError(g, g.svc.SuspendMember(g.Context(), g.as("ann", "north"), "north", "adam"))
			return a
		}},
		{"Manager", by("mia", "north")},
		{"Author", by("vic", "north")},
		{"client", by("bruno", "north")},
		{"Admin as a delegate", func(g *gallery) accounts.Actor {
			now := g.env.Now()
			conn := accounts.ConnectionKey{Client: "north", Agency: "south"}
			g.put(access.Change{Change: accounts.Change{
				Connections: []accounts.Connection{{ConnectionKey: conn, ConnectionState: accounts.ConnectionState{
					Cap: roles.Admin, Epoch: 1, AgencyEpoch: must(g.mem.Account(g.Context(), "south"))(g).Epoch,
				}, CreatedAt: now, UpdatedAt: now}},
				Assignments: []accounts.Assignment{{ConnectionKey: conn, User: "sue", AssignmentState: accounts.AssignmentState{
					Role: roles.Admin, ConnectionEpoch: 1, MemberEpoch: 1,
				}, CreatedAt: now, UpdatedAt: now}},
			}})
			return g.as("sue", "north")
		}},
		{"stranger", by("eve", "")},
		{"stranger, admitted to another account", by("eve", "elm")},
		{"whoever views as a client", func(g *gallery) accounts.Actor {
			_, v := g.viewing("bruno")
			return v.Actor()
		}},
		{"job", is(job)},
		{"operator", is(operator)},
		{"nobody", is(accounts.Actor{})},
	}
}

// viewActs are the methods of access.Views that somebody acts by.
func viewActs() []struct {
	method, what string
	run          func(g *gallery, a accounts.Actor, v accounts.ViewID) error
} {
	start := func(in access.StartView) func(*gallery, accounts.Actor, accounts.ViewID) error {
		return func(g *gallery, a accounts.Actor, _ accounts.ViewID) error {
			link, v, err := g.views.Start(g.Context(), a, in)
			if err != nil {
				require.True(g, link.IsZero())
				require.Equal(g, access.ViewAs{}, v)
			}
			return err
		}
	}
	return []struct {
		method, what string
		run          func(g *gallery, a accounts.Actor, v accounts.ViewID) error
	}{
		{"Start", "view as a client who never came in", start(as("north", "bella"))},
		{"Start", "view as a client who came in", start(as("north", "bruno"))},
		{"Start", "view as a client who is suspended", start(as("north", "stan"))},
		{"Start", "view as a client who was deleted", start(as("north", "dora"))},
		{"Start", "view as a client who never was", start(as("north", "nobody"))},
		{"Start", "view as a client of Southbank", start(as("south", "bella"))},
		{"End", "end a view of ann's", func(g *gallery, a accounts.Actor, v accounts.ViewID) error {
			return g.views.End(g.Context(), a, "north", v)
		}},
		{"End", "end a view that is not there", func(g *gallery, a accounts.Actor, _ accounts.ViewID) error {
			return g.views.End(g.Context(), a, "north", "id-unknown")
		}},
		{"End", "end a view of Northlight at Southbank", func(g *gallery, a accounts.Actor, v accounts.ViewID) error {
			return g.views.End(g.Context(), a, "south", v)
		}},
	}
}

// Who may view as whom, and who may end a view, is exactly the table that
// everybody can read, with what each call wrote. A method without a row fails, and
// so does one that asks for no actor and is not listed (A32, A36, A66, A105).
func TestViews_matrix(t *testing.T) {
	t.Parallel()
	x := newTable(
		"Who may do what with access.Views, at Northlight. In parentheses: the events that the call wrote.",
	)
	for _, act := range viewActs() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, actor := range viewerActors() {
				g := newGallery(t)
				_, v := g.start(g.as("ann", "north"), as("north", "bella"))
				a := actor.make(g)
				was := len(g.events())
				got := ended(act.run(g, a, v.ID))
				var also []string
				for _, e := range g.since(was) {
					also = append(also, strings.TrimSuffix(fmt.Sprintf("%s %s", e.Kind, e.Refusal), " "))
				}
				if len(also) > 0 {
					got += " (" + strings.Join(also, ", ") + ")"
				}
				tell(actor.name, got)
			}
		})
	}
	x.check(t, "views.golden")

	free := map[string]string{"Open": "the link", "Viewed": "the view's secret", "Stop": "the view's secret", "With": "the host"}
	x.coversActors(t, reflect.TypeFor[*access.Views](), free)
}

// eachMethod tells the methods of a service, and which of them ask for an actor.
func eachMethod(service reflect.Type, tell func(name string, acts bool)) {
	actor := reflect.TypeFor[accounts.Actor]()
	for i := range service.NumMethod() {
		m := service.Method(i)
		acts := false
		for j := range m.Type.NumIn() {
			acts = acts || m.Type.In(j) == actor
		}
		tell(m.Name, acts)
	}
}

// asViewer calls each method of this package that asks for an actor, in a way in
// which the viewer themselves, or somebody else, would be allowed to.
func asViewer(g *gallery, page string) map[string]func(a accounts.Actor) error {
	ctx := g.Context()
	request := g.send("carl@example.com")
	proof := func() string { return "cprf_" + strings.Repeat("A", 52) }
	return map[string]func(a accounts.Actor) error{
		"Requests.Send": func(a accounts.Actor) error {
			return refuses(g.requests.Send(ctx, a, access.Batch{Agency: "north", Addresses: "x@example.com", Key: "key"}))
		},
		"Requests.Preview": func(a accounts.Actor) error {
			return refuses(g.requests.Preview(ctx, a, access.Batch{Agency: "north", Addresses: "x@example.com"}))
		},
		"Requests.Resend": func(a accounts.Actor) error {
			return g.requests.Resend(ctx, a, access.Resend{Agency: "north", Request: request, Key: "key"})
		},
		"Requests.Withdraw": func(a accounts.Actor) error { return g.requests.Withdraw(ctx, a, "north", request) },
		"Requests.Clients": func(a accounts.Actor) error {
			return refuses(g.requests.Clients(ctx, a, "north", access.ClientPage{}))
		},
		"Requests.Progress": func(a accounts.Actor) error { return refuses(g.requests.Progress(ctx, a, "north", request)) },
		"Requests.Approve": func(a accounts.Actor) error {
			return refuses(g.requests.Approve(ctx, a, byID(request, "willow"), roles.Viewer))
		},
		"Requests.Decline": func(a accounts.Actor) error { return g.requests.Decline(ctx, a, byID(request, "willow"), "") },
		"Requests.Addressed": func(a accounts.Actor) error {
			return refuses(g.requests.Addressed(ctx, a))
		},
		"Requests.PlanDisableClientAccess": func(a accounts.Actor) error {
			return refuses(g.requests.PlanDisableClientAccess(ctx, a, "north"))
		},
		"Requests.DisableClientAccess": func(a accounts.Actor) error { return g.requests.DisableClientAccess(ctx, a, "north", "") },
		"Sessions.Chooser":             func(a accounts.Actor) error { return refuses(g.sessions.Chooser(ctx, a, access.ChoicePage{})) },
		"Sessions.List": func(a accounts.Actor) error {
			return refuses(g.sessions.List(ctx, a, "adam", access.SessionPage{}))
		},
		"Sessions.End":    func(a accounts.Actor) error { return g.sessions.End(ctx, a, a.Session()) },
		"Sessions.EndAll": func(a accounts.Actor) error { return g.sessions.EndAll(ctx, a, "adam") },
		"Logins.Lift":     func(a accounts.Actor) error { return g.logins.Lift(ctx, a, "x@example.com") },
		"Logins.Block":    func(a accounts.Actor) error { return refuses(g.logins.Block(ctx, a, "x@example.com")) },
		"Logins.Methods":  func(a accounts.Actor) error { return refuses(g.logins.Methods(ctx, a, "adam")) },
		"Logins.AskProof": func(a accounts.Actor) error { return g.logins.AskProof(ctx, a) },
		"Logins.Prove":    func(a accounts.Actor) error { return g.logins.Prove(ctx, a, proof()) },
		"Logins.AskAddress": func(a accounts.Actor) error {
			return g.logins.AskAddress(ctx, a, "new@example.com")
		},
		"Logins.ConfirmAddress": func(a accounts.Actor) error {
			return g.logins.ConfirmAddress(ctx, a, "cadr_"+proof()[5:])
		},
		"Logins.ChangePassword": func(a accounts.Actor) error {
			return refuses(g.logins.ChangePassword(ctx, a, "", others, access.Device{}))
		},
		"Logins.Link": func(a accounts.Actor) error {
			return g.logins.Link(ctx, a, access.HostLogin{Identity: google, Email: "adam@example.com", Verified: true})
		},
		"Logins.Unlink":         func(a accounts.Actor) error { return g.logins.Unlink(ctx, a, google) },
		"Confirmations.TurnOn":  func(a accounts.Actor) error { return refuses(g.conf.TurnOn(ctx, a, phone)) },
		"Confirmations.TurnOff": func(a accounts.Actor) error { return g.conf.TurnOff(ctx, a, "adam") },
		"Confirmations.Ask": func(a accounts.Actor) error {
			return refuses(g.conf.Ask(ctx, a, access.Ask{Action: access.EventViewStarted, Account: "north"}))
		},
		"Confirmations.Answer": func(a accounts.Actor) error {
			return g.conf.Answer(ctx, a, access.Ask{Action: access.EventViewStarted, Account: "north"}, "ccha_"+proof()[5:], "123456")
		},
		"Views.Start": func(a accounts.Actor) error {
			_, _, err := g.views.Start(ctx, a, as("north", "bruno"))
			return err
		},
		"Views.End": func(a accounts.Actor) error { return g.views.End(ctx, a, "north", accounts.ViewID(page)) },
	}
}

// Whoever views as a client is refused by every method of this package that
// takes an actor, whatever they could do themselves, and whatever the client
// could: nothing changes, nothing is told, and one event names both of them. A
// preview alone is not on record, as for anybody (A67, A68, A69, I-17).
func TestViewed_Actor_isRefused(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	_, v := g.viewing("bella")
	calls := asViewer(g, string(v.ID))
	for name, call := range calls {
		was, events := g.hung(), len(g.events())
		err := call(v.Actor())
		require.ErrorIs(t, err, roles.ErrDenied, name)
		require.NotErrorIs(t, err, accounts.ErrNotFound, name)
		var denied *roles.DeniedError
		require.ErrorAs(t, err, &denied, name)
		require.Same(t, denied, err, "%s: the error is the caller's, without a mark", name)
		list := g.since(events)
		if name == "Requests.Preview" {
			require.Empty(t, list)
			continue
		}
		require.Len(t, list, 1, name)
		require.Equal(t, []any{accounts.EventRefused, accounts.RefusedViewing, accounts.AccountID("north")}, []any{list[0].Kind, list[0].Refusal, list[0].Account}, name)
		require.Equal(t, []any{accounts.UserID("adam"), accounts.ClientID("bella")}, []any{list[0].By.User, list[0].By.Client}, name)
		require.NotEmpty(t, list[0].Action, name)
		require.Equal(t, withoutEvents(was), withoutEvents(g.hung()), name)
	}
	require.Zero(t, g.phone.count(), "no code was sent")

	for _, service := range []reflect.Type{
		reflect.TypeFor[*access.Requests](), reflect.TypeFor[*access.Sessions](), reflect.TypeFor[*access.Logins](),
		reflect.TypeFor[*access.Confirmations](), reflect.TypeFor[*access.Views](),
	} {
		eachMethod(service, func(name string, acts bool) {
			if acts {
				require.Contains(t, calls, service.Elem().Name()+"."+name, "a method that was not asked as somebody who views")
			}
		})
	}
}

// withoutEvents is what is stored beside the audit.
func withoutEvents(dump string) string {
	var b strings.Builder
	for line := range strings.Lines(dump) {
		if !strings.HasPrefix(line, "{Op:") {
			b.WriteString(line)
		}
	}
	return b.String()
}
