package accounts

import (
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ErasePlan names what ends with a user, to be shown before it is confirmed.
type ErasePlan struct {
	User    UserID
	Members []EndingMember // memberships that are not ended, by account
	Clients []EndingClient // client records, by account

	// Alone are the accounts of which the user is the only active owner. While
	// there are any, nothing is erased.
	Alone []AccountID

	Password   bool // there is a password
	Identities int  // logins at issuers
}

// EndingMember is one membership that ends.
type EndingMember struct {
	Account AccountID
	Name    string
	Role    roles.Role
}

// EndingClient is one client record that ends.
type EndingClient struct {
	ClientKey
	Name string // the account's
}

// EraseFacts is what decides about erasing a user.
type EraseFacts struct {
	Means   Means
	Members []EraseMember // memberships that are not ended, of accounts not closed
	Clients []EraseClient // client records that end with the user
}

// EraseClient is one client record of somebody who is to be erased.
type EraseClient struct {
	Account Account
	Client  Client
}

// EraseMember is one membership of a user who is to be erased.
type EraseMember struct {
	Account Account
	Member  Membership
	Owners  []Contact // the account's active owners
}

// PlanErase decides what ends with a user, for the user, a job or an operator.
func (o Operation) PlanErase(f EraseFacts) (ErasePlan, error) {
	u := f.Means.User
	if err := o.mayErase(u); err != nil {
		return ErasePlan{}, err
	}
	p := ErasePlan{User: u.ID, Password: f.Means.Credential.Hash != "", Identities: len(f.Means.Identities)}
	for _, m := range f.Members {
		p.Members = append(p.Members, EndingMember{Account: m.Account.ID, Name: m.Account.Name, Role: m.Member.Role})
		if m.Member.Active() && o.keepsOwner(m.Member, m.Owners) != nil {
			p.Alone = append(p.Alone, m.Account.ID)
		}
	}
	for _, c := range f.Clients {
		p.Clients = append(p.Clients, EndingClient{ClientKey: c.Client.ClientKey, Name: c.Account.Name})
	}
	return p, nil
}

// EraseUser decides whether a user is erased: every membership ends with its
// record, logins and links end, and personal fields are gone from every table.
// The audit stays, since it holds ids and roles alone.
func (o Operation) EraseUser(f EraseFacts) (Change, error) {
	p, err := o.PlanErase(f)
	if err != nil {
		return Change{}, err
	}
	u := f.Means.User
	if o.Actor.user != "" {
		if err := o.Fresh(u.UserState, EventUserErased, ""); err != nil {
			return Change{}, err
		}
	}
	if len(p.Alone) > 0 {
		return Change{}, &SoleOwnerError{Accounts: p.Alone}
	}
	c := o.Relying()
	for _, m := range f.Members {
		c.Guards = append(c.Guards, Guard{Account: m.Account.ID, Version: m.Account.Version, Move: true})
		end := m.Member
		end.EndedAt, end.UpdatedAt = o.At, o.At
		end.Epoch++
		end.Tenure++
		c.Memberships = append(c.Memberships, end)
		o.Record(&c, Event{Kind: EventMemberLeft, Account: m.Account.ID, User: u.ID, Was: end.Role})
	}
	c.Forget = []Forget{{User: u.ID}}
	if u.Proven {
		c.Forget[0].Email = u.Email // else what was sent there is somebody else's
	}
	c.CancelMail = []mail.Reason{LoginReason(u.ID)}
	o.forgetClients(&c, f.Clients, u.ID)
	c.Users = []User{{
		UserState: UserState{
			ID: u.ID, Epoch: u.Epoch + 1, EpochAt: o.At, SuspendedAt: u.SuspendedAt, DeletedAt: o.At,
		},
		Version: u.Version, Logins: u.Logins, Suspensions: u.Suspensions, CreatedAt: u.CreatedAt, UpdatedAt: o.At,
	}}
	o.Record(&c, Event{Kind: EventUserErased, User: u.ID})
	return c, nil
}

// ForgetAddress decides whether what is kept about an address that is nobody's
// login is erased.
func (o Operation) ForgetAddress(email Email, holder User, clients []EraseClient) (Change, error) {
	if err := o.ByHost("address.forget"); err != nil {
		return Change{}, err
	}
	if holder.ID != "" {
		return Change{}, &InvalidError{Field: "email", Reason: "is a user's; erase the user"}
	}
	c := o.Change()
	c.Forget = []Forget{{Email: email}}
	o.forgetClients(&c, clients, "")
	o.Record(&c, Event{Kind: EventAddressForgotten})
	return c, nil
}

// forgetClients adds to a change the client records that end with a person,
// their accounts' record of it, and the end of unsent mail. Each is a row that
// is written, so that whoever ends it meanwhile is noticed, and its end is on
// record once. A record that is made meanwhile comes after: nobody logs in as
// it, since that would have written the user's row.
func (o Operation) forgetClients(c *Change, clients []EraseClient, user UserID) {
	for _, e := range clients {
		c.Clients = append(c.Clients, e.Client.end(o.At))
		c.CancelMail = append(c.CancelMail, RecordReason(e.Client.ClientKey))
		o.Record(c, Event{Kind: EventClientDeleted, Account: e.Client.Account, Client: e.Client.ID, User: user})
	}
}

// ExportUser decides whether somebody gets everything that is kept about a
// user: the user, a job or an operator. It is on record.
func (o Operation) ExportUser(u User) (Change, error) {
	if err := o.mayErase(u); err != nil {
		return Change{}, err
	}
	if o.Actor.user != "" {
		if err := o.Fresh(u.UserState, EventUserExported, ""); err != nil {
			return Change{}, err
		}
	}
	c := o.Relying()
	o.Record(&c, Event{Kind: EventUserExported, User: u.ID})
	return c, nil
}

// mayErase decides whether the actor acts for a user who is there: the user
// themselves, a job, or an operator. To anybody else there is no such user.
func (o Operation) mayErase(u User) error {
	if u.ID == "" || !u.DeletedAt.IsZero() {
		return ErrNotFound
	}
	return o.SelfOrHost(u.UserState)
}
