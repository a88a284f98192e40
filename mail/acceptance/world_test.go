package acceptance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

const (
	product = "Letterbird"
	domain  = "https://app.letterbird.example/"
	guide   = "https://letterbird.example/help/access?from=mail&step=1"
)

// start is when every story begins.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// letter is one mail: as the services asked for it, and the words as they arrived.
type letter struct {
	mail.Message

	arrived string // the plain text
}

// carrier takes mail to people.
type carrier interface {
	mail.Mailer
	// collect waits until a message has arrived, and returns its plain text.
	collect(t *testing.T, m mail.Message) string
}

// byHand is a carrier that hands over what it is given.
type byHand struct{}

func (byHand) Send(context.Context, mail.Message) error    { return nil }
func (byHand) collect(_ *testing.T, m mail.Message) string { return m.Text }

// world is a host's program in one language, and everybody who got mail from it.
type world struct {
	words

	t        *testing.T
	lang     string
	mark     string // stands in every address, so that worlds share a mail server
	clock    *tick
	graph    *accounts.Service
	requests *access.Requests
	sessions *access.Sessions
	logins   *access.Logins
	codes    *access.Confirmations
	invites  *invites.Service
	clients  *accounts.Clients
	setups   *invites.SetupLinks

	carrier carrier
	post    *mail.Dispatcher
	phones  *mail.Dispatcher

	mu      sync.Mutex
	taken   []mail.Message // what the dispatchers gave away since the last delivery
	letters []letter
	used    []string // links that were read where they arrived
	texts   []mail.Message
}

// tick is a clock that stands still until it is moved.
type tick struct{ at atomic.Pointer[time.Time] }

func (c *tick) Now() time.Time { return *c.at.Load() }

func (c *tick) add(d time.Duration) { at := c.Now().Add(d); c.at.Store(&at) }

// unlimited keeps a limiter of bursts out of the stories.
type unlimited struct{}

func (unlimited) Allow(string) error { return nil }

// brand is a host's Links: the agency writes to its own clients in its own name.
type brand struct {
	accounts.Links

	from mail.Sender
}

// Sender implements [accounts.Links].
func (b brand) Sender(account accounts.AccountID) mail.Sender {
	if account == studio {
		return b.from
	}
	return mail.Sender{}
}

// hasher and chosen are made once: reading the lists of common passwords is slow.
var (
	hasher = sync.OnceValues(func() (*password.Hasher, error) {
		return password.New(&password.Options{Memory: 8, Time: 1, Queue: 1000})
	})
	chosen = sync.OnceValues(func() (*password.Policy, error) { return password.NewPolicy(nil) })
)

// newWorld wires a host on a store in memory. What its mail says is sealed there.
func newWorld(t *testing.T, lang, set string, w words, c carrier) *world {
	t.Helper()
	at := start
	h := &world{words: w, t: t, lang: lang, mark: lang + "-" + set, clock: new(tick), carrier: c}
	h.clock.at.Store(&at)
	st := memory.New()
	keys, err := mail.NewKeys(slices.Repeat([]byte{7}, mail.KeySize))
	require.NoError(t, err)
	links, err := accounts.NewLinks(domain, guide)
	require.NoError(t, err)
	const plenty = 1000
	env, err := accounts.NewEnv(&accounts.EnvOptions{
		Product: product, Links: brand{links, mail.Sender{Name: w.agency, Address: h.address("hello")}}, Clock: h.clock, Burst: unlimited{}, MailKeys: keys,
		Limits: accounts.Limits{LinksPerDay: plenty, MailsPerRecipient: plenty, CodesPerDay: plenty, SetupStrict: 24 * time.Hour},
	})
	require.NoError(t, err)
	hash, err := hasher()
	require.NoError(t, err)
	policy, err := chosen()
	require.NoError(t, err)
	h.graph, err = accounts.New(st, env)
	require.NoError(t, err)
	h.requests, err = access.NewRequests(st, env)
	require.NoError(t, err)
	h.sessions, err = access.NewSessions(st, env)
	require.NoError(t, err)
	h.logins, err = access.NewLogins(st, env, &access.LoginOptions{Hasher: hash, Passwords: policy})
	require.NoError(t, err)
	h.codes, err = access.NewConfirmations(st, env)
	require.NoError(t, err)
	h.invites, err = invites.New(st, env, &invites.Options{Hasher: hash, Passwords: policy})
	require.NoError(t, err)
	h.clients, err = accounts.NewClients(st, env)
	require.NoError(t, err)
	h.setups, err = invites.NewSetupLinks(st, env, &invites.Options{Hasher: hash, Passwords: policy})
	require.NoError(t, err)

	h.post, err = mail.NewDispatcher(st, mail.MailerFunc(func(ctx context.Context, m mail.Message) error {
		if err := c.Send(ctx, m); err != nil {
			return err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.taken = append(h.taken, m)
		return nil
	}), &mail.DispatcherOptions{Clock: h.clock, Keys: keys, Workers: 2})
	require.NoError(t, err)
	h.phones, err = mail.NewDispatcher(st, mail.MailerFunc(func(_ context.Context, m mail.Message) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.texts = append(h.texts, m)
		return nil
	}), &mail.DispatcherOptions{Channel: mail.SMS, Clock: h.clock, Keys: keys})
	require.NoError(t, err)
	return h
}

// address makes somebody's address.
func (h *world) address(name string) string { return name + "@" + h.mark + ".example" }

