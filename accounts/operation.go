package accounts

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Rules are what decisions go by: everything of an [Env] that is a value and
// touches nothing.
type Rules struct {
	Ladder    *roles.Ladder
	Catalog   *roles.Catalog
	Policy    Policy
	Limits    Limits
	Links     Links
	Templates *mail.Templates
	Product   string
}

// Rules returns what decisions go by.
func (e *Env) Rules() Rules {
	return Rules{
		Ladder: e.o.Ladder, Catalog: e.o.Catalog, Policy: e.o.Policy, Limits: e.o.Limits,
		Links: e.o.Links, Templates: e.o.Templates, Product: e.o.Product,
	}
}

// Operation is one act: who, when and by which rules. Its methods are the
// decisions of this package: they take facts and return a [Change] or a typed
// refusal, and touch nothing. One Operation serves all attempts at the act.
//
// Services make operations. A test harness that drives the decisions makes its
// own, with a moment and an id of its choice.
type Operation struct {
	ID    OpID
	At    time.Time
	Actor Actor
	Rules Rules

	// Challenge is the code that the actor passed for this act, if they did:
	// what the store holds under [Operation.ChallengeKey]. The change of the
	// act uses it up.
	Challenge Challenge
}

// Begin returns a fresh operation of an actor at this moment.
func (e *Env) Begin(actor Actor) Operation {
	at := e.Now()
	return Operation{ID: OpID(e.NewID(at)), At: at, Actor: actor, Rules: e.Rules()}
}

// Change returns an empty change of the operation.
func (o Operation) Change() Change { return Change{Op: o.ID} }

// Relying returns an empty change that fails if the acting user is suspended,
// or their sessions end, before it is durable. A code that was passed for the
// act is used up by it.
func (o Operation) Relying() Change {
	c := o.Change()
	if o.Actor.user != "" {
		c.Guards = []Guard{{User: o.Actor.user, Epoch: o.Actor.epoch}}
	}
	if o.Challenge.passed(o.At, o.Actor.epoch) {
		used := o.Challenge
		used.UsedAt = o.At
		c.Challenges = []Challenge{used}
	}
	return c
}

// Record adds an event to a change, stamped with the operation, the moment and
// the actor.
func (o Operation) Record(c *Change, e Event) {
	e.Op, e.At, e.By, e.Seq = o.ID, o.At, o.Actor.By(), len(c.Events)+1
	c.Events = append(c.Events, e)
}

// Letter is a mail that a change carries.
type Letter struct {
	Kind     string
	Channel  mail.Channel // "": mail.Email
	Account  AccountID    // on whose behalf
	Branded  bool         // it comes from the account itself, where the host's Links say so
	Locale   string       // the account's, for a recipient who has none
	To       Contact
	Phone    string // where it goes on the channel mail.SMS
	Reason   mail.Reason
	Priority mail.Priority
	NotAfter time.Time
	Data     mail.Data
}

// Write renders a letter and adds it to a change. People without an address, or
// on the channel mail.SMS without a phone, get none. The message's id follows
// from the operation and its place in the change, so that the same change writes it
// once; it names nobody, since ids go into logs. It returns the template's error,
// and refuses a sender of the host's that is no plain mailbox.
func (o Operation) Write(c *Change, l Letter) error {
	channel, to := cmp.Or(l.Channel, mail.Email), string(l.To.Email)
	if channel == mail.SMS {
		to = l.Phone
	}
	if to == "" {
		return nil
	}
	from, err := o.sender(l)
	if err != nil {
		return err
	}
	l.Data.Product = cmp.Or(from.Name, o.Rules.Product)
	if l.Data.At.IsZero() {
		l.Data.At = o.At
	}
	locale := cmp.Or(l.To.Locale, l.Locale)
	subject, text, err := o.Rules.Templates.Render(l.Kind, locale, l.Data)
	if err != nil {
		return err
	}
	c.Mail = append(c.Mail, mail.Message{
		ID:      fmt.Sprintf("%s.%d", o.ID, len(c.Mail)+1),
		Channel: channel, Kind: l.Kind, Account: string(l.Account), From: from, To: to, ToName: Clip(l.To.Name, maxName), User: string(l.To.User),
		Locale: locale, Subject: subject, Text: text, Data: l.Data, Reason: l.Reason, Priority: l.Priority,
		Due: o.At, NotAfter: l.NotAfter, CreatedAt: o.At,
	})
	return nil
}

// sender returns from whom a letter comes: the zero Sender is the product.
func (o Operation) sender(l Letter) (mail.Sender, error) {
	if !l.Branded {
		return mail.Sender{}, nil
	}
	from := o.Rules.Links.Sender(l.Account)
	// It is often the account's own word, and ends in a header: without a sign that
	// would make another address of it.
	from.Name = strings.ReplaceAll(Clip(from.Name, maxName), "@", " ")
	if from.Address == "" {
		return from, nil
	}
	canonical, err := ParseEmail(from.Address)
	if err != nil {
		// It is the host's mistake, and no input of whoever asks.
		return mail.Sender{}, fmt.Errorf("accounts: the Links' sender of account %s is no plain mailbox", l.Account)
	}
	from.Address = string(canonical)
	return from, nil
}

