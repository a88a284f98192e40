package access

import (
	"context"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// PlanDisableClientAccess returns what disabling an agency's client access
// would end, to be shown before it is confirmed. The actor is an Owner or
// Admin.
func (s *Requests) PlanDisableClientAccess(ctx context.Context, actor accounts.Actor, agency accounts.AccountID) (Plan, error) {
	if err := accounts.CheckID("agency", agency); err != nil {
		return Plan{}, err
	}
	op := s.env.Begin(actor)
	var out Plan
	err := accounts.Run(ctx, s.env, s.st, op, EventAccessDisabled, func(ctx context.Context) (func(context.Context) error, error) {
		st, f, err := s.ending(ctx, op, agency)
		if err != nil {
			return nil, err
		}
		out, err = plan(op, st, f)
		return nil, err
	})
	return out, err
}

// DisableClientAccess ends an agency's client access and leaves the programme:
// every connection, assignment and pending request, delegated access and the
// unsent mail of the agency end with one change, and the clients' owners are
// told.
// Joining and enabling are needed again, and bring nothing back. The actor is
// an Owner or Admin who logged in within the last 10 minutes or passed a code,
// else accounts.ErrStepUp. Confirm is that of the plan that was shown; if more
// or other things would end by now, nothing does, and the error is a
// [*PlanChangedError] with the plan as it is.
func (s *Requests) DisableClientAccess(ctx context.Context, actor accounts.Actor, agency accounts.AccountID, confirm string) error {
	if err := accounts.CheckID("agency", agency); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventAccessDisabled, func(ctx context.Context) (Change, error) {
		st, f, err := s.ending(ctx, op, agency)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, st.User, EventAccessDisabled, agency)
		if err != nil {
			return Change{}, err
		}
		return disable(op, st, f, confirm)
	})
}

func (s *Requests) ending(ctx context.Context, op accounts.Operation, agency accounts.AccountID) (accounts.Standing, Ending, error) {
	list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: op.Actor.User(), Account: agency}})
	if err != nil {
		return accounts.Standing{}, Ending{}, err
	}
	if err := op.May(list[0], roles.ManageProgramme); err != nil {
		return list[0], Ending{}, err
	}
	f, err := s.st.Ending(ctx, agency, op.At, op.Rules.Ladder.Top())
	if err == nil && f.Agency.Version != list[0].Account.Version {
		err = accounts.ErrConflict
	}
	return list[0], f, err
}
