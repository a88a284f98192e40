package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ownerChecks take owners away in every way there is, at once.
func ownerChecks() []check {
	const owners = "an account must keep an active owner at every commit (A35, I-01)"
	return []check{
		{"whatever two owners do to each other and themselves, read at one moment, an owner stays", owners, ownerPairs},
		{"whatever three owners do to each other and themselves at once, an owner stays", owners, ownerCrowd},
	}
}

// reign is an account with owners, and an Admin who may become one.
type reign struct {
	account accounts.AccountID
	owners  []accounts.UserID
	heir    accounts.UserID
	actors  map[accounts.UserID]accounts.Actor
}

func (o *office) reign(n int) reign {
	o.Helper()
	o.staged++
	r := reign{
		account: accounts.AccountID(fmt.Sprint("realm-", o.staged)),
		heir:    accounts.UserID(fmt.Sprint("heir-", o.staged)), actors: map[accounts.UserID]accounts.Actor{},
	}
	rows := []any{account(string(r.account)), person(r.heir), member(string(r.account), string(r.heir), roles.Admin)}
	for k := range n {
		id := accounts.UserID(fmt.Sprintf("owner-%d-%d", o.staged, k))
		r.owners = append(r.owners, id)
		rows = append(rows, person(id), member(string(r.account), string(id), roles.Owner))
	}
	o.settled(rows...)
	for _, id := range r.owners {
		r.actors[id] = o.actor(id)
	}
	return r
}

// ousting is a way to lose an owner: by one of them, who means the other or
// themselves.
type ousting struct {
	name string
	run  func(o *office, r reign, by, other accounts.UserID) error
}

func oustings() []ousting {
	return []ousting{
		{"demotes the other", func(o *office, r reign, by, other accounts.UserID) error {
			return o.graph.ChangeRole(o.ctx, r.actors[by], r.account, other, roles.Viewer)
		}},
		{"steps down", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.ChangeRole(o.ctx, r.actors[by], r.account, by, roles.Viewer)
		}},
		{"removes the other", func(o *office, r reign, by, other accounts.UserID) error {
			return o.graph.RemoveMember(o.ctx, r.actors[by], r.account, other)
		}},
		{"leaves", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.Leave(o.ctx, r.actors[by], r.account)
		}},
		{"suspends the other", func(o *office, r reign, by, other accounts.UserID) error {
			return o.graph.SuspendMember(o.ctx, r.actors[by], r.account, other)
		}},
		{"transfers to the other", func(o *office, r reign, by, other accounts.UserID) error {
			return o.graph.TransferOwnership(o.ctx, r.actors[by], r.account, other)
		}},
		{"transfers to the heir", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.TransferOwnership(o.ctx, r.actors[by], r.account, r.heir)
		}},
		{"asks to be erased", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.EraseUser(o.ctx, r.actors[by], by)
		}},
		{"is erased by the host", func(o *office, _ reign, by, _ accounts.UserID) error {
			return o.graph.EraseUser(o.ctx, staff(), by)
		}},
		{"is removed by the host", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.RemoveMember(o.ctx, accounts.System("members"), r.account, by)
		}},
		{"is suspended by the host", func(o *office, r reign, by, _ accounts.UserID) error {
			return o.graph.SuspendMember(o.ctx, accounts.System("members"), r.account, by)
		}},
	}
}

// stays ends the check unless an owner is left, and what the others were told
// is what losers are told.
func (r reign) stays(o *office, what string, errs ...error) {
	o.Helper()
	for _, err := range errs {
		if err != nil {
			o.lost(err, what, accounts.ErrLastOwner, roles.ErrDenied, accounts.ErrNotFound, accounts.ErrStepUp)
		}
	}
	owners, err := o.st.Owners(o.ctx, r.account, roles.Owner)
	o.ok(err, "Owners")
	o.holds(len(owners) > 0, "%s: no owner is left, and the answers were %v", what, errs)
}

func ownerPairs(e *env) {
	o := newOffice(e)
	for i, first := range oustings() {
		for k, second := range oustings() {
			if slowly > 1 && (i+k)%4 > 0 {
				continue // nothing runs at once here, which is what slow runs are for
			}
			r := o.reign(2)
			what := fmt.Sprintf("one %s, while the other %s", first.name, second.name)
			var between error
			err := first.run(o.interrupted(1, func() { between = second.run(o, r, r.owners[1], r.owners[0]) }), r, r.owners[0], r.owners[1])
			o.ok(between, "%s: the one in between", what)
			r.stays(o, what, err)
		}
	}
	o.sound()
}

func ownerCrowd(e *env) {
	o := newOffice(e)
	ways := oustings()
	for round := range times(30) {
		r := o.reign(3)
		errs := together(3*len(ways), func(k int) error {
			by := r.owners[k%3]
			return ways[k/3].run(o, r, by, r.owners[(k+1+round%2)%3])
		})
		r.stays(o, fmt.Sprintf("round %d of everything at once", round), errs...)
	}
	o.sound()
}
