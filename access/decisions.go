package access

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// View is what the page of a request's link shows. It names no account of the
// reader's.
type View struct {
	ID         accounts.RequestID
	Agency     accounts.AccountID
	AgencyName string
	Requester  string // who asks; "" for somebody without a name
	Message    string // in the requester's words
	Level      roles.Role
	ExpiresAt  time.Time
}

// Peek returns what a link's secret leads to, and changes nothing, however
// often it is called: mail scanners open links. Unknown, expired, used and
// withdrawn are one answer, accounts.ErrNotFound.
func (s *Requests) Peek(ctx context.Context, secret string) (View, error) {
	hash, err := token.Parse(token.Request, secret)
	if err != nil {
		return View{}, accounts.ErrNotFound
	}
	op := s.env.Begin(accounts.Actor{})
	f, err := s.st.Deciding(ctx, DecidingQuery{Hash: hash, Day: accounts.DayOf(op.At), Top: op.Rules.Ladder.Top()})
	if err != nil {
		return View{}, err
	}
	if f.open(op) != nil {
		return View{}, accounts.ErrNotFound
	}
	return View{
		ID: f.Request.ID, Agency: f.Agency.ID, AgencyName: f.Agency.Name, Requester: f.Requester.Name,
		Message: f.Request.Message, Level: f.Request.Level, ExpiresAt: f.Request.ExpiresAt,
	}, nil
}

// Decision names a request, and the account for which it is decided.
type Decision struct {
	// Link is the secret of the request's link, as the page received it.
	// Whoever is signed in and holds it may decide. Without a link, Agency
	// and Request name a request to the actor's own proven address.
	Link    string
	Agency  accounts.AccountID
	Request accounts.RequestID

	// Account is the client account that the decider picked: they must be a
	// direct Owner or Admin of it.
	Account accounts.AccountID

	Key string // optional idempotency key
}

// Approve lets the agency into the account picked, with a cap: the highest role
// that anybody of the agency can have there, at most the decider's own and
// never Owner. The requester, if still an active member of the agency, is
// assigned at the cap, and the agency's owners get a mail each. An account that
// is connected already is accounts.ErrTaken and leaves the request pending. A
// link that leads nowhere any more is accounts.ErrNotFound.
func (s *Requests) Approve(ctx context.Context, actor accounts.Actor, in Decision, highest roles.Role) (accounts.Connection, error) {
	if highest == "" {
		return accounts.Connection{}, &accounts.InvalidError{Field: "cap", Reason: "is missing"}
	}
	op := s.env.Begin(actor)
	var out accounts.Connection
	err := s.decide(ctx, op, in, EventRequestApproved, string(highest), &out, func(f Deciding) (Change, error) {
		c, err := approve(op, f, in.Link != "", highest)
		if err != nil {
			return Change{}, err
		}
		out = c.Connections[0]
		out.Version++
		return c, nil
	})
	if err != nil {
		return accounts.Connection{}, err
	}
	return out, nil
}

// Decline turns a request down, by the same people as [Requests.Approve]. The
// requester gets a mail with the optional reason, at most 1,000 characters.
func (s *Requests) Decline(ctx context.Context, actor accounts.Actor, in Decision, reason string) error {
	if err := accounts.CheckMessage("reason", reason, s.env.Limits().Message); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.decide(ctx, op, in, EventRequestDeclined, reason, &struct{}{}, func(f Deciding) (Change, error) {
		return decline(op, f, in.Link != "", reason)
	})
}

// decide runs a client's decision on a request. What is the rest of the input,
// and answer points to the answer, which a repeated key gets again.
func (s *Requests) decide(ctx context.Context, op accounts.Operation, in Decision, kind accounts.EventKind, what string, answer any,
	decide func(Deciding) (Change, error),
) error {
	if err := accounts.CheckID("account", in.Account); err != nil {
		return err
	}
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Account, in.Key, kind, []any{keyed, what})
	if err != nil {
		return err
	}
	q := DecidingQuery{User: op.Actor.User(), Client: in.Account, Day: accounts.DayOf(op.At), Top: op.Rules.Ladder.Top()}
	malformed := false
	if in.Link != "" {
		hash, err := token.Parse(token.Request, in.Link)
		q.Hash, malformed = hash, err != nil
	} else {
		if err := accounts.CheckID("agency", in.Agency); err != nil {
			return err
		}
		if err := accounts.CheckID("request", in.Request); err != nil {
			return err
		}
		q.Agency, q.ID = in.Agency, in.Request
	}
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		f, err := Deciding{}, accounts.ErrNotFound
		if !malformed {
			f, err = s.st.Deciding(ctx, q)
		}
		if !errors.Is(err, accounts.ErrNotFound) {
			if err != nil {
				return Change{}, err
			}
			if once.Keyed() {
				// An answer that was kept is for somebody who may still decide.
				if err := op.May(f.decider(), roles.DecideRequests); err != nil {
					return Change{}, err
				}
			}
			var c Change
			err := once.Do(ctx, s.st, answer, func() (bool, error) {
				var err error
				if c, err = decide(f); err != nil {
					return false, err
				}
				return true, once.Keep(&c.Change, answer)
			})
			return c, err
		}
		// No such request. Whoever may decide for the account is told so, and
		// it goes on record; everybody else gets the answer that they get for
		// a request that exists.
		list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: q.User, Account: in.Account}})
		if err != nil {
			return Change{}, err
		}
		list[0].Routes = nil // as for a request that exists: only members count
		if err := op.May(list[0], roles.DecideRequests); err != nil {
			return Change{}, err
		}
		return Change{}, op.Refuse(in.Account, accounts.RefusedToken, accounts.ErrNotFound)
	})
}

// Addressed returns the pending requests to the actor's own proven address,
// newest first, at most 100, for a page that lists what waits for a decision.
// Users whose address is not proven see none.
func (s *Requests) Addressed(ctx context.Context, actor accounts.Actor) ([]View, error) {
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "requests.addressed"); err != nil {
		return nil, err
	}
	u, err := accounts.Self(ctx, s.st, actor)
	if err != nil || !u.Proven || u.Email == "" {
		return nil, err
	}
	list, err := s.st.Addressed(ctx, u.Email, s.env.Now(), 100)
	if err != nil {
		return nil, err
	}
	out := make([]View, len(list))
	names := map[accounts.UserID]string{}
	for i, c := range list {
		by := c.Request.Requester
		if _, known := names[by]; !known {
			u, err := s.st.User(ctx, accounts.UserKey{ID: by})
			if err != nil {
				return nil, err
			}
			names[by] = u.Name
		}
		out[i] = View{
			ID: c.Request.ID, Agency: c.Agency.ID, AgencyName: c.Agency.Name, Requester: names[by],
			Message: c.Request.Message, Level: c.Request.Level, ExpiresAt: c.Request.ExpiresAt,
		}
	}
	return out, nil
}
