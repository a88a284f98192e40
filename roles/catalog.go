package roles

import (
	"fmt"
	"slices"
)

// Entry is one permission of a catalogue and what it needs directly. What those
// need in turn is found by the catalogue.
type Entry struct {
	Permission Permission
	Needs      []Permission
}

// Catalog is a list of permissions with prerequisites, of any length. It never
// changes once made.
//
// A set of permissions is a plain slice. It is valid when it holds, for each of
// its permissions, all that this one needs; [Catalog.Choose] and [Catalog.Drop]
// return only such sets, in the order of the catalogue and without repeats. An
// empty set is valid, and no access.
type Catalog struct {
	entries []Entry
	index   map[Permission]int
	needs   [][]int // direct ones, by index
	users   [][]int // who needs it directly, by index
	sorted  []int   // every index, after those of what it needs
}

// NewCatalog makes a catalogue; its order is that of entries.
//
// It returns an error that names the permission when a name is bad or stands
// twice, when a prerequisite is unknown or stands twice, and when permissions
// need each other in a circle, which is spelled out.
func NewCatalog(entries ...Entry) (*Catalog, error) {
	c := &Catalog{
		index: make(map[Permission]int, len(entries)),
		needs: make([][]int, len(entries)),
		users: make([][]int, len(entries)),
	}
	for i, e := range entries {
		if err := checkName(string(e.Permission)); err != nil {
			return nil, fmt.Errorf("roles: catalogue entry %d, permission %s: %w", i+1, quote(e.Permission), err)
		}
		if _, twice := c.index[e.Permission]; twice {
			return nil, fmt.Errorf("roles: the permission %s stands twice in the catalogue", quote(e.Permission))
		}
		c.index[e.Permission] = i
		c.entries = append(c.entries, Entry{Permission: e.Permission, Needs: slices.Clone(e.Needs)})
	}
	for i, e := range c.entries {
		for _, need := range e.Needs {
			n, known := c.index[need]
			if !known {
				return nil, fmt.Errorf("roles: %s needs %s: %w",
					quote(e.Permission), quote(need), &UnknownPermissionError{Permission: need})
			}
			if slices.Contains(c.needs[i], n) {
				return nil, fmt.Errorf("roles: %s names %s twice among what it needs", quote(e.Permission), quote(need))
			}
			c.needs[i] = append(c.needs[i], n)
			c.users[n] = append(c.users[n], i)
		}
	}
	if err := c.sort(); err != nil {
		return nil, err
	}
	return c, nil
}

// Entries returns the catalogue in its order. The slices are the caller's.
func (c *Catalog) Entries() []Entry {
	all := make([]Entry, 0, len(c.entries))
	for _, e := range c.entries {
		all = append(all, Entry{Permission: e.Permission, Needs: slices.Clone(e.Needs)})
	}
	return all
}

// Has reports whether p is in the catalogue.
func (c *Catalog) Has(p Permission) bool {
	_, known := c.index[p]
	return known
}

// Needs returns all that p needs, directly or by way of others, without p; none
// when p is not in the catalogue.
func (c *Catalog) Needs(p Permission) []Permission { return c.reach(p, c.needs) }

// Dependents returns all that need p, directly or by way of others, without p;
// none when p is not in the catalogue.
func (c *Catalog) Dependents(p Permission) []Permission { return c.reach(p, c.users) }

// Valid returns nil for a set that holds all that its permissions need, knows
// them all and repeats none, in any order.
//
// It returns an [*UnknownPermissionError], or an error that matches
// [ErrInvalidSet] and names the permission that is missing or repeated.
func (c *Catalog) Valid(set []Permission) error {
	held := make([]bool, len(c.entries))
	for _, p := range set {
		i, known := c.index[p]
		if !known {
			return &UnknownPermissionError{Permission: p}
		}
		if held[i] {
			return fmt.Errorf("%w: %s stands twice", ErrInvalidSet, quote(p))
		}
		held[i] = true
	}
	for i, e := range c.entries {
		for _, n := range c.needs[i] {
			if held[i] && !held[n] {
				return fmt.Errorf("%w: %s needs %s, which is missing; Choose adds it",
					ErrInvalidSet, quote(e.Permission), quote(c.entries[n].Permission))
			}
		}
	}
	return nil
}

