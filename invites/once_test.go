package invites_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// A call that is repeated with the same key and input is answered the same, and
// has one effect; with other input it is an error without effect. Keys of
// others, and at other accounts, are other keys; they are kept for 24 hours
// (A97, I-27, D6 of the product).
func TestOnce_Invite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	in := invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer, Message: "Hello", Locale: "de", Key: "key"}
	amy := w.as("amy")
	first := must(w.inv.Invite(ctx, amy, in))(t)
	was := w.dump()
	w.clock.Add(time.Minute)
	require.Equal(t, first, must(w.inv.Invite(ctx, amy, in))(t))
	require.Equal(t, was, w.dump())

	for _, change := range []func(in *invites.Invite){
		func(in *invites.Invite) { in.Email = "other@example.com" },
		func(in *invites.Invite) { in.Role = roles.Admin },
		func(in *invites.Invite) { in.Message = "Hello?" },
		func(in *invites.Invite) { in.Locale = "" },
	} {
		other := in
		change(&other)
		out, err := w.inv.Invite(ctx, amy, other)
		require.ErrorIs(t, err, accounts.ErrKeyReused)
		require.Zero(t, out)
	}
	_, err := w.inv.Resend(ctx, amy, invites.Resend{Account: "acme", Invitation: first.ID, Key: "key"})
	require.ErrorIs(t, err, accounts.ErrKeyReused, "it is another operation")
	require.Equal(t, was, w.dump())
	_, err = w.inv.Invite(ctx, w.as("adam"), in)
	require.ErrorIs(t, err, accounts.ErrTaken, "adam's key is not amy's")

	require.NoError(t, w.revoke("adam", first.ID))
	require.Equal(t, first, must(w.inv.Invite(ctx, amy, in))(t), "it is an answer about what was done then")
	w.clock.Set(start().Add(day - time.Microsecond))
	require.Equal(t, first, must(w.inv.Invite(ctx, w.as("amy"), in))(t))
	w.clock.Add(time.Microsecond)
	next := must(w.inv.Invite(ctx, w.as("amy"), in))(t)
	require.NotEqual(t, first.ID, next.ID)
}

// An answer that was kept is for somebody who may still ask for it (A37).
func TestOnce_RightLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer, Key: "key"}
	require.NoError(t, ignore(w.inv.Invite(t.Context(), w.as("amy"), in)))
	require.NoError(t, toRole("amy", roles.Viewer)(w))
	out, err := w.inv.Invite(t.Context(), w.as("amy"), in)
	require.ErrorIs(t, err, roles.ErrDenied)
	require.Zero(t, out)
}

func TestOnce_Resend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	i, old := w.invited("amy", "new@example.com", roles.Viewer)
	w.clock.Add(time.Hour)
	in := invites.Resend{Account: "acme", Invitation: i.ID, Key: "key"}
	first := must(w.inv.Resend(ctx, w.as("amy"), in))(t)
	link := w.link("new@example.com")
	was := w.dump()
	require.Equal(t, first, must(w.inv.Resend(ctx, w.as("amy"), in))(t), "and not: too early")
	require.Equal(t, was, w.dump())
	w.dead(old)
	require.NoError(t, ignore(w.inv.Peek(ctx, link)))
}

// What is kept for a key names nobody: neither the address nor the words are in
// it, so that forgetting an address leaves none behind. The answer is whole as
// long as the invitation is, and after that it has what is left (A97, D7 of the
// product).
func TestOnce_NamesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	in := invites.Invite{Account: "acme", Email: "Target@Example.com", Role: roles.Viewer, Message: "Hush", Key: "key"}
	sent := must(w.inv.Invite(ctx, w.as("amy"), in))(t)
	w.clock.Add(time.Hour)
	resend := invites.Resend{Account: "acme", Invitation: sent.ID, Key: "again"}
	resent := must(w.inv.Resend(ctx, w.as("amy"), resend))(t)
	for _, key := range []string{"key", "again"} {
		r := must(w.mem.Reply(ctx, accounts.ReplyKey{Actor: "user/amy", Account: "acme", Key: key}))(t)
		require.Contains(t, string(r.Answer), string(sent.ID))
		for _, word := range []string{"target", "hush"} {
			require.NotContains(t, strings.ToLower(string(r.Answer)), word)
		}
	}
	require.Equal(t, "Hush", resent.Message)
	require.Equal(t, sent, must(w.inv.Invite(ctx, w.as("amy"), in))(t))
	require.Equal(t, resent, must(w.inv.Resend(ctx, w.as("amy"), resend))(t))

	require.NoError(t, w.graph.ForgetAddress(ctx, staff, "target@example.com"))
	for _, i := range []*invites.Invitation{&sent, &resent} {
		i.Email, i.Address, i.Message = "", "", ""
	}
	was := w.dump()
	require.Equal(t, sent, must(w.inv.Invite(ctx, w.as("amy"), in))(t))
	require.Equal(t, resent, must(w.inv.Resend(ctx, w.as("amy"), resend))(t))
	require.Equal(t, was, w.dump(), "one call, one effect, whatever became of it")
}

// Of many calls with one key at once, one has an effect, and all get its answer
// (A97).
func TestOnce_AtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := patient(t)
	in := invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer, Key: "key"}
	amy := w.as("amy")
	answers := make([]invites.Invitation, 16)
	do := times(len(answers), func(n int) (err error) {
		answers[n], err = w.inv.Invite(ctx, amy, in)
		return err
	})
	w.st.on(gate(len(do)))
	for n, err := range together(do...) {
		require.NoError(t, err)
		require.Equal(t, answers[0], answers[n])
	}
	require.Equal(t, 1, w.count(invites.EventInvited))
	require.Equal(t, 1, w.used(accounts.QuotaInvitations, "acme"))
	require.Len(t, w.letters(), 1)
}
