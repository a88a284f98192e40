package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// busy makes Northlight busy: mia and max work in willow, mia in rose, two
// requests are open, one has expired, one was withdrawn and one declined.
func busy(w *world) (pending []accounts.RequestID) {
	w.Helper()
	w.send("old@example.com")
	w.clock.Add(week)
	w.connect("willow", roles.Admin)
	w.connect("rose", roles.Viewer)
	_, err := w.svc.Assign(w.Context(), w.as("ann", "north"), accounts.Assign{Agency: "north", Client: "willow", User: "max", Role: roles.Author})
	require.NoError(w, err)
	withdrawn, declined := w.send("w@example.com"), w.send("carl@example.com")
	require.NoError(w, w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", withdrawn))
	require.NoError(w, w.requests.Decline(w.Context(), w.as("carl", "willow"), byID(declined, "willow"), ""))
	pending = []accounts.RequestID{w.send("A@example.com"), w.send("b@example.com")}
	w.delegate("sue", "south", "willow")
	w.batch("sue", "south", "b@example.com")
	return pending
}

func TestRequests_PlanDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pending := busy(w)
	want := access.Plan{
		Agency: "north",
		Clients: []access.PlannedClient{
			{Client: "rose", Name: "Rose Garden", Cap: roles.Viewer, Assigned: 1},
			{Client: "willow", Name: "Willow Bakery", Cap: roles.Admin, Assigned: 2},
		},
		Requests: []access.PlannedRequest{
			{Request: pending[0], Address: "A@example.com"},
			{Request: pending[1], Address: "b@example.com"},
		},
	}
	ann := w.as("ann", "north")
	was := w.dump()
	got, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
	require.NoError(t, err)
	require.Equal(t, was, w.dump(), "a plan changes nothing")
	require.NotEmpty(t, got.Confirm)
	want.Confirm = got.Confirm
	require.Equal(t, want, got, "it names exactly what would end")
	again, err := w.requests.PlanDisableClientAccess(t.Context(), w.as("adam", "north"), "north")
	require.NoError(t, err)
	require.Equal(t, got, again)

	for _, tt := range []struct {
		user accounts.UserID
		want error
	}{{"mia", roles.ErrDenied}, {"eve", accounts.ErrNotFound}, {"cleo", accounts.ErrNotFound}} {
		_, err := w.requests.PlanDisableClientAccess(t.Context(), w.principal(w.login(tt.user), "").Actor(), "north")
		require.ErrorIs(t, err, tt.want)
		require.ErrorIs(t, w.requests.DisableClientAccess(t.Context(), w.principal(w.login(tt.user), "").Actor(), "north", got.Confirm), tt.want)
	}
	require.True(t, w.connected("willow", "north"))
}

// Nothing ends that nobody was shown: a plan that is not the present one ends
// nothing, and the answer carries the present one.
func TestRequests_Disable_OldPlan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, pending []accounts.RequestID){
		"a request was sent": func(w *world, _ []accounts.RequestID) { w.send("c@example.com") },
		"a request became a connection": func(w *world, _ []accounts.RequestID) {
			_, err := w.requests.Approve(w.Context(), w.as("eve", "elm"), byLink(w.link("a@example.com"), "elm"), roles.Viewer)
			require.NoError(w, err)
		},
		"a request was replaced": func(w *world, pending []accounts.RequestID) {
			require.NoError(w, w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", pending[1]))
			w.send("b@example.com")
		},
		"client access was disabled and everything made again": func(w *world, _ []accounts.RequestID) {
			w.disable()
			w.enable("north", "ann")
		},
	} {
		t.Run("when "+name+" since, nothing ends", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pending := busy(w)
			old, err := w.requests.PlanDisableClientAccess(t.Context(), w.as("ann", "north"), "north")
			require.NoError(t, err)
			change(w, pending)
			ann := w.as("ann", "north")
			was := w.dump()
			for _, confirm := range []string{old.Confirm, "", "yes"} {
				err = w.requests.DisableClientAccess(t.Context(), ann, "north", confirm)
				require.ErrorIs(t, err, access.ErrPlanChanged)
				require.Equal(t, was, w.dump())
			}
			var changed *access.PlanChangedError
			require.ErrorAs(t, err, &changed)
			now, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
			require.NoError(t, err)
			require.Equal(t, now, changed.Plan)
			require.NoError(t, w.requests.DisableClientAccess(t.Context(), ann, "north", changed.Plan.Confirm))
		})
	}
}

