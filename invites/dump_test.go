package invites_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// dump tells everything that is stored and that an operation on an invitation
// could touch, line by line.
func (w *world) dump() string {
	w.Helper()
	var b strings.Builder
	ctx, now := w.Context(), w.env.Now()
	line := func(v any, err error) {
		if err == nil {
			fmt.Fprintf(&b, "%+v\n", v)
		}
	}
	users := []accounts.UserID{"olga", "amy", "adam", "max", "vic", "nick", "ben", "eve", "42"}
	for _, id := range users {
		key := accounts.UserKey{ID: id}
		line(w.mem.User(ctx, key))
		line(w.mem.Means(ctx, key))
	}
	for _, id := range []accounts.AccountID{"acme", "nova"} {
		line(w.mem.Account(ctx, id))
		for _, u := range users {
			key := accounts.StandingKey{User: u, Account: id}
			line(w.mem.Membership(ctx, key))
			line(w.mem.Reply(ctx, accounts.ReplyKey{Actor: "user/" + string(u), Account: id, Key: "key"}))
			for _, action := range []accounts.EventKind{invites.EventInvited, invites.EventInvitationAccepted, invites.EventClientJoined} {
				line(w.mem.Challenge(ctx, accounts.ChallengeKey{User: u, Session: accounts.SessionID("session-" + u), Action: action, Account: id}))
			}
		}
		list := must(w.mem.Invitations(ctx, invites.ListQuery{Account: id, At: now, Limit: 1000}))(w)
		for _, l := range list {
			fmt.Fprintf(&b, "%+v %x\n", l.Invitation, l.Invitation.Hash)
		}
		fmt.Fprintf(&b, "%d\n", w.used(accounts.QuotaInvitations, string(id)))
	}
	for _, s := range []string{"ben", "eve", "new", "other"} {
		email := accounts.Email(s + "@example.com")
		line(w.mem.Means(ctx, accounts.UserKey{Email: email}))
		fmt.Fprintf(&b, "%d\n", w.used(accounts.QuotaRecipient, string(email)))
	}
	for _, id := range []accounts.ClientID{"cleo", "dora", "eve", "old"} {
		key := accounts.ClientKey{Account: "acme", ID: id}
		f, err := w.mem.SettingUp(ctx, invites.SettingUpQuery{ClientKey: key, Day: accounts.DayOf(now)})
		line(f.Client, err)
		line(f.Holder, err)
		line(fmt.Sprintf("%+v %x %d", f.Link, f.Link.Hash, f.Mails), err)
	}
	line(w.mem.Mails(ctx, mail.Query{Limit: 1000}))
	for _, m := range w.letters() {
		fmt.Fprintf(&b, "%s to %s %q %q\n", m.ID, m.To, m.Subject, m.Text)
	}
	for _, e := range w.events() {
		line(e, nil)
	}
	return b.String()
}

func TestWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite("amy", "ben@example.com", roles.Viewer)
	was := w.dump()
	require.Equal(t, was, w.dump(), "looking changes nothing")
	again := newWorld(t)
	again.invite("amy", "ben@example.com", roles.Viewer)
	require.Equal(t, was, again.dump(), "a world is the same each time")
}

// door is a way to use the secret of a link.
type door struct {
	name string
	open func(w *world, link string) error
}

// doors are all ways to use a link for whoever only holds it: signed out, or
// signed in as somebody who was not invited.
func doors() []door {
	return []door{
		{"Peek", func(w *world, link string) error { return ignore(w.inv.Peek(w.Context(), link)) }},
		{"AcceptNew", func(w *world, link string) error { return ignore(w.joinNew(link)) }},
		{"Decline, signed out", func(w *world, link string) error {
			return w.inv.Decline(w.Context(), accounts.Actor{}, invites.Answer{Link: link})
		}},
		{"Accept, signed out", func(w *world, link string) error {
			return ignore(w.inv.Accept(w.Context(), accounts.Actor{}, invites.Answer{Link: link}))
		}},
		{"Accept as another user", func(w *world, link string) error { return ignore(w.accept("eve", link)) }},
		{"Decline as another user", func(w *world, link string) error {
			return w.inv.Decline(w.Context(), w.as("eve"), invites.Answer{Link: link})
		}},
	}
}

// dead requires that a link is unknown at every door, in the same words, and
// that nothing comes of trying but what is on record of a known user.
func (w *world) dead(link string) {
	w.Helper()
	was, events := w.without(accounts.EventRefused), w.count(accounts.EventRefused)
	for _, d := range doors() {
		err := d.open(w, link)
		require.ErrorIs(w, err, accounts.ErrNotFound, d.name)
		require.Equal(w, accounts.ErrNotFound.Error(), err.Error(), "%s: one answer, in the same words", d.name)
	}
	require.Equal(w, was, w.without(accounts.EventRefused))
	require.LessOrEqual(w, w.count(accounts.EventRefused), events+2)
}

// without is the dump without the events of one kind.
func (w *world) without(kind accounts.EventKind) string {
	w.Helper()
	var kept []string
	for l := range strings.Lines(w.dump()) {
		if !strings.Contains(l, "Kind:"+string(kind)+" ") {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "")
}

var _ invites.Store = (*memory.Store)(nil)
