package sqlstore_test

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// What decides a login, an offer and an answer to it is one statement each, by
// indexes, whatever else is stored.
func TestReads_plans_of_logins_and_invitations(t *testing.T) {
	t.Parallel()
	hash := token.Hash{1}
	means := func(key accounts.UserKey) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) (accounts.Means, error) { return r.Means(t.Context(), key) })
	}
	inviting := func(q invites.InvitingQuery) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) (invites.Inviting, error) { return r.Inviting(t.Context(), q) })
	}
	accepting := func(q invites.AcceptingQuery) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) (invites.Accepting, error) { return r.Accepting(t.Context(), q) })
	}
	invitations := func(q invites.ListQuery) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) ([]invites.Listed, error) { return r.Invitations(t.Context(), q) })
	}
	planned(t, []question{
		{name: "spent", ask: drop(func(r *sqlstore.Reads) (int, error) {
			return r.Spent(t.Context(), accounts.QuotaKey{Kind: "k", Subject: "s"})
		})},
		{name: "means by id", uses: []string{"ch_identities_user"}, ask: means(accounts.UserKey{ID: "u"})},
		{
			name: "means by address", uses: []string{"ch_users_email", "ch_identities_user"},
			ask: means(accounts.UserKey{Email: "a@example.com"}),
		},
		{name: "means by name", uses: []string{"ch_users_handle", "ch_identities_user"}, ask: means(accounts.UserKey{Handle: "a"})},
		{
			name: "means by identity", uses: []string{"ch_identities_user"},
			ask: means(accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}),
		},
		{name: "challenge", ask: drop(func(r *sqlstore.Reads) (accounts.Challenge, error) {
			return r.Challenge(t.Context(), accounts.ChallengeKey{User: "u", Action: "a"})
		})},
		{
			name: "entering", uses: []string{"ch_users_email", "ch_identities_user"}, scans: []string{"k"},
			ask: drop(func(r *sqlstore.Reads) (access.Entering, error) {
				return r.Entering(t.Context(), access.EnteringQuery{Email: "a@example.com", Source: "192.0.2.1", Day: 1})
			}),
		},
		{name: "ticket by key", ask: drop(func(r *sqlstore.Reads) (access.Ticket, error) {
			return r.Ticket(t.Context(), access.TicketQuery{TicketKey: access.TicketKey{User: "u", Purpose: token.Reset}})
		})},
		{name: "ticket by hash", uses: []string{"ch_tickets_hash"}, ask: drop(func(r *sqlstore.Reads) (access.Ticket, error) {
			return r.Ticket(t.Context(), access.TicketQuery{Hash: hash})
		})},
		{name: "seats", uses: []string{"ch_invitations_pending"}, ask: drop(func(r *sqlstore.Reads) (accounts.Seats, error) {
			return r.Seats(t.Context(), "a", now)
		})},
		{
			name: "inviting an address", uses: []string{"ch_invitations_pending", "ch_users_email"},
			ask: inviting(invites.InvitingQuery{Account: "a", Email: "a@example.com", At: now}),
		},
		{
			name: "inviting again", uses: []string{"ch_invitations_pending", "ch_users_email"},
			ask: inviting(invites.InvitingQuery{Account: "a", ID: "i", At: now}),
		},
		{
			name: "accepting by id", uses: []string{"ch_invitations_pending", "ch_identities_user"},
			ask: accepting(invites.AcceptingQuery{Account: "a", ID: "i", User: "u", At: now}),
		},
		{
			name: "accepting by id, whoever has the address", uses: []string{"ch_invitations_pending", "ch_users_email"},
			ask: accepting(invites.AcceptingQuery{Account: "a", ID: "i", At: now}),
		},
		{
			name: "accepting by hash", uses: []string{"ch_invitations_hash", "ch_invitations_pending", "ch_identities_user"},
			ask: accepting(invites.AcceptingQuery{Hash: hash, User: "u", At: now}),
		},
		{
			name: "accepting by hash, whoever has the address",
			uses: []string{"ch_invitations_hash", "ch_invitations_pending", "ch_users_email"},
			ask:  accepting(invites.AcceptingQuery{Hash: hash, At: now}),
		},
		{name: "invitations", uses: []string{"ch_invitations_made"}, ask: invitations(invites.ListQuery{Account: "a"})},
		{
			name: "invitations, searched and filtered", uses: []string{"ch_invitations_made"},
			ask: invitations(invites.ListQuery{Account: "a", Search: "x", States: []invites.State{invites.Void, invites.Pending}}),
		},
		{
			name: "invitations to an address", uses: []string{"ch_invitations_addressed"},
			ask: drop(func(r *sqlstore.Reads) ([]invites.Listed, error) {
				return r.InvitationsTo(t.Context(), "a@example.com", now, 0)
			}),
		},
	})
}

// An export reads a page by a user's index, or walks a table from the cursor on
// in the order of its primary key, and then sorts nothing.
func TestReads_plans_of_what_is_held(t *testing.T) {
	t.Parallel()
	sorts := map[accounts.HeldKind]int{
		// Few rows of one user, in an order that no index has.
		accounts.HeldIdentity: 1, accounts.HeldChallenge: 1, accounts.HeldMembership: 1, accounts.HeldAssignment: 1,
	}
	var tests []question
	for _, kind := range accounts.HeldKinds() {
		tests = append(tests, question{
			name: string(kind), sorts: sorts[kind], ask: drop(func(r *sqlstore.Reads) ([]accounts.Held, error) {
				return r.Held(t.Context(), accounts.HeldQuery{Kind: kind, User: "u", Email: "a@example.com"})
			}),
		})
	}
	planned(t, tests)
}
