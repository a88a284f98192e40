package access

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Principal is who is signed in, and what they may do at one account at this
// moment. It is an answer, not a state: ask again for every request, and a
// right withdrawn anywhere is refused by the next one.
type Principal struct { //nolint:recvcheck // a value; enter alone fills one in, before anybody has it
	roles.Rights

	User        accounts.UserID
	UserName    string
	Session     accounts.SessionID // "" when the host keeps its own sessions
	Account     accounts.AccountID // "" when none was asked for
	AccountName string

	// Agency is the agency through which the user is here with their highest
	// delegated role; "" without one.
	Agency     accounts.AccountID
	AgencyName string

	// Client is the client record as which the user is here; "" without one. It
	// gives no role: a client has the sites that they were given.
	Client accounts.ClientID

	AuthAt    time.Time // when the user last proved who they are
	ExpiresAt time.Time // when the session ends at the latest; zero for the host's own

	sites []accounts.SiteGrant
	actor accounts.Actor
}

// Actor returns who acts, for every method that does something. The actor of a
// principal at an account acts there and nowhere else.
func (p Principal) Actor() accounts.Actor { return p.actor }

// CanSite reports whether the user holds a permission on a site of the account:
// a client what they were given there, and whoever may manage the account's
// clients everything, since they hand it out. Nobody else holds any, delegates
// included. Whether there is such a site, the host knows.
func (p Principal) CanSite(site accounts.SiteID, permission roles.Permission) bool {
	return p.Can(roles.ManageClients) || granted(p.sites, site, permission)
}

// Sites returns the sites that a client was given, by id, with what they may do
// there; those without a permission are theirs, and nothing of them is seen.
// Others have none: list theirs with accounts.Clients. The answer is the
// caller's.
func (p Principal) Sites() []accounts.SiteGrant { return copied(p.sites) }

// granted reports whether a permission on a site is among grants.
func granted(list []accounts.SiteGrant, site accounts.SiteID, permission roles.Permission) bool {
	for i := range list {
		if list[i].Site == site {
			return list[i].Can(permission)
		}
	}
	return false
}

// copied returns grants that share nothing with those they are made of.
func copied(list []accounts.SiteGrant) []accounts.SiteGrant {
	list = slices.Clone(list)
	for i := range list {
		list[i].Permissions = slices.Clone(list[i].Permissions)
	}
	return list
}

// Route returns how the user comes in: as a member, else as a delegate, else as
// a client.
func (p Principal) Route() accounts.RouteKind {
	switch {
	case p.Direct() != "":
		return accounts.RouteMember
	case p.Delegated() != "":
		return accounts.RouteDelegate
	case p.Client != "":
		return accounts.RouteClient
	}
	return ""
}

// alive decides whether a session counts at a moment: it has not ended, its
// user is active and still in the epoch of the login, and neither the idle nor
// the absolute limit is reached. Reached means at, not after.
func (s SessionState) alive(at time.Time, u accounts.UserState, l accounts.Limits) bool {
	return s.ID != "" && s.EndedAt.IsZero() && u.ID != "" && u.Active() && s.UserEpoch == u.Epoch &&
		at.Sub(s.SeenAt) < l.SessionIdle && at.Sub(s.CreatedAt) < l.SessionTTL
}

// principal decides who a session is, and what they may do at the account that
// was asked for.
func (a Admission) principal(r accounts.Rules, at time.Time, account accounts.AccountID) (Principal, error) {
	s, st := a.Session, a.Standing
	if !s.alive(at, st.User, r.Limits) {
		return Principal{}, ErrNoSession
	}
	p := Principal{
		User: s.User, UserName: st.User.Name, Session: s.ID, AuthAt: s.AuthAt, ExpiresAt: s.CreatedAt.Add(r.Limits.SessionTTL),
	}
	// A renewed session is as good as a new one for work elsewhere; its own end
	// stays where it was.
	proven := s.CreatedAt
	if s.AuthAt.After(proven) {
		proven = s.AuthAt
	}
	tooOld := at.Sub(s.SeenAt) >= r.Limits.DelegateIdle || at.Sub(proven) >= r.Limits.DelegateTTL
	err := p.enter(r, a, account, accounts.Admission{
		User: s.User, Epoch: s.UserEpoch, Proof: accounts.Proof{Login: s.Login}, Session: s.ID, AuthAt: s.AuthAt,
	}, tooOld)
	return p, err
}

// enter fills in what the user may do at an account. Somebody else's account
// wants a younger session than one's own; where only an older one is at hand,
// delegated rights are left out, and if nothing else is there the user has to
// log in again. As a client they come on their own.
func (p *Principal) enter(r accounts.Rules, a Admission, account accounts.AccountID, adm accounts.Admission, tooOld bool) error {
	st := a.Standing
	adm.Account, adm.OwnOnly = account, tooOld
	p.actor = accounts.Admitted(adm)
	if account == "" {
		return nil
	}
	p.Rights = st.Rights(r.Ladder, adm.Proof)
	if st.AsClient(adm.Proof) {
		p.Client, p.sites = st.Client.ID, a.Sites
	}
	if p.None() && p.Client == "" {
		*p = Principal{}
		return accounts.ErrNotFound
	}
	if p.Delegated() != "" && tooOld {
		if p.Rights = r.Ladder.Rights(p.Direct(), ""); p.None() && p.Client == "" {
			*p = Principal{}
			return accounts.ErrStepUp
		}
	}
	p.Account, p.AccountName = account, st.Account.Name
	if p.Delegated() != "" {
		agency, _ := st.Agency(r.Ladder, adm.Proof)
		p.Agency, p.AgencyName = agency.ID, agency.Name
	}
	return nil
}
