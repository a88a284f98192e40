package invites_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// In the strict mode a link that is too old lets nobody in: it is good for having
// a fresh one mailed to the client, and for nothing else. A microsecond before it
// is good as ever (D14).
func TestStrict(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"generated", "mailed"} {
		t.Run("a link that was "+way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, strict(day))
			ctx := t.Context()
			w.put(client("acme", "b", "ben@example.com"))
			link := w.generate("b")
			if way == "mailed" {
				link = w.send("b")
			}
			w.clock.Add(day - time.Microsecond)
			require.False(t, must(w.links.Peek(ctx, link))(t).Stale)
			require.Equal(t, "link", field(t, w.links.Refresh(ctx, link)))
			require.ErrorIs(t, ignore(w.setUp(link)), invites.ErrHasLogin, "it would let in who has no login")

			w.clock.Add(time.Microsecond)
			v := must(w.links.Peek(ctx, link))(t)
			require.True(t, v.Stale)
			require.Equal(t, start().Add(day), v.ExpiresAt)
			was := w.without(accounts.EventRefused)
			require.ErrorIs(t, ignore(w.setUp(link)), invites.ErrStale)
			require.ErrorIs(t, ignore(w.joinAs("ben", link)), invites.ErrStale)
			require.ErrorIs(t, ignore(w.joinAs("eve", link)), invites.ErrOtherAddress)
			require.Equal(t, was, w.without(accounts.EventRefused))

			used := w.used(accounts.QuotaRecipient, "ben@example.com")
			require.NoError(t, w.links.Refresh(ctx, link))
			w.deadSetup2(link, "ben")
			letters := w.letters()
			require.Len(t, letters, 1)
			m := letters[0]
			require.Equal(t, mail.SetupRefreshed, m.Kind)
			require.Equal(t, "ben@example.com", m.To)
			require.Equal(t, start().Add(30*day), m.NotAfter)
			require.Contains(t, m.Text, "It works until 4 March 2026, 09:00 UTC", "as long as it lets somebody in")
			require.Equal(t, used+1, w.used(accounts.QuotaRecipient, "ben@example.com"))
			list := w.events()
			last := list[len(list)-1]
			if last.Kind == accounts.EventRefused { // of the look at the dead link
				last = list[len(list)-2]
			}
			require.Equal(t, invites.EventSetupRefreshed, last.Kind)
			require.Equal(t, accounts.By{}, last.By, "nobody is known who asked")

			fresh := w.setupLink("b")
			l := w.setting("b").Link
			require.True(t, l.Mailed)
			require.Equal(t, accounts.UserID("max"), l.Maker)
			require.Equal(t, start().Add(30*day), l.ExpiresAt, "no time is won by asking (I-34)")
			require.False(t, must(w.links.Peek(ctx, fresh))(t).Stale)
			require.NoError(t, ignore(w.joinAs("ben", fresh)))
		})
	}
	t.Run("a fresh link that was mailed proves the mailbox, whoever saw the one before (A13)", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, strict(day))
		link := w.generate("cleo")
		w.clock.Add(day)
		require.NoError(t, w.links.Refresh(t.Context(), link))
		out, err := w.setUp(w.setupLink("cleo"))
		require.NoError(t, err)
		require.True(t, w.user(out.Login.User).Proven)
	})
	t.Run("it ends after 30 days, however often somebody asked", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, strict(9*day))
		link := w.send("cleo")
		for range 3 {
			w.clock.Add(9 * day)
			require.NoError(t, w.links.Refresh(t.Context(), link))
			link = w.setupLink("cleo")
		}
		w.clock.Add(3*day - time.Microsecond)
		require.NoError(t, ignore(w.links.Peek(t.Context(), link)))
		w.clock.Add(time.Microsecond)
		w.deadSetup(link)
	})
	t.Run("one address gets 5 mails a day, and the link stays as it is beyond", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, strict(time.Hour))
		link := w.send("cleo")
		for range 4 {
			link = w.send("cleo")
		}
		w.clock.Add(time.Hour)
		was := w.dump()
		require.ErrorIs(t, w.links.Refresh(t.Context(), link), accounts.ErrQuota)
		require.Equal(t, was, w.dump())
		w.clock.Set(start().Truncate(day).Add(day))
		require.NoError(t, w.links.Refresh(t.Context(), link))
	})
	t.Run("without the strict mode no link is ever too old", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		link := w.generate("cleo")
		w.clock.Add(30*day - time.Microsecond)
		require.False(t, must(w.links.Peek(t.Context(), link))(t).Stale)
		require.Equal(t, "link", field(t, w.links.Refresh(t.Context(), link)))
		require.NoError(t, ignore(w.setUp(link)))
	})
	t.Run("the words of a fresh link's mail are in the client's language and hold no other secret", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, strict(day))
		link := w.send("cleo")
		w.clock.Add(day)
		require.NoError(t, w.links.Refresh(t.Context(), link))
		text := w.letters()[0].Text
		require.Equal(t, 1, strings.Count(text, "cset_"))
		require.NotContains(t, text, link)
		require.Contains(t, text, "Cleo@Example.com")
	})
}
