package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// starting is what decides whether a view starts.
type starting struct {
	Standing accounts.Standing   // the viewer's, at the account
	Own      accounts.Membership // the viewer's there
	accounts.Recording
}

// startView decides whether the actor sees for a while what a client sees. The
// view remembers all that it rests on, and counts only while it is the same.
func startView(op accounts.Operation, f starting, in StartView, id accounts.ViewID, link token.Hash) (Change, ViewAs, error) {
	if err := op.May(f.Standing, roles.ViewAs); err != nil {
		return Change{}, ViewAs{}, err
	}
	c := f.Client
	refuse := func(why string) (Change, ViewAs, error) {
		return Change{}, ViewAs{}, op.Refuse(in.Account, accounts.RefusedDenied, &roles.DeniedError{Action: roles.ViewAs, Why: why})
	}
	switch {
	case !c.There():
		return Change{}, ViewAs{}, accounts.ErrNotFound
	case c.User == op.Actor.User():
		return refuse("this client is you; nobody views as themselves")
	case !c.Active(), c.User != "" && !f.User.Active():
		return refuse("the client is suspended, and sees nothing")
	}
	if err := op.Fresh(f.Standing.User, EventViewStarted, in.Account); err != nil {
		return Change{}, ViewAs{}, err
	}
	l := op.Rules.Limits
	v := ViewAs{
		ViewAsState: ViewAsState{
			ID: id, ClientKey: c.ClientKey, ClientEpoch: c.Epoch, UserEpoch: f.User.Epoch, ClientLogins: comings(c, f.User.Logins),
			Viewer: op.Actor.User(), ViewerEpoch: op.Actor.Epoch(), Tenure: f.Own.Tenure, Proof: op.Actor.Proof(), Session: op.Actor.Session(),
			Writes: in.Writes, CreatedAt: op.At, LinkUntil: op.At.Add(l.ViewLinkTTL), ExpiresAt: op.At.Add(l.ViewTTL),
		},
		Link: link,
	}
	ch := Change{Change: op.Relying()}
	ch.Guards = append(ch.Guards, accounts.Guard{Account: in.Account, Version: f.Account.Version})
	ch.Views = []ViewAs{v}
	op.Record(&ch.Change, v.event(EventViewStarted, c))
	return ch, v, nil
}

// comings counts how often somebody came in as the client by what the record and
// its user know: from nobody to a user who never logged in here is one as well.
func comings(c accounts.Client, logins int64) int64 {
	if c.User == "" {
		return -1
	}
	return logins
}

// holds decides whether a view counts at a moment: nothing that it rests on has
// ended, or ended and come back. That of the viewer is the user, the session,
// the membership and the right; that of the client is the record, its user, and
// that nobody came in as the client since.
func (f Viewing) holds(r accounts.Rules, at time.Time) bool {
	v, st, c := f.View, f.Standing, f.Client
	switch {
	case v.ID == "", !v.EndedAt.IsZero(), !at.Before(v.ExpiresAt):
		return false
	case v.Viewer == "", st.User.ID != v.Viewer, !st.User.Active(), st.User.Epoch != v.ViewerEpoch:
		return false
	case v.Session != "" && (f.Session.ID != v.Session || f.Session.User != v.Viewer || !f.Session.alive(at, st.User, r.Limits)):
		return false
	case st.Account.ID != v.Account, f.Tenure != v.Tenure, !st.Rights(r.Ladder, v.Proof).Can(roles.ViewAs):
		return false
	case c.ClientKey != v.ClientKey, !c.Active(), c.Epoch != v.ClientEpoch:
		return false
	case c.User != "" && (c.User == v.Viewer || !f.User.Active() || f.User.Epoch != v.UserEpoch):
		return false
	}
	return comings(c, f.Logins) == v.ClientLogins
}

// viewed returns what a view that holds lets its viewer see. What they may not
// do on the sites themselves, they may not do as the client either.
func (f Viewing) viewed(r accounts.Rules) Viewed {
	v := f.View
	out := Viewed{
		ID: v.ID, Viewer: v.Viewer, ViewerName: f.Standing.User.Name,
		Account: v.Account, AccountName: f.Standing.Account.Name, Client: v.ClientKey.ID, ClientName: f.Client.Name(),
		ReadOnly: !v.Writes, ExpiresAt: v.ExpiresAt, actor: v.actor(),
	}
	if end := f.Session.CreatedAt.Add(r.Limits.SessionTTL); v.Session != "" && end.Before(out.ExpiresAt) {
		out.ExpiresAt = end
	}
	out.sites = copied(f.Sites)
	if !f.Standing.Rights(r.Ladder, v.Proof).Can(roles.ManageClients) {
		for i := range out.sites {
			out.sites[i].Permissions = nil
		}
	}
	return out
}

// openView decides whether a link opens its view: once, in time, and while all
// that the view rests on is there. To whoever holds the link the reason is
// nothing.
func openView(op accounts.Operation, f Viewing, hash token.Hash, from Device) (Change, Viewed, error) {
	v := f.View
	if !v.OpenedAt.IsZero() || !op.At.Before(v.LinkUntil) || !f.holds(op.Rules, op.At) {
		return Change{}, Viewed{}, accounts.ErrNotFound
	}
	v.OpenedAt, v.Link, v.Hash = op.At, token.Hash{}, hash
	v.UserAgent, v.Source = from.UserAgent, from.Source
	op.Actor = v.actor()
	c := Change{Change: op.Change()}
	// The client is not guarded: what ends the view there ends it at the next
	// question.
	c.Guards = []accounts.Guard{
		{User: v.Viewer, Epoch: v.ViewerEpoch},
		{Account: v.Account, Version: f.Standing.Account.Version},
	}
	c.Views = []ViewAs{v}
	op.Record(&c.Change, v.event(EventViewOpened, f.Client))
	return c, f.viewed(op.Rules), nil
}

// endView ends a view, for its viewer or for whoever may end it. One that ended
// stays as it is.
func endView(op accounts.Operation, f Viewing) (Change, error) {
	v := f.View
	if !v.EndedAt.IsZero() {
		return Change{}, nil
	}
	v.EndedAt = op.At
	c := Change{Change: op.Change()}
	c.Views = []ViewAs{v}
	op.Record(&c.Change, v.event(EventViewEnded, f.Client))
	return c, nil
}

// event names a view's client, and their user if there is one.
func (v ViewAs) event(kind accounts.EventKind, c accounts.Client) accounts.Event {
	return accounts.Event{Kind: kind, Account: v.Account, User: c.User, Client: v.ClientKey.ID, View: v.ID}
}

// actor is who acts in the view, for whom nothing is allowed here and both
// people are named.
func (v ViewAs) actor() accounts.Actor {
	return accounts.Viewing(v.Viewer, v.Session, v.Account, v.ClientKey.ID)
}
