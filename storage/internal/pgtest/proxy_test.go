package pgtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// bench is a table behind a proxy, and beside it.
type bench struct {
	proxy  *pgtest.Proxy
	dsn    string    // through the proxy
	direct *pgx.Conn // around it
	table  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dsn, schema := pgtest.Schema(t)
	p := pgtest.NewProxy(t, dsn)
	b := &bench{proxy: p, dsn: p.DSN(dsn), direct: connect(t, dsn), table: schema + ".kept"}
	do(t, b.direct, "CREATE TABLE "+b.table+" (n int PRIMARY KEY)")
	return b
}

func (b *bench) rows(t *testing.T) int {
	t.Helper()
	return number(t, b.direct, "SELECT count(*) FROM "+b.table)
}

// median returns the time that a call takes, of many.
func median(n int, f func()) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		before := time.Now()
		f()
		times[i] = time.Since(before)
	}
	slices.Sort(times)
	return times[n/2]
}

// What a proxy passes on is what was said, however large or small.
func TestProxy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, dsn := range []string{b.dsn, b.dsn + "&sslmode=prefer", b.dsn + "&default_query_exec_mode=simple_protocol"} {
		c := connect(t, dsn)
		var text string
		require.NoError(t, c.QueryRow(t.Context(), "SELECT repeat($1::text, 1000000)", "ab").Scan(&text))
		require.Len(t, text, 2_000_000)
		require.Equal(t, 2_000_000, number(t, c, "SELECT length($1::text)", text))
		require.Equal(t, 20_000, number(t, c, "SELECT count(*) FROM generate_series(1, 20000)"))
		rows, err := c.Query(t.Context(), "SELECT generate_series(1, 20000)")
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[int])
		require.NoError(t, err)
		require.Len(t, all, 20_000)
		_, err = c.Exec(t.Context(), "SELECT 1/0")
		require.ErrorContains(t, err, "division by zero")
	}
	n, err := connect(t, b.dsn).CopyFrom(t.Context(), pgx.Identifier{b.table[:len(b.table)-5], "kept"}, []string{"n"},
		pgx.CopyFromSlice(5000, func(i int) ([]any, error) { return []any{i}, nil }))
	require.NoError(t, err)
	require.EqualValues(t, 5000, n)
	require.Equal(t, 5000, b.rows(t))
	require.Zero(t, b.proxy.Fired())

	t.Run("a cancellation reaches the server", func(t *testing.T) {
		c, err := pgconn.Connect(t.Context(), b.dsn)
		require.NoError(t, err)
		defer func() { _ = c.Close(context.Background()) }()
		answered := make(chan error, 1)
		go func() {
			_, err := c.Exec(context.Background(), "SELECT pg_sleep(60)").ReadAll()
			answered <- err
		}()
		require.Eventually(t, func() bool {
			return number(t, b.direct, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", c.PID()) == 1
		}, 10*time.Second, 5*time.Millisecond)
		require.NoError(t, c.CancelRequest(t.Context()))
		require.ErrorContains(t, <-answered, "canceling statement")
	})
}

// A delay is added each way and to each round trip, not to each message.
func TestProxy_SetDelay(t *testing.T) { //nolint:paralleltest // it measures
	b := newBench(t)
	c := connect(t, b.dsn)
	ask := func() { number(t, c, "SELECT 1") }
	batch := func() {
		var q pgx.Batch
		for range 50 {
			q.Queue("SELECT $1::int", 1)
		}
		require.NoError(t, c.SendBatch(t.Context(), &q).Close())
	}
	const delay = 500 * time.Microsecond
	median(50, ask)
	batch()
	for tries := 5; ; tries-- { // others may be busy on this machine
		b.proxy.SetDelay(0)
		around := median(100, func() { number(t, b.direct, "SELECT 1") })
		plain, plainBatch := median(100, ask), median(30, batch)
		b.proxy.SetDelay(delay)
		delayed, delayedBatch := median(100, ask), median(30, batch)
		t.Logf("around %v, through %v, with %v each way %v; a batch of 50 %v, with a delay %v",
			around, plain, delay, delayed, plainBatch, delayedBatch)
		require.GreaterOrEqual(t, delayed, 2*delay)
		require.GreaterOrEqual(t, delayedBatch, 2*delay)
		if delayed-plain < 2*delay*15/10 && delayedBatch-plainBatch < 2*delay*15/10 {
			return
		}
		require.Positive(t, tries, "the delay is too long")
	}
}

