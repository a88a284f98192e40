package accounts_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Every kind of mail that has a template is written by one of the three packages
// that make changes, and none of them writes another kind. That each is written where
// it should be is for the tests of the operations; this one keeps a kind from being
// forgotten.
func TestKinds_written(t *testing.T) {
	t.Parallel()
	each := func(pattern string, see func(n ast.Node)) {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			require.NoError(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				see(n)
				return true
			})
		}
	}
	values := map[string]string{} // of the constants, by name
	each("../mail/kinds.go", func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			values[spec.Names[0].Name] = value
		}
	})
	var written []string
	for _, dir := range []string{".", "../access", "../invites"} {
		each(filepath.Join(dir, "*.go"), func(n ast.Node) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "mail" && values[sel.Sel.Name] != "" {
				written = append(written, values[sel.Sel.Name])
			}
		})
	}
	slices.Sort(written)
	require.Equal(t, mail.Kinds(), slices.Compact(written))
}
