package storagetest

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// errMistake is what no decision should ever have made.
var errMistake = errors.New("storagetest: a change that makes no sense")

// doubled reports whether a change has two rows with one key.
func doubled(c access.Change) bool {
	type (
		identity   struct{ issuer, subject string }
		membership struct {
			account accounts.AccountID
			user    accounts.UserID
		}
	)
	seen := map[any]bool{}
	twice := false
	add := func(key any) {
		twice = twice || seen[key]
		seen[key] = true
	}
	for _, r := range c.Users {
		add(r.ID)
	}
	for _, r := range c.Identities {
		add(identity{r.Issuer, r.Subject})
	}
	for _, r := range c.Accounts {
		add(r.ID)
	}
	for _, r := range c.Memberships {
		add(membership{r.Account, r.User})
	}
	for _, r := range c.Connections {
		add(r.ConnectionKey)
	}
	for _, r := range c.Assignments {
		add(assignmentKey{r.ConnectionKey, r.User})
	}
	for _, r := range c.Replies {
		add(r.ReplyKey)
	}
	for _, r := range c.Requests {
		add(requestKey{r.Agency, r.ID})
	}
	for _, r := range c.Sessions {
		add(r.ID)
	}
	for _, r := range c.Events {
		add(eventKey{r.Op, r.Seq})
	}
	return twice
}

// sensible reports whether a change is one that a decision can have made. The
// world is the one in which it was applied already.
func (w *world) sensible(c access.Change) bool {
	ok := len(c.Events) > 0 && c.Op != "" || onlyTouches(c)
	for _, ev := range c.Events {
		ok = ok && ev.Op == c.Op
	}
	for _, g := range c.Guards {
		ok = ok && (g.Account == "") != (g.User == "")
		for _, a := range c.Accounts {
			ok = ok && a.ID != g.Account
		}
	}
	for _, s := range c.Spend {
		ok = ok && s.N >= 0
	}
	user := func(id accounts.UserID) bool { _, found := w.users[id]; return found }
	account := func(id accounts.AccountID) bool { _, found := w.accounts[id]; return found }
	for _, r := range c.Identities {
		ok = ok && user(r.User)
	}
	for _, r := range c.Memberships {
		ok = ok && user(r.User) && account(r.Account)
	}
	for _, r := range c.Connections {
		ok = ok && account(r.Client) && account(r.Agency)
	}
	for _, r := range c.Assignments {
		_, connected := w.connections[r.ConnectionKey]
		_, member := w.memberships[accounts.StandingKey{User: r.User, Account: r.Agency}]
		ok = ok && connected && member
	}
	for _, r := range c.Requests {
		ok = ok && account(r.Agency)
	}
	for _, r := range c.Sessions {
		ok = ok && user(r.User)
	}
	return ok
}

func onlyTouches(c access.Change) bool {
	c.Touches = nil
	return text(c) == text(access.Change{})
}
