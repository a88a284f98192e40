package invites

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// accept decides whether the acting user joins an account with the login that
// they have. Accepting again is no change.
func accept(op accounts.Operation, f Accepting, owned []accounts.Account, byLink bool) (Change, accounts.Membership, error) {
	none := func(err error) (Change, accounts.Membership, error) { return Change{}, accounts.Membership{}, err }
	if err := isAddressee(op, f, byLink); err != nil {
		return none(err)
	}
	i, u := f.Invitation, f.Joiner.User
	if i.State == Accepted && i.User == u.ID && f.Member.Active() {
		return Change{}, f.Member, nil
	}
	if err := f.open(op); err != nil {
		return none(op.Refuse(i.Account, accounts.RefusedToken, err))
	}
	if err := op.Confirmed(u.UserState, EventInvitationAccepted, i.Account); err != nil {
		return none(err)
	}
	c := Change{Change: op.Relying()}
	// Their row is guarded by writing it: the address stays theirs, and two
	// accounts that they come to own at once both know of each other.
	u.UpdatedAt = op.At
	c.Users = []accounts.User{u}
	return join(op, c, f, owned, u)
}

// isAddressee decides whether the acting user is the person who was invited:
// the proven owner of the address. To anybody else the invitation says no more
// than its link does.
func isAddressee(op accounts.Operation, f Accepting, byLink bool) error {
	i, u := f.Invitation, f.Joiner.User
	if err := op.Self(u.UserState); err != nil {
		return err
	}
	if u.Email != "" && u.Email == i.Email && u.Proven { // an address that was forgotten is nobody's
		return nil
	}
	err := accounts.ErrNotFound
	if byLink && f.open(op) == nil {
		if err = ErrOtherAddress; u.Email == i.Email {
			err = ErrUnproven
		}
	}
	return op.Refuse(i.Account, accounts.RefusedToken, err)
}

// open returns why an invitation cannot be answered any more, or not now.
func (f Accepting) open(op accounts.Operation) error {
	if !f.Account.Open() {
		return accounts.ErrNotFound
	}
	switch f.Invitation.StateAt(op.At, f.Inviter) {
	case Pending:
		return nil
	case Expired:
		return &accounts.ExpiredError{What: "invitation", At: f.Invitation.ExpiresAt}
	case Void:
		return ErrVoid
	case Accepted, Declined, Revoked:
	}
	return ErrUsed
}

// acceptNew decides whether the holder of a link joins with a new login. The
// link was mailed to the address and to nobody else, so it proves the mailbox.
// Who has a login keeps it: no link replaces one.
func acceptNew(op accounts.Operation, f Accepting, in newcomer, owned []accounts.Account) (Change, accounts.Membership, error) {
	if f.open(op) != nil {
		return Change{}, accounts.Membership{}, accounts.ErrNotFound
	}
	op, c, u, err := in.enter(op, f.Joiner, f.Invitation.Email, f.Invitation.Address, true)
	if err != nil {
		return Change{}, accounts.Membership{}, err
	}
	c, m, err := join(op, c, f, owned, u)
	if errors.Is(err, ErrVoid) {
		err = accounts.ErrNotFound
	}
	// Nobody is known who could be refused on record: the user is none yet.
	return c, m, accounts.Plain(err)
}

