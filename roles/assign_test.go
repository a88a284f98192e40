package roles_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Nobody gives a role above their own, the top role goes to members alone, and
// who holds no known role gives none (A16, A33).
func TestLadder_CanAssign(t *testing.T) {
	t.Parallel()

	// What each giver may give; whatever is not listed is denied.
	members := map[roles.Role][]roles.Role{
		roles.Viewer:  {roles.Viewer},
		roles.Author:  {roles.Viewer, roles.Author},
		roles.Manager: {roles.Viewer, roles.Author, roles.Manager},
		roles.Admin:   {roles.Viewer, roles.Author, roles.Manager, roles.Admin},
		roles.Owner:   {roles.Viewer, roles.Author, roles.Manager, roles.Admin, roles.Owner},
	}
	delegates := map[roles.Role][]roles.Role{
		roles.Viewer:  {roles.Viewer},
		roles.Author:  {roles.Viewer, roles.Author},
		roles.Manager: {roles.Viewer, roles.Author, roles.Manager},
		roles.Admin:   {roles.Viewer, roles.Author, roles.Manager, roles.Admin},
		roles.Owner:   {roles.Viewer, roles.Author, roles.Manager, roles.Admin},
	}
	l := roles.Standard()
	for _, giver := range append(l.Roles(), "", "root", "Owner") {
		for _, role := range l.Roles() {
			for as, allowed := range map[roles.Holding][]roles.Role{
				roles.Member: members[giver], roles.Delegate: delegates[giver], 2: nil, 255: nil,
			} {
				t.Run(fmt.Sprintf("%q gives %s to a %s %d", giver, role, as, as), func(t *testing.T) {
					t.Parallel()
					err := l.CanAssign(giver, role, as)
					if slices.Contains(allowed, role) {
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, roles.ErrDenied)
					var denied *roles.DeniedError
					require.ErrorAs(t, err, &denied)
					require.Equal(t, giver, denied.Have)
					require.NotEmpty(t, denied.Why)
					if as == roles.Member || as == roles.Delegate && role != roles.Owner {
						require.Equal(t, role, denied.Need)
					} else {
						require.Empty(t, denied.Need, "no role is enough")
					}
				})
			}
		}
		for _, role := range []roles.Role{"", "root", "Owner", "owner "} {
			t.Run(fmt.Sprintf("%q gives the unknown role %q", giver, role), func(t *testing.T) {
				t.Parallel()
				for _, as := range []roles.Holding{roles.Member, roles.Delegate, 2} {
					err := l.CanAssign(giver, role, as)
					require.ErrorIs(t, err, roles.ErrUnknownRole)
					var unknown *roles.UnknownRoleError
					require.ErrorAs(t, err, &unknown)
					require.Equal(t, role, unknown.Role)
					require.Equal(t, l.Roles(), unknown.Known)
				}
			})
		}
	}
}

// Whoever may give a role has every permission that comes with it (A33).
func TestLadder_CanAssign_givesNothingThatTheGiverLacks(t *testing.T) {
	t.Parallel()

	for name, l := range map[string]*roles.Ladder{"standard": roles.Standard(), "own": ownLadder(t)} {
		for _, giver := range l.Roles() {
			for _, role := range l.Roles() {
				if l.CanAssign(giver, role, roles.Member) == nil {
					require.Subset(t, l.Rights(giver, "").Permissions(), l.Rights(role, "").Permissions(), name)
				}
				if l.CanAssign(giver, role, roles.Delegate) == nil {
					require.Subset(t, l.Rights(giver, "").Permissions(), l.Rights("", role).Permissions(), name)
					require.NotEqual(t, l.Top(), role, name)
				}
			}
		}
	}
}

func TestLadder_CanAssign_namesTheAction(t *testing.T) {
	t.Parallel()

	l := roles.Standard()
	for _, tc := range []struct {
		role roles.Role
		as   roles.Holding
		want roles.Permission
	}{
		{roles.Admin, roles.Member, roles.ManageMembers},
		{roles.Owner, roles.Member, roles.GrantOwner},
		{roles.Admin, roles.Delegate, roles.AssignColleagues},
		{roles.Owner, roles.Delegate, roles.AssignColleagues},
	} {
		var denied *roles.DeniedError
		require.ErrorAs(t, l.CanAssign(roles.Viewer, tc.role, tc.as), &denied)
		require.Equal(t, tc.want, denied.Action)
	}
}

func TestHolding_String(t *testing.T) {
	t.Parallel()

	require.Equal(t, "member", roles.Member.String())
	require.Equal(t, "delegate", roles.Delegate.String())
	require.Equal(t, "unknown", roles.Holding(2).String())
}

// ownLadder is one with three levels and other names than the standard's, one
// of which it uses for something else.
func ownLadder(t *testing.T) *roles.Ladder {
	t.Helper()
	own := bigLadder(3)
	own[0].Role, own[1].Role, own[2].Role = "owner", "staff", "boss"
	own[0].Permissions = []roles.Permission{"post.read"}
	own[1].DirectOnly = []roles.Permission{"till.open"}
	l, err := roles.New(own...)
	require.NoError(t, err)
	return l
}
