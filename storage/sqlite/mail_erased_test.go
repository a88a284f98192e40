package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// What a message said, open or sealed, is in no column of any table once it was
// sent, taken back, died too late, lost its recipient or was swept. What may
// still go out keeps it (A92, I-26, D7).
func TestOutbox_erasedEverywhere(t *testing.T) {
	t.Parallel()
	const to, phone = "quillon@example.com", "+34600555777"
	codes := accounts.LoginReason("quillon") + "/code/1"
	settle := func(o mail.Outcome) func(st storage.Storage, d mail.Delivery) error {
		return func(st storage.Storage, d mail.Delivery) error {
			o.ID, o.Fence = d.Message.ID, d.Fence
			return st.SettleMail(t.Context(), o)
		}
	}
	during := func(fill func(c *access.Change)) func(st storage.Storage, _ mail.Delivery) error {
		return func(st storage.Storage, _ mail.Delivery) error {
			return st.ApplyAccess(t.Context(), change("end", fill))
		}
	}
	dead := settle(mail.Outcome{State: mail.Dead, At: noon, Error: "refused " + to + phone})
	for _, tt := range []struct {
		name  string
		steps []func(st storage.Storage, d mail.Delivery) error
		says  bool // the words are kept
		goes  bool // the recipient is kept
	}{
		{"a message that waits keeps its words", nil, true, true},
		{"a message that is tried again keeps its words", []func(st storage.Storage, d mail.Delivery) error{
			settle(mail.Outcome{State: mail.Queued, At: noon, Next: noon.Add(time.Minute)}),
		}, true, true},
		{"a message that died in time keeps its words", []func(st storage.Storage, d mail.Delivery) error{dead}, true, true},
		{"a message that was sent loses its words", []func(st storage.Storage, d mail.Delivery) error{
			settle(mail.Outcome{State: mail.Sent, At: noon}),
		}, false, true},
		{"a message that died too late loses its words", []func(st storage.Storage, d mail.Delivery) error{
			settle(mail.Outcome{State: mail.Dead, At: noon.Add(time.Hour)}),
		}, false, true},
		{"a message that is taken back while it is sent loses its words", []func(st storage.Storage, d mail.Delivery) error{
			during(func(c *access.Change) { c.CancelMail = []mail.Reason{codes} }),
		}, false, true},
		{"a dead message that is taken back loses its words", []func(st storage.Storage, d mail.Delivery) error{
			dead, during(func(c *access.Change) { c.CancelMail = []mail.Reason{accounts.LoginReason("quillon")} }),
		}, false, true},
		{"a dead message that is swept loses its words", []func(st storage.Storage, d mail.Delivery) error{
			dead, func(st storage.Storage, _ mail.Delivery) error {
				n, err := st.Sweep(t.Context(), storage.SweepBefore{Texts: noon.Add(time.Hour)}, 0)
				require.Equal(t, 1, n)
				return err
			},
		}, false, true},
		{"a message that waited too long and is swept loses its words", []func(st storage.Storage, d mail.Delivery) error{
			func(st storage.Storage, _ mail.Delivery) error {
				n, err := st.Sweep(t.Context(), storage.SweepBefore{Texts: noon.Add(time.Hour)}, 0)
				require.Equal(t, 1, n)
				return err
			},
		}, false, true},
		{"a message to an address that is forgotten loses both", []func(st storage.Storage, d mail.Delivery) error{
			dead, during(func(c *access.Change) { c.Forget = []accounts.Forget{{Email: to}, {Email: phone}} }),
		}, false, false},
		{"a message for a user who is forgotten loses both", []func(st storage.Storage, d mail.Delivery) error{
			during(func(c *access.Change) { c.Forget = []accounts.Forget{{User: "quillon"}} }),
		}, false, false},
		{"a message that came back and whose user is forgotten loses both", []func(st storage.Storage, d mail.Delivery) error{
			settle(mail.Outcome{State: mail.Sent, At: noon}),
			during(func(c *access.Change) { c.Bounced = []mail.Bounce{{ID: "m", At: noon, Error: to + phone}} }),
			func(st storage.Storage, _ mail.Delivery) error {
				return st.ApplyAccess(t.Context(), change("forget", func(c *access.Change) { c.Forget = []accounts.Forget{{User: "quillon"}} }))
			},
		}, false, false},
	} {
		for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
			t.Run(fmt.Sprintf("%s, by %s", tt.name, channel), func(t *testing.T) {
				t.Parallel()
				st, path := fresh(t, nil)
				m := message("m", string(codes))
				m.Channel, m.To, m.ToName, m.User, m.NotAfter = channel, to, "Name of Quillon", "quillon", noon.Add(time.Hour)
				if channel == mail.SMS {
					m.To = phone
				}
				m.Subject, m.Text, m.Data, m.Sealed = "wordsOne", "wordsTwo", mail.Data{Code: "wordsThree"}, []byte("wordsFour")
				apply(t, st, change("promise", func(c *access.Change) { c.Mail = []mail.Message{m} }))
				got, err := st.ClaimMail(t.Context(), mail.Claim{Channel: channel, At: noon, Lease: time.Hour, Limit: 1})
				require.NoError(t, err)
				require.Equal(t, m, got[0].Message)
				for _, step := range tt.steps {
					require.NoError(t, step(st, got[0]))
				}
				for _, word := range []string{"wordsOne", "wordsTwo", "wordsThree", "wordsFour"} {
					require.Equal(t, tt.says, len(holding(t, path, word)) > 0, word)
				}
				require.Equal(t, tt.goes, len(holding(t, path, m.To)) > 0, "the recipient")
				require.Equal(t, tt.goes, len(holding(t, path, m.ToName)) > 0, "the recipient's name")
			})
		}
	}
}
