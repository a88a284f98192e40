package smtp_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// parsed is a message as a mail program reads it.
type parsed struct {
	header              netmail.Header
	from, to            mail.Sender
	subject, text, html string
}

// parse reads a message with the standard library and checks its form.
func parse(t testing.TB, raw []byte) parsed {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	p := parsed{header: msg.Header}
	address := func(name string) mail.Sender {
		require.Len(t, msg.Header[name], 1, name)
		a, err := netmail.ParseAddress(msg.Header.Get(name))
		require.NoError(t, err)
		return mail.Sender{Name: a.Name, Address: a.Address}
	}
	p.from, p.to = address("From"), address("To")
	p.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	require.NoError(t, err)
	if kind == "text/plain" {
		p.text = decode(t, msg.Header.Get("Content-Transfer-Encoding"), params["charset"], msg.Body)
		return p
	}
	require.Equal(t, "multipart/alternative", kind)
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for i, want := range []string{"text/plain", "text/html"} {
		part, err := parts.NextRawPart()
		require.NoError(t, err)
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, want, kind, "the text comes first")
		body := decode(t, part.Header.Get("Content-Transfer-Encoding"), params["charset"], part)
		if i == 0 {
			p.text = body
		} else {
			p.html = body
		}
	}
	_, err = parts.NextRawPart()
	require.ErrorIs(t, err, io.EOF, "there are two parts")
	return p
}

