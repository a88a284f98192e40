package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// fact is one way in which a part of a standing can be.
type fact[T any] struct {
	name string
	set  func(*T)
}

func userFacts() []fact[accounts.Standing] {
	return []fact[accounts.Standing]{
		{"active user", func(*accounts.Standing) {}},
		{"suspended user", func(s *accounts.Standing) { s.User.SuspendedAt = start }},
		{"deleted user", func(s *accounts.Standing) { s.User.DeletedAt = start }},
		{"unknown user", func(s *accounts.Standing) { s.User = accounts.UserState{} }},
	}
}

func accountFacts() []fact[accounts.Standing] {
	return []fact[accounts.Standing]{
		{"open account", func(*accounts.Standing) {}},
		{"suspended account", func(s *accounts.Standing) { s.Account.SuspendedAt = start }},
		{"closed account", func(s *accounts.Standing) { s.Account.ClosedAt = start }},
		{"unknown account", func(s *accounts.Standing) { s.Account = accounts.AccountState{} }},
	}
}

func memberFacts() []fact[accounts.MemberState] {
	return []fact[accounts.MemberState]{
		{"no member", func(m *accounts.MemberState) { *m = accounts.MemberState{} }},
		{"viewer", func(m *accounts.MemberState) { m.Role = roles.Viewer }},
		{"admin", func(m *accounts.MemberState) { m.Role = roles.Admin }},
		{"owner", func(m *accounts.MemberState) { m.Role = roles.Owner }},
		{"unknown role", func(m *accounts.MemberState) { m.Role = "boss" }},
		{"suspended owner", func(m *accounts.MemberState) { m.Role, m.SuspendedAt = roles.Owner, start }},
		{"ended owner", func(m *accounts.MemberState) { m.Role, m.EndedAt = roles.Owner, start }},
	}
}

// afterFacts are when logins began to count again: never barred, after login
// 5, which was at the start, and before it.
func afterFacts() []fact[accounts.MemberState] {
	return []fact[accounts.MemberState]{
		{"any login counts", func(*accounts.MemberState) {}},
		{"logins after this one", func(m *accounts.MemberState) { m.After, m.AfterAt = 5, start }},
		{"logins after an older one", func(m *accounts.MemberState) { m.After, m.AfterAt = 4, start.Add(-1) }},
	}
}

// clientFacts are what the record can be as which somebody is a client; the
// user's own, unless it says otherwise.
func clientFacts() []fact[accounts.ClientState] {
	live := accounts.ClientState{ClientKey: record("acme", "rec"), User: "ann", Epoch: 4}
	return []fact[accounts.ClientState]{
		{"no client", func(c *accounts.ClientState) { *c = accounts.ClientState{} }},
		{"client", func(c *accounts.ClientState) { *c = live }},
		{"suspended client", func(c *accounts.ClientState) { *c = live; c.SuspendedAt = start }},
		{"deleted client", func(c *accounts.ClientState) { *c = live; c.DeletedAt = start }},
		{"client whom nobody logs in as", func(c *accounts.ClientState) { *c = live; c.User = "" }},
		{"client reactivated after this login", func(c *accounts.ClientState) { *c = live; c.After, c.AfterAt = 5, start }},
		{"client reactivated before this login", func(c *accounts.ClientState) { *c = live; c.After, c.AfterAt = 4, start.Add(-1) }},
	}
}

func proofs() map[string]accounts.Proof {
	return map[string]accounts.Proof{
		"login 5":     {Login: 5},
		"login then":  {At: start},
		"no login":    {},
		"any login":   accounts.AnyLogin(),
		"number wins": {Login: 6, At: start.Add(-time.Hour)},
	}
}

func agencyFacts() []fact[accounts.Route] {
	return []fact[accounts.Route]{
		{"acting agency", func(*accounts.Route) {}},
		{"suspended agency", func(r *accounts.Route) { r.Agency.SuspendedAt = start }},
		{"closed agency", func(r *accounts.Route) { r.Agency.ClosedAt = start }},
		{"access disabled", func(r *accounts.Route) { r.Agency.ClientAccessAt = time.Time{} }},
		{"not joined", func(r *accounts.Route) { r.Agency.ProgrammeAt = time.Time{} }},
	}
}

