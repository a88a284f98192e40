package accounts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// agencies is a world with the client acme and two agencies connected to it:
// orbit with a cap of manager, and nova with one of admin.
func agencies(t testing.TB, set ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := newWorld(t, set...)
	w.put(account("acme"), agency("orbit"), agency("nova"),
		user("ann"), user("amy"), user("olga"), user("otto"), user("oda"), user("nick"),
		member("acme", "ann", roles.Owner), member("acme", "amy", roles.Admin),
		member("orbit", "olga", roles.Owner), member("orbit", "otto", roles.Manager), member("orbit", "oda", roles.Viewer),
		member("nova", "nick", roles.Owner),
		connection("acme", "orbit", roles.Manager), connection("acme", "nova", roles.Admin))
	return w
}

func (w *world) assign(by, who string, role roles.Role) error {
	return ignore(w.svc.Assign(w.t.Context(), w.as(by), accounts.Assign{Agency: "orbit", Client: "acme", User: who, Role: role}))
}

// letters counts the messages of a kind that are waiting, by recipient.
func (w *world) letters(kind string, state mail.State) []string {
	var to []string
	for _, m := range w.mails(state) {
		if m.Kind == kind {
			to = append(to, m.To)
		}
	}
	return to
}

// A colleague is found by id, address, user name or display name, the exact
// ways first, and an ambiguous name is refused with the candidates.
func TestAssign_naming(t *testing.T) {
	t.Parallel()

	named := func(id, name, handle string) accounts.User {
		u := user(id)
		u.Name, u.Handle = name, handle
		return u
	}
	w := agencies(t)
	w.put(named("42", "Kim Lee", "kim"), named("43", "Kim Lee", "lee"), named("44", "kim", ""), named("45", "42", ""), named("46", "43@people.example", "other"),
		named("47", "Zoë", ""), named("48", "Zoë", ""), named("49", "Gone", "gone"))
	away, left := member("orbit", "48", roles.Viewer), member("orbit", "49", roles.Viewer)
	away.SuspendedAt, left.EndedAt = start, start
	for _, id := range []string{"42", "43", "44", "45", "46", "47"} {
		w.put(member("orbit", id, roles.Viewer))
	}
	w.put(away, left)
	for given, want := range map[string]accounts.UserID{
		"42": "42", "42@PEOPLE.example": "42", " 43@people.example ": "43", "kim": "42", "KIM": "42", "lee": "43",
		"Ms oda": "oda", "ms  ODA": "oda", "44": "44", "ZOE\u0308": "47", "43@people.example": "43",
	} {
		got, err := w.svc.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: given, Role: roles.Viewer})
		require.NoError(t, err, "%q", given)
		require.Equal(t, want, got, "%q", given)
	}
	n := len(w.feed())
	var unclear *accounts.AmbiguousError
	require.ErrorAs(t, w.assign("olga", "kim lee", roles.Viewer), &unclear)
	require.ErrorIs(t, w.assign("olga", "kim lee", roles.Viewer), accounts.ErrInvalid)
	require.Equal(t, []accounts.Candidate{
		{User: "42", Name: "Kim Lee", Handle: "kim", Address: "42@people.example"},
		{User: "43", Name: "Kim Lee", Handle: "lee", Address: "43@people.example"},
	}, unclear.Candidates)
	for _, given := range []string{"48", "49", "gone", "nick", "nick@people.example", "ann", "nobody"} {
		require.Equal(t, "user", field(t, w.assign("olga", given, roles.Viewer)), given)
	}
	for _, given := range []string{"", "  ", string(make([]rune, 255)), "a\nb"} {
		require.Equal(t, "user", field(t, w.assign("olga", given, roles.Viewer)), given)
	}
	require.Len(t, w.feed(), n, "malformed input is not on record")

	require.Equal(t, accounts.ErrNotFound, w.assign("nick", "kim lee", roles.Viewer), "an outsider learns nothing of who works there")
	require.Equal(t, accounts.EventRefused, w.one(n).Kind)
	require.ErrorIs(t, w.assign("otto", "kim lee", roles.Viewer), roles.ErrDenied, "who may not assign is told so first")
	stale := accounts.Admitted(accounts.Admission{User: "olga", Epoch: 7, Proof: accounts.AnyLogin()})
	_, err := w.svc.Assign(t.Context(), stale, accounts.Assign{Agency: "orbit", Client: "acme", User: "kim lee", Role: roles.Viewer})
	require.Equal(t, accounts.ErrStepUp, err)
}

