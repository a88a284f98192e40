package storagetest

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// hurdle is something that ends what a setup link rests on, while somebody comes
// in by it.
type hurdle struct {
	name  string
	run   func(o *office, p patron) error
	setUp error // what a set-up is told when the hurdle was first; nil: there is none to be told
	join  error // and a join
	late  error // what the hurdle is told when coming in was first; nil: it has its way as well
	ends  bool  // and nobody is let in who has come in
}

func hurdles() []hurdle {
	return []hurdle{
		{"a newer link to hand over", func(o *office, p patron) error {
			_, err := o.setups.Generate(o.ctx, o.actor(p.olga), invites.GenerateSetup{ClientKey: p.client})
			return err
		}, accounts.ErrNotFound, accounts.ErrNotFound, invites.ErrSetUp, false},
		{"a newer link by mail", func(o *office, p patron) error {
			_, err := o.setups.Send(o.ctx, o.actor(p.olga), invites.SendSetup{ClientKey: p.client})
			return err
		}, accounts.ErrNotFound, accounts.ErrNotFound, invites.ErrSetUp, false},
		{"the client's suspension", func(o *office, p patron) error {
			return o.clients.Suspend(o.ctx, o.actor(p.amy), p.client)
		}, accounts.ErrNotFound, accounts.ErrNotFound, nil, true},
		{"the client's deletion", func(o *office, p patron) error {
			return o.clients.Delete(o.ctx, o.actor(p.amy), p.client)
		}, accounts.ErrNotFound, accounts.ErrNotFound, nil, true},
		{"the account's suspension", func(o *office, p patron) error {
			return o.graph.SuspendAccount(o.ctx, staff(), p.account)
		}, accounts.ErrNotFound, accounts.ErrNotFound, nil, true},
		{"the account's end", func(o *office, p patron) error {
			return o.graph.CloseAccount(o.ctx, o.actor(p.olga), p.account)
		}, accounts.ErrNotFound, accounts.ErrNotFound, nil, true},
		{"a sign-up under the address", func(o *office, p patron) error {
			_, err := o.logins.SignUp(o.ctx, access.SignUp{Email: string(p.email), Password: words}, access.Device{})
			return err
		}, invites.ErrHasLogin, nil, nil, false},
		{"the person's suspension everywhere", func(o *office, p patron) error {
			return o.graph.SuspendUser(o.ctx, staff(), p.id)
		}, nil, accounts.ErrStepUp, nil, true},
		{"the person's erasure", func(o *office, p patron) error {
			return o.graph.EraseUser(o.ctx, staff(), p.id)
		}, nil, accounts.ErrStepUp, nil, true},
	}
}

// hurdleChecks set each hurdle against coming in, with a new login and with the
// one that somebody has: in two fixed orders, and by chance.
func hurdleChecks() []check {
	const why = "a link is worth what its client, its account and its person are worth when it is used (A03, A12, A17, A74, A76)"
	var list []check
	for _, h := range hurdles() {
		if h.setUp != nil {
			list = append(list, check{"of a set-up and " + h.name + " each sees which was first", why, func(e *env) {
				o := newOffice(e)
				h.against(o, o.newcomers(2+times(4)), patron.setUp, h.setUp)
			}})
		}
		if h.join != nil {
			list = append(list, check{"of a join by a setup link and " + h.name + " each sees which was first", why, func(e *env) {
				o := newOffice(e)
				h.against(o, o.regulars(2+times(4)), patron.join, h.join)
			}})
		}
	}
	return list
}

func (h hurdle) against(o *office, list []patron, come func(patron, *office) error, told error) {
	p := list[0]
	err := come(p, o.interrupted(1, func() { o.ok(h.run(o, p), "%s", h.name) }))
	o.is(err, told, "somebody who came in, and had read before %s what they write after it", h.name)
	h.settled(o, p, false)
	if c := o.setting(p.client).Client; !c.SuspendedAt.IsZero() {
		o.ok(o.clients.Reactivate(o.ctx, o.actor(p.amy), p.client), "Reactivate")
		o.is(come(p, o), told, "coming in by a link from before a suspension, after the reactivation")
		h.settled(o, p, false)
	}

	p = list[1]
	err = h.run(o.interrupted(1, func() { o.ok(come(p, o), "coming in") }), p)
	if h.late == nil {
		o.ok(err, "%s, read before somebody came in and written after it", h.name)
	} else {
		o.is(err, h.late, "%s, read before somebody came in and written after it", h.name)
	}
	h.settled(o, p, true)

	for _, p := range list[2:] {
		errs := together(2, func(k int) error {
			if k == 0 {
				return come(p, o)
			}
			return h.run(o, p)
		})
		came := errs[0] == nil
		if came && h.late != nil {
			o.is(errs[1], h.late, "%s, beside somebody who came in", h.name)
		} else {
			o.ok(errs[1], "%s", h.name)
		}
		if !came {
			o.is(errs[0], told, "coming in beside %s", h.name)
		}
		h.settled(o, p, came)
	}
	o.sound()
}

// settled ends the check unless the patron is the client's user exactly if they
// came in, and let in exactly if nothing ended it, and nobody was made a user for
// nothing.
func (h hurdle) settled(o *office, p patron, came bool) {
	o.Helper()
	c := o.setting(p.client).Client
	if c.There() {
		o.holds((c.User == p.id) == came && c.ActiveAt.IsZero() == !came, "beside %s, after coming in %v: the client is %s", h.name, came, text(c))
	}
	o.holds(o.isClient(p.id, p.account) == (came && !h.ends), "beside %s, after coming in %v: let in %v", h.name, came, o.isClient(p.id, p.account))
	u, err := o.st.User(o.ctx, accounts.UserKey{ID: p.id})
	if p.id != p.ben { // they were no user before
		o.holds((err == nil) == came, "beside %s, after coming in %v: the user is %s (%v)", h.name, came, text(u), err)
	}
	n := 0
	if came {
		n = 1
	}
	o.holds(o.events(p.account, invites.EventClientJoined) == n, "%d events tell of a coming in that was %v", o.events(p.account, invites.EventClientJoined), came)
	if h.setUp != nil && errors.Is(h.setUp, invites.ErrHasLogin) { // whoever signed up has the address
		u, err = o.st.User(o.ctx, accounts.UserKey{Email: p.email})
		o.ok(err, "User")
		o.holds((u.ID == p.id) == came, "%s has the address, after coming in %v", u.ID, came)
		o.people = append(o.people, u.ID)
	}
}
