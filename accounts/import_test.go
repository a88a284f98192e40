package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

const bcrypt = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// importTap is a tap that knows the questions of an import too.
type importTap struct{ *tap }

func (s importTap) Means(ctx context.Context, k accounts.UserKey) (accounts.Means, error) {
	return via(s.tap, "Means", func() (accounts.Means, error) { return s.Store.Means(ctx, k) })
}

func (w *world) importing(hook func(method string, after bool) error) *accounts.Service {
	return w.svc.With(importTap{&tap{Store: w.st, hook: hook}})
}

// imports imports as a job, and asks that nothing fails.
func (w *world) imports(in accounts.Import) accounts.Imported {
	w.t.Helper()
	out, err := w.svc.Import(w.t.Context(), job(), in)
	require.NoError(w.t, err)
	return out
}

func (w *world) means(id string) accounts.Means {
	w.t.Helper()
	m, err := w.st.Means(w.t.Context(), accounts.UserKey{ID: accounts.UserID(id)})
	require.NoError(w.t, err)
	return m
}

// state writes down every row that an import can write, without the audit.
func (w *world) state(users, all []string) string {
	w.t.Helper()
	ctx := w.t.Context()
	var b strings.Builder
	for _, id := range users {
		m, err := w.st.Means(ctx, accounts.UserKey{ID: accounts.UserID(id)})
		fmt.Fprintf(&b, "%+v %v\n", m, err)
	}
	for _, id := range all {
		a, err := w.st.Account(ctx, accounts.AccountID(id))
		fmt.Fprintf(&b, "%+v %v\n", a, err)
		for _, u := range users {
			fmt.Fprintf(&b, "  %+v\n", w.membership(id, u))
		}
		for _, other := range all {
			for _, u := range users {
				l, err := w.st.Linked(ctx, accounts.LinkedQuery{ConnectionKey: pair(id, other), User: accounts.UserID(u)})
				fmt.Fprintf(&b, "    %+v %+v %v\n", l.Connection, l.Assignment, err)
			}
		}
	}
	return b.String()
}

// outcomes are the outcomes of rows, and a short word for why they are refused.
func outcomes(list []accounts.ImportResult) []string {
	var all []string
	for _, r := range list {
		var bad *accounts.InvalidError
		var taken *accounts.TakenError
		s := string(r.Outcome)
		switch {
		case r.Err == nil:
		case errors.As(r.Err, &taken):
			s += " taken " + taken.Field
		case errors.As(r.Err, &bad):
			s += " invalid " + bad.Field
		case errors.Is(r.Err, accounts.ErrNotFound):
			s += " not found"
		case errors.Is(r.Err, accounts.ErrLastOwner):
			s += " last owner"
		default:
			s += " " + r.Err.Error()
		}
		all = append(all, s)
	}
	return all
}

func importUser(id string) accounts.ImportUser {
	return accounts.ImportUser{ID: accounts.UserID(id), Name: "Ms " + id, Email: id + "@people.example", Proven: true}
}

func importMember(account, user string, role roles.Role) accounts.ImportMember {
	return accounts.ImportMember{Account: accounts.AccountID(account), User: accounts.UserID(user), Role: role}
}

func importConnection(limit roles.Role, assigned ...accounts.ImportAssignment) accounts.ImportConnection {
	return accounts.ImportConnection{Client: "acme", Agency: "orbit", Cap: limit, Assigned: assigned}
}

// everything is an import of each kind of row. Only ben keeps a password here.
func everything() accounts.Import {
	ann, ben, oda := importUser("ann"), importUser("ben"), importUser("oda")
	ann.Kept, ann.Handle, ann.Locale = true, "Ann", "de"
	ann.Identities = []accounts.IdentityKey{{Issuer: "https://id.example", Subject: "1"}, {Issuer: "https://id.example", Subject: "2"}}
	ben.Password, ben.CreatedAt, ben.Proven = bcrypt, start.AddDate(-3, 0, 0), false
	return accounts.Import{
		Users: []accounts.ImportUser{ann, ben, oda},
		Accounts: []accounts.ImportAccount{
			{ID: "acme", Name: "Acme", Plan: "gold", Locale: "de", Owners: []accounts.UserID{"ann", "ben"}, CreatedAt: start.AddDate(-2, 0, 0)},
			{ID: "orbit", Name: "Orbit", Kind: accounts.KindAgency, Owners: []accounts.UserID{"oda"}, Agency: true},
		},
		Members: []accounts.ImportMember{
			importMember("acme", "oda", roles.Viewer), importMember("orbit", "ann", roles.Owner), importMember("acme", "ann", roles.Owner),
		},
		Connections: []accounts.ImportConnection{importConnection(roles.Admin,
			accounts.ImportAssignment{User: "oda", Role: roles.Manager}, accounts.ImportAssignment{User: "ann", Role: roles.Admin})},
	}
}