func connectionFacts() []fact[accounts.Route] {
	return []fact[accounts.Route]{
		{"live connection", func(*accounts.Route) {}},
		{"ended connection", func(r *accounts.Route) { r.Connection.EndedAt = start }},
		{"connection of the agency's last epoch", func(r *accounts.Route) { r.Connection.AgencyEpoch-- }},
	}
}

func agencyMemberFacts() []fact[accounts.Route] {
	return []fact[accounts.Route]{
		{"member", func(*accounts.Route) {}},
		{"no member", func(r *accounts.Route) { r.Member.Role = "" }},
		{"suspended member", func(r *accounts.Route) { r.Member.SuspendedAt = start }},
		{"ended member", func(r *accounts.Route) { r.Member.EndedAt = start }},
		{"reactivated member", func(r *accounts.Route) { r.Member.After, r.Member.AfterAt = 5, start }},
	}
}

func assignmentFacts() []fact[accounts.Route] {
	return []fact[accounts.Route]{
		{"live assignment", func(*accounts.Route) {}},
		{"ended assignment", func(r *accounts.Route) { r.Assignment.EndedAt = start }},
		{"assignment of the connection's last epoch", func(r *accounts.Route) { r.Assignment.ConnectionEpoch-- }},
		{"assignment of the membership's last epoch", func(r *accounts.Route) { r.Assignment.MemberEpoch-- }},
		{"assignment of an epoch to come", func(r *accounts.Route) { r.Assignment.MemberEpoch++ }},
	}
}

// someRoles are roles of the ladder, none, and one that is not on it.
func someRoles() []roles.Role {
	return []roles.Role{"", roles.Viewer, roles.Author, roles.Manager, roles.Admin, roles.Owner, "boss", "Admin"}
}

func liveStanding() accounts.Standing {
	return accounts.Standing{User: user("ann").UserState, Account: account("acme").AccountState}
}

func liveRoute(agencyID string, limit, assigned roles.Role) accounts.Route {
	r := accounts.Route{Agency: agency(agencyID).AccountState}
	r.Agency.Epoch = 3
	r.Connection = accounts.ConnectionState{Cap: limit, Epoch: 7, AgencyEpoch: 3}
	r.Member = accounts.MemberState{Role: roles.Viewer, Epoch: 2}
	r.Assignment = accounts.AssignmentState{Role: assigned, ConnectionEpoch: 7, MemberEpoch: 2}
	return r
}

// height is the reference's own ladder.
var height = map[roles.Role]int{roles.Viewer: 1, roles.Author: 2, roles.Manager: 3, roles.Admin: 4, roles.Owner: 5}

// expectedClient tells a second time, as dumbly as can be, whether the record of
// a standing is there, and whether it lets the user in if nothing else bars them.
func expectedClient(s accounts.Standing, p accounts.Proof) (there, counts bool) {
	c := s.Client
	there = c.ID != "" && c.DeletedAt.IsZero()
	late := p.Login != 0 && p.Login <= c.After || p.Login == 0 && (p.At.IsZero() || !c.AfterAt.IsZero() && !p.At.After(c.AfterAt))
	return there, there && c.SuspendedAt.IsZero() && !late
}

