package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

var _ access.LoginStore = struct {
	*sqlstore.Reads
	*sqlstore.Writes
}{}

// logins puts in ann with all that somebody can log in with, bob with nothing,
// and gone, who was deleted, with as much as ann.
func logins(t *testing.T, f *fixture) (ann accounts.Means) {
	t.Helper()
	f.user(t, "ann", row{"handle_key": "ann.b"})
	f.user(t, "bob", nil)
	f.user(t, "gone", row{"deleted_at": 1, "handle_key": "gone"})
	for _, id := range []string{"ann", "gone"} {
		f.put(t, "credentials", row{
			"user_id": id, "version": 2, "hash": "$argon2id$" + id, "created_at": us(at(1)), "updated_at": us(at(2)),
		})
		for i, x := range []struct{ issuer, subject string }{{"z", "1"}, {"a", "2"}, {"a", "1"}} {
			f.put(t, "identities", row{
				"issuer": x.issuer, "subject": id + x.subject, "user_id": id, "created_at": us(at(int64(i))),
			})
		}
	}
	u, err := f.User(t.Context(), accounts.UserKey{ID: "ann"})
	require.NoError(t, err)
	return accounts.Means{
		User: u,
		Credential: accounts.Credential{
			User: "ann", Version: 2, Hash: "$argon2id$ann", CreatedAt: at(1), UpdatedAt: at(2),
		},
		Identities: []accounts.Identity{
			{Issuer: "a", Subject: "ann1", User: "ann", CreatedAt: at(2)},
			{Issuer: "a", Subject: "ann2", User: "ann", CreatedAt: at(1)},
			{Issuer: "z", Subject: "ann1", User: "ann", CreatedAt: at(0)},
		},
	}
}

func TestReads_Means(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := logins(t, f)
	identity := func(subject string) accounts.UserKey {
		return accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "a", Subject: subject}}
	}
	for name, key := range map[string]accounts.UserKey{
		"by id": {ID: "ann"}, "by address": {Email: "ann@example.com"}, "by user name": {Handle: "ann.b"},
		"by one of the identities": identity("ann2"),
	} {
		got, err := f.Means(t.Context(), key)
		require.NoError(t, err, name)
		require.Equal(t, ann, got, name)
	}
	bob, err := f.Means(t.Context(), accounts.UserKey{ID: "bob"})
	require.NoError(t, err)
	require.Equal(t, accounts.Credential{User: "bob"}, bob.Credential, "of no password there is only the user")
	require.Empty(t, bob.Identities)
	require.False(t, bob.HasLogin())

	gone, err := f.Means(t.Context(), accounts.UserKey{ID: "gone"})
	require.NoError(t, err, "a deleted user is found by id")
	require.Len(t, gone.Identities, 3)
	for name, key := range map[string]accounts.UserKey{
		"nobody": {ID: "no"}, "a deleted user's address": {Email: "gone@example.com"}, "a deleted user's name": {Handle: "gone"},
		"a deleted user's identity": identity("gone1"), "no key at all": {}, "an address in other letters": {Email: "Ann@example.com"},
	} {
		got, err := f.Means(t.Context(), key)
		require.ErrorIs(t, err, accounts.ErrNotFound, name)
		require.Zero(t, got, name)
	}
}

