package accounts

import (
	"math"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Standing is everything that decides what a user may do at an account, read
// at one moment: who they are, the account, their own membership, the client
// record as which they are here, and every route through an agency. It is facts; [Standing.Rights] draws the conclusion
// and [Standing.Explain] tells it.
type Standing struct {
	User    UserState
	Account AccountState
	Member  MemberState
	Client  ClientState // zero without a record that is there
	Routes  []Route     // one for each assignment the user ever had here, by agency id
}

// Route is one way into a client account: the connection to an agency, the
// user's membership there, and the user's assignment.
type Route struct {
	Agency     AccountState
	Connection ConnectionState
	Member     MemberState
	Assignment AssignmentState
}

// StandingKey names a standing.
type StandingKey struct {
	User    UserID
	Account AccountID
}

// Proof is the login that a claim to a standing rests on. A membership that
// was suspended and reactivated counts only for later logins. Sessions of this
// library know their login's number; hosts with sessions of their own know its
// time. The zero Proof proves nothing.
type Proof struct {
	Login int64
	At    time.Time
}

// AnyLogin is the proof of whoever asks about a user and not as one: jobs,
// lists and explanations.
func AnyLogin() Proof { return Proof{Login: math.MaxInt64} }

// later reports whether the login came after the count and the moment at
// which earlier logins stopped counting.
func (p Proof) later(than int64, at time.Time) bool {
	if p.Login > 0 {
		return p.Login > than
	}
	return !p.At.IsZero() && (at.IsZero() || p.At.After(at))
}

// Rights returns what the user may do at the account at this moment: the
// direct role, and the highest role over all routes that count. Nothing is
// stored as a result, so whatever ends below it ends here at once.
func (s Standing) Rights(l *roles.Ladder, p Proof) roles.Rights {
	if s.barred(p) != "" {
		return roles.Rights{}
	}
	var direct, delegated roles.Role
	if s.Member.Active() {
		direct = s.Member.Role
	}
	for i := range s.Routes {
		role, _ := s.Routes[i].role(l, p)
		if role != "" && (delegated == "" || l.AtLeast(role, delegated)) {
			delegated = role
		}
	}
	return l.Rights(direct, delegated)
}

// Agency returns the route that carries the highest delegated role.
func (s Standing) Agency(l *roles.Ladder, p Proof) (AccountState, bool) {
	var best roles.Role
	var agency AccountState
	if s.barred(p) != "" {
		return agency, false
	}
	for i := range s.Routes {
		role, _ := s.Routes[i].role(l, p)
		if role != "" && (best == "" || !l.AtLeast(best, role)) {
			best, agency = role, s.Routes[i].Agency
		}
	}
	return agency, best != ""
}

// barred names what keeps the user out by every route; "" is nothing.
func (s Standing) barred(p Proof) Why {
	switch {
	case s.User.ID == "":
		return WhyUnknownUser
	case !s.User.DeletedAt.IsZero():
		return WhyUserDeleted
	case !s.User.SuspendedAt.IsZero():
		return WhyUserSuspended
	case s.Account.ID == "":
		return WhyUnknownAccount
	case !s.Account.ClosedAt.IsZero():
		return WhyAccountClosed
	case !s.Account.SuspendedAt.IsZero():
		return WhyAccountSuspended
	case s.Member.Role != "" && !s.Member.SuspendedAt.IsZero(): // removing a suspended member lifts nothing
		return WhyMemberSuspended
	case p.Login <= 0 && p.At.IsZero():
		return WhyNoLogin
	case !p.later(s.Member.After, s.Member.AfterAt):
		return WhyLoginTooOld
	case s.Client.There():
		return s.Client.why(p)
	}
	return ""
}

// AsClient reports whether the user is let in as a client: to the sites that
// the record was given, and to nothing else of the account. It gives no role.
func (s Standing) AsClient(p Proof) bool { return s.barred(p) == "" && s.Client.Counts(p) }

// Barred reports whether the user is kept out of the account by every route:
// by what they are, by what the account is, or by a membership or a client
// record that is suspended or wants a later login.
func (s Standing) Barred(p Proof) bool { return s.barred(p) != "" }

// Counts reports whether everything that the route rests on holds at this
// moment, so that it lets the user in unless they are barred. It knows no
// ladder: a route that counts may still give no role, if the ladder does not
// have it. Stores list by it what a user can enter.
func (r Route) Counts(p Proof) bool { return r.why(p) == "" }

// Role returns what the route gives at this moment, or "".
func (r Route) Role(l *roles.Ladder, p Proof) roles.Role {
	role, _ := r.role(l, p)
	return role
}

// role returns what the route gives: the smaller of the cap and the
// assignment, or "" and the reason why it does not count. Owner is out of
// reach: it never was a cap.
func (r Route) role(l *roles.Ladder, p Proof) (roles.Role, Why) {
	if why := r.why(p); why != "" {
		return "", why
	}
	role := l.Min(r.Connection.Cap, r.Assignment.Role)
	if role == "" || role == l.Top() {
		return "", WhyUnknownRole
	}
	return role, ""
}

// why names what keeps the route from counting; "" is nothing.
func (r Route) why(p Proof) Why {
	switch {
	case !r.Agency.ClosedAt.IsZero():
		return WhyAgencyClosed
	case !r.Agency.SuspendedAt.IsZero():
		return WhyAgencySuspended
	case !r.Agency.ActsAsAgency():
		return WhyAccessDisabled
	case !r.Connection.Counts(r.Agency):
		return WhyConnectionEnded
	case !r.Member.EndedAt.IsZero() || r.Member.Role == "":
		return WhyLeftAgency
	case !r.Member.SuspendedAt.IsZero():
		return WhySuspendedInAgency
	case !p.later(r.Member.After, r.Member.AfterAt):
		return WhyLoginTooOld
	case !r.Assignment.EndedAt.IsZero(), r.Assignment.Role == "",
		r.Assignment.ConnectionEpoch != r.Connection.Epoch,
		r.Assignment.MemberEpoch != r.Member.Epoch:
		return WhyUnassigned
	}
	return ""
}
