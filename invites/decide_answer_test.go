package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func (f *facts) accept(t testing.TB, s *invites.Service) (accounts.Membership, error) {
	t.Helper()
	return s.Accept(t.Context(), f.ben(), invites.Answer{Link: theLink()})
}

// What an acceptance makes durable, in one change, and everything that it
// rests on: who the joiner is, whose the address is, what the inviter can give
// and how many members there are must all be as they were read (A15, I-06).
func TestAccept_Change(t *testing.T) {
	t.Parallel()
	f := newFacts()
	m, err := f.accept(t, f.service(t))
	c := f.decided(t, err)

	require.ElementsMatch(t, []accounts.Guard{
		{User: "ben", Epoch: 22},
		{Account: "acme", Version: accountVersion, Move: true},
		{User: "ann", Epoch: 12},
	}, c.Guards)
	require.Len(t, c.Users, 1, "the joiner's row is written, so that their address is still theirs")
	u := f.accepting.Joiner.User
	u.UpdatedAt = start()
	require.Equal(t, u, c.Users[0], "and says what it said")
	require.Equal(t, []accounts.Membership{{
		Account: "acme", User: "ben", MemberState: accounts.MemberState{Role: roles.Admin, Epoch: 1}, CreatedAt: start(), UpdatedAt: start(),
	}}, c.Memberships)
	i := f.accepting.Invitation
	i.State, i.User, i.Given, i.DecidedAt, i.UpdatedAt = invites.Accepted, "ben", roles.Admin, start(), start()
	require.Equal(t, []invites.Invitation{i}, c.Invitations)
	require.Len(t, c.Events, 1)
	e := c.Events[0]
	require.Equal(t, invites.EventInvitationAccepted, e.Kind)
	require.Equal(t, [3]any{accounts.UserID("ben"), roles.Admin, roles.Admin}, [3]any{e.User, e.Role, e.Was})
	require.Equal(t, accounts.UserID("ben"), e.By.User)
	require.Equal(t, []mail.Reason{mail.ReasonFor("account", "acme", "invitation", "the-invitation")}, c.CancelMail)
	require.Equal(t, []string{mail.InvitationAccepted}, mailKinds(c.Mail))
	require.Equal(t, "ann@example.com", c.Mail[0].To)
	require.Empty(t, c.Credentials)
	want := c.Memberships[0]
	want.Version = 1
	require.Equal(t, want, m)
}