// Disabling wants a login younger than ten minutes; exactly ten is too old.
func TestRequests_Disable_FreshLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.login("ann")
	plan, err := w.requests.PlanDisableClientAccess(t.Context(), w.principal(secret, "north").Actor(), "north")
	require.NoError(t, err)
	w.clock.Add(10 * time.Minute)
	require.ErrorIs(t, w.requests.DisableClientAccess(t.Context(), w.principal(secret, "north").Actor(), "north", plan.Confirm), accounts.ErrStepUp)
	require.Zero(t, w.count(access.EventAccessDisabled))
	w.clock.Add(-time.Microsecond)
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), w.principal(secret, "north").Actor(), "north", plan.Confirm))
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), w.principal(secret, "north").Actor(), "north", ""), "disabling again changes nothing")
	require.Equal(t, 1, w.count(access.EventAccessDisabled))
}

// One change ends every connection, assignment, open request, delegated access
// and unsent mail of the agency, and nothing of anybody else (A55, A87, I-10).
func TestRequests_Disable_EndsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pending := busy(w)
	mia := w.login("mia")
	require.Equal(t, roles.Admin, w.principal(mia, "willow").Role())
	ann := w.as("ann", "north")
	plan, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
	require.NoError(t, err)
	before := w.events()
	writing := 0
	w.st.on(func(call string, do func() error) error {
		if writes(call) {
			writing++
		}
		return do()
	})
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), ann, "north", plan.Confirm))
	require.Equal(t, 1, writing, "it is one change")
	w.st.on(nil)

	for _, client := range []accounts.AccountID{"willow", "rose"} {
		require.False(t, w.connected(client, "north"))
		require.ErrorIs(t, w.try(mia, client), accounts.ErrNotFound, "at the next check (A37)")
	}
	require.Empty(t, w.role("max", "willow"))
	require.Equal(t, roles.Manager, w.principal(mia, "north").Role(), "their own account stays theirs")
	for _, id := range pending {
		require.Equal(t, access.Ended, w.state(id))
	}
	kinds := map[accounts.EventKind]int{}
	for _, e := range w.events()[len(before):] {
		kinds[e.Kind]++
		require.Equal(t, ann.By(), e.By)
	}
	require.Equal(t, map[accounts.EventKind]int{
		access.EventAccessDisabled: 1, access.EventRequestEnded: 2, accounts.EventConnectionEnded: 2,
	}, kinds)

	// Of the agency's own mail nothing is sent any more; the owners are told.
	w.flush()
	got := map[string]int{}
	for _, m := range w.inbox.Messages() {
		got[m.Kind+" "+m.To]++
	}
	require.Equal(t, map[string]int{
		mail.ProgrammeLeft + " cleo@example.com": 1,
		mail.ProgrammeLeft + " rick@example.com": 1,
		mail.AccessApproved + " sue@example.com": 1,
		mail.AccessRequested + " b@example.com":  1, // Southbank's
	}, got)

	require.True(t, w.connected("willow", "south"), "other agencies are untouched")
	require.Equal(t, roles.Admin, w.role("sue", "willow"))
	require.Equal(t, roles.Owner, w.role("cleo", "willow"))
}

// Joining and enabling again brings nothing back, and neither does a new
// connection bring back an assignment (A56).
func TestRequests_Disable_NothingComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pending := busy(w)
	link := w.link("a@example.com")
	mia := w.login("mia")
	w.disable()
	require.ErrorIs(t, w.svc.EnableClientAccess(t.Context(), w.as("ann", "north"), "north"), accounts.ErrInvalid, "joining is needed again")
	w.enable("north", "ann")

	require.False(t, w.connected("willow", "north"))
	require.ErrorIs(t, w.try(mia, "willow"), accounts.ErrNotFound)
	_, err := w.requests.Approve(t.Context(), w.as("eve", "elm"), byLink(link, "elm"), roles.Viewer)
	require.ErrorIs(t, err, accounts.ErrNotFound)
	for _, id := range pending {
		require.Equal(t, access.Ended, w.state(id))
		require.ErrorIs(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}), access.ErrDecided)
	}
	plan, err := w.requests.PlanDisableClientAccess(t.Context(), w.as("ann", "north"), "north")
	require.NoError(t, err)
	require.Empty(t, plan.Clients)
	require.Empty(t, plan.Requests)

	w.clock.Add(day)
	again := w.send("A@example.com")
	require.Equal(t, access.Ended, w.stored(pending[0]).Request.State)
	require.NotEqual(t, pending[0], again, "an ended request never blocks")
	w.connect("willow", roles.Admin)
	require.Equal(t, roles.Admin, w.role("mia", "willow"), "the new request's own assignment")
	require.Empty(t, w.role("max", "willow"), "an assignment of before does not come back")
}

