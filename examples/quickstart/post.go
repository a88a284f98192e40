package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// posting says through which server the mail of the stories goes, if it is sent
// for real.
type posting struct {
	server string // host:port; "": mail stays in this program
	to     string // who gets every mail; "": the people of the story
	from   string // the sender of every mail; "": those of the story
}

// postman keeps what was sent, and with a server sends it there first.
type postman struct {
	mailtest.Recorder
	posting
	client *smtp.Mailer

	mu     sync.Mutex
	failed error
}

func newPostman(p posting) (*postman, error) {
	if p.server == "" {
		return new(postman), nil
	}
	opts, host, err := p.options()
	if err != nil {
		return nil, err
	}
	client, err := smtp.New(host, opts)
	return &postman{posting: p, client: client}, err
}

// options are those of a server. Nothing goes out without TLS, except to a mail
// catcher on this machine, which has no certificate and nobody on the way.
func (p posting) options() (opts *smtp.Options, host string, err error) {
	host, port, err := net.SplitHostPort(p.server)
	if err != nil {
		return nil, "", fmt.Errorf("-smtp: %w", err)
	}
	opts = &smtp.Options{
		From:     mail.Sender{Name: "Letterbird", Address: "no-reply@letterbird.example"},
		Username: os.Getenv("SMTP_USERNAME"), Password: os.Getenv("SMTP_PASSWORD"),
	}
	if p.from != "" {
		opts.From.Address = p.from
	}
	if opts.Port, err = strconv.Atoi(port); err != nil {
		return nil, "", fmt.Errorf("-smtp: the port %q is no number", port)
	}
	switch ip := net.ParseIP(host); {
	case opts.Port == 465:
		opts.Security = smtp.ImplicitTLS
	case opts.Username == "" && (host == "localhost" || ip != nil && ip.IsLoopback()):
		opts.Security = smtp.InsecurePlaintext
	}
	return opts, host, nil
}

// Send implements mail.Mailer.
func (p *postman) Send(ctx context.Context, m mail.Message) error {
	if p.client == nil {
		return p.Recorder.Send(ctx, m)
	}
	out := m
	if p.to != "" {
		out.To = p.to
	}
	if p.from != "" {
		out.From.Address = "" // that of the server's options
	}
	if err := p.client.Send(ctx, out); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failed = err
		return err
	}
	return p.Recorder.Send(ctx, m)
}

// Failed returns what the server said last to mail that it did not take. In a
// story nobody waits for a second try.
func (p *postman) Failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		return nil
	}
	var refusal *smtp.Error
	if errors.As(p.failed, &refusal) && refusal.Reply != "" {
		// It can repeat an address or a link, and so is in no error's text.
		return fmt.Errorf("the mail server %s took no mail: %w: %q", p.server, p.failed, refusal.Reply)
	}
	return fmt.Errorf("the mail server %s took no mail: %w", p.server, p.failed)
}

// Close ends the connections to the server.
func (p *postman) Close() error {
	if p.client == nil {
		return nil
	}
	return p.client.Close()
}
