package accounts

import (
	"github.com/chatelaine-go/chatelaine/roles"
)

// Policy holds the host's rules on plans and kinds of account. It is asked
// inside decisions, so it must be pure: no I/O, the same answer for the same
// question. A nil error allows; any other is returned to the caller as it is,
// so let it say what to do ("upgrade to Premium to …").
type Policy interface {
	// MayOwn decides whether somebody who owns the accounts in owned may own
	// another one. It is not asked for a first account.
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

// DefaultPolicy lets only agencies and franchises own several accounts, and
// allows everything else. Embed it to change one rule.
type DefaultPolicy struct{}

// MayOwn allows another account to somebody who owns, or now creates, an
// agency or a franchise.
func (DefaultPolicy) MayOwn(owned []Account, another Account) error {
	for _, a := range append(owned[:len(owned):len(owned)], another) {
		if a.Kind == KindAgency || a.Kind == KindFranchise {
			return nil
		}
	}
	return &InvalidError{Field: "kind", Reason: "does not allow several accounts; only agencies and franchises own more than one"}
}

// MayHold allows every role.
func (DefaultPolicy) MayHold(Account, roles.Role) error { return nil }

// Seats sets no limit.
func (DefaultPolicy) Seats(Account) int { return 0 }

// MayJoinProgramme allows every account.
func (DefaultPolicy) MayJoinProgramme(Account) error { return nil }
