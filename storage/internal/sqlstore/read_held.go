package sqlstore

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// What is kept under a user's id is found by it. The parts of an identity and
// of a challenge can be any text, so their keys are compared as they are joined.
const (
	heldUser       = `SELECT ` + userU + ` FROM {p}users u WHERE u.id = $1 AND u.id > $2 LIMIT $3 + 0`
	heldCredential = `SELECT ` + credentialY + ` FROM {p}credentials y WHERE y.user_id = $1 AND y.user_id > $2 LIMIT $3 + 0`

	keyI         = `i.issuer || ` + newline + ` || i.subject`
	heldIdentity = `SELECT ` + identityI + ` FROM {p}identities i
		WHERE i.user_id = $1 AND ` + keyI + ` > $2 ORDER BY ` + keyI + ` LIMIT $3 + 0`

	keyZ          = `z.session_id || ` + newline + ` || z.account_id || ` + newline + ` || z.action`
	heldChallenge = `SELECT ` + challengeZ + ` FROM {p}challenges z
		WHERE z.user_id = $1 AND ` + keyZ + ` > $2 ORDER BY ` + keyZ + ` LIMIT $3 + 0`

	heldMembership = `SELECT ` + membershipM + ` FROM {p}memberships m
		WHERE m.user_id = $1 AND m.account_id > $2 ORDER BY m.account_id LIMIT $3 + 0`
	heldAssignment = `SELECT ` + assignmentS + ` FROM {p}assignments s
		WHERE s.user_id = $1 AND (s.client_id, s.agency_id) > ($2, $3) ORDER BY s.client_id, s.agency_id LIMIT $4 + 0`
	heldSession = `SELECT ` + sessionX + ` FROM {p}sessions x
		WHERE x.user_id = $1 AND x.id > $2 ORDER BY x.id LIMIT $3 + 0`

	newline = "'\n'"
)

// The rest is found by walking a table in the order of its primary key from
// the cursor on, until the page is full: it serves an export, which is rare,
// and asks for no index of its own.
const (
	heldRequest = `SELECT ` + requestR + ` FROM {p}requests r
		WHERE (r.requester_id = $1 AND r.requester_id <> '' OR r.email = $2 AND r.email <> '')
			AND (r.agency_id, r.id) > ($3, $4) ORDER BY r.agency_id, r.id LIMIT $5 + 0`
	heldInvitation = `SELECT ` + invitationV + ` FROM {p}invitations v
		WHERE (v.inviter_id = $1 AND v.inviter_id <> '' OR v.email = $2 AND v.email <> '')
			AND (v.account_id, v.id) > ($3, $4) ORDER BY v.account_id, v.id LIMIT $5 + 0`
	heldMail = `SELECT ` + recordL + ` FROM {p}mails l
		WHERE (l.user_id = $1 AND l.user_id <> '' OR l.recipient = $2 AND l.recipient <> '')
			AND l.id > $3 ORDER BY l.id LIMIT $4 + 0`
	heldClient = `SELECT ` + clientF + ` FROM {p}clients f
		WHERE (f.user_id = $1 AND $1 <> '' OR f.email = $2 AND f.email <> '')
			AND (f.account_id, f.id) > ($3, $4) ORDER BY f.account_id, f.id LIMIT $5 + 0`
	heldView = `SELECT ` + viewH + ` FROM {p}views h
		WHERE h.viewer_id = $1 AND h.id > $2 ORDER BY h.id LIMIT $3 + 0`
	heldEvent = `SELECT ` + eventE + ` FROM {p}events e
		WHERE (e.user_id = $1 OR e.by_user = $1) AND $1 <> ''
			AND (e.op, e.seq) > ($2, $3) ORDER BY e.op, e.seq LIMIT $4 + 0`
)

