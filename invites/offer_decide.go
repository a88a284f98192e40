package invites

import (
	"cmp"
	"slices"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// newLink is what a decision that makes a link is given: an id and a secret that
// nobody has seen.
type newLink struct {
	ID     accounts.InvitationID
	Secret token.Secret
	Hash   token.Hash
}

// offerer is who invites: how they stand at the account, and the rows whose
// numbers an invitation remembers.
type offerer struct {
	accounts.Standing
	Own  accounts.Membership
	User accounts.User
}

// free refuses to invite somebody who is a member or a client already.
func (f Inviting) free() error {
	switch {
	case f.Client, f.Member.Active():
		return &accounts.TakenError{Field: "email"}
	case f.Member.Role != "" && f.Member.EndedAt.IsZero():
		return &accounts.InvalidError{Field: "email", Reason: "is that of a suspended member; reactivate them instead"}
	}
	return nil
}

// invite decides whether a person is invited to an account.
func invite(op accounts.Operation, by offerer, in draft, f Inviting, fresh newLink) (Change, Invitation, error) {
	none := func(err error) (Change, Invitation, error) { return Change{}, Invitation{}, err }
	if err := mayOffer(op, by, f.Account, in.Role); err != nil {
		return none(err)
	}
	if err := f.free(); err != nil {
		return none(err)
	}
	old := f.Invitation
	state := old.StateAt(op.At, f.Inviter)
	if old.Version != 0 && state == Pending {
		return none(&PendingError{Invitation: old.ID})
	}
	if err := op.Seat(f.Account, f.Seats); err != nil {
		return none(err)
	}
	used := invitationQuota(op, f.Account.ID, f.Used)
	if used.Left() == 0 {
		return none(op.Refuse(f.Account.ID, accounts.RefusedQuota, used.Err()))
	}
	mails, err := recipientQuota(op, f.Account.ID, in.email, f.Mails)
	if err != nil {
		return none(err)
	}
	c := moving(op, f.Account, in.Role)
	if old.Version != 0 {
		// It expired, or its inviter lost the right, and nobody wrote it down.
		// Its end is written before its successor begins.
		old.State, old.UpdatedAt = state, op.At
		c.Invitations = append(c.Invitations, old)
		c.CancelMail = append(c.CancelMail, reason(old))
	}
	i := Invitation{
		Account: f.Account.ID, ID: fresh.ID, Email: in.email, Address: in.address, Role: in.Role, Message: in.Message,
		Locale: in.Locale, State: Pending, CreatedAt: op.At,
	}
	i = i.sent(op, by, fresh)
	c.Invitations = append(c.Invitations, i)
	c.Spend = append(c.Spend, used.Spend(1), mails.Spend(1))
	op.Record(&c.Change, accounts.Event{Kind: EventInvited, Account: i.Account, Invitation: i.ID, Role: i.Role})
	err = write(op, &c, i, f.Account, by, fresh.Secret)
	return c, i, err
}

// resend decides whether an invitation is mailed again, by somebody who could
// make it: the same invitation, a new link, its whole life anew. They become
// its inviter.
func resend(op accounts.Operation, by offerer, f Inviting, fresh newLink) (Change, Invitation, error) {
	none := func(err error) (Change, Invitation, error) { return Change{}, Invitation{}, err }
	i := f.Invitation
	if err := mayOffer(op, by, f.Account, i.Role); err != nil {
		return none(err)
	}
	if i.State != Pending {
		return none(ErrUsed)
	}
	if err := f.free(); err != nil {
		return none(err)
	}
	limits := op.Rules.Limits
	if wait := limits.ResendEvery - op.At.Sub(i.SentAt); wait > 0 {
		return none(op.Refuse(i.Account, accounts.RefusedLimited, &limit.LimitedError{RetryAfter: wait}))
	}
	if today := accounts.DayOf(op.At); i.ResendDay != today {
		i.ResendDay, i.Resends = today, 0
	}
	if i.Resends >= limits.ResendsPerDay {
		return none(op.Refuse(i.Account, accounts.RefusedQuota, &accounts.QuotaError{
			Kind: accounts.QuotaResends, Limit: limits.ResendsPerDay, Used: i.Resends, ResetAt: i.ResendDay.End(),
		}))
	}
	mails, err := recipientQuota(op, i.Account, i.Email, f.Mails)
	if err != nil {
		return none(err)
	}
	if f.Invitation.StateAt(op.At, f.Inviter) != Pending {
		// It holds no seat any more, and takes one again.
		if err := op.Seat(f.Account, f.Seats); err != nil {
			return none(err)
		}
	}
	resends := i.Resends + 1
	i = i.sent(op, by, fresh)
	i.Resends = resends
	c := moving(op, f.Account, i.Role)
	c.Invitations = []Invitation{i}
	c.Spend = []accounts.Spend{mails.Spend(1)}
	c.CancelMail = []mail.Reason{reason(i)}
	op.Record(&c.Change, accounts.Event{Kind: EventInvitationResent, Account: i.Account, Invitation: i.ID, Role: i.Role})
	err = write(op, &c, i, f.Account, by, fresh.Secret)
	return c, i, err
}

// revoke decides whether an invitation is taken back: by somebody who could
// have made it, whatever has become of who did, or by the host.
func revoke(op accounts.Operation, by offerer, f Inviting) (Change, error) {
	i := f.Invitation
	if !op.Actor.IsHost() {
		if err := mayInvite(op, by, i.Account, i.Role); err != nil {
			return Change{}, err
		}
	}
	if i.State != Pending {
		return Change{}, ErrUsed
	}
	op.Challenge = accounts.Challenge{} // no code is asked for it, so none is used up
	i.State, i.UpdatedAt = Revoked, op.At
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards, accounts.Guard{Account: f.Account.ID, Version: f.Account.Version})
	c.Invitations = []Invitation{i}
	c.CancelMail = []mail.Reason{reason(i)}
	op.Record(&c.Change, accounts.Event{Kind: EventInvitationRevoked, Account: i.Account, Invitation: i.ID})
	return c, nil
}

