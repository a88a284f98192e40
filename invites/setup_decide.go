package invites

import (
	"cmp"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// wanted decides whether a setup link is made for a client: one who is there,
// may come in, and has not come in yet.
func (f SettingUp) wanted() error {
	switch {
	case !f.Client.There():
		return accounts.ErrNotFound
	case !f.Client.SuspendedAt.IsZero():
		return &accounts.InvalidError{Field: "client", Reason: "is suspended; reactivate them first"}
	case f.Client.User != "":
		return ErrSetUp
	}
	return nil
}

// generate decides whether somebody is shown a setup link, to hand it over.
func generate(op accounts.Operation, by accounts.Member, f SettingUp, fresh newLink) (Change, SetupLink, error) {
	if err := f.wanted(); err != nil {
		return Change{}, SetupLink{}, err
	}
	c := Change{Change: op.Relying()}
	l := f.remake(op, &c, fresh, EventSetupGenerated).by(op, by)
	c.SetupLinks = []SetupLink{l}
	return c, l, nil
}

// sendSetup decides whether a setup link is mailed to the client, in the words
// that were edited.
func sendSetup(op accounts.Operation, by accounts.Member, f SettingUp, edits mail.Draft, today int, fresh newLink) (Change, SetupLink, error) {
	none := func(err error) (Change, SetupLink, error) { return Change{}, SetupLink{}, err }
	m, _, err := composeSetup(op, by.User, f, edits)
	if err != nil {
		return none(err)
	}
	sent := setupQuota(op, f.Client.Account, today)
	if sent.Left() == 0 {
		return none(op.Refuse(f.Client.Account, accounts.RefusedQuota, sent.Err()))
	}
	mails, err := recipientQuota(op, f.Client.Account, f.Client.Email, f.Mails)
	if err != nil {
		return none(err)
	}
	c := Change{Change: op.Relying()}
	l := f.remake(op, &c, fresh, EventSetupSent).by(op, by).mailed(op)
	c.SetupLinks = []SetupLink{l}
	c.Spend = []accounts.Spend{sent.Spend(1), mails.Spend(1)}
	letter := f.letter(op, by.User, fresh.url(op, f), l)
	if err := op.Write(&c.Change, letter); err != nil {
		return none(err)
	}
	out := &c.Mail[len(c.Mail)-1]
	out.Subject, out.Text = m.Subject, m.whole(letter.Data.Link)
	return c, l, nil
}

// refreshSetup decides whether a link that is too old to come in with is
// replaced by one that is mailed to the client. The time until which the
// account lets the client in stays as it was.
func refreshSetup(op accounts.Operation, f SettingUp, fresh newLink) (Change, error) {
	if f.usable(op) != nil {
		return Change{}, accounts.ErrNotFound
	}
	if !f.Link.stale(op) {
		return Change{}, &accounts.InvalidError{Field: "link", Reason: "is fresh enough to come in with"}
	}
	mails, err := recipientQuota(op, f.Client.Account, f.Client.Email, f.Mails)
	if err != nil {
		return Change{}, accounts.Plain(err)
	}
	c := Change{Change: op.Change()}
	l := f.remake(op, &c, fresh, EventSetupRefreshed).mailed(op)
	c.SetupLinks = []SetupLink{l}
	c.Spend = []accounts.Spend{mails.Spend(1)}
	letter := f.letter(op, accounts.User{}, fresh.url(op, f), l)
	letter.Kind = mail.SetupRefreshed
	err = op.Write(&c.Change, letter)
	return c, err
}

// remake adds to a change what every new link comes with, and returns the link,
// which takes the place of the one before.
func (f SettingUp) remake(op accounts.Operation, c *Change, fresh newLink, kind accounts.EventKind) SetupLink {
	c.Guards = append(c.Guards, accounts.Guard{Account: f.Account.ID, Version: f.Account.Version})
	client := f.Client
	client.InvitedAt, client.UpdatedAt = op.At, op.At
	c.Clients = []accounts.Client{client}
	c.CancelMail = append(c.CancelMail, setupReason(client.ClientKey))
	op.Record(&c.Change, accounts.Event{Kind: kind, Account: client.Account, Client: client.ID})
	l := f.Link
	l.ClientKey, l.Hash, l.Epoch, l.Mailed, l.Proves = client.ClientKey, fresh.Hash, client.Epoch, false, false
	l.CreatedAt, l.UsedAt = op.At, time.Time{}
	return l
}

// by returns the link as somebody's who makes it now, with its whole life before
// it.
func (l SetupLink) by(op accounts.Operation, m accounts.Member) SetupLink {
	l.Maker, l.Tenure, l.Suspensions = m.User.ID, m.Membership.Tenure, m.User.Suspensions
	l.ExpiresAt = op.At.Add(op.Rules.Limits.SetupTTL)
	return l
}

// mailed returns the link as one that is mailed. It proves the mailbox where its
// page is on the product's own host: whoever holds an account's own domain can
// read what its pages are asked for.
func (l SetupLink) mailed(op accounts.Operation) SetupLink {
	pages := op.Rules.Links
	page, err := url.Parse(pages.SetUp(l.Account, "cset_"))
	own, err2 := url.Parse(pages.LogIn())
	l.Mailed = true
	l.Proves = err == nil && err2 == nil && page.Host != "" && page.Scheme == own.Scheme && strings.EqualFold(page.Host, own.Host)
	return l
}

// setupQuota is the counter of an account's setup mails.
func setupQuota(op accounts.Operation, account accounts.AccountID, used int) accounts.Quota {
	return accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaSetupMails, Subject: string(account), Day: accounts.DayOf(op.At)},
		Used: used, Limit: op.Rules.Limits.SetupMailsPerDay,
	}
}

