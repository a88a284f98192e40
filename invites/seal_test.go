package invites_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// With keys, neither an invitation nor the mail of a setup link waits readable, one
// that somebody edited included; a dispatcher with the same keys sends the words, the
// link and the page that would have been sent without any (A92).
func TestSealed(t *testing.T) {
	t.Parallel()
	k := must(mail.NewKeys(bytes.Repeat([]byte{1}, mail.KeySize)))(t)
	written := func(set ...func(*accounts.EnvOptions)) *world {
		w := newWorld(t, set...)
		w.invite("amy", "ben@example.com", roles.Viewer)
		require.NoError(t, ignore(w.links.Send(t.Context(), w.as("max"), invites.SendSetup{
			ClientKey: mailed, Subject: "Privately edited", Text: "Privately edited: " + mail.Placeholder,
		})))
		require.NoError(t, ignore(w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: shown})))
		return w
	}
	delivered := func(w *world, k *mail.Keys) []mail.Message {
		inbox := &mailtest.Recorder{}
		d := must(mail.NewDispatcher(w.mem, inbox, &mail.DispatcherOptions{Keys: k, Templates: templates(), Clock: w.clock, Workers: 1}))(t)
		must(d.Flush(t.Context()))(t)
		return inbox.Messages()
	}
	plain, sealed := written(), written(func(o *accounts.EnvOptions) { o.MailKeys = k })
	open := plain.letters()
	require.Len(t, open, 3)
	for i, m := range sealed.letters() {
		require.Equal(t, open[i].ID, m.ID)
		require.Equal(t, []any{"", "", mail.Data{}}, []any{m.Subject, m.Text, m.Data})
		for word := range strings.FieldsSeq(open[i].Subject + " " + open[i].Text) {
			if len(word) > 5 {
				require.NotContains(t, string(m.Sealed), word)
			}
		}
		require.NotContains(t, sealed.dump(), open[i].Data.Link)
		require.Contains(t, plain.dump(), open[i].Data.Link)
	}
	want := delivered(plain, nil)
	require.Len(t, want, 3)
	for _, m := range want {
		require.Contains(t, m.HTML, m.Data.Link)
	}
	require.Equal(t, want, delivered(sealed, k))
}
