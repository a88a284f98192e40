package roles

// Holding is how a role is held, or would be.
type Holding uint8

// The two ways to hold a role at an account.
const (
	// Member holds it as a member of the account.
	Member Holding = iota
	// Delegate holds it through a connection, on behalf of an agency.
	Delegate
)

// String returns "member", "delegate", or "unknown".
func (h Holding) String() string {
	switch h {
	case Member:
		return "member"
	case Delegate:
		return "delegate"
	default:
		return "unknown"
	}
}

// CanAssign returns nil when somebody with the role giver may give role, to be
// held as a member or as a delegate. A role can be given up to one's own; the
// top role only to a member, and so only by the top role.
//
// It returns an [*UnknownRoleError] when role is empty or not on the ladder, and
// otherwise a [*DeniedError], also when giver is empty or not on the ladder.
//
// This is the one place where this is decided: inviting, accepting, changing,
// transferring, approving and assigning all come here. It looks at heights
// alone; whether giver has [ManageMembers] or [AssignColleagues] is asked
// beside it, with [Rights.Check].
func (l *Ladder) CanAssign(giver, role Role, as Holding) error {
	have, want := l.ranks[giver], l.ranks[role]
	if want == 0 {
		return &UnknownRoleError{Role: role, Known: l.Roles()}
	}
	denied := &DeniedError{Have: giver, Need: role}
	switch as {
	case Member:
		denied.Action = ManageMembers
		if want == l.top() {
			denied.Action = GrantOwner
		}
	case Delegate:
		denied.Action = AssignColleagues
		if want == l.top() {
			denied.Need = ""
			denied.Why = "the top role is never held through a connection; give " + quote(l.TopDelegated()) + " or a lower one"
			return denied
		}
	default:
		denied.Need = ""
		denied.Why = "a role is held as a member or as a delegate, in no other way"
		return denied
	}
	switch {
	case giver != "" && have == 0:
		denied.Why = "the role held is not on this ladder; use one of " + join(l.Roles(), ", ")
	case have < want:
		denied.Why = "a role is given by somebody who has at least the same; ask one of them, or give a lower one"
	default:
		return nil
	}
	return denied
}
