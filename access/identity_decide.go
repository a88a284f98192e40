package access

import (
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// arrive decides what a login at an issuer means whose subject is not known
// yet: a new user. Nobody is ever found by an address, so one that somebody has
// asks its owner to link the two.
func arrive(op accounts.Operation, in HostLogin, want accounts.User, holder accounts.User) (Change, error) {
	if want.Email != "" && holder.ID != "" {
		return Change{}, ErrLinkFirst
	}
	want.Epoch, want.CreatedAt, want.UpdatedAt = 1, op.At, op.At
	op.Actor = accounts.Admitted(accounts.Admission{User: want.ID, Epoch: want.Epoch})
	c := Change{Change: op.Change()}
	c.Users = []accounts.User{want}
	c.Identities = []accounts.Identity{{Issuer: in.Identity.Issuer, Subject: in.Identity.Subject, User: want.ID, CreatedAt: op.At}}
	op.Record(&c.Change, accounts.Event{Kind: accounts.EventUserCreated, User: want.ID})
	return c, nil
}

// link decides whether a login at an issuer becomes a way in for the acting
// user: with a login of their own that is fresh, a mailbox that they have
// proven here, and the issuer's word, literally true, that it is the same.
func link(op accounts.Operation, u accounts.User, in HostLogin, email accounts.Email, holder accounts.UserID) (Change, error) {
	if err := mayKeepLogin(op, u); err != nil {
		return Change{}, err
	}
	switch {
	case holder == u.ID:
		return Change{}, nil
	case holder != "":
		return Change{}, &accounts.TakenError{Field: "identity"}
	case !u.Proven || u.Email == "":
		return Change{}, &accounts.InvalidError{Field: "user", Reason: "has not proven their address; prove it first"}
	case !in.verified():
		return Change{}, &accounts.InvalidError{Field: "verified", Reason: "is not the literal true"}
	case email != u.Email:
		return Change{}, &accounts.InvalidError{Field: "email", Reason: "is not the user's own address"}
	}
	if err := op.Fresh(u.UserState, EventIdentityLinked, ""); err != nil {
		return Change{}, err
	}
	c := Change{Change: op.Relying()}
	u.UpdatedAt = op.At // the address and its proof stay as they are until this is durable
	c.Users = []accounts.User{u}
	c.Identities = []accounts.Identity{{Issuer: in.Identity.Issuer, Subject: in.Identity.Subject, User: u.ID, CreatedAt: op.At}}
	op.Record(&c.Change, accounts.Event{Kind: EventIdentityLinked, User: u.ID})
	err := op.Write(&c.Change, ownLetter(mail.IdentityLinked, u, "", mail.Data{}))
	return c, err
}

// unlink decides whether a login at an issuer stops being a way in. One way
// stays.
func unlink(op accounts.Operation, m accounts.Means, key accounts.IdentityKey) (Change, error) {
	u := m.User
	if err := mayKeepLogin(op, u); err != nil {
		return Change{}, err
	}
	has := false
	for _, i := range m.Identities {
		has = has || i.Key() == key
	}
	if !has {
		return Change{}, accounts.ErrNotFound
	}
	if m.Credential.Hash == "" && len(m.Identities) == 1 {
		return Change{}, &accounts.InvalidError{Field: "identity", Reason: "is the only way to log in; set a password first"}
	}
	if err := op.Fresh(u.UserState, EventIdentityUnlinked, ""); err != nil {
		return Change{}, err
	}
	c := Change{Change: op.Relying()}
	u.UpdatedAt = op.At // so that of two that are taken away at once one stays
	c.Users = []accounts.User{u}
	c.Unlink = []accounts.IdentityKey{key}
	op.Record(&c.Change, accounts.Event{Kind: EventIdentityUnlinked, User: u.ID})
	err := op.Write(&c.Change, ownLetter(mail.IdentityUnlinked, u, "", mail.Data{}))
	return c, err
}
