package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

const unread = "what the message says cannot be read"

// spoilt is a store of so many messages for a user, in the order of their ids, and a
// way to write to it by hand.
func spoilt(t *testing.T, n int) (*sqlite.Store, func(text string, args ...any) error) {
	t.Helper()
	st, path := fresh(t, nil)
	apply(t, st, change("promise", func(c *access.Change) {
		for i := range n {
			m := message(fmt.Sprintf("m%02d", i), "r")
			m.User, m.NotAfter, m.Data.Code = "u", noon.Add(time.Hour), "042"
			c.Mail = append(c.Mail, m)
		}
	}))
	return st, func(text string, args ...any) error {
		db, err := sql.Open("sqlite", path+hostDSN)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		_, err = db.ExecContext(t.Context(), text, args...)
		return err
	}
}

const spoil = `UPDATE chatelaine_mails SET data = ? WHERE id = ?`

func state(t *testing.T, st *sqlite.Store, id string) mail.Record {
	t.Helper()
	list, err := st.Mails(t.Context(), mail.Query{ID: id})
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}

// A message that cannot be read is dead, and keeps no other from going out (A86).
func TestOutbox_unread(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"is cut": `{"at":`, "is a list": `[]`, "has a moment that is none": `{"At":"yesterday"}`, "is no JSON": "\x00\xff", "goes on": `{} {}`,
	} {
		t.Run("a message whose data "+name+" keeps no other from going out", func(t *testing.T) {
			t.Parallel()
			st, write := spoilt(t, 50)
			require.NoError(t, write(spoil, data, "m07"))
			var sent []string
			d, err := mail.NewDispatcher(st, mail.MailerFunc(func(_ context.Context, m mail.Message) error {
				require.Equal(t, "u", m.User)
				sent = append(sent, m.ID)
				return nil
			}), &mail.DispatcherOptions{Clock: stopped{}, Workers: 1})
			require.NoError(t, err)
			_, err = d.Flush(t.Context())
			require.NoError(t, err)
			require.Len(t, sent, 49)
			require.NotContains(t, sent, "m07")
			r := state(t, st, "m07")
			require.Equal(t, []any{mail.Dead, unread, noon, 1}, []any{r.State, r.Error, r.SettledAt, r.Attempts})
		})
	}
}

type stopped struct{}

func (stopped) Now() time.Time { return noon }

// Others take the places of messages that cannot be read, so that a claim which
// finds no others first is not one that found nothing.
func TestOutbox_unread_first(t *testing.T) {
	t.Parallel()
	st, write := spoilt(t, 12)
	for i := range 10 {
		require.NoError(t, write(spoil, "no", fmt.Sprintf("m%02d", i)))
	}
	claim := func(lease time.Duration, limit int) (ids []string) {
		got, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: noon, Lease: lease, Limit: limit})
		require.NoError(t, err)
		for _, d := range got {
			ids = append(ids, d.Message.ID)
		}
		return ids
	}
	require.Equal(t, []string{"m10"}, claim(time.Minute, 1))
	require.Equal(t, []string{"m11"}, claim(time.Minute, 9))
	require.Empty(t, claim(time.Minute, 9))
	dead, err := st.Mails(t.Context(), mail.Query{State: mail.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 10)

	// With a lease of nothing no message comes twice in one answer.
	st, write = spoilt(t, 3)
	require.NoError(t, write(spoil, "no", "m01"))
	require.Equal(t, []string{"m00", "m02"}, claim(0, 9))
}

// A message that died because it cannot be read is dead like any other: it is
// listed and held, is queued again when somebody has mended it, is erased with its
// time, and forgotten with its user.
func TestOutbox_unread_dead(t *testing.T) {
	t.Parallel()
	st, write := spoilt(t, 1)
	require.NoError(t, write(spoil, "spoilt", "m00"))
	held := func() []accounts.Held {
		list, err := st.Held(t.Context(), accounts.HeldQuery{Kind: accounts.HeldMail, User: "u"})
		require.NoError(t, err)
		return list
	}
	claim := func(at time.Time) []mail.Delivery {
		got, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: 9})
		require.NoError(t, err)
		return got
	}
	requeue := func() {
		n, err := st.RequeueMail(t.Context(), []string{"m00"}, noon)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	require.Len(t, held(), 1)
	newest, err := st.Newest(t.Context(), []mail.Reason{"r"})
	require.NoError(t, err)
	require.Equal(t, "m00", newest[0].ID)
	require.Empty(t, claim(noon))
	require.Equal(t, mail.Dead, held()[0].Row.(mail.Record).State)

	requeue()
	require.Empty(t, claim(noon), "it dies of the same again")
	require.NoError(t, write(spoil, `{"Code":"043"}`, "m00"))
	requeue()
	got := claim(noon)
	require.Equal(t, "043", got[0].Message.Data.Code)
	require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: "m00", Fence: got[0].Fence, State: mail.Dead, At: noon}))

	requeue()
	require.NoError(t, write(spoil, "spoilt", "m00"))
	require.Empty(t, claim(noon.Add(time.Hour)), "it is past its time, too")
	requeue()
	got = claim(noon)
	require.Len(t, got, 1, "what cannot be read was erased with the rest")
	require.Empty(t, got[0].Message.Text)
	require.Zero(t, got[0].Message.Data)

	require.NoError(t, write(spoil, "spoilt", "m00"))
	apply(t, st, change("forget", func(c *access.Change) { c.Forget = []accounts.Forget{{User: "u"}} }))
	require.Empty(t, held())
	r := state(t, st, "m00")
	require.Equal(t, []any{mail.Cancelled, "", ""}, []any{r.State, r.To, r.Error})
}

// Whatever writes to the table, no column holds a value of another type, which
// would be a row that nothing can read.
func TestOutbox_strict(t *testing.T) {
	t.Parallel()
	_, write := spoilt(t, 1)
	for _, set := range []string{
		"due_at = 'soon'", "not_after = 1.5", "created_at = x'00'", "priority = 'high'", "attempts = 'many'", "fence = x'01'", "leased_until = NULL",
		"body = x'00ff'", "subject = NULL", "sealed = 'text'", "sealed = 1", "channel = x'00'", "data = x'7b'",
	} {
		require.Error(t, write("UPDATE chatelaine_mails SET "+set), set)
	}
}
