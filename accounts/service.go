package accounts

import (
	"cmp"
	"context"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Service is the shell around this package's decisions: it reads facts, asks
// for a decision and makes the change durable, and tries again when others
// were faster. It holds no state of its own and is safe for concurrent use.
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
// Most hosts won't need this; packages that add their own changes do.
func Run(ctx context.Context, env *Env, st Store, op Operation, kind EventKind, try Attempt) error {
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

// run runs an operation whose decision is a change of the graph. A decision
// without events changes nothing.
func (s *Service) run(ctx context.Context, op Operation, kind EventKind, decide func(ctx context.Context) (Change, error)) error {
	return Run(ctx, s.env, s.st, op, kind, func(ctx context.Context) (func(context.Context) error, error) {
		c, err := decide(ctx)
		if err != nil || len(c.Events) == 0 {
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

// Account returns an account to somebody who may see it.
func (s *Service) Account(ctx context.Context, actor Actor, id AccountID) (Account, error) {
	if err := CheckID("account", id); err != nil {
		return Account{}, err
	}
	if err := s.mayRead(ctx, actor, id, roles.SeeAccount, "account.read", nil); err != nil {
		return Account{}, err
	}
	return s.st.Account(ctx, id)
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

// JoinProgramme makes an account an agency: it joins the agency programme.
// Joining again changes nothing. Client access is enabled separately.
func (s *Service) JoinProgramme(ctx context.Context, actor Actor, account AccountID) error {
	return s.onAccount(ctx, actor, account, EventProgrammeJoined, Operation.JoinProgramme)
}

// EnableClientAccess lets an account of the programme ask for access to
// clients' accounts. Enabling again changes nothing. An account that has not
// joined is refused with an [*InvalidError].
func (s *Service) EnableClientAccess(ctx context.Context, actor Actor, account AccountID) error {
	return s.onAccount(ctx, actor, account, EventAccessEnabled, Operation.EnableClientAccess)
}

// CloseAccount closes an account for good. The actor is an owner who logged in
// within the last 10 minutes, else [ErrStepUp]; or a job or an operator of the
// host. Nobody reaches a
// closed account, connections of both directions end, and unsent mail on its
// behalf is cancelled; the audit stays.
func (s *Service) CloseAccount(ctx context.Context, actor Actor, account AccountID) error {
	return s.onAccount(ctx, actor, account, EventAccountClosed, func(o Operation, st Standing, a Account) (Change, error) {
		agencies, err := s.agencies(ctx, a.ID)
		if err != nil {
			return Change{}, err
		}
		return o.CloseAccount(st, a, agencies)
	})
}

// agencies lists all agencies that are connected to a client account.
func (s *Service) agencies(ctx context.Context, client AccountID) ([]Connected, error) {
	var all []Connected
	q := ConnectionQuery{Client: client, Limit: s.env.Limits().PageMax}
	for {
		page, err := s.st.Connections(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}

func (s *Service) onAccount(ctx context.Context, actor Actor, id AccountID, kind EventKind,
	decide func(Operation, Standing, Account) (Change, error),
) error {
	if err := CheckID("account", id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		st, account, err := s.account(ctx, op, id)
		if err != nil {
			return Change{}, err
		}
		op, err := Confirming(ctx, s.st, op, st.User, kind, id)
		if err != nil {
			return Change{}, err
		}
		return decide(op, st, account)
	})
}

// CreateAccount is the input of [Service.CreateAccount].
type CreateAccount struct {
	ID     AccountID // the host's own id; "": a fresh one
	Name   string    // 1 to 100 characters
	Kind   Kind      // "": KindStandard
	Plan   string    // the host's name of the plan
	Locale string    // a BCP 47 language tag
	Owner  UserID    // "": the actor
	Key    string    // optional idempotency key
}

// CreateAccount makes an account with its owner. A user makes one for
// themselves, a job for anybody. The host's policy decides whether somebody
// who owns an account may own another. An id that exists is [ErrTaken].
func (s *Service) CreateAccount(ctx context.Context, actor Actor, in CreateAccount) (Account, error) {
	if in.Owner == "" {
		in.Owner = actor.user
	}
	if in.Kind == "" {
		in.Kind = KindStandard
	}
	if err := in.check(); err != nil {
		return Account{}, err
	}
	op := s.env.Begin(actor)
	if err := op.createsFor(in.Owner); err != nil {
		return Account{}, err
	}
	given := in.ID != ""
	if !given {
		in.ID = AccountID(s.env.NewID(op.At))
	}
	once, err := NewOnce(op, "", in.Key, EventAccountCreated, in.keyed(given))
	if err != nil {
		return Account{}, err
	}
	var out Account
	err = s.run(ctx, op, EventAccountCreated, func(ctx context.Context) (Change, error) {
		owner, err := s.st.User(ctx, UserKey{ID: in.Owner})
		if err != nil {
			return Change{}, err
		}
		if err := op.owns(owner); err != nil {
			return Change{}, err // an answer that was kept is for somebody who may still ask
		}
		var c Change
		err = once.Do(ctx, s.st, &out, func() (bool, error) {
			var err error
			if c, err = s.create(ctx, op, in, owner); err != nil {
				return false, err
			}
			out = c.Accounts[0]
			out.Version = 1
			return true, once.Keep(&c, out)
		})
		return c, err
	})
	if err != nil {
		return Account{}, err
	}
	return out, nil
}

// create reads what decides about a new account.
func (s *Service) create(ctx context.Context, op Operation, in CreateAccount, owner User) (Change, error) {
	if _, err := s.st.Account(ctx, in.ID); err == nil {
		return Change{}, taken("id")
	} else if !isNotFound(err) {
		return Change{}, err
	}
	owned, err := s.st.Owned(ctx, in.Owner, op.Rules.Ladder.Top())
	if err != nil {
		return Change{}, err
	}
	return op.CreateAccount(in.account(), owner, owned)
}

func (in CreateAccount) check() error {
	if in.ID != "" {
		if err := CheckID("id", in.ID); err != nil {
			return err
		}
	}
	if !in.Kind.valid() {
		return &InvalidError{Field: "kind", Reason: "is not standard, agency or franchise"}
	}
	if err := CheckID("owner", in.Owner); err != nil {
		return err
	}
	if err := checkText("name", in.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkText("plan", in.Plan, 0, maxName); err != nil {
		return err
	}
	return CheckLocale(in.Locale)
}

func (in CreateAccount) account() Account {
	return Account{AccountState: AccountState{ID: in.ID, Name: in.Name}, Kind: in.Kind, Plan: in.Plan, Locale: in.Locale}
}

// keyed is the input that an idempotency key stands for: a fresh id is none of
// it.
func (in CreateAccount) keyed(given bool) CreateAccount {
	if in.Key = ""; !given {
		in.ID = ""
	}
	return in
}

// UpdateAccount is the input of [Service.UpdateAccount]. Nil fields stay.
type UpdateAccount struct {
	ID     AccountID
	Kind   *Kind
	Name   *string // 1 to 100 characters
	Plan   *string // the host's name of the plan
	Locale *string // a BCP 47 language tag
}

// UpdateAccount keeps an account in step with the host's own data. Only a job
// of the host may do it. Updating to what is there changes nothing.
func (s *Service) UpdateAccount(ctx context.Context, actor Actor, in UpdateAccount) error {
	return s.byHost(ctx, actor, in.ID, EventAccountUpdated, func(op Operation, a Account) (Change, error) {
		return op.UpdateAccount(a, in)
	})
}
