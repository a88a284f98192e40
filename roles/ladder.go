package roles

import (
	"fmt"
	"slices"
	"sync"
)

// Role is one level of a ladder, by its name: 1 to 64 printable ASCII
// characters, no space at either end. The empty role is no role.
type Role string

// The roles of the standard ladder, lowest first.
const (
	Viewer  Role = "viewer"
	Author  Role = "author"
	Manager Role = "manager"
	Admin   Role = "admin"
	Owner   Role = "owner"
)

// Level is one role and what it adds to the levels below it.
type Level struct {
	Role Role

	// Permissions are added for members and through connections alike.
	Permissions []Permission
	// DirectOnly are added for members alone. A permission is named in one of
	// the two lists.
	DirectOnly []Permission
}

// maxLevels is the greatest number of levels; a rank counts up to it.
const maxLevels = 100

// rank is the height of a level, counted from 1. The zero rank is no role.
type rank uint8

// place is where a permission stands on a ladder.
type place struct {
	rank       rank
	directOnly bool
}

// Ladder is a list of roles, lowest first, of which each can do all that the
// ones below it can. It never changes once made. Make one with [Standard],
// [New] or [Ladder.With]; the zero Ladder has no roles and allows nothing.
type Ladder struct {
	levels []Level // levels[rank-1]
	ranks  map[Role]rank
	places map[Permission]place
	order  []Permission // lowest level first
}

//nolint:gochecknoglobals // immutable, and made once so that Standard() == Standard()
var standard = sync.OnceValue(func() *Ladder {
	l, err := New(StandardLevels()...)
	if err != nil {
		panic(err) // StandardLevels is a constant in all but name
	}
	return l
})

// Standard returns the ladder Viewer, Author, Manager, Admin, Owner with the
// library's permissions. It is the same one each time.
func Standard() *Ladder { return standard() }

// StandardLevels returns the levels of [Standard] to start an own ladder from.
// The slices are the caller's.
func StandardLevels() []Level {
	levels := []Level{{Role: Viewer}, {Role: Author}, {Role: Manager}, {Role: Admin}, {Role: Owner}}
	for _, r := range library() {
		at := &levels[slices.IndexFunc(levels, func(v Level) bool { return v.Role == r.role })]
		if r.directOnly {
			at.DirectOnly = append(at.DirectOnly, r.permission)
		} else {
			at.Permissions = append(at.Permissions, r.permission)
		}
	}
	return levels
}

// New makes a ladder of 2 to 100 levels, lowest first.
//
// It returns an error that names the level and the permission when a role or a
// permission has a bad name or stands twice, when a permission of the library
// is missing, when one that is direct-only is not listed as such, or when one
// that makes owners is below the top.
//
// A permission of the library that stood nowhere would be an operation that
// nobody can do, and one level would leave nothing for connections to hold.
func New(levels ...Level) (*Ladder, error) {
	if len(levels) < 2 || len(levels) > maxLevels {
		return nil, fmt.Errorf("roles: a ladder has 2 to %d levels, not %d", maxLevels, len(levels))
	}
	l := &Ladder{ranks: map[Role]rank{}, places: map[Permission]place{}}
	var at rank
	for _, v := range levels {
		at++
		if err := checkName(string(v.Role)); err != nil {
			return nil, fmt.Errorf("roles: level %d, role %s: %w", at, quote(v.Role), err)
		}
		if first, twice := l.ranks[v.Role]; twice {
			return nil, fmt.Errorf("roles: the role %s stands twice, at levels %d and %d", quote(v.Role), first, at)
		}
		l.ranks[v.Role] = at
		l.levels = append(l.levels, v.clone())
		if err := l.place(v.Permissions, place{rank: at}); err != nil {
			return nil, err
		}
		if err := l.place(v.DirectOnly, place{rank: at, directOnly: true}); err != nil {
			return nil, err
		}
	}
	if err := l.checkLibrary(); err != nil {
		return nil, err
	}
	return l, nil
}

// With returns a ladder on which r, and so every role above it, also has perms,
// as a member and through a connection alike. The receiver stays as it is.
//
// It returns an [*UnknownRoleError] for a role that is not on the ladder, and
// otherwise fails as [New] does: a permission stands on a ladder once.
func (l *Ladder) With(r Role, perms ...Permission) (*Ladder, error) {
	return l.with(Level{Role: r, Permissions: perms})
}

// WithDirectOnly is [Ladder.With] for permissions that are never held through
// a connection.
func (l *Ladder) WithDirectOnly(r Role, perms ...Permission) (*Ladder, error) {
	return l.with(Level{Role: r, DirectOnly: perms})
}

