package storagetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// read asks both sides some random questions.
func (g *game) read() {
	user, account, limit := accounts.UserID(g.pick("u", 11)), accounts.AccountID(g.pick("a", 9)), 1+g.r.IntN(6)
	search := []string{"", "", "", "alpha", "%", "_", "a", "%"}[g.r.IntN(8)]
	proof := []accounts.Proof{accounts.AnyLogin(), {Login: int64(g.r.IntN(4))}, {At: g.now}, {At: g.now.Add(-time.Hour)}}[g.r.IntN(4)]
	name := accounts.NameKey(g.name())
	email, at := g.email(), g.now
	var reasons []mail.Reason
	for range limit {
		reasons = append(reasons, g.reason())
	}
	list := []question{
		{"Reach", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Reach(ctx, accounts.ReachQuery{User: user, Proof: proof, Search: search, After: accounts.ReachCursor{NameKey: name}, Limit: limit})
		}},
		{"Reach, all", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Reach(ctx, accounts.ReachQuery{User: user, Proof: proof, Limit: all})
		}},
		{"Reachers", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Reachers(ctx, accounts.ReachersQuery{Account: account, After: user, Limit: limit})
		}},
		{"Members", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Members(ctx, accounts.MemberQuery{Account: account, Search: search, After: accounts.MemberCursor{NameKey: name, User: user}, Limit: limit})
		}},
		{"Members, all", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Members(ctx, accounts.MemberQuery{Account: account, Search: search, Limit: all})
		}},
		{"Members, match", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Members(ctx, accounts.MemberQuery{Account: account, Match: accounts.MemberRef{ID: user, Email: email, NameKey: name}, Limit: all})
		}},
		{"Connections", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Connections(ctx, accounts.ConnectionQuery{Agency: account, Search: search, Limit: limit})
		}},
		{"Connections", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Connections(ctx, accounts.ConnectionQuery{Client: account, After: accounts.ConnectionCursor{NameKey: name}, Limit: limit})
		}},
		{"Events", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Events(ctx, accounts.EventQuery{Account: account, User: user, Before: accounts.EventCursor{At: at.Add(-time.Hour)}, Limit: limit})
		}},
		{"Clients", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Clients(ctx, access.ClientsQuery{
				Agency: account, At: at, Search: search, Limit: limit,
				States: slices.Clone([]access.ClientState{access.ClientConnected, access.ClientEnded, access.ClientExpired}[:limit%4]),
			})
		}},
		{"Addressed", func(ctx context.Context, st storage.Storage) (any, error) { return st.Addressed(ctx, email, at, limit) }},
		{"Ending", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Ending(ctx, account, at, roles.Owner)
		}},
		{"Sessions", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Sessions(ctx, access.SessionsQuery{User: user, Limit: limit})
		}},
		{"Admission", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Admission(ctx, secret(int(at.UnixMicro()%60)), account)
		}},
		{"Owned", func(ctx context.Context, st storage.Storage) (any, error) { return st.Owned(ctx, user, roles.Owner) }},
		{"Mails", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Mails(ctx, mail.Query{Reason: mail.ReasonFor("r1"), Limit: limit})
		}},
		{"Newest", func(ctx context.Context, st storage.Storage) (any, error) { return st.Newest(ctx, reasons) }},
		{"User by identity", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.User(ctx, accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "i", Subject: fmt.Sprint(limit - 1)}})
		}},
	}
	logins, clients := g.readLogins(), g.readClients()
	for range 2 {
		g.ask(g.st, g.m, clients[g.r.IntN(len(clients))])
		g.ask(g.st, g.m, clients[g.r.IntN(len(clients))])
		g.ask(g.st, g.m, list[g.r.IntN(len(list))])
		g.ask(g.st, g.m, logins[g.r.IntN(len(logins))])
	}
}

// readLogins are questions about logins, invitations and people.
func (g *game) readLogins() []question {
	user, account, limit := accounts.UserID(g.pick("u", 11)), accounts.AccountID(g.pick("a", 9)), 1+g.r.IntN(6)
	email, at, day, id := g.email(), g.now, accounts.DayOf(g.now), accounts.InvitationID(g.pick("i", 30))
	search := []string{"", "", "e", "E1", "@example", "%"}[g.r.IntN(6)]
	kinds := accounts.HeldKinds()
	held := accounts.HeldQuery{Kind: kinds[g.r.IntN(len(kinds))], User: user, Email: email, Limit: limit}
	if g.r.IntN(2) == 0 {
		held.After = []string{"a1\nq2", "i\n3", "s5", "op-00100", "m2", "u1", "a3"}[g.r.IntN(7)]
	}
	if by := g.r.IntN(3); by == 0 {
		held.User = ""
	} else if by == 1 {
		held.Email = ""
	}
	accepting := invites.AcceptingQuery{Account: account, ID: id, At: at}
	if g.r.IntN(2) == 0 {
		accepting = invites.AcceptingQuery{Hash: secret(g.r.IntN(40)), At: at, User: only(g.r.IntN(2) == 0, user)}
	}
	return []question{
		{"Seats", func(ctx context.Context, st storage.Storage) (any, error) { return st.Seats(ctx, account, at) }},
		{"Means", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Means(ctx, accounts.UserKey{Email: email})
		}},
		{"Means by identity", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Means(ctx, accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "i", Subject: fmt.Sprint(limit - 1)}})
		}},
		{"Entering", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Entering(ctx, access.EnteringQuery{Email: email, Source: g.source(limit), Day: day})
		}},
		{"Ticket", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Ticket(ctx, access.TicketQuery{Hash: secret(int(at.UnixMicro() % 40))})
		}},
		{"Inviting by address", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Inviting(ctx, invites.InvitingQuery{Account: account, Email: email, At: at})
			got.Inviter = memberWithoutKeys(got.Inviter)
			return got, err
		}},
		{"Inviting by id", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Inviting(ctx, invites.InvitingQuery{Account: account, ID: id, At: at})
			got.Inviter = memberWithoutKeys(got.Inviter)
			return got, err
		}},
		{"Accepting " + text(accepting), func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Accepting(ctx, accepting)
			return acceptingWithoutKeys(got), err
		}},
		{"Invitations", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Invitations(ctx, invites.ListQuery{
				Account: account, At: at, Search: search, Limit: limit, States: slices.Clone(invitationStates()[:limit%4]),
				Before: invites.Cursor{CreatedAt: at.Truncate(time.Hour).Add(-time.Duration(limit%3) * time.Hour), ID: id},
			})
			return listedWithoutKeys(got), err
		}},
		{"Invitations, all", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Invitations(ctx, invites.ListQuery{Account: account, At: at, Limit: all})
			return listedWithoutKeys(got), err
		}},
		{"InvitationsTo", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.InvitationsTo(ctx, email, at, limit)
			return listedWithoutKeys(got), err
		}},
		{"Held " + text(held), func(ctx context.Context, st storage.Storage) (any, error) { return st.Held(ctx, held) }},
	}
}
