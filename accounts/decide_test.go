package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// strict is a policy that refuses whatever it is asked.
type strict struct{}

func (strict) MayOwn([]accounts.Account, accounts.Account) error { return errBroken }
func (strict) MayHold(accounts.Account, roles.Role) error        { return errBroken }
func (strict) Seats(accounts.Account) int                        { return 1 }
func (strict) MayJoinProgramme(accounts.Account) error           { return errBroken }

// facts are those of an account acme of version 4 with the owner ann, and of
// the agency orbit of version 6 with the owner olga, connected up to manager.
type facts struct {
	op     accounts.Operation
	actor  accounts.Standing
	acme   accounts.Account
	linked accounts.Linked
}

func given(t testing.TB, actor accounts.Actor, change ...func(*accounts.EnvOptions)) facts {
	t.Helper()
	f := facts{op: accounts.Operation{ID: "op", At: start, Actor: actor, Rules: newWorld(t, change...).env.Rules()}}
	f.acme = account("acme")
	f.acme.Version = 4
	orbit := agency("orbit")
	orbit.Version = 6
	f.actor = accounts.Standing{User: user(string(actor.User())).UserState, Account: f.acme.AccountState, Member: accounts.MemberState{Role: roles.Owner, Epoch: 1}}
	f.linked = accounts.Linked{
		Connection: connection("acme", "orbit", roles.Manager), Client: f.acme, Agency: orbit,
		ClientOwners: []accounts.Contact{user("ann").Contact()}, AgencyOwners: []accounts.Contact{user("olga").Contact()},
	}
	f.linked.Connection.Version = 2
	return f
}

// as makes the acting user a member of acme with a role.
func (f facts) as(role roles.Role) accounts.Standing {
	s := f.actor
	s.Member.Role = role
	return s
}

func withPolicy(o *accounts.EnvOptions) { o.Policy = strict{} }

func ann() accounts.Actor { return admitted("ann", start) }

func row(id string, role roles.Role) accounts.Membership {
	m := member("acme", id, role)
	m.Version = 3
	return m
}

// happened are the kinds of a change's events; each is stamped alike.
func happened(t testing.TB, c accounts.Change, op accounts.Operation) []accounts.EventKind {
	t.Helper()
	var kinds []accounts.EventKind
	for i, e := range c.Events {
		require.Equal(t, []any{op.ID, i + 1, op.At, op.Actor.By()}, []any{e.Op, e.Seq, e.At, e.By})
		kinds = append(kinds, e.Kind)
	}
	require.Equal(t, op.ID, c.Op)
	return kinds
}

