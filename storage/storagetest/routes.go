package storagetest

import (
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// routeChecks prove what can be entered, over ways in that live and ways that
// died of each possible cause.
func routeChecks() []check {
	const dead = "a chooser that shows a dead way in tempts, and one that hides a living way locks out (A37, A50, A64)"
	return []check{
		{"a user reaches what a living route leads to, and nothing else", dead, checkReach},
		{"a reactivated membership counts for later logins alone", "reactivation must revive no session (A74)", checkProof},
		{"a suspended or deleted user, and one who does not exist, reach nothing", dead, checkReachNobody},
		{"what Reach lists is what Standings explain", "the chooser and the check must not disagree (A99)", checkReachAgrees},
		{
			"those with any tie to an account, dead or alive, are listed with their whole standing",
			"who can see this account, and why not, must have an answer for everybody (A36)", checkReachers,
		},
		{"every reader agrees with the plain model over the same facts", dead, func(e *env) {
			st, m := e.open(), newModel()
			e.routes(st, m)
			e.agrees(st, m)
		}},
	}
}

// route is one way for user u into an account of its own name.
type route struct {
	account string
	agency  string // "": as a member
	alive   bool
	change  func(f *facts)
}

// facts is what a route rests on.
type facts struct {
	account, agency accounts.Account
	member, there   accounts.Membership // at the agency, and at the account
	direct          bool                // there is a membership at the account
	connection      accounts.Connection
	assignment      accounts.Assignment
}

func allRoutes() []route {
	ended := minutes(1)
	return []route{
		{"d-alive", "", true, func(*facts) {}},
		{"d-ended", "", false, func(f *facts) { f.there.EndedAt = ended }},
		{"d-suspended", "", false, func(f *facts) { f.there.SuspendedAt = ended }},
		{"d-paused", "", false, func(f *facts) { f.account.SuspendedAt = ended }},
		{"d-closed", "", false, func(f *facts) { f.account.ClosedAt = ended }},
		{"x-alive", "g-alive", true, func(*facts) {}},
		{"x-was-member", "g-was-member", true, func(f *facts) { f.direct, f.there.EndedAt = true, ended }},
		{"x-barred", "g-barred", false, func(f *facts) { f.direct, f.there.SuspendedAt = true, ended }},
		{"x-removed", "g-removed", false, func(f *facts) { f.direct, f.there.SuspendedAt, f.there.EndedAt = true, ended, ended }},
		{"x-paused", "g-x-paused", false, func(f *facts) { f.account.SuspendedAt = ended }},
		{"x-closed", "g-x-closed", false, func(f *facts) { f.account.ClosedAt = ended }},
		{"x-agency-closed", "g-closed", false, func(f *facts) { f.agency.ClosedAt = ended }},
		{"x-agency-paused", "g-paused", false, func(f *facts) { f.agency.SuspendedAt = ended }},
		{"x-no-programme", "g-no-programme", false, func(f *facts) { f.agency.ProgrammeAt = time.Time{} }},
		{"x-disabled", "g-disabled", false, func(f *facts) { f.agency.ClientAccessAt = time.Time{} }},
		{"x-agency-epoch", "g-epoch", false, func(f *facts) { f.agency.Epoch++ }},
		{"x-connection-ended", "g-connection-ended", false, func(f *facts) { f.connection.EndedAt = ended }},
		{"x-connection-epoch", "g-connection-epoch", false, func(f *facts) { f.connection.Epoch++ }},
		{"x-left", "g-left", false, func(f *facts) { f.member.EndedAt = ended }},
		{"x-suspended-there", "g-suspended-there", false, func(f *facts) { f.member.SuspendedAt = ended }},
		{"x-member-epoch", "g-member-epoch", false, func(f *facts) { f.member.Epoch++ }},
		{"x-unassigned", "g-unassigned", false, func(f *facts) { f.assignment.EndedAt = ended }},
	}
}

func (r route) rows() []any {
	f := facts{account: account(r.account), there: member(r.account, "u", roles.Manager), direct: r.agency == ""}
	if r.agency != "" {
		f.agency, f.member = agency(r.agency), member(r.agency, "u", roles.Admin)
		f.connection = connection(r.account, r.agency, roles.Admin)
		f.assignment = assignment(r.account, r.agency, "u", roles.Author)
	}
	r.change(&f)
	rows := []any{f.account}
	if f.direct {
		rows = append(rows, f.there)
	}
	if r.agency != "" {
		rows = append(rows, f.agency, f.member, f.connection, f.assignment)
	}
	return rows
}

// routes fills stores with all routes, and one account that has three.
func (e *env) routes(stores ...storage.Storage) {
	e.Helper()
	rows := []any{user("u"), user("other")}
	for _, r := range allRoutes() {
		rows = append(rows, r.rows()...)
	}
	rows = append(rows, account("three"), agency("g1"), agency("g2"), member("three", "u", roles.Viewer),
		member("three", "other", roles.Owner), member("g1", "u", roles.Admin), member("g2", "u", roles.Admin),
		connection("three", "g1", roles.Viewer), connection("three", "g2", roles.Admin),
		assignment("three", "g1", "u", roles.Manager), assignment("three", "g2", "u", roles.Author))
	c := e.change(rows...)
	for _, st := range stores {
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	}
}

// entry is one line of a chooser.
func entry(account, agency string) accounts.Reached {
	r := accounts.Reached{
		Account: accounts.AccountID(account), Name: "Name of " + account, Kind: accounts.RouteMember, Role: roles.Manager,
	}
	if agency != "" {
		r.Kind, r.Role, r.Cap = accounts.RouteDelegate, roles.Author, roles.Admin
		r.Agency, r.AgencyName = accounts.AccountID(agency), "Name of "+agency
	}
	return r
}

func (e *env) reach(st storage.Storage, user accounts.UserID, p accounts.Proof) []accounts.Reached {
	e.Helper()
	got, err := st.Reach(e.ctx, accounts.ReachQuery{User: user, Proof: p, Limit: all})
	e.ok(err, "Reach")
	return got
}

// direct leaves out the user's own agencies, which are reached as well.
func direct(list []accounts.Reached) []accounts.Reached {
	var some []accounts.Reached
	for _, r := range list {
		if !strings.HasPrefix(string(r.Account), "g") {
			some = append(some, r)
		}
	}
	return some
}

func checkReach(e *env) {
	st := e.open()
	e.routes(st)
	var want []accounts.Reached
	for _, r := range allRoutes() {
		if r.alive && r.agency == "" {
			want = append(want, entry(r.account, r.agency))
		}
	}
	member, first, second := entry("three", ""), entry("three", "g1"), entry("three", "g2")
	member.Role, first.Role, first.Cap = roles.Viewer, roles.Manager, roles.Viewer
	want = append(want, member, first, second)
	for _, r := range allRoutes() {
		if r.alive && r.agency != "" {
			want = append(want, entry(r.account, r.agency))
		}
	}
	got := e.reach(st, "u", accounts.AnyLogin())
	e.same(direct(got), want, "one entry for each route that counts, by name and then by agency")
	agencies := 0
	for _, r := range got {
		if strings.HasPrefix(string(r.Account), "g") {
			agencies++
		}
	}
	e.holds(agencies == 15, "the user is an active member of 15 open agencies, and %d are reached", agencies)
}

func checkProof(e *env) {
	st := e.open()
	there, gone, through := member("a", "u", roles.Viewer), member("b", "u", roles.Viewer), member("g", "u", roles.Admin)
	there.After, there.AfterAt = 5, minutes(50)
	gone.After, gone.AfterAt, gone.EndedAt = 3, minutes(30), minutes(1)
	through.After, through.AfterAt = 7, minutes(70)
	e.put(st, user("u"), account("a"), account("b"), account("c"), account("d"), agency("f"), agency("g"),
		there, gone, through, member("d", "u", roles.Owner), member("f", "u", roles.Viewer),
		connection("b", "f", roles.Admin), assignment("b", "f", "u", roles.Author),
		connection("c", "g", roles.Admin), assignment("c", "g", "u", roles.Author))
	for _, x := range []struct {
		what string
		p    accounts.Proof
		want string
	}{
		{"no proof at all", accounts.Proof{}, ""},
		{"any login", accounts.AnyLogin(), "a b c d f g"},
		{"the first login", accounts.Proof{Login: 1}, "d f"},
		{"the login at which the membership of b came back", accounts.Proof{Login: 3}, "d f"},
		{"the next one", accounts.Proof{Login: 4}, "b d f"},
		{"the login at which the membership of a came back", accounts.Proof{Login: 5}, "b d f"},
		{"the next one", accounts.Proof{Login: 6}, "a b d f"},
		{"one after the membership of the agency came back", accounts.Proof{Login: 8}, "a b c d f g"},
		{"a login's number before its moment", accounts.Proof{Login: 1, At: minutes(1000)}, "d f"},
		{"an early moment", accounts.Proof{At: minutes(1)}, "d f"},
		{"the moment at which the membership of a came back", accounts.Proof{At: minutes(50)}, "b d f"},
		{"a microsecond later", accounts.Proof{At: minutes(50).Add(time.Microsecond)}, "a b d f"},
		{"a late moment", accounts.Proof{At: minutes(71)}, "a b c d f g"},
	} {
		var got []string
		for _, r := range e.reach(st, "u", x.p) {
			got = append(got, string(r.Account))
		}
		e.holds(strings.Join(got, " ") == x.want, "with %s, %s: reached %v, want [%s]", x.what, text(x.p), got, x.want)
	}
}

func checkReachNobody(e *env) {
	st := e.open()
	e.routes(st)
	e.same(e.reach(st, "nobody", accounts.AnyLogin()), []accounts.Reached{}, "somebody who does not exist")
	u := user("u")
	u.Version, u.SuspendedAt = 1, minutes(1)
	e.put(st, u)
	e.same(e.reach(st, "u", accounts.AnyLogin()), []accounts.Reached{}, "a suspended user")
	u.Version, u.SuspendedAt, u.DeletedAt = 2, time.Time{}, minutes(1)
	e.put(st, u)
	e.same(e.reach(st, "u", accounts.AnyLogin()), []accounts.Reached{}, "a deleted user")
	u.Version, u.DeletedAt = 3, time.Time{}
	e.put(st, u)
	e.holds(len(e.reach(st, "u", accounts.AnyLogin())) > 0, "an active user reaches nothing")
}

func checkReachAgrees(e *env) {
	st := e.open()
	e.routes(st)
	listed := map[accounts.ReachCursor]bool{}
	for _, r := range e.reach(st, "u", accounts.AnyLogin()) {
		listed[accounts.ReachCursor{Account: r.Account, Agency: r.Agency}] = true
	}
	var keys []accounts.StandingKey
	for _, id := range ordered(e.seen.accounts) {
		keys = append(keys, accounts.StandingKey{User: "u", Account: id})
	}
	standings, err := st.Standings(e.ctx, keys)
	e.ok(err, "Standings")
	for i, s := range standings {
		x := s.Explain(roles.Standard(), accounts.AnyLogin())
		agree := func(agency accounts.AccountID, why accounts.Why) {
			at := accounts.ReachCursor{Account: keys[i].Account, Agency: agency}
			e.holds(listed[at] == (why == ""), "account %s through %q: listed %v, and the standing says %q",
				at.Account, agency, listed[at], why)
		}
		agree("", x.Direct.Why)
		for _, r := range x.Through {
			agree(r.Agency.ID, r.Why)
		}
	}
}

func checkReachers(e *env) {
	st := e.open()
	ended := member("a", "ended", roles.Owner)
	ended.EndedAt = minutes(1)
	dead := assignment("a", "g", "unassigned", roles.Viewer)
	dead.EndedAt = minutes(1)
	e.put(st, user("ended"), user("direct"), user("assigned"), user("unassigned"), user("both"), user("stranger"),
		account("a"), agency("g"), agency("f"), ended, member("a", "direct", roles.Owner), member("a", "both", roles.Viewer),
		member("g", "assigned", roles.Viewer), member("g", "unassigned", roles.Viewer), member("g", "both", roles.Viewer),
		member("f", "both", roles.Viewer), member("g", "stranger", roles.Owner),
		connection("a", "g", roles.Admin), connection("a", "f", roles.Admin), dead,
		assignment("a", "g", "assigned", roles.Viewer), assignment("a", "g", "both", roles.Viewer), assignment("a", "f", "both", roles.Viewer))
	for agency, want := range map[accounts.AccountID][]accounts.UserID{
		"": {"assigned", "both", "direct", "ended", "unassigned"}, "g": {"assigned", "both", "unassigned"}, "f": {"both"}, "x": nil,
	} {
		got, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: "a", Agency: agency, Limit: all})
		e.ok(err, "Reachers")
		var keys []accounts.StandingKey
		for _, id := range want {
			keys = append(keys, accounts.StandingKey{User: id, Account: "a"})
		}
		standings, err := st.Standings(e.ctx, keys)
		e.ok(err, "Standings")
		e.same(got, standings, "those with a tie through %q", agency)
	}
}
