package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// relation is one way in which the user "me" can be tied to the client account
// acme, to which the agencies orbit and nova are connected.
type relation struct {
	name  string
	rows  []any
	actor func(w *world) accounts.Actor
}

func relations() []relation {
	me := func(w *world) accounts.Actor { return w.as("me") }
	direct := func(role roles.Role) relation {
		return relation{string(role), []any{user("me"), member("acme", "me", role)}, me}
	}
	delegate := func(agency string, inAgency, there roles.Role) []any {
		return []any{user("me"), member(agency, "me", inAgency), assignment("acme", agency, "me", there)}
	}
	suspended, former, away := member("acme", "me", roles.Owner), member("acme", "me", roles.Owner), member("orbit", "me", roles.Author)
	suspended.SuspendedAt, former.EndedAt, away.SuspendedAt = start, start, start
	barred := user("me")
	barred.SuspendedAt, barred.Epoch = start, 2
	returned := user("me")
	returned.Epoch = 3
	shut := joined("acme", "mine", "me")
	shut.SuspendedAt = start
	all := []relation{
		direct(roles.Owner), direct(roles.Admin), direct(roles.Manager), direct(roles.Author), direct(roles.Viewer),
		{"owner who logged in 10 minutes ago", []any{user("me"), member("acme", "me", roles.Owner)}, func(w *world) accounts.Actor {
			return admitted("me", w.env.Now().Add(-10*time.Minute))
		}},
		{"owner admitted to another account", []any{user("me"), member("acme", "me", roles.Owner)}, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 1, Proof: accounts.Proof{Login: 1}, AuthAt: w.env.Now(), Account: "elsewhere"})
		}},
		{"owner with a session of an ended epoch", []any{returned, member("acme", "me", roles.Owner)}, me},
		{"owner without a proof", []any{user("me"), member("acme", "me", roles.Owner)}, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 1, AuthAt: w.env.Now()})
		}},
		{"owner with identity confirmation", []any{confirming("me"), member("acme", "me", roles.Owner)}, me},
		{"suspended owner", []any{user("me"), suspended}, me},
		{"former owner", []any{user("me"), former}, me},
		{"owner suspended by an operator", []any{barred, member("acme", "me", roles.Owner)}, me},
	}
	for _, r := range []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer} {
		all = append(all, relation{"delegate " + string(r), delegate("orbit", roles.Author, r), me})
	}
	all = append(all,
		relation{"delegate author, agency manager", delegate("orbit", roles.Manager, roles.Author), me},
		relation{"delegate admin, suspended in the agency", append(delegate("orbit", roles.Author, roles.Admin)[:1], away, assignment("acme", "orbit", "me", roles.Admin)), me},
		relation{"delegate admin of another agency", delegate("nova", roles.Admin, roles.Admin), me})
	for _, r := range []roles.Role{roles.Owner, roles.Admin, roles.Manager, roles.Author, roles.Viewer} {
		all = append(all, relation{"agency " + string(r), []any{user("me"), member("orbit", "me", r)}, me})
	}
	return append(all,
		relation{"client", []any{user("me"), joined("acme", "mine", "me")}, me},
		relation{"suspended client", []any{user("me"), shut}, me},
		relation{"viewing as a client", []any{user("me"), member("acme", "me", roles.Owner), client("acme", "seen")}, func(*world) accounts.Actor {
			return accounts.Viewing("me", "session-me", "acme", "seen")
		}},
		relation{"outsider", []any{user("me")}, me},
		relation{"system", []any{user("me")}, func(*world) accounts.Actor { return job() }},
		relation{"operator", []any{user("me")}, func(*world) accounts.Actor { return staff() }},
		relation{"nobody", []any{user("me")}, func(*world) accounts.Actor { return accounts.Actor{} }})
}

// act is one operation in one situation. Method is that of Service.
type act struct {
	method string
	what   string
	run    func(ctx context.Context, w *world, a accounts.Actor) error
	given  func(w *world)
}

func ignore[T any](_ T, err error) error { return err }

