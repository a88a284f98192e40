package accounts

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Clock tells the time. Hosts whose machines' clocks differ can inject one
// that asks their database; tests inject a mock.
type Clock interface{ Now() time.Time }

// Links builds the addresses of the host's pages that mails lead to. It is
// never told anything about an HTTP request, so a forged host header cannot
// reach a mail.
type Links interface {
	// AccessRequest returns the page on which a client sees an access request
	// and decides it. Secret is a token of letters, digits and "_".
	AccessRequest(secret string) string
	// Connections returns the page on which an account's owners see who has
	// access to it.
	Connections(account AccountID) string
	// Clients returns the page on which an agency sees its clients.
	Clients(agency AccountID) string
	// Guide returns a page that explains how to grant access, or "".
	Guide() string
}

// BurstLimiter refuses what comes in too fast. It guards one process against
// bursts and replaces no durable limit. A nil error lets pass.
type BurstLimiter interface{ Allow(key string) error }

// Limits holds every number that decides something. Zero fields take the
// defaults of [DefaultLimits].
type Limits struct {
	RequestsPerDay    int           // access requests an agency account sends in a UTC day: 35
	RequestTTL        time.Duration // an access request's life since it was last sent: 7 days
	ResendEvery       time.Duration // between two mails of one request: 1 hour
	ResendsPerDay     int           // mails of one request after the first, in a UTC day: 3
	MailsPerRecipient int           // mails with a link to one address from everybody, in a UTC day: 5
	BatchAddresses    int           // addresses in one batch: 1,000
	Message           int           // characters of a personal message: 1,000

	FreshLogin    time.Duration // how old a login may be for what wants a fresh one: 10 minutes
	SessionIdle   time.Duration // a session's life without use: 60 minutes
	SessionTTL    time.Duration // a session's life in any case: 24 hours
	DelegateIdle  time.Duration // the same before work in somebody else's account, used anywhere: 30 minutes
	DelegateTTL   time.Duration // and: 12 hours
	LastSeenEvery time.Duration // how often a session's use is written down: 1 minute
	KeepReplies   time.Duration // how long an idempotency key is kept: 24 hours
	KeepSources   time.Duration // how long addresses and user agents of sessions are kept: 90 days
	Retry         time.Duration // how long a conflict is retried when the context has no deadline: 2 seconds
	PageDefault   int           // entries of a page when none are asked for: 50
	PageMax       int           // most entries of a page: 500
}

