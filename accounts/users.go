package accounts

import (
	"context"
	"strings"
)

// PutUser is the input of [Service.PutUser]: a user as the host keeps it.
type PutUser struct {
	ID     UserID // the host's own id
	Name   string // at most 100 characters
	Handle string // the user name; "": none. No @ in it, so that it is never taken for an address
	Email  string // "": none
	Proven bool   // the host has proven that the mailbox is the user's
	Locale string // a BCP 47 language tag

	// TakeOver makes the host keep the login of a user who has one here: their
	// password counts no more. Others are the host's in any case, but for those
	// whose password was taken away.
	TakeOver bool

	// Identities are the logins at issuers that mean this user. They are
	// added; those not named stay, unless a proof voids them.
	Identities []IdentityKey
}

// PutUser creates or updates a user whom the host keeps under its own id. Such
// a user has a login: nothing in the library sets a password for them. Only a
// job of the host may do it, else a [*roles.DeniedError]. An address, user name
// or identity of another user, and the id of somebody who was erased, is a
// [*TakenError] that names the field; nothing is ever linked because addresses
// are equal. Putting the same again changes nothing.
//
// A user who has a password or an issuer's login here goes on with it unless
// TakeOver says otherwise. But another address, and TakeOver, end their sessions
// and every link about the login; and a proof where there was none voids that
// login as well, since a stranger may have typed the address: the password, the
// identities that are not named here, the phone and identity confirmation are
// gone. Whoever had a password then gets another one by mail; where nothing is
// left otherwise, the host keeps the login from then on.
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

func (s *Service) userFacts(ctx context.Context, want User, identities []IdentityKey) (UserFacts, error) {
	var f UserFacts
	m, err := s.st.Means(ctx, UserKey{ID: want.ID})
	if err != nil && !isNotFound(err) {
		return f, err
	}
	if err == nil {
		f.Stored = m
	}
	if want.Email != "" {
		if f.ByEmail, err = holder(ctx, s.st, UserKey{Email: want.Email}); err != nil {
			return f, err
		}
	}
	if want.Handle != "" {
		if f.ByHandle, err = holder(ctx, s.st, UserKey{Handle: NameKey(want.Handle)}); err != nil {
			return f, err
		}
	}
	for _, id := range identities {
		u, err := holder(ctx, s.st, UserKey{Identity: id})
		if err != nil {
			return f, err
		}
		f.Identities = append(f.Identities, u.ID)
	}
	return f, nil
}

// holder returns who has what a key names, zero if nobody has it.
func holder(ctx context.Context, st Reader, key UserKey) (User, error) {
	u, err := st.User(ctx, key)
	if isNotFound(err) {
		return User{}, nil
	}
	return u, err
}

func (in PutUser) user() (User, error) {
	u := User{UserState: UserState{ID: in.ID, Name: in.Name}, Handle: in.Handle, Locale: in.Locale, Proven: in.Proven, Kept: in.TakeOver}
	if err := CheckID("id", in.ID); err != nil {
		return u, err
	}
	if err := CheckText("name", in.Name, maxName); err != nil {
		return u, err
	}
	if err := checkHandle(in.Handle); err != nil {
		return u, err
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

// UpdateUser is the input of [Service.UpdateUser]. Nil fields stay.
type UpdateUser struct {
	ID     UserID
	Name   *string // at most 100 characters
	Handle *string // the user name; "": none. No @ in it
	Locale *string // a BCP 47 language tag
}

// UpdateUser changes what a user is called, their user name and their language:
// the user's own doing, with any login that counts, or a job's. To anybody else
// there is no such user. Users whom the host keeps are the host's to change,
// with a job, else an [*InvalidError] for the field "id". A user name that
// somebody has is a [*TakenError]. No session ends. Updating to what is there
// changes nothing.
func (s *Service) UpdateUser(ctx context.Context, actor Actor, in UpdateUser) (User, error) {
	if err := CheckID("id", in.ID); err != nil {
		return User{}, err
	}
	op := s.env.Begin(actor)
	var out User
	err := s.run(ctx, op, EventUserUpdated, func(ctx context.Context) (Change, error) {
		if !actor.IsSystem() && actor.user != in.ID {
			return Change{}, ErrNotFound
		}
		u, err := s.st.User(ctx, UserKey{ID: in.ID})
		if err != nil {
			return Change{}, err
		}
		var who User
		if in.Handle != nil && *in.Handle != "" {
			if who, err = holder(ctx, s.st, UserKey{Handle: NameKey(*in.Handle)}); err != nil {
				return Change{}, err
			}
		}
		var c Change
		c, out, err = op.UpdateUser(u, who, in)
		return c, err
	})
	if err != nil {
		return User{}, err
	}
	return out, nil
}

func checkHandle(handle string) error {
	if err := CheckText("handle", handle, 64); err != nil {
		return err
	}
	if strings.ContainsRune(handle, '@') || handle != "" && NameKey(handle) == "" {
		return &InvalidError{Field: "handle", Reason: "has an @ or nothing but spaces"}
	}
	return nil
}

// User returns a user by id to the user, a job or an operator; anybody else is
// told that there is none. Whoever was erased is there still, without any
// personal field.
func (s *Service) User(ctx context.Context, actor Actor, id UserID) (User, error) {
	if err := CheckID("user", id); err != nil {
		return User{}, err
	}
	if err := s.refuseViewing(ctx, actor, "user.read"); err != nil {
		return User{}, err
	}
	if !actor.IsHost() && (actor.user == "" || actor.user != id) {
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

// FindUser finds a user by id, address or user name, in this order. Anybody but
// an operator or a job is refused with a [*roles.DeniedError].
func (s *Service) FindUser(ctx context.Context, actor Actor, ref string) (User, error) {
	if err := s.refuseViewing(ctx, actor, "users.find"); err != nil {
		return User{}, err
	}
	if err := s.env.Begin(actor).ByHost("users.find"); err != nil {
		return User{}, err
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
// do not come back, and unsent mail about the login is cancelled. Only an
// operator may do it, else a [*roles.DeniedError]. An account whose only owner
// is suspended keeps that owner. Suspending again changes nothing.
func (s *Service) SuspendUser(ctx context.Context, actor Actor, user UserID) error {
	return s.onUser(ctx, actor, user, EventUserSuspended, Operation.SuspendUser)
}

// ReactivateUser lets a suspended user log in again; no session of before comes
// back. Only an operator may do it, else a [*roles.DeniedError].
func (s *Service) ReactivateUser(ctx context.Context, actor Actor, user UserID) error {
	return s.onUser(ctx, actor, user, EventUserReactivated, Operation.ReactivateUser)
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
