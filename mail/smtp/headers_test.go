package smtp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// Headers of the host's own reach the provider as they are, and can be neither headers that the mail has already nor
// more than one line (A88).
func TestMailer_Headers(t *testing.T) {
	t.Parallel()

	t.Run("each message has its own, in the order of their names", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t, func(o *smtp.Options) {
			o.Headers = func(m mail.Message) map[string]string {
				return map[string]string{"X-PM-Message-Stream": "outbound", "X-Mail-ID": m.ID, "Feedback-ID": m.Kind + ":willow", "X-Account": m.Account}
			}
		})
		for _, id := range []string{"m1", "m2", "m1"} {
			require.NoError(t, m.Send(t.Context(), message(id)))
		}
		all := s.messages()
		require.Contains(t, string(all[0].data), "Feedback-ID: k:willow\r\nX-Account: a1\r\nX-Mail-ID: m1\r\nX-PM-Message-Stream: outbound\r\n")
		require.Contains(t, string(all[1].data), "X-Mail-ID: m2\r\n")
		require.Equal(t, all[0], all[2], "the copy is the same")
	})

	t.Run("a message may have none", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		m := s.mailer(t, func(o *smtp.Options) { o.Headers = func(mail.Message) map[string]string { return nil } })
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.Len(t, parse(t, s.messages()[0].data).header, 8)
	})

	t.Run("the longest name and value are sent on one line", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		name, value := "X-"+strings.Repeat("n", 58), strings.Repeat("v ", 99)+"vv"
		m := s.mailer(t, func(o *smtp.Options) {
			o.Headers = func(mail.Message) map[string]string { return map[string]string{name: value} }
		})
		require.NoError(t, m.Send(t.Context(), message("m1")))
		require.Contains(t, string(s.messages()[0].data), "\r\n"+name+": "+value+"\r\n")
	})

	for name, given := range map[string]map[string]string{
		"a header that mail has":       {"Subject": "x"},
		"a recipient":                  {"Bcc": "eve@x.example"},
		"no name":                      {"": "x"},
		"half a name":                  {"X-": "x"},
		"a name with a line":           {"X-A: b\r\nBcc": "eve@x.example"},
		"a name with a colon":          {"X-A:": "x"},
		"a name with a space":          {"X-A ": "x"},
		"a name beyond ASCII":          {"X-Ä": "x"},
		"a name that looks like one":   {"X\u2010A": "x"},
		"an endless name":              {"X-" + strings.Repeat("n", 59): "x"},
		"one name twice":               {"X-Tag": "a", "x-tag": "b"},
		"no value":                     {"X-A": ""},
		"a value with a line":          {"X-A": "x\r\nBcc: eve@x.example"},
		"a value with a line's end":    {"X-A": "x\n"},
		"a value with a tab":           {"X-A": "a\tb"},
		"a value beyond ASCII":         {"X-A": "ü"},
		"a value with a DEL":           {"X-A": "a\x7f"},
		"a value that ends in a space": {"X-A": "a "},
		"an endless value":             {"X-A": strings.Repeat("v", 201)},
		"one that is good beside one":  {"X-A": "a", "X-B": "b\r\n"},
	} {
		t.Run(name+" puts the mail off, and nobody is asked", func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			err := s.mailer(t, func(o *smtp.Options) {
				o.Headers = func(mail.Message) map[string]string { return given }
			}).Send(t.Context(), message("m1"))
			require.ErrorContains(t, err, "smtp: Headers has")
			require.NotContains(t, err.Error(), "\n")
			require.False(t, mail.IsPermanent(err), "it is the host's mistake, and not the message's")
			require.Zero(t, s.connections())
		})
	}
}
