package storagetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// Seats implements [accounts.Reader].
func (m *model) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	w, err := m.read(ctx)
	if err != nil {
		return accounts.Seats{}, err
	}
	return w.seats(account, at), nil
}

// Spent implements [accounts.Reader].
func (m *model) Spent(ctx context.Context, key accounts.QuotaKey) (int, error) {
	w, err := m.read(ctx)
	if err != nil {
		return 0, err
	}
	return w.quotas[key], nil
}

func (w *world) seats(account accounts.AccountID, at time.Time) accounts.Seats {
	var s accounts.Seats
	for key, m := range w.memberships {
		if key.Account == account && m.EndedAt.IsZero() && w.users[key.User].DeletedAt.IsZero() {
			s.Members++
		}
	}
	for key, i := range w.invitations {
		if key.Account == account && w.listed(i).StateAt(at) == invites.Pending {
			s.Invited++
		}
	}
	return s
}

// listed returns an invitation with its account and its inviter as they are.
func (w *world) listed(i invites.Invitation) invites.Listed {
	return invites.Listed{
		Invitation: i, Account: w.accounts[i.Account].AccountState, Inviter: accounts.Member{
			Membership: w.memberships[accounts.StandingKey{User: i.Inviter, Account: i.Account}], User: w.users[i.Inviter],
		},
	}
}

// Inviting implements [invites.Store].
func (m *model) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	w, err := m.read(ctx)
	if err != nil {
		return invites.Inviting{}, err
	}
	account, known := w.accounts[q.Account]
	found, exists := w.invitations[invitationKey{q.Account, q.ID}]
	if !known || q.ID != "" && !exists {
		return invites.Inviting{}, accounts.ErrNotFound
	}
	email := q.Email
	if q.ID != "" {
		email = found.Email
	}
	for key, i := range w.invitations {
		if q.ID == "" && key.Account == q.Account && i.Email == q.Email && i.State == invites.Pending {
			found, exists = i, true
		}
	}
	day := accounts.DayOf(q.At)
	x := invites.Inviting{
		Account: account, Seats: w.seats(q.Account, q.At),
		Used:  w.quotas[accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: string(q.Account), Day: day}],
		Mails: w.quotas[accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: day}],
	}
	if exists {
		x.Invitation, x.Inviter = found, w.listed(found).Inviter
	}
	if u, found := w.user(accounts.UserKey{Email: email}); found {
		x.Member = w.memberships[accounts.StandingKey{User: u.ID, Account: q.Account}].MemberState
	}
	x.Client = w.clientOf(q.Account, email, "").There()
	return x, nil
}

// Accepting implements [invites.Store].
func (m *model) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	w, err := m.read(ctx)
	if err != nil {
		return invites.Accepting{}, err
	}
	for key, i := range w.invitations {
		if q.ID != "" && (key != invitationKey{q.Account, q.ID}) || q.ID == "" && i.Hash != q.Hash {
			continue
		}
		a := invites.Accepting{
			Invitation: i, Account: w.accounts[i.Account], Inviter: w.listed(i).Inviter, Seats: w.seats(i.Account, q.At),
		}
		who := accounts.UserKey{ID: q.User}
		if q.User == "" {
			who = accounts.UserKey{Email: i.Email}
		}
		a.Joiner = w.means(who)
		a.Member = w.membership(accounts.StandingKey{User: cmp.Or(a.Joiner.User.ID, q.User), Account: i.Account})
		a.Client = w.clientOf(i.Account, cmp.Or(a.Joiner.User.Email, i.Email), a.Joiner.User.ID)
		return a, nil
	}
	return invites.Accepting{}, accounts.ErrNotFound
}

// Invitations implements [invites.Store].
func (m *model) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []invites.Listed
	for key, i := range w.invitations {
		l := w.listed(i)
		if key.Account == q.Account && strings.Contains(string(i.Email), accounts.NameKey(q.Search)) &&
			(len(q.States) == 0 || slices.Contains(q.States, l.StateAt(q.At))) {
			all = append(all, l)
		}
	}
	return sortedPage(all, q.Before, q.Limit, invites.Listed.Cursor, newestInvitation), nil
}

func newestInvitation(a, b invites.Cursor) int {
	return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// InvitationsTo implements [invites.Store].
func (m *model) InvitationsTo(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]invites.Listed, error) {
	w, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []invites.Listed
	for _, i := range w.invitations {
		if l := w.listed(i); i.Email == email && l.StateAt(at) == invites.Pending && l.Account.Open() {
			all = append(all, l)
		}
	}
	return sortedPage(all, invites.Cursor{}, limit, invites.Listed.Cursor, newestInvitation), nil
}