// closedPolicy allows nothing.
type closedPolicy struct{}

var errClosed = errors.New("the plan does not allow it")

func (closedPolicy) MayOwn([]accounts.Account, accounts.Account) error { return errClosed }
func (closedPolicy) MayHold(accounts.Account, roles.Role) error        { return errClosed }
func (closedPolicy) Seats(accounts.Account) int                        { return 1 }
func (closedPolicy) MayJoinProgramme(accounts.Account) error           { return errClosed }

func TestService_Import(t *testing.T) {
	t.Parallel()

	t.Run("everything comes in with its ids, and nobody is written to or limited", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *accounts.EnvOptions) { o.Policy = closedPolicy{} })
		out := w.imports(everything())
		require.Equal(t, []string{"created", "created", "created"}, outcomes(out.Users))
		require.Equal(t, []string{"created", "created"}, outcomes(out.Accounts))
		require.Equal(t, []string{"created", "created", "unchanged"}, outcomes(out.Members))
		require.Equal(t, []string{"created"}, outcomes(out.Connections))
		require.Equal(t, []int{8, 0, 1, 0}, []int{out.Created, out.Updated, out.Unchanged, out.Refused})

		ann, ben := w.means("ann"), w.means("ben")
		require.True(t, ann.User.Kept)
		require.True(t, ann.User.Proven)
		require.Equal(t, "Ann", ann.User.Handle)
		require.Len(t, ann.Identities, 2)
		require.Empty(t, ann.Credential.Hash)
		require.Equal(t, start, ann.User.CreatedAt)
		require.Equal(t, bcrypt, ben.Credential.Hash, "a hash is kept as it is")
		require.False(t, ben.User.Kept)
		require.False(t, ben.User.Proven)
		require.Equal(t, start.AddDate(-3, 0, 0), ben.User.CreatedAt)
		acme, orbit := w.account("acme"), w.account("orbit")
		require.Equal(t, accounts.KindStandard, acme.Kind)
		require.Equal(t, "gold", acme.Plan)
		require.Equal(t, start.AddDate(-2, 0, 0), acme.CreatedAt)
		require.False(t, acme.ActsAsAgency())
		require.True(t, orbit.ActsAsAgency())
		require.Equal(t, roles.Owner, w.rights("ann", "acme").Direct())
		require.Equal(t, roles.Admin, w.rights("ann", "acme").Delegated())
		require.Equal(t, roles.Owner, w.rights("ben", "acme").Direct())
		require.Equal(t, roles.Viewer, w.rights("oda", "acme").Direct())
		require.Equal(t, roles.Manager, w.rights("oda", "acme").Delegated())
		require.Empty(t, w.mails(""))

		var kinds []string
		for _, e := range w.feed() {
			require.Equal(t, "sync", e.By.System)
			kinds = append(kinds, fmt.Sprint(e.Kind, " ", e.Account, " ", e.Agency, " ", e.User, " ", e.Role))
		}
		require.Equal(t, []string{
			"user.created   ann ", "user.created   ben ", "user.created   oda ",
			"account.created acme  ann owner", "member.added acme  ben owner", "account.created orbit  oda owner",
			"member.added acme  oda viewer", "member.added orbit  ann owner",
			"connection.imported acme orbit  admin", "colleague.assigned acme orbit oda manager", "colleague.assigned acme orbit ann admin",
		}, kinds, "one event for each row that is written (A105)")
	})

	t.Run("the same again changes nothing and writes nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.imports(everything())
		w.clock.Add(time.Hour)
		before := w.dump([]string{"ann", "ben", "oda"}, []string{"acme", "orbit"})
		out, err := w.importing(func(method string, _ bool) error {
			require.NotEqual(t, "ApplyAccounts", method)
			return nil
		}).Import(t.Context(), job(), everything())
		require.NoError(t, err)
		require.Equal(t, 9, out.Unchanged)
		require.Equal(t, before, w.dump([]string{"ann", "ben", "oda"}, []string{"acme", "orbit"}))
	})

	t.Run("only a job imports, and it has a limit", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		never := w.importing(func(string, bool) error { t.Error("the store was asked"); return nil })
		for _, a := range []accounts.Actor{{}, w.as("ann"), staff()} {
			out, err := never.Import(t.Context(), a, everything())
			require.ErrorIs(t, err, roles.ErrDenied)
			require.Zero(t, out)
		}
		many := accounts.Import{Accounts: []accounts.ImportAccount{{Owners: make([]accounts.UserID, accounts.MaxImport)}}}
		_, err := never.Import(t.Context(), job(), many)
		require.Equal(t, "rows", field(t, err))
		require.Empty(t, w.feed())
	})

	t.Run("a change is written, and nothing is taken away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.imports(everything())
		ann := w.means("ann").User
		ann.Phone, ann.Confirms = "+4930123456", true
		w.put(ann)
		w.clock.Add(time.Hour)
		n := len(w.feed())
		in := accounts.Import{
			Users: []accounts.ImportUser{
				{ID: "ann", Name: "Ann B.", Identities: []accounts.IdentityKey{{Issuer: "https://id.example", Subject: "3"}}},
				{ID: "ben", Email: "Ben@New.example", Password: "another", CreatedAt: start.AddDate(-1, 0, 0)},
				{ID: "oda", Name: "Oda", Email: "oda@people.example"},
			},
			Accounts:    []accounts.ImportAccount{{ID: "orbit", Name: "Orbit & Co", Plan: "silver"}, {ID: "acme", Name: "Acme", Agency: true}},
			Members:     []accounts.ImportMember{importMember("acme", "ann", roles.Manager), importMember("acme", "oda", roles.Admin)},
			Connections: []accounts.ImportConnection{importConnection(roles.Manager, accounts.ImportAssignment{User: "oda", Role: roles.Viewer})},
		}
		require.Equal(t, 8, w.imports(in).Updated)
		require.True(t, w.means("oda").User.Proven)
		a, b := w.means("ann"), w.means("ben")
		require.Equal(t, "Ann B.", a.User.Name)
		require.Equal(t, []any{"Ann", accounts.Email("ann@people.example"), true, true, "+4930123456", true, 3},
			[]any{a.User.Handle, a.User.Email, a.User.Proven, a.User.Kept, a.User.Phone, a.User.Confirms, len(a.Identities)})
		require.Equal(t, accounts.Email("ben@new.example"), b.User.Email)
		require.Equal(t, "Ben@New.example", b.User.Address)
		require.Equal(t, "another", b.Credential.Hash, "what only an import has written is the host's to replace")
		require.Equal(t, int64(2), b.User.Epoch, "with the password before, its sessions end (A14)")
		require.Equal(t, start.AddDate(-3, 0, 0), b.User.CreatedAt)
		require.Equal(t, "Orbit & Co", w.account("orbit").Name)
		require.Equal(t, accounts.KindAgency, w.account("orbit").Kind)
		require.True(t, w.account("orbit").ActsAsAgency(), "not named, and still there")
		require.True(t, w.account("acme").ActsAsAgency())
		m := w.membership("acme", "ann")
		require.Equal(t, []any{roles.Manager, int64(1), int64(1)}, []any{m.Role, m.Tenure, m.Reign}, "what invitations rest on has moved (D1)")
		require.Equal(t, roles.Manager, w.rights("ann", "acme").Delegated(), "the cap")
		require.Equal(t, roles.Viewer, w.rights("oda", "acme").Delegated())
		var kinds []string
		for _, e := range w.feed()[n:] {
			kinds = append(kinds, fmt.Sprint(e.Kind, " ", e.Was, " ", e.Role))
		}
		require.Equal(t, []string{
			"user.updated  ", "user.updated  ", "user.updated  ", "account.updated  ", "account.updated  ", "member.role-changed owner manager",
			"member.role-changed viewer admin", "connection.cap-changed admin manager", "colleague.assigned manager viewer",
		}, kinds)
		require.Equal(t, 8, w.imports(in).Unchanged)
	})

	t.Run("a first password comes in for somebody without any, and one that was taken away stays away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put(user("ann"), user("ben"))
		require.NoError(t, w.st.ApplyAccounts(t.Context(), accounts.Change{
			Op: "c", Credentials: []accounts.Credential{{User: "ben", CreatedAt: start, UpdatedAt: start}},
			Events: []accounts.Event{{Op: "c", Seq: 1, At: start, Kind: "put"}},
		}))
		ann, ben := importUser("ann"), importUser("ben")
		ann.Password, ben.Password = bcrypt, bcrypt
		out := w.imports(accounts.Import{Users: []accounts.ImportUser{ann, ben}})
		require.Equal(t, []string{"updated", "unchanged"}, outcomes(out.Users))
		require.Equal(t, bcrypt, w.means("ann").Credential.Hash)
		require.Empty(t, w.means("ben").Credential.Hash)
	})

	t.Run("what others rely on moves, once for all rows about it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put(account("acme"), agency("orbit"), agency("nova"), user("ann"), user("ben"),
			member("acme", "ann", roles.Owner), member("orbit", "ann", roles.Owner), member("nova", "ann", roles.Owner))
		w.imports(accounts.Import{Members: []accounts.ImportMember{
			importMember("acme", "ben", roles.Owner), importMember("acme", "ann", roles.Viewer), importMember("nova", "ann", roles.Owner),
		}})
		versions := func() []int64 {
			return []int64{w.account("acme").Version, w.account("orbit").Version, w.account("nova").Version}
		}
		require.Equal(t, []int64{2, 1, 1}, versions())
		w.imports(accounts.Import{Connections: []accounts.ImportConnection{
			importConnection(roles.Admin, accounts.ImportAssignment{User: "ann", Role: roles.Viewer}),
			{Client: "orbit", Agency: "nova", Cap: roles.Viewer}, // of which orbit is the client
		}})
		require.Equal(t, []int64{2, 2, 2}, versions(), "an agency moves, a client is held")
	})

	t.Run("it joins the host's transaction", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		ids, all := []string{"ann", "ben", "oda"}, []string{"acme", "orbit"}
		before := w.dump(ids, all)
		tx := w.st.Begin()
		out, err := w.svc.With(tx.Store()).Import(t.Context(), job(), everything())
		require.NoError(t, err)
		require.Equal(t, 8, out.Created)
		require.Equal(t, before, w.dump(ids, all))
		require.NoError(t, tx.Commit())
		require.Equal(t, 9, w.imports(everything()).Unchanged)
	})
}

