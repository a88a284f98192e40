package access

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// ForUser says what a user of a host with sessions of its own may do at an
// account. The login is that of the session: keep its User, At, Epoch and
// ByLink there. Of logins that this library returned the Epoch tells whether
// they were overtaken; a host whose logins are its own leaves it 0, and At tells
// it. Logins of before the user's sessions were ended ([ErrNoSession]), or of
// before a membership was reactivated, do not count. What is no user id is an
// accounts.InvalidError; other errors are those of [Sessions.Principal].
func (s *Sessions) ForUser(ctx context.Context, login accounts.Login, account accounts.AccountID) (Principal, error) {
	user := login.User
	if err := accounts.CheckID("user", user); err != nil {
		return Principal{}, err
	}
	if account != "" && accounts.CheckID("account", account) != nil {
		return Principal{}, accounts.ErrNotFound
	}
	list, err := s.st.Standings(ctx, []accounts.StandingKey{{User: user, Account: account}})
	if err != nil {
		return Principal{}, err
	}
	// As exact as every other moment is kept: two moments that are stored as
	// one must not be told apart.
	login.At = login.At.UTC().Truncate(time.Microsecond)
	f := Admission{Standing: list[0]}
	if f.Standing.AsClient(accounts.Proof{At: login.At}) {
		if f, err = s.asClient(ctx, f.Standing); err != nil {
			return Principal{}, err
		}
	}
	return f.ownSession(s.env.Rules(), s.env.Now(), login, account)
}

// asClient adds the sites of a client to their standing. The record is read with
// them, and takes the place of the one that was read before: the sites of one
// that was suspended since are nobody's.
func (s *Sessions) asClient(ctx context.Context, st accounts.Standing) (Admission, error) {
	list, err := s.st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: st.Account.ID, Client: st.Client.ID, Limit: 1})
	if err != nil {
		return Admission{}, err
	}
	out := Admission{Standing: st}
	out.Standing.Client = accounts.ClientState{}
	if len(list) == 1 && list[0].Client.User == st.User.ID {
		out.Standing.Client, out.Sites = list[0].Client.ClientState, list[0].Sites
	}
	return out, nil
}

// ownSession decides who a user is by the time of a login in the host's own
// sessions. A login at or before the moment at which the user's sessions last
// ended is none.
func (a Admission) ownSession(r accounts.Rules, at time.Time, login accounts.Login, account accounts.AccountID) (Principal, error) {
	u, loginAt := a.Standing.User, login.At
	if login.Epoch != 0 && login.Epoch != u.Epoch {
		return Principal{}, ErrNoSession
	}
	if u.ID == "" || !u.Active() || loginAt.IsZero() || loginAt.After(at) || (login.Epoch == 0 && !u.EpochAt.IsZero() && !loginAt.After(u.EpochAt)) {
		return Principal{}, ErrNoSession
	}
	p := Principal{User: u.ID, UserName: u.Name, AuthAt: loginAt}
	if login.ByLink {
		p.AuthAt = time.Time{}
	}
	err := p.enter(r, a, account, accounts.Admission{
		User: u.ID, Epoch: u.Epoch, Proof: accounts.Proof{At: loginAt}, AuthAt: p.AuthAt,
	}, at.Sub(loginAt) >= r.Limits.DelegateTTL)
	return p, err
}
