//go:build !race

// Under the race detector, which makes all of this ten times as slow, it would show
// nothing: it is about the SQL that is sent, and TestStore is the same Go.

package postgres_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// traced is every text that connections sent.
type traced struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (c *traced) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string]bool{}
	}
	c.texts[text] = true
}

func (c *traced) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	c.add(d.SQL)
	return ctx
}

func (*traced) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *traced) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		c.add(q.SQL)
	}
	return ctx
}

func (*traced) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*traced) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// childTexts names the file where a child writes what it sent, and tells that this
// process is one.
const childTexts = "CHATELAINE_POSTGRES_JOB_TEXTS"

// TestChild is what a child of TestStore_distributed does, and nothing in other runs:
// the suite on tables made to be spread, by connections whose search_path leads to
// what would spoil it. It writes down what was sent.
func TestChild(t *testing.T) { //nolint:paralleltest // a process of its own
	file := os.Getenv(childTexts)
	if file == "" {
		return
	}
	texts := &traced{}
	dsn := hasty(t)
	admin := pooled(t, dsn, nil)
	run(t, admin, "CREATE SCHEMA hostile")
	_, err := postgres.New(t.Context(), admin, &postgres.Options{Schema: "hostile"})
	require.NoError(t, err)
	run(t, admin, hostile...)
	s := spacesOn(pooled(t, dsn, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = "hostile"
		c.ConnConfig.Tracer = texts
	}))
	s.open = func(ctx context.Context, o *postgres.Options) (*postgres.Store, error) {
		o.Distributed = true
		return postgres.New(ctx, s.pool, o)
	}
	t.Cleanup(func() {
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(sortedKeys(texts.texts), "\x00")), 0o600))
	})
	// Every method has its statements sent, if only about nothing.
	st := reflect.ValueOf(s.take(t).Store)
	for _, m := range reflect.VisibleFields(reflect.TypeFor[struct{ storage.Storage }]()) {
		for i := range m.Type.NumMethod() {
			call := st.MethodByName(m.Type.Method(i).Name)
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for n := 1; n < call.Type().NumIn(); n++ {
				args = append(args, reflect.Zero(call.Type().In(n)))
			}
			call.Call(args) // whatever it says
		}
	}
	storagetest.Test(t, s.harness())
}

func sortedKeys(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// spreadApart are the rules of storagetest that tables made to be spread do not keep,
// each where it has two accounts of one hash, or of one operation and number: there
// these are unique within an account. A hash is of 260 random bits, and a change that
// is applied again has the accounts that it had.
var spreadApart = []string{
	"joined/a_conflict_inside_matches_ErrConflict_and_ErrRepeat,_and_one_outside_never_ErrRepeat", // an event of another account's operation
	"uniqueness/there_is_one_event_of_an_operation_and_number",
	"uniqueness/there_is_one_invitation_of_a_link",
	"uniqueness/there_is_one_request_of_a_link",
	"uniqueness/there_is_one_setup_link_of_a_secret",
}

// A store on tables made to be spread keeps the contract but for what spreadApart
// lists, whatever the search_path leads to, and no statement of it has anything that
// an engine which spreads rows lacks (A106).
func TestStore_distributed(t *testing.T) {
	t.Parallel()
	p := pooled(t, pgtest.Database(t), nil)
	dsn, err := pgtest.Shared(t.Context())
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "texts")
	// The parts that are left out send nothing else, and mostly show what services do.
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestChild$", "-test.skip=^TestChild$/^(services|model|mistakes|cancelled contexts)$",
		"-test.count=1", "-test.v", "-test.short")
	cmd.Env = append(os.Environ(), childTexts+"="+file, "CHATELAINE_POSTGRES="+dsn)
	out, _ := cmd.CombinedOutput() // some rules fail
	var failed []string
	for _, m := range regexp.MustCompile(`(?m)^ +--- FAIL: TestChild/([^/\n]+/[^/\n]+) \(`).FindAllStringSubmatch(string(out), -1) {
		failed = append(failed, m[1])
	}
	slices.Sort(failed)
	require.Equal(t, spreadApart, failed, "%s", out)

	sent, err := os.ReadFile(file)
	require.NoError(t, err)
	space := regexp.MustCompile(`"space_[0-9]+"\.`)
	texts := map[string]bool{}
	require.True(t, space.Match(sent), "the schemas are called otherwise")
	for text := range strings.SplitSeq(string(sent), "\x00") {
		if space.MatchString(text) {
			texts[space.ReplaceAllString(text, `"space".`)] = true
		} else {
			require.Empty(t, unfit(text))
		}
	}
	_, err = postgres.New(t.Context(), p, &postgres.Options{Schema: "space", Distributed: true})
	require.NoError(t, err)
	conn, err := p.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "SET search_path = ''")
	require.NoError(t, err)
	for _, text := range sortedKeys(texts) {
		require.Empty(t, unfit(text), text)
		if !strings.Contains(text, ";") { // a migration is several, and so is what empties a schema for the next test
			_, err := conn.Conn().Prepare(t.Context(), "", text)
			require.NoError(t, err, "without a search_path: %s", text)
		}
	}
	var unsent []string
	for text, place := range written(t) {
		if !slices.ContainsFunc(sortedKeys(texts), func(s string) bool { return strings.Contains(plain(s), text) }) {
			unsent = append(unsent, place+": "+text)
		}
	}
	require.Empty(t, unsent, "no rule of storagetest has these sent, so that nothing is known of them")
	t.Logf("%d statements", len(texts))
}

// plain is a text with one space where there is any, and with its parameters as they
// were written, but for their numbers.
func plain(text string) string {
	return parameter.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$$")
}

var parameter = regexp.MustCompile(`\(SELECT \$[0-9]+::\w+\)|\$[0-9]+`)

// elsewhere begins what is only sent to SQLite.
var elsewhere = []string{
	`SELECT m.account_key AS place, a.id AS account,`, `SELECT s.client_key AS place, a.id AS account,`, `SELECT a.name_key AS place, a.id AS account,`,
	`UPDATE {p}mails SET leased_until = $, attempts = attempts + 1, fence = fence + 1 WHERE id IN ( WITH RECURSIVE`,
	`UPDATE {p}events SET due_at = $, attempts = attempts + 1, fence = fence + 1 WHERE (op, seq) IN ( SELECT op, seq FROM {p}events`,
}

// written are the texts that begin a statement in the source of the store, up to
// their first mark, and where they are. What only another dialect has is left out.
func written(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	files, err := filepath.Glob("../internal/sqlstore/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	verb := regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH) `)
	mark := regexp.MustCompile(`\{[^p}][^}]*\}`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			text = plain(text)
			begins := func(other string) bool { return strings.HasPrefix(text, other) }
			if !verb.MatchString(text) || !strings.Contains(text, "{p}") || slices.ContainsFunc(elsewhere, begins) {
				return true
			}
			if at := mark.FindStringIndex(text); at != nil {
				text = text[:at[0]]
			}
			text = strings.TrimSpace(strings.ReplaceAll(text, "{p}", `"space".chatelaine_`))
			texts[text] = set.Position(lit.Pos()).String()
			return true
		})
	}
	require.Greater(t, len(texts), 50)
	return texts
}
