package sqlstore_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// graph is a random account graph, in the database and as values.
type graph struct {
	users       []accounts.UserState
	accounts    []accounts.AccountState
	members     map[accounts.StandingKey]accounts.MemberState
	connections map[accounts.ConnectionKey]accounts.ConnectionState
	assignments map[accounts.ConnectionKey]map[accounts.UserID]accounts.AssignmentState
}

// newGraph draws a graph in which every fact is dead about one time in eight,
// so that most routes have none or one reason not to count.
func newGraph(t *testing.T, f *fixture, rnd *rand.Rand) graph {
	t.Helper()
	for _, table := range []string{"users", "accounts", "memberships", "connections", "assignments", "sessions", "requests"} {
		_, err := f.db.ExecContext(t.Context(), "DELETE FROM ch_"+table)
		require.NoError(t, err)
	}
	odd := func() bool { return rnd.IntN(8) == 0 }
	ended := func() time.Time {
		if odd() {
			return at(rnd.Int64N(5))
		}
		return time.Time{}
	}
	stored := func(m time.Time) int64 {
		if m.IsZero() {
			return 0
		}
		return us(m)
	}
	level := func() roles.Role {
		if rnd.IntN(12) == 0 {
			return ""
		}
		return roles.Standard().Roles()[rnd.IntN(4)]
	}
	epoch := func() int64 { // 1 or, now and then, 2
		if odd() {
			return 2
		}
		return 1
	}
	g := graph{
		members:     map[accounts.StandingKey]accounts.MemberState{},
		connections: map[accounts.ConnectionKey]accounts.ConnectionState{},
		assignments: map[accounts.ConnectionKey]map[accounts.UserID]accounts.AssignmentState{},
	}
	for i := range 3 {
		u := accounts.UserState{ID: accounts.UserID(fmt.Sprint("u", i)), Name: fmt.Sprint("U", i), Epoch: epoch(), SuspendedAt: ended(), DeletedAt: ended()}
		g.users = append(g.users, u)
		f.user(t, string(u.ID), row{"name": u.Name, "epoch": u.Epoch, "suspended_at": stored(u.SuspendedAt), "deleted_at": stored(u.DeletedAt)})
		f.put(t, "sessions", row{"id": string(u.ID), "hash": hashOf(string(u.ID)), "user_id": string(u.ID)})
	}
	for i := range 6 {
		a := accounts.AccountState{
			ID: accounts.AccountID(fmt.Sprint("a", i)), Name: fmt.Sprint([]string{"Ab", "aC", "b"}[rnd.IntN(3)], rnd.IntN(2)), Version: 1,
			Epoch: epoch(), SuspendedAt: ended(), ClosedAt: ended(),
		}
		if i < 3 && !odd() {
			a.ProgrammeAt = at(1)
		}
		if i < 3 && !odd() {
			a.ClientAccessAt = at(2)
		}
		g.accounts = append(g.accounts, a)
		f.account(t, string(a.ID), row{
			"name": a.Name, "name_key": accounts.NameKey(a.Name), "epoch": a.Epoch, "suspended_at": stored(a.SuspendedAt),
			"closed_at": stored(a.ClosedAt), "programme_at": stored(a.ProgrammeAt), "client_access_at": stored(a.ClientAccessAt),
		})
	}
	for _, a := range g.accounts {
		for _, u := range g.users {
			if rnd.IntN(3) == 0 {
				continue
			}
			m := accounts.MemberState{Role: level(), Epoch: epoch(), After: rnd.Int64N(3), SuspendedAt: ended(), EndedAt: ended()}
			if odd() {
				m.AfterAt = at(rnd.Int64N(4))
			}
			if !m.SuspendedAt.IsZero() && rnd.IntN(2) == 0 {
				m.Role = "" // never a member: the suspension of nothing bars nobody
			}
			g.members[accounts.StandingKey{User: u.ID, Account: a.ID}] = m
			f.put(t, "memberships", row{
				"account_id": string(a.ID), "user_id": string(u.ID), "role": string(m.Role), "epoch": m.Epoch, "after_login": m.After,
				"after_at": stored(m.AfterAt), "suspended_at": stored(m.SuspendedAt), "ended_at": stored(m.EndedAt),
				"account_key": accounts.NameKey(a.Name),
			})
		}
	}
	for i, client := range g.accounts {
		for j, agency := range g.accounts[:3] {
			if i == j || rnd.IntN(4) == 0 {
				continue
			}
			key := accounts.ConnectionKey{Client: client.ID, Agency: agency.ID}
			c := accounts.ConnectionState{Cap: level(), Epoch: epoch(), AgencyEpoch: agency.Epoch, EndedAt: ended()}
			if odd() {
				c.AgencyEpoch++
			}
			g.connections[key] = c
			g.assignments[key] = map[accounts.UserID]accounts.AssignmentState{}
			id := fmt.Sprint(client.ID, agency.ID)
			f.put(t, "connections", row{
				"client_id": string(client.ID), "agency_id": string(agency.ID), "cap": string(c.Cap), "epoch": c.Epoch,
				"agency_epoch": c.AgencyEpoch, "ended_at": stored(c.EndedAt), "request_id": id,
				"client_key": accounts.NameKey(client.Name), "agency_key": accounts.NameKey(agency.Name),
			})
			f.request(t, string(agency.ID), id, id+"@example.com", row{"state": "approved", "client_id": string(client.ID)})
			for _, u := range g.users {
				m, is := g.members[accounts.StandingKey{User: u.ID, Account: agency.ID}]
				if !is || rnd.IntN(4) == 0 {
					continue
				}
				s := accounts.AssignmentState{Role: level(), ConnectionEpoch: c.Epoch, MemberEpoch: m.Epoch, EndedAt: ended()}
				if odd() {
					s.ConnectionEpoch++
				}
				if odd() {
					s.MemberEpoch++
				}
				g.assignments[key][u.ID] = s
				f.put(t, "assignments", row{
					"client_id": string(client.ID), "agency_id": string(agency.ID), "user_id": string(u.ID), "role": string(s.Role),
					"connection_epoch": s.ConnectionEpoch, "member_epoch": s.MemberEpoch, "ended_at": stored(s.EndedAt),
					"client_key": accounts.NameKey(client.Name),
				})
			}
		}
	}
	return g
}