// Nobody is hidden behind a display name, however many bear it: the exact ways
// to name a colleague come first.
func TestAssign_namesakes(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	target := user("zz")
	target.Name, target.Handle = "Zed", "boss"
	w.put(target, member("orbit", "zz", roles.Viewer))
	for i := range 120 {
		u := user("n" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		u.Name = "boss"
		w.put(u, member("orbit", string(u.ID), roles.Viewer))
	}
	got, err := w.svc.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "Boss", Role: roles.Viewer})
	require.NoError(t, err)
	require.Equal(t, accounts.UserID("zz"), got)
}

// A role is given up to one's own there and up to the cap, and never to act on
// somebody who stands higher there (A33, A34, A53).
func TestAssign_ceiling(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	require.ErrorIs(t, w.assign("olga", "oda", roles.Admin), roles.ErrDenied, "above the cap")
	require.ErrorIs(t, w.assign("olga", "oda", roles.Owner), roles.ErrDenied)
	require.Equal(t, "role", field(t, w.assign("olga", "oda", "boss")))
	require.Equal(t, "role", field(t, w.assign("olga", "oda", "")))
	require.NoError(t, w.assign("olga", "oda", roles.Manager), "up to the cap")
	require.ErrorIs(t, w.assign("otto", "oda", roles.Viewer), roles.ErrDenied, "an agency's manager must be assigned there")
	require.NoError(t, w.assign("olga", "otto", roles.Author))
	require.ErrorIs(t, w.assign("otto", "otto", roles.Manager), roles.ErrDenied, "above one's own role")
	require.ErrorIs(t, w.assign("otto", "oda", roles.Viewer), roles.ErrDenied, "the colleague stands higher")
	_, err := w.svc.Unassign(t.Context(), w.as("otto"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, "oda")
	require.ErrorIs(t, err, roles.ErrDenied)
	require.NoError(t, w.assign("oda", "otto", roles.Manager), "a delegate who is a manager there gives their own role")
	require.Len(t, w.letters(mail.Assigned, mail.Queued), 2, "each colleague has one mail, of the last change")
	require.NoError(t, w.assign("olga", "olga", roles.Viewer))
	require.Len(t, w.letters(mail.Assigned, mail.Queued), 2, "nobody is told what they did themselves")
	n := len(w.feed())
	require.NoError(t, w.assign("olga", "oda", roles.Manager), "once more")
	require.Len(t, w.feed(), n)
}

// The cap limits everybody at the next check; raising it gives back only what
// was not lowered by hand (A49, I-15).
func TestChangeCap_limits(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx := t.Context()
	require.NoError(t, w.assign("olga", "oda", roles.Manager))
	require.NoError(t, w.assign("olga", "otto", roles.Manager))
	require.Equal(t, "role", field(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, "boss")))
	require.Equal(t, "agency", field(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: ""}, roles.Viewer)))
	require.Equal(t, accounts.ErrNotFound, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "unknown"}, roles.Viewer))
	require.ErrorIs(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Owner), roles.ErrDenied)

	require.NoError(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer))
	require.Equal(t, roles.Viewer, w.rights("oda", "acme").Delegated())
	require.ErrorIs(t, w.assign("oda", "otto", roles.Viewer), roles.ErrDenied, "a viewer there assigns nobody")
	require.NoError(t, w.assign("olga", "otto", roles.Viewer), "lowered by hand")
	require.NoError(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Admin))
	require.Equal(t, roles.Manager, w.rights("oda", "acme").Delegated())
	require.Equal(t, roles.Viewer, w.rights("otto", "acme").Delegated())
	require.Equal(t, []string{"olga@people.example", "olga@people.example"}, w.letters(mail.CapChanged, mail.Queued))
	var caps []roles.Role
	for _, e := range w.feed() {
		if e.Kind == accounts.EventCapChanged {
			caps = append(caps, e.Was, e.Role)
			require.Equal(t, accounts.AccountID("acme"), e.Account)
			require.Equal(t, accounts.AccountID("orbit"), e.Agency)
		}
	}
	require.Equal(t, []roles.Role{roles.Manager, roles.Viewer, roles.Viewer, roles.Admin}, caps)
}

