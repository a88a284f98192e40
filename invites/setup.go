package invites

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// SetupLinks is the service of setup links: with one, a client of an account
// comes in for the first time. It holds no state but a limiter of bursts and
// the bound on parallel password hashes, and is safe for concurrent use.
type SetupLinks struct{ base }

// NewSetupLinks returns a service on a store. A nil environment and nil options
// take every default. A nil store is an accounts.InvalidError for "store".
func NewSetupLinks(st Store, env *accounts.Env, o *Options) (*SetupLinks, error) {
	b, err := newBase(st, env, o)
	if err != nil {
		return nil, err
	}
	return &SetupLinks{base: b}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then, secrets included, is provisional until
// the host commits.
func (s *SetupLinks) With(st Store) *SetupLinks { return &SetupLinks{base: s.on(st)} }

// GenerateSetup is the input of [SetupLinks.Generate].
type GenerateSetup struct {
	accounts.ClientKey
	Key string // optional idempotency key, good for 24 hours
}

// HandOver is a setup link that is shown to whoever made it, to hand it over.
type HandOver struct {
	Link SetupLink

	// URL is what the client opens, and Secret what is in it. Both print as
	// [redacted]: Reveal them to the actor, who sees them this once. They are
	// kept nowhere, so they are zero when the answer is that of an idempotency
	// key that came again.
	URL    token.Secret
	Secret token.Secret

	Sites int // how many live sites the client has; with none there is nothing to see yet
}

// Generate makes a setup link for a client and shows it, to hand it over. It is
// good for 30 days, and older links of the client are dead, those in mail that
// is not sent yet included. Since somebody saw it, using it proves no mailbox, and
// it is dead once its maker loses the right to make one, be it for a moment. The
// actor is somebody who manages clients, a Manager or above on the standard
// ladder. It returns
//
//   - accounts.ErrNotFound if there is no such client record, or the account is
//     nothing of the actor's;
//   - accounts.InvalidError for "client" if the client is suspended, and [ErrSetUp]
//     if they have come in already;
//   - roles.ErrDenied if the actor does not manage clients;
//   - limit.ErrLimited if the account's setup links come in too fast
//     (accounts.EnvOptions.Burst);
//   - accounts.ErrStepUp if the actor's login has ended;
//   - accounts.InvalidError for a field of the input that breaks a rule, and for
//     "account" if the actor was admitted to another one;
//   - accounts.ErrKeyReused if the key was used with other input.
//
// The same call with the same key makes no second link: it returns the first
// one, without URL and Secret. Where these were lost, generate another link, with
// another key.
func (s *SetupLinks) Generate(ctx context.Context, actor accounts.Actor, in GenerateSetup) (HandOver, error) {
	op := s.env.Begin(actor)
	if err := in.Check(); err != nil {
		return HandOver{}, err
	}
	once, err := accounts.NewOnce(op, in.Account, in.Key, EventSetupGenerated, in.ClientKey)
	if err != nil {
		return HandOver{}, err
	}
	fresh, err := s.freshSetup()
	if err != nil {
		return HandOver{}, err
	}
	m, err := s.makeLink(ctx, op, in.ClientKey, EventSetupGenerated, once, func(by accounts.Member, f SettingUp) (Change, SetupLink, error) {
		return generate(op, by, f, fresh)
	})
	if err != nil {
		return HandOver{}, err
	}
	out := HandOver{Link: m.link, Sites: m.facts.Assigned}
	if m.fresh {
		out.URL, out.Secret = token.Wrap(fresh.url(op, m.facts)), fresh.Secret
	}
	return out, nil
}

// SetupMail is the mail of a setup link, as it will be sent but for the link:
// mail.Placeholder stands in its text where the URL will be.
type SetupMail struct {
	Subject string
	Text    string
	Closing string // stands below the text and says who sends it; it cannot be edited

	// HTML is the same mail as a page, as mail programs show it, with a link that
	// leads nowhere in the place of the URL. Show it in an iframe of its own, with
	// the attributes srcdoc and sandbox. It is made with the environment's
	// templates: give the mail dispatcher the same ones.
	HTML string
}

// whole returns the text of the mail with its link.
func (m SetupMail) whole(link string) string {
	return mail.JoinClosing(mail.Draft{Text: m.Text}.Fill(link), m.Closing)
}

// SendSetup is the input of [SetupLinks.Send] and [SetupLinks.Preview].
type SendSetup struct {
	accounts.ClientKey

	// Subject and Text are what a preview showed, or what somebody made of it:
	// plain text, with mail.Placeholder exactly once where the URL will be; at
	// most 150 and 5,000 characters. "" is the subject or the text of the
	// template, in the client's language.
	Subject string
	Text    string

	Key string // optional idempotency key, good for 24 hours; a preview needs none
}

// Preview returns the mail that [SetupLinks.Send] would send for the same
// input, with a placeholder for the URL, and changes nothing. Give what it
// returned to Send: it is sent as it is, not a character changed but for the
// placeholder. What was edited is cleaned first, as mail.Draft.Clean says, so
// show it once more. It returns
//
//   - accounts.InvalidError for "subject" or "text" if what was edited cannot be
//     sent;
//   - and else what Send returns, quotas and keys aside.
//
// A refusal is not put on record.
func (s *SetupLinks) Preview(ctx context.Context, actor accounts.Actor, in SendSetup) (SetupMail, error) {
	op := s.env.Begin(actor)
	if err := in.Check(); err != nil {
		return SetupMail{}, err
	}
	var by accounts.Member
	var f SettingUp
	err := accounts.Operate(ctx, s.env, s.st, op.ID, func(ctx context.Context) (_ func(context.Context) error, err error) {
		by, f, err = s.asked(ctx, op, in.ClientKey)
		return nil, err
	})
	if err != nil {
		return SetupMail{}, accounts.Plain(err)
	}
	if err := s.burst.Allow("setup-previews/" + string(in.Account)); err != nil {
		return SetupMail{}, err
	}
	m, page, err := composeSetup(op, by.User, f, in.draft())
	if err != nil {
		return SetupMail{}, err
	}
	m.HTML, err = op.Rules.Templates.HTML(page)
	if err != nil {
		return SetupMail{}, err
	}
	return m, nil
}

// Send mails a setup link to a client, with their user name, which is their
// address. It is good for 30 days, and older links of the client are dead, those
// in mail that is not sent yet included. The secret is made now and shown to
// nobody: using it proves the mailbox, unless the page is on the account's own
// domain ([SetupLink.Proves]). The actor is somebody who manages clients. It
// returns
//
//   - accounts.InvalidError for "subject" or "text" if what was edited cannot be
//     sent: one is too long, or the text does not have mail.Placeholder exactly
//     once;
//   - accounts.ErrQuota after 5 mails with a link to the address in a UTC day,
//     from everybody together, and after 100 of the account's to anybody;
//
// and accounts.ErrNotFound, accounts.InvalidError, [ErrSetUp], roles.ErrDenied,
// limit.ErrLimited, accounts.ErrStepUp and accounts.ErrKeyReused as
// [SetupLinks.Generate] does.
func (s *SetupLinks) Send(ctx context.Context, actor accounts.Actor, in SendSetup) (SetupLink, error) {
	op := s.env.Begin(actor)
	if err := in.Check(); err != nil {
		return SetupLink{}, err
	}
	keyed := in
	keyed.Key = ""
	once, err := accounts.NewOnce(op, in.Account, in.Key, EventSetupSent, keyed)
	if err != nil {
		return SetupLink{}, err
	}
	fresh, err := s.freshSetup()
	if err != nil {
		return SetupLink{}, err
	}
	m, err := s.makeLink(ctx, op, in.ClientKey, EventSetupSent, once, func(by accounts.Member, f SettingUp) (Change, SetupLink, error) {
		today, err := s.st.Spent(ctx, setupQuota(op, in.Account, 0).Key)
		if err != nil {
			return Change{}, SetupLink{}, err
		}
		return sendSetup(op, by, f, in.draft(), today, fresh)
	})
	return m.link, err
}

// LatestSetup is the newest setup link of a client, for the page that shows
// them.
type LatestSetup struct {
	SetupLink      // without the hash
	Live      bool // it would let the client in, or ask for a fresh one in the strict mode
	Sites     int  // how many live sites the client has
}

// Latest returns the newest setup link of a client: who made it and when, whether
// it was mailed, and whether it is good for anything. The actor is somebody who
// manages clients. A client that is not there, or never had a link, is
// accounts.ErrNotFound; and else it returns what [SetupLinks.Generate] returns
// for the actor.
func (s *SetupLinks) Latest(ctx context.Context, actor accounts.Actor, key accounts.ClientKey) (LatestSetup, error) {
	op := s.env.Begin(actor)
	if err := key.Check(); err != nil {
		return LatestSetup{}, err
	}
	var f SettingUp
	err := accounts.Run(ctx, s.env, s.st, op, "setup-link.read", func(ctx context.Context) (_ func(context.Context) error, err error) {
		_, f, err = s.asked(ctx, op, key)
		if err == nil && (!f.Client.There() || f.Link.Version == 0) {
			err = accounts.ErrNotFound
		}
		return nil, err
	})
	if err != nil {
		return LatestSetup{}, err
	}
	out := LatestSetup{SetupLink: f.Link, Live: f.usable(op) == nil, Sites: f.Assigned}
	out.Hash = token.Hash{}
	return out, nil
}

// Progress returns how far the newest setup mail of each client has come, one that
// the client asked for anew included, in the order given: one question for a page of
// accounts.Clients.List. It tells of queued mail how often it was tried and when it is
// tried next, and that it was sent, given up or cancelled, or came back. The actor is
// somebody who manages clients, or a job or an operator of the host. A zero
// mail.Progress is for a client who was mailed no link, or whose mail was swept, and
// for an id that names none of the account's. It returns accounts.InvalidError for
// "account" or "ids", of which there are at most 1,000; and roles.ErrDenied,
// accounts.ErrNotFound and accounts.ErrStepUp as [SetupLinks.Generate] does.
//
// It tells of the mail and not of the link. Once a newer link was shown to somebody
// ([SetupLinks.Generate]), the mail of before is cancelled, or still says that it was
// sent, and its link is dead: whether the newest link was mailed at all is in
// [SetupLinks.Latest], as Mailed.
func (s *SetupLinks) Progress(ctx context.Context, actor accounts.Actor, account accounts.AccountID, ids ...accounts.ClientID) ([]mail.Progress, error) {
	return progress(ctx, s.base, actor, account, roles.ManageClients, "setup-links.progress", ids, func(id accounts.ClientID) mail.Reason {
		return setupReason(accounts.ClientKey{Account: account, ID: id})
	})
}

func (in SendSetup) draft() mail.Draft { return mail.Draft{Subject: in.Subject, Text: in.Text} }

// made is what came of making a link.
type made struct {
	link  SetupLink // as callers see it
	facts SettingUp
	fresh bool // it was made now; else it is the answer that an idempotency key kept
}

// makeLink runs a decision of somebody who manages clients that makes a link, once
// for an idempotency key. Nothing that is kept for the key has a secret, or
// names anybody.
func (s *SetupLinks) makeLink(ctx context.Context, op accounts.Operation, key accounts.ClientKey, kind accounts.EventKind, once accounts.Once,
	decide func(by accounts.Member, f SettingUp) (Change, SetupLink, error),
) (made, error) {
	counted := false
	var out made
	err := run(ctx, s.env, s.st, op, kind, func(ctx context.Context) (Change, error) {
		out = made{} // of an attempt that came to nothing
		// Who may not act here is told so whatever the key, and uses up
		// nobody's turn.
		by, f, err := s.asked(ctx, op, key)
		if err != nil {
			return Change{}, err
		}
		out.facts = f
		var c Change
		err = once.Do(ctx, s.st, &out.link, func() (bool, error) {
			if !counted {
				if err := s.burst.Allow("setup-links/" + string(key.Account)); err != nil {
					return false, op.Refuse(key.Account, accounts.RefusedLimited, err)
				}
				counted = true
			}
			var l SetupLink
			if c, l, err = decide(by, f); err != nil {
				return false, err
			}
			l.Version++
			l.Hash = token.Hash{}
			out.link, out.fresh = l, true
			return true, once.Keep(&c.Change, l)
		})
		return c, err
	})
	if err != nil {
		return made{}, err
	}
	return out, nil
}

// asked reads what decides about a client's link, for an actor who manages
// clients. How they stand comes first: its version guards the change, so nothing
// that is read after it can be older.
func (s *SetupLinks) asked(ctx context.Context, op accounts.Operation, key accounts.ClientKey) (accounts.Member, SettingUp, error) {
	none := func(err error) (accounts.Member, SettingUp, error) { return accounts.Member{}, SettingUp{}, err }
	own := accounts.StandingKey{User: op.Actor.User(), Account: key.Account}
	list, err := s.st.Standings(ctx, []accounts.StandingKey{own})
	if err != nil {
		return none(err)
	}
	if err := op.May(list[0], roles.ManageClients); err != nil {
		return none(err)
	}
	var by accounts.Member
	if by.User, err = s.st.User(ctx, accounts.UserKey{ID: own.User}); err != nil {
		return none(err)
	}
	if by.Membership, err = s.st.Membership(ctx, own); err != nil {
		return none(err)
	}
	f, err := s.st.SettingUp(ctx, SettingUpQuery{ClientKey: key, Day: accounts.DayOf(op.At)})
	if err != nil {
		return none(err)
	}
	if f.Account.Version != list[0].Account.Version {
		return none(accounts.ErrConflict)
	}
	return by, f, nil
}

// freshSetup returns a link that nobody has seen.
func (s *SetupLinks) freshSetup() (newLink, error) {
	secret, hash, err := token.New(token.Setup, s.env.Secrets())
	return newLink{Secret: secret, Hash: hash}, err
}
