package accounts_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

func sealing(t testing.TB) *mail.Keys {
	t.Helper()
	k, err := mail.NewKeys(bytes.Repeat([]byte{1}, mail.KeySize))
	require.NoError(t, err)
	return k
}

// queued returns what waits to be sent, as the store holds it.
func (w *world) queued() []mail.Message {
	w.t.Helper()
	tx := w.st.Begin()
	defer func() { require.NoError(w.t, tx.Rollback()) }()
	list, err := tx.Store().ClaimMail(w.t.Context(), mail.Claim{Channel: mail.Email, At: w.env.Now(), Lease: time.Minute, Limit: 100})
	require.NoError(w.t, err)
	var all []mail.Message
	for _, d := range list {
		all = append(all, d.Message)
	}
	return all
}

// With keys, mail does not wait readable, and a dispatcher with the same keys sends
// what would have been sent without any (A92).
func TestService_sealed(t *testing.T) {
	t.Parallel()
	k := sealing(t)
	plain, sealed := agencies(t), agencies(t, func(o *accounts.EnvOptions) { o.MailKeys = k })
	for _, w := range []*world{plain, sealed} { // who is told so
		require.NoError(t, w.assign("olga", "oda", roles.Author))
	}
	open, m := plain.queued()[0], sealed.queued()[0]
	require.Equal(t, []any{"", "", mail.Data{}}, []any{m.Subject, m.Text, m.Data})
	for word := range strings.FieldsSeq(open.Subject + " " + open.Text) {
		if len(word) > 5 {
			require.NotContains(t, string(m.Sealed), word)
		}
	}
	texts, err := templates()
	require.NoError(t, err)
	var got [2][]mail.Message
	for i, w := range []*world{plain, sealed} {
		inbox := &mailtest.Recorder{}
		d, err := mail.NewDispatcher(w.st, inbox, &mail.DispatcherOptions{Keys: k, Templates: texts, Clock: w.clock})
		require.NoError(t, err)
		_, err = d.Flush(t.Context())
		require.NoError(t, err)
		got[i] = inbox.Messages()
	}
	require.Len(t, got[0], 1)
	require.Equal(t, open.Text, got[0][0].Text)
	require.Equal(t, got[0], got[1])
}

// Sealing comes after the decision and leaves it as it was: what was decided is
// readable and the same each time, so a retry can use it again; what is sealed
// already stays, and without keys nothing is (A84, A92).
func TestEnv_Seal(t *testing.T) {
	t.Parallel()
	k := sealing(t)
	w := newWorld(t, func(o *accounts.EnvOptions) { o.MailKeys = k })
	op := w.env.Begin(job())
	decide := func() accounts.Change {
		c := op.Change()
		for _, to := range []string{"a@people.example", "b@people.example"} {
			require.NoError(t, op.Write(&c, accounts.Letter{
				Kind: mail.PasswordReset, To: accounts.Contact{Email: accounts.Email(to)},
				Data: mail.Data{Link: "https://app.example/reset", ExpiresAt: start.Add(time.Hour)},
			}))
		}
		return c
	}
	c := decide()
	require.Equal(t, decide(), c, "a decision is the same each time")
	first, second := c, c
	require.NoError(t, w.env.Seal(&first))
	require.Equal(t, decide(), c, "it is as it was decided")
	require.NoError(t, w.env.Seal(&second))
	for i := range c.Mail {
		require.NotEqual(t, first.Mail[i].Sealed, second.Mail[i].Sealed, "no two are sealed alike")
		for _, sealed := range []accounts.Change{first, second} {
			require.Empty(t, sealed.Mail[i].Text)
			m, err := k.Open(sealed.Mail[i])
			require.NoError(t, err)
			require.Equal(t, c.Mail[i], m)
		}
	}
	again := first
	require.NoError(t, w.env.Seal(&again))
	require.Equal(t, first, again)

	none, same := newWorld(t).env, c
	require.NoError(t, none.Seal(&same))
	require.Equal(t, c, same)
	empty := op.Change()
	require.NoError(t, w.env.Seal(&empty))
	require.Equal(t, op.Change(), empty)
}

// A name goes into a header as it is shown: without characters that act and are
// not seen, which it may have elsewhere (A88, A89).
func TestOperation_Write_name(t *testing.T) {
	t.Parallel()
	op := newWorld(t).env.Begin(job())
	c := op.Change()
	require.NoError(t, op.Write(&c, accounts.Letter{
		Kind: mail.PasswordChanged, To: accounts.Contact{Email: "a@people.example", Name: "Ada\u202egpj.\u200b Lind\u2066"},
	}))
	require.Equal(t, "Adagpj. Lind", c.Mail[0].ToName)
}

// Dispatchers get the clock, the keys, the templates and the logger of the services.
func TestEnv_DispatcherOptions(t *testing.T) {
	t.Parallel()
	k, logger := sealing(t), slog.New(slog.DiscardHandler)
	w := newWorld(t, func(o *accounts.EnvOptions) { o.MailKeys, o.Logger = k, logger })
	require.Equal(t, &mail.DispatcherOptions{
		Channel: mail.SMS, Clock: w.clock, Keys: k, Templates: w.env.Templates(), Logger: logger,
	}, w.env.DispatcherOptions(mail.SMS))
}

// The name of a sender is often an account's own word: it shows no second address
// beside the real one, and nothing that is not seen (A88).
func TestOperation_Write_sender(t *testing.T) {
	t.Parallel()
	pages, err := accounts.NewLinks("https://app.example", "")
	require.NoError(t, err)
	for given, want := range map[string]string{
		"Acme Care": "Acme Care", "support@bank.example": "support bank.example", "Acme\u202e\u200b": "Acme",
	} {
		op := newWorld(t, func(o *accounts.EnvOptions) { o.Links = sentBy{pages, given} }).env.Begin(job())
		c := op.Change()
		require.NoError(t, op.Write(&c, accounts.Letter{Kind: mail.PasswordChanged, Branded: true, Account: "acme", To: accounts.Contact{Email: "a@people.example"}}))
		require.Equal(t, want, c.Mail[0].From.Name)
		require.NotContains(t, c.Mail[0].Text, given+"@")
	}
}

type sentBy struct {
	accounts.Links
	name string
}

func (s sentBy) Sender(accounts.AccountID) mail.Sender { return mail.Sender{Name: s.name} }
