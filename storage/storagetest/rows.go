package storagetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// rowChecks prove that what is written comes back.
func rowChecks() []check {
	const lost = "a decision reads what another one wrote; a field that is lost or blurred decides differently"
	return []check{
		{"every field of a written row comes back as it was", lost, checkFilled},
		{"what was never set comes back as zero", "a zero time means never: not suspended, not ended, not deleted", checkBlank},
		{"a replaced row is replaced whole, also where it is set back to zero", lost, checkReplaced},
		{"ids, addresses and names of any printable kind come back byte for byte", lost, checkHostile},
		{
			"what is returned belongs to the caller",
			"a caller that changes what it was given must not change what is stored (A99)", checkCopies,
		},
		{
			"what was handed in is copied",
			"a caller that goes on using what it handed in must not change what is stored (A99)", checkInputCopied,
		},
	}
}

// filled is one row of each noun with every field set, and what refers to it.
type filled struct {
	user, gone, owner accounts.User
	client, agency    accounts.Account
	member            accounts.Membership
	connection        accounts.Connection
	assignment        accounts.Assignment
	request           access.Request
	session           access.Session
	reply             accounts.Reply
	event             accounts.Event
	message           mail.Message
}

// fillAll makes one of each, every field distinct, starting with n.
func fillAll(n int) filled {
	var x filled
	f := &filler{n: n}
	for _, p := range []any{
		&x.user, &x.gone, &x.client, &x.agency, &x.member, &x.connection, &x.assignment,
		&x.request, &x.session, &x.reply, &x.event, &x.message,
	} {
		f.fill(p)
	}
	x.owner = user("owner")
	x.user.DeletedAt = time.Time{} // deleted users are found by id alone
	x.client.Kind, x.agency.Kind = accounts.KindFranchise, accounts.KindAgency
	x.member.Account, x.member.User = x.agency.ID, x.user.ID
	x.connection.ConnectionKey = accounts.ConnectionKey{Client: x.client.ID, Agency: x.agency.ID}
	x.assignment.ConnectionKey, x.assignment.User = x.connection.ConnectionKey, x.user.ID
	x.request.Agency, x.request.Requester, x.request.Client = x.agency.ID, x.user.ID, x.client.ID
	x.session.User = x.user.ID
	x.event.Account, x.event.Agency = x.client.ID, x.agency.ID
	x.message.Priority = 7
	x.message.NotAfter = x.message.Due.Add(time.Hour)
	for _, v := range x.versions() {
		*v = 0
	}
	return x
}

func (x *filled) versions() []*int64 {
	return []*int64{
		&x.user.Version, &x.gone.Version, &x.owner.Version, &x.client.Version, &x.agency.Version, &x.member.Version,
		&x.connection.Version, &x.assignment.Version, &x.request.Version, &x.session.Version,
	}
}

func (x *filled) rows() []any {
	return []any{
		x.user, x.gone, x.owner, x.client, x.agency, x.member, x.connection, x.assignment, x.request, x.session,
	}
}

