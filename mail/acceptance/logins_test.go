package acceptance_test

import (
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

const (
	first  = "six wandering llamas eat"
	second = "seven purple mountain goats"
	third  = "eight yellow submarine cats"
)

const (
	lucy accounts.UserID = "lucy" // signs up with a password
	dan  accounts.UserID = "dan"  // logs in with another service
)

// loginStory signs Lucy up, and resets and changes her password.
func (h *world) loginStory() {
	h.t.Helper()
	ctx := h.t.Context()
	in := access.SignUp{ID: lucy, Email: h.address("lucy"), Name: h.lucy, Password: first, Locale: h.lang}
	_, err := h.logins.SignUp(ctx, in, access.Device{})
	require.NoError(h.t, err)
	h.told("address-proof to lucy")
	proof := h.link(mail.AddressProof, "lucy", token.Proof)
	self := h.as(lucy, "")
	h.once(accounts.ErrNotFound, func() error { return h.logins.Prove(ctx, self, proof) })

	_, err = h.logins.SignUp(ctx, access.SignUp{Email: h.address("lucy"), Password: second, Locale: h.lang}, access.Device{})
	require.NoError(h.t, err)
	h.told("sign-up-known to lucy")

	require.NoError(h.t, h.logins.AskReset(ctx, h.address("lucy"), access.Device{}))
	require.NoError(h.t, h.logins.AskReset(ctx, h.address("lucie"), access.Device{}))
	h.told("password-reset to lucy", "no-login to lucie")
	reset := h.link(mail.PasswordReset, "lucy", token.Reset)
	h.once(accounts.ErrNotFound, func() error {
		_, err := h.logins.ResetPassword(ctx, reset, second)
		return err
	})
	h.told("password-changed to lucy")

	login, err := h.logins.Arrive(ctx, access.HostLogin{
		Identity: accounts.IdentityKey{Issuer: "https://id.example", Subject: "dan-" + h.mark}, Email: h.address("dan"), Verified: true,
		ID: dan, Name: h.dan, Locale: h.lang,
	})
	require.NoError(h.t, err)
	require.Equal(h.t, dan, login.User)
	require.NoError(h.t, h.logins.AskReset(ctx, h.address("dan"), access.Device{}))
	h.told("login-elsewhere to dan")

	key := accounts.IdentityKey{Issuer: "https://id.example", Subject: "lucy-" + h.mark}
	self = h.as(lucy, "")
	require.NoError(h.t, h.logins.Link(ctx, self, access.HostLogin{Identity: key, Email: h.address("lucy"), Verified: true}))
	h.told("identity-linked to lucy")
	require.NoError(h.t, h.logins.Unlink(ctx, h.as(lucy, ""), key))
	h.told("identity-unlinked to lucy")
}

// addressStory gives Lucy another address.
func (h *world) addressStory() {
	h.t.Helper()
	ctx := h.t.Context()
	require.NoError(h.t, h.logins.AskAddress(ctx, h.as(lucy, ""), h.address("lucy.new")))
	h.told("address-change to lucy.new", "address-change-asked to lucy")
	link := h.link(mail.AddressChange, "lucy.new", token.Address)
	self := h.as(lucy, "")
	h.once(accounts.ErrNotFound, func() error { return h.logins.ConfirmAddress(ctx, self, link) })
	h.told("address-changed to lucy")
}

// confirmationStory turns identity confirmation on for Lucy, and off again.
func (h *world) confirmationStory() {
	h.t.Helper()
	ctx := h.t.Context()
	self := h.as(lucy, "")
	page, err := h.codes.TurnOn(ctx, self, "+44 7700 900123")
	require.NoError(h.t, err)
	require.NoError(h.t, h.codes.Answer(ctx, self, access.Ask{Action: access.EventConfirmationOn}, page.Reveal(), h.code()))
	h.told("confirmation-on to lucy.new")

	self = h.as(lucy, "")
	ask := access.Ask{Action: access.EventConfirmationOff}
	require.ErrorIs(h.t, h.codes.TurnOff(ctx, self, lucy), accounts.ErrStepUp)
	page, err = h.codes.Ask(ctx, self, ask)
	require.NoError(h.t, err)
	require.NoError(h.t, h.codes.Answer(ctx, self, ask, page.Reveal(), h.code()))
	require.NoError(h.t, h.codes.TurnOff(ctx, self, lucy))
	h.told("confirmation-off to lucy.new")
}
