package accounts

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// AddMember decides whether a job of the host makes a user a member. Nobody
// becomes an owner this way, and nobody who is a client of the account a member:
// client is the record that is there with their address or as which they log in.
func (o Operation) AddMember(account Account, user User, m Membership, client ClientState, seats Seats, role roles.Role) (Change, error) {
	if o.Actor.client != "" {
		return Change{}, o.viewing(roles.ManageMembers)
	}
	if !o.Actor.IsSystem() {
		return Change{}, o.Refuse(account.ID, RefusedDenied, &roles.DeniedError{Action: roles.ManageMembers, Why: "only a job of the host adds members directly"})
	}
	if err := o.checkRole(role); err != nil {
		return Change{}, err
	}
	if role == o.Rules.Ladder.Top() {
		return Change{}, &InvalidError{Field: "role", Reason: "is given only at creation or by an owner"}
	}
	if !account.ClosedAt.IsZero() {
		return Change{}, ErrNotFound
	}
	if !user.DeletedAt.IsZero() {
		return Change{}, ErrNotFound
	}
	if err := o.Rules.Policy.MayHold(account, role); err != nil {
		return Change{}, err
	}
	if m.Role != "" && m.EndedAt.IsZero() {
		if m.Role == role && m.SuspendedAt.IsZero() {
			return Change{}, nil
		}
		return Change{}, &InvalidError{Field: "user", Reason: "is a member already; change the role, or reactivate the membership"}
	}
	if client.There() {
		return Change{}, taken("user")
	}
	if err := o.Seat(account, seats); err != nil {
		return Change{}, err
	}
	c := o.Change()
	o.Join(&c, account, user, m, role)
	o.Record(&c, Event{Kind: EventMemberAdded, Account: account.ID, User: user.ID, Role: role})
	return c, nil
}

// Seat decides whether an account has a seat for one more member or pending
// invitation. It returns a [*SeatsError].
func (o Operation) Seat(account Account, taken Seats) error {
	if most := o.Rules.Policy.Seats(account); most > 0 && taken.Taken() >= most {
		return &SeatsError{Limit: most, Seats: taken}
	}
	return nil
}

// Join adds to a change what makes a user a member of an account, for a
// decision that has found that they may be: the membership, and the guard by
// which others notice. M is the row that there was, if any. The caller records
// why.
func (o Operation) Join(c *Change, account Account, user User, m Membership, role roles.Role) {
	was := m
	m.Account, m.User = account.ID, user.ID
	// A new life is the next epoch: nothing of the one before comes back.
	m.MemberState = MemberState{Role: role, Epoch: was.Epoch + 1, After: was.After, AfterAt: was.AfterAt}
	if !was.SuspendedAt.IsZero() {
		m.After, m.AfterAt = user.Logins, o.At // as for one who is reactivated
	}
	if !slices.ContainsFunc(c.Users, func(u User) bool { return u.ID == user.ID }) {
		// Whoever erases the user meanwhile has to know of this membership, and
		// a login meanwhile changes the count that After rests on.
		user.UpdatedAt = o.At
		c.Users = append(c.Users, user)
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = o.At
	}
	m.UpdatedAt = o.At
	c.Guards = append(c.Guards, Guard{Account: account.ID, Version: account.Version, Move: true})
	c.Memberships = append(c.Memberships, m)
}

// MemberFacts is what decides about one member of an account, read at one
// version of the account.
type MemberFacts struct {
	Actor   Standing
	Account Account
	Own     Membership // the actor's
	Member  Membership // the one that is acted on
	User    User       // who that is
	Owners  []Contact  // the account's active owners
	Owned   []Account  // what that member owns already, where they come to be an owner
}

// ChangeRole decides whether a member gets another role. Making an owner wants
// a fresh login, and an owner who is the last one stays it.
func (o Operation) ChangeRole(f MemberFacts, role roles.Role) (Change, error) {
	m := f.Member
	if err := o.checkRole(role); err != nil {
		return Change{}, err
	}
	if err := o.mayManage(f.Actor, m); err != nil {
		return Change{}, err
	}
	if m.Role == role {
		return Change{}, nil
	}
	if role != o.Rules.Ladder.Top() {
		o.Challenge = Challenge{} // no code is asked for it, so none is used up
	}
	if err := o.mayGive(f.Actor, f.Account, role); err != nil {
		return Change{}, err
	}
	if err := o.keepsOwner(m, f.Owners); err != nil {
		return Change{}, err
	}
	was := m.Role
	m = o.changed(m, role)
	c := o.member(f.Actor.Account, m, Event{Kind: EventMemberRoleChanged, Role: role, Was: was})
	if role == o.Rules.Ladder.Top() {
		err := o.owning(&c, f)
		return c, err
	}
	return c, nil
}

