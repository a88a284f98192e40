package accounts

import (
	"context"
	"fmt"
)

// PlanErase returns what erasing a user would end, and which accounts they own
// alone. The actor is the user, a job or an operator; to anybody else there is
// no such user.
func (s *Service) PlanErase(ctx context.Context, actor Actor, user UserID) (ErasePlan, error) {
	if err := s.refuseViewing(ctx, actor, "user.plan-erase"); err != nil {
		return ErasePlan{}, err
	}
	op := s.env.Begin(actor)
	f, err := s.eraseFacts(ctx, op, user)
	if err != nil {
		return ErasePlan{}, err
	}
	return op.PlanErase(f)
}

// EraseUser erases a user for good, as [Service.PlanErase] says: memberships,
// client records, logins, sessions and links end, and names, addresses, and what
// was written to them are gone from every table; the day's counters of mail to an
// address go with later sweeps. Events and the answers kept for idempotency keys
// stay; they hold ids and roles.
//
// The actor is the user, who logged in within the last 10 minutes, else
// [ErrStepUp], with identity confirmation on a [*CodeError]; or a job or an
// operator. To anybody else, and once it is done, there is no such user. While
// the user is the only owner of an account it is refused with a
// [*SoleOwnerError]: make somebody else an owner, or close it.
//
// The id is never given to anybody else. Whoever signs up with the address later
// is somebody new.
func (s *Service) EraseUser(ctx context.Context, actor Actor, user UserID) error {
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventUserErased, func(ctx context.Context) (Change, error) {
		f, err := s.eraseFacts(ctx, op, user)
		if err != nil {
			return Change{}, err
		}
		op, err := Confirming(ctx, s.st, op, f.Means.User.UserState, EventUserErased, "")
		if err != nil {
			return Change{}, err
		}
		return op.EraseUser(f)
	})
}

// eraseFacts reads what decides about erasing a user. The user's row comes
// first and is written by the decision; each account comes before its owners
// and is guarded, so what was read later is not older.
func (s *Service) eraseFacts(ctx context.Context, op Operation, user UserID) (EraseFacts, error) {
	var f EraseFacts
	if err := CheckID("user", user); err != nil {
		return f, err
	}
	if !op.Actor.IsHost() && op.Actor.user != user {
		return f, ErrNotFound
	}
	var err error
	if f.Means, err = s.st.Means(ctx, UserKey{ID: user}); err != nil {
		return f, err
	}
	err = s.held(ctx, HeldQuery{Kind: HeldMembership, User: user}, func(row any) error {
		m, ok := row.(Membership)
		if !ok {
			return fmt.Errorf("chatelaine: the store answered %T for a membership", row)
		}
		if !m.EndedAt.IsZero() {
			return nil
		}
		a, err := s.st.Account(ctx, m.Account)
		if err != nil || !a.ClosedAt.IsZero() {
			return err
		}
		// Once more, after the account that guards it.
		if m, err = s.st.Membership(ctx, StandingKey{User: user, Account: m.Account}); err != nil || !m.EndedAt.IsZero() {
			return err
		}
		owners, err := s.st.Owners(ctx, m.Account, op.Rules.Ladder.Top())
		if err != nil {
			return err
		}
		f.Members = append(f.Members, EraseMember{Account: a, Member: m, Owners: owners})
		return nil
	})
	if err != nil {
		return f, err
	}
	f.Clients, err = s.clientsOf(ctx, f.Means.User)
	return f, err
}

// clientsOf returns the client records that end with a user: those as
// which the user logs in, and those with an address that the user has proven, as
// which nobody logs in: a record as which somebody else does is theirs.
func (s *Service) clientsOf(ctx context.Context, u User) ([]EraseClient, error) {
	q := HeldQuery{Kind: HeldClient, User: u.ID}
	if u.Proven {
		q.Email = u.Email
	}
	var list []EraseClient
	err := s.held(ctx, q, func(row any) error {
		c, ok := row.(Client)
		if !ok {
			return fmt.Errorf("chatelaine: the store answered %T for a client record", row)
		}
		if !c.There() || (c.User != "" && c.User != u.ID) {
			return nil
		}
		a, err := s.st.Account(ctx, c.Account)
		if err == nil {
			list = append(list, EraseClient{Account: a, Client: c})
		}
		return err
	})
	return list, err
}