// expected draws the conclusion from a standing a second time, as dumbly as
// can be: heights of the direct and of the delegated role, 0 for none.
func expected(s accounts.Standing, p accounts.Proof) (direct, delegated int) {
	if there, counts := expectedClient(s, p); there && !counts {
		return 0, 0
	}
	loginCounts := func(m accounts.MemberState) bool {
		if p.Login != 0 {
			return p.Login > m.After
		}
		if p.At.IsZero() {
			return false
		}
		return m.AfterAt.IsZero() || p.At.After(m.AfterAt)
	}
	if s.User.ID == "" || !s.User.SuspendedAt.IsZero() || !s.User.DeletedAt.IsZero() {
		return 0, 0
	}
	if s.Account.ID == "" || !s.Account.SuspendedAt.IsZero() || !s.Account.ClosedAt.IsZero() {
		return 0, 0
	}
	member := s.Member.Role != "" && s.Member.EndedAt.IsZero()
	if member && !s.Member.SuspendedAt.IsZero() || !loginCounts(s.Member) {
		return 0, 0
	}
	if member {
		direct = height[s.Member.Role]
	}
	for _, r := range s.Routes {
		live := r.Agency.SuspendedAt.IsZero() && r.Agency.ClosedAt.IsZero() &&
			!r.Agency.ProgrammeAt.IsZero() && !r.Agency.ClientAccessAt.IsZero() &&
			r.Connection.EndedAt.IsZero() && r.Connection.AgencyEpoch == r.Agency.Epoch &&
			r.Member.Role != "" && r.Member.SuspendedAt.IsZero() && r.Member.EndedAt.IsZero() && loginCounts(r.Member) &&
			r.Assignment.EndedAt.IsZero() && r.Assignment.ConnectionEpoch == r.Connection.Epoch && r.Assignment.MemberEpoch == r.Member.Epoch
		got := height[r.Connection.Cap]
		if h := height[r.Assignment.Role]; h < got {
			got = h
		}
		if live && got < height[roles.Owner] && got > delegated {
			delegated = got
		}
	}
	return direct, delegated
}

// agrees compares the rights of a standing with the reference, and its
// explanation with its rights.
func agrees(s accounts.Standing, p accounts.Proof) error {
	l := roles.Standard()
	direct, delegated := expected(s, p)
	r := s.Rights(l, p)
	if height[r.Direct()] != direct || height[r.Delegated()] != delegated {
		return fmt.Errorf("rights are %q and %q, want heights %d and %d", r.Direct(), r.Delegated(), direct, delegated)
	}
	if r.Delegated() == roles.Owner || r.Can(roles.ManageMembers) && direct < height[roles.Admin] {
		return fmt.Errorf("a delegate has %q", r.Delegated())
	}
	if s.Barred(p) && !r.None() {
		return fmt.Errorf("is barred and has rights")
	}
	_, lets := expectedClient(s, p)
	client := lets && s.Client.User != "" && !s.Barred(p)
	if s.AsClient(p) != client {
		return fmt.Errorf("as a client: %v, want %v", !client, client)
	}
	through, ok := s.Agency(l, p)
	if ok != (delegated > 0) || ok && through.ID == "" || !ok && through.ID != "" {
		return fmt.Errorf("the agency is %q", through.ID)
	}
	e := s.Explain(l, p)
	highest := 0
	for i, x := range e.Through {
		if (x.Why == "") != (x.Role != "") || height[x.Role] > height[x.Cap] || height[x.Role] > height[x.Assigned] || x.Agency != s.Routes[i].Agency {
			return fmt.Errorf("the route is explained as %+v", x)
		}
		highest = max(highest, height[x.Role])
		if ok && x.Agency.ID == through.ID && height[x.Role] != delegated {
			return fmt.Errorf("the agency %q gives %q, which is not the highest", through.ID, x.Role)
		}
		if e.Barred == "" && (s.Routes[i].Role(l, p) != x.Role || s.Routes[i].Counts(p) != (x.Why == "" || x.Why == accounts.WhyUnknownRole)) {
			return fmt.Errorf("route and explanation %+v differ", x)
		}
	}
	told := e.String()
	switch {
	case e.Rights != r, (e.Barred != "") != s.Barred(p), len(e.Through) != len(s.Routes):
		return fmt.Errorf("the explanation is of something else: %+v", e)
	case (e.Direct.Why == "") != (direct > 0) || e.Direct.Role != r.Direct():
		return fmt.Errorf("the direct route is explained as %+v", e.Direct)
	case highest != delegated:
		return fmt.Errorf("the routes give height %d, not %d", highest, delegated)
	case (e.Client != "") != client, strings.Contains(told, "as the client rec:") != client:
		return fmt.Errorf("the client route is explained as %q: %s", e.Client, told)
	case strings.Contains(told, "cannot reach") != (r.None() && !client), strings.Contains(told, "  \n"), strings.HasSuffix(told, " "):
		return fmt.Errorf("the text is %q", told)
	case strings.Contains(told, "\n  directly: member") != (direct > 0):
		return fmt.Errorf("the text is %q", told)
	}
	return nil
}

