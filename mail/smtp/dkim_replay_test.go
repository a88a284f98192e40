package smtp_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// genuine returns nil if two verifiers agree that the signature is good, and an error if both refuse it.
func genuine(t testing.TB, raw []byte, public crypto.PublicKey) error {
	t.Helper()
	var record string
	switch key := public.(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(key)
		require.NoError(t, err)
		record = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	case ed25519.PublicKey:
		record = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key)
	}
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(string) ([]string, error) { return []string{record}, nil },
	})
	require.NoError(t, err)
	require.Len(t, all, 1)
	ours := verify(raw, public)
	require.Equal(t, ours == nil, all[0].Err == nil, "ours: %v; go-msgauth: %v\n%s", ours, all[0].Err, raw)
	return errors.Join(ours, all[0].Err)
}

// Whoever has a signed mail can send it on, to anybody and with lines added on top. None of these can change what it says,
// from whom it seems to be, or where its answers go (A88): staff write words of their own into a setup mail, and mail one
// to themselves first.
func TestMailer_Replay(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	send := func(t *testing.T, set func(*smtp.Options), change ...func(*mail.Message)) []byte {
		t.Helper()
		s := serve(t)
		require.NoError(t, s.mailer(t, func(o *smtp.Options) {
			o.DKIM = func(mail.Sender) (*smtp.DKIM, error) {
				return &smtp.DKIM{Domain: "willow.example", Selector: "s2026", Key: key}, nil
			}
			set(o)
		}).Send(t.Context(), message("m1", change...)))
		raw := s.messages()[0].data
		require.NoError(t, genuine(t, raw, public))
		return raw
	}
	bare := func(*smtp.Options) {}

	t.Run("words that look like parts of a mail stay words, since its type cannot be replaced", func(t *testing.T) {
		t.Parallel()
		raw := send(t, bare, func(m *mail.Message) {
			m.Text = "Hello\n\n--x\nContent-Type: text/html\n\n<h1>Your account is closed</h1>\n\n--x--\n"
		})
		require.Contains(t, string(raw), "\r\n--x\r\nContent-Type: text/html\r\n\r\n<h1>", "a reader that takes x for the boundary finds a part")
		for _, header := range []string{
			"Content-Type: multipart/mixed; boundary=x", "content-type:multipart/mixed; boundary=x", "Content-Type: text/html",
			"Content-Type : multipart/mixed; boundary=x",
		} {
			require.Error(t, genuine(t, append([]byte(header+"\r\n"), raw...), public), header)
		}
		p := parse(t, raw)
		require.Contains(t, p.text, "--x\nContent-Type: text/html")
		require.NotContains(t, p.html, "closed")
	})

	t.Run("nothing can be put before the first part, after the last one, or between them", func(t *testing.T) {
		t.Parallel()
		raw := send(t, bare)
		boundary := regexp.MustCompile(`boundary="(.*)"`).FindSubmatch(raw)[1]
		head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		part := fmt.Appendf(nil, "--%s\r\nContent-Type: text/html\r\n\r\n<h1>closed</h1>\r\n", boundary)
		for name, forged := range map[string][]byte{
			"first": append(bytes.Clone(part), body...), "last": append(bytes.Clone(body), part...),
			"preamble": append([]byte("x\r\n"), body...), "epilogue": append(bytes.Clone(body), "x\r\n"...),
			"between": bytes.Replace(body, append([]byte("--"), boundary...), append(bytes.Clone(part), append([]byte("--"), boundary...)...), 2),
		} {
			require.Error(t, genuine(t, bytes.Join([][]byte{head, forged}, []byte("\r\n\r\n")), public), name)
		}
		require.NotRegexp(t, `[; ]l=`, string(raw), "all of the body counts")
	})

	for name, change := range map[string]func(*mail.Message){
		"a mail of two parts": func(*mail.Message) {},
		"a mail of text":      func(m *mail.Message) { m.HTML = "" },
	} {
		t.Run("no header that says something can be added to "+name+", or changed, or taken away", func(t *testing.T) {
			t.Parallel()
			raw := send(t, func(o *smtp.Options) { o.ReplyTo = "help@willow.example" }, change)
			for _, header := range []string{
				"Date", "From", "To", "Subject", "Message-ID", "Reply-To", "Auto-Submitted", "MIME-Version", "Content-Type",
				"Content-Transfer-Encoding", "Content-Disposition", "Cc", "In-Reply-To", "References",
			} {
				added := []byte(header + ": eve\r\n")
				require.Error(t, genuine(t, append(bytes.Clone(added), raw...), public), "%s on top", header)
				require.Error(t, genuine(t, bytes.Replace(raw, []byte("\r\n\r\n"), append([]byte("\r\n"), append(added, "\r\n"...)...), 1), public), "%s below", header)
				own := regexp.MustCompile(`(?m)^` + header + `: (.*\r\n)( .*\r\n)*`)
				head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
				if at := own.FindStringIndex(head + "\r\n"); at != nil {
					without := (head + "\r\n")[:at[0]] + (head + "\r\n")[at[1]:]
					require.Error(t, genuine(t, []byte(without+"\r\n"+body), public), "without %s", header)
					require.Error(t, genuine(t, []byte((head + "\r\n")[:at[0]]+header+": eve\r\n"+(head + "\r\n")[at[1]:]+"\r\n"+body), public), "another %s", header)
				}
			}
			require.Error(t, genuine(t, append([]byte("Reply-To: eve@x.example\r\n"), send(t, bare, change)...), public), "one that was not there")
		})
	}

	t.Run("what servers add on their way, and take for themselves, leaves the signature good", func(t *testing.T) {
		t.Parallel()
		raw := send(t, func(o *smtp.Options) {
			o.Headers = func(mail.Message) map[string]string {
				return map[string]string{"Feedback-Id": "a:b:c:willow", "X-PM-Message-Stream": "outbound"}
			}
		})
		moved := bytes.Replace(raw, []byte("X-PM-Message-Stream: outbound\r\n"), nil, 1)
		moved = append([]byte("Return-Path: <b@willow.example>\r\nReceived: from x\r\n by y\r\nFeedback-ID: theirs\r\nSender: x@y.example\r\n"), moved...)
		require.NoError(t, genuine(t, moved, public))
		require.Error(t, genuine(t, bytes.Replace(raw, []byte("a:b:c:willow"), []byte("a:b:c:eve"), 1), public), "Feedback-ID is the sender's")
		require.NotContains(t, signedHeaders(raw), "x-pm-message-stream")
		require.Contains(t, signedHeaders(raw), "feedback-id")
	})
}

// signedHeaders returns what the tag h= of a signature has.
func signedHeaders(raw []byte) []string {
	h := regexp.MustCompile(`(?s)[; ]h=([^;]*);`).FindSubmatch(raw)[1]
	return strings.Split(strings.ToLower(strings.Join(strings.Fields(string(h)), "")), ":")
}
