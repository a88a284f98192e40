package invites_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// flush delivers what is due by mail; with an error, that is what the server says.
func (w *world) flush(answer error) {
	w.Helper()
	inbox := &mailtest.Recorder{}
	inbox.FailWith(func(mail.Message) error { return answer })
	d := must(mail.NewDispatcher(w.mem, inbox, &mail.DispatcherOptions{Templates: templates(), Clock: w.clock, Workers: 1}))(w)
	must(d.Flush(w.Context()))(w)
}

// bounce reports that the newest mail to somebody came back.
func (w *world) bounce(address string) {
	w.Helper()
	desk := must(accounts.NewDesk(w.mem, w.env))(w)
	list := must(desk.Mails(w.Context(), staff, mail.Query{To: address}))(w)
	require.NoError(w, desk.Bounced(w.Context(), job, list[len(list)-1].ID, "550 no such mailbox"))
}

// Whoever manages members sees how far the mail of each invitation has come: it
// waits, was tried in vain, was sent, and came back; the newest counts (A86).
func TestService_Progress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.env.Now()
	ben, eve := w.invite("amy", "ben@example.com", roles.Viewer), w.invite("amy", "new@example.com", roles.Viewer)
	progress := func(ids ...accounts.InvitationID) []mail.Progress {
		return must(w.inv.Progress(t.Context(), w.as("amy"), "acme", ids...))(t)
	}
	queued := mail.Progress{State: mail.Queued, Due: at, At: at}
	require.Equal(t, []mail.Progress{queued, {}, queued}, progress(eve.ID, "unknown", ben.ID))
	w.flush(errors.New("try later"))
	got := progress(ben.ID)[0]
	require.Equal(t, mail.Progress{State: mail.Queued, Attempts: 1, Due: got.Due, At: at}, got)
	require.True(t, got.Due.After(at))
	w.clock.Set(got.Due.Add(time.Minute))
	w.flush(nil)
	require.Equal(t, mail.Progress{State: mail.Sent, Attempts: 2, At: w.env.Now()}, progress(ben.ID)[0])
	w.clock.Add(time.Minute)
	w.bounce("ben@example.com")
	require.Equal(t, mail.Progress{State: mail.Bounced, Attempts: 2, At: w.env.Now()}, progress(ben.ID)[0])
	require.Equal(t, mail.Sent, progress(eve.ID)[0].State)

	w.clock.Add(2 * time.Hour)
	must(w.inv.Resend(t.Context(), w.as("amy"), invites.Resend{Account: "acme", Invitation: ben.ID}))(t)
	require.Equal(t, mail.Progress{State: mail.Queued, Due: w.env.Now(), At: w.env.Now()}, progress(ben.ID)[0])
	for _, id := range []accounts.InvitationID{ben.ID, eve.ID} {
		require.NoError(t, w.inv.Revoke(t.Context(), w.as("amy"), "acme", id))
	}
	require.Equal(t, mail.Progress{State: mail.Cancelled, At: w.env.Now()}, progress(ben.ID)[0])
	require.Equal(t, mail.Sent, progress(eve.ID)[0].State, "what was sent was sent")
}

