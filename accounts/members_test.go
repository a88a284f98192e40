package accounts_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// office is a world with one account: an owner, an admin and a viewer.
func office(t testing.TB, change ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.put(account("acme"), user("ann"), user("bob"), user("cid"), user("dan"),
		member("acme", "ann", roles.Owner), member("acme", "bob", roles.Admin), member("acme", "cid", roles.Viewer))
	return w
}

// Every change of a member is one event, and moves the account, so that
// decisions that rely on its members notice (A105, I-25).
func TestMembers_story(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx := t.Context()
	owner, admin := w.as("ann").WithRequestID("req-1"), w.as("bob")
	steps := []struct {
		name string
		do   func() error
		want accounts.Event
	}{
		{
			"an admin makes a viewer a manager", func() error { return w.svc.ChangeRole(ctx, admin, "acme", "cid", roles.Manager) },
			accounts.Event{Kind: accounts.EventMemberRoleChanged, User: "cid", Role: roles.Manager, Was: roles.Viewer},
		},
		{
			"an admin suspends the manager", func() error { return w.svc.SuspendMember(ctx, admin, "acme", "cid") },
			accounts.Event{Kind: accounts.EventMemberSuspended, User: "cid", Role: roles.Manager},
		},
		{
			"an admin reactivates the manager", func() error { return w.svc.ReactivateMember(ctx, admin, "acme", "cid") },
			accounts.Event{Kind: accounts.EventMemberReactivated, User: "cid", Role: roles.Manager},
		},
		{
			"an admin removes the manager", func() error { return w.svc.RemoveMember(ctx, admin, "acme", "cid") },
			accounts.Event{Kind: accounts.EventMemberRemoved, User: "cid", Was: roles.Manager},
		},
		{
			"a job brings them back", func() error { return w.svc.AddMember(ctx, job(), "acme", "cid", roles.Author) },
			accounts.Event{Kind: accounts.EventMemberAdded, User: "cid", Role: roles.Author},
		},
		{
			"they leave", func() error { return w.svc.Leave(ctx, w.as2("cid"), "acme") },
			accounts.Event{Kind: accounts.EventMemberLeft, User: "cid", Was: roles.Author},
		},
		{
			"the owner makes the admin an owner", func() error { return w.svc.ChangeRole(ctx, owner, "acme", "bob", roles.Owner) },
			accounts.Event{Kind: accounts.EventMemberRoleChanged, User: "bob", Role: roles.Owner, Was: roles.Admin},
		},
		{
			"the owner steps down", func() error { return w.svc.ChangeRole(ctx, owner, "acme", "ann", roles.Viewer) },
			accounts.Event{Kind: accounts.EventMemberRoleChanged, User: "ann", Role: roles.Viewer, Was: roles.Owner},
		},
	}
	for n, step := range steps {
		w.clock.Add(time.Second)
		before := w.account("acme").Version
		require.NoError(t, step.do(), step.name)
		got := w.one(n)
		require.Equal(t, w.env.Now(), got.At)
		require.Equal(t, 1, got.Seq)
		by := got.By
		got.Op, got.Seq, got.At, got.By = "", 0, time.Time{}, accounts.By{}
		step.want.Account = "acme"
		require.Equal(t, step.want, got, step.name)
		if n > 5 {
			require.Equal(t, accounts.By{User: "ann", Session: "session-ann", RequestID: "req-1"}, by)
		}
		require.Equal(t, before+1, w.account("acme").Version, step.name)
	}
}

// as2 is a later login of a user.
func (w *world) as2(id string) accounts.Actor {
	return accounts.Admitted(accounts.Admission{User: accounts.UserID(id), Epoch: 1, Proof: accounts.Proof{Login: 2}, AuthAt: w.env.Now()})
}

