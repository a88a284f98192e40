package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// recorded returns what decides about the client "r" and the site "s" of the
// account "c".
func recorded(t *testing.T, st storage.Storage, id string) accounts.Recording {
	t.Helper()
	r, err := st.Recording(t.Context(), accounts.RecordingQuery{Account: "c", Client: accounts.ClientID(id), Site: "s"})
	require.NoError(t, err)
	return r
}

// whose returns the record of an address, and the one of a user.
func whose(t *testing.T, st storage.Storage, email, user string) [2]accounts.ClientID {
	t.Helper()
	var ids [2]accounts.ClientID
	for i, q := range []accounts.RecordingQuery{{Email: accounts.Email(email)}, {User: accounts.UserID(user)}} {
		q.Account = "c"
		r, err := st.Recording(t.Context(), q)
		require.NoError(t, err)
		ids[i] = r.Taken.ID
	}
	return ids
}

func standing(t *testing.T, st storage.Storage, user, account string) accounts.Standing {
	t.Helper()
	list, err := st.Standings(t.Context(), []accounts.StandingKey{{
		User: accounts.UserID(user), Account: accounts.AccountID(account),
	}})
	require.NoError(t, err)
	return list[0]
}

// listed returns the ids of an account's clients that a query finds, and their
// statuses.
func listed(t *testing.T, st storage.Storage, q accounts.ClientRecordQuery) map[accounts.ClientID]accounts.ClientStatus {
	t.Helper()
	q.Account = "c"
	page, err := st.ClientRecords(t.Context(), q)
	require.NoError(t, err)
	found := map[accounts.ClientID]accounts.ClientStatus{}
	for _, e := range page {
		found[e.Client.ID] = e.Status()
	}
	return found
}

// An address, and a user, is one client of an account that is there, judged on
// what is stored once the change is made.
func TestStore_clients_unique(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		put(t, st, "setup", user("u"), user("v"), account("c", "C"), account("c2", "C2"),
			joined(record("c", "a"), "u"), joined(record("c", "b"), "v"))
		return st
	}
	as := func(r accounts.Client, of string, version int64) accounts.Client {
		r.Email, r.Version = accounts.Email(of+"@client.example"), version
		return r
	}
	gone := record("c", "a")
	gone.Version, gone.DeletedAt = 1, start
	for _, c := range []struct {
		name string
		rows []any
		want bool
	}{
		{"a second client with an address is a conflict", []any{as(record("c", "n"), "a", 0)}, false},
		{"a second client of a user is a conflict", []any{joined(record("c", "n"), "u")}, false},
		{"two new clients with one address are a conflict", []any{as(record("c", "n"), "n", 0), as(record("c", "m"), "n", 0)}, false},
		{"two clients that one user would become are a conflict", []any{
			joined(as(record("c", "a"), "a", 1), "u"), joined(as(record("c", "b"), "b", 1), "u"),
		}, false},
		{"taking another's address over is a conflict", []any{joined(as(record("c", "a"), "b", 1), "u")}, false},
		{"taking another's user over is a conflict", []any{joined(as(record("c", "a"), "a", 1), "v")}, false},
		{"a client that is there cannot be inserted", []any{joined(as(record("c", "a"), "a", 0), "u")}, false},
		{"a client that is not there cannot be replaced", []any{as(record("c", "n"), "n", 1)}, false},
		{"one client twice is a conflict", []any{as(record("c", "n"), "n", 0), as(record("c", "n"), "n", 0)}, false},
		{"two clients that nobody logs in as are none", []any{record("c", "n"), record("c", "m")}, true},
		{"another account has records of its own", []any{joined(as(record("c2", "a"), "a", 0), "u")}, true},
		{"a deleted client frees both for its successor in the same change", []any{
			joined(as(record("c", "n"), "a", 0), "u"), gone,
		}, true},
		{"two clients exchange both in one change", []any{
			joined(as(record("c", "a"), "b", 1), "v"), joined(as(record("c", "b"), "a", 1), "u"),
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := setup(t)
			err := st.ApplyAccess(t.Context(), change("op", c.rows...))
			if c.want {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, accounts.ErrConflict)
			require.Equal(t, [2]accounts.ClientID{"a", "b"}, whose(t, st, "a@client.example", "v"))
		})
	}
	t.Run("after an exchange each is found by what it has now, also in a copy", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		put(t, st, "swap", joined(as(record("c", "a"), "b", 1), "v"), joined(as(record("c", "b"), "a", 1), "u"))
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Equal(t, [2]accounts.ClientID{"b", "b"}, whose(t, st, "a@client.example", "u"))
			require.Equal(t, [2]accounts.ClientID{"a", "a"}, whose(t, st, "b@client.example", "v"))
			require.EqualValues(t, "a", standing(t, st, "v", "c").Client.ID)
		}
	})
	t.Run("a deleted client is found by its id, and by nothing else", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		gone := joined(gone, "u") // as a store keeps it, whatever else is written
		put(t, st, "delete", gone)
		require.Equal(t, [2]accounts.ClientID{"", ""}, whose(t, st, "a@client.example", "u"))
		require.Zero(t, standing(t, st, "u", "c").Client)
		require.NotContains(t, listed(t, st, accounts.ClientRecordQuery{}), accounts.ClientID("a"))
		require.Empty(t, listed(t, st, accounts.ClientRecordQuery{Client: "a"}))
		require.Equal(t, start, recorded(t, st, "a").Client.DeletedAt)
		reach, err := st.Reach(t.Context(), accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin()})
		require.NoError(t, err)
		require.Empty(t, reach)
	})
	t.Run("an address is found before a user, and the empty ones are nobody's", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		r, err := st.Recording(t.Context(), accounts.RecordingQuery{Account: "c", Email: "a@client.example", User: "v"})
		require.NoError(t, err)
		require.EqualValues(t, "a", r.Taken.ID)
		require.Equal(t, [2]accounts.ClientID{"", ""}, whose(t, st, "", ""))
		_, err = st.Recording(t.Context(), accounts.RecordingQuery{Account: "x"})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	})
}

