package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
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

// breaker is one way to make a change fail. The rows take the place in the
// order that their id gives them.
type breaker struct {
	field string // of the change
	what  string
	rows  func(id string) []any
}

// breakers break a change through each of its fields that can fail, in each
// way that it can. What they run into is in everyFixture.
func breakers() []breaker {
	stale := func(version *int64) { *version = 7 }
	return []breaker{
		{"Guards", "a stale guard", func(id string) []any { return []any{accounts.Guard{Account: accounts.AccountID(id), Version: 7}} }},
		{"Guards", "a stale guard that moves", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id), Version: 7, Move: true}}
		}},
		{"Guards", "a guard on no account", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id + "-missing"), Version: 1}}
		}},
		{"Guards", "a guard with version 0 on no account", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id + "-missing")}}
		}},
		{"Guards", "a guard on a user of another epoch", func(id string) []any {
			return []any{accounts.Guard{User: accounts.UserID(id), Epoch: 77}}
		}},
		{"Guards", "a guard on no user", func(id string) []any {
			return []any{accounts.Guard{User: accounts.UserID(id + "-missing")}}
		}},
		{"Users", "a stale user", func(id string) []any { u := user(id); stale(&u.Version); return []any{u} }},
		{"Users", "a user that is there", func(id string) []any { u := user(id); u.Email = ""; return []any{u} }},
		{"Users", "a user that is not there", func(id string) []any { u := user(id + "-missing"); u.Version = 1; return []any{u} }},
		{"Users", "a user with another's address", func(id string) []any { u := user(id + "-new"); u.Email = address("m"); return []any{u} }},
		{"Users", "a user with another's user name", func(id string) []any { u := user(id + "-new"); u.Handle = "HANDLE-m"; return []any{u} }},
		{"Identities", "an identity that is there", func(id string) []any {
			return []any{accounts.Identity{Issuer: "https://i", Subject: id, User: "g", CreatedAt: start}}
		}},
		{"Accounts", "a stale account", func(id string) []any { a := account(id + "-row"); stale(&a.Version); return []any{a} }},
		{"Accounts", "an account that is there", func(id string) []any { return []any{account(id + "-row")} }},
		{"Accounts", "an account that is not there", func(id string) []any { a := account(id + "-missing"); a.Version = 1; return []any{a} }},
		{"Memberships", "a stale membership", func(id string) []any { m := member(id, id, roles.Viewer); stale(&m.Version); return []any{m} }},
		{"Memberships", "a membership that is there", func(id string) []any { return []any{member(id, id, roles.Viewer)} }},
		{"Memberships", "a membership that is not there", func(id string) []any {
			m := member(id, "other", roles.Viewer)
			m.Version = 1
			return []any{m}
		}},
		{"Connections", "a stale connection", func(id string) []any { c := connection(id, "hub", roles.Viewer); stale(&c.Version); return []any{c} }},
		{"Connections", "a connection that is there", func(id string) []any { return []any{connection(id, "hub", roles.Viewer)} }},
		{"Assignments", "a stale assignment", func(id string) []any {
			x := assignment(id, "hub", "hub", roles.Viewer)
			stale(&x.Version)
			return []any{x}
		}},
		{"Assignments", "an assignment that is there", func(id string) []any { return []any{assignment(id, "hub", "hub", roles.Viewer)} }},
		{"Spend", "a quota spent over its limit", func(id string) []any { return []any{spend("kind", id, 2, 10)} }},
		{"Spend", "more spent at once than the limit allows", func(id string) []any { return []any{spend("kind", id+"-new", 11, 10)} }},
		{"Replies", "an idempotency key that is taken", func(id string) []any { return []any{reply("user/u", "hub", id)} }},
		{"Events", "an event that is there", nil},
		{"Requests", "a stale request", func(id string) []any {
			r := request("hub", id, address(id), "hub")
			stale(&r.Version)
			return []any{r}
		}},
		{"Requests", "a request that is there", func(id string) []any { return []any{request("hub", id, "new@example.com", "hub")} }},
		{"Requests", "a request that is not there", func(id string) []any {
			r := request("hub", id+"-missing", "new@example.com", "hub")
			r.Version = 1
			return []any{r}
		}},
		{"Requests", "a request with another's link", func(id string) []any {
			r := request("hub", id+"-new", "new@example.com", "hub")
			r.Hash = hash("request hub/m")
			return []any{r}
		}},
		{"Requests", "a second pending request to an address", func(id string) []any {
			return []any{request("hub", id+"-new", address("m"), "hub")}
		}},
		{"Sessions", "a stale session", func(id string) []any { s := session(id, "hub"); stale(&s.Version); return []any{s} }},
		{"Sessions", "a session that is there", func(id string) []any { s := session(id, "hub"); s.Hash = hash(id); return []any{s} }},
		{"Sessions", "a session that is not there", func(id string) []any {
			s := session(id+"-missing", "hub")
			s.Version = 1
			return []any{s}
		}},
		{"Sessions", "a session with another's secret", func(id string) []any {
			s := session(id+"-new", "hub")
			s.Hash = hash("session m")
			return []any{s}
		}},
	}
}

// neverFail are the fields that break no change, whatever is in them.
func neverFail() []string { return []string{"Op", "CancelMail", "Requeue", "Mail", "Touches"} }

