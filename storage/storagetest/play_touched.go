package storagetest

import (
	"context"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// touched are the questions about all that a change named.
func (g *game) touched(c change) []question {
	list := g.touchedClients(c)
	add := func(what string, call func(ctx context.Context, st storage.Storage) (any, error)) {
		list = append(list, question{what, call})
	}
	for _, r := range c.Users {
		add("User "+string(r.ID), func(ctx context.Context, st storage.Storage) (any, error) {
			return st.User(ctx, accounts.UserKey{ID: r.ID})
		})
		add("User "+string(r.Email), func(ctx context.Context, st storage.Storage) (any, error) {
			return st.User(ctx, accounts.UserKey{Email: r.Email, ID: only(r.Email == "", r.ID)})
		})
	}
	for _, r := range c.Accounts {
		add("Account "+string(r.ID), func(ctx context.Context, st storage.Storage) (any, error) { return st.Account(ctx, r.ID) })
	}
	for _, r := range c.Memberships {
		key := accounts.StandingKey{User: r.User, Account: r.Account}
		add("Membership", func(ctx context.Context, st storage.Storage) (any, error) { return st.Membership(ctx, key) })
	}
	for _, r := range c.Assignments {
		q := accounts.LinkedQuery{ConnectionKey: r.ConnectionKey, User: r.User, Top: roles.Owner}
		add("Linked", func(ctx context.Context, st storage.Storage) (any, error) { return st.Linked(ctx, q) })
	}
	for _, r := range c.Requests {
		add("Drafting", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Drafting(ctx, access.DraftingQuery{Agency: r.Agency, Emails: []accounts.Email{r.Email}, Day: accounts.DayOf(g.now)})
		})
	}
	for _, r := range c.Sessions {
		for _, key := range []access.SessionKey{{ID: r.ID}, {Hash: r.Hash}} {
			add("Session", func(ctx context.Context, st storage.Storage) (any, error) { return st.Session(ctx, key) })
		}
	}
	for _, key := range c.Unlink {
		add("User by an identity", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.User(ctx, accounts.UserKey{Identity: key})
		})
	}
	for _, id := range means(c) {
		add("Means "+string(id), func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Means(ctx, accounts.UserKey{ID: id})
		})
	}
	for _, r := range c.Challenges {
		add("Challenge", func(ctx context.Context, st storage.Storage) (any, error) { return st.Challenge(ctx, r.ChallengeKey) })
	}
	for _, r := range c.Tickets {
		for _, q := range []access.TicketQuery{{TicketKey: r.TicketKey}, {Hash: r.Hash}} {
			add("Ticket", func(ctx context.Context, st storage.Storage) (any, error) { return st.Ticket(ctx, q) })
		}
	}
	for _, r := range c.Guesses {
		add("Entering", func(ctx context.Context, st storage.Storage) (any, error) {
			return st.Entering(ctx, access.EnteringQuery{Email: r.Email, Source: g.source(0), Day: accounts.DayOf(g.now)})
		})
	}
	for _, r := range c.Invitations {
		add("Inviting", func(ctx context.Context, st storage.Storage) (any, error) {
			got, err := st.Inviting(ctx, invites.InvitingQuery{Account: r.Account, ID: r.ID, At: g.now})
			got.Inviter = memberWithoutKeys(got.Inviter)
			return got, err
		})
	}
	for _, f := range c.Forget {
		for _, kind := range accounts.HeldKinds() {
			add(fmt.Sprintf("Held, %s", kind), func(ctx context.Context, st storage.Storage) (any, error) {
				return st.Held(ctx, accounts.HeldQuery{Kind: kind, User: f.User, Email: f.Email, Limit: all})
			})
		}
	}
	for _, r := range c.Spend {
		add("Spent", func(ctx context.Context, st storage.Storage) (any, error) { return st.Spent(ctx, r.QuotaKey) })
	}
	for _, r := range c.Replies {
		add("Reply", func(ctx context.Context, st storage.Storage) (any, error) { return st.Reply(ctx, r.ReplyKey) })
	}
	if c.Op == "" {
		return list
	}
	add("Applied", func(ctx context.Context, st storage.Storage) (any, error) { return st.Applied(ctx, c.Op) })
	return list
}

// means are the users of whom a change names a way to log in.
func means(c change) []accounts.UserID {
	var ids []accounts.UserID
	for _, r := range c.Credentials {
		ids = append(ids, r.User)
	}
	for _, r := range c.Identities {
		ids = append(ids, r.User)
	}
	for _, f := range c.Forget {
		if f.User != "" {
			ids = append(ids, f.User)
		}
	}
	return ids
}
