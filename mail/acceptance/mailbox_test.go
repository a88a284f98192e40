package acceptance_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

const (
	senderName    = "Letterbird, “the post”"
	senderAddress = "no-reply@letterbird.example"
	bounces       = "bounces@letterbird.example"
	messageDomain = "letterbird.example"
)

// mailbox is a maildir that all mail goes to.
type mailbox struct {
	dir string

	mu    sync.Mutex
	known map[string]bool     // names of files
	mails map[string][]string // by Message-ID: the files
}

// received is a mail that was read from disk.
type received struct {
	netmail.Message

	raw        []byte
	text, html string
}

// wait returns the mail with a Message-ID once it is there.
func (b *mailbox) wait(t *testing.T, id string) received {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		files := b.find(t, id)
		if len(files) > 0 {
			require.Len(t, files, 1, "copies of one mail")
			return read(t, files[0])
		}
		require.True(t, time.Now().Before(end), "the mail %s does not arrive", id)
	}
}

// find returns the files with a Message-ID.
func (b *mailbox) find(t *testing.T, id string) []string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scan(t)
	return b.mails[id]
}

// count returns how many mails there are, and how many of them have a Message-ID that another one has.
func (b *mailbox) count(t *testing.T) (all, copies int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scan(t)
	return len(b.known), len(b.known) - len(b.mails)
}

func (b *mailbox) scan(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "new", "*"))
	require.NoError(t, err)
	for _, f := range files {
		if b.known[f] {
			continue
		}
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		require.NoError(t, err)
		b.known[f] = true
		id := m.Header.Get("Message-Id")
		b.mails[id] = append(b.mails[id], f)
	}
}

func read(t *testing.T, file string) received {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	return parse(t, raw)
}

// parse takes a mail apart, which has two parts.
func parse(t *testing.T, raw []byte) received {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	out := received{Message: *m, raw: raw}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct {
		kind string
		to   *string
	}{{"text/plain", &out.text}, {"text/html", &out.html}} {
		p, err := parts.NextPart() // takes the quoted-printable encoding off
		require.NoError(t, err)
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, want.kind, kind)
		require.Equal(t, map[string]string{"charset": "utf-8"}, params)
		body, err := io.ReadAll(p)
		require.NoError(t, err)
		*want.to = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	_, err = parts.NextPart()
	require.ErrorIs(t, err, io.EOF)
	return out
}

// differs returns how a mail is not what was asked for, or did not go to whom it was for.
func (r received) differs(m mail.Message) []string {
	var wrong []string
	same := func(what string, want, got any) {
		if !reflect.DeepEqual(want, got) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, and not %q", what, got, want))
		}
	}
	same("the envelope's recipient", []string{m.To}, r.Header["Delivered-To"])
	same("the recipient before aliases", []string{m.To}, r.Header["X-Original-To"])
	same("the envelope's sender", []string{"<" + bounces + ">"}, r.Header["Return-Path"])
	same("To", []string{m.ToName + " <" + m.To + ">"}, r.mailboxes("To"))
	from := mail.Sender{Name: senderName, Address: senderAddress}
	if m.From.Address != "" {
		from = m.From
	}
	same("From", []string{from.Name + " <" + from.Address + ">"}, r.mailboxes("From"))
	subject, err := new(mime.WordDecoder).DecodeHeader(r.Header.Get("Subject"))
	same("the subject's error", nil, err)
	same("the subject", m.Subject, subject)
	id, _ := smtp.ParseMessageID(r.Header.Get("Message-Id"))
	same("the ID in the Message-ID", m.ID, id)
	date, err := r.Header.Date()
	same("the date's error", nil, err)
	same("the date", m.CreatedAt.UTC().Truncate(time.Second), date.UTC())
	same("Auto-Submitted", []string{"auto-generated"}, r.Header["Auto-Submitted"])
	same("the text", m.Text, r.text)
	same("the page", m.HTML, r.html)
	same("that there is a page", true, r.html != "")
	if got := r.Header.Get("Received"); !strings.Contains(got, "using TLSv1.3") || !strings.Contains(got, "with ESMTPS ") {
		wrong = append(wrong, "it came without TLS: "+got)
	}
	// Each header once, and no other: none that a field of the message brought in, and none that says how it was made.
	names := []string{
		"Auto-Submitted", "Content-Type", "Date", "Delivered-To", "From", "Message-Id", "Mime-Version", "Received", "Return-Path", "Subject", "To", "X-Original-To",
	}
	same("the list of headers", names, slices.Sorted(maps.Keys(r.Header)))
	for name, values := range r.Header {
		same("how often there is "+name, 1, len(values))
	}
	for line := range bytes.Lines(r.raw) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) > 998 || slices.ContainsFunc(line, func(b byte) bool { return b >= 0x80 || b == 0 || b == '\r' }) {
			wrong = append(wrong, fmt.Sprintf("a line that not every server takes: %q", line))
		}
	}
	return wrong
}

// mailboxes returns those of a header, decoded.
func (r received) mailboxes(name string) []string {
	list, err := r.Header.AddressList(name)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, a := range list {
		out = append(out, fmt.Sprintf("%s <%s>", a.Name, a.Address))
	}
	return out
}
