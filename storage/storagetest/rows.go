package storagetest

import (
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// rowChecks prove that what is written comes back.
func rowChecks() []check {
	const lost = "a decision reads what another one wrote; a field that is lost or blurred decides differently"
	return []check{
		{"every field of a written row comes back as it was", lost, checkFilled},
		{
			"a moment that is finer than a microsecond, or of another zone, is kept as its microsecond in UTC",
			"a host's clock says nanoseconds and local time, and every store has to answer alike", checkFine,
		},
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
	identity          accounts.Identity
	credential        accounts.Credential
	challenge         accounts.Challenge
	request           access.Request
	session           access.Session
	ticket            access.Ticket
	guesses           access.Guesses
	invitation        invites.Invitation
	record            accounts.Client
	site              accounts.Site
	given             accounts.SiteAccess
	setup             invites.SetupLink
	view              access.ViewAs
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
		&x.identity, &x.credential, &x.challenge, &x.ticket, &x.guesses, &x.invitation,
		&x.record, &x.site, &x.given, &x.setup, &x.view,
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
	x.session.User, x.identity.User = x.user.ID, x.user.ID
	x.credential.User, x.challenge.User, x.ticket.User = x.user.ID, x.user.ID, x.user.ID
	x.invitation.Account, x.invitation.Inviter = x.agency.ID, x.user.ID
	x.keyed()
	x.record.DeletedAt, x.site.RemovedAt, x.given.EndedAt = time.Time{}, time.Time{}, time.Time{} // or nothing lists them
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
		&x.credential.Version, &x.challenge.Version, &x.ticket.Version, &x.guesses.Version, &x.invitation.Version,
		&x.record.Version, &x.site.Version, &x.given.Version, &x.setup.Version, &x.view.Version,
	}
}

// keyed gives the client record, and what belongs to it, keys that are there.
func (x *filled) keyed() {
	account, client, site := x.client.ID, x.record.ID, x.site.ID
	x.record.Account, x.record.User, x.site.Account = account, x.user.ID, account
	x.given.SiteAccessKey = accounts.SiteAccessKey{Account: account, Client: client, Site: site}
	x.setup.ClientKey, x.view.ClientKey = x.record.ClientKey, x.record.ClientKey
	x.view.Viewer, x.view.Session = x.user.ID, x.session.ID
}

func (x *filled) rows() []any {
	return []any{
		x.user, x.gone, x.owner, x.client, x.agency, x.member, x.connection, x.assignment, x.request, x.session,
		x.credential, x.challenge, x.ticket, x.guesses, x.record, x.site, x.given, x.view, x.invitation, x.setup,
	}
}

func checkFilled(e *env) {
	st, x := e.open(), fillAll(100)
	rows := x.rows()
	e.put(st, append(slices.Clone(rows[:18]), x.identity, x.reply, x.event, x.message)...)
	e.put(st, rows[18:]...) // the port of invitations
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
	e.holds(len(feed) == 2, "ClaimEvents returned %d events, want 2", len(feed))
	e.same(feed[1].Event, x.event, "ClaimEvents")
	records, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.same(records, []mail.Record{{
		ID: x.message.ID, Channel: x.message.Channel, Kind: x.message.Kind, Account: x.message.Account, To: x.message.To, Reason: x.message.Reason,
		Priority: 7, State: mail.Queued, Due: x.message.Due, NotAfter: x.message.NotAfter, CreatedAt: x.message.CreatedAt,
	}}, "Mails")
	sent, err := st.ClaimMail(e.ctx, mail.Claim{Channel: x.message.Channel, At: x.message.Due, Lease: time.Hour, Limit: all})
	e.ok(err, "ClaimMail")
	e.holds(len(sent) == 1, "ClaimMail returned %d messages, want 1", len(sent))
	x.message.HTML = "" // whoever sends it makes that again
	e.same(sent[0].Message, x.message, "ClaimMail")
	u, err := st.User(e.ctx, accounts.UserKey{Identity: x.identity.Key()})
	e.ok(err, "User by identity")
	e.same(u, x.user, "User by identity")
}

// checkFine writes moments as a host's clock says them. What a message says has a
// check of its own.
func checkFine(e *env) {
	st, x := e.open(), fillAll(100)
	var rows []any
	for _, row := range x.rows() {
		v := reflect.New(reflect.TypeOf(row)).Elem()
		v.Set(reflect.ValueOf(row))
		eachTime(v, func(at time.Time) time.Time {
			return at.Add(999 * time.Nanosecond).In(time.FixedZone("elsewhere", 3600))
		})
		rows = append(rows, v.Interface())
	}
	e.put(st, rows[:18]...)
	e.put(st, rows[18:]...) // the port of invitations
	for _, v := range x.versions() {
		*v = 1
	}
	e.returned(st, x)
}

// eachTime puts another moment in the place of each in a row or a change, but for
// zero ones. Lists are copied, so that those of the caller stay as they are.
func eachTime(v reflect.Value, other func(time.Time) time.Time) {
	if at, ok := v.Interface().(time.Time); ok {
		if !at.IsZero() {
			v.Set(reflect.ValueOf(other(at)))
		}
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			eachTime(v.Field(i), other)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(list, v)
		v.Set(list)
		for i := range v.Len() {
			eachTime(v.Index(i), other)
		}
	}
}

// keptTime is what a store keeps of a moment.
func keptTime(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }

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
		owner:      x.owner,
		credential: accounts.Credential{User: x.credential.User, Version: x.credential.Version},
		challenge:  accounts.Challenge{ChallengeKey: x.challenge.ChallengeKey, Version: x.challenge.Version},
		ticket:     access.Ticket{TicketKey: x.ticket.TicketKey, Version: x.ticket.Version, Hash: hash("blank")},
		guesses:    access.Guesses{Email: x.guesses.Email, Version: x.guesses.Version},
		invitation: invites.Invitation{
			Account: x.invitation.Account, ID: x.invitation.ID, Version: x.invitation.Version,
			Email: "who@example.com", Hash: hash("blank"), State: invites.Pending,
		},
		record: accounts.Client{
			ClientState: accounts.ClientState{ClientKey: x.record.ClientKey}, Version: x.record.Version, Email: "who@example.com",
		},
		site:  accounts.Site{SiteKey: x.site.SiteKey, Version: x.site.Version},
		given: accounts.SiteAccess{SiteAccessKey: x.given.SiteAccessKey, Version: x.given.Version},
		setup: invites.SetupLink{ClientKey: x.setup.ClientKey, Version: x.setup.Version, Hash: hash("blank")},
		view: access.ViewAs{
			ViewAsState: access.ViewAsState{ID: x.view.ID, ClientKey: x.record.ClientKey, Viewer: x.user.ID}, Version: x.view.Version,
		},
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
	next.credential.User, next.guesses.Email = x.credential.User, x.guesses.Email
	next.challenge.ChallengeKey, next.ticket.TicketKey = x.challenge.ChallengeKey, x.ticket.TicketKey
	next.invitation.Account, next.invitation.ID, next.invitation.Inviter = x.agency.ID, x.invitation.ID, x.user.ID
	next.record.ID, next.site.ID, next.view.ID = x.record.ID, x.site.ID, x.view.ID
	next.keyed()
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
