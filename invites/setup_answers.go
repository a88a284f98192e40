package invites

import (
	"cmp"
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// SetupView is what the page of a setup link shows.
type SetupView struct {
	Account     accounts.AccountID
	Client      accounts.ClientID
	AccountName string
	Name        string         // of the client
	Address     string         // the client's user name, as it was typed
	Email       accounts.Email // the same in its canonical form, to compare by
	ExpiresAt   time.Time      // when it lets nobody in any more

	// Stale tells that the link is too old to come in with, in the strict mode
	// of accounts.Limits.SetupStrict: offer [SetupLinks.Refresh], and nothing else.
	Stale bool
}

// setupQuery returns the question about the client whose link has a secret.
func setupQuery(op accounts.Operation, secret string) (SettingUpQuery, error) {
	hash, err := token.Parse(token.Setup, secret)
	if err != nil {
		return SettingUpQuery{}, accounts.ErrNotFound
	}
	return SettingUpQuery{Hash: hash, Day: accounts.DayOf(op.At)}, nil
}

// Peek returns what a setup link's secret leads to, and changes nothing, however
// often it is called: mail scanners open links. A link that is unknown, expired,
// used or replaced, or whose client is suspended or deleted or whose account is
// suspended or closed, is one answer, accounts.ErrNotFound. It does not tell
// whether the address has a login: let the page offer both ways to come in.
func (s *SetupLinks) Peek(ctx context.Context, secret string) (SetupView, error) {
	op := s.env.Begin(accounts.Actor{})
	q, err := setupQuery(op, secret)
	if err != nil {
		return SetupView{}, err
	}
	f, err := s.st.SettingUp(ctx, q)
	if err != nil {
		return SetupView{}, err
	}
	if f.usable(op) != nil {
		return SetupView{}, accounts.ErrNotFound
	}
	return SetupView{
		Account: f.Account.ID, Client: f.Client.ID, AccountName: f.Account.Name, Name: f.Client.Name(),
		Address: f.Client.Address, Email: f.Client.Email, ExpiresAt: f.Link.until(op), Stale: f.Link.stale(op),
	}, nil
}

// ClientJoined is what came of [SetupLinks.SetUp].
type ClientJoined struct {
	Client accounts.ClientState
	Login  accounts.Login // for access.Sessions.Start
}

// SetUp lets the holder of a setup link come in with a new login, in one change.
// A link that was mailed went to the client's address and to nobody else, so
// the address counts as proven. One that was generated was seen by whoever made
// it, so the address counts as unproven, and everything that wants a proven one
// waits for its proof. A user who is there already and has no way to log in gets
// this one and stays who they are, except by a generated link if their address is
// proven; what others may have begun under their address ends with it. A
// user who is new is on record as such (accounts.EventUserCreated). It opens no
// session. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere (one that was used, by the
//     same form sent twice for instance, is such), or if the user who is there
//     already is suspended;
//   - [ErrStale] if the link is too old, in the strict mode;
//   - [ErrHasLogin] if somebody with the address has a login, or identity
//     confirmation on, or by a generated link a proven address: they log in, and
//     join;
//   - accounts.InvalidError for a field of the input that breaks a rule, and for
//     "password" if the policy of [Options] refuses it;
//   - accounts.ErrTaken for "id" if it is or was somebody's, for "identity" if
//     it is, for "email" if the address is that of a user with another id, and
//     for "user" if the user is a member or another client of the account;
//   - roles.ErrDenied if the user's membership is suspended;
//   - password.ErrBusy if too many hashes wait for their turn, and
//     password.ErrUnavailable if the breach hook fails: try again later.
func (s *SetupLinks) SetUp(ctx context.Context, in NewLogin) (ClientJoined, error) {
	op := s.env.Begin(accounts.Actor{})
	q, err := setupQuery(op, in.Link)
	if err != nil {
		return ClientJoined{}, err
	}
	if err := in.check(); err != nil {
		return ClientJoined{}, err
	}
	f, err := s.st.SettingUp(ctx, q)
	if err != nil {
		return ClientJoined{}, err
	}
	switch { // before anything is hashed
	case f.usable(op) != nil:
		return ClientJoined{}, accounts.ErrNotFound
	case f.Link.stale(op):
		return ClientJoined{}, ErrStale
	}
	if err := barred(f.Holder, f.Link.Proves); err != nil {
		return ClientJoined{}, err
	}
	in.Name = cmp.Or(in.Name, shortened(f.Client.Name()))
	n, err := s.newcomer(ctx, in, f.Account.Name, in.Name, f.Client.FirstName, f.Client.LastName, f.Client.Company, f.Client.Address)
	if err != nil {
		return ClientJoined{}, err
	}
	n.User.Locale = cmp.Or(in.Locale, f.Client.Locale)
	fresh := accounts.UserID(s.env.NewID(op.At))
	var out ClientJoined
	err = run(ctx, s.env, s.st, op, EventClientJoined, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, q)
		if err != nil {
			return Change{}, err
		}
		n := n
		n.User.ID = cmp.Or(n.User.ID, f.Holder.User.ID, fresh)
		if err := s.free(ctx, n, f.Holder.User.ID); err != nil {
			return Change{}, err
		}
		c, state, err := setUp(op, f, n)
		if err == nil {
			out = ClientJoined{Client: state, Login: in.login(op, c.Users[0])}
		}
		return c, err
	})
	if err != nil {
		return ClientJoined{}, err
	}
	return out, nil
}