// sample stands for a link that is still to be made. No words of a user can
// come to it: mail makes web addresses inert.
const sample = "https://setup.invalid/link"

// composeSetup returns the mail of a setup link as it will be sent, the
// library's or the host's own words where nobody edited them; and the message of
// it with the sample in the place of its link.
func composeSetup(op accounts.Operation, by accounts.User, f SettingUp, edits mail.Draft) (SetupMail, mail.Message, error) {
	none := func(err error) (SetupMail, mail.Message, error) { return SetupMail{}, mail.Message{}, err }
	if err := f.wanted(); err != nil {
		return none(err)
	}
	letter := f.letter(op, by, sample, SetupLink{CreatedAt: op.At, ExpiresAt: op.At.Add(op.Rules.Limits.SetupTTL)})
	page, err := render(op, letter)
	if err != nil {
		return none(err)
	}
	text, closing := mail.SplitClosing(page.Text)
	own, err := mail.DraftOf(page.Subject, text, sample)
	if err != nil {
		return none(err)
	}
	edits.Subject, edits.Text = cmp.Or(edits.Subject, own.Subject), cmp.Or(edits.Text, own.Text)
	edits, err = edits.Clean()
	var bad *mail.DraftError
	if errors.As(err, &bad) {
		return none(&accounts.InvalidError{Field: bad.Field, Reason: bad.Reason})
	}
	if err != nil {
		return none(err)
	}
	m := SetupMail{Subject: edits.Subject, Text: edits.Text, Closing: closing}
	page.Subject, page.Text = m.Subject, m.whole(sample)
	return m, page, nil
}

// render returns a letter as a message that is not kept.
func render(op accounts.Operation, l accounts.Letter) (mail.Message, error) {
	c := op.Change()
	if err := op.Write(&c, l); err != nil {
		return mail.Message{}, err
	}
	if len(c.Mail) == 0 {
		return mail.Message{}, accounts.ErrNotFound // a record without an address was forgotten
	}
	return c.Mail[0], nil
}

// letter is the mail of a setup link. It says until when the link lets the client
// in; in the strict mode an older one still asks for a fresh one, and the page
// says so.
func (f SettingUp) letter(op accounts.Operation, by accounts.User, page string, l SetupLink) accounts.Letter {
	return accounts.Letter{
		Kind: mail.SetupInvitation, Account: f.Account.ID, Branded: true, Locale: f.Account.Locale, To: f.Client.Contact(),
		Reason: setupReason(f.Client.ClientKey), Priority: mail.Awaited, NotAfter: l.ExpiresAt,
		Data: mail.Data{
			Account: f.Account.Name, Sender: cmp.Or(by.Label(), f.Account.Name), Recipient: f.Client.Name(),
			Address: f.Client.Address, Link: page, ExpiresAt: l.until(op), At: op.At,
		},
	}
}

// url returns the address of the page on which the link is used.
func (n newLink) url(op accounts.Operation, f SettingUp) string {
	return op.Rules.Links.SetUp(f.Account.ID, n.Secret.Reveal())
}

// setupReason is why mail with a setup link exists. What ends the client record
// ends it too.
func setupReason(k accounts.ClientKey) mail.Reason {
	return mail.ReasonFor("account", string(k.Account), "record", string(k.ID), "setup")
}

// usable returns why a link leads nowhere, or not now.
func (f SettingUp) usable(op accounts.Operation) error {
	switch {
	case !f.Account.Open():
		return accounts.ErrNotFound
	case f.Link.Counts(op.At, f.Client.ClientState, f.Maker):
		return nil
	case f.Client.Active() && (f.Client.User != "" || !f.Link.UsedAt.IsZero()):
		return ErrUsed
	case f.Client.Active() && f.Link.Epoch == f.Client.Epoch && !op.At.Before(f.Link.ExpiresAt):
		return &accounts.ExpiredError{What: "setup link", At: f.Link.ExpiresAt}
	}
	return accounts.ErrNotFound // the client was suspended or deleted since, or the maker lost the right
}

