package invites_test

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// duel is an acceptance and another change that cannot both have their way.
type duel struct {
	*world
	i          invites.Invitation
	link       string
	ben        accounts.Actor
	graph      *accounts.Service // on the store that the test holds up
	olga, adam accounts.Actor
	logins     *access.Logins
	address    string // the link that gives ben another address
}

func newDuel(t testing.TB) *duel {
	t.Helper()
	table := accounts.PlanTable{Plans: map[string]accounts.Plan{
		"": {Roles: []roles.Role{roles.Admin, roles.Manager, roles.Viewer}, Seats: 7}, "small": {Roles: []roles.Role{roles.Admin}, Seats: 5},
		"plain": {Roles: []roles.Role{roles.Viewer}},
	}}
	d := &duel{world: newWorld(t, func(o *accounts.EnvOptions) { o.Policy = table })}
	d.i, d.link = d.invited("amy", "ben@example.com", roles.Admin)
	d.clock.Add(time.Hour) // so that it can be resent
	d.ben, d.olga, d.adam = d.as("ben"), d.as("olga"), d.as("adam")
	d.graph = d.world.graph.With(d.st)
	var err error
	d.logins, err = access.NewLogins(d.st, d.env, &access.LoginOptions{Hasher: hasher(), Passwords: policy()})
	require.NoError(t, err)
	require.NoError(t, d.logins.AskAddress(t.Context(), d.ben, "other@example.com"))
	for _, m := range d.letters() {
		if url, ok := mailtest.Link(m, "https://app.example/address/change/"); ok {
			d.address = path.Base(url)
		}
	}
	require.NotEmpty(t, d.address)
	return d
}

func (d *duel) accept() error {
	return ignore(d.inv.Accept(d.Context(), d.ben, invites.Answer{Link: d.link}))
}

func (d *duel) put(u accounts.PutUser) error { return ignore(d.graph.PutUser(d.Context(), job, u)) }

func (d *duel) plan(name string) error {
	return d.graph.UpdateAccount(d.Context(), job, accounts.UpdateAccount{ID: "acme", Plan: &name})
}

// rival is what else happens to an invitation that ben accepts.
type rival struct {
	name  string
	run   func(d *duel) error
	want  error         // the acceptance, when the rival was first
	state invites.State // and what became of the invitation then
	lost  error         // the rival, when the acceptance was first; nil: it has its way as well
	after roles.Role    // what ben is when the acceptance was first; "-": nothing
}

