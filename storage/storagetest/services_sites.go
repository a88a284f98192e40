package storagetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Permissions of the standard catalogue.
const (
	seeing  = roles.Permission("STATS_TAB")
	editing = roles.Permission("PUBLISH")
)

// siteChecks give sites to clients beside what ends either of them.
func siteChecks() []check {
	const ends = "what was ended must be ended for everybody, at once (C10, A76, I-20)"
	return slices.Concat(
		raced("of many sites that a client is given at once as many are theirs as they can have", "a limit that concurrency gets past is no limit (C4)", assignMany),
		[]check{
			{"of a site that is given and the client's deletion each sees which was first", ends, assignAgainstDelete},
			{"a site that is given beside its removal gives nothing", ends, assignAgainstRemoval},
		},
	)
}

// scene is an account with a client who has come in: cas, who sees a site in
// two tabs, each with a session of its own.
type scene struct {
	stage

	client accounts.ClientKey
	cas    accounts.UserID
	site   accounts.SiteID
	tabs   [2]string
}

func (o *office) scene() scene {
	o.Helper()
	s := o.stage()
	at, cas := string(s.account), "cas-"+string(s.account)
	o.settled(person(accounts.UserID(cas)), site(at, "shop"), site(at, "blog"), o.enlisted(recordOf(at, cas, cas)), given(at, cas, "shop", seeing))
	sc := scene{stage: s, client: s.key(cas), cas: accounts.UserID(cas), site: "shop"}
	for k := range sc.tabs {
		sc.tabs[k] = o.signIn(sc.cas)
	}
	return sc
}

// enlisted remembers a record that is put in as it is.
func (o *office) enlisted(c accounts.Client) accounts.Client {
	o.records = append(o.records, c.ClientKey)
	return c
}

// sees reports whether the holder of a session sees the site. What keeps them
// out is an answer; everything else is an error.
func (sc scene) sees(o *office, secret string) (bool, error) {
	p, err := o.sessions.Principal(o.ctx, secret, sc.account)
	return p.CanSite(sc.site, seeing), out(err)
}

// out returns nil for what somebody is told who is kept out.
func out(err error) error {
	if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, access.ErrNoSession) {
		return nil
	}
	return err
}

// assign gives the client a site, with what they may do there.
func (sc scene) assign(o *office, id accounts.SiteID, set ...roles.Permission) error {
	_, err := o.clients.Assign(o.ctx, o.actor(sc.amy), accounts.AssignSite{
		ClientKey: sc.client, SiteChoice: accounts.SiteChoice{Site: id, Permissions: set},
	})
	return err
}

func assignMany(o *office, meet meeting) {
	const many = 16
	s := o.stage()
	c := o.recorded(s, "new@example.com")
	var rows []any
	for n := range many {
		rows = append(rows, site(string(s.account), fmt.Sprint("site-", n)))
	}
	o.settled(rows...)
	by := []accounts.Actor{o.actor(s.amy), o.actor(s.olga)}
	at := meet(o, many)
	errs := together(many, func(n int) error {
		_, err := at.clients.Assign(o.ctx, by[n%2], accounts.AssignSite{
			ClientKey: c, SiteChoice: accounts.SiteChoice{Site: accounts.SiteID(fmt.Sprint("site-", n)), Permissions: []roles.Permission{seeing, editing}},
		})
		return err
	})
	o.holds(o.only(errs, accounts.ErrInvalid) == fewSites, "%d of %d sites were given, want %d", o.only(errs, accounts.ErrInvalid), many, fewSites)
	e, err := o.clients.Client(o.ctx, by[0], c)
	o.ok(err, "Client")
	r, err := o.st.Recording(o.ctx, accounts.RecordingQuery{Account: s.account, Client: c.ID})
	o.ok(err, "Recording")
	o.holds(len(e.Sites) == fewSites && r.Assigned == fewSites, "a client has %d sites and %d are counted, want %d", len(e.Sites), r.Assigned, fewSites)
	for n, err := range errs {
		has := slices.ContainsFunc(e.Sites, func(g accounts.SiteGrant) bool { return g.Site == accounts.SiteID(fmt.Sprint("site-", n)) })
		o.holds(has == (err == nil), "a site was answered %v, and is the client's: %v", err, has)
	}
	o.holds(o.events(s.account, accounts.EventSiteAssigned) == fewSites, "%d events tell of %d sites", o.events(s.account, accounts.EventSiteAssigned), fewSites)
	o.sound()
}

func assignAgainstDelete(e *env) {
	o := newOffice(e)
	for n := range 2 + times(6) {
		sc := o.scene()
		assign := func(at *office) error { return sc.assign(at, "blog", seeing) }
		remove := func(at *office) error { return at.clients.Delete(o.ctx, o.actor(sc.amy), sc.client) }
		errs := make([]error, 2)
		switch n {
		case 0:
			errs[0] = assign(o.interrupted(1, func() { errs[1] = remove(o) }))
			o.is(errs[0], accounts.ErrNotFound, "a site for a client who was deleted since they were read")
		case 1:
			errs[1] = remove(o.interrupted(1, func() { errs[0] = assign(o) }))
			o.ok(errs[0], "a site, before a deletion comes true")
		default:
			errs = together(2, func(k int) error { return []func(*office) error{assign, remove}[k](o) })
		}
		o.ok(errs[1], "a deletion")
		if errs[0] != nil {
			o.is(errs[0], accounts.ErrNotFound, "a site for a client who was deleted")
		}
		r, err := o.st.Recording(o.ctx, accounts.RecordingQuery{Account: sc.account, Client: sc.client.ID, Site: "blog"})
		o.ok(err, "Recording")
		o.holds(!r.Client.There() && r.Client.Name() == "" && (r.Access.Version > 0) == (errs[0] == nil),
			"giving was answered %v, and left %s", errs[0], text(r))
		o.blind(sc, "a deletion")
	}
	o.sound()
}

// blind ends the check unless neither tab of a scene sees the site.
func (o *office) blind(sc scene, after string) {
	o.Helper()
	for _, tab := range sc.tabs {
		sees, err := sc.sees(o, tab)
		o.ok(err, "Principal after %s", after)
		o.holds(!sees, "after %s a client sees the site", after)
	}
}

func assignAgainstRemoval(e *env) {
	o := newOffice(e)
	for n := range 2 + times(6) {
		sc := o.scene()
		assign := func(at *office) error { return sc.assign(at, "shop", seeing, editing) }
		remove := func(at *office) error {
			return at.clients.RemoveSite(o.ctx, accounts.System("sites"), accounts.SiteKey{Account: sc.account, ID: "shop"})
		}
		errs := make([]error, 2)
		switch n {
		case 0:
			errs[0] = assign(o.interrupted(1, func() { errs[1] = remove(o) }))
		case 1:
			errs[1] = remove(o.interrupted(1, func() { errs[0] = assign(o) }))
			o.ok(errs[0], "a site, before its removal comes true")
		default:
			errs = together(2, func(k int) error { return []func(*office) error{assign, remove}[k](o) })
		}
		o.ok(errs[1], "a removal")
		if errs[0] != nil {
			o.is(errs[0], accounts.ErrInvalid, "a site that was removed")
		}
		o.blind(sc, "the site's removal")
		r, err := o.st.Recording(o.ctx, accounts.RecordingQuery{Account: sc.account, Client: sc.client.ID})
		o.ok(err, "Recording")
		o.holds(r.Assigned == 0, "%d sites are counted of a client whose only one was removed", r.Assigned)
		o.ok(sc.assign(o, "blog", seeing), "another site")
	}
	o.sound()
}
