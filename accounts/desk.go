package accounts

import (
	"context"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// MailStore is what [Desk] needs from a store, beside the graph.
type MailStore interface {
	Store

	// Mails is that of [mail.Outbox].
	Mails(ctx context.Context, q mail.Query) ([]mail.Record, error)
}

// Desk is where the host's support staff look after mail: what was sent, what
// waits, what was given up or came back, and why. It is for operators and jobs,
// and shows them no subject and no text.
type Desk struct {
	service *Service
	st      MailStore
}

// NewDesk returns a desk on a store. A nil environment takes every default.
func NewDesk(st MailStore, env *Env) (*Desk, error) {
	if st == nil {
		return nil, &InvalidError{Field: "store", Reason: "is missing"}
	}
	s, err := New(st, env)
	if err != nil {
		return nil, err
	}
	return &Desk{service: s, st: st}, nil
}

// Mails returns a page of records, by id. Anybody but an operator or a job is
// refused with roles.ErrDenied.
func (d *Desk) Mails(ctx context.Context, actor Actor, q mail.Query) ([]mail.Record, error) {
	if err := d.service.refuseViewing(ctx, actor, "mail.list"); err != nil {
		return nil, err
	}
	if err := (Operation{Actor: actor}).ByHost("mail.list"); err != nil {
		return nil, err
	}
	return d.st.Mails(ctx, q)
}

// Requeue sends a dead message again: it is due at once, with its attempts
// from 0. Anybody but an operator or a job is refused with roles.ErrDenied. Mail
// that is not dead, or whose time is over, is an [*InvalidError] for the field
// "mail"; an id of no mail is [ErrNotFound].
func (d *Desk) Requeue(ctx context.Context, actor Actor, id string) error {
	op := d.service.env.Begin(actor)
	return d.onMail(ctx, op, EventMailRequeued, "mail.requeue", id, op.RequeueMail)
}

// Bounced records the late word that a message which was sent did not arrive,
// as a provider's webhook tells it or a mail that came back: the message is
// bounced, and so the pages of those who caused it show ([mail.Progress]). Of
// why, one line of at most 200 characters is kept with the message, without the
// address; the audit does not have it. Reporting it again changes nothing, and
// neither does a report about mail that was given up or cancelled after all. The id
// is that of the message, which smtp.ParseMessageID of package mail/smtp finds in
// its header.
//
// Anybody but an operator or a job is refused with roles.ErrDenied. An id of no
// mail is [ErrNotFound]: it can have been swept. Mail whose sending is not on record
// yet, because the provider was faster than the dispatcher, is waited for as
// conflicts are ([Limits].Retry, or the deadline of ctx), and is then
// [ErrConflict]: answer the webhook with a 503, and the provider tells it again.
func (d *Desk) Bounced(ctx context.Context, actor Actor, id, why string) error {
	op := d.service.env.Begin(actor)
	return d.onMail(ctx, op, EventMailBounced, "mail.bounce", id, func(m mail.Record) (Change, error) { return op.Bounced(m, why) })
}

// onMail runs an operation on a message, for operators and jobs.
func (d *Desk) onMail(ctx context.Context, op Operation, kind EventKind, what roles.Permission, id string, decide func(m mail.Record) (Change, error)) error {
	if err := checkText("mail", id, 1, 200); err != nil {
		return err
	}
	return d.service.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		if err := op.ByHost(what); err != nil {
			return Change{}, err
		}
		list, err := d.st.Mails(ctx, mail.Query{ID: id})
		if err != nil {
			return Change{}, err
		}
		if len(list) == 0 {
			return Change{}, ErrNotFound
		}
		return decide(list[0])
	})
}

// RequeueMail decides whether a dead message is sent again.
func (o Operation) RequeueMail(m mail.Record) (Change, error) {
	if err := o.ByHost("mail.requeue"); err != nil {
		return Change{}, err
	}
	switch {
	case m.State != mail.Dead:
		return Change{}, &InvalidError{Field: "mail", Reason: "is " + string(m.State) + ", and only dead mail is sent again"}
	case !m.NotAfter.IsZero() && !o.At.Before(m.NotAfter):
		return Change{}, &InvalidError{Field: "mail", Reason: "has a link that expired; make a new one instead"}
	}
	c := o.Change()
	c.Requeue = []string{m.ID}
	o.Record(&c, Event{Kind: EventMailRequeued, Account: AccountID(m.Account), Mail: m.ID})
	return c, nil
}

// Bounced decides what becomes of a message that a provider, or a mail that came
// back, says did not arrive. The words of why go with the message, and never into
// the event.
func (o Operation) Bounced(m mail.Record, why string) (Change, error) {
	if err := o.ByHost("mail.bounce"); err != nil {
		return Change{}, err
	}
	switch {
	case m.State == mail.Queued:
		return Change{}, ErrConflict // the report was faster than the record of the sending
	case m.State != mail.Sent:
		return Change{}, nil
	}
	c := o.Change()
	c.Bounced = []mail.Bounce{{ID: m.ID, At: o.At, Error: mail.CleanReason(why, m)}}
	o.Record(&c, Event{Kind: EventMailBounced, Account: AccountID(m.Account), Mail: m.ID})
	return c, nil
}
