package invites_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Whatever is shown as a link, but the link itself, is refused in the same words
// at every door, without a panic and without an effect (A09, A10).
func FuzzLink(f *testing.F) {
	w := newWorld(f)
	_, link := w.invited("amy", "new@example.com", roles.Viewer)
	for _, s := range []string{
		"", " ", "\x00", "cinv_", link, link + " ", strings.ToLower(link), link[:56], "cset_" + link[5:], "creq_" + link[5:], "cinv_" + strings.Repeat("A", 52),
		"../" + link, "%63inv_" + link[5:], link + link, strings.Repeat("=", 57), "\xff\xfe",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == link {
			return
		}
		w.TB = t
		ctx := t.Context()
		for i, err := range []error{
			ignore(w.inv.Peek(ctx, s)),
			ignore(w.inv.AcceptNew(ctx, invites.NewLogin{Link: s, ID: "42", Kept: true})),
			ignore(w.inv.Accept(ctx, w.as("ben"), invites.Answer{Link: s, Account: "acme", Invitation: "none"})),
			w.inv.Decline(ctx, accounts.Actor{}, invites.Answer{Link: s, Account: "acme", Invitation: "none"}),
		} {
			require.Equal(t, accounts.ErrNotFound, err, "door %d", i)
		}
		_, err := w.mem.User(ctx, accounts.UserKey{ID: "42"})
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.NoError(t, ignore(w.inv.Peek(ctx, link)))
	})
}

// Whatever is typed as an address is refused as one, or becomes the one
// recipient of one mail (A21, A23, I-23).
func FuzzInvite(f *testing.F) {
	for _, s := range []string{"ben@example.com", "BEN@EXAMPLE.COM ", "a@b", "a@b.example\r\nBcc: c@d.example", "\"a b\"@c.example", "a@bücher.example", "a@[1.2.3.4]", "<a@b.example>", "a@b.example,c@d.example"} {
		f.Add(s, "words")
	}
	f.Fuzz(func(t *testing.T, email, words string) {
		w := newWorld(t)
		i, err := w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: email, Role: roles.Viewer, Message: words})
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrInvalid)
			require.Empty(t, w.letters())
			require.Empty(t, w.events())
			return
		}
		again, err := accounts.ParseEmail(string(i.Email))
		require.NoError(t, err)
		require.Equal(t, i.Email, again, "canonical is canonical")
		list := w.letters()
		require.Len(t, list, 1)
		require.Equal(t, string(i.Email), list[0].To)
		require.NotContains(t, list[0].Subject, "\n")
		require.NoError(t, ignore(w.inv.Peek(t.Context(), w.link(string(i.Email)))))
	})
}
