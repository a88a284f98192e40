package acceptance_test

import (
	"cmp"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

const (
	studio accounts.AccountID = "studio" // an agency
	bakery accounts.AccountID = "bakery" // its client
	shop   accounts.AccountID = "shop"   // somebody else's account

	nora  accounts.UserID = "nora"  // owns the studio
	mia   accounts.UserID = "mia"   // Manager there
	otis  accounts.UserID = "otis"  // Author there
	carla accounts.UserID = "carla" // owns the bakery
	ravi  accounts.UserID = "ravi"  // joins the shop
)

// person makes a user whose address is proven.
func (h *world) person(id accounts.UserID, name string) {
	h.t.Helper()
	_, err := h.graph.PutUser(h.t.Context(), accounts.System("test"), accounts.PutUser{
		ID: id, Name: name, Email: h.address(string(id)), Proven: true, Locale: h.lang,
	})
	require.NoError(h.t, err)
}

// account makes an account.
func (h *world) account(id accounts.AccountID, name string, kind accounts.Kind, owner accounts.UserID) {
	h.t.Helper()
	_, err := h.graph.CreateAccount(h.t.Context(), accounts.System("test"), accounts.CreateAccount{ID: id, Name: name, Kind: kind, Owner: owner, Locale: h.lang})
	require.NoError(h.t, err)
}

// invitationStory has three people invited to Lucy's shop: one joins with the login that they have, one with a new one,
// and one declines.
func (h *world) invitationStory() {
	h.t.Helper()
	ctx := h.t.Context()
	h.account(shop, h.shop, accounts.KindStandard, lucy)
	h.person(ravi, h.ravi)
	for _, name := range []string{"ravi", "kim", "ben"} {
		_, err := h.invites.Invite(ctx, h.as(lucy, shop), invites.Invite{
			Account: shop, Email: h.address(name), Role: roles.Manager, Message: h.message, Locale: h.lang,
		})
		require.NoError(h.t, err)
	}
	h.told("invited to ravi", "invited to kim", "invited to ben")

	link := h.link(mail.Invited, "ravi", token.Invitation)
	m, err := h.invites.Accept(ctx, h.as(ravi, ""), invites.Answer{Link: link})
	require.NoError(h.t, err)
	h.told("invitation-accepted to lucy.new")
	again, err := h.invites.Accept(ctx, h.as(ravi, ""), invites.Answer{Link: link})
	require.NoError(h.t, err, "accepting again is the same answer")
	require.Equal(h.t, m, again)
	h.told()

	link = h.link(mail.Invited, "kim", token.Invitation)
	h.once(accounts.ErrNotFound, func() error {
		_, err := h.invites.AcceptNew(ctx, invites.NewLogin{Link: link, Name: h.carla, Password: third, Locale: h.lang})
		return err
	})
	h.told("invitation-accepted to lucy.new")

	link = h.link(mail.Invited, "ben", token.Invitation)
	h.once(accounts.ErrNotFound, func() error { return h.invites.Decline(ctx, accounts.Actor{}, invites.Answer{Link: link}) })
	h.told("invitation-declined to lucy.new")
}

// agencyStory connects the bakery to the studio.
func (h *world) agencyStory() {
	h.t.Helper()
	ctx := h.t.Context()
	for id, name := range map[accounts.UserID]string{nora: h.nora, mia: h.mia, otis: h.otis, carla: h.carla} {
		h.person(id, name)
	}
	h.account(studio, h.agency, accounts.KindAgency, nora)
	h.account(bakery, h.client, accounts.KindStandard, carla)
	require.NoError(h.t, h.graph.AddMember(ctx, accounts.System("test"), studio, mia, roles.Manager))
	require.NoError(h.t, h.graph.AddMember(ctx, accounts.System("test"), studio, otis, roles.Author))
	require.NoError(h.t, h.graph.JoinProgramme(ctx, h.as(nora, studio), studio))
	require.NoError(h.t, h.graph.EnableClientAccess(ctx, h.as(nora, studio), studio))

	h.ask("carla", "florist")
	link := h.link(mail.AccessRequested, "florist", token.Request)
	h.person("florist", "Flo")
	h.account("florist", "Florist", accounts.KindStandard, "florist")
	h.once(accounts.ErrNotFound, func() error {
		return h.requests.Decline(ctx, h.as("florist", "florist"), access.Decision{Link: link, Account: "florist"}, h.reason)
	})
	h.told("access-declined to mia")
	h.approve()

	_, err := h.graph.Assign(ctx, h.as(mia, studio), accounts.Assign{Agency: studio, Client: bakery, User: string(otis), Role: roles.Author})
	require.NoError(h.t, err)
	h.told("colleague-assigned to otis")
	require.NoError(h.t, h.graph.ChangeCap(ctx, h.as(carla, bakery), accounts.ConnectionKey{Client: bakery, Agency: studio}, roles.Viewer))
	h.told("cap-changed to nora")
}

// ask has Mia ask addresses for access.
func (h *world) ask(names ...string) {
	h.t.Helper()
	var to, told []string
	for _, name := range names {
		to, told = append(to, h.address(name)), append(told, "access-requested to "+name)
	}
	got, err := h.requests.Send(h.t.Context(), h.as(mia, studio), access.Batch{
		Agency: studio, Addresses: strings.Join(to, ", "), Message: h.message, Level: roles.Manager, Locale: h.lang,
	})
	require.NoError(h.t, err)
	require.Equal(h.t, len(names), got.Sent, got)
	h.told(told...)
}

// approve has Carla let the studio into the bakery.
func (h *world) approve() {
	h.t.Helper()
	link := h.link(mail.AccessRequested, "carla", token.Request)
	h.once(accounts.ErrNotFound, func() error {
		_, err := h.requests.Approve(h.t.Context(), h.as(carla, bakery), access.Decision{Link: link, Account: bakery}, roles.Manager)
		return err
	})
	h.told("access-approved to nora")
}

// endingStory ends the connection, makes another, and has the studio leave the programme.
func (h *world) endingStory() {
	h.t.Helper()
	ctx := h.t.Context()
	key := accounts.ConnectionKey{Client: bakery, Agency: studio}
	require.NoError(h.t, h.graph.EndConnection(ctx, h.as(carla, bakery), bakery, key))
	h.told("connection-ended to nora")
	h.ask("carla")
	h.approve()
	actor := h.as(nora, studio)
	plan, err := h.requests.PlanDisableClientAccess(ctx, actor, studio)
	require.NoError(h.t, err)
	require.NoError(h.t, h.requests.DisableClientAccess(ctx, actor, studio, plan.Confirm))
	h.told("programme-left to carla")
}

// clientStory records a client of the studio, who comes in by a link that was too old and a fresh one.
func (h *world) clientStory() {
	h.t.Helper()
	ctx := h.t.Context()
	made, err := h.clients.Create(ctx, h.as(mia, studio), accounts.CreateClient{
		Account: studio, FirstName: h.first, LastName: h.last, Email: h.address("paula"), Locale: h.lang,
	})
	require.NoError(h.t, err)
	in := invites.SendSetup{ClientKey: made.Client.ClientKey}
	preview, err := h.setups.Preview(ctx, h.as(mia, studio), in)
	require.NoError(h.t, err)
	in.Subject, in.Text = cmp.Or(h.setupSubject, preview.Subject), preview.Text
	if h.setupAbove != "" {
		in.Text = h.setupAbove + mail.Placeholder + h.setupBelow
	}
	preview, err = h.setups.Preview(ctx, h.as(mia, studio), in)
	require.NoError(h.t, err)
	_, err = h.setups.Send(ctx, h.as(mia, studio), in)
	require.NoError(h.t, err)
	h.told("setup-invitation to paula")
	sent := h.letters[len(h.letters)-1]
	require.Equal(h.t, mail.JoinClosing(preview.Text, preview.Closing), strings.Replace(sent.arrived, sent.Data.Link, mail.Placeholder, 1))

	old := h.link(mail.SetupInvitation, "paula", token.Setup)
	h.clock.add(25 * time.Hour)
	come := func(link string) error {
		_, err := h.setups.SetUp(ctx, invites.NewLogin{Link: link, Password: third})
		return err
	}
	require.ErrorIs(h.t, come(old), invites.ErrStale)
	h.once(accounts.ErrNotFound, func() error { return h.setups.Refresh(ctx, old) })
	h.told("setup-refreshed to paula")
	fresh := h.link(mail.SetupRefreshed, "paula", token.Setup)
	h.once(accounts.ErrNotFound, func() error { return come(fresh) })
}
