package access_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// sensitive is an act that wants a code from cleo, who owns willow and is Admin
// of rose, or from ann, who owns the agency north.
type sensitive struct {
	name    string
	who     accounts.UserID
	at      accounts.AccountID // what the actor is admitted to
	action  accounts.EventKind
	account accounts.AccountID // what the code is for
	given   func(c *codes)
	act     func(c *codes, a accounts.Actor) error
	again   func(c *codes, a accounts.Actor) error // the same sort of act once more; nil: there is none left
}

func sensitives() []sensitive {
	owner := func(to accounts.UserID) func(c *codes, a accounts.Actor) error {
		return func(c *codes, a accounts.Actor) error {
			return c.svc.ChangeRole(c.Context(), a, "willow", to, roles.Owner)
		}
	}
	disable := func(c *codes, a accounts.Actor) error {
		plan, err := c.requests.PlanDisableClientAccess(c.Context(), a, "north")
		if err != nil {
			return err
		}
		return c.requests.DisableClientAccess(c.Context(), a, "north", plan.Confirm)
	}
	join := func(account accounts.AccountID) func(c *codes, a accounts.Actor) error {
		return func(c *codes, a accounts.Actor) error {
			list := must(c.mem.InvitationsTo(c.Context(), "cleo@example.com", c.env.Now(), 10))(c)
			for _, l := range list {
				if l.Invitation.Account == account {
					return refuses(c.invitations().Accept(c.Context(), a, invites.Answer{Account: account, Invitation: l.Invitation.ID}))
				}
			}
			return errBroken
		}
	}
	return []sensitive{
		{
			name: "transferring the ownership", who: "cleo", at: "willow", action: accounts.EventOwnershipTransferred, account: "willow",
			act: func(c *codes, a accounts.Actor) error {
				return c.svc.TransferOwnership(c.Context(), a, "willow", "carl")
			},
		},
		{
			name: "closing an account", who: "cleo", at: "willow", action: accounts.EventAccountClosed, account: "willow",
			act: func(c *codes, a accounts.Actor) error { return c.svc.CloseAccount(c.Context(), a, "willow") },
		},
		{
			name: "making an owner", who: "cleo", at: "willow", action: accounts.EventMemberRoleChanged, account: "willow",
			act: owner("carl"), again: owner("cora"),
		},
		{
			name: "disabling client access", who: "ann", at: "north", action: access.EventAccessDisabled, account: "north",
			act: disable,
		},
		{
			name: "joining by an invitation", who: "cleo", at: "", action: invites.EventInvitationAccepted, account: "elm",
			given: func(c *codes) {
				for _, i := range []invites.Invite{
					{Account: "elm", Email: "cleo@example.com", Role: roles.Viewer}, {Account: "south", Email: "cleo@example.com", Role: roles.Viewer},
				} {
					owner := map[accounts.AccountID]accounts.UserID{"elm": "eve", "south": "sue"}[i.Account]
					must(c.invitations().Invite(c.Context(), c.as(owner, i.Account), i))(c)
				}
			},
			act: join("elm"),
		},
		{
			name: "erasing oneself", who: "carl", at: "willow", action: accounts.EventUserErased, account: "",
			act: func(c *codes, a accounts.Actor) error { return c.svc.EraseUser(c.Context(), a, "carl") },
		},
	}
}

func (c *codes) invitations() *invites.Service {
	c.Helper()
	return must(invites.New(c.mem, c.env, nil))(c)
}

// Whatever wants a code asks for it by name, takes the one that was asked for
// and passed, however old the login is, uses it up, and asks for another next
// time; with sessions of the library and with the host's own (B3, A01, A71).
func TestConfirmations_story(t *testing.T) {
	t.Parallel()
	for _, tt := range sensitives() {
		for _, host := range []bool{false, true} {
			name := tt.name + ", with a session of the library"
			if host {
				name = tt.name + ", with a session of the host"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newCodes(t)
				c.confirmed(tt.who)
				if tt.given != nil {
					tt.given(c)
				}
				actor := c.as(tt.who, tt.at)
				if host {
					actor = c.own(tt.who, tt.at)
					require.Empty(t, actor.Session())
				}
				c.clock.Add(20 * time.Minute) // no login is fresh by now
				before := c.everything(tt.who)

				ask := c.wants(tt.act(c, actor), tt.action, tt.account)
				require.Equal(t, before, c.everything(tt.who), "whoever is asked for a code has changed nothing, and was not refused")
				page, digits := c.ask(actor, ask)
				c.wants(tt.act(c, actor), tt.action, tt.account)
				c.wrong(c.conf.Answer(t.Context(), actor, ask, page, miss(digits, 3)), 4)
				c.wants(tt.act(c, actor), tt.action, tt.account)
				require.NoError(t, c.conf.Answer(t.Context(), actor, ask, page, digits))
				require.NoError(t, tt.act(c, actor))

				once := accounts.ErrStepUp // who erased themselves has no login any more
				if tt.action != accounts.EventUserErased {
					require.Equal(t, c.env.Now(), c.challenge(actor, ask).UsedAt)
					once = accounts.ErrNotFound
				}
				require.Equal(t, once, c.conf.Answer(t.Context(), actor, ask, page, digits))
				if tt.again != nil {
					c.wants(tt.again(c, actor), tt.action, tt.account)
				}
			})
		}
	}
}

// One code, passed once, opens one act, although two come at the same moment
// (A01, A31).
func TestConfirmations_oneCodeTwoActs(t *testing.T) {
	t.Parallel()
	transfer := func(c *codes, a accounts.Actor, to accounts.UserID) error {
		return c.svc.TransferOwnership(c.Context(), a, "willow", to)
	}
	owner := func(c *codes, a accounts.Actor, to accounts.UserID) error {
		return c.svc.ChangeRole(c.Context(), a, "willow", to, roles.Owner)
	}
	for _, tt := range []struct {
		name   string
		action accounts.EventKind
		act    func(c *codes, a accounts.Actor, to accounts.UserID) error
	}{
		{"two transfers", accounts.EventOwnershipTransferred, transfer},
		{"two owners", accounts.EventMemberRoleChanged, owner},
	} {
		for name, h := range map[string]hook{"by chance": nil, "both having read before one writes": gate(2)} {
			for _, host := range []bool{false, true} {
				c, cleo := careful(t)
				if host {
					cleo = c.own("cleo", "willow")
				}
				c.pass(cleo, access.Ask{Action: tt.action, Account: "willow"})
				if host && h != nil {
					h = gate(2)
				}
				c.st.on(h)
				errs := together(
					func() error { return tt.act(c, cleo, "carl") },
					func() error { return tt.act(c, cleo, "cora") },
				)
				c.st.on(nil)
				require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%s, %s: %v", tt.name, name, errs)
				for _, err := range errs {
					var code *accounts.CodeError
					if err != nil && tt.action == accounts.EventMemberRoleChanged {
						require.ErrorAs(t, err, &code, "the code was the only thing that they could not share")
					}
					require.True(t, err == nil || errors.As(err, &code) || errors.Is(err, roles.ErrDenied), "%v", err)
				}
				owners := must(c.mem.Owners(t.Context(), "willow", roles.Owner))(t)
				want := 1
				if tt.action == accounts.EventMemberRoleChanged {
					want = 2
				}
				require.Len(t, owners, want)
			}
		}
	}
}