// Either side ends a connection: everybody's access through it ends with the
// call, unsent mail about it is taken back, the other side's owners are told,
// and nothing else changes (A53, A55, A87).
func TestEndConnection_ends(t *testing.T) {
	t.Parallel()

	for side, test := range map[accounts.AccountID]struct{ by, told string }{
		"acme": {"amy", "olga@people.example"}, "orbit": {"olga", "ann@people.example"},
	} {
		w := agencies(t)
		ctx := t.Context()
		require.NoError(t, w.assign("olga", "oda", roles.Manager))
		require.NoError(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Author))
		w.put(assignment("acme", "nova", "nick", roles.Admin))
		n := len(w.feed())
		require.NoError(t, w.svc.EndConnection(ctx, w.as(test.by), side, pair("acme", "orbit")))
		require.Equal(t, accounts.EventConnectionEnded, w.one(n).Kind)
		require.True(t, w.rights("oda", "acme").None())
		require.Equal(t, roles.Admin, w.rights("nick", "acme").Delegated(), "the other agency stays")
		require.Len(t, w.mails(mail.Cancelled), 2, "%s", side)
		require.Equal(t, []string{test.told}, w.letters(mail.ConnectionEnded, mail.Queued))
		require.Equal(t, accounts.ErrNotFound, w.svc.EndConnection(ctx, w.as(test.by), side, pair("acme", "orbit")), "once")
		require.Equal(t, accounts.ErrNotFound, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer))
		require.Equal(t, accounts.ErrNotFound, w.assign("olga", "oda", roles.Viewer))
	}
	w := agencies(t)
	require.Equal(t, "account", field(t, w.svc.EndConnection(t.Context(), w.as("nick"), "nova", pair("acme", "orbit"))))
	require.Equal(t, accounts.ErrNotFound, w.svc.EndConnection(t.Context(), w.as("ann"), "acme", pair("acme", "unknown")))
	require.Equal(t, accounts.ErrNotFound, w.svc.EndConnection(t.Context(), w.as("nick"), "nova", pair("orbit", "nova")), "there never was one")
}

// A connection made again brings back no assignment (A56).
func TestEndConnection_reconnect(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	require.NoError(t, w.assign("olga", "oda", roles.Manager))
	require.NoError(t, w.svc.EndConnection(t.Context(), w.as("ann"), "acme", pair("acme", "orbit")))
	c := w.linked("acme", "orbit", "").Connection
	c.EndedAt, c.Epoch = time.Time{}, c.Epoch+1
	w.put(c)
	require.True(t, w.rights("oda", "acme").None())
	require.NoError(t, w.assign("olga", "oda", roles.Viewer))
	require.Equal(t, roles.Viewer, w.rights("oda", "acme").Delegated())
}

// A colleague who is suspended in the agency, leaves it or is removed is out
// of every client's account at the next check, and coming back brings no
// assignment back (A50, A56).
func TestAssign_endsWithMembership(t *testing.T) {
	t.Parallel()

	for name, act := range map[string]func(w *world) error{
		"removed": func(w *world) error {
			return errors.Join(w.svc.RemoveMember(t.Context(), w.as("olga"), "orbit", "oda"),
				w.svc.AddMember(t.Context(), job(), "orbit", "oda", roles.Viewer))
		},
		"left": func(w *world) error {
			return errors.Join(w.svc.Leave(t.Context(), w.as("oda"), "orbit"),
				w.svc.AddMember(t.Context(), job(), "orbit", "oda", roles.Viewer))
		},
		"suspended": func(w *world) error {
			return errors.Join(w.svc.SuspendMember(t.Context(), w.as("olga"), "orbit", "oda"),
				w.svc.ReactivateMember(t.Context(), w.as("olga"), "orbit", "oda"))
		},
	} {
		w := agencies(t)
		require.NoError(t, w.assign("olga", "oda", roles.Manager))
		require.Equal(t, roles.Manager, w.rights("oda", "acme").Delegated())
		require.NoError(t, act(w), name)
		require.True(t, w.rights("oda", "acme").None(), name)
		require.NoError(t, w.assign("olga", "oda", roles.Author), name)
		require.Equal(t, roles.Author, w.rights("oda", "acme").Delegated(), name)
	}
}

