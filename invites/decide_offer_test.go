package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// What an invitation is, what it rests on, and what becomes durable with it:
// its counters are those of whoever sent it, the account moves, both quotas are
// spent, and there is one event and one mail (D1, A15, A105).
func TestInvite_Change(t *testing.T) {
	t.Parallel()
	f := newFacts()
	out, err := f.service(t).Invite(t.Context(), f.ann(), invites.Invite{
		Account: "acme", Email: " Ben@Example.com ", Role: roles.Manager, Message: "Join us!", Locale: "de",
	})
	c := f.decided(t, err)

	require.Equal(t, []accounts.Guard{
		{User: "ann", Epoch: 12}, {Account: "acme", Version: accountVersion, Move: true},
	}, c.Guards)
	require.Len(t, c.Invitations, 1)
	i := c.Invitations[0]
	require.NotZero(t, i.Hash)
	require.Equal(t, invites.Invitation{
		Account: "acme", ID: i.ID, Email: "ben@example.com", Address: "Ben@Example.com", Role: roles.Manager, Message: "Join us!", Locale: "de",
		Inviter: "ann", Tenure: tenure, Reign: reign, Suspensions: suspensions, Hash: i.Hash, State: invites.Pending,
		SentAt: start(), ExpiresAt: start().Add(week), ResendDay: accounts.DayOf(start()), CreatedAt: start(), UpdatedAt: start(),
	}, i)
	today := accounts.DayOf(start())
	require.ElementsMatch(t, []accounts.Spend{
		{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaInvitations, Subject: "acme", Day: today}, N: 1, Limit: 25},
		{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: "ben@example.com", Day: today}, N: 1, Limit: 5},
	}, c.Spend)
	require.Len(t, c.Events, 1)
	require.Equal(t, invites.EventInvited, c.Events[0].Kind)
	require.Equal(t, i.ID, c.Events[0].Invitation)
	require.Equal(t, roles.Manager, c.Events[0].Role)
	require.Equal(t, accounts.UserID("ann"), c.Events[0].By.User)
	require.Len(t, c.Mail, 1)
	m := c.Mail[0]
	require.Equal(t, mail.Invited, m.Kind)
	require.Equal(t, "ben@example.com", m.To, "the canonical address, and nothing else (A22)")
	require.Equal(t, "de", m.Locale)
	require.Equal(t, i.ExpiresAt, m.NotAfter, "a mail never outlives its link")
	require.Equal(t, mail.ReasonFor("account", "acme", "invitation", string(i.ID)), m.Reason)
	require.Contains(t, m.Text, linkTop+"cinv_")
	require.Empty(t, c.CancelMail)
	require.Empty(t, c.Users, "nobody is made of an address that somebody typed")

	i.Version, i.Hash = 1, out.Hash
	require.Equal(t, i, out)
	require.Zero(t, out.Hash, "what goes out has no hash (A18)")
}