func TestReads_Entering(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := logins(t, f)
	f.put(t, "guesses", row{"email": "ann@example.com", "version": 3, "tries": 4, "last_at": us(at(5))})
	f.put(t, "guesses", row{"email": "nobody@example.com", "version": 1, "tries": 2, "last_at": us(at(6))})
	for _, x := range []struct {
		subject string
		kind    accounts.QuotaKind
		day     accounts.Day
		used    int
	}{
		{"ann@example.com", accounts.QuotaLinks, 9, 5},
		{"ann@example.com", accounts.QuotaLinks, 8, 50},
		{"ann@example.com", accounts.QuotaRecipient, 9, 51},
		{"192.0.2.1", accounts.QuotaSource, 9, 6},
		{"192.0.2.1", accounts.QuotaSource, 10, 60},
		{"192.0.2.1", accounts.QuotaLinks, 9, 61},
		{"", accounts.QuotaSource, 9, 62},
	} {
		f.put(t, "quotas", row{"subject": x.subject, "kind": string(x.kind), "day": x.day, "used": x.used})
	}
	for _, tt := range []struct {
		name  string
		given access.EnteringQuery
		want  access.Entering
	}{
		{
			"somebody from a network",
			access.EnteringQuery{Email: "ann@example.com", Source: "192.0.2.1"},
			access.Entering{Means: ann, Guesses: access.Guesses{Email: "ann@example.com", Version: 3, Count: 4, LastAt: at(5)}, Tries: 6, Links: 5},
		},
		{
			"somebody from nowhere",
			access.EnteringQuery{Email: "ann@example.com"},
			access.Entering{Means: ann, Guesses: access.Guesses{Email: "ann@example.com", Version: 3, Count: 4, LastAt: at(5)}, Links: 5},
		},
		{
			"an address that nobody has is counted too",
			access.EnteringQuery{Email: "nobody@example.com", Source: "192.0.2.1"},
			access.Entering{Guesses: access.Guesses{Email: "nobody@example.com", Version: 1, Count: 2, LastAt: at(6)}, Tries: 6},
		},
		{
			"an address that nobody has had",
			access.EnteringQuery{Email: "new@example.com", Source: "192.0.2.9"},
			access.Entering{Guesses: access.Guesses{Email: "new@example.com"}},
		},
		{
			"a deleted user's address is nobody's",
			access.EnteringQuery{Email: "gone@example.com"},
			access.Entering{Guesses: access.Guesses{Email: "gone@example.com"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.given.Day = 9
			got, err := f.Entering(t.Context(), tt.given)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestReads_Challenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", nil)
	key := accounts.ChallengeKey{User: "ann", Session: "s", Account: "a", Action: "act"}
	f.put(t, "challenges", row{
		"user_id": "ann", "session_id": "s", "account_id": "a", "action": "act", "version": 2, "epoch": 3, "hash": hashOf("c"),
		"phone": "+49301234567", "tries": 4, "created_at": us(at(1)), "expires_at": us(at(2)), "passed_at": us(at(3)),
		"used_at": us(at(4)),
	})
	got, err := f.Challenge(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, accounts.Challenge{
		ChallengeKey: key, Version: 2, Epoch: 3, Hash: [32]byte(hashOf("c")), To: "+49301234567", Tries: 4, CreatedAt: at(1),
		ExpiresAt: at(2), PassedAt: at(3), UsedAt: at(4),
	}, got)
	for _, other := range []accounts.ChallengeKey{
		{User: "bob", Session: "s", Account: "a", Action: "act"},
		{User: "ann", Account: "a", Action: "act"},
		{User: "ann", Session: "s", Action: "act"},
		{User: "ann", Session: "s", Account: "a"},
	} {
		got, err := f.Challenge(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, accounts.Challenge{ChallengeKey: other}, got)
	}
}

// A row that holds no token is found by none (A09), and one purpose's ticket is
// not another's (A05).
func TestReads_Ticket(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.user(t, "ann", nil)
	f.put(t, "tickets", row{
		"user_id": "ann", "purpose": string(token.Reset), "version": 2, "hash": hashOf("t"), "email": "ann@example.com",
		"address": "Ann@Example.com", "epoch": 3, "created_at": us(at(1)), "expires_at": us(at(2)), "used_at": us(at(3)),
	})
	f.put(t, "tickets", row{"user_id": "bob", "purpose": string(token.Reset), "hash": make([]byte, 32)})
	key := access.TicketKey{User: "ann", Purpose: token.Reset}
	want := access.Ticket{
		TicketKey: key, Version: 2, Hash: token.Hash(hashOf("t")), Email: "ann@example.com", Address: "Ann@Example.com",
		Epoch: 3, CreatedAt: at(1), ExpiresAt: at(2), UsedAt: at(3),
	}
	for _, q := range []access.TicketQuery{{TicketKey: key}, {Hash: want.Hash}, {TicketKey: key, Hash: token.Hash{1}}} {
		got, err := f.Ticket(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, q := range []access.TicketQuery{
		{},
		{Hash: token.Hash{1}},
		{TicketKey: access.TicketKey{User: "ann", Purpose: token.Proof}},
		{TicketKey: access.TicketKey{User: "ann"}, Hash: want.Hash},
		{TicketKey: access.TicketKey{User: "cid", Purpose: token.Reset}},
	} {
		got, err := f.Ticket(t.Context(), q)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.Zero(t, got)
	}
}

func TestReads_Spent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "quotas", row{"subject": "ann", "kind": string(accounts.QuotaCodes), "day": 9, "used": 7})
	for want, keys := range map[int][]accounts.QuotaKey{
		7: {{Subject: "ann", Kind: accounts.QuotaCodes, Day: 9}},
		0: {
			{Subject: "ann", Kind: accounts.QuotaCodes, Day: 8},
			{Subject: "Ann", Kind: accounts.QuotaCodes, Day: 9},
			{Subject: "ann", Kind: accounts.QuotaLinks, Day: 9},
		},
	} {
		for _, key := range keys {
			got, err := f.Spent(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, want, got, "%+v", key)
		}
	}
}
