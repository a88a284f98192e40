package memory

import (
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

func (s *state) putSetupLink(r invites.SetupLink) {
	trim(&r.CreatedAt, &r.ExpiresAt, &r.UsedAt)
	r.Maker = s.userID(r.Maker)
	x := s.setups[r.ClientKey]
	if x == nil {
		x = &invites.SetupLink{}
		s.setups[r.ClientKey] = x
	} else if s.setupLinks[x.Hash] == x { // else it is another's, whose row was put first
		delete(s.setupLinks, x.Hash)
	}
	*x = r
	s.setupLinks[x.Hash] = x
}

func (s *state) settingUp(q invites.SettingUpQuery) (invites.SettingUp, error) {
	key := q.ClientKey
	if q.ID == "" && q.Hash != (token.Hash{}) { // no secret has the zero hash
		if link := s.setupLinks[q.Hash]; link != nil {
			key = link.ClientKey
		}
	}
	x := s.record(key)
	if x == nil {
		return invites.SettingUp{}, accounts.ErrNotFound
	}
	f := invites.SettingUp{
		Link: invites.SetupLink{ClientKey: key}, Client: x.Client, Account: x.account.Account, Assigned: x.assigned(),
		Mails: s.mails(x.Email, q.Day),
	}
	if link := s.setups[key]; link != nil {
		f.Link = *link
		f.Maker = s.maker(x.account, link.Maker)
	}
	if u := s.emails[x.Email]; u != nil {
		f.Holder = s.means(u)
	}
	if u := s.users[q.User]; u != nil {
		f.Joiner = u.User
		if m := x.account.member(u); m != nil {
			f.Member = m.state()
		}
		f.As = s.clientOf(x.account, "", u)
	}
	return f, nil
}
