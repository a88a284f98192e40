package access

import (
	"context"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Choice is one line of the account chooser: an account, and one way in.
type Choice struct {
	accounts.Reached
	Effective roles.Role // what the user may be there: for a delegate, the smaller of role and cap; "" for a client
}

// ChoicePage asks for a page of the chooser.
type ChoicePage struct {
	Search string               // a part of the account's name; "": all
	After  accounts.ReachCursor // Choice.Cursor of the last one seen; zero: from the first
	Limit  int                  // 0: 50; at most 500
}

// Chooser returns a page of the accounts that the actor can enter, by name.
// There is a line for each way in: an account that the user reaches as a member
// and through an agency, or through two agencies, has two, and whoever enters it
// has the rights of both. A client's line has no role: they see the sites that
// they were given. With a single account, in however many lines, there is
// nothing to choose: go straight in.
// Suspended and closed accounts are absent. A login that was ended is
// accounts.ErrStepUp, an actor who is no user accounts.ErrNotFound.
func (s *Sessions) Chooser(ctx context.Context, actor accounts.Actor, page ChoicePage) ([]Choice, error) {
	if err := accounts.CheckText("search", page.Search, 100); err != nil {
		return nil, err
	}
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "accounts.choose"); err != nil {
		return nil, err
	}
	if _, err := accounts.Self(ctx, s.st, actor); err != nil {
		return nil, err
	}
	list, err := s.st.Reach(ctx, accounts.ReachQuery{
		User: actor.User(), Proof: actor.Proof(), Search: page.Search, After: page.After, Limit: s.env.Page(page.Limit),
	})
	if err != nil {
		return nil, err
	}
	out := make([]Choice, len(list))
	for i, r := range list {
		out[i] = Choice{Reached: r, Effective: r.Role}
		if r.Kind == accounts.RouteDelegate {
			out[i].Effective = s.env.Ladder().Min(r.Role, r.Cap)
		}
	}
	return out, nil
}