// What an account becomes is written into its own row, whose version is its
// guard; the host's policy is asked where it has a say.
func TestDecide_account(t *testing.T) {
	t.Parallel()

	f := given(t, ann())
	c, err := f.op.JoinProgramme(f.actor, f.acme)
	require.NoError(t, err)
	require.Equal(t, []accounts.EventKind{accounts.EventProgrammeJoined}, happened(t, c, f.op))
	require.Equal(t, start, c.Accounts[0].ProgrammeAt)
	require.Equal(t, int64(4), c.Accounts[0].Version)
	require.Equal(t, []accounts.Guard{{User: "ann", Epoch: 1}}, c.Guards, "its own version guards the account")
	s := given(t, ann(), withPolicy)
	_, err = s.op.JoinProgramme(s.actor, s.acme)
	require.Equal(t, errBroken, err)

	_, err = f.op.EnableClientAccess(f.actor, f.acme)
	require.Equal(t, "account", field(t, err))
	_, err = f.op.EnableClientAccess(f.as(roles.Manager), f.acme)
	require.ErrorIs(t, accounts.Plain(err), roles.ErrDenied)

	c, err = f.op.CloseAccount(f.actor, f.acme, []accounts.Connected{{Connection: connection("acme", "orbit", roles.Manager)}})
	require.NoError(t, err)
	require.Equal(t, start, c.Accounts[0].ClosedAt)
	require.Equal(t, f.acme.Epoch+1, c.Accounts[0].Epoch, "all that rests on it ends")
	require.Equal(t, start, c.Connections[0].EndedAt)
	require.Equal(t, connection("acme", "orbit", roles.Manager).Epoch+1, c.Connections[0].Epoch)
	require.Equal(t, []accounts.EventKind{accounts.EventAccountClosed, accounts.EventConnectionEnded}, happened(t, c, f.op))
	require.Equal(t, []mail.Reason{accounts.AccountReason("acme"), "account/orbit/client/acme"}, c.CancelMail)
	require.Equal(t, mail.Reason("account/acme"), accounts.AccountReason("acme"))
	_, err = f.op.CloseAccount(f.as(roles.Admin), f.acme, nil)
	require.ErrorIs(t, err, roles.ErrDenied)

	o := given(t, staff())
	c, err = o.op.SuspendAccount(o.acme)
	require.NoError(t, err)
	require.Equal(t, f.acme.Epoch, c.Accounts[0].Epoch, "a pause ages nothing")
	require.Empty(t, c.CancelMail)
	c, err = o.op.ReactivateAccount(c.Accounts[0])
	require.NoError(t, err)
	require.True(t, c.Accounts[0].Open())
	c, err = o.op.SuspendUser(user("bob"))
	require.NoError(t, err)
	require.Equal(t, []any{start, int64(2), start}, []any{c.Users[0].SuspendedAt, c.Users[0].Epoch, c.Users[0].EpochAt})
	c, err = o.op.ReactivateUser(c.Users[0])
	require.NoError(t, err)
	require.Equal(t, int64(3), c.Users[0].Epoch, "a login during the suspension is none")
	require.True(t, c.Users[0].Active())
	for _, actor := range []accounts.Actor{ann(), job(), {}} {
		f := given(t, actor)
		_, err := f.op.SuspendAccount(f.acme)
		require.ErrorIs(t, err, roles.ErrDenied)
		_, err = f.op.SuspendUser(user("bob"))
		require.ErrorIs(t, err, roles.ErrDenied)
	}
}

// An account's owner is written with it, so that two accounts made at once
// know of each other.
func TestDecide_createAccount(t *testing.T) {
	t.Parallel()

	f := given(t, ann(), withPolicy)
	c, err := f.op.CreateAccount(account("new"), user("ann"), nil)
	require.NoError(t, err, "the policy is not asked about a first account")
	require.Equal(t, []accounts.EventKind{accounts.EventAccountCreated}, happened(t, c, f.op))
	require.Len(t, c.Users, 1)
	require.Equal(t, roles.Owner, c.Memberships[0].Role)
	require.Equal(t, []int64{1, 1}, []int64{c.Accounts[0].Epoch, c.Memberships[0].Epoch})
	_, err = f.op.CreateAccount(account("new"), user("ann"), []accounts.Account{f.acme})
	require.Equal(t, errBroken, err)
	_, err = f.op.CreateAccount(account("new"), user("bob"), nil)
	require.ErrorIs(t, err, roles.ErrDenied)
	stale := user("ann")
	stale.Epoch++
	_, err = f.op.CreateAccount(account("new"), stale, nil)
	require.Equal(t, accounts.ErrStepUp, err)
	gone := user("ann")
	gone.DeletedAt = start
	_, err = f.op.CreateAccount(account("new"), gone, nil)
	require.Equal(t, "owner", field(t, err))
	require.NoError(t, accounts.DefaultPolicy{}.MayOwn([]accounts.Account{account("a")}, agency("b")))
	require.NoError(t, accounts.DefaultPolicy{}.MayOwn([]accounts.Account{agency("a")}, account("b")))
	require.Error(t, accounts.DefaultPolicy{}.MayOwn([]accounts.Account{account("a")}, account("b")))
}

