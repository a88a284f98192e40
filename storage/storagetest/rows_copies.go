package storagetest

import (
	"strconv"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

func checkHostile(e *env) {
	st := e.open()
	names := []string{
		"plain", "PLAIN", "it's", `"quoted"`, `back\slash`, "100%", "under_score", "?1", "$1", ":name", "--", "a;b", "[x]", "~",
		"0x10", "1", "01", "1e0", "null", "NULL", "{p}",
	}
	for i, name := range names {
		u, a := user("x"), account(name)
		u.ID, u.Name, u.Handle = accounts.UserID(name), name+" ünï ☂\u202e", "handle "+name
		u.Email, u.Address = accounts.Email("a+"+string(rune('a'+i))+"'%_@example.com"), name+" <\t>\n"
		if name == strings.ToUpper(name) {
			u.Handle = "handle " + strconv.Itoa(i) // name keys know no case
		}
		a.Name, a.Plan = u.Name, name
		m, r, c := member(name, name, roles.Owner), accounts.Identity{Issuer: name, Subject: "of " + name, User: u.ID, CreatedAt: start}, credential(name)
		x, o := challenge(name, name), invitation(name, name, u.Email, name)
		x.Session, x.Action, o.Message, o.Address = accounts.SessionID(name), accounts.EventKind(name), u.Name, u.Address
		k, s, l, v := record(name, name), site(name, name), setup(name, name), view(name, name, name, name)
		k.FirstName, k.LastName, k.Email, k.Address, k.Notes, k.Postal = u.Name, "", u.Email+"'", u.Address, u.Name, u.Address
		g := given(name, name, name, roles.Permission(name), "a,b", `"`, "{x}", "site.see")
		s.Name, v.UserAgent = u.Name, u.Name
		e.put(st, u, a, m, r, c, x, o)
		e.put(st, k, s, g, v)
		e.put(st, l)
		k.Version, s.Version, g.Version, l.Version, v.Version = 1, 1, 1, 1, 1
		kept := e.recording(st, accounts.RecordingQuery{Account: k.Account, Client: k.ID, Email: k.Email, Site: s.ID})
		e.same(kept.Client, k, "Recording, the client")
		e.same(kept.Taken, k.ClientState, "Recording, the client of the address")
		e.same(kept.Site, s, "Recording, the site")
		e.same(kept.Access, g, "Recording, what the client may do")
		grants := []accounts.SiteGrant{grantOf(s, g.Permissions...)}
		e.same(e.records(st, accounts.ClientRecordQuery{Account: k.Account}), []accounts.ClientEntry{{Client: k, Sites: grants}}, "ClientRecords")
		set, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: k.ClientKey})
		e.ok(err, "SettingUp")
		e.same(set.Link, l, "SettingUp")
		seen, err := st.Viewing(e.ctx, access.ViewKey{ID: v.ID})
		e.ok(err, "Viewing")
		e.same(seen.View, v, "Viewing")
		e.same(seen.Sites, grants, "Viewing, the sites")
		u.Version, a.Version, m.Version, c.Version, x.Version, o.Version = 1, 1, 1, 1, 1, 1
		for _, key := range []accounts.UserKey{{ID: u.ID}, {Email: u.Email}, {Handle: accounts.NameKey(u.Handle)}} {
			got, err := st.User(e.ctx, key)
			e.ok(err, "User %+v", key)
			e.same(got, u, "User")
		}
		got, err := st.Account(e.ctx, a.ID)
		e.ok(err, "Account")
		e.same(got, a, "Account")
		members, err := st.Members(e.ctx, accounts.MemberQuery{Account: a.ID, Limit: all})
		e.ok(err, "Members")
		e.same(members, []accounts.Member{{Membership: m, User: u}}, "Members")
		means, err := st.Means(e.ctx, accounts.UserKey{Identity: r.Key()})
		e.ok(err, "Means")
		e.same(means, accounts.Means{User: u, Credential: c, Identities: []accounts.Identity{r}}, "Means")
		asked, err := st.Challenge(e.ctx, x.ChallengeKey)
		e.ok(err, "Challenge")
		e.same(asked, x, "Challenge")
		offered, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: a.ID, Email: u.Email, At: start})
		e.ok(err, "Inviting")
		e.same(offered.Invitation, o, "Inviting")
	}
}

