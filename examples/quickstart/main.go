// Quickstart tells, on a real database and within seconds, what the library
// does: people, accounts, requests, mails and refusals, one line a step.
//
//	go run ./examples/quickstart
//
// It keeps its database in a temporary folder that it removes, uses no network
// and a clock of its own, and exits with status 1 if anything goes otherwise
// than told. The calls behind the lines are in agency.go and connected.go, in
// login.go, joining.go and leaving.go, and in clients.go and restricted.go;
// plans.go has the product's plans.
//
//	go run ./examples/quickstart -story login
//
// tells one story alone.
//
//	go run ./examples/quickstart -smtp localhost:1025
//	go run ./examples/quickstart -smtp smtp.your.company:587 -from you@your.company -to you@your.company
//
// sends the mail for real as well: to a mail catcher on this machine, or through
// a server, over TLS, with the login in SMTP_USERNAME and SMTP_PASSWORD, and all
// of it to you. Its dates are those of the story.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// stories are told in this order when none is named.
var stories = []struct {
	name string
	tell func(context.Context, *host) error
}{
	{"agency", agencyStory},
	{"login", loginStory},
	{"clients", clientsStory},
}

func main() {
	story := flag.String("story", "", "the one story to tell: "+strings.Join(names(), ", ")+"; all without")
	var post posting
	flag.StringVar(&post.server, "smtp", "", "also send the mail, through the server at this host:port")
	flag.StringVar(&post.to, "to", "", "with -smtp: send all mail to this address, and not to the people of the stories, who do not exist")
	flag.StringVar(&post.from, "from", "", "with -smtp: send all mail from this address, which the server lets you use")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, colours(os.Stdout), *story, post); err != nil {
		fmt.Fprintln(os.Stderr, "\nquickstart:", err)
		os.Exit(1)
	}
}

func names() []string {
	list := make([]string, len(stories))
	for i, s := range stories {
		list[i] = s.name
	}
	return list
}

// run tells one story, or all, each on a database of its own.
func run(ctx context.Context, w io.Writer, colour bool, story string, post posting) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	told := 0
	for _, s := range stories {
		if story != "" && story != s.name {
			continue
		}
		if told > 0 {
			fmt.Fprint(w, "\n\n")
		}
		told++
		if err := open(ctx, &teller{w: w, colour: colour}, post, s.tell); err != nil {
			return fmt.Errorf("story %q: %w", s.name, err)
		}
	}
	if told == 0 {
		return fmt.Errorf("there is no story %q; there is %s", story, strings.Join(names(), ", "))
	}
	return nil
}

// host is what any program that embeds the library has: a store, a clock, the
// services, and somebody who delivers the mail.
type host struct {
	*teller
	clock       *clock.Mock
	env         *accounts.Env
	accounts    *accounts.Service
	requests    *access.Requests
	sessions    *access.Sessions
	logins      *access.Logins
	codes       *access.Confirmations
	invitations *invites.Service
	clients     *accounts.Clients
	setups      *invites.SetupLinks
	views       *access.Views
	post        *mail.Dispatcher
	mailbox     *postman
	texts       *mail.Dispatcher // for codes, which a host sends by text message
	phones      *mailtest.Recorder
}

// domain is where the pages of the product are.
const domain = "https://app.letterbird.example/"

// The pages that mails lead to.
const (
	requestPage    = domain + "access-requests/"
	invitationPage = domain + "invitations/"
	proofPage      = domain + "address/prove/"
	resetPage      = domain + "password/reset/"
)

// open wires a host on a fresh SQLite file and tells a story with it.
func open(ctx context.Context, t *teller, p posting, tell func(context.Context, *host) error) (err error) {
	dir, err := os.MkdirTemp("", "chatelaine-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st, err := sqlite.Open(ctx, filepath.Join(dir, "chatelaine.db"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	mailbox, err := newPostman(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mailbox.Close()) }()
	h, err := wire(t, st, mailbox)
	if err != nil {
		return err
	}
	return tell(ctx, h)
}

// wire makes the services of a host.
func wire(t *teller, st storage.Storage, mailbox *postman) (*host, error) {
	h := &host{teller: t, clock: clock.NewMock(), mailbox: mailbox, phones: new(mailtest.Recorder)}
	h.clock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	links, err := accounts.NewLinks(domain, "https://letterbird.example/help/access")
	if err != nil {
		return nil, err
	}
	if h.env, err = accounts.NewEnv(&accounts.EnvOptions{Product: "Letterbird", Links: brand{links}, Policy: plans, Clock: h.clock}); err != nil {
		return nil, err
	}
	// One hasher for all who hash: it bounds the memory that they take together.
	hasher, err := password.New(nil)
	if err != nil {
		return nil, err
	}
	if h.accounts, err = accounts.New(st, h.env); err != nil {
		return nil, err
	}
	if h.requests, err = access.NewRequests(st, h.env); err != nil {
		return nil, err
	}
	if h.sessions, err = access.NewSessions(st, h.env); err != nil {
		return nil, err
	}
	if h.logins, err = access.NewLogins(st, h.env, &access.LoginOptions{Hasher: hasher}); err != nil {
		return nil, err
	}
	if h.codes, err = access.NewConfirmations(st, h.env); err != nil {
		return nil, err
	}
	if h.invitations, err = invites.New(st, h.env, &invites.Options{Hasher: hasher}); err != nil {
		return nil, err
	}
	if h.clients, err = accounts.NewClients(st, h.env); err != nil {
		return nil, err
	}
	if h.setups, err = invites.NewSetupLinks(st, h.env, &invites.Options{Hasher: hasher}); err != nil {
		return nil, err
	}
	if h.views, err = access.NewViews(st, h.env); err != nil {
		return nil, err
	}
	if h.post, err = mail.NewDispatcher(st, h.mailbox, h.env.DispatcherOptions(mail.Email)); err != nil {
		return nil, err
	}
	h.texts, err = mail.NewDispatcher(st, h.phones, h.env.DispatcherOptions(mail.SMS))
	return h, err
}

// visit is a signed-in person at one account, as a host's middleware has it
// after reading the cookie.
func (h *host) visit(ctx context.Context, secret string, account accounts.AccountID) (accounts.Actor, error) {
	p, err := h.sessions.Principal(ctx, secret, account)
	return p.Actor(), err
}

// deliver sends the mail that is due and returns how many messages arrived.
func (h *host) deliver(ctx context.Context) (int, error) {
	before := len(h.mailbox.Messages())
	if _, err := h.post.Flush(ctx); err != nil {
		return 0, err
	}
	if err := h.mailbox.Failed(); err != nil {
		return 0, err
	}
	return len(h.mailbox.Messages()) - before, nil
}

// code sends the text message that is due and returns it.
func (h *host) code(ctx context.Context) (mail.Message, error) {
	if _, err := h.texts.Flush(ctx); err != nil {
		return mail.Message{}, err
	}
	all := h.phones.Messages()
	if len(all) == 0 {
		return mail.Message{}, errors.New("no text message was sent")
	}
	return all[len(all)-1], nil
}

// link returns the secret in the newest mail to somebody that leads to a page.
func (h *host) link(address, page string) (string, error) {
	all := h.mailbox.To(address)
	for i := len(all) - 1; i >= 0; i-- {
		if url, ok := mailtest.Link(all[i], page); ok {
			return strings.TrimPrefix(url, page), nil
		}
	}
	return "", fmt.Errorf("no mail for %s leads to %s", address, page)
}