//nolint:maintidx // a table
func acts() []act {
	type (
		do  = func(ctx context.Context, w *world, a accounts.Actor) error
		key = accounts.StandingKey
	)
	role := func(who string, to roles.Role) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ChangeRole(ctx, a, "acme", accounts.UserID(who), to)
		}
	}
	on := func(f func(s *accounts.Service, ctx context.Context, a accounts.Actor, acc accounts.AccountID, u accounts.UserID) error, who string) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return f(w.svc, ctx, a, "acme", accounts.UserID(who))
		}
	}
	at := func(f func(s *accounts.Service, ctx context.Context, a accounts.Actor, acc accounts.AccountID) error, acc string) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return f(w.svc, ctx, a, accounts.AccountID(acc))
		}
	}
	assign := func(who string, to roles.Role) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Assign(ctx, a, accounts.Assign{Agency: "orbit", Client: "acme", User: who, Role: to}))
		}
	}
	unassign := func(who string) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Unassign(ctx, a, accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, who))
		}
	}
	limit := func(to roles.Role) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ChangeCap(ctx, a, accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, to)
		}
	}
	end := func(side accounts.AccountID) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.EndConnection(ctx, a, side, pair("acme", "orbit"))
		}
	}
	explain := func(k key) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Explain(ctx, a, k))
		}
	}
	name := "New name"
	erase := func(who accounts.UserID) do {
		return func(ctx context.Context, w *world, a accounts.Actor) error { return w.svc.EraseUser(ctx, a, who) }
	}
	return []act{
		{method: "PlanErase", what: "ask what erasing oneself would end", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.PlanErase(ctx, a, "me"))
		}},
		{method: "PlanErase", what: "ask what erasing the viewer of acme would end", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.PlanErase(ctx, a, "viewer"))
		}},
		{method: "EraseUser", what: "erase oneself", run: erase("me")},
		{method: "EraseUser", what: "erase the viewer of acme", run: erase("viewer")},
		{method: "EraseUser", what: "erase nobody", run: erase("nobody")},
		{method: "ExportUser", what: "export oneself", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ExportUser(ctx, a, "me", func(accounts.HeldKind, any) error { return nil })
		}},
		{method: "ExportUser", what: "export the viewer of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ExportUser(ctx, a, "viewer", func(accounts.HeldKind, any) error { return nil })
		}},
		{method: "UpdateUser", what: "change what oneself is called", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.UpdateUser(ctx, a, accounts.UpdateUser{ID: "me", Name: &name}))
		}},
		{method: "UpdateUser", what: "change what the viewer of acme is called", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.UpdateUser(ctx, a, accounts.UpdateUser{ID: "viewer", Name: &name}))
		}},
		{method: "ForgetAddress", what: "forget an address that is nobody's login", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ForgetAddress(ctx, a, "stranger@example.com")
		}},
		{method: "Account", what: "read acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Account(ctx, a, "acme"))
		}},
		{method: "Members", what: "list the members of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Members(ctx, a, "acme", accounts.MemberPage{}))
		}},
		{method: "Agencies", what: "list the agencies connected to acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Agencies(ctx, a, "acme", accounts.ConnectionPage{}))
		}},
		{method: "ConnectedClients", what: "list the clients connected to orbit", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.ConnectedClients(ctx, a, "orbit", accounts.ConnectionPage{}))
		}},
		{method: "Colleagues", what: "list, for acme, who of orbit is assigned there", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Colleagues(ctx, a, "acme", pair("acme", "orbit"), "", 0))
		}},
		{method: "Colleagues", what: "list, for orbit, who of orbit is assigned at acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Colleagues(ctx, a, "orbit", pair("acme", "orbit"), "", 0))
		}},
		{method: "Events", what: "read the audit of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Events(ctx, a, accounts.EventQuery{Account: "acme"}))
		}},
		{method: "Events", what: "read the audit of orbit", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Events(ctx, a, accounts.EventQuery{Account: "orbit"}))
		}},
		{method: "Reachers", what: "list who can reach acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Reachers(ctx, a, "acme", "", 0))
		}},
		{method: "Reach", what: "list what a member of acme can enter", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Reach(ctx, a, "viewer", accounts.ReachPage{}))
		}},
		{method: "Reach", what: "list what oneself can enter", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Reach(ctx, a, "me", accounts.ReachPage{}))
		}},
		{method: "Explain", what: "explain a member of acme", run: explain(key{User: "viewer", Account: "acme"})},
		{method: "Explain", what: "explain a stranger to acme", run: explain(key{User: "friend", Account: "acme"})},
		{method: "Explain", what: "explain oneself at acme", run: explain(key{User: "me", Account: "acme"})},
		{method: "User", what: "read oneself", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.User(ctx, a, "me"))
		}},
		{method: "User", what: "read a member of acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.User(ctx, a, "viewer"))
		}},
		{method: "FindUser", what: "find a user by address", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.FindUser(ctx, a, "viewer@people.example"))
		}},
		{method: "PutUser", what: "create a user", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.PutUser(ctx, a, accounts.PutUser{ID: "new"}))
		}},
		{method: "Import", what: "bring users along", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.Import(ctx, a, accounts.Import{Users: []accounts.ImportUser{{ID: "new"}}}))
		}},
		{method: "SuspendUser", what: "suspend a user everywhere", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.SuspendUser(ctx, a, "viewer")
		}},
		{method: "ReactivateUser", what: "reactivate a user", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.ReactivateUser(ctx, a, "out")
		}},
		{method: "CreateAccount", what: "make an agency for oneself", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.CreateAccount(ctx, a, accounts.CreateAccount{Name: "Fresh", Kind: accounts.KindAgency, Owner: "me"}))
		}},
		{method: "CreateAccount", what: "make an account for somebody else", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return ignore(w.svc.CreateAccount(ctx, a, accounts.CreateAccount{Name: "Fresh", Owner: "friend"}))
		}},
		{method: "UpdateAccount", what: "rename acme", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.UpdateAccount(ctx, a, accounts.UpdateAccount{ID: "acme", Name: &name})
		}},
		{method: "JoinProgramme", what: "acme joins the programme", run: at((*accounts.Service).JoinProgramme, "acme")},
		{method: "EnableClientAccess", what: "acme, which joined, enables client access", run: at((*accounts.Service).EnableClientAccess, "acme"), given: func(w *world) {
			a := w.account("acme")
			a.ProgrammeAt = start
			w.put(a)
		}},
		{method: "CloseAccount", what: "close acme", run: at((*accounts.Service).CloseAccount, "acme")},
		{method: "SuspendAccount", what: "suspend acme", run: at((*accounts.Service).SuspendAccount, "acme")},
		{method: "ReactivateAccount", what: "reactivate acme", run: at((*accounts.Service).ReactivateAccount, "acme"), given: func(w *world) {
			a := w.account("acme")
			a.SuspendedAt = start
			w.put(a)
		}},
		{method: "JoinProgramme", what: "acme, which is suspended, joins the programme", run: at((*accounts.Service).JoinProgramme, "acme"), given: func(w *world) {
			a := w.account("acme")
			a.SuspendedAt = start
			w.put(a)
		}},
		{method: "AddMember", what: "add a user to acme as an admin", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.AddMember(ctx, a, "acme", "friend", roles.Admin)
		}},
		{method: "AddMember", what: "add a user to acme as an owner", run: func(ctx context.Context, w *world, a accounts.Actor) error {
			return w.svc.AddMember(ctx, a, "acme", "friend", roles.Owner)
		}},
		{method: "ChangeRole", what: "a viewer becomes an author", run: role("viewer", roles.Author)},
		{method: "ChangeRole", what: "a viewer becomes an admin", run: role("viewer", roles.Admin)},
		{method: "ChangeRole", what: "a viewer becomes an owner", run: role("viewer", roles.Owner)},
		{method: "ChangeRole", what: "an admin becomes a viewer", run: role("admin", roles.Viewer)},
		{method: "ChangeRole", what: "an owner becomes a viewer", run: role("owner", roles.Viewer)},
		{method: "ChangeRole", what: "oneself becomes an owner", run: role("me", roles.Owner)},
		{method: "ChangeRole", what: "oneself becomes a viewer", run: role("me", roles.Viewer)},
		{method: "ChangeRole", what: "somebody who is no member becomes a viewer", run: role("friend", roles.Viewer)},
		{method: "RemoveMember", what: "remove a viewer", run: on((*accounts.Service).RemoveMember, "viewer")},
		{method: "RemoveMember", what: "remove an admin", run: on((*accounts.Service).RemoveMember, "admin")},
		{method: "RemoveMember", what: "remove an owner", run: on((*accounts.Service).RemoveMember, "owner")},
		{method: "Leave", what: "leave acme", run: at((*accounts.Service).Leave, "acme")},
		{method: "SuspendMember", what: "suspend a viewer", run: on((*accounts.Service).SuspendMember, "viewer")},
		{method: "SuspendMember", what: "suspend an admin", run: on((*accounts.Service).SuspendMember, "admin")},
		{method: "SuspendMember", what: "suspend an owner", run: on((*accounts.Service).SuspendMember, "owner")},
		{method: "SuspendMember", what: "suspend oneself", run: on((*accounts.Service).SuspendMember, "me")},
		{method: "ReactivateMember", what: "reactivate a suspended admin", run: on((*accounts.Service).ReactivateMember, "resting")},
		{method: "TransferOwnership", what: "transfer the ownership to an admin", run: on((*accounts.Service).TransferOwnership, "admin")},
		{method: "TransferOwnership", what: "transfer the ownership to a suspended admin", run: on((*accounts.Service).TransferOwnership, "resting")},
		{method: "ChangeCap", what: "lower orbit's cap at acme", run: limit(roles.Viewer)},
		{method: "ChangeCap", what: "raise orbit's cap at acme to admin", run: limit(roles.Admin), given: func(w *world) {
			c := w.linked("acme", "orbit", "").Connection
			c.Cap = roles.Viewer
			w.put(c)
		}},
		{method: "ChangeCap", what: "raise orbit's cap at acme to owner", run: limit(roles.Owner)},
		{method: "EndConnection", what: "end the connection for acme", run: end("acme")},
		{method: "EndConnection", what: "end the connection for orbit", run: end("orbit")},
		{method: "Assign", what: "assign a colleague at acme as a viewer", run: assign("colleague", roles.Viewer)},
		{method: "Assign", what: "assign a colleague at acme as a manager", run: assign("colleague", roles.Manager)},
		{method: "Assign", what: "assign a colleague at acme as an admin", run: assign("colleague", roles.Admin)},
		{method: "Assign", what: "assign a colleague at acme as an owner", run: assign("colleague", roles.Owner)},
		{method: "Assign", what: "assign oneself at acme as an admin", run: assign("me", roles.Admin)},
		{method: "Assign", what: "assign one's equal in another agency", run: assign("nova", roles.Viewer)},
		{method: "Assign", what: "lower a colleague who is a manager at acme", run: assign("placed", roles.Viewer)},
		{method: "Unassign", what: "take a colleague who is a manager off acme", run: unassign("placed")},
		{method: "Unassign", what: "take oneself off acme", run: unassign("me")},
	}
}

