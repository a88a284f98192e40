// Package mail renders messages, keeps the promise to send them, and sends them.
//
// A message is promised by a change: whoever makes the change renders the message with [Templates] and stores
// it together with the change, in one transaction. What was rolled back promises nothing; what was committed is
// sent, also when the process dies right after. A [Dispatcher] takes promised messages from the [Outbox], gives them to
// a [Mailer], and records how each ended.
//
//	Templates.Render → Message, stored with the change → Outbox → Dispatcher → Mailer
//
// The services of the library do the first half by themselves. A host does the second: it chooses a Mailer and runs
// dispatchers.
//
// # Sending
//
// Through a mail server: package smtp is a Mailer.
//
// Through a provider with an HTTP API: write a [Mailer], one method. Post Message.From (or the product's sender, which the
// Mailer knows, where that is empty), To, Subject, Text and HTML, with Message.ID as the key that makes the same message
// one, and say with the error what follows: [Permanent] when the provider refuses, [RetryAfter] when it says how long to
// wait, any other error when it is worth trying again. Message.Data is there for templates that lie with the provider. The
// conformance suite of package mailtest tells whether a Mailer keeps its promises. See the example.
//
// During development: [NewWriter] prints mail instead of sending it. In tests: the Recorder of mailtest.
//
// # Running
//
// Start a dispatcher, in as many processes as it likes: [Dispatcher.Run] from a goroutine, with [Dispatcher.Wake]
// after a commit for those who wait for a link. Cancel its context to stop it: attempts under way go on for the Grace and
// are recorded, nothing new begins, and Run returns. Wait for that before the process ends.
//
// Or call [Dispatcher.Flush] from a job queue or a cron job.
//
// # Codes by text message
//
// Each [Channel] has a queue of its own. The codes that confirm who somebody is are on the channel [SMS], whose
// Message.To is a phone number: run a second dispatcher with Channel SMS, and a Mailer that takes them to a provider of
// text messages ([UnwrapLines] the text, or use Message.Data.Code with a template of the provider's). Without it codes wait
// and expire. A host that has no such provider sends them as mail, to Message.Data.Address: the proven address of the user,
// or empty if there is none; see the example.
//
// # Sealing
//
// While a message waits, what it says lies in the database, with a live link in it. Give the environment of the services
// and the dispatchers the same [Keys], as Env.DispatcherOptions of package accounts does, and it lies there sealed. A
// dispatcher that lacks the key tries again, as after a failure, so that a change of keys in the wrong order costs a wait
// and not a message; [Keys] says the right one.
//
// # Words and languages
//
// [NewTemplates] takes the host's own files from any fs.FS, for single kinds, whole languages, regions, kinds of
// the host's own, or the page of HTML mail, and checks all of it at once. Give the same Templates to the environment of the
// services and to the dispatchers of mail, as Env.DispatcherOptions does. [Templates.Languages] is for a page where people
// choose theirs.
//
// # What became of it
//
// The Desk of package accounts lists what could not be sent and why, and tries again, for the host's staff and
// with an event in the audit. When a provider reports that a message came back, tell the Desk: the message is then
// [Bounced], and whoever caused it sees that in its [Progress]. [Outbox.Mails] and [Outbox.RequeueMail] are for stores
// and tests.
//
// For metrics, [Dispatcher.Totals] counts outcomes, and the Logger gets one record for each.
//
// # What is promised
//
//   - A message is sent at least once, or ends dead where it can be seen. A second copy can arrive only after an answer was
//     lost or an attempt outlived its lease, and it has the same ID and the same link.
//   - One message has one recipient.
//   - A message whose reason was cancelled before it was claimed is not sent, and neither is one past its NotAfter.
//   - A message that cannot be sent, one that cannot be opened, a Mailer that hangs and one that panics keep no other
//     message from going out, as long as a worker is free.
//   - What a message says is erased from the outbox when it is sent or cancelled. A dead one keeps it until its NotAfter, to
//     be requeued; see [Dead].
//   - Names and words of users cannot add headers, lines outside their quotation, links or markup; see [Templates.Render].
//   - The HTML of a message has the words of its text, and no others.
//   - Nothing is logged that would let a reader of the log use a link: neither subject nor text nor recipient nor code. Of a
//     Mailer's error no address is kept. A [Message], its [Data] and [Keys] print nothing of it either.
//
// # What is not
//
// The order of two messages is not promised beyond [Priority]: a failed attempt lets later messages pass. Without keys a
// message lies in the outbox as it was rendered.
package mail
