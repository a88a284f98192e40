package accounts

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// ChosenSite is a site that a client is given, with the row that there is of
// it.
type ChosenSite struct {
	Site        Site
	Access      SiteAccess
	Permissions []roles.Permission
}

// CreateSite decides whether a site is made on the spot.
func (o Operation) CreateSite(f ClientFacts, draft Site) (Change, error) {
	if err := o.May(f.Actor, roles.ManageClients); err != nil {
		return Change{}, err
	}
	if f.Site.ID != "" {
		return Change{}, taken("id")
	}
	draft.CreatedAt = o.At
	return o.site(f.Account, draft, EventSiteCreated), nil
}

// PutSite decides whether a job of the host makes or changes a site.
func (o Operation) PutSite(r Recording, draft Site) (Change, Site, error) {
	if err := o.keepsSites(r.Account); err != nil {
		return Change{}, Site{}, err
	}
	was := r.Site
	if !was.RemovedAt.IsZero() {
		return Change{}, Site{}, taken("id")
	}
	kind := EventSiteUpdated
	draft.Version, draft.CreatedAt, draft.UpdatedAt = was.Version, was.CreatedAt, was.UpdatedAt
	if was.ID == "" {
		kind, draft.CreatedAt = EventSiteCreated, o.At
	}
	if draft == was {
		return Change{}, was, nil
	}
	c := o.site(r.Account, draft, kind)
	draft = c.Sites[0]
	draft.Version++
	return c, draft, nil
}

// RemoveSite decides whether a job of the host removes a site. What clients had
// there ends with it.
func (o Operation) RemoveSite(r Recording) (Change, error) {
	if err := o.keepsSites(r.Account); err != nil {
		return Change{}, err
	}
	if r.Site.ID == "" {
		return Change{}, ErrNotFound
	}
	if !r.Site.Live() {
		return Change{}, nil
	}
	site := r.Site
	site.RemovedAt = o.At
	return o.site(r.Account, site, EventSiteRemoved), nil
}

// keepsSites decides whether the actor keeps an account's sites in step: a job
// of the host does.
func (o Operation) keepsSites(account Account) error {
	if o.Actor.client != "" {
		return o.viewing(roles.ManageClients)
	}
	if !o.Actor.IsSystem() {
		return o.Refuse(account.ID, RefusedDenied, &roles.DeniedError{Action: roles.ManageClients, Why: "only a job of the host keeps sites in step"})
	}
	if account.ID == "" || !account.ClosedAt.IsZero() {
		return ErrNotFound
	}
	return nil
}

// AssignSite decides whether a client is given a site, or other permissions on
// it. The client's row goes along: whoever counts or ends what the client has
// notices.
func (o Operation) AssignSite(f ClientFacts, permissions []roles.Permission) (Change, ClientSites, error) {
	none := func(err error) (Change, ClientSites, error) { return Change{}, ClientSites{}, err }
	if err := o.onClient(f, roles.ManageClients); err != nil {
		return none(err)
	}
	if !f.Site.Live() {
		return none(&InvalidError{Field: "site", Reason: "is not one of the account's"})
	}
	set, err := o.permissions("permissions", permissions)
	if err != nil {
		return none(err)
	}
	has := f.Access.Version != 0 && f.Access.EndedAt.IsZero()
	if most := o.Rules.Limits.SitesPerClient; !has && f.Assigned >= most {
		return none(&InvalidError{Field: "site", Reason: fmt.Sprintf("is one more than the %d that a client can have", most)})
	}
	out := f.without(f.Site.ID).with(f.Client, set)
	if has && slices.Equal(f.Access.Permissions, set) {
		return Change{}, out, nil
	}
	c := o.relyingOn(f)
	o.give(&c, f.Client.User, f.Access, set)
	o.touch(&c, f.Client)
	return c, out, nil
}

// UnassignSite decides whether a site is taken away from a client.
func (o Operation) UnassignSite(f ClientFacts) (Change, ClientSites, error) {
	none := func(err error) (Change, ClientSites, error) { return Change{}, ClientSites{}, err }
	if err := o.onClient(f, roles.ManageClients); err != nil {
		return none(err)
	}
	access := f.Access
	if access.Version == 0 || !access.EndedAt.IsZero() {
		return none(ErrNotFound)
	}
	c := o.relyingOn(f)
	access.EndedAt, access.UpdatedAt = o.At, o.At
	access.Permissions = nil
	c.SiteAccess = []SiteAccess{access}
	o.Record(&c, Event{Kind: EventSiteUnassigned, Account: access.Account, Client: access.Client, Site: access.Site, User: f.Client.User})
	o.touch(&c, f.Client)
	out := f.without(access.Site)
	out.Status = f.Client.Status(out.Sites > 0)
	return c, out, nil
}

// without counts what the client has beside one site.
func (f ClientFacts) without(site SiteID) ClientSites {
	var out ClientSites
	for _, g := range f.Sites {
		if g.Site == site {
			continue
		}
		out.Sites++
		if len(g.Permissions) > 0 {
			out.Seen++
		}
	}
	return out
}

// with adds one site to the count.
func (s ClientSites) with(c Client, permissions []roles.Permission) ClientSites {
	s.Sites++
	if len(permissions) > 0 {
		s.Seen++
	}
	s.Status, s.Permissions = c.Status(true), slices.Clone(permissions)
	return s
}

// permissions returns a set completed with what its permissions need.
func (o Operation) permissions(field string, set []roles.Permission) ([]roles.Permission, error) {
	set, err := o.Rules.Catalog.Choose(nil, set...)
	if err != nil {
		return nil, &InvalidError{Field: field, Reason: "has a permission that the catalogue does not have"}
	}
	return set, nil
}

// give adds to a change what a client may do on a site. User is who logs in as
// the client, if anybody does.
func (o Operation) give(c *Change, user UserID, access SiteAccess, permissions []roles.Permission) {
	access.Permissions, access.EndedAt, access.UpdatedAt = permissions, time.Time{}, o.At
	if access.CreatedAt.IsZero() {
		access.CreatedAt = o.At
	}
	c.SiteAccess = append(c.SiteAccess, access)
	o.Record(c, Event{Kind: EventSiteAssigned, Account: access.Account, Client: access.Client, Site: access.Site, User: user})
}

// touch adds the row of a client whose sites change.
func (o Operation) touch(c *Change, client Client) {
	client.UpdatedAt = o.At
	c.Clients = append(c.Clients, client)
}

// site returns the change that writes one site and says why.
func (o Operation) site(account Account, site Site, kind EventKind) Change {
	c := o.Relying()
	c.Guards = append(c.Guards, Guard{Account: account.ID, Version: account.Version})
	site.UpdatedAt = o.At
	c.Sites = []Site{site}
	o.Record(&c, Event{Kind: kind, Account: site.Account, Site: site.ID})
	return c
}
