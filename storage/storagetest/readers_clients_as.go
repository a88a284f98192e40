package storagetest

import (
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// grantsAs asks every reader what somebody may do on the sites of account a as
// the client c, in whose view v somebody else looks.
func (e *env) grantsAs(st storage.Storage) map[string][]accounts.SiteGrant {
	e.Helper()
	in, err := st.Admission(e.ctx, hash("session s"), "a")
	e.ok(err, "Admission")
	v, err := st.Viewing(e.ctx, access.ViewKey{ID: "v"})
	e.ok(err, "Viewing")
	all := map[string][]accounts.SiteGrant{"Admission": in.Sites, "Viewing": v.Sites, "ClientRecords": nil}
	for _, x := range e.records(st, accounts.ClientRecordQuery{Account: "a", Client: "c"}) {
		all["ClientRecords"] = x.Sites
	}
	r := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c"})
	s, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: recordKey("a", "c")})
	e.ok(err, "SettingUp")
	for what, n := range map[string]int{"Recording": r.Assigned, "SettingUp": s.Assigned} {
		e.holds(n == len(v.Sites), "%s counts %d sites, and there are %s", what, n, text(v.Sites))
	}
	return all
}

func checkGrants(e *env) {
	st := e.open()
	c, p, q, g := recordOf("a", "c", "u"), site("a", "p"), site("a", "q"), given("a", "c", "p", "site.see", "site.edit")
	e.put(st, user("u"), user("boss"), account("a"), account("b"), member("a", "boss", roles.Admin), c, record("a", "d"), recordOf("b", "c", "u"),
		p, q, site("a", "other"), site("b", "p"), g, given("a", "c", "q"), given("a", "d", "other", "site.see"), given("b", "c", "p", "site.see"),
		session("s", "u"), view("v", "a", "c", "boss"))
	is := func(what string, want ...accounts.SiteGrant) {
		e.Helper()
		for reader, got := range e.grantsAs(st) {
			e.same(got, want, "%s, %s", reader, what)
		}
	}
	is("a client with two sites", grantOf(p, "site.see", "site.edit"), grantOf(q))
	p.Version, p.Name = 1, "Renamed"
	e.put(st, p)
	is("a site that was renamed", grantOf(p, "site.see", "site.edit"), grantOf(q))
	g.Version, g.Permissions = 1, []roles.Permission{"site.see"}
	e.put(st, g)
	is("permissions that were taken away", grantOf(p, "site.see"), grantOf(q))
	g.Version, g.EndedAt = 2, minutes(1)
	e.put(st, g)
	is("an access that ended", grantOf(q))
	g.Version, g.EndedAt = 3, time.Time{}
	e.put(st, g)
	q.Version, q.RemovedAt = 1, minutes(1)
	e.put(st, q)
	is("a site that was removed", grantOf(p, "site.see"))
	q.Version, q.RemovedAt = 2, time.Time{}
	e.put(st, q)
	is("a site that came back", grantOf(p, "site.see"), grantOf(q))
	c.Version, c.SuspendedAt = 1, minutes(1)
	e.put(st, c)
	is("a suspended client, who is there", grantOf(p, "site.see"), grantOf(q))
	c.Version, c.User = 2, ""
	e.put(st, c)
	in, err := st.Admission(e.ctx, hash("session s"), "a")
	e.ok(err, "Admission")
	e.same(in.Sites, nil, "the sites of somebody who is no client any more")
	elsewhere, err := st.Admission(e.ctx, hash("session s"), "b")
	e.ok(err, "Admission")
	e.same(elsewhere.Sites, []accounts.SiteGrant{grantOf(site("b", "p"), "site.see")}, "the sites of another account")
	nowhere, err := st.Admission(e.ctx, hash("session s"), "")
	e.ok(err, "Admission")
	e.same(nowhere.Sites, nil, "sites without an account")
	c.Version, c.User, c.DeletedAt = 3, "u", minutes(2)
	e.put(st, c)
	is("a deleted client")
}

// standingOf returns the standing of u at an account by two readers.
func (e *env) standingOf(st storage.Storage, account accounts.AccountID) accounts.Standing {
	e.Helper()
	list, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "u", Account: account}})
	e.ok(err, "Standings")
	in, err := st.Admission(e.ctx, hash("session s"), account)
	e.ok(err, "Admission")
	e.same(in.Standing, list[0], "the standing of an admission, and that of the list")
	return list[0]
}

