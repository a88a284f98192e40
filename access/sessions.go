package access

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Sessions is the service of sessions: it opens them for a login that the host
// or [Logins] has checked, says who is signed in and what they may do, switches
// between accounts, and ends sessions. [Logins.LogIn] opens them too. It holds
// no state and is safe for concurrent use.
type Sessions struct {
	st  SessionStore
	env *accounts.Env
}

// NewSessions returns a service on a store. A nil environment takes every
// default. Without a store it is an accounts.InvalidError.
func NewSessions(st SessionStore, env *accounts.Env) (*Sessions, error) {
	env, err := checked(st, env)
	if err != nil {
		return nil, err
	}
	return &Sessions{st: st, env: env}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. A secret returned then is provisional until the host commits.
func (s *Sessions) With(st SessionStore) *Sessions { return &Sessions{st: st, env: s.env} }

// Device is where a login comes from. UserAgent and Source are cut to what is
// kept, and are shown in the list of sessions.
type Device struct {
	UserAgent string // at most 256 characters
	Source    string // the network address, at most 64 characters; a port makes no other network of it

	// Language is that of the page, a BCP 47 language tag: for mail to an address of
	// which no other is known. It is not kept, and what is no tag counts as none.
	Language string
}

// locale returns the language for mail to somebody of whom none is known.
func (d Device) locale() string {
	if accounts.CheckLocale(d.Language) != nil {
		return ""
	}
	return d.Language
}

// Start opens a session for somebody whose login was checked: by the host, by
// user or by the identity that an issuer vouched for, or by a call of this
// library that returned the login. Identities are found as they were put, never
// by an address. It returns the secret for the cookie; only its hash is kept.
//
// An unknown user or identity is accounts.ErrNotFound, a suspended user
// roles.ErrDenied. A login with an Epoch that was overtaken, because the user's
// sessions were ended since by whatever, is accounts.ErrStepUp: they log in
// again. What is no login is an accounts.InvalidError.
func (s *Sessions) Start(ctx context.Context, login accounts.Login, from Device) (token.Secret, Session, error) {
	key, err := loginKey(login)
	if err != nil {
		return token.Secret{}, Session{}, err
	}
	from = from.clipped()
	op := s.env.Begin(accounts.Actor{})
	secret, hash, err := token.New(token.Session, s.env.Secrets())
	if err != nil {
		return token.Secret{}, Session{}, err
	}
	id := accounts.SessionID(s.env.NewID(op.At))
	var out Session
	err = s.run(ctx, op, EventSessionStarted, func(ctx context.Context) (Change, error) {
		u, err := s.whose(ctx, key, login)
		if err != nil {
			return Change{}, err
		}
		open, err := openSessions(ctx, s.st, u.ID, op.Rules.Limits)
		if err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = startSession(op, u, login, from, id, hash, open)
		return c, err
	})
	if err != nil {
		return token.Secret{}, Session{}, err
	}
	out.Version, out.Hash = 1, token.Hash{} // nobody outside needs it, and pages print what they are given
	return secret, out, nil
}

// clipped returns the device as it is kept.
func (d Device) clipped() Device {
	return Device{UserAgent: accounts.Clip(d.UserAgent, 256), Source: accounts.Clip(d.Source, 64)}
}

// openSessions reads enough of a user's sessions that have not ended to know
// which of them a new one replaces.
func openSessions(ctx context.Context, st SessionStore, user accounts.UserID, l accounts.Limits) ([]Session, error) {
	return st.Sessions(ctx, SessionsQuery{User: user, Limit: l.Sessions + 1})
}

// Renew makes a session fresh again: its user has proven anew who they are, by
// [Logins.Verify] or by the host's own login. It returns the session's new
// secret; the old one is dead at once. A secret of no session that is alive is
// [ErrNoSession]. A login of somebody else, or that a mailed link brought, is an
// accounts.InvalidError; one of nobody accounts.ErrNotFound. One with an Epoch
// that was overtaken is accounts.ErrStepUp, as in [Sessions.Start], and the
// session stays as it was. A login that took place a while ago (its At) makes the
// session as fresh as that.
func (s *Sessions) Renew(ctx context.Context, secret string, login accounts.Login) (token.Secret, error) {
	hash, err := token.Parse(token.Session, secret)
	if err != nil {
		return token.Secret{}, ErrNoSession
	}
	key, err := loginKey(login)
	if err != nil {
		return token.Secret{}, err
	}
	if login.ByLink {
		return token.Secret{}, &accounts.InvalidError{Field: "login", Reason: "came by a mailed link, which proves nothing anew"}
	}
	fresh, freshHash, err := token.New(token.Session, s.env.Secrets())
	if err != nil {
		return token.Secret{}, err
	}
	op := s.env.Begin(accounts.Actor{})
	err = s.run(ctx, op, EventSessionRenewed, func(ctx context.Context) (Change, error) {
		row, err := s.st.Session(ctx, SessionKey{Hash: hash})
		if errors.Is(err, accounts.ErrNotFound) {
			err = ErrNoSession
		}
		if err != nil {
			return Change{}, err
		}
		who, err := s.whose(ctx, key, login)
		switch {
		case err != nil:
			return Change{}, err
		case login.Epoch != 0 && login.Epoch != who.Epoch:
			return Change{}, accounts.ErrStepUp // overtaken since
		}
		login.User = who.ID
		return renew(op, row, who.UserState, login, freshHash)
	})
	if err != nil {
		return token.Secret{}, err
	}
	return fresh, nil
}

func loginKey(l accounts.Login) (accounts.UserKey, error) {
	if err := accounts.CheckText("method", l.Method, 32); err != nil {
		return accounts.UserKey{}, err
	}
	if l.Identity == (accounts.IdentityKey{}) {
		return accounts.UserKey{ID: l.User}, accounts.CheckID("user", l.User)
	}
	return accounts.UserKey{Identity: l.Identity}, l.Identity.Check()
}

// whose reads the user whom a login means: by the identity where there is one,
// so that one that was taken away since opens nothing.
func (s *Sessions) whose(ctx context.Context, key accounts.UserKey, l accounts.Login) (accounts.User, error) {
	u, err := s.st.User(ctx, key)
	if err == nil && l.User != "" && l.User != u.ID {
		return accounts.User{}, accounts.ErrNotFound
	}
	return u, err
}

// Principal says who holds a session's secret, and what they may do at an
// account; without one it says who they are. It is the question of every
// request: one statement, and at most once a minute a note that the session is
// in use. [ErrNoSession] sends the user to log in; accounts.ErrNotFound is any
// account that they cannot reach; accounts.ErrStepUp asks for a new login
// before work in somebody else's account goes on.
func (s *Sessions) Principal(ctx context.Context, secret string, account accounts.AccountID) (Principal, error) {
	hash, err := token.Parse(token.Session, secret)
	if err != nil {
		return Principal{}, ErrNoSession
	}
	if account != "" && accounts.CheckID("account", account) != nil {
		return Principal{}, accounts.ErrNotFound
	}
	a, err := s.st.Admission(ctx, hash, account)
	if err != nil {
		return Principal{}, err
	}
	at := s.env.Now()
	p, err := a.principal(s.env.Rules(), at, account)
	// Who was idle for too long is not in use again by being told so.
	if !errors.Is(err, ErrNoSession) && !errors.Is(err, accounts.ErrStepUp) && at.Sub(a.Session.SeenAt) >= s.env.Limits().LastSeenEvery {
		s.touch(ctx, a.Session.ID, at)
	}
	return p, err
}

// noteWithin is how long a request waits for the note that its session is in
// use: a busy database must not hold up pages.
const noteWithin = 100 * time.Millisecond

// touch notes that a session is in use. A note that is lost ends the session
// early, never late, so a failure is logged and the answer stands.
func (s *Sessions) touch(ctx context.Context, id accounts.SessionID, at time.Time) {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err := s.st.ApplyAccess(ctx, Change{Touches: []Touch{{Session: id, At: at}}}); err != nil {
		s.env.Logger().WarnContext(ctx, "chatelaine: a session's use was not noted", "session", id, "error", err)
	}
}

// Switch takes a session to another account that the user can reach, and
// returns the session's new secret; the old one is dead at once. It remembers
// the user's own account that was left last, for [Sessions.Return]. What is no
// account id is an accounts.InvalidError; other errors are those of
// [Sessions.Principal], and the session stays as it was.
func (s *Sessions) Switch(ctx context.Context, secret string, to accounts.AccountID) (token.Secret, Principal, error) {
	if err := accounts.CheckID("account", to); err != nil {
		return token.Secret{}, Principal{}, err
	}
	return s.move(ctx, secret, to, EventSessionSwitched)
}

// Return takes a session back, in one step and with a new secret, to the user's
// own account that it left for others. Without one it is accounts.ErrNotFound;
// other errors are those of [Sessions.Principal].
func (s *Sessions) Return(ctx context.Context, secret string) (token.Secret, Principal, error) {
	return s.move(ctx, secret, "", EventSessionReturned)
}

func (s *Sessions) move(ctx context.Context, secret string, to accounts.AccountID, kind accounts.EventKind) (token.Secret, Principal, error) {
	hash, err := token.Parse(token.Session, secret)
	if err != nil {
		return token.Secret{}, Principal{}, ErrNoSession
	}
	fresh, freshHash, err := token.New(token.Session, s.env.Secrets())
	if err != nil {
		return token.Secret{}, Principal{}, err
	}
	op := s.env.Begin(accounts.Actor{})
	var out Principal
	err = s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		row, err := s.st.Session(ctx, SessionKey{Hash: hash})
		if errors.Is(err, accounts.ErrNotFound) {
			err = ErrNoSession
		}
		if err != nil {
			return Change{}, err
		}
		target := to
		if kind == EventSessionReturned {
			target = row.From
		}
		a, err := s.st.Admission(ctx, hash, target)
		if err != nil {
			return Change{}, err
		}
		if out, err = a.principal(op.Rules, op.At, target); err != nil {
			return Change{}, err
		}
		if target == "" {
			return Change{}, accounts.ErrNotFound // there is nothing to return to
		}
		home, err := s.isHome(ctx, op, row)
		if err != nil {
			return Change{}, err
		}
		by := op
		by.Actor = out.Actor()
		return rotate(by, row, target, freshHash, kind, home)
	})
	if err != nil {
		return token.Secret{}, Principal{}, err
	}
	return fresh, out, nil
}

