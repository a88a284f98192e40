package invites

import (
	"cmp"
	"context"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Answer names an invitation that somebody answers.
type Answer struct {
	// Link is the secret of the invitation's link, as the page received it. It
	// alone says which invitation is meant.
	Link string

	// Without a link these name an invitation to the actor's own proven
	// address, as [Service.Mine] lists them.
	Account    accounts.AccountID
	Invitation accounts.InvitationID
}

// query returns the question about the invitation that is meant.
func (a Answer) query(op accounts.Operation) (AcceptingQuery, error) {
	q := AcceptingQuery{User: op.Actor.User(), At: op.At}
	if a.Link == "" {
		q.Account, q.ID = a.Account, a.Invitation
		return q, checkIDs(a.Account, a.Invitation)
	}
	var err error
	if q.Hash, err = token.Parse(token.Invitation, a.Link); err != nil {
		return q, accounts.ErrNotFound
	}
	return q, nil
}

// Accept makes the actor a member, with the login that they have: "use your
// existing login to join this account". The role is the smaller of the one
// promised and what the inviter could give now. Accepting again returns the
// same membership, and changes nothing. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere, the account is suspended
//     or closed, or nobody is signed in; without a link, also to anybody but
//     the invited person;
//   - [ErrOtherAddress] if the actor's address is not the invited one, and
//     [ErrUnproven] if it is and they have not proven it;
//   - accounts.CodeError if the actor has identity confirmation on and has not
//     entered a code for this, and accounts.ErrStepUp if their login has ended;
//   - accounts.ErrExpired, [ErrVoid] or [ErrUsed] if the invitation cannot be
//     accepted any more;
//   - accounts.ErrTaken if the actor became a member in another way, or is a
//     client of the account, and roles.ErrDenied if their membership is
//     suspended, which no invitation mends;
//   - accounts.ErrSeats if the plan has shrunk and no seat is left, or the
//     policy's own error if the plan does not offer the role any more or the
//     actor may not own one account more, such as an accounts.InvalidError for
//     "role", "plan" or "kind"; the invitation stays pending;
//   - accounts.InvalidError if there is no link, for an id that is none.
//
// Whoever only holds a link learns of one that is expired, void or settled no
// more than of one that never was: that is for the invited person.
func (s *Service) Accept(ctx context.Context, actor accounts.Actor, in Answer) (accounts.Membership, error) {
	op := s.env.Begin(actor)
	q, err := in.query(op)
	if err != nil {
		return accounts.Membership{}, err
	}
	var out accounts.Membership
	err = run(ctx, s.env, s.st, op, EventInvitationAccepted, func(ctx context.Context) (Change, error) {
		if actor.User() == "" {
			return Change{}, accounts.ErrNotFound
		}
		f, err := s.st.Accepting(ctx, q)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, f.Joiner.User.UserState, EventInvitationAccepted, f.Account.ID)
		if err != nil {
			return Change{}, err
		}
		owned, err := s.owned(ctx, op, f)
		if err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = accept(op, f, owned, in.Link != "")
		return c, err
	})
	if err != nil {
		return accounts.Membership{}, err
	}
	return out, nil
}

// Joined is what came of [Service.AcceptNew].
type Joined struct {
	Membership accounts.Membership
	Login      accounts.Login // for access.Sessions.Start
}

