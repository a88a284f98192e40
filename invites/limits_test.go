package invites_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// tooMany requires that a call ran into a limit of the day.
func tooMany(t *testing.T, err error, kind accounts.QuotaKind, most int) {
	t.Helper()
	var q *accounts.QuotaError
	require.ErrorAs(t, err, &q)
	require.ErrorIs(t, err, accounts.ErrQuota)
	require.Equal(t, accounts.QuotaError{Kind: kind, Limit: most, Used: most, ResetAt: time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC)}, *q)
}

// An account sends 25 invitations in a UTC day. What was spent never comes back:
// not by revoking, declining, accepting or expiring, and not for a second
// inviter (A79, A80, B1).
func TestLimits_PerDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	try := func(by accounts.UserID, n int) (invites.Invitation, error) {
		return w.inv.Invite(t.Context(), w.as(by), invites.Invite{Account: "acme", Email: fmt.Sprintf("p%d@example.com", n), Role: roles.Viewer})
	}
	for n := range 25 {
		i, err := try([]accounts.UserID{"amy", "adam", "olga"}[n%3], n)
		require.NoError(t, err, n)
		switch n % 5 {
		case 0:
			require.NoError(t, w.revoke("amy", i.ID))
		case 1:
			require.NoError(t, w.inv.Decline(t.Context(), accounts.Actor{}, invites.Answer{Link: w.link(string(i.Email))}))
		case 2:
			require.NoError(t, ignore(w.joinNew(w.link(string(i.Email)))))
		}
	}
	for _, by := range []accounts.UserID{"amy", "adam", "olga"} {
		_, err := try(by, 99)
		tooMany(t, err, accounts.QuotaInvitations, 25)
	}
	require.Equal(t, []string{
		"invitation.sent at acme by amy: quota", "invitation.sent at acme by adam: quota", "invitation.sent at acme by olga: quota",
	}, w.refusals())
	_, err := w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: "nova", Email: "p99@example.com", Role: roles.Viewer})
	require.NoError(t, err, "another account has a day of its own")

	w.clock.Set(time.Date(2026, time.March, 2, 23, 59, 59, 999999000, time.UTC))
	require.ErrorIs(t, ignore(try("amy", 99)), accounts.ErrQuota)
	w.clock.Add(time.Microsecond)
	require.NoError(t, ignore(try("amy", 99)))
}

// Resending does not count against the 25, has to wait an hour, and is possible
// three times in a UTC day (B5, A7 of the product).
func TestLimits_Resend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.MailsPerRecipient = 100 })
	i := w.invite("amy", "ben@example.com", roles.Viewer)
	early := func(wait time.Duration) {
		t.Helper()
		err := w.resend("amy", i.ID)
		var l *limit.LimitedError
		require.ErrorAs(t, err, &l)
		require.Equal(t, wait, l.RetryAfter)
	}
	early(time.Hour)
	w.clock.Add(time.Hour - time.Microsecond)
	early(time.Microsecond)
	w.clock.Add(time.Microsecond)
	require.NoError(t, w.resend("amy", i.ID))
	early(time.Hour)
	for range 2 {
		w.clock.Add(time.Hour)
		require.NoError(t, w.resend("adam", i.ID), "whoever resends: it is a limit of the invitation")
	}
	w.clock.Add(time.Hour)
	tooMany(t, w.resend("olga", i.ID), accounts.QuotaResends, 3)
	w.clock.Set(time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC))
	require.NoError(t, w.resend("amy", i.ID))
	require.Equal(t, 1, w.stored(i.ID).Invitation.Resends)
	require.Equal(t, 0, w.used(accounts.QuotaInvitations, "acme"))
	w.clock.Set(start().Add(-time.Hour)) // a clock that goes back opens nothing early (A102)
	require.ErrorIs(t, w.resend("amy", i.ID), limit.ErrLimited)
}

