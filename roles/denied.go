package roles

import (
	"errors"
	"strings"
)

var (
	// ErrDenied matches every refusal for lack of a right.
	ErrDenied = errors.New("roles: denied")
	// ErrUnknownRole matches the refusal of a role that a ladder does not have.
	ErrUnknownRole = errors.New("roles: unknown role")
	// ErrUnknownPermission matches the refusal of a permission that a catalogue
	// does not have.
	ErrUnknownPermission = errors.New("roles: unknown permission")
	// ErrInvalidSet matches the refusal of a set of permissions that repeats one
	// or lacks what one of them needs.
	ErrInvalidSet = errors.New("roles: invalid set of permissions")
)

// DeniedError tells what was refused, and what would have been enough. It
// matches [ErrDenied].
type DeniedError struct {
	Action Permission // what was to be done
	Have   Role       // the highest role held; empty: none
	Need   Role       // the lowest role that is enough; empty: none is
	Why    string     // what else stands in the way and what to do; may be empty
}

// Error says what was refused, which role was held, and what would help.
func (e *DeniedError) Error() string {
	var b strings.Builder
	b.WriteString("roles: denied")
	if e.Action != "" {
		b.WriteString(": " + quote(e.Action))
	}
	if e.Need != "" {
		b.WriteString(": needs the role " + quote(e.Need) + " or a higher one")
	}
	switch {
	case e.Have != "":
		b.WriteString(", held is " + quote(e.Have))
	case e.Need != "":
		b.WriteString(", no role is held")
	}
	switch {
	case e.Why != "":
		b.WriteString("; " + e.Why)
	case e.Need != "":
		b.WriteString("; ask somebody who holds it")
	}
	return b.String()
}

// Is reports whether target is [ErrDenied].
func (e *DeniedError) Is(target error) bool { return target == ErrDenied }

// UnknownRoleError names a role that is not on the ladder, and those that are.
// It matches [ErrUnknownRole].
type UnknownRoleError struct {
	Role  Role
	Known []Role // lowest first
}

// Error names the role and lists the known ones.
func (e *UnknownRoleError) Error() string {
	return "roles: " + quote(e.Role) + " is no role of this ladder; use one of " + join(e.Known, ", ")
}

// Is reports whether target is [ErrUnknownRole].
func (e *UnknownRoleError) Is(target error) bool { return target == ErrUnknownRole }

// UnknownPermissionError names a permission that is not in the catalogue. It
// matches [ErrUnknownPermission].
type UnknownPermissionError struct {
	Permission Permission
}

// Error names the permission.
func (e *UnknownPermissionError) Error() string {
	return "roles: " + quote(e.Permission) + " is no permission of this catalogue; its Entries list those that are"
}

// Is reports whether target is [ErrUnknownPermission].
func (e *UnknownPermissionError) Is(target error) bool { return target == ErrUnknownPermission }
