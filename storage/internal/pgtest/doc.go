// Package pgtest finds and starts PostgreSQL servers for tests, benchmarks and
// programs that test, and puts proxies between them and a client. It is no part
// of what a host links, and imports neither package testing nor a test library.
//
// # Tests
//
// A package whose tests need a database has a TestMain, and each test takes a
// schema or a database of its own:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
//	func TestStore(t *testing.T) {
//		dsn, schema := pgtest.Schema(t) // or pgtest.Database(t)
//		…
//	}
//
// [Schema] takes a few milliseconds, [Database] tens of them where TMPDIR is in
// memory, and hundreds on a disk, where it flushes some hundred files: take a database
// only for what a schema cannot show, such as settings of a database, or what a store
// does where nothing else is. Both are dropped when the
// test ends.
//
// Which server that is:
//
//   - the one that CHATELAINE_POSTGRES names, a DSN whose user may create
//     databases, on PostgreSQL 13 or later. If it does not answer, tests fail. A
//     process that is killed leaves databases there, whose names begin with
//     chatelaine_test_.
//   - else a throwaway cluster, started at the first need, one for the whole
//     process, and stopped by [Main].
//   - else none is installed, and the test is skipped with a line that says what
//     to install or to set. One that is installed and does not start fails the
//     test.
//
// The server lives in a goroutine until Main is at its end. A test that counts
// goroutines compares with those there were at its beginning, or ignores those
// that stand in pgtest.
//
// # Clusters
//
// [Own] gives a test a cluster of its own, to be killed, started again, or set up in
// another way, and stops it when the test ends. Without PostgreSQL the test is skipped,
// as it is by [Need] for a program that starts a server itself. [Start] does it without
// a test:
//
//	c, err := pgtest.Start(ctx, nil)
//	defer c.Stop()
//	err = c.Kill()   // as a machine's crash does it, but for what the kernel still holds
//	err = c.Run(ctx) // recovers, on the same folder and under the same DSN
//
// [Cluster.Standby] makes a replica of it, and [Cluster.SetStandbys] has commits wait
// for one, whether there is one or not.
//
// The programs are those in the first of these folders that has them:
// Options.Bin, CHATELAINE_POSTGRES_BIN, what pg_config --bindir says, the newest
// /usr/lib/postgresql/*/bin, and PATH. [ErrNotInstalled] tells that none has.
// Nobody can connect but from this machine, and everybody there can: passwords
// are not asked for.
//
// fsync, full_page_writes and synchronous_commit are on, so that a benchmark pays
// for what it promises, and a killed server has what it answered. What a commit
// costs is then what a write to the temporary folder costs: TMPDIR=/dev/shm makes
// tests fast and benchmarks flatter than any disk.
//
// PostgreSQL does not run as root. A root process runs it as the user postgres, or
// nobody, in folders that belong to that user.
//
// On Linux the server ends when the process that started it does, however that
// ends. Elsewhere, a killed process leaves its server running. What is left is
// stopped and removed by the next Start, in whatever process: folders are locked by
// the process that owns them, and the kernel opens the lock when that is gone.
//
// # Proxies
//
// [NewProxy] stands between a client and a server: it adds the time that a network
// takes, counts what is said, and cuts connections at exact places.
//
//	p := pgtest.NewProxy(t, dsn)
//	p.SetDelay(500 * time.Microsecond) // each way
//	p.LoseAnswers(1)                   // the next commit is durable, and nobody hears of it
//	pool, err := pgxpool.New(ctx, p.DSN(dsn))
//	…
//	require.Equal(t, 1, p.Fired()) // or the test has tested nothing
//
// It reads the protocol of PostgreSQL, version 3, without TLS. Make sure that what
// was armed has fired: a proxy that was not in the way makes every test green.
package pgtest
