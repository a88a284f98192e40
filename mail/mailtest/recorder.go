// Package mailtest has what tests of a host need to see its mail: a [Recorder] to give to a dispatcher, [Link] to follow the
// links in what arrived, and [Test], which checks a Mailer that the host has written.
package mailtest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Recorder is a mail.Mailer that keeps what it is given, as it is given: with its page where a dispatcher made one, and
// on whichever channel. One can serve the dispatchers of both channels. The zero value is ready and accepts everything. It
// is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	messages []mail.Message
	fail     func(mail.Message) error
}

// Send keeps m, unless ctx is done or the function set with FailWith refuses it.
func (r *Recorder) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	fail := r.fail
	r.mu.Unlock()
	if fail != nil { // not under the lock: it may take its time, or look at the recorder
		if err := fail(m); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	return nil
}

// FailWith lets f decide on each further message: what f returns an error for is not kept, and the error is what Send
// returns. Nil accepts everything again.
func (r *Recorder) FailWith(f func(mail.Message) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = f
}

// Messages returns everything that was accepted, in the order of its acceptance.
func (r *Recorder) Messages() []mail.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// To returns what was accepted for that canonical address or phone number, oldest first.
func (r *Recorder) To(addr string) []mail.Message {
	return slices.DeleteFunc(r.Messages(), func(m mail.Message) bool { return m.To != addr })
}

// Last returns the newest message for that canonical address or phone number, and whether there is one.
func (r *Recorder) Last(addr string) (mail.Message, bool) {
	all := r.To(addr)
	if len(all) == 0 {
		return mail.Message{}, false
	}
	return all[len(all)-1], true
}

// Reset forgets every message. What was set with FailWith stays.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = nil
}

// Link returns the first word of the message's text that begins with prefix, such as "https://app.example/requests/",
// and whether there is one.
func Link(m mail.Message, prefix string) (string, bool) {
	for word := range strings.FieldsSeq(m.Text) {
		if strings.HasPrefix(word, prefix) {
			return word, true
		}
	}
	return "", false
}
