// Package smtp sends mail through an SMTP server: the host's own, or the submission port of a provider.
//
//	mailer, err := smtp.New("smtp.provider.example", &smtp.Options{
//		From:     mail.Sender{Name: "Willow", Address: "no-reply@willow.example"},
//		Username: "willow",
//		Password: os.Getenv("SMTP_PASSWORD"),
//	})
//	...
//	defer mailer.Close()
//	dispatcher, err := mail.NewDispatcher(store, mailer, nil)
//
// [New] connects to nothing; the first mail does. One [Mailer] serves a whole process.
//
// # What is promised
//
//   - Nothing leaves without TLS, neither a message nor a password, unless [InsecurePlaintext] is asked for by name; and then
//     a password is refused. The server proves its name by a certificate. A server that offers no STARTTLS, or whose
//     certificate is wrong, gets nothing, and the mail waits.
//   - Send comes back soon after its context is done, whatever the server does or does not do.
//   - One envelope recipient, and its bytes are those of Message.To.
//   - The Message-ID follows from Message.ID alone, see [MessageID]. The same message made again is the same to the byte.
//   - No field of a message can add a header, a recipient or a second message: whatever is not plain is encoded, and
//     what leaves is ASCII in lines of 76 characters (addresses, domains, Message-IDs and headers of the host's own may be
//     longer), each ended by CR LF.
//   - An answer lost after the end of the data counts as not sent: the copy that follows has the same Message-ID. In
//     no other case is a message handed over twice.
//   - A refusal is told as what it is: see below. No error's text has the recipient, the subject or words of the message.
//
// # Connections
//
// A connection is used again for the next message: opening one takes about seven round trips, a message four. At most
// Options.MaxConnections are open, each takes Options.MaxMessages at most, and one at rest is closed after Options.IdleTimeout. When
// a server has closed one meanwhile, the message goes out on a new one: nothing of it had been accepted.
//
// # Refusals
//
//   - 5xx to RCPT, DATA or the message is [mail.Permanent], unless it would meet any message of this sender's: then it is
//     temporary. So are 503, 530, 534, 535 and 538, which speak of the session or of a missing login; a status (RFC 3463)
//     that begins with 4; and one that tells of the server's own state (X.3.0, X.3.1, X.3.2, X.3.5), of its network
//     (X.4.0, X.4.2, X.4.3), of a quota or a rate (X.4.5, X.5.3, X.7.28), of the login or encryption (X.7.8 to X.7.14), or
//     of what the sender's domain or address proves (X.7.20 to X.7.27).
//   - 5xx to MAIL is temporary: it speaks of the sender or of what it may send, and would kill all that waits. Such mail is
//     dead after the dispatcher's last attempt, like any other.
//   - 4xx is temporary, and so is everything before the message is talked of: connecting, greeting, TLS, login. A password
//     that has changed must not kill mail.
//   - So is what the host has to mend: a DKIM key that cannot be had or is another domain's, a header that is none.
//   - A message that cannot be built (no plain address, no ID, no time) is permanent. One for another channel than
//     [mail.Email] is, too.
//
// [Error] has the details, for errors.As.
//
// # The mail
//
// Text and HTML become two alternatives, the text first; without HTML the text stands alone. Date is Message.CreatedAt.
// Auto-Submitted says that nobody wrote it by hand, so that answering machines keep silent (RFC 3834). There is no
// User-Agent, and no Content-Language, since a message knows which language was asked for and not which one it speaks.
// A host adds headers of its own with [Options.Headers].
//
// # Senders
//
// Mail comes from Options.From. Only [mail.SetupInvitation] and [mail.SetupRefreshed] come from an account's own address,
// where the host's pages name one (Sender of accounts.Links, then Message.From). Their Message-ID has the product's Domain
// all the same.
//
// Mailboxes ask that the domain of the From header vouches for the mail (DMARC): with a DKIM signature, or with its SPF
// record, which speaks for the envelope sender and counts only if that one is of the same domain, or one above or below it.
//
//   - With Options.Bounces every report comes to the host. The product's mail passes by SPF if Bounces is an address of
//     the domain of From. An account's mail, from a domain of its own, does not: it passes by a DKIM signature of
//     that domain alone, made here (see [Options.DKIM]) or by the provider.
//   - Without it the envelope has the address of the From header. An account's mail then passes by DKIM, or by leave for
//     the server in the SPF record of the account's domain. Its reports go to the account's mailbox, and the host learns
//     nothing of them.
//
// So set Bounces, and sign: a signature also survives being forwarded, which SPF does not. Some providers put an
// envelope sender of their own in place of either; what they say about SPF and reports holds then.
//
// # Bounces
//
// What is accepted can still come back. Let Options.Bounces point to a mailbox that a program reads, and take from each
// report (RFC 3464) the Message-ID of the message that it returns: [ParseMessageID] gives the ID, which is the one that
// accounts.Desk.Bounced asks for and that the host's staff see in the outbox. Anybody can send a forged report to such a
// mailbox; it can mark mail as bounced and no more.
//
// Providers report to a webhook as well, and some, such as Amazon SES, put a Message-ID of their own in place of ours: a
// report does not name the message then, nor can a copy be told. Carry Message.ID in a header of your own, or in a
// tag, that the provider repeats in its reports, and hand what comes back to accounts.Desk.Bounced:
//
//	Headers: func(m mail.Message) map[string]string {
//		return map[string]string{"X-Mail-ID": m.ID, "X-SES-CONFIGURATION-SET": "product"}
//	},
package smtp
