package access_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

func keys(t tester, b byte) *mail.Keys {
	return must(mail.NewKeys(bytes.Repeat([]byte{b}, mail.KeySize)))(t)
}

// written has every door of this package write: a request, a sign-up, a reset, and
// a code.
func written(t tester, set ...func(*accounts.EnvOptions)) *codes {
	t.Helper()
	c := newCodes(t, set...)
	c.confirmed("cleo")
	c.send("carl@example.com")
	c.signUp("nora")
	require.NoError(t, c.logins.AskReset(t.Context(), address("nora"), access.Device{}))
	must(c.conf.Ask(t.Context(), c.as("cleo", "willow"), closing))(t)
	return c
}

// waiting is what the store holds of all mail that is not sent, as it holds it.
func (w *world) waiting() []mail.Message {
	w.Helper()
	tx := w.mem.Begin()
	defer func() { _ = tx.Rollback() }()
	var all []mail.Message
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		for _, d := range must(tx.Store().ClaimMail(w.Context(), mail.Claim{Channel: channel, At: w.env.Now(), Lease: time.Minute, Limit: 1000}))(w) {
			all = append(all, d.Message)
		}
	}
	return all
}

// delivered is what two dispatchers with keys send of what waits: by mail and to
// phones.
func (w *world) delivered(k *mail.Keys) []mail.Message {
	w.Helper()
	var all []mail.Message
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		inbox := &mailtest.Recorder{}
		d := must(mail.NewDispatcher(w.mem, inbox, &mail.DispatcherOptions{Channel: channel, Keys: k, Templates: templates(), Clock: w.clock, Workers: 1}))(w)
		must(d.Flush(w.Context()))(w)
		all = append(all, inbox.Messages()...)
	}
	return all
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// said is what messages say, but for the codes, which no two runs draw alike.
func said(list []mail.Message) []string {
	out := make([]string, len(list))
	for i, m := range list {
		m.Data.Code = sixDigits.ReplaceAllString(m.Data.Code, "a code")
		out[i] = fmt.Sprintf("%s %s %q %q %q", m.To, m.Kind, m.Subject, sixDigits.ReplaceAllString(m.Text, "a code"), fmt.Sprintf("%+v", struct {
			Link, Code, Product, Agency string
			At, ExpiresAt               time.Time
		}{m.Data.Link, m.Data.Code, m.Data.Product, m.Data.Agency, m.Data.At, m.Data.ExpiresAt}))
	}
	return out
}

// With keys, no message waits readable: neither words nor link nor code, whichever
// service wrote it; and a dispatcher with the same keys sends the words that would
// have been sent without any (A92).
func TestSealed(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	plain, sealed := written(t), written(t, func(o *accounts.EnvOptions) { o.MailKeys = k })
	open := plain.waiting()
	kinds := map[string]bool{}
	for i, m := range sealed.waiting() {
		kinds[m.Kind] = true
		require.Empty(t, m.Subject)
		require.Empty(t, m.Text)
		require.Zero(t, m.Data)
		require.NotEmpty(t, m.Sealed)
		require.Equal(t, open[i].Kind, m.Kind)
		stored := string(m.Sealed)
		for word := range strings.FieldsSeq(open[i].Subject + " " + open[i].Text + " " + open[i].Data.Code) {
			if len(word) > 5 {
				require.NotContains(t, stored, word)
			}
		}
		own := must(k.Open(m))(t)
		require.Empty(t, own.Sealed)
		require.NotContains(t, sealed.dump(), either(own.Data.Link, own.Data.Code))
	}
	require.Equal(t, map[string]bool{mail.AccessRequested: true, mail.AddressProof: true, mail.PasswordReset: true, mail.Code: true}, kinds)
	require.NotContains(t, sealed.dump(), linkTop)

	require.Equal(t, said(open), said(plain.delivered(nil)))
	require.Equal(t, said(open), said(sealed.delivered(k)))
	require.Empty(t, sealed.waiting())
}

// either is the first of two that is not empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Without the key that sealed it, a message is not sent, and stays as it was for the
// dispatcher that has the key; a retired key still opens (A92).
func TestSealed_otherKeys(t *testing.T) {
	t.Parallel()
	c := written(t, func(o *accounts.EnvOptions) { o.MailKeys = keys(t, 1) })
	n := len(c.waiting())
	require.Empty(t, c.delivered(nil))
	require.Empty(t, c.delivered(keys(t, 2)))
	c.clock.Add(time.Minute)
	both := must(mail.NewKeys(bytes.Repeat([]byte{2}, mail.KeySize), bytes.Repeat([]byte{1}, mail.KeySize)))(t)
	require.Len(t, c.delivered(both), n)
}

// A change that is tried again, because others were faster or because its answer was
// lost, is sealed anew or as it was, and says the same once (A96, A100).
func TestSealed_again(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	want := written(t).waiting()
	for name, given := range map[string]struct {
		answer error // to the first change
		made   bool  // and yet it was made
	}{
		"a conflict":                     {accounts.ErrConflict, false},
		"a change that was lost":         {accounts.ErrUnknown, false},
		"a change whose answer was lost": {accounts.ErrUnknown, true},
	} {
		c := newCodes(t, func(o *accounts.EnvOptions) { o.MailKeys = k })
		mia, first := c.as("mia", "north"), true
		c.st.on(func(call string, do func() error) error {
			if call != "ApplyAccess" || !first {
				return do()
			}
			first = false
			if given.made {
				require.NoError(t, do(), name)
			}
			return given.answer
		})
		sent := must(c.requests.Send(t.Context(), mia, access.Batch{Agency: "north", Addresses: "carl@example.com"}))(t)
		c.st.on(nil)
		require.False(t, first, name)
		require.Equal(t, 1, sent.Sent, name)
		got := c.delivered(k)
		require.Len(t, got, 1, name)
		require.Equal(t, want[0].Subject, got[0].Subject, name)
		require.Contains(t, got[0].Text, got[0].Data.Link, name)
	}
}
