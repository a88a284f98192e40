package storagetest

import (
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// rival is something that an acceptance rests on and that ends meanwhile, or
// somebody else who settles the invitation.
type rival struct {
	name  string
	run   func(o *office, g guest) error
	want  error         // what the acceptance is told when the rival was first
	state invites.State // what the invitation is then
	late  error         // what the rival is told when the acceptance was first; nil: it has its way as well
	ends  bool          // and ends the membership with it
}

// staff is who helps the host's customers.
func staff() accounts.Actor { return accounts.Operator("kim", "ticket 7") }

// rivals lists them. Olga owns the account, amy has invited, and the guest
// accepts.
func rivals() []rival {
	return []rival{
		{"a decline by whoever holds the link", func(o *office, g guest) error {
			return o.invites.Decline(o.ctx, accounts.Actor{}, invites.Answer{Link: g.link})
		}, invites.ErrUsed, invites.Declined, accounts.ErrNotFound, false},
		{"a revocation", func(o *office, g guest) error {
			return o.invites.Revoke(o.ctx, o.actor(g.olga), g.account, g.offer.ID)
		}, invites.ErrUsed, invites.Revoked, invites.ErrUsed, false},
		{"the inviter's removal", func(o *office, g guest) error {
			return o.graph.RemoveMember(o.ctx, o.actor(g.olga), g.account, g.amy)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"the inviter's leaving", func(o *office, g guest) error {
			return o.graph.Leave(o.ctx, o.actor(g.amy), g.account)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"the inviter's demotion", func(o *office, g guest) error {
			return o.graph.ChangeRole(o.ctx, o.actor(g.olga), g.account, g.amy, roles.Viewer)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"the inviter's suspension in the account", func(o *office, g guest) error {
			return o.graph.SuspendMember(o.ctx, o.actor(g.olga), g.account, g.amy)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"the inviter's suspension everywhere", func(o *office, g guest) error {
			return o.graph.SuspendUser(o.ctx, staff(), g.amy)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"the inviter's erasure", func(o *office, g guest) error {
			return o.graph.EraseUser(o.ctx, staff(), g.amy)
		}, invites.ErrVoid, invites.Void, nil, false},
		{"a plan without a seat for it", func(o *office, g guest) error {
			small := planTwo
			return o.graph.UpdateAccount(o.ctx, accounts.System("billing"), accounts.UpdateAccount{ID: g.account, Plan: &small})
		}, accounts.ErrSeats, invites.Pending, nil, false},
		{"the account's suspension", func(o *office, g guest) error {
			return o.graph.SuspendAccount(o.ctx, staff(), g.account)
		}, accounts.ErrNotFound, invites.Pending, nil, false},
		{"the account's end", func(o *office, g guest) error {
			return o.graph.CloseAccount(o.ctx, o.actor(g.olga), g.account)
		}, accounts.ErrNotFound, invites.Pending, nil, false},
		{"the guest's suspension everywhere", func(o *office, g guest) error {
			return o.graph.SuspendUser(o.ctx, staff(), g.id)
		}, accounts.ErrStepUp, invites.Pending, nil, false},
		{"the guest's erasure", func(o *office, g guest) error {
			return o.graph.EraseUser(o.ctx, staff(), g.id)
		}, accounts.ErrStepUp, invites.Revoked, nil, true},
	}
}

// rivalChecks set each rival against an acceptance: in two fixed orders, and by
// chance.
func rivalChecks() []check {
	var list []check
	for _, r := range rivals() {
		list = append(list, check{
			"of an acceptance and " + r.name + " each sees which was first",
			"an invitation is worth what its inviter can give, to whom, and where there is room, at the moment of joining (D1, A15, A17)",
			func(e *env) { r.against(newOffice(e)) },
		})
	}
	return list
}

func (r rival) against(o *office) {
	three := times(6)
	list := o.guestsApart(2 + three)

	g := list[0]
	err := g.accept(o.interrupted(1, func() { o.ok(r.run(o, g), "%s", r.name) }))
	o.is(err, r.want, "an acceptance that had read before %s, and writes after it", r.name)
	r.settled(o, g, false)

	g = list[1]
	err = r.run(o.interrupted(1, func() { o.ok(g.accept(o), "an acceptance") }), g)
	if r.late == nil {
		o.ok(err, "%s, read before an acceptance and written after it", r.name)
	} else {
		o.is(err, r.late, "%s, read before an acceptance and written after it", r.name)
	}
	r.settled(o, g, true)

	for _, g := range list[2:] {
		errs := together(2, func(k int) error {
			if k == 0 {
				return g.accept(o)
			}
			return r.run(o, g)
		})
		if errs[0] == nil {
			o.holds(errs[1] == nil || r.late != nil, "%s was answered %v", r.name, errs[1])
		} else {
			o.is(errs[0], r.want, "an acceptance beside %s", r.name)
			o.ok(errs[1], "%s", r.name)
		}
		r.settled(o, g, errs[0] == nil)
	}
	o.sound()
}

// guestsApart invites people to a stage each.
func (o *office) guestsApart(n int) []guest {
	o.Helper()
	var list []guest
	for range n {
		list = append(list, o.guests(1)...)
	}
	return list
}

// settled ends the check unless the guest is a member exactly if they joined,
// and the invitation says so.
func (r rival) settled(o *office, g guest, joined bool) {
	o.Helper()
	f := o.offer(g.offer)
	m := o.member(g.id, g.account)
	want := r.state
	if joined {
		want = invites.Accepted
	}
	o.holds(f.Invitation.StateAt(o.clock.Now(), f.Inviter) == want, "beside %s, after joining %v: the invitation is %s, want %s",
		r.name, joined, f.Invitation.StateAt(o.clock.Now(), f.Inviter), want)
	o.holds(m.Active() == (joined && !r.ends), "beside %s, after joining %v: the membership is %s", r.name, joined, text(m))
	o.holds((f.Invitation.User == g.id) == joined && (f.Invitation.Given != "") == joined,
		"the invitation says that %q accepted and is %q", f.Invitation.User, f.Invitation.Given)
}
