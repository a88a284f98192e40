package postgres_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// node is a step of a plan, as EXPLAIN (FORMAT JSON) has it.
type node struct {
	Type       string  `json:"Node Type"`
	Relation   string  `json:"Relation Name"`
	Alias      string  `json:"Alias"`
	Index      string  `json:"Index Name"`
	Cond       string  `json:"Index Cond"`
	Name       string  `json:"Subplan Name"`
	Rows       float64 `json:"Plan Rows"`
	ActualRows float64 `json:"Actual Rows"`
	Loops      float64 `json:"Actual Loops"`
	Removed    float64 `json:"Rows Removed by Filter"`
	Plans      []node  `json:"Plans"`
}

// walk calls f with each step.
func (n *node) walk(f func(n *node)) {
	f(n)
	for i := range n.Plans {
		n.Plans[i].walk(f)
	}
}

// explained runs a statement once in a way of planning, force_custom_plan or
// force_generic_plan, takes back what it did, and returns how it went.
func explained(t testing.TB, x *town, way, text string, args []any) (top node, raw string) {
	t.Helper()
	ctx := t.Context()
	tx, err := x.pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.WithoutCancel(ctx))) }()
	exec := func(text string) {
		_, err := tx.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err, text)
	}
	exec("SET LOCAL plan_cache_mode = " + way)
	exec("PREPARE question AS " + text)
	run := "EXECUTE question"
	if len(args) > 0 {
		list := make([]string, len(args))
		for i, a := range args {
			list[i] = literal(a)
		}
		run += " (" + strings.Join(list, ", ") + ")"
	}
	require.NoError(t, tx.QueryRow(ctx, "EXPLAIN (ANALYZE, FORMAT JSON) "+run, pgx.QueryExecModeSimpleProtocol).Scan(&raw))
	exec("DEALLOCATE question")
	var all []struct {
		Plan node `json:"Plan"`
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &all))
	return all[0].Plan, raw
}

func literal(a any) string {
	switch a := a.(type) {
	case nil:
		return "NULL"
	case []byte:
		return `'\x` + hex.EncodeToString(a) + `'`
	case string:
		return "'" + strings.ReplaceAll(a, "'", "''") + "'"
	}
	return fmt.Sprint(a)
}

// heardOne returns the one statement that a question is.
func (l *lastStatement) heardOne(t testing.TB, ask func(st *postgres.Store) error) (string, []any) {
	t.Helper()
	l.n = 0
	require.NoError(t, ask(l.st))
	require.Equal(t, 1, l.n, "a question is one statement")
	return l.text, l.args
}
