package roles

// Rights are what somebody holds at one account: a role as a member, a role
// through a connection, both or neither. The value is small and comparable; two
// are equal when they hold the same roles of the same ladder. The zero Rights
// allow nothing.
//
// Rights are a snapshot. Make them from what storage says now, ask them, and
// let them go: kept ones go on allowing what has been taken away.
type Rights struct {
	ladder    *Ladder
	direct    rank
	delegated rank
}

// Rights puts together the role held as a member and the highest one held
// through connections. An empty or unknown role counts as none, and so does the
// top role through a connection, which cannot have come about rightly.
func (l *Ladder) Rights(direct, delegated Role) Rights {
	r := Rights{ladder: l, direct: l.ranks[direct], delegated: l.ranks[delegated]}
	if r.delegated == l.top() {
		r.delegated = 0
	}
	return r
}

// Can reports whether these rights include p. It does no I/O and allocates
// nothing. A permission that is not on the ladder is not included.
func (r Rights) Can(p Permission) bool {
	if r.ladder == nil {
		return false
	}
	at, placed := r.ladder.places[p]
	return placed && (r.direct >= at.rank || !at.directOnly && r.delegated >= at.rank)
}

// Check returns nil when these rights include p, and otherwise a [*DeniedError]
// that names the role held and the one needed.
func (r Rights) Check(p Permission) error {
	if r.Can(p) {
		return nil
	}
	denied := &DeniedError{Action: p, Have: r.Role()}
	if r.ladder == nil {
		denied.Why = "nothing is held at this account"
		return denied
	}
	at, placed := r.ladder.places[p]
	denied.Need = r.ladder.role(at.rank)
	switch {
	case !placed:
		denied.Why = "no level of the ladder has this permission; the host adds its own with Ladder.With"
	case at.directOnly && r.delegated != 0:
		denied.Why = "it is never held through a connection; ask a member of the account who holds it"
	}
	return denied
}

// Direct returns the role held as a member, "" for none.
func (r Rights) Direct() Role { return r.role(r.direct) }

// Delegated returns the role held through a connection, "" for none.
func (r Rights) Delegated() Role { return r.role(r.delegated) }

// Role returns the higher of both roles, "" for none. It is for showing; to
// decide something, ask [Rights.Can].
func (r Rights) Role() Role { return r.role(max(r.direct, r.delegated)) }

// None reports whether no role is held at all.
func (r Rights) None() bool { return r.direct == 0 && r.delegated == 0 }

// Permissions returns all that these rights include, in the order of the
// ladder, lowest level first. The slice is the caller's.
func (r Rights) Permissions() []Permission {
	if r.ladder == nil {
		return nil
	}
	var held []Permission
	for _, p := range r.ladder.order {
		if r.Can(p) {
			held = append(held, p)
		}
	}
	return held
}

// role returns the role of a rank on the ladder of these rights.
func (r Rights) role(at rank) Role {
	if r.ladder == nil {
		return ""
	}
	return r.ladder.role(at)
}
