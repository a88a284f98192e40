package accounts

import (
	"context"
	"strings"

	"github.com/chatelaine-go/chatelaine/roles"
)

// PutUser is the input of [Service.PutUser]: a user as the host keeps it.
type PutUser struct {
	ID     UserID // the host's own id
	Name   string // at most 100 characters
	Handle string // the user name; "": none. No @ in it, so that it is never taken for an address
	Email  string // "": none
	Proven bool   // the host has proven that the mailbox is the user's
	Locale string // a BCP 47 language tag

	// Identities are the logins at issuers that mean this user. They are
	// added; those not named stay.
	Identities []IdentityKey
}

// PutUser creates or updates a user whom the host keeps under its own id. Such
// a user has a login: nothing in the library sets a password for them. Only a
// job of the host may do it. An address, user name or identity of another user
// is [ErrTaken]; nothing is ever linked because addresses are equal. Putting
// the same again changes nothing.
//
// It replaces what the host keeps, so put the whole user: an empty Name clears
// the name, and Proven false takes the proof away. In [UpdateAccount], fields
// that are nil stay.
func (s *Service) PutUser(ctx context.Context, actor Actor, in PutUser) (User, error) {
	want, err := in.user()
	if err != nil {
		return User{}, err
	}
	op := s.env.Begin(actor)
	var out User
	err = s.run(ctx, op, EventUserUpdated, func(ctx context.Context) (Change, error) {
		f, err := s.userFacts(ctx, want, in.Identities)
		if err != nil {
			return Change{}, err
		}
		c, u, err := op.PutUser(want, in.Identities, f)
		out = u
		return c, err
	})
	if err != nil {
		return User{}, err
	}
	return out, nil
}

// UserFacts is what decides about a user whom the host keeps: who has the id,
// the address, the user name and the identities now. Absent ones are zero.
type UserFacts struct {
	Stored     User
	ByEmail    User
	ByHandle   User
	Identities []UserID // whose each identity is, in their order
}

func (s *Service) userFacts(ctx context.Context, want User, identities []IdentityKey) (UserFacts, error) {
	var f UserFacts
	find := func(key UserKey) (User, error) {
		u, err := s.st.User(ctx, key)
		if isNotFound(err) {
			return User{}, nil
		}
		return u, err
	}
	var err error
	if f.Stored, err = find(UserKey{ID: want.ID}); err != nil {
		return f, err
	}
	if want.Email != "" {
		if f.ByEmail, err = find(UserKey{Email: want.Email}); err != nil {
			return f, err
		}
	}
	if want.Handle != "" {
		if f.ByHandle, err = find(UserKey{Handle: NameKey(want.Handle)}); err != nil {
			return f, err
		}
	}
	for _, id := range identities {
		u, err := find(UserKey{Identity: id})
		if err != nil {
			return f, err
		}
		f.Identities = append(f.Identities, u.ID)
	}
	return f, nil
}

// PutUser decides whether a user whom the host keeps is created or updated.
// The user comes back as it will be stored.
func (o Operation) PutUser(want User, identities []IdentityKey, f UserFacts) (Change, User, error) {
	none := func(err error) (Change, User, error) { return Change{}, User{}, err }
	if !o.Actor.IsSystem() {
		return none(&roles.DeniedError{Action: "user.put", Why: "only a job of the host keeps users"})
	}
	if !f.Stored.DeletedAt.IsZero() {
		return none(taken("id"))
	}
	if f.ByEmail.ID != "" && f.ByEmail.ID != want.ID {
		return none(taken("email"))
	}
	if f.ByHandle.ID != "" && f.ByHandle.ID != want.ID {
		return none(taken("handle"))
	}
	c := o.Change()
	u := f.Stored
	u.ID, u.Name, u.Handle, u.Locale, u.Kept = want.ID, want.Name, want.Handle, want.Locale, true
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
	if u == f.Stored && len(c.Identities) == 0 {
		return Change{}, u, nil
	}
	kind := EventUserUpdated
	if u.Version == 0 {
		u.Epoch, u.CreatedAt, kind = 1, o.At, EventUserCreated
	}
	u.UpdatedAt = o.At
	c.Users = []User{u}
	o.Record(&c, Event{Kind: kind, User: u.ID})
	u.Version++
	return c, u, nil
}