// An approval and a disabling at once: whichever is first, no connection
// outlives the disabling (A45, A55, I-12).
func TestRequests_Disable_AgainstApprove(t *testing.T) {
	t.Parallel()

	t.Run("an approval that read before the disabling connects nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		cleo := w.as("cleo", "willow")
		w.st.on(before(func() { w.disable() }))
		_, err := w.requests.Approve(t.Context(), cleo, byID(id, "willow"), roles.Admin)
		require.ErrorIs(t, err, access.ErrDecided)
		require.False(t, w.connected("willow", "north"))
		require.Zero(t, w.count(access.EventRequestApproved))
		w.st.on(nil)
		w.enable("north", "ann")
		require.False(t, w.connected("willow", "north"))
	})

	t.Run("a disabling that read before the approval ends nothing that was not shown", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		ann, cleo := w.as("ann", "north"), w.as("cleo", "willow")
		plan, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
		require.NoError(t, err)
		w.st.on(before(func() {
			_, err := w.requests.Approve(t.Context(), cleo, byID(id, "willow"), roles.Admin)
			require.NoError(t, err)
		}))
		err = w.requests.DisableClientAccess(t.Context(), ann, "north", plan.Confirm)
		require.ErrorIs(t, err, access.ErrPlanChanged)
		require.True(t, w.connected("willow", "north"))
		require.Zero(t, w.count(access.EventAccessDisabled))
	})

	t.Run("a plan that is read while the account changes is read again", func(t *testing.T) { // A100
		t.Parallel()
		w := newWorld(t)
		ann := w.as("ann", "north")
		moved := false
		w.st.on(func(call string, do func() error) error {
			if call == "Ending" && !moved {
				moved = true
				require.NoError(t, w.svc.AddMember(t.Context(), job, "north", "eve", roles.Viewer))
			}
			return do()
		})
		plan, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
		require.NoError(t, err)
		moved = false
		require.NoError(t, w.svc.RemoveMember(t.Context(), ann, "north", "eve"))
		require.NoError(t, w.requests.DisableClientAccess(t.Context(), ann, "north", plan.Confirm))
	})

	t.Run("an actor who is demoted while the plan is read is shown and ends nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		ann, adam := w.as("ann", "north"), w.as("adam", "north")
		plan, err := w.requests.PlanDisableClientAccess(t.Context(), adam, "north")
		require.NoError(t, err)
		for _, role := range []roles.Role{roles.Manager, roles.Author} {
			moved := false
			w.st.on(func(call string, do func() error) error {
				if call == "Ending" && !moved {
					moved = true
					require.NoError(t, w.svc.ChangeRole(t.Context(), ann, "north", "adam", role))
				}
				return do()
			})
			if role == roles.Manager {
				require.ErrorIs(t, w.requests.DisableClientAccess(t.Context(), adam, "north", plan.Confirm), roles.ErrDenied)
				require.NoError(t, w.svc.ChangeRole(t.Context(), ann, "north", "adam", roles.Admin))
				continue
			}
			none, err := w.requests.PlanDisableClientAccess(t.Context(), adam, "north")
			require.ErrorIs(t, err, roles.ErrDenied)
			require.Zero(t, none)
		}
		require.Zero(t, w.count(access.EventAccessDisabled))
	})
}

// The confirmation of an earlier time is none, even when the list is as short
// as it was then.
func TestRequests_Disable_EarlierConfirmation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := func() access.Plan {
		p, err := w.requests.PlanDisableClientAccess(t.Context(), w.as("ann", "north"), "north")
		require.NoError(t, err)
		require.Empty(t, p.Clients)
		require.Empty(t, p.Requests)
		return p
	}
	old := plan()
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), w.as("ann", "north"), "north", old.Confirm))
	w.enable("north", "ann")
	require.ErrorIs(t, w.requests.DisableClientAccess(t.Context(), w.as("ann", "north"), "north", old.Confirm), access.ErrPlanChanged)
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), w.as("ann", "north"), "north", plan().Confirm))
}

