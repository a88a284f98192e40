package storagetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// pageChecks prove that walking through a list page by page shows each entry
// once.
func pageChecks() []check {
	const walk = "whoever pages through a list must see each entry once, also where names and moments repeat (A99)"
	var checks []check
	for _, l := range lists() {
		checks = append(checks, check{"pages of " + l.name + " have no gaps and no repeats, whatever their size", walk, func(e *env) {
			st := e.open()
			e.pageFixture(st)
			e.walk(l, st)
		}})
	}
	return append(checks, check{
		"a cursor whose entry is gone still marks the place",
		"what ends between two pages must not hide or repeat the rest", checkGoneCursor,
	}, check{"a page without a limit has 50 entries", walk, checkNoLimit})
}

// entries is how many entries every list has: names and moments repeat.
const entries = 9

// list is a paged reader. It returns the entries behind one, as text, and the
// page that starts behind its last entry.
type list struct {
	name string
	page func(e *env, st storage.Storage, limit int, after any) (page []any, next any, err error)
}

func lists() []list {
	return []list{
		{"what a user can reach", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Limit: limit}
			q.After, _ = after.(accounts.ReachCursor)
			got, err := st.Reach(e.ctx, q)
			return turn(got, accounts.Reached.Cursor, err)
		}},
		{"those who can reach an account", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachersQuery{Account: "a", Limit: limit}
			q.After, _ = after.(accounts.UserID)
			got, err := st.Reachers(e.ctx, q)
			return turn(got, func(s accounts.Standing) accounts.UserID { return s.User.ID }, err)
		}},
		{"those who can reach an account through an agency", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachersQuery{Account: "a", Agency: "g", Limit: limit}
			q.After, _ = after.(accounts.UserID)
			got, err := st.Reachers(e.ctx, q)
			return turn(got, func(s accounts.Standing) accounts.UserID { return s.User.ID }, err)
		}},
		{"members", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.MemberQuery{Account: "g", Limit: limit}
			q.After, _ = after.(accounts.MemberCursor)
			got, err := st.Members(e.ctx, q)
			return turn(got, accounts.Member.Cursor, err)
		}},
		{"a client's connections", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ConnectionQuery{Client: "a", Limit: limit}
			q.After, _ = after.(accounts.ConnectionCursor)
			got, err := st.Connections(e.ctx, q)
			return turn(got, accounts.Connected.Cursor, err)
		}},
		{"an agency's connections", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ConnectionQuery{Agency: "g", Limit: limit}
			q.After, _ = after.(accounts.ConnectionCursor)
			got, err := st.Connections(e.ctx, q)
			return turn(got, accounts.Connected.Cursor, err)
		}},
		{"an account's audit", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.EventQuery{Account: "audited", Limit: limit}
			q.Before, _ = after.(accounts.EventCursor)
			got, err := st.Events(e.ctx, q)
			return turn(got, accounts.Event.Cursor, err)
		}},
		{"an agency's clients", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.ClientsQuery{Agency: "g", At: start, Limit: limit}
			q.Before, _ = after.(access.ClientCursor)
			got, err := st.Clients(e.ctx, q)
			return turn(got, access.Client.Cursor, err)
		}},
		{"an agency's clients in one state", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.ClientsQuery{Agency: "h", At: start, States: []access.ClientState{access.ClientPending}, Limit: limit}
			q.Before, _ = after.(access.ClientCursor)
			got, err := st.Clients(e.ctx, q)
			return turn(got, access.Client.Cursor, err)
		}},
		{"a user's sessions", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.SessionsQuery{User: "u", Limit: limit}
			q.Before, _ = after.(accounts.SessionID)
			got, err := st.Sessions(e.ctx, q)
			return turn(got, func(s access.Session) accounts.SessionID { return s.ID }, err)
		}},
		{"the outbox", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := mail.Query{Limit: limit}
			q.After, _ = after.(string)
			got, err := st.Mails(e.ctx, q)
			return turn(got, func(r mail.Record) string { return r.ID }, err)
		}},
	}
}