// standing puts a standing together from the values.
func (g graph) standing(u accounts.UserState, a accounts.AccountState) accounts.Standing {
	s := accounts.Standing{User: u, Account: a, Member: g.members[accounts.StandingKey{User: u.ID, Account: a.ID}]}
	for _, agency := range g.accounts[:3] {
		key := accounts.ConnectionKey{Client: a.ID, Agency: agency.ID}
		if x, is := g.assignments[key][u.ID]; is {
			s.Routes = append(s.Routes, accounts.Route{
				Agency: agency, Connection: g.connections[key], Assignment: x,
				Member: g.members[accounts.StandingKey{User: u.ID, Account: agency.ID}],
			})
		}
	}
	return s
}

// reach lists by accounts.Standing what a user can enter.
func (g graph) reach(u accounts.UserState, p accounts.Proof) []accounts.Reached {
	var all []accounts.Reached
	for _, a := range g.accounts {
		s := g.standing(u, a)
		if s.Barred(p) {
			continue
		}
		if s.Member.Active() {
			all = append(all, accounts.Reached{Account: a.ID, Name: a.Name, Kind: accounts.RouteMember, Role: s.Member.Role})
		}
		for _, r := range s.Routes {
			if r.Counts(p) {
				all = append(all, accounts.Reached{
					Account: a.ID, Name: a.Name, Kind: accounts.RouteDelegate, Agency: r.Agency.ID, AgencyName: r.Agency.Name,
					Role: r.Assignment.Role, Cap: r.Connection.Cap,
				})
			}
		}
	}
	slices.SortFunc(all, func(a, b accounts.Reached) int {
		x, y := a.Cursor(), b.Cursor()
		return cmp.Or(cmp.Compare(x.NameKey, y.NameKey), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Agency, y.Agency))
	})
	return all
}

