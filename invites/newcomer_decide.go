package invites

import "github.com/chatelaine-go/chatelaine/accounts"

// newcomer is somebody who joins with a login that is made for it.
type newcomer struct {
	User       accounts.User        // as the caller wants it; of an existing one only the id counts
	Credential string               // the hash of their password, or ""
	Identity   accounts.IdentityKey // their login at an issuer, or zero
}

// barred refuses a new login at an address: to whoever has a login, which no
// link replaces, or has identity confirmation on, which a link would get
// around. By a link that does not prove the mailbox nobody becomes a user who is
// there: such a login would reach everything else that they have.
func barred(was accounts.Means, proves bool) error {
	u := was.User
	if u.ID != "" && (was.HasLogin() || u.Confirms || !proves) {
		return ErrHasLogin
	}
	return nil
}

// enter begins a change that makes somebody a user with a new login at an
// address, and returns them as they will be stored, and the operation as
// theirs. Proves is whether the link was mailed to the address and shown to
// nobody else.
func (in newcomer) enter(op accounts.Operation, was accounts.Means, email accounts.Email, address string, proves bool) (
	accounts.Operation, Change, accounts.User, error,
) {
	none := func(err error) (accounts.Operation, Change, accounts.User, error) {
		return op, Change{}, accounts.User{}, err
	}
	if err := barred(was, proves); err != nil {
		return none(err)
	}
	u, created := in.User, false
	switch {
	case was.User.ID == "":
		u.Epoch, u.CreatedAt, created = 1, op.At, true
	case !was.User.Active():
		return none(accounts.ErrNotFound)
	case u.ID != was.User.ID:
		return none(&accounts.TakenError{Field: "email"})
	default:
		// Somebody may have been here under the address before it was proven:
		// their sessions end, and so do links that were mailed about the login.
		kept := u.Kept
		u = was.User
		u.Kept, u.EpochAt = kept, op.At
		u.Epoch++
	}
	u.Email, u.Address, u.UpdatedAt = email, address, op.At
	u.Proven = u.Proven || proves
	op.Actor = accounts.Admitted(accounts.Admission{User: u.ID, Epoch: u.Epoch})
	c := Change{Change: op.Change()}
	c.Users = []accounts.User{u}
	if created {
		op.Record(&c.Change, accounts.Event{Kind: accounts.EventUserCreated, User: u.ID})
	} else {
		c.CancelMail = append(c.CancelMail, accounts.LoginReason(u.ID))
	}
	if in.Credential != "" {
		cred := was.Credential
		if cred.User, cred.Hash, cred.UpdatedAt = u.ID, in.Credential, op.At; cred.Version == 0 {
			cred.CreatedAt = op.At
		}
		c.Credentials = []accounts.Credential{cred}
	}
	if in.Identity != (accounts.IdentityKey{}) {
		c.Identities = []accounts.Identity{{Issuer: in.Identity.Issuer, Subject: in.Identity.Subject, User: u.ID, CreatedAt: op.At}}
	}
	return op, c, u, nil
}
