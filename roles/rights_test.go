package roles_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/roles"
)

func TestLadder_Rights(t *testing.T) {
	t.Parallel()

	l := roles.Standard()
	for _, tc := range []struct {
		name              string
		direct, delegated roles.Role
		wantDirect        roles.Role
		wantDelegated     roles.Role
		wantRole          roles.Role
	}{
		{"both are kept, and the higher is the role", roles.Author, roles.Admin, roles.Author, roles.Admin, roles.Admin},
		{"a member alone", roles.Owner, "", roles.Owner, "", roles.Owner},
		{"a delegate alone", "", roles.Manager, "", roles.Manager, roles.Manager},
		{"nobody", "", "", "", "", ""},
		{"unknown roles count as none", "root", "Admin", "", "", ""},
		{"the top role through a connection counts as none", "", roles.Owner, "", "", ""},
		{"and leaves the direct one", roles.Viewer, roles.Owner, roles.Viewer, "", roles.Viewer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := l.Rights(tc.direct, tc.delegated)
			require.Equal(t, tc.wantDirect, r.Direct())
			require.Equal(t, tc.wantDelegated, r.Delegated())
			require.Equal(t, tc.wantRole, r.Role())
			require.Equal(t, tc.wantRole == "", r.None())
		})
	}
	t.Run("equal rights are equal values", func(t *testing.T) {
		t.Parallel()
		seen := map[roles.Rights]bool{l.Rights(roles.Admin, "root"): true}
		require.True(t, seen[l.Rights(roles.Admin, roles.Owner)])
		require.False(t, seen[l.Rights("", roles.Admin)])
	})
}

// Rights that come from nowhere allow nothing, and neither does a permission
// that is on no level (A32).
func TestRights_denyByDefault(t *testing.T) {
	t.Parallel()

	none := map[string]roles.Rights{
		"the zero rights":           {},
		"no role":                   roles.Standard().Rights("", ""),
		"unknown roles":             roles.Standard().Rights("root", "root"),
		"the top role by delegates": roles.Standard().Rights("", roles.Owner),
	}
	for name, r := range none {
		t.Run(name+" can do nothing", func(t *testing.T) {
			t.Parallel()
			require.True(t, r.None())
			require.Empty(t, r.Role())
			require.Empty(t, r.Direct())
			require.Empty(t, r.Delegated())
			require.Empty(t, r.Permissions())
			for _, p := range append(roles.Permissions(), "", "nothing") {
				require.False(t, r.Can(p), p)
				require.ErrorIs(t, r.Check(p), roles.ErrDenied)
			}
		})
	}
	t.Run("an unknown permission is denied to the owner", func(t *testing.T) {
		t.Parallel()
		r := roles.Standard().Rights(roles.Owner, roles.Admin)
		for _, p := range []roles.Permission{"", "nothing", "Members.Manage", "members.manage "} {
			require.False(t, r.Can(p), p)
			var denied *roles.DeniedError
			require.ErrorAs(t, r.Check(p), &denied)
			require.Equal(t, roles.Owner, denied.Have)
			require.Empty(t, denied.Need)
			require.Contains(t, denied.Why, "Ladder.With")
		}
	})
}

func TestRights_Check(t *testing.T) {
	t.Parallel()

	l := roles.Standard()
	for _, tc := range []struct {
		name    string
		given   roles.Rights
		when    roles.Permission
		want    *roles.DeniedError
		wantWhy string
	}{
		{"enough as a member", l.Rights(roles.Admin, ""), roles.ManageMembers, nil, ""},
		{"enough through a connection", l.Rights("", roles.Manager), roles.AssignColleagues, nil, ""},
		{"enough by the other of two roles", l.Rights(roles.Viewer, roles.Manager), roles.AssignColleagues, nil, ""},
		{
			"too low", l.Rights(roles.Viewer, ""), roles.ManageMembers,
			&roles.DeniedError{Action: roles.ManageMembers, Have: roles.Viewer, Need: roles.Admin}, "",
		},
		{
			"nothing at all",
			roles.Rights{},
			roles.ManageMembers,
			&roles.DeniedError{Action: roles.ManageMembers}, "nothing is held",
		},
		{
			"too low through a connection", l.Rights("", roles.Viewer), roles.AssignColleagues,
			&roles.DeniedError{Action: roles.AssignColleagues, Have: roles.Viewer, Need: roles.Manager}, "",
		},
		{
			"high enough, but through a connection", l.Rights(roles.Viewer, roles.Admin), roles.ManageMembers,
			&roles.DeniedError{Action: roles.ManageMembers, Have: roles.Admin, Need: roles.Admin}, "never held through a connection",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.given.Check(tc.when)
			require.Equal(t, tc.want == nil, tc.given.Can(tc.when))
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			var denied *roles.DeniedError
			require.ErrorAs(t, err, &denied)
			if tc.wantWhy == "" {
				require.Empty(t, denied.Why)
			}
			require.Contains(t, denied.Why, tc.wantWhy)
			got := *denied
			got.Why = ""
			require.Equal(t, *tc.want, got)
		})
	}
}

// A higher role can do all that a lower one can, and a member all that a
// delegate of the same role can; Check and Permissions agree with Can.
func TestRights_growWithTheRole(t *testing.T) {
	t.Parallel()

	ladders := rapid.SampledFrom([]*roles.Ladder{roles.Standard(), ownLadder(t)})
	rapid.Check(t, func(t *rapid.T) {
		l := ladders.Draw(t, "ladder")
		role := rapid.SampledFrom(append(l.Roles(), "", "root"))
		direct, delegated := role.Draw(t, "direct"), role.Draw(t, "delegated")
		less := l.Rights(l.Min(direct, role.Draw(t, "lower direct")), l.Min(delegated, l.TopDelegated()))
		more := l.Rights(direct, l.Min(delegated, l.TopDelegated()))
		require.Subset(t, more.Permissions(), less.Permissions())
		require.Subset(t, l.Rights(delegated, "").Permissions(), l.Rights("", delegated).Permissions())

		var can []roles.Permission
		for _, v := range l.Levels() {
			for _, p := range append(v.Permissions, v.DirectOnly...) {
				require.Equal(t, more.Can(p), more.Check(p) == nil)
				if more.Can(p) {
					can = append(can, p)
				}
			}
		}
		require.Equal(t, can, more.Permissions(), "in ladder order")
	})
}

// This test does not run in parallel: it counts allocations.
func TestRights_Can_allocatesNothing(t *testing.T) { //nolint:paralleltest // allocations of other tests would count
	r := roles.Standard().Rights(roles.Author, roles.Admin)
	for _, p := range append(roles.Permissions(), "", "nothing") {
		require.Zero(t, testing.AllocsPerRun(100, func() { r.Can(p) }), p)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { roles.Standard().Rights(roles.Author, roles.Admin) }))
}

func BenchmarkRights_Can(b *testing.B) {
	for name, bench := range map[string]struct {
		rights roles.Rights
		ask    roles.Permission
	}{
		"yes":     {roles.Standard().Rights(roles.Admin, ""), roles.ManageMembers},
		"no":      {roles.Standard().Rights("", roles.Admin), roles.ManageMembers},
		"unknown": {roles.Standard().Rights(roles.Owner, ""), "nothing"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.rights.Can(bench.ask)
			}
		})
	}
}
