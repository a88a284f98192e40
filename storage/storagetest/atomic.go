package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// atomicChecks prove that a change is there as a whole or not at all.
func atomicChecks() []check {
	const half = "half a change is a grant without its audit, a mail for nothing, or a quota spent twice (A84, A93, I-21, I-25)"
	checks := []check{
		{
			"every field of a change is known to this suite",
			"a field that a store does not know, and does not refuse, is lost in silence", checkFieldsKnown,
		},
		{"a change that touches everything is applied as a whole", half, checkWhole},
		{
			"applying a change twice makes it once",
			"a commit whose answer was lost is applied again, and must not count twice (A96)", checkTwice,
		},
	}
	for _, b := range breakers() {
		checks = append(checks, check{
			"nothing of a change is there when it has " + b.what, half,
			func(e *env) { checkNothing(e, b) },
		})
	}
	return checks
}

// positions are ids that sort before, between and behind those of everyChange.
func positions() []string { return []string{"a", "m", "z"} }

// neverFail are the fields that break no change, whatever is in them.
func neverFail() []string {
	return []string{"Op", "CancelMail", "Requeue", "Mail", "Touches", "Forget"}
}

// everyFixture is what everyChange changes, and what breakers run into. It is
// put in three changes, or else nothingElse has to know.
func (e *env) everyFixture(st storage.Storage) {
	e.Helper()
	rows := []any{user("hub"), user("other"), agency("hub"), manages("hub", "hub")}
	var offers []any
	for _, id := range append(positions(), "g", "t") {
		u, gone := user(id), "gone-"+id
		u.Handle = "handle-" + id
		rows = append(rows, u, account(id), account(id+"-row"), member(id, id, roles.Owner), connection(id, "hub", roles.Admin),
			assignment(id, "hub", "hub", roles.Admin), request("hub", id, address(id), "hub"), session(id, "hub"),
			identity(id, id), identity(id+"-unlinked", id), credential(id), challenge(id, "hub"), ticket(id, token.Reset),
			guesses(address(id)), user(gone), credential(gone), guesses(address(gone)), session(gone, gone),
			spend("kind", id, 9, 10), spend(accounts.QuotaRecipient, string(address(id)), 1, 10), reply("user/u", "hub", id),
			letter(id, mail.ReasonFor("reason", id)))
		kept, theirs, bare := record("hub", id), recordOf("hub", gone, gone), record("hub", id+"-bare")
		rows = append(rows, kept, theirs, bare, site("hub", id), given("hub", id, id, "site.see"), view(id, "hub", id, "hub"),
			view(gone, "hub", id, gone))
		offers = append(offers, invitation("hub", id, address(id), "hub"), invitation("hub", gone, address(gone), "hub"),
			setup("hub", id), setup("hub", gone))
	}
	e.put(st, letter("dead-g", "kept"), letter("dead-t", "kept"), letter("sent-g", "kept"), letter("sent-t", "kept"))
	for _, d := range e.claim(st, start, all) {
		e.settle(st, d, mail.Outcome{State: mail.State(d.Message.ID[:4]), At: start})
	}
	e.put(st, rows...)
	e.put(st, offers...)
	for _, id := range positions() {
		e.put(st, event("taken-"+id, 2, "hub", start))
	}
}

// everyWorld is a fresh store with everyFixture, and the model with the same.
func (e *env) everyWorld() (storage.Storage, *model) {
	e.Helper()
	st, m := e.open(), newModel()
	first := e.ops
	for _, st := range []storage.Storage{st, m} {
		e.ops = first
		e.everyFixture(st)
	}
	return st, m
}

// everyChange inserts and replaces rows of every kind, twice each. It is more
// than any port takes: see [change.forms].
func (e *env) everyChange(more ...any) change {
	var rows []any
	for _, id := range []string{"g", "t"} {
		u, a, m, c := user(id), account(id+"-row"), member(id, id, roles.Admin), connection(id, "hub", roles.Viewer)
		x, r, s := assignment(id, "hub", "hub", roles.Viewer), request("hub", id, address(id), "hub"), session(id, "hub")
		p, q, t, w, i := credential(id), challenge(id, "hub"), ticket(id, token.Reset), guesses(address(id)), invitation("hub", id, address(id), "hub")
		u.Version, a.Version, m.Version, c.Version, x.Version, r.Version, s.Version = 1, 1, 1, 1, 1, 1, 1
		p.Version, q.Version, t.Version, w.Version, i.Version = 1, 1, 1, 1, 1
		u.Name, a.Plan, r.State, s.UserAgent = "changed", "changed", access.Declined, "changed"
		p.Hash, q.Tries, t.UsedAt, w.Count, i.State = "changed", 1, minutes(2), 3, invites.Declined
		n, gone := id+"-inserted", "gone-"+id
		y, z, b, l, v := record("hub", id), site("hub", id), given("hub", id, id, "site.see", "changed"), setup("hub", id), view(id, "hub", id, "hub")
		y.Version, z.Version, b.Version, l.Version, v.Version = 1, 1, 1, 1, 1
		y.User, y.Notes, z.Name, l.UsedAt, v.EndedAt = accounts.UserID(id), "changed", "changed", minutes(2), minutes(2)
		rows = append(rows, u, a, m, c, x, r, s, p, q, t, w, i, y, z, b, l, v,
			accounts.Guard{Account: accounts.AccountID(id), Version: 1, Move: id == "t"},
			user(n), account(n), member(n, n, roles.Owner), connection(n, "hub", roles.Admin),
			assignment(n, "hub", "hub", roles.Author), request("hub", n, address(id), "hub"), session(n, "hub"),
			identity(n, id), identity(id+"-unlinked", id).Key(), credential(n), challenge(n, "hub"), ticket(n, token.Reset),
			guesses(address(n)), invitation("hub", n, address(id), "hub"),
			spend(accounts.QuotaRecipient, string(address(id)), 1, 10), spend(accounts.QuotaRecipient, string(address(n)), 1, 1),
			record("hub", n), site("hub", n), given("hub", n, n), given("hub", id+"-bare", id), setup("hub", n), view(n, "hub", n, "hub"),
			reply("user/u", "hub", n), mail.ReasonFor("reason", id), letter(n, mail.ReasonFor("reason", id)), again("dead-"+id), mail.Bounce{ID: "sent-" + id, At: minutes(1), Error: "no such mailbox"},
			access.Touch{Session: "m", At: minutes(30)}, accounts.Forget{User: accounts.UserID(gone), Email: address(gone)})
	}
	rows = append(rows, spend(accounts.QuotaRequests, "hub", 2, 35))
	e.ops++
	op := fmt.Sprintf("every-%d", e.ops)
	rows = append(rows, event(op, 1, "hub", minutes(1)), event(op, 2, "g", minutes(1)), accounts.OpID(op))
	c := build(accounts.OpID(op), append(rows, more...)...)
	c.Touches = c.Touches[:1]
	e.seen.add(c)
	return c
}

