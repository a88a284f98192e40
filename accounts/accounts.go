package accounts

import (
	"context"

	"github.com/chatelaine-go/chatelaine/roles"
)

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
// themselves, a job for anybody, else a [*roles.DeniedError]. Whether somebody
// who owns an account may own another the [Policy] decides, and its refusal is
// returned as it is. An id that exists is a [*TakenError], an owner who is
// suspended or erased an [*InvalidError] for the field "owner", a key that was
// used with other input [ErrKeyReused].
func (s *Service) CreateAccount(ctx context.Context, actor Actor, in CreateAccount) (Account, error) {
	if err := s.refuseViewing(ctx, actor, EventAccountCreated); err != nil {
		return Account{}, err
	}
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
// of the host may do it, else a [*roles.DeniedError]. Neither members nor seats
// that the account has already are measured against another plan or kind.
// Updating to what is there changes nothing.
func (s *Service) UpdateAccount(ctx context.Context, actor Actor, in UpdateAccount) error {
	return s.byHost(ctx, actor, in.ID, EventAccountUpdated, func(op Operation, a Account) (Change, error) {
		return op.UpdateAccount(a, in)
	})
}

// JoinProgramme makes an account an agency: it joins the agency programme, if
// the [Policy] lets it; the policy's refusal is returned as it is. Joining again
// changes nothing. Client access is enabled separately.
func (s *Service) JoinProgramme(ctx context.Context, actor Actor, account AccountID) error {
	return s.onAccount(ctx, actor, account, EventProgrammeJoined, Operation.JoinProgramme)
}

// EnableClientAccess lets an account of the programme ask for access to
// clients' accounts. Enabling again changes nothing. An account that has not
// joined is refused with an [*InvalidError] for the field "account".
func (s *Service) EnableClientAccess(ctx context.Context, actor Actor, account AccountID) error {
	return s.onAccount(ctx, actor, account, EventAccessEnabled, Operation.EnableClientAccess)
}

// CloseAccount closes an account for good. The actor is an owner who logged in
// within the last 10 minutes, else [ErrStepUp], with identity confirmation on a
// [*CodeError]; or a job or an operator of the host, to whom closing again
// changes nothing. Nobody reaches a closed account, connections of both
// directions end, and unsent mail on its behalf is cancelled; the audit stays.
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

// SuspendAccount pauses an account: nobody reaches it, and as an agency it
// reaches nobody. Only an operator may do it, else a [*roles.DeniedError]. An
// account that is closed is an [*InvalidError] for the field "account".
func (s *Service) SuspendAccount(ctx context.Context, actor Actor, account AccountID) error {
	return s.byHost(ctx, actor, account, EventAccountSuspended, Operation.SuspendAccount)
}

// ReactivateAccount ends the pause of an account; everything counts again that
// did not end meanwhile. Only an operator may do it, else a
// [*roles.DeniedError]. The [Policy] is not asked: the pause took nothing away,
// so its owners own the account again beside whatever they came to own since,
// and members and seats are as they were.
func (s *Service) ReactivateAccount(ctx context.Context, actor Actor, account AccountID) error {
	return s.byHost(ctx, actor, account, EventAccountReactivated, Operation.ReactivateAccount)
}

// byHost is an act on an account that no user may do.
func (s *Service) byHost(ctx context.Context, actor Actor, id AccountID, kind EventKind, decide func(Operation, Account) (Change, error)) error {
	if err := CheckID("account", id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		a, err := s.st.Account(ctx, id)
		if isNotFound(err) && !actor.IsHost() {
			return decide(op, Account{}) // refused, and tells nobody which accounts exist
		}
		if err != nil {
			return Change{}, err
		}
		return decide(op, a)
	})
}
