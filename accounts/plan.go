package accounts

import (
	"fmt"
	"slices"

	"github.com/chatelaine-go/chatelaine/roles"
)

// PlanTable is a [Policy] from a table: which roles and how many seats each
// plan offers, and which kinds of account let somebody own several. It holds
// data alone, so a host can keep it in a file; [NewEnv] checks it against the
// ladder. What it does not say is as in [DefaultPolicy].
type PlanTable struct {
	DefaultPolicy

	// Plans are the rules by the name of the plan, as in [Account.Plan]. An
	// account on a plan that is not here offers nothing but its owners.
	Plans map[string]Plan

	// Several are the kinds of account that let their owner own others, and
	// that can be added to others. Nil is agencies and franchises; an empty list
	// that is not nil is none, so that nobody owns two accounts.
	Several []Kind
}

// Plan is what one plan offers.
type Plan struct {
	Roles []roles.Role // besides the top role, which every plan has
	Seats int          // members and pending invitations together; 0: any number
}

// Check returns an [*InvalidError] for the field "policy" when the table names
// a role that the ladder does not have, a kind that there is not, or a negative
// number of seats.
func (t PlanTable) Check(l *roles.Ladder) error {
	for name, p := range t.Plans {
		for _, r := range p.Roles {
			if !l.Has(r) {
				return &InvalidError{Field: "policy", Reason: fmt.Sprintf("offers in the plan %q a role that is not on the ladder", name)}
			}
		}
		if p.Seats < 0 {
			return &InvalidError{Field: "policy", Reason: fmt.Sprintf("has a negative number of seats in the plan %q", name)}
		}
	}
	for _, k := range t.Several {
		if !k.valid() {
			return &InvalidError{Field: "policy", Reason: "names a kind of account that there is not"}
		}
	}
	return nil
}

// MayOwn allows another account when one of them, the new one included, is of
// a kind that lets its owner own several. Else it returns an [*InvalidError] for
// the field "kind".
func (t PlanTable) MayOwn(owned []Account, another Account) error {
	if t.Several == nil {
		return t.DefaultPolicy.MayOwn(owned, another)
	}
	for _, a := range append(owned[:len(owned):len(owned)], another) {
		if slices.Contains(t.Several, a.Kind) {
			return nil
		}
	}
	return &InvalidError{Field: "kind", Reason: "lets nobody own several accounts; one of them has to be of a kind that does"}
}

// MayHold allows the roles that the account's plan offers. Else it returns an
// [*InvalidError]: for the field "role", or for "plan" when the table does not
// have the account's plan.
func (t PlanTable) MayHold(account Account, role roles.Role) error {
	if slices.Contains(t.Plans[account.Plan].Roles, role) {
		return nil
	}
	if _, ok := t.Plans[account.Plan]; !ok {
		return &InvalidError{Field: "plan", Reason: "is not one of the product's; choose a plan first"}
	}
	return &InvalidError{Field: "role", Reason: fmt.Sprintf("is not offered by the plan %q; choose another role, or change the plan", account.Plan)}
}

// Seats returns how many seats the account's plan has; 0 is any number, also for
// a plan that is not in the table.
func (t PlanTable) Seats(account Account) int { return t.Plans[account.Plan].Seats }
