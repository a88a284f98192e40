package access

import (
	"context"
	"errors"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Logins is the service of logins: people sign up, log in with a password or
// through an issuer that the host trusts, prove and change their address, and
// reset or change their password. It holds no state but limiters of bursts and
// the bound on parallel password hashes, and is safe for concurrent use. Hosts
// with logins of their own do not need it.
type Logins struct {
	st    LoginStore
	env   *accounts.Env
	o     LoginOptions
	burst accounts.BurstLimiter
}

// LoginOptions configures [NewLogins]. Every field may be left zero.
type LoginOptions struct {
	// Hasher hashes and compares passwords. Nil makes a new one, with
	// password.New's defaults, for this service alone. A hasher bounds its own
	// hashes and no others: whoever makes several services, here or in package
	// invites, makes one hasher and gives it to all of them, or the processors
	// and the memory are promised once for each.
	Hasher *password.Hasher
	// Passwords decides which passwords are good enough: password.NewPolicy's
	// defaults, with the product's name.
	Passwords *password.Policy
}

// NewLogins returns a service on a store. A nil environment and nil options
// take every default. Without a store it is an accounts.InvalidError.
func NewLogins(st LoginStore, env *accounts.Env, o *LoginOptions) (*Logins, error) {
	env, err := checked(st, env)
	if err != nil {
		return nil, err
	}
	s := &Logins{st: st, env: env}
	if o != nil {
		s.o = *o
	}
	if s.o.Hasher == nil {
		if s.o.Hasher, err = password.New(nil); err != nil {
			return nil, err
		}
	}
	if s.o.Passwords == nil {
		if s.o.Passwords, err = password.NewPolicy(&password.PolicyOptions{Words: []string{env.Product()}}); err != nil {
			return nil, err
		}
	}
	if s.burst, err = bursts(env); err != nil {
		return nil, err
	}
	return s, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then, secrets included, is provisional until
// the host commits. A try at a password that the host rolls back is not
// counted: log people in outside of transactions.
func (s *Logins) With(st LoginStore) *Logins {
	with := *s
	with.st = st
	return &with
}

// SignUp is the input of [Logins.SignUp].
type SignUp struct {
	ID       accounts.UserID // the host's own id; "": a fresh one
	Email    string
	Name     string // at most 100 characters
	Password string // by the policy of [LoginOptions]
	Locale   string // a BCP 47 language tag
}

// SignUp makes a user with a password, whose address counts as unproven until
// the link in the mail is opened by them; see [Logins.Prove]. An address that
// has a login already gets another mail, nothing changes, and the user returned
// is the zero one: that is for the host, so answer the visitor "look into your
// mail" in both cases.
//
// What breaks a rule is an accounts.InvalidError with the field's name, also a
// password that the policy refuses. An address gets 5 mails about its login in
// a UTC day, and the next sign-up is accounts.ErrQuota, whoever has it. A
// network that comes too fast, or had its 1,000 tries of the day, is
// limit.ErrLimited. An id of the host's choice that anybody has or had is
// accounts.ErrTaken. password.ErrUnavailable says that breaches cannot be
// looked up now, password.ErrBusy that the hasher has no room: both may be
// tried again.
func (s *Logins) SignUp(ctx context.Context, in SignUp, from Device) (accounts.User, error) {
	want, err := in.user()
	if err != nil {
		return accounts.User{}, err
	}
	if err := s.allow(from); err != nil {
		return accounts.User{}, err
	}
	op := s.env.Begin(accounts.Actor{})
	f, err := s.entering(ctx, op, want.Email, from)
	if err != nil {
		return accounts.User{}, err
	}
	if _, err := spendLink(op, f, from.network(), want.Email); err != nil {
		return accounts.User{}, err // before a hash is made for nothing
	}
	hash, err := s.hash(ctx, in.Password, in.Name, in.Email)
	if err != nil {
		return accounts.User{}, err
	}
	given := in.ID != ""
	if !given {
		want.ID = accounts.UserID(s.env.NewID(op.At))
	}
	link, err := s.mint(token.Proof)
	if err != nil {
		return accounts.User{}, err
	}
	var out accounts.User
	err = s.run(ctx, op, accounts.EventUserCreated, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, op, want.Email, from)
		if err != nil {
			return Change{}, err
		}
		if given {
			if err := s.free(ctx, want.ID); err != nil {
				return Change{}, err
			}
		}
		c, err := signUp(op, f, want, hash, from.network(), link)
		if out = (accounts.User{}); len(c.Users) > 0 {
			out = c.Users[0]
			out.Version = 1
		}
		return c, err
	})
	if err != nil {
		return accounts.User{}, err
	}
	return out, nil
}

