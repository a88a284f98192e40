package invites_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// A link is good for one success with one effect. Everything after that is
// refused as if the link had never been (A01, I-04).
func TestLink_Once(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		email string
		use   func(w *world, link string) error
		want  int // members beside the first five
		event accounts.EventKind
	}{
		{"accepting", "ben@example.com", func(w *world, link string) error { return ignore(w.accept("ben", link)) }, 1, invites.EventInvitationAccepted},
		{"accepting with a new login", "new@example.com", func(w *world, link string) error { return ignore(w.joinNew(link)) }, 1, invites.EventInvitationAccepted},
		{"declining", "new@example.com", func(w *world, link string) error {
			return w.inv.Decline(w.Context(), accounts.Actor{}, invites.Answer{Link: link})
		}, 0, invites.EventInvitationDeclined},
	} {
		t.Run("after "+tt.name+" a link is dead", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, link := w.invited("amy", tt.email, roles.Viewer)
			require.NoError(t, tt.use(w, link))
			w.dead(link)
			require.Equal(t, accounts.Seats{Members: 5 + tt.want}, w.seats("acme"))
			require.Equal(t, 1, w.count(tt.event))
		})
	}
}

// Exactly 7 days after it was sent a link is expired, though nothing was
// cleaned up; a microsecond before it is not (A02).
func TestLink_SevenDays(t *testing.T) {
	t.Parallel()
	t.Run("a microsecond before the end it opens", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		i, link := w.invited("amy", "ben@example.com", roles.Viewer)
		w.clock.Set(start().Add(week - time.Microsecond))
		require.NoError(t, ignore(w.inv.Peek(t.Context(), link)))
		require.Equal(t, invites.Pending, w.state(i.ID))
		require.NoError(t, ignore(w.accept("ben", link)))
	})
	t.Run("at the end it does not, and the invited person is told why", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		i, link := w.invited("amy", "ben@example.com", roles.Viewer)
		w.clock.Set(start().Add(week))
		w.dead(link)
		_, err := w.accept("ben", link)
		var over *accounts.ExpiredError
		require.ErrorAs(t, err, &over)
		require.Equal(t, i.ExpiresAt, over.At)
		require.ErrorIs(t, ignore(w.acceptID("ben", i)), accounts.ErrExpired)
		require.ErrorIs(t, w.inv.Decline(t.Context(), w.as("ben"), byID(i)), accounts.ErrExpired)
		require.Empty(t, must(w.inv.Mine(t.Context(), w.as("ben")))(t))
		require.Equal(t, invites.Expired, w.state(i.ID))
		require.Equal(t, invites.Pending, w.stored(i.ID).Invitation.State, "nobody wrote it down")
		require.Equal(t, roles.Role(""), w.role("ben"))
	})
	t.Run("its mail does not go out any more", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.invite("amy", "ben@example.com", roles.Viewer)
		w.clock.Set(start().Add(week))
		for _, m := range w.letters() {
			require.True(t, m.Expired(w.env.Now()))
		}
	})
}

// Of an invitation that was resent, the newest link works, and every older one
// is dead (A03, I-05).
func TestLink_Resent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, first := w.invited("amy", "new@example.com", roles.Viewer)
	links := []string{first}
	for range 3 {
		w.clock.Add(time.Hour)
		require.NoError(t, w.resend("adam", i.ID))
		links = append(links, w.link("new@example.com"))
	}
	for _, old := range links[:3] {
		w.dead(old)
	}
	require.Len(t, w.mails(mail.Invited, mail.Cancelled), 3, "unsent mail with a dead link does not go out (A87)")
	require.Len(t, w.mails(mail.Invited, mail.Queued), 1)
	require.NoError(t, ignore(w.joinNew(links[3])))
	w.dead(links[3])
}

// A revoked link is dead as soon as the call has returned, and its mail does
// not go out (A04, I-24).
func TestLink_Revoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("amy", "ben@example.com", roles.Viewer)
	require.Equal(t, accounts.Seats{Members: 5, Invited: 1}, w.seats("acme"))
	require.NoError(t, w.revoke("adam", i.ID))
	w.dead(link)
	require.Equal(t, accounts.Seats{Members: 5}, w.seats("acme"))
	require.Empty(t, w.letters())
	require.Len(t, w.mails(mail.Invited, mail.Cancelled), 1)
	require.ErrorIs(t, ignore(w.accept("ben", link)), invites.ErrUsed, "to the invited person it is settled")
	require.ErrorIs(t, w.revoke("adam", i.ID), invites.ErrUsed)
	require.Equal(t, 1, w.used(accounts.QuotaInvitations, "acme"), "nothing comes back (A80)")
}

// The token of any other purpose opens no invitation, even one of the very same
// characters (A05).
func TestLink_OtherPurposes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	text := strings.TrimPrefix(link, string(token.Invitation))
	require.Len(t, text, 52)
	for _, p := range []token.Purpose{token.Request, token.Session, token.Proof, token.Reset, token.Address, token.Challenge, "cset_", "Cinv_", "cinv"} {
		w.dead(string(p) + text)
		require.ErrorIs(t, ignore(w.accept("ben", string(p)+text)), accounts.ErrNotFound)
	}
	require.NoError(t, ignore(w.accept("ben", link)))
}

