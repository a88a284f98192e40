package access_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// progress asks as mia how the mail of requests of Northlight comes along.
func (w *world) progress(ids ...accounts.RequestID) []mail.Progress {
	w.Helper()
	return must(w.requests.Progress(w.Context(), w.as("mia", "north"), "north", ids...))(w)
}

// An agency sees how far the mail of its requests has come: it waits, was tried in
// vain, was sent, and came back; the newest mail of a request counts, and each stands
// where it was asked for (A86).
func TestRequests_Progress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	desk := must(accounts.NewDesk(w.mem, w.env))(t)
	at := w.env.Now()
	carl, eve := w.send("carl@example.com"), w.send("eve@example.com")
	queued := mail.Progress{State: mail.Queued, Due: at, At: at}
	require.Equal(t, []mail.Progress{queued, {}, queued, queued}, w.progress(eve, "id-unknown", carl, eve))

	w.inbox.FailWith(func(m mail.Message) error {
		if m.To == "carl@example.com" {
			return errors.New("try later")
		}
		return nil
	})
	w.flush()
	got := w.progress(carl, eve)
	require.Equal(t, mail.Progress{State: mail.Sent, Attempts: 1, At: at}, got[1])
	require.Equal(t, mail.Progress{State: mail.Queued, Attempts: 1, Due: got[0].Due, At: at}, got[0])
	require.True(t, got[0].Due.After(at), "it is tried again later")

	w.inbox.FailWith(nil)
	w.clock.Set(got[0].Due)
	w.flush()
	sent := mail.Progress{State: mail.Sent, Attempts: 2, At: w.env.Now()}
	require.Equal(t, sent, w.progress(carl)[0])

	w.clock.Add(time.Minute)
	mails := must(desk.Mails(t.Context(), operator, mail.Query{To: "carl@example.com"}))(t)
	require.Len(t, mails, 1)
	require.NoError(t, desk.Bounced(t.Context(), job, mails[0].ID, "no such mailbox"))
	require.Equal(t, mail.Progress{State: mail.Bounced, Attempts: 2, At: w.env.Now()}, w.progress(carl)[0])

	w.clock.Add(time.Hour)
	require.NoError(t, w.requests.Resend(t.Context(), w.as("mia", "north"), access.Resend{Agency: "north", Request: carl}))
	require.Equal(t, mail.Progress{State: mail.Queued, Due: w.env.Now(), At: w.env.Now()}, w.progress(carl)[0], "the newest mail counts")
	require.NoError(t, w.requests.Withdraw(t.Context(), w.as("mia", "north"), "north", carl))
	require.Equal(t, mail.Progress{State: mail.Cancelled, At: w.env.Now()}, w.progress(carl)[0])
	require.NoError(t, w.requests.Withdraw(t.Context(), w.as("mia", "north"), "north", eve))
	require.Equal(t, mail.Sent, w.progress(eve)[0].State, "what was sent was sent")

	w.clock.Set(at.Add(time.Second))
	rick := w.send("rick@example.com")
	w.inbox.FailWith(func(mail.Message) error { return mail.Permanent(errors.New("no")) })
	w.flush()
	require.Equal(t, mail.Progress{State: mail.Dead, Attempts: 1, At: w.env.Now()}, w.progress(rick)[0])
}

// Whoever may list an agency's requests may ask, the host among them, and nobody
// else: the refusal is on record (A32, A36, A105).
func TestRequests_Progress_who(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("carl@example.com")
	for _, actor := range []accounts.Actor{w.as("ann", "north"), w.as("adam", "north"), w.as("mia", "north"), job, operator} {
		require.Equal(t, mail.Queued, must(w.requests.Progress(t.Context(), actor, "north", id))(t)[0].State)
	}
	require.Zero(t, w.count(accounts.EventRefused))
	for _, tt := range []struct {
		actor accounts.Actor
		want  error
		why   []string
	}{
		{w.as("vic", "north"), roles.ErrDenied, []string{"clients.progress at north by vic: denied"}},
		{w.as("sue", ""), accounts.ErrNotFound, []string{"clients.progress at north by sue: outsider"}},
		{w.as("carl", "willow"), accounts.ErrInvalid, nil}, // admitted elsewhere
		{w.as("carl", ""), accounts.ErrNotFound, []string{"clients.progress at north by carl: outsider"}},
		{accounts.Actor{}, roles.ErrDenied, nil},
	} {
		n := len(w.refusals())
		got, err := w.requests.Progress(t.Context(), tt.actor, "north", id)
		require.ErrorIs(t, err, tt.want)
		require.Nil(t, got)
		require.ElementsMatch(t, tt.why, w.refusals()[n:])
	}
}

// Ids of another agency's requests tell nothing, not even that they exist: they are
// answered like ids that nobody ever had (A36, A40).
func TestRequests_Progress_others(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.send("carl@example.com")
	south := must(w.requests.Progress(t.Context(), w.as("sue", "south"), "south", id, "id-unknown"))(t)
	require.Equal(t, []mail.Progress{{}, {}}, south)
	theirs := w.batch("sue", "south", "carl@example.com").Answers[0].Request
	require.Equal(t, []mail.Progress{{}}, w.progress(theirs))
	require.Equal(t, []mail.Progress{{}}, w.progress(accounts.RequestID("x/../"+string(id))), "no id reaches beyond its level")
}

// A page asks once: one question about who asks, and one about all of the ids, at
// most 1,000 (I-25).
func TestRequests_Progress_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mia := w.as("mia", "north")
	ids := make([]accounts.RequestID, 1001)
	for i := range ids {
		ids[i] = accounts.RequestID(fmt.Sprintf("id-%d", i))
	}
	ids[999] = w.send("carl@example.com")
	var calls []string
	w.st.on(func(call string, do func() error) error {
		calls = append(calls, call)
		return do()
	})
	got := must(w.requests.Progress(t.Context(), mia, "north", ids[:1000]...))(t)
	require.Equal(t, []string{"Standings", "Newest"}, calls)
	require.Len(t, got, 1000)
	require.Equal(t, mail.Queued, got[999].State)
	require.Equal(t, mail.Progress{}, got[998])

	calls = nil
	require.Empty(t, must(w.requests.Progress(t.Context(), mia, "north"))(t))
	require.Equal(t, []string{"Standings"}, calls)
	calls = nil
	for name, err := range map[string]error{
		"ids":    refuses(w.requests.Progress(t.Context(), mia, "north", ids...)),
		"agency": refuses(w.requests.Progress(t.Context(), mia, "", ids[0])),
	} {
		var bad *accounts.InvalidError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, name, bad.Field)
	}
	for _, id := range []accounts.RequestID{"", "a b", "a\n"} {
		require.ErrorIs(t, refuses(w.requests.Progress(t.Context(), mia, "north", ids[0], id)), accounts.ErrInvalid)
	}
	require.Empty(t, calls, "what is malformed asks nothing")
}
