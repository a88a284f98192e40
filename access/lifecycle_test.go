package access_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Each transition of a request, tried in each state, by link and by id. To who
// holds a link, everything that is no open request is one answer; who knows
// the id is told why (I-13).
func TestRequest_Transitions(t *testing.T) {
	t.Parallel()
	states := []struct {
		name string
		into func(w *world, id accounts.RequestID)
		want access.RequestState
	}{
		{"pending", func(w *world, _ accounts.RequestID) { w.clock.Add(2 * time.Hour) }, access.Pending},
		{"pending a microsecond before 7 days", func(w *world, _ accounts.RequestID) { w.clock.Add(week - time.Microsecond) }, access.Pending},
		{"expired exactly at 7 days", func(w *world, _ accounts.RequestID) { w.clock.Add(week) }, access.Expired},
		{"declined", func(w *world, id accounts.RequestID) {
			require.NoError(w, w.requests.Decline(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), ""))
		}, access.Declined},
		{"withdrawn", func(w *world, id accounts.RequestID) {
			require.NoError(w, w.requests.Withdraw(w.Context(), w.as("max", "north"), "north", id))
		}, access.Withdrawn},
		{"approved", func(w *world, id accounts.RequestID) {
			_, err := w.requests.Approve(w.Context(), w.as("cleo", "rose"), byID(id, "rose"), roles.Viewer)
			require.NoError(w, err)
		}, access.Approved},
		{"ended by disabling", func(w *world, _ accounts.RequestID) { w.disable() }, access.Ended},
		{"ended by disabling, with client access enabled again", func(w *world, _ accounts.RequestID) {
			w.disable()
			w.enable("north", "ann")
		}, access.Ended},
		{"expired, its end written by a successor", func(w *world, _ accounts.RequestID) {
			w.clock.Add(week)
			w.send("cleo@example.com")
		}, access.Expired},
	}
	byIDError := map[access.RequestState]error{
		access.Expired: accounts.ErrExpired, access.Declined: access.ErrDecided, access.Withdrawn: access.ErrDecided,
		access.Approved: access.ErrDecided, access.Ended: access.ErrDecided,
	}
	transitions := []struct {
		name   string
		run    func(w *world, id accounts.RequestID, link string) error
		ours   bool // by the agency
		linked bool // by the link
	}{
		{"withdrawing", func(w *world, id accounts.RequestID, _ string) error {
			return w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", id)
		}, true, false},
		{"approving by id", func(w *world, id accounts.RequestID, _ string) error {
			_, err := w.requests.Approve(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Manager)
			return err
		}, false, false},
		{"approving by link", func(w *world, _ accounts.RequestID, link string) error {
			_, err := w.requests.Approve(w.Context(), w.as("carl", "willow"), byLink(link, "willow"), roles.Manager)
			return err
		}, false, true},
		{"declining by id", func(w *world, id accounts.RequestID, _ string) error {
			return w.requests.Decline(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), "")
		}, false, false},
		{"declining by link", func(w *world, _ accounts.RequestID, link string) error {
			return w.requests.Decline(w.Context(), w.as("carl", "willow"), byLink(link, "willow"), "")
		}, false, true},
		{"peeking", func(w *world, _ accounts.RequestID, link string) error {
			_, err := w.requests.Peek(w.Context(), link)
			return err
		}, false, true},
	}
	for _, s := range states {
		for _, tr := range transitions {
			t.Run(fmt.Sprintf("%s a request that is %s", tr.name, s.name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.send("cleo@example.com")
				link := w.link("cleo@example.com")
				s.into(w, id)
				require.Equal(t, s.want, w.state(id))
				was := w.stored(id).Request
				err := tr.run(w, id, link)
				want := byIDError[s.want]
				if want != nil && tr.linked {
					want = accounts.ErrNotFound
				}
				if tr.ours && s.name == "ended by disabling" {
					want = access.ErrDecided
				}
				if want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, want)
				if tr.linked {
					require.Equal(t, accounts.ErrNotFound.Error(), err.Error(), "one answer, in the same words")
				}
				require.Equal(t, was, w.stored(id).Request)
				require.False(t, w.connected("willow", "north"))
			})
		}
		t.Run("resending a request that is "+s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("cleo@example.com")
			s.into(w, id)
			err := w.requests.Resend(w.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id})
			switch {
			case s.want == access.Pending, s.name == "expired exactly at 7 days": // only a resend leaves it
				require.NoError(t, err)
				require.Equal(t, access.Pending, w.state(id))
				require.Equal(t, w.env.Now().Add(week), w.stored(id).Request.ExpiresAt)
			case s.name == "ended by disabling":
				require.ErrorIs(t, err, accounts.ErrInvalid, "an account that is no agency mails nobody")
			default:
				require.ErrorIs(t, err, access.ErrDecided)
			}
		})
	}
}