// Messages that follow each other travel at once: the last is as late as the first.
func TestProxy_SetDelay_pipelined(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c, err := pgconn.Connect(t.Context(), b.dsn)
	require.NoError(t, err)
	defer func() { _ = c.Close(context.Background()) }()
	const delay, n = 100 * time.Millisecond, 10
	b.proxy.SetDelay(delay)
	before := time.Now()
	p := c.StartPipeline(t.Context())
	for range n {
		p.SendQueryParams("SELECT 1", nil, nil, nil, nil)
		require.NoError(t, p.Sync())
		time.Sleep(2 * time.Millisecond) // or they are one message of the network's
	}
	require.NoError(t, p.Close())
	took := time.Since(before)
	require.Equal(t, n, b.proxy.Stats().Syncs)
	require.GreaterOrEqual(t, took, 2*delay)
	require.Less(t, took, n*delay*7/10)
}

// The wait of a proxy is never short, and not much too long.
func TestWaiter(t *testing.T) { //nolint:paralleltest // it measures
	var w pgtest.Waiter
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 500 * time.Microsecond, 3 * time.Millisecond} {
		took := median(100, func() {
			end := time.Now().Add(d)
			pgtest.WaitUntil(&w, end)
			require.False(t, time.Now().Before(end))
		})
		t.Logf("%v took %v", d, took)
		require.Less(t, took, d+300*time.Microsecond)
	}
}

// Cut ends what is connected, and nobody else; what refuses lets nobody in.
func TestProxy_Cut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := connect(t, b.dsn)
	require.Zero(t, number(t, first, "SELECT count(*) FROM "+b.table))
	b.proxy.Cut()
	_, err := first.Exec(t.Context(), "SELECT 1")
	require.Error(t, err)
	require.True(t, first.IsClosed())

	second := connect(t, b.dsn)
	b.proxy.Refuse(true)
	_, err = pgx.Connect(t.Context(), b.dsn)
	require.Error(t, err)
	require.Equal(t, 1, number(t, second, "SELECT 1"))
	b.proxy.Refuse(false)
	connect(t, b.dsn)
	require.NoError(t, b.proxy.Close())
	require.NoError(t, b.proxy.Close())
	_, err = second.Exec(t.Context(), "SELECT 1")
	require.Error(t, err)
}

// A long delay does not keep a proxy from closing.
func TestProxy_Close(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := connect(t, b.dsn)
	b.proxy.SetDelay(time.Hour)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "SELECT 1")
		answered <- err
	}()
	require.Eventually(t, func() bool { return b.proxy.Stats().Syncs == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, b.proxy.Close())
	require.Error(t, <-answered)
}

// Round trips, requests and messages are counted as clients make them.
func TestProxy_Stats(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := connect(t, b.dsn)
	s := b.proxy.Stats()
	require.Equal(t, 1, s.Conns)
	require.Zero(t, s.RoundTrips)
	require.Zero(t, s.Syncs)
	require.Positive(t, s.BytesUp)
	require.Greater(t, s.BytesDown, s.BytesUp)

	do(t, c, "BEGIN")
	do(t, c, "COMMIT")
	s = b.proxy.Stats()
	require.Equal(t, 2, s.RoundTrips)
	require.Equal(t, map[byte]int{'Q': 2}, s.Messages)

	prepared := func() pgtest.Stats {
		b.proxy.ResetStats()
		var q pgx.Batch
		for i := range 10 {
			q.Queue("INSERT INTO "+b.table+" VALUES ($1)", time.Now().Nanosecond()/1000*10+i)
		}
		require.NoError(t, c.SendBatch(t.Context(), &q).Close())
		return b.proxy.Stats()
	}
	s = prepared()
	require.Equal(t, 2, s.RoundTrips, "one prepares, one runs")
	s = prepared()
	require.Equal(t, 1, s.RoundTrips)
	require.Equal(t, 1, s.Syncs)
	require.Equal(t, 10, s.Messages['B'])
	require.Equal(t, 10, s.Messages['E'])
	require.Zero(t, s.Messages['P'])
	require.Zero(t, s.Conns)
}
