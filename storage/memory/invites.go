package memory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

type invitation struct {
	invites.Invitation
	account *account
}

type invitationKey struct {
	account accounts.AccountID
	id      accounts.InvitationID
}

type invitedKey struct {
	account accounts.AccountID
	email   accounts.Email
}

func (x *invitation) key() invitationKey { return invitationKey{x.Account, x.ID} }

func (x *invitation) to() invitedKey { return invitedKey{x.Account, x.Email} }

func byInvited(a, b *invitation) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func byInvitationID(a, b *invitation) int { return cmp.Compare(a.ID, b.ID) }

func (s *state) putInvitation(r invites.Invitation) {
	trim(&r.SentAt, &r.ExpiresAt, &r.DecidedAt, &r.CreatedAt, &r.UpdatedAt)
	r.Role, r.Given = s.role(r.Role), s.role(r.Given)
	r.Inviter, r.User = s.userID(r.Inviter), s.userID(r.User)
	key := invitationKey{r.Account, r.ID}
	x := s.invitations[key]
	if x == nil {
		x = &invitation{account: s.accounts[r.Account]}
		s.invitations[key] = x
	} else {
		s.unlistInvitation(x)
	}
	x.Invitation = r
	s.offers[x.Hash] = x
	x.account.invitations.insert(x, byInvited)
	if x.State == invites.Pending {
		s.invited[x.to()] = x
		s.offeredTo[x.Email] = append(s.offeredTo[x.Email], x)
		x.account.offered.insert(x, byInvitationID)
	}
}

// unlistInvitation takes an invitation out of the indexes that its columns
// decide. What it leaves may be another's already, whose row was put first.
func (s *state) unlistInvitation(x *invitation) {
	if s.offers[x.Hash] == x {
		delete(s.offers, x.Hash)
	}
	x.account.invitations.remove(x, byInvited)
	if x.State == invites.Pending {
		if s.invited[x.to()] == x {
			delete(s.invited, x.to())
		}
		drop(s.offeredTo, x.Email, x)
		x.account.offered.remove(x, byInvitationID)
	}
}

// inviter returns who made an invitation or sent it last, as they are now.
func (s *state) inviter(x *invitation) accounts.Member { return s.maker(x.account, x.Inviter) }

// maker returns a user and their membership in an account.
func (s *state) maker(a *account, id accounts.UserID) accounts.Member {
	var by accounts.Member
	if u := s.users[id]; u != nil {
		by.User = u.User
		if m := a.member(u); m != nil {
			by.Membership = m.row()
		}
	}
	return by
}

func (s *state) listed(x *invitation) invites.Listed {
	return invites.Listed{Invitation: x.Invitation, Account: x.account.AccountState, Inviter: s.inviter(x)}
}

func (s *state) seats(a *account, at time.Time) accounts.Seats {
	n := accounts.Seats{Members: a.seated}
	for x := range a.offered.all() {
		if x.StateAt(at, s.inviter(x)) == invites.Pending {
			n.Invited++
		}
	}
	return n
}

func (s *state) inviting(q invites.InvitingQuery) (invites.Inviting, error) {
	a := s.accounts[q.Account]
	if a == nil {
		return invites.Inviting{}, accounts.ErrNotFound
	}
	email, x := q.Email, s.invited[invitedKey{q.Account, q.Email}]
	if q.ID != "" {
		if x = s.invitations[invitationKey{q.Account, q.ID}]; x == nil {
			return invites.Inviting{}, accounts.ErrNotFound
		}
		email = x.Email
	}
	day := accounts.DayOf(q.At)
	i := invites.Inviting{
		Account: a.Account, Seats: s.seats(a, q.At), Mails: s.mails(email, day),
		Used: s.quotas[accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: string(q.Account), Day: day}],
	}
	if x != nil {
		i.Invitation, i.Inviter = x.Invitation, s.inviter(x)
	}
	if u := s.emails[email]; u != nil {
		if m := a.member(u); m != nil {
			i.Member = m.state()
		}
	}
	i.Client = s.clientOf(a, email, nil).There()
	return i, nil
}

func (s *state) accepting(q invites.AcceptingQuery) (invites.Accepting, error) {
	x := s.invitations[invitationKey{q.Account, q.ID}]
	if q.ID == "" && q.Hash != (token.Hash{}) { // no secret has the zero hash
		x = s.offers[q.Hash]
	}
	if x == nil {
		return invites.Accepting{}, accounts.ErrNotFound
	}
	a := invites.Accepting{
		Invitation: x.Invitation, Account: x.account.Account, Inviter: s.inviter(x), Seats: s.seats(x.account, q.At),
		Member: accounts.Membership{Account: x.Account, User: q.User},
	}
	u := s.users[q.User]
	if q.User == "" {
		u = s.emails[x.Email]
	}
	if u != nil {
		a.Joiner = s.means(u)
		a.Member = s.membership(accounts.StandingKey{User: u.ID, Account: x.Account})
	}
	a.Client = s.clientOf(x.account, cmp.Or(a.Joiner.User.Email, x.Email), u)
	return a, nil
}

func (s *state) invitationsOf(q invites.ListQuery) []invites.Listed {
	a := s.accounts[q.Account]
	if a == nil {
		return nil
	}
	before := func(x *invitation) bool {
		return q.Before == invites.Cursor{} ||
			cmp.Or(x.CreatedAt.Compare(q.Before.CreatedAt), cmp.Compare(x.ID, q.Before.ID)) < 0
	}
	part, limit := accounts.NameKey(q.Search), limited(q.Limit)
	var page []invites.Listed
	for x := range a.invitations.down(before) {
		if !strings.Contains(string(x.Email), part) {
			continue
		}
		l := s.listed(x)
		if len(q.States) > 0 && !slices.Contains(q.States, l.StateAt(q.At)) {
			continue
		}
		if page = append(page, l); len(page) == limit {
			break
		}
	}
	return page
}

func (s *state) invitationsTo(email accounts.Email, at time.Time, limit int) []invites.Listed {
	var open []*invitation
	for _, x := range s.offeredTo[email] {
		if x.account.Open() && x.StateAt(at, s.inviter(x)) == invites.Pending {
			open = append(open, x)
		}
	}
	slices.SortFunc(open, func(a, b *invitation) int {
		return cmp.Or(byInvited(b, a), cmp.Compare(b.Account, a.Account))
	})
	var page []invites.Listed
	for _, x := range open[:min(limited(limit), len(open))] {
		page = append(page, s.listed(x))
	}
	return page
}