func TestInvite_Decision(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		given   func(f *facts)
		role    roles.Role
		as      func(f *facts) accounts.Actor
		policy  accounts.Plan
		want    error
		refusal string
	}{
		{name: "an Admin invites an Admin", role: roles.Admin},
		{name: "an Admin cannot invite an owner (A16)", role: roles.Owner, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "a Manager cannot invite", given: func(f *facts) { f.role(roles.Manager) }, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "an owner invites an owner", given: (*facts).owners, role: roles.Owner},
		{
			name: "an owner who logged in 10 minutes ago logs in again to invite an owner", given: (*facts).owners, role: roles.Owner,
			as:   func(f *facts) accounts.Actor { return f.annSince(start().Add(-10 * time.Minute)) },
			want: accounts.ErrStepUp,
		},
		{
			name: "an owner who logged in 10 minutes ago invites an Admin", given: (*facts).owners, role: roles.Admin,
			as: func(f *facts) accounts.Actor { return f.annSince(start().Add(-10 * time.Minute)) },
		},
		{
			name: "an owner with identity confirmation is asked for a code to invite an owner", role: roles.Owner, want: accounts.ErrStepUp,
			given: func(f *facts) {
				f.owners()
				f.standing.User.Confirms = true
			},
		},
		{name: "nobody is invited to a suspended account", given: func(f *facts) { f.standing.Account.SuspendedAt = start() }, want: accounts.ErrNotFound, refusal: accounts.RefusedOutsider},
		{name: "nobody is invited to a closed account", given: func(f *facts) { f.standing.Account.ClosedAt = start() }, want: accounts.ErrNotFound, refusal: accounts.RefusedOutsider},
		{name: "a session of an ended epoch invites nobody", given: func(f *facts) { f.standing.User.Epoch++ }, want: accounts.ErrStepUp},
		{name: "a member is not invited", given: func(f *facts) { f.inviting.Member.Role = roles.Viewer }, want: accounts.ErrTaken},
		{name: "a suspended member is not invited", given: func(f *facts) {
			f.inviting.Member = accounts.MemberState{Role: roles.Viewer, SuspendedAt: start()}
		}, want: accounts.ErrInvalid},
		{name: "a client is not invited (C1)", given: func(f *facts) { f.inviting.Client = true }, want: accounts.ErrTaken},
		{name: "a pending invitation is in the way", given: (*facts).offered, want: accounts.ErrTaken},
		{name: "a plan without the role is in the way", role: roles.Manager, policy: accounts.Plan{Roles: []roles.Role{roles.Admin}}, want: accounts.ErrInvalid},
		{name: "a plan without a seat is in the way", role: roles.Admin, policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 1}, want: accounts.ErrSeats},
		{
			name: "a seat held by a pending invitation is taken", role: roles.Admin, policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 2},
			given: func(f *facts) { f.inviting.Seats.Invited = 1 }, want: accounts.ErrSeats,
		},
		{name: "the last seat is given", role: roles.Admin, policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 2}},
		{name: "the 25th of a day is sent", given: func(f *facts) { f.inviting.Used = 24 }},
		{name: "the 26th of a day is refused", given: func(f *facts) { f.inviting.Used = 25 }, want: accounts.ErrQuota, refusal: accounts.RefusedQuota},
		{name: "the recipient's 5th mail of a day is sent", given: func(f *facts) { f.inviting.Mails = 4 }},
		{name: "the recipient's 6th mail of a day is refused", given: func(f *facts) { f.inviting.Mails = 5 }, want: accounts.ErrQuota, refusal: accounts.RefusedQuota},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			if tt.given != nil {
				tt.given(f)
			}
			if tt.role == "" {
				tt.role = roles.Viewer
			}
			actor := f.ann()
			if tt.as != nil {
				actor = tt.as(f)
			}
			var set []func(*accounts.EnvOptions)
			if tt.policy.Roles != nil {
				set = append(set, plan(tt.policy))
			}
			out, err := f.service(t, set...).Invite(t.Context(), actor, invites.Invite{Account: "acme", Email: "ben@example.com", Role: tt.role})
			if tt.want != nil {
				f.undecided(t, err, tt.want, tt.refusal)
				require.Zero(t, out, "no answer comes with an error")
				return
			}
			f.decided(t, err)
		})
	}
}

// An invitation that is over, but does not say so, ends in the same change in
// which its successor begins, so that it blocks nobody (I-02).
func TestInvite_Successor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given func(f *facts)
		want  invites.State
	}{
		{"an expired one", func(f *facts) { f.inviting.Invitation.ExpiresAt = start() }, invites.Expired},
		{"one whose inviter was removed", func(f *facts) { f.inviting.Inviter.Membership.Tenure++ }, invites.Void},
		{"one whose inviter was suspended in between", func(f *facts) { f.inviting.Inviter.User.Suspensions++ }, invites.Void},
		{"one that is both", func(f *facts) {
			f.inviting.Invitation.ExpiresAt = start()
			f.inviting.Inviter.Membership.Tenure++
		}, invites.Expired},
	} {
		t.Run(tt.name+" is replaced", func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			f.offered()
			tt.given(f)
			old := f.inviting.Invitation
			out, err := f.service(t).Invite(t.Context(), f.ann(), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer})
			c := f.decided(t, err)
			require.Len(t, c.Invitations, 2)
			end, begin := c.Invitations[0], c.Invitations[1]
			old.State, old.UpdatedAt = tt.want, start()
			require.Equal(t, old, end, "nothing but the state changes")
			require.Equal(t, out.ID, begin.ID)
			require.Equal(t, invites.Pending, begin.State)
			require.Equal(t, []mail.Reason{mail.ReasonFor("account", "acme", "invitation", "the-invitation")}, c.CancelMail, "its unsent mail leads nowhere (A87)")
			require.Equal(t, []accounts.EventKind{invites.EventInvited}, kinds(c.Events))
		})
	}
}

