// Package chatelaine is the map of a library that gives a product one login for
// many accounts, and access to a client's account without sharing a password.
// It holds no code; import the packages below it.
//
// # The packages
//
//   - roles: what a role may do. A ladder of levels with permissions, the one
//     place where "may give this role" is decided, and catalogues of permissions
//     that need one another.
//   - accounts: the graph of users, accounts, members, connections and
//     assignments; client records and the sites they were given; how somebody
//     stands at an account, and why; the audit.
//   - access: an agency's requests for access and a client's decision; sessions,
//     the account chooser, switch and return; views as a client; sign-up,
//     passwords, logins through issuers and codes, for those who do not bring
//     their own.
//   - invites: people are invited to accounts, and join with the login that they
//     have or with a new one; clients come in by setup links.
//   - mail: messages, the outbox that loses none, templates in four languages, and
//     mail/smtp, which sends them.
//   - storage: the contract of a store, with storage/sqlite (embedded, no cgo), storage/postgres,
//     storage/memory (tests and small programs) and storage/storagetest (the suite
//     that proves a store).
//
// # How it works
//
// Every operation reads facts, decides with a pure function, and applies one
// [github.com/chatelaine-go/chatelaine/accounts.Change]: rows, audit events and
// mail, durable together or not at all. Nothing is propagated and nothing is
// cached: what a user may do is computed from facts at every check, so a right
// withdrawn in one process is refused by the next check in every other.
//
// # The shortest complete host
//
//	store, err := sqlite.Open(ctx, "app.db", nil)
//	env, err := accounts.NewEnv(&accounts.EnvOptions{Product: "Acme", BaseURL: "https://app.example.com"})
//	graph, err := accounts.New(store, env)
//	requests, err := access.NewRequests(store, env)
//	sessions, err := access.NewSessions(store, env)
//	mailer, err := smtp.New("smtp.example.com", &smtp.Options{From: mail.Sender{Name: "Acme", Address: "no-reply@example.com"}})
//	post, err := mail.NewDispatcher(store, mailer, env.DispatcherOptions(mail.Email))
//	go post.Run(ctx) // and wait for it after ctx has ended
//
// In a handler, after your own login:
//
//	secret, _, err := sessions.Start(ctx, accounts.Login{User: "42"}, access.Device{})
//
// and for every request:
//
//	p, err := sessions.Principal(ctx, cookie, account)
//	if !p.Can(roles.ManageRequests) { … }
//	answer, err := requests.Send(ctx, p.Actor(), access.Batch{Agency: account, Addresses: pasted})
//
// A host without a login of its own has the library's. One Hasher serves the
// whole program, since it bounds how many passwords are compared at once:
//
//	hasher, err := password.New(nil)
//	logins, err := access.NewLogins(store, env, &access.LoginOptions{Hasher: hasher})
//	secret, _, err := logins.LogIn(ctx, access.LogIn{Email: email, Password: given}, device)
//	invitations, err := invites.New(store, env, &invites.Options{Hasher: hasher})
//
// Where accounts give their own clients a restricted login, there are three
// services more: the records and sites, the links with which clients come in, and
// the sessions in which staff see what they see.
//
//	clients, err := accounts.NewClients(store, env)
//	links, err := invites.NewSetupLinks(store, env, &invites.Options{Hasher: hasher})
//	views, err := access.NewViews(store, env)
//
// The program examples/quickstart tells the whole of it on a real database:
//
//	go run ./examples/quickstart
//
// and examples/jointx accepts an invitation inside the host's own SQL
// transaction.
package chatelaine
