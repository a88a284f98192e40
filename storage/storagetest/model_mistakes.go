package storagetest

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// errMistake is what no decision should ever have made.
var errMistake = errors.New("storagetest: a change that makes no sense")

// doubled reports whether a change has two rows with one key.
func doubled(c change) bool {
	type (
		identity   struct{ issuer, subject string }
		credential accounts.UserID
		guessed    accounts.Email
		bounced    string
		setup      accounts.ClientKey
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
	for _, r := range c.Credentials {
		add(credential(r.User))
	}
	for _, r := range c.Challenges {
		add(r.ChallengeKey)
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
	for _, r := range c.Clients {
		add(r.ClientKey)
	}
	for _, r := range c.Sites {
		add(r.SiteKey)
	}
	for _, r := range c.SiteAccess {
		add(r.SiteAccessKey)
	}
	for _, r := range c.SetupLinks {
		add(setup(r.ClientKey))
	}
	for _, r := range c.Views {
		add(r.ID)
	}
	for _, r := range c.Replies {
		add(r.ReplyKey)
	}
	for _, r := range c.Requests {
		add(requestKey{r.Agency, r.ID})
	}
	for _, r := range c.Invitations {
		add(invitationKey{r.Account, r.ID})
	}
	for _, r := range c.Sessions {
		add(r.ID)
	}
	for _, r := range c.Tickets {
		add(r.TicketKey)
	}
	for _, r := range c.Guesses {
		add(guessed(r.Email))
	}
	for _, b := range c.Bounced {
		add(bounced(b.ID))
	}
	for _, r := range c.Events {
		add(eventKey{r.Op, r.Seq})
	}
	return twice
}

// sensible reports whether a change is one that a decision can have made. The
// world is the one in which it was applied already.
func (w *world) sensible(c change) bool {
	ok := len(c.Events) > 0 && c.Op != "" || onlyNotes(c)
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
	for i := range c.Mail {
		ok = ok && c.Mail[i].Channel != ""
	}
	user := func(id accounts.UserID) bool { _, found := w.users[id]; return found }
	account := func(id accounts.AccountID) bool { _, found := w.accounts[id]; return found }
	for _, r := range c.Identities {
		ok = ok && user(r.User)
	}
	for _, r := range c.Credentials {
		ok = ok && user(r.User)
	}
	for _, r := range c.Challenges {
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
	client := func(key accounts.ClientKey) bool { _, found := w.clients[key]; return found }
	for _, r := range c.Clients {
		ok = ok && account(r.Account) && (r.User == "" || user(r.User))
	}
	for _, r := range c.Sites {
		ok = ok && account(r.Account)
	}
	for _, r := range c.SiteAccess {
		_, site := w.sites[accounts.SiteKey{Account: r.Account, ID: r.Site}]
		ok = ok && site && client(accounts.ClientKey{Account: r.Account, ID: r.Client})
	}
	for _, r := range c.SetupLinks {
		ok = ok && client(r.ClientKey)
	}
	for _, r := range c.Views {
		ok = ok && client(r.ClientKey) && user(r.Viewer)
	}
	for _, r := range c.Requests {
		ok = ok && account(r.Agency)
	}
	for _, r := range c.Invitations {
		ok = ok && account(r.Account)
	}
	for _, r := range c.Sessions {
		ok = ok && user(r.User)
	}
	for _, r := range c.Tickets {
		ok = ok && user(r.User)
	}
	return ok
}

// onlyNotes reports whether a change is nothing but notes and counts, which
// nobody decided: it needs no operation.
func onlyNotes(c change) bool {
	c.Touches, c.Guesses, c.Spend = nil, nil, nil
	return text(c) == text(change{})
}
