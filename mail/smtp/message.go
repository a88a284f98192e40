package smtp

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// letter is a message as it goes over the wire.
type letter struct {
	from, to string // the envelope
	raw      []byte
}

// compose builds the letter of a message. The same message makes the same bytes: a copy that has to be sent again cannot
// be told from the first.
func (s *Mailer) compose(m mail.Message) (letter, error) {
	from, err := s.sender(m)
	if err != nil {
		return letter{}, mail.Permanent(err)
	}
	extra, err := s.extra(m)
	if err != nil { // the host's mistake: once it is mended, the mail goes out
		return letter{}, err
	}
	raw, err := s.write(m, from, extra)
	if err != nil {
		return letter{}, mail.Permanent(err)
	}
	signature, err := s.sign(from, m.CreatedAt, raw)
	if err != nil { // the key's or the host's fault, not the message's
		return letter{}, err
	}
	raw = append([]byte(signature), raw...)
	if err := check(raw); err != nil {
		return letter{}, mail.Permanent(err)
	}
	return letter{from: cmp.Or(s.o.Bounces, from.Address), to: m.To, raw: raw}, nil
}

// sender says from whom the message comes, and refuses one that cannot be sent.
func (s *Mailer) sender(m mail.Message) (mail.Sender, error) {
	switch {
	case m.Channel != mail.Email && m.Channel != "":
		return mail.Sender{}, errors.New("smtp: the message is for another channel than mail")
	case len(m.Sealed) > 0:
		return mail.Sender{}, errors.New("smtp: the message is sealed; a dispatcher with the keys opens it first")
	case m.ID == "":
		return mail.Sender{}, errors.New("smtp: the message has no ID")
	case len(m.ID) > maxID:
		return mail.Sender{}, fmt.Errorf("smtp: the message's ID is longer than %d bytes", maxID)
	case !isMailbox(m.To):
		return mail.Sender{}, errors.New("smtp: the message's To is no plain mailbox")
	case m.CreatedAt.UTC().Year() < 1900 || m.CreatedAt.UTC().Year() > 9999:
		return mail.Sender{}, errors.New("smtp: the message has no CreatedAt")
	case m.From.Address == "":
		return mail.Sender{Name: cmp.Or(m.From.Name, s.o.From.Name), Address: s.o.From.Address}, nil
	case !isMailbox(m.From.Address):
		return mail.Sender{}, errors.New("smtp: the message's From is no plain mailbox")
	}
	return m.From, nil
}

// write renders headers and body; extra are lines of the host's own.
func (s *Mailer) write(m mail.Message, from mail.Sender, extra string) ([]byte, error) {
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("Date", m.CreatedAt.UTC().Format(time.RFC1123Z))
	header("From", mailbox("From", from.Name, from.Address))
	if s.o.ReplyTo != "" && m.From.Address == "" {
		header("Reply-To", s.o.ReplyTo)
	}
	header("To", mailbox("To", m.ToName, m.To))
	header("Subject", unstructured("Subject", m.Subject))
	header("Message-ID", MessageID(m.ID, s.o.Domain))
	header("Auto-Submitted", "auto-generated")
	b.WriteString(extra)
	header("MIME-Version", "1.0")

	part := func(subtype, words string) error {
		header("Content-Type", "text/"+subtype+"; charset=utf-8")
		header("Content-Transfer-Encoding", "quoted-printable")
		b.WriteString("\r\n")
		q := quotedprintable.NewWriter(&b)
		// Each kind of end becomes one "\n" first: the writer knows all three, and loses an end after "\r" and some words.
		words = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(words, "\uFFFD"))
		if _, err := q.Write([]byte(words)); err != nil {
			return fmt.Errorf("smtp: encoding the text: %w", err)
		}
		if err := q.Close(); err != nil {
			return fmt.Errorf("smtp: encoding the text: %w", err)
		}
		return nil
	}
	if m.HTML == "" {
		err := part("plain", m.Text)
		if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
			b.WriteString("=\r\n") // a message ends with a line; the text need not
		}
		return b.Bytes(), err
	}
	// Text in this encoding never has "=_", so that no text has the boundary.
	sum := sha256.Sum256([]byte(m.ID))
	boundary := "=_" + hex.EncodeToString(sum[:16])
	header("Content-Type", "multipart/alternative;\r\n boundary=\""+boundary+"\"")
	b.WriteString("\r\n--" + boundary + "\r\n")
	if err := part("plain", m.Text); err != nil {
		return nil, err
	}
	b.WriteString("\r\n--" + boundary + "\r\n")
	if err := part("html", m.HTML); err != nil {
		return nil, err
	}
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return b.Bytes(), nil
}

// check is the last look at what leaves. Nothing above can fail it; servers that disagree on what ends a line or a message
// have let one message smuggle a second one, so it is looked at once more where it costs next to nothing.
func check(raw []byte) error {
	const most = 998 // RFC 5322, section 2.1.1
	line := 0
	for i, c := range raw {
		switch {
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
		case c == '\n' && i > 0 && raw[i-1] == '\r':
			line = -1
		case c == '\r', c == '\n', c == 0, c >= 0x80:
			return errors.New("smtp: the message has a byte that must not leave")
		}
		if line++; line > most+1 {
			return errors.New("smtp: the message has a line that is too long")
		}
	}
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		return errors.New("smtp: the message does not end with a line")
	}
	return nil
}
