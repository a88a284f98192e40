package sqlstore

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// The seats of the account that is written between the parts; $1 is the moment.
// They rest on the question alone and on no row of the statement around them,
// so that they are counted once, however many rows that has.
const (
	seatsTaken = `(SELECT count(*) FROM {p}memberships m
			JOIN {p}users u ON u.id = m.user_id AND u.deleted_at = 0
			WHERE m.ended_at = 0 AND m.account_id = `
	seatsHeld = `), (SELECT count(*) FROM {p}invitations v {by invitations_pending}
			JOIN {p}users q ON q.id = v.inviter_id
			JOIN {p}memberships w ON w.account_id = v.account_id AND w.user_id = v.inviter_id
			WHERE` + pendingV + `$1 AND v.account_id = `
	seatsEnd = `)`

	seats = `SELECT ` + seatsTaken + `$2` + seatsHeld + `$2` + seatsEnd
)

func bindSeats(d []any, s *accounts.Seats) []any {
	return append(d, (*asCount)(&s.Members), (*asCount)(&s.Invited))
}

// Seats implements accounts.Reader.
func (r *Reads) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	return get(ctx, r, bindSeats, seats, micros(at), string(account))
}

// inviterV finds who made an invitation, as they are now.
const inviterV = `
	LEFT JOIN {p}users q ON q.id = v.inviter_id
	LEFT JOIN {p}memberships w ON w.account_id = v.account_id AND w.user_id = v.inviter_id`

func bindInviter(d []any, m *accounts.Member) []any {
	return bindMembership(bindUser(d, &m.User), &m.Membership)
}

// $1 is the moment, $2 the account, $3 the day, $4 the address or the
// invitation's id: an invitation that is found by its id has an address.
const (
	invitingOf = `SELECT ` + accountA + `, ` + invitationV + `, ` + userQ + `, ` + membershipW + `,
		` + seatsTaken + `$2` + seatsHeld + `$2` + seatsEnd + `,
		` + memberStateM + `,
		CASE WHEN EXISTS (SELECT 1 FROM {p}clients f
			WHERE f.account_id = $2 AND f.email = COALESCE(v.email, $4) AND f.email <> '' AND f.deleted_at = 0)
			THEN 1 ELSE 0 END,
		h.used, d.used
	FROM {p}accounts a`
	invitingRest = inviterV + `
	LEFT JOIN {p}quotas h ON h.subject = $2 AND h.kind = 'invitations' AND h.day = $3
	LEFT JOIN {p}quotas d ON d.subject = COALESCE(v.email, $4) AND d.kind = 'recipient' AND d.day = $3
	LEFT JOIN {p}users u ON u.email = COALESCE(v.email, $4) AND u.email <> '' AND u.deleted_at = 0
	LEFT JOIN {p}memberships m ON m.account_id = $2 AND m.user_id = u.id
	WHERE a.id = $2`

	invitingByEmail = invitingOf + `
	LEFT JOIN {p}invitations v ON v.account_id = a.id AND v.email = $4 AND v.state = 'pending'` + invitingRest
	invitingByID = invitingOf + `
	JOIN {p}invitations v ON v.account_id = a.id AND v.id = $4` + invitingRest
)

// Inviting implements invites.Store.
func (r *Reads) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	text, what := invitingByEmail, string(q.Email)
	if q.ID != "" {
		text, what = invitingByID, string(q.ID)
	}
	return get(ctx, r, bindInviting, text, micros(q.At), string(q.Account), int64(accounts.DayOf(q.At)), what)
}

func bindInviting(d []any, v *invites.Inviting) []any {
	d = bindInvitation(bindAccount(slices.Grow(d, 79), &v.Account), &v.Invitation)
	d = bindSeats(bindInviter(d, &v.Inviter), &v.Seats)
	return append(bindMemberState(d, &v.Member), (*asBool)(&v.Client), (*asCount)(&v.Used), (*asCount)(&v.Mails))
}

// accepting has a row for each identity of whoever would join, and one if there
// is none: the rows differ only in i. $1 is the moment, $2 who would join ("":
// whoever has the address), $3 the hash, or $3 and $4 the account and the id.
const (
	acceptingOf = `SELECT ` + invitationV + `, ` + accountA + `, ` + userQ + `, ` + membershipW + `, ` +
		meansColumns + `, ` + membershipM + `, ` + clientStateF + `, `
	acceptingFrom = `
	FROM {p}invitations v
	JOIN {p}accounts a ON a.id = v.account_id` + inviterV + `
	LEFT JOIN {p}users u ON `
	acceptingRest = meansJoins + `
	LEFT JOIN {p}memberships m ON m.account_id = v.account_id AND m.user_id = u.id
	LEFT JOIN {p}clients f ON f.account_id = v.account_id AND f.id = COALESCE(
		(SELECT o.id FROM {p}clients o WHERE o.account_id = v.account_id AND o.email = COALESCE(NULLIF(u.email, ''), v.email)
			AND o.email <> '' AND o.deleted_at = 0),
		(SELECT o.id FROM {p}clients o WHERE o.user_id = u.id AND o.account_id = v.account_id AND o.deleted_at = 0))
	WHERE `

	joinerNamed     = `u.id = $2` + acceptingRest
	joinerAddressed = `u.email = v.email AND u.email <> '' AND u.deleted_at = 0 AND $2 = ''` + acceptingRest

	invitationByID   = `v.account_id = $3 AND v.id = $4`
	invitationByHash = `v.hash = $3`
	accountByHash    = `(SELECT o.account_id FROM {p}invitations o WHERE o.hash = $3)`

	acceptingByID   = acceptingOf + seatsTaken + `$3` + seatsHeld + `$3` + seatsEnd + acceptingFrom
	acceptingByHash = acceptingOf + seatsTaken + accountByHash + seatsHeld + accountByHash + seatsEnd + acceptingFrom

	acceptingByIDNamed       = acceptingByID + joinerNamed + invitationByID
	acceptingByIDAddressed   = acceptingByID + joinerAddressed + invitationByID
	acceptingByHashNamed     = acceptingByHash + joinerNamed + invitationByHash
	acceptingByHashAddressed = acceptingByHash + joinerAddressed + invitationByHash
)