// RemoveMember decides whether a member is removed. Their assignments through
// this account end with the membership.
func (o Operation) RemoveMember(f MemberFacts) (Change, error) {
	if err := o.mayManage(f.Actor, f.Member); err != nil {
		return Change{}, err
	}
	return o.endMember(f, EventMemberRemoved)
}

// Leave decides whether the actor leaves an account.
func (o Operation) Leave(f MemberFacts) (Change, error) {
	if err := o.May(f.Actor, roles.SeeAccount); err != nil {
		return Change{}, err
	}
	if !f.Own.Active() {
		return Change{}, ErrNotFound
	}
	f.Member = f.Own
	return o.endMember(f, EventMemberLeft)
}

func (o Operation) endMember(f MemberFacts, kind EventKind) (Change, error) {
	m := f.Member
	if err := o.keepsOwner(m, f.Owners); err != nil {
		return Change{}, err
	}
	m.EndedAt = o.At // a suspension stays: what kept somebody out is not lifted by removing them
	m.Epoch++
	m.Tenure++
	return o.member(f.Actor.Account, m, Event{Kind: kind, Was: m.Role}), nil
}

// SuspendMember decides whether a member is kept out of this account, by every
// route, until reactivated. Nobody suspends themselves.
func (o Operation) SuspendMember(f MemberFacts) (Change, error) {
	m := f.Member
	if err := o.mayManage(f.Actor, m); err != nil {
		return Change{}, err
	}
	if m.User == o.Actor.user {
		return Change{}, &InvalidError{Field: "user", Reason: "is yourself"}
	}
	if !m.SuspendedAt.IsZero() {
		return Change{}, nil
	}
	if err := o.keepsOwner(m, f.Owners); err != nil {
		return Change{}, err
	}
	m.SuspendedAt = o.At
	m.Epoch++
	m.Tenure++
	return o.member(f.Actor.Account, m, Event{Kind: EventMemberSuspended, Role: m.Role}), nil
}

// ReactivateMember decides whether a suspended member is let in again. Only
// logins after this moment count here, and assignments do not come back.
func (o Operation) ReactivateMember(f MemberFacts) (Change, error) {
	m, user := f.Member, f.User
	if err := o.mayManage(f.Actor, m); err != nil {
		return Change{}, err
	}
	if m.SuspendedAt.IsZero() {
		return Change{}, nil
	}
	err := o.mayOwn(f)
	if m.Role != o.Rules.Ladder.Top() {
		err = o.Rules.Policy.MayHold(f.Account, m.Role)
	}
	if err != nil {
		return Change{}, err
	}
	m.SuspendedAt = time.Time{}
	m.After, m.AfterAt = user.Logins, o.At
	c := o.member(f.Actor.Account, m, Event{Kind: EventMemberReactivated, Role: m.Role})
	// A login that happens meanwhile changes the count that After rests on.
	user.UpdatedAt = o.At
	c.Users = []User{user}
	return c, nil
}

// TransferOwnership decides whether an owner makes an active member an owner
// and becomes the highest role below, which the plan must offer. It wants a
// fresh login.
func (o Operation) TransferOwnership(f MemberFacts) (Change, error) {
	actor, own, to := f.Actor, f.Own, f.Member
	if err := o.May(actor, roles.TransferOwnership); err != nil {
		return Change{}, err
	}
	if err := o.Fresh(actor.User, EventOwnershipTransferred, actor.Account.ID); err != nil {
		return Change{}, err
	}
	if !to.Active() || !f.User.Active() {
		return Change{}, ErrNotFound
	}
	if to.User == own.User {
		return Change{}, &InvalidError{Field: "user", Reason: "is yourself"}
	}
	if err := o.canAssign(actor, o.Rules.Ladder.Top()); err != nil {
		return Change{}, err
	}
	if err := o.Rules.Policy.MayHold(f.Account, o.Rules.Ladder.TopDelegated()); err != nil {
		return Change{}, err
	}
	was := to.Role
	own, to = o.changed(own, o.Rules.Ladder.TopDelegated()), o.changed(to, o.Rules.Ladder.Top())
	c := o.member(actor.Account, to, Event{Kind: EventOwnershipTransferred, Role: to.Role, Was: was})
	own.UpdatedAt = o.At
	c.Memberships = append(c.Memberships, own)
	o.Record(&c, Event{Kind: EventMemberRoleChanged, Account: actor.Account.ID, User: own.User, Role: own.Role, Was: o.Rules.Ladder.Top()})
	err := o.owning(&c, f)
	return c, err
}