// ended is a world in which everything that can end has ended.
func ended(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	gone, closed, left, paused := user("gone"), account("closed"), member("acme", "left", roles.Author), member("acme", "paused", roles.Author)
	gone.DeletedAt, gone.Email, gone.Address, gone.Name = start, "", "", ""
	closed.ClosedAt, left.EndedAt, paused.SuspendedAt = start, start, start
	over, stale, quit := connection("acme", "nova", roles.Admin), connection("acme", "retired", roles.Admin), agency("retired")
	over.EndedAt, quit.Epoch, quit.ProgrammeAt, quit.ClientAccessAt = start, 2, time.Time{}, time.Time{}
	off, aged, away := assignment("acme", "orbit", "off", roles.Viewer), assignment("acme", "orbit", "back", roles.Viewer), member("orbit", "away", roles.Viewer)
	back := member("orbit", "back", roles.Viewer)
	off.EndedAt, back.Epoch, away.EndedAt = start, 3, start
	kept, barred := user("kept"), user("barred")
	kept.Kept, barred.SuspendedAt = true, start
	w.put(gone, closed, kept, barred, account("acme"), agency("orbit"), agency("nova"), quit,
		user("ann"), user("left"), user("paused"), user("off"), user("back"), user("away"), user("ben"),
		member("acme", "ann", roles.Owner), member("closed", "ann", roles.Owner), left, paused,
		member("orbit", "off", roles.Owner), back, away, member("nova", "ben", roles.Owner), member("retired", "ben", roles.Owner),
		connection("acme", "orbit", roles.Manager), over, stale, off, aged)
	ann := importUser("ann")
	ann.Password = bcrypt
	require.Equal(t, 1, w.imports(accounts.Import{Users: []accounts.ImportUser{ann}}).Updated)
	return w
}

