package accounts

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Why names what keeps a user, or one route, out of an account.
type Why string

// What can keep a user out: first by every route, then by one.
const (
	WhyUnknownUser      Why = "there is no such user"
	WhyUserDeleted      Why = "the user was deleted"
	WhyUserSuspended    Why = "the user is suspended"
	WhyUnknownAccount   Why = "there is no such account"
	WhyAccountClosed    Why = "the account is closed"
	WhyAccountSuspended Why = "the account is suspended"
	WhyMemberSuspended  Why = "the membership here is suspended, which bars every route"
	WhyNoLogin          Why = "nothing proves a login"
	WhyLoginTooOld      Why = "the login is from before they were reactivated; a new one counts"
	WhyClientSuspended  Why = "the client record here is suspended, which bars every route"

	WhyNoClient          Why = "is no client"
	WhyNoMember          Why = "never was a member"
	WhyMemberEnded       Why = "is not a member any more"
	WhyAgencyClosed      Why = "the agency is closed"
	WhyAgencySuspended   Why = "the agency is suspended"
	WhyAccessDisabled    Why = "the agency has client access disabled"
	WhyConnectionEnded   Why = "the connection has ended"
	WhyLeftAgency        Why = "is not a member of the agency any more"
	WhySuspendedInAgency Why = "is suspended in the agency"
	WhyUnassigned        Why = "the assignment has ended"
	WhyUnknownRole       Why = "the role is not one that the ladder lets a delegate have"
	WhyNoSuchRole        Why = "the role is not on the ladder"
)

// Explanation answers "why can this user see this account?", or why not: each
// route with its role, what limits it, and what keeps it from counting.
type Explanation struct {
	User    UserState
	Account AccountState
	Rights  roles.Rights
	Barred  Why // keeps out by every route; "": nothing does
	Direct  RouteExplained
	Client  ClientID         // the client record as which the user is let in; "": none
	Through []RouteExplained // by agency id
}

// RouteExplained is one route of an [Explanation].
type RouteExplained struct {
	Agency     AccountState // zero for the direct route
	Role       roles.Role   // what the route gives now, or ""
	Membership roles.Role   // the role held in the account, or in the agency
	Cap        roles.Role   // the connection's cap; "" for the direct route
	Assigned   roles.Role   // the assignment's role; "" for the direct route
	Why        Why          // why the route does not count; "": it does
}

// Explain tells how the standing comes to its rights.
func (s Standing) Explain(l *roles.Ladder, p Proof) Explanation {
	e := Explanation{User: s.User, Account: s.Account, Rights: s.Rights(l, p), Barred: s.barred(p)}
	if s.AsClient(p) {
		e.Client = s.Client.ID
	}
	e.Direct = RouteExplained{Membership: s.Member.Role, Role: e.Rights.Direct()}
	switch {
	case e.Barred != "":
		e.Direct.Why = e.Barred
	case s.Member.Role == "":
		e.Direct.Why = WhyNoMember
	case !s.Member.EndedAt.IsZero():
		e.Direct.Why = WhyMemberEnded
	case e.Direct.Role == "":
		e.Direct.Why = WhyNoSuchRole
	}
	for _, r := range s.Routes {
		x := RouteExplained{Agency: r.Agency, Membership: r.Member.Role, Cap: r.Connection.Cap, Assigned: r.Assignment.Role}
		if x.Role, x.Why = r.role(l, p); e.Barred != "" {
			x.Role, x.Why = "", e.Barred
		}
		e.Through = append(e.Through, x)
	}
	return e
}

// String tells the explanation in sentences, one a line.
func (e Explanation) String() string {
	var b strings.Builder
	who := cmp.Or(e.User.Name, string(e.User.ID), "This user")
	where := cmp.Or(e.Account.Name, string(e.Account.ID), "this account")
	if e.Rights.None() && e.Client == "" {
		fmt.Fprintf(&b, "%s cannot reach %s", who, where)
		if e.Barred != "" {
			fmt.Fprintf(&b, ": %s", e.Barred)
		}
	} else {
		fmt.Fprintf(&b, "%s can reach %s as %s", who, where, cmp.Or(string(e.Rights.Role()), "a client"))
	}
	if e.Barred != "" {
		return b.String()
	}
	if e.Direct.Why == "" {
		fmt.Fprintf(&b, "\n  directly: member with the role %s", e.Direct.Role)
	} else {
		fmt.Fprintf(&b, "\n  directly: no, %s", e.Direct.Why)
	}
	if e.Client != "" {
		fmt.Fprintf(&b, "\n  as the client %s: the sites that were given, and nothing else", e.Client)
	}
	for _, r := range e.Through {
		agency := cmp.Or(r.Agency.Name, string(r.Agency.ID))
		if r.Why != "" {
			fmt.Fprintf(&b, "\n  through %s: no, %s", agency, r.Why)
			continue
		}
		fmt.Fprintf(&b, "\n  through %s: %s, the smaller of the cap %s and the assignment %s", agency, r.Role, r.Cap, r.Assigned)
	}
	return b.String()
}
