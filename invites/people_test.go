package invites_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Somebody who is signed in with another address is refused with a clear
// error, and nothing changes but the record of it: the invitation stays pending
// for whom it is meant (A06).
func TestAccept_OtherPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("amy", "ben@example.com", roles.Admin)
	was := w.without(accounts.EventRefused)
	_, err := w.accept("eve", link)
	require.ErrorIs(t, err, invites.ErrOtherAddress)
	require.NotContains(t, err.Error(), "ben", "it does not say whose it is")
	require.ErrorIs(t, w.inv.Decline(t.Context(), w.as("eve"), invites.Answer{Link: link}), invites.ErrOtherAddress)
	require.Equal(t, was, w.without(accounts.EventRefused))
	require.Equal(t, []string{
		"invitation.accepted at acme by eve: token", "invitation.declined at acme by eve: token",
	}, w.refusals())
	require.Equal(t, roles.Role(""), w.role("eve"))

	for what, err := range map[string]error{
		"by id":      ignore(w.acceptID("eve", i)),
		"unknown id": ignore(w.inv.Accept(t.Context(), w.as("eve"), invites.Answer{Account: "acme", Invitation: "none"})),
	} {
		require.ErrorIs(t, err, accounts.ErrNotFound, what)
		require.Equal(t, accounts.ErrNotFound.Error(), err.Error(), "ids tell nothing: %s", what)
	}
	require.NoError(t, ignore(w.accept("ben", link)))
}

// Somebody who registered under the invited address, and has not proven the
// mailbox, neither sees nor accepts nor declines the invitation, with the link
// or without, until they prove it (A07).
func TestAccept_Unproven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	squatter := user("squatter")
	squatter.Email, squatter.Address, squatter.Proven = "new@example.com", "new@example.com", false
	w.put(squatter, credential("squatter"))
	i, link := w.invited("amy", "new@example.com", roles.Admin)
	was := w.without(accounts.EventRefused)

	require.Empty(t, must(w.inv.Mine(t.Context(), w.as("squatter")))(t))
	require.ErrorIs(t, ignore(w.accept("squatter", link)), invites.ErrUnproven)
	require.ErrorIs(t, ignore(w.acceptID("squatter", i)), accounts.ErrNotFound)
	require.ErrorIs(t, w.inv.Decline(t.Context(), w.as("squatter"), invites.Answer{Link: link}), invites.ErrUnproven)
	require.ErrorIs(t, w.inv.Decline(t.Context(), w.as("squatter"), byID(i)), accounts.ErrNotFound)
	require.ErrorIs(t, ignore(w.joinNew(link)), invites.ErrHasLogin, "no link replaces a login, not even a squatter's")
	require.Equal(t, was, w.without(accounts.EventRefused))

	u := w.user("squatter")
	u.Proven = true
	w.put(u)
	require.Len(t, must(w.inv.Mine(t.Context(), w.as("squatter")))(t), 1)
	require.NoError(t, ignore(w.acceptID("squatter", i)))
}

// An address in any spelling is one address: for what is pending, for who is a
// member, for whom a mail goes to, and for who may accept (A21, D9).
func TestInvite_OneAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, first, again string
		canonical          accounts.Email
	}{
		{"in capitals", "ben@example.com", "BEN@EXAMPLE.COM", "ben@example.com"},
		{"with spaces around it", "ben@example.com", " \tBen@Example.com\r\n", "ben@example.com"},
		{"in Unicode and in ASCII", "ben@bücher.example", "BEN@XN--BCHER-KVA.EXAMPLE", "ben@xn--bcher-kva.example"},
		{"with a composed and a decomposed letter", "ben@b\u00fccher.example", "ben@bu\u0308cher.example", "ben@xn--bcher-kva.example"},
		{"with wide letters", "ben@example.com", "ben@ｅｘａｍｐｌｅ.com", "ben@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u := w.user("ben")
			u.Email = tt.canonical
			w.put(u)
			i := w.invite("amy", tt.first, roles.Viewer)
			require.Equal(t, tt.canonical, i.Email)
			require.Equal(t, strings.TrimSpace(tt.first), i.Address, "as it was typed, for display")
			require.Equal(t, string(tt.canonical), w.letters()[0].To, "the envelope has the canonical form (A23)")

			_, err := w.inv.Invite(t.Context(), w.as("adam"), invites.Invite{Account: "acme", Email: tt.again, Role: roles.Viewer})
			var pending *invites.PendingError
			require.ErrorAs(t, err, &pending)
			require.ErrorIs(t, err, accounts.ErrTaken)
			require.Equal(t, i.ID, pending.Invitation)
			require.NoError(t, ignore(w.acceptID("ben", i)))

			_, err = w.inv.Invite(t.Context(), w.as("adam"), invites.Invite{Account: "acme", Email: tt.again, Role: roles.Viewer})
			require.ErrorIs(t, err, accounts.ErrTaken, "a member is a member, however their address is typed")
			require.Equal(t, 1, w.used(accounts.QuotaRecipient, string(tt.canonical)))
		})
	}
}

