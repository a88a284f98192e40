package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// together runs functions at once and returns their errors in their order.
func together(do ...func() error) []error {
	errs := make([]error, len(do))
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i, f := range do {
		all.Go(func() {
			<-begin
			errs[i] = f()
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// Sixteen approvals of one request make one connection, one event and one
// success (A01, A45, I-12).
func TestRace_ApproveSixteenTimes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		hook func() hook
	}{
		{"by chance", func() hook { return nil }},
		{"all having read before the first writes", func() hook { return gate(16) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("cleo@example.com")
			link := w.link("cleo@example.com")
			var do []func() error
			for i := range 16 {
				at := []accounts.AccountID{"willow", "rose"}[i%2]
				cleo, in := w.as("cleo", at), byLink(link, at)
				if i%4 > 1 {
					in = byID(id, at)
				}
				do = append(do, func() error {
					_, err := w.requests.Approve(w.Context(), cleo, in, roles.Viewer)
					return err
				})
			}
			w.st.on(tt.hook())
			won := 0
			for i, err := range together(do...) {
				switch {
				case err == nil:
					won++
				case i%4 > 1:
					require.ErrorIs(t, err, access.ErrDecided)
				default:
					require.ErrorIs(t, err, accounts.ErrNotFound)
				}
			}
			require.Equal(t, 1, won)
			require.Equal(t, 1, w.count(access.EventRequestApproved))
			require.NotEqual(t, w.connected("willow", "north"), w.connected("rose", "north"))
		})
	}
}

// An approval against each other transition: one wins, and the connection is
// there if and only if it was the approval (A45, I-12, I-13). Each pair runs
// by chance, and as two fixed interleavings: the other one between the reads
// and the write of the approval, and the approval between those of the other.
func TestRace_ApproveAgainst(t *testing.T) {
	t.Parallel()
	type race struct {
		w             *world
		id            accounts.RequestID
		cleo, other   accounts.Actor
		plan          access.Plan
		approve, them func() error
	}
	rivals := []struct {
		name string
		who  accounts.UserID
		at   accounts.AccountID
		run  func(r *race) error
		want access.RequestState // when the rival was first
		lost error               // the rival's answer when the approval was first
	}{
		{"a withdrawal", "max", "north", func(r *race) error {
			return r.w.requests.Withdraw(r.w.Context(), r.other, "north", r.id)
		}, access.Withdrawn, access.ErrDecided},
		{"a decline", "cleo", "rose", func(r *race) error {
			return r.w.requests.Decline(r.w.Context(), r.other, byID(r.id, "rose"), "")
		}, access.Declined, access.ErrDecided},
		{"a resend", "max", "north", func(r *race) error {
			return r.w.requests.Resend(r.w.Context(), r.other, access.Resend{Agency: "north", Request: r.id})
		}, access.Approved, access.ErrDecided}, // who resends does not settle it, so the approval by id still wins
		{"a disabling", "ann", "north", func(r *race) error {
			return r.w.requests.DisableClientAccess(r.w.Context(), r.other, "north", r.plan.Confirm)
		}, access.Ended, access.ErrPlanChanged},
	}
	begin := func(t *testing.T, who accounts.UserID, at accounts.AccountID, run func(*race) error) *race {
		t.Helper()
		r := &race{w: newWorld(t)}
		r.id = r.w.send("cleo@example.com")
		r.w.clock.Add(time.Hour) // so that it can be resent
		r.cleo, r.other = r.w.as("cleo", "willow"), r.w.as(who, at)
		var err error
		r.plan, err = r.w.requests.PlanDisableClientAccess(t.Context(), r.w.as("ann", "north"), "north")
		require.NoError(t, err)
		r.approve = func() error {
			_, err := r.w.requests.Approve(r.w.Context(), r.cleo, byID(r.id, "willow"), roles.Admin)
			return err
		}
		r.them = func() error { return run(r) }
		return r
	}
	holds := func(t *testing.T, r *race, approved bool) {
		t.Helper()
		require.Equal(t, approved, r.w.connected("willow", "north"))
		n := 0
		if approved {
			n = 1
		}
		require.Equal(t, n, r.w.count(access.EventRequestApproved))
		require.Equal(t, approved, r.w.stored(r.id).Request.State == access.Approved)
		require.Equal(t, approved, r.w.role("mia", "willow") == roles.Admin)
	}
	for _, rival := range rivals {
		t.Run(rival.name+" that comes between the reads and the write of an approval", func(t *testing.T) {
			t.Parallel()
			r := begin(t, rival.who, rival.at, rival.run)
			r.w.st.on(before(func() { require.NoError(t, r.them()) }))
			err := r.approve()
			if rival.want == access.Approved {
				require.NoError(t, err)
				holds(t, r, true)
				return
			}
			require.ErrorIs(t, err, access.ErrDecided)
			require.Equal(t, rival.want, r.w.state(r.id))
			holds(t, r, false)
		})
		t.Run("an approval that comes between the reads and the write of "+rival.name, func(t *testing.T) {
			t.Parallel()
			r := begin(t, rival.who, rival.at, rival.run)
			r.w.st.on(before(func() { require.NoError(t, r.approve()) }))
			require.ErrorIs(t, r.them(), rival.lost)
			holds(t, r, true)
		})
		t.Run("an approval and "+rival.name+" at once", func(t *testing.T) {
			t.Parallel()
			for range 10 {
				r := begin(t, rival.who, rival.at, rival.run)
				errs := together(r.approve, r.them)
				if rival.want != access.Approved {
					require.NotEqual(t, errs[0] == nil, errs[1] == nil, "one wins: %v", errs)
				}
				holds(t, r, errs[0] == nil)
			}
		})
	}

	t.Run("an approval whose reading began before 7 days had passed is decided by the moment it began", func(t *testing.T) {
		t.Parallel()
		r := begin(t, "max", "north", func(*race) error { return nil })
		r.w.clock.Set(start().Add(week - time.Microsecond))
		r.cleo = r.w.as("cleo", "willow")
		r.w.st.on(before(func() { r.w.clock.Add(time.Second) }))
		require.NoError(t, r.approve())
		holds(t, r, true)
		require.True(t, r.w.stored(r.id).Request.DecidedAt.Before(r.w.stored(r.id).Request.ExpiresAt))
	})
}

// However many processes spend it, the day's quota is spent exactly: no
// request too many, and none lost (A79, I-14).
func TestRace_OneQuota(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		hook hook
	}{{"by chance", nil}, {"all having read before the first writes", gate(8)}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			sent := make([]int, 8)
			var do []func() error
			for i := range 8 {
				mia := w.as("mia", "north")
				var list []string
				for j := range 7 {
					list = append(list, fmt.Sprintf("p%d-%d@example.com", i, j))
				}
				do = append(do, func() error {
					out, err := w.requests.Send(ctx, mia, access.Batch{Agency: "north", Addresses: strings.Join(list, ",")})
					for _, a := range out.Answers {
						if a.Outcome == access.Sent {
							sent[i]++
						} else if a.Outcome != access.OverLimit {
							return fmt.Errorf("%s: %s", a.Input, a.Outcome)
						}
					}
					return err
				})
			}
			w.st.on(tt.hook) // after the logins, which write too
			for _, err := range together(do...) {
				require.NoError(t, err)
			}
			total := 0
			for _, n := range sent {
				total += n
			}
			require.Equal(t, 35, total)
			require.Equal(t, 35, w.used())
			require.Equal(t, 35, w.count(access.EventRequestSent))
			require.Equal(t, 35, w.flush().Sent)
		})
	}
}