func rivals() []rival {
	return []rival{
		{"a decline", func(d *duel) error {
			return d.inv.Decline(d.Context(), accounts.Actor{}, invites.Answer{Link: d.link})
		}, invites.ErrUsed, invites.Declined, accounts.ErrNotFound, roles.Admin},
		{"a decline by ben in another window", func(d *duel) error {
			return d.inv.Decline(d.Context(), d.ben, byID(d.i))
		}, invites.ErrUsed, invites.Declined, invites.ErrUsed, roles.Admin},
		{"a revocation", func(d *duel) error {
			return d.inv.Revoke(d.Context(), d.adam, "acme", d.i.ID)
		}, invites.ErrUsed, invites.Revoked, invites.ErrUsed, roles.Admin},
		{"a resend", func(d *duel) error {
			return ignore(d.inv.Resend(d.Context(), d.adam, invites.Resend{Account: "acme", Invitation: d.i.ID}))
		}, accounts.ErrNotFound, invites.Pending, invites.ErrUsed, roles.Admin},
		{"the inviter's removal", func(d *duel) error {
			return d.graph.RemoveMember(d.Context(), d.olga, "acme", "amy")
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"the inviter's leaving", func(d *duel) error {
			return d.graph.Leave(d.Context(), d.as("amy"), "acme")
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"the inviter's demotion", func(d *duel) error {
			return d.graph.ChangeRole(d.Context(), d.olga, "acme", "amy", roles.Manager)
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"the inviter's suspension here", func(d *duel) error {
			return d.graph.SuspendMember(d.Context(), d.olga, "acme", "amy")
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"the inviter's suspension everywhere", func(d *duel) error {
			return d.graph.SuspendUser(d.Context(), staff, "amy")
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"the inviter's end", func(d *duel) error {
			return d.graph.EraseUser(d.Context(), staff, "amy")
		}, invites.ErrVoid, invites.Void, nil, roles.Admin},
		{"a plan with fewer seats", func(d *duel) error { return d.plan("small") }, accounts.ErrSeats, invites.Pending, nil, roles.Admin},
		{"a plan without the role", func(d *duel) error { return d.plan("plain") }, accounts.ErrInvalid, invites.Pending, nil, roles.Admin},
		{"a suspension of the account", func(d *duel) error {
			return d.graph.SuspendAccount(d.Context(), staff, "acme")
		}, accounts.ErrNotFound, invites.Pending, nil, "-"},
		{"an end of the account", func(d *duel) error {
			return d.graph.CloseAccount(d.Context(), d.olga, "acme")
		}, accounts.ErrNotFound, invites.Pending, nil, "-"},
		{"another address of ben's", func(d *duel) error {
			return d.logins.ConfirmAddress(d.Context(), d.ben, d.address)
		}, invites.ErrOtherAddress, invites.Pending, nil, roles.Admin},
		{"another address that the host gives ben", func(d *duel) error {
			return d.put(accounts.PutUser{ID: "ben", Name: "Ben", Email: "other@example.com", Proven: true})
		}, accounts.ErrStepUp, invites.Pending, nil, roles.Admin},
		{"an address of ben's that is proven no more", func(d *duel) error {
			return d.put(accounts.PutUser{ID: "ben", Name: "Ben", Email: "ben@example.com"})
		}, invites.ErrUnproven, invites.Pending, nil, roles.Admin},
		{"ben's end", func(d *duel) error {
			return d.graph.EraseUser(d.Context(), staff, "ben")
		}, accounts.ErrStepUp, invites.Revoked, nil, "-"},
		{"ben's suspension everywhere", func(d *duel) error {
			return d.graph.SuspendUser(d.Context(), staff, "ben")
		}, accounts.ErrStepUp, invites.Pending, nil, "-"},
		{"ben's being added by the host", func(d *duel) error {
			return d.graph.AddMember(d.Context(), job, "acme", "ben", roles.Viewer)
		}, accounts.ErrTaken, invites.Pending, accounts.ErrInvalid, roles.Admin},
	}
}

// An acceptance against each change that it rests on, or that rests on it: of
// the two one was first, and the other saw it. Ben is a member by the
// invitation if and only if it says accepted, with one event and with what the
// inviter could give at that moment. Each pair runs as two fixed interleavings
// and by chance (A04, A15, A17, A45, I-06, I-08).
func TestRace_AcceptAgainst(t *testing.T) {
	t.Parallel()
	accepted := func(t *testing.T, d *duel, yes bool) {
		t.Helper()
		n := 0
		if yes {
			n = 1
		}
		require.Equal(t, n, d.count(invites.EventInvitationAccepted))
		f := d.stored(d.i.ID)
		require.Equal(t, yes, f.Invitation.State == invites.Accepted)
		require.Equal(t, yes, f.Invitation.User == "ben" && f.Invitation.Given == roles.Admin)
	}
	for _, r := range rivals() {
		t.Run(r.name+" that comes between the reads and the write of an acceptance", func(t *testing.T) {
			t.Parallel()
			d := newDuel(t)
			d.st.on(before(func() { require.NoError(t, r.run(d)) }))
			require.ErrorIs(t, d.accept(), r.want)
			d.st.on(nil)
			accepted(t, d, false)
			require.Equal(t, r.state, d.state(d.i.ID))
			require.NotEqual(t, roles.Admin, d.role("ben"))
		})
		t.Run("an acceptance that comes between the reads and the write of "+r.name, func(t *testing.T) {
			t.Parallel()
			d := newDuel(t)
			d.st.on(before(func() { require.NoError(t, d.accept()) }))
			require.ErrorIs(t, r.run(d), r.lost)
			d.st.on(nil)
			accepted(t, d, true)
			if r.after == "-" {
				r.after = ""
			}
			require.Equal(t, r.after, d.role("ben"))
		})
		t.Run("an acceptance and "+r.name+" at once", func(t *testing.T) {
			t.Parallel()
			for range 8 {
				d := newDuel(t)
				errs := together(d.accept, func() error { return r.run(d) })
				accepted(t, d, errs[0] == nil)
				if errs[0] == nil {
					require.True(t, errs[1] == nil || r.lost != nil, "%v", errs)
					continue
				}
				require.NoError(t, errs[1])
				require.ErrorIs(t, errs[0], r.want)
				require.Equal(t, r.state, d.state(d.i.ID))
			}
		})
	}
}

// An owner who stops being one while somebody accepts what they promised gives
// what they have then (A15).
func TestRace_OwnerLosesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, toRole("amy", roles.Owner)(w))
	i := w.invite("amy", "ben@example.com", roles.Owner)
	olga, ben := w.as("olga"), w.as("ben")
	w.st.on(before(func() {
		require.NoError(t, w.graph.ChangeRole(t.Context(), olga, "acme", "amy", roles.Admin))
	}))
	m, err := w.inv.Accept(t.Context(), ben, byID(i))
	require.NoError(t, err)
	require.Equal(t, roles.Admin, m.Role)
	require.Equal(t, roles.Admin, w.stored(i.ID).Invitation.Given)
}

// The same for somebody who joins with a new login: what is taken meanwhile, by
// whatever way, is taken (A12, I-03).
func TestRace_AcceptNewAgainst(t *testing.T) {
	t.Parallel()
	key := accounts.IdentityKey{Issuer: "i", Subject: "s"}
	for _, tt := range []struct {
		name string
		run  func(w *world) error
		in   invites.NewLogin
		want error
	}{
		{"a sign-up with the address", func(w *world) error {
			u := user("new")
			u.Proven = false
			w.put(u, credential("new"))
			return nil
		}, invites.NewLogin{Password: good}, invites.ErrHasLogin},
		{"a first password of the user with the address", func(w *world) error {
			w.put(user("new"))
			_, err := w.joinNew(w.link("new@example.com"))
			return err
		}, invites.NewLogin{Password: good}, accounts.ErrNotFound},
		{"a user with the id", func(w *world) error {
			return ignore(w.graph.PutUser(w.Context(), job, accounts.PutUser{ID: "42"}))
		}, invites.NewLogin{ID: "42", Kept: true}, accounts.ErrTaken},
		{"somebody with the identity", func(w *world) error {
			w.put(accounts.Identity{Issuer: "i", Subject: "s", User: "eve", CreatedAt: start()})
			return nil
		}, invites.NewLogin{Identity: key}, accounts.ErrTaken},
		{"a login at an issuer of lea's", func(w *world) error {
			w.put(w.user("lea"), accounts.Identity{Issuer: "i", Subject: "s", User: "lea", CreatedAt: start()}) // linking writes both
			return nil
		}, invites.NewLogin{ID: "lea", Kept: true}, invites.ErrHasLogin},
		{"a login at the host of lea's", func(w *world) error {
			u := w.user("lea")
			u.Kept = true
			w.put(u)
			return nil
		}, invites.NewLogin{Password: good}, invites.ErrHasLogin},
		{"a phone of lea's", func(w *world) error {
			u := w.user("lea")
			u.Confirms = true
			w.put(u)
			return nil
		}, invites.NewLogin{Password: good}, invites.ErrHasLogin},
		{"a suspension of lea's", func(w *world) error {
			return w.graph.SuspendUser(w.Context(), staff, "lea")
		}, invites.NewLogin{Password: good}, accounts.ErrNotFound},
		{"a revocation", func(w *world) error { return w.revoke("adam", w.last()) }, invites.NewLogin{Password: good}, accounts.ErrNotFound},
		{"the inviter's demotion", toRole("amy", roles.Manager), invites.NewLogin{Password: good}, accounts.ErrNotFound},
		{"the inviter's suspension everywhere", userSuspended("amy"), invites.NewLogin{Password: good}, accounts.ErrNotFound},
		{"an end of the account", func(w *world) error { return w.graph.CloseAccount(w.Context(), w.as("olga"), "acme") }, invites.NewLogin{Password: good}, accounts.ErrNotFound},
	} {
		t.Run(tt.name+" that comes between", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			email := "new@example.com"
			if strings.HasSuffix(tt.name, " of lea's") {
				email = "lea@example.com"
				w.put(user("lea")) // who has no login
			}
			_, tt.in.Link = w.invited("amy", email, roles.Viewer)
			var was string
			w.st.on(before(func() {
				require.NoError(t, tt.run(w))
				was = w.dump()
			}))
			out, err := w.inv.AcceptNew(t.Context(), tt.in)
			w.st.on(nil)
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, out)
			require.Equal(t, was, w.dump())
		})
	}
}

// A right that is lost at any moment of an operation, between its reads or
// before its write, is not used any more (A15, A37, I-07).
func TestRace_RightLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func(w *world, adam accounts.Actor, id accounts.InvitationID) error
	}{
		{"inviting", func(w *world, adam accounts.Actor, _ accounts.InvitationID) error {
			return ignore(w.inv.Invite(w.Context(), adam, invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}))
		}},
		{"resending", func(w *world, adam accounts.Actor, id accounts.InvitationID) error {
			return ignore(w.inv.Resend(w.Context(), adam, invites.Resend{Account: "acme", Invitation: id}))
		}},
		{"revoking", func(w *world, adam accounts.Actor, id accounts.InvitationID) error {
			return w.inv.Revoke(w.Context(), adam, "acme", id)
		}},
	} {
		for name, loss := range map[string]struct {
			do   deed
			want error
		}{
			"a lower role":           {toRole("adam", roles.Manager), roles.ErrDenied},
			"a removal":              {removed("adam"), accounts.ErrNotFound},
			"a suspension here":      {suspended("adam"), accounts.ErrNotFound},
			"an operator's decision": {userSuspended("adam"), accounts.ErrStepUp},
			"a pause of the account": {func(w *world) error { return w.graph.SuspendAccount(w.Context(), staff, "acme") }, accounts.ErrNotFound},
		} {
			for _, point := range []string{"Membership", "User", "Inviting", "ApplyInvites"} {
				t.Run(name+" that comes before the call of "+point+" of "+tt.name, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					i := w.invite("amy", "ben@example.com", roles.Viewer)
					w.clock.Add(time.Hour)
					adam := w.as("adam")
					was := w.stored(i.ID).Invitation
					w.st.on(beforeCall(func(call string) bool { return call == point }, func() { require.NoError(t, loss.do(w)) }))
					require.ErrorIs(t, tt.run(w, adam, i.ID), loss.want)
					w.st.on(nil)
					require.Equal(t, was, w.stored(i.ID).Invitation)
					require.Equal(t, 1, w.count(invites.EventInvited))
					require.Len(t, w.letters(), 1)
				})
			}
		}
	}
}