// deliver sends what is due, and returns it once it has arrived.
func (h *world) deliver() []letter {
	h.t.Helper()
	r, err := h.post.Flush(h.t.Context())
	require.NoError(h.t, err)
	h.mu.Lock()
	taken := h.taken
	h.taken = nil
	h.mu.Unlock()
	require.Equal(h.t, mail.Report{Sent: len(taken)}, r)
	var got []letter
	for _, m := range taken {
		got = append(got, letter{m, h.carrier.collect(h.t, m)})
	}
	h.letters = append(h.letters, got...)
	return got
}

// told delivers the mail and requires that it is of these kinds to these names, in any order.
func (h *world) told(want ...string) {
	h.t.Helper()
	var got []string
	for _, l := range h.deliver() {
		name, _, _ := strings.Cut(l.To, "@")
		got = append(got, l.Kind+" to "+name)
	}
	require.ElementsMatch(h.t, want, got)
}

// leads is where the links go that have no secret, by kind: to the page of the account that the mail is about.
var leads = map[string]string{
	mail.SignUpKnown: domain + "login", mail.ProgrammeLeft: domain + "accounts/" + string(bakery) + "/connections",
	mail.AccessApproved: clientsPage, mail.AccessDeclined: clientsPage, mail.CapChanged: clientsPage, mail.Assigned: clientsPage,
	mail.ConnectionEnded: clientsPage,
}

const clientsPage = domain + "accounts/" + string(studio) + "/clients"

// link is the secret in the newest mail of a kind to somebody, read where it arrived.
func (h *world) link(kind, name string, p token.Purpose) string {
	h.t.Helper()
	for _, l := range slices.Backward(h.letters) {
		if l.Kind != kind || l.To != h.address(name) {
			continue
		}
		for word := range strings.FieldsSeq(l.arrived) {
			if i := strings.LastIndexByte(word, '/'); strings.HasPrefix(word, domain) && strings.HasPrefix(word[i+1:], string(p)) {
				h.used = append(h.used, word)
				return word[i+1:]
			}
		}
	}
	require.Fail(h.t, "no link", "no mail of the kind %s to %s has one of the purpose %s", kind, name, p)
	return ""
}

// code is what the newest text message says.
func (h *world) code() string {
	h.t.Helper()
	r, err := h.phones.Flush(h.t.Context())
	require.NoError(h.t, err)
	require.Equal(h.t, mail.Report{Sent: 1}, r)
	m := h.texts[len(h.texts)-1]
	require.Equal(h.t, mail.Code, m.Kind)
	require.Contains(h.t, m.Text, m.Data.Code)
	return m.Data.Code
}

// as is somebody who has just logged in, at an account or at none.
func (h *world) as(u accounts.UserID, at accounts.AccountID) accounts.Actor {
	h.t.Helper()
	secret, _, err := h.sessions.Start(h.t.Context(), accounts.Login{User: u, Method: "host"}, access.Device{UserAgent: "test"})
	require.NoError(h.t, err)
	p, err := h.sessions.Principal(h.t.Context(), secret.Reveal(), at)
	require.NoError(h.t, err)
	return p.Actor()
}

// once uses a link twice: it works the first time, and is refused as used up the second.
func (h *world) once(refused error, use func() error) {
	h.t.Helper()
	require.NoError(h.t, use())
	require.ErrorIs(h.t, use(), refused)
}

// languages are those that there is mail in.
func languages(t *testing.T) []string {
	t.Helper()
	list, err := templates()
	require.NoError(t, err)
	return list.Languages()
}

var templates = sync.OnceValues(func() (*mail.Templates, error) { return mail.NewTemplates(nil) })

// everything tells all stories, and requires mail of every kind in the language of whom it is for.
func (h *world) everything() {
	h.t.Helper()
	for _, story := range []func(){h.loginStory, h.addressStory, h.confirmationStory, h.invitationStory, h.agencyStory, h.endingStory, h.clientStory} {
		story()
	}
	seen := map[string]bool{}
	for _, l := range h.letters {
		seen[l.Kind] = true
		want := h.lang
		if l.Kind == mail.NoLogin {
			want = "" // nobody is known there, and so no language
		}
		require.Equal(h.t, want, l.Locale, "the language of %s", l.Kind)
		// The agency's own words to its own clients go out in its name, and nothing else does.
		var from mail.Sender
		if l.Kind == mail.SetupInvitation || l.Kind == mail.SetupRefreshed {
			require.Equal(h.t, string(studio), l.Account, "the account of %s", l.Kind)
			from = mail.Sender{Name: h.agency, Address: h.address("hello")}
		}
		require.Equal(h.t, from.Address, l.From.Address, "the sender of %s", l.Kind)
		require.Equal(h.t, from.Address != "", l.From.Name != "", "the sender's name in %s", l.Kind)
		if page, ok := leads[l.Kind]; ok {
			require.Equal(h.t, page, l.Data.Link, "where %s leads", l.Kind)
		} else if l.Data.Link != "" {
			require.Contains(h.t, h.used, l.Data.Link, "the link of %s to %s, which nobody has used", l.Kind, l.To)
		}
	}
	for _, m := range h.texts {
		seen[m.Kind] = true
	}
	for _, kind := range mail.Kinds() {
		require.True(h.t, seen[kind], "no operation sent mail of the kind %q", kind)
	}
	require.Len(h.t, seen, len(mail.Kinds()), fmt.Sprint(seen))
}
