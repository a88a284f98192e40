// Package memory keeps everything in maps, for tests, demonstrations and
// small programs that can lose their data with the process.
//
//	st := memory.New()
//	svc, err := accounts.New(st, env)
//
// It keeps the whole contract of package storage and passes its conformance
// suite, so a service that is tested on it behaves the same on SQLite and
// Postgres: the same conflicts, the same order of lists, the same moment at
// which something expires. It never answers accounts.ErrUnknown, since no
// commit's answer can be lost on the way.
//
// # What to rely on
//
// One lock guards everything. Readers run beside each other, a writer runs
// alone, and a change is checked as a whole before its first row is written,
// so nothing ever has to be taken back. No method waits for anything but the
// lock, and none starts a goroutine. A context that has ended is answered
// with its error, and then nothing was done.
//
// No call costs more because there are more accounts: every list is read from
// an index in its own order, from the cursor on. What does cost is what a call
// is about: a search looks at the entries until the page is full, renaming an
// account moves it in the lists of all its connections and of the users of all
// its clients, and removing a site moves its clients to the lists of other
// statuses. Clients and sites are found by an index of what their text is made
// of, for each account by itself: a search looks at those that hold the rarest
// three letters of it, and one with a filter at those of the status if they are
// fewer. A client with one site takes about two kilobytes, most of it for that
// index; an edge of the graph (a membership, a connection, an assignment) less
// than 200 bytes.
//
// Three look at whole tables, and are rare: [Store.Sweep] at every session,
// view, ticket, challenge, reply, counter and message; [Store.Held] at every
// request, invitation, client, message or event, whichever it is asked for; and
// a change that forgets an address at every request, invitation, message and
// ticket, while others wait.
//
// # What to avoid
//
// Nothing is written to disk. Do not use it where an acknowledged change must
// survive the process; use storage/sqlite, which needs no server either.
//
// [Store.Begin] stands for a transaction of the host. It copies everything
// stored, so keep it to tests and small programs. Unlike a database it makes
// nobody wait: see [Tx].
package memory