func (in SignUp) user() (accounts.User, error) {
	u := accounts.User{
		UserState: accounts.UserState{ID: in.ID, Name: in.Name}, Address: strings.TrimSpace(in.Email), Locale: in.Locale,
	}
	if in.ID != "" {
		if err := accounts.CheckID("id", in.ID); err != nil {
			return u, err
		}
	}
	var err error
	if u.Email, err = accounts.ParseEmail(in.Email); err != nil {
		return u, err
	}
	if err := accounts.CheckText("name", in.Name, 100); err != nil {
		return u, err
	}
	if in.Password == "" {
		return u, &accounts.InvalidError{Field: "password", Reason: "is missing"}
	}
	return u, accounts.CheckLocale(in.Locale)
}

// free refuses an id that somebody has.
func (s *Logins) free(ctx context.Context, id accounts.UserID) error {
	_, err := s.st.User(ctx, accounts.UserKey{ID: id})
	switch {
	case err == nil:
		return &accounts.TakenError{Field: "id"}
	case errors.Is(err, accounts.ErrNotFound):
		return nil
	}
	return err
}

// LogIn is the input of [Logins.LogIn].
type LogIn struct {
	Email    string
	Password string
}

// LogIn opens a session for somebody who knows the password of an address. A
// wrong password, an unknown address, a user who is suspended or has no
// password are one answer, [ErrCredentials], and take one time. What is no
// address at all is the same answer at once.
//
// Each try is counted, durably, before the password is looked at: from the
// sixth wrong one on an address has to wait, a second at first and at most 15
// minutes, and after 100 in a row for a day (limit.ErrLimited). A right
// password, a reset by mail and an operator end the wait. A network that comes
// too fast, or had its 1,000 tries of the day, is limit.ErrLimited too. When
// more passwords are compared at once than the hasher has room for, the answer
// is password.ErrBusy, and the try counts.
//
// A hash of old parameters, or of another system, is replaced.
func (s *Logins) LogIn(ctx context.Context, in LogIn, from Device) (token.Secret, Session, error) {
	secret, err := s.mint(token.Session)
	if err != nil {
		return token.Secret{}, Session{}, err
	}
	from = from.clipped()
	op := s.env.Begin(accounts.Actor{})
	id := accounts.SessionID(s.env.NewID(op.At))
	var out Session
	err = s.entry(ctx, op, in, from, EventSessionStarted, func(ctx context.Context, u accounts.User, c *Change) error {
		open, err := openSessions(ctx, s.st, u.ID, op.Rules.Limits)
		if err != nil {
			return err
		}
		var started Change
		started, out, err = startSession(op, u, accounts.Login{User: u.ID, Method: accounts.MethodPassword}, from, id, secret.Hash, open)
		if err != nil {
			return err
		}
		c.Users, c.Sessions, c.Events = started.Users, started.Sessions, started.Events
		return nil
	})
	if err != nil {
		return token.Secret{}, Session{}, err
	}
	out.Version, out.Hash = 1, token.Hash{}
	return secret.Secret, out, nil
}

// Verify checks a password as [Logins.LogIn] does, and opens no session: for
// hosts with sessions of their own, and to renew a session; see
// [Sessions.Renew]. Errors are those of [Logins.LogIn]. The login opens nothing
// any more once the user's sessions are ended, by whatever.
func (s *Logins) Verify(ctx context.Context, in LogIn, from Device) (accounts.Login, error) {
	op := s.env.Begin(accounts.Actor{})
	var out accounts.Login
	err := s.entry(ctx, op, in, from.clipped(), EventPasswordChecked, func(_ context.Context, u accounts.User, c *Change) error {
		out = accounts.Login{User: u.ID, Method: accounts.MethodPassword, At: op.At, Epoch: u.Epoch}
		by := op
		by.Actor = accounts.Admitted(accounts.Admission{User: u.ID})
		by.Record(&c.Change, accounts.Event{Kind: EventPasswordChecked, User: u.ID})
		return nil
	})
	if err != nil {
		return accounts.Login{}, err
	}
	return out, nil
}

// entry runs a try at a password: it counts, compares, and makes what a right
// one opens durable.
func (s *Logins) entry(ctx context.Context, op accounts.Operation, in LogIn, from Device, kind accounts.EventKind,
	opens func(ctx context.Context, u accounts.User, c *Change) error,
) error {
	email, err := accounts.ParseEmail(in.Email)
	if err != nil {
		return ErrCredentials // nobody has such an address, and nothing is told about any
	}
	f, rehash, err := s.compare(ctx, op, email, in.Password, from)
	if err != nil {
		return err
	}
	compared := f.Means.Credential.Hash
	err = s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, op, email, from)
		if err != nil {
			return Change{}, err
		}
		c, err := enter(op, f, compared, rehash)
		if err != nil {
			return Change{}, err
		}
		err = opens(ctx, f.Means.User, &c)
		return c, err
	})
	if errors.Is(err, ErrCredentials) {
		return s.fail(ctx, op, f)
	}
	return err
}

