package accounts

import (
	"crypto/rand"
	"log/slog"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Clock tells the time. Hosts whose machines' clocks differ can inject one
// that asks their database; tests inject a mock.
type Clock interface{ Now() time.Time }

// BurstLimiter refuses what comes in too fast. It guards one process against
// bursts and replaces no durable limit. A nil error lets pass.
type BurstLimiter interface{ Allow(key string) error }

// EnvOptions configures [NewEnv]. Every field may be left zero.
type EnvOptions struct {
	Product   string          // the product's name in mails: "Chatelaine"
	BaseURL   string          // where the host's pages are: "http://localhost:8080", for development
	GuideURL  string          // a page that explains how to grant access: none
	Links     Links           // builds addresses; replaces BaseURL and GuideURL
	Clock     Clock           // the system's; give the mail dispatcher the same one
	IDs       IDs             // UUIDs of version 7
	Secrets   func() string   // 52 characters A–Z and 2–7 from a cryptographic source: 260 bits of crypto/rand
	Ladder    *roles.Ladder   // the standard ladder
	Catalog   *roles.Catalog  // what clients can be allowed on sites: roles.SiteCatalog
	Policy    Policy          // DefaultPolicy
	Limits    Limits          // DefaultLimits, field by field
	Templates *mail.Templates // the library's own
	MailKeys  *mail.Keys      // seal mail while it waits: none; see Env.DispatcherOptions
	Burst     BurstLimiter    // an access/limit.Limiter with its defaults
	Logger    *slog.Logger    // discards
}

// Env is what every service is built with: one for a program, made at
// start-up, safe for concurrent use.
type Env struct {
	o EnvOptions
}

// NewEnv returns an environment. Nil options take every default. A bad option
// is refused with an [*InvalidError] that names it.
func NewEnv(o *EnvOptions) (*Env, error) {
	var opts EnvOptions
	if o != nil {
		opts = *o
	}
	limits, err := opts.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	opts.Limits = limits
	if opts.Product == "" {
		opts.Product = "Chatelaine"
	}
	if opts.Links == nil {
		if opts.Links, err = NewLinks(opts.BaseURL, opts.GuideURL); err != nil {
			return nil, err
		}
	}
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	if opts.IDs == nil {
		opts.IDs = &uuids{}
	}
	if opts.Secrets == nil {
		opts.Secrets = func() string { return rand.Text() + rand.Text() }
	}
	if opts.Ladder == nil {
		opts.Ladder = roles.Standard()
	}
	if opts.Catalog == nil {
		opts.Catalog = roles.SiteCatalog()
	}
	if opts.Policy == nil {
		opts.Policy = DefaultPolicy{}
	}
	if p, ok := opts.Policy.(interface{ Check(l *roles.Ladder) error }); ok {
		if err := p.Check(opts.Ladder); err != nil {
			return nil, err
		}
	}
	if opts.Templates == nil {
		if opts.Templates, err = mail.NewTemplates(nil); err != nil {
			return nil, err
		}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Env{o: opts}, nil
}

// Now returns the time of an operation: UTC, whole microseconds. A service
// reads it once an operation and hands it down.
func (e *Env) Now() time.Time { return e.o.Clock.Now().UTC().Truncate(time.Microsecond) }

// NewID returns a fresh id.
func (e *Env) NewID(at time.Time) string { return e.o.IDs.NewID(at) }

// Secrets returns the source of secrets.
func (e *Env) Secrets() func() string { return e.o.Secrets }

// Ladder returns the roles.
func (e *Env) Ladder() *roles.Ladder { return e.o.Ladder }

// Catalog returns what clients can be allowed on sites.
func (e *Env) Catalog() *roles.Catalog { return e.o.Catalog }

// Policy returns the host's rules.
func (e *Env) Policy() Policy { return e.o.Policy }

// Limits returns the numbers in force.
func (e *Env) Limits() Limits { return e.o.Limits }

// Links returns the builder of the pages' addresses.
func (e *Env) Links() Links { return e.o.Links }

// Templates returns the texts of mails.
func (e *Env) Templates() *mail.Templates { return e.o.Templates }

// DispatcherOptions returns what a mail dispatcher of a channel shares with the
// services: the clock, the keys, the templates and the logger. Change what else
// you like in it.
//
//	post, err := mail.NewDispatcher(store, mailer, env.DispatcherOptions(mail.Email))
//	texts, err := mail.NewDispatcher(store, gateway, env.DispatcherOptions(mail.SMS))
func (e *Env) DispatcherOptions(channel mail.Channel) *mail.DispatcherOptions {
	return &mail.DispatcherOptions{Channel: channel, Clock: e.o.Clock, Keys: e.o.MailKeys, Templates: e.o.Templates, Logger: e.o.Logger}
}

// Seal seals the mail of a change with the host's keys, if it gave any. Decisions
// stay readable and repeatable, so it comes after them and before the store. Most
// hosts won't need this; packages that add their own operations do.
func (e *Env) Seal(c *Change) error {
	c.Mail = slices.Clone(c.Mail) // the decision's own stays readable
	for i, m := range c.Mail {
		var err error
		if c.Mail[i], err = e.o.MailKeys.Seal(m); err != nil {
			return err
		}
	}
	return nil
}

// Product returns the product's name.
func (e *Env) Product() string { return e.o.Product }

// Burst returns the limiter of bursts, or nil when the host gave none.
func (e *Env) Burst() BurstLimiter { return e.o.Burst }

// Logger returns where the library reports what no caller is told.
func (e *Env) Logger() *slog.Logger { return e.o.Logger }

// Page returns how many entries a page has when n are asked for.
func (e *Env) Page(n int) int {
	if n <= 0 {
		n = e.o.Limits.PageDefault
	}
	return min(n, e.o.Limits.PageMax)
}

type systemClock struct{}

// Now implements Clock.
func (systemClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the default clock is the one place that reads the system's