// Over every combination of what a user, an account and a membership can be,
// with no route, a live one, a dead one and two, rights are what a second and
// dumb reading says, and the explanation agrees (A41, A50, A74, A78, I-10, I-15).
func TestStanding_everyCombination(t *testing.T) {
	t.Parallel()

	dead := liveRoute("nova", roles.Admin, roles.Admin)
	dead.Connection.EndedAt = start
	n := 0
	for _, u := range userFacts() {
		for _, a := range accountFacts() {
			for _, m := range memberFacts() {
				for _, after := range afterFacts() {
					for route, routes := range map[string][]accounts.Route{
						"no route":   nil,
						"live route": {liveRoute("orbit", roles.Manager, roles.Admin)},
						"dead route": {dead},
						"two routes": {dead, liveRoute("orbit", roles.Author, roles.Admin), liveRoute("pulse", roles.Admin, roles.Manager)},
					} {
						for proof, p := range proofs() {
							s := liveStanding()
							s.Routes = routes
							m.set(&s.Member)
							after.set(&s.Member)
							u.set(&s)
							a.set(&s)
							n++
							if err := agrees(s, p); err != nil {
								t.Fatalf("%s, %s, %s, %s, %s, %s: %v", u.name, a.name, m.name, after.name, route, proof, err)
							}
						}
					}
				}
			}
		}
	}
	require.Equal(t, 4*4*7*3*4*5, n)
}

// Over every combination of what a user, an account, a membership and a client
// record can be, with and without a route through an agency, the record gives no
// role, lets its user in only where nothing bars them, and bars every route when
// it is suspended (A41, A74, A75).
func TestStanding_everyClient(t *testing.T) {
	t.Parallel()

	n := 0
	for _, u := range userFacts() {
		for _, a := range accountFacts() {
			for _, m := range memberFacts() {
				for _, c := range clientFacts() {
					for _, routes := range [][]accounts.Route{nil, {liveRoute("orbit", roles.Manager, roles.Admin)}} {
						for proof, p := range proofs() {
							s := liveStanding()
							s.Routes = routes
							m.set(&s.Member)
							c.set(&s.Client)
							u.set(&s)
							a.set(&s)
							n++
							if err := agrees(s, p); err != nil {
								t.Fatalf("%s, %s, %s, %s, %d routes, %s: %v", u.name, a.name, m.name, c.name, len(routes), proof, err)
							}
							alone := s
							alone.Member, alone.Routes = accounts.MemberState{}, nil
							if !alone.Rights(roles.Standard(), p).None() {
								t.Fatal("the client route gives a role")
							}
						}
					}
				}
			}
		}
	}
	require.Equal(t, 4*4*7*7*2*5, n)
}

// Over every combination of what agency, connection, agency membership and
// assignment can be, and every pair of cap and assigned role, a route gives
// the smaller of both while all of it is live, and never Owner (A49, A55, A56,
// I-10, I-15).
func TestStanding_everyRoute(t *testing.T) {
	t.Parallel()

	n := 0
	for _, a := range agencyFacts() {
		for _, c := range connectionFacts() {
			for _, m := range agencyMemberFacts() {
				for _, as := range assignmentFacts() {
					for _, limit := range someRoles() {
						for _, assigned := range someRoles() {
							for proof, p := range proofs() {
								r := liveRoute("orbit", limit, assigned)
								for _, set := range []func(*accounts.Route){a.set, c.set, m.set, as.set} {
									set(&r)
								}
								s := liveStanding()
								s.Routes = []accounts.Route{r}
								n++
								if err := agrees(s, p); err != nil {
									t.Fatalf("%s, %s, %s, %s, cap %q, assigned %q, %s: %v",
										a.name, c.name, m.name, as.name, limit, assigned, proof, err)
								}
							}
						}
					}
				}
			}
		}
	}
	require.Equal(t, 5*3*5*5*8*8*5, n)
}

