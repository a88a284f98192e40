package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Whom a key names, behind a table of users. The conditions of the partial
// indexes stand in the statements, or these would not use them.
const (
	whoByID     = ` WHERE u.id = $1`
	whoByEmail  = ` WHERE u.email = $1 AND u.email <> '' AND u.deleted_at = 0`
	whoByHandle = ` WHERE u.handle_key = $1 AND u.handle_key <> '' AND u.deleted_at = 0`

	userOf         = `SELECT ` + userU + ` FROM {p}users u`
	userByID       = userOf + whoByID
	userByEmail    = userOf + whoByEmail
	userByHandle   = userOf + whoByHandle
	userByIdentity = userOf + identified + whoByIdentity

	identified    = ` JOIN {p}identities o ON o.user_id = u.id`
	whoByIdentity = ` WHERE o.issuer = $1 AND o.subject = $2 AND u.deleted_at = 0`
)

// named returns the one of four statements that finds a user by the filled
// field of a key, and what it wants.
func named(key accounts.UserKey, byID, byEmail, byHandle, byIdentity string) (text string, args []any) {
	switch {
	case key.ID != "":
		return byID, []any{string(key.ID)}
	case key.Email != "":
		return byEmail, []any{string(key.Email)}
	case key.Handle != "":
		return byHandle, []any{key.Handle}
	}
	return byIdentity, []any{key.Identity.Issuer, key.Identity.Subject}
}

// User implements accounts.Reader.
func (r *Reads) User(ctx context.Context, key accounts.UserKey) (accounts.User, error) {
	text, args := named(key, userByID, userByEmail, userByHandle, userByIdentity)
	return get(ctx, r, bindUser, text, args...)
}

const accountByID = `SELECT ` + accountA + ` FROM {p}accounts a WHERE a.id = $1`

// Account implements accounts.Reader.
func (r *Reads) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return get(ctx, r, bindAccount, accountByID, string(id))
}

const owned = `SELECT ` + accountA + ` FROM {p}memberships m
	JOIN {p}users u ON u.id = m.user_id AND u.deleted_at = 0
	JOIN {p}accounts a ON a.id = m.account_id AND ` + openA + `
	WHERE m.user_id = $1 AND m.role = $2 AND ` + activeM + `
	ORDER BY a.id`

// Owned implements accounts.Reader.
func (r *Reads) Owned(ctx context.Context, user accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return list(ctx, r, bindAccount, owned, string(user), string(top))
}

const owners = `SELECT ` + contactU + ` FROM {p}memberships m
	JOIN {p}users u ON u.id = m.user_id AND u.deleted_at = 0
	WHERE m.account_id = $1 AND m.role = $2 AND ` + activeM + `
	ORDER BY m.user_id`

// Owners implements accounts.Reader.
func (r *Reads) Owners(ctx context.Context, account accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return list(ctx, r, bindContact, owners, string(account), string(top))
}

const membershipByKey = `SELECT ` + membershipM + ` FROM {p}memberships m WHERE m.account_id = $1 AND m.user_id = $2`

// Membership implements accounts.Reader.
func (r *Reads) Membership(ctx context.Context, key accounts.StandingKey) (accounts.Membership, error) {
	m := accounts.Membership{}
	err := r.each(ctx, membershipByKey, []any{string(key.Account), string(key.User)}, bindMembership(nil, &m), func() {})
	if err != nil {
		return accounts.Membership{}, err
	}
	m.Account, m.User = key.Account, key.User
	return m, nil
}

const spent = `SELECT used FROM {p}quotas WHERE subject = $1 AND kind = $2 AND day = $3`

// Spent implements accounts.Reader.
func (r *Reads) Spent(ctx context.Context, key accounts.QuotaKey) (int, error) {
	used := 0
	err := r.each(ctx, spent, []any{key.Subject, string(key.Kind), int64(key.Day)}, []any{(*asCount)(&used)}, func() {})
	if err != nil {
		return 0, err
	}
	return used, nil
}

// linked has one row for each membership of an owner on either side, and one
// if there is none: the rows differ only in m and u.
const linked = `SELECT ` + accountA + `, ` + accountG + `, ` + connectionC + `, ` + membershipW + `, ` + assignmentS + `,
		m.account_id, ` + contactU + `
	FROM {p}accounts a
	JOIN {p}accounts g ON g.id = $2
	LEFT JOIN {p}connections c ON c.client_id = a.id AND c.agency_id = g.id
	LEFT JOIN {p}memberships w ON w.account_id = g.id AND w.user_id = $4
	LEFT JOIN {p}assignments s ON s.client_id = a.id AND s.user_id = $4 AND s.agency_id = g.id
	LEFT JOIN {p}memberships m ON m.account_id IN (a.id, g.id) AND m.role = $3 AND ` + activeM + `
	LEFT JOIN {p}users u ON u.id = m.user_id AND u.deleted_at = 0
	WHERE a.id = $1`

// Linked implements accounts.Reader.
func (r *Reads) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	var l, none accounts.Linked
	var at accounts.AccountID
	var owner accounts.Contact
	d := bindConnection(bindAccount(bindAccount(make([]any, 0, 65), &l.Client), &l.Agency), &l.Connection)
	d = bindAssignment(bindMembership(d, &l.Member), &l.Assignment)
	d = bindContact(append(d, (*asText)(&at)), &owner)
	err := r.each(ctx, linked, []any{string(q.Client), string(q.Agency), string(q.Top), string(q.User)}, d, func() {
		if owner.User == "" {
			return
		}
		if at == q.Client {
			l.ClientOwners = append(l.ClientOwners, owner)
		}
		if at == q.Agency {
			l.AgencyOwners = append(l.AgencyOwners, owner)
		}
	})
	switch {
	case err != nil:
		return none, err
	case l.Client.ID == "":
		return none, accounts.ErrNotFound
	}
	l.Connection.ConnectionKey = q.ConnectionKey
	if q.User != "" {
		l.Member.Account, l.Member.User = q.Agency, q.User
		l.Assignment.ConnectionKey, l.Assignment.User = q.ConnectionKey, q.User
	}
	byUser(l.ClientOwners)
	byUser(l.AgencyOwners)
	return l, nil
}

func byUser(all []accounts.Contact) {
	slices.SortFunc(all, func(a, b accounts.Contact) int { return strings.Compare(string(a.User), string(b.User)) })
}

// replyByKey locks the row, as [applied] does: an answer is given again only when it
// is as durable as one that is given the first time.
const replyByKey = `SELECT account_id, actor, key, input, answer, created_at, expires_at FROM {p}replies
	WHERE account_id = $1 AND actor = $2 AND key = $3{share}`

func bindReply(d []any, p *accounts.Reply) []any {
	return append(d, (*asText)(&p.Account), (*asText)(&p.Actor), (*asText)(&p.Key), (*asHash)(&p.Input), (*asBytes)(&p.Answer),
		(*asTime)(&p.CreatedAt), (*asTime)(&p.ExpiresAt))
}

// Reply implements accounts.Store.
func (r *Reads) Reply(ctx context.Context, key accounts.ReplyKey) (accounts.Reply, error) {
	return get(ctx, r, bindReply, replyByKey, string(key.Account), key.Actor, key.Key)
}