func TestAccept_Decision(t *testing.T) {
	t.Parallel()
	one := accounts.Account{AccountState: accounts.AccountState{ID: "own"}, Kind: accounts.KindStandard}
	for _, tt := range []struct {
		name    string
		given   func(f *facts)
		policy  accounts.Plan
		want    error
		refusal string
		role    roles.Role // what is given; "": Admin
	}{
		{name: "the invited person joins"},
		{name: "exactly at the end it is expired (A02)", given: func(f *facts) { f.accepting.Invitation.ExpiresAt = start() }, want: accounts.ErrExpired, refusal: accounts.RefusedToken},
		{name: "a microsecond before it is not", given: func(f *facts) { f.accepting.Invitation.ExpiresAt = start().Add(time.Microsecond) }},
		{name: "somebody else is told so (A06)", given: func(f *facts) { f.accepting.Joiner.User.Email = "eve@example.com" }, want: invites.ErrOtherAddress, refusal: accounts.RefusedToken},
		{name: "somebody without an address is told so", given: func(f *facts) { f.accepting.Joiner.User.Email = "" }, want: invites.ErrOtherAddress, refusal: accounts.RefusedToken},
		{name: "an address that is not proven opens nothing (A07)", given: func(f *facts) { f.accepting.Joiner.User.Proven = false }, want: invites.ErrUnproven, refusal: accounts.RefusedToken},
		{name: "somebody else learns nothing of an expired one", given: func(f *facts) {
			f.accepting.Joiner.User.Email = "eve@example.com"
			f.accepting.Invitation.ExpiresAt = start()
		}, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "somebody unproven learns nothing of a revoked one", given: func(f *facts) {
			f.accepting.Joiner.User.Proven = false
			f.accepting.Invitation.State = invites.Revoked
		}, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "a session of an ended epoch opens nothing", given: func(f *facts) { f.accepting.Joiner.User.Epoch++ }, want: accounts.ErrStepUp},
		{name: "a suspended user joins nothing (A25)", given: func(f *facts) { f.accepting.Joiner.User.SuspendedAt = start() }, want: accounts.ErrStepUp},
		{name: "a deleted user joins nothing", given: func(f *facts) { f.accepting.Joiner.User.DeletedAt = start() }, want: accounts.ErrStepUp},
		{name: "somebody whom the store does not know joins nothing", given: func(f *facts) { f.accepting.Joiner = accounts.Means{} }, want: accounts.ErrNotFound},
		{name: "a suspended account takes nobody (A17)", given: func(f *facts) { f.accepting.Account.SuspendedAt = start() }, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "a closed account takes nobody (A17)", given: func(f *facts) { f.accepting.Account.ClosedAt = start() }, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "a declined one is settled", given: func(f *facts) { f.accepting.Invitation.State = invites.Declined }, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "a revoked one is settled", given: func(f *facts) { f.accepting.Invitation.State = invites.Revoked }, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "one accepted by somebody else is settled", given: func(f *facts) {
			f.accepting.Invitation.State, f.accepting.Invitation.User = invites.Accepted, "eve"
		}, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "one accepted by somebody else who had the address is settled, also for a member", given: func(f *facts) {
			f.accepting.Invitation.State, f.accepting.Invitation.User = invites.Accepted, "eve"
			f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Viewer}
		}, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "one that was accepted, by a member who has left, is settled", given: func(f *facts) {
			f.accepting.Invitation.State, f.accepting.Invitation.User = invites.Accepted, "ben"
			f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Admin, EndedAt: start()}
		}, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "a member is a member already (A35)", given: func(f *facts) {
			f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Owner}
		}, want: accounts.ErrTaken},
		{name: "a suspended member does not come back by an invitation", given: func(f *facts) {
			f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Viewer, SuspendedAt: start()}
		}, want: roles.ErrDenied, refusal: accounts.RefusedDenied},

		// What the inviter lost since (A15).
		{name: "an inviter whose user is suspended gives nothing", given: func(f *facts) { f.accepting.Inviter.User.SuspendedAt = start() }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter whose user was suspended in between gives nothing", given: func(f *facts) { f.accepting.Inviter.User.Suspensions++ }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter who was erased gives nothing", given: func(f *facts) { f.accepting.Inviter.User.DeletedAt = start() }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter who has left gives nothing", given: func(f *facts) { f.accepting.Inviter.Membership.EndedAt = start() }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter whose membership is suspended gives nothing", given: func(f *facts) { f.accepting.Inviter.Membership.SuspendedAt = start() }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter who lost the right in between gives nothing", given: func(f *facts) { f.accepting.Inviter.Membership.Tenure++ }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter with a role that may not manage members gives nothing", given: func(f *facts) { f.role(roles.Manager) }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter with a role that is on no ladder gives nothing", given: func(f *facts) { f.role("emperor") }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an inviter whom nobody knows gives nothing", given: func(f *facts) { f.accepting.Inviter = accounts.Member{} }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "a role that is on no ladder is given by nobody", given: func(f *facts) { f.accepting.Invitation.Role = "emperor" }, want: invites.ErrVoid, refusal: accounts.RefusedToken},
		{name: "an owner makes an owner", given: (*facts).owners, role: roles.Owner},
		{name: "an owner who is an Admin now makes an Admin", given: func(f *facts) {
			f.owners()
			f.role(roles.Admin)
			f.accepting.Inviter.Membership.Reign++
		}, role: roles.Admin},
		{name: "an owner who was an Admin in between makes an Admin", given: func(f *facts) {
			f.owners()
			f.accepting.Inviter.Membership.Reign++
		}, role: roles.Admin},
		{name: "an Admin who is an owner now makes what they promised", given: func(f *facts) {
			f.role(roles.Owner)
			f.accepting.Inviter.Membership.Reign++
		}, role: roles.Admin},
		{name: "an Admin who is an owner now does not make an owner of what was never promised", given: func(f *facts) {
			f.accepting.Invitation.Role = roles.Viewer
			f.role(roles.Owner)
		}, role: roles.Viewer},

		// The host's rules are asked again (B4).
		{name: "a plan without the role is in the way", policy: accounts.Plan{Roles: []roles.Role{roles.Viewer}}, want: accounts.ErrInvalid},
		{name: "a plan without the smaller role is in the way", given: func(f *facts) {
			f.owners()
			f.accepting.Inviter.Membership.Reign++
		}, policy: accounts.Plan{Roles: []roles.Role{roles.Viewer}}, want: accounts.ErrInvalid},
		{name: "an owner needs no plan that has owners", given: (*facts).owners, policy: accounts.Plan{Roles: []roles.Role{roles.Viewer}}, role: roles.Owner},
		{name: "its own seat is enough", policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 2}},
		{name: "a plan with more members than seats is in the way", policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 1}, want: accounts.ErrSeats},
		{
			name: "a plan that has shrunk gives what there is to whoever comes first", policy: accounts.Plan{Roles: []roles.Role{roles.Admin}, Seats: 2},
			given: func(f *facts) { f.accepting.Seats.Invited = 7 },
		},
		{name: "who owns a standard account owns no other", given: func(f *facts) {
			f.owners()
			f.owned = []accounts.Account{one}
		}, want: accounts.ErrInvalid},
		{name: "who owns an agency owns another", given: func(f *facts) {
			f.owners()
			one := one
			one.Kind = accounts.KindAgency
			f.owned = []accounts.Account{one}
		}, role: roles.Owner},
		{name: "who owns an account joins another as an Admin", given: func(f *facts) { f.owned = []accounts.Account{one} }},
		{name: "an owner's invitation that gives an Admin now asks nothing of what the joiner owns", given: func(f *facts) {
			f.owners()
			f.accepting.Inviter.Membership.Reign++
			f.owned = []accounts.Account{one}
		}, role: roles.Admin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			if tt.given != nil {
				tt.given(f)
			}
			var set []func(*accounts.EnvOptions)
			if tt.policy.Roles != nil {
				set = append(set, plan(tt.policy))
			}
			m, err := f.accept(t, f.service(t, set...))
			if tt.want != nil {
				f.undecided(t, err, tt.want, tt.refusal)
				require.Zero(t, m, "no answer comes with an error")
				return
			}
			c := f.decided(t, err)
			if tt.role == "" {
				tt.role = roles.Admin
			}
			require.Equal(t, tt.role, m.Role)
			require.Equal(t, tt.role, c.Memberships[0].Role)
			require.Equal(t, tt.role, c.Invitations[0].Given)
			require.Equal(t, tt.role, c.Events[0].Role)
			require.Equal(t, f.accepting.Invitation.Role, c.Events[0].Was, "what was promised stays on record")
		})
	}
}