// A suspended account is a pause: nobody reaches it, as an agency it reaches
// nobody, and when the pause ends everything counts as before (A75, A78). What
// is ended meanwhile is ended: the other side need not wait.
func TestSuspendAccount_pauses(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx := t.Context()
	require.NoError(t, w.assign("olga", "oda", roles.Manager))
	for _, id := range []accounts.AccountID{"acme", "orbit"} {
		require.NoError(t, w.svc.SuspendAccount(ctx, staff(), id))
		require.NoError(t, w.svc.SuspendAccount(ctx, staff(), id), "once more changes nothing")
		require.True(t, w.rights("oda", "acme").None())
		require.Equal(t, id == "orbit", !w.rights("ann", "acme").None(), "only the paused account's own users are out")
		w.clock.Add(1000 * time.Hour)
		require.NoError(t, w.svc.ReactivateAccount(ctx, staff(), id))
		require.Equal(t, roles.Manager, w.rights("oda", "acme").Delegated())
	}
	require.NoError(t, w.svc.SuspendAccount(ctx, staff(), "orbit"))
	require.NoError(t, w.svc.ChangeCap(ctx, w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer))
	require.NoError(t, w.svc.EndConnection(ctx, w.as("amy"), "acme", pair("acme", "orbit")))
	require.NoError(t, w.svc.ReactivateAccount(ctx, staff(), "orbit"))
	require.True(t, w.rights("oda", "acme").None(), "what the client ended during the pause stays ended")
	events := w.feed()
	require.Equal(t, accounts.By{Operator: "kim", Reason: "ticket 7"}, events[len(events)-1].By)
}

// A closed account is out for good, on both sides of its connections, and
// takes its unsent mail with it (A76, A87).
func TestCloseAccount_ends(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx := t.Context()
	require.NoError(t, w.assign("olga", "oda", roles.Manager))
	require.NoError(t, w.svc.CloseAccount(ctx, w.as("olga"), "orbit"))
	require.True(t, w.rights("oda", "acme").None())
	require.True(t, w.rights("olga", "orbit").None())
	require.Len(t, w.mails(mail.Cancelled), 1)
	require.Equal(t, "account", field(t, w.svc.SuspendAccount(ctx, staff(), "orbit")))
	require.Equal(t, accounts.ErrNotFound, w.svc.CloseAccount(ctx, w.as("olga"), "orbit"))
	require.Equal(t, accounts.ErrNotFound, w.svc.EndConnection(ctx, w.as("ann"), "acme", pair("acme", "orbit")))
	require.ErrorIs(t, w.svc.AddMember(ctx, job(), "orbit", "ann", roles.Viewer), accounts.ErrNotFound)
	require.NoError(t, w.svc.CloseAccount(ctx, w.as("ann"), "acme"))
	require.True(t, w.rights("nick", "acme").None())
}

