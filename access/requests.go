package access

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Requests is the service of access requests: an agency asks, a client
// decides, and the agency's client access ends as a whole. It holds no state
// but a limiter of bursts and is safe for concurrent use.
type Requests struct {
	st    RequestStore
	env   *accounts.Env
	burst accounts.BurstLimiter
}

// NewRequests returns a service on a store. A nil environment takes every
// default.
func NewRequests(st RequestStore, env *accounts.Env) (*Requests, error) {
	env, err := checked(st, env)
	if err != nil {
		return nil, err
	}
	burst, err := bursts(env)
	if err != nil {
		return nil, err
	}
	return &Requests{st: st, env: env, burst: burst}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then, links included, is provisional until
// the host commits.
func (s *Requests) With(st RequestStore) *Requests {
	return &Requests{st: st, env: s.env, burst: s.burst}
}

// Preview answers for each address as [Requests.Send] would, and changes
// nothing. Repeats and invalid addresses show before anything is sent.
func (s *Requests) Preview(ctx context.Context, actor accounts.Actor, in Batch) (BatchAnswer, error) {
	op := s.env.Begin(actor)
	d, err := in.read(op)
	if err != nil {
		return BatchAnswer{}, err
	}
	st, err := s.asking(ctx, op, in.Agency)
	if err != nil {
		return BatchAnswer{}, accounts.Plain(err)
	}
	if err := s.burst.Allow("preview/" + string(in.Agency)); err != nil {
		return BatchAnswer{}, err
	}
	f, err := s.drafting(ctx, op, d)
	if err != nil {
		return BatchAnswer{}, err
	}
	out, err := judge(op, d, st, f)
	return out, accounts.Plain(err)
}

// Send asks for access to the accounts of the people at the addresses, for an
// agency whose Manager or above the actor is. Every address gets an answer, in
// the order given, and what can be sent is sent: at most 35 in a UTC day for an
// agency, and 5 mails a day to one recipient from everybody together. The
// answers disclose nobody's accounts, and the mail is the same whether or not
// an address is known. A request expires after 7 days.
func (s *Requests) Send(ctx context.Context, actor accounts.Actor, in Batch) (BatchAnswer, error) {
	op := s.env.Begin(actor)
	d, err := in.read(op)
	if err != nil {
		return BatchAnswer{}, err
	}
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Agency, in.Key, EventRequestSent, keyed)
	if err != nil {
		return BatchAnswer{}, err
	}
	fresh, err := s.mint(op, min(len(d.emails), op.Rules.Limits.RequestsPerDay))
	if err != nil {
		return BatchAnswer{}, err
	}
	var out BatchAnswer
	counted := false
	err = s.run(ctx, op, EventRequestSent, func(ctx context.Context) (Change, error) {
		// The standing comes first: its version guards the change, so nothing
		// read after it can be older. An answer that was kept is for somebody
		// who may still ask.
		st, err := s.asking(ctx, op, in.Agency)
		if err != nil {
			return Change{}, err
		}
		var c Change
		err = once.Do(ctx, s.st, &out, func() (bool, error) {
			// Outsiders cannot use up anybody's turn, and a batch takes one,
			// however often others get in its way.
			if !counted {
				if err := s.burst.Allow("requests/" + string(in.Agency)); err != nil {
					return false, op.Refuse(in.Agency, accounts.RefusedLimited, err)
				}
				counted = true
			}
			f, err := s.drafting(ctx, op, d)
			if err != nil {
				return false, err
			}
			if c, out, err = send(op, d, st, f, fresh); err != nil || len(c.Events) == 0 {
				return false, err
			}
			return true, once.Keep(&c.Change, out.unnamed())
		})
		return c, err
	})
	if err != nil {
		return BatchAnswer{}, err
	}
	return d.named(out), nil
}

// asking returns how the actor stands at an agency, or refuses somebody who
// may not ask in its name.
func (s *Requests) asking(ctx context.Context, op accounts.Operation, agency accounts.AccountID) (accounts.Standing, error) {
	list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: op.Actor.User(), Account: agency}})
	if err != nil {
		return accounts.Standing{}, err
	}
	return list[0], op.May(list[0], roles.ManageRequests)
}

// drafting reads what decides a batch.
func (s *Requests) drafting(ctx context.Context, op accounts.Operation, d draft) (Drafting, error) {
	return s.st.Drafting(ctx, DraftingQuery{Agency: d.Agency, Emails: d.emails, Day: accounts.DayOf(op.At)})
}

// Resend is the input of [Requests.Resend].
type Resend struct {
	Agency  accounts.AccountID
	Request accounts.RequestID
	Key     string // optional idempotency key
}

// Resend mails a pending or expired request again: the same request with a new
// link and 7 days anew; older links are dead. It does not count against the 35
// of a day, but is limited to one an hour and three a day for a request
// (limit.ErrLimited, accounts.ErrQuota), and to the recipient's limit.
func (s *Requests) Resend(ctx context.Context, actor accounts.Actor, in Resend) error {
	op := s.env.Begin(actor)
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Agency, in.Key, EventRequestResent, keyed)
	if err != nil {
		return err
	}
	fresh, err := s.mint(op, 1)
	if err != nil {
		return err
	}
	return s.onOwn(ctx, op, in.Agency, in.Request, EventRequestResent, func(ctx context.Context, st accounts.Standing, f Deciding) (Change, error) {
		var c Change
		var sent accounts.RequestID
		err := once.Do(ctx, s.st, &sent, func() (bool, error) {
			var err error
			if c, err = resend(op, st, f, fresh[0]); err != nil {
				return false, err
			}
			return true, once.Keep(&c.Change, in.Request)
		})
		return c, err
	})
}