// On a ladder with more roles that manage members, an inviter who has come down
// to a lower one of them gives that (A15, A33).
func TestAccept_LowerInviter(t *testing.T) {
	t.Parallel()
	levels := roles.StandardLevels()
	ladder := must(roles.New(append(levels[:4:4], roles.Level{Role: "chief"}, levels[4])...))(t)
	f := newFacts()
	f.accepting.Invitation.Role = "chief"
	f.role(roles.Admin)
	m, err := f.accept(t, f.service(t, func(o *accounts.EnvOptions) { o.Ladder = ladder }))
	c := f.decided(t, err)
	require.Equal(t, roles.Admin, m.Role)
	require.Equal(t, roles.Role("chief"), c.Events[0].Was)
}

// Accepting again with the same login changes nothing and answers the same
// (B4).
func TestAccept_Again(t *testing.T) {
	t.Parallel()
	f := newFacts()
	f.accepting.Invitation.State, f.accepting.Invitation.User = invites.Accepted, "ben"
	f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Viewer, Epoch: 3}
	f.accepting.Member.Version = 17
	m, err := f.accept(t, f.service(t))
	require.NoError(t, err)
	require.Equal(t, f.accepting.Member, m)
	require.Nil(t, f.got)
	require.Nil(t, f.refused)
}

// Somebody who was a member before starts the next life: nothing of the one
// before comes back, and what kept them out wants a later login (A56, A74).
func TestAccept_Returning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		suspended time.Time
		after     int64
	}{{"who left is let in with any login", time.Time{}, 0}, {"who was removed while suspended needs a new one", start().Add(-day), 1}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			f.accepting.Member = member("acme", "ben", roles.Owner)
			f.accepting.Member.Version, f.accepting.Member.Epoch, f.accepting.Member.Tenure, f.accepting.Member.Reign = 5, 6, 7, 8
			f.accepting.Member.EndedAt, f.accepting.Member.SuspendedAt = start().Add(-time.Hour), tt.suspended
			m, err := f.accept(t, f.service(t))
			c := f.decided(t, err)
			require.Equal(t, roles.Admin, m.Role)
			require.Equal(t, int64(7), m.Epoch, "assignments of the life before stay ended")
			require.Equal(t, [2]int64{7, 8}, [2]int64{m.Tenure, m.Reign}, "so do invitations")
			require.Equal(t, tt.after, m.After)
			require.True(t, m.Active())
			require.Equal(t, int64(5), c.Memberships[0].Version)
		})
	}
}