// Somebody of whom the host keeps nothing but an id can invite: the account
// does, in their place.
func TestInvite_Nameless(t *testing.T) {
	t.Parallel()
	f := newFacts()
	f.user.Name, f.user.Address, f.user.Email = "", "", ""
	_, err := f.service(t).Invite(t.Context(), f.ann(), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer})
	c := f.decided(t, err)
	require.Contains(t, c.Mail[0].Text, "You are invited to join Acme")
}

// Resending is the same invitation with another link, by somebody who could
// make it: it becomes theirs, and lives as long as a new one (A03, A16).
func TestResend_Change(t *testing.T) {
	t.Parallel()
	f := newFacts()
	f.offered()
	f.inviting.Invitation.Inviter, f.inviting.Invitation.Tenure, f.inviting.Invitation.Reign, f.inviting.Invitation.Suspensions = "old", 1, 1, 1
	was := f.inviting.Invitation
	out, err := f.service(t).Resend(t.Context(), f.ann(), invites.Resend{Account: "acme", Invitation: "the-invitation"})
	c := f.decided(t, err)
	require.Len(t, c.Invitations, 1)
	now := c.Invitations[0]
	require.NotEqual(t, was.Hash, now.Hash, "the older link is dead")
	want := was
	want.Inviter, want.Tenure, want.Reign, want.Suspensions = "ann", tenure, reign, suspensions
	want.Hash, want.SentAt, want.ExpiresAt, want.UpdatedAt, want.Resends = now.Hash, start(), start().Add(week), start(), 1
	require.Equal(t, want, now)
	require.Equal(t, []accounts.EventKind{invites.EventInvitationResent}, kinds(c.Events))
	require.Equal(t, []mail.Reason{mail.ReasonFor("account", "acme", "invitation", "the-invitation")}, c.CancelMail)
	require.Equal(t, []string{mail.Invited}, mailKinds(c.Mail))
	require.True(t, hasGuard(c, accounts.Guard{Account: "acme", Version: accountVersion, Move: true}))
	require.Len(t, c.Spend, 1, "it does not count against the account's day")
	require.Equal(t, accounts.QuotaRecipient, c.Spend[0].Kind)
	now.Version, now.Hash = 8, out.Hash
	require.Equal(t, now, out)
	require.Zero(t, out.Hash)
}

