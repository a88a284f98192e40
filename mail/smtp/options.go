package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/chatelaine-go/chatelaine/mail"
)

// Security is how a connection is protected.
type Security int

const (
	// STARTTLS begins in clear and asks for TLS before anything is said that matters. A server that does not offer it gets
	// nothing. The port is 587; some providers have 2525 and 2587 as well.
	STARTTLS Security = iota
	// ImplicitTLS begins with TLS. The port is 465; some providers have 2465 as well. With STARTTLS such a port keeps silent,
	// and each mail waits for Options.Timeout.
	ImplicitTLS
	// InsecurePlaintext sends mail, and the links in it, so that everybody on the way can read them: it is for a
	// server on the same machine, and for tests. It is not refused for a server elsewhere: the name of this value in the
	// host's own code is all that warns. A password is refused with it. The port is 25.
	InsecurePlaintext
)

// Options says who sends, through what, and within which limits. From is required; the zero value of each other field is
// its default. They tell nothing when they are printed or logged by themselves, since a password is among them.
//
//nolint:recvcheck // only settle changes them, and what is printed is a value as a rule
type Options struct {
	// From is the product's own sender, for messages that name no other. Its Address is a plain mailbox in ASCII.
	From mail.Sender
	// ReplyTo is where answers go to mail from the product's own address: to From if empty. Mail from an account's address
	// never has it.
	ReplyTo string
	// Bounces is the envelope sender (MAIL FROM, Return-Path) of every message, where reports of what could not be delivered
	// go. If it is empty, each message has the address that its From header has: that of From, or the account's own, which then
	// gets the reports itself. What either means for SPF and DMARC is in the package comment, under Senders.
	Bounces string
	// Domain stands after the @ of every Message-ID, that of mail from an account's own address too: the domain of From if
	// empty. If it changes, a copy sent again after an ambiguous answer is no longer known as one.
	Domain string
	// Headers returns headers to add to a message: names that begin with X-, and Feedback-ID, by which providers choose a
	// stream or keep a tag (see the package comment, under Bounces). It must return the same for the same message, so
	// that a copy stays a copy, and be safe for concurrent use. It sees the message with its links: nothing of these, and
	// nothing that a user wrote, belongs in a header, and some providers have ones that add recipients.
	//
	// A name has at most 60 characters, a value 1 to 200 of printable ASCII with no space at either end. Anything else is
	// an error that puts the mail off. The signature of the option DKIM covers Feedback-ID, and no name that begins with X-:
	// a provider may take those out.
	Headers func(m mail.Message) map[string]string

	// Port is the server's: see [Security] for the defaults. 465 is refused without ImplicitTLS, 25 and 587 with it.
	Port int
	// Security is STARTTLS unless set.
	Security Security
	// TLSConfig is for authorities or certificates of one's own. The server's name is filled in, and TLS 1.2 is the least.
	// InsecureSkipVerify is refused unless VerifyConnection or VerifyPeerCertificate takes its place.
	TLSConfig *tls.Config
	// HELO is the name to introduce this client with: Domain if empty.
	HELO string
	// Dial opens a connection: a [net.Dialer] if nil. It must come back soon after its context is done.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Username and Password log in, by the best way that the server offers. Without a Username there is no login.
	Username string
	Password string
	// Token returns an access token, asked for at each connection, for the mechanism XOAUTH2. It takes the place of
	// Password.
	Token func(ctx context.Context) (string, error)
	// Mechanism is the one SASL mechanism to log in with, in any case: "PLAIN", "LOGIN", "CRAM-MD5", "NTLM", "SCRAM-SHA-1",
	// "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS". If empty, the first of SCRAM, NTLM, CRAM-MD5, PLAIN
	// and LOGIN that the server offers: set it where a server offers one that it does not serve.
	Mechanism string

	// DKIM returns the key that signs mail from that sender, and nil for one whose mail is not signed here. The sender is
	// what the From header has: for product mail the address in Options.From, under whichever name, otherwise the account's
	// own. Its error puts the mail off, and so does a key for a domain that is not the sender's. Nothing is signed if it is
	// nil. It must be safe for concurrent use.
	DKIM func(from mail.Sender) (*DKIM, error)

	// Timeout bounds opening a connection, and again handing over one message: 30 seconds. The context of Send
	// can be shorter. Less than a millisecond is refused, here and below: it is a number without its unit.
	Timeout time.Duration
	// IdleTimeout is how long a connection may rest before it is closed: 15 seconds. Servers close it themselves some time.
	IdleTimeout time.Duration
	// MaxMessages is how many are sent over one connection: 100.
	MaxMessages int
	// MaxConnections is how many are open at once: 4, as many as a dispatcher has workers. A Send that finds none free waits.
	MaxConnections int
}

// Format prints "smtp options", whatever the verb: a password is among them.
func (o Options) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "smtp options") }

// LogValue gives log/slog the words "smtp options" and nothing else.
func (o Options) LogValue() slog.Value { return slog.StringValue("smtp options") }