// DefaultLimits returns the numbers in force when a host sets none.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{
		RequestsPerDay: 35, RequestTTL: 7 * day, ResendEvery: time.Hour, ResendsPerDay: 3,
		MailsPerRecipient: 5, BatchAddresses: 1000, Message: 1000,
		FreshLogin: 10 * time.Minute, SessionIdle: time.Hour, SessionTTL: day,
		DelegateIdle: 30 * time.Minute, DelegateTTL: 12 * time.Hour, LastSeenEvery: time.Minute,
		KeepReplies: day, KeepSources: 90 * day, Retry: 2 * time.Second, PageDefault: 50, PageMax: 500,
	}
}

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
	Policy    Policy          // DefaultPolicy
	Limits    Limits          // DefaultLimits, field by field
	Templates *mail.Templates // the library's own
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
		if opts.Links, err = newPages(opts.BaseURL, opts.GuideURL); err != nil {
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
	if opts.Policy == nil {
		opts.Policy = DefaultPolicy{}
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

// Policy returns the host's rules.
func (e *Env) Policy() Policy { return e.o.Policy }

// Limits returns the numbers in force.
func (e *Env) Limits() Limits { return e.o.Limits }

// Links returns the builder of the pages' addresses.
func (e *Env) Links() Links { return e.o.Links }

// Templates returns the texts of mails.
func (e *Env) Templates() *mail.Templates { return e.o.Templates }

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

func (l Limits) withDefaults() (Limits, error) {
	d := DefaultLimits()
	for _, f := range []struct {
		name   string
		at     *int
		preset int
	}{
		{"limits.requestsPerDay", &l.RequestsPerDay, d.RequestsPerDay},
		{"limits.resendsPerDay", &l.ResendsPerDay, d.ResendsPerDay},
		{"limits.mailsPerRecipient", &l.MailsPerRecipient, d.MailsPerRecipient},
		{"limits.batchAddresses", &l.BatchAddresses, d.BatchAddresses},
		{"limits.message", &l.Message, d.Message},
		{"limits.pageDefault", &l.PageDefault, d.PageDefault},
		{"limits.pageMax", &l.PageMax, d.PageMax},
	} {
		if *f.at < 0 {
			return l, &InvalidError{Field: f.name, Reason: "is negative"}
		} else if *f.at == 0 {
			*f.at = f.preset
		}
	}
	for _, f := range []struct {
		name   string
		at     *time.Duration
		preset time.Duration
	}{
		{"limits.requestTTL", &l.RequestTTL, d.RequestTTL},
		{"limits.resendEvery", &l.ResendEvery, d.ResendEvery},
		{"limits.freshLogin", &l.FreshLogin, d.FreshLogin},
		{"limits.sessionIdle", &l.SessionIdle, d.SessionIdle},
		{"limits.sessionTTL", &l.SessionTTL, d.SessionTTL},
		{"limits.delegateIdle", &l.DelegateIdle, d.DelegateIdle},
		{"limits.delegateTTL", &l.DelegateTTL, d.DelegateTTL},
		{"limits.lastSeenEvery", &l.LastSeenEvery, d.LastSeenEvery},
		{"limits.keepReplies", &l.KeepReplies, d.KeepReplies},
		{"limits.keepSources", &l.KeepSources, d.KeepSources},
		{"limits.retry", &l.Retry, d.Retry},
	} {
		if *f.at < 0 {
			return l, &InvalidError{Field: f.name, Reason: "is negative"}
		} else if *f.at == 0 {
			*f.at = f.preset
		}
	}
	if l.PageDefault > l.PageMax {
		return l, &InvalidError{Field: "limits.pageDefault", Reason: "is greater than limits.pageMax"}
	}
	if l.LastSeenEvery >= min(l.SessionIdle, l.DelegateIdle) {
		return l, &InvalidError{Field: "limits.lastSeenEvery", Reason: "is not shorter than the idle limits"}
	}
	return l, nil
}

// pages is the default Links: paths below one base.
type pages struct{ base, guide string }

func newPages(base, guide string) (Links, error) {
	if base == "" {
		base = "http://localhost:8080"
	}
	for field, s := range map[string]string{"baseURL": base, "guideURL": guide} {
		if s == "" {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.Fragment != "" {
			return nil, &InvalidError{Field: field, Reason: "is not a plain http or https URL"}
		}
		if field == "baseURL" && u.RawQuery != "" {
			return nil, &InvalidError{Field: field, Reason: "has a query"}
		}
	}
	return pages{base: strings.TrimRight(base, "/"), guide: guide}, nil
}

// AccessRequest implements Links.
func (p pages) AccessRequest(secret string) string {
	return p.base + "/access-requests/" + url.PathEscape(secret)
}

// Connections implements Links.
func (p pages) Connections(account AccountID) string {
	return fmt.Sprintf("%s/accounts/%s/connections", p.base, url.PathEscape(string(account)))
}

// Clients implements Links.
func (p pages) Clients(agency AccountID) string {
	return fmt.Sprintf("%s/accounts/%s/clients", p.base, url.PathEscape(string(agency)))
}

// Guide implements Links.
func (p pages) Guide() string { return p.guide }

type systemClock struct{}

// Now implements Clock.
func (systemClock) Now() time.Time { return time.Now() } //nolint:forbidigo // the default clock is the one place that reads the system's