// What ended stays so, and what breaks a rule is refused with its reason, while
// the rows beside it come in.
func TestService_Import_refuses(t *testing.T) {
	t.Parallel()

	u := func(change func(u *accounts.ImportUser)) accounts.Import {
		row := importUser("new")
		change(&row)
		return accounts.Import{Users: []accounts.ImportUser{row}}
	}
	a := func(change func(a *accounts.ImportAccount)) accounts.Import {
		row := accounts.ImportAccount{ID: "new", Name: "New", Owners: []accounts.UserID{"ann"}}
		change(&row)
		return accounts.Import{Accounts: []accounts.ImportAccount{row}}
	}
	m := func(account, user string, role roles.Role) accounts.Import {
		return accounts.Import{Members: []accounts.ImportMember{importMember(account, user, role)}}
	}
	c := func(client, agency string, limit roles.Role, assigned ...accounts.ImportAssignment) accounts.Import {
		return accounts.Import{Connections: []accounts.ImportConnection{
			{Client: accounts.AccountID(client), Agency: accounts.AccountID(agency), Cap: limit, Assigned: assigned},
		}}
	}
	place := func(user string, role roles.Role) accounts.ImportAssignment {
		return accounts.ImportAssignment{User: accounts.UserID(user), Role: role}
	}
	for _, tt := range []struct {
		name string
		when accounts.Import
		want string
	}{
		{"an erased user", u(func(u *accounts.ImportUser) { u.ID = "gone" }), "invalid id"},
		{"no id", u(func(u *accounts.ImportUser) { u.ID = "" }), "invalid id"},
		{"a bad address", u(func(u *accounts.ImportUser) { u.Email = "new" }), "invalid email"},
		{"a proof of nothing", u(func(u *accounts.ImportUser) { u.Email = "" }), "invalid proven"},
		{"a user name with an @", u(func(u *accounts.ImportUser) { u.Handle = "a@b" }), "invalid handle"},
		{"a bad language", u(func(u *accounts.ImportUser) { u.Locale = "?" }), "invalid locale"},
		{"somebody's address", u(func(u *accounts.ImportUser) { u.Email = "Ann@People.EXAMPLE" }), "taken email"},
		{"an address that is not proven, for one that is", u(func(u *accounts.ImportUser) { u.ID, u.Proven = "ann", false }), "invalid email"},
		{"a password beside a login that the host keeps", u(func(u *accounts.ImportUser) { u.Kept, u.Password = true, bcrypt }), "invalid password"},
		{"a password for somebody whose login the host keeps", u(func(u *accounts.ImportUser) { u.ID, u.Password = "kept", bcrypt }), "invalid password"},
		{"a login that the host keeps, for somebody with a password", u(func(u *accounts.ImportUser) { u.ID, u.Kept = "ann", true }), "invalid kept"},
		{"a hash with a line break", u(func(u *accounts.ImportUser) { u.Password = "a\nb" }), "invalid password"},
		{"a long hash", u(func(u *accounts.ImportUser) { u.Password = strings.Repeat("x", accounts.MaxHash+1) }), "invalid password"},
		{"a user of tomorrow", u(func(u *accounts.ImportUser) { u.CreatedAt = start.Add(time.Microsecond) }), "invalid createdAt"},
		{"a user of no time", u(func(u *accounts.ImportUser) { u.CreatedAt = time.Unix(0, 0) }), "invalid createdAt"},
		{"a user of before time", u(func(u *accounts.ImportUser) { u.CreatedAt = time.Date(-400000, 1, 1, 0, 0, 0, 0, time.UTC) }), "invalid createdAt"},
		{"many identities", u(func(u *accounts.ImportUser) { u.Identities = make([]accounts.IdentityKey, accounts.MaxImportRow+1) }), "invalid identities"},
		{"half an identity", u(func(u *accounts.ImportUser) { u.Identities = []accounts.IdentityKey{{Issuer: "i"}} }), "invalid identities.subject"},

		{"a closed account", a(func(a *accounts.ImportAccount) { a.ID = "closed" }), "invalid id"},
		{"no owner", a(func(a *accounts.ImportAccount) { a.Owners = nil }), "invalid owners"},
		{"an owner twice", a(func(a *accounts.ImportAccount) { a.Owners = []accounts.UserID{"ann", "ann"} }), "invalid owners"},
		{"an owner who is not there", a(func(a *accounts.ImportAccount) { a.Owners = []accounts.UserID{"ann", "nobody"} }), "not found"},
		{"an owner who was erased", a(func(a *accounts.ImportAccount) { a.Owners = []accounts.UserID{"gone"} }), "not found"},
		{"no name", a(func(a *accounts.ImportAccount) { a.Name = " " }), "invalid name"},
		{"another kind", a(func(a *accounts.ImportAccount) { a.Kind = "club" }), "invalid kind"},
		{"an account of tomorrow", a(func(a *accounts.ImportAccount) { a.CreatedAt = start.Add(time.Hour) }), "invalid createdAt"},
		{"an agency that left the programme", a(func(a *accounts.ImportAccount) { a.ID, a.Agency = "retired", true }), "invalid agency"},

		{"a member who left", m("acme", "left", roles.Author), "invalid user"},
		{"a member who is suspended", m("acme", "paused", roles.Author), "invalid user"},
		{"a member of a closed account", m("closed", "ann", roles.Owner), "invalid account"},
		{"a member of no account", m("none", "ann", roles.Viewer), "not found"},
		{"a member who is not there", m("acme", "nobody", roles.Viewer), "not found"},
		{"a member who was erased", m("acme", "gone", roles.Viewer), "not found"},
		{"a role that there is not", m("acme", "ben", "king"), "invalid role"},
		{"the last owner made less", m("acme", "ann", roles.Admin), "last owner"},

		{"a connection that ended", c("acme", "nova", roles.Admin), "invalid agency"},
		{"a connection that ended with the programme", c("acme", "retired", roles.Admin), "invalid agency"},
		{"an agency that is none", c("orbit", "acme", roles.Admin), "invalid agency"},
		{"an agency of its own", c("orbit", "orbit", roles.Admin), "invalid agency"},
		{"a client that is closed", c("closed", "orbit", roles.Admin), "invalid client"},
		{"a client that is not there", c("none", "orbit", roles.Admin), "not found"},
		{"a cap of owner", c("orbit", "nova", roles.Owner), "invalid cap"},
		{"no cap", c("orbit", "nova", ""), "invalid cap"},
		{"a colleague above the cap", c("orbit", "nova", roles.Viewer, place("ben", roles.Author)), "invalid assigned"},
		{"a colleague twice", c("orbit", "nova", roles.Viewer, place("ben", roles.Viewer), place("ben", roles.Viewer)), "invalid assigned"},
		{"a colleague who is no member", c("orbit", "nova", roles.Viewer, place("ben", roles.Viewer), place("ann", roles.Viewer)), "invalid assigned"},
		{"a colleague who left the agency", c("acme", "orbit", roles.Manager, place("away", roles.Viewer)), "invalid assigned"},
		{"a colleague who was taken off", c("acme", "orbit", roles.Viewer, place("off", roles.Viewer)), "invalid assigned"},
		{"a colleague who came back to the agency", c("acme", "orbit", roles.Viewer, place("back", roles.Viewer)), "invalid assigned"},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			w := ended(t)
			ids := []string{"ann", "ben", "gone", "kept", "left", "paused", "off", "back", "away", "new"}
			all := []string{"acme", "orbit", "nova", "retired", "closed", "none", "new"}
			before := w.dump(ids, all)
			out := w.imports(tt.when)
			list := slices.Concat(out.Users, out.Accounts, out.Members, out.Connections)
			require.Equal(t, []string{"refused " + tt.want}, outcomes(list))
			require.Equal(t, before, w.dump(ids, all), "nothing of it was done")

			// Beside rows that are fine it is refused alone.
			in := tt.when
			in.Users = append(in.Users, importUser("fine"))
			in.Accounts = append(in.Accounts, accounts.ImportAccount{ID: "fine", Name: "Fine", Owners: []accounts.UserID{"fine"}, Agency: true})
			in.Members = append(in.Members, importMember("fine", "ben", roles.Viewer), importMember("acme", "fine", roles.Viewer))
			in.Connections = append(in.Connections, accounts.ImportConnection{
				Client: "acme", Agency: "fine", Cap: roles.Admin, Assigned: []accounts.ImportAssignment{place("ben", roles.Viewer)},
			})
			out = w.imports(in)
			require.Equal(t, []int{5, 1}, []int{out.Created, out.Refused})
		})
	}
	t.Run("an operator's pauses are no ends, and stay", func(t *testing.T) {
		t.Parallel()
		w := ended(t)
		acme := w.account("acme")
		acme.SuspendedAt = start
		w.put(acme)
		out := w.imports(accounts.Import{
			Users:    []accounts.ImportUser{{ID: "barred", Name: "Barred"}},
			Accounts: []accounts.ImportAccount{{ID: "acme", Name: "Acme"}},
			Members:  []accounts.ImportMember{importMember("acme", "barred", roles.Owner)},
		})
		require.Zero(t, out.Refused)
		require.False(t, w.means("barred").User.SuspendedAt.IsZero())
		require.False(t, w.account("acme").SuspendedAt.IsZero())
	})
}

