package accounts

import (
	"context"

	"github.com/chatelaine-go/chatelaine/mail"
)

// MailStore is what [Desk] needs from a store, beside the graph.
type MailStore interface {
	Store

	// Mails is that of [mail.Outbox].
	Mails(ctx context.Context, q mail.Query) ([]mail.Record, error)
}

// Desk is where the host's support staff look after mail: what was sent, what
// waits, what was given up and why. It is for operators and jobs, and shows them
// no subject and no text.
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
	if err := checkText("mail", id, 1, 200); err != nil {
		return err
	}
	op := d.service.env.Begin(actor)
	return d.service.run(ctx, op, EventMailRequeued, func(ctx context.Context) (Change, error) {
		if err := op.ByHost("mail.requeue"); err != nil {
			return Change{}, err
		}
		list, err := d.st.Mails(ctx, mail.Query{ID: id})
		if err != nil {
			return Change{}, err
		}
		if len(list) == 0 {
			return Change{}, ErrNotFound
		}
		return op.RequeueMail(list[0])
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