// AcceptNew makes the holder of an invitation's link a user with a new login,
// and a member, in one change. The link was mailed to the invited address and
// shown to nobody else, so the address counts as proven. A user who is there
// already and has no way to log in gets this one and stays who they are; what
// others may have begun under their address ends with it, sessions and mailed
// links about the login included. A user who is new is on record as such
// (accounts.EventUserCreated). It opens no session. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere (one that was used, by the
//     same form sent twice for instance, is such), or if the user who is there
//     already is suspended;
//   - [ErrHasLogin] if somebody with the address has a login, or identity
//     confirmation on: they log in, and accept;
//   - accounts.InvalidError for a field of the input that breaks a rule, and for
//     "password" if the policy of [Options] refuses it;
//   - accounts.ErrTaken for "id" if it is or was somebody's, for "identity" if
//     it is, for "email" if the address is that of a user with another id or of
//     a client of the account, and for "user" if the user is a member already;
//   - roles.ErrDenied if the user's membership is suspended;
//   - accounts.ErrSeats or the policy's own error as [Service.Accept] does;
//   - password.ErrBusy if too many hashes wait for their turn, and
//     password.ErrUnavailable if the breach hook fails: try again later.
func (s *Service) AcceptNew(ctx context.Context, in NewLogin) (Joined, error) {
	op := s.env.Begin(accounts.Actor{})
	q, err := Answer{Link: in.Link}.query(op)
	if err != nil || in.Link == "" {
		return Joined{}, accounts.ErrNotFound
	}
	if err := in.check(); err != nil {
		return Joined{}, err
	}
	f, err := s.st.Accepting(ctx, q)
	if err != nil {
		return Joined{}, err
	}
	if f.open(op) != nil { // before anything is hashed
		return Joined{}, accounts.ErrNotFound
	}
	if err := barred(f.Joiner, true); err != nil {
		return Joined{}, err
	}
	n, err := s.newcomer(ctx, in, f.Account.Name, in.Name, f.Invitation.Address)
	if err != nil {
		return Joined{}, err
	}
	n.User.Locale = cmp.Or(in.Locale, f.Invitation.Locale)
	fresh := accounts.UserID(s.env.NewID(op.At))
	var out Joined
	err = run(ctx, s.env, s.st, op, EventInvitationAccepted, func(ctx context.Context) (Change, error) {
		f, err := s.st.Accepting(ctx, q)
		if err != nil {
			return Change{}, err
		}
		n := n
		n.User.ID = cmp.Or(n.User.ID, f.Joiner.User.ID, fresh)
		if err := s.free(ctx, n, f.Joiner.User.ID); err != nil {
			return Change{}, err
		}
		owned, err := s.owned(ctx, op, f)
		if err != nil {
			return Change{}, err
		}
		c, m, err := acceptNew(op, f, n, owned)
		if err == nil {
			out = Joined{Membership: m, Login: in.login(op, c.Users[0])}
		}
		return c, err
	})
	if err != nil {
		return Joined{}, err
	}
	return out, nil
}

// owned lists what the joiner owns, where that decides.
func (s *Service) owned(ctx context.Context, op accounts.Operation, f Accepting) ([]accounts.Account, error) {
	top := op.Rules.Ladder.Top()
	if f.Invitation.Role != top || f.Joiner.User.ID == "" {
		return nil, nil
	}
	return s.st.Owned(ctx, f.Joiner.User.ID, top)
}

// Decline turns an invitation down, for good; the inviter is told. By its link
// whoever holds it may, signed out or as the invited person; by its ids, the
// invited person alone. It asks for no code. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere, or the account is
//     suspended or closed; to whoever is signed out, also for an invitation
//     that is expired, void or settled; without a link, to anybody but the
//     invited person;
//   - [ErrOtherAddress] and [ErrUnproven] as [Service.Accept] does, to a user
//     who is signed in;
//   - accounts.ErrExpired, [ErrVoid] or [ErrUsed] to the invited person signed
//     in, if it cannot be declined any more; declining twice is [ErrUsed];
//   - accounts.ErrStepUp if the actor's login has ended;
//   - accounts.InvalidError if there is no link, for an id that is none.
func (s *Service) Decline(ctx context.Context, actor accounts.Actor, in Answer) error {
	op := s.env.Begin(actor)
	q, err := in.query(op)
	if err != nil {
		return err
	}
	return run(ctx, s.env, s.st, op, EventInvitationDeclined, func(ctx context.Context) (Change, error) {
		f, err := s.st.Accepting(ctx, q)
		if err != nil {
			return Change{}, err
		}
		return decline(op, f, in.Link != "")
	})
}