// A request that had expired when client access was disabled is over for good:
// no resend revives it (A56).
func TestRequests_Disable_ExpiredIsNotRevived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	w.clock.Add(8 * 24 * time.Hour)
	w.disable()
	w.enable("north", "ann")
	require.ErrorIs(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}), access.ErrDecided)
	require.Equal(t, access.Ended, w.state(id))
}

// A request that is resent while client access is being disabled was not shown
// as pending, so nothing ends before it was (A55).
func TestRace_ResendAgainstDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	w.clock.Add(8 * 24 * time.Hour)
	ann, mia := w.as("ann", "north"), w.as("mia", "north")
	plan, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
	require.NoError(t, err)
	require.Empty(t, plan.Requests)
	w.st.on(before(func() {
		require.NoError(t, w.requests.Resend(t.Context(), mia, access.Resend{Agency: "north", Request: id}))
	}))
	err = w.requests.DisableClientAccess(t.Context(), ann, "north", plan.Confirm)
	w.st.on(nil)
	require.ErrorIs(t, err, access.ErrPlanChanged)
	require.Equal(t, access.Pending, w.state(id))
}

// What somebody began is stopped when they are suspended, or all their
// sessions end, before it is durable (A74, I-19): here between the reading and
// the writing of an approval, a batch and a disabling.
func TestRace_SuspendedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(w *world, user accounts.UserID) error{
		"suspended": func(w *world, user accounts.UserID) error {
			return w.svc.SuspendUser(w.Context(), accounts.Operator("kim", "ticket 7"), user)
		},
		"signed out everywhere": func(w *world, user accounts.UserID) error { return w.sessions.EndAll(w.Context(), job, user) },
	} {
		for what, act := range map[string]struct {
			user accounts.UserID
			at   accounts.AccountID
			do   func(w *world, a accounts.Actor, id accounts.RequestID) error
		}{
			"an approval": {"cleo", "willow", func(w *world, a accounts.Actor, id accounts.RequestID) error {
				_, err := w.requests.Approve(w.Context(), a, byID(id, "willow"), roles.Admin)
				return err
			}},
			"a batch": {"mia", "north", func(w *world, a accounts.Actor, _ accounts.RequestID) error {
				_, err := w.requests.Send(w.Context(), a, access.Batch{Agency: "north", Addresses: "z@example.com"})
				return err
			}},
			"another owner": {"ann", "north", func(w *world, a accounts.Actor, _ accounts.RequestID) error {
				return w.svc.With(w.st).ChangeRole(w.Context(), a, "north", "mia", roles.Owner)
			}},
		} {
			t.Run(what+" of somebody "+name+" meanwhile is refused", func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.send("cleo@example.com")
				actor := w.as(act.user, act.at)
				used := w.used()
				w.st.on(before(func() { require.NoError(t, stop(w, act.user)) }))
				err := act.do(w, actor, id)
				w.st.on(nil)
				require.ErrorIs(t, err, accounts.ErrStepUp)
				require.False(t, w.connected("willow", "north"))
				require.Equal(t, used, w.used())
				require.NotEqual(t, roles.Owner, w.role("mia", "north"))
			})
		}
	}
}

// Somebody whose own access is being taken away gives nobody else any: an
// assignment is decided under a guard that taking one moves (I-07).
func TestRace_AssignerUnassigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Admin)
	mia := w.as("mia", "north")
	w.st.on(before(func() {
		_, err := w.svc.Unassign(t.Context(), w.as("ann", "north"), accounts.ConnectionKey{Client: "willow", Agency: "north"}, "mia")
		require.NoError(t, err)
	}))
	_, err := w.svc.With(w.st).Assign(t.Context(), mia, accounts.Assign{Agency: "north", Client: "willow", User: "max", Role: roles.Admin})
	w.st.on(nil)
	require.ErrorIs(t, err, roles.ErrDenied)
	require.Equal(t, roles.Role(""), w.role("max", "willow"))
}
