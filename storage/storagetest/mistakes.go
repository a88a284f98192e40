package storagetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// mistakeChecks prove that a change which no decision should ever have made
// is a fault: nothing is done, and nobody tries again.
func mistakeChecks() []check {
	const loud = "a mistake that reads as a conflict is retried until time runs out, and one that is applied is found too late"
	var checks []check
	for _, m := range mistakes() {
		checks = append(checks, check{m.what + " is a fault, and leaves nothing", loud, func(e *env) {
			st := e.open()
			e.put(st, user("u"), account("a"), account("b"), agency("g"), member("g", "u", roles.Owner),
				connection("a", "g", roles.Admin), record("a", "c"), site("a", "p"), record("b", "other"), site("b", "q"))
			c := e.change(append([]any{user("beside"), letter("beside", "r")}, m.rows...)...)
			if m.spoil != nil {
				m.spoil(&c)
			}
			e.seen.add(c)
			before := e.dump(st)
			err := apply(e.ctx, st, c)
			e.holds(err != nil, "%s was applied", m.what)
			for _, answer := range []error{accounts.ErrConflict, accounts.ErrUnknown, accounts.ErrNotFound} {
				e.holds(!errors.Is(err, answer), "%s: want a fault, got %v", m.what, err)
			}
			e.unchanged(before, e.dump(st), m.what+" left something")
		}})
	}
	return append(checks, []check{
		{"rows of one change may refer to each other", "an account and its first owner are one change (I-01)", func(e *env) {
			st := e.open()
			e.put(st, user("u"), account("a"), agency("g"), member("g", "u", roles.Owner), connection("a", "g", roles.Admin),
				assignment("a", "g", "u", roles.Admin), request("g", "r", "to@example.com", "u"), session("s", "u"),
				identity("1", "u"), credential("u"), challenge("u", "a"), ticket("u", token.Reset), recordOf("a", "c", "u"), site("a", "p"),
				given("a", "c", "p"), view("v", "a", "c", "u"))
			e.put(st, user("v"), account("b"), member("b", "v", roles.Owner), credential("v"), invitation("b", "i", "to@example.com", "v"),
				record("b", "c"), site("b", "p"), given("b", "c", "p"), setup("b", "c"))
		}},
		{
			"ids that nothing has to be there for are kept as they are",
			"an invitation outlives whoever made it, and counting guesses must not tell who is known", checkFreeIDs,
		},
		{
			"notes and counts need no operation, through any port",
			"a wrong password is counted before anybody knows who asks (A31)", checkOpless,
		},
		{
			"anything else without an operation is a fault, and leaves nothing",
			"what no event tells of has no place in the audit (I-25)", checkOplessRest,
		},
		{"two rows with one key in one change are a conflict", "which of the two would it be? (I-02)", checkDoubled},
		{
			"a touch applies after the session of the same change",
			"a rotation must not lose the last use that came with it", func(e *env) {
				st := e.open()
				s := session("s", "u")
				e.put(st, user("u"), s)
				s.Version = 1
				e.put(st, s, access.Touch{Session: "s", At: minutes(5)})
				got, err := st.Session(e.ctx, access.SessionKey{ID: "s"})
				e.ok(err, "Session")
				e.holds(got.SeenAt.Equal(minutes(5)), "the session was seen at %s, want %s", got.SeenAt, minutes(5))
			},
		},
	}...)
}

type mistake struct {
	what  string
	rows  []any
	spoil func(c *change)
}

