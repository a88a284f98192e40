// Package invites lets people in. [Service] makes them members of accounts:
// somebody who manages members invites a person by their address, and the person
// joins with the login that they have, or with a new one. [SetupLinks] lets the
// clients of an account come in for the first time.
//
//	invitations, err := invites.New(store, env, &invites.Options{Hasher: hasher, Passwords: policy})
//
//	sent, err := invitations.Invite(ctx, p.Actor(), invites.Invite{
//		Account: account, Email: "ben@example.com", Role: roles.Admin, Message: "Join us!",
//	})
//
//	// The page of the link. Peek changes nothing, however often it is opened.
//	view, err := invitations.Peek(ctx, secret)
//
//	// "Use your existing login to join this account": whoever is signed in.
//	member, err := invitations.Accept(ctx, p.Actor(), invites.Answer{Link: secret})
//
//	// Or a new login. Open the session with it.
//	joined, err := invitations.AcceptNew(ctx, invites.NewLogin{Link: secret, Name: "Ben", Password: typed})
//	cookie, session, err := sessions.Start(ctx, joined.Login, device)
//
// # Who may join
//
// The person who was invited, and nobody else: the address must be theirs, and
// proven. Holding the link is not enough. Who is signed in with another address
// is told so ([ErrOtherAddress]), and so is who has the address and has not
// proven it ([ErrUnproven]); the invitation stays as it is. With a new login the
// link is the proof, since it was mailed to that address and shown to nobody
// else. It never replaces a login: whoever has one logs in to join
// ([ErrHasLogin]).
//
// A user with identity confirmation on is asked for a code after logging in and
// before joining. [Service.Accept] answers accounts.CodeError: ask for one with
// access.Confirmations, have it answered, and call again.
//
// # What an invitation is worth
//
// What its inviter could give at the moment of joining, and at most what was
// promised. An inviter who is suspended, leaves, or is given a role that may
// not manage members makes their invitations void ([Void]), for good: coming
// back revives none. One whose role is lower now gives the lower role. Plan,
// seats and the kind of the account are asked again as well.
//
// Void is computed and never written, so it takes effect with the change that
// takes the right away, and nothing has to look for what somebody sent. Mail of
// such an invitation that still waits therefore goes out. Its link is dead, and
// says no more than one that never was.
//
// Invitations last 7 days since they were last sent, and exactly at that moment
// they are expired, whether or not anything was cleaned up. There is at most one
// pending invitation for an address in an account, and an expired or void one is
// in nobody's way. [Service.Resend] makes a new link, and the old one is dead;
// whoever resends becomes the inviter.
//
// A pending invitation holds a seat; one that is expired, void or settled holds
// none. Somebody who becomes a member in another way meanwhile takes a seat of
// their own, and the invitation keeps its seat until it is revoked or expires.
// An invitation lifts no suspension: reactivate a member who is suspended
// instead.
//
// A client of the account is neither invited nor let in as a member while the
// record is there, and a member is not let in as a client.
//
// # Clients
//
// Whoever manages clients gives a client access by a setup link: one that is
// shown to them, once, to hand it over, or one that is mailed.
//
//	links, err := invites.NewSetupLinks(store, env, &invites.Options{Hasher: hasher, Passwords: policy})
//
//	out, err := links.Generate(ctx, p.Actor(), invites.GenerateSetup{ClientKey: client}) // show out.URL.Reveal()
//
//	m, err := links.Preview(ctx, p.Actor(), invites.SendSetup{ClientKey: client}) // let them edit m.Subject and m.Text
//	sent, err := links.Send(ctx, p.Actor(), invites.SendSetup{ClientKey: client, Subject: m.Subject, Text: m.Text})
//
//	// The page of the link.
//	view, err := links.Peek(ctx, secret)
//	joined, err := links.SetUp(ctx, invites.NewLogin{Link: secret, Password: typed}) // then sessions.Start(joined.Login)
//	state, err := links.Join(ctx, p.Actor(), secret)                                  // or whoever is signed in
//
// What was previewed is what is sent: the secret is made on sending, and stands
// where mail.Placeholder stood. Show m.HTML, which mail programs show, in a sandboxed
// iframe. Links last 30 days, a newer one kills the older, and
// suspending or deleting the client ends them for good. There is one for a client
// who has not come in yet.
//
// A link that was mailed proves the client's mailbox, where its page is on the
// product's own domain. One that somebody was shown does not, since anybody may
// have used it, nor does one that leads to an account's own domain, whose holder
// may read it: the address counts as unproven, and the link makes new users only.
// One that was shown is dead once its maker loses the right to make it, be it for a
// moment. None touches the login of somebody who has one ([ErrHasLogin]): they log
// in, and join with an address that is theirs and proven. By that answer whoever
// makes a link for somebody else's address and tries to use it learns whether there
// is a login. Who made a link, and who came in by it, is in the audit; who only
// tried is nobody that it knows.
//
// Guidance for mailed secrets allows them a day. With accounts.Limits.SetupStrict
// a link that is older only asks for a fresh one, which goes to the client's
// address ([ErrStale], [SetupLinks.Refresh]).
//
// # How mail comes along
//
// [Service.Progress] and [SetupLinks.Progress] tell of the newest mail of each
// invitation and of each client: that it waits, and how often it was tried; that it
// was sent, given up or taken back; that it came back (accounts.Desk.Bounced). A list
// asks once for its page:
//
//	page, err := invitations.List(ctx, p.Actor(), account, invites.Page{})
//	ids := make([]accounts.InvitationID, len(page))
//	for i, e := range page {
//		ids[i] = e.ID
//	}
//	mails, err := invitations.Progress(ctx, p.Actor(), account, ids...) // mails[i] is that of page[i]
//
// # In the host's own transaction
//
// Bind the service to a store that has joined it, and give AcceptNew the id of
// the host's own user: the two rows become durable together, or not at all.
//
//	joined, err := invitations.With(store.JoinSQL(tx)).AcceptNew(ctx, invites.NewLogin{
//		Link: secret, ID: "42", Name: "Ben", Kept: true,
//	})
//
// What it returns is provisional until the commit: start the session after it.
// On accounts.ErrRepeat roll the transaction back and run the whole of it again.
// A complete program that does so is in examples/jointx.
//
// # Errors
//
// Each call names what it refuses, and when. Where somebody known lacks a right,
// runs into a limit or may not use a link, the account's audit has it. Beside
// refusals every call can return accounts.ErrConflict, when others changed the
// same things until time ran out, accounts.ErrUnknown, when the answer of a
// commit was lost for good, the context's error, and the store's own: none of
// these is a decision. With any error the other values are zero.
//
// # What is promised
//
//   - Of competing answers one wins, in one process or many: somebody is a
//     member by an invitation if and only if it says accepted.
//   - An acceptance is one change with its membership, login, events and mail.
//     Accepting again with the same login changes nothing and answers the same.
//   - An account sends 25 invitations in a UTC day, and one address gets 5
//     mails with a link from everybody together; what was spent never comes
//     back.
//   - The mail is the same whether or not anybody with the address is known,
//     and [Service.Peek] does not tell either.
//   - To whoever only holds a link, one that is unknown, expired, void, answered
//     or revoked is one answer: accounts.ErrNotFound.
//   - The inviter is told by mail who joined and who declined, if their own
//     address is proven.
//
// # What to avoid
//
// Accept nothing on a GET: mail scanners open links. Put the secret into the
// form that is posted, and keep it out of logs and out of the addresses of pages
// that load anything from elsewhere. Do not call an address proven because
// somebody typed it.
package invites
