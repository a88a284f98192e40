// Package sqlite keeps everything in one SQLite database, without cgo. It
// implements storage.Storage.
//
// [Open] takes a path and does everything itself; most hosts need nothing
// else. [New] takes a *sql.DB that the host has opened already, and is what a
// host uses that keeps its own tables in the same database, or wants them to
// change together with ours through [Store.JoinSQL].
//
//	st, err := sqlite.Open(ctx, "app.db", nil)
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//
// A handle of the host's own needs this DSN, complete; [New] refuses one that
// would break a promise:
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate")
//	st, err := sqlite.New(ctx, db, nil)
//
// In the repository, examples/jointx is a whole program that does this: rows of
// the host's own and an invitation, in one transaction.
//
// # What is promised
//
// A change that was answered with nil is on the disk, also after a loss of
// power. One that was answered with an error, accounts.ErrUnknown excepted, has
// left nothing behind. A context that ends while a change waits takes the
// change back; once it was taken up the caller gets to know its outcome.
//
// Any number of processes may use one file. SQLite lets one of them write at a
// time, and readers never wait for writers.
//
// # How it writes
//
// There is one connection for writing. Changes that arrive while it is busy
// are made in one transaction, each under a savepoint, and share its commit;
// one that fails is undone alone. So the cost of reaching the disk is divided
// among all who wait, and nothing runs when nobody does: the store starts no
// goroutine.
//
// # How it finds clients and sites
//
// By their words, in tables of FTS5, which the driver has: the last few dozens
// that were written wait beside it and are put in together, so that a client
// costs about a third more to write than without. Any search reads a page, in
// milliseconds, at 100,000 clients of one account. Rows that were made earlier
// than others that are there already (an import that keeps its own times) are
// walked through by each search instead. When a client is deleted, their words
// are found no more at once; the pieces that they were cut into stay in the file
// until SQLite merges that part of the index, as other deleted bytes do until
// it uses their page again.
//
// # What to avoid
//
// Network file systems: SQLite's locks do not hold there. Copying the file
// while it is in use, without its -wal: use SQLite's backup. Long transactions
// of the host on the same file: they keep every writer out.
//
// ANALYZE and PRAGMA optimize: with statistics in the file SQLite plans each
// question again for the values it is asked with, and reads take four to nine
// times as long. None of the store's plans needs them.
//
// The module modernc.org/sqlite needs exactly the modernc.org/libc that its
// own go.mod names; do not update one without the other.
package sqlite