func mistakes() []mistake {
	written := account("a")
	written.Version = 1
	return []mistake{
		{"a change without an operation", nil, func(c *change) {
			c.Op = ""
			c.Events = nil
		}},
		{"an operation without an event", nil, func(c *change) { c.Events = nil }},
		{"an account that is guarded and written", []any{written, accounts.Guard{Account: "a", Version: 1}}, nil},
		{"an event of another operation", nil, func(c *change) { c.Events[0].Op = "another" }},
		{"a guard on nothing", []any{accounts.Guard{Version: 1}}, nil},
		{"a guard on an account and a user at once", []any{accounts.Guard{Account: "b", Version: 1, User: "u"}}, nil},
		{"mail on no channel", nil, func(c *change) { c.Mail[0].Channel = "" }},
		{"a counter that would fall", []any{spend("kind", "s", -1, 5)}, nil},
		{"an identity of nobody", []any{accounts.Identity{Issuer: "i", Subject: "s", User: "nobody", CreatedAt: start}}, nil},
		{"a membership of nobody", []any{member("a", "nobody", roles.Viewer)}, nil},
		{"a membership in no account", []any{member("nowhere", "u", roles.Viewer)}, nil},
		{"a connection of no client", []any{connection("nowhere", "g", roles.Viewer)}, nil},
		{"a connection to no agency", []any{connection("a", "nowhere", roles.Viewer)}, nil},
		{"an assignment on no connection", []any{assignment("b", "g", "u", roles.Viewer)}, nil},
		{"an assignment of somebody who never was in the agency", []any{assignment("a", "g", "beside", roles.Viewer)}, nil},
		{"a request of no agency", []any{request("nowhere", "r", "to@example.com", "u")}, nil},
		{"a session of nobody", []any{session("s", "nobody")}, nil},
		{"a credential of nobody", []any{credential("nobody")}, nil},
		{"a challenge of nobody", []any{challenge("nobody", "a")}, nil},
		{"a ticket of nobody", []any{ticket("nobody", token.Reset)}, nil},
		{"a client record of no account", []any{record("nowhere", "n")}, nil},
		{"a client record of nobody", []any{recordOf("a", "n", "nobody")}, nil},
		{"a site of no account", []any{site("nowhere", "n")}, nil},
		{"an access of no client", []any{given("a", "nobody", "p")}, nil},
		{"an access to no site", []any{given("a", "c", "nowhere")}, nil},
		{"an access of a client of another account", []any{given("a", "other", "p")}, nil},
		{"an access to a site of another account", []any{given("a", "c", "q")}, nil},
		{"a setup link of no client", []any{setup("a", "nobody")}, nil},
		{"a setup link of a client of another account", []any{setup("a", "other")}, nil},
		{"a view of no client", []any{view("v", "a", "nobody", "u")}, nil},
		{"a view of a client of another account", []any{view("v", "b", "c", "u")}, nil},
		{"a view of nobody's", []any{view("v", "a", "c", "nobody")}, nil},
		{"an invitation to no account", []any{invitation("nowhere", "i", "to@example.com", "u")}, nil},
	}
}

func checkDoubled(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"), agency("g"), member("g", "u", roles.Owner), connection("a", "g", roles.Admin),
		record("a", "c"), site("a", "p"))
	rows := []any{
		user("v"), account("b"), member("a", "u", roles.Owner), connection("g", "a", roles.Admin),
		assignment("a", "g", "u", roles.Admin), request("g", "r", "to@example.com", "u"), session("s", "u"),
		identity("1", "u"), credential("u"), challenge("u", "a"), ticket("u", token.Reset), guesses("to@example.com"),
		invitation("a", "i", "to@example.com", "u"), reply("user/u", "a", "k"), event("doubled", 1, "a", start),
		record("a", "new"), site("a", "new"), given("a", "c", "p"), setup("a", "c"), view("v", "a", "c", "u"),
	}
	var twice []attempt
	for i, row := range rows {
		twice = append(twice, attempt{fmt.Sprintf("a change with the same row twice (%d, %T)", i, row), []any{row, row}})
	}
	e.refusedEach(st, twice...)
	for _, row := range rows {
		e.put(st, row) // once, nothing is wrong with it
	}
}

func checkFreeIDs(e *env) {
	st, m := e.open(), newModel()
	orphan := invitation("a", "i", "to@example.com", "nobody")
	orphan.User = "nobody either"
	elsewhere := challenge("u", "nowhere")
	elsewhere.Session = "none"
	alone, made := view("v", "a", "c", "u"), setup("a", "c")
	alone.Session, made.Maker = "none", "nobody"
	for _, c := range []change{
		e.change(user("u"), account("a"), elsewhere, guesses("nobody@example.com"), record("a", "c"), alone), e.change(orphan, made),
	} {
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
		e.ok(apply(e.ctx, m, c), "the model")
	}
	e.agrees(st, m)
}

