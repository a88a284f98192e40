package smtp

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// ErrClosed is returned by [Mailer.Send] after [Mailer.Close]. The message can be sent by another Mailer.
var ErrClosed = errors.New("smtp: the Mailer is closed")

// Phase is how far a message had come when it failed.
type Phase string

const (
	// Connect is everything before the message: the connection, the greeting, TLS, the login.
	Connect Phase = "connecting"
	// MailFrom is the command that names the sender, and begins a message.
	MailFrom Phase = "MAIL"
	// RcptTo is the command that names the recipient.
	RcptTo Phase = "RCPT"
	// Data is the command that the message itself follows.
	Data Phase = "DATA"
	// Content is the message itself. Without an answer here nobody knows whether it was accepted; it is sent again
	// with the same Message-ID.
	Content Phase = "the message"
)

// Error says where and why a message was not accepted. [Mailer.Send] returns it, marked with [mail.Permanent] where
// trying again cannot mend it. Its text has the phase, the code and the status; the words of the server only for
// [Connect], since later ones can repeat the recipient or what the message says.
type Error struct {
	Phase Phase
	// Code is the server's answer, such as 550, and 0 if there was none.
	Code int
	// Status is the status in it (RFC 3463), such as "5.1.1"; empty if there was none.
	Status string
	// Reply is what the server said, as it said it. It can have the recipient or pieces of the message: keep it out of logs.
	Reply string
	// Err is why there was no answer; nil if there was one. It is the context's error once the context is done.
	Err error
}

// Error returns the text that is fit for logs and for the outbox.
func (e *Error) Error() string {
	s := "smtp: " + string(e.Phase)
	switch {
	case e.Code == 0 && e.Err == nil:
		return s + ": no answer"
	case e.Code == 0:
		return s + ": " + e.Err.Error()
	}
	s += fmt.Sprintf(": refused with %d", e.Code)
	if e.Status != "" {
		s += " " + e.Status
	}
	if e.Phase == Connect && e.Reply != "" {
		s += ": " + strings.Join(strings.Fields(e.Reply), " ")
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

var (
	errGarbled  = errors.New("the server's answer is none")
	errEarly    = errors.New("the server spoke before it was its turn")
	errFlood    = errors.New("the server said too much")
	errBroken   = errors.New("the connection broke")
	errPanicked = errors.New("the client library panicked")
	errLogin    = errors.New("the login failed, without an answer that says why")
	errNoTLS    = errors.New("the server offers no STARTTLS, which Options.Security asks for; nothing was sent")
)

// failed makes an Error of what the client library returned.
func failed(phase Phase, err error) *Error {
	login := strings.HasPrefix(err.Error(), "SMTP AUTH failed") // go-mail's words; whatever follows could repeat the login
	var reply *textproto.Error
	if errors.As(err, &reply) {
		e := &Error{Phase: phase, Code: reply.Code, Reply: reply.Msg, Status: statusOf(reply.Msg)}
		if login {
			e.Reply = ""
		}
		return e
	}
	var garbled textproto.ProtocolError
	switch {
	case login:
		return &Error{Phase: phase, Err: errLogin}
	case errors.As(err, &garbled):
		return &Error{Phase: phase, Reply: string(garbled), Err: errGarbled}
	case err.Error() == "":
		return &Error{Phase: phase, Err: errBroken}
	case phase == Connect && strings.Contains(err.Error(), "does not support STARTTLS"): // go-mail's words
		return &Error{Phase: phase, Err: errNoTLS}
	}
	return &Error{Phase: phase, Err: err}
}

// refused reports whether the server answered and stays in step: the connection can go on.
func (e *Error) refused() bool { return e.Code >= 400 && e.Code != 421 && !e.session() }

// session reports an answer that speaks of the session or the login, and not of the message.
func (e *Error) session() bool {
	switch e.Code {
	case 503, 530, 534, 535, 538:
		return true
	default:
		return false
	}
}

// permanent reports whether trying again cannot mend it. Nothing at MAIL is: no recipient has been named yet, and what the
// server says there is about the sender, this host or what it may send. All that waits would be refused with the same words.
func (e *Error) permanent() bool {
	switch {
	case e.Phase == Connect, e.Phase == MailFrom, e.Code < 500, e.Code > 599:
		return false
	default:
		return !e.session() && !strings.HasPrefix(e.Status, "4.") && !e.general()
	}
}

// general reports a status that would meet any message of this sender's, in the words of RFC 3463 and, from X.7.8 on, of
// those that IANA's registry of enhanced status codes names beside it. A code of 5xx with one of these speaks of a state
// that passes or that the host can mend. All others are about the recipient or the message, or can be: Exchange says X.4.1,
// and Outlook X.5.0, to recipients that nobody has, and X.7.1 is said of what a message has in it.
func (e *Error) general() bool {
	_, detail, _ := strings.Cut(e.Status, ".")
	switch detail {
	case "1.7", "1.8", // the sender's address: bad, or of a bad system
		"3.0", "3.1", "3.2", "3.5", // the mail system: undefined, full, accepting nothing, configured incorrectly
		"4.0", "4.2", "4.3", // the network: undefined, bad connection, directory server failure
		"4.5",                // mail system congestion; Google says it of a daily limit
		"5.3",                // too many recipients: there is one, so it is a quota
		"7.8", "7.9", "7.12", // credentials invalid, mechanism too weak, password transition needed (RFC 4954)
		"7.10", "7.11", // encryption needed (RFC 5248)
		"7.13", "7.14", // user account disabled, trust relationship required (RFC 5248)
		"7.20", "7.21", "7.22", // no DKIM signature that is good enough (RFC 7372)
		"7.23", "7.24", // SPF validation failed, or met an error (RFC 7372)
		"7.25", "7.26", // reverse DNS, or several of these, failed (RFC 7372)
		"7.27", // sender address has null MX (RFC 7505)
		"7.28": // mail flood detected
		return true
	default:
		return false
	}
}

// stale reports whether a connection that had rested can have been over before this message began.
func (e *Error) stale() bool {
	return e.Phase == MailFrom && (e.Code == 0 || e.Code == 421 || e.session())
}

// marked returns the error as [mail.Mailer] wants it.
func (e *Error) marked() error {
	if e.permanent() {
		return mail.Permanent(e)
	}
	return e
}

// statusOf returns the enhanced status at the beginning of a reply (RFC 2034), or "".
func statusOf(reply string) string {
	word, _, _ := strings.Cut(reply, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || !strings.Contains("245", parts[0]) {
		return ""
	}
	for _, p := range parts[1:] {
		if p == "" || len(p) > 3 || strings.Trim(p, "0123456789") != "" {
			return ""
		}
	}
	return word
}
