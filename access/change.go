package access

import (
	"cmp"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Change is a change of the account graph together with what this package
// adds. The rules for rows and versions are those of [accounts.Change].
type Change struct {
	accounts.Change

	Requests []Request
	Sessions []Session
	Tickets  []Ticket
	Views    []ViewAs

	// Guesses are written before anybody knows who asks, so a change may carry
	// them, and what it spends, without an operation and without an event.
	Guesses []Guesses

	// Touches are notes, not decisions: they have no version and no event,
	// and one for a session that is gone is no conflict.
	Touches []Touch
}

// Sorted returns the change with every list in the order of its keys; see
// [accounts.Change.Sorted].
func (c Change) Sorted() Change {
	c.Change = c.Change.Sorted()
	c.Requests = sorted(c.Requests, func(a, b Request) int {
		return cmp.Or(cmp.Compare(a.Agency, b.Agency), cmp.Compare(a.ID, b.ID))
	})
	c.Sessions = sorted(c.Sessions, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	c.Tickets = sorted(c.Tickets, func(a, b Ticket) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Purpose, b.Purpose))
	})
	c.Views = sorted(c.Views, func(a, b ViewAs) int { return cmp.Compare(a.ID, b.ID) })
	c.Guesses = sorted(c.Guesses, func(a, b Guesses) int { return cmp.Compare(a.Email, b.Email) })
	c.Touches = sorted(c.Touches, func(a, b Touch) int { return cmp.Compare(a.Session, b.Session) })
	return c
}

// sorted leaves the caller's slice as it was.
func sorted[T any](list []T, by func(a, b T) int) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, by)
	return list
}