// turn returns a page as it is walked, and the cursor of its last entry.
func turn[T, C any](page []T, cursor func(T) C, err error) ([]any, any, error) {
	var list []any
	var next any
	for _, v := range page {
		list = append(list, v)
		next = cursor(v)
	}
	return list, next, err
}

// pageFixture has at least nine entries in every list, dead ones between them,
// and names and moments that repeat.
func (e *env) pageFixture(st storage.Storage) {
	e.Helper()
	ended := minutes(1)
	rows := []any{user("u"), account("a"), agency("g"), agency("h"), account("audited"), member("g", "u", roles.Owner)}
	var events, dead []any
	for i := range entries {
		id := fmt.Sprintf("%c%d", "zAb"[i%3], i)
		client, other, u := account("c"+id), agency("d"+id), user("v"+id)
		client.Name, other.Name, u.Name = fmt.Sprint("Name ", i/4), fmt.Sprint("Name ", i/4), fmt.Sprint("Name ", i/4)
		toG, toOther := connection("c"+id, "g", roles.Admin), connection("a", "d"+id, roles.Admin)
		mine, theirs := request("g", "r"+id, address("r"+id), "u"), request("h", "r"+id, address("r"+id), "u")
		mine.CreatedAt, theirs.CreatedAt = minutes(i/4), minutes(i/4)
		ev := event("page", i+1, "audited", minutes(i/4))
		m := letter("m"+id, "r")
		m.Due = minutes(i / 4)
		rows = append(rows, client, other, u, toG, toOther, member("g", "v"+id, roles.Viewer), mine, theirs, session("s"+id, "u"), m,
			assignment("c"+id, "g", "u", roles.Viewer))
		events = append(events, ev)
		if i%2 == 0 { // two ways in: dead ones, and as a member
			there := member("c"+id, "u", roles.Viewer)
			gone, out, asked := member("g", "x"+id, roles.Viewer), session("t"+id, "u"), request("h", "q"+id, address("q"+id), "u")
			gone.EndedAt, out.EndedAt, asked.State = ended, ended, access.Declined
			asked.CreatedAt = minutes(i / 4)
			deadAgency, deadClient := agency("e"+id), account("f"+id)
			deadAgency.Name, deadAgency.ClosedAt, deadClient.Name = other.Name, ended, client.Name
			c := connection("f"+id, "g", roles.Admin)
			c.EndedAt = ended
			dead = append(dead, there, user("x"+id), gone, out, asked, deadAgency, deadClient, c,
				connection("a", "e"+id, roles.Admin), assignment("f"+id, "g", "u", roles.Viewer))
		}
	}
	e.put(st, append(rows, dead...)...)
	e.put(st, events...)
	var assigned []any
	for _, row := range rows {
		if m, ok := row.(accounts.Membership); ok {
			assigned = append(assigned, m)
		}
	}
	assignments := []any{connection("a", "g", roles.Admin)}
	for i, row := range assigned {
		m, _ := row.(accounts.Membership)
		assignments = append(assignments, assignment("a", "g", string(m.User), roles.Viewer))
		if i%3 == 0 {
			assignments = append(assignments, member("a", string(m.User), roles.Viewer))
		}
	}
	e.put(st, assignments...)
}

// walk goes through a list at every page size.
func (e *env) walk(l list, st storage.Storage) {
	e.Helper()
	whole, _, err := l.page(e, st, all, nil)
	e.ok(err, "%s", l.name)
	e.holds(len(whole) >= entries, "%s: %d entries, want at least %d", l.name, len(whole), entries)
	for size := 1; size <= len(whole)+1; size++ {
		var got []any
		var after any
		for {
			page, next, err := l.page(e, st, size, after)
			e.ok(err, "%s, a page of %d", l.name, size)
			e.holds(len(page) <= size, "%s: a page of at most %d has %d entries", l.name, size, len(page))
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), next
			e.holds(len(got) <= len(whole), "%s: in pages of %d there are more entries than in one", l.name, size)
		}
		e.same(got, whole, "%s in pages of %d", l.name, size)
	}
}

