package access

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// AskReset answers somebody who cannot log in, always with a mail: with a link
// that sets a new password and is good for 30 minutes; or with the word that
// they log in elsewhere; or that the address has no login. The visitor is told
// the same in every case. An address gets 5 mails about its login in a UTC day.
// Beyond them, only a user whose password can be reset gets one, an hour after
// the last link, so that no stranger uses up their way back in; the answer, the
// record and what the network's tries are charged stay the same for everybody.
//
// To an address that nobody has, the mail is in the language of from.
//
// What is no address is an accounts.InvalidError. A network that comes too
// fast, or had its 1,000 tries of the day, is limit.ErrLimited.
func (s *Logins) AskReset(ctx context.Context, email string, from Device) error {
	address, err := accounts.ParseEmail(email)
	if err != nil {
		return err
	}
	if err := s.allow(from); err != nil {
		return err
	}
	link, err := s.mint(token.Reset)
	if err != nil {
		return err
	}
	op := s.env.Begin(accounts.Actor{})
	return s.run(ctx, op, EventResetAsked, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, op, address, from)
		if err != nil {
			return Change{}, err
		}
		old, err := s.ticket(ctx, TicketQuery{TicketKey: TicketKey{User: f.Means.User.ID, Purpose: token.Reset}})
		if err != nil {
			return Change{}, err
		}
		return askReset(op, f, address, old, from, link)
	})
}

// ResetPassword sets a new password for the holder of a reset's link, and
// proves the address. All sessions and all links about the login end, and the
// user is told by mail. Had the address not been proven before, logins at
// issuers and identity confirmation go as well: somebody else may have prepared
// them. A link that leads nowhere is accounts.ErrNotFound, a password that the
// policy refuses an accounts.InvalidError for the field "password";
// password.ErrUnavailable says that breaches cannot be looked up now,
// password.ErrBusy that the hasher has no room. After all of them but the first
// the link still works.
//
// The login that is returned opens a session that is not fresh.
func (s *Logins) ResetPassword(ctx context.Context, link, fresh string) (accounts.Login, error) {
	hash, err := token.Parse(token.Reset, link)
	if err != nil {
		return accounts.Login{}, accounts.ErrNotFound
	}
	op := s.env.Begin(accounts.Actor{})
	read := func(ctx context.Context) (Ticket, accounts.Means, error) {
		t, err := s.st.Ticket(ctx, TicketQuery{Hash: hash})
		if err != nil {
			return t, accounts.Means{}, err
		}
		m, err := s.st.Means(ctx, accounts.UserKey{ID: t.User})
		if err == nil && (!t.Counts(op.At, m.User) || !resettable(m)) {
			err = accounts.ErrNotFound
		}
		return t, m, err
	}
	_, m, err := read(ctx)
	if err != nil {
		return accounts.Login{}, err
	}
	stored, err := s.hash(ctx, fresh, about(m.User)...)
	if err != nil {
		return accounts.Login{}, err
	}
	err = s.run(ctx, op, EventPasswordReset, func(ctx context.Context) (Change, error) {
		t, m, err := read(ctx)
		if err != nil {
			return Change{}, err
		}
		f, err := s.entering(ctx, op, m.User.Email, Device{})
		if err != nil {
			return Change{}, err
		}
		return resetPassword(op, t, m, f, stored)
	})
	if err != nil {
		return accounts.Login{}, err
	}
	return accounts.Login{User: m.User.ID, Method: accounts.MethodPassword, At: op.At, Epoch: m.User.Epoch + 1, ByLink: true}, nil
}