// Whatever becomes of a member moves the account, since others rely on its
// members; a new life is the next epoch (A56).
func TestDecide_members(t *testing.T) {
	t.Parallel()

	f := given(t, ann())
	moved := []accounts.Guard{{User: "ann", Epoch: 1}, {Account: "acme", Version: 4, Move: true}}
	owners := []accounts.Contact{user("ann").Contact()}
	two := append([]accounts.Contact{user("bob").Contact()}, owners...)
	cid := row("cid", roles.Viewer)

	c, err := f.op.ChangeRole(accounts.MemberFacts{Actor: f.actor, Account: f.acme, Member: cid, Owners: owners}, roles.Owner)
	require.NoError(t, err)
	require.Equal(t, moved, c.Guards)
	require.Equal(t, []any{roles.Owner, int64(3), int64(1)}, []any{c.Memberships[0].Role, c.Memberships[0].Version, c.Memberships[0].Epoch})
	_, err = f.op.ChangeRole(accounts.MemberFacts{Actor: f.actor, Account: f.acme, Member: row("ann", roles.Owner), Owners: owners}, roles.Viewer)
	require.Equal(t, accounts.ErrLastOwner, err)
	_, err = f.op.ChangeRole(accounts.MemberFacts{Actor: f.actor, Account: f.acme, Member: row("ann", roles.Owner), Owners: two}, roles.Viewer)
	require.NoError(t, err)
	_, err = f.op.ChangeRole(accounts.MemberFacts{Actor: f.as(roles.Admin), Account: f.acme, Member: cid, Owners: owners}, roles.Owner)
	require.ErrorIs(t, err, roles.ErrDenied)
	_, err = f.op.ChangeRole(accounts.MemberFacts{Actor: f.as(roles.Admin), Account: f.acme, Member: row("bob", roles.Owner), Owners: two}, roles.Viewer)
	require.ErrorIs(t, err, roles.ErrDenied, "the member stands higher")
	gone := cid
	gone.EndedAt = start
	_, err = f.op.ChangeRole(accounts.MemberFacts{Actor: f.actor, Account: f.acme, Member: gone, Owners: owners}, roles.Author)
	require.Equal(t, accounts.ErrNotFound, err)

	s := given(t, ann(), withPolicy)
	_, err = s.op.ChangeRole(accounts.MemberFacts{Actor: s.actor, Account: s.acme, Member: cid, Owners: owners}, roles.Author)
	require.Equal(t, errBroken, err, "a role that the plan does not offer")
	_, err = s.op.ChangeRole(accounts.MemberFacts{Actor: s.actor, Account: s.acme, Member: cid, Owners: owners}, roles.Owner)
	require.NoError(t, err, "owners are never asked about")
	_, err = s.op.TransferOwnership(accounts.MemberFacts{Actor: s.actor, Account: s.acme, Own: row("ann", roles.Owner), Member: cid, User: user("cid")})
	require.Equal(t, errBroken, err)

	resting := cid
	resting.SuspendedAt = start
	c, err = f.op.RemoveMember(accounts.MemberFacts{Actor: f.actor, Member: cid, Owners: owners})
	require.NoError(t, err)
	require.Equal(t, []any{start, int64(2)}, []any{c.Memberships[0].EndedAt, c.Memberships[0].Epoch})
	c, err = f.op.SuspendMember(accounts.MemberFacts{Actor: f.actor, Member: cid, Owners: owners})
	require.NoError(t, err)
	require.Equal(t, []any{start, int64(2)}, []any{c.Memberships[0].SuspendedAt, c.Memberships[0].Epoch})
	u := user("cid")
	u.Logins, u.Version = 8, 5
	c, err = f.op.ReactivateMember(accounts.MemberFacts{Actor: f.actor, Account: f.acme, Member: resting, User: u})
	require.NoError(t, err)
	require.Equal(t, []any{int64(8), start}, []any{c.Memberships[0].After, c.Memberships[0].AfterAt})
	require.Equal(t, int64(5), c.Users[0].Version, "a login meanwhile makes it a conflict")
	require.Equal(t, moved, c.Guards)

	j := given(t, job())
	ended := cid
	ended.EndedAt, ended.Epoch, ended.After, ended.AfterAt = start, 6, 4, start
	c, err = j.op.AddMember(j.acme, user("cid"), ended, accounts.ClientState{}, accounts.Seats{}, roles.Author)
	require.NoError(t, err)
	require.Equal(t, accounts.MemberState{Role: roles.Author, Epoch: 7, After: 4, AfterAt: start}, c.Memberships[0].MemberState)
	closed := j.acme
	closed.ClosedAt = start
	_, err = j.op.AddMember(closed, user("dan"), accounts.Membership{}, accounts.ClientState{}, accounts.Seats{}, roles.Author)
	require.Equal(t, accounts.ErrNotFound, err)
	forgotten := user("dan")
	forgotten.DeletedAt = start
	_, err = j.op.AddMember(j.acme, forgotten, accounts.Membership{}, accounts.ClientState{}, accounts.Seats{}, roles.Author)
	require.Equal(t, accounts.ErrNotFound, err)
	for _, m := range []accounts.Membership{row("cid", roles.Viewer), resting} {
		_, err = j.op.AddMember(j.acme, user("cid"), m, accounts.ClientState{}, accounts.Seats{}, roles.Author)
		require.Equal(t, "user", field(t, err))
	}
	_, err = j.op.AddMember(j.acme, user("dan"), accounts.Membership{}, client("acme", "dan").ClientState, accounts.Seats{}, roles.Author)
	require.Equal(t, "user", takenField(t, err), "a client becomes no member (C1)")
	former := client("acme", "dan").ClientState
	former.DeletedAt = start
	_, err = j.op.AddMember(j.acme, user("dan"), accounts.Membership{}, former, accounts.Seats{}, roles.Author)
	require.NoError(t, err)
	viewing := j.op
	viewing.Actor = accounts.Viewing("ann", "s", "acme", "dan")
	_, err = viewing.AddMember(j.acme, user("dan"), accounts.Membership{}, accounts.ClientState{}, accounts.Seats{}, roles.Author)
	require.ErrorIs(t, err, roles.ErrDenied)
	j = given(t, job(), withPolicy)
	_, err = j.op.AddMember(j.acme, user("dan"), accounts.Membership{}, accounts.ClientState{}, accounts.Seats{}, roles.Author)
	require.Equal(t, errBroken, err)
}