// Two agencies of one client see nothing of each other: no connection, no
// colleague, no event; the client sees all that is done in its account (A54, A108).
func TestAgencies_apart(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx := t.Context()
	w.put(member("nova", "oda", roles.Viewer), assignment("acme", "nova", "oda", roles.Admin))
	require.NoError(t, w.assign("olga", "oda", roles.Manager))
	_, err := w.svc.Assign(ctx, w.as("nick"), accounts.Assign{Agency: "nova", Client: "acme", User: "nick", Role: roles.Author})
	require.NoError(t, err)

	list, err := w.svc.ConnectedClients(ctx, w.as("olga"), "orbit", accounts.ConnectionPage{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, accounts.AccountID("acme"), list[0].Other.ID)
	list, err = w.svc.Agencies(ctx, w.as("ann"), "acme", accounts.ConnectionPage{})
	require.NoError(t, err)
	require.Equal(t, []accounts.AccountID{"nova", "orbit"}, []accounts.AccountID{list[0].Other.ID, list[1].Other.ID})

	for account, want := range map[accounts.AccountID]int{"acme": 1, "orbit": 1} {
		by := map[accounts.AccountID]string{"acme": "ann", "orbit": "olga"}[account]
		staff, err := w.svc.Colleagues(ctx, w.as(by), account, pair("acme", "orbit"), "", 0)
		require.NoError(t, err)
		require.Len(t, staff, want)
		require.Equal(t, accounts.UserID("oda"), staff[0].User.ID)
		require.Len(t, staff[0].Routes, 1, "what she does for the other agency is not theirs to know")
		require.Equal(t, accounts.AccountID("orbit"), staff[0].Routes[0].Agency.ID)
	}
	_, err = w.svc.Colleagues(ctx, w.as("nick"), "nova", pair("acme", "orbit"), "", 0)
	require.Equal(t, "account", field(t, err))

	for account, want := range map[accounts.AccountID]int{"acme": 2, "orbit": 1, "nova": 1} {
		by := map[accounts.AccountID]string{"acme": "ann", "orbit": "olga", "nova": "nick"}[account]
		var seen int
		events, err := w.svc.Events(ctx, w.as(by), accounts.EventQuery{Account: account})
		require.NoError(t, err)
		for _, e := range events {
			if e.Kind == accounts.EventAssigned {
				seen++
				require.True(t, account == "acme" || e.Agency == account)
			}
		}
		require.Equal(t, want, seen, account)
	}
	_, err = w.svc.Explain(ctx, w.as("olga"), accounts.StandingKey{User: "oda", Account: "acme"})
	require.Equal(t, accounts.ErrNotFound, err, "only the client explains who reaches its account")
	all, err := w.svc.Explain(ctx, w.as("ann"), accounts.StandingKey{User: "oda", Account: "acme"}, accounts.StandingKey{User: "amy", Account: "acme"}, accounts.StandingKey{User: "oda", Account: "acme"})
	require.NoError(t, err)
	require.Equal(t, []roles.Role{roles.Admin, roles.Admin, roles.Admin}, []roles.Role{all[0].Rights.Role(), all[1].Rights.Role(), all[2].Rights.Role()}, "each as if alone, in order (A40)")
	require.Len(t, all[0].Through, 2)
	reach, err := w.svc.Reachers(ctx, w.as("ann"), "acme", "", 0)
	require.NoError(t, err)
	require.Len(t, reach, 4)
}

// An assignment that was decided on while the connection ended carries an old
// epoch, so it lets nobody in (A53, A55): the end comes between the reads and
// the write.
func TestAssign_whileConnectionEnds(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	svc := w.tapped(func(method string, after bool) error {
		if method == "ApplyAccounts" && !after {
			if c := w.linked("acme", "orbit", "").Connection; c.EndedAt.IsZero() {
				return w.svc.EndConnection(t.Context(), w.as("ann"), "acme", pair("acme", "orbit"))
			}
		}
		return nil
	})
	_ = ignore(svc.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Manager}))
	require.True(t, w.rights("oda", "acme").None())
}

// Two reads that were answered at different moments do not fit together and
// are asked again (A100).
func TestService_readsThatDoNotFit(t *testing.T) {
	t.Parallel()

	for name, act := range map[string]func(s *accounts.Service, w *world) error{
		"an account": func(s *accounts.Service, w *world) error { return s.JoinProgramme(t.Context(), w.as("ann"), "acme") },
		"a member": func(s *accounts.Service, w *world) error {
			return s.ChangeRole(t.Context(), w.as("ann"), "acme", "amy", roles.Viewer)
		},
		"a connection": func(s *accounts.Service, w *world) error {
			return s.ChangeCap(t.Context(), w.as("ann"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer)
		},
		"an assignment": func(s *accounts.Service, w *world) error {
			return ignore(s.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Viewer}))
		},
	} {
		w := agencies(t)
		moved := false
		svc := w.tapped(func(method string, after bool) error {
			if method == "Standings" && after && !moved {
				moved = true
				w.put(w.account("acme"), w.account("orbit")) // moves their versions
			}
			return nil
		})
		require.NoError(t, act(svc, w), name)
		require.True(t, moved)
		require.Len(t, w.feed(), 1, name)
	}
}

// A delegate whom the client bars by a suspended membership of its own assigns
// nobody there (A34, A41); whoever may assign anyone acts for the agency and
// needs no place there.
func TestAssign_barredByClient(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	require.NoError(t, w.assign("olga", "otto", roles.Manager))
	require.NoError(t, w.assign("otto", "oda", roles.Viewer))
	barred := member("acme", "otto", roles.Viewer)
	barred.SuspendedAt = start
	w.put(barred)
	require.ErrorIs(t, w.assign("otto", "oda", roles.Author), roles.ErrDenied)
	require.NoError(t, w.assign("olga", "oda", roles.Author))
}

