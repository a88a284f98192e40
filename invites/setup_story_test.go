package invites_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func (w *world) clients() *accounts.Clients {
	w.Helper()
	return must(accounts.NewClients(w.mem, w.env))(w)
}

// A client record is made, its client is mailed a link, sets a password, logs in
// with it, is suspended and let in again, and is deleted in the end: what each step
// takes away is away at once, and the mail that waits with it (C5 to C10, A74, A76).
func TestSetupLinks_Story(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	clients := w.clients()
	c := must(clients.Create(ctx, w.as("max"), accounts.CreateClient{
		Account: "acme", FirstName: "Gus", LastName: "Ode", Email: "Gus@example.com",
	}))(t).Client.ClientKey
	link := w.send(c.ID)
	require.NoError(t, clients.Suspend(ctx, w.as("olga"), c))
	w.deadSetup(link)
	require.Empty(t, w.letters(), "the mail that waited is not sent")
	require.Len(t, w.mails(mail.SetupInvitation, mail.Cancelled), 1)
	require.Equal(t, "client", field(t, ignore(w.links.Send(ctx, w.as("max"), invites.SendSetup{ClientKey: c}))))
	require.NoError(t, clients.Reactivate(ctx, w.as("olga"), c))
	w.deadSetup(link)

	joined := must(w.setUp(w.send(c.ID)))(t)
	logins := must(access.NewLogins(w.mem, w.env, &access.LoginOptions{Hasher: hasher(), Passwords: policy()}))(t)
	_, _, err := logins.LogIn(ctx, access.LogIn{Email: "gus@example.com", Password: good}, access.Device{})
	require.NoError(t, err)
	require.True(t, w.asClient(joined.Login.User))
	require.NoError(t, clients.Suspend(ctx, w.as("olga"), c))
	require.False(t, w.asClient(joined.Login.User))
	require.NoError(t, clients.Reactivate(ctx, w.as("olga"), c))
	require.True(t, w.asClient(joined.Login.User))
	require.NoError(t, clients.Delete(ctx, w.as("olga"), c))
	require.False(t, w.asClient(joined.Login.User))
	require.Equal(t, joined.Login.User, w.user(joined.Login.User).ID, "the person's login is theirs")

	again := must(clients.Create(ctx, w.as("max"), accounts.CreateClient{
		Account: "acme", FirstName: "Gus", LastName: "Ode", Email: "gus@example.com",
	}))(t).Client.ClientKey
	link = w.generate(again.ID)
	require.ErrorIs(t, ignore(w.setUp(link)), invites.ErrHasLogin)
	require.NoError(t, ignore(w.joinAs(joined.Login.User, link)), "a new record, with the login that they have")
}

// Deleting the record before its mail went out takes the mail back, and its link
// is dead (A76, A87).
func TestSetupLinks_Deleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.send("cleo")
	require.NoError(t, w.clients().Delete(t.Context(), w.as("olga"), mailed))
	w.deadSetup(link)
	require.Empty(t, w.letters())
	require.Len(t, w.mails(mail.SetupInvitation, mail.Cancelled), 1)
	require.NotContains(t, w.dump(), link[5:])
}

// A client record and a member by an invitation, made at the same moment for one
// address, are one of the two (C1).
func TestRace_ClientAgainstMember(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"a new login", "a login that is there"} {
		for order, run := range orders() {
			t.Run("by "+who+", "+order, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				email := "new@example.com"
				if who != "a new login" {
					email = "ben@example.com"
				}
				_, link := w.invited("amy", email, roles.Viewer)
				clients, manager, ctx := w.clients(), w.as("max"), patient(t)
				member, record := run(w, func() error {
					if who == "a new login" {
						return ignore(w.inv.AcceptNew(ctx, invites.NewLogin{Link: link, ID: "42", Kept: true}))
					}
					return ignore(w.accept("ben", link))
				}, func() error {
					return ignore(clients.Create(ctx, manager, accounts.CreateClient{Account: "acme", FirstName: "A", LastName: "B", Email: email}))
				})
				require.NotEqual(t, member == nil, record == nil, "%v, %v", member, record)
				for _, err := range []error{member, record} {
					if err != nil {
						require.ErrorIs(t, err, accounts.ErrTaken)
					}
				}
			})
		}
	}
}