// What happens to a connection holds both accounts, tells the other side's
// owners, and its end takes unsent mail back first (A58, A87).
func TestDecide_connection(t *testing.T) {
	t.Parallel()

	f := given(t, ann())
	held := []accounts.Guard{{User: "ann", Epoch: 1}, {Account: "acme", Version: 4}, {Account: "orbit", Version: 6, Move: true}}
	c, err := f.op.ChangeCap(f.actor, f.linked, roles.Viewer)
	require.NoError(t, err)
	require.Equal(t, held, c.Guards)
	require.Equal(t, []any{roles.Viewer, int64(1)}, []any{c.Connections[0].Cap, c.Connections[0].Epoch})
	require.Len(t, c.Mail, 1)
	require.Equal(t, []any{"olga@people.example", mail.CapChanged, mail.Reason("account/orbit/client/acme"), start},
		[]any{c.Mail[0].To, c.Mail[0].Kind, c.Mail[0].Reason, c.Mail[0].Due})
	c, err = f.op.ChangeCap(f.actor, f.linked, roles.Manager)
	require.NoError(t, err)
	require.Empty(t, c.Events, "the cap is that already")
	_, err = f.op.ChangeCap(f.as(roles.Admin), f.linked, roles.Owner)
	require.ErrorIs(t, err, roles.ErrDenied)

	c, err = f.op.EndConnection(f.actor, f.linked)
	require.NoError(t, err)
	require.Equal(t, held, c.Guards)
	require.Equal(t, []any{start, int64(2)}, []any{c.Connections[0].EndedAt, c.Connections[0].Epoch})
	require.Equal(t, []mail.Reason{"account/orbit/client/acme"}, c.CancelMail)
	require.Equal(t, "olga@people.example", c.Mail[0].To)
	require.False(t, c.CancelMail[0].Covers(c.Mail[0].Reason), "it does not take back its own mail")
	require.Contains(t, c.Mail[0].Text, "ACME ended its connection with ORBIT")
	other := f.linked
	other.Connection.AgencyEpoch++
	_, err = f.op.EndConnection(f.actor, other)
	require.Equal(t, accounts.ErrNotFound, err)

	o := given(t, admitted("olga", start))
	at := accounts.Standing{User: user("olga").UserState, Account: o.linked.Agency.AccountState, Member: accounts.MemberState{Role: roles.Admin}}
	c, err = o.op.EndConnection(at, o.linked)
	require.NoError(t, err)
	require.Equal(t, "ann@people.example", c.Mail[0].To)
	require.False(t, c.CancelMail[0].Covers(c.Mail[0].Reason))
	_, err = o.op.ChangeCap(at, o.linked, roles.Viewer)
	require.Equal(t, accounts.ErrNotFound, err, "the cap is the client's")
}