// Accepting implements invites.Store.
func (r *Reads) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	named, addressed := acceptingByIDNamed, acceptingByIDAddressed
	args := append(make([]any, 0, 4), micros(q.At), string(q.User))
	switch {
	case q.ID != "":
		args = append(args, string(q.Account), string(q.ID))
	case q.Hash != token.Hash{}:
		named, addressed = acceptingByHashNamed, acceptingByHashAddressed
		args = append(args, q.Hash[:])
	default:
		return invites.Accepting{}, accounts.ErrNotFound
	}
	if q.User == "" {
		named = addressed
	}
	var v invites.Accepting
	var row meansRow
	d := bindAccount(bindInvitation(make([]any, 0, 119), &v.Invitation), &v.Account)
	d = bindClientState(bindMembership(row.bind(bindInviter(d, &v.Inviter)), &v.Member), &v.Client)
	err := r.each(ctx, named, args, bindSeats(d, &v.Seats), func() { row.into(&v.Joiner) })
	switch {
	case err != nil:
		return invites.Accepting{}, err
	case v.Invitation.ID == "":
		return invites.Accepting{}, accounts.ErrNotFound
	}
	byIssuer(v.Joiner.Identities)
	v.Member.Account, v.Member.User = v.Invitation.Account, v.Joiner.User.ID
	if v.Joiner.User.ID == "" {
		v.Member.User = q.User
	}
	return v, nil
}

// invitations walks the account's invitations backwards by when they were made.
// Each part is one condition more, so that a page without a search or a filter
// carries neither.
const (
	invitationsOf = `SELECT ` + invitationV + `, ` + accountStateA + `, ` + userQ + `, ` + membershipW + `
	FROM {p}invitations v
	JOIN {p}accounts a ON a.id = v.account_id` + inviterV + `
	WHERE v.account_id = $1 AND (v.created_at, v.id) < ($2, $3)`

	invitationsPage = ` ORDER BY v.created_at DESC, v.id DESC LIMIT $4 + 0`
	invitationsFit  = ` AND v.email LIKE $5 || '' ESCAPE '!'`

	// invitationsIn compares what invites.Invitation.StateAt says.
	invitationsIn = ` AND CASE
		WHEN v.state <> 'pending' THEN v.state
		WHEN v.expires_at <= {at} THEN 'expired'
		WHEN ` + standsV + ` THEN 'pending'
		ELSE 'void' END IN (`
)

func bindListed(d []any, l *invites.Listed) []any {
	return bindInviter(bindAccountState(bindInvitation(d, &l.Invitation), &l.Account), &l.Inviter)
}

// Invitations implements invites.Store.
func (r *Reads) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	at := lastMoment
	if q.Before != (invites.Cursor{}) {
		at = micros(q.Before.CreatedAt)
	}
	args := append(make([]any, 0, 14), string(q.Account), at, string(q.Before.ID), limit(q.Limit))
	text := invitationsOf
	if search := contains(q.Search); search != "" {
		text, args = text+invitationsFit, append(args, search)
	}
	if len(q.States) > 0 {
		args = append(args, micros(q.At))
		p := "$" + strconv.Itoa(len(args))
		var in string
		in, args = oneOf(args, q.States)
		text += strings.Replace(invitationsIn, "{at}", p, 1) + in + `)`
	}
	return list(ctx, r, bindListed, text+invitationsPage, args...)
}

const invitationsTo = `SELECT ` + invitationV + `, ` + accountStateA + `, ` + userQ + `, ` + membershipW + `
	FROM {p}invitations v
	JOIN {p}accounts a ON a.id = v.account_id AND ` + openA + `
	JOIN {p}users q ON q.id = v.inviter_id
	JOIN {p}memberships w ON w.account_id = v.account_id AND w.user_id = v.inviter_id
	WHERE v.email = $1 AND` + pendingV + `$2
	ORDER BY v.created_at DESC, v.id DESC, v.account_id DESC LIMIT $3 + 0`

// InvitationsTo implements invites.Store.
func (r *Reads) InvitationsTo(ctx context.Context, email accounts.Email, at time.Time, n int) ([]invites.Listed, error) {
	return list(ctx, r, bindListed, invitationsTo, string(email), micros(at), limit(n))
}
