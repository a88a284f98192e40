//go:build !race

package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// No question that is asked all day reads a table from end to end, sorts a list of
// which it wants a page, or reads more than a few hundred rows for one: neither when
// the server plans for the arguments, nor when it keeps one plan for whatever they
// are. So what an answer costs follows what is in it and not what is stored.
func TestReads_plans(t *testing.T) {
	t.Parallel()
	const n = 10_000 // as many of each, and of some twice that
	x := newTown(t, n)
	s := x.stage(t, x.dsn)
	list := hotOnes()
	for _, p := range x.shelves() {
		most := 1_000.
		if p.q.Search != "" {
			// The rows that have the pieces of the text, or some thousand of the list.
			most = 6_000
		}
		p.q.Account = "agency"
		list = append(list, hot{name: "ClientRecords, " + p.name, most: most, ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.ClientRecords(ctx, p.q))
		}})
	}
	var wrong []string
	said := map[string]bool{}
	for _, h := range list {
		if h.most == 0 {
			h.most = 1_000
		}
		text, args := s.heard.heardOne(t, func(st *postgres.Store) error { return h.ask(t.Context(), st) })
		for _, way := range []string{"force_custom_plan", "force_generic_plan"} {
			top, raw := explained(t, x, way, text, args)
			top.walk(func(step *node) {
				read := (step.ActualRows + step.Removed) * step.Loops
				if read > h.most || step.Type == "Seq Scan" && read > 200 {
					wrong = append(wrong, fmt.Sprintf("%s, %s: %s %s %s has %v rows", h.name, way, step.Type, step.Relation, step.Index, read))
					if !said[h.name] {
						said[h.name] = true
						t.Log(text, raw)
					}
				}
			})
		}
	}
	require.Empty(t, wrong)
}