// A client's status follows from the facts at every moment, whichever of them
// changed last, and is what the list of that status holds.
func TestStore_clients_status(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", account("c", "C"), record("c", "r"), record("c", "other"), site("c", "s"), site("c", "s2"))
	r, s, one, two := record("c", "r"), site("c", "s"), siteAccess("c", "r", "s"), siteAccess("c", "r", "s2")
	r.Version, s.Version = 1, 1
	step := func(op string, want accounts.ClientStatus, sites int, row any) {
		t.Helper()
		put(t, st, op, row)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			for _, status := range accounts.ClientStatuses() {
				found := listed(t, st, accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{status, status}})
				require.Equal(t, status == want, found["r"] == status, "%s: the list of %s: %v", op, status, found)
				require.Equal(t, status == accounts.ClientLead, found["other"] == status, op)
			}
			require.Equal(t, sites, recorded(t, st, "r").Assigned, op)
		}
	}
	step("an access to a site assigns it", accounts.ClientSiteAssigned, 1, one)
	step("a second access adds a site", accounts.ClientSiteAssigned, 2, two)
	two.Version, two.EndedAt = 1, start
	step("one that ends takes a site", accounts.ClientSiteAssigned, 1, two)
	s.RemovedAt = start
	step("a removed site is none", accounts.ClientLead, 0, s)
	one.Version, one.EndedAt = 1, start
	step("ending an access to a removed site changes nothing", accounts.ClientLead, 0, one)
	s.Version, s.RemovedAt = 2, time.Time{}
	step("a site that comes back revives no ended access", accounts.ClientLead, 0, s)
	one.Version, one.EndedAt = 2, time.Time{}
	step("a new life of an access", accounts.ClientSiteAssigned, 1, one)
	r.InvitedAt = start
	step("a setup link invites", accounts.ClientInvited, 1, r)
	r.Version, r.ActiveAt = 2, start
	step("coming in activates", accounts.ClientActive, 1, r)
	one.Version, one.EndedAt = 3, start
	step("without sites a client stays active", accounts.ClientActive, 0, one)
	r.Version, r.SuspendedAt = 3, start
	step("a suspended client is suspended", accounts.ClientSuspended, 0, r)
	r.Version, r.DeletedAt = 4, start
	step("a deleted client is in no list", "", 0, r)
	one.Version, one.EndedAt = 4, time.Time{}
	step("an access of a deleted client counts for nothing", "", 0, one)
	require.Empty(t, listed(t, st, accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{"x"}}))
}

