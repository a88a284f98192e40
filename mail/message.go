package mail

import (
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
// A host adds reasons of its own under a first segment of its own. Those of the library begin with "account" and
// "login".
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

// Message is one mail to one recipient, rendered and ready to go.
//
// Subject and Text can hold live links. Neither they nor the address appear when a Message is printed
// or logged: see [Message.String] and [Message.LogValue].
type Message struct {
	// ID is unique and stable: a change that is applied twice writes the same message once, and a
	// delivery that is tried again carries the same ID. A Mailer builds the Message-ID header from it.
	ID string
	// Kind is the name of the template, such as [AccessRequested].
	Kind string
	// Account is the account on whose behalf the message is sent.
	Account string
	// From is who sends it: the account itself, where a host lets it. Zero is the product, whose sender
	// the Mailer knows.
	From Sender

	// To is the canonical address and the one envelope recipient; ToName is only for display and can be
	// empty. Locale is the language that was asked for, such as "de-AT".
	To     string
	ToName string
	Locale string

	// Subject is one line, Text the body as plain text with lines ended by "\n".
	Subject string
	Text    string

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

// String names the message by kind and ID. It leaves out recipient, subject and text, so that a
// message printed by accident gives no link away.
func (m Message) String() string { return "mail " + m.Kind + " " + m.ID }

// LogValue gives log/slog the ID, the kind and the account, and nothing else.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", m.ID), slog.String("kind", m.Kind), slog.String("account", m.Account))
}