func checkGoneCursor(e *env) {
	st := e.open()
	e.pageFixture(st)
	for _, x := range []struct {
		list string
		gone any
		left int // how many lie behind it, or -1 for all
	}{
		{"what a user can reach", accounts.ReachCursor{NameKey: "!"}, -1},
		{"what a user can reach", accounts.ReachCursor{NameKey: "zzz", Account: "zzz"}, 0},
		{"those who can reach an account", accounts.UserID("!"), -1},
		{"those who can reach an account", accounts.UserID("~"), 0},
		{"members", accounts.MemberCursor{NameKey: "!"}, -1},
		{"members", accounts.MemberCursor{NameKey: "zzz", User: "zzz"}, 0},
		{"an agency's connections", accounts.ConnectionCursor{NameKey: "!"}, -1},
		{"a client's connections", accounts.ConnectionCursor{NameKey: "zzz", Account: "zzz"}, 0},
		{"an account's audit", accounts.EventCursor{At: minutes(1000)}, -1},
		{"an account's audit", accounts.EventCursor{At: minutes(-1000)}, 0},
		{"an agency's clients", access.ClientCursor{CreatedAt: minutes(1000)}, -1},
		{"an agency's clients", access.ClientCursor{CreatedAt: start.Add(-time.Microsecond)}, 0},
		{"a user's sessions", accounts.SessionID("~"), -1},
		{"a user's sessions", accounts.SessionID("!"), 0},
		{"the outbox", "!", -1},
		{"the outbox", "~", 0},
	} {
		i := slices.IndexFunc(lists(), func(l list) bool { return l.name == x.list })
		l := lists()[i]
		whole, _, err := l.page(e, st, all, nil)
		e.ok(err, "%s", l.name)
		got, _, err := l.page(e, st, all, x.gone)
		e.ok(err, "%s", l.name)
		want := whole
		if x.left == 0 {
			want = nil
		}
		e.same(got, want, "%s behind %s", l.name, text(x.gone))
	}
}

func checkNoLimit(e *env) {
	st := e.open()
	rows := []any{user("u"), agency("g"), account("a")}
	for i := range 60 {
		id := fmt.Sprintf("%02d", i)
		m := request("a"+id, id, "to@example.com", "u")
		rows = append(rows, user("u"+id), agency("a"+id), member("g", "u"+id, roles.Viewer), member("a"+id, "u", roles.Viewer),
			connection("a"+id, "g", roles.Viewer), connection("a", "a"+id, roles.Viewer), session("s"+id, "u"), m,
			request("g", "r"+id, address("r"+id), "u"), event("unlimited", i+1, "g", minutes(i)))
	}
	e.put(st, rows...)
	for _, limit := range []int{0, -1} {
		for _, l := range lists() {
			switch l.name {
			case "what a user can reach", "members", "an agency's connections", "an agency's clients", "a user's sessions":
				page, _, err := l.page(e, st, limit, nil)
				e.ok(err, "%s", l.name)
				e.holds(len(page) == 50, "%s with the limit %d: %d entries, want 50", l.name, limit, len(page))
			}
		}
		tied, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: "g", Limit: limit})
		e.ok(err, "Reachers")
		connected, err := st.Connections(e.ctx, accounts.ConnectionQuery{Client: "a", Limit: limit})
		e.ok(err, "Connections")
		events, err := st.Events(e.ctx, accounts.EventQuery{Account: "g", Limit: limit})
		e.ok(err, "Events")
		addressed, err := st.Addressed(e.ctx, "to@example.com", minutes(3), limit)
		e.ok(err, "Addressed")
		got := [4]int{len(tied), len(connected), len(events), len(addressed)}
		e.holds(got == [4]int{50, 50, 50, 50}, "with the limit %d, reachers, a client's connections, events and addressed requests "+
			"have %v entries, want 50 each", limit, got)
	}
}
