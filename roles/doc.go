// Package roles says what a role may do: ordered levels that carry
// permissions, and sets of permissions that need one another. It is pure. It
// reads no database and no clock, imports the standard library alone, and all
// its values are immutable and safe for concurrent use.
//
// # Ladders
//
// A [Ladder] is a list of levels, lowest first. Each level adds permissions to
// those of the levels below it, so a higher role can always do everything that
// a lower one can, and comparing two roles compares what they may do. Most
// programs want [Standard]: Viewer, Author, Manager, Admin, Owner.
//
// Give your own permissions to a level with [Ladder.With], or with
// [Ladder.WithDirectOnly] when they must never be held through a connection:
// billing, say. For levels and names of your own, change what
// [StandardLevels] returns and hand it to [New]. Every permission of the
// library must stay on the ladder, at whatever level you like, so that no
// operation is left that nobody may do; making owners stays at the top.
//
// Roles are compared by their place on a ladder, never by their name. Do not
// write r == roles.Admin to decide something: ask [Rights.Can] for the
// permission, and keep working when the ladder changes.
//
// # Rights
//
// A person can hold a role at an account in two ways: as a member of it, or
// through a connection, on behalf of an agency. [Ladder.Rights] puts both
// together. What may be done is the union of both, except that direct-only
// permissions count for members alone. [Rights.Can] costs one map lookup and
// no allocation; call it on every request and keep no copy of its answer.
//
// [Ladder.CanAssign] is the one place where it is decided whether somebody may
// give a role. Every path that gives one, now or by a promise, goes through it.
// It is about height alone: whether the giver may manage members, or assign
// colleagues, is asked with [Rights.Check] beside it.
//
// # Catalogues
//
// A [Catalog] holds permissions of which some need others: whoever may edit
// connected data must be able to edit. [Catalog.Choose] adds what the chosen
// ones need, [Catalog.Drop] takes away what depended on the dropped ones.
// [SiteCatalog] is the ready one, for the sites of an agency's clients. A set
// is a plain []Permission, in the order of the catalogue, ready to be stored.
//
// # Promises
//
// Everything is denied unless a level says otherwise: the zero [Rights], an
// unknown role, an unknown permission and an empty name allow nothing. The top
// role is never held through a connection and never given to one. Nobody gives
// a role above their own. Dropping from a set never adds to it.
package roles
