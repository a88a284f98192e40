package mailtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Harness is a Mailer under test, and what its author can see and do at the other end: a server in the test's own
// process, or a provider's sandbox.
type Harness struct {
	// Mailer is what is tested.
	Mailer mail.Mailer
	// Arrived returns what the other end has accepted for that recipient so far, the oldest first. What Send returned nil
	// for must be there when it is called.
	Arrived func(t testing.TB, to string) []Arrival
	// Answer makes the other end answer so from now on, and reports whether it can. Rules that need an answer which it
	// cannot give are skipped, and all of those that need one if Answer is nil.
	Answer func(t testing.TB, a Answer) bool
}

// Arrival is one message as the other end took it, decoded.
type Arrival struct {
	// Recipients are all of the envelope, or all that the request names: To, copies and blind copies.
	Recipients []string
	// Key is what tells a copy from another message: the Message-ID, or a provider's idempotency key.
	Key string
	// From is the sender that people see. A zero Address is not looked at.
	From mail.Sender
	// Subject, Text and HTML are what people read. Lines end with "\n" or "\r\n".
	Subject, Text, HTML string
}

// Answer is how the other end behaves.
type Answer int

const (
	// Accept takes every message. It is how the other end begins.
	Accept Answer = iota
	// Refuse takes none, for good: SMTP's 550, or an HTTP provider's 422.
	Refuse
	// Defer takes none for now: 451, or 503.
	Defer
	// Hang never answers.
	Hang
	// Lose takes every message and closes the connection without an answer.
	Lose
)

const (
	// limit is the context's in a rule about time, and soon how long Send may take after its end.
	limit = 200 * time.Millisecond
	soon  = 5 * time.Second
)

// Test checks that a Mailer keeps the contract of [mail.Mailer]: each rule is a subtest whose name says what is promised. They
// send some 100 messages to addresses at mailtest.example, one rule after the other.
//
//	func TestMailer(t *testing.T) {
//		mailtest.Test(t, mailtest.Harness{Mailer: m, Arrived: server.arrived, Answer: server.answer})
//	}
func Test(t *testing.T, h Harness) {
	t.Helper()
	run := rand.Text()[:8] // a provider's sandbox remembers the keys of the run before
	for i, r := range rules() {
		t.Run(r.name, func(t *testing.T) { newEnv(t, h, fmt.Sprintf("%s-%d", strings.ToLower(run), i)).check(r) })
	}
}

// rule is one promise.
type rule struct {
	name  string
	needs Answer // other than Accept: what the other end must be able to do
	run   func(e *env)
}

// env is what a rule works with.
type env struct {
	testing.TB

	h      Harness
	prefix string
}

func newEnv(t testing.TB, h Harness, prefix string) *env {
	t.Helper()
	return &env{TB: t, h: h, prefix: prefix}
}

func (e *env) check(r rule) {
	e.Helper()
	switch {
	case e.h.Mailer == nil:
		e.Fatal("Harness.Mailer is missing")
	case e.h.Arrived == nil:
		e.Fatal("Harness.Arrived is missing")
	}
	if r.needs != Accept {
		if e.h.Answer == nil || !e.h.Answer(e.TB, r.needs) {
			e.Skip("the harness cannot make the other end answer so")
		}
		defer e.h.Answer(e.TB, Accept)
	}
	r.run(e)
}

// message returns one of its own for each n.
func (e *env) message(n int) mail.Message {
	at := time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC)
	return mail.Message{
		ID: fmt.Sprintf("%s-%d", e.prefix, n), Channel: mail.Email, Kind: "conformance", Account: "a1",
		To: fmt.Sprintf("%s-%d@mailtest.example", e.prefix, n), ToName: "Ada Lovelace", Locale: "en",
		Subject: fmt.Sprintf("Conformance %d", n), Text: fmt.Sprintf("The text of message %d.\n", n),
		HTML: fmt.Sprintf("<p>The page of message %d.</p>\n", n), Reason: mail.ReasonFor("mailtest", e.prefix), Due: at, CreatedAt: at,
	}
}

// send gives m to the Mailer, and fails if it does not come back in time.
func (e *env) send(ctx context.Context, m mail.Message) error {
	e.Helper()
	done := make(chan error, 1)
	go func() { done <- e.h.Mailer.Send(ctx, m) }()
	over := ctx
	if _, ok := ctx.Deadline(); !ok && ctx.Err() == nil {
		var cancel context.CancelFunc
		over, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	select {
	case err := <-done:
		return err
	case <-over.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), soon)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-late.Done():
		e.Fatalf("Send did not come back within %v after its context was done: one message would keep all others from going out", soon)
		return nil
	}
}

// accepted sends m and fails if it is not accepted.
func (e *env) accepted(m mail.Message) {
	e.Helper()
	if err := e.send(e.Context(), m); err != nil {
		e.Fatalf("Send of a good message returned %v", err)
	}
}

// arrived returns the one message that arrived for m's recipient.
func (e *env) arrived(m mail.Message) Arrival {
	e.Helper()
	all := e.h.Arrived(e.TB, m.To)
	if len(all) != 1 {
		e.Fatalf("%d messages arrived for the recipient of one", len(all))
	}
	return all[0]
}

// same fails unless a is m, for its recipient alone.
func (e *env) same(m mail.Message, a Arrival) {
	e.Helper()
	switch {
	case len(a.Recipients) != 1 || a.Recipients[0] != m.To:
		e.Fatalf("the recipients are %q, and not %q alone: one message has one recipient", a.Recipients, m.To)
	case a.Key == "":
		e.Fatal("there is no key: a copy after a lost answer could not be recognised")
	case a.Subject != m.Subject:
		e.Fatalf("the subject arrived as %q, and not as %q", a.Subject, m.Subject)
	case lines(a.Text) != lines(m.Text):
		e.Fatalf("the text arrived as %q, and not as %q", a.Text, m.Text)
	case lines(a.HTML) != lines(m.HTML):
		e.Fatalf("the page arrived as %q, and not as %q", a.HTML, m.HTML)
	}
}

// lines takes out what transports may change: the kind of the ends of lines, and those after the last line.
func lines(s string) string { return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n") }
