package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// stage is how a town is reached: on the way that a host takes, by so many clients.
type stage struct {
	*town
	pool     *pgxpool.Pool
	st       *postgres.Store
	clients  int
	heard    *lastStatement
	env      *accounts.Env
	sessions *access.Sessions
	requests *access.Requests
	secret   string // the manager's session
	warm     int    // rounds that are not measured
	before   func() // of each round, if any
}

// BenchmarkHotPaths has the library beside what an expert writes by hand, in turns:
// the same statement bare through the same pool, or a flight of statements for the
// same rows. The tables of a town are seeded once for all:
//
//	go test -run '^$' -bench 'HotPaths/rows=100000/socket/clients=1$/Principal' -benchtime 300x ./storage/postgres
func BenchmarkHotPaths(b *testing.B) {
	staged(b, func(b *testing.B, s *stage) {
		b.Helper()
		for _, x := range []struct {
			name string
			run  func(b *testing.B, s *stage)
		}{
			{"Principal", benchPrincipal},
			{"Reach", benchReach},
			{"ClientPage", benchClientPage},
			{"Batch35", benchBatch},
			{"Approval", benchApproval},
			{"Mail", benchMail},
		} {
			b.Run(x.name, func(b *testing.B) { x.run(b, s) })
			s.before = nil
		}
	})
}

// staged runs a benchmark in towns of each size, for one client and for eight, on a
// socket and where the network takes half a millisecond each way.
func staged(b *testing.B, run func(b *testing.B, s *stage)) {
	b.Helper()
	for _, n := range townSizes() {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			x := newTown(b, n)
			proxy := pgtest.NewProxy(b, x.dsn)
			for _, far := range []bool{false, true} {
				dsn, way := x.dsn, "socket"
				if far {
					dsn, way = proxy.DSN(x.dsn), "0.5ms"
					proxy.SetDelay(500 * time.Microsecond)
				}
				s := x.stage(b, dsn)
				if len(townSizes()) > 1 {
					s.warm = 8
				}
				for _, s.clients = range []int{1, 8} {
					b.Run(fmt.Sprintf("%s/clients=%d", way, s.clients), func(b *testing.B) { run(b, s) })
				}
			}
		})
	}
}

// stage opens the town by a pool of its own, whose statements are heard.
func (x *town) stage(t testing.TB, dsn string) *stage {
	t.Helper()
	s := &stage{town: x, clients: 1, heard: new(lastStatement)}
	s.pool = pooled(t, dsn, nil)
	spied := pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = s.heard })
	var err error
	s.st, err = postgres.New(t.Context(), s.pool, &postgres.Options{NoMigrate: true})
	require.NoError(t, err)
	s.heard.st, err = postgres.New(t.Context(), spied, &postgres.Options{NoMigrate: true})
	require.NoError(t, err)
	s.env, err = accounts.NewEnv(&accounts.EnvOptions{
		Clock: &stoppedClock{at: opened}, Burst: noLimit{},
		Limits: accounts.Limits{
			SessionIdle: time.Hour, DelegateIdle: time.Hour, LastSeenEvery: 59 * time.Minute, RequestTTL: 100_000 * time.Hour,
			RequestsPerDay: 1 << 30, MailsPerRecipient: 1 << 30,
		},
	})
	require.NoError(t, err)
	s.sessions, err = access.NewSessions(s.st, s.env)
	require.NoError(t, err)
	s.requests, err = access.NewRequests(s.st, s.env)
	require.NoError(t, err)
	s.secret = s.start(t, "manager")
	return s
}

// start signs somebody in and returns the secret.
func (s *stage) start(t testing.TB, u accounts.UserID) string {
	t.Helper()
	secret, _, err := s.sessions.Start(t.Context(), accounts.Login{User: u}, access.Device{})
	require.NoError(t, err)
	return secret.Reveal()
}

// actor is somebody who has logged in with the host.
func (s *stage) actor(t testing.TB, u accounts.UserID) accounts.Actor {
	t.Helper()
	p, err := s.sessions.ForUser(t.Context(), accounts.Login{User: u, At: opened}, "")
	require.NoError(t, err)
	return p.Actor()
}

type stoppedClock struct{ at time.Time }

func (c *stoppedClock) Now() time.Time { return c.at }

type noLimit struct{}

func (noLimit) Allow(string) error { return nil }