// A revocation and a resend: what is revoked stays revoked (I-13).
func TestRace_RevokeAgainstResend(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (w *world, id accounts.InvitationID, revoke, resend func() error) {
		t.Helper()
		w = newWorld(t)
		id = w.invite("amy", "new@example.com", roles.Viewer).ID
		w.clock.Add(time.Hour)
		adam := w.as("adam")
		return w, id, func() error { return w.inv.Revoke(t.Context(), adam, "acme", id) }, func() error {
			return ignore(w.inv.Resend(t.Context(), adam, invites.Resend{Account: "acme", Invitation: id}))
		}
	}
	t.Run("a revocation that comes between", func(t *testing.T) {
		t.Parallel()
		w, id, revoke, resend := begin(t)
		w.st.on(before(func() { require.NoError(t, revoke()) }))
		require.ErrorIs(t, resend(), invites.ErrUsed)
		require.Equal(t, invites.Revoked, w.state(id))
		require.Empty(t, w.letters())
	})
	t.Run("a resend that comes between", func(t *testing.T) {
		t.Parallel()
		w, id, revoke, resend := begin(t)
		w.st.on(before(func() { require.NoError(t, resend()) }))
		require.NoError(t, revoke())
		require.Equal(t, invites.Revoked, w.state(id))
		require.Empty(t, w.letters(), "the new link's mail is taken back too")
	})
}