// disable has ann end Northlight's client access.
func (w *world) disable() {
	w.Helper()
	ann := w.as("ann", "north")
	plan, err := w.requests.PlanDisableClientAccess(w.Context(), ann, "north")
	require.NoError(w, err)
	require.NoError(w, w.requests.DisableClientAccess(w.Context(), ann, "north", plan.Confirm))
}

// After a resend only the newest link works; the older ones, and any at all
// after an end, get the answer of links that never were (A03, A04).
func TestRequests_Resend_Links(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	links := []string{w.link("cleo@example.com")}
	for range 2 {
		w.clock.Add(time.Hour)
		require.NoError(t, w.requests.Resend(t.Context(), w.as("max", "north"), access.Resend{Agency: "north", Request: id}))
		links = append(links, w.link("cleo@example.com"))
	}
	require.NotEqual(t, links[0], links[1])
	cleo := w.as("cleo", "willow")
	for _, old := range links[:2] {
		_, err := w.requests.Peek(t.Context(), old)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		_, err = w.requests.Approve(t.Context(), cleo, byLink(old, "willow"), roles.Viewer)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.ErrorIs(t, w.requests.Decline(t.Context(), cleo, byLink(old, "willow"), ""), accounts.ErrNotFound)
	}
	v, err := w.requests.Peek(t.Context(), links[2])
	require.NoError(t, err)
	require.Equal(t, access.View{
		ID: id, Agency: "north", AgencyName: "Northlight", Requester: "Mia", ExpiresAt: w.env.Now().Add(week),
	}, v)
	_, err = w.requests.Approve(t.Context(), cleo, byLink(links[2], "willow"), roles.Viewer)
	require.NoError(t, err)
}

// A resent request's unsent first mail is not sent any more (A87).
func TestRequests_Resend_CancelsUnsentMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	w.clock.Add(time.Hour)
	require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
	require.Equal(t, 1, w.flush().Sent)
	_, err := w.requests.Peek(t.Context(), w.link("cleo@example.com"))
	require.NoError(t, err)

	w.send("b@example.com")
	w.clock.Add(week)
	require.Equal(t, 1, w.flush().Expired, "a mail whose link has expired is not sent")
}

// Resends have limits of their own: one an hour and three a day for a request,
// five mails a day to a recipient from everybody (A81).
func TestRequests_Resend_Limits(t *testing.T) {
	t.Parallel()

	t.Run("an hour must pass, and exactly an hour is enough", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		w.clock.Add(time.Hour - time.Microsecond)
		var limited *limit.LimitedError
		require.ErrorAs(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}), &limited)
		require.Equal(t, time.Microsecond, limited.RetryAfter)
		require.Equal(t, []string{"request.resent at north by mia: limited"}, w.refusals())
		w.clock.Add(limited.RetryAfter)
		require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
	})

	t.Run("the fourth of a day is refused, and the next day starts anew", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		for range 3 {
			w.clock.Add(time.Hour)
			require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
		}
		w.clock.Add(time.Hour)
		var quota *accounts.QuotaError
		require.ErrorAs(t, w.requests.Resend(t.Context(), w.as("max", "north"), access.Resend{Agency: "north", Request: id}), &quota)
		require.Equal(t, accounts.QuotaError{Kind: accounts.QuotaResends, Limit: 3, Used: 3, ResetAt: start().Truncate(day).Add(day)}, *quota)
		require.Equal(t, []string{"request.resent at north by max: quota"}, w.refusals())
		w.clock.Set(quota.ResetAt)
		require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
		require.Equal(t, 1, w.stored(id).Request.Resends)
	})

	t.Run("one recipient gets five mails a day from all agencies and requests together", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		other := w.batch("sue", "south", "CLEO@example.com").Answers[0].Request
		w.flush()
		for range 3 {
			w.clock.Add(time.Hour)
			require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
			w.flush()
		}
		w.clock.Add(time.Hour)
		require.ErrorIs(t, w.requests.Resend(t.Context(), w.as("sue", "south"), access.Resend{Agency: "south", Request: other}), accounts.ErrQuota)
		w.account("fresh", "Fresh", accounts.KindAgency, "fresh")
		w.enable("fresh", "fresh")
		require.Equal(t, access.RecipientLimit, w.batch("fresh", "fresh", "cleo@example.com").Answers[0].Outcome)
		w.flush()
		require.Len(t, w.inbox.To("cleo@example.com"), 5)
	})

	t.Run("a resend takes nothing of the 35", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		w.clock.Add(time.Hour)
		require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: id}))
		require.Equal(t, 1, w.used())
	})
}

