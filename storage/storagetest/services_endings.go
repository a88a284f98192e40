package storagetest

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ending is something after which a client, or whoever views as one, sees a site
// no more.
type ending struct {
	name  string
	run   func(o *office, sc scene, v *look) error
	back  func(o *office, sc scene) error // brings it back; nil: nothing does
	tabs  bool                            // the client sees nothing after it; else only who views as them
	again bool                            // the same tabs see again once it is back: nothing ended that they rest on
	views bool                            // views count again as well
	begun bool                            // it ends a view that has begun, and nothing before
}

// look is a view: its id, the secret of its link, that of the view once it was
// opened, and that of the viewer's own session.
type look struct {
	id                accounts.ViewID
	link, secret, own string
}

func endings() []ending {
	return []ending{
		{"the client's suspension", func(o *office, sc scene, _ *look) error {
			return o.clients.Suspend(o.ctx, o.actor(sc.amy), sc.client)
		}, func(o *office, sc scene) error { return o.clients.Reactivate(o.ctx, o.actor(sc.amy), sc.client) }, true, false, false, false},
		{"the client's deletion", func(o *office, sc scene, _ *look) error {
			return o.clients.Delete(o.ctx, o.actor(sc.olga), sc.client)
		}, nil, true, false, false, false},
		{"the site's being taken away", func(o *office, sc scene, _ *look) error {
			_, err := o.clients.Unassign(o.ctx, o.actor(sc.olga), accounts.SiteAccessKey{Account: sc.account, Client: sc.client.ID, Site: sc.site})
			return err
		}, func(o *office, sc scene) error { return sc.assign(o, sc.site, seeing) }, true, true, true, false},
		{"the permission's being taken away", func(o *office, sc scene, _ *look) error {
			return sc.assign(o, sc.site)
		}, func(o *office, sc scene) error { return sc.assign(o, sc.site, seeing) }, true, true, true, false},
		{"the site's removal", func(o *office, sc scene, _ *look) error {
			return o.clients.RemoveSite(o.ctx, accounts.System("sites"), accounts.SiteKey{Account: sc.account, ID: sc.site})
		}, nil, true, false, false, false},
		{"the account's suspension", func(o *office, sc scene, _ *look) error {
			return o.graph.SuspendAccount(o.ctx, staff(), sc.account)
		}, func(o *office, sc scene) error { return o.graph.ReactivateAccount(o.ctx, staff(), sc.account) }, true, true, true, false},
		{"the suspension of the client's person everywhere", func(o *office, sc scene, _ *look) error {
			return o.graph.SuspendUser(o.ctx, staff(), sc.cas)
		}, func(o *office, sc scene) error { return o.graph.ReactivateUser(o.ctx, staff(), sc.cas) }, true, false, false, false},
		{"the viewer's removal", func(o *office, sc scene, _ *look) error {
			return o.graph.RemoveMember(o.ctx, o.actor(sc.olga), sc.account, sc.amy)
		}, func(o *office, sc scene) error {
			return o.graph.AddMember(o.ctx, accounts.System("members"), sc.account, sc.amy, roles.Admin)
		}, false, false, false, false},
		{"the viewer's demotion", func(o *office, sc scene, _ *look) error {
			return o.graph.ChangeRole(o.ctx, o.actor(sc.olga), sc.account, sc.amy, roles.Manager)
		}, nil, false, false, false, false},
		{"the viewer's suspension in the account", func(o *office, sc scene, _ *look) error {
			return o.graph.SuspendMember(o.ctx, o.actor(sc.olga), sc.account, sc.amy)
		}, func(o *office, sc scene) error {
			return o.graph.ReactivateMember(o.ctx, o.actor(sc.olga), sc.account, sc.amy)
		}, false, false, false, false},
		{"the end of the viewer's session", func(o *office, _ scene, v *look) error {
			return o.sessions.SignOut(o.ctx, v.own)
		}, nil, false, false, false, false},
		{"the client's own login", func(o *office, sc scene, _ *look) error {
			_, _, err := o.sessions.Start(o.ctx, accounts.Login{User: sc.cas, Method: "test"}, access.Device{})
			return err
		}, nil, false, false, false, false},
		{"the view's end", func(o *office, sc scene, v *look) error {
			return o.views.End(o.ctx, o.actor(sc.olga), sc.account, v.id)
		}, nil, false, false, false, true},
	}
}

