package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// estate puts in what is kept about ann, and as much about bob.
func estate(t *testing.T, f *fixture) {
	t.Helper()
	for _, id := range []string{"ann", "bob"} {
		f.user(t, id, nil)
		f.put(t, "credentials", row{"user_id": id, "version": 1, "hash": "secret"})
		for i, x := range []string{"a", "a b", "z"} {
			f.put(t, "identities", row{"issuer": x, "subject": fmt.Sprint(id, 7*i%5), "user_id": id})
			f.put(t, "challenges", row{"user_id": id, "session_id": x, "action": "k", "hash": hashOf("secret")})
			f.put(t, "sessions", row{"id": id + x, "user_id": id, "hash": hashOf(id + x), "source": "192.0.2.1"})
			f.member(t, x, id, "viewer", row{"ended_at": 1})
			f.assign(t, x, "g", id, "viewer", nil)
			f.assign(t, x, "h", id, "viewer", nil)
			f.put(t, "mails", row{"id": id + x, "recipient": id + "@example.com", "user_id": id, "subject": "words", "body": "words", "state": "queued"})
		}
		for i := range 3 {
			f.put(t, "events", row{"op": "o" + id, "seq": 9 + i, "user_id": id})
			f.put(t, "events", row{"op": "p" + id, "seq": 1 + i, "by_user": id})
			f.request(t, "a", fmt.Sprint(id, i), fmt.Sprint(id, i), row{"requester_id": id})
			f.request(t, fmt.Sprint("g", i), id, id+"@example.com", row{"requester_id": "cid", "hash": hashOf(fmt.Sprint("g", i, id))})
			f.invite(t, "a", fmt.Sprint(id, i), fmt.Sprint(id, i), row{"inviter_id": id})
			f.invite(t, fmt.Sprint("g", i), id, id+"@example.com", row{"inviter_id": "cid"})
		}
	}
	f.put(t, "events", row{"op": "q", "seq": 1})
	f.put(t, "mails", row{"id": "nobody's"})
	f.request(t, "z", "forgotten", "", row{"requester_id": ""})
	f.invite(t, "z", "forgotten", "", row{"inviter_id": ""})
}

// secretless fails when a row holds the hash of a secret.
func secretless(t *testing.T, v any) {
	t.Helper()
	switch r := v.(type) {
	case accounts.Credential:
		require.Empty(t, r.Hash)
	case accounts.Challenge:
		require.Zero(t, r.Hash)
	case access.Session:
		require.Zero(t, r.Hash)
	case access.Request:
		require.Zero(t, r.Hash)
	case invites.Invitation:
		require.Zero(t, r.Hash)
	}
}

// What is told about a person is all that is kept under them and nothing of
// anybody else's, in the order of the keys, a page at a time, and never the
// hash of a secret (A18).
func TestReads_Held(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	estate(t, f)
	both := accounts.HeldQuery{User: "ann", Email: "ann@example.com"}
	const email = accounts.Email("ann@example.com")
	for _, tt := range []struct {
		kind       accounts.HeldKind
		typed      any
		want       []string
		user, mail int // how many come by the user, and by the address, alone
	}{
		{accounts.HeldUser, accounts.User{}, []string{"ann"}, 1, 0},
		{accounts.HeldCredential, accounts.Credential{}, []string{"ann"}, 1, 0},
		{accounts.HeldIdentity, accounts.Identity{}, []string{"a\nann0", "a b\nann2", "z\nann4"}, 3, 0},
		{accounts.HeldChallenge, accounts.Challenge{}, []string{"a\n\nk", "a b\n\nk", "z\n\nk"}, 3, 0},
		{accounts.HeldMembership, accounts.Membership{}, []string{"a", "a b", "z"}, 3, 0},
		{accounts.HeldAssignment, accounts.Assignment{}, []string{"a\ng", "a\nh", "a b\ng", "a b\nh", "z\ng", "z\nh"}, 6, 0},
		{accounts.HeldSession, access.Session{}, []string{"anna", "anna b", "annz"}, 3, 0},
		{accounts.HeldRequest, access.Request{}, []string{"a\nann0", "a\nann1", "a\nann2", "g0\nann", "g1\nann", "g2\nann"}, 3, 3},
		{accounts.HeldInvitation, invites.Invitation{}, []string{"a\nann0", "a\nann1", "a\nann2", "g0\nann", "g1\nann", "g2\nann"}, 3, 3},
		{accounts.HeldMail, mail.Record{}, []string{"anna", "anna b", "annz"}, 3, 3},
		{accounts.HeldEvent, accounts.Event{}, []string{
			"oann\n0000000009", "oann\n0000000010", "oann\n0000000011", "pann\n0000000001", "pann\n0000000002", "pann\n0000000003",
		}, 6, 0},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			keys := func(q accounts.HeldQuery) []string {
				t.Helper()
				q.Kind = tt.kind
				got, err := f.Held(t.Context(), q)
				require.NoError(t, err)
				var keys []string
				for _, h := range got {
					require.IsType(t, tt.typed, h.Row)
					secretless(t, h.Row)
					keys = append(keys, h.Key)
				}
				return keys
			}
			require.Equal(t, tt.want, keys(both))
			require.Len(t, keys(accounts.HeldQuery{User: "ann"}), tt.user)
			require.Len(t, keys(accounts.HeldQuery{Email: email}), tt.mail)
			require.Empty(t, keys(accounts.HeldQuery{}), "an empty user or address is nobody's")
			require.Empty(t, keys(accounts.HeldQuery{User: "cid0"}))
			for _, key := range tt.want {
				for n := 1; n <= len(key)+1; n++ {
					q := both
					q.After, q.Limit = (key + "!")[:n], 2 // mostly a place that no entry has
					var want []string
					for _, k := range tt.want {
						if k > q.After && len(want) < q.Limit {
							want = append(want, k)
						}
					}
					require.Equal(t, want, keys(q), "behind %q", q.After)
				}
			}
		})
	}
	t.Run("another kind", func(t *testing.T) {
		t.Parallel()
		got, err := f.Held(t.Context(), accounts.HeldQuery{Kind: "diary", User: "ann"})
		require.Error(t, err)
		require.Nil(t, got)
	})
}