func TestResend_Decision(t *testing.T) {
	t.Parallel()
	three := accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 3}
	full := func(f *facts) { f.inviting.Seats = accounts.Seats{Members: 3} }
	for _, tt := range []struct {
		name    string
		given   func(f *facts)
		policy  accounts.Plan
		want    error
		refusal string
	}{
		{name: "a pending one is resent after an hour"},
		{name: "a pending one is not resent within the hour", given: func(f *facts) { f.inviting.Invitation.SentAt = start().Add(-time.Hour + time.Microsecond) }, want: limit.ErrLimited, refusal: accounts.RefusedLimited},
		{name: "an Admin cannot resend what promises an owner (A16)", given: func(f *facts) { f.inviting.Invitation.Role = roles.Owner }, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "an owner resends what promises an owner", given: func(f *facts) {
			f.owners()
			f.offered()
		}},
		{name: "an owner who logged in long ago logs in again for that", given: func(f *facts) {
			f.owners()
			f.offered()
			f.standing.User.Confirms = true // no login is fresh enough
		}, want: accounts.ErrStepUp},
		{name: "a Manager resends nothing", given: func(f *facts) { f.role(roles.Manager) }, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "the third of a day is sent", given: func(f *facts) {
			f.inviting.Invitation.ResendDay, f.inviting.Invitation.Resends = accounts.DayOf(start()), 2
		}},
		{name: "the fourth of a day is not", given: func(f *facts) {
			f.inviting.Invitation.ResendDay, f.inviting.Invitation.Resends = accounts.DayOf(start()), 3
		}, want: accounts.ErrQuota, refusal: accounts.RefusedQuota},
		{name: "yesterday's do not count", given: func(f *facts) {
			f.inviting.Invitation.ResendDay, f.inviting.Invitation.Resends = accounts.DayOf(start())-1, 3
		}},
		{name: "the recipient's limit holds", given: func(f *facts) { f.inviting.Mails = 5 }, want: accounts.ErrQuota, refusal: accounts.RefusedQuota},
		{name: "the account's day is not asked", given: func(f *facts) { f.inviting.Used = 25 }},
		{name: "who has become a member is not invited again", given: func(f *facts) { f.inviting.Member.Role = roles.Viewer }, want: accounts.ErrTaken},
		{name: "who has become a member and was suspended is not invited again", given: func(f *facts) {
			f.inviting.Member = accounts.MemberState{Role: roles.Viewer, SuspendedAt: start()}
		}, want: accounts.ErrInvalid},
		{name: "who has become a client is not invited again (C1)", given: func(f *facts) { f.inviting.Client = true }, want: accounts.ErrTaken},
		{name: "a plan without the role is in the way", policy: accounts.Plan{Roles: []roles.Role{roles.Viewer}}, want: accounts.ErrInvalid},
		{name: "a pending one holds its seat already, though the plan is full", policy: three, given: full},
		{name: "an expired one takes a seat again, if there is one", policy: three, given: func(f *facts) { f.inviting.Invitation.ExpiresAt = start() }},
		{name: "an expired one finds no seat", policy: three, given: func(f *facts) {
			full(f)
			f.inviting.Invitation.ExpiresAt = start()
		}, want: accounts.ErrSeats},
		{name: "a void one finds no seat", policy: three, given: func(f *facts) {
			full(f)
			f.inviting.Inviter.Membership.Tenure++
		}, want: accounts.ErrSeats},
		{name: "an accepted one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Accepted }, want: invites.ErrUsed},
		{name: "a declined one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Declined }, want: invites.ErrUsed},
		{name: "a revoked one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Revoked }, want: invites.ErrUsed},
		{name: "one with a successor is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Expired }, want: invites.ErrUsed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			f.offered()
			if tt.given != nil {
				tt.given(f)
			}
			var set []func(*accounts.EnvOptions)
			if tt.policy.Roles != nil {
				set = append(set, plan(tt.policy))
			}
			out, err := f.service(t, set...).Resend(t.Context(), f.ann(), invites.Resend{Account: "acme", Invitation: "the-invitation"})
			if tt.want != nil {
				f.undecided(t, err, tt.want, tt.refusal)
				require.Zero(t, out)
				return
			}
			c := f.decided(t, err)
			require.Len(t, c.Invitations, 1)
			require.Equal(t, start().Add(week), c.Invitations[0].ExpiresAt)
		})
	}
}

func TestRevoke_Decision(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		given   func(f *facts)
		want    error
		refusal string
	}{
		{name: "a pending one is revoked"},
		{name: "an expired one is revoked", given: func(f *facts) { f.inviting.Invitation.ExpiresAt = start() }},
		{name: "a void one is revoked", given: func(f *facts) { f.inviting.Inviter.User.Suspensions++ }},
		{name: "one that promises more than the actor has is not", given: func(f *facts) { f.inviting.Invitation.Role = roles.Owner }, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "a Manager revokes nothing", given: func(f *facts) { f.role(roles.Manager) }, want: roles.ErrDenied, refusal: accounts.RefusedDenied},
		{name: "an accepted one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Accepted }, want: invites.ErrUsed},
		{name: "a declined one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Declined }, want: invites.ErrUsed},
		{name: "a revoked one is settled", given: func(f *facts) { f.inviting.Invitation.State = invites.Revoked }, want: invites.ErrUsed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			f.offered()
			if tt.given != nil {
				tt.given(f)
			}
			err := f.service(t).Revoke(t.Context(), f.ann(), "acme", "the-invitation")
			if tt.want != nil {
				f.undecided(t, err, tt.want, tt.refusal)
				return
			}
			c := f.decided(t, err)
			want := f.inviting.Invitation
			want.State, want.UpdatedAt = invites.Revoked, start()
			require.Equal(t, []invites.Invitation{want}, c.Invitations)
			require.Equal(t, []mail.Reason{mail.ReasonFor("account", "acme", "invitation", "the-invitation")}, c.CancelMail)
			require.Equal(t, []accounts.EventKind{invites.EventInvitationRevoked}, kinds(c.Events))
			require.Empty(t, c.Mail)
			require.Empty(t, c.Spend, "nothing is given back (A80)")
			require.True(t, hasGuard(c, accounts.Guard{Account: "acme", Version: accountVersion}))
		})
	}
}
