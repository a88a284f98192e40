package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// dispatch claims and settles on one channel until nothing is due, and says
// which messages were recorded as sent. It gives one in five back.
func dispatch(ctx context.Context, st *sqlite.Store, channel mail.Channel) error {
	for n := 0; ; n++ {
		got, err := st.ClaimMail(ctx, mail.Claim{Channel: channel, At: noon, Lease: time.Hour, Limit: 1 + n%4})
		if errors.Is(err, accounts.ErrConflict) {
			continue // busy
		}
		if err != nil || len(got) == 0 {
			return err
		}
		for i, d := range got {
			if d.Message.Channel != channel {
				return fmt.Errorf("%s goes by %s and was claimed on %s", d.Message.ID, d.Message.Channel, channel)
			}
			o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: noon}
			if (n+i)%5 == 4 {
				o.State, o.Next, o.Untried = mail.Queued, noon, true
			}
			err := st.SettleMail(ctx, o)
			for errors.Is(err, accounts.ErrConflict) {
				err = st.SettleMail(ctx, o)
			}
			switch {
			case err == nil && o.State == mail.Sent:
				fmt.Println(d.Message.ID)
			case err != nil && !errors.Is(err, mail.ErrFenced):
				return err
			}
		}
	}
}

// Eight processes send the mail of two channels, while another takes reasons
// back and reports messages as come back. Each message goes once, on its own
// channel, or is taken back; and what came back is what was sent (A85, I-22).
func TestProcesses_Dispatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), path, &sqlite.Options{BusyTimeout: time.Minute}) // eight others write, and here nobody tries again
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, st.Close())
		sound(t, path)
	})
	const messages = 400
	apply(t, st, change("promise", func(c *access.Change) {
		for i := range messages {
			m := message(fmt.Sprintf("m%03d", i), fmt.Sprintf("r/%d", i%20))
			m.Channel = []mail.Channel{mail.Email, mail.SMS}[i%2]
			c.Mail = append(c.Mail, m)
		}
	}))
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range 20 {
			if i%4 == 0 {
				err = errors.Join(err, st.ApplyAccess(t.Context(), change(fmt.Sprint("cancel-", i), func(c *access.Change) {
					c.CancelMail = []mail.Reason{mail.ReasonFor("r", fmt.Sprint(i))}
				})))
			}
			for n := i; n < messages; n += 20 {
				id := fmt.Sprintf("m%03d", n)
				back := st.ApplyAccess(t.Context(), change("back-"+id, func(c *access.Change) {
					c.Bounced = []mail.Bounce{{ID: id, At: noon, Error: "no such mailbox"}}
				}))
				if !errors.Is(back, accounts.ErrConflict) { // it was not sent yet, or never is
					err = errors.Join(err, back)
				}
			}
			time.Sleep(5 * time.Millisecond) // the others are at work by then
		}
		done <- err
	}()
	said := children(t, "dispatch", path, func(i int) string { return []string{"email", "sms"}[i%2] })
	require.NoError(t, <-done)
	sent := map[string]bool{}
	for _, id := range said {
		require.False(t, sent[id], "%s was sent twice", id)
		sent[id] = true
	}
	records, err := st.Mails(t.Context(), mail.Query{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, records, messages)
	states := map[mail.State]int{}
	for _, r := range records {
		states[r.State]++
		want := mail.Cancelled
		if sent[r.ID] {
			want = mail.Sent
		}
		if sent[r.ID] && r.State == mail.Bounced {
			continue
		}
		require.Equal(t, want, r.State, r.ID)
		require.True(t, sent[r.ID] || taken(r), "%s was taken back, and nobody took back its reason", r.ID)
	}
	t.Logf("%v", states)
}

// taken reports whether the record's reason is one in four.
func taken(r mail.Record) bool {
	var n int
	_, err := fmt.Sscanf(string(r.Reason), "r/%d", &n)
	return err == nil && n%4 == 0
}