func checkCopies(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	owner := manages("a", "u")
	owner.Role = roles.Owner
	e.put(st, user("w"), recordOf("a", "c", "w"), site("a", "p"), given("a", "c", "p", "site.see", "site.edit"), session("s", "w"), view("v", "a", "c", "u"),
		user("u"), account("a"), agency("g"), owner, member("g", "u", roles.Owner),
		connection("a", "g", roles.Admin), assignment("a", "g", "u", roles.Admin), r, identity("1", "u"),
		request("g", "r", "to@example.com", "u"), invitation("a", "i", "to@example.com", "u"))
	before := e.dump(st)

	kept, err := st.Reply(e.ctx, r.ReplyKey)
	e.ok(err, "Reply")
	kept.Answer[0] = 'X'
	standings, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "u", Account: "a"}, {User: "u", Account: "a"}})
	e.ok(err, "Standings")
	standings[0].Routes[0].Connection.Cap = "spoilt"
	e.holds(standings[1].Routes[0].Connection.Cap == roles.Admin, "two entries of one answer share their routes")
	linked, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "g"), Top: roles.Owner})
	e.ok(err, "Linked")
	linked.ClientOwners[0].Email, linked.AgencyOwners[0].Email = "spoilt", "spoilt"
	drafting, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Emails: []accounts.Email{"to@example.com"}})
	e.ok(err, "Drafting")
	drafting.Recipients[0].Pending.Message = "spoilt"
	ending, err := st.Ending(e.ctx, "g", minutes(3), roles.Owner)
	e.ok(err, "Ending")
	ending.Clients[0].Owners[0].Email, ending.Requests[0].Message = "spoilt", "spoilt"
	events, err := st.Events(e.ctx, accounts.EventQuery{Account: "a", Limit: all})
	e.ok(err, "Events")
	for i := range events {
		events[i].Kind = "spoilt"
	}
	means, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
	e.ok(err, "Means")
	means.Identities[0].Subject = "spoilt"
	list, err := st.Invitations(e.ctx, invites.ListQuery{Account: "a", At: start, Limit: all})
	e.ok(err, "Invitations")
	list[0].Invitation.State = "spoilt"
	list, err = st.InvitationsTo(e.ctx, "to@example.com", start, all)
	e.ok(err, "InvitationsTo")
	list[0].Invitation.State = "spoilt"
	held, err := st.Held(e.ctx, accounts.HeldQuery{Kind: accounts.HeldIdentity, User: "u", Limit: all})
	e.ok(err, "Held")
	held[0].Row = "spoilt"
	for _, sites := range e.sharedSites(st) {
		sites[0].Name, sites[0].Permissions[0] = "spoilt", "spoilt"
	}
	e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c", Site: "p"}).Access.Permissions[0] = "spoilt"
	records := e.records(st, accounts.ClientRecordQuery{Account: "a"})
	records[0].Client.Notes = "spoilt"
	sites, err := st.Sites(e.ctx, accounts.SiteQuery{Account: "a", Limit: all})
	e.ok(err, "Sites")
	sites[0].Name = "spoilt"
	for range 2 {
		e.unchanged(before, e.dump(st), "an answer was changed by its caller, and the store with it")
	}
}

// sharedSites asks every reader for the sites of a client.
func (e *env) sharedSites(st storage.Storage) [][]accounts.SiteGrant {
	e.Helper()
	in, err := st.Admission(e.ctx, hash("session s"), "a")
	e.ok(err, "Admission")
	v, err := st.Viewing(e.ctx, access.ViewKey{ID: "v"})
	e.ok(err, "Viewing")
	list := e.records(st, accounts.ClientRecordQuery{Account: "a"})
	e.holds(len(list) == 1, "%d clients are listed, want 1", len(list))
	return [][]accounts.SiteGrant{in.Sites, v.Sites, list[0].Sites}
}

func checkInputCopied(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	c := e.change(user("u"), account("a"), r, letter("m", "r"), identity("1", "u"), credential("u"), challenge("u", "a"),
		ticket("u", token.Reset), guesses(address("u")), record("a", "c"), site("a", "p"), given("a", "c", "p", "site.see", "site.edit"),
		view("v", "a", "c", "u"))
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	offer := e.change(invitation("a", "i", "to@example.com", "u"), setup("a", "c"))
	e.ok(apply(e.ctx, st, offer), "a valid change was not applied")
	before := e.dump(st)
	r.Answer[0] = 'X'
	c.Replies[0].Answer[1] = 'X'
	c.Users[0].Name, c.Accounts[0].Name, c.Events[0].Kind, c.Mail[0].Kind = "spoilt", "spoilt", "spoilt", "spoilt"
	c.Identities[0].Issuer, c.Credentials[0].Hash, c.Challenges[0].To, c.Tickets[0].Address = "spoilt", "spoilt", "spoilt", "spoilt"
	c.Clients[0].Notes, c.Sites[0].Name, c.SiteAccess[0].Permissions[0], c.Views[0].Source = "spoilt", "spoilt", "spoilt", "spoilt"
	offer.SetupLinks[0].Maker = "spoilt"
	c.Guesses[0].Count, offer.Invitations[0].State = 77, "spoilt"
	c.Mail[0].Sealed[0] = 'X'
	e.unchanged(before, e.dump(st), "a change was changed after it was applied, and the store with it")
	first := e.claim(st, start, all)[0]
	e.same(first.Message, letter("m", "r"), "a message that was changed after its change was applied")
	first.Message.Sealed[0] = 'X'
	e.same(e.claim(st, minutes(60), all)[0].Message, letter("m", "r"), "a message of which an earlier delivery was changed")
}
