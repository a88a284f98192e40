package accounts_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Whichever call fails, before it took effect or after, the caller gets the
// store's error and no answers, each group of rows is there or not, and
// repeating the import ends where one without a fault ends (A93, A96, I-31).
func TestService_Import_everyFault(t *testing.T) {
	t.Parallel()

	ids, all := []string{"ann", "ben", "oda"}, []string{"acme", "orbit"}
	for _, tt := range []struct {
		err   error
		ends  bool // the import ends with it; otherwise the library settles it
		calls string
	}{
		{errBroken, true, ""},
		{accounts.ErrConflict, false, "ApplyAccounts"},
		{accounts.ErrUnknown, false, "ApplyAccounts"},
	} {
		ref, calls := newWorld(t), 0
		_, err := ref.importing(func(string, bool) error { calls++; return nil }).Import(t.Context(), job(), everything())
		require.NoError(t, err)
		require.Greater(t, calls, 30)
		for k := range calls {
			w, n := newWorld(t), 0
			out, err := w.importing(func(method string, _ bool) error {
				if n++; n == k+1 && strings.HasPrefix(method, tt.calls) {
					return tt.err
				}
				return nil
			}).Import(t.Context(), job(), everything())
			if tt.ends {
				require.ErrorIs(t, err, tt.err)
				require.Zero(t, out)
			} else {
				require.NoError(t, err)
			}
			require.Zero(t, w.imports(everything()).Refused)
			require.Equal(t, ref.state(ids, all), w.state(ids, all), "call %d fails with %v", k, tt.err)
			require.Len(t, w.feed(), len(ref.feed()))
		}
	}
}

// Two imports at once, in any interleaving, bring each row once (A100, I-02, I-03).
func TestService_Import_atOnce(t *testing.T) {
	t.Parallel()

	ids, all := []string{"ann", "ben", "oda"}, []string{"acme", "orbit"}
	ref := newWorld(t)
	ref.imports(everything())
	for _, tt := range []struct{ name, method string }{
		{"the second comes between the first one's reading and writing", "ApplyAccounts"},
		{"the second comes between two of the first one's questions", "User"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for k := range 4 {
				w, n := newWorld(t), 0
				out, err := w.importing(func(method string, after bool) error {
					if method == tt.method && !after {
						if n++; n == k+1 {
							w.imports(everything())
						}
					}
					return nil
				}).Import(t.Context(), job(), everything())
				require.NoError(t, err)
				require.Greater(t, n, k)
				require.Zero(t, out.Refused)
				require.Equal(t, ref.state(ids, all), w.state(ids, all))
				require.Len(t, w.feed(), len(ref.feed()), "one event for each row")
			}
		})
	}
	t.Run("eight run beside each other", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		created := make([]int, 8)
		var wg sync.WaitGroup
		for i := range created {
			wg.Go(func() {
				out, err := w.svc.Import(t.Context(), job(), everything())
				if err == nil && out.Refused == 0 {
					created[i] = out.Created + 1
				}
			})
		}
		wg.Wait()
		sum := 0
		for _, n := range created {
			require.Positive(t, n)
			sum += n - 1
		}
		require.Equal(t, 8, sum)
		require.Equal(t, ref.state(ids, all), w.state(ids, all))
	})
}