// endingChecks set each ending against a client who is there in two tabs, and
// against somebody who views as them.
func endingChecks() []check {
	const once = "a link opens one view, in one browser (A01, A66, I-04)"
	const tabs = "a right that was withdrawn is refused by every check that begins after the call returned (A37, A74, C9, I-09)"
	const view = "a view rests on both people, at every moment (A67, A70, I-16, I-17)"
	list := slices.Concat(
		raced("of many who open one view by its link one opens it", once, openMany),
		[]check{{"a view that is begun beside the client's coming in for the first time ends with it", view, viewAgainstSetUp}},
	)
	for _, end := range endings() {
		if end.tabs {
			list = append(list, check{"no tab of a client's sees a site after " + end.name, tabs, func(e *env) { end.againstTabs(newOffice(e)) }})
		}
		list = append(list, check{"no view as a client shows a site after " + end.name, view, func(e *env) { end.againstViews(newOffice(e)) }})
	}
	return list
}

// noneAfter lets all ask, over and over, while something ends, and ends the
// check if one is told yes who began to ask after the end had been told.
func (o *office) noneAfter(what string, end func() error, asks ...func() (bool, error)) {
	o.Helper()
	var told atomic.Bool
	var late atomic.Int64
	errs := together(1+len(asks), func(k int) error {
		if k == 0 {
			defer told.Store(true)
			return end()
		}
		for after := 0; after < 2; {
			was := told.Load()
			yes, err := asks[k-1]()
			if err != nil {
				return err
			}
			if was {
				after++
				if yes {
					late.Add(1)
				}
			}
		}
		return nil
	})
	o.holds(o.only(errs) == len(errs), "%s, or a question beside it, failed", what)
	o.holds(late.Load() == 0, "%d questions that were asked after %s were answered with yes", late.Load(), what)
}

func (end ending) againstTabs(o *office) {
	for n := range 1 + times(4) {
		sc := o.scene()
		var asks []func() (bool, error)
		for _, tab := range []string{sc.tabs[0], sc.tabs[1], sc.tabs[0], sc.tabs[1]} {
			asks = append(asks, func() (bool, error) { return sc.sees(o, tab) })
		}
		if n == 0 {
			o.ok(end.run(o.interrupted(1, func() {
				for _, ask := range asks {
					sees, err := ask()
					o.holds(sees && err == nil, "a client does not see a site that is theirs until %s: %v", end.name, err)
				}
			}), sc, nil), "%s", end.name)
		} else {
			o.noneAfter(end.name, func() error { return end.run(o, sc, nil) }, asks...)
		}
		o.blind(sc, end.name)
		if end.back == nil {
			continue
		}
		o.ok(end.back(o, sc), "what brings back from %s", end.name)
		for _, ask := range asks {
			sees, err := ask()
			o.holds(sees == end.again && err == nil, "after %s and back a tab from before sees the site: %v (%v)", end.name, sees, err)
		}
		sees, err := sc.sees(o, o.signIn(sc.cas))
		o.holds(sees && err == nil, "after %s and back a new login does not see the site: %v", end.name, err)
	}
	o.sound()
}

// begin has amy, who logs in for it, begin a view on an office where something
// may happen meanwhile.
func (o *office) begin(sc scene, at func(own string) *office) (*look, error) {
	o.Helper()
	own := o.signIn(sc.amy)
	p, err := o.sessions.Principal(o.ctx, own, sc.account)
	o.ok(err, "Principal of %s", sc.amy)
	page, v, err := at(own).views.Start(o.ctx, p.Actor(), access.StartView{ClientKey: sc.client})
	if err != nil {
		return nil, err
	}
	link := page.Reveal()
	begun := &look{id: v.ID, link: link[strings.Index(link, string(token.ViewLink)):], own: own}
	o.looks = append(o.looks, begun)
	return begun, nil
}

// begun has amy begin a view of a scene.
func (o *office) begun(sc scene) *look {
	o.Helper()
	v, err := o.begin(sc, func(string) *office { return o })
	o.ok(err, "Start")
	return v
}

// open opens the view, if its link still does.
func (v *look) open(at *office) error {
	secret, _, err := at.views.Open(at.ctx, v.link, access.Device{})
	if err == nil {
		v.secret = secret.Reveal()
	}
	return err
}

// shows reports whether the view shows the site of a scene.
func (v *look) shows(o *office, sc scene) (bool, error) {
	if v.secret == "" {
		return false, nil
	}
	seen, err := o.views.Viewed(o.ctx, v.secret)
	return seen.CanSite(sc.site, seeing), out(err)
}

// dark ends the check unless the view does not show the site.
func (v *look) dark(o *office, sc scene, when string) {
	o.Helper()
	shows, err := v.shows(o, sc)
	o.ok(err, "Viewed %s", when)
	o.holds(!shows, "%s a view shows the site", when)
}