// What is so already changes nothing and is not on record.
func TestMembers_nothingToDo(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx := t.Context()
	before := w.account("acme")
	require.NoError(t, w.svc.ChangeRole(ctx, w.as("ann"), "acme", "cid", roles.Viewer))
	require.NoError(t, w.svc.ReactivateMember(ctx, w.as("ann"), "acme", "cid"))
	require.NoError(t, w.svc.AddMember(ctx, job(), "acme", "cid", roles.Viewer))
	require.Equal(t, before, w.account("acme"))
	require.Empty(t, w.feed())
	require.NoError(t, w.svc.SuspendMember(ctx, w.as("ann"), "acme", "cid"))
	require.NoError(t, w.svc.SuspendMember(ctx, w.as("ann"), "acme", "cid"))
	require.Len(t, w.feed(), 1)
}

// Malformed input is refused with an error that names the field, changes
// nothing and is not on record; ids of other accounts are like unknown ones
// (A36, A42).
func TestMembers_badInput(t *testing.T) {
	t.Parallel()

	w := office(t)
	w.put(account("other"), user("eve"), member("other", "eve", roles.Viewer))
	ctx, owner := t.Context(), w.as("ann")
	long := accounts.UserID(make([]byte, 65))
	before := w.dump([]string{"ann", "bob", "cid", "eve"}, []string{"acme", "other"})
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"no account", w.svc.ChangeRole(ctx, owner, "", "cid", roles.Viewer), "account"},
		{"a malformed account", w.svc.RemoveMember(ctx, owner, "a b", "cid"), "account"},
		{"no user", w.svc.SuspendMember(ctx, owner, "acme", ""), "user"},
		{"a user that is too long", w.svc.ReactivateMember(ctx, owner, "acme", long), "user"},
		{"no role", w.svc.ChangeRole(ctx, owner, "acme", "cid", ""), "role"},
		{"an unknown role", w.svc.ChangeRole(ctx, owner, "acme", "cid", "Viewer"), "role"},
		{"a job gives an unknown role", w.svc.AddMember(ctx, job(), "acme", "dan", "boss"), "role"},
		{"a job makes an owner", w.svc.AddMember(ctx, job(), "acme", "dan", roles.Owner), "role"},
		{"leaving no account", w.svc.Leave(ctx, owner, ""), "account"},
		{"suspending oneself", w.svc.SuspendMember(ctx, owner, "acme", "ann"), "user"},
		{"transferring to oneself", w.svc.TransferOwnership(ctx, owner, "acme", "ann"), "user"},
		{"a list of no account", ignore(w.svc.Members(ctx, owner, "", accounts.MemberPage{})), "account"},
		{"a search that is too long", ignore(w.svc.Members(ctx, owner, "acme", accounts.MemberPage{Search: string(make([]rune, 101))})), "search"},
		{"a search with a line break", ignore(w.svc.Members(ctx, owner, "acme", accounts.MemberPage{Search: "a\nb"})), "search"},
	} {
		require.Equal(t, test.want, field(t, test.err), test.name)
	}
	for _, id := range []accounts.UserID{"eve", "nobody"} {
		for name, err := range map[string]error{
			"change":     w.svc.ChangeRole(ctx, owner, "acme", id, roles.Viewer),
			"remove":     w.svc.RemoveMember(ctx, owner, "acme", id),
			"suspend":    w.svc.SuspendMember(ctx, owner, "acme", id),
			"reactivate": w.svc.ReactivateMember(ctx, owner, "acme", id),
			"transfer":   w.svc.TransferOwnership(ctx, owner, "acme", id),
		} {
			require.Equal(t, accounts.ErrNotFound, err, "%s %s", name, id)
		}
	}
	require.ErrorIs(t, w.svc.AddMember(ctx, job(), "acme", "nobody", roles.Viewer), accounts.ErrNotFound)
	require.ErrorIs(t, w.svc.AddMember(ctx, job(), "nothing", "dan", roles.Viewer), accounts.ErrNotFound)
	require.Equal(t, "user", field(t, w.svc.AddMember(ctx, job(), "acme", "bob", roles.Viewer)))
	require.Equal(t, before, w.dump([]string{"ann", "bob", "cid", "eve"}, []string{"acme", "other"}))
}