// matrixWorld is the situation of every cell, before the relation's rows.
func matrixWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	resting, out := member("acme", "resting", roles.Admin), user("out")
	resting.SuspendedAt, out.SuspendedAt = start, start
	w.put(account("acme"), agency("orbit"), agency("nova"),
		user("owner"), user("admin"), user("viewer"), user("resting"), user("friend"), out,
		user("boss"), user("colleague"), user("placed"), user("nova"),
		member("acme", "owner", roles.Owner), member("acme", "admin", roles.Admin), member("acme", "viewer", roles.Viewer), resting,
		member("orbit", "boss", roles.Owner), member("orbit", "colleague", roles.Viewer), member("orbit", "placed", roles.Viewer),
		member("nova", "nova", roles.Owner),
		connection("acme", "orbit", roles.Admin), connection("acme", "nova", roles.Admin),
		assignment("acme", "orbit", "placed", roles.Manager), assignment("acme", "nova", "nova", roles.Admin))
	return w
}

// outcome names how a call ended, and whether a refusal is on record.
func outcome(w *world, err error) string {
	var bad *accounts.InvalidError
	var code *accounts.CodeError
	what := "fault: " + fmt.Sprint(err)
	switch {
	case err == nil:
		what = "allowed"
	case errors.As(err, &code):
		what = "code"
	case errors.Is(err, accounts.ErrStepUp):
		what = "step-up"
	case errors.Is(err, accounts.ErrNotFound):
		what = "not found"
	case errors.Is(err, roles.ErrDenied):
		what = "denied"
	case errors.Is(err, accounts.ErrLastOwner):
		what = "last owner"
	case errors.As(err, &bad):
		what = "invalid " + bad.Field
	}
	events := w.feed()
	refused := len(events) == 1 && events[0].Kind == accounts.EventRefused
	switch {
	case err == nil && refused, err != nil && len(events) > 0 && !refused:
		return "BROKEN: " + what
	case refused:
		return what + ", on record"
	}
	return what
}

// Who may do what is exactly the table that everybody can read: every
// operation of the service, as everybody who can be tied to an account in one
// way or another, denied unless it says otherwise. Whoever views as a client is
// refused everything, on record. An operation without a row fails (A32, A34, A36,
// A44, A52, A68, A105).
func TestService_matrix(t *testing.T) {
	t.Parallel()

	x := newTable(
		"Who may do what with accounts.Service: in the client account acme, and in the agency orbit that is connected to it.",
		"owner to viewer: members of acme. agency …: members of orbit who are not assigned to acme.",
		"delegate …: authors of orbit with that role at acme. on record: the refusal is in the audit.",
		"step-up: after another login. code: after a code for this act.",
	)
	for _, act := range acts() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range relations() {
				w := matrixWorld(t)
				w.put(r.rows...)
				if act.given != nil {
					act.given(w)
				}
				got := outcome(w, act.run(t.Context(), w, r.actor(w)))
				if strings.HasPrefix(r.name, "viewing") {
					require.Equal(t, "denied, on record", got, "%s: whoever views only looks", act.what)
				}
				tell(r.name, got)
			}
		})
	}
	x.check(t, "operations.golden")
	x.covers(t, reflect.TypeFor[*accounts.Service]())
}