// Whoever manages clients sees how far the newest setup mail of each has come, one
// that the client asked for anew included; and no link that was only shown changes
// what is told of the mail before: it was sent, or taken back (A86).
func TestSetupLinks_Progress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strict(day))
	w.put(client("acme", "eve", "eve@example.com"))
	progress := func() []mail.Progress {
		return must(w.links.Progress(t.Context(), w.as("max"), "acme", "cleo", "dora", "eve", "none"))(t)
	}
	at := w.env.Now()
	link := w.send("cleo")
	w.generate("dora")
	w.send("eve")
	queued := mail.Progress{State: mail.Queued, Due: at, At: at}
	require.Equal(t, []mail.Progress{queued, {}, queued, {}}, progress())

	w.clock.Add(time.Minute)
	w.generate("eve")
	require.Equal(t, mail.Progress{State: mail.Cancelled, At: w.env.Now()}, progress()[2], "its link is dead, so it is not sent")
	w.flush(nil)
	sent := mail.Progress{State: mail.Sent, Attempts: 1, At: w.env.Now()}
	require.Equal(t, sent, progress()[0])
	w.clock.Add(time.Minute)
	w.generate("cleo")
	require.Equal(t, sent, progress()[0], "it tells of the mail, which was sent")
	latest := must(w.links.Latest(t.Context(), w.as("max"), mailed))(t)
	require.Equal(t, []bool{false, true}, []bool{latest.Mailed, latest.Live}, "and this tells of the link, which was only shown")
	require.ErrorIs(t, ignore(w.links.Peek(t.Context(), link)), accounts.ErrNotFound)

	link = w.send("cleo")
	w.flush(nil)
	w.clock.Add(day)
	require.NoError(t, w.links.Refresh(t.Context(), link))
	require.Equal(t, mail.Progress{State: mail.Queued, Due: w.env.Now(), At: w.env.Now()}, progress()[0], "a fresh link is mail too")
	w.flush(mail.Permanent(errors.New("no")))
	require.Equal(t, mail.Progress{State: mail.Dead, Attempts: 1, At: w.env.Now()}, progress()[0])

	w.send("eve")
	w.flush(nil)
	w.clock.Add(time.Second)
	w.bounce("eve@example.com")
	require.Equal(t, mail.Progress{State: mail.Bounced, Attempts: 1, At: w.env.Now()}, progress()[2])
	w.suspendClient("eve")
	require.Equal(t, mail.Bounced, progress()[2].State, "a client who may not come in has had mail all the same")
}

// Ids of another account tell nothing: they are answered like ids that nobody ever
// had (A36, A40).
func TestProgress_others(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.invite("amy", "ben@example.com", roles.Viewer)
	w.send("cleo")
	nick := w.as("nick")
	require.Equal(t, []mail.Progress{{}, {}}, must(w.inv.Progress(t.Context(), nick, "nova", i.ID, "unknown"))(t))
	require.Equal(t, []mail.Progress{{}, {}}, must(w.links.Progress(t.Context(), nick, "nova", "cleo", "unknown"))(t))
	require.Equal(t, []mail.Progress{{}}, must(w.links.Progress(t.Context(), w.as("max"), "acme", "x/../cleo"))(t))
	require.ErrorIs(t, ignore(w.inv.Progress(t.Context(), nick, "acme", i.ID)), accounts.ErrNotFound)
	require.ErrorIs(t, ignore(w.links.Progress(t.Context(), nick, "acme", "cleo")), accounts.ErrNotFound)
}

// A page asks once, about at most 1,000 ids; what is malformed asks nothing.
func TestProgress_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls []string
	w.st.on(func(call string, do func() error) error {
		calls = append(calls, call)
		return do()
	})
	var invitations []accounts.InvitationID
	var clients []accounts.ClientID
	for i := range 1001 {
		invitations, clients = append(invitations, accounts.InvitationID(fmt.Sprint("i", i))), append(clients, accounts.ClientID(fmt.Sprint("c", i)))
	}
	olga := w.as("olga")
	for name, ask := range map[string]func(account accounts.AccountID, n int) ([]mail.Progress, error){
		"invitations": func(a accounts.AccountID, n int) ([]mail.Progress, error) {
			return w.inv.Progress(t.Context(), olga, a, invitations[:n]...)
		},
		"clients": func(a accounts.AccountID, n int) ([]mail.Progress, error) {
			return w.links.Progress(t.Context(), olga, a, clients[:n]...)
		},
	} {
		calls = nil
		require.Len(t, must(ask("acme", 1000))(t), 1000, name)
		require.Equal(t, []string{"Standings", "Newest"}, calls, name)
		calls = nil
		require.Empty(t, must(ask("acme", 0))(t), name)
		require.Equal(t, []string{"Standings"}, calls, name)
		calls = nil
		_, err := ask("acme", 1001)
		require.Equal(t, "ids", field(t, err), name)
		_, err = ask("", 1)
		require.Equal(t, "account", field(t, err), name)
		require.Empty(t, calls, name)
	}
	require.Equal(t, "ids", field(t, ignore(w.inv.Progress(t.Context(), olga, "acme", "i1", "a b"))))
	require.Equal(t, "ids", field(t, ignore(w.links.Progress(t.Context(), olga, "acme", ""))))
}