// An outsider gets the same answer for an account or user that exists and for
// one that does not, from every operation (A36).
func TestService_nothingToProbe(t *testing.T) {
	t.Parallel()

	w := office(t)
	eve := w.as("dan")
	plan := "gold"
	answer := func(act func(account accounts.AccountID, user accounts.UserID) error, account accounts.AccountID, user accounts.UserID) string {
		return act(account, user).Error()
	}
	ctx := t.Context()
	for name, act := range map[string]func(accounts.AccountID, accounts.UserID) error{
		"Account": func(a accounts.AccountID, _ accounts.UserID) error { return ignore(w.svc.Account(ctx, eve, a)) },
		"Members": func(a accounts.AccountID, _ accounts.UserID) error {
			return ignore(w.svc.Members(ctx, eve, a, accounts.MemberPage{}))
		},
		"Events": func(a accounts.AccountID, _ accounts.UserID) error {
			return ignore(w.svc.Events(ctx, eve, accounts.EventQuery{Account: a}))
		},
		"Reachers": func(a accounts.AccountID, _ accounts.UserID) error { return ignore(w.svc.Reachers(ctx, eve, a, "", 0)) },
		"Explain": func(a accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.Explain(ctx, eve, accounts.StandingKey{User: u, Account: a}))
		},
		"Explain oneself": func(a accounts.AccountID, _ accounts.UserID) error {
			return ignore(w.svc.Explain(ctx, eve, accounts.StandingKey{User: "dan", Account: a}))
		},
		"User": func(_ accounts.AccountID, u accounts.UserID) error { return ignore(w.svc.User(ctx, eve, u)) },
		"FindUser": func(_ accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.FindUser(ctx, eve, string(u)))
		},
		"AddMember": func(a accounts.AccountID, u accounts.UserID) error {
			return w.svc.AddMember(ctx, eve, a, u, roles.Viewer)
		},
		"ChangeRole": func(a accounts.AccountID, u accounts.UserID) error {
			return w.svc.ChangeRole(ctx, eve, a, u, roles.Viewer)
		},
		"Leave":          func(a accounts.AccountID, _ accounts.UserID) error { return w.svc.Leave(ctx, eve, a) },
		"JoinProgramme":  func(a accounts.AccountID, _ accounts.UserID) error { return w.svc.JoinProgramme(ctx, eve, a) },
		"CloseAccount":   func(a accounts.AccountID, _ accounts.UserID) error { return w.svc.CloseAccount(ctx, eve, a) },
		"SuspendAccount": func(a accounts.AccountID, _ accounts.UserID) error { return w.svc.SuspendAccount(ctx, eve, a) },
		"SuspendUser":    func(_ accounts.AccountID, u accounts.UserID) error { return w.svc.SuspendUser(ctx, eve, u) },
		"ReactivateUser": func(_ accounts.AccountID, u accounts.UserID) error { return w.svc.ReactivateUser(ctx, eve, u) },
		"UpdateAccount": func(a accounts.AccountID, _ accounts.UserID) error {
			return w.svc.UpdateAccount(ctx, eve, accounts.UpdateAccount{ID: a, Plan: &plan})
		},
		"ChangeCap": func(a accounts.AccountID, _ accounts.UserID) error {
			return w.svc.ChangeCap(ctx, eve, accounts.ConnectionKey{Client: a, Agency: "acme"}, roles.Viewer)
		},
		"EndConnection": func(a accounts.AccountID, _ accounts.UserID) error {
			return w.svc.EndConnection(ctx, eve, a, pair(string(a), "acme"))
		},
		"Assign, agency": func(a accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.Assign(ctx, eve, accounts.Assign{Agency: a, Client: "acme", User: string(u), Role: roles.Viewer}))
		},
		"Unassign": func(a accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.Unassign(ctx, eve, accounts.ConnectionKey{Client: "acme", Agency: a}, string(u)))
		},
		"CreateAccount": func(_ accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.CreateAccount(ctx, eve, accounts.CreateAccount{Name: "New", Owner: u}))
		},
		"another's, with an id": func(a accounts.AccountID, u accounts.UserID) error {
			return ignore(w.svc.CreateAccount(ctx, eve, accounts.CreateAccount{ID: a, Name: "New", Owner: u}))
		},
	} {
		require.Equal(t, answer(act, "acme", "ann"), answer(act, "unknown", "unknown"), name)
	}
}

