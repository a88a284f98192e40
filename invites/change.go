package invites

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// Change is a change of the account graph together with the invitations and setup
// links that it writes. The rules for rows and versions are those of [accounts.Change].
type Change struct {
	accounts.Change
	Invitations []Invitation
	SetupLinks  []SetupLink
}

// Sorted returns the change with every list in the order of its keys; see
// [accounts.Change.Sorted].
func (c Change) Sorted() Change {
	c.Change = c.Change.Sorted()
	c.Invitations = slices.Clone(c.Invitations)
	slices.SortFunc(c.Invitations, func(a, b Invitation) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID))
	})
	c.SetupLinks = slices.Clone(c.SetupLinks)
	slices.SortFunc(c.SetupLinks, func(a, b SetupLink) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID))
	})
	return c
}

// run runs an operation whose decision is a change of this package. A decision
// without events changes nothing.
func run(ctx context.Context, env *accounts.Env, st Store, op accounts.Operation, kind accounts.EventKind,
	decide func(ctx context.Context) (Change, error),
) error {
	return accounts.Run(ctx, env, st, op, kind, func(ctx context.Context) (func(context.Context) error, error) {
		c, err := decide(ctx)
		if err != nil || len(c.Events) == 0 {
			return nil, err
		}
		if err := env.Seal(&c.Change); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return st.ApplyInvites(ctx, c) }, nil
	})
}
