package memory_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// Lists come in the order of name keys, then ids, by bytes, in pages that
// leave nothing out and repeat nothing, and stay so when accounts and people
// are renamed. The reference sorts everything each time.
func TestStore_pages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		st := memory.New()
		names := map[accounts.AccountID]string{"ag": "Agency ag"}
		people := map[accounts.UserID]string{}
		c := change("setup", agency("ag"), user("u"), member("ag", "u", roles.Owner))
		people["u"] = "Name of u"
		name := rapid.SampledFrom([]string{"", "a", "A  b", "ab", "Äb", "b", "zz", "é", "e\u0301", "Z"})
		for _, n := range rapid.Permutation(seq(rapid.IntRange(1, 400).Draw(t, "accounts"))).Draw(t, "order") {
			id := fmt.Sprintf("c%03d", n)
			names[accounts.AccountID(id)] = name.Draw(t, "name")
			c.Accounts = append(c.Accounts, account(id, names[accounts.AccountID(id)]))
			c.Connections = append(c.Connections, connection(id, "ag"))
			c.Assignments = append(c.Assignments, assignment(id, "ag", "u"))
			if n%3 == 0 {
				c.Memberships = append(c.Memberships, member(id, "u", roles.Viewer))
			} else if n%5 == 0 {
				c.Clients = append(c.Clients, joined(record(id, "r"), "u"))
			}
			who := user(fmt.Sprintf("u%03d", n))
			who.Name = name.Draw(t, "person")
			people[who.ID] = who.Label()
			c.Users = append(c.Users, who)
			c.Memberships = append(c.Memberships, member("ag", string(who.ID), roles.Viewer))
		}
		require.NoError(t, st.ApplyAccess(ctx, c))
		for op := range rapid.IntRange(0, 30).Draw(t, "renames") {
			id := rapid.SampledFrom(c.Accounts).Draw(t, "which").ID
			a, err := st.Account(ctx, id)
			require.NoError(t, err)
			a.Name = name.Draw(t, "new name")
			names[id] = a.Name
			u, err := st.User(ctx, accounts.UserKey{ID: rapid.SampledFrom(c.Users).Draw(t, "who").ID})
			require.NoError(t, err)
			u.Name = name.Draw(t, "new person")
			people[u.ID] = u.Label()
			require.NoError(t, st.ApplyAccess(ctx, change(fmt.Sprint("rename", op), a, u)))
		}
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		part := rapid.SampledFrom([]string{"", "b", "Ä", "A  B"}).Draw(t, "search")

		var want, got []string
		for id, n := range names {
			if !strings.Contains(accounts.NameKey(n), accounts.NameKey(part)) {
				continue
			}
			key := accounts.NameKey(n) + "\x00" + string(id) + "\x00"
			if id == "ag" {
				want = append(want, key+string(accounts.RouteMember))
				continue
			}
			want = append(want, key+string(accounts.RouteDelegate))
			if slices.ContainsFunc(c.Memberships, func(m accounts.Membership) bool { return m.Account == id }) {
				want = append(want, key+string(accounts.RouteMember))
			}
			if slices.ContainsFunc(c.Clients, func(r accounts.Client) bool { return r.Account == id }) {
				want = append(want, key+string(accounts.RouteClient))
			}
		}
		slices.SortFunc(want, func(a, b string) int {
			first := strings.NewReplacer("\x00member", "\x000", "\x00client", "\x000")
			return cmp.Compare(first.Replace(a), first.Replace(b))
		})
		q := accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Search: part, Limit: limit}
		for {
			page, err := st.Reach(ctx, q)
			require.NoError(t, err)
			for _, r := range page {
				got = append(got, accounts.NameKey(r.Name)+"\x00"+string(r.Account)+"\x00"+string(r.Kind))
			}
			if len(page) < limit {
				break
			}
			q.After = page[limit-1].Cursor()
		}
		require.Equal(t, want, got)

		want, got = nil, nil
		for id, n := range names {
			if id != "ag" && strings.Contains(accounts.NameKey(n), accounts.NameKey(part)) {
				want = append(want, accounts.NameKey(n)+"\x00"+string(id))
			}
		}
		slices.Sort(want)
		cq := accounts.ConnectionQuery{Agency: "ag", Search: part, Limit: limit}
		for {
			page, err := st.Connections(ctx, cq)
			require.NoError(t, err)
			for _, r := range page {
				got = append(got, accounts.NameKey(r.Other.Name)+"\x00"+string(r.Other.ID))
			}
			if len(page) < limit {
				break
			}
			cq.After = page[limit-1].Cursor()
		}
		require.Equal(t, want, got)

		want, got = nil, nil
		for id, label := range people {
			want = append(want, accounts.NameKey(label)+"\x00"+string(id))
		}
		slices.Sort(want)
		mq := accounts.MemberQuery{Account: "ag", Limit: limit}
		for {
			page, err := st.Members(ctx, mq)
			require.NoError(t, err)
			for _, m := range page {
				got = append(got, accounts.NameKey(m.User.Label())+"\x00"+string(m.User.ID))
			}
			if len(page) < limit {
				break
			}
			mq.After = page[limit-1].Cursor()
		}
		require.Equal(t, want, got)
	})
}