// returned asks for each row and compares it, field by field.
func (e *env) returned(st storage.Storage, x filled) {
	e.Helper()
	for _, u := range []accounts.User{x.user, x.gone, x.owner} {
		got, err := st.User(e.ctx, accounts.UserKey{ID: u.ID})
		e.ok(err, "User")
		e.same(got, u, "User")
	}
	for _, a := range []accounts.Account{x.client, x.agency} {
		got, err := st.Account(e.ctx, a.ID)
		e.ok(err, "Account")
		e.same(got, a, "Account")
	}
	linked, err := st.Linked(e.ctx, accounts.LinkedQuery{
		ConnectionKey: x.connection.ConnectionKey, User: x.user.ID, Top: roles.Owner,
	})
	e.ok(err, "Linked")
	e.same(linked.Connection, x.connection, "Linked, its connection")
	e.same(linked.Client, x.client, "Linked, the client")
	e.same(linked.Agency, x.agency, "Linked, the agency")
	e.same(linked.Member, x.member, "Linked, the user's membership")
	e.same(linked.Assignment, x.assignment, "Linked, the user's assignment")
	m, err := st.Membership(e.ctx, accounts.StandingKey{User: x.user.ID, Account: x.agency.ID})
	e.ok(err, "Membership")
	e.same(m, x.member, "Membership")
	d, err := st.Deciding(e.ctx, access.DecidingQuery{
		Agency: x.request.Agency, ID: x.request.ID, Client: x.client.ID, User: x.user.ID, Top: roles.Owner,
	})
	e.ok(err, "Deciding")
	e.same(d.Request, x.request, "Deciding, the request")
	e.same(d.Agency, x.agency, "Deciding, the agency")
	e.same(d.Client, x.client, "Deciding, the client account")
	e.same(d.Requester, x.user, "Deciding, the requester")
	e.same(d.Member, x.member, "Deciding, the requester's membership")
	e.same(d.Connection, x.connection, "Deciding, the connection")
	e.same(d.Assignment, x.assignment, "Deciding, the assignment")
	s, err := st.Session(e.ctx, access.SessionKey{ID: x.session.ID})
	e.ok(err, "Session")
	e.same(s, x.session, "Session")
	a, err := st.Admission(e.ctx, x.session.Hash, x.client.ID)
	e.ok(err, "Admission")
	e.same(a, access.Admission{Session: x.session.SessionState, Standing: accounts.Standing{
		User: x.user.UserState, Account: x.client.AccountState, Routes: []accounts.Route{{
			Agency: x.agency.AccountState, Connection: x.connection.ConnectionState,
			Member: x.member.MemberState, Assignment: x.assignment.AssignmentState,
		}},
	}}, "Admission")
}