// What cannot be undone wants a login of less than 10 minutes ago: at exactly
// 10 minutes it does not do, nor does one from the future (A71, I-07).
func TestService_stepUp(t *testing.T) {
	t.Parallel()

	for name, act := range map[string]func(w *world, a accounts.Actor) error{
		"making an owner": func(w *world, a accounts.Actor) error {
			return w.svc.ChangeRole(t.Context(), a, "acme", "bob", roles.Owner)
		},
		"transferring": func(w *world, a accounts.Actor) error { return w.svc.TransferOwnership(t.Context(), a, "acme", "bob") },
		"closing":      func(w *world, a accounts.Actor) error { return w.svc.CloseAccount(t.Context(), a, "acme") },
	} {
		for age, want := range map[time.Duration]error{
			0: nil, 10*time.Minute - time.Microsecond: nil,
			10 * time.Minute: accounts.ErrStepUp, time.Hour: accounts.ErrStepUp, -time.Second: accounts.ErrStepUp,
		} {
			w := office(t)
			require.Equal(t, want, act(w, admitted("ann", start.Add(-age))), "%s, %s after the login", name, age)
			if want != nil {
				require.Empty(t, w.feed())
			}
		}
		w := office(t)
		require.Equal(t, accounts.ErrStepUp, act(w, admitted("ann", time.Time{})), name)
	}
}

// An account keeps at least one active owner, whatever is tried one after the
// other (A35, I-01).
func TestMembers_lastOwner(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx, ann := t.Context(), w.as("ann")
	for _, err := range []error{
		w.svc.ChangeRole(ctx, ann, "acme", "ann", roles.Viewer), w.svc.RemoveMember(ctx, ann, "acme", "ann"), w.svc.Leave(ctx, ann, "acme"),
	} {
		require.Equal(t, accounts.ErrLastOwner, err)
	}
	require.NoError(t, w.svc.ChangeRole(ctx, ann, "acme", "bob", roles.Owner))
	require.NoError(t, w.svc.SuspendMember(ctx, ann, "acme", "bob"))
	require.Equal(t, accounts.ErrLastOwner, w.svc.Leave(ctx, ann, "acme"), "a suspended owner is none")
	require.NoError(t, w.svc.ReactivateMember(ctx, ann, "acme", "bob"))
	require.NoError(t, w.svc.SuspendUser(ctx, staff(), "bob"))
	require.NoError(t, w.svc.Leave(ctx, ann, "acme"), "an operator's suspension of a person does not count")
	require.NoError(t, w.svc.ReactivateUser(ctx, staff(), "bob"))
	back := accounts.Admitted(accounts.Admission{User: "bob", Epoch: 3, Proof: accounts.Proof{Login: 2}, AuthAt: w.env.Now()})
	require.Equal(t, accounts.ErrLastOwner, w.svc.Leave(ctx, back, "acme"))
	require.NoError(t, w.svc.RemoveMember(ctx, back, "acme", "cid"))
}

// Ownership goes over as a whole: there is a new owner, the old one is an
// admin, both are on record in one operation (A35, A58).
func TestMembers_transfer(t *testing.T) {
	t.Parallel()

	w := office(t)
	ann := w.as("ann")
	require.NoError(t, w.svc.TransferOwnership(t.Context(), ann, "acme", "cid"))
	require.Equal(t, roles.Owner, w.membership("acme", "cid").Role)
	require.Equal(t, roles.Admin, w.membership("acme", "ann").Role)
	events := w.feed()
	require.Len(t, events, 2)
	require.Equal(t, events[0].Op, events[1].Op)
	require.Equal(t, []int{1, 2}, []int{events[0].Seq, events[1].Seq})
	require.Equal(t, accounts.EventOwnershipTransferred, events[0].Kind)
	require.Equal(t, accounts.UserID("ann"), events[1].User)
	require.ErrorIs(t, w.svc.TransferOwnership(t.Context(), ann, "acme", "bob"), roles.ErrDenied)
}