// An assignment holds the agency alone, remembers the epochs that it rests on,
// takes the place of unsent mail about itself, and tells the colleague (A56).
func TestDecide_assign(t *testing.T) {
	t.Parallel()

	o := given(t, admitted("olga", start))
	f := accounts.Assigning{
		AtAgency: accounts.Standing{User: user("olga").UserState, Account: o.linked.Agency.AccountState, Member: accounts.MemberState{Role: roles.Admin}},
		AtClient: accounts.Standing{User: user("olga").UserState, Account: o.acme.AccountState}, Linked: o.linked, Colleague: user("oda"),
	}
	f.Linked.Connection.Epoch = 5
	f.Linked.Member = member("orbit", "oda", roles.Viewer)
	f.Linked.Member.Epoch = 3
	f.Linked.Assignment = accounts.Assignment{ConnectionKey: pair("acme", "orbit"), User: "oda"}
	c, err := o.op.Assign(f, roles.Author)
	require.NoError(t, err)
	require.Equal(t, []accounts.Guard{{User: "olga", Epoch: 1}, {Account: "orbit", Version: 6, Move: true}, {Account: "acme", Version: 4}}, c.Guards)
	require.Equal(t, accounts.AssignmentState{Role: roles.Author, ConnectionEpoch: 5, MemberEpoch: 3}, c.Assignments[0].AssignmentState)
	require.Equal(t, []mail.Reason{"account/orbit/client/acme/user/oda"}, c.CancelMail)
	require.Equal(t, []any{"oda@people.example", c.CancelMail[0]}, []any{c.Mail[0].To, c.Mail[0].Reason})
	require.Contains(t, c.Mail[0].Text, "Author")
	again, err := o.op.Assign(f, roles.Author)
	require.NoError(t, err)
	require.Equal(t, c, again, "a decision is the same each time")

	old := f
	old.Linked.Assignment = assignment("acme", "orbit", "oda", roles.Manager)
	old.Linked.Assignment.Version, old.Linked.Assignment.EndedAt, old.Linked.Assignment.CreatedAt = 9, start, start.Add(-time.Hour)
	c, err = o.op.Assign(old, roles.Viewer)
	require.NoError(t, err)
	require.Equal(t, []any{int64(9), start.Add(-time.Hour), time.Time{}}, []any{c.Assignments[0].Version, c.Assignments[0].CreatedAt, c.Assignments[0].EndedAt})
	require.Empty(t, c.Events[0].Was, "the last life does not count")
	_, err = o.op.Unassign(old)
	require.Equal(t, accounts.ErrNotFound, err)

	silent := f
	silent.Colleague.Email = ""
	c, err = o.op.Assign(silent, roles.Viewer)
	require.NoError(t, err)
	require.Empty(t, c.Mail, "who has no address gets no mail")
	for _, gone := range []func(*accounts.Assigning){
		func(f *accounts.Assigning) { f.Linked.Member.SuspendedAt = start },
		func(f *accounts.Assigning) { f.Linked.Member.EndedAt = start },
		func(f *accounts.Assigning) { f.Colleague.SuspendedAt = start },
		func(f *accounts.Assigning) { f.Linked.Connection.EndedAt = start },
		func(f *accounts.Assigning) { f.Linked.Client.SuspendedAt = start },
	} {
		f := f
		gone(&f)
		_, err = o.op.Assign(f, roles.Viewer)
		require.Equal(t, accounts.ErrNotFound, err)
	}
	require.Equal(t, "Manager", accounts.RoleName(roles.Manager))
	require.Empty(t, accounts.RoleName(""))
}
