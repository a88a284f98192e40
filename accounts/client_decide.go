package accounts

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ClientFacts is what decides about a client record, or about a site of it,
// read at one version of the account.
type ClientFacts struct {
	Actor Standing
	Recording
	Sites   []SiteGrant // live sites that the client has, by id, where they are asked for
	Subject Standing    // how the client's user stands at the account, where that is asked for
}

// CreateClient decides whether a client record is made, with sites given at
// once. Draft is the record as it was asked for. The account moves: whoever adds
// a member at the same moment has to know of the address.
func (o Operation) CreateClient(f ClientFacts, draft Client, sites []ChosenSite) (Change, ClientEntry, error) {
	none := func(err error) (Change, ClientEntry, error) { return Change{}, ClientEntry{}, err }
	if err := o.May(f.Actor, roles.ManageClients); err != nil {
		return none(err)
	}
	switch {
	case f.Client.ID != "":
		return none(taken("id"))
	case f.Taken.There(), f.Member:
		return none(taken("email"))
	}
	c := o.Relying()
	c.Guards = append(c.Guards, Guard{Account: f.Account.ID, Version: f.Account.Version, Move: true})
	draft.CreatedAt, draft.UpdatedAt = o.At, o.At
	c.Clients = []Client{draft}
	o.Record(&c, Event{Kind: EventClientCreated, Account: draft.Account, Client: draft.ID})
	out := ClientEntry{Client: draft}
	out.Client.Version = 1
	for _, s := range sites {
		if !s.Site.Live() {
			return none(&InvalidError{Field: "sites.site", Reason: "is not one of the account's"})
		}
		set, err := o.permissions("sites.permissions", s.Permissions)
		if err != nil {
			return none(err)
		}
		o.give(&c, "", s.Access, set)
		out.Sites = append(out.Sites, SiteGrant{Site: s.Site.ID, Name: s.Site.Name, Permissions: slices.Clone(set)})
	}
	slices.SortFunc(out.Sites, func(a, b SiteGrant) int { return cmp.Compare(a.Site, b.Site) })
	return c, out, nil
}

// EditClient decides whether a client's details change. The address never does.
func (o Operation) EditClient(f ClientFacts, in EditClient) (Change, ClientEntry, error) {
	none := func(err error) (Change, ClientEntry, error) { return Change{}, ClientEntry{}, err }
	if err := o.onClient(f, roles.ManageClients); err != nil {
		return none(err)
	}
	client := f.Client
	for _, field := range []struct {
		value *string
		to    *string
	}{
		{in.FirstName, &client.FirstName},
		{in.LastName, &client.LastName},
		{in.Company, &client.Company},
		{in.Postal, &client.Postal},
		{in.Phone, &client.Phone},
		{in.Notes, &client.Notes},
		{in.Locale, &client.Locale},
	} {
		if field.value != nil {
			*field.to = *field.value
		}
	}
	out := ClientEntry{Client: client, Sites: f.Sites}
	if client == f.Client {
		return Change{}, out, nil
	}
	if err := client.check(); err != nil {
		return none(err)
	}
	c := o.client(f, client, EventClientUpdated)
	out.Client = c.Clients[0]
	out.Client.Version++
	return c, out, nil
}

// SuspendClient decides whether a client is kept out of the account, by every
// route, until reactivated. Links and views remember the epoch, and end.
func (o Operation) SuspendClient(f ClientFacts) (Change, error) {
	if err := o.onClient(f, roles.EndClients); err != nil || !f.Client.SuspendedAt.IsZero() {
		return Change{}, err
	}
	client := f.Client
	client.SuspendedAt = o.At
	client.Epoch++
	c := o.client(f, client, EventClientSuspended)
	c.CancelMail = []mail.Reason{RecordReason(client.ClientKey)}
	return c, nil
}

// ReactivateClient decides whether a suspended client is let in again. Only
// logins after this moment count here.
func (o Operation) ReactivateClient(f ClientFacts) (Change, error) {
	if err := o.onClient(f, roles.EndClients); err != nil || f.Client.SuspendedAt.IsZero() {
		return Change{}, err
	}
	client := f.Client
	client.SuspendedAt = time.Time{}
	if client.User == "" {
		return o.client(f, client, EventClientReactivated), nil
	}
	client.After, client.AfterAt = f.User.Logins, o.At
	c := o.client(f, client, EventClientReactivated)
	// A login that happens meanwhile changes the count that After rests on.
	user := f.User
	user.UpdatedAt = o.At
	c.Users = []User{user}
	return c, nil
}

// DeleteClient decides whether a client record is deleted for good: by somebody
// with a fresh login. What is left tells that there was one.
func (o Operation) DeleteClient(f ClientFacts) (Change, error) {
	if err := o.onClient(f, roles.EndClients); err != nil {
		return Change{}, err
	}
	if err := o.Fresh(f.Actor.User, EventClientDeleted, f.Account.ID); err != nil {
		return Change{}, err
	}
	if o.keepsOut(f) {
		return Change{}, &InvalidError{
			Field: "client", Reason: "keeps their user out through an agency as well; end that connection first, or reactivate the client",
		}
	}
	c := o.client(f, f.Client.end(o.At), EventClientDeleted)
	c.CancelMail = []mail.Reason{RecordReason(f.Client.ClientKey)}
	return c, nil
}

// keepsOut reports whether the record is all that keeps its user from another
// way into the account: deleting it would let them in. What is left of sessions
// from before a reactivation is over within their life.
func (o Operation) keepsOut(f ClientFacts) bool {
	c, without := f.Client, f.Subject
	without.Client = ClientState{}
	bars := !c.SuspendedAt.IsZero() || (c.After > 0 && o.At.Sub(c.AfterAt) < o.Rules.Limits.SessionTTL)
	return bars && !without.Rights(o.Rules.Ladder, AnyLogin()).None()
}

// onClient decides whether the actor may act on a client record that is there.
func (o Operation) onClient(f ClientFacts, need roles.Permission) error {
	if err := o.May(f.Actor, need); err != nil {
		return err
	}
	if !f.Client.There() {
		return ErrNotFound
	}
	return nil
}

// client returns the change that writes one client record and says why. The
// account is held: what the actor may do there must not change meanwhile.
func (o Operation) client(f ClientFacts, client Client, kind EventKind) Change {
	c := o.relyingOn(f)
	client.UpdatedAt = o.At
	c.Clients = []Client{client}
	o.Record(&c, Event{Kind: kind, Account: client.Account, Client: client.ID, User: f.Client.User})
	return c
}

// relyingOn returns an empty change that holds the account.
func (o Operation) relyingOn(f ClientFacts) Change {
	c := o.Relying()
	c.Guards = append(c.Guards, Guard{Account: f.Account.ID, Version: f.Account.Version})
	return c
}