// With a new login, the holder of the link becomes a user: the mailbox is
// proven, since the link was mailed there and shown to nobody else. The user is
// on record beside the membership (A12, A105).
func TestAcceptNew_Change(t *testing.T) {
	t.Parallel()
	f := newFacts()
	f.accepting.Joiner, f.accepting.Member.User = accounts.Means{}, ""
	out, err := f.service(t).AcceptNew(t.Context(), invites.NewLogin{Link: theLink(), ID: "42", Name: "Ben", Password: good})
	c := f.decided(t, err)
	require.Equal(t, []accounts.User{{
		UserState: accounts.UserState{ID: "42", Name: "Ben", Epoch: 1}, Email: "ben@example.com", Address: "Ben@example.com",
		Proven: true, Locale: "de", CreatedAt: start(), UpdatedAt: start(),
	}}, c.Users)
	require.Len(t, c.Credentials, 1)
	require.Equal(t, accounts.UserID("42"), c.Credentials[0].User)
	require.NotContains(t, c.Credentials[0].Hash, good)
	require.Empty(t, c.Identities)
	require.Len(t, c.Memberships, 1)
	require.Equal(t, []accounts.EventKind{accounts.EventUserCreated, invites.EventInvitationAccepted}, kinds(c.Events))
	for _, e := range c.Events {
		require.Equal(t, [2]accounts.UserID{"42", "42"}, [2]accounts.UserID{e.User, e.By.User})
	}
	require.ElementsMatch(t, []accounts.Guard{{Account: "acme", Version: accountVersion, Move: true}, {User: "ann", Epoch: 12}}, c.Guards)
	require.Equal(t, []string{mail.InvitationAccepted}, mailKinds(c.Mail))
	require.Equal(t, accounts.Login{User: "42", Method: accounts.MethodPassword, At: start(), Epoch: 1, ByLink: true}, out.Login, "a mailed link is no fresh login")
	require.Equal(t, accounts.UserID("42"), out.Membership.User)
}

func TestAcceptNew_Decision(t *testing.T) {
	t.Parallel()
	password := invites.NewLogin{Link: theLink(), Name: "Ben", Password: good}
	none := func(f *facts) { f.accepting.Joiner = accounts.Means{User: f.accepting.Joiner.User} }
	for _, tt := range []struct {
		name  string
		given func(f *facts)
		in    invites.NewLogin
		want  error
	}{
		{name: "who has a password keeps it (A12)", in: password, want: invites.ErrHasLogin},
		{name: "who has a login at an issuer keeps it (A12)", given: func(f *facts) {
			none(f)
			f.accepting.Joiner.Identities = []accounts.Identity{{Issuer: "i", Subject: "s", User: "ben"}}
		}, in: password, want: invites.ErrHasLogin},
		{name: "who is kept by the host keeps that login (A12)", given: func(f *facts) {
			none(f)
			f.accepting.Joiner.User.Kept = true
		}, in: password, want: invites.ErrHasLogin},
		{name: "who confirms their identity by phone has had a login (A12)", given: func(f *facts) {
			none(f)
			f.accepting.Joiner.User.Confirms = true
		}, in: password, want: invites.ErrHasLogin},
		{name: "a user without a login gets a first one", given: none, in: password},
		{name: "a suspended user without a login gets none (A25)", given: func(f *facts) {
			none(f)
			f.accepting.Joiner.User.SuspendedAt = start()
		}, in: password, want: accounts.ErrNotFound},
		{name: "the address of a user does not come to another id", given: none, in: invites.NewLogin{Link: theLink(), ID: "42", Password: good}, want: accounts.ErrTaken},
		{name: "a user without a login, whose membership is suspended, stays out", given: func(f *facts) {
			none(f)
			f.accepting.Member.MemberState = accounts.MemberState{Role: roles.Viewer, SuspendedAt: start()}
		}, in: password, want: roles.ErrDenied},
		{name: "an expired link is unknown", given: func(f *facts) { f.accepting.Invitation.ExpiresAt = start() }, in: password, want: accounts.ErrNotFound},
		{name: "a used link is unknown", given: func(f *facts) { f.accepting.Invitation.State = invites.Accepted }, in: password, want: accounts.ErrNotFound},
		{name: "a void link is unknown", given: func(f *facts) { f.accepting.Inviter.Membership.Tenure++ }, in: password, want: accounts.ErrNotFound},
		{name: "a link of an inviter whose role is on no ladder is unknown", given: func(f *facts) {
			none(f)
			f.role("emperor")
		}, in: password, want: accounts.ErrNotFound},
		{name: "a link of a suspended account is unknown", given: func(f *facts) { f.accepting.Account.SuspendedAt = start() }, in: password, want: accounts.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			if tt.given != nil {
				tt.given(f)
			}
			out, err := f.service(t).AcceptNew(t.Context(), tt.in)
			if tt.want != nil {
				f.undecided(t, err, tt.want, "") // nobody is known who could be on record
				require.Zero(t, out)
				return
			}
			c := f.decided(t, err)
			u := f.accepting.Joiner.User
			u.Address, u.UpdatedAt = f.accepting.Invitation.Address, start()
			u.Epoch, u.EpochAt = u.Epoch+1, start() // what somebody prepared under the address is void (A26)
			require.Equal(t, []accounts.User{u}, c.Users, "the name stays, and so does everything else")
			require.Contains(t, c.CancelMail, accounts.LoginReason("ben"))
			require.Equal(t, u.Epoch, out.Login.Epoch)
			require.Equal(t, []accounts.EventKind{invites.EventInvitationAccepted}, kinds(c.Events), "nobody is new")
			require.Equal(t, accounts.UserID("ben"), out.Login.User)
		})
	}
}

