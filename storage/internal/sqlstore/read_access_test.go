package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// fullRequest is a row with a value of its own in each column, and what it is.
func fullRequest() (row, access.Request) {
	stored := row{
		"agency_id": "agency", "id": "full", "version": 2, "agency_epoch": 3, "email": "full@example.com",
		"address": "Full@Example.com", "requester_id": "ann", "message": "hello", "level": "manager", "locale": "de",
		"hash": hashOf("full"), "state": "pending", "sent_at": us(at(1)), "expires_at": us(at(2)), "resend_day": 20_000,
		"resends": 2, "client_id": "client", "decider_id": "bob", "decided_at": us(at(3)), "reason": "why",
		"created_at": us(at(4)), "updated_at": us(at(5)),
	}
	return stored, access.Request{
		ID: "full", Version: 2, Agency: "agency", AgencyEpoch: 3, Email: "full@example.com", Address: "Full@Example.com",
		Requester: "ann", Message: "hello", Level: roles.Manager, Locale: "de", Hash: token.Hash(hashOf("full")),
		State: access.Pending, SentAt: at(1), ExpiresAt: at(2), ResendDay: 20_000, Resends: 2, Client: "client",
		Decider: "bob", DecidedAt: at(3), Reason: "why", CreatedAt: at(4), UpdatedAt: at(5),
	}
}

// The answers about addresses disclose nothing but what this agency did and
// who belongs to it.
func TestReads_Drafting(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.agency(t, "other", nil)
	r, full := fullRequest()
	f.put(t, "requests", r)
	f.request(t, "other", "theirs", "theirs@example.com", nil)
	f.request(t, "agency", "declined", "declined@example.com", row{"state": "declined"})
	for i, id := range []string{"live", "ended", "replaced", "paused"} {
		f.account(t, id, nil)
		f.request(t, "agency", id, id+"@example.com", row{"state": "approved", "client_id": id})
		f.connect(t, id, "agency", "admin", row{"request_id": id, "ended_at": i & 1})
	}
	f.set(t, "connections SET request_id = 'newer' WHERE client_id = 'replaced'")
	f.set(t, "connections SET ended_at = 0 WHERE client_id = 'paused'")
	for _, id := range []string{"own", "left", "deleted", "stranger"} {
		f.user(t, id, nil)
	}
	f.member(t, "agency", "own", "viewer", nil)
	f.member(t, "agency", "left", "viewer", row{"ended_at": 1})
	f.member(t, "agency", "deleted", "viewer", nil)
	f.set(t, "users SET deleted_at = 1 WHERE id = 'deleted'")
	f.member(t, "other", "stranger", "viewer", nil)
	const today = accounts.Day(20_500)
	f.put(t, "quotas", row{"subject": "agency", "kind": string(accounts.QuotaRequests), "day": today, "used": 7})
	f.put(t, "quotas", row{"subject": "agency", "kind": string(accounts.QuotaRequests), "day": today - 1, "used": 30})
	f.put(t, "quotas", row{"subject": "agency", "kind": "zzz", "day": today, "used": 31})
	f.put(t, "quotas", row{"subject": "live@example.com", "kind": "zzz", "day": today, "used": 32})
	f.put(t, "quotas", row{"subject": "live@example.com", "kind": string(accounts.QuotaRecipient), "day": today, "used": 4})
	f.put(t, "quotas", row{"subject": "own@example.com", "kind": string(accounts.QuotaRecipient), "day": today + 1, "used": 5})

	want := []access.Recipient{
		{Email: "live@example.com", Connected: true, Mails: 4},
		{Email: "own@example.com", Own: true},
		{Email: "full@example.com", Pending: full},
		{Email: "theirs@example.com"},
		{Email: "declined@example.com"},
		{Email: "ended@example.com"},
		{Email: "replaced@example.com"},
		{Email: "paused@example.com", Connected: true},
		{Email: "left@example.com"},
		{Email: "deleted@example.com"},
		{Email: "stranger@example.com"},
		{Email: "new@example.com"},
	}
	emails := make([]accounts.Email, len(want))
	for i := range want {
		emails[i] = want[i].Email
	}
	account, err := f.Account(t.Context(), "agency")
	require.NoError(t, err)
	for n := range len(want) + 1 {
		got, err := f.Drafting(t.Context(), access.DraftingQuery{Agency: "agency", Emails: emails[:n], Day: today})
		require.NoError(t, err)
		require.Equal(t, account, got.Agency)
		require.Equal(t, 7, got.Used)
		require.Equal(t, append([]access.Recipient(nil), want[:n]...), got.Recipients, "the answers come in the order of the question")
	}
	_, err = f.Drafting(t.Context(), access.DraftingQuery{Agency: "nowhere", Emails: emails, Day: today})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	_, err = f.Drafting(t.Context(), access.DraftingQuery{Agency: "agency", Emails: make([]accounts.Email, 32_001)})
	require.Error(t, err)

	f.set(t, "accounts SET client_access_at = 0 WHERE id = 'agency'")
	got, err := f.Drafting(t.Context(), access.DraftingQuery{Agency: "agency", Emails: emails[:1], Day: today})
	require.NoError(t, err)
	require.False(t, got.Recipients[0].Connected, "no connection counts without client access")
}

