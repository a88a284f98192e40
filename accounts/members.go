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
// member sees the others; delegates are refused with a [*roles.DeniedError].
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
// themselves; people are invited otherwise, and anybody but a job is refused
// with a [*roles.DeniedError]. The role is any but Owner, else an
// [*InvalidError] for the field "role". Somebody who is a client of the account,
// by their login or address, is a [*TakenError] for the field "user". Adding an active member with the same
// role changes nothing; one with another role, or who is suspended, is an
// [*InvalidError] for the field "user". An account without a seat left is a
// [*SeatsError]; a role that the [Policy] does not offer is refused as it says.
//
// Jobs change roles, remove, suspend and reactivate as well; they make no
// owners, and the last active owner stays.
func (s *Service) AddMember(ctx context.Context, actor Actor, account AccountID, user UserID, role roles.Role) error {
	if err := checkIDs(account, user); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventMemberAdded, func(ctx context.Context) (Change, error) {
		a, err := s.st.Account(ctx, account)
		if !actor.IsSystem() && (err == nil || isNotFound(err)) {
			return op.AddMember(a, User{}, Membership{}, ClientState{}, Seats{}, role) // refused, and tells nobody who and what exists
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
		r, err := s.st.Recording(ctx, RecordingQuery{Account: account, Email: u.Email, User: user})
		if err != nil {
			return Change{}, err
		}
		seats, err := s.st.Seats(ctx, account, op.At)
		if err != nil {
			return Change{}, err
		}
		return op.AddMember(a, u, m, r.Taken, seats, role)
	})
}

// ChangeRole gives a member another role: at most the actor's own, and only to
// members who do not stand above the actor, else a [*roles.DeniedError]. Making
// an owner wants an owner who logged in within the last 10 minutes, else
// [ErrStepUp], with identity confirmation on a [*CodeError]; the last active
// owner keeps the role, else [ErrLastOwner]. Whether the plan offers the role,
// and whether somebody may own one more account, the [Policy] decides, and its
// refusal is returned as it is. Somebody who is no member is [ErrNotFound]. The
// role that they have already changes nothing.
func (s *Service) ChangeRole(ctx context.Context, actor Actor, account AccountID, user UserID, role roles.Role) error {
	return s.onMember(ctx, actor, account, user, EventMemberRoleChanged, func(op Operation, f MemberFacts) (Change, error) {
		var err error
		if role == op.Rules.Ladder.Top() {
			if f.Owned, err = s.st.Owned(ctx, user, role); err != nil {
				return Change{}, err
			}
		}
		return op.ChangeRole(f, role)
	})
}

// RemoveMember removes a member. Their assignments through this account end at
// once and do not come back. The last active owner stays, else [ErrLastOwner];
// whoever stands above the actor does, else a [*roles.DeniedError]. Somebody who
// is no member is [ErrNotFound].
func (s *Service) RemoveMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberRemoved, Operation.RemoveMember)
}

// Leave ends the actor's own membership. The last active owner stays, else
// [ErrLastOwner]. Whoever is no active member, such as a delegate, is told
// [ErrNotFound].
func (s *Service) Leave(ctx context.Context, actor Actor, account AccountID) error {
	if err := CheckID("account", account); err != nil {
		return err
	}
	return s.withMember(ctx, actor, account, actor.user, EventMemberLeft, Operation.Leave)
}

// SuspendMember keeps a member out of this account by every route, until
// reactivated. It touches nothing else of the person. The last active owner
// stays, else [ErrLastOwner]; whoever stands above the actor does, else a
// [*roles.DeniedError]. Oneself is an [*InvalidError] for the field "user", and
// somebody who is no member [ErrNotFound]. Suspending again changes nothing.
func (s *Service) SuspendMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberSuspended, Operation.SuspendMember)
}

// ReactivateMember lets a suspended member in again, with a login of after
// this moment. Assignments do not come back. Whether the plan still offers the
// role, and whether an owner may own this account beside others by now, the
// [Policy] decides, and its refusal is returned as it is. Whoever stands above
// the actor is refused with a [*roles.DeniedError], and somebody who is no
// member is [ErrNotFound]. A member who is not suspended stays as they are.
func (s *Service) ReactivateMember(ctx context.Context, actor Actor, account AccountID, user UserID) error {
	return s.onMember(ctx, actor, account, user, EventMemberReactivated, func(op Operation, f MemberFacts) (Change, error) {
		var err error
		if top := op.Rules.Ladder.Top(); f.Member.Role == top {
			if f.Owned, err = s.st.Owned(ctx, user, top); err != nil {
				return Change{}, err
			}
		}
		return op.ReactivateMember(f)
	})
}

// TransferOwnership makes an active member an owner and the acting owner an
// Admin. The actor must have logged in within the last 10 minutes, else
// [ErrStepUp], with identity confirmation on a [*CodeError]. Anybody but an
// owner is refused with a [*roles.DeniedError]: jobs and operators too. Somebody
// who is no active member is [ErrNotFound], oneself an [*InvalidError] for the
// field "user". Whether the heir may own one more account, and whether the plan
// offers an Admin, the [Policy] decides, and its refusal is returned as it is.
func (s *Service) TransferOwnership(ctx context.Context, actor Actor, account AccountID, to UserID) error {
	return s.onMember(ctx, actor, account, to, EventOwnershipTransferred, func(op Operation, f MemberFacts) (Change, error) {
		var err error
		if f.Owned, err = s.st.Owned(ctx, to, op.Rules.Ladder.Top()); err != nil {
			return Change{}, err
		}
		return op.TransferOwnership(f)
	})
}

func (s *Service) onMember(ctx context.Context, actor Actor, account AccountID, user UserID, kind EventKind,
	decide func(Operation, MemberFacts) (Change, error),
) error {
	if err := checkIDs(account, user); err != nil {
		return err
	}
	return s.withMember(ctx, actor, account, user, kind, decide)
}

// withMember is onMember for ids that have been checked, or for no user.
func (s *Service) withMember(ctx context.Context, actor Actor, account AccountID, user UserID, kind EventKind,
	decide func(Operation, MemberFacts) (Change, error),
) error {
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		var f MemberFacts
		var err error
		// The standing is read first. Its version guards the change, so what
		// is read after it cannot be older.
		if f.Actor, f.Account, err = s.account(ctx, op, account); err != nil {
			return Change{}, err
		}
		op, err := Confirming(ctx, s.st, op, f.Actor.User, kind, account)
		if err != nil {
			return Change{}, err
		}
		if f.Member, err = s.st.Membership(ctx, StandingKey{User: user, Account: account}); err != nil {
			return Change{}, err
		}
		if f.Own, err = s.st.Membership(ctx, StandingKey{User: actor.user, Account: account}); err != nil {
			return Change{}, err
		}
		if f.Owners, err = s.st.Owners(ctx, account, op.Rules.Ladder.Top()); err != nil {
			return Change{}, err
		}
		if f.Member.Role != "" {
			if f.User, err = s.st.User(ctx, UserKey{ID: user}); err != nil {
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