func decode(t testing.TB, encoding, charset string, r io.Reader) string {
	t.Helper()
	require.Equal(t, "quoted-printable", encoding)
	require.Equal(t, "utf-8", charset)
	body, err := io.ReadAll(quotedprintable.NewReader(r))
	require.NoError(t, err)
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

// form checks the bytes of a whole session: what every server takes for the same lines and the same end (A88).
// Lines of own are headers of the host's, which are not folded.
func form(t testing.TB, wire []byte, own string) {
	t.Helper()
	for i, c := range wire {
		require.NotZero(t, c, "no NUL leaves")
		require.Less(t, c, byte(0x80), "all is ASCII")
		if c == '\n' {
			require.True(t, i > 0 && wire[i-1] == '\r', "no LF leaves alone")
		}
		if c == '\r' {
			require.True(t, i+1 < len(wire) && wire[i+1] == '\n', "no CR leaves alone")
		}
	}
	headers, body := false, false
	for line := range strings.SplitSeq(string(wire), "\r\n") {
		switch line {
		case "DATA":
			headers = !body
			continue
		case "":
			headers, body = false, true
		}
		if headers && (strings.Contains(line, "@") || line == own) {
			require.LessOrEqual(t, len(line), 998) // an address cannot be broken
			continue
		}
		require.LessOrEqual(t, len(line), 77, "%q", line) // 76, and a dot that is doubled
	}
	require.Equal(t, 1, bytes.Count(wire, []byte("\r\n.\r\n")), "there is one end of one message")
}

// asSubject is what a header keeps of words: controls and ends of lines become spaces.
func asSubject(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func asText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.ReplaceAll(s, "\r", "\n")
}

// Whatever the fields have in them, the server gets one message with the headers, the recipient and the words that were
// asked for, to the byte, with a signature that is good, and nothing on the wire that another server could read as the end
// of a message (A88). A header of the host's own is there as it is, or the mail waits.
func FuzzMailer_Send(f *testing.F) {
	for _, x := range []string{
		"Ada", "x\r\nBcc: eve@x.example", "x\n.\r\nMAIL FROM:<eve@x.example>", "\r.\r", ".", "..\n.\n", "\x00", "\xff\xfe", "ü\u2028\u2029",
		"=?utf-8?q?x?=", " leading and trailing ", "two  spaces", strings.Repeat("x", 2000), strings.Repeat("ü", 999), "\"quoted\" \\ <a@b>",
		"=_\r\n--=_", "\t", "", "a,b;c:d(e)", "\u202eevil", "From x", "x=", "x ", strings.Repeat("long words ", 40), "\r\n.\r\n", "\n\n.\n\n",
		strings.Repeat("ada@willow.example", 30), "\n\nDATA\n" + strings.Repeat("eve@x.example", 30),
	} {
		f.Add(x, x, x, x, x, x, "X-Tag", x)
		f.Add("", "", "", "", "", "", "X-"+x, "x")
	}
	f.Add("1", "", "", "", "no end", "", "", "")
	f.Add("3", "", "", "", "one\rtwo\nthree\n", "one\rtwo\nthree\n", "Feedback-ID", "a:b:c:willow")
	f.Add("2", "", strings.TrimSpace(strings.Repeat("long name ", 20)), "", "ends\r\n", "", "x-a_b-1", strings.Repeat("x ", 99)+"xx")
	f.Add("4", "", "", "", "", "", "Bcc", "eve@x.example")
	f.Add("5", "", "", "", "", "", "X-Tag: x\r\nBcc", "eve@x.example")
	s := serve(f)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(f, err)
	var own map[string]string
	var m mail.Mailer = s.mailer(f, insecure, func(o *smtp.Options) {
		o.Timeout = 5 * time.Second
		o.DKIM = func(mail.Sender) (*smtp.DKIM, error) {
			return &smtp.DKIM{Domain: "willow.example", Selector: "s", Key: key}, nil
		}
		o.Headers = func(mail.Message) map[string]string { return own }
	})
	f.Fuzz(func(t *testing.T, id, from, to, subject, text, html, name, value string) {
		id = "i" + id
		if len(id) > 200 {
			id = id[:200]
		}
		s.with(func() { s.wireTap.Reset(); s.mail = nil })
		given := mail.Message{
			ID: id, Kind: id, Account: from, From: mail.Sender{Name: from}, To: "ada@willow.example", ToName: to, Locale: to,
			Subject: subject, Text: text, HTML: html, CreatedAt: created, Reason: mail.Reason(subject),
		}
		own = map[string]string{name: value}
		line := name + ": " + value
		if !headerName.MatchString(name) || !headerValue.MatchString(value) {
			err := m.Send(t.Context(), given)
			require.ErrorContains(t, err, "smtp: Headers has")
			require.False(t, mail.IsPermanent(err))
			require.Empty(t, s.messages())
			own, line = nil, ""
		}
		require.NoError(t, m.Send(t.Context(), given))
		all := s.messages()
		require.Len(t, all, 1, "one message")
		require.Equal(t, []string{given.To}, all[0].to, "one recipient, byte by byte (I-23)")
		form(t, s.wire(), line)
		require.NoError(t, genuine(t, all[0].data, public))
		p := parse(t, all[0].data)
		named, ok := smtp.ParseMessageID(p.header.Get("Message-ID"))
		require.True(t, ok)
		require.Equal(t, id, named)
		if strings.TrimSpace(asSubject(to)) == "" {
			to = ""
		}
		if strings.TrimSpace(asSubject(from)) == "" {
			from = "Willow"
			if given.From.Name != "" {
				from = ""
			}
		}
		require.Equal(t, mail.Sender{Name: asSubject(to), Address: given.To}, p.to)
		require.Equal(t, mail.Sender{Name: asSubject(from), Address: "no-reply@willow.example"}, p.from)
		require.Equal(t, asSubject(subject), p.subject)
		require.Equal(t, asText(text), p.text)
		require.Equal(t, asText(html), p.html)
		require.Len(t, p.header, 9+btoi(html == "")+len(own), "%v", p.header) // with DKIM-Signature, and Content-Transfer-Encoding where there is one part
		for name, value := range own {
			require.Equal(t, []string{value}, p.header[textproto.CanonicalMIMEHeaderKey(name)])
		}
	})
}

// What a header of the host's may be.
var (
	headerName  = regexp.MustCompile(`^(?i:feedback-id|x-[-_0-9a-z]{1,58})$`)
	headerValue = regexp.MustCompile(`^[!-~]([ -~]{0,198}[!-~])?$`)
)

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