func (end ending) againstViews(o *office) {
	if !end.begun {
		end.againstStart(o)
	}
	for n := range 3 + times(4) {
		sc := o.scene()
		v := o.begun(sc)
		switch n {
		case 0:
			end.opened(o, v.open(o.interrupted(1, func() { o.ok(end.run(o, sc, v), "%s", end.name) })))
		case 1:
			o.ok(end.run(o.interrupted(1, func() { o.ok(v.open(o), "Open") }), sc, v), "%s", end.name)
		case 2:
			errs := together(2, func(k int) error {
				if k == 0 {
					return v.open(o)
				}
				return end.run(o, sc, v)
			})
			end.opened(o, errs[0])
			o.ok(errs[1], "%s", end.name)
		default:
			o.ok(v.open(o), "Open")
			ask := func() (bool, error) { return v.shows(o, sc) }
			shows, err := ask()
			o.holds(shows && err == nil, "a view does not show what the client sees: %v", err)
			o.noneAfter(end.name, func() error { return end.run(o, sc, v) }, ask, ask)
		}
		v.dark(o, sc, "after "+end.name)
		if end.back == nil {
			continue
		}
		o.ok(end.back(o, sc), "what brings back from %s", end.name)
		shows, err := v.shows(o, sc)
		o.holds(err == nil && shows == (end.views && v.secret != ""), "after %s and back a view shows the site: %v (%v)", end.name, shows, err)
	}
	o.sound()
}

// againstStart lets the ending happen once a start has read, and before it
// writes.
func (end ending) againstStart(o *office) {
	o.Helper()
	sc := o.scene()
	v, err := o.begin(sc, func(own string) *office {
		return o.interrupted(1, func() { o.ok(end.run(o, sc, &look{own: own}), "%s", end.name) })
	})
	if err != nil {
		o.lost(err, "a view, begun beside "+end.name, accounts.ErrNotFound, accounts.ErrStepUp, roles.ErrDenied)
		return
	}
	end.opened(o, v.open(o))
	v.dark(o, sc, "begun beside "+end.name)
}

// opened ends the check unless opening a view was answered as something may be
// that is about to end.
func (end ending) opened(o *office, err error) {
	o.Helper()
	if err != nil {
		o.is(err, accounts.ErrNotFound, "opening a view beside %s", end.name)
	}
}

func openMany(o *office, meet meeting) {
	const many = 16
	sc := o.scene()
	v := o.begun(sc)
	at := meet(o, many)
	secrets := make([]string, many)
	errs := together(many, func(n int) error {
		secret, _, err := at.views.Open(o.ctx, v.link, access.Device{})
		secrets[n] = secret.Reveal()
		return err
	})
	o.holds(o.only(errs, accounts.ErrNotFound) == 1, "%d of %d opened one view, want 1", o.only(errs, accounts.ErrNotFound), many)
	for n, err := range errs {
		_, verr := o.views.Viewed(o.ctx, secrets[n])
		if err == nil {
			o.ok(verr, "the view of who opened it")
			v.secret = secrets[n]
			continue
		}
		o.holds(secrets[n] == "", "somebody who did not open the view got a secret")
		o.is(verr, access.ErrNoSession, "the view of somebody who did not open it")
	}
	o.holds(o.events(sc.account, access.EventViewOpened) == 1, "%d events tell of one view", o.events(sc.account, access.EventViewOpened))
	o.sound()
}

// viewAgainstSetUp begins and opens views as clients who come in meanwhile.
func viewAgainstSetUp(e *env) {
	o := newOffice(e)
	for n, p := range o.newcomers(3 + times(4)) {
		sc := scene{stage: p.stage, client: p.client, cas: p.id, site: "shop"}
		o.settled(site(string(p.account), "shop"), given(string(p.account), string(p.client.ID), "shop", seeing))
		come := func() { o.ok(p.setUp(o), "SetUp") }
		v, err := o.begin(sc, func(string) *office {
			if n == 0 {
				return o.interrupted(1, come)
			}
			return o
		})
		o.ok(err, "Start")
		var opened error
		switch n {
		case 0:
			opened = v.open(o)
		case 1:
			opened = v.open(o.interrupted(1, come))
		case 2:
			o.ok(p.setUp(o.interrupted(1, func() { o.ok(v.open(o), "Open") })), "SetUp")
		default:
			errs := together(2, func(k int) error {
				if k == 0 {
					return v.open(o)
				}
				return p.setUp(o)
			})
			opened = errs[0]
			o.ok(errs[1], "SetUp")
		}
		if opened != nil && !errors.Is(opened, accounts.ErrNotFound) {
			o.failf("opening a view beside a set-up was answered %v", opened)
		}
		v.dark(o, sc, "after the client came in")
		_, err = o.setups.Peek(o.ctx, p.link)
		o.is(err, accounts.ErrNotFound, "a setup link that was used")
		o.holds(o.events(p.account, invites.EventClientJoined) == 1, "%d events tell of one coming in", o.events(p.account, invites.EventClientJoined))
	}
	o.sound()
}
