package storagetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
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
	rows := []any{
		user("u"), account("a"), agency("g"), agency("h"), account("audited"), member("g", "u", roles.Owner),
		account("inviting"), manages("inviting", "u"), account("keeping"),
	}
	var events, dead, offers []any
	for i := range entries {
		id := fmt.Sprintf("%c%d", "zAb"[i%3], i)
		client, other, u := account("c"+id), agency("d"+id), user("v"+id)
		client.Name, other.Name, u.Name = fmt.Sprint("Name ", i/4), fmt.Sprint("Name ", i/4), fmt.Sprint("Name ", i/4)
		toG, toOther := connection("c"+id, "g", roles.Admin), connection("a", "d"+id, roles.Admin)
		mine, theirs := request("g", "r"+id, address("r"+id), "u"), request("h", "r"+id, address("r"+id), "u")
		mine.CreatedAt, theirs.CreatedAt = minutes(i/4), minutes(i/4)
		for j, inviter := range []string{"u", "nobody"} {
			o := invitation("inviting", fmt.Sprint(inviter[:1], id), address(fmt.Sprint(j, id)), inviter)
			o.CreatedAt = minutes(i / 4)
			offers = append(offers, o)
		}
		rows = append(rows, keptPage(id, i)...)
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
	e.put(st, offers...)
	e.put(st, events...)
	var assigned []any
	for _, row := range rows {
		if m, ok := row.(accounts.Membership); ok && m.Account == "g" {
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

// keptPage is a client that counts in every list of clients, and one that does
// not, each with a site.
func keptPage(id string, i int) []any {
	kept, site1, gone, site2 := record("keeping", "k"+id), site("keeping", "k"+id), record("keeping", "x"+id), site("keeping", "x"+id)
	lead, invited := record("keeping", "l"+id), record("keeping", "i"+id)
	kept.CreatedAt, site1.CreatedAt, gone.CreatedAt, site2.CreatedAt = minutes(i/4), minutes(i/4), minutes(i/4), minutes(i/4)
	lead.CreatedAt, invited.CreatedAt = minutes(i/4), minutes(i/4)
	kept.ActiveAt, invited.InvitedAt, gone.DeletedAt, site2.RemovedAt = minutes(1), minutes(1), minutes(1), minutes(1)
	return []any{
		kept, site1, gone, site2, lead, invited, given("keeping", "k"+id, "k"+id, "site.see"), given("keeping", "l"+id, "x"+id),
	}
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
		{"an account's invitations", invites.Cursor{CreatedAt: minutes(1000)}, -1},
		{"an account's invitations", invites.Cursor{CreatedAt: start.Add(-time.Microsecond)}, 0},
		{"an account's invitations in one state", invites.Cursor{CreatedAt: minutes(2), ID: "~"}, -1},
		{"an account's invitations in one state", invites.Cursor{CreatedAt: start, ID: "!"}, 0},
		{"an account's clients", accounts.ClientCursor{CreatedAt: minutes(1000)}, -1},
		{"an account's clients", accounts.ClientCursor{CreatedAt: minutes(2), ID: "~"}, -1},
		{"an account's clients", accounts.ClientCursor{CreatedAt: start, ID: "!"}, 0},
		{"an account's clients in two statuses that fit a search", accounts.ClientCursor{CreatedAt: minutes(2), ID: "~"}, -1},
		{"an account's clients in two statuses that fit a search", accounts.ClientCursor{CreatedAt: start.Add(-time.Microsecond)}, 0},
		{"an account's sites", accounts.SiteCursor{CreatedAt: minutes(1000)}, -1},
		{"an account's sites", accounts.SiteCursor{CreatedAt: start, ID: "!"}, 0},
		{"an account's sites that fit a search", accounts.SiteCursor{CreatedAt: minutes(2), ID: "~"}, -1},
		{"an account's sites that fit a search", accounts.SiteCursor{CreatedAt: start, ID: "!"}, 0},
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
	rows := []any{user("u"), agency("g"), account("a"), account("inviting"), manages("inviting", "u"), account("keeping")}
	var offers []any
	for i := range 60 {
		id := fmt.Sprintf("%02d", i)
		m := request("a"+id, id, "to@example.com", "u")
		offers = append(offers, invitation("inviting", id, address(id), "u"), invitation("a"+id, id, "to@example.com", "u"))
		rows = append(rows, user("u"+id), agency("a"+id), identity(id, "u"), member("g", "u"+id, roles.Viewer), manages("a"+id, "u"),
			connection("a"+id, "g", roles.Viewer), connection("a", "a"+id, roles.Viewer), session("s"+id, "u"), m,
			record("keeping", id), site("keeping", id), request("g", "r"+id, address("r"+id), "u"), event("unlimited", i+1, "g", minutes(i)))
	}
	e.put(st, rows...)
	e.put(st, offers...)
	for _, limit := range []int{0, -1} {
		for _, l := range lists() {
			switch l.name {
			case "what a user can reach", "members", "an agency's connections", "an agency's clients", "a user's sessions",
				"an account's invitations", "an account's clients", "an account's sites":
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
		invited, err := st.InvitationsTo(e.ctx, "to@example.com", minutes(3), limit)
		e.ok(err, "InvitationsTo")
		held, err := st.Held(e.ctx, accounts.HeldQuery{Kind: accounts.HeldIdentity, User: "u", Limit: limit})
		e.ok(err, "Held")
		got := [6]int{len(tied), len(connected), len(events), len(addressed), len(invited), len(held)}
		e.holds(got == [6]int{50, 50, 50, 50, 50, 50}, "with the limit %d, reachers, a client's connections, events, addressed requests, "+
			"invitations to an address and what is held have %v entries, want 50 each", limit, got)
	}
}
