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

// Only a direct, active Owner or Admin of the account named approves or
// declines, who holds the link or whose proven address was asked; never a
// delegate, whatever the role there (A44, A48, A52, D15).
func TestRequests_WhoDecides(t *testing.T) {
	t.Parallel()
	// The request goes to cleo; willow is the account named unless said.
	for _, tt := range []struct {
		name   string
		given  func(w *world) // what happened since the mail
		who    accounts.UserID
		at     accounts.AccountID // "": willow
		byID   bool
		want   error
		record string // of the refusal
	}{
		{name: "the owner whose address was asked decides by id", who: "cleo", byID: true},
		{name: "the owner decides by link", who: "cleo"},
		{name: "an Admin who was handed the link decides", who: "carl"},
		{name: "an Admin whose address was not asked may not decide by id", who: "carl", byID: true, want: accounts.ErrNotFound, record: "willow by carl: token"},
		{name: "a Manager may not decide, even with the link", who: "cora", want: roles.ErrDenied, record: "willow by cora: denied"},
		{name: "a stranger may not decide, even with the link", who: "eve", want: accounts.ErrNotFound, record: "willow by eve: outsider"},
		{name: "a stranger decides with the link for an account of their own", who: "eve", at: "elm"},
		{name: "the agency's owner may not decide for the client", who: "ann", want: accounts.ErrNotFound, record: "willow by ann: outsider"},
		{
			name: "a delegate with the highest role there may not decide, even with the link", who: "sue",
			given: func(w *world) { w.delegate("sue", "south", "willow") }, want: accounts.ErrNotFound, record: "willow by sue: outsider",
		},
		{name: "an owner who lost the role after the mail may not decide", who: "cleo", byID: true, given: func(w *world) {
			require.NoError(w, w.svc.TransferOwnership(w.Context(), w.as("cleo", "willow"), "willow", "carl"))
			require.NoError(w, w.svc.ChangeRole(w.Context(), w.as("carl", "willow"), "willow", "cleo", roles.Manager))
		}, want: roles.ErrDenied, record: "willow by cleo: denied"},
		{name: "another current admin may instead", who: "carl", given: func(w *world) {
			require.NoError(w, w.svc.TransferOwnership(w.Context(), w.as("cleo", "willow"), "willow", "carl"))
			require.NoError(w, w.svc.RemoveMember(w.Context(), w.as("carl", "willow"), "willow", "cleo"))
		}},
		{name: "an Admin suspended in the account may not decide", who: "carl", given: func(w *world) {
			require.NoError(w, w.svc.SuspendMember(w.Context(), w.as("cleo", "willow"), "willow", "carl"))
		}, want: accounts.ErrNotFound, record: "willow by carl: outsider"},
		{name: "an address that is not proven any more does not decide by id", who: "cleo", byID: true, given: func(w *world) {
			_, err := w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: "cleo", Name: "Cleo", Email: "cleo@example.com"})
			require.NoError(w, err)
		}, want: accounts.ErrNotFound, record: "willow by cleo: token"},
		{name: "a user without an address does not decide by id", who: "cleo", byID: true, given: func(w *world) {
			_, err := w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: "cleo", Name: "Cleo"})
			require.NoError(w, err)
		}, want: accounts.ErrNotFound, record: "willow by cleo: token"},
		{name: "who has the address now decides by id, for their own account", who: "eve", at: "elm", byID: true, given: func(w *world) {
			_, err := w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: "cleo", Name: "Cleo"})
			require.NoError(w, err)
			_, err = w.svc.PutUser(w.Context(), job, accounts.PutUser{ID: "eve", Name: "Eve", Email: "cleo@example.com", Proven: true})
			require.NoError(w, err)
		}},
		{name: "nobody decides for a suspended account", who: "cleo", given: func(w *world) {
			require.NoError(w, w.svc.SuspendAccount(w.Context(), accounts.Operator("help", "abuse"), "willow"))
		}, want: accounts.ErrNotFound, record: "willow by cleo: outsider"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("cleo@example.com")
			link := w.link("cleo@example.com")
			if tt.given != nil {
				tt.given(w)
			}
			at := accounts.AccountID("willow")
			if tt.at != "" {
				at = tt.at
			}
			in := byLink(link, at)
			if tt.byID {
				in = byID(id, at)
			}
			actor := w.principal(w.login(tt.who), "").Actor()
			if tt.want == nil {
				_, err := w.requests.Approve(t.Context(), actor, in, roles.Viewer)
				require.NoError(t, err)
				require.True(t, w.connected(at, "north"))
				return
			}
			events := len(w.events())
			c, err := w.requests.Approve(t.Context(), actor, in, roles.Viewer)
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, c)
			require.ErrorIs(t, w.requests.Decline(t.Context(), actor, in, ""), tt.want)
			require.Equal(t, access.Pending, w.state(id))
			require.False(t, w.connected(at, "north"))
			require.Equal(t, []string{"request.approved at " + tt.record, "request.declined at " + tt.record}, w.refusals())
			require.Len(t, w.events(), events+2, "a refusal is one event (A105)")
		})
	}

	t.Run("nobody, jobs and operators decide nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		for _, actor := range []accounts.Actor{{}, job, accounts.Operator("help", "asked by phone")} {
			_, err := w.requests.Approve(t.Context(), actor, byID(id, "willow"), roles.Viewer)
			require.ErrorIs(t, err, roles.ErrDenied)
		}
	})
}

