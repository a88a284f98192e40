package accounts_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
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
	written := map[string]bool{}
	for _, dir := range []string{".", "../access", "../invites"} {
		letters := map[string]bool{} // the functions that take a kind and return a letter of it
		each(filepath.Join(dir, "*.go"), func(n ast.Node) {
			if f, ok := n.(*ast.FuncDecl); ok && takesKind(f) {
				letters[f.Name.Name] = true
			}
		})
		each(filepath.Join(dir, "*.go"), func(n ast.Node) {
			f, ok := n.(*ast.FuncDecl)
			if !ok {
				return
			}
			for _, name := range kindsIn(f, letters) {
				written[cmp.Or(values[name], name)] = true
			}
		})
	}
	require.Equal(t, mail.Kinds(), slices.Sorted(maps.Keys(written)))
}

// takesKind reports whether a function has a kind as its first parameter, and returns
// a letter.
func takesKind(f *ast.FuncDecl) bool {
	in, out := f.Type.Params.List, f.Type.Results
	return len(in) > 0 && len(in[0].Names) > 0 && in[0].Names[0].Name == "kind" &&
		out != nil && len(out.List) == 1 && lastName(out.List[0].Type) == "Letter"
}

// kindsIn are the names of the constants, or the literals, that a function gives to a
// letter as its kind: in the field, as the argument of a function that makes letters,
// or by way of a variable of its own.
func kindsIn(f *ast.FuncDecl, letters map[string]bool) []string {
	var given []ast.Expr
	assigned := map[string][]ast.Expr{} // to variables, by name
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				pair, ok := e.(*ast.KeyValueExpr)
				if ok && lastName(n.Type) == "Letter" && lastName(pair.Key) == "Kind" {
					given = append(given, pair.Value)
				}
			}
		case *ast.CallExpr:
			if letters[lastName(n.Fun)] {
				given = append(given, n.Args[0])
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if len(n.Lhs) != len(n.Rhs) {
					break
				}
				switch to := to.(type) {
				case *ast.SelectorExpr:
					if to.Sel.Name == "Kind" {
						given = append(given, n.Rhs[i])
					}
				case *ast.Ident:
					assigned[to.Name] = append(assigned[to.Name], n.Rhs[i])
				}
			}
		}
		return true
	})
	var names []string
	for _, e := range given {
		all := []ast.Expr{e}
		if v, ok := e.(*ast.Ident); ok {
			all = assigned[v.Name]
		}
		for _, e := range all {
			switch e := e.(type) {
			case *ast.SelectorExpr:
				names = append(names, e.Sel.Name)
			case *ast.BasicLit:
				names = append(names, e.Value)
			}
		}
	}
	return names
}

// lastName is the name of x and the name of a.x.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
