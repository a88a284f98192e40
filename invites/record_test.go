package invites_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func (w *world) told(e accounts.Event) string {
	return fmt.Sprintf("%s at %q, invitation %t, user %q, role %q, was %q, by %q", e.Kind, e.Account, e.Invitation != "", e.User, e.Role, e.Was, e.By.User)
}

// Every change is on record once, with who did it and in which request, and
// nothing else is: no words, no names, no addresses (A105, I-25, D3 of the
// product).
func TestRecord_Changes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	amy := w.as("amy").WithRequestID("req-1")
	words := invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Admin, Message: "Hush hush"}
	i := must(w.inv.Invite(ctx, amy, words))(t)
	w.clock.Add(time.Hour)
	require.NoError(t, w.resend("adam", i.ID))
	require.NoError(t, ignore(w.acceptID("ben", i)))
	require.NoError(t, ignore(w.acceptID("ben", i)), "again, which changes nothing")
	j, link := w.invited("olga", "new@example.com", roles.Viewer)
	_, err := w.inv.AcceptNew(ctx, invites.NewLogin{Link: link, ID: "42", Name: "Bea", Password: good})
	require.NoError(t, err)
	k := w.invite("amy", "eve@example.com", roles.Viewer)
	require.NoError(t, w.inv.Decline(ctx, w.as("eve"), byID(k)))
	l, link := w.invited("amy", "other@example.com", roles.Viewer)
	require.NoError(t, w.inv.Decline(ctx, accounts.Actor{}, invites.Answer{Link: link}))
	m := w.invite("amy", "third@example.com", roles.Viewer)
	require.NoError(t, w.revoke("olga", m.ID))

	var got []string
	for _, e := range w.events() {
		got = append(got, w.told(e))
		require.Equal(t, time.UTC, e.At.Location())
		require.NotContains(t, fmt.Sprintf("%+v", e), "example.com")
		require.NotContains(t, fmt.Sprintf("%+v", e), "Hush")
	}
	require.Equal(t, []string{
		`invitation.sent at "acme", invitation true, user "", role "admin", was "", by "amy"`,
		`invitation.resent at "acme", invitation true, user "", role "admin", was "", by "adam"`,
		`invitation.accepted at "acme", invitation true, user "ben", role "admin", was "admin", by "ben"`,
		`invitation.sent at "acme", invitation true, user "", role "viewer", was "", by "olga"`,
		`user.created at "", invitation false, user "42", role "", was "", by "42"`,
		`invitation.accepted at "acme", invitation true, user "42", role "viewer", was "viewer", by "42"`,
		`invitation.sent at "acme", invitation true, user "", role "viewer", was "", by "amy"`,
		`invitation.declined at "acme", invitation true, user "eve", role "", was "", by "eve"`,
		`invitation.sent at "acme", invitation true, user "", role "viewer", was "", by "amy"`,
		`invitation.declined at "acme", invitation true, user "", role "", was "", by ""`,
		`invitation.sent at "acme", invitation true, user "", role "viewer", was "", by "amy"`,
		`invitation.revoked at "acme", invitation true, user "", role "", was "", by "olga"`,
	}, got)
	first := w.events()[0]
	require.Equal(t, accounts.By{User: "amy", Session: "session-amy", RequestID: "req-1"}, first.By)
	require.Equal(t, i.ID, first.Invitation)
	for _, id := range []accounts.InvitationID{j.ID, l.ID} {
		require.False(t, w.stored(id).Invitation.DecidedAt.IsZero())
	}
	audit, err := w.graph.Events(ctx, w.as("olga"), accounts.EventQuery{Account: "acme"})
	require.NoError(t, err)
	require.Len(t, audit, len(got)-1, "the account reads all that happened there; a user is made nowhere")
}

