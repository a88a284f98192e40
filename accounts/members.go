package accounts

import (
	"context"

	"github.com/chatelaine-go/chatelaine/roles"
)

// MemberPage asks for a page of members.
type MemberPage struct {
	Search string       // a part of the name, user name or address; "": all
	After  MemberCursor // Member.Cursor of the last one seen; zero: from the first
	Limit  int          // 0: 50; at most 500
}

// Members returns a page of an account's members, by name. Whoever is a
// member sees the others; delegates do not.
func (s *Service) Members(ctx context.Context, actor Actor, account AccountID, page MemberPage) ([]Member, error) {
	if err := CheckID("account", account); err != nil {
		return nil, err
	}
	if err := CheckText("search", page.Search, maxName); err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, actor, account, roles.SeeAccount, "members.list", func(r roles.Rights) error {
		if r.Direct() == "" {
			return &roles.DeniedError{Action: roles.SeeAccount, Have: r.Role(), Why: "members are listed to members only"}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return s.st.Members(ctx, MemberQuery{Account: account, Search: page.Search, After: page.After, Limit: s.env.Page(page.Limit)})
}

// AddMember makes a user a member, for jobs of hosts that keep members
// themselves; people are invited otherwise. The role is any but Owner. Adding
// an active member with the same role changes nothing; one with another role
// is refused. Jobs change roles, remove, suspend and reactivate as well; they
// make no owners, and the last active owner stays.
func (s *Service) AddMember(ctx context.Context, actor Actor, account AccountID, user UserID, role roles.Role) error {
	if err := checkIDs(account, user); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventMemberAdded, func(ctx context.Context) (Change, error) {
		a, err := s.st.Account(ctx, account)
		if !actor.IsSystem() && (err == nil || isNotFound(err)) {
			return op.AddMember(a, User{}, Membership{}, role) // refused, and tells nobody who and what exists
		}
		if err != nil {
			return Change{}, err
		}
		u, err := s.st.User(ctx, UserKey{ID: user})
		if err != nil {
			return Change{}, err
		}
		m, err := s.st.Membership(ctx, StandingKey{User: user, Account: account})
		if err != nil {
			return Change{}, err
		}
		return op.AddMember(a, u, m, role)
	})
}

// ChangeRole gives a member another role: at most the actor's own, and only to
// members who do not stand above the actor. Making an owner wants an owner who
// logged in within the last 10 minutes, else [ErrStepUp]; the last active
// owner keeps the role, else [ErrLastOwner].
func (s *Service) ChangeRole(ctx context.Context, actor Actor, account AccountID, user UserID, role roles.Role) error {
	return s.onMember(ctx, actor, account, user, EventMemberRoleChanged, func(op Operation, f memberFacts) (Change, error) {
		return op.ChangeRole(f.actor, f.account, f.member, f.owners, role)
	})
}

// RemoveMember removes a member. Their assignments through this account end at
// once and do not come back. The last active owner stays, else [ErrLastOwner].
func (s *Service) RemoveMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberRemoved, func(op Operation, f memberFacts) (Change, error) {
		return op.RemoveMember(f.actor, f.member, f.owners)
	})
}

// Leave ends the actor's own membership. The last active owner stays, else
// [ErrLastOwner].
func (s *Service) Leave(ctx context.Context, actor Actor, account AccountID) error {
	if err := CheckID("account", account); err != nil {
		return err
	}
	return s.withMember(ctx, actor, account, actor.user, EventMemberLeft, func(op Operation, f memberFacts) (Change, error) {
		return op.Leave(f.actor, f.member, f.owners)
	})
}

// SuspendMember keeps a member out of this account by every route, until
// reactivated. It touches nothing else of the person.
func (s *Service) SuspendMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberSuspended, func(op Operation, f memberFacts) (Change, error) {
		return op.SuspendMember(f.actor, f.member, f.owners)
	})
}

// ReactivateMember lets a suspended member in again, with a login of after
// this moment. Assignments do not come back.
func (s *Service) ReactivateMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberReactivated, func(op Operation, f memberFacts) (Change, error) {
		return op.ReactivateMember(f.actor, f.account, f.member, f.user)
	})
}

// TransferOwnership makes an active member an owner and the acting owner an
// Admin. The actor must have logged in within the last 10 minutes, else
// [ErrStepUp].
func (s *Service) TransferOwnership(ctx context.Context, actor Actor, account AccountID, to UserID) error {
	return s.onMember(ctx, actor, account, to, EventOwnershipTransferred, func(op Operation, f memberFacts) (Change, error) {
		return op.TransferOwnership(f.actor, f.account, f.own, f.member, f.user)
	})
}

// memberFacts is what decides about one member.
type memberFacts struct {
	actor   Standing
	account Account
	member  Membership
	user    User       // who the member is
	own     Membership // the actor's
	owners  []Contact
}

func (s *Service) onMember(ctx context.Context, actor Actor, account AccountID, user UserID, kind EventKind,
	decide func(Operation, memberFacts) (Change, error),
) error {
	if err := checkIDs(account, user); err != nil {
		return err
	}
	return s.withMember(ctx, actor, account, user, kind, decide)
}

// withMember is onMember for ids that have been checked, or for no user.
func (s *Service) withMember(ctx context.Context, actor Actor, account AccountID, user UserID, kind EventKind,
	decide func(Operation, memberFacts) (Change, error),
) error {
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		var f memberFacts
		var err error
		// The standing is read first. Its version guards the change, so what
		// is read after it cannot be older.
		if f.actor, f.account, err = s.account(ctx, op, account); err != nil {
			return Change{}, err
		}
		if f.member, err = s.st.Membership(ctx, StandingKey{User: user, Account: account}); err != nil {
			return Change{}, err
		}
		if f.own, err = s.st.Membership(ctx, StandingKey{User: actor.user, Account: account}); err != nil {
			return Change{}, err
		}
		if f.owners, err = s.st.Owners(ctx, account, op.Rules.Ladder.Top()); err != nil {
			return Change{}, err
		}
		if f.member.Role != "" {
			if f.user, err = s.st.User(ctx, UserKey{ID: user}); err != nil {
				return Change{}, err
			}
		}
		return decide(op, f)
	})
}

func checkIDs(account AccountID, user UserID) error {
	if err := CheckID("account", account); err != nil {
		return err
	}
	return CheckID("user", user)
}
