package accounts

import (
	"context"
	"fmt"
	"net/url"

	"golang.org/x/net/idna"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Site limits, in characters.
const (
	maxURL    = 2048
	maxDomain = 253
)

// SiteChoice is a site that a client is given, with what they may do on it.
type SiteChoice struct {
	Site        SiteID
	Permissions []roles.Permission // none: the site is theirs, and nothing of it is seen
}

// CreateSite is the input of [Clients.CreateSite].
type CreateSite struct {
	Account AccountID
	ID      SiteID // the host's own id; "": a fresh one
	Name    string // 1 to 100 characters
	Alias   string // the host's short name, at most 100 characters; "": none
	URL     string // where it can be seen, http or https; "": nowhere yet
	Domain  string // such as "bakery.example"; "": none
	Key     string // optional idempotency key
}

// CreateSite makes a site on the spot. An id that a site has or had is a
// [*TakenError] for the field "id"; a key that was used with other input,
// [ErrKeyReused].
func (s *Clients) CreateSite(ctx context.Context, actor Actor, in CreateSite) (Site, error) {
	draft, err := in.site()
	if err != nil {
		return Site{}, err
	}
	op := s.s.env.Begin(actor)
	keyed := in
	keyed.Key = ""
	once, err := NewOnce(op, in.Account, in.Key, EventSiteCreated, keyed)
	if err != nil {
		return Site{}, err
	}
	if draft.ID == "" {
		draft.ID = SiteID(s.s.env.NewID(op.At))
	}
	var out Site
	err = s.s.run(ctx, op, EventSiteCreated, func(ctx context.Context) (Change, error) {
		st, err := s.actor(ctx, op, in.Account, roles.ManageClients)
		if err != nil {
			return Change{}, err // an answer that was kept is for somebody who may still ask
		}
		var c Change
		err = once.Do(ctx, s.s.st, &out, func() (bool, error) {
			f, err := s.facts(ctx, st, RecordingQuery{Account: in.Account, Site: draft.ID})
			if err != nil {
				return false, err
			}
			if c, err = op.CreateSite(f, draft); err != nil {
				return false, err
			}
			out = c.Sites[0]
			out.Version = 1
			return true, once.Keep(&c, out)
		})
		return c, err
	})
	if err != nil {
		return Site{}, err
	}
	return out, nil
}

// PutSite is the input of [Clients.PutSite]: a site as the host keeps it.
type PutSite struct {
	Account AccountID
	ID      SiteID // the host's own id
	Name    string // 1 to 100 characters
	Alias   string // at most 100 characters
	URL     string // http or https
	Domain  string // such as "bakery.example"
}

// PutSite creates or updates a site that the host keeps under its own id. It
// replaces what is there, so put the whole site. Only a job of the host may do
// it, else a [*roles.DeniedError]. The id of a site that was removed is a
// [*TakenError]: what clients had there must not come back. An account that is
// not there, or closed, is [ErrNotFound]. Putting the same again changes nothing.
func (s *Clients) PutSite(ctx context.Context, actor Actor, in PutSite) (Site, error) {
	if err := CheckID("id", in.ID); err != nil {
		return Site{}, err
	}
	draft, err := CreateSite{Account: in.Account, ID: in.ID, Name: in.Name, Alias: in.Alias, URL: in.URL, Domain: in.Domain}.site()
	if err != nil {
		return Site{}, err
	}
	var out Site
	err = s.bySystem(ctx, actor, draft.SiteKey, EventSiteUpdated, func(op Operation, r Recording) (Change, error) {
		var c Change
		var err error
		c, out, err = op.PutSite(r, draft)
		return c, err
	})
	if err != nil {
		return Site{}, err
	}
	return out, nil
}

// RemoveSite removes a site that the host keeps no more, for good: clients who
// had it see nothing of it from the next check on. Only a job of the host may do
// it, else a [*roles.DeniedError]. A site that never was there is [ErrNotFound].
// Removing again changes nothing.
func (s *Clients) RemoveSite(ctx context.Context, actor Actor, key SiteKey) error {
	if err := key.check(); err != nil {
		return err
	}
	return s.bySystem(ctx, actor, key, EventSiteRemoved, Operation.RemoveSite)
}

// bySystem is an act on a site that no user may do.
func (s *Clients) bySystem(ctx context.Context, actor Actor, key SiteKey, kind EventKind, decide func(Operation, Recording) (Change, error)) error {
	op := s.s.env.Begin(actor)
	return s.s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		r, err := s.s.st.Recording(ctx, RecordingQuery{Account: key.Account, Site: key.ID})
		if isNotFound(err) && !actor.IsSystem() {
			return decide(op, Recording{}) // refused, and tells nobody which accounts exist
		}
		if err != nil {
			return Change{}, err
		}
		return decide(op, r)
	})
}

// SitePage asks for a page of sites.
type SitePage struct {
	Search string     // in name, alias, URL and domain, as [SearchFits] says; "": all
	Before SiteCursor // Site.Cursor of the last one seen; zero: from the newest
	Limit  int        // 0: 50; at most 500
}

// Sites returns a page of an account's sites, newest first, to whoever manages
// clients, a job or an operator. Removed ones are not listed.
func (s *Clients) Sites(ctx context.Context, actor Actor, account AccountID, page SitePage) ([]Site, error) {
	if err := CheckID("account", account); err != nil {
		return nil, err
	}
	if err := CheckText("search", page.Search, maxDomain); err != nil {
		return nil, err
	}
	if err := s.s.mayRead(ctx, actor, account, roles.ManageClients, "sites.list", nil); err != nil {
		return nil, err
	}
	return s.s.st.Sites(ctx, SiteQuery{Account: account, Search: page.Search, Before: page.Before, Limit: s.s.env.Page(page.Limit)})
}