// What a statement lists as living is what accounts.Standing lets in, whatever
// ended, was suspended, was made again or asks for a later login; and what a
// standing is made of comes back as it was written (I-08, I-10, I-20).
func TestReads_liveness_is_that_of_Standing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const graphs = 25
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	proofs := []accounts.Proof{
		accounts.AnyLogin(),
		{},
		{Login: 1},
		{Login: 2},
		{Login: 3},
		{At: at(1)},
		{At: at(2).Add(time.Nanosecond)},
		{At: at(9)},
		{Login: -1, At: at(3)},
		{At: time.Unix(-5, 0)},
	}
	entries, let := 0, 0
	for range graphs {
		g := newGraph(t, f, rnd)
		var keys []accounts.StandingKey
		var want []accounts.Standing
		for _, u := range g.users {
			for _, a := range g.accounts {
				keys = append(keys, accounts.StandingKey{User: u.ID, Account: a.ID})
				want = append(want, g.standing(u, a))
				admitted, err := f.Admission(t.Context(), token.Hash(hashOf(string(u.ID))), a.ID)
				require.NoError(t, err)
				require.Equal(t, u.ID, admitted.Session.User)
				require.Equal(t, want[len(want)-1], admitted.Standing)
			}
		}
		got, err := f.Standings(t.Context(), keys)
		require.NoError(t, err)
		require.Equal(t, want, got)

		for _, u := range g.users {
			for _, p := range proofs {
				want := g.reach(u, p)
				got, err := f.Reach(t.Context(), accounts.ReachQuery{User: u.ID, Proof: p})
				require.NoError(t, err)
				require.Equal(t, want, got, "user %s, proof %+v", u.ID, p)
				entries += len(got)
				for _, a := range g.accounts {
					reached := slices.ContainsFunc(got, func(r accounts.Reached) bool { return r.Account == a.ID })
					rights := g.standing(u, a).Rights(roles.Standard(), p)
					require.Equal(t, !rights.None(), reached, "%s at %s with %+v", u.ID, a.ID, p)
					if reached {
						let++
					}
				}
			}
			all := g.reach(u, accounts.AnyLogin())
			for i := range all {
				page, err := f.Reach(t.Context(), accounts.ReachQuery{User: u.ID, Proof: accounts.AnyLogin(), After: all[i].Cursor(), Limit: 2})
				require.NoError(t, err)
				require.Equal(t, append([]accounts.Reached(nil), all[i+1:min(i+3, len(all))]...), page, "the page behind %+v", all[i])
			}
			found, err := f.Reach(t.Context(), accounts.ReachQuery{User: u.ID, Proof: accounts.AnyLogin(), Search: "B0"})
			require.NoError(t, err)
			var fitting []accounts.Reached
			for _, r := range all {
				if strings.Contains(accounts.NameKey(r.Name), "b0") {
					fitting = append(fitting, r)
				}
			}
			require.Equal(t, fitting, found)
		}
		g.lists(t, f)
	}
	require.Greater(t, entries, graphs*len(proofs), "graphs in which hardly anything lives prove little")
	require.Greater(t, let, graphs)
}

// lists compares what the lists of an agency say with the values.
func (g graph) lists(t *testing.T, f *fixture) {
	t.Helper()
	for _, agency := range g.accounts[:3] {
		connected, err := f.Connections(t.Context(), accounts.ConnectionQuery{Agency: agency.ID})
		require.NoError(t, err)
		ending, err := f.Ending(t.Context(), agency.ID, now, roles.Owner)
		require.NoError(t, err)
		clients, err := f.Clients(t.Context(), access.ClientsQuery{
			Agency: agency.ID, At: now, States: []access.ClientState{access.ClientConnected},
		})
		require.NoError(t, err)
		for _, c := range clients {
			require.Equal(t, access.ClientConnected, c.StateAt(now))
		}
		for _, a := range g.accounts {
			key := accounts.ConnectionKey{Client: a.ID, Agency: agency.ID}
			c, is := g.connections[key]
			counts := is && c.Counts(agency)
			require.Equal(t, counts, slices.ContainsFunc(connected, func(x accounts.Connected) bool {
				return x.Connection.ConnectionKey == key && x.Connection.ConnectionState == c && x.Other == a
			}))
			mine, err := f.Connections(t.Context(), accounts.ConnectionQuery{Client: a.ID})
			require.NoError(t, err)
			require.Equal(t, counts, slices.ContainsFunc(mine, func(x accounts.Connected) bool { return x.Other == agency }))
			require.Equal(t, counts && a.Open(), slices.ContainsFunc(clients, func(x access.Client) bool {
				return x.Request.Client == a.ID
			}))
			email := accounts.Email(fmt.Sprint(a.ID, agency.ID, "@example.com"))
			drafting, err := f.Drafting(t.Context(), access.DraftingQuery{Agency: agency.ID, Emails: []accounts.Email{email}})
			require.NoError(t, err)
			require.Equal(t, counts && a.Open(), drafting.Recipients[0].Connected)

			assigned := 0
			for _, u := range g.users {
				for _, r := range g.standing(u, a).Routes {
					if r.Agency.ID == agency.ID && r.Counts(accounts.AnyLogin()) {
						assigned++
					}
				}
			}
			i := slices.IndexFunc(ending.Clients, func(x access.EndingClient) bool { return x.Client.ID == a.ID })
			require.Equal(t, counts, i >= 0)
			if counts {
				require.Equal(t, assigned, ending.Clients[i].Assigned)
			}
		}
	}
}
