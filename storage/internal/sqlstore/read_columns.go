package sqlstore

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// One letter stands for one table in every statement, so that lists of columns
// and conditions can be shared:
//
//	u user                      q, p a second and a third user
//	a account, as the client    g account, as the agency
//	m membership in a           w membership in g
//	c connection of a and g     s assignment on c
//	r request                   v invitation
//	i identity                  y credential
//	t ticket                    z challenge
//	n guesses                   x session
//	e event                     l mail
//	f, o client record          d setup link
//	j site                      b site access
//	h view
//	k the keys of the question
//
// Where an invitation or a setup link is read, q is who made it, and w that
// user's membership in a. Where two users more are read, p is the other.
//
// Below, each list of columns stands before the function that binds it.

const userStateU = `u.id, u.name, u.epoch, u.epoch_at, u.suspended_at, u.deleted_at, u.confirms`

func bindUserState(d []any, u *accounts.UserState) []any {
	return append(d, (*asText)(&u.ID), (*asText)(&u.Name), (*asInt)(&u.Epoch), (*asTime)(&u.EpochAt),
		(*asTime)(&u.SuspendedAt), (*asTime)(&u.DeletedAt), (*asBool)(&u.Confirms))
}

const (
	userU = userStateU + `, u.version, u.logins, u.handle, u.email, u.address, u.proven, u.locale, u.kept, u.phone,
		u.suspensions, u.created_at, u.updated_at`
	userQ = `q.id, q.name, q.epoch, q.epoch_at, q.suspended_at, q.deleted_at, q.confirms,
		q.version, q.logins, q.handle, q.email, q.address, q.proven, q.locale, q.kept, q.phone, q.suspensions,
		q.created_at, q.updated_at`
	userP = `p.id, p.name, p.epoch, p.epoch_at, p.suspended_at, p.deleted_at, p.confirms,
		p.version, p.logins, p.handle, p.email, p.address, p.proven, p.locale, p.kept, p.phone, p.suspensions,
		p.created_at, p.updated_at`
)

func bindUser(d []any, u *accounts.User) []any {
	return append(bindUserState(d, &u.UserState), (*asInt)(&u.Version), (*asInt)(&u.Logins), (*asText)(&u.Handle),
		(*asText)(&u.Email), (*asText)(&u.Address), (*asBool)(&u.Proven), (*asText)(&u.Locale), (*asBool)(&u.Kept),
		(*asText)(&u.Phone), (*asInt)(&u.Suspensions), (*asTime)(&u.CreatedAt), (*asTime)(&u.UpdatedAt))
}

const (
	accountStateA = `a.id, a.name, a.version, a.epoch, a.programme_at, a.client_access_at, a.suspended_at, a.closed_at`
	accountStateG = `g.id, g.name, g.version, g.epoch, g.programme_at, g.client_access_at, g.suspended_at, g.closed_at`
)

func bindAccountState(d []any, a *accounts.AccountState) []any {
	return append(d, (*asText)(&a.ID), (*asText)(&a.Name), (*asInt)(&a.Version), (*asInt)(&a.Epoch), (*asTime)(&a.ProgrammeAt),
		(*asTime)(&a.ClientAccessAt), (*asTime)(&a.SuspendedAt), (*asTime)(&a.ClosedAt))
}

const (
	accountA = accountStateA + `, a.kind, a.plan, a.locale, a.created_at, a.updated_at`
	accountG = accountStateG + `, g.kind, g.plan, g.locale, g.created_at, g.updated_at`
)

func bindAccount(d []any, a *accounts.Account) []any {
	return append(bindAccountState(d, &a.AccountState), (*asText)(&a.Kind), (*asText)(&a.Plan), (*asText)(&a.Locale),
		(*asTime)(&a.CreatedAt), (*asTime)(&a.UpdatedAt))
}

const (
	memberStateM = `m.role, m.epoch, m.after_login, m.after_at, m.suspended_at, m.ended_at`
	memberStateW = `w.role, w.epoch, w.after_login, w.after_at, w.suspended_at, w.ended_at`
)

func bindMemberState(d []any, m *accounts.MemberState) []any {
	return append(d, (*asText)(&m.Role), (*asInt)(&m.Epoch), (*asInt)(&m.After), (*asTime)(&m.AfterAt),
		(*asTime)(&m.SuspendedAt), (*asTime)(&m.EndedAt))
}

const (
	membershipM = memberStateM + `, m.account_id, m.user_id, m.version, m.tenure, m.reign, m.created_at, m.updated_at`
	membershipW = memberStateW + `, w.account_id, w.user_id, w.version, w.tenure, w.reign, w.created_at, w.updated_at`
)

func bindMembership(d []any, m *accounts.Membership) []any {
	return append(bindMemberState(d, &m.MemberState), (*asText)(&m.Account), (*asText)(&m.User), (*asInt)(&m.Version),
		(*asInt)(&m.Tenure), (*asInt)(&m.Reign), (*asTime)(&m.CreatedAt), (*asTime)(&m.UpdatedAt))
}

const connectionStateC = `c.cap, c.epoch, c.agency_epoch, c.ended_at`

