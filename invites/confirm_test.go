package invites_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// codes is a world in which ben and olga have identity confirmation on.
type codes struct {
	*world
	conf *access.Confirmations
}

func newCodes(t testing.TB) *codes {
	t.Helper()
	c := &codes{world: newWorld(t)}
	c.conf = must(access.NewConfirmations(c.mem, c.env))(t)
	for _, id := range []accounts.UserID{"ben", "olga"} {
		u := c.user(id)
		u.Confirms, u.Phone = true, "+491701234567"
		c.put(u)
	}
	return c
}

// pass asks for the code of an action and answers it.
func (c *codes) pass(who accounts.UserID, action accounts.EventKind, account accounts.AccountID) {
	c.Helper()
	ask := access.Ask{Action: action, Account: account}
	page := must(c.conf.Ask(c.Context(), c.as(who), ask))(c)
	texts := c.waiting(mail.SMS)
	require.NoError(c, c.conf.Answer(c.Context(), c.as(who), ask, page.Reveal(), texts[len(texts)-1].Data.Code))
}

func (c *codes) wantsCode(err error, action accounts.EventKind) {
	c.Helper()
	var code *accounts.CodeError
	require.ErrorAs(c, err, &code)
	require.ErrorIs(c, err, accounts.ErrStepUp)
	require.Equal(c, accounts.CodeError{Action: action, Account: "acme"}, *code)
}

// A user with identity confirmation on enters a code after logging in and
// before joining, for this account and no other; the acceptance uses it up
// (B3).
func TestAccept_Code(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	i, link := c.invited("amy", "ben@example.com", roles.Viewer)
	was := c.dump()
	_, err := c.accept("ben", link)
	c.wantsCode(err, invites.EventInvitationAccepted)
	require.Equal(t, was, c.dump(), "asking is nothing for the record, and the invitation stays pending")

	c.pass("ben", invites.EventInvitationAccepted, "nova")
	c.wantsCode(ignore(c.accept("ben", link)), invites.EventInvitationAccepted)
	c.pass("ben", accounts.EventOwnershipTransferred, "acme")
	c.wantsCode(ignore(c.accept("ben", link)), invites.EventInvitationAccepted)

	c.pass("ben", invites.EventInvitationAccepted, "acme")
	other := accounts.Admitted(accounts.Admission{User: "ben", Epoch: 1, Proof: accounts.Proof{Login: 2}, Session: "session-other", AuthAt: c.env.Now()})
	_, err = c.inv.Accept(t.Context(), other, byID(i))
	c.wantsCode(err, invites.EventInvitationAccepted)
	c.clock.Add(10 * time.Minute)
	c.wantsCode(ignore(c.accept("ben", link)), invites.EventInvitationAccepted)

	c.pass("ben", invites.EventInvitationAccepted, "acme")
	m, err := c.accept("ben", link)
	require.NoError(t, err)
	require.Equal(t, roles.Viewer, m.Role)
	ch := must(c.mem.Challenge(t.Context(), accounts.ChallengeKey{User: "ben", Session: "session-ben", Action: invites.EventInvitationAccepted, Account: "acme"}))(t)
	require.Equal(t, c.env.Now(), ch.UsedAt)

	require.NoError(t, c.graph.Leave(t.Context(), c.as("ben"), "acme"))
	c.clock.Add(time.Minute)
	_, link = c.invited("amy", "ben@example.com", roles.Viewer)
	c.wantsCode(ignore(c.accept("ben", link)), invites.EventInvitationAccepted)
}

// Whoever is not meant is told so before anybody is asked for a code, and
// declining needs none: it gives nothing.
func TestAccept_CodeAfterAddress(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	_, link := c.invited("amy", "new@example.com", roles.Viewer)
	require.ErrorIs(t, ignore(c.accept("ben", link)), invites.ErrOtherAddress)
	i, link := c.invited("amy", "ben@example.com", roles.Viewer)
	require.NoError(t, c.inv.Decline(t.Context(), c.as("ben"), invites.Answer{Link: link}))
	require.Equal(t, invites.Declined, c.state(i.ID))
}

// A code that was passed is worth nothing for a user whose sessions ended
// since.
func TestAccept_CodeOfEndedSession(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	_, link := c.invited("amy", "ben@example.com", roles.Viewer)
	c.pass("ben", invites.EventInvitationAccepted, "acme")
	require.NoError(t, c.graph.SuspendUser(t.Context(), staff, "ben"))
	require.NoError(t, c.graph.ReactivateUser(t.Context(), staff, "ben"))
	c.wantsCode(ignore(c.accept("ben", link)), invites.EventInvitationAccepted)
}

// An owner with identity confirmation on enters a code to promise the same to
// somebody, and not to promise less; no login is fresh enough in its place
// (I-07).
func TestInvite_Code(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	owner := func(email string) error {
		return ignore(c.inv.Invite(t.Context(), c.as("olga"), invites.Invite{Account: "acme", Email: email, Role: roles.Owner}))
	}
	c.wantsCode(owner("new@example.com"), invites.EventInvited)
	c.invite("olga", "admin@example.com", roles.Admin)
	c.pass("olga", invites.EventInvited, "acme")
	require.NoError(t, owner("new@example.com"))
	c.wantsCode(owner("other@example.com"), invites.EventInvited)

	i, link := c.stored(c.last()).Invitation, c.link("new@example.com")
	c.clock.Add(time.Hour)
	c.wantsCode(c.resend("olga", i.ID), invites.EventInvited)
	c.pass("olga", invites.EventInvited, "acme")
	require.NoError(t, c.resend("olga", i.ID))
	c.dead(link)
}

// A code is used up by what asks for it, and not by what its user does
// meanwhile.
func TestInvite_CodeStays(t *testing.T) {
	t.Parallel()
	c := newCodes(t)
	c.pass("olga", invites.EventInvited, "acme")
	i := c.invite("olga", "viewer@example.com", roles.Viewer)
	c.clock.Add(time.Minute)
	require.NoError(t, c.revoke("olga", i.ID))
	_, err := c.inv.Invite(t.Context(), c.as("olga"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Owner})
	require.NoError(t, err)
	_, err = c.inv.Invite(t.Context(), c.as("olga"), invites.Invite{Account: "acme", Email: "other@example.com", Role: roles.Owner})
	c.wantsCode(err, invites.EventInvited)
}

// last returns the id of the newest invitation of acme.
func (w *world) last() accounts.InvitationID {
	w.Helper()
	return must(w.inv.List(w.Context(), job, "acme", invites.Page{Limit: 1}))(w)[0].ID
}