func seq(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// What the lists of what can be entered hold is what the rights say: there is
// one notion of a route that counts (I-08, I-10, A41, A50, A51).
func TestStore_Reach_agreesWithRights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		u, client, ag := user("u"), account("c", "Client"), agency("ag")
		here, there := member("c", "u", roles.Admin), member("ag", "u", roles.Admin)
		conn, x := connection("c", "ag"), assignment("c", "ag", "u")
		isMember := rapid.Bool().Draw(t, "is a member of the client")
		here.After, there.After = rapid.Int64Range(0, 2).Draw(t, "after here"), rapid.Int64Range(0, 2).Draw(t, "after there")
		spoil := []func(){ // each breaks something that a route rests on
			func() { u.SuspendedAt = start }, func() { u.DeletedAt = start },
			func() { client.SuspendedAt = start }, func() { client.ClosedAt = start },
			func() { ag.SuspendedAt = start }, func() { ag.ClosedAt = start }, func() { ag.Epoch++ },
			func() { ag.ClientAccessAt = time.Time{} }, func() { ag.ProgrammeAt = time.Time{} },
			func() { here.SuspendedAt = start }, func() { here.EndedAt = start },
			func() { there.SuspendedAt = start }, func() { there.EndedAt = start }, func() { there.Epoch++ },
			func() { conn.EndedAt = start }, func() { conn.Epoch++ }, func() { x.EndedAt = start },
		}
		for range rapid.IntRange(0, 2).Draw(t, "spoilt") {
			spoil[rapid.IntRange(0, len(spoil)-1).Draw(t, "what")]()
		}
		c := change("op", u, client, ag, there, conn, x)
		if isMember {
			c.Memberships = append(c.Memberships, here)
		}
		st := memory.New()
		require.NoError(t, st.ApplyAccess(ctx, c))

		proof := accounts.Proof{Login: rapid.Int64Range(0, 3).Draw(t, "login")}
		page, err := st.Reach(ctx, accounts.ReachQuery{User: "u", Proof: proof})
		require.NoError(t, err)
		for _, id := range []accounts.AccountID{"c", "ag"} {
			standings, err := st.Standings(ctx, []accounts.StandingKey{{User: "u", Account: id}})
			require.NoError(t, err)
			rights := standings[0].Rights(roles.Standard(), proof)
			listed := func(kind accounts.RouteKind) bool {
				return slices.ContainsFunc(page, func(r accounts.Reached) bool { return r.Account == id && r.Kind == kind })
			}
			require.Equal(t, rights.Direct() != "", listed(accounts.RouteMember), "direct at %s", id)
			require.Equal(t, rights.Delegated() != "", listed(accounts.RouteDelegate), "delegated at %s", id)
		}
	})
}