// Two owners who demote each other at once leave one: whoever comes second
// decides again on what the first one did (A35, I-01). Both are held after
// their reads, so that both decided on the same facts.
func TestMembers_ownersDemoteEachOther(t *testing.T) {
	t.Parallel()

	type act func(s *accounts.Service, ctx context.Context, a accounts.Actor, other accounts.UserID) error
	demote := func(s *accounts.Service, ctx context.Context, a accounts.Actor, other accounts.UserID) error {
		return s.ChangeRole(ctx, a, "acme", other, roles.Viewer)
	}
	remove := func(s *accounts.Service, ctx context.Context, a accounts.Actor, other accounts.UserID) error {
		return s.RemoveMember(ctx, a, "acme", other)
	}
	suspend := func(s *accounts.Service, ctx context.Context, a accounts.Actor, other accounts.UserID) error {
		return s.SuspendMember(ctx, a, "acme", other)
	}
	leave := func(s *accounts.Service, ctx context.Context, a accounts.Actor, _ accounts.UserID) error {
		return s.Leave(ctx, a, "acme")
	}
	transfer := func(s *accounts.Service, ctx context.Context, a accounts.Actor, _ accounts.UserID) error {
		return s.TransferOwnership(ctx, a, "acme", "cid")
	}
	for name, two := range map[string][2]act{
		"demote each other": {demote, demote}, "remove each other": {remove, remove}, "suspend each other": {suspend, suspend},
		"both leave": {leave, leave}, "one demotes, one leaves": {demote, leave}, "one transfers, one leaves": {transfer, leave},
		"one transfers, one is removed": {transfer, remove},
	} {
		w := office(t)
		m := w.membership("acme", "bob")
		m.Role = roles.Owner
		w.put(m)
		// Both wait here before their first write.
		var ready, done sync.WaitGroup
		ready.Add(2)
		errs := make([]error, 2)
		for i, who := range []string{"ann", "bob"} {
			first := true
			svc := w.tapped(func(method string, after bool) error {
				if method == "ApplyAccounts" && !after && first {
					first = false
					ready.Done()
					ready.Wait()
				}
				return nil
			})
			other := accounts.UserID([]string{"bob", "ann"}[i])
			done.Go(func() { errs[i] = two[i](svc, t.Context(), w.as(who), other) })
		}
		done.Wait()
		owners, err := w.st.Owners(t.Context(), "acme", roles.Owner)
		require.NoError(t, err)
		require.NotEmpty(t, owners, "%s: %v", name, errs)
		if !strings.HasPrefix(name, "one ") { // those can all be right, in one order
			require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%s: %v", name, errs)
		}
		for _, err := range errs {
			require.True(t, err == nil || errors.Is(err, accounts.ErrLastOwner) || errors.Is(err, accounts.ErrNotFound) || errors.Is(err, roles.ErrDenied), "%s: %v", name, err)
		}
	}
}

// The same with many owners in no order at all (A35, I-01).
func TestMembers_ownersRace(t *testing.T) {
	t.Parallel()

	for range 20 {
		w := newWorld(t)
		w.put(account("acme"))
		ids := []string{"u0", "u1", "u2", "u3", "u4", "u5"}
		for _, id := range ids {
			w.put(user(id), member("acme", id, roles.Owner))
		}
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				other := accounts.UserID(ids[(i+1)%len(ids)])
				switch i % 3 {
				case 0:
					_ = w.svc.ChangeRole(t.Context(), w.as(id), "acme", other, roles.Viewer)
				case 1:
					_ = w.svc.RemoveMember(t.Context(), w.as(id), "acme", other)
				}
				_ = w.svc.Leave(t.Context(), w.as(id), "acme")
			})
		}
		wg.Wait()
		owners, err := w.st.Owners(t.Context(), "acme", roles.Owner)
		require.NoError(t, err)
		require.NotEmpty(t, owners)
	}
}