// What cannot be a link is refused like one that never was, and meets no
// invitation whose link is gone (A09).
func TestLink_Malformed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	for _, bad := range []string{
		" ", "\x00", "c", "cinv_", strings.Repeat("A", 52), strings.Repeat("A", 1<<20), "cinv_" + strings.Repeat("A", 1<<20),
		" " + link, link + " ", link + "\n", link + "\x00", strings.ToLower(link), strings.ToUpper(link), link[:len(link)-1], link + "A",
		"cinv_" + strings.Repeat("1", 52), "cinv_" + strings.Repeat("\x00", 52), "cinv_" + strings.Repeat("é", 26), linkTop + link, "cinv_" + strings.Repeat("A", 52),
	} {
		w.dead(bad)
	}
	for _, d := range doors()[:2] {
		require.ErrorIs(t, d.open(w, ""), accounts.ErrNotFound, d.name)
	}
	// Without a link, the ids say which invitation is meant; without both,
	// nothing does.
	require.Equal(t, "account", field(t, ignore(w.accept("ben", ""))))
	require.Equal(t, "account", field(t, w.inv.Decline(t.Context(), accounts.Actor{}, invites.Answer{})))
	require.Empty(t, w.refusals(), "what means no invitation is nothing for the record")
	require.NoError(t, ignore(w.accept("ben", link)))
}

// A link in which any character is another one opens nothing (A10).
func TestLink_Altered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	for i := range link {
		for bit := range 8 {
			b := []byte(link)
			b[i] ^= 1 << bit
			require.ErrorIs(t, ignore(w.inv.Peek(t.Context(), string(b))), accounts.ErrNotFound)
			require.ErrorIs(t, ignore(w.accept("ben", string(b))), accounts.ErrNotFound)
		}
	}
	require.NoError(t, ignore(w.accept("ben", link)))
}

// What an invitation gives, and to whom, comes from what is stored, and not
// from who shows the link or what they say beside it (A08, A10).
func TestLink_BesideIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, link := w.invited("olga", "ben@example.com", roles.Viewer)
	w.put(member("nova", "ben", roles.Viewer)) // so that nova has something to be confused with
	m, err := w.inv.Accept(t.Context(), w.as("ben"), invites.Answer{Link: link, Account: "nova", Invitation: "another"})
	require.NoError(t, err)
	require.Equal(t, i.Account, m.Account, "what the link shows is what is accepted")
	require.Equal(t, roles.Viewer, m.Role)
}

// Opening a link changes nothing, however often: mail scanners do it (A11).
func TestLink_Peek(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must(w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{
		Account: "acme", Email: " Ben@Example.com", Role: roles.Author, Message: "Welcome,\nBen!",
	}))(t)
	link := w.link("ben@example.com")
	was := w.dump()
	for range 10 {
		v, err := w.inv.Peek(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, invites.View{
			Account: "acme", ID: i.ID, AccountName: "Acme", Inviter: "Amy", Address: "Ben@Example.com", Email: "ben@example.com",
			Role: roles.Author, Message: "Welcome,\nBen!", ExpiresAt: start().Add(week),
		}, v)
	}
	require.Equal(t, was, w.dump())
	require.NoError(t, ignore(w.accept("ben", link)))
}

// The secret of a link is in its mail and nowhere else: not in what calls
// answer, nor in lists, events, records of mail, kept answers or exports, and
// neither is its hash (A18, A106, I-26).
func TestLink_Plaintext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	var said []any
	say := func(v any, err error) {
		require.NoError(t, err)
		said = append(said, v)
	}
	var links []string
	keep := func(email string) { links = append(links, w.link(email)) }

	first, err := w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer, Key: "key"})
	say(first, err)
	keep("ben@example.com")
	second, err := w.inv.Invite(ctx, w.as("amy"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer})
	say(second, err)
	keep("new@example.com")
	w.clock.Add(time.Hour)
	say(w.inv.Resend(ctx, w.as("amy"), invites.Resend{Account: "acme", Invitation: first.ID, Key: "again"}))
	keep("ben@example.com")
	say(w.inv.Peek(ctx, links[2]))
	say(w.inv.Mine(ctx, w.as("ben")))
	say(nil, func() error {
		_, err := w.accept("eve", links[1])
		require.ErrorIs(t, err, invites.ErrOtherAddress)
		said = append(said, err.Error())
		return nil
	}())
	say(w.inv.List(ctx, w.as("amy"), "acme", invites.Page{}))
	say(w.accept("ben", links[2]))
	say(w.joinNew(links[1]))
	say(w.inv.List(ctx, w.as("amy"), "acme", invites.Page{}))
	say(w.events(), nil)
	say(w.mem.Mails(ctx, mail.Query{Limit: 1000}))
	for _, key := range []string{"key", "again"} {
		r, err := w.mem.Reply(ctx, accounts.ReplyKey{Actor: "user/amy", Account: "acme", Key: key})
		say(string(r.Answer), err)
	}
	require.NoError(t, w.graph.ExportUser(ctx, w.as("ben"), "ben", func(_ accounts.HeldKind, row any) error {
		said = append(said, row)
		return nil
	}))

	text, err := json.Marshal(said)
	require.NoError(t, err)
	all := fmt.Sprintf("%+v %#v %s", said, said, text)
	require.Contains(t, all, string(first.ID))
	for i, link := range links {
		hash, err := token.Parse(token.Invitation, link)
		require.NoError(t, err)
		for what, secret := range map[string]string{
			"the link": link[5:], "its hash": hash.String()[:8], "its hash in hexadecimals": fmt.Sprintf("%x", hash)[:16],
			"its hash as JSON": strings.Trim(string(must(json.Marshal(hash))(t)), "[]")[:20],
		} {
			require.NotContains(t, all, secret, "%s of link %d", what, i)
		}
	}
	for _, secret := range links {
		n := 0
		for _, m := range w.letters() {
			n += strings.Count(m.Text, secret) + strings.Count(m.Subject, secret)
		}
		require.Zero(t, n, "what was answered is in no mail that waits")
	}
}
