package invites

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Page asks for a page of invitations.
type Page struct {
	States []State // any of these; empty: all
	Search string  // a part of the address; "": all
	Before Cursor  // Entry.Cursor of the last one seen; zero: from the newest
	Limit  int     // 0: 50; at most 500
}

// Entry is an invitation in a list.
type Entry struct {
	Invitation
	State   State  // at the moment of the question, derived ones included
	Inviter string // the name of whoever made it
}

// Cursor returns the entry's place.
func (e Entry) Cursor() Cursor { return Cursor{CreatedAt: e.CreatedAt, ID: e.ID} }

// List returns a page of an account's invitations, newest first, expired and
// void ones as such. The actor is somebody who manages its members, or a job or
// an operator of the host. It returns roles.ErrDenied to other members,
// accounts.ErrNotFound if the account is nothing of the actor's,
// accounts.ErrStepUp if their login has ended, and accounts.InvalidError for
// "account", "search" or "states".
func (s *Service) List(ctx context.Context, actor accounts.Actor, account accounts.AccountID, page Page) ([]Entry, error) {
	if err := accounts.CheckID("account", account); err != nil {
		return nil, err
	}
	if err := accounts.CheckText("search", page.Search, accounts.MaxEmail); err != nil {
		return nil, err
	}
	for _, state := range page.States {
		switch state {
		case Pending, Accepted, Declined, Revoked, Expired, Void:
		default:
			return nil, &accounts.InvalidError{Field: "states", Reason: "have one that does not exist"}
		}
	}
	op := s.env.Begin(actor)
	if err := s.mayRead(ctx, op, account, roles.ManageMembers, "invitations.list"); err != nil {
		return nil, err
	}
	list, err := s.st.Invitations(ctx, ListQuery{
		Account: account, At: op.At, States: page.States, Search: page.Search, Before: page.Before, Limit: s.env.Page(page.Limit),
	})
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(list))
	for i, l := range list {
		out[i] = Entry{Invitation: l.Invitation, State: l.StateAt(op.At), Inviter: l.Inviter.User.Label()}
		out[i].Hash = token.Hash{}
	}
	return out, nil
}

// Progress returns how far the newest mail of each invitation has come, in the
// order given, for whoever may list them: one question for a page of
// [Service.List]. It tells of queued mail how often it was tried and when it is
// tried next, and that it was sent, given up or cancelled, or came back. A zero
// mail.Progress is for an invitation whose mail was swept, and for an id that names
// none of the account's. It returns accounts.InvalidError for "ids" if there are
// more than 1,000, or one that is none, and else what List returns.
//
// It tells of the mail and not of the invitation: one that was revoked after its mail
// was sent still says so.
func (s *Service) Progress(ctx context.Context, actor accounts.Actor, account accounts.AccountID, ids ...accounts.InvitationID) ([]mail.Progress, error) {
	return progress(ctx, s.base, actor, account, roles.ManageMembers, "invitations.progress", ids, func(id accounts.InvitationID) mail.Reason {
		return reason(Invitation{Account: account, ID: id})
	})
}

// progress returns how far the newest mail of each reason of an account's has
// come, to somebody with a permission there and to the host.
func progress[ID ~string](ctx context.Context, s base, actor accounts.Actor, account accounts.AccountID, p roles.Permission, what accounts.EventKind,
	ids []ID, reason func(ID) mail.Reason,
) ([]mail.Progress, error) {
	if err := accounts.CheckID("account", account); err != nil {
		return nil, err
	}
	reasons, err := accounts.ProgressReasons(ids, reason)
	if err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, s.env.Begin(actor), account, p, what); err != nil {
		return nil, err
	}
	return accounts.Progress(ctx, s.st, reasons)
}

// View is what the invited person sees of an invitation.
type View struct {
	Account     accounts.AccountID
	ID          accounts.InvitationID
	AccountName string
	Inviter     string         // who invites
	Address     string         // who is invited, as it was typed
	Email       accounts.Email // the same in its canonical form, to compare by
	Role        roles.Role
	Message     string // in the inviter's words
	ExpiresAt   time.Time
}

// Peek returns what a link's secret leads to, and changes nothing, however
// often it is called: mail scanners open links. A link that is unknown, expired,
// void, answered or revoked, or whose account is suspended or closed, is one
// answer, accounts.ErrNotFound. It does not tell whether the address has a
// login: let the page offer both ways to join.
func (s *Service) Peek(ctx context.Context, secret string) (View, error) {
	hash, err := token.Parse(token.Invitation, secret)
	if err != nil {
		return View{}, accounts.ErrNotFound
	}
	op := s.env.Begin(accounts.Actor{})
	f, err := s.st.Accepting(ctx, AcceptingQuery{Hash: hash, At: op.At})
	if err != nil {
		return View{}, err
	}
	if f.open(op) != nil {
		return View{}, accounts.ErrNotFound
	}
	return f.Invitation.view(f.Account.Name, f.Inviter), nil
}

// most is how many invitations to one person are listed.
const most = 100

// Mine returns the pending invitations to the actor's own proven address,
// newest first, at most 100. Without a proven address there are none. It
// returns accounts.ErrNotFound if the actor is no user, and accounts.ErrStepUp
// if their login has ended.
func (s *Service) Mine(ctx context.Context, actor accounts.Actor) ([]View, error) {
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "invitations.mine"); err != nil {
		return nil, err
	}
	u, err := accounts.Self(ctx, s.st, actor)
	if err != nil || !u.Proven || u.Email == "" {
		return nil, err
	}
	list, err := s.st.InvitationsTo(ctx, u.Email, s.env.Now(), most)
	if err != nil {
		return nil, err
	}
	out := make([]View, len(list))
	for i, l := range list {
		out[i] = l.Invitation.view(l.Account.Name, l.Inviter)
	}
	return out, nil
}

func (i Invitation) view(account string, by accounts.Member) View {
	return View{
		Account: i.Account, ID: i.ID, AccountName: account, Inviter: by.User.Label(), Address: i.Address, Email: i.Email,
		Role: i.Role, Message: i.Message, ExpiresAt: i.ExpiresAt,
	}
}