// isHome reports whether Return may lead to the account that a session is at:
// where its user is a member, or else, as long as they left no such account, a
// client.
func (s *Sessions) isHome(ctx context.Context, op accounts.Operation, row Session) (bool, error) {
	if row.Account == "" {
		return false, nil
	}
	list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: row.User, Account: row.Account}})
	if err != nil {
		return false, err
	}
	proof := accounts.Proof{Login: row.Login}
	member := list[0].Rights(op.Rules.Ladder, proof).Direct() != ""
	return member || row.From == "" && list[0].AsClient(proof), nil
}

// SessionPage asks for a page of sessions.
type SessionPage struct {
	Before accounts.SessionID // the id of the last one seen; "": from the newest
	Limit  int                // 0: 50; at most 500
}

// List returns a page of a user's sessions that are alive, newest first, to
// the user, a job or an operator. To anybody else there is no such user
// (accounts.ErrNotFound). A login of the user's that was ended is
// accounts.ErrStepUp.
func (s *Sessions) List(ctx context.Context, actor accounts.Actor, user accounts.UserID, page SessionPage) ([]Session, error) {
	if err := accounts.CheckID("user", user); err != nil {
		return nil, err
	}
	op := s.env.Begin(actor)
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "sessions.list"); err != nil {
		return nil, err
	}
	u, err := s.st.User(ctx, accounts.UserKey{ID: user})
	if err != nil {
		return nil, err
	}
	if err := op.SelfOrHost(u.UserState); err != nil {
		return nil, err
	}
	q := SessionsQuery{User: user, Before: page.Before, Limit: s.env.Page(page.Limit)}
	var alive []Session
	for {
		list, err := s.st.Sessions(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range list {
			if row.alive(op.At, u.UserState, op.Rules.Limits) {
				row.Hash = token.Hash{}
				if alive = append(alive, row); len(alive) == q.Limit {
					return alive, nil
				}
			}
		}
		if len(list) < q.Limit {
			return alive, nil
		}
		q.Before = list[len(list)-1].ID
	}
}

