package sqlstore

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// settingUp has a row for each identity of whoever has the client's address,
// and one if there is none: the rows differ only in i. $1 is who would join, $2
// the day, $3 the hash, or $3 and $4 the account and the client.
const (
	settingUp = `SELECT ` + clientF + `, ` + setupLinkD + `, ` + accountA + `, ` + assignedF + `, n.used, ` +
		meansColumns + `, ` + userP + `, ` + memberStateM + `, ` + clientStateO + `, ` + userQ + `, ` + membershipW
	settingUpRest = `
	JOIN {p}accounts a ON a.id = f.account_id
	LEFT JOIN {p}quotas n ON n.subject = f.email AND n.kind = 'recipient' AND n.day = $2
	LEFT JOIN {p}users u ON u.email = f.email AND u.email <> '' AND u.deleted_at = 0` + meansJoins + `
	LEFT JOIN {p}users p ON p.id = $1
	LEFT JOIN {p}memberships m ON m.account_id = f.account_id AND m.user_id = p.id
	LEFT JOIN {p}clients o ON o.account_id = f.account_id AND o.user_id = p.id AND o.deleted_at = 0
	LEFT JOIN {p}users q ON q.id = d.maker_id
	LEFT JOIN {p}memberships w ON w.account_id = f.account_id AND w.user_id = d.maker_id`

	settingUpByKey = settingUp + `
	FROM {p}clients f
	LEFT JOIN {p}setup_links d ON d.account_id = f.account_id AND d.client_id = f.id` + settingUpRest + `
	WHERE f.account_id = $3 AND f.id = $4`
	settingUpByHash = settingUp + `
	FROM {p}setup_links d
	JOIN {p}clients f ON f.account_id = d.account_id AND f.id = d.client_id` + settingUpRest + `
	WHERE d.hash = $3`
)

// SettingUp implements invites.Store.
func (r *Reads) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	var v, none invites.SettingUp
	text, args := settingUpByKey, append(make([]any, 0, 4), string(q.User), int64(q.Day))
	switch {
	case q.ID != "":
		args = append(args, string(q.Account), string(q.ID))
	case q.Hash != token.Hash{}:
		text, args = settingUpByHash, append(args, q.Hash[:])
	default:
		return none, accounts.ErrNotFound
	}
	var row meansRow
	d := bindSetupLink(bindRecorded(make([]any, 0, 160), &v.Client), &v.Link)
	d = append(bindAccount(d, &v.Account), (*asCount)(&v.Assigned), (*asCount)(&v.Mails))
	d = bindClientState(bindMemberState(bindUser(row.bind(d), &v.Joiner), &v.Member), &v.As)
	d = bindInviter(d, &v.Maker)
	err := r.each(ctx, text, args, d, func() { row.into(&v.Holder) })
	switch {
	case err != nil:
		return none, err
	case v.Client.ID == "":
		return none, accounts.ErrNotFound
	}
	byIssuer(v.Holder.Identities)
	v.Link.ClientKey = v.Client.ClientKey
	return v, nil
}

// viewing has one row for each route of the viewer, and one if there is none:
// they differ in nothing else. o is whom the view is of, and p their user.
const (
	viewing = `SELECT ` + viewH + `, ` + sessionStateX + `, ` + clientO + `, ` + grantsO + `, m.tenure,
		p.logins, p.id, p.name, p.epoch, p.epoch_at, p.suspended_at, p.deleted_at, p.confirms, ` + standingColumns + `
	FROM {p}views h
	JOIN {p}clients o ON o.account_id = h.account_id AND o.id = h.client_id
	LEFT JOIN {p}users p ON p.id = o.user_id
	LEFT JOIN {p}sessions x ON x.id = h.session_id
	JOIN {p}users u ON u.id = h.viewer_id
	JOIN {p}accounts a ON a.id = h.account_id` + standingJoins

	viewingByID   = viewing + ` WHERE h.id = $1`
	viewingByLink = viewing + ` WHERE h.link = $1`
	viewingByHash = viewing + ` WHERE h.hash = $1`
)

// Viewing implements access.SessionStore.
func (r *Reads) Viewing(ctx context.Context, key access.ViewKey) (access.Viewing, error) {
	var v, none access.Viewing
	var text string
	var arg any
	switch {
	case key.ID != "":
		text, arg = viewingByID, string(key.ID)
	case key.Link != token.Hash{}:
		text, arg = viewingByLink, key.Link[:]
	case key.Hash != token.Hash{}:
		text, arg = viewingByHash, key.Hash[:]
	default:
		return none, accounts.ErrNotFound
	}
	var row standingRow
	d := bindSessionState(bindView(make([]any, 0, 110), &v.View), &v.Session)
	d = append(bindRecorded(d, &v.Client), (*asGrants)(&v.Sites), (*asInt)(&v.Tenure), (*asInt)(&v.Logins))
	d = bindUserState(d, &v.User)
	err := r.each(ctx, text, []any{arg}, row.bind(d), func() { row.into(&v.Standing) })
	switch {
	case err != nil:
		return none, err
	case v.View.ID == "":
		return none, accounts.ErrNotFound
	}
	byAgency(v.Standing.Routes)
	return v, nil
}