// ChangePassword gives the actor another password. Old is the one they have.
// All other sessions and all links about the login end, the session in use gets
// a new secret, which is returned, and the user is told by mail. For an actor
// without a session of this library the secret is zero, and the host's own
// session, which has ended like the others, wants a new moment of login; see
// [Sessions.ForUser].
//
// Old is compared as with [Logins.LogIn]: a wrong one is [ErrCredentials] and
// counts there, limit.ErrLimited asks to wait, for the address or the network.
// Somebody who has no password, and logs in through an issuer, leaves it empty
// and needs a login younger than 10 minutes (accounts.ErrStepUp); left empty by
// somebody who has one it is ErrCredentials, and no try. A user with identity
// confirmation on passes a code first (accounts.CodeError). Whoever has to
// enter a code, or to think of another new password, has used up no try.
//
// A new password that the policy refuses is an accounts.InvalidError for the
// field "password", one for "email" says that the user has no address, and one
// for "user" that the host keeps their login. A login that was ended, or timed
// out, is accounts.ErrStepUp, and an actor who is no user accounts.ErrNotFound.
// password.ErrUnavailable says that breaches cannot be looked up now,
// password.ErrBusy that the hasher has no room.
func (s *Logins) ChangePassword(ctx context.Context, actor accounts.Actor, old, fresh string, from Device) (token.Secret, error) {
	op := s.env.Begin(actor)
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, EventPasswordChanged); err != nil {
		return token.Secret{}, err
	}
	if actor.User() == "" {
		return token.Secret{}, accounts.ErrNotFound
	}
	u, err := s.changing(ctx, op)
	if err != nil {
		return token.Secret{}, err
	}
	// Before the old one is compared: whoever has to think of another one has
	// used up no try.
	if err := s.judge(ctx, fresh, about(u)...); err != nil {
		return token.Secret{}, err
	}
	var compared string
	if old == "" {
		if m, err := s.st.Means(ctx, accounts.UserKey{ID: u.ID}); err != nil {
			return token.Secret{}, err
		} else if m.Credential.Hash != "" {
			return token.Secret{}, ErrCredentials // nothing was tried, and nothing needs to be hashed
		}
	} else {
		f, _, err := s.compare(ctx, op, u.Email, old, from.clipped())
		if err != nil {
			return token.Secret{}, err
		}
		compared = f.Means.Credential.Hash
	}
	stored, err := s.o.Hasher.Hash(ctx, fresh)
	if err != nil {
		return token.Secret{}, err
	}
	secret, err := s.mint(token.Session)
	if err != nil {
		return token.Secret{}, err
	}
	err = s.run(ctx, op, EventPasswordChanged, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, op, u.Email, Device{})
		if err != nil {
			return Change{}, err
		}
		if f.Means.User.ID != u.ID {
			// They have another address by now, or are gone.
			if u, err = s.changing(ctx, op); err != nil {
				return Change{}, err
			}
			return Change{}, accounts.ErrConflict
		}
		op, err := accounts.Confirming(ctx, s.st, op, f.Means.User.UserState, EventPasswordChanged, "")
		if err != nil {
			return Change{}, err
		}
		own, err := ownRow(ctx, s.st, actor)
		if err != nil {
			return Change{}, err
		}
		return changePassword(op, f, own, compared, stored, secret)
	})
	if err != nil || actor.Session() == "" {
		return token.Secret{}, err
	}
	return secret.Secret, nil
}

// changing reads the acting user, who may change their password.
func (s *Logins) changing(ctx context.Context, op accounts.Operation) (accounts.User, error) {
	u, err := s.self(ctx, op)
	if err != nil {
		return accounts.User{}, err
	}
	if err := mayKeepLogin(op, u); err != nil {
		return accounts.User{}, err
	}
	if u.Email == "" {
		return accounts.User{}, &accounts.InvalidError{Field: "email", Reason: "is missing; a password goes with an address"}
	}
	op, err = accounts.Confirming(ctx, s.st, op, u.UserState, EventPasswordChanged, "")
	if err != nil {
		return accounts.User{}, err
	}
	// Before a password is compared: whoever has to enter a code first has used
	// up no try.
	return u, op.Confirmed(u.UserState, EventPasswordChanged, "")
}

// ownRow reads the session that an actor acts with; zero if it is not one of
// this library's.
func ownRow(ctx context.Context, st SessionStore, actor accounts.Actor) (Session, error) {
	if actor.Session() == "" {
		return Session{}, nil
	}
	return st.Session(ctx, SessionKey{ID: actor.Session()})
}

// ticket reads a ticket that may not be there.
func (s *Logins) ticket(ctx context.Context, q TicketQuery) (Ticket, error) {
	t, err := s.st.Ticket(ctx, q)
	if errors.Is(err, accounts.ErrNotFound) {
		return Ticket{}, nil
	}
	return t, err
}

// about is what a user's password must not be made of.
func about(u accounts.User) []string { return []string{u.Name, u.Handle, u.Address} }