// Whoever comes in as a client sees the live sites that they were given, with
// their permissions, and no other's (I-10).
func TestStore_clients_sites(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		removed, ended := site("c", "s4"), siteAccess("c", "r", "s5", "edit")
		removed.RemovedAt, ended.EndedAt = start, start
		put(t, st, "setup", user("u"), user("v"), account("c", "C"), account("c2", "C2"), session("s", "u"), session("v", "v"),
			joined(record("c", "r"), "u"), joined(record("c", "r2"), "v"), joined(record("c2", "r"), "u"),
			site("c", "s"), site("c", "s2"), site("c", "s3"), removed, site("c", "s5"), site("c2", "s"),
			siteAccess("c", "r", "s3"), siteAccess("c", "r", "s", "stats", "edit"), siteAccess("c", "r2", "s", "edit"),
			siteAccess("c", "r", "s4", "edit"), ended, siteAccess("c2", "r", "s", "blog"))
		return st
	}
	admitted := func(t *testing.T, st storage.Storage, who, account string) []accounts.SiteGrant {
		t.Helper()
		a, err := st.Admission(t.Context(), hash("session "+who), accounts.AccountID(account))
		require.NoError(t, err)
		return a.Sites
	}
	want := []accounts.SiteGrant{
		{Site: "s", Name: "Site s", Permissions: []roles.Permission{"stats", "edit"}}, {Site: "s3", Name: "Site s3"},
	}
	t.Run("an admission holds them, by id, and one elsewhere holds what was given there", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		for _, st := range []storage.Storage{st, st.Begin().Store()} {
			require.Equal(t, want, admitted(t, st, "s", "c"))
			require.Equal(t, []accounts.SiteGrant{{Site: "s", Name: "Site s", Permissions: []roles.Permission{"edit"}}}, admitted(t, st, "v", "c"))
			require.Equal(t, []accounts.SiteGrant{{Site: "s", Name: "Site s", Permissions: []roles.Permission{"blog"}}}, admitted(t, st, "s", "c2"))
			require.Empty(t, admitted(t, st, "v", "c2"))
			require.Empty(t, admitted(t, st, "s", ""))
		}
	})
	t.Run("what is returned and what was handed in are copies", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		given := []roles.Permission{"stats"}
		x, y := siteAccess("c", "r", "s", given...), siteAccess("c", "r", "s3", "blog")
		x.Version, y.Version = 1, 1
		put(t, st, "replace", x, y)
		given[0] = "x"
		first := admitted(t, st, "s", "c")
		require.Equal(t, []roles.Permission{"stats"}, first[0].Permissions)
		_ = append(first[0].Permissions, "y")
		require.Equal(t, []roles.Permission{"blog"}, first[1].Permissions)
		first[0].Permissions[0] = "x"
		r := recorded(t, st, "r")
		r.Access.Permissions[0] = "x"
		require.Equal(t, []roles.Permission{"stats"}, recorded(t, st, "r").Access.Permissions)
		require.Equal(t, []roles.Permission{"stats"}, admitted(t, st, "s", "c")[0].Permissions)
	})
	t.Run("a transaction that is done again does what it was told first", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		tx := st.Begin()
		given := []roles.Permission{"stats"}
		x := siteAccess("c", "r", "s", given...)
		x.Version = 1
		put(t, tx.Store(), "replace", x)
		given[0] = "x"
		put(t, st, "meanwhile", user("w"))
		require.NoError(t, tx.Commit())
		require.Equal(t, []roles.Permission{"stats"}, admitted(t, st, "s", "c")[0].Permissions)
	})
	t.Run("one that never was has its key alone", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		r, err := st.Recording(t.Context(), accounts.RecordingQuery{Account: "c", Client: "r2", Site: "s3"})
		require.NoError(t, err)
		require.Equal(t, siteAccess("c", "r2", "s3").SiteAccessKey, r.Access.SiteAccessKey)
		require.Zero(t, r.Access.Version)
		require.EqualValues(t, "v", r.User.ID)
		r, err = st.Recording(t.Context(), accounts.RecordingQuery{Account: "c", Site: "s4"})
		require.NoError(t, err)
		require.Zero(t, r.Access)
		require.Equal(t, start, r.Site.RemovedAt)
	})
}