// A suspended member is out at the next check and stays out with the old
// login after being reactivated; a later login counts (A74).
func TestMembers_reactivatedWantsLogin(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx := t.Context()
	cid := w.as("cid")
	_, err := w.svc.Account(ctx, cid, "acme")
	require.NoError(t, err)
	require.NoError(t, w.svc.SuspendMember(ctx, w.as("bob"), "acme", "cid"))
	_, err = w.svc.Account(ctx, cid, "acme")
	require.Equal(t, accounts.ErrNotFound, err)
	require.NoError(t, w.svc.ReactivateMember(ctx, w.as("bob"), "acme", "cid"))
	_, err = w.svc.Account(ctx, cid, "acme")
	require.Equal(t, accounts.ErrNotFound, err, "the login of before does not come back")
	_, err = w.svc.Account(ctx, w.as2("cid"), "acme")
	require.NoError(t, err)

	timed := func(at time.Time) accounts.Actor {
		return accounts.Admitted(accounts.Admission{User: "cid", Epoch: 1, Proof: accounts.Proof{At: at}, AuthAt: at})
	}
	_, err = w.svc.Account(ctx, timed(start), "acme")
	require.Equal(t, accounts.ErrNotFound, err, "a login at the very moment does not count")
	_, err = w.svc.Account(ctx, timed(start.Add(time.Microsecond)), "acme")
	require.NoError(t, err)
	require.NoError(t, w.svc.RemoveMember(ctx, w.as("bob"), "acme", "cid"))
	require.NoError(t, w.svc.AddMember(ctx, job(), "acme", "cid", roles.Viewer))
	_, err = w.svc.Account(ctx, cid, "acme")
	require.Equal(t, accounts.ErrNotFound, err, "being added again does not bring it back either (A41)")
}

// Removing a suspended member lifts nothing: whom an account keeps out stays
// out, by every route, until they are made a member again; and even then no
// login of before counts (A41).
func TestService_RemoveMember_Suspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("ann"), user("mia"), account("acme"), agency("orbit"), member("acme", "ann", roles.Owner), member("acme", "mia", roles.Viewer),
		member("orbit", "mia", roles.Manager), connection("acme", "orbit", roles.Manager), assignment("acme", "orbit", "mia", roles.Author))
	require.Equal(t, roles.Author, w.rights("mia", "acme").Delegated())
	require.NoError(t, w.svc.SuspendMember(t.Context(), w.as("ann"), "acme", "mia"))
	require.True(t, w.rights("mia", "acme").None())
	require.NoError(t, w.svc.RemoveMember(t.Context(), w.as("ann"), "acme", "mia"))
	require.True(t, w.rights("mia", "acme").None(), "the route through the agency must not open by removing a suspended member")
	require.NoError(t, w.svc.AddMember(t.Context(), job(), "acme", "mia", roles.Viewer))
	require.Equal(t, roles.Author, w.rights("mia", "acme").Delegated())
	m := w.membership("acme", "mia")
	require.False(t, m.AfterAt.IsZero(), "logins of before do not count")
}

// Closing a client account takes back what its agencies have not sent about it
// yet, and nothing else of theirs (A76, A87).
func TestService_CloseAccount_MailAboutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("ann"), user("olga"), user("mia"), account("acme"), account("rose"), agency("orbit"), member("acme", "ann", roles.Owner),
		member("orbit", "olga", roles.Owner), member("orbit", "mia", roles.Manager),
		connection("acme", "orbit", roles.Manager), connection("rose", "orbit", roles.Manager))
	for _, client := range []accounts.AccountID{"acme", "rose"} {
		_, err := w.svc.Assign(t.Context(), w.as("olga"), accounts.Assign{Agency: "orbit", Client: client, User: "mia", Role: roles.Author})
		require.NoError(t, err)
	}
	require.Len(t, w.mails(mail.Queued), 2)
	require.NoError(t, w.svc.CloseAccount(t.Context(), w.as("ann"), "acme"))
	require.Len(t, w.mails(mail.Queued), 1)
	require.Equal(t, mail.Reason("account/orbit/client/rose/user/mia"), w.mails(mail.Queued)[0].Reason)
}