// What was spent never comes back, by no way (A80, I-14).
func TestRequests_Quota_IsNeverRefunded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(w *world, id accounts.RequestID)
	}{
		{"withdrawing", func(w *world, id accounts.RequestID) {
			require.NoError(w, w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", id))
		}},
		{"declining", func(w *world, id accounts.RequestID) {
			require.NoError(w, w.requests.Decline(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), "no"))
		}},
		{"approving", func(w *world, id accounts.RequestID) {
			_, err := w.requests.Approve(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Viewer)
			require.NoError(w, err)
		}},
		{"disabling and enabling", func(w *world, _ accounts.RequestID) {
			w.disable()
			w.enable("north", "ann")
		}},
	} {
		t.Run(tt.name+" gives no place back, of the agency's or the recipient's", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("cleo@example.com")
			tt.end(w, id)
			require.Equal(t, 1, w.used())
			require.Equal(t, 1, w.stored(id).Mails)
			require.Equal(t, 33, w.batch("mia", "north", "b@example.com").Left)
		})
	}
}

// Asking the same again makes no second pending request, however the address
// is spelled, and an expired one never blocks (A57, I-02).
func TestRequests_OnePending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	for _, s := range []string{"cleo@example.com", "Cleo@EXAMPLE.com"} {
		a := w.batch("max", "north", s).Answers[0]
		require.Equal(t, access.AlreadyPending, a.Outcome)
		require.Equal(t, id, a.Request)
	}
	w.clock.Add(week)
	next := w.send("cleo@example.com")
	require.NotEqual(t, id, next)
	require.Equal(t, access.Expired, w.stored(id).Request.State, "its end is written before its successor begins")
	list, err := w.requests.Clients(t.Context(), w.as("mia", "north"), "north", access.ClientPage{})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, next, list[0].Request.ID)
}

// A GET of the link changes nothing, whatever the state and however often
// (A11).
func TestRequests_Peek_ChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.requests.Send(t.Context(), w.as("mia", "north"), access.Batch{
		Agency: "north", Addresses: "cleo@example.com", Message: "Hello Cleo", Level: roles.Admin,
	})
	require.NoError(t, err)
	link := w.link("cleo@example.com")
	was := w.dump()
	for range 20 {
		v, err := w.requests.Peek(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, "Hello Cleo", v.Message)
		require.Equal(t, roles.Admin, v.Level)
		_, err = w.requests.Peek(t.Context(), link+"A")
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	require.Equal(t, was, w.dump())
}

// A paused agency's link leads nowhere while the pause lasts, and works again
// after it: a pause ages nothing but time.
func TestRequests_AgencySuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := accounts.Operator("help", "abuse")
	id := w.send("cleo@example.com")
	link := w.link("cleo@example.com")
	require.NoError(t, w.svc.SuspendAccount(t.Context(), op, "north"))
	_, err := w.requests.Peek(t.Context(), link)
	require.ErrorIs(t, err, accounts.ErrNotFound)
	cleo := w.as("cleo", "willow")
	for _, d := range []access.Decision{byLink(link, "willow"), byID(id, "willow")} {
		_, err = w.requests.Approve(t.Context(), cleo, d, roles.Viewer)
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	list, err := w.requests.Addressed(t.Context(), cleo)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, w.svc.ReactivateAccount(t.Context(), op, "north"))
	_, err = w.requests.Approve(t.Context(), cleo, byLink(link, "willow"), roles.Viewer)
	require.NoError(t, err)
}

