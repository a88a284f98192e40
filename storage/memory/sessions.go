package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

type session struct {
	access.Session
	owner *user
}

func bySessionID(a, b *session) int { return cmp.Compare(a.ID, b.ID) }

func (s *state) putSession(r access.Session) {
	trim(&r.CreatedAt, &r.AuthAt, &r.SeenAt, &r.EndedAt)
	r.User = s.userID(r.User)
	x := s.sessions[r.ID]
	if x == nil {
		x = &session{}
		s.sessions[r.ID] = x
	} else {
		s.unlistSession(x)
	}
	x.Session, x.owner = r, s.users[r.User]
	s.secrets[x.Hash] = x
	x.owner.sessions.insert(x, bySessionID)
}

// unlistSession takes a session out of the indexes that its columns decide.
func (s *state) unlistSession(x *session) {
	if s.secrets[x.Hash] == x {
		delete(s.secrets, x.Hash)
	}
	x.owner.sessions.remove(x, bySessionID)
}

// touch moves the last use of a session forward, if the session is there.
func (s *state) touch(t access.Touch) {
	trim(&t.At)
	if x := s.sessions[t.Session]; x != nil && t.At.After(x.SeenAt) {
		x.SeenAt = t.At
	}
}

func (s *state) admission(hash token.Hash, account accounts.AccountID, into *access.Admission) {
	x := s.secrets[hash]
	if x == nil || hash == (token.Hash{}) { // no secret has the zero hash
		return
	}
	into.Session = x.SessionState
	a := s.accounts[account]
	s.standingOf(x.owner, a, &into.Standing)
	if into.Standing.Client.ID != "" {
		into.Sites = x.owner.record(a).grants()
	}
}

func (s *state) session(key access.SessionKey) (access.Session, error) {
	x := s.sessions[key.ID]
	if key.ID == "" && key.Hash != (token.Hash{}) {
		x = s.secrets[key.Hash]
	}
	if x == nil {
		return access.Session{}, accounts.ErrNotFound
	}
	return x.Session, nil
}

func (s *state) sessionsOf(q access.SessionsQuery) []access.Session {
	u := s.users[q.User]
	if u == nil {
		return nil
	}
	limit := limited(q.Limit)
	var page []access.Session
	for x := range u.sessions.down(func(x *session) bool { return q.Before == "" || x.ID < q.Before }) {
		if !x.EndedAt.IsZero() {
			continue
		}
		if page = append(page, x.Session); len(page) == limit {
			break
		}
	}
	return page
}