// delegate puts an agency's owner into an account, with the highest role that
// a delegate can have.
func (w *world) delegate(user accounts.UserID, agency, client accounts.AccountID) {
	w.Helper()
	out := w.batch(user, agency, "cleo@example.com")
	_, err := w.requests.Approve(w.Context(), w.as("cleo", client), access.Decision{
		Agency: agency, Request: out.Answers[0].Request, Account: client,
	}, roles.Admin)
	require.NoError(w, err)
	require.Equal(w, roles.Admin, w.role(user, client))
}

// Whether a request exists is nobody's to know who could not decide it: the
// answers are the same, for delegates too (A36).
func TestRequests_Decide_UnknownRequest(t *testing.T) {
	t.Parallel()
	for _, who := range []accounts.UserID{"carl", "cora", "eve", "sue"} {
		t.Run(string(who)+" cannot tell a request of others from none", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.delegate("sue", "south", "willow")
			id := w.send("other@example.com")
			actor := w.principal(w.login(who), "").Actor()
			link := w.link("other@example.com")
			none := link[:len(link)-1] + "A"
			require.NotEqual(t, link, none)

			_, exists := w.requests.Approve(t.Context(), actor, byID(id, "willow"), roles.Viewer)
			_, unknown := w.requests.Approve(t.Context(), actor, byID("id-unknown", "willow"), roles.Viewer)
			require.Error(t, exists)
			require.Equal(t, exists, unknown)
			r := w.refusals()
			require.Len(t, r, 2)
			require.Equal(t, r[0], r[1], "and they are recorded alike")

			_, err := w.requests.Approve(t.Context(), actor, byLink(none, "willow"), roles.Viewer)
			require.Equal(t, exists, err)
			_, err = w.requests.Approve(t.Context(), actor, byID(id, "nowhere"), roles.Viewer)
			require.ErrorIs(t, err, accounts.ErrNotFound)
		})
	}
}

// Somebody with several accounts decides for exactly the one named (A47, A63).
func TestRequests_Approve_AccountNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	_, err := w.requests.Approve(t.Context(), w.as("cleo", "willow"), byID(id, "rose"), roles.Viewer)
	require.ErrorIs(t, err, accounts.ErrInvalid, "a page open on one account decides for no other")
	require.Equal(t, access.Pending, w.state(id))
	c, err := w.requests.Approve(t.Context(), w.as("cleo", "rose"), byID(id, "rose"), roles.Manager)
	require.NoError(t, err)
	require.Equal(t, accounts.AccountID("rose"), c.Client)
	require.True(t, w.connected("rose", "north"))
	require.False(t, w.connected("willow", "north"))
}

// The cap is at most the approver's own role and never Owner; the level that
// was asked for binds nobody (A46, I-07).
func TestRequests_Approve_Cap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		who  accounts.UserID
		cap  roles.Role
		want error
	}{
		{"an owner gives up to Admin", "cleo", roles.Admin, nil},
		{"an Admin gives up to Admin", "carl", roles.Admin, nil},
		{"an owner may give less than was asked", "cleo", roles.Viewer, nil},
		{"nobody gives Owner", "cleo", roles.Owner, roles.ErrDenied},
		{"an Admin does not give Owner", "carl", roles.Owner, roles.ErrDenied},
		{"a role of no ladder is refused", "cleo", "boss", accounts.ErrInvalid},
		{"no cap is refused, and none is taken from the request", "cleo", "", accounts.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out, err := w.requests.Send(t.Context(), w.as("mia", "north"), access.Batch{Agency: "north", Addresses: "cleo@example.com", Level: roles.Manager})
			require.NoError(t, err)
			c, err := w.requests.Approve(t.Context(), w.as(tt.who, "willow"), byLink(w.link("cleo@example.com"), "willow"), tt.cap)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, access.Pending, w.state(out.Answers[0].Request))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.cap, c.Cap)
			require.Equal(t, tt.cap, w.role("mia", "willow"), "the requester is assigned at the cap")
			require.Equal(t, w.stored(c.Request).Connection, c, "what is returned is what is stored")
		})
	}
}

