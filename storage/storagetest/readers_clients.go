package storagetest

import (
	"fmt"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// clientChecks prove the answers about client records, their sites, setup links
// and views.
func clientChecks() []check {
	const wrong = "services decide on what a reader answers, and on nothing else"
	const status = "an account sees how far it has come with a client; a status that is wrong mails twice, or never (C2)"
	const apart = "another account's record of the same person is another record, and nobody learns of it (C9, A52)"
	return []check{
		{"an account's clients are listed newest first, with their live sites, in any of the statuses asked for", status, checkClientRecords},
		{"an account's live sites are listed newest first", wrong, checkSites},
		{"a client is recorded by the address, the user, the id and the site that are asked about", wrong, checkRecording},
		{
			"a client record gives its user the sites that are live, and only while it is there",
			"a site that was taken away or removed must give nothing, at once (C5, A73)", checkGrants,
		},
		{"a standing holds the client record that is there, of that account alone", apart, checkClientStanding},
		{"a user reaches an account as a client while the record counts", "a suspended client sees nothing, by any route (C7, A73)", checkClientReach},
		{"records of one person in many accounts know nothing of each other", apart, checkClientApart},
		{"an invitation tells of a client with its address, and an answer of the joiner's", wrong, checkInvitingClient},
		{"a setup link is found by its client, or by the hash of its newest secret", "an older link must be dead (A03)", checkSetupKeys},
		{"a setup is decided by the client, who has the address, and who would join", wrong, checkSettingUp},
		{"a view is found by its id, its link or its secret, whatever its state", "a link that was opened, and a secret that ended, must be told apart from none (A66)", checkViewKeys},
		{"a view is decided by its viewer, their session and standing, and the client as they are", wrong, checkViewing},
	}
}

// siteFact is how a client has sites.
type siteFact struct {
	name   string
	live   bool
	access func(client string) []any
}

func siteFacts() []siteFact {
	return []siteFact{
		{"none", false, func(string) []any { return nil }},
		{"live", true, func(c string) []any { return []any{given("a", c, "live", "site.see", "site.edit")} }},
		{"empty", true, func(c string) []any { return []any{given("a", c, "live")} }},
		{"ended", false, func(c string) []any {
			g := given("a", c, "live", "site.see")
			g.EndedAt = minutes(1)
			return []any{g}
		}},
		{"removed", false, func(c string) []any { return []any{given("a", c, "removed", "site.see")} }},
		{"both", true, func(c string) []any {
			g := given("a", c, "removed", "site.see")
			return []any{g, given("a", c, "second", "site.see"), given("a", c, "live", "site.edit")}
		}},
	}
}

// recordsFixture has a client with every combination of facts in account a,
// three of a moment, and returns them as they are listed. Between them are
// deleted ones, and others are in account b.
func (e *env) recordsFixture(st storage.Storage) []accounts.ClientEntry {
	e.Helper()
	removed, live, second := site("a", "removed"), site("a", "live"), site("a", "second")
	removed.RemovedAt = minutes(1)
	rows := []any{
		user("w"), account("a"), account("b"), removed, live, second, site("b", "live"), record("b", "elsewhere"),
		given("b", "elsewhere", "live", "site.see"),
	}
	var list []accounts.ClientEntry
	for bits := range 8 {
		for _, f := range siteFacts() {
			c := record("a", fmt.Sprintf("%d-%s", bits, f.name))
			c.CreatedAt = minutes(-len(list) / 3)
			if bits&1 != 0 {
				c.InvitedAt = minutes(1)
			}
			if bits&2 != 0 {
				c.ActiveAt = minutes(2)
			}
			if bits&4 != 0 {
				c.SuspendedAt = minutes(3)
			}
			gone := c
			gone.ID, gone.DeletedAt = "gone-"+c.ID, minutes(4)
			rows = append(rows, c, gone)
			rows = append(append(rows, f.access(string(c.ID))...), f.access(string(gone.ID))...)
			c.Version = 1
			entry := accounts.ClientEntry{Client: c}
			switch f.name {
			case "live":
				entry.Sites = []accounts.SiteGrant{grantOf(live, "site.see", "site.edit")}
			case "empty":
				entry.Sites = []accounts.SiteGrant{grantOf(live)}
			case "both":
				entry.Sites = []accounts.SiteGrant{grantOf(live, "site.edit"), grantOf(second, "site.see")}
			}
			list = append(list, entry)
		}
	}
	e.put(st, rows...)
	slices.SortFunc(list, func(a, b accounts.ClientEntry) int { return newestRecord(a.Cursor(), b.Cursor()) })
	return list
}

func (e *env) records(st storage.Storage, q accounts.ClientRecordQuery) []accounts.ClientEntry {
	e.Helper()
	if q.Limit == 0 {
		q.Limit = all
	}
	got, err := st.ClientRecords(e.ctx, q)
	e.ok(err, "ClientRecords")
	return got
}

func checkClientRecords(e *env) {
	st := e.open()
	want := e.recordsFixture(st)
	e.same(e.records(st, accounts.ClientRecordQuery{Account: "a"}), want, "an account's clients, newest first")
	in := func(states ...accounts.ClientStatus) []accounts.ClientEntry {
		return slices.DeleteFunc(slices.Clone(want), func(x accounts.ClientEntry) bool { return !slices.Contains(states, statusOf(x)) })
	}
	states := append(accounts.ClientStatuses(), "nonsense", "deleted", "")
	sum := 0
	for i, s := range states {
		sum += len(in(s))
		for _, list := range [][]accounts.ClientStatus{{s}, {s, states[(i+1)%len(states)]}, {s, s}} {
			e.same(e.records(st, accounts.ClientRecordQuery{Account: "a", Statuses: list}), in(list...), "clients of the statuses %v", list)
		}
	}
	e.holds(sum == len(want), "of %d clients %d have a status", len(want), sum)
	e.same(e.records(st, accounts.ClientRecordQuery{Account: "a", Statuses: states}), want, "clients of any status")
	for _, x := range want[:9] {
		q := accounts.ClientRecordQuery{Account: "a", Client: x.Client.ID}
		e.same(e.records(st, q), []accounts.ClientEntry{x}, "one client")
		q.Statuses = []accounts.ClientStatus{statusOf(x)}
		e.same(e.records(st, q), []accounts.ClientEntry{x}, "one client, of its status")
		q.Statuses = slices.DeleteFunc(accounts.ClientStatuses(), func(s accounts.ClientStatus) bool { return s == statusOf(x) })
		e.same(e.records(st, q), nil, "one client, of any other status")
		q = accounts.ClientRecordQuery{Account: "a", Client: x.Client.ID, Search: "name of nobody"}
		e.same(e.records(st, q), nil, "one client, and a search that it does not fit")
		q = accounts.ClientRecordQuery{Account: "a", Client: x.Client.ID, Before: x.Cursor()}
		e.same(e.records(st, q), nil, "one client, behind itself")
	}
	for _, q := range []accounts.ClientRecordQuery{
		{Account: "nowhere"},
		{Account: "A"},
		{Account: "b", Client: want[0].Client.ID},
		{Account: "a", Client: "elsewhere"},
		{Account: "a", Client: "gone-" + want[0].Client.ID},
		{},
	} {
		e.same(e.records(st, q), nil, "the clients of %s", text(q))
	}
}

// statusOf says what the facts of a client make of it, as the contract has it.
func statusOf(x accounts.ClientEntry) accounts.ClientStatus {
	c := x.Client
	switch {
	case !c.SuspendedAt.IsZero():
		return "suspended"
	case !c.ActiveAt.IsZero():
		return "active"
	case !c.InvitedAt.IsZero():
		return "invited"
	case len(x.Sites) > 0:
		return "site-assigned"
	}
	return "lead"
}

func newestRecord(a, b accounts.ClientCursor) int {
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return b.CreatedAt.Compare(a.CreatedAt)
	}
	return -compareText(a.ID, b.ID)
}

