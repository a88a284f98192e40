package accounts_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// mailchimp is what Mailchimp's plans offer: owners come with every plan.
var mailchimp = accounts.PlanTable{Plans: map[string]accounts.Plan{
	"free":          {Seats: 1},
	"essentials":    {Seats: 3, Roles: []roles.Role{roles.Admin}},
	"standard":      {Seats: 5, Roles: []roles.Role{roles.Viewer, roles.Author, roles.Admin}},
	"premium":       {Roles: []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin}},
	"pay-as-you-go": {Seats: 3, Roles: []roles.Role{roles.Admin}},
}}

// A product sells plans as Mailchimp does: each offers some of the roles, and
// some seats. The host keeps the account's plan in step.
func ExamplePlanTable() {
	plans := accounts.PlanTable{Plans: map[string]accounts.Plan{
		"free":          {Seats: 1}, // the owner alone
		"essentials":    {Seats: 3, Roles: []roles.Role{roles.Admin}},
		"standard":      {Seats: 5, Roles: []roles.Role{roles.Viewer, roles.Author, roles.Admin}},
		"premium":       {Roles: []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin}},
		"pay-as-you-go": {Seats: 3, Roles: []roles.Role{roles.Admin}},
	}}
	env := got(accounts.NewEnv(&accounts.EnvOptions{Policy: plans})) // refused if a role is not on the ladder
	graph := got(accounts.New(memory.New(), env))
	ctx, job := context.Background(), accounts.System("billing")
	for _, id := range []accounts.UserID{"ann", "ben", "cat"} {
		got(graph.PutUser(ctx, job, accounts.PutUser{ID: id}))
	}
	got(graph.CreateAccount(ctx, job, accounts.CreateAccount{ID: "acme", Name: "Acme", Plan: "free", Owner: "ann"}))

	fmt.Println(graph.AddMember(ctx, job, "acme", "ben", roles.Admin))
	for _, plan := range []string{"essentials", "standard", "premium"} {
		verify(graph.UpdateAccount(ctx, job, accounts.UpdateAccount{ID: "acme", Plan: &plan}))
		fmt.Println(plan, "with a manager:", graph.AddMember(ctx, job, "acme", "ben", roles.Manager))
	}
	// Output:
	// chatelaine: role is not offered by the plan "free"; choose another role, or change the plan
	// essentials with a manager: chatelaine: role is not offered by the plan "essentials"; choose another role, or change the plan
	// standard with a manager: chatelaine: role is not offered by the plan "standard"; choose another role, or change the plan
	// premium with a manager: <nil>
}

// on is an account on a plan.
func on(plan string) accounts.Account {
	a := account("acme")
	a.Plan = plan
	return a
}

// A plan offers the roles and seats of the table, and one that is not in it
// offers nothing (B8).
func TestPlanTable(t *testing.T) {
	t.Parallel()

	const none = "plan"
	for plan, want := range map[string]struct {
		offers []roles.Role
		seats  int
	}{
		"free":          {nil, 1},
		"essentials":    {[]roles.Role{roles.Admin}, 3},
		"standard":      {[]roles.Role{roles.Viewer, roles.Author, roles.Admin}, 5},
		"premium":       {[]roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin}, 0},
		"pay-as-you-go": {[]roles.Role{roles.Admin}, 3},
	} {
		var offers []roles.Role
		for _, r := range []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin} {
			if err := mailchimp.MayHold(on(plan), r); err == nil {
				offers = append(offers, r)
			} else {
				require.Equal(t, "role", field(t, err), plan)
			}
		}
		require.Equal(t, want.offers, offers, plan)
		require.Equal(t, want.seats, mailchimp.Seats(on(plan)), plan)
	}
	for _, plan := range []string{"", "Premium", "gold"} {
		require.Equal(t, none, field(t, mailchimp.MayHold(on(plan), roles.Viewer)), plan)
		require.Zero(t, mailchimp.Seats(on(plan)))
	}
	require.NoError(t, mailchimp.MayJoinProgramme(on("free")), "what the table does not say is as by default")
}

// Which kinds of account let somebody own several is as by default, unless the
// table says otherwise; an empty list lets nobody (B8).
func TestPlanTable_MayOwn(t *testing.T) {
	t.Parallel()

	kind := func(k accounts.Kind) accounts.Account {
		a := account("a")
		a.Kind = k
		return a
	}
	standard, agency, franchise := kind(accounts.KindStandard), kind(accounts.KindAgency), kind(accounts.KindFranchise)
	for _, tt := range []struct {
		name    string
		given   []accounts.Kind
		owned   []accounts.Account
		another accounts.Account
		want    bool
	}{
		{"by default an agency may be added to anything", nil, []accounts.Account{standard}, agency, true},
		{"and anything to a franchise", nil, []accounts.Account{franchise}, standard, true},
		{"and nothing else", nil, []accounts.Account{standard, standard}, standard, false},
		{"a kind that is listed may be added", []accounts.Kind{accounts.KindStandard}, []accounts.Account{agency}, standard, true},
		{"and be added to", []accounts.Kind{accounts.KindStandard}, []accounts.Account{agency, standard}, agency, true},
		{"one that is not may not, although it could by default", []accounts.Kind{accounts.KindFranchise}, []accounts.Account{agency}, agency, false},
		{"with an empty list nobody owns two", []accounts.Kind{}, []accounts.Account{agency}, franchise, false},
	} {
		before := append([]accounts.Account(nil), tt.owned...)
		err := accounts.PlanTable{Several: tt.given}.MayOwn(tt.owned, tt.another)
		if tt.want {
			require.NoError(t, err, tt.name)
		} else {
			require.Equal(t, "kind", field(t, err), tt.name)
		}
		require.Equal(t, before, tt.owned)
	}
}

// A table that cannot be meant is refused when the environment is made, by
// itself or inside the host's own policy.
func TestPlanTable_Check(t *testing.T) {
	t.Parallel()

	type own struct{ accounts.PlanTable }
	levels := roles.StandardLevels()
	levels[2].Role = "editor"
	edited, err := roles.New(levels...)
	require.NoError(t, err)
	for _, tt := range []struct {
		name   string
		given  accounts.PlanTable
		ladder *roles.Ladder
		want   string
	}{
		{"Mailchimp's table", mailchimp, nil, ""},
		{"an empty table", accounts.PlanTable{}, nil, ""},
		{"a table for another ladder", mailchimp, edited, "not on the ladder"},
		{"a role that is spelled otherwise", accounts.PlanTable{Plans: map[string]accounts.Plan{"p": {Roles: []roles.Role{"Viewer"}}}}, nil, `plan "p" a role that is not on the ladder`},
		{"an empty role", accounts.PlanTable{Plans: map[string]accounts.Plan{"p": {Roles: []roles.Role{""}}}}, nil, `plan "p" a role that is not on the ladder`},
		{"fewer than no seats", accounts.PlanTable{Plans: map[string]accounts.Plan{"p": {Seats: -1}}}, nil, `negative number of seats in the plan "p"`},
		{"a kind that there is not", accounts.PlanTable{Several: []accounts.Kind{accounts.KindAgency, "Agency"}}, nil, "a kind of account that there is not"},
	} {
		for _, policy := range []accounts.Policy{tt.given, &tt.given, own{tt.given}} {
			env, err := accounts.NewEnv(&accounts.EnvOptions{Policy: policy, Ladder: tt.ladder})
			if tt.want == "" {
				require.NoError(t, err, tt.name)
				require.Equal(t, policy, env.Policy())
				continue
			}
			require.Equal(t, "policy", field(t, err), tt.name)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, env)
		}
	}
}