// lastStatement is the last one that a store sent, and the store.
type lastStatement struct {
	st   *postgres.Store
	mu   sync.Mutex
	text string
	args []any
	n    int
}

// TraceQueryStart implements pgx.QueryTracer.
func (l *lastStatement) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text, l.args = d.SQL, d.Args
	l.n++
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (l *lastStatement) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// bare is the statement that a question of the store is, sent by hand: its rows go
// into variables of the plainest type that the column has. It returns how many rows.
func (s *stage) bare(b *testing.B, ask func(st *postgres.Store) error) func() (int, error) {
	b.Helper()
	text, args := s.heard.heardOne(b, ask)
	rows, err := s.pool.Query(b.Context(), text, args...)
	require.NoError(b, err)
	types := make([]uint32, len(rows.FieldDescriptions()))
	null := make([]bool, len(types))
	for i, f := range rows.FieldDescriptions() {
		types[i] = f.DataTypeOID
	}
	for rows.Next() {
		for i, v := range rows.RawValues() {
			null[i] = null[i] || v == nil
		}
	}
	require.NoError(b, rows.Err())
	return func() (int, error) {
		rows, err := s.pool.Query(b.Context(), text, args...)
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		row := plainRow(types, null)
		n := 0
		for ; rows.Next(); n++ {
			if err := rows.Scan(row...); err != nil {
				return 0, err
			}
		}
		return n, rows.Err()
	}
}

func plainRow(types []uint32, null []bool) []any {
	row := make([]any, len(types))
	for i, oid := range types {
		switch {
		case oid == pgtype.ByteaOID:
			row[i] = new([]byte)
		case oid == pgtype.TextOID && null[i]:
			row[i] = new(pgtype.Text)
		case oid == pgtype.TextOID:
			row[i] = new(string)
		case null[i]:
			row[i] = new(pgtype.Int8)
		default:
			row[i] = new(int64)
		}
	}
	return row
}

// against runs the two in turns, each by all clients at once, and reports their
// medians and how many times longer ours takes: by the median, and in all.
func (s *stage) against(b *testing.B, ours, hand func(i int) error) {
	b.Helper()
	perTurn := 1
	if s.clients > 1 {
		perTurn = 8
	}
	var took [2][]time.Duration
	var all [2]time.Duration
	do := [2]func(int) error{ours, hand}
	turn := func(k, round int) {
		each := make([][]time.Duration, s.clients)
		errs := make([]error, s.clients)
		began := time.Now()
		var wg sync.WaitGroup
		for w := range s.clients {
			one := func() {
				for j := range perTurn {
					at := time.Now()
					if errs[w] = do[k]((round*s.clients+w)*perTurn + j); errs[w] != nil {
						return
					}
					each[w] = append(each[w], time.Since(at))
				}
			}
			if s.clients == 1 {
				one()
			} else {
				wg.Go(one)
			}
		}
		wg.Wait()
		all[k] += time.Since(began)
		for w := range s.clients {
			if errs[w] != nil {
				b.Fatal([]string{"ours", "by hand"}[k], errs[w])
			}
			took[k] = append(took[k], each[w]...)
		}
	}
	// First connections are made, statements prepared and plans settled: the server
	// takes the sixth plan of a statement for good.
	round := 0
	both := func() {
		if s.before != nil {
			s.before()
		}
		turn(round%2, round)
		turn(1-round%2, round)
		round++
	}
	for range s.warm {
		if both(); perTurn > 1 {
			break
		}
	}
	took, all = [2][]time.Duration{}, [2]time.Duration{}
	for b.Loop() {
		both()
	}
	p50 := [2]float64{}
	for k := range took {
		slices.Sort(took[k])
		p50[k] = float64(took[k][len(took[k])/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(p50[0], "ours-p50-µs")
	b.ReportMetric(p50[1], "hand-p50-µs")
	b.ReportMetric(p50[0]/p50[1], "ratio")
	b.ReportMetric(all[0].Seconds()/all[1].Seconds(), "ratio-in-all")
	b.ReportMetric(float64(took[0][len(took[0])*99/100].Microseconds()), "ours-p99-µs")
}

// got checks the length of an answer.
func got(n, want int, err error) error {
	if err == nil && n != want && want >= 0 {
		err = fmt.Errorf("%d rows, want %d", n, want)
	}
	return err
}
