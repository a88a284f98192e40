package accounts

import (
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// JoinProgramme decides whether an account joins the agency programme. It
// changes nothing if it has joined already.
func (o Operation) JoinProgramme(actor Standing, account Account) (Change, error) {
	if err := o.May(actor, roles.ManageProgramme); err != nil {
		return Change{}, err
	}
	if !account.ProgrammeAt.IsZero() {
		return Change{}, nil
	}
	if err := o.Rules.Policy.MayJoinProgramme(account); err != nil {
		return Change{}, err
	}
	account.ProgrammeAt = o.At
	return o.account(account, Event{Kind: EventProgrammeJoined}), nil
}

// EnableClientAccess decides whether an account that joined the programme may
// ask for access from now on. It changes nothing if it may already.
func (o Operation) EnableClientAccess(actor Standing, account Account) (Change, error) {
	if err := o.May(actor, roles.ManageProgramme); err != nil {
		return Change{}, err
	}
	if account.ProgrammeAt.IsZero() {
		return Change{}, &InvalidError{Field: "account", Reason: "has not joined the agency programme; join it first"}
	}
	if !account.ClientAccessAt.IsZero() {
		return Change{}, nil
	}
	account.ClientAccessAt = o.At
	return o.account(account, Event{Kind: EventAccessEnabled}), nil
}

// CloseAccount decides whether an account is closed for good: by an owner with a
// fresh login, or by a job or an operator of the host. Everything that rests on
// the account ends with it: also its connections to agencies, each with its
// record, since the agencies' lists do not rest on the account. Unsent mail on
// the account's behalf is cancelled, and what the agencies wrote about it.
func (o Operation) CloseAccount(actor Standing, account Account, agencies []Connected) (Change, error) {
	if o.ByHost(roles.CloseAccount) == nil {
		if !account.ClosedAt.IsZero() {
			return Change{}, nil
		}
	} else if err := o.May(actor, roles.CloseAccount); err != nil {
		return Change{}, err
	} else if err := o.Fresh(actor.User, EventAccountClosed, account.ID); err != nil {
		return Change{}, err
	}
	account.ClosedAt = o.At
	account.Epoch++
	c := o.account(account, Event{Kind: EventAccountClosed})
	c.CancelMail = append(c.CancelMail, AccountReason(account.ID))
	for _, a := range agencies {
		conn := a.Connection
		conn.EndedAt, conn.UpdatedAt = o.At, o.At
		conn.Epoch++
		c.Connections = append(c.Connections, conn)
		c.CancelMail = append(c.CancelMail, connectionReason(conn.ConnectionKey))
		o.Record(&c, Event{Kind: EventConnectionEnded, Account: conn.Client, Agency: conn.Agency, Was: conn.Cap})
	}
	return c, nil
}

// SuspendAccount decides whether an operator pauses an account. A pause ages
// nothing: what rests on the account counts again when it ends.
func (o Operation) SuspendAccount(account Account) (Change, error) {
	if err := o.ByOperator(account.ID); err != nil || !account.SuspendedAt.IsZero() {
		return Change{}, err
	}
	if !account.ClosedAt.IsZero() {
		return Change{}, &InvalidError{Field: "account", Reason: "is closed"}
	}
	account.SuspendedAt = o.At
	return o.account(account, Event{Kind: EventAccountSuspended}), nil
}

// ReactivateAccount decides whether an operator ends the pause of an account.
// The [Policy] is not asked: a pause takes nothing away, so nothing is given.
func (o Operation) ReactivateAccount(account Account) (Change, error) {
	if err := o.ByOperator(account.ID); err != nil || account.SuspendedAt.IsZero() {
		return Change{}, err
	}
	account.SuspendedAt = time.Time{}
	return o.account(account, Event{Kind: EventAccountReactivated}), nil
}

// CreateAccount decides whether an account is made, with its owner. A job may
// make one for anybody, a user for themselves.
func (o Operation) CreateAccount(account Account, owner User, owned []Account) (Change, error) {
	if err := o.owns(owner); err != nil {
		return Change{}, err
	}
	if len(owned) > 0 {
		if err := o.Rules.Policy.MayOwn(owned, account); err != nil {
			return Change{}, err
		}
	}
	account.Epoch, account.CreatedAt, account.UpdatedAt = 1, o.At, o.At
	c := o.Change()
	// The owner's row is guarded by writing it, so that two accounts made at
	// once both know of each other.
	owner.UpdatedAt = o.At
	c.Users = []User{owner}
	c.Accounts = []Account{account}
	c.Memberships = []Membership{{
		Account: account.ID, User: owner.ID,
		MemberState: MemberState{Role: o.Rules.Ladder.Top(), Epoch: 1},
		CreatedAt:   o.At, UpdatedAt: o.At,
	}}
	o.Record(&c, Event{Kind: EventAccountCreated, Account: account.ID, User: owner.ID, Role: o.Rules.Ladder.Top()})
	return c, nil
}

// UpdateAccount decides whether a job of the host changes what an account is
// called, its kind, plan or language.
func (o Operation) UpdateAccount(account Account, in UpdateAccount) (Change, error) {
	if !o.Actor.IsSystem() {
		return Change{}, o.Refuse(account.ID, RefusedDenied, &roles.DeniedError{Action: "account.update", Why: "only a job of the host updates accounts"})
	}
	was := account
	if in.Kind != nil {
		if !in.Kind.valid() {
			return Change{}, &InvalidError{Field: "kind", Reason: "is not standard, agency or franchise"}
		}
		account.Kind = *in.Kind
	}
	for _, f := range []struct {
		name  string
		value *string
		least int
		to    *string
	}{
		{"name", in.Name, 1, &account.Name},
		{"plan", in.Plan, 0, &account.Plan},
		{"locale", in.Locale, 0, &account.Locale},
	} {
		if f.value == nil {
			continue
		}
		if err := checkText(f.name, *f.value, f.least, maxName); err != nil {
			return Change{}, err
		}
		*f.to = *f.value
	}
	if err := CheckLocale(account.Locale); err != nil || account == was {
		return Change{}, err
	}
	return o.account(account, Event{Kind: EventAccountUpdated}), nil
}

// owns decides whether an account can be made for an owner, by this actor.
func (o Operation) owns(owner User) error {
	if err := o.createsFor(owner.ID); err != nil {
		return err
	}
	if !o.Actor.IsSystem() && o.Actor.epoch != owner.Epoch {
		return ErrStepUp
	}
	if !owner.Active() {
		return &InvalidError{Field: "owner", Reason: "is not an active user"}
	}
	return nil
}

// createsFor refuses to make an account for somebody else, whether or not they
// exist.
func (o Operation) createsFor(owner UserID) error {
	if o.Actor.IsSystem() || o.Actor.user != "" && o.Actor.user == owner {
		return nil
	}
	return &roles.DeniedError{Action: "account.create", Why: "a user makes accounts only for themselves"}
}

// account returns the change that writes one account and says why.
func (o Operation) account(a Account, e Event) Change {
	c := o.Relying()
	a.UpdatedAt = o.At
	c.Accounts = []Account{a}
	e.Account = a.ID
	o.Record(&c, e)
	return c
}

// AccountReason is the reason of all mail that an account sends: below it are
// the reasons of its requests, invitations, connections and assignments.
// Cancelling it takes back everything unsent on the account's behalf.
func AccountReason(a AccountID) mail.Reason { return mail.ReasonFor("account", string(a)) }

// LoginReason is the reason of all mail about a user's own login: below it are
// the reasons of the links that prove and change an address and reset a password.
func LoginReason(u UserID) mail.Reason { return mail.ReasonFor("login", string(u)) }

// connectionReason is the reason of mail about an agency's connection.
func connectionReason(k ConnectionKey) mail.Reason {
	return mail.ReasonFor("account", string(k.Agency), "client", string(k.Client))
}

func assignmentReason(k ConnectionKey, u UserID) mail.Reason {
	return mail.ReasonFor("account", string(k.Agency), "client", string(k.Client), "user", string(u))
}