// sent returns the invitation as it is once it has been mailed by somebody.
func (i Invitation) sent(op accounts.Operation, by offerer, fresh newLink) Invitation {
	i.Inviter, i.Tenure, i.Reign, i.Suspensions = by.User.ID, by.Own.Tenure, by.Own.Reign, by.User.Suspensions
	i.Hash, i.SentAt, i.ExpiresAt = fresh.Hash, op.At, op.At.Add(op.Rules.Limits.InvitationTTL)
	i.ResendDay, i.Resends, i.UpdatedAt = accounts.DayOf(op.At), 0, op.At
	return i
}

// mayOffer decides whether somebody may send an invitation with a role: they
// have the right, the plan has the role, and to make an owner they have just
// proven who they are.
func mayOffer(op accounts.Operation, by offerer, account accounts.Account, role roles.Role) error {
	if err := mayInvite(op, by, account.ID, role); err != nil {
		return err
	}
	if role != op.Rules.Ladder.Top() {
		return op.Rules.Policy.MayHold(account, role)
	}
	if err := op.May(by.Standing, roles.GrantOwner); err != nil {
		return err
	}
	return op.Fresh(by.Standing.User, EventInvited, account.ID)
}

// mayInvite decides whether somebody manages members here and could give a
// role.
func mayInvite(op accounts.Operation, by offerer, account accounts.AccountID, role roles.Role) error {
	if err := op.May(by.Standing, roles.ManageMembers); err != nil {
		return err
	}
	have := by.Rights(op.Rules.Ladder, op.Actor.Proof()).Direct()
	if err := op.Rules.Ladder.CanAssign(have, role, roles.Member); err != nil {
		return op.Refuse(account, accounts.RefusedDenied, err)
	}
	return nil
}

// moving returns an empty change that others who count the account's seats
// notice. It uses up the code that inviting an owner asks for, and for a lower
// role leaves it alone.
func moving(op accounts.Operation, account accounts.Account, role roles.Role) Change {
	if role != op.Rules.Ladder.Top() {
		op.Challenge = accounts.Challenge{}
	}
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards, accounts.Guard{Account: account.ID, Version: account.Version, Move: true})
	return c
}

// write adds the mail of an invitation. It is the same whether or not anybody
// with this address is known. Somebody of whom the host keeps nothing but an id
// invites in the account's name.
func write(op accounts.Operation, c *Change, i Invitation, account accounts.Account, by offerer, secret token.Secret) error {
	return op.Write(&c.Change, accounts.Letter{
		Kind: mail.Invited, Account: i.Account, Locale: account.Locale,
		To:     accounts.Contact{Email: i.Email, Locale: i.Locale},
		Reason: reason(i), Priority: mail.Awaited, NotAfter: i.ExpiresAt,
		Data: mail.Data{
			Account: account.Name, Sender: cmp.Or(by.User.Label(), account.Name), Role: accounts.RoleName(i.Role), Message: i.Message,
			Link: op.Rules.Links.Invitation(secret.Reveal()), ExpiresAt: i.ExpiresAt,
		},
	})
}

func reason(i Invitation) mail.Reason {
	return mail.ReasonFor("account", string(i.Account), "invitation", string(i.ID))
}

// offer returns what somebody who manages members can invite to.
func offer(op accounts.Operation, by accounts.Standing, account accounts.Account, seats accounts.Seats, today accounts.Quota) Offer {
	ladder := op.Rules.Ladder
	have := by.Rights(ladder, op.Actor.Proof()).Direct()
	out := Offer{Seats: seats, Limit: op.Rules.Policy.Seats(account), Left: today.Left(), Reset: today.ResetAt()}
	for _, r := range ladder.Roles() {
		if ladder.CanAssign(have, r, roles.Member) == nil && (r == ladder.Top() || op.Rules.Policy.MayHold(account, r) == nil) {
			out.Roles = append(out.Roles, r)
		}
	}
	slices.Reverse(out.Roles)
	return out
}

func invitationQuota(op accounts.Operation, account accounts.AccountID, used int) accounts.Quota {
	return accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: string(account), Day: accounts.DayOf(op.At)},
		Used: used, Limit: op.Rules.Limits.InvitationsPerDay,
	}
}

// recipientQuota returns the counter of mails with a link to an address, or
// refuses when none is left.
func recipientQuota(op accounts.Operation, account accounts.AccountID, email accounts.Email, used int) (accounts.Quota, error) {
	q := accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: accounts.DayOf(op.At)},
		Used: used, Limit: op.Rules.Limits.MailsPerRecipient,
	}
	if q.Left() == 0 {
		return q, op.Refuse(account, accounts.RefusedQuota, q.Err())
	}
	return q, nil
}
