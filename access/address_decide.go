package access

import (
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// askProof decides whether a user is mailed a link that proves their address.
func askProof(op accounts.Operation, f Entering, old Ticket, link minted) (Change, error) {
	u := f.Means.User
	if err := mayKeepLogin(op, u); err != nil || u.Proven {
		return Change{}, err
	}
	c, err := asking(op, f, u.Email, EventProofAsked)
	if err != nil {
		return Change{}, err
	}
	old.TicketKey = TicketKey{User: u.ID, Purpose: token.Proof}
	err = mailTicket(op, &c, u, old, link)
	return c, err
}

// prove decides whether a user's address is proven: by the link that was sent
// there, in the hands of the user who is signed in. The link alone proves
// nothing: whoever signed up with somebody else's address would have it opened
// by its owner.
func prove(op accounts.Operation, t Ticket, u accounts.User) (Change, error) {
	c, err := redeem(op, t, u)
	if err != nil || u.Proven {
		return Change{}, err
	}
	u.Proven, u.UpdatedAt = true, op.At
	c.Users = []accounts.User{u}
	op.Record(&c.Change, accounts.Event{Kind: EventAddressProven, User: u.ID})
	return c, nil
}

// askAddress decides whether a user is mailed a link, to another address of
// theirs, that makes it their own. The address they have is told. Whether
// somebody has the other one is not told here: its owner is, and the link that
// the user was mailed before is dead either way. Asked is how often they asked
// today, for whatever address.
func askAddress(op accounts.Operation, u accounts.User, f Entering, asked int, typed string, old Ticket, link minted) (Change, error) {
	if err := mayKeepLogin(op, u); err != nil {
		return Change{}, err
	}
	if f.Guesses.Email == u.Email {
		return Change{}, &accounts.InvalidError{Field: "email", Reason: "is the address that you have"}
	}
	if err := op.Fresh(u.UserState, EventAddressAsked, ""); err != nil {
		return Change{}, err
	}
	q := accounts.Quota{Key: asksOf(op, u.ID), Used: asked, Limit: op.Rules.Limits.LinksPerDay}
	if q.Left() == 0 {
		return Change{}, q.Err()
	}
	c, err := asking(op, f, f.Guesses.Email, EventAddressAsked)
	if err != nil {
		return Change{}, err
	}
	c.Spend = append(c.Spend, q.Spend(1))
	if err := op.Write(&c.Change, ownLetter(mail.AddressChangeAsked, u, "", mail.Data{Address: typed})); err != nil {
		return Change{}, err
	}
	old.TicketKey, old.Email, old.Address = TicketKey{User: u.ID, Purpose: token.Address}, f.Guesses.Email, typed
	if taken := f.Means.User; taken.ID != "" {
		issue(op, &c, u, old, link) // for nobody: its secret is not mailed
		// Its owner is told as long as there is one.
		c.Guards = append(c.Guards, accounts.Guard{User: taken.ID, Epoch: taken.Epoch})
		err = op.Write(&c.Change, ownLetter(mail.SignUpKnown, taken, "", mail.Data{Link: op.Rules.Links.LogIn()}))
		return c, err
	}
	err = mailTicket(op, &c, u, old, link)
	return c, err
}

// asksOf names the counter of the other addresses that a user asks for: they
// get mail, and so does the user's own.
func asksOf(op accounts.Operation, user accounts.UserID) accounts.QuotaKey {
	return accounts.QuotaKey{Kind: accounts.QuotaAsks, Subject: string(user), Day: accounts.DayOf(op.At)}
}

// confirmAddress decides whether a user gets the address that a link was sent
// to. Links sent to the address before are dead: they go with it.
func confirmAddress(op accounts.Operation, t Ticket, u, holder accounts.User) (Change, error) {
	c, err := redeem(op, t, u)
	if err != nil {
		return Change{}, err
	}
	if holder.ID != "" && holder.ID != u.ID {
		return Change{}, &accounts.TakenError{Field: "email"}
	}
	was := u
	u.Email, u.Address, u.Proven, u.UpdatedAt = t.Email, t.Address, true, op.At
	c.Users = []accounts.User{u}
	c.CancelMail = append(c.CancelMail,
		ticketReason(TicketKey{User: u.ID, Purpose: token.Proof}), ticketReason(TicketKey{User: u.ID, Purpose: token.Reset}))
	op.Record(&c.Change, accounts.Event{Kind: EventAddressChanged, User: u.ID})
	err = op.Write(&c.Change, ownLetter(mail.AddressChanged, was, "", mail.Data{Address: u.Address}))
	return c, err
}

// asking begins a change that mails a link to somebody who is signed in.
func asking(op accounts.Operation, f Entering, email accounts.Email, kind accounts.EventKind) (Change, error) {
	if email == "" {
		return Change{}, &accounts.InvalidError{Field: "email", Reason: "is missing"}
	}
	c := Change{Change: op.Relying()}
	var err error
	c.Spend, err = spendLink(op, f, "", email)
	op.Record(&c.Change, accounts.Event{Kind: kind, User: op.Actor.User()})
	return c, err
}

// redeem decides whether a ticket is the acting user's and still counts, and
// returns the change that uses it up.
func redeem(op accounts.Operation, t Ticket, u accounts.User) (Change, error) {
	if op.Actor.User() == "" || op.Actor.User() != t.User {
		return Change{}, accounts.ErrNotFound
	}
	if err := mayKeepLogin(op, u); err != nil {
		return Change{}, err
	}
	if !t.Counts(op.At, u) {
		return Change{}, accounts.ErrNotFound
	}
	t.UsedAt = op.At
	c := Change{Change: op.Relying()}
	c.Tickets = []Ticket{t}
	return c, nil
}