// Two people with one address, user name or identity are reported, never
// merged, whichever rows and rooms they stand in (A21, A24, I-03).
func TestService_Import_duplicates(t *testing.T) {
	t.Parallel()

	row := func(id, email, handle, subject string) accounts.ImportUser {
		r := accounts.ImportUser{ID: accounts.UserID(id), Email: email, Handle: handle}
		if subject != "" {
			r.Identities = []accounts.IdentityKey{{Issuer: "i", Subject: subject}}
		}
		return r
	}
	for _, tt := range []struct {
		name  string
		given []accounts.ImportUser
		when  []accounts.ImportUser
		want  string
	}{
		{
			"two rows with one address are both refused", nil,
			[]accounts.ImportUser{row("a", "X@b.example", "", ""), row("c", "", "", ""), row("b", "x@B.example", "", "")},
			"refused taken email, created, refused taken email",
		},
		{
			"whose address it is keeps it, and the other is refused",
			[]accounts.ImportUser{row("a", "x@b.example", "", "")},
			[]accounts.ImportUser{row("b", "x@b.example", "", ""), row("a", "x@b.example", "", "")},
			"refused taken email, unchanged",
		},
		{
			"an address of somebody else refuses all who want it",
			[]accounts.ImportUser{row("s", "x@b.example", "", "")},
			[]accounts.ImportUser{row("a", "x@b.example", "", ""), row("b", "x@b.example", "", "")},
			"refused taken email, refused taken email",
		},
		{
			"two rows with one user name are both refused", nil,
			[]accounts.ImportUser{row("a", "", "Max  M", ""), row("b", "", "max m", "")},
			"refused taken handle, refused taken handle",
		},
		{
			"a user name of somebody else is refused",
			[]accounts.ImportUser{row("s", "", "max", "")},
			[]accounts.ImportUser{row("a", "", "MAX", "")},
			"refused taken handle",
		},
		{
			"two rows with one identity are both refused", nil,
			[]accounts.ImportUser{row("a", "", "", "7"), row("b", "", "", "7")},
			"refused taken identities, refused taken identities",
		},
		{
			"whose identity it is keeps it, and the other is refused",
			[]accounts.ImportUser{row("a", "", "", "7")},
			[]accounts.ImportUser{row("a", "", "", "7"), row("b", "", "", "7")},
			"unchanged, refused taken identities",
		},
		{
			"an id that stands twice is refused both times", nil,
			[]accounts.ImportUser{row("a", "", "", ""), row("a", "", "", "")},
			"refused invalid id, refused invalid id",
		},
		{
			"what another row gives up is there to take, in any order and in a chain",
			[]accounts.ImportUser{row("a", "1@b.example", "one", ""), row("b", "2@b.example", "two", ""), row("c", "3@b.example", "", "")},
			[]accounts.ImportUser{row("a", "2@b.example", "two", ""), row("b", "3@b.example", "three", ""), row("d", "1@b.example", "one", ""), row("c", "4@b.example", "", "")},
			"updated, updated, created, updated",
		},
		{
			"a login that goes with a proof of its user's mailbox is there to take",
			[]accounts.ImportUser{row("a", "", "", "7")},
			[]accounts.ImportUser{row("b", "", "", "7"), {ID: "a", Email: "1@b.example", Proven: true}},
			"created, updated",
		},
		{
			"two users who exchange their addresses are refused",
			[]accounts.ImportUser{row("a", "1@b.example", "", ""), row("b", "2@b.example", "", "")},
			[]accounts.ImportUser{row("a", "2@b.example", "", ""), row("b", "1@b.example", "", "")},
			"refused taken email, refused taken email",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.Equal(t, len(tt.given), w.imports(accounts.Import{Users: tt.given}).Created)
			got := outcomes(w.imports(accounts.Import{Users: tt.when}).Users)
			require.Equal(t, tt.want, strings.Join(got, ", "))
			n := len(w.feed())
			for i, s := range outcomes(w.imports(accounts.Import{Users: tt.when}).Users) {
				if want := got[i]; strings.HasPrefix(want, "refused") {
					require.Equal(t, want, s)
				} else {
					require.Equal(t, "unchanged", s)
				}
			}
			require.Len(t, w.feed(), n)
		})
	}
	t.Run("other rows that stand twice are refused both times", func(t *testing.T) {
		t.Parallel()
		w := ended(t)
		out := w.imports(accounts.Import{
			Accounts:    []accounts.ImportAccount{{ID: "new", Name: "A", Owners: []accounts.UserID{"ann"}}, {ID: "new", Name: "B", Owners: []accounts.UserID{"ben"}}},
			Members:     []accounts.ImportMember{importMember("acme", "ben", roles.Viewer), importMember("nova", "ben", roles.Owner), importMember("acme", "ben", roles.Admin)},
			Connections: []accounts.ImportConnection{importConnection(roles.Admin), importConnection(roles.Viewer)},
		})
		require.Equal(t, []string{"refused invalid id", "refused invalid id"}, outcomes(out.Accounts))
		require.Equal(t, []string{"refused invalid user", "unchanged", "refused invalid user"}, outcomes(out.Members))
		require.Equal(t, []string{"refused invalid agency", "refused invalid agency"}, outcomes(out.Connections))
	})
}