func TestStore_Reachers(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", agency("ag"), agency("bg"), account("c", "C"), user("a"), user("b"), user("d"), user("e"),
		member("c", "a", roles.Owner), member("c", "d", roles.Viewer), member("ag", "b", roles.Admin), member("bg", "b", roles.Admin),
		member("ag", "d", roles.Admin), member("bg", "e", roles.Admin), connection("c", "ag"), connection("c", "bg"),
		assignment("c", "ag", "b"), assignment("c", "bg", "b"), assignment("c", "ag", "d"), assignment("c", "bg", "e"))
	ask := func(q accounts.ReachersQuery) string {
		q.Account = "c"
		page, err := st.Reachers(t.Context(), q)
		require.NoError(t, err)
		var ids []string
		for _, s := range page {
			ids = append(ids, fmt.Sprintf("%s%d", s.User.ID, len(s.Routes)))
		}
		return strings.Join(ids, " ")
	}
	t.Run("everybody with a tie is listed once, by id", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "a0 b2 d1 e1", ask(accounts.ReachersQuery{}))
	})
	t.Run("with an agency, only those assigned through it", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "b2 d1", ask(accounts.ReachersQuery{Agency: "ag"}))
		require.Equal(t, "e1", ask(accounts.ReachersQuery{Agency: "bg", After: "b"}))
	})
	t.Run("pages go on behind the cursor", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "b2 d1", ask(accounts.ReachersQuery{After: "a", Limit: 2}))
	})
}

func TestStore_Clients(t *testing.T) {
	t.Parallel()
	st := memory.New()
	approved := request("ag", "r1", "one@example.com")
	approved.State, approved.Client = access.Approved, "c"
	declined := request("ag", "r2", "two@example.com")
	declined.State, declined.Client = access.Declined, "c"
	conn := connection("c", "ag")
	conn.Request = "r1"
	put(t, st, "setup", agency("ag"), account("c", "Café  Ünal"), approved, declined, conn, request("ag", "r3", "three@example.com"))
	ask := func(q access.ClientsQuery) string {
		q.Agency, q.At = "ag", start
		page, err := st.Clients(t.Context(), q)
		require.NoError(t, err)
		var ids []string
		for _, c := range page {
			ids = append(ids, string(c.Request.ID)+":"+string(c.StateAt(start)))
		}
		return strings.Join(ids, " ")
	}
	for _, c := range []struct {
		name string
		when access.ClientsQuery
		want string
	}{
		{"all are listed, newest first and then by id", access.ClientsQuery{}, "r3:pending r2:declined r1:connected"},
		{"a search fits a part of the address, in any case", access.ClientsQuery{Search: "ONE@"}, "r1:connected"},
		{"a search fits a part of the connected account's name, by its name key", access.ClientsQuery{Search: "café ü"}, "r1:connected"},
		{"a filter keeps the states that are asked for", access.ClientsQuery{States: []access.ClientState{access.ClientDeclined, access.ClientPending}}, "r3:pending r2:declined"},
		{"a page starts behind the cursor", access.ClientsQuery{Before: access.ClientCursor{CreatedAt: start, ID: "r3"}, Limit: 1}, "r2:declined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, ask(c.when))
		})
	}
}