// Somebody who was admitted to an account of their own learns nothing of
// others' by naming them: one that exists is answered as one that does not
// (A36).
func TestService_nothingToProbeFromOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("ann"), user("eve"), account("acme"), account("own"), member("acme", "ann", roles.Owner), member("own", "eve", roles.Owner))
	eve := accounts.Admitted(accounts.Admission{User: "eve", Epoch: 1, Proof: accounts.AnyLogin(), AuthAt: w.env.Now(), Account: "own"})
	for name, act := range map[string]func(a accounts.AccountID) error{
		"join":   func(a accounts.AccountID) error { return w.svc.JoinProgramme(t.Context(), eve, a) },
		"enable": func(a accounts.AccountID) error { return w.svc.EnableClientAccess(t.Context(), eve, a) },
		"close":  func(a accounts.AccountID) error { return w.svc.CloseAccount(t.Context(), eve, a) },
		"leave":  func(a accounts.AccountID) error { return w.svc.Leave(t.Context(), eve, a) },
		"role":   func(a accounts.AccountID) error { return w.svc.ChangeRole(t.Context(), eve, a, "ann", roles.Viewer) },
		"remove": func(a accounts.AccountID) error { return w.svc.RemoveMember(t.Context(), eve, a, "ann") },
		"read":   func(a accounts.AccountID) error { _, err := w.svc.Account(t.Context(), eve, a); return err },
	} {
		known, unknown := act("acme"), act("nothing")
		require.Error(t, known, name)
		require.Equal(t, unknown, known, name)
	}
}

// A member's tenure moves when they lose the right to manage members, however it
// comes about, and their reign when an owner gets a lower role; nothing else
// moves them, and nothing moves them back. Invitations rest on both (D1 of the
// decisions, A15).
func TestMembers_tenureAndReign(t *testing.T) {
	t.Parallel()

	ctx := t.Context()
	role := func(to roles.Role) func(w *world) error {
		return func(w *world) error { return w.svc.ChangeRole(ctx, w.as("ann"), "acme", "bob", to) }
	}
	for _, tt := range []struct {
		name   string
		given  roles.Role
		when   func(w *world) error
		tenure int64
		reign  int64
	}{
		{"an owner becomes an admin", roles.Owner, role(roles.Admin), 0, 1},
		{"an owner becomes a manager", roles.Owner, role(roles.Manager), 1, 1},
		{"an admin becomes a manager", roles.Admin, role(roles.Manager), 1, 0},
		{"an admin becomes an owner", roles.Admin, role(roles.Owner), 0, 0},
		{"a manager becomes a viewer", roles.Manager, role(roles.Viewer), 1, 0},
		{"an author becomes a viewer", roles.Author, role(roles.Viewer), 0, 0},
		{"a viewer becomes an admin", roles.Viewer, role(roles.Admin), 0, 0},
		{"an owner transfers the ownership", roles.Owner, func(w *world) error {
			return w.svc.TransferOwnership(ctx, w.as("bob"), "acme", "cid")
		}, 0, 1},
		{"an owner is given the ownership again", roles.Owner, func(w *world) error {
			return w.svc.TransferOwnership(ctx, w.as("ann"), "acme", "bob")
		}, 0, 0},
		{"an admin is suspended", roles.Admin, func(w *world) error { return w.svc.SuspendMember(ctx, w.as("ann"), "acme", "bob") }, 1, 0},
		{"an admin is suspended and let in again", roles.Admin, func(w *world) error {
			return errors.Join(w.svc.SuspendMember(ctx, w.as("ann"), "acme", "bob"), w.svc.ReactivateMember(ctx, w.as("ann"), "acme", "bob"))
		}, 1, 0},
		{"an admin is removed", roles.Admin, func(w *world) error { return w.svc.RemoveMember(ctx, w.as("ann"), "acme", "bob") }, 1, 0},
		{"an owner leaves", roles.Owner, func(w *world) error { return w.svc.Leave(ctx, w.as("bob"), "acme") }, 1, 0},
		{"an admin leaves and is added again", roles.Admin, func(w *world) error {
			return errors.Join(w.svc.Leave(ctx, w.as("bob"), "acme"), w.svc.AddMember(ctx, job(), "acme", "bob", roles.Admin))
		}, 1, 0},
		{"an admin is erased", roles.Admin, func(w *world) error { return w.svc.EraseUser(ctx, staff(), "bob") }, 1, 0},
		{"an account is paused", roles.Admin, func(w *world) error { return w.svc.SuspendAccount(ctx, staff(), "acme") }, 0, 0},
		{"the user is suspended everywhere", roles.Owner, func(w *world) error { return w.svc.SuspendUser(ctx, staff(), "bob") }, 0, 0},
		{"what is so already", roles.Admin, role(roles.Admin), 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := office(t)
			m := w.membership("acme", "bob")
			m.Role, m.Tenure, m.Reign = tt.given, 7, 3
			w.put(m)
			require.NoError(t, tt.when(w))
			got := w.membership("acme", "bob")
			require.Equal(t, []int64{7 + tt.tenure, 3 + tt.reign}, []int64{got.Tenure, got.Reign})
		})
	}
}