// compare counts a try at the password of an address, and then compares. It
// returns what there was to compare with, and a new hash where the stored one
// should be replaced. A wrong password is [ErrCredentials], and on record.
func (s *Logins) compare(ctx context.Context, op accounts.Operation, email accounts.Email, given string, from Device) (Entering, string, error) {
	if err := s.allow(from); err != nil {
		return Entering{}, "", err
	}
	f, err := s.count(ctx, op, email, from)
	if err != nil {
		return Entering{}, "", err
	}
	match, err := s.o.Hasher.Verify(ctx, f.Means.Credential.Hash, given)
	if errors.Is(err, password.ErrStored) {
		s.env.Logger().WarnContext(ctx, "chatelaine: a stored password cannot be read", "user", f.Means.User.ID, "error", err)
		err = nil
	}
	switch {
	case err != nil:
		return Entering{}, "", err
	case !match.OK || !f.Means.User.Active() || f.Means.User.Kept:
		return Entering{}, "", s.fail(ctx, op, f)
	case !match.Stale:
		return f, "", nil
	}
	rehash, err := s.o.Hasher.Hash(ctx, given)
	var refused *password.RefusedError
	if errors.As(err, &refused) {
		return f, "", nil // an imported password that could not be chosen today: its hash stays
	}
	return f, rehash, err
}

// count writes down that somebody tries the password of an address, or refuses
// when they have to wait.
func (s *Logins) count(ctx context.Context, op accounts.Operation, email accounts.Email, from Device) (Entering, error) {
	var f Entering
	err := accounts.Operate(ctx, s.env, s.st, "", func(ctx context.Context) (func(context.Context) error, error) {
		var err error
		if f, err = s.entering(ctx, op, email, from); err != nil {
			return nil, err
		}
		c, err := admit(op.At, op.Rules.Limits, f, from.network())
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return s.st.ApplyAccess(ctx, c) }, nil
	})
	return f, err
}

// fail puts a wrong password on record and returns [ErrCredentials], or the
// fault that kept it from being put there.
func (s *Logins) fail(ctx context.Context, op accounts.Operation, f Entering) error {
	again := s.env.Begin(op.Actor)
	if err := s.run(ctx, again, EventLoginFailed, func(context.Context) (Change, error) {
		return failed(again, f.Means.User.ID), nil
	}); err != nil {
		return err
	}
	return ErrCredentials
}

// Lift ends the wait of an address after wrong passwords, whether or not
// anybody has it. Only an operator may do it (roles.ErrDenied). What is no
// address is an accounts.InvalidError.
func (s *Logins) Lift(ctx context.Context, actor accounts.Actor, email string) error {
	address, err := accounts.ParseEmail(email)
	if err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventLoginLifted, func(ctx context.Context) (Change, error) {
		f, err := s.entering(ctx, op, address, Device{})
		if err != nil {
			return Change{}, err
		}
		return lift(op, f)
	})
}

// hash hashes a password that the policy allows; about says what it must not
// be made of.
func (s *Logins) hash(ctx context.Context, given string, about ...string) (string, error) {
	if err := s.judge(ctx, given, about...); err != nil {
		return "", err
	}
	return s.o.Hasher.Hash(ctx, given)
}

// judge refuses a password that the policy does not allow.
func (s *Logins) judge(ctx context.Context, given string, about ...string) error {
	err := s.o.Passwords.Check(ctx, given, about...)
	var refused *password.RefusedError
	if errors.As(err, &refused) {
		return &accounts.InvalidError{Field: "password", Reason: refused.Reason}
	}
	return err
}

// allow lets a burst of tries from one network pass, or refuses.
func (s *Logins) allow(from Device) error {
	if from.Source == "" {
		return nil
	}
	return s.burst.Allow("login/" + string(from.network()))
}

func (s *Logins) entering(ctx context.Context, op accounts.Operation, email accounts.Email, from Device) (Entering, error) {
	return s.st.Entering(ctx, EnteringQuery{Email: email, Source: string(from.network()), Day: accounts.DayOf(op.At)})
}

func (s *Logins) mint(p token.Purpose) (minted, error) {
	secret, hash, err := token.New(p, s.env.Secrets())
	return minted{Secret: secret, Hash: hash}, err
}

func (s *Logins) run(ctx context.Context, op accounts.Operation, kind accounts.EventKind, decide func(ctx context.Context) (Change, error)) error {
	return run(ctx, s.env, s.st, op, kind, decide)
}
