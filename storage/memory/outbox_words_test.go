package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// Nothing of what a message said, open or sealed, is kept once it was sent, taken
// back, died too late, lost its recipient or was swept (A92, I-26, D7).
func TestStore_mailErased(t *testing.T) {
	t.Parallel()
	reason := accounts.LoginReason("u") + "/code/1"
	settled := func(state mail.State, at time.Time) func(*testing.T, *memory.Store, mail.Delivery) {
		return func(t *testing.T, st *memory.Store, d mail.Delivery) {
			t.Helper()
			o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: state, At: at}
			require.NoError(t, st.SettleMail(t.Context(), o))
		}
	}
	later := func(rows ...any) func(*testing.T, *memory.Store, mail.Delivery) {
		return func(t *testing.T, st *memory.Store, d mail.Delivery) {
			t.Helper()
			settled(mail.Dead, start)(t, st, d)
			put(t, st, "later", rows...)
		}
	}
	for _, c := range []struct {
		name  string
		when  func(*testing.T, *memory.Store, mail.Delivery)
		words bool
		to    string
	}{
		{"a message that died in time keeps its words", settled(mail.Dead, start), true, "u@example.com"},
		{"a message that is put off keeps its words", settled(mail.Queued, start), true, "u@example.com"},
		{"a message that was sent has none", settled(mail.Sent, start), false, "u@example.com"},
		{"a message that died too late has none", settled(mail.Dead, start.Add(time.Hour)), false, "u@example.com"},
		{"a message that was taken back has none", later(reason), false, "u@example.com"},
		{"a message that was swept has none", func(t *testing.T, st *memory.Store, d mail.Delivery) {
			t.Helper()
			settled(mail.Dead, start)(t, st, d)
			n, err := st.Sweep(t.Context(), storage.SweepBefore{Texts: start.Add(time.Hour)}, 0)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}, false, "u@example.com"},
		{"a message to an address that was forgotten has none", later(accounts.Forget{Email: "u@example.com"}), false, ""},
		{"a message that waited too long and was swept has none", func(t *testing.T, st *memory.Store, _ mail.Delivery) {
			t.Helper()
			n, err := st.Sweep(t.Context(), storage.SweepBefore{Texts: start.Add(time.Hour)}, 0)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}, false, "u@example.com"},
		{"a message for a user who was forgotten has none", later(accounts.Forget{User: "u"}), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			m := letter("m", reason)
			m.To, m.ToName, m.User, m.NotAfter, m.HTML = "u@example.com", "Name", "u", start.Add(time.Hour), "<p>page</p>"
			m.Data, m.Sealed = mail.Data{Code: "042", At: start}, []byte{0, 1}
			put(t, st, "setup", m)
			c.when(t, st, claim(t, st, start, 1)[0])
			m.HTML = ""
			if !c.words {
				m.Erase()
			}
			if m.To = c.to; c.to == "" {
				m.ToName, m.User = "", ""
			}
			got := memory.Letter(st, "m")
			got.Due = m.Due
			require.Equal(t, m, got)
		})
	}
}
