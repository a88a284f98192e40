package roles_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/roles"
)

var update = flag.Bool("update", false, "write testdata/matrix.golden anew")

// Who may do what is exactly the table that everybody can read, and every
// permission of the library has its row there (A32).
func TestStandard_matrix(t *testing.T) {
	t.Parallel()

	const golden = "testdata/matrix.golden"
	got := matrix(roles.Standard())
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if the change is meant, run: go test ./roles -run matrix -update")
	for _, p := range declared(t) {
		require.Contains(t, string(want), "\n"+string(p)+" ", "a permission without a row")
	}
}

// Every permission that is declared is in the table of the library, in the
// order of the standard ladder.
func TestPermissions(t *testing.T) {
	t.Parallel()

	require.Equal(t, declared(t), roles.Permissions())
	require.Equal(t, roles.Permissions(), roles.Standard().Rights(roles.Owner, "").Permissions())
	roles.Permissions()[0] = "changed"
	require.Equal(t, roles.SeeAccount, roles.Permissions()[0])
}

// declared reads the constants of type Permission from the source.
func declared(t *testing.T) []roles.Permission {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "permission.go", nil, 0)
	require.NoError(t, err)
	var all []roles.Permission
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Permission" {
			return true
		}
		for _, v := range spec.Values {
			lit, ok := v.(*ast.BasicLit)
			require.True(t, ok, "a permission is declared by its name")
			name, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			all = append(all, roles.Permission(name))
		}
		return true
	})
	require.NotEmpty(t, all)
	return all
}

// matrix draws the table of a ladder.
func matrix(l *roles.Ladder) string {
	var b strings.Builder
	b.WriteString("# Who may do what at an account, on the standard ladder.\n")
	b.WriteString("# member: the role is held as a member of the account.\n")
	b.WriteString("# delegate: the role is held through a connection; the top role cannot be.\n\n")
	columns := func(cell func(r roles.Role) string) string {
		var line strings.Builder
		for _, r := range l.Roles() {
			fmt.Fprintf(&line, " %-7s", cell(r))
		}
		return line.String()
	}
	row := func(head, member, delegate string) {
		line := fmt.Sprintf("%-24s|%-40s |%s", head, member, delegate)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	name := func(r roles.Role) string { return string(r) }
	yes := func(is bool) string {
		if is {
			return "yes"
		}
		return "-"
	}
	row("", " member", " delegate")
	row("permission", columns(name), columns(name))
	b.WriteString(strings.Repeat("-", 24) + "+" + strings.Repeat("-", 41) + "+" + strings.Repeat("-", 40) + "\n")
	for _, p := range roles.Permissions() {
		row(string(p),
			columns(func(r roles.Role) string { return yes(l.Rights(r, "").Can(p)) }),
			columns(func(r roles.Role) string { return yes(l.Rights("", r).Can(p)) }))
	}
	return b.String()
}