// A refusal of a known actor at a known account is on record once, whatever was
// tried; a refusal of nobody, and a mistake in the input, are not (A105).
func TestRecord_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	i, link := w.invited("amy", "ben@example.com", roles.Viewer)
	all := 0
	for _, tt := range []struct {
		name string
		run  func() error
		want string // "": none
	}{
		{"an invitation by a Viewer", func() error {
			return ignore(w.inv.Invite(ctx, w.as("vic"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}))
		}, "invitation.sent at acme by vic: denied"},
		{"an invitation by an outsider", func() error {
			return ignore(w.inv.Invite(ctx, w.as("eve"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}))
		}, "invitation.sent at acme by eve: outsider"},
		{"an invitation by a job", func() error {
			return ignore(w.inv.Invite(ctx, job, invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}))
		}, "invitation.sent at acme by : denied"},
		{"an invitation by nobody", func() error {
			return ignore(w.inv.Invite(ctx, accounts.Actor{}, invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer}))
		}, ""},
		{"an invitation to no account", func() error {
			return ignore(w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "none", Email: "new@example.com", Role: roles.Viewer}))
		}, ""},
		{"a second invitation", func() error {
			return ignore(w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer}))
		}, ""},
		{"a resend within the hour", func() error { return w.resend("amy", i.ID) }, "invitation.resent at acme by amy: limited"},
		{"a resend by a Manager", func() error { return w.resend("max", i.ID) }, "invitation.resent at acme by max: denied"},
		{"a resend of none", func() error { return w.resend("amy", "none") }, ""},
		{"a revocation by a Manager", func() error { return w.revoke("max", i.ID) }, "invitation.revoked at acme by max: denied"},
		{"a list for a Manager", func() error { return ignore(w.inv.List(ctx, w.as("max"), "acme", invites.Page{})) }, "invitations.list at acme by max: denied"},
		{"a list for an outsider", func() error { return ignore(w.inv.List(ctx, w.as("eve"), "acme", invites.Page{})) }, "invitations.list at acme by eve: outsider"},
		{"the link in other hands", func() error { return ignore(w.accept("eve", link)) }, "invitation.accepted at acme by eve: token"},
		{"the link in nobody's hands", func() error { return ignore(w.inv.Accept(ctx, accounts.Actor{}, invites.Answer{Link: link})) }, ""},
		{"an unknown link", func() error { return ignore(w.accept("eve", theLink())) }, ""},
		{"a new login for an unknown link", func() error { return ignore(w.joinNew(theLink())) }, ""},
		{"a new login for somebody who has one", func() error { return ignore(w.joinNew(link)) }, ""},
		{"an id in other hands", func() error { return w.inv.Decline(ctx, w.as("eve"), byID(i)) }, "invitation.declined at acme by eve: token"},
	} {
		require.Error(t, tt.run(), tt.name)
		got := w.refusals()
		if tt.want != "" {
			all++
			require.Equal(t, tt.want, got[len(got)-1], tt.name)
		}
		require.Len(t, got, all, tt.name)
	}
	require.Equal(t, 1, w.count(invites.EventInvited), "and nothing else happened")
}

// A refusal that cannot be put on record is a fault, and no decision (A94).
func TestRecord_RefusalFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	w.st.on(func(call string, do func() error) error {
		if call == "ApplyAccounts" {
			return errBroken
		}
		return do()
	})
	_, err := w.accept("eve", link)
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, invites.ErrOtherAddress)
}

// The inviter is told who joined, and with which role, or that somebody
// declined; the one who sent it last is the inviter (B2).
func TestRecord_Mail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := func(kind string) mail.Message {
		t.Helper()
		all := w.letters()
		require.Len(t, all, 1)
		require.Equal(t, kind, all[0].Kind)
		return all[0]
	}
	i := w.invite("amy", "ben@example.com", roles.Admin)
	m := one(mail.Invited)
	require.Equal(t, "ben@example.com", m.To)
	require.Equal(t, "acme", m.Account)
	w.clock.Add(time.Hour)
	require.NoError(t, w.resend("adam", i.ID))
	require.Contains(t, one(mail.Invited).Text, "Adam")
	require.NoError(t, toRole("adam", roles.Admin)(w))
	require.NoError(t, ignore(w.acceptID("ben", i)))
	m = one(mail.InvitationAccepted)
	require.Equal(t, "adam@example.com", m.To)
	for _, word := range []string{"Ben", "Acme", "Admin"} {
		require.Contains(t, m.Text, word)
	}
	require.Equal(t, mail.ReasonFor("account", "acme"), m.Reason)

	w = newWorld(t)
	_, link := w.invited("amy", "Other@Example.com", roles.Viewer)
	require.NoError(t, w.inv.Decline(t.Context(), accounts.Actor{}, invites.Answer{Link: link}))
	m = one(mail.InvitationDeclined)
	require.Equal(t, "amy@example.com", m.To)
	require.Contains(t, m.Text, "Other@Example.com")
}

