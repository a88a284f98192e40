package storagetest

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
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
				connection("a", "g", roles.Admin))
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
				accounts.Identity{Issuer: "i", Subject: "s", User: "u", CreatedAt: start})
		}},
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
	spoil func(c *access.Change)
}

func mistakes() []mistake {
	written := account("a")
	written.Version = 1
	return []mistake{
		{"a change without an operation", nil, func(c *access.Change) {
			c.Op = ""
			c.Events = nil
		}},
		{"an operation without an event", nil, func(c *access.Change) { c.Events = nil }},
		{"an account that is guarded and written", []any{written, accounts.Guard{Account: "a", Version: 1}}, nil},
		{"an event of another operation", nil, func(c *access.Change) { c.Events[0].Op = "another" }},
		{"a guard on nothing", []any{accounts.Guard{Version: 1}}, nil},
		{"a guard on an account and a user at once", []any{accounts.Guard{Account: "b", Version: 1, User: "u"}}, nil},
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
	}
}

func checkDoubled(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"), agency("g"), member("g", "u", roles.Owner), connection("a", "g", roles.Admin))
	event1 := event("doubled", 1, "a", start)
	for i, row := range []any{
		user("v"), account("b"), member("a", "u", roles.Owner), connection("g", "a", roles.Admin),
		assignment("a", "g", "u", roles.Admin), request("g", "r", "to@example.com", "u"), session("s", "u"),
		accounts.Identity{Issuer: "i", Subject: "s", User: "u", CreatedAt: start},
		reply("user/u", "a", "k"), event1,
	} {
		e.refused(st, fmt.Sprintf("a change with the same row twice (%d, %T)", i, row), row, row)
		if _, isEvent := row.(accounts.Event); !isEvent {
			e.put(st, row)
		}
	}
}
