package access

import (
	"context"
	"errors"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// AskProof mails the actor a link that proves their address, good for 24 hours;
// older ones are dead. An address that is proven gets none. An address gets 5
// mails about its login in a UTC day (accounts.ErrQuota). A user without an
// address, or whose login the host keeps, is an accounts.InvalidError; a login
// that was ended accounts.ErrStepUp; an actor who is no user
// accounts.ErrNotFound.
func (s *Logins) AskProof(ctx context.Context, actor accounts.Actor) error {
	op := s.env.Begin(actor)
	link, err := s.mint(token.Proof)
	if err != nil {
		return err
	}
	return s.run(ctx, op, EventProofAsked, func(ctx context.Context) (Change, error) {
		u, err := s.self(ctx, op)
		if err != nil {
			return Change{}, err
		}
		f, err := s.entering(ctx, op, u.Email, Device{})
		if err != nil {
			return Change{}, err
		}
		if f.Means.User = u; u.Email == "" {
			f = Entering{Means: accounts.Means{User: u}}
		}
		old, err := s.ticket(ctx, TicketQuery{TicketKey: TicketKey{User: u.ID, Purpose: token.Proof}})
		if err != nil {
			return Change{}, err
		}
		return askProof(op, f, old, link)
	})
}

// Prove proves the actor's address, with the secret of the link that was mailed
// there. The actor must be the user whom it was sent to: the link in other
// hands, and a link that leads nowhere, are accounts.ErrNotFound. A login that
// was ended is accounts.ErrStepUp, one that the host keeps an
// accounts.InvalidError.
func (s *Logins) Prove(ctx context.Context, actor accounts.Actor, link string) error {
	return s.redeem(ctx, actor, token.Proof, link, EventAddressProven, func(_ context.Context, op accounts.Operation, t Ticket, u accounts.User) (Change, error) {
		return prove(op, t, u)
	})
}

// AskAddress mails a link to another address of the actor's, good for 24 hours,
// that makes it theirs; the address that they have is told. The actor must have
// logged in within the last 10 minutes (accounts.ErrStepUp) or, with identity
// confirmation on, pass a code (accounts.CodeError). The answer does not tell
// whether somebody has the address: if so, its owner is told, and no link goes
// out. An address gets 5 mails about its login in a UTC day, and a user asks 5
// times (accounts.ErrQuota).
//
// What is no address, and the one that the user has, are an
// accounts.InvalidError for the field "email"; one for "user" says that the
// host keeps their login. An actor who is no user is accounts.ErrNotFound.
func (s *Logins) AskAddress(ctx context.Context, actor accounts.Actor, email string) error {
	address, err := accounts.ParseEmail(email)
	if err != nil {
		return err
	}
	op := s.env.Begin(actor)
	link, err := s.mint(token.Address)
	if err != nil {
		return err
	}
	return s.run(ctx, op, EventAddressAsked, func(ctx context.Context) (Change, error) {
		u, err := s.self(ctx, op)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, u.UserState, EventAddressAsked, "")
		if err != nil {
			return Change{}, err
		}
		f, err := s.entering(ctx, op, address, Device{})
		if err != nil {
			return Change{}, err
		}
		old, err := s.ticket(ctx, TicketQuery{TicketKey: TicketKey{User: u.ID, Purpose: token.Address}})
		if err != nil {
			return Change{}, err
		}
		asked, err := s.st.Spent(ctx, asksOf(op, u.ID))
		if err != nil {
			return Change{}, err
		}
		return askAddress(op, u, f, asked, strings.TrimSpace(email), old, link)
	})
}

// ConfirmAddress gives the actor the address that the link was sent to, proven.
// The address before is told, and links that were sent there are dead. The
// actor must be the user who asked: other hands, and a link that leads nowhere,
// are accounts.ErrNotFound. Somebody who got the address meanwhile keeps it:
// accounts.ErrTaken. A login that was ended is accounts.ErrStepUp, one that the
// host keeps an accounts.InvalidError.
func (s *Logins) ConfirmAddress(ctx context.Context, actor accounts.Actor, link string) error {
	return s.redeem(ctx, actor, token.Address, link, EventAddressChanged, func(ctx context.Context, op accounts.Operation, t Ticket, u accounts.User) (Change, error) {
		holder, err := s.st.User(ctx, accounts.UserKey{Email: t.Email})
		if err != nil && !errors.Is(err, accounts.ErrNotFound) {
			return Change{}, err
		}
		return confirmAddress(op, t, u, holder)
	})
}

// redeem runs a decision on a link that was mailed to the actor.
func (s *Logins) redeem(ctx context.Context, actor accounts.Actor, p token.Purpose, link string, kind accounts.EventKind,
	decide func(ctx context.Context, op accounts.Operation, t Ticket, u accounts.User) (Change, error),
) error {
	hash, err := token.Parse(p, link)
	if err != nil {
		return accounts.ErrNotFound
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		u, err := s.self(ctx, op)
		if err != nil {
			return Change{}, err
		}
		t, err := s.st.Ticket(ctx, TicketQuery{Hash: hash})
		if err != nil {
			return Change{}, err
		}
		return decide(ctx, op, t, u)
	})
}

// self reads the acting user.
func (s *Logins) self(ctx context.Context, op accounts.Operation) (accounts.User, error) {
	if op.Actor.User() == "" {
		return accounts.User{}, accounts.ErrNotFound
	}
	return s.st.User(ctx, accounts.UserKey{ID: op.Actor.User()})
}
