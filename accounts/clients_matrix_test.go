package accounts_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// recordActs are the operations on client records and sites of acme.
func recordActs() []act {
	name := "Renamed"
	key := record("acme", "rec")
	on := func(f func(*accounts.Clients, context.Context, accounts.Actor, accounts.ClientKey) error, key accounts.ClientKey) func(context.Context, *world, accounts.Actor) error {
		return func(ctx context.Context, w *world, a accounts.Actor) error { return f(w.recs, ctx, a, key) }
	}
	return []act{
		{method: "Create", what: "make a client of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Create(ctx, a, accounts.CreateClient{
				Account: "acme", FirstName: "N", LastName: "N", Email: "n@else.example", Sites: []accounts.SiteChoice{choice("one", "SEO")}, Key: "k",
			}))
		}},
		{method: "Create", what: "make a client of an account that there is not", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Create(ctx, a, accounts.CreateClient{Account: "nowhere", FirstName: "N", LastName: "N", Email: "n@else.example"}))
		}},
		{method: "Edit", what: "edit a client", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Edit(ctx, a, accounts.EditClient{ClientKey: key, FirstName: &name}))
		}},
		{method: "Edit", what: "edit a client that there is not", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Edit(ctx, a, accounts.EditClient{ClientKey: record("acme", "nobody"), FirstName: &name}))
		}},
		{method: "Client", what: "read a client", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Client(ctx, a, key))
		}},
		{method: "Client", what: "read the record of oneself", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Client(ctx, a, record("acme", "mine")))
		}},
		{method: "List", what: "list acme's clients", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.List(ctx, a, "acme", accounts.ClientPage{}))
		}},
		{method: "Export", what: "export acme's clients", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			var b bytes.Buffer
			err := w.recs.Export(ctx, a, accounts.ExportClients{Account: "acme"}, &b)
			if err != nil {
				require.Empty(w.t, b.String(), "whoever is refused gets no line")
			}
			return err
		}},
		{method: "Suspend", what: "suspend a client", run: on((*accounts.Clients).Suspend, key)},
		{method: "Suspend", what: "suspend a client that there is not", run: on((*accounts.Clients).Suspend, record("acme", "nobody"))},
		{method: "Reactivate", what: "reactivate a client", run: on((*accounts.Clients).Reactivate, key), given: func(w *world) {
			c := w.recording("acme", "rec", "").Client
			c.SuspendedAt = start
			w.put(c)
		}},
		{method: "Delete", what: "delete a client", run: on((*accounts.Clients).Delete, key)},
		{method: "CreateSite", what: "make a site of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.CreateSite(ctx, a, accounts.CreateSite{Account: "acme", Name: "New"}))
		}},
		{method: "PutSite", what: "keep a site of acme in step", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.PutSite(ctx, a, accounts.PutSite{Account: "acme", ID: "one", Name: "New"}))
		}},
		{method: "PutSite", what: "keep a site of an account that there is not", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.PutSite(ctx, a, accounts.PutSite{Account: "nowhere", ID: "one", Name: "New"}))
		}},
		{method: "RemoveSite", what: "remove a site of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.recs.RemoveSite(ctx, a, accounts.SiteKey{Account: "acme", ID: "one"})
		}},
		{method: "Sites", what: "list acme's sites", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Sites(ctx, a, "acme", accounts.SitePage{}))
		}},
		{method: "Assign", what: "give a client a site", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Assign(ctx, a, accounts.AssignSite{ClientKey: key, SiteChoice: choice("two", "SEO")}))
		}},
		{method: "Assign", what: "give oneself more on a site", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Assign(ctx, a, accounts.AssignSite{ClientKey: record("acme", "mine"), SiteChoice: choice("one", "SEO")}))
		}},
		{method: "Unassign", what: "take a site away from a client", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.recs.Unassign(ctx, a, mayOn("acme", "rec", "one").SiteAccessKey))
		}},
	}
}

// Who may do what with client records and sites is exactly the table that
// everybody can read, denied unless it says otherwise: neither delegates nor
// clients may do anything, and whoever views as a client is refused everything,
// on record. An operation without a row fails (A32, A36, A52, A68, A105).
func TestClients_matrix(t *testing.T) {
	t.Parallel()

	x := newTable(
		"Who may do what with accounts.Clients, in the account acme. The people are those of operations.golden.",
		"on record: the refusal is in the audit. step-up: after another login. code: after a code for this act.",
	)
	for _, act := range recordActs() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range relations() {
				w := matrixWorld(t)
				w.put(site("acme", "one"), site("acme", "two"), client("acme", "rec"), mayOn("acme", "rec", "one", "BLOG"))
				w.put(r.rows...)
				if act.given != nil {
					act.given(w)
				}
				got := outcome(w, act.run(t.Context(), w, r.actor(w)))
				if strings.HasPrefix(r.name, "viewing") {
					require.Equal(t, "denied, on record", got, "%s: whoever views only looks", act.what)
					e := w.feed()[0]
					require.Equal(t, []any{accounts.UserID("me"), accounts.ClientID("seen"), accounts.SessionID("session-me"), accounts.AccountID("acme"), accounts.RefusedViewing},
						[]any{e.By.User, e.By.Client, e.By.Session, e.Account, e.Refusal}, "both people are in it (A69)")
				}
				tell(r.name, got)
			}
		})
	}
	x.check(t, "clients.golden")
	x.covers(t, reflect.TypeFor[*accounts.Clients]())
}