// What others do between an import's reading and its writing counts as if it
// had been done before: nothing that they ended comes back, and nothing that
// they made is made twice (A35, A76, A100, I-01, I-20).
func TestService_Import_besideOthers(t *testing.T) {
	t.Parallel()

	given := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(t)
		w.put(account("acme"), agency("orbit"), user("ann"), user("ben"), user("oda"), user("otto"),
			member("acme", "ann", roles.Owner), member("orbit", "oda", roles.Owner), member("orbit", "otto", roles.Author),
			account("duo"), member("duo", "ann", roles.Owner), member("duo", "ben", roles.Owner))
		return w
	}
	ctx := t.Context()
	ben := importUser("ben")
	ben.Name = "Ben"
	for _, tt := range []struct {
		name      string
		when      accounts.Import
		meanwhile func(w *world) error
		want      []string
		check     func(t *testing.T, w *world)
	}{
		{
			name: "a member who is added with another role",
			when: accounts.Import{Members: []accounts.ImportMember{importMember("acme", "ben", roles.Admin)}},
			meanwhile: func(w *world) error {
				return w.svc.AddMember(ctx, job(), "acme", "ben", roles.Viewer)
			},
			want: []string{"updated"},
		},
		{
			name: "a member who is removed",
			when: accounts.Import{Members: []accounts.ImportMember{importMember("orbit", "otto", roles.Admin)}},
			meanwhile: func(w *world) error {
				return w.svc.RemoveMember(ctx, job(), "orbit", "otto")
			},
			want: []string{"refused invalid user"},
		},
		{
			name: "an owner who would have been one of two",
			when: accounts.Import{Members: []accounts.ImportMember{importMember("duo", "ann", roles.Viewer)}},
			meanwhile: func(w *world) error {
				return w.svc.ChangeRole(ctx, job(), "duo", "ben", roles.Admin)
			},
			want: []string{"refused last owner"},
		},
		{
			name:      "a user who is erased and would be updated",
			when:      accounts.Import{Users: []accounts.ImportUser{ben}},
			meanwhile: func(w *world) error { return w.svc.EraseUser(ctx, job(), "ben") },
			want:      []string{"refused invalid id"},
			check: func(t *testing.T, w *world) {
				t.Helper()
				require.Empty(t, w.means("ben").User.Name)
			},
		},
		{
			name:      "a user who is erased and would join",
			when:      accounts.Import{Members: []accounts.ImportMember{importMember("acme", "ben", roles.Admin)}},
			meanwhile: func(w *world) error { return w.svc.EraseUser(ctx, job(), "ben") },
			want:      []string{"refused not found"},
		},
		{
			name:      "a user who is erased and would own a new account",
			when:      accounts.Import{Accounts: []accounts.ImportAccount{{ID: "new", Name: "New", Owners: []accounts.UserID{"ben"}}}},
			meanwhile: func(w *world) error { return w.svc.EraseUser(ctx, job(), "ben") },
			want:      []string{"refused not found"},
		},
		{
			name: "an account that somebody makes",
			when: accounts.Import{Accounts: []accounts.ImportAccount{{ID: "new", Name: "New", Owners: []accounts.UserID{"ben"}}}},
			meanwhile: func(w *world) error {
				return ignore(w.svc.CreateAccount(ctx, job(), accounts.CreateAccount{ID: "new", Name: "Other", Owner: "otto"}))
			},
			want: []string{"updated"},
			check: func(t *testing.T, w *world) {
				t.Helper()
				require.Empty(t, w.membership("new", "ben").Role)
			},
		},
		{
			name: "an account that is closed",
			when: accounts.Import{
				Accounts: []accounts.ImportAccount{{ID: "acme", Name: "New"}},
				Members:  []accounts.ImportMember{importMember("acme", "ben", roles.Admin)},
			},
			meanwhile: func(w *world) error { return w.svc.CloseAccount(ctx, w.as("ann"), "acme") },
			want:      []string{"refused invalid id", "refused invalid account"},
		},
		{
			name: "an address that somebody takes",
			when: accounts.Import{Users: []accounts.ImportUser{{ID: "new", Email: "x@people.example"}}},
			meanwhile: func(w *world) error {
				return ignore(w.svc.PutUser(ctx, job(), accounts.PutUser{ID: "other", Email: "X@people.example"}))
			},
			want: []string{"refused taken email"},
		},
		{
			name:      "an account whose members move while nothing of it is written",
			when:      accounts.Import{Connections: []accounts.ImportConnection{importConnection(roles.Admin, accounts.ImportAssignment{User: "otto", Role: roles.Viewer})}},
			meanwhile: func(w *world) error { return w.svc.RemoveMember(ctx, job(), "orbit", "otto") },
			want:      []string{"refused invalid assigned"},
		},
		{
			name:      "a client that is closed",
			when:      accounts.Import{Connections: []accounts.ImportConnection{importConnection(roles.Admin)}},
			meanwhile: func(w *world) error { return w.svc.CloseAccount(ctx, w.as("ann"), "acme") },
			want:      []string{"refused invalid client"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, done := given(t), false
			out, err := w.importing(func(method string, after bool) error {
				if method != "ApplyAccounts" || after || done {
					return nil
				}
				done = true
				return tt.meanwhile(w)
			}).Import(t.Context(), job(), tt.when)
			require.NoError(t, err)
			require.True(t, done)
			require.Equal(t, tt.want, append(append(append(outcomes(out.Users), outcomes(out.Accounts)...), outcomes(out.Members)...), outcomes(out.Connections)...))
			w.invariants([]string{"ann", "ben", "oda", "otto", "new", "other"}, []string{"acme", "orbit", "new", "duo"})
			if tt.check != nil {
				tt.check(t, w)
			}
		})
	}
}

