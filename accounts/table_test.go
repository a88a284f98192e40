package accounts_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// table tells who may do what, for anybody to read: an act a paragraph, and below
// it each outcome with those who meet it.
type table struct {
	b       strings.Builder
	covered map[string]bool // the methods that have an act
}

func newTable(head ...string) *table {
	x := &table{covered: map[string]bool{}}
	for _, line := range head {
		x.b.WriteString("# " + line + "\n")
	}
	return x
}

// act adds an act, which everybody is told to try. The outcomes stand in the order
// in which they first come.
func (x *table) act(method, what string, try func(tell func(who, outcome string))) {
	x.covered[method] = true
	var order []string
	who := map[string][]string{}
	try(func(name, outcome string) {
		if who[outcome] == nil {
			order = append(order, outcome)
		}
		who[outcome] = append(who[outcome], name)
	})
	fmt.Fprintf(&x.b, "\n%s: %s\n", method, what)
	for _, o := range order {
		fmt.Fprintf(&x.b, "  %s: %s\n", o, strings.Join(who[o], " | "))
	}
}

// check compares the table with the one that everybody reads.
func (x *table) check(t *testing.T, file string) {
	t.Helper()
	require.NotContains(t, x.b.String(), "BROKEN")
	require.NotContains(t, x.b.String(), "fault")
	golden(t, file, x.b.String())
}

// covers asks that every method of a service has an act, but for With.
func (x *table) covers(t *testing.T, service reflect.Type) {
	t.Helper()
	for i := range service.NumMethod() {
		if m := service.Method(i).Name; m != "With" {
			require.True(t, x.covered[m], "the operation %s has no row in the table of who may do what", m)
		}
	}
}
