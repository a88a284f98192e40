// Package storage says what a store is: it puts the ports of the library
// together to one interface, [Storage], and tells their contract in prose for
// somebody who writes one.
//
// Most hosts use a store that is there, and read "Which store", "Your own
// transaction" and "Growing past one machine" below. The rest of the page is for
// somebody who writes one: implement [Storage] on one type, and prove it with package
// storagetest, as examples/customstore does on a database that is not SQL:
//
//	func TestStore(t *testing.T) {
//		storagetest.Test(t, storagetest.Harness{Open: open, Begin: begin})
//	}
//
// # Which store
//
//   - storage/postgres, for a product with several processes or machines, or with a
//     PostgreSQL database already. It works on the pool that the host has, and can be
//     part of its transactions.
//   - storage/sqlite, for a product on one machine: any number of processes on one
//     file, thousands of changes a second, no server. Nothing has to be changed in a
//     host to move on, but for the rows.
//   - storage/memory, for tests. It keeps nothing.
//
// All three give the same answers, errors and order; storagetest compares them with
// one plain model.
//
// # Your own transaction
//
// A host can have a change of ours become durable together with rows of its own:
//
//	tx, err := pool.Begin(ctx)
//	…                                         // the host's own statements
//	joined := store.JoinTx(tx)                // or JoinSQL, for database/sql
//	_, err = invitations.With(joined).AcceptNew(ctx, …)
//	err = tx.Commit(ctx)
//
// Seven rules make it right:
//
//   - Join last and commit soon. What a change relied on stays locked until the host
//     commits, for everybody: on SQLite that is the whole file.
//   - What a joined call returns is provisional until then, secrets included. Set no
//     cookie and call nobody before the commit.
//   - On an error that matches accounts.ErrRepeat roll back and repeat the whole
//     transaction, the host's own statements included, as accounts.Repeat does: it waits
//     in between, and repeats on a serialization failure of the host's own statements or
//     commit as well. What a transaction has seen does not change by trying again.
//   - Call no service inside that is not bound With it: it would wait for the locks of
//     one's own transaction, or for a second connection of a pool that has none left.
//   - Any other error of a change leaves the transaction as it was before the call: it ran
//     under a savepoint. The host may go on, or roll back. A question has none: what fails
//     in the database itself, such as a statement_timeout, ends a transaction on Postgres.
//   - Mail and events are there from the commit on. Nobody has to be told: dispatchers
//     and feeds find them however late that is.
//   - If the commit itself fails, nothing of ours is there either. If its answer is
//     lost, the host asks Applied, with the operation id of one of the events, or
//     reads its own rows: they are there together or not at all.
//
// Where the host's rows are in another database, there is no such transaction. Use
// the feed of events (accounts.Feed), which hands over each at least once, or give
// the call an idempotency key and repeat it.
//
// # Growing past one machine
//
// In this order, each when the one before is not enough:
//
//   - More processes. Nothing is kept in them: no cache, no leader, no sticky session.
//     Dispatchers, feeds and sweeps may run in all of them.
//   - A connection pooler between many processes and one server. PgBouncer in
//     transaction mode works; storage/postgres tells in which modes of pgx.
//   - Standbys that take over. With synchronous_commit on and 'ANY 1 (a, b)' in
//     synchronous_standby_names, what was acknowledged is on two disks, and survives the
//     loss of one server. Without, a failover loses the last moments before it: sessions
//     that had ended are back, links that were used can be used again. Name all servers
//     in the connection string, with target_session_attrs=read-write and a
//     connect_timeout, so that a new connection finds the primary; the old one must be
//     fenced, since its connections would still be answered. Do not cancel a backend that
//     waits for a standby: PostgreSQL then calls durable what is on one disk alone.
//     storage/postgres/failover shows all of it with pg_auto_failover, under load.
//     Give decisions no replica to read: every question of this library is one,
//     since a page that shows a right is soon followed by its use.
//   - Engines that speak PostgreSQL and spread rows over machines, such as Citus. Make
//     the tables with postgres.Options.Distributed. What everybody refers to becomes
//     reference tables, which are on every machine: schema, users, identities,
//     credentials, challenges, tickets, guesses, accounts, memberships, connections,
//     assignments. What agencies have in bulk is distributed, together, by the account
//     that leads its key: clients, sites, site_access, setup_links and views, invitations,
//     replies and events by account_id, requests by agency_id, quotas by subject.
//     Sessions and mails stay where the coordinator is: a session is found by its
//     secret, and the outbox is a queue. There a hash, or the number of an event, is
//     unique within its account, and by its 260 random bits. Statements keep what such
//     engines ask for, and a test reads the catalogue and every statement for it; the
//     engines themselves are not among the tests of this repository. Run storagetest on
//     yours.
//
// A store answers questions and applies changes. It has no rules of its own:
// who may do what is decided before, by pure functions, on what the store
// answered. What a store adds is that a decision comes true only while the
// facts it rested on are still facts.
//
// # Changes: all or nothing
//
// ApplyAccess takes an access.Change and makes it durable as a whole, or has
// no effect. ApplyInvites is the same for an invites.Change, and ApplyAccounts
// for an accounts.Change, which is a part of both. They return one of four
// answers:
//
//   - nil: it is durable. Whoever asks from now on, in any process, sees it.
//   - an error that matches accounts.ErrConflict: a guard, a version, a key
//     or a counter did not hold, nothing was done, and the caller may read
//     again and decide anew. A deadlock, a serialisation failure and a busy
//     database are conflicts too, and match accounts.ErrBusy beside it.
//   - an error that matches accounts.ErrUnknown: the change was sent and the
//     commit's answer was lost. It is there as a whole or not at all. Return
//     this only when it can be so: a failure before the commit was sent is a
//     fault.
//   - any other error, a fault: nothing was done, and deciding anew would not
//     help.
//
// After ErrUnknown the caller asks Applied, which reports whether an event
// with that operation is durable, and if not applies the same change once
// more. The keys of its events make that harmless: a change that is there
// already is a conflict.
//
// These are mistakes of the caller, and faults, never conflicts: a change
// without an Op (unless it is empty but for Touches, Guesses and Spend: notes
// and counts, which nobody decided); an Op without Events; an event with
// another Op than the change's; an account that is guarded and written in one
// change; a counter that would fall (a negative N); mail without a Channel; a row that refers to
// something that neither is stored nor comes with it. A non-empty field of a
// change that the store does not know must be a fault as well, or a later
// release loses data in silence: have a test that walks the fields by
// reflection. When something in a change is a conflict and something else a
// fault, either is a right answer.
//
// A context that has ended is answered with its error. Check it once more
// after waiting for a lock or a connection. It must never leave half a change,
// a lock or a transaction behind.
//
// # Rows, versions and references
//
// Users, Credentials, Challenges, Accounts, Memberships, Connections,
// Assignments, Clients, Sites, SiteAccess, Requests, Invitations, SetupLinks,
// Sessions, Views, Tickets and Guesses are rows
// with a Version. Version 0 inserts: there must be no row with the key, and the
// new one is stored with Version 1. Any other Version replaces the row, whole:
// it must be the stored one, and the next is stored. No row is merged. Rows are
// taken out only by Sweep and, as a change says, by Unlink and Forget.
//
// The keys: User.ID; the user of a credential; ChallengeKey; Account.ID;
// (account, user) of a membership; (client, agency) of a connection; (client,
// agency, user) of an assignment; (agency, id) of a request; (account, id) of
// an invitation; ClientKey, of a client and of a setup link; SiteKey;
// SiteAccessKey; Session.ID; ViewAs.ID; TicketKey; the address of a row of
// guesses. Two rows with one key in one change are a conflict. Identities and events have no
// version and are only inserted: a stored (issuer, subject), or (op, seq), is a
// conflict. Unlink takes identities out, before others are inserted; one that
// is not there, or is named twice, is a conflict.
//
// Referred to must be: the user of an identity, a credential, a challenge, a
// membership, a session and a ticket; the account of a membership and of an
// invitation; both accounts of a connection; the connection of an assignment,
// and the membership of its user in its agency; the agency of a request; the
// account of a client and of a site, and the user of a client, "" aside; the
// client and the site of a site access; the client of a setup link; the client
// and the viewer of a view. Other ids are kept as they are. The rows of one
// change may refer to each other.
//
// # Uniqueness
//
// Uniqueness is judged on what is stored once the change is made, but before
// it forgets anybody, so that an end and its successor can be one change. Write
// updates before inserts, and it comes out right with plain unique indexes in
// all but one case: rows that exchange a value with each other. Unique are,
// besides the keys:
//
//   - the canonical address of users that are not deleted, "" aside;
//   - accounts.NameKey of the handle of users that are not deleted, "" aside;
//   - (agency, canonical address) of requests whose stored State is pending,
//     whether or not they have expired;
//   - (account, canonical address) of invitations whose stored State is
//     pending, whether or not they have expired or are void;
//   - (account, canonical address, also "") and (account, user, "" aside) of
//     clients that are not deleted;
//   - the hash of a request, of an invitation, of a ticket and of a session, and
//     those of a setup link and of a view, where the zero hash is none: it clashes
//     with nothing. Nothing is found by the zero hash, of whatever kind.
//
// A clash is a conflict. That somebody's address is taken is found out by the
// next decision, which reads it.
//
// A reply is kept under (account, actor, key). A stored one is replaced if its
// ExpiresAt is not after its successor's CreatedAt, and is a conflict
// otherwise.
//
// # Guards and counters
//
// A Guard names an account that the decision relied on and the version it saw,
// or a user and the epoch. Another stored version or epoch, or no such account
// or user, is a conflict; a guard that names both or neither is a fault. A user
// is held, and may be written by the same change. With Move the version moves
// by one, and nothing else of the row. Without Move it is held:
// nobody may change the account between the check and the commit, but others
// may hold it at the same time. Take the lock that your database has for this
// (FOR UPDATE and FOR SHARE, for example): isolation alone is not enough to
// rest on.
//
// A Spend adds N to the counter (kind, subject, day), which starts at 0, if
// the sum is at most Limit, and is a conflict otherwise. Check and addition
// are one statement. Nothing ever subtracts.
//
// # The order of writing
//
// Two changes that lock the same rows in different orders wait for each other.
// Write Change.Sorted(), which has every list in the order of its keys, and
// the kinds in one order, always the same: guards, counters, updates, identities
// taken out, inserts, events, cancelled mail, requeued mail, bounces, new mail,
// people forgotten. One statement for each guard. The events keep their order.
//
// Forget comes last and knows no conflict: what is not there is passed over.
// Of a user it takes out identities, the credential, challenges and tickets,
// and blanks user agent and source of their sessions; mail for them, which has their
// id as User, is treated as mail to an address is, on whichever channel and wherever
// it went, and whatever its reason. Of an address it takes out the guesses and the tickets
// that were sent there, whosever they are;
// blanks Email, Address and Message (and Reason) of requests and invitations to
// it, of which pending ones become Ended and Revoked; cancels the mail to it
// that is queued or dead, as CancelMail does; and blanks To, ToName, User, Error
// and what it says of all mail to it. Of a user it also blanks user agent and
// source of the views that they viewed. A row that is blanked gets the next
// version, so that nobody who read it before writes it back; mail has none to
// move. Counters of every kind and kept replies are left to Sweep, which erases
// them within two days.
//
// Forget leaves every other row of theirs: users, memberships and clients end as
// the change itself writes them, with their versions and their events.
//
// Touches are notes: each sets SeenAt of a session to the later of the stored
// and the given moment, moves no version, and passes over a session that is
// gone. They apply after the sessions of the same change.
//
// # Questions: one moment, and copies
//
// Each method answers from one snapshot: in SQL, one statement or one
// transaction that reads. Standings and Admission are asked on every request
// of every page; they are one statement each. Two calls may see two moments;
// that is what versions are for.
//
// Some answers have more to say than their types:
//
//   - Admission with a hash that names nothing is zero as a whole, also when
//     the account exists; a session that ended is returned with its EndedAt.
//   - Reachers with an Agency chooses users by an assignment through it, ended
//     ones included, and returns their standings whole.
//   - Connections and Ending hold what counts by its agency, also when the
//     client account is suspended or closed.
//   - Addressed leaves out requests of an agency that does not act as one.
//   - InvitationsTo holds what Listed.StateAt calls pending, of accounts that
//     are open. Seats counts invitations in that state too, whatever the
//     account's.
//   - Inviting by an address finds the stored pending invitation; one that
//     expired or is void is returned all the same, and one that was decided is
//     not. With an ID, Member, Client and Mails are of that invitation's address.
//     Member is the membership, in whatever state, of the user not deleted who has
//     the address; the address "" is nobody's. Used and Mails are of the UTC day
//     of At.
//   - Accepting without a User finds whoever has the invitation's address now
//     and is not deleted; with one it finds that user, deleted or not. Means and
//     the membership are zero, but for the membership's keys, when there is
//     nobody. Accepting, Inviting and Invitations return the inviter also when
//     deleted or no member any more.
//   - Recording finds a client by its id also when deleted, and Taken only among
//     those that are not: by the address first, by the user else. Member asks for a
//     membership that has not ended, of a user not deleted. Assigned counts as
//     ClientRecords lists: accesses that have not ended, on sites that are live,
//     whatever the permissions.
//   - Admission and Viewing hold the sites of a client that is there, and
//     Admission those of the standing's.
//   - Accepting finds Client by the joiner's address, or by the invitation's where
//     nobody would join, and else by the user. SettingUp finds As by the user
//     alone, and the client of the link also when deleted; Assigned is 0 then.
//   - Means and Entering by an address or user name find nobody who is deleted.
//     Identities come by issuer and subject.
//   - Held finds requests and invitations by the address and by who sent them;
//     mail by the address and by its User; clients by the address and by the user;
//     events by whom they are about and by who acted; views by the viewer;
//     everything else by the user alone, deleted or not. An empty User or Email
//     finds nothing. It lists by the bytes of its keys, which are the row's own without
//     the user, its parts joined by a newline: (issuer, subject), (session,
//     account, action), the account of a membership, (client, agency), (agency,
//     id), (account, id), the id of a session and of a view, and (op, seq with ten
//     digits); of a user and a credential it is the user's id. A kind that the
//     store does not know is a fault. It may be slow: it reads whole tables, a
//     page at a time.
//   - Deciding with a Client fills the keys of a connection and an assignment
//     that never were.
//   - Contacts carry User.Label as their name; MemberRef.NameKey fits only
//     users who have a name.
//
// What a method returns belongs to the caller, and what was handed in is
// copied: bytes and slices never are shared. No error comes with an answer.
// accounts.ErrNotFound is returned where a method's comment says so; lists of
// what does not exist are empty, and a nil list is as good as an empty one.
//
// # Times
//
// Microseconds, in UTC; a store drops what is finer. The zero time is "never"
// and comes back as the zero time. A store never reads a clock: every moment
// is in a row or in a query, and "at or after ExpiresAt" is expired, whether
// or not anything was swept. Mail that a change cancels is settled at the
// moment of the change's first event.
//
// # Text, searches and pages
//
// Ids, addresses, phone numbers, channels, reasons, keys and cursors compare by
// their bytes. Use no collation, no lower() and no case-insensitive column:
// canonical forms are made once, in Go. Store accounts.NameKey of names, labels
// and handles beside them, order by it, and rewrite the copies when a name
// changes.
//
// Search fits when accounts.NameKey of the search is a part of any of the keys
// that the query's comment names; where that comment names the canonical
// address, the same text is looked for in the address. A percent sign or an
// underscore is a character like any other. "" fits everything.
//
// Clients and sites are looked for by accounts.SearchFits, in what their
// SearchText returns, with an index: an account may have 100,000 of them, and no
// search may walk them all. A common word must stop at the end of the page, and a
// rare one must not begin with the list.
//
// A page holds at most Limit entries, 50 if Limit is not positive, from
// strictly behind the cursor on. A cursor is a place, not an entry: it works
// when the entry is gone, or never was. The zero cursor is before the first
// entry. Seek it in an index: no OFFSET, and nothing that sorts the whole list
// for each page.
//
// What counts is decided in one place. A connection counts when
// accounts.ConnectionState.Counts says so of its agency; a route when
// accounts.Route.Counts does and accounts.Standing.Barred does not; a request,
// a client and an invitation are in the state that their StateAt returns, and a
// pending invitation holds a seat at that moment and no other. A store that
// cannot call these, because it filters in SQL, says the same there, and
// storagetest compares the two.
//
// # The outbox
//
// package mail has the contract of each method. In short: a message enters the
// outbox with the change that promises it, once for its id, also if another
// change brings the id again. ClaimMail leases due messages of one channel to one
// dispatcher and moves their fence; SettleMail needs the fence, so that only the
// last to claim a message, or nobody, settles it. CancelMail of a change covers
// what is queued, leased or not, and what is dead: the message becomes Cancelled,
// its words are erased and its fence moves, so that a dispatcher that holds it is
// answered mail.ErrFenced. It happens before the change's own mail is queued.
// mail.Reason.Range makes it a look-up in an index. Requeue of a change is
// RequeueMail, at the moment of the change's first event. A message's Due is when
// it is tried next, no more the original one once it was put off.
//
// Bounced of a change makes a Sent message Bounced, with the bounce's At as
// SettledAt and its Error. A message in any other state is a conflict, so that of
// two reports one is recorded; so are an unknown id and one named twice. Nothing
// leads back: a bounced message is not cancelled, not requeued
// and not settled. Its fence stays, since nobody holds it. Sweep takes it when its
// SettledAt is old.
//
// What a message says is Subject, Text, Data and Sealed. Sealed comes back byte for
// byte. Text and Data are valid UTF-8; a store may put U+FFFD in the place of what
// is not. The moments of Data are moments like all others. HTML is not stored. Sent,
// Bounced and Cancelled messages keep nothing of what they said, and neither does
// one that died at or after its NotAfter: they may hold live links and codes. Erase
// all of it together, as mail.Message.Erase does, wherever one part is erased.
//
// A store that can find a message which it cannot read, because somebody wrote to
// the database by hand, settles it as dead in the same ClaimMail, with an error that
// says so, and returns others in its place: one bad row must not stop a channel. It
// is dead like any other: listed, and queued again once somebody has mended it.
//
// ClaimMail is asked once a second, on each channel by each dispatcher, and must
// not walk what is put off or leased, however much there is: seek, for each
// priority, what is due and not leased, and beside it what is leased no more.
// Newest asks for a page of rows at once: one statement, and one look-up for each
// reason in an index on the reason and CreatedAt, whatever the state. For more than
// 1,000 reasons it is a fault.
//
// # The feed of events
//
// The host is to receive every event at least once. Events are found by their
// state, not taken and not leased, and never by a position: transactions do
// not commit in the order of ids or times, so whoever remembers how far they
// have read misses what commits late. ClaimEvents takes the oldest of those
// that are due, at most Limit and none if that is below 1, leases them until At
// plus Lease, counts the attempt and moves the fence. SettleEvents settles
// those whose fence is still the one in the receipt and that are not taken:
// taken for good, or due again at Next. It moves the fence as well, so that a
// delivery is settled once.
//
// # Joined changes
//
// A store over a database also lets a host's transaction take part: the store
// that it makes from one writes into it and never commits. Its answers differ
// in two ways. A conflict matches accounts.ErrRepeat beside
// accounts.ErrConflict, since only the host can run its transaction again; and
// each change runs under a savepoint, so that one that fails leaves the
// transaction as it was before; where there are none, check all of it before the
// first write. Questions see what the transaction wrote.
// Nothing is visible to others before the host commits, and nothing ever after
// a rollback. It locks until the host commits: join last, commit soon.
//
// # Sweeping
//
// [Storage.Sweep] erases what no rule needs. No decision may change by it, so
// no decision may rest on its having run. Moments are strict, "before" and not
// "at", but for Texts, which are of mail that Expired says has expired. Blanking
// where a session came from moves no version; each row that is erased or
// blanked counts against the limit. SweepAt says what a regular sweep is.
//
// Texts also end what waits in vain, due or not: a message that is queued, has
// expired by then, and has no lease or one that ended at or before that moment,
// becomes dead. Its SettledAt is that moment, its Error [TooLate], its fence moves,
// and what it says is erased; it counts as one row. Otherwise a channel without a
// dispatcher would keep addresses, phones and codes for ever, since only what is
// settled is swept.
//
// # What storagetest proves
//
// That rows come back as they were written, field by field; versions, guards,
// keys, counters and uniqueness; that a refused change leaves nothing; every
// question, list, search and page, among them client records in any status and
// number; that a listed route is one that the rights know; that a link or a
// view is found by its secret alone; that what is held of a person is told, and
// once forgotten gone, with nothing of others; races between many writers, and
// the same races step by step; leases and fences; that no event is lost; joined
// transactions; cancelled contexts; and that a long random run gives the
// answers of a plain model.
//
// The library's own services run on the store as well, from many goroutines and
// with rivals that come in between: access requests (access.Requests),
// invitations and setup links (invites.Service, invites.SetupLinks), client
// records and views (accounts.Clients, access.Views), sign-ups, logins,
// passwords, addresses and issuers (access.Logins), sessions and the chooser
// (access.Sessions), and members, owners and erasure (accounts.Service).
//
// It cannot prove that a commit survives the machine, that a store is fast, or
// that a lost answer is told as accounts.ErrUnknown: test these yourself.
package storage