// What cannot be one plain mailbox is refused before anything is asked (A23).
func TestInvite_Input(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sound := invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}
	for name, tt := range map[string]struct {
		spoil func(in *invites.Invite)
		field string
	}{
		"no account":                 {func(in *invites.Invite) { in.Account = "" }, "account"},
		"an account that is no id":   {func(in *invites.Invite) { in.Account = "ac me" }, "account"},
		"no address":                 {func(in *invites.Invite) { in.Email = "" }, "email"},
		"two addresses":              {func(in *invites.Invite) { in.Email = "a@example.com, b@example.com" }, "email"},
		"a display name":             {func(in *invites.Invite) { in.Email = "Ben <ben@example.com>" }, "email"},
		"a header in the address":    {func(in *invites.Invite) { in.Email = "a@example.com\r\nBcc: b@example.com" }, "email"},
		"a local part in Unicode":    {func(in *invites.Invite) { in.Email = "bén@example.com" }, "email"},
		"a NUL":                      {func(in *invites.Invite) { in.Email = "ben\x00@example.com" }, "email"},
		"no role":                    {func(in *invites.Invite) { in.Role = "" }, "role"},
		"a role of another ladder":   {func(in *invites.Invite) { in.Role = "emperor" }, "role"},
		"a role in capitals":         {func(in *invites.Invite) { in.Role = "VIEWER" }, "role"},
		"too many words":             {func(in *invites.Invite) { in.Message = strings.Repeat("ä", 1001) }, "message"},
		"words that are no UTF-8":    {func(in *invites.Invite) { in.Message = "\xff" }, "message"},
		"a control character":        {func(in *invites.Invite) { in.Message = "a\x00b" }, "message"},
		"a language that is none":    {func(in *invites.Invite) { in.Locale = "Klingon!" }, "locale"},
		"a key that is none":         {func(in *invites.Invite) { in.Key = "a b" }, "key"},
		"a key that is far too long": {func(in *invites.Invite) { in.Key = strings.Repeat("k", 65) }, "key"},
	} {
		in := sound
		tt.spoil(&in)
		out, err := w.inv.Invite(t.Context(), w.as("amy"), in)
		require.Equal(t, tt.field, field(t, err), name)
		require.Zero(t, out)
	}
	require.Empty(t, w.events(), "malformed input is nothing for the record")
	require.Empty(t, w.letters())
	sound.Message = strings.Repeat("ä", 1000)
	require.NoError(t, ignore(w.inv.Invite(t.Context(), w.as("amy"), sound)))
}

// The invited person gets the same mail, and the inviter the same answer,
// whatever is known of the address; and the page of the link says the same
// (A28, D11).
func TestInvite_SameMail(t *testing.T) {
	t.Parallel()
	type seen struct {
		subject, text, locale, name string
		view                        invites.View
		out                         invites.Invitation
	}
	look := func(t *testing.T, given func(w *world)) seen {
		t.Helper()
		w := newWorld(t)
		if given != nil {
			given(w)
		}
		before := w.ids.n.Load()
		out := must(w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: "target@example.com", Role: roles.Viewer, Message: "Hello"}))(t)
		require.Equal(t, int64(3), w.ids.n.Load()-before, "as much is drawn, an operation, a secret and an id")
		link := w.link("target@example.com")
		m := w.letters()[0]
		v := must(w.inv.Peek(t.Context(), link))(t)
		return seen{m.Subject, strings.ReplaceAll(m.Text, link, "LINK"), m.Locale, m.ToName, v, out}
	}
	target := func(change func(u *accounts.User)) func(w *world) {
		return func(w *world) {
			u := user("target")
			u.Locale, u.Handle = "fr", "bullseye"
			change(&u)
			w.put(u, credential("target"))
		}
	}
	want := look(t, nil)
	require.NotContains(t, want.text, "Target")
	for name, given := range map[string]func(w *world){
		"a user":             target(func(*accounts.User) {}),
		"a user without any": func(w *world) { w.put(user("target")) },
		"an unproven user":   target(func(u *accounts.User) { u.Proven = false }),
		"a suspended user":   target(func(u *accounts.User) { u.SuspendedAt = start() }),
		"one whom the host keeps": target(func(u *accounts.User) {
			u.Kept = true
		}),
		"a member elsewhere": func(w *world) {
			target(func(*accounts.User) {})(w)
			w.put(member("nova", "target", roles.Admin))
		},
		"a former member": func(w *world) {
			target(func(*accounts.User) {})(w)
			m := member("acme", "target", roles.Admin)
			m.EndedAt = start()
			w.put(m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, look(t, given))
		})
	}
}