func checkFieldsKnown(e *env) {
	covered := neverFail()
	for _, b := range breakers() {
		covered = append(covered, b.field)
	}
	c := e.everyChange()
	for _, of := range []reflect.Value{reflect.ValueOf(c.Change.Change), reflect.ValueOf(c.Change), reflect.ValueOf(c)} {
		for i := range of.NumField() {
			name := of.Type().Field(i).Name
			if of.Type().Field(i).Anonymous {
				continue
			}
			e.holds(slices.Contains(covered, name), "the field %s of %s has no case: give it a breaker, or say that it never fails", name, of.Type())
			e.holds(!zero(of.Field(i)), "the field %s of %s is empty in everyChange", name, of.Type())
		}
	}
}

func checkWhole(e *env) {
	for _, c := range e.everyChange().forms() {
		st, m := e.everyWorld()
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
		e.ok(apply(e.ctx, m, c), "the model")
		e.agrees(st, m)
	}
}

func checkTwice(e *env) {
	changes := append(e.everyChange().forms(),
		e.change(spend(accounts.QuotaRequests, "hub", 1, 35), letter("only", "r"), mail.Reason("none")))
	for _, c := range changes {
		st, m := e.everyWorld()
		before, err := st.Applied(e.ctx, c.Op)
		e.ok(err, "Applied")
		e.holds(!before, "an operation is said to be durable before it was applied")
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
		e.ok(apply(e.ctx, m, c), "the model")
		for range 2 {
			e.is(apply(e.ctx, st, c), accounts.ErrConflict, "the same change again")
			after, err := st.Applied(e.ctx, c.Op)
			e.ok(err, "Applied")
			e.holds(after, "an operation that was applied is said not to be durable")
		}
		e.still(st, m, "a change that was applied again changed something")
	}
}

// carry are the forms of a change that have a field.
func (c change) carry(field string) []change {
	switch field {
	case "Invitations", "SetupLinks":
		return []change{c.invites()}
	case "Requests", "Sessions", "Tickets", "Views", "Guesses", "Touches":
		return []change{c.access()}
	}
	return c.forms()
}

func checkNothing(e *env, b breaker) {
	st, m := e.everyWorld()
	var changes []change
	for _, id := range positions() {
		c := e.everyChange()
		if b.rows != nil {
			c = e.everyChange(b.rows(id)...)
		} else { // event 2 of that operation is there: the new ones come before, around or behind it
			c.Op, c.Events = accounts.OpID("taken-"+id), nil
			first := map[string]int{"a": 2, "m": 1, "z": 0}[id]
			for n := range 3 {
				c.Events = append(c.Events, event(string(c.Op), first+n, "hub", minutes(2)))
			}
		}
		e.seen.add(c)
		changes = append(changes, c)
	}
	for i, c := range changes {
		what := fmt.Sprintf("a change with %s (%s of %s)", b.what, positions()[i], b.field)
		for _, form := range c.carry(b.field) {
			e.is(apply(e.ctx, st, form), accounts.ErrConflict, "%s", what)
		}
	}
	e.still(st, m, fmt.Sprintf("a change with %s (%s) left something", b.what, b.field))
	e.nothingElse(st)
}

// nothingElse proves that failed changes left neither mail nor events nor
// counters behind, where only their consumers see them.
func (e *env) nothingElse(st storage.Storage) {
	e.Helper()
	far := minutes(1_000_000)
	sent, err := st.ClaimMail(e.ctx, mail.Claim{Channel: mail.Email, At: far, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimMail")
	e.holds(len(sent) == 5, "%d messages are due, want the 5 of the fixture: %s", len(sent), text(sent))
	for _, d := range sent {
		e.holds(d.Message.Text != "" && d.Attempt == 1, "a message of the fixture was touched: %s", text(d))
	}
	feed, err := st.ClaimEvents(e.ctx, accounts.EventClaim{At: far, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimEvents")
	e.holds(len(feed) == 6, "%d events wait for the host, want the 6 of the fixture: %s", len(feed), text(feed))
	for _, id := range positions() {
		e.put(st, spend("kind", id, 1, 10)) // 9 of 10 were spent, and none since
	}
}