// join adds to a change everything that makes the invited person a member. It
// decides on the facts of this moment: the inviter's power, the plan and the
// seats.
func join(op accounts.Operation, c Change, f Accepting, owned []accounts.Account, u accounts.User) (Change, accounts.Membership, error) {
	none := func(err error) (Change, accounts.Membership, error) { return Change{}, accounts.Membership{}, err }
	i := f.Invitation
	switch {
	case f.Client.There() && f.Client.User == u.ID:
		return none(&accounts.TakenError{Field: "user"})
	case f.Client.There():
		return none(&accounts.TakenError{Field: "email"})
	}
	if f.Member.Role != "" && f.Member.EndedAt.IsZero() {
		if f.Member.Active() {
			return none(&accounts.TakenError{Field: "user"})
		}
		return none(op.Refuse(i.Account, accounts.RefusedDenied, &roles.DeniedError{
			Action: roles.SeeAccount, Why: "your membership here is suspended; ask the account's owners",
		}))
	}
	role, err := f.given(op)
	if err != nil {
		return none(op.Refuse(i.Account, accounts.RefusedToken, err))
	}
	if role != op.Rules.Ladder.Top() {
		err = op.Rules.Policy.MayHold(f.Account, role)
	} else if len(owned) > 0 {
		err = op.Rules.Policy.MayOwn(owned, f.Account)
	}
	if err != nil {
		return none(err)
	}
	// Its own seat is one that the invitation holds already. Where a plan has
	// shrunk since, whoever comes first takes what there is.
	if err := op.Seat(f.Account, accounts.Seats{Members: f.Seats.Members}); err != nil {
		return none(err)
	}
	op.Join(&c.Change, f.Account, u, f.Member, role)
	if f.Inviter.User.ID != u.ID {
		c.Guards = append(c.Guards, accounts.Guard{User: f.Inviter.User.ID, Epoch: f.Inviter.User.Epoch})
	}
	i.State, i.User, i.Given, i.DecidedAt, i.UpdatedAt = Accepted, u.ID, role, op.At, op.At
	c.Invitations = []Invitation{i}
	c.CancelMail = append(c.CancelMail, reason(i))
	op.Record(&c.Change, accounts.Event{
		Kind: EventInvitationAccepted, Account: i.Account, User: u.ID, Invitation: i.ID, Role: role, Was: i.Role,
	})
	m := c.Memberships[0]
	m.Version++
	err = op.Write(&c.Change, f.news(mail.InvitationAccepted, mail.Data{
		Account: f.Account.Name, Sender: u.Label(), Role: accounts.RoleName(role),
	}))
	return c, m, err
}

// given returns the role that comes of an invitation now: the smaller of what
// was promised and what the inviter can give.
func (f Accepting) given(op accounts.Operation) (roles.Role, error) {
	ladder := op.Rules.Ladder
	by := f.Inviter.Membership
	rights := ladder.Rights(by.Role, "")
	if !rights.Can(roles.ManageMembers) {
		return "", ErrVoid
	}
	role := ladder.Min(f.Invitation.Role, by.Role)
	if role == ladder.Top() && (by.Reign != f.Invitation.Reign || !rights.Can(roles.GrantOwner)) {
		// An owner who was none in between gives what everybody else can.
		role = ladder.TopDelegated()
	}
	if ladder.CanAssign(by.Role, role, roles.Member) != nil {
		return "", ErrVoid // a role that the ladder has no more
	}
	return role, nil
}

// decline decides whether an invitation is turned down: by whoever holds its
// link, or by the invited person signed in.
func decline(op accounts.Operation, f Accepting, byLink bool) (Change, error) {
	i := f.Invitation
	if op.Actor.User() != "" || !byLink {
		if err := isAddressee(op, f, byLink); err != nil {
			return Change{}, err
		}
	}
	if err := f.open(op); err != nil {
		if op.Actor.User() == "" {
			return Change{}, accounts.ErrNotFound
		}
		return Change{}, op.Refuse(i.Account, accounts.RefusedToken, err)
	}
	i.State, i.User, i.DecidedAt, i.UpdatedAt = Declined, op.Actor.User(), op.At, op.At
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards,
		accounts.Guard{Account: f.Account.ID, Version: f.Account.Version},
		accounts.Guard{User: f.Inviter.User.ID, Epoch: f.Inviter.User.Epoch})
	c.Invitations = []Invitation{i}
	c.CancelMail = []mail.Reason{reason(i)}
	op.Record(&c.Change, accounts.Event{Kind: EventInvitationDeclined, Account: i.Account, User: i.User, Invitation: i.ID})
	err := op.Write(&c.Change, f.news(mail.InvitationDeclined, mail.Data{Account: f.Account.Name, Address: i.Address}))
	return c, err
}

// news is a mail to whoever invited, if their address is proven: else it would
// go to somebody who may know nothing of them.
func (f Accepting) news(kind string, d mail.Data) accounts.Letter {
	to := f.Inviter.User.Contact()
	if !f.Inviter.User.Proven {
		to.Email = ""
	}
	d.Recipient = to.Name
	return accounts.Letter{
		Kind: kind, Account: f.Account.ID, Locale: f.Account.Locale, To: to,
		Reason: accounts.AccountReason(f.Account.ID), Priority: mail.Notice, Data: d,
	}
}