// Held implements accounts.Store. It returns an error for a kind that it does
// not know.
func (r *Reads) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	user, email, n := string(q.User), string(q.Email), limit(q.Limit)
	first, second, _ := strings.Cut(q.After, keySeparator)
	switch q.Kind {
	case accounts.HeldUser:
		return held(ctx, r, bindUser, heldUser, func(u *accounts.User) string { return string(u.ID) }, user, q.After, n)
	case accounts.HeldCredential:
		return held(ctx, r, bindCredential, heldCredential, func(c *accounts.Credential) string {
			c.Hash = ""
			return string(c.User)
		}, user, q.After, n)
	case accounts.HeldIdentity:
		return held(ctx, r, bindIdentity, heldIdentity, func(i *accounts.Identity) string {
			return heldKey(i.Issuer, i.Subject)
		}, user, q.After, n)
	case accounts.HeldChallenge:
		return held(ctx, r, bindChallenge, heldChallenge, func(c *accounts.Challenge) string {
			c.Hash = [32]byte{}
			return heldKey(string(c.Session), string(c.Account), string(c.Action))
		}, user, q.After, n)
	case accounts.HeldMembership:
		return held(ctx, r, bindMembership, heldMembership, func(m *accounts.Membership) string {
			return string(m.Account)
		}, user, q.After, n)
	case accounts.HeldAssignment:
		return held(ctx, r, bindAssignment, heldAssignment, func(s *accounts.Assignment) string {
			return heldKey(string(s.Client), string(s.Agency))
		}, user, first, second, n)
	case accounts.HeldSession:
		return held(ctx, r, bindSession, heldSession, func(s *access.Session) string {
			s.Hash = token.Hash{}
			return string(s.ID)
		}, user, q.After, n)
	case accounts.HeldRequest:
		return held(ctx, r, bindRequest, heldRequest, func(x *access.Request) string {
			x.Hash = token.Hash{}
			return heldKey(string(x.Agency), string(x.ID))
		}, user, email, first, second, n)
	case accounts.HeldInvitation:
		return held(ctx, r, bindInvitation, heldInvitation, func(i *invites.Invitation) string {
			i.Hash = token.Hash{}
			return heldKey(string(i.Account), string(i.ID))
		}, user, email, first, second, n)
	case accounts.HeldClient:
		return held(ctx, r, bindRecorded, heldClient, func(c *accounts.Client) string {
			return heldKey(string(c.Account), string(c.ID))
		}, user, email, first, second, n)
	case accounts.HeldView:
		return held(ctx, r, bindView, heldView, func(v *access.ViewAs) string {
			v.Link, v.Hash = token.Hash{}, token.Hash{}
			return string(v.ID)
		}, user, q.After, n)
	case accounts.HeldMail:
		return held(ctx, r, bindRecord, heldMail, func(m *mail.Record) string { return m.ID }, user, email, q.After, n)
	case accounts.HeldEvent:
		return held(ctx, r, bindEvent, heldEvent, func(e *accounts.Event) string {
			return heldKey(string(e.Op), tenDigits(e.Seq))
		}, user, first, lastSeq(second), n)
	}
	return nil, fmt.Errorf("sqlstore: nothing is kept of the kind %q", q.Kind)
}

// held reads rows of one shape. key returns the place of a row, and takes
// secrets out of it.
func held[T any](ctx context.Context, r *Reads, bind func([]any, *T) []any, text string, key func(*T) string,
	args ...any,
) ([]accounts.Held, error) {
	var v T
	var all []accounts.Held
	err := r.each(ctx, text, args, bind(nil, &v), func() { all = append(all, accounts.Held{Key: key(&v), Row: v}) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

const keySeparator = "\n"

func heldKey(parts ...string) string { return strings.Join(parts, keySeparator) }

func tenDigits(n int) string { return fmt.Sprintf("%010d", n) }

// lastSeq returns the greatest number whose ten digits are not behind a text:
// a cursor is a place, whatever is written in it.
func lastSeq(text string) int64 {
	return int64(sort.Search(math.MaxInt32, func(n int) bool { return tenDigits(n) > text })) - 1
}