// entering reads what decides about a new login: whoever has the client's
// address is who would join.
func (s *SetupLinks) entering(ctx context.Context, q SettingUpQuery) (SettingUp, error) {
	f, err := s.st.SettingUp(ctx, q)
	if err != nil || f.Holder.User.ID == "" {
		return f, err
	}
	q.User = f.Holder.User.ID
	f, err = s.st.SettingUp(ctx, q)
	if err == nil && f.Holder.User.ID != q.User {
		err = accounts.ErrConflict // somebody else has the address since
	}
	return f, err
}

// Join lets the actor come in as a client, with the login that they have. Their
// own proven address must be the client's. Joining again returns the same, and
// changes nothing. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere, the client was suspended or
//     deleted, the account is suspended or closed, or nobody is signed in;
//   - [ErrOtherAddress] if the actor's address is not the client's, and
//     [ErrUnproven] if it is and they have not proven it;
//   - accounts.CodeError if the actor has identity confirmation on and has not
//     entered a code for this (for [EventClientJoined], at the account), and
//     accounts.ErrStepUp if their login has ended;
//   - accounts.ErrExpired or [ErrUsed] to the client if the link cannot be used
//     any more, and [ErrStale] if it is too old, in the strict mode;
//   - accounts.ErrTaken if the actor is a member or another client of the
//     account, and roles.ErrDenied if their membership is suspended;
//   - roles.ErrDenied to somebody who views as a client.
//
// Whoever only holds a link learns of one that is expired or used no more than
// of one that never was.
func (s *SetupLinks) Join(ctx context.Context, actor accounts.Actor, secret string) (accounts.ClientState, error) {
	op := s.env.Begin(actor)
	q, err := setupQuery(op, secret)
	if err != nil {
		return accounts.ClientState{}, err
	}
	q.User = actor.User()
	var out accounts.ClientState
	err = run(ctx, s.env, s.st, op, EventClientJoined, func(ctx context.Context) (Change, error) {
		if q.User == "" {
			return Change{}, accounts.ErrNotFound
		}
		f, err := s.st.SettingUp(ctx, q)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, f.Joiner.UserState, EventClientJoined, f.Account.ID)
		if err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = joinSetup(op, f)
		return c, err
	})
	if err != nil {
		return accounts.ClientState{}, err
	}
	return out, nil
}

// Refresh mails a fresh link to the client, for one that is too old to come in
// with, in the strict mode of accounts.Limits.SetupStrict; the older link is
// dead. Whoever holds the link may ask, and it goes to the client's address
// alone. The client has as long to come in as before, 30 days since somebody of
// the account made a link. It returns
//
//   - accounts.ErrNotFound if the link leads nowhere;
//   - accounts.InvalidError for "link" if it is not too old: use it;
//   - accounts.ErrQuota after 5 mails with a link to the address in a UTC day,
//     from everybody together.
func (s *SetupLinks) Refresh(ctx context.Context, secret string) error {
	op := s.env.Begin(accounts.Actor{})
	q, err := setupQuery(op, secret)
	if err != nil {
		return err
	}
	fresh, err := s.freshSetup()
	if err != nil {
		return err
	}
	return run(ctx, s.env, s.st, op, EventSetupRefreshed, func(ctx context.Context) (Change, error) {
		f, err := s.st.SettingUp(ctx, q)
		if err != nil {
			return Change{}, err
		}
		return refreshSetup(op, f, fresh)
	})
}

// shortened returns what fits into the name of a user.
func shortened(name string) string {
	if r := []rune(name); len(r) > 100 {
		return string(r[:100])
	}
	return name
}