// Levels returns the levels of the ladder, lowest first, to be shown or to
// start another ladder from. The slices are the caller's.
func (l *Ladder) Levels() []Level {
	levels := make([]Level, 0, len(l.levels))
	for _, v := range l.levels {
		levels = append(levels, v.clone())
	}
	return levels
}

// Has reports whether r is on the ladder.
func (l *Ladder) Has(r Role) bool { return l.ranks[r] != 0 }

// Roles returns the roles, lowest first. The slice is the caller's.
func (l *Ladder) Roles() []Role { return l.upTo(l.top()) }

// Top returns the highest role, the one that owns an account.
func (l *Ladder) Top() Role { return l.role(l.top()) }

// TopDelegated returns the highest role that can be held through a connection:
// the one below the top.
func (l *Ladder) TopDelegated() Role {
	if l.top() == 0 {
		return ""
	}
	return l.role(l.top() - 1)
}

// AtLeast reports whether r is than or above it. It is false when either is
// empty or not on the ladder.
func (l *Ladder) AtLeast(r, than Role) bool {
	have, need := l.ranks[r], l.ranks[than]
	return need != 0 && have >= need
}

// Min returns the lower of two roles. It returns no role, "", when either is
// empty or not on the ladder: what is limited by nothing known is nothing.
func (l *Ladder) Min(a, b Role) Role { return l.role(min(l.ranks[a], l.ranks[b])) }

// AtMost returns r and the roles below it, lowest first; none when r is empty
// or not on the ladder. The slice is the caller's.
func (l *Ladder) AtMost(r Role) []Role { return l.upTo(l.ranks[r]) }

// clone returns a level that shares no slice with v.
func (v Level) clone() Level {
	return Level{Role: v.Role, Permissions: slices.Clone(v.Permissions), DirectOnly: slices.Clone(v.DirectOnly)}
}

// with adds what a level of the same role adds.
func (l *Ladder) with(add Level) (*Ladder, error) {
	at, known := l.ranks[add.Role]
	if !known {
		return nil, &UnknownRoleError{Role: add.Role, Known: l.Roles()}
	}
	levels := l.Levels()
	v := &levels[at-1]
	v.Permissions = append(v.Permissions, add.Permissions...)
	v.DirectOnly = append(v.DirectOnly, add.DirectOnly...)
	return New(levels...)
}

// place puts permissions on a ladder that is being made.
func (l *Ladder) place(perms []Permission, at place) error {
	for _, p := range perms {
		level := l.role(at.rank)
		if err := checkName(string(p)); err != nil {
			return fmt.Errorf("roles: level %s, permission %s: %w", quote(level), quote(p), err)
		}
		if first, twice := l.places[p]; twice {
			return fmt.Errorf("roles: the permission %s stands twice, at levels %s and %s; the higher levels have it already",
				quote(p), quote(l.role(first.rank)), quote(level))
		}
		l.places[p] = at
		l.order = append(l.order, p)
	}
	return nil
}

// checkLibrary refuses a ladder on which the library could not do its work.
func (l *Ladder) checkLibrary() error {
	for _, r := range library() {
		at, placed := l.places[r.permission]
		level := quote(l.role(at.rank))
		switch {
		case !placed:
			return fmt.Errorf("roles: the library's permission %s stands at no level; the standard ladder has it at %s",
				quote(r.permission), quote(r.role))
		case r.directOnly && !at.directOnly:
			return fmt.Errorf("roles: level %s, permission %s: it is never held through a connection; move it to DirectOnly",
				level, quote(r.permission))
		case r.atTop && at.rank != l.top():
			return fmt.Errorf("roles: level %s, permission %s: only the top level makes owners; move it to %s",
				level, quote(r.permission), quote(l.Top()))
		}
	}
	return nil
}

// top returns the highest rank.
func (l *Ladder) top() rank {
	if len(l.levels) == 0 {
		return 0
	}
	return l.ranks[l.levels[len(l.levels)-1].Role]
}

// role returns the role of a rank, and no role for the zero rank.
func (l *Ladder) role(at rank) Role {
	if at == 0 {
		return ""
	}
	return l.levels[at-1].Role
}

// upTo returns the roles up to a rank.
func (l *Ladder) upTo(at rank) []Role {
	all := make([]Role, 0, at)
	for _, v := range l.levels[:at] {
		all = append(all, v.Role)
	}
	return all
}