// A client record that is suspended keeps its user out of the account by every
// route, and one that counts is a route of its own (I-19).
func TestStore_Reach_clients(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", user("u"), user("agent"), agency("ag"), account("c", "C"), member("ag", "u", roles.Owner),
		connection("c", "ag"), assignment("c", "ag", "u"), joined(record("c", "r"), "u"))
	reach := func() []accounts.RouteKind {
		page, err := st.Reach(t.Context(), accounts.ReachQuery{User: "u", Proof: accounts.Proof{Login: 3}})
		require.NoError(t, err)
		var kinds []accounts.RouteKind
		for _, r := range page {
			kinds = append(kinds, r.Kind)
		}
		return kinds
	}
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember, accounts.RouteClient, accounts.RouteDelegate}, reach())
	r := joined(record("c", "r"), "u")
	r.Version, r.SuspendedAt = 1, start
	put(t, st, "suspend", r)
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember}, reach())
	r.Version, r.SuspendedAt, r.After = 2, time.Time{}, 3
	put(t, st, "reactivate", r)
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember}, reach(), "an earlier login counts again")
	r.Version, r.After = 3, 2
	put(t, st, "later", r)
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember, accounts.RouteClient, accounts.RouteDelegate}, reach())
	closed := account("c", "C")
	closed.Version, closed.ClosedAt = 1, start
	put(t, st, "close", closed)
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember}, reach())
	closed.Version, closed.ClosedAt, r.Version, r.DeletedAt = 2, time.Time{}, 4, start
	put(t, st, "delete", r, closed)
	require.Equal(t, []accounts.RouteKind{accounts.RouteMember, accounts.RouteDelegate}, reach())
}