// One address gets 5 mails with a link in a UTC day from everybody together,
// invitations and access requests alike, in whatever spelling (A81, A7 of the
// product).
func TestLimits_Recipient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agency := account("north")
	agency.Kind, agency.ProgrammeAt, agency.ClientAccessAt = accounts.KindAgency, start(), start()
	w.put(agency, user("nora"), member("north", "nora", roles.Owner))
	requests := must(access.NewRequests(w.mem, w.env))(t)
	ask := func() access.Outcome {
		out, err := requests.Send(t.Context(), w.as("nora"), access.Batch{Agency: "north", Addresses: "BEN@example.com", Another: true})
		require.NoError(t, err)
		return out.Answers[0].Outcome
	}
	invite := func(by accounts.UserID, account accounts.AccountID, email string) error {
		return ignore(w.inv.Invite(t.Context(), w.as(by), invites.Invite{Account: account, Email: email, Role: roles.Viewer}))
	}
	require.NoError(t, invite("amy", "acme", "ben@example.com"))
	require.NoError(t, invite("nick", "nova", "Ben@example.com"))
	require.Equal(t, access.Sent, ask())
	var pending *invites.PendingError
	require.ErrorAs(t, invite("amy", "acme", "ben@EXAMPLE.com"), &pending)
	require.Equal(t, 3, w.used(accounts.QuotaRecipient, "ben@example.com"), "what is not sent is not counted")
	w.clock.Add(time.Hour)
	require.NoError(t, w.resend("amy", pending.Invitation))
	require.NoError(t, w.revoke("amy", pending.Invitation))
	require.NoError(t, invite("amy", "acme", "ben@example.com"))
	tooMany(t, invite("nora", "north", "bEn@example.com"), accounts.QuotaRecipient, 5)
	require.ErrorAs(t, invite("amy", "acme", "ben@example.com"), &pending)
	w.clock.Add(time.Hour)
	tooMany(t, w.resend("amy", pending.Invitation), accounts.QuotaRecipient, 5)
	require.NotEqual(t, access.Sent, ask())
	require.Equal(t, 5, w.used(accounts.QuotaRecipient, "ben@example.com"))
	require.NoError(t, invite("amy", "acme", "other@example.com"), "another address has mails of its own")
	w.clock.Set(time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC))
	require.NoError(t, w.resend("amy", pending.Invitation))
}

// countdown lets n calls of each key pass.
type countdown map[string]int

func (c countdown) Allow(key string) error {
	if c[key]--; c[key] < 0 {
		return &limit.LimitedError{RetryAfter: time.Second}
	}
	return nil
}

// Bursts are held up for each account, on record; outsiders use up nobody's
// turn, and a call that meets others takes one turn.
func TestLimits_Burst(t *testing.T) {
	t.Parallel()
	turns := countdown{"invitations/acme": 2, "invitations/nova": 1}
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Burst = turns })
	invite := func(by accounts.UserID, account accounts.AccountID, email string) error {
		return ignore(w.inv.Invite(t.Context(), w.as(by), invites.Invite{Account: account, Email: email, Role: roles.Viewer}))
	}
	for range 3 {
		require.ErrorIs(t, invite("eve", "acme", "p@example.com"), accounts.ErrNotFound)
		require.ErrorIs(t, invite("vic", "acme", "p@example.com"), roles.ErrDenied)
	}
	conflicts := 0
	w.st.on(func(call string, do func() error) error {
		if call == "ApplyInvites" && conflicts < 3 {
			conflicts++
			return accounts.ErrConflict
		}
		return do()
	})
	require.NoError(t, invite("amy", "acme", "p1@example.com"))
	require.NoError(t, invite("adam", "acme", "p2@example.com"))
	require.ErrorIs(t, invite("amy", "acme", "p3@example.com"), limit.ErrLimited)
	require.NoError(t, invite("nick", "nova", "p3@example.com"))
	require.Equal(t, "invitation.sent at acme by amy: limited", w.refusals()[6])
	require.Len(t, w.refusals(), 7)
}

// Without a limiter of the host's, the library's own holds up a burst.
func TestLimits_DefaultBurst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *accounts.EnvOptions) {
		o.Burst = nil
		o.Limits.InvitationsPerDay = 1000
	})
	passed := 0
	for n := range 200 {
		_, err := w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: fmt.Sprintf("p%d@example.com", n), Role: roles.Viewer})
		if err != nil {
			require.ErrorIs(t, err, limit.ErrLimited)
			break
		}
		passed++
	}
	require.Equal(t, limit.DefaultBurst, passed)
	w.clock.Add(time.Second)
	require.NoError(t, ignore(w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: "later@example.com", Role: roles.Viewer})))
}