// Withdraw takes a pending request back; its link is dead at once and its
// unsent mail is cancelled. A request that expired is accounts.ErrExpired, a
// settled one [ErrDecided].
func (s *Requests) Withdraw(ctx context.Context, actor accounts.Actor, agency accounts.AccountID, id accounts.RequestID) error {
	op := s.env.Begin(actor)
	return s.onOwn(ctx, op, agency, id, EventRequestWithdrawn, func(_ context.Context, st accounts.Standing, f Deciding) (Change, error) {
		return withdraw(op, st, f)
	})
}

// onOwn runs an operation of an agency on a request of its own.
func (s *Requests) onOwn(ctx context.Context, op accounts.Operation, agency accounts.AccountID, id accounts.RequestID, kind accounts.EventKind,
	decide func(context.Context, accounts.Standing, Deciding) (Change, error),
) error {
	if err := accounts.CheckID("agency", agency); err != nil {
		return err
	}
	if err := accounts.CheckID("request", id); err != nil {
		return err
	}
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		st, err := s.asking(ctx, op, agency)
		if err != nil {
			return Change{}, err
		}
		f, err := s.st.Deciding(ctx, DecidingQuery{Agency: agency, ID: id, Day: accounts.DayOf(op.At), Top: op.Rules.Ladder.Top()})
		if err != nil {
			return Change{}, err
		}
		return decide(ctx, st, f)
	})
}

// ClientPage asks for a page of an agency's clients.
type ClientPage struct {
	States []ClientState // any of these; empty: all
	Search string        // a part of the address or of the client account's name; "": all
	Before ClientCursor  // Client.Cursor of the last one seen; zero: from the newest
	Limit  int           // 0: 50; at most 500
}

// Clients returns a page of an agency's clients, newest first: requests and
// connections together. The actor is a Manager or above of the agency. Of a
// declined request it tells neither the account nor who declined it.
func (s *Requests) Clients(ctx context.Context, actor accounts.Actor, agency accounts.AccountID, page ClientPage) ([]Client, error) {
	if err := accounts.CheckID("agency", agency); err != nil {
		return nil, err
	}
	if err := accounts.CheckText("search", page.Search, accounts.MaxEmail); err != nil {
		return nil, err
	}
	for _, state := range page.States {
		switch state {
		case ClientPending, ClientExpired, ClientDeclined, ClientWithdrawn, ClientConnected, ClientEnded:
		default:
			return nil, &accounts.InvalidError{Field: "states", Reason: "have one that does not exist"}
		}
	}
	op := s.env.Begin(actor)
	if err := s.mayList(ctx, op, agency, "clients.list"); err != nil {
		return nil, err
	}
	list, err := s.st.Clients(ctx, ClientsQuery{
		Agency: agency, At: op.At, States: page.States, Search: page.Search, Before: page.Before, Limit: s.env.Page(page.Limit),
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		// An agency that is turned down learns neither whose account it was
		// nor who they are, and one whose access ended learns no more of it.
		if r := &list[i].Request; r.State == Declined {
			r.Client, r.Decider = "", ""
		}
		if c := &list[i]; c.StateAt(op.At) == ClientEnded {
			c.Account, c.Connection = accounts.AccountState{ID: c.Account.ID}, accounts.ConnectionState{}
		}
	}
	return list, nil
}

// mayList decides whether the actor may know of an agency's requests, and puts a
// refusal on record.
func (s *Requests) mayList(ctx context.Context, op accounts.Operation, agency accounts.AccountID, what accounts.EventKind) error {
	return accounts.Run(ctx, s.env, s.st, op, what, func(ctx context.Context) (func(context.Context) error, error) {
		if op.Actor.IsHost() {
			return nil, nil
		}
		_, err := s.asking(ctx, op, agency)
		return nil, err
	})
}

// Progress returns how far the newest mail with a link of each request has come,
// in the order given, for whoever may list them: one question for a page of
// [Requests.Clients]. It tells of queued mail how often it was tried and when it is
// tried next, and that it was sent, given up or cancelled, or came back. A zero
// mail.Progress is for a request without mail: one that was imported, one whose mail
// was swept, and an id that names none of the agency's. More than 1,000 ids, and
// what is no id, are an accounts.InvalidError for "ids".
//
// It tells of the mail and not of the request: one that was withdrawn after its mail
// was sent still says so.
func (s *Requests) Progress(ctx context.Context, actor accounts.Actor, agency accounts.AccountID, ids ...accounts.RequestID) ([]mail.Progress, error) {
	if err := accounts.CheckID("agency", agency); err != nil {
		return nil, err
	}
	reasons, err := accounts.ProgressReasons(ids, func(id accounts.RequestID) mail.Reason {
		return requestReason(Request{Agency: agency, ID: id})
	})
	if err != nil {
		return nil, err
	}
	if err := s.mayList(ctx, s.env.Begin(actor), agency, "clients.progress"); err != nil {
		return nil, err
	}
	return accounts.Progress(ctx, s.st, reasons)
}

// mint makes ids and secrets for n links.
func (s *Requests) mint(op accounts.Operation, n int) ([]newLink, error) {
	out := make([]newLink, n)
	for i := range out {
		secret, hash, err := token.New(token.Request, s.env.Secrets())
		if err != nil {
			return nil, err
		}
		out[i] = newLink{ID: s.env.NewID(op.At), Secret: secret, Hash: hash}
	}
	return out, nil
}

func (s *Requests) run(ctx context.Context, op accounts.Operation, kind accounts.EventKind, decide func(ctx context.Context) (Change, error)) error {
	return run(ctx, s.env, s.st, op, kind, decide)
}