func TestDecline_Decision(t *testing.T) {
	t.Parallel()
	link, id := invites.Answer{Link: theLink()}, invites.Answer{Account: "acme", Invitation: "the-invitation"}
	ben := (*facts).ben
	nobody := func(*facts) accounts.Actor { return accounts.Actor{} }
	other := func(f *facts) { f.accepting.Joiner.User.Email = "eve@example.com" }
	for _, tt := range []struct {
		name    string
		as      func(f *facts) accounts.Actor
		in      invites.Answer
		given   func(f *facts)
		want    error
		refusal string
	}{
		{name: "whoever holds the link declines", as: nobody, in: link},
		{name: "the invited person declines by the link", as: ben, in: link},
		{name: "the invited person declines by the id", as: ben, in: id},
		{name: "nobody declines by the id", as: nobody, in: id, want: accounts.ErrNotFound},
		{name: "somebody else signed in does not by the link (A06)", as: ben, in: link, given: other, want: invites.ErrOtherAddress, refusal: accounts.RefusedToken},
		{name: "somebody else signed in does not by the id", as: ben, in: id, given: other, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "an address that is not proven does not (A07)", as: ben, in: id, given: func(f *facts) { f.accepting.Joiner.User.Proven = false }, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
		{name: "a session of an ended epoch does not", as: ben, in: link, given: func(f *facts) { f.accepting.Joiner.User.Epoch++ }, want: accounts.ErrStepUp},
		{name: "an expired one is unknown to the link", as: nobody, in: link, given: func(f *facts) { f.accepting.Invitation.ExpiresAt = start() }, want: accounts.ErrNotFound},
		{name: "an expired one is expired to the invited person", as: ben, in: link, given: func(f *facts) { f.accepting.Invitation.ExpiresAt = start() }, want: accounts.ErrExpired, refusal: accounts.RefusedToken},
		{name: "a void one is unknown to the link", as: nobody, in: link, given: func(f *facts) { f.accepting.Inviter.User.Suspensions++ }, want: accounts.ErrNotFound},
		{name: "a declined one is settled", as: ben, in: id, given: func(f *facts) { f.accepting.Invitation.State = invites.Declined }, want: invites.ErrUsed, refusal: accounts.RefusedToken},
		{name: "an accepted one is unknown to the link", as: nobody, in: link, given: func(f *facts) { f.accepting.Invitation.State = invites.Accepted }, want: accounts.ErrNotFound},
		{name: "one of a closed account is unknown", as: ben, in: link, given: func(f *facts) { f.accepting.Account.ClosedAt = start() }, want: accounts.ErrNotFound, refusal: accounts.RefusedToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacts()
			if tt.given != nil {
				tt.given(f)
			}
			actor := tt.as(f)
			err := f.service(t).Decline(t.Context(), actor, tt.in)
			if tt.want != nil {
				f.undecided(t, err, tt.want, tt.refusal)
				return
			}
			c := f.decided(t, err)
			i := f.accepting.Invitation
			i.State, i.User, i.DecidedAt, i.UpdatedAt = invites.Declined, actor.User(), start(), start()
			require.Equal(t, []invites.Invitation{i}, c.Invitations)
			require.Equal(t, []accounts.EventKind{invites.EventInvitationDeclined}, kinds(c.Events))
			require.Equal(t, []string{mail.InvitationDeclined}, mailKinds(c.Mail))
			require.True(t, hasGuard(c, accounts.Guard{Account: "acme", Version: accountVersion}), "the account is still there to be told")
			require.True(t, hasGuard(c, accounts.Guard{User: "ann", Epoch: 12}), "and so is the inviter")
			require.Equal(t, "ann@example.com", c.Mail[0].To)
			require.Empty(t, c.Memberships)
			require.Empty(t, c.Users)
		})
	}
}
