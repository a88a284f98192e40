package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// change is everything that a change of any package can carry.
type change struct {
	access.Change
	Invitations []invites.Invitation
	SetupLinks  []invites.SetupLink
}

// sorted returns the change with every list in the order of its keys.
func (c change) sorted() change {
	c.Change = c.Sorted()
	if len(c.Invitations) > 1 || len(c.SetupLinks) > 1 {
		own := invites.Change{Invitations: c.Invitations, SetupLinks: c.SetupLinks}.Sorted()
		c.Invitations, c.SetupLinks = own.Invitations, own.SetupLinks
	}
	return c
}

// ApplyAccounts implements accounts.Store.
func (w *Writes) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return w.ApplyAccess(ctx, access.Change{Change: c})
}

// ApplyAccess implements access.RequestStore, access.SessionStore and
// access.LoginStore.
func (w *Writes) ApplyAccess(ctx context.Context, c access.Change) error {
	if err := refuse(&c, unknownOfAccess); err != nil {
		return err
	}
	return w.apply(ctx, change{Change: c})
}

// ApplyInvites implements invites.Store.
func (w *Writes) ApplyInvites(ctx context.Context, c invites.Change) error {
	if err := refuse(&c, unknownOfInvites); err != nil {
		return err
	}
	return w.apply(ctx, change{
		Change: access.Change{Change: c.Change}, Invitations: c.Invitations, SetupLinks: c.SetupLinks,
	})
}

func (w *Writes) apply(ctx context.Context, c change) error {
	p, err := w.compile(c, false)
	switch {
	case err != nil:
		return err
	case len(p.steps) == 0:
		return ctx.Err()
	}
	err = w.run(ctx, p)
	if p.several && errors.Is(err, ErrUnique) {
		// Two rows may only have met on their way: try with both parked.
		if p, err = w.compile(c, true); err == nil {
			err = w.run(ctx, p)
		}
	}
	if errors.Is(err, ErrUnique) && !errors.Is(err, accounts.ErrConflict) {
		return accounts.ErrConflict
	}
	return err
}

func (w *Writes) run(ctx context.Context, p plan) error {
	_, err := w.do(ctx, p.steps)
	return err
}

// The fields of a change that compile knows nothing of, by name.
var (
	unknownOfAccess  = unknown[access.Change]()  //nolint:gochecknoglobals // found out once; it never changes
	unknownOfInvites = unknown[invites.Change]() //nolint:gochecknoglobals // as above
)

func unknown[C any]() []string {
	known := map[string]bool{
		"Op": true, "Guards": true, "Users": true, "Identities": true, "Unlink": true, "Credentials": true,
		"Challenges": true, "Accounts": true, "Memberships": true, "Connections": true, "Assignments": true,
		"Clients": true, "Sites": true, "SiteAccess": true, "SetupLinks": true, "Views": true,
		"Spend": true, "Replies": true, "Events": true, "CancelMail": true, "Requeue": true, "Bounced": true, "Mail": true, "Forget": true,
		"Requests": true, "Sessions": true, "Tickets": true, "Guesses": true, "Touches": true, "Invitations": true,
	}
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[C]()) {
		if !f.Anonymous && !known[f.Name] {
			names = append(names, f.Name)
		}
	}
	return names
}

// refuse refuses a change that has something in a field that would be lost.
func refuse[C any](c *C, unknown []string) error {
	for _, name := range unknown {
		if !reflect.ValueOf(c).Elem().FieldByName(name).IsZero() {
			return fmt.Errorf("chatelaine: the store does not know Change.%s, and would lose it", name)
		}
	}
	return nil
}