func TestReads_Deciding(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.account(t, "client", nil)
	for _, id := range []string{"ann", "bob", "cid", "dan"} {
		f.user(t, id, nil)
	}
	f.member(t, "agency", "ann", "manager", row{"ended_at": 1})
	f.member(t, "agency", "dan", "owner", nil)
	f.member(t, "agency", "cid", "owner", nil)
	f.member(t, "client", "bob", "admin", nil)
	r, request := fullRequest()
	f.put(t, "requests", r)
	f.put(t, "quotas", row{"subject": "full@example.com", "kind": string(accounts.QuotaRecipient), "day": 9, "used": 3})
	f.put(t, "quotas", row{"subject": "full@example.com", "kind": string(accounts.QuotaRecipient), "day": 8, "used": 4})
	for id, dead := range map[string]row{"gone": nil, "left": {"ended_at": 1}, "barred": {"suspended_at": 1}} {
		f.user(t, id, nil)
		f.member(t, "agency", id, "owner", dead)
	}
	f.set(t, "users SET deleted_at = 1 WHERE id = 'gone'")
	user := func(id accounts.UserID) accounts.User {
		u, err := f.User(t.Context(), accounts.UserKey{ID: id})
		require.NoError(t, err)
		return u
	}
	membership := func(account accounts.AccountID, id accounts.UserID) accounts.Membership {
		m, err := f.Membership(t.Context(), accounts.StandingKey{User: id, Account: account})
		require.NoError(t, err)
		return m
	}
	agency, err := f.Account(t.Context(), "agency")
	require.NoError(t, err)
	client, err := f.Account(t.Context(), "client")
	require.NoError(t, err)
	pair := accounts.ConnectionKey{Client: "client", Agency: "agency"}
	want := access.Deciding{
		Request: request, Agency: agency, Requester: user("ann"), Member: membership("agency", "ann"), Mails: 3,
		AgencyOwners: []accounts.Contact{user("cid").Contact(), user("dan").Contact()},
	}
	ask := func(q access.DecidingQuery, want access.Deciding) {
		t.Helper()
		q.Day, q.Top = 9, roles.Owner
		q.Agency, q.ID = "agency", "full"
		got, err := f.Deciding(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, want, got)
		q.Agency, q.ID, q.Hash = "", "", request.Hash
		got, err = f.Deciding(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	ask(access.DecidingQuery{}, want)
	want.Decider.User = user("bob")
	ask(access.DecidingQuery{User: "bob"}, want)

	want.Client = client
	want.Connection.ConnectionKey, want.Assignment.ConnectionKey, want.Assignment.User = pair, pair, "ann"
	want.Decider.Membership = membership("client", "bob")
	ask(access.DecidingQuery{User: "bob", Client: "client"}, want)

	f.connect(t, "client", "agency", "admin", nil)
	f.assign(t, "client", "agency", "ann", "viewer", nil)
	linked, err := f.Linked(t.Context(), accounts.LinkedQuery{ConnectionKey: pair, User: "ann"})
	require.NoError(t, err)
	want.Connection, want.Assignment = linked.Connection, linked.Assignment
	require.Equal(t, roles.Viewer, want.Assignment.Role)
	ask(access.DecidingQuery{User: "bob", Client: "client"}, want)

	want.Decider = accounts.Member{User: user("cid"), Membership: accounts.Membership{Account: "client", User: "cid"}}
	ask(access.DecidingQuery{User: "cid", Client: "client"}, want)

	for name, q := range map[string]access.DecidingQuery{
		"nothing named": {}, "another agency's": {Agency: "client", ID: "full"}, "unknown": {Agency: "agency", ID: "no"},
		"an unknown hash": {Hash: token.Hash{1}},
	} {
		got, err := f.Deciding(t.Context(), q)
		require.ErrorIs(t, err, accounts.ErrNotFound, name)
		require.Zero(t, got, name)
	}
}

// A row that holds no token is found by none (A09).
func TestReads_zero_hash(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.user(t, "ann", nil)
	f.request(t, "agency", "r", "r@example.com", row{"hash": make([]byte, 32)})
	f.put(t, "sessions", row{"id": "s", "hash": make([]byte, 32), "user_id": "ann"})
	_, err := f.Deciding(t.Context(), access.DecidingQuery{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	_, err = f.Session(t.Context(), access.SessionKey{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	got, err := f.Admission(t.Context(), token.Hash{}, "agency")
	require.NoError(t, err)
	require.Zero(t, got)
}

func TestReads_Clients(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.agency(t, "other", nil)
	f.request(t, "other", "theirs", "theirs@example.com", nil)
	f.account(t, "client", row{"name_key": "shop_100%"})
	for i, r := range []struct {
		id   string
		more row
	}{
		{"pending", nil},
		{"due", row{"expires_at": us(now)}},
		{"expired", row{"state": "expired"}},
		{"declined", row{"state": "declined", "client_id": "client"}},
		{"withdrawn", row{"state": "withdrawn"}},
		{"old", row{"agency_epoch": 2}},
		{"live", row{"state": "approved", "client_id": "client"}},
		{"replaced", row{"state": "approved", "client_id": "client"}},
	} {
		// Two at a time were made at one moment.
		f.request(t, "agency", r.id, r.id+"@example.com", row{"created_at": 10 + i/2, "hash": hashOf(r.id)}.with(r.more))
	}
	f.connect(t, "client", "agency", "admin", row{"request_id": "live"})
	ids := func(q access.ClientsQuery) string {
		q.Agency, q.At = "agency", now
		got, err := f.Clients(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, c := range got {
			require.Equal(t, accounts.AccountID("agency"), c.Request.Agency, "I-28")
			require.Equal(t, accounts.AccountID("agency"), c.Agency.ID)
			b.WriteString(string(c.Request.ID) + " ")
		}
		return b.String()
	}
	const all = "replaced live withdrawn old expired declined pending due "
	require.Equal(t, "replaced live withdrawn old expired declined pending due ", ids(access.ClientsQuery{}), "newest first")
	require.Equal(t, "replaced live withdrawn ", ids(access.ClientsQuery{Limit: 3}))
	require.Equal(t, "old expired ", ids(access.ClientsQuery{Limit: 2, Before: access.ClientCursor{
		CreatedAt: time.UnixMicro(12).UTC(), ID: "withdrawn",
	}}))
	for state, want := range map[access.ClientState]string{
		access.ClientPending: "pending ", access.ClientExpired: "expired due ", access.ClientDeclined: "declined ",
		access.ClientWithdrawn: "withdrawn ", access.ClientConnected: "live ", access.ClientEnded: "replaced old ",
		"' OR 1=1 --": "",
	} {
		require.Equal(t, want, ids(access.ClientsQuery{States: []access.ClientState{state}}), state)
	}
	require.Equal(t, all, ids(access.ClientsQuery{States: []access.ClientState{
		access.ClientPending, access.ClientExpired, access.ClientDeclined, access.ClientWithdrawn, access.ClientConnected,
		access.ClientEnded,
	}}))
	require.Equal(t, "live due ", ids(access.ClientsQuery{Search: "E@ex", States: []access.ClientState{
		access.ClientConnected, access.ClientExpired, access.ClientPending,
	}, Before: access.ClientCursor{CreatedAt: time.UnixMicro(13).UTC(), ID: "m"}}))
	for search, want := range map[string]string{
		"E@EXAMPLE": "live due ", "shop_100%": "replaced live ", "_": "replaced live ", "%": "replaced live ",
		"!": "", "' OR 1=1 --": "", "theirs": "", strings.Repeat("x", 60_000): "",
	} {
		require.Equal(t, want, ids(access.ClientsQuery{Search: search}), "A104: %.20q is text and no pattern", search)
	}

	got, err := f.Clients(t.Context(), access.ClientsQuery{Agency: "agency", At: now, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, accounts.ConnectionState{Cap: roles.Admin, Epoch: 5, AgencyEpoch: 3}, got[1].Connection)
	require.Equal(t, accounts.AccountID("client"), got[1].Account.ID)
	require.Zero(t, got[0].Connection, "the connection was made by another request")
	require.Equal(t, accounts.AccountID("client"), got[0].Account.ID)
	got, err = f.Clients(t.Context(), access.ClientsQuery{Agency: "agency", At: now, States: []access.ClientState{access.ClientDeclined}})
	require.NoError(t, err)
	require.Zero(t, got[0].Account, "an agency learns nothing of an account that declined")

	f.set(t, "accounts SET closed_at = 1 WHERE id = 'agency'")
	require.Equal(t, "replaced live old pending due ", ids(access.ClientsQuery{States: []access.ClientState{access.ClientEnded}}))
}

func TestReads_Addressed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, id := range []string{"g1", "g2", "paused", "disabled", "left"} {
		f.agency(t, id, nil)
		f.request(t, id, "r"+id, "me@example.com", row{"created_at": 10 + i/2})
	}
	f.set(t, "accounts SET suspended_at = 1 WHERE id = 'paused'")
	f.set(t, "accounts SET client_access_at = 0 WHERE id = 'disabled'")
	f.set(t, "accounts SET epoch = 4 WHERE id = 'left'")
	f.agency(t, "late", nil)
	f.request(t, "late", "rlate", "me@example.com", row{"expires_at": us(now), "created_at": 30})
	f.agency(t, "new", nil)
	f.request(t, "new", "rnew", "me@example.com", row{"created_at": 40})
	f.request(t, "g1", "declined", "me@example.com", row{"state": "declined", "created_at": 50})
	f.request(t, "g1", "else", "else@example.com", row{"created_at": 60})
	for n, want := range map[int]string{0: "rnew rg2 rg1 ", 2: "rnew rg2 "} {
		got, err := f.Addressed(t.Context(), "me@example.com", now, n)
		require.NoError(t, err)
		var ids string
		for _, c := range got {
			ids += string(c.Request.ID) + " "
			require.Equal(t, c.Request.Agency, c.Agency.ID)
			require.Zero(t, c.Connection)
			require.Zero(t, c.Account)
		}
		require.Equal(t, want, ids)
	}
	got, err := f.Addressed(t.Context(), "ME@example.com", now, 0)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestReads_Ending(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.agency(t, "other", nil)
	for _, id := range []string{"ann", "bob", "cid", "dan"} {
		f.user(t, id, nil)
		f.member(t, "agency", id, "viewer", nil)
	}
	for _, id := range []string{"c2", "c1", "ended"} {
		f.account(t, id, row{"locale": "es", "name_key": "firm " + id})
		f.connect(t, id, "agency", "admin", row{"client_key": fmt.Sprint("z", 9-len(id)), "ended_at": len(id) / 3})
		f.member(t, id, "bob", "owner", nil)
		f.member(t, id, "ann", "owner", nil)
		f.member(t, id, "cid", "admin", nil)
		f.assign(t, id, "agency", "ann", "viewer", nil)
		f.assign(t, id, "agency", "bob", "viewer", row{"member_epoch": 1})
		f.assign(t, id, "agency", "cid", "viewer", row{"connection_epoch": 4})
		f.assign(t, id, "agency", "dan", "viewer", nil)
	}
	f.set(t, "assignments SET ended_at = 1 WHERE client_id = 'c1' AND user_id = 'dan'")
	f.set(t, "memberships SET ended_at = 1 WHERE account_id = 'c2' AND role = 'owner'")
	f.request(t, "agency", "r2", "2@example.com", nil)
	f.request(t, "agency", "r1", "1@example.com", nil)
	f.request(t, "agency", "late", "3@example.com", row{"expires_at": us(now)})
	f.request(t, "agency", "done", "4@example.com", row{"state": "withdrawn"})
	f.request(t, "agency", "old", "5@example.com", row{"agency_epoch": 2})
	f.request(t, "other", "r0", "1@example.com", nil)
	f.user(t, "eve", row{"deleted_at": 1})
	f.member(t, "c1", "eve", "owner", nil)

	got, err := f.Ending(t.Context(), "agency", now, roles.Owner)
	require.NoError(t, err)
	account, err := f.Account(t.Context(), "agency")
	require.NoError(t, err)
	require.Equal(t, account, got.Agency)
	require.Len(t, got.Requests, 2)
	require.Equal(t, accounts.RequestID("r1"), got.Requests[0].ID)
	require.Equal(t, accounts.RequestID("r2"), got.Requests[1].ID)
	require.Equal(t, token.Hash(hashOf("r2")), got.Requests[1].Hash)
	client := func(id accounts.AccountID) accounts.AccountState {
		a, err := f.Account(t.Context(), id)
		require.NoError(t, err)
		return a.AccountState
	}
	owners, err := f.Owners(t.Context(), "c1", roles.Owner)
	require.NoError(t, err)
	require.Len(t, owners, 2)
	require.Equal(t, []access.EndingClient{
		{Client: client("c1"), Locale: "es", Cap: roles.Admin, Assigned: 1, Owners: owners},
		{Client: client("c2"), Locale: "es", Cap: roles.Admin, Assigned: 2},
	}, got.Clients)

	got, err = f.Ending(t.Context(), "c1", now, roles.Owner)
	require.NoError(t, err)
	require.Equal(t, accounts.AccountID("c1"), got.Agency.ID)
	require.Empty(t, got.Clients)
	require.Empty(t, got.Requests)
	f.set(t, "accounts SET closed_at = 1 WHERE id = 'agency'")
	got, err = f.Ending(t.Context(), "agency", now, roles.Owner)
	require.NoError(t, err)
	require.Empty(t, got.Clients)
	require.Empty(t, got.Requests, "a closed agency's requests have ended already")
	_, err = f.Ending(t.Context(), "nowhere", now, roles.Owner)
	require.ErrorIs(t, err, accounts.ErrNotFound)
}

func TestReads_Session(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", nil)
	f.put(t, "sessions", row{
		"id": "s", "version": 2, "hash": hashOf("s"), "user_id": "ann", "user_epoch": 3, "login": 4, "method": "oidc",
		"created_at": us(at(1)), "auth_at": us(at(2)), "seen_at": us(at(3)), "ended_at": us(at(4)), "account_id": "a",
		"from_id": "b", "user_agent": "ua", "source": "192.0.2.1",
	})
	want := access.Session{
		SessionState: access.SessionState{
			ID: "s", User: "ann", UserEpoch: 3, Login: 4, Method: "oidc", CreatedAt: at(1), AuthAt: at(2), SeenAt: at(3), EndedAt: at(4),
		},
		Version: 2, Hash: token.Hash(hashOf("s")), Account: "a", From: "b", UserAgent: "ua", Source: "192.0.2.1",
	}
	for _, key := range []access.SessionKey{{ID: "s"}, {Hash: token.Hash(hashOf("s"))}} {
		got, err := f.Session(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, key := range []access.SessionKey{{ID: "S"}, {Hash: token.Hash(hashOf("S"))}} {
		_, err := f.Session(t.Context(), key)
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}

	admitted, err := f.Admission(t.Context(), token.Hash(hashOf("s")), "")
	require.NoError(t, err)
	require.Equal(t, access.Admission{
		Session: want.SessionState, Standing: accounts.Standing{User: accounts.UserState{ID: "ann", Name: "The ann", Epoch: 1}},
	}, admitted)
}

func TestReads_Sessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", nil)
	f.user(t, "bob", nil)
	for i, id := range []string{"s1", "s2", "s3", "s4", "~~~"} {
		f.put(t, "sessions", row{"id": id, "hash": hashOf(id), "user_id": "ann", "ended_at": i & 1})
	}
	f.put(t, "sessions", row{"id": "t1", "hash": hashOf("t1"), "user_id": "bob"})
	for want, q := range map[string]access.SessionsQuery{
		"~~~ s3 s1 ": {User: "ann"}, "~~~ s3 ": {User: "ann", Limit: 2}, "s1 ": {User: "ann", Before: "s3"}, "t1 ": {User: "bob"},
		"": {User: "cid"},
	} {
		got, err := f.Sessions(t.Context(), q)
		require.NoError(t, err)
		var ids string
		for _, s := range got {
			ids += string(s.ID) + " "
		}
		require.Equal(t, want, ids)
	}
}