// Ids of another account are as good as none, for whoever uses them (A36).
func TestService_OtherAccountsIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, _ := w.invited("amy", "ben@example.com", roles.Viewer)
	was := w.dump()
	type answer struct {
		real, none error
	}
	ask := func(call func(account accounts.AccountID, id accounts.InvitationID) error) answer {
		return answer{call("nova", i.ID), call("nova", "none")}
	}
	for name, got := range map[string]answer{
		"resend": ask(func(a accounts.AccountID, id accounts.InvitationID) error {
			return ignore(w.inv.Resend(t.Context(), w.as("nick"), invites.Resend{Account: a, Invitation: id}))
		}),
		"revoke": ask(func(a accounts.AccountID, id accounts.InvitationID) error {
			return w.inv.Revoke(t.Context(), w.as("nick"), a, id)
		}),
		"accept": ask(func(a accounts.AccountID, id accounts.InvitationID) error {
			return ignore(w.inv.Accept(t.Context(), w.as("ben"), invites.Answer{Account: a, Invitation: id}))
		}),
		"decline": ask(func(a accounts.AccountID, id accounts.InvitationID) error {
			return w.inv.Decline(t.Context(), w.as("ben"), invites.Answer{Account: a, Invitation: id})
		}),
	} {
		require.ErrorIs(t, got.real, accounts.ErrNotFound, name)
		require.Equal(t, got.none, got.real, name)
	}
	require.Empty(t, must(w.inv.List(t.Context(), w.as("nick"), "nova", invites.Page{}))(t))
	require.Equal(t, was, w.dump(), "nothing to record: no such invitation is known")

	// An outsider learns as much of an account that is there as of one that
	// is not, and an actor admitted to one account acts at no other.
	for _, account := range []accounts.AccountID{"acme", "none"} {
		require.ErrorIs(t, w.inv.Revoke(t.Context(), w.as("nick"), account, i.ID), accounts.ErrNotFound)
		require.ErrorIs(t, ignore(w.inv.List(t.Context(), w.as("nick"), account, invites.Page{})), accounts.ErrNotFound)
		_, err := w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: account, Email: "new@example.com", Role: roles.Viewer})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	elsewhere := accounts.Admitted(accounts.Admission{User: "amy", Epoch: 1, Proof: accounts.Proof{Login: 2}, AuthAt: start(), Account: "nova"})
	require.Equal(t, "account", field(t, w.inv.Revoke(t.Context(), elsewhere, "acme", i.ID)))
	require.Equal(t, invites.Pending, w.state(i.ID))
}

// An account that was suspended or closed after the invitation takes nobody: to
// everybody, the invited person included, it is not there. A suspension is a
// pause, and ages nothing (A17).
func TestAccept_AccountGone(t *testing.T) {
	t.Parallel()
	t.Run("a suspended account", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		i, link := w.invited("amy", "ben@example.com", roles.Viewer)
		require.NoError(t, w.graph.SuspendAccount(t.Context(), staff, "acme"))
		w.dead(link)
		require.ErrorIs(t, ignore(w.accept("ben", link)), accounts.ErrNotFound)
		require.ErrorIs(t, ignore(w.acceptID("ben", i)), accounts.ErrNotFound)
		require.Empty(t, must(w.inv.Mine(t.Context(), w.as("ben")))(t))
		require.ErrorIs(t, w.revoke("amy", i.ID), accounts.ErrNotFound)
		require.NoError(t, w.graph.ReactivateAccount(t.Context(), staff, "acme"))
		require.NoError(t, ignore(w.accept("ben", link)))
	})
	t.Run("a closed account", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, link := w.invited("amy", "ben@example.com", roles.Viewer)
		require.NoError(t, w.graph.CloseAccount(t.Context(), w.as("olga"), "acme"))
		w.dead(link)
		require.ErrorIs(t, ignore(w.accept("ben", link)), accounts.ErrNotFound)
		require.Empty(t, w.letters(), "closing takes back what is unsent")
		require.Len(t, w.mails(mail.Invited, mail.Cancelled), 1)
	})
}

