package accounts

import (
	"cmp"
	"context"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Service is the shell around this package's decisions: it reads facts, asks
// for a decision and makes the change durable, and tries again when others
// were faster. It holds no state of its own and is safe for concurrent use.
//
// Besides the errors that it names, each method can return
//
//   - an [*InvalidError] for an id or a text that breaks a rule, by its field,
//     and for the field "account" when the actor was admitted to another one;
//   - [ErrNotFound] for a user or an account that is not there, or not the
//     actor's to know about;
//   - a [*roles.DeniedError] when the actor's role at the account is too low;
//   - [ErrStepUp] when the actor's login has ended, or is too old for work in
//     somebody else's account;
//   - [ErrConflict], [ErrUnknown], or the store's own error.
//
// With any of them nothing was done, but that a refusal is put on record; after
// [ErrUnknown] it is not known, and [Service.Import] may have done a part. No
// answer comes with an error.
type Service struct {
	st  Store
	env *Env
}

// New returns a service on a store. A nil environment takes every default.
func New(st Store, env *Env) (*Service, error) {
	if st == nil {
		return nil, &InvalidError{Field: "store", Reason: "is missing"}
	}
	if env == nil {
		var err error
		if env, err = NewEnv(nil); err != nil {
			return nil, err
		}
	}
	return &Service{st: st, env: env}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then is provisional until the host commits.
func (s *Service) With(st Store) *Service { return &Service{st: st, env: s.env} }

// Run runs an operation with its refusals: it decides, applies, retries, and
// when the actor is refused at a known account it writes that into the audit.
// Somebody who views as a client is refused whatever the operation is. Most hosts won't need this; packages that add their own changes do.
func Run(ctx context.Context, env *Env, st Store, op Operation, kind EventKind, try Attempt) error {
	if op.Actor.client != "" {
		try = func(context.Context) (func(context.Context) error, error) {
			return nil, op.viewing(roles.Permission(kind))
		}
	}
	err := Operate(ctx, env, st, op.ID, try)
	c, refused, err := op.refused(kind, err)
	if !refused {
		return err
	}
	if ferr := Operate(ctx, env, st, op.ID, func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error { return st.ApplyAccounts(ctx, c) }, nil
	}); ferr != nil {
		// The refusal could not be put on record, so it is a fault: still no
		// success, and no decision either.
		return ferr
	}
	return err
}

// RefuseViewing refuses somebody who views as a client, and puts it on record at
// the account: a [*roles.DeniedError]. Nobody else is refused. [Run] does so for
// every operation; this is for what is only read. Most hosts won't need this;
// packages that add their own operations do.
func RefuseViewing(ctx context.Context, env *Env, st Store, actor Actor, what EventKind) error {
	if actor.client == "" {
		return nil
	}
	return Run(ctx, env, st, env.Begin(actor), what, nil)
}

// refuseViewing is [RefuseViewing] on the service's store.
func (s *Service) refuseViewing(ctx context.Context, actor Actor, what EventKind) error {
	return RefuseViewing(ctx, s.env, s.st, actor, what)
}

// run runs an operation whose decision is a change of the graph. A decision
// without events changes nothing.
func (s *Service) run(ctx context.Context, op Operation, kind EventKind, decide func(ctx context.Context) (Change, error)) error {
	return Run(ctx, s.env, s.st, op, kind, func(ctx context.Context) (func(context.Context) error, error) {
		c, err := decide(ctx)
		if err != nil || len(c.Events) == 0 {
			return nil, err
		}
		if err := s.env.Seal(&c); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return s.st.ApplyAccounts(ctx, c) }, nil
	})
}

// Confirming returns an operation with the code that its actor passed for an
// action at an account, if they have identity confirmation on. Most hosts won't
// need this; packages that add their own operations do.
func Confirming(ctx context.Context, st Reader, op Operation, u UserState, action EventKind, account AccountID) (Operation, error) {
	if !u.Confirms || u.ID != op.Actor.user {
		return op, nil
	}
	var err error
	op.Challenge, err = st.Challenge(ctx, op.ChallengeKey(action, account))
	return op, err
}

// Self reads the acting user, with a login that still counts; see
// [Operation.Self]. Most hosts won't need this; packages that add their own
// operations do.
func Self(ctx context.Context, st Reader, actor Actor) (User, error) {
	if actor.client != "" {
		return User{}, Operation{Actor: actor}.viewing("self")
	}
	if actor.user == "" {
		return User{}, ErrNotFound
	}
	u, err := st.User(ctx, UserKey{ID: actor.user})
	if err != nil {
		return User{}, err
	}
	return u, Operation{Actor: actor}.Self(u.UserState)
}

// standing reads how a user stands at one account.
func standing(ctx context.Context, st Reader, user UserID, account AccountID) (Standing, error) {
	list, err := st.Standings(ctx, []StandingKey{{User: user, Account: account}})
	if err != nil {
		return Standing{}, err
	}
	return list[0], nil
}

// account reads an account with the actor's standing there. When others change
// it between the two reads, the guards of the change notice.
func (s *Service) account(ctx context.Context, op Operation, id AccountID) (Standing, Account, error) {
	actor, err := standing(ctx, s.st, op.Actor.user, id)
	if err != nil {
		return Standing{}, Account{}, err
	}
	if actor.Account.ID == "" && op.Actor.user != "" {
		// The same answer as for an account that is there and none of theirs.
		return Standing{}, Account{}, cmp.Or(op.May(actor, roles.SeeAccount), ErrNotFound)
	}
	account, err := s.st.Account(ctx, id)
	if err != nil {
		return Standing{}, Account{}, err
	}
	if account.Version != actor.Account.Version {
		return Standing{}, Account{}, ErrConflict
	}
	return actor, account, nil
}

// mayRead decides whether an actor may read about an account, and records a
// refusal. Jobs and operators may; more is what else a user's rights must
// satisfy.
func (s *Service) mayRead(ctx context.Context, actor Actor, account AccountID, p roles.Permission, what EventKind,
	more func(roles.Rights) error,
) error {
	if actor.IsHost() {
		return nil
	}
	if err := s.refuseViewing(ctx, actor, what); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return Run(ctx, s.env, s.st, op, what, func(ctx context.Context) (func(context.Context) error, error) {
		st, err := standing(ctx, s.st, actor.user, account)
		if err != nil {
			return nil, err
		}
		if err := op.May(st, p); err != nil || more == nil {
			return nil, err
		}
		if err := more(st.Rights(op.Rules.Ladder, actor.proof)); err != nil {
			return nil, op.Refuse(account, RefusedDenied, err)
		}
		return nil, nil
	})
}
