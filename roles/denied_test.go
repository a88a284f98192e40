package roles_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/roles"
)

func TestDeniedError_Error(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct {
		given roles.DeniedError
		want  string
	}{
		{
			roles.DeniedError{Action: roles.ManageMembers, Have: roles.Viewer, Need: roles.Admin},
			`roles: denied: "members.manage": needs the role "admin" or a higher one, held is "viewer"; ask somebody who holds it`,
		},
		{
			roles.DeniedError{Action: roles.ManageMembers, Need: roles.Admin},
			`roles: denied: "members.manage": needs the role "admin" or a higher one, no role is held; ask somebody who holds it`,
		},
		{
			roles.DeniedError{Action: roles.ViewAs, Have: roles.Admin, Need: roles.Admin, Why: "end the other view first"},
			`roles: denied: "clients.view-as": needs the role "admin" or a higher one, held is "admin"; end the other view first`,
		},
		{roles.DeniedError{Why: "this session only reads"}, "roles: denied; this session only reads"},
		{roles.DeniedError{}, "roles: denied"},
		{roles.DeniedError{Have: "a\nb"}, `roles: denied, held is "a\nb"`},
	} {
		require.EqualError(t, &tc.given, tc.want)
	}
}

func TestErrors_matchTheirSentinels(t *testing.T) {
	t.Parallel()

	sentinels := []error{roles.ErrDenied, roles.ErrUnknownRole, roles.ErrUnknownPermission, roles.ErrInvalidSet}
	typed := []error{&roles.DeniedError{}, &roles.UnknownRoleError{}, &roles.UnknownPermissionError{}}
	for i, err := range typed {
		for j, sentinel := range sentinels {
			require.Equal(t, i == j, errors.Is(fmt.Errorf("wrapped: %w", err), sentinel), "%T and %v", err, sentinel)
		}
	}
}

// Whatever comes from outside is printed on one line and not without end
// (A107).
func TestErrors_printHostileNamesSafely(t *testing.T) {
	t.Parallel()

	hostile := "x\nlevel=info\x1b[31m\u202e" + strings.Repeat("y", 1<<20)
	l := roles.Standard()
	_, set := roles.SiteCatalog().Choose(nil, roles.Permission(hostile))
	_, made := roles.NewCatalog(roles.Entry{Permission: roles.Permission(hostile)})
	for _, err := range []error{
		l.CanAssign(roles.Owner, roles.Role(hostile), roles.Member),
		l.CanAssign(roles.Role(hostile), roles.Viewer, roles.Member),
		l.Rights(roles.Owner, "").Check(roles.Permission(hostile)),
		set,
		made,
	} {
		require.Error(t, err)
		require.Less(t, len(err.Error()), 500)
		for _, c := range strings.ReplaceAll(err.Error(), "…", "") {
			require.True(t, c >= ' ' && c <= '~', "%q in %q", c, err.Error())
		}
	}
}

func TestUnknownRoleError_Error(t *testing.T) {
	t.Parallel()

	require.EqualError(t, roles.Standard().CanAssign(roles.Owner, "boss", roles.Member),
		`roles: "boss" is no role of this ladder; use one of "viewer", "author", "manager", "admin", "owner"`)
}