// How often a user was suspended is counted, and being let in again takes
// nothing back.
func TestService_SuspendUser_counts(t *testing.T) {
	t.Parallel()

	w := office(t)
	count := func() int64 {
		u, err := w.st.User(t.Context(), accounts.UserKey{ID: "bob"})
		require.NoError(t, err)
		return u.Suspensions
	}
	for n := range int64(3) {
		require.Equal(t, n, count())
		require.NoError(t, w.svc.SuspendUser(t.Context(), staff(), "bob"))
		require.NoError(t, w.svc.SuspendUser(t.Context(), staff(), "bob"), "again is nothing new")
		require.Equal(t, n+1, count())
		require.NoError(t, w.svc.ReactivateUser(t.Context(), staff(), "bob"))
	}
}

// Whoever becomes a member again starts the next epoch, and after a suspension
// only a later login counts; what invitations rest on goes on counting. Their
// user's row is written, once, so that an erasure or a login meanwhile is
// noticed (A41, A74, I-20).
func TestOperation_Join(t *testing.T) {
	t.Parallel()

	j := given(t, job())
	cid := user("cid")
	cid.Version, cid.Logins, cid.UpdatedAt = 5, 8, start.Add(-time.Hour)
	never := accounts.Membership{Account: "acme", User: "cid"}
	ended := row("cid", roles.Admin)
	ended.Epoch, ended.After, ended.AfterAt, ended.EndedAt, ended.Tenure, ended.Reign = 6, 4, start.Add(-time.Hour), start, 2, 1
	barred := ended
	barred.SuspendedAt = start.Add(-time.Minute)
	for _, tt := range []struct {
		name  string
		given accounts.Membership
		want  accounts.MemberState
	}{
		{"for the first time", never, accounts.MemberState{Role: roles.Viewer, Epoch: 1}},
		{"again", ended, accounts.MemberState{Role: roles.Viewer, Epoch: 7, After: 4, AfterAt: start.Add(-time.Hour)}},
		{"again, after a suspension", barred, accounts.MemberState{Role: roles.Viewer, Epoch: 7, After: 8, AfterAt: start}},
	} {
		c := j.op.Change()
		j.op.Join(&c, j.acme, cid, tt.given, roles.Viewer)
		require.Equal(t, []accounts.Guard{{Account: "acme", Version: 4, Move: true}}, c.Guards, tt.name)
		require.Len(t, c.Memberships, 1)
		m := c.Memberships[0]
		require.Equal(t, tt.want, m.MemberState, tt.name)
		require.Equal(t, []int64{tt.given.Version, tt.given.Tenure, tt.given.Reign}, []int64{m.Version, m.Tenure, m.Reign}, tt.name)
		require.Equal(t, start, m.CreatedAt)
		require.Equal(t, start, m.UpdatedAt)
		want := cid
		want.UpdatedAt = start
		require.Equal(t, []accounts.User{want}, c.Users, tt.name)
		require.Empty(t, c.Events, "why is the caller's to say")
	}
	c := j.op.Change()
	proven := cid
	proven.Proven, proven.Name = true, "New name"
	c.Users = []accounts.User{proven}
	j.op.Join(&c, j.acme, cid, never, roles.Viewer)
	require.Equal(t, []accounts.User{proven}, c.Users, "what the caller writes of the user stands")
}
