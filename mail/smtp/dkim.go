package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

// DKIM is a key that signs mail for a domain (RFC 6376), the public half of which is in the domain's DNS. A signature covers
// the whole body and each header that says something, so that nobody can send the mail on with one changed or added.
//
// Date and Message-ID are among these. A provider that puts its own in their place, such as Amazon SES, breaks the
// signature: let that one sign.
type DKIM struct {
	// Domain is the one that signs: that of the sender's address, or one above or below it, which DMARC takes for the
	// same (unless it is a public suffix, such as co.uk). Mail waits when it is another.
	Domain string
	// Selector names the key: its record is <Selector>._domainkey.<Domain>.
	Selector string
	// Key is an [*rsa.PrivateKey], which every mailbox checks, or an [ed25519.PrivateKey], which some cannot yet.
	Key crypto.Signer
}

// covered are the headers that decide what a mail says, how it is read, from whom it seems to be and where answers go. A
// signature counts each once more than it is there, so that nobody who sends the mail on can add one (RFC 6376, sections
// 5.4.2 and 8.15). A second Content-Type would be the worst: readers that take the first would see other parts.
var covered = []string{ //nolint:gochecknoglobals // constant
	"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "Auto-Submitted",
	"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
}

// once is counted as often as it is there: providers add one of their own. The other headers of the host's are addressed to
// the provider, which may take them out, and a signature that covered them would then be broken on arrival.
const once = "Feedback-ID"

// sign returns the header that signs raw, or "" for a sender that has no key.
func (s *Mailer) sign(from mail.Sender, at time.Time, raw []byte) (string, error) {
	if s.o.DKIM == nil {
		return "", nil
	}
	key, err := s.o.DKIM(from)
	switch {
	case err != nil:
		return "", fmt.Errorf("smtp: the DKIM key of %s: %w", domainOf(from.Address), err)
	case key == nil:
		return "", nil
	case !isDomain(key.Domain) || !isDomain(key.Selector):
		return "", errors.New("smtp: DKIM has a Domain or a Selector that is not valid")
	case !aligned(key.Domain, domainOf(from.Address)):
		return "", fmt.Errorf("smtp: DKIM has the Domain %s for mail from %s, for which it proves nothing", key.Domain, domainOf(from.Address))
	}
	header, err := key.sign(at, raw)
	if err != nil {
		return "", fmt.Errorf("smtp: signing for %s: %w", key.Domain, err)
	}
	return header, nil
}

// sign makes the header that signs raw, which is one of [Mailer.write]: no header is there twice, each line that goes on
// begins with one space, and all lines end with CR LF. Neither library does it: go-mail v0.8.1 breaks a long h= in the
// middle of a name, and go-msgauth v0.7.0 never breaks it and takes the time of day, so that no copy would be the same.
func (k *DKIM) sign(at time.Time, raw []byte) (string, error) {
	algorithm, hash := "rsa-sha256", crypto.SHA256
	switch k.Key.(type) {
	case *rsa.PrivateKey:
	case ed25519.PrivateKey:
		algorithm, hash = "ed25519-sha256", 0 // what it signs is the digest all the same (RFC 8463, section 3)
	default:
		return "", fmt.Errorf("the key is a %T, and neither an *rsa.PrivateKey nor an ed25519.PrivateKey", k.Key)
	}
	head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
	there := map[string]string{} // by name in lower case, in the canonical form (section 3.4.2)
	for line := range strings.SplitSeq(strings.ReplaceAll(head, "\r\n ", " "), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		there[name] = name + ":" + strings.Trim(spaces.ReplaceAllString(value, " "), " ") + "\r\n"
	}
	var names []string
	var text strings.Builder
	for _, name := range covered {
		if line, ok := there[strings.ToLower(name)]; ok {
			names = append(names, name)
			text.WriteString(line)
		}
		names = append(names, name)
	}
	if line, ok := there[strings.ToLower(once)]; ok {
		names = append(names, once)
		text.WriteString(line)
	}
	sum := sha256.Sum256([]byte(relaxed(body)))
	// All of its spaces are single ones and it is broken at these alone: this is its own canonical form.
	value := fmt.Sprintf("v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s; t=%d; h=%s; bh=%s; b=", algorithm, k.Domain, k.Selector,
		at.Unix(), strings.Join(names, ": "), base64.StdEncoding.EncodeToString(sum[:]))
	text.WriteString("dkim-signature:" + value)
	digest := sha256.Sum256([]byte(text.String()))
	signature, err := k.Key.Sign(rand.Reader, digest[:], hash)
	if err != nil {
		return "", err
	}
	pieces := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString(signature)), maxWord-len("b=")))
	return "DKIM-Signature: " + fold("DKIM-Signature", value+string(bytes.Join(pieces, []byte(" ")))) + "\r\n", nil
}

var spaces = regexp.MustCompile(`[ \t]+`)

// relaxed is the canonical form of a body (section 3.4.4).
func relaxed(body string) string {
	body = strings.ReplaceAll(spaces.ReplaceAllString(body, " "), " \r\n", "\r\n")
	if body = strings.TrimRight(body, "\r\n"); body != "" {
		body += "\r\n"
	}
	return body
}

// aligned reports whether one domain is the other, or is above it.
func aligned(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || below(a, b) || below(b, a)
}

// below reports whether a is below b, which is no top-level domain.
func below(a, b string) bool { return strings.Contains(b, ".") && strings.HasSuffix(a, "."+b) }