// stale reports whether the link is too old to come in with, in the strict mode
// of the limits.
func (l SetupLink) stale(op accounts.Operation) bool { return !op.At.Before(l.until(op)) }

// until returns when the link lets nobody in any more.
func (l SetupLink) until(op accounts.Operation) time.Time {
	if strict := op.Rules.Limits.SetupStrict; strict > 0 && l.CreatedAt.Add(strict).Before(l.ExpiresAt) {
		return l.CreatedAt.Add(strict)
	}
	return l.ExpiresAt
}

// setUp decides whether the holder of a link comes in with a new login. One that
// proves the mailbox gives a login to whoever is a user with the address and has
// none; any other only makes new users, whose address is unproven.
func setUp(op accounts.Operation, f SettingUp, in newcomer) (Change, accounts.ClientState, error) {
	none := func(err error) (Change, accounts.ClientState, error) { return Change{}, accounts.ClientState{}, err }
	if f.usable(op) != nil {
		return none(accounts.ErrNotFound)
	}
	if f.Link.stale(op) {
		return none(ErrStale)
	}
	op, c, u, err := in.enter(op, f.Holder, f.Client.Email, f.Client.Address, f.Link.Proves)
	if err != nil {
		return none(err)
	}
	c, out, err := comeIn(op, c, f, u)
	// Nobody is known who could be refused on record: the user is none yet.
	return c, out, accounts.Plain(err)
}

// joinSetup decides whether the acting user comes in as a client, with the login
// that they have. Doing so again is no change.
func joinSetup(op accounts.Operation, f SettingUp) (Change, accounts.ClientState, error) {
	none := func(err error) (Change, accounts.ClientState, error) { return Change{}, accounts.ClientState{}, err }
	u, account := f.Joiner, f.Account.ID
	if err := op.Self(u.UserState); err != nil {
		return none(err)
	}
	err := f.usable(op)
	if u.Email == "" || u.Email != f.Client.Email || !u.Proven {
		switch { // to anybody else it says no more than the link does
		case err != nil:
			err = accounts.ErrNotFound
		case u.Email == f.Client.Email:
			err = ErrUnproven
		default:
			err = ErrOtherAddress
		}
		return none(op.Refuse(account, accounts.RefusedToken, err))
	}
	if f.Account.Open() && f.Client.Active() && f.Client.User == u.ID && !f.Link.UsedAt.IsZero() {
		return Change{}, f.Client.ClientState, nil
	}
	if err == nil && f.Link.stale(op) {
		err = ErrStale
	}
	if err != nil {
		return none(op.Refuse(account, accounts.RefusedToken, err))
	}
	if err := op.Confirmed(u.UserState, EventClientJoined, account); err != nil {
		return none(err)
	}
	c := Change{Change: op.Relying()}
	// Their row is guarded by writing it: the address stays theirs.
	u.UpdatedAt = op.At
	c.Users = []accounts.User{u}
	return comeIn(op, c, f, u)
}

// comeIn adds to a change everything that makes somebody the user of a client
// record. It decides on what they are at the account besides: nobody is a
// client and a member of one account, and nobody is its client twice.
func comeIn(op accounts.Operation, c Change, f SettingUp, u accounts.User) (Change, accounts.ClientState, error) {
	none := func(err error) (Change, accounts.ClientState, error) { return Change{}, accounts.ClientState{}, err }
	if f.As.There() && f.As.ID != f.Client.ID || f.Member.Active() {
		return none(&accounts.TakenError{Field: "user"})
	}
	if f.Member.Role != "" && !f.Member.SuspendedAt.IsZero() { // ended or not, it bars them
		return none(op.Refuse(f.Account.ID, accounts.RefusedDenied, &roles.DeniedError{
			Action: roles.SeeAccount, Why: "your membership here is suspended; ask the account's owners",
		}))
	}
	c.Guards = append(c.Guards, accounts.Guard{Account: f.Account.ID, Version: f.Account.Version})
	if !f.Link.Mailed { // the link rests on them; their membership is the account's
		c.Guards = append(c.Guards, accounts.Guard{User: f.Maker.User.ID, Epoch: f.Maker.User.Epoch})
	}
	client := f.Client
	// No login of theirs counted here before, so none is too old.
	client.User, client.After, client.AfterAt, client.UpdatedAt = u.ID, 0, time.Time{}, op.At
	if client.ActiveAt.IsZero() {
		client.ActiveAt = op.At
	}
	c.Clients = []accounts.Client{client}
	l := f.Link
	l.UsedAt = op.At
	c.SetupLinks = []SetupLink{l}
	c.CancelMail = append(c.CancelMail, setupReason(client.ClientKey))
	op.Record(&c.Change, accounts.Event{Kind: EventClientJoined, Account: client.Account, User: u.ID, Client: client.ID})
	return c, client.ClientState, nil
}