// ExportUser hands over everything that is kept about a user, a row at a time:
// first what they are, then what they belong to, what was sent to them, and
// what they did. The type of each row follows from its kind. Hashes of secrets
// are left out. An error that each returns ends it, and is returned. It may take
// long: it reads whole tables. What an account wrote down about a client for
// itself (Client.Notes) is left out unless the host asks.
//
// The actor is the user, who logged in within the last 10 minutes, else
// [ErrStepUp], with identity confirmation on a [*CodeError]; or a job or an
// operator. To anybody else there is no such user. The export is on record, also
// when it is broken off.
func (s *Service) ExportUser(ctx context.Context, actor Actor, user UserID, each func(kind HeldKind, row any) error) error {
	if err := CheckID("user", user); err != nil {
		return err
	}
	if each == nil {
		return &InvalidError{Field: "each", Reason: "is missing"}
	}
	op := s.env.Begin(actor)
	var u User
	err := s.run(ctx, op, EventUserExported, func(ctx context.Context) (Change, error) {
		var err error
		if u, err = s.st.User(ctx, UserKey{ID: user}); err != nil {
			return Change{}, err
		}
		op, err := Confirming(ctx, s.st, op, u.UserState, EventUserExported, "")
		if err != nil {
			return Change{}, err
		}
		return op.ExportUser(u)
	})
	if err != nil {
		return err
	}
	for _, kind := range HeldKinds() {
		q := HeldQuery{Kind: kind, User: user, Email: u.Email}
		if !u.Proven {
			q.Email = "" // what was sent to an address is its owner's to read
		}
		if err := s.held(ctx, q, func(row any) error {
			if c, ok := row.(Client); ok && !actor.IsHost() {
				if c.User != "" && c.User != user {
					return nil // it has the address, and is somebody else by now
				}
				c.Notes = "" // they are the account's own
				row = c
			}
			return each(kind, row)
		}); err != nil {
			return err
		}
	}
	return nil
}

// held hands over all rows of one kind, page by page.
func (s *Service) held(ctx context.Context, q HeldQuery, each func(row any) error) error {
	q.Limit = s.env.Limits().PageMax
	for {
		page, err := s.st.Held(ctx, q)
		if err != nil {
			return err
		}
		for _, h := range page {
			if err := each(h.Row); err != nil {
				return err
			}
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After = page[len(page)-1].Key
	}
}

// ForgetAddress erases what is kept about an address that is nobody's login:
// somebody was asked for access, invited or written down as a client and never
// became a user. Requests and invitations to it end and lose address and words,
// client records with it are deleted, and unsent mail is cancelled. A record as
// which somebody logs in ends with that user alone. The actor is a job or an
// operator, else a [*roles.DeniedError]. The address of a user is refused with an
// [*InvalidError] for the field "email": erase the user. An address of which
// nothing is kept is forgotten as well, with its event.
func (s *Service) ForgetAddress(ctx context.Context, actor Actor, address string) error {
	email, err := ParseEmail(address)
	if err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventAddressForgotten, func(ctx context.Context) (Change, error) {
		if err := op.ByHost("address.forget"); err != nil {
			return Change{}, err
		}
		who, err := holder(ctx, s.st, UserKey{Email: email})
		if err != nil {
			return Change{}, err
		}
		clients, err := s.clientsOf(ctx, User{Email: email, Proven: true})
		if err != nil {
			return Change{}, err
		}
		return op.ForgetAddress(email, who, clients)
	})
}