// Lists refuse malformed input by its field, and go on behind the cursor of
// the last entry seen.
func TestLists_pages(t *testing.T) {
	t.Parallel()

	w := agencies(t)
	ctx, a := t.Context(), w.as("ann")
	for want, err := range map[string]error{
		"account": ignore(w.svc.Agencies(ctx, a, "", accounts.ConnectionPage{})),
		"search":  ignore(w.svc.Agencies(ctx, a, "acme", accounts.ConnectionPage{Search: "\x00"})),
		"client":  ignore(w.svc.Colleagues(ctx, a, "acme", pair("", "orbit"), "", 0)),
		"agency":  ignore(w.svc.Colleagues(ctx, a, "acme", pair("acme", "a b"), "", 0)),
	} {
		require.Equal(t, want, field(t, err))
	}
	for _, err := range []error{
		ignore(w.svc.Events(ctx, a, accounts.EventQuery{})), ignore(w.svc.Reachers(ctx, a, "", "", 0)), ignore(w.svc.Account(ctx, a, "")),
	} {
		require.Equal(t, "account", field(t, err))
	}
	require.Equal(t, "user", field(t, ignore(w.svc.User(ctx, a, ""))))
	require.Equal(t, "user", field(t, ignore(w.svc.Explain(ctx, a, accounts.StandingKey{Account: "acme"}))))

	var seen []string
	var after accounts.ConnectionCursor
	for {
		page, err := w.svc.Agencies(ctx, a, "acme", accounts.ConnectionPage{After: after, Limit: 1})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		seen, after = append(seen, string(page[0].Other.ID)), page[0].Cursor()
	}
	var member accounts.MemberCursor
	for {
		page, err := w.svc.Members(ctx, a, "acme", accounts.MemberPage{After: member, Limit: 1})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		seen, member = append(seen, string(page[0].User.ID)), page[0].Cursor()
	}
	require.Equal(t, []string{"nova", "orbit", "amy", "ann"}, seen)
	found, err := w.svc.Members(ctx, a, "acme", accounts.MemberPage{Search: "MS AM"})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

// A right that is withdrawn between two reads of an operation is not used: the
// operation decides on the facts of one moment, or anew (A37, I-08).
func TestService_rightWithdrawnBetweenReads(t *testing.T) {
	t.Parallel()

	for name, act := range map[string]func(s *accounts.Service, w *world) error{
		"an account": func(s *accounts.Service, w *world) error { return s.JoinProgramme(t.Context(), w.as("amy"), "acme") },
		"a member": func(s *accounts.Service, w *world) error {
			return s.ChangeRole(t.Context(), w.as("amy"), "acme", "ann", roles.Viewer)
		},
		"a connection": func(s *accounts.Service, w *world) error {
			return s.ChangeCap(t.Context(), w.as("amy"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer)
		},
		"an assignment": func(s *accounts.Service, w *world) error {
			return ignore(s.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Viewer}))
		},
	} {
		w := agencies(t)
		w.put(member("orbit", "nick", roles.Owner)) // so that orbit's owner can be demoted
		moved := false
		svc := w.tapped(func(method string, after bool) error {
			if method == "Standings" && after && !moved {
				moved = true
				return errors.Join(w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "amy", roles.Viewer),
					w.svc.ChangeRole(t.Context(), w.as("nick"), "orbit", "olga", roles.Viewer))
			}
			return nil
		})
		require.ErrorIs(t, act(svc, w), roles.ErrDenied, name)
		require.True(t, moved)
	}
}

// A colleague who left and came back can be put on the connection again, with
// the role of before: the assignment of before is another life's.
func TestAssign_againAfterComingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("olga"), user("oda"), user("ann"), account("acme"), agency("orbit"), member("acme", "ann", roles.Owner),
		member("orbit", "olga", roles.Owner), member("orbit", "oda", roles.Author), connection("acme", "orbit", roles.Manager))
	in := accounts.Assign{Agency: "orbit", Client: "acme", User: "oda", Role: roles.Author}
	_, err := w.svc.Assign(t.Context(), w.as("olga"), in)
	require.NoError(t, err)
	require.NoError(t, w.svc.RemoveMember(t.Context(), w.as("olga"), "orbit", "oda"))
	require.NoError(t, w.svc.AddMember(t.Context(), job(), "orbit", "oda", roles.Author))
	require.True(t, w.rights("oda", "acme").None())
	_, err = w.svc.Assign(t.Context(), w.as("olga"), in)
	require.NoError(t, err)
	require.Equal(t, roles.Author, w.rights("oda", "acme").Delegated())

	stale := accounts.Admitted(accounts.Admission{User: "oda", Epoch: 7, Proof: accounts.AnyLogin()})
	_, err = w.svc.Unassign(t.Context(), stale, pair("acme", "orbit"), "oda")
	require.ErrorIs(t, err, accounts.ErrStepUp, "a session that has ended takes nobody off, not even its own user")
}
