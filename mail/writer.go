package mail

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

// NewWriter returns a Mailer that prints each message to w instead of sending it, for development: standard
// error, say, where the link of a mail can be clicked. Controls that could drive a terminal are shown as escapes. It is
// safe for concurrent use, and messages do not run into each other. What w fails with is worth another attempt.
//
// It prints live links. Never give it a log that others read.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Writer is a [Mailer] that prints messages. Make one with [NewWriter].
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// Send prints m with one call of Write.
func (w *Writer) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(strings.Repeat("-", lineWidth) + "\n")
	if m.From != (Sender{}) {
		fmt.Fprintf(&b, "%-8s %s\n", "From:", printable(named(m.From.Name, m.From.Address)))
	}
	for _, h := range [][2]string{{"To", named(m.ToName, m.To)}, {"Subject", m.Subject}, {"Kind", m.Kind}, {"ID", m.ID}} {
		fmt.Fprintf(&b, "%-8s %s\n", h[0]+":", printable(h[1]))
	}
	b.WriteString("\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(m.Text, "\n"), "\n") {
		b.WriteString(printable(line) + "\n")
	}
	b.WriteString("\n")
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := io.WriteString(w.w, b.String())
	return err
}

// named puts a name, if there is one, before an address.
func named(name, address string) string {
	if name == "" {
		return address
	}
	return name + " <" + address + ">"
}

// printable writes everything that is no graphic character as an escape of Go.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(fmt.Sprintf("%+q", r), "'"))
		}
	}
	return b.String()
}