// Nobody is told of what became of an invitation at an address that the inviter
// has not proven: it may be somebody else's, to whom the answer is no business.
// The answer itself counts as ever. An inviter who has left, or is suspended, is
// told nothing either, since what they sent is void (A22, D1).
func TestRecord_UnprovenInviter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(w *world, link string) error
		notice string
	}{
		"accepting": {func(w *world, link string) error { return ignore(w.accept("ben", link)) }, mail.InvitationAccepted},
		"accepting with a new login": {func(w *world, link string) error {
			return ignore(w.joinNew(link))
		}, mail.InvitationAccepted},
		"declining": {func(w *world, link string) error {
			return w.inv.Decline(w.Context(), accounts.Actor{}, invites.Answer{Link: link})
		}, mail.InvitationDeclined},
	} {
		for what, given := range map[string]struct {
			do   deed
			want int  // notices
			void bool // the answer is refused
		}{
			"a proven inviter": {func(*world) error { return nil }, 1, false},
			"an inviter whose address is not proven": {func(w *world) error {
				_, err := w.graph.PutUser(w.Context(), job, accounts.PutUser{ID: "amy", Name: "Amy", Email: "amy@example.com"})
				return err
			}, 0, false},
			"an inviter without an address": {func(w *world) error {
				_, err := w.graph.PutUser(w.Context(), job, accounts.PutUser{ID: "amy", Name: "Amy"})
				return err
			}, 0, false},
			"an inviter who has left":              {left("amy"), 0, true},
			"an inviter who is suspended here":     {suspended("amy"), 0, true},
			"an inviter who is suspended anywhere": {userSuspended("amy"), 0, true},
			"an inviter who was erased":            {erased("amy"), 0, true},
		} {
			t.Run(name+" tells "+what, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				email := "new@example.com"
				if name == "accepting" {
					email = "ben@example.com"
				}
				i, link := w.invited("amy", email, roles.Viewer)
				require.NoError(t, given.do(w))
				err := tt.answer(w, link)
				require.Equal(t, given.void, err != nil, "%v", err)
				require.Equal(t, given.void, w.state(i.ID) == invites.Void)
				var notices []mail.Message
				for _, m := range w.letters() {
					if m.Kind == tt.notice {
						notices = append(notices, m)
					}
				}
				require.Len(t, notices, given.want)
				for _, m := range notices {
					require.Equal(t, "amy@example.com", m.To)
				}
			})
		}
	}
}

// The mail speaks the language that the inviter chose, or else the account's,
// and whatever the invited person speaks elsewhere says nothing (A28, D4 of the
// product).
func TestRecord_Language(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ account, chosen, want string }{{"", "", ""}, {"de", "", "de"}, {"de", "fr", "fr"}, {"", "es-MX", "es-MX"}} {
		w := newWorld(t)
		a, u := w.account("acme"), w.user("ben")
		a.Locale, u.Locale = tt.account, "pt"
		w.put(a, u)
		_, err := w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer, Locale: tt.chosen})
		require.NoError(t, err)
		require.Equal(t, tt.want, w.letters()[0].Locale, "%+v", tt)
	}
}

// Erasing somebody who was invited ends the invitation, its words and its
// unsent mail; the link is dead (D7 of the product, A76).
func TestRecord_Forgotten(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]struct {
		email string
		run   func(w *world) error
	}{
		"a user who is erased":      {"ben@example.com", func(w *world) error { return w.graph.EraseUser(w.Context(), w.as("ben"), "ben") }},
		"an address that was never": {"new@example.com", func(w *world) error { return w.graph.ForgetAddress(w.Context(), staff, "new@example.com") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := must(w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: forget.email, Role: roles.Viewer, Message: "Hush"}))(t)
			link := w.link(forget.email)
			require.NoError(t, forget.run(w))
			w.dead(link)
			require.Empty(t, w.letters())
			list := must(w.inv.List(t.Context(), w.as("amy"), "acme", invites.Page{}))(t)
			require.Len(t, list, 1)
			require.Equal(t, invites.Revoked, list[0].State)
			require.Equal(t, [3]string{}, [3]string{string(list[0].Email), list[0].Address, list[0].Message})
			require.ErrorIs(t, w.resend("amy", i.ID), invites.ErrUsed)
			require.Zero(t, w.seats("acme").Invited)

			// Somebody without an address is not the owner of one that was
			// forgotten.
			u := w.user("eve")
			u.Email, u.Address = "", ""
			w.put(u)
			require.ErrorIs(t, ignore(w.acceptID("eve", i)), accounts.ErrNotFound)
			next := w.invite("amy", forget.email, roles.Viewer)
			require.NotEqual(t, i.ID, next.ID, "who comes later is somebody new")
		})
	}
}