// Lists that go from the newest down leave nothing out, however long they are.
func TestStore_newestFirst(t *testing.T) {
	t.Parallel()
	const n = 1000
	st := memory.New()
	put(t, st, "setup", user("u"), agency("ag"))
	for i := range n {
		at, id := start.Add(time.Duration(i*7919%n)*time.Second), fmt.Sprintf("%04d", i*7919%n)
		r := request("ag", id, id+"@example.com")
		r.CreatedAt = at
		put(t, st, id, r, session(id, "u"), event(id, 1, "ag", at))
	}
	var want, clients, sessions, events []string
	for i := range n {
		want = append(want, fmt.Sprintf("%04d", n-1-i))
	}
	cq, sq := access.ClientsQuery{Agency: "ag", Limit: 30}, access.SessionsQuery{User: "u", Limit: 30}
	eq := accounts.EventQuery{Account: "ag", Limit: 30}
	for len(clients) < n {
		cs, err := st.Clients(t.Context(), cq)
		require.NoError(t, err)
		ss, err := st.Sessions(t.Context(), sq)
		require.NoError(t, err)
		es, err := st.Events(t.Context(), eq)
		require.NoError(t, err)
		full := min(30, n-len(clients))
		require.Equal(t, []int{full, full, full}, []int{len(cs), len(ss), len(es)}, "a page in the middle is full")
		for i := range cs {
			clients = append(clients, string(cs[i].Request.ID))
			sessions, events = append(sessions, string(ss[i].ID)), append(events, string(es[i].Op))
		}
		last := len(cs) - 1
		cq.Before, sq.Before, eq.Before = cs[last].Cursor(), ss[last].ID, es[last].Cursor()
	}
	require.Equal(t, want, clients)
	require.Equal(t, want, sessions)
	require.Equal(t, want, events)
}

// An address is told of what can still be decided, and of nothing else.
func TestStore_Addressed(t *testing.T) {
	t.Parallel()
	st := memory.New()
	old := request("bg", "old", "x@example.com")
	old.ExpiresAt = start.Add(time.Hour)
	paused := agency("pg")
	paused.SuspendedAt = start
	put(t, st, "setup", agency("ag"), agency("bg"), paused, request("ag", "r", "x@example.com"), old,
		request("pg", "p", "x@example.com"), request("ag", "other", "y@example.com"))
	ask := func(at time.Time, limit int) string {
		list, err := st.Addressed(t.Context(), "x@example.com", at, limit)
		require.NoError(t, err)
		var ids []string
		for _, c := range list {
			ids = append(ids, string(c.Request.ID))
		}
		return strings.Join(ids, " ")
	}
	require.Equal(t, "r old", ask(start, 0))
	require.Equal(t, "r", ask(start, 1))
	require.Equal(t, "r", ask(start.Add(time.Hour), 9), "exactly at its end a request is expired")
	r := request("ag", "r", "x@example.com")
	r.Version = 1
	put(t, st, "resent", r)
	require.Equal(t, "r old", ask(start, 9), "one that was sent again is listed once")
	r.Version, r.State = 2, access.Withdrawn
	put(t, st, "withdrawn", r)
	require.Equal(t, "old", ask(start, 9))
	put(t, st, "again", request("ag", "r2", "x@example.com"))
	require.Equal(t, "r2 old", ask(start, 9), "one that was withdrawn does not block")
}

// A batch learns of an address only what this agency did with it (A54).
func TestStore_Drafting(t *testing.T) {
	t.Parallel()
	st := memory.New()
	rows := []any{agency("ag"), agency("bg"), user("u"), member("ag", "u", roles.Viewer), request("bg", "r", "new@example.com")}
	for _, id := range []string{"live", "ended", "closed", "later"} {
		r, a, c := request("ag", id, id+"@example.com"), account(id, id), connection(id, "ag")
		r.State, r.Client, c.Request = access.Approved, a.ID, r.ID
		switch id {
		case "ended":
			c.EndedAt = start
		case "closed":
			a.ClosedAt = start
		case "later":
			c.Request = "another"
		}
		rows = append(rows, r, a, c)
	}
	put(t, st, "setup", rows...)
	want := []access.Recipient{
		{Email: "new@example.com"},
		{Email: "live@example.com", Connected: true},
		{Email: "ended@example.com"},
		{Email: "closed@example.com"},
		{Email: "later@example.com"},
		{Email: "u@example.com", Own: true},
	}
	q := access.DraftingQuery{Agency: "ag"}
	for _, r := range want {
		q.Emails = append(q.Emails, r.Email)
	}
	d, err := st.Drafting(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, want, d.Recipients)
}