func checkFilled(e *env) {
	st, x := e.open(), fillAll(100)
	rows := append(x.rows(), x.reply, x.event, x.message,
		accounts.Identity{Issuer: "https://issuer", Subject: "subject", User: x.user.ID, CreatedAt: start})
	e.put(st, rows...)
	for _, v := range x.versions() {
		*v = 1
	}
	e.returned(st, x)
	r, err := st.Reply(e.ctx, x.reply.ReplyKey)
	e.ok(err, "Reply")
	e.same(r, x.reply, "Reply")
	for _, account := range []accounts.AccountID{x.event.Account, x.event.Agency} {
		events, err := st.Events(e.ctx, accounts.EventQuery{Account: account, Limit: all})
		e.ok(err, "Events")
		e.same(events, []accounts.Event{x.event}, "Events of either side")
	}
	feed, err := st.ClaimEvents(e.ctx, accounts.EventClaim{At: x.event.At.Add(time.Hour), Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimEvents")
	e.holds(len(feed) == 1, "ClaimEvents returned %d events, want 1", len(feed))
	e.same(feed[0].Event, x.event, "ClaimEvents")
	records, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.same(records, []mail.Record{{
		ID: x.message.ID, Kind: x.message.Kind, Account: x.message.Account, To: x.message.To, Reason: x.message.Reason,
		Priority: 7, State: mail.Queued, Due: x.message.Due, NotAfter: x.message.NotAfter, CreatedAt: x.message.CreatedAt,
	}}, "Mails")
	sent, err := st.ClaimMail(e.ctx, mail.Claim{At: x.message.Due, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimMail")
	e.holds(len(sent) == 1, "ClaimMail returned %d messages, want 1", len(sent))
	e.same(sent[0].Message, x.message, "ClaimMail")
	u, err := st.User(e.ctx, accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "https://issuer", Subject: "subject"}})
	e.ok(err, "User by identity")
	e.same(u, x.user, "User by identity")
}

// blank keeps the keys of a filled set and empties all else.
func blank(x filled) filled {
	b := filled{
		user: accounts.User{UserState: accounts.UserState{ID: x.user.ID}, Version: x.user.Version},
		gone: accounts.User{UserState: accounts.UserState{ID: x.gone.ID}, Version: x.gone.Version},
		client: accounts.Account{
			AccountState: accounts.AccountState{ID: x.client.ID, Version: x.client.Version}, Kind: accounts.KindStandard,
		},
		agency: accounts.Account{
			AccountState: accounts.AccountState{ID: x.agency.ID, Version: x.agency.Version}, Kind: accounts.KindStandard,
		},
		member: accounts.Membership{
			Account: x.member.Account, User: x.member.User, Version: x.member.Version,
			MemberState: accounts.MemberState{Role: roles.Viewer},
		},
		connection: accounts.Connection{
			ConnectionKey: x.connection.ConnectionKey, Version: x.connection.Version,
			ConnectionState: accounts.ConnectionState{Cap: roles.Viewer},
		},
		assignment: accounts.Assignment{
			ConnectionKey: x.assignment.ConnectionKey, User: x.assignment.User, Version: x.assignment.Version,
			AssignmentState: accounts.AssignmentState{Role: roles.Viewer},
		},
		request: access.Request{
			ID: x.request.ID, Agency: x.request.Agency, Version: x.request.Version, Requester: x.user.ID,
			Email: "who@example.com", Hash: hash("blank"), State: access.Pending,
		},
		session: access.Session{
			SessionState: access.SessionState{ID: x.session.ID, User: x.user.ID}, Version: x.session.Version,
			Hash: hash("blank"),
		},
		owner: x.owner,
	}
	return b
}

func checkBlank(e *env) {
	st, x := e.open(), blank(fillAll(1))
	x.owner = user("owner")
	e.put(st, x.rows()...)
	for _, v := range x.versions() {
		*v = 1
	}
	e.returned(st, x)
	s, err := st.Standings(e.ctx, []accounts.StandingKey{{User: x.user.ID, Account: x.agency.ID}})
	e.ok(err, "Standings")
	e.same(s, []accounts.Standing{{
		User: x.user.UserState, Account: x.agency.AccountState, Member: x.member.MemberState,
	}}, "Standings")
}

func checkReplaced(e *env) {
	st, x := e.open(), fillAll(1)
	e.put(st, x.rows()...)
	next := fillAll(500)
	for to, from := range map[*accounts.User]accounts.User{&next.user: x.user, &next.gone: x.gone, &next.owner: x.owner} {
		to.ID = from.ID
	}
	next.client.ID, next.agency.ID = x.client.ID, x.agency.ID
	next.member.Account, next.member.User = x.agency.ID, x.user.ID
	next.connection.ConnectionKey, next.assignment.ConnectionKey = x.connection.ConnectionKey, x.connection.ConnectionKey
	next.assignment.User, next.session.User, next.request.Requester = x.user.ID, x.user.ID, x.user.ID
	next.request.ID, next.request.Agency, next.request.Client = x.request.ID, x.agency.ID, x.client.ID
	next.session.ID = x.session.ID
	for _, v := range next.versions() {
		*v = 1
	}
	e.put(st, next.rows()...)
	for _, v := range next.versions() {
		*v = 2
	}
	e.returned(st, next)

	last := blank(next)
	last.owner = next.owner
	e.put(st, last.rows()...)
	for _, v := range last.versions() {
		*v = 3
	}
	e.returned(st, last)
}

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
		m := member(name, name, roles.Owner)
		e.put(st, u, a, m)
		u.Version, a.Version, m.Version = 1, 1, 1
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
	}
}

func checkCopies(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	e.put(st, user("u"), account("a"), agency("g"), member("a", "u", roles.Owner), member("g", "u", roles.Owner),
		connection("a", "g", roles.Admin), assignment("a", "g", "u", roles.Admin), r,
		request("g", "r", "to@example.com", "u"))
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
	for range 2 {
		e.unchanged(before, e.dump(st), "an answer was changed by its caller, and the store with it")
	}
}

func checkInputCopied(e *env) {
	st := e.open()
	r := reply("user/u", "a", "k")
	c := e.change(user("u"), account("a"), r, letter("m", "r"))
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	before := e.dump(st)
	r.Answer[0] = 'X'
	c.Replies[0].Answer[1] = 'X'
	c.Users[0].Name, c.Accounts[0].Name, c.Events[0].Kind, c.Mail[0].Kind = "spoilt", "spoilt", "spoilt", "spoilt"
	e.unchanged(before, e.dump(st), "a change was changed after it was applied, and the store with it")
}
