package storagetest

import (
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// personRecord is a client record with every personal field filled.
func personRecord(account, id, user string, to accounts.Email) accounts.Client {
	c := recordOf(account, id, user)
	c.Email, c.Address, c.Company, c.Postal, c.Phone, c.Notes, c.Locale = to, "Typed@Example.com", "Company", "Street 1", "+34 600", "notes", "es"
	c.After, c.AfterAt, c.SuspendedAt = 3, minutes(3), minutes(4)
	return c
}

// personRecords are the client records of a person, and what they viewed: a
// record with their user and address, with their user, with their address, one
// that was deleted before, and views.
func personRecords(id string) []any {
	gone := personRecord("c", "gone-"+id, id, address("gone-"+id))
	gone.DeletedAt = minutes(5)
	invited := personRecord("k", "address-"+id, "", address(id))
	return []any{
		personRecord("c", "both-"+id, id, address(id)), personRecord("d", "user-"+id, id, address("also-"+id)), invited, gone,
		given("c", "both-"+id, "p", "site.see"), view("by-"+id, "a", "seen", id), unopened("link-by-"+id, "a", "seen", id),
		view("of-"+id, "c", "both-"+id, id),
	}
}

// heldClients has client records and views about u and about others.
func (e *env) heldClients(st storage.Storage, byUser, byEmail map[accounts.HeldKind][]accounts.Held) {
	e.Helper()
	var rows []any
	for i, key := range [][2]string{{"a", "R"}, {"a", "q"}, {"c", "q"}, {"f", "p"}, {"g", "r"}} {
		c := personRecord(key[0], key[1], [...]string{"", "w", "u", "u", ""}[i], address([...]string{"u", "w", "u", "other", "w"}[i]))
		if i == 3 {
			c.DeletedAt = minutes(9)
		}
		if c.Account == "a" && i == 1 {
			c.User = "" // w is a member there
		}
		rows = append(rows, c)
		c.Version = 1
		h := accounts.Held{Key: strings.Join(key[:], "\n"), Row: c}
		if c.User == "u" {
			byUser[accounts.HeldClient] = append(byUser[accounts.HeldClient], h)
		}
		if c.Email == address("u") {
			byEmail[accounts.HeldClient] = append(byEmail[accounts.HeldClient], h)
		}
	}
	for i, id := range []string{"V1", "v0", "v1", "v2"} {
		by := [...]string{"u", "w", "u", "u"}[i]
		v := view(id, "a", "q", by)
		if i == 2 {
			v.EndedAt = minutes(1)
		}
		if i == 3 {
			v = unopened(id, "c", "q", by)
		}
		rows = append(rows, v)
		if by == "u" {
			v.Version, v.Link, v.Hash = 1, token.Hash{}, token.Hash{}
			byUser[accounts.HeldView] = append(byUser[accounts.HeldView], accounts.Held{Key: id, Row: v})
		}
	}
	e.put(st, rows...)
}

// erasedClient is a client record as the erasure of its person writes it.
func erasedClient(c accounts.Client) accounts.Client {
	c.User, c.FirstName, c.LastName, c.Email, c.Address, c.Company, c.Postal, c.Phone, c.Notes = "", "", "", "", "", "", "", "", ""
	c.DeletedAt = forgotten
	c.Epoch++
	return c
}

func checkForgetClients(e *env) {
	for _, x := range []struct {
		forget accounts.Forget
		views  bool
	}{
		{accounts.Forget{User: "u"}, true},
		{accounts.Forget{Email: address("u")}, false},
		{accounts.Forget{User: "u", Email: address("u")}, true},
		{accounts.Forget{User: "u", Email: address("also-u")}, true},
		{accounts.Forget{User: "nobody", Email: "nobody@example.com"}, false},
		{accounts.Forget{}, false},
	} {
		st := e.open()
		e.persons(st, "u", "w")
		what, before := text(x.forget), e.clientsOf(st, "u", "w")
		for range 2 { // and forgetting twice is forgetting once
			e.forget(st, x.forget)
			e.same(e.clientsOf(st, "u", "w"), before, "what is told about clients after forgetting %s", what)
			for _, id := range []string{"u", "w"} {
				for _, row := range personRecords(id) {
					v, ok := row.(access.ViewAs)
					if !ok {
						continue
					}
					if v.Version = 1; id == "u" && x.views && v.Source != "" {
						v.Version, v.UserAgent, v.Source = 2, "", ""
					}
					got, err := st.Viewing(e.ctx, access.ViewKey{ID: v.ID})
					e.ok(err, "Viewing")
					e.same(got.View, v, "after forgetting %s, a view", what)
				}
			}
		}
	}
}

// clientsOf returns all that is told about the client records of some people.
func (e *env) clientsOf(st storage.Storage, people ...string) []string {
	e.Helper()
	var all []string
	for _, id := range people {
		for _, row := range personRecords(id) {
			c, ok := row.(accounts.Client)
			if !ok {
				continue
			}
			r := e.recording(st, accounts.RecordingQuery{Account: c.Account, Client: c.ID, Email: c.Email})
			s, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: c.ClientKey})
			e.ok(err, "SettingUp")
			standings, err := st.Standings(e.ctx, []accounts.StandingKey{{User: accounts.UserID(id), Account: c.Account}})
			e.ok(err, "Standings")
			all = append(all, text(r), text(s.Link), text(standings),
				text(e.records(st, accounts.ClientRecordQuery{Account: c.Account, Client: c.ID})))
		}
		for _, q := range []accounts.HeldQuery{{User: accounts.UserID(id)}, {Email: address(id)}} {
			q.Kind = accounts.HeldClient
			all = append(all, text(e.held(st, q)))
		}
	}
	return all
}

func checkSweepViews(e *env) {
	st := e.open()
	at := minutes(10)
	views := []access.ViewAs{view("alive", "a", "c", "u"), view("ended", "a", "c", "u"), view("at", "a", "c", "u"), unopened("expired", "a", "c", "u")}
	views[0].ExpiresAt, views[1].ExpiresAt, views[2].ExpiresAt, views[3].ExpiresAt = at, minutes(1000), minutes(1000), at.Add(-time.Microsecond)
	views[1].EndedAt, views[2].EndedAt = at.Add(-time.Microsecond), at
	e.put(st, user("u"), account("a"), member("a", "u", roles.Admin), record("a", "c"), views[0], views[1], views[2], views[3])
	sweep := func(at time.Time) int { return e.sweep(st, storage.SweepBefore{Views: at}, 0) }
	before := e.dump(st)
	e.holds(e.sweep(st, storage.SweepBefore{Sessions: days(9), Sources: days(9), Tickets: days(9)}, 0) == 0, "a sweep of other kinds erased views")
	e.unchanged(before, e.dump(st), "a sweep of other kinds changed views")
	for i, n := range []int{2, 0} {
		e.holds(sweep(at) == n, "sweep %d of views erased another number than %d", i+1, n)
	}
	for _, v := range views {
		_, err := st.Viewing(e.ctx, access.ViewKey{ID: v.ID})
		gone := v.ID == "ended" || v.ID == "expired"
		e.holds((err != nil) == gone, "after a sweep the view %q is there: %v", v.ID, err == nil)
	}
	e.holds(sweep(at.Add(time.Microsecond)) == 2, "a sweep left views from before its moment")
	e.put(st, views[0]) // as if it had never been: version 0 inserts
}