// An account always has an active owner, in whatever order rows make and unmake
// them (A35, I-01).
func TestService_Import_owners(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(account("acme"), user("ann"), user("amy"), user("ben"), member("acme", "ann", roles.Owner), member("acme", "amy", roles.Owner))
	in := accounts.Import{Members: []accounts.ImportMember{
		importMember("acme", "ann", roles.Viewer), importMember("acme", "amy", roles.Viewer),
	}}
	require.Equal(t, []string{"updated", "refused last owner"}, outcomes(w.imports(in).Members))
	require.Equal(t, []string{"unchanged", "refused last owner"}, outcomes(w.imports(in).Members))
	in.Members = append(in.Members, importMember("acme", "ben", roles.Owner))
	require.Equal(t, []string{"unchanged", "updated", "created"}, outcomes(w.imports(in).Members), "the new owner comes first")
	require.Equal(t, 3, w.imports(in).Unchanged)
}

// What is larger than a group comes in group by group, in the order given, and
// a user of many accounts in each of them.
func TestService_Import_groups(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var in accounts.Import
	for i := range 250 {
		in.Users = append(in.Users, importUser(fmt.Sprint("u", i)))
		in.Accounts = append(in.Accounts, accounts.ImportAccount{
			ID: accounts.AccountID(fmt.Sprint("a", i)), Name: "A", Owners: []accounts.UserID{"u0", "u1"}, Agency: i == 0,
		})
		in.Members = append(in.Members, importMember("a0", fmt.Sprint("u", i), roles.Admin), importMember(fmt.Sprint("a", i), "u7", roles.Viewer))
		in.Connections = append(in.Connections, accounts.ImportConnection{
			Client: accounts.AccountID(fmt.Sprint("a", i)), Agency: "a0", Cap: roles.Admin, Assigned: []accounts.ImportAssignment{{User: "u3", Role: roles.Viewer}},
		})
	}
	in.Users[120].Email = "?"
	rand.New(rand.NewSource(1)).Shuffle(len(in.Members), func(i, j int) { in.Members[i], in.Members[j] = in.Members[j], in.Members[i] })
	out := w.imports(in)
	for i, r := range out.Users {
		require.Equal(t, i == 120, r.Outcome == accounts.ImportRefused, i)
	}
	var stay []string
	for i, m := range in.Members {
		switch {
		case m.Account == "a0" && (m.User == "u120" || m.User == "u7"):
			require.Equal(t, accounts.ImportRefused, out.Members[i].Outcome, "not there, or twice")
		case m.Account == "a0" && (m.User == "u0" || m.User == "u1"):
			stay = append(stay, outcomes(out.Members[i:i+1])...)
		default:
			require.NoError(t, out.Members[i].Err)
		}
	}
	require.Equal(t, []string{"updated", "refused last owner"}, stay)
	ops := map[accounts.OpID]int{}
	for _, e := range w.feed() {
		ops[e.Op]++
	}
	for _, n := range ops {
		require.LessOrEqual(t, n, 100)
	}
	require.Len(t, ops, 3+8+5+5, "users, accounts of three rows each, members, connections of two")
	again := w.imports(in)
	require.Equal(t, []int{0, 0, out.Refused}, []int{again.Created, again.Updated, again.Refused})
}
