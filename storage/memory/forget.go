package memory

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// forget erases what is kept about a person. What is not there is passed over.
func (s *state) forget(f accounts.Forget, at time.Time) {
	if u := s.users[f.User]; u != nil {
		s.forgetUser(u)
	}
	for _, x := range s.letters {
		if f.User != "" && x.User == string(f.User) || f.Email != "" && x.To == string(f.Email) {
			s.forgetLetter(x, at)
		}
	}
	if f.Email != "" { // what was forgotten already has no address
		s.forgetEmail(f.Email)
	}
}

func (s *state) forgetUser(u *user) {
	delete(s.credentials, u.ID)
	for _, i := range u.identities.rows() {
		s.unlink(i.Key())
	}
	for _, x := range u.challenges.rows() {
		s.dropChallenge(x)
	}
	for _, x := range u.tickets.rows() {
		s.dropTicket(x)
	}
	for x := range u.sessions.all() {
		if x.UserAgent+x.Source != "" {
			x.UserAgent, x.Source = "", ""
			x.Version++
		}
	}
	for x := range u.views.all() {
		if x.UserAgent+x.Source != "" {
			x.UserAgent, x.Source = "", ""
			x.Version++
		}
	}
}

func (s *state) forgetEmail(email accounts.Email) {
	delete(s.guesses, email)
	for _, x := range s.tickets {
		if x.Email == email {
			s.dropTicket(x)
		}
	}
	for _, x := range s.requests {
		if x.Email != email {
			continue
		}
		r := x.Request
		r.Version++
		r.Email, r.Address, r.Message, r.Reason = "", "", "", ""
		if r.State == access.Pending {
			r.State = access.Ended
		}
		s.putRequest(r)
	}
	for _, x := range s.invitations {
		if x.Email != email {
			continue
		}
		r := x.Invitation
		r.Version++
		r.Email, r.Address, r.Message = "", "", ""
		if r.State == invites.Pending {
			r.State = invites.Revoked
		}
		s.putInvitation(r)
	}
}

// forgetLetter takes a message back, and all that it says of its recipient.
func (s *state) forgetLetter(x *letter, at time.Time) {
	s.cancelLetter(x, at)
	x.Erase()
	x.To, x.ToName, x.User, x.err = "", "", "", "" // servers repeat addresses in what they answer
}
