package invites

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Offer is what somebody can invite to at an account: what the form shows.
type Offer struct {
	Roles []roles.Role   // what the actor may give and the plan offers, highest first
	Seats accounts.Seats // those that are taken
	Limit int            // how many seats the plan has; 0: any number
	Left  int            // invitations that the account can still send today
	Reset time.Time      // when that count starts again: the next midnight UTC
}

// Offer returns what the actor can invite to at an account. The actor is
// somebody who manages its members. It reserves nothing: [Service.Invite]
// decides anew. It returns roles.ErrDenied to other members and to the host,
// accounts.ErrNotFound if the account is nothing of the actor's,
// accounts.ErrStepUp if their login has ended, and accounts.InvalidError for
// "account".
func (s *Service) Offer(ctx context.Context, actor accounts.Actor, account accounts.AccountID) (Offer, error) {
	if err := accounts.CheckID("account", account); err != nil {
		return Offer{}, err
	}
	op := s.env.Begin(actor)
	var out Offer
	err := accounts.Run(ctx, s.env, s.st, op, "invitations.offer", func(ctx context.Context) (func(context.Context) error, error) {
		list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: actor.User(), Account: account}})
		if err != nil {
			return nil, err
		}
		if err := op.May(list[0], roles.ManageMembers); err != nil {
			return nil, err
		}
		a, err := s.st.Account(ctx, account)
		if err != nil {
			return nil, err
		}
		seats, err := s.st.Seats(ctx, account, op.At)
		if err != nil {
			return nil, err
		}
		q := invitationQuota(op, account, 0)
		if q.Used, err = s.st.Spent(ctx, q.Key); err != nil {
			return nil, err
		}
		out = offer(op, list[0], a, seats, q)
		return nil, nil
	})
	return out, err
}
