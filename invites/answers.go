package invites

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Answer names an invitation that somebody answers.
type Answer struct {
	// Link is the secret of the invitation's link, as the page received it.
	// Without a link, Account and Invitation name an invitation to the actor's
	// own proven address.
	Link       string
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
// existing login to join this account". Their proven address must be the one
// that was invited: somebody else is [ErrOtherAddress], and an address that is
// not proven [ErrUnproven]; both change nothing. The role is the smaller of the
// one promised and what the inviter could give now. With identity confirmation
// on, a code is asked for first (accounts.CodeError). Accepting again returns
// the same membership.
//
// A link that leads nowhere is accounts.ErrNotFound. The invited person is told
// more: accounts.ErrExpired, [ErrVoid], [ErrUsed]. The plan's seats, roles and
// kinds are asked again: accounts.ErrSeats, or the policy's own error, and the
// invitation stays pending.
func (s *Service) Accept(ctx context.Context, actor accounts.Actor, in Answer) (accounts.Membership, error) {
	op := s.env.Begin(actor)
	q, err := in.query(op)
	if err != nil {
		return accounts.Membership{}, err
	}
	if actor.User() == "" {
		return accounts.Membership{}, accounts.ErrNotFound
	}
	var out accounts.Membership
	err = run(ctx, s.env, s.st, op, EventInvitationAccepted, func(ctx context.Context) (Change, error) {
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

// NewLogin is the input of [Service.AcceptNew]: a login that is made for
// joining. Exactly one of Password, Identity and Kept says how they log in.
type NewLogin struct {
	Link string // the secret of the invitation's link

	// ID is the new user's. A host that keeps its own users gives theirs, so
	// that both rows come with one transaction; "" is a fresh one.
	ID     accounts.UserID
	Name   string // at most 100 characters
	Locale string // a BCP 47 language tag; "": the invitation's

	Password string               // by the policy of [Options]
	Identity accounts.IdentityKey // the login at an issuer that the host has just checked
	Kept     bool                 // the host keeps the login, under ID
}

// Joined is what came of [Service.AcceptNew].
type Joined struct {
	Membership accounts.Membership
	Login      accounts.Login // for access.Sessions.Start
}

// AcceptNew makes the holder of an invitation's link a user with a new login,
// and a member, in one change; a user who is new is on record as such, too
// (accounts.EventUserCreated). The link was mailed to the invited address, so
// the address counts as proven. It opens no session. Whoever has a login with
// that address keeps it: [ErrHasLogin], log in and accept. A link that leads
// nowhere is accounts.ErrNotFound, an ID or identity that exists
// accounts.ErrTaken, a password that the policy refuses an
// accounts.InvalidError; the rest is as with [Service.Accept].
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
	switch { // before anything is hashed
	case f.open(op) != nil:
		return Joined{}, accounts.ErrNotFound
	case f.Joiner.User.ID != "" && (f.Joiner.HasLogin() || f.Joiner.User.Confirms):
		return Joined{}, ErrHasLogin
	}
	n := newcomer{Identity: in.Identity, User: accounts.User{
		UserState: accounts.UserState{ID: in.ID, Name: in.Name}, Kept: in.Kept, Locale: in.Locale,
	}}
	if in.Locale == "" {
		n.User.Locale = f.Invitation.Locale
	}
	if in.Password != "" {
		if n.Credential, err = s.hash(ctx, in, f); err != nil {
			return Joined{}, err
		}
	}
	fresh := accounts.UserID(s.env.NewID(op.At))
	var out Joined
	err = run(ctx, s.env, s.st, op, EventInvitationAccepted, func(ctx context.Context) (Change, error) {
		f, err := s.st.Accepting(ctx, q)
		if err != nil {
			return Change{}, err
		}
		n := n
		if n.User.ID == "" {
			if n.User.ID = fresh; f.Joiner.User.ID != "" {
				n.User.ID = f.Joiner.User.ID
			}
		}
		if err := s.free(ctx, n, f); err != nil {
			return Change{}, err
		}
		owned, err := s.owned(ctx, op, f)
		if err != nil {
			return Change{}, err
		}
		c, m, err := acceptNew(op, f, n, owned)
		if err == nil {
			out = Joined{Membership: m, Login: accounts.Login{
				User: n.User.ID, Method: in.method(), At: op.At, Epoch: c.Users[0].Epoch, ByLink: in.Password != "",
			}}
		}
		return c, err
	})
	if err != nil {
		return Joined{}, err
	}
	return out, nil
}

// hash hashes a password that the policy allows.
func (s *Service) hash(ctx context.Context, in NewLogin, f Accepting) (string, error) {
	err := s.o.Passwords.Check(ctx, in.Password, f.Account.Name, in.Name, f.Invitation.Address)
	var refused *password.RefusedError
	if errors.As(err, &refused) {
		return "", &accounts.InvalidError{Field: "password", Reason: refused.Reason}
	}
	if err != nil {
		return "", err
	}
	return s.o.Hasher.Hash(ctx, in.Password)
}

// free refuses an id or an identity that somebody has.
func (s *Service) free(ctx context.Context, n newcomer, f Accepting) error {
	if n.User.ID != f.Joiner.User.ID {
		if _, err := s.st.User(ctx, accounts.UserKey{ID: n.User.ID}); err == nil {
			return &accounts.TakenError{Field: "id"}
		} else if !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
	}
	if n.Identity != (accounts.IdentityKey{}) {
		if _, err := s.st.User(ctx, accounts.UserKey{Identity: n.Identity}); err == nil {
			return &accounts.TakenError{Field: "identity"}
		} else if !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (in NewLogin) check() error {
	if in.ID != "" {
		if err := accounts.CheckID("id", in.ID); err != nil {
			return err
		}
	}
	if err := accounts.CheckText("name", in.Name, 100); err != nil {
		return err
	}
	if err := accounts.CheckLocale(in.Locale); err != nil {
		return err
	}
	ways := 0
	for _, given := range []bool{in.Password != "", in.Identity != (accounts.IdentityKey{}), in.Kept} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return &accounts.InvalidError{Field: "password", Reason: "or identity or kept says how the user logs in; give exactly one"}
	case in.Kept && in.ID == "":
		return &accounts.InvalidError{Field: "id", Reason: "is missing; it is the one under which you keep the user"}
	}
	if in.Identity == (accounts.IdentityKey{}) {
		return nil
	}
	return in.Identity.Check()
}

func (in NewLogin) method() string {
	switch {
	case in.Password != "":
		return accounts.MethodPassword
	case in.Kept:
		return "host"
	}
	return accounts.MethodIdentity
}

// owned lists what the joiner owns, where that decides.
func (s *Service) owned(ctx context.Context, op accounts.Operation, f Accepting) ([]accounts.Account, error) {
	top := op.Rules.Ladder.Top()
	if f.Invitation.Role != top || f.Joiner.User.ID == "" {
		return nil, nil
	}
	return s.st.Owned(ctx, f.Joiner.User.ID, top)
}

// Decline turns an invitation down. Whoever holds the link may, signed in or
// not, but not signed in as somebody else ([ErrOtherAddress]); without a link,
// the invited person. The inviter is told. Errors are those of
// [Service.Accept].
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
