package accounts

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// UserFacts is what decides about a user whom the host keeps: who has the id,
// the address, the user name and the identities now. Absent ones are zero.
type UserFacts struct {
	Stored     Means
	ByEmail    User
	ByHandle   User
	Identities []UserID // whose each identity is, in their order
}

// PutUser decides whether a user whom the host keeps is created or updated.
// The user comes back as it will be stored.
func (o Operation) PutUser(want User, identities []IdentityKey, f UserFacts) (Change, User, error) {
	none := func(err error) (Change, User, error) { return Change{}, User{}, err }
	if !o.Actor.IsSystem() {
		return none(&roles.DeniedError{Action: "user.put", Why: "only a job of the host keeps users"})
	}
	stored := f.Stored.User
	if !stored.DeletedAt.IsZero() {
		return none(taken("id"))
	}
	if f.ByEmail.ID != "" && f.ByEmail.ID != want.ID {
		return none(taken("email"))
	}
	if f.ByHandle.ID != "" && f.ByHandle.ID != want.ID {
		return none(taken("handle"))
	}
	c := o.Change()
	u := stored
	u.ID, u.Name, u.Handle, u.Locale = want.ID, want.Name, want.Handle, want.Locale
	// A stored credential without a hash is a password that was taken away, whose
	// user gets another one by mail. Whoever else has no login here is the host's.
	u.Kept = stored.Kept || want.Kept || !f.Stored.HasLogin() && f.Stored.Credential.Version == 0
	u.Email, u.Address, u.Proven = want.Email, want.Address, want.Proven
	for i, owner := range f.Identities {
		switch owner {
		case "":
			c.Identities = append(c.Identities, Identity{
				Issuer: identities[i].Issuer, Subject: identities[i].Subject, User: u.ID, CreatedAt: o.At,
			})
		case u.ID:
		default:
			return none(taken("identities"))
		}
	}
	if u == stored && len(c.Identities) == 0 {
		return Change{}, u, nil
	}
	kind := EventUserUpdated
	if u.Version == 0 {
		u.Epoch, u.CreatedAt, kind = 1, o.At, EventUserCreated
	}
	u = o.relogged(&c, f.Stored, u, identities)
	if n := len(c.Unlink); n > 0 && n == len(f.Stored.Identities) && f.Stored.Credential.Version == 0 {
		u.Kept = true // nothing is left here, as the next call would find
	}
	u.UpdatedAt = o.At
	c.Users = []User{u}
	o.Record(&c, Event{Kind: kind, User: u.ID})
	u.Version++
	return c, u, nil
}

// relogged returns a user as they are once the host has changed what their
// login here rests on, and adds what follows to a change. Another address, and
// a login that the host takes over, end their sessions. A mailbox that is proven
// only now voids what was prepared under it before, by whoever typed it: the
// password, the logins at issuers, and the phone. What the host vouches for
// stays: that is its own word, and no stranger's.
func (o Operation) relogged(c *Change, was Means, u User, vouched []IdentityKey) User {
	if was.User.Kept || !was.HasLogin() {
		return u
	}
	proven := u.Proven && !was.User.Proven
	if !proven && u.Kept == was.User.Kept && u.Email == was.User.Email {
		return u
	}
	u.Epoch++
	u.EpochAt = o.At
	c.CancelMail = append(c.CancelMail, LoginReason(u.ID))
	if !proven {
		return u
	}
	u.Confirms, u.Phone = false, ""
	if cred := was.Credential; cred.Hash != "" {
		cred.Hash, cred.UpdatedAt = "", o.At
		c.Credentials = append(c.Credentials, cred)
	}
	for _, i := range was.Identities {
		if !slices.Contains(vouched, i.Key()) {
			c.Unlink = append(c.Unlink, i.Key())
		}
	}
	return u
}

// UpdateUser decides whether what a user is called changes. The user comes back
// as it will be stored.
func (o Operation) UpdateUser(u, holder User, in UpdateUser) (Change, User, error) {
	none := func(err error) (Change, User, error) { return Change{}, User{}, err }
	if !o.Actor.IsSystem() {
		if err := o.Self(u.UserState); err != nil {
			return none(err)
		}
		if u.Kept {
			return none(&InvalidError{Field: "id", Reason: "is a user whom the host keeps; change them there"})
		}
	} else if !u.DeletedAt.IsZero() {
		return none(ErrNotFound)
	}
	was := u
	if in.Name != nil {
		if err := CheckText("name", *in.Name, maxName); err != nil {
			return none(err)
		}
		u.Name = *in.Name
	}
	if in.Handle != nil {
		if err := checkHandle(*in.Handle); err != nil {
			return none(err)
		}
		if holder.ID != "" && holder.ID != u.ID {
			return none(taken("handle"))
		}
		u.Handle = *in.Handle
	}
	if in.Locale != nil {
		if err := CheckLocale(*in.Locale); err != nil {
			return none(err)
		}
		u.Locale = *in.Locale
	}
	if u == was {
		return Change{}, u, nil
	}
	u.UpdatedAt = o.At
	c := o.Relying()
	c.Users = []User{u}
	o.Record(&c, Event{Kind: EventUserUpdated, User: u.ID})
	u.Version++
	return c, u, nil
}

// SuspendUser decides whether an operator suspends a user everywhere. The
// user's sessions end at once, and reactivating revives none of them.
func (o Operation) SuspendUser(u User) (Change, error) {
	if err := o.ByOperator(""); err != nil || !u.SuspendedAt.IsZero() {
		return Change{}, err
	}
	u.SuspendedAt = o.At
	u.Suspensions++
	u.Epoch++
	u.EpochAt = o.At
	c := o.user(u, EventUserSuspended)
	c.CancelMail = []mail.Reason{LoginReason(u.ID)}
	return c, nil
}

// ReactivateUser decides whether an operator lets a suspended user in again.
func (o Operation) ReactivateUser(u User) (Change, error) {
	if err := o.ByOperator(""); err != nil || u.SuspendedAt.IsZero() {
		return Change{}, err
	}
	u.SuspendedAt = time.Time{}
	// A login at the moment of the suspension, or during it, is none either.
	u.Epoch++
	u.EpochAt = o.At
	return o.user(u, EventUserReactivated), nil
}

func (o Operation) user(u User, kind EventKind) Change {
	c := o.Change()
	u.UpdatedAt = o.At
	c.Users = []User{u}
	o.Record(&c, Event{Kind: kind, User: u.ID})
	return c
}
