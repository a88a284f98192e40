package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

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
	e.same(a, access.Admission{Session: x.session.SessionState, Sites: x.grants(), Standing: accounts.Standing{
		User: x.user.UserState, Account: x.client.AccountState, Client: x.clientState(), Routes: []accounts.Route{{
			Agency: x.agency.AccountState, Connection: x.connection.ConnectionState,
			Member: x.member.MemberState, Assignment: x.assignment.AssignmentState,
		}},
	}}, "Admission")
	e.returnedLogins(st, x)
	e.returnedInvitation(st, x)
	e.returnedClient(st, x)
}

// clientState is what the user's standing says of the client record.
func (x *filled) clientState() accounts.ClientState {
	if x.record.User == "" {
		return accounts.ClientState{}
	}
	return x.record.ClientState
}

func (x *filled) grants() []accounts.SiteGrant {
	if x.record.User == "" {
		return nil
	}
	return []accounts.SiteGrant{grantOf(x.site, x.given.Permissions...)}
}

func (e *env) returnedClient(st storage.Storage, x filled) {
	e.Helper()
	user, logins := x.user, x.user.Logins
	if x.record.User == "" {
		user, logins = accounts.User{}, 0
	}
	key := accounts.RecordingQuery{
		Account: x.record.Account, Client: x.record.ID, Site: x.site.ID, Email: x.record.Email, User: x.record.User,
	}
	r, err := st.Recording(e.ctx, key)
	e.ok(err, "Recording")
	e.same(r, accounts.Recording{
		Account: x.client, Client: x.record, User: user, Taken: x.record.ClientState, Assigned: 1, Site: x.site, Access: x.given,
	}, "Recording")
	sites := []accounts.SiteGrant{grantOf(x.site, x.given.Permissions...)}
	list, err := st.ClientRecords(e.ctx, accounts.ClientRecordQuery{Account: x.record.Account, Limit: all})
	e.ok(err, "ClientRecords")
	e.same(list, []accounts.ClientEntry{{Client: x.record, Sites: sites}}, "ClientRecords")
	live, err := st.Sites(e.ctx, accounts.SiteQuery{Account: x.site.Account, Limit: all})
	e.ok(err, "Sites")
	e.same(live, []accounts.Site{x.site}, "Sites")
	for _, q := range []invites.SettingUpQuery{{ClientKey: x.record.ClientKey}, {Hash: x.setup.Hash}} {
		s, err := st.SettingUp(e.ctx, q)
		e.ok(err, "SettingUp")
		e.same(s.Link, x.setup, "SettingUp, the link")
		e.same(s.Client, x.record, "SettingUp, the client")
		e.same(s.Account, x.client, "SettingUp, the account")
	}
	for _, q := range []access.ViewKey{{ID: x.view.ID}, {Link: x.view.Link}, {Hash: x.view.Hash}} {
		if q == (access.ViewKey{}) {
			continue // a blank one has neither link nor secret
		}
		v, err := st.Viewing(e.ctx, q)
		e.ok(err, "Viewing")
		e.same(v.View, x.view, "Viewing, the view")
		e.same(v.Client, x.record, "Viewing, the client")
		e.same(v.Sites, sites, "Viewing, the sites")
		e.same(v.Standing.User, x.user.UserState, "Viewing, the viewer")
		e.holds(v.Logins == logins, "Viewing says that the client's user logged in %d times, want %d", v.Logins, logins)
		if x.view.Session != "" {
			e.same(v.Session, x.session.SessionState, "Viewing, the viewer's session")
		}
	}
}

func (e *env) returnedLogins(st storage.Storage, x filled) {
	e.Helper()
	means, err := st.Means(e.ctx, accounts.UserKey{ID: x.user.ID})
	e.ok(err, "Means")
	e.same(means.User, x.user, "Means, the user")
	e.same(means.Credential, x.credential, "Means, the credential")
	for _, i := range means.Identities {
		e.same(i, x.identity, "Means, an identity")
	}
	c, err := st.Challenge(e.ctx, x.challenge.ChallengeKey)
	e.ok(err, "Challenge")
	e.same(c, x.challenge, "Challenge")
	for _, q := range []access.TicketQuery{{TicketKey: x.ticket.TicketKey}, {Hash: x.ticket.Hash}} {
		t, err := st.Ticket(e.ctx, q)
		e.ok(err, "Ticket")
		e.same(t, x.ticket, "Ticket")
	}
	entering, err := st.Entering(e.ctx, access.EnteringQuery{Email: x.guesses.Email})
	e.ok(err, "Entering")
	e.same(entering.Guesses, x.guesses, "Entering, the guesses")
}

func (e *env) returnedInvitation(st storage.Storage, x filled) {
	e.Helper()
	inviter := accounts.Member{Membership: x.member, User: x.user}
	if x.invitation.Inviter == "" {
		inviter = accounts.Member{}
	}
	inviting, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: x.agency.ID, ID: x.invitation.ID})
	e.ok(err, "Inviting")
	e.same(inviting.Invitation, x.invitation, "Inviting, the invitation")
	e.same(inviting.Account, x.agency, "Inviting, the account")
	e.same(memberWithoutKeys(inviting.Inviter), inviter, "Inviting, the inviter")
	for _, q := range []invites.AcceptingQuery{
		{Account: x.agency.ID, ID: x.invitation.ID, User: x.user.ID}, {Hash: x.invitation.Hash, User: x.user.ID},
	} {
		a, err := st.Accepting(e.ctx, q)
		e.ok(err, "Accepting")
		e.same(a.Invitation, x.invitation, "Accepting, the invitation")
		e.same(a.Account, x.agency, "Accepting, the account")
		e.same(memberWithoutKeys(a.Inviter), inviter, "Accepting, the inviter")
		e.same(a.Joiner.User, x.user, "Accepting, the user")
		e.same(a.Joiner.Credential, x.credential, "Accepting, the user's credential")
		e.same(a.Member, x.member, "Accepting, the user's membership")
	}
	list, err := st.Invitations(e.ctx, invites.ListQuery{Account: x.agency.ID, Limit: all})
	e.ok(err, "Invitations")
	e.same(listedWithoutKeys(list), []invites.Listed{{
		Invitation: x.invitation, Account: x.agency.AccountState, Inviter: inviter,
	}}, "Invitations")
}
