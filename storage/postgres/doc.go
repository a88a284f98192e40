// Package postgres keeps everything in a PostgreSQL database. It implements
// storage.Storage.
//
// [New] works on the pool that the host has, or one of its own:
//
//	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	store, err := postgres.New(ctx, pool, nil)
//
// [NewSQL] takes a *sql.DB that was opened with pgx's driver instead. Both make the
// tables if they are not there, in the schema public and with names that begin with
// chatelaine_; [Options] has another schema, another prefix, and NoMigrate for hosts
// that migrate with a tool of their own and the SQL of [Migrations]. With NoMigrate,
// [Store.Plan] tells what [Store.Migrate] would run. A release may bring tables: the role
// that writes needs SELECT, INSERT, UPDATE and DELETE on those too, by ALTER DEFAULT
// PRIVILEGES or a GRANT after each migration. Several schemas in one database are several
// stores, each with dispatchers, feed and sweep of its own.
//
// PostgreSQL 13 or later; every change is tested on 15, and every release on 18. No extension is needed, and no
// right but to create tables in the schema, once, and to read and write them.
//
// # What is promised
//
// A change that was answered with nil is committed, as durable as the server is: see
// [Store.Check], which refuses one that loses what it acknowledged. One that was
// answered with an error has left nothing behind, but for accounts.ErrUnknown: the
// connection broke, or the caller's context ended, before the answer came. After a
// broken connection the services find out by themselves which it was, while their context
// lasts; whoever let it end asks with a new one.
//
// Any number of processes may work on one database. Everything holds at READ COMMITTED,
// the server's default, by versions and row locks, and at no other level: a stricter one
// goes on with what it saw before it got a lock. [Store.Check] refuses it as a default,
// and a change refuses to join a transaction of it.
//
// # How it writes
//
// A change is one flight of statements with one Sync behind them: one round trip and
// one commit, however many rows, and one round trip more where pgx prepares statements
// that a connection has not seen. Each statement counts what it did and divides by zero
// if that is wrong, so that the server gives up the rest without being asked. Where
// two people did the same thing at once the server's log therefore shows "division by
// zero" (SQLSTATE 22012), and pg_stat_database a rollback: those are conflicts, and no
// fault. Leave them out of alarms; log_min_error_statement=panic keeps the statements
// out of the log. Rows of one kind are arrays in one
// statement. Nothing is prepared by the store itself; pgx prepares and keeps statements
// as the pool is set up.
//
// A question is one statement.
//
// # The host's own transaction
//
// [Store.JoinTx] and [Store.JoinSQL] return the store inside a transaction of the
// host. Package storage has the rules. JoinTx needs one round trip for a change,
// JoinSQL one for each of its statements, since database/sql sends one at a time. A
// transaction holds one connection of the pool until it ends: a pool needs more than the
// number of transactions that the host has open at once.
//
// # How it finds clients and sites
//
// By the pieces of their words, three letters each, as numbers in an array with a GIN
// index, which PostgreSQL has without an extension. A search walks the head of the list
// first and asks the index only if that does not fill the page.
//
// # Behind a connection pooler
//
// PgBouncer in session mode is no different from a server. In transaction mode, where
// the next statement may run on another connection of the server, the store works in
// three of the five modes of pgx, DefaultQueryExecMode of the pool's ConnConfig:
//
//   - QueryExecModeExec, which is the one to take: it plans each statement when it runs,
//     and costs no further round trip.
//   - QueryExecModeCacheDescribe, which asks once for the types of each statement. The
//     pool must be made anew after a migration that changes the type of a column.
//   - QueryExecModeSimpleProtocol, which sends values as text within the statement,
//     where the server's log shows them.
//
// It does not work in the other two. QueryExecModeCacheStatement, which pgx takes when
// nobody chooses, prepares statements under names, and meets those of others: "prepared
// statement already exists" or "does not exist". PgBouncer 1.21 and later follows such
// names when its max_prepared_statements is above 0; 1.18, with
// which this was tested, does not. QueryExecModeDescribeExec is worse than an error: it prepares in one
// round trip and runs in the next one whatever is prepared there by then, which may be
// another client's. Never use it behind a pooler.
//
// A mode without prepared statements has the server plan each time, which takes it
// several times as long as to run the statement: a millisecond or more for the questions
// that join most. A pool of pgx next to the server, without a pooler, is faster for as long as
// the server has the connections.
//
// The store keeps nothing on a connection: no settings, no advisory locks, no LISTEN, no
// temporary tables. A transaction of the host that it joins stays on one connection,
// as every transaction does there.
//
// # What to avoid
//
// Replicas: not for reading either. Every question here is a decision, and a replica
// answers for the past. A pool of several hosts needs target_session_attrs=read-write.
//
// A statement_timeout below a second or two: it ends what would have succeeded, and holds
// for Migrate too. A
// lock_timeout is welcome: running into it is a conflict, and is tried again.
//
// A planner that compiles: statements of the rarer lists can be estimated to cost more
// than jit_above_cost, and then take 100 ms longer than they need. Products of this
// kind of load turn jit off: ALTER ROLE app SET jit = off.
//
// Long transactions of the host in the same database: they keep the outbox and the
// sessions, which change all day, from being cleaned up. Autovacuum must be on.
package postgres
