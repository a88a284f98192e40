// Package access decides who may act where: how an agency asks for access to a
// client's account and how the client decides, how somebody who logged in
// moves between the accounts that they can reach, and what they may do at one
// account at this moment.
//
//	requests, err := access.NewRequests(store, env)
//	sessions, err := access.NewSessions(store, env)
//
//	// For hosts without logins of their own, and for users who want a code:
//	logins, err := access.NewLogins(store, env, &access.LoginOptions{Hasher: hasher})
//	codes, err := access.NewConfirmations(store, env)
//
//	// For staff who look at what a client of their account sees:
//	views, err := access.NewViews(store, env)
//
// The services stand on a store of package storage and an environment of
// package accounts. They start nothing, keep nothing but a limiter of bursts
// and the bound on parallel hashes, and are safe for concurrent use. Make one
// hasher for the whole program.
//
// # What runs beside it
//
// The mail, with codes a second dispatcher that takes them to phones, the events if
// the host wants them, and every hour, until it returns 0, a sweep of what no rule
// needs any more:
//
//	post, err := mail.NewDispatcher(store, mailer, env.DispatcherOptions(mail.Email))
//	go post.Run(ctx)
//	texts, err := mail.NewDispatcher(store, gateway, env.DispatcherOptions(mail.SMS))
//	go texts.Run(ctx)
//	feed, err := accounts.NewFeed(store, env, handle, nil)
//	go feed.Run(ctx)
//	n, err := store.Sweep(ctx, storage.SweepAt(env.Now(), env.Limits()), 0)
//
// # Requests
//
// [Requests.Send] takes addresses as people paste them and answers for each
// one, in the order given; [Requests.Preview] gives the same answers and
// changes nothing, so show it first. The client's mail carries a link. Let the
// link's page call [Requests.Peek], which changes nothing however often mail
// scanners open it, and let a button there call [Requests.Approve] or
// [Requests.Decline] with the account that the client picked. A page for
// clients who are signed in already lists [Requests.Addressed]; no link is
// needed there.
//
// The link finds the request; it is no right. Who decides is a direct Owner or
// Admin of the account named, and either holds the link or has the address
// that was asked as their own, proven one. They set the cap, the highest role
// that anybody of the agency can have there. It is at most their own and never
// Owner, whatever level the agency would have liked.
//
// A request expires 7 days after it was last sent, exactly then, and whether or
// not anything was cleaned up. [Requests.Resend] makes a new link, and the old
// one is dead. [Requests.Clients] is the agency's list of requests and
// connections. [Requests.DisableClientAccess] ends all of it at once: show
// [Requests.PlanDisableClientAccess] first and pass on its Confirm, so that
// nothing ends that nobody was shown.
//
// [Requests.Progress] tells how the mail of requests comes along, so that nobody
// waits for an answer to a mail that came back. A list asks it once for its page:
//
//	page, err := requests.Clients(ctx, p.Actor(), agency, access.ClientPage{})
//	ids := make([]accounts.RequestID, len(page))
//	for i, c := range page {
//		ids[i] = c.Request.ID
//	}
//	mails, err := requests.Progress(ctx, p.Actor(), agency, ids...) // mails[i] is that of page[i]
//
// What a connection allows afterwards, and who of the agency is assigned to
// it, is the business of [accounts.Service].
//
// # What an agency learns
//
// Nothing about accounts that it has no part in. An address that belongs to
// nobody, to a customer or to a suspended user gets the same answer and the
// same mail. "Already connected" is about a request of this agency to this
// very address, and "own address" about a member of its own. The one answer
// that comes from elsewhere is the limit of mails to a recipient, which counts
// the same for everybody. When somebody declines, the agency's mail and list
// name the address that was asked, and neither account nor person; the event
// in its audit holds their ids.
//
// To whoever holds a link, one that is unknown, expired, used, withdrawn or
// replaced is one answer, [accounts.ErrNotFound]. Whoever may know the request
// is told: [accounts.ErrExpired] or [ErrDecided].
//
// # Sessions, or your own
//
// With sessions of the library: [Logins.LogIn], or [Sessions.Start] after your
// login, by your user's id or by the identity that an issuer vouched for, gives
// a secret for a cookie; [Sessions.Principal] answers each request;
// [Sessions.Switch] and [Sessions.Return] move between accounts and change the
// secret, so set the cookie again; [Sessions.SignOut], [Sessions.End] and
// [Sessions.EndAll] end what they name. A session ends after 60 minutes without
// use and after 24 hours in any case; for somebody else's account the limits
// are 30 minutes and 12 hours since the last login, after which
// [accounts.ErrStepUp] asks for one: [Sessions.Renew] takes it and goes on with
// the session, with a new secret. A user has at most 100 at a time; the oldest
// ends for a new one.
//
// With sessions of your own: keep the login in them and ask [Sessions.ForUser].
// Suspended users, sessions ended with [Sessions.EndAll] and reactivated
// memberships then count by its time, to the microsecond; where a call of this
// library returned the login, what ended sessions counts by its Epoch. The idle
// limit is yours to keep, and switching is a link to another page.
//
// [Sessions.Chooser] lists where the user can go, by every route.
//
// # Logins
//
// [Logins.SignUp] makes a user whose address is unproven until they open the
// link in the mail while signed in ([Logins.Prove]); an unproven address opens
// nothing that was sent to it. [Logins.LogIn] takes an address and a password.
// [Logins.Arrive] takes a login at an issuer that the host has checked, by
// issuer and subject alone: nobody is ever found by an address, and
// [Logins.Link] adds such a login to a user who is signed in.
// [Logins.AskReset], [Logins.ResetPassword], [Logins.ChangePassword],
// [Logins.AskAddress] and [Logins.ConfirmAddress] are the rest of a login's
// life.
//
// A password that is new ends all other sessions and every link about the
// login, and the user is told by mail. A reset proves the mailbox, so for an
// address that was not proven before it voids whatever was prepared under it.
// Users whom the host keeps (accounts.PutUser) have their login there, and
// nothing here gives them another.
//
// Tries at a password are counted for each address, whether or not somebody has
// it, and for each network, durably and before the password is looked at. Tell
// the services the network address of a request only if you know it: the
// address of the connection, or what a proxy of your own says.
//
// [Confirmations] asks users who want it for a six-digit code before joining an
// account and before what cannot be undone; others need a login younger than 10
// minutes for the latter. The code goes to their phone through the outbox, on the
// channel mail.SMS, durable with the question that it answers; the next one for
// the same action, the end of the session, and another phone take it back as long as
// it is not sent. It is kept readable until then, unless mail is sealed.
//
// # The principal
//
// A [Principal] says who is signed in and what they may do at the account that
// was named. Ask it with [roles.Rights.Can], and hand its Actor to every method
// that does something:
//
//	p, err := sessions.Principal(ctx, cookie, account)
//	if err != nil { … } // ErrNoSession: log in. accounts.ErrNotFound: 404.
//	if p.Can(roles.ManageRequests) { … }
//	out, err := requests.Send(ctx, p.Actor(), access.Batch{Agency: account, …})
//
// The account is named in each call, by the page's path and not by the session,
// so that two tabs on two accounts never act on each other. An actor admitted
// to one account is refused at any other. What the session remembers of the
// last account is a hint for pages.
//
// A client of the account has a principal too. It holds no role, so Can is false
// for everything; [Principal.CanSite] asks what they were given on a site, and
// costs no further read. Ask it of members as well: of staff who manage the
// clients it is true.
//
// # Viewing as a client
//
// [Views.Start] gives a member with roles.ViewAs a link that opens, once and
// within a minute, a view as one of the account's clients. The view has a cookie
// of its own, on the domain where the clients log in: never put it into the place
// of a session. [Views.Viewed] answers each of its requests, and a [Viewed] can
// do on sites what the client and the viewer both can, for 30 minutes at most.
// Unless it was asked for, the view is to look only: [Viewed] says so, and the
// host sees to it. Show on each page who views as whom, with a button for
// [Views.Stop].
//
// The audit lists views: the kinds [EventViewStarted], [EventViewOpened] and
// [EventViewEnded], of accounts.Service.Events. [Views.End] ends one that is named
// there. Lists of sessions are for proofs of a login, and do not show them.
//
// # What to avoid
//
// Keep no principal and no actor beyond the request that asked for it, and no
// answer of Can: a right withdrawn anywhere is refused by the next question,
// not by an old answer. Approve nothing on a GET. Do not pick the account for
// a client who has several. Do not log what [token.Secret.Reveal] returns.
// Do not take the limiter of bursts for a quota: it counts in one process.
//
// # What is promised
//
//   - Of competing decisions on a request one wins, in one process or many. A
//     connection exists if and only if the approval did.
//   - Each operation is one change with its events and its mail, whole or not
//     at all. An error never comes with an answer, and a store that fails never
//     reads as a decision.
//   - At most 35 requests of an agency in a UTC day, and 5 mails with a link to
//     a recipient from everybody; what was spent never comes back.
//   - Delegated access is one hop. A delegate decides no request and sends none
//     in the client's name, whatever their role.
//   - Disabling client access ends every connection, assignment and open
//     request of the agency at the next check; enabling it again brings back
//     nothing.
//   - Secrets are returned once and stored as hashes. An old session secret is
//     dead when its successor is returned.
//   - No more passwords are compared for an address than its count allows, in
//     all processes together, and nobody is locked out for good: the wait ends
//     by time, by a reset, or by an operator.
//   - Signing up, logging in and resetting answer alike for addresses that
//     somebody has and that nobody has, and do the same work.
//   - Whoever views as a client is refused by every method that takes an actor,
//     on record with both people named. A view ends with the viewer's session,
//     rights and membership, with the client record and its user, and when the
//     client comes in; and nothing that comes back brings it back, but an account
//     that was paused.
//   - A call of a known actor at a known account that is refused writes one
//     event; previews and malformed input write none.
package access