// May decides whether the actor has a permission at the account of a standing:
// nil, or a refusal. Somebody with no route to the account is told that there
// is none. An actor that was admitted to an account acts there and nowhere
// else, so that a page open on one account never acts on another; one that was
// admitted to none acts at whichever account the call names.
func (o Operation) May(s Standing, p roles.Permission) error {
	a := o.Actor
	if a.client != "" {
		return o.viewing(p)
	}
	if a.user == "" {
		return o.Refuse(s.Account.ID, RefusedDenied, &roles.DeniedError{Action: p, Why: "only a signed-in user may do this"})
	}
	if a.account != "" && a.account != s.Account.ID {
		return &InvalidError{Field: "account", Reason: "is not the one that the actor was admitted to"}
	}
	if s.Account.ID == "" || s.User.ID != a.user {
		return ErrNotFound
	}
	if s.User.Epoch != a.epoch {
		return ErrStepUp
	}
	rights := s.Rights(o.Rules.Ladder, a.proof)
	if a.ownOnly && rights.Delegated() != "" {
		if rights = o.Rules.Ladder.Rights(rights.Direct(), ""); rights.None() {
			return ErrStepUp
		}
	}
	if rights.None() && s.AsClient(a.proof) {
		return o.Refuse(s.Account.ID, RefusedDenied, &roles.DeniedError{
			Action: p, Why: "a client sees the sites that they were given, and nothing else of the account",
		})
	}
	if rights.None() {
		return o.Refuse(s.Account.ID, RefusedOutsider, ErrNotFound)
	}
	if err := rights.Check(p); err != nil {
		return o.Refuse(s.Account.ID, RefusedDenied, err)
	}
	return nil
}

// Self decides whether the actor is a user, with a login that still counts. To
// anybody else there is no such user ([ErrNotFound]); a login that was ended
// asks for another ([ErrStepUp]).
func (o Operation) Self(u UserState) error {
	switch {
	case o.Actor.client != "":
		return o.viewing("self")
	case o.Actor.user == "" || o.Actor.user != u.ID:
		return ErrNotFound
	case o.Actor.epoch != u.Epoch || !u.Active():
		return ErrStepUp
	}
	return nil
}

// viewing refuses somebody who views as a client: whatever this library does is
// done as oneself.
func (o Operation) viewing(action roles.Permission) error {
	return o.Refuse(o.Actor.account, RefusedViewing, &roles.DeniedError{
		Action: action, Why: "whoever views as a client only looks; go back to your own session",
	})
}

// SelfOrHost is [Operation.Self] that lets the host's jobs and staff pass.
func (o Operation) SelfOrHost(u UserState) error {
	if o.Actor.IsHost() {
		return nil
	}
	return o.Self(u)
}

// ByHost refuses everybody but the host's jobs and staff.
func (o Operation) ByHost(action roles.Permission) error {
	if o.Actor.IsHost() {
		return nil
	}
	return &roles.DeniedError{Action: action, Why: "only a job or an operator of the host may do this"}
}

// ByOperator refuses everybody but the host's staff. A refusal goes into the
// audit of the account, where there is one.
func (o Operation) ByOperator(account AccountID) error {
	if o.Actor.IsOperator() {
		return nil
	}
	return o.Refuse(account, RefusedDenied, &roles.DeniedError{Action: "operate", Why: "only an operator of the host may do this"})
}

// Fresh decides whether the acting user proved recently enough who they are
// for an action that cannot be undone: by a login younger than
// [Limits.FreshLogin] or, with identity confirmation on, by a code that was
// asked for this action at this account, with this login. It returns
// [ErrStepUp], for a code a [*CodeError].
func (o Operation) Fresh(u UserState, action EventKind, account AccountID) error {
	if u.Confirms {
		return o.Confirmed(u, action, account)
	}
	if !o.Actor.Fresh(o.At, o.Rules.Limits.FreshLogin) {
		return ErrStepUp
	}
	return nil
}

// Confirmed decides whether a user whose identity confirmation is on passed a
// code for an action at an account. Nobody else is asked for one.
func (o Operation) Confirmed(u UserState, action EventKind, account AccountID) error {
	if !u.Confirms {
		return nil
	}
	key := o.ChallengeKey(action, account)
	if u.ID != key.User || o.Challenge.ChallengeKey != key || !o.Challenge.passed(o.At, u.Epoch) {
		return &CodeError{Action: action, Account: account}
	}
	return nil
}

// ChallengeKey names the code that the actor would be asked for before an
// action at an account.
func (o Operation) ChallengeKey(action EventKind, account AccountID) ChallengeKey {
	return ChallengeKey{User: o.Actor.user, Session: o.Actor.session, Action: action, Account: account}
}

// Why an actor was refused, as refusal events name it.
const (
	RefusedDenied   = "denied"   // the role is too low
	RefusedOutsider = "outsider" // no route leads the actor here
	RefusedLimited  = "limited"  // too many in a short time
	RefusedQuota    = "quota"    // a durable limit is used up
	RefusedToken    = "token"    // a link that names nothing, or nothing any more
	RefusedViewing  = "viewing"  // somebody who views as a client, and only looks
)

// Refuse marks an error as a refusal that belongs in the audit of an
// account. The caller gets the error itself. Without a known account or actor
// nothing is marked.
func (o Operation) Refuse(account AccountID, code string, err error) error {
	if account == "" || !o.Actor.Known() {
		return err
	}
	return &refusal{account: account, code: code, err: err}
}

// refusal carries a marked error from a decision to the service, which takes
// it out again.
type refusal struct {
	account AccountID
	code    string
	err     error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refused returns the change that records a refusal, whether there is one to
// record, and the caller's error.
func (o Operation) refused(kind EventKind, err error) (Change, bool, error) {
	var r *refusal
	if !errors.As(err, &r) {
		return Change{}, false, err
	}
	c := o.Change()
	o.Record(&c, Event{Kind: EventRefused, Account: r.account, Action: kind, Refusal: r.code})
	return c, true, r.err
}

// Plain returns the error that a caller is told: a refusal without its mark.
// Most hosts won't need this; [Run] does it.
func Plain(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return r.err
	}
	return err
}