func bindConnectionState(d []any, c *accounts.ConnectionState) []any {
	return append(d, (*asText)(&c.Cap), (*asInt)(&c.Epoch), (*asInt)(&c.AgencyEpoch), (*asTime)(&c.EndedAt))
}

const connectionC = connectionStateC + `, c.client_id, c.agency_id, c.version, c.request_id, c.approver_id, c.created_at, c.updated_at`

func bindConnection(d []any, c *accounts.Connection) []any {
	return append(bindConnectionState(d, &c.ConnectionState), (*asText)(&c.Client), (*asText)(&c.Agency), (*asInt)(&c.Version),
		(*asText)(&c.Request), (*asText)(&c.Approver), (*asTime)(&c.CreatedAt), (*asTime)(&c.UpdatedAt))
}

const assignmentStateS = `s.role, s.connection_epoch, s.member_epoch, s.ended_at`

func bindAssignmentState(d []any, s *accounts.AssignmentState) []any {
	return append(d, (*asText)(&s.Role), (*asInt)(&s.ConnectionEpoch), (*asInt)(&s.MemberEpoch), (*asTime)(&s.EndedAt))
}

const assignmentS = assignmentStateS + `, s.client_id, s.agency_id, s.user_id, s.version, s.created_at, s.updated_at`

func bindAssignment(d []any, s *accounts.Assignment) []any {
	return append(bindAssignmentState(d, &s.AssignmentState), (*asText)(&s.Client), (*asText)(&s.Agency), (*asText)(&s.User),
		(*asInt)(&s.Version), (*asTime)(&s.CreatedAt), (*asTime)(&s.UpdatedAt))
}

// The label is what accounts.User.Label makes of the same columns.
const (
	contactU = `u.id, CASE WHEN u.name <> '' THEN u.name WHEN u.handle <> '' THEN u.handle ELSE u.address END, u.email, u.locale`
	contactP = `p.id, CASE WHEN p.name <> '' THEN p.name WHEN p.handle <> '' THEN p.handle ELSE p.address END, p.email, p.locale`
)

func bindContact(d []any, c *accounts.Contact) []any {
	return append(d, (*asText)(&c.User), (*asText)(&c.Name), (*asText)(&c.Email), (*asText)(&c.Locale))
}

const requestR = `r.id, r.agency_id, r.version, r.agency_epoch, r.email, r.address, r.requester_id, r.message, r.level,
	r.locale, r.hash, r.state, r.sent_at, r.expires_at, r.resend_day, r.resends, r.client_id, r.decider_id,
	r.decided_at, r.reason, r.created_at, r.updated_at`

func bindRequest(d []any, r *access.Request) []any {
	return append(d, (*asText)(&r.ID), (*asText)(&r.Agency), (*asInt)(&r.Version), (*asInt)(&r.AgencyEpoch), (*asText)(&r.Email),
		(*asText)(&r.Address), (*asText)(&r.Requester), (*asText)(&r.Message), (*asText)(&r.Level), (*asText)(&r.Locale), (*asHash)(&r.Hash),
		(*asText)(&r.State), (*asTime)(&r.SentAt), (*asTime)(&r.ExpiresAt), (*asDay)(&r.ResendDay), (*asCount)(&r.Resends),
		(*asText)(&r.Client), (*asText)(&r.Decider), (*asTime)(&r.DecidedAt), (*asText)(&r.Reason), (*asTime)(&r.CreatedAt),
		(*asTime)(&r.UpdatedAt))
}

const invitationV = `v.account_id, v.id, v.version, v.email, v.address, v.role, v.message, v.locale, v.inviter_id, v.tenure,
	v.reign, v.suspensions, v.hash, v.state, v.sent_at, v.expires_at, v.resend_day, v.resends, v.user_id, v.given,
	v.decided_at, v.created_at, v.updated_at`

func bindInvitation(d []any, i *invites.Invitation) []any {
	return append(d, (*asText)(&i.Account), (*asText)(&i.ID), (*asInt)(&i.Version), (*asText)(&i.Email), (*asText)(&i.Address),
		(*asText)(&i.Role), (*asText)(&i.Message), (*asText)(&i.Locale), (*asText)(&i.Inviter), (*asInt)(&i.Tenure),
		(*asInt)(&i.Reign), (*asInt)(&i.Suspensions), (*asHash)(&i.Hash), (*asText)(&i.State), (*asTime)(&i.SentAt),
		(*asTime)(&i.ExpiresAt), (*asDay)(&i.ResendDay), (*asCount)(&i.Resends), (*asText)(&i.User), (*asText)(&i.Given),
		(*asTime)(&i.DecidedAt), (*asTime)(&i.CreatedAt), (*asTime)(&i.UpdatedAt))
}

const identityI = `i.issuer, i.subject, i.user_id, i.created_at`

func bindIdentity(d []any, i *accounts.Identity) []any {
	return append(d, (*asText)(&i.Issuer), (*asText)(&i.Subject), (*asText)(&i.User), (*asTime)(&i.CreatedAt))
}

const credentialY = `y.user_id, y.version, y.hash, y.created_at, y.updated_at` //nolint:gosec // the names of columns

