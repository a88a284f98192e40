package invites

import (
	"context"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Service is the service of invitations: people are invited to accounts, and
// join them. It holds no state but a limiter of bursts and the bound on
// parallel password hashes, and is safe for concurrent use.
type Service struct {
	st    Store
	env   *accounts.Env
	o     Options
	burst accounts.BurstLimiter
}

// Options configures [New]. Every field may be left zero.
type Options struct {
	// Hasher hashes the passwords of those who join with a new login; give it
	// the one of access.Logins, so that they share the bound on memory.
	Hasher *password.Hasher
	// Passwords decides which passwords are good enough: password.NewPolicy's
	// defaults.
	Passwords *password.Policy
}

// New returns a service on a store. A nil environment and nil options take
// every default.
func New(st Store, env *accounts.Env, o *Options) (*Service, error) {
	if st == nil {
		return nil, &accounts.InvalidError{Field: "store", Reason: "is missing"}
	}
	s := &Service{st: st, env: env}
	if o != nil {
		s.o = *o
	}
	var err error
	if s.env == nil {
		if s.env, err = accounts.NewEnv(nil); err != nil {
			return nil, err
		}
	}
	if s.o.Hasher == nil {
		if s.o.Hasher, err = password.New(nil); err != nil {
			return nil, err
		}
	}
	if s.o.Passwords == nil {
		if s.o.Passwords, err = password.NewPolicy(&password.PolicyOptions{Words: []string{s.env.Product()}}); err != nil {
			return nil, err
		}
	}
	if s.burst = s.env.Burst(); s.burst == nil {
		if s.burst, err = limit.New(&limit.Options{Clock: s.env}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then is provisional until the host commits.
func (s *Service) With(st Store) *Service {
	with := *s
	with.st = st
	return &with
}

// Invite is the input of [Service.Invite].
type Invite struct {
	Account accounts.AccountID
	Email   string     // the address of the person
	Role    roles.Role // at most the inviter's own
	Message string     // personal words, at most 1,000 characters
	Locale  string     // the language of the mail, a BCP 47 tag; "": the account's
	Key     string     // optional idempotency key
}

// draft is an Invite that has been checked.
type draft struct {
	Invite
	email   accounts.Email
	address string
}

func (in Invite) read(op accounts.Operation) (draft, error) {
	d := draft{Invite: in, address: strings.TrimSpace(in.Email)}
	if err := accounts.CheckID("account", in.Account); err != nil {
		return d, err
	}
	var err error
	if d.email, err = accounts.ParseEmail(in.Email); err != nil {
		return d, err
	}
	switch {
	case in.Role == "":
		return d, &accounts.InvalidError{Field: "role", Reason: "is missing"}
	case !op.Rules.Ladder.Has(in.Role):
		return d, &accounts.InvalidError{Field: "role", Reason: "does not exist on the ladder"}
	}
	if err := accounts.CheckMessage("message", in.Message, op.Rules.Limits.Message); err != nil {
		return d, err
	}
	return d, accounts.CheckLocale(in.Locale)
}

// Invite invites a person to an account, for an Owner or Admin of it: by mail,
// with a link that is good for 7 days. The role is at most the actor's own, and
// one that the plan offers; inviting an owner wants a login younger than 10
// minutes (accounts.ErrStepUp). The invitation holds a seat (accounts.ErrSeats).
//
// An address whose invitation is pending is a [*PendingError], one of a member
// accounts.ErrTaken; one that expired or is void is replaced. An account sends
// 25 invitations in a UTC day, and one address gets 5 mails with a link from
// everybody together (accounts.ErrQuota).
func (s *Service) Invite(ctx context.Context, actor accounts.Actor, in Invite) (Invitation, error) {
	op := s.env.Begin(actor)
	d, err := in.read(op)
	if err != nil {
		return Invitation{}, err
	}
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Account, in.Key, EventInvited, keyed)
	if err != nil {
		return Invitation{}, err
	}
	counted := false
	return s.offer(ctx, op, in.Account, InvitingQuery{Account: in.Account, Email: d.email, At: op.At}, EventInvited, once,
		func(op accounts.Operation, by offerer, f Inviting, fresh newLink) (Change, Invitation, error) {
			// Outsiders cannot use up anybody's turn, and a call takes one,
			// however often others get in its way.
			if !counted {
				if err := s.burst.Allow("invitations/" + string(in.Account)); err != nil {
					return Change{}, Invitation{}, op.Refuse(in.Account, accounts.RefusedLimited, err)
				}
				counted = true
			}
			return invite(op, by, d, f, fresh)
		})
}

// Resend is the input of [Service.Resend].
type Resend struct {
	Account    accounts.AccountID
	Invitation accounts.InvitationID
	Key        string // optional idempotency key
}

// Resend mails an invitation that is pending, expired or void again: the same
// invitation with a new link and 7 days anew; older links are dead. The actor
// becomes its inviter, and must be able to give its role. It does not count
// against the 25 of a day, but is limited to one an hour and three a day for an
// invitation (limit.ErrLimited, accounts.ErrQuota), and to the recipient's
// limit. One that held no seat any more takes one again (accounts.ErrSeats).
func (s *Service) Resend(ctx context.Context, actor accounts.Actor, in Resend) (Invitation, error) {
	op := s.env.Begin(actor)
	if err := checkIDs(in.Account, in.Invitation); err != nil {
		return Invitation{}, err
	}
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Account, in.Key, EventInvitationResent, keyed)
	if err != nil {
		return Invitation{}, err
	}
	return s.offer(ctx, op, in.Account, InvitingQuery{Account: in.Account, ID: in.Invitation, At: op.At}, EventInvitationResent, once,
		resend)
}

// offer runs a decision that mails a link.
func (s *Service) offer(ctx context.Context, op accounts.Operation, account accounts.AccountID, q InvitingQuery, kind accounts.EventKind,
	once accounts.Once, decide func(op accounts.Operation, by offerer, f Inviting, fresh newLink) (Change, Invitation, error),
) (Invitation, error) {
	secret, hash, err := token.New(token.Invitation, s.env.Secrets())
	if err != nil {
		return Invitation{}, err
	}
	fresh := newLink{ID: accounts.InvitationID(s.env.NewID(op.At)), Secret: secret, Hash: hash}
	var out Invitation
	err = s.onAccount(ctx, op, account, kind, func(ctx context.Context, op accounts.Operation, by offerer) (Change, error) {
		var c Change
		err := once.Do(ctx, s.st, &out, func() (bool, error) {
			f, err := s.inviting(ctx, by, q)
			if err != nil {
				return false, err
			}
			if c, out, err = decide(op, by, f, fresh); err != nil {
				return false, err
			}
			out.Version++
			out.Hash = token.Hash{}
			return true, once.Keep(&c.Change, out)
		})
		return c, err
	})
	if err != nil {
		return Invitation{}, err
	}
	return out, nil
}

// Revoke takes back an invitation that is pending, expired or void; its link is
// dead at once, its seat is free, and its unsent mail is cancelled. The actor
// is somebody who could make it, or a job or an operator of the host. One that
// was answered is [ErrUsed].
func (s *Service) Revoke(ctx context.Context, actor accounts.Actor, account accounts.AccountID, id accounts.InvitationID) error {
	if err := checkIDs(account, id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.onAccount(ctx, op, account, EventInvitationRevoked, func(ctx context.Context, op accounts.Operation, by offerer) (Change, error) {
		f, err := s.inviting(ctx, by, InvitingQuery{Account: account, ID: id, At: op.At})
		if err != nil {
			return Change{}, err
		}
		return revoke(op, by, f)
	})
}

// onAccount runs an operation of somebody who manages an account's members.
// How they stand comes first: its version guards the change, so nothing that
// is read after it can be older.
func (s *Service) onAccount(ctx context.Context, op accounts.Operation, account accounts.AccountID, kind accounts.EventKind,
	decide func(ctx context.Context, op accounts.Operation, by offerer) (Change, error),
) error {
	return run(ctx, s.env, s.st, op, kind, func(ctx context.Context) (Change, error) {
		key := accounts.StandingKey{User: op.Actor.User(), Account: account}
		list, err := s.st.Standings(ctx, []accounts.StandingKey{key})
		if err != nil {
			return Change{}, err
		}
		by := offerer{Standing: list[0]}
		if kind == EventInvitationRevoked && op.Actor.IsHost() {
			return decide(ctx, op, by)
		}
		if err := op.May(by.Standing, roles.ManageMembers); err != nil {
			return Change{}, err
		}
		if by.Own, err = s.st.Membership(ctx, key); err != nil {
			return Change{}, err
		}
		if by.User, err = s.st.User(ctx, accounts.UserKey{ID: key.User}); err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, by.Standing.User, EventInvited, account)
		if err != nil {
			return Change{}, err
		}
		return decide(ctx, op, by)
	})
}

// inviting reads what decides an offer, as it was when the actor's standing
// was read.
func (s *Service) inviting(ctx context.Context, by offerer, q InvitingQuery) (Inviting, error) {
	f, err := s.st.Inviting(ctx, q)
	if err == nil && f.Account.Version != by.Account.Version {
		err = accounts.ErrConflict
	}
	return f, err
}

func checkIDs(account accounts.AccountID, id accounts.InvitationID) error {
	if err := accounts.CheckID("account", account); err != nil {
		return err
	}
	return accounts.CheckID("invitation", id)
}