// Choose returns have with add, and with all that these need.
//
// It returns an [*UnknownPermissionError] when one of have or add is not in the
// catalogue.
func (c *Catalog) Choose(have []Permission, add ...Permission) ([]Permission, error) {
	held := make([]bool, len(c.entries))
	var todo []int
	for _, p := range slices.Concat(have, add) {
		i, known := c.index[p]
		if !known {
			return nil, &UnknownPermissionError{Permission: p}
		}
		todo = append(todo, i)
	}
	c.mark(held, todo, c.needs)
	return c.list(held), nil
}

// Drop returns have without remove, and without all that depends on them.
// Dropping what is not held changes nothing. It never adds: a permission of
// have whose own prerequisites are missing goes as well.
//
// It returns an [*UnknownPermissionError] when one of have or remove is not in
// the catalogue. One that stands in both is dropped all the same, so that a
// permission which the catalogue had once can be taken out of a stored set.
func (c *Catalog) Drop(have []Permission, remove ...Permission) ([]Permission, error) {
	held := make([]bool, len(c.entries))
	for _, p := range have {
		i, known := c.index[p]
		if !known && !slices.Contains(remove, p) {
			return nil, &UnknownPermissionError{Permission: p}
		}
		if known {
			held[i] = true
		}
	}
	for _, p := range remove {
		i, known := c.index[p]
		if !known && !slices.Contains(have, p) {
			return nil, &UnknownPermissionError{Permission: p}
		}
		if known {
			held[i] = false
		}
	}
	for _, i := range c.sorted {
		for _, n := range c.needs[i] {
			held[i] = held[i] && held[n]
		}
	}
	return c.list(held), nil
}

// reach returns all that is found from p along edges, without p.
func (c *Catalog) reach(p Permission, edges [][]int) []Permission {
	i, known := c.index[p]
	if !known {
		return nil
	}
	found := make([]bool, len(c.entries))
	c.mark(found, slices.Clone(edges[i]), edges)
	return c.list(found)
}

// mark sets todo and all that is found from there along edges. It uses todo up.
func (c *Catalog) mark(found []bool, todo []int, edges [][]int) {
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !found[i] {
			found[i] = true
			todo = append(todo, edges[i]...)
		}
	}
}

// list returns the permissions that are set, in the order of the catalogue.
func (c *Catalog) list(held []bool) []Permission {
	set := []Permission{}
	for i, is := range held {
		if is {
			set = append(set, c.entries[i].Permission)
		}
	}
	return set
}

// sort fills sorted, or returns an error that spells out a circle.
func (c *Catalog) sort() error {
	missing := make([]int, len(c.entries)) // prerequisites not yet sorted
	for i, needs := range c.needs {
		missing[i] = len(needs)
		if len(needs) == 0 {
			c.sorted = append(c.sorted, i)
		}
	}
	for next := 0; next < len(c.sorted); next++ {
		for _, i := range c.users[c.sorted[next]] {
			missing[i]--
			if missing[i] == 0 {
				c.sorted = append(c.sorted, i)
			}
		}
	}
	if len(c.sorted) == len(c.entries) {
		return nil
	}
	stuck := func(i int) bool { return missing[i] > 0 }
	var path []int
	at := slices.IndexFunc(missing, func(n int) bool { return n > 0 })
	for !slices.Contains(path, at) {
		path = append(path, at)
		at = c.needs[at][slices.IndexFunc(c.needs[at], stuck)] // one of them is stuck too
	}
	var circle []Permission
	for _, i := range append(path[slices.Index(path, at):], at) {
		circle = append(circle, c.entries[i].Permission)
	}
	return fmt.Errorf("roles: permissions need each other in a circle: %s", join(circle, " needs "))
}
