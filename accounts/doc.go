// Package accounts is the graph of users, accounts, members, the connections
// through which an agency's users work in their clients' accounts, and the
// clients whom an account gives some of its sites to see. It decides who may do
// what there, and keeps the record of what was done.
//
//	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Acme", BaseURL: "https://app.acme.example"})
//	svc, err := accounts.New(store, env)
//
//	// A job keeps the host's users in step.
//	job := accounts.System("sync")
//	ann, err := svc.PutUser(ctx, job, accounts.PutUser{ID: "42", Email: "ann@acme.example", Proven: true})
//	ben, err := svc.PutUser(ctx, job, accounts.PutUser{ID: "43", Email: "ben@acme.example", Proven: true})
//	account, err := svc.CreateAccount(ctx, job, accounts.CreateAccount{Name: "Acme", Owner: ann.ID})
//	err = svc.AddMember(ctx, job, account.ID, ben.ID, roles.Viewer)
//
//	// A signed-in user acts for themselves, as the principal at that account.
//	p, err := sessions.Principal(ctx, cookie, account.ID)
//	err = svc.ChangeRole(ctx, p.Actor(), account.ID, ben.ID, roles.Manager)
//
// Users can make an account for themselves too: ask Principal without an
// account, create, then ask Principal for the new account before acting there.
// Under [DefaultPolicy] only agencies and franchises let somebody own more than
// one, whoever makes it.
//
// # What to use
//
// [Service] is what a host calls. Make one [Env] and one Service at start-up
// and share them: both are safe for concurrent use and hold no state of their
// own.
//
// Every method that does something takes an [Actor] after the context. A
// signed-in user's comes from package access, a job's from [System], and that
// of the host's support staff from [Operator]. An actor belongs to one request
// or one run of a job: do not keep it. The account in play is named in each
// call, so a page that is open on one account never acts on another: the actor
// of a principal at an account is refused at every other.
//
// Whether a user may do something at an account is asked anew each time.
// [Standing] holds the facts, [Standing.Rights] draws the conclusion, and
// [Standing.Explain] says by which route, with which role, and what limits it
// or stands in the way. [Service.Explain] and [Service.Reachers] answer it for
// people.
//
// [Clients] keeps an account's client records and sites: people of other
// businesses, or none, who log in to see the sites that they were given, each
// with its own permissions ([roles.Catalog]), and nothing else of the account.
//
//	clients, err := accounts.NewClients(store, env)
//	e, err := clients.Create(ctx, p.Actor(), accounts.CreateClient{
//		Account: account.ID, FirstName: "Nora", LastName: "Berg", Email: "nora@bakery.example",
//	})
//	_, err = clients.Assign(ctx, p.Actor(), accounts.AssignSite{
//		ClientKey:  e.Client.ClientKey,
//		SiteChoice: accounts.SiteChoice{Site: "bakery", Permissions: []roles.Permission{"PUBLISH"}},
//	})
//
// How far the account has come with a client is derived from facts
// ([Client.Status]) and never set. The record is the account's: another account
// has its own of the same person, and neither touches the other, nor the person's
// login. Setup links, by which a client comes in, are package invites'; seeing what
// a client sees is package access'.
//
// A host that has users and accounts already brings them along with
// [Service.Import], as often as it likes: it keeps their ids, writes to nobody,
// merges nobody, and never undoes an end.
//
// [Feed] hands every event to the host, at least once and without gaps. [Desk]
// is where the host's staff look after mail that could not be sent, and where a
// provider's webhook reports what came back:
//
//	err := desk.Bounced(ctx, accounts.System("webhook"), id, why)
//
// Mail waits in the store until it is sent, with live links and codes in it. Give
// [EnvOptions] a MailKeys, and each dispatcher the same keys, and nobody reads them
// there, or in a backup.
//
// # Errors
//
// Match what calls return with errors.Is, and take what there is to tell with
// errors.As. A host that speaks HTTP can go down this table and answer with the
// first that fits:
//
//	*CodeError       401  ask for a code, then repeat the call
//	ErrStepUp        401  ask for a login, then repeat the call
//	ErrNotFound      404  there is none, or it is not the asker's to know
//	roles.ErrDenied  403  the role is too low; *DeniedError says which would do
//	ErrInvalid       422  *InvalidError and *AmbiguousError name the field
//	ErrTaken         409  somebody else has it; *TakenError names the field
//	ErrKeyReused     409  the idempotency key came with other input
//	ErrLastOwner     409  make somebody else an owner first
//	ErrSeats         409  *SeatsError says how many the plan has
//	ErrExpired       410  *ExpiredError says since when
//	ErrQuota         429  *QuotaError says when it opens again (ResetAt)
//	limit.ErrLimited 429  *LimitedError says how long to wait (RetryAfter)
//	ErrConflict      409  others were faster until time ran out; repeat the call
//	ErrUnknown       503  it may be done or not; look before repeating the call
//	anything else    500  the store's own, or the host's own from its Policy
//
// Ask errors.As for a [*CodeError] before errors.Is for [ErrStepUp], which it
// matches too: somebody with identity confirmation on who is sent to log in
// again is asked for the code all the same, and never gets on. A call with an
// idempotency key can be repeated after [ErrUnknown] too.
//
// Packages access and invites have errors of their own beside these: for
// somebody who is not signed in or gave a wrong password or code (401), for
// what is settled already or has changed since it was shown (409), and for an
// address that is another or is not proven (403). So has package password, for
// a hasher that is busy or a look-up that failed (503).
//
// # How it works
//
// Every operation has one shape: read facts, decide, make one change durable.
// A decision is a method of [Operation]. It takes facts, the moment and the
// rules, touches nothing, and returns a [Change] or a typed refusal. A Change
// is a value that holds rows, guards, events and mail, and a [Store] makes it
// durable as a whole or not at all. When others were faster, the service reads
// and decides again, until the context's deadline or for 2 seconds without
// one; when a commit's answer was lost it finds out what became of it.
//
// Nothing is swept when something ends. What others rest on has a counter, its
// epoch: a user's moves when they are suspended or get another password, a
// membership's when the member is suspended, removed or leaves, a client record's
// when it is suspended or deleted, a connection's when it ends, an agency's when it
// disables client access. Whatever rests on
// it remembers the number and counts only while it is the same. So an end is
// one small change that holds everywhere with the next check, and coming back
// revives nothing. Only suspending an account is different: that is a pause,
// and it ages nothing.
//
// # The host's transaction
//
// A change becomes part of the host's own transaction when the service is bound
// to a store that has joined it:
//
//	err := svc.With(joined).AddMember(ctx, accounts.System("orders"), account, user, roles.Viewer)
//
// What calls return is provisional until the host commits, refusals and their
// audit included. Nothing is retried in it: when an error matches [ErrRepeat],
// roll back and run the whole transaction again, which [Repeat] does.
//
// # What is promised
//
//   - A change, its event and its mail are durable together, or none of them is.
//   - A right that was taken away is refused by every check that starts after
//     the call returned, in every process. Nothing is cached.
//   - An account that is not closed has at least one active owner.
//   - A delegate has the smaller of the connection's cap and their assignment,
//     never Owner, one hop far.
//   - A client has no role and sees the sites that they were given. Suspended, they
//     are barred from that account by every route; deleted, nothing comes back.
//   - An address is used once in an account, over its clients and members. (Users
//     change their own address, which does not ask the accounts that they are in.)
//   - Somebody who views as a client may do nothing of this library, and the
//     refusal, like every event of the view, names both people.
//   - Nobody gives more than they have, and nobody acts on somebody above them.
//   - Whatever an outsider asks, an account or person that exists answers like
//     one that does not. (Only [CreateAccount] with an id of the caller's choice
//     says that it is taken: let the host choose, or leave it empty.)
//   - A refusal of a known actor at a known account is in its audit, once.
//     Malformed input and failing stores are not.
//   - An error of the store is returned as such and never reads as a decision.
//
// # What to avoid
//
// Do not keep [roles.Rights], a [Standing] or an [Actor] for later. Do not call
// a store's ApplyAccounts: a change that no decision made has not been
// decided. Do not compare addresses as they were typed, but by [ParseEmail],
// and names by [NameKey]. Do not make an [Operator] of anybody but the host's
// own staff, nor put a person's name into its reason, which stays in the audit.
package accounts