// AssignSite is the input of [Clients.Assign].
type AssignSite struct {
	ClientKey
	SiteChoice
}

// ClientSites tells how a client stands once a site was given or taken away.
type ClientSites struct {
	Status      ClientStatus
	Permissions []roles.Permission // on the site in question, completed with what they need
	Sites       int                // how many sites the client has
	Seen        int                // how many of them the client sees anything of
}

// Assign gives a client a site, or other permissions on it. Saving overwrites:
// the permissions are those named, completed with what they need, and no others;
// none is no access. A page on which one is ticked or unticked asks the catalogue
// ([Env.Catalog]) with roles.Catalog.Choose and Drop, and sends what these return:
// then what somebody unticked does not come back because another one needs it. It holds from the client's next request on, without another
// invitation. A client that is not there is [ErrNotFound]; a site that is not one
// of the account's, or one too many ([Limits.SitesPerClient]), an [*InvalidError]
// for "site"; a permission that the catalogue does not have, for "permissions".
// Saving what is there changes nothing.
func (s *Clients) Assign(ctx context.Context, actor Actor, in AssignSite) (ClientSites, error) {
	return s.onAccess(ctx, actor, in.ClientKey, in.Site, EventSiteAssigned,
		func(op Operation, f ClientFacts) (Change, ClientSites, error) {
			return op.AssignSite(f, in.Permissions)
		})
}

// Unassign takes a site away from a client. The answer tells how many sites are
// left, and how many of them the client sees: an active client who sees none
// stays active, and suspending them is an option. A client that is not there, or
// does not have the site, is [ErrNotFound].
func (s *Clients) Unassign(ctx context.Context, actor Actor, key SiteAccessKey) (ClientSites, error) {
	return s.onAccess(ctx, actor, ClientKey{Account: key.Account, ID: key.Client}, key.Site, EventSiteUnassigned, Operation.UnassignSite)
}

func (s *Clients) onAccess(ctx context.Context, actor Actor, key ClientKey, site SiteID, kind EventKind,
	decide func(Operation, ClientFacts) (Change, ClientSites, error),
) (ClientSites, error) {
	if err := key.Check(); err != nil {
		return ClientSites{}, err
	}
	if err := CheckID("site", site); err != nil {
		return ClientSites{}, err
	}
	op := s.s.env.Begin(actor)
	var out ClientSites
	err := s.s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		st, err := s.actor(ctx, op, key.Account, roles.ManageClients)
		if err != nil {
			return Change{}, err
		}
		f, err := s.facts(ctx, st, RecordingQuery{Account: key.Account, Client: key.ID, Site: site})
		if err != nil {
			return Change{}, err
		}
		if err := s.grants(ctx, &f); err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = decide(op, f)
		return c, err
	})
	if err != nil {
		return ClientSites{}, err
	}
	return out, nil
}

// chosen reads the sites that a new client is given. A site that is removed
// meanwhile gives nothing all the same.
func (s *Clients) chosen(ctx context.Context, client ClientKey, choices []SiteChoice) ([]ChosenSite, error) {
	out := make([]ChosenSite, 0, len(choices))
	for _, choice := range choices {
		r, err := s.s.st.Recording(ctx, RecordingQuery{Account: client.Account, Site: choice.Site})
		if err != nil {
			return nil, err
		}
		out = append(out, ChosenSite{
			Site: r.Site, Permissions: choice.Permissions,
			Access: SiteAccess{SiteAccessKey: SiteAccessKey{Account: client.Account, Client: client.ID, Site: choice.Site}},
		})
	}
	return out, nil
}

func checkChoices(rules Rules, choices []SiteChoice) error {
	if most := rules.Limits.SitesPerClient; len(choices) > most {
		return &InvalidError{Field: "sites", Reason: fmt.Sprintf("are more than %d", most)}
	}
	seen := make(map[SiteID]bool, len(choices))
	for _, c := range choices {
		if err := CheckID("sites.site", c.Site); err != nil {
			return err
		}
		if seen[c.Site] {
			return &InvalidError{Field: "sites", Reason: "have a site twice"}
		}
		seen[c.Site] = true
	}
	return nil
}

// site returns the site that the input describes, without a moment.
func (in CreateSite) site() (Site, error) {
	s := Site{SiteKey: SiteKey{Account: in.Account, ID: in.ID}, Name: in.Name, Alias: in.Alias, URL: in.URL, Domain: in.Domain}
	if err := CheckID("account", in.Account); err != nil {
		return s, err
	}
	if in.ID != "" {
		if err := CheckID("id", in.ID); err != nil {
			return s, err
		}
	}
	return s, s.check()
}

// check refuses what breaks a rule. The URL is one that a page can link to.
func (s Site) check() error {
	if err := checkText("name", s.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkText("alias", s.Alias, 0, maxName); err != nil {
		return err
	}
	if err := checkText("url", s.URL, 0, maxURL); err != nil {
		return err
	}
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil {
			return &InvalidError{Field: "url", Reason: "is not a plain http or https URL"}
		}
	}
	if err := checkText("domain", s.Domain, 0, maxDomain); err != nil {
		return err
	}
	if s.Domain != "" {
		if _, err := idna.Lookup.ToASCII(s.Domain); err != nil {
			return &InvalidError{Field: "domain", Reason: "is not valid"}
		}
	}
	return nil
}

func (k SiteKey) check() error {
	if err := CheckID("account", k.Account); err != nil {
		return err
	}
	return CheckID("site", k.ID)
}
