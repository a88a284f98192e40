package sqlstore

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/chatelaine-go/chatelaine/access"
)

// unknown names the fields of a change that compile knows nothing of.
var unknown = unknownFields() //nolint:gochecknoglobals // found out once; it never changes

func unknownFields() []string {
	known := map[string]bool{
		"Op": true, "Guards": true, "Users": true, "Identities": true, "Accounts": true, "Memberships": true,
		"Connections": true, "Assignments": true, "Spend": true, "Replies": true, "Events": true,
		"CancelMail": true, "Requeue": true, "Mail": true, "Requests": true, "Sessions": true, "Touches": true,
	}
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[access.Change]()) {
		if !f.Anonymous && !known[f.Name] {
			names = append(names, f.Name)
		}
	}
	return names
}

// check refuses a change that no decision may make: a mistake in code, not a
// conflict.
func check(c *access.Change) error {
	for _, name := range unknown {
		if !reflect.ValueOf(c).Elem().FieldByName(name).IsZero() {
			return fmt.Errorf("chatelaine: the store does not know Change.%s, and would lose it", name)
		}
	}
	if c.Op == "" {
		if rows(c) > 0 {
			return errors.New("chatelaine: a change without an operation id can only note the use of sessions")
		}
		return nil
	}
	if len(c.Events) == 0 {
		return fmt.Errorf("chatelaine: operation %s has no event", c.Op)
	}
	for i := range c.Events {
		if c.Events[i].Op != c.Op {
			return fmt.Errorf("chatelaine: an event of operation %s carries the id %q", c.Op, c.Events[i].Op)
		}
	}
	for _, g := range c.Guards {
		if (g.Account == "") == (g.User == "") {
			return fmt.Errorf("chatelaine: operation %s has a guard that names not exactly one account or user", c.Op)
		}
		for i := range c.Accounts {
			if c.Accounts[i].ID == g.Account {
				return fmt.Errorf("chatelaine: operation %s guards and writes account %s", c.Op, g.Account)
			}
		}
	}
	for _, s := range c.Spend {
		if s.N < 0 {
			return fmt.Errorf("chatelaine: operation %s takes back what was spent of %s", c.Op, s.Kind)
		}
	}
	return nil
}

// rows counts everything that a change carries, but for its touches.
func rows(c *access.Change) int {
	return len(c.Guards) + len(c.Users) + len(c.Identities) + len(c.Accounts) + len(c.Memberships) +
		len(c.Connections) + len(c.Assignments) + len(c.Spend) + len(c.Replies) + len(c.Events) +
		len(c.CancelMail) + len(c.Requeue) + len(c.Mail) + len(c.Requests) + len(c.Sessions)
}