func checkClientStanding(e *env) {
	st := e.open()
	c, deleted := recordOf("a", "c", "u"), recordOf("d", "c", "u")
	c.After, c.AfterAt, deleted.DeletedAt = 7, minutes(3), minutes(1)
	suspended := recordOf("s", "c", "u")
	suspended.SuspendedAt = minutes(2)
	alike := record("b", "c")
	alike.Email = address("u") // it is theirs, and they have not come in by it
	e.put(st, user("u"), user("w"), account("a"), account("b"), account("d"), account("s"), account("n"), c, deleted, suspended, alike,
		recordOf("a", "other", "w"), recordOf("n", "other", "w"), session("s", "u"))
	for account, want := range map[accounts.AccountID]accounts.ClientState{
		"a": c.ClientState, "s": suspended.ClientState, "b": {}, "d": {}, "n": {}, "": {}, "nowhere": {},
	} {
		s := e.standingOf(st, account)
		e.same(s.Client, want, "the client record of the standing at %q", account)
		e.holds(s.Rights(roles.Standard(), accounts.AnyLogin()).None(), "a client has rights at %q", account)
	}
	again := recordOf("d", "again", "u")
	again.Email = "again@example.com"
	e.put(st, again)
	e.same(e.standingOf(st, "d").Client, again.ClientState, "a record beside one that was deleted")
	list, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: "a", Limit: all})
	e.ok(err, "Reachers")
	e.same(list, nil, "clients are no members and no delegates: those with a tie are")
}

// asClient is one way for user u to be a client of an account of its own name.
type asClient struct {
	account string
	alive   bool
	change  func(a *accounts.Account, c *accounts.Client)
}

func checkClientReach(e *env) {
	type (
		A = accounts.Account
		C = accounts.Client
	)
	ended := minutes(1)
	ways := []asClient{
		{"alive", true, func(*A, *C) {}},
		{"after", false, func(_ *A, c *C) { c.After, c.AfterAt = 5, minutes(50) }},
		{"suspended", false, func(_ *A, c *C) { c.SuspendedAt = ended }},
		{"deleted", false, func(_ *A, c *C) { c.DeletedAt = ended }},
		{"not-in-yet", false, func(_ *A, c *C) { c.User, c.ActiveAt = "", time.Time{} }},
		{"another", false, func(_ *A, c *C) { c.User = "w" }},
		{"paused", false, func(a *A, _ *C) { a.SuspendedAt = ended }},
		{"closed", false, func(a *A, _ *C) { a.ClosedAt = ended }},
	}
	st := e.open()
	rows := []any{user("u"), user("w"), session("s", "u")}
	for _, w := range ways {
		a, c := account(w.account), recordOf(w.account, "c", "u")
		c.Email = address("u")
		w.change(&a, &c)
		rows = append(rows, a, c)
	}
	// A client who was a member, one who is a colleague of an agency, and one who is barred as a member.
	left, barred := member("was-member", "u", roles.Owner), member("barred", "u", roles.Owner)
	left.EndedAt, barred.SuspendedAt, barred.EndedAt = ended, ended, ended
	shut := recordOf("shut", "c", "u")
	shut.SuspendedAt = ended
	e.put(st, append(rows, account("was-member"), left, recordOf("was-member", "c", "u"), account("barred"), barred, recordOf("barred", "c", "u"),
		account("both"), agency("g"), member("g", "u", roles.Admin), connection("both", "g", roles.Admin), assignment("both", "g", "u", roles.Author),
		recordOf("both", "c", "u"), account("shut"), connection("shut", "g", roles.Admin), assignment("shut", "g", "u", roles.Author), shut)...)
	as := func(account string) accounts.Reached {
		return accounts.Reached{Account: accounts.AccountID(account), Name: "Name of " + account, Kind: accounts.RouteClient, Client: "c"}
	}
	owned := entry("g", "")
	owned.Role = roles.Admin
	want := []accounts.Reached{as("alive"), as("both"), entry("both", "g"), owned, as("was-member")}
	got := e.reach(st, "u", accounts.Proof{Login: 5})
	e.same(got, want, "what somebody reaches who is a client in every way")
	want = append([]accounts.Reached{as("after")}, want...)
	for _, p := range []accounts.Proof{{Login: 6}, {At: minutes(51)}} {
		e.same(e.reach(st, "u", p), want, "with a login after the record came back, %s", text(p))
	}
	e.same(e.reach(st, "u", accounts.Proof{At: minutes(50)}), want[1:], "with a login of the moment at which the record came back")

	listed := map[accounts.AccountID]accounts.ClientID{}
	for _, r := range want {
		if r.Kind == accounts.RouteClient {
			listed[r.Account] = r.Client
		}
	}
	for _, id := range ordered(e.seen.accounts) {
		s := e.standingOf(st, id)
		x := s.Explain(roles.Standard(), accounts.Proof{Login: 6})
		e.holds(x.Client == listed[id], "account %s: listed as %q, and the standing says %q", id, listed[id], x.Client)
	}
	page, err := st.Reach(e.ctx, accounts.ReachQuery{User: "u", Proof: accounts.Proof{Login: 6}, Search: "F BOTH", Limit: all})
	e.ok(err, "Reach")
	e.same(page, []accounts.Reached{as("both"), entry("both", "g")}, "a search among ways in")
	u := user("u")
	u.Version, u.SuspendedAt = 1, minutes(1)
	e.put(st, u)
	e.same(e.reach(st, "u", accounts.AnyLogin()), nil, "a suspended user, who is a client")
}