// An approval connects once, tells each of the agency's active owners, assigns
// the requester, and is one change with its events (A58, I-12).
func TestRequests_Approve_Effects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, u := range []accounts.UserID{"adam", "max"} {
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann", "north"), "north", u, roles.Owner))
	}
	require.NoError(t, w.svc.SuspendMember(t.Context(), w.as("ann", "north"), "north", "adam"))
	id := w.send("cleo@example.com")
	w.flush()
	w.inbox.Reset()
	before := len(w.events())
	cleo := w.as("cleo", "willow")
	_, err := w.requests.Approve(t.Context(), cleo, byID(id, "willow"), roles.Manager)
	require.NoError(t, err)
	w.flush()
	var told []string
	for _, m := range w.inbox.Messages() {
		require.Equal(t, mail.AccessApproved, m.Kind)
		told = append(told, m.To)
	}
	require.ElementsMatch(t, []string{"ann@example.com", "max@example.com"}, told, "one notice to each active owner")
	events := w.events()[before:]
	require.Len(t, events, 3, "a login, the approval and the assignment")
	require.Equal(t, access.EventRequestApproved, events[1].Kind)
	require.Equal(t, accounts.EventAssigned, events[2].Kind)
	for _, e := range events[1:] {
		require.Equal(t, cleo.By(), e.By)
		require.Equal(t, accounts.AccountID("willow"), e.Account)
		require.Equal(t, accounts.AccountID("north"), e.Agency)
		require.Equal(t, roles.Manager, e.Role)
		require.Equal(t, events[1].Op, e.Op)
		require.Equal(t, w.env.Now(), e.At)
	}
	r := w.stored(id).Request
	require.Equal(t, accounts.AccountID("willow"), r.Client)
	require.Equal(t, accounts.UserID("cleo"), r.Decider)
	require.Equal(t, w.env.Now(), r.DecidedAt)
}

// The owners who are told are those of the moment at which the approval
// becomes durable, even if they changed after it was read (A58).
func TestRequests_Approve_OwnersAsOfTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("cleo@example.com")
	w.flush()
	w.inbox.Reset()
	ann, cleo := w.as("ann", "north"), w.as("cleo", "willow")
	w.st.on(before(func() {
		require.NoError(t, w.svc.TransferOwnership(t.Context(), ann, "north", "max"))
	}))
	_, err := w.requests.Approve(t.Context(), cleo, byID(id, "willow"), roles.Manager)
	require.NoError(t, err)
	w.flush()
	require.Len(t, w.inbox.Messages(), 1)
	require.Len(t, w.inbox.To("max@example.com"), 1)
}

// The request belongs to the agency and outlives who sent it; somebody who is
// no active member any more is assigned nothing.
func TestRequests_Approve_RequesterGone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(w *world){
		"was removed": func(w *world) {
			require.NoError(w, w.svc.RemoveMember(w.Context(), w.as("ann", "north"), "north", "mia"))
		},
		"left": func(w *world) { require.NoError(w, w.svc.Leave(w.Context(), w.as("mia", "north"), "north")) },
		"was suspended in the agency": func(w *world) {
			require.NoError(w, w.svc.SuspendMember(w.Context(), w.as("ann", "north"), "north", "mia"))
		},
		"was suspended by an operator": func(w *world) {
			require.NoError(w, w.svc.SuspendUser(w.Context(), accounts.Operator("help", "abuse"), "mia"))
		},
	} {
		t.Run("a requester who "+name+" is not assigned, and the agency is connected", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.send("cleo@example.com")
			gone(w)
			_, err := w.requests.Approve(t.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Admin)
			require.NoError(t, err)
			require.True(t, w.connected("willow", "north"))
			require.Zero(t, w.stored(id).Assignment.Role)
			require.Zero(t, w.count(accounts.EventAssigned))
			require.Empty(t, w.role("mia", "willow"))
		})
	}

	t.Run("a requester who sends no more because of a lower role is still assigned", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("cleo@example.com")
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann", "north"), "north", "mia", roles.Viewer))
		_, err := w.requests.Approve(t.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Author)
		require.NoError(t, err)
		require.Equal(t, roles.Author, w.role("mia", "willow"))
	})
}