// SignOut ends the session that holds the secret. A secret that names nothing
// is [ErrNoSession]: with that secret, the user is signed out either way.
func (s *Sessions) SignOut(ctx context.Context, secret string) error {
	hash, err := token.Parse(token.Session, secret)
	if err != nil {
		return ErrNoSession
	}
	op := s.env.Begin(accounts.Actor{})
	key := SessionKey{Hash: hash}
	return s.run(ctx, op, EventSessionEnded, func(ctx context.Context) (Change, error) {
		row, err := s.st.Session(ctx, key)
		if errors.Is(err, accounts.ErrNotFound) {
			err = ErrNoSession
		}
		if err != nil {
			return Change{}, err
		}
		key = SessionKey{ID: row.ID} // a switch at the same moment gives it another secret, which does not save it
		by := op
		by.Actor = accounts.Admitted(accounts.Admission{User: row.User, Session: row.ID})
		return endSession(by, row)
	})
}

// End ends one session of a user: the user's own doing, a job's or an
// operator's. To anybody else there is no such session (accounts.ErrNotFound).
// A login of the user's that was ended is accounts.ErrStepUp. Ending it again
// changes nothing.
func (s *Sessions) End(ctx context.Context, actor accounts.Actor, id accounts.SessionID) error {
	if err := accounts.CheckID("session", id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventSessionEnded, func(ctx context.Context) (Change, error) {
		row, err := s.st.Session(ctx, SessionKey{ID: id})
		if err != nil {
			return Change{}, err
		}
		u, err := s.st.User(ctx, accounts.UserKey{ID: row.User})
		if err != nil {
			return Change{}, err
		}
		if err := op.SelfOrHost(u.UserState); err != nil {
			return Change{}, err
		}
		return endSession(op, row)
	})
}

// EndAll ends all sessions of a user, the one in use included, and those of
// hosts that keep their own. Links that were mailed about their login end too,
// and so do logins that this library returned and nobody used yet. The actor is
// the user, a job or an operator; to anybody else there is no such user
// (accounts.ErrNotFound). A login of the user's that was ended is
// accounts.ErrStepUp.
func (s *Sessions) EndAll(ctx context.Context, actor accounts.Actor, user accounts.UserID) error {
	if err := accounts.CheckID("user", user); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventSessionsEnded, func(ctx context.Context) (Change, error) {
		u, err := s.st.User(ctx, accounts.UserKey{ID: user})
		if err != nil {
			return Change{}, err
		}
		return endSessions(op, u)
	})
}

func (s *Sessions) run(ctx context.Context, op accounts.Operation, kind accounts.EventKind, decide func(ctx context.Context) (Change, error)) error {
	return run(ctx, s.env, s.st, op, kind, decide)
}
