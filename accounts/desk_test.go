package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// dead queues a message and gives it up.
func (w *world) dead(id string, notAfter time.Time) { w.t.Helper(); w.mailed(id, notAfter, mail.Dead) }

// mailed queues a message on behalf of orbit, and has it end in a state; or wait,
// or be taken back.
func (w *world) mailed(id string, notAfter time.Time, state mail.State) {
	w.t.Helper()
	c := accounts.Change{Op: accounts.OpID("mail-" + id)}
	c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: "put"}}
	c.Mail = []mail.Message{{
		ID: id, Channel: mail.Email, Kind: mail.Assigned, Account: "orbit", To: "mia@people.example", Subject: "Subject", Text: "Text\n",
		Reason: mail.ReasonFor("account", "orbit", id), Due: start, NotAfter: notAfter, CreatedAt: start,
	}}
	require.NoError(w.t, w.st.ApplyAccounts(w.t.Context(), c))
	if state == mail.Queued {
		return
	}
	if state == mail.Cancelled {
		c = accounts.Change{Op: c.Op + "-cancelled", CancelMail: []mail.Reason{c.Mail[0].Reason}}
		c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: "put"}}
		require.NoError(w.t, w.st.ApplyAccounts(w.t.Context(), c))
		return
	}
	due, err := w.st.ClaimMail(w.t.Context(), mail.Claim{Channel: mail.Email, At: start, Lease: time.Minute, Limit: 10})
	require.NoError(w.t, err)
	require.Len(w.t, due, 1)
	o := mail.Outcome{ID: id, Fence: due[0].Fence, State: state, At: start}
	if state == mail.Dead {
		o.Error = "refused"
	}
	require.NoError(w.t, w.st.SettleMail(w.t.Context(), o))
}

// The host's staff see what became of mail, and send again what was given up;
// it is on record with who did it and why (D8, A86, A105).
func TestDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("ann"), account("orbit"), member("orbit", "ann", roles.Owner))
	desk, err := accounts.NewDesk(w.st, w.env)
	require.NoError(t, err)
	w.dead("m", time.Time{})
	w.dead("old", start)
	requeued := func() []accounts.Event {
		list, err := w.st.Events(t.Context(), accounts.EventQuery{Account: "orbit", Kinds: []accounts.EventKind{accounts.EventMailRequeued}})
		require.NoError(t, err)
		return list
	}

	t.Run("people are refused, owners too", func(t *testing.T) {
		for _, actor := range []accounts.Actor{w.as("ann"), {}} {
			_, err := desk.Mails(t.Context(), actor, mail.Query{})
			require.ErrorIs(t, err, roles.ErrDenied)
			require.ErrorIs(t, desk.Requeue(t.Context(), actor, "m"), roles.ErrDenied)
			require.ErrorIs(t, desk.Bounced(t.Context(), actor, "m", "why"), roles.ErrDenied)
			require.ErrorIs(t, desk.Bounced(t.Context(), actor, "nothing", "why"), roles.ErrDenied)
			require.ErrorIs(t, desk.Requeue(t.Context(), actor, "nothing"), roles.ErrDenied, "and learn of no message")
		}
	})
	list, err := desk.Mails(t.Context(), staff(), mail.Query{State: mail.Dead, Account: "orbit"})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "refused", list[0].Error)

	require.ErrorIs(t, desk.Requeue(t.Context(), staff(), "nothing"), accounts.ErrNotFound)
	require.Equal(t, "mail", field(t, desk.Requeue(t.Context(), staff(), "")))
	require.Equal(t, "mail", field(t, desk.Requeue(t.Context(), staff(), "old")), "a link that expired is not sent again")
	require.Empty(t, requeued())

	require.NoError(t, desk.Requeue(t.Context(), staff(), "m"))
	require.Equal(t, "mail", field(t, desk.Requeue(t.Context(), staff(), "m")), "what waits is not dead")
	require.Len(t, requeued(), 1)
	e := requeued()[0]
	require.Equal(t, []any{accounts.AccountID("orbit"), "m", "kim", "ticket 7"}, []any{e.Account, e.Mail, e.By.Operator, e.By.Reason})
	due, err := w.st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: w.env.Now(), Lease: time.Minute, Limit: 10})
	require.NoError(t, err)
	require.Len(t, due, 1)
	require.Equal(t, "Text\n", due[0].Message.Text)
	require.Equal(t, 1, due[0].Attempt)
}

func TestNewDesk(t *testing.T) {
	t.Parallel()
	_, err := accounts.NewDesk(nil, nil)
	require.Equal(t, "store", field(t, err))
	w := newWorld(t)
	_, err = accounts.NewDesk(w.st, nil)
	require.NoError(t, err, "nil takes every default")
}
