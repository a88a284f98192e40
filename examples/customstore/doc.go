// Package customstore is a whole store on a database that is not SQL: bbolt, a
// file of sorted keys and values. It is here to be read and copied by those who
// write a store of their own, and it keeps the contract of package storage to
// the last word: the suite storagetest passes, also under the race detector.
//
//	st, err := customstore.Open("app.db")
//	svc, err := accounts.New(st, nil)
//
// It has about 3,200 lines of Go, comments included; a test counts them.
//
// # How it is built
//
// Four files know bbolt, and are small:
//
//   - store.go: what a transaction is. [Store.Join] and accounts.ErrUnknown are
//     explained there, in the comments of do and prove.
//   - keys.go: how keys are made, so that they sort as the contract's lists do.
//   - table.go: how a row is read, walked to, and written with all its indexes.
//   - search.go: how clients and sites are found by a piece of their text.
//
// describe.go is the schema. It has, for each noun, its key, what it refers to,
// what is unique, and the entries under which lists and questions find it. All
// that a change does follows from there: apply.go checks versions, uniqueness
// and references of every noun with one function, and only then writes.
// outbox.go and events.go are the two queues; the other files are questions.
//
// # In which order to write one
//
// Keep "Text, searches and pages" and "Times" of the contract in mind from the
// first key on. A failure of the suite names the rule, and why it matters. Methods
// that are not there yet return an error. In brackets is how many methods a part
// of the suite calls, of some fifty:
//
//  1. Describe every noun, and write the change: check, then write. Read "Rows,
//     versions and references", "Changes: all or nothing", "Uniqueness", "Guards and
//     counters" and "The order of writing". Nothing is green yet: each check puts
//     rows in, and asks for them.
//  2. The questions, with the comment of each method beside you, and "Questions: one
//     moment, and copies", which has what the comments do not. Begin with the
//     parts that need few: search (6), invitations (7), requests and sessions (9),
//     logins (12), clients (12), pages (15); then guards (19), readers (27) and
//     search for clients (28). Run one as in -run 'TestStore/^logins$'.
//  3. The queues. The comments of mail.Outbox and "The feed of events" are the
//     contract; read "The outbox" for what a change does to mail. Parts: outbox
//     leases (7), feed (21), outbox (23).
//  4. Held, Sweep and what a change forgets. Now the parts that compare all answers
//     before and after a change can be green, and they say the most about step 1:
//     rows, versions, uniqueness, atomicity, mistakes, people (39 to 44), sweep.
//  5. "Joined changes" and cancelled contexts; then races, services, and the model,
//     which plays at random against a plain one and finds what you forgot. The
//     seed of a run is in its failure; -storagetest.seed repeats it.
//  6. What the suite cannot prove: a commit that fails, a search that walks, a row
//     that somebody spoilt, a field that a later release adds. See promises_test.go.
//
// # What took long
//
// Not the questions: they are many, and each is short once the indexes are
// there. These are the places that want thought:
//
//   - What a list is sorted by may stand in another row. Members are listed by
//     the user's name, connections by the other account's. Here a row keeps a
//     copy and the owner of the name brings it up to date; see fill and moved
//     in table. In SQL a join or a trigger does.
//   - Uniqueness is judged on what will be. Two users may exchange addresses in
//     one change, and an index that is written row by row sees two of one, or
//     loses both. See rowsOf.check and table.leave.
//   - JSON drops fields in silence where structs are embedded, and a message
//     tells JSON next to nothing of itself. See the types in nouns.go. The part
//     "rows" of the suite finds that.
//   - A status of a client depends on its live sites, which are other rows, and
//     is a filter of a list that may be long.
//   - A search must neither walk a list nor begin with it: table.common.
//   - Everything has to be checked before the first write, since a host's
//     transaction cannot be rolled back by half.
//
// # What is promised, and what not
//
// A change is one transaction of bbolt, synced before nil is returned. There is
// one writer at a time, so nothing ever locks a row and no two changes can wait
// for each other; a change takes as long as a sync, and more at once are not
// faster. Readers wait for nobody. A caller whose context ends while another
// writes is told so when that one is done, and not before.
//
// Pages, searches, the queues and Sweep seek in an index. What is walked: the
// entries of an account's members, but not the rows, to count seats; its pending
// invitations for the same; the list itself for a search in members, requests,
// invitations and accounts by name; a client account's assignments in Ending; and
// every row of a kind in Held where it asks by an address.
//
// One process can have the file open. Ids, names and addresses of the library
// are far shorter than bbolt's keys may be (32,768 bytes); what is longer is a
// fault. The rows have no number of a format: JSON reads rows of an earlier
// release of the library with the new fields empty, but an index whose entries
// change has to be built anew, for which this store has nothing.
package customstore
