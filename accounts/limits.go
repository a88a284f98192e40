package accounts

import "time"

// Limits holds every number that decides something. Zero fields take the
// defaults of [DefaultLimits].
type Limits struct {
	RequestsPerDay    int           // access requests an agency account sends in a UTC day: 35
	RequestTTL        time.Duration // an access request's life since it was last sent: 7 days
	ResendEvery       time.Duration // between two mails of one request or invitation: 1 hour
	ResendsPerDay     int           // mails of one request or invitation after the first, in a UTC day: 3
	MailsPerRecipient int           // mails with a link to one address from everybody, in a UTC day: 5
	BatchAddresses    int           // addresses in one batch: 1,000
	Message           int           // characters of a personal message, in a request or an invitation: 1,000
	InvitationsPerDay int           // invitations an account sends in a UTC day: 25
	InvitationTTL     time.Duration // an invitation's life since it was last sent: 7 days

	SetupTTL         time.Duration // a setup link's life: 30 days
	SetupStrict      time.Duration // how long one sets a password, at most SetupTTL; later it only asks for a fresh one by mail: 0, off
	SetupMailsPerDay int           // setup links an account mails in a UTC day: 100
	SitesPerClient   int           // sites of one client: 500
	ViewLinkTTL      time.Duration // the life of a link that opens a view as a client: 60 seconds
	ViewTTL          time.Duration // the life of a view as a client: 30 minutes

	LinksPerDay    int           // mails to one address about its own login, and other addresses one user asks for, in a UTC day: 5
	TriesPerSource int           // tries to log in, sign up or reset from one network in a UTC day: 1,000
	TriesFree      int           // wrong passwords for an address before the next try has to wait: 5
	TriesMost      int           // wrong passwords in a row after which the address waits for TriesBlock, at least TriesFree: 100
	TriesBlock     time.Duration // that wait: 24 hours
	KeepGuesses    time.Duration // after so long without a try, counting begins anew: 30 days
	ProofTTL       time.Duration // the life of a link that proves an address: 24 hours
	ResetTTL       time.Duration // the life of a link that resets a password: 30 minutes
	CodeTTL        time.Duration // the life of a six-digit code: 10 minutes
	CodeTries      int           // answers to one code: 5
	CodesPerDay    int           // codes for one user in a UTC day: 10
	Sessions       int           // sessions of one user at a time; the oldest ends for a new one: 100

	FreshLogin    time.Duration // how old a login may be for what wants a fresh one: 10 minutes
	SessionIdle   time.Duration // a session's life without use: 60 minutes
	SessionTTL    time.Duration // a session's life in any case: 24 hours
	DelegateIdle  time.Duration // without use anywhere, before it is too old for somebody else's account: 30 minutes
	DelegateTTL   time.Duration // since its user last proved who they are, before it is too old for that: 12 hours
	LastSeenEvery time.Duration // how often a session's use is written down: 1 minute
	KeepReplies   time.Duration // how long an idempotency key is kept: 24 hours
	KeepSources   time.Duration // how long addresses and user agents of sessions are kept: 90 days
	Retry         time.Duration // how long a conflict is retried when the context has no deadline: 2 seconds
	PageDefault   int           // entries of a page when none are asked for: 50
	PageMax       int           // the most entries of a page: 500
}

// DefaultLimits returns the numbers in force when a host sets none.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{
		RequestsPerDay: 35, RequestTTL: 7 * day, ResendEvery: time.Hour, ResendsPerDay: 3,
		MailsPerRecipient: 5, BatchAddresses: 1000, Message: 1000, InvitationsPerDay: 25, InvitationTTL: 7 * day,
		SetupTTL: 30 * day, SetupMailsPerDay: 100, SitesPerClient: 500, ViewLinkTTL: time.Minute, ViewTTL: 30 * time.Minute,
		LinksPerDay: 5, TriesPerSource: 1000, TriesFree: 5, TriesMost: 100, TriesBlock: day, KeepGuesses: 30 * day,
		ProofTTL: day, ResetTTL: 30 * time.Minute, CodeTTL: 10 * time.Minute, CodeTries: 5, CodesPerDay: 10, Sessions: 100,
		FreshLogin: 10 * time.Minute, SessionIdle: time.Hour, SessionTTL: day,
		DelegateIdle: 30 * time.Minute, DelegateTTL: 12 * time.Hour, LastSeenEvery: time.Minute,
		KeepReplies: day, KeepSources: 90 * day, Retry: 2 * time.Second, PageDefault: 50, PageMax: 500,
	}
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
		{"limits.invitationsPerDay", &l.InvitationsPerDay, d.InvitationsPerDay},
		{"limits.setupMailsPerDay", &l.SetupMailsPerDay, d.SetupMailsPerDay},
		{"limits.sitesPerClient", &l.SitesPerClient, d.SitesPerClient},
		{"limits.linksPerDay", &l.LinksPerDay, d.LinksPerDay},
		{"limits.triesPerSource", &l.TriesPerSource, d.TriesPerSource},
		{"limits.triesFree", &l.TriesFree, d.TriesFree},
		{"limits.triesMost", &l.TriesMost, d.TriesMost},
		{"limits.codeTries", &l.CodeTries, d.CodeTries},
		{"limits.codesPerDay", &l.CodesPerDay, d.CodesPerDay},
		{"limits.sessions", &l.Sessions, d.Sessions},
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
		{"limits.invitationTTL", &l.InvitationTTL, d.InvitationTTL},
		{"limits.setupTTL", &l.SetupTTL, d.SetupTTL},
		{"limits.setupStrict", &l.SetupStrict, d.SetupStrict},
		{"limits.viewLinkTTL", &l.ViewLinkTTL, d.ViewLinkTTL},
		{"limits.viewTTL", &l.ViewTTL, d.ViewTTL},
		{"limits.triesBlock", &l.TriesBlock, d.TriesBlock},
		{"limits.keepGuesses", &l.KeepGuesses, d.KeepGuesses},
		{"limits.proofTTL", &l.ProofTTL, d.ProofTTL},
		{"limits.resetTTL", &l.ResetTTL, d.ResetTTL},
		{"limits.codeTTL", &l.CodeTTL, d.CodeTTL},
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
	if l.TriesMost < l.TriesFree {
		return l, &InvalidError{Field: "limits.triesMost", Reason: "is less than limits.triesFree"}
	}
	if l.PageDefault > l.PageMax {
		return l, &InvalidError{Field: "limits.pageDefault", Reason: "is greater than limits.pageMax"}
	}
	if l.SetupStrict > l.SetupTTL {
		return l, &InvalidError{Field: "limits.setupStrict", Reason: "is longer than limits.setupTTL"}
	}
	if l.LastSeenEvery >= min(l.SessionIdle, l.DelegateIdle) {
		return l, &InvalidError{Field: "limits.lastSeenEvery", Reason: "is not shorter than the idle limits"}
	}
	return l, nil
}
