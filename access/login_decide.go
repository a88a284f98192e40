package access

import (
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// minted is a secret that nobody has seen.
type minted struct {
	Secret token.Secret
	Hash   token.Hash
}

// signUp decides what becomes of a sign-up. An address that has a login keeps
// it: its owner is told, and the visitor is not.
func signUp(op accounts.Operation, f Entering, u accounts.User, hash string, from source, link minted) (Change, error) {
	spend, err := spendLink(op, f, from, u.Email)
	if err != nil {
		return Change{}, err
	}
	if known := f.Means.User; known.ID != "" {
		c := Change{Change: op.Change()}
		c.Guards = stillThere(known)
		c.Spend = spend
		op.Record(&c.Change, accounts.Event{Kind: EventSignUpRepeated, User: known.ID})
		err = op.Write(&c.Change, ownLetter(mail.SignUpKnown, known, "", mail.Data{Link: op.Rules.Links.LogIn()}))
		return c, err
	}
	u.Epoch, u.CreatedAt, u.UpdatedAt = 1, op.At, op.At
	op.Actor = accounts.Admitted(accounts.Admission{User: u.ID, Epoch: u.Epoch})
	c := Change{Change: op.Change()}
	c.Users = []accounts.User{u}
	c.Credentials = []accounts.Credential{{User: u.ID, Hash: hash, CreatedAt: op.At, UpdatedAt: op.At}}
	c.Spend = spend
	op.Record(&c.Change, accounts.Event{Kind: accounts.EventUserCreated, User: u.ID})
	err = mailTicket(op, &c, u, Ticket{TicketKey: TicketKey{User: u.ID, Purpose: token.Proof}}, link)
	return c, err
}

// enter decides whether a right password opens anything: for an active user,
// whose password is still the one that was compared. Tries are forgiven, and a
// hash of old parameters is replaced.
func enter(op accounts.Operation, f Entering, compared, rehash string) (Change, error) {
	u := f.Means.User
	if u.ID == "" || !u.Active() || u.Kept || compared == "" || f.Means.Credential.Hash != compared {
		return Change{}, ErrCredentials
	}
	op.Actor = accounts.Admitted(accounts.Admission{User: u.ID, Epoch: u.Epoch})
	c := Change{Change: op.Relying()}
	c.Guesses = f.Guesses.forgiven()
	if rehash != "" {
		cred := f.Means.Credential
		cred.Hash, cred.UpdatedAt = rehash, op.At
		c.Credentials = []accounts.Credential{cred}
	}
	return c, nil
}

// failed is the record of a wrong password, alike for addresses that somebody
// has and that nobody has.
func failed(op accounts.Operation, u accounts.UserID) Change {
	c := Change{Change: op.Change()}
	op.Record(&c.Change, accounts.Event{Kind: EventLoginFailed, User: u})
	return c
}

// setPassword adds to a change a user's new password, and everything that ends
// with the old one: all sessions, and all links about the login, those in mail
// that is not sent yet included. The means are as they were before the change.
func setPassword(op accounts.Operation, c *Change, m accounts.Means, u accounts.User, hash string, kind accounts.EventKind) error {
	cred := m.Credential
	if cred.Version == 0 {
		cred.User, cred.CreatedAt = u.ID, op.At
	}
	cred.Hash, cred.UpdatedAt = hash, op.At
	u.Epoch++
	u.EpochAt, u.UpdatedAt = op.At, op.At
	c.Users = []accounts.User{u}
	c.Credentials = []accounts.Credential{cred}
	c.CancelMail = append(c.CancelMail, loginReasons(u.ID)...)
	op.Record(&c.Change, accounts.Event{Kind: kind, User: u.ID})
	to := u
	to.Proven = m.User.Proven // until now the name may have been a stranger's words
	return op.Write(&c.Change, ownLetter(mail.PasswordChanged, to, "", mail.Data{}))
}

// changePassword decides whether a user who is signed in gets another
// password. Their own session goes on with a new secret; all others end.
func changePassword(op accounts.Operation, f Entering, own Session, compared, hash string, secret minted) (Change, error) {
	u := f.Means.User
	if err := mayKeepLogin(op, u); err != nil {
		return Change{}, err
	}
	if f.Means.Credential.Hash != compared {
		return Change{}, ErrCredentials
	}
	if err := op.Confirmed(u.UserState, EventPasswordChanged, ""); err != nil {
		return Change{}, err
	}
	if compared == "" {
		// A first password, beside another way to log in.
		if err := op.Fresh(u.UserState, EventPasswordChanged, ""); err != nil {
			return Change{}, err
		}
	}
	c := Change{Change: op.Relying()}
	c.Guesses = f.Guesses.forgiven()
	if own.Version != 0 {
		if !own.alive(op.At, u.UserState, op.Rules.Limits) {
			return Change{}, accounts.ErrStepUp // it would come back to life
		}
		own.UserEpoch, own.Hash, own.SeenAt = u.Epoch+1, secret.Hash, op.At
		if compared != "" {
			own.AuthAt = op.At
		}
		c.Sessions = []Session{own}
	}
	err := setPassword(op, &c, f.Means, u, hash, EventPasswordChanged)
	return c, err
}

// resetPassword decides whether the holder of a reset's link sets a new
// password. The link proves the mailbox, so what somebody prepared under an
// address that was not theirs to use is void: their password, their sessions,
// their logins elsewhere, and their phone.
func resetPassword(op accounts.Operation, t Ticket, m accounts.Means, f Entering, hash string) (Change, error) {
	u := m.User
	if !t.Counts(op.At, u) || !resettable(m) {
		return Change{}, accounts.ErrNotFound
	}
	op.Actor = accounts.Admitted(accounts.Admission{User: u.ID, Epoch: u.Epoch})
	c := Change{Change: op.Change()}
	if !u.Proven {
		u.Proven, u.Confirms, u.Phone = true, false, ""
		for _, i := range m.Identities {
			c.Unlink = append(c.Unlink, i.Key())
		}
	}
	t.UsedAt = op.At
	c.Tickets = []Ticket{t}
	c.Guesses = f.Guesses.forgiven()
	err := setPassword(op, &c, m, u, hash, EventPasswordReset)
	return c, err
}

// resettable reports whether a mailed link may set this user's password: they
// have one, or, with a mailbox nobody can doubt by then, no login at all. Who
// logs in through the host or an issuer goes on to.
func resettable(m accounts.Means) bool {
	return !m.User.Kept && (m.Credential.Hash != "" || len(m.Identities) == 0)
}

// askReset decides which mail answers somebody who cannot log in. It goes to
// the address as it is stored. Beyond the day's mails most get none, and all
// else stays the same, so that nobody outside can tell who does.
func askReset(op accounts.Operation, f Entering, email accounts.Email, old Ticket, device Device, link minted) (Change, error) {
	u, from := f.Means.User, device.network()
	spend, err := spendLink(op, f, from, email)
	over := errors.Is(err, accounts.ErrQuota)
	if over {
		spend, err = from.spend(op.At, op.Rules.Limits, f.Tries)
	}
	if err != nil {
		return Change{}, err
	}
	c := Change{Change: op.Change()}
	c.Guards = stillThere(u)
	c.Spend = spend
	op.Record(&c.Change, accounts.Event{Kind: EventResetAsked, User: u.ID})
	known := u.ID != "" && u.Active()
	switch {
	case over && (!known || !resettable(f.Means) || op.At.Sub(old.CreatedAt) < op.Rules.Limits.ResendEvery):
		// Strangers can use up the day's mails. The owner of a login gets one
		// more every hour all the same, so that nobody keeps them out.
		return c, nil
	case !known:
		l := ownLetter(mail.NoLogin, accounts.User{Email: email}, "", mail.Data{})
		l.Locale = device.locale()
		return c, op.Write(&c.Change, l)
	case !resettable(f.Means):
		err = op.Write(&c.Change, ownLetter(mail.LoginElsewhere, u, "", mail.Data{}))
		return c, err
	}
	old.TicketKey = TicketKey{User: u.ID, Purpose: token.Reset}
	err = mailTicket(op, &c, u, old, link)
	return c, err
}

// stillThere guards a change about a user who is not the actor: nobody who is
// erased meanwhile is written to, or leaves an address in a ticket.
func stillThere(u accounts.User) []accounts.Guard {
	if u.ID == "" {
		return nil
	}
	return []accounts.Guard{{User: u.ID, Epoch: u.Epoch}}
}

// issue adds a ticket to a change, in the place of the one before. Unsent mail
// with the link before is taken back.
func issue(op accounts.Operation, c *Change, u accounts.User, t Ticket, link minted) Ticket {
	ttl := op.Rules.Limits.ProofTTL
	if t.Purpose == token.Reset {
		ttl = op.Rules.Limits.ResetTTL
	}
	if t.Purpose != token.Address {
		t.Email, t.Address = u.Email, u.Address
	}
	t.Hash, t.Epoch, t.CreatedAt, t.ExpiresAt, t.UsedAt = link.Hash, u.Epoch, op.At, op.At.Add(ttl), time.Time{}
	c.Tickets = append(c.Tickets, t)
	c.CancelMail = append(c.CancelMail, ticketReason(t.TicketKey))
	return t
}

// mailTicket adds a ticket and its mail to a change.
func mailTicket(op accounts.Operation, c *Change, u accounts.User, t Ticket, link minted) error {
	t = issue(op, c, u, t, link)
	kind, url := mail.AddressProof, op.Rules.Links.ProveAddress
	to := u
	if t.Purpose == token.Reset {
		kind, url = mail.PasswordReset, op.Rules.Links.ResetPassword
	}
	if t.Purpose == token.Address {
		kind, url = mail.AddressChange, op.Rules.Links.ChangeAddress
		to.Email = t.Email
	}
	l := ownLetter(kind, to, t.Purpose, mail.Data{Link: url(link.Secret.Reveal()), ExpiresAt: t.ExpiresAt})
	l.Priority, l.NotAfter = mail.Awaited, t.ExpiresAt
	return op.Write(&c.Change, l)
}

// ownLetter is a mail about somebody's own login. It is sent for no account.
func ownLetter(kind string, to accounts.User, p token.Purpose, d mail.Data) accounts.Letter {
	contact := to.Contact()
	if d.Recipient = contact.Name; !to.Proven || p == token.Address {
		// A name that a stranger may have chosen, to be read by the address's owner.
		d.Recipient, contact.Name = "", ""
	}
	return accounts.Letter{Kind: kind, To: contact, Reason: ticketReason(TicketKey{User: to.ID, Purpose: p}), Priority: mail.Notice, Data: d}
}

// loginReasons are the reasons of all mail that holds a link or a code about a
// user's own login.
func loginReasons(user accounts.UserID) []mail.Reason {
	list := []mail.Reason{codesReason(user)}
	for _, p := range []token.Purpose{token.Address, token.Proof, token.Reset} {
		list = append(list, ticketReason(TicketKey{User: user, Purpose: p}))
	}
	return list
}

// ticketReason is the reason of mail about a user's own login.
func ticketReason(k TicketKey) mail.Reason {
	if k.User == "" {
		return mail.ReasonFor("login")
	}
	return mail.ReasonFor("login", string(k.User), string(k.Purpose))
}

// spendLink returns what a mail about the login of an address takes from the
// counters of the address and of the source, or refuses.
func spendLink(op accounts.Operation, f Entering, from source, email accounts.Email) ([]accounts.Spend, error) {
	q := accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaLinks, Subject: string(email), Day: accounts.DayOf(op.At)},
		Used: f.Links, Limit: op.Rules.Limits.LinksPerDay,
	}
	if q.Left() == 0 {
		return nil, q.Err()
	}
	spend, err := from.spend(op.At, op.Rules.Limits, f.Tries)
	return append(spend, q.Spend(1)), err
}

// mayKeepLogin decides whether the acting user may change how they log in:
// with a login that still counts, and unless the host keeps it.
func mayKeepLogin(op accounts.Operation, u accounts.User) error {
	if err := op.Self(u.UserState); err != nil {
		return err
	}
	if u.Kept {
		return &accounts.InvalidError{Field: "user", Reason: "has a login that the host keeps; change it there"}
	}
	return nil
}
