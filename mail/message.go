package mail

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Reason says why a message exists: a path of escaped segments, separated by slashes, such as
// "account/42/request/7". Cancelling a reason cancels everything below it, so that one change can take
// back every unsent message of an agency, of a request or of a person.
//
// Reasons are made with [ReasonFor] and compared byte by byte. The empty reason belongs to messages
// that nothing takes back.
type Reason string

// ReasonFor joins segments to a reason, the broadest first. Every byte of a segment that is not an
// ASCII letter, a digit or one of "-._~:@" is written as a percent sign and two hexadecimal digits, so that
// no segment can forge a level; an empty segment is written as a lone percent sign. Different segments
// therefore make different reasons, and a reason is always printable ASCII. No segments make the empty
// reason.
//
// Those of the library begin with "account" and "login". Its services enqueue no messages of a host's own, and what a host
// sends itself needs no reason.
func ReasonFor(segments ...string) Reason {
	var b strings.Builder
	for i, s := range segments {
		if i > 0 {
			b.WriteByte('/')
		}
		if s == "" {
			b.WriteByte('%')
		}
		for j := range len(s) {
			if c := s[j]; plain(c) {
				b.WriteByte(c)
			} else {
				const hex = "0123456789ABCDEF"
				b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			}
		}
	}
	return Reason(b.String())
}

// Covers reports whether other is r or lies below it. Levels are compared whole: "account/4" does not
// cover "account/42". The empty reason covers nothing, not even itself, so that a reason somebody
// forgot to fill in cannot take back all mail.
func (r Reason) Covers(other Reason) bool {
	if r == "" || !strings.HasPrefix(string(other), string(r)) {
		return false
	}
	return len(other) == len(r) || other[len(r)] == '/'
}

// Range returns the half-open range of keys [from, before) that holds every reason strictly below r
// and no other, in the order of their bytes. For the empty reason it is an empty range.
//
// It is for stores: with it, and one comparison for r itself, [Reason.Covers] is an index look-up.
func (r Reason) Range() (from, before string) {
	if r == "" {
		return "", ""
	}
	return string(r) + "/", string(r) + "0" // '0' is the byte after '/'
}

func plain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return strings.IndexByte("-._~:@", c) >= 0
	}
}

// Priority says which of two due messages goes first. Stores keep the number; lower goes first.
type Priority uint8

const (
	// Awaited is for mail that somebody sits and waits for, such as one with a link to log in.
	Awaited Priority = iota
	// Notice is for mail that tells of something that has happened.
	Notice
)

// String returns "awaited" or "notice".
func (p Priority) String() string {
	if p == Awaited {
		return "awaited"
	}
	return "notice"
}

// Channel is the way on which a message goes. Each has a queue, a dispatcher and a Mailer of its own, so that what is slow
// or down on one holds nothing up on the other. Stores keep the string.
type Channel string

const (
	// Email is mail to an address.
	Email Channel = "email"
	// SMS is a text message to a phone: a code.
	SMS Channel = "sms"
)

// Message is one mail or text message to one recipient, rendered and ready to go.
//
// Subject, Text, HTML and Data can hold live links and codes. Neither they nor the recipient appear when a Message is
// printed or logged: see [Message.String] and [Message.LogValue].
//
//nolint:recvcheck // only Erase changes it, and what is printed is a value as a rule
type Message struct {
	// ID is unique and stable: a change that is applied twice writes the same message once, and a
	// delivery that is tried again carries the same ID. A Mailer builds the Message-ID header from it.
	ID string
	// Channel is the way on which it goes.
	Channel Channel
	// Kind is the name of the template, such as [AccessRequested].
	Kind string
	// Account is the account on whose behalf the message is sent.
	Account string
	// From is who sends it. Zero is the product, whose sender the Mailer knows. Only mail with a setup link,
	// [SetupInvitation] and [SetupRefreshed], can come from the account itself, where the host's Links name a sender for
	// it. Without an Address, From is the product under another name.
	From Sender

	// To is the canonical address and the one envelope recipient, or on the channel [SMS] the phone number; ToName is
	// only for display and can be empty. Locale is the language that was asked for, such as "de-AT".
	To     string
	ToName string
	Locale string
	// User is the host's id of whom it is for, if that is a user: forgetting the user takes the message along, wherever
	// it went.
	User string

	// Subject is one line, which a text message has no use for. Text is the body as plain text with lines ended by "\n".
	Subject string
	Text    string
	// HTML is the same words as a page. It is in no outbox: whoever sends the message makes it out of Text, see
	// [Templates.HTML].
	HTML string
	// Data is what Subject and Text were filled with, for a provider that keeps templates of its own. It is as
	// users wrote it: a template that uses it must escape it. In mail that somebody may have edited it does not have
	// their words; these are in Subject and Text.
	Data Data
	// Sealed is Subject, Text and Data, sealed by [Keys]; these are empty then. A Mailer never sees it.
	Sealed []byte

	// Reason is why the message exists: when it is cancelled before a delivery begins, the message is not sent.
	Reason Reason
	// Priority and Due order the queue: nothing is sent before it is due.
	Priority Priority
	Due      time.Time
	// NotAfter is the moment from which on the message must not be sent any more, because its link has
	// expired then; zero is no limit. A message that could not be sent by then is dead.
	NotAfter time.Time
	// CreatedAt is when the change that promised the message was decided.
	CreatedAt time.Time
}

// Sender is from whom a message comes: one address in its canonical form, and a name for display that
// can be empty.
type Sender struct {
	Name    string
	Address string
}

// Expired reports whether the message must not be sent any more at that moment.
func (m Message) Expired(at time.Time) bool {
	return !m.NotAfter.IsZero() && !at.Before(m.NotAfter)
}

// Erase takes out what the message says.
func (m *Message) Erase() { m.Subject, m.Text, m.HTML, m.Data, m.Sealed = "", "", "", Data{}, nil }

// String names the message by kind and ID. It leaves out recipient, subject and text, so that a
// message printed by accident gives no link away.
func (m Message) String() string { return "mail " + m.Kind + " " + m.ID }

// Format prints what [Message.String] returns, for every verb, %#v among them.
func (m Message) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, m.String()) }

// LogValue gives log/slog the ID, the channel, the kind and the account, and nothing else.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID), slog.String("channel", string(m.Channel)), slog.String("kind", m.Kind), slog.String("account", m.Account),
	)
}

// MarshalJSON gives the ID, the channel, the kind and the account, and nothing else: whatever holds a message may come
// into a log as JSON. A Mailer that hands messages on in JSON takes from them what it needs.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID      string  `json:"id"`
		Channel Channel `json:"channel"`
		Kind    string  `json:"kind"`
		Account string  `json:"account"`
	}{m.ID, m.Channel, m.Kind, m.Account})
}
