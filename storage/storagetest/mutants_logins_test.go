package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// changed makes a mutant that changes what it is given.
func changed(change func(c *storagetest.Change)) func() mutant {
	return func() mutant { return mutant{apply: stripped(change)} }
}

const (
	ruleSeats     = "seats are taken by members, and by invitations that are pending at that moment"
	ruleMeans     = "how somebody can log in is found by id, address, user name or identity, and of a deleted user by id alone"
	ruleTicket    = "a ticket is found by its key or by the hash of its newest link, whatever its state"
	ruleConfirms  = "a standing tells whether the user confirms who they are"
	ruleEntering  = "a try to get in is decided by who has the address, the guesses at it, and two counters of the day"
	ruleInviting  = "an offer to an address is decided by the stored pending invitation, whether or not it still counts"
	ruleAccepting = "an answer is decided by who would join: the user named, or whoever has the address now"
	ruleListed    = "an account's invitations are listed newest first, with who made them, in any of the states asked for"
	ruleTo        = "an address sees the invitations that are pending, of accounts that are open"
	ruleUnlink    = "an identity is taken out by whoever knows that it is there, and may go to another user in the same change"
	ruleOpless    = "notes and counts need no operation, through any port"
	ruleOp        = "anything else without an operation is a fault, and leaves nothing"
	ruleForgotten = "forgetting a user takes out what lets them in, and where they came from"
	ruleAddress   = "forgetting an address ends and blanks what was sent to it, and its mail"
	ruleHalf      = "forgetting a user alone, or an address alone, leaves the other"
	ruleLast      = "forgetting comes after everything else of its change"
	ruleSweep     = "tickets, challenges and guesses are erased when their time is strictly over, used or not"
)