func (in PutUser) user() (User, error) {
	u := User{UserState: UserState{ID: in.ID, Name: in.Name}, Handle: in.Handle, Locale: in.Locale, Proven: in.Proven}
	if err := CheckID("id", in.ID); err != nil {
		return u, err
	}
	if err := CheckText("name", in.Name, maxName); err != nil {
		return u, err
	}
	if err := CheckText("handle", in.Handle, 64); err != nil {
		return u, err
	}
	if strings.ContainsRune(in.Handle, '@') || in.Handle != "" && NameKey(in.Handle) == "" {
		return u, &InvalidError{Field: "handle", Reason: "has an @ or nothing but spaces"}
	}
	if err := CheckLocale(in.Locale); err != nil {
		return u, err
	}
	if in.Email != "" {
		var err error
		if u.Email, err = ParseEmail(in.Email); err != nil {
			return u, err
		}
		u.Address = strings.TrimSpace(in.Email)
	} else if in.Proven {
		return u, &InvalidError{Field: "proven", Reason: "is set without an email"}
	}
	seen := map[IdentityKey]bool{}
	for _, id := range in.Identities {
		if err := id.check("identities."); err != nil {
			return u, err
		}
		if seen[id] {
			return u, &InvalidError{Field: "identities", Reason: "has an identity twice"}
		}
		seen[id] = true
	}
	return u, nil
}

// User returns a user by id to the user, a job or an operator; anybody else is
// told that there is none.
func (s *Service) User(ctx context.Context, actor Actor, id UserID) (User, error) {
	if err := CheckID("user", id); err != nil {
		return User{}, err
	}
	if !actor.IsSystem() && !actor.IsOperator() && (actor.user == "" || actor.user != id) {
		return User{}, ErrNotFound
	}
	u, err := s.st.User(ctx, UserKey{ID: id})
	if err != nil {
		return User{}, err
	}
	if actor.user != "" && u.Epoch != actor.epoch {
		return User{}, ErrStepUp
	}
	return u, nil
}

// FindUser finds a user for an operator or a job, by id, address or user name.
func (s *Service) FindUser(ctx context.Context, actor Actor, ref string) (User, error) {
	if !actor.IsSystem() && !actor.IsOperator() {
		return User{}, &roles.DeniedError{Action: "operate", Why: "only an operator may do this"}
	}
	if err := checkText("user", ref, 1, MaxEmail); err != nil {
		return User{}, err
	}
	var keys []UserKey
	if CheckID("user", UserID(ref)) == nil {
		keys = append(keys, UserKey{ID: UserID(ref)})
	}
	if email, err := ParseEmail(ref); err == nil {
		keys = append(keys, UserKey{Email: email})
	}
	for _, key := range append(keys, UserKey{Handle: NameKey(ref)}) {
		if u, err := s.st.User(ctx, key); !isNotFound(err) {
			return u, err
		}
	}
	return User{}, ErrNotFound
}

// SuspendUser keeps a user out everywhere, at the next check: sessions end and
// do not come back. Only an operator may do it. An account whose only owner is
// suspended keeps that owner.
func (s *Service) SuspendUser(ctx context.Context, actor Actor, user UserID) error {
	return s.onUser(ctx, actor, user, EventUserSuspended, Operation.SuspendUser)
}

// ReactivateUser lets a suspended user log in again. Only an operator may do
// it.
func (s *Service) ReactivateUser(ctx context.Context, actor Actor, user UserID) error {
	return s.onUser(ctx, actor, user, EventUserReactivated, Operation.ReactivateUser)
}

// SuspendAccount pauses an account: nobody reaches it, and as an agency it
// reaches nobody. Only an operator may do it.
func (s *Service) SuspendAccount(ctx context.Context, actor Actor, account AccountID) error {
	return s.byHost(ctx, actor, account, EventAccountSuspended, Operation.SuspendAccount)
}

// ReactivateAccount ends the pause of an account; everything counts again that
// did not end meanwhile. Only an operator may do it.
func (s *Service) ReactivateAccount(ctx context.Context, actor Actor, account AccountID) error {
	return s.byHost(ctx, actor, account, EventAccountReactivated, Operation.ReactivateAccount)
}

// byHost is an act on an account that no user may do.
func (s *Service) byHost(ctx context.Context, actor Actor, id AccountID, kind EventKind, decide func(Operation, Account) (Change, error)) error {
	if err := CheckID("account", id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		a, err := s.st.Account(ctx, id)
		if isNotFound(err) && !actor.IsOperator() && !actor.IsSystem() {
			return decide(op, Account{}) // refused, and tells nobody which accounts exist
		}
		if err != nil {
			return Change{}, err
		}
		return decide(op, a)
	})
}

func (s *Service) onUser(ctx context.Context, actor Actor, user UserID, kind EventKind, decide func(Operation, User) (Change, error)) error {
	if err := CheckID("user", user); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		if !actor.IsOperator() {
			return decide(op, User{}) // refused, and tells nobody who exists
		}
		u, err := s.st.User(ctx, UserKey{ID: user})
		if err != nil {
			return Change{}, err
		}
		return decide(op, u)
	})
}
