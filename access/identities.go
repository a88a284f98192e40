package access

import (
	"context"
	"errors"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// HostLogin is a login at an issuer that the host has checked: an ID token
// whose signature, audience, nonce and age are right.
type HostLogin struct {
	Identity accounts.IdentityKey // the token's iss and sub; together they are who logs in
	Email    string               // the token's address; "": none

	// Verified is the token's email_verified as it was decoded. Only the
	// literal true counts, and not "true" or 1: issuers differ in what they
	// mean by these. Leave it nil for an issuer that hands out addresses it
	// does not own.
	Verified any

	ID     accounts.UserID // for a user who is new: the host's own id; "": a fresh one
	Name   string          // for a user who is new; at most 100 characters
	Locale string          // for a user who is new; a BCP 47 language tag
}

func (in HostLogin) verified() bool { return in.Verified == true }

// Arrive says who logs in through an issuer; give the answer to
// [Sessions.Start]. The issuer and subject decide, and nothing else. Somebody
// who is new becomes a user, with the address if it is verified and without one
// otherwise. If somebody has that address already, the answer is
// [ErrLinkFirst]: they log in as they are used to and link the two with
// [Logins.Link]. Nobody is ever found by an address. What the login says of
// address, name and language is for somebody new, and is not looked at in one
// who is known: there it is an accounts.InvalidError if it breaks a rule, and an
// id that anybody has or had is accounts.ErrTaken. Whether somebody who is known
// may come in, [Sessions.Start] decides.
func (s *Logins) Arrive(ctx context.Context, in HostLogin) (accounts.Login, error) {
	if err := in.Identity.Check(); err != nil {
		return accounts.Login{}, err
	}
	want, invalid := in.user()
	op := s.env.Begin(accounts.Actor{})
	given := in.ID != ""
	if !given {
		want.ID = accounts.UserID(s.env.NewID(op.At))
	}
	var out accounts.Login
	err := s.run(ctx, op, accounts.EventUserCreated, func(ctx context.Context) (Change, error) {
		known, err := s.find(ctx, accounts.UserKey{Identity: in.Identity})
		if err != nil || known.ID != "" {
			out = accounts.Login{User: known.ID, Epoch: known.Epoch}
			return Change{}, err
		}
		if invalid != nil {
			return Change{}, invalid // of a user who is new; one who is known needs none of it
		}
		if given {
			if err := s.free(ctx, want.ID); err != nil {
				return Change{}, err
			}
		}
		var holder accounts.User
		if want.Email != "" {
			if holder, err = s.find(ctx, accounts.UserKey{Email: want.Email}); err != nil {
				return Change{}, err
			}
		}
		out = accounts.Login{User: want.ID, Epoch: 1}
		return arrive(op, in, want, holder)
	})
	if err != nil {
		return accounts.Login{}, err
	}
	out.Identity, out.Method, out.At = in.Identity, accounts.MethodIdentity, op.At
	return out, nil
}

// user returns the user that a login makes when its subject is new.
func (in HostLogin) user() (accounts.User, error) {
	u := accounts.User{UserState: accounts.UserState{ID: in.ID, Name: in.Name}, Locale: in.Locale}
	if in.ID != "" {
		if err := accounts.CheckID("id", in.ID); err != nil {
			return u, err
		}
	}
	if err := accounts.CheckText("name", in.Name, 100); err != nil {
		return u, err
	}
	if err := accounts.CheckLocale(in.Locale); err != nil {
		return u, err
	}
	if in.Email == "" || !in.verified() {
		return u, nil // what an issuer does not vouch for touches nobody's address
	}
	var err error
	if u.Email, err = accounts.ParseEmail(in.Email); err != nil {
		return u, err
	}
	u.Address, u.Proven = strings.TrimSpace(in.Email), true
	return u, nil
}

// Link makes a login at an issuer a way in for the actor. It wants all of
// these: a login younger than 10 minutes by a way they have
// (accounts.ErrStepUp) or, with identity confirmation on, a code
// (accounts.CodeError); an address that they have proven here; and the same
// address from the issuer, verified: an accounts.InvalidError names what is
// amiss, for the field "user" also that the host keeps their login. An identity
// of somebody else is accounts.ErrTaken. An actor who is no user is
// accounts.ErrNotFound. The user is told by mail. Linking again changes
// nothing.
func (s *Logins) Link(ctx context.Context, actor accounts.Actor, in HostLogin) error {
	if err := in.Identity.Check(); err != nil {
		return err
	}
	email, _ := accounts.ParseEmail(in.Email) // one that is none is nobody's own
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventIdentityLinked, func(ctx context.Context) (Change, error) {
		u, err := s.self(ctx, op)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, u.UserState, EventIdentityLinked, "")
		if err != nil {
			return Change{}, err
		}
		holder, err := s.find(ctx, accounts.UserKey{Identity: in.Identity})
		if err != nil {
			return Change{}, err
		}
		return link(op, u, in, email, holder.ID)
	})
}

// Unlink takes a login at an issuer away from the actor, who must have logged
// in within the last 10 minutes (accounts.ErrStepUp) or, with identity
// confirmation on, pass a code (accounts.CodeError). The user is told by mail.
// One way in stays: the only one is an accounts.InvalidError for the field
// "identity", one for "user" says that the host keeps the login. An identity
// that is not the actor's is accounts.ErrNotFound.
//
// The identity opens nothing from then on, but sessions that it opened before
// go on. [Sessions.EndAll] ends them: call it as well where somebody else may
// have come in that way.
func (s *Logins) Unlink(ctx context.Context, actor accounts.Actor, identity accounts.IdentityKey) error {
	if err := identity.Check(); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventIdentityUnlinked, func(ctx context.Context) (Change, error) {
		if actor.User() == "" {
			return Change{}, accounts.ErrNotFound
		}
		m, err := s.st.Means(ctx, accounts.UserKey{ID: actor.User()})
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, m.User.UserState, EventIdentityUnlinked, "")
		if err != nil {
			return Change{}, err
		}
		return unlink(op, m, identity)
	})
}

// find reads a user who may not be there.
func (s *Logins) find(ctx context.Context, key accounts.UserKey) (accounts.User, error) {
	u, err := s.st.User(ctx, key)
	if errors.Is(err, accounts.ErrNotFound) {
		return accounts.User{}, nil
	}
	return u, err
}