func bindCredential(d []any, c *accounts.Credential) []any {
	return append(d, (*asText)(&c.User), (*asInt)(&c.Version), (*asText)(&c.Hash), (*asTime)(&c.CreatedAt), (*asTime)(&c.UpdatedAt))
}

const challengeZ = `z.user_id, z.session_id, z.account_id, z.action, z.version, z.epoch, z.hash, z.phone, z.tries, z.created_at,
	z.expires_at, z.passed_at, z.used_at`

func bindChallenge(d []any, c *accounts.Challenge) []any {
	return append(d, (*asText)(&c.User), (*asText)(&c.Session), (*asText)(&c.Account), (*asText)(&c.Action), (*asInt)(&c.Version),
		(*asInt)(&c.Epoch), (*asHash)(&c.Hash), (*asText)(&c.To), (*asCount)(&c.Tries), (*asTime)(&c.CreatedAt),
		(*asTime)(&c.ExpiresAt), (*asTime)(&c.PassedAt), (*asTime)(&c.UsedAt))
}

const ticketT = `t.user_id, t.purpose, t.version, t.hash, t.email, t.address, t.epoch, t.created_at, t.expires_at, t.used_at`

func bindTicket(d []any, t *access.Ticket) []any {
	return append(d, (*asText)(&t.User), (*asText)(&t.Purpose), (*asInt)(&t.Version), (*asHash)(&t.Hash), (*asText)(&t.Email),
		(*asText)(&t.Address), (*asInt)(&t.Epoch), (*asTime)(&t.CreatedAt), (*asTime)(&t.ExpiresAt), (*asTime)(&t.UsedAt))
}

const guessesN = `n.email, n.version, n.tries, n.last_at`

func bindGuesses(d []any, g *access.Guesses) []any {
	return append(d, (*asText)(&g.Email), (*asInt)(&g.Version), (*asCount)(&g.Count), (*asTime)(&g.LastAt))
}

const sessionStateX = `x.id, x.user_id, x.user_epoch, x.login, x.method, x.created_at, x.auth_at, x.seen_at, x.ended_at`

func bindSessionState(d []any, s *access.SessionState) []any {
	return append(d, (*asText)(&s.ID), (*asText)(&s.User), (*asInt)(&s.UserEpoch), (*asInt)(&s.Login), (*asText)(&s.Method),
		(*asTime)(&s.CreatedAt), (*asTime)(&s.AuthAt), (*asTime)(&s.SeenAt), (*asTime)(&s.EndedAt))
}

const sessionX = sessionStateX + `, x.version, x.hash, x.account_id, x.from_id, x.user_agent, x.source`

func bindSession(d []any, s *access.Session) []any {
	return append(bindSessionState(d, &s.SessionState), (*asInt)(&s.Version), (*asHash)(&s.Hash), (*asText)(&s.Account),
		(*asText)(&s.From), (*asText)(&s.UserAgent), (*asText)(&s.Source))
}

// eventE begins with the place of the event, by which pages are merged.
const eventE = `e.at, e.op, e.seq, e.kind, e.account_id, e.agency_id, e.user_id, e.request_id, e.invitation_id, e.session_id,
	e.client_id, e.site_id, e.view_id, e.mail_id, e.role, e.was, e.action, e.refusal, e.by_user, e.by_session, e.by_client,
	e.by_system, e.by_operator, e.by_reason, e.by_request`

func bindEvent(d []any, e *accounts.Event) []any {
	return append(d, (*asTime)(&e.At), (*asText)(&e.Op), (*asCount)(&e.Seq), (*asText)(&e.Kind), (*asText)(&e.Account), (*asText)(&e.Agency),
		(*asText)(&e.User), (*asText)(&e.Request), (*asText)(&e.Invitation), (*asText)(&e.Session), (*asText)(&e.Client),
		(*asText)(&e.Site), (*asText)(&e.View), (*asText)(&e.Mail),
		(*asText)(&e.Role), (*asText)(&e.Was), (*asText)(&e.Action), (*asText)(&e.Refusal),
		(*asText)(&e.By.User), (*asText)(&e.By.Session), (*asText)(&e.By.Client), (*asText)(&e.By.System), (*asText)(&e.By.Operator), (*asText)(&e.By.Reason),
		(*asText)(&e.By.RequestID))
}

const recordL = `l.id, l.channel, l.kind, l.account_id, l.recipient, l.reason, l.priority, l.state, l.attempts, l.due_at, l.not_after,
	l.created_at, l.settled_at, l.error`

func bindRecord(d []any, m *mail.Record) []any {
	return append(d, (*asText)(&m.ID), (*asText)(&m.Channel), (*asText)(&m.Kind), (*asText)(&m.Account), (*asText)(&m.To), (*asText)(&m.Reason), (*asRank)(&m.Priority),
		(*asText)(&m.State), (*asCount)(&m.Attempts), (*asTime)(&m.Due), (*asTime)(&m.NotAfter), (*asTime)(&m.CreatedAt),
		(*asTime)(&m.SettledAt), (*asText)(&m.Error))
}
