package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

type view struct {
	access.ViewAs
	viewer *user
}

func byViewID(a, b *view) int { return cmp.Compare(a.ID, b.ID) }

func (s *state) putView(r access.ViewAs) {
	trim(&r.Proof.At, &r.CreatedAt, &r.LinkUntil, &r.OpenedAt, &r.ExpiresAt, &r.EndedAt)
	r.Viewer = s.userID(r.Viewer)
	x := s.views[r.ID]
	if x == nil {
		x = &view{}
		s.views[r.ID] = x
	} else {
		s.unlistView(x)
	}
	x.ViewAs, x.viewer = r, s.users[r.Viewer]
	s.viewLinks[x.Link], s.viewSecrets[x.Hash] = x, x
	x.viewer.views.insert(x, byViewID)
}

// unlistView takes a view out of the indexes that its columns decide. What it
// leaves may be another's already, whose row was put first.
func (s *state) unlistView(x *view) {
	if s.viewLinks[x.Link] == x {
		delete(s.viewLinks, x.Link)
	}
	if s.viewSecrets[x.Hash] == x {
		delete(s.viewSecrets, x.Hash)
	}
	x.viewer.views.remove(x, byViewID)
}

func (s *state) viewing(key access.ViewKey) (access.Viewing, error) {
	x := s.views[key.ID]
	switch none := (token.Hash{}); { // no secret has the zero hash
	case key.ID != "":
	case key.Link != none:
		x = s.viewLinks[key.Link]
	case key.Hash != none:
		x = s.viewSecrets[key.Hash]
	}
	if x == nil {
		return access.Viewing{}, accounts.ErrNotFound
	}
	v := access.Viewing{View: x.ViewAs}
	if session := s.sessions[x.Session]; session != nil {
		v.Session = session.SessionState
	}
	a := s.accounts[x.Account]
	s.standingOf(x.viewer, a, &v.Standing)
	if m := a.member(x.viewer); m != nil {
		v.Tenure = m.tenure
	}
	if of := s.record(x.ClientKey); of != nil {
		v.Client, v.Sites = of.Client, of.grants()
		if u := s.users[of.User]; u != nil {
			v.User, v.Logins = u.UserState, u.Logins
		}
	}
	return v, nil
}