// The agency's list shows requests and connections together, filtered,
// searched and paged; an agency that is turned down learns neither the account
// nor the person.
func TestRequests_Clients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := func(address string) accounts.RequestID {
		w.clock.Add(time.Minute)
		return w.send(address)
	}
	expired := next("old@example.com")
	w.clock.Add(week)
	declined := next("carl@example.com")
	require.NoError(t, w.requests.Decline(t.Context(), w.as("carl", "willow"), byID(declined, "willow"), "no, thanks"))
	withdrawn := next("gone@example.com")
	require.NoError(t, w.requests.Withdraw(t.Context(), w.as("mia", "north"), "north", withdrawn))
	w.clock.Add(time.Minute)
	ended := w.connect("rose", roles.Viewer).Request
	require.NoError(t, w.svc.EndConnection(t.Context(), w.as("cleo", "rose"), "rose", accounts.ConnectionKey{Client: "rose", Agency: "north"}))
	w.clock.Add(time.Minute)
	live := w.connect("willow", roles.Admin).Request
	pending := next("new@example.com")

	type line struct {
		ID    accounts.RequestID
		State access.ClientState
	}
	list := func(page access.ClientPage) []line {
		t.Helper()
		got, err := w.requests.Clients(t.Context(), w.as("mia", "north"), "north", page)
		require.NoError(t, err)
		var out []line
		for _, c := range got {
			require.Equal(t, accounts.AccountID("north"), c.Request.Agency) // I-28
			out = append(out, line{c.Request.ID, c.StateAt(w.env.Now())})
		}
		return out
	}
	all := []line{
		{pending, access.ClientPending},
		{live, access.ClientConnected},
		{ended, access.ClientEnded},
		{withdrawn, access.ClientWithdrawn},
		{declined, access.ClientDeclined},
		{expired, access.ClientExpired},
	}
	require.Equal(t, all, list(access.ClientPage{}))
	require.Equal(t, []line{all[1], all[4]}, list(access.ClientPage{States: []access.ClientState{access.ClientConnected, access.ClientDeclined}}))
	require.Equal(t, []line{all[1]}, list(access.ClientPage{Search: "willow"}))
	require.Equal(t, []line{all[3]}, list(access.ClientPage{Search: "GONE@"}))

	var paged []line
	var at access.ClientCursor
	for {
		page, err := w.requests.Clients(t.Context(), w.as("mia", "north"), "north", access.ClientPage{Before: at, Limit: 2})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			paged = append(paged, line{c.Request.ID, c.StateAt(w.env.Now())})
			at = c.Cursor()
			if c.Request.ID == declined {
				require.Empty(t, c.Request.Client)
				require.Empty(t, c.Request.Decider)
				require.Equal(t, "no, thanks", c.Request.Reason)
			}
		}
	}
	require.Equal(t, all, paged)

	t.Run("other agencies and outsiders see none of it", func(t *testing.T) { // A54
		for _, s := range []struct {
			user accounts.UserID
			at   accounts.AccountID
			want error
		}{{"sue", "south", accounts.ErrNotFound}, {"vic", "north", roles.ErrDenied}, {"cleo", "willow", accounts.ErrNotFound}} {
			actor := w.principal(w.login(s.user), "").Actor()
			got, err := w.requests.Clients(t.Context(), actor, "north", access.ClientPage{})
			require.ErrorIs(t, err, s.want)
			require.Nil(t, got)
		}
		got, err := w.requests.Clients(t.Context(), w.as("sue", "south"), "south", access.ClientPage{})
		require.NoError(t, err)
		require.Empty(t, got)
		require.ErrorIs(t, w.requests.Withdraw(t.Context(), w.as("sue", "south"), "south", pending), accounts.ErrNotFound)
		require.ErrorIs(t, w.requests.Resend(t.Context(), w.as("sue", "south"), access.Resend{Agency: "south", Request: pending}), accounts.ErrNotFound)
	})
}

// What state a request is in follows from what is stored, the time and its
// agency: another epoch or a closed agency ends it, whatever the time says.
func TestRequest_StateAt(t *testing.T) {
	t.Parallel()
	at := start()
	agency := accounts.AccountState{ID: "north", Epoch: 3}
	closed := agency
	closed.ClosedAt = at
	for _, c := range []struct {
		name   string
		given  access.Request
		agency accounts.AccountState
		want   access.RequestState
	}{
		{"a microsecond before its end it is pending", access.Request{State: access.Pending, AgencyEpoch: 3, ExpiresAt: at.Add(time.Microsecond)}, agency, access.Pending},
		{"at its end it is expired", access.Request{State: access.Pending, AgencyEpoch: 3, ExpiresAt: at}, agency, access.Expired},
		{"an earlier epoch ends it", access.Request{State: access.Pending, AgencyEpoch: 2, ExpiresAt: at.Add(time.Hour)}, agency, access.Ended},
		{"a later epoch ends it", access.Request{State: access.Pending, AgencyEpoch: 4, ExpiresAt: at.Add(time.Hour)}, agency, access.Ended},
		{"a closed agency ends it", access.Request{State: access.Pending, AgencyEpoch: 3, ExpiresAt: at.Add(time.Hour)}, closed, access.Ended},
		{"what was decided stays so", access.Request{State: access.Declined, AgencyEpoch: 2, ExpiresAt: at}, closed, access.Declined},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.given.StateAt(at, c.agency))
		})
	}
}