// One recipient's limit holds against many agencies at once (A81), and one
// address gets one pending request of an agency (I-02).
func TestRace_OneRecipient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mia, sue := w.as("mia", "north"), w.as("sue", "south")
	var do []func() error
	for range 4 {
		for _, s := range []struct {
			actor  accounts.Actor
			agency accounts.AccountID
		}{{mia, "north"}, {sue, "south"}} {
			do = append(do, func() error {
				out, err := w.requests.Send(w.Context(), s.actor, access.Batch{Agency: s.agency, Addresses: "a@example.com"})
				if err == nil && out.Sent == 0 && out.Answers[0].Outcome != access.AlreadyPending {
					err = errors.New(string(out.Answers[0].Outcome))
				}
				return err
			})
		}
	}
	w.st.on(gate(len(do)))
	for _, err := range together(do...) {
		require.NoError(t, err)
	}
	require.Equal(t, 2, w.count(access.EventRequestSent))
	require.Equal(t, 1, w.used())
}

// Of racing switches with one secret, one wins; the others are not signed in
// with it any more (A60, I-18).
func TestRace_Switch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.login("mia")
	w.st.on(gate(8))
	fresh := make([]string, 8)
	var do []func() error
	for i := range 8 {
		do = append(do, func() error {
			s, _, err := w.sessions.Switch(w.Context(), secret, "north")
			fresh[i] = s.Reveal()
			return err
		})
	}
	won := 0
	for i, err := range together(do...) {
		if err == nil {
			won++
			require.NoError(t, w.try(fresh[i], "north"))
			continue
		}
		require.ErrorIs(t, err, access.ErrNoSession)
		require.Empty(t, fresh[i])
	}
	require.Equal(t, 1, won)
	require.ErrorIs(t, w.try(secret, ""), access.ErrNoSession)
	require.Equal(t, 1, w.count(access.EventSessionSwitched))
}

