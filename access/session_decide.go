package access

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// startSession decides whether a login opens a session. The user's row is
// written with it: the number of the login is part of what later decides which
// sessions count.
//
// Open are the user's sessions that have not ended, newest first. Those beyond
// the limit end for the new one.
func startSession(op accounts.Operation, u accounts.User, login accounts.Login, from Device, id accounts.SessionID, hash token.Hash, open []Session) (Change, Session, error) {
	if !u.DeletedAt.IsZero() {
		return Change{}, Session{}, accounts.ErrNotFound
	}
	if !u.SuspendedAt.IsZero() {
		return Change{}, Session{}, &roles.DeniedError{Action: "session.start", Why: "the user is suspended"}
	}
	if login.Epoch != 0 && login.Epoch != u.Epoch {
		return Change{}, Session{}, accounts.ErrStepUp // overtaken since
	}
	u.Logins++
	u.UpdatedAt = op.At
	s := Session{
		SessionState: SessionState{
			ID: id, User: u.ID, UserEpoch: u.Epoch, Login: u.Logins, Method: login.Method,
			CreatedAt: op.At, AuthAt: provenAt(op, login), SeenAt: op.At,
		},
		Hash: hash, UserAgent: from.UserAgent, Source: from.Source,
	}
	op.Actor = accounts.Admitted(accounts.Admission{User: u.ID, Session: id})
	c := Change{Change: op.Change()}
	c.Users = []accounts.User{u}
	c.Sessions = []Session{s}
	op.Record(&c.Change, accounts.Event{Kind: EventSessionStarted, User: u.ID, Session: id})
	for _, old := range open[min(len(open), op.Rules.Limits.Sessions-1):] {
		old.EndedAt = op.At
		c.Sessions = append(c.Sessions, old)
		c.CancelMail = append(c.CancelMail, sessionReason(old))
		op.Record(&c.Change, accounts.Event{Kind: EventSessionEnded, User: u.ID, Session: old.ID})
	}
	return c, s, nil
}

// provenAt returns when a login proved who somebody is: at its own moment, so
// that one that was kept for a while is not fresh again; now, where the host
// tells none; and never by a mailed link.
func provenAt(op accounts.Operation, login accounts.Login) time.Time {
	switch {
	case login.ByLink:
		return time.Time{}
	case login.At.IsZero() || login.At.After(op.At):
		return op.At
	}
	return login.At.UTC().Truncate(time.Microsecond)
}

// rotate decides whether a session moves to another account, with a new
// secret. The old secret is dead in the same change, without grace.
//
// Home is whether the account that is left is the user's own, as a member: that is
// where Return leads, however many clients' accounts come in between. A client
// who has no such account returns to the one that they left.
func rotate(op accounts.Operation, s Session, to accounts.AccountID, hash token.Hash, kind accounts.EventKind, home bool) (Change, error) {
	switch {
	case kind == EventSessionReturned:
		s.Account, s.From = s.From, ""
	case s.Account == to:
	case home:
		s.Account, s.From = to, s.Account
	default:
		s.Account = to
	}
	s.Hash, s.SeenAt = hash, op.At
	c := Change{Change: op.Change()}
	c.Sessions = []Session{s}
	op.Record(&c.Change, accounts.Event{Kind: kind, Account: to, User: s.User, Session: s.ID})
	return c, nil
}

// renew decides whether a session's user has just proven again who they are.
// The session gets a new secret and is fresh.
func renew(op accounts.Operation, s Session, u accounts.UserState, login accounts.Login, hash token.Hash) (Change, error) {
	switch {
	case login.User != s.User:
		return Change{}, &accounts.InvalidError{Field: "login", Reason: "is somebody else's; sign out first"}
	case !s.alive(op.At, u, op.Rules.Limits):
		return Change{}, ErrNoSession
	}
	if at := provenAt(op, login); at.After(s.AuthAt) {
		s.AuthAt = at
	}
	s.Hash, s.SeenAt = hash, op.At
	op.Actor = accounts.Admitted(accounts.Admission{User: s.User, Epoch: s.UserEpoch, Session: s.ID})
	c := Change{Change: op.Relying()}
	c.Sessions = []Session{s}
	op.Record(&c.Change, accounts.Event{Kind: EventSessionRenewed, User: s.User, Session: s.ID})
	return c, nil
}

// endSession decides whether a session ends, for somebody who holds its secret
// or may tend it.
func endSession(op accounts.Operation, s Session) (Change, error) {
	if !s.EndedAt.IsZero() {
		return Change{}, nil
	}
	s.EndedAt = op.At
	c := Change{Change: op.Change()}
	c.Sessions = []Session{s}
	c.CancelMail = []mail.Reason{sessionReason(s)}
	op.Record(&c.Change, accounts.Event{Kind: EventSessionEnded, User: s.User, Session: s.ID})
	return c, nil
}

// endSessions decides whether all sessions of a user end. One number of the
// user's ends them all, those of hosts that keep their own included.
func endSessions(op accounts.Operation, u accounts.User) (Change, error) {
	if err := op.SelfOrHost(u.UserState); err != nil {
		return Change{}, err
	}
	u.Epoch++
	u.EpochAt, u.UpdatedAt = op.At, op.At
	c := Change{Change: op.Change()}
	c.Users = []accounts.User{u}
	c.CancelMail = loginReasons(u.ID) // links and codes about the login rest on the same number
	op.Record(&c.Change, accounts.Event{Kind: EventSessionsEnded, User: u.ID})
	return c, nil
}
