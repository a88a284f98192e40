package accounts

import "github.com/chatelaine-go/chatelaine/roles"

// Policy holds the host's rules on plans and kinds of account. It is asked
// inside decisions, so it must be pure: no I/O, the same answer for the same
// question. A nil error allows; any other is returned to the caller as it is,
// so let it say what to do ("upgrade to Premium to …").
type Policy interface {
	// MayOwn decides whether somebody who owns the accounts in owned may own
	// another one. It is asked when an account is made, and when somebody is made
	// an owner, accepts an invitation as one, or is let in again as one. It is not
	// asked for a first account, nor by [Service.ReactivateAccount] and
	// [Service.Import].
	MayOwn(owned []Account, another Account) error

	// MayHold decides whether anybody can have a role in an account, such as
	// one that its plan does not offer. Owners are never asked about.
	MayHold(account Account, role roles.Role) error

	// Seats returns how many members an account can have, those of pending
	// invitations included; 0 is any number. Agencies' users take none.
	Seats(account Account) int

	// MayJoinProgramme decides whether an account may become an agency.
	MayJoinProgramme(account Account) error
}

// DefaultPolicy lets somebody own several accounts only if an agency or a
// franchise is among them, and allows everything else. Embed it to change one
// rule.
type DefaultPolicy struct{}

// MayOwn allows another account to somebody who owns an agency or a franchise,
// or comes to own one by it. Else it returns an [*InvalidError] for the field
// "kind".
func (DefaultPolicy) MayOwn(owned []Account, another Account) error {
	for _, a := range append(owned[:len(owned):len(owned)], another) {
		if a.Kind == KindAgency || a.Kind == KindFranchise {
			return nil
		}
	}
	return &InvalidError{Field: "kind", Reason: "lets nobody own several accounts; one of them has to be an agency or a franchise"}
}

// MayHold allows every role.
func (DefaultPolicy) MayHold(Account, roles.Role) error { return nil }

// Seats sets no limit.
func (DefaultPolicy) Seats(Account) int { return 0 }

// MayJoinProgramme allows every account.
func (DefaultPolicy) MayJoinProgramme(Account) error { return nil }