// An invitation takes nothing from a member: the last owner, who accepts one
// for a lower role at an address that became theirs, stays the owner (A35).
func TestAccept_LastOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "spare@example.com", roles.Viewer)
	u := w.user("olga")
	u.Email, u.Address = "spare@example.com", "spare@example.com"
	w.put(u)
	require.ErrorIs(t, ignore(w.accept("olga", link)), accounts.ErrTaken)
	require.Equal(t, roles.Owner, w.role("olga"))
}

// Somebody whose membership is suspended is not invited. A membership that was
// suspended later is not mended by an invitation, and one that was removed while
// suspended counts from the next login on (A41, A74).
func TestAccept_SuspendedMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	require.NoError(t, w.graph.SuspendMember(ctx, w.as("olga"), "acme", "vic"))
	_, err := w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "vic@example.com", Role: roles.Admin})
	require.Equal(t, "email", field(t, err))

	i, link := w.invited("amy", "eve@example.com", roles.Admin)
	require.NoError(t, w.graph.AddMember(ctx, job, "acme", "eve", roles.Viewer))
	require.NoError(t, w.graph.SuspendMember(ctx, w.as("olga"), "acme", "eve"))
	w.clock.Add(time.Hour)
	require.Equal(t, "email", field(t, w.resend("amy", i.ID)))
	require.ErrorIs(t, ignore(w.accept("eve", link)), roles.ErrDenied)
	require.Equal(t, roles.Role(""), w.role("eve"))
	require.Equal(t, invites.Pending, w.state(i.ID))

	require.NoError(t, w.graph.RemoveMember(ctx, w.as("olga"), "acme", "eve"))
	old := accounts.Proof{Login: w.user("eve").Logins}
	require.NoError(t, ignore(w.accept("eve", link)))
	list := must(w.mem.Standings(ctx, []accounts.StandingKey{{User: "eve", Account: "acme"}}))(t)
	require.True(t, list[0].Rights(w.env.Ladder(), old).None(), "the login of before is worth nothing here")
	require.Equal(t, roles.Admin, w.role("eve"))
}

// A client of the account is neither invited nor let in as a member, by their
// address and as their user, active or suspended; an invitation that was sent
// before stays pending, and good for when the record is gone (C1).
func TestInvite_Client(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, suspended := range []bool{false, true} {
		w := newWorld(t)
		if suspended {
			w.suspendClient("cleo")
		}
		_, err := w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "CLEO@example.com", Role: roles.Viewer})
		require.ErrorIs(t, err, accounts.ErrTaken)
		require.NoError(t, ignore(w.inv.Invite(ctx, w.as("nick"), invites.Invite{Account: "nova", Email: "cleo@example.com", Role: roles.Viewer})), "elsewhere they are none")

		fresh, freshLink := w.invited("amy", "new@example.com", roles.Viewer)
		ben, benLink := w.invited("amy", "ben@example.com", roles.Viewer)
		eve, eveLink := w.invited("amy", "eve@example.com", roles.Viewer)
		w.put(client("acme", "c1", "new@example.com"), client("acme", "c2", "ben@example.com"))
		third := client("acme", "c3", "other@example.com")
		third.User = "eve" // by an address that they had before
		if suspended {
			third.SuspendedAt = start()
		}
		w.put(third)
		w.clock.Add(time.Hour)
		for _, id := range []accounts.InvitationID{fresh.ID, ben.ID} {
			require.ErrorIs(t, w.resend("amy", id), accounts.ErrTaken)
		}
		var taken *accounts.TakenError
		require.ErrorAs(t, ignore(w.joinNew(freshLink)), &taken)
		require.Equal(t, "email", taken.Field)
		require.ErrorAs(t, ignore(w.accept("ben", benLink)), &taken)
		require.Equal(t, "email", taken.Field)
		require.ErrorAs(t, ignore(w.accept("eve", eveLink)), &taken)
		require.Equal(t, "user", taken.Field)
		for _, id := range []accounts.InvitationID{fresh.ID, ben.ID, eve.ID} {
			require.Equal(t, invites.Pending, w.state(id))
		}
		w.deleteClient("c2")
		require.NoError(t, ignore(w.accept("ben", benLink)))
	}
}