// everyFixture is what everyChange changes, and what breakers run into.
func (e *env) everyFixture(st storage.Storage) {
	e.Helper()
	rows := []any{user("hub"), user("other"), agency("hub"), member("hub", "hub", roles.Owner)}
	for _, id := range append(positions(), "g", "t") {
		u := user(id)
		u.Handle = "handle-" + id
		rows = append(rows, u, account(id), account(id+"-row"), member(id, id, roles.Owner), connection(id, "hub", roles.Admin),
			assignment(id, "hub", "hub", roles.Admin), request("hub", id, address(id), "hub"), session(id, "hub"),
			accounts.Identity{Issuer: "https://i", Subject: id, User: u.ID, CreatedAt: start},
			spend("kind", id, 9, 10), spend(accounts.QuotaRecipient, string(address(id)), 1, 10), reply("user/u", "hub", id),
			letter(id, mail.ReasonFor("reason", id)))
	}
	e.put(st, letter("dead-g", "kept"), letter("dead-t", "kept"))
	for _, d := range e.claim(st, start, all) {
		e.settle(st, d, mail.Outcome{State: mail.Dead, At: start})
	}
	e.put(st, rows...)
	for _, id := range positions() {
		e.put(st, event("taken-"+id, 2, "hub", start))
	}
}

// everyChange inserts and replaces rows of every kind, twice each.
func (e *env) everyChange(more ...any) access.Change {
	var rows []any
	for _, id := range []string{"g", "t"} {
		u, a, m, c := user(id), account(id+"-row"), member(id, id, roles.Admin), connection(id, "hub", roles.Viewer)
		x, r, s := assignment(id, "hub", "hub", roles.Viewer), request("hub", id, address(id), "hub"), session(id, "hub")
		u.Version, a.Version, m.Version, c.Version, x.Version, r.Version, s.Version = 1, 1, 1, 1, 1, 1, 1
		u.Name, a.Plan, r.State, s.UserAgent = "changed", "changed", access.Declined, "changed"
		n := id + "-inserted"
		rows = append(rows, u, a, m, c, x, r, s,
			accounts.Guard{Account: accounts.AccountID(id), Version: 1, Move: id == "t"},
			user(n), account(n), member(n, n, roles.Owner), connection(n, "hub", roles.Admin),
			assignment(n, "hub", "hub", roles.Author), request("hub", n, address(id), "hub"), session(n, "hub"),
			accounts.Identity{Issuer: "https://i", Subject: n, User: u.ID, CreatedAt: start},
			spend(accounts.QuotaRecipient, string(address(id)), 1, 10), spend(accounts.QuotaRecipient, string(address(n)), 1, 1),
			reply("user/u", "hub", n), mail.ReasonFor("reason", id), letter(n, mail.ReasonFor("reason", id)), again("dead-"+id),
			access.Touch{Session: "m", At: minutes(30)})
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
	for _, of := range []reflect.Value{reflect.ValueOf(c.Change), reflect.ValueOf(c)} {
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
	st, m := e.open(), newModel()
	e.everyFixture(st)
	e.ops = 0
	e.everyFixture(m)
	c := e.everyChange()
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	e.ok(apply(e.ctx, m, c), "the model")
	e.agrees(st, m)

	narrow := e.everyChange().Change // the same for the port of accounts alone
	st, m = e.open(), newModel()
	e.ops = 0
	e.everyFixture(st)
	e.ops = 0
	e.everyFixture(m)
	e.ok(st.ApplyAccounts(e.ctx, narrow), "a valid change was not applied")
	e.ok(m.ApplyAccounts(e.ctx, narrow), "the model")
	e.agrees(st, m)
}

func checkTwice(e *env) {
	st := e.open()
	e.everyFixture(st)
	c := e.everyChange()
	only := e.change(spend(accounts.QuotaRequests, "hub", 1, 35), letter("only", "r"), mail.Reason("none"))
	for _, c := range []access.Change{c, only} {
		before, err := st.Applied(e.ctx, c.Op)
		e.ok(err, "Applied")
		e.holds(!before, "an operation is said to be durable before it was applied")
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
		once := e.dump(st)
		for range 2 {
			e.is(apply(e.ctx, st, c), accounts.ErrConflict, "the same change again")
			e.unchanged(once, e.dump(st), "a change that was applied again changed something")
			after, err := st.Applied(e.ctx, c.Op)
			e.ok(err, "Applied")
			e.holds(after, "an operation that was applied is said not to be durable")
		}
	}
}

func checkNothing(e *env, b breaker) {
	st := e.open()
	e.everyFixture(st)
	var changes []access.Change
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
	before := e.dump(st)
	for i, c := range changes {
		what := fmt.Sprintf("a change with %s (%s of %s)", b.what, positions()[i], b.field)
		e.is(st.ApplyAccess(e.ctx, c), accounts.ErrConflict, "%s", what)
		if b.field != "Requests" && b.field != "Sessions" {
			e.is(st.ApplyAccounts(e.ctx, c.Change), accounts.ErrConflict, "%s, without what package access adds", what)
		}
		e.unchanged(before, e.dump(st), what+" left something")
	}
	e.nothingElse(st)
}

// nothingElse proves that failed changes left neither mail nor events nor
// counters behind, where only their consumers see them.
func (e *env) nothingElse(st storage.Storage) {
	e.Helper()
	far := minutes(1_000_000)
	sent, err := st.ClaimMail(e.ctx, mail.Claim{At: far, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimMail")
	e.holds(len(sent) == 5, "%d messages are due, want the 5 of the fixture: %s", len(sent), text(sent))
	for _, d := range sent {
		e.holds(d.Message.Text != "" && d.Attempt == 1, "a message of the fixture was touched: %s", text(d))
	}
	feed, err := st.ClaimEvents(e.ctx, accounts.EventClaim{At: far, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimEvents")
	e.holds(len(feed) == 5, "%d events wait for the host, want the 5 of the fixture: %s", len(feed), text(feed))
	for _, id := range positions() {
		e.put(st, spend("kind", id, 1, 10)) // 9 of 10 were spent, and none since
	}
}