// "Why can this user see this account?" has an answer that reads well (D2 of
// the product).
func TestExplanation_reads(t *testing.T) {
	t.Parallel()

	var b strings.Builder
	tell := func(title string, s accounts.Standing, p accounts.Proof) {
		fmt.Fprintf(&b, "# %s\n%s\n\n", title, s.Explain(roles.Standard(), p))
	}
	for _, f := range userFacts() {
		s := liveStanding()
		s.Member.Role = roles.Author
		f.set(&s)
		tell(f.name, s, accounts.AnyLogin())
	}
	for _, f := range accountFacts()[1:] {
		s := liveStanding()
		s.Member.Role = roles.Author
		f.set(&s)
		tell(f.name, s, accounts.AnyLogin())
	}
	for _, f := range memberFacts() {
		s := liveStanding()
		f.set(&s.Member)
		tell("member: "+f.name, s, accounts.AnyLogin())
	}
	for _, f := range clientFacts() {
		s := liveStanding()
		f.set(&s.Client)
		tell(f.name, s, accounts.Proof{Login: 5})
	}
	s := liveStanding()
	s.Member = accounts.MemberState{Role: roles.Admin, After: 5, AfterAt: start}
	tell("member: reactivated after this login", s, accounts.Proof{Login: 5})
	tell("a session that proves nothing", s, accounts.Proof{})
	for _, list := range [][]fact[accounts.Route]{agencyFacts(), connectionFacts()[1:], agencyMemberFacts()[1:], assignmentFacts()[1:3]} {
		for _, f := range list {
			s := liveStanding()
			s.Routes = []accounts.Route{liveRoute("orbit", roles.Manager, roles.Admin)}
			f.set(&s.Routes[0])
			tell("route: "+f.name, s, accounts.Proof{Login: 5})
		}
	}
	s = liveStanding()
	s.Member.Role = roles.Viewer
	s.Routes = []accounts.Route{liveRoute("nova", "boss", roles.Admin), liveRoute("orbit", roles.Admin, roles.Author), liveRoute("pulse", roles.Manager, roles.Manager)}
	s.Routes[2].Agency.Name = ""
	tell("a member with three routes", s, accounts.AnyLogin())
	s.Member.SuspendedAt = start
	tell("a suspended member with three routes", s, accounts.AnyLogin())
	s.User.Name, s.Account.Name = "", ""
	tell("nobody has a name", s, accounts.AnyLogin())
	golden(t, "explain.golden", b.String())
}

// A decision takes no time that anybody would notice, and deep or cyclic
// relations cannot make it longer: it looks one hop far (A43, A51).
func TestStanding_oneHop(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(user("ann"), user("bob"), agency("a"), agency("b"), account("c"),
		member("a", "ann", roles.Admin), member("b", "bob", roles.Owner), member("c", "bob", roles.Owner),
		connection("b", "a", roles.Admin), connection("a", "b", roles.Admin), connection("c", "b", roles.Admin),
		assignment("b", "a", "ann", roles.Admin), assignment("a", "b", "bob", roles.Admin), assignment("c", "b", "bob", roles.Viewer))
	require.Equal(t, roles.Admin, w.rights("ann", "b").Delegated(), "one hop is what the connection gives")
	require.True(t, w.rights("ann", "c").None(), "nothing two hops away")
	require.Empty(t, w.standing("ann", "c").Routes)
	require.Equal(t, roles.Admin, w.rights("ann", "a").Direct(), "a circle adds nothing to one's own account")
	require.Empty(t, w.rights("ann", "a").Delegated())
	_, err := w.svc.Assign(t.Context(), w.as("ann"), accounts.Assign{Agency: "b", Client: "c", User: "ann", Role: roles.Viewer})
	require.ErrorIs(t, err, accounts.ErrNotFound, "a delegate cannot make the account act as an agency")
}
