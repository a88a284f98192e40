package sqlstore

import (
	"errors"
	"fmt"
	"time"
)

// check refuses a change that no decision may make: a mistake in code, not a
// conflict.
func check(c *change) error {
	for _, s := range c.Spend {
		if s.N < 0 {
			return fmt.Errorf("chatelaine: operation %q takes back what was spent of %s", c.Op, s.Kind)
		}
	}
	if c.Op == "" {
		if decided(c) > 0 {
			return errors.New("chatelaine: a change without an operation id can only note the use of sessions and count tries")
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
	return checkMail(c)
}

// checkMail refuses mail that nobody would ever send, and data that could not be
// read again.
func checkMail(c *change) error {
	for i := range c.Mail {
		if c.Mail[i].Channel == "" {
			return fmt.Errorf("chatelaine: operation %s has mail without a channel", c.Op)
		}
		for _, at := range []time.Time{c.Mail[i].Data.ExpiresAt, c.Mail[i].Data.At} {
			if y := at.UTC().Year(); y < 0 || y > lastYear {
				return fmt.Errorf("chatelaine: operation %s has mail with a moment in the year %d", c.Op, y)
			}
		}
	}
	return nil
}

// decided counts what a change carries besides notes and counts, which nobody
// decided.
func decided(c *change) int {
	return len(c.Guards) + len(c.Users) + len(c.Identities) + len(c.Unlink) + len(c.Credentials) + len(c.Challenges) +
		len(c.Accounts) + len(c.Memberships) + len(c.Connections) + len(c.Assignments) + len(c.Replies) + len(c.Events) +
		len(c.CancelMail) + len(c.Requeue) + len(c.Bounced) + len(c.Mail) + len(c.Forget) + len(c.Requests) + len(c.Sessions) +
		len(c.Tickets) + len(c.Invitations) + len(c.Clients) + len(c.Sites) + len(c.SiteAccess) + len(c.SetupLinks) + len(c.Views)
}
