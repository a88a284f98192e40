package invites_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// facts answers every question with what a test made up, and keeps the change
// that a decision comes to. Nothing is stored, so a decision is seen alone. A
// question that no decision should ask has no answer, and panics.
type facts struct {
	invites.Store

	standing  accounts.Standing
	own       accounts.Membership
	user      accounts.User
	inviting  invites.Inviting
	accepting invites.Accepting
	owned     []accounts.Account
	challenge accounts.Challenge

	got     *invites.Change  // what was decided
	refused *accounts.Change // what was put on record instead
}

func (f *facts) Standings(context.Context, []accounts.StandingKey) ([]accounts.Standing, error) {
	return []accounts.Standing{f.standing}, nil
}

func (f *facts) Membership(context.Context, accounts.StandingKey) (accounts.Membership, error) {
	return f.own, nil
}

func (f *facts) User(_ context.Context, key accounts.UserKey) (accounts.User, error) {
	if key.ID == f.user.ID {
		return f.user, nil
	}
	return accounts.User{}, accounts.ErrNotFound
}

func (f *facts) Owned(context.Context, accounts.UserID, roles.Role) ([]accounts.Account, error) {
	return f.owned, nil
}

func (f *facts) Challenge(context.Context, accounts.ChallengeKey) (accounts.Challenge, error) {
	return f.challenge, nil
}

func (f *facts) Inviting(context.Context, invites.InvitingQuery) (invites.Inviting, error) {
	return f.inviting, nil
}

func (f *facts) Accepting(context.Context, invites.AcceptingQuery) (invites.Accepting, error) {
	return f.accepting, nil
}

func (f *facts) ApplyInvites(_ context.Context, c invites.Change) error {
	f.got = &c
	return nil
}

func (f *facts) ApplyAccounts(_ context.Context, c accounts.Change) error {
	f.refused = &c
	return nil
}

// The numbers of the people in the facts are all different, so that no test
// passes by taking one for another.
const (
	accountVersion = 31
	tenure         = 3
	reign          = 5
	suspensions    = 2
)

// newFacts is about the account acme, where ann is an Admin who invited
// ben@example.com as an Admin an hour ago, and what she or ben could do now.
func newFacts() *facts {
	ann, ben := user("ann"), user("ben")
	ann.Version, ann.Epoch, ann.Suspensions = 11, 12, suspensions
	ben.Version, ben.Epoch = 21, 22
	acme := account("acme")
	acme.Version = accountVersion
	own := member("acme", "ann", roles.Admin)
	own.Version, own.Tenure, own.Reign = 41, tenure, reign
	hour := start().Add(-time.Hour)
	i := invites.Invitation{
		Account: "acme", ID: "the-invitation", Version: 7, Email: "ben@example.com", Address: "Ben@example.com", Role: roles.Admin,
		Message: "Join us", Locale: "de", Inviter: "ann", Tenure: tenure, Reign: reign, Suspensions: suspensions,
		Hash: token.Hash{9}, State: invites.Pending, SentAt: hour, ExpiresAt: hour.Add(week), ResendDay: accounts.DayOf(hour),
		CreatedAt: hour, UpdatedAt: hour,
	}
	by := accounts.Member{User: ann, Membership: own}
	return &facts{
		standing: accounts.Standing{User: ann.UserState, Account: acme.AccountState, Member: own.MemberState},
		own:      own, user: ann,
		inviting: invites.Inviting{Account: acme, Seats: accounts.Seats{Members: 1}},
		accepting: invites.Accepting{
			Invitation: i, Account: acme, Inviter: by, Seats: accounts.Seats{Members: 1, Invited: 1},
			Joiner: accounts.Means{User: ben, Credential: accounts.Credential{User: "ben", Version: 1, Hash: "hash"}},
			Member: accounts.Membership{Account: "acme", User: "ben"},
		},
	}
}

// offered makes the invitation of the answers one that the offers find.
func (f *facts) offered() {
	f.inviting.Invitation, f.inviting.Inviter = f.accepting.Invitation, f.accepting.Inviter
	f.inviting.Seats.Invited = 1
}

// role makes ann hold another role, with the counters as they are.
func (f *facts) role(r roles.Role) {
	f.own.Role, f.standing.Member.Role, f.accepting.Inviter.Membership.Role = r, r, r
}

// owners makes ann an owner who promised ben the same.
func (f *facts) owners() {
	f.role(roles.Owner)
	f.accepting.Invitation.Role = roles.Owner
}

func (f *facts) ann() accounts.Actor { return f.annSince(start()) }

func (f *facts) annSince(authAt time.Time) accounts.Actor {
	return accounts.Admitted(accounts.Admission{User: "ann", Epoch: 12, Proof: accounts.Proof{Login: 1}, Session: "ann-1", AuthAt: authAt})
}

func (f *facts) ben() accounts.Actor {
	return accounts.Admitted(accounts.Admission{User: "ben", Epoch: 22, Proof: accounts.Proof{Login: 1}, Session: "ben-1", AuthAt: start().Add(-time.Hour)})
}

// service returns the service that decides on the facts.
func (f *facts) service(t testing.TB, set ...func(*accounts.EnvOptions)) *invites.Service {
	t.Helper()
	c, ids := clock.NewMock(), &counter{}
	c.Set(start())
	o := &accounts.EnvOptions{
		Product: "Letterbird", BaseURL: "https://app.example", Clock: c, IDs: ids, Secrets: ids.secret, Burst: noBurst{}, Templates: templates(),
	}
	for _, f := range set {
		f(o)
	}
	s, err := invites.New(f, must(accounts.NewEnv(o))(t), &invites.Options{Hasher: hasher(), Passwords: policy()})
	require.NoError(t, err)
	return s
}

// theLink has the form of an invitation's link.
func theLink() string { return "cinv_" + secretOf("the link") }

func plan(p accounts.Plan) func(*accounts.EnvOptions) {
	return func(o *accounts.EnvOptions) {
		o.Policy = accounts.PlanTable{Plans: map[string]accounts.Plan{"": p}}
	}
}

func kinds(events []accounts.Event) []accounts.EventKind {
	var out []accounts.EventKind
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

func mailKinds(list []mail.Message) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.Kind)
	}
	return out
}

// decided requires that a decision came to a change, and to nothing on record
// beside it.
func (f *facts) decided(t testing.TB, err error) invites.Change {
	t.Helper()
	require.NoError(t, err)
	require.Nil(t, f.refused)
	require.NotNil(t, f.got)
	return *f.got
}

// undecided requires that a decision refused, and that this is on record, with
// a reason, if and only if one is given.
func (f *facts) undecided(t testing.TB, err, want error, refusal string) {
	t.Helper()
	require.ErrorIs(t, err, want)
	require.Nil(t, f.got, "a refusal changes nothing")
	if refusal == "" {
		require.Nil(t, f.refused, "this is nothing for the record")
		return
	}
	require.NotNil(t, f.refused, "a refusal is on record")
	require.Len(t, f.refused.Events, 1)
	e := f.refused.Events[0]
	require.Equal(t, accounts.EventRefused, e.Kind)
	require.Equal(t, refusal, e.Refusal)
	require.Equal(t, accounts.AccountID("acme"), e.Account)
	require.NotEmpty(t, e.By.User, "by somebody")
}

func hasGuard(c invites.Change, want accounts.Guard) bool { return slices.Contains(c.Guards, want) }