// Somebody who views as a client is refused by every other service and helper of
// the package too, on record, whoever they would be without it (A68, A69, I-17).
func TestViewing_refusedEverywhere(t *testing.T) {
	t.Parallel()

	viewing := accounts.Viewing("abe", "session-abe", "studio", "in")
	require.Equal(t, []any{accounts.UserID(""), true, false}, []any{viewing.User(), viewing.Known(), viewing.IsHost()})
	require.Equal(t, accounts.By{User: "abe", Session: "session-abe", Client: "in", RequestID: "r"}, viewing.WithRequestID("r").By())
	for name, call := range map[string]func(ctx context.Context, w *world) error{
		"Desk.Mails": func(ctx context.Context, w *world) error {
			d, err := accounts.NewDesk(w.st, w.env)
			require.NoError(w.t, err)
			return ignore(d.Mails(ctx, viewing, mail.Query{}))
		},
		"Desk.Requeue": func(ctx context.Context, w *world) error {
			d, err := accounts.NewDesk(w.st, w.env)
			require.NoError(w.t, err)
			return d.Requeue(ctx, viewing, "mail")
		},
		"Desk.Bounced":                func(ctx context.Context, w *world) error { return w.desk().Bounced(ctx, viewing, "mail", "why") },
		"Service.User, of the viewer": func(ctx context.Context, w *world) error { return ignore(w.svc.User(ctx, viewing, "abe")) },
		"Service.Reach, of the client": func(ctx context.Context, w *world) error {
			return ignore(w.svc.Reach(ctx, viewing, "carl", accounts.ReachPage{}))
		},
		"Service.Explain, of the viewer": func(ctx context.Context, w *world) error {
			return ignore(w.svc.Explain(ctx, viewing, accounts.StandingKey{User: "abe", Account: "studio"}))
		},
		"Service.Leave": func(ctx context.Context, w *world) error { return w.svc.Leave(ctx, viewing, "studio") },
		"Service.UpdateUser, of the viewer": func(ctx context.Context, w *world) error {
			return ignore(w.svc.UpdateUser(ctx, viewing, accounts.UpdateUser{ID: "abe"}))
		},
		"Service.EraseUser, of the client": func(ctx context.Context, w *world) error { return w.svc.EraseUser(ctx, viewing, "carl") },
		"Service.CreateAccount": func(ctx context.Context, w *world) error {
			return ignore(w.svc.CreateAccount(ctx, viewing, accounts.CreateAccount{Name: "N"}))
		},
		"Service.Account, of another account": func(ctx context.Context, w *world) error { return ignore(w.svc.Account(ctx, viewing, "rival")) },
		"Self": func(ctx context.Context, w *world) error {
			op := w.env.Begin(viewing)
			return accounts.Run(ctx, w.env, w.st, op, "self", func(ctx context.Context) (func(context.Context) error, error) {
				return nil, ignore(accounts.Self(ctx, w.st, viewing))
			})
		},
		"RefuseViewing": func(ctx context.Context, w *world) error {
			return accounts.RefuseViewing(ctx, w.env, w.st, viewing, "reading")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := studio(t)
			before := w.records("studio")
			require.Equal(t, "denied, on record", outcome(w, call(t.Context(), w)))
			e := w.feed()[0]
			require.Equal(t, []any{accounts.RefusedViewing, accounts.AccountID("studio"), accounts.UserID("abe"), accounts.ClientID("in")},
				[]any{e.Refusal, e.Account, e.By.User, e.By.Client})
			require.Equal(t, before, strings.Replace(w.records("studio"), fmt.Sprintf("%+v", w.feed()), "[]", 1), "and nothing else happened")
		})
	}
	w := studio(t)
	for _, actor := range []accounts.Actor{w.as("abe"), job(), staff(), {}} {
		require.NoError(t, accounts.RefuseViewing(t.Context(), w.env, w.st, actor, "reading"), "nobody else is refused")
	}
	op := w.env.Begin(viewing)
	for _, p := range []error{
		op.May(w.standing("abe", "studio"), "clients.view-as"), op.Self(user("abe").UserState), op.SelfOrHost(user("abe").UserState), op.Self(accounts.UserState{}),
	} {
		require.Error(t, p, "the decisions refuse it themselves")
	}
	require.Error(t, op.Fresh(user("abe").UserState, "any", "studio"), "a view is no login")
}
