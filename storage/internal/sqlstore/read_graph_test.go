package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

var _ accounts.Reader = (*sqlstore.Reads)(nil)

// at is a moment of its own for each column of a row that is compared whole.
func at(n int64) time.Time { return time.UnixMicro(1_700_000_000_000_000 + n).UTC() }

func TestReads_User(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "users", row{
		"id": "ann", "version": 2, "epoch": 3, "epoch_at": us(at(1)), "logins": 4, "name": "Ann", "handle": "Ann.B",
		"handle_key": "ann.b", "label_key": "ann", "email": "ann@example.com", "address": "Ann@Example.com", "proven": 1,
		"locale": "de", "kept": 1, "phone": "+49301234567", "confirms": 1, "suspensions": 5, "suspended_at": us(at(2)), "created_at": us(at(3)), "updated_at": us(at(4)),
	})
	f.put(t, "identities", row{"issuer": "https://id.example", "subject": "7", "user_id": "ann"})
	f.user(t, "gone", row{"deleted_at": 9, "handle_key": "gone"})
	f.put(t, "identities", row{"issuer": "https://id.example", "subject": "8", "user_id": "gone"})
	f.user(t, "bare", row{"email": ""})

	want := accounts.User{
		UserState: accounts.UserState{ID: "ann", Name: "Ann", Epoch: 3, EpochAt: at(1), SuspendedAt: at(2), Confirms: true},
		Version:   2, Logins: 4, Handle: "Ann.B", Email: "ann@example.com", Address: "Ann@Example.com", Proven: true,
		Locale: "de", Kept: true, Phone: "+49301234567", Suspensions: 5, CreatedAt: at(3), UpdatedAt: at(4),
	}
	for name, key := range map[string]accounts.UserKey{
		"by id": {ID: "ann"}, "by address": {Email: "ann@example.com"}, "by user name": {Handle: "ann.b"},
		"by identity": {Identity: accounts.IdentityKey{Issuer: "https://id.example", Subject: "7"}},
	} {
		got, err := f.User(t.Context(), key)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	for name, key := range map[string]accounts.UserKey{
		"an unknown id": {ID: "ANN"}, "an address in other letters": {Email: "Ann@Example.com"},
		"a deleted user's address": {Email: "gone@example.com"}, "a deleted user's name": {Handle: "gone"},
		"a deleted user's identity": {Identity: accounts.IdentityKey{Issuer: "https://id.example", Subject: "8"}},
		"no key at all":             {},
		"a wildcard":                {Email: "%"},
	} {
		got, err := f.User(t.Context(), key)
		require.ErrorIs(t, err, accounts.ErrNotFound, name)
		require.Zero(t, got, name)
	}
	gone, err := f.User(t.Context(), accounts.UserKey{ID: "gone"})
	require.NoError(t, err, "a deleted user is found by id")
	require.Equal(t, time.UnixMicro(9).UTC(), gone.DeletedAt)
}

func TestReads_Account(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "accounts", row{
		"id": "a", "version": 2, "epoch": 3, "kind": "franchise", "name": "A", "name_key": "a", "plan": "gold",
		"locale": "fr", "programme_at": us(at(1)), "client_access_at": us(at(2)), "suspended_at": us(at(3)),
		"closed_at": us(at(4)), "created_at": us(at(5)), "updated_at": us(at(6)),
	})
	got, err := f.Account(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, accounts.Account{
		AccountState: accounts.AccountState{
			ID: "a", Name: "A", Version: 2, Epoch: 3, ProgrammeAt: at(1), ClientAccessAt: at(2), SuspendedAt: at(3), ClosedAt: at(4),
		},
		Kind: accounts.KindFranchise, Plan: "gold", Locale: "fr", CreatedAt: at(5), UpdatedAt: at(6),
	}, got)
	_, err = f.Account(t.Context(), "b")
	require.ErrorIs(t, err, accounts.ErrNotFound)
}