// owning adds a member who comes to own an account to its change, if they may.
// Their row is guarded by writing it, so that two accounts given to one person
// at once both know of each other.
func (o Operation) owning(c *Change, f MemberFacts) error {
	if err := o.mayOwn(f); err != nil {
		return err
	}
	f.User.UpdatedAt = o.At
	c.Users = []User{f.User}
	return nil
}

// mayOwn decides whether a member may own the account beside those that they
// own already.
func (o Operation) mayOwn(f MemberFacts) error {
	others := slices.DeleteFunc(slices.Clone(f.Owned), func(a Account) bool { return a.ID == f.Account.ID })
	if len(others) == 0 {
		return nil
	}
	return o.Rules.Policy.MayOwn(others, f.Account)
}

// changed returns a membership with another role. What it loses by that moves
// its counters, so that nobody gives later what they could not give in between.
func (o Operation) changed(m Membership, role roles.Role) Membership {
	l := o.Rules.Ladder
	was, will := l.Rights(m.Role, ""), l.Rights(role, "")
	loses := func(p roles.Permission) bool { return was.Can(p) && !will.Can(p) }
	if loses(roles.ManageMembers) || loses(roles.ManageClients) || loses(roles.ViewAs) {
		m.Tenure++
	}
	if m.Role == l.Top() && role != l.Top() {
		m.Reign++
	}
	m.Role = role
	return m
}

// mayManage decides whether the actor may act on a member: with the permission,
// and with a role at least theirs.
//
// A job of the host, which keeps members itself, acts on anybody.
func (o Operation) mayManage(actor Standing, m Membership) error {
	if o.Actor.IsSystem() {
		if actor.Account.ID == "" || !actor.Account.ClosedAt.IsZero() || m.Role == "" || !m.EndedAt.IsZero() {
			return ErrNotFound
		}
		return nil
	}
	if err := o.May(actor, roles.ManageMembers); err != nil {
		return err
	}
	if m.Role == "" || !m.EndedAt.IsZero() {
		return ErrNotFound
	}
	have := actor.Member.Role
	if !o.Rules.Ladder.AtLeast(have, m.Role) {
		return o.Refuse(actor.Account.ID, RefusedDenied, &roles.DeniedError{
			Action: roles.ManageMembers, Have: have, Need: m.Role, Why: "the member's role is higher than yours",
		})
	}
	return nil
}

// mayGive decides whether the actor may give a role to a member.
func (o Operation) mayGive(actor Standing, account Account, role roles.Role) error {
	if o.Actor.IsSystem() {
		if role == o.Rules.Ladder.Top() {
			return &InvalidError{Field: "role", Reason: "is given only at creation or by an owner"}
		}
		return o.Rules.Policy.MayHold(account, role)
	}
	if err := o.canAssign(actor, role); err != nil {
		return err
	}
	if role != o.Rules.Ladder.Top() {
		return o.Rules.Policy.MayHold(account, role)
	}
	if err := o.May(actor, roles.GrantOwner); err != nil {
		return err
	}
	return o.Fresh(actor.User, EventMemberRoleChanged, actor.Account.ID)
}

func (o Operation) canAssign(actor Standing, role roles.Role) error {
	direct := actor.Rights(o.Rules.Ladder, o.Actor.proof).Direct()
	if err := o.Rules.Ladder.CanAssign(direct, role, roles.Member); err != nil {
		return o.Refuse(actor.Account.ID, RefusedDenied, err)
	}
	return nil
}

// keepsOwner refuses to take the role from the last active owner.
func (o Operation) keepsOwner(m Membership, owners []Contact) error {
	if m.Role != o.Rules.Ladder.Top() {
		return nil
	}
	if !slices.ContainsFunc(owners, func(c Contact) bool { return c.User != m.User }) {
		return ErrLastOwner
	}
	return nil
}

func (o Operation) checkRole(role roles.Role) error {
	switch {
	case role == "":
		return &InvalidError{Field: "role", Reason: "is missing"}
	case !o.Rules.Ladder.Has(role):
		return &InvalidError{Field: "role", Reason: "does not exist on the ladder"}
	}
	return nil
}

// member returns the change that writes one membership and says why. The
// account moves, since others rely on its members and owners.
func (o Operation) member(account AccountState, m Membership, e Event) Change {
	c := o.Relying()
	c.Guards = append(c.Guards, Guard{Account: account.ID, Version: account.Version, Move: true})
	m.UpdatedAt = o.At
	c.Memberships = []Membership{m}
	e.Account, e.User = account.ID, m.User
	o.Record(&c, e)
	return c
}