func checkSites(e *env) {
	st := e.open()
	e.put(st, account("a"), account("b"), site("b", "elsewhere"))
	var want []accounts.Site
	var rows []any
	for i, id := range []string{"c", "B", "a", "2", "10", "1"} {
		s, gone := site("a", id), site("a", "gone-"+id)
		s.CreatedAt = minutes(-i / 2)
		gone.CreatedAt, gone.RemovedAt = s.CreatedAt, minutes(1)
		rows = append(rows, s, gone)
		s.Version = 1
		want = append(want, s)
	}
	e.put(st, rows...)
	slices.SortFunc(want, func(a, b accounts.Site) int { return newestSite(a.Cursor(), b.Cursor()) })
	for account, want := range map[accounts.AccountID][]accounts.Site{"a": want, "nowhere": nil, "A": nil} {
		got, err := st.Sites(e.ctx, accounts.SiteQuery{Account: account, Limit: all})
		e.ok(err, "Sites")
		e.same(got, want, "the sites of %q", account)
	}
}

func newestSite(a, b accounts.SiteCursor) int {
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return b.CreatedAt.Compare(a.CreatedAt)
	}
	return -compareText(a.ID, b.ID)
}

func compareText[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (e *env) recording(st storage.Storage, q accounts.RecordingQuery) accounts.Recording {
	e.Helper()
	got, err := st.Recording(e.ctx, q)
	e.ok(err, "Recording(%s)", text(q))
	return got
}

func checkRecording(e *env) {
	st := e.open()
	gone, out := user("gone"), user("out")
	gone.DeletedAt, out.SuspendedAt = minutes(1), minutes(1)
	suspended, left := member("a", "suspended", roles.Viewer), member("a", "left", roles.Viewer)
	suspended.SuspendedAt, left.EndedAt = minutes(1), minutes(1)
	c, paused, deleted, bare := recordOf("a", "c", "w"), record("a", "paused"), recordOf("a", "deleted", "x"), record("a", "bare")
	paused.SuspendedAt, deleted.DeletedAt, deleted.SuspendedAt = minutes(1), minutes(2), minutes(1)
	ended, removed, none := given("a", "c", "ended", "site.see"), site("a", "removed"), given("a", "c", "none")
	ended.EndedAt, removed.RemovedAt = minutes(1), minutes(1)
	e.put(st, user("w"), user("x"), user("m"), user("suspended"), user("left"), user("elsewhere"), gone, out, account("a"), account("b"),
		member("a", "m", roles.Owner), member("a", "gone", roles.Viewer), member("a", "out", roles.Viewer), suspended, left,
		member("b", "elsewhere", roles.Viewer), c, paused, deleted, bare, recordOf("b", "c", "x"), recordOf("b", "other", "w"),
		site("a", "p"), site("a", "none"), site("a", "ended"), site("a", "free"), removed, site("b", "p"),
		given("a", "c", "p", "site.see"), none, ended, given("a", "c", "removed", "site.see"), given("a", "deleted", "p", "site.see"),
		given("b", "c", "p"))

	a, w, x := account("a"), user("w"), user("x")
	a.Version, w.Version, x.Version, c.Version, paused.Version, deleted.Version, bare.Version, removed.Version, ended.Version = 1, 1, 1, 1, 1, 1, 1, 1, 1
	ask := func(q accounts.RecordingQuery, change func(r *accounts.Recording), what string) {
		e.Helper()
		q.Account = "a"
		want := accounts.Recording{Account: a}
		change(&want)
		got := e.recording(st, q)
		if q.Client == "" || q.Site == "" {
			got = recordingWithoutKeys(got)
		}
		e.same(got, want, "Recording, %s", what)
	}
	type R = accounts.Recording
	type Q = accounts.RecordingQuery
	none1 := func(*R) {}
	ask(Q{}, none1, "of nothing")
	ask(Q{Client: "c"}, func(r *R) { r.Client, r.User, r.Assigned = c, w, 2 }, "a client")
	ask(Q{Client: "paused"}, func(r *R) { r.Client = paused }, "a suspended client")
	ask(Q{Client: "deleted"}, func(r *R) { r.Client, r.User = deleted, x }, "a deleted client, whose sites count no more")
	ask(Q{Client: "missing"}, none1, "a client that never was")
	ask(Q{Client: "other"}, none1, "a client of another account")
	ask(Q{Email: "c@example.com"}, func(r *R) { r.Taken = c.ClientState }, "a client's address")
	ask(Q{Email: "paused@example.com"}, func(r *R) { r.Taken = paused.ClientState }, "a suspended client's address")
	for _, email := range []accounts.Email{"deleted@example.com", "C@example.com", "other@example.com", "w@example.com"} {
		ask(Q{Email: email}, none1, "an address that no client has here: "+string(email))
	}
	ask(Q{User: "w"}, func(r *R) { r.Taken = c.ClientState }, "a client's user")
	ask(Q{User: "x"}, none1, "a user who is a client of another account, and was here")
	ask(Q{User: "w", Email: "bare@example.com"}, func(r *R) { r.Taken = bare.ClientState }, "an address before a user")
	ask(Q{User: "w", Email: "free@example.com"}, func(r *R) { r.Taken = c.ClientState }, "a free address, and a client's user")
	for _, id := range []string{"m", "out", "suspended"} {
		ask(Q{Email: address(id)}, func(r *R) { r.Member = true }, "the address of a member who has not ended: "+id)
	}
	for _, id := range []string{"gone", "left", "elsewhere", "nobody"} {
		ask(Q{Email: address(id)}, none1, "the address of no member: "+id)
	}
	ask(Q{User: "m"}, none1, "a member's user, of whom nobody asked the address")
	key := func(client, site string) accounts.SiteAccess { return given("a", client, site) }
	with := func(g accounts.SiteAccess, change func(r *R)) func(r *R) {
		return func(r *R) {
			if change != nil {
				change(r)
			}
			if r.Access = g; g.Version == 0 {
				r.Access = accounts.SiteAccess{SiteAccessKey: g.SiteAccessKey}
			}
		}
	}
	p, free, empty := site("a", "p"), site("a", "free"), site("a", "none")
	p.Version, free.Version, empty.Version = 1, 1, 1
	may := given("a", "c", "p", "site.see")
	may.Version, none.Version = 1, 1
	ask(Q{Site: "p"}, func(r *R) { r.Site = p }, "a site")
	ask(Q{Site: "removed"}, func(r *R) { r.Site = removed }, "a removed site")
	ask(Q{Site: "missing"}, none1, "a site that never was")
	of := func(s accounts.Site) func(r *R) {
		return func(r *R) { r.Site, r.Client, r.User, r.Assigned = s, c, w, 2 }
	}
	ended1 := site("a", "ended")
	ended1.Version = 1
	ask(Q{Client: "c", Site: "p"}, with(may, of(p)), "what a client may do")
	ask(Q{Client: "c", Site: "none"}, with(none, of(empty)), "a client who may do nothing on a site")
	ask(Q{Client: "c", Site: "ended"}, with(ended, of(ended1)), "an access that ended")
	ask(Q{Client: "c", Site: "free"}, with(key("c", "free"), of(free)), "a client without access to a site")
	ask(Q{Client: "c", Site: "missing"}, with(key("c", "missing"), of(accounts.Site{})), "a client, and a site that never was")
	ask(Q{Client: "missing", Site: "p"}, with(key("missing", "p"), func(r *R) { r.Site = p }), "a site, and a client that never was")
	for _, id := range []accounts.AccountID{"nowhere", "", "A"} {
		got, err := st.Recording(e.ctx, Q{Account: id, Client: "c", Email: "c@example.com", User: "w", Site: "p"})
		e.is(err, accounts.ErrNotFound, "Recording at an account that does not exist")
		e.same(got, accounts.Recording{}, "Recording beside an error")
	}
}