// Invitations and setup links learn who is a member and who a client already.
func TestStore_clients_invited(t *testing.T) {
	t.Parallel()
	st := memory.New()
	addressed := record("c", "addressed")
	addressed.Email = "x@example.com"
	former := member("c", "v", roles.Viewer)
	suspended := member("c", "x2", roles.Viewer)
	former.EndedAt, suspended.SuspendedAt = start, start
	put(t, st, "setup", user("u"), user("v"), user("x2"), account("c", "C"), former, addressed, suspended,
		joined(record("c", "r"), "u"), record("c", "lead"))
	invite(t, st, "invite", invitation("c", "i", "x@example.com"), invitation("c", "i2", "u@example.com"))
	setUp(t, st, "link", setupLink("c", "lead", "lead"))
	t.Run("an offer finds the client with the address and any membership of whoever has it", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			email  accounts.Email
			client bool
			role   roles.Role
		}{{"x@example.com", true, ""}, {"u@example.com", false, ""}, {"v@example.com", false, roles.Viewer}, {"", false, ""}} {
			i, err := st.Inviting(t.Context(), invites.InvitingQuery{Account: "c", Email: c.email})
			require.NoError(t, err)
			require.Equal(t, []any{c.client, c.role}, []any{i.Client, i.Member.Role}, c.email)
		}
	})
	t.Run("a record finds a member by the address until the membership ends", func(t *testing.T) {
		t.Parallel()
		for email, want := range map[accounts.Email]bool{"x2@example.com": true, "v@example.com": false, "u@example.com": false} {
			r, err := st.Recording(t.Context(), accounts.RecordingQuery{Account: "c", Email: email})
			require.NoError(t, err)
			require.Equal(t, want, r.Member, email)
		}
	})
	t.Run("an answer finds the client by the joiner's address, or by the joiner", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			id   accounts.InvitationID
			user accounts.UserID
			want accounts.ClientID
		}{{"i", "", "addressed"}, {"i", "v", ""}, {"i", "u", "r"}, {"i2", "", "r"}} {
			a, err := st.Accepting(t.Context(), invites.AcceptingQuery{Account: "c", ID: c.id, User: c.user})
			require.NoError(t, err)
			require.Equal(t, c.want, a.Client.ID, c)
		}
	})
	t.Run("a setup link finds the joiner, their membership, and as which client they are here", func(t *testing.T) {
		t.Parallel()
		f, err := st.SettingUp(t.Context(), invites.SettingUpQuery{Hash: hash("lead"), User: "v"})
		require.NoError(t, err)
		require.Equal(t, []any{accounts.UserID("v"), roles.Viewer, accounts.ClientID("")}, []any{f.Joiner.ID, f.Member.Role, f.As.ID})
		f, err = st.SettingUp(t.Context(), invites.SettingUpQuery{ClientKey: clientKey("c", "addressed"), User: "u"})
		require.NoError(t, err)
		require.Equal(t, []any{accounts.UserID("u"), accounts.ClientID("r")}, []any{f.Joiner.ID, f.As.ID})
		require.Equal(t, invites.SetupLink{ClientKey: clientKey("c", "addressed")}, f.Link)
		require.Zero(t, f.Holder)
	})
}

// Forgetting leaves client records, which end by rows of their own with their own
// events; of what somebody viewed it takes where they came from (A76, A105).
func TestStore_Forget_clients(t *testing.T) {
	t.Parallel()
	st := full(t)
	before := everything(t, st)
	both := accounts.Forget{User: "u", Email: "u@example.com"}
	put(t, st, "forget", both)
	after := everything(t, st)
	for _, key := range []string{
		"record own", "record other", "record lead", "link of other", "standing of u", "standing of v", "view2",
		"clientu", "clientu@example.com", "clientv", "viewv",
	} {
		require.NotEmpty(t, before[key], key)
		require.Equal(t, before[key], after[key], key)
	}
	told := before["viewu"].([]accounts.Held)[0].Row.(access.ViewAs)
	require.Equal(t, []any{accounts.ViewID("view"), token.Hash{}, token.Hash{}}, []any{told.ID, told.Link, told.Hash}, "secrets stay here")
	v := before["view"].(access.Viewing).View
	v.UserAgent, v.Source, v.Version = "", "", 2
	require.Equal(t, v, after["view"].(access.Viewing).View)
	require.Len(t, listed(t, st, accounts.ClientRecordQuery{}), 3)

	gone := before["record own"].(accounts.Recording).Client
	gone.User, gone.FirstName, gone.LastName, gone.Email, gone.Address = "", "", "", "", ""
	gone.Company, gone.Postal, gone.Phone, gone.Notes = "", "", "", ""
	gone.DeletedAt = start
	gone.Epoch++
	put(t, st, "erase", gone, both)
	after = everything(t, st)
	gone.Version++
	require.Equal(t, gone, after["record own"].(accounts.Recording).Client, "as it was written, and no further")
	require.Zero(t, after["record own"].(accounts.Recording).Assigned)
	require.Zero(t, held(after, accounts.HeldClient, "u"))
	require.Len(t, before["view2"].(access.Viewing).Sites, 2)
	require.Empty(t, after["view2"].(access.Viewing).Sites)
	require.Equal(t, before["record other"], after["record other"])
	require.Len(t, listed(t, st, accounts.ClientRecordQuery{}), 2)
	again := record("c", "again")
	again.Email = "own@client.example"
	put(t, st, "free", again)
}
