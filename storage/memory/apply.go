package memory

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// change is a change of any package that makes some.
type change struct {
	access.Change
	Invitations []invites.Invitation
	SetupLinks  []invites.SetupLink
}

// apply makes a change as a whole: it checks everything, and only then writes.
func (s *state) apply(c *change) error {
	if err := s.check(c); err != nil {
		return err
	}
	s.write(c)
	return nil
}

// write makes a change that has been checked; it cannot fail. What others
// point at comes first.
func (s *state) write(c *change) {
	for _, g := range c.Guards {
		if g.Move && g.Account != "" {
			s.accounts[g.Account].Version++
		}
	}
	for _, r := range c.Users {
		r.Version++
		s.putUser(r)
	}
	for _, key := range c.Unlink {
		s.unlink(key)
	}
	for _, r := range c.Identities {
		s.putIdentity(r)
	}
	for _, r := range c.Credentials {
		r.Version++
		s.putCredential(r)
	}
	for _, r := range c.Challenges {
		r.Version++
		s.putChallenge(r)
	}
	for _, r := range c.Accounts {
		r.Version++
		s.putAccount(r)
	}
	for _, r := range c.Memberships {
		r.Version++
		s.putMembership(r)
	}
	for _, r := range c.Connections {
		r.Version++
		s.putConnection(r)
	}
	for _, r := range c.Assignments {
		r.Version++
		s.putAssignment(r)
	}
	for _, r := range c.Clients {
		r.Version++
		s.putClient(r)
	}
	for _, r := range c.Sites {
		r.Version++
		s.putSite(r)
	}
	for _, r := range c.SiteAccess {
		r.Version++
		s.putSiteAccess(r)
	}
	for _, r := range c.SetupLinks {
		r.Version++
		s.putSetupLink(r)
	}
	for _, r := range c.Requests {
		r.Version++
		s.putRequest(r)
	}
	for _, r := range c.Invitations {
		r.Version++
		s.putInvitation(r)
	}
	for _, r := range c.Sessions {
		r.Version++
		s.putSession(r)
	}
	for _, r := range c.Views {
		r.Version++
		s.putView(r)
	}
	for _, r := range c.Tickets {
		r.Version++
		s.putTicket(r)
	}
	for _, r := range c.Guesses {
		r.Version++
		s.putGuesses(r)
	}
	for _, t := range c.Touches {
		s.touch(t)
	}
	for _, p := range c.Spend {
		s.putSpend(p)
	}
	for _, r := range c.Replies {
		s.putReply(r)
	}
	for _, e := range c.Events {
		s.putEvent(event{Event: e})
	}
	for _, r := range c.CancelMail {
		s.cancel(r, decidedAt(c.Events))
	}
	s.requeueMail(c.Requeue, decidedAt(c.Events))
	for _, b := range c.Bounced {
		s.bounce(b)
	}
	for _, m := range c.Mail {
		s.putLetter(letter{Message: m, state: mail.Queued})
	}
	for _, f := range c.Forget {
		s.forget(f, decidedAt(c.Events))
	}
}
