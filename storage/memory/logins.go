package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

func byIdentityKey(a, b *accounts.Identity) int {
	return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject))
}

// byChallengeKey orders the challenges of one user.
func byChallengeKey(a, b *accounts.Challenge) int {
	return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Action, b.Action))
}

func byPurpose(a, b *access.Ticket) int { return cmp.Compare(a.Purpose, b.Purpose) }

func (s *state) putIdentity(r accounts.Identity) {
	trim(&r.CreatedAt)
	r.User = s.userID(r.User)
	x := &r
	s.identities[x.Key()] = x
	s.users[x.User].identities.insert(x, byIdentityKey)
}

// unlink takes an identity out, if there is such a one.
func (s *state) unlink(key accounts.IdentityKey) {
	if x := s.identities[key]; x != nil {
		delete(s.identities, key)
		s.users[x.User].identities.remove(x, byIdentityKey)
	}
}

func (s *state) putCredential(r accounts.Credential) {
	trim(&r.CreatedAt, &r.UpdatedAt)
	r.User = s.userID(r.User)
	s.credentials[r.User] = r
}

func (s *state) putChallenge(r accounts.Challenge) {
	trim(&r.CreatedAt, &r.ExpiresAt, &r.PassedAt, &r.UsedAt)
	r.User = s.userID(r.User)
	if x := s.challenges[r.ChallengeKey]; x != nil {
		*x = r
		return
	}
	x := &r
	s.challenges[x.ChallengeKey] = x
	s.users[x.User].challenges.insert(x, byChallengeKey)
}

func (s *state) dropChallenge(x *accounts.Challenge) {
	delete(s.challenges, x.ChallengeKey)
	s.users[x.User].challenges.remove(x, byChallengeKey)
}

func (s *state) putTicket(r access.Ticket) {
	trim(&r.CreatedAt, &r.ExpiresAt, &r.UsedAt)
	r.User = s.userID(r.User)
	x := s.tickets[r.TicketKey]
	if x == nil {
		x = &access.Ticket{TicketKey: r.TicketKey}
		s.tickets[r.TicketKey] = x
		s.users[r.User].tickets.insert(x, byPurpose)
	} else if s.mailed[x.Hash] == x {
		delete(s.mailed, x.Hash)
	}
	*x = r
	s.mailed[x.Hash] = x
}

func (s *state) dropTicket(x *access.Ticket) {
	delete(s.tickets, x.TicketKey)
	delete(s.mailed, x.Hash)
	s.users[x.User].tickets.remove(x, byPurpose)
}

func (s *state) putGuesses(r access.Guesses) {
	trim(&r.LastAt)
	s.guesses[r.Email] = r
}

func (s *state) means(u *user) accounts.Means {
	m := accounts.Means{User: u.User, Credential: accounts.Credential{User: u.ID}}
	if r, ok := s.credentials[u.ID]; ok {
		m.Credential = r
	}
	for i := range u.identities.all() {
		m.Identities = append(m.Identities, *i)
	}
	return m
}

func (s *state) entering(q access.EnteringQuery) access.Entering {
	e := access.Entering{
		Guesses: access.Guesses{Email: q.Email},
		Links:   s.quotas[accounts.QuotaKey{Kind: accounts.QuotaLinks, Subject: string(q.Email), Day: q.Day}],
	}
	if u := s.emails[q.Email]; u != nil {
		e.Means = s.means(u)
	}
	if g, ok := s.guesses[q.Email]; ok {
		e.Guesses = g
	}
	if q.Source != "" {
		e.Tries = s.quotas[accounts.QuotaKey{Kind: accounts.QuotaSource, Subject: q.Source, Day: q.Day}]
	}
	return e
}

func (s *state) ticket(q access.TicketQuery) (access.Ticket, error) {
	x := s.tickets[q.TicketKey]
	if q.User == "" && q.Hash != (token.Hash{}) { // no secret has the zero hash
		x = s.mailed[q.Hash]
	}
	if x == nil {
		return access.Ticket{}, accounts.ErrNotFound
	}
	return *x, nil
}