// A session that ends while it is switched stays ended, whichever is first.
func TestRace_SwitchAgainstEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, secret string) error{
		"a sign-out":             func(w *world, secret string) error { return w.sessions.SignOut(w.Context(), secret) },
		"an end of all sessions": func(w *world, _ string) error { return w.sessions.EndAll(w.Context(), job, "mia") },
		"a suspension of the user": func(w *world, _ string) error {
			return w.svc.SuspendUser(w.Context(), accounts.Operator("a", "b"), "mia")
		},
	} {
		t.Run(name+" between the reads and the write of a switch holds", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			secret := w.login("mia")
			w.st.on(before(func() { require.NoError(t, end(w, secret)) }))
			fresh, _, err := w.sessions.Switch(w.Context(), secret, "north")
			if err == nil {
				secret = fresh.Reveal()
			}
			require.ErrorIs(t, w.try(secret, ""), access.ErrNoSession)
		})
	}
}

// One key used by many at once is one execution and one answer (A97).
func TestRace_OneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mia := w.as("mia", "north")
	w.st.on(gate(8))
	answers := make([]access.BatchAnswer, 8)
	var do []func() error
	for i := range 8 {
		do = append(do, func() (err error) {
			answers[i], err = w.requests.Send(w.Context(), mia, access.Batch{Agency: "north", Addresses: "a@example.com,b@example.com", Key: "key"})
			return err
		})
	}
	for i, err := range together(do...) {
		require.NoError(t, err)
		require.Equal(t, answers[0], answers[i])
	}
	require.Equal(t, 2, w.used())
}