// The rules of logins and invitations have to be able to fail, too: each
// store here is broken in one of them.
func TestTest_LoginMutants(t *testing.T) {
	t.Parallel()
	early := func(at time.Time) time.Time { return at.Add(-time.Microsecond) }
	caught(t, []mutation{
		{"seats that void invitations hold", broken(loose{seats: func(got accounts.Seats, list []invites.Listed, at time.Time) accounts.Seats {
			got.Invited = 0
			for _, l := range list {
				if l.Invitation.State == invites.Pending && at.Before(l.Invitation.ExpiresAt) {
					got.Invited++
				}
			}
			return got
		}}), "invitations", []string{ruleSeats}, true},
		{"an invitation that lives a microsecond too long", broken(loose{at: early}), "invitations", []string{ruleSeats, ruleTo}, false},
		{"a successor that is not told what it follows", broken(loose{inviting: func(q invites.InvitingQuery, x *invites.Inviting) {
			if q.ID == "" && x.Invitation.StateAt(q.At, x.Inviter) != invites.Pending {
				x.Invitation, x.Inviter = invites.Invitation{}, accounts.Member{}
			}
		}}), "invitations", []string{ruleInviting}, true},
		{"an answer that finds nobody by the address", broken(loose{accepting: func(q invites.AcceptingQuery, a *invites.Accepting) {
			if q.User == "" {
				a.Joiner, a.Member = accounts.Means{}, accounts.Membership{Account: a.Member.Account}
			}
		}}), "invitations", []string{ruleAccepting}, true},
		{"a list that leaves out what a deleted user made", broken(loose{listed: func(list []invites.Listed) []invites.Listed {
			return slices.DeleteFunc(list, func(l invites.Listed) bool { return !l.Inviter.User.DeletedAt.IsZero() })
		}}), "invitations", []string{ruleListed}, true},
		{
			"a login that looks without credential", broken(loose{means: func(m *accounts.Means) { m.Credential.Hash = "" }}),
			"logins",
			[]string{ruleMeans},
			true,
		},
		{
			"identities in any order", broken(loose{means: func(m *accounts.Means) { slices.Reverse(m.Identities) }}),
			"logins",
			[]string{ruleMeans},
			false,
		},
		{
			"a standing that confirms nothing", broken(loose{standing: func(s *accounts.Standing) { s.User.Confirms = false }}),
			"logins",
			[]string{ruleConfirms},
			true,
		},
		{
			"guesses that nobody counts", broken(loose{entering: func(e *access.Entering) { e.Guesses.Count = 0 }}),
			"logins",
			[]string{ruleEntering},
			true,
		},
		{"a ticket that hides once it was used", broken(loose{ticket: func(_ storage.Storage, _ access.TicketQuery, got *access.Ticket, err error) error {
			if !got.UsedAt.IsZero() {
				*got, err = access.Ticket{}, accounts.ErrNotFound
			}
			return err
		}}), "logins", []string{ruleTicket}, true},
		{"a ticket whose last writer wins", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Tickets = slices.Clone(c.Tickets)
				for i := range c.Tickets {
					if t, err := st.Ticket(ctx, access.TicketQuery{TicketKey: c.Tickets[i].TicketKey}); err == nil {
						c.Tickets[i].Version = t.Version
					}
				}
				c.Users, c.Credentials = nil, nil // which would stop it
				return storagetest.Apply(ctx, st, c)
			}}
		}, "races of logins and invitations", []string{"a ticket that was replaced since it was read is not redeemed"}, true},
		{"an invitation whose last writer wins", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Invitations = slices.Clone(c.Invitations)
				for i := range c.Invitations {
					q := invites.AcceptingQuery{Account: c.Invitations[i].Account, ID: c.Invitations[i].ID}
					if a, err := st.Accepting(ctx, q); err == nil {
						c.Invitations[i].Version = a.Invitation.Version
					}
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "races of logins and invitations", []string{"of two who read the same invitation one answers or follows it"}, true},
		{"guesses whose last writer wins", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Guesses = slices.Clone(c.Guesses)
				for i := range c.Guesses {
					if e, err := st.Entering(ctx, access.EnteringQuery{Email: c.Guesses[i].Email}); err == nil {
						c.Guesses[i].Version = e.Guesses.Version
					}
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "races of logins and invitations", []string{"of two who read the same guesses one counts, and the other counts again"}, true},
		{"invitations that are written apart", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				rest := part(c, accounts.Change{})
				rest.Invitations, c.Invitations = c.Invitations, nil
				err := storagetest.Apply(ctx, st, c)
				if err == nil && len(rest.Invitations) > 0 {
					err = storagetest.Apply(ctx, st, rest)
				}
				return err
			}}
		}, "atomicity", []string{
			"nothing of a change is there when it has a stale invitation",
			"nothing of a change is there when it has a second pending invitation to an address",
		}, true},
		{"a store that takes out what is not there", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Unlink = slices.DeleteFunc(slices.Clone(c.Unlink), func(key accounts.IdentityKey) bool {
					_, err := st.User(ctx, accounts.UserKey{Identity: key})
					return errors.Is(err, accounts.ErrNotFound)
				})
				return storagetest.Apply(ctx, st, c)
			}}
		}, "uniqueness", []string{ruleUnlink}, true},
		{"a store that takes nothing out", changed(func(c *storagetest.Change) { c.Unlink = nil }), "uniqueness", []string{ruleUnlink}, true},
		{"a store that drops what has no operation", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				if c.Op == "" && len(c.Guesses)+len(c.Spend) > 0 {
					return nil
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "mistakes", []string{ruleOpless}, true},
		{"a store that makes up an operation", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				if c.Op == "" && len(c.Events) == 0 {
					c.Change.Change = part(c, c.Change.Change).Change.Change
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "mistakes", []string{ruleOp}, false},
		{
			"a store that forgets nobody", changed(func(c *storagetest.Change) { c.Forget = nil }),
			"people",
			[]string{ruleForgotten, ruleAddress, ruleLast},
			true,
		},
		{"a store that forgets the address with the user", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Forget = slices.Clone(c.Forget)
				for i, f := range c.Forget {
					if u, err := st.User(ctx, accounts.UserKey{ID: f.User}); err == nil && f.Email == "" {
						c.Forget[i].Email = u.Email
					}
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "people", []string{ruleHalf}, true},
		{"a store that forgets first", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				if len(c.Forget) > 0 {
					_ = storagetest.Apply(ctx, st, part(c, accounts.Change{Forget: c.Forget}))
				}
				c.Forget = nil
				return storagetest.Apply(ctx, st, c)
			}}
		}, "people", []string{ruleLast, "a change that fails forgets nothing"}, true},
		{"an export with a hash", broken(loose{held: func(st storage.Storage, q accounts.HeldQuery, list []accounts.Held) []accounts.Held {
			for i := range list {
				if s, ok := list[i].Row.(access.Session); ok {
					s, _ = st.Session(context.Background(), access.SessionKey{ID: s.ID})
					list[i].Row = s
				}
			}
			return list
		}}), "people", []string{`what is held of the kind "session" is told whole, by its keys, without secrets`}, true},
		{"an export that leaves out what ended", broken(loose{held: func(_ storage.Storage, _ accounts.HeldQuery, list []accounts.Held) []accounts.Held {
			return slices.DeleteFunc(list, func(h accounts.Held) bool { m, ok := h.Row.(accounts.Membership); return ok && !m.EndedAt.IsZero() })
		}}), "people", []string{`what is held of the kind "membership" is told whole, by its keys, without secrets`}, true},
		{"a sweep that takes what is of its moment", broken(loose{sweep: func(b *storage.SweepBefore) {
			b.Tickets, b.Guesses = b.Tickets.Add(time.Microsecond), b.Guesses.Add(time.Microsecond)
		}}), "sweep", []string{ruleSweep}, false},
	})
}

// A link that was replaced must be dead (A03): a store that still finds a
// ticket by an older hash is caught.
func TestTest_OldLink(t *testing.T) {
	t.Parallel()
	old := map[token.Hash]access.TicketKey{}
	caught(t, []mutation{{"a store that finds a ticket by an older link", func() mutant {
		return mutant{
			apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				for _, t := range c.Tickets {
					old[t.Hash] = t.TicketKey
				}
				return storagetest.Apply(ctx, st, c)
			},
			over: func(st storage.Storage) storage.Storage {
				return loose{Storage: st, ticket: func(st storage.Storage, q access.TicketQuery, got *access.Ticket, err error) error {
					if key, found := old[q.Hash]; found && q.User == "" && err != nil {
						*got, err = st.Ticket(context.Background(), access.TicketQuery{TicketKey: key})
					}
					return err
				}}
			},
		}
	}, "logins", []string{ruleTicket}, false}})
}
