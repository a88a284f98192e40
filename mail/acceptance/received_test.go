package acceptance_test

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// byPost is a carrier that sends through the mail server, and reads from the mailbox behind it.
type byPost struct {
	*smtp.Mailer

	box  *mailbox
	sent atomic.Int64
}

func (b *byPost) Send(ctx context.Context, m mail.Message) error {
	if err := b.Mailer.Send(ctx, m); err != nil {
		return err
	}
	b.sent.Add(1)
	return nil
}

func (b *byPost) collect(t *testing.T, m mail.Message) string {
	t.Helper()
	got := b.box.wait(t, smtp.MessageID(m.ID, messageDomain))
	require.Empty(t, got.differs(m))
	return got.text
}

// options are the Mailer's defaults, for a server that has no name in the DNS and no certificate that others know.
func (p *postfix) options() *smtp.Options {
	return &smtp.Options{
		From: mail.Sender{Name: senderName, Address: senderAddress}, Bounces: bounces, TLSConfig: &tls.Config{RootCAs: p.roots},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.address())
		},
	}
}

// newPost returns a carrier for a server.
func newPost(t *testing.T, p *postfix) *byPost {
	t.Helper()
	mailer, err := smtp.New(serverName, p.options())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mailer.Close()) })
	return &byPost{Mailer: mailer, box: &mailbox{dir: filepath.Join(p.dir, "box", "all"), known: map[string]bool{}, mails: map[string][]string{}}}
}

// Every kind of mail in every language, asked for by the operation that it belongs to, reaches the mailbox of the one whom it
// is for, once. There it has the envelope, the sender and recipient, the subject, the date, the id, the text and the page
// that the dispatcher gave away, byte for byte; each header that it should have once, and no other; and it came over TLS.
//
// Each link with a secret is read from the text that arrived, and used: it works, and is refused the second time. Two are
// not like that: who accepts an invitation with a login that is there may accept again, which changes nothing and sends
// nothing; and a setup link that is too old is good for a fresh one alone, once. The links without a secret are those of
// the page that the kind is about; nobody opens them, for pages are the host's.
func TestReceived(t *testing.T) {
	t.Parallel()
	p := startPostfix(t)
	post := newPost(t, p)
	begun := time.Now()
	var kinds sync.Map
	t.Run("in each language", func(t *testing.T) {
		for _, lang := range languages(t) {
			for set, w := range map[string]words{"ordinary": ordinary(lang), "hostile": hostile(lang)} {
				t.Run(lang+" with "+set+" words", func(t *testing.T) {
					t.Parallel()
					h := newWorld(t, lang, set, w, post)
					h.everything()
					for _, l := range h.letters {
						kinds.Store(l.Kind, true)
					}
				})
			}
		}
	})
	for _, kind := range mail.Kinds() {
		_, ok := kinds.Load(kind)
		require.Equal(t, kind != mail.Code, ok, "%s: mail of every kind goes out, and a code by text message", kind)
	}
	t.Run("a server that cannot prove its name gets nothing", func(t *testing.T) { stranger(t, post, p) }) //nolint:paralleltest // what comes after counts
	t.Run("what is not as it was asked for is noticed", func(t *testing.T) { noticed(t, post) })           //nolint:paralleltest // the same

	require.Eventually(t, func() bool { return p.waiting(t) == 0 }, 20*time.Second, 20*time.Millisecond, "the server keeps mail back")
	all, copies := post.box.count(t)
	require.Zero(t, copies)
	require.EqualValues(t, post.sent.Load(), all)
	t.Logf("%d mails sent, received and compared in %v", all, time.Since(begun).Round(100*time.Millisecond))
}

// plain is a message that no service wrote.
func plain(id string) mail.Message {
	return mail.Message{
		ID: id, Channel: mail.Email, Kind: "test", To: "ada@plain.example", ToName: "Ada Lovelace", Subject: "Subject", Text: "Text\n", HTML: "<p>Page</p>\n",
		CreatedAt: start,
	}
}

func stranger(t *testing.T, post *byPost, p *postfix) {
	t.Helper()
	other, err := smtp.New("other.acceptance.example", p.options())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	err = other.Send(t.Context(), plain("to-a-stranger"))
	require.Error(t, err)
	require.False(t, mail.IsPermanent(err), "it may be the right server tomorrow")
	trusting := p.options()
	trusting.TLSConfig = nil
	other, err = smtp.New(serverName, trusting)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	require.Error(t, other.Send(t.Context(), plain("to-a-stranger")), "nobody who is trusted has signed for it")

	require.NoError(t, post.Send(t.Context(), plain("after-a-stranger")))
	post.collect(t, plain("after-a-stranger"))
	require.Empty(t, post.box.find(t, smtp.MessageID("to-a-stranger", messageDomain)))
}

// noticed breaks a mail that was received, and what was asked for, in each way, and looks whether that is found.
func noticed(t *testing.T, post *byPost) {
	t.Helper()
	m := plain("noticed")
	require.NoError(t, post.Send(t.Context(), m))
	got := post.box.wait(t, smtp.MessageID(m.ID, messageDomain))
	require.Empty(t, got.differs(m))
	for name, change := range map[string]func(*mail.Message){
		"recipient": func(m *mail.Message) { m.To = "bob@plain.example" },
		"name":      func(m *mail.Message) { m.ToName = "Ada  Lovelace" },
		"sender":    func(m *mail.Message) { m.From = mail.Sender{Address: "eve@plain.example"} },
		"id":        func(m *mail.Message) { m.ID += "." },
		"date":      func(m *mail.Message) { m.CreatedAt = m.CreatedAt.Add(time.Second) },
		"subject":   func(m *mail.Message) { m.Subject += " " },
		"text":      func(m *mail.Message) { m.Text += "\n" },
		"page":      func(m *mail.Message) { m.HTML = "<p>Page</p> \n" },
	} {
		other := m
		change(&other)
		require.NotEmpty(t, got.differs(other), name)
	}
	for what, change := range map[string][2]string{
		"a header more":        {"Subject:", "X-Mailer: ours\nSubject:"},
		"a header twice":       {"Subject:", "Auto-Submitted: auto-generated\nSubject:"},
		"another recipient":    {"Delivered-To: ada", "Delivered-To: eve"},
		"another bounces":      {"Return-Path: <bounces", "Return-Path: <eve"},
		"two recipients":       {"To: \"Ada Lovelace\" <ada@plain.example>", "To: ada@plain.example, eve@plain.example"},
		"no TLS":               {"with ESMTPS ", "with ESMTP "},
		"an answering machine": {"Auto-Submitted: auto-generated\n", ""},
		"a bare CR":            {"Text", "Te\rxt"},
		"eight bits":           {"Text", "T\xc3\xa4xt"},
	} {
		raw := strings.Replace(string(got.raw), change[0], change[1], 1)
		require.NotEqual(t, string(got.raw), raw, what)
		require.NotEmpty(t, parse(t, []byte(raw)).differs(m), what)
	}
}