func checkOpless(e *env) {
	st := e.open()
	e.put(st, user("u"), session("s", "u"))
	const source = "192.0.2.1"
	tries := spend(accounts.QuotaSource, source, 1, 3)
	entering := func(email accounts.Email) access.Entering {
		got, err := st.Entering(e.ctx, access.EnteringQuery{Email: email, Source: source, Day: accounts.DayOf(start)})
		e.ok(err, "Entering")
		return got
	}
	g := guesses(address("u"))
	wide := access.Change{
		Change: accounts.Change{Spend: []accounts.Spend{tries}}, Guesses: []access.Guesses{g},
		Touches: []access.Touch{{Session: "s", At: minutes(5)}},
	}
	e.ok(st.ApplyAccess(e.ctx, wide), "a change of guesses, spends and touches alone")
	got := entering(address("u"))
	g.Version = 1
	e.same(got.Guesses, g, "the guesses")
	e.holds(got.Tries == 1, "the counter says %d, want 1", got.Tries)
	s, err := st.Session(e.ctx, access.SessionKey{ID: "s"})
	e.ok(err, "Session")
	e.holds(s.SeenAt.Equal(minutes(5)), "the touch beside guesses was lost")

	before := e.dump(st)
	wide.Touches[0].At = minutes(9)
	e.is(st.ApplyAccess(e.ctx, wide), accounts.ErrConflict, "guesses that are there, without an operation")
	e.unchanged(before, e.dump(st), "guesses that were refused left something")
	wide.Guesses[0].Version, wide.Spend[0].N = 1, 5
	e.is(st.ApplyAccess(e.ctx, wide), accounts.ErrConflict, "a spend over its limit, without an operation")
	e.unchanged(before, e.dump(st), "a spend that was refused left something")
	e.holds(entering(address("u")).Tries == 1, "a spend that was refused was counted")

	alone := accounts.Change{Spend: []accounts.Spend{tries}}
	e.ok(st.ApplyAccounts(e.ctx, alone), "a spend alone")
	e.ok(st.ApplyInvites(e.ctx, invites.Change{Change: alone}), "a spend alone, through the port of invitations")
	e.is(st.ApplyAccounts(e.ctx, alone), accounts.ErrConflict, "a fourth spend of three")
	e.holds(entering(address("u")).Tries == 3, "three spends were counted as %d", entering(address("u")).Tries)
	next := guesses(address("u"))
	next.Version, next.Count = 1, 3
	e.ok(st.ApplyAccess(e.ctx, access.Change{Guesses: []access.Guesses{next}}), "guesses alone")
	e.holds(entering(address("u")).Guesses.Count == 3, "guesses alone were not written")
	tries.N = -1
	err = st.ApplyAccounts(e.ctx, accounts.Change{Spend: []accounts.Spend{tries}})
	e.holds(err != nil && !errors.Is(err, accounts.ErrConflict), "a counter that would fall, without an operation: %v", err)
	e.ok(st.ApplyAccess(e.ctx, access.Change{}), "a change of nothing")
}

// checkOplessRest applies each field of a change on its own without an
// operation, and then the same with one, to show that nothing else was wrong.
func checkOplessRest(e *env) {
	st := e.open()
	e.everyFixture(st)
	x := assignment("g", "hub", "hub", roles.Viewer)
	x.Version = 1
	whole := e.change(accounts.Guard{Account: "hub", Version: 1}, user("new"), identity("new", "hub"), identity("g-unlinked", "g").Key(),
		credential("other"), challenge("other", "hub"), account("new"), member("a", "other", roles.Viewer),
		connection("a-row", "hub", roles.Viewer), x, reply("user/new", "hub", "k"), event("", 1, "hub", start), mail.Reason("reason"),
		again("dead-g"), mail.Bounce{ID: "sent-g", At: start}, letter("new", "r"), accounts.Forget{User: "gone-g"}, request("hub", "new", "new@example.com", "hub"),
		session("new", "hub"), ticket("other", token.Reset), invitation("hub", "new", "new@example.com", "hub"),
		record("hub", "new"), site("hub", "new"), given("hub", "g-bare", "g"), setup("hub", "g-bare"), view("new", "hub", "g", "hub"))
	notes := []string{"Op", "Touches", "Guesses", "Spend"}
	var names []string
	var alone []change
	for _, of := range []func(c *change) reflect.Value{
		func(c *change) reflect.Value { return reflect.ValueOf(&c.Change.Change).Elem() },
		func(c *change) reflect.Value { return reflect.ValueOf(&c.Change).Elem() },
		func(c *change) reflect.Value { return reflect.ValueOf(c).Elem() },
	} {
		fields := of(&whole)
		for i := range fields.NumField() {
			if f := fields.Type().Field(i); !f.Anonymous && !slices.Contains(notes, f.Name) {
				e.holds(!zero(fields.Field(i)), "the field %s has no case here", f.Name)
				var c change
				of(&c).Field(i).Set(fields.Field(i))
				names, alone = append(names, f.Name), append(alone, c)
			}
		}
	}
	before := e.dump(st)
	for i, c := range alone {
		for _, beside := range [][]accounts.Spend{nil, {spend(accounts.QuotaSource, "192.0.2.1", 1, 9)}} {
			c.Spend = beside
			err := apply(e.ctx, st, c)
			e.holds(err != nil && !errors.Is(err, accounts.ErrConflict) && !errors.Is(err, accounts.ErrUnknown),
				"a change of %s without an operation, beside a spend %v: want a fault, got %v", names[i], beside != nil, err)
		}
	}
	e.unchanged(before, e.dump(st), "a change without an operation left something")
	for i, c := range alone {
		with := e.change()
		c.Op, c.Events = with.Op, with.Events
		e.ok(apply(e.ctx, st, c), "a change of %s with an operation", names[i])
	}
}
