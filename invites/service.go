package invites

import (
	"context"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Service is the service of invitations: people are invited to accounts, and
// join them. It holds no state but a limiter of bursts and the bound on
// parallel password hashes, and is safe for concurrent use.
type Service struct{ base }

// New returns a service on a store. A nil environment and nil options take
// every default. A nil store is an accounts.InvalidError for "store".
func New(st Store, env *accounts.Env, o *Options) (*Service, error) {
	b, err := newBase(st, env, o)
	if err != nil {
		return nil, err
	}
	return &Service{base: b}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then is provisional until the host commits.
func (s *Service) With(st Store) *Service { return &Service{base: s.on(st)} }

// Invite is the input of [Service.Invite].
type Invite struct {
	Account accounts.AccountID
	Email   string     // the address of the person
	Role    roles.Role // at most the inviter's own
	Message string     // personal words, at most 1,000 characters
	Locale  string     // the language of the mail, a BCP 47 tag; "": the account's

	// Key is an optional idempotency key, good for 24 hours: the same call with
	// the same key gets the first answer again. What is kept for it names
	// nobody: address and words come from the invitation, and are gone from the
	// answer too once they were forgotten there.
	Key string
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

// Invite invites a person to an account: by mail, with a link that is good for
// 7 days. The actor is somebody who manages its members, an Owner or Admin on
// the standard ladder. An invitation to the address that is expired or void is
// replaced. It returns
//
//   - [*PendingError] while one is pending: resend or revoke that one;
//   - accounts.ErrTaken if an active member or a client of the account has the
//     address, and accounts.InvalidError for "email" if a suspended member has it;
//   - accounts.ErrSeats if the plan has no seat left;
//   - accounts.ErrQuota after 25 invitations of the account in a UTC day, and
//     after 5 mails with a link to the address from everybody together;
//   - limit.ErrLimited if the account's invitations come in too fast
//     (accounts.EnvOptions.Burst);
//   - roles.ErrDenied if the actor does not manage members, or the role is
//     higher than theirs, and accounts.ErrNotFound if the account is nothing
//     of theirs;
//   - accounts.ErrStepUp if the actor's login has ended, or is not younger than
//     10 minutes when inviting an owner; with identity confirmation on, that
//     takes a code instead of a fresh login (accounts.CodeError);
//   - accounts.InvalidError for a field of the input that breaks a rule, and for
//     "account" if the actor was admitted to another one;
//   - the policy's own error if the plan does not offer the role, such as an
//     accounts.InvalidError for "role" or "plan";
//   - accounts.ErrKeyReused if the key was used with other input.
//
// The invitation holds a seat until it is answered or revoked, expires, or
// becomes void. It does so even when the person becomes a member in another
// way, such as accounts.Service.AddMember, which takes a seat of its own:
// revoke the invitation then.
//
// Somebody whose membership is suspended is not invited, and one that is
// suspended later cannot accept it (roles.ErrDenied): reactivate the membership
// instead. A client of the account is no member of it, as long as the client
// record is there.
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
	Key        string // optional idempotency key, as in [Invite]
}

// Resend mails an invitation that is pending, expired or void once more: the
// same invitation with a new link and 7 days anew. Older links are dead. The
// actor becomes its inviter, and must be able to give its role. It returns
//
//   - [ErrUsed] if the invitation was answered, revoked or replaced;
//   - accounts.ErrTaken if an active member or a client of the account has the
//     address by now, and accounts.InvalidError for "email" if a suspended
//     member has it;
//   - limit.ErrLimited within an hour of its last mail;
//   - accounts.ErrQuota after 3 resends of the invitation in a UTC day, and
//     after 5 mails with a link to the address from everybody together; the
//     account's 25 of a day do not count here;
//   - accounts.ErrSeats if it held no seat any more, being expired or void, and
//     there is none left;
//   - accounts.ErrNotFound if the account has no such invitation;
//
// and roles.ErrDenied, accounts.ErrStepUp, accounts.InvalidError, the policy's
// own error and accounts.ErrKeyReused as [Service.Invite] does.
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
			return true, once.Keep(&c.Change, out.unnamed())
		})
		if err == nil && len(c.Events) == 0 { // nothing was decided: the answer is the one that was kept
			err = s.name(ctx, op, &out)
		}
		return c, err
	})
	if err != nil {
		return Invitation{}, err
	}
	return out, nil
}

// name fills in whom a kept answer is about, as it is stored today.
func (s *Service) name(ctx context.Context, op accounts.Operation, i *Invitation) error {
	f, err := s.st.Inviting(ctx, InvitingQuery{Account: i.Account, ID: i.ID, At: op.At})
	i.Email, i.Address, i.Message = f.Invitation.Email, f.Invitation.Address, f.Invitation.Message
	return err
}

// Revoke takes back an invitation that is pending, expired or void: its link is
// dead at once, its seat is free, and its unsent mail is cancelled. The actor
// is somebody who could make it now, or a job or an operator of the host. It
// returns
//
//   - [ErrUsed] if the invitation was answered, revoked or replaced;
//   - roles.ErrDenied if the actor does not manage members, or its role is
//     higher than theirs;
//   - accounts.ErrNotFound if the account has no such invitation, or is nothing
//     of the actor's;
//   - accounts.ErrStepUp if the actor's login has ended;
//   - accounts.InvalidError for an id that is none, and for "account" if the
//     actor was admitted to another one.
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