func TestReads_Standings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", row{"epoch": 7, "epoch_at": us(at(1)), "confirms": 1})
	f.account(t, "client", row{"version": 4})
	f.agency(t, "zeta", nil)
	f.agency(t, "alpha", nil)
	f.put(t, "memberships", row{
		"account_id": "client", "user_id": "ann", "role": "author", "epoch": 5, "after_login": 6, "after_at": us(at(2)),
		"suspended_at": us(at(3)), "ended_at": us(at(4)),
	})
	for _, agency := range []string{"zeta", "alpha"} {
		f.member(t, agency, "ann", "manager", row{"after_login": 3, "after_at": us(at(5))})
		f.connect(t, "client", agency, "admin", row{"ended_at": us(at(6))})
		f.assign(t, "client", agency, "ann", "viewer", row{"ended_at": us(at(7)), "member_epoch": 9})
	}
	user := accounts.UserState{ID: "ann", Name: "The ann", Epoch: 7, EpochAt: at(1), Confirms: true}
	client := accounts.AccountState{ID: "client", Name: "Firm client", Version: 4, Epoch: 1}
	route := func(agency accounts.AccountID) accounts.Route {
		return accounts.Route{
			Agency: accounts.AccountState{
				ID: agency, Name: "Firm " + string(agency), Version: 1, Epoch: 3,
				ProgrammeAt: time.UnixMicro(ago(90)).UTC(), ClientAccessAt: time.UnixMicro(ago(80)).UTC(),
			},
			Connection: accounts.ConnectionState{Cap: roles.Admin, Epoch: 5, AgencyEpoch: 3, EndedAt: at(6)},
			Member:     accounts.MemberState{Role: roles.Manager, Epoch: 2, After: 3, AfterAt: at(5)},
			Assignment: accounts.AssignmentState{Role: roles.Viewer, ConnectionEpoch: 5, MemberEpoch: 9, EndedAt: at(7)},
		}
	}
	full := accounts.Standing{
		User: user, Account: client,
		Member: accounts.MemberState{Role: roles.Author, Epoch: 5, After: 6, AfterAt: at(2), SuspendedAt: at(3), EndedAt: at(4)},
		Routes: []accounts.Route{route("alpha"), route("zeta")},
	}
	keys := []accounts.StandingKey{
		{User: "ann", Account: "client"},
		{User: "nobody", Account: "client"},
		{User: "ann", Account: "nowhere"},
		{User: "", Account: ""},
		{User: "ann", Account: "client"},
	}
	got, err := f.Standings(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, []accounts.Standing{full, {Account: client}, {User: user}, {}, full}, got)

	t.Run("many keys are one answer in their order", func(t *testing.T) {
		t.Parallel()
		many := make([]accounts.StandingKey, 1203)
		for i := range many {
			if many[i].User = accounts.UserID(fmt.Sprint("nobody", i)); i%3 == 0 {
				many[i] = keys[0]
			}
		}
		got, err := f.Standings(t.Context(), many)
		require.NoError(t, err)
		require.Len(t, got, len(many))
		for i := range got {
			if i%3 == 0 {
				require.Equal(t, full, got[i])
			} else {
				require.Zero(t, got[i])
			}
		}
	})
	t.Run("no keys are no question", func(t *testing.T) {
		t.Parallel()
		got, err := f.Standings(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("more keys than a statement carries are refused", func(t *testing.T) {
		t.Parallel()
		got, err := f.Standings(t.Context(), make([]accounts.StandingKey, 16_001))
		require.Error(t, err)
		require.Nil(t, got)
		most := 16_000
		if testing.Short() {
			most = 1_000 // a statement of 16,000 keys takes its time
		}
		got, err = f.Standings(t.Context(), make([]accounts.StandingKey, most))
		require.NoError(t, err)
		require.Len(t, got, most)
	})
}

func TestReads_Reachers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.account(t, "client", nil)
	for _, agency := range []string{"one", "two"} {
		f.agency(t, agency, nil)
		f.connect(t, "client", agency, "admin", nil)
	}
	for i, id := range []string{"ann", "bob", "cid", "dan", "eve"} {
		f.user(t, id, nil)
		if i < 2 { // ann and bob are or were members
			f.member(t, "client", id, "viewer", row{"ended_at": i})
		}
		for _, agency := range []string{"one", "two"} {
			f.member(t, agency, id, "viewer", nil)
			if i == 1 || i == 2 || i == 3 && agency == "two" { // bob and cid through both, dan through two
				f.assign(t, "client", agency, id, "viewer", row{"ended_at": i})
			}
		}
	}
	tell := func(q accounts.ReachersQuery) string {
		q.Account = "client"
		got, err := f.Reachers(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, s := range got {
			fmt.Fprintf(&b, "%s:%s", s.User.ID, s.Member.Role)
			for _, r := range s.Routes {
				fmt.Fprint(&b, "/", r.Agency.ID)
			}
			b.WriteByte(' ')
			again, err := f.Standings(t.Context(), []accounts.StandingKey{{User: s.User.ID, Account: "client"}})
			require.NoError(t, err)
			require.Equal(t, again[0], s)
		}
		return b.String()
	}
	require.Equal(t, "ann:viewer bob:viewer/one/two cid:/one/two dan:/two ", tell(accounts.ReachersQuery{}))
	require.Equal(t, "ann:viewer bob:viewer/one/two ", tell(accounts.ReachersQuery{Limit: 2}))
	require.Equal(t, "cid:/one/two ", tell(accounts.ReachersQuery{Limit: 1, After: "bob"}))
	require.Equal(t, "bob:viewer/one/two cid:/one/two ", tell(accounts.ReachersQuery{Agency: "one"}))
	require.Equal(t, "dan:/two ", tell(accounts.ReachersQuery{Agency: "two", After: "cid"}))
	require.Empty(t, tell(accounts.ReachersQuery{Agency: "three"}))
}

func TestReads_Owned_and_Owners(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", row{"name": "", "handle": "Ann", "locale": "es"})
	f.user(t, "bob", row{"name": "", "suspended_at": 1})
	f.user(t, "cid", row{"deleted_at": 1})
	for i, id := range []string{"z", "a", "closed", "paused", "left", "admin", "barred"} {
		f.account(t, id, row{"name_key": fmt.Sprint(9 - i)})
	}
	f.set(t, "accounts SET closed_at = 1 WHERE id = 'closed'")
	f.set(t, "accounts SET suspended_at = 1 WHERE id = 'paused'")
	for _, user := range []string{"bob", "ann", "cid"} {
		for _, id := range []string{"z", "a", "closed", "paused"} {
			f.member(t, id, user, "owner", nil)
		}
		f.member(t, "left", user, "owner", row{"ended_at": 1})
		f.member(t, "admin", user, "admin", nil)
		f.member(t, "barred", user, "owner", row{"suspended_at": 1})
	}
	for user, want := range map[accounts.UserID]string{"ann": "a z ", "bob": "a z ", "cid": "", "dan": ""} {
		got, err := f.Owned(t.Context(), user, roles.Owner)
		require.NoError(t, err)
		var ids string
		for _, a := range got {
			ids += string(a.ID) + " "
			require.Equal(t, accounts.KindStandard, a.Kind)
		}
		require.Equal(t, want, ids, user)
	}
	contacts := []accounts.Contact{
		{User: "ann", Name: "Ann", Email: "ann@example.com", Locale: "es"},
		{User: "bob", Name: "bob@Example.com", Email: "bob@example.com"},
	}
	for account, want := range map[accounts.AccountID][]accounts.Contact{
		"z": contacts, "closed": contacts, "left": nil, "admin": nil, "barred": nil, "nowhere": nil,
	} {
		got, err := f.Owners(t.Context(), account, roles.Owner)
		require.NoError(t, err)
		require.Equal(t, want, got, account)
	}
}

func TestReads_Membership(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", nil)
	f.account(t, "a", nil)
	f.put(t, "memberships", row{
		"account_id": "a", "user_id": "ann", "version": 2, "role": "author", "epoch": 3, "after_login": 4, "after_at": us(at(1)),
		"suspended_at": us(at(2)), "ended_at": us(at(3)), "tenure": 6, "reign": 7, "created_at": us(at(4)), "updated_at": us(at(5)),
	})
	got, err := f.Membership(t.Context(), accounts.StandingKey{User: "ann", Account: "a"})
	require.NoError(t, err)
	require.Equal(t, accounts.Membership{
		Account: "a", User: "ann", Version: 2, Tenure: 6, Reign: 7, CreatedAt: at(4), UpdatedAt: at(5),
		MemberState: accounts.MemberState{Role: roles.Author, Epoch: 3, After: 4, AfterAt: at(1), SuspendedAt: at(2), EndedAt: at(3)},
	}, got)
	got, err = f.Membership(t.Context(), accounts.StandingKey{User: "ann", Account: "b"})
	require.NoError(t, err)
	require.Equal(t, accounts.Membership{Account: "b", User: "ann"}, got)
}

func TestReads_Linked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.account(t, "client", nil)
	f.agency(t, "agency", nil)
	for _, id := range []string{"bob", "ann", "cid", "dan"} {
		f.user(t, id, nil)
	}
	f.set(t, "users SET deleted_at = 1 WHERE id = 'dan'")
	f.member(t, "client", "bob", "owner", nil)
	f.member(t, "client", "ann", "owner", nil)
	f.member(t, "client", "dan", "owner", nil)
	f.member(t, "agency", "cid", "admin", nil)
	key := accounts.ConnectionKey{Client: "client", Agency: "agency"}
	q := accounts.LinkedQuery{ConnectionKey: key, Top: roles.Owner}

	got, err := f.Linked(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, accounts.Connection{ConnectionKey: key}, got.Connection, "a pair that never was connected")
	require.Equal(t, accounts.AccountID("client"), got.Client.ID)
	require.Equal(t, accounts.KindAgency, got.Agency.Kind)
	require.Len(t, got.ClientOwners, 2)
	require.Equal(t, accounts.UserID("ann"), got.ClientOwners[0].User)
	require.Equal(t, accounts.UserID("bob"), got.ClientOwners[1].User)
	require.Empty(t, got.AgencyOwners)
	require.Zero(t, got.Member)
	require.Zero(t, got.Assignment)

	f.member(t, "agency", "bob", "owner", nil)
	f.put(t, "connections", row{
		"client_id": "client", "agency_id": "agency", "version": 2, "cap": "admin", "epoch": 3, "agency_epoch": 4,
		"ended_at": us(at(1)), "request_id": "r", "approver_id": "ann", "created_at": us(at(2)), "updated_at": us(at(3)),
	})
	f.put(t, "assignments", row{
		"client_id": "client", "agency_id": "agency", "user_id": "cid", "version": 2, "role": "viewer", "connection_epoch": 3,
		"member_epoch": 4, "ended_at": us(at(4)), "created_at": us(at(5)), "updated_at": us(at(6)),
	})
	q.User = "cid"
	got, err = f.Linked(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, accounts.Connection{
		ConnectionKey: key, Version: 2, Request: "r", Approver: "ann", CreatedAt: at(2), UpdatedAt: at(3),
		ConnectionState: accounts.ConnectionState{Cap: roles.Admin, Epoch: 3, AgencyEpoch: 4, EndedAt: at(1)},
	}, got.Connection)
	require.Equal(t, accounts.Assignment{
		ConnectionKey: key, User: "cid", Version: 2, CreatedAt: at(5), UpdatedAt: at(6),
		AssignmentState: accounts.AssignmentState{Role: roles.Viewer, ConnectionEpoch: 3, MemberEpoch: 4, EndedAt: at(4)},
	}, got.Assignment)
	require.Equal(t, roles.Admin, got.Member.Role)
	require.Len(t, got.ClientOwners, 2)
	require.Len(t, got.AgencyOwners, 1)

	q.User = "nobody"
	got, err = f.Linked(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, accounts.Membership{Account: "agency", User: "nobody"}, got.Member)
	require.Equal(t, accounts.Assignment{ConnectionKey: key, User: "nobody"}, got.Assignment)

	for _, k := range []accounts.ConnectionKey{{Client: "client", Agency: "no"}, {Client: "no", Agency: "agency"}, {}} {
		_, err := f.Linked(t.Context(), accounts.LinkedQuery{ConnectionKey: k})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
}

func TestReads_Reply(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := accounts.ReplyKey{Actor: "user/ann", Account: "a", Key: "k"}
	f.put(t, "replies", row{
		"account_id": "a", "actor": "user/ann", "key": "k", "input": hashOf("in"), "answer": []byte(`{"n":1}`),
		"created_at": us(at(1)), "expires_at": us(at(2)),
	})
	got, err := f.Reply(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, accounts.Reply{ReplyKey: key, Input: [32]byte(hashOf("in")), Answer: []byte(`{"n":1}`), CreatedAt: at(1), ExpiresAt: at(2)}, got)
	for _, other := range []accounts.ReplyKey{
		{Actor: "user/bob", Account: "a", Key: "k"}, {Actor: "user/ann", Account: "b", Key: "k"}, {Actor: "user/ann", Account: "a", Key: "K"},
	} {
		_, err := f.Reply(t.Context(), other)
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
}