// A right that is lost between the reads and the write of an operation is not
// used any more: what was decided on rests on the account as it was (A15, A37,
// I-07).
func TestRace_RightLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		at   accounts.AccountID
		who  accounts.UserID
		by   accounts.UserID
		run  func(w *world, actor accounts.Actor, id accounts.RequestID) error
	}{
		{"sending", "north", "mia", "ann", func(w *world, actor accounts.Actor, _ accounts.RequestID) error {
			_, err := w.requests.Send(w.Context(), actor, access.Batch{Agency: "north", Addresses: "a@example.com"})
			return err
		}},
		{"resending", "north", "mia", "ann", func(w *world, actor accounts.Actor, id accounts.RequestID) error {
			return w.requests.Resend(w.Context(), actor, access.Resend{Agency: "north", Request: id})
		}},
		{"withdrawing", "north", "mia", "ann", func(w *world, actor accounts.Actor, id accounts.RequestID) error {
			return w.requests.Withdraw(w.Context(), actor, "north", id)
		}},
		{"approving", "willow", "carl", "cleo", func(w *world, actor accounts.Actor, id accounts.RequestID) error {
			_, err := w.requests.Approve(w.Context(), actor, byID(id, "willow"), roles.Viewer)
			return err
		}},
		{"declining", "willow", "carl", "cleo", func(w *world, actor accounts.Actor, id accounts.RequestID) error {
			return w.requests.Decline(w.Context(), actor, byID(id, "willow"), "")
		}},
		{"disabling", "north", "adam", "ann", func(w *world, actor accounts.Actor, _ accounts.RequestID) error {
			plan, err := w.requests.PlanDisableClientAccess(w.Context(), actor, "north")
			require.NoError(w, err)
			return w.requests.DisableClientAccess(w.Context(), actor, "north", plan.Confirm)
		}},
	} {
		t.Run(tt.name+" is refused to somebody who loses the role meanwhile", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("carl@example.com")
			w.clock.Add(time.Hour)
			actor, boss := w.as(tt.who, tt.at), w.as(tt.by, tt.at)
			was := w.stored(id).Request
			w.st.on(before(func() {
				require.NoError(t, w.svc.ChangeRole(w.Context(), boss, tt.at, tt.who, roles.Author))
			}))
			require.ErrorIs(t, tt.run(w, actor, id), roles.ErrDenied)
			require.Equal(t, was, w.stored(id).Request)
			require.Equal(t, 1, w.used())
			require.Len(t, w.refusals(), 1)
			require.False(t, w.connected("willow", "north"))
			require.Zero(t, w.count(access.EventAccessDisabled))
		})
	}
}

// A request that is sent while client access is being disabled was not shown,
// so nothing ends before it was (A55).
func TestRace_SendAgainstDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, mia := w.as("ann", "north"), w.as("mia", "north")
	plan, err := w.requests.PlanDisableClientAccess(t.Context(), ann, "north")
	require.NoError(t, err)
	var id accounts.RequestID
	w.st.on(before(func() {
		out, err := w.requests.Send(t.Context(), mia, access.Batch{Agency: "north", Addresses: "cleo@example.com"})
		require.NoError(t, err)
		id = out.Answers[0].Request
	}))
	err = w.requests.DisableClientAccess(t.Context(), ann, "north", plan.Confirm)
	w.st.on(nil)
	var changed *access.PlanChangedError
	require.ErrorAs(t, err, &changed)
	require.Equal(t, access.Pending, w.state(id))
	require.Equal(t, id, changed.Plan.Requests[0].Request)
	require.NoError(t, w.requests.DisableClientAccess(t.Context(), ann, "north", changed.Plan.Confirm))
	require.Zero(t, w.flush().Sent, "its mail is cancelled")
	for range 2 {
		require.Equal(t, access.Ended, w.state(id))
		_, err = w.requests.Approve(t.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Viewer)
		require.ErrorIs(t, err, access.ErrDecided)
		list, err := w.requests.Addressed(t.Context(), w.as("cleo", "willow"))
		require.NoError(t, err)
		require.Empty(t, list)
		w.enable("north", "ann")
	}
	require.NotEqual(t, id, w.send("cleo@example.com"), "and it blocks no successor")
	require.Equal(t, access.Ended, w.stored(id).Request.State)

	t.Run("a sending that read before the disabling sends nothing", func(t *testing.T) {
		w := newWorld(t)
		mia := w.as("mia", "north")
		w.st.on(before(func() { w.disable() }))
		_, err := w.requests.Send(t.Context(), mia, access.Batch{Agency: "north", Addresses: "cleo@example.com"})
		require.ErrorIs(t, err, accounts.ErrInvalid)
		require.Zero(t, w.used())
	})
}