// Rows of one group that saw an account at two moments are decided anew: what was
// true at the first is not what the change rests on (A100).
func TestService_Import_twoMoments(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(account("acme"), account("apex"), agency("orbit"), user("ann"), user("oda"), user("otto"),
		member("acme", "ann", roles.Owner), member("apex", "ann", roles.Owner), member("orbit", "oda", roles.Owner), member("orbit", "otto", roles.Author))
	asked := 0
	out, err := w.importing(func(method string, after bool) error {
		if method == "Linked" && after {
			if asked++; asked == 1 {
				return w.svc.RemoveMember(t.Context(), job(), "orbit", "otto")
			}
		}
		return nil
	}).Import(t.Context(), job(), accounts.Import{Connections: []accounts.ImportConnection{
		importConnection(roles.Admin, accounts.ImportAssignment{User: "otto", Role: roles.Viewer}, accounts.ImportAssignment{User: "oda", Role: roles.Viewer}),
		{Client: "apex", Agency: "orbit", Cap: roles.Viewer},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"refused invalid assigned", "created"}, outcomes(out.Connections))
	require.Greater(t, asked, 3)
}

// invariants are those of the graph that an import could break: an open account
// has an active owner (I-01), somebody is a member once (I-02), and an address is
// one user's, in its canonical form (I-03).
func (w *world) invariants(users, all []string) {
	w.t.Helper()
	whose := map[accounts.Email]accounts.UserID{}
	for _, id := range users {
		u, err := w.st.User(w.t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
		if err != nil || !u.DeletedAt.IsZero() || u.Email == "" {
			continue
		}
		require.Empty(w.t, whose[u.Email], "one user for an address")
		whose[u.Email] = u.ID
		canonical, err := accounts.ParseEmail(u.Address)
		require.NoError(w.t, err)
		require.Equal(w.t, canonical, u.Email)
	}
	for _, id := range all {
		a, err := w.st.Account(w.t.Context(), accounts.AccountID(id))
		if err != nil {
			continue
		}
		list, err := w.st.Members(w.t.Context(), accounts.MemberQuery{Account: a.ID, Limit: 500})
		require.NoError(w.t, err)
		seen, owned := map[accounts.UserID]bool{}, false
		for _, m := range list {
			require.False(w.t, seen[m.User.ID], "a member once")
			seen[m.User.ID] = true
			owned = owned || m.Membership.Active() && m.Membership.Role == roles.Owner && m.User.DeletedAt.IsZero()
		}
		require.True(w.t, owned || !a.ClosedAt.IsZero(), "the open account %s has no active owner", id)
	}
}

// drawn draws imports over few names, so that rows meet each other and what is
// there.
type drawn struct{ *rapid.T }

func pick[T any](t drawn, of ...T) T { return rapid.SampledFrom(of).Draw(t.T, "of") }

func (t drawn) some(most int) int { return rapid.IntRange(0, most).Draw(t.T, "n") }

func (t drawn) user() accounts.UserID {
	return pick[accounts.UserID](t, "u1", "u2", "u3", "u4", "u5", "u6", "gone", "paused")
}

func (t drawn) account() accounts.AccountID {
	return pick[accounts.AccountID](t, "a1", "a2", "a3", "acme", "orbit", "retired", "closed")
}

func (t drawn) role() roles.Role {
	return pick(t, roles.Viewer, roles.Manager, roles.Admin, roles.Owner, roles.Owner, "king")
}

func (t drawn) imports() accounts.Import {
	var in accounts.Import
	for range t.some(5) {
		u := accounts.ImportUser{
			ID: t.user(), Name: pick(t, "", "A", "B"), Handle: pick(t, "", "", "", "max", "MAX ", "kim"),
			Email:  pick(t, "", "x@a.example", "X@A.example", "y@a.example", "z@a.example", "bad"),
			Locale: pick(t, "", "de"), CreatedAt: pick(t, time.Time{}, time.Time{}, start.AddDate(-1, 0, 0), start.AddDate(1, 0, 0)),
		}
		u.Proven = u.Email != "" && pick(t, true, false)
		u.Kept, u.Password = pick(t, true, false, false), pick(t, "", "", bcrypt, "other")
		for range t.some(1) {
			u.Identities = append(u.Identities, accounts.IdentityKey{Issuer: "i", Subject: pick(t, "1", "2", "3")})
		}
		in.Users = append(in.Users, u)
	}
	for range t.some(4) {
		a := accounts.ImportAccount{ID: t.account(), Name: pick(t, "A", "B"), Kind: pick[accounts.Kind](t, "", accounts.KindAgency), Agency: pick(t, true, false)}
		for range t.some(2) {
			a.Owners = append(a.Owners, t.user())
		}
		in.Accounts = append(in.Accounts, a)
	}
	for range t.some(8) {
		in.Members = append(in.Members, accounts.ImportMember{Account: t.account(), User: t.user(), Role: t.role()})
	}
	for range t.some(4) {
		c := accounts.ImportConnection{Client: t.account(), Agency: t.account(), Cap: t.role()}
		for range t.some(2) {
			c.Assigned = append(c.Assigned, accounts.ImportAssignment{User: t.user(), Role: t.role()})
		}
		in.Connections = append(in.Connections, c)
	}
	return in
}

// kept asks that nothing that an import must not take away or undo has changed.
// A proof of the mailbox, another address, a login that the host takes over and
// another imported password end what rested on the login, and a proof ends what
// was prepared before it.
func (w *world) kept(before, after accounts.Means) {
	w.t.Helper()
	b, a := before.User, after.User
	require.Equal(w.t, []any{b.Suspensions, b.SuspendedAt, b.DeletedAt, b.Confirms, b.Phone, b.Logins, b.CreatedAt},
		[]any{a.Suspensions, a.SuspendedAt, a.DeletedAt, a.Confirms, a.Phone, a.Logins, a.CreatedAt})
	require.False(w.t, b.Kept && !a.Kept || b.Proven && !a.Proven)
	require.False(w.t, b.Email != "" && a.Email == "" || b.Handle != "" && a.Handle == "")
	proven := a.Proven && !b.Proven
	// A password that only imports have set is the host's to replace.
	replaced := before.Credential.UpdatedAt.IsZero() && before.Credential.Hash != "" &&
		after.Credential.Hash != "" && after.Credential.Hash != before.Credential.Hash
	relogged := replaced || before.HasLogin() && !b.Kept && (proven || a.Kept || a.Email != b.Email)
	require.Equal(w.t, relogged, a.Epoch != b.Epoch, "sessions end with what they rest on, and with nothing else")
	if !proven {
		require.Subset(w.t, after.Identities, before.Identities)
	}
	if before.Credential.Version > 0 {
		if !replaced && (!proven || before.Credential.Hash == "") {
			require.Equal(w.t, before.Credential, after.Credential)
		}
		require.False(w.t, before.Credential.Hash != "" && !b.Kept && a.Kept, "a password that opens nothing any more")
	}
}

// Whatever is imported, after whatever was imported before: importing it again
// gives Unchanged where it was not refused and the same refusal where it was, and
// writes nothing; answers say what was done; the invariants hold; and no end is
// undone and no login lost (I-01, I-02, I-03, I-20).
func TestService_Import_twice(t *testing.T) {
	t.Parallel()

	users := []string{"u1", "u2", "u3", "u4", "u5", "u6", "gone", "paused", "boss"}
	all := []string{"a1", "a2", "a3", "acme", "orbit", "retired", "closed"}
	rapid.Check(t, func(rt *rapid.T) {
		d := drawn{rt}
		w := newWorld(t)
		gone, closed, retired, paused := user("gone"), account("closed"), agency("retired"), member("acme", "paused", roles.Owner)
		gone.DeletedAt, gone.Email, gone.Address = start, "", ""
		closed.ClosedAt, paused.SuspendedAt = start, start
		retired.Epoch, retired.ProgrammeAt, retired.ClientAccessAt = 2, time.Time{}, time.Time{}
		w.put(gone, user("paused"), user("boss"), closed, retired, account("acme"), agency("orbit"), paused,
			member("acme", "boss", roles.Owner), member("orbit", "boss", roles.Owner), member("retired", "boss", roles.Owner),
			connection("acme", "orbit", roles.Manager), connection("acme", "retired", roles.Manager))
		for range 2 {
			w.imports(d.imports())
		}
		before := map[string]accounts.Means{}
		for _, id := range users {
			if m, err := w.st.Means(t.Context(), accounts.UserKey{ID: accounts.UserID(id)}); err == nil {
				before[id] = m
			}
		}
		w.clock.Add(time.Minute)
		n := len(w.feed())
		in := d.imports()
		first := w.imports(in)
		require.Equal(t, first.Created+first.Updated > 0, len(w.feed()) > n)
		w.invariants(users, all)
		for id, m := range before {
			w.kept(m, w.means(id))
		}
		require.Equal(t, gone.Name, w.means("gone").User.Name)
		require.Equal(t, paused.MemberState, w.membership("acme", "paused").MemberState)
		require.False(t, w.account("closed").ClosedAt.IsZero())
		require.False(t, w.account("retired").ActsAsAgency())
		for i, m := range in.Members {
			if got := w.membership(string(m.Account), string(m.User)); first.Members[i].Err == nil {
				require.True(t, got.Active())
				require.Equal(t, m.Role, got.Role)
			}
		}
		for i, c := range in.Connections {
			if first.Connections[i].Err != nil {
				continue
			}
			for _, a := range c.Assigned {
				l := w.linked(string(c.Client), string(c.Agency), string(a.User))
				require.True(t, l.Counts())
				require.Equal(t, []roles.Role{c.Cap, a.Role}, []roles.Role{l.Connection.Cap, l.Assignment.Role})
			}
		}

		again, err := w.importing(func(method string, _ bool) error {
			require.NotEqual(t, "ApplyAccounts", method)
			return nil
		}).Import(t.Context(), job(), in)
		require.NoError(t, err)
		require.Equal(t, []int{0, 0, first.Refused}, []int{again.Created, again.Updated, again.Refused})
		for i, list := range [][2][]accounts.ImportResult{
			{first.Users, again.Users}, {first.Accounts, again.Accounts}, {first.Members, again.Members}, {first.Connections, again.Connections},
		} {
			was, now := outcomes(list[0]), outcomes(list[1])
			for k := range was {
				if list[0][k].Err != nil {
					require.Equal(t, was[k], now[k], "list %d, row %d", i, k)
				}
			}
		}
	})
}