// settle checks the options and fills in the defaults.
func (o *Options) settle(host string) error {
	if !isDomain(host) && net.ParseIP(host) == nil {
		return errors.New("smtp: host is no host name and no IP address; the port is Options.Port")
	}
	switch {
	case o.From.Address == "":
		return errors.New("smtp: From.Address is missing")
	case !isMailbox(o.From.Address):
		return errors.New("smtp: From.Address is no plain mailbox in ASCII")
	case o.ReplyTo != "" && !isMailbox(o.ReplyTo):
		return errors.New("smtp: ReplyTo is no plain mailbox in ASCII")
	case o.Bounces != "" && !isMailbox(o.Bounces):
		return errors.New("smtp: Bounces is no plain mailbox in ASCII")
	}
	if o.Domain == "" {
		o.Domain = domainOf(o.From.Address)
	}
	if !isDomain(o.Domain) {
		return errors.New("smtp: Domain is no host name in ASCII")
	}
	if o.HELO == "" {
		o.HELO = o.Domain
	}
	if !isHELO(o.HELO) {
		return errors.New("smtp: HELO is no host name and no address literal")
	}
	if o.Port < 0 || o.Port > 65535 {
		return fmt.Errorf("smtp: Port is %d, which is none", o.Port)
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	for _, err := range []error{o.secure(host), o.credentials(), o.limits()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) secure(host string) error {
	var port int
	switch o.Security {
	case STARTTLS:
		port = 587
	case ImplicitTLS:
		port = 465
	case InsecurePlaintext:
		port = 25
		if o.Username != "" {
			return errors.New("smtp: Username is refused with InsecurePlaintext: a password never goes over a connection without TLS")
		}
	default:
		return fmt.Errorf("smtp: Security is %d, which is none", o.Security)
	}
	switch {
	case o.Port == 0:
		o.Port = port
	case o.Port == 465 && o.Security != ImplicitTLS:
		return errors.New("smtp: Port is 465, where a server waits for TLS and says nothing; set Security: ImplicitTLS")
	case (o.Port == 587 || o.Port == 25) && o.Security == ImplicitTLS:
		return fmt.Errorf("smtp: Port is %d, where a connection begins in clear; set Security: STARTTLS, or Port: 465", o.Port)
	}
	c := o.TLSConfig.Clone()
	if c == nil {
		c = new(tls.Config)
	}
	switch {
	case c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil:
		return errors.New("smtp: TLSConfig.InsecureSkipVerify lets anybody read the mail; set RootCAs, or VerifyConnection as well")
	case c.MinVersion != 0 && c.MinVersion < tls.VersionTLS12:
		return errors.New("smtp: TLSConfig.MinVersion is below TLS 1.2")
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if c.ServerName == "" {
		c.ServerName = host
	}
	o.TLSConfig = c
	return nil
}

func (o *Options) credentials() error {
	mechanisms := []gomail.SMTPAuthType{
		"", gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5, gomail.SMTPAuthNTLM, gomail.SMTPAuthSCRAMSHA1,
		gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA256PLUS,
	}
	o.Mechanism = strings.ToUpper(o.Mechanism)
	switch {
	case o.Username == "" && (o.Password != "" || o.Token != nil || o.Mechanism != ""):
		return errors.New("smtp: Username is missing")
	case o.Username == "":
		return nil
	case o.Token != nil && o.Password != "":
		return errors.New("smtp: Password and Token are both set")
	case o.Token == nil && o.Mechanism == string(gomail.SMTPAuthXOAUTH2):
		return errors.New("smtp: Mechanism XOAUTH2 takes an access token; set Token")
	case o.Token == nil && o.Password == "":
		return errors.New("smtp: Password is missing")
	case o.Token != nil && o.Mechanism != "" && o.Mechanism != string(gomail.SMTPAuthXOAUTH2):
		return errors.New("smtp: Mechanism is set, but a Token goes with XOAUTH2 alone")
	case o.Token == nil && !slices.Contains(mechanisms, gomail.SMTPAuthType(o.Mechanism)):
		return fmt.Errorf("smtp: Mechanism %q is not known", o.Mechanism)
	}
	return nil
}

func (o *Options) limits() error {
	for _, x := range []struct {
		name string
		time time.Duration
		n    int
	}{
		{name: "Timeout", time: o.Timeout},
		{name: "IdleTimeout", time: o.IdleTimeout},
		{name: "MaxMessages", n: o.MaxMessages},
		{name: "MaxConnections", n: o.MaxConnections},
	} {
		switch {
		case x.time < 0 || x.n < 0:
			return fmt.Errorf("smtp: %s is negative", x.name)
		case x.time > 0 && x.time < time.Millisecond:
			return fmt.Errorf("smtp: %s is %v; it needs its unit, as in 30*time.Second", x.name, x.time)
		}
	}
	orDefault(&o.Timeout, 30*time.Second)
	orDefault(&o.IdleTimeout, 15*time.Second)
	orDefault(&o.MaxMessages, 100)
	orDefault(&o.MaxConnections, 4)
	return nil
}

func orDefault[T ~int | ~int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
