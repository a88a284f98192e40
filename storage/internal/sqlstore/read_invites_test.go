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

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

var _ invites.Store = struct {
	*sqlstore.Reads
	*sqlstore.Writes
}{}

// invite puts in a pending invitation by ann, whose tenure is 2.
func (f *fixture) invite(t testing.TB, account, id, email string, more row) {
	t.Helper()
	f.put(t, "invitations", row{
		"account_id": account, "id": id, "version": 1, "email": email, "address": email, "role": "author", "inviter_id": "ann",
		"tenure": 2, "hash": hashOf(account + id), "state": "pending", "sent_at": ago(24), "expires_at": us(now) + 1,
		"created_at": ago(24), "updated_at": ago(24),
	}.with(more))
}

// office puts in an account a with ann, who invites, and bob, who was
// suspended, cid, who left, and dan, who was deleted.
func office(t *testing.T, f *fixture) {
	t.Helper()
	f.account(t, "a", nil)
	f.account(t, "b", nil)
	for _, id := range []string{"ann", "bob", "cid", "dan", "eve"} {
		f.user(t, id, nil)
	}
	f.member(t, "a", "ann", "owner", row{"tenure": 2, "reign": 3})
	f.member(t, "a", "bob", "viewer", row{"suspended_at": 1})
	f.member(t, "a", "cid", "viewer", row{"ended_at": 1})
	f.member(t, "a", "dan", "viewer", nil)
	f.set(t, "users SET deleted_at = 1 WHERE id = 'dan'")
}

func (f *fixture) mustUser(t *testing.T, id accounts.UserID) accounts.User {
	t.Helper()
	u, err := f.User(t.Context(), accounts.UserKey{ID: id})
	require.NoError(t, err)
	return u
}

func (f *fixture) mustMember(t *testing.T, account accounts.AccountID, id accounts.UserID) accounts.Member {
	t.Helper()
	m, err := f.Membership(t.Context(), accounts.StandingKey{User: id, Account: account})
	require.NoError(t, err)
	return accounts.Member{Membership: m, User: f.mustUser(t, id)}
}

// fullInvitation is a row with a value of its own in each column, and what it
// is.
func fullInvitation() (row, invites.Invitation) {
	stored := row{
		"account_id": "a", "id": "full", "version": 2, "email": "eve@example.com", "address": "Eve@Example.com",
		"role": "manager", "message": "hello", "locale": "de", "inviter_id": "ann", "tenure": 2, "reign": 3, "suspensions": 4,
		"hash": hashOf("full"), "state": "pending", "sent_at": us(at(1)), "expires_at": us(at(2)), "resend_day": 20_000,
		"resends": 2, "user_id": "bob", "given": "viewer", "decided_at": us(at(3)), "created_at": us(at(4)), "updated_at": us(at(5)),
	}
	return stored, invites.Invitation{
		Account: "a", ID: "full", Version: 2, Email: "eve@example.com", Address: "Eve@Example.com", Role: roles.Manager,
		Message: "hello", Locale: "de", Inviter: "ann", Tenure: 2, Reign: 3, Suspensions: 4, Hash: token.Hash(hashOf("full")),
		State: invites.Pending, SentAt: at(1), ExpiresAt: at(2), ResendDay: 20_000, Resends: 2, User: "bob",
		Given: roles.Viewer, DecidedAt: at(3), CreatedAt: at(4), UpdatedAt: at(5),
	}
}

