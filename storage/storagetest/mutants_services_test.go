package storagetest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// overwriting applies a change with the stored versions of some of its rows:
// there, whoever writes last wins.
func overwriting(rows func(ctx context.Context, st storage.Storage, c *storagetest.Change)) func() mutant {
	return func() mutant {
		var mu sync.Mutex
		return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
			mu.Lock()
			defer mu.Unlock()
			rows(ctx, st, &c)
			return storagetest.Apply(ctx, st, c)
		}}
	}
}

func overwriteUsers(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Users = append([]accounts.User(nil), c.Users...)
	for i := range c.Users {
		u, _ := st.User(ctx, accounts.UserKey{ID: c.Users[i].ID})
		c.Users[i].Version = u.Version
	}
}

func overwriteCredentials(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Credentials = append([]accounts.Credential(nil), c.Credentials...)
	for i := range c.Credentials {
		m, _ := st.Means(ctx, accounts.UserKey{ID: c.Credentials[i].User})
		c.Credentials[i].Version = m.Credential.Version
	}
}

func overwriteTickets(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Tickets = append([]access.Ticket(nil), c.Tickets...)
	for i := range c.Tickets {
		t, _ := st.Ticket(ctx, access.TicketQuery{TicketKey: c.Tickets[i].TicketKey})
		c.Tickets[i].Version = t.Version
	}
}

func overwriteChallenges(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Challenges = append([]accounts.Challenge(nil), c.Challenges...)
	for i := range c.Challenges {
		ch, _ := st.Challenge(ctx, c.Challenges[i].ChallengeKey)
		c.Challenges[i].Version = ch.Version
	}
}

func overwriteGuesses(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Guesses = append([]access.Guesses(nil), c.Guesses...)
	for i := range c.Guesses {
		f, _ := st.Entering(ctx, access.EnteringQuery{Email: c.Guesses[i].Email})
		c.Guesses[i].Version = f.Guesses.Version
	}
}

func overwriteInvitations(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Invitations = append([]invites.Invitation(nil), c.Invitations...)
	for i := range c.Invitations {
		f, _ := st.Accepting(ctx, invites.AcceptingQuery{Account: c.Invitations[i].Account, ID: c.Invitations[i].ID})
		c.Invitations[i].Version = f.Invitation.Version
	}
}

func overwriteMemberships(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Memberships = append([]accounts.Membership(nil), c.Memberships...)
	for i := range c.Memberships {
		m, _ := st.Membership(ctx, accounts.StandingKey{User: c.Memberships[i].User, Account: c.Memberships[i].Account})
		c.Memberships[i].Version = m.Version
	}
}

// The services' own operations show what a store breaks, where an order is
// fixed: no luck is needed.
func TestTest_ServiceMutants(t *testing.T) {
	t.Parallel()
	const read = ", also when all have read before the first writes"
	caught(t, []mutation{
		{"a store that ignores guards", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.Guards = nil })}
		}, "services", []string{
			"of an acceptance and the inviter's removal each sees which was first",
			"of an acceptance and the account's suspension each sees which was first",
			"of an acceptance and a plan without a seat for it each sees which was first",
			"of many who accept as many join as there are seats" + read,
			"whatever two owners do to each other and themselves, read at one moment, an owner stays",
		}, false},
		{"a store that ignores the guards of users", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				var kept []accounts.Guard
				for _, g := range c.Guards {
					if g.User == "" {
						kept = append(kept, g)
					}
				}
				c.Guards = kept
			})}
		}, "services", []string{
			"of an acceptance and the inviter's suspension everywhere each sees which was first",
			"nothing that lives refers to somebody who is erased beside a reset that is asked for",
			"nothing that lives refers to somebody who is erased beside a phone that is confirmed",
		}, false},
		{"a store where the last to write a user wins", overwriting(overwriteUsers), "services", []string{
			"nothing that lives refers to somebody who is erased beside an acceptance",
			"nothing that lives refers to somebody who is erased beside a membership that the host adds",
			"nothing that lives refers to somebody who is erased beside a session that the host opens",
			"nothing that lives refers to somebody who is erased beside an update by the host",
		}, false},
		{"a store where the last to answer an invitation wins", overwriting(overwriteInvitations), "services", []string{
			"of an acceptance and a decline by whoever holds the link each sees which was first",
		}, false},
		{"a store where the last to join wins", overwriting(func(ctx context.Context, st storage.Storage, c *storagetest.Change) {
			c.Guards = nil
			overwriteUsers(ctx, st, c)
			overwriteInvitations(ctx, st, c)
			overwriteMemberships(ctx, st, c)
		}), "services", []string{"many acceptances of one invitation are one membership, one event and one mail" + read}, false},
		{"a store where the last to use a link wins", overwriting(func(ctx context.Context, st storage.Storage, c *storagetest.Change) {
			overwriteUsers(ctx, st, c)
			overwriteCredentials(ctx, st, c)
			overwriteTickets(ctx, st, c)
		}), "services", []string{"of many resets by one link one sets the password" + read}, false},
		{"a store where the last to use a code wins", overwriting(overwriteChallenges), "services", []string{
			"of many acts that want a code one uses it" + read,
			"of many answers to one code as many are judged as are allowed" + read,
		}, false},
		{"a store that loses guesses", overwriting(overwriteGuesses), "services", []string{
			"of many guesses at a password no more are compared than are free" + read,
			"of many guesses at an address that nobody has as many are answered" + read,
		}, false},
	})
}
