// Package mail renders messages, keeps the promise to send them, and sends them.
//
// A message is promised by a change: whoever makes the change renders the message with [Templates] and stores
// it together with the change, in one transaction. What was rolled back promises nothing; what was committed is
// sent, also when the process dies right after. A [Dispatcher] takes promised messages from the [Outbox], gives them to
// a [Mailer], and records how each ended.
//
//	Templates.Render → Message, stored with the change → Outbox → Dispatcher → Mailer
//
// # What a host does
//
// Write a [Mailer] for its mail service: one method, and two ways to say more in an error, [Permanent] and
// [RetryAfter]. During development use [NewWriter], which prints mail instead of sending it; in tests, the Recorder of
// mailtest.
//
// Start a dispatcher, in as many processes as it likes: [Dispatcher.Run] from a goroutine, with
// [Dispatcher.Wake] after a commit for those who wait for a link, or [Dispatcher.Flush] from a job queue.
//
// Look after dead letters: the Desk of package accounts lists what could not be sent and why, and tries again, for the
// host's staff and with an event in the audit. [Outbox.Mails] and [Outbox.RequeueMail] are for stores and tests.
//
// Replace templates if it wants other words: [NewTemplates] takes any fs.FS and checks it at once.
//
// # What is promised
//
//   - A message is sent at least once, or ends dead where it can be seen. A second copy can arrive only after an answer was
//     lost, and it has the same Message-ID and the same link.
//   - One message has one recipient.
//   - A message whose reason was cancelled before it was claimed is not sent, and neither is one past its NotAfter.
//   - A message that cannot be sent, a Mailer that hangs and one that panics keep no other message from going out.
//   - Subject and text are erased from the outbox when the message is sent or cancelled. A dead one keeps them until
//     its NotAfter, to be requeued; see [Dead].
//   - Names and words of users cannot add headers, lines outside their quotation, or links; see [Templates.Render].
//   - Nothing is logged that would let a reader of the log use a link: neither subject nor text nor recipient.
//
// # What is not
//
// The order of two messages is not promised beyond [Priority]: a failed attempt lets later messages pass. While a message
// waits, its text lies in the outbox as it was rendered.
package mail