func TestReads_Seats(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	office(t, f)
	seats := func(account accounts.AccountID, want accounts.Seats) {
		t.Helper()
		got, err := f.Seats(t.Context(), account, now)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	seats("a", accounts.Seats{Members: 2})
	f.invite(t, "a", "1", "1@example.com", nil)
	f.invite(t, "a", "2", "2@example.com", nil)
	f.invite(t, "a", "3", "3@example.com", row{"expires_at": us(now)})
	f.invite(t, "a", "4", "4@example.com", row{"state": "accepted"})
	f.invite(t, "a", "5", "5@example.com", row{"tenure": 1})
	f.invite(t, "b", "6", "1@example.com", nil)
	seats("a", accounts.Seats{Members: 2, Invited: 2})
	seats("b", accounts.Seats{})
	seats("nowhere", accounts.Seats{})
	f.set(t, "accounts SET closed_at = 1 WHERE id = 'a'")
	seats("a", accounts.Seats{Members: 2, Invited: 2})
}

func TestReads_Inviting(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	office(t, f)
	stored, full := fullInvitation()
	f.put(t, "invitations", stored)
	f.invite(t, "a", "old", "eve@example.com", row{"state": "declined"})
	f.invite(t, "a", "to bob", "bob@example.com", row{"state": "accepted", "inviter_id": "dan"})
	f.invite(t, "b", "theirs", "new@example.com", row{"inviter_id": "nobody"})
	f.invite(t, "a", "live", "live@example.com", nil)
	today := accounts.DayOf(now)
	for _, x := range []struct {
		subject string
		kind    accounts.QuotaKind
		day     accounts.Day
		used    int
	}{
		{"a", accounts.QuotaInvitations, today, 7},
		{"a", accounts.QuotaInvitations, today - 1, 70},
		{"a", accounts.QuotaRequests, today, 71},
		{"eve@example.com", accounts.QuotaRecipient, today, 3},
		{"eve@example.com", accounts.QuotaRecipient, today + 1, 30},
		{"eve@example.com", accounts.QuotaLinks, today, 31},
	} {
		f.put(t, "quotas", row{"subject": x.subject, "kind": string(x.kind), "day": x.day, "used": x.used})
	}
	account := func(id accounts.AccountID) accounts.Account {
		a, err := f.Account(t.Context(), id)
		require.NoError(t, err)
		return a
	}
	ask := func(q invites.InvitingQuery) invites.Inviting {
		t.Helper()
		q.At = now
		got, err := f.Inviting(t.Context(), q)
		require.NoError(t, err)
		return got
	}
	seats := accounts.Seats{Members: 2, Invited: 1}
	want := invites.Inviting{
		Account: account("a"), Invitation: full, Inviter: f.mustMember(t, "a", "ann"), Seats: seats, Used: 7, Mails: 3,
	}
	require.Equal(t, want, ask(invites.InvitingQuery{Account: "a", Email: "eve@example.com"}), "an expired one is told")
	require.Equal(t, want, ask(invites.InvitingQuery{Account: "a", ID: "full"}))
	require.Equal(t, want, ask(invites.InvitingQuery{Account: "a", ID: "full", Email: "bob@example.com"}))

	require.Equal(t, invites.Inviting{Account: account("a"), Seats: seats, Used: 7},
		ask(invites.InvitingQuery{Account: "a", Email: "new@example.com"}), "another account's invitation is no one's business")
	require.Equal(t, invites.Inviting{Account: account("a"), Seats: seats, Used: 7, Member: f.mustMember(t, "a", "bob").Membership.MemberState},
		ask(invites.InvitingQuery{Account: "a", Email: "bob@example.com"}), "one that was decided is none, and a suspended member is told")
	require.Equal(t, f.mustMember(t, "a", "dan"), ask(invites.InvitingQuery{Account: "a", ID: "to bob"}).Inviter, "a deleted one")
	require.Zero(t, ask(invites.InvitingQuery{Account: "b", ID: "theirs"}).Inviter)
	for email, member := range map[accounts.Email]bool{
		"ann@example.com": true, "bob@example.com": false, "cid@example.com": false, "dan@example.com": false, "eve@example.com": false, "": false,
	} {
		require.Equal(t, member, ask(invites.InvitingQuery{Account: "a", Email: email}).Member.Active(), email)
	}
	f.invite(t, "a", "to ann", "ann@example.com", nil)
	require.True(t, ask(invites.InvitingQuery{Account: "a", ID: "to ann"}).Member.Active())

	for name, q := range map[string]invites.InvitingQuery{
		"no such account": {Account: "nowhere", Email: "eve@example.com"}, "no such invitation": {Account: "a", ID: "no"},
		"another account's invitation": {Account: "b", ID: "full"}, "nothing named": {},
	} {
		got, err := f.Inviting(t.Context(), q)
		require.ErrorIs(t, err, accounts.ErrNotFound, name)
		require.Zero(t, got, name)
	}
}

func TestReads_Accepting(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	office(t, f)
	stored, full := fullInvitation()
	f.put(t, "invitations", stored)
	f.invite(t, "a", "live", "live@example.com", nil)
	f.invite(t, "a", "none", "", row{"hash": make([]byte, 32), "state": "revoked"})
	f.set(t, "users SET email = '' WHERE id = 'cid'")
	f.put(t, "identities", row{"issuer": "z", "subject": "1", "user_id": "eve"})
	f.put(t, "identities", row{"issuer": "a", "subject": "1", "user_id": "eve"})
	f.put(t, "credentials", row{"user_id": "bob", "version": 1, "hash": "$2a$10$bob"})
	account, err := f.Account(t.Context(), "a")
	require.NoError(t, err)
	want := invites.Accepting{
		Invitation: full, Account: account, Inviter: f.mustMember(t, "a", "ann"), Seats: accounts.Seats{Members: 2, Invited: 1},
	}
	ask := func(user accounts.UserID, joiner accounts.UserID) {
		t.Helper()
		want.Joiner, want.Member = accounts.Means{}, accounts.Membership{Account: "a", User: cmp.Or(joiner, user)}
		if joiner != "" {
			var err error
			want.Joiner, err = f.Means(t.Context(), accounts.UserKey{ID: joiner})
			require.NoError(t, err)
			want.Member = f.mustMember(t, "a", joiner).Membership
		}
		for _, q := range []invites.AcceptingQuery{{Account: "a", ID: "full"}, {Hash: full.Hash}} {
			q.User, q.At = user, now
			got, err := f.Accepting(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	ask("", "eve")
	require.Len(t, want.Joiner.Identities, 2)
	ask("bob", "bob")
	require.Equal(t, "$2a$10$bob", want.Joiner.Credential.Hash)
	require.NotZero(t, want.Member.SuspendedAt)
	ask("dan", "dan")
	ask("stranger", "")
	f.set(t, "users SET deleted_at = 1 WHERE id = 'eve'")
	ask("", "")

	got, err := f.Accepting(t.Context(), invites.AcceptingQuery{Account: "a", ID: "none", At: now})
	require.NoError(t, err)
	require.Zero(t, got.Joiner, "a forgotten address is nobody's")
	for name, q := range map[string]invites.AcceptingQuery{
		"nothing named": {}, "a zero hash": {User: "bob"}, "another account's": {Account: "b", ID: "full"},
		"unknown": {Account: "a", ID: "no"}, "an unknown hash": {Hash: token.Hash{1}},
	} {
		got, err := f.Accepting(t.Context(), q)
		require.ErrorIs(t, err, accounts.ErrNotFound, name)
		require.Zero(t, got, name)
	}
}

func TestReads_Invitations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	office(t, f)
	f.invite(t, "b", "theirs", "theirs@example.com", nil)
	for i, x := range []struct {
		id   string
		more row
	}{
		{"pending", nil},
		{"late", row{"expires_at": us(now)}},
		{"void", row{"tenure": 1}},
		{"both", row{"tenure": 1, "expires_at": us(now)}},
		{"accepted", row{"state": "accepted", "tenure": 1}},
		{"declined", row{"state": "declined", "expires_at": us(now)}},
		{"revoked", row{"state": "revoked"}},
		{"expired", row{"state": "expired"}},
		{"voided", row{"state": "void"}},
		{"orphan", row{"inviter_id": "nobody"}},
	} {
		// Two at a time were made at one moment.
		f.invite(t, "a", x.id, x.id+"@example.com", row{"created_at": 10 + i/2}.with(x.more))
	}
	ids := func(q invites.ListQuery) string {
		t.Helper()
		q.Account, q.At = "a", now
		got, err := f.Invitations(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, l := range got {
			require.Equal(t, accounts.AccountID("a"), l.Invitation.Account, "I-28")
			require.Equal(t, accounts.AccountID("a"), l.Account.ID)
			if len(q.States) > 0 {
				require.Contains(t, q.States, l.StateAt(now))
			}
			b.WriteString(string(l.Invitation.ID) + " ")
		}
		return b.String()
	}
	const all = "voided orphan revoked expired declined accepted void both pending late "
	require.Equal(t, all, ids(invites.ListQuery{}), "newest first")
	require.Equal(t, "voided orphan revoked ", ids(invites.ListQuery{Limit: 3}))
	require.Equal(t, "expired declined ", ids(invites.ListQuery{Limit: 2, Before: invites.Cursor{
		CreatedAt: time.UnixMicro(13).UTC(), ID: "revoked",
	}}))
	for state, want := range map[invites.State]string{
		invites.Pending: "pending ", invites.Expired: "expired both late ", invites.Void: "voided orphan void ",
		invites.Accepted: "accepted ", invites.Declined: "declined ", invites.Revoked: "revoked ", "' OR 1=1 --": "",
	} {
		require.Equal(t, want, ids(invites.ListQuery{States: []invites.State{state}}), state)
	}
	require.Equal(t, "both late ", ids(invites.ListQuery{
		States: []invites.State{invites.Expired, invites.Declined, invites.Revoked}, Search: "@EX",
		Before: invites.Cursor{CreatedAt: time.UnixMicro(12).UTC()},
	}))
	for search, want := range map[string]string{
		"OID@example": "void ", "_": "", "%": "", "!": "", "' OR 1=1 --": "", "theirs": "", strings.Repeat("x", 60_000): "",
	} {
		require.Equal(t, want, ids(invites.ListQuery{Search: search}), "A104: %.20q is text and no pattern", search)
	}
	got, err := f.Invitations(t.Context(), invites.ListQuery{Account: "a", At: now, Limit: 3})
	require.NoError(t, err)
	require.Equal(t, f.mustMember(t, "a", "ann"), got[0].Inviter)
	require.Zero(t, got[1].Inviter)
	got, err = f.Invitations(t.Context(), invites.ListQuery{Account: "nowhere", At: now})
	require.NoError(t, err)
	require.Empty(t, got)
}

// What the statements call pending, void or expired is what an invitation says
// of itself beside its inviter, whatever happened to that one (A02, A15).
func TestReads_states_are_those_of_Invitation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	seen := map[invites.State]int{}
	for range 20 {
		for _, table := range []string{"users", "accounts", "memberships", "invitations"} {
			_, err := f.db.ExecContext(t.Context(), "DELETE FROM ch_"+table)
			require.NoError(t, err)
		}
		odd := func() int { return rnd.IntN(6) / 5 }
		for i := range 4 {
			f.user(t, fmt.Sprint("u", i), row{"suspensions": odd(), "suspended_at": odd(), "deleted_at": odd()})
		}
		for i := range 2 {
			f.account(t, fmt.Sprint("a", i), row{"suspended_at": odd(), "closed_at": odd()})
			for j := range 4 {
				if rnd.IntN(8) > 0 {
					f.member(t, fmt.Sprint("a", i), fmt.Sprint("u", j), []string{"admin", ""}[odd()], row{
						"tenure": odd(), "suspended_at": odd(), "ended_at": odd(),
					})
				}
			}
			for j := range 12 {
				f.invite(t, fmt.Sprint("a", i), fmt.Sprint("i", j), fmt.Sprint(j, "@example.com"), row{
					"inviter_id": fmt.Sprint("u", rnd.IntN(5)), "tenure": odd(), "suspensions": odd(),
					"expires_at": us(now) + rnd.Int64N(8) - 1,
					"state":      string([]invites.State{invites.Pending, invites.Pending, invites.Pending, invites.Void, invites.Accepted}[rnd.IntN(5)]),
				})
			}
		}
		to := map[accounts.Email][]invites.Listed{}
		for i := range 2 {
			account := accounts.AccountID(fmt.Sprint("a", i))
			all, err := f.Invitations(t.Context(), invites.ListQuery{Account: account})
			require.NoError(t, err)
			require.Len(t, all, 12)
			by := map[invites.State][]invites.Listed{}
			for _, l := range all {
				state := l.StateAt(now)
				by[state] = append(by[state], l)
				seen[state]++
				if state == invites.Pending && l.Account.Open() {
					to[l.Invitation.Email] = append(to[l.Invitation.Email], l)
				}
			}
			for _, state := range []invites.State{invites.Pending, invites.Expired, invites.Void, invites.Accepted} {
				got, err := f.Invitations(t.Context(), invites.ListQuery{Account: account, At: now, States: []invites.State{state}})
				require.NoError(t, err)
				require.Equal(t, by[state], got, state)
			}
			seats, err := f.Seats(t.Context(), account, now)
			require.NoError(t, err)
			require.Equal(t, len(by[invites.Pending]), seats.Invited)
		}
		for j := range 12 {
			email := accounts.Email(fmt.Sprint(j, "@example.com"))
			got, err := f.InvitationsTo(t.Context(), email, now, 0)
			require.NoError(t, err)
			slices.Reverse(to[email])
			require.Equal(t, to[email], got)
			got, err = f.InvitationsTo(t.Context(), email, now, 1)
			require.NoError(t, err)
			require.Len(t, got, min(1, len(to[email])))
			for i := range got {
				require.Equal(t, to[email][i], got[i])
			}
		}
	}
	for _, state := range []invites.State{invites.Pending, invites.Expired, invites.Void, invites.Accepted} {
		require.Greater(t, seen[state], 10, "%s was seen too rarely to prove anything", state)
	}
}