// An account that is connected already is refused and the request stays
// pending: it can be approved for another account.
func TestRequests_Approve_AlreadyConnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("willow", roles.Viewer)
	out, err := w.requests.Send(t.Context(), w.as("mia", "north"), access.Batch{Agency: "north", Addresses: "cleo@example.com", Another: true})
	require.NoError(t, err)
	id := out.Answers[0].Request
	was := w.stored(id)
	_, err = w.requests.Approve(t.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Admin)
	require.ErrorIs(t, err, accounts.ErrTaken)
	require.Equal(t, was, w.stored(id), "the request stays pending and the cap as it was")
	_, err = w.requests.Approve(t.Context(), w.as("cleo", "rose"), byID(id, "rose"), roles.Admin)
	require.NoError(t, err)
	require.Equal(t, roles.Viewer, w.role("mia", "willow"))
	require.Equal(t, roles.Admin, w.role("mia", "rose"))
}

// An agency is no client of its own, and two agencies that are each other's
// client gain nothing by it (A51, A59, D4).
func TestRequests_SelfAndMutual(t *testing.T) {
	t.Parallel()

	t.Run("an agency's request is not approved for the agency itself", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.send("stranger@example.com")
		_, err := w.requests.Approve(t.Context(), w.as("ann", "north"), byLink(w.link("stranger@example.com"), "north"), roles.Viewer)
		require.ErrorIs(t, err, accounts.ErrInvalid)
		require.Equal(t, access.Pending, w.state(id))
		require.False(t, w.connected("north", "north"))
	})

	t.Run("mutual connections add no right to either, and nothing is two hops away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connect("willow", roles.Admin)
		for _, pair := range []struct {
			from, to       accounts.AccountID
			asker, decider accounts.UserID
		}{{"north", "south", "mia", "sue"}, {"south", "north", "sue", "ann"}} {
			out := w.batch(pair.asker, pair.from, string(pair.decider)+"@example.com")
			_, err := w.requests.Approve(t.Context(), w.as(pair.decider, pair.to), access.Decision{
				Agency: pair.from, Request: out.Answers[0].Request, Account: pair.to,
			}, roles.Admin)
			require.NoError(t, err)
		}
		require.Equal(t, roles.Admin, w.role("mia", "south"))
		require.Equal(t, roles.Admin, w.role("sue", "north"))
		require.Empty(t, w.role("sue", "willow"), "what north may enter is not sue's")
		require.Equal(t, roles.Manager, w.role("mia", "north"))
		require.Empty(t, w.role("ann", "south"), "entering always needs an assignment")

		sue := w.as("sue", "north") // an Admin of north by delegation
		_, err := w.requests.Send(t.Context(), sue, access.Batch{Agency: "north", Addresses: "x@example.com"})
		require.ErrorIs(t, err, roles.ErrDenied, "a client account does not act as an agency through a delegate")
		_, err = w.requests.PlanDisableClientAccess(t.Context(), sue, "north")
		require.ErrorIs(t, err, roles.ErrDenied)
		_, err = w.requests.Clients(t.Context(), sue, "north", access.ClientPage{})
		require.ErrorIs(t, err, roles.ErrDenied)
	})
}

