package invites

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Options configures [New] and [NewSetupLinks]. Every field may be left zero.
type Options struct {
	// Hasher hashes the passwords of those who join with a new login: one of
	// the service's own. Give it that of access.Logins: each Hasher bounds the
	// memory that its own hashes take.
	Hasher *password.Hasher

	// Passwords decides which passwords are good enough: password.NewPolicy's
	// defaults, with the product's name among the words to avoid. Give it that
	// of access.Logins too.
	Passwords *password.Policy
}

// base is what the services of this package are made of.
type base struct {
	st    Store
	env   *accounts.Env
	o     Options
	burst accounts.BurstLimiter
}

func newBase(st Store, env *accounts.Env, o *Options) (base, error) {
	if st == nil {
		return base{}, &accounts.InvalidError{Field: "store", Reason: "is missing"}
	}
	s := base{st: st, env: env}
	if o != nil {
		s.o = *o
	}
	var err error
	if s.env == nil {
		if s.env, err = accounts.NewEnv(nil); err != nil {
			return base{}, err
		}
	}
	if s.o.Hasher == nil {
		if s.o.Hasher, err = password.New(nil); err != nil {
			return base{}, err
		}
	}
	if s.o.Passwords == nil {
		if s.o.Passwords, err = password.NewPolicy(&password.PolicyOptions{Words: []string{s.env.Product()}}); err != nil {
			return base{}, err
		}
	}
	if s.burst = s.env.Burst(); s.burst == nil {
		if s.burst, err = limit.New(&limit.Options{Clock: s.env}); err != nil {
			return base{}, err
		}
	}
	return s, nil
}

// on returns the same on another store.
func (s base) on(st Store) base {
	s.st = st
	return s
}

// mayRead decides whether the actor may read about an account, as the host may
// always, and puts a refusal on record.
func (s base) mayRead(ctx context.Context, op accounts.Operation, account accounts.AccountID, p roles.Permission, what accounts.EventKind) error {
	return accounts.Run(ctx, s.env, s.st, op, what, func(ctx context.Context) (func(context.Context) error, error) {
		if op.Actor.IsHost() {
			return nil, nil
		}
		list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: op.Actor.User(), Account: account}})
		if err != nil {
			return nil, err
		}
		return nil, op.May(list[0], p)
	})
}

// newcomer returns who joins with a new login, their password hashed. Words are
// those that the password must not be made of.
func (s base) newcomer(ctx context.Context, in NewLogin, words ...string) (newcomer, error) {
	n := newcomer{Identity: in.Identity, User: accounts.User{
		UserState: accounts.UserState{ID: in.ID, Name: in.Name}, Kept: in.Kept, Locale: in.Locale,
	}}
	if in.Password == "" {
		return n, nil
	}
	err := s.o.Passwords.Check(ctx, in.Password, words...)
	var refused *password.RefusedError
	if errors.As(err, &refused) {
		return newcomer{}, &accounts.InvalidError{Field: "password", Reason: refused.Reason}
	}
	if err != nil {
		return newcomer{}, err
	}
	n.Credential, err = s.o.Hasher.Hash(ctx, in.Password)
	return n, err
}

// free refuses an id or an identity that somebody has. Known is the user who
// has the address already, or "".
func (s base) free(ctx context.Context, n newcomer, known accounts.UserID) error {
	if n.User.ID != known {
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

// NewLogin is the input of [Service.AcceptNew] and [SetupLinks.SetUp]: a login
// that is made on joining. Exactly one of Password, Identity and Kept says how
// the person logs in from then on.
type NewLogin struct {
	Link string // the secret of the link of an invitation, or of a setup link

	// ID is the new user's. A host that keeps its own users gives its own id,
	// so that both rows come with one transaction; "": a fresh one. For a user
	// who is there already, without a login, it is "" or their id.
	ID     accounts.UserID
	Name   string // at most 100 characters; "": for a client, the name of the record
	Locale string // a BCP 47 language tag; "": the invitation's or the client's

	Password string               // as the person chose it; Options.Passwords judges it
	Identity accounts.IdentityKey // the login at an issuer that the host has just checked
	Kept     bool                 // the host keeps the login, under ID
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

// login returns the login that came of it.
func (in NewLogin) login(op accounts.Operation, u accounts.User) accounts.Login {
	return accounts.Login{User: u.ID, Method: in.method(), At: op.At, Epoch: u.Epoch, ByLink: in.Password != ""}
}
