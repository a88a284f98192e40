package accounts

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// AddMember decides whether a job of the host makes a user a member. Nobody
// becomes an owner this way.
func (o Operation) AddMember(account Account, user User, m Membership, role roles.Role) (Change, error) {
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
	back, suspended := m, false
	back.Account, back.User = account.ID, user.ID
	// A new life is the next epoch: nothing of the one before comes back.
	back.MemberState = MemberState{Role: role, Epoch: m.Epoch + 1, After: m.After, AfterAt: m.AfterAt}
	if !m.SuspendedAt.IsZero() {
		back.After, back.AfterAt = user.Logins, o.At // as for one who is reactivated
		suspended = true
	}
	if back.CreatedAt.IsZero() {
		back.CreatedAt = o.At
	}
	c := o.member(account.AccountState, back, Event{Kind: EventMemberAdded, Role: role})
	if suspended {
		user.UpdatedAt = o.At
		c.Users = []User{user}
	}
	return c, nil
}

// ChangeRole decides whether a member gets another role. Making an owner wants
// a fresh login, and an owner who is the last one stays it.
func (o Operation) ChangeRole(actor Standing, account Account, m Membership, owners []Contact, role roles.Role) (Change, error) {
	if err := o.checkRole(role); err != nil {
		return Change{}, err
	}
	if err := o.mayManage(actor, m); err != nil {
		return Change{}, err
	}
	if m.Role == role {
		return Change{}, nil
	}
	if err := o.mayGive(actor, account, role); err != nil {
		return Change{}, err
	}
	if err := o.keepsOwner(m, owners); err != nil {
		return Change{}, err
	}
	was := m.Role
	m.Role = role
	return o.member(actor.Account, m, Event{Kind: EventMemberRoleChanged, Role: role, Was: was}), nil
}

// RemoveMember decides whether a member is removed. Their assignments through
// this account end with the membership.
func (o Operation) RemoveMember(actor Standing, m Membership, owners []Contact) (Change, error) {
	if err := o.mayManage(actor, m); err != nil {
		return Change{}, err
	}
	return o.endMember(actor, m, owners, EventMemberRemoved)
}

// Leave decides whether the actor leaves an account.
func (o Operation) Leave(actor Standing, m Membership, owners []Contact) (Change, error) {
	if err := o.May(actor, roles.SeeAccount); err != nil {
		return Change{}, err
	}
	if !m.Active() {
		return Change{}, ErrNotFound
	}
	return o.endMember(actor, m, owners, EventMemberLeft)
}

func (o Operation) endMember(actor Standing, m Membership, owners []Contact, kind EventKind) (Change, error) {
	if err := o.keepsOwner(m, owners); err != nil {
		return Change{}, err
	}
	m.EndedAt = o.At // a suspension stays: what kept somebody out is not lifted by removing them
	m.Epoch++
	return o.member(actor.Account, m, Event{Kind: kind, Was: m.Role}), nil
}

// SuspendMember decides whether a member is kept out of this account, by every
// route, until reactivated. Nobody suspends themselves.
func (o Operation) SuspendMember(actor Standing, m Membership, owners []Contact) (Change, error) {
	if err := o.mayManage(actor, m); err != nil {
		return Change{}, err
	}
	if m.User == o.Actor.user {
		return Change{}, &InvalidError{Field: "user", Reason: "is yourself"}
	}
	if !m.SuspendedAt.IsZero() {
		return Change{}, nil
	}
	if err := o.keepsOwner(m, owners); err != nil {
		return Change{}, err
	}
	m.SuspendedAt = o.At
	m.Epoch++
	return o.member(actor.Account, m, Event{Kind: EventMemberSuspended, Role: m.Role}), nil
}

// ReactivateMember decides whether a suspended member is let in again. Only
// logins after this moment count here, and assignments do not come back.
func (o Operation) ReactivateMember(actor Standing, account Account, m Membership, user User) (Change, error) {
	if err := o.mayManage(actor, m); err != nil {
		return Change{}, err
	}
	if m.SuspendedAt.IsZero() {
		return Change{}, nil
	}
	if m.Role != o.Rules.Ladder.Top() {
		if err := o.Rules.Policy.MayHold(account, m.Role); err != nil {
			return Change{}, err
		}
	}
	m.SuspendedAt = time.Time{}
	m.After, m.AfterAt = user.Logins, o.At
	c := o.member(actor.Account, m, Event{Kind: EventMemberReactivated, Role: m.Role})
	// A login that happens meanwhile changes the count that After rests on.
	user.UpdatedAt = o.At
	c.Users = []User{user}
	return c, nil
}

// TransferOwnership decides whether an owner makes an active member an owner
// and becomes the highest role below, which the plan must offer. It wants a
// fresh login.
func (o Operation) TransferOwnership(actor Standing, account Account, own, to Membership, heir User) (Change, error) {
	if err := o.May(actor, roles.TransferOwnership); err != nil {
		return Change{}, err
	}
	if err := o.Fresh(); err != nil {
		return Change{}, err
	}
	if !to.Active() || !heir.Active() {
		return Change{}, ErrNotFound
	}
	if to.User == own.User {
		return Change{}, &InvalidError{Field: "user", Reason: "is yourself"}
	}
	if err := o.canAssign(actor, o.Rules.Ladder.Top()); err != nil {
		return Change{}, err
	}
	if err := o.Rules.Policy.MayHold(account, o.Rules.Ladder.TopDelegated()); err != nil {
		return Change{}, err
	}
	was := to.Role
	own.Role, to.Role = o.Rules.Ladder.TopDelegated(), o.Rules.Ladder.Top()
	c := o.member(actor.Account, to, Event{Kind: EventOwnershipTransferred, Role: to.Role, Was: was})
	own.UpdatedAt = o.At
	c.Memberships = append(c.Memberships, own)
	o.Record(&c, Event{Kind: EventMemberRoleChanged, Account: actor.Account.ID, User: own.User, Role: own.Role, Was: o.Rules.Ladder.Top()})
	return c, nil
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
	return o.Fresh()
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