// Who is turned down is told so, in the client's words, and learns no name, no
// account and no person that the request did not name already.
func TestRequests_Decline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("Cleo@example.com")
	link := w.link("cleo@example.com")
	w.inbox.Reset()
	require.ErrorIs(t, w.requests.Decline(t.Context(), w.as("cleo", "willow"), byID(id, "willow"), string(make([]byte, 3))), accounts.ErrInvalid)
	require.NoError(t, w.requests.Decline(t.Context(), w.as("cleo", "willow"), byLink(link, "willow"), "We have\nsomebody."))
	w.flush()
	require.Len(t, w.inbox.Messages(), 1)
	m, _ := w.inbox.Last("mia@example.com")
	require.Equal(t, mail.AccessDeclined, m.Kind)
	require.Equal(t, "Cleo@example.com declined your access request", m.Subject)
	require.Contains(t, m.Text, "> We have\n> somebody.")
	for _, secret := range []string{"Willow", "willow", "Cleo\n", link} {
		require.NotContains(t, m.Subject+m.Text, secret)
	}
	require.False(t, w.connected("willow", "north"))
	events := func(account accounts.AccountID) []accounts.Event {
		list, err := w.svc.Events(t.Context(), job, accounts.EventQuery{Account: account, Kinds: []accounts.EventKind{access.EventRequestDeclined}})
		require.NoError(t, err)
		return list
	}
	require.Len(t, events("willow"), 1)
	require.Equal(t, accounts.UserID("cleo"), events("willow")[0].By.User)
	require.Len(t, events("north"), 1)
	require.Equal(t, accounts.Event{
		Op: events("willow")[0].Op, Seq: 2, At: events("willow")[0].At, Kind: access.EventRequestDeclined, Account: "north", Request: id,
	}, events("north")[0], "the agency's record names neither the account nor who declined")

	t.Run("a requester who is gone gets no mail", func(t *testing.T) {
		w.inbox.Reset()
		id := w.send("carl@example.com")
		w.flush()
		require.NoError(t, w.svc.RemoveMember(t.Context(), w.as("ann", "north"), "north", "mia"))
		require.NoError(t, w.requests.Decline(t.Context(), w.as("carl", "willow"), byID(id, "willow"), ""))
		require.Zero(t, w.flush().Sent)
	})
}

// A request's mail that is not sent yet is not sent any more once the request
// is settled (A87, I-24).
func TestRequests_SettledMailIsCancelled(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]func(w *world, id accounts.RequestID) error{
		"withdrawn": func(w *world, id accounts.RequestID) error {
			return w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", id)
		},
		"declined": func(w *world, id accounts.RequestID) error {
			return w.requests.Decline(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), "")
		},
		"approved": func(w *world, id accounts.RequestID) error {
			_, err := w.requests.Approve(w.Context(), w.as("cleo", "willow"), byID(id, "willow"), roles.Viewer)
			return err
		},
	} {
		t.Run("the unsent mail of a request that was "+name+" is not sent", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id, other := w.send("cleo@example.com"), w.send("b@example.com")
			require.NoError(t, settle(w, id))
			w.flush()
			require.Empty(t, w.inbox.To("cleo@example.com"))
			require.Len(t, w.inbox.To("b@example.com"), 1)
			require.Equal(t, access.Pending, w.state(other))
		})
	}
}

// The page of what waits for a decision lists requests to the reader's own
// proven address, and to nobody else (A07).
func TestRequests_Addressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.send("cleo@example.com")
	w.clock.Add(time.Minute)
	second := w.batch("sue", "south", "cleo@example.com").Answers[0].Request
	cleo := w.principal(w.login("cleo"), "").Actor()
	list, err := w.requests.Addressed(t.Context(), cleo)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []accounts.RequestID{second, first}, []accounts.RequestID{list[0].ID, list[1].ID})
	require.Equal(t, "Southbank", list[0].AgencyName)

	for _, u := range []accounts.UserID{"carl", "eve"} {
		list, err := w.requests.Addressed(t.Context(), w.principal(w.login(u), "").Actor())
		require.NoError(t, err)
		require.Empty(t, list)
	}
	_, err = w.requests.Addressed(t.Context(), job)
	require.ErrorIs(t, err, accounts.ErrNotFound)

	_, err = w.svc.PutUser(t.Context(), job, accounts.PutUser{ID: "cleo", Name: "Cleo", Email: "cleo@example.com"})
	require.NoError(t, err)
	list, err = w.requests.Addressed(t.Context(), cleo)
	require.NoError(t, err)
	require.Empty(t, list, "an address that is not proven is nobody's")

	w.user("cleo")
	require.NoError(t, w.sessions.EndAll(t.Context(), cleo, "cleo"))
	_, err = w.requests.Addressed(t.Context(), cleo)
	require.ErrorIs(t, err, accounts.ErrStepUp, "an actor of before the sessions' end is none")
	w.clock.Add(week)
	list, err = w.requests.Addressed(t.Context(), w.principal(w.login("cleo"), "").Actor())
	require.NoError(t, err)
	require.Empty(t, list, "expired requests wait for nobody")
}