func checkClientApart(e *env) {
	st := e.open()
	const agencies = 6
	rows := []any{user("u")}
	for i := range agencies {
		id := fmt.Sprint("a", i)
		c := recordOf(id, "c", "u")
		c.Email, c.Address, c.Notes = "same@example.com", "Same@Example.com", "notes of "+id
		if i%2 == 1 {
			c.User = ""
		}
		rows = append(rows, account(id), c, site(id, "p"), given(id, "c", "p", roles.Permission("see."+id)))
	}
	e.put(st, rows...)
	check := func(skip int, what string) {
		e.Helper()
		for i := range agencies {
			id := fmt.Sprint("a", i)
			list := e.records(st, accounts.ClientRecordQuery{Account: accounts.AccountID(id), Search: "same@example"})
			if i == skip {
				continue
			}
			e.holds(len(list) == 1 && list[0].Client.Notes == "notes of "+id && list[0].Client.Version == 1 && list[0].Client.Active(),
				"%s, the clients of %s are %s", what, id, text(list))
			e.same(list[0].Sites, []accounts.SiteGrant{grantOf(site(id, "p"), roles.Permission("see."+id))}, "%s, the sites of %s", what, id)
		}
	}
	check(-1, "at first")
	for n, change := range []func(c *accounts.Client){
		func(c *accounts.Client) { c.SuspendedAt, c.Epoch = minutes(1), c.Epoch+1 },
		func(c *accounts.Client) { c.DeletedAt, c.Email, c.User, c.Epoch = minutes(2), "", "", c.Epoch+1 },
	} {
		c := e.recording(st, accounts.RecordingQuery{Account: "a2", Client: "c"}).Client
		change(&c)
		e.put(st, c)
		check(2, fmt.Sprintf("after change %d of another's", n+1))
	}
	var reached []accounts.AccountID
	for _, r := range e.reach(st, "u", accounts.AnyLogin()) {
		reached = append(reached, r.Account)
	}
	e.same(reached, []accounts.AccountID{"a0", "a4"}, "what the person reaches")
}

func checkInvitingClient(e *env) {
	st := e.open()
	gone, theirs, mine := record("a", "gone"), recordOf("a", "theirs", "w"), record("a", "mine")
	gone.DeletedAt, gone.Email, theirs.Email = minutes(1), address("gone"), "other@example.com"
	mine.Email, mine.SuspendedAt = address("u"), minutes(1)
	e.put(st, user("boss"), user("u"), user("w"), account("a"), account("b"), manages("a", "boss"), gone, theirs, mine, record("a", "free"),
		record("b", "nobody"))
	var offers []any
	for _, id := range []string{"u", "w", "gone", "free", "nobody"} {
		offers = append(offers, invitation("a", "to-"+id, address(id), "boss"))
	}
	e.put(st, offers...)
	for id, want := range map[string]bool{"u": true, "w": false, "gone": false, "free": true, "nobody": false, "": false} {
		q := invites.InvitingQuery{Account: "a", Email: address(id), At: start}
		if id == "" {
			q.Email = ""
		}
		got, err := st.Inviting(e.ctx, q)
		e.ok(err, "Inviting")
		e.holds(got.Client == want, "an offer to the address of %q says that a client has it: %v", id, got.Client)
		if id == "" {
			continue
		}
		got, err = st.Inviting(e.ctx, invites.InvitingQuery{Account: "a", ID: accounts.InvitationID("to-" + id), Email: address("u"), At: start})
		e.ok(err, "Inviting")
		e.holds(got.Client == want, "an offer again to %q says that a client has the address: %v", id, got.Client)
	}
	for _, x := range []struct {
		to   string
		user accounts.UserID
		want accounts.ClientState
	}{
		{"u", "", mine.ClientState},                   // whoever has the address
		{"w", "", theirs.ClientState},                 // no client has it, and its user is one
		{"gone", "", accounts.ClientState{}},          // a tombstone
		{"free", "", record("a", "free").ClientState}, // nobody has a login with it yet
		{"nobody", "", accounts.ClientState{}},        // of another account
		{"nobody", "w", theirs.ClientState},           // signed in with another address
		{"free", "boss", accounts.ClientState{}},      // the joiner's address counts
		{"nobody", "u", mine.ClientState},             // and so it does here
		{"w", "u", mine.ClientState},
	} {
		got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: accounts.InvitationID("to-" + x.to), User: x.user, At: start})
		e.ok(err, "Accepting")
		e.same(got.Client, x.want, "an answer to the invitation of %s by %q", x.to, x.user)
	}
}
