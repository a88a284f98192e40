package accounts

import (
	"context"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Explain answers "why can this user see this account?", or why not, for many
// at once, in the order of the keys. Jobs and operators may ask about
// everybody, a user about themselves, and whoever may read an account's audit
// about that account, else a [*roles.DeniedError]. A user or account that is not
// there is [ErrNotFound], and to people so is a pair with nothing between them;
// one bad key refuses them all. Without keys there is no answer and no error.
func (s *Service) Explain(ctx context.Context, actor Actor, keys ...StandingKey) ([]Explanation, error) {
	for _, k := range keys {
		if err := checkIDs(k.Account, k.User); err != nil {
			return nil, err
		}
		if k.User == actor.user && actor.user != "" {
			continue
		}
		if err := s.mayRead(ctx, actor, k.Account, roles.ReadAudit, "standing.explain", nil); err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	list, err := s.st.Standings(ctx, keys)
	if err != nil {
		return nil, err
	}
	people := !actor.IsHost()
	out := make([]Explanation, len(list))
	for i, st := range list {
		if st.User.ID == "" || st.Account.ID == "" {
			return nil, ErrNotFound
		}
		if people && st.Member.Role == "" && len(st.Routes) == 0 && !st.Client.There() {
			return nil, ErrNotFound // strangers to each other: neither's name is the asker's to know
		}
		if people && st.User.ID == actor.user && st.User.Epoch != actor.epoch {
			return nil, ErrStepUp
		}
		out[i] = st.Explain(s.env.Ladder(), AnyLogin())
		if people && st.User.ID == actor.user && out[i].Rights.None() && out[i].Client == "" {
			out[i].Account = AccountState{ID: st.Account.ID} // who cannot enter any more learns no more of it
		}
	}
	return out, nil
}

// Reachers answers "who can reach this account?": a page of everybody who has
// or ever had a role there, each explained, by user id. Explanations without
// rights tell who cannot any more. Clients have no role, and are listed by
// [Clients.List]. The actor must be allowed to read the
// account's audit, else a [*roles.DeniedError].
func (s *Service) Reachers(ctx context.Context, actor Actor, account AccountID, after UserID, limit int) ([]Explanation, error) {
	if err := CheckID("account", account); err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, actor, account, roles.ReadAudit, "account.reachers", nil); err != nil {
		return nil, err
	}
	list, err := s.st.Reachers(ctx, ReachersQuery{Account: account, After: after, Limit: s.env.Page(limit)})
	if err != nil {
		return nil, err
	}
	out := make([]Explanation, len(list))
	for i, st := range list {
		out[i] = st.Explain(s.env.Ladder(), AnyLogin())
	}
	return out, nil
}

// Events returns a page of an account's audit, newest first: everything done
// in it, and what it did elsewhere as an agency. The actor must be allowed to
// read it, else a [*roles.DeniedError]. Events without an account concern a user
// alone; they come through [Feed].
func (s *Service) Events(ctx context.Context, actor Actor, q EventQuery) ([]Event, error) {
	if err := CheckID("account", q.Account); err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, actor, q.Account, roles.ReadAudit, "audit.read", nil); err != nil {
		return nil, err
	}
	q.Limit = s.env.Page(q.Limit)
	return s.st.Events(ctx, q)
}

// ReachPage asks for a page of accounts.
type ReachPage struct {
	Search string      // a part of the account's name; "": all
	After  ReachCursor // Reached.Cursor of the last one seen; zero: from the first
	Limit  int         // 0: 50; at most 500
}

// Reach returns a page of the accounts that a user can enter, by name, one
// entry for each way in: to the user, to a job, or to an operator who helps
// them. To anybody else there is no such user. For a delegate, what counts is
// the smaller of the entry's Role and Cap; a client has no role, and sees the
// sites that they were given.
func (s *Service) Reach(ctx context.Context, actor Actor, user UserID, page ReachPage) ([]Reached, error) {
	if _, err := s.User(ctx, actor, user); err != nil {
		return nil, err
	}
	if err := CheckText("search", page.Search, maxName); err != nil {
		return nil, err
	}
	return s.st.Reach(ctx, ReachQuery{
		User: user, Proof: actor.proof, Search: page.Search, After: page.After, Limit: s.env.Page(page.Limit),
	})
}
